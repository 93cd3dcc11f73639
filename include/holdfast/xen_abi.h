/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Xen interface: what a dom0 and its tools say to Xen about PCI devices, by
 * Xen's numbers, layouts and error codes (Xen 4.17 physdev.h, domctl.h,
 * sysctl.h; physdev operation 32 as of 4.20). docs/coming-from-xen.md compares.
 *
 * Who calls. A vCPU of a domain; all that is done here is the hardware domain's
 * right alone, and that is looked at first, before any memory of the guest: a
 * guest gets -EPERM (XSA-87). Of PHYSDEVOP_* an HVM guest has none: -ENOSYS, as
 * for operations that are not here.
 *
 * Memory. An argument is copied in once, checked, and never read again. -EFAULT
 * has changed nothing: what was done is undone if its answer cannot be written
 * (of pcitopoinfo the nodes before the fault are written).
 *
 * Waiting. -ERESTART: make the same call again, at xen_caller.when or earlier;
 * a hypervisor does so before its guest goes on. Where a device is busy with
 * another operation this lasts XEN_RESTART_TIME at most, then it is -EBUSY; a
 * removal decides itself in XEN_REMOVE_TIME and PCI_QUIESCE_TIME. It goes on
 * with the calls of the vCPU that began it, and with no others: if none comes,
 * its device stays busy, until xen_caller_abandon(). A hypervisor must do one
 * or the other. What is between two calls is in struct xen_caller: names, a
 * time, and of a removal its operation, which has references of its own.
 *
 * Locks. None is held by the caller, and none of this module while the core is
 * called: the table of PIRQs is under a leaf lock. Calls of several vCPUs run
 * side by side. All may sleep where the core's functions say so (grace periods,
 * resets); removals do not, but where they are abandoned.
 */
#ifndef HOLDFAST_XEN_ABI_H
#define HOLDFAST_XEN_ABI_H

#include <holdfast/domain.h>
#include <holdfast/platform.h>

struct pci_removal;

#define XEN_RESTART_TIME (2 * PLAT_NSEC_PER_SEC)
#define XEN_REMOVE_TIME (200 * PLAT_NSEC_PER_MSEC)
#define XEN_PIRQS 1024 /* unless xen_ops.pirqs says otherwise */

/* What the hypervisor brings. Copies are called without locks. */
struct xen_ops {
	/*
	 * @size bytes at @from of the memory of @d: 0; or -EFAULT, if any of
	 * them is not there. copy_to: likewise, and then none is written. The
	 * range does not wrap.
	 */
	int (*copy_from)(struct domain *d, void *to, uint64_t from,
			 size_t size);
	int (*copy_to)(struct domain *d, uint64_t to, const void *from,
		       size_t size);
	/* Should this vCPU do something else by now? NULL: never. */
	bool (*preempt)(void);
	/* The NUMA node of an ACPI proximity domain; -1: none. NULL: itself. */
	int (*pxm_to_node)(uint32_t pxm);
	/*
	 * PIRQ @pirq has come, for the hardware domain's event channel. In a
	 * section, any context, interrupts included, a device's lock may be
	 * held: note it and return, no call into the core. NULL: nobody wants
	 * to know.
	 */
	void (*pirq)(int pirq);
	unsigned int pirqs; /* they are numbered from 16 up to below this */
};

/*
 * After pci_init() and the stages, before the first call. @ops stays valid.
 * 0; -ENOMEM; -EINVAL no copies. fini: after the last call, and before
 * pci_fini().
 */
int xen_abi_init(const struct xen_ops *ops) __must_check;
void xen_abi_fini(void);

/* One for each vCPU; only who runs that touches it. */
struct xen_caller {
	struct domain *domain; /* owns a reference */
	bool hvm;              /* else PV */
	bool pirqs;            /* of HVM: has physical interrupts */
	uint64_t when;         /* of -ERESTART: plat_now() */

	/* What was told -ERESTART; the module's own. */
	unsigned int cmd;
	pci_sbdf_t sbdf;
	uint64_t until;
	bool again; /* nothing was in the way any more: the last time */
	struct pci_removal *removal; /* owned */
};

void xen_caller_init(struct xen_caller *caller, struct domain *d, bool hvm);
/*
 * The vCPU does not come back for what it was told -ERESTART of (it was reset,
 * or is paused for good): it is cancelled. May sleep.
 */
void xen_caller_abandon(struct xen_caller *caller);
/* The vCPU dies: likewise. */
void xen_caller_fini(struct xen_caller *caller);

