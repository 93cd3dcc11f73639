/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the ways in share: who answers, and what a write leaves to be done.
 */
#ifndef CORE_VPCI_TRAP_H
#define CORE_VPCI_TRAP_H

#include "vpci/internal.h"

/* --- trap.c ------------------------------------------------------------------ */

enum vpci_found { VPCI_FOUND, VPCI_NOBODY, VPCI_DRAINING };

/*
 * Who answers for @pdev, found in this section, to @d? DRAINING: give @d the
 * verdict of vpci_again().
 */
static hf_inline enum vpci_found vpci_answers(struct domain *d,
					      struct pci_dev *pdev)
{
	if (hf_load_acquire(&pdev->owner) != d ||
	    pcidev_marked(pdev, PCI_MARK_LOST))
		return VPCI_NOBODY;
	switch (life_state(&pdev->life)) {
	case PCI_STATE_LIVE:
		return VPCI_FOUND;
	case PCI_STATE_DRAINING:
		return VPCI_DRAINING;
	default:
		return VPCI_NOBODY;
	}
}

enum pci_verdict vpci_again(struct pci_dev *pdev);

/* --- vcpu.c ------------------------------------------------------------------ */

/*
 * After a write that may have set something going, in the section: put the
 * device on the vCPU's list if its view has work.
 */
void vpci_note_work(struct vpci_vcpu *vcpu, struct pci_dev *pdev,
		    struct vpci *view);
/* No room for another write's work: retry after vpci_process_pending(). */
static inline bool vpci_vcpu_is_full(const struct vpci_vcpu *vcpu)
{
	return vcpu->npending == VPCI_PENDING;
}

#endif
