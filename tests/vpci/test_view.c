/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Views: built by a policy, with what an embedder adds, among other stages.
 * Where there is none, hardware as it is.
 */
#include <holdfast/iommu.h>
#include <holdfast/stage.h>

#include "given.h"

static struct pci_removal *op;

/* --- without one --------------------------------------------------------------- */

static void test_without_a_view_8_bytes_are_two_dwords(void **state)
{
	(void)state;
	fake_allow(given.fn, SCRATCH, 4, UINT32_MAX);
	fake_allow(given.fn, SCRATCH + 4, 4, UINT32_MAX);
	add(GIVEN);
	host_writes(SCRATCH, 8, 0x1122334455667788);
	assert_int_equal(hw(SCRATCH, 4), 0x55667788);
	assert_int_equal(hw(SCRATCH + 4, 4), 0x11223344);
	assert_int_equal(host_sees(SCRATCH, 8), 0x1122334455667788);
	host_writes(SCRATCH + 2, 1, 0xffaa);
	assert_int_equal(hw(SCRATCH, 4), 0x55aa7788);
	given.fn->unreadable = true;
	assert_int_equal(host_sees(SCRATCH, 8), UINT64_MAX);
	given.fn->unreadable = false;
}

static void test_through_the_hosts_view_8_bytes_are_two_dwords(void **state)
{
	(void)state;
	fake_allow(given.fn, SCRATCH, 4, UINT32_MAX);
	fake_allow(given.fn, SCRATCH + 4, 4, UINT32_MAX);
	vpci_options.hardware_views = true;
	add(GIVEN);
	host_writes(SCRATCH, 8, 0x1122334455667788);
	assert_int_equal(hw(SCRATCH, 4), 0x55667788);
	assert_int_equal(hw(SCRATCH + 4, 4), 0x11223344);
	assert_int_equal(host_sees(SCRATCH, 8), 0x1122334455667788);
}

/* What stands in for function 0 is for guests. */
static void test_the_host_sees_slots_as_they_are(void **state)
{
	(void)state;
	fake_add("00:05.3", 0x10ec8086);
	add("00:05.3");
	assert_int_equal(see(hardware_domain, at("00:05.3"), 0, 4), 0x10ec8086);
	assert_int_equal(see(hardware_domain, at("00:05.0"), 0, 4), UINT32_MAX);
}

static void write_mark(bool on)
{
	struct pci_dev *pdev = get(GIVEN);

	pcidev_set_read_only(pdev, on);
	pcidev_put(pdev);
}

static void test_what_is_read_only_takes_no_write_by_anyone(void **state)
{
	(void)state;
	fake_allow(given.fn, SCRATCH, 4, UINT32_MAX);
	add(GIVEN);
	write_mark(true);
	host_writes(SCRATCH, 4, 1);
	assert_int_equal(host_sees(SCRATCH, 4), 0);
	give(GIVEN);
	wr(PCI_INTERRUPT_LINE, 1, 7);
	assert_int_not_equal(rd(PCI_INTERRUPT_LINE, 1), 7);
	write_mark(false);
	wr(PCI_INTERRUPT_LINE, 1, 7);
	assert_int_equal(rd(PCI_INTERRUPT_LINE, 1), 7);
	take_back();
	host_writes(SCRATCH, 4, 1);
	assert_int_equal(host_sees(SCRATCH, 4), 1);
}

static void test_what_is_read_only_takes_no_write_by_the_hosts_view(void **s)
{
	(void)s;
	fake_allow(given.fn, SCRATCH, 4, UINT32_MAX);
	vpci_options.hardware_views = true;
	add(GIVEN);
	write_mark(true);
	host_writes(SCRATCH, 4, 1);
	assert_int_equal(hw(SCRATCH, 4), 0);
	write_mark(false);
	host_writes(SCRATCH, 4, 1);
	assert_int_equal(hw(SCRATCH, 4), 1);
}

/* --- policies ------------------------------------------------------------------ */

