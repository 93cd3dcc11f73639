/* SPDX-License-Identifier: BSD-2-Clause */
/* BARs and ROM as a guest sizes, places and moves them. */
#include <holdfast/removal.h>

#include "given.h"

#define MEMORY PCI_COMMAND_MEMORY

/* What a guest does to learn a size (PCI 3.0 §6.2.5.1). */
static uint32_t sizing(uint16_t reg)
{
	wr(reg, 4, UINT32_MAX);
	return rd(reg, 4);
}

static const struct vpci_bar *bar(unsigned int i)
{
	return &view_of(given.name)->bar[i];
}

static uint64_t address(unsigned int i)
{
	return hf_load_acquire((hf_atomic(uint64_t) *)&bar(i)->addr);
}

/* --- sizing ------------------------------------------------------------------ */

static void add_kinds(void)
{
	fake_bar(given.fn, PCI_BASE_ADDRESS_1, 0x0000e001, 0x0000ffe0);
	fake_bar(given.fn, PCI_BASE_ADDRESS_2, 0x0000000c, 0);
	fake_bar(given.fn, PCI_BASE_ADDRESS_3, 0x00000014, 0xfffffffe);
	fake_bar(given.fn, PCI_BASE_ADDRESS_4, 0xfe100008, 0xfffffff0);
	fake_bar(given.fn, PCI_ROM_ADDRESS, 0xfd000001, 0xfff80001);
}

static void test_every_kind_is_sized_and_starts_at_0(void **state)
{
	(void)state;
	add_kinds();
	give(GIVEN);
	assert_int_equal(rd(PCI_BASE_ADDRESS_0, 4), 0);
	assert_int_equal(rd(PCI_BASE_ADDRESS_1, 4), 1);
	assert_int_equal(rd(PCI_BASE_ADDRESS_2, 4), 0xc);
	assert_int_equal(rd(PCI_BASE_ADDRESS_3, 4), 0);
	assert_int_equal(rd(PCI_BASE_ADDRESS_4, 4), 0x8);
	assert_int_equal(rd(PCI_ROM_ADDRESS, 4), 0);
	assert_int_equal(sizing(PCI_BASE_ADDRESS_0), 0xffff0000);
	assert_int_equal(sizing(PCI_BASE_ADDRESS_1), 0xffffffe1);
	assert_int_equal(sizing(PCI_BASE_ADDRESS_2), 0x0000000c);
	assert_int_equal(sizing(PCI_BASE_ADDRESS_3), 0xfffffffe);
	assert_int_equal(sizing(PCI_BASE_ADDRESS_4), 0xfffffff8);
	assert_int_equal(sizing(PCI_BASE_ADDRESS_5), 0);
	assert_int_equal(sizing(PCI_ROM_ADDRESS), 0xfff80001);
}

static void test_hardware_bars_are_out_of_the_guests_reach(void **state)
{
	uint8_t before[0x24];
	unsigned int reg, seed = 20260823, n;

	(void)state;
	add_kinds();
	give(GIVEN);
	memcpy(before, given.fn->reg + PCI_BASE_ADDRESS_0, sizeof(before));
	for (n = 0; n < 2000; n++) {
		uint8_t size = (uint8_t)(1 << rand_r(&seed) % 3);

		reg = PCI_BASE_ADDRESS_0 +
		      (unsigned int)rand_r(&seed) % sizeof(before);
		wr((uint16_t)(reg & ~(size - 1u)), size,
		   (uint32_t)rand_r(&seed) << 8);
		work();
	}
	assert_memory_equal(given.fn->reg + PCI_BASE_ADDRESS_0, before,
			    sizeof(before));
}

static void test_a_write_keeps_the_address_bits_only(void **state)
{
	(void)state;
	add_kinds();
	give(GIVEN);
	wr(PCI_BASE_ADDRESS_0, 4, 0xe1234567);
	assert_int_equal(rd(PCI_BASE_ADDRESS_0, 4), 0xe1230000);
	wr(PCI_BASE_ADDRESS_0 + 3, 1, 0xd0);
	wr(PCI_BASE_ADDRESS_0, 2, 0xffff);
	assert_int_equal(rd(PCI_BASE_ADDRESS_0, 4), 0xd0230000);
	assert_int_equal(address(0), 0xd0230000);
	wr(PCI_BASE_ADDRESS_1, 4, 0x0000c0ff);
	assert_int_equal(rd(PCI_BASE_ADDRESS_1, 4), 0x0000c0e1);
	wr(PCI_ROM_ADDRESS, 4, 0xe1fffffe);
	assert_int_equal(rd(PCI_ROM_ADDRESS, 4), 0xe1f80000);
}

