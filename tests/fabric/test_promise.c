/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A removal by the real core: what it promises must be true of the hardware.
 */
#include <string.h>

#include <holdfast/platform.h>
#include <holdfast/removal.h>

#include "liar.h"

static const pci_sbdf_t nic = { .bus = 3 }, disk = { .bus = 1 };

static int set_up(void **state)
{
	(void)state;
	liar_core_up();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	liar_core_down();
	return 0;
}

static void core_remove(pci_sbdf_t sbdf)
{
	assert_int_equal(pci_remove_device(sbdf, PCI_REMOVE_FORCE,
					   10 * PLAT_NSEC_PER_SEC, NULL),
			 0);
}

static void test_a_sound_core_leaves_quiet_hardware(void **state)
{
	struct fabric_witness w;

	(void)state;
	wr(liar.f, disk, cap(liar.f, disk, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 2,
	   PCI_MSIX_FLAGS_ENABLE);
	core_remove(disk);
	core_remove(nic); /* with its VFs */
	assert_int_equal(fabric_unplug(liar.f, disk, NULL), 0);
	assert_int_equal(fabric_unplug(liar.f, nic, NULL), 0);
	fabric_witness(liar.f, &w);
	assert_int_equal(w.violations, 0);
	assert_true(w.total.promised);
}

/* The core believes it has made @sbdf quiet; the witness knows what is on. */
static void caught(pci_sbdf_t sbdf, const char *what)
{
	struct fabric_witness w;

	liar.shadowed = true;
	liar.sbdf = sbdf;
	core_remove(sbdf);
	liar.shadowed = false;
	fabric_witness(liar.f, &w);
	assert_int_equal(w.violations, 1);
	assert_non_null(strstr(w.list[0].text, what));
	assert_int_equal(w.list[0].sbdf.sbdf, sbdf.sbdf);
}

static void test_bus_mastering_left_on_is_a_violation(void **state)
{
	(void)state;
	caught(disk, "bus mastering");
}

static void test_a_bar_left_on_is_a_violation(void **state)
{
	(void)state;
	wr(liar.f, disk, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	caught(disk, "a BAR");
}

static void test_message_interrupts_left_on_are_a_violation(void **state)
{
	(void)state;
	wr(liar.f, disk, PCI_COMMAND, 2, 0);
	wr(liar.f, disk, cap(liar.f, disk, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 2,
	   PCI_MSIX_FLAGS_ENABLE);
	caught(disk, "message interrupts");
}

static void test_address_translation_left_on_is_a_violation(void **state)
{
	(void)state;
	wr(liar.f, nic, PCI_COMMAND, 2, 0);
	wr(liar.f, nic, ext(liar.f, nic, PCI_EXT_CAP_ID_ATS) + PCI_ATS_CTRL, 2,
	   PCI_ATS_CTRL_ENABLE);
	caught(nic, "address translation");
}

static void test_vfs_left_enabled_are_a_violation(void **state)
{
	(void)state;
	wr(liar.f, nic, PCI_COMMAND, 2, 0);
	caught(nic, "VF Enable");
}

static void test_pending_transactions_are_a_violation(void **state)
{
	struct fabric_fault fault = { .sbdf = disk, .kind = FABRIC_PENDING };

	(void)state;
	wr(liar.f, disk, PCI_COMMAND, 2, 0);
	assert_int_equal(fabric_fault_set(liar.f, &fault), 0);
	caught(disk, "pending transactions");
}

#define WITH_CORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CORE(test_a_sound_core_leaves_quiet_hardware),
		WITH_CORE(test_bus_mastering_left_on_is_a_violation),
		WITH_CORE(test_a_bar_left_on_is_a_violation),
		WITH_CORE(test_message_interrupts_left_on_are_a_violation),
		WITH_CORE(test_address_translation_left_on_is_a_violation),
		WITH_CORE(test_vfs_left_enabled_are_a_violation),
		WITH_CORE(test_pending_transactions_are_a_violation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
