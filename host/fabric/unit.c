/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU of a segment: where requests of each requester go, and what is
 * remembered of that, by the unit and by devices with ATS.
 *
 * As on hardware, a change of a context or of a table is seen at once by who
 * has nothing remembered, and by the others after a flush. So a core that
 * forgets to flush is found out: the old owner's memory is still reached.
 */
#include "machine.h"

/* --- what is remembered --------------------------------------------------- */

static struct fab_cached *iotlb_slot(struct fab_unit *unit, uint32_t space,
				     uint64_t dma)
{
	uint64_t hash = (dma / FABRIC_PAGE + space * 0x9e3779b1ull) *
			0x9e3779b97f4a7c15ull;

	return &unit->iotlb[hash >> 54 & (FAB_IOTLB - 1)];
}

static bool is_of(const struct fab_cached *c, uint32_t space, uint64_t dma)
{
	return c->page && c->space == space && c->dma == (dma & ~FAB_PAGE_MASK);
}

/* Page and rights; 0: not mapped. */
static uint64_t look(struct fab_machine *m, struct fab_unit *unit,
		     const struct fab_context *by, uint64_t dma)
{
	struct fab_cached *slot = iotlb_slot(unit, by->space, dma);
	struct iommu_space *space;

	if (is_of(slot, by->space, dma))
		return slot->page;
	space = fab_space(m, by->space);
	if (!space || !fab_space_look(space, dma))
		return 0;
	*slot = (struct fab_cached){ .dma = dma & ~FAB_PAGE_MASK,
				     .page = fab_space_look(space, dma),
				     .space = by->space,
				     .domid = by->domid };
	return slot->page;
}

void fab_unit_forget_range(struct fab_unit *unit, uint32_t space,
			   uint64_t start, uint64_t size)
{
	for (unsigned int i = 0; i < FAB_IOTLB; i++) {
		struct fab_cached *c = &unit->iotlb[i];

		if (c->space == space && c->dma >= (start & ~FAB_PAGE_MASK) &&
		    c->dma - (start & ~FAB_PAGE_MASK) <
			    size + (start & FAB_PAGE_MASK))
			c->page = 0;
	}
}

static struct fab_rid *find_rid(struct fab_unit *unit, uint16_t rid)
{
	struct fab_rid *bus = unit->bus[rid >> 8];

	return bus ? &bus[rid & 0xff] : NULL;
}

void fab_unit_forget_context(struct fab_unit *unit, uint16_t rid)
{
	struct fab_rid *r = find_rid(unit, rid);

	if (r)
		r->cached = (struct fab_context){ 0 };
}

/* --- translating ---------------------------------------------------------- */

static const struct fab_context *context_of(struct fab_unit *unit, uint16_t rid)
{
	static const struct fab_context identity = { .mode = IOMMU_IDENTITY };
	static const struct fab_context none = { .mode = IOMMU_BLOCKED };
	struct fab_rid *r = find_rid(unit, rid);

	if (!unit->on)
		return &identity;
	if (!r)
		return &none;
	return r->cached.mode == IOMMU_BLOCKED ? &r->now : &r->cached;
}

bool fab_blocks(struct fab_unit *unit, uint16_t rid)
{
	return context_of(unit, rid)->mode == IOMMU_BLOCKED;
}

static void refuse(struct fab_translation *out, enum iommu_fault_reason reason)
{
	out->by.mode = IOMMU_BLOCKED;
	out->reason = reason;
}

static void by_space(struct fab_translation *out, uint64_t page, uint64_t dma,
		     bool write)
{
	if (!(page & (write ? IOMMU_WRITE : IOMMU_READ)))
		refuse(out, write ? IOMMU_FAULT_WRITE : IOMMU_FAULT_READ);
	else
		out->hpa = (page & ~FAB_PAGE_MASK) | (dma & FAB_PAGE_MASK);
}

void fab_translate(struct fab_machine *m, struct fab_unit *unit, uint16_t rid,
		   uint64_t dma, bool write, struct fab_translation *out)
{
	struct fab_rid *r = find_rid(unit, rid);

	out->by = *context_of(unit, rid);
	out->hpa = dma;
	if (out->by.mode == IOMMU_BLOCKED) {
		refuse(out, IOMMU_FAULT_BLOCKED);
		return;
	}
	if (r && unit->on)
		r->cached = out->by;
	if (out->by.mode == IOMMU_SPACE)
		by_space(out, look(m, unit, &out->by, dma), dma, write);
}

/* --- ATS ------------------------------------------------------------------ */

static struct fab_cached *atc_find(struct fab_atc *atc, uint64_t dma)
{
	for (unsigned int i = 0; atc && i < FAB_ATC; i++)
		if (atc->entry[i].page &&
		    atc->entry[i].dma == (dma & ~FAB_PAGE_MASK))
			return &atc->entry[i];
	return NULL;
}

