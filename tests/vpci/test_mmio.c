/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory accesses that trap: who answers them, and who must not. */
#include <holdfast/iommu.h>

#include "vm.h"

#define DEV "00:03.0"
#define HPA 0xc0000000u
#define GPA 0x80000000u

static uint64_t mmio_read(struct vm *vm, uint64_t gpa, uint8_t size)
{
	uint64_t val = 0;

	assert_int_equal(vpci_mmio_read(vm->d, gpa, size, &val), PCI_DONE);
	return val;
}

static void mmio_write(struct vm *vm, uint64_t gpa, uint8_t size, uint64_t val)
{
	assert_int_equal(vpci_mmio_write(&vm->vcpu, gpa, size, val), PCI_DONE);
}

/* All-ones of the size, writes dropped, and hardware not reached. */
static void assert_nobody(struct vm *vm, uint64_t gpa, uint8_t size)
{
	struct vm_memory before = memory;

	assert_int_equal(mmio_read(vm, gpa, size), vpci_ones(size));
	mmio_write(vm, gpa, size, 0x55);
	assert_int_equal(memory.reads, before.reads);
	assert_int_equal(memory.writes, before.writes);
}

/* DEV with a BAR below a page: every access is a trap. */
static void give_dev(void)
{
	vm_device(DEV, HPA, 0x100, 0);
	vm_give(&a, DEV, 1);
	vm_write(&a, 1, PCI_BASE_ADDRESS_0, 4, GPA);
	vm_decode(&a, 1, true);
}

static void test_accesses_reach_the_register_at_their_own_size(void **state)
{
	uint8_t size;

	(void)state;
	give_dev();
	for (size = 1; size <= 8; size *= 2) {
		assert_int_equal(mmio_read(&a, GPA + 0x40, size),
				 vm_pattern(HPA + 0x40) & vpci_ones(size));
		assert_int_equal(memory.size, size);
		mmio_write(&a, GPA + 0x48, size, UINT64_MAX);
		assert_int_equal(memory.size, size);
		assert_int_equal(memory.addr, HPA + 0x48);
		assert_int_equal(memory.val, vpci_ones(size));
	}
}

static void test_malformed_accesses_reach_nobody(void **state)
{
	(void)state;
	give_dev();
	assert_nobody(&a, GPA + 1, 2);
	assert_nobody(&a, GPA + 4, 8);
	assert_nobody(&a, GPA, 3);
	assert_nobody(&a, GPA, 16);
	assert_nobody(&a, GPA, 0);
}

static void test_nobody_answers_outside_the_bar(void **state)
{
	(void)state;
	give_dev();
	assert_nobody(&a, GPA - 8, 8);
	assert_nobody(&a, GPA + 0x100, 1);
	assert_nobody(&b, GPA, 4);
	/* Sizes are powers of two; if one were not, its end is the end. */
	vm_view(DEV)->bar[0].size = 0xfc;
	assert_nobody(&a, GPA + 0xf8, 8);
	assert_int_equal(mmio_read(&a, GPA + 0xf8, 4),
			 vm_pattern(HPA + 0xf8) & UINT32_MAX);
}

