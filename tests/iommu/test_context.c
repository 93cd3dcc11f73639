/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts come and go as a whole, and with units and devices that fail, are
 * late, or never answer (XSA-373, 449): who is given a device has all of it or
 * nothing, and who gave it back is not reached by what completes later.
 */
#include "lab.h"

static void is_the_hosts(const char *device)
{
	assert_string_equal(owner(device), "hardware");
	assert_string_equal(broken(device), "");
	assert_int_equal(query(device).mode, IOMMU_IDENTITY);
	spoil(device, FABRIC_KEEPS_DMA);
	reaches(device, lab.host, lab.host);
}

static void is_in_quarantine(const char *device, const char *why)
{
	assert_string_equal(owner(device), "quarantine");
	assert_string_equal(broken(device), why);
	assert_int_equal(query(device).mode, IOMMU_BLOCKED);
}

/* The core's count, and the units' own. */
static void counts(unsigned int spaces, unsigned int contexts,
		   unsigned int mappings)
{
	struct pci_iommu_stats stats = stats_now();

	assert_int_equal(stats.spaces, spaces);
	assert_int_equal(stats.contexts, contexts);
	assert_int_equal(stats.mappings, mappings);
	assert_int_equal(unit_now().spaces, spaces);
	assert_int_equal(unit_now().contexts, contexts);
}

/* --- all or none ------------------------------------------------------------------ */

static void fails_to_give(const char *device, enum fabric_call call,
			  unsigned int nth, int err)
{
	uint64_t before = unit_now().calls[call];

	fabric_fail(lab.f, call, nth);
	assert_int_equal(try_give(lab.one, device, PCI_ASSIGN_GROUP), err);
	assert_true(unit_now().calls[call] >= before + nth);
	fabric_fail(lab.f, call, 0);
	assert_int_equal(lab.report.moved, 0);
	assert_int_equal(domain_devices(lab.one), 0);
	assert_int_equal(unit_now().contexts, 0);
	assert_int_equal(stats_now().contexts, 0);
}

static void test_all_requester_ids_or_none(void **state)
{
	unsigned int nth;

	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	for (nth = 1; nth <= 2; nth++) {
		fails_to_give(PHANTOM, FABRIC_CALL_ATTACH, nth, -EIO);
		is_the_hosts(PHANTOM);
		assert_false(arrives(PHANTOM, DMA, lab.mine));
		assert_false(arrives(GHOST, DMA, lab.mine));
		reaches(GHOST, lab.host, lab.host);
	}
	give(lab.one, PHANTOM);
	reaches(GHOST, DMA, lab.mine);
}

static void test_all_of_a_group_or_none(void **state)
{
	unsigned int nth;

	(void)state;
	for (nth = 1; nth <= 2; nth++) {
		fails_to_give(FUNCTION_0, FABRIC_CALL_ATTACH, nth, -EIO);
		is_the_hosts(FUNCTION_0);
		is_the_hosts(FUNCTION_1);
	}
	/* The first's name is all theirs; the second's own comes on top. */
	for (nth = 1; nth <= 2; nth++) {
		fails_to_give(OLD_0, FABRIC_CALL_ATTACH, nth, -EIO);
		is_the_hosts(OLD_0);
		is_the_hosts(OLD_1);
	}
	give(lab.one, OLD_0);
	counts(1, 2, 0);
}

static void test_tables_that_cannot_be_had(void **state)
{
	unsigned int nth;

	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	assert_int_equal(map(lab.one, DMA + 4 * PAGE, lab.mine, 1), 0);
	assert_int_equal(map(lab.one, DMA + 8 * PAGE, lab.mine, 1), 0);
	fails_to_give(NIC, FABRIC_CALL_SPACE_CREATE, 1, -ENOMEM);
	counts(0, 0, 3);
	for (nth = 1; nth <= 3; nth++) {
		fails_to_give(NIC, FABRIC_CALL_MAP, nth, -ENOMEM);
		is_the_hosts(NIC);
		counts(0, 0, 3);
	}
	give(lab.one, NIC);
	assert_int_equal(unit_now().pages, 3);
}

