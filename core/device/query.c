/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of what is known, for people: taken under pdev->lock, from inside a
 * section, so that a device being drained or lost can be shown too.
 */
#include "device/internal.h"

static hf_atomic(uint64_t) stats[PCI_STAT_COUNT];

void pci_stat_add(enum pci_stat stat, int n)
{
	hf_fetch_add_relaxed(&stats[stat], (uint64_t)(int64_t)n);
}

void pci_get_stats(struct pci_stats *out)
{
	uint64_t value[PCI_STAT_COUNT];
	unsigned int i, id = 0;
	struct domain *d;

	for (i = 0; i < PCI_STAT_COUNT; i++)
		value[i] = hf_load_relaxed(&stats[i]);
	*out = (struct pci_stats){
		.devices = value[PCI_STAT_ADDED] - value[PCI_STAT_REMOVED] -
			   value[PCI_STAT_LOST],
		.added = value[PCI_STAT_ADDED],
		.removed = value[PCI_STAT_REMOVED],
		.lost = value[PCI_STAT_LOST],
		.refused = value[PCI_STAT_REFUSED],
		.objects = value[PCI_STAT_OBJECTS],
		.saturated = value[PCI_STAT_SATURATED],
	};
	for (d = domain_get_by_id(0); d; d = domain_next(&id)) {
		out->domains++;
		id = domain_id(d);
		domain_put(d);
	}
}

static void describe(struct pci_dev *pdev, uint32_t own,
		     struct pci_dev_info *info)
{
	const struct domain *whose;
	struct domain *d;
	uint64_t word;

	pci_lock(&pdev->lock);
	word = life_read(&pdev->life);
	d = hf_load_acquire(&pdev->owner);
	*info = (struct pci_dev_info){
		.instance = pdev->instance,
		.added = pdev->added,
		.state = life_word_state(word),
		.holds = pdev->nholds,
		.children = pdev->nchildren,
		.op = (enum pci_op)pdev->op,
		.op_since = pdev->op_since,
		.has_vsbdf = pdev->has_vsbdf,
		.vsbdf = pdev->vsbdf,
		.lost = pcidev_marked(pdev, PCI_MARK_LOST),
		.read_only = pcidev_marked(pdev, PCI_MARK_READ_ONLY),
		.hidden = d == dom_hidden,
		.broken = pdev->broken,
	};
	pcidev_describe(pdev, &info->desc);
	if (!life_is_dead(info->state))
		own++; /* the registry's */
	if (life_word_count(word) > own)
		info->refs = life_word_count(word) - own;
	if (d) {
		info->owner = d->id;
		memcpy(info->owner_name, d->name, sizeof(d->name));
	}
	whose = pcidev_op_for(pdev);
	if (whose)
		memcpy(info->op_who, whose->name, sizeof(info->op_who));
	pci_unlock(&pdev->lock);
}

void pcidev_query(struct pci_dev *pdev, struct pci_dev_info *info)
{
	describe(pdev, 1, info);
}

int pci_query_next(pci_sbdf_t sbdf, struct pci_dev_info *info)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	uint32_t bdf = sbdf.bdf;
	struct pci_dev *pdev;

	if (!pseg)
		return -ENOENT;
	plat_rcu_read_lock();
	while ((pdev = pci_table_next(&pseg->table, &bdf))) {
		describe(pdev, 0, info);
		if (!life_is_dead(info->state))
			break;
		bdf++;
	}
	plat_rcu_read_unlock();
	return pdev ? 0 : -ENOENT;
}

int pci_query(pci_sbdf_t sbdf, struct pci_dev_info *info)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_dev *pdev;
	int err = -ENODEV;

	if (!pseg)
		return -ENODEV;
	plat_rcu_read_lock();
	pdev = pci_table_find(&pseg->table, sbdf);
	if (pdev) {
		describe(pdev, 0, info);
		err = life_is_dead(info->state) ? -ENODEV : 0;
	}
	plat_rcu_read_unlock();
	return err;
}

int pci_owner(pci_sbdf_t sbdf)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_dev *pdev;
	struct domain *d = NULL;
	int id = -ENODEV;

	if (!pseg)
		return -ENODEV;
	plat_rcu_read_lock();
	pdev = pci_table_find(&pseg->table, sbdf);
	if (pdev)
		d = hf_load_acquire(&pdev->owner);
	if (d)
		id = (int)d->id;
	plat_rcu_read_unlock();
	return id;
}

int pci_slot_next(pci_sbdf_t sbdf, pci_sbdf_t *cursor)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	uint32_t bdf = cursor->bdf;
	struct pci_dev *pdev;

	if (!pseg)
		return -ENOENT;
	plat_rcu_read_lock();
	while ((pdev = pci_table_next(&pseg->table, &bdf)) &&
	       !pcidev_is_below(pdev, sbdf, true))
		bdf++;
	if (pdev)
		*cursor = pdev->desc.sbdf;
	plat_rcu_read_unlock();
	return pdev ? 0 : -ENOENT;
}

int pci_holds_query(pci_sbdf_t sbdf, struct pci_hold_info *info, int max)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_hold *hold;
	struct pci_dev *pdev;
	int n = -ENODEV;

	if (!pseg)
		return -ENODEV;
	plat_rcu_read_lock();
	pdev = pci_table_find(&pseg->table, sbdf);
	if (pdev) {
		n = 0;
		pci_lock(&pdev->lock);
		list_for_each(hold, &pdev->holds, struct pci_hold, entry) {
			if (n < max)
				pci_hold_describe(hold, &info[n]);
			n++;
		}
		pci_unlock(&pdev->lock);
	}
	plat_rcu_read_unlock();
	return n;
}

pci_sbdf_t pcidev_sbdf(const struct pci_dev *pdev)
{
	return pdev->desc.sbdf;
}

uint64_t pcidev_instance(const struct pci_dev *pdev)
{
	return pdev->instance;
}

const struct pci_dev_facts *pcidev_desc(const struct pci_dev *pdev)
{
	return &pdev->desc;
}

enum pci_state pcidev_state(struct pci_dev *pdev)
{
	return life_state(&pdev->life);
}

bool pcidev_is_lost(struct pci_dev *pdev)
{
	return pcidev_marked(pdev, PCI_MARK_LOST);
}
