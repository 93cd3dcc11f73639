/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of core/iommu share.
 *
 *   assign.c      assigning and taking back, alone or as a group
 *   context.c     where a device's requests go, and making units forget
 *   dma.c         what a domain's devices reach
 *   fault.c       counting refused requests; bus mastering off for good
 *   group.c       isolation groups
 *   quarantine.c  by an administrator's word, and out of it
 *   range.c       the record of what is mapped
 *   reserved.c    addresses that are not a domain's to map
 *   rid.c         by which requester IDs a device is known
 *   space.c       a domain's tables in the units of a host
 *   stage.c       the stage "iommu": ACS, and a device's way from owner to owner
 *
 * struct pci_iommu is made before a device is published and freed with it.
 */
#ifndef CORE_IOMMU_INTERNAL_H
#define CORE_IOMMU_INTERNAL_H

#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>

#include "config/internal.h"
#include "device/internal.h"

struct dma_space;
struct pci_dma;

extern bool iommu_on; /* fixed: pci_iommu_init() was called */
extern struct pci_iommu_options iommu_options; /* fixed */

/* Something that a unit is to forget. FAILED: until somebody has heard of it. */
struct iommu_ticket {
	enum { TICKET_NONE, TICKET_WANTED, TICKET_BEGUN, TICKET_FAILED } state;
	pci_sbdf_t rid; /* fixed: of whose requests, if it is a context's */
	uint64_t number;
	uint64_t since; /* plat_now(): it began, or could not yet; 0: no try */
};

/* --- a bridge's alias -------------------------------------------------------------- */

/*
 * A requester ID that stands for all below a bridge to conventional PCI. It
 * goes where the first of them goes, and nowhere once the last has left: they
 * are one group, so they have one owner, apart from those in quarantine. Which
 * cannot be told from the others here: only their Bus Master is off.
 */
struct iommu_alias {
	hf_atomic(uint32_t) refs;   /* the bridge's and its devices' */
	struct pci_lock lock;       /* LOCK_LEAF: of all these devices */
	unsigned int users;         /* lock; and where it goes: */
	struct dma_space *space;    /* NULL: memory as it is; owns none */
	bool stuck;                 /* it was not forgotten in time */
	struct iommu_ticket ticket; /* … of all that have left it */
};

/* --- a device ------------------------------------------------------------------ */

struct pci_iommu {
	struct pci_dev *pdev; /* fixed */
	/* fixed; owns a reference; or NULL: see iommu_alias(), iommu_below() */
	struct iommu_alias *alias;
	struct pci_lock own_lock; /* LOCK_LEAF; see iommu_lock() */
	uint16_t acs;             /* fixed: of ACS Control, what is on */
	uint8_t nrids; /* fixed; 0: it has the alias's, or sends nothing */
	bool confined; /* dma->lock; its space is stale, and it was blocked */
	/* Under iommu_lock(), down to device. */
	uint8_t mode; /* enum iommu_mode, of all its requester IDs */
	bool ats, uses_alias, stuck;
	uint16_t domid;               /* mode SPACE: whose */
	bool ats_in_device;           /* who owns op: its own is (still) on */
	hf_atomic(uint32_t) last_seq; /* fault.c */
	struct dma_space *space; /* owns a reference, until it is forgotten */
	struct iommu_ticket device; /* its own cache */

	struct pci_dma *dma;        /* who owns op, or revokes */
	struct list_head dma_entry; /* dma->lock */

	/* fault.c */
	hf_atomic(uint64_t) faults, recent, last_rid, last_address, last_time;
	hf_atomic(uint64_t) forgotten; /* of .faults: before a clear */

	/* By requester ID: its own, then those of phantom functions; the lock. */
	struct iommu_ticket context[];
};

PCI_EACH_DEVICE(sizeof(struct pci_iommu) + sizeof(struct iommu_ticket), 200);

/* A bridge to conventional PCI, which sends nothing of its own. */
static inline bool iommu_is_conventional(const struct pci_dev *bridge)
{
	return bridge->desc.type == PCI_TYPE_PCIE_TO_PCI ||
	       bridge->desc.type == PCI_TYPE_LEGACY_BRIDGE ||
	       bridge->desc.type == PCI_TYPE_CARDBUS;
}

