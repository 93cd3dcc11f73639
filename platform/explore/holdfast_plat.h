/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform "explore": the core under a scheduler of our own, which tries
 * every order of its threads' steps. See explore.h for what that is good for
 * and include/holdfast/platform.h for the contract.
 */
#ifndef HOLDFAST_PLAT_H
#define HOLDFAST_PLAT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	uint8_t owner; /* the thread's number + 1; 0: free */
} plat_lock_t;

typedef struct {
	bool set;
} plat_event_t;

typedef uint64_t plat_gp_t;

struct plat_rcu_head {
	struct plat_rcu_head *next;
	void (*fn)(struct plat_rcu_head *head);
	plat_gp_t gp;
};

/* Each execution makes and frees the registry; two segments are plenty. */
#define PLAT_PCI_SEGMENTS 4

/* --- atomic operations (weak.c) --------------------------------------------- */

/* Where one stands in the sources, and how strong it is there. */
struct explore_site {
	const char *file;
	int line, order;
};

#define explore_site_(memory_order)                                        \
	({                                                                 \
		static struct explore_site explore_site_                   \
			__attribute__((section("explore_site"), used)) = { \
				__FILE__, __LINE__, (memory_order)         \
			};                                                 \
		&explore_site_;                                            \
	})
/* False in a scenario's setup and finish: nobody else runs. */
extern bool explore_on;
/* A scenario's own atomic operations are calls there, too. */
#ifdef EXPLORE_SCENARIO
#define explore_calls_ true
#else
#define explore_calls_ explore_on
#endif
/* The type of what an atomic object holds. */
#define explore_value_(p) __typeof__((void)0, *(p))

void explore_load(const volatile void *p, void *value, unsigned int size,
		  const struct explore_site *site);
void explore_store(volatile void *p, const void *value, unsigned int size,
		   const struct explore_site *site);
/* Returns what was there. */
uint64_t explore_add(volatile void *p, uint64_t value, unsigned int size,
		     const struct explore_site *site);
uint64_t explore_or(volatile void *p, uint64_t value, unsigned int size,
		    const struct explore_site *site);
uint64_t explore_and(volatile void *p, uint64_t value, unsigned int size,
		     const struct explore_site *site);
bool explore_cas(volatile void *p, void *old, const void *new,
		 unsigned int size, const struct explore_site *site);
#define explore_sub(p, value, size, site) \
	explore_add(p, -(uint64_t)(value), size, site)

#define hf_load_(p, order)                                                 \
	({                                                                 \
		explore_value_(p) hf_loaded_;                              \
		if (explore_calls_)                                        \
			explore_load((p), &hf_loaded_, sizeof(hf_loaded_), \
				     explore_site_(order));                \
		else                                                       \
			hf_loaded_ = atomic_load_explicit((p), (order));   \
		hf_loaded_;                                                \
	})
#define hf_store_(p, v, order)                                              \
	({                                                                  \
		explore_value_(p) hf_stored_ = (v);                         \
		if (explore_calls_)                                         \
			explore_store((p), &hf_stored_, sizeof(hf_stored_), \
				      explore_site_(order));                \
		else                                                        \
			atomic_store_explicit((p), hf_stored_, (order));    \
	})
#define hf_fetch_(op, p, v, order)                                        \
	({                                                                \
		(explore_value_(p))(                                      \
			explore_calls_                                    \
				? explore_##op((p), (uint64_t)(v),        \
					       sizeof(*(p)),              \
					       explore_site_(order))      \
				: (uint64_t)atomic_fetch_##op##_explicit( \
					  (p), (v), (order)));            \
	})
#define hf_cas_(p, old, new, order)                                          \
	({                                                                   \
		explore_value_(p) hf_new_ = (new);                           \
		explore_calls_                                               \
			? explore_cas((p), (old), &hf_new_, sizeof(hf_new_), \
				      explore_site_(order))                  \
			: atomic_compare_exchange_strong_explicit(           \
				  (p), (old), hf_new_, (order),              \
				  memory_order_relaxed);                     \
	})

#endif
