/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who runs: one thread at a time, until it reaches a point where another may
 * be chosen. What a thread waits for is a condition looked at whenever a
 * choice is made, so nothing is ever woken up or forgotten.
 *
 * Adding a kind of wait: name it in internal.h, say in may_run() when it is
 * over and in what_for() how it reads.
 */
#include <string.h>

#include "internal.h"

#define STEP_LIMIT 20000

struct sched sched;
bool explore_on;

static struct thread threads[MAIN + 1];
/* The scenario's own, then the reclaimer. */
static struct thread *runs[EXPLORE_THREADS + 1];
static unsigned int run_count;
static const struct explore_scenario *scenario;
static struct limits limits;
static unsigned int preemptions, older;

bool sched_gp_over(uint64_t gp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		if (threads[i].section && threads[i].section <= gp)
			return false;
	return true;
}

static bool may_run(const struct thread *thread);

static bool event_over(const struct thread *thread)
{
	const plat_event_t *event = thread->wait_on;

	if (event->set || thread->deadline <= sched.now)
		return true;
	return scenario->late && thread->deadline != PLAT_FOREVER;
}

/*
 * Fairness among those who poll, without which two of them would keep the
 * processor from the one they wait for: who polls a second time lets those
 * run first who could have, and did not, since the first time. (What this
 * leaves out are schedules in which a retry that can change nothing is made
 * once more.)
 */
static bool is_behind(const struct thread *thread)
{
	unsigned int i;

	for (i = 0; i < run_count; i++)
		if (thread->behind & 1u << runs[i]->number &&
		    runs[i]->wait != WAIT_YIELD && may_run(runs[i]))
			return true;
	return false;
}

static void note_step(const struct thread *self)
{
	unsigned int i;

	for (i = 0; i < run_count; i++) {
		runs[i]->behind &= ~(1u << self->number);
		runs[i]->ran |= 1u << self->number;
	}
}

static bool may_run(const struct thread *thread)
{
	switch (thread->wait) {
	case WAIT_NOT:
		return true;
	case WAIT_LOCK:
		return !((const plat_lock_t *)thread->wait_on)->owner;
	case WAIT_EVENT:
		return event_over(thread);
	case WAIT_GP:
		return sched_gp_over(thread->wait_gp);
	case WAIT_RCU:
		return sched.rcu_first && sched_gp_over(sched.rcu_first->gp);
	case WAIT_BARRIER:
		return sched.rcu_run >= thread->wait_gp;
	case WAIT_YIELD:
		return sched.steps > thread->wait_gp && !is_behind(thread);
	case WAIT_START:
	case WAIT_DONE:
		break;
	}
	return false;
}

static const char *what_for(const struct thread *thread)
{
	switch (thread->wait) {
	case WAIT_LOCK:
		return "a lock";
	case WAIT_EVENT:
		return "an event, for ever";
	case WAIT_GP:
		return "a grace period";
	case WAIT_BARRIER:
		return "callbacks to have run";
	default:
		return "nothing";
	}
}

static bool all_ended(void)
{
	unsigned int i;

	for (i = 0; i < run_count; i++)
		if (runs[i]->wait != WAIT_DONE && runs[i]->wait != WAIT_RCU)
			return false;
	return true;
}

static void dead_lock(void)
{
	char text[256];
	size_t length = 0;
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < run_count && length < sizeof(text); i++)
		if (runs[i]->wait != WAIT_DONE && runs[i]->wait != WAIT_RCU)
			length += (size_t)snprintf(
				text + length, sizeof(text) - length,
				"%s %s waits for %s", length ? "," : "",
				runs[i]->name, what_for(runs[i]));
	explore_fail("deadlock:%s", text);
}

/*
 * Nobody can go on: the clock jumps to the earliest deadline; without one,
 * those who poll must find out for themselves that nothing will come. Either
 * takes so long that what was written is seen by all.
 */
static void pass_time(void)
{
	uint64_t next = PLAT_FOREVER;
	unsigned int i, polling = 0;

	for (i = 0; i < run_count; i++) {
		if (runs[i]->wait == WAIT_EVENT && runs[i]->deadline < next)
			next = runs[i]->deadline;
		polling += runs[i]->wait == WAIT_YIELD;
	}
	if (next != PLAT_FOREVER)
		sched.now = next;
	else if (!polling)
		dead_lock();
	for (i = 0; i < run_count; i++)
		atomic_settle(&runs[i]->view);
	for (i = 0; i < run_count && next == PLAT_FOREVER; i++)
		if (runs[i]->wait == WAIT_YIELD)
			runs[i]->wait = WAIT_NOT;
}

static unsigned int collect(struct thread **can, const struct thread *but)
{
	unsigned int i, n = 0;

	for (i = 0; i < run_count; i++)
		if (runs[i] != but && may_run(runs[i]))
			can[n++] = runs[i];
	return n;
}