static void test_what_the_host_does_not_get_back_rests(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, PHANTOM);
	reaches(GHOST, DMA, lab.mine);
	fabric_fail(lab.f, FABRIC_CALL_ATTACH, 2);
	assert_int_equal(take(lab.one, PHANTOM), -EIO);
	is_in_quarantine(PHANTOM, "it cannot be given back to the host");
	faults(PHANTOM, lab.host);
	faults(GHOST, lab.host);
	assert_int_equal(pci_unquarantine_device(at(PHANTOM), NULL), 0);
	is_the_hosts(PHANTOM);
	reaches(GHOST, lab.host, lab.host);
}

/* What was open for a moment may have been used, and is to be forgotten. */
static void test_who_is_not_taken_is_forgotten(void **state)
{
	uint64_t before;

	(void)state;
	assert_int_equal(force_off(PHANTOM), 0);
	before = unit_now().calls[FABRIC_CALL_FLUSH];
	fabric_fail(lab.f, FABRIC_CALL_ATTACH, 2);
	assert_int_equal(pci_add_device(at(PHANTOM)), 0);
	is_in_quarantine(PHANTOM, "the IOMMU does not take it");
	/* And who was there before it: two requester IDs each. */
	assert_int_equal(unit_now().calls[FABRIC_CALL_FLUSH], before + 4);
	assert_int_equal(pci_unquarantine_device(at(PHANTOM), NULL), 0);
	is_the_hosts(PHANTOM);
}

static void test_a_device_goes_without_ats(void **state)
{
	(void)state;
	fabric_fail(lab.f, FABRIC_CALL_ATS, 1);
	give(lab.one, NIC);
	assert_false(query(NIC).ats);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	reaches(NIC, DMA, lab.mine);
	assert_int_equal(take(lab.one, NIC), 0);
	give(lab.one, NIC);
	assert_true(query(NIC).ats);
}

/* --- numbers -------------------------------------------------------------------------- */

static void test_the_numbers_agree_with_the_units(void **state)
{
	(void)state;
	counts(0, 0, 0);
	give(lab.one, NIC);
	counts(1, 1, 0);
	give(lab.one, PHANTOM);
	counts(1, 3, 0);
	give(lab.one, OTHER_HOST); /* the same unit host */
	counts(1, 4, 0);
	give(lab.two, DISK);
	counts(2, 5, 0);
	assert_int_equal(map(lab.one, DMA, lab.mine, 4), 0);
	assert_int_equal(map(lab.two, DMA, lab.yours, 2), 0);
	counts(2, 5, 2);
	assert_int_equal(unit_now().pages, 6);
	assert_int_equal(take(lab.one, PHANTOM), 0);
	counts(2, 3, 2);
	assert_int_equal(force_off(NIC), 0);
	counts(2, 2, 2);
	assert_int_equal(pci_device_lost(at(DISK)), 0);
	counts(2, 1, 2);
	assert_int_equal(domain_destroy(lab.one), 0);
	counts(1, 0, 1);
	assert_int_equal(domain_destroy(lab.two), 0);
	counts(0, 0, 0);
}

/* --- units that refuse -------------------------------------------------------------------- */

static const char refused[] = "the IOMMU has refused to forget it";

static void refuses(enum fabric_call call)
{
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, NIC);
	reaches(NIC, DMA, lab.mine);
	fabric_fail(lab.f, call, 1);
	assert_int_equal(take(lab.one, NIC), -EIO);
	assert_string_equal(lab.report.reason, refused);
	is_in_quarantine(NIC, refused);
	assert_true(query(NIC).stuck);
	assert_int_equal(stats_now().timeouts, 1);
	assert_int_equal(try_give(lab.two, NIC, 0), -EBADF);
	/* The unit may walk these tables until it is asked again. */
	assert_int_equal(domain_destroy(lab.one), 0);
	counts(1, 0, 0);
	lab.kept = 1;
}

static void test_a_flush_that_does_not_begin(void **state)
{
	(void)state;
	refuses(FABRIC_CALL_FLUSH);
}

