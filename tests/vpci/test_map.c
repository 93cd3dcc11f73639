/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BARs in a guest's memory: what is mapped, when, and that it goes again. The
 * guest (vm.c) fails a test that maps over a mapping, maps what is not whole
 * pages, or unmaps another device's.
 */
#include <holdfast/iommu.h>

#include "vm.h"

#define DEV "00:03.0"
#define OTHER "00:04.0"
#define HPA 0xc0000000u
#define GPA 0x80000000u
#define PAGE 0x1000ull
#define MIB 0x100000ull
#define MEM64 PCI_BASE_ADDRESS_MEM_TYPE_64

static struct vpci_info info(const char *sbdf)
{
	struct vpci_info info;

	assert_int_equal(vpci_query(at(sbdf), &info), 0);
	return info;
}

/* DEV with a BAR of 8 MiB, which @a has at slot 1, nothing placed yet. */
static void give_dev(void)
{
	vm_device(DEV, HPA, 8 * MIB, MEM64);
	vm_give(&a, DEV, 1);
}

/* --- what decode does ------------------------------------------------------------ */

static void test_nothing_is_mapped_before_the_guest_decodes(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	assert_int_equal(a.maps, 0);
	assert_false(vm_is_claimed(&a, GPA));
}

static void test_decode_maps_the_whole_bar_and_no_decode_unmaps_it(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	vm_decode(&a, 1, true);
	assert_int_equal(vm_mapped_bytes(&a), 8 * MIB);
	assert_int_equal(vm_mapped(&a, GPA), HPA);
	assert_int_equal(vm_mapped(&a, GPA + 8 * MIB - 1), HPA + 8 * MIB - 1);
	assert_int_equal(info(DEV).bar[0].mapped, 8 * MIB);
	vm_decode(&a, 1, false);
	assert_int_equal(vm_mapped_bytes(&a), 0);
	assert_int_equal(info(DEV).bar[0].mapped, 0);
	assert_false(vm_is_claimed(&a, GPA));
}

