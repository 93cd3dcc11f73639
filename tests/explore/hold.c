/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holds against removals that respect, ask and cut them: R1, R2, R4; docs/lifetime.md
 * rules 7, 8, 9, 14.
 */
#include <string.h>

#include "world.h"

static int result[2];
static bool ended; /* the holder's release ended the hold */

static void begin(void (*setup)(void))
{
	result[0] = result[1] = 0;
	ended = false;
	setup();
}

static void card(void)
{
	begin(world_card);
}

static void card_held(void)
{
	begin(world_card_held);
}

static void take_and_release(void)
{
	struct world_hold mine;

	result[1] = world_hold_take(&mine, CARD);
	if (result[1])
		return;
	ensure(pci_hold_release(mine.hold));
}

static void take(void)
{
	result[1] = world_hold_take(&world_session, CARD);
}

static void release(void)
{
	ended = pci_hold_release(world_session.hold);
}

static void release_when_asked(void)
{
	ensure(plat_event_wait(&world_session.asked, PLAT_FOREVER));
	release();
}

static void refuse_when_asked(void)
{
	ensure(plat_event_wait(&world_session.asked, PLAT_FOREVER));
	pci_hold_refuse(world_session.hold);
}

static void remove_plain(void)
{
	result[0] = world_remove(CARD, 0, 100 * MSEC);
}

static void remove_ask(void)
{
	result[0] = world_remove(CARD, PCI_REMOVE_ASK, 100 * MSEC);
}

static void remove_force(void)
{
	result[0] = world_remove(CARD, PCI_REMOVE_FORCE, 100 * MSEC);
}

static void remove_ask_force(void)
{
	result[0] = world_remove(CARD, PCI_REMOVE_ASK | PCI_REMOVE_FORCE,
				 100 * MSEC);
}

static void gone_or_there(void)
{
	if (!result[0])
		world_end_card_gone();
	else
		world_end_card_there();
}

/* --- respected ---------------------------------------------------------------- */

static void either(void)
{
	ensure(!result[0] || result[0] == -EBUSY);
	if (!result[1]) {
		ensure(result[0] == -EBUSY);
		ensure(world_report.blockers == 1);
		ensure(!strcmp(world_report.blocker[0].hold.who, "session"));
		ensure(pci_hold_release(world_session.hold));
	} else {
		ensure(result[1] == -EBUSY || result[1] == -ENODEV);
		ensure(!result[0]);
	}
	gone_or_there();
}

SCENARIO(blocks, .name = "hold/R4_hold_or_removal",
	 .rule = "R1 R2 R4: a hold makes a device not removable, by name",
	 .setup = card, .finish = either,
	 .thread = { { "holder", take }, { "remover", remove_plain } });

static void never_both(void)
{
	ensure(!result[0] || (result[0] == -EBUSY && !result[1]));
	gone_or_there();
}

SCENARIO(comes_and_goes, .name = "hold/taken_and_released",
	 .rule = "R4 rule 7: busy only if somebody held it", .setup = card,
	 .finish = never_both,
	 .thread = { { "holder", take_and_release },
		     { "remover", remove_plain } });

static void one_answer(void)
{
	ensure(ended);
	ensure(!result[0] ||
	       (result[0] == -EBUSY && world_report.blockers == 1));
	gone_or_there();
}

SCENARIO(released, .name = "hold/release_against_removal",
	 .rule = "R1: held: -EBUSY with its name; released: 0",
	 .setup = card_held, .finish = one_answer,
	 .thread = { { "holder", release }, { "remover", remove_plain } });

/* --- asked ------------------------------------------------------------------------- */

static void given_back(void)
{
	ensure(!result[0] && ended);
	ensure(world_session.asks == 1 && !world_session.cuts);
	ensure(world_report.given_back == 1);
	world_in_no_time();
	world_end_card_gone();
}

SCENARIO(asked, .name = "hold/asked_and_given_back",
	 .rule = "rule 9: asked, the holder lets go; the report lists it",
	 .setup = card_held, .finish = given_back,
	 .thread = { { "holder", release_when_asked },
		     { "remover", remove_ask } });

static void refused(void)
{
	ensure(result[0] == -EBUSY && world_session.asks == 1);
	ensure(world_report.blockers == 1 && !world_report.given_back);
	ensure(pci_hold_release(world_session.hold));
	world_in_no_time();
	world_end_card_there();
}

