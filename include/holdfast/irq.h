/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message interrupts of real devices: MSI (PCIe 6.0 §7.7.1) and MSI-X
 * (§7.7.2).
 *
 * A vector of a device is bound to the hypervisor's own handler with
 * pci_irq_bind(), or, by the guest's writes to its view, to the guest that
 * owns the device; then domain_ops.interrupt is told. Either takes a host
 * vector from the host's controller and programs the device with the
 * controller's message. What a guest writes as address and data never reaches
 * hardware.
 *
 * A device that has a vector bound for a guest has a hold of kind IRQ, in that
 * guest's name. It is not asked: it goes with the guest, whose refusal counts
 * for it.
 *
 * A device's own pending bits are the device's: what a masked vector had there
 * when its owner lost it is forgotten by a reset only.
 */
#ifndef HOLDFAST_IRQ_H
#define HOLDFAST_IRQ_H

#include <holdfast/domain.h>

/* --- the host's side ---------------------------------------------------------- */

/* The core's name for vectors allocated together: 1, or of MSI up to 32. */
struct pci_irq;

/* What a device writes, and where, to raise the first vector; the next: +1. */
struct msi_message {
	uint64_t address; /* dword aligned */
	uint32_t data;    /* of @count vectors: the low bits are clear */
};

struct msi_ops {
	/*
	 * Take @count host vectors (a power of two) for messages of requester
	 * @sbdf; from its return on a message with one of these data from that
	 * requester, and from no other (XSA-33, XSA-49), calls
	 * pci_irq_deliver(@irq, i). 0 and *@message; -ENOSPC not so many are
	 * left; -ENOMEM. Nothing is allocated then.
	 *
	 * Context: under the device's lock: short, no waiting, no call into
	 * the core.
	 */
	int (*alloc)(struct pci_host *host, pci_sbdf_t sbdf, unsigned int count,
		     struct pci_irq *irq, struct msi_message *message);
	/*
	 * Give them back: a message that comes after the return finds nothing;
	 * one that had found @irq is delivered before the read-side section
	 * ends in which it did. @irq may be allocated again. Context as alloc;
	 * cannot fail.
	 */
	void (*free)(struct pci_host *host, struct pci_irq *irq);
};

/*
 * Vector @index of @irq has come. From the host, inside a read-side section in
 * which it found @irq allocated; any context, interrupts included; takes no
 * lock. Counted, and handed on or remembered as pending.
 */
void pci_irq_deliver(struct pci_irq *irq, unsigned int index);

/* --- the hypervisor's side -------------------------------------------------------- */

struct pci_irq_options {
	/* No message interrupts on this machine: -EPERM. As without the call. */
	bool off;
};

/*
 * Once, after pci_init(): registers the stage "irq". @options is copied; NULL:
 * all false. 0 or -ENOSPC. Without this call no device sends a message.
 */
int pci_irq_init(const struct pci_irq_options *options) __must_check;

/*
 * In a section, any context; the device's lock may be held: note it and return,
 * no call into the core.
 */
typedef void pci_irq_fn(void *data, unsigned int index);

/*
 * Bind @count vectors from @first to @fn, on a device that the hardware domain
 * owns and on which the caller has a reference. MSI: @first is 0, @count a
 * power of two. They start masked by the host (pci_irq_mask()) unless MSI has
 * no mask bits.
 *
 * 0, all of them; or none and
 * -EPERM   pci_irq_options.off
 * -ENODEV  gone, lost, not the hardware domain's, or no such capability
 * -EBUSY   the other kind is in use, or either by the hardware domain itself
 *          (switched on, or pci_prepare_msix()); or an operation runs
 * -EEXIST  one is bound already
 * -EINVAL  no such vector, or @first and @count as above
 * -ENFILE  more than the device has of MSI
 * -ENXIO   MSI-X: memory decode is off
 * -ENODATA MSI-X: its table is in no memory BAR that is known
 * -ENOSPC  no host vector left
 * -EIO     the host does not write what the device has to be told
 * -EOPNOTSUPP the host has no controller, or may block
 * -ENOMEM
 * May sleep. A device that goes (removed, lost, cut off, given to a guest)
 * loses them first: then @fn is not called any more, and the unbind says
 * -ENOENT. One that was made quiet and stays after all, or was reset by
 * pci_reset_device(), has them again, as they were masked; or, if there is none
 * left by then, or the device cannot be told or stays in quarantine, loses them
 * too (PCI_EVENT_IRQ). @data stays valid until that unbind has returned.
 */
int pci_irq_bind(struct pci_dev *pdev, enum pci_vector_kind kind,
		 unsigned int first, unsigned int count, pci_irq_fn *fn,
		 void *data) __must_check;

/*
 * The reverse, of vectors bound by pci_irq_bind(), with the same arguments.
 * After its return @fn neither runs nor will be called. 0; -ENOENT not bound
 * so. May sleep (a grace period).
 */
int pci_irq_unbind(struct pci_dev *pdev, enum pci_vector_kind kind,
		   unsigned int first, unsigned int count);

/*
 * The host's mask of a vector, apart from the guest's: it is let through when
 * neither is set. What comes meanwhile is pending, and comes once after. A
 * guest's vector keeps it when the guest binds it again. 0; -ENOENT not bound;
 * -EINVAL no such kind. No lock held.
 */
int pci_irq_mask(struct pci_dev *pdev, enum pci_vector_kind kind,
		 unsigned int index, bool masked);

/*
 * The hardware domain gives up its own use of the device's messages, on the
 * device's way to a guest: nothing is bound by pci_irq_bind() until the release
 * (Xen physdev.h, prepare_msix and release_msix). The mark is the hardware
 * domain's; it stays while the device is in quarantine, with a guest, and back
 * again, and is no guest's concern.
 *
 * 0; -ENODEV absent, or without MSI-X (H11); -EBUSY it is (not) prepared
 * already, or a guest has it; to prepare also: vectors are bound, it is not the
 * hardware domain's, or an operation runs on it; 0 and nothing done with
 * pci_irq_options.off.
 */
int pci_prepare_msix(pci_sbdf_t sbdf) __must_check;
int pci_release_msix(pci_sbdf_t sbdf) __must_check;

/*
 * Program the device anew from what is recorded, after it has lost its state
 * (suspend, reset). 0, also when nothing is bound; -ENODEV absent; -ENXIO
 * MSI-X and memory decode is off; -EOPNOTSUPP pci_irq_options.off; -EBUSY an
 * operation runs on it. May sleep.
 */
int pci_restore_msi(pci_sbdf_t sbdf) __must_check;

/* --- knowing ------------------------------------------------------------------------ */

struct pci_irq_info {
	unsigned int msi, msix; /* vectors bound */
	bool guest;             /* … for a guest */
	bool prepared;          /* pci_prepare_msix() */
	unsigned int masked, pending;
	/* A guest's that are on and found no host vector; of MSI: 1 for all. */
	unsigned int failed;
	uint64_t delivered, suppressed; /* suppressed: became pending */
};

/* 0; -ENODEV absent. Any context without the device's lock. */
int pci_irq_query(pci_sbdf_t sbdf, struct pci_irq_info *info) __must_check;

/* Host vectors that the core has now, of all hosts. */
uint64_t pci_irq_vectors(void);

#endif
