/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform "posix": pthreads and liburcu (memb flavour). See
 * include/holdfast/platform.h for the contract.
 */
#ifndef HOLDFAST_PLAT_H
#define HOLDFAST_PLAT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Inline sections, but not where ThreadSanitizer would look into them. */
#ifndef __SANITIZE_THREAD__
#define _LGPL_SOURCE
#endif
#include <urcu/urcu-memb.h>

typedef pthread_mutex_t plat_lock_t;

typedef struct {
	bool set; /* guarded by its place in posix.c */
} plat_event_t;

struct plat_rcu_head {
	struct rcu_head urcu;
	void (*fn)(struct plat_rcu_head *head);
};

typedef uint64_t plat_gp_t;

/*
 * liburcu wants each reader registered; the first section of a thread does
 * it, the thread's end undoes it.
 */
extern __thread bool plat_rcu_registered;
__attribute__((cold)) void plat_rcu_register(void);

/*
 * liburcu is not instrumented, so ThreadSanitizer does not see that what a
 * section did happens before the end of a grace period that waited for it.
 * These say so; they order nothing else.
 */
#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
extern char plat_rcu_tag;
#define plat_tsan_acquire(addr) __tsan_acquire(addr)
#define plat_tsan_release(addr) __tsan_release(addr)
#else
#define plat_tsan_acquire(addr) ((void)0)
#define plat_tsan_release(addr) ((void)0)
#endif

#ifdef HOLDFAST_DEBUG
void plat_section_enter(void);
void plat_section_leave(void);
#else
#define plat_section_enter() ((void)0)
#define plat_section_leave() ((void)0)
#endif

#define plat_rcu_read_lock plat_rcu_read_lock
static inline void plat_rcu_read_lock(void)
{
	if (__builtin_expect(!plat_rcu_registered, 0))
		plat_rcu_register();
	urcu_memb_read_lock();
	plat_section_enter();
}

static inline void plat_rcu_read_unlock(void)
{
	plat_section_leave();
	plat_tsan_release(&plat_rcu_tag);
	urcu_memb_read_unlock();
}

/* --- beyond the contract: for hosted programs ------------------------------ */

enum plat_level;

/* Where log lines go; NULL: stderr. @line has no newline. Any thread. */
void plat_log_to(void (*sink)(enum plat_level level, const char *line));
/* Lines above this level are dropped. */
void plat_log_level(enum plat_level level);

#endif
