/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one-word counter alone (core/device/counter.h, invariants C1 to C4):
 * R3, R6, R17, R20; docs/lifetime.md.
 */
#include "device/counter.h"
#include "world.h"

static struct pci_counter life;
static plat_event_t event;
static unsigned int users, frees, drained;
static bool gone;

static void live_with(uint32_t count)
{
	hf_init(&life.word, life_word(PCI_STATE_LIVE, count));
	plat_event_init(&event);
	users = frees = drained = 0;
	gone = false;
}

static void live_1(void)
{
	live_with(1);
}

static void live_2(void)
{
	live_with(2);
}

static void live_3(void)
{
	live_with(3);
}

static void gone_3(void)
{
	hf_init(&life.word, life_word(PCI_STATE_GONE, 3));
	frees = 0;
}

static void put(void)
{
	switch (life_put(&life)) {
	case LIFE_FREE:
		frees++;
		break;
	case LIFE_DRAINED:
		drained++;
		plat_event_set(&event);
		break;
	case LIFE_KEPT:
		break;
	case LIFE_NO_REFERENCE:
		ensure(false);
	}
}

/* --- the last put ------------------------------------------------------------ */

static void freed_once(void)
{
	ensure(frees == 1);
	ensure(life_read(&life) == life_word(PCI_STATE_GONE, 0));
}

SCENARIO(last_put, .name = "counter/R17_last_put",
	 .rule = "R17, C3: of three puts exactly one frees", .setup = gone_3,
	 .finish = freed_once,
	 .thread = { { "a", put }, { "b", put }, { "c", put } });

static void try_and_use(void)
{
	if (life_tryget(&life) != LIFE_TAKEN)
		return;
	users++;
	ensure(!gone && !frees);
	put();
	users--;
}

/* The registry's put, after the state is dead. */
static void lose(void)
{
	life_set_state(&life, PCI_STATE_LOST);
	put();
}

static void lost_and_freed(void)
{
	ensure(frees == 1);
	ensure(life_read(&life) == life_word(PCI_STATE_LOST, 0));
}

SCENARIO(no_resurrection, .name = "counter/R6_no_resurrection",
	 .rule = "R6 R3, C1: no count rises from 0, none is freed early",
	 .setup = live_1, .finish = lost_and_freed,
	 .thread = { { "a", try_and_use },
		     { "b", try_and_use },
		     { "loser", lose } });

/* --- draining ------------------------------------------------------------------ */

/* As a removal: with a reference of its own; the event is cleared first. */
static void drain(void)
{
	life_set_state(&life, PCI_STATE_DRAINING);
	for (;;) {
		plat_event_clear(&event);
		if (life_read(&life) == life_word(PCI_STATE_DRAINING, 2))
			break;
		ensure(plat_event_wait(&event, PLAT_FOREVER));
	}
	gone = true;
	ensure(life_set_state(&life, PCI_STATE_GONE) == 2);
	put();
	put();
}

static void drained_and_freed(void)
{
	ensure(frees == 1 && !users);
}

static void use_and_put(void)
{
	ensure(!gone);
	put();
}

SCENARIO(drain_tryget, .name = "counter/drain_against_tryget",
	 .rule = "C4: drained is stable; who has it is waited for",
	 .setup = live_2, .finish = drained_and_freed,
	 .thread = { { "a", try_and_use },
		     { "b", try_and_use },
		     { "remover", drain } });
SCENARIO(drain_put, .name = "counter/drain_wakes",
	 .rule = "docs/lifetime.md: the put that leaves 2 wakes the removal",
	 .setup = live_3, .finish = drained_and_freed,
	 .thread = { { "owner", use_and_put }, { "remover", drain } });

static void get_and_put(void)
{
	ensure(life_get(&life));
	put();
	put();
}

SCENARIO(drain_get, .name = "counter/drain_against_get",
	 .rule = "C1: an owner may get while it drains", .setup = live_3,
	 .finish = drained_and_freed,
	 .thread = { { "owner", get_and_put },
		     { "user", try_and_use },
		     { "remover", drain } });

/* Gives up, whatever the count; tries again. */
static void drain_and_undo(void)
{
	life_set_state(&life, PCI_STATE_DRAINING);
	life_set_state(&life, PCI_STATE_LIVE);
	drain();
}

SCENARIO(drain_again, .name = "counter/R18_drain_undone_and_again",
	 .rule = "R18, C2: going back to LIVE loses no reference",
	 .setup = live_2, .finish = drained_and_freed,
	 .thread = { { "a", try_and_use }, { "remover", drain_and_undo } });

/* --- saturation ------------------------------------------------------------------ */

static unsigned int reports;

static void near_the_top(void)
{
	live_with(LIFE_COUNT_MAX - 1);
	reports = 0;
}

static void get_at_the_top(void)
{
	reports += !life_get(&life);
	put();
}

static void tryget_at_the_top(void)
{
	reports += life_tryget(&life) == LIFE_SATURATED;
	put();
}

static void stuck(void)
{
	ensure(life_is_stuck(life_read(&life)));
	ensure(reports && !frees);
	life_set_state(&life, PCI_STATE_LOST);
	put();
	ensure(!frees);
}

SCENARIO(saturation, .name = "counter/R20_saturation",
	 .rule = "R20: saturates, says so, and is never freed",
	 .setup = near_the_top, .finish = stuck,
	 .thread = { { "a", get_at_the_top }, { "b", tryget_at_the_top } });

const struct explore_scenario *const counter_scenarios[] = {
	&last_put,  &no_resurrection, &drain_tryget, &drain_put,
	&drain_get, &drain_again,     &saturation,   NULL,
};
