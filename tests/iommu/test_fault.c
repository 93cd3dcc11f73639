/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Refused requests: counted, forgotten with time, and at the limit the end of
 * bus mastering, whoever writes Command after that.
 */
#include <holdfast/event.h>
#include <holdfast/reset.h>

#include "lab.h"

#define OLD_BRIDGE "0000:11:00.0"
#define LIMIT 10u

static void fault(const char *device, unsigned int times)
{
	while (times--)
		assert_int_equal(dma(device, DMA), -EFAULT);
}

/* "one"'s, with nothing to reach and Bus Master as its driver sets it. */
static void faulty(const char *device)
{
	assert_int_equal(try_give(lab.one, device, PCI_ASSIGN_GROUP), 0);
	assert_true(set_master(lab.one, device, true));
}

static void at_the_limit(const char *device)
{
	faulty(device);
	fault(device, LIMIT);
	pci_iommu_work();
	assert_true(query(device).fault.master_off);
	assert_false(has_master(device));
}

static void stays_off(const char *device)
{
	assert_true(query(device).fault.master_off);
	assert_false(has_master(device));
	assert_int_equal(dma(device, DMA), -EPERM);
}

/* --- counting --------------------------------------------------------------------- */

static void test_each_is_counted_and_the_last_is_known(void **state)
{
	struct pci_fault_info info = query(NIC).fault;
	uint64_t word;

	(void)state;
	assert_int_equal(info.total, 0);
	assert_int_equal(info.last_time, 0);
	faulty(NIC);
	fault(NIC, 3);
	clock_now += MSEC;
	assert_int_equal(fabric_dma_read(lab.f, at(NIC), DMA + 5 * PAGE, &word,
					 8),
			 -EFAULT);
	info = query(NIC).fault;
	assert_int_equal(info.total, 4);
	assert_int_equal(info.recent, 4);
	assert_false(info.master_off);
	assert_int_equal(info.last.rid.sbdf, at(NIC).sbdf);
	assert_int_equal(info.last.reason, IOMMU_FAULT_READ);
	assert_int_equal(info.last.address, DMA + 5 * PAGE);
	assert_int_equal(info.last_time, clock_now);
	assert_int_equal(query(DISK).fault.total, 0);
	assert_int_equal(stats_now().faults, 4);
}

static void test_half_are_forgotten_in_ten_milliseconds(void **state)
{
	(void)state;
	faulty(NIC);
	fault(NIC, 8);
	clock_now += PCI_FAULT_DECAY - MSEC;
	assert_int_equal(query(NIC).fault.recent, 8);
	clock_now += MSEC;
	assert_int_equal(query(NIC).fault.recent, 4);
	clock_now += PCI_FAULT_DECAY;
	assert_int_equal(query(NIC).fault.recent, 2);
	fault(NIC, 1);
	assert_int_equal(query(NIC).fault.recent, 3);
	clock_now += 1000 * PCI_FAULT_DECAY;
	assert_int_equal(query(NIC).fault.recent, 0);
	assert_int_equal(query(NIC).fault.total, 9);
}

static void test_now_and_then_is_no_storm(void **state)
{
	unsigned int i;

	(void)state;
	faulty(NIC);
	for (i = 0; i < 100; i++) {
		fault(NIC, 4);
		clock_now += PCI_FAULT_DECAY;
	}
	assert_int_equal(lab.work, 0);
	assert_int_equal(query(NIC).fault.total, 400);
	/* Each within ten milliseconds of the one before is one. */
	for (i = 0; i < LIMIT; i++) {
		fault(NIC, 1);
		clock_now += PCI_FAULT_DECAY - MSEC;
	}
	assert_true(lab.work > 0);
}

/* --- the limit ------------------------------------------------------------------------ */

static unsigned int events;
static struct pci_event last_event;

static void on_event(struct pci_event_listener *self,
		     const struct pci_event *event)
{
	(void)self;
	if (event->type != PCI_EVENT_FAULT)
		return;
	events++;
	last_event = *event;
}

static void test_at_the_limit_it_is_off_and_people_are_told(void **state)
{
	static struct pci_event_listener listener = { .event = on_event };

	(void)state;
	events = 0;
	pci_event_listen(&listener);
	faulty(NIC);
	fault(NIC, LIMIT - 1);
	assert_int_equal(lab.work, 0);
	pci_iommu_work();
	assert_true(has_master(NIC));
	fault(NIC, 1);
	assert_int_equal(lab.work, 1);
	assert_false(query(NIC).fault.master_off);
	pci_iommu_work();
	stays_off(NIC);
	pci_iommu_work();
	pci_event_unlisten(&listener);
	assert_int_equal(events, 1);
	assert_int_equal(last_event.sbdf.sbdf, at(NIC).sbdf);
	assert_int_equal(last_event.instance, info_of(NIC).instance);
	assert_string_equal(owner(NIC), "one");
	assert_string_equal(broken(NIC), "");
}

