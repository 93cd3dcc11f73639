/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the owner of the card does with it: the guest through its view, or the
 * hardware domain, which has none. And what the card does by itself.
 */
#include <string.h>

#include <holdfast/pci_regs.h>

#include "ops.h"

/* What the owner sees changes, whatever the other says in the end. */
#define DISTURBS \
	(ENDS | MAY_END | TAKES | MAY_TAKE | GIVES | CONFINES | HIDES | RESETS)
#define OVER (TAKES | ENDS)

static void write_reg(struct actor *me, uint16_t reg, uint8_t size,
		      uint32_t val)
{
	while (vpci_write(&me->vcpu, op_address(), reg, size, val) == PCI_AGAIN)
		explore_yield();
}

/* Beside vpci_policy_guest: the same, under its own name. */
static struct vpci_policy other_policy;

static void prepare_policy(struct actor *me)
{
	(void)me;
	other_policy = vpci_policy_guest;
	other_policy.name = "other";
}

/* Of the next guest: one of the two, and for who has it already the old one. */
static int policy(struct actor *me)
{
	struct vpci_info view;
	int err = vpci_policy_set(CARD, &other_policy);

	if (err)
		return err;
	err = vpci_query(CARD, &view);
	if (!err && !op_may(me, GIVES))
		ensure(!strcmp(view.policy,
			       op_in_guest()
				       ? vpci_policy_guest.name
				       : vpci_policy_hardware_domain.name));
	return vpci_policy_set(CARD, NULL);
}

/* In a row as long as there is its own work to do: a yield lets others in. */
static void settle_vcpu(struct vpci_vcpu *vcpu)
{
	unsigned int turns = 0;
	uint64_t when;

	while (vpci_process_pending(vcpu, &when) == PCI_AGAIN) {
		if (when > plat_now())
			explore_sleep_until(when);
		else if (++turns > 4)
			explore_yield();
	}
}

/* --- configuration space ------------------------------------------------------------- */

static int read_id(struct actor *me)
{
	bool over = op_is_over(me), own = world_trap(op_owner(), op_address());

	ensure(!own || !over);
	return own ? 0 : -ENODEV;
}

/* Each its own value; the register is nobody else's. */
static int write_scratch(struct actor *me)
{
	uint32_t val = 0x1000u + me->self, before = world_scratch(CARD);
	bool over = op_is_over(me);

	world_trap_write(op_owner(), op_address(), val);
	ensure(!over || world_scratch(CARD) == before);
	return world_scratch(CARD) == val ? 0 : -ENODEV;
}

static void prepare_bar(struct actor *me)
{
	if (op_in_guest())
		write_reg(me, PCI_BASE_ADDRESS_0, 4, GUEST_BAR);
}

