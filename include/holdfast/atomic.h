/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only door of the core to atomic operations.
 *
 * Each name says its memory order, so that every use is a decision that a
 * reader can question. They all come down to four primitives, which a platform
 * may bring itself in holdfast_plat.h, all four of them (the platform
 * "explore" switches threads there, and gives loads the older values that C11
 * allows them).
 *
 * No fences: they are hard to check, and ThreadSanitizer does not know them.
 */
#ifndef HOLDFAST_ATOMIC_H
#define HOLDFAST_ATOMIC_H

#include <stdatomic.h>

#include <holdfast/types.h>

#include "holdfast_plat.h"

/* The type of an object that is only touched through this header. */
#define hf_atomic(type) _Atomic(type)

#ifndef hf_load_
#define hf_load_(p, order) atomic_load_explicit((p), (order))
#define hf_store_(p, v, order) atomic_store_explicit((p), (v), (order))
/* @op: add, sub, or, and. */
#define hf_fetch_(op, p, v, order) \
	atomic_fetch_##op##_explicit((p), (v), (order))
#define hf_cas_(p, old, new, order)                                         \
	atomic_compare_exchange_strong_explicit((p), (old), (new), (order), \
						memory_order_relaxed)
#endif

#define hf_load_relaxed(p) hf_load_(p, memory_order_relaxed)
#define hf_load_acquire(p) hf_load_(p, memory_order_acquire)
#define hf_store_relaxed(p, v) hf_store_(p, v, memory_order_relaxed)
#define hf_store_release(p, v) hf_store_(p, v, memory_order_release)

/* All return the old value. */
#define hf_fetch_add_relaxed(p, v) hf_fetch_(add, p, v, memory_order_relaxed)
#define hf_fetch_sub_release(p, v) hf_fetch_(sub, p, v, memory_order_release)
#define hf_fetch_or_relaxed(p, v) hf_fetch_(or, p, v, memory_order_relaxed)
#define hf_fetch_or_release(p, v) hf_fetch_(or, p, v, memory_order_release)
#define hf_fetch_or_acq_rel(p, v) hf_fetch_(or, p, v, memory_order_acq_rel)
#define hf_fetch_and_release(p, v) hf_fetch_(and, p, v, memory_order_release)

/*
 * Compare and swap: true if *@p was *@old and now is @new; else *@old is what
 * was there, read relaxed. The order is that of success.
 */
#define hf_cas_relaxed(p, old, new) hf_cas_(p, old, new, memory_order_relaxed)
#define hf_cas_acquire(p, old, new) hf_cas_(p, old, new, memory_order_acquire)
#define hf_cas_release(p, old, new) hf_cas_(p, old, new, memory_order_release)
#define hf_cas_acq_rel(p, old, new) hf_cas_(p, old, new, memory_order_acq_rel)

/* Before anybody else can see the object: a plain store. */
#define hf_init(p, v) atomic_init((p), (v))

#endif
