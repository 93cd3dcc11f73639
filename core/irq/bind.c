/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's own vectors, of devices of the hardware domain. */
#include "irq/internal.h"
#include "irq/own.h"

static int check_range(const struct pci_dev_facts *desc,
		       enum pci_vector_kind kind, unsigned int first,
		       unsigned int count)
{
	if (kind != PCI_VECTOR_MSI && kind != PCI_VECTOR_MSIX)
		return -EINVAL;
	if (!(kind == PCI_VECTOR_MSI ? desc->msi : desc->msix))
		return -ENODEV;
	if (!count)
		return -EINVAL;
	if (kind == PCI_VECTOR_MSIX)
		return first < desc->msix_entries &&
				       count <= desc->msix_entries - first
			       ? 0
			       : -EINVAL;
	if (first || count & (count - 1))
		return -EINVAL;
	return count <= desc->msi_vectors ? 0 : -ENFILE;
}

static int check_call(struct pci_dev *pdev, enum pci_vector_kind kind,
		      unsigned int first, unsigned int count)
{
	if (irq_options.off)
		return -EPERM;
	if (!pdev->irqs->usable)
		return -EOPNOTSUPP;
	return check_range(&pdev->desc, kind, first, count);
}

/* Somebody else has it on: the hardware domain, with its own messages. */
static bool is_on(struct pci_dev *pdev)
{
	const struct pci_dev_facts *desc = &pdev->desc;

	return (desc->msi && pcidev_read(pdev, desc->msi + PCI_MSI_FLAGS, 2) &
				     PCI_MSI_FLAGS_ENABLE) ||
	       (desc->msix &&
		pcidev_read(pdev, desc->msix + PCI_MSIX_FLAGS, 2) &
			PCI_MSIX_FLAGS_ENABLE);
}

static int may_bind(struct irq_set *set)
{
	struct pci_irqs *irqs = set->irqs;
	struct pci_dev *pdev = irqs->pdev;
	enum pci_vector_kind other =
		set->kind == PCI_VECTOR_MSI ? PCI_VECTOR_MSIX : PCI_VECTOR_MSI;
	unsigned int i;

	if (life_is_dead(life_state(&pdev->life)) ||
	    pcidev_marked(pdev, PCI_MARK_LOST))
		return -ENODEV;
	if (pdev->op != PCI_OP_NONE)
		return -EBUSY;
	if (hf_load_relaxed(&pdev->owner) != hardware_domain)
		return -ENODEV;
	if (irqs->prepared || irq_bound(irqs, other))
		return -EBUSY;
	for (i = 0; i < set->n; i++)
		if (irq_find(irqs, set->kind, set->irq[i].index))
			return -EEXIST;
	if (list_empty(&irqs->sets) && is_on(pdev)) /* or just lost: all-ones */
		return pcidev_marked(pdev, PCI_MARK_LOST) ? -ENODEV : -EBUSY;
	return set->kind == PCI_VECTOR_MSIX && irq_hw_no_memory(pdev) ? -ENXIO
								      : 0;
}

static int bind_set(struct irq_set *set)
{
	struct pci_dev *pdev = set->irqs->pdev;
	int err;

	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	err = may_bind(set);
	if (!err) {
		list_add_tail(&set->entry, &set->irqs->sets);
		err = irq_set_start(set);
		if (err)
			list_del(&set->entry);
	}
	pci_unlock(&pdev->lock);
	plat_rcu_read_unlock();
	return err;
}

int pci_irq_bind(struct pci_dev *pdev, enum pci_vector_kind kind,
		 unsigned int first, unsigned int count, pci_irq_fn *fn,
		 void *data)
{
	struct irq_set *set;
	unsigned int i;
	int err = check_call(pdev, kind, first, count);

	if (err)
		return err;
	set = irq_set_alloc(pdev->irqs, kind, first, count, NULL);
	if (!set)
		return -ENOMEM;
	set->fn = fn;
	set->data = data;
	for (i = 0; i < count && irq_hw_has_mask(pdev->irqs, kind); i++)
		hf_init(&set->irq[i].word, IRQ_HOST);
	if (kind == PCI_VECTOR_MSIX)
		err = irq_hw_find_table(pdev->irqs, false, &set->table,
					&set->pba);
	if (!err)
		err = bind_set(set);
	if (err) { /* of a vector given back, a message may be under way */
		plat_rcu_synchronize();
		irq_set_free(set);
	}
	return err;
}

