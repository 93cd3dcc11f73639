/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removal against those who look up, put, remove and cancel: R1, R5, R7, R15,
 * R17, R18; docs/lifetime.md rules 1, 2, 4, 6, 7, 8.
 */
#include "world.h"

static int result[2];
static int cancelled;
static struct pci_dev *owned;
static struct pci_removal *op;

/* --- a reference --------------------------------------------------------------- */

static void look_up(void)
{
	struct pci_dev *pdev;
	int err = pci_lookup(NULL, CARD, &pdev);

	ensure(!err || err == -EBUSY || err == -ENODEV);
	if (err)
		return;
	world_touch(pdev);
	pcidev_put(pdev);
}

static void remove_card(void)
{
	result[0] = world_remove(CARD, 0, 200 * MSEC);
}

/* No deadline passes while the other thread can put: so it must succeed. */
static void removed(void)
{
	ensure(!result[0]);
	world_end_card_gone();
}

static void removed_at_once(void)
{
	world_in_no_time();
	removed();
}

SCENARIO(lookup, .name = "removal/R1_lookup",
	 .rule = "R1 R5 R7, rule 6: 0 means that nobody has it any more",
	 .setup = world_card, .finish = removed_at_once,
	 .thread = { { "user", look_up }, { "remover", remove_card } });
SCENARIO(lookups, .name = "removal/R15_two_lookups",
	 .rule = "R15, rule 2: every reference is waited for",
	 .setup = world_card, .finish = removed_at_once,
	 .thread = { { "user", look_up },
		     { "user2", look_up },
		     { "remover", remove_card } });

static void card_owned(void)
{
	world_card();
	owned = world_get(CARD);
}

static void copy_and_put(void)
{
	pcidev_get(owned);
	world_touch(owned);
	pcidev_put(owned);
	world_touch(owned);
	pcidev_put(owned);
}

SCENARIO(get, .name = "removal/get_and_put",
	 .rule = "rule 4: an owner may always get; the last put wakes",
	 .setup = card_owned, .finish = removed_at_once,
	 .thread = { { "owner", copy_and_put }, { "remover", remove_card } });

static void touch_after_gone(void)
{
	pci_sbdf_t at;
	enum pci_state state;

	state = pcidev_state(owned);
	at = pcidev_sbdf(owned);
	ensure(at.sbdf == CARD.sbdf);
	ensure(state == PCI_STATE_LIVE || state == PCI_STATE_DRAINING);
	pcidev_put(owned);
}

SCENARIO(taken_before, .name = "removal/R7_reference_taken_before",
	 .rule = "R7 R1: a reference from before is valid, and keeps it",
	 .setup = card_owned, .finish = removed_at_once,
	 .thread = { { "owner", touch_after_gone },
		     { "remover", remove_card } });

/* --- deadlines -------------------------------------------------------------------- */

static void put_too_late(void)
{
	uint64_t until = plat_now() + 20 * MSEC;

	explore_sleep_until(until);
	world_touch(owned);
	pcidev_put(owned);
}

/* Refused, and then, when the reference is back, not. */
static void remove_twice(void)
{
	struct pci_dev_info info;

	result[0] = world_remove(CARD, 0, 10 * MSEC);
	ensure(result[0] == -EBUSY);
	ensure(world_report.phase == PCI_REMOVAL_BUSY);
	ensure(world_report.refs == 1 &&
	       world_report.refs_on.sbdf == CARD.sbdf);
	ensure(!pci_query(CARD, &info));
	ensure(info.state == PCI_STATE_LIVE && info.op == PCI_OP_NONE);
	result[0] = world_remove(CARD, 0, 100 * MSEC);
}

SCENARIO(deadline, .name = "removal/R18_deadline_and_again",
	 .rule = "R18, rule 7: -EBUSY by the deadline, unchanged; again: 0",
	 .setup = card_owned, .finish = removed,
	 .thread = { { "owner", put_too_late }, { "remover", remove_twice } });

/* Longer than a drain may last: the device works for a while in between. */
static void put_after_the_drain(void)
{
	explore_sleep_until(PLAT_NSEC_PER_SEC + PCI_DRAIN_TIME + 10 * MSEC);
	ensure(pcidev_state(owned) == PCI_STATE_LIVE);
	ensure(world_trap(hardware_domain, CARD));
	world_touch(owned);
	pcidev_put(owned);
}

