/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers whose write has an effect beyond itself: bus numbers, resets,
 * power states, VF Enable, resizing, vital product data. All run under the
 * segment's lock, and each stores the register itself.
 */
#include "machine.h"

struct hooked {
	unsigned int reg;  /* of the dword */
	uint32_t mask;     /* the bits that the access covers */
	uint32_t was, val; /* val: masks applied */
};

/* --- resets --------------------------------------------------------------- */

void fab_reset(struct fab_fn *fn)
{
	const struct fab_model *m = fn->model;

	if (!fab_faults_reset(fn))
		return;
	fab_epoch_bump(fn->seg->fabric);
	fab_vfs_destroy(fn);
	for (unsigned int i = 0; i < m->size / 4u; i++) {
		uint32_t keep = m->sticky[i] & fab_get(fn, i * 4);

		fab_set(fn, i * 4, keep | (m->init[i] & ~m->sticky[i]));
	}
	fab_pages_free(fn);
	fab_atc_drop(fn);
	fab_tester_reset(fn);
	if (fab_is_port(m->kind))
		fab_slot_update(fn, false);
}

void fab_reset_link(struct fab_link *link)
{
	for (struct fab_fn *fn = link->first; fn; fn = fn->next) {
		fab_reset(fn);
		if (fn->below)
			fab_reset_link(fn->below);
	}
}

/*
 * A function-level reset leaves alone what it shares with the link: payload
 * size, ASPM, the link's clock and speed (PCIe 6.0 §6.6.2).
 */
static void reset_function(struct fab_fn *fn)
{
	unsigned int pcie = fn->model->pcie;
	uint16_t devctl = 0, lnkctl = 0, lnkctl2 = 0;

	if (pcie) {
		devctl = fab_get16(fn, pcie + PCI_EXP_DEVCTL);
		lnkctl = fab_get16(fn, pcie + PCI_EXP_LNKCTL);
		lnkctl2 = fab_get16(fn, pcie + PCI_EXP_LNKCTL2);
	}
	fab_reset(fn);
	if (pcie) {
		fab_update16(fn, pcie + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_PAYLOAD,
			     devctl & PCI_EXP_DEVCTL_PAYLOAD);
		fab_update16(fn, pcie + PCI_EXP_LNKCTL, 0xffff, lnkctl);
		fab_update16(fn, pcie + PCI_EXP_LNKCTL2, 0xffff, lnkctl2);
	}
	fab_route(fn->seg);
}

/* --- one function a hook -------------------------------------------------- */

static void hook_buses(struct fab_fn *fn, struct hooked *h)
{
	fab_set(fn, h->reg, h->val);
	if ((h->was ^ h->val) & 0x00ffffff)
		fab_route(fn->seg);
}

/* Who writes it waits for DMA under way: the segment's lock. */
static void hook_command(struct fab_fn *fn, struct hooked *h)
{
	fab_set(fn, h->reg, h->val);
}

/* While the bit is set, nobody below answers (P2P 1.2 §3.2.5.18). */
static void hook_bridge_ctl(struct fab_fn *fn, struct hooked *h)
{
	const uint32_t bit = (uint32_t)PCI_BRIDGE_CTL_BUS_RESET << 16;

	fab_set(fn, h->reg, h->val);
	if (!((h->was ^ h->val) & bit))
		return;
	if (h->val & bit)
		fab_reset_link(fn->below);
	fab_route(fn->seg);
}

/* PCIe 6.0 §5.3.1.4: without No_Soft_Reset, D3hot to D0 is a reset. */
static void hook_pm(struct fab_fn *fn, struct hooked *h)
{
	unsigned int from = h->was & PCI_PM_CTRL_STATE_MASK;
	unsigned int to = h->val & PCI_PM_CTRL_STATE_MASK;

	if (to == 1 || to == 2) { /* D1, D2: not there, the write is ignored */
		h->val = (h->val & ~(uint32_t)PCI_PM_CTRL_STATE_MASK) | from;
		to = from;
	}
	fab_set(fn, h->reg, h->val);
	if (from == to)
		return;
	if (to == 0 && !fn->model->no_soft_reset)
		fab_reset(fn);
	fab_route(fn->seg);
}

static void hook_devctl(struct fab_fn *fn, struct hooked *h)
{
	if (h->val & PCI_EXP_DEVCTL_BCR_FLR)
		reset_function(fn);
	else
		fab_set(fn, h->reg, h->val);
}

static void hook_lnkctl(struct fab_fn *fn, struct hooked *h)
{
	fab_set(fn, h->reg, h->val);
	if (!((h->was ^ h->val) & PCI_EXP_LNKCTL_LD))
		return;
	if (h->val & PCI_EXP_LNKCTL_LD)
		fab_reset_link(fn->below);
	fab_slot_update(fn, false);
	fab_route(fn->seg);
}

static void hook_devctl2(struct fab_fn *fn, struct hooked *h)
{
	fab_set(fn, h->reg, h->val);
	if ((h->was ^ h->val) & PCI_EXP_DEVCTL2_ARI)
		fab_route(fn->seg);
}

static void hook_af(struct fab_fn *fn, struct hooked *h)
{
	if (h->val & PCI_AF_CTRL_FLR)
		reset_function(fn);
	else
		fab_set(fn, h->reg, h->val);
}

/* --- vital product data (PCI 3.0 appendix I) ------------------------------ */