static void prepare_mapped(struct actor *me)
{
	prepare_bar(me);
	write_reg(me, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	settle_vcpu(&me->vcpu);
}

static int command(struct actor *me, uint16_t bits)
{
	uint16_t before = world_command();
	bool over = op_is_over(me), on;

	write_reg(me, PCI_COMMAND, 2, bits);
	settle_vcpu(&me->vcpu);
	on = op_in_guest() ? world_mapped_at() == GUEST_BAR
			   : world_command() & PCI_COMMAND_MEMORY;
	ensure(!over || !on || world_command() == before);
	return on == !!(bits & PCI_COMMAND_MEMORY) ? 0 : -ENODEV;
}

static int command_on(struct actor *me)
{
	return command(me, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static int command_off(struct actor *me)
{
	return command(me, 0);
}

static int flr(struct actor *me)
{
	unsigned int resets = world_resets();

	write_reg(me, WORLD_AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
	settle_vcpu(&me->vcpu);
	me->worked = world_resets() > resets;
	return me->worked ? 0 : -ENODEV;
}

/* Work that is not done yet; or of a device that has left the guest. */
static void prepare_pending(struct actor *me)
{
	pci_sbdf_t at = GUEST_SLOT;

	vpci_vcpu_fini(&me->vcpu);
	vpci_vcpu_init(&me->vcpu, guest_one);
	if (!op_in_guest())
		ensure(!pci_assign_device(guest_one, CARD, 0, &at, NULL));
	ensure(vpci_write(&me->vcpu, GUEST_SLOT, PCI_BASE_ADDRESS_0, 4,
			  GUEST_BAR) == PCI_DONE);
	ensure(vpci_write(&me->vcpu, GUEST_SLOT, PCI_COMMAND, 2,
			  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER) == PCI_DONE);
	ensure(me->vcpu.npending == 1 || op_may(me, DECODES));
	if (!op_in_guest())
		ensure(!pci_deassign_device(guest_one, CARD, 0, NULL));
}

static int settle(struct actor *me)
{
	settle_vcpu(&me->vcpu);
	ensure(!me->vcpu.npending);
	if (!op_in_guest()) {
		ensure(!world_mapped_at());
		return 0;
	}
	return world_mapped_at() == GUEST_BAR ? 0 : -ENODEV;
}

/* The guest reads through a BAR that it may have mapped. */
static int mmio(struct actor *me)
{
	bool over = op_is_over(me);
	uint64_t val;

	while (vpci_mmio_read(guest_one, GUEST_BAR, 4, &val) == PCI_AGAIN)
		explore_yield();
	ensure(val == ALL_ONES || (val == WORLD_ID && !over));
	return val == WORLD_ID ? 0 : -ENODEV;
}

/* --- its interrupts --------------------------------------------------------------------- */

static void prepare_msi(struct actor *me)
{
	if (!op_may(me, DECODES))
		write_reg(me, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	if (!op_in_guest())
		return;
	write_reg(me, WORLD_MSI + PCI_MSI_ADDRESS_LO, 4, 0x666000);
	write_reg(me, WORLD_MSI + PCI_MSI_DATA_32, 2, 0x66);
}

static void prepare_enabled(struct actor *me)
{
	prepare_msi(me);
	if (!op_may(me, SIGNALS | BINDS))
		write_reg(me, WORLD_MSI + PCI_MSI_FLAGS, 2,
			  PCI_MSI_FLAGS_ENABLE);
}

static int msi_on(struct actor *me)
{
	write_reg(me, WORLD_MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	return !op_in_guest() || unit_vectors() ? 0 : -ENODEV;
}

static int msi_mask(struct actor *me)
{
	write_reg(me, WORLD_MSI + PCI_MSI_MASK_32, 4, 1);
	write_reg(me, WORLD_MSI + PCI_MSI_MASK_32, 4, 0);
	return 0;
}

/* --- what the card does ------------------------------------------------------------------- */

/* The host's are for its handler, unless it programs them itself. */
static void prepare_deliver(struct actor *me)
{
	if (op_in_guest() || op_may(me, PREPARES))
		prepare_enabled(me);
	else if (!op_may(me, SIGNALS | BINDS))
		ensure(!op_bind(me));
}

/* The hardware domain's own message, which is no concern of the controller. */
static bool passes_by(struct actor *me)
{
	struct world_message m;

	return !op_in_guest() && op_may(me, SIGNALS | PREPARES) &&
	       world_message(&m);
}

/* It sends a message: to its owner, or to nobody. */
static int deliver(struct actor *me)
{
	unsigned int one = world_interrupts[0];
	bool over = op_done(me, OVER);

	me->worked = passes_by(me) || unit_message();
	ensure(!over || one == world_interrupts[0]);
	ensure(!world_interrupts[1]);
	return me->worked ? 0 : -ENODEV;
}

static void undo_deliver(struct actor *me)
{
	if (!op_in_guest() && !op_may(me, SIGNALS | BINDS | PREPARES))
		op_unbind(me);
}

static bool reaches_guest(unsigned int page)
{
	return unit_dma_page(page) == UNIT_GUEST;
}

/* It reads both pages: one is mapped, the other is perhaps the other one's. */
static int dma(struct actor *me)
{
	bool over = op_done(me, OVER), reached = reaches_guest(me->self);

	ensure(!over || !reached);
	over = op_done(me, OVER);
	ensure(!reaches_guest(!me->self) || !over);
	return reached || !op_in_guest() ? 0 : -ENODEV;
}

static void prepare_dma(struct actor *me)
{
	ensure(!domain_dma_map(guest_one, UNIT_DMA + me->self * PLAT_PAGE_SIZE,
			       UNIT_ONE, PLAT_PAGE_SIZE,
			       IOMMU_READ | IOMMU_WRITE));
}

const struct op ops_guest[] = {
	{ .name = "read",
	  .rule = "R21: a trap gets the device's answer, or all-ones",
	  .worlds = HOST | GUEST,
	  .traps = true,
	  .run = read_id,
	  .excuse = { { -ENODEV, DISTURBS } } },
	{ .name = "write",
	  .rule = "R21: a write arrives, or is dropped",
	  .worlds = HOST | GUEST,
	  .does = WRITES,
	  .traps = true,
	  .run = write_scratch,
	  .excuse = { { -ENODEV, DISTURBS | LOCKS | WRITES } } },
	{ .name = "command_on",
	  .rule = "H2: a BAR is mapped while it is its guest's",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IOMMU,
	  .does = DECODES,
	  .prepare = prepare_bar,
	  .traps = true,
	  .run = command_on,
	  .excuse = { { -ENODEV, DISTURBS | LOCKS | DECODES } } },
	{ .name = "command_off",
	  .rule = "H3: and unmapped with the write",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IOMMU,
	  .does = DECODES | MUTES,
	  .prepare = prepare_mapped,
	  .traps = true,
	  .run = command_off,
	  .excuse = { { -ENODEV, DISTURBS | LOCKS | DECODES } } },
	{ .name = "flr",
	  .rule = "a guest's reset is done, or its device is not there",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_RESET,
	  .does = RUNS | HOLDS | RESETS | MUTES,
	  .traps = true,
	  .run = flr,
	  .excuse = { { -ENODEV, DISTURBS | LOCKS | RUNS } } },
	{ .name = "settle",
	  .rule = "H2: queued work ends, whoever has the device by then",
	  .worlds = HOST | GUEST,
	  .does = DECODES,
	  .prepare = prepare_pending,
	  .traps = true,
	  .run = settle,
	  .excuse = { { -ENODEV, DISTURBS | DECODES } } },
	{ .name = "policy",
	  .rule = "a policy is the next guest's; who has the device keeps his",
	  .worlds = HOST | GUEST,
	  .does = RUNS,
	  .prepare = prepare_policy,
	  .run = policy,
	  .excuse = { { -EBUSY, RUNS | REMOVES },
		      { -ENODEV, ENDS | MAY_END } } },
	{ .name = "mmio",
	  .rule = "H3: an access to a BAR meets the device, or nobody",
	  .worlds = GUEST,
	  .does = DECODES,
	  .traps = true,
	  .prepare = prepare_mapped,
	  .run = mmio,
	  .excuse = { { -ENODEV, DISTURBS | DECODES } } },
	{ .name = "msi_on",
	  .rule = "XSA-360: a vector is its owner's, or there is none",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IRQ,
	  .does = HOLDS | SIGNALS,
	  .prepare = prepare_msi,
	  .traps = true,
	  .run = msi_on,
	  .excuse = { { -ENODEV, DISTURBS | LOCKS } } },
	{ .name = "msi_mask",
	  .rule = "masked and unmasked: nothing is lost",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IRQ,
	  .does = MUTES,
	  .prepare = prepare_enabled,
	  .traps = true,
	  .run = msi_mask },
	{ .name = "deliver",
	  .rule = "R10: a message meets its owner, or nobody",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IRQ,
	  .prepare = prepare_deliver,
	  .run = deliver,
	  .undo = undo_deliver,
	  .excuse = { { -ENODEV, DISTURBS | MUTES | FAULTS | LOCKS | SIGNALS |
					 DECODES | BINDS } } },
	{ .name = "dma",
	  .rule = "XSA-302: DMA reaches its owner's memory, or nothing",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IOMMU,
	  .prepare = prepare_dma,
	  .run = dma,
	  .excuse = { { -ENODEV, DISTURBS | REMOVES | RUNS } } },
	{ .name = NULL },
};
