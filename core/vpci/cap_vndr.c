/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vendor-specific capabilities for guests (PCIe 6.0 §7.9.4, §7.9.5): as the
 * hardware has them, to read. Nobody but the vendor knows what a write would
 * do; an administrator who does can allow it by a policy of his own. How long
 * they are they say themselves, and are believed as far as there is room.
 */
#include "vpci/internal.h"

/* The length is a byte, and counts from the capability's start. */
static int vndr_setup(struct vpci *view, struct pci_dev *pdev, uint16_t pos)
{
	uint16_t reg = pos + PCI_CAP_VNDR_LENGTH, room = view->cap_end - pos;
	struct vpci_masks masks = { .value = pcidev_read(pdev, reg, 1) };
	int err;

	if (masks.value > room)
		masks.value = room;
	if (masks.value <= PCI_CAP_VNDR_LENGTH)
		masks.value = PCI_CAP_VNDR_LENGTH + 1;
	err = vpci_add_register(view, reg, 1, &masks, NULL, NULL, NULL);
	return err ? err
		   : vpci_add_rest(view, VPCI_REST_READ, reg + 1,
				   (uint16_t)(pos + masks.value));
}

const struct vpci_cap_policy vpci_guest_vndr = {
	.show = true,
	.setup = vndr_setup,
};

/* ID, revision and length in a second header. */
static int ext_vndr_setup(struct vpci *view, struct pci_dev *pdev, uint16_t pos)
{
	uint16_t reg = pos + PCI_VNDR_HEADER, room = view->cap_end - pos;
	uint32_t header = pcidev_read(pdev, reg, 4);
	uint32_t length = PCI_VNDR_HEADER_LEN(header);
	struct vpci_masks masks;
	int err;

	if (length > room)
		length = room;
	if (length < PCI_VNDR_HEADER + 4)
		length = PCI_VNDR_HEADER + 4;
	masks = (struct vpci_masks){
		.value = header % (1u << PCI_VNDR_HEADER_LEN_SHIFT) |
			 length << PCI_VNDR_HEADER_LEN_SHIFT,
	};
	err = vpci_add_register(view, reg, 4, &masks, NULL, NULL, NULL);
	return err ? err
		   : vpci_add_rest(view, VPCI_REST_READ, reg + 4,
				   (uint16_t)(pos + length));
}

const struct vpci_cap_policy vpci_guest_ext_vndr = {
	.show = true,
	.setup = ext_vndr_setup,
};