static const struct vpci_cap_policy shown = { .show = true };
static const struct vpci_policy plain = { .name = "plain" };
static const struct vpci_policy with_msi = {
	.name = "with MSI",
	.cap[PCI_CAP_ID_MSI] = &shown,
};
static const struct vpci_cap_policy open_msi = { .show = true,
						 .rest = VPCI_REST_PASS };
static const struct vpci_policy open = {
	.name = "open",
	.cap[PCI_CAP_ID_MSI] = &open_msi,
};

static void assert_policy(const char *name)
{
	struct vpci_info info;

	assert_int_equal(vpci_query(at(GIVEN), &info), 0);
	assert_string_equal(info.policy, name);
}

static void test_a_policy_is_the_next_guests(void **state)
{
	(void)state;
	add_msi();
	add(GIVEN);
	assert_int_equal(vpci_policy_set(at(GIVEN), &plain), 0);
	give(GIVEN);
	assert_policy("plain");
	assert_int_equal(rd(PCI_CAPABILITY_LIST, 1), 0);
	assert_int_equal(vpci_policy_set(at(GIVEN), &with_msi), 0);
	assert_policy("plain");
	assert_int_equal(rd(PCI_CAPABILITY_LIST, 1), 0);
	take_back();
	give(GIVEN);
	assert_policy("with MSI");
	assert_int_equal(rd(PCI_CAPABILITY_LIST, 1), MSI_CAP);
	assert_int_equal(vpci_policy_set(at(GIVEN), NULL), 0);
	take_back();
	give(GIVEN);
	assert_policy(vpci_policy_guest.name);
}

static void test_a_policy_that_no_guest_may_have_is_refused(void **state)
{
	(void)state;
	add_msi();
	add(GIVEN);
	assert_int_equal(vpci_policy_set(at(GIVEN), &open), -EPERM);
	assert_int_equal(vpci_policy_set(at(GIVEN),
					 &vpci_policy_hardware_domain),
			 -EPERM);
	assert_int_equal(vpci_policy_set(at("00:04.0"), &plain), -ENODEV);
	give(GIVEN);
	assert_policy(vpci_policy_guest.name);
}

/* Who builds a view at this moment reads it. */
static void test_a_policy_is_not_changed_during_an_operation(void **state)
{
	int err;

	(void)state;
	give(GIVEN);
	assert_int_equal(pci_removal_start(at(GIVEN), 0, MSEC, "test", NULL,
					   NULL, &op),
			 0);
	err = vpci_policy_set(at(GIVEN), &plain);
	pci_removal_finish(op);
	assert_int_equal(err, -EBUSY);
	take_back();
	give(GIVEN);
	assert_policy(vpci_policy_guest.name);
}

/* --- what an embedder adds ------------------------------------------------------ */

static int extend_error;
static const struct vpci_masks five = { .rw = 0xff, .value = 5 };

static int extend(struct vpci *view, struct pci_dev *pdev, struct domain *d)
{
	(void)pdev, (void)d;
	if (vpci_add_register(view, SCRATCH, 4, &five, NULL, NULL, NULL) ||
	    vpci_get(view, SCRATCH, 4) != 5)
		return -EINVAL;
	return extend_error;
}

static void test_an_error_of_extend_is_that_of_the_assignment(void **state)
{
	(void)state;
	vpci_options.extend = extend;
	extend_error = -ENOSPC;
	add(GIVEN);
	assert_int_equal(give_at(GIVEN, pci_sbdf_from(UINT32_MAX)), -ENOSPC);
	assert_int_equal(info_of(GIVEN).owner, DOMID_HARDWARE);
	assert_null(view_of(GIVEN));
	extend_error = 0;
	give(GIVEN);
	assert_int_equal(rd(SCRATCH, 4), 5);
}

static int add_all_writable(struct vpci *view, struct pci_dev *pdev,
			    struct domain *d)
{
	const struct vpci_masks all = { .rw = UINT32_MAX };

	(void)pdev, (void)d;
	return vpci_add_register(view, SCRATCH, 4, &all, NULL, NULL, NULL);
}

static void test_a_dword_that_is_partly_writable_keeps_the_rest(void **state)
{
	(void)state;
	vpci_options.extend = extend;
	extend_error = 0;
	give(GIVEN);
	wr(SCRATCH, 4, 0xffffff3c);
	assert_int_equal(rd(SCRATCH, 4), 0x3c);
}

