/* SPDX-License-Identifier: BSD-2-Clause */
/* Each case runs by brute force and with a host that knows what it has. */
#include "fake_host.h"

static struct pci_scan scan;

static void scan_all(void)
{
	assert_int_equal(pci_scan_segment(0, &scan), 0);
}

static void express_bridge(const char *sbdf, uint8_t secondary,
			   uint8_t subordinate, unsigned int type)
{
	fake_express(fake_bridge(sbdf, secondary, subordinate), 0x40, type);
}

static void
test_bridges_are_followed_and_slots_with_several_functions(void **state)
{
	(void)state;
	fake_add("00:00.0", 0x00018086);
	fake_bridge("00:1c.0", 1, 3);
	fake_bridge("01:02.0", 2, 3);
	fake_bridge("02:1f.0", 3, 3);
	fake_add("03:00.0", 0x10fb8086)->reg[PCI_HEADER_TYPE] = 0x80;
	fake_add("03:00.1", 0x10fb8086);
	fake_add("03:00.7", 0x10fb8086);
	scan_all();
	assert_int_equal(scan.found, 7);
	assert_int_equal(scan.added, 7);
	assert_int_equal(scan.failed, 0);
	assert_int_equal(info_of("03:00.7").desc.parent.sbdf,
			 at("02:1f.0").sbdf);
	assert_int_equal(info_of("02:1f.0").desc.parent.sbdf,
			 at("01:02.0").sbdf);
}

static void test_a_scan_leaves_alone_what_is_known(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);
	unsigned int writes;

	(void)state;
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0xfe000000, 0xfffff000);
	fake_sriov(fn, 2, 8, 1);
	scan_all();
	assert_int_equal(scan.added, 3);
	writes = fn->writes;
	fake_add("00:07.0", 0x10fb8086);
	scan_all();
	assert_int_equal(fn->writes, writes);
	assert_int_equal(scan.found, 4);
	assert_int_equal(scan.added, 1);
	assert_int_equal(scan.failed, 0);
}

static void test_vfs_come_with_their_pf(void **state)
{
	struct fake_fn *pf = fake_add("00:03.0", 0x10fb8086);

	(void)state;
	fake_sriov(pf, 3, 0x0100 - 0x18, 0x40); /* on buses 1 and up */
	scan_all();
	assert_int_equal(scan.found, 4);
	assert_int_equal(scan.failed, 0);
	assert_true(info_of("01:00.0").desc.is_vf);
	assert_true(info_of("01:08.0").desc.is_vf);
	assert_true(info_of("01:10.0").desc.is_vf);
}

static void test_one_that_fails_does_not_keep_the_others(void **state)
{
	(void)state;
	fake_add("00:02.0", 0x10fb8086);
	fake_add("00:03.0", 0x10fb8086)->unreadable = true;
	fake_add("00:04.0", 0x10fb8086);
	fake_add("00:05.0", 0x10fb8086)->unreadable = true;
	scan_all();
	assert_int_equal(scan.found, 4);
	assert_int_equal(scan.added, 2);
	assert_int_equal(scan.failed, 2);
	assert_int_equal(scan.error, -EIO);
	assert_int_equal(scan.where.sbdf, at("00:03.0").sbdf);
	assert_true(is_there("00:04.0"));
}

static void test_bridges_that_lead_in_circles_end(void **state)
{
	(void)state;
	fake_bridge("00:01.0", 1, 0xff);
	fake_bridge("01:00.0", 2, 0xff);
	fake_bridge("02:00.0", 1, 0xff); /* back up */
	fake_bridge("02:01.0", 2, 0xff); /* to itself */
	fake_bridge("02:02.0", 9, 3);    /* backwards */
	fake_bridge("02:03.0", 0, 0);    /* to the root */
	scan_all();
	assert_int_equal(scan.found, 6);
	assert_string_equal(info_of("02:00.0").broken,
			    "its secondary bus is not below its own");
	assert_non_null(info_of("02:01.0").broken);
	assert_non_null(info_of("02:02.0").broken);
	assert_null(info_of("02:03.0").broken);
}

