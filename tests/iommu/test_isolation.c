/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device's requests reach: its domain's memory, as that has it now, and
 * nothing else (XSA-302, 306, 346, 347). The devices of these tests send on,
 * whatever their Bus Master says, so it is the IOMMU that stops them.
 */
#include <holdfast/event.h>
#include <holdfast/reset.h>

#include "lab.h"

/* --- owners ------------------------------------------------------------------- */

static void test_the_hosts_devices_reach_memory_as_it_is(void **state)
{
	(void)state;
	spoil(NIC, FABRIC_KEEPS_DMA);
	reaches(NIC, lab.host, lab.host);
	assert_int_equal(query(NIC).mode, IOMMU_IDENTITY);
	assert_int_equal(fabric_context(lab.f, at(NIC), NULL), IOMMU_IDENTITY);
	assert_int_equal(unit_now().contexts, 0);
}

static void test_a_guests_device_reaches_what_the_guest_maps(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 2), 0);
	give(lab.one, NIC);
	reaches(NIC, DMA, lab.mine);
	reaches(NIC, DMA + PAGE, lab.mine + PAGE);
	faults(NIC, DMA - PAGE);
	faults(NIC, DMA + 2 * PAGE);
	faults(NIC, lab.mine);
	assert_int_equal(query(NIC).mode, IOMMU_SPACE);
	assert_int_equal(query(NIC).domain, domain_id(lab.one));
}

static void test_a_map_is_there_at_once(void **state)
{
	(void)state;
	give(lab.one, NIC);
	faults(NIC, DMA);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	reaches(NIC, DMA, lab.mine);
}

static void test_rights_are_kept(void **state)
{
	uint64_t word;

	(void)state;
	give(lab.one, NIC);
	assert_int_equal(
		domain_dma_map(lab.one, DMA, lab.mine, PAGE, IOMMU_READ), 0);
	assert_int_equal(domain_dma_map(lab.one, DMA + PAGE, lab.mine + PAGE,
					PAGE, IOMMU_WRITE),
			 0);
	assert_int_equal(dma(NIC, DMA), -EFAULT);
	assert_int_equal(query(NIC).fault.last.reason, IOMMU_FAULT_WRITE);
	assert_int_equal(fabric_dma_read(lab.f, at(NIC), DMA, &word, 8), 0);
	assert_true(arrives(NIC, DMA + PAGE, lab.mine + PAGE));
	assert_int_equal(fabric_dma_read(lab.f, at(NIC), DMA + PAGE, &word, 8),
			 -EFAULT);
	assert_int_equal(query(NIC).fault.last.reason, IOMMU_FAULT_READ);
}

static void test_one_address_two_guests(void **state)
{
	(void)state;
	give(lab.one, NIC);
	give(lab.two, DISK);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	assert_int_equal(map(lab.two, DMA, lab.yours, 1), 0);
	reaches(NIC, DMA, lab.mine);
	reaches(DISK, DMA, lab.yours);
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
	faults(NIC, DMA);
	reaches(DISK, DMA, lab.yours);
}

static void test_two_devices_of_one_guest_in_two_segments(void **state)
{
	(void)state;
	give(lab.one, NIC);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, OTHER_HOST);
	reaches(NIC, DMA, lab.mine);
	reaches(OTHER_HOST, DMA, lab.mine);
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
	faults(NIC, DMA);
	faults(OTHER_HOST, DMA);
}

/* --- unmapping --------------------------------------------------------------------- */

static void test_unmapped_is_not_reached(void **state)
{
	(void)state;
	give(lab.one, NIC);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	reaches(NIC, DMA, lab.mine);
	assert_true(unit_now().cached > 0);
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
	assert_int_equal(
		fabric_ram_give(lab.f, lab.mine, PAGE, domain_id(lab.two)), 0);
	faults(NIC, DMA);
	assert_int_equal(unit_now().cached, 0);
}

static bool still;

static void look_meanwhile(void)
{
	still = arrives(NIC, DMA, lab.mine);
}