/* From the so-manieth time on it says that it is another's, and larger. */
static unsigned int honest_reads;

#define REBAR 0x100

static void lie(struct fake_fn *fn, bool write, uint16_t reg)
{
	if (write ||
	    (reg != PCI_BASE_ADDRESS_0 && reg != REBAR + PCI_REBAR_CTRL) ||
	    honest_reads--)
		return;
	fake_put(fn, PCI_BASE_ADDRESS_0, 4, BAR0_AT + 0x1000000);
	fake_put(fn, REBAR + PCI_REBAR_CTRL, 2,
		 1 << PCI_REBAR_CTRL_NBAR_SHIFT |
			 3 << PCI_REBAR_CTRL_BAR_SHIFT);
	fake.on_access = NULL;
}

/* What a guest has is what is put back after its resets, and nothing else. */
static void test_where_a_bar_is_is_asked_once(void **state)
{
	struct pci_bar back[PCI_BAR_COUNT];
	unsigned int i, lies = 1;
	struct pci_dev *pdev;

	(void)state;
	fake_bar(given.fn, PCI_BASE_ADDRESS_0, BAR0_AT, 0xfff00000);
	fake_ext_cap(given.fn, REBAR, PCI_EXT_CAP_ID_REBAR);
	fake_allow(given.fn, REBAR + PCI_REBAR_CTRL, 2,
		   PCI_REBAR_CTRL_BAR_SIZE);
	add(GIVEN);
	pdev = get(GIVEN);
	for (i = 0; lies; i++) {
		hw_put(PCI_BASE_ADDRESS_0, 4, BAR0_AT);
		hw_put(REBAR + PCI_REBAR_CTRL, 2,
		       1 << PCI_REBAR_CTRL_NBAR_SHIFT |
			       2 << PCI_REBAR_CTRL_BAR_SHIFT);
		honest_reads = i;
		fake.on_access = lie;
		give(GIVEN);
		lies = !fake.on_access;
		fake.on_access = NULL;
		pcidev_bars(pdev, true, back);
		assert_int_equal(bar(0)->hpa, back[0].addr);
		assert_int_equal(bar(0)->size, back[0].size);
		assert_int_equal(bar(0)->hpa,
				 fake_get(given.fn, PCI_BASE_ADDRESS_0, 4));
		assert_int_equal(bar(0)->size,
				 0x100000u << (fake_get(given.fn,
							REBAR + PCI_REBAR_CTRL,
							2) >>
					       PCI_REBAR_CTRL_BAR_SHIFT));
		take_back();
	}
	assert_true(i > 2); /* one for each */
	pcidev_put(pdev);
}

/* --- which there are ----------------------------------------------------------- */

/* No host has placed it, so there is nothing to map. */
static void test_a_bar_without_an_address_is_not_there(void **state)
{
	(void)state;
	hw_put(PCI_BASE_ADDRESS_0, 4, 0);
	give(GIVEN);
	assert_int_equal(sizing(PCI_BASE_ADDRESS_0), 0);
	assert_int_equal(bar(0)->size, 0);
}

/* A host that cannot be asked, of registers that cannot be tried. */
/* Its last byte is the last there is: no address is behind it. */
/* Nobody can tell that from no answer, and so nobody could put it back. */
static void test_a_bar_at_the_very_end_is_a_defect(void **state)
{
	(void)state;
	fake_bar(given.fn, PCI_BASE_ADDRESS_0, 0xffff000c, 0xffff0000);
	fake_bar(given.fn, PCI_BASE_ADDRESS_1, 0xffffffff, 0xffffffff);
	assert_int_equal(give_at(GIVEN, pci_sbdf_from(UINT32_MAX)), -EBADF);
}

static void test_a_bar_of_unknown_size_is_not_there(void **state)
{
	struct pci_dev_info info;

	(void)state;
	fake_allow(given.fn, PCI_COMMAND, 2,
		   PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	hw_put(PCI_COMMAND, 2, MEMORY); /* does not go off */
	give(GIVEN);
	assert_int_equal(pci_query(view_of(GIVEN)->pdev->desc.sbdf, &info), 0);
	assert_true(info.desc.bar[0].size_unknown);
	assert_int_equal(sizing(PCI_BASE_ADDRESS_0), 0);
	take_back();
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), BAR0_AT);
}

static uint64_t told_size;

static int say_size(struct pci_host *host, pci_sbdf_t sbdf, unsigned int i,
		    uint64_t *size)
{
	(void)host, (void)sbdf;
	*size = i ? 0 : told_size;
	return 0;
}

