/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of vectors: taking host vectors for them and giving them back. Nothing
 * is ever half there: host vectors first, all of them; then the device is
 * programmed; back in the other order (XSA-83, XSA-395, XSA-458).
 */
#include "irq/internal.h"

hf_atomic(uint64_t) irq_total;

struct irq_set *irq_set_alloc(struct pci_irqs *irqs, enum pci_vector_kind kind,
			      unsigned int first, unsigned int n,
			      struct domain *d)
{
	struct irq_set *set =
		plat_zalloc(sizeof(*set) + n * sizeof(set->irq[0]));
	unsigned int i;

	if (!set)
		return NULL;
	list_init(&set->entry);
	set->irqs = irqs;
	set->kind = kind;
	set->domain = d;
	if (d)
		domain_get(d);
	set->n = n;
	for (i = 0; i < n; i++) {
		set->irq[i].set = set;
		set->irq[i].index = (uint16_t)(first + i);
	}
	return set;
}

void irq_set_free(struct irq_set *set)
{
	if (!set)
		return;
	domain_put(set->domain);
	plat_free(set);
}

static void free_after_grace(struct plat_rcu_head *head)
{
	irq_set_free(container_of(head, struct irq_set, rcu));
}

/* --- host vectors ----------------------------------------------------------------- */

static void account(struct pci_irq *v, int n)
{
	hf_fetch_add_relaxed(&irq_total, (uint64_t)n);
	if (v->set->domain)
		v->set->irqs->guest_bound += (unsigned int)n;
}

int irq_get(struct pci_irq *v, unsigned int count)
{
	struct pci_irqs *irqs = v->set->irqs;
	struct pci_host *host = irqs->pdev->pseg->host;
	int err = host->msi->alloc(host, irqs->pdev->desc.sbdf, count, v,
				   &v->message);

	if (err)
		return err;
	if (!irq_hw_can_send(irqs, v->set->kind, &v->message)) {
		host->msi->free(host, v);
		return -ENOSPC; /* none that would do */
	}
	v->count = (uint16_t)count;
	account(v, (int)count);
	return 0;
}

void irq_put(struct pci_irq *v)
{
	struct pci_host *host = v->set->irqs->pdev->pseg->host;

	if (!v->count)
		return;
	host->msi->free(host, v);
	account(v, -(int)v->count);
	v->count = 0;
}

static int get_all(struct irq_set *set)
{
	unsigned int i;
	int err;

	if (set->kind == PCI_VECTOR_MSI)
		return irq_get(&set->irq[0], set->n);
	for (i = 0; i < set->n; i++) {
		err = irq_get(&set->irq[i], 1);
		if (err) {
			while (i--)
				irq_put(&set->irq[i]);
			return err;
		}
	}
	return 0;
}

/* --- sets ----------------------------------------------------------------------------- */

static void program(struct irq_set *set)
{
	unsigned int i;

	if (set->kind == PCI_VECTOR_MSI) {
		if (set->irq[0].count)
			irq_hw_msi_on(set);
		return;
	}
	for (i = 0; i < set->n; i++)
		if (set->irq[i].count)
			irq_hw_entry(&set->irq[i]);
}

int irq_set_start(struct irq_set *set)
{
	unsigned int i;
	int err = get_all(set);

	if (err)
		return err;
	set->irqs->refused = false;
	if (set->kind == PCI_VECTOR_MSIX && !set->irqs->msix_on)
		irq_hw_msix_on(set);
	for (i = 0; i < set->n; i++)
		if (irq_change(&set->irq[i], 0, IRQ_ON))
			irq_tell(&set->irq[i]);
	program(set);
	if (!set->irqs->refused)
		return 0;
	irq_set_stop(set);
	return -EIO;
}

static bool others_have_msix(struct irq_set *set)
{
	struct irq_set *other;

	list_for_each(other, &set->irqs->sets, struct irq_set, entry)
		if (other != set && other->kind == PCI_VECTOR_MSIX &&
		    other->irq[0].count)
			return true;
	return false;
}

static void hardware_off(struct irq_set *set)
{
	bool msix = set->kind == PCI_VECTOR_MSIX;
	unsigned int i;

	if (!(msix ? set->irqs->msix_on : set->irqs->msi_on))
		return;
	if (!msix || !others_have_msix(set)) {
		irq_hw_off(set->irqs, set->kind);
		return;
	}
	for (i = 0; i < set->n; i++)
		irq_hw_mask(&set->irq[i]);
}

void irq_set_stop(struct irq_set *set)
{
	unsigned int i;

	for (i = 0; i < set->n; i++)
		(void)!irq_change(&set->irq[i], IRQ_ON, 0);
	hardware_off(set);
	for (i = 0; i < set->n; i++) {
		irq_put(&set->irq[i]);
		set->irq[i].failed = false;
	}
}

void irq_set_close(struct irq_set *set)
{
	unsigned int i;

	for (i = 0; i < set->n; i++)
		(void)!irq_change(&set->irq[i], 0, IRQ_CLOSED);
	irq_set_stop(set);
	list_del(&set->entry);
	plat_rcu_call(&set->rcu, free_after_grace);
}

void irq_program(struct pci_irqs *irqs)
{
	struct irq_set *set;
	bool msix = false;

	list_for_each(set, &irqs->sets, struct irq_set, entry) {
		if (set->kind == PCI_VECTOR_MSIX && irqs->msix_on && !msix) {
			irq_hw_msix_on(set);
			msix = true;
		}
		program(set);
	}
}

struct pci_irq *irq_find(struct pci_irqs *irqs, enum pci_vector_kind kind,
			 unsigned int index)
{
	struct irq_set *set;

	list_for_each(set, &irqs->sets, struct irq_set, entry)
		if (set->kind == kind && index >= set->irq[0].index &&
		    index - set->irq[0].index < set->n)
			return &set->irq[index - set->irq[0].index];
	return NULL;
}

unsigned int irq_bound(struct pci_irqs *irqs, enum pci_vector_kind kind)
{
	struct irq_set *set;
	unsigned int i, n = 0;

	list_for_each(set, &irqs->sets, struct irq_set, entry)
		for (i = 0; i < set->n && set->kind == kind; i++)
			n += set->irq[i].count;
	return n;
}