static uint32_t vpd_read(const struct fab_fn *fn, unsigned int addr)
{
	const uint8_t *data = fn->vpd ? fn->vpd : fn->model->vpd_data;
	uint32_t val = 0;

	for (unsigned int i = 0; i < 4 && addr + i < fn->model->vpd_len; i++)
		val |= (uint32_t)data[addr + i] << i * 8;
	return val;
}

static void vpd_write(struct fab_fn *fn, unsigned int addr, uint32_t val)
{
	unsigned int len = fn->model->vpd_len;

	if (!fn->vpd) {
		fn->vpd = plat_zalloc(len);
		if (!fn->vpd)
			return; /* as a part that is write-protected */
		memcpy(fn->vpd, fn->model->vpd_data, len);
	}
	for (unsigned int i = 0; i < 4 && addr + i < len; i++)
		fn->vpd[addr + i] = (uint8_t)(val >> i * 8);
}

/* The transfer begins with a write of the flag's byte, and is done at once. */
static void hook_vpd(struct fab_fn *fn, struct hooked *h)
{
	const uint32_t flag = (uint32_t)PCI_VPD_ADDR_F << 16;
	unsigned int addr = h->val >> 16 & PCI_VPD_ADDR_MASK & ~3u;
	unsigned int data = fn->model->vpd + PCI_VPD_DATA;

	if (!(h->mask & flag)) {
		fab_set(fn, h->reg, h->val);
	} else if (h->val & flag) {
		vpd_write(fn, addr, fab_get(fn, data));
		fab_set(fn, h->reg, h->val & ~flag);
	} else {
		fab_set(fn, data, vpd_read(fn, addr));
		fab_set(fn, h->reg, h->val | flag);
	}
}

/* --- SR-IOV, Resizable BAR ------------------------------------------------ */

static void hook_sriov_ctl(struct fab_fn *fn, struct hooked *h)
{
	if (!((h->was ^ h->val) & PCI_SRIOV_CTRL_VFE)) {
		fab_set(fn, h->reg, h->val);
		return;
	}
	if (!(h->val & PCI_SRIOV_CTRL_VFE))
		fab_vfs_destroy(fn);
	else if (fab_vfs_create(fn))
		h->val &= ~(uint32_t)PCI_SRIOV_CTRL_VFE;
	fab_set(fn, h->reg, h->val);
}

/* PCIe 6.0 §9.3.3.7: not while VF Enable is set, not above TotalVFs. */
static void hook_num_vf(struct fab_fn *fn, struct hooked *h)
{
	unsigned int sriov = fn->model->sriov;

	if (fab_get16(fn, sriov + PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE)
		return;
	if ((h->val & 0xffff) <= fab_get16(fn, sriov + PCI_SRIOV_TOTAL_VF))
		fab_set(fn, h->reg, h->val);
}

static void hook_rebar(struct fab_fn *fn, struct hooked *h)
{
	unsigned int bar = h->val & PCI_REBAR_CTRL_BAR_IDX;
	unsigned int size = (h->val & PCI_REBAR_CTRL_BAR_SIZE) >>
			    PCI_REBAR_CTRL_BAR_SHIFT;

	if (size > 27 || !(fn->model->rebar_sizes[bar] & 1u << size))
		return; /* PCIe 6.0 §7.8.6.3: undefined; ours stays */
	fab_set(fn, h->reg, h->val);
	/* the bits below the new size read zero from now on */
	fab_bar_place(fn, bar, fab_bar_addr(fn, bar));
}

/* --- messages, ATS --------------------------------------------------------- */

/* What is sent now is sent without the lock: fab_fn_write(). */
static void hook_messages(struct fab_fn *fn, struct hooked *h)
{
	fab_set(fn, h->reg, h->val);
}

/* What it remembers ends with the enable bit (PCIe 6.0 §10.5.1.3). */
static void hook_ats(struct fab_fn *fn, struct hooked *h)
{
	fab_set(fn, h->reg, h->val);
	if (!(h->val >> 16 & PCI_ATS_CTRL_ENABLE))
		fab_atc_drop(fn);
}

/* --- dispatch ------------------------------------------------------------- */

static void (*const hooks[FAB_HOOKS])(struct fab_fn *, struct hooked *) = {
	[FAB_HOOK_COMMAND] = hook_command,
	[FAB_HOOK_BUSES] = hook_buses,
	[FAB_HOOK_BRIDGE_CTL] = hook_bridge_ctl,
	[FAB_HOOK_PM] = hook_pm,
	[FAB_HOOK_DEVCTL] = hook_devctl,
	[FAB_HOOK_LNKCTL] = hook_lnkctl,
	[FAB_HOOK_DEVCTL2] = hook_devctl2,
	[FAB_HOOK_AF] = hook_af,
	[FAB_HOOK_VPD] = hook_vpd,
	[FAB_HOOK_SRIOV_CTL] = hook_sriov_ctl,
	[FAB_HOOK_NUM_VF] = hook_num_vf,
	[FAB_HOOK_REBAR] = hook_rebar,
	[FAB_HOOK_ATS] = hook_ats,
	[FAB_HOOK_MESSAGES] = hook_messages,
};

void fab_hook(struct fab_fn *fn, unsigned int dword, uint32_t mask,
	      uint32_t val)
{
	uint32_t rw = fn->model->rw[dword] & mask;
	uint32_t w1c = fn->model->w1c[dword] & mask & val;
	struct hooked h = { .reg = dword * 4, .mask = mask };

	h.was = fab_get(fn, h.reg);
	h.val = ((h.was & ~rw) | (val & rw)) & ~w1c;
	hooks[fn->model->hook[dword]](fn, &h);
}
