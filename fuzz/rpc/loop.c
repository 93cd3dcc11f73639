/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's loop and its threads, as tasks. The loop is the task that runs
 * the input; works have as many tasks as the daemon has workers, and wait in
 * the order in which they came; timers are on the clock of serial.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "around.h"
#include "fuzz.h"
#include "log.h"
#include "loop.h"
#include "serial.h"
#include "stop.h"

#define TIMERS 32
#define ENDS 256

uv_loop_t main_loop;

static struct list_head posts = { &posts, &posts };
static bool stopping;

/* --- works ---------------------------------------------------------------------- */

struct worker {
	struct list_head entry; /* of works: waiting, then running */
	struct work *work;
	struct serial_task *task;
};

static struct list_head works = { &works, &works };
static unsigned int nworks;

static void run_work(void *arg)
{
	struct work *work = arg;

	work->run(work);
}

void loop_work(struct work *work)
{
	struct worker *w = calloc(1, sizeof(*w));

	FUZZ_ASSERT(w);
	w->work = work;
	list_add_tail(&w->entry, &works);
	nworks++;
}

/* The first LOOP_WORKERS run; of those the first that is over. */
static struct worker *find_done(void)
{
	struct worker *w;
	unsigned int n = 0;

	list_for_each(w, &works, struct worker, entry) {
		if (n++ == LOOP_WORKERS)
			break;
		/* It knows only the list as it is at first, empty. */
		/* cppcheck-suppress uninitvar */
		if (!w->task)
			w->task = serial_spawn(run_work, w->work);
		else if (serial_is_over(w->task))
			return w;
	}
	return NULL;
}

static bool finish_work(void)
{
	struct worker *w = find_done();
	struct work *work;

	if (!w)
		return false;
	work = w->work;
	serial_join(w->task);
	list_del(&w->entry);
	free(w);
	nworks--;
	work->done(work);
	return true;
}

/* --- posts ---------------------------------------------------------------------- */

void loop_post(struct post *post)
{
	list_add_tail(&post->entry, &posts);
}

static bool run_post(void)
{
	struct post *post;

	if (list_empty(&posts))
		return false;
	post = list_first(&posts, struct post, entry);
	list_del(&post->entry);
	post->run(post);
	return true;
}

unsigned int loop_busy(void)
{
	return nworks + !list_empty(&posts);
}

static bool not_busy(void)
{
	return !loop_busy();
}

void loop_settle(void)
{
	around_run(not_busy, PLAT_FOREVER);
}

uint64_t loop_started(void)
{
	return 0;
}

/* --- timers --------------------------------------------------------------------- */

static struct {
	uv_timer_t *timer;
	uv_timer_cb cb;
	uint64_t due;
} timers[TIMERS];
static unsigned int ntimers;

static struct {
	uv_handle_t *handle;
	uv_close_cb cb;
} ends[ENDS];
static unsigned int nends;

int __wrap_uv_timer_init(uv_loop_t *loop, uv_timer_t *timer);
int __wrap_uv_timer_init(uv_loop_t *loop, uv_timer_t *timer)
{
	(void)loop, (void)timer;
	return 0;
}

int __wrap_uv_timer_stop(uv_timer_t *timer);
int __wrap_uv_timer_stop(uv_timer_t *timer)
{
	for (unsigned int i = 0; i < ntimers; i++)
		if (timers[i].timer == timer)
			timers[i--] = timers[--ntimers];
	return 0;
}

int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t ms,
			  uint64_t repeat);
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t ms,
			  uint64_t repeat)
{
	(void)repeat;
	__wrap_uv_timer_stop(timer);
	FUZZ_ASSERT(ntimers < TIMERS);
	timers[ntimers].timer = timer;
	timers[ntimers].cb = cb;
	timers[ntimers++].due = plat_now() + ms * PLAT_NSEC_PER_MSEC;
	return 0;
}

