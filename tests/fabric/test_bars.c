/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BARs: sizing of every kind (PCI 3.0 §6.2.5.1), resizing, and the memory
 * behind them.
 */
#include "support.h"

static const char all_kinds[] =
	"{ \"at\": \"00.0\", \"kind\": \"endpoint\", \"id\": \"8086:1572\","
	"  \"class\": \"0x020000\", \"pin\": 1, \"bars\": ["
	"  { \"bar\": 0, \"type\": \"mem32\", \"size\": \"64K\" },"
	"  { \"bar\": 1, \"type\": \"io\", \"size\": 32 },"
	"  { \"bar\": 2, \"type\": \"mem64\", \"size\": \"8G\","
	"    \"prefetch\": true },"
	"  { \"bar\": 4, \"type\": \"mem64\", \"size\": \"4K\" },"
	"  { \"type\": \"rom\", \"size\": \"512K\" } ],"
	"  \"msix\": { \"entries\": 300, \"bar\": 0, \"table\": \"0x1000\","
	"             \"pba\": \"0x8000\" } }";

static const pci_sbdf_t port = { .devfn = PCI_DEVFN(1, 0) };
static const pci_sbdf_t card = { .bus = 1 };

static uint32_t sizing(struct fabric *f, pci_sbdf_t sbdf, unsigned int reg)
{
	uint32_t was = rd(f, sbdf, reg, 4), val;

	wr(f, sbdf, reg, 4, UINT32_MAX);
	val = rd(f, sbdf, reg, 4);
	wr(f, sbdf, reg, 4, was);
	assert_int_equal(rd(f, sbdf, reg, 4), was);
	return val;
}

static void test_sizing_of_every_kind(void **state)
{
	struct fabric *f = open_card(all_kinds);

	(void)state;
	assert_int_equal(sizing(f, card, PCI_BASE_ADDRESS_0), 0xffff0000);
	assert_int_equal(sizing(f, card, PCI_BASE_ADDRESS_1), 0xffffffe1);
	assert_int_equal(sizing(f, card, PCI_BASE_ADDRESS_2), 0x0000000c);
	assert_int_equal(sizing(f, card, PCI_BASE_ADDRESS_3), 0xfffffffe);
	assert_int_equal(sizing(f, card, PCI_BASE_ADDRESS_4), 0xfffff004);
	assert_int_equal(sizing(f, card, PCI_BASE_ADDRESS_5), 0xffffffff);
	assert_int_equal(sizing(f, card, PCI_ROM_ADDRESS), 0xfff80001);
	fabric_close(f);
}

static void test_absent_bars_read_zero(void **state)
{
	struct fabric *f =
		open_card("{ \"at\": \"00.0\", \"kind\": \"endpoint\","
			  "  \"id\": \"8086:1572\", \"class\": \"0x020000\" }");

	(void)state;
	for (unsigned int reg = PCI_BASE_ADDRESS_0; reg <= PCI_BASE_ADDRESS_5;
	     reg += 4)
		assert_int_equal(sizing(f, card, reg), 0);
	assert_int_equal(sizing(f, card, PCI_ROM_ADDRESS), 0);
	fabric_close(f);
}

static void test_vf_bars_are_sized_in_the_pf(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t nic = at("0000:03:00.0");
	unsigned int bar = ext(f, nic, PCI_EXT_CAP_ID_SRIOV) + PCI_SRIOV_BAR;

	(void)state;
	assert_int_equal(sizing(f, nic, bar), 0xffff000c);
	assert_int_equal(sizing(f, nic, bar + 12), 0xffffc00c);
	assert_int_equal(sizing(f, at("0000:03:02.0"), PCI_BASE_ADDRESS_0), 0);
	fabric_close(f);
}

