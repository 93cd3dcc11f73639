/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X as a guest has it (PCIe 6.0 §7.7.2): Message Control through its own
 * accesses, table and PBA as the trap of memory space asks for them.
 */
#include "message.h"

#define ON PCI_MSIX_FLAGS_ENABLE
#define ALL PCI_MSIX_FLAGS_MASKALL
#define TABLE 0x2000 /* both in BAR 0, unless told */
#define PBA 0x3000
#define BAR_SIZE 0x10000
#define ENTRY(i) (TABLE + (i)*PCI_MSIX_ENTRY_SIZE)
#define ONES UINT64_MAX

static void add_msix(unsigned int entries, uint32_t table, uint32_t pba)
{
	struct fake_fn *fn = message.fn;

	fake_cap(fn, MESSAGE_CAP, PCI_CAP_ID_MSIX);
	fake_put(fn, MESSAGE_CAP + PCI_MSIX_FLAGS, 2, entries - 1);
	fake_put(fn, MESSAGE_CAP + PCI_MSIX_TABLE, 4, table);
	fake_put(fn, MESSAGE_CAP + PCI_MSIX_PBA, 4, pba);
	memset(fn->writable + MESSAGE_CAP + PCI_MSIX_FLAGS, 0xff, 10);
}

static void msix(unsigned int entries)
{
	add_msix(entries, TABLE, PBA);
	message_assign();
}

/* --- table and PBA ------------------------------------------------------------ */

static bool is_ours(unsigned int bar, uint64_t offset, uint8_t size,
		    uint64_t *val)
{
	bool yes;

	plat_rcu_read_lock();
	yes = vpci_msix_mem_read(message_view(), bar, offset, size, val);
	plat_rcu_read_unlock();
	return yes;
}

static uint64_t peek(uint64_t offset, uint8_t size)
{
	uint64_t val = 0x5a5a5a5a5a5a5a5a;

	assert_true(is_ours(0, offset, size, &val));
	return val;
}

static bool poke_at(unsigned int bar, uint64_t offset, uint8_t size,
		    uint64_t val)
{
	bool yes;

	message_lock();
	yes = vpci_msix_mem_write(message_view(), bar, offset, size, val);
	message_unlock();
	return yes;
}

static void poke(uint64_t offset, uint8_t size, uint64_t val)
{
	assert_true(poke_at(0, offset, size, val));
}

static void program(unsigned int i, uint64_t address, uint32_t data)
{
	poke(ENTRY(i), 8, address);
	poke(ENTRY(i) + PCI_MSIX_ENTRY_DATA, 4, data);
}

static void mask(unsigned int i, bool on)
{
	poke(ENTRY(i) + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, on);
}

static struct pci_vector ask(unsigned int i)
{
	struct pci_vector v;

	assert_int_equal(vpci_vector(at(MESSAGE_DEV), PCI_VECTOR_MSIX, i, &v),
			 0);
	return v;
}

static int pend(unsigned int i)
{
	return vpci_vector_pending(at(MESSAGE_DEV), PCI_VECTOR_MSIX, i);
}

static struct vpci_info info(void)
{
	struct vpci_info i;

	assert_int_equal(vpci_query(at(MESSAGE_DEV), &i), 0);
	return i;
}

static void test_it_starts_off_with_every_entry_empty_and_masked(void **state)
{
	unsigned int i;

	(void)state;
	msix(5);
	assert_int_equal(cap_read(PCI_MSIX_FLAGS, 2), 4);
	for (i = 0; i < 5; i++) {
		assert_true(peek(ENTRY(i), 8) == 0);
		assert_true(peek(ENTRY(i) + 8, 8) == 1ull << 32);
		assert_true(ask(i).masked);
		assert_false(ask(i).enabled);
	}
}

