/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The layout of the device layer's objects, for the core only.
 *
 * Each field names what guards it. "Fixed" means written before the object is
 * published and never again.
 */
#ifndef CORE_DEVICE_INTERNAL_H
#define CORE_DEVICE_INTERNAL_H

#include <holdfast/atomic.h>
#include <holdfast/domain.h>
#include <holdfast/errno.h>
#include <holdfast/event.h>
#include <holdfast/list.h>
#include <holdfast/lock.h>
#include <holdfast/removal.h>
#include <holdfast/stage.h>

#include "device/counter.h"
#include "device/tracker.h"

struct pci_dma;
struct pci_iommu;
struct pci_irqs;
struct pci_reset;
struct vpci;
struct vpci_policy;
struct vpci_space;

/* --- tables --------------------------------------------------------------- */

/*
 * Bus, then slot. Readers: a section, acquire loads. Writers: the lock named
 * where the table lives, release stores. Bus entries are added, never freed
 * before the table itself.
 *
 * A walk skips what was never used: a bit for each bus and slot, set with the
 * pointer and not cleared. It orders nothing, and needs not: who must see the
 * pointer sees the bit, and who sees the bit still looks at the pointer.
 */
struct pci_used {
	hf_atomic(uint32_t) word[256 / 32];
};

struct pci_bus {
	hf_atomic(struct pci_dev *) slot[256]; /* first: a lookup adds less */
	struct pci_used used;
};

struct pci_table {
	hf_atomic(struct pci_bus *) bus[256];
	struct pci_used used;
};

static inline struct pci_dev *pci_table_find(struct pci_table *table,
					     pci_sbdf_t sbdf)
{
	struct pci_bus *bus =
		hf_load_acquire(&table->bus[sbdf.sbdf >> 8 & 0xff]);

	return bus ? hf_load_acquire(&bus->slot[sbdf.sbdf & 0xff]) : NULL;
}

/* Make sure that there is one. @spare: allocated by the caller, taken if used. */
void pci_table_prepare(struct pci_table *table, uint8_t bus,
		       struct pci_bus **spare);
/* An entry of a bus that there is: a device that is complete; or NULL. */
void pci_table_set(struct pci_table *table, pci_sbdf_t sbdf,
		   struct pci_dev *pdev);
/*
 * The first entry at or after *@bdf; NULL at the end. In a section, or under
 * the writers' lock. *@bdf becomes where it was found.
 */
struct pci_dev *pci_table_next(struct pci_table *table, uint32_t *bdf);
void pci_table_free(struct pci_table *table); /* its bus entries */

struct pci_segment {
	uint16_t number;        /* fixed */
	struct pci_host *host;  /* fixed */
	struct pci_lock lock;   /* LOCK_SEGMENT */
	struct pci_table table; /* written under lock */
	/* Per bus: the bridge above, its bdf + 1; 0 none. Written under lock. */
	hf_atomic(uint32_t) bridge[256];
	hf_atomic(uint32_t) unknown; /* how many desc.buses_unknown; likewise */
	hf_atomic(uint32_t) nowhere; /* how many bridges to no bus; likewise */
	/* Slots whose lost device is still being revoked; under lock. */
	struct list_head revoking; /* pci_dev.revoking_entry */
};

/* No section needed: segments stay until pci_fini(). */
struct pci_segment *pci_segment_find(unsigned int seg);

/* --- the device ------------------------------------------------------------ */

/* pci_dev.marks: set and cleared atomically, tested without a lock. */
enum {
	PCI_MARK_LOST = 1
			<< 0, /* tested in the section that touches hardware */
	PCI_MARK_READ_ONLY = 1 << 1,
	PCI_MARK_NO_MASTER = 1 << 2, /* too many faults: set under lock */
	PCI_MARK_ASTRAY = 1 << 3,    /* bus.c; set under the segment lock */
};