void __wrap_uv_close(uv_handle_t *handle, uv_close_cb cb);
void __wrap_uv_close(uv_handle_t *handle, uv_close_cb cb)
{
	__wrap_uv_timer_stop((uv_timer_t *)handle);
	FUZZ_ASSERT(nends < ENDS);
	ends[nends].handle = handle;
	ends[nends++].cb = cb;
}

static uint64_t next_due(void)
{
	uint64_t due = PLAT_FOREVER;

	for (unsigned int i = 0; i < ntimers; i++)
		if (timers[i].due < due)
			due = timers[i].due;
	return due;
}

static bool run_timer(void)
{
	uint64_t due = next_due();
	unsigned int i;

	if (nends) {
		nends--;
		ends[nends].cb(ends[nends].handle);
		return true;
	}
	if (due == PLAT_FOREVER || due > plat_now())
		return false;
	for (i = 0; timers[i].due != due; i++)
		;
	uv_timer_t *timer = timers[i].timer;
	uv_timer_cb cb = timers[i].cb;

	timers[i] = timers[--ntimers];
	cb(timer);
	return true;
}

/* --- rounds ----------------------------------------------------------------------- */

void around_turn(void)
{
	unsigned int n;

	for (n = 0; n < 1000 && (run_post() || finish_work() || run_timer());
	     n++)
		;
}

static bool is_due(void *unused)
{
	(void)unused;
	return !list_empty(&posts) || nends || find_done();
}

void around_run(bool (*done)(void), uint64_t limit)
{
	uint64_t end = limit == PLAT_FOREVER ? limit : plat_now() + limit;
	uint64_t due;

	around_turn();
	while (!done() && plat_now() < end) {
		due = next_due();
		serial_wait(is_due, NULL, due < end ? due : end);
		around_turn();
	}
}

void around_begin(void)
{
	stopping = false;
}

void around_stop(void)
{
	stopping = true;
}

bool stop_begun(void)
{
	return stopping;
}

void stop_check(void)
{
}

void log_always(const char *fmt, ...)
{
	(void)fmt;
}

/* --- threads ------------------------------------------------------------------------ */

int __wrap_uv_thread_create(uv_thread_t *thread, uv_thread_cb run, void *arg);
int __wrap_uv_thread_create(uv_thread_t *thread, uv_thread_cb run, void *arg)
{
	*thread = (uv_thread_t)serial_spawn(run, arg);
	return 0;
}

int __wrap_uv_thread_join(uv_thread_t *thread);
int __wrap_uv_thread_join(uv_thread_t *thread)
{
	serial_join((struct serial_task *)*thread);
	return 0;
}

/* A guest's traffic has threads that do not wait for events: none here. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg)
{
	if (!serial_started())
		return __real_pthread_create(thread, attr, run, arg);
	return EAGAIN;
}

static bool is_free(void *lock)
{
	if (uv_mutex_trylock(lock))
		return false;
	uv_mutex_unlock(lock);
	return true;
}

void __wrap_uv_mutex_lock(uv_mutex_t *lock);
void __wrap_uv_mutex_lock(uv_mutex_t *lock)
{
	while (uv_mutex_trylock(lock))
		serial_wait(is_free, lock, PLAT_FOREVER);
}

struct wait {
	unsigned int *count, seen;
};

static unsigned int broadcasts;

static bool was_told(void *arg)
{
	struct wait *wait = arg;

	return *wait->count != wait->seen;
}

void __wrap_uv_cond_wait(uv_cond_t *cond, uv_mutex_t *lock);
void __wrap_uv_cond_wait(uv_cond_t *cond, uv_mutex_t *lock)
{
	struct wait wait = { &broadcasts, broadcasts };

	(void)cond;
	uv_mutex_unlock(lock);
	serial_wait(was_told, &wait, PLAT_FOREVER);
	__wrap_uv_mutex_lock(lock);
}

void __wrap_uv_cond_broadcast(uv_cond_t *cond);
void __wrap_uv_cond_broadcast(uv_cond_t *cond)
{
	(void)cond;
	broadcasts++;
}
