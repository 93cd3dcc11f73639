/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The witness judges who was reached, by the core's word on who owns what. The
 * core runs without its IOMMU stage here; contexts are attached by hand.
 */
#include <holdfast/config.h>
#include <holdfast/removal.h>
#include <holdfast/stage.h>
#include <holdfast/vpci.h>

#include "above.h"

#define A "0000:03:00.0"
#define B "0000:04:00.0"
#define RW (IOMMU_READ | IOMMU_WRITE)
#define DMA 0x40000000ull

static struct fabric *f;
static struct domain *one, *two;
static struct iommu_space *tables; /* of one */
static uint64_t page;              /* of one, at DMA in tables */

/* On its way between owners: what A reaches then. */
static uint64_t on_the_way;
static unsigned int met;

static int leave(struct pci_dev *pdev)
{
	if (on_the_way && pcidev_sbdf(pdev).sbdf == at(A).sbdf &&
	    pci_owner(at(A)) == DOMID_IO)
		met += dma(f, A, on_the_way, met + 1) == 0;
	return 0;
}

static const struct pci_stage stage = { .name = "test",
					.rank = PCI_STAGE_DEVICE,
					.leave = leave };

static int set_up(void **state)
{
	int seg;

	(void)state;
	f = above_open("lab");
	on_the_way = met = 0;
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(NULL), 0);
	assert_int_equal(pci_stage_register(&stage), 0);
	for (seg = 0; (seg = fabric_segment_next(f, (unsigned int)seg)) >= 0;
	     seg++) {
		struct pci_scan scan;

		assert_int_equal(pci_segment_add((uint16_t)seg, fabric_host(f)),
				 0);
		assert_int_equal(pci_scan_segment((uint16_t)seg, &scan), 0);
		assert_int_equal(scan.failed, 0);
	}
	assert_int_equal(domain_create(1, "one", NULL, NULL, &one), 0);
	assert_int_equal(domain_create(2, "two", NULL, NULL, &two), 0);
	tables = space(f, 1);
	page = ram(f, 1, 1);
	map(f, tables, DMA, page, PAGE, RW);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	on_the_way = 0;
	assert_int_equal(domain_destroy(one), 0);
	assert_int_equal(domain_destroy(two), 0);
	domain_put(one);
	domain_put(two);
	pci_fini();
	fabric_close(f);
	return 0;
}