struct pci_hold {
	struct list_head entry; /* pdev->lock */
	/*
	 * Owns a reference while listed; NULL once cut off or let go. Read in a
	 * section, then pdev->lock, then listed.
	 */
	hf_atomic(struct pci_dev *) pdev;
	struct pci_dev *child; /* kind CHILD, while listed; owns none */
	const struct pci_hold_ops *ops; /* fixed; or NULL */
	void *data;                     /* fixed */
	uint64_t since;                 /* fixed */
	enum pci_hold_kind kind;        /* fixed */
	bool listed;                    /* pdev->lock; false once cut off */
	bool cut;                       /* pdev->lock */
	bool asked, refused;            /* pdev->lock; of the running removal */
	char who[PCI_WHO_LEN];          /* fixed */
	struct plat_rcu_head rcu;
};

/* Left its guest while a removal ran: dom_io's, on the way to hardware_domain. */
enum pci_returning {
	PCI_RETURN_NONE,
	PCI_RETURN_BEGUN,
	PCI_RETURN_WAITED, /* the removal waits for a grace period since */
};

/* Whose traces it bears: a reset is to wipe them out. */
enum pci_dirty {
	PCI_DIRTY_NO,
	PCI_DIRTY_HOST,  /* the hardware domain had it */
	PCI_DIRTY_GUEST, /* a guest had it */
};

/* What core/config saves while it keeps a device quiet. */
struct pci_quiet {
	bool saved;
	uint16_t command, msi, msix, ats, sriov;
	uint16_t sriov_at; /* desc.sriov, or where it was found after all */
};

/* Registers that the host sets and a reset undoes, Command and BARs apart. */
enum {
	PCI_KEPT_CACHE_LINE,
	PCI_KEPT_LATENCY,
	PCI_KEPT_INTERRUPT_LINE,
	PCI_KEPT_PM,
	PCI_KEPT_DEVCTL,
	PCI_KEPT_DEVCTL2,
	PCI_KEPT_LNKCTL,
	PCI_KEPT_LNKCTL2,
	PCI_KEPT_ACS,
	PCI_KEPT_PAGE_SIZE,
	PCI_KEPT
};

/* How the hardware domain last had it: core/config's, see save.c there. */
struct pci_record {
	bool wanted;    /* it has left the hardware domain since */
	bool known;     /* it answered then */
	bool express_2; /* version 2 of PCI Express */
	uint8_t nrebar; /* how many BARs can be resized, */
	uint16_t command;
	uint16_t rebar; /* where the first's control is */
	uint16_t rebar_ctrl[PCI_BAR_FIRST_ROM];
	uint32_t reg[PCI_KEPT];
	uint32_t bar[PCI_BAR_COUNT]; /* registers; 0: not placed */
};

/* pci_dev_desc.bar of a device, in less than half of the room. */
struct pci_bars {
	uint64_t addr[PCI_BAR_COUNT];
	uint8_t size[PCI_BAR_COUNT]; /* its logarithm + 1; or 0 */
	uint8_t kind[PCI_BAR_COUNT]; /* enum pci_bar_kind, and: */
};
enum { PCI_BARS_PREFETCH = 1 << 6, PCI_BARS_SIZE_UNKNOWN = 1 << 7 };

/*
 * Ordered by who reads it, and for a machine with 65,536 of them: small types,
 * no holes between them.
 */
struct pci_dev {
	/*
	 * Hot: what a trap reads, on one cache line. Of it only the count is
	 * written often, and by those who have to own it for that: a lookup
	 * writes there anyway, and a trap takes no reference.
	 */
	struct pci_counter life; /* state and count, counter.h */
	hf_atomic(uint32_t) marks;
	hf_atomic(uint32_t) last_below;   /* highest bdf of itself and all
					       ever below; segment lock */
	hf_atomic(struct domain *) owner; /* owns a reference; written under
					       both domains' locks and lock */
	struct pci_segment *pseg;         /* fixed */
	/* What domains see, core/vpci: the hardware domain's, kept for life,
	 * and its guest's. Written by the owner of op, a grace period after
	 * the guest could last reach it. */
	hf_atomic(struct vpci *) hw_view, view;
	struct pci_iommu *iommu; /* core/iommu; fixed; NULL: without it */
	struct pci_irqs *irqs;   /* core/irq; likewise */

