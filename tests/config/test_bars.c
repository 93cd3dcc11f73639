/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizing. The fake host fails every test in which a BAR is written while the
 * function decodes, or a VF BAR while VFs exist.
 */
#include "fake_host.h"

#define BAR(n) (PCI_BASE_ADDRESS_0 + 4 * (n))

static struct fake_fn *decoding(void)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);

	fake_put(fn, PCI_COMMAND, 2,
		 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return fn;
}

static void assert_bar(const struct pci_bar *bar, enum pci_bar_kind kind,
		       uint64_t addr, uint64_t size)
{
	assert_int_equal(bar->kind, kind);
	assert_int_equal(bar->addr, addr);
	assert_int_equal(bar->size, size);
	assert_false(bar->size_unknown);
}

static void test_each_kind_is_sized_and_everything_put_back(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;
	uint8_t before[4096];

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000000, 0xffffc000); /* 16 KiB */
	fake_bar(fn, BAR(1), 0x0000e001, 0x0000ffe0); /* 32 ports */
	fake_bar(fn, BAR(2), 0xe000000c, 0xf8000000); /* 128 MiB, 64-bit */
	fake_bar(fn, BAR(3), 0x00000038, 0xffffffff);
	fake_bar(fn, BAR(4), 0x0000000c, 0x00000000); /* 8 GiB, unset */
	fake_bar(fn, BAR(5), 0x00000000, 0xfffffffe);
	fake_bar(fn, PCI_ROM_ADDRESS, 0xfd000001, 0xfffc0001);
	memcpy(before, fn->reg, sizeof(before));
	desc = described("00:03.0");
	assert_null(desc.defect);
	assert_bar(&desc.bar[0], PCI_BAR_MEM32, 0xfe000000, 0x4000);
	assert_bar(&desc.bar[1], PCI_BAR_IO, 0xe000, 32);
	assert_bar(&desc.bar[2], PCI_BAR_MEM64, 0x38e0000000, 128 << 20);
	assert_true(desc.bar[2].prefetch);
	assert_false(desc.bar[0].prefetch);
	assert_bar(&desc.bar[3], PCI_BAR_NONE, 0, 0);
	assert_bar(&desc.bar[4], PCI_BAR_MEM64, 0, 8ull << 30);
	assert_bar(&desc.bar[6], PCI_BAR_ROM, 0xfd000000, 256 << 10);
	assert_memory_equal(before, fn->reg, sizeof(before));
	assert_int_not_equal(fn->writes, 0);
}

static bool master_went_off;

static void watch_master(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)write;
	(void)reg;
	if (!(fake_get(fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER))
		master_went_off = true;
}

static void test_bus_mastering_stays_as_it_was(void **state)
{
	struct fake_fn *fn = decoding();

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000000, 0xffffc000);
	master_went_off = false;
	fake.on_access = watch_master;
	described("00:03.0");
	assert_false(master_went_off);
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2), 7);
}

static bool rom_was_on;

static void watch_rom(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)write;
	(void)reg;
	if (fake_get(fn, PCI_ROM_ADDRESS, 4) & PCI_ROM_ADDRESS_ENABLE)
		rom_was_on = true;
}

/* It may share its decoder with a BAR (PCI 3.0 §6.2.5.2). */
static void test_a_rom_that_is_off_stays_off(void **state)
{
	struct fake_fn *fn = decoding();

	(void)state;
	fake_bar(fn, PCI_ROM_ADDRESS, 0xfd000000, 0xfffc0001);
	rom_was_on = false;
	fake.on_access = watch_rom;
	assert_int_equal(described("00:03.0").bar[6].size, 256 << 10);
	assert_false(rom_was_on);
}

static void test_io_with_32_bits_and_with_16_bits(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(0), 0x0000d001, 0xffffff00);
	fake_bar(fn, BAR(1), 0x0000d101, 0x0000ff00);
	desc = described("00:03.0");
	assert_bar(&desc.bar[0], PCI_BAR_IO, 0xd000, 256);
	assert_bar(&desc.bar[1], PCI_BAR_IO, 0xd100, 256);
}