SCENARIO(
	rests, .name = "removal/rests_between_drains",
	.rule = "docs/lifetime.md: draining lasts 50 ms at most, and goes on later",
	.setup = card_owned, .finish = removed,
	.thread = { { "owner", put_after_the_drain },
		    { "remover", remove_card } });

static void put_at_the_deadline(void)
{
	explore_sleep_until(PLAT_NSEC_PER_SEC + 10 * MSEC);
	world_touch(owned);
	pcidev_put(owned);
}

static void remove_by_the_deadline(void)
{
	result[0] = world_remove(CARD, 0, 10 * MSEC);
}

static void removed_or_busy(void)
{
	if (!result[0]) {
		world_end_card_gone();
		return;
	}
	ensure(result[0] == -EBUSY);
	world_end_card_there();
}

SCENARIO(at_the_deadline, .name = "removal/put_at_the_deadline",
	 .rule = "rule 7: at the deadline one of two truths, not both",
	 .setup = card_owned, .finish = removed_or_busy,
	 .thread = { { "owner", put_at_the_deadline },
		     { "remover", remove_by_the_deadline } });
/* Each wait of the removal may end too early, or the putter come late. */
SCENARIO(late, .name = "removal/deadline_at_any_instant",
	 .rule = "rule 7: -EBUSY changes nothing, whenever time runs out",
	 .setup = world_card, .finish = removed_or_busy,
	 .thread = { { "user", look_up },
		     { "remover", remove_by_the_deadline } },
	 .late = true);

/* --- two removals -------------------------------------------------------------------- */

static void remove_as(void)
{
	unsigned int me = explore_self();

	result[me] = pci_remove_device(CARD, 0, 200 * MSEC, NULL);
	if (!result[me])
		ensure(pci_remove_device(CARD, 0, 0, NULL) == -ENODEV);
}

static void one_removed(void)
{
	ensure(!result[0] + !result[1] == 1);
	ensure(result[0] == -EALREADY || result[0] == -ENODEV ||
	       result[1] == -EALREADY || result[1] == -ENODEV);
	world_end_card_gone();
}

SCENARIO(two, .name = "removal/R17_two_removals",
	 .rule = "R17: one does it; the other hears -EALREADY or -ENODEV",
	 .setup = world_card, .finish = one_removed,
	 .thread = { { "one", remove_as }, { "two", remove_as } });

/* --- cancelling -------------------------------------------------------------------------- */

static void started(void)
{
	world_card();
	ensure(!pci_removal_start(CARD, 0, 100 * MSEC, "test", NULL, NULL,
				  &op));
}

static void wait_for_it(void)
{
	result[0] = pci_removal_wait(op);
}

static void cancel(void)
{
	cancelled = pci_removal_cancel(op);
}

static void cancelled_or_not(void)
{
	struct pci_removal_info info;

	pci_removal_query(op, &info);
	ensure(info.result == result[0] && info.ended);
	pci_removal_finish(op);
	if (cancelled == -EINPROGRESS)
		ensure(!result[0]);
	else
		ensure(!cancelled);
	if (!result[0]) {
		world_end_card_gone();
		return;
	}
	ensure(result[0] == -ECANCELED);
	world_end_card_there();
}

SCENARIO(cancelling, .name = "removal/cancel",
	 .rule = "rules 7, 8: cancelled and unchanged, or past the point",
	 .setup = started, .finish = cancelled_or_not,
	 .thread = { { "remover", wait_for_it }, { "canceller", cancel } });
SCENARIO(cancelling_used, .name = "removal/cancel_while_draining",
	 .rule = "rule 7: a cancelled drain gives the device back",
	 .setup = started, .finish = cancelled_or_not,
	 .thread = { { "remover", wait_for_it },
		     { "canceller", cancel },
		     { "user", look_up } });

static void query(void)
{
	struct pci_removal_info info;
	struct pci_dev_info dev;

	pci_removal_query(op, &info);
	ensure(info.sbdf.sbdf == CARD.sbdf && info.deadline);
	if (!pci_query(CARD, &dev))
		ensure(dev.instance == info.instance);
}

static void queried(void)
{
	pci_removal_finish(op);
	ensure(!result[0]);
	world_end_card_gone();
}

SCENARIO(querying, .name = "removal/R18_query",
	 .rule = "R18: a removal under way can be asked how it is",
	 .setup = started, .finish = queried,
	 .thread = { { "remover", wait_for_it }, { "asker", query } });

