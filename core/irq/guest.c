/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's vectors: bound when the guest could get one, and no longer.
 *
 * MSI takes a block for all vectors that the guest enables. MSI-X takes one for
 * an entry when it is first enabled and unmasked, and keeps it while MSI-X is
 * on: drivers mask and unmask all the time, and of up to 2048 entries few are
 * ever used. What cannot be had is counted as failed and tried again when the
 * guest enables it again; until then nothing of it is there.
 *
 * The sets are made when the device comes to the guest. They and the hold go
 * when it leaves, whoever is first: the owner of the operation, a guest that
 * gives back under a removal, the death of the domain. All test under
 * pdev->lock what they find. A binder reads owner and dying under it, too: the
 * taker comes after the change of either, so whichever has the lock first,
 * nothing stays bound.
 */
#include "irq/internal.h"

int irq_guest_enter(struct pci_irqs *irqs, struct domain *d)
{
	struct pci_dev_facts *desc = &irqs->pdev->desc;
	struct irq_set *set[IRQ_KINDS] = { NULL };
	uint64_t table = 0, pba = 0;
	struct pci_hold *hold;
	unsigned int kind, log2 = 0;
	bool msix = desc->msix && !irq_hw_find_table(irqs, true, &table, &pba);

	while (1u << log2 < desc->msi_vectors)
		log2++;
	hold = pci_hold_alloc(PCI_HOLD_IRQ, d->name, NULL, d);
	if (desc->msi)
		set[PCI_VECTOR_MSI] =
			irq_set_alloc(irqs, PCI_VECTOR_MSI, 0, 1u << log2, d);
	if (msix)
		set[PCI_VECTOR_MSIX] = irq_set_alloc(irqs, PCI_VECTOR_MSIX, 0,
						     desc->msix_entries, d);
	if (!hold || !set[PCI_VECTOR_MSI] != !desc->msi ||
	    !set[PCI_VECTOR_MSIX] != !msix) {
		irq_set_free(set[PCI_VECTOR_MSI]);
		irq_set_free(set[PCI_VECTOR_MSIX]);
		plat_free(hold);
		return -ENOMEM;
	}
	pci_lock(&irqs->pdev->lock);
	irqs->hold = hold;
	for (kind = 0; kind < IRQ_KINDS; kind++) {
		if (!set[kind])
			continue;
		set[kind]->table = table;
		set[kind]->pba = pba;
		list_add_tail(&set[kind]->entry, &irqs->sets);
		hf_store_release(&irqs->guest[kind], set[kind]);
	}
	pci_unlock(&irqs->pdev->lock);
	return 0;
}

bool irq_guest_table(struct pci_dev *pdev, uint32_t *table, uint32_t *pba)
{
	struct pci_irqs *irqs = pdev->irqs;

	if (!irqs || !irqs->usable)
		return false;
	*table = irqs->table;
	*pba = irqs->pba;
	return true;
}

/* In a section: the put may be the last, and the lock is the device's. */
static void unlink_hold(struct pci_irqs *irqs)
{
	if (pci_hold_unlink(irqs->hold, irqs->pdev))
		pcidev_put(irqs->pdev);
}

static void update_hold(struct pci_irqs *irqs)
{
	struct pci_hold *hold = irqs->hold;

	if (!irqs->guest_bound)
		unlink_hold(irqs);
	else if (!hold->listed)
		pci_hold_link(hold, irqs->pdev);
}

void irq_guest_take(struct pci_irqs *irqs, struct domain *d, bool cut)
{
	struct pci_hold *hold = irqs->hold;
	struct irq_set *set;
	unsigned int kind;

	pci_assert_held(&irqs->pdev->lock);
	if (!hold || (d && hold->data != d))
		return;
	for (kind = 0; kind < IRQ_KINDS; kind++) {
		set = hf_load_relaxed(&irqs->guest[kind]);
		hf_store_release(&irqs->guest[kind], NULL);
		if (set)
			irq_set_close(set);
	}
	hold->cut = cut;
	unlink_hold(irqs);
	irqs->hold = NULL;
	pci_hold_free(hold);
}

/* --- what the guest wants ------------------------------------------------------ */

/* The guest's set, if it may have vectors now; or NULL. */
static struct irq_set *set_of(struct pci_dev *pdev, enum pci_vector_kind kind)
{
	struct irq_set *set;

