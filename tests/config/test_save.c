/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is kept of a device that leaves the hardware domain, and put back:
 * registers of which a host or a liar makes something unusual. That all of it
 * comes back through an assignment, tests/reset/ shows.
 */
#include "fake_host.h"

static struct pci_dev *pdev;

static void keep(const char *sbdf)
{
	add(sbdf);
	pdev = get(sbdf);
	pdev->record.wanted = true; /* as if it left */
	conf_save(pdev);
}

static void put_back(void)
{
	conf_restore(pdev, PCI_COMMAND_MEMORY);
	pcidev_put(pdev);
}

static void test_a_bar_whose_lower_half_is_0_comes_back(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);

	(void)state;
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0x4, 0xffff0000);
	fake_bar(fn, PCI_BASE_ADDRESS_1, 0x1, 0xffffffff); /* at 4 GiB */
	fake_bar(fn, PCI_BASE_ADDRESS_2, 0x4, 0xffff0000);
	fake_bar(fn, PCI_BASE_ADDRESS_3, 0x0, 0xffffffff); /* nowhere */
	keep("00:03.0");
	fake_put(fn, PCI_BASE_ADDRESS_0, 4, 0xe0000004);
	fake_put(fn, PCI_BASE_ADDRESS_1, 4, 0x5);
	fake_put(fn, PCI_BASE_ADDRESS_2, 4, 0xe0000004);
	put_back();
	assert_int_equal(fake_get(fn, PCI_BASE_ADDRESS_0, 4), 0x4);
	assert_int_equal(fake_get(fn, PCI_BASE_ADDRESS_1, 4), 0x1);
	assert_int_equal(fake_get(fn, PCI_BASE_ADDRESS_2, 4), 0xe0000004);
}

/* A reset of somebody else's hides them; where they are put back it does not. */
static void test_bars_are_told_as_they_are_or_as_they_come_back(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);
	struct pci_bar bar[PCI_BAR_COUNT];

	(void)state;
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0xe0000004, 0xffff0000);
	fake_bar(fn, PCI_BASE_ADDRESS_1, 0x1, 0xffffffff);
	fake_bar(fn, PCI_BASE_ADDRESS_2, 0xd0000000, 0xfffff000);
	keep("00:03.0");
	fake_put(fn, PCI_BASE_ADDRESS_0, 4, 0x4);
	fake_put(fn, PCI_BASE_ADDRESS_1, 4, 0);
	fake_put(fn, PCI_BASE_ADDRESS_2, 4, 0);
	pcidev_bars(pdev, false, bar);
	assert_int_equal(bar[0].addr, 0);
	assert_int_equal(bar[2].addr, 0);
	pcidev_bars(pdev, true, bar);
	assert_int_equal(bar[0].addr, 0x1e0000000);
	assert_int_equal(bar[0].size, 0x10000);
	assert_int_equal(bar[2].addr, 0xd0000000);
	assert_int_equal(bar[2].size, 0x1000);
	put_back();
}

/* One answer of all-ones, at each of its reads, and what is there again. */
static struct {
	uint16_t reg;
	unsigned int nth, seen;
	uint32_t val;
} mute;

static void mute_once(struct fake_fn *fn, bool write, uint16_t reg)
{
	if (mute.seen == mute.nth)
		fake_put(fn, mute.reg, 4, mute.val);
	if (write || reg != mute.reg)
		return;
	if (++mute.seen == mute.nth)
		fake_put(fn, mute.reg, 4, UINT32_MAX);
	else
		fake_put(fn, mute.reg, 4, mute.val);
}

/* Where it was when it was added is not where it is. */
static void test_a_bar_that_does_not_answer_is_read_again(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);
	unsigned int half;

	(void)state;
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0xe0000004, 0xffff0000);
	fake_bar(fn, PCI_BASE_ADDRESS_1, 0x1, 0xffffffff);
	add("00:03.0");
	pdev = get("00:03.0");
	for (half = 0; half < 2; half++) {
		fake_put(fn, PCI_BASE_ADDRESS_0, 4, 0xd0000004);
		fake_put(fn, PCI_BASE_ADDRESS_1, 4, 0x2);
		mute.reg = (uint16_t)(PCI_BASE_ADDRESS_0 + 4 * half);
		mute.val = fake_get(fn, mute.reg, 4);
		mute.seen = 0;
		mute.nth = 1;
		fake.on_access = mute_once;
		pdev->record.wanted = true;
		assert_int_equal(conf_save(pdev), 0);
		fake.on_access = NULL;
		assert_true(mute.seen > mute.nth);
		assert_int_equal(pdev->record.bar[0], 0xd0000000);
		assert_int_equal(pdev->record.bar[1], 0x2);
	}
	pcidev_put(pdev);
}

static void test_what_is_not_recorded_yet_is_not_overwritten(void **state)
{
	const uint16_t on = PCI_COMMAND_MEMORY | PCI_COMMAND_PARITY;
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);

	(void)state;
	add("00:03.0");
	pdev = get("00:03.0");
	fake_put(fn, PCI_COMMAND, 2, on | PCI_COMMAND_MASTER);
	pdev->record.wanted = true;
	conf_stop(pdev);
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2), on);
	assert_int_equal(conf_save(pdev), 0);
	assert_int_equal(pdev->record.command, on);
	conf_stop(pdev);
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2),
			 PCI_COMMAND_INTX_DISABLE);
	pcidev_put(pdev);
}

