/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The removal operation as an object: what removal.c steps through and
 * removal_op.c begins, reports and ends.
 */
#ifndef CORE_DEVICE_REMOVAL_OP_H
#define CORE_DEVICE_REMOVAL_OP_H

#include "device/internal.h"

/* How soon to look again for what sets no event: hardware, grace periods. */
#define REMOVAL_POLL (1 * PLAT_NSEC_PER_MSEC)

enum removal_step {
	STEP_ASK,
	STEP_DRAIN,
	STEP_GRACE,
	STEP_COUNT,
	STEP_REST,
	STEP_QUIESCE,
	STEP_UNLIST,
	STEP_LET_GO,
	STEP_SETTLE,
	STEP_OVER
};

struct pci_removal {
	/* The stepper's own. */
	enum removal_step step;
	bool may_block, settling;
	bool grace_over;     /* of the grace period in gp */
	unsigned int undone; /* drains past the deadline that no one disturbed */
	/* pci_dev.removal_entry, children first; each with a reference and op */
	struct list_head members;
	uint64_t deadline, ask_until, until, next;
	unsigned int stages_done;
	plat_gp_t gp;
	enum pci_removal_phase outcome;
	int result;
	pci_removal_listener listener;
	void *data;
	struct pci_removal_info shown; /* the listener's copy */

	plat_event_t event; /* set under a member's lock, or by cancel */

	struct pci_lock lock; /* LOCK_LEAF; all below */
	bool cancelled, committed;
	struct pci_removal_info info; /* others than the stepper only read,
					 but for given_back */
};

struct removal_survey {
	unsigned int foreign, refused;
};

/* Holds in the way, over all members; they become the report's blockers. */
void removal_survey(struct pci_removal *op, struct removal_survey *found);

bool removal_is_cancelled(struct pci_removal *op);
/* The point of no return; false: cancelled before. */
bool removal_commit(struct pci_removal *op);

/* Tell the listener and the event listeners of a new phase. */
void removal_phase(struct pci_removal *op, enum pci_removal_phase phase);
/* The last one: what decide() left in op->outcome and op->result. */
void removal_finished(struct pci_removal *op);

#endif
