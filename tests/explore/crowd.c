/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A crowd on one device: five threads, each of which does a few things that are
 * drawn for it, under random priorities. Too many orders to try all; what a
 * thread is told is not judged here, only what must hold whatever happens: no
 * touch of freed memory, no data race, no deadlock, each answer by its
 * deadline, the invariants, nothing left over.
 */
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/reset.h>

#include "unit.h"
#include "world.h"

#define TIMEOUT (100 * MSEC)
#define HOMECOMING (110 * MSEC) /* power, and a function level reset */
#define DEEDS 3                 /* of each thread */

static struct vpci_vcpu vcpu[EXPLORE_THREADS];

static struct vpci_vcpu *my_vcpu(void)
{
	return &vcpu[explore_self()];
}

static void look_up(void)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, CARD);

	if (pdev)
		world_touch(pdev);
	pcidev_put(pdev);
}

static void read_all(void)
{
	struct pci_dev_info info;
	struct pci_hold_info holds[4];
	struct vpci_info view;
	struct pci_iommu_info iommu;

	ensure(pci_query(CARD, &info) <= 0);
	ensure(pci_holds_query(CARD, holds, ARRAY_SIZE(holds)) >= -ENODEV);
	ensure(vpci_query(CARD, &view) <= 0);
	ensure(pci_iommu_query(CARD, &iommu) <= 0);
}

static void add(void)
{
	ensure(world_add(CARD, 1) <= 0);
}

static void add_other(void)
{
	ensure(world_add(CARD, 2) <= 0);
}

static void take_out(unsigned int flags)
{
	uint64_t deadline = plat_now() + TIMEOUT + HOMECOMING;

	ensure(pci_remove_device(CARD, flags, TIMEOUT, NULL) <= 0);
	ensure(plat_now() <= deadline || explore_scenario()->late);
}

static void take_out_plain(void)
{
	take_out(0);
}

static void take_out_asking(void)
{
	take_out(PCI_REMOVE_ASK);
}

static void take_out_by_force(void)
{
	take_out(PCI_REMOVE_FORCE);
}

static void take_out_and_think_better_of_it(void)
{
	struct pci_removal *op;

	if (pci_removal_start(CARD, PCI_REMOVE_ASK, TIMEOUT, "test", NULL, NULL,
			      &op))
		return;
	(void)pci_removal_step(op);
	(void)pci_removal_cancel(op);
	(void)pci_removal_wait(op);
	pci_removal_finish(op);
}

static void lose(void)
{
	ensure(pci_device_lost(CARD) <= 0);
}

static void mark_lost(void)
{
	ensure(pci_mark_lost(CARD) <= 0);
}

static void hold(void)
{
	struct world_hold held = { NULL };

	plat_event_init(&held.asked);
	if (!world_hold_take(&held, CARD))
		(void)pci_hold_release(held.hold);
}

static void assign_to(struct domain *d)
{
	pci_sbdf_t at = GUEST_SLOT;

	ensure(pci_assign_device(d, CARD, 0, &at, NULL) <= 0);
}

static void assign_one(void)
{
	assign_to(guest_one);
}

static void assign_two(void)
{
	assign_to(guest_two);
}

static void deassign(void)
{
	ensure(pci_deassign_device(guest_one, CARD, 0, NULL) <= 0);
}

static void give_back(void)
{
	ensure(pci_domain_return(guest_one, CARD) <= 0);
}

static void destroy(void)
{
	ensure(domain_destroy(guest_two) <= 0);
}

static void trap_read(void)
{
	world_trap(guest_one, GUEST_SLOT);
}

/* A guest's reset takes its time. */
static void settle(void)
{
	uint64_t when = 0;

	while (vpci_process_pending(my_vcpu(), &when) == PCI_AGAIN) {
		if (when > plat_now())
			explore_sleep_until(when);
		else
			explore_yield();
	}
}

static void trap_write(uint16_t reg, uint8_t size, uint32_t val)
{
	(void)vpci_write(my_vcpu(), GUEST_SLOT, reg, size, val);
	settle();
}

static void place(void)
{
	trap_write(PCI_BASE_ADDRESS_0, 4, GUEST_BAR);
	trap_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void decode_off(void)
{
	trap_write(PCI_COMMAND, 2, 0);
}

static void msi_on(void)
{
	trap_write(WORLD_MSI + PCI_MSI_ADDRESS_LO, 4, 0xfee00000u);
	trap_write(WORLD_MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
}

static void flr(void)
{
	trap_write(WORLD_AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
}

static void map(void)
{
	ensure(domain_dma_map(guest_one, UNIT_DMA, UNIT_ONE, PLAT_PAGE_SIZE,
			      IOMMU_READ | IOMMU_WRITE) <= 0);
}

static void unmap(void)
{
	ensure(domain_dma_unmap(guest_one, UNIT_DMA, PLAT_PAGE_SIZE) <= 0);
}

static void card_works(void)
{
	(void)unit_dma();
	(void)unit_message();
}

static void reset(void)
{
	ensure(pci_reset_device(CARD, PCI_RESET_ANY, NULL, NULL) <= 0);
}

static void quarantine(void)
{
	ensure(pci_quarantine_device(CARD, "test") <= 0);
}

static void unquarantine(void)
{
	ensure(pci_unquarantine_device(CARD, NULL) <= 0);
}

static void (*const deeds[])(void) = {
	look_up,
	read_all,
	add,
	add_other,
	take_out_plain,
	take_out_asking,
	take_out_and_think_better_of_it,
	take_out_by_force,
	lose,
	mark_lost,
	hold,
	assign_one,
	assign_two,
	deassign,
	give_back,
	destroy,
	trap_read,
	place,
	decode_off,
	msi_on,
	flr,
	map,
	unmap,
	card_works,
	reset,
	quarantine,
	unquarantine,
};

static void somebody(void)
{
	unsigned int i;

	for (i = 0; i < DEEDS; i++)
		deeds[explore_choose(ARRAY_SIZE(deeds))]();
}

static void setup(void)
{
	unsigned int i;

	world_with(WORLD_IOMMU | WORLD_IRQ | WORLD_RESET);
	world_assigned();
	for (i = 0; i < ARRAY_SIZE(vcpu); i++)
		vpci_vcpu_init(&vcpu[i], guest_one);
}

static void finish(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vcpu); i++)
		vpci_vcpu_fini(&vcpu[i]);
	(void)pci_device_lost(CARD); /* if it was only marked */
	world_end();
	ensure(!unit_left() && !unit_vectors());
}

SCENARIO(crowd, .name = "crowd/anything",
	 .rule = "rules 1 to 16: sound, whoever does what", .random = 3,
	 .setup = setup, .finish = finish,
	 .thread = { { "a", somebody },
		     { "b", somebody },
		     { "c", somebody },
		     { "d", somebody },
		     { "e", somebody } });
SCENARIO(crowd_late, .name = "crowd/anything_at_any_instant",
	 .rule = "rule 7: likewise, when deadlines pass at any instant",
	 .random = 3, .late = true, .setup = setup, .finish = finish,
	 .thread = { { "a", somebody },
		     { "b", somebody },
		     { "c", somebody },
		     { "d", somebody },
		     { "e", somebody } });

const struct explore_scenario *const crowd_scenarios[] = {
	&crowd,
	&crowd_late,
	NULL,
};
