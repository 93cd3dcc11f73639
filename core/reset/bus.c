/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A secondary bus reset takes every function behind the bridge along. So all
 * others there have to be dom_io's, and to stay there meanwhile:
 *
 *   - one that rests in quarantine: its operation is taken, too;
 *   - one that leaves its owner by the same operation as ours, on the same list
 *     by removal_entry: the thread that steps us steps it, too, so nothing
 *     happens to it meanwhile. Before its own reset it may have been this one
 *     already; in the middle of that, we wait; after it, it is checked again.
 *
 * Another operation's on its way through dom_io is somebody's use of the bus.
 *
 * The bridge's operation is taken first, which keeps new functions away, and
 * the bridge itself stays because its child does. All is found under the
 * segment lock, under which children are published.
 */
#include "reset/internal.h"

/* The bridge whose secondary bus @pdev is on, if it can be reset; or NULL. */
static struct pci_dev *bridge_of(struct pci_dev *pdev)
{
	struct pci_dev *bridge = pdev->parent;

	if (pdev->desc.is_vf || !bridge ||
	    bridge->desc.hdr_type != PCI_HEADER_TYPE_BRIDGE ||
	    bridge->desc.secondary != pdev->desc.sbdf.bus)
		return NULL;
	return bridge;
}

/* By the owner of the list that @pdev is on. */
static bool is_on_same_list(struct pci_dev *pdev, struct pci_dev *other)
{
	const struct list_head *e = pdev->removal_entry.next;

	for (; e != &pdev->removal_entry; e = e->next)
		if (e == &other->removal_entry)
			return true;
	return false;
}

/* --- who is behind it -------------------------------------------------------------- */

typedef enum reset_bus neighbour_fn(struct pci_dev *pdev,
				    struct pci_dev *other);

static bool is_behind(const struct pci_dev *pdev, const struct pci_dev *bridge)
{
	while (pdev && pdev != bridge)
		pdev = pdev->parent;
	return pdev;
}

/* @fn of all others behind the bridge while it says YES; segment lock. */
static enum reset_bus for_others(struct pci_dev *pdev, struct pci_dev *bridge,
				 neighbour_fn *fn)
{
	uint32_t bdf = bridge->desc.sbdf.bdf + 1u;
	uint32_t last = hf_load_relaxed(&bridge->last_below);
	enum reset_bus ret = BUS_YES;
	struct pci_dev *other;

	for (; ret == BUS_YES && bdf <= last; bdf++) {
		other = pci_table_next(&pdev->pseg->table, &bdf);
		if (!other || bdf > last)
			break;
		if (other != pdev && (is_behind(other, bridge) ||
				      pcidev_is_astray(other, bridge)))
			ret = fn(pdev, other);
	}
	return ret;
}

/* Nobody uses it; under its lock. */
static bool is_at_rest(struct pci_dev *other)
{
	return hf_load_relaxed(&other->owner) == dom_io && !other->nchildren &&
	       !pcidev_is_bridge(other);
}

static enum reset_bus look(struct pci_dev *pdev, struct pci_dev *other)
{
	bool rests;

	(void)pdev;
	pci_lock(&other->lock);
	rests = is_at_rest(other) && other->op == PCI_OP_NONE;
	pci_unlock(&other->lock);
	return rests ? BUS_YES : BUS_NO;
}

/*
 * The other stages are not done with it yet. They will be, if it is stepped
 * together with us.
 */
static bool is_late(struct pci_dev *pdev, struct pci_dev *other)
{
	return other->dirty != PCI_DIRTY_NO && !other->reset->came &&
	       plat_now() < pdev->reset->until;
}

static enum reset_bus take(struct pci_dev *pdev, struct pci_dev *other)
{
	struct pci_reset *r = other->reset;
	bool ours = is_on_same_list(pdev, other);
	enum reset_bus ret = BUS_YES;

