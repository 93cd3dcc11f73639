/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which device goes to whom: assignment, alone or as an isolation group.
 */
#ifndef HOLDFAST_IOMMU_H
#define HOLDFAST_IOMMU_H

#include <holdfast/domain.h>

/*
 * Once, after pci_init(): registers the stage "iommu", which switches ACS on in
 * devices that are added, and from then on groups are heeded. 0 or -ENOSPC.
 * Without this call every device is a group of its own.
 */
int pci_iommu_init(void) __must_check;

/* --- assignment ------------------------------------------------------------------------ */

enum {
	PCI_ASSIGN_GROUP = 1 << 0, /* the whole isolation group */
};

#define PCI_REPORT_MAX 16

/* Who, or what, is in the way. */
struct pci_assign_report {
	pci_sbdf_t sbdf;       /* on which device it failed */
	char who[PCI_WHO_LEN]; /* -EBUSY: the owner, or the operation */
	const char *reason;    /* static text; or NULL */
	/* -EPERM: members of the group that do not go, and whose they are. */
	unsigned int missing; /* may exceed the room */
	struct {
		pci_sbdf_t sbdf;
		char owner[PCI_WHO_LEN];
	} member[PCI_REPORT_MAX];
	unsigned int moved; /* how many devices changed hands */
};

/*
 * Could @d have it, as things are? The errors of pci_assign_device() that can
 * be told without trying. @report as there.
 */
int pci_test_assign(struct domain *d, pci_sbdf_t sbdf, unsigned int flags,
		    struct pci_assign_report *report) __must_check;

/*
 * Give a device to a guest: ownership, a hold of kind ASSIGNED, and the guest
 * address *@vsbdf (sbdf 0xffffffff: choose one, and say which). Of a group the
 * others' addresses are chosen.
 *
 * Devices that share an isolation group go together or not at all: without
 * PCI_ASSIGN_GROUP the other members (bridges apart) must be @d's already, or
 * in quarantine; with it those that are not yet @d's come along. All, or none.
 *
 * 0;
 * -ENODEV absent;
 * -EBUSY  another guest's, hidden, or an operation runs: report->who;
 * -EBADF  broken: report->reason;
 * -EINVAL a special domain, or dying; unknown flags; a guest segment not 0;
 * -EPERM  a bridge; the group is not complete (report->member);
 * -EIO    it became broken on the way: in quarantine now, report->reason;
 * -EEXIST guest address taken; -ENOSPC none free; -E2BIG the group is too
 * large; -EOPNOTSUPP a host that is read-only or may block; -ENOMEM; the error
 * of vpci_options.extend.
 * @report may be NULL. May sleep (grace
 * periods, and the end of a reset).
 */
int pci_assign_device(struct domain *d, pci_sbdf_t sbdf, unsigned int flags,
		      pci_sbdf_t *vsbdf, struct pci_assign_report *report)
	__must_check;

/*
 * Take it back: it is the hardware domain's again. 0; -ENODEV @d
 * does not own it; -EBUSY an operation runs on it; -EINVAL a special domain,
 * or flags; -EPERM other members of its group stay with @d, and no
 * PCI_ASSIGN_GROUP; -EIO it has left @d, broken, and is in quarantine.
 * @report may be NULL. May sleep.
 */
int pci_deassign_device(struct domain *d, pci_sbdf_t sbdf, unsigned int flags,
			struct pci_assign_report *report) __must_check;

/* --- groups -------------------------------------------------------------------------------- */

/* Why two devices cannot be isolated from each other. */
enum pci_group_why {
	PCI_GROUP_ALONE,    /* the first: it is asked about */
	PCI_GROUP_FUNCTION, /* functions of one device, no ACS between them */
	PCI_GROUP_PORT,     /* below a port that does not redirect (no ACS) */
	PCI_GROUP_BRIDGE,   /* behind a bridge to conventional PCI: one alias */
	PCI_GROUP_PHANTOM,  /* one uses the other's function number */
	PCI_GROUP_WHYS
};

/* A sentence without the addresses. */
const char *pci_group_why_text(enum pci_group_why why);

struct pci_group_member {
	pci_sbdf_t sbdf;
	enum pci_group_why why; /* it belongs with .with */
	pci_sbdf_t with;        /* a member before it in the list */
	pci_sbdf_t at; /* the port, bridge or device that makes it so */
	bool bridge;   /* not assigned itself */
};

/*
 * The isolation group of a device, itself first (PCIe 6.0 §6.12): from ACS
 * along the path as it was switched on when the devices were added, functions
 * without ACS, bridges to conventional PCI, phantom functions. Copies up to
 * @max; returns how many there are; -ENODEV; -EBUSY it or a member is being
 * drained; -E2BIG more than PCI_GROUP_MAX; -ENOMEM. May sleep.
 */
#define PCI_GROUP_MAX 256 /* members */
int pci_device_group(pci_sbdf_t sbdf, struct pci_group_member *member, int max)
	__must_check;

#endif
