/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's access to its devices: section → table → device → answer.
 *
 * No lock is taken and nothing shared is written. What protects the access is
 * the section: a removal, a loss or a reassignment changes what is tested here
 * and then waits for a grace period, so whoever passed the tests has done his
 * access by then. A host that may block cannot be called inside; for it the
 * engine takes a reference and leaves the section, and the removal waits for
 * the reference instead.
 *
 * While a device is drained the answer is PCI_AGAIN. The retry itself looks at
 * the time and ends a drain that is over, so that one CPU, on which the
 * removal cannot run meanwhile, does not spin for ever.
 */
#include <holdfast/config.h>
#include <holdfast/pci_regs.h>

#include "device/internal.h"

enum found { FOUND, NOBODY, DRAINING };

/* In a section. *@pdev is void after it. */
static enum found find(struct domain *d, pci_sbdf_t addr, struct pci_dev **pdev)
{
	struct pci_segment *pseg;

	if (d == hardware_domain) {
		pseg = pci_segment_find(addr.seg);
		*pdev = pseg ? pci_table_find(&pseg->table, addr) : NULL;
	} else {
		*pdev = addr.seg ? NULL : pci_table_find(&d->table, addr);
	}
	if (!*pdev || hf_load_acquire(&(*pdev)->owner) != d)
		return NOBODY;
	switch (life_state(&(*pdev)->life)) {
	case PCI_STATE_LIVE:
		break;
	case PCI_STATE_DRAINING:
		return pcidev_marked(*pdev, PCI_MARK_LOST) ? NOBODY : DRAINING;
	default:
		return NOBODY;
	}
	return pcidev_marked(*pdev, PCI_MARK_LOST) ? NOBODY : FOUND;
}

/* In the section in which it was found. */
static enum pci_verdict again(struct pci_dev *pdev)
{
	if (plat_now() >= hf_load_relaxed(&pdev->again_until))
		pcidev_drain_expired(pdev);
	return PCI_AGAIN;
}

static bool is_valid(uint16_t reg, uint8_t size)
{
	return (size == 1 || size == 2 || size == 4) && !(reg & (size - 1)) &&
	       reg < PCI_CFG_SPACE_EXP_SIZE;
}

static uint32_t all_ones(uint8_t size)
{
	return size < 4 ? (1u << 8 * size) - 1 : UINT32_MAX;
}

/* Which writes of a guest reach hardware before there is a view. */
static bool may_write(struct domain *d, struct pci_dev *pdev, uint16_t reg,
		      uint8_t size)
{
	if (pcidev_marked(pdev, PCI_MARK_READ_ONLY))
		return false;
	return d == hardware_domain ||
	       (size == 1 &&
		(reg == PCI_INTERRUPT_LINE || reg == PCI_CACHE_LINE_SIZE));
}

struct access {
	uint16_t reg;
	uint8_t size;
	bool write;
	uint32_t val;
};

static void perform(struct pci_dev *pdev, struct access *a)
{
	struct pci_host *host = pdev->pseg->host;
	pci_sbdf_t sbdf = pdev->desc.sbdf;

	if (a->write)
		host->ops->write(host, sbdf, a->reg, a->size, a->val);
	else if (host->ops->read(host, sbdf, a->reg, a->size, &a->val))
		a->val = all_ones(a->size);
}

static enum pci_verdict trap(struct domain *d, pci_sbdf_t addr,
			     struct access *a)
{
	enum pci_verdict verdict = PCI_DONE;
	struct pci_dev *pdev, *owned = NULL;

	plat_rcu_read_lock();
	switch (find(d, addr, &pdev)) {
	case NOBODY:
		break;
	case DRAINING:
		verdict = again(pdev);
		break;
	case FOUND:
		if (a->write && !may_write(d, pdev, a->reg, a->size))
			break;
		if (!pdev->pseg->host->ops->may_block)
			perform(pdev, a);
		else if (pcidev_tryget(pdev))
			owned = pdev;
		else
			verdict = PCI_AGAIN;
		break;
	}
	plat_rcu_read_unlock();
	if (owned) {
		perform(owned, a);
		/* It may have changed hands, or gone, while the host blocked. */
		if (hf_load_acquire(&owned->owner) != d ||
		    pcidev_marked(owned, PCI_MARK_LOST))
			a->val = all_ones(a->size);
		pcidev_put(owned);
	}
	return verdict;
}

enum pci_verdict pci_guest_read(struct domain *d, pci_sbdf_t addr, uint16_t reg,
				uint8_t size, uint32_t *val)
{
	struct access a = { .reg = reg, .size = size, .val = all_ones(size) };
	enum pci_verdict verdict = PCI_DONE;

	if (is_valid(reg, size))
		verdict = trap(d, addr, &a);
	*val = a.val;
	return verdict;
}

enum pci_verdict pci_guest_write(struct domain *d, pci_sbdf_t addr,
				 uint16_t reg, uint8_t size, uint32_t val)
{
	struct access a = {
		.reg = reg, .size = size, .write = true, .val = val
	};

	return is_valid(reg, size) ? trap(d, addr, &a) : PCI_DONE;
}
