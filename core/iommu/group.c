/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Isolation groups (PCIe 6.0 §6.12): devices whose requests can reach each
 * other without passing the IOMMU, or reach it under one name.
 *
 * The group is the closure of a few relations, each told with its reason:
 *
 *   - On the way up from a device, the topmost bridge that does not isolate
 *     what is below it makes one group of all that. A root or downstream port
 *     isolates with ACS source validation, request and completion redirect and
 *     upstream forwarding on; without, a downstream port lets requests cross
 *     to its neighbours, so the group is all below the switch. A bridge to
 *     conventional PCI never isolates: on that bus everybody hears everybody,
 *     and above it all have the bridge's ID.
 *   - Functions of one device reach each other inside, unless both redirect;
 *     ports of one device, unless one of them isolates. VFs that could would
 *     have to have ACS (PCIe 6.0 §6.12.1.2).
 *   - A phantom function's ID is that of the function which is really there.
 *   - Some the IOMMU does not tell apart: so it says.
 *
 * Found by walking tables in a section, each member with a reference; so a
 * member that is being drained cannot be had, and then there is no answer. Who
 * only asks something of all does so in the section, and needs none.
 */
#include "iommu/internal.h"

enum {
	ACS_ISOLATES = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF,
	ACS_FUNCTION = PCI_ACS_RR | PCI_ACS_CR, /* inside of a device */
};

static bool redirects(const struct pci_dev *pdev, uint16_t bits)
{
	return (pdev->iommu->acs & bits) == bits;
}

/* --- what does not isolate ------------------------------------------------------- */

/* Does this bridge keep apart what is below it? If not: why. */
static bool isolates(const struct pci_dev *bridge, enum pci_group_why *why)
{
	switch (bridge->desc.type) {
	case PCI_TYPE_ROOT_PORT:
	case PCI_TYPE_SWITCH_DOWNSTREAM:
		*why = PCI_GROUP_PORT;
		return redirects(bridge, ACS_ISOLATES);
	case PCI_TYPE_PCIE_TO_PCI:
	case PCI_TYPE_PCI_TO_PCIE:
	case PCI_TYPE_LEGACY_BRIDGE:
	case PCI_TYPE_CARDBUS:
		*why = PCI_GROUP_BRIDGE;
		return false;
	case PCI_TYPE_UNKNOWN:
		*why = PCI_GROUP_BRIDGE;
		return !pcidev_is_bridge(bridge);
	default: /* no bridge, or one whose ports below are asked */
		return true;
	}
}

/* The topmost bridge at or above @pdev that makes one group of all below. */
static struct pci_dev *anchor_of(struct pci_dev *pdev, enum pci_group_why *why,
				 struct pci_dev **at)
{
	struct pci_dev *p, *anchor = NULL;
	enum pci_group_why reason;

	for (p = pdev; p; p = p->parent) {
		if (isolates(p, &reason))
			continue;
		*why = reason;
		*at = p;
		anchor = p;
		if (p->desc.type == PCI_TYPE_SWITCH_DOWNSTREAM && p->parent)
			anchor = p->parent;
	}
	return anchor;
}

/* --- collecting ---------------------------------------------------------------------- */

/* By address: where a member was lost since, another may stand by now. */
static bool has(const struct group *g, const struct pci_dev *pdev)
{
	unsigned int i;

	for (i = 0; i < g->n; i++)
		if (g->entry[i].info.sbdf.sbdf == pdev->desc.sbdf.sbdf)
			return true;
	return false;
}

static bool is_gone(struct pci_dev *pdev)
{
	return pcidev_marked(pdev, PCI_MARK_LOST) ||
	       life_is_dead(life_state(&pdev->life));
}