static void test_a_bridge_has_two_bars_and_its_rom_elsewhere(void **state)
{
	struct fake_fn *fn = fake_bridge("00:01.0", 0, 0);
	struct pci_dev_desc desc;
	uint8_t before[256];

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000000, 0xffff0000);
	fake_put(fn, BAR(2), 4, 0x00010100); /* bus numbers, not a BAR */
	fake_allow(fn, BAR(2), 4, UINT32_MAX);
	fake_bar(fn, PCI_ROM_ADDRESS1, 0xfd000000, 0xffff0001);
	fake_put(fn, PCI_SECONDARY_BUS, 1, 1);
	fake_put(fn, PCI_SUBORDINATE_BUS, 1, 1);
	memcpy(before, fn->reg, sizeof(before));
	desc = described("00:01.0");
	assert_bar(&desc.bar[0], PCI_BAR_MEM32, 0xfe000000, 0x10000);
	assert_bar(&desc.bar[2], PCI_BAR_NONE, 0, 0);
	assert_bar(&desc.bar[6], PCI_BAR_ROM, 0xfd000000, 0x10000);
	assert_memory_equal(before, fn->reg, sizeof(before));
}

static void test_a_size_that_is_no_power_of_two_is_a_defect(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000000, 0xff0ff000);
	desc = described("00:03.0");
	assert_true(desc.bar[0].size_unknown);
	assert_string_equal(desc.defect, "a BAR's size is no power of two");
	assert_int_equal(fake_get(fn, BAR(0), 4), 0xfe000000);
}

static void test_an_upper_half_with_a_gap_is_a_defect(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000004, 0xfffff000);
	fake_bar(fn, BAR(1), 0x00000001, 0x0000ffff);
	desc = described("00:03.0");
	assert_string_equal(desc.defect, "a BAR's size is no power of two");
	assert_true(desc.bar[0].size_unknown);
	assert_int_equal(fake_get(fn, BAR(1), 4), 1);
}

static void test_type_bits_alone_are_not_4_gib(void **state)
{
	struct fake_fn *fn = decoding();

	(void)state;
	fake_bar(fn, BAR(0), 0x00000008, 0);
	assert_non_null(described("00:03.0").defect);
}

static void test_a_bar_that_changes_its_type_is_a_defect(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000000, 0xffffffff);
	desc = described("00:03.0");
	assert_string_equal(desc.defect, "a BAR changes its type");
	assert_int_equal(fake_get(fn, BAR(0), 4), 0xfe000000);
}

static void test_the_last_bar_cannot_be_64_bit(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(5), 0xfe000004, 0xfffff000);
	desc = described("00:03.0");
	assert_string_equal(desc.defect, "a 64-bit BAR has no upper half");
	assert_int_equal(desc.bar[5].kind, PCI_BAR_NONE);
	assert_int_equal(fake_get(fn, BAR(5), 4), 0xfe000004);
}

static uint16_t forbidden;

static void forbid(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn;
	assert_false(write && reg == forbidden);
}

static void test_a_bar_of_all_ones_is_a_defect_and_not_written(void **state)
{
	static const uint16_t regs[] = { BAR(0), BAR(5), PCI_ROM_ADDRESS };
	unsigned int i;

	(void)state;
	fake.on_access = forbid;
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		fake.count = 0;
		forbidden = regs[i];
		fake_bar(decoding(), regs[i], UINT32_MAX, 0);
		assert_string_equal(described("00:03.0").defect,
				    "a BAR reads all-ones");
	}
}

/* A register that takes one write only: all-ones, and not its value back. */
static void stick(struct fake_fn *fn, bool write, uint16_t reg)
{
	if (!write && reg == BAR(0) && fake_get(fn, BAR(0), 4) == 0xfffff000)
		fn->sticky = BAR(0);
}

static void test_a_bar_that_keeps_the_ones_is_a_defect(void **state)
{
	struct fake_fn *fn = decoding();

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000000, 0xfffff000);
	fake.on_access = stick;
	assert_string_equal(described("00:03.0").defect,
			    "a BAR did not take its value back");
	/* It would answer for 0xfffff000 now. */
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2), PCI_COMMAND_MASTER);
}

