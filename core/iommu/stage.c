/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage "iommu", by which a device's life reaches this module: ACS is
 * switched on before a device is published, and remembered.
 */
#include "iommu/internal.h"

bool iommu_on;

/* --- ACS -------------------------------------------------------------- */

static void switch_acs_on(struct pci_dev *pdev, struct pci_iommu *iommu)
{
	const uint16_t wanted = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR |
				PCI_ACS_UF;
	uint16_t pos = pdev->desc.acs, cap, ctrl;
	struct conf c;

	if (!pos)
		return;
	conf_of(&c, pdev);
	cap = (uint16_t)conf_read(&c, pos + PCI_ACS_CAP, 2);
	ctrl = (uint16_t)conf_read(&c, pos + PCI_ACS_CTRL, 2);
	if (!pdev->pseg->host->ops->read_only)
		conf_write(&c, pos + PCI_ACS_CTRL, 2, ctrl | (cap & wanted));
	ctrl = (uint16_t)conf_read(&c, pos + PCI_ACS_CTRL, 2);
	iommu->acs = c.err || ctrl == conf_ones(2) ? 0 : ctrl;
}

/* --- the stage ----------------------------------------------------------------------- */

static int iommu_attach(struct pci_dev *pdev)
{
	struct pci_iommu *iommu = plat_zalloc(sizeof(*iommu));

	if (!iommu)
		return -ENOMEM;
	switch_acs_on(pdev, iommu);
	pdev->iommu = iommu;
	return 0;
}

static void iommu_detach(struct pci_dev *pdev)
{
	plat_free(pdev->iommu);
	pdev->iommu = NULL;
}

static void iommu_fini(void)
{
	iommu_on = false;
}

static const struct pci_stage iommu_stage = {
	.name = "iommu",
	.rank = PCI_STAGE_IOMMU,
	.attach = iommu_attach,
	.detach = iommu_detach,
	.fini = iommu_fini,
};

int pci_iommu_init(void)
{
	int err = pci_stage_register(&iommu_stage);

	iommu_on = !err;
	return err;
}