/* In the section in which @pdev was found. */
static int add(struct group *g, struct pci_dev *pdev, enum pci_group_why why,
	       const struct pci_dev *with, const struct pci_dev *at)
{
	if (has(g, pdev))
		return 0;
	if (g->n == PCI_GROUP_MAX)
		return -E2BIG;
	if (g->unheld && is_gone(pdev))
		return 0;
	if (!g->unheld && !pcidev_tryget(pdev)) {
		g->busy = pdev->desc.sbdf;
		return is_gone(pdev) ? 0 : -EBUSY;
	}
	g->entry[g->n++] = (struct group_entry){
		.pdev = pdev,
		.info = { .sbdf = pdev->desc.sbdf,
			  .why = why,
			  .with = with->desc.sbdf,
			  .at = at->desc.sbdf,
			  .bridge = pcidev_is_bridge(pdev) },
	};
	return 0;
}

/* All at and below @anchor. */
static int add_below(struct group *g, struct pci_dev *anchor,
		     enum pci_group_why why, const struct pci_dev *with,
		     const struct pci_dev *at)
{
	uint32_t bdf = anchor->desc.sbdf.bdf;
	uint32_t last = hf_load_relaxed(&anchor->last_below);
	struct pci_dev *pdev;
	int err = 0;

	for (; !err && (pdev = pci_table_next(&anchor->pseg->table, &bdf)) &&
	       bdf <= last;
	     bdf++)
		if (pcidev_is_below(pdev, anchor->desc.sbdf, false) ||
		    pcidev_is_astray(pdev, anchor))
			err = add(g, pdev, why, with, at);
	return err;
}

/* Whom the unit cannot tell from @pdev. */
static int add_of_unit(struct group *g, struct pci_dev *pdev)
{
	struct pci_host *host = pdev->pseg->host;
	struct pci_segment *pseg;
	struct pci_dev *other;
	pci_sbdf_t with;

	if (!host->iommu || !host->iommu->tells_apart ||
	    host->iommu->tells_apart(host, pdev->desc.sbdf, &with))
		return 0;
	pseg = pci_segment_find(with.seg);
	other = pseg ? pci_table_find(&pseg->table, with) : NULL;
	return other ? add(g, other, PCI_GROUP_UNIT, pdev, pdev) : 0;
}

/* Does @pdev also use @fn of its slot as a phantom function? */
static bool uses(const struct pci_dev *pdev, unsigned int fn)
{
	unsigned int own = PCI_FN(pdev->desc.sbdf);
	unsigned int stride = pdev->desc.phantom_stride;

	return stride && fn != own && (fn & ~(8 - stride)) == own;
}

/* Functions of one device that are not kept apart inside of it. */
static bool mix(const struct pci_dev *a, const struct pci_dev *b)
{
	enum pci_group_why why;

	if (a->desc.is_vf || b->desc.is_vf)
		return false;
	if (pcidev_is_bridge(a) && pcidev_is_bridge(b))
		return !isolates(a, &why) && !isolates(b, &why);
	return !redirects(a, ACS_FUNCTION) || !redirects(b, ACS_FUNCTION);
}

static int add_function(struct group *g, struct pci_dev *pdev,
			struct pci_dev *other)
{
	if (uses(pdev, PCI_FN(other->desc.sbdf)))
		return add(g, other, PCI_GROUP_PHANTOM, pdev, pdev);
	if (uses(other, PCI_FN(pdev->desc.sbdf)))
		return add(g, other, PCI_GROUP_PHANTOM, pdev, other);
	return mix(pdev, other) ? add(g, other, PCI_GROUP_FUNCTION, pdev, pdev)
				: 0;
}

/* What else is in the slot of @pdev. */
static int add_slot(struct group *g, struct pci_dev *pdev)
{
	pci_sbdf_t at = pdev->desc.sbdf;
	struct pci_dev *other;
	unsigned int fn;
	int err = 0;

	for (fn = 0; fn < 8 && !err; fn++) {
		at.devfn = (uint8_t)((pdev->desc.sbdf.devfn & 0xf8) | fn);
		other = pci_table_find(&pdev->pseg->table, at);
		if (other && other != pdev)
			err = add_function(g, pdev, other);
	}
	return err;
}

/* Has a member before the @i-th brought along all that is below @anchor? */
static bool covered(const struct group *g, unsigned int i,
		    const struct pci_dev *anchor)
{
	while (i)
		if (g->entry[--i].anchor == anchor)
			return true;
	return false;
}

