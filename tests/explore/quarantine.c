/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From quarantine straight to a guest, against what else happens to the card:
 * rules 12 and 15; core/iommu/assign.c.
 */
#include <holdfast/iommu.h>

#include "unit.h"
#include "world.h"

static const char reason[] = "an administrator's word";
static int result[2];

static void put_in(void)
{
	result[0] = result[1] = 0;
	world_guests();
	ensure(!domain_dma_map(guest_one, UNIT_DMA, UNIT_ONE, PLAT_PAGE_SIZE,
			       IOMMU_READ | IOMMU_WRITE));
	ensure(!pci_quarantine_device(CARD, reason));
	ensure(unit_dma() == UNIT_NOTHING);
}

static void in_it(void)
{
	world_with_units();
	put_in();
}

/* A reset would wait till the others have ended. */
static void in_it_without_reset(void)
{
	world_with(WORLD_IOMMU);
	put_in();
}

static void in_it_and_dies(void)
{
	in_it();
	world_reset_kills(true);
}

static int assign(struct domain *d)
{
	pci_sbdf_t at = GUEST_SLOT;
	struct pci_assign_report report;
	int err = pci_assign_device(d, CARD, PCI_ASSIGN_QUARANTINED, &at,
				    &report);

	ensure(err != -EBUSY || report.who[0]);
	ensure(err != -EIO || report.reason);
	return err;
}

static void assign_one(void)
{
	result[0] = assign(guest_one);
}

static void assign_two(void)
{
	result[1] = assign(guest_two);
}

static bool rests(const char *why)
{
	struct pci_dev_info info;

	return !pci_query(CARD, &info) && info.owner == DOMID_IO &&
	       info.broken && (!why || info.broken == why) &&
	       unit_dma() == UNIT_NOTHING;
}

static bool has(unsigned int id)
{
	struct pci_dev_info info;

	return !pci_query(CARD, &info) && info.owner == id && !info.broken;
}

/* --- two of them ------------------------------------------------------------------ */

static void one_has_it(void)
{
	ensure((!result[0] && result[1] == -EBUSY) ||
	       (!result[1] && result[0] == -EBUSY));
	ensure(has(result[0] ? 2 : 1) && world_resets() == 1);
	ensure(result[0] || unit_dma() == UNIT_GUEST);
	world_end_card_there();
}

SCENARIO(two, .name = "quarantine/two_assign",
	 .rule = "§5: one operation at a time: one gets it", .setup = in_it,
	 .finish = one_has_it,
	 .thread = { { "toolstack", assign_one }, { "other", assign_two } });

/* It fails for the first who tries: nor does the second get it. */
static void none_has_it(void)
{
	ensure((result[0] == -EIO) + (result[1] == -EIO) >= 1);
	ensure(result[0] == -EIO || result[0] == -EBUSY);
	ensure(result[1] == -EIO || result[1] == -EBUSY);
	ensure(rests(NULL));
	world_end();
}

SCENARIO(two_fail, .name = "quarantine/two_assign_what_fails",
	 .rule = "rule 15: what fails the check nobody gets",
	 .setup = in_it_and_dies, .finish = none_has_it,
	 .thread = { { "toolstack", assign_one }, { "other", assign_two } });

/* --- what it reaches ----------------------------------------------------------------- */

static void reach(void)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct pci_dev_info info;
		enum unit_reach reach = unit_dma();

		ensure(reach == UNIT_NOTHING || reach == UNIT_GUEST);
		ensure(!pci_query(CARD, &info));
		ensure(info.owner == DOMID_IO || info.owner == 1);
	}
}

static void given(void)
{
	ensure(!result[0] && has(1) && unit_dma() == UNIT_GUEST);
	world_end_card_there();
}

SCENARIO(never_home, .name = "quarantine/assign_against_dma",
	 .rule = "rule 15: from quarantine it reaches its guest's, or nothing",
	 .setup = in_it_without_reset, .finish = given,
	 .thread = { { "toolstack", assign_one }, { "card", reach } });

/* --- those who take it out, or in ------------------------------------------------------ */

static void unquarantine(void)
{
	result[1] = pci_unquarantine_device(CARD, NULL);
}

/* One after the other in any order, or one of them is told. */
static void out_or_given(void)
{
	ensure(!result[0] || result[0] == -EBUSY);
	ensure(!result[1] || result[1] == -EBUSY || result[1] == -EINVAL);
	ensure(!result[0] || !result[1]);
	ensure(has(result[0] ? DOMID_HARDWARE : 1));
	ensure(world_resets() == (result[0] ? 0u : 1u) + (result[1] ? 0u : 1u));
	world_end_card_there();
}

SCENARIO(out, .name = "quarantine/assign_against_unquarantine",
	 .rule = "§5: one operation at a time, and each resets it",
	 .setup = in_it, .finish = out_or_given,
	 .thread = { { "toolstack", assign_one }, { "admin", unquarantine } });

static void quarantine(void)
{
	result[1] = pci_quarantine_device(CARD, "again");
}

/* What is in it changes nothing. */
static void given_or_busy(void)
{
	ensure(!result[0] || result[0] == -EBUSY);
	ensure(!result[1] || result[1] == -EBUSY);
	ensure(result[0] ? !result[1] && rests(reason) : has(1));
	world_end();
}

SCENARIO(in, .name = "quarantine/assign_against_quarantine",
	 .rule = "rule 15: whose reason it has, it is in it", .setup = in_it,
	 .finish = given_or_busy,
	 .thread = { { "toolstack", assign_one }, { "admin", quarantine } });

/* --- its end, and the guest's -------------------------------------------------------------- */

static void remove_card(void)
{
	result[1] = world_remove(CARD, 0, 2000 * MSEC);
}

static void given_or_gone(void)
{
	ensure(!result[1] || result[1] == -EBUSY);
	if (!result[1]) {
		ensure(result[0] == -EBUSY || result[0] == -ENODEV);
		world_end_card_gone();
		return;
	}
	ensure(!result[0] || result[0] == -EBUSY);
	ensure(result[0] ? rests(reason) : has(1));
	world_end();
}

SCENARIO(removal, .name = "quarantine/assign_against_removal",
	 .rule = "§5: one operation at a time", .setup = in_it,
	 .finish = given_or_gone,
	 .thread = { { "toolstack", assign_one }, { "remover", remove_card } });

static void lose(void)
{
	result[1] = world_lose(CARD);
}

static void lost(void)
{
	ensure(!result[1]);
	ensure(!result[0] || result[0] == -ENODEV || result[0] == -EIO ||
	       result[0] == -EBUSY);
	world_end_card_gone();
}

SCENARIO(loss, .name = "quarantine/assign_against_loss",
	 .rule = "rule 10: hardware that is gone is nobody's, nor waited for",
	 .setup = in_it, .finish = lost,
	 .thread = { { "toolstack", assign_one }, { "loser", lose } });

static void one_dies(void)
{
	ensure(!domain_destroy(guest_one));
}

/* It had it, and has given it up; or it was too late for it. */
static void home_or_rests(void)
{
	ensure(!result[0] || result[0] == -EINVAL);
	ensure(result[0] ? rests(reason) : has(DOMID_HARDWARE));
	world_end();
}

SCENARIO(death, .name = "quarantine/assign_against_death",
	 .rule = "rules 12, 15: what a dying guest does not get rests again",
	 .setup = in_it, .finish = home_or_rests,
	 .thread = { { "toolstack", assign_one }, { "other", one_dies } });

const struct explore_scenario *const quarantine_scenarios[] = {
	&two, &two_fail, &never_home, &out, &in, &removal, &loss, &death, NULL,
};
