/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cards that come while the machine runs: one that would share an isolation
 * group with a guest's device is kept in quarantine until the guest has given
 * that back; any other works at once.
 */
#include "lab.h"

/* At 15:00.0: a switch without ACS. */
#define CARD                                                               \
	"[{ 'at': '00.0', 'kind': 'upstream-port', 'id': '104c:8232',"     \
	"   'below': ["                                                    \
	"   { 'at': '00.0', 'kind': 'downstream-port', 'id': '104c:8233'," \
	"     'card': 'tester' },"                                         \
	"   { 'at': '01.0', 'kind': 'downstream-port', 'id': '104c:8233'," \
	"     'slot': { 'number': 20, 'hotplug': true } } ] }]"
#define NEIGHBOUR "0000:17:00.0"
#define INNER_SLOT "0000:16:01.0"
#define LATE "0000:18:00.0" /* in that slot */
#define OUTER_SLOT "0000:02:07.0"
#define ELSEWHERE "0000:0a:00.0" /* in that one */

static const char why[] = "a guest has its isolation group";

static void on_event(struct pci_host *host, enum pci_host_event event,
		     pci_sbdf_t sbdf, void *data)
{
	struct pci_scan scan;

	(void)host;
	(void)data;
	if (event == PCI_HOST_ARRIVED)
		assert_int_equal(pci_scan_slot(sbdf, &scan), 0);
}

static void plug(const char *slot, const char *card)
{
	static char err[200], text[1024];
	size_t i;

	fabric_host(lab.f)->notify = on_event;
	for (i = 0; card[i]; i++)
		text[i] = card[i] == '\'' ? '"' : card[i];
	text[i] = '\0';
	if (fabric_plug(lab.f, at(slot), text, err, sizeof(err)))
		fail_msg("%s", err);
}

static int setup(void **state)
{
	(void)lab_setup(state);
	plug(SLOT, CARD);
	assert_string_equal(owner(NEIGHBOUR), "hardware");
	return 0;
}

static void works(const char *device)
{
	assert_string_equal(owner(device), "hardware");
	assert_string_equal(broken(device), "");
	assert_int_equal(query(device).mode, IOMMU_IDENTITY);
	spoil(device, FABRIC_KEEPS_DMA);
	reaches(device, lab.host, lab.host);
}

static void is_kept(const char *device)
{
	const char *told = NULL;

	assert_string_equal(owner(device), "quarantine");
	assert_string_equal(broken(device), why);
	assert_int_equal(query(device).mode, IOMMU_BLOCKED);
	spoil(device, FABRIC_KEEPS_DMA);
	faults(device, lab.host);
	faults(device, DMA);
	assert_int_equal(pci_unquarantine_device(at(device), &told), -EPERM);
	assert_string_equal(owner(device), "quarantine");
	assert_string_equal(broken(device), why);
}

static void goes_home(const char *device)
{
	assert_int_equal(pci_unquarantine_device(at(device), NULL), 0);
	works(device);
}

/* --- ------------------------------------------------------------------------------ */

static void test_a_card_elsewhere_works(void **state)
{
	(void)state;
	give(lab.one, NIC);
	give(lab.one, NEIGHBOUR);
	plug(OUTER_SLOT, "tester");
	works(ELSEWHERE);
	give(lab.one, ELSEWHERE);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	reaches(ELSEWHERE, DMA, lab.mine);
}

static void test_one_next_to_the_hosts_works(void **state)
{
	struct pci_group_member member[8];

	(void)state;
	plug(INNER_SLOT, "tester");
	works(LATE);
	assert_true(pci_device_group(at(LATE), member, 8) >= 2);
	assert_int_equal(try_give(lab.one, LATE, 0), -EPERM);
	assert_int_equal(try_give(lab.one, LATE, PCI_ASSIGN_GROUP), 0);
	assert_string_equal(owner(NEIGHBOUR), "one");
}

static void late_comes(void)
{
	plug(INNER_SLOT, "tester");
}

/* The group has been found, and is yet to be marked. */
static void test_one_that_comes_in_the_middle_counts(void **state)
{
	(void)state;
	lab.meanwhile = late_comes;
	lab.fail_in = 2;
	assert_int_equal(try_give(lab.one, NEIGHBOUR, 0), -EPERM);
	assert_null(lab.meanwhile);
	works(LATE);
	works(NEIGHBOUR);
}

static void test_one_next_to_a_guests_is_kept(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, NEIGHBOUR);
	plug(INNER_SLOT, "tester");
	is_kept(LATE);
	reaches(NEIGHBOUR, DMA, lab.mine);
	assert_int_equal(take(lab.one, NEIGHBOUR), 0);
	assert_string_equal(owner(LATE), "quarantine");
	goes_home(LATE);
}

static void test_nobody_is_given_it(void **state)
{
	(void)state;
	give(lab.one, NEIGHBOUR);
	plug(INNER_SLOT, "tester");
	assert_int_equal(try_give(lab.one, LATE, 0), -EBADF);
	assert_int_equal(try_give(lab.one, LATE, PCI_ASSIGN_GROUP), -EBADF);
	assert_string_equal(lab.report.reason, why);
	assert_int_equal(try_give(lab.two, LATE, 0), -EBUSY);
	is_kept(LATE);
	/* The guest's may come and go meanwhile. */
	assert_int_equal(take(lab.one, NEIGHBOUR), 0);
	give(lab.two, NEIGHBOUR);
	is_kept(LATE);
	assert_int_equal(domain_destroy(lab.two), 0);
	goes_home(LATE);
}

