/* SPDX-License-Identifier: BSD-2-Clause */
/* The polled events of libholdfast-core.a. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <holdfast/platform.h>

static uint64_t now, set_at;
static plat_event_t event;

uint64_t plat_now(void)
{
	if (++now == set_at)
		plat_event_set(&event);
	return now;
}

static int begin(void **state)
{
	(void)state;
	now = set_at = 0;
	memset(&event, 0xff, sizeof(event));
	plat_event_init(&event);
	return 0;
}

static void test_wait_ends_at_the_deadline(void **state)
{
	(void)state;
	assert_false(plat_event_wait(&event, 100));
	assert_int_equal(now, 100);
}

static void test_wait_ends_when_it_is_set(void **state)
{
	(void)state;
	set_at = 5;
	assert_true(plat_event_wait(&event, 100));
	assert_int_equal(now, 5);
}

static void test_set_stays_until_cleared(void **state)
{
	(void)state;
	plat_event_set(&event);
	plat_event_set(&event);
	assert_true(plat_event_wait(&event, 0));
	assert_true(plat_event_wait(&event, 0));
	plat_event_clear(&event);
	assert_false(plat_event_wait(&event, 0));
	plat_event_clear(&event);
	assert_false(plat_event_wait(&event, 0));
	plat_event_destroy(&event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_wait_ends_at_the_deadline, begin),
		cmocka_unit_test_setup(test_wait_ends_when_it_is_set, begin),
		cmocka_unit_test_setup(test_set_stays_until_cleared, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
