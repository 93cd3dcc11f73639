/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Surprise removal against everything else: docs/lifetime.md rule 10, and R17: who is
 * faster drops the registry's reference, once.
 */
#include <holdfast/iommu.h>

#include "world.h"

static int removal, loss[2];
static struct pci_dev *owned;
static struct pci_removal *op;

static void lose(void)
{
	loss[explore_self()] = world_lose(CARD);
}

static void lose_old(void)
{
	loss[0] = pci_device_lost(CARD);
}

static bool known_loss(int err)
{
	return !err || err == -EALREADY || err == -ENODEV;
}

/* --- those who have it -------------------------------------------------------- */

static void look_up(void)
{
	struct pci_dev *pdev;

	if (pci_lookup(NULL, CARD, &pdev))
		return;
	world_touch(pdev);
	pcidev_put(pdev);
}

static void lost(void)
{
	ensure(!loss[0]);
	world_end_card_gone();
}

SCENARIO(lookup, .name = "loss/lookup",
	 .rule = "rule 10: nobody touches it after; references stay valid",
	 .setup = world_card, .finish = lost,
	 .thread = { { "loser", lose }, { "user", look_up } });

static void card_owned(void)
{
	world_card();
	owned = world_get(CARD);
}

static void still_mine(void)
{
	pcidev_put(owned);
	lost();
}

static void add_other(void)
{
	int err;

	do {
		err = world_add(CARD, 2);
		if (err == -EBUSY)
			explore_yield();
	} while (err == -EBUSY);
	ensure(!err);
}

static void replaced(void)
{
	struct pci_dev_info info;

	ensure(known_loss(loss[0]));
	ensure(pcidev_is_lost(owned));
	if (!pci_query(CARD, &info))
		ensure(info.instance != pcidev_instance(owned));
	pcidev_put(owned);
	world_end();
}

SCENARIO(reference, .name = "loss/reference_stays",
	 .rule = "rule 10: the loss waits for sections, not for references",
	 .setup = card_owned, .finish = still_mine,
	 .thread = { { "loser", lose }, { "user", look_up } });
SCENARIO(another, .name = "loss/another_card_into_the_slot",
	 .rule = "rules 10, 16: a new object; the old one has its references",
	 .setup = card_owned, .finish = replaced,
	 .thread = { { "loser", lose_old }, { "adder", add_other } });

/* A section that found the old card must not be open beside the new one. */
static bool old_in_section;

static void found_old(void)
{
	struct pci_dev *pdev;

	plat_rcu_read_lock();
	if (!pci_lookup(NULL, CARD, &pdev)) {
		old_in_section = pcidev_desc(pdev)->ident.subdevice == 1;
		pcidev_put(pdev);
		(void)world_scratch(CARD); /* a step */
		old_in_section = false;
	}
	plat_rcu_read_unlock();
}

static void add_after_old(void)
{
	add_other();
	ensure(!old_in_section);
}

static void other_there(void)
{
	ensure(known_loss(loss[0]));
	world_end();
}

SCENARIO(slot, .name = "loss/slot_is_free_after_a_grace_period",
	 .rule = "rule 10: nobody who found the old one meets the new one",
	 .setup = world_card, .finish = other_there,
	 .thread = { { "loser", lose_old },
		     { "adder", add_after_old },
		     { "user", found_old } });

/* --- twice ------------------------------------------------------------------------ */

static void lost_once(void)
{
	ensure(!loss[0] + !loss[1] == 1);
	ensure(known_loss(loss[0]) && known_loss(loss[1]));
	world_end_card_gone();
}

SCENARIO(twice, .name = "loss/R17_twice", .rule = "R17: one does it, once",
	 .setup = world_card, .finish = lost_once,
	 .thread = { { "one", lose }, { "two", lose } });

/* --- removals ------------------------------------------------------------------------ */

static void remove_card(void)
{
	removal = world_remove(CARD, 0, 100 * MSEC);
}

static void remove_by_force(void)
{
	removal = world_remove(CARD, PCI_REMOVE_FORCE, 100 * MSEC);
}

/* Removed or lost, by one of them. */
static void one_of_them(void)
{
	ensure(known_loss(loss[0]));
	/* -EBUSY: it came while the loss had the operation slot */
	if (removal)
		ensure(!loss[0] && (removal == -ENODEV || removal == -EBUSY));
	else
		ensure(loss[0]);
	world_end_card_gone();
}

SCENARIO(against_removal, .name = "loss/removal",
	 .rule = "rule 10: a removal under way ends as lost, or had ended",
	 .setup = world_card, .finish = one_of_them,
	 .thread = { { "loser", lose }, { "remover", remove_card } });
SCENARIO(against_removal_used, .name = "loss/removal_and_lookup",
	 .rule = "rule 10: also when references are in flight",
	 .setup = world_card, .finish = one_of_them,
	 .thread = { { "loser", lose },
		     { "remover", remove_card },
		     { "user", look_up } });

static void started(void)
{
	world_card();
	ensure(!pci_removal_start(CARD, 0, 100 * MSEC, "test", NULL, NULL,
				  &op));
}

static void cancel(void)
{
	int err = pci_removal_cancel(op);

	ensure(!err || err == -EINPROGRESS);
}

static void wait_for_it(void)
{
	removal = pci_removal_wait(op);
}

static void cancelled_or_lost(void)
{
	pci_removal_finish(op);
	ensure(known_loss(loss[0]));
	ensure(removal == -ECANCELED || removal == -ENODEV || !removal);
	ensure((removal == 0) == (loss[0] != 0));
	world_end_card_gone();
}

SCENARIO(against_cancel, .name = "loss/cancelled_removal",
	 .rule = "rule 10: a cancelled removal leaves it to the loss",
	 .setup = started, .finish = cancelled_or_lost,
	 .thread = { { "loser", lose },
		     { "remover", wait_for_it },
		     { "canceller", cancel } });

