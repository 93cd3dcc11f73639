/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of the toy hypervisor: blocks of powers of two, cut from one static
 * arena and kept in a free list each. Not for interrupts.
 */
#include <holdfast/platform.h>

#include "memory.h"

#define SMALLEST 5 /* 32 bytes */
#define LARGEST 16

struct block {
	union {
		size_t order;       /* in use */
		struct block *next; /* free */
	};
	max_align_t data[];
};

static _Alignas(max_align_t) char arena[512 * 1024];
static size_t cut;
static struct block *free_list[LARGEST + 1];
static unsigned int in_use;

void *plat_zalloc(size_t size)
{
	size_t order = SMALLEST;
	struct block *block;

	if (size > ((size_t)1 << LARGEST) - sizeof(*block))
		return NULL;
	while (((size_t)1 << order) < size + sizeof(*block))
		order++;
	block = free_list[order];
	if (block) {
		free_list[order] = block->next;
	} else if (sizeof(arena) - cut >= (size_t)1 << order) {
		block = (struct block *)(arena + cut);
		cut += (size_t)1 << order;
	} else {
		return NULL;
	}
	block->order = order;
	in_use++;
	return memset(block->data, 0, size);
}

void plat_free(void *p)
{
	struct block *block;
	size_t order;

	if (!p)
		return;
	block = container_of(p, struct block, data);
	order = block->order;
	block->next = free_list[order];
	free_list[order] = block;
	in_use--;
}

unsigned int memory_in_use(void)
{
	return in_use;
}
