/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Isolation groups of the simulated server, and what they mean for who gets
 * which device.
 */
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/removal.h>
#include <holdfast/vpci.h>

#include "../at.h"
#include "fabric.h"

#define HOST_BRIDGE "0000:00:00.0"
#define NVME "0000:01:00.0"
#define VF "0000:03:02.0"
#define CONSOLE_PORT "0000:00:1e.0"   /* no ACS */
#define CONSOLE_BRIDGE "0000:14:00.0" /* to conventional PCI */
#define CONSOLE "0000:15:00.0"
#define LEGACY_BRIDGE "0000:00:1a.0"
#define LEGACY_NIC "0000:1c:01.0"
#define LEGACY_SOUND "0000:1c:02.0"
#define INTEGRATED_0 "0000:00:04.0" /* four functions, no ACS */
#define INTEGRATED_3 "0000:00:04.3"
#define PHANTOM "0000:18:00.0" /* behind a port without ACS */

/* In the laboratory. */
#define SEEN "0000:00:0a.0"
#define UNSEEN "0000:00:0b.0" /* the IOMMU takes it for the other one */
#define TWIN_0 "0000:0d:00.0" /* below a switch without ACS */
#define TWIN_1 "0000:0e:00.0"
#define TWINS_PORT "0000:0c:00.0"
#define TWINS_SWITCH "0000:0b:00.0"

static struct fabric *f;
static struct domain *one, *two;
static struct pci_assign_report report;
static struct pci_group_member member[PCI_GROUP_MAX];

static int open_up(const char *spec)
{
	char err[200];
	int seg;

	f = fabric_open(spec, err, sizeof(err));
	assert_non_null(f);
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(NULL), 0);
	assert_int_equal(pci_iommu_init(NULL), 0);
	for (seg = 0; (seg = fabric_segment_next(f, (unsigned int)seg)) >= 0;
	     seg++) {
		struct pci_scan scan;

		assert_int_equal(pci_segment_add((uint16_t)seg, fabric_host(f)),
				 0);
		assert_int_equal(pci_scan_segment((uint16_t)seg, &scan), 0);
		assert_int_equal(scan.failed, 0);
	}
	assert_int_equal(domain_create(0, "one", NULL, NULL, &one), 0);
	assert_int_equal(domain_create(0, "two", NULL, NULL, &two), 0);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	return open_up("server");
}

static int set_up_lab(void **state)
{
	(void)state;
	return open_up("lab");
}

static int tear_down(void **state)
{
	struct fabric_witness w;

	(void)state;
	assert_int_equal(domain_destroy(one), 0);
	assert_int_equal(domain_destroy(two), 0);
	assert_int_equal(pci_check_invariants(), 0);
	domain_put(one);
	domain_put(two);
	pci_fini();
	fabric_witness(f, &w);
	assert_int_equal(w.violations, 0);
	fabric_close(f);
	return 0;
}

static int group(const char *device)
{
	return pci_device_group(at(device), member, PCI_GROUP_MAX);
}

/* Why @device is in the group found last; ALONE: it is not, or is the first. */
static enum pci_group_why why(const char *device, int n)
{
	while (n-- > 0)
		if (member[n].sbdf.sbdf == at(device).sbdf)
			return member[n].why;
	return PCI_GROUP_ALONE;
}

static int give(struct domain *d, const char *device, unsigned int flags)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	return pci_assign_device(d, at(device), flags, &vsbdf, &report);
}

static const char *owner(const char *device)
{
	static struct pci_dev_info info;

	assert_int_equal(pci_query(at(device), &info), 0);
	assert_int_equal(info.op, PCI_OP_NONE);
	return info.owner_name;
}

/* --- groups ----------------------------------------------------------------- */

static void test_behind_a_port_with_acs_a_device_is_alone(void **state)
{
	(void)state;
	assert_int_equal(group(NVME), 1);
	assert_int_equal(member[0].sbdf.sbdf, at(NVME).sbdf);
	assert_int_equal(group(VF), 1);
	assert_int_equal(group("0000:0f:1f.7"), -ENODEV);
}

static void test_functions_without_acs_are_a_group(void **state)
{
	int n = group(INTEGRATED_0);

	(void)state;
	assert_int_equal(n, 4);
	assert_int_equal(why(INTEGRATED_3, n), PCI_GROUP_FUNCTION);
	assert_int_equal(member[3].with.sbdf, at(INTEGRATED_0).sbdf);
	assert_false(member[3].bridge);
}

static void test_behind_a_legacy_bridge_all_is_a_group(void **state)
{
	int n = group(LEGACY_NIC);

	(void)state;
	assert_int_equal(n, 3);
	assert_int_equal(why(LEGACY_SOUND, n), PCI_GROUP_BRIDGE);
	assert_int_equal(why(LEGACY_BRIDGE, n), PCI_GROUP_BRIDGE);
	assert_int_equal(member[1].at.sbdf, at(LEGACY_BRIDGE).sbdf);
}

