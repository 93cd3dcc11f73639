/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables of domains: a tree of six levels over 64-bit addresses, a leaf a
 * page, so that any part of what was mapped can be unmapped without memory.
 * Tables stay until the space is destroyed.
 */
#include "machine.h"

#define BITS 9
#define ENTRIES (1u << BITS)

struct iommu_space *fab_space(struct fab_machine *m, uint32_t id)
{
	struct iommu_space *space = m->spaces;

	while (space && space->id != id)
		space = space->next;
	return space;
}

/* The leaf of @dma; NULL: no table there, or, when @make, no memory. */
static union fab_entry *leaf(struct iommu_space *space, uint64_t dma, bool make)
{
	union fab_entry **table = &space->root, *entry = NULL;

	for (unsigned int level = FAB_LEVELS; level--;) {
		if (!*table && make)
			*table = plat_zalloc(ENTRIES * sizeof(**table));
		if (!*table)
			return NULL;
		entry = &(*table)[dma >> (12 + level * BITS) & (ENTRIES - 1)];
		table = &entry->table;
	}
	return entry;
}

uint64_t fab_space_look(struct iommu_space *space, uint64_t dma)
{
	union fab_entry *entry = leaf(space, dma, false);

	return entry ? entry->page : 0;
}

static void unmap_page(struct iommu_space *space, uint64_t dma)
{
	union fab_entry *entry = leaf(space, dma, false);

	if (entry && entry->page) {
		entry->page = 0;
		space->pages--;
	}
}

static int map_pages(struct iommu_space *space, uint64_t dma, uint64_t hpa,
		     uint64_t n, unsigned int flags)
{
	union fab_entry *entry;

	if (n > FAB_MAX_MAPPED - space->pages)
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i++) {
		entry = leaf(space, dma + i * FABRIC_PAGE, true);
		if (!entry) {
			while (i--)
				unmap_page(space, dma + i * FABRIC_PAGE);
			return -ENOMEM;
		}
		space->pages += !entry->page;
		entry->page = (hpa + i * FABRIC_PAGE) | flags;
	}
	return 0;
}

int fab_space_map(struct pci_host *host, struct iommu_space *space,
		  uint64_t dma, uint64_t hpa, uint64_t size, unsigned int flags)
{
	struct fab_machine *m = fab_of_host(host)->machine;
	int rc;

	pthread_mutex_lock(&m->lock);
	rc = fab_call(m, FABRIC_CALL_MAP, -ENOMEM);
	if (!rc)
		rc = map_pages(space, dma, hpa, size / FABRIC_PAGE,
			       flags & (IOMMU_READ | IOMMU_WRITE));
	pthread_mutex_unlock(&m->lock);
	return rc;
}

void fab_space_unmap(struct pci_host *host, struct iommu_space *space,
		     uint64_t dma, uint64_t size)
{
	struct fab_machine *m = fab_of_host(host)->machine;

	pthread_mutex_lock(&m->lock);
	for (uint64_t i = 0; i < size / FABRIC_PAGE && space->pages; i++)
		unmap_page(space, dma + i * FABRIC_PAGE);
	pthread_mutex_unlock(&m->lock);
}

/* --- spaces --------------------------------------------------------------- */

int fab_space_create(struct pci_host *host, unsigned int domid,
		     struct iommu_space **out)
{
	struct fab_machine *m = fab_of_host(host)->machine;
	struct iommu_space *space;
	int rc;

	pthread_mutex_lock(&m->lock);
	rc = fab_call(m, FABRIC_CALL_SPACE_CREATE, -ENOMEM);
	space = rc ? NULL : plat_zalloc(sizeof(*space));
	if (space) {
		space->id = ++m->next_space;
		space->domid = domid;
		space->next = m->spaces;
		m->spaces = space;
		m->nspaces++;
		*out = space;
	}
	pthread_mutex_unlock(&m->lock);
	return space ? 0 : -ENOMEM;
}

static void free_tables(union fab_entry *table, unsigned int level)
{
	for (unsigned int i = 0; table && level && i < ENTRIES; i++)
		free_tables(table[i].table, level - 1);
	plat_free(table);
}

static void free_space(struct iommu_space *space)
{
	free_tables(space->root, FAB_LEVELS - 1);
	plat_free(space);
}

void fab_space_destroy(struct pci_host *host, struct iommu_space *space)
{
	struct fabric *f = fab_of_host(host);
	struct fab_machine *m = f->machine;
	struct iommu_space **at = &m->spaces;
	uint64_t contexts;
	unsigned int domid;

	pthread_mutex_lock(&m->lock);
	while (*at != space)
		at = &(*at)->next;
	*at = space->next;
	m->nspaces--;
	contexts = space->contexts;
	domid = space->domid;
	free_space(space);
	pthread_mutex_unlock(&m->lock);
	if (contexts)
		fabric_violation(f, pci_sbdf_from(0),
				 "the tables of domain %u are gone, and %llu "
				 "requesters use them",
				 domid, (unsigned long long)contexts);
}

void fab_spaces_fini(struct fab_machine *m)
{
	struct iommu_space *space;

	while ((space = m->spaces)) {
		m->spaces = space->next;
		free_space(space);
	}
}
