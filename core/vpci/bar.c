/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base address registers and expansion ROM (PCIe 6.0 §7.5.1.2.1, §7.5.1.2.4;
 * PCI 3.0 §6.2.5).
 *
 * A guest's BARs live in the view: type bits are fixed, address bits below the
 * size read 0, so that sizing by all-ones works, and what hardware decodes
 * stays where the host has put it. A BAR that the host has not placed, or
 * whose size nobody knows, is not there. I/O BARs can be sized; nothing is
 * behind them, for a guest has no I/O Space Enable.
 *
 * The hardware domain's are in hardware, and the view only follows them.
 *
 * What changes in view->bar, changes under pdev->lock.
 */
#include "vpci/internal.h"

static bool is_memory(uint8_t kind)
{
	return kind != PCI_BAR_NONE && kind != PCI_BAR_IO;
}

/* The address bits of the (lower) register. */
static uint32_t address_mask(uint8_t kind)
{
	switch (kind) {
	case PCI_BAR_IO:
		return PCI_BASE_ADDRESS_IO_MASK;
	case PCI_BAR_ROM:
		return PCI_ROM_ADDRESS_MASK;
	default:
		return PCI_BASE_ADDRESS_MEM_MASK;
	}
}

/* --- which there are ---------------------------------------------------------- */

/* A size (a power of two) that the registers can say; 0: not known. */
static bool size_is_valid(const struct pci_bar *bar)
{
	uint32_t mask = address_mask(bar->kind);

	return bar->size >= (mask & -mask);
}

/* Memory that is the device's alone lies where the host has put it. */
static bool is_placed(const struct pci_bar *bar)
{
	return bar->addr && !(bar->addr & (bar->size - 1)) &&
	       bar->addr + bar->size > bar->addr;
}

static bool is_there(const struct vpci *view, unsigned int i)
{
	const struct pci_bar *bar = &view->host_bar[i];

	if (bar->kind == PCI_BAR_NONE || !size_is_valid(bar))
		return false;
	if (view->hardware)
		return is_memory(bar->kind);
	return bar->kind == PCI_BAR_IO || is_placed(bar);
}

/* --- registers ------------------------------------------------------------------ */

static uint32_t read_own(struct vpci *view, uint16_t reg)
{
	return view->hardware ? vpci_hw_read(view, reg, 4)
			      : vpci_get(view, reg, 4);
}

/* Where the registers say that it is. */
static uint64_t address(struct vpci *view, const struct vpci_bar *bar)
{
	uint64_t addr;

	if (view->pdev->desc.is_vf && view->hardware)
		return bar->hpa;
	addr = read_own(view, bar->reg) & address_mask(bar->kind);
	if (bar->kind == PCI_BAR_MEM64)
		addr |= (uint64_t)read_own(view, bar->reg + 4) << 32;
	return addr;
}

static void bar_write(struct vpci *view, uint16_t reg, uint32_t val,
		      uint32_t mask, void *data)
{
	struct vpci_bar *bar = data;
	uint64_t old = hf_load_relaxed(&bar->addr), addr;

	(void)mask;
	if (view->hardware)
		vpci_hw_write(view, reg, 4, val);
	else
		vpci_set(view, reg, 4, val);
	addr = address(view, bar);
	hf_store_release(&bar->addr, addr);
	if (bar->decode && addr != old)
		vpci_want(view, VPCI_WORK_BARS);
	if (bar->kind == PCI_BAR_ROM)
		vpci_bars_decode(view, vpci_command(view) & PCI_COMMAND_MEMORY);
}

static int add_half(struct vpci *view, uint16_t reg, uint32_t rw, uint32_t type,
		    struct vpci_bar *bar)
{
	struct vpci_masks masks = { .rw = rw, .value = type };

	if (view->hardware)
		masks = (struct vpci_masks){ .hw = ~0u, .rw = ~0u };
	return vpci_add_register(view, reg, 4, &masks, NULL, bar_write, bar);
}

