/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The witness sees what was done, and what should not have been.
 */
#include <string.h>

#include "support.h"

static const pci_sbdf_t disk = { .bus = 1 };

static struct fabric_counts counts(struct fabric *f, pci_sbdf_t sbdf)
{
	struct fabric_counts c = { 0 };
	pci_sbdf_t where = sbdf;

	if (fabric_witness_next(f, &where, &c) || where.sbdf != sbdf.sbdf)
		return (struct fabric_counts){ 0 };
	return c;
}

/* As a removal that did its work. */
static void remove_quietly(struct fabric *f, pci_sbdf_t sbdf)
{
	core_adding(f, sbdf);
	wr(f, sbdf, PCI_COMMAND, 2, 0);
	core_removed(f, sbdf);
}

static void test_accesses_are_counted_by_address(void **state)
{
	struct fabric *f = open_spec("server");
	struct fabric_witness w;

	(void)state;
	rd(f, disk, 0, 4);
	rd(f, disk, 8, 4);
	wr(f, disk, PCI_INTERRUPT_LINE, 1, 1);
	rd(f, at("0000:01:00.1"), 0, 4);
	rd(f, at("0001:00:00.0"), 0, 4);
	assert_int_equal(counts(f, disk).reads, 2);
	assert_int_equal(counts(f, disk).writes, 1);
	fabric_witness(f, &w);
	assert_int_equal(w.total.reads, 3);
	assert_int_equal(w.total.writes, 1);
	assert_int_equal(w.absent, 1);
	assert_int_equal(w.violations, 0);
	assert_false(w.total.promised);
	fabric_close(f);
}

static void test_an_access_after_a_removal_is_a_violation(void **state)
{
	struct fabric *f = open_spec("server");
	struct fabric_witness w;

	(void)state;
	remove_quietly(f, disk);
	assert_int_equal(violations(f), 0);
	rd(f, disk, 0, 2);
	wr(f, disk, PCI_COMMAND, 2, 0);
	fabric_witness(f, &w);
	assert_int_equal(w.violations, 2);
	assert_int_equal(w.total.after_success, 2);
	assert_int_equal(w.listed, 2);
	assert_int_equal(w.list[0].sbdf.sbdf, disk.sbdf);
	assert_non_null(strstr(w.list[0].text, "config read"));
	assert_non_null(strstr(w.list[1].text, "config write"));
	rd(f, at("0000:02:00.0"), 0, 2); /* others are free */
	assert_int_equal(violations(f), 2);
	fabric_close(f);
}

static void test_scanning_an_empty_place_is_none(void **state)
{
	struct fabric *f = open_spec("server");

	(void)state;
	remove_quietly(f, disk);
	assert_int_equal(fabric_unplug(f, disk, NULL), 0);
	rd(f, disk, 0, 4);
	assert_int_equal(violations(f), 0);
	wr(f, disk, PCI_COMMAND, 2, 0); /* nobody scans by writing */
	assert_int_equal(violations(f), 1);
	fabric_close(f);
}

static void test_only_adding_takes_the_promise_back(void **state)
{
	struct fabric *f = open_spec("server");
	char why[256];

	(void)state;
	remove_quietly(f, disk);
	assert_int_equal(fabric_unplug(f, disk, NULL), 0);
	assert_int_equal(fabric_plug(f, disk, "nvme", why, sizeof(why)), 0);
	assert_true(counts(f, disk).promised);
	rd(f, disk, 0, 4);
	assert_int_equal(violations(f), 1);
	core_adding(f, disk);
	rd(f, disk, 0, 4);
	assert_int_equal(violations(f), 1);
	assert_false(counts(f, disk).promised);
	fabric_close(f);
}

static void test_the_end_of_a_probe_promises_no_quiet(void **state)
{
	struct fabric *f = open_spec("server");

	(void)state; /* nobody registered it: bus mastering is firmware's */
	core_adding(f, disk);
	core_removed(f, disk);
	assert_int_equal(violations(f), 0);
	rd(f, disk, 0, 4);
	assert_int_equal(violations(f), 1);
	fabric_close(f);
}

