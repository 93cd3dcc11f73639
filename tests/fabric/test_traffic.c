/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest threads over the real core: undisturbed they see no lie, and when the
 * host lies they tell.
 */
#include <sched.h>
#include <string.h>

#include <holdfast/atomic.h>
#include <holdfast/config.h>
#include <holdfast/iommu.h>
#include <holdfast/removal.h>

#include "liar.h"
#include "traffic.h"

static struct domain *guest;
static struct fabric_traffic *traffic;

#define DISK "0000:01:00.0"
#define VF "0000:03:02.1"

static void give(const char *address)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	assert_int_equal(pci_assign_device(guest, at(address), 0, &vsbdf, NULL),
			 0);
}

static int set_up(void **state)
{
	(void)state;
	liar_core_up();
	assert_int_equal(domain_create(0, "vm1", NULL, NULL, &guest), 0);
	give(DISK);
	give(VF);
	assert_int_equal(
		fabric_traffic_start(liar.f, guest, 2, 100000, &traffic), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fabric_traffic_free(traffic);
	assert_int_equal(domain_destroy(guest), 0);
	domain_put(guest);
	liar_core_down();
	return 0;
}

static struct fabric_traffic_info info(void)
{
	struct fabric_traffic_info i;

	fabric_traffic_query(traffic, &i);
	return i;
}

#define SECONDS(n) (plat_now() + (n)*PLAT_NSEC_PER_SEC)

/* Until a counter has grown by this much; fails after half a minute. */
#define WAIT_FOR(counter, by)                                 \
	do {                                                  \
		uint64_t from_ = info().total.counter;        \
		uint64_t end_ = SECONDS(30);                  \
                                                              \
		while (info().total.counter < from_ + (by)) { \
			assert_true(plat_now() < end_);       \
			sched_yield();                        \
		}                                             \
	} while (0)

static void test_undisturbed_guests_see_no_lie(void **state)
{
	struct fabric_traffic_device dev[4];

	(void)state;
	WAIT_FOR(reads, 2000);
	WAIT_FOR(writes, 100);
	assert_int_equal(info().devices, 2);
	assert_int_equal(info().total.all_ones, 0);
	assert_int_equal(fabric_traffic_devices(traffic, dev, 4), 2);
	assert_int_not_equal(dev[0].counts.reads, 0);
	assert_int_not_equal(dev[1].counts.reads, 0);
	assert_true(fabric_traffic_domain(traffic) == guest);
	assert_true(info().running);
	fabric_traffic_stop(traffic);
	assert_false(info().running);
	assert_int_equal(violations(liar.f), 0);
}

/* Until the witness has recorded it; fails after half a minute. */
static void wait_for_violation(const char *text)
{
	struct fabric_witness w;
	uint64_t end = SECONDS(30);

	for (;;) {
		fabric_witness(liar.f, &w);
		for (unsigned int i = 0; i < w.listed; i++)
			if (strstr(w.list[i].text, text))
				return;
		assert_true(plat_now() < end);
		sched_yield();
	}
}

static void test_all_ones_from_a_device_it_owns_is_a_violation(void **state)
{
	(void)state;
	WAIT_FOR(reads, 100);
	hf_store_release(&liar.all_ones, 1);
	wait_for_violation("all-ones for domain vm1");
	hf_store_release(&liar.all_ones, 0);
	fabric_traffic_stop(traffic);
	assert_int_not_equal(info().total.violations, 0);
}

/* The hardware domain's: a guest's Interrupt Line is not the hardware's. */
static void test_a_lost_write_is_a_violation(void **state)
{
	(void)state;
	fabric_traffic_free(traffic);
	assert_int_equal(fabric_traffic_start(liar.f, hardware_domain, 2,
					      100000, &traffic),
			 0);
	WAIT_FOR(writes, 100);
	hf_store_release(&liar.drop_writes, 1);
	wait_for_violation("lost write for domain hardware");
	fabric_traffic_stop(traffic);
	assert_int_equal(info().total.all_ones, 0);
	assert_int_not_equal(info().total.violations, 0);
}

static void test_a_dead_device_is_no_lie_of_the_core(void **state)
{
	struct fabric_fault dead = { .sbdf = at(DISK),
				     .kind = FABRIC_ALL_ONES };

	(void)state;
	WAIT_FOR(reads, 100);
	assert_int_equal(fabric_fault_set(liar.f, &dead), 0);
	WAIT_FOR(all_ones, 100);
	assert_int_equal(fabric_fault_clear(liar.f, at(DISK)), 0);
	WAIT_FOR(reads, 100);
	fabric_traffic_stop(traffic);
	assert_int_equal(violations(liar.f), 0);
}

static void test_after_a_surprise_guests_read_all_ones(void **state)
{
	(void)state;
	WAIT_FOR(reads, 100);
	assert_int_equal(fabric_surprise(liar.f, at(DISK)), 0);
	assert_int_equal(pci_device_lost(at(DISK)), 0);
	WAIT_FOR(all_ones, 100);
	fabric_traffic_stop(traffic);
	assert_int_equal(violations(liar.f), 0);
}

static void test_refused_removals_disturb_nobody(void **state)
{
	struct pci_removal_info removal;

	(void)state;
	WAIT_FOR(reads, 100);
	for (unsigned int i = 0; i < 50; i++)
		assert_int_equal(pci_remove_device(at(DISK), 0,
						   PLAT_NSEC_PER_SEC, &removal),
				 -EBUSY);
	WAIT_FOR(reads, 100);
	fabric_traffic_stop(traffic);
	assert_int_equal(info().total.all_ones, 0);
	assert_int_equal(violations(liar.f), 0);
}

static void test_a_forced_removal_is_the_truth(void **state)
{
	struct fabric_witness w;

	(void)state;
	WAIT_FOR(reads, 100);
	assert_int_equal(pci_remove_device(at(DISK), PCI_REMOVE_FORCE,
					   10 * PLAT_NSEC_PER_SEC, NULL),
			 0);
	assert_int_equal(fabric_unplug(liar.f, at(DISK), NULL), 0);
	WAIT_FOR(all_ones, 100);
	fabric_traffic_stop(traffic);
	fabric_witness(liar.f, &w);
	assert_true(w.total.promised);
	assert_int_equal(w.total.after_success, 0);
	assert_int_equal(w.violations, 0);
}

/* Not assigned to anybody: so it drains at once, under the accesses. */
static void test_removals_make_the_hardware_domain_retry(void **state)
{
	struct fabric_traffic *host;
	struct fabric_traffic_info i;
	uint64_t end = SECONDS(30);

	(void)state;
	assert_int_equal(fabric_traffic_start(liar.f, hardware_domain, 2,
					      500000, &host),
			 0);
	do {
		assert_int_equal(pci_remove_device(at("0000:02:00.0"), 0,
						   10 * PLAT_NSEC_PER_SEC,
						   NULL),
				 0);
		assert_int_equal(pci_add_device(at("0000:02:00.0")), 0);
		fabric_traffic_query(host, &i);
		assert_true(plat_now() < end);
	} while (!i.total.again || i.total.reads < 10000);
	fabric_traffic_free(host);
	fabric_traffic_stop(traffic);
	assert_int_equal(violations(liar.f), 0);
}

#define WITH_GUEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_GUEST(test_undisturbed_guests_see_no_lie),
		WITH_GUEST(test_all_ones_from_a_device_it_owns_is_a_violation),
		WITH_GUEST(test_a_lost_write_is_a_violation),
		WITH_GUEST(test_a_dead_device_is_no_lie_of_the_core),
		WITH_GUEST(test_after_a_surprise_guests_read_all_ones),
		WITH_GUEST(test_refused_removals_disturb_nobody),
		WITH_GUEST(test_a_forced_removal_is_the_truth),
		WITH_GUEST(test_removals_make_the_hardware_domain_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