/* --- who must not sleep ------------------------------------------------------------------- */

static void step_to_the_end(void)
{
	while ((result[0] = pci_removal_step(op)) == -EINPROGRESS)
		explore_sleep_until(pci_removal_next(op));
}

static void stepped(void)
{
	pci_removal_finish(op);
	ensure(!result[0]);
	world_end_card_gone();
}

SCENARIO(stepping, .name = "removal/stepped_against_lookup",
	 .rule = "docs/lifetime.md: polled grace periods prove the same",
	 .setup = started, .finish = stepped,
	 .thread = { { "remover", step_to_the_end }, { "user", look_up } });

/* --- parent and child --------------------------------------------------------------------- */

static void remove_pf(void)
{
	result[0] = world_remove(PF, 0, 100 * MSEC);
}

static void remove_vf(void)
{
	result[1] = world_remove(VF, 0, 100 * MSEC);
}

static void child_first(void)
{
	struct pci_dev_info info;

	ensure(!result[1] && pci_query(VF, &info) == -ENODEV);
	ensure(!result[0] || result[0] == -EBUSY);
	if (result[0])
		ensure(!pci_query(PF, &info) && !info.holds);
	world_end();
}

SCENARIO(child, .name = "removal/parent_against_child",
	 .rule = "rule 14: a child holds its parent until it is gone",
	 .setup = world_pf_vf, .finish = child_first,
	 .thread = { { "pf", remove_pf }, { "vf", remove_vf } });

static void remove_both(void)
{
	result[0] = world_remove(PF, PCI_REMOVE_FORCE, 100 * MSEC);
}

static void both_gone(void)
{
	struct pci_dev_info info;

	ensure(result[0] || (pci_query(PF, &info) == -ENODEV &&
			     pci_query(VF, &info) == -ENODEV));
	ensure(!result[0] || result[0] == -EALREADY);
	ensure(!result[1] || result[1] == -EALREADY || result[1] == -ENODEV);
	ensure(!result[0] || !result[1]);
	world_end();
}

SCENARIO(subtree, .name = "removal/R17_subtree_against_child",
	 .rule = "R17, rule 14: each function is removed by one",
	 .setup = world_pf_vf, .finish = both_gone,
	 .thread = { { "tree", remove_both }, { "vf", remove_vf } });

static void add_vf(void)
{
	result[1] = world_add(VF, 1);
}

static void no_orphan(void)
{
	struct pci_dev_info info;

	if (!result[0])
		ensure(result[1] == -ENODEV || result[1] == -EBUSY);
	else
		ensure(result[0] == -EBUSY && !result[1]);
	ensure(pci_query(VF, &info) == (result[1] ? -ENODEV : 0));
	world_end();
}

SCENARIO(orphan, .name = "removal/H9_child_arrives",
	 .rule = "H9, rule 14: no child without its parent", .setup = world_pf,
	 .finish = no_orphan,
	 .thread = { { "remover", remove_pf }, { "adder", add_vf } });

/* --- after the verdict --------------------------------------------------------- */

static void in_guest_with_units(void)
{
	world_with(WORLD_RESET);
	world_assigned();
}

/* Cancelled, with the card on its way home: it is reset, which takes time. */
static void ask_and_cancel(void)
{
	struct pci_removal *mine;

	if (pci_removal_start(CARD, PCI_REMOVE_ASK, 100 * MSEC, "test", NULL,
			      NULL, &mine))
		return;
	(void)pci_removal_step(mine);
	(void)pci_removal_cancel(mine);
	(void)pci_removal_wait(mine);
	pci_removal_finish(mine);
}

static void give_back_and_pull(void)
{
	ensure(pci_domain_return(guest_one, CARD) <= 0);
	ensure(pci_device_lost(CARD) <= 0);
}

SCENARIO(kicked, .name = "removal/kicked_while_it_settles",
	 .rule = "removal.c: who waits by the clock sleeps, though woken before",
	 .setup = in_guest_with_units, .finish = world_end,
	 .thread = { { "remover", ask_and_cancel },
		     { "guest", give_back_and_pull } });

const struct explore_scenario *const removal_scenarios[] = {
	&lookup,
	&lookups,
	&get,
	&taken_before,
	&deadline,
	&rests,
	&at_the_deadline,
	&late,
	&two,
	&cancelling,
	&cancelling_used,
	&querying,
	&stepping,
	&child,
	&subtree,
	&orphan,
	&kicked,
	NULL,
};