static void test_a_flush_that_fails(void **state)
{
	(void)state;
	refuses(FABRIC_CALL_FLUSH_DONE);
}

static void test_a_unit_that_is_well_again(void **state)
{
	(void)state;
	refuses(FABRIC_CALL_FLUSH);
	assert_int_equal(pci_unquarantine_device(at(NIC), NULL), 0);
	assert_false(query(NIC).stuck);
	assert_int_equal(map(lab.two, DMA, lab.yours, 1), 0);
	give(lab.two, NIC);
	counts(1, 1, 1);
	lab.kept = 0;
}

static void test_a_removal_says_so(void **state)
{
	static struct pci_removal_info info;

	(void)state;
	give(lab.one, NIC);
	fabric_fail(lab.f, FABRIC_CALL_FLUSH, 1);
	assert_int_equal(pci_remove_device(at(NIC), PCI_REMOVE_FORCE,
					   100 * MSEC, &info),
			 -EIO);
	assert_string_equal(info.reason, refused);
	is_in_quarantine(NIC, refused);
	lab.kept = 1;
}

/* None of the guest's devices there goes on. */
static void test_memory_that_is_not_safe(void **state)
{
	const char *why = "the IOMMU has not forgotten memory in time";

	(void)state;
	give(lab.one, NIC);
	give(lab.one, DISK);
	give(lab.two, THIRD);
	assert_int_equal(map(lab.one, DMA, lab.mine, 2), 0);
	assert_int_equal(map(lab.two, DMA, lab.yours, 1), 0);
	reaches(NIC, DMA, lab.mine);
	fabric_fail(lab.f, FABRIC_CALL_FLUSH_DONE, 1);
	assert_int_equal(unmap(lab.one, DMA, 1), -EIO);
	assert_string_equal(broken(NIC), why);
	assert_string_equal(broken(DISK), why);
	faults(NIC, DMA + PAGE);
	faults(DISK, DMA + PAGE);
	assert_string_equal(owner(NIC), "one");
	reaches(THIRD, DMA, lab.yours);
	assert_string_equal(broken(THIRD), "");
	counts(2, 1, 2);
	assert_int_equal(take(lab.one, NIC), -EIO);
	is_in_quarantine(NIC, why);
}

/* --- units that are late ----------------------------------------------------------------------- */

static const char late[] = "the IOMMU has not forgotten it in time";

static void never_again(void)
{
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, NIC);
	reaches(NIC, DMA, lab.mine);
	fabric_flush_delay(lab.f, PLAT_FOREVER);
}

static void answers_after_all(void)
{
	assert_true(unit_now().flushes > 0);
	fabric_flush_delay(lab.f, 0);
	fabric_flush_finish(lab.f);
	assert_int_equal(unit_now().flushes, 0);
}

static void test_a_flush_is_given_up(void **state)
{
	uint64_t start;

	(void)state;
	never_again();
	start = clock_now;
	assert_int_equal(take(lab.one, NIC), -EIO);
	assert_true(clock_now - start >= PCI_FLUSH_TIME);
	assert_string_equal(lab.report.reason, late);
	is_in_quarantine(NIC, late);
	assert_true(query(NIC).stuck);
	assert_int_equal(stats_now().timeouts, 1);
	answers_after_all();
	faults(NIC, DMA);
	assert_int_equal(pci_unquarantine_device(at(NIC), NULL), 0);
	is_the_hosts(NIC);
}

/* … and is over when another has the device. */
static void test_a_flush_is_over_in_other_hands(void **state)
{
	(void)state;
	assert_int_equal(map(lab.two, DMA, lab.yours, 1), 0);
	never_again();
	assert_int_equal(take(lab.one, NIC), -EIO);
	fabric_flush_delay(lab.f, 0);
	assert_int_equal(pci_unquarantine_device(at(NIC), NULL), 0);
	give(lab.two, NIC);
	reaches(NIC, DMA, lab.yours);
	answers_after_all();
	reaches(NIC, DMA, lab.yours);
	assert_int_equal(unit_now().contexts, 1);
}

