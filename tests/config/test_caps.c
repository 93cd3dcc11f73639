/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_host.h"

static struct pci_cap found[600];
static unsigned int nfound;

static int walk(struct fake_fn *fn)
{
	fn->told = true;
	memset(found, 0, sizeof(found));
	return pci_caps(fn->sbdf, found, ARRAY_SIZE(found), &nfound);
}

static struct fake_fn *with_two(void)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);

	fake_cap(fn, 0x40, PCI_CAP_ID_PM);
	fake_cap(fn, 0x50, PCI_CAP_ID_MSI);
	return fn;
}

static void test_capabilities_come_in_list_order_extended_last(void **state)
{
	struct fake_fn *fn = with_two();

	(void)state;
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_ERR);
	fake_ext_cap(fn, 0x300, PCI_EXT_CAP_ID_ATS);
	fake_ext_cap(fn, 0x200, PCI_EXT_CAP_ID_DSN);
	assert_int_equal(walk(fn), 5);
	assert_int_equal(nfound, 5);
	assert_int_equal(found[0].pos, 0x40);
	assert_int_equal(found[1].id, PCI_CAP_ID_MSI);
	assert_false(found[1].extended);
	assert_true(found[2].extended);
	assert_int_equal(found[3].pos, 0x300);
	assert_int_equal(found[3].version, 1);
	assert_int_equal(found[4].id, PCI_EXT_CAP_ID_DSN);
	assert_int_equal(pci_find_cap(fn->sbdf, PCI_CAP_ID_MSI), 0x50);
	assert_int_equal(pci_find_cap(fn->sbdf, PCI_CAP_ID_MSIX), 0);
	assert_int_equal(pci_find_ext_cap(fn->sbdf, PCI_EXT_CAP_ID_ATS), 0x300);
	/* The same number means other things in the other list. */
	assert_int_equal(pci_find_ext_cap(fn->sbdf, PCI_CAP_ID_MSI), 0);
}

static void test_more_than_fit_are_counted_not_stored(void **state)
{
	struct fake_fn *fn = with_two();
	struct pci_cap one[2] = { { 0 } };
	unsigned int n;

	(void)state;
	fn->told = true;
	assert_int_equal(pci_caps(fn->sbdf, one, 1, &n), 2);
	assert_int_equal(n, 2);
	assert_int_equal(one[0].pos, 0x40);
	assert_int_equal(one[1].pos, 0);
}

static void test_no_list_bit_means_no_list(void **state)
{
	struct fake_fn *fn = with_two();

	(void)state;
	fake_put(fn, PCI_STATUS, 2, 0);
	assert_int_equal(walk(fn), 0);
}

static void test_reserved_low_bits_of_a_position_are_masked(void **state)
{
	struct fake_fn *fn = with_two();

	(void)state;
	fn->reg[PCI_CAPABILITY_LIST] |= 3;
	fn->reg[0x41] |= 2;
	assert_int_equal(walk(fn), 2);
	assert_int_equal(found[0].pos, 0x40);
	assert_int_equal(found[1].pos, 0x50);
}

static void test_cardbus_has_its_list_elsewhere(void **state)
{
	struct fake_fn *fn = with_two();

	(void)state;
	fn->reg[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_CARDBUS;
	fn->reg[PCI_CAPABILITY_LIST] = 0;
	fn->reg[PCI_CB_CAPABILITY_LIST] = 0x50;
	assert_int_equal(walk(fn), 1);
	assert_int_equal(found[0].id, PCI_CAP_ID_MSI);
}

static void test_a_loop_ends_with_what_was_before_it(void **state)
{
	struct fake_fn *fn = with_two();

	(void)state;
	fn->reg[0x51] = 0x40;
	assert_int_equal(walk(fn), -EIO);
	assert_int_equal(nfound, 2);
	assert_int_equal(pci_find_cap(fn->sbdf, PCI_CAP_ID_VPD), 0);
	assert_int_equal(pci_find_cap(fn->sbdf, PCI_CAP_ID_MSI), 0x50);
}

static void test_a_capability_that_is_its_own_next_ends(void **state)
{
	struct fake_fn *fn = with_two();

	(void)state;
	fn->reg[0x41] = 0x40;
	assert_int_equal(walk(fn), -EIO);
	assert_int_equal(nfound, 1);
}

static void test_a_position_in_the_header_is_broken(void **state)
{
	struct fake_fn *fn = with_two();

	(void)state;
	fn->reg[0x51] = 0x3c;
	assert_int_equal(walk(fn), -EIO);
	assert_int_equal(nfound, 2);
}

static void test_all_ones_in_the_list_is_broken(void **state)
{
	struct fake_fn *fn = with_two();

	(void)state;
	fake_put(fn, 0x50, 2, 0xffff);
	assert_int_equal(walk(fn), -EIO);
	assert_int_equal(nfound, 1);
}

static void test_a_list_longer_than_its_space_ends(void **state)
{
	struct fake_fn *fn = with_two();
	unsigned int pos;

	(void)state;
	for (pos = 0x40; pos < 0x100; pos += 4) {
		fn->reg[pos] = PCI_CAP_ID_VNDR;
		fn->reg[pos + 1] = (uint8_t)(pos + 4);
	}
	assert_int_equal(walk(fn), 48); /* the last one's next is 0 */
	fn->reg[0xfd] = 0x40;
	assert_int_equal(walk(fn), -EIO);
	assert_int_equal(nfound, 48);
}

static void test_a_broken_list_hides_not_the_extended_one(void **state)
{
	struct fake_fn *fn = with_two();

	(void)state;
	fn->reg[0x51] = 0x40;
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_DSN);
	fn->told = true;
	assert_int_equal(pci_find_ext_cap(fn->sbdf, PCI_EXT_CAP_ID_DSN), 0x100);
}

