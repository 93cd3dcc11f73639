/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU: contexts, tables, what is remembered of them and for how long.
 */
#include <string.h>

#include "above.h"

#define A "0000:03:00.0"
#define B "0000:04:00.0"
#define OTHER "0001:01:00.0" /* of another segment */
#define PF "0000:14:00.0"
#define RW (IOMMU_READ | IOMMU_WRITE)
#define DMA 0x40000000ull

static const struct iommu_ops *ops(struct fabric *f)
{
	return fabric_host(f)->iommu;
}

/* A's requests go to one page of domain 1 at DMA. */
static uint64_t give(struct fabric *f, struct iommu_space **s)
{
	uint64_t hpa = ram(f, 1, 1);

	*s = space(f, 1);
	map(f, *s, DMA, hpa, PAGE, RW);
	attach(f, A, IOMMU_SPACE, *s);
	return hpa;
}

static void assert_fault(enum iommu_fault_reason reason)
{
	assert_int_equal(hf_load_relaxed(&above.faults), 1);
	assert_int_equal(above.fault.reason, reason);
	hf_store_relaxed(&above.faults, 0);
}

static void ats_on(struct fabric *f, const char *device)
{
	unsigned int pos = ext(f, at(device), PCI_EXT_CAP_ID_ATS);

	assert_int_equal(ops(f)->ats(fabric_host(f), at(device), true), 0);
	wr(f, at(device), pos + PCI_ATS_CTRL, 2, PCI_ATS_CTRL_ENABLE);
}

/* --- contexts ------------------------------------------------------------- */

static void test_the_unit_is_off_until_somebody_attaches(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 1);

	(void)state;
	assert_int_equal(fabric_context(f, at(A), NULL), IOMMU_IDENTITY);
	assert_int_equal(dma(f, A, hpa, 1), 0);
	attach(f, B, IOMMU_IDENTITY, NULL);
	assert_int_equal(dma(f, A, hpa, 2), -EFAULT);
	assert_fault(IOMMU_FAULT_BLOCKED);
	assert_int_equal(dma(f, B, hpa, 3), 0);
	assert_int_equal(dma(f, OTHER, hpa, 4), 0); /* its own unit is off */
	assert_int_equal(word(f, hpa), 4);
	fabric_close(f);
}

static void test_each_mode_leads_elsewhere(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;
	uint64_t hpa = give(f, &s), other = ram(f, 0, 1);
	unsigned int domid;
	uint32_t val = 0;

	(void)state;
	assert_int_equal(dma(f, A, DMA + 4, 0x11), 0);
	assert_int_equal(word(f, hpa + 4), 0x11);
	assert_int_equal(fabric_context(f, at(A), &domid), IOMMU_SPACE);
	assert_int_equal(domid, 1);
	attach(f, A, IOMMU_IDENTITY, NULL);
	flush_context(f, A);
	assert_int_equal(dma(f, A, other, 0x22), 0);
	assert_int_equal(word(f, other), 0x22);
	attach(f, A, IOMMU_SCRATCH, NULL);
	flush_context(f, A);
	assert_int_equal(dma(f, A, other, 0x33), 0);
	assert_int_equal(word(f, other), 0x22);
	assert_int_equal(fabric_dma_read(f, at(A), 0xabc000, &val, 4), 0);
	assert_int_equal(val, 0x33); /* one page, at every address */
	attach(f, A, IOMMU_BLOCKED, NULL);
	flush_context(f, A);
	assert_int_equal(dma(f, A, other, 0x44), -EFAULT);
	assert_fault(IOMMU_FAULT_BLOCKED);
	assert_int_equal(violations(f), 0);
	fabric_close(f);
}

static void test_a_context_is_remembered_until_flushed(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;
	uint64_t hpa = give(f, &s);

	(void)state;
	assert_int_equal(dma(f, A, DMA, 1), 0);
	attach(f, A, IOMMU_BLOCKED, NULL);
	assert_int_equal(unit_of(f).contexts, 0);
	assert_int_equal(dma(f, A, DMA, 2), 0); /* nobody told the unit */
	assert_int_equal(word(f, hpa), 2);
	flush_range(f, s, 0, UINT64_MAX); /* not what it needs to forget */
	assert_int_equal(dma(f, A, DMA, 3), 0);
	flush_context(f, B);
	assert_int_equal(dma(f, A, DMA, 4), 0);
	assert_int_equal(done(f, flush_context(f, A)), 0);
	assert_int_equal(dma(f, A, DMA, 5), -EFAULT);
	assert_int_equal(word(f, hpa), 4);
	/* what is not there is not remembered */
	attach(f, A, IOMMU_SPACE, s);
	assert_int_equal(dma(f, A, DMA, 6), 0);
	fabric_close(f);
}

