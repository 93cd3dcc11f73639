/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the modules above the device take part in its life without being named
 * by it: a fixed sequence of stages (decode, reset, IOMMU, irq, config, vPCI).
 *
 * What comes to a domain is confined first and shown last; what leaves it is
 * hidden first, then made quiet, and only then let out of its confinement.
 */
#ifndef HOLDFAST_STAGE_H
#define HOLDFAST_STAGE_H

#include <holdfast/device.h>

/* Lower ranks first; equal ones in the order of their registration. */
enum pci_stage_rank {
	PCI_STAGE_DECODE = -4, /* the BARs: the others may need them */
	PCI_STAGE_RESET = -3,
	PCI_STAGE_IOMMU = -2,
	PCI_STAGE_IRQ = -1,
	PCI_STAGE_DEVICE = 0, /* config, then vPCI, and what others add */
};

struct pci_stage {
	const char *name;
	int rank;
	/* The device is being added, not yet published. 0 or an error. */
	int (*attach)(struct pci_dev *pdev);
	/*
	 * It is published; the caller of the registration has a reference, and
	 * owns pdev->op: it is nobody else's yet, nor removed.
	 */
	void (*added)(struct pci_dev *pdev);
	/* A guest loses it at once: hide it from the guest, mask, block. */
	void (*cut_off)(struct pci_dev *pdev);
	/*
	 * Make the hardware quiet (of a lost device: only our own state,
	 * without touching it; after an error the others all the same). 0; -EINPROGRESS: not yet, call again;
	 * anything else: it will not, *@why says so. @deadline: plat_now().
	 */
	int (*quiesce)(struct pci_dev *pdev, uint64_t deadline,
		       const char **why);
	/* Undo quiesce: a device that had failed is fit again (pcidev_mend()). */
	void (*restore)(struct pci_dev *pdev);
	/*
	 * It comes to @d, a guest or the hardware domain, which cannot reach it
	 * yet; the caller owns the device's operation. 0 or an error, and then
	 * leave follows. What cannot go home to the hardware domain is marked
	 * broken and stays in quarantine.
	 */
	int (*enter)(struct pci_dev *pdev, struct domain *d);
	/*
	 * Whoever had it cannot reach it since before a grace period that is
	 * over by now: take back what he had. Any number of times. 0;
	 * -EINPROGRESS: call again later, without sleeping meanwhile.
	 */
	int (*leave)(struct pci_dev *pdev);
	/*
	 * @d has given it back while a removal owns the operation and may call
	 * any of these: take out of @d's hands what it had, as for leave. In a
	 * section.
	 */
	void (*revoke)(struct pci_dev *pdev, struct domain *d);
	/* It stays in quarantine, with nobody; by the owner of its operation. */
	void (*rest)(struct pci_dev *pdev);
	/*
	 * @d is dying: no device comes to it any more, and those that it has are
	 * taken from it after this. Without locks; may sleep.
	 */
	void (*domain_dying)(struct domain *d);
	/* The last device has left @d, which is dying. As domain_dying. */
	void (*domain_empty)(struct domain *d);
	/* A domain is about to be freed; from an RCU callback, no locks. */
	void (*domain_gone)(struct domain *d);
	/*
	 * pci_check_invariants(): no operation runs. Under the device's lock.
	 * NULL, or the rule that is broken (static text).
	 */
	const char *(*check)(struct pci_dev *pdev);
	/* The object is about to be freed; from an RCU callback, no locks. */
	void (*detach)(struct pci_dev *pdev);
	/* pci_fini(): no device and no domain is left. */
	void (*fini)(void);
};

/*
 * attach, added, enter, restore and rest in order, the others in reverse order.
 * All but check are called without locks; any member may be NULL. Before the
 * first device only; 0, or -ENOSPC (nine fit).
 */
int pci_stage_register(const struct pci_stage *stage) __must_check;

#endif