/* What the requests of all below it have for an ID; NULL: their own. */
static inline struct iommu_alias *iommu_below(const struct pci_iommu *iommu)
{
	return iommu_is_conventional(iommu->pdev) ? iommu->alias : NULL;
}

/* What its own requests have; likewise. */
static inline struct iommu_alias *iommu_alias(const struct pci_iommu *iommu)
{
	return iommu_is_conventional(iommu->pdev) ? NULL : iommu->alias;
}

/* Guards where its requests go: its own, or that of all that have its alias. */
static inline struct pci_lock *iommu_lock(struct pci_iommu *iommu)
{
	struct iommu_alias *alias = iommu_alias(iommu);

	return alias ? &alias->lock : &iommu->own_lock;
}

/* --- rid.c ------------------------------------------------------------------------ */

/* With context, nrids, alias, own_lock. NULL: no memory. */
struct pci_iommu *iommu_new(struct pci_dev *pdev) __must_check;
void iommu_free(struct pci_iommu *iommu);
/* Whose requests have @rid; in a section. NULL: nobody's. */
struct pci_dev *iommu_find(struct pci_host *host, pci_sbdf_t rid);

/* --- context.c --------------------------------------------------------------------- */

/*
 * Let its requests go there: those of all its requester IDs, or of none. From
 * BLOCKED, with all flushes over. @space: mode SPACE; a reference, taken in any
 * case. 0; -EIO, -ENOMEM: of the host, it is stale, or its alias is in use
 * elsewhere; it is blocked then, and has to forget.
 */
int iommu_open(struct pci_iommu *iommu, enum iommu_mode mode,
	       struct dma_space *space, unsigned int domid) __must_check;
/* Block it, and begin to make the unit forget. Any number of times. */
void iommu_block(struct pci_iommu *iommu);
/* The same, if its requests go to a space of @domid. True: it did. */
bool iommu_block_of(struct pci_iommu *iommu, unsigned int domid);
/*
 * Of one that is blocked. 0: all is forgotten; -EINPROGRESS; -EIO, once: it will
 * not be, and *@why says so. No lock: a space may end here.
 */
int iommu_forgotten(struct pci_iommu *iommu, const char **why);
/* After that -EIO: ask anew. */
void iommu_forget_again(struct pci_iommu *iommu);

/*
 * One flush in steps, wanted first. 0 it is over; -EINPROGRESS; -ETIMEDOUT it is
 * under way, and has had PCI_FLUSH_TIME since it began, or since it was first
 * refused for want of room; -EIO it failed, and so for ever. The host's calls
 * only.
 */
void iommu_flush_want(struct iommu_ticket *ticket);
int iommu_flush_step(struct pci_host *host, const struct iommu_flush *what,
		     struct iommu_ticket *ticket);

extern hf_atomic(uint64_t) iommu_contexts, iommu_timeouts; /* statistics */

/* --- space.c ---------------------------------------------------------------------- */

/* One domain's tables in the units of one host. */
struct dma_space {
	hf_atomic(uint32_t) refs; /* the domain's, its devices', who waits */
	/* Units may remember what is not mapped any more; set before all that
	 * are in it are blocked. */
	hf_atomic(uint32_t) stale;
	struct list_head entry;    /* dma->lock */
	struct list_head all;      /* spaces_lock, space.c */
	struct pci_host *host;     /* fixed */
	struct iommu_space *space; /* fixed; owned */
};

/* 0 and *@out with one reference; -ENOMEM; of the host. May sleep. */
int iommu_space_new(struct pci_host *host, struct domain *d,
		    struct dma_space **out) __must_check;

/* Without locks. NULL is fine. */
void iommu_space_put(struct dma_space *space);
void iommu_spaces_init(void);
void iommu_spaces_free(void); /* those of which a reference was given up */

struct dma_range {
	uint64_t dma, hpa, size; /* bytes, whole pages */
	unsigned int flags;
};