/* --- tables --------------------------------------------------------------- */

static void test_rights_and_holes_are_told_apart(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;
	uint64_t hpa = give(f, &s);
	uint32_t val = 0;

	(void)state;
	map(f, s, DMA + PAGE, hpa, PAGE, IOMMU_READ);
	map(f, s, DMA + 2 * PAGE, hpa, PAGE, IOMMU_WRITE);
	assert_int_equal(dma(f, A, DMA + PAGE, 1), -EFAULT);
	assert_fault(IOMMU_FAULT_WRITE);
	assert_int_equal(fabric_dma_read(f, at(A), DMA + PAGE, &val, 4), 0);
	assert_int_equal(dma(f, A, DMA + 2 * PAGE, 1), 0);
	assert_int_equal(fabric_dma_read(f, at(A), DMA + 2 * PAGE, &val, 4),
			 -EFAULT);
	assert_fault(IOMMU_FAULT_READ);
	assert_int_equal(val, UINT32_MAX);
	assert_int_equal(dma(f, A, DMA + 3 * PAGE, 1), -EFAULT);
	assert_fault(IOMMU_FAULT_WRITE);
	assert_int_equal(above.fault.rid.sbdf, at(A).sbdf);
	assert_true(above.fault.address == DMA + 3 * PAGE);
	fabric_close(f);
}

static void test_a_translation_is_remembered_until_flushed(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;
	uint64_t hpa = give(f, &s);

	(void)state;
	assert_int_equal(dma(f, A, DMA, 1), 0);
	assert_int_equal(unit_of(f).cached, 1);
	unmap(f, s, DMA, PAGE);
	assert_int_equal(unit_of(f).pages, 0);
	assert_int_equal(dma(f, A, DMA, 2), 0);
	flush_range(f, s, DMA + PAGE, PAGE); /* another one */
	assert_int_equal(dma(f, A, DMA, 3), 0);
	assert_int_equal(word(f, hpa), 3);
	flush_range(f, s, DMA, PAGE);
	assert_int_equal(unit_of(f).cached, 0);
	assert_int_equal(dma(f, A, DMA, 4), -EFAULT);
	fabric_close(f);
}

static void test_a_new_mapping_is_seen_without_a_flush(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;
	uint64_t hpa = give(f, &s);

	(void)state;
	assert_int_equal(dma(f, A, DMA + PAGE, 1), -EFAULT);
	map(f, s, DMA + PAGE, hpa, PAGE, RW);
	assert_int_equal(dma(f, A, DMA + PAGE, 1), 0);
	fabric_close(f);
}

static void test_any_part_of_a_mapping_can_be_unmapped(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s = space(f, 1);
	uint64_t hpa = ram(f, 1, 8);

	(void)state;
	attach(f, A, IOMMU_SPACE, s);
	map(f, s, DMA, hpa, 8 * PAGE, RW);
	unmap(f, s, DMA + 3 * PAGE, 2 * PAGE);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(dma(f, A, DMA + i * PAGE, i),
				 i == 3 || i == 4 ? -EFAULT : 0);
	assert_int_equal(unit_of(f).pages, 6);
	unmap(f, s, DMA, 8 * PAGE);
	assert_int_equal(unit_of(f).pages, 0);
	fabric_close(f);
}

static void test_addresses_use_all_64_bits(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;
	uint64_t hpa = give(f, &s), top = UINT64_MAX - PAGE + 1;

	(void)state;
	map(f, s, top, hpa, PAGE, RW);
	map(f, s, 1ull << 48, hpa, PAGE, RW);
	assert_int_equal(dma(f, A, UINT64_MAX - 3, 0x5a), 0);
	assert_int_equal(word(f, hpa + PAGE - 4), 0x5a);
	assert_int_equal(dma(f, A, UINT64_MAX - 2, 1), -EINVAL);
	assert_int_equal(dma(f, A, 1ull << 48, 2), 0);
	assert_int_equal(dma(f, A, 1ull << 49, 2), -EFAULT);
	flush_range(f, s, top, PAGE);
	unmap(f, s, top, PAGE);
	assert_int_equal(dma(f, A, top, 1), -EFAULT);
	fabric_close(f);
}

