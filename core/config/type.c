/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kind of function it is, and which other functions of its slot it may
 * use the Routing IDs of.
 */
#include "config/internal.h"

static uint8_t bridge_type(const struct pci_dev_desc *desc, uint8_t exp_type)
{
	if (desc->caps_unknown)
		return PCI_TYPE_UNKNOWN;
	if (!desc->pcie)
		return PCI_TYPE_LEGACY_BRIDGE;
	switch (exp_type) {
	case PCI_EXP_TYPE_ROOT_PORT:
		return PCI_TYPE_ROOT_PORT;
	case PCI_EXP_TYPE_UPSTREAM:
		return PCI_TYPE_SWITCH_UPSTREAM;
	case PCI_EXP_TYPE_DOWNSTREAM:
		return PCI_TYPE_SWITCH_DOWNSTREAM;
	case PCI_EXP_TYPE_PCI_BRIDGE:
		return PCI_TYPE_PCIE_TO_PCI;
	case PCI_EXP_TYPE_PCIE_BRIDGE:
		return PCI_TYPE_PCI_TO_PCIE;
	default:
		return PCI_TYPE_UNKNOWN;
	}
}

static uint8_t endpoint_type(const struct pci_dev_desc *desc, uint8_t exp_type)
{
	if (desc->ident.class_rev >> 16 == PCI_CLASS_BRIDGE_HOST)
		return PCI_TYPE_HOST_BRIDGE;
	if (desc->caps_unknown)
		return PCI_TYPE_UNKNOWN;
	if (!desc->pcie)
		return PCI_TYPE_PCI;
	switch (exp_type) {
	case PCI_EXP_TYPE_ENDPOINT:
	case PCI_EXP_TYPE_LEG_END:
		return PCI_TYPE_ENDPOINT;
	case PCI_EXP_TYPE_RC_END:
		return PCI_TYPE_RC_ENDPOINT;
	case PCI_EXP_TYPE_RC_EC:
		return PCI_TYPE_RC_EVENT;
	default:
		return PCI_TYPE_UNKNOWN;
	}
}

/* The header decides whether it is a bridge; Device/Port Type, which one. */
uint8_t desc_type(const struct pci_dev_desc *desc, uint16_t exp_flags)
{
	uint8_t exp_type = (exp_flags & PCI_EXP_FLAGS_TYPE) >>
			   PCI_EXP_FLAGS_TYPE_SHIFT;

	switch (desc->hdr_type) {
	case PCI_HEADER_TYPE_NORMAL:
		return endpoint_type(desc, exp_type);
	case PCI_HEADER_TYPE_BRIDGE:
		return bridge_type(desc, exp_type);
	case PCI_HEADER_TYPE_CARDBUS:
		return PCI_TYPE_CARDBUS;
	default:
		return PCI_TYPE_UNKNOWN;
	}
}

/* --- phantom functions (PCIe 6.0 §7.5.3.3, §2.2.6.2) ---------------------- */

/*
 * Devices that use other functions' Routing IDs for their DMA without saying
 * so: SATA controllers that answer as function 0 and send as function 1.
 */
static const struct {
	uint16_t vendor, device;
	uint8_t stride;
} phantom_quirk[] = {
	{ 0x1b4b, 0x9120, 1 }, { 0x1b4b, 0x9123, 1 }, { 0x1b4b, 0x9128, 1 },
	{ 0x1b4b, 0x9130, 1 }, { 0x1b4b, 0x9172, 1 }, { 0x1b4b, 0x917a, 1 },
	{ 0x1b4b, 0x91a0, 1 }, { 0x1b4b, 0x9230, 1 },
};

/* A function cannot use IDs that a real neighbour answers to: double it. */
static unsigned int quirk_stride(const struct pci_dev_desc *desc)
{
	unsigned int i, stride = 0;

	for (i = 0; i < ARRAY_SIZE(phantom_quirk); i++)
		if (phantom_quirk[i].vendor == desc->ident.vendor &&
		    phantom_quirk[i].device == desc->ident.device)
			stride = phantom_quirk[i].stride;
	while (stride && PCI_FN(desc->sbdf) + stride < 8) {
		pci_sbdf_t next = desc->sbdf;

		next.devfn += (uint8_t)stride;
		if (!probe_answers(next))
			break;
		stride <<= 1;
	}
	return stride;
}

uint8_t desc_phantom_stride(const struct pci_dev_desc *desc, uint32_t devcap)
{
	unsigned int field = (devcap & PCI_EXP_DEVCAP_PHANTOM) >>
			     PCI_EXP_DEVCAP_PHANTOM_SHIFT;
	unsigned int stride;

	if (desc->is_vf || desc->hdr_type != PCI_HEADER_TYPE_NORMAL ||
	    desc->type == PCI_TYPE_HOST_BRIDGE)
		return 0;
	stride = field ? 8u >> field : quirk_stride(desc);
	return PCI_FN(desc->sbdf) + stride < 8 ? (uint8_t)stride : 0;
}
