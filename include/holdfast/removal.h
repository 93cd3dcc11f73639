/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removal as an operation: it ends by its deadline with the truth. 0 means
 * that nothing in the hypervisor touches the device any more; anything else
 * says who is in the way.
 *
 *   asking     holds are asked, or waited for; the device works as ever
 *   draining   no hold is left; references and read-side sections run out
 *   quiescing  the hardware is made quiet: past the point of no return
 *   then one of removed, busy, failed, cancelled, lost
 *
 * One operation covers one device; with PCI_REMOVE_ASK or PCI_REMOVE_FORCE its
 * children (VFs, functions below a bridge) too, children first; with
 * PCI_REMOVE_SLOT every function of the card (a VF's: its PF's).
 */
#ifndef HOLDFAST_REMOVAL_H
#define HOLDFAST_REMOVAL_H

#include <holdfast/hold.h>
#include <holdfast/platform.h>

enum {
	PCI_REMOVE_ASK = 1 << 0,   /* ask the holders, wait to the deadline */
	PCI_REMOVE_FORCE = 1 << 1, /* cut off who is left; alone: at once */
	PCI_REMOVE_SLOT = 1 << 2,  /* the whole card, not one function */
};

enum pci_removal_phase {
	PCI_REMOVAL_ASKING,
	PCI_REMOVAL_DRAINING,
	PCI_REMOVAL_QUIESCING,
	PCI_REMOVAL_REMOVED, /*  0 */
	/*
	 * -EBUSY: holds or references left. Nothing has changed, unless children
	 * were removed before their parent was found in use: see removed.
	 */
	PCI_REMOVAL_BUSY,
	PCI_REMOVAL_FAILED,    /* -EIO: would not become quiet; broken now */
	PCI_REMOVAL_CANCELLED, /* -ECANCELED */
	PCI_REMOVAL_LOST,      /* -ENODEV: pulled while we worked */
	PCI_REMOVAL_PHASES
};

const char *pci_removal_phase_name(enum pci_removal_phase phase);

#define PCI_REMOVAL_MAX_BLOCKERS 16

/* Who is in the way; or, as given_back, who was asked and let go. */
struct pci_blocker {
	pci_sbdf_t sbdf; /* of which device */
	struct pci_hold_info hold;
};

struct pci_removal_info {
	pci_sbdf_t sbdf;
	uint64_t instance;
	unsigned int flags;
	char who[PCI_WHO_LEN]; /* asked for it */
	enum pci_removal_phase phase;
	int result;                        /* -EINPROGRESS until decided */
	uint64_t started, deadline, ended; /* plat_now(); ended 0: not yet */
	unsigned int members, removed;     /* functions covered, and gone */
	uint64_t grace_periods;            /* waited for */
	const char *reason;                /* of FAILED and BUSY, or NULL */
	unsigned int blockers;             /* how many there were */
	struct pci_blocker blocker[PCI_REMOVAL_MAX_BLOCKERS];
	/* -EBUSY by references: how many, on which device, beyond our own */
	unsigned int refs;
	pci_sbdf_t refs_on;
	unsigned int given_back; /* holds that let go when asked, or were cut */
	struct pci_blocker gave[PCI_REMOVAL_MAX_BLOCKERS];
};

struct pci_removal;

/*
 * @timeout below is for asking and draining. Making a device quiet, past the
 * point of no return, may take PCI_QUIESCE_TIME a function on top; and what its
 * guest gave back to a removal that then did not remove it goes home by way of
 * a reset (§6.6.2: 100 ms, a second where it asks for more) before the answer.
 */
#define PCI_QUIESCE_TIME (250 * PLAT_NSEC_PER_MSEC)
/* A device drains for at most this long at a time, and rests as long. */
#define PCI_DRAIN_TIME (50 * PLAT_NSEC_PER_MSEC)
#define PCI_REMOVAL_MAX_TIMEOUT (3600 * PLAT_NSEC_PER_SEC)

/*
 * Told of every phase, the last one included, in order; without locks, by the
 * thread that steps. It must not call back into this removal.
 */
typedef void (*pci_removal_listener)(const struct pci_removal_info *info,
				     void *data);

/*
 * Begin. @who: for the record, copied. @timeout: nanoseconds from now, at most
 * an hour. *@out is then stepped until decided and freed with
 * pci_removal_finish(), whatever happens to the device.
 *
 * Returns 0; -ENODEV; -EALREADY a removal runs on this device or another of
 * the set; -EBUSY another operation does (pci_query() names it); -EOPNOTSUPP
 * a read-only host; -EINVAL flags or timeout; -ENOMEM. Holds are no error
 * here: the first step finds them. May sleep.
 */
int pci_removal_start(pci_sbdf_t sbdf, unsigned int flags, uint64_t timeout,
		      const char *who, pci_removal_listener listener,
		      void *data, struct pci_removal **out) __must_check;

/*
 * Go on as far as possible without waiting. -EINPROGRESS, or the result, the
 * same from then on. One caller at a time. May call hosts and stages: no lock.
 * A platform that steps does so between the retries of a trap that was told
 * PCI_AGAIN: past the point of no return only the steps end that.
 */
int pci_removal_step(struct pci_removal *op);

/* Step and wait until decided. May sleep, to the deadline at most. */
int pci_removal_wait(struct pci_removal *op);

/* When the next step may have something to do at the latest; plat_now(). */
uint64_t pci_removal_next(const struct pci_removal *op);

/*
 * Ask it to stop. 0: it will end as cancelled (or, if it just then ended, as
 * it did); -EINPROGRESS: past the point of no return, it goes on to its end.
 * Callable while another thread steps.
 */
int pci_removal_cancel(struct pci_removal *op);

/* Free a decided operation (an undecided one is cancelled first; may sleep). */
void pci_removal_finish(struct pci_removal *op);

/* A copy of what it knows; callable while another thread steps. */
void pci_removal_query(struct pci_removal *op, struct pci_removal_info *info);

/*
 * start + wait + finish; @info (may be NULL) gets the final report, empty but
 * for the result where the start failed.
 */
int pci_remove_device(pci_sbdf_t sbdf, unsigned int flags, uint64_t timeout,
		      struct pci_removal_info *info);

/*
 * Surprise removal: what is at @sbdf, and everything below it, is not there
 * any more. pci_mark_lost() only sets the marks, children first: from its
 * return no access to the hardware begins (one that had begun has ended a
 * grace period later). Any context; -ENODEV.
 *
 * pci_device_lost() marks, cuts holds off, unlists, lets the stages revoke
 * what they gave out, and waits for a grace period, so that the slot can be
 * used again. Returns 0; -ENODEV; -EALREADY somebody else does this. May
 * sleep; where an operation runs on a device, until that has noticed.
 */
int pci_mark_lost(pci_sbdf_t sbdf);
int pci_device_lost(pci_sbdf_t sbdf);

/* Of the registered functions of the card that @sbdf is on; -ENOENT: none. */
int pci_slot_next(pci_sbdf_t sbdf, pci_sbdf_t *cursor);

#endif
