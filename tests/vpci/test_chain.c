/* SPDX-License-Identifier: BSD-2-Clause */
/* The capability lists of a view, around what is hidden. */
#include "chain.h"

static void assert_zero(uint16_t from, uint16_t end)
{
	for (; from < end; from++)
		assert_int_equal(see(from, 1), 0);
}

/* --- the standard list ------------------------------------------------------------ */

static void test_hidden_one_is_in_no_list_and_reads_0(void **state)
{
	(void)state;
	cap(0x40, PCI_CAP_ID_PM, 8);
	cap(0x48, PCI_CAP_ID_PCIX, 8);
	cap(0x50, PCI_CAP_ID_VPD, 8);
	build(&vpci_policy_guest);
	assert_lists("01@40 03@50 |");
	assert_zero(0x48, 0x50);
	assert_int_equal(view->caps, 2);
	assert_int_equal(view->hidden, 1);
	assert_int_equal(view->failed, 0);
}

static void test_first_and_last_can_be_hidden(void **state)
{
	(void)state;
	cap(0x40, PCI_CAP_ID_HT, 8);
	cap(0x48, PCI_CAP_ID_PM, 8);
	cap(0x50, PCI_CAP_ID_PCIX, 8);
	build(&vpci_policy_guest);
	assert_lists("01@48 |");
	assert_zero(0x40, 0x48);
}