	struct pci_reset *reset;         /* core/reset; likewise */
	hf_atomic(uint64_t) again_until; /* DRAINING longer: see trap.c */
	uint64_t instance, added;        /* fixed */
	struct pci_dev *parent;          /* fixed; kept by parent_hold */
	struct pci_hold *parent_hold;    /* fixed; CHILD, owned; or NULL */
	struct pci_dev_facts desc;       /* fixed */
	struct pci_bars bars;            /* fixed; desc.c */

	struct pci_lock lock;       /* LOCK_DEVICE; all down to vsbdf */
	uint8_t op;                 /* enum pci_op */
	uint8_t returning;          /* enum pci_returning */
	bool has_vsbdf;             /* there is a vsbdf */
	uint8_t dirty;              /* enum pci_dirty; written under lock by who
				      owns op, or a removal's hand_over */
	plat_event_t event;         /* count is 2 while draining; one waiter:
				      the removal */
	plat_event_t idle;          /* set just while op is NONE */
	struct pci_tracker tracker; /* no byte without -Dref_tracker */
	struct list_head holds;     /* pci_hold.entry */
	struct pci_hold *assigned;  /* the hold of kind ASSIGNED */
	unsigned int nholds, nchildren;
	uint64_t op_since;
	union {
		const struct domain *op_for; /* its caller's; or NULL */
		struct pci_removal *removal; /* of op REMOVE: itself */
	};
	const char *broken;               /* static text */
	const struct vpci_policy *policy; /* of the next guest's view; or NULL;
					     who owns op */
	pci_sbdf_t vsbdf;                 /* in the owner's table */
	hf_atomic(uint32_t) near;         /* core/xen_abi: its NUMA node + 1;
					     0: nobody has said */

	struct pci_quiet quiet;        /* who owns op */
	struct pci_record record;      /* likewise; .wanted also under lock */
	struct list_head domain_entry; /* owner's lock */
	union {
		struct {
			struct list_head removal_entry;  /* who owns op */
			struct list_head revoking_entry; /* pseg->lock */
		};
		/* Without any reference: being on such a list is one. */
		struct plat_rcu_head rcu;
	};
};

/*
 * What is there for each device has a size that it keeps: with all modules and
 * its slot in the table 1,016 bytes on posix, of which two mutexes are 80; on a
 * platform whose lock is a word, 944.
 */
#define PCI_EACH_DEVICE(size, most)                                          \
	_Static_assert(                                                      \
		UINTPTR_MAX != UINT64_MAX || sizeof(struct pci_lock) > 40 || \
			sizeof(plat_event_t) > 4 || sizeof(plat_gp_t) > 8 || \
			sizeof(struct plat_rcu_head) > 24 ||                 \
			sizeof(struct pci_tracker) > 1 || (size) <= (most),  \
		"a device has grown")

PCI_EACH_DEVICE(sizeof(struct pci_dev) + sizeof(struct pci_bus) / 256, 640);

/* Under the lock: the removal that owns op; NULL: another does, or nobody. */
static inline struct pci_removal *pcidev_removal(struct pci_dev *pdev)
{
	return pdev->op == PCI_OP_REMOVE ? pdev->removal : NULL;
}

/* Likewise: the domain for which another does; or NULL. */
static inline const struct domain *pcidev_op_for(struct pci_dev *pdev)
{
	return pdev->op == PCI_OP_REMOVE ? NULL : pdev->op_for;
}

