/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's BARs and emulated registers against all that takes the device from
 * it: core/vpci, the proofs in map.c, vcpu.c and trap.c; R19, R21, H2, H3.
 */
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>

#include "world.h"

static int result;
static struct vpci_vcpu second;

static void settle(void)
{
	world_settle(&world_vcpu);
}

static void deassign(void)
{
	ensure(!pci_deassign_device(guest_one, CARD, 0, NULL));
	ensure(!world_mapped_at());
}

static void force(void)
{
	result = world_remove(CARD, PCI_REMOVE_FORCE, 100 * MSEC);
	ensure(result || !world_mapped_at());
}

static void lose(void)
{
	result = world_lose(CARD);
	ensure(!result && !world_mapped_at());
}

static void end(void)
{
	vpci_vcpu_fini(&world_vcpu);
	ensure(!world_mapped_at());
	world_end();
}

static void there(void)
{
	vpci_vcpu_fini(&world_vcpu);
	ensure(!world_mapped_at());
	world_end_card_there();
}

SCENARIO(map_deassign, .name = "vpci/map_against_deassign",
	 .rule = "R21, H2: what is being mapped is not mapped after deassign",
	 .setup = world_placed, .finish = there,
	 .thread = { { "vcpu", settle }, { "toolstack", deassign } });
SCENARIO(map_force, .name = "vpci/map_against_force",
	 .rule = "rule 6: no guest mapping is left when a removal says 0",
	 .setup = world_placed, .finish = end,
	 .thread = { { "vcpu", settle }, { "remover", force } });
SCENARIO(map_loss, .name = "vpci/map_against_loss",
	 .rule = "rule 10: nor when a loss is over", .setup = world_placed,
	 .finish = end, .thread = { { "vcpu", settle }, { "loser", lose } });

/* --- a move --------------------------------------------------------------------- */

#define MOVED 0xe0100000u

static void move(void)
{
	ensure(vpci_write(&world_vcpu, GUEST_SLOT, PCI_BASE_ADDRESS_0, 4,
			  MOVED) == PCI_DONE);
	settle();
}

static void moved(void)
{
	vpci_vcpu_fini(&world_vcpu);
	ensure(world_mapped_at() == MOVED);
	world_end();
}

static bool mmio(uint64_t gpa)
{
	uint64_t val;

	while (vpci_mmio_read(guest_one, gpa, 4, &val) == PCI_AGAIN)
		explore_yield();
	ensure(val == WORLD_ID || val == ALL_ONES);
	return val == WORLD_ID;
}

/* Never at neither place for one who sees the move's order: new after old. */
static void touch_both(void)
{
	bool at_new = mmio(MOVED);

	ensure(!at_new || mmio(MOVED));
	mmio(GUEST_BAR);
}

SCENARIO(move_mmio, .name = "vpci/bar_move_against_mmio",
	 .rule = "H3: an access meets the device or nobody, at either place",
	 .setup = world_mapped, .finish = moved,
	 .thread = { { "vcpu", move }, { "vcpu2", touch_both } });
SCENARIO(move_deassign, .name = "vpci/bar_move_against_deassign",
	 .rule = "R21: a move under way leaves nothing behind",
	 .setup = world_mapped, .finish = there,
	 .thread = { { "vcpu", move }, { "toolstack", deassign } });
SCENARIO(move_loss, .name = "vpci/bar_move_against_loss",
	 .rule = "rule 10: nor does it when the device is lost",
	 .setup = world_mapped, .finish = end,
	 .thread = { { "vcpu", move }, { "loser", lose } });

static void mmio_old(void)
{
	mmio(GUEST_BAR);
}

SCENARIO(mmio_force, .name = "vpci/mmio_against_force",
	 .rule = "H3, rule 6: no trapped access to a BAR after 0",
	 .setup = world_mapped, .finish = end,
	 .thread = { { "vcpu", mmio_old }, { "remover", force } });

/* --- two vCPUs ------------------------------------------------------------------- */

static void placed_by_two(void)
{
	world_placed();
	vpci_vcpu_init(&second, guest_one);
	ensure(vpci_write(&second, GUEST_SLOT, PCI_COMMAND, 2,
			  PCI_COMMAND_MEMORY) == PCI_DONE);
}

/* Whoever may resume finds the BAR mapped. */
static void settle_first(void)
{
	world_settle(&world_vcpu);
	ensure(world_mapped_at() == GUEST_BAR);
}

static void settle_second(void)
{
	world_settle(&second);
	ensure(!second.npending);
}

static void both_done(void)
{
	vpci_vcpu_fini(&second);
	vpci_vcpu_fini(&world_vcpu);
	ensure(world_mapped_at() == GUEST_BAR);
	world_end();
}

SCENARIO(two, .name = "vpci/two_vcpus_map",
	 .rule = "one BAR, two vCPUs that wait for it: mapped once",
	 .setup = placed_by_two, .finish = both_done,
	 .thread = { { "vcpu", settle_first }, { "vcpu2", settle_second } });

