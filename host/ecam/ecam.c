/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host "ecam". A function that is not there reads all-ones and drops
 * writes by itself (PCIe 6.0 §2.3.2), so nothing is kept here, and nothing
 * locked: one access is one load or store of its size.
 */

#include "ecam.h"

static struct ecam_host *ecam_of(struct pci_host *host)
{
	return container_of(host, struct ecam_host, host);
}

static uint64_t load(const volatile void *at, uint8_t size)
{
	switch (size) {
	case 1:
		return *(const volatile uint8_t *)at;
	case 2:
		return *(const volatile uint16_t *)at;
	case 4:
		return *(const volatile uint32_t *)at;
	default:
		return *(const volatile uint64_t *)at;
	}
}

static void store(volatile void *at, uint8_t size, uint64_t val)
{
	switch (size) {
	case 1:
		*(volatile uint8_t *)at = (uint8_t)val;
		break;
	case 2:
		*(volatile uint16_t *)at = (uint16_t)val;
		break;
	case 4:
		*(volatile uint32_t *)at = (uint32_t)val;
		break;
	default:
		*(volatile uint64_t *)at = val;
	}
}

/* --- configuration space -------------------------------------------------------- */

/* Bits 27:20 bus, 19:15 device, 14:12 function, 11:0 register. */
static volatile char *config_at(struct ecam_host *ecam, pci_sbdf_t sbdf,
				uint16_t reg)
{
	if (sbdf.seg != ecam->seg || sbdf.bus < ecam->first_bus ||
	    sbdf.bus > ecam->last_bus)
		return NULL;
	return ecam->config + ((size_t)(sbdf.bus - ecam->first_bus) << 20) +
	       ((size_t)sbdf.devfn << 12) + reg;
}

static struct ecam_count *count_of(struct ecam_host *ecam, pci_sbdf_t sbdf)
{
	unsigned int i = sbdf.bdf - (ecam->first_bus << 8);

	return ecam->count && i < ecam->counted ? &ecam->count[i] : NULL;
}

static int ecam_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	const volatile char *at = config_at(ecam_of(host), sbdf, reg);
	struct ecam_count *count = at ? count_of(ecam_of(host), sbdf) : NULL;

	if (count)
		hf_fetch_add_relaxed(&count->reads, 1);
	*val = at ? (uint32_t)load(at, size) : UINT32_MAX >> (32 - 8 * size);
	return 0;
}

static int ecam_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	volatile char *at = config_at(ecam_of(host), sbdf, reg);
	struct ecam_count *count = at ? count_of(ecam_of(host), sbdf) : NULL;

	if (count)
		hf_fetch_add_relaxed(&count->writes, 1);
	if (at)
		store(at, size, val);
	return 0;
}

/* --- memory space ----------------------------------------------------------------- */

static volatile char *mem_at(const struct ecam_host *ecam, uint64_t addr)
{
	const struct ecam_window *w = ecam->window;
	unsigned int i;

	/* Accesses are aligned, and so are windows: none crosses an edge. */
	for (i = 0; i < ecam->windows; i++, w++)
		if (addr >= w->start && addr - w->start < w->size)
			return w->mem + (addr - w->start);
	return NULL;
}

static int ecam_mem_read(struct pci_host *host, uint64_t addr, uint8_t size,
			 uint64_t *val)
{
	const volatile char *at = mem_at(ecam_of(host), addr);

	*val = at ? load(at, size) : UINT64_MAX >> (64 - 8 * size);
	return 0;
}

static int ecam_mem_write(struct pci_host *host, uint64_t addr, uint8_t size,
			  uint64_t val)
{
	volatile char *at = mem_at(ecam_of(host), addr);

	if (at)
		store(at, size, val);
	return 0;
}

static void ecam_adding(struct pci_host *host, pci_sbdf_t sbdf)
{
	if (ecam_of(host)->adding)
		ecam_of(host)->adding(sbdf);
}

/*
 * No next(): the core's own walk, by reading, knows where to look, and that a
 * device below a link may answer at every address of its bus.
 */
static const struct pci_host_ops ecam_ops = {
	.read = ecam_read,
	.write = ecam_write,
	.mem_read = ecam_mem_read,
	.mem_write = ecam_mem_write,
	.adding = ecam_adding,
};

void ecam_host_init(struct ecam_host *ecam)
{
	ecam->host.ops = &ecam_ops;
	ecam->host.name = "ecam";
}