static void test_without_any_there_is_no_list(void **state)
{
	(void)state;
	cap(0x40, PCI_CAP_ID_HT, 8);
	build(&vpci_policy_guest);
	assert_lists("|");
	assert_int_equal(see(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, 0);
	assert_zero(0x40, 0x100);
}

static void test_order_is_that_of_the_hardware(void **state)
{
	(void)state;
	cap(0x60, PCI_CAP_ID_VPD, 8);
	cap(0x40, PCI_CAP_ID_PM, 8);
	cap(0x50, PCI_CAP_ID_VNDR, 8);
	build(&vpci_policy_guest);
	assert_lists("03@60 01@40 09@50 |");
	assert_int_equal(see(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST,
			 PCI_STATUS_CAP_LIST);
}

static void test_headers_are_read_only_and_the_views_own(void **state)
{
	(void)state;
	cap(0x40, PCI_CAP_ID_PM, 8);
	cap(0x48, PCI_CAP_ID_VPD, 8);
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_DSN);
	build(&vpci_policy_guest);
	put(PCI_CAPABILITY_LIST, 1, 0xff);
	put(0x40, 2, 0xffff);
	put(0x100, 4, 0xffffffff);
	/* and a device that changes its mind changes nothing */
	fn->reg[0x41] = 0x40;
	fake_put(fn, 0x100, 4, 0x10010003);
	assert_lists("01@40 03@48 | 0003@100");
}

/* --- the extended list -------------------------------------------------------------- */

static void test_hidden_extended_ones_are_left_out(void **state)
{
	(void)state;
	ext_cap(0x100, PCI_EXT_CAP_ID_DSN, 12);
	ext_cap(0x200, PCI_EXT_CAP_ID_ACS, 8);
	ext_cap(0x180, PCI_EXT_CAP_ID_ERR, 0x48);
	ext_cap(0x300, PCI_EXT_CAP_ID_SRIOV, 0x40);
	build(&vpci_policy_guest);
	assert_lists("| 0003@100 0001@180");
	assert_zero(0x200, 0x208);
	assert_zero(0x300, 0x340);
}

static void test_hidden_first_extended_one_becomes_null(void **state)
{
	(void)state;
	ext_cap(0x100, PCI_EXT_CAP_ID_ATS, 8);
	ext_cap(0x200, PCI_EXT_CAP_ID_DSN, 12);
	build(&vpci_policy_guest);
	assert_lists("| 0000@100 0003@200");
	assert_int_equal(see(0x100, 4), 0x20000000);
	assert_zero(0x104, 0x108);
	assert_int_equal(view->caps, 1);
	assert_int_equal(view->hidden, 1);
}

static void test_no_extended_one_reads_0_at_0x100(void **state)
{
	(void)state;
	ext_cap(0x100, PCI_EXT_CAP_ID_ATS, 8);
	ext_cap(0x200, PCI_EXT_CAP_ID_PRI, 16);
	build(&vpci_policy_guest);
	assert_lists("|");
	assert_zero(0x100, 0x1000);
}

static void test_ids_beyond_the_tables_are_hidden(void **state)
{
	(void)state;
	cap(0x40, 0xee, 8);
	ext_cap(0x100, 0xeeee, 8);
	build(&vpci_policy_guest);
	assert_lists("|");
	assert_int_equal(view->hidden, 2);
}

/* --- room ------------------------------------------------------------------------------ */

static int two_registers(struct vpci *v, struct pci_dev *p, uint16_t pos)
{
	const struct vpci_masks masks = { .hw = 0xffff };
	int err = vpci_add_register(v, pos + 4, 2, &masks, NULL, NULL, NULL);

	(void)p;
	return err ? err
		   : vpci_add_register(v, pos + 8, 2, &masks, NULL, NULL, NULL);
}

static int fail_late(struct vpci *v, struct pci_dev *p, uint16_t pos)
{
	int err = two_registers(v, p, pos);

	return err ? err : -EIO;
}

static int no_memory(struct vpci *v, struct pci_dev *p, uint16_t pos)
{
	int err = two_registers(v, p, pos);

	return err ? err : -ENOMEM;
}

static struct vpci_cap_policy one;
static struct vpci_policy only = {
	.name = "test",
	.cap = { [PCI_CAP_ID_PCIX] = &one, [PCI_CAP_ID_PM] = &vpci_guest_pm },
	.ext = { [PCI_EXT_CAP_ID_SRIOV] = &one,
		 [PCI_EXT_CAP_ID_DSN] = &vpci_guest_dsn },
};

static void use(struct vpci_cap_policy policy)
{
	one = policy;
	one.show = true;
	only.hardware = false;
}

static void test_setup_that_reaches_into_the_next_one_hides_it(void **state)
{
	(void)state;
	use((struct vpci_cap_policy){ .setup = two_registers });
	cap(0x40, PCI_CAP_ID_PCIX, 8);
	cap(0x48, PCI_CAP_ID_PM, 8);
	build(&only);
	assert_lists("01@48 |");
	assert_zero(0x40, 0x48);
	assert_int_equal(view->failed, 1);
	assert_int_equal(view->hidden, 1);
}

/* Shown or not: a guest gets no way to what is hidden through another. */
static void test_room_ends_at_hidden_ones_too(void **state)
{
	(void)state;
	use((struct vpci_cap_policy){ .setup = two_registers });
	cap(0x48, PCI_CAP_ID_MSI, 8);
	cap(0x40, PCI_CAP_ID_PCIX, 8);
	build(&only);
	assert_lists("|");
	assert_zero(0x40, 0x100);
	assert_int_equal(view->failed, 1);
}

/* A set-up that had succeeded leaves nothing that answers for it. */
static void test_msi_without_room_is_no_msi(void **state)
{
	(void)state;
	cap(0x40, PCI_CAP_ID_MSI, 4);
	cap(0x44, PCI_CAP_ID_PM, 8);
	build(&vpci_policy_guest);
	assert_lists("01@44 |");
	assert_int_equal(view->failed, 1);
	assert_null(view->msi);
	put(0x44 + PCI_PM_CTRL, 2, 3);
	assert_int_equal(see(0x44 + PCI_PM_CTRL, 2) & 3, 3);
}

static void test_fields_without_room_are_left_out(void **state)
{
	(void)state;
	cap(0x50, PCI_CAP_ID_VPD, 4);
	cap(0x54, PCI_CAP_ID_PM, 8);
	build(&vpci_policy_guest);
	assert_lists("03@50 01@54 |");
	assert_int_equal(see(0x50 + PCI_VPD_ADDR, 2), 0xa5a5);
	assert_int_equal(see(0x54 + PCI_PM_CTRL, 2), PCI_PM_CTRL_NO_SOFT_RESET);
	assert_int_equal(view->failed, 0);
}

static void test_no_register_lies_beyond_the_space(void **state)
{
	(void)state;
	use((struct vpci_cap_policy){ .setup = two_registers });
	cap(0xf8, PCI_CAP_ID_PCIX, 8);
	ext_cap(0x100, PCI_EXT_CAP_ID_DSN, 12);
	fake_ext_cap(fn, 0xffc, PCI_EXT_CAP_ID_SRIOV);
	build(&only);
	assert_lists("| 0003@100");
	assert_int_equal(view->failed, 2);
}

/* --- the rest ------------------------------------------------------------------------- */

static void test_rest_is_what_no_register_has(void **state)
{
	static const struct vpci_field byte = { .offset = 5,
						.size = 1,
						.masks.value = 0x77 };
	struct vpci_cap_policy policy = { .rest = VPCI_REST_READ,
					  .length = 11,
					  .nfields = 1,
					  .field = &byte };

	(void)state;
	cap(0x40, PCI_CAP_ID_PCIX, 16);
	use(policy);
	build(&only);
	assert_int_equal(see(0x40, 4), 0xa5a50007);
	assert_int_equal(see(0x44, 4), 0xa5a577a5);
	assert_int_equal(see(0x48, 4), 0x00a5a5a5);
	assert_int_equal(see(0x4c, 4), 0);
	put(0x44, 4, 0x12345678);
	assert_int_equal(fake_get(fn, 0x44, 4), 0xa5a5a5a5);

	policy.rest = VPCI_REST_PASS;
	use(policy);
	build(&only);
	put(0x44, 4, 0x12345678);
	assert_int_equal(fake_get(fn, 0x44, 4), 0x1234a578);
	put(0x48, 4, 0x12345678);
	assert_int_equal(fake_get(fn, 0x48, 4), 0xa5345678);

	policy.rest = VPCI_REST_ZERO;
	use(policy);
	build(&only);
	assert_int_equal(see(0x40, 4), 0x00000007);
	assert_int_equal(see(0x44, 4), 0x7700);
}

static void test_rest_ends_before_the_next_one(void **state)
{
	(void)state;
	use((struct vpci_cap_policy){ .rest = VPCI_REST_READ });
	cap(0x40, PCI_CAP_ID_PCIX, 8);
	cap(0x48, PCI_CAP_ID_MSI, 24);
	build(&only);
	assert_int_equal(see(0x44, 4), 0xa5a5a5a5);
	assert_zero(0x48, 0x60);
}

static void test_initial_bits_are_the_hardwares_at_the_start(void **state)
{
	static const struct vpci_field word = { .offset = 4,
						.size = 2,
						.masks = { .rw = 0xffff,
							   .value = 0x1234 },
						.initial = 0x00ff };

	(void)state;
	use((struct vpci_cap_policy){ .nfields = 1, .field = &word });
	cap(0x40, PCI_CAP_ID_PCIX, 8);
	build(&only);
	fake_put(fn, 0x44, 2, 0);
	assert_int_equal(see(0x44, 2), 0x12a5);
	put(0x44, 2, 0x4321);
	assert_int_equal(see(0x44, 2), 0x4321);
	assert_int_equal(fake_get(fn, 0x44, 2), 0);
}

/* --- set-ups that fail -------------------------------------------------------------- */

static void test_failed_setup_hides_and_leaves_no_register(void **state)
{
	(void)state;
	use((struct vpci_cap_policy){ .setup = fail_late });
	cap(0x40, PCI_CAP_ID_PCIX, 16);
	cap(0x50, PCI_CAP_ID_PM, 8);
	ext_cap(0x100, PCI_EXT_CAP_ID_SRIOV, 16);
	ext_cap(0x110, PCI_EXT_CAP_ID_DSN, 12);
	build(&only);
	assert_lists("01@50 | 0000@100 0003@110");
	assert_zero(0x40, 0x50);
	assert_zero(0x104, 0x110);
	assert_int_equal(view->caps, 2);
	assert_int_equal(view->hidden, 2);
	assert_int_equal(view->failed, 2);
}

/* That passes: better to try again than to miss a capability for good. */
static void test_lack_of_memory_fails_the_view(void **state)
{
	(void)state;
	use((struct vpci_cap_policy){ .setup = no_memory });
	cap(0x40, PCI_CAP_ID_PCIX, 16);
	assert_int_equal(try_build(&only), -ENOMEM);
	assert_null(view);
	one.setup = two_registers;
	build(&only);
	assert_lists("07@40 |");
}

static void test_capability_that_fills_the_view_is_hidden(void **state)
{
	(void)state;
	use((struct vpci_cap_policy){ .rest = VPCI_REST_READ });
	cap(0x40, PCI_CAP_ID_PM, 8);
	ext_cap(0x100, PCI_EXT_CAP_ID_DSN, 12);
	ext_cap(0x110, PCI_EXT_CAP_ID_SRIOV, 0xe00);
	build(&only);
	assert_lists("01@40 | 0003@100");
	assert_zero(0x110, 0x1000);
	assert_int_equal(see(0x104, 4), 0xa5a5a5a5);
	assert_int_equal(view->failed, 1);
}

/* As many as there can be: what does not fit is hidden, the list holds. */
static void test_lists_hold_in_a_full_view(void **state)
{
	unsigned int pos;

	(void)state;
	cap(0x40, PCI_CAP_ID_PM, 8);
	for (pos = 0x1000 - 16; pos >= 0x100; pos -= 16)
		ext_cap((uint16_t)pos, PCI_EXT_CAP_ID_DSN, 12);
	fake_put(fn, 0x100, 4, 0xff010004); /* to 0xff0, and from there down */
	for (pos = 0x1000 - 16; pos > 0x110; pos -= 16)
		fake_put(fn, (uint16_t)pos, 4, (pos - 16) << 20 | 0x10003);
	fake_put(fn, 0x110, 4, 0x10003);
	build(&vpci_policy_guest);
	assert_int_equal(view->caps + view->hidden, 1 + 0xf0);
	assert_true(view->failed > 100);
	assert_non_null(strstr(walk(), "01@40 | 0000@100 0003@ff0 0003@fe0"));
}

/* --- lists that lie ----------------------------------------------------------------- */

static void test_list_that_bites_its_tail_ends(void **state)
{
	(void)state;
	cap(0x40, PCI_CAP_ID_PM, 8);
	cap(0x48, PCI_CAP_ID_VPD, 8);
	fn->reg[0x49] = 0x40;
	ext_cap(0x100, PCI_EXT_CAP_ID_DSN, 12);
	fake_put(fn, 0x100, 4, 0x10010003);
	build(&vpci_policy_guest);
	assert_lists("01@40 03@48 | 0003@100");
}

static void test_pointers_into_the_header_end_the_list(void **state)
{
	(void)state;
	cap(0x40, PCI_CAP_ID_PM, 8);
	fn->reg[0x41] = 0x10;
	ext_cap(0x100, PCI_EXT_CAP_ID_DSN, 12);
	fake_put(fn, 0x100, 4, 0x04010003); /* to 0x40 */
	build(&vpci_policy_guest);
	assert_lists("01@40 | 0003@100");
}

static void test_random_spaces_make_well_formed_views(void **state)
{
	unsigned int seed, i;

	for (seed = 1; seed <= 100; seed++) {
		srand(seed);
		for (i = PCI_STD_HEADER_SIZEOF; i < 4096; i++)
			fn->reg[i] = (uint8_t)rand();
		/* mostly lists that go on, of IDs that mean something */
		for (i = 0x40; i < 4096; i += 4)
			if (i < 0x100)
				fn->reg[i] %= PCI_CAP_ID_FPB + 1;
			else
				fake_put(fn, (uint16_t)i, 4,
					 (uint32_t)rand() << 20 | 0x10000 |
						 (uint32_t)rand() % 0x30);
		fake_put(fn, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
		fn->reg[PCI_CAPABILITY_LIST] = (uint8_t)(0x40 | rand());
		fn->size = 4096;
		build(&vpci_policy_guest);
		print_message("%u: %s\n", seed, walk());
		assert_int_equal(view->cap_end, 0);
		chain_tear_down(state);
		chain_set_up(state);
	}
}

/* --- the hardware domain's ------------------------------------------------------------ */

static void assert_as_hardware(uint16_t from, uint16_t end)
{
	for (; from < end; from += 4)
		assert_int_equal(see(from, 4), fake_get(fn, from, 4));
}

static void two_lists(void)
{
	cap(0x40, PCI_CAP_ID_PCIX, 16);
	cap(0x50, PCI_CAP_ID_PM, 8);
	ext_cap(0x100, PCI_EXT_CAP_ID_DSN, 12);
	ext_cap(0x110, PCI_EXT_CAP_ID_SRIOV, 0x40);
	ext_cap(0x150, PCI_EXT_CAP_ID_ACS, 8);
}

static void test_hardware_domain_sees_lists_as_they_are(void **state)
{
	struct vpci_policy all = { .name = "all", .hardware = true };

	(void)state;
	two_lists();
	fn->reg[0x51] = 0x40; /* not even mended */
	build(&all);
	assert_as_hardware(0x34, 0x1000);
	assert_int_equal(view->index[0x34 / 4], 0);
	assert_int_equal(view->index[0x40 / 4], 0);
	assert_int_equal(view->index[0x100 / 4], 0);
	assert_int_equal(view->caps, 5);
}

static void test_hardware_domain_loses_only_what_failed(void **state)
{
	(void)state;
	two_lists();
	use((struct vpci_cap_policy){ .setup = fail_late, .length = 0x40 });
	only.hardware = true;
	only.cap[PCI_CAP_ID_PCIX] = NULL;
	only.cap[PCI_CAP_ID_PM] = only.ext[PCI_EXT_CAP_ID_DSN] = NULL;
	build(&only);
	only.cap[PCI_CAP_ID_PCIX] = &one;
	only.cap[PCI_CAP_ID_PM] = &vpci_guest_pm;
	only.ext[PCI_EXT_CAP_ID_DSN] = &vpci_guest_dsn;
	assert_lists("07@40 01@50 | 0003@100 000d@150");
	assert_as_hardware(0x34, 0x100);
	assert_as_hardware(0x104, 0x110);
	assert_zero(0x110, 0x150);
	assert_as_hardware(0x150, 0x1000);
	put(0x118, 2, 0xffff);
	assert_int_equal(fake_get(fn, 0x118, 2), 0xa5a5);
	assert_int_equal(view->failed, 1);
}

static void test_hardware_domain_loses_the_first_one(void **state)
{
	static const struct vpci_cap_policy hide = { .show = false };
	struct vpci_policy all = { .name = "all", .hardware = true };

	(void)state;
	two_lists();
	all.cap[PCI_CAP_ID_PCIX] = &hide;
	all.ext[PCI_EXT_CAP_ID_DSN] = &hide;
	build(&all);
	assert_lists("01@50 | 0000@100 0010@110 000d@150");
	assert_int_equal(view->failed, 0);
	assert_int_equal(view->hidden, 2);
}

static void test_cardbus_has_its_list_elsewhere_and_no_bars(void **state)
{
	(void)state;
	fake_put(fn, PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_CARDBUS);
	fake_put(fn, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	fake_put(fn, PCI_CB_CAPABILITY_LIST, 1, 0x80);
	fake_put(fn, 0x80, 2, PCI_CAP_ID_PM);
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0xe0000000, 0xffff0000);
	build(&vpci_policy_guest);
	assert_int_equal(see(PCI_CB_CAPABILITY_LIST, 1), 0x80);
	assert_int_equal(see(0x80, 2), PCI_CAP_ID_PM);
	put(PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	assert_int_equal(see(PCI_BASE_ADDRESS_0, 4), 0);
}

static void test_sizes_that_do_not_fit_the_space_are_hidden(void **state)
{
	static const struct {
		uint16_t pos;
		unsigned int bars;
		bool fits;
	} list[] = {
		{ 0xff0, 1, true },  { 0xff0, 2, false }, { 0xff4, 1, true },
		{ 0xff8, 1, false }, { 0xffc, 1, false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(list); i++) {
		uint16_t ctrl = list[i].pos + PCI_REBAR_CTRL;

		forget_view();
		memset(fn->reg + 0x100, 0, sizeof(fn->reg) - 0x100);
		bars();
		fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_DSN);
		fake_ext_cap(fn, list[i].pos, PCI_EXT_CAP_ID_REBAR);
		if (ctrl < PCI_CFG_SPACE_EXP_SIZE)
			fake_put(fn, ctrl, 4, list[i].bars << 5);
		build(&vpci_policy_hardware_domain);
		assert_int_equal(view->failed, !list[i].fits);
	}
}

static void test_a_name_too_long_is_cut(void **state)
{
	static const char name[] = "a policy whose name is longer than any "
				   "that a view has room for";

	(void)state;
	use((struct vpci_cap_policy){ .setup = two_registers });
	only.name = name;
	build(&only);
	only.name = "test";
	assert_int_equal(strlen(view->policy_name), PCI_WHO_LEN - 1);
	assert_memory_equal(view->policy_name, name, PCI_WHO_LEN - 1);
}

/* An ID without a name is hidden, and told, like any other. */
static void test_a_nameless_one_can_fail(void **state)
{
	(void)state;
	use((struct vpci_cap_policy){ .setup = fail_late });
	only.ext[0x14] = &one;
	ext_cap(0x100, 0x14, 16);
	build(&only);
	only.ext[0x14] = NULL;
	assert_int_equal(view->failed, 1);
	assert_lists("|");
}

static void test_hooks_read_0_where_there_is_no_register(void **state)
{
	(void)state;
	cap(0x40, PCI_CAP_ID_PM, 8);
	build(&vpci_policy_guest);
	assert_int_equal(vpci_get(view, 0x40, 1), PCI_CAP_ID_PM);
	assert_int_equal(vpci_get(view, 0xf0, 4), 0);
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		CHAIN_CASE(test_hidden_one_is_in_no_list_and_reads_0),
		CHAIN_CASE(test_first_and_last_can_be_hidden),
		CHAIN_CASE(test_without_any_there_is_no_list),
		CHAIN_CASE(test_order_is_that_of_the_hardware),
		CHAIN_CASE(test_headers_are_read_only_and_the_views_own),
		CHAIN_CASE(test_hidden_extended_ones_are_left_out),
		CHAIN_CASE(test_hidden_first_extended_one_becomes_null),
		CHAIN_CASE(test_no_extended_one_reads_0_at_0x100),
		CHAIN_CASE(test_ids_beyond_the_tables_are_hidden),
		CHAIN_CASE(test_setup_that_reaches_into_the_next_one_hides_it),
		CHAIN_CASE(test_room_ends_at_hidden_ones_too),
		CHAIN_CASE(test_msi_without_room_is_no_msi),
		CHAIN_CASE(test_fields_without_room_are_left_out),
		CHAIN_CASE(test_no_register_lies_beyond_the_space),
		CHAIN_CASE(test_rest_is_what_no_register_has),
		CHAIN_CASE(test_rest_ends_before_the_next_one),
		CHAIN_CASE(test_initial_bits_are_the_hardwares_at_the_start),
		CHAIN_CASE(test_failed_setup_hides_and_leaves_no_register),
		CHAIN_CASE(test_lack_of_memory_fails_the_view),
		CHAIN_CASE(test_capability_that_fills_the_view_is_hidden),
		CHAIN_CASE(test_lists_hold_in_a_full_view),
		CHAIN_CASE(test_list_that_bites_its_tail_ends),
		CHAIN_CASE(test_pointers_into_the_header_end_the_list),
		CHAIN_CASE(test_random_spaces_make_well_formed_views),
		CHAIN_CASE(test_hardware_domain_sees_lists_as_they_are),
		CHAIN_CASE(test_hardware_domain_loses_only_what_failed),
		CHAIN_CASE(test_hardware_domain_loses_the_first_one),
		CHAIN_CASE(test_cardbus_has_its_list_elsewhere_and_no_bars),
		CHAIN_CASE(test_a_nameless_one_can_fail),
		CHAIN_CASE(test_hooks_read_0_where_there_is_no_register),
		CHAIN_CASE(test_sizes_that_do_not_fit_the_space_are_hidden),
		CHAIN_CASE(test_a_name_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
