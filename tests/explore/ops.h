/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The public operations on one device, a table of them, for pairs.c: each runs
 * alone in a thread, checks what it promises, and says which of its answers the
 * other one excuses. An answer that nothing excuses is a failure.
 *
 * Adding one: write it below its module's heading in ops_*.c, and there in the
 * table. It is then run against all others.
 */
#ifndef TESTS_EXPLORE_OPS_H
#define TESTS_EXPLORE_OPS_H

#include "unit.h"
#include "world.h"

/* What an operation does, as far as another may notice it. */
enum {
	ALWAYS = 1 << 0,    /* needs no excuse */
	IN_GUEST = 1 << 1,  /* … where the card is the guest's */
	RUNS = 1 << 2,      /* an operation is on the device */
	REMOVES = 1 << 3,   /* … a removal: draining, refusing holds */
	ENDS = 1 << 4,      /* the device is gone, or lost, if it says 0 */
	MAY_END = 1 << 5,   /* the device may be gone all the same */
	LOSES = 1 << 6,     /* a loss, its second half */
	MARKS = 1 << 7,     /* lost, and still registered */
	ADDS = 1 << 8,      /* another may be there then */
	TAKES = 1 << 9,     /* it is not the guest's any more, if it says 0 */
	MAY_TAKE = 1 << 10, /* nor may it be the guest's otherwise */
	GIVES = 1 << 11,    /* it becomes the guest's */
	DIES = 1 << 12,     /* the guest */
	CONFINES = 1 << 13, /* into quarantine */
	HOLDS = 1 << 14,    /* for a time */
	LOCKS = 1 << 15,    /* writes are dropped for a time */
	RESETS = 1 << 16,   /* its registers */
	FAULTS = 1 << 17,   /* bus mastering goes off; a reset sees it */
	BINDS = 1 << 18,    /* the hypervisor's vector */
	MUTES = 1 << 19,    /* its messages are off, or for another vector */
	SIGNALS = 1 << 20,  /* … are switched on */
	WRITES = 1 << 21,   /* the scratch register */
	DECODES = 1 << 22,  /* its Command */
	HIDES = 1 << 23,    /* for the hypervisor itself */
	REFUSES = 1 << 24,  /* the guest: asked, it does not let go */
	PREPARES = 1 << 25, /* its MSI-X is the hardware domain's, for a time */
	BREAKS = 1 << 26,   /* it is unfit, whoever has it by then */
	ASKS = 1 << 27,     /* the guest for it */
};

/* Whose it is in the end. */
enum {
	LEFT_HOST = 1 << 0,
	LEFT_ONE = 1 << 1,
	LEFT_TWO = 1 << 2,
	LEFT_IO = 1 << 3,
	LEFT_NOBODY = 1 << 4,
	LEFT_HIDDEN = 1 << 5,
	LEFT_ANYHOW = 63,
};

/* Where the card is when it begins. */
enum { HOST = 1, GUEST = 2 };

struct op;

/* One of the two that run. */
struct actor {
	const struct op *op;
	struct actor *other;
	unsigned int self; /* 0, 1 */
	bool ended;
	int result;
	unsigned int left; /* LEFT_*; 0: where it was */
	struct vpci_vcpu vcpu;
	struct world_hold hold[2];
	bool unbound; /* the handler is not to be called */
	bool worked;  /* it did something, whatever it says in the end */
};

struct op {
	const char *name;
	const char *rule;     /* what it promises */
	unsigned int worlds;  /* where it does something */
	unsigned int modules; /* WORLD_*, without which it does not */
	bool moves; /* with an IOMMU, unless the other brings modules */
	unsigned int does;
	bool traps; /* all that it does is done for the owner */
	/* Alone, before both; and after. May be NULL. */
	void (*prepare)(struct actor *me);
	int (*run)(struct actor *me);
	void (*undo)(struct actor *me);
	/* Besides 0: an answer, and what the other must do for it. */
	struct excuse {
		int answer;
		unsigned int because;
	} excuse[6];
};

/* The owner has lost the card, by a promise of the other. */
bool op_is_over(const struct actor *me);

/* Each ends without a name. */
extern const struct op ops_device[], ops_guest[], ops_units[];

/* --- pairs.c, for them ----------------------------------------------------------- */

/* The card is the guest's at the beginning. */
bool op_in_guest(void);
/* May the other do one of these? Has it said 0, and done so? */
bool op_may(const struct actor *me, unsigned int does);
bool op_done(const struct actor *me, unsigned int does);
/* Is it another one than at the beginning? */
bool op_other_card(const struct pci_dev_info *info);
/* ops_units.c: the hypervisor's handler, on the card. */
int op_bind(struct actor *me);
void op_unbind(struct actor *me);
/* By whom the card is seen, and at which address. */
struct domain *op_owner(void);
pci_sbdf_t op_address(void);
/* @left if @err is 0; in quarantine if -EIO. Returns @err. */
int op_left(struct actor *me, int err, unsigned int left);

#endif