static void test_a_group_is_the_same_from_each_member(void **state)
{
	(void)state;
	assert_int_equal(group(LEGACY_SOUND), 3);
	assert_int_equal(group(LEGACY_BRIDGE), 3);
	assert_int_equal(why(LEGACY_NIC, 3), PCI_GROUP_BRIDGE);
	assert_int_equal(group(INTEGRATED_3), 4);
	assert_int_equal(why(INTEGRATED_0, 4), PCI_GROUP_FUNCTION);
}

static void test_a_port_without_acs_is_with_all_below(void **state)
{
	int n = group(CONSOLE);

	(void)state;
	assert_int_equal(why(CONSOLE_PORT, n), PCI_GROUP_PORT);
	assert_int_equal(why(CONSOLE_BRIDGE, n), PCI_GROUP_PORT);
	assert_int_equal(member[1].at.sbdf, at(CONSOLE_PORT).sbdf);
	assert_true(group(PHANTOM) >= 2);
	assert_int_equal(member[1].why, PCI_GROUP_PORT);
}

static void test_whom_the_iommu_does_not_tell_apart(void **state)
{
	(void)state;
	assert_int_equal(group(UNSEEN), 2);
	assert_int_equal(why(SEEN, 2), PCI_GROUP_UNIT);
	assert_int_equal(member[1].at.sbdf, at(UNSEEN).sbdf);
	assert_false(member[1].bridge);
	assert_int_equal(group(SEEN), 2);
	assert_int_equal(why(UNSEEN, 2), PCI_GROUP_UNIT);
	assert_int_equal(member[1].with.sbdf, at(SEEN).sbdf);
	assert_int_equal(give(one, SEEN, 0), -EPERM);
	assert_int_equal(report.member[0].sbdf.sbdf, at(UNSEEN).sbdf);
	assert_int_equal(give(one, UNSEEN, PCI_ASSIGN_GROUP), 0);
	assert_string_equal(owner(SEEN), "one");
	assert_int_equal(give(two, SEEN, PCI_ASSIGN_GROUP), -EBUSY);
}

static void test_a_switch_without_acs_is_one_group(void **state)
{
	int n = group(TWIN_1);

	(void)state;
	assert_int_equal(n, 5);
	assert_int_equal(member[0].why, PCI_GROUP_ALONE);
	assert_int_equal(why(TWIN_0, n), PCI_GROUP_PORT);
	assert_int_equal(why(TWINS_PORT, n), PCI_GROUP_PORT);
	assert_int_equal(why(TWINS_SWITCH, n), PCI_GROUP_PORT);
	/* Below a switch with ACS each is alone. */
	assert_int_equal(group("0000:03:00.0"), 1);
}

static void test_every_reason_has_a_text(void **state)
{
	const char *text;
	int i, j;

	(void)state;
	for (i = 0; i < PCI_GROUP_WHYS; i++) {
		text = pci_group_why_text((enum pci_group_why)i);
		assert_non_null(text);
		assert_string_not_equal(text, "unknown");
		for (j = 0; j < i; j++)
			assert_string_not_equal(
				text,
				pci_group_why_text((enum pci_group_why)j));
	}
	assert_string_equal(pci_group_why_text(PCI_GROUP_UNIT),
			    "the IOMMU does not tell them apart");
	assert_string_equal(pci_group_why_text(PCI_GROUP_WHYS), "unknown");
}

/* --- assignment ------------------------------------------------------------------ */

static void test_a_part_of_a_group_is_refused_with_the_list(void **state)
{
	(void)state;
	assert_int_equal(give(one, LEGACY_NIC, 0), -EPERM);
	assert_int_equal(report.missing, 1);
	assert_int_equal(report.member[0].sbdf.sbdf, at(LEGACY_SOUND).sbdf);
	assert_string_equal(report.member[0].owner, "hardware");
	assert_non_null(report.reason);
	assert_string_equal(owner(LEGACY_NIC), "hardware");
	assert_int_equal(pci_test_assign(one, at(LEGACY_NIC), 0, &report),
			 -EPERM);
	assert_int_equal(report.missing, 1);
}

static void test_a_whole_group_goes_in_one_call(void **state)
{
	(void)state;
	assert_int_equal(pci_test_assign(one, at(LEGACY_NIC), PCI_ASSIGN_GROUP,
					 &report),
			 0);
	assert_int_equal(give(one, LEGACY_NIC, PCI_ASSIGN_GROUP), 0);
	assert_int_equal(report.moved, 2);
	assert_string_equal(owner(LEGACY_NIC), "one");
	assert_string_equal(owner(LEGACY_SOUND), "one");
	assert_string_equal(owner(LEGACY_BRIDGE), "hardware");
	assert_int_equal(domain_devices(one), 2);
}