static inline bool pcidev_marked(struct pci_dev *pdev, uint32_t mark)
{
	return hf_load_relaxed(&pdev->marks) & mark;
}

/* --- domains ------------------------------------------------------------------ */

struct domain {
	unsigned int id;              /* fixed */
	char name[PCI_WHO_LEN];       /* fixed */
	const struct domain_ops *ops; /* fixed; never NULL */
	void *data;                   /* fixed */
	hf_atomic(uint32_t) refs;     /* freed through RCU at 0 */

	struct pci_lock lock;     /* LOCK_DOMAIN; all down to event */
	struct list_head devices; /* pci_dev.domain_entry */
	unsigned int ndevices;
	hf_atomic(uint32_t) dying; /* written under lock */
	struct pci_table table;    /* guest address → device */
	/* Its address space, core/vpci; made once, freed with the domain. */
	hf_atomic(struct vpci_space *) space;
	/* What its devices reach, core/iommu; likewise. */
	hf_atomic(struct pci_dma *) dma;

	plat_event_t event;     /* a device left, or its op is over */
	struct list_head entry; /* the domain list's lock */
	struct plat_rcu_head rcu;
};

/* --- operations: one at a time on a device ------------------------------------- */

/*
 * Take @pdev's operation slot. 0; -ENODEV not live; -EALREADY @op is a removal
 * and one runs; -EBUSY something else does. Under pdev->lock.
 */
int pci_op_begin(struct pci_dev *pdev, enum pci_op op);
/* Give it back and wake who waits for it. Under pdev->lock. */
void pci_op_end(struct pci_dev *pdev);

/* --- desc.c: what a device was described as ------------------------------------- */

/*
 * Is what was described the same hardware (rule 16)? 1, 0; -EBUSY: but for the
 * bus numbers of a bridge that has children. Under pdev->lock.
 */
int pcidev_compare(const struct pci_dev *pdev, const struct pci_dev_facts *now);

/* All kinds are known, and all sizes powers of two or 0. */
bool pci_bars_valid(const struct pci_bar *bar);
void pci_bars_pack(struct pci_bars *bars, const struct pci_bar *bar);
enum pci_bar_kind pcidev_bar_kind(const struct pci_dev *pdev, unsigned int i);
void pcidev_describe(const struct pci_dev *pdev, struct pci_dev_desc *desc);

/* --- between the files of this module ------------------------------------------- */

enum pci_stat {
	PCI_STAT_OBJECTS,
	PCI_STAT_ADDED,
	PCI_STAT_REMOVED,
	PCI_STAT_LOST,
	PCI_STAT_REFUSED,
	PCI_STAT_SATURATED,
	PCI_STAT_COUNT
};

void pci_stat_add(enum pci_stat stat, int n);

/* pci_init() and pci_fini(), a file each. */
int pci_domains_init(void);
void pci_domains_free(void);
void pci_segments_free(void);
void pci_events_init(void);
void pci_events_free(void);
void pci_stages_free(void);

bool domain_tryget(struct domain *d) __must_check; /* in a section */

void pcidev_free(struct pci_dev *pdev); /* unreachable by anybody else */

/* Change the state as the table allows, else stop: our mistake. Under lock. */
void pcidev_set_state(struct pci_dev *pdev, enum pci_state to);

/*
 * The registry's own put at the end of a removal, which owns the only other
 * reference: asserts that it was the last but that one.
 */
void pcidev_put_final(struct pci_dev *pdev);

/*
 * Take a device out of every table and list, with its owner and its parent
 * hold: the only way to GONE (from DRAINING, not lost) and to LOST (from any
 * state alive). The caller owns pdev->op and then drops the registry's
 * reference. Takes segment, domain and device lock itself. False, and nothing
 * done: to GONE, and it has been marked as lost.
 */
bool pcidev_unpublish(struct pci_dev *pdev, enum pci_state to);
/* The slot of a lost device may be used again. */
void pcidev_revoked(struct pci_dev *pdev);