static void test_of_a_writable_dword_other_bytes_stay(void **state)
{
	(void)state;
	vpci_options.extend = add_all_writable;
	give(GIVEN);
	wr(SCRATCH, 4, 0x12345678);
	assert_int_equal(rd(SCRATCH, 4), 0x12345678);
	wr(SCRATCH + 2, 1, 0xab);
	assert_int_equal(rd(SCRATCH, 4), 0x12ab5678);
}

static void test_an_error_of_extend_is_that_of_the_addition(void **state)
{
	(void)state;
	vpci_options.extend = extend;
	vpci_options.hardware_views = true;
	extend_error = -ENOSPC;
	assert_int_equal(pci_add_device(at(GIVEN)), -ENOSPC);
	assert_false(is_there(GIVEN));
	extend_error = 0;
	add(GIVEN);
	assert_int_equal(host_sees(SCRATCH, 4), 5);
}

static uint32_t as_it_is(struct vpci *view, uint16_t reg, uint32_t val,
			 void *data)
{
	(void)view, (void)reg, (void)data;
	return val;
}

static int add_one(struct vpci *view, uint16_t reg, vpci_read_fn *read)
{
	const struct vpci_masks none = { 0 };

	return vpci_add_register(view, reg, 4, &none, read, NULL, NULL);
}

/* What was removed leaves its room to others. */
static int come_and_go(struct vpci *view, struct pci_dev *pdev,
		       struct domain *d)
{
	uint16_t reg = 0x100;
	unsigned int i;

	(void)pdev, (void)d;
	for (i = 0; i < 300; i++, reg ^= 4)
		if (add_one(view, reg, NULL) ||
		    vpci_remove_registers(view, reg ^ 4, 4) ||
		    add_one(view, 0x200, as_it_is) ||
		    vpci_remove_registers(view, 0x200, 4))
			return -EINVAL;
	for (reg = 0x200; !add_one(view, reg, NULL);)
		reg += 4;
	if (add_one(view, reg, NULL) != -ENOSPC ||
	    vpci_remove_registers(view, reg - 4, 4))
		return -EINVAL;
	return add_one(view, reg, NULL);
}

static int too_wide(struct vpci *view, struct pci_dev *pdev, struct domain *d)
{
	const struct vpci_masks wide = { .rw = 0x100 };

	(void)pdev, (void)d;
	return vpci_add_register(view, SCRATCH, 1, &wide, NULL, NULL, NULL);
}

static void test_a_mask_wider_than_its_register_is_refused(void **state)
{
	(void)state;
	vpci_options.extend = too_wide;
	add(GIVEN);
	assert_int_equal(give_at(GIVEN, pci_sbdf_from(UINT32_MAX)), -EINVAL);
}

static void test_removed_registers_leave_their_room(void **state)
{
	(void)state;
	vpci_options.extend = come_and_go;
	give(GIVEN);
}

/* --- who could have one ----------------------------------------------------------- */

static int could(void)
{
	int test = pci_test_assign(given.guest, at(GIVEN), 0, NULL);

	if (test)
		assert_int_equal(give_at(GIVEN, pci_sbdf_from(UINT32_MAX)),
				 test);
	return test;
}

static void test_who_asks_is_told_what_assign_would_say(void **state)
{
	int err;

	(void)state;
	add(GIVEN);
	fake.ops.read_only = true;
	assert_int_equal(could(), -EOPNOTSUPP);
	fake.ops.read_only = false;
	assert_int_equal(pci_removal_start(at(GIVEN), 0, MSEC, "test", NULL,
					   NULL, &op),
			 0);
	err = could();
	pci_removal_finish(op);
	assert_int_equal(err, -EBUSY);
	assert_int_equal(could(), 0);
}

/* --- among other stages ------------------------------------------------------------ */

static char course[64];
static int enter_error;

static void note(const char *what)
{
	strcat(course, what);
}

static int enter_1(struct pci_dev *pdev, struct domain *d)
{
	(void)pdev;
	note(d == given.guest ? " E1" : " home1");
	return d == given.guest ? enter_error : 0;
}