static void test_a_removal_gives_up_in_time(void **state)
{
	uint64_t start;

	(void)state;
	never_again();
	start = clock_now;
	assert_int_equal(force_off(NIC), -EIO);
	assert_true(clock_now - start <= 100 * MSEC + PCI_QUIESCE_TIME);
	is_in_quarantine(NIC, late);
	answers_after_all();
	faults(NIC, DMA);
	assert_int_equal(force_off(NIC), 0);
	faults(NIC, DMA);
}

static void test_a_quarantine_says_so(void **state)
{
	(void)state;
	spoil(NIC, FABRIC_KEEPS_DMA);
	reaches(NIC, lab.host, lab.host);
	fabric_flush_delay(lab.f, PLAT_FOREVER);
	assert_int_equal(pci_quarantine_device(at(NIC), "by test"), -EIO);
	is_in_quarantine(NIC, "by test");
	assert_true(query(NIC).stuck);
	answers_after_all();
	faults(NIC, lab.host);
	assert_int_equal(pci_unquarantine_device(at(NIC), NULL), 0);
	is_the_hosts(NIC);
}

/* XSA-373: the device is gone by the time. */
static void test_what_completes_later_finds_nobody(void **state)
{
	(void)state;
	never_again();
	assert_int_equal(pci_device_lost(at(NIC)), 0);
	assert_int_equal(pci_owner(at(NIC)), -ENODEV);
	answers_after_all();
	assert_int_equal(pci_add_device(at(NIC)), 0);
	is_the_hosts(NIC);
	give(lab.one, NIC);
	reaches(NIC, DMA, lab.mine);
	lab.kept = 1;
}

static void test_nor_does_a_guest_that_died(void **state)
{
	(void)state;
	give(lab.two, DISK);
	never_again();
	assert_int_equal(domain_destroy(lab.one), 0);
	is_in_quarantine(NIC, broken(NIC));
	assert_int_equal(unit_now().pages, 0);
	answers_after_all();
	faults(NIC, DMA);
	assert_string_equal(broken(DISK), "");
	lab.kept = 1;
}

static struct pci_dev *held;
static uint64_t held_until;

static void let_go(void)
{
	if (clock_now < held_until) {
		clock_next = let_go;
		return;
	}
	pcidev_put(held);
	held = NULL;
}

/*
 * The device's own begins when the unit's is over, which nobody looks at while
 * the removal waits for somebody else: it has all its time from then on.
 */
static void test_a_flush_that_begins_late_has_its_time(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, NIC);
	reaches(NIC, DMA, lab.mine);
	fabric_flush_delay(lab.f, 20 * MSEC);
	assert_int_equal(pci_lookup(NULL, at(NIC), &held), 0);
	held_until = clock_now + PCI_FLUSH_TIME + 50 * MSEC;
	clock_next = let_go;
	assert_int_equal(pci_remove_device(at(NIC), PCI_REMOVE_FORCE,
					   1000 * MSEC, NULL),
			 0);
	assert_null(held);
	assert_int_equal(stats_now().timeouts, 0);
}

static struct {
	uint64_t seen, since, longest;
} untouched;

static void look(void)
{
	pci_sbdf_t nic = at(NIC);
	struct fabric_counts n;

	assert_int_equal(fabric_witness_next(lab.f, &nic, &n), 0);
	if (n.reads + n.writes != untouched.seen) {
		untouched.seen = n.reads + n.writes;
		untouched.since = clock_now;
	}
	if (clock_now - untouched.since > untouched.longest)
		untouched.longest = clock_now - untouched.since;
	clock_next = look;
}

/* PCIe 6.0 §6.6.2: 100 ms; and all stages are asked again and again then. */
static void test_who_is_reset_is_left_alone(void **state)
{
	(void)state;
	give(lab.one, NIC);
	memset(&untouched, 0, sizeof(untouched));
	look();
	assert_int_equal(take(lab.one, NIC), 0);
	clock_next = NULL;
	assert_true(untouched.longest >= 99 * MSEC);
	assert_string_equal(broken(NIC), "");
}

