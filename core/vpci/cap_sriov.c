/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SR-IOV capability (PCIe 6.0 §9.3.3) as the hardware domain sees it: as it
 * is, but for what says how many VFs there are, and where.
 *
 * A write that changes VF Enable is noted, whole, and becomes an operation
 * (vfs.c): until that is over the bit reads 1 only if it is wanted and there
 * already. What VFs were added by (their number, page size and BARs) stays as
 * it is while there are any.
 *
 * Write hooks run under pdev->lock; the read hook takes none.
 */
#include "vpci/vfs.h"

static uint32_t read_control(struct vpci *view, uint16_t reg, uint32_t val,
			     void *data)
{
	(void)reg;
	(void)data;
	if (vpci_vfs_busy(view))
		val &= hf_load_acquire(&view->vfs->control) |
		       ~(uint32_t)PCI_SRIOV_CTRL_VFE;
	return val;
}

static void write_control(struct vpci *view, uint16_t reg, uint32_t val,
			  uint32_t mask, void *data)
{
	uint32_t now = vpci_hw_read(view, reg, 2);
	struct vpci_vfs *vfs = view->vfs;

	(void)data;
	if (vpci_vfs_busy(view)) {
		val = (hf_load_relaxed(&vfs->control) & ~mask) | (val & mask);
	} else if (!((val ^ now) & PCI_SRIOV_CTRL_VFE) &&
		   (now & PCI_SRIOV_CTRL_VFE || !view->pdev->nchildren)) {
		vpci_hw_write(view, reg, 2, val);
		return;
	}
	/* Also if a reset of the PF cleared it and has left VFs behind. */
	hf_store_release(&vfs->control, val);
	vpci_want(view, VPCI_WORK_VFS);
}

/* §9.3.3.7, §9.3.3.13, §9.3.3.14: to be written with VF Enable clear only. */
static void write_locked(struct vpci *view, uint16_t reg, uint32_t val,
			 uint32_t mask, void *data)
{
	uint16_t sriov = view->pdev->desc.sriov;

	(void)mask;
	(void)data;
	if (vpci_vfs_busy(view) ||
	    vpci_hw_read(view, sriov + PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_VFE)
		return;
	vpci_hw_write(view, reg, reg == sriov + PCI_SRIOV_NUM_VF ? 2 : 4, val);
}

static int add(struct vpci *view, unsigned int reg, uint8_t size,
	       vpci_read_fn *read, vpci_write_fn *write)
{
	const uint32_t all = (uint32_t)vpci_ones(size);
	const struct vpci_masks masks = { .hw = all, .rw = all };

	return vpci_add_register(view, (uint16_t)reg, size, &masks, read, write,
				 NULL);
}

static int setup(struct vpci *view, struct pci_dev *pdev, uint16_t pos)
{
	unsigned int i;
	int err;

	/* Not a second one, nor where a function can have no VFs. */
	if (pos != pdev->desc.sriov)
		return -EINVAL;
	view->vfs = plat_zalloc(sizeof(*view->vfs));
	if (!view->vfs)
		return -ENOMEM;
	err = add(view, pos + PCI_SRIOV_CTRL, 2, read_control, write_control);
	if (!err)
		err = add(view, pos + PCI_SRIOV_NUM_VF, 2, NULL, write_locked);
	if (!err)
		err = add(view, pos + PCI_SRIOV_SYS_PGSIZE, 4, NULL,
			  write_locked);
	for (i = 0; i < PCI_SRIOV_NUM_BARS && !err; i++)
		err = add(view, pos + PCI_SRIOV_BAR + 4 * i, 4, NULL,
			  write_locked);
	return err;
}

const struct vpci_cap_policy vpci_hwdom_sriov = {
	.show = true,
	.rest = VPCI_REST_PASS,
	.length = PCI_EXT_CAP_SRIOV_SIZEOF,
	.setup = setup,
};