static int setup_three(void **state)
{
	(void)state;
	return lab_open(&(struct pci_iommu_options){ .fault_limit = 3 });
}

static void test_the_limit_is_the_administrators(void **state)
{
	(void)state;
	faulty(NIC);
	fault(NIC, 2);
	assert_int_equal(lab.work, 0);
	fault(NIC, 1);
	assert_int_equal(lab.work, 1);
}

/* What sends in spite of it is counted on, and wants no more work. */
static void test_off_is_off(void **state)
{
	unsigned int work;

	(void)state;
	at_the_limit(NIC);
	work = lab.work;
	spoil(NIC, FABRIC_KEEPS_DMA);
	fault(NIC, 100);
	assert_int_equal(lab.work, work);
	assert_int_equal(query(NIC).fault.total, LIMIT + 100);
}

/* There is room for some: the others are found by their next fault. */
static void test_more_than_there_is_room_for(void **state)
{
	struct iommu_fault one = { .reason = IOMMU_FAULT_READ };
	struct pci_dev *pdev;
	struct pci_iommu_info info;
	unsigned int round, i, n = 0, off = 0;

	(void)state;
	for (round = 0; round < 4; round++) {
		for (pdev = pci_next_pdev(0, NULL); pdev;
		     pdev = pci_next_pdev(0, pdev)) {
			one.rid = pcidev_sbdf(pdev);
			for (i = 0; i < LIMIT; i++)
				(void)pci_iommu_fault(fabric_host(lab.f), &one);
		}
		pci_iommu_work();
	}
	for (pdev = pci_next_pdev(0, NULL); pdev;
	     pdev = pci_next_pdev(0, pdev)) {
		n++;
		assert_int_equal(pci_iommu_query(pcidev_sbdf(pdev), &info), 0);
		off += info.fault.master_off;
	}
	assert_true(n > 32);
	/* The alias's faults are its bridge's. */
	assert_false(query(OLD_0).fault.master_off);
	assert_int_equal(off, n - 1);
}

/* --- who writes Command ------------------------------------------------------------------ */

static void test_a_guest_does_not_switch_it_on(void **state)
{
	(void)state;
	at_the_limit(NIC);
	assert_false(set_master(lab.one, NIC, true));
	assert_false(set_master(lab.one, NIC, false));
	assert_false(set_master(lab.one, NIC, true));
	stays_off(NIC);
}

static void blocked_requests(void)
{
	const struct iommu_fault one = { .rid = at(NIC),
					 .reason = IOMMU_FAULT_BLOCKED };
	unsigned int i;

	for (i = 0; i < LIMIT; i++)
		assert_int_equal(pci_iommu_fault(fabric_host(lab.f), &one),
				 i == LIMIT - 1);
	pci_iommu_work();
}

static void test_nor_does_the_hardware_domain(void **state)
{
	(void)state;
	assert_true(set_master(hardware_domain, NIC, true));
	blocked_requests();
	assert_false(set_master(hardware_domain, NIC, true));
	stays_off(NIC);
	assert_int_equal(pci_reset_device(at(NIC), PCI_RESET_ANY, NULL, NULL),
			 0);
	stays_off(NIC);
}

static void test_nor_does_the_next_owner(void **state)
{
	(void)state;
	assert_true(set_master(hardware_domain, NIC, true));
	at_the_limit(NIC);
	assert_int_equal(take(lab.one, NIC), 0);
	stays_off(NIC);
	assert_false(set_master(hardware_domain, NIC, true));
	assert_int_equal(try_give(lab.two, NIC, 0), 0);
	stays_off(NIC);
	assert_false(set_master(lab.two, NIC, true));
	assert_int_equal(domain_destroy(lab.two), 0);
	assert_string_equal(owner(NIC), "hardware");
	stays_off(NIC);
}

/* It has kept Command as it was before. */
static void test_nor_does_a_removal_that_fails(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	assert_true(set_master(hardware_domain, NIC, true));
	spoil(NIC, FABRIC_PENDING);
	assert_int_equal(pci_remove_device(at(NIC), 0, 100 * MSEC, NULL), -EIO);
	blocked_requests();
	stays_off(NIC);
	assert_int_equal(fabric_fault_clear(lab.f, at(NIC)), 0);
	pdev = pci_get_pdev(NULL, at(NIC));
	assert_non_null(pdev);
	assert_int_equal(pcidev_mend(pdev), 0);
	pcidev_put(pdev);
	assert_string_equal(owner(NIC), "hardware");
	stays_off(NIC);
}