/* The host fails at the BAR, which comes after the interrupt line. */
static void fail_bar(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn;
	if (write && reg == PCI_INTERRUPT_LINE)
		fake.error_at = fake.accesses + 1;
}

static void test_what_is_not_put_back_does_not_decode(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);

	(void)state;
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0xe0000000, 0xffff0000);
	keep("00:03.0");
	fake_put(fn, PCI_BASE_ADDRESS_0, 4, 0);
	fake.on_access = fail_bar;
	assert_int_equal(conf_restore(pdev, PCI_COMMAND_MEMORY), -EIO);
	fake.on_access = NULL;
	assert_int_equal(fake_get(fn, PCI_BASE_ADDRESS_0, 4), 0);
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2),
			 PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(conf_restore(pdev, PCI_COMMAND_MEMORY), 0);
	assert_int_equal(fake_get(fn, PCI_BASE_ADDRESS_0, 4), 0xe0000000);
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	pcidev_put(pdev);
}

/* --- sizes that were chosen --------------------------------------------------- */

static uint16_t lowest, highest; /* of what is touched from REBAR on */

static void watch(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn;
	(void)write;
	assert_true(reg < PCI_CFG_SPACE_EXP_SIZE);
	if (reg > highest && reg >= lowest)
		highest = reg;
}

/* A list at @pos that says that it has @n; what is touched last of it. */
static uint16_t last_touched(uint16_t pos, unsigned int n)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);
	unsigned int i;

	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_DSN);
	fake_ext_cap(fn, pos, PCI_EXT_CAP_ID_REBAR);
	for (i = 0; i < n && pos + 8 * i + PCI_REBAR_CTRL < 4096; i++) {
		fake_put(fn, (uint16_t)(pos + 8 * i + PCI_REBAR_CTRL), 4,
			 i | n << PCI_REBAR_CTRL_NBAR_SHIFT | 3u << 8);
		fake_allow(fn, (uint16_t)(pos + 8 * i + PCI_REBAR_CTRL), 4,
			   PCI_REBAR_CTRL_BAR_SIZE);
	}
	lowest = pos;
	highest = 0;
	fake.on_access = watch;
	keep("00:03.0");
	fake_put(fn, pos + PCI_REBAR_CTRL, 4,
		 n << PCI_REBAR_CTRL_NBAR_SHIFT | 1u << 8);
	put_back();
	assert_int_equal(fake_get(fn, pos + PCI_REBAR_CTRL, 4),
			 n << PCI_REBAR_CTRL_NBAR_SHIFT | 3u << 8);
	fake.on_access = NULL;
	assert_int_equal(pci_device_lost(fn->sbdf), 0);
	fake.count = 0;
	return highest;
}

static void test_sizes_end_with_the_list_the_bars_and_the_space(void **state)
{
	(void)state;
	assert_int_equal(last_touched(0x200, 2), 0x208 + PCI_REBAR_CTRL);
	assert_int_equal(last_touched(0x200, 6), 0x228 + PCI_REBAR_CTRL);
	assert_int_equal(last_touched(0x200, 7), 0x228 + PCI_REBAR_CTRL);
	assert_int_equal(last_touched(0xff4, 7), 0xff4 + PCI_REBAR_CTRL);
}

/* A capability whose header is the last thing there is has no controls. */
static void test_a_list_of_sizes_may_begin_where_the_space_ends(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);
	struct pci_bar bar[PCI_BAR_COUNT];
	uint16_t pos;

	(void)state;
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0xe0000000, 0xfff00000);
	for (pos = 0xff8; pos < PCI_CFG_SPACE_EXP_SIZE; pos += 4) {
		fake_put(fn, PCI_CFG_SPACE_SIZE, 4, 0);
		fake_put(fn, pos, 4, 0);
		fake_ext_cap(fn, PCI_CFG_SPACE_SIZE, PCI_EXT_CAP_ID_DSN);
		fake_ext_cap(fn, pos, PCI_EXT_CAP_ID_REBAR);
		lowest = pos;
		fake.on_access = watch;
		keep("00:03.0");
		pcidev_bars(pdev, false, bar);
		assert_int_equal(bar[0].size, 0x100000);
		pcidev_bars(pdev, true, bar);
		assert_int_equal(bar[0].size, 0x100000);
		put_back();
		fake.on_access = NULL;
		assert_int_equal(pci_device_lost(fn->sbdf), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_bar_whose_lower_half_is_0_comes_back),
		CASE(test_bars_are_told_as_they_are_or_as_they_come_back),
		CASE(test_a_bar_that_does_not_answer_is_read_again),
		CASE(test_what_is_not_recorded_yet_is_not_overwritten),
		CASE(test_what_is_not_put_back_does_not_decode),
		CASE(test_sizes_end_with_the_list_the_bars_and_the_space),
		CASE(test_a_list_of_sizes_may_begin_where_the_space_ends),
	};

	return cmocka_run_group_tests_name("config/save", tests, NULL, NULL);
}
