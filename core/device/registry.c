/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry: segments, and the way of a device into and out of their
 * tables.
 *
 * A device is published by one release store into its slot, last, when it is
 * complete, LIVE and on its owner's list; and unpublished with its state
 * change, before the registry's reference goes. Both happen under the segment
 * lock, and so does the child's hold on its parent: a hold of kind CHILD is
 * listed just while the child is published.
 */
#include "device/internal.h"

static hf_atomic(struct pci_segment *) segments[PLAT_PCI_SEGMENTS];
/* A bit for each that was ever added, set before the pointer; as pci_used. */
static hf_atomic(uint32_t) used_segments[(PLAT_PCI_SEGMENTS + 31) / 32];
static hf_atomic(uint64_t) last_instance;

static bool is_segment(unsigned int seg)
{
	return seg < ARRAY_SIZE(segments);
}

struct pci_segment *pci_segment_find(unsigned int seg)
{
	return is_segment(seg) ? hf_load_acquire(&segments[seg]) : NULL;
}

int pci_segment_next(unsigned int seg)
{
	for (; is_segment(seg); seg++) {
		uint32_t from = hf_load_relaxed(&used_segments[seg / 32]) >>
				seg % 32;

		if (!from)
			seg |= 31; /* none in the rest of the word */
		else if (from & 1 && pci_segment_find(seg))
			return (int)seg;
	}
	return -ENOENT;
}

struct pci_host *pci_segment_host(uint16_t seg)
{
	struct pci_segment *pseg = pci_segment_find(seg);

	return pseg ? pseg->host : NULL;
}

static void segment_free(struct pci_segment *pseg)
{
	pci_table_free(&pseg->table);
	pci_lock_destroy(&pseg->lock);
	plat_free(pseg);
}

int pci_segment_add(uint16_t seg, struct pci_host *host)
{
	struct pci_segment *pseg, *there = NULL;

	if (!host || !is_segment(seg))
		return -EINVAL;
	pseg = plat_zalloc(sizeof(*pseg));
	if (!pseg)
		return -ENOMEM;
	pseg->number = seg;
	pseg->host = host;
	pci_lock_init(&pseg->lock, LOCK_SEGMENT, "segment", seg);
	list_init(&pseg->revoking);
	hf_fetch_or_relaxed(&used_segments[seg / 32], 1u << seg % 32);
	if (hf_cas_release(&segments[seg], &there, pseg))
		return 0;
	segment_free(pseg);
	there = pci_segment_find(seg); /* acquired */
	return there->host == host ? 0 : -EEXIST;
}

void pci_segments_free(void)
{
	unsigned int seg;

	for (seg = 0; is_segment(seg); seg++) {
		struct pci_segment *pseg = pci_segment_find(seg);

		if (pseg) {
			hf_store_relaxed(&segments[seg], NULL);
			segment_free(pseg);
		}
	}
}

/* --- in ------------------------------------------------------------------- */

static struct pci_dev *pdev_alloc(struct pci_segment *pseg,
				  const struct pci_dev_desc *desc)
{
	struct pci_dev *pdev = plat_zalloc(sizeof(*pdev));

	if (!pdev)
		return NULL;
	life_init(&pdev->life);
	pdev->pseg = pseg;
	pdev->desc = desc->facts;
	pci_bars_pack(&pdev->bars, desc->bar);
	hf_init(&pdev->last_below, desc->sbdf.bdf);
	pdev->broken = desc->defect;
	pdev->instance = hf_fetch_add_relaxed(&last_instance, 1) + 1;
	pdev->added = plat_now();
	pci_lock_init(&pdev->lock, LOCK_DEVICE, "device", 0);
	plat_event_init(&pdev->event);
	plat_event_init(&pdev->idle);
	pdev->op = PCI_OP_ADD; /* until the stages have seen it published */
	pdev->op_since = pdev->added;
	tracker_init(&pdev->tracker);
	list_init(&pdev->holds);
	list_init(&pdev->domain_entry);
	list_init(&pdev->revoking_entry);
	list_init(&pdev->removal_entry);
	pci_stat_add(PCI_STAT_OBJECTS, 1);
	return pdev;
}

/* Nobody else can reach it: it was never published, or is dead and unused. */
void pcidev_free(struct pci_dev *pdev)
{
	tracker_destroy(&pdev->tracker);
	plat_event_destroy(&pdev->idle);
	plat_event_destroy(&pdev->event);
	pci_lock_destroy(&pdev->lock);
	plat_free(pdev);
	pci_stat_add(PCI_STAT_OBJECTS, -1);
}

static bool slot_is_revoking(struct pci_segment *pseg, uint16_t bdf)
{
	struct pci_dev *pdev;

	list_for_each(pdev, &pseg->revoking, struct pci_dev, revoking_entry)
		if (pdev->desc.sbdf.bdf == bdf)
			return true;
	return false;
}

