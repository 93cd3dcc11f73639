/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DMA: which memory a device reaches, who is given which device, and what
 * happens to those that nobody may have.
 *
 * The hardware domain's devices reach memory as it is (it is trusted with
 * that); a guest's what domain_dma_map() gave that guest; one in quarantine,
 * or on its way from one owner to another, nothing.
 *
 * Requester IDs: a device's own, those of its phantom functions (PCIe 6.0
 * §2.2.6.2), and the alias that a bridge to conventional PCI puts in their
 * place. A change covers all of them, or none.
 */
#ifndef HOLDFAST_IOMMU_H
#define HOLDFAST_IOMMU_H

#include <holdfast/domain.h>

/* --- the host's side ---------------------------------------------------------- */

/* One domain's page tables in the units of one host: the host's own type. */
struct iommu_space;

enum { IOMMU_READ = 1 << 0, IOMMU_WRITE = 1 << 1 };

/* Where requests of one requester ID go. */
enum iommu_mode {
	IOMMU_BLOCKED,  /* every request faults */
	IOMMU_IDENTITY, /* memory as it is */
	IOMMU_SCRATCH,  /* one page that nobody else uses, at every address */
	IOMMU_SPACE,    /* by the tables of a space */
	IOMMU_MODES
};

/* What units must forget. */
enum iommu_flush_kind {
	IOMMU_FLUSH_CONTEXT, /* where requests of .sbdf go, and how */
	IOMMU_FLUSH_RANGE,   /* [start, start + size) of .space */
	IOMMU_FLUSH_ATS,     /* the device's own: all that .sbdf has cached */
};

struct iommu_flush {
	enum iommu_flush_kind kind;
	pci_sbdf_t sbdf;
	struct iommu_space *space;
	uint64_t start, size;
};

enum iommu_region_kind {
	IOMMU_REGION_RESERVED, /* not translated, or not memory: a hole */
	IOMMU_REGION_DIRECT, /* firmware's: it reaches them at the host's only */
};

struct iommu_region {
	uint64_t start, size; /* bytes, whole pages */
	enum iommu_region_kind kind;
};

/*
 * Context of all, but space_create and space_destroy: any thread, several at
 * once, also under leaf locks of the core; no waiting, no call into the core.
 * Memory may be allocated.
 */
struct iommu_ops {
	/*
	 * Without locks; may sleep, if callers of pci_removal_step() may.
	 * destroy: no context goes there and the unit has forgotten those that
	 * did; whatever else it knows of @space it forgets here. (At pci_fini()
	 * also of what it has not forgotten in time.)
	 */
	int (*space_create)(struct pci_host *host, unsigned int domid,
			    struct iommu_space **out);
	void (*space_destroy)(struct pci_host *host, struct iommu_space *space);
	/*
	 * @dma to @hpa, whole pages, not mapped yet. All or nothing: 0, -ENOMEM.
	 * unmap: what map did, or a part of it; cannot fail. What was cached
	 * of it stays until a flush.
	 */
	int (*map)(struct pci_host *host, struct iommu_space *space,
		   uint64_t dma, uint64_t hpa, uint64_t size,
		   unsigned int flags);
	void (*unmap)(struct pci_host *host, struct iommu_space *space,
		      uint64_t dma, uint64_t size);
	/*
	 * Requests of @rid go there from now on, by one atomic change
	 * (XSA-347). 0; -ENOMEM, -EIO: as before. To BLOCKED it cannot fail.
	 */
	int (*attach)(struct pci_host *host, pci_sbdf_t rid,
		      enum iommu_mode mode, struct iommu_space *space);
	/*
	 * Begin to forget; *@ticket names it. 0; -EBUSY the queue is full: try
	 * again; -EIO. flush_done: 0; -EINPROGRESS; -EIO it failed. A ticket
	 * may be asked about, or not, at any time: one that is over stays over,
	 * and nothing of the core is written when it comes to be (XSA-373).
	 */
	int (*flush)(struct pci_host *host, const struct iommu_flush *what,
		     uint64_t *ticket);
	int (*flush_done)(struct pci_host *host, uint64_t ticket);
	/*
	 * Whether @rid's own translations are answered and believed. On: 0;
	 * -EOPNOTSUPP, -ENOMEM. Off cannot fail, and from its
	 * return on no translated request of @rid is let through, whatever the
	 * unit has cached. Optional: no ATS.
	 */
	int (*ats)(struct pci_host *host, pci_sbdf_t rid, bool on);
	/* The @i-th region for @sbdf: 0; -ENOENT. Optional: none. */
	int (*reserved)(struct pci_host *host, pci_sbdf_t sbdf, unsigned int i,
			struct iommu_region *out);
	/*
	 * Does the unit tell @sbdf from others? Else *@with is one that it
	 * cannot be told from. Optional: it tells all.
	 */
	bool (*tells_apart)(struct pci_host *host, pci_sbdf_t sbdf,
			    pci_sbdf_t *with);
};

