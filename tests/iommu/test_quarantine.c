/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From quarantine straight to a guest (PCI_ASSIGN_QUARANTINED): alone, as the
 * neighbour of what the guest has already, with its group; and back into it.
 */
#include <holdfast/stage.h>

#include "lab.h"

#define OUT PCI_ASSIGN_QUARANTINED

static const char reason[] = "by test";
static unsigned int homes; /* how often one came to the hardware domain */
static int refuses;        /* what the guest "one" is told of the last stage */

static int enter(struct pci_dev *pdev, struct domain *d)
{
	(void)pdev;
	homes += d == hardware_domain;
	return d == lab.one ? refuses : 0;
}

static const struct pci_stage stage = { .name = "test",
					.rank = PCI_STAGE_IOMMU + 1,
					.enter = enter };

static int setup(void **state)
{
	homes = 0;
	refuses = 0;
	return lab_setup(state) || pci_stage_register(&stage);
}

static void put_in(const char *device)
{
	assert_int_equal(pci_quarantine_device(at(device), reason), 0);
	spoil(device, FABRIC_KEEPS_DMA);
}

static void is_in(const char *device, const char *why)
{
	assert_string_equal(owner(device), "quarantine");
	assert_string_equal(broken(device), why);
	assert_int_equal(query(device).mode, IOMMU_BLOCKED);
	faults(device, DMA);
}

static void has_sound(struct domain *d, const char *device)
{
	assert_string_equal(owner(device), domain_name(d));
	assert_string_equal(broken(device), "");
	assert_int_equal(query(device).domain, domain_id(d));
	reaches(device, DMA, lab.mine);
}

static int test(const char *device, unsigned int flags)
{
	return pci_test_assign(lab.one, at(device), flags, &lab.report);
}

/* --- given -------------------------------------------------------------------- */

static void test_from_quarantine_to_a_guest(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	put_in(NIC);
	assert_int_equal(test(NIC, 0), -EBADF);
	assert_int_equal(try_give(lab.one, NIC, 0), -EBADF);
	assert_ptr_equal(lab.report.reason, reason);
	is_in(NIC, reason);
	assert_int_equal(test(NIC, OUT), 0);
	is_in(NIC, reason);
	assert_int_equal(try_give(lab.one, NIC, OUT), 0);
	assert_int_equal(lab.report.moved, 1);
	has_sound(lab.one, NIC);
	assert_int_equal(homes, 0);
	assert_int_equal(test(NIC, OUT), -EBUSY);
	assert_int_equal(try_give(lab.two, NIC, OUT), -EBUSY);
	assert_string_equal(lab.report.who, "one");
	assert_int_equal(take(lab.one, NIC), 0);
	assert_int_equal(homes, 1);
}

static void test_what_is_not_in_it_is_given_as_ever(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	spoil(NIC, FABRIC_KEEPS_DMA);
	assert_int_equal(try_give(lab.one, NIC, OUT), 0);
	has_sound(lab.one, NIC);
	assert_int_equal(pci_hide_device(at(DISK), true), 0);
	assert_int_equal(try_give(lab.one, DISK, OUT), -EBUSY);
	assert_int_equal(pci_hide_device(at(DISK), false), 0);
}

/* Broken in the hardware domain's hands: that is another matter. */
static void test_what_is_broken_elsewhere_is_not_given(void **state)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(NIC));

	(void)state;
	pcidev_set_broken(pdev, reason);
	assert_int_equal(test(NIC, OUT), -EBADF);
	assert_int_equal(try_give(lab.one, NIC, OUT), -EBADF);
	assert_string_equal(owner(NIC), "hardware");
	pcidev_set_broken(pdev, NULL);
	pcidev_put(pdev);
}

static void test_a_group_one_by_one(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	put_in(TWIN_0);
	/* The other one would be the guest's neighbour, as long as it is home. */
	assert_int_equal(test(TWIN_0, OUT), -EPERM);
	assert_int_equal(try_give(lab.one, TWIN_0, OUT), -EPERM);
	assert_int_equal(lab.report.missing, 1);
	is_in(TWIN_0, reason);
	put_in(TWIN_1);
	assert_int_equal(try_give(lab.one, TWIN_0, OUT), 0);
	is_in(TWIN_1, reason);
	assert_int_equal(try_give(lab.two, TWIN_1, OUT), -EBUSY);
	assert_string_equal(lab.report.who, "one");
	is_in(TWIN_1, reason);
	assert_int_equal(try_give(lab.one, TWIN_1, OUT), 0);
	has_sound(lab.one, TWIN_0);
	has_sound(lab.one, TWIN_1);
	assert_int_equal(homes, 0);
	assert_int_equal(take(lab.one, TWIN_0), 0);
}

