/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What no policy may allow, and what the shipped ones do allow of the small
 * capabilities.
 */
#include "message.h"

#define HERE MESSAGE_CAP

static struct vpci_cap_policy one;
static struct vpci_field field[3];
static struct vpci_policy policy;
static char why[160];

/* A policy of one capability with one register; the tests change it. */
static void only(bool extended, uint16_t id, uint16_t offset, uint8_t size)
{
	memset(field, 0, sizeof(field));
	field[0].offset = offset;
	field[0].size = size;
	one = (struct vpci_cap_policy){ .show = true,
					.nfields = 1,
					.field = field };
	policy = (struct vpci_policy){ .name = "test" };
	if (extended)
		policy.ext[id] = &one;
	else
		policy.cap[id] = &one;
}

static int check(void)
{
	return vpci_policy_check(&policy, why, sizeof(why));
}

/* --- never ------------------------------------------------------------------------ */

static const struct {
	bool extended;
	uint16_t id, offset;
	uint8_t size;
	uint32_t bits; /* that are refused; the register's others are not */
} never[] = {
	{ false, PCI_CAP_ID_PM, PCI_PM_CTRL, 2, 3 },
	{ false, PCI_CAP_ID_MSI, PCI_MSI_FLAGS, 2, 0xffff },
	{ false, PCI_CAP_ID_MSI, PCI_MSI_ADDRESS_LO, 4, 0xffffffff },
	{ false, PCI_CAP_ID_MSI, PCI_MSI_DATA_64, 2, 0xffff },
	{ false, PCI_CAP_ID_MSI, PCI_MSI_MASK_64, 4, 0xffffffff },
	{ false, PCI_CAP_ID_MSIX, PCI_MSIX_FLAGS, 2, 0xffff },
	{ false, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL, 2, 0x8200 },
	{ false, PCI_CAP_ID_EXP, PCI_EXP_LNKCTL, 2, 0x0030 },
	{ false, PCI_CAP_ID_EXP, PCI_EXP_SLTCTL, 2, 0xffff },
	{ false, PCI_CAP_ID_EXP, PCI_EXP_RTCTL, 2, 0xffff },
	{ false, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL2, 2, 0x0020 },
	{ false, PCI_CAP_ID_AF, PCI_AF_CTRL, 1, 0x01 },
	{ false, PCI_CAP_ID_EA, PCI_EA_FIRST_ENT, 4, 0xffffffff },
	{ false, PCI_CAP_ID_SECDEV, 4, 4, 0xffffffff },
	{ true, PCI_EXT_CAP_ID_ACS, PCI_ACS_CTRL, 2, 0xffff },
	{ true, PCI_EXT_CAP_ID_ATS, PCI_ATS_CTRL, 2, 0xffff },
	{ true, PCI_EXT_CAP_ID_PRI, PCI_PRI_CTRL, 2, 0xffff },
	{ true, PCI_EXT_CAP_ID_PASID, PCI_PASID_CTRL, 2, 0xffff },
	{ true, PCI_EXT_CAP_ID_SRIOV, PCI_SRIOV_CTRL, 2, 0xffff },
	{ true, PCI_EXT_CAP_ID_SRIOV, PCI_SRIOV_BAR, 4, 0xffffffff },
	{ true, PCI_EXT_CAP_ID_REBAR, PCI_REBAR_CTRL, 4, 0xffffffff },
	{ true, PCI_EXT_CAP_ID_ARI, PCI_ARI_CTRL, 2, 0xffff },
	{ true, PCI_EXT_CAP_ID_MCAST, 8, 4, 0xffffffff },
};