/*
 * Is @pdev @lead itself, a function of the same card if @slot, or below? In a
 * section or under the segment lock, of a published device of that segment.
 */
bool pcidev_is_below(struct pci_dev *pdev, pci_sbdf_t lead, bool slot);
/* The last entry at or before *@bdf, as pci_table_next(). */
struct pci_dev *pci_table_prev(struct pci_table *table, uint32_t *bdf);

/*
 * Holds, for the core's own: allocate; link under pdev->lock (takes the hold's
 * reference); unlink under pdev->lock (false: cut off before; on true the
 * caller puts the reference after the lock); free after a grace period.
 */
struct pci_hold *pci_hold_alloc(enum pci_hold_kind kind, const char *who,
				const struct pci_hold_ops *ops, void *data)
	__must_check;
void pci_hold_link(struct pci_hold *hold, struct pci_dev *pdev);
bool pci_hold_unlink(struct pci_hold *hold, struct pci_dev *pdev);
void pci_hold_free(struct pci_hold *hold);
void pci_hold_describe(const struct pci_hold *hold, struct pci_hold_info *info);
/*
 * Cut every hold off but those of children: the stages hide the device, the
 * holders are told. The caller owns pdev->op.
 */
void pcidev_cut_holds(struct pci_dev *pdev);
/* The part of it that concerns the guest: to dom_io, stages, tell the guest. */
void pcidev_cut_guest(struct pci_dev *pdev);

/* --- removal.c, for those whom it waits for; all under pdev->lock --- */

/* A hold went away, or its holder refused: let the removal look again. */
void pci_removal_kick(struct pci_dev *pdev);
/* For the report: @hold was asked, or cut off, and is no longer in the way. */
void pci_removal_note_gone(struct pci_dev *pdev, const struct pci_hold *hold);

/* Without locks: a trap found it still draining after its time. */
void pcidev_drain_expired(struct pci_dev *pdev);

/* --- owner.c --- */

enum pci_move {
	PCI_MOVE_PLAIN,     /* the caller owns pdev->op */
	PCI_MOVE_RETURNING, /* a removal owns it, and will settle */
	PCI_MOVE_CUT,       /* the caller is that removal */
};

/*
 * Move a device from the domain it is known to be in to another: list, owner,
 * guest address (@vsbdf, see pci_assign()) and the ASSIGNED hold (@hold linked
 * on arrival in a guest; the old one unlinked and freed). Atomic under both
 * domains' locks and pdev->lock. 0; -ENODEV not in @from, or dead; -EINVAL @to
 * is dying; -EEXIST, -ENOSPC the guest address; -EAGAIN RETURNING, but no
 * removal runs. @spare: a bus entry, taken if used.
 */
int pcidev_move(struct pci_dev *pdev, struct domain *from, struct domain *to,
		enum pci_move how, struct pci_hold *hold, pci_sbdf_t *vsbdf,
		struct pci_bus **spare);

/*
 * Take pdev->op as pci_op_begin(), for @d (or NULL); -EOPNOTSUPP a read-only
 * host. No lock.
 */
int pcidev_begin(struct pci_dev *pdev, enum pci_op op, const struct domain *d)
	__must_check;
void pcidev_end(struct pci_dev *pdev);

/* To dom_io, on its way to somebody else; by the owner of pdev->op. */
int pcidev_move_out(struct pci_dev *pdev, struct domain *from) __must_check;
/* 1 ms, 2, 4, … 16: who waits for a reset or a flush need not look often. */
void pcidev_wait_longer(unsigned int *turn);
/*
 * Of devices on a list by removal_entry, whose op the caller owns, and which
 * have been moved to dom_io: a grace period, then all stages leave them. May
 * sleep.
 */
void pcidev_leave_all(struct list_head *out);

/* From whomever to dom_io, to stay there, cut off; by the owner of pdev->op. */
void pcidev_quarantine(struct pci_dev *pdev);

