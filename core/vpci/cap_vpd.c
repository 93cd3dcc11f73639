/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vital product data for guests (PCIe 6.0 §7.9.18, §6.27): to read. A write of
 * the address with F clear starts a read; with F set it would store the data
 * register in the device for good, and is dropped.
 */
#include "vpci/internal.h"

/* Address and F belong together: half of the register is no request. */
static void vpd_address_write(struct vpci *view, uint16_t reg, uint32_t val,
			      uint32_t mask, void *data)
{
	(void)data;
	if (mask == UINT16_MAX && !(val & PCI_VPD_ADDR_F))
		vpci_hw_write(view, reg, 2, val);
}

static int vpd_setup(struct vpci *view, struct pci_dev *pdev, uint16_t pos)
{
	const struct vpci_masks masks = { .hw = UINT16_MAX, .rw = UINT16_MAX };

	(void)pdev;
	return vpci_add_register(view, pos + PCI_VPD_ADDR, 2, &masks, NULL,
				 vpd_address_write, NULL);
}

static const struct vpci_field vpd_fields[] = {
	{ .offset = PCI_VPD_DATA, .size = 4, .masks.hw = UINT32_MAX },
};

const struct vpci_cap_policy vpci_guest_vpd = {
	.show = true,
	.length = PCI_CAP_VPD_SIZEOF,
	.nfields = ARRAY_SIZE(vpd_fields),
	.field = vpd_fields,
	.setup = vpd_setup,
};
