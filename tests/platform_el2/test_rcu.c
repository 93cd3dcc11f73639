/* SPDX-License-Identifier: BSD-2-Clause */
/* Grace periods, step by step: one thread is each CPU in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"
#include "el2.h"

static struct plat_cpu cpu[3];

static void on(unsigned int id)
{
	this_cpu = &cpu[id];
}

/* CPU 0 is in the hypervisor, the others in their guests. */
static int fresh(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cpu); i++)
		plat_cpu_init(&cpu[i], i);
	on(0);
	plat_rcu_enter();
	return 0;
}

static void test_cpus_in_their_guests_hold_nobody_up(void **state)
{
	(void)state;
	assert_true(plat_gp_done(plat_gp_start()));
}

static void test_a_cpu_that_was_in_is_waited_for(void **state)
{
	plat_gp_t gp;

	(void)state;
	on(1);
	plat_rcu_enter();
	on(0);
	gp = plat_gp_start();
	assert_false(plat_gp_done(gp));
	on(1);
	plat_rcu_leave();
	on(0);
	assert_true(plat_gp_done(gp));
}

static void test_a_quiescent_state_inside_is_enough(void **state)
{
	plat_gp_t gp;

	(void)state;
	on(1);
	plat_rcu_enter();
	on(0);
	gp = plat_gp_start();
	assert_false(plat_gp_done(gp));
	on(1);
	plat_rcu_quiescent();
	on(0);
	assert_true(plat_gp_done(gp));
}

static void test_an_entry_after_the_start_is_not_waited_for(void **state)
{
	plat_gp_t gp;

	(void)state;
	gp = plat_gp_start();
	on(1);
	plat_rcu_enter();
	plat_rcu_read_lock();
	on(0);
	assert_true(plat_gp_done(gp));
	assert_false(plat_gp_done(plat_gp_start()));
	on(1);
	plat_rcu_read_unlock();
}

/* Each of two periods waits for its own sections. */
static void test_a_later_period_waits_longer(void **state)
{
	plat_gp_t early, late;

	(void)state;
	early = plat_gp_start();
	on(1);
	plat_rcu_enter();
	on(0);
	late = plat_gp_start();
	assert_true(plat_gp_done(early));
	assert_false(plat_gp_done(late));
}

static void test_whoever_asks_in_a_section_is_waited_for(void **state)
{
	plat_gp_t gp;

	(void)state;
	plat_rcu_read_lock();
	plat_rcu_read_lock();
	gp = plat_gp_start();
	plat_rcu_read_unlock();
	assert_false(plat_gp_done(gp));
	plat_rcu_read_unlock();
	assert_true(plat_gp_done(gp));
}

static void leave_in_a_section(void)
{
	plat_rcu_read_lock();
	plat_rcu_leave();
}

static void quiescent_in_a_section(void)
{
	plat_rcu_read_lock();
	plat_rcu_quiescent();
}

static void test_a_section_is_not_left_by_leaving(void **state)
{
	(void)state;
	assert_true(board_stops(leave_in_a_section));
	assert_true(board_stops(quiescent_in_a_section));
}

/* --- callbacks -------------------------------------------------------------------- */

static unsigned int order[4], nrun;
static struct plat_rcu_head head[4];

static void note(struct plat_rcu_head *h)
{
	order[nrun++] = (unsigned int)(h - head);
}

static void note_and_queue(struct plat_rcu_head *h)
{
	note(h);
	plat_rcu_call(&head[3], note);
}

static void test_callbacks_run_after_their_period_in_order(void **state)
{
	(void)state;
	nrun = 0;
	on(1);
	plat_rcu_enter();
	on(0);
	plat_rcu_call(&head[0], note);
	plat_rcu_call(&head[1], note);
	plat_rcu_poll();
	assert_int_equal(nrun, 0);
	on(1);
	plat_rcu_leave();
	on(2);
	plat_rcu_enter();
	plat_rcu_poll(); /* neither who queued them nor who held them up */
	assert_int_equal(nrun, 2);
	assert_int_equal(order[0], 0);
	assert_int_equal(order[1], 1);
}