/* A translation request: answered from a space only. */
static struct fab_cached *atc_learn(struct fab_machine *m,
				    struct fab_unit *unit, struct fab_fn *fn,
				    uint16_t rid, uint64_t dma)
{
	const struct fab_context *by = context_of(unit, rid);
	struct fab_rid *r = find_rid(unit, rid);
	struct fab_cached *c;
	uint64_t page;

	if (!r || !r->ats || by->mode != IOMMU_SPACE)
		return NULL;
	r->cached = *by;
	page = look(m, unit, &r->cached, dma);
	if (!page)
		return NULL;
	if (!fn->atc)
		fn->atc = plat_zalloc(sizeof(*fn->atc));
	if (!fn->atc)
		return NULL;
	c = &fn->atc->entry[fn->atc->next++ % FAB_ATC];
	*c = (struct fab_cached){ .dma = dma & ~FAB_PAGE_MASK,
				  .page = page,
				  .space = r->cached.space,
				  .domid = r->cached.domid };
	return c;
}

bool fab_translate_ats(struct fab_machine *m, struct fab_unit *unit,
		       struct fab_fn *fn, uint16_t rid, uint64_t dma,
		       bool write, struct fab_translation *out)
{
	struct fab_cached *c = atc_find(fn->atc, dma);
	struct fab_rid *r = find_rid(unit, rid);

	if (!c)
		c = atc_learn(m, unit, fn, rid, dma);
	if (!c || !(c->page & (write ? IOMMU_WRITE : IOMMU_READ)))
		return false;
	out->by = (struct fab_context){ .mode = IOMMU_SPACE,
					.space = c->space,
					.domid = c->domid };
	by_space(out, c->page, dma, write);
	if (!unit->on || !r || !r->ats)
		refuse(out, IOMMU_FAULT_ATS);
	return true;
}

void fab_atc_drop(struct fab_fn *fn)
{
	struct fab_machine *m = fn->seg->fabric->machine;

	pthread_mutex_lock(&m->lock);
	plat_free(fn->atc);
	fn->atc = NULL;
	pthread_mutex_unlock(&m->lock);
}

/* --- what the core asks for ----------------------------------------------- */

int fab_call(struct fab_machine *m, enum fabric_call call, int err)
{
	m->calls[call]++;
	return m->fail[call] && !--m->fail[call] ? err : 0;
}

static struct fab_rid *make_rid(struct fab_unit *unit, uint16_t rid)
{
	struct fab_rid **bus = &unit->bus[rid >> 8];

	if (!*bus)
		*bus = plat_zalloc(256 * sizeof(**bus));
	return *bus ? &(*bus)[rid & 0xff] : NULL;
}

static void set_context(struct fab_machine *m, struct fab_rid *r,
			enum iommu_mode mode, struct iommu_space *space)
{
	struct iommu_space *old =
		r->now.mode == IOMMU_SPACE ? fab_space(m, r->now.space) : NULL;

	if (old)
		old->contexts--;
	r->now = (struct fab_context){ .mode = mode };
	if (mode == IOMMU_SPACE) {
		r->now.space = space->id;
		r->now.domid = space->domid;
		space->contexts++;
	}
}

static int attach(struct pci_host *host, pci_sbdf_t rid, enum iommu_mode mode,
		  struct iommu_space *space)
{
	struct fabric *f = fab_of_host(host);
	struct fab_segment *seg = fab_segment(f, rid.seg);
	struct fab_machine *m = f->machine;
	struct fab_rid *r;
	int rc = 0;

	if (!seg)
		return mode == IOMMU_BLOCKED ? 0 : -EIO;
	pthread_mutex_lock(&m->lock);
	if (mode != IOMMU_BLOCKED)
		rc = fab_call(m, FABRIC_CALL_ATTACH, -EIO);
	r = rc ? NULL : make_rid(seg->unit, rid.bdf);
	if (r)
		set_context(m, r, mode, space);
	else if (!rc && mode != IOMMU_BLOCKED)
		rc = -ENOMEM; /* and without memory there is nothing to block */
	if (!rc)
		seg->unit->on = true;
	pthread_mutex_unlock(&m->lock);
	return rc;
}

static int ats(struct pci_host *host, pci_sbdf_t rid, bool on)
{
	struct fabric *f = fab_of_host(host);
	struct fab_segment *seg = fab_segment(f, rid.seg);
	struct fab_machine *m = f->machine;
	struct fab_rid *r;
	int rc = 0;

	if (!seg)
		return on ? -EOPNOTSUPP : 0;
	pthread_mutex_lock(&m->lock);
	if (on)
		rc = fab_call(m, FABRIC_CALL_ATS, -ENOMEM);
	r = on && !rc ? make_rid(seg->unit, rid.bdf)
		      : find_rid(seg->unit, rid.bdf);
	if (on && !r)
		rc = -ENOMEM;
	if (!rc && r && r->ats != on) {
		r->ats = on;
		m->ats += on ? 1 : -1ull;
	}
	pthread_mutex_unlock(&m->lock);
	return rc;
}

/* --- what firmware says ---------------------------------------------------- */