static void test_too_much_is_not_mapped_at_all(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s = space(f, 1);

	(void)state;
	assert_int_equal(ops(f)->map(fabric_host(f), s, 0, 0, 1ull << 44, RW),
			 -ENOMEM);
	assert_int_equal(unit_of(f).pages, 0);
	fabric_close(f);
}

static void test_two_domains_do_not_meet(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s, *t = space(f, 2);
	uint64_t hpa = give(f, &s), other = ram(f, 2, 1);

	(void)state;
	map(f, t, DMA, other, PAGE, RW);
	attach(f, B, IOMMU_SPACE, t);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	assert_int_equal(dma(f, B, DMA, 2), 0);
	assert_int_equal(word(f, hpa), 1);
	assert_int_equal(word(f, other), 2);
	assert_int_equal(unit_of(f).spaces, 2);
	assert_int_equal(unit_of(f).contexts, 2);
	fabric_close(f);
}

static void test_tables_are_not_destroyed_in_use(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;

	(void)state;
	give(f, &s);
	destroy(f, s);
	assert_violation(f, "are gone, and 1 requesters use them");
	assert_int_equal(dma(f, A, DMA, 1), -EFAULT);
	assert_int_equal(unit_of(f).spaces, 0);
	attach(f, A, IOMMU_BLOCKED, NULL);
	fabric_close(f);
}

/* --- flushes -------------------------------------------------------------- */

static void test_a_late_flush_lets_old_translations_live(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;
	uint64_t hpa = give(f, &s), ticket, later;

	(void)state;
	fabric_flush_delay(f, PLAT_FOREVER);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	unmap(f, s, DMA, PAGE);
	ticket = flush_range(f, s, DMA, PAGE);
	later = flush_context(f, A);
	assert_int_equal(done(f, ticket), -EINPROGRESS);
	assert_int_equal(unit_of(f).flushes, 2);
	assert_int_equal(dma(f, A, DMA, 2), 0);
	assert_int_equal(word(f, hpa), 2);
	fabric_flush_finish(f);
	assert_int_equal(done(f, ticket), 0);
	assert_int_equal(done(f, later), 0);
	assert_int_equal(dma(f, A, DMA, 3), -EFAULT);
	fabric_flush_delay(f, 0);
	assert_int_equal(done(f, flush_context(f, A)), 0);
	assert_int_equal(done(f, ticket), 0); /* what is over stays over */
	fabric_close(f);
}

static void test_a_flush_is_over_when_its_time_is(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;
	uint64_t ticket, since = plat_now();

	(void)state;
	give(f, &s);
	fabric_flush_delay(f, 2 * PLAT_NSEC_PER_MSEC);
	ticket = flush_context(f, A);
	while (done(f, ticket) == -EINPROGRESS)
		;
	assert_int_equal(done(f, ticket), 0);
	assert_true(plat_now() - since >= 2 * PLAT_NSEC_PER_MSEC);
	fabric_close(f);
}

static void test_the_queue_has_a_depth(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_flush what = { .kind = IOMMU_FLUSH_CONTEXT,
				    .sbdf = at(A) };
	uint64_t ticket, first;

	(void)state;
	fabric_flush_delay(f, PLAT_FOREVER);
	fabric_flush_depth(f, 2);
	first = flush_context(f, A);
	flush_context(f, A);
	assert_int_equal(ops(f)->flush(fabric_host(f), &what, &ticket), -EBUSY);
	fabric_flush_finish(f);
	assert_true(flush_context(f, A) > first);
	fabric_close(f);
}

static void test_unknown_tickets_are_errors(void **state)
{
	struct fabric *f = above_open("lab");

	(void)state;
	assert_int_equal(done(f, 0), -EIO);
	assert_int_equal(done(f, 1), -EIO);
	assert_int_equal(done(f, flush_context(f, A)), 0);
	assert_int_equal(done(f, UINT64_MAX), -EIO);
	fabric_close(f);
}

/* --- ATS ------------------------------------------------------------------ */

