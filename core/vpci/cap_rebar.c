/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resizable BARs (PCIe 6.0 §7.8.6) for the hardware domain; guests do not see
 * the capability.
 *
 * BAR Size can be written while the function does not decode memory and nothing
 * of the BAR is mapped any more, and only to what the BAR supports; everything
 * else passes through. Where BARs are mapped for the hardware domain, view->bar[]
 * has the size from then on, under pdev->lock: the description of the device
 * says what it was when the device was added.
 */
#include "vpci/internal.h"

enum {
	MOST_BARS = 6,
	MOST_OF_MEM32 = 11, /* 2 GiB; as the sizes below, log2 in MiB */
	SIZES_IN_CAP = 28,
	SIZES = 44
};

static unsigned int size_of(uint32_t control)
{
	return (control & PCI_REBAR_CTRL_BAR_SIZE) >> PCI_REBAR_CTRL_BAR_SHIFT;
}

/* §7.8.6.2, §7.8.6.3: 1 MiB << n; the larger sizes are in the upper half. */
static bool is_supported(struct vpci *view, uint16_t reg, unsigned int n)
{
	if (n < SIZES_IN_CAP)
		return vpci_hw_read(view, reg - 4, 4) & 1u << (n + 4);
	return n < SIZES &&
	       vpci_hw_read(view, reg, 4) & 1u << (n - SIZES_IN_CAP + 16);
}

static void write_control(struct vpci *view, uint16_t reg, uint32_t val,
			  uint32_t mask, void *data)
{
	struct vpci_bar *bar = data;
	unsigned int i = (unsigned int)(bar - view->bar);
	unsigned int n = size_of(val);

	(void)mask;
	if (pcidev_bar_kind(view->pdev, i) == PCI_BAR_MEM32 &&
	    n > MOST_OF_MEM32)
		return;
	if (vpci_hw_read(view, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY ||
	    bar->busy || bar->state != VPCI_UNMAPPED ||
	    !is_supported(view, reg, n))
		return;
	vpci_hw_write(view, reg, 4, val);
	if (!bar->size || size_of(vpci_hw_read(view, reg, 4)) != n)
		return;
	bar->size = 1ull << 20 << n;
	/* Address bits below the size are 0 now. */
	hf_store_release(&bar->addr, hf_load_relaxed(&bar->addr) & -bar->size);
}

/* One BAR's pair of registers, the second at @reg. */
static int add_bar(struct vpci *view, struct pci_dev *pdev, uint16_t reg)
{
	const struct vpci_masks masks = {
		.hw = UINT32_MAX,
		.rw = PCI_REBAR_CTRL_BAR_SIZE,
	};
	unsigned int i = vpci_hw_read(view, reg, 4) & PCI_REBAR_CTRL_BAR_IDX;
	enum pci_bar_kind kind = pcidev_bar_kind(pdev, i);

	/* Of a 64-bit one, the lower half. */
	if (i >= MOST_BARS || (kind != PCI_BAR_MEM32 && kind != PCI_BAR_MEM64))
		return -EINVAL;
	return vpci_add_register(view, reg, 4, &masks, NULL, write_control,
				 &view->bar[i]);
}

static int setup(struct vpci *view, struct pci_dev *pdev, uint16_t pos)
{
	unsigned int reg = pos + PCI_REBAR_CTRL, count, i;
	int err = 0;

	if (reg >= PCI_CFG_SPACE_EXP_SIZE)
		return -EINVAL;
	count = (vpci_hw_read(view, (uint16_t)reg, 4) &
		 PCI_REBAR_CTRL_NBAR_MASK) >>
		PCI_REBAR_CTRL_NBAR_SHIFT;
	if (!count || count > MOST_BARS ||
	    reg + 8 * count > PCI_CFG_SPACE_EXP_SIZE + 4)
		return -EINVAL;
	for (i = 0; i < count && !err; i++)
		err = add_bar(view, pdev, (uint16_t)(reg + 8 * i));
	return err;
}

const struct vpci_cap_policy vpci_hwdom_rebar = {
	.show = true,
	.rest = VPCI_REST_PASS,
	.setup = setup,
};