/* Each bit by itself, in each way that a bit reaches hardware, and in none. */
static void test_never_list_bit_by_bit(void **state)
{
	size_t i;
	unsigned int bit;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(never); i++) {
		only(never[i].extended, never[i].id, never[i].offset,
		     never[i].size);
		for (bit = 0; bit < 8u * never[i].size; bit++) {
			uint32_t mask = 1u << bit;
			int want = never[i].bits & mask ? -EPERM : 0;

			field[0].masks =
				(struct vpci_masks){ .hw = mask, .rw = mask };
			assert_int_equal(check(), want);
			field[0].masks =
				(struct vpci_masks){ .hw = mask, .w1c = mask };
			assert_int_equal(check(), want);
			field[0].masks = (struct vpci_masks){ .hw = mask,
							      .rsvdz = mask };
			assert_int_equal(check(), want);
			field[0].masks = (struct vpci_masks){ .rw = mask };
			assert_int_equal(check(), 0);
			field[0].masks = (struct vpci_masks){ .hw = mask,
							      .rsvdp = mask };
			assert_int_equal(check(), 0);
		}
	}
}

/* A wider or narrower register, or one that begins before, is no way round. */
static void test_never_list_by_any_register_that_covers_it(void **state)
{
	(void)state;
	only(false, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL + 1, 1);
	field[0].masks = (struct vpci_masks){ .hw = 0x80, .rw = 0x80 };
	assert_int_equal(check(), -EPERM);
	only(false, PCI_CAP_ID_EXP, PCI_EXP_SLTCAP + 4, 4);
	field[0].masks = (struct vpci_masks){ .hw = 0x10, .rw = 0x10 };
	assert_int_equal(check(), -EPERM);
	only(true, PCI_EXT_CAP_ID_ATS, 4, 4);
	field[0].masks = (struct vpci_masks){ .hw = 1u << 31, .rw = 1u << 31 };
	assert_int_equal(check(), -EPERM);
	assert_string_equal(why, "address translation services, register 0x4, "
				 "bits 0x80000000 in hardware: ATS");
}

static void test_never_list_by_the_rest(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(never); i++) {
		only(never[i].extended, never[i].id, never[i].offset,
		     never[i].size);
		one.nfields = 0;
		one.rest = VPCI_REST_PASS;
		assert_int_equal(check(), -EPERM);
		one.rest = VPCI_REST_READ;
		assert_int_equal(check(), 0);
	}
	/* The rest ends at the length, and where a register is. */
	only(false, PCI_CAP_ID_PM, PCI_PM_CTRL, 2);
	one.rest = VPCI_REST_PASS;
	assert_int_equal(check(), 0);
	field[0].offset = PCI_PM_CTRL + 2;
	assert_int_equal(check(), -EPERM);
	assert_string_equal(why, "power management, register 0x4, bits 0x3 in "
				 "hardware: the power state");
	one.nfields = 0;
	one.length = PCI_PM_CTRL;
	assert_int_equal(check(), 0);
	one.length++;
	assert_int_equal(check(), -EPERM);
}

static void test_what_is_hidden_lets_nothing_through(void **state)
{
	(void)state;
	only(true, PCI_EXT_CAP_ID_ACS, PCI_ACS_CTRL, 2);
	one.rest = VPCI_REST_PASS;
	one.show = false;
	assert_int_equal(check(), 0);
}

static void test_vendor_specific_may_pass(void **state)
{
	(void)state;
	only(false, PCI_CAP_ID_VNDR, 4, 4);
	one.rest = VPCI_REST_PASS;
	field[0].masks = (struct vpci_masks){ .hw = ~0u, .rw = ~0u };
	assert_int_equal(check(), 0);
	assert_string_equal(why, "");
}

/* --- form ------------------------------------------------------------------------------ */

static void assert_malformed(const char *says)
{
	assert_int_equal(check(), -EINVAL);
	if (!strstr(why, says))
		fail_msg("\"%s\" does not say \"%s\"", why, says);
}