/* The unit uses what it has cached until its flush is over. */
static void test_nor_by_a_late_flush(void **state)
{
	uint64_t start;

	(void)state;
	give(lab.one, NIC);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	reaches(NIC, DMA, lab.mine);
	fabric_flush_delay(lab.f, 20 * MSEC);
	clock_next = look_meanwhile;
	start = clock_now;
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
	assert_true(clock_now - start >= 20 * MSEC);
	assert_true(still);
	faults(NIC, DMA);
	assert_string_equal(broken(NIC), "");
	assert_int_equal(stats_now().timeouts, 0);
}

static void test_a_full_queue_is_waited_for(void **state)
{
	(void)state;
	give(lab.one, NIC);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.two, DISK);
	reaches(NIC, DMA, lab.mine);
	fabric_flush_delay(lab.f, 20 * MSEC);
	fabric_flush_depth(lab.f, 1);
	assert_int_equal(take(lab.two, DISK), 0);
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
	faults(NIC, DMA);
	assert_int_equal(stats_now().timeouts, 0);
}

static void test_a_part_may_be_unmapped(void **state)
{
	(void)state;
	give(lab.one, NIC);
	assert_int_equal(map(lab.one, DMA, lab.mine, 5), 0);
	reaches(NIC, DMA + 2 * PAGE, lab.mine + 2 * PAGE);
	assert_int_equal(unmap(lab.one, DMA + 2 * PAGE, 1), 0);
	assert_int_equal(stats_now().mappings, 2);
	reaches(NIC, DMA, lab.mine);
	reaches(NIC, DMA + PAGE, lab.mine + PAGE);
	faults(NIC, DMA + 2 * PAGE);
	reaches(NIC, DMA + 3 * PAGE, lab.mine + 3 * PAGE);
	assert_int_equal(unit_now().pages, 4);
	/* And one who comes later is told the same. */
	give(lab.one, OTHER_HOST);
	faults(OTHER_HOST, DMA + 2 * PAGE);
	reaches(OTHER_HOST, DMA + 4 * PAGE, lab.mine + 4 * PAGE);
}

/* --- leaving ------------------------------------------------------------------------- */

/* Its memory is somebody else's by now. */
static void old_memory_is_safe(const char *device)
{
	uint64_t before = UINT64_MAX, after;

	assert_int_equal(fabric_ram_write(lab.f, lab.mine, &before, 8), 0);
	assert_true(dma(device, DMA) != 0);
	assert_int_equal(fabric_ram_read(lab.f, lab.mine, &after, 8), 0);
	assert_int_equal(after, before);
}

static void test_the_next_owner_does_not_get_at_the_last_ones(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 2), 0);
	assert_int_equal(map(lab.two, DMA, lab.yours, 1), 0);
	give(lab.one, NIC);
	reaches(NIC, DMA, lab.mine);
	reaches(NIC, DMA + PAGE, lab.mine + PAGE);
	assert_int_equal(take(lab.one, NIC), 0);
	old_memory_is_safe(NIC);
	reaches(NIC, lab.host, lab.host);
	give(lab.two, NIC);
	reaches(NIC, DMA, lab.yours);
	faults(NIC, DMA + PAGE);
}

static void test_nor_by_a_late_flush_of_its_context(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, NIC);
	reaches(NIC, DMA, lab.mine);
	fabric_flush_delay(lab.f, 20 * MSEC);
	clock_next = look_meanwhile;
	assert_int_equal(take(lab.one, NIC), 0);
	assert_true(still);
	old_memory_is_safe(NIC);
	assert_string_equal(owner(NIC), "hardware");
}

static int meanwhile;

static void send_meanwhile(void)
{
	meanwhile |= dma(NIC, DMA) ^ -EFAULT;
	clock_next = send_meanwhile;
}

