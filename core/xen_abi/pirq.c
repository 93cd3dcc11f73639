/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PIRQs: the hardware domain's numbers for message interrupts of its devices.
 *
 * An entry is the name of one binding of pci_irq_bind(), and its data: what is
 * done by an entry is done to that binding only (core/irq/own.h), whoever has
 * the device and its vector by now. A device that goes takes its vectors along,
 * and its PIRQs are then numbers of nothing, until they are unmapped or
 * somebody needs them. So a mapped PIRQ does not keep a removal waiting, as it
 * does not in Xen, nor a removal who unmaps.
 *
 * An entry is claimed under the lock, filled by who has claimed it, and freed
 * by who has it claimed: so nobody is called under the lock, and of two that
 * unmap one is told -EINVAL. pci_irq_fn is called with an entry; it only reads
 * where that is, and is not called any more when the entry is freed.
 */
#include "device/internal.h"
#include "irq/own.h"
#include "xen_abi/internal.h"

#define FIRST_PIRQ 16 /* below are the old lines */
#define MAX_MSI 32

enum use { FREE, CLAIMED, MAPPED, FOLLOWER };

struct pirq {
	enum use use; /* under the lock */
	/* Of who has it claimed, or under the lock while it is mapped. */
	enum pci_vector_kind kind;
	unsigned int first, count; /* as bound; FOLLOWERs come after it */
	pci_sbdf_t sbdf;
};

static struct pirq *pirqs; /* owned; fixed */
static unsigned int npirqs;
static struct pci_lock lock; /* LOCK_LEAF */

int xen_pirq_init(unsigned int n)
{
	pirqs = plat_zalloc(n * sizeof(*pirqs));
	if (!pirqs)
		return -ENOMEM;
	npirqs = n;
	pci_lock_init(&lock, LOCK_LEAF, "pirqs", 0);
	return 0;
}

/* --- entries -------------------------------------------------------------------- */

static bool is_free(unsigned int at, unsigned int n)
{
	unsigned int i;

	for (i = at; i < at + n; i++)
		if (i >= npirqs || pirqs[i].use != FREE)
			return false;
	return true;
}

/* @at: the wanted number, or -1. The claimed entry's number; -EEXIST, … */
static int claim(int at, unsigned int n)
{
	unsigned int i = at < 0 ? FIRST_PIRQ : (unsigned int)at;
	int ret = at < 0 ? -ENOSPC : -EEXIST;
	unsigned int j;

	if (at >= 0 && (i < FIRST_PIRQ || n > npirqs || i > npirqs - n))
		return -EINVAL;
	pci_lock(&lock);
	while (at < 0 && i < npirqs && !is_free(i, n))
		i++;
	if (i < npirqs && is_free(i, n)) {
		pirqs[i].use = CLAIMED;
		for (j = 1; j < n; j++)
			pirqs[i + j].use = FOLLOWER;
		pirqs[i].count = n;
		ret = (int)i;
	}
	pci_unlock(&lock);
	return ret;
}

/* What is mapped there becomes the caller's. */
static struct pirq *take(unsigned int at)
{
	struct pirq *p = NULL;

	pci_lock(&lock);
	if (at < npirqs && pirqs[at].use == MAPPED) {
		p = &pirqs[at];
		p->use = CLAIMED;
	}
	pci_unlock(&lock);
	return p;
}

static void set_use(struct pirq *p, enum use use)
{
	unsigned int i;

	pci_lock(&lock);
	if (use == FREE)
		for (i = 1; i < p->count; i++)
			p[i].use = FREE;
	p->use = use;
	pci_unlock(&lock);
}

/* --- devices --------------------------------------------------------------------- */

static void came(void *data, unsigned int index)
{
	struct pirq *p = data;

	if (xen_ops->pirq)
		xen_ops->pirq((int)(p - pirqs) + (int)(index - p->first));
}

/* By who has it claimed: it is free again. */
static void let_go(struct pirq *p)
{
	(void)irq_own_unbind(p->sbdf, p);
	set_use(p, FREE);
}

/* As it is, if it is mapped: what is claimed is being written. */
static bool copy_mapped(unsigned int i, struct pirq *out)
{
	bool mapped;

	pci_lock(&lock);
	mapped = pirqs[i].use == MAPPED;
	if (mapped)
		*out = pirqs[i];
	pci_unlock(&lock);
	return mapped;
}

/* Those whose bindings have gone. Others must not be taken, not for a moment. */
static void sweep(void)
{
	unsigned int i;

	for (i = FIRST_PIRQ; i < npirqs; i++) {
		struct pirq *p, copy;

		if (!copy_mapped(i, &copy) ||
		    irq_own_bound(copy.sbdf, &pirqs[i]))
			continue;
		p = take(i);
		if (p && irq_own_bound(p->sbdf, p)) /* mapped anew */
			set_use(p, MAPPED);
		else if (p)
			let_go(p);
	}
}

void xen_pirq_fini(void)
{
	unsigned int i;

	for (i = FIRST_PIRQ; i < npirqs; i++) {
		struct pirq *p = take(i);

		if (p)
			let_go(p);
	}
	pci_lock_destroy(&lock);
	plat_free(pirqs);
	pirqs = NULL;
	npirqs = 0;
}

/* --- mapping ----------------------------------------------------------------------- */

static int check_domain(domid_t id)
{
	struct domain *d;

	if (id == DOMID_SELF || id == domain_id(hardware_domain))
		return 0;
	d = id < DOMID_FIRST_RESERVED ? domain_get_by_id(id) : NULL;
	if (!d)
		return -ESRCH;
	domain_put(d);
	return -EOPNOTSUPP;
}