static void test_nor_does_one_that_is_refused(void **state)
{
	(void)state;
	at_the_limit(NIC);
	assert_int_equal(pci_remove_device(at(NIC), 0, MSEC, NULL), -EBUSY);
	stays_off(NIC);
	assert_false(set_master(lab.one, NIC, true));
}

static void test_nor_a_way_through_quarantine(void **state)
{
	(void)state;
	assert_true(set_master(hardware_domain, NIC, true));
	at_the_limit(NIC);
	assert_int_equal(take(lab.one, NIC), 0);
	assert_int_equal(pci_quarantine_device(at(NIC), "by test"), 0);
	assert_int_equal(pci_unquarantine_device(at(NIC), NULL), 0);
	stays_off(NIC);
}

static void test_an_administrator_does(void **state)
{
	(void)state;
	at_the_limit(NIC);
	assert_int_equal(pci_faults_clear(at(NIC)), 0);
	assert_false(query(NIC).fault.master_off);
	assert_int_equal(query(NIC).fault.total, 0);
	assert_int_equal(query(NIC).fault.recent, 0);
	assert_int_equal(query(NIC).fault.last_time, 0);
	assert_true(set_master(lab.one, NIC, true));
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	reaches(NIC, DMA, lab.mine);
	/* And it all begins again. */
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
	fault(NIC, LIMIT);
	pci_iommu_work();
	stays_off(NIC);
	assert_int_equal(query(NIC).fault.total, LIMIT);
	assert_int_equal(pci_faults_clear(at("0000:77:00.0")), -ENODEV);
	assert_int_equal(pci_faults_clear(at("0099:00:00.0")), -ENODEV);
}

static void test_a_new_card_begins_anew(void **state)
{
	(void)state;
	at_the_limit(NIC);
	assert_int_equal(force_off(NIC), 0);
	assert_int_equal(pci_add_device(at(NIC)), 0);
	assert_int_equal(query(NIC).fault.total, 0);
	assert_true(set_master(hardware_domain, NIC, true));
}

/* --- whose they are ------------------------------------------------------------------------- */

static void test_a_phantoms_are_the_real_ones(void **state)
{
	(void)state;
	faulty(PHANTOM);
	fault(GHOST, 4);
	assert_int_equal(query(PHANTOM).fault.total, 4);
	assert_int_equal(query(PHANTOM).fault.last.rid.sbdf, at(GHOST).sbdf);
	fault(PHANTOM, 3);
	fault(GHOST, 3);
	pci_iommu_work();
	stays_off(PHANTOM);
	assert_int_equal(dma(GHOST, DMA), -EPERM);
}

/* All below a bridge to conventional PCI have one name, and share the blame. */
static void test_an_aliases_are_its_bridges(void **state)
{
	(void)state;
	faulty(OLD_0);
	assert_true(set_master(lab.one, OLD_1, true));
	fault(OLD_1, 5);
	fault(OLD_0, 5);
	assert_int_equal(query(OLD_0).fault.total, 0);
	assert_int_equal(query(OLD_1).fault.total, 0);
	assert_int_equal(query(OLD_BRIDGE).fault.total, 10);
	pci_iommu_work();
	assert_true(query(OLD_BRIDGE).fault.master_off);
	assert_int_equal(dma(OLD_0, DMA), -EPERM);
	assert_int_equal(dma(OLD_1, DMA), -EPERM);
	assert_int_equal(pci_faults_clear(at(OLD_BRIDGE)), 0);
	assert_true(set_master(hardware_domain, OLD_BRIDGE, true));
	fault(OLD_1, 1);
}

/* In a reset, too: who sends then does not come back. */
static void send_on(void)
{
	(void)dma(OLD_1, DMA);
	clock_next = send_on;
}

static void test_and_are_seen_in_a_reset(void **state)
{
	(void)state;
	give(lab.one, OLD_1);
	clock_next = send_on;
	assert_int_equal(take(lab.one, OLD_1), -EIO);
	clock_next = NULL;
	assert_string_equal(broken(OLD_1), "it went on with DMA after a reset");
}