static void test_malformed_registers_are_refused(void **state)
{
	static const struct {
		bool extended;
		uint16_t offset;
		uint8_t size;
		const char *says;
	} bad[] = {
		{ false, 4, 0, "size" },        { false, 4, 3, "size" },
		{ false, 8, 8, "size" },        { false, 6, 4, "aligned" },
		{ false, 5, 2, "aligned" },     { false, 0, 2, "header" },
		{ false, 1, 1, "header" },      { true, 2, 2, "header" },
		{ false, 0xc0, 1, "beyond" },   { true, 0xf00, 4, "beyond" },
		{ false, 0xfffe, 2, "beyond" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		only(bad[i].extended, 9, bad[i].offset, bad[i].size);
		assert_malformed(bad[i].says);
	}
	only(true, 11, 4, 4);
	assert_int_equal(check(), 0);
	only(false, 9, 0xbc, 4);
	assert_int_equal(check(), 0);
	one.length = 0xbd;
	assert_malformed("beyond");
	one.length = 0;
	only(true, 0x14, 4, 3); /* it has no name */
	assert_malformed("extended 0x14, register 0x4: ");
}

static void test_malformed_masks_are_refused(void **state)
{
	uint32_t *masks[] = { &field[0].masks.rw, &field[0].masks.w1c,
			      &field[0].masks.rsvdp, &field[0].masks.rsvdz };
	size_t i, j;

	(void)state;
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 4; j++) {
			only(false, 9, 4, 2);
			*masks[i] = 0x11;
			*masks[j] = 0x10;
			if (i != j)
				assert_malformed("exclude");
			else
				assert_int_equal(check(), 0);
		}
		only(false, 9, 4, 2);
		*masks[i] = 0x10000;
		assert_malformed("wider");
	}
	only(false, 9, 4, 1);
	field[0].masks.hw = 0x100;
	assert_malformed("wider");
	only(false, 9, 4, 1);
	field[0].masks.value = 0x100;
	assert_malformed("wider");
	only(false, 9, 4, 1);
	field[0].initial = 0x100;
	assert_malformed("wider");
}

static void test_malformed_policies_are_refused(void **state)
{
	char name[PCI_WHO_LEN + 1];

	(void)state;
	only(false, 9, 4, 4);
	one.nfields = 2;
	field[1] = (struct vpci_field){ .offset = 7, .size = 1 };
	assert_malformed("overlaps");
	field[1].size = 3; /* the first of both is told */
	assert_malformed("size");
	field[1].size = 1;
	one.show = false; /* even then */
	assert_malformed("overlaps");
	only(false, 9, 4, 4);
	one.field = NULL;
	assert_malformed("not a policy");
	only(false, 9, 4, 4);
	one.rest = VPCI_REST_PASS + 1;
	assert_malformed("not a policy");
	only(false, 9, 4, 4);
	one.length = 0xc1;
	assert_malformed("as long");
	one.length = 1;
	assert_malformed("as long");
	only(false, 9, 4, 4);
	policy.name = "";
	assert_malformed("name");
	policy.name = NULL;
	assert_malformed("name");
	memset(name, 'x', sizeof(name));
	name[PCI_WHO_LEN] = '\0';
	policy.name = name;
	assert_malformed("name");
	name[PCI_WHO_LEN - 1] = '\0';
	assert_int_equal(check(), 0);
}

static void test_reason_fits_whatever_room_there_is(void **state)
{
	size_t len;

	(void)state;
	only(true, 0x3f, 2, 4);
	for (len = 0; len < sizeof(why); len++) {
		memset(why, '#', sizeof(why));
		assert_int_equal(vpci_policy_check(&policy, why, len), -EINVAL);
		assert_int_equal(why[len], '#');
		assert_true(!len || strlen(why) < len);
	}
	assert_malformed("extended 0x3f, register 0x2: ");
}

static void test_what_passes_by_itself_is_no_guests(void **state)
{
	(void)state;
	policy = (struct vpci_policy){ .name = "test" };
	assert_int_equal(check(), 0);
	policy.hardware = true;
	assert_int_equal(check(), -EPERM);
}