static void decode_off(void)
{
	ensure(vpci_write(&second, GUEST_SLOT, PCI_COMMAND, 2, 0) == PCI_DONE);
	settle_second();
}

static void as_the_register_says(void)
{
	struct vpci_info info;

	world_settle(&world_vcpu);
	ensure(!vpci_query(CARD, &info));
	ensure(!info.bar[0].decode && !info.bar[0].mapped);
	vpci_vcpu_fini(&second);
	vpci_vcpu_fini(&world_vcpu);
	ensure(!world_mapped_at());
	world_end();
}

SCENARIO(on_off, .name = "vpci/decode_on_against_off",
	 .rule = "what is mapped at last is what the registers say at last",
	 .setup = placed_by_two, .finish = as_the_register_says,
	 .thread = { { "vcpu", settle }, { "vcpu2", decode_off } });

/* --- writes ------------------------------------------------------------------------ */

static void write_scratch(void)
{
	world_trap_write(guest_one, GUEST_SLOT, 7);
}

static void hand_over(void)
{
	pci_sbdf_t at = GUEST_SLOT;

	ensure(!pci_deassign_device(guest_one, CARD, 0, NULL));
	world_write_scratch(CARD, 42);
	ensure(!pci_assign_device(guest_two, CARD, 0, &at, NULL));
}

static void untouched(void)
{
	ensure(world_scratch(CARD) == 42);
	world_end_card_there();
}

SCENARIO(write_reassign, .name = "vpci/R21_write_against_reassign",
	 .rule = "R21: an old guest's write never reaches the new one's device",
	 .setup = world_assigned, .finish = untouched,
	 .thread = { { "guest", write_scratch }, { "toolstack", hand_over } });

static void lost(void)
{
	result = world_lose(CARD);
}

static void gone(void)
{
	ensure(!result);
	world_end_card_gone();
}

SCENARIO(write_loss, .name = "vpci/write_against_loss",
	 .rule = "rule 10: a lost device takes no write, and frees none twice",
	 .setup = world_assigned, .finish = gone,
	 .thread = { { "guest", write_scratch }, { "loser", lost } });

/* By a vCPU of this thread's. */
static void write_reg(unsigned int reg, uint8_t size, uint64_t val)
{
	struct vpci_vcpu vcpu;

	vpci_vcpu_init(&vcpu, guest_one);
	ensure(vpci_write(&vcpu, GUEST_SLOT, (uint16_t)reg, size, val) ==
	       PCI_DONE);
	vpci_vcpu_fini(&vcpu);
}

/* Each byte of one dword by another vCPU. */
static void write_byte(void)
{
	unsigned int i = explore_self();

	write_reg(BYTES + i, 1, i + 1);
}

static void all_are_there(void)
{
	uint64_t val;

	ensure(vpci_read(guest_one, GUEST_SLOT, BYTES, 4, &val) == PCI_DONE);
	ensure(val == 0x030201);
	world_end_card_there();
}

SCENARIO(bytes, .name = "vpci/writes_without_the_lock",
	 .rule = "engine.c: no write to a neighbour's byte is lost",
	 .setup = world_assigned_bytes, .finish = all_are_there,
	 .thread = { { "first", write_byte },
		     { "second", write_byte },
		     { "hook", write_byte } });

static void write_whole(void)
{
	write_reg(WHOLE, 4, 0x11223344);
}

static void write_part(void)
{
	uint64_t val;

	write_reg(WHOLE + 1, 1, 0x55);
	ensure(vpci_read(guest_one, GUEST_SLOT, WHOLE + 1, 1, &val) ==
	       PCI_DONE);
	ensure(val == 0x55 || val == 0x33 || val == 0x88);
}

static void write_with_lock(void)
{
	write_reg(BYTES, 8, 0x6677889900000000);
}

static void one_after_another(void)
{
	uint64_t val;

	ensure(vpci_read(guest_one, GUEST_SLOT, WHOLE, 4, &val) == PCI_DONE);
	ensure(val == 0x11223344 || val == 0x11225544 || val == 0x66778899 ||
	       val == 0x66775599);
	world_end_card_there();
}

SCENARIO(whole, .name = "vpci/whole_write_without_the_lock",
	 .rule = "engine.c: a write of all and one of a part, in either order",
	 .setup = world_assigned_bytes, .finish = one_after_another,
	 .thread = { { "whole", write_whole },
		     { "part", write_part },
		     { "locked", write_with_lock } });

static void write_kept(void)
{
	struct vpci_vcpu vcpu;

	vpci_vcpu_init(&vcpu, guest_one);
	while (vpci_write(&vcpu, GUEST_SLOT, BYTES, 1, 1) == PCI_AGAIN)
		explore_yield();
	vpci_vcpu_fini(&vcpu);
}

SCENARIO(kept_reassign, .name = "vpci/kept_write_against_reassign",
	 .rule = "engine.c: the view is there until the section ends",
	 .setup = world_assigned_bytes, .finish = untouched,
	 .thread = { { "guest", write_kept }, { "toolstack", hand_over } });

