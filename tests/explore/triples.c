/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three operations on one device at once, where the third one makes a new race
 * of what two alone are safe in: rules 1, 6, 8, 9, 10, 12, 15 and 16; R10, R13.
 */
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/reset.h>

#include "unit.h"
#include "world.h"

#define TIMEOUT (1000 * MSEC)

static struct {
	int remove, lose, assign[2], back, add, map, bind, quarantine, reset;
	bool taken; /* from "one", by a promise */
	unsigned int holders;
} now;

static struct pci_removal *op;

/* 0, or one of these. */
static bool is(int err, int a, int b, int c)
{
	return !err || err == a || err == b || err == c;
}

static void begin(unsigned int modules)
{
	now = (typeof(now)){ 0 };
	world_with(modules);
}

/* --- what the threads do -------------------------------------------------------- */

static void look_up(void)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, CARD);

	if (!pdev)
		return;
	world_touch(pdev);
	pcidev_put(pdev);
}

static void remove_plain(void)
{
	now.remove = world_remove(CARD, 0, TIMEOUT);
	ensure(is(now.remove, -EBUSY, -ENODEV, -EALREADY));
}

static void remove_forced(void)
{
	now.remove = world_remove(CARD, PCI_REMOVE_FORCE, TIMEOUT);
	ensure(is(now.remove, -EBUSY, -ENODEV, -EALREADY));
	now.taken |= !now.remove;
}

static void lose(void)
{
	now.lose = world_lose(CARD);
	ensure(is(now.lose, -ENODEV, -EALREADY, 0));
	now.taken |= !now.lose;
}

static void add(void)
{
	now.add = world_add(CARD, 1);
	ensure(is(now.add, -EBUSY, 0, 0));
}

static void assign(struct domain *d, int *result)
{
	pci_sbdf_t at = GUEST_SLOT;

	*result = pci_assign_device(d, CARD, 0, &at, NULL);
}

static void assign_one(void)
{
	assign(guest_one, &now.assign[0]);
}

static void assign_two(void)
{
	assign(guest_two, &now.assign[1]);
}

static void take_back(void)
{
	now.back = pci_deassign_device(guest_one, CARD, 0, NULL);
	now.taken |= !now.back;
}

static void one_dies(void)
{
	ensure(!domain_destroy(guest_one));
	ensure(!domain_devices(guest_one));
	now.taken = true;
}

static void trap(void)
{
	bool was_taken = now.taken, own = world_trap(guest_one, GUEST_SLOT);

	ensure(!own || !was_taken);
}

static void dma(void)
{
	bool was_taken = now.taken;

	ensure(unit_dma() != UNIT_GUEST || !was_taken);
}

static int map_page(unsigned int page)
{
	return domain_dma_map(guest_one, UNIT_DMA + page * PLAT_PAGE_SIZE,
			      UNIT_ONE, PLAT_PAGE_SIZE,
			      IOMMU_READ | IOMMU_WRITE);
}

static void map(void)
{
	now.map = map_page(1);
	ensure(is(now.map, -EINVAL, 0, 0));
}

static void unmap(void)
{
	ensure(!domain_dma_unmap(guest_one, UNIT_DMA, PLAT_PAGE_SIZE));
	ensure(unit_dma() != UNIT_GUEST);
}

static void write_reg(uint16_t reg, uint8_t size, uint32_t val)
{
	while (vpci_write(&world_vcpu, GUEST_SLOT, reg, size, val) == PCI_AGAIN)
		explore_yield();
}

