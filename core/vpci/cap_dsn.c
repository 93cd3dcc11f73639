/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The serial number for guests (PCIe 6.0 §7.9.3): as in hardware, to read.
 */
#include "vpci/internal.h"

static const struct vpci_field dsn_fields[] = {
	{ .offset = PCI_DSN_LOWER, .size = 4, .masks.hw = UINT32_MAX },
	{ .offset = PCI_DSN_UPPER, .size = 4, .masks.hw = UINT32_MAX },
};

const struct vpci_cap_policy vpci_guest_dsn = {
	.show = true,
	.length = PCI_EXT_CAP_DSN_SIZEOF,
	.nfields = ARRAY_SIZE(dsn_fields),
	.field = dsn_fields,
};
