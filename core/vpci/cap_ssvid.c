/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bridge's subsystem IDs for guests (PCIe 6.0 §7.9.23): as in hardware, to
 * read.
 */
#include "vpci/internal.h"

static const struct vpci_field ssvid_fields[] = {
	{ .offset = PCI_SSVID_VENDOR_ID, .size = 2, .masks.hw = UINT16_MAX },
	{ .offset = PCI_SSVID_DEVICE_ID, .size = 2, .masks.hw = UINT16_MAX },
};

const struct vpci_cap_policy vpci_guest_ssvid = {
	.show = true,
	.length = PCI_SSVID_SIZEOF,
	.nfields = ARRAY_SIZE(ssvid_fields),
	.field = ssvid_fields,
};
