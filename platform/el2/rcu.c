/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RCU by quiescent states.
 *
 * Grace periods have numbers; plat_gp_start() draws the next one from `drawn`.
 * Each CPU has a word, `seen`, that it alone writes:
 *
 *   0   it is in its guest, or off: it has no section;
 *   n   it is in the hypervisor, and has had no section open at some time since
 *       n was drawn.
 *
 * A section itself writes nothing that others read. Period k is over when each
 * CPU's word has been found to be 0, or k and above.
 *
 * Proof. Let U be what the caller of plat_gp_start() has done before (it has
 * unpublished a pointer), k its number, and B the barrier in the plat_gp_done()
 * that found the word of CPU c to be good, F what its caller does after that
 * (it frees). To show: a section of c has ended before F, or it sees U.
 *
 *  1. U happens before k is drawn (the draw releases) and so before B: the
 *     caller of plat_gp_done() has k from whoever drew it.
 *  2. c stores to `seen` only between sections, with release. So a section that
 *     ended before the store that was read has ended before F: the read
 *     acquires. Left are the sections after it.
 *  3. The word was n >= k: c has read `drawn` as n, or as a later draw's value,
 *     before it stored n, and acquired; all draws are read-modify-writes, so k's
 *     draw happens before that, and with it U. Sections after it see U.
 *  4. The word was 0: the sections after it follow an entry, which stores
 *     another value and then has a barrier, E, before the first of them. Full
 *     barriers have one order. If E came before B, the read after B would
 *     have found that value, or a later one; it did not, as 0 was read. So
 *     B came before E, and what follows E sees U, which came before B.
 *
 * rcu.pml is this as a model.
 *
 * The barrier of an entry is the only price of a trap. One in plat_gp_done()
 * is enough, for 1. says that U is before it on whichever CPU it runs.
 *
 * Progress: a CPU in its guest or off holds nobody up; one in the hypervisor
 * leaves it, or waits, and who waits passes quiescent states, here and in
 * plat_event_wait(). Who spins for a lock does not: he may be in a section; but
 * nobody waits for anything else while he holds one.
 */
#include <holdfast/atomic.h>

#include "el2.h"

static hf_atomic(uint64_t) drawn = 1; /* so that no word of a CPU inside is 0 */
static hf_atomic(struct plat_cpu *) cpus[PLAT_EL2_CPUS];

void plat_cpu_init(struct plat_cpu *cpu, unsigned int id)
{
	HF_ASSERT(id < PLAT_EL2_CPUS);
	cpu->id = id;
	cpu->sections = 0;
	hf_init(&cpu->seen, 0);
	hf_store_release(&cpus[id], cpu);
}

void plat_rcu_enter(void)
{
	struct plat_cpu *cpu = plat_this_cpu();

	hf_store_release(&cpu->seen, hf_load_acquire(&drawn));
	plat_full_barrier();
}

void plat_rcu_leave(void)
{
	struct plat_cpu *cpu = plat_this_cpu();

	HF_ASSERT(!cpu->sections);
	hf_store_release(&cpu->seen, 0);
}

void plat_rcu_quiescent(void)
{
	struct plat_cpu *cpu = plat_this_cpu();

	HF_ASSERT(!cpu->sections);
	hf_store_release(&cpu->seen, hf_load_acquire(&drawn));
}

plat_gp_t plat_gp_start(void)
{
	return hf_fetch_(add, &drawn, 1, memory_order_release) + 1;
}

/* Whoever asks outside a section is in none that could be waited for. */
bool plat_gp_done(plat_gp_t gp)
{
	struct plat_cpu *cpu;
	uint64_t seen;
	unsigned int i;

	if (!plat_this_cpu()->sections)
		plat_rcu_quiescent();
	plat_full_barrier();
	for (i = 0; i < PLAT_EL2_CPUS; i++) {
		cpu = hf_load_acquire(&cpus[i]);
		seen = cpu ? hf_load_acquire(&cpu->seen) : 0;
		if (seen && seen < gp)
			return false;
	}
	return true;
}

void plat_rcu_synchronize(void)
{
	plat_gp_t gp = plat_gp_start();

	while (!plat_gp_done(gp)) {
		plat_rcu_poll();
		plat_relax();
	}
}

/* --- callbacks ----------------------------------------------------------------
 *
 * One queue in the order of their periods. One CPU at a time runs them, one by
 * one and without the lock, so that `ran` counts the first ones of the queue.
 */
static struct {
	plat_lock_t lock;                        /* guards the rest */
	hf_atomic(struct plat_rcu_head *) first; /* also looked at without it */
	struct plat_rcu_head *last;
	bool busy;
	uint64_t queued, ran;
} callbacks;

void plat_rcu_call(struct plat_rcu_head *head,
		   void (*fn)(struct plat_rcu_head *head))
{
	head->next = NULL;
	head->fn = fn;
	plat_lock(&callbacks.lock);
	head->gp = plat_gp_start();
	if (hf_load_relaxed(&callbacks.first))
		callbacks.last->next = head;
	else
		hf_store_relaxed(&callbacks.first, head);
	callbacks.last = head;
	callbacks.queued++;
	plat_unlock(&callbacks.lock);
}

static struct plat_rcu_head *take(void)
{
	struct plat_rcu_head *head;

	plat_lock(&callbacks.lock);
	head = hf_load_relaxed(&callbacks.first);
	if (head && !callbacks.busy && plat_gp_done(head->gp)) {
		hf_store_relaxed(&callbacks.first, head->next);
		callbacks.busy = true;
	} else {
		head = NULL;
	}
	plat_unlock(&callbacks.lock);
	return head;
}

void plat_rcu_poll(void)
{
	struct plat_rcu_head *head;

	while (hf_load_relaxed(&callbacks.first) && (head = take())) {
		head->fn(head);
		plat_lock(&callbacks.lock);
		callbacks.ran++;
		callbacks.busy = false;
		plat_unlock(&callbacks.lock);
	}
}

static uint64_t read_locked(const uint64_t *counter)
{
	uint64_t n;

	plat_lock(&callbacks.lock);
	n = *counter;
	plat_unlock(&callbacks.lock);
	return n;
}

void plat_rcu_barrier(void)
{
	uint64_t queued = read_locked(&callbacks.queued);

	while (read_locked(&callbacks.ran) < queued) {
		plat_rcu_quiescent();
		plat_rcu_poll();
		plat_relax();
	}
}