static int expand(struct group *g, unsigned int i)
{
	struct pci_dev *pdev = g->entry[i].pdev, *anchor, *at = NULL;
	enum pci_group_why why = PCI_GROUP_ALONE;
	int err = 0;

	anchor = anchor_of(pdev, &why, &at);
	if (anchor && !covered(g, i, anchor))
		err = add_below(g, anchor, why, pdev, at);
	g->entry[i].anchor = anchor;
	/* What is in a slot below the anchor is below it, too. */
	if (!err && (!anchor || anchor == pdev))
		err = add_slot(g, pdev);
	if (!err)
		err = add_of_unit(g, pdev);
	return err;
}

/*
 * In a section. A device that is not dead when that has begun has its parents
 * until it ends: it drops them after it dies.
 */
static int find_all(struct group *g, struct pci_dev *pdev)
{
	unsigned int i;
	int err = 0;

	if (life_is_dead(life_state(&pdev->life)))
		err = -ENODEV;
	g->entry[g->n++] = (struct group_entry){
		.pdev = pdev,
		.info = { .sbdf = pdev->desc.sbdf,
			  .why = PCI_GROUP_ALONE,
			  .with = pdev->desc.sbdf,
			  .at = pdev->desc.sbdf,
			  .bridge = pcidev_is_bridge(pdev) },
	};
	for (i = 0; iommu_on && i < g->n && !err; i++)
		err = expand(g, i);
	return err;
}

static int group_alloc(struct group *g, bool unheld)
{
	*g = (struct group){ .entry = plat_zalloc(PCI_GROUP_MAX *
						  sizeof(*g->entry)),
			     .unheld = unheld };
	return g->entry ? 0 : -ENOMEM;
}

int group_find(struct group *g, struct pci_dev *pdev)
{
	int err = group_alloc(g, false);

	if (err)
		return err;
	pcidev_get(pdev);
	plat_rcu_read_lock();
	err = find_all(g, pdev);
	plat_rcu_read_unlock();
	return err;
}

void group_put(struct group *g)
{
	while (g->n)
		pcidev_put(g->entry[--g->n].pdev);
	plat_free(g->entry);
	g->entry = NULL;
}

int group_any_other(struct pci_dev *pdev, bool (*fn)(struct pci_dev *other))
{
	struct group g;
	bool any = false;
	unsigned int i;
	int err = group_alloc(&g, true);

	if (err)
		return err;
	plat_rcu_read_lock();
	err = find_all(&g, pdev);
	for (i = 1; i < g.n && !any; i++)
		any = fn(g.entry[i].pdev);
	plat_rcu_read_unlock();
	plat_free(g.entry);
	return any ? 1 : err;
}

/* --- for people --------------------------------------------------------------------------- */

int pci_device_group(pci_sbdf_t sbdf, struct pci_group_member *member, int max)
{
	struct pci_dev *pdev;
	struct group g;
	unsigned int i;
	int ret = pci_lookup(NULL, sbdf, &pdev);

	if (ret == -EBUSY && max > 0)
		member->sbdf = sbdf;
	if (ret)
		return ret;
	ret = group_find(&g, pdev);
	if (ret == -EBUSY && max > 0)
		member->sbdf = g.busy;
	if (!ret) {
		ret = (int)g.n;
		for (i = 0; i < g.n && (int)i < max; i++)
			member[i] = g.entry[i].info;
	}
	group_put(&g);
	pcidev_put(pdev);
	return ret;
}

const char *pci_group_why_text(enum pci_group_why why)
{
	static const char *const text[PCI_GROUP_WHYS] = {
		[PCI_GROUP_ALONE] = "isolated from all others",
		[PCI_GROUP_FUNCTION] =
			"functions of one device, without ACS between them",
		[PCI_GROUP_PORT] =
			"below a port that does not redirect requests (no ACS)",
		[PCI_GROUP_BRIDGE] =
			"behind a bridge to conventional PCI, under one name",
		[PCI_GROUP_PHANTOM] =
			"one uses the other's function number as a phantom",
		[PCI_GROUP_UNIT] = "the IOMMU does not tell them apart",
	};

	return why < PCI_GROUP_WHYS ? text[why] : "unknown";
}