static void assign(struct domain *d, const char *device)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	assert_int_equal(pci_assign_device(d, at(device), 0, &vsbdf, NULL), 0);
	/* a guest's driver would, through its view */
	wr(f, at(device), PCI_COMMAND, 2,
	   PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void test_who_reaches_what_is_its_owners_is_right(void **state)
{
	uint64_t hardware = ram(f, DOMID_HARDWARE, 1);

	(void)state;
	assign(one, A);
	attach(f, A, IOMMU_SPACE, tables);
	attach(f, B, IOMMU_IDENTITY, NULL);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	assert_int_equal(dma(f, B, hardware, 1), 0);
	assert_int_equal(violations(f), 0);
}

static void test_memory_of_nobody(void **state)
{
	(void)state;
	assign(one, A);
	attach(f, A, IOMMU_SPACE, tables);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	unmap(f, tables, DMA, PAGE); /* and no flush */
	assert_int_equal(fabric_ram_free(f, page, PAGE), 0);
	assert_int_equal(violations(f), 0);
	assert_int_equal(dma(f, A, DMA, 2), 0);
	assert_violation(f, "DMA to memory of nobody");
}

static void test_memory_that_somebody_else_has_by_now(void **state)
{
	(void)state;
	assign(one, A);
	attach(f, A, IOMMU_SPACE, tables);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	unmap(f, tables, DMA, PAGE);
	assert_int_equal(fabric_ram_free(f, page, PAGE), 0);
	assert_int_equal(ram(f, 2, 1), page);
	assert_int_equal(dma(f, A, DMA, 2), 0);
	assert_violation(f, "memory of domain 2 by the tables of domain 1");
}

static void test_a_device_that_has_left_its_guest(void **state)
{
	(void)state;
	assign(one, A);
	attach(f, A, IOMMU_SPACE, tables);
	assert_int_equal(pci_deassign_device(one, at(A), 0, NULL), 0);
	assert_int_equal(violations(f), 0);
	wr(f, at(A), PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	assert_violation(f, "memory of domain 1 by a device of domain 0");
}

static void test_a_guests_device_in_memory_as_it_is(void **state)
{
	uint64_t hardware = ram(f, DOMID_HARDWARE, 1);

	(void)state;
	attach(f, A, IOMMU_IDENTITY, NULL);
	assert_int_equal(dma(f, A, page, 1), 0);
	assert_violation(f, "memory of domain 1 by a device of domain 0");
	assign(two, A);
	assert_int_equal(violations(f), 1);
	assert_int_equal(dma(f, A, hardware, 1), 0);
	assert_int_equal(violations(f), 2);
	assert_int_equal(dma(f, A, ram(f, 2, 1), 1), 0); /* its own */
	assert_int_equal(violations(f), 2);
}

static void test_on_its_way_it_may_reach_what_it_had(void **state)
{
	(void)state;
	assign(one, A);
	attach(f, A, IOMMU_SPACE, tables);
	on_the_way = DMA;
	assert_int_equal(pci_deassign_device(one, at(A), 0, NULL), 0);
	assert_int_not_equal(met, 0);
	assert_int_equal(word(f, page), met);
	assert_int_equal(violations(f), 0);
}

static void test_at_rest_in_quarantine_it_may_not(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	assign(one, A);
	attach(f, A, IOMMU_SPACE, tables);
	assert_int_equal(pci_lookup(NULL, at(A), &pdev), 0);
	pcidev_set_broken(pdev, "for a test");
	pcidev_put(pdev);
	assert_int_equal(pci_deassign_device(one, at(A), 0, NULL), -EIO);
	assert_int_equal(pci_owner(at(A)), DOMID_IO);
	wr(f, at(A), PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	assert_violation(f, "memory of domain 1 out of quarantine");
	attach(f, A, IOMMU_SCRATCH, NULL);
	flush_context(f, A);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	attach(f, A, IOMMU_IDENTITY, NULL);
	flush_context(f, A);
	assert_int_equal(dma(f, A, ram(f, DOMID_IO, 1), 1), 0);
	assert_int_equal(violations(f), 1);
}

static void test_a_bar_of_somebody_elses_device(void **state)
{
	uint64_t there = bar0(f, B) + 0x1000;

	(void)state;
	assert_int_equal(dma(f, A, there, 1), 0);
	assert_int_equal(violations(f), 0); /* both the hardware domain's */
	map(f, tables, 0x10000, there, PAGE, RW);
	attach(f, A, IOMMU_SPACE, tables);
	assign(one, A);
	assert_int_equal(dma(f, A, 0x10000, 1), 0);
	assert_violation(f, "a BAR of domain 0 by a device of domain 1");
}

static void test_a_removed_one_must_be_quiet_or_refused(void **state)
{
	uint64_t hardware = ram(f, DOMID_HARDWARE, 1);

	(void)state;
	fault_on(f, A, FABRIC_KEEPS_DMA, 0);
	attach(f, A, IOMMU_BLOCKED, NULL);
	assert_int_equal(pci_remove_device(at(A), 0, PLAT_NSEC_PER_SEC, NULL),
			 0);
	assert_int_equal(dma(f, A, hardware, 1), -EFAULT);
	assert_int_equal(violations(f), 0);
	attach(f, A, IOMMU_IDENTITY, NULL);
	assert_int_equal(dma(f, A, hardware, 1), 0);
	assert_violation(f, "DMA after a removal succeeded");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_reaches_what_is_its_owners_is_right),
		TEST(test_memory_of_nobody),
		TEST(test_memory_that_somebody_else_has_by_now),
		TEST(test_a_device_that_has_left_its_guest),
		TEST(test_a_guests_device_in_memory_as_it_is),
		TEST(test_on_its_way_it_may_reach_what_it_had),
		TEST(test_at_rest_in_quarantine_it_may_not),
		TEST(test_a_bar_of_somebody_elses_device),
		TEST(test_a_removed_one_must_be_quiet_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