static void
test_decoding_that_cannot_be_switched_off_forbids_sizing(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000000, 0xfffff000);
	fn->sticky = PCI_COMMAND;
	desc = described("00:03.0");
	assert_int_equal(desc.bar[0].kind, PCI_BAR_MEM32);
	assert_true(desc.bar[0].size_unknown);
	assert_null(desc.defect);
}

static int known_size(struct pci_host *host, pci_sbdf_t sbdf, unsigned int bar,
		      uint64_t *size)
{
	(void)host;
	(void)sbdf;
	if (bar == 1)
		return -ENODATA;
	*size = bar ? 0 : fake.bar_size;
	return 0;
}

static void
test_a_host_that_knows_sizes_is_asked_and_nothing_written(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000000, 0xfffff000);
	fake_bar(fn, BAR(1), 0xfd000000, 0xfffff000);
	fake_bar(fn, BAR(2), 0xfc000000, 0xfffff000);
	fake.ops.bar_size = known_size;
	fake.bar_size = 1 << 20;
	desc = described("00:03.0");
	assert_bar(&desc.bar[0], PCI_BAR_MEM32, 0xfe000000, 1 << 20);
	assert_true(desc.bar[1].size_unknown);
	assert_int_equal(desc.bar[1].addr, 0xfd000000);
	assert_bar(&desc.bar[2], PCI_BAR_NONE, 0, 0);
	assert_int_equal(fn->writes, 0);
	fake.bar_size = 3 << 20;
	desc = described("00:03.0");
	assert_string_equal(desc.defect, "a BAR's size is no power of two");
}

static void test_a_read_only_host_is_not_written(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(0), 0xfe00000c, 0xfffff000);
	fake_bar(fn, BAR(1), 0x00000001, 0xffffffff);
	fake_bar(fn, PCI_ROM_ADDRESS, 0xfd000000, 0xffff0001);
	fake_sriov(fn, 0, 8, 1);
	fake_put(fn, 0x200 + PCI_SRIOV_BAR, 4, 0xf0000000);
	fake_allow(fn, 0x200 + PCI_SRIOV_BAR, 4, 0xfffff000);
	fake.ops.read_only = true;
	desc = described("00:03.0");
	assert_true(desc.bar[PCI_BAR_FIRST_VF].size_unknown);
	assert_int_equal(fn->writes, 0);
	assert_int_equal(desc.bar[0].kind, PCI_BAR_MEM64);
	assert_int_equal(desc.bar[0].addr, 0x1fe000000);
	assert_true(desc.bar[0].size_unknown);
	assert_true(desc.bar[6].size_unknown);
	assert_int_equal(desc.bar[2].kind, PCI_BAR_NONE);
}

static struct fake_fn *with_vf_bars(uint16_t num)
{
	struct fake_fn *pf = decoding();

	fake_sriov(pf, num, 0x80, 2);
	fake_bar(pf, 0x200 + PCI_SRIOV_BAR, 0xf000000c, 0xffffc000);
	fake_bar(pf, 0x200 + PCI_SRIOV_BAR + 4, 0x00000002, 0xffffffff);
	return pf;
}

static void test_vf_bars_are_sized_while_there_are_no_vfs(void **state)
{
	struct fake_fn *pf = with_vf_bars(0);
	struct pci_dev_desc desc;

	(void)state;
	desc = described("00:03.0");
	assert_bar(&desc.bar[PCI_BAR_FIRST_VF], PCI_BAR_MEM64, 0x2f0000000,
		   0x4000);
	assert_bar(&desc.bar[PCI_BAR_FIRST_VF + 2], PCI_BAR_NONE, 0, 0);
	assert_int_equal(fake_get(pf, 0x200 + PCI_SRIOV_BAR, 4), 0xf000000c);
	assert_int_equal(fake_get(pf, 0x200 + PCI_SRIOV_BAR + 4, 4), 2);
}

