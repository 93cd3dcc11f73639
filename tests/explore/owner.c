/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose a device is, while it moves: R4, R13, R16, H12, H13; docs/lifetime.md rules
 * 12 and 15, §8 "one winner".
 */
#include <string.h>

#include <holdfast/iommu.h>

#include "device/internal.h"
#include "world.h"

static int result[2];
static int removal;

/* Who is told that it is busy is told who has it, or is getting it. */
static int assign(struct domain *d, const char *other)
{
	struct pci_assign_report report;
	pci_sbdf_t at = GUEST_SLOT;
	int err = pci_assign_device(d, CARD, 0, &at, &report);

	ensure(err != -EBUSY || !other || !memcmp(report.who, other, 4));
	return err;
}

static void assign_one(void)
{
	result[0] = assign(guest_one, NULL);
}

static void assign_two(void)
{
	result[1] = assign(guest_two, NULL);
}

static void race_one(void)
{
	result[0] = assign(guest_one, "two");
}

static void race_two(void)
{
	result[1] = assign(guest_two, "one");
}

static void take_back(void)
{
	result[1] = pci_deassign_device(guest_one, CARD, 0, NULL);
}

static void remove_card(void)
{
	removal = world_remove(CARD, 0, 100 * MSEC);
}

/* --- two want it ----------------------------------------------------------------- */

static void one_winner(void)
{
	ensure(!result[0] + !result[1] == 1);
	ensure(result[0] == -EBUSY || result[1] == -EBUSY);
	ensure(domain_devices(guest_one) == !result[0]);
	ensure(domain_devices(guest_two) == !result[1]);
	world_end_card_there();
}

SCENARIO(two, .name = "owner/R13_two_assign",
	 .rule = "§8 R13: one winner, one -EBUSY that names it",
	 .setup = world_guests, .finish = one_winner,
	 .thread = { { "one", race_one }, { "two", race_two } });

static void assign_after_it(void)
{
	assign_two();
	ensure(!result[1] || result[1] == -EBUSY);
}

static void take_back_only(void)
{
	result[0] = pci_deassign_device(guest_one, CARD, 0, NULL);
}

static void moved_or_not(void)
{
	ensure(!result[0] || (result[0] == -EBUSY && result[1]));
	ensure(domain_devices(guest_two) == !result[1]);
	world_end_card_there();
}

SCENARIO(hand_over, .name = "owner/deassign_against_assign",
	 .rule = "rule 12: it moves whole, or not", .setup = world_assigned,
	 .finish = moved_or_not,
	 .thread = { { "one", take_back_only }, { "two", assign_after_it } });

/* --- on one list, at every instant ------------------------------------------------ */

/* All owners' locks, in order: then nothing moves. */
static void look_at_lists(void)
{
	struct domain *const all[] = { hardware_domain, guest_one, dom_io };
	unsigned int i, lists = 0;
	struct pci_dev *pdev;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		pci_lock(&all[i]->lock);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		list_for_each(pdev, &all[i]->devices, struct pci_dev,
			      domain_entry) {
			if (pdev->desc.sbdf.sbdf != CARD.sbdf)
				continue;
			lists++;
			ensure(hf_load_relaxed(&pdev->owner) == all[i]);
		}
	}
	ensure(lists == 1);
	for (i = ARRAY_SIZE(all); i-- > 0;)
		pci_unlock(&all[i]->lock);
}

SCENARIO(lists_assign, .name = "owner/H13_one_list_while_assigned",
	 .rule = "H12 H13, rule 12: on one list, its owner's, always",
	 .setup = world_guests, .finish = world_end_card_there,
	 .thread = { { "toolstack", assign_one },
		     { "looker", look_at_lists } });
SCENARIO(lists_deassign, .name = "owner/H13_one_list_while_given_back",
	 .rule = "H12 H13, rule 12: on one list, its owner's, always",
	 .setup = world_assigned, .finish = world_end_card_there,
	 .thread = { { "toolstack", take_back }, { "looker", look_at_lists } });

