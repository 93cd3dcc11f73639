/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>

#include "guest.h"

enum {
	VENDOR = 0x1af4,
	MSIX = 0x50,
	ENTRIES = 64,
	PBA = 0x1000,
	BAR_SIZE = 0x10000,
	BAR_HOST = 0x80000000,  /* that of device 0, the others above */
	BAR_GUEST = 0xc0000000, /* likewise */
};

/* --- the host -------------------------------------------------------------- */

static _Alignas(64) uint8_t space[GUEST_KINDS * BENCH_THREADS][4096];

static int array_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t *val)
{
	(void)host;
	*val = 0;
	memcpy(val, space[PCI_DEV(sbdf)] + reg, size);
	return 0;
}

static int array_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		       uint8_t size, uint32_t val)
{
	(void)host;
	memcpy(space[PCI_DEV(sbdf)] + reg, &val, size);
	return 0;
}

static const struct pci_host_ops array_ops = { .read = array_read,
					       .write = array_write };
static struct pci_host array = { .ops = &array_ops, .name = "bench" };

static void set(unsigned int dev, uint16_t reg, uint8_t size, uint32_t val)
{
	memcpy(space[dev] + reg, &val, size);
}

static void array_fill(unsigned int dev)
{
	set(dev, PCI_VENDOR_ID, 4, 0x1041u << 16 | VENDOR);
	set(dev, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	set(dev, PCI_CLASS_REVISION, 4, 0x02000001);
	set(dev, PCI_BASE_ADDRESS_0, 4, BAR_HOST + dev * BAR_SIZE);
	set(dev, PCI_CAPABILITY_LIST, 1, MSIX);
	set(dev, MSIX, 1, PCI_CAP_ID_MSIX);
	set(dev, MSIX + PCI_MSIX_FLAGS, 2, ENTRIES - 1);
	set(dev, MSIX + PCI_MSIX_TABLE, 4, 0);
	set(dev, MSIX + PCI_MSIX_PBA, 4, PBA);
}

/* --- the registers of a kind ------------------------------------------------- */

static enum guest_kind kind_of(unsigned int dev)
{
	return dev / BENCH_THREADS;
}

static uint32_t hook_read(struct vpci *view, uint16_t reg, uint32_t val,
			  void *data)
{
	(void)view;
	(void)reg;
	(void)data;
	return val;
}

static void hook_write(struct vpci *view, uint16_t reg, uint32_t val,
		       uint32_t mask, void *data)
{
	(void)mask;
	(void)data;
	vpci_set(view, reg, 4, val);
}

static int extend(struct vpci *view, struct pci_dev *pdev, struct domain *d)
{
	enum guest_kind kind = kind_of(PCI_DEV(pcidev_sbdf(pdev)));
	struct vpci_masks masks = { .rw = UINT32_MAX };
	bool hooked = kind == GUEST_HOOKED;
	unsigned int i;
	int err = 0;

	(void)d;
	if (kind == GUEST_HARDWARE)
		masks.hw = UINT32_MAX;
	for (i = 0; i < GUEST_REGISTERS && !err; i++)
		err = vpci_add_register(
			view, (uint16_t)(GUEST_FIRST + i * GUEST_STEP), 4,
			&masks, hooked ? hook_read : NULL,
			hooked ? hook_write : NULL, NULL);
	return err;
}

/* What a view has, too, besides its kind's registers. */
static const struct {
	uint16_t offset;
	uint8_t size;
	bool hw;
} common[] = {
	{ PCI_VENDOR_ID, 2, true },
	{ PCI_DEVICE_ID, 2, true },
	{ PCI_COMMAND, 2, false },
	{ PCI_STATUS, 2, true },
	{ PCI_CLASS_REVISION, 4, true },
	{ PCI_CACHE_LINE_SIZE, 1, false },
	{ PCI_HEADER_TYPE, 1, true },
	{ PCI_BASE_ADDRESS_0, 4, false },
	{ PCI_BASE_ADDRESS_0 + 4, 4, false },
	{ PCI_BASE_ADDRESS_0 + 8, 4, false },
	{ PCI_BASE_ADDRESS_0 + 12, 4, false },
	{ PCI_BASE_ADDRESS_0 + 16, 4, false },
	{ PCI_BASE_ADDRESS_0 + 20, 4, false },
	{ PCI_SUBSYSTEM_VENDOR_ID, 4, true },
	{ PCI_CAPABILITY_LIST, 1, false },
	{ PCI_INTERRUPT_LINE, 1, false },
	{ PCI_INTERRUPT_PIN, 1, true },
	{ MSIX, 2, false },
	{ MSIX + PCI_MSIX_FLAGS, 2, false },
	{ MSIX + PCI_MSIX_TABLE, 4, false },
	{ MSIX + PCI_MSIX_PBA, 4, false },
};

/* The device's own follows: Bus Master, as in the core's view. */
static void command_write(struct engine_reg *reg, uint32_t val)
{
	uint32_t now = engine_read_hw(reg) & ~(uint32_t)PCI_COMMAND_MASTER;

	reg->val = val;
	engine_write_hw(reg, now | (val & PCI_COMMAND_MASTER));
}

static void add_register(struct engine_dev *to, unsigned int dev,
			 uint16_t offset, uint8_t size, bool hw)
{
	struct engine_reg reg = {
		.offset = offset,
		.size = size,
		.read = hw ? engine_read_hw : engine_read_value,
		.write = hw ? engine_write_hw : engine_write_value,
		.hw = space[dev] + offset,
	};

	if (offset == PCI_COMMAND)
		reg.write = command_write;
	engine_add_register(to, &reg);
}

static void engine_fill(struct guest *g, unsigned int dev)
{
	enum guest_kind kind = kind_of(dev);
	unsigned int i, t = dev % BENCH_THREADS;
	struct engine_dev *to = engine_add(&g->engine, g->at[kind][t].sbdf,
					   g->table[kind][t], ENTRIES);

	for (i = 0; i < ARRAY_SIZE(common); i++)
		add_register(to, dev, common[i].offset, common[i].size,
			     common[i].hw);
	for (i = 0; i < GUEST_REGISTERS; i++)
		add_register(to, dev, (uint16_t)(GUEST_FIRST + i * GUEST_STEP),
			     4, kind == GUEST_HARDWARE);
}

/* --- the devices ---------------------------------------------------------------- */

static void open_bar(struct guest *g, pci_sbdf_t at, uint64_t gpa)
{
	struct vpci_vcpu vcpu;

	vpci_vcpu_init(&vcpu, g->domain);
	if (vpci_write(&vcpu, at, PCI_BASE_ADDRESS_0, 4, gpa) ||
	    vpci_write(&vcpu, at, PCI_COMMAND, 2, PCI_COMMAND_MEMORY))
		abort();
	while (vpci_process_pending(&vcpu, NULL) == PCI_AGAIN)
		;
	vpci_vcpu_fini(&vcpu);
}

static void device_create(struct guest *g, unsigned int dev)
{
	enum guest_kind kind = kind_of(dev);
	unsigned int t = dev % BENCH_THREADS;
	struct pci_dev_desc desc = {
		.sbdf = pci_sbdf(0, 0, (uint8_t)dev, 0),
		.parent = pci_sbdf(0, 0, (uint8_t)dev, 0),
		.ident.vendor = VENDOR,
		.type = PCI_TYPE_ENDPOINT,
		.cfg_size = 4096,
		.msix = MSIX,
		.msix_entries = ENTRIES,
		.bar[0] = { .addr = BAR_HOST + dev * BAR_SIZE,
			    .size = BAR_SIZE,
			    .kind = PCI_BAR_MEM32 },
	};

	array_fill(dev);
	g->at[kind][t] = pci_sbdf_from(UINT32_MAX);
	if (pci_register_device(&desc, NULL) ||
	    pci_assign_device(g->domain, desc.sbdf, 0, &g->at[kind][t], NULL))
		abort();
	if (kind == GUEST_CLOSED)
		return;
	g->table[kind][t] = BAR_GUEST + dev * BAR_SIZE;
	open_bar(g, g->at[kind][t], g->table[kind][t]);
}

void guest_create(struct guest *g)
{
	const struct vpci_options options = { .extend = extend };
	unsigned int dev;

	if (pci_init() || pci_vpci_init(&options) ||
	    pci_segment_add(0, &array) ||
	    domain_create(0, "guest", NULL, NULL, &g->domain))
		abort();
	engine_init(&g->engine);
	for (dev = 0; dev < GUEST_KINDS * BENCH_THREADS; dev++) {
		device_create(g, dev);
		engine_fill(g, dev);
	}
}