static void test_vf_bars_are_not_touched_while_vfs_exist(void **state)
{
	struct pci_dev_desc desc;

	(void)state;
	with_vf_bars(2);
	desc = described("00:03.0");
	assert_int_equal(desc.bar[PCI_BAR_FIRST_VF].kind, PCI_BAR_MEM64);
	assert_int_equal(desc.bar[PCI_BAR_FIRST_VF].addr, 0x2f0000000);
	assert_true(desc.bar[PCI_BAR_FIRST_VF].size_unknown);
	assert_false(desc.bar[PCI_BAR_FIRST_VF + 2].size_unknown);
}

static void test_vf_bars_are_not_touched_while_vfs_may_decode(void **state)
{
	struct fake_fn *pf = with_vf_bars(0);

	(void)state;
	fake_put(pf, 0x200 + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_MSE);
	assert_true(described("00:03.0").bar[PCI_BAR_FIRST_VF].size_unknown);
}

static void test_an_access_that_fails_leaves_every_register(void **state)
{
	struct fake_fn *fn = with_vf_bars(0);
	struct pci_dev_desc desc;
	uint8_t before[4096];
	unsigned int i, total;

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000004, 0xffffc000);
	fake_bar(fn, BAR(1), 0x00000001, 0xffffffff);
	fake_bar(fn, BAR(2), 0x0000e001, 0x0000ffe0);
	fake_bar(fn, PCI_ROM_ADDRESS, 0xfd000001, 0xfffc0001);
	memcpy(before, fn->reg, sizeof(before));
	described("00:03.0");
	total = fake.accesses;
	assert_true(total > 50);
	for (i = 1; i <= total; i++) {
		fake.accesses = 0;
		fake.error_at = i;
		assert_int_equal(pci_describe(fn->sbdf, &desc), -EIO);
		assert_memory_equal(before, fn->reg, sizeof(before));
	}
}

static int no_size(struct pci_host *host, pci_sbdf_t sbdf, unsigned int bar,
		   uint64_t *size)
{
	(void)host;
	(void)sbdf;
	(void)bar;
	(void)size;
	return -EOPNOTSUPP;
}

static void test_a_host_that_cannot_say_sizes_is_written(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000000, 0xfffff000);
	fake_bar(fn, PCI_ROM_ADDRESS, 0xfd000000, 0xffff0001);
	fake.ops.bar_size = no_size;
	desc = described("00:03.0");
	assert_bar(&desc.bar[0], PCI_BAR_MEM32, 0xfe000000, 0x1000);
	assert_bar(&desc.bar[6], PCI_BAR_ROM, 0xfd000000, 0x10000);
}

/* --- later ---------------------------------------------------------------------- */

static struct pci_bar now[PCI_BAR_COUNT];

static void look_again(const struct pci_dev_desc *desc)
{
	struct conf c;

	assert_int_equal(conf_raw(&c, desc->sbdf), 0);
	memset(now, 0xa5, sizeof(now));
	conf_bars_now(&c, desc, now);
}

static void test_bars_are_found_where_they_are_now(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000008, 0xffffc000);
	fake_bar(fn, BAR(1), 0x0000e001, 0x0000ffe0);
	fake_bar(fn, BAR(2), 0xe000000c, 0xf8000000);
	fake_bar(fn, BAR(3), 0x00000038, 0xffffffff);
	fake_bar(fn, PCI_ROM_ADDRESS, 0xfd000001, 0xfffc0001);
	desc = described("00:03.0");
	fake_put(fn, BAR(0), 4, 0xfc000008);
	fake_put(fn, BAR(1), 4, 0x0000d001);
	fake_put(fn, BAR(2), 4, 0x0800000c);
	fake_put(fn, BAR(3), 4, 0x00000039);
	fake_put(fn, PCI_ROM_ADDRESS, 4, 0xfb000001);
	look_again(&desc);
	assert_bar(&now[0], PCI_BAR_MEM32, 0xfc000000, 0x4000);
	assert_true(now[0].prefetch);
	assert_bar(&now[1], PCI_BAR_IO, 0xd000, 32);
	assert_bar(&now[2], PCI_BAR_MEM64, 0x3908000000, 128 << 20);
	assert_bar(&now[3], PCI_BAR_NONE, 0, 0);
	assert_bar(&now[6], PCI_BAR_ROM, 0xfb000000, 256 << 10);
}

