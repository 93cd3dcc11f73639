/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advanced Features of conventional functions (PCIe 6.0 §7.9.21): what the
 * function can do and whether transactions are pending, from hardware; the
 * reset bit reads 0 and resets the function as flr.c does it.
 */
#include "vpci/internal.h"

static void control_write(struct vpci *view, uint16_t reg, uint32_t val,
			  uint32_t mask, void *data)
{
	(void)reg;
	(void)mask;
	(void)data;
	if (val & PCI_AF_CTRL_FLR)
		vpci_flr_begin(view);
}

static int setup(struct vpci *view, struct pci_dev *pdev, uint16_t pos)
{
	static const struct vpci_masks control = { .rw = PCI_AF_CTRL_FLR };

	if (pos != pdev->desc.af)
		return -EINVAL;
	return vpci_add_register(view, pos + PCI_AF_CTRL, 1, &control, NULL,
				 control_write, NULL);
}

static const struct vpci_field fields[] = {
	{ .offset = PCI_AF_LENGTH, .size = 1, .masks.hw = 0xff },
	{ .offset = PCI_AF_CAP,
	  .size = 1,
	  .masks.hw = PCI_AF_CAP_TP | PCI_AF_CAP_FLR },
	{ .offset = PCI_AF_STATUS, .size = 1, .masks.hw = PCI_AF_STATUS_TP },
};

const struct vpci_cap_policy vpci_guest_af = {
	.show = true,
	.rest = VPCI_REST_ZERO,
	.length = PCI_CAP_AF_SIZEOF,
	.nfields = ARRAY_SIZE(fields),
	.field = fields,
	.setup = setup,
};