/* What still sends in its reset does not come back from it. */
static void test_between_owners_nothing_is_reached(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, NIC);
	reaches(NIC, DMA, lab.mine);
	clock_next = send_meanwhile;
	meanwhile = 0;
	assert_int_equal(take(lab.one, NIC), -EIO);
	clock_next = NULL;
	assert_int_equal(meanwhile, 0);
	assert_string_equal(lab.report.reason,
			    "it went on with DMA after a reset");
	assert_string_equal(owner(NIC), "quarantine");
	assert_string_equal(broken(NIC), lab.report.reason);
	faults(NIC, DMA);
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
}

static void test_a_forced_removal_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, NIC);
	reaches(NIC, DMA, lab.mine);
	fabric_flush_delay(lab.f, 5 * MSEC);
	assert_int_equal(force_off(NIC), 0);
	faults(NIC, DMA);
	faults(NIC, lab.host);
	assert_int_equal(fabric_context(lab.f, at(NIC), NULL), IOMMU_BLOCKED);
	assert_int_equal(unit_now().contexts, 0);
}

static void test_what_is_removed_reaches_nothing(void **state)
{
	(void)state;
	spoil(NIC, FABRIC_KEEPS_DMA);
	reaches(NIC, lab.host, lab.host);
	assert_int_equal(pci_remove_device(at(NIC), 0, 100 * MSEC, NULL), 0);
	assert_int_equal(fabric_context(lab.f, at(NIC), NULL), IOMMU_BLOCKED);
	faults(NIC, lab.host);
}

static enum iommu_mode when_told;

static void look(struct pci_event_listener *self, const struct pci_event *event)
{
	(void)self;
	if (event->type == PCI_EVENT_CUT_OFF)
		when_told = fabric_context(lab.f, event->sbdf, NULL);
}

/* A guest that hears that its device is gone may use its memory for others. */
static void test_it_is_blocked_before_its_guest_is_told(void **state)
{
	struct pci_event_listener listener = { .event = look };

	(void)state;
	give(lab.one, NIC);
	when_told = IOMMU_SPACE;
	pci_event_listen(&listener);
	assert_int_equal(force_off(NIC), 0);
	pci_event_unlisten(&listener);
	assert_int_equal(when_told, IOMMU_BLOCKED);
}

static void test_a_loss_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, NIC);
	reaches(NIC, DMA, lab.mine);
	fabric_flush_delay(lab.f, 20 * MSEC);
	assert_int_equal(pci_device_lost(at(NIC)), 0);
	assert_int_equal(pci_owner(at(NIC)), -ENODEV);
	faults(NIC, DMA);
	assert_int_equal(unit_now().contexts, 0);
	assert_int_equal(domain_destroy(lab.one), 0);
	assert_int_equal(unit_now().spaces, 0);
}

static void test_a_dead_guests_memory_is_safe(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, NIC);
	give(lab.one, DISK);
	give(lab.one, OTHER_HOST);
	reaches(NIC, DMA, lab.mine);
	reaches(OTHER_HOST, DMA, lab.mine);
	fabric_flush_delay(lab.f, 5 * MSEC);
	assert_int_equal(domain_destroy(lab.one), 0);
	assert_int_equal(unit_now().spaces, 0);
	old_memory_is_safe(NIC);
	old_memory_is_safe(OTHER_HOST);
	assert_string_equal(owner(DISK), "hardware");
	reaches(DISK, lab.host, lab.host);
}

/* --- quarantine -------------------------------------------------------------------------- */

static int setup_scratch(void **state)
{
	(void)state;
	return lab_open(&(struct pci_iommu_options){
		.quarantine = PCI_QUARANTINE_SCRATCH, .ats = true });
}

static int setup_none(void **state)
{
	(void)state;
	return lab_open(&(struct pci_iommu_options){
		.quarantine = PCI_QUARANTINE_NONE });
}

static void quarantine(const char *device)
{
	spoil(device, FABRIC_KEEPS_DMA);
	assert_int_equal(pci_quarantine_device(at(device), "by test"), 0);
	assert_string_equal(owner(device), "quarantine");
	assert_string_equal(broken(device), "by test");
}