static void test_a_bar_that_is_another_kind_now_has_no_address(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000000, 0xffffc000);
	desc = described("00:03.0");
	fake_put(fn, BAR(0), 4, 0xfc000004);
	look_again(&desc);
	assert_bar(&now[0], PCI_BAR_MEM32, 0, 0x4000);
}

static void test_a_bar_that_does_not_answer_is_where_it_was(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000000, 0xffffc000);
	fake_bar(fn, PCI_ROM_ADDRESS, 0xfd000000, 0xfffc0001);
	desc = described("00:03.0");
	fn->absent = true;
	look_again(&desc);
	assert_bar(&now[0], PCI_BAR_MEM32, 0xfe000000, 0x4000);
	assert_bar(&now[6], PCI_BAR_ROM, 0xfd000000, 256 << 10);
}

static void test_a_bridges_rom_is_found_where_it_is_now(void **state)
{
	struct fake_fn *fn = fake_bridge("00:01.0", 1, 1);
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, PCI_ROM_ADDRESS1, 0xfd000000, 0xffff0001);
	desc = described("00:01.0");
	fake_put(fn, PCI_ROM_ADDRESS1, 4, 0xfb000001);
	look_again(&desc);
	assert_bar(&now[6], PCI_BAR_ROM, 0xfb000000, 0x10000);
}

/* Its own registers read 0 (PCIe 6.0 §9.3.4.1.11). */
static void test_a_vfs_bars_stay_as_described(void **state)
{
	struct pci_dev_desc desc;

	(void)state;
	decoding();
	desc = described("00:03.0");
	desc.is_vf = true;
	desc.bar[0] = (struct pci_bar){ .kind = PCI_BAR_MEM64,
					.addr = 0x2f0000000,
					.size = 0x4000 };
	look_again(&desc);
	assert_bar(&now[0], PCI_BAR_MEM64, 0x2f0000000, 0x4000);
}

#define CTRL(bar, log2) ((bar) | 3u << 5 | (log2) << PCI_REBAR_CTRL_BAR_SHIFT)

/* Two BARs; then the list of a liar: a register that is none, a size too big. */
static void test_a_bar_has_the_size_it_was_given(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_express(fn, 0x60, PCI_EXP_TYPE_ENDPOINT);
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_REBAR);
	fake_bar(fn, BAR(0), 0xe0000000, 0xfff00000);
	fake_bar(fn, BAR(1), 0xe1000000, 0xfff00000);
	fake_bar(fn, BAR(2), 0xe2000000, 0xfff00000);
	fake_bar(fn, PCI_ROM_ADDRESS, 0xfd000000, 0xffff0001);
	desc = described("00:03.0");
	fake_put(fn, 0x100 + PCI_REBAR_CTRL, 4, CTRL(0, 1));
	fake_put(fn, 0x108 + PCI_REBAR_CTRL, 4, CTRL(2, 3));
	fake_put(fn, 0x110 + PCI_REBAR_CTRL, 4, CTRL(6, 4));
	look_again(&desc);
	assert_bar(&now[0], PCI_BAR_MEM32, 0xe0000000, 2 << 20);
	assert_bar(&now[1], PCI_BAR_MEM32, 0xe1000000, 1 << 20);
	assert_bar(&now[2], PCI_BAR_MEM32, 0xe2000000, 8 << 20);
	assert_bar(&now[6], PCI_BAR_ROM, 0xfd000000, 0x10000);
	fake_put(fn, 0x100 + PCI_REBAR_CTRL, 4, CTRL(0, 63));
	look_again(&desc);
	assert_bar(&now[0], PCI_BAR_MEM32, 0xe0000000, 1 << 20);
}

static void beyond(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn;
	(void)write;
	assert_true(reg < PCI_CFG_SPACE_EXP_SIZE);
}

static void test_a_list_of_sizes_ends_with_the_space(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_express(fn, 0x60, PCI_EXP_TYPE_ENDPOINT);
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_DSN);
	fake_ext_cap(fn, 0xff4, PCI_EXT_CAP_ID_REBAR);
	fake_bar(fn, BAR(0), 0xe0000000, 0xfff00000);
	desc = described("00:03.0");
	fake_put(fn, 0xff4 + PCI_REBAR_CTRL, 4, CTRL(0, 1));
	fake.on_access = beyond;
	look_again(&desc);
	assert_bar(&now[0], PCI_BAR_MEM32, 0xe0000000, 2 << 20);
}

