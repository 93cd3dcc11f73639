/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory, locks, events, time and log of the platform "posix". RCU is in
 * rcu.c.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <holdfast/platform.h>

void *plat_zalloc(size_t size)
{
	return calloc(1, size);
}

void plat_free(void *p)
{
	free(p);
}

void plat_lock_init(plat_lock_t *lock)
{
	pthread_mutex_init(lock, NULL);
}

void plat_lock_destroy(plat_lock_t *lock)
{
	pthread_mutex_destroy(lock);
}

void plat_lock(plat_lock_t *lock)
{
	pthread_mutex_lock(lock);
}

void plat_unlock(plat_lock_t *lock)
{
	pthread_mutex_unlock(lock);
}

uint64_t plat_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * PLAT_NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* --- events ----------------------------------------------------------------
 *
 * Each device has two, and hardly any of them is ever waited for: so who does
 * waits at one of a few places that all events share, by address, and looks
 * again whenever anything is set there.
 */
#define PLACE_BITS 6
#define PLACES (1u << PLACE_BITS)

static struct place {
	pthread_mutex_t lock; /* guards .set of its events */
	pthread_cond_t cond;
} places[PLACES] = { [0 ... PLACES - 1] = { PTHREAD_MUTEX_INITIALIZER,
					    PTHREAD_COND_INITIALIZER } };

static struct place *place_of(const plat_event_t *event)
{
	uint32_t hash = (uint32_t)((uintptr_t)event >> 3) * 2654435761u;

	return &places[hash >> (32 - PLACE_BITS)];
}

void plat_event_init(plat_event_t *event)
{
	event->set = false;
}

void plat_event_destroy(plat_event_t *event)
{
	(void)event;
}

void plat_event_set(plat_event_t *event)
{
	struct place *place = place_of(event);

	pthread_mutex_lock(&place->lock);
	event->set = true;
	pthread_cond_broadcast(&place->cond);
	pthread_mutex_unlock(&place->lock);
}

void plat_event_clear(plat_event_t *event)
{
	struct place *place = place_of(event);

	pthread_mutex_lock(&place->lock);
	event->set = false;
	pthread_mutex_unlock(&place->lock);
}

bool plat_event_wait(plat_event_t *event, uint64_t deadline)
{
	struct timespec ts = {
		.tv_sec = (time_t)(deadline / PLAT_NSEC_PER_SEC),
		.tv_nsec = (long)(deadline % PLAT_NSEC_PER_SEC),
	};
	struct place *place = place_of(event);
	int err = 0;
	bool set;

	pthread_mutex_lock(&place->lock);
	while (!event->set && err != ETIMEDOUT) {
		if (deadline == PLAT_FOREVER)
			pthread_cond_wait(&place->cond, &place->lock);
		else
			err = pthread_cond_clockwait(&place->cond, &place->lock,
						     CLOCK_MONOTONIC, &ts);
	}
	set = event->set;
	pthread_mutex_unlock(&place->lock);
	return set;
}

/* --- log ------------------------------------------------------------------ */

static void log_to_stderr(enum plat_level level, const char *line)
{
	static const char *const name[] = { "error", "warning", "info",
					    "debug" };

	fprintf(stderr, "holdfast: %s: %s\n", name[level], line);
}

static void (*log_sink)(enum plat_level, const char *) = log_to_stderr;
static enum plat_level log_max = PLAT_WARN;

void plat_log_to(void (*sink)(enum plat_level level, const char *line))
{
	log_sink = sink ? sink : log_to_stderr;
}

void plat_log_level(enum plat_level level)
{
	log_max = level;
}

static void log_line(enum plat_level level, const char *fmt, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), fmt, args);
	log_sink(level, line);
}

void plat_log(enum plat_level level, const char *fmt, ...)
{
	va_list args;

	if (level > log_max)
		return;
	va_start(args, fmt);
	log_line(level, fmt, args);
	va_end(args);
}

void plat_bug(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_line(PLAT_ERROR, fmt, args);
	va_end(args);
	abort();
}

#ifdef HOLDFAST_DEBUG
static __thread struct plat_held held;

struct plat_held *plat_held(void)
{
	return &held;
}

void plat_section_enter(void)
{
	held.sections++;
}

void plat_section_leave(void)
{
	held.sections--;
}
#endif

#ifdef HOLDFAST_REF_TRACKER
const char **plat_ref_site(void)
{
	static __thread const char *site;

	return &site;
}
#endif