static void test_where_table_and_pba_are_is_the_hardwares_word(void **state)
{
	(void)state;
	add_msix(8, 0x2000 | 2, 0x3000);
	message_assign();
	cap_write(PCI_MSIX_FLAGS, 2, 0x3fff);
	cap_write(PCI_MSIX_TABLE, 4, 0);
	cap_write(PCI_MSIX_PBA, 4, UINT32_MAX);
	memset(message.fn->reg + MESSAGE_CAP + PCI_MSIX_FLAGS, 0x33, 10);
	assert_int_equal(cap_read(PCI_MSIX_FLAGS, 2), 7);
	assert_int_equal(cap_read(PCI_MSIX_TABLE, 4), 0x2002);
	assert_int_equal(cap_read(PCI_MSIX_PBA, 4), 0x3000);
	assert_true(poke_at(2, 0x2000, 8, 4));
	assert_false(poke_at(0, 0x2000, 8, 4));
	assert_false(poke_at(2, 0x3000, 8, 4));
}

static void test_an_entry_is_written_by_4_or_8_bytes(void **state)
{
	(void)state;
	msix(3);
	poke(ENTRY(1), 4, 0xfee00000);
	poke(ENTRY(1) + 4, 4, 0x12);
	assert_true(peek(ENTRY(1), 8) == 0x12fee00000);
	assert_true(peek(ENTRY(1) + 4, 4) == 0x12);
	poke(ENTRY(1), 8, 0x34abcdef00);
	assert_true(peek(ENTRY(1), 4) == 0xabcdef00);
	poke(ENTRY(1) + 8, 8, 0x4711);
	assert_true(peek(ENTRY(1) + 8, 4) == 0x4711);
	assert_true(peek(ENTRY(1) + 12, 4) == 0);
	poke(ENTRY(1) + 12, 4, 1);
	assert_true(peek(ENTRY(1) + 8, 8) == 0x100004711);
	assert_true(peek(ENTRY(0), 8) == 0);
	assert_true(peek(ENTRY(2), 8) == 0);
}

static void test_reserved_bits_of_an_entry_stay_0(void **state)
{
	(void)state;
	msix(1);
	poke(ENTRY(0), 8, ONES);
	poke(ENTRY(0) + 8, 8, ONES);
	assert_true(peek(ENTRY(0), 8) == ONES - 3);
	assert_true(peek(ENTRY(0) + 8, 8) == 0x1ffffffff);
}

static void test_other_accesses_read_ones_and_are_dropped(void **state)
{
	static const struct {
		unsigned int offset, size;
	} bad[] = { { 0, 1 },   { 0, 2 },  { 2, 2 },  { 1, 4 }, { 2, 4 },
		    { 4, 8 },   { 12, 8 }, { 7, 8 },  { 0, 3 }, { 0, 16 },
		    { 0, 255 }, { 15, 1 }, { 0, 12 }, { 6, 4 } };
	unsigned int i;

	(void)state;
	msix(2);
	program(0, 0xfee00000, 0x40);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_told(2);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		uint8_t size = (uint8_t)bad[i].size;

		assert_true(peek(ENTRY(0) + bad[i].offset, size) ==
			    vpci_ones(size));
		poke(ENTRY(0) + bad[i].offset, size, 0);
		assert_true(peek(PBA + bad[i].offset % 8, size) ==
			    vpci_ones(size));
		poke(PBA + bad[i].offset % 8, size, 0);
	}
	assert_told(0);
	assert_true(peek(ENTRY(0), 8) == 0xfee00000);
	assert_true(peek(ENTRY(0) + 8, 8) == 0x100000040);
}

static void test_an_access_across_an_edge_is_a_bad_one(void **state)
{
	(void)state;
	msix(1);
	assert_true(peek(TABLE - 4, 8) == ONES);
	assert_true(peek(TABLE + 12, 8) == ONES);
	assert_true(peek(PBA - 1, 4) == UINT32_MAX);
	poke(TABLE - 4, 8, 0);
	poke(TABLE + 12, 8, 0);
	assert_true(peek(TABLE + 8, 8) == 1ull << 32);
}