/* Under the segment lock: the child's hold on its parent. */
static int link_parent(struct pci_dev *pdev)
{
	struct pci_dev *parent =
		pci_table_find(&pdev->pseg->table, pdev->desc.parent);
	int err = 0;

	if (!parent)
		return -ENODEV;
	pci_lock(&parent->lock);
	if (pcidev_marked(parent, PCI_MARK_LOST))
		err = -ENODEV;
	else if (parent->op == PCI_OP_REMOVE || parent->op == PCI_OP_RESET)
		err = -EBUSY;
	else
		pci_hold_link(pdev->parent_hold, parent);
	pci_unlock(&parent->lock);
	if (err)
		return err;
	pdev->parent = parent;
	pci_bus_raise_last(parent, pdev->desc.sbdf.bdf);
	return 0;
}

/*
 * A parent that was lost while its child arrived: the mark is set on the
 * parent before the second walk over its children (loss.c), and tested here
 * after the child is published; both are read-modify-writes of one word, so
 * one of the two sees the other: this one the mark, or that one, which
 * acquires, the child.
 */
static void inherit_loss(struct pci_dev *pdev)
{
	if (pdev->parent &&
	    hf_fetch_or_release(&pdev->parent->marks, 0) & PCI_MARK_LOST)
		hf_fetch_or_relaxed(&pdev->marks, PCI_MARK_LOST);
}

static int publish(struct pci_dev *pdev, struct pci_bus **spare)
{
	struct pci_segment *pseg = pdev->pseg;
	pci_sbdf_t sbdf = pdev->desc.sbdf;
	int err = 0;

	pci_lock(&pseg->lock);
	if (pci_table_find(&pseg->table, sbdf))
		err = -EEXIST;
	else if (slot_is_revoking(pseg, sbdf.bdf))
		err = -EBUSY;
	else if (pdev->parent_hold)
		err = link_parent(pdev);
	else if (!pci_bus_is_root(pseg, sbdf.bus))
		err = -ENXIO;
	if (err)
		goto out;

	pci_bus_join(pdev);
	pci_table_prepare(&pseg->table, sbdf.bus, spare);
	domain_get(hardware_domain);
	pci_lock(&hardware_domain->lock);
	hf_store_relaxed(&pdev->owner, hardware_domain);
	list_add_tail(&pdev->domain_entry, &hardware_domain->devices);
	hardware_domain->ndevices++;
	pcidev_get(pdev); /* the caller's */
	life_set_state(&pdev->life, PCI_STATE_LIVE);
	pci_table_set(&pseg->table, sbdf, pdev);
	pci_unlock(&hardware_domain->lock);
	if (pdev->desc.secondary)
		hf_store_release(&pseg->bridge[pdev->desc.secondary],
				 sbdf.bdf + 1u);
	pci_bus_count(pdev, 1);
	inherit_loss(pdev);
	pci_event_post(PCI_EVENT_ADDED, sbdf, pdev->instance,
		       pci_dev_type_name(pdev->desc.type));
out:
	pci_unlock(&pseg->lock);
	return err;
}

/* find_same() of a device that is not going. Under pdev->lock. */
static int same_or_not(struct pci_dev *pdev, const struct pci_dev_desc *desc)
{
	int same = pcidev_compare(pdev, &desc->facts);

	if (same < 0)
		return same;
	if (!same)
		return -EEXIST;
	return pcidev_tryget(pdev) ? 0 : -EBUSY;
}

/*
 * Is it there already? 0 and a reference: the same hardware; -ENOENT: nobody;
 * -EEXIST: something else, or what was lost, *@old; -EBUSY: being removed,
 * or a bridge that cannot lead elsewhere.
 */
static int find_same(struct pci_segment *pseg, const struct pci_dev_desc *desc,
		     struct pci_dev **out, uint64_t *old)
{
	struct pci_dev *pdev;
	int err;

	plat_rcu_read_lock();
	pdev = pci_table_find(&pseg->table, desc->sbdf);
	if (!pdev) {
		err = -ENOENT;
		goto out;
	}
	*old = pdev->instance;
	pci_lock(&pdev->lock);
	if (pdev->op == PCI_OP_REMOVE || pdev->op == PCI_OP_LOSS)
		err = -EBUSY;
	else if (pcidev_marked(pdev, PCI_MARK_LOST))
		err = -EEXIST;
	else
		err = same_or_not(pdev, desc);
	pci_unlock(&pdev->lock);
	if (!err)
		*out = pdev;
out:
	plat_rcu_read_unlock();
	return err;
}

static int add_new(struct pci_segment *pseg, const struct pci_dev_desc *desc,
		   struct pci_dev **out)
{
	struct pci_bus *spare = NULL;
	struct pci_dev *pdev;
	int err = -ENOMEM;

	pdev = pdev_alloc(pseg, desc);
	if (!pdev)
		return -ENOMEM;
	spare = plat_zalloc(sizeof(*spare));
	if (!spare)
		goto out_free;
	if (desc->parent.sbdf != desc->sbdf.sbdf) {
		char who[PCI_SBDF_LEN];

		pdev->parent_hold = pci_hold_alloc(
			PCI_HOLD_CHILD, pci_sbdf_print(who, desc->sbdf), NULL,
			NULL);
		if (!pdev->parent_hold)
			goto out_free;
		pdev->parent_hold->child = pdev;
	}
	err = pci_stages_attach(pdev);
	if (err)
		goto out_free;
	err = publish(pdev, &spare);
	if (err)
		goto out_detach;
	plat_free(spare);
	pci_stat_add(PCI_STAT_ADDED, 1);
	pci_stages_added(pdev);
	pcidev_end(pdev);
	*out = pdev;
	return 0;

out_detach:
	pci_stages_undo_attach(pdev);
out_free:
	if (pdev->parent_hold)
		pci_hold_free(pdev->parent_hold);
	plat_free(spare);
	pcidev_free(pdev);
	return err;
}