/* --- holds ------------------------------------------------------------------------------ */

static bool ended;

static void release(void)
{
	ended = pci_hold_release(world_session.hold);
}

static void cut_or_released(void)
{
	ensure(!loss[0]);
	ensure(world_session.cuts == (ended ? 0u : 1u));
	world_end_card_gone();
}

SCENARIO(held, .name = "loss/hold",
	 .rule = "rule 10: holds are cut off, or released, once",
	 .setup = world_card_held, .finish = cut_or_released,
	 .thread = { { "loser", lose }, { "holder", release } });

static void forced_held(void)
{
	ensure(!pci_hold_release(world_session.hold));
	ensure(world_session.cuts == 1);
	one_of_them();
}

SCENARIO(held_forced, .name = "loss/forced_removal_of_held",
	 .rule = "rule 10: cut off once, whoever does it",
	 .setup = world_card_held, .finish = forced_held,
	 .thread = { { "loser", lose }, { "remover", remove_by_force } });

static struct world_hold late_hold;
static int taken;

static void take(void)
{
	taken = world_hold_take(&late_hold, CARD);
}

static void no_hold_on_lost(void)
{
	ensure(!loss[0]);
	if (!taken)
		ensure(!pci_hold_release(late_hold.hold));
	world_end_card_gone();
}

SCENARIO(taking, .name = "loss/hold_arrives",
	 .rule = "rule 10: no hold outlives the loss", .setup = world_card,
	 .finish = no_hold_on_lost,
	 .thread = { { "loser", lose }, { "holder", take } });

/* --- a guest's ------------------------------------------------------------------------------ */

static void deassign(void)
{
	int err = pci_deassign_device(guest_one, CARD, 0, NULL);

	ensure(!err || err == -ENODEV || err == -EBUSY);
}

static void guest_dies(void)
{
	ensure(!domain_destroy(guest_one));
}

SCENARIO(deassigning, .name = "loss/deassign",
	 .rule = "rules 10, 12: it leaves its guest once",
	 .setup = world_assigned, .finish = lost,
	 .thread = { { "loser", lose }, { "toolstack", deassign } });
/* The dying guest does the loss's work itself, if it finds a mark only. */
static void dead_and_lost(void)
{
	ensure(known_loss(loss[0]));
	world_end_card_gone();
}

SCENARIO(dying, .name = "loss/domain_destroy",
	 .rule = "rules 10, 12: a dying guest waits for the loss, or helps",
	 .setup = world_assigned, .finish = dead_and_lost,
	 .thread = { { "loser", lose }, { "toolstack", guest_dies } });

static void marked(void)
{
	world_assigned();
	ensure(!world_mark_lost(CARD));
}

SCENARIO(
	dying_marked, .name = "loss/marked_and_destroyed",
	.rule = "R5, rule 12: what a dying guest still has is looked at counted",
	.setup = marked, .finish = dead_and_lost,
	.thread = { { "loser", lose }, { "toolstack", guest_dies } });

/* --- the subtree ------------------------------------------------------------------------------ */

static void lose_pf(void)
{
	loss[0] = world_lose(PF);
}

static void remove_vf(void)
{
	removal = world_remove(VF, 0, 100 * MSEC);
}

static void lose_vf(void)
{
	loss[1] = world_lose(VF);
}

static void add_vf(void)
{
	int err = world_add(VF, 1);

	ensure(!err || err == -ENODEV || err == -EBUSY);
}

static void tree_gone(void)
{
	struct pci_dev_info info;

	ensure(!loss[0] && known_loss(loss[1]));
	ensure(!removal || removal == -ENODEV || removal == -EBUSY);
	ensure(pci_query(PF, &info) == -ENODEV);
	ensure(pci_query(VF, &info) == -ENODEV);
	world_end();
}

SCENARIO(tree_removal, .name = "loss/subtree_against_removal_of_child",
	 .rule = "rule 10: children before parents, whoever takes them",
	 .setup = world_pf_vf, .finish = tree_gone,
	 .thread = { { "loser", lose_pf }, { "remover", remove_vf } });
SCENARIO(tree_loss, .name = "loss/subtree_against_loss_of_child",
	 .rule = "rule 10: two losses that overlap", .setup = world_pf_vf,
	 .finish = tree_gone,
	 .thread = { { "loser", lose_pf }, { "loser2", lose_vf } });
SCENARIO(tree_add, .name = "loss/subtree_against_new_child",
	 .rule = "rule 10: no child survives its parent", .setup = world_pf,
	 .finish = tree_gone,
	 .thread = { { "loser", lose_pf }, { "adder", add_vf } });

/* Not the whole loss: only the marks, which must reach a child that arrives. */
static void mark_pf(void)
{
	ensure(!pci_mark_lost(PF));
}

static void marked_too(void)
{
	struct pci_dev_info info;

	if (!pci_query(VF, &info))
		ensure(info.lost);
	ensure(!pci_device_lost(PF));
	world_end();
}

SCENARIO(tree_mark, .name = "loss/mark_against_new_child",
	 .rule = "rule 10: a mark reaches the whole subtree", .setup = world_pf,
	 .finish = marked_too,
	 .thread = { { "loser", mark_pf }, { "adder", add_vf } });

const struct explore_scenario *const loss_scenarios[] = {
	&lookup,
	&reference,
	&another,
	&slot,
	&twice,
	&against_removal,
	&against_removal_used,
	&against_cancel,
	&held,
	&held_forced,
	&taking,
	&deassigning,
	&dying,
	&dying_marked,
	&tree_removal,
	&tree_loss,
	&tree_add,
	&tree_mark,
	NULL,
};
