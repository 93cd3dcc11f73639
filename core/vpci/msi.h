/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What cap_msi.c, cap_msix.c and msix_table.c share: when the receiver
 * (domain_ops.vector) is told of a vector, and the MSI-X table.
 *
 * Nothing that a guest programs here reaches hardware: the receiver translates
 * it. core/irq is told as well, of what is on and masked only, and may be told
 * the same again; it remembers what is pending of the vectors that it binds.
 *
 * The receiver is told of a vector that goes on or off, that is masked or
 * unmasked while on, or whose address or data changes while it can be
 * delivered; what is written to a masked vector is told when that is unmasked.
 * A write that changes nothing, such as enabling twice, tells nothing (XSA-237).
 *
 * A pending bit is never set while its vector can be delivered: the change that
 * makes it deliverable takes the bit, under the same lock, and gives it away
 * as .pending. So it is given away once. It outlives disabling, so that no
 * interrupt is lost; a reset forgets it.
 *
 * With both MSI and MSI-X on, which software must not do and PCIe 6.0 leaves
 * undefined (§7.7.1, §7.7.2), MSI-X wins: MSI's vectors are told as off, and
 * as on again when MSI-X goes off.
 */
#ifndef CORE_VPCI_MSI_H
#define CORE_VPCI_MSI_H

#include "vpci/internal.h"

static inline bool vpci_deliverable(const struct pci_vector *v)
{
	return v->enabled && !v->masked;
}

/* --- cap_msi.c; under pdev->lock ---------------------------------------------- */

/* A vector was @was and is @is: tell, if it matters. */
void vpci_vector_tell(struct vpci *view, const struct pci_vector *was,
		      const struct pci_vector *is);
/* MSI-X went on or off: so may MSI's vectors. Nothing if there is no MSI. */
void vpci_msi_update(struct vpci *view);

/* --- msix_table.c ----------------------------------------------------------------- */

/*
 * Table reads take no lock, so all that a guest can read is atomic, and written
 * under pdev->lock. Address and data are whole in one word each: an access of
 * 8 bytes is never torn.
 */
struct vpci_msix_entry {
	hf_atomic(uint64_t) address;
	hf_atomic(uint64_t) data_ctrl; /* Vector Control is the upper half */
};

#define VPCI_MSIX_MASKED ((uint64_t)PCI_MSIX_ENTRY_CTRL_MASKBIT << 32)

struct vpci_msix {
	uint16_t flags;       /* fixed: where the register is */
	unsigned int entries; /* fixed */
	hf_atomic(uint64_t) pending[PCI_MSIX_MAX_ENTRIES / 64];
	struct vpci_msix_entry entry[];
};

/* What the table says of vector @i while Message Control is @flags. */
void vpci_msix_entry_get(struct vpci_msix *msix, unsigned int i, uint16_t flags,
			 struct pci_vector *out);
/*
 * Vector @i was @was: take its pending bit if it can be delivered now, and
 * tell. Under pdev->lock.
 */
void vpci_msix_entry_update(struct vpci *view, unsigned int i,
			    const struct pci_vector *was);
/* The same for core/irq alone. Under pdev->lock, in a section. */
void vpci_msix_entry_irq(struct vpci *view, unsigned int i);
/* All entries masked and empty, nothing pending. Under the lock, or unshared. */
void vpci_msix_table_clear(struct vpci_msix *msix);

static inline uint16_t vpci_msix_flags(struct vpci *view)
{
	return (uint16_t)vpci_value(view, view->msix->flags, 2);
}

#endif