int pci_register_device(const struct pci_dev_desc *desc, struct pci_dev **out)
{
	struct pci_segment *pseg = pci_segment_find(desc->sbdf.seg);
	struct pci_dev *pdev = NULL;
	uint64_t old;
	int err;

	if (!pseg)
		return -ENODEV;
	/* Addresses grow from parent to child: so there is no cycle. */
	if (desc->parent.seg != desc->sbdf.seg ||
	    desc->parent.bdf > desc->sbdf.bdf || !pci_bars_valid(desc->bar))
		return -EINVAL;
	do {
		err = find_same(pseg, desc, &pdev, &old);
		if (err == -EEXIST) {
			err = pci_instance_lost(desc->sbdf, old);
			if (err == -EALREADY)
				return -EBUSY;
			err = -ENOENT;
		}
		if (err == -ENOENT)
			err = add_new(pseg, desc, &pdev);
	} while (err == -EEXIST);
	if (err)
		return err;
	if (out)
		*out = pdev;
	else
		pcidev_put(pdev);
	return 0;
}

/* --- out ------------------------------------------------------------------ */

/*
 * The owner's domain lock, and then the device's. There is an owner, for only
 * the owner of pdev->op unpublishes. Until both are held it may change, from one
 * who had it before this operation began to dom_io; none of them is new to us.
 */
static struct domain *lock_owner(struct pci_dev *pdev)
{
	for (;;) {
		struct domain *d;
		bool found;

		plat_rcu_read_lock();
		d = hf_load_relaxed(&pdev->owner);
		found = domain_tryget(d);
		plat_rcu_read_unlock();
		if (!found)
			continue;
		pci_lock(&d->lock);
		pci_lock(&pdev->lock);
		if (hf_load_relaxed(&pdev->owner) == d)
			return d;
		pci_unlock(&pdev->lock);
		pci_unlock(&d->lock);
		domain_put(d);
	}
}

/* Under the segment, owner's and device's locks. */
static void take_down(struct pci_dev *pdev, struct domain *d)
{
	struct pci_segment *pseg = pdev->pseg;
	pci_sbdf_t sbdf = pdev->desc.sbdf;

	/* It tells what the host was told before, too (host.h, removed). */
	pci_table_set(&pseg->table, sbdf, NULL);
	if (pdev->desc.secondary &&
	    hf_load_relaxed(&pseg->bridge[pdev->desc.secondary]) ==
		    sbdf.bdf + 1u)
		hf_store_relaxed(&pseg->bridge[pdev->desc.secondary], 0);
	pci_bus_count(pdev, -1);
	list_del(&pdev->domain_entry);
	d->ndevices--;
	hf_store_relaxed(&pdev->owner, NULL);
}

static void unlink_parent(struct pci_dev *pdev)
{
	struct pci_dev *parent = pdev->parent;

	if (!parent)
		return;
	pci_lock(&parent->lock);
	pci_hold_unlink(pdev->parent_hold, parent);
	pci_unlock(&parent->lock);
}

bool pcidev_unpublish(struct pci_dev *pdev, enum pci_state to)
{
	struct pci_segment *pseg = pdev->pseg;
	struct domain *d;
	bool mine;

	pci_lock(&pseg->lock);
	d = lock_owner(pdev);
	mine = to == PCI_STATE_LOST || !pcidev_marked(pdev, PCI_MARK_LOST);
	if (mine) {
		pcidev_set_state(pdev, to);
		take_down(pdev, d);
		plat_event_set(&d->event);
	}
	pci_unlock(&pdev->lock);
	pci_unlock(&d->lock);
	if (mine) {
		pci_event_post(to == PCI_STATE_GONE ? PCI_EVENT_REMOVED
						    : PCI_EVENT_LOST,
			       pdev->desc.sbdf, pdev->instance, "");
		unlink_parent(pdev);
		if (to == PCI_STATE_LOST)
			list_add_tail(&pdev->revoking_entry, &pseg->revoking);
	}
	pci_unlock(&pseg->lock);
	domain_put(d);
	if (!mine)
		return false;
	domain_put(d); /* pdev->owner's */
	if (pdev->parent_hold) {
		pci_hold_free(pdev->parent_hold);
		pcidev_put(pdev->parent);
	}
	pci_stat_add(to == PCI_STATE_GONE ? PCI_STAT_REMOVED : PCI_STAT_LOST,
		     1);
	return true;
}

void pcidev_revoked(struct pci_dev *pdev)
{
	pci_lock(&pdev->pseg->lock);
	list_del(&pdev->revoking_entry);
	pci_unlock(&pdev->pseg->lock);
}
