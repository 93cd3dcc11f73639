/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine against the model (model.h) over random registers and accesses.
 * The seed is printed; MODEL_SEED in the environment, or the third argument,
 * gives another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "compare.h"

enum { RUNS = 20000, MAX_BYTES = 1500 };

static uint32_t seed, word;

static uint32_t next(void)
{
	word ^= word << 13;
	word ^= word >> 17;
	word ^= word << 5;
	return word;
}

static const char *run(uint32_t from)
{
	uint8_t bytes[MAX_BYTES];
	size_t i, size;

	word = from | 1;
	size = next() % MAX_BYTES;
	for (i = 0; i < size; i++)
		bytes[i] = (uint8_t)(next() >> 9);
	return compare_run(bytes, size);
}

static void test_engine_does_what_the_masks_say(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < RUNS; i++) {
		const char *how = run(seed + i * 2);

		if (how)
			fail_msg("seed %u, run %u: %s", seed, i, how);
	}
}

static int setup(void **state)
{
	(void)state;
	compare_init(seed);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	compare_fini();
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_engine_does_what_the_masks_say),
	};
	const char *given = argc > 3 ? argv[3] : getenv("MODEL_SEED");

	seed = given ? (uint32_t)strtoul(given, NULL, 0) : (uint32_t)time(NULL);
	print_message("seed %u\n", seed);
	return cmocka_run_group_tests(tests, setup, teardown);
}