static void test_shipped_policies(void **state)
{
	(void)state;
	assert_int_equal(
		vpci_policy_check(&vpci_policy_guest, why, sizeof(why)), 0);
	assert_int_equal(vpci_policy_check(&vpci_policy_hardware_domain, why,
					   sizeof(why)),
			 -EPERM);
	assert_null(vpci_cap_policy(&vpci_policy_guest, false, VPCI_CAP_IDS));
	assert_null(
		vpci_cap_policy(&vpci_policy_guest, true, VPCI_EXT_CAP_IDS));
	assert_null(
		vpci_cap_policy(&vpci_policy_guest, true, PCI_EXT_CAP_ID_ACS));
	assert_ptr_equal(vpci_cap_policy(&vpci_policy_guest, true,
					 PCI_EXT_CAP_ID_DSN),
			 &vpci_guest_dsn);
}

/* --- the small capabilities, as a guest has them -------------------------------- */

static void give(uint8_t id, unsigned int length)
{
	fake_cap(message.fn, HERE, id);
	memset(message.fn->reg + HERE + 2, 0xa5, length - 2);
	memset(message.fn->writable + HERE + 2, 0xff, length - 2);
	message_assign();
}

static uint32_t hw(uint16_t reg, uint8_t size)
{
	return fake_get(message.fn, HERE + reg, size);
}

static void test_power_state_is_the_guests_own(void **state)
{
	(void)state;
	give(PCI_CAP_ID_PM, PCI_PM_SIZEOF);
	/* D1, D2 and PME are not offered; no transition resets */
	assert_int_equal(cap_read(PCI_PM_PMC, 2), 0xa5a5 & 0x0037);
	assert_int_equal(cap_read(PCI_PM_CTRL, 4), PCI_PM_CTRL_NO_SOFT_RESET);
	cap_write(PCI_PM_CTRL, 2, 0xffff);
	assert_int_equal(cap_read(PCI_PM_CTRL, 4),
			 PCI_PM_CTRL_NO_SOFT_RESET | 3);
	/* what is not offered is no change */
	cap_write(PCI_PM_CTRL, 1, 1);
	cap_write(PCI_PM_CTRL, 2, 2);
	assert_int_equal(cap_read(PCI_PM_CTRL, 2),
			 PCI_PM_CTRL_NO_SOFT_RESET | 3);
	cap_write(PCI_PM_CTRL, 4, 0);
	assert_int_equal(cap_read(PCI_PM_CTRL, 2), PCI_PM_CTRL_NO_SOFT_RESET);
	assert_int_equal(message.touched, 0);
}

static void test_vpd_can_be_read_and_not_written(void **state)
{
	(void)state;
	give(PCI_CAP_ID_VPD, PCI_CAP_VPD_SIZEOF);
	assert_int_equal(cap_read(PCI_VPD_DATA, 4), 0xa5a5a5a5);
	cap_write(PCI_VPD_DATA, 4, 0);
	cap_write(PCI_VPD_ADDR, 2, PCI_VPD_ADDR_F | 0x10);
	cap_write(PCI_VPD_ADDR, 1, 0x10);
	cap_write(PCI_VPD_ADDR + 1, 1, 0x10);
	assert_int_equal(message.touched, 0);
	assert_int_equal(hw(PCI_VPD_ADDR, 2), 0xa5a5);
	cap_write(PCI_VPD_ADDR, 2, 0x7ffc);
	assert_int_equal(hw(PCI_VPD_ADDR, 2), 0x7ffc);
	assert_int_equal(message.touched, 1);
	/* the device is ready: F */
	fake_put(message.fn, HERE + PCI_VPD_ADDR, 2, 0xfffc);
	assert_int_equal(cap_read(PCI_VPD_ADDR, 2), 0xfffc);
	/* a dword with the header in it is one write of the whole address */
	cap_write(0, 4, 0x00080000);
	assert_int_equal(hw(PCI_VPD_ADDR, 2), 8);
}

static void give_vendor(uint8_t length)
{
	struct fake_fn *fn = message.fn;

	fake_cap(fn, HERE, PCI_CAP_ID_VNDR);
	memset(fn->reg + HERE + 2, 0xa5, 0x40);
	memset(fn->writable + HERE + 2, 0xff, 0x40);
	fn->reg[HERE + PCI_CAP_VNDR_LENGTH] = length;
	fake_cap(fn, HERE + 0x20, PCI_CAP_ID_PCIX);
	message_assign();
}

