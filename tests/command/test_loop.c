/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who gets one of the daemon's workers, and in which order. Each work says that
 * it has begun, and ends when it is told to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include <holdfast/platform.h>

#include "loop.h"
#include "stop.h"

enum { WORKS = 64, WAIT_S = 30 };

static struct one {
	struct work work;
	uv_sem_t end;
	bool begun, ended; /* under lock; the loop's */
} one[WORKS];

static unsigned int n;
static uv_mutex_t lock;
static uv_cond_t change;

uint64_t plat_now(void)
{
	return 0;
}

void stop_check(void)
{
}

static void run(struct work *work)
{
	struct one *o = container_of(work, struct one, work);

	uv_mutex_lock(&lock);
	o->begun = true;
	uv_cond_signal(&change);
	uv_mutex_unlock(&lock);
	uv_sem_wait(&o->end);
}

static void done(struct work *work)
{
	container_of(work, struct one, work)->ended = true;
}

static unsigned int add(enum loop_who who)
{
	struct one *o = &one[n];

	*o = (struct one){ .work = { .run = run, .done = done, .who = who } };
	assert_int_equal(uv_sem_init(&o->end, 0), 0);
	loop_work(&o->work);
	return n++;
}

static void add_some(enum loop_who who, unsigned int count)
{
	while (count--)
		add(who);
}

static bool has_begun(unsigned int i)
{
	bool begun;

	uv_mutex_lock(&lock);
	begun = one[i].begun;
	uv_mutex_unlock(&lock);
	return begun;
}

static void assert_begins(unsigned int i)
{
	uint64_t until = uv_hrtime() + WAIT_S * 1000000000ull;
	bool begun;

	uv_mutex_lock(&lock);
	while (!one[i].begun && uv_hrtime() < until)
		uv_cond_timedwait(&change, &lock, 1000000000);
	begun = one[i].begun;
	uv_mutex_unlock(&lock);
	assert_true(begun);
}

static void end(unsigned int i)
{
	uv_sem_post(&one[i].end);
	while (!one[i].ended)
		uv_run(&main_loop, UV_RUN_ONCE);
}

static int setup(void **state)
{
	(void)state;
	n = 0;
	return uv_mutex_init(&lock) || uv_cond_init(&change) || loop_init();
}

static int teardown(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < n; i++)
		uv_sem_post(&one[i].end);
	loop_close();
	for (i = 0; i < n; i++)
		uv_sem_destroy(&one[i].end);
	uv_cond_destroy(&change);
	uv_mutex_destroy(&lock);
	return 0;
}

/* With all 16 taken in the end, nobody has had more than his part. */
static void test_who_only_looks_leaves_workers_for_the_others(void **state)
{
	unsigned int i, admin, own;

	(void)state;
	add_some(LOOP_OTHER, 20);
	admin = n;
	add_some(LOOP_ADMIN, 8);
	own = n;
	add_some(LOOP_DAEMON, 4);
	for (i = 0; i < 8; i++)
		assert_begins(i);
	for (i = 0; i < 4; i++) {
		assert_begins(admin + i);
		assert_begins(own + i);
	}
	assert_false(has_begun(8));
	assert_false(has_begun(admin + 4));
	assert_int_equal(loop_busy(), n);
}

static void test_alone_each_has_what_it_may_have(void **state)
{
	unsigned int i, other;

	(void)state;
	add_some(LOOP_DAEMON, 17);
	for (i = 0; i < 16; i++)
		assert_begins(i);
	end(0);
	assert_begins(16);
	for (i = 1; i < 17; i++)
		end(i);
	assert_int_equal(loop_busy(), 0);
	add_some(LOOP_ADMIN, 12);
	for (i = 17; i < 29; i++)
		assert_begins(i);
	/* And that is all for calls. */
	other = add(LOOP_OTHER);
	add_some(LOOP_DAEMON, 4);
	for (i = 30; i < 34; i++)
		assert_begins(i);
	assert_false(has_begun(other));
}

/* The one worker that is free again is not for the one that has waited longest. */
static void test_what_comes_later_may_go_before(void **state)
{
	unsigned int other, admin, own;

	(void)state;
	add_some(LOOP_DAEMON, 4);
	add_some(LOOP_ADMIN, 4);
	add_some(LOOP_OTHER, 8);
	other = add(LOOP_OTHER);
	admin = add(LOOP_ADMIN);
	own = add(LOOP_DAEMON);
	end(8);
	assert_begins(own);
	assert_false(has_begun(admin));
	end(9);
	assert_begins(admin);
	assert_false(has_begun(other));
	end(0); /* there are 5 and 6 calls: room for one more */
	assert_begins(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_who_only_looks_leaves_workers_for_the_others,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_alone_each_has_what_it_may_have, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_what_comes_later_may_go_before, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