static int add_bar(struct vpci *view, struct vpci_bar *bar)
{
	uint64_t bits = ~(bar->size - 1);
	uint32_t rw = (uint32_t)bits, type = 0;
	int err;

	if (bar->kind == PCI_BAR_IO)
		type = PCI_BASE_ADDRESS_SPACE_IO;
	if (bar->kind == PCI_BAR_MEM64)
		type = PCI_BASE_ADDRESS_MEM_TYPE_64;
	if (bar->kind == PCI_BAR_ROM)
		rw |= PCI_ROM_ADDRESS_ENABLE;
	else if (bar->prefetch)
		type |= PCI_BASE_ADDRESS_MEM_PREFETCH;
	err = add_half(view, bar->reg, rw, type, bar);
	if (!err && bar->kind == PCI_BAR_MEM64)
		err = add_half(view, bar->reg + 4, (uint32_t)(bits >> 32), 0,
			       bar);
	return err;
}

int vpci_build_bars(struct vpci *view)
{
	const struct pci_dev_facts *desc = &view->pdev->desc;
	unsigned int i;
	int err;

	/* A guest's are where they are put back, and nowhere else (XSA-337). */
	err = conf_bars_of(view->pdev, !view->hardware, view->host_bar);
	/* Nobody knows where a guest's would be; the hardware domain does. */
	if (view->hardware)
		err = 0;
	if (!err)
		err = vpci_msix_find_regions(view);
	for (i = 0; i < VPCI_BARS && !err; i++) {
		struct vpci_bar *bar = &view->bar[i];

		if (!is_there(view, i))
			continue;
		bar->hpa = view->host_bar[i].addr;
		bar->size = view->host_bar[i].size;
		bar->kind = view->host_bar[i].kind;
		bar->prefetch = view->host_bar[i].prefetch;
		bar->reg = conf_bar_register(desc, i);
		/* Those of a hardware domain's VF are its PF's matter. */
		if (!view->hardware || !desc->is_vf)
			err = add_bar(view, bar);
		hf_init(&bar->addr, address(view, bar));
	}
	return err;
}

/* --- decoding --------------------------------------------------------------------- */

/*
 * A guest's ROM answers in hardware from before it is mapped until it is not any
 * more, and not longer: it may share its decoder with the BARs (PCI 3.0
 * §6.2.5.2). The hardware domain's is its own matter.
 */
static void rom_to_hardware(struct vpci *view, struct vpci_bar *rom, bool on)
{
	rom->rom_on = on;
	vpci_hw_write(view, rom->reg, 4,
		      (uint32_t)rom->hpa | (on ? PCI_ROM_ADDRESS_ENABLE : 0));
}

void vpci_bar_is_unmapped(struct vpci *view, struct vpci_bar *bar)
{
	if (bar->rom_on && !bar->decode)
		rom_to_hardware(view, bar, false);
}

static bool is_enabled(struct vpci *view, const struct vpci_bar *bar)
{
	return bar->kind != PCI_BAR_ROM ||
	       read_own(view, bar->reg) & PCI_ROM_ADDRESS_ENABLE;
}

void vpci_bars_decode(struct vpci *view, bool memory)
{
	unsigned int i;

	/* What does not answer, or is about to be reset, is not touched. */
	if (!view->hardware && (view->pdev->broken ||
				hf_load_relaxed(&view->work) & VPCI_WORK_FLR))
		memory = false;
	for (i = 0; i < VPCI_BARS; i++) {
		struct vpci_bar *bar = &view->bar[i];
		bool decode = memory && is_memory(bar->kind) &&
			      is_enabled(view, bar);

		if (decode == bar->decode)
			continue;
		bar->decode = decode;
		if (bar->kind == PCI_BAR_ROM && decode && !view->hardware)
			rom_to_hardware(view, bar, true);
		vpci_want(view, VPCI_WORK_BARS);
	}
}

void vpci_bar_put_back(struct vpci *view, unsigned int i, uint64_t addr)
{
	struct vpci_bar *bar = &view->bar[i];
	uint32_t mask = address_mask(bar->kind);

	if (view->hardware)
		return; /* hardware decodes where it says */
	vpci_set(view, bar->reg, 4,
		 (vpci_get(view, bar->reg, 4) & ~mask) |
			 ((uint32_t)addr & mask));
	if (bar->kind == PCI_BAR_MEM64)
		vpci_set(view, bar->reg + 4, 4, (uint32_t)(addr >> 32));
	hf_store_release(&bar->addr, address(view, bar));
}

/* --- as they were ------------------------------------------------------------------- */

void vpci_bars_reset(struct vpci *view)
{
	unsigned int i;

	for (i = 0; i < VPCI_BARS; i++)
		if (view->bar[i].size)
			hf_store_release(&view->bar[i].addr,
					 address(view, &view->bar[i]));
}