/* What to bind, of the device, in the words of pci_irq_bind(). */
static int describe(const struct physdev_map_pirq *map, struct pirq *want)
{
	bool multi = map->type == MAP_PIRQ_TYPE_MULTI_MSI;

	*want = (struct pirq){ .kind = PCI_VECTOR_MSI, .count = 1 };
	want->sbdf = (pci_sbdf_t){ .devfn = (uint8_t)map->devfn,
				   .bus = (uint8_t)map->bus };
	switch (map->type) {
	case MAP_PIRQ_TYPE_MULTI_MSI:
		if (map->table_base)
			return -EINVAL;
		if (map->entry_nr <= 0 || map->entry_nr > MAX_MSI)
			return -EDOM;
		while (want->count < (unsigned int)map->entry_nr)
			want->count *= 2;
		break;
	case MAP_PIRQ_TYPE_MSI:
	case MAP_PIRQ_TYPE_MSI_SEG:
		break;
	default:
		return -EINVAL;
	}
	if (map->type != MAP_PIRQ_TYPE_MSI)
		want->sbdf.seg = (uint16_t)((uint32_t)map->bus >> 16);
	if (multi || !map->table_base)
		return 0;
	want->kind = PCI_VECTOR_MSIX;
	want->first = (uint16_t)map->entry_nr;
	return map->entry_nr < 0 || map->entry_nr > UINT16_MAX ? -EINVAL : 0;
}

/* *@entry_nr: of -ENFILE, how many it has. */
static int bind(struct pirq *p, const struct pirq *want, struct pci_dev *pdev,
		int *entry_nr)
{
	int err;

	p->kind = want->kind;
	p->first = want->first;
	p->sbdf = want->sbdf;
	err = pci_irq_bind(pdev, want->kind, want->first, want->count, came, p);
	if (err == -ENFILE)
		*entry_nr = pcidev_desc(pdev)->msi_vectors;
	return err;
}

static int map_one(struct physdev_map_pirq *map, const struct pirq *want,
		   struct pci_dev *pdev, struct pirq **out)
{
	int at = claim(map->pirq < 0 ? -1 : map->pirq, want->count);
	int err;

	if (at == -ENOSPC) {
		sweep();
		at = claim(-1, want->count);
	}
	if (at < 0)
		return at;
	*out = &pirqs[at];
	err = bind(*out, want, pdev, &map->entry_nr);
	if (err) {
		set_use(*out, FREE);
		return err;
	}
	map->pirq = at;
	return 0;
}

/*
 * It is mapped, for others to see, when the caller knows its number: or else
 * it never was.
 */
static int map_and_tell(struct xen_caller *c, uint64_t arg,
			struct physdev_map_pirq *map, const struct pirq *want,
			struct pci_dev *pdev)
{
	struct pirq *p = NULL;
	int ret = map_one(map, want, pdev, &p);

	if (ret && ret != -ENFILE)
		return ret;
	if (!xen_copy_to(c, arg, map, sizeof(*map))) {
		if (!ret)
			set_use(p, MAPPED);
		return ret;
	}
	if (!ret)
		let_go(p);
	return -EFAULT;
}

int xen_map_pirq(struct xen_caller *c, uint64_t arg)
{
	struct physdev_map_pirq map;
	struct pci_dev *pdev;
	struct pirq want;
	int ret = xen_copy_from(c, &map, arg, sizeof(map));

	if (!ret)
		ret = check_domain(map.domid);
	if (!ret)
		ret = describe(&map, &want);
	if (ret)
		return ret;
	ret = pci_lookup(NULL, want.sbdf, &pdev);
	if (!ret) {
		ret = map_and_tell(c, arg, &map, &want, pdev);
		pcidev_put(pdev);
	}
	return xen_answer(c, PHYSDEVOP_map_pirq, want.sbdf, ret);
}

int xen_unmap_pirq(struct xen_caller *c, uint64_t arg)
{
	struct physdev_unmap_pirq unmap;
	struct pirq *p;
	int err = xen_copy_from(c, &unmap, arg, sizeof(unmap));

	if (!err)
		err = check_domain(unmap.domid);
	if (err)
		return err;
	p = unmap.pirq < 0 ? NULL : take((unsigned int)unmap.pirq);
	if (!p)
		return -EINVAL;
	let_go(p);
	return 0;
}

/* --- masking ------------------------------------------------------------------------- */

/* The entry that @pirq belongs to, and of its device: which, and what. */
static bool look(unsigned int pirq, unsigned int *first, pci_sbdf_t *sbdf,
		 unsigned int *index)
{
	unsigned int i = pirq;
	bool found;

	if (i >= npirqs)
		return false;
	pci_lock(&lock);
	while (pirqs[i].use == FOLLOWER)
		i--;
	found = pirqs[i].use == MAPPED;
	if (found) {
		*first = i;
		*sbdf = pirqs[i].sbdf;
		*index = pirqs[i].first + (pirq - i);
	}
	pci_unlock(&lock);
	return found;
}

int xen_pirq_mask(int pirq, bool masked)
{
	unsigned int index, first;
	pci_sbdf_t sbdf;

	if (pirq < 0 || !look((unsigned int)pirq, &first, &sbdf, &index))
		return -EINVAL;
	return irq_own_mask(sbdf, index, masked, &pirqs[first]) ? -ENODEV : 0;
}
