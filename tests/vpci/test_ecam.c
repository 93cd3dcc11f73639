/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory-mapped configuration space: windows, and where an address leads. */
#include <holdfast/iommu.h>

#include "vm.h"

#define DEV "00:03.0"
#define ECAM 0xe0000000u

static uint64_t ecam_read(struct domain *d, uint64_t address, uint8_t size)
{
	uint64_t val = 0;

	assert_int_equal(vpci_ecam_read(d, address, size, &val), PCI_DONE);
	return val;
}

static void test_an_address_leads_to_bus_function_and_register(void **state)
{
	pci_sbdf_t slot = pci_sbdf(0, 5, 2, 3);

	(void)state;
	assert_int_equal(vpci_ecam_add(a.d, ECAM, 0, 4, 7), 0);
	vm_device(DEV, 0xc0000000, 0x1000, 0);
	add(DEV);
	assert_int_equal(pci_assign_device(a.d, at(DEV), 0, &slot, NULL), 0);
	assert_int_equal(ecam_read(a.d, ECAM + 0x113000, 4), 0x10ec8086);
	assert_int_equal(ecam_read(a.d, ECAM + 0x113002, 2), 0x10ec);
	assert_int_equal(ecam_read(a.d, ECAM + 0x113000, 8) & UINT32_MAX,
			 0x10ec8086);
	/* Its neighbours by function, bus, and beyond the window. */
	assert_int_equal(ecam_read(a.d, ECAM + 0x114000, 4), UINT32_MAX);
	assert_int_equal(ecam_read(a.d, ECAM + 0x013000, 4), UINT32_MAX);
	assert_int_equal(ecam_read(a.d, ECAM + 0x513000, 4), UINT32_MAX);
	assert_int_equal(ecam_read(b.d, ECAM + 0x113000, 4), UINT32_MAX);
}

static void test_writes_arrive_and_the_rest_is_dropped(void **state)
{
	const uint64_t line = ECAM + 0x8000 + PCI_INTERRUPT_LINE;

	(void)state;
	assert_int_equal(vpci_ecam_add(a.d, ECAM, 0, 0, 0), 0);
	vm_device(DEV, 0xc0000000, 0x1000, 0);
	vm_give(&a, DEV, 1);
	assert_int_equal(vpci_ecam_write(&a.vcpu, line, 1, 0x5a), PCI_DONE);
	assert_int_equal(ecam_read(a.d, line, 1), 0x5a);
	assert_int_equal(vpci_ecam_write(&a.vcpu, line + ECAM, 1, 1), PCI_DONE);
	assert_int_equal(vpci_ecam_write(&a.vcpu, line - 1, 4, 1), PCI_DONE);
	assert_int_equal(vpci_ecam_write(&a.vcpu, line, 3, 1), PCI_DONE);
	assert_int_equal(ecam_read(a.d, line, 1), 0x5a);
	assert_int_equal(ecam_read(a.d, line - 1, 4), UINT32_MAX);
}

static void test_windows_may_not_overlap(void **state)
{
	(void)state;
	assert_int_equal(vpci_ecam_add(a.d, ECAM, 0, 4, 7), 0);
	assert_int_equal(vpci_ecam_add(a.d, ECAM + 0x300000, 0, 8, 8), -EEXIST);
	assert_int_equal(vpci_ecam_add(a.d, ECAM + 0x400000, 0, 7, 8), -EEXIST);
	assert_int_equal(vpci_ecam_add(a.d, ECAM + 0x400000, 0, 8, 8), 0);
	/* Another domain's, and another segment's buses, are apart. */
	assert_int_equal(vpci_ecam_add(b.d, ECAM, 0, 4, 7), 0);
	assert_int_equal(vpci_ecam_add(hardware_domain, ECAM, 0, 0, 255), 0);
	assert_int_equal(vpci_ecam_add(hardware_domain, 0xd0000000, 1, 0, 255),
			 0);
	assert_int_equal(vpci_ecam_add(hardware_domain, 0xd0000000, 2, 0, 255),
			 -EEXIST);
}

static void test_windows_are_checked(void **state)
{
	(void)state;
	assert_int_equal(vpci_ecam_add(a.d, ECAM + 0x1000, 0, 0, 0), -EINVAL);
	assert_int_equal(vpci_ecam_add(a.d, ECAM, 0, 1, 0), -EINVAL);
	assert_int_equal(vpci_ecam_add(a.d, 0, 0, 5, 0), -EINVAL);
	assert_int_equal(vpci_ecam_add(a.d, ECAM, 1, 0, 0), -EINVAL);
	assert_int_equal(vpci_ecam_add(a.d, UINT64_MAX << 20, 0, 0, 1),
			 -EINVAL);
	assert_int_equal(vpci_ecam_add(a.d, UINT64_MAX << 20, 0, 0, 0), 0);
}

static void test_a_window_covers_its_buses_and_no_more(void **state)
{
	(void)state;
	assert_false(vpci_ecam_covers(a.d, ECAM));
	assert_int_equal(vpci_ecam_add(a.d, ECAM, 0, 4, 5), 0);
	assert_false(vpci_ecam_covers(a.d, ECAM - 1));
	assert_true(vpci_ecam_covers(a.d, ECAM));
	assert_true(vpci_ecam_covers(a.d, ECAM + 0x1fffff));
	assert_false(vpci_ecam_covers(a.d, ECAM + 0x200000));
}

static void test_the_hardware_domain_reaches_its_segments(void **state)
{
	(void)state;
	assert_int_equal(vpci_ecam_add(hardware_domain, ECAM, 0, 0, 255), 0);
	assert_int_equal(vpci_ecam_add(hardware_domain, 0xd0000000, 1, 0, 255),
			 0);
	vm_device(DEV, 0xc0000000, 0x1000, 0);
	add(DEV);
	assert_int_equal(ecam_read(hardware_domain, ECAM + 0x18000, 4),
			 0x10ec8086);
	assert_int_equal(ecam_read(hardware_domain, 0xd0018000, 4), UINT32_MAX);
}

/* --- no memory (--wrap=plat_zalloc) ------------------------------------------------ */

static unsigned int allocation_fails; /* the next but n - 1 */

void *__real_plat_zalloc(size_t size);
void *__wrap_plat_zalloc(size_t size);

void *__wrap_plat_zalloc(size_t size)
{
	return allocation_fails && !--allocation_fails
		       ? NULL
		       : __real_plat_zalloc(size);
}

/* The address space's own, and the window's. */
static void test_without_memory_there_is_no_window(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		allocation_fails = n;
		assert_int_equal(vpci_ecam_add(a.d, 0xe0000000, 0, 0, 1),
				 -ENOMEM);
		assert_false(vpci_ecam_covers(a.d, 0xe0000000));
		assert_int_equal(allocation_fails, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_CASE(test_an_address_leads_to_bus_function_and_register),
		VM_CASE(test_writes_arrive_and_the_rest_is_dropped),
		VM_CASE(test_windows_may_not_overlap),
		VM_CASE(test_windows_are_checked),
		VM_CASE(test_a_window_covers_its_buses_and_no_more),
		VM_CASE(test_the_hardware_domain_reaches_its_segments),
		VM_CASE(test_without_memory_there_is_no_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