static void test_resizing_changes_what_sizing_says(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t gpu = at("0000:12:00.0");
	unsigned int rebar = ext(f, gpu, PCI_EXT_CAP_ID_REBAR);

	(void)state;
	assert_int_equal(sizing(f, gpu, PCI_BASE_ADDRESS_0), 0xf000000c);
	wr(f, gpu, rebar + PCI_REBAR_CTRL, 4, 13 << PCI_REBAR_CTRL_BAR_SHIFT);
	assert_int_equal(sizing(f, gpu, PCI_BASE_ADDRESS_0), 0x0000000c);
	assert_int_equal(sizing(f, gpu, PCI_BASE_ADDRESS_1), 0xfffffffe);
	/* 32 GiB is not in the list: it stays at 8 */
	wr(f, gpu, rebar + PCI_REBAR_CTRL, 4, 15 << PCI_REBAR_CTRL_BAR_SHIFT);
	assert_int_equal(rd(f, gpu, rebar + PCI_REBAR_CTRL, 4) >>
				 PCI_REBAR_CTRL_BAR_SHIFT,
			 13);
	assert_int_equal(rd(f, gpu, rebar + PCI_REBAR_CTRL, 4) & 0xff, 2 << 5);
	/* the second pair is BAR 2's */
	wr(f, gpu, rebar + 8 + PCI_REBAR_CTRL, 4,
	   3 << PCI_REBAR_CTRL_BAR_SHIFT);
	assert_int_equal(sizing(f, gpu, PCI_BASE_ADDRESS_2), 0xff80000c);
	fabric_close(f);
}

/* --- the memory ------------------------------------------------------------------------- */