/* … by the device with its own cache; nobody waits for one that is gone. */
static void test_a_silent_device(void **state)
{
	const char *why = "it has not forgotten translations in time";

	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, NIC);
	assert_int_equal(map(lab.two, DMA, lab.yours, 1), 0);
	give(lab.two, DISK);
	reaches(NIC, DMA, lab.mine);
	reaches(DISK, DMA, lab.yours);
	spoil(NIC, FABRIC_SILENT);
	spoil(DISK, FABRIC_SILENT);
	assert_int_equal(take(lab.one, NIC), -EIO);
	assert_string_equal(lab.report.reason, why);
	is_in_quarantine(NIC, why);
	assert_int_equal(pci_device_lost(at(DISK)), 0);
	assert_int_equal(stats_now().timeouts, 1);
	/* Nothing is kept of it. */
	assert_int_equal(domain_destroy(lab.two), 0);
	counts(1, 0, 1);
	fabric_flush_finish(lab.f);
	assert_int_equal(fabric_fault_clear(lab.f, at(NIC)), 0);
	assert_int_equal(pci_unquarantine_device(at(NIC), NULL), 0);
	is_the_hosts(NIC);
}

static void test_a_silent_device_of_a_dying_guest(void **state)
{
	uint64_t start;

	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, NIC);
	give(lab.one, DISK);
	reaches(NIC, DMA, lab.mine);
	spoil(NIC, FABRIC_SILENT);
	start = clock_now;
	assert_int_equal(domain_destroy(lab.one), 0);
	assert_true(clock_now - start <= 2000 * MSEC);
	is_in_quarantine(NIC, "it has not forgotten translations in time");
	faults(NIC, DMA);
	is_the_hosts(DISK);
	counts(1, 0, 0);
	lab.kept = 1;
}

/* --- what must not come back, or go on, by another way ------------------------------------ */

/* A guest's that was cut off comes back through the host only. */
static void test_a_guests_is_not_mended_in_place(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 2), 0);
	give(lab.one, NIC);
	reaches(NIC, DMA, lab.mine);
	spoil(NIC, FABRIC_SILENT);
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
	assert_int_equal(pci_lookup(NULL, at(NIC), &pdev), 0);
	assert_int_equal(pcidev_mend(pdev), -EIO);
	pcidev_put(pdev);
	assert_string_equal(owner(NIC), "one");
	faults(NIC, DMA + PAGE);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	assert_int_equal(unmap(lab.one, DMA, 2), 0);
	fabric_flush_finish(lab.f);
	assert_int_equal(fabric_fault_clear(lab.f, at(NIC)), 0);
	assert_int_equal(take(lab.one, NIC), -EIO);
	assert_int_equal(pci_unquarantine_device(at(NIC), NULL), 0);
	is_the_hosts(NIC);
}

/* A unit that does not answer is not safe for the next range either. */
static void test_nor_is_the_next_range_safe(void **state)
{
	(void)state;
	give(lab.one, NIC);
	assert_int_equal(map(lab.one, DMA, lab.mine, 3), 0);
	reaches(NIC, DMA + PAGE, lab.mine + PAGE);
	fabric_flush_delay(lab.f, PLAT_FOREVER);
	assert_int_equal(unmap(lab.one, DMA, 1), -EIO);
	assert_int_equal(unmap(lab.one, DMA + PAGE, 1), -EIO);
	answers_after_all();
	assert_int_equal(unmap(lab.one, DMA + 2 * PAGE, 1), 0);
}

/* Alone it would reach what the guest keeps, and that it. */
static void test_one_of_a_group_does_not_go_home_alone(void **state)
{
	(void)state;
	give(lab.one, TWIN_0);
	assert_int_equal(pci_domain_return(lab.one, at(TWIN_0)), 0);
	assert_string_equal(owner(TWIN_1), "one");
	assert_string_equal(owner(TWIN_0), "quarantine");
	assert_int_equal(query(TWIN_0).mode, IOMMU_BLOCKED);
	assert_int_equal(pci_unquarantine_device(at(TWIN_0), NULL), -EPERM);
	assert_int_equal(take(lab.one, TWIN_1), 0);
	assert_int_equal(pci_unquarantine_device(at(TWIN_0), NULL), 0);
	is_the_hosts(TWIN_0);
}