SCENARIO(refuses, .name = "hold/asked_and_refused",
	 .rule = "rule 9: a refusal is an answer, before the deadline",
	 .setup = card_held, .finish = refused,
	 .thread = { { "holder", refuse_when_asked },
		     { "remover", remove_ask } });

static void ignored(void)
{
	ensure(result[0] == -EBUSY && world_report.blockers == 1);
	ensure(plat_now() == PLAT_NSEC_PER_SEC + 100 * MSEC);
	ensure(pci_hold_release(world_session.hold));
	world_end_card_there();
}

SCENARIO(ignores, .name = "hold/asked_and_ignored",
	 .rule = "rule 7: it ends by its deadline, whoever is silent",
	 .setup = card_held, .finish = ignored,
	 .thread = { { "remover", remove_ask } });

static void released_meanwhile(void)
{
	ensure(!result[0] && ended && world_session.asks <= 1);
	world_end_card_gone();
}

SCENARIO(ask_meets_release, .name = "hold/ask_against_release",
	 .rule = "hold.h: an ask on its way finds the hold's data valid",
	 .setup = card_held, .finish = released_meanwhile,
	 .thread = { { "holder", release }, { "remover", remove_ask } });

/* --- cut off ------------------------------------------------------------------------- */

/* One of the two ended it, and the holder knows which. */
static void cut_or_released(void)
{
	ensure(!result[0]);
	ensure(world_session.cuts == (ended ? 0u : 1u));
	world_end_card_gone();
}

SCENARIO(cut, .name = "hold/force_against_release",
	 .rule = "rule 9 R17: a hold ends once, by release or by cut-off",
	 .setup = card_held, .finish = cut_or_released,
	 .thread = { { "holder", release }, { "remover", remove_force } });

static void released_after_cut(void)
{
	ensure(plat_event_wait(&world_session.asked, PLAT_FOREVER));
	release();
}

SCENARIO(cut_then_release, .name = "hold/force_then_release",
	 .rule = "hold.h: the release after a cut-off does nothing but free",
	 .setup = card_held, .finish = cut_or_released,
	 .thread = { { "holder", released_after_cut },
		     { "remover", remove_force } });

static void cut_at_last(void)
{
	ensure(!result[0] && world_session.asks == 1);
	ensure(world_session.cuts == 1);
	ensure(!pci_hold_release(world_session.hold));
	world_end_card_gone();
}

SCENARIO(ask_then_force, .name = "hold/ignored_and_cut_off",
	 .rule = "rule 9: nobody keeps the host from its device",
	 .setup = card_held, .finish = cut_at_last,
	 .thread = { { "remover", remove_ask_force } });
SCENARIO(refuse_then_force, .name = "hold/refused_and_cut_off",
	 .rule = "rule 9: a refusal least of all", .setup = card_held,
	 .finish = cut_at_last,
	 .thread = { { "holder", refuse_when_asked },
		     { "remover", remove_ask_force } });

/* --- cancelled ------------------------------------------------------------------------ */

static struct pci_removal *op;
static int cancelled;

static void started(void)
{
	card_held();
	ensure(!pci_removal_start(CARD, PCI_REMOVE_FORCE, 100 * MSEC, "test",
				  NULL, NULL, &op));
}

static void wait_for_it(void)
{
	result[0] = pci_removal_wait(op);
}

static void cancel(void)
{
	cancelled = pci_removal_cancel(op);
}

/* Rule 8: cutting off is the point of no return. */
static void all_or_nothing(void)
{
	bool live = pci_hold_release(world_session.hold);

	pci_removal_finish(op);
	ensure(!result[0] || result[0] == -ECANCELED);
	ensure(live == (result[0] == -ECANCELED));
	if (cancelled == -EINPROGRESS)
		ensure(!result[0]);
	gone_or_there();
}

SCENARIO(cancel_force, .name = "hold/cancel_against_force",
	 .rule = "rule 8: before the first cut-off unchanged, after it done",
	 .setup = started, .finish = all_or_nothing,
	 .thread = { { "remover", wait_for_it }, { "canceller", cancel } });

const struct explore_scenario *const hold_scenarios[] = {
	&blocks,
	&comes_and_goes,
	&released,
	&asked,
	&refuses,
	&ignores,
	&ask_meets_release,
	&cut,
	&cut_then_release,
	&ask_then_force,
	&refuse_then_force,
	&cancel_force,
	NULL,
};