/* --- lookups through a domain --------------------------------------------------------- */

static void look_up_as_guest(void)
{
	struct pci_dev *pdev = pci_get_pdev(guest_one, CARD);

	if (pdev) {
		world_touch(pdev);
		pcidev_put(pdev);
	}
	pdev = vpci_get_pdev(guest_one, GUEST_SLOT);
	if (pdev) {
		world_touch(pdev);
		pcidev_put(pdev);
	}
}

static void deassigned(void)
{
	ensure(!result[1]);
	ensure(!pci_get_pdev(guest_one, CARD));
	ensure(!vpci_get_pdev(guest_one, GUEST_SLOT));
	world_end_card_there();
}

SCENARIO(lookup, .name = "owner/R5_lookup_against_deassign",
	 .rule = "R5 R16: found through a domain: counted, and its own",
	 .setup = world_assigned, .finish = deassigned,
	 .thread = { { "guest", look_up_as_guest },
		     { "toolstack", take_back } });

static void remove_forced(void)
{
	removal = world_remove(CARD, PCI_REMOVE_FORCE, 100 * MSEC);
}

static void gone(void)
{
	ensure(!removal);
	world_end_card_gone();
}

SCENARIO(lookup_removal, .name = "owner/R5_lookup_against_forced_removal",
	 .rule = "R5 R7: found through a domain: waited for",
	 .setup = world_assigned, .finish = gone,
	 .thread = { { "guest", look_up_as_guest },
		     { "remover", remove_forced } });

/* --- against removal -------------------------------------------------------------------- */

static void assigned_or_gone(void)
{
	if (!result[0]) {
		ensure(removal == -EBUSY);
		world_end_card_there();
	} else if (!removal) {
		ensure(result[0] == -ENODEV || result[0] == -EBUSY);
		world_end_card_gone();
	} else {
		explore_fail("neither assigned nor removed: %d, %d", result[0],
			     removal);
	}
}

SCENARIO(assign_removal, .name = "owner/R4_assign_against_removal",
	 .rule = "R4: assigned and not removed, or removed",
	 .setup = world_guests, .finish = assigned_or_gone,
	 .thread = { { "toolstack", assign_one }, { "remover", remove_card } });

static void given_back_or_gone(void)
{
	ensure(!removal || removal == -EBUSY);
	ensure(!result[1] || result[1] == -EBUSY || result[1] == -ENODEV);
	ensure(!removal || !result[1] || result[1] == -EBUSY);
	if (!removal)
		world_end_card_gone();
	else
		world_end_card_there();
}

SCENARIO(deassign_removal, .name = "owner/R4_deassign_against_removal",
	 .rule = "R4: assigned: busy; given back: removable",
	 .setup = world_assigned, .finish = given_back_or_gone,
	 .thread = { { "toolstack", take_back }, { "remover", remove_card } });
SCENARIO(deassign_force, .name = "owner/deassign_against_force",
	 .rule = "rules 9, 12: it leaves its guest once",
	 .setup = world_assigned, .finish = given_back_or_gone,
	 .thread = { { "toolstack", take_back },
		     { "remover", remove_forced } });

/* --- a guest that is asked --------------------------------------------------------------- */

static plat_event_t asked;

static void guest_asked(struct domain *d, pci_sbdf_t sbdf, uint64_t deadline)
{
	(void)d;
	(void)sbdf;
	(void)deadline;
	plat_event_set(&asked);
}

static const struct domain_ops polite = { .ask = guest_asked };

static void polite_guest(void)
{
	pci_sbdf_t at = GUEST_SLOT;

	world_card();
	plat_event_init(&asked);
	ensure(!domain_create(1, "one", &polite, NULL, &guest_one));
	ensure(!pci_assign_device(guest_one, CARD, 0, &at, NULL));
}

static void guest_lets_go(void)
{
	ensure(plat_event_wait(&asked, PLAT_FOREVER));
	result[0] = pci_domain_return(guest_one, CARD);
}