/* One name for two: neither goes on while the unit still knows it. */
static void test_an_alias_is_forgotten_for_all(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, OLD_0);
	reaches(OLD_0, DMA, lab.mine);
	fabric_flush_delay(lab.f, PLAT_FOREVER);
	assert_int_equal(take(lab.one, OLD_0), -EIO);
	assert_string_equal(owner(OLD_0), "quarantine");
	assert_string_equal(owner(OLD_1), "quarantine");
	answers_after_all();
	assert_int_equal(pci_unquarantine_device(at(OLD_0), NULL), 0);
	assert_int_equal(pci_unquarantine_device(at(OLD_1), NULL), 0);
	is_the_hosts(OLD_0);
	is_the_hosts(OLD_1);
}

/* Rule 10: the slot is empty, and the unit still knows who was in it. */
static void test_who_comes_after_one_that_was_pulled(void **state)
{
	(void)state;
	never_again();
	assert_int_equal(pci_device_lost(at(NIC)), 0);
	assert_int_equal(pci_add_device(at(NIC)), 0);
	is_in_quarantine(NIC,
			 "the IOMMU has not forgotten what was there before");
	answers_after_all();
	assert_int_equal(pci_unquarantine_device(at(NIC), NULL), 0);
	is_the_hosts(NIC);
	lab.kept = 1;
}

/* --- no memory ---------------------------------------------------------------------------------- */

/* Every allocation of an assignment in turn. */
static void test_an_assignment_without_memory(void **state)
{
	unsigned int n;
	int err = -1;

	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	for (n = 1; err; n++) {
		lab.fail_in = n;
		err = try_give(lab.one, PHANTOM, 0);
		if (lab.fail_in) {
			lab.fail_in = 0;
			assert_int_equal(err, 0);
		} else if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(domain_devices(lab.one), 0);
			assert_int_equal(unit_now().contexts, 0);
			is_the_hosts(PHANTOM);
		} else {
			/* It was none of those that matter. */
			assert_int_equal(take(lab.one, PHANTOM), 0);
			err = -1;
		}
	}
	assert_true(n > 5);
	spoil(PHANTOM, FABRIC_KEEPS_DMA);
	reaches(GHOST, DMA, lab.mine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_ATS(test_a_guests_is_not_mended_in_place),
		LAB(test_nor_is_the_next_range_safe),
		LAB(test_one_of_a_group_does_not_go_home_alone),
		LAB(test_an_alias_is_forgotten_for_all),
		LAB(test_who_comes_after_one_that_was_pulled),
		LAB(test_all_requester_ids_or_none),
		LAB(test_all_of_a_group_or_none),
		LAB(test_tables_that_cannot_be_had),
		LAB(test_what_the_host_does_not_get_back_rests),
		LAB(test_who_is_not_taken_is_forgotten),
		LAB_ATS(test_a_device_goes_without_ats),
		LAB(test_the_numbers_agree_with_the_units),
		LAB_ATS(test_the_numbers_agree_with_the_units),
		LAB(test_a_flush_that_does_not_begin),
		LAB(test_a_flush_that_fails),
		LAB(test_a_unit_that_is_well_again),
		LAB(test_a_removal_says_so),
		LAB(test_memory_that_is_not_safe),
		LAB(test_a_flush_is_given_up),
		LAB(test_a_flush_is_over_in_other_hands),
		LAB(test_a_removal_gives_up_in_time),
		LAB(test_a_quarantine_says_so),
		LAB(test_what_completes_later_finds_nobody),
		LAB(test_nor_does_a_guest_that_died),
		LAB_ATS(test_a_flush_that_begins_late_has_its_time),
		LAB_ATS(test_who_is_reset_is_left_alone),
		LAB_ATS(test_a_silent_device),
		LAB_ATS(test_a_silent_device_of_a_dying_guest),
		LAB(test_an_assignment_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