static void test_vendor_specific_is_read_as_far_as_it_says(void **state)
{
	(void)state;
	give_vendor(0x0b);
	assert_int_equal(cap_read(0, 4), 0xa50b0009);
	assert_int_equal(cap_read(4, 4), 0xa5a5a5a5);
	assert_int_equal(cap_read(8, 4), 0x00a5a5a5);
	assert_int_equal(cap_read(12, 4), 0);
	cap_write(4, 4, 0);
	cap_write(0, 4, 0);
	assert_int_equal(message.touched, 0);
}

static void test_vendor_specific_ends_before_the_next_one(void **state)
{
	(void)state;
	give_vendor(0xff);
	assert_int_equal(cap_read(0, 4), 0xa5200009);
	assert_int_equal(cap_read(0x1c, 4), 0xa5a5a5a5);
	assert_int_equal(cap_read(0x20, 4), 0);
	assert_int_equal(cap_read(0x24, 4), 0);
}

static void test_vendor_specific_has_its_length_at_least(void **state)
{
	(void)state;
	give_vendor(0);
	assert_int_equal(cap_read(0, 4), 0x00030009);
	assert_int_equal(cap_read(4, 4), 0);
}

static void give_extended(uint16_t id, uint32_t first, unsigned int length)
{
	struct fake_fn *fn = message.fn;

	fake_ext_cap(fn, 0x100, id);
	fake_ext_cap(fn, 0x100 + (uint16_t)length, PCI_EXT_CAP_ID_ACS);
	memset(fn->reg + 0x104, 0xa5, length - 4);
	memset(fn->writable + 0x104, 0xff, length);
	fake_put(fn, 0x104, 4, first);
	message_assign();
}

#define EXT (0x100 - HERE)

static void test_extended_vendor_specific_likewise(void **state)
{
	(void)state;
	give_extended(PCI_EXT_CAP_ID_VNDR, 0x01041234, 0x20);
	assert_int_equal(cap_read(EXT + 4, 4), 0x01041234);
	assert_int_equal(cap_read(EXT + 0xc, 4), 0xa5a5a5a5);
	assert_int_equal(cap_read(EXT + 0x10, 4), 0);
	cap_write(EXT + 0xc, 4, 0);
	cap_write(EXT + 4, 4, 0);
	assert_int_equal(hw(EXT + 0xc, 4), 0xa5a5a5a5);
	assert_int_equal(hw(EXT + 4, 4), 0x01041234);
}

static void test_extended_vendor_specific_has_both_headers(void **state)
{
	(void)state;
	give_extended(PCI_EXT_CAP_ID_VNDR, 0x00441234, 0x20); /* 4 bytes */
	assert_int_equal(cap_read(EXT + 4, 4), 0x00841234);
	assert_int_equal(cap_read(EXT + 8, 4), 0);
}

static void test_extended_vendor_specific_ends_before_the_next_one(void **state)
{
	(void)state;
	give_extended(PCI_EXT_CAP_ID_VNDR, 0xfff41234, 0x20);
	assert_int_equal(cap_read(EXT + 4, 4), 0x02041234);
	assert_int_equal(cap_read(EXT + 0x1c, 4), 0xa5a5a5a5);
	assert_int_equal(cap_read(EXT + 0x20, 4), 0);
}

static void test_serial_number_is_read_only(void **state)
{
	(void)state;
	give_extended(PCI_EXT_CAP_ID_DSN, 0x12345678, 0x20);
	assert_int_equal(cap_read(EXT + PCI_DSN_LOWER, 4), 0x12345678);
	assert_int_equal(cap_read(EXT + PCI_DSN_UPPER, 4), 0xa5a5a5a5);
	assert_int_equal(cap_read(EXT + 12, 4), 0);
	cap_write(EXT + PCI_DSN_LOWER, 4, 0);
	assert_int_equal(hw(EXT + PCI_DSN_LOWER, 4), 0x12345678);
}