static void test_what_is_next_to_them_is_not_theirs(void **state)
{
	uint64_t val;

	(void)state;
	msix(65);
	assert_false(is_ours(0, TABLE - 8, 8, &val));
	assert_false(is_ours(0, ENTRY(65), 8, &val));
	assert_false(is_ours(0, PBA - 8, 8, &val));
	assert_true(is_ours(0, PBA + 8, 8, &val)); /* 65 bits: two words */
	assert_false(is_ours(0, PBA + 16, 8, &val));
	assert_false(is_ours(1, TABLE, 8, &val));
	assert_false(is_ours(UINT_MAX, TABLE, 8, &val));
	assert_false(is_ours(0, UINT64_MAX, 8, &val));
	assert_false(is_ours(0, UINT64_MAX - 7, 8, &val));
	assert_false(is_ours(0, 1ull << 32 | TABLE, 8, &val));
	assert_false(poke_at(0, ENTRY(65), 4, 0));
}

/* The same again with other hardware. */
static void start_over(void)
{
	assert_int_equal(message_teardown(NULL), 0);
	assert_int_equal(message_setup(NULL), 0);
}

/* The end of the pending bits: whole words of 64. */
static void pba_ends(unsigned int entries, unsigned int bytes)
{
	uint64_t val;

	start_over();
	add_msix(entries, 0, 0x8000);
	message_assign();
	assert_true(is_ours(0, 0x8000 + bytes - 4, 4, &val));
	assert_false(is_ours(0, 0x8000 + bytes, 4, &val));
}

static void test_the_pba_ends_with_the_word_of_the_last_vector(void **state)
{
	(void)state;
	pba_ends(1, 8);
	pba_ends(63, 8);
	pba_ends(64, 8);
	pba_ends(65, 16);
	pba_ends(128, 16);
	pba_ends(129, 24);
	pba_ends(2048, 256);
}

static void test_pages_with_a_part_of_them_trap(void **state)
{
	struct vpci *view;

	(void)state;
	add_msix(300, 0x2ff8, 0x8ff8); /* table to 0x42b8, PBA to 0x9020 */
	message_assign();
	view = message_view();
	assert_false(vpci_msix_has_page(view, 0, 0x1000));
	assert_true(vpci_msix_has_page(view, 0, 0x2000));
	assert_true(vpci_msix_has_page(view, 0, 0x3000));
	assert_true(vpci_msix_has_page(view, 0, 0x4000));
	assert_false(vpci_msix_has_page(view, 0, 0x5000));
	assert_true(vpci_msix_has_page(view, 0, 0x8000));
	assert_true(vpci_msix_has_page(view, 0, 0x9000));
	assert_false(vpci_msix_has_page(view, 0, 0xa000));
	assert_false(vpci_msix_has_page(view, 2, 0x2000));
	assert_false(vpci_msix_has_page(view, 0, UINT64_MAX & ~0xfffull));
}

/* --- hostile hardware ---------------------------------------------------------- */

