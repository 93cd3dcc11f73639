/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry: iteration and adding while devices come and go. R5, R17, H1,
 * H6, H9; docs/lifetime.md rules 2, 16; locks.
 */
#include "iommu/internal.h"
#include "world.h"

static int result[2];

/* --- iteration --------------------------------------------------------------- */

/* From the PF on, which keeps the walk short; it may be gone meanwhile. */
static void walk(void)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, PF);
	uint32_t last = 0;

	if (!pdev)
		return;
	do {
		ensure(pcidev_sbdf(pdev).sbdf > last);
		last = pcidev_sbdf(pdev).sbdf;
		world_touch(pdev);
		pdev = pci_next_pdev(0, pdev);
	} while (pdev);
	ensure(last == CARD.sbdf);
}

static void remove_vf(void)
{
	result[0] = world_remove(VF, 0, 100 * MSEC);
	ensure(!result[0]);
}

static void lose_pf(void)
{
	ensure(!world_lose(PF));
}

/* A device whose parent goes with it, of which somebody has a reference. */
static struct pci_dev *vf;

static void vf_referenced(void)
{
	world_with(WORLD_IOMMU);
	world_pf_vf();
	vf = world_get(VF);
}

static void group_of_vf(void)
{
	struct group g;
	int err = group_find(&g, vf);

	ensure(!err || err == -ENODEV || err == -EBUSY);
	group_put(&g);
	pcidev_put(vf);
}

SCENARIO(group_loss, .name = "registry/group_against_loss_of_the_parent",
	 .rule = "group.c: who is not dead in a section has its parents there",
	 .setup = vf_referenced, .finish = world_end,
	 .thread = { { "admin", group_of_vf }, { "loser", lose_pf } });

SCENARIO(walk_removal, .name = "registry/H6_walk_against_removal",
	 .rule = "H1 H6, §6: a walk survives the loss of where it stands",
	 .setup = world_all, .finish = world_end,
	 .thread = { { "walker", walk }, { "remover", remove_vf } });
SCENARIO(walk_loss, .name = "registry/H6_walk_against_loss",
	 .rule = "H1 H6, §6: also when it is torn out from under it",
	 .setup = world_all, .finish = world_end,
	 .thread = { { "walker", walk }, { "loser", lose_pf } });

static void pf_and_card(void)
{
	world_pf();
	ensure(!world_add(CARD, 1));
}

static void add_vf(void)
{
	ensure(!world_add(VF, 1));
}

SCENARIO(walk_add, .name = "registry/walk_against_add",
	 .rule = "§6: a walk sees each once, the new one or not",
	 .setup = pf_and_card, .finish = world_end,
	 .thread = { { "walker", walk }, { "adder", add_vf } });

/* --- adding -------------------------------------------------------------------- */

static void neighbour_alone(void)
{
	world_empty();
	ensure(!world_add(CARD_NEIGHBOUR, 1));
}

static void add_card(void)
{
	unsigned int me = explore_self();

	result[me] = world_add(CARD, 1);
}

static void one_object(void)
{
	struct pci_dev_info info;

	ensure(!result[0] && !result[1]);
	ensure(!pci_query(CARD, &info) && !info.refs);
	world_end_card_there();
}

SCENARIO(add_twice, .name = "registry/add_twice",
	 .rule = "rule 16: the same hardware twice is one device",
	 .setup = neighbour_alone, .finish = one_object,
	 .thread = { { "one", add_card }, { "two", add_card } });

static void remove_card(void)
{
	result[1] = world_remove(CARD, 0, 100 * MSEC);
}

/* The adder came first (idempotent), last (a new one), or was told to wait. */
static void gone_or_new(void)
{
	struct pci_dev_info info;

	ensure(!result[1]);
	ensure(!result[0] || result[0] == -EBUSY);
	if (!pci_query(CARD, &info)) {
		ensure(!result[0]);
		ensure(world_trap(hardware_domain, CARD));
		world_end_card_there();
	} else {
		world_end_card_gone();
	}
}

SCENARIO(add_removal, .name = "registry/H9_add_against_removal",
	 .rule = "H9, rule 16: while a removal runs: -EBUSY",
	 .setup = world_card, .finish = gone_or_new,
	 .thread = { { "adder", add_card }, { "remover", remove_card } });

/* A removal that waits for a holder's answer: the device is live, and taken. */
static struct pci_removal *op;

static void asking(void)
{
	world_card_held();
	ensure(!pci_removal_start(CARD, PCI_REMOVE_ASK, 100 * MSEC, "test",
				  NULL, NULL, &op));
}

static void step_once(void)
{
	ensure(pci_removal_step(op) == -EINPROGRESS);
}

static void refused(void)
{
	ensure(result[0] == -EBUSY);
	pci_removal_finish(op);
	ensure(pci_hold_release(world_session.hold));
	world_end_card_there();
}

SCENARIO(add_asking, .name = "registry/R17_add_while_asking",
	 .rule = "rule 16: -EBUSY from the removal's first moment on",
	 .setup = asking, .finish = refused,
	 .thread = { { "adder", add_card }, { "remover", step_once } });

static void add_other(void)
{
	result[0] = world_add(CARD, 2);
}

static void look_up(void)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, CARD);

	if (!pdev)
		return;
	ensure(pcidev_desc(pdev)->ident.subdevice == 1 ||
	       pcidev_desc(pdev)->ident.subdevice == 2);
	world_touch(pdev);
	pcidev_put(pdev);
}