static int reserved(struct pci_host *host, pci_sbdf_t sbdf, unsigned int i,
		    struct iommu_region *out)
{
	struct fab_segment *seg = fab_segment(fab_of_host(host), sbdf.seg);
	struct fab_fn *fn;
	int rc = -ENOENT;

	plat_rcu_read_lock();
	fn = seg ? fab_find(seg, sbdf.bdf) : NULL;
	if (fn && i < fn->model->nreserved) {
		*out = fn->model->reserved[i];
		rc = 0;
	}
	plat_rcu_read_unlock();
	return rc;
}

/* Another function on its link under whose ID it is seen, or the reverse. */
static struct fab_fn *seen_with(struct fab_fn *fn)
{
	struct fab_fn *other;

	if (fn->model->seen_as >= 0)
		return fab_link_find(fn->link, (uint8_t)fn->model->seen_as);
	for (other = fn->link->first; other; other = other->next)
		if (other != fn && other->model->seen_as == fn->devfn)
			break;
	return other;
}

static bool tells_apart(struct pci_host *host, pci_sbdf_t sbdf,
			pci_sbdf_t *with)
{
	struct fab_segment *seg = fab_segment(fab_of_host(host), sbdf.seg);
	struct fab_fn *fn, *other = NULL;

	if (!seg)
		return true;
	pthread_mutex_lock(&seg->lock);
	fn = fab_find(seg, sbdf.bdf);
	if (fn && !fn->pf)
		other = seen_with(fn);
	if (other)
		*with = fab_sbdf(other);
	pthread_mutex_unlock(&seg->lock);
	return !other;
}

const struct iommu_ops fab_iommu_ops = {
	.space_create = fab_space_create,
	.space_destroy = fab_space_destroy,
	.map = fab_space_map,
	.unmap = fab_space_unmap,
	.attach = attach,
	.flush = fab_flush,
	.flush_done = fab_flush_done,
	.ats = ats,
	.reserved = reserved,
	.tells_apart = tells_apart,
};

/* --- knowing --------------------------------------------------------------- */

void fabric_fail(struct fabric *f, enum fabric_call call, unsigned int nth)
{
	pthread_mutex_lock(&f->machine->lock);
	f->machine->fail[call] = nth;
	pthread_mutex_unlock(&f->machine->lock);
}

enum iommu_mode fabric_context(struct fabric *f, pci_sbdf_t rid,
			       unsigned int *domid)
{
	struct fab_segment *seg = fab_segment(f, rid.seg);
	struct fab_context by = { .mode = IOMMU_BLOCKED };

	if (seg) {
		pthread_mutex_lock(&f->machine->lock);
		fab_flush_due(f);
		by = *context_of(seg->unit, rid.bdf);
		pthread_mutex_unlock(&f->machine->lock);
	}
	if (domid)
		*domid = by.domid;
	return by.mode;
}

static uint64_t count_cached(const struct fab_cached *c, unsigned int n)
{
	uint64_t count = 0;

	while (n--)
		count += c[n].page != 0;
	return count;
}

/* Translations that devices remember. Segment and machine lock. */
static uint64_t cached_by_devices(struct fab_segment *seg)
{
	uint64_t count = 0;

	for (unsigned int bdf = 0; bdf <= UINT16_MAX; bdf++) {
		struct fab_fn *fn = NULL;

		if (!hf_load_acquire(&seg->bus[bdf >> 8]))
			bdf |= 0xff;
		else
			fn = fab_find(seg, (uint16_t)bdf);
		if (fn && fn->atc)
			count += count_cached(fn->atc->entry, FAB_ATC);
	}
	return count;
}

void fabric_unit(struct fabric *f, struct fabric_unit_info *out)
{
	struct fab_machine *m = f->machine;

	*out = (struct fabric_unit_info){ 0 };
	for (struct fab_segment *seg = f->segments; seg; seg = seg->next) {
		pthread_mutex_lock(&seg->lock);
		pthread_mutex_lock(&m->lock);
		fab_flush_due(f);
		out->cached += count_cached(seg->unit->iotlb, FAB_IOTLB) +
			       cached_by_devices(seg);
		pthread_mutex_unlock(&m->lock);
		pthread_mutex_unlock(&seg->lock);
	}
	pthread_mutex_lock(&m->lock);
	for (struct iommu_space *s = m->spaces; s; s = s->next) {
		out->contexts += s->contexts;
		out->pages += s->pages;
	}
	out->spaces = m->nspaces;
	out->ats = m->ats;
	out->flushes = m->queue.waiting;
	out->vectors = m->nvectors;
	out->ram = m->ram_used;
	memcpy(out->calls, m->calls, sizeof(out->calls));
	pthread_mutex_unlock(&m->lock);
}

int fab_unit_init(struct fab_segment *seg)
{
	seg->unit = plat_zalloc(sizeof(*seg->unit));
	return seg->unit ? 0 : -ENOMEM;
}

void fab_unit_fini(struct fab_segment *seg)
{
	for (unsigned int i = 0; seg->unit && i < 256; i++)
		plat_free(seg->unit->bus[i]);
	plat_free(seg->unit);
}