static void test_a_list_of_sizes_has_six_at_most(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;
	unsigned int i;

	(void)state;
	fake_express(fn, 0x60, PCI_EXP_TYPE_ENDPOINT);
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_REBAR);
	fake_bar(fn, BAR(0), 0xe0000000, 0xfff00000);
	desc = described("00:03.0");
	for (i = 0; i < 7; i++)
		fake_put(fn, (uint16_t)(0x100 + 8 * i + PCI_REBAR_CTRL), 4,
			 0 | 7u << 5 | (1 + i) << PCI_REBAR_CTRL_BAR_SHIFT);
	look_again(&desc);
	assert_bar(&now[0], PCI_BAR_MEM32, 0xe0000000, 64 << 20);
}

/* The first write of Command fails, says the host; and was done. */
static int (*real_write)(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
			 uint8_t size, uint32_t val);
static unsigned int commands;

static int failing_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
			 uint8_t size, uint32_t val)
{
	int err = real_write(host, sbdf, reg, size, val);

	assert_int_equal(reg, PCI_COMMAND);
	return ++commands == 1 ? -EIO : err;
}

static void
test_without_word_that_decoding_is_off_no_bar_is_written(void **state)
{
	struct fake_fn *fn = decoding();
	struct pci_dev_desc desc;

	(void)state;
	fake_bar(fn, BAR(0), 0xfe000000, 0xffffc000);
	real_write = fake.ops.write;
	fake.ops.write = failing_write;
	commands = 0;
	fn->told = true;
	assert_int_equal(pci_describe(fn->sbdf, &desc), -EIO);
	assert_int_equal(commands, 2);
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2),
			 PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
				 PCI_COMMAND_MASTER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_each_kind_is_sized_and_everything_put_back),
		CASE(test_bus_mastering_stays_as_it_was),
		CASE(test_a_rom_that_is_off_stays_off),
		CASE(test_io_with_32_bits_and_with_16_bits),
		CASE(test_a_bridge_has_two_bars_and_its_rom_elsewhere),
		CASE(test_a_size_that_is_no_power_of_two_is_a_defect),
		CASE(test_an_upper_half_with_a_gap_is_a_defect),
		CASE(test_type_bits_alone_are_not_4_gib),
		CASE(test_a_bar_that_changes_its_type_is_a_defect),
		CASE(test_the_last_bar_cannot_be_64_bit),
		CASE(test_a_bar_of_all_ones_is_a_defect_and_not_written),
		CASE(test_a_bar_that_keeps_the_ones_is_a_defect),
		CASE(test_decoding_that_cannot_be_switched_off_forbids_sizing),
		CASE(test_a_host_that_knows_sizes_is_asked_and_nothing_written),
		CASE(test_a_read_only_host_is_not_written),
		CASE(test_vf_bars_are_sized_while_there_are_no_vfs),
		CASE(test_vf_bars_are_not_touched_while_vfs_exist),
		CASE(test_vf_bars_are_not_touched_while_vfs_may_decode),
		CASE(test_an_access_that_fails_leaves_every_register),
		CASE(test_a_host_that_cannot_say_sizes_is_written),
		CASE(test_bars_are_found_where_they_are_now),
		CASE(test_a_bar_that_is_another_kind_now_has_no_address),
		CASE(test_a_bar_that_does_not_answer_is_where_it_was),
		CASE(test_a_bridges_rom_is_found_where_it_is_now),
		CASE(test_a_vfs_bars_stay_as_described),
		CASE(test_a_bar_has_the_size_it_was_given),
		CASE(test_a_list_of_sizes_ends_with_the_space),
		CASE(test_a_list_of_sizes_has_six_at_most),
		CASE(test_without_word_that_decoding_is_off_no_bar_is_written),
	};

	return cmocka_run_group_tests_name("config/bars", tests, NULL, NULL);
}