static void test_in_quarantine_all_faults(void **state)
{
	(void)state;
	quarantine(NIC);
	faults(NIC, lab.host);
	assert_int_equal(query(NIC).mode, IOMMU_BLOCKED);
	assert_int_equal(pci_unquarantine_device(at(NIC), NULL), 0);
	reaches(NIC, lab.host, lab.host);
}

static void test_nor_is_a_late_flush_seen_from_there(void **state)
{
	(void)state;
	spoil(NIC, FABRIC_KEEPS_DMA);
	reaches(NIC, lab.host, lab.host);
	fabric_flush_delay(lab.f, 20 * MSEC);
	assert_int_equal(pci_quarantine_device(at(NIC), "by test"), 0);
	faults(NIC, lab.host);
	assert_string_equal(broken(NIC), "by test");
}

static void test_or_goes_to_a_page_that_nobody_uses(void **state)
{
	uint64_t word = 0, before, after;

	(void)state;
	quarantine(NIC);
	assert_int_equal(query(NIC).mode, IOMMU_SCRATCH);
	assert_false(query(NIC).ats);
	assert_int_equal(fabric_ram_read(lab.f, lab.host, &before, 8), 0);
	assert_int_equal(dma(NIC, lab.host), 0);
	assert_int_equal(fabric_ram_read(lab.f, lab.host, &after, 8), 0);
	assert_int_equal(before, after);
	assert_int_equal(fabric_dma_read(lab.f, at(NIC), lab.host, &word, 8),
			 0);
	assert_int_equal(query(NIC).fault.total, 0);
	assert_int_equal(pci_unquarantine_device(at(NIC), NULL), 0);
	reaches(NIC, lab.host, lab.host);
}

static void test_where_a_reset_leaves_it(void **state)
{
	(void)state;
	quarantine(NIC);
	assert_int_equal(pci_reset_device(at(NIC), PCI_RESET_ANY, NULL, NULL),
			 0);
	assert_string_equal(owner(NIC), "quarantine");
	assert_int_equal(query(NIC).mode, IOMMU_SCRATCH);
}

/* A guest's that breaks on its way out, as one of the administrator's. */
static void test_a_guests_that_breaks_rests_there_too(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, NIC);
	spoil(NIC, FABRIC_IGNORES_RESET);
	reaches(NIC, DMA, lab.mine);
	assert_int_equal(take(lab.one, NIC), -EIO);
	assert_string_equal(owner(NIC), "quarantine");
	assert_int_equal(query(NIC).mode, IOMMU_SCRATCH);
	assert_false(arrives(NIC, DMA, lab.mine));
}

static void test_or_is_trusted(void **state)
{
	uint64_t hpa;

	(void)state;
	assert_int_equal(fabric_ram_alloc(lab.f, DOMID_IO, PAGE, &hpa), 0);
	quarantine(NIC);
	reaches(NIC, hpa, hpa);
	assert_int_equal(query(NIC).mode, IOMMU_IDENTITY);
	assert_int_equal(pci_unquarantine_device(at(NIC), NULL), 0);
	reaches(NIC, lab.host, lab.host);
}

/* --- devices that translate themselves ----------------------------------------------------- */

static void test_what_a_device_has_translated_is_forgotten(void **state)
{
	(void)state;
	give(lab.one, NIC);
	assert_true(query(NIC).ats);
	assert_int_equal(map(lab.one, DMA, lab.mine, 2), 0);
	reaches(NIC, DMA, lab.mine);
	reaches(NIC, DMA + PAGE, lab.mine + PAGE);
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
	assert_int_equal(
		fabric_ram_give(lab.f, lab.mine, PAGE, domain_id(lab.two)), 0);
	faults(NIC, DMA);
	reaches(NIC, DMA + PAGE, lab.mine + PAGE);
	assert_int_equal(map(lab.two, DMA, lab.yours, 1), 0);
	assert_int_equal(take(lab.one, NIC), 0);
	give(lab.two, NIC);
	reaches(NIC, DMA, lab.yours);
	faults(NIC, DMA + PAGE);
	assert_int_equal(force_off(NIC), 0);
	assert_int_equal(unit_now().contexts, 0);
	faults(NIC, DMA);
}

