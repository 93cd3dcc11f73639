/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What capabilities are called in lists for people (PCI Code and ID
 * Assignment 1.11, §2 and §3).
 */
#include "config/internal.h"

static const char *const cap_name[] = {
	[PCI_CAP_ID_NULL] = "null",
	[PCI_CAP_ID_PM] = "power management",
	[PCI_CAP_ID_AGP] = "AGP",
	[PCI_CAP_ID_VPD] = "VPD",
	[PCI_CAP_ID_SLOTID] = "slot numbering",
	[PCI_CAP_ID_MSI] = "MSI",
	[PCI_CAP_ID_CHSWP] = "CompactPCI hot swap",
	[PCI_CAP_ID_PCIX] = "PCI-X",
	[PCI_CAP_ID_HT] = "HyperTransport",
	[PCI_CAP_ID_VNDR] = "vendor-specific",
	[PCI_CAP_ID_DBG] = "debug port",
	[PCI_CAP_ID_CCRC] = "CompactPCI central resource control",
	[PCI_CAP_ID_SHPC] = "hot-plug controller",
	[PCI_CAP_ID_SSVID] = "bridge subsystem",
	[PCI_CAP_ID_AGP3] = "AGP 8x",
	[PCI_CAP_ID_SECDEV] = "secure device",
	[PCI_CAP_ID_EXP] = "PCI Express",
	[PCI_CAP_ID_MSIX] = "MSI-X",
	[PCI_CAP_ID_SATA] = "SATA index and data",
	[PCI_CAP_ID_AF] = "advanced features",
	[PCI_CAP_ID_EA] = "enhanced allocation",
	[PCI_CAP_ID_FPB] = "flattening portal bridge",
};

static const char *const ext_cap_name[] = {
	[PCI_EXT_CAP_ID_NULL] = "null",
	[PCI_EXT_CAP_ID_ERR] = "advanced error reporting",
	[PCI_EXT_CAP_ID_VC] = "virtual channel",
	[PCI_EXT_CAP_ID_DSN] = "device serial number",
	[PCI_EXT_CAP_ID_PWR] = "power budgeting",
	[PCI_EXT_CAP_ID_RCLD] = "root complex link declaration",
	[PCI_EXT_CAP_ID_RCILC] = "root complex internal link",
	[PCI_EXT_CAP_ID_RCEC] = "root complex event collector",
	[PCI_EXT_CAP_ID_MFVC] = "multi-function virtual channel",
	[PCI_EXT_CAP_ID_VC9] = "virtual channel with MFVC",
	[PCI_EXT_CAP_ID_RCRB] = "root complex register block",
	[PCI_EXT_CAP_ID_VNDR] = "vendor-specific",
	[PCI_EXT_CAP_ID_CAC] = "configuration access correlation",
	[PCI_EXT_CAP_ID_ACS] = "access control services",
	[PCI_EXT_CAP_ID_ARI] = "alternative routing ID",
	[PCI_EXT_CAP_ID_ATS] = "address translation services",
	[PCI_EXT_CAP_ID_SRIOV] = "SR-IOV",
	[PCI_EXT_CAP_ID_MRIOV] = "MR-IOV",
	[PCI_EXT_CAP_ID_MCAST] = "multicast",
	[PCI_EXT_CAP_ID_PRI] = "page request",
	[PCI_EXT_CAP_ID_REBAR] = "resizable BAR",
	[PCI_EXT_CAP_ID_DPA] = "dynamic power allocation",
	[PCI_EXT_CAP_ID_TPH] = "TPH requester",
	[PCI_EXT_CAP_ID_LTR] = "latency tolerance reporting",
	[PCI_EXT_CAP_ID_SECPCI] = "secondary PCI Express",
	[PCI_EXT_CAP_ID_PMUX] = "protocol multiplexing",
	[PCI_EXT_CAP_ID_PASID] = "PASID",
	[PCI_EXT_CAP_ID_LNR] = "LN requester",
	[PCI_EXT_CAP_ID_DPC] = "downstream port containment",
	[PCI_EXT_CAP_ID_L1SS] = "L1 substates",
	[PCI_EXT_CAP_ID_PTM] = "precision time measurement",
	[PCI_EXT_CAP_ID_MPCIE] = "M-PCIe",
	[PCI_EXT_CAP_ID_FRS] = "function readiness queueing",
	[PCI_EXT_CAP_ID_RTR] = "readiness time reporting",
	[PCI_EXT_CAP_ID_DVSEC] = "designated vendor-specific",
	[PCI_EXT_CAP_ID_VF_REBAR] = "VF resizable BAR",
	[PCI_EXT_CAP_ID_DLF] = "data link feature",
	[PCI_EXT_CAP_ID_PL_16GT] = "physical layer 16 GT/s",
	[PCI_EXT_CAP_ID_LMR] = "lane margining",
	[PCI_EXT_CAP_ID_HIERARCHY] = "hierarchy ID",
	[PCI_EXT_CAP_ID_NPEM] = "enclosure management",
	[PCI_EXT_CAP_ID_PL_32GT] = "physical layer 32 GT/s",
	[PCI_EXT_CAP_ID_ALT_PROTOCOL] = "alternate protocol",
	[PCI_EXT_CAP_ID_SFI] = "system firmware intermediary",
	[PCI_EXT_CAP_ID_DOE] = "data object exchange",
};

const char *pci_cap_name(bool extended, uint16_t id)
{
	if (extended)
		return id < ARRAY_SIZE(ext_cap_name) ? ext_cap_name[id] : NULL;
	return id < ARRAY_SIZE(cap_name) ? cap_name[id] : NULL;
}
