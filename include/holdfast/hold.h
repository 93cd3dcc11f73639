/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holds: named, long-lived uses of a device. A device with a hold is not
 * removed unasked; a removal that finds one says who it is and since when.
 *
 * A hold owns a reference. It can be asked to let go (ask posts the wish and
 * returns; the holder answers with pci_hold_release() or pci_hold_refuse()),
 * and it can be cut off: then it is no longer there, and the holder's later
 * release does nothing but free it.
 */
#ifndef HOLDFAST_HOLD_H
#define HOLDFAST_HOLD_H

#include <holdfast/device.h>

enum pci_hold_kind {
	PCI_HOLD_ASSIGNED,  /* to a guest */
	PCI_HOLD_CHILD,     /* a VF of this PF, a function below this bridge */
	PCI_HOLD_IRQ,       /* interrupts bound by a guest */
	PCI_HOLD_SESSION,   /* a guest session or an open file */
	PCI_HOLD_OPERATION, /* long work under way */
	PCI_HOLD_PIN,       /* an administrator's word */
	PCI_HOLD_KINDS
};

const char *pci_hold_kind_name(enum pci_hold_kind kind);

struct pci_hold;

struct pci_hold_ops {
	/*
	 * Somebody wants the device by @deadline (plat_now() units). Called
	 * inside a read-side section, without locks, at most once a removal:
	 * post the wish to whoever can answer, and return. NULL: nobody to
	 * ask; only a cut-off or the holder's own release ends it.
	 */
	void (*ask)(struct pci_hold *hold, void *data, uint64_t deadline);
	/*
	 * The hold has been cut off; the device is no longer the holder's.
	 * Called inside a read-side section, without locks: post it.
	 */
	void (*cut_off)(struct pci_hold *hold, void *data);
};

/*
 * Take a hold on @pdev, on which the caller owns a reference. @who: a name
 * that an administrator understands ("vm1", "root: firmware update"), copied
 * and cut to PCI_WHO_LEN - 1 bytes. @data must stay valid for one grace period
 * after the release (or for ever): an ask may be on its way.
 *
 * Returns 0 and *@out, which the caller gives back with pci_hold_release();
 * -EBUSY a removal has begun; -ENODEV the device is gone or lost; -ENOMEM.
 * May sleep. CHILD and ASSIGNED are the core's own: -EINVAL.
 */
int pci_hold_take(struct pci_dev *pdev, enum pci_hold_kind kind,
		  const char *who, const struct pci_hold_ops *ops, void *data,
		  struct pci_hold **out) __must_check;

/*
 * Let go and free. Also right after a cut-off, and exactly once. Returns true
 * if this ended it, false if it had been cut off. No lock held.
 */
bool pci_hold_release(struct pci_hold *hold);

/* "No": the asking removal need not wait for this holder. No lock held. */
void pci_hold_refuse(struct pci_hold *hold);

struct pci_hold_info {
	enum pci_hold_kind kind;
	char who[PCI_WHO_LEN];
	uint64_t since; /* plat_now() */
	bool can_ask, asked, refused, cut;
	pci_sbdf_t child; /* kind CHILD: which */
};

/*
 * Copy up to @max holds of the device at @sbdf, oldest first. Returns how many
 * there are (may exceed @max), or -ENODEV.
 */
int pci_holds_query(pci_sbdf_t sbdf, struct pci_hold_info *info, int max);

#endif
