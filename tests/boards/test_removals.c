/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What management does: who uses and holds a device, and how it goes and comes
 * back, as the hardware domain and its slot see it.
 */
#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/removal.h>

#include "../at.h"
#include "lab.h"

/* --- uses ------------------------------------------------------------------------------ */

static void test_a_device_in_use_is_not_removed(void **state)
{
	struct mgmt_request r = request(CARD);

	(void)state;
	bind();
	assert_int_equal(remove_with(0), 0);
	assert_int_equal(lab.answer.removal.result, -EBUSY);
	assert_int_equal(lab.answer.removal.blockers, 2);
	assert_int_equal(ask(MGMT_BLOCKER, CARD), 0);
	assert_string_equal(lab.answer.hold.who,
			    "hardware domain: bus mastering is on");
	r.index = 1;
	assert_int_equal(ask_with(MGMT_BLOCKER, &r), 0);
	assert_string_equal(lab.answer.hold.kind, "interrupts");
	r.index = 2;
	assert_int_equal(ask_with(MGMT_BLOCKER, &r), -ENOENT);
	assert_int_equal(lab.interrupts, 0);
	/* Nothing has changed. */
	assert_int_equal(rd(CARD, PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void test_a_device_that_is_let_go_is_removed(void **state)
{
	(void)state;
	bind();
	unbind();
	assert_int_equal(ask(MGMT_HOLDER, CARD), -ENOENT);
	assert_int_equal(remove_with(0), 0);
	assert_int_equal(removal_end(), 0);
	assert_int_equal(lab.answer.removal.still_on_card, 0);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0xffff);
}

static void test_a_byte_write_is_seen(void **state)
{
	(void)state;
	wr(CARD, PCI_COMMAND, 1, PCI_COMMAND_MASTER);
	assert_int_equal(ask(MGMT_HOLDER, CARD), 0);
	wr(CARD, PCI_COMMAND, 4, 0);
	assert_int_equal(ask(MGMT_HOLDER, CARD), -ENOENT);
}

static void test_a_bridge_is_no_use(void **state)
{
	(void)state;
	wr(PORT, PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	assert_int_equal(ask(MGMT_HOLDER, PORT), 0);
	assert_string_equal(lab.answer.hold.kind, "child");
	assert_int_equal(lab.answer.hold.total, 1);
}

static void test_a_guest_is_not_given_what_is_used(void **state)
{
	(void)state;
	lab.guests = 0;
	bind();
	assert_int_equal(ask(MGMT_GUEST_START, CARD), -EBUSY);
	assert_int_equal(ask(MGMT_GUEST_START, PORT), -EBUSY);
	assert_int_equal(lab.guests, 0);
	unbind();
	assert_int_equal(ask(MGMT_GUEST_START, CARD), 0);
	assert_int_equal(lab.guests, 1);
}

/* --- asked ------------------------------------------------------------------------------ */

static void test_ports_interrupt_by_their_pin(void **state)
{
	(void)state;
	assert_int_not_equal(pci_find_cap(at(PORT), PCI_CAP_ID_MSI), 0);
	assert_int_equal(cap(PORT, PCI_CAP_ID_MSI), 0);
	assert_int_equal(cap(PORT, PCI_CAP_ID_MSIX), 0);
	assert_int_not_equal(cap(PORT, PCI_CAP_ID_EXP), 0);
	assert_int_not_equal(cap(CARD, PCI_CAP_ID_MSIX), 0);
	assert_int_not_equal(
		rd(PORT, slot_reg(PCI_EXP_SLTCAP), 4) & PCI_EXP_SLTCAP_NCCS, 0);
}

static void test_asked_the_driver_ejects(void **state)
{
	uint32_t power = LISTENS | PCI_EXP_SLTCTL_PWR_OFF;

	(void)state;
	bind();
	assert_int_equal(remove_with(MGMT_REMOVE_ASK), 0);
	assert_int_equal(lab.answer.removal.result, -EINPROGRESS);
	assert_int_equal(lab.interrupts, 1); /* once, for two holds */
	wr(PORT, slot_reg(PCI_EXP_SLTSTA), 2, PCI_EXP_SLTSTA_PDC);
	assert_int_equal(heard(), PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDS);
	/* It waits, and the device works. */
	assert_int_equal(removal(), -EINPROGRESS);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0x8086);
	unbind();
	slot_control(power);
	assert_int_equal(removal_end(), 0);
	assert_int_equal(lab.answer.removal.given_back, 2);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0xffff);
	assert_int_equal(heard(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	assert_int_equal(rd(PORT, slot_reg(PCI_EXP_LNKSTA), 2) &
				 PCI_EXP_LNKSTA_DLLLA,
			 0);
	/* The machine's own slot has power as ever. */
	assert_int_equal(pci_conf_read(at(PORT),
				       (uint16_t)slot_reg(PCI_EXP_SLTCTL), 2) &
				 PCI_EXP_SLTCTL_PCC,
			 0);
}

/* A driver that leaves bus mastering on has let go all the same. */
static void test_power_off_is_consent(void **state)
{
	(void)state;
	bind();
	assert_int_equal(remove_with(MGMT_REMOVE_ASK), 0);
	slot_control(LISTENS | PCI_EXP_SLTCTL_PWR_OFF);
	assert_int_equal(removal_end(), 0);
}

static void test_cancelled_everything_works(void **state)
{
	(void)state;
	bind();
	assert_int_equal(remove_with(MGMT_REMOVE_ASK), 0);
	(void)heard();
	slot_control((LISTENS & ~PCI_EXP_SLTCTL_PIC) |
		     PCI_EXP_SLTCTL_PWR_IND_BLINK);
	assert_int_equal(ask(MGMT_CANCEL, CARD), 0);
	assert_int_equal(removal_end(), -ECANCELED);
	assert_true(heard() & PCI_EXP_SLTSTA_ABP); /* pressed again */
	assert_int_equal(ask(MGMT_HOLDER, CARD), 0);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0x8086);
	assert_int_equal(ask(MGMT_CANCEL, CARD), -ENOENT);
}

/* Its device is neither here nor gone. */
static void test_rules_are_not_checked_in_the_middle(void **state)
{
	(void)state;
	bind();
	assert_int_equal(remove_with(MGMT_REMOVE_ASK), 0);
	assert_int_equal(ask(MGMT_CHECK, CARD), -EALREADY);
	assert_int_equal(ask(MGMT_CANCEL, CARD), 0);
	assert_int_equal(removal_end(), -ECANCELED);
	assert_int_equal(ask(MGMT_CHECK, CARD), 0);
	assert_int_equal(lab.answer.stats.broken, 0);
}

static void test_refused_everything_works(void **state)
{
	(void)state;
	bind();
	assert_int_equal(remove_with(MGMT_REMOVE_ASK), 0);
	(void)heard();
	assert_int_equal(ask(MGMT_REFUSE, CARD), 0);
	assert_int_equal(removal_end(), -EBUSY);
	assert_string_equal(lab.answer.removal.reason, "a holder refused");
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0x8086);
	/* Nothing blinks: a second press would be a new wish. */
	assert_int_equal(heard() & PCI_EXP_SLTSTA_ABP, 0);
}

static void test_an_ask_ends_by_its_deadline(void **state)
{
	struct mgmt_request r = request(CARD);

	(void)state;
	bind();
	r.flags = MGMT_REMOVE_ASK;
	r.timeout_ms = 50;
	assert_int_equal(ask_with(MGMT_REMOVE, &r), 0);
	assert_int_equal(removal_end(), -EBUSY);
	assert_int_equal(lab.answer.removal.blockers, 2);
}

static void test_pins_are_kept(void **state)
{
	(void)state;
	unbind();
	assert_int_equal(ask(MGMT_PIN, CARD), 0);
	assert_int_equal(ask(MGMT_PIN, CARD), -EEXIST);
	assert_int_equal(remove_with(0), 0);
	assert_int_equal(lab.answer.removal.result, -EBUSY);
	assert_int_equal(ask(MGMT_UNPIN, CARD), 0);
	assert_int_equal(ask(MGMT_UNPIN, CARD), -ENOENT);
	assert_int_equal(remove_with(0), 0);
	assert_int_equal(removal_end(), 0);
}

/* Another CPU has removed the device, and has not come to forget its pins. */
static void test_a_pin_that_was_cut_off_is_none(void **state)
{
	(void)state;
	assert_int_equal(ask(MGMT_PIN, CARD), 0);
	assert_int_equal(pci_remove_device(at(CARD), PCI_REMOVE_FORCE, 0, NULL),
			 0);
	assert_int_equal(ask(MGMT_UNPIN, CARD), -ENOENT);
	assert_int_equal(ask(MGMT_ADD, CARD), 0);
	assert_int_equal(ask(MGMT_PIN, CARD), 0);
	assert_int_equal(pci_remove_device(at(CARD), PCI_REMOVE_FORCE, 0, NULL),
			 0);
	assert_int_equal(ask(MGMT_ADD, CARD), 0);
	assert_int_equal(ask(MGMT_PIN, CARD), 0);
	assert_int_equal(remove_with(0), 0);
	assert_int_equal(lab.answer.removal.result, -EBUSY);
}

/* --- forced, lost, again ------------------------------------------------------------------- */

static void test_forced_it_goes_at_once(void **state)
{
	(void)state;
	bind();
	assert_int_equal(ask(MGMT_PIN, CARD), 0);
	assert_int_equal(remove_with(MGMT_REMOVE_FORCE), 0);
	assert_int_equal(removal_end(), 0);
	assert_int_equal(lab.answer.removal.given_back, 3);
	assert_int_equal(rd(CARD, PCI_COMMAND, 4), UINT32_MAX);
	assert_int_equal(heard(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	assert_int_equal(ask(MGMT_UNPIN, CARD), -ENOENT);
}

static void test_what_was_removed_comes_back(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		bind();
		assert_int_equal(remove_with(MGMT_REMOVE_FORCE), 0);
		assert_int_equal(removal_end(), 0);
		assert_int_equal(heard() & PCI_EXP_SLTSTA_PDS, 0);
		assert_int_equal(ask(MGMT_ADD, i % 2 ? PORT : CARD), 0);
		assert_int_equal(heard(), PCI_EXP_SLTSTA_PDC |
						  PCI_EXP_SLTSTA_DLLSC |
						  PCI_EXP_SLTSTA_PDS);
		assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0x8086);
		assert_int_equal(ask(MGMT_HOLDER, CARD), -ENOENT);
	}
	assert_int_equal(ask(MGMT_ADD, CARD), 0); /* again: nothing happens */
	assert_int_equal(heard(), PCI_EXP_SLTSTA_PDS);
	assert_int_equal(ask(MGMT_ADD, EMPTY), -ENODEV);
}

/* It was empty when the machine was started. */
static void test_an_empty_slot_is_filled(void **state)
{
	const unsigned int status = cap(EMPTY, PCI_CAP_ID_EXP) + PCI_EXP_SLTSTA;

	(void)state;
	assert_int_equal(ask(MGMT_ADD, EMPTY), -ENODEV);
	assert_int_equal(rd(EMPTY, status, 2), 0);
	plug(EMPTY);
	assert_int_equal(ask(MGMT_ADD, EMPTY), 0);
	assert_int_equal(rd(EMPTY, status, 2), PCI_EXP_SLTSTA_PDC |
						       PCI_EXP_SLTSTA_DLLSC |
						       PCI_EXP_SLTSTA_PDS);
}

/* Linux drops what it is told while it switches a slot off. */
static void test_a_slot_is_filled_when_its_driver_listens(void **state)
{
	uint32_t off = LISTENS | PCI_EXP_SLTCTL_PWR_OFF;

	(void)state;
	assert_int_equal(remove_with(MGMT_REMOVE_FORCE), 0);
	assert_int_equal(removal_end(), 0);
	slot_control(off);
	(void)heard();
	assert_int_equal(ask(MGMT_ADD, CARD), -EAGAIN);
	slot_control(off | PCI_EXP_SLTCTL_PIC); /* the indicator is off */
	assert_int_equal(ask(MGMT_ADD, CARD), -EAGAIN);
	while (ask(MGMT_ADD, CARD) == -EAGAIN)
		;
	assert_int_equal(heard(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC |
					  PCI_EXP_SLTSTA_PDS);
}

/* The driver has ejected the card for a removal that was then cancelled. */
static void test_what_was_ejected_in_vain_comes_back(void **state)
{
	(void)state;
	slot_control(LISTENS | PCI_EXP_SLTCTL_PWR_OFF | PCI_EXP_SLTCTL_PIC);
	(void)heard();
	while (ask(MGMT_ADD, CARD) == -EAGAIN)
		;
	assert_int_equal(heard(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC |
					  PCI_EXP_SLTSTA_PDS);
}

static void test_lost_it_is_gone(void **state)
{
	(void)state;
	bind();
	assert_int_equal(ask(MGMT_LOSE, CARD), 0);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0xffff);
	assert_int_equal(heard(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	assert_int_equal(ask(MGMT_LOSE, CARD), -ENODEV);
	assert_int_equal(ask(MGMT_ADD, CARD), 0);
}

/* Nobody but the one who says it is lost could step the removal. */
static void test_lost_while_it_is_asked_for(void **state)
{
	(void)state;
	bind();
	assert_int_equal(remove_with(MGMT_REMOVE_ASK), 0);
	assert_int_equal(ask(MGMT_LOSE, PORT), 0);
	assert_int_equal(removal_end(), -ENODEV);
	assert_string_equal(lab.answer.removal.phase, "lost");
	assert_int_equal(ask(MGMT_ADD, PORT), 0);
}

static void test_quarantine_and_release(void **state)
{
	(void)state;
	bind();
	assert_int_equal(ask(MGMT_QUARANTINE, CARD), 0);
	assert_int_equal(ask(MGMT_SHOW, CARD), 0);
	assert_string_equal(lab.answer.device.dma, "blocked");
	assert_int_equal(lab.answer.device.holds, 0);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0xffff);
	assert_int_equal(ask(MGMT_RELEASE, CARD), 0);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0x8086);
	assert_int_equal(ask(MGMT_RELEASE, CARD), -EINVAL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, lab_set_up, lab_tear_down)
		CASE(test_a_device_in_use_is_not_removed),
		CASE(test_a_device_that_is_let_go_is_removed),
		CASE(test_a_byte_write_is_seen),
		CASE(test_a_bridge_is_no_use),
		CASE(test_a_guest_is_not_given_what_is_used),
		CASE(test_ports_interrupt_by_their_pin),
		CASE(test_asked_the_driver_ejects),
		CASE(test_power_off_is_consent),
		CASE(test_cancelled_everything_works),
		CASE(test_rules_are_not_checked_in_the_middle),
		CASE(test_refused_everything_works),
		CASE(test_an_ask_ends_by_its_deadline),
		CASE(test_pins_are_kept),
		CASE(test_a_pin_that_was_cut_off_is_none),
		CASE(test_forced_it_goes_at_once),
		CASE(test_what_was_removed_comes_back),
		CASE(test_an_empty_slot_is_filled),
		CASE(test_a_slot_is_filled_when_its_driver_listens),
		CASE(test_what_was_ejected_in_vain_comes_back),
		CASE(test_lost_it_is_gone),
		CASE(test_lost_while_it_is_asked_for),
		CASE(test_quarantine_and_release),
	};

	if (argc != 2)
		return 2;
	lab.machine = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
