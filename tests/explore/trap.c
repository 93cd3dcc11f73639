/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trap path (core/vpci/trap.c) against all that takes the device away
 * from under it: docs/lifetime.md, P2; rules 3, 7, 10; R21.
 */
#include <holdfast/iommu.h>

#include "world.h"

static int result;
static bool seen[2];
static struct pci_dev *owned;

static void trap(void)
{
	seen[explore_self()] = world_trap(hardware_domain, CARD);
}

static void remove_card(void)
{
	result = world_remove(CARD, 0, 100 * MSEC);
	ensure(result || !world_trap(hardware_domain, CARD));
}

static void gone(void)
{
	ensure(!result);
	world_end_card_gone();
}

SCENARIO(removal, .name = "trap/removal",
	 .rule = "rule 3, P2: no access after 0; the witness sees each",
	 .setup = world_card, .finish = gone,
	 .thread = { { "guest", trap }, { "remover", remove_card } });

static void trap_twice(void)
{
	bool first = world_trap(hardware_domain, CARD);

	ensure(!world_trap(hardware_domain, CARD) || first);
}

SCENARIO(removal_twice, .name = "trap/two_against_removal",
	 .rule = "rule 3: gone is gone; no later access sees it again",
	 .setup = world_card, .finish = gone,
	 .thread = { { "guest", trap_twice },
		     { "guest2", trap },
		     { "remover", remove_card } });

/* --- refused: nothing has happened ---------------------------------------------- */

static void card_owned(void)
{
	world_card();
	owned = world_get(CARD);
}

static void remove_refused(void)
{
	ensure(world_remove(CARD, 0, 10 * MSEC) == -EBUSY);
}

static void trap_never_ones(void)
{
	ensure(world_trap(hardware_domain, CARD));
	world_trap_write(hardware_domain, CARD, 7);
}

static void undisturbed(void)
{
	ensure(world_scratch(CARD) == 7);
	pcidev_put(owned);
	world_end_card_there();
}

SCENARIO(refused, .name = "trap/refused_removal",
	 .rule = "rule 7: no all-ones, no lost write, when it is refused",
	 .setup = card_owned, .finish = undisturbed,
	 .thread = { { "guest", trap_never_ones },
		     { "remover", remove_refused } });

static struct pci_removal *op;

static void started(void)
{
	card_owned();
	ensure(!pci_removal_start(CARD, 0, 10 * MSEC, "test", NULL, NULL, &op));
}

static void wait_cancelled(void)
{
	ensure(pci_removal_wait(op) == -ECANCELED);
}

static void cancel(void)
{
	ensure(!pci_removal_cancel(op));
}

static void cancelled_undisturbed(void)
{
	pci_removal_finish(op);
	undisturbed();
}

SCENARIO(cancelled, .name = "trap/cancelled_removal",
	 .rule = "rule 7: nor when it is cancelled", .setup = started,
	 .finish = cancelled_undisturbed,
	 .thread = { { "guest", trap_never_ones },
		     { "remover", wait_cancelled },
		     { "canceller", cancel } });

/*
 * The one CPU: nobody steps the removal while a trap is retried. The retry
 * looks at the time and goes on.
 */
static void trap_until_through(void)
{
	uint64_t val;

	while (vpci_read(hardware_domain, CARD, 0, 4, &val) == PCI_AGAIN)
		explore_sleep_until(plat_now() + 10 * MSEC);
	ensure(val == WORLD_ID);
	ensure(plat_now() <= PLAT_NSEC_PER_SEC + 2 * PCI_DRAIN_TIME);
}

static void step_to_the_end(void)
{
	while ((result = pci_removal_step(op)) == -EINPROGRESS)
		explore_sleep_until(pci_removal_next(op));
}

static void step_and_stall(void)
{
	uint64_t stalled = plat_now() + 500 * MSEC;

	while (pci_removal_step(op) == -EINPROGRESS)
		explore_sleep_until(stalled);
	ensure(pci_removal_step(op) == -EBUSY);
	pci_removal_finish(op);
}

static void through(void)
{
	pcidev_put(owned);
	world_end_card_there();
}

static void not_owned(void)
{
	world_card();
	ensure(!pci_removal_start(CARD, 0, 100 * MSEC, "test", NULL, NULL,
				  &op));
}