struct pci_dma {
	struct pci_lock lock; /* LOCK_LEAF; all of it */
	bool dead;
	unsigned int n, room;
	struct dma_range *range; /* owned; ascending, apart */
	struct list_head spaces; /* dma_space.entry */
	struct list_head users;  /* pci_iommu.dma_entry: blocked not yet */
};

/* --- range.c; under dma->lock ----------------------------------------------------- */

bool dma_overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size);
/* The first range that ends above @at. */
unsigned int dma_find(const struct pci_dma *dma, uint64_t at);
bool dma_is_free(const struct pci_dma *dma, uint64_t at, uint64_t size);
bool dma_is_covered(const struct pci_dma *dma, uint64_t at, uint64_t size);
/* There is room for one range more, for these two. */
void dma_insert(struct pci_dma *dma, unsigned int i, const struct dma_range *r);
void dma_cut(struct pci_dma *dma, uint64_t at, uint64_t size); /* covered */
void dma_erase(struct pci_dma *dma, unsigned int i);

/* --- reserved.c ------------------------------------------------------------------ */

/* The @i-th of a device. False: there are no more. */
bool iommu_region_of(struct pci_dev *pdev, unsigned int i,
		     struct iommu_region *region);
bool iommu_has_region(struct pci_dev *pdev, uint64_t at, uint64_t size);

/* --- dma.c ------------------------------------------------------------------------ */

/*
 * Take part in what @d maps, from now on: the space on the device's host, with
 * all of @d's ranges, made if there is none; *@space with a reference. 0;
 * -EPERM a reserved region is in the way; -EINVAL @d is dying; -ENOMEM; of the
 * host. iommu_dma_leave() after 0.
 */
int iommu_dma_enter(struct pci_iommu *iommu, struct domain *d,
		    struct dma_space **space) __must_check;
/* Once it is blocked. Any number of times. */
void iommu_dma_leave(struct pci_iommu *iommu);
/*
 * -EPERM and *@region: one of @pdev's that @d may not have, firmware's unless
 * @relaxed, or any where @d has something mapped. Else 0.
 */
int iommu_check_regions(struct pci_dev *pdev, struct domain *d, bool relaxed,
			struct iommu_region *region);
/* The stage's hooks. */
void iommu_domain_dying(struct domain *d);
void iommu_domain_empty(struct domain *d);
void iommu_domain_gone(struct domain *d);

extern hf_atomic(uint64_t) iommu_spaces, iommu_mappings; /* statistics */

/* --- fault.c --------------------------------------------------------------------------- */

/*
 * How many of its requests were refused since it was added, and of those that
 * a bridge has put its alias on, which may be its own. By who has a reference.
 */
uint64_t iommu_fault_total(struct pci_dev *pdev);
void iommu_fault_info(struct pci_iommu *iommu, struct pci_fault_info *info);
extern hf_atomic(uint64_t) iommu_faults; /* statistics */

/* --- quarantine.c ----------------------------------------------------------------------- */

/*
 * Of one in dom_io, by the owner of pdev->op: it is fit, until the stages leave
 * it, which resets and checks it. Returns what it was broken for.
 */
const char *quarantine_open(struct pci_dev *pdev);

/* --- group.c ---------------------------------------------------------------------------- */

struct group_entry {
	struct pci_dev *pdev;         /* owns a reference */
	const struct pci_dev *anchor; /* of the search: which it was */
	struct pci_group_member info;
};

struct group {
	unsigned int n;
	struct group_entry *entry; /* owned; PCI_GROUP_MAX; the first: asked */
	pci_sbdf_t busy;           /* -EBUSY: which one */
	bool unheld;               /* in a section, without references */
};

/*
 * The group of @pdev, on which the caller has a reference; group_put() in the
 * end, also after an error. 0; -E2BIG; -ENOMEM; -EBUSY a member is being
 * drained.
 */
int group_find(struct group *g, struct pci_dev *pdev) __must_check;
void group_put(struct group *g);
/*
 * Does @fn hold for another member, those that are being drained among them?
 * 1, 0; or no, of those that were found: -E2BIG; -ENOMEM; -ENODEV. @fn is called
 * in a section, without a reference on it.
 */
int group_any_other(struct pci_dev *pdev, bool (*fn)(struct pci_dev *other));

#endif