static uint64_t base_of(struct fabric *f, pci_sbdf_t sbdf, unsigned int reg)
{
	uint64_t low = rd(f, sbdf, reg, 4);

	if ((low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
	    PCI_BASE_ADDRESS_MEM_TYPE_64)
		low |= (uint64_t)rd(f, sbdf, reg + 4, 4) << 32;
	return low & ~15ull;
}

static bool claimed(struct fabric *f, uint64_t addr)
{
	uint64_t val;

	return fabric_mem_read(f, addr, 4, &val) == 0;
}

static void test_memory_keeps_what_is_written(void **state)
{
	struct fabric *f = open_card(all_kinds);
	uint64_t base = base_of(f, card, PCI_BASE_ADDRESS_2), val;

	(void)state;
	assert_int_equal(fabric_mem_read(f, base + 8, 8, &val), 0);
	assert_int_equal(val, 0);
	assert_int_equal(fabric_mem_write(f, base + 8, 8, 0x1122334455667788),
			 0);
	assert_int_equal(fabric_mem_read(f, base + 12, 2, &val), 0);
	assert_int_equal(val, 0x3344);
	assert_int_equal(fabric_mem_write(f, base + 13, 1, 0x99), 0);
	assert_int_equal(fabric_mem_read(f, base + 8, 8, &val), 0);
	assert_int_equal(val, 0x1122994455667788);
	assert_int_equal(fabric_mem_read(f, base + 1, 2, &val), -EINVAL);
	assert_int_equal(fabric_mem_read(f, base + (8ull << 30), 4, &val),
			 -ENODEV);
	fabric_close(f);
}

static void test_memory_answers_with_decode_on_only(void **state)
{
	struct fabric *f = open_card(all_kinds);
	uint64_t base = base_of(f, card, PCI_BASE_ADDRESS_0);
	unsigned int pm = cap(f, card, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	(void)state;
	assert_true(claimed(f, base));
	wr(f, card, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_false(claimed(f, base));
	wr(f, card, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(claimed(f, base));
	wr(f, card, pm, 2, 3); /* D3hot */
	assert_false(claimed(f, base));
	fabric_close(f);
}

static void test_memory_passes_bridges_by_their_windows(void **state)
{
	struct fabric *f = open_card(all_kinds);
	uint64_t base = base_of(f, card, PCI_BASE_ADDRESS_0);
	uint32_t window = rd(f, port, PCI_MEMORY_BASE, 4);

	(void)state;
	wr(f, port, PCI_MEMORY_BASE, 4, 0x0000fff0);
	assert_false(claimed(f, base));
	wr(f, port, PCI_MEMORY_BASE, 4, window);
	assert_true(claimed(f, base));
	wr(f, port, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_false(claimed(f, base));
	fabric_close(f);
}

static void test_rom_answers_with_its_enable_and_is_read_only(void **state)
{
	struct fabric *f = open_card(all_kinds);
	uint64_t base = rd(f, card, PCI_ROM_ADDRESS, 4), val;

	(void)state;
	assert_false(claimed(f, base));
	wr(f, card, PCI_ROM_ADDRESS, 4,
	   (uint32_t)base | PCI_ROM_ADDRESS_ENABLE);
	assert_true(claimed(f, base));
	assert_int_equal(fabric_mem_write(f, base, 4, 1), 0);
	assert_int_equal(fabric_mem_read(f, base, 4, &val), 0);
	assert_int_equal(val, 0);
	fabric_close(f);
}

static void test_msix_table_starts_masked_and_pba_is_read_only(void **state)
{
	struct fabric *f = open_card(all_kinds);
	uint64_t base = base_of(f, card, PCI_BASE_ADDRESS_0), val;
	uint64_t last = base + 0x1000 + 299 * PCI_MSIX_ENTRY_SIZE;

	(void)state;
	assert_int_equal(fabric_mem_read(f, last + PCI_MSIX_ENTRY_VECTOR_CTRL,
					 4, &val),
			 0);
	assert_int_equal(val, PCI_MSIX_ENTRY_CTRL_MASKBIT);
	assert_int_equal(fabric_mem_read(f,
					 last + PCI_MSIX_ENTRY_SIZE +
						 PCI_MSIX_ENTRY_VECTOR_CTRL,
					 4, &val),
			 0);
	assert_int_equal(val, 0); /* after the table */
	assert_int_equal(fabric_mem_write(f, base + 0x8000, 8, UINT64_MAX), 0);
	assert_int_equal(fabric_mem_read(f, base + 0x8000, 8, &val), 0);
	assert_int_equal(val, 0);
	fabric_close(f);
}

static void test_reset_forgets_the_memory_of_the_function(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t disk = at("0000:01:00.0");
	uint32_t low = rd(f, disk, PCI_BASE_ADDRESS_0, 4);
	uint32_t high = rd(f, disk, PCI_BASE_ADDRESS_1, 4);
	uint64_t base = base_of(f, disk, PCI_BASE_ADDRESS_0), val;
	unsigned int exp = cap(f, disk, PCI_CAP_ID_EXP);

	(void)state;
	assert_int_equal(fabric_mem_write(f, base, 4, 0xabcd), 0);
	wr(f, disk, exp + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	assert_false(claimed(f, base));
	wr(f, disk, PCI_BASE_ADDRESS_0, 4, low);
	wr(f, disk, PCI_BASE_ADDRESS_1, 4, high);
	wr(f, disk, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(fabric_mem_read(f, base, 4, &val), 0);
	assert_int_equal(val, 0);
	fabric_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizing_of_every_kind),
		cmocka_unit_test(test_absent_bars_read_zero),
		cmocka_unit_test(test_vf_bars_are_sized_in_the_pf),
		cmocka_unit_test(test_resizing_changes_what_sizing_says),
		cmocka_unit_test(test_memory_keeps_what_is_written),
		cmocka_unit_test(test_memory_answers_with_decode_on_only),
		cmocka_unit_test(test_memory_passes_bridges_by_their_windows),
		cmocka_unit_test(
			test_rom_answers_with_its_enable_and_is_read_only),
		cmocka_unit_test(
			test_msix_table_starts_masked_and_pba_is_read_only),
		cmocka_unit_test(test_reset_forgets_the_memory_of_the_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
