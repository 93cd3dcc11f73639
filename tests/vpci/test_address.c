/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest addresses: chosen or given, any bus, device and function; and how a
 * slot looks that has functions, but no function 0.
 */
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>
#include <holdfast/vpci.h>

#include "../at.h"
#include "fabric.h"

#define ANY pci_sbdf_from(UINT32_MAX)
#define DISK "0000:01:00.0"
#define VF1 "0000:03:02.0"
#define VF2 "0000:03:02.1"
#define USB "0000:00:14.0"

static struct fabric *fabric;
static struct domain *guest;

static int set_up(void **state)
{
	struct pci_scan scan;
	char err[200];

	(void)state;
	fabric = fabric_open("server", err, sizeof(err));
	assert_non_null(fabric);
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(NULL), 0);
	assert_int_equal(pci_segment_add(0, fabric_host(fabric)), 0);
	assert_int_equal(pci_scan_segment(0, &scan), 0);
	assert_int_equal(domain_create(0, "vm1", NULL, NULL, &guest), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct fabric_witness seen;

	(void)state;
	assert_int_equal(domain_destroy(guest), 0);
	domain_put(guest);
	assert_int_equal(pci_check_invariants(), 0);
	fabric_witness(fabric, &seen);
	assert_int_equal(seen.violations, 0);
	pci_fini();
	fabric_close(fabric);
	return 0;
}

static int give(const char *sbdf, pci_sbdf_t *vsbdf)
{
	return pci_assign_device(guest, at(sbdf), 0, vsbdf, NULL);
}

static int give_at(const char *sbdf, const char *where)
{
	pci_sbdf_t vsbdf = at(where);

	return give(sbdf, &vsbdf);
}

static uint64_t rd(const char *where, uint16_t reg, uint8_t size)
{
	uint64_t val;

	assert_int_equal(vpci_read(guest, at(where), reg, size, &val),
			 PCI_DONE);
	return val;
}

static void test_any_bus_device_and_function(void **state)
{
	(void)state;
	assert_int_equal(give_at(DISK, "ff:1f.0"), 0);
	assert_int_equal(give_at(VF1, "80:00.0"), 0);
	assert_int_equal(give_at(VF2, "80:00.7"), 0);
	assert_int_not_equal(rd("ff:1f.0", PCI_VENDOR_ID, 2), 0xffff);
	assert_int_not_equal(rd("80:00.0", PCI_CLASS_REVISION, 4), UINT32_MAX);
	assert_int_not_equal(rd("80:00.7", PCI_CLASS_REVISION, 4), UINT32_MAX);
	assert_int_equal(rd("80:00.1", PCI_VENDOR_ID, 4), UINT32_MAX);
}

static void test_a_taken_address_is_EEXIST_and_changes_nothing(void **state)
{
	struct pci_dev_info info;

	(void)state;
	assert_int_equal(give_at(DISK, "05:03.2"), 0);
	assert_int_equal(give_at(USB, "05:03.2"), -EEXIST);
	assert_int_equal(pci_query(at(USB), &info), 0);
	assert_int_equal(info.owner, DOMID_HARDWARE);
	assert_int_equal(info.op, PCI_OP_NONE);
	assert_int_equal(give_at(USB, "05:03.3"), 0);
}

static void test_an_automatic_address_is_an_empty_slot(void **state)
{
	pci_sbdf_t vsbdf = ANY;

	(void)state;
	assert_int_equal(give_at(DISK, "00:01.5"), 0);
	assert_int_equal(give(USB, &vsbdf), 0);
	assert_int_equal(vsbdf.sbdf, at("00:02.0").sbdf);
	assert_int_equal(pci_deassign_device(guest, at(DISK), 0, NULL), 0);
	vsbdf = ANY;
	assert_int_equal(give(DISK, &vsbdf), 0);
	assert_int_equal(vsbdf.sbdf, at("00:01.0").sbdf);
}

