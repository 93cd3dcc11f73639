/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities: where each lies and which of its bits take what software
 * writes. Clauses are those of PCIe 6.0, named at the registers' definitions.
 */
#include <string.h>

#include "layout.h"

/* --- the two lists -------------------------------------------------------- */

/* Make room for a capability; 0: there is none. */
static unsigned int add_cap(struct fab_layout *l, uint8_t id, unsigned int size)
{
	unsigned int pos = l->next;

	if (pos + size > PCI_CFG_SPACE_SIZE)
		return 0;
	fab_ro(l, pos, 1, id);
	fab_ro(l, l->link ? l->link + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST,
	       1, pos);
	if (!l->link)
		l->m->init[PCI_COMMAND >> 2] |= PCI_STATUS_CAP_LIST << 16;
	l->link = pos;
	l->next = (pos + size + 3) & ~3u;
	return pos;
}

static unsigned int add_ext(struct fab_layout *l, uint16_t id, uint8_t version,
			    unsigned int size)
{
	unsigned int pos = l->ext_next;

	if (pos + size > l->m->size)
		return 0;
	fab_ro(l, pos, 4, (uint32_t)version << 16 | id);
	if (l->ext_link)
		l->m->init[l->ext_link >> 2] |= pos << 20;
	l->ext_link = pos;
	l->ext_next = (pos + size + 3) & ~3u;
	return pos;
}

/* --- power management, MSI, MSI-X ----------------------------------------- */

static int cap_pm(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int pos = add_cap(l, PCI_CAP_ID_PM, PCI_PM_SIZEOF);

	if (!pos)
		return -ENOSPC;
	l->m->pm = (uint16_t)pos;
	l->m->no_soft_reset = d->no_soft_reset;
	fab_ro(l, pos + PCI_PM_PMC, 2, 3 | PCI_PM_CAP_PME_MASK);
	fab_rw(l, pos + PCI_PM_CTRL, 4,
	       d->no_soft_reset ? PCI_PM_CTRL_NO_SOFT_RESET : 0,
	       PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE);
	l->m->w1c[(pos + PCI_PM_CTRL) >> 2] |= PCI_PM_CTRL_PME_STATUS;
	fab_sticky(l, pos + PCI_PM_CTRL,
		   PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS);
	fab_hooked(l, pos + PCI_PM_CTRL, FAB_HOOK_PM);
	return 0;
}

