/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory orders: what is reached through the counter, the registry and the
 * views is complete, and what is freed is not in use, under every value that
 * C11 allows. For each acquire and release of those sources there is a
 * scenario here, or in another theme, that fails without it (`explore
 * --orders`).
 */
#include <holdfast/iommu.h>

#include "device/internal.h"
#include "world.h"

#define ORDERS(ident, ...) SCENARIO(ident, .bound = 1, .older = 2, __VA_ARGS__)

/* --- the counter -------------------------------------------------------------- */

static struct object {
	struct pci_counter life;
	unsigned int payload[3];
} * object;

static void object_new(void)
{
	object = plat_zalloc(sizeof(*object));
	life_init(&object->life);
}

static void object_live(void)
{
	object_new();
	life_set_state(&object->life, PCI_STATE_LIVE);
	ensure(life_get(&object->life));
	ensure(life_get(&object->life));
}

static void object_end(void)
{
	plat_free(object);
}

static void announce(void)
{
	object->payload[0] = 1;
	life_set_state(&object->life, PCI_STATE_LIVE);
}

static void get_and_read(void)
{
	if (life_tryget(&object->life) == LIFE_TAKEN)
		ensure(object->payload[0] == 1);
}

ORDERS(live, .name = "orders/tryget_after_live",
       .rule = "counter.h, tryget: what was written before LIVE is seen",
       .setup = object_new, .finish = object_end,
       .thread = { { "maker", announce }, { "user", get_and_read } });

static void object_gone(void)
{
	object_live();
	life_set_state(&object->life, PCI_STATE_GONE);
}

static void use_and_put(void)
{
	object->payload[explore_self()]++;
	if (life_put(&object->life) == LIFE_FREE)
		plat_free(object);
}

ORDERS(last_put, .name = "orders/last_put_frees",
       .rule = "counter.h, put: all that was done with it is over",
       .setup = object_gone,
       .thread = { { "one", use_and_put },
		   { "two", use_and_put },
		   { "three", use_and_put } });

static void object_draining(void)
{
	object_live();
	life_set_state(&object->life, PCI_STATE_DRAINING);
}

/* As a removal in steps, which no event wakes. */
static void poll_and_free(void)
{
	while (life_read(&object->life) != life_word(PCI_STATE_DRAINING, 2))
		explore_yield();
	plat_free(object);
}

ORDERS(drained, .name = "orders/drained",
       .rule = "counter.h, count: who sees 2 sees what the last user did",
       .setup = object_draining,
       .thread = { { "user", use_and_put }, { "remover", poll_and_free } });

/* --- the registry ----------------------------------------------------------------- */

static void add_card(void)
{
	ensure(!world_add(CARD, 1));
}

static void find_card(void)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, CARD);

	if (!pdev)
		return;
	world_touch(pdev);
	pcidev_put(pdev);
}

static void find_by_table(struct pci_dev *(*next)(struct pci_table *,
						  uint32_t *))
{
	struct pci_segment *pseg = pci_segment_find(0);
	uint32_t bdf = CARD.bdf;
	struct pci_dev *pdev;

	plat_rcu_read_lock();
	pdev = next(&pseg->table, &bdf);
	ensure(!pdev || pdev->desc.sbdf.seg == 0);
	plat_rcu_read_unlock();
}

static void find_next(void)
{
	find_by_table(pci_table_next);
}

static void find_prev(void)
{
	find_by_table(pci_table_prev);
}

static void find_plainly(void)
{
	struct pci_segment *pseg = pci_segment_find(0);
	struct pci_dev *pdev;

	plat_rcu_read_lock();
	pdev = pci_table_find(&pseg->table, CARD);
	ensure(!pdev || pdev->desc.sbdf.sbdf == CARD.sbdf);
	plat_rcu_read_unlock();
}

static void card_there(void)
{
	world_end_card_there();
}

static void neighbour(void)
{
	world_empty();
	ensure(!world_add(CARD_NEIGHBOUR, 1));
}

/* The segment is empty: its bus is made, too. */
ORDERS(lookup, .name = "orders/lookup_against_add",
       .rule = "registry.c: a device is complete when it is found",
       .setup = world_empty, .finish = card_there,
       .thread = { { "adder", add_card }, { "user", find_card } });
ORDERS(new_bus, .name = "orders/next_on_a_new_bus",
       .rule = "table.c: so is a bus", .setup = world_empty,
       .finish = card_there,
       .thread = { { "adder", add_card }, { "walker", find_next } });
ORDERS(new_bus_back, .name = "orders/prev_on_a_new_bus",
       .rule = "table.c: likewise for a walk back", .setup = world_empty,
       .finish = card_there,
       .thread = { { "adder", add_card }, { "walker", find_prev } });
ORDERS(find, .name = "orders/find_against_add",
       .rule = "registry.c: also for who takes no reference",
       .setup = neighbour, .finish = card_there,
       .thread = { { "adder", add_card }, { "user", find_plainly } });
ORDERS(next, .name = "orders/next_against_add",
       .rule = "table.c: likewise for a walk", .setup = neighbour,
       .finish = card_there,
       .thread = { { "adder", add_card }, { "walker", find_next } });
ORDERS(prev, .name = "orders/prev_against_add",
       .rule = "table.c: likewise for a walk back", .setup = neighbour,
       .finish = card_there,
       .thread = { { "adder", add_card }, { "walker", find_prev } });