static void test_a_device_remembers_until_told(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;
	uint64_t hpa = give(f, &s);

	(void)state;
	ats_on(f, A);
	assert_int_equal(unit_of(f).ats, 1);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	assert_int_equal(unit_of(f).cached, 2); /* by the unit, and by it */
	unmap(f, s, DMA, PAGE);
	attach(f, A, IOMMU_BLOCKED, NULL);
	flush_range(f, s, DMA, PAGE);
	flush_context(f, A);
	assert_int_equal(dma(f, A, DMA, 2), 0); /* it has not been told */
	assert_int_equal(word(f, hpa), 2);
	assert_int_equal(done(f, flush_ats(f, A)), 0);
	assert_int_equal(dma(f, A, DMA, 3), -EFAULT);
	assert_fault(IOMMU_FAULT_BLOCKED);
	fabric_close(f);
}

static void test_what_it_says_is_believed_while_ats_is_on(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;

	(void)state;
	give(f, &s);
	ats_on(f, A);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	assert_int_equal(ops(f)->ats(fabric_host(f), at(A), false), 0);
	assert_int_equal(dma(f, A, DMA, 2), -EFAULT);
	assert_fault(IOMMU_FAULT_ATS);
	assert_int_equal(unit_of(f).ats, 0);
	flush_ats(f, A);
	assert_int_equal(dma(f, A, DMA, 3), 0); /* it asks, and is not told */
	assert_int_equal(unit_of(f).cached, 1);
	fabric_close(f);
}

static void test_switching_ats_off_in_the_device_forgets(void **state)
{
	struct fabric *f = above_open("lab");
	unsigned int pos;
	struct iommu_space *s;

	(void)state;
	give(f, &s);
	ats_on(f, A);
	pos = ext(f, at(A), PCI_EXT_CAP_ID_ATS);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	wr(f, at(A), pos + PCI_ATS_CTRL, 2, 0);
	assert_int_equal(unit_of(f).cached, 1);
	unmap(f, s, DMA, PAGE);
	flush_range(f, s, DMA, PAGE);
	assert_int_equal(dma(f, A, DMA, 2), -EFAULT);
	fabric_close(f);
}

static void test_rights_in_the_device_are_the_tables_rights(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;
	uint64_t hpa = give(f, &s);
	uint32_t val;

	(void)state;
	map(f, s, DMA + PAGE, hpa, PAGE, IOMMU_READ);
	ats_on(f, A);
	assert_int_equal(fabric_dma_read(f, at(A), DMA + PAGE, &val, 4), 0);
	assert_int_equal(dma(f, A, DMA + PAGE, 1), -EFAULT);
	assert_fault(IOMMU_FAULT_WRITE);
	fabric_close(f);
}

static void test_who_does_not_answer_is_waited_for_in_vain(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;
	uint64_t ticket, hpa = give(f, &s);

	(void)state;
	ats_on(f, A);
	fault_on(f, A, FABRIC_SILENT, 0);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	unmap(f, s, DMA, PAGE);
	flush_range(f, s, DMA, PAGE);
	ticket = flush_ats(f, A);
	assert_int_equal(done(f, ticket), -EINPROGRESS);
	assert_int_equal(dma(f, A, DMA, 2), 0);
	assert_int_equal(word(f, hpa), 2);
	/* it takes no room, and keeps nobody else */
	fabric_flush_depth(f, 1);
	assert_int_equal(done(f, flush_context(f, A)), 0);
	/* late, but it answers */
	fabric_flush_finish(f);
	assert_int_equal(done(f, ticket), 0);
	assert_int_equal(dma(f, A, DMA, 3), -EFAULT);
	/* nor do those who are gone, or dead */
	assert_int_equal(fabric_fault_clear(f, at(A)), 0);
	fault_on(f, A, FABRIC_ALL_ONES, 0);
	assert_int_equal(done(f, flush_ats(f, A)), -EINPROGRESS);
	assert_int_equal(fabric_surprise(f, at(A)), 0);
	assert_int_equal(done(f, flush_ats(f, A)), -EINPROGRESS);
	fabric_flush_finish(f);
	fabric_close(f);
}

static void test_there_is_no_ats_without_tables(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 1);

	(void)state;
	attach(f, A, IOMMU_IDENTITY, NULL);
	ats_on(f, A);
	assert_int_equal(dma(f, A, hpa, 1), 0);
	assert_int_equal(unit_of(f).cached, 0);
	fabric_close(f);
}