static void test_a_slot_is_all_its_functions_and_what_is_below(void **state)
{
	(void)state;
	fake_add("00:02.0", 0x10fb8086);
	fake_bridge("00:03.0", 1, 2)->reg[PCI_HEADER_TYPE] |= 0x80;
	fake_add("00:03.1", 0x10fb8086);
	fake_bridge("01:04.0", 2, 2);
	fake_add("02:00.0", 0x10fb8086);
	fake_add("00:04.0", 0x10fb8086);
	assert_int_equal(pci_scan_slot(at("00:03.1"), &scan), 0);
	assert_int_equal(scan.added, 4);
	assert_true(is_there("02:00.0"));
	assert_false(is_there("00:02.0"));
	assert_false(is_there("00:04.0"));
}

static void test_no_such_segment(void **state)
{
	(void)state;
	assert_int_equal(pci_scan_segment(7, &scan), -ENODEV);
	assert_int_equal(pci_scan_slot(at("7:00:00.0"), &scan), -ENODEV);
}

/* Of a PF that is being removed, nothing is asked where its VFs are. */
static void test_a_pf_being_removed_is_passed_over(void **state)
{
	struct fake_fn *pf = fake_add("00:03.0", 0x10fb8086);
	struct pci_removal *op;
	struct pci_dev *pdev;
	unsigned int before;

	(void)state;
	fake_sriov(pf, 2, 8, 1);
	add("00:03.0");
	pdev = get("00:03.0"); /* keeps it draining */
	assert_int_equal(pci_removal_start(pf->sbdf, 0, 1000 * MSEC, "test",
					   NULL, NULL, &op),
			 0);
	while (pcidev_state(pdev) != PCI_STATE_DRAINING)
		assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	before = pf->accesses;
	scan_all();
	assert_int_equal(scan.added, 0);
	assert_int_equal(scan.error, -EBUSY);
	assert_int_equal(scan.where.sbdf, pf->sbdf.sbdf);
	assert_int_equal(pf->accesses, before);
	pcidev_put(pdev);
	assert_int_equal(pci_removal_cancel(op), 0);
	pci_removal_finish(op);
}

/* --- brute force only ----------------------------------------------------- */

static void test_functions_above_0_are_tried_if_0_says_so(void **state)
{
	struct fake_fn *hidden;

	(void)state;
	fake_add("00:03.0", 0x10fb8086);
	hidden = fake_add("00:03.1", 0x10fb8086);
	fake_add("00:04.1", 0x10fb8086);
	scan_all();
	assert_int_equal(scan.found, 1);
	assert_int_equal(hidden->accesses, 0);
}

static void test_below_a_link_there_is_one_device(void **state)
{
	(void)state;
	express_bridge("00:01.0", 1, 1, PCI_EXP_TYPE_ROOT_PORT);
	fake_add("01:00.0", 0x10fb8086);
	fake_add("01:01.0", 0x10fb8086); /* the same one, answering again */
	scan_all();
	assert_int_equal(scan.found, 2);
}

/* --- hosts that know ------------------------------------------------------ */

static void test_a_knowing_host_also_has_other_root_buses(void **state)
{
	(void)state;
	fake_add("80:00.0", 0x10fb8086);
	fake_add("ff:1f.7", 0x10fb8086);
	scan_all();
	assert_int_equal(scan.added, 2);
}

static void test_below_a_link_all_functions_are_of_the_slot(void **state)
{
	(void)state;
	express_bridge("00:01.0", 1, 1, PCI_EXP_TYPE_DOWNSTREAM);
	fake_add("01:00.0", 0x10fb8086);
	fake_add("01:05.3", 0x10fb8086); /* function 43 */
	add("00:01.0");
	assert_int_equal(pci_scan_slot(at("01:00.0"), &scan), 0);
	assert_int_equal(scan.added, 2);
}