static void let_another_poll(struct plat_rcu_head *h)
{
	on(1);
	plat_rcu_poll();
	on(0);
	note(h);
}

/* Else a barrier could count a later one for it, while it runs still. */
static void test_no_callback_runs_beside_another(void **state)
{
	(void)state;
	nrun = 0;
	on(1);
	plat_rcu_enter();
	on(0);
	plat_rcu_call(&head[0], let_another_poll);
	plat_rcu_call(&head[1], note);
	on(1);
	plat_rcu_quiescent();
	on(0);
	plat_rcu_poll();
	assert_int_equal(nrun, 2);
	assert_int_equal(order[0], 0);
}

static void test_a_barrier_runs_what_was_queued(void **state)
{
	(void)state;
	nrun = 0;
	plat_rcu_call(&head[0], note);
	plat_rcu_call(&head[1], note_and_queue);
	plat_rcu_call(&head[2], note);
	plat_rcu_barrier();
	assert_in_range(nrun, 3, 4);
	assert_int_equal(order[2], 2);
	plat_rcu_barrier();
	assert_int_equal(nrun, 4);
	assert_int_equal(order[3], 3);
}

/* --- events --------------------------------------------------------------------------- */

static void test_an_event_stays_set_until_cleared(void **state)
{
	plat_event_t event;

	(void)state;
	plat_event_init(&event);
	assert_false(plat_event_wait(&event, plat_now() + 1000000));
	plat_event_set(&event);
	assert_true(plat_event_wait(&event, PLAT_FOREVER));
	assert_true(plat_event_wait(&event, 0));
	plat_event_clear(&event);
	assert_false(plat_event_wait(&event, 0));
	plat_event_destroy(&event);
}

static void test_who_waits_holds_no_period_up(void **state)
{
	plat_event_t event;
	plat_gp_t gp;

	(void)state;
	plat_event_init(&event);
	nrun = 0;
	on(1);
	plat_rcu_enter();
	on(0);
	gp = plat_gp_start();
	plat_rcu_call(&head[0], note);
	on(1);
	assert_false(plat_event_wait(&event, plat_now() + 1000000));
	on(0);
	assert_true(plat_gp_done(gp));
	plat_rcu_barrier();
	assert_int_equal(nrun, 1);
}

static plat_event_t awaited;

static void set_it(void)
{
	plat_event_set(&awaited);
}

/* What it waits for is done by nobody but itself. */
static void test_who_waits_does_what_there_is(void **state)
{
	(void)state;
	plat_event_init(&awaited);
	board_piece = set_it;
	assert_true(plat_event_wait(&awaited, plat_now() + 1000000000));
	board_piece = NULL;
}

static void wait_under_a_lock(void)
{
	static plat_lock_t lock;

	plat_lock(&lock);
	plat_event_wait(&awaited, 0);
}

static void test_nobody_waits_under_a_lock(void **state)
{
	static plat_lock_t lock;

	(void)state;
	assert_true(board_stops(wait_under_a_lock));
	plat_lock(&lock);
	plat_unlock(&lock);
	assert_true(plat_event_wait(&awaited, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(test_##name, fresh)
		T(cpus_in_their_guests_hold_nobody_up),
		T(a_cpu_that_was_in_is_waited_for),
		T(a_quiescent_state_inside_is_enough),
		T(an_entry_after_the_start_is_not_waited_for),
		T(a_later_period_waits_longer),
		T(whoever_asks_in_a_section_is_waited_for),
		T(a_section_is_not_left_by_leaving),
		T(callbacks_run_after_their_period_in_order),
		T(no_callback_runs_beside_another),
		T(a_barrier_runs_what_was_queued),
		T(an_event_stays_set_until_cleared),
		T(who_waits_holds_no_period_up),
		T(who_waits_does_what_there_is),
		T(nobody_waits_under_a_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
