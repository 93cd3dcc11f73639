/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vector comes: handed on, or remembered. No lock: everything that decides is
 * one word of the vector.
 *
 * A word passes if it has ON, no mask, and is not CLOSED, and if there is
 * somebody to tell.
 *
 * D1  PENDING is never set in a word that passes: irq_change(), the only one
 *     who makes a word pass, takes PENDING out in the same step, and deliver
 *     sets PENDING only by a step from a word that does not pass.
 * D2  So nothing is lost: a vector that comes either sees a word that passes,
 *     and is told; or leaves PENDING in a word whose next step to passing
 *     tells it.
 * D3  Nothing is doubled: deliver does one of the two, and PENDING is taken by
 *     one step only. Two that come while masked are one, as in the device's own
 *     pending bit (PCIe 6.0 §7.7.2.9).
 * D4  A vector that was seen to pass may be told after a mask that was set
 *     meanwhile: it came before. After unbinding and a grace period nobody is
 *     told: the host begins no call after msi_ops.free, and those that were
 *     under way were in sections.
 * D5  Who is told stands in the set, fixed, and the set owns its reference on
 *     the domain until a grace period after it was closed. A new owner has
 *     another set, with other descriptors: nothing that came for the old one
 *     can reach it. CLOSED forgets what comes late.
 */
#include "irq/internal.h"

static bool has_receiver(const struct irq_set *set)
{
	return !set->domain || set->domain->ops->interrupt;
}

static bool passes(const struct irq_set *set, uint32_t word)
{
	return (word & (IRQ_ON | IRQ_MASKS | IRQ_CLOSED)) == IRQ_ON &&
	       has_receiver(set);
}

void irq_tell(struct pci_irq *v)
{
	struct irq_set *set = v->set;
	struct domain *d = set->domain;

	hf_fetch_add_relaxed(&set->irqs->delivered, 1);
	if (d)
		d->ops->interrupt(d, set->irqs->pdev->desc.sbdf,
				  set->kind == PCI_VECTOR_MSIX, v->index);
	else
		set->fn(set->data, v->index);
}

bool irq_change(struct pci_irq *v, uint32_t clear, uint32_t set)
{
	uint32_t old = hf_load_relaxed(&v->word), word;
	bool tell;

	do {
		word = (old & ~clear) | set;
		tell = word & IRQ_PENDING && passes(v->set, word);
		if (tell)
			word &= ~(uint32_t)IRQ_PENDING;
	} while (!hf_cas_acq_rel(&v->word, &old, word));
	return tell;
}

void pci_irq_deliver(struct pci_irq *irq, unsigned int index)
{
	struct irq_set *set = irq->set;
	struct pci_irq *v = irq + index;
	uint32_t old;

	if (index >= (set->kind == PCI_VECTOR_MSI ? set->n : 1))
		return;
	old = hf_load_acquire(&v->word);
	do {
		if (passes(set, old)) {
			irq_tell(v);
			return;
		}
		if (old & IRQ_CLOSED)
			return;
	} while (!hf_cas_acq_rel(&v->word, &old, old | IRQ_PENDING));
	hf_fetch_add_relaxed(&set->irqs->suppressed, 1);
}