/*
 * One that does not answer is blocked, and what it has translated is believed
 * no more; so who unmaps has what it wants.
 */
static void test_one_that_does_not_answer_is_blocked(void **state)
{
	uint64_t start;

	(void)state;
	give(lab.one, NIC);
	give(lab.one, DISK);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	reaches(NIC, DMA, lab.mine);
	spoil(NIC, FABRIC_SILENT);
	start = clock_now;
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
	assert_true(clock_now - start >= PCI_FLUSH_TIME);
	assert_true(clock_now - start <= 2 * PCI_FLUSH_TIME);
	faults(NIC, DMA);
	assert_int_equal(query(NIC).fault.last.reason, IOMMU_FAULT_ATS);
	assert_string_equal(owner(NIC), "one");
	assert_string_equal(broken(NIC),
			    "it has not forgotten translations in time");
	assert_int_equal(query(NIC).mode, IOMMU_BLOCKED);
	assert_int_equal(stats_now().timeouts, 1);
	/* The other one goes on. */
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	reaches(DISK, DMA, lab.mine);
	assert_string_equal(broken(DISK), "");
	faults(NIC, DMA);
	/* And it comes home to quarantine. */
	assert_int_equal(take(lab.one, NIC), -EIO);
	assert_string_equal(owner(NIC), "quarantine");
	lab.kept = 1;
}

/* --- requester IDs ---------------------------------------------------------------------------- */

static void test_phantom_functions_go_along(void **state)
{
	(void)state;
	spoil(PHANTOM, FABRIC_KEEPS_DMA);
	reaches(GHOST, lab.host, lab.host);
	assert_int_equal(query(PHANTOM).rids, 2);
	give(lab.one, PHANTOM);
	assert_int_equal(unit_now().contexts, 2);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	reaches(PHANTOM, DMA, lab.mine);
	reaches(GHOST, DMA, lab.mine);
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
	faults(GHOST, DMA);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	reaches(GHOST, DMA, lab.mine);
	assert_int_equal(take(lab.one, PHANTOM), 0);
	assert_false(arrives(GHOST, DMA, lab.mine));
	reaches(GHOST, lab.host, lab.host);
	quarantine(PHANTOM);
	faults(GHOST, lab.host);
}

/* Functions 0, 2, 4 and 6. */
#define FOUR_IN_ONE                                                   \
	"[ { \"at\": \"00.0\", \"kind\": \"endpoint\","               \
	"\"id\": \"1b36:0005\", \"class\": \"0x00ff00\", \"pin\": 1," \
	"\"bars\": [ { \"bar\": 0, \"type\": \"mem32\","              \
	"\"size\": \"16K\" } ], \"tester\": true, \"flr\": true,"     \
	"\"phantom\": 2 } ]"

static void test_each_phantom_function_goes_along(void **state)
{
	static const char *const ghost[] = { "0000:15:00.2", "0000:15:00.4",
					     "0000:15:00.6" };
	char err[200] = "";
	unsigned int i;

	(void)state;
	if (fabric_plug(lab.f, at(SLOT), FOUR_IN_ONE, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(pci_add_device(at(PLUGGED)), 0);
	spoil(PLUGGED, FABRIC_KEEPS_DMA);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, PLUGGED);
	assert_int_equal(query(PLUGGED).rids, 4);
	assert_int_equal(unit_now().contexts, 4);
	for (i = 0; i < 3; i++)
		reaches(ghost[i], DMA, lab.mine);
	assert_int_equal(take(lab.one, PLUGGED), 0);
	for (i = 0; i < 3; i++)
		assert_false(arrives(ghost[i], DMA, lab.mine));
}

static void test_behind_an_old_bridge_all_go_together(void **state)
{
	(void)state;
	assert_int_equal(query(OLD_0).rids, 1);
	assert_int_equal(query(OLD_1).rids, 2);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, OLD_1);
	assert_string_equal(owner(OLD_0), "one");
	assert_int_equal(unit_now().contexts, 2);
	assert_int_equal(stats_now().contexts, 2);
	spoil(OLD_0, FABRIC_KEEPS_DMA);
	reaches(OLD_0, DMA, lab.mine);
	reaches(OLD_1, DMA, lab.mine);
	assert_int_equal(take(lab.one, OLD_0), 0);
	assert_false(arrives(OLD_0, DMA, lab.mine));
	assert_false(arrives(OLD_1, DMA, lab.mine));
	reaches(OLD_0, lab.host, lab.host);
	reaches(OLD_1, lab.host, lab.host);
}

