/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * By which requester IDs a device is known: its own, those of its phantom
 * functions (PCIe 6.0 §2.2.6.2), and the one that a bridge to conventional PCI
 * puts in its place: secondary bus, device 0, function 0 (PCI Express to
 * PCI/PCI-X Bridge 1.0 §2.3), or the bridge's own where there is no PCIe.
 */
#include "iommu/internal.h"

/*
 * Above it nobody knows the device by its own ID. In a section: a device that
 * is not published yet has its parent by name only.
 */
static struct pci_dev *topmost_bridge(struct pci_dev *pdev)
{
	struct pci_dev *p, *found = NULL;
	pci_sbdf_t parent = pdev->desc.parent;

	if (parent.sbdf == pdev->desc.sbdf.sbdf)
		return NULL;
	for (p = pci_table_find(&pdev->pseg->table, parent); p; p = p->parent)
		if (iommu_is_conventional(p))
			found = p;
	return found;
}

static struct iommu_alias *alias_new(const struct pci_dev *bridge)
{
	struct iommu_alias *alias = plat_zalloc(sizeof(*alias));

	if (!alias)
		return NULL;
	hf_init(&alias->refs, 1);
	pci_lock_init(&alias->lock, LOCK_LEAF, "requester alias",
		      bridge->desc.sbdf.sbdf);
	alias->ticket.rid = bridge->desc.sbdf;
	if (bridge->desc.type == PCI_TYPE_PCIE_TO_PCI) {
		alias->ticket.rid.bus = bridge->desc.secondary;
		alias->ticket.rid.devfn = 0;
	}
	return alias;
}

static void alias_put(struct iommu_alias *alias)
{
	if (!alias || hf_fetch_sub_release(&alias->refs, 1) != 1)
		return;
	(void)hf_load_acquire(&alias->refs);
	pci_lock_destroy(&alias->lock);
	plat_free(alias);
}

/* Those after its own; @context: where to, or NULL. How many. */
static unsigned int phantoms(const struct pci_dev_facts *desc,
			     struct iommu_ticket *context)
{
	unsigned int fn, n = 0, own = PCI_FN(desc->sbdf);

	for (fn = own + 1; desc->phantom_stride && fn < 8; fn++) {
		if ((fn & ~(8u - desc->phantom_stride)) != own)
			continue;
		if (context) {
			context[n].rid = desc->sbdf;
			context[n].rid.devfn += (uint8_t)(fn - own);
		}
		n++;
	}
	return n;
}

/* The alias of what is below @bridge, in the section in which that was found. */
static void take_alias(struct pci_iommu *iommu, const struct pci_dev *bridge)
{
	/* One that came below another while that was replaced has none. */
	if (!bridge || !iommu_below(bridge->iommu))
		return;
	iommu->alias = iommu_below(bridge->iommu);
	hf_fetch_add_relaxed(&iommu->alias->refs, 1);
}

/* A bridge to conventional PCI sends nothing of its own that is translated. */
static int bridge_init(struct pci_iommu *iommu, bool below)
{
	if (!below)
		iommu->alias = alias_new(iommu->pdev);
	return below || iommu->alias ? 0 : -ENOMEM;
}

static int rids_init(struct pci_iommu *iommu)
{
	struct pci_dev *pdev = iommu->pdev, *bridge;

	plat_rcu_read_lock();
	bridge = topmost_bridge(pdev);
	if (!iommu_is_conventional(pdev))
		take_alias(iommu, bridge);
	plat_rcu_read_unlock();
	if (iommu_is_conventional(pdev))
		return bridge_init(iommu, bridge != NULL);
	iommu->context[0].rid = pdev->desc.sbdf;
	if (iommu->alias &&
	    iommu->alias->ticket.rid.sbdf == pdev->desc.sbdf.sbdf)
		return 0; /* its name is all the others', too */
	iommu->nrids = (uint8_t)(1 + phantoms(&pdev->desc, &iommu->context[1]));
	return 0;
}

struct pci_iommu *iommu_new(struct pci_dev *pdev)
{
	struct pci_iommu *iommu =
		plat_zalloc(sizeof(*iommu) + (1 + phantoms(&pdev->desc, NULL)) *
						     sizeof(iommu->context[0]));

	if (!iommu)
		return NULL;
	iommu->pdev = pdev;
	iommu->ats_in_device = true; /* whoever had it before us */
	pci_lock_init(&iommu->own_lock, LOCK_LEAF, "IOMMU context",
		      pdev->desc.sbdf.sbdf);
	if (!rids_init(iommu))
		return iommu;
	iommu_free(iommu);
	return NULL;
}

void iommu_free(struct pci_iommu *iommu)
{
	alias_put(iommu->alias);
	pci_lock_destroy(&iommu->own_lock);
	plat_free(iommu);
}

/* --- the way back ----------------------------------------------------------------- */

static struct pci_dev *find_phantom(struct pci_segment *pseg, pci_sbdf_t rid)
{
	unsigned int stride;

	for (stride = 4; stride; stride /= 2) {
		struct pci_dev *pdev;
		pci_sbdf_t real = rid;

		real.devfn &= (uint8_t) ~(8 - stride);
		pdev = pci_table_find(&pseg->table, real);
		if (pdev && pdev->desc.phantom_stride == stride)
			return pdev;
	}
	return NULL;
}

/* An alias's requests are its bridge's: all below share the blame. */
static struct pci_dev *find_bridge(struct pci_segment *pseg, pci_sbdf_t rid)
{
	uint32_t bridge = hf_load_acquire(&pseg->bridge[rid.bus]);
	struct pci_dev *pdev;

	if (rid.devfn || !bridge)
		return NULL;
	rid.bdf = (uint16_t)(bridge - 1);
	pdev = pci_table_find(&pseg->table, rid);
	return pdev && pdev->iommu && iommu_below(pdev->iommu) ? pdev : NULL;
}

struct pci_dev *iommu_find(struct pci_host *host, pci_sbdf_t rid)
{
	struct pci_segment *pseg = pci_segment_find(rid.seg);
	struct pci_dev *pdev;

	if (!pseg || pseg->host != host)
		return NULL;
	pdev = find_bridge(pseg, rid);
	if (!pdev)
		pdev = pci_table_find(&pseg->table, rid);
	return pdev ? pdev : find_phantom(pseg, rid);
}
