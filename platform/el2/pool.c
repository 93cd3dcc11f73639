/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory: one fixed pool, cut by halves (a buddy allocator).
 *
 * The pool is made of grains of 64 bytes. A block is 2^order grains, aligned to
 * its own size from the pool's start; free ones are on the list of their order.
 * map[] says of a block's first grain what order it has and whether it is free,
 * of any other grain that it is INSIDE one. What is given back joins its buddy,
 * the other half of the next larger block, as long as that is free and whole.
 *
 * The map lies at the pool's end. One lock guards everything; a block's
 * contents are its owner's, but for the links of a free one.
 */
#include "el2.h"

#define GRAIN_SHIFT 6
#define GRAIN ((size_t)1 << GRAIN_SHIFT)
#define ORDERS 26 /* up to 2 GiB in one block */

#define INSIDE 0xff
#define FREE 0x80 /* with the order */

struct block { /* a free one */
	struct block *next, **link;
};

static struct {
	plat_lock_t lock;
	char *base;
	uint8_t *map;
	size_t grains;
	struct block *free[ORDERS];
	struct plat_pool_stats stats;
} pool;

static struct block *block_at(size_t grain)
{
	return (struct block *)(pool.base + (grain << GRAIN_SHIFT));
}

static size_t grain_of(const void *p)
{
	return (size_t)((const char *)p - pool.base) >> GRAIN_SHIFT;
}

static void put_on_list(size_t grain, unsigned int order)
{
	struct block *block = block_at(grain);

	pool.map[grain] = (uint8_t)(FREE | order);
	block->next = pool.free[order];
	block->link = &pool.free[order];
	if (block->next)
		block->next->link = &block->next;
	pool.free[order] = block;
}

static void take_off_list(struct block *block)
{
	*block->link = block->next;
	if (block->next)
		block->next->link = block->link;
}

/* The largest blocks that the alignment of their place allows. */
void plat_pool_init(void *base, size_t size)
{
	size_t grain = 0, map = size / (GRAIN + 1);
	unsigned int order;

	pool.base = base;
	pool.grains = (size - map - 1) >> GRAIN_SHIFT;
	pool.map = (uint8_t *)pool.base + (pool.grains << GRAIN_SHIFT);
	pool.stats.size = pool.grains << GRAIN_SHIFT;
	memset(pool.map, INSIDE, pool.grains);
	while (grain < pool.grains) {
		order = 0;
		while (order + 1 < ORDERS &&
		       !(grain & (((size_t)2 << order) - 1)) &&
		       grain + ((size_t)2 << order) <= pool.grains)
			order++;
		put_on_list(grain, order);
		grain += (size_t)1 << order;
	}
}

/* ORDERS: no block is that large. */
static unsigned int order_of(size_t size)
{
	unsigned int order = 0;

	while (order < ORDERS && GRAIN << order < size)
		order++;
	return order;
}

/* A block of @order, from the smallest that is large enough; under the lock. */
static struct block *cut(unsigned int order)
{
	unsigned int from = order;
	struct block *block;
	size_t grain;

	while (from < ORDERS && !pool.free[from])
		from++;
	if (from >= ORDERS)
		return NULL;
	block = pool.free[from];
	take_off_list(block);
	grain = grain_of(block);
	while (from > order) {
		from--;
		put_on_list(grain + ((size_t)1 << from), from);
	}
	pool.map[grain] = (uint8_t)order;
	return block;
}

static void account(struct block *block, unsigned int order)
{
	struct plat_pool_stats *stats = &pool.stats;

	if (!block) {
		stats->failed++;
		return;
	}
	stats->used += GRAIN << order;
	if (stats->peak < stats->used)
		stats->peak = stats->used;
}

void *plat_zalloc(size_t size)
{
	unsigned int order = order_of(size);
	struct plat_pool_stats now;
	struct block *block;

	plat_lock(&pool.lock);
	block = cut(order);
	account(block, order);
	now = pool.stats;
	plat_unlock(&pool.lock);
	if (!block && now.failed == 1)
		plat_log(PLAT_ERROR,
			 "memory: no room for %zu bytes, %zu of %zu are used",
			 size, now.used, now.size);
	return block ? memset(block, 0, size) : NULL;
}

static bool is_free(size_t grain, unsigned int order)
{
	return grain + ((size_t)1 << order) <= pool.grains &&
	       pool.map[grain] == (FREE | order);
}

static void join(size_t grain, unsigned int order)
{
	size_t buddy;

	pool.map[grain] = INSIDE;
	for (; order + 1 < ORDERS; order++) {
		buddy = grain ^ (size_t)1 << order;
		if (!is_free(buddy, order))
			break;
		take_off_list(block_at(buddy));
		pool.map[buddy] = INSIDE;
		grain &= ~((size_t)1 << order);
	}
	put_on_list(grain, order);
}

void plat_free(void *p)
{
	unsigned int order;
	size_t grain;

	if (!p)
		return;
	grain = grain_of(p);
	plat_lock(&pool.lock);
	if (grain >= pool.grains || (uintptr_t)p & (GRAIN - 1) ||
	    pool.map[grain] & FREE)
		plat_bug("memory: %p given back and not taken", p);
	order = pool.map[grain];
	pool.stats.used -= GRAIN << order;
	join(grain, order);
	plat_unlock(&pool.lock);
}

void plat_pool_stats(struct plat_pool_stats *stats)
{
	plat_lock(&pool.lock);
	*stats = pool.stats;
	plat_unlock(&pool.lock);
}
