/* SPDX-License-Identifier: BSD-2-Clause */
#include "witness.h"

#define PROMISED 0x80000000u /* in reg[]: the core must not come */

static hf_atomic(uint32_t) reg[0x10000];
static hf_atomic(uint32_t) violations;

static int check(pci_sbdf_t sbdf)
{
	if (!(hf_load_acquire(&reg[sbdf.bdf]) & PROMISED))
		return 1;
	hf_fetch_add_relaxed(&violations, 1);
	return 0;
}

static int witness_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t where,
			uint8_t size, uint32_t *val)
{
	(void)host;
	(void)where;
	*val = size < 4 ? (1u << 8 * size) - 1 : UINT32_MAX;
	if (check(sbdf))
		*val &= hf_load_acquire(&reg[sbdf.bdf]) & ~PROMISED;
	return 0;
}

static int witness_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t where,
			 uint8_t size, uint32_t val)
{
	(void)host;
	(void)where;
	(void)size;
	if (check(sbdf))
		hf_store_release(&reg[sbdf.bdf], val & ~PROMISED);
	return 0;
}

static void witness_removed(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	hf_fetch_or_acq_rel(&reg[sbdf.bdf], PROMISED);
}

void witness_expect(pci_sbdf_t sbdf)
{
	hf_fetch_and_release(&reg[sbdf.bdf], ~PROMISED);
}

uint32_t witness_violations(void)
{
	return hf_load_acquire(&violations);
}

static const struct pci_host_ops ops = {
	.read = witness_read,
	.write = witness_write,
	.removed = witness_removed,
};

struct pci_host witness = { .ops = &ops, .name = "witness" };
