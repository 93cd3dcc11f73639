/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware domain's PIRQs, which its vCPUs map and unmap while their device
 * is removed, reset, or sends: R10; XSA-237; core/xen_abi/pirq.c.
 */
#include <string.h>

#include <holdfast/irq.h>
#include <holdfast/xen_abi.h>

#include "unit.h"
#include "world.h"
#include "xen_abi/internal.h"

#define FIRST 16 /* and with that the table of these scenarios ends, or the */
#define SECOND 17

static int result[2];
static bool unmapped; /* FIRST, and nothing maps it again */
static unsigned int came;
static struct xen_caller vcpu[2];

/* --- the hypervisor ------------------------------------------------------------- */

/* Dom0's memory is ours. */
static int copy_from(struct domain *d, void *to, uint64_t from, size_t size)
{
	(void)d;
	memcpy(to, (const void *)(uintptr_t)from, size);
	return 0;
}

static int copy_to(struct domain *d, uint64_t to, const void *from, size_t size)
{
	(void)d;
	memcpy((void *)(uintptr_t)to, from, size);
	return 0;
}

static void on_pirq(int pirq)
{
	ensure(pirq == FIRST && !unmapped);
	came++;
}

static struct xen_ops ops = { .copy_from = copy_from,
			      .copy_to = copy_to,
			      .pirq = on_pirq };

static void wait_until(uint64_t when)
{
	plat_event_t never;

	plat_event_init(&never);
	plat_event_wait(&never, when);
	plat_event_destroy(&never);
}

/* A vCPU that is slow, so that a reset has not so many steps. */
static int physdev(unsigned int self, unsigned int cmd, void *arg)
{
	int ret;

	while ((ret = xen_physdev_op(&vcpu[self], cmd, (uintptr_t)arg)) ==
	       -ERESTART)
		wait_until(vcpu[self].when + 200 * MSEC);
	return ret;
}

/* The PIRQ, or an error. */
static int map(unsigned int self)
{
	struct physdev_map_pirq m = { .domid = DOMID_SELF,
				      .type = MAP_PIRQ_TYPE_MSI_SEG,
				      .index = -1,
				      .pirq = -1,
				      .bus = CARD.bus,
				      .devfn = CARD.devfn };
	int err = physdev(self, PHYSDEVOP_map_pirq, &m);

	return err ? err : m.pirq;
}

static int unmap(unsigned int self, int pirq)
{
	struct physdev_unmap_pirq u = { .domid = DOMID_SELF, .pirq = pirq };

	return physdev(self, PHYSDEVOP_unmap_pirq, &u);
}

static int reset(unsigned int self)
{
	struct pci_device_reset r = { .dev = { .bus = CARD.bus,
					       .devfn = CARD.devfn },
				      .flags = PCI_DEVICE_RESET_FLR };

	return physdev(self, PHYSDEVOP_pci_device_reset, &r);
}

/* --- worlds ------------------------------------------------------------------------ */

static void begin(unsigned int modules, unsigned int pirqs)
{
	result[0] = result[1] = 0;
	unmapped = false;
	came = 0;
	world_with(modules);
	world_guests();
	ops.pirqs = pirqs;
	ensure(!xen_abi_init(&ops));
	xen_caller_init(&vcpu[0], hardware_domain, false);
	xen_caller_init(&vcpu[1], hardware_domain, false);
}

static void unbound(void)
{
	begin(WORLD_IRQ, SECOND + 1);
}

static void unbound_with_reset(void)
{
	begin(WORLD_IRQ | WORLD_RESET, SECOND + 1);
}

static void bound(void)
{
	unbound();
	ensure(map(0) == FIRST);
}

static void bound_with_reset(void)
{
	unbound_with_reset();
	ensure(map(0) == FIRST);
}

/* The only one there is, of a vector that a guest has had. */
static void stale(void)
{
	pci_sbdf_t at = GUEST_SLOT;

	begin(WORLD_IRQ, FIRST + 1);
	ensure(map(0) == FIRST);
	ensure(!pci_assign_device(guest_one, CARD, 0, &at, NULL));
	ensure(!pci_deassign_device(guest_one, CARD, 0, NULL));
}

/* Nothing is left of the table, nor of what it has bound. */
static void end(void)
{
	xen_caller_fini(&vcpu[0]);
	xen_caller_fini(&vcpu[1]);
	xen_abi_fini();
	ensure(!pci_irq_vectors());
	world_end();
}

/* A PIRQ that somebody was told, bound or of nothing: it is unmapped, once. */
static void was_mapped(int pirq, unsigned int vectors)
{
	ensure(pci_irq_vectors() == vectors);
	ensure(xen_pirq_mask(pirq, true) == (vectors ? 0 : -ENODEV));
	ensure(!unmap(0, pirq));
	ensure(unmap(0, pirq) == -EINVAL);
	ensure(!pci_irq_vectors());
}

/* --- what threads do ------------------------------------------------------------------ */

static void map_0(void)
{
	result[0] = map(0);
}

static void map_1(void)
{
	result[1] = map(1);
}

static void unmap_0(void)
{
	result[0] = unmap(0, FIRST);
	unmapped = !result[0];
}

static void unmap_1(void)
{
	result[1] = unmap(1, FIRST);
}

static void remove_card(void)
{
	result[1] = world_remove(CARD, 0, 2000 * MSEC);
}

static void reset_card(void)
{
	result[1] = reset(1);
}