/* --- failures on demand --------------------------------------------------- */

static void test_calls_fail_when_told_and_change_nothing(void **state)
{
	struct fabric *f = above_open("lab");
	struct pci_host *host = fabric_host(f);
	struct iommu_space *s, *none;
	uint64_t hpa = give(f, &s), ticket;
	struct iommu_flush what = { .kind = IOMMU_FLUSH_CONTEXT,
				    .sbdf = at(A) };

	(void)state;
	fabric_fail(f, FABRIC_CALL_SPACE_CREATE, 1);
	assert_int_equal(ops(f)->space_create(host, 2, &none), -ENOMEM);
	assert_int_equal(unit_of(f).spaces, 1);
	fabric_fail(f, FABRIC_CALL_MAP, 2);
	map(f, s, 0x1000, hpa, PAGE, RW);
	assert_int_equal(ops(f)->map(host, s, 0x2000, hpa, PAGE, RW), -ENOMEM);
	map(f, s, 0x2000, hpa, PAGE, RW); /* once */
	fabric_fail(f, FABRIC_CALL_ATTACH, 1);
	attach(f, B, IOMMU_BLOCKED, NULL); /* does not count */
	assert_int_equal(ops(f)->attach(host, at(A), IOMMU_IDENTITY, NULL),
			 -EIO);
	assert_int_equal(fabric_context(f, at(A), NULL), IOMMU_SPACE);
	fabric_fail(f, FABRIC_CALL_FLUSH, 1);
	assert_int_equal(ops(f)->flush(host, &what, &ticket), -EIO);
	ticket = flush_context(f, A);
	fabric_fail(f, FABRIC_CALL_FLUSH_DONE, 1);
	assert_int_equal(done(f, ticket), -EIO);
	assert_int_equal(done(f, ticket), -EIO); /* for ever */
	assert_int_equal(done(f, flush_context(f, A)), 0);
	fabric_fail(f, FABRIC_CALL_ATS, 1);
	assert_int_equal(ops(f)->ats(host, at(A), false), 0);
	assert_int_equal(ops(f)->ats(host, at(A), true), -ENOMEM);
	assert_int_equal(unit_of(f).ats, 0);
	assert_int_equal(unit_of(f).calls[FABRIC_CALL_MAP], 4);
	assert_int_equal(unit_of(f).calls[FABRIC_CALL_FLUSH], 3);
	fabric_close(f);
}

static void test_a_flush_that_failed_has_dropped_nothing(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s;
	uint64_t ticket;

	(void)state;
	give(f, &s);
	assert_int_equal(dma(f, A, DMA, 1), 0);
	unmap(f, s, DMA, PAGE);
	fabric_flush_delay(f, PLAT_FOREVER);
	ticket = flush_range(f, s, DMA, PAGE);
	fabric_fail(f, FABRIC_CALL_FLUSH_DONE, 1);
	assert_int_equal(done(f, ticket), -EIO);
	fabric_flush_finish(f);
	assert_int_equal(dma(f, A, DMA, 2), 0);
	assert_int_equal(done(f, ticket), -EIO);
	fabric_close(f);
}

/* --- what firmware says, and the rest -------------------------------------- */

static void test_reserved_regions_come_from_the_file(void **state)
{
	struct fabric *f = above_open("lab");
	pci_sbdf_t sbdf = at("0000:13:00.0");
	struct iommu_region r;

	(void)state;
	assert_int_equal(ops(f)->reserved(fabric_host(f), sbdf, 0, &r), 0);
	assert_true(r.start == 0x7f000000 && r.size == 65536);
	assert_int_equal(r.kind, IOMMU_REGION_DIRECT);
	assert_int_equal(ops(f)->reserved(fabric_host(f), sbdf, 1, &r), 0);
	assert_int_equal(r.kind, IOMMU_REGION_RESERVED);
	assert_int_equal(ops(f)->reserved(fabric_host(f), sbdf, 2, &r),
			 -ENOENT);
	assert_int_equal(ops(f)->reserved(fabric_host(f), at(A), 0, &r),
			 -ENOENT);
	fabric_close(f);
}

