/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole core above the fabric, with a device that never stops: whatever is
 * done with it, the witness has nothing to say, and nothing is left behind.
 */
#include <holdfast/config.h>
#include <holdfast/removal.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>

#include "support.h"
#include "unit.h"

#define A "0000:03:00.0"
#define VF "0000:14:00.2"
#define PCI "0000:12:00.0"
#define DMA 0x40000000ull
#define PAGE FABRIC_PAGE

static struct fabric *f;
static struct domain *one;

static int set_up(void **state)
{
	int seg;

	(void)state;
	f = open_spec("lab");
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(NULL), 0);
	assert_int_equal(pci_irq_init(NULL), 0);
	assert_int_equal(pci_iommu_init(&(struct pci_iommu_options){
				 .ats = true, .fault_limit = UINT32_MAX }),
			 0);
	assert_int_equal(pci_reset_init(), 0);
	for (seg = 0; (seg = fabric_segment_next(f, (unsigned int)seg)) >= 0;
	     seg++) {
		struct pci_scan scan;

		assert_int_equal(pci_segment_add((uint16_t)seg, fabric_host(f)),
				 0);
		assert_int_equal(pci_scan_segment((uint16_t)seg, &scan), 0);
		assert_int_equal(scan.failed, 0);
	}
	assert_int_equal(domain_create(1, "one", NULL, NULL, &one), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct fabric_unit_info unit;

	(void)state;
	assert_int_equal(domain_destroy(one), 0);
	domain_put(one);
	pci_fini();
	fabric_unit(f, &unit);
	assert_int_equal(unit.spaces, 0);
	assert_int_equal(unit.contexts, 0);
	assert_int_equal(unit.pages, 0);
	assert_int_equal(unit.ats, 0);
	assert_int_equal(unit.vectors, 0);
	assert_int_equal(violations(f), 0);
	fabric_close(f);
	return 0;
}

static void set(const char *device, unsigned int reg, uint64_t val)
{
	assert_int_equal(fabric_tester_set(f, at(device), reg, val), 0);
}

static void run(const char *device, uint64_t address)
{
	wr(f, at(device), PCI_COMMAND, 2,
	   rd(f, at(device), PCI_COMMAND, 2) | PCI_COMMAND_MASTER);
	set(device, FABRIC_TESTER_DATA, 1);
	set(device, FABRIC_TESTER_DESTINATION, address);
	set(device, FABRIC_TESTER_LENGTH, 4);
	set(device, FABRIC_TESTER_COMMAND,
	    FABRIC_TESTER_WRITE | FABRIC_TESTER_RUN);
}

static uint64_t ram(unsigned int domid)
{
	uint64_t hpa;

	assert_int_equal(fabric_ram_alloc(f, domid, PAGE, &hpa), 0);
	return hpa;
}

static uint32_t word(uint64_t hpa)
{
	uint32_t val;

	assert_int_equal(fabric_ram_read(f, hpa, &val, sizeof(val)), 0);
	return val;
}

static void assign(const char *device, unsigned int flags)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	assert_int_equal(
		pci_assign_device(one, at(device), flags, &vsbdf, NULL), 0);
}

/* From the host to a guest and back; it writes wherever it may. */
static void there_and_back(const char *device, unsigned int flags)
{
	uint64_t host = ram(DOMID_HARDWARE), guest = ram(1);

	run(device, host);
	assert_int_not_equal(word(host), 0);
	assert_int_equal(domain_dma_map(one, DMA, guest, PAGE,
					IOMMU_READ | IOMMU_WRITE),
			 0);
	assign(device, flags);
	assert_int_equal(fabric_ram_free(f, host, PAGE), 0);
	run(device, DMA);
	assert_int_not_equal(word(guest), 0);
	assert_int_equal(pci_deassign_device(one, at(device), flags, NULL), 0);
	assert_int_equal(fabric_ram_free(f, guest, PAGE), 0);
	assert_int_equal(pci_owner(at(device)), DOMID_HARDWARE);
	fabric_turn(f);
	assert_int_equal(domain_dma_unmap(one, DMA, PAGE), 0);
}

static void test_it_changes_hands(void **state)
{
	(void)state;
	there_and_back(A, 0);
	there_and_back(VF, 0);
	there_and_back(PCI, PCI_ASSIGN_GROUP);
}

static void test_it_changes_hands_with_late_flushes(void **state)
{
	(void)state;
	fabric_flush_delay(f, PLAT_NSEC_PER_MSEC);
	there_and_back(A, 0);
	there_and_back(VF, 0);
	there_and_back(PCI, PCI_ASSIGN_GROUP);
	fabric_flush_delay(f, 0);
}

static void test_memory_is_taken_back_under_its_writes(void **state)
{
	uint64_t guest = ram(1);

	(void)state;
	fabric_flush_delay(f, PLAT_NSEC_PER_MSEC);
	assert_int_equal(domain_dma_map(one, DMA, guest, PAGE, IOMMU_WRITE), 0);
	assign(A, 0);
	run(A, DMA);
	assert_int_not_equal(word(guest), 0);
	assert_int_equal(domain_dma_unmap(one, DMA, PAGE), 0);
	assert_int_equal(fabric_ram_free(f, guest, PAGE), 0);
	assert_int_equal(ram(2), guest);
	fabric_turn(f);
	assert_int_equal(word(guest), 0);
	fabric_flush_delay(f, 0);
}

/* The flush never ends, and nothing stops it: it is blocked all the same. */
static void test_one_that_nothing_stops_and_does_not_answer(void **state)
{
	struct fabric_fault fault = { .sbdf = at(A), .kind = FABRIC_KEEPS_DMA };
	uint64_t guest = ram(1);
	int rc;

	(void)state;
	assert_int_equal(domain_dma_map(one, DMA, guest, PAGE, IOMMU_WRITE), 0);
	assign(A, 0);
	run(A, DMA);
	assert_int_equal(fabric_fault_set(f, &fault), 0);
	fault.kind = FABRIC_SILENT;
	assert_int_equal(fabric_fault_set(f, &fault), 0);
	rc = pci_deassign_device(one, at(A), 0, NULL);
	assert_int_equal(rc, -EIO);
	assert_int_equal(pci_owner(at(A)), DOMID_IO);
	assert_int_equal(fabric_ram_free(f, guest, PAGE), 0);
	fabric_turn(f);
	fabric_flush_finish(f); /* late */
	fabric_turn(f);
	assert_int_equal(fabric_fault_clear(f, at(A)), 0);
	assert_int_equal(domain_dma_unmap(one, DMA, PAGE), 0);
}

static void test_it_is_removed_while_it_runs(void **state)
{
	(void)state;
	run(A, ram(DOMID_HARDWARE));
	assert_int_equal(pci_remove_device(at(A), 0, PLAT_NSEC_PER_SEC, NULL),
			 0);
	assert_int_equal(fabric_dma(f, at(A)), -EPERM);
	fabric_turn(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_it_changes_hands),
		TEST(test_it_changes_hands_with_late_flushes),
		TEST(test_memory_is_taken_back_under_its_writes),
		TEST(test_one_that_nothing_stops_and_does_not_answer),
		TEST(test_it_is_removed_while_it_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
