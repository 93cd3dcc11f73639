/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory: pages with an owner.
 */
#include <string.h>

#include "above.h"

static void test_pages_are_zeroed_and_have_an_owner(void **state)
{
	struct fabric *f = above_open("empty");
	uint8_t buf[2 * PAGE], zero[2 * PAGE] = { 0 };
	uint64_t hpa;

	(void)state;
	hpa = ram(f, 5, 2);
	assert_int_equal(hpa, FABRIC_RAM_BASE);
	assert_int_equal(fabric_ram_owner(f, hpa + PAGE), 5);
	assert_int_equal(fabric_ram_owner(f, hpa + 2 * PAGE), FABRIC_NOBODY);
	assert_int_equal(fabric_ram_owner(f, 0), FABRIC_NOBODY);
	assert_int_equal(fabric_ram_read(f, hpa, buf, sizeof(buf)), 0);
	assert_memory_equal(buf, zero, sizeof(buf));
	assert_int_equal(unit_of(f).ram, 2);
	fabric_close(f);
}

static void test_what_is_written_is_read_across_pages(void **state)
{
	struct fabric *f = above_open("empty");
	uint64_t hpa = ram(f, 1, 2);
	char text[] = "from one page to the next", back[sizeof(text)];

	(void)state;
	assert_int_equal(
		fabric_ram_write(f, hpa + PAGE - 5, text, sizeof(text)), 0);
	assert_int_equal(fabric_ram_read(f, hpa + PAGE - 5, back, sizeof(back)),
			 0);
	assert_string_equal(back, text);
	fabric_close(f);
}

static void test_the_lowest_free_pages_come_again(void **state)
{
	struct fabric *f = above_open("empty");
	uint64_t a = ram(f, 1, 1), b = ram(f, 1, 2), c = ram(f, 1, 1);

	(void)state;
	assert_int_equal(fabric_ram_write(f, b, "old", 4), 0);
	assert_int_equal(fabric_ram_free(f, b, 2 * PAGE), 0);
	assert_int_equal(fabric_ram_owner(f, b), FABRIC_NOBODY);
	assert_int_equal(ram(f, 2, 3), c + PAGE); /* the hole is too small */
	assert_int_equal(ram(f, 2, 2), b);
	assert_int_equal(word(f, b), 0);
	assert_int_equal(fabric_ram_owner(f, a), 1);
	fabric_close(f);
}

static void test_pages_change_hands(void **state)
{
	struct fabric *f = above_open("empty");
	uint64_t hpa = ram(f, 1, 2);

	(void)state;
	assert_int_equal(fabric_ram_write(f, hpa, "kept", 4), 0);
	assert_int_equal(fabric_ram_give(f, hpa, PAGE, 7), 0);
	assert_int_equal(fabric_ram_owner(f, hpa), 7);
	assert_int_equal(fabric_ram_owner(f, hpa + PAGE), 1);
	assert_memory_equal((uint32_t[]){ word(f, hpa) }, "kept", 4);
	fabric_close(f);
}

static void test_what_is_not_memory_is_refused(void **state)
{
	struct fabric *f = above_open("empty");
	uint64_t hpa = ram(f, 1, 1), other;
	char c = 0;

	(void)state;
	assert_int_equal(fabric_ram_alloc(f, 1, 0, &other), -EINVAL);
	assert_int_equal(fabric_ram_alloc(f, 1, 100, &other), -EINVAL);
	assert_int_equal(fabric_ram_alloc(f, 1,
					  (uint64_t)FABRIC_RAM_PAGES * PAGE,
					  &other),
			 -ENOMEM);
	assert_int_equal(fabric_ram_alloc(f, 1, 1ull << 63, &other), -ENOMEM);
	assert_int_equal(fabric_ram_free(f, hpa, 2 * PAGE), -EINVAL);
	assert_int_equal(fabric_ram_free(f, hpa + 1, PAGE), -EINVAL);
	assert_int_equal(fabric_ram_free(f, hpa, UINT64_MAX & ~4095ull),
			 -EINVAL);
	assert_int_equal(fabric_ram_give(f, 0x1000, PAGE, 1), -EINVAL);
	assert_int_equal(fabric_ram_read(f, hpa + PAGE, &c, 1), -EINVAL);
	assert_int_equal(fabric_ram_read(f, hpa + PAGE - 1, &c, 2), -EINVAL);
	assert_int_equal(fabric_ram_write(f, UINT64_MAX, &c, 1), -EINVAL);
	assert_int_equal(fabric_ram_free(f, hpa, PAGE), 0);
	assert_int_equal(fabric_ram_free(f, hpa, PAGE), -EINVAL);
	assert_int_equal(unit_of(f).ram, 0);
	fabric_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_are_zeroed_and_have_an_owner),
		cmocka_unit_test(test_what_is_written_is_read_across_pages),
		cmocka_unit_test(test_the_lowest_free_pages_come_again),
		cmocka_unit_test(test_pages_change_hands),
		cmocka_unit_test(test_what_is_not_memory_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