/* Also those that have one requester ID. */
static void test_a_group_of_one_name_one_by_one(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	put_in(OLD_0);
	put_in(OLD_1);
	assert_int_equal(try_give(lab.one, OLD_1, OUT), 0);
	assert_int_equal(try_give(lab.one, OLD_0, OUT), 0);
	has_sound(lab.one, OLD_0);
	has_sound(lab.one, OLD_1);
	assert_int_equal(homes, 0);
}

static void test_a_whole_group(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	put_in(TWIN_1);
	/* Without the word it stays where it is … */
	assert_int_equal(try_give(lab.one, TWIN_0, PCI_ASSIGN_GROUP), 0);
	assert_int_equal(lab.report.moved, 1);
	is_in(TWIN_1, reason);
	/* … and with it, it comes along, with what is there already. */
	assert_int_equal(try_give(lab.one, TWIN_1, PCI_ASSIGN_GROUP | OUT), 0);
	assert_int_equal(lab.report.moved, 1);
	assert_int_equal(take(lab.one, TWIN_1), 0);
	put_in(TWIN_1);
	assert_int_equal(try_give(lab.one, TWIN_0, PCI_ASSIGN_GROUP | OUT), 0);
	assert_int_equal(lab.report.moved, 2);
	has_sound(lab.one, TWIN_1);
}

/* --- not given: it is where it was ----------------------------------------------- */

static void test_a_reserved_region_is_told_before(void **state)
{
	(void)state;
	put_in(FIRMWARE);
	assert_int_equal(test(FIRMWARE, OUT), -EPERM);
	assert_true(lab.report.region.size);
	assert_int_equal(try_give(lab.one, FIRMWARE, OUT), -EPERM);
	is_in(FIRMWARE, reason);
	assert_int_equal(test(FIRMWARE, OUT | PCI_ASSIGN_RELAXED), 0);
	assert_int_equal(try_give(lab.one, FIRMWARE, OUT | PCI_ASSIGN_RELAXED),
			 0);
}

static void test_what_a_stage_refuses_rests_again(void **state)
{
	(void)state;
	put_in(TWIN_1);
	refuses = -ENOSPC;
	assert_int_equal(try_give(lab.one, TWIN_0, PCI_ASSIGN_GROUP | OUT),
			 -ENOSPC);
	assert_int_equal(lab.report.moved, 0);
	is_in(TWIN_1, reason);
	/* Next to what is in quarantine there is no guest. */
	assert_string_equal(owner(TWIN_0), "hardware");
	assert_int_equal(query(TWIN_0).mode, IOMMU_IDENTITY);
	assert_int_equal(homes, 1);
	refuses = 0;
	assert_int_equal(try_give(lab.one, TWIN_0, PCI_ASSIGN_GROUP | OUT), 0);
}

/* Of both the guest has had the first when the second's address is taken. */
static void test_what_the_guest_had_already_rests_again(void **state)
{
	pci_sbdf_t vsbdf = pci_sbdf(0, 0, 1, 0);

	(void)state;
	give(lab.one, NIC); /* at that address */
	put_in(TWIN_0);
	put_in(TWIN_1);
	assert_int_equal(pci_assign_device(lab.one, at(TWIN_1),
					   PCI_ASSIGN_GROUP | OUT, &vsbdf,
					   &lab.report),
			 -EEXIST);
	assert_int_equal(lab.report.moved, 0);
	assert_int_equal(domain_devices(lab.one), 1);
	is_in(TWIN_0, reason);
	is_in(TWIN_1, reason);
	assert_int_equal(homes, 0);
}

/* --- and meanwhile -------------------------------------------------------------------- */

static int second_try;

static void try_too(void)
{
	second_try = try_give(lab.two, NIC, OUT);
}

/* Who is late is told by whom. */
static void test_one_of_two_gets_it(void **state)
{
	struct pci_assign_report won;
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	(void)state;
	put_in(NIC);
	clock_meanwhile = try_too;
	fabric_flush_delay(lab.f, MSEC);
	assert_int_equal(pci_assign_device(lab.one, at(NIC), OUT, &vsbdf, &won),
			 0);
	assert_null(clock_meanwhile);
	fabric_flush_delay(lab.f, 0);
	assert_int_equal(second_try, -EBUSY);
	assert_string_equal(lab.report.who, "one");
	assert_string_equal(owner(NIC), "one");
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, lab_teardown)
	static const struct CMUnitTest tests[] = {
		CASE(test_from_quarantine_to_a_guest),
		CASE(test_what_is_not_in_it_is_given_as_ever),
		CASE(test_what_is_broken_elsewhere_is_not_given),
		CASE(test_a_group_one_by_one),
		CASE(test_a_group_of_one_name_one_by_one),
		CASE(test_a_whole_group),
		CASE(test_a_reserved_region_is_told_before),
		CASE(test_what_a_stage_refuses_rests_again),
		CASE(test_what_the_guest_had_already_rests_again),
		CASE(test_one_of_two_gets_it),
	};

	return cmocka_run_group_tests_name("quarantine", tests, NULL, NULL);
}
