/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's interrupts, and the hypervisor's own, against all that takes the
 * device away: R10; XSA-33, 46, 237, 360; core/irq.
 */
#include <string.h>

#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/reset.h>

#include "unit.h"
#include "world.h"

static int result[2];
static unsigned int sent;

static void write_reg(uint16_t reg, uint8_t size, uint64_t val)
{
	ensure(vpci_write(&world_vcpu, GUEST_SLOT, reg, size, val) == PCI_DONE);
}

static void guest_enable(void)
{
	write_reg(WORLD_MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
}

static void guest_disable(void)
{
	write_reg(WORLD_MSI + PCI_MSI_FLAGS, 2, 0);
}

static void guest_mask(void)
{
	write_reg(WORLD_MSI + PCI_MSI_MASK_32, 4, 1);
}

static void guest_unmask(void)
{
	write_reg(WORLD_MSI + PCI_MSI_MASK_32, 4, 0);
}

/* The guest's own words are nonsense to the controller, and never reach it. */
static void assigned(void)
{
	result[0] = result[1] = 0;
	sent = 0;
	world_with_units();
	world_assigned();
	vpci_vcpu_init(&world_vcpu, guest_one);
	write_reg(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	write_reg(WORLD_MSI + PCI_MSI_ADDRESS_LO, 4, 0x666000);
	write_reg(WORLD_MSI + PCI_MSI_DATA_32, 2, 0x66);
}

static void enabled(void)
{
	assigned();
	guest_enable();
	ensure(unit_vectors() == 1);
}

static void enabled_masked(void)
{
	assigned();
	guest_mask();
	guest_enable();
}

static void send(void)
{
	sent += unit_message();
}

/* --- masks: nothing is lost, nothing comes twice ------------------------------------ */

/* What came while it was masked comes when it is not. */
static void came_once(void)
{
	guest_unmask();
	if (world_message_kept())
		send();
	ensure(world_interrupts[0] == 1);
	vpci_vcpu_fini(&world_vcpu);
	world_end();
}

SCENARIO(unmask, .name = "irq/deliver_against_unmask",
	 .rule = "§8: pending across masking: once, and not lost",
	 .setup = enabled_masked, .finish = came_once,
	 .thread = { { "device", send }, { "vcpu", guest_unmask } });
SCENARIO(mask, .name = "irq/deliver_against_mask",
	 .rule = "§8: pending across masking: once, and not lost",
	 .setup = enabled, .finish = came_once,
	 .thread = { { "device", send }, { "vcpu", guest_mask } });

/* --- whoever takes it away ------------------------------------------------------------ */

static void disable_enable(void)
{
	guest_disable();
	guest_enable();
}

static void all_freed(void)
{
	ensure(world_interrupts[0] <= sent && !world_interrupts[1]);
	vpci_vcpu_fini(&world_vcpu);
	world_end();
}

SCENARIO(disable, .name = "irq/deliver_against_disable",
	 .rule = "R10: a message in flight meets its vector, or nobody",
	 .setup = enabled, .finish = all_freed,
	 .thread = { { "device", send }, { "vcpu", disable_enable } });

static void take_back(void)
{
	unsigned int came;

	result[0] = pci_deassign_device(guest_one, CARD, 0, NULL);
	ensure(!result[0]);
	came = world_interrupts[0];
	ensure(!unit_message() && came == world_interrupts[0]);
}

static void remove_forced(void)
{
	result[0] = world_remove(CARD, PCI_REMOVE_FORCE, 1000 * MSEC);
	ensure(!result[0] && !unit_vectors());
}

static void lose(void)
{
	ensure(!world_lose(CARD) && !unit_vectors());
}

static void one_dies(void)
{
	ensure(!domain_destroy(guest_one) && !unit_vectors());
}

SCENARIO(deassign, .name = "irq/deliver_against_deassign",
	 .rule = "R10: none comes to who has given it back", .setup = enabled,
	 .finish = all_freed,
	 .thread = { { "device", send }, { "toolstack", take_back } });
SCENARIO(force, .name = "irq/deliver_against_force",
	 .rule = "R10, rule 6: none after a removal that says 0",
	 .setup = enabled, .finish = all_freed,
	 .thread = { { "device", send }, { "remover", remove_forced } });

/* Enabling takes a vector and a hold, and must not take them after the end. */
static void enable(void)
{
	(void)vpci_write(&world_vcpu, GUEST_SLOT, WORLD_MSI + PCI_MSI_FLAGS, 2,
			 PCI_MSI_FLAGS_ENABLE);
}

SCENARIO(enable_deassign, .name = "irq/enable_against_deassign",
	 .rule = "XSA-360: no vector is left", .setup = assigned,
	 .finish = all_freed,
	 .thread = { { "vcpu", enable }, { "toolstack", take_back } });
SCENARIO(enable_force, .name = "irq/enable_against_force",
	 .rule = "rule 6: no vector and no hold is left", .setup = assigned,
	 .finish = all_freed,
	 .thread = { { "vcpu", enable }, { "remover", remove_forced } });
SCENARIO(enable_loss, .name = "irq/enable_against_loss",
	 .rule = "rule 10: no vector and no hold is left", .setup = assigned,
	 .finish = all_freed,
	 .thread = { { "vcpu", enable }, { "loser", lose } });
SCENARIO(enable_death, .name = "irq/enable_against_death",
	 .rule = "XSA-360: right while its threads still trap",
	 .setup = assigned, .finish = all_freed,
	 .thread = { { "vcpu", enable }, { "toolstack", one_dies } });

/* A removal that is refused has changed nothing. */
static void remove_plain(void)
{
	result[1] = world_remove(CARD, 0, 100 * MSEC);
	ensure(result[1] == -EBUSY);
}

static void still_delivers(void)
{
	send();
	ensure(world_interrupts[0] == 1);
	all_freed();
}

SCENARIO(refused, .name = "irq/enable_against_refused_removal",
	 .rule = "rule 7: refused: the guest's interrupts work",
	 .setup = assigned, .finish = still_delivers,
	 .thread = { { "vcpu", enable }, { "remover", remove_plain } });

/* --- from one to another ----------------------------------------------------------------- */

static bool moved;

static void hand_over(void)
{
	pci_sbdf_t at = GUEST_SLOT;

	ensure(!pci_deassign_device(guest_one, CARD, 0, NULL));
	ensure(!pci_assign_device(guest_two, CARD, 0, &at, NULL));
	moved = true;
}

static void send_old(void)
{
	unsigned int came = world_interrupts[0];
	bool was_moved = moved;

	send();
	ensure(!was_moved || came == world_interrupts[0]);
	ensure(!world_interrupts[1]);
}

static void enabled_unmoved(void)
{
	enabled();
	moved = false;
}

SCENARIO(reassign, .name = "irq/deliver_against_reassign",
	 .rule = "R10, R21: an old owner's vector is not the new one's",
	 .setup = enabled_unmoved, .finish = all_freed,
	 .thread = { { "device", send_old }, { "toolstack", hand_over } });

/* --- the hypervisor's own handler -------------------------------------------------------- */

static unsigned int handled;
static bool unbound;

static void handler(void *data, unsigned int index)
{
	ensure(data == &handled && !index && !unbound);
	handled++;
}

static int bind(void)
{
	struct pci_dev *pdev;
	int err = pci_lookup(NULL, CARD, &pdev);

	if (err)
		return err;
	err = pci_irq_bind(pdev, PCI_VECTOR_MSI, 0, 1, handler, &handled);
	if (!err)
		err = pci_irq_mask(pdev, PCI_VECTOR_MSI, 0, false);
	pcidev_put(pdev);
	return err;
}

static void guests(void)
{
	handled = sent = 0;
	unbound = false;
	result[0] = result[1] = 0;
	world_with_units();
	world_guests();
}

static void bound(void)
{
	guests();
	ensure(!bind() && unit_vectors() == 1);
}

static void bind_it(void)
{
	result[1] = bind();
}

static void unbind(void)
{
	struct pci_dev *pdev = world_get(CARD);

	ensure(!pci_irq_unbind(pdev, PCI_VECTOR_MSI, 0, 1));
	unbound = true;
	pcidev_put(pdev);
}

static void handled_or_not(void)
{
	ensure(handled <= sent && !unit_vectors());
	world_end_card_there();
}

SCENARIO(unbind_deliver, .name = "irq/R10_deliver_against_unbind",
	 .rule = "R10: after the unbind the handler is not called",
	 .setup = bound, .finish = handled_or_not,
	 .thread = { { "device", send }, { "driver", unbind } });

static void remove_bound(void)
{
	result[0] = world_remove(CARD, 0, 1000 * MSEC);
	unbound = !result[0];
}

static void removed(void)
{
	ensure(!result[0] && !unit_vectors());
	world_end_card_gone();
}

SCENARIO(deliver_removal, .name = "irq/R10_deliver_against_removal",
	 .rule = "R10, rule 6: the handler is not called after 0",
	 .setup = bound, .finish = removed,
	 .thread = { { "device", send }, { "remover", remove_bound } },
	 .bound = 2);

static void bound_or_gone(void)
{
	if (result[0]) {
		ensure(result[0] == -EBUSY && !result[1]);
		world_end_card_there();
	} else {
		ensure(!unit_vectors());
		world_end_card_gone();
	}
}

SCENARIO(bind_removal, .name = "irq/bind_against_removal",
	 .rule = "rule 6: no vector is left", .setup = guests,
	 .finish = bound_or_gone,
	 .thread = { { "driver", bind_it }, { "remover", remove_bound } });

static void assign_one(void)
{
	pci_sbdf_t at = GUEST_SLOT;

	result[0] = pci_assign_device(guest_one, CARD, 0, &at, NULL);
}

/* Bound, and then given away: the guest's device has no vector of the host. */
static void bound_or_given(void)
{
	ensure(!result[0] || result[0] == -EBUSY);
	if (!result[0])
		ensure(!unit_vectors());
	world_end_card_there();
}

SCENARIO(bind_assign, .name = "irq/bind_against_assign",
	 .rule = "§8: a guest's device sends nothing to the host's handlers",
	 .setup = guests, .finish = bound_or_given,
	 .thread = { { "driver", bind_it }, { "toolstack", assign_one } });

static void reset_it(void)
{
	result[0] = pci_reset_device(CARD, PCI_RESET_ANY, NULL, NULL);
	ensure(!result[0]);
}

/* What was bound is so after the reset, too, and masked as it was. */
static void bound_or_not(void)
{
	/* ENOENT: bound, and stopped before it was unmasked. */
	bool bound = !result[1] || result[1] == -ENOENT;
	struct pci_irq_info irq;

	ensure(bound || result[1] == -EBUSY || result[1] == -ENODEV);
	ensure(!pci_irq_query(CARD, &irq) && (result[1] || !irq.masked));
	ensure(irq.msi == bound && unit_vectors() == irq.msi);
	if (irq.msi)
		unbind();
	world_end_card_there();
}

SCENARIO(bind_reset, .name = "irq/bind_against_reset",
	 .rule = "rule 15: a handler hears nothing of a device in its reset",
	 .setup = guests, .finish = bound_or_not,
	 .thread = { { "driver", bind_it }, { "admin", reset_it } });

const struct explore_scenario *const irq_scenarios[] = {
	&unmask,          &mask,         &disable,
	&deassign,        &force,        &enable_deassign,
	&enable_force,    &enable_loss,  &enable_death,
	&refused,         &reassign,     &unbind_deliver,
	&deliver_removal, &bind_removal, &bind_assign,
	&bind_reset,      NULL,
};