static void test_table_and_pba_that_cannot_be_are_hidden(void **state)
{
	static const struct {
		unsigned int entries;
		uint32_t table, pba;
		bool shown;
	} hw[] = {
		{ 16, BAR_SIZE - 0x100, 0, true }, /* to the BAR's last byte */
		{ 17, BAR_SIZE - 0x100, 0, false },
		{ 64, 0, BAR_SIZE - 8, true },
		{ 65, 0, BAR_SIZE - 8, false },
		{ 65, 0, BAR_SIZE - 16, true },
		{ 1, 0xfffffff8, 0, false }, /* + 16 does not wrap to 8 */
		{ 2048, 0, 0xfffffff8, false },
		{ 16, 0, 0x100, true }, /* the PBA right behind the table */
		{ 16, 0, 0xf8, false },
		{ 16, 0x10, 0x8, true }, /* and right before it */
		{ 65, 0x10, 0x8, false },
		{ 4, 0x1000, 0x1000, false },
		{ 16, 0, 0 | 2, true }, /* another BAR, the same offset */
		{ 1, 0 | 1, 0, false }, /* no such BAR */
		{ 1, 0, 0x100 | 1, false },
		{ 1, 0 | 4, 0, false }, /* I/O */
		{ 1, 0, 0x100 | 4, false },
		{ 1, 0 | 5, 0, false }, /* none either */
		{ 1, 0 | 6, 0, false }, /* reserved */
		{ 1, 0, 0x100 | 7, false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(hw); i++) {
		uint64_t val;

		start_over();
		fake_bar(message.fn, PCI_BASE_ADDRESS_4, 0x10001, 0xffff0000);
		add_msix(hw[i].entries, hw[i].table, hw[i].pba);
		message_assign();
		if (pend(0) != (hw[i].shown ? 0 : -ENOENT))
			fail_msg("%u entries, table %x, PBA %x", hw[i].entries,
				 hw[i].table, hw[i].pba);
		assert_int_equal(info().failed, !hw[i].shown);
		if (hw[i].shown)
			continue;
		assert_int_equal(cap_read(PCI_MSIX_TABLE, 4), 0);
		cap_write(PCI_MSIX_FLAGS, 2, ON);
		assert_int_equal(cap_read(PCI_MSIX_FLAGS, 2), 0);
		assert_told(0);
		/* Hidden, and hardware's is not for the guest all the same. */
		if (!is_ours(0, hw[i].table & ~7u, 8, &val))
			continue;
		assert_true(val == UINT64_MAX);
		assert_true(vpci_msix_has_page(message_view(), 0,
					       hw[i].table & ~0xfffu));
	}
}

/* Set-up by hand, of what no guest gets or the fake host cannot show. */
static int set_up(void)
{
	struct pci_dev *pdev = message_view()->pdev;
	struct vpci view = { .pdev = pdev, .sealed = true };
	int err;

	memcpy(view.host_bar, message_view()->host_bar, sizeof(view.host_bar));
	assert_int_equal(vpci_msix_find_regions(&view), 0);
	err = vpci_guest_msix.setup(&view, pdev, MESSAGE_CAP);
	assert_null(view.msix);
	return err; /* -EBUSY: it was about to add registers */
}

static void test_a_bar_of_unknown_size_holds_no_table(void **state)
{
	struct pci_bar *bar;

	(void)state;
	msix(4);
	bar = &message_view()->host_bar[0];
	assert_int_equal(set_up(), -EBUSY);
	bar->size_unknown = true;
	assert_int_equal(set_up(), -EINVAL);
	bar->size_unknown = false;
}

/* 7 would be the first VF BAR in host_bar. */
static void test_a_bir_beyond_the_bars_names_none(void **state)
{
	struct pci_bar *bar;

	(void)state;
	msix(4);
	bar = message_view()->host_bar;
	bar[PCI_BAR_FIRST_VF] = bar[0];
	fake_put(message.fn, MESSAGE_CAP + PCI_MSIX_TABLE, 4, TABLE | 7);
	assert_int_equal(set_up(), -EINVAL);
	fake_put(message.fn, MESSAGE_CAP + PCI_MSIX_TABLE, 4, TABLE);
	assert_int_equal(set_up(), -EBUSY);
}

/* From the so-manieth time on it says that both are elsewhere. */
static unsigned int honest_reads;

static void lie(struct fake_fn *fn, bool write, uint16_t reg)
{
	if (write || reg < MESSAGE_CAP + PCI_MSIX_TABLE ||
	    reg >= MESSAGE_CAP + PCI_MSIX_PBA + 4 || honest_reads--)
		return;
	fake_put(fn, MESSAGE_CAP + PCI_MSIX_TABLE, 4, TABLE + 0x4000);
	fake_put(fn, MESSAGE_CAP + PCI_MSIX_PBA, 4, PBA + 0x4000);
	fake.on_access = NULL;
}

static uint64_t shown_at(uint16_t reg)
{
	uint64_t where = cap_read(reg, 4), val;

	assert_true(is_ours(0, where, 8, &val));
	assert_true(vpci_msix_has_page(message_view(), 0, where & ~0xfffull));
	return where;
}

/* What a guest is shown is what traps, and nothing else is a table. */
static void test_where_table_and_pba_are_is_asked_once(void **state)
{
	unsigned int lies, i;
	uint64_t table, val;

	(void)state;
	for (i = 0, lies = 1; lies; i++) {
		start_over();
		add_msix(65, TABLE, PBA);
		honest_reads = i;
		fake.on_access = lie;
		message_assign();
		lies = fake_get(message.fn, MESSAGE_CAP + PCI_MSIX_TABLE, 4) !=
		       TABLE;
		table = shown_at(PCI_MSIX_TABLE);
		assert_int_equal(peek(shown_at(PCI_MSIX_PBA), 8), 0);
		poke(table + 64 * PCI_MSIX_ENTRY_SIZE, 8, 0xfee00000);
		assert_true(ask(64).address == 0xfee00000);
		assert_false(
			is_ours(0, table ^ TABLE ^ (TABLE + 0x4000), 8, &val));
	}
	assert_true(i > 2); /* one for each */
}

static void test_a_second_capability_is_hidden(void **state)
{
	(void)state;
	fake_cap(message.fn, 0x90, PCI_CAP_ID_MSIX);
	fake_put(message.fn, 0x90 + PCI_MSIX_TABLE, 4, TABLE);
	fake_put(message.fn, 0x90 + PCI_MSIX_PBA, 4, PBA);
	msix(4);
	assert_int_equal(info().failed, 1);
	assert_int_equal(cap_read(0, 4), 0);
	assert_int_equal(pend(3), -EINVAL); /* the first one has 1 */
}

/* --- who is told what ------------------------------------------------------------ */

static void test_enabling_and_disabling_tell_each_vector_once(void **state)
{
	unsigned int i;

	(void)state;
	msix(3);
	program(1, 0x5fee00000, 0x41);
	mask(1, false);
	assert_told(0);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_told(3);
	for (i = 0; i < 3; i++) {
		assert_vector(&message.told[i], i, true, i != 1);
		assert_true(message.told[i].msix);
	}
	assert_true(message.told[1].address == 0x5fee00000);
	assert_int_equal(message.told[1].data, 0x41);
	assert_true(info().msix_enabled);
	cap_write(PCI_MSIX_FLAGS, 2, 0);
	assert_told(3);
	assert_vector(&message.told[1], 1, false, false);
	assert_false(info().msix_enabled);
}

static void
test_XSA_237_enabling_again_undoes_nothing_and_tells_nobody(void **state)
{
	(void)state;
	msix(3);
	program(1, 0xfee00000, 0x41);
	mask(1, false);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_told(3);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	program(1, 0xfee00000, 0x41);
	mask(1, false);
	mask(2, true);
	assert_told(0);
	assert_true(ask(1).enabled);
	assert_false(ask(1).masked);
}

static void test_the_mask_of_all_tells_those_that_it_changes(void **state)
{
	(void)state;
	msix(4);
	mask(2, false);
	cap_write(PCI_MSIX_FLAGS, 2, ON | ALL);
	assert_told(4);
	assert_vector(&message.told[2], 2, true, true);
	assert_true(info().msix_masked);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_told(1);
	assert_vector(&message.told[0], 2, true, false);
	cap_write(PCI_MSIX_FLAGS + 1, 1, (ON | ALL) >> 8);
	assert_told(1);
	assert_vector(&message.told[0], 2, true, true);
	mask(2, true); /* under the mask of all nothing changes */
	mask(2, false);
	assert_told(0);
}

static void test_the_mask_of_all_is_told_to_nobody_while_it_is_off(void **state)
{
	(void)state;
	msix(4);
	mask(2, false);
	cap_write(PCI_MSIX_FLAGS, 2, ALL);
	cap_write(PCI_MSIX_FLAGS, 2, 0);
	assert_told(0);
}

static void test_a_masked_entry_is_told_when_it_is_unmasked(void **state)
{
	(void)state;
	msix(4);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_told(4);
	program(3, 0xfee00000, 0x43);
	assert_told(0);
	mask(3, false);
	assert_told(1);
	assert_vector(&message.told[0], 3, true, false);
	assert_int_equal(message.told[0].address, 0xfee00000);
	assert_int_equal(message.told[0].data, 0x43);
	mask(3, true);
	assert_told(1);
	assert_vector(&message.told[0], 3, true, true);
}

static void test_an_entry_that_changes_unmasked_is_told_too(void **state)
{
	(void)state;
	msix(1);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	mask(0, false);
	assert_told(2);
	poke(ENTRY(0), 4, 0xfee01000);
	assert_told(1);
	assert_int_equal(message.told[0].address, 0xfee01000);
	poke(ENTRY(0) + 8, 4, 7);
	assert_told(1);
	assert_int_equal(message.told[0].data, 7);
	poke(ENTRY(0) + 8, 8, 8); /* data and the mask, at once */
	assert_told(1);
	assert_int_equal(message.told[0].data, 8);
}

static void test_2048_vectors_are_all_there(void **state)
{
	unsigned int i;

	(void)state;
	add_msix(PCI_MSIX_MAX_ENTRIES, 0, 0x8000);
	message_assign();
	poke(2047 * 16, 8, 0xfee00000);
	poke(2047 * 16 + 8, 8, 0x77);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_told(2048);
	for (i = 0; i < 2048; i++)
		assert_vector(&message.told[i], i, true, i != 2047);
	assert_int_equal(message.told[2047].data, 0x77);
	assert_int_equal(pend(2046), 0);
	assert_int_equal(pend(2048), -EINVAL);
	assert_int_equal(vpci_vector(at(MESSAGE_DEV), PCI_VECTOR_MSIX, 2048,
				     &(struct pci_vector){ 0 }),
			 -EINVAL);
	assert_true(peek(0x8000 + 31 * 8, 8) == 1ull << 62);
}

/* --- pending ----------------------------------------------------------------- */

static void test_unmasking_gives_a_pending_interrupt_away_once(void **state)
{
	(void)state;
	msix(70);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_told(70);
	assert_int_equal(pend(1), 0);
	assert_int_equal(pend(69), 0);
	assert_told(0);
	assert_true(peek(PBA, 8) == 2);
	assert_true(peek(PBA + 8, 4) == 1 << 5);
	assert_true(peek(PBA + 12, 4) == 0);
	assert_true(ask(69).pending);
	mask(69, false);
	assert_told(1);
	assert_true(message.told[0].pending);
	assert_true(peek(PBA + 8, 8) == 0);
	assert_true(peek(PBA, 8) == 2);
	mask(69, true);
	mask(69, false);
	assert_told(2);
	assert_false(message.told[1].pending);
}

static void test_pending_bits_cannot_be_written(void **state)
{
	(void)state;
	msix(70);
	assert_int_equal(pend(3), 0);
	poke(PBA, 8, ONES);
	poke(PBA + 4, 4, ONES);
	assert_true(peek(PBA, 8) == 8);
	poke(PBA, 4, 0);
	assert_true(peek(PBA, 8) == 8);
}

static void test_the_mask_of_all_and_enabling_give_it_away_too(void **state)
{
	(void)state;
	msix(2);
	mask(0, false);
	assert_int_equal(pend(0), 0);
	cap_write(PCI_MSIX_FLAGS, 2, ON | ALL);
	assert_told(2);
	assert_false(message.told[0].pending);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_told(1);
	assert_true(message.told[0].pending);
	cap_write(PCI_MSIX_FLAGS, 2, 0);
	assert_int_equal(pend(0), 0);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_told(4);
	assert_true(message.told[2].pending);
	assert_true(peek(PBA, 8) == 0);
}

/* The guest unmasked between the interrupt and the receiver's word of it. */
static void test_what_comes_for_an_unmasked_vector_is_not_lost(void **state)
{
	(void)state;
	msix(1);
	mask(0, false);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_told(1);
	assert_int_equal(pend(0), 0);
	assert_told(1);
	assert_true(message.told[0].pending);
	assert_true(peek(PBA, 8) == 0);
}

/* --- with MSI ------------------------------------------------------------------- */

static void test_of_both_on_msix_wins(void **state)
{
	const uint16_t msi = 0x90 - MESSAGE_CAP;

	(void)state;
	add_msix(1, TABLE, PBA);
	fake_cap(message.fn, 0x90, PCI_CAP_ID_MSI);
	message_assign();
	cap_write(msi + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	assert_told(1);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_told(2);
	assert_false(message.told[0].msix);
	assert_false(message.told[0].enabled);
	assert_true(message.told[1].msix);
	assert_int_equal(cap_read(msi + PCI_MSI_FLAGS, 2),
			 PCI_MSI_FLAGS_ENABLE);
	cap_write(msi + PCI_MSI_DATA_32, 2, 0x40);
	assert_told(0);
	cap_write(PCI_MSIX_FLAGS, 2, 0);
	assert_told(2);
	assert_false(message.told[0].msix);
	assert_true(message.told[0].enabled);
	assert_int_equal(message.told[0].data, 0x40);
	assert_false(message.told[1].enabled);
}

static void test_one_going_off_leaves_the_other_on(void **state)
{
	const uint16_t msi = 0x90 - MESSAGE_CAP;

	(void)state;
	add_msix(1, TABLE, PBA);
	fake_cap(message.fn, 0x90, PCI_CAP_ID_MSI);
	message_assign();
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	cap_write(msi + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	assert_told(1);
	cap_write(msi + PCI_MSI_FLAGS, 2, 0);
	assert_told(0);
	assert_true(ask(0).enabled);
}

/* --- the rest --------------------------------------------------------------------- */

static void test_a_reset_forgets_and_tells(void **state)
{
	(void)state;
	msix(2);
	program(0, 0xfee00000, 0x40);
	mask(0, false);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_int_equal(pend(1), 0);
	assert_told(2);
	message_lock();
	vpci_msix_reset(message_view());
	message_unlock();
	assert_told(2);
	assert_false(message.told[0].enabled);
	assert_false(message.told[1].enabled);
	assert_int_equal(cap_read(PCI_MSIX_FLAGS, 2), 1);
	assert_true(peek(ENTRY(0), 8) == 0);
	assert_true(peek(ENTRY(0) + 8, 8) == 1ull << 32);
	assert_true(peek(PBA, 8) == 0);
}

static void test_nothing_of_it_reaches_the_hardware(void **state)
{
	uint8_t before[12];
	unsigned int reg;

	(void)state;
	msix(4);
	memcpy(before, message.fn->reg + MESSAGE_CAP, sizeof(before));
	for (reg = 0; reg < 12; reg += 4) {
		cap_write((uint16_t)reg, 4, UINT32_MAX);
		cap_write((uint16_t)reg + 2, 2, 0xa5a5);
		cap_write((uint16_t)reg + 3, 1, 0x5a);
	}
	assert_int_equal(message.touched, 0);
	assert_memory_equal(before, message.fn->reg + MESSAGE_CAP,
			    sizeof(before));
}

static void test_intx_is_off_while_msix_is_on(void **state)
{
	(void)state;
	msix(1);
	fake_put(message.fn, PCI_COMMAND, 2, 0);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	assert_true(fake_get(message.fn, PCI_COMMAND, 2) &
		    PCI_COMMAND_INTX_DISABLE);
	cap_write(PCI_MSIX_FLAGS, 2, 0);
	assert_false(fake_get(message.fn, PCI_COMMAND, 2) &
		     PCI_COMMAND_INTX_DISABLE);
}

/* --- the way there --------------------------------------------------------------- */

static void write_config(uint16_t reg, uint32_t val)
{
	assert_int_equal(vpci_write(&message.vcpu, message.vsbdf, reg, 4, val),
			 PCI_DONE);
	while (vpci_process_pending(&message.vcpu, NULL) == PCI_AGAIN)
		;
}

static void test_the_guest_reaches_them_where_it_has_put_the_bar(void **state)
{
	const uint64_t bar = 0xc0000000;
	uint64_t val;

	(void)state;
	msix(2);
	cap_write(PCI_MSIX_FLAGS, 2, ON);
	write_config(PCI_BASE_ADDRESS_0, (uint32_t)bar);
	write_config(PCI_COMMAND, PCI_COMMAND_MEMORY);
	assert_told(2);
	assert_int_equal(vpci_mmio_write(&message.vcpu, bar + ENTRY(1) + 12, 4,
					 0),
			 PCI_DONE);
	assert_told(1);
	assert_vector(&message.told[0], 1, true, false);
	assert_int_equal(pend(0), 0);
	assert_int_equal(vpci_mmio_read(message.guest, bar + PBA, 8, &val),
			 PCI_DONE);
	assert_true(val == 1);
	assert_int_equal(vpci_mmio_read(message.guest, bar + ENTRY(1) + 4, 2,
					&val),
			 PCI_DONE);
	assert_true(val == 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MESSAGE_CASE(
			test_it_starts_off_with_every_entry_empty_and_masked),
		MESSAGE_CASE(
			test_where_table_and_pba_are_is_the_hardwares_word),
		MESSAGE_CASE(test_an_entry_is_written_by_4_or_8_bytes),
		MESSAGE_CASE(test_reserved_bits_of_an_entry_stay_0),
		MESSAGE_CASE(test_other_accesses_read_ones_and_are_dropped),
		MESSAGE_CASE(test_an_access_across_an_edge_is_a_bad_one),
		MESSAGE_CASE(test_what_is_next_to_them_is_not_theirs),
		MESSAGE_CASE(
			test_the_pba_ends_with_the_word_of_the_last_vector),
		MESSAGE_CASE(test_pages_with_a_part_of_them_trap),
		MESSAGE_CASE(test_table_and_pba_that_cannot_be_are_hidden),
		MESSAGE_CASE(test_a_bar_of_unknown_size_holds_no_table),
		MESSAGE_CASE(test_a_bir_beyond_the_bars_names_none),
		MESSAGE_CASE(test_where_table_and_pba_are_is_asked_once),
		MESSAGE_CASE(test_a_second_capability_is_hidden),
		MESSAGE_CASE(test_enabling_and_disabling_tell_each_vector_once),
		MESSAGE_CASE(
			test_XSA_237_enabling_again_undoes_nothing_and_tells_nobody),
		MESSAGE_CASE(test_the_mask_of_all_tells_those_that_it_changes),
		MESSAGE_CASE(
			test_the_mask_of_all_is_told_to_nobody_while_it_is_off),
		MESSAGE_CASE(test_a_masked_entry_is_told_when_it_is_unmasked),
		MESSAGE_CASE(test_an_entry_that_changes_unmasked_is_told_too),
		MESSAGE_CASE(test_2048_vectors_are_all_there),
		MESSAGE_CASE(
			test_unmasking_gives_a_pending_interrupt_away_once),
		MESSAGE_CASE(test_pending_bits_cannot_be_written),
		MESSAGE_CASE(
			test_the_mask_of_all_and_enabling_give_it_away_too),
		MESSAGE_CASE(
			test_what_comes_for_an_unmasked_vector_is_not_lost),
		MESSAGE_CASE(test_of_both_on_msix_wins),
		MESSAGE_CASE(test_one_going_off_leaves_the_other_on),
		MESSAGE_CASE(test_a_reset_forgets_and_tells),
		MESSAGE_CASE(test_nothing_of_it_reaches_the_hardware),
		MESSAGE_CASE(test_intx_is_off_while_msix_is_on),
		MESSAGE_CASE(
			test_the_guest_reaches_them_where_it_has_put_the_bar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