	pci_assert_held(&pdev->lock);
	set = pdev->irqs ? hf_load_relaxed(&pdev->irqs->guest[kind]) : NULL;
	if (!set || hf_load_relaxed(&pdev->owner) != set->domain ||
	    hf_load_acquire(&set->domain->dying))
		return NULL;
	return set;
}

static void post(struct pci_irq *v, int err)
{
	struct pci_dev *pdev = v->set->irqs->pdev;

	if (!v->set->told)
		pci_event_post(PCI_EVENT_IRQ, pdev->desc.sbdf, pdev->instance,
			       err == -ENOMEM ? "no memory for vectors"
					      : "no host vector is left");
	v->set->told = true;
}

/* True: it has them, now or already. Once for each time that it is enabled. */
static bool get(struct pci_irq *v, unsigned int count)
{
	int err;

	if (v->count || v->failed)
		return v->count;
	err = irq_get(v, count);
	v->failed = err;
	if (err) {
		post(v, err);
		return false;
	}
	v->set->told = false;
	return true;
}

static void pass(struct pci_irq *v, bool masked)
{
	uint32_t on = v->count || v->set->kind == PCI_VECTOR_MSI ? IRQ_ON : 0;

	if (irq_change(v, masked ? 0 : IRQ_GUEST,
		       on | (masked ? IRQ_GUEST : 0)))
		irq_tell(v);
}

static void msi_masks(struct irq_set *set, uint32_t masked)
{
	unsigned int i;

	for (i = 0; i < set->irq[0].count; i++)
		pass(&set->irq[i], masked >> i & 1);
}

void irq_guest_msi(struct pci_dev *pdev, bool on, unsigned int count,
		   uint32_t masked)
{
	struct irq_set *set = set_of(pdev, PCI_VECTOR_MSI);
	bool was;

	if (!set)
		return;
	was = set->irq[0].count;
	if (!on || (was && set->irq[0].count != count)) {
		irq_set_stop(set);
		was = false;
	}
	if (on && get(&set->irq[0], count)) {
		msi_masks(set, masked);
		if (was)
			irq_hw_mask(&set->irq[0]);
		else
			irq_hw_msi_on(set);
	}
	update_hold(pdev->irqs);
}

void irq_guest_msix(struct pci_dev *pdev, bool on)
{
	struct irq_set *set = set_of(pdev, PCI_VECTOR_MSIX);

	if (!set || on == pdev->irqs->msix_on)
		return;
	if (on)
		irq_hw_msix_on(set);
	else
		irq_set_stop(set);
	update_hold(pdev->irqs);
}

void irq_guest_entry(struct pci_dev *pdev, unsigned int i, bool masked)
{
	struct irq_set *set = set_of(pdev, PCI_VECTOR_MSIX);
	struct pci_irq *v;
	uint32_t old;
	bool had;

	if (!set || !pdev->irqs->msix_on)
		return;
	v = &set->irq[i];
	had = v->count;
	old = irq_word(v);
	if (masked)
		v->failed = false;
	else
		(void)get(v, 1);
	pass(v, masked);
	if (v->count && !had)
		irq_hw_entry(v);
	else if (v->count && (old ^ irq_word(v)) & IRQ_MASKS)
		irq_hw_mask(v);
	update_hold(pdev->irqs);
}

uint64_t irq_guest_pending(struct pci_dev *pdev, enum pci_vector_kind kind,
			   unsigned int first)
{
	struct irq_set *set =
		pdev->irqs ? hf_load_acquire(&pdev->irqs->guest[kind]) : NULL;
	uint64_t bits = 0, on = 0;
	unsigned int i;

	for (i = 0; set && i < 64 && first + i < set->n; i++) {
		uint32_t word = irq_word(&set->irq[first + i]);

		if (word & IRQ_PENDING)
			bits |= 1ull << i;
		if (word & IRQ_ON)
			on |= 1ull << i;
	}
	return on ? bits | (irq_hw_pending(set, first) & on) : bits;
}

void irq_guest_forget(struct pci_dev *pdev, enum pci_vector_kind kind)
{
	struct irq_set *set =
		pdev->irqs ? hf_load_relaxed(&pdev->irqs->guest[kind]) : NULL;
	unsigned int i;

	for (i = 0; set && i < set->n; i++)
		(void)!irq_change(&set->irq[i], IRQ_PENDING, 0);
}