static void test_nobodys_are_harmless(void **state)
{
	const char *const nobody[] = { "0000:77:1f.7", "0000:03:00.3",
				       "0099:00:00.0", "0000:15:00.0" };
	struct iommu_fault one = { .reason = IOMMU_FAULT_READ };
	struct pci_host other = *fabric_host(lab.f);
	unsigned int i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(nobody); i++)
		for (j = 0; j < 2 * LIMIT; j++) {
			one.rid = at(nobody[i]);
			assert_false(pci_iommu_fault(fabric_host(lab.f), &one));
		}
	/* Another host has no say about this one's. */
	one.rid = at(NIC);
	for (j = 0; j < 2 * LIMIT; j++)
		assert_false(pci_iommu_fault(&other, &one));
	assert_int_equal(query(NIC).fault.total, 0);
	assert_int_equal(stats_now().faults, 0);
	pci_iommu_work();
	/* The port above an empty place is not to blame. */
	assert_int_equal(query(SLOT).fault.total, 0);
}

static void test_nor_do_those_of_what_was_removed_harm(void **state)
{
	const char *port = "0000:02:00.0";
	bool before = has_master(port);

	(void)state;
	spoil(NIC, FABRIC_KEEPS_DMA);
	assert_int_equal(pci_remove_device(at(NIC), 0, 100 * MSEC, NULL), 0);
	fault(NIC, 3 * LIMIT);
	pci_iommu_work();
	assert_int_equal(query(port).fault.total, 0);
	assert_int_equal(has_master(port), before);
	assert_int_equal(pci_add_device(at(NIC)), 0);
	reaches(NIC, lab.host, lab.host);
}

/* --- removal ------------------------------------------------------------------------------------ */

static unsigned int storms;

static void storm(void)
{
	unsigned int i;

	for (i = 0; i < 2 * LIMIT; i++)
		(void)dma(NIC, DMA);
	storms++;
	clock_next = storm;
}

static void storm_and_work(void)
{
	storm();
	pci_iommu_work();
	clock_next = storm_and_work;
}

static void removed_in(void (*weather)(void))
{
	storms = 0;
	give(lab.one, NIC);
	fault(NIC, LIMIT - 1);
	fabric_flush_delay(lab.f, 10 * MSEC);
	clock_next = weather;
	assert_int_equal(force_off(NIC), 0);
	clock_next = NULL;
	assert_true(storms > 0);
	pci_iommu_work();
}

static void test_a_storm_does_not_keep_a_removal(void **state)
{
	(void)state;
	removed_in(storm_and_work);
}

/* What was queued for it is not for the one that comes after it. */
static void test_nor_does_it_hit_the_next(void **state)
{
	(void)state;
	storms = 0;
	give(lab.one, NIC);
	fault(NIC, LIMIT);
	assert_int_equal(force_off(NIC), 0);
	assert_int_equal(pci_add_device(at(NIC)), 0);
	assert_true(set_master(hardware_domain, NIC, true));
	pci_iommu_work();
	assert_true(has_master(NIC));
	assert_false(query(NIC).fault.master_off);
	assert_int_equal(query(NIC).fault.total, 0);
}

static void test_names(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < IOMMU_FAULTS; i++)
		assert_string_not_equal(
			iommu_fault_name((enum iommu_fault_reason)i),
			"unknown");
	assert_string_equal(iommu_fault_name(IOMMU_FAULTS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(test_each_is_counted_and_the_last_is_known),
		LAB(test_half_are_forgotten_in_ten_milliseconds),
		LAB(test_now_and_then_is_no_storm),
		LAB(test_at_the_limit_it_is_off_and_people_are_told),
		cmocka_unit_test_setup_teardown(
			test_the_limit_is_the_administrators, setup_three,
			lab_teardown),
		LAB(test_off_is_off),
		LAB(test_more_than_there_is_room_for),
		LAB(test_a_guest_does_not_switch_it_on),
		LAB(test_nor_does_the_hardware_domain),
		LAB(test_nor_does_the_next_owner),
		LAB(test_nor_does_a_removal_that_fails),
		LAB(test_nor_does_one_that_is_refused),
		LAB(test_nor_a_way_through_quarantine),
		LAB(test_an_administrator_does),
		LAB(test_a_new_card_begins_anew),
		LAB(test_a_phantoms_are_the_real_ones),
		LAB(test_an_aliases_are_its_bridges),
		LAB(test_and_are_seen_in_a_reset),
		LAB(test_nobodys_are_harmless),
		LAB(test_nor_do_those_of_what_was_removed_harm),
		LAB(test_a_storm_does_not_keep_a_removal),
		LAB(test_nor_does_it_hit_the_next),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