static void switch_to(struct thread *next)
{
	struct thread *self = sched.current;

	if (next == self)
		return;
	sched.current = next;
	fiber_switch(self->fiber, next->fiber);
}

static unsigned int choose(struct thread *const *can, unsigned int n,
			   bool runnable)
{
	unsigned int taken;

	if (n == 1 && !runnable)
		return 0;
	if (!limits.random)
		return choice_take(n);
	taken = n == 1 ? 0 : random_pick(can, n, runnable);
	choice_made(taken, n);
	return taken;
}

/* Older values are rare at random, or nothing else would happen. */
unsigned int sched_older_value(unsigned int n)
{
	unsigned int taken = 0;

	if (n == 1 || older == limits.older)
		return 0;
	if (limits.random && choice_dice(8))
		choice_made(0, n);
	else
		taken = choice_take(n);
	older += taken != 0;
	return taken;
}

/* Choose who goes on. @runnable: the current thread can. */
static void reschedule(bool runnable)
{
	struct thread *can[ARRAY_SIZE(runs) + 1], *self = sched.current;
	unsigned int n = 0, taken;

	if (runnable) {
		if (preemptions == limits.preemptions)
			return;
		can[n++] = self;
	}
	n += collect(can + n, runnable ? self : NULL);
	while (!n) {
		if (all_ended()) {
			switch_to(&threads[MAIN]);
			return;
		}
		pass_time();
		n = collect(can, NULL);
	}
	taken = choose(can, n, runnable);
	if (runnable && taken)
		preemptions++;
	switch_to(can[taken]);
}

/* A switch may come here; @open: it must be tried. */
static void place(bool open)
{
	if (preemptions == limits.preemptions)
		return;
	if (open || limits.whole)
		reschedule(true);
	else
		choice_made(0, 1);
}

/* Whoever leaves a section may end a grace period, and lets a callback run. */
static bool commutes(enum op op, const void *on)
{
	unsigned int self = 1u << sched.current->number;

	switch (op) {
	case OP_LOAD:
	case OP_EVENT_WAIT:
		return !shared_touch(memory_word(on), self, false);
	case OP_ATOMIC:
	case OP_LOCK:
	case OP_UNLOCK:
	case OP_EVENT_SET:
	case OP_EVENT_CLEAR:
		return !shared_touch(memory_word(on), self, true);
	case OP_RCU_ENTER:
	case OP_RCU_LEAVE:
		if (sched.current->nesting > (op == OP_RCU_LEAVE))
			return true; /* of the outermost section only */
		return !shared_touch(MEMORY_SECTIONS, self, false);
	default:
		shared_touch(MEMORY_SECTIONS, UINT8_MAX, true);
		return false;
	}
}

void sched_point(enum op op, const void *on)
{
	bool skip;

	struct thread *self = sched.current;

	if (!explore_on)
		return;
	if (++sched.steps > STEP_LIMIT)
		explore_fail("no end after %d steps: a livelock?", STEP_LIMIT);
	/* Reading the clock commutes with all that others do meanwhile. */
	if (op != OP_NOW || scenario->late) {
		skip = commutes(op, on) && !limits.random;
		place(!skip);
		self->owed = skip;
	}
	if (sched.polling)
		note_step(self);
	if (trace_on)
		trace_add(self, op, on);
}

void sched_touch(unsigned int word, unsigned int end, bool writes)
{
	struct thread *self = sched.current;
	bool matters = false;

	if (!explore_on)
		return;
	for (; word < end; word++)
		matters |= shared_touch(word, 1u << self->number, writes);
	place(matters && self->owed);
	if (matters)
		self->owed = false;
}

void sched_freed(unsigned int word, uint32_t size)
{
	unsigned int end = word + (size + MEMORY_WORD - 1) / MEMORY_WORD;

	for (; explore_on && word < end; word++)
		shared_touch(word, 1u << sched.current->number, true);
}

void sched_wait(enum wait wait, const void *on, uint64_t deadline_or_gp)
{
	struct thread *self = sched.current;

	self->wait = wait;
	self->wait_on = on;
	self->deadline = self->wait_gp = deadline_or_gp;
	reschedule(false);
	self->wait = WAIT_NOT;
}

void sched_check_waiters(const void *start, size_t size)
{
	uintptr_t from = (uintptr_t)start;
	unsigned int i;

	for (i = 0; i < run_count; i++) {
		uintptr_t on = (uintptr_t)runs[i]->wait_on;

		if ((runs[i]->wait == WAIT_LOCK ||
		     runs[i]->wait == WAIT_EVENT) &&
		    on >= from && on < from + size)
			explore_fail("freed while %s waits in it for %s",
				     runs[i]->name, what_for(runs[i]));
	}
}

/* --- the threads ------------------------------------------------------------ */