/* Whoever reads all-ones can ask whose the device is: not the guest's. */
static void ones_mean_taken(void)
{
	struct pci_dev_info info;

	if (!world_trap(guest_one, GUEST_SLOT))
		ensure(pci_query(CARD, &info) ||
		       info.owner != domain_id(guest_one));
}

SCENARIO(ones, .name = "vpci/ones_against_force",
	 .rule = "§4: all-ones is for what is gone, lost or cut off only",
	 .setup = world_mapped, .finish = end,
	 .thread = { { "guest", ones_mean_taken }, { "remover", force } });

/* --- interrupts -------------------------------------------------------------------- */

static void msi_on(void)
{
	ensure(vpci_write(&world_vcpu, GUEST_SLOT, WORLD_MSI + PCI_MSI_FLAGS, 2,
			  PCI_MSI_FLAGS_ENABLE) == PCI_DONE);
}

static void silent(void)
{
	vpci_vcpu_fini(&world_vcpu);
	ensure(!world_vector());
	gone();
}

SCENARIO(msi_loss, .name = "vpci/msi_against_loss",
	 .rule = "rule 10: what was taken away is never told as on again",
	 .setup = world_assigned_msi, .finish = silent,
	 .thread = { { "guest", msi_on }, { "loser", lost } });

static struct pci_removal *op;

static void ask(void)
{
	vpci_vcpu_init(&second, guest_two);
	ensure(!pci_removal_start(CARD, PCI_REMOVE_ASK, 100 * MSEC, "test",
				  NULL, NULL, &op));
}

static void asked(void)
{
	world_assigned_msi();
	ask();
}

static void asked_placed(void)
{
	world_placed();
	ask();
}

static void give_back(void)
{
	int err = pci_domain_return(guest_one, CARD);

	ensure(!err || err == -ENODEV);
}

static void off_at_once(void)
{
	ensure(!world_vector() && !world_mapped_at());
	(void)!pci_removal_cancel(op);
	ensure(pci_removal_wait(op) == -ECANCELED);
	pci_removal_finish(op);
	vpci_vcpu_fini(&second);
	vpci_vcpu_fini(&world_vcpu);
	world_end_card_there();
}

SCENARIO(msi_return, .name = "vpci/msi_against_return",
	 .rule = "R21: nor what was given back", .setup = asked,
	 .finish = off_at_once,
	 .thread = { { "vcpu", msi_on }, { "guest", give_back } });

SCENARIO(map_return, .name = "vpci/map_against_return",
	 .rule = "R21: what is given back is mapped no more, nor again",
	 .setup = asked_placed, .finish = off_at_once,
	 .thread = { { "vcpu", settle }, { "guest", give_back } });

/* The next guest has it before the first one's call has returned. */
static void cancel_and_reassign(void)
{
	pci_sbdf_t at = GUEST_SLOT;

	(void)!pci_removal_cancel(op);
	ensure(pci_removal_wait(op) == -ECANCELED);
	result = pci_assign_device(guest_two, CARD, 0, &at, NULL);
	if (!result)
		ensure(vpci_write(&second, GUEST_SLOT,
				  WORLD_MSI + PCI_MSI_FLAGS, 2,
				  PCI_MSI_FLAGS_ENABLE) == PCI_DONE);
}

static void still_on(void)
{
	struct vpci_info info;

	pci_removal_finish(op);
	ensure(result || (!vpci_query(CARD, &info) && info.msi_enabled == 1));
	vpci_vcpu_fini(&second);
	vpci_vcpu_fini(&world_vcpu);
	world_end_card_there();
}

SCENARIO(return_reassign, .name = "vpci/return_against_reassign",
	 .rule = "R21: a guest that gives back takes nothing from the next",
	 .setup = asked, .finish = still_on,
	 .thread = { { "guest", give_back },
		     { "toolstack", cancel_and_reassign } });

/* --- who looks at it ------------------------------------------------------------------ */

static void query(void)
{
	struct vpci_info info;
	int err = vpci_query(CARD, &info);

	ensure(!err || err == -ENOENT);
}

static void take_back(void)
{
	ensure(!pci_deassign_device(guest_one, CARD, 0, NULL));
}

SCENARIO(query_deassign, .name = "vpci/query_against_deassign",
	 .rule = "a view is looked at in a section, and freed after it",
	 .setup = world_assigned, .finish = world_end_card_there,
	 .thread = { { "operator", query }, { "toolstack", take_back } },
	 .bound = 2);

const struct explore_scenario *const vpci_scenarios[] = {
	&bytes,      &whole,           &kept_reassign,
	&ones,       &map_deassign,    &map_force,
	&map_loss,   &move_mmio,       &move_deassign,
	&move_loss,  &mmio_force,      &two,
	&on_off,     &write_reassign,  &write_loss,
	&msi_loss,   &return_reassign, &msi_return,
	&map_return, &query_deassign,  NULL,
};
