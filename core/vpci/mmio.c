/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory space that traps: section → claim → device → answer.
 *
 * What is mapped does not come here; what comes is answered as the hardware
 * would, so mapping is nothing but a shortcut. As in trap.c the section is the
 * protection. An access never leaves the BAR of whom it found, and the MSI-X
 * table and PBA are the view's own (H3: found by claim, never by a pointer
 * kept).
 */
#include "vpci/trap.h"

struct access {
	struct domain *d;
	uint64_t gpa;
	uint8_t size;
	uint64_t val;
	unsigned int bar; /* where it hit */
	uint64_t offset;
};

static hf_inline bool is_valid(const struct access *a)
{
	return (a->size == 1 || a->size == 2 || a->size == 4 || a->size == 8) &&
	       !(a->gpa & (a->size - 1u));
}

/*
 * Does the domain have this BAR decode here, now? Not during a reset. What is
 * tested is in no order: each was so at some time in this section, and who
 * changes one reckons with sections that began before.
 */
static hf_inline bool is_decoded(struct vpci *view, const struct access *a)
{
	const struct vpci_bar *bar = &view->bar[a->bar];

	if (!vpci_memory_is_on(view) ||
	    hf_load_acquire(&view->work) & VPCI_WORK_FLR ||
	    hf_load_acquire(&bar->addr) != a->gpa - a->offset)
		return false;
	return bar->kind != PCI_BAR_ROM ||
	       vpci_view_read(view, bar->reg, 4) & PCI_ROM_ADDRESS_ENABLE;
}

/* The device's own register. */
static hf_noinline void touch(struct vpci *view, struct access *a, bool write)
{
	struct pci_host *host = view->pdev->pseg->host;
	const struct vpci_bar *bar = &view->bar[a->bar];
	uint64_t addr = vpci_bar_hpa(view, bar, a->gpa - a->offset) + a->offset;
	uint64_t val;

	if (write) {
		if (host->ops->mem_write && bar->kind != PCI_BAR_ROM &&
		    !pcidev_marked(view->pdev, PCI_MARK_READ_ONLY))
			host->ops->mem_write(host, addr, a->size,
					     a->val & vpci_ones(a->size));
	} else if (host->ops->mem_read &&
		   !host->ops->mem_read(host, addr, a->size, &val)) {
		a->val = val & vpci_ones(a->size);
	}
}

/*
 * True: it was the view's to answer. A write looks again under the lock, as in
 * trap.c: who takes the device away, changes these first.
 */
static hf_inline bool touch_msix(struct vpci *view, struct access *a,
				 bool write)
{
	struct pci_dev *pdev = view->pdev;
	bool done = true;

	if (!write)
		return vpci_msix_mem_read(view, a->bar, a->offset, a->size,
					  &a->val);
	if (!vpci_msix_has_page(view, a->bar,
				a->offset & ~(PLAT_PAGE_SIZE - 1ull)))
		return false;
	pci_lock(&pdev->lock);
	if (vpci_answers(a->d, pdev) != VPCI_NOBODY &&
	    !hf_load_relaxed(&view->cut))
		done = vpci_msix_mem_write(view, a->bar, a->offset, a->size,
					   a->val);
	pci_unlock(&pdev->lock);
	return done;
}

static hf_inline enum pci_verdict trap(struct access *a, bool write)
{
	enum pci_verdict verdict = PCI_DONE;
	struct vpci *view = NULL;

	plat_rcu_read_lock();
	if (is_valid(a))
		view = vpci_space_find(a->d, a->gpa, &a->bar, &a->offset);
	if (view) {
		switch (vpci_answers(a->d, view->pdev)) {
		case VPCI_NOBODY:
			break;
		case VPCI_DRAINING:
			verdict = vpci_again(view->pdev);
			break;
		case VPCI_FOUND:
			if (!hf_load_relaxed(&view->cut) &&
			    is_decoded(view, a) &&
			    a->size <= view->bar[a->bar].size - a->offset &&
			    !touch_msix(view, a, write))
				touch(view, a, write);
		}
	}
	plat_rcu_read_unlock();
	return verdict;
}

enum pci_verdict vpci_mmio_read(struct domain *d, uint64_t gpa, uint8_t size,
				uint64_t *val)
{
	struct access a = {
		.d = d, .gpa = gpa, .size = size, .val = vpci_ones(size)
	};
	enum pci_verdict verdict = trap(&a, false);

	*val = a.val;
	return verdict;
}

enum pci_verdict vpci_mmio_write(struct vpci_vcpu *vcpu, uint64_t gpa,
				 uint8_t size, uint64_t val)
{
	struct access a = {
		.d = vcpu->domain, .gpa = gpa, .size = size, .val = val
	};

	return trap(&a, true);
}