static void test_a_part_does_not_come_back_alone(void **state)
{
	(void)state;
	assert_int_equal(give(one, INTEGRATED_0, PCI_ASSIGN_GROUP), 0);
	assert_int_equal(pci_deassign_device(one, at(INTEGRATED_3), 0, &report),
			 -EPERM);
	assert_int_equal(report.missing, 3);
	assert_string_equal(owner(INTEGRATED_3), "one");
	assert_int_equal(pci_deassign_device(one, at(INTEGRATED_3),
					     PCI_ASSIGN_GROUP, &report),
			 0);
	assert_int_equal(report.moved, 4);
	assert_string_equal(owner(INTEGRATED_0), "hardware");
	assert_int_equal(domain_devices(one), 0);
}

static void test_R13_somebody_elses_is_busy_and_named(void **state)
{
	(void)state;
	assert_int_equal(give(one, INTEGRATED_0, PCI_ASSIGN_GROUP), 0);
	assert_int_equal(give(two, INTEGRATED_3, PCI_ASSIGN_GROUP), -EBUSY);
	assert_string_equal(report.who, "one");
	assert_int_equal(give(one, "0000:0f:1f.7", 0), -ENODEV);
	assert_int_equal(give(one, LEGACY_BRIDGE, 0), -EPERM);
	assert_int_equal(give(one, NVME, 1u << 7), -EINVAL);
	assert_int_equal(give(dom_io, NVME, 0), -EINVAL);
}

static void test_a_broken_member_keeps_all_where_they_are(void **state)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(INTEGRATED_3));

	(void)state;
	assert_non_null(pdev);
	pcidev_set_broken(pdev, "a test says so");
	assert_int_equal(give(one, INTEGRATED_0, PCI_ASSIGN_GROUP), -EBADF);
	assert_int_equal(report.sbdf.sbdf, at(INTEGRATED_3).sbdf);
	assert_string_equal(report.reason, "a test says so");
	assert_string_equal(owner(INTEGRATED_0), "hardware");
	pcidev_put(pdev);
}

static void test_a_guest_address_taken_undoes_the_whole_group(void **state)
{
	pci_sbdf_t vsbdf = pci_sbdf(0, 0, 9, 0);

	(void)state;
	assert_int_equal(pci_assign_device(one, at(NVME), 0, &vsbdf, &report),
			 0);
	/* Functions 0 to 2 have come to the guest when 3 finds 9 taken. */
	assert_int_equal(pci_assign_device(one, at(INTEGRATED_3),
					   PCI_ASSIGN_GROUP, &vsbdf, &report),
			 -EEXIST);
	assert_int_equal(report.moved, 0);
	assert_string_equal(owner(INTEGRATED_0), "hardware");
	assert_string_equal(owner(INTEGRATED_3), "hardware");
	assert_int_equal(domain_devices(one), 1);
}

static void test_a_dying_guest_gives_all_back_at_once(void **state)
{
	struct domain *d;

	(void)state;
	assert_int_equal(domain_create(0, "short", NULL, NULL, &d), 0);
	assert_int_equal(give(d, INTEGRATED_0, PCI_ASSIGN_GROUP), 0);
	assert_int_equal(give(d, LEGACY_NIC, PCI_ASSIGN_GROUP), 0);
	assert_int_equal(domain_destroy(d), 0);
	assert_int_equal(domain_devices(d), 0);
	assert_int_equal(give(d, NVME, 0), -EINVAL);
	assert_string_equal(owner(INTEGRATED_3), "hardware");
	assert_string_equal(owner(LEGACY_SOUND), "hardware");
	domain_put(d);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_behind_a_port_with_acs_a_device_is_alone),
		CASE(test_functions_without_acs_are_a_group),
		CASE(test_behind_a_legacy_bridge_all_is_a_group),
		CASE(test_a_group_is_the_same_from_each_member),
		CASE(test_a_port_without_acs_is_with_all_below),
		cmocka_unit_test_setup_teardown(
			test_whom_the_iommu_does_not_tell_apart, set_up_lab,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_switch_without_acs_is_one_group, set_up_lab,
			tear_down),
		CASE(test_every_reason_has_a_text),
		CASE(test_a_part_of_a_group_is_refused_with_the_list),
		CASE(test_a_whole_group_goes_in_one_call),
		CASE(test_a_part_does_not_come_back_alone),
		CASE(test_R13_somebody_elses_is_busy_and_named),
		CASE(test_a_broken_member_keeps_all_where_they_are),
		CASE(test_a_guest_address_taken_undoes_the_whole_group),
		CASE(test_a_dying_guest_gives_all_back_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
