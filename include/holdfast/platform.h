/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the core needs from where it runs. An embedder writes one header,
 * holdfast_plat.h, found on the include path, with the types below and, where
 * it likes, static inline functions; and one C file with the rest.
 *
 * holdfast_plat.h defines
 *
 *   plat_lock_t       a mutual-exclusion lock, never recursive
 *   plat_event_t      a flag that one thread waits for and any context sets
 *   struct plat_rcu_head  embedded in what is freed through RCU
 *   plat_gp_t         names a grace period, cheap to copy
 *   PLAT_PCI_SEGMENTS (optional) how many segments, 65536 unless told
 *   PLAT_PAGE_SIZE    (optional) of guest mappings, 4096 unless told
 *   hf_load_ …        (optional) see atomic.h
 *
 * and the functions of this header that it prefers inline, each announced by
 * a macro of its own name (#define plat_rcu_read_lock plat_rcu_read_lock).
 */
#ifndef HOLDFAST_PLATFORM_H
#define HOLDFAST_PLATFORM_H

#include <holdfast/types.h>

#include "holdfast_plat.h"

#ifndef PLAT_PCI_SEGMENTS
#define PLAT_PCI_SEGMENTS 65536
#endif

#ifndef PLAT_PAGE_SIZE
#define PLAT_PAGE_SIZE 4096u
#endif

/* --- memory ------------------------------------------------------------ */

/*
 * Zeroed memory aligned for any type, or NULL. Never called under a lock; in a
 * section, too, so it must not sleep for long.
 */
void *plat_zalloc(size_t size) __must_check;
void plat_free(void *p);

/* --- locks -------------------------------------------------------------
 * The core uses them through lock.h, which checks their order.
 */
void plat_lock_init(plat_lock_t *lock);
void plat_lock_destroy(plat_lock_t *lock);
void plat_lock(plat_lock_t *lock);
void plat_unlock(plat_lock_t *lock);

/* --- read-copy-update --------------------------------------------------
 * A read-side section never sleeps, may nest, and may run in an interrupt.
 * A grace period that starts after a store has ended when every section that
 * was open at its start has been left.
 */
#ifndef plat_rcu_read_lock
void plat_rcu_read_lock(void);
void plat_rcu_read_unlock(void);
#endif

/* Run @fn(@head) after a grace period. Any context; never fails. */
void plat_rcu_call(struct plat_rcu_head *head,
		   void (*fn)(struct plat_rcu_head *head));

/* Wait for a grace period. May sleep: no lock, no section. */
void plat_rcu_synchronize(void);

/*
 * The same for those who may not sleep: plat_gp_start() names a grace period
 * that starts no earlier than the call, plat_gp_done() says whether it ended.
 */
plat_gp_t plat_gp_start(void);
bool plat_gp_done(plat_gp_t gp);

/* Wait until all callbacks queued so far have run. May sleep. */
void plat_rcu_barrier(void);

/* --- time and waiting --------------------------------------------------- */

#define PLAT_NSEC_PER_MSEC 1000000ull
#define PLAT_NSEC_PER_SEC 1000000000ull
#define PLAT_FOREVER UINT64_MAX

uint64_t plat_now(void); /* monotonic, nanoseconds */

/*
 * An event is set from any context, also inside a section and under locks,
 * and stays set until cleared. plat_event_wait() returns true once it is set
 * and false at @deadline (plat_now() units); it may sleep. Whatever was
 * written before plat_event_set() is seen after a wait that returned true, or
 * after a plat_event_clear() that took it back: waiters clear, then test.
 */
void plat_event_init(plat_event_t *event);
void plat_event_destroy(plat_event_t *event);
void plat_event_set(plat_event_t *event);
void plat_event_clear(plat_event_t *event);
bool plat_event_wait(plat_event_t *event, uint64_t deadline);

/* --- talking ------------------------------------------------------------ */

enum plat_level { PLAT_ERROR, PLAT_WARN, PLAT_INFO, PLAT_DEBUG };

/* %s %d %u %x %lx %llx %llu %p suffice. Any context, any lock. */
void plat_log(enum plat_level level, const char *fmt, ...) hf_printf_like(2, 3);

/* A mistake of our own: print and stop. */
void plat_bug(const char *fmt, ...) hf_printf_like(1, 2)
	__attribute__((noreturn));

#define HF_ASSERT(cond)                                               \
	do {                                                          \
		if (!(cond))                                          \
			plat_bug("%s:%d: %s does not hold", __FILE__, \
				 __LINE__, #cond);                    \
	} while (0)

/* --- debugging ---------------------------------------------------------- */

#ifdef HOLDFAST_DEBUG
struct pci_lock;

/* The locks that the calling thread (or CPU) holds, outermost first. */
struct plat_held {
	const struct pci_lock *lock[8];
	unsigned int count;
	unsigned int sections; /* read-side nesting, kept by the platform */
};
struct plat_held *plat_held(void);
#endif

#ifdef HOLDFAST_REF_TRACKER
/* One word of the calling thread (or CPU) that the reference tracker keeps. */
const char **plat_ref_site(void);
#endif

#endif