static void test_it_may_leave_again(void **state)
{
	(void)state;
	give(lab.one, NEIGHBOUR);
	plug(INNER_SLOT, "tester");
	is_kept(LATE);
	assert_int_equal(pci_remove_device(at(LATE), 0, 100 * MSEC, NULL), 0);
	assert_int_equal(fabric_unplug(lab.f, at(INNER_SLOT), NULL), 0);
	plug(INNER_SLOT, "tester");
	is_kept(LATE);
	assert_int_equal(pci_device_lost(at(LATE)), 0);
	assert_int_equal(force_off(NEIGHBOUR), 0);
	assert_int_equal(pci_add_device(at(LATE)), 0);
	works(LATE);
}

/* Functions that were taken out and are found again. */
static void test_a_function_of_a_guests_device(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, FUNCTION_0);
	assert_int_equal(force_off(FUNCTION_1), 0);
	assert_int_equal(pci_add_device(at(FUNCTION_1)), 0);
	is_kept(FUNCTION_1);
	reaches(FUNCTION_0, DMA, lab.mine);
	assert_int_equal(take(lab.one, FUNCTION_0), 0);
	goes_home(FUNCTION_1);
}

/* It has the name of the guest's: its own bus mastering is off, and stays. */
static void test_one_with_the_alias_of_a_guests(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, OLD_0);
	assert_int_equal(force_off(OLD_1), 0);
	assert_int_equal(pci_add_device(at(OLD_1)), 0);
	assert_string_equal(owner(OLD_1), "quarantine");
	assert_string_equal(broken(OLD_1), why);
	assert_false(has_master(OLD_1));
	assert_int_equal(dma(OLD_1, DMA), -EPERM);
	assert_int_equal(query(OLD_1).mode, IOMMU_BLOCKED);
	reaches(OLD_0, DMA, lab.mine);
	assert_int_equal(take(lab.one, OLD_0), 0);
	goes_home(OLD_1);
	works(OLD_0);
}

/* Nor does an administrator's word send the guest's requests elsewhere. */
static void test_nor_by_an_administrators_word(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, OLD_1);
	assert_int_equal(force_off(OLD_0), 0);
	assert_int_equal(pci_add_device(at(OLD_0)), 0);
	assert_string_equal(owner(OLD_0), "quarantine");
	pdev = pci_get_pdev(NULL, at(OLD_0));
	assert_non_null(pdev);
	assert_int_equal(pcidev_mend(pdev), -EIO);
	pcidev_put(pdev);
	assert_string_equal(owner(OLD_0), "quarantine");
	reaches(OLD_1, DMA, lab.mine);
	assert_int_equal(take(lab.one, OLD_1), 0);
	assert_false(arrives(OLD_1, DMA, lab.mine));
	assert_int_equal(unit_now().contexts, 0);
	goes_home(OLD_0);
	works(OLD_1);
}

static void test_the_second_that_is_not_told_from_the_first(void **state)
{
	(void)state;
	assert_int_equal(force_off(UNSEEN), 0);
	give(lab.one, SEEN);
	assert_int_equal(pci_add_device(at(UNSEEN)), 0);
	assert_string_equal(owner(UNSEEN), "quarantine");
	assert_string_equal(broken(UNSEEN), why);
	assert_int_equal(take(lab.one, SEEN), 0);
	goes_home(UNSEEN);
}

static void test_a_neighbour_in_quarantine_is_no_guests(void **state)
{
	(void)state;
	assert_int_equal(pci_quarantine_device(at(NEIGHBOUR), "by test"), 0);
	plug(INNER_SLOT, "tester");
	works(LATE);
}

static void test_one_that_the_unit_does_not_take(void **state)
{
	(void)state;
	fabric_fail(lab.f, FABRIC_CALL_ATTACH, 1);
	plug(OUTER_SLOT, "tester");
	assert_string_equal(owner(ELSEWHERE), "quarantine");
	assert_string_equal(broken(ELSEWHERE), "the IOMMU does not take it");
	goes_home(ELSEWHERE);
}

/* Without memory to look for neighbours, it is kept. */
static void test_without_memory_it_does_not_slip_in(void **state)
{
	unsigned int n, kept = 0;
	int err = -1;

	(void)state;
	give(lab.one, FUNCTION_0);
	for (n = 1; err || !lab.fail_in; n++) {
		lab.fail_in = 0;
		assert_int_equal(pci_owner(at(FUNCTION_1)) == -ENODEV ||
					 !force_off(FUNCTION_1),
				 true);
		lab.fail_in = n;
		err = pci_add_device(at(FUNCTION_1));
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(pci_owner(at(FUNCTION_1)), -ENODEV);
			continue;
		}
		assert_string_equal(owner(FUNCTION_1), "quarantine");
		assert_int_equal(query(FUNCTION_1).mode, IOMMU_BLOCKED);
		kept++;
	}
	assert_true(n > kept + 1);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_a_card_elsewhere_works),
		CASE(test_one_next_to_the_hosts_works),
		CASE(test_one_that_comes_in_the_middle_counts),
		CASE(test_one_next_to_a_guests_is_kept),
		CASE(test_nobody_is_given_it),
		CASE(test_it_may_leave_again),
		LAB(test_a_function_of_a_guests_device),
		LAB(test_one_with_the_alias_of_a_guests),
		LAB(test_nor_by_an_administrators_word),
		LAB(test_the_second_that_is_not_told_from_the_first),
		CASE(test_a_neighbour_in_quarantine_is_no_guests),
		LAB(test_one_that_the_unit_does_not_take),
		LAB(test_without_memory_it_does_not_slip_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
