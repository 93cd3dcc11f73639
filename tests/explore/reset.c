/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resets against what else happens to the device: rules 10, 12 and 15;
 * core/reset.
 */
#include <string.h>

#include <holdfast/iommu.h>
#include <holdfast/reset.h>

#include "unit.h"
#include "world.h"

static int result[2];

static void guests(void)
{
	result[0] = result[1] = 0;
	world_with_units();
	world_guests();
}

static void assigned(void)
{
	result[0] = result[1] = 0;
	world_with_units();
	world_assigned();
}

static void assigned_dies(void)
{
	assigned();
	world_reset_kills(true);
}

static void reset(void)
{
	result[0] = pci_reset_device(CARD, PCI_RESET_ANY, NULL, NULL);
	ensure(!result[0] || result[0] == -EBUSY || result[0] == -ENODEV);
}

static void assign_two(void)
{
	pci_sbdf_t at = GUEST_SLOT;

	result[1] = pci_assign_device(guest_two, CARD, 0, &at, NULL);
}

static void take_back(void)
{
	result[0] = pci_deassign_device(guest_one, CARD, 0, NULL);
}

static void remove_card(void)
{
	result[1] = world_remove(CARD, 0, 2000 * MSEC);
}

static void remove_forced(void)
{
	result[1] = world_remove(CARD, PCI_REMOVE_FORCE, 2000 * MSEC);
}

static void lose(void)
{
	result[1] = world_lose(CARD);
}

static void reset_or_given(void)
{
	ensure(!result[0] || !result[1]);
	ensure(!result[1] || result[1] == -EBUSY);
	ensure(world_resets() == (result[0] ? 0u : 1u) + (result[1] ? 0u : 1u));
	world_end_card_there();
}

SCENARIO(assign, .name = "reset/against_assign",
	 .rule = "§5: one operation at a time, and each resets it",
	 .setup = guests, .finish = reset_or_given,
	 .thread = { { "admin", reset }, { "toolstack", assign_two } });

static void reset_or_gone(void)
{
	ensure(!result[0] || !result[1]);
	ensure(!result[1] || result[1] == -EBUSY);
	if (result[1])
		world_end_card_there();
	else
		world_end_card_gone();
}

SCENARIO(removal, .name = "reset/against_removal",
	 .rule = "§5: one operation at a time", .setup = guests,
	 .finish = reset_or_gone,
	 .thread = { { "admin", reset }, { "remover", remove_card } });

static void lost(void)
{
	ensure(!result[1]);
	world_end_card_gone();
}

SCENARIO(loss, .name = "reset/against_loss",
	 .rule = "rule 10: hardware that is gone is not waited for",
	 .setup = guests, .finish = lost,
	 .thread = { { "admin", reset }, { "loser", lose } });
SCENARIO(deassign_loss, .name = "reset/deassign_against_loss",
	 .rule = "rule 10: nor while it changes hands", .setup = assigned,
	 .finish = lost,
	 .thread = { { "toolstack", take_back }, { "loser", lose } });

/* --- one that does not come back --------------------------------------------------------- */

static void in_quarantine(void)
{
	struct pci_dev_info info;

	ensure(!pci_query(CARD, &info));
	ensure(info.owner == DOMID_IO && info.broken);
	ensure(unit_dma() == UNIT_NOTHING);
	ensure(!domain_devices(guest_two));
	world_end();
}

static void failed(void)
{
	if (result[0] == -EBUSY) /* the other one was just looking */
		take_back();
	ensure(result[0] == -EIO);
	ensure(result[1] == -EBUSY || result[1] == -EBADF);
	in_quarantine();
}

SCENARIO(fails_assign, .name = "reset/failed_against_assign",
	 .rule = "rule 15: what fails the check nobody gets",
	 .setup = assigned_dies, .finish = failed,
	 .thread = { { "toolstack", take_back }, { "other", assign_two } });

static void one_dies(void)
{
	ensure(!domain_destroy(guest_one));
	result[0] = -EIO;
}

SCENARIO(fails_death, .name = "reset/failed_in_death_against_assign",
	 .rule = "rule 15: nor when its domain dies", .setup = assigned_dies,
	 .finish = failed,
	 .thread = { { "toolstack", one_dies }, { "other", assign_two } });

static void failed_or_gone(void)
{
	ensure(!result[1] || result[1] == -EBUSY || result[1] == -EIO);
	if (!result[1])
		world_end_card_gone();
	else
		in_quarantine();
}

SCENARIO(fails_force, .name = "reset/failed_against_force",
	 .rule = "rules 8, 15: in quarantine, or gone", .setup = assigned_dies,
	 .finish = failed_or_gone,
	 .thread = { { "toolstack", take_back },
		     { "remover", remove_forced } });

/* --- in and out of quarantine --------------------------------------------------------------- */

static void quarantine(void)
{
	result[0] = pci_quarantine_device(CARD, "an administrator's word");
}

static void unquarantine(void)
{
	result[1] = pci_unquarantine_device(CARD, NULL);
}

static void in_or_out(void)
{
	ensure(!result[0] || result[0] == -EBUSY);
	ensure(!result[1] || result[1] == -EBUSY || result[1] == -EINVAL);
	if (!result[0] && result[1])
		ensure(!pci_unquarantine_device(CARD, NULL));
	ensure(world_resets() == (result[0] ? 0u : 1u));
	world_end_card_there();
}

SCENARIO(out, .name = "reset/in_against_out_of_quarantine",
	 .rule = "rule 15: out of quarantine by a reset, or not",
	 .setup = guests, .finish = in_or_out,
	 .thread = { { "in", quarantine }, { "out", unquarantine } });

static void dead_or_lost(void)
{
	ensure(!result[1] || result[1] == -EALREADY || result[1] == -ENODEV);
	world_end_card_gone();
}

SCENARIO(death_loss, .name = "reset/death_against_loss",
	 .rule = "rules 10, 12: it leaves the guest once", .setup = assigned,
	 .finish = dead_or_lost,
	 .thread = { { "toolstack", one_dies }, { "loser", lose } });

const struct explore_scenario *const reset_scenarios[] = {
	&assign,     &removal,      &loss,        &deassign_loss, &out,
	&death_loss, &fails_assign, &fails_death, &fails_force,   NULL,
};