static void test_a_guest_has_segment_0_only(void **state)
{
	uint64_t val;

	(void)state;
	assert_int_equal(give_at(DISK, "0001:00:01.0"), -EINVAL);
	assert_int_equal(give_at(DISK, "00:01.0"), 0);
	assert_int_equal(vpci_read(guest, at("0001:00:01.0"), 0, 4, &val),
			 PCI_DONE);
	assert_int_equal(val, UINT32_MAX);
	assert_int_equal(give_at(USB, "00:04.3"), 0);
	assert_int_equal(vpci_read(guest, at("0001:00:04.0"), 0, 4, &val),
			 PCI_DONE);
	assert_int_equal(val, UINT32_MAX);
}

static void test_functions_make_the_slot_multifunction(void **state)
{
	(void)state;
	assert_int_equal(give_at(DISK, "00:01.0"), 0);
	assert_int_equal(rd("00:01.0", PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(give_at(USB, "00:01.3"), 0);
	assert_int_equal(rd("00:01.0", PCI_HEADER_TYPE, 1),
			 PCI_HEADER_TYPE_MFD);
	assert_int_equal(pci_deassign_device(guest, at(USB), 0, NULL), 0);
	assert_int_equal(rd("00:01.0", PCI_HEADER_TYPE, 1), 0);
}

/* What software does that knows nothing: function 0, its type, the others. */
static void test_a_slot_without_function_0_is_found(void **state)
{
	uint64_t id;

	(void)state;
	assert_int_equal(give_at(USB, "00:04.3"), 0);
	id = rd("00:04.0", PCI_VENDOR_ID, 4);
	assert_int_equal(id & 0xffff, rd("00:04.3", PCI_VENDOR_ID, 2));
	assert_int_equal(id >> 16, 0xffff);
	assert_int_equal(rd("00:04.0", PCI_HEADER_TYPE, 1),
			 PCI_HEADER_TYPE_MFD);
	assert_int_equal(rd("00:04.0", PCI_CLASS_REVISION, 4), 0xff000000);
	assert_int_equal(rd("00:04.0", PCI_STATUS, 2), 0);
	assert_int_equal(rd("00:04.0", PCI_CLASS_REVISION, 8),
			 (uint64_t)PCI_HEADER_TYPE_MFD << 48 | 0xff000000);
	assert_int_equal(rd("00:04.0", PCI_EXT_CAP_START, 4), 0);
	assert_int_equal(rd("00:04.1", PCI_VENDOR_ID, 4), UINT32_MAX);
}

static void test_what_stands_in_for_function_0_takes_no_write(void **state)
{
	struct vpci_vcpu vcpu;

	(void)state;
	assert_int_equal(give_at(USB, "00:04.3"), 0);
	vpci_vcpu_init(&vcpu, guest);
	assert_int_equal(vpci_write(&vcpu, at("00:04.0"), PCI_COMMAND, 2, 7),
			 PCI_DONE);
	vpci_vcpu_fini(&vcpu);
	assert_int_equal(rd("00:04.0", PCI_COMMAND, 2), 0);
	assert_int_equal(rd("00:04.3", PCI_COMMAND, 2), 0);
}

static void test_an_empty_slot_has_nothing(void **state)
{
	(void)state;
	assert_int_equal(give_at(USB, "00:04.3"), 0);
	assert_int_equal(pci_deassign_device(guest, at(USB), 0, NULL), 0);
	assert_int_equal(rd("00:04.0", PCI_VENDOR_ID, 4), UINT32_MAX);
}

/* Two functions of one slot of the guest are found by guest address. */
static void test_vpci_get_pdev_knows_guest_addresses(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	assert_int_equal(give_at(USB, "7f:04.3"), 0);
	pdev = vpci_get_pdev(guest, at("7f:04.3"));
	assert_non_null(pdev);
	assert_int_equal(pcidev_sbdf(pdev).sbdf, at(USB).sbdf);
	pcidev_put(pdev);
	assert_null(vpci_get_pdev(guest, at("7f:04.0")));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_any_bus_device_and_function),
		CASE(test_a_taken_address_is_EEXIST_and_changes_nothing),
		CASE(test_an_automatic_address_is_an_empty_slot),
		CASE(test_a_guest_has_segment_0_only),
		CASE(test_functions_make_the_slot_multifunction),
		CASE(test_a_slot_without_function_0_is_found),
		CASE(test_what_stands_in_for_function_0_takes_no_write),
		CASE(test_an_empty_slot_has_nothing),
		CASE(test_vpci_get_pdev_knows_guest_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
