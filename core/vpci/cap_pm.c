/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power management for guests (PCIe 6.0 §7.5.2). The device stays in D0: the
 * guest's D0 and D3hot live in the view, so that no transition resets the
 * device behind the host's back, and No_Soft_Reset tells the guest so. D1, D2
 * and PME, which is the platform's, are not offered.
 */
#include "vpci/internal.h"

/* A state that is not offered is no change (§7.5.2.2). */
static void pmcsr_write(struct vpci *view, uint16_t reg, uint32_t val,
			uint32_t mask, void *data)
{
	uint32_t state = val & PCI_PM_CTRL_STATE_MASK;

	(void)mask, (void)data;
	if (!state || state == PCI_PM_CTRL_STATE_MASK)
		vpci_set(view, reg, 2, val);
}

static int pm_setup(struct vpci *view, struct pci_dev *pdev, uint16_t pos)
{
	const struct vpci_masks masks = {
		.rw = PCI_PM_CTRL_STATE_MASK,
		.value = PCI_PM_CTRL_NO_SOFT_RESET,
	};

	(void)pdev;
	return vpci_add_register(view, pos + PCI_PM_CTRL, 2, &masks, NULL,
				 pmcsr_write, NULL);
}

static const struct vpci_field pm_fields[] = {
	{
		.offset = PCI_PM_PMC,
		.size = 2,
		.masks.hw = PCI_PM_CAP_VER_MASK | PCI_PM_CAP_IMM_READY |
			    PCI_PM_CAP_DSI,
	},
};

const struct vpci_cap_policy vpci_guest_pm = {
	.show = true,
	.length = PCI_PM_SIZEOF,
	.nfields = ARRAY_SIZE(pm_fields),
	.field = pm_fields,
	.setup = pm_setup,
};