static void test_two_that_the_unit_does_not_tell_apart(void **state)
{
	struct fabric *f = above_open("lab");
	pci_sbdf_t a = at("0000:00:0a.0"), b = at("0000:00:0b.0"), with;

	(void)state;
	assert_false(ops(f)->tells_apart(fabric_host(f), a, &with));
	assert_int_equal(with.sbdf, b.sbdf);
	assert_false(ops(f)->tells_apart(fabric_host(f), b, &with));
	assert_int_equal(with.sbdf, a.sbdf);
	assert_true(ops(f)->tells_apart(fabric_host(f), at(A), &with));
	assert_true(
		ops(f)->tells_apart(fabric_host(f), at("0000:14:00.1"), &with));
	assert_true(
		ops(f)->tells_apart(fabric_host(f), at("0005:00:00.0"), &with));
	fabric_close(f);
}

static void count_work(void *data)
{
	++*(unsigned int *)data;
}

static void test_work_is_announced_when_the_core_has_some(void **state)
{
	struct fabric *f = above_open("lab");
	unsigned int n = 0;

	(void)state;
	attach(f, A, IOMMU_BLOCKED, NULL);
	fabric_on_work(f, count_work, &n);
	assert_int_equal(dma(f, A, 0, 1), -EFAULT);
	assert_int_equal(n, 0);
	above.wants_work = true;
	assert_int_equal(dma(f, A, 0, 1), -EFAULT);
	assert_int_equal(n, 1);
	fabric_close(f);
}

static void test_segments_that_are_not_there(void **state)
{
	struct fabric *f = above_open("lab");
	pci_sbdf_t nowhere = at("0009:00:00.0");

	(void)state;
	assert_int_equal(ops(f)->attach(fabric_host(f), nowhere, IOMMU_IDENTITY,
					NULL),
			 -EIO);
	attach(f, "0009:00:00.0", IOMMU_BLOCKED, NULL);
	assert_int_equal(ops(f)->ats(fabric_host(f), nowhere, true),
			 -EOPNOTSUPP);
	assert_int_equal(ops(f)->ats(fabric_host(f), nowhere, false), 0);
	assert_int_equal(done(f, flush_context(f, "0009:00:00.0")), 0);
	assert_int_equal(fabric_context(f, nowhere, NULL), IOMMU_BLOCKED);
	fabric_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_unit_is_off_until_somebody_attaches),
		cmocka_unit_test(test_each_mode_leads_elsewhere),
		cmocka_unit_test(test_a_context_is_remembered_until_flushed),
		cmocka_unit_test(test_rights_and_holes_are_told_apart),
		cmocka_unit_test(
			test_a_translation_is_remembered_until_flushed),
		cmocka_unit_test(test_a_new_mapping_is_seen_without_a_flush),
		cmocka_unit_test(test_any_part_of_a_mapping_can_be_unmapped),
		cmocka_unit_test(test_addresses_use_all_64_bits),
		cmocka_unit_test(test_too_much_is_not_mapped_at_all),
		cmocka_unit_test(test_two_domains_do_not_meet),
		cmocka_unit_test(test_tables_are_not_destroyed_in_use),
		cmocka_unit_test(test_a_late_flush_lets_old_translations_live),
		cmocka_unit_test(test_a_flush_is_over_when_its_time_is),
		cmocka_unit_test(test_the_queue_has_a_depth),
		cmocka_unit_test(test_unknown_tickets_are_errors),
		cmocka_unit_test(test_a_device_remembers_until_told),
		cmocka_unit_test(test_what_it_says_is_believed_while_ats_is_on),
		cmocka_unit_test(test_switching_ats_off_in_the_device_forgets),
		cmocka_unit_test(
			test_rights_in_the_device_are_the_tables_rights),
		cmocka_unit_test(
			test_who_does_not_answer_is_waited_for_in_vain),
		cmocka_unit_test(test_there_is_no_ats_without_tables),
		cmocka_unit_test(test_calls_fail_when_told_and_change_nothing),
		cmocka_unit_test(test_a_flush_that_failed_has_dropped_nothing),
		cmocka_unit_test(test_reserved_regions_come_from_the_file),
		cmocka_unit_test(test_two_that_the_unit_does_not_tell_apart),
		cmocka_unit_test(test_work_is_announced_when_the_core_has_some),
		cmocka_unit_test(test_segments_that_are_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
