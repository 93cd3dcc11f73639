/* SPDX-License-Identifier: BSD-2-Clause */
/* The toy hypervisor's own lock, read-copy-update and memory, for one CPU. */
#include <holdfast/platform.h>

void plat_lock_init(plat_lock_t *lock)
{
	lock->word[0] = 0;
}
void plat_lock_destroy(plat_lock_t *lock)
{
	HF_ASSERT(!lock->word[0]);
}
void plat_lock(plat_lock_t *lock)
{
	while (__atomic_exchange_n(lock->word, 1, __ATOMIC_ACQUIRE))
		;
}
void plat_unlock(plat_lock_t *lock)
{
	__atomic_store_n(lock->word, 0, __ATOMIC_RELEASE);
}

/* A grace period is over once the CPU has left its outermost section. */
static plat_gp_t sections, left;
static struct plat_rcu_head *callbacks;

void plat_rcu_read_lock(void)
{
	sections++;
}
void plat_rcu_read_unlock(void)
{
	left += !--sections;
}
plat_gp_t plat_gp_start(void)
{
	return left + !!sections;
}
bool plat_gp_done(plat_gp_t gp)
{
	return left >= gp;
}
void plat_rcu_call(struct plat_rcu_head *h, void (*fn)(struct plat_rcu_head *))
{
	h->word[0] = (uintptr_t)callbacks;
	h->word[1] = (uintptr_t)fn;
	callbacks = h;
}
void plat_rcu_synchronize(void)
{
	HF_ASSERT(!sections);
}
void plat_rcu_barrier(void)
{
	plat_rcu_synchronize();
	for (struct plat_rcu_head *h; (h = callbacks);) {
		callbacks = (void *)h->word[0];
		((void (*)(struct plat_rcu_head *))h->word[1])(h);
	}
}

/* Blocks of one size; a new one is cut when none was given back. */
static union block {
	union block *next;
	_Alignas(16) char room[16384];
} arena[256], *unused;
static size_t cut;
unsigned int plat_in_use;

void *plat_zalloc(size_t size)
{
	union block *block;

	if (!unused && cut < ARRAY_SIZE(arena))
		unused = &arena[cut++];
	block = unused;
	if (!block || size > sizeof(*block))
		return NULL;
	unused = block->next;
	plat_in_use++;
	return memset(block, 0, size);
}
void plat_free(void *p)
{
	if (p) {
		((union block *)p)->next = unused;
		unused = p;
		plat_in_use--;
	}
}