static void test_even_where_there_is_no_pcie(void **state)
{
	(void)state;
	spoil(OLDEST, FABRIC_KEEPS_DMA);
	reaches(OLDEST, lab.host, lab.host);
	assert_int_equal(query(OLDEST).rids, 2);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	give(lab.one, OLDEST);
	reaches(OLDEST, DMA, lab.mine);
	assert_int_equal(fabric_context(lab.f, at(OLDEST_BRIDGE), NULL),
			 IOMMU_SPACE);
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
	faults(OLDEST, DMA);
	assert_int_equal(take(lab.one, OLDEST), 0);
	reaches(OLDEST, lab.host, lab.host);
	quarantine(OLDEST);
	faults(OLDEST, lab.host);
	assert_int_equal(fabric_context(lab.f, at(OLDEST_BRIDGE), NULL),
			 IOMMU_BLOCKED);
}

/* The other one's requests have the same name, and go where they went. */
static void test_one_of_them_leaves_the_others_reach(void **state)
{
	const char *const device[] = { OLD_0, OLD_1 };
	unsigned int i;

	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	for (i = 0; i < 2; i++) {
		const char *gone = device[i], *stays = device[!i];

		give(lab.one, stays);
		assert_int_equal(force_off(gone), 0);
		reaches(stays, DMA, lab.mine);
		assert_int_equal(force_off(stays), 0);
		faults(stays, DMA);
		assert_int_equal(unit_now().contexts, 0);
		assert_int_equal(pci_add_device(at(gone)), 0);
		assert_int_equal(pci_add_device(at(stays)), 0);
		spoil(gone, FABRIC_KEEPS_DMA);
		reaches(gone, lab.host, lab.host);
		reaches(stays, lab.host, lab.host);
	}
}

/* Where what is in quarantine reaches something, one with an alias does not. */
static void test_a_name_is_not_shared_with_quarantine(void **state)
{
	const char *const device[] = { OLD_0, OLD_1 };
	unsigned int i;

	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	for (i = 0; i < 2; i++) {
		const char *bad = device[i], *good = device[!i];

		assert_int_equal(pci_quarantine_device(at(bad), "by test"), 0);
		assert_int_equal(query(bad).mode, IOMMU_BLOCKED);
		give(lab.one, good);
		reaches(good, DMA, lab.mine);
		assert_int_equal(take(lab.one, good), 0);
		assert_false(arrives(good, DMA, lab.mine));
		assert_int_equal(unit_now().contexts, 0);
		reaches(good, lab.host, lab.host);
		assert_int_equal(pci_unquarantine_device(at(bad), NULL), 0);
		assert_int_equal(fabric_fault_clear(lab.f, at(good)), 0);
	}
}

/* --- transfers that go on by themselves ------------------------------------------------------ */

static uint64_t reg(const char *device, unsigned int which)
{
	uint64_t val;

	assert_int_equal(fabric_tester_get(lab.f, at(device), which, &val), 0);
	return val;
}

static void run(const char *device, uint64_t destination)
{
	const pci_sbdf_t sbdf = at(device);

	assert_int_equal(fabric_tester_set(lab.f, sbdf,
					   FABRIC_TESTER_DESTINATION,
					   destination),
			 0);
	assert_int_equal(
		fabric_tester_set(lab.f, sbdf, FABRIC_TESTER_LENGTH, 8), 0);
	assert_int_equal(fabric_tester_set(lab.f, sbdf, FABRIC_TESTER_COMMAND,
					   FABRIC_TESTER_WRITE |
						   FABRIC_TESTER_RUN),
			 0);
}