enum iommu_fault_reason {
	IOMMU_FAULT_BLOCKED, /* no context */
	IOMMU_FAULT_READ,    /* not mapped, or not for reading */
	IOMMU_FAULT_WRITE,
	IOMMU_FAULT_ATS,       /* a translated request, and ATS is off */
	IOMMU_FAULT_INTERRUPT, /* a message of somebody else's (XSA-33) */
	IOMMU_FAULTS
};

const char *iommu_fault_name(enum iommu_fault_reason reason);

struct iommu_fault {
	pci_sbdf_t rid; /* as the unit saw it */
	enum iommu_fault_reason reason;
	uint64_t address;
};

/*
 * A unit has refused a request. From the host; any context, interrupts
 * included; takes no lock. Counted, of what has an alias at the bridge that
 * gave it; at the threshold work is queued, by the device's name, so it keeps
 * no removal waiting. Returns true if pci_iommu_work() has something to do.
 */
bool pci_iommu_fault(struct pci_host *host, const struct iommu_fault *fault);

/*
 * Do what faults have queued: switch off bus mastering, post events. Soon after
 * a fault that said so; a thread or a soft interrupt, no lock, no section;
 * several may. Does not wait.
 */
void pci_iommu_work(void);

/* --- starting ---------------------------------------------------------------------- */

/* Where a device rests in dom_io. */
enum pci_quarantine {
	PCI_QUARANTINE_BASIC,   /* every request faults */
	PCI_QUARANTINE_SCRATCH, /* reads and writes one page that nobody uses */
	PCI_QUARANTINE_NONE, /* memory as it is: for who trusts every device */
};

struct pci_iommu_options {
	enum pci_quarantine quarantine;
	bool ats; /* switch ATS on for devices that have it */
	/* 0: 10 faults, each within 10 ms of the one before, PCI_FAULT_DECAY */
	unsigned int fault_limit;
};

#define PCI_FAULT_DECAY (10 * PLAT_NSEC_PER_MSEC)
/* A unit or a device that has not forgotten after so long will not. */
#define PCI_FLUSH_TIME (100 * PLAT_NSEC_PER_MSEC)

/*
 * Once, after pci_init(): registers the stage "iommu". @options is copied;
 * NULL: all 0. 0 or -ENOSPC. Without this call devices change hands without
 * confinement, and each is a group of its own.
 */
int pci_iommu_init(const struct pci_iommu_options *options) __must_check;

/* --- a guest's memory ----------------------------------------------------------------
 * What the devices of @d reach, now and those that come. Whole pages
 * (PLAT_PAGE_SIZE). One caller at a time for the same addresses.
 */

/*
 * 0; -EINVAL special, dying, empty, unaligned, or it wraps; -EEXIST overlaps
 * what is mapped, or a reserved region of a device of @d; -ENOMEM, and nothing
 * has changed. May sleep.
 */
int domain_dma_map(struct domain *d, uint64_t dma, uint64_t hpa, uint64_t size,
		   unsigned int flags) __must_check;
/*
 * After 0 no device reaches it: the memory may be used otherwise (XSA-346). A
 * device that does not forget in time is blocked first. -ENOENT a part of it
 * was not mapped by domain_dma_map(): nothing has changed; -EINVAL; -ENOMEM
 * (it splits a mapping), nothing has changed; -EIO a unit does not answer: the
 * devices of @d there are blocked and broken, and when they have left @d the
 * memory is safe to use. May sleep, PCI_FLUSH_TIME or twice that.
 */
int domain_dma_unmap(struct domain *d, uint64_t dma, uint64_t size);

/* --- assignment ------------------------------------------------------------------------ */

enum {
	PCI_ASSIGN_GROUP = 1 << 0,   /* the whole isolation group */
	PCI_ASSIGN_RELAXED = 1 << 1, /* it does without firmware's regions */
	PCI_ASSIGN_QUARANTINED = 1 << 2, /* also what is in quarantine */
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
	/* -EPERM: the reserved region. */
	struct iommu_region region;
	unsigned int moved; /* how many devices changed hands */
};

/*
 * Could @d have it, as things are? The errors of pci_assign_device() that can
 * be told without trying. @report as there.
 */
int pci_test_assign(struct domain *d, pci_sbdf_t sbdf, unsigned int flags,
		    struct pci_assign_report *report) __must_check;

