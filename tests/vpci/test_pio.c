/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports 0xcf8 to 0xcff (PCI 3.0 §3.2.2.3.2). */
#include "vm.h"

#define DEV "00:03.0"
#define SLOT1 0x80000800u /* bus 0, device 1, function 0 */

static uint32_t in(struct vm *vm, uint16_t port, uint8_t size)
{
	uint32_t val = 0;

	assert_int_equal(vpci_pio_read(&vm->vcpu, port, size, &val), PCI_DONE);
	return val;
}

static void out(struct vm *vm, uint16_t port, uint8_t size, uint32_t val)
{
	assert_int_equal(vpci_pio_write(&vm->vcpu, port, size, val), PCI_DONE);
}

static void give_dev(void)
{
	vm_device(DEV, 0xc0000000, 0x1000, 0);
	vm_give(&a, DEV, 1);
}

static void test_address_then_data(void **state)
{
	(void)state;
	give_dev();
	out(&a, 0xcf8, 4, SLOT1);
	assert_int_equal(in(&a, 0xcf8, 4), SLOT1);
	assert_int_equal(in(&a, 0xcfc, 4), 0x10ec8086);
	assert_int_equal(in(&a, 0xcfe, 2), 0x10ec);
	assert_int_equal(in(&a, 0xcfd, 1), 0x80);
	out(&a, 0xcf8, 4, SLOT1 | PCI_INTERRUPT_LINE);
	out(&a, 0xcfc, 1, 0x5a);
	assert_int_equal(in(&a, 0xcfc, 1), 0x5a);
	out(&a, 0xcf8, 4, SLOT1 + 0x100); /* function 1 */
	assert_int_equal(in(&a, 0xcfc, 4), UINT32_MAX);
	out(&a, 0xcf8, 4, SLOT1 + 0x10000); /* bus 1 */
	assert_int_equal(in(&a, 0xcfc, 4), UINT32_MAX);
}

static void test_without_the_enable_bit_nobody_answers(void **state)
{
	(void)state;
	give_dev();
	out(&a, 0xcf8, 4, SLOT1 & ~0x80000000u);
	assert_int_equal(in(&a, 0xcfc, 4), UINT32_MAX);
	out(&a, 0xcf8, 4, (SLOT1 & ~0x80000000u) | PCI_INTERRUPT_LINE);
	out(&a, 0xcfc, 1, 0x5a);
	assert_int_equal(vm_read(&a, 1, PCI_INTERRUPT_LINE, 1), 0);
}

static void test_the_address_port_is_a_whole_dword(void **state)
{
	(void)state;
	out(&a, 0xcf8, 4, UINT32_MAX);
	assert_int_equal(in(&a, 0xcf8, 4), 0x80fffffc); /* reserved bits: 0 */
	out(&a, 0xcf8, 4, SLOT1);
	out(&a, 0xcf8, 1, 0xff);
	out(&a, 0xcf8, 2, 0xffff);
	out(&a, 0xcfa, 2, 0xffff);
	out(&a, 0xcf9, 4, UINT32_MAX);
	assert_int_equal(in(&a, 0xcf8, 4), SLOT1);
	assert_int_equal(in(&a, 0xcf8, 1), 0xff);
	assert_int_equal(in(&a, 0xcfa, 2), 0xffff);
	assert_int_equal(in(&a, 0xcf9, 4), UINT32_MAX);
}

static void test_accesses_across_the_end_get_all_ones(void **state)
{
	(void)state;
	give_dev();
	out(&a, 0xcf8, 4, SLOT1);
	assert_int_equal(in(&a, 0xcff, 2), 0xffff);
	assert_int_equal(in(&a, 0xcfe, 4), UINT32_MAX);
	assert_int_equal(in(&a, 0xcfc, 8), UINT32_MAX);
	assert_int_equal(in(&a, 0xcfc, 3), 0xffffff);
	assert_int_equal(in(&a, 0xd00, 4), UINT32_MAX);
	assert_int_equal(in(&a, 0xcf4, 4), UINT32_MAX);
}

static void test_each_vcpu_has_its_own_address(void **state)
{
	struct vpci_vcpu second;
	uint32_t val;

	(void)state;
	give_dev();
	out(&a, 0xcf8, 4, SLOT1);
	vpci_vcpu_init(&second, a.d);
	assert_int_equal(vpci_pio_write(&second, 0xcf8, 4, SLOT1 + 0x800),
			 PCI_DONE);
	assert_int_equal(in(&a, 0xcfc, 4), 0x10ec8086);
	assert_int_equal(vpci_pio_read(&second, 0xcfc, 4, &val), PCI_DONE);
	assert_int_equal(val, UINT32_MAX);
	vpci_vcpu_fini(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_CASE(test_address_then_data),
		VM_CASE(test_without_the_enable_bit_nobody_answers),
		VM_CASE(test_the_address_port_is_a_whole_dword),
		VM_CASE(test_accesses_across_the_end_get_all_ones),
		VM_CASE(test_each_vcpu_has_its_own_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
