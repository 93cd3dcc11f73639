/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Did it work? Rule 15: what a domain gives up is reset, and that is looked at
 * before anybody else has it. What hardware says is a claim, so each sign is
 * looked for that there is: bits planted before and still set after, an answer,
 * the identity, transactions, bus mastering, and requests that the IOMMU has
 * refused.
 */
#include "reset/internal.h"

/* --- a trace that has to go ------------------------------------------------------ */

/* Those of @bits that could be switched on, and were off. */
static uint16_t set_bits(struct pci_dev *pdev, uint16_t reg, uint16_t bits)
{
	uint16_t was = (uint16_t)pcidev_read(pdev, reg, 2), now;

	if (was == conf_ones(2))
		return 0;
	pcidev_write(pdev, reg, 2, was | bits);
	now = (uint16_t)pcidev_read(pdev, reg, 2);
	return now == conf_ones(2) ? 0 : now & bits & ~was;
}

static bool has_bits(struct pci_dev *pdev, uint16_t reg, uint16_t bits)
{
	return bits && pcidev_read(pdev, reg, 2) & bits;
}

/* The register of its first BAR, if it has one; a VF has none itself. */
static uint32_t first_bar(struct pci_dev *pdev)
{
	unsigned int i;

	for (i = 0; i < PCI_BAR_FIRST_ROM && !pdev->desc.is_vf; i++)
		if (pcidev_bar_kind(pdev, i) != PCI_BAR_NONE)
			return pcidev_read(pdev,
					   conf_bar_register(&pdev->desc, i),
					   4) &
			       PCI_BASE_ADDRESS_MEM_MASK;
	return 0;
}

/*
 * Parity Error Response and MSI-X's Function Mask harm nobody, and every reset
 * clears them; so it does BARs.
 */
void reset_plant(struct pci_dev *pdev)
{
	struct pci_reset *r = pdev->reset;
	uint16_t msix = pdev->desc.msix;

	conf_stop(pdev);
	r->command = pdev->desc.is_vf
			     ? 0
			     : set_bits(pdev, PCI_COMMAND, PCI_COMMAND_PARITY);
	r->msix = msix ? set_bits(pdev, msix + PCI_MSIX_FLAGS,
				  PCI_MSIX_FLAGS_MASKALL)
		       : 0;
	r->bar = first_bar(pdev);
}

bool reset_had_no_effect(struct pci_dev *pdev)
{
	const struct pci_reset *r = pdev->reset;

	return has_bits(pdev, PCI_COMMAND, r->command) ||
	       has_bits(pdev, pdev->desc.msix + PCI_MSIX_FLAGS, r->msix) ||
	       (r->bar && first_bar(pdev) == r->bar);
}

/* --- rule 15 -------------------------------------------------------------------- */

static const char *no_vendor(struct pci_dev *pdev)
{
	switch (pcidev_read(pdev, PCI_VENDOR_ID, 2)) {
	case PCI_VENDOR_ID_NONE:
		return "it does not answer after a reset";
	case PCI_VENDOR_ID_RETRY:
		return "it is not ready a second after a reset";
	default:
		return NULL;
	}
}

/* A VF has no vendor ID of its own (§9.3.4.1.1). */
const char *reset_no_answer(struct pci_dev *pdev)
{
	if (!pdev->desc.is_vf)
		return no_vendor(pdev);
	if (pcidev_read(pdev, PCI_COMMAND, 2) == conf_ones(2))
		return "it does not answer after a reset";
	return pdev->parent && no_vendor(pdev->parent)
		       ? "its PF does not answer"
		       : NULL;
}

static bool is_another(struct pci_dev *pdev)
{
	const struct pci_ident *id = &pdev->desc.ident;

	return !pdev->desc.is_vf &&
	       pcidev_read(pdev, PCI_VENDOR_ID, 4) !=
		       ((uint32_t)id->device << 16 | id->vendor);
}

const char *reset_check(struct pci_dev *pdev)
{
	const char *why = reset_no_answer(pdev);
	struct conf c;

	conf_of(&c, pdev);
	if (why)
		return why;
	if (is_another(pdev))
		return "it is another device after a reset";
	if (conf_is_pending(&c, &pdev->desc))
		return "transactions are pending after a reset";
	if (pcidev_read(pdev, PCI_COMMAND, 2) & PCI_COMMAND_MASTER)
		return "bus mastering cannot be switched off";
	if ((uint32_t)iommu_fault_total(pdev) != pdev->reset->faults)
		return "it went on with DMA after a reset";
	return NULL;
}