static void test_dma_needs_bus_mastering_and_is_watched(void **state)
{
	struct fabric *f = open_spec("server");

	(void)state;
	assert_int_equal(fabric_dma(f, disk), 0);
	assert_int_equal(counts(f, disk).dma, 1);
	wr(f, disk, PCI_COMMAND, 2, 0);
	assert_int_equal(fabric_dma(f, disk), -EPERM);
	assert_int_equal(counts(f, disk).dma, 1);
	assert_int_equal(fabric_dma(f, at("0000:01:00.1")), -ENODEV);
	core_removed(f, disk);
	wr(f, disk, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(fabric_dma(f, disk), 0);
	assert_int_equal(counts(f, disk).after_success, 2);
	fabric_close(f);
}

static void test_memory_is_watched_as_the_core_reaches_it(void **state)
{
	struct fabric *f = open_spec("server");
	struct pci_host *host = fabric_host(f);
	uint64_t base, val;

	(void)state;
	base = rd(f, disk, PCI_BASE_ADDRESS_0, 4) & ~15u;
	base |= (uint64_t)rd(f, disk, PCI_BASE_ADDRESS_1, 4) << 32;
	assert_int_equal(host->ops->mem_write(host, base, 4, 0x11223344), 0);
	assert_int_equal(host->ops->mem_read(host, base + 2, 1, &val), 0);
	assert_int_equal(val, 0x22);
	assert_int_equal(counts(f, disk).memory, 2);
	assert_int_equal(host->ops->mem_read(host, 0x1000, 2, &val), 0);
	assert_int_equal(val, 0xffff); /* nobody there */
	assert_int_equal(host->ops->mem_write(host, 0x1000, 2, 0), 0);
	core_removed(f, disk);
	assert_int_equal(violations(f), 0);
	assert_int_equal(host->ops->mem_read(host, base, 8, &val), 0);
	assert_int_equal(host->ops->mem_write(host, base, 4, 0), 0);
	assert_int_equal(violations(f), 2);
	assert_int_equal(counts(f, disk).after_success, 2);
	fabric_close(f);
}

static void test_interrupts_obey_their_masks(void **state)
{
	struct fabric *f = open_spec("server");
	unsigned int msix = cap(f, disk, PCI_CAP_ID_MSIX);
	uint64_t table;

	(void)state;
	table = (rd(f, disk, PCI_BASE_ADDRESS_0, 4) & ~15u) + 0x2000;
	assert_int_equal(fabric_interrupt(f, disk, 0), 0); /* INTx */
	wr(f, disk, PCI_COMMAND, 2,
	   PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(fabric_interrupt(f, disk, 0), -EPERM);
	wr(f, disk, msix + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(fabric_interrupt(f, disk, 3), -EPERM); /* masked */
	assert_int_equal(fabric_mem_write(f,
					  table + 3 * PCI_MSIX_ENTRY_SIZE +
						  PCI_MSIX_ENTRY_VECTOR_CTRL,
					  4, 0),
			 0);
	assert_int_equal(fabric_interrupt(f, disk, 3), 0);
	assert_int_equal(fabric_interrupt(f, disk, 129), -EPERM);
	wr(f, disk, msix + PCI_MSIX_FLAGS, 2,
	   PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	assert_int_equal(fabric_interrupt(f, disk, 3), -EPERM);
	/* INTx; vector 3 twice: the pending one was sent when unmasked */
	assert_int_equal(counts(f, disk).interrupts, 3);
	fabric_close(f);
}

static void test_msi_obeys_size_and_mask(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t nic = at("0000:03:00.0");
	unsigned int msi = cap(f, nic, PCI_CAP_ID_MSI);

	(void)state;
	wr(f, nic, msi + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	assert_int_equal(fabric_interrupt(f, nic, 0), 0);
	assert_int_equal(fabric_interrupt(f, nic, 1), -EPERM);
	wr(f, nic, msi + PCI_MSI_MASK_64, 4, 1);
	assert_int_equal(fabric_interrupt(f, nic, 0), -EPERM);
	fabric_close(f);
}

static void test_the_list_is_bounded_the_count_is_not(void **state)
{
	struct fabric *f = open_spec("server");
	struct fabric_witness w;

	(void)state;
	for (unsigned int i = 0; i < FABRIC_MAX_VIOLATIONS + 5; i++)
		fabric_violation(f, disk, "number %u", i);
	fabric_witness(f, &w);
	assert_int_equal(w.violations, FABRIC_MAX_VIOLATIONS + 5);
	assert_int_equal(w.listed, FABRIC_MAX_VIOLATIONS);
	assert_string_equal(w.list[0].text, "number 0");
	fabric_close(f);
}

static void test_the_epoch_tells_of_changes(void **state)
{
	struct fabric *f = open_spec("server");
	uint64_t epoch = fabric_epoch(f);

	(void)state;
	wr(f, disk, PCI_INTERRUPT_LINE, 1, 1);
	rd(f, disk, 0, 4);
	assert_int_equal(fabric_epoch(f), epoch);
	assert_int_equal(fabric_surprise(f, disk), 0);
	assert_int_not_equal(fabric_epoch(f), epoch);
	fabric_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accesses_are_counted_by_address),
		cmocka_unit_test(test_an_access_after_a_removal_is_a_violation),
		cmocka_unit_test(test_scanning_an_empty_place_is_none),
		cmocka_unit_test(test_only_adding_takes_the_promise_back),
		cmocka_unit_test(test_the_end_of_a_probe_promises_no_quiet),
		cmocka_unit_test(test_dma_needs_bus_mastering_and_is_watched),
		cmocka_unit_test(test_memory_is_watched_as_the_core_reaches_it),
		cmocka_unit_test(test_interrupts_obey_their_masks),
		cmocka_unit_test(test_msi_obeys_size_and_mask),
		cmocka_unit_test(test_the_list_is_bounded_the_count_is_not),
		cmocka_unit_test(test_the_epoch_tells_of_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