static bool is_set(const struct irq_set *set, enum pci_vector_kind kind,
		   unsigned int first, unsigned int count)
{
	return !set->domain && set->kind == kind &&
	       set->irq[0].index == first && set->n == count;
}

int pci_irq_unbind(struct pci_dev *pdev, enum pci_vector_kind kind,
		   unsigned int first, unsigned int count)
{
	struct irq_set *set;
	int err = -ENOENT;

	if (!pdev->irqs)
		return -ENOENT;
	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	list_for_each(set, &pdev->irqs->sets, struct irq_set, entry) {
		if (is_set(set, kind, first, count)) {
			irq_set_close(set);
			err = 0;
			break;
		}
	}
	pci_unlock(&pdev->lock);
	plat_rcu_read_unlock();
	/* Also if somebody else has just taken it: no call after our return. */
	plat_rcu_synchronize();
	return err;
}

/* True: tell, without the lock. */
static bool host_mask(struct pci_irq *v, bool masked)
{
	bool tell = irq_change(v, masked ? 0 : IRQ_HOST, masked ? IRQ_HOST : 0);

	if (irq_word(v) & IRQ_ON)
		irq_hw_mask(v);
	return tell;
}

int pci_irq_mask(struct pci_dev *pdev, enum pci_vector_kind kind,
		 unsigned int index, bool masked)
{
	struct pci_irq *v;
	bool tell = false;

	if (kind != PCI_VECTOR_MSI && kind != PCI_VECTOR_MSIX)
		return -EINVAL;
	if (!pdev->irqs)
		return -ENOENT;
	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	v = irq_find(pdev->irqs, kind, index);
	if (v && !(irq_word(v) & IRQ_ON))
		v = NULL;
	if (v)
		tell = host_mask(v, masked);
	pci_unlock(&pdev->lock);
	if (tell) /* the section keeps it */
		irq_tell(v);
	plat_rcu_read_unlock();
	return v ? 0 : -ENOENT;
}

/* --- by its data ---------------------------------------------------------------- */

/* In a section: the set, with its device locked; or NULL. */
static struct irq_set *lock_own(pci_sbdf_t sbdf, const void *data)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_dev *pdev = pseg ? pci_table_find(&pseg->table, sbdf) : NULL;
	struct irq_set *set;

	if (!pdev || !pdev->irqs)
		return NULL;
	pci_lock(&pdev->lock);
	list_for_each(set, &pdev->irqs->sets, struct irq_set, entry)
		if (!set->domain && set->data == data)
			return set;
	pci_unlock(&pdev->lock);
	return NULL;
}

int irq_own_unbind(pci_sbdf_t sbdf, const void *data)
{
	struct irq_set *set;
	bool bound;

	plat_rcu_read_lock();
	set = lock_own(sbdf, data);
	bound = set != NULL;
	if (bound) {
		struct pci_dev *pdev = set->irqs->pdev;

		irq_set_close(set);
		pci_unlock(&pdev->lock);
	}
	plat_rcu_read_unlock();
	plat_rcu_synchronize(); /* also if it was lost just now */
	return bound ? 0 : -ENOENT;
}

int irq_own_mask(pci_sbdf_t sbdf, unsigned int index, bool masked,
		 const void *data)
{
	struct pci_irq *v = NULL;
	struct irq_set *set;
	bool tell = false;

	plat_rcu_read_lock();
	set = lock_own(sbdf, data);
	if (set) {
		if (index - set->irq[0].index < set->n)
			v = &set->irq[index - set->irq[0].index];
		tell = v && host_mask(v, masked);
		pci_unlock(&set->irqs->pdev->lock);
	}
	if (tell)
		irq_tell(v);
	plat_rcu_read_unlock();
	return v ? 0 : -ENOENT;
}

bool irq_own_bound(pci_sbdf_t sbdf, const void *data)
{
	struct irq_set *set;

	plat_rcu_read_lock();
	set = lock_own(sbdf, data);
	if (set)
		pci_unlock(&set->irqs->pdev->lock);
	plat_rcu_read_unlock();
	return set != NULL;
}
