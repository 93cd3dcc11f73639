/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual functions (PCIe 6.0 §9.3.3). A VF answers 0xffff for vendor and
 * device, so that it is known only by its physical function: VF n of a PF is
 * at the PF's Routing ID + First VF Offset + n * VF Stride, while VF Enable is
 * set and n is below NumVFs. All of these may change while nobody looks; they
 * are read whenever the answer matters.
 */
#include "config/internal.h"

void vf_read(struct conf *pf, uint16_t sriov, struct vf_set *set)
{
	uint16_t ctrl = conf_read(pf, sriov + PCI_SRIOV_CTRL, 2);

	*set = (struct vf_set){
		.pf = pf->sbdf,
		.enabled = ctrl != conf_ones(2) && ctrl & PCI_SRIOV_CTRL_VFE,
		.total = conf_read(pf, sriov + PCI_SRIOV_TOTAL_VF, 2),
		.num = conf_read(pf, sriov + PCI_SRIOV_NUM_VF, 2),
		.offset = conf_read(pf, sriov + PCI_SRIOV_VF_OFFSET, 2),
		.stride = conf_read(pf, sriov + PCI_SRIOV_VF_STRIDE, 2),
		.device = conf_read(pf, sriov + PCI_SRIOV_VF_DID, 2),
	};
}

const char *vf_defect(const struct vf_set *set)
{
	if (!set->enabled || !set->num)
		return NULL;
	if (set->num > set->total)
		return "NumVFs is above TotalVFs";
	if (!set->offset || (set->num > 1 && !set->stride))
		return "First VF Offset and VF Stride make functions coincide";
	if (set->pf.bdf + set->offset + (set->num - 1u) * set->stride >
	    UINT16_MAX)
		return "VFs lie beyond bus 255";
	return NULL;
}

unsigned int vf_count(const struct vf_set *set)
{
	return set->enabled && !vf_defect(set) ? set->num : 0;
}

pci_sbdf_t vf_address(const struct vf_set *set, unsigned int n)
{
	pci_sbdf_t vf = set->pf;

	vf.bdf = (uint16_t)(vf.bdf + set->offset + n * set->stride);
	return vf;
}

int vf_index(const struct vf_set *set, pci_sbdf_t sbdf)
{
	int distance = sbdf.bdf - set->pf.bdf - set->offset;
	int stride = set->stride ? set->stride : 1;

	if (distance < 0 || distance % stride ||
	    (unsigned int)(distance / stride) >= vf_count(set))
		return -1;
	return distance / stride;
}

struct pci_dev *vf_find_pf(pci_sbdf_t sbdf)
{
	struct pci_dev *pdev = NULL;

	while ((pdev = pci_next_pdev(sbdf.seg, pdev))) {
		struct vf_set set;
		struct conf pf;

		if (pdev->desc.sbdf.bdf >= sbdf.bdf)
			break;
		if (!pdev->desc.sriov)
			continue;
		conf_of(&pf, pdev);
		vf_read(&pf, pdev->desc.sriov, &set);
		if (vf_index(&set, sbdf) >= 0)
			return pdev;
	}
	pcidev_put(pdev);
	return NULL;
}

uint8_t vf_page(struct conf *pf, uint16_t sriov)
{
	uint32_t sizes = conf_answer(pf, sriov + PCI_SRIOV_SYS_PGSIZE, 4);
	uint8_t page = 12;

	while (!(sizes & 1) && page < 43) {
		sizes >>= 1;
		page++;
	}
	return sizes ? page : 12;
}

/*
 * How large one is now: whoever has the PF may have chosen other sizes, or
 * another page, since they were found. With a smaller page, what took just one
 * may take less by now.
 */
static void vf_size(struct pci_bar *bar, uint8_t now, uint8_t then)
{
	if (now < then && bar->size <= 1ull << then)
		bar->size_unknown = true;
	if (bar->size < 1ull << now)
		bar->size = 1ull << now;
}

/* BAR i of VF n lies n sizes above the PF's VF BAR i (§9.3.3.14). */
static void vf_bars(struct pci_dev_desc *desc, struct conf *c,
		    struct pci_dev_desc *pf, unsigned int n)
{
	struct pci_bar *of_pf = &pf->bar[PCI_BAR_FIRST_VF];
	uint8_t page = vf_page(c, pf->sriov);
	uint16_t at, ctrl[PCI_BAR_FIRST_ROM];
	unsigned int i;

	conf_resize(of_pf, ctrl,
		    conf_rebar(c, &pf->facts, PCI_EXT_CAP_ID_VF_REBAR, &at,
			       ctrl));
	for (i = 0; i < PCI_SRIOV_NUM_BARS; i++) {
		struct pci_bar *bar = &desc->bar[i], now = { 0 };
		uint16_t reg = (uint16_t)(pf->sriov + PCI_SRIOV_BAR + 4 * i);
		uint32_t lo, hi = 0;

		if (of_pf[i].kind == PCI_BAR_NONE)
			continue;
		*bar = of_pf[i];
		vf_size(bar, page, pf->vf_page);
		lo = conf_answer(c, reg, 4);
		if (bar->kind == PCI_BAR_MEM64)
			hi = conf_answer(c, reg + 4, 4);
		bar_decode(&now, lo, hi);
		bar->addr = 0;
		if (!bar->size_unknown && now.kind == bar->kind)
			bar->addr = now.addr + n * bar->size;
	}
}

int vf_describe(struct conf *c, struct pci_dev *pf, struct pci_dev_desc *desc)
{
	struct pci_dev_desc of_pf;
	struct vf_set set;
	struct conf at_pf;
	int n;

	pcidev_describe(pf, &of_pf);
	conf_of(&at_pf, pf);
	vf_read(&at_pf, of_pf.sriov, &set);
	n = vf_index(&set, c->sbdf);
	if (n < 0)
		return -ENODEV;
	desc->is_vf = true;
	desc->parent = of_pf.sbdf;
	desc->ident.vendor = of_pf.ident.vendor;
	desc->ident.device = set.device;
	desc->ident.subvendor = of_pf.ident.subvendor;
	desc->ident.serial = of_pf.ident.serial;
	vf_bars(desc, &at_pf, &of_pf, (unsigned int)n);
	return at_pf.err;
}