static void test_nobody_answers_without_memory_decode(void **state)
{
	(void)state;
	give_dev();
	/* At once, not when the work is done. */
	vm_write_only(&a, 1, PCI_COMMAND, 2, 0);
	assert_nobody(&a, GPA, 4);
	vm_write(&a, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	vm_write_only(&a, 1, PCI_BASE_ADDRESS_0, 4, GPA + 0x1000);
	assert_nobody(&a, GPA, 4);
	vm_work(&a);
	assert_nobody(&a, GPA, 4);
	assert_int_equal(mmio_read(&a, GPA + 0x1000, 4),
			 vm_pattern(HPA) & UINT32_MAX);
}

static void test_a_rom_is_read_and_never_written(void **state)
{
	struct fake_fn *fn = vm_device(DEV, HPA, 0x100, 0);

	(void)state;
	fake_bar(fn, PCI_ROM_ADDRESS, 0xc8000000, 0xfffff801);
	vm_give(&a, DEV, 1);
	vm_write(&a, 1, PCI_ROM_ADDRESS, 4, GPA | PCI_ROM_ADDRESS_ENABLE);
	vm_write(&a, 1, PCI_BASE_ADDRESS_0, 4, GPA + 0x10000);
	vm_decode(&a, 1, true);
	assert_int_equal(mmio_read(&a, GPA + 0x10, 4),
			 vm_pattern(0xc8000010) & UINT32_MAX);
	mmio_write(&a, GPA + 0x10, 4, 0);
	assert_int_equal(memory.writes, 0);
	vm_write_only(&a, 1, PCI_ROM_ADDRESS, 4, GPA);
	assert_nobody(&a, GPA + 0x10, 4);
	fake.moved = 0; /* the enable bit was written, decode being on */
}

static void test_a_host_without_memory_answers_all_ones(void **state)
{
	(void)state;
	give_dev();
	fake.ops.mem_read = NULL;
	fake.ops.mem_write = NULL;
	assert_nobody(&a, GPA, 4);
}

/* --- who is gone --------------------------------------------------------------- */

static int broken_read(struct pci_host *host, uint64_t addr, uint8_t size,
		       uint64_t *val)
{
	(void)host, (void)addr, (void)size;
	*val = 0;
	return -EIO;
}

static void test_what_the_host_cannot_read_is_all_ones(void **state)
{
	(void)state;
	give_dev();
	fake.ops.mem_read = broken_read;
	assert_int_equal(mmio_read(&a, GPA, 4), UINT32_MAX);
}

static void test_cut_off_answers_all_ones(void **state)
{
	(void)state;
	give_dev();
	hf_store_release(&vm_view(DEV)->cut, 1);
	assert_nobody(&a, GPA, 4);
}

static void test_lost_answers_all_ones_and_hardware_is_left_alone(void **state)
{
	(void)state;
	give_dev();
	assert_int_equal(pci_mark_lost(at(DEV)), 0);
	assert_nobody(&a, GPA, 4);
	assert_int_equal(pci_device_lost(at(DEV)), 0);
	assert_nobody(&a, GPA, 4);
	assert_false(vm_is_claimed(&a, GPA));
}

static void change_state(struct pci_dev *pdev, enum pci_state to)
{
	pci_lock(&pdev->lock);
	hf_store_relaxed(&pdev->again_until, PLAT_FOREVER);
	pcidev_set_state(pdev, to);
	pci_unlock(&pdev->lock);
}

static void test_draining_says_again_and_loses_nothing(void **state)
{
	struct pci_dev *pdev;
	uint64_t val;

	(void)state;
	give_dev();
	pdev = get(DEV);
	change_state(pdev, PCI_STATE_DRAINING);
	assert_int_equal(vpci_mmio_read(a.d, GPA, 4, &val), PCI_AGAIN);
	assert_int_equal(vpci_mmio_write(&a.vcpu, GPA, 4, 0), PCI_AGAIN);
	assert_int_equal(memory.reads + memory.writes, 0);
	change_state(pdev, PCI_STATE_LIVE);
	pcidev_put(pdev);
	assert_int_equal(mmio_read(&a, GPA, 4), vm_pattern(HPA) & UINT32_MAX);
}

static void
test_R21_the_next_owner_is_not_reached_at_the_old_place(void **state)
{
	(void)state;
	give_dev();
	assert_int_equal(pci_deassign_device(a.d, at(DEV), 0, NULL), 0);
	vm_give(&b, DEV, 1);
	vm_write(&b, 1, PCI_BASE_ADDRESS_0, 4, GPA);
	vm_decode(&b, 1, true);
	assert_nobody(&a, GPA, 4);
	assert_int_equal(mmio_read(&b, GPA, 4), vm_pattern(HPA) & UINT32_MAX);
}

/* --- MSI-X ---------------------------------------------------------------------- */

#define TABLE (GPA + 0x2000)
#define PBA (GPA + 0x2800)

static void give_msix(void)
{
	struct fake_fn *fn = vm_device(DEV, HPA, 0x8000, 0);

	fake_cap(fn, 0x50, PCI_CAP_ID_MSIX);
	fake_put(fn, 0x50 + PCI_MSIX_FLAGS, 2, 3); /* 4 entries */
	fake_put(fn, 0x50 + PCI_MSIX_TABLE, 4, 0x2000);
	fake_put(fn, 0x50 + PCI_MSIX_PBA, 4, 0x2800);
	vm_give(&a, DEV, 1);
	vm_write(&a, 1, PCI_BASE_ADDRESS_0, 4, GPA);
	vm_decode(&a, 1, true);
}

static void test_the_msix_table_is_the_views_and_not_hardwares(void **state)
{
	(void)state;
	give_msix();
	mmio_write(&a, TABLE + 0x10, 8, 0x12345678fee00000);
	assert_int_equal(mmio_read(&a, TABLE + 0x10, 8), 0x12345678fee00000);
	assert_int_equal(mmio_read(&a, TABLE + 0x14, 4), 0x12345678);
	mmio_write(&a, PBA, 8, UINT64_MAX);
	assert_int_equal(mmio_read(&a, PBA, 8), 0);
	assert_int_equal(mmio_read(&a, TABLE, 2), 0xffff);
	assert_int_equal(memory.reads + memory.writes, 0);
}

static void test_what_shares_the_tables_page_is_hardwares(void **state)
{
	(void)state;
	give_msix();
	assert_int_equal(mmio_read(&a, TABLE + 0x40, 4),
			 vm_pattern(HPA + 0x2040) & UINT32_MAX);
	mmio_write(&a, TABLE + 0xffc, 4, 7);
	assert_int_equal(memory.addr, HPA + 0x2ffc);
	assert_int_equal(memory.val, 7);
}

static void test_cut_off_writes_no_vector(void **state)
{
	(void)state;
	give_msix();
	mmio_write(&a, TABLE, 4, 0xfee00000);
	hf_store_release(&vm_view(DEV)->cut, 1);
	mmio_write(&a, TABLE, 4, 0xfee01000);
	assert_int_equal(mmio_read(&a, TABLE, 4), UINT32_MAX);
	hf_store_release(&vm_view(DEV)->cut, 0);
	assert_int_equal(mmio_read(&a, TABLE, 4), 0xfee00000);
}

/* --- between the look and the lock (--wrap=pci_lock) ------------------------------- */

void __real_pci_lock(struct pci_lock *lock);
void __wrap_pci_lock(struct pci_lock *lock);
static void (*before_lock)(void);

void __wrap_pci_lock(struct pci_lock *lock)
{
	void (*hook)(void) = before_lock;

	before_lock = NULL;
	if (hook)
		hook();
	__real_pci_lock(lock);
}

static struct pci_dev *taken;

static void mark_lost(void)
{
	hf_fetch_or_acq_rel(&taken->marks, PCI_MARK_LOST);
}

static void cut_it(void)
{
	hf_store_release(&vm_view(DEV)->cut, 1);
}

static void test_a_vectors_write_looks_again_under_the_lock(void **state)
{
	static void (*const takes[])(void) = { mark_lost, cut_it };
	unsigned int i;

	(void)state;
	give_msix();
	mmio_write(&a, TABLE, 4, 0xfee00000);
	taken = get(DEV);
	for (i = 0; i < ARRAY_SIZE(takes); i++) {
		before_lock = takes[i];
		mmio_write(&a, TABLE, 4, 0xfee01000);
		assert_null(before_lock);
		hf_fetch_and_release(&taken->marks, ~(uint32_t)PCI_MARK_LOST);
		hf_store_release(&vm_view(DEV)->cut, 0);
		assert_int_equal(mmio_read(&a, TABLE, 4), 0xfee00000);
	}
	pcidev_put(taken);
}

static void test_H3_the_region_of_a_removed_device_is_nobodys(void **state)
{
	struct pci_removal_info report;

	(void)state;
	give_msix();
	assert_int_equal(pci_remove_device(at(DEV), PCI_REMOVE_FORCE,
					   1000 * MSEC, &report),
			 0);
	plat_rcu_barrier(); /* the device is freed by now */
	assert_nobody(&a, TABLE, 4);
	assert_nobody(&a, PBA, 8);
	assert_nobody(&a, GPA, 4);
	assert_int_equal(vm_mapped_bytes(&a), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_CASE(test_accesses_reach_the_register_at_their_own_size),
		VM_CASE(test_malformed_accesses_reach_nobody),
		VM_CASE(test_nobody_answers_outside_the_bar),
		VM_CASE(test_nobody_answers_without_memory_decode),
		VM_CASE(test_a_rom_is_read_and_never_written),
		VM_CASE(test_a_host_without_memory_answers_all_ones),
		VM_CASE(test_cut_off_answers_all_ones),
		VM_CASE(test_lost_answers_all_ones_and_hardware_is_left_alone),
		VM_CASE(test_draining_says_again_and_loses_nothing),
		VM_CASE(test_R21_the_next_owner_is_not_reached_at_the_old_place),
		VM_CASE(test_the_msix_table_is_the_views_and_not_hardwares),
		VM_CASE(test_what_shares_the_tables_page_is_hardwares),
		VM_CASE(test_cut_off_writes_no_vector),
		VM_CASE(test_H3_the_region_of_a_removed_device_is_nobodys),
		VM_CASE(test_what_the_host_cannot_read_is_all_ones),
		VM_CASE(test_a_vectors_write_looks_again_under_the_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