/* The card as a bridge, whose bus is looked for. */
static void add_bridge(void)
{
	struct pci_dev_desc desc = { .sbdf = CARD,
				     .parent = CARD,
				     .type = PCI_TYPE_LEGACY_BRIDGE,
				     .secondary = 1,
				     .subordinate = 1,
				     .cfg_size = 256 };

	ensure(!pci_register_device(&desc, NULL));
}

static void find_bridge(void)
{
	struct pci_dev *pdev;
	pci_sbdf_t bridge;

	if (pci_bus_bridge(0, 1, &bridge))
		return;
	pdev = pci_get_pdev(NULL, bridge);
	ensure(pdev);
	pcidev_put(pdev);
}

ORDERS(bridge, .name = "orders/bus_against_bridge",
       .rule = "registry.c: a bus's bridge is found when it has a name",
       .setup = neighbour, .finish = world_end,
       .thread = { { "adder", add_bridge }, { "user", find_bridge } });

static void add_segment(void)
{
	ensure(!pci_segment_add(1, pci_segment_host(0)));
}

static void use_segment(void)
{
	ensure(!pci_segment_find(1) || pci_segment_host(1));
}

ORDERS(segments, .name = "orders/segment_twice",
       .rule = "registry.c: also for who wanted to add it",
       .setup = world_empty, .finish = world_end,
       .thread = { { "adder", add_segment }, { "other", add_segment } });
ORDERS(segment, .name = "orders/segment_against_use",
       .rule = "registry.c: a segment is complete when it is found",
       .setup = world_empty, .finish = world_end,
       .thread = { { "adder", add_segment }, { "user", use_segment } });

/* --- out of it ------------------------------------------------------------------------ */

static void card_and_object(void)
{
	object_new();
	world_card();
}

/* As a host that is told that the device is out: past the last grace period. */
static void note(const struct pci_removal_info *info, void *data)
{
	(void)data;
	if (info->phase == PCI_REMOVAL_QUIESCING)
		object->payload[0] = 1;
}

static void remove_noting(void)
{
	struct pci_removal *op;

	ensure(!pci_removal_start(CARD, 0, 100 * MSEC, "test", note, NULL,
				  &op));
	ensure(!pci_removal_wait(op));
	pci_removal_finish(op);
}

static void find_it_empty(void)
{
	struct pci_segment *pseg = pci_segment_find(0);

	plat_rcu_read_lock();
	if (!pci_table_find(&pseg->table, CARD))
		ensure(object->payload[0]);
	plat_rcu_read_unlock();
}

static void gone(void)
{
	object_end();
	world_end();
}

ORDERS(empty, .name = "orders/empty_slot",
       .rule = "host.h, removed: told before its address can be used again",
       .setup = card_and_object, .finish = gone,
       .thread = { { "remover", remove_noting }, { "prober", find_it_empty } });

static struct domain *three;

/* A domain that only its device tells of. */
static void assign_to_new(void)
{
	pci_sbdf_t at = GUEST_SLOT;
	int err;

	ensure(!domain_create(3, "three", NULL, NULL, &three));
	err = pci_assign_device(three, CARD, 0, &at, NULL);
	ensure(!err || err == -ENODEV || err == -EBUSY);
}

static void lose_card(void)
{
	ensure(!world_lose(CARD));
}

static void lost(void)
{
	ensure(!domain_destroy(three));
	domain_put(three);
	world_end_card_gone();
}

ORDERS(owner, .name = "orders/loss_against_assign",
       .rule = "registry.c, lock_owner(): so is an owner", .setup = world_card,
       .finish = lost,
       .thread = { { "loser", lose_card }, { "toolstack", assign_to_new } });

/* --- views ---------------------------------------------------------------------------- */

static void assign(void)
{
	pci_sbdf_t at = GUEST_SLOT;

	ensure(!pci_assign_device(guest_one, CARD, 0, &at, NULL));
}

static void guest_reads(void)
{
	world_trap(guest_one, GUEST_SLOT);
}

static void host_reads(void)
{
	world_trap(hardware_domain, CARD);
}

static void query(void)
{
	struct vpci_info info;

	int err = vpci_query(CARD, &info);

	ensure(!err || err == -ENOENT);
}

ORDERS(view, .name = "orders/guest_read_against_assign",
       .rule = "view.c: a view is complete when it answers",
       .setup = world_guests, .finish = world_end,
       .thread = { { "toolstack", assign }, { "vcpu", guest_reads } });
ORDERS(view_query, .name = "orders/view_query_against_assign",
       .rule = "view.c: or is described", .setup = world_guests,
       .finish = world_end,
       .thread = { { "toolstack", assign }, { "admin", query } });
ORDERS(host_view, .name = "orders/host_read_against_add",
       .rule = "view.c: so is the hardware domain's", .setup = world_empty,
       .finish = card_there,
       .thread = { { "adder", add_card }, { "vcpu", host_reads } });

const struct explore_scenario *const orders_scenarios[] = {
	&live,     &last_put, &drained, &lookup,     &new_bus,   &new_bus_back,
	&find,     &next,     &prev,    &bridge,     &empty,     &segment,
	&segments, &owner,    &view,    &view_query, &host_view, NULL,
};