static void test_a_step_is_one_bounded_piece(void **state)
{
	unsigned int calls;

	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	vm_write_only(&a, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(a.maps, 0);
	for (calls = 0; vpci_process_pending(&a.vcpu, NULL) == PCI_AGAIN;)
		assert_true(a.maps <= ++calls);
	assert_int_equal(a.largest, VPCI_MAP_PIECE);
	assert_int_equal(a.maps, 8 * MIB / VPCI_MAP_PIECE);
	vm_write_only(&a, 1, PCI_COMMAND, 2, 0);
	for (calls = 0; vpci_process_pending(&a.vcpu, NULL) == PCI_AGAIN;)
		assert_true(a.unmaps <= ++calls);
	assert_int_equal(a.unmaps, 8 * MIB / VPCI_MAP_PIECE);
	assert_int_equal(vm_mapped_bytes(&a), 0);
}

static void test_io_bars_are_never_mapped(void **state)
{
	struct fake_fn *fn = vm_device(DEV, HPA, PAGE, 0);

	(void)state;
	fake_bar(fn, PCI_BASE_ADDRESS_2, 0xc001, 0xffffff00);
	vm_give(&a, DEV, 1);
	vm_write(&a, 1, PCI_BASE_ADDRESS_2, 4, 0xd000);
	vm_write(&a, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	assert_int_equal(info(DEV).bar[2].kind, PCI_BAR_IO);
	assert_false(vm_is_claimed(&a, 0xd000));
	assert_int_equal(vm_mapped_bytes(&a), 0);
}

/* The guest has switched decoding on before it has placed the BAR. */
static void test_a_bar_at_0_is_not_placed(void **state)
{
	vm_device(DEV, HPA, PAGE, 0);
	(void)state;
	vm_give(&a, DEV, 1);
	vm_write(&a, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(vm_mapped_bytes(&a), 0);
	assert_false(vm_is_claimed(&a, 0));
	vm_write(&a, 1, PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	assert_int_equal(vm_mapped_bytes(&a), PAGE);
}

static void test_a_rom_is_mapped_while_both_enables_are_set(void **state)
{
	struct fake_fn *fn = vm_device(DEV, HPA, PAGE, 0);

	(void)state;
	fake_bar(fn, PCI_ROM_ADDRESS, 0xc8000000, 0xffff0001);
	vm_give(&a, DEV, 1);
	vm_write(&a, 1, PCI_BASE_ADDRESS_0, 4, GPA);
	vm_write(&a, 1, PCI_ROM_ADDRESS, 4, GPA + MIB);
	vm_decode(&a, 1, true);
	assert_int_equal(vm_mapped(&a, GPA + MIB), 0);
	vm_write(&a, 1, PCI_ROM_ADDRESS, 4,
		 (GPA + MIB) | PCI_ROM_ADDRESS_ENABLE);
	assert_int_equal(vm_mapped(&a, GPA + MIB), 0xc8000000);
	vm_decode(&a, 1, false);
	assert_int_equal(vm_mapped_bytes(&a), 0);
	vm_decode(&a, 1, true);
	assert_int_equal(vm_mapped(&a, GPA + MIB), 0xc8000000);
	vm_write(&a, 1, PCI_ROM_ADDRESS, 4, GPA + MIB);
	assert_int_equal(vm_mapped(&a, GPA + MIB), 0);
	assert_int_equal(vm_mapped(&a, GPA), HPA);
	fake.moved = 0; /* the enable bit was written, decode being on */
}

/* --- what is left to traps -------------------------------------------------------- */

static void test_msix_pages_are_never_mapped(void **state)
{
	struct fake_fn *fn = vm_device(DEV, HPA, 0x8000, MEM64);

	(void)state;
	fake_cap(fn, 0x50, PCI_CAP_ID_MSIX);
	fake_put(fn, 0x50 + PCI_MSIX_FLAGS, 2, 256); /* 257 entries: 2 pages */
	fake_put(fn, 0x50 + PCI_MSIX_TABLE, 4, 0x2000);
	fake_put(fn, 0x50 + PCI_MSIX_PBA, 4, 0x5800);
	vm_give(&a, DEV, 1);
	vm_place(&a, 1, GPA);
	vm_decode(&a, 1, true);
	assert_int_equal(vm_mapped(&a, GPA + 0x1fff), HPA + 0x1fff);
	assert_int_equal(vm_mapped(&a, GPA + 0x2000), 0);
	assert_int_equal(vm_mapped(&a, GPA + 0x3000), 0);
	assert_int_equal(vm_mapped(&a, GPA + 0x4000), HPA + 0x4000);
	assert_int_equal(vm_mapped(&a, GPA + 0x5000), 0);
	assert_int_equal(vm_mapped(&a, GPA + 0x6000), HPA + 0x6000);
	assert_int_equal(info(DEV).bar[0].mapped, 5 * PAGE);
}

static void test_XSA461_a_bar_below_a_page_is_never_mapped(void **state)
{
	uint64_t val;

	(void)state;
	/* Both in one page of hardware, and the guest puts them in two. */
	vm_device(DEV, HPA, 0x800, 0);
	vm_device(OTHER, HPA + 0x800, 0x800, 0);
	vm_give(&a, DEV, 1);
	vm_give(&a, OTHER, 2);
	vm_write(&a, 1, PCI_BASE_ADDRESS_0, 4, GPA);
	vm_write(&a, 2, PCI_BASE_ADDRESS_0, 4, GPA + PAGE);
	vm_decode(&a, 1, true);
	vm_decode(&a, 2, true);
	assert_int_equal(a.maps, 0);
	/* Its own half answers, the neighbour's does not. */
	assert_int_equal(vpci_mmio_read(a.d, GPA + 0x7fc, 4, &val), PCI_DONE);
	assert_int_equal(memory.addr, HPA + 0x7fc);
	assert_int_equal(vpci_mmio_read(a.d, GPA + 0x800, 4, &val), PCI_DONE);
	assert_int_equal(val, UINT32_MAX);
	assert_int_equal(memory.reads, 1);
}

static void test_a_bar_across_pages_of_hardware_is_never_mapped(void **state)
{
	uint64_t val;

	(void)state;
	give_dev();
	vm_view(DEV)->bar[0].hpa += 0x10;
	vm_place(&a, 1, GPA);
	vm_decode(&a, 1, true);
	assert_int_equal(a.maps, 0);
	assert_int_equal(vpci_mmio_read(a.d, GPA + PAGE, 4, &val), PCI_DONE);
	assert_int_equal(memory.addr, HPA + PAGE + 0x10);
}

static void test_overlapping_bars_belong_to_who_came_first(void **state)
{
	(void)state;
	vm_device(DEV, HPA, 4 * PAGE, 0);
	vm_device(OTHER, HPA + MIB, 16 * PAGE, 0);
	vm_give(&a, DEV, 1);
	vm_give(&a, OTHER, 2);
	vm_write(&a, 1, PCI_BASE_ADDRESS_0, 4, GPA + 4 * PAGE);
	vm_write(&a, 2, PCI_BASE_ADDRESS_0, 4, GPA);
	vm_decode(&a, 1, true);
	vm_decode(&a, 2, true);
	assert_int_equal(vm_mapped(&a, GPA), HPA + MIB);
	assert_int_equal(vm_mapped(&a, GPA + 4 * PAGE), HPA);
	assert_int_equal(vm_mapped(&a, GPA + 8 * PAGE), HPA + MIB + 8 * PAGE);
	assert_int_equal(info(OTHER).bar[0].mapped, 12 * PAGE);
	/* Who came later leaves: the first keeps its own. */
	vm_decode(&a, 2, false);
	assert_int_equal(vm_mapped_bytes(&a), 4 * PAGE);
	assert_int_equal(vm_mapped(&a, GPA + 4 * PAGE), HPA);
}

static void test_what_the_first_leaves_the_later_gets_by_traps(void **state)
{
	uint64_t val;

	(void)state;
	vm_device(DEV, HPA, 4 * PAGE, 0);
	vm_device(OTHER, HPA + MIB, 16 * PAGE, 0);
	vm_give(&a, DEV, 1);
	vm_give(&a, OTHER, 2);
	vm_write(&a, 1, PCI_BASE_ADDRESS_0, 4, GPA + 4 * PAGE);
	vm_write(&a, 2, PCI_BASE_ADDRESS_0, 4, GPA);
	vm_decode(&a, 1, true);
	vm_decode(&a, 2, true);
	vm_decode(&a, 1, false);
	assert_int_equal(vm_mapped(&a, GPA + 4 * PAGE), 0);
	assert_int_equal(vpci_mmio_read(a.d, GPA + 4 * PAGE, 4, &val),
			 PCI_DONE);
	assert_int_equal(memory.addr, HPA + MIB + 4 * PAGE);
	/* The pages that only it has, go; and come back whole. */
	vm_decode(&a, 2, false);
	assert_int_equal(vm_mapped_bytes(&a), 0);
	vm_decode(&a, 2, true);
	assert_int_equal(vm_mapped_bytes(&a), 16 * PAGE);
}

static int map_only(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	(void)m;
	fail_msg("what could not be unmapped is not mapped");
	return 0;
}

static void gets_traps_only(const struct domain_ops *ops)
{
	struct domain *d;
	struct vpci_vcpu vcpu;
	pci_sbdf_t slot = pci_sbdf(0, 0, 1, 0);
	uint64_t val;

	assert_int_equal(domain_create(0, "plain", ops, NULL, &d), 0);
	assert_int_equal(pci_assign_device(d, at(DEV), 0, &slot, NULL), 0);
	vpci_vcpu_init(&vcpu, d);
	assert_int_equal(vpci_write(&vcpu, slot, PCI_BASE_ADDRESS_0, 4, GPA),
			 PCI_DONE);
	assert_int_equal(vpci_write(&vcpu, slot, PCI_COMMAND, 2,
				    PCI_COMMAND_MEMORY),
			 PCI_DONE);
	while (vpci_process_pending(&vcpu, NULL) == PCI_AGAIN)
		;
	assert_int_equal(vpci_mmio_read(d, GPA + 4 * MIB, 4, &val), PCI_DONE);
	assert_int_equal(memory.addr, HPA + 4 * MIB);
	vpci_vcpu_fini(&vcpu);
	assert_int_equal(domain_destroy(d), 0);
	domain_put(d);
}

static void test_an_embedder_without_map_gets_traps_only(void **state)
{
	static const struct domain_ops half = { .map = map_only };

	(void)state;
	vm_device(DEV, HPA, 8 * MIB, 0);
	add(DEV);
	gets_traps_only(NULL);
	gets_traps_only(&half);
}

/* --- moves ------------------------------------------------------------------------- */

static void both_are_claimed(struct vm *vm, const struct pci_mapping *m)
{
	(void)m;
	assert_true(vm_is_claimed(vm, GPA));
	assert_true(vm_is_claimed(vm, GPA + 64 * MIB));
}

static void old_is_gone(struct vm *vm, const struct pci_mapping *m)
{
	both_are_claimed(vm, m);
	assert_int_equal(m->gpa & ~(8 * MIB - 1), GPA + 64 * MIB);
	assert_int_equal(vm_mapped(vm, GPA), 0);
	assert_int_equal(vm_mapped(vm, GPA + 8 * MIB - 1), 0);
}

static void test_a_move_reserves_unmaps_maps_and_releases(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	vm_decode(&a, 1, true);
	a.on_unmap = both_are_claimed;
	a.on_map = old_is_gone;
	vm_place(&a, 1, GPA + 64 * MIB);
	assert_int_equal(vm_mapped_bytes(&a), 8 * MIB);
	assert_int_equal(vm_mapped(&a, GPA + 64 * MIB), HPA);
	assert_false(vm_is_claimed(&a, GPA));
	assert_int_equal(bar_event.count, 0);
}

static void assert_refused(const char *why)
{
	struct vpci_bar_info bar = info(DEV).bar[0];

	assert_int_equal(vm_read(&a, 1, PCI_BASE_ADDRESS_0, 8) & ~0xfull, GPA);
	assert_int_equal(vm_read(&a, 1, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY,
			 0);
	assert_int_equal(vm_mapped_bytes(&a), 0);
	assert_true(bar.failed);
	assert_false(bar.decode);
	assert_int_equal(bar.mapped, 0);
	assert_int_equal(bar_event.count, 1);
	assert_string_equal(bar_event.detail, why);
	assert_false(vm_is_claimed(&a, GPA));
	assert_false(vm_is_claimed(&a, GPA + 64 * MIB));
	/* The guest can go on from there. */
	vm_decode(&a, 1, true);
	assert_int_equal(vm_mapped_bytes(&a), 8 * MIB);
	assert_int_equal(vm_mapped(&a, GPA), HPA);
	assert_false(info(DEV).bar[0].failed);
}

static void
test_a_failed_move_leaves_the_old_address_and_no_decode(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	vm_decode(&a, 1, true);
	a.fail_at = a.maps + 3; /* two pieces of the new place are mapped */
	a.error = -EINVAL;
	vm_place(&a, 1, GPA + 64 * MIB);
	assert_refused("BAR 0: it could not be mapped");
}

static void test_a_move_out_of_the_windows_is_refused(void **state)
{
	(void)state;
	assert_int_equal(vpci_window_add(a.d, GPA, 64 * MIB), 0);
	give_dev();
	vm_place(&a, 1, GPA);
	vm_decode(&a, 1, true);
	vm_place(&a, 1, GPA + 60 * MIB); /* aligned down: 56, inside */
	assert_int_equal(vm_mapped(&a, GPA + 56 * MIB), HPA);
	vm_place(&a, 1, GPA);
	vm_place(&a, 1, GPA + 64 * MIB);
	assert_refused("BAR 0: outside the guest's windows");
}

static void test_a_first_map_that_fails_turns_decode_off(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	a.fail_at = 2;
	vm_decode(&a, 1, true);
	assert_refused("BAR 0: no memory");
}

/* --- pieces under way --------------------------------------------------------------- */

static void decode_off(struct vm *vm, const struct pci_mapping *m)
{
	struct vpci_vcpu second;

	(void)m;
	if (vm->maps != 2)
		return;
	vpci_vcpu_init(&second, vm->d);
	assert_int_equal(vpci_write(&second, pci_sbdf(0, 0, 1, 0), PCI_COMMAND,
				    2, 0),
			 PCI_DONE);
	/* The BAR is in the first one's hands: wait, and touch nothing. */
	assert_int_equal(vpci_process_pending(&second, NULL), PCI_AGAIN);
	assert_int_equal(vm->unmaps, 0);
	assert_int_equal(vm->maps, 2);
	vpci_vcpu_fini(&second);
}

static void test_decode_off_during_a_piece_is_seen_after_it(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	a.on_map = decode_off;
	vm_decode(&a, 1, true);
	assert_int_equal(a.maps, 2);
	assert_int_equal(vm_mapped_bytes(&a), 0);
	assert_false(vm_is_claimed(&a, GPA));
}

static void move_on(struct vm *vm, const struct pci_mapping *m)
{
	(void)m;
	if (vm->maps == 6)
		vm_write_only(vm, 1, PCI_BASE_ADDRESS_0, 8, GPA + 128 * MIB);
}

static void test_a_move_during_a_move_ends_where_the_guest_wants(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	vm_decode(&a, 1, true);
	a.on_map = move_on;
	vm_place(&a, 1, GPA + 64 * MIB);
	assert_int_equal(vm_mapped_bytes(&a), 8 * MIB);
	assert_int_equal(vm_mapped(&a, GPA + 128 * MIB), HPA);
	assert_false(vm_is_claimed(&a, GPA));
	assert_false(vm_is_claimed(&a, GPA + 64 * MIB));
}

static void move_on_and_fail(struct vm *vm, const struct pci_mapping *m)
{
	(void)m;
	if (vm->maps != 6)
		return;
	vm_write_only(vm, 1, PCI_BASE_ADDRESS_0, 8, GPA + 128 * MIB);
	vm->fail_at = 6;
}

static void test_a_failure_where_the_guest_no_longer_is_is_none(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	vm_decode(&a, 1, true);
	a.on_map = move_on_and_fail;
	vm_place(&a, 1, GPA + 64 * MIB);
	assert_int_equal(bar_event.count, 0);
	assert_false(info(DEV).bar[0].failed);
	assert_int_equal(vm_mapped(&a, GPA + 128 * MIB), HPA);
	assert_int_equal(vm_mapped_bytes(&a), 8 * MIB);
}

static void cut(struct vm *vm, const struct pci_mapping *m)
{
	(void)m;
	if (vm->maps == 2)
		vpci_unmap_all(vm_view(DEV), true);
}

static void test_a_cut_during_a_piece_leaves_nothing_mapped(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	a.on_map = cut;
	vm_write_only(&a, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	while (a.maps < 2)
		assert_int_equal(vpci_process_pending(&a.vcpu, NULL),
				 PCI_AGAIN);
	/* Not in a step to come: the guest may never make one. */
	assert_int_equal(vm_mapped_bytes(&a), 0);
	assert_false(vm_is_claimed(&a, GPA));
	vm_work(&a);
	assert_int_equal(a.maps, 2);
}

static void cut_move(struct vm *vm, const struct pci_mapping *m)
{
	(void)vm;
	(void)m;
	vpci_unmap_all(vm_view(DEV), true);
}

static void test_a_cut_during_the_last_unmap_is_none_too_many(void **state)
{
	(void)state;
	vm_device(DEV, HPA, PAGE, 0);
	vm_give(&a, DEV, 1);
	vm_write(&a, 1, PCI_BASE_ADDRESS_0, 4, GPA);
	vm_decode(&a, 1, true);
	assert_int_equal(vm_mapped_bytes(&a), PAGE);
	a.on_unmap = cut;
	vm_decode(&a, 1, false);
	assert_int_equal(a.unmaps, 1);
	assert_false(vm_is_claimed(&a, GPA));
}

/* --- no memory (--wrap=plat_zalloc) ------------------------------------------------ */

static unsigned int allocation_fails; /* the next but n - 1 */
static void (*on_failure)(void);

void *__real_plat_zalloc(size_t size);
void *__wrap_plat_zalloc(size_t size);

void *__wrap_plat_zalloc(size_t size)
{
	if (!allocation_fails || --allocation_fails)
		return __real_plat_zalloc(size);
	if (on_failure)
		on_failure();
	return NULL;
}

/* The address space's own, and the array of claims. */
static void test_a_claim_without_memory_turns_decode_off(void **state)
{
	unsigned int n;

	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	for (n = 0; n < 2; n++) {
		allocation_fails = 1;
		vm_decode(&a, 1, true);
		assert_int_equal(allocation_fails, 0);
		assert_refused("BAR 0: no memory");
		bar_event.count = 0;
		vm_decode(&a, 1, true);
		assert_int_equal(vm_mapped_bytes(&a), 8 * MIB);
		vm_decode(&a, 1, false);
	}
}

static void cut_now(void)
{
	vpci_unmap_all(vm_view(DEV), true);
}

static void test_a_cut_during_a_claim_that_fails(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	allocation_fails = 1;
	on_failure = cut_now;
	vm_decode(&a, 1, true);
	on_failure = NULL;
	assert_int_equal(vm_view(DEV)->bar[0].state, VPCI_UNMAPPED);
	assert_false(vm_view(DEV)->bar[0].busy);
	assert_int_equal(a.maps + a.unmaps, 0);
	assert_int_equal(bar_event.count, 0);
}

static void test_a_cut_during_a_move_gives_both_places_back(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	vm_decode(&a, 1, true);
	a.on_unmap = cut_move;
	vm_write_only(&a, 1, PCI_BASE_ADDRESS_0, 8, GPA + 64 * MIB);
	while (!a.unmaps)
		assert_int_equal(vpci_process_pending(&a.vcpu, NULL),
				 PCI_AGAIN);
	assert_int_equal(vm_mapped_bytes(&a), 0);
	assert_false(vm_is_claimed(&a, GPA));
	assert_false(vm_is_claimed(&a, GPA + 64 * MIB));
}

static void test_a_cut_leaves_tombstones_for_all_that_was_mapped(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	vm_decode(&a, 1, true);
	vpci_unmap_all(vm_view(DEV), true);
	assert_int_equal(vm_mapped_bytes(&a), 0);
	assert_int_equal(a.cuts, a.unmaps);
	assert_true(a.cuts > 0);
	vpci_unmap_all(vm_view(DEV), true); /* any number of times */
	/* Cut off is for good. */
	vm_write_only(&a, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	vm_work(&a);
	assert_int_equal(vm_mapped_bytes(&a), 0);
}

/* --- when the device leaves ------------------------------------------------------------ */

static void still_claimed_and_away(struct vm *vm, const struct pci_mapping *m)
{
	struct pci_dev *pdev = get(DEV);

	assert_true(vm_is_claimed(vm, m->gpa));
	assert_ptr_equal(hf_load_acquire(&pdev->owner), dom_io);
	pcidev_put(pdev);
}

static void
test_XSA346_pages_go_before_their_claim_and_the_next_owner(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	vm_decode(&a, 1, true);
	a.on_unmap = still_claimed_and_away;
	assert_int_equal(pci_deassign_device(a.d, at(DEV), 0, NULL), 0);
	assert_true(a.unmaps > 0);
	assert_int_equal(vm_mapped_bytes(&a), 0);
	assert_false(vm_is_claimed(&a, GPA));
	vm_give(&b, DEV, 1);
	vm_place(&b, 1, GPA);
	vm_decode(&b, 1, true);
	assert_int_equal(vm_mapped_bytes(&b), 8 * MIB);
	assert_int_equal(vm_mapped_bytes(&a), 0);
}

static void test_XSA476_a_bar_beyond_4_gib_goes_whole(void **state)
{
	const uint64_t hpa = 0x4000000000, gpa = 0x2000000000;

	(void)state;
	vm_device(DEV, hpa, 8192 * MIB, MEM64);
	vm_give(&a, DEV, 1);
	vm_place(&a, 1, gpa);
	vm_decode(&a, 1, true);
	assert_int_equal(vm_mapped(&a, gpa + 5000 * MIB), hpa + 5000 * MIB);
	assert_int_equal(info(DEV).bar[0].mapped, 8192 * MIB);
	assert_int_equal(pci_deassign_device(a.d, at(DEV), 0, NULL), 0);
	assert_int_equal(vm_mapped_bytes(&a), 0);
	/* … and hardware decodes where the host has it, all 64 bits. */
	assert_int_equal(fake_get(fake_at(at(DEV)), PCI_BASE_ADDRESS_1, 4),
			 hpa >> 32);
}

static void test_a_guest_that_dies_half_way_leaves_nothing(void **state)
{
	(void)state;
	give_dev();
	vm_place(&a, 1, GPA);
	vm_write_only(&a, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	while (a.maps < 3)
		assert_int_equal(vpci_process_pending(&a.vcpu, NULL),
				 PCI_AGAIN);
	assert_int_equal(pci_deassign_device(a.d, at(DEV), 0, NULL), 0);
	assert_int_equal(vm_mapped_bytes(&a), 0);
	assert_false(vm_is_claimed(&a, GPA));
	vm_work(&a);
	assert_int_equal(a.maps, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_CASE(test_nothing_is_mapped_before_the_guest_decodes),
		VM_CASE(test_decode_maps_the_whole_bar_and_no_decode_unmaps_it),
		VM_CASE(test_a_step_is_one_bounded_piece),
		VM_CASE(test_io_bars_are_never_mapped),
		VM_CASE(test_a_bar_at_0_is_not_placed),
		VM_CASE(test_a_rom_is_mapped_while_both_enables_are_set),
		VM_CASE(test_msix_pages_are_never_mapped),
		VM_CASE(test_XSA461_a_bar_below_a_page_is_never_mapped),
		VM_CASE(test_a_bar_across_pages_of_hardware_is_never_mapped),
		VM_CASE(test_overlapping_bars_belong_to_who_came_first),
		VM_CASE(test_what_the_first_leaves_the_later_gets_by_traps),
		VM_CASE(test_an_embedder_without_map_gets_traps_only),
		VM_CASE(test_a_move_reserves_unmaps_maps_and_releases),
		VM_CASE(test_a_failed_move_leaves_the_old_address_and_no_decode),
		VM_CASE(test_a_move_out_of_the_windows_is_refused),
		VM_CASE(test_a_first_map_that_fails_turns_decode_off),
		VM_CASE(test_decode_off_during_a_piece_is_seen_after_it),
		VM_CASE(test_a_move_during_a_move_ends_where_the_guest_wants),
		VM_CASE(test_a_failure_where_the_guest_no_longer_is_is_none),
		VM_CASE(test_a_cut_during_a_piece_leaves_nothing_mapped),
		VM_CASE(test_a_cut_during_a_move_gives_both_places_back),
		VM_CASE(test_a_cut_leaves_tombstones_for_all_that_was_mapped),
		VM_CASE(test_XSA346_pages_go_before_their_claim_and_the_next_owner),
		VM_CASE(test_XSA476_a_bar_beyond_4_gib_goes_whole),
		VM_CASE(test_a_guest_that_dies_half_way_leaves_nothing),
		VM_CASE(test_a_cut_during_the_last_unmap_is_none_too_many),
		VM_CASE(test_a_claim_without_memory_turns_decode_off),
		VM_CASE(test_a_cut_during_a_claim_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