static void stepped(void)
{
	pci_removal_finish(op);
	gone();
}

SCENARIO(polled, .name = "trap/stepped_removal",
	 .rule = "rule 3, P2: polled grace periods prove the same",
	 .setup = not_owned, .finish = stepped,
	 .thread = { { "guest", trap }, { "remover", step_to_the_end } });
SCENARIO(one_cpu, .name = "trap/retry_ends_the_drain",
	 .rule = "docs/lifetime.md: a retry cannot spin for ever",
	 .setup = started, .finish = through,
	 .thread = { { "guest", trap_until_through },
		     { "remover", step_and_stall } });

/* --- loss ---------------------------------------------------------------------------- */

static void lose(void)
{
	result = world_lose(CARD);
	ensure(!result && !world_trap(hardware_domain, CARD));
}

SCENARIO(loss, .name = "trap/loss",
	 .rule = "rule 10: mark and access are tested in one section",
	 .setup = world_card, .finish = gone,
	 .thread = { { "guest", trap }, { "loser", lose } });

static void mark(void)
{
	ensure(!world_mark_lost(CARD));
	ensure(!world_trap(hardware_domain, CARD));
}

static void marked(void)
{
	ensure(!pci_device_lost(CARD));
	world_end_card_gone();
}

SCENARIO(mark_lost, .name = "trap/mark_lost",
	 .rule = "rule 10: the mark alone stops every access",
	 .setup = world_card, .finish = marked,
	 .thread = { { "guest", trap }, { "loser", mark } });

/* --- another owner -------------------------------------------------------------------- */

static unsigned int reads_then;

static void guest_trap(void)
{
	seen[0] = world_trap(guest_one, GUEST_SLOT);
	ensure(!world_trap(guest_two, GUEST_SLOT) || seen[1]);
}

static void take_back(void)
{
	ensure(!pci_deassign_device(guest_one, CARD, 0, NULL));
	reads_then = world_reads();
	ensure(!world_trap(guest_one, GUEST_SLOT));
	ensure(world_reads() == reads_then);
}

SCENARIO(deassign, .name = "trap/deassign",
	 .rule = "R21: after deassign the old guest reaches it no more",
	 .setup = world_assigned, .finish = world_end_card_there,
	 .thread = { { "guest", guest_trap }, { "toolstack", take_back } });

/* The new owner writes a secret; the old guest must never read one. */
static void guest_one_reads_scratch(void)
{
	uint64_t val;

	while (vpci_read(guest_one, GUEST_SLOT, SCRATCH, 4, &val) == PCI_AGAIN)
		explore_yield();
	ensure(val == 0 || val == ALL_ONES);
}

static void hand_over(void)
{
	pci_sbdf_t at = GUEST_SLOT;
	struct pci_dev *pdev;

	ensure(!pci_deassign_device(guest_one, CARD, 0, NULL));
	ensure(!pci_assign_device(guest_two, CARD, 0, &at, NULL));
	pdev = world_get(CARD);
	world_trap_write(hardware_domain, CARD, 1);
	ensure(!world_scratch(CARD)); /* not its own: dropped */
	world_write_scratch(CARD, 42);
	pcidev_put(pdev);
	ensure(world_trap(guest_two, GUEST_SLOT));
}

SCENARIO(reassign, .name = "trap/R21_reassign",
	 .rule = "R21: an old guest never reads the new owner's device",
	 .setup = world_assigned, .finish = world_end_card_there,
	 .thread = { { "guest", guest_one_reads_scratch },
		     { "toolstack", hand_over } });

static void remove_forced(void)
{
	result = world_remove(CARD, PCI_REMOVE_FORCE, 100 * MSEC);
	ensure(result || !world_trap(guest_one, GUEST_SLOT));
}

SCENARIO(forced, .name = "trap/forced_removal",
	 .rule = "rule 9: cut off, then gone; no access after 0",
	 .setup = world_assigned, .finish = gone,
	 .thread = { { "guest", guest_trap }, { "remover", remove_forced } });

const struct explore_scenario *const trap_scenarios[] = {
	&removal, &removal_twice, &refused,  &cancelled, &polled, &one_cpu,
	&loss,    &mark_lost,     &deassign, &reassign,  &forced, NULL,
};
