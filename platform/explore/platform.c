/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of include/holdfast/platform.h on top of the scheduler. What
 * the contract forbids its callers is checked here, not assumed; what it orders
 * is put into the views, and no more.
 */
#include <stdarg.h>
#include <string.h>

#include "internal.h"

/* Before anything that may sleep. */
static void check_may_wait(const char *what)
{
	const struct thread *self = sched.current;

	if (self->nesting)
		explore_fail("%s: %s inside a section", self->name, what);
	if (self->locks)
		explore_fail("%s: %s under a lock", self->name, what);
}

static void acquire(const void *from)
{
	if (explore_on)
		view_acquire(*view_at(from));
}

static void release(const void *to)
{
	if (explore_on)
		view_release(view_at(to));
}

/* --- locks ------------------------------------------------------------------- */

void plat_lock_init(plat_lock_t *lock)
{
	lock->owner = 0;
}

void plat_lock_destroy(plat_lock_t *lock)
{
	memory_check(lock, sizeof(*lock));
	if (lock->owner)
		explore_fail("a lock is destroyed while held");
	sched_check_waiters(lock, sizeof(*lock));
}

void plat_lock(plat_lock_t *lock)
{
	struct thread *self = sched.current;

	sched_point(OP_LOCK, lock);
	memory_check(lock, sizeof(*lock));
	if (lock->owner == self->number + 1)
		explore_fail("%s takes a lock twice", self->name);
	if (lock->owner)
		sched_wait(WAIT_LOCK, lock, 0);
	lock->owner = (uint8_t)(self->number + 1);
	self->locks++;
	acquire(lock);
}

void plat_unlock(plat_lock_t *lock)
{
	struct thread *self = sched.current;

	sched_point(OP_UNLOCK, lock);
	memory_check(lock, sizeof(*lock));
	if (lock->owner != self->number + 1)
		explore_fail("%s unlocks what it does not hold", self->name);
	lock->owner = 0;
	self->locks--;
	release(lock);
}

/* --- read-copy-update ------------------------------------------------------------ */

void plat_rcu_read_lock(void)
{
	struct thread *self = sched.current;

	sched_point(OP_RCU_ENTER, NULL);
	if (!self->nesting++) {
		self->section = ++sched.sections;
		view_acquire(sched.started);
	}
	self->held.sections = self->nesting;
}

void plat_rcu_read_unlock(void)
{
	struct thread *self = sched.current;

	sched_point(OP_RCU_LEAVE, NULL);
	if (!self->nesting)
		explore_fail("%s leaves no section", self->name);
	if (!--self->nesting) {
		self->section = 0;
		view_release(&sched.left);
	}
	self->held.sections = self->nesting;
}

void plat_rcu_call(struct plat_rcu_head *head,
		   void (*fn)(struct plat_rcu_head *head))
{
	sched_point(OP_RCU_CALL, head);
	memory_check(head, sizeof(*head));
	head->next = NULL;
	head->fn = fn;
	head->gp = sched.sections;
	release(head);
	view_release(&sched.started);
	*sched.rcu_last = head;
	sched.rcu_last = &head->next;
	sched.rcu_queued++;
}

void plat_rcu_synchronize(void)
{
	check_may_wait("plat_rcu_synchronize()");
	sched_point(OP_SYNCHRONIZE, NULL);
	view_release(&sched.started);
	if (!sched_gp_over(sched.sections))
		sched_wait(WAIT_GP, NULL, sched.sections);
	view_acquire(sched.left);
}

plat_gp_t plat_gp_start(void)
{
	sched_point(OP_GP_START, NULL);
	view_release(&sched.started);
	return sched.sections;
}

bool plat_gp_done(plat_gp_t gp)
{
	sched_point(OP_GP_DONE, NULL);
	if (!sched_gp_over(gp))
		return false;
	view_acquire(sched.left);
	return true;
}

void plat_rcu_barrier(void)
{
	check_may_wait("plat_rcu_barrier()");
	if (!explore_on) {
		rcu_run_callbacks();
		return;
	}
	sched_point(OP_BARRIER, NULL);
	if (sched.rcu_run < sched.rcu_queued)
		sched_wait(WAIT_BARRIER, NULL, sched.rcu_queued);
	view_acquire(sched.called);
}

/* --- time and waiting ---------------------------------------------------------------- */

uint64_t plat_now(void)
{
	sched_point(OP_NOW, NULL);
	return sched.now;
}

void plat_event_init(plat_event_t *event)
{
	event->set = false;
}

void plat_event_destroy(plat_event_t *event)
{
	memory_check(event, sizeof(*event));
	sched_check_waiters(event, sizeof(*event));
}

void plat_event_set(plat_event_t *event)
{
	sched_point(OP_EVENT_SET, event);
	memory_check(event, sizeof(*event));
	event->set = true;
	release(event);
}

void plat_event_clear(plat_event_t *event)
{
	sched_point(OP_EVENT_CLEAR, event);
	memory_check(event, sizeof(*event));
	if (event->set)
		acquire(event);
	event->set = false;
}

/* In setup and finish there is nobody who could set it any more. */
static void wait_alone(plat_event_t *event, uint64_t deadline)
{
	rcu_run_callbacks();
	if (event->set)
		return;
	if (deadline == PLAT_FOREVER)
		explore_fail("deadlock: main waits for an event, for ever");
	if (sched.now < deadline)
		sched.now = deadline;
}

bool plat_event_wait(plat_event_t *event, uint64_t deadline)
{
	check_may_wait("plat_event_wait()");
	sched_point(OP_EVENT_WAIT, event);
	memory_check(event, sizeof(*event));
	if (event->set) {
		acquire(event);
		return true;
	}
	if (!explore_on) {
		wait_alone(event, deadline);
		return event->set;
	}
	sched_wait(WAIT_EVENT, event, deadline);
	if (!event->set && sched.now < deadline)
		sched.now = deadline;
	if (event->set)
		acquire(event);
	return event->set;
}

/* --- talking ------------------------------------------------------------------------------ */

void plat_log(enum plat_level level, const char *fmt, ...)
{
	char line[256];
	va_list args;

	(void)level;
	if (!trace_on)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	trace_note("log: %s", line);
}

void plat_bug(const char *fmt, ...)
{
	char line[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	explore_fail("%s", line);
}

void explore_fail(const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	run_failed(line);
}

#ifdef HOLDFAST_DEBUG
struct plat_held *plat_held(void)
{
	return &sched.current->held;
}
#endif

#ifdef HOLDFAST_REF_TRACKER
const char **plat_ref_site(void)
{
	return &sched.current->ref_site;
}
#endif