static int cap_msi(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int data = d->msi_64bit ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32;
	unsigned int size = data + (d->msi_mask ? 12 : 2);
	unsigned int pos = add_cap(l, PCI_CAP_ID_MSI, size), log2 = 0;
	uint32_t vectors = d->msi == 32 ? UINT32_MAX : (1u << d->msi) - 1;
	uint16_t flags;

	if (!pos)
		return -ENOSPC;
	l->m->msi = (uint16_t)pos;
	while (1u << log2 < d->msi)
		log2++;
	flags = (uint16_t)(log2 << PCI_MSI_FLAGS_QMASK_SHIFT);
	if (d->msi_64bit)
		flags |= PCI_MSI_FLAGS_64BIT;
	if (d->msi_mask)
		flags |= PCI_MSI_FLAGS_MASKBIT;
	fab_rw(l, pos + PCI_MSI_FLAGS, 2, flags,
	       PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	fab_rw(l, pos + PCI_MSI_ADDRESS_LO, 4, 0, ~3u);
	if (d->msi_64bit)
		fab_rw(l, pos + PCI_MSI_ADDRESS_HI, 4, 0, UINT32_MAX);
	fab_rw(l, pos + data, 2, 0, 0xffff);
	fab_hooked(l, pos + PCI_MSI_FLAGS, FAB_HOOK_MESSAGES);
	if (d->msi_mask) {
		fab_rw(l, pos + data + 4, 4, 0, vectors);
		fab_hooked(l, pos + data + 4, FAB_HOOK_MESSAGES);
	}
	return 0;
}

static int cap_msix(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int pos = add_cap(l, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	struct fab_model *m = l->m;

	if (!pos)
		return -ENOSPC;
	m->msix = (uint16_t)pos;
	m->msix_entries = d->msix.entries;
	m->msix_bar = d->msix.bar;
	m->msix_table = d->msix.table;
	m->pba_bar = d->msix.pba_bar;
	m->msix_pba = d->msix.pba;
	fab_rw(l, pos + PCI_MSIX_FLAGS, 2, d->msix.entries - 1u,
	       PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	fab_hooked(l, pos + PCI_MSIX_FLAGS, FAB_HOOK_MESSAGES);
	fab_ro(l, pos + PCI_MSIX_TABLE, 4, d->msix.table | d->msix.bar);
	fab_ro(l, pos + PCI_MSIX_PBA, 4, d->msix.pba | d->msix.pba_bar);
	return 0;
}

/* --- PCI Express ---------------------------------------------------------- */

static const uint8_t express_type[FAB_KINDS] = {
	[FAB_ENDPOINT] = PCI_EXP_TYPE_ENDPOINT,
	[FAB_RC_ENDPOINT] = PCI_EXP_TYPE_RC_END,
	[FAB_RC_EVENT] = PCI_EXP_TYPE_RC_EC,
	[FAB_ROOT_PORT] = PCI_EXP_TYPE_ROOT_PORT,
	[FAB_UPSTREAM] = PCI_EXP_TYPE_UPSTREAM,
	[FAB_DOWNSTREAM] = PCI_EXP_TYPE_DOWNSTREAM,
	[FAB_PCIE_TO_PCI] = PCI_EXP_TYPE_PCI_BRIDGE,
	[FAB_PCI_TO_PCIE] = PCI_EXP_TYPE_PCIE_BRIDGE,
};

static void express_device(struct fab_layout *l, const struct fab_desc *d,
			   unsigned int pos)
{
	bool port = fab_is_port(d->kind);

	fab_ro(l, pos + PCI_EXP_DEVCAP, 4,
	       1 | (uint32_t)d->phantom << PCI_EXP_DEVCAP_PHANTOM_SHIFT |
		       PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_RBER |
		       (d->flr ? PCI_EXP_DEVCAP_FLR : 0));
	fab_rw(l, pos + PCI_EXP_DEVCTL, 2,
	       d->vf ? 0
		     : PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN |
			       0x2000 |
			       (d->tester && d->phantom ? PCI_EXP_DEVCTL_PHANTOM
							: 0),
	       (d->vf ? 0 : 0x79ff) | (d->flr ? PCI_EXP_DEVCTL_BCR_FLR : 0) |
		       (d->phantom ? PCI_EXP_DEVCTL_PHANTOM : 0));
	fab_w1c(l, pos + PCI_EXP_DEVSTA, 2,
		PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED |
			PCI_EXP_DEVSTA_URD);
	fab_hooked(l, pos + PCI_EXP_DEVCTL, FAB_HOOK_DEVCTL);
	fab_ro(l, pos + PCI_EXP_DEVCAP2, 4,
	       PCI_EXP_DEVCAP2_COMP_TMOUT_DIS |
		       (port ? PCI_EXP_DEVCAP2_ARI : 0));
	fab_rw(l, pos + PCI_EXP_DEVCTL2, 2, 0,
	       d->vf ? 0
		     : PCI_EXP_DEVCTL2_COMP_TMOUT_DIS |
			       (port ? PCI_EXP_DEVCTL2_ARI : 0));
	if (port)
		fab_hooked(l, pos + PCI_EXP_DEVCTL2, FAB_HOOK_DEVCTL2);
}

#define LINK_SPEED 3 /* 8 GT/s */
#define LINK_WIDTH 4

static void express_link(struct fab_layout *l, const struct fab_desc *d,
			 unsigned int pos)
{
	bool port = fab_is_port(d->kind);
	uint16_t status = LINK_SPEED | LINK_WIDTH << PCI_EXP_LNKSTA_NLW_SHIFT |
			  PCI_EXP_LNKSTA_SLC;

	if (d->kind == FAB_RC_ENDPOINT || d->kind == FAB_RC_EVENT)
		return; /* no link: the registers are not there */
	fab_ro(l, pos + PCI_EXP_LNKCAP, 4,
	       LINK_SPEED | LINK_WIDTH << 4 |
		       (port ? PCI_EXP_LNKCAP_DLLLARC | PCI_EXP_LNKCAP_SDERC
			     : 0));
	fab_rw(l, pos + PCI_EXP_LNKCTL, 2, 0,
	       d->vf ? 0
		     : PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_CCC |
			       PCI_EXP_LNKCTL_ES |
			       (port ? PCI_EXP_LNKCTL_LD : 0));
	fab_ro(l, pos + PCI_EXP_LNKSTA, 2, d->vf ? 0 : status);
	if (port) { /* what fab_slot_update() keeps is not for a reset */
		fab_sticky(l, pos + PCI_EXP_LNKSTA, 0xffff);
		fab_hooked(l, pos + PCI_EXP_LNKCTL, FAB_HOOK_LNKCTL);
	}
	fab_ro(l, pos + PCI_EXP_LNKCAP2, 4, 0x0e);
	fab_rw(l, pos + PCI_EXP_LNKCTL2, 2, d->vf ? 0 : LINK_SPEED,
	       d->vf ? 0 : PCI_EXP_LNKCTL2_TLS);
	fab_sticky(l, pos + PCI_EXP_LNKCTL2, PCI_EXP_LNKCTL2_TLS);
}

static void express_slot(struct fab_layout *l, const struct fab_desc *d,
			 unsigned int pos)
{
	uint32_t cap = PCI_EXP_SLTCAP_NCCS |
		       (uint32_t)d->slot_number << PCI_EXP_SLTCAP_PSN_SHIFT;

	if (d->hotplug)
		cap |= PCI_EXP_SLTCAP_HPC | PCI_EXP_SLTCAP_HPS |
		       PCI_EXP_SLTCAP_AIP | PCI_EXP_SLTCAP_PIP;
	l->m->slot = true;
	l->m->hotplug = d->hotplug;
	fab_ro(l, pos + PCI_EXP_SLTCAP, 4, cap);
	fab_rw(l, pos + PCI_EXP_SLTCTL, 2,
	       d->hotplug
		       ? PCI_EXP_SLTCTL_ATTN_IND_OFF | PCI_EXP_SLTCTL_PWR_IND_ON
		       : 0,
	       d->hotplug ? PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_HPIE |
				    PCI_EXP_SLTCTL_AIC | PCI_EXP_SLTCTL_PIC |
				    PCI_EXP_SLTCTL_DLLSCE
			  : 0);
	fab_w1c(l, pos + PCI_EXP_SLTSTA, 2,
		PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	fab_sticky(l, pos + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PDS);
}

static int cap_express(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int pos = add_cap(l, PCI_CAP_ID_EXP, PCI_CAP_EXP_SIZEOF_V2);

	if (!pos)
		return -ENOSPC;
	l->m->pcie = (uint16_t)pos;
	fab_ro(l, pos + PCI_EXP_FLAGS, 2,
	       2 | express_type[d->kind] << PCI_EXP_FLAGS_TYPE_SHIFT |
		       (d->slot ? PCI_EXP_FLAGS_SLOT : 0));
	express_device(l, d, pos);
	express_link(l, d, pos);
	if (d->slot)
		express_slot(l, d, pos);
	if (d->kind == FAB_ROOT_PORT || d->kind == FAB_RC_EVENT) {
		fab_rw(l, pos + PCI_EXP_RTCTL, 2, 0,
		       PCI_EXP_RTCTL_SECEE | PCI_EXP_RTCTL_SENFEE |
			       PCI_EXP_RTCTL_SEFEE | PCI_EXP_RTCTL_PMEIE |
			       PCI_EXP_RTCTL_RRS_SVE);
		fab_ro(l, pos + PCI_EXP_RTCAP, 2, PCI_EXP_RTCAP_RRS_SV);
		fab_w1c(l, pos + PCI_EXP_RTSTA, 4, PCI_EXP_RTSTA_PME);
	}
	return 0;
}

/* --- AF, VPD, vendor-specific, a bridge's subsystem ----------------------- */

static int cap_af(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int pos = add_cap(l, PCI_CAP_ID_AF, PCI_CAP_AF_SIZEOF);

	(void)d;
	if (!pos)
		return -ENOSPC;
	l->m->af = (uint16_t)pos;
	fab_ro(l, pos + PCI_AF_LENGTH, 1, PCI_CAP_AF_SIZEOF);
	fab_ro(l, pos + PCI_AF_CAP, 1, PCI_AF_CAP_TP | PCI_AF_CAP_FLR);
	fab_rw(l, pos + PCI_AF_CTRL, 1, 0, PCI_AF_CTRL_FLR);
	fab_hooked(l, pos + PCI_AF_CTRL, FAB_HOOK_AF);
	return 0;
}

static int cap_vpd(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int pos = add_cap(l, PCI_CAP_ID_VPD, PCI_CAP_VPD_SIZEOF);
	uint8_t *data;

	if (!pos)
		return -ENOSPC;
	data = plat_zalloc(d->vpd_len + 4u); /* reads are of four bytes */
	if (!data)
		return -ENOMEM;
	memcpy(data, d->vpd, d->vpd_len);
	l->m->vpd = (uint16_t)pos;
	l->m->vpd_data = data;
	l->m->vpd_len = d->vpd_len;
	fab_rw(l, pos + PCI_VPD_ADDR, 2, 0, PCI_VPD_ADDR_MASK | PCI_VPD_ADDR_F);
	fab_rw(l, pos + PCI_VPD_DATA, 4, 0, UINT32_MAX);
	fab_hooked(l, pos + PCI_VPD_ADDR, FAB_HOOK_VPD);
	return 0;
}

static int cap_vendor(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int size = 3u + d->vndr_len;
	unsigned int pos = add_cap(l, PCI_CAP_ID_VNDR, size);

	if (!pos)
		return -ENOSPC;
	fab_ro(l, pos + PCI_CAP_VNDR_LENGTH, 1, size);
	for (unsigned int i = 0; i < d->vndr_len; i++)
		fab_rw(l, pos + 3 + i, 1, d->vndr[i],
		       d->vndr_writable ? 0xff : 0);
	return 0;
}

static int cap_ssvid(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int pos = add_cap(l, PCI_CAP_ID_SSVID, PCI_SSVID_SIZEOF);

	if (!pos)
		return -ENOSPC;
	fab_ro(l, pos + PCI_SSVID_VENDOR_ID, 2, d->subvendor);
	fab_ro(l, pos + PCI_SSVID_DEVICE_ID, 2, d->subdevice);
	return 0;
}

/* --- extended: AER, serial number, ACS, ATS, ARI -------------------------- */

#define AER_UNCOR                                                            \
	(PCI_ERR_UNC_DLP | PCI_ERR_UNC_SURPDN | PCI_ERR_UNC_POISON_TLP |     \
	 PCI_ERR_UNC_FCP | PCI_ERR_UNC_COMP_TIME | PCI_ERR_UNC_COMP_ABORT |  \
	 PCI_ERR_UNC_UNX_COMP | PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP | \
	 PCI_ERR_UNC_ECRC | PCI_ERR_UNC_UNSUP | PCI_ERR_UNC_ACSV)
#define AER_FATAL                                                 \
	(PCI_ERR_UNC_DLP | PCI_ERR_UNC_SURPDN | PCI_ERR_UNC_FCP | \
	 PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP)
#define AER_COR                                                          \
	(PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP | PCI_ERR_COR_BAD_DLLP | \
	 PCI_ERR_COR_REP_ROLL | PCI_ERR_COR_REP_TIMER | PCI_ERR_COR_ADV_NFAT)
#define AER_ECRC (PCI_ERR_CAP_ECRC_GENE | PCI_ERR_CAP_ECRC_CHKE)

static int cap_aer(struct fab_layout *l, const struct fab_desc *d)
{
	bool root = d->kind == FAB_ROOT_PORT || d->kind == FAB_RC_EVENT;
	unsigned int pos =
		add_ext(l, PCI_EXT_CAP_ID_ERR, 2,
			root ? PCI_ERR_SIZEOF : PCI_ERR_ROOT_COMMAND);

	if (!pos)
		return -ENOSPC;
	fab_w1c(l, pos + PCI_ERR_UNCOR_STATUS, 4, AER_UNCOR);
	fab_rw(l, pos + PCI_ERR_UNCOR_MASK, 4, 0, AER_UNCOR);
	fab_rw(l, pos + PCI_ERR_UNCOR_SEVER, 4, AER_FATAL, AER_UNCOR);
	fab_w1c(l, pos + PCI_ERR_COR_STATUS, 4, AER_COR);
	fab_rw(l, pos + PCI_ERR_COR_MASK, 4, PCI_ERR_COR_ADV_NFAT, AER_COR);
	fab_rw(l, pos + PCI_ERR_CAP, 4,
	       PCI_ERR_CAP_ECRC_GENC | PCI_ERR_CAP_ECRC_CHKC, AER_ECRC);
	for (unsigned int reg = PCI_ERR_UNCOR_STATUS; reg <= PCI_ERR_CAP;
	     reg += 4)
		fab_sticky(l, pos + reg, UINT32_MAX);
	if (root) {
		fab_rw(l, pos + PCI_ERR_ROOT_COMMAND, 4, 0, 7);
		fab_w1c(l, pos + PCI_ERR_ROOT_STATUS, 4, 0x7f);
		fab_sticky(l, pos + PCI_ERR_ROOT_STATUS, 0x7f);
	}
	return 0;
}

static int cap_serial(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int pos =
		add_ext(l, PCI_EXT_CAP_ID_DSN, 1, PCI_EXT_CAP_DSN_SIZEOF);

	if (!pos)
		return -ENOSPC;
	fab_ro(l, pos + PCI_DSN_LOWER, 4, (uint32_t)d->serial);
	fab_ro(l, pos + PCI_DSN_UPPER, 4, (uint32_t)(d->serial >> 32));
	return 0;
}

static int cap_acs(struct fab_layout *l, const struct fab_desc *d)
{
	const uint16_t bits = PCI_ACS_SV | PCI_ACS_TB | PCI_ACS_RR |
			      PCI_ACS_CR | PCI_ACS_UF;
	unsigned int pos = add_ext(l, PCI_EXT_CAP_ID_ACS, 1, 8);

	(void)d;
	if (!pos)
		return -ENOSPC;
	l->m->acs = (uint16_t)pos;
	fab_ro(l, pos + PCI_ACS_CAP, 2, bits);
	fab_rw(l, pos + PCI_ACS_CTRL, 2, 0, bits);
	return 0;
}

static int cap_ats(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int pos =
		add_ext(l, PCI_EXT_CAP_ID_ATS, 1, PCI_EXT_CAP_ATS_SIZEOF);

	if (!pos)
		return -ENOSPC;
	l->m->ats = (uint16_t)pos;
	fab_ro(l, pos + PCI_ATS_CAP, 2,
	       (d->ats_queue & 0x1f) | PCI_ATS_CAP_PAGE_ALIGNED);
	fab_rw(l, pos + PCI_ATS_CTRL, 2, 0,
	       PCI_ATS_CTRL_ENABLE | (d->vf ? 0 : 0x1f));
	fab_hooked(l, pos + PCI_ATS_CTRL, FAB_HOOK_ATS);
	return 0;
}

static int cap_ari(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int pos =
		add_ext(l, PCI_EXT_CAP_ID_ARI, 1, PCI_EXT_CAP_ARI_SIZEOF);

	(void)d;
	return pos ? 0 : -ENOSPC;
}

/* --- SR-IOV, Resizable BAR ------------------------------------------------ */

#define PAGE_SIZES 0x553 /* 4K 8K 64K 256K 1M 4M: what every PF must have */

static int cap_sriov(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int pos =
		add_ext(l, PCI_EXT_CAP_ID_SRIOV, 1, PCI_EXT_CAP_SRIOV_SIZEOF);

	if (!pos)
		return -ENOSPC;
	l->m->sriov = (uint16_t)pos;
	l->m->vf_enabled = d->vf_enabled;
	fab_ro(l, pos + PCI_SRIOV_CAP, 4, PCI_SRIOV_CAP_ARI);
	fab_rw(l, pos + PCI_SRIOV_CTRL, 2, 0,
	       PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE | PCI_SRIOV_CTRL_ARI);
	fab_hooked(l, pos + PCI_SRIOV_CTRL, FAB_HOOK_SRIOV_CTL);
	fab_ro(l, pos + PCI_SRIOV_INITIAL_VF, 2, d->vf_total);
	fab_ro(l, pos + PCI_SRIOV_TOTAL_VF, 2, d->vf_total);
	fab_rw(l, pos + PCI_SRIOV_NUM_VF, 2, 0, 0xffff);
	fab_hooked(l, pos + PCI_SRIOV_NUM_VF, FAB_HOOK_NUM_VF);
	fab_ro(l, pos + PCI_SRIOV_VF_OFFSET, 2, d->vf_offset);
	fab_ro(l, pos + PCI_SRIOV_VF_STRIDE, 2, d->vf_stride);
	fab_ro(l, pos + PCI_SRIOV_VF_DID, 2, d->vf_device);
	fab_ro(l, pos + PCI_SRIOV_SUP_PGSIZE, 4, PAGE_SIZES);
	fab_rw(l, pos + PCI_SRIOV_SYS_PGSIZE, 4, 1, PAGE_SIZES);
	for (unsigned int i = 0; i < ARRAY_SIZE(d->vf_bar); i++)
		if (d->vf_bar[i].size)
			fab_layout_bar(l, PCI_BAR_FIRST_VF + i, &d->vf_bar[i]);
	return 0;
}

static int cap_rebar(struct fab_layout *l, const struct fab_desc *d)
{
	unsigned int n = 0, pos, reg;

	for (unsigned int i = 0; i < ARRAY_SIZE(d->rebar_sizes); i++)
		n += d->rebar_sizes[i] != 0;
	pos = add_ext(l, PCI_EXT_CAP_ID_REBAR, 1, 4 + n * 8);
	if (!pos)
		return -ENOSPC;
	l->m->rebar = (uint16_t)pos;
	reg = pos;
	for (unsigned int i = 0; i < ARRAY_SIZE(d->rebar_sizes); i++) {
		uint32_t size = 0;

		if (!d->rebar_sizes[i])
			continue;
		while (1ull << (20 + size) < d->bar[i].size)
			size++;
		l->m->rebar_sizes[i] = d->rebar_sizes[i];
		fab_ro(l, reg + PCI_REBAR_CAP, 4, d->rebar_sizes[i] << 4);
		fab_rw(l, reg + PCI_REBAR_CTRL, 4,
		       i | (reg == pos ? n << PCI_REBAR_CTRL_NBAR_SHIFT : 0) |
			       size << PCI_REBAR_CTRL_BAR_SHIFT,
		       PCI_REBAR_CTRL_BAR_SIZE);
		fab_hooked(l, reg + PCI_REBAR_CTRL, FAB_HOOK_REBAR);
		reg += 8;
	}
	return 0;
}

/* --- all of them ---------------------------------------------------------- */

static bool has_rebar(const struct fab_desc *d)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(d->rebar_sizes); i++)
		if (d->rebar_sizes[i])
			return true;
	return false;
}

int fab_layout_caps(struct fab_layout *l, const struct fab_desc *d)
{
	const struct {
		bool there;
		int (*add)(struct fab_layout *l, const struct fab_desc *d);
	} cap[] = {
		{ d->pm, cap_pm },
		{ d->msi, cap_msi },
		{ d->msix.entries, cap_msix },
		{ fab_is_express(d->kind), cap_express },
		{ d->af, cap_af },
		{ d->has_vpd, cap_vpd },
		{ d->has_vendor, cap_vendor },
		{ fab_is_bridge(d->kind) && d->subvendor, cap_ssvid },
		{ d->aer, cap_aer },
		{ d->has_serial, cap_serial },
		{ d->acs, cap_acs },
		{ d->ats, cap_ats },
		{ d->vf_total || d->vf, cap_ari },
		{ d->vf_total, cap_sriov },
		{ has_rebar(d), cap_rebar },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cap); i++) {
		int rc = cap[i].there ? cap[i].add(l, d) : 0;

		if (rc)
			return rc;
	}
	return 0;
}
