/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advanced error reporting for guests (PCIe 6.0 §7.8.4): errors are the
 * host's to see and to clear, so the guest reads that there are none; masks and
 * severities are its own to write, and start as the hardware has them. What is
 * not named here, header log and ECRC among them, reads 0: not offered.
 */
#include "vpci/internal.h"

static const struct vpci_field aer_fields[] = {
	{
		.offset = PCI_ERR_UNCOR_STATUS,
		.size = 4,
		.masks.w1c = PCI_ERR_UNC_ALL,
	},
	{
		.offset = PCI_ERR_UNCOR_MASK,
		.size = 4,
		.masks.rw = PCI_ERR_UNC_ALL,
		.initial = PCI_ERR_UNC_ALL,
	},
	{
		.offset = PCI_ERR_UNCOR_SEVER,
		.size = 4,
		.masks.rw = PCI_ERR_UNC_ALL,
		.initial = PCI_ERR_UNC_ALL,
	},
	{
		.offset = PCI_ERR_COR_STATUS,
		.size = 4,
		.masks.w1c = PCI_ERR_COR_ALL,
	},
	{
		.offset = PCI_ERR_COR_MASK,
		.size = 4,
		.masks.rw = PCI_ERR_COR_ALL,
		.initial = PCI_ERR_COR_ALL,
	},
};

const struct vpci_cap_policy vpci_guest_aer = {
	.show = true,
	.length = PCI_ERR_SIZEOF,
	.nfields = ARRAY_SIZE(aer_fields),
	.field = aer_fields,
};