	pci_lock(&other->lock);
	if (!is_at_rest(other))
		ret = BUS_NO;
	else if (ours && (r->step != RESET_IDLE || is_late(pdev, other)))
		ret = BUS_WAIT;
	else if (!ours && pci_op_begin(other, PCI_OP_RESET))
		ret = BUS_NO;
	if (ret == BUS_YES) {
		pcidev_get(other); /* the registry's is there: segment lock */
		r->rests = !ours;
		r->taken = true;
		list_add_tail(&r->along, &pdev->reset->along);
	}
	pci_unlock(&other->lock);
	return ret;
}

static void let_go(struct pci_dev *pdev)
{
	struct pci_reset *r = pdev->reset, *other;

	if (!r->has_bus)
		return; /* .along is not its own list */
	while (!list_empty(&r->along)) {
		other = list_first(&r->along, struct pci_reset, along);
		list_del(&other->along);
		other->taken = false;
		if (other->rests)
			pcidev_end(other->pdev);
		pcidev_put(other->pdev);
	}
	pcidev_end(pdev->parent);
	r->has_bus = false;
}

bool reset_bus_possible(struct pci_dev *pdev)
{
	struct pci_dev *bridge = NULL;
	enum reset_bus ret = BUS_NO;

	pci_lock(&pdev->pseg->lock);
	if (!life_is_dead(life_state(&pdev->life))) /* and so has its parent */
		bridge = bridge_of(pdev);
	if (bridge)
		ret = for_others(pdev, bridge, look);
	pci_unlock(&pdev->pseg->lock);
	return ret == BUS_YES;
}

enum reset_bus reset_bus_take(struct pci_dev *pdev)
{
	struct pci_dev *bridge = bridge_of(pdev);
	enum reset_bus ret = BUS_NO;

	if (!bridge)
		return BUS_NO;
	pci_lock(&pdev->pseg->lock);
	pci_lock(&bridge->lock);
	pdev->reset->has_bus = !pci_op_begin(bridge, PCI_OP_RESET);
	pci_unlock(&bridge->lock);
	if (pdev->reset->has_bus)
		ret = for_others(pdev, bridge, take);
	pci_unlock(&pdev->pseg->lock);
	if (ret != BUS_YES)
		let_go(pdev);
	return ret;
}

/* --- the reset ---------------------------------------------------------------------- */

bool reset_bus_save(struct pci_dev *pdev)
{
	struct pci_reset *other;

	list_for_each(other, &pdev->reset->along, struct pci_reset, along)
		if (conf_save(other->pdev))
			return false;
	return true;
}

void reset_bus_assert(struct pci_dev *pdev, bool on)
{
	struct pci_reset *r = pdev->reset, *other;

	if (on)
		list_for_each(other, &r->along, struct pci_reset, along)
			reset_plant(other->pdev);
	conf_update(pdev->parent, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET,
		    on ? PCI_BRIDGE_CTL_BUS_RESET : 0);
}

bool reset_bus_answers(struct pci_dev *pdev)
{
	struct pci_reset *other;

	list_for_each(other, &pdev->reset->along, struct pci_reset, along)
		if (reset_no_answer(other->pdev))
			return false;
	return true;
}

/* It had been reset, and checked, before; or it rests. */
static void put_back(struct pci_dev *other)
{
	int err = conf_restore(other, other->record.command &
					      (uint16_t)~PCI_COMMAND_MASTER);
	const char *why = other->reset->rests ? NULL : reset_check(other);

	if (err && !why)
		why = "its registers cannot be put back";
	if (why)
		pcidev_set_broken(other, why);
}

void reset_bus_end(struct pci_dev *pdev)
{
	struct pci_reset *r = pdev->reset, *other;

	if (!r->has_bus)
		return;
	if (r->step == RESET_BEGUN) /* it was pulled meanwhile */
		reset_bus_assert(pdev, false);
	list_for_each(other, &r->along, struct pci_reset, along) {
		if (r->step < RESET_BEGUN)
			continue; /* nothing has been done to it */
		if (other->rests || other->pdev->dirty == PCI_DIRTY_NO)
			put_back(other->pdev);
		else
			other->bus_done = !reset_had_no_effect(other->pdev);
	}
	let_go(pdev);
}
