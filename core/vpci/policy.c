/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two policies that ship, by capability.
 *
 * A guest sees what is named here and nothing else: least of all what steers
 * transactions past the IOMMU or to others (ACS, ATS, PRI, PASID, multicast),
 * makes functions (SR-IOV, ARI) or moves BARs (Resizable BAR, EA). The hardware
 * domain sees everything, and we what it does with SR-IOV and BAR sizes.
 */
#include "vpci/internal.h"

const struct vpci_policy vpci_policy_guest = {
	.name = "guest",
	.cap = {
		[PCI_CAP_ID_PM] = &vpci_guest_pm,
		[PCI_CAP_ID_VPD] = &vpci_guest_vpd,
		[PCI_CAP_ID_MSI] = &vpci_guest_msi,
		[PCI_CAP_ID_VNDR] = &vpci_guest_vndr,
		[PCI_CAP_ID_SSVID] = &vpci_guest_ssvid,
		[PCI_CAP_ID_EXP] = &vpci_guest_pcie,
		[PCI_CAP_ID_MSIX] = &vpci_guest_msix,
		[PCI_CAP_ID_AF] = &vpci_guest_af,
	},
	.ext = {
		[PCI_EXT_CAP_ID_ERR] = &vpci_guest_aer,
		[PCI_EXT_CAP_ID_DSN] = &vpci_guest_dsn,
		[PCI_EXT_CAP_ID_VNDR] = &vpci_guest_ext_vndr,
	},
};

const struct vpci_policy vpci_policy_hardware_domain = {
	.name = "hardware-domain",
	.hardware = true,
	.ext = {
		[PCI_EXT_CAP_ID_SRIOV] = &vpci_hwdom_sriov,
		[PCI_EXT_CAP_ID_REBAR] = &vpci_hwdom_rebar,
	},
};

const struct vpci_cap_policy *vpci_cap_policy(const struct vpci_policy *policy,
					      bool extended, uint16_t id)
{
	if (extended)
		return id < VPCI_EXT_CAP_IDS ? policy->ext[id] : NULL;
	return id < VPCI_CAP_IDS ? policy->cap[id] : NULL;
}