/* What its registers could not say: a hostile device, or host. */
static void test_a_size_that_no_register_says_is_not_there(void **state)
{
	static const uint64_t sizes[] = { 1, 8, 1ull << 32, 1ull << 63 };
	size_t i;

	(void)state;
	fake.ops.bar_size = say_size;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		told_size = sizes[i];
		give(GIVEN);
		assert_int_equal(sizing(PCI_BASE_ADDRESS_0), 0);
		take_back();
		assert_int_equal(
			pci_remove_device(at(GIVEN), 0, 1000 * MSEC, NULL), 0);
	}
	told_size = 16;
	give(GIVEN);
	assert_int_equal(sizing(PCI_BASE_ADDRESS_0), 0xfffffff0);
}

/* §9.3.3.14; those of the PF and of the VF itself are no matter. */
static void test_a_vf_has_the_bars_that_its_pf_says(void **state)
{
	(void)state;
	fake_express(given.fn, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	fake_sriov(given.fn, 2, 4, 1);
	hw_put(0x200 + PCI_SRIOV_CTRL, 2, 0);
	fake_bar(given.fn, 0x200 + PCI_SRIOV_BAR, 0xf800000c, 0xffffc000);
	fake_bar(given.fn, 0x200 + PCI_SRIOV_BAR + 4, 0, UINT32_MAX);
	add(GIVEN);
	hw_put(0x200 + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE);
	give("00:03.5");
	assert_int_equal(sizing(PCI_BASE_ADDRESS_0), 0xffffc00c);
	assert_int_equal(sizing(PCI_BASE_ADDRESS_1), UINT32_MAX);
	assert_int_equal(sizing(PCI_BASE_ADDRESS_2), 0);
	wr(PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	wr(PCI_BASE_ADDRESS_1, 4, 0);
	wr(PCI_COMMAND, 2, MEMORY);
	work();
	assert_int_equal(given.mapped, 0x4000);
	assert_int_equal(given.gpa, 0xe0000000);
	assert_int_equal(given.hpa, 0xf8004000); /* the second */
	fake_allow(given.fn, PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	take_back();
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), 0);
}

/* --- placing ---------------------------------------------------------------------- */

static void test_memory_enable_maps_and_unmaps(void **state)
{
	(void)state;
	give(GIVEN);
	wr(PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	work();
	assert_int_equal(given.mapped, 0);
	wr(PCI_COMMAND, 2, MEMORY);
	work();
	assert_int_equal(given.mapped, 0x10000);
	assert_int_equal(given.gpa, 0xe0000000);
	assert_int_equal(given.hpa, BAR0_AT);
	wr(PCI_COMMAND, 2, 0);
	work();
	assert_int_equal(given.mapped, 0);
}

static void test_a_write_with_decode_on_is_a_move(void **state)
{
	(void)state;
	give(GIVEN);
	wr(PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	wr(PCI_COMMAND, 2, MEMORY);
	work();
	wr(PCI_BASE_ADDRESS_0, 4, 0xd0000000);
	work();
	assert_int_equal(given.gpa, 0xd0000000);
	assert_int_equal(given.mapped, 0x10000);
}

static void test_each_half_of_a_64_bit_bar_is_a_move(void **state)
{
	(void)state;
	fake_bar(given.fn, PCI_BASE_ADDRESS_2, 0x0010000c, 0xfff00000);
	fake_bar(given.fn, PCI_BASE_ADDRESS_3, 0x00000014, UINT32_MAX);
	give(GIVEN);
	wr(PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	wr(PCI_BASE_ADDRESS_2, 4, 0xd0000000);
	wr(PCI_COMMAND, 2, MEMORY);
	work();
	assert_int_equal(given.gpa, 0xd0000000);
	assert_int_equal(given.hpa, 0x1400100000);
	wr(PCI_BASE_ADDRESS_3, 4, 7);
	work();
	assert_int_equal(given.gpa, 0x7d0000000);
	assert_int_equal(given.mapped, 0x110000);
}

/* Where it may not be: the guest reads what is, and decode is off. */
static void test_a_failed_move_is_put_back(void **state)
{
	(void)state;
	assert_int_equal(vpci_window_add(given.guest, 0x7d0000000, 0x1000000),
			 0);
	fake_bar(given.fn, PCI_BASE_ADDRESS_0, 0, 0);
	fake_bar(given.fn, PCI_BASE_ADDRESS_2, 0x0010000c, 0xfff00000);
	fake_bar(given.fn, PCI_BASE_ADDRESS_3, 0x00000014, UINT32_MAX);
	give(GIVEN);
	wr(PCI_BASE_ADDRESS_2, 4, 0xd0000000);
	wr(PCI_BASE_ADDRESS_3, 4, 7);
	wr(PCI_COMMAND, 2, MEMORY | PCI_COMMAND_MASTER);
	work();
	assert_int_equal(given.mapped, 0x100000);
	wr(PCI_BASE_ADDRESS_3, 4, 0);
	work();
	assert_int_equal(rd(PCI_BASE_ADDRESS_2, 4), 0xd000000c);
	assert_int_equal(rd(PCI_BASE_ADDRESS_3, 4), 7);
	assert_int_equal(address(2), 0x7d0000000);
	assert_int_equal(rd(PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	assert_int_equal(given.mapped, 0);
}

static void test_io_never_decodes(void **state)
{
	(void)state;
	fake_bar(given.fn, PCI_BASE_ADDRESS_0, 0, 0);
	fake_bar(given.fn, PCI_BASE_ADDRESS_1, 0x0000e001, 0x0000e000);
	give(GIVEN);
	wr(PCI_BASE_ADDRESS_1, 4, 0x4000);
	wr(PCI_COMMAND, 2, MEMORY | PCI_COMMAND_IO);
	work();
	assert_false(bar(1)->decode);
	assert_int_equal(given.mapped, 0);
}

/* PCI 3.0 §6.2.5.2. The fake host minds a ROM that is written while decoding. */
static void test_rom_decodes_in_hardware_while_the_guest_has_it_on(void **state)
{
	(void)state;
	fake_bar(given.fn, PCI_ROM_ADDRESS, 0xfd000001, 0xffff0001);
	give(GIVEN);
	assert_int_equal(hw(PCI_ROM_ADDRESS, 4), 0xfd000000);
	wr(PCI_ROM_ADDRESS, 4, 0xe8000001);
	assert_int_equal(hw(PCI_ROM_ADDRESS, 4), 0xfd000000);
	wr(PCI_COMMAND, 2, MEMORY);
	assert_int_equal(hw(PCI_ROM_ADDRESS, 4), 0xfd000001);
	work();
	assert_int_equal(given.mapped, 0x10000);
	assert_int_equal(given.gpa, 0xe8000000);
	wr(PCI_ROM_ADDRESS, 4, 0xe8000000);
	/* Not before nobody can reach it any more (XSA-120). */
	assert_int_equal(hw(PCI_ROM_ADDRESS, 4), 0xfd000001);
	work();
	assert_int_equal(given.mapped, 0);
	assert_int_equal(hw(PCI_ROM_ADDRESS, 4), 0xfd000000);
	wr(PCI_ROM_ADDRESS, 4, 0xe9000001);
	work();
	assert_int_equal(given.gpa, 0xe9000000);
	wr(PCI_COMMAND, 2, 0);
	assert_int_equal(hw(PCI_ROM_ADDRESS, 4), 0xfd000001);
	wr(PCI_COMMAND, 2, MEMORY); /* thought better of it */
	work();
	assert_int_equal(given.mapped, 0x10000);
	assert_int_equal(hw(PCI_ROM_ADDRESS, 4), 0xfd000001);
	take_back();
	assert_int_equal(hw(PCI_ROM_ADDRESS, 4), 0xfd000000);
	fake.moved = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GIVEN_CASE(test_every_kind_is_sized_and_starts_at_0),
		GIVEN_CASE(test_hardware_bars_are_out_of_the_guests_reach),
		GIVEN_CASE(test_a_write_keeps_the_address_bits_only),
		GIVEN_CASE(test_where_a_bar_is_is_asked_once),
		GIVEN_CASE(test_a_bar_without_an_address_is_not_there),
		GIVEN_CASE(test_a_bar_of_unknown_size_is_not_there),
		GIVEN_CASE(test_a_size_that_no_register_says_is_not_there),
		GIVEN_CASE(test_a_vf_has_the_bars_that_its_pf_says),
		GIVEN_CASE(test_memory_enable_maps_and_unmaps),
		GIVEN_CASE(test_a_write_with_decode_on_is_a_move),
		GIVEN_CASE(test_each_half_of_a_64_bit_bar_is_a_move),
		GIVEN_CASE(test_a_failed_move_is_put_back),
		GIVEN_CASE(test_io_never_decodes),
		GIVEN_CASE(
			test_rom_decodes_in_hardware_while_the_guest_has_it_on),
		GIVEN_CASE(test_a_bar_at_the_very_end_is_a_defect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