/*
 * dom_io → hardware_domain, by the owner of pdev->op, a grace period later. May
 * sleep, until pci_stages_leave() says 0. -EIO: it is broken, and stays.
 */
int pcidev_settle(struct pci_dev *pdev);

/* The hold that a device of @d has; NULL: no memory. */
struct pci_hold *pcidev_assigned_hold(struct domain *d) __must_check;

/* Also what may be one: not of a kind that is known, and no endpoint's header. */
bool pcidev_is_bridge(const struct pci_dev *pdev);
bool pcidev_is_broken(struct pci_dev *pdev); /* no lock of it held */

/*
 * Of a dying domain: take what no operation keeps, all at once, and let
 * removals have what they run on. May sleep.
 */
void pcidev_take_idle(struct domain *d);

/*
 * A guest lets go: at once, if no operation is in the way. 0; -EAGAIN one is:
 * wait on d->event and try again; -ENODEV not @d's.
 */
int pcidev_give_back(struct pci_dev *pdev, struct domain *d);

bool domain_is_special(const struct domain *d);

/*
 * pci_device_lost() of the device with this instance (0: any). By address alone
 * a second loser could hit what stands there by now.
 */
int pci_instance_lost(pci_sbdf_t sbdf, uint64_t instance);

void pci_event_post(enum pci_event_type type, pci_sbdf_t sbdf,
		    uint64_t instance, const char *detail);

/* bus.c. No published bridge leads there, as far as they say. */
bool pci_bus_is_root(struct pci_segment *pseg, uint8_t bus);
/*
 * The next bridge at or after *@bdf, which becomes its address, and above @bus
 * that led to no bus when it was added. True if there is one.
 */
bool pci_bus_next_idle(struct pci_segment *pseg, uint8_t bus, uint32_t *bdf);
/* @pdev is published (@n 1), or is no more (-1). Under the segment lock. */
void pci_bus_count(struct pci_dev *pdev, int n);
/*
 * @pdev is about to be published, under the segment lock: who is behind it
 * already is astray, and so is itself below such a device. A bridge to a bus
 * that has one has a defect.
 */
void pci_bus_join(struct pci_dev *pdev);
/* Why nobody's word makes it fit again, or NULL. Under pdev->lock. */
const char *pci_bus_defect(struct pci_dev *pdev);
/* Astray, behind @bridge. In the section in which both were found. */
bool pcidev_is_astray(struct pci_dev *pdev, const struct pci_dev *bridge);
/* @parent and all above have something at @bdf below. Under the segment lock. */
void pci_bus_raise_last(struct pci_dev *parent, uint16_t bdf);

/* Stages, in their order and against it. */
int pci_stages_attach(struct pci_dev *pdev);
/* It was not published, or a later stage would not have it. May sleep. */
void pci_stages_undo_attach(struct pci_dev *pdev);
void pci_stages_added(struct pci_dev *pdev);
void pci_stages_cut_off(struct pci_dev *pdev);
int pci_stages_quiesce(struct pci_dev *pdev, unsigned int *done,
		       uint64_t deadline, const char **why);
void pci_stages_restore(struct pci_dev *pdev);
int pci_stages_enter(struct pci_dev *pdev, struct domain *d) __must_check;
/* 0; -EINPROGRESS: not over yet, call again. */
int pci_stages_leave(struct pci_dev *pdev);
void pci_stages_revoke(struct pci_dev *pdev, struct domain *d);
void pci_stages_domain_dying(struct domain *d);
void pci_stages_rest(struct pci_dev *pdev);
void pci_stages_domain_empty(struct domain *d);
void pci_stages_domain_gone(struct domain *d);
/* From stage *@i on: what is broken, or NULL; *@i is where to go on. */
const char *pci_stages_check(struct pci_dev *pdev, unsigned int *i);
void pci_stages_detach(struct pci_dev *pdev);

#endif