static void test_errors_are_the_hosts(void **state)
{
	(void)state;
	give_extended(PCI_EXT_CAP_ID_ERR, 0xffffffff, 0x60);
	assert_int_equal(cap_read(EXT + PCI_ERR_UNCOR_STATUS, 4), 0);
	assert_int_equal(cap_read(EXT + PCI_ERR_COR_STATUS, 4), 0);
	cap_write(EXT + PCI_ERR_UNCOR_STATUS, 4, ~0u);
	assert_int_equal(hw(EXT + PCI_ERR_UNCOR_STATUS, 4), 0xffffffff);
	assert_int_equal(cap_read(EXT + PCI_ERR_UNCOR_MASK, 4),
			 0xa5a5a5a5 & PCI_ERR_UNC_ALL);
	cap_write(EXT + PCI_ERR_UNCOR_MASK, 4, ~0u);
	cap_write(EXT + PCI_ERR_UNCOR_SEVER, 4, 0);
	cap_write(EXT + PCI_ERR_COR_MASK, 4, ~0u);
	assert_int_equal(cap_read(EXT + PCI_ERR_UNCOR_MASK, 4),
			 PCI_ERR_UNC_ALL);
	assert_int_equal(cap_read(EXT + PCI_ERR_UNCOR_SEVER, 4), 0);
	assert_int_equal(cap_read(EXT + PCI_ERR_COR_MASK, 4), PCI_ERR_COR_ALL);
	assert_int_equal(cap_read(EXT + PCI_ERR_CAP, 4), 0);
	assert_int_equal(cap_read(EXT + PCI_ERR_HEADER_LOG, 4), 0);
	assert_int_equal(hw(EXT + PCI_ERR_UNCOR_MASK, 4), 0xa5a5a5a5);
	assert_int_equal(hw(EXT + PCI_ERR_UNCOR_SEVER, 4), 0xa5a5a5a5);
	assert_int_equal(hw(EXT + PCI_ERR_COR_MASK, 4), 0xa5a5a5a5);
}

static void test_bridge_subsystem_is_read_only(void **state)
{
	(void)state;
	give(PCI_CAP_ID_SSVID, 16);
	assert_int_equal(cap_read(0, 4), PCI_CAP_ID_SSVID);
	assert_int_equal(cap_read(4, 4), 0xa5a5a5a5);
	assert_int_equal(cap_read(8, 4), 0);
	cap_write(4, 4, 0);
	assert_int_equal(message.touched, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_list_bit_by_bit),
		cmocka_unit_test(
			test_never_list_by_any_register_that_covers_it),
		cmocka_unit_test(test_never_list_by_the_rest),
		cmocka_unit_test(test_what_is_hidden_lets_nothing_through),
		cmocka_unit_test(test_vendor_specific_may_pass),
		cmocka_unit_test(test_malformed_registers_are_refused),
		cmocka_unit_test(test_malformed_masks_are_refused),
		cmocka_unit_test(test_malformed_policies_are_refused),
		cmocka_unit_test(test_reason_fits_whatever_room_there_is),
		cmocka_unit_test(test_what_passes_by_itself_is_no_guests),
		cmocka_unit_test(test_shipped_policies),
		MESSAGE_CASE(test_power_state_is_the_guests_own),
		MESSAGE_CASE(test_vpd_can_be_read_and_not_written),
		MESSAGE_CASE(test_vendor_specific_is_read_as_far_as_it_says),
		MESSAGE_CASE(test_vendor_specific_ends_before_the_next_one),
		MESSAGE_CASE(test_vendor_specific_has_its_length_at_least),
		MESSAGE_CASE(test_extended_vendor_specific_likewise),
		MESSAGE_CASE(test_extended_vendor_specific_has_both_headers),
		MESSAGE_CASE(
			test_extended_vendor_specific_ends_before_the_next_one),
		MESSAGE_CASE(test_serial_number_is_read_only),
		MESSAGE_CASE(test_errors_are_the_hosts),
		MESSAGE_CASE(test_bridge_subsystem_is_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
