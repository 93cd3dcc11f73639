/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <holdfast/atomic.h>
#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>

#include "cards.h"

enum {
	SPACE = 256, /* bytes of configuration space */
	EXPRESS = 0x40,
	MSIX = 0x80,
	PBA = CARDS_MSIX_BAR_SIZE / 2,
	PER_SEGMENT = 65536,
};

/* Memory of BAR 0 of the first of them; the others' lie above. */
static const uint64_t bar_base = 1ull << 40;

static struct cards made;
/* Dwords: traffic reads while the core writes. */
static hf_atomic(uint32_t) * space;
static uint32_t writable[SPACE / 4];

/* --- configuration space --------------------------------------------------- */

static bool is_there(pci_sbdf_t sbdf, unsigned int *n)
{
	*n = sbdf.sbdf / made.step;
	return sbdf.sbdf % made.step == 0 && *n < made.count;
}

static hf_atomic(uint32_t) * dword(unsigned int n, unsigned int reg)
{
	return &space[(size_t)n * (SPACE / 4) + reg / 4];
}

static void set(unsigned int n, unsigned int reg, uint32_t val)
{
	hf_store_relaxed(dword(n, reg), val);
}

/* As after power-on, and after a reset: BARs and Command are clear. */
static void reset(unsigned int n)
{
	set(n, PCI_COMMAND, (uint32_t)PCI_STATUS_CAP_LIST << 16);
	set(n, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_MEM_TYPE_64);
	set(n, PCI_BASE_ADDRESS_0 + 4, 0);
	set(n, EXPRESS + PCI_EXP_DEVCTL, 0);
	if (made.msix)
		set(n, MSIX, PCI_CAP_ID_MSIX | (made.msix - 1) << 16);
}

static void power_on(unsigned int n)
{
	uint64_t bar = bar_base + (uint64_t)n * CARDS_MSIX_BAR_SIZE;

	reset(n);
	set(n, PCI_VENDOR_ID, 0x1041u << 16 | CARDS_VENDOR);
	set(n, PCI_CLASS_REVISION, PCI_CLASS_NETWORK_ETHERNET << 16 | 1);
	set(n, PCI_CACHE_LINE_SIZE, made.step < 8 ? 0x80u << 16 : 0);
	set(n, PCI_BASE_ADDRESS_0,
	    (uint32_t)bar | PCI_BASE_ADDRESS_MEM_TYPE_64);
	set(n, PCI_BASE_ADDRESS_0 + 4, (uint32_t)(bar >> 32));
	set(n, PCI_CAPABILITY_LIST, EXPRESS);
	set(n, EXPRESS,
	    PCI_CAP_ID_EXP | (made.msix ? MSIX << 8 : 0) |
		    (PCI_EXP_TYPE_RC_END << PCI_EXP_FLAGS_TYPE_SHIFT | 2)
			    << 16);
	set(n, EXPRESS + PCI_EXP_DEVCAP, made.flr ? PCI_EXP_DEVCAP_FLR : 0);
	if (made.msix)
		set(n, MSIX + PCI_MSIX_PBA, PBA);
}

static void make_writable(void)
{
	writable[PCI_COMMAND / 4] = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
				    PCI_COMMAND_PARITY |
				    PCI_COMMAND_INTX_DISABLE;
	writable[PCI_CACHE_LINE_SIZE / 4] = 0xffff;
	writable[PCI_BASE_ADDRESS_0 / 4] = ~(CARDS_MSIX_BAR_SIZE - 1u);
	writable[PCI_BASE_ADDRESS_0 / 4 + 1] = UINT32_MAX;
	writable[PCI_INTERRUPT_LINE / 4] = 0xff;
	writable[(EXPRESS + PCI_EXP_DEVCTL) / 4] = 0x7fff;
	if (made.msix)
		writable[MSIX / 4] = (uint32_t)(PCI_MSIX_FLAGS_ENABLE |
						PCI_MSIX_FLAGS_MASKALL)
				     << 16;
}

static uint32_t ones(uint8_t size)
{
	return UINT32_MAX >> (32 - 8 * size);
}

static int cards_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t *val)
{
	unsigned int n;

	(void)host;
	*val = ones(size);
	if (is_there(sbdf, &n) && reg < SPACE)
		*val &= hf_load_relaxed(dword(n, reg)) >> 8 * (reg & 3);
	return 0;
}

static int cards_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		       uint8_t size, uint32_t val)
{
	unsigned int n, shift = 8 * (reg & 3);
	uint32_t mask;

	(void)host;
	if (!is_there(sbdf, &n) || reg >= SPACE)
		return 0;
	mask = writable[reg / 4] & ones(size) << shift;
	set(n, reg,
	    (hf_load_relaxed(dword(n, reg)) & ~mask) | (val << shift & mask));
	if (made.flr && reg == EXPRESS + PCI_EXP_DEVCTL &&
	    val & PCI_EXP_DEVCTL_BCR_FLR)
		reset(n);
	return 0;
}

static int cards_next(struct pci_host *host, pci_sbdf_t *sbdf)
{
	unsigned int n = (sbdf->sbdf + made.step - 1) / made.step;

	(void)host;
	*sbdf = cards_at(n);
	return n < made.count ? 0 : -ENOENT;
}