static void other_there(void)
{
	struct pci_dev_info info;

	ensure(!result[0]);
	ensure(!pci_query(CARD, &info) && info.desc.ident.subdevice == 2);
	world_end_card_there();
}

SCENARIO(add_changed, .name = "registry/other_hardware",
	 .rule = "rule 16: other hardware: the old one was lost",
	 .setup = world_card, .finish = other_there,
	 .thread = { { "adder", add_other }, { "user", look_up } });

static uint64_t lost_before;

static void card_and_count(void)
{
	struct pci_stats stats;

	world_card();
	pci_get_stats(&stats);
	lost_before = stats.lost;
}

static void add_other_as(void)
{
	unsigned int me = explore_self();

	result[me] = world_add(CARD, 2);
}

/* The old one is lost; the new one is not, for coming twice. */
static void lost_once(void)
{
	struct pci_dev_info info;
	struct pci_stats stats;

	pci_get_stats(&stats);
	ensure(stats.lost == lost_before + 1);
	ensure(!result[0] || result[0] == -EBUSY);
	ensure(!result[1] || result[1] == -EBUSY);
	ensure(!result[0] || !result[1]);
	ensure(!pci_query(CARD, &info) && info.desc.ident.subdevice == 2);
	world_end_card_there();
}

SCENARIO(add_changed_twice, .name = "registry/R17_other_hardware_twice",
	 .rule = "R17, rule 16: two who find other hardware lose one device",
	 .setup = card_and_count, .finish = lost_once,
	 .thread = { { "one", add_other_as }, { "two", add_other_as } });

static uint64_t old_instance;
static bool replaced;

static void card_and_instance(void)
{
	struct pci_dev_info info;

	world_card();
	ensure(!pci_query(CARD, &info));
	old_instance = info.instance;
	replaced = false;
}

static void lose_the_old(void)
{
	result[0] = pci_instance_lost(CARD, old_instance);
	ensure(!result[0] || result[0] == -ENODEV || result[0] == -EALREADY);
}

static void remove_and_add(void)
{
	struct pci_removal_info info;

	if (!pci_remove_device(CARD, 0, 100 * MSEC, &info)) {
		ensure(!world_add(CARD, 2));
		replaced = true;
	}
}

static void only_the_old_is_lost(void)
{
	struct pci_dev_info info;

	if (!replaced) {
		world_end_card_gone();
		return;
	}
	ensure(result[0]);
	ensure(!pci_query(CARD, &info) && !info.lost);
	world_end_card_there();
}

SCENARIO(replaced_loss, .name = "registry/rule10_loss_against_a_replacement",
	 .rule = "rules 10, 16: the loss of a device is not that of the next",
	 .setup = card_and_instance, .finish = only_the_old_is_lost,
	 .thread = { { "loser", lose_the_old },
		     { "changer", remove_and_add } });

/* --- a bridge and who is behind it ------------------------------------------------- */

static pci_sbdf_t bridge_at(unsigned int i)
{
	return pci_sbdf(0, CARD.bus - 1, (uint8_t)(0x1e + i), 7);
}

static void bridge_to_the_card(unsigned int i)
{
	const pci_sbdf_t at = bridge_at(i);
	const struct pci_dev_desc desc = { .sbdf = at,
					   .parent = at,
					   .type = PCI_TYPE_LEGACY_BRIDGE,
					   .hdr_type = 1,
					   .secondary = CARD.bus,
					   .subordinate = CARD.bus,
					   .cfg_size = 256 };

	ensure(!pci_register_device(&desc, NULL));
}

static void bridge_comes(void)
{
	bridge_to_the_card(1);
}

static void another_comes(void)
{
	bridge_to_the_card(0);
}

static void card_comes(void)
{
	result[0] = world_add(CARD, 1);
	ensure(!result[0] || result[0] == -ENXIO);
}

static void card_is_nobodys_root(void)
{
	struct pci_dev_info info;

	ensure(pci_query(CARD, &info) == (result[0] ? -ENODEV : 0));
	ensure(result[0] || info.broken);
	world_end();
}

SCENARIO(bridge_late, .name = "registry/card_against_its_bridge",
	 .rule = "bus.c: no parent behind a bridge: refused, or astray",
	 .setup = world_empty, .finish = card_is_nobodys_root,
	 .thread = { { "adder", card_comes }, { "other", bridge_comes } });

/* Both were described while neither was there. */
static void one_leads_there(void)
{
	unsigned int i, fit = 0;
	pci_sbdf_t bridge;

	ensure(!pci_bus_bridge(0, CARD.bus, &bridge));
	for (i = 0; i < 2; i++) {
		struct pci_dev_info info;

		ensure(!pci_query(bridge_at(i), &info));
		if (info.broken)
			continue;
		fit++;
		ensure(bridge.sbdf == bridge_at(i).sbdf);
	}
	ensure(fit == 1);
	ensure(world_add(CARD, 1) == -ENXIO);
	world_end();
}

SCENARIO(two_bridges, .name = "registry/two_bridges_of_one_bus",
	 .rule = "bus.c: a bus has one bridge, the other is broken",
	 .setup = world_empty, .finish = one_leads_there,
	 .thread = { { "one", another_comes }, { "two", bridge_comes } });

const struct explore_scenario *const registry_scenarios[] = {
	&walk_removal,  &group_loss,  &walk_loss,
	&walk_add,      &add_twice,   &add_removal,
	&add_asking,    &add_changed, &add_changed_twice,
	&replaced_loss, &bridge_late, &two_bridges,
	NULL,
};