static void send(void)
{
	unit_message();
	unit_message();
}

/* --- two of them ------------------------------------------------------------------------ */

static void mapped_once(void)
{
	int pirq = result[0] < 0 ? result[1] : result[0];

	ensure((result[0] == -EEXIST) != (result[1] == -EEXIST));
	ensure(pirq == FIRST || pirq == SECOND);
	was_mapped(pirq, 1);
	end();
}

SCENARIO(two_map, .name = "pirq/two_map",
	 .rule = "a vector is bound once, and by one PIRQ", .setup = unbound,
	 .finish = mapped_once,
	 .thread = { { "vcpu 0", map_0 }, { "vcpu 1", map_1 } });

static void unmapped_once(void)
{
	ensure(result[0] + result[1] == -EINVAL);
	ensure(!result[0] || !result[1]);
	ensure(!pci_irq_vectors());
	end();
}

SCENARIO(two_unmap, .name = "pirq/two_unmap",
	 .rule = "of two who unmap one does", .setup = bound,
	 .finish = unmapped_once,
	 .thread = { { "vcpu 0", unmap_0 }, { "vcpu 1", unmap_1 } });

/* By another number, or the same; or it was bound yet. */
static void mapped_anew(void)
{
	ensure(!result[0]);
	ensure(result[1] == FIRST || result[1] == SECOND ||
	       result[1] == -EEXIST);
	if (result[1] > 0)
		was_mapped(result[1], 1);
	ensure(unmap(0, FIRST) == -EINVAL);
	end();
}

SCENARIO(map_unmap, .name = "pirq/map_against_unmap",
	 .rule = "XSA-237: who unmaps touches no other's binding",
	 .setup = bound, .finish = mapped_anew,
	 .thread = { { "vcpu 0", unmap_0 }, { "vcpu 1", map_1 } });

/* An old number is found out by both, and given to one of them. */
static void swept(void)
{
	ensure((result[0] == FIRST) != (result[1] == FIRST));
	ensure(result[0] == FIRST || result[0] == -ENOSPC);
	ensure(result[1] == FIRST || result[1] == -ENOSPC);
	was_mapped(FIRST, 1);
	end();
}

SCENARIO(two_sweep, .name = "pirq/two_sweep",
	 .rule = "what is mapped anew is not swept away", .setup = stale,
	 .finish = swept,
	 .thread = { { "vcpu 0", map_0 }, { "vcpu 1", map_1 } });

/* --- and the device ------------------------------------------------------------------------- */

static void mapped_and_gone(void)
{
	ensure(!result[1]);
	ensure(result[0] == FIRST || result[0] == -ENODEV ||
	       result[0] == -EBUSY);
	if (result[0] == FIRST)
		was_mapped(FIRST, 0);
	end();
}

SCENARIO(map_removal, .name = "pirq/map_against_removal",
	 .rule = "R10: a PIRQ keeps no removal waiting, and outlives it empty",
	 .setup = unbound, .finish = mapped_and_gone,
	 .thread = { { "vcpu 0", map_0 }, { "remover", remove_card } });

static void unmapped_and_gone(void)
{
	ensure(!result[0] && !result[1]);
	ensure(unmap(0, FIRST) == -EINVAL);
	end();
}

SCENARIO(unmap_removal, .name = "pirq/unmap_against_removal",
	 .rule = "R10: nor does who unmaps wait for it", .setup = bound,
	 .finish = unmapped_and_gone,
	 .thread = { { "vcpu 0", unmap_0 }, { "remover", remove_card } });

static void mapped_and_reset(void)
{
	ensure(!result[1] && world_resets() == 1);
	ensure(result[0] == FIRST);
	was_mapped(FIRST, 1);
	end();
}

SCENARIO(map_reset, .name = "pirq/map_against_reset",
	 .rule = "rule 15: after a reset it is bound as it was",
	 .setup = unbound_with_reset, .finish = mapped_and_reset,
	 .thread = { { "vcpu 0", map_0 }, { "vcpu 1", reset_card } });

static void unmapped_and_reset(void)
{
	ensure(!result[1] && world_resets() == 1);
	ensure(!result[0] && !pci_irq_vectors());
	ensure(unmap(0, FIRST) == -EINVAL);
	end();
}

SCENARIO(unmap_reset, .name = "pirq/unmap_against_reset",
	 .rule = "rule 15: or not at all, if that was unmapped",
	 .setup = bound_with_reset, .finish = unmapped_and_reset,
	 .thread = { { "vcpu 0", unmap_0 }, { "vcpu 1", reset_card } });

/* --- and what it sends ------------------------------------------------------------------------ */

static void bound_and_heard(void)
{
	bound();
	ensure(!xen_pirq_mask(FIRST, false));
	ensure(unit_message() && came == 1);
}

static void heard_no_more(void)
{
	ensure(!result[0] && came <= 3);
	ensure(!unit_message());
	end();
}

SCENARIO(unmap_message, .name = "pirq/unmap_against_message",
	 .rule = "R10: after the unmap nothing comes of it",
	 .setup = bound_and_heard, .finish = heard_no_more,
	 .thread = { { "vcpu 0", unmap_0 }, { "card", send } });

const struct explore_scenario *const pirq_scenarios[] = {
	&two_map,       &two_unmap, &map_unmap,   &two_sweep,     &map_removal,
	&unmap_removal, &map_reset, &unmap_reset, &unmap_message, NULL,
};