static uint16_t cards_config_size(struct pci_host *host, pci_sbdf_t sbdf)
{
	unsigned int n;

	(void)host;
	return is_there(sbdf, &n) ? SPACE : 0;
}

/* --- the IOMMU ------------------------------------------------------------------- */

/* Nobody looks into it: there is no DMA. */
static char a_space;

static int space_create(struct pci_host *host, unsigned int domid,
			struct iommu_space **out)
{
	(void)host;
	(void)domid;
	*out = (struct iommu_space *)&a_space;
	return 0;
}

static void space_destroy(struct pci_host *host, struct iommu_space *which)
{
	(void)host;
	(void)which;
}

static int map(struct pci_host *host, struct iommu_space *which, uint64_t dma,
	       uint64_t hpa, uint64_t size, unsigned int flags)
{
	(void)host;
	(void)which;
	(void)dma;
	(void)hpa;
	(void)size;
	(void)flags;
	return 0;
}

static void unmap(struct pci_host *host, struct iommu_space *which,
		  uint64_t dma, uint64_t size)
{
	(void)host;
	(void)which;
	(void)dma;
	(void)size;
}

static int attach(struct pci_host *host, pci_sbdf_t rid, enum iommu_mode mode,
		  struct iommu_space *which)
{
	(void)host;
	(void)rid;
	(void)mode;
	(void)which;
	return 0;
}

static int flush(struct pci_host *host, const struct iommu_flush *what,
		 uint64_t *ticket)
{
	(void)host;
	(void)what;
	*ticket = 0;
	return 0;
}

static int flush_done(struct pci_host *host, uint64_t ticket)
{
	(void)host;
	(void)ticket;
	return 0;
}

static const struct iommu_ops iommu_ops = {
	.space_create = space_create,
	.space_destroy = space_destroy,
	.map = map,
	.unmap = unmap,
	.attach = attach,
	.flush = flush,
	.flush_done = flush_done,
};

/* --- messages ------------------------------------------------------------------------ */

/* No card ever sends one. */
static int irq_alloc(struct pci_host *host, pci_sbdf_t sbdf, unsigned int count,
		     struct pci_irq *irq, struct msi_message *message)
{
	(void)host;
	(void)sbdf;
	(void)count;
	(void)irq;
	*message = (struct msi_message){ .address = 0xfee00000 };
	return 0;
}

static void irq_free(struct pci_host *host, struct pci_irq *irq)
{
	(void)host;
	(void)irq;
}

static const struct msi_ops msi_ops = { .alloc = irq_alloc, .free = irq_free };

/* --- the host --------------------------------------------------------------------- */

static const struct pci_host_ops ops = {
	.read = cards_read,
	.write = cards_write,
	.next = cards_next,
	.config_size = cards_config_size,
};

static struct pci_host host = { .ops = &ops, .msi = &msi_ops, .name = "bench" };

pci_sbdf_t cards_at(unsigned int n)
{
	return pci_sbdf_from(n * made.step);
}

static void must(int err)
{
	if (err)
		abort();
}

static void modules_start(enum cards_modules modules)
{
	must(pci_init());
	if (modules == CARDS_DEVICE)
		return;
	must(pci_config_init());
	must(pci_vpci_init(NULL));
	must(pci_irq_init(NULL));
	must(pci_iommu_init(NULL));
	if (modules == CARDS_ALL_AND_RESET)
		must(pci_reset_init());
}

static unsigned int segments(void)
{
	return (made.count * made.step + PER_SEGMENT - 1) / PER_SEGMENT;
}

void cards_start(const struct cards *cards, enum cards_modules modules)
{
	unsigned int i;

	made = *cards;
	space = mmap(NULL, (size_t)made.count * SPACE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (space == MAP_FAILED)
		abort();
	make_writable();
	for (i = 0; i < made.count; i++)
		power_on(i);
	if (made.iommu)
		host.iommu = &iommu_ops;
	modules_start(modules);
	for (i = 0; i < segments(); i++)
		must(pci_segment_add((uint16_t)i, &host));
}

void cards_process(void (*run)(const struct cards *), const struct cards *cards)
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		run(cards);
		fflush(stdout);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status)
		abort();
}

void cards_scan(void)
{
	struct pci_scan scan;
	unsigned int i, added = 0;

	for (i = 0; i < segments(); i++) {
		must(pci_scan_segment((uint16_t)i, &scan));
		added += scan.added;
	}
	if (added != made.count)
		abort();
}

void cards_register(unsigned int first, unsigned int n)
{
	struct pci_dev_desc desc = {
		.ident = { .vendor = CARDS_VENDOR, .device = 0x1041 },
		.type = PCI_TYPE_RC_ENDPOINT,
		.cfg_size = SPACE,
		.pcie = EXPRESS,
		.bar[0] = { .size = CARDS_MSIX_BAR_SIZE,
			    .kind = PCI_BAR_MEM64 },
	};

	for (; n--; first++) {
		desc.sbdf = desc.parent = cards_at(first);
		desc.bar[0].addr =
			bar_base + (uint64_t)first * CARDS_MSIX_BAR_SIZE;
		must(pci_register_device(&desc, NULL));
	}
}

pci_sbdf_t cards_assign(struct domain *d, unsigned int n)
{
	pci_sbdf_t at = pci_sbdf_from(n * 8 & UINT16_MAX);

	must(pci_assign_device(d, cards_at(n), 0, &at, NULL));
	return at;
}