/*
 * Give a device to a guest: ownership, a hold of kind ASSIGNED, its DMA, and
 * the guest address *@vsbdf (sbdf 0xffffffff: choose one, and say which). Of a
 * group the others' addresses are chosen. It is reset first, if it can be.
 *
 * Devices that share an isolation group go together or not at all: without
 * PCI_ASSIGN_GROUP the other members (bridges apart) must be @d's already, or
 * in quarantine; with it those that are not yet @d's come along. All, or none.
 *
 * What is in quarantine is broken, and stays there. With PCI_ASSIGN_QUARANTINED
 * it goes from there to @d, whatever it is there for, never through the hardware
 * domain, which could reach its neighbour's guest: after a reset, if there is a
 * way, and the check of rule 15, as by pci_unquarantine_device(). That is the
 * device itself, and with PCI_ASSIGN_GROUP all of its group. What fails is in
 * quarantine again, for the reason that it had, or for a new one.
 *
 * 0;
 * -ENODEV absent;
 * -EBUSY  another guest's, hidden, or an operation runs: report->who;
 * -EBADF  broken, or in quarantine: report->reason;
 * -EINVAL a special domain, or dying; unknown flags; a guest segment not 0;
 * -EPERM  a bridge; the group is not complete (report->member); a reserved
 *         region (report->region): firmware's, without PCI_ASSIGN_RELAXED
 *         (it is not mapped for @d then), or any where @d has something mapped;
 * -EIO    the reset did not work: in quarantine now; or it could not be set up
 *         for @d, and is back where it was, if it is fit: report->reason;
 * -EEXIST guest address taken; -ENOSPC none free; -E2BIG the group is too
 * large; -EOPNOTSUPP a host that is read-only, may block, or (after
 * pci_iommu_init()) has no IOMMU; -ENOMEM; the error of vpci_options.extend or
 * of the host's IOMMU.
 * @report may be NULL. May sleep (grace periods, resets).
 */
int pci_assign_device(struct domain *d, pci_sbdf_t sbdf, unsigned int flags,
		      pci_sbdf_t *vsbdf, struct pci_assign_report *report)
	__must_check;

/*
 * Take it back: reset, checked, and the hardware domain's again. 0; -ENODEV @d
 * does not own it; -EBUSY an operation runs on it; -EINVAL a special domain,
 * or flags; -EPERM other members of its group stay with @d, and no
 * PCI_ASSIGN_GROUP; -E2BIG, -ENOMEM as pci_device_group(); -EIO it has left @d,
 * and is in quarantine: report->reason. @report may be NULL. May sleep.
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
	PCI_GROUP_UNIT,     /* the IOMMU does not tell them apart */
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
 * without ACS, bridges to conventional PCI, phantom functions, and what the
 * unit says. Copies up to @max; returns how many there are; -ENODEV; -EBUSY it,
 * or another of its group, is being drained: which one is in member->sbdf, if
 * @max is not 0; -E2BIG more than PCI_GROUP_MAX; -ENOMEM. May sleep.
 */
#define PCI_GROUP_MAX 256
int pci_device_group(pci_sbdf_t sbdf, struct pci_group_member *member, int max)
	__must_check;

/* --- quarantine ------------------------------------------------------------------------------ */

/*
 * Into dom_io, its DMA blocked (or as options.quarantine says), stopped as it
 * is and not reset, and broken with @why (static text); out of it by what is
 * below, or to a guest by PCI_ASSIGN_QUARANTINED. Of the hardware
 * domain's: at once; of what is in quarantine already nothing changes. 0;
 * -ENODEV; -EBUSY a guest's, hidden, or an operation runs; -EPERM a bridge;
 * -EIO it is there, but the IOMMU has not forgotten it: what it reached it may
 * still reach; -EOPNOTSUPP. May sleep.
 */
int pci_quarantine_device(pci_sbdf_t sbdf, const char *why) __must_check;
/*
 * Out of it, after a reset if there is a way, and the check of rule 15; then it
 * is not broken any more, and the hardware domain's, as that had it before. 0;
 * -ENODEV; -EINVAL it is not in quarantine; -EBUSY an operation runs on it, or
 * one of its group is being drained; -EIO it fails the check: stays, *@why (may
 * be NULL) says how; -EPERM its group is in use by a guest; -E2BIG, -ENOMEM as
 * pci_device_group(); -EOPNOTSUPP. May sleep.
 */
int pci_unquarantine_device(pci_sbdf_t sbdf, const char **why) __must_check;

/* --- knowing --------------------------------------------------------------------------------- */

struct pci_fault_info {
	uint64_t total;
	unsigned int recent; /* as the threshold counts */
	bool master_off;     /* at the threshold, for good */
	struct iommu_fault last;
	uint64_t last_time; /* plat_now(); 0: there was none */
};

struct pci_iommu_info {
	enum iommu_mode mode;
	unsigned int domain; /* SPACE: whose */
	bool ats;
	unsigned int rids; /* requester IDs that it covers */
	bool stuck;        /* a flush of it timed out */
	struct pci_fault_info fault;
};

/* 0; -ENODEV; -EOPNOTSUPP the host has no IOMMU. */
int pci_iommu_query(pci_sbdf_t sbdf, struct pci_iommu_info *info) __must_check;

/*
 * An administrator's word: forget the faults; the owner may switch bus
 * mastering on again. 0; -ENODEV; -EBUSY it is being drained. Any context without the device's lock.
 */
int pci_faults_clear(pci_sbdf_t sbdf) __must_check;

struct pci_iommu_stats {
	uint64_t spaces;   /* of domains, in hosts */
	uint64_t mappings; /* ranges recorded, of all domains */
	uint64_t contexts; /* requester IDs that go to a space */
	uint64_t faults;
	uint64_t timeouts; /* flushes given up */
};

void pci_iommu_get_stats(struct pci_iommu_stats *stats);

#endif