static void thread_run(void *arg)
{
	struct thread *self = arg;

	for (;;) {
		self->wait = WAIT_NOT;
		if (trace_on)
			trace_add(self, OP_START, NULL);
		self->run();
		if (self->section)
			explore_fail("%s ends inside a section", self->name);
		if (self->locks)
			explore_fail("%s ends with a lock", self->name);
		self->wait = WAIT_DONE;
		reschedule(false);
	}
}

static void reclaimer_run(void *arg)
{
	struct plat_rcu_head *head;

	(void)arg;
	for (;;) {
		head = sched.rcu_first;
		sched.rcu_first = head->next;
		if (!sched.rcu_first)
			sched.rcu_last = &sched.rcu_first;
		sched_point(OP_RCU_RUN, head);
		view_acquire(*view_at(head));
		view_acquire(sched.left);
		head->fn(head);
		sched.rcu_run++;
		view_release(&sched.called);
		sched_wait(WAIT_RCU, NULL, 0);
	}
}

void rcu_run_callbacks(void)
{
	struct plat_rcu_head *head;

	while ((head = sched.rcu_first)) {
		if (!sched_gp_over(head->gp))
			explore_fail("a section was left open");
		sched.rcu_first = head->next;
		if (!sched.rcu_first)
			sched.rcu_last = &sched.rcu_first;
		head->fn(head);
		sched.rcu_run++;
	}
}

static void add_thread(struct thread *thread, const char *name,
		       void (*fiber_run)(void *))
{
	thread->name = name;
	thread->fiber = fiber_create(fiber_run, thread);
	runs[run_count++] = thread;
}

const char *sched_name(unsigned int thread)
{
	return threads[thread].name;
}

void sched_init(const struct explore_scenario *of, const struct limits *within)
{
	unsigned int i;

	scenario = of;
	limits = *within;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i].number = i;
	for (i = 0; i < EXPLORE_THREADS && of->thread[i].name; i++) {
		threads[i].run = of->thread[i].run;
		add_thread(&threads[i], of->thread[i].name, thread_run);
	}
	add_thread(&threads[RECLAIMER], "reclaimer", reclaimer_run);
	threads[MAIN].name = "main";
	threads[MAIN].fiber = fiber_main();
}

void sched_parts(snapshot_copy *copy)
{
	unsigned int i;

	for (i = 0; i < run_count; i++)
		fiber_parts(runs[i]->fiber, copy);
}

/* From the setup on, until all have ended. */
static void run_anew(uint64_t longest)
{
	unsigned int i;

	memory_reset();
	view_reset();
	atomics_reset();
	memset(&sched, 0, sizeof(sched));
	sched.rcu_last = &sched.rcu_first;
	sched.now = PLAT_NSEC_PER_SEC;
	sched.current = &threads[MAIN];
	preemptions = older = 0;
	if (scenario->setup)
		scenario->setup();
	rcu_run_callbacks();
	memory_settled();

	for (i = 0; i < run_count; i++) {
		runs[i]->wait = WAIT_NOT;
		runs[i]->ran = ~0u;
		runs[i]->behind = 0;
		runs[i]->owed = false;
		view_clear(&runs[i]->view);
		runs[i]->view.clock[runs[i]->number] = 1;
	}
	threads[RECLAIMER].wait = WAIT_RCU;
	if (limits.random)
		random_begin(limits.random, longest ? longest : 500);
	explore_on = true;
	reschedule(false);
}

void sched_execute(uint64_t longest)
{
	if (snapshot_restore(choice_changed()))
		fiber_switch(threads[MAIN].fiber, sched.current->fiber);
	else
		run_anew(longest);
	explore_on = false;
	if (scenario->finish)
		scenario->finish();
	rcu_run_callbacks();
	if (explore_allocations())
		explore_fail("%u objects are left over", explore_allocations());
}

/* --- for scenarios ------------------------------------------------------------- */

void explore_count(unsigned int what)
{
	sched.count[what]++;
}

unsigned int explore_choose(unsigned int options)
{
	return options > 1 ? choice_take(options) : 0;
}

void explore_yield(void)
{
	struct thread *self = sched.current;

	if (!explore_on)
		return;
	if (++sched.steps > STEP_LIMIT)
		explore_fail("no end after %d steps: a livelock?", STEP_LIMIT);
	if (trace_on)
		trace_add(self, OP_YIELD, NULL);
	sched.polling = true;
	self->behind = ~self->ran & ~(1u << self->number);
	self->ran = 0;
	sched_wait(WAIT_YIELD, NULL, sched.steps);
}

void explore_sleep_until(uint64_t when)
{
	plat_event_t never = { false };

	while (plat_now() < when)
		(void)plat_event_wait(&never, when);
}

unsigned int explore_self(void)
{
	return sched.current->number;
}
