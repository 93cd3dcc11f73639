/* SPDX-License-Identifier: BSD-2-Clause */
/* The pool: zeroed and aligned, nobody's memory twice, and clear when full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"
#include "el2.h"

#define LARGEST ((size_t)1 << 20)
/* One largest block, and an odd rest that the map goes into. */
static _Alignas(1 << 20) char memory[LARGEST + 9 * 4096];

static size_t used(void)
{
	struct plat_pool_stats stats;

	plat_pool_stats(&stats);
	return stats.used;
}

static bool all(const unsigned char *p, size_t size, unsigned char c)
{
	while (size--)
		if (*p++ != c)
			return false;
	return true;
}

static void test_zeroed_and_aligned_to_its_size(void **state)
{
	size_t size;
	char *p;

	(void)state;
	for (size = 1; size <= LARGEST; size += size / 3 + 1) {
		size_t align = 1;

		while (align < size)
			align *= 2;
		p = plat_zalloc(size);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % align, 0);
		assert_true(all((unsigned char *)p, size, 0));
		memset(p, 0x5a, size);
		plat_free(p);
		assert_int_equal(used(), 0);
	}
	plat_free(NULL);
}

#define LIVE 300

/* Each block is filled with its owner's mark, and has it still at the end. */
static void test_no_memory_is_given_out_twice(void **state)
{
	static struct {
		unsigned char *p;
		size_t size;
	} live[LIVE];
	unsigned int turn, i, seed = 1;

	(void)state;
	for (turn = 0; turn < 200000; turn++) {
		i = (unsigned int)rand_r(&seed) % LIVE;
		if (live[i].p) {
			assert_true(
				all(live[i].p, live[i].size, (unsigned char)i));
			plat_free(live[i].p);
			live[i].p = NULL;
			continue;
		}
		live[i].size = 1u + (unsigned int)rand_r(&seed) %
					    (1u << rand_r(&seed) % 16);
		live[i].p = plat_zalloc(live[i].size);
		if (live[i].p)
			memset(live[i].p, (int)i, live[i].size);
	}
	for (i = 0; i < LIVE; i++)
		plat_free(live[i].p);
	assert_int_equal(used(), 0);
	live[0].p = plat_zalloc(LARGEST); /* everything has joined again */
	assert_non_null(live[0].p);
	plat_free(live[0].p);
}

static void test_full_is_null_counted_and_said_once(void **state)
{
	static void *block[2 * LARGEST / 4096];
	struct plat_pool_stats before, after;
	unsigned int n = 0, lines = board_lines;

	(void)state;
	plat_pool_stats(&before);
	while ((block[n] = plat_zalloc(4096)))
		n++;
	assert_int_equal(n, before.size / 4096);
	assert_null(plat_zalloc(4096));
	plat_pool_stats(&after);
	assert_int_equal(after.failed, before.failed + 2);
	assert_int_equal(after.peak, after.used);
	assert_int_equal(board_lines, lines + (before.failed ? 0 : 1));
	assert_non_null(strstr(board_said, "no room for 4096 bytes"));
	while (n--)
		plat_free(block[n]);
	assert_int_equal(used(), 0);
}

static void test_absurd_sizes_are_null(void **state)
{
	(void)state;
	assert_null(plat_zalloc(SIZE_MAX));
	assert_null(plat_zalloc(LARGEST + 1));
	assert_int_equal(used(), 0);
}

static void free_twice(void)
{
	void *p = plat_zalloc(100);

	plat_free(p);
	plat_free(p);
}

static void free_the_middle(void)
{
	plat_free((char *)plat_zalloc(1000) + 64);
}

static void free_what_is_not_ours(void)
{
	static _Alignas(64) char other[64];

	plat_free(other);
}

static void test_giving_back_what_was_not_taken_stops(void **state)
{
	(void)state;
	assert_true(board_stops(free_twice));
	assert_true(board_stops(free_the_middle));
	assert_true(board_stops(free_what_is_not_ours));
}

int main(void)
{
	static struct plat_cpu cpu;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zeroed_and_aligned_to_its_size),
		cmocka_unit_test(test_full_is_null_counted_and_said_once),
		cmocka_unit_test(test_no_memory_is_given_out_twice),
		cmocka_unit_test(test_absurd_sizes_are_null),
		cmocka_unit_test(test_giving_back_what_was_not_taken_stops),
	};

	this_cpu = &cpu;
	plat_pool_init(memory, sizeof(memory));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
