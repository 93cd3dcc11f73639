/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which bridge leads to a bus, and who is behind it without being its child.
 *
 * Isolation groups are found along parents, and a device without one is taken
 * to be on a root bus: one that is behind a bridge, and was found while that
 * could not be added, would look isolated from all others there. So a device
 * without a parent is published only if no published bridge leads to its bus
 * (pci_bus_is_root()), and if one is about to, the device goes astray
 * (pci_bus_join()): broken for its life, and with all below it in the group of
 * what is behind the bridge. Both under the segment lock, which publishes all:
 * who comes second sees the first. The mark is set before the bridge has a
 * child, so none gets away while a member of its group is thought fit.
 *
 * A bridge that leads to no bus may be numbered later, and nobody says so:
 * core/config reads these again before it takes a device for one on a root bus.
 *
 * Buses below a bridge are below the one above it, too (P2P 1.2 §3.2.5.3): so
 * numbers that are wrong do no harm beyond that one's.
 */
#include "device/internal.h"

static const char astray[] = "behind a bridge that was added after it";

static unsigned int last_bus(const struct pci_dev *pdev)
{
	unsigned int last = 0xff;

	for (; pdev; pdev = pdev->parent)
		if (pdev->desc.secondary && pdev->desc.subordinate < last)
			last = pdev->desc.subordinate;
	return last;
}

/* One whose numbers cannot be believed may lead to any bus above its own. */
static bool leads_to(const struct pci_dev *bridge, unsigned int bus)
{
	const struct pci_dev_facts *desc = &bridge->desc;
	unsigned int first = desc->buses_unknown ? desc->sbdf.bus + 1u
						 : desc->secondary;

	return first && bus >= first && bus <= last_bus(bridge);
}

int pci_bus_bridge(uint16_t seg, uint8_t bus, pci_sbdf_t *bridge)
{
	struct pci_segment *pseg = pci_segment_find(seg);
	uint32_t entry;

	if (!pseg)
		return -ENODEV;
	entry = hf_load_acquire(&pseg->bridge[bus]);
	if (!entry)
		return -ENOENT;
	*bridge = (pci_sbdf_t){ .bdf = (uint16_t)(entry - 1), .seg = seg };
	return 0;
}

/* In a section or under the segment lock. */
static bool leads_to_known(struct pci_segment *pseg, unsigned int bus)
{
	unsigned int first;

	for (first = 1; first <= bus; first++) {
		uint32_t entry = hf_load_acquire(&pseg->bridge[first]);
		pci_sbdf_t at = { .bdf = (uint16_t)(entry - 1) };
		struct pci_dev *pdev = NULL;

		if (entry)
			pdev = pci_table_find(&pseg->table, at);
		if (pdev && leads_to(pdev, bus))
			return true;
	}
	return false;
}

static bool leads_to_unknown(struct pci_segment *pseg, unsigned int bus)
{
	struct pci_dev *pdev;
	uint32_t bdf = 0;

	if (!hf_load_relaxed(&pseg->unknown))
		return false;
	for (; (pdev = pci_table_next(&pseg->table, &bdf)) && bdf >> 8 < bus;
	     bdf++)
		if (leads_to(pdev, bus))
			return true;
	return false;
}

bool pci_bus_is_root(struct pci_segment *pseg, uint8_t bus)
{
	bool root;

	plat_rcu_read_lock();
	root = !leads_to_known(pseg, bus) && !leads_to_unknown(pseg, bus);
	plat_rcu_read_unlock();
	return root;
}

static bool is_idle(const struct pci_dev_facts *desc)
{
	/* An endpoint's header is 0; of one that is unknown nobody knows. */
	return desc->hdr_type && !desc->secondary && !desc->buses_unknown;
}

bool pci_bus_next_idle(struct pci_segment *pseg, uint8_t bus, uint32_t *bdf)
{
	struct pci_dev *pdev = NULL;

	if (!hf_load_relaxed(&pseg->nowhere))
		return false;
	plat_rcu_read_lock();
	for (; (pdev = pci_table_next(&pseg->table, bdf)) && *bdf >> 8 < bus;
	     ++*bdf)
		if (is_idle(&pdev->desc))
			break;
	plat_rcu_read_unlock();
	return pdev && *bdf >> 8 < bus;
}

static void count(hf_atomic(uint32_t) * counter, int n)
{
	hf_store_relaxed(counter, hf_load_relaxed(counter) + (uint32_t)n);
}

void pci_bus_count(struct pci_dev *pdev, int n)
{
	if (pdev->desc.buses_unknown)
		count(&pdev->pseg->unknown, n);
	if (is_idle(&pdev->desc))
		count(&pdev->pseg->nowhere, n);
}

/* And not its child: by the bus of the topmost device above @pdev. */
static bool is_behind(const struct pci_dev *pdev, const struct pci_dev *bridge)
{
	while (pdev->parent)
		pdev = pdev->parent;
	return leads_to(bridge, pdev->desc.sbdf.bus);
}

bool pcidev_is_astray(struct pci_dev *pdev, const struct pci_dev *bridge)
{
	return pcidev_marked(pdev, PCI_MARK_ASTRAY) && is_behind(pdev, bridge);
}

const char *pci_bus_defect(struct pci_dev *pdev)
{
	return pcidev_marked(pdev, PCI_MARK_ASTRAY) ? astray : NULL;
}

void pci_bus_raise_last(struct pci_dev *parent, uint16_t bdf)
{
	for (; parent; parent = parent->parent)
		if (hf_load_relaxed(&parent->last_below) < bdf)
			hf_store_relaxed(&parent->last_below, bdf);
}

/*
 * Each bus has one bridge. What describes a device looks before, without the
 * lock, so that of two that are added at once neither sees the other.
 */
static void check_bridge(struct pci_dev *pdev)
{
	struct pci_dev_facts *desc = &pdev->desc;

	if (!desc->secondary ||
	    !hf_load_relaxed(&pdev->pseg->bridge[desc->secondary]))
		return;
	desc->secondary = 0;
	desc->subordinate = 0;
	desc->buses_unknown = true;
	if (!desc->defect)
		desc->defect = "another bridge leads to its bus";
	pdev->broken = desc->defect;
}

void pci_bus_join(struct pci_dev *pdev)
{
	uint32_t bdf = (pdev->desc.sbdf.bus + 1u) << 8;
	struct pci_dev *other;

	check_bridge(pdev);
	if (pdev->parent && pcidev_marked(pdev->parent, PCI_MARK_ASTRAY)) {
		hf_fetch_or_relaxed(&pdev->marks, PCI_MARK_ASTRAY);
		pdev->broken = astray;
	}
	if (!pdev->desc.secondary && !pdev->desc.buses_unknown)
		return;
	for (; (other = pci_table_next(&pdev->pseg->table, &bdf)); bdf++) {
		if (!is_behind(other, pdev))
			continue;
		hf_fetch_or_relaxed(&other->marks, PCI_MARK_ASTRAY);
		pcidev_set_broken(other, astray);
		pci_bus_raise_last(pdev, other->desc.sbdf.bdf);
	}
}