/* It is at work while it is unmapped, and while it is taken back. */
static void test_a_running_transfer(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA, lab.mine, 2), 0);
	assert_int_equal(try_give(lab.one, NIC, 0), 0);
	assert_true(set_master(lab.one, NIC, true));
	run(NIC, DMA);
	assert_int_equal(fabric_turn(lab.f), 1);
	assert_true(reg(NIC, FABRIC_TESTER_DONE) > 0);
	assert_int_equal(reg(NIC, FABRIC_TESTER_FAILED), 0);
	assert_int_equal(unmap(lab.one, DMA, 1), 0);
	assert_int_equal(
		fabric_ram_give(lab.f, lab.mine, PAGE, domain_id(lab.two)), 0);
	fabric_turn(lab.f);
	assert_true(reg(NIC, FABRIC_TESTER_STATUS) & FABRIC_TESTER_REFUSED);
	assert_int_equal(pci_faults_clear(at(NIC)), 0);
	run(NIC, DMA + PAGE);
	fabric_turn(lab.f);
	assert_true(reg(NIC, FABRIC_TESTER_STATUS) & FABRIC_TESTER_OK);
	assert_int_equal(take(lab.one, NIC), 0);
	assert_int_equal(fabric_ram_give(lab.f, lab.mine + PAGE, PAGE,
					 domain_id(lab.two)),
			 0);
	assert_int_equal(reg(NIC, FABRIC_TESTER_COMMAND), FABRIC_TESTER_STOP);
	assert_int_equal(fabric_turn(lab.f), 0);
}

int main(void)
{
#define WITH(setup, test) \
	cmocka_unit_test_setup_teardown(test, setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		LAB(test_the_hosts_devices_reach_memory_as_it_is),
		LAB(test_a_guests_device_reaches_what_the_guest_maps),
		LAB(test_a_map_is_there_at_once),
		LAB(test_rights_are_kept),
		LAB(test_one_address_two_guests),
		LAB(test_two_devices_of_one_guest_in_two_segments),
		LAB(test_unmapped_is_not_reached),
		LAB(test_nor_by_a_late_flush),
		LAB(test_a_full_queue_is_waited_for),
		LAB(test_a_part_may_be_unmapped),
		LAB(test_the_next_owner_does_not_get_at_the_last_ones),
		LAB(test_nor_by_a_late_flush_of_its_context),
		LAB(test_between_owners_nothing_is_reached),
		LAB(test_a_forced_removal_leaves_nothing),
		LAB(test_what_is_removed_reaches_nothing),
		LAB(test_it_is_blocked_before_its_guest_is_told),
		LAB(test_a_loss_leaves_nothing),
		LAB(test_a_dead_guests_memory_is_safe),
		LAB(test_in_quarantine_all_faults),
		LAB(test_nor_is_a_late_flush_seen_from_there),
		WITH(setup_scratch, test_or_goes_to_a_page_that_nobody_uses),
		WITH(setup_scratch, test_a_guests_that_breaks_rests_there_too),
		WITH(setup_scratch, test_where_a_reset_leaves_it),
		WITH(setup_none, test_or_is_trusted),
		LAB_ATS(test_a_guests_device_reaches_what_the_guest_maps),
		LAB_ATS(test_what_a_device_has_translated_is_forgotten),
		LAB_ATS(test_one_that_does_not_answer_is_blocked),
		WITH(setup_scratch, test_a_name_is_not_shared_with_quarantine),
		LAB(test_a_running_transfer),
		LAB_ATS(test_a_running_transfer),
		LAB(test_phantom_functions_go_along),
		LAB(test_each_phantom_function_goes_along),
		LAB(test_behind_an_old_bridge_all_go_together),
		LAB(test_even_where_there_is_no_pcie),
		LAB(test_one_of_them_leaves_the_others_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