/*
 * PHYSDEVOP_*, with the address of its argument in the guest. All: -EPERM,
 * -ENOSYS (above), -EFAULT. Of a device (all but 14 and 24): -ENODEV there is
 * none; -ERESTART, and in the end -EBUSY, another operation runs on it. Besides
 * (numbers: physdev.h)
 *
 * 15, 20, 25 add: 0, also for the same device again. The hardware says what it
 *    is; of VFs the PF that is named has to be there, or -ENODEV and nothing
 *    has changed (H9). -EINVAL malformed flags (20); -EAGAIN it is not ready;
 *    -ENXIO a bridge above it is not registered; -EIO it cannot be read;
 *    -ENOMEM. The node (25) of the optional PXM is noted after that.
 * 16, 26 remove: 0 only if nobody uses it any more, so that it may be pulled.
 *    -EBUSY it is assigned, has VFs, or is held: nothing has changed. -EIO it
 *    would not become quiet, and stays, broken; -EOPNOTSUPP a read-only host;
 *    -ENOMEM.
 * 19, 27 restore MSI: pci_restore_msi(): -ENXIO, -EOPNOTSUPP.
 * 30, 31 prepare, release MSI-X: pci_prepare_msix(), pci_release_msix(): -EBUSY
 *    also for vectors in use; -ENODEV no MSI-X (H11).
 * 24 MMCFG: a window of the hardware domain, as vpci_ecam_add(), if it is
 *    reserved; the same again is 0. -EINVAL flags, an empty range or one that
 *    is not aligned; -ENODEV no such segment; -EIO known at another address;
 *    -EEXIST overlaps another; -ENOMEM.
 * 32 reset: FLR by that or its older forms (AF); HOT, WARM by the bus; COLD
 *    nobody can: -EOPNOTSUPP, as whatever the device has no method for. -EINVAL
 *    flags; -EBADF it is broken; -EIO it failed, and is in quarantine. Its PIRQs
 *    stay what they are, or, if it failed, are of nothing.
 * 13, 14 map, unmap PIRQ: message interrupts of the hardware domain's devices
 *    by pci_irq_bind(), with its errors; they start masked (xen_pirq_mask()).
 *    A PIRQ is one binding: what comes to its device or vector later is not its.
 *    Unmapping never waits for an operation: no -EBUSY, no -ERESTART.
 *    -ESRCH no such domain; -EOPNOTSUPP another one's: a guest's come by what it
 *    writes to its device; -EINVAL type, a line (they are not this layer's), a
 *    table with MULTI_MSI, no such PIRQ, or not the first of several; -EDOM not
 *    1 to 32 vectors; -EEXIST the PIRQ is taken; -ENOSPC none is free; -ENFILE
 *    the device has fewer, and entry_nr says how many.
 */
int xen_physdev_op(struct xen_caller *caller, unsigned int cmd, uint64_t arg);

/*
 * XEN_DOMCTL_*: -EFAULT, -EPERM, -ENOSYS; -EACCES another version of the
 * interface; -ESRCH no such domain; -ERESTART. Then
 *
 * assign, test_assign: -EINVAL the caller itself, a dying domain, flags; -ENODEV
 *    no PCI device; -EOPNOTSUPP no IOMMU, or a read-only host. Else -ENODEV,
 *    -EBUSY, -EBADF, -EPERM, -EIO, -ENOSPC, -E2BIG, -ENOMEM as
 *    pci_assign_device(), or what the hypervisor's own functions say (the
 *    IOMMU, vpci_options.extend). test_assign: as pci_test_assign(), and -EINVAL
 *    for absent and busy both; for DOMID_INVALID only whether a guest has it.
 *    What was assigned to DOMID_IO rests in quarantine and goes from there
 *    straight to a guest (PCI_ASSIGN_QUARANTINED); what is there for another
 *    reason is -EBADF.
 * deassign: -EINVAL the caller itself, flags; -ENODEV not its; -EBUSY, -EPERM,
 *    -E2BIG, -ENOMEM, -EIO as pci_deassign_device(). From DOMID_IO: to the
 *    hardware domain, as pci_unquarantine_device(); -EOPNOTSUPP a read-only
 *    host.
 * get_device_group: the others of the group that are @domain's, up to max_sdevs,
 *    as bus << 16 | devfn << 8; -ENODEV, -E2BIG, -ENOMEM as
 *    pci_device_group(); -ERESTART, and in the end -EBUSY, one of the group is
 *    being drained.
 */
int xen_domctl(struct xen_caller *caller, uint64_t arg);

/*
 * XEN_SYSCTL_pcitopoinfo: -EFAULT, -EPERM, -ENOSYS, -EACCES; -EINVAL no arrays.
 * 0, and num_devs says how many were done: fewer if xen_ops.preempt said so.
 */
int xen_sysctl(struct xen_caller *caller, uint64_t arg);

/*
 * For who has the event channels: nothing comes of a PIRQ while it is masked,
 * and what does is remembered. 0; -EINVAL not mapped; -ENODEV its vector is
 * gone, with its device, or because a guest was given that.
 */
int xen_pirq_mask(int pirq, bool masked);

#endif