/* Nothing behind a bridge is taken for a device on a root bus. */
static void test_what_failed_may_be_the_bridge_to_any_bus_above(void **state)
{
	struct fake_fn *bridge = fake_bridge("00:01.0", 1, 1);

	(void)state;
	fake_bridge("00:02.0", 2, 2);
	fake_add("01:00.0", 0x10fb8086);
	fake_add("02:00.0", 0x10fb8086);
	fake_add("80:00.0", 0x10fb8086);
	bridge->unreadable = true;
	scan_all();
	assert_int_equal(scan.failed, 1);
	assert_int_equal(scan.where.sbdf, bridge->sbdf.sbdf);
	assert_true(is_there("02:00.0"));
	assert_false(is_there("01:00.0"));
	assert_false(is_there("80:00.0"));
	bridge->unreadable = false;
	scan_all();
	assert_int_equal(scan.failed, 0);
	assert_int_equal(info_of("01:00.0").desc.parent.sbdf,
			 bridge->sbdf.sbdf);
	assert_true(is_there("80:00.0"));
}

/* Behind a bridge that is known, and a VF, which is none. */
static void test_what_failed_elsewhere_keeps_no_root_bus(void **state)
{
	struct fake_fn *pf = fake_add("00:03.0", 0x10fb8086);

	(void)state;
	fake_sriov(pf, 2, 8, 1);
	fake_at(at("00:04.1"))->unreadable = true;
	fake_bridge("00:01.0", 1, 3);
	fake_add("01:00.0", 0x10fb8086)->unreadable = true;
	fake_add("02:00.0", 0x10fb8086);
	fake_add("80:00.0", 0x10fb8086);
	scan_all();
	assert_int_equal(scan.failed, 4);  /* the VF twice */
	assert_false(is_there("02:00.0")); /* behind 01:00.0, or nobody */
	assert_true(is_there("80:00.0"));
}

static void test_behind_a_bridge_with_a_defect(void **state)
{
	struct fake_fn *fn;

	(void)state;
	fake_bridge("00:01.0", 1, 3);
	fake_put(fake_bridge("01:00.0", 2, 2), PCI_PRIMARY_BUS, 4, UINT32_MAX);
	fn = fake_add("02:00.0", 0x10fb8086);
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0xfe000000, 0xfffff000);
	fake_add("80:00.0", 0x10fb8086);
	scan_all();
	assert_string_equal(info_of("01:00.0").broken,
			    "its bus numbers read all-ones");
	assert_int_equal(scan.error, -ENXIO);
	assert_int_equal(scan.where.sbdf, fn->sbdf.sbdf);
	assert_int_equal(fn->writes, 0);
	assert_int_equal(pci_add_device(fn->sbdf), -ENXIO);
	assert_true(is_there("80:00.0"));
}

static int stuck_next(struct pci_host *host, pci_sbdf_t *sbdf)
{
	(void)host;
	*sbdf = at("00:03.0");
	return 0;
}

static void test_a_host_that_does_not_move_on_ends(void **state)
{
	(void)state;
	fake_add("00:03.0", 0x10fb8086);
	fake.ops.next = stuck_next;
	scan_all();
	assert_int_equal(scan.found, 1);
}

static int knowing_setup(void **state)
{
	int err = fake_setup(state);

	fake.ops.next = fake_next;
	return err;
}

#define KNOWING(name) \
	cmocka_unit_test_setup_teardown(name, knowing_setup, fake_teardown)
#define BOTH(name) CASE(name), KNOWING(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_bridges_are_followed_and_slots_with_several_functions),
		BOTH(test_a_scan_leaves_alone_what_is_known),
		BOTH(test_vfs_come_with_their_pf),
		BOTH(test_one_that_fails_does_not_keep_the_others),
		BOTH(test_bridges_that_lead_in_circles_end),
		BOTH(test_a_slot_is_all_its_functions_and_what_is_below),
		BOTH(test_no_such_segment),
		CASE(test_a_pf_being_removed_is_passed_over),
		CASE(test_functions_above_0_are_tried_if_0_says_so),
		CASE(test_below_a_link_there_is_one_device),
		KNOWING(test_a_knowing_host_also_has_other_root_buses),
		KNOWING(test_below_a_link_all_functions_are_of_the_slot),
		KNOWING(test_what_failed_may_be_the_bridge_to_any_bus_above),
		KNOWING(test_what_failed_elsewhere_keeps_no_root_bus),
		KNOWING(test_behind_a_bridge_with_a_defect),
		KNOWING(test_a_host_that_does_not_move_on_ends),
	};

	return cmocka_run_group_tests_name("config/scan", tests, NULL, NULL);
}
