/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables for devices, read back by a walk of their own (Arm ARM D8.3). */
#include "dma_tables.h"
#include "lab.h"

#define RW (IOMMU_READ | IOMMU_WRITE)

/* The descriptor of @dma and the size it maps; 0: none. */
static uint64_t walk(const struct dma_tables *t, uint64_t dma, uint64_t *size)
{
	unsigned int shift = t->level ? 30 : 39;
	const dma_desc_t *table = t->root;
	uint64_t desc;

	for (desc = table[dma >> shift];; desc = table[dma >> shift & 511]) {
		if (!(desc & 1))
			return 0;
		if (shift == 12 || !(desc & 2))
			break;
		table = (dma_desc_t *)(uintptr_t)(desc & 0xfffffffff000);
		shift -= 9;
	}
	assert_true(shift != 12 || desc & 2);
	*size = UINT64_C(1) << shift;
	return desc;
}

/* Where @dma leads; 0: nowhere. */
static uint64_t leads(const struct dma_tables *t, uint64_t dma)
{
	uint64_t size, desc = walk(t, dma, &size);

	return desc ? (desc & 0xfffffffff000 & ~(size - 1)) | (dma & (size - 1))
		    : 0;
}

static size_t before;

static void make(struct dma_tables *t, bool stage2, unsigned int oas)
{
	before = lab_used();
	assert_int_equal(dma_tables_init(t, stage2, oas), 0);
}

static void drop(struct dma_tables *t)
{
	dma_tables_free(t);
	assert_int_equal(lab_used(), before);
}

static void test_each_address_size_reaches_its_last_page(void **state)
{
	static const unsigned int oas[] = { 32, 36, 40, 42, 44, 48 };
	struct dma_tables t;
	unsigned int i, stage;

	(void)state;
	for (stage = 1; stage <= 2; stage++)
		for (i = 0; i < ARRAY_SIZE(oas); i++) {
			uint64_t hpa = (UINT64_C(1) << oas[i]) - 4096;
			uint64_t last;

			make(&t, stage == 2, oas[i]);
			last = (UINT64_C(1) << t.bits) - 4096;
			assert_int_equal(t.bits, stage == 2 ? oas[i] : 48);
			assert_int_equal(
				dma_tables_map(&t, last, hpa, 4096, RW), 0);
			assert_int_equal(leads(&t, last + 5), hpa + 5);
			assert_int_equal(leads(&t, last - 1), 0);
			assert_int_equal(dma_tables_map(&t, last, hpa, 8192,
							RW),
					 -ENOMEM);
			assert_int_equal(dma_tables_map(&t, 0, hpa, 8192, RW),
					 -ENOMEM);
			drop(&t);
		}
}

static void test_blocks_are_as_large_as_they_fit(void **state)
{
	/* A page, blocks of 2 MiB, one of 1 GiB, and back. */
	const uint64_t start = GIB - 2 * MIB - 4096;
	const uint64_t size = 4096 + 2 * MIB + GIB + 2 * MIB + 8192;
	uint64_t covers, at;
	struct dma_tables t;

	(void)state;
	make(&t, true, 40);
	assert_int_equal(
		dma_tables_map(&t, start, start, size, RW | DMA_BLOCKS), 0);
	for (at = start; at < start + size; at += 4096)
		assert_int_equal(leads(&t, at), at);
	assert_int_equal(leads(&t, start - 1), 0);
	assert_int_equal(leads(&t, start + size), 0);
	assert_true(walk(&t, start, &covers));
	assert_int_equal(covers, 4096);
	assert_true(walk(&t, start + 4096, &covers));
	assert_int_equal(covers, 2 * MIB);
	assert_true(walk(&t, GIB, &covers));
	assert_int_equal(covers, GIB);
	assert_true(walk(&t, 2 * GIB, &covers));
	assert_int_equal(covers, 2 * MIB);
	assert_true(walk(&t, 2 * GIB + 2 * MIB, &covers));
	assert_int_equal(covers, 4096);
	drop(&t);
}

static void test_a_block_needs_both_addresses_aligned(void **state)
{
	struct dma_tables t;
	uint64_t covers;

	(void)state;
	make(&t, false, 40);
	assert_int_equal(dma_tables_map(&t, 2 * MIB, 4 * MIB + 4096, 2 * MIB,
					RW | DMA_BLOCKS),
			 0);
	assert_true(walk(&t, 3 * MIB, &covers));
	assert_int_equal(covers, 4096);
	assert_int_equal(leads(&t, 3 * MIB), 5 * MIB + 4096);
	drop(&t);
}