static void test_what_a_broken_extended_list_has_not_is_not_there(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);

	(void)state;
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_ERR);
	fake_put(fn, 0x100, 4, 0x04010001); /* next: 0x40 */
	fn->told = true;
	assert_int_equal(pci_find_ext_cap(fn->sbdf, PCI_EXT_CAP_ID_ERR), 0x100);
	assert_int_equal(pci_find_ext_cap(fn->sbdf, PCI_EXT_CAP_ID_DSN), 0);
}

static void test_extended_loops_and_low_positions_end(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);

	(void)state;
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_ERR);
	fake_ext_cap(fn, 0x200, PCI_EXT_CAP_ID_DSN);
	fake_put(fn, 0x200, 4, 0x10010003); /* next: 0x100 */
	assert_int_equal(walk(fn), -EIO);
	assert_int_equal(nfound, 2);
	fake_put(fn, 0x200, 4, 0x04010003); /* next: 0x040 */
	assert_int_equal(walk(fn), -EIO);
	assert_int_equal(nfound, 2);
	fake_put(fn, 0x200, 4, UINT32_MAX);
	assert_int_equal(walk(fn), -EIO);
	assert_int_equal(nfound, 1);
}

static void test_an_extended_list_has_480_entries_at_most(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);
	unsigned int pos;

	(void)state;
	fn->size = 4096;
	for (pos = 0x100; pos < 0xffc; pos += 4)
		fake_put(fn, (uint16_t)pos, 4,
			 (pos + 4) << 20 | 1u << 16 | PCI_EXT_CAP_ID_VNDR);
	assert_int_equal(walk(fn), -EIO);
	assert_int_equal(nfound, 480);
}

static void test_an_empty_extended_list_is_no_error(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);

	(void)state;
	fn->size = 4096;
	assert_int_equal(walk(fn), 0);
	fake_put(fn, 0x100, 4, 0x0000ffff);
	assert_int_equal(walk(fn), 0);
}

static uint16_t only_64(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	(void)sbdf;
	return 64;
}

static void test_64_bytes_mean_unknown_not_none(void **state)
{
	struct fake_fn *fn = with_two();

	(void)state;
	fake.ops.config_size = only_64;
	assert_int_equal(walk(fn), -ENODATA);
	assert_int_equal(pci_find_cap(fn->sbdf, PCI_CAP_ID_PM), 0);
}

static void test_nobody_there_has_no_capabilities(void **state)
{
	struct fake_fn *fn = with_two();

	(void)state;
	fn->absent = true;
	assert_int_equal(walk(fn), -ENODEV);
	assert_int_equal(nfound, 0);
	assert_int_equal(pci_caps(at("1:00:00.0"), found, 1, &nfound), -ENODEV);
}

static void test_a_host_that_cannot_read_is_an_error(void **state)
{
	struct fake_fn *fn = with_two();
	unsigned int i, total;

	(void)state;
	assert_int_equal(walk(fn), 2);
	total = fake.accesses;
	for (i = 1; i <= total; i++) {
		fake.accesses = 0;
		fake.error_at = i;
		assert_int_equal(walk(fn), -EIO);
	}
}

static void test_names_are_by_list(void **state)
{
	(void)state;
	assert_string_equal(pci_cap_name(false, PCI_CAP_ID_MSIX), "MSI-X");
	assert_string_equal(pci_cap_name(true, PCI_EXT_CAP_ID_SRIOV), "SR-IOV");
	assert_non_null(pci_cap_name(false, PCI_CAP_ID_FPB));
	assert_non_null(pci_cap_name(true, PCI_EXT_CAP_ID_DOE));
	assert_null(pci_cap_name(false, 0xff));
	assert_null(pci_cap_name(true, 0x14));
	assert_null(pci_cap_name(true, 0xffff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_capabilities_come_in_list_order_extended_last),
		CASE(test_more_than_fit_are_counted_not_stored),
		CASE(test_no_list_bit_means_no_list),
		CASE(test_reserved_low_bits_of_a_position_are_masked),
		CASE(test_cardbus_has_its_list_elsewhere),
		CASE(test_a_loop_ends_with_what_was_before_it),
		CASE(test_a_capability_that_is_its_own_next_ends),
		CASE(test_a_position_in_the_header_is_broken),
		CASE(test_all_ones_in_the_list_is_broken),
		CASE(test_a_list_longer_than_its_space_ends),
		CASE(test_a_broken_list_hides_not_the_extended_one),
		CASE(test_what_a_broken_extended_list_has_not_is_not_there),
		CASE(test_extended_loops_and_low_positions_end),
		CASE(test_an_extended_list_has_480_entries_at_most),
		CASE(test_an_empty_extended_list_is_no_error),
		CASE(test_64_bytes_mean_unknown_not_none),
		CASE(test_nobody_there_has_no_capabilities),
		CASE(test_a_host_that_cannot_read_is_an_error),
		CASE(test_names_are_by_list),
	};

	return cmocka_run_group_tests_name("config/caps", tests, NULL, NULL);
}