static int enter_2(struct pci_dev *pdev, struct domain *d)
{
	(void)pdev;
	note(d == given.guest ? " E2" : " home2");
	return 0;
}

static int leave_1(struct pci_dev *pdev)
{
	(void)pdev;
	note(" L1");
	return 0;
}

static int leave_2(struct pci_dev *pdev)
{
	(void)pdev;
	note(" L2");
	return 0;
}

static void test_stages_come_in_order_and_go_against_it(void **state)
{
	static const struct pci_stage one = { .name = "one",
					      .rank = PCI_STAGE_IOMMU,
					      .enter = enter_1,
					      .leave = leave_1 };
	static const struct pci_stage two = { .name = "two",
					      .enter = enter_2,
					      .leave = leave_2 };
	static const struct pci_stage other = { .name = "other" };
	int i;

	(void)state;
	assert_int_equal(pci_stage_register(&two), 0);
	assert_int_equal(pci_stage_register(&one), 0);
	for (i = 5; i < 9; i++)
		assert_int_equal(pci_stage_register(&other), 0);
	assert_int_equal(pci_stage_register(&other), -ENOSPC);
	add(GIVEN);
	course[0] = '\0';
	enter_error = 0;
	give(GIVEN);
	assert_string_equal(course, " L2 L1 E1 E2");
	take_back();
	course[0] = '\0';
	enter_error = -EIO;
	assert_int_equal(give_at(GIVEN, pci_sbdf_from(UINT32_MAX)), -EIO);
	assert_string_equal(course, " L2 L1 E1 L2 L1 home1 home2");
}

/* --- what a write keeps ------------------------------------------------------------ */

static int add_nibble(struct vpci *view, struct pci_dev *pdev, struct domain *d)
{
	const struct vpci_masks nibble = { .hw = 0xff, .rw = 0x0f };

	(void)pdev, (void)d;
	return vpci_add_register(view, SCRATCH, 1, &nibble, NULL, NULL, NULL);
}

static void give_nibble(uint32_t val)
{
	vpci_options.extend = add_nibble;
	fake_allow(given.fn, SCRATCH, 1, 0xff);
	hw_put(SCRATCH, 1, val);
	give(GIVEN);
}

static void come_back(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)write;
	fn->absent = fn->absent && reg != PCI_COMMAND;
}

static void test_a_device_that_comes_back_just_then_is_read_again(void **state)
{
	(void)state;
	give_nibble(0x50);
	given.fn->absent = true;
	fake.on_access = come_back;
	wr(SCRATCH, 1, 1);
	assert_int_equal(hw(SCRATCH, 1), 0x51);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GIVEN_CASE(test_without_a_view_8_bytes_are_two_dwords),
		GIVEN_CASE(test_through_the_hosts_view_8_bytes_are_two_dwords),
		GIVEN_CASE(test_the_host_sees_slots_as_they_are),
		GIVEN_CASE(test_what_is_read_only_takes_no_write_by_anyone),
		GIVEN_CASE(
			test_what_is_read_only_takes_no_write_by_the_hosts_view),
		GIVEN_CASE(test_a_policy_is_the_next_guests),
		GIVEN_CASE(test_a_policy_that_no_guest_may_have_is_refused),
		GIVEN_CASE(test_a_policy_is_not_changed_during_an_operation),
		GIVEN_CASE(test_an_error_of_extend_is_that_of_the_assignment),
		GIVEN_CASE(test_an_error_of_extend_is_that_of_the_addition),
		GIVEN_CASE(test_a_dword_that_is_partly_writable_keeps_the_rest),
		GIVEN_CASE(test_of_a_writable_dword_other_bytes_stay),
		GIVEN_CASE(test_a_mask_wider_than_its_register_is_refused),
		GIVEN_CASE(test_removed_registers_leave_their_room),
		GIVEN_CASE(test_who_asks_is_told_what_assign_would_say),
		GIVEN_CASE(test_stages_come_in_order_and_go_against_it),
		GIVEN_CASE(
			test_a_device_that_comes_back_just_then_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
