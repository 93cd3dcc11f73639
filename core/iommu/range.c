/* SPDX-License-Identifier: BSD-2-Clause */
/* The record of what a domain has mapped: ranges, ascending and apart. */
#include "iommu/internal.h"

hf_atomic(uint64_t) iommu_mappings;

bool dma_overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a - b < b_size || b - a < a_size;
}

/* The first range that ends above @at. */
unsigned int dma_find(const struct pci_dma *dma, uint64_t at)
{
	unsigned int i = 0;

	while (i < dma->n && dma->range[i].dma + (dma->range[i].size - 1) < at)
		i++;
	return i;
}

bool dma_is_free(const struct pci_dma *dma, uint64_t at, uint64_t size)
{
	unsigned int i = dma_find(dma, at);

	return i == dma->n ||
	       !dma_overlaps(at, size, dma->range[i].dma, dma->range[i].size);
}

/* All of it is mapped. */
bool dma_is_covered(const struct pci_dma *dma, uint64_t at, uint64_t size)
{
	unsigned int i;

	for (i = dma_find(dma, at); size; i++) {
		uint64_t skip, part;

		if (i == dma->n || dma->range[i].dma > at)
			return false;
		skip = at - dma->range[i].dma;
		part = dma->range[i].size - skip;
		part = part < size ? part : size;
		at += part;
		size -= part;
	}
	return true;
}

void dma_insert(struct pci_dma *dma, unsigned int i, const struct dma_range *r)
{
	unsigned int j;

	for (j = dma->n++; j > i; j--)
		dma->range[j] = dma->range[j - 1];
	dma->range[i] = *r;
	hf_fetch_add_relaxed(&iommu_mappings, 1);
}

void dma_erase(struct pci_dma *dma, unsigned int i)
{
	for (dma->n--; i < dma->n; i++)
		dma->range[i] = dma->range[i + 1];
	hf_fetch_sub_release(&iommu_mappings, 1);
}

/* Take out what is covered; there is room for one range more. */
void dma_cut(struct pci_dma *dma, uint64_t at, uint64_t size)
{
	unsigned int i = dma_find(dma, at);

	while (size) {
		struct dma_range *r = &dma->range[i], rest = *r;
		uint64_t skip = at - r->dma, part = r->size - skip;

		part = part < size ? part : size;
		rest.dma += skip + part;
		rest.hpa += skip + part;
		rest.size -= skip + part;
		if (skip) {
			r->size = skip;
			i++;
			if (rest.size)
				dma_insert(dma, i, &rest);
		} else if (rest.size) {
			*r = rest;
		} else {
			dma_erase(dma, i);
		}
		at += part;
		size -= part;
	}
}