static void test_rights_and_types(void **state)
{
	struct dma_tables t;
	uint64_t size;

	(void)state;
	make(&t, false, 40);
	assert_false(dma_tables_map(&t, 0x1000, 0x1000, 4096, IOMMU_READ));
	assert_false(dma_tables_map(&t, 0x2000, 0x2000, 4096, IOMMU_WRITE));
	assert_false(dma_tables_map(&t, 0x3000, 0x3000, 4096, RW | DMA_DEVICE));
	/* AF, SH, nG, both XN; AP: unprivileged, and read-only or not. */
	assert_int_equal(walk(&t, 0x1000, &size), 0x0060000000001fc3);
	assert_int_equal(walk(&t, 0x2000, &size), 0x0060000000002f43);
	assert_int_equal(walk(&t, 0x3000, &size), 0x0060000000003f47);
	drop(&t);
	make(&t, true, 40);
	assert_false(dma_tables_map(&t, 0x1000, 0x1000, 4096, IOMMU_READ));
	assert_false(dma_tables_map(&t, 0x2000, 0x2000, 4096, IOMMU_WRITE));
	assert_false(dma_tables_map(&t, 0x3000, 0x3000, 4096, RW | DMA_DEVICE));
	/* AF, SH, XN; S2AP; MemAttr. */
	assert_int_equal(walk(&t, 0x1000, &size), 0x004000000000177f);
	assert_int_equal(walk(&t, 0x2000, &size), 0x00400000000027bf);
	assert_int_equal(walk(&t, 0x3000, &size), 0x00400000000037c7);
	drop(&t);
}

static void test_a_part_of_what_was_mapped_goes(void **state)
{
	struct dma_tables t;
	size_t used;

	(void)state;
	make(&t, false, 40);
	assert_false(dma_tables_map(&t, 2 * MIB, 6 * MIB, 4 * MIB, RW));
	used = lab_used();
	lab_take(0, 0);
	dma_tables_unmap(&t, 3 * MIB, 4096);
	lab_give();
	assert_int_equal(lab_used(), used);
	assert_int_equal(leads(&t, 3 * MIB), 0);
	assert_int_equal(leads(&t, 3 * MIB - 4096), 7 * MIB - 4096);
	assert_int_equal(leads(&t, 3 * MIB + 4096), 7 * MIB + 4096);
	dma_tables_unmap(&t, 2 * MIB, 4 * MIB); /* the rest, and again */
	assert_int_equal(leads(&t, 2 * MIB), 0);
	assert_int_equal(leads(&t, 6 * MIB - 1), 0);
	drop(&t);
}

static void test_without_memory_nothing_is_mapped(void **state)
{
	const uint64_t start = GIB - 4 * MIB, size = 8 * MIB;
	unsigned int pages, refused = 0;
	struct dma_tables t;
	uint64_t at;
	int err;

	(void)state;
	for (pages = 0;; pages++) {
		make(&t, true, 40);
		lab_take(pages, 0);
		err = dma_tables_map(&t, start, start, size, RW);
		lab_give();
		for (at = start; err && at < start + size; at += 4096)
			assert_int_equal(leads(&t, at), 0);
		assert_true(!err || err == -ENOMEM);
		if (err) { /* and later it works */
			refused++;
			assert_false(
				dma_tables_map(&t, start, start, size, RW));
		}
		assert_int_equal(leads(&t, start + size - 1), start + size - 1);
		drop(&t);
		if (!err)
			break;
	}
	assert_int_equal(refused, 6); /* two of level 2, four of level 3 */
}

static void test_folded_every_address_is_one_page(void **state)
{
	unsigned int bit, stage;
	struct dma_tables t;

	(void)state;
	for (stage = 1; stage <= 2; stage++) {
		assert_false(dma_tables_init(&t, stage == 2, 40));
		assert_false(dma_tables_fold(&t, 0x12345000));
		for (bit = 0; bit < t.bits; bit++)
			assert_int_equal(leads(&t, UINT64_C(1) << bit),
					 0x12345000 | ((1ull << bit) & 0xfff));
		assert_int_equal(leads(&t, (UINT64_C(1) << t.bits) - 1),
				 0x12345fff);
		before = lab_used();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_address_size_reaches_its_last_page),
		cmocka_unit_test(test_blocks_are_as_large_as_they_fit),
		cmocka_unit_test(test_a_block_needs_both_addresses_aligned),
		cmocka_unit_test(test_rights_and_types),
		cmocka_unit_test(test_a_part_of_what_was_mapped_goes),
		cmocka_unit_test(test_without_memory_nothing_is_mapped),
		cmocka_unit_test(test_folded_every_address_is_one_page),
	};

	lab_pool();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