static void enable_msi(void)
{
	write_reg(WORLD_MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
}

static void flr(void)
{
	uint64_t when;

	write_reg(WORLD_AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
	while (vpci_process_pending(&world_vcpu, &when) == PCI_AGAIN) {
		if (when > plat_now())
			explore_sleep_until(when);
		else
			explore_yield();
	}
}

static void send(void)
{
	bool was_taken = now.taken;
	unsigned int came = world_interrupts[0];

	(void)unit_message();
	ensure(!was_taken || came == world_interrupts[0]);
}

static void fault(void)
{
	const struct iommu_fault what = { .rid = CARD,
					  .reason = IOMMU_FAULT_READ,
					  .address = UNIT_DMA };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		plat_rcu_read_lock();
		(void)pci_iommu_fault(pci_segment_host(0), &what);
		plat_rcu_read_unlock();
	}
	pci_iommu_work();
}

/* Lost, and revoked: the handler hears nothing any more. */
static void handler(void *data, unsigned int index)
{
	ensure(data == &now && !index);
	ensure(!now.taken);
}

static void bind(void)
{
	struct pci_dev *pdev;

	if (pci_lookup(NULL, CARD, &pdev))
		return;
	now.bind = pci_irq_bind(pdev, PCI_VECTOR_MSI, 0, 1, handler, &now);
	ensure(is(now.bind, -ENODEV, -EBUSY, 0));
	if (!now.bind)
		(void)pci_irq_mask(pdev, PCI_VECTOR_MSI, 0, false);
	pcidev_put(pdev);
}

static void quarantine(void)
{
	now.quarantine = pci_quarantine_device(CARD, "an administrator's word");
	ensure(is(now.quarantine, -EBUSY, 0, 0));
}

static void reset(void)
{
	now.reset = pci_reset_device(CARD, PCI_RESET_ANY, NULL, NULL);
	ensure(is(now.reset, -EBUSY, -EBADF, 0));
}

static void wait_for_removal(void)
{
	now.remove = pci_removal_wait(op);
	ensure(is(now.remove, -ECANCELED, 0, 0));
}

static void cancel(void)
{
	ensure(is(pci_removal_cancel(op), -EINPROGRESS, 0, 0));
}

static void let_go(void)
{
	ensure(pci_hold_release(world_session.hold));
}

static void give_back(void)
{
	now.back = pci_domain_return(guest_one, CARD);
	ensure(is(now.back, -ENODEV, 0, 0));
	now.taken = true;
}

/* --- how it begins ---------------------------------------------------------------- */

static void card(void)
{
	begin(0);
	world_guests();
}

static void assigned(void)
{
	begin(0);
	world_assigned();
}

static void held_and_asked(void)
{
	begin(0);
	world_card_held();
	ensure(!pci_removal_start(CARD, PCI_REMOVE_ASK, TIMEOUT, "test", NULL,
				  NULL, &op));
}

static void guest_asked(void)
{
	begin(0);
	world_assigned();
	ensure(!pci_removal_start(CARD, PCI_REMOVE_ASK, TIMEOUT, "test", NULL,
				  NULL, &op));
}

static void mapped(void)
{
	begin(WORLD_IOMMU);
	world_assigned();
	ensure(!map_page(0));
	ensure(unit_dma() == UNIT_GUEST);
}

static void with_vcpu(unsigned int modules)
{
	begin(modules);
	world_assigned();
	vpci_vcpu_init(&world_vcpu, guest_one);
	write_reg(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
}

static void assigned_irq(void)
{
	with_vcpu(WORLD_IRQ);
}

static void assigned_flr(void)
{
	with_vcpu(WORLD_RESET);
}

static void faulty(void)
{
	with_vcpu(WORLD_IOMMU);
}

static void card_irq(void)
{
	begin(WORLD_IRQ);
	world_guests();
}

static void card_reset(void)
{
	begin(WORLD_IOMMU | WORLD_RESET);
	world_guests();
}

/* --- how it ends ------------------------------------------------------------------- */

/* Either last came the new one, or nobody. */
static void there_or_gone(void)
{
	struct pci_dev_info info;

	if (now.remove)
		ensure(!pci_query(CARD, &info));
	if (now.remove == 0 && now.add)
		ensure(pci_query(CARD, &info) == -ENODEV);
	world_end();
}

SCENARIO(lookup_remove_add, .name = "triples/lookup+remove+add",
	 .rule = "rules 2, 6, 16: who found the old one touches no new one",
	 .setup = card, .finish = there_or_gone,
	 .thread = { { "finder", look_up },
		     { "remover", remove_plain },
		     { "adder", add } });

static void gone(void)
{
	ensure(!unit_vectors());
	ensure(!domain_devices(guest_one) && !domain_devices(guest_two));
	world_end_card_gone();
}

static void gone_with_vcpu(void)
{
	vpci_vcpu_fini(&world_vcpu);
	gone();
}

SCENARIO(trap_remove_lost, .name = "triples/trap+remove+lost",
	 .rule = "rules 6, 10: pulled while it is removed: nobody touches it",
	 .setup = assigned, .finish = gone,
	 .thread = { { "guest", trap },
		     { "remover", remove_forced },
		     { "loser", lose } });

SCENARIO(assign_remove_lost, .name = "triples/assign+remove+lost",
	 .rule = "rules 10, 12: pulled while two want it: nobody has it",
	 .setup = card, .finish = gone,
	 .thread = { { "toolstack", assign_one },
		     { "remover", remove_plain },
		     { "loser", lose } });

static void removed_or_there(void)
{
	pci_removal_finish(op);
	if (now.remove)
		world_end_card_there();
	else
		world_end_card_gone();
}

SCENARIO(hold_ask_cancel, .name = "triples/hold+ask+cancel",
	 .rule = "rules 1, 7: cancelled or removed, and the hold ends once",
	 .setup = held_and_asked, .finish = removed_or_there,
	 .thread = { { "holder", let_go },
		     { "remover", wait_for_removal },
		     { "canceller", cancel } });

static void no_space(void)
{
	struct pci_iommu_stats stats;

	pci_iommu_get_stats(&stats);
	ensure(!stats.spaces && !stats.mappings && !stats.contexts);
	ensure(unit_dma() == UNIT_IDENTITY);
	world_end_card_there();
}

SCENARIO(map_destroy_dma, .name = "triples/map+destroy+dma",
	 .rule = "XSA-390: no map keeps a device in a guest that died",
	 .setup = mapped, .finish = no_space,
	 .thread = { { "memory", map },
		     { "toolstack", one_dies },
		     { "device", dma } });

static void home(void)
{
	ensure(!now.back && unit_dma() == UNIT_IDENTITY);
	world_end_card_there();
}

SCENARIO(unmap_deassign_dma, .name = "triples/unmap+deassign+dma",
	 .rule = "XSA-346: unmapped while it leaves: reached by nobody",
	 .setup = mapped, .finish = home,
	 .thread = { { "memory", unmap },
		     { "toolstack", take_back },
		     { "device", dma } });

SCENARIO(msi_remove_deliver, .name = "triples/msi+remove+deliver",
	 .rule = "R10, XSA-360: a vector bound late is taken, and not heard",
	 .setup = assigned_irq, .finish = gone_with_vcpu,
	 .thread = { { "vcpu", enable_msi },
		     { "remover", remove_forced },
		     { "device", send } });

static void one_home(void)
{
	struct pci_iommu_info iommu;
	struct pci_dev_info info;

	vpci_vcpu_fini(&world_vcpu);
	ensure(is(now.back, -EBUSY, -EIO, 0));
	ensure(!pci_query(CARD, &info));
	ensure(now.back ? now.back == -EBUSY || info.owner == DOMID_IO
			: info.owner == DOMID_HARDWARE);
	ensure(!pci_iommu_query(CARD, &iommu));
	ensure(!iommu.fault.master_off || !world_masters());
	world_end();
}

SCENARIO(fault_deassign_add, .name = "triples/fault+deassign+add",
	 .rule = "§8, rule 16: off whoever has it; added again: the same",
	 .setup = faulty, .finish = one_home,
	 .thread = { { "unit", fault },
		     { "toolstack", take_back },
		     { "adder", add } });

static void removed_or_reset(void)
{
	vpci_vcpu_fini(&world_vcpu);
	if (now.remove)
		world_end_card_there();
	else
		gone();
}

SCENARIO(flr_remove_trap, .name = "triples/flr+remove+trap",
	 .rule = "rules 6, 9: a guest's reset does not outlive the removal",
	 .setup = assigned_flr, .finish = removed_or_reset,
	 .thread = { { "vcpu", flr },
		     { "remover", remove_forced },
		     { "guest", trap } });

static int other_removal;

static void remove_too(void)
{
	other_removal = world_remove(CARD, PCI_REMOVE_FORCE, TIMEOUT);
}

static void removed_once(void)
{
	ensure(!now.remove + !other_removal == 1);
	ensure(now.remove == -EALREADY || now.remove == -ENODEV ||
	       other_removal == -EALREADY || other_removal == -ENODEV);
	world_end_card_gone();
}

SCENARIO(remove_remove_lookup, .name = "triples/remove+remove+lookup",
	 .rule = "R17: one of two removals, whoever looks meanwhile",
	 .setup = card, .finish = removed_once,
	 .thread = { { "remover", remove_plain },
		     { "other", remove_too },
		     { "finder", look_up } });

SCENARIO(bind_lost_deliver, .name = "triples/bind+lost+deliver",
	 .rule = "R10, rule 10: a handler hears nothing of a lost device",
	 .setup = card_irq, .finish = gone,
	 .thread = { { "driver", bind },
		     { "loser", lose },
		     { "device", send } });

static void one_of_three(void)
{
	unsigned int had = !now.assign[0] + !now.assign[1] + !now.remove;

	ensure(had == 1);
	ensure(domain_devices(guest_one) == !now.assign[0]);
	ensure(domain_devices(guest_two) == !now.assign[1]);
	if (now.remove)
		world_end_card_there();
	else
		world_end_card_gone();
}

SCENARIO(assign_assign_remove, .name = "triples/assign+assign+remove",
	 .rule = "R4, R13: one winner of three", .setup = card,
	 .finish = one_of_three,
	 .thread = { { "one", assign_one },
		     { "two", assign_two },
		     { "remover", remove_plain } });

/* The guest is asked by the first step, and it or its death answers. */
static void answered(void)
{
	ensure(!domain_devices(guest_one));
	removed_or_there();
}

SCENARIO(ask_return_destroy, .name = "triples/ask+return+destroy",
	 .rule = "rules 8, 12: given back in death: it leaves the guest once",
	 .setup = guest_asked, .finish = answered,
	 .thread = { { "remover", wait_for_removal },
		     { "guest", give_back },
		     { "toolstack", one_dies } });

/* R21: what it gave back it reaches no more, though the removal goes on. */
static void no_trap_reaches_it(void)
{
	ensure(explore_self() != 2 || !now.taken);
}

static void guest_was_asked(void)
{
	guest_asked();
	ensure(pci_removal_step(op) == -EINPROGRESS && world_asked());
	world_witness = no_trap_reaches_it;
}

SCENARIO(ask_return_trap, .name = "triples/ask+return+trap",
	 .rule = "rule 8, R21: given back while it is removed: at once",
	 .setup = guest_was_asked, .finish = answered,
	 .thread = { { "remover", wait_for_removal },
		     { "guest", give_back },
		     { "vcpu", trap } });

static void in_one_place(void)
{
	struct pci_dev_info info;

	ensure(!pci_query(CARD, &info));
	ensure(now.assign[0] || now.quarantine);
	if (!now.quarantine)
		ensure(info.owner == DOMID_IO && unit_dma() == UNIT_NOTHING);
	else
		ensure(info.owner == (now.assign[0] ? DOMID_HARDWARE : 1u));
	world_end();
}

SCENARIO(quarantine_assign_reset, .name = "triples/quarantine+assign+reset",
	 .rule = "rule 15: one operation at a time; in quarantine, it stays",
	 .setup = card_reset, .finish = in_one_place,
	 .thread = { { "admin", quarantine },
		     { "toolstack", assign_one },
		     { "other", reset } });

const struct explore_scenario *const triple_scenarios[] = {
	&lookup_remove_add,       &trap_remove_lost,
	&assign_remove_lost,      &hold_ask_cancel,
	&map_destroy_dma,         &unmap_deassign_dma,
	&msi_remove_deliver,      &fault_deassign_add,
	&flr_remove_trap,         &remove_remove_lookup,
	&bind_lost_deliver,       &assign_assign_remove,
	&ask_return_destroy,      &ask_return_trap,
	&quarantine_assign_reset, NULL,
};