static void remove_ask(void)
{
	removal = world_remove(CARD, PCI_REMOVE_ASK, 100 * MSEC);
}

static void returned(void)
{
	ensure(!removal && !result[0] && world_report.given_back == 1);
	world_end_card_gone();
}

SCENARIO(asking, .name = "owner/asked_and_returned",
	 .rule = "rule 9: a guest lets go, the removal goes on",
	 .setup = polite_guest, .finish = returned,
	 .thread = { { "guest", guest_lets_go }, { "remover", remove_ask } });

static struct pci_removal *op;

static void asked_already(void)
{
	polite_guest();
	ensure(!pci_removal_start(CARD, PCI_REMOVE_ASK, 100 * MSEC, "test",
				  NULL, NULL, &op));
}

static void wait_for_it(void)
{
	removal = pci_removal_wait(op);
}

static void cancel_it(void)
{
	(void)pci_removal_cancel(op);
}

static void guest_answers(void)
{
	result[0] = pci_domain_return(guest_one, CARD);
}

/* Whoever ends the removal moves what was given back on: never in between. */
static void home_or_gone(void)
{
	struct pci_dev_info info;

	pci_removal_finish(op);
	ensure(!result[0]);
	ensure(!removal || removal == -ECANCELED);
	ensure(!domain_devices(guest_one));
	if (removal) {
		ensure(!pci_query(CARD, &info));
		ensure(info.owner == DOMID_HARDWARE);
		world_end_card_there();
	} else {
		world_end_card_gone();
	}
}

SCENARIO(asking_cancel, .name = "owner/returned_against_cancel",
	 .rule = "rule 8: what was given back goes home, cancelled or not",
	 .setup = asked_already, .finish = home_or_gone,
	 .thread = { { "guest", guest_answers },
		     { "remover", wait_for_it },
		     { "canceller", cancel_it } });

/* --- a guest that dies ---------------------------------------------------------------------- */

static void one_dies(void)
{
	ensure(!domain_destroy(guest_one));
	ensure(!domain_devices(guest_one));
}

static void dead_and_there(void)
{
	ensure(!removal || removal == -EBUSY);
	if (!removal)
		world_end_card_gone();
	else
		world_end_card_there();
}

SCENARIO(death_removal, .name = "owner/destroy_against_removal",
	 .rule = "rule 12: a device busy with an operation is waited for",
	 .setup = world_assigned, .finish = dead_and_there,
	 .thread = { { "toolstack", one_dies }, { "remover", remove_card } });
SCENARIO(death_force, .name = "owner/destroy_against_force",
	 .rule = "rule 12: a device busy with an operation is waited for",
	 .setup = world_assigned, .finish = dead_and_there,
	 .thread = { { "toolstack", one_dies }, { "remover", remove_forced } });

static void came_back(void)
{
	ensure(!result[1] || result[1] == -EBUSY || result[1] == -ENODEV);
	world_end_card_there();
}

SCENARIO(death_deassign, .name = "owner/destroy_against_deassign",
	 .rule = "rule 12: it comes back once", .setup = world_assigned,
	 .finish = came_back,
	 .thread = { { "toolstack", one_dies }, { "other", take_back } });

static void not_to_the_dead(void)
{
	ensure(!result[0] || result[0] == -EINVAL);
	world_end_card_there();
}

SCENARIO(death_assign, .name = "owner/destroy_against_assign",
	 .rule = "rule 12: nothing comes to a dying guest, or it is taken",
	 .setup = world_guests, .finish = not_to_the_dead,
	 .thread = { { "toolstack", one_dies }, { "other", assign_one } });

const struct explore_scenario *const owner_scenarios[] = {
	&two,
	&hand_over,
	&lists_assign,
	&lists_deassign,
	&lookup,
	&lookup_removal,
	&assign_removal,
	&deassign_removal,
	&deassign_force,
	&asking,
	&asking_cancel,
	&death_removal,
	&death_force,
	&death_deassign,
	&death_assign,
	NULL,
};
