/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a domain's devices reach.
 *
 * The domain's record of ranges is the truth; the spaces, one a host, are made
 * from it when a device needs one. Record, list of spaces and list of users are
 * under dma->lock, a leaf, and so are all calls of map and unmap. So
 *
 *   - a space that is filled for a device that enters misses no range: a map
 *     comes before the filling, and is in the record, or after, and finds the
 *     space in the list;
 *   - each range is taken from each space once;
 *   - a device's reserved regions and a new range meet: whichever of the two
 *     comes second finds the other.
 *
 * The object is made under the domain's lock, where `dying` is written: after
 * that none is made, and iommu_domain_dying(), which sets .dead under dma->lock,
 * has seen the one that there is. So nothing is mapped into a domain that dies.
 *
 * A range that is out of the record is still used by what units and devices
 * have cached. Who unmaps begins the flushes under the lock and waits without
 * it. A device that comes later has cached nothing of it; one that leaves
 * meanwhile is blocked, and forgets by itself (context.c).
 */
#include "iommu/internal.h"

static void space_unmap(struct dma_space *space, uint64_t dma, uint64_t size)
{
	space->host->iommu->unmap(space->host, space->space, dma, size);
}

/* Tables that are stale are empty, and stay so. */
static void take_from(struct dma_space *space, uint64_t dma, uint64_t size)
{
	if (!hf_load_relaxed(&space->stale))
		space_unmap(space, dma, size);
}

static int space_map(struct dma_space *space, const struct dma_range *r)
{
	if (hf_load_relaxed(&space->stale))
		return 0;
	return space->host->iommu->map(space->host, space->space, r->dma,
				       r->hpa, r->size, r->flags);
}

/* All ranges into a space that no device has yet. Under the lock. */
static int space_fill(struct pci_dma *dma, struct dma_space *space)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < dma->n && !err; i++)
		err = space_map(space, &dma->range[i]);
	if (!err)
		return 0;
	for (i--; i-- > 0;)
		space_unmap(space, dma->range[i].dma, dma->range[i].size);
	return err;
}

/* --- the object -------------------------------------------------------------------- */

/* *@out; -EINVAL @d is dying; -ENOMEM. */
static int dma_get(struct domain *d, struct pci_dma **out)
{
	struct pci_dma *there = hf_load_acquire(&d->dma), *dma;
	bool dying;

	*out = there;
	if (there)
		return 0;
	dma = plat_zalloc(sizeof(*dma));
	if (dma) {
		pci_lock_init(&dma->lock, LOCK_LEAF, "DMA ranges", d->id);
		list_init(&dma->spaces);
		list_init(&dma->users);
	}
	pci_lock(&d->lock);
	dying = hf_load_relaxed(&d->dying);
	there = hf_load_relaxed(&d->dma);
	if (!dying && !there && dma) {
		hf_store_release(&d->dma, dma);
		there = dma;
		dma = NULL;
	}
	pci_unlock(&d->lock);
	plat_free(dma);
	*out = there;
	if (dying)
		return -EINVAL;
	return there ? 0 : -ENOMEM;
}

void iommu_domain_gone(struct domain *d)
{
	struct pci_dma *dma = hf_load_acquire(&d->dma);

	if (!dma)
		return;
	pci_lock_destroy(&dma->lock);
	plat_free(dma->range);
	plat_free(dma);
}

/*
 * Takes the lock, with room for one more range. False: no memory; not locked.
 */
static bool lock_with_room(struct pci_dma *dma)
{
	pci_lock(&dma->lock);
	while (dma->n == dma->room) {
		unsigned int i, room = dma->room ? 2 * dma->room : 8;
		struct dma_range *more, *old;

		pci_unlock(&dma->lock);
		more = plat_zalloc(room * sizeof(*more));
		if (!more)
			return false;
		pci_lock(&dma->lock);
		old = more;
		if (dma->room < room) {
			for (i = 0; i < dma->n; i++)
				more[i] = dma->range[i];
			old = dma->range;
			dma->range = more;
			dma->room = room;
		}
		pci_unlock(&dma->lock);
		plat_free(old);
		pci_lock(&dma->lock);
	}
	return true;
}

/* --- devices come and go ---------------------------------------------------------------------- */

static struct dma_space *find_space(struct pci_dma *dma, struct pci_host *host)
{
	struct dma_space *space;

	list_for_each(space, &dma->spaces, struct dma_space, entry)
		if (space->host == host && !hf_load_relaxed(&space->stale))
			return space;
	return NULL;
}

/* Under the lock. @made: a new space, taken if there is none yet. */
static int join(struct pci_dma *dma, struct pci_iommu *iommu,
		struct dma_space **made, struct dma_space **out)
{
	struct dma_space *space = find_space(dma, iommu->pdev->pseg->host);
	struct iommu_region region;
	unsigned int i;
	int err;

	if (dma->dead)
		return -EINVAL;
	for (i = 0; iommu_region_of(iommu->pdev, i, &region); i++)
		if (!dma_is_free(dma, region.start, region.size))
			return -EPERM;
	if (!space && !*made)
		return -EAGAIN;
	if (!space) {
		err = space_fill(dma, *made);
		if (err)
			return err;
		space = *made;
		*made = NULL;
		list_add_tail(&space->entry, &dma->spaces);
	}
	hf_fetch_add_relaxed(&space->refs, 1);
	list_add_tail(&iommu->dma_entry, &dma->users);
	iommu->confined = false;
	iommu->dma = dma;
	*out = space;
	return 0;
}

int iommu_dma_enter(struct pci_iommu *iommu, struct domain *d,
		    struct dma_space **space)
{
	struct dma_space *made = NULL;
	struct pci_dma *dma;
	int err = dma_get(d, &dma);

	if (err)
		return err;
	pci_lock(&dma->lock);
	err = join(dma, iommu, &made, space);
	pci_unlock(&dma->lock);
	if (err != -EAGAIN)
		return err;
	err = iommu_space_new(iommu->pdev->pseg->host, d, &made);
	if (err)
		return err;
	pci_lock(&dma->lock);
	err = join(dma, iommu, &made, space);
	pci_unlock(&dma->lock);
	iommu_space_put(made);
	return err;
}

/* Whoever has it blocked first comes while its domain is there. */
void iommu_dma_leave(struct pci_iommu *iommu)
{
	struct pci_dma *dma;

	pci_lock(iommu_lock(iommu));
	dma = iommu->dma;
	iommu->dma = NULL;
	pci_unlock(iommu_lock(iommu));
	if (!dma)
		return;
	pci_lock(&dma->lock);
	list_del(&iommu->dma_entry);
	pci_unlock(&dma->lock);
}

/* --- what is out of the record is to be forgotten ------------------------------------------------ */

/* A range of a space, or a device's own cache, each by a reference. */
struct wait {
	struct pci_host *host;
	struct iommu_flush what;
	struct iommu_ticket ticket;
	struct dma_space *space; /* or */
	struct pci_dev *pdev;
};

struct waits {
	unsigned int n, room;
	struct wait *wait; /* owned */
};

static unsigned int waits_needed(const struct pci_dma *dma)
{
	struct list_head *e;
	unsigned int n = 0;

	for (e = dma->spaces.next; e != &dma->spaces; e = e->next)
		n++;
	for (e = dma->users.next; e != &dma->users; e = e->next)
		n++;
	return n;
}

static void want(struct waits *w, const struct wait *wait)
{
	struct wait *own = &w->wait[w->n++];

	*own = *wait;
	iommu_flush_want(&own->ticket);
	/* A device's own comes after: it could ask for it anew. */
	if (!own->pdev)
		(void)iommu_flush_step(own->host, &own->what, &own->ticket);
}

/*
 * Under the lock, with room for all. A user has not left, so the registry's
 * reference is there: one more.
 */
static void want_all(struct pci_dma *dma, struct waits *w, uint64_t at,
		     uint64_t size)
{
	struct dma_space *space;
	struct pci_iommu *iommu;

	list_for_each(space, &dma->spaces, struct dma_space, entry) {
		hf_fetch_add_relaxed(&space->refs, 1);
		want(w, &(struct wait){ .host = space->host,
					.what = { .kind = IOMMU_FLUSH_RANGE,
						  .space = space->space,
						  .start = at,
						  .size = size },
					.space = space });
	}
	list_for_each(iommu, &dma->users, struct pci_iommu, dma_entry) {
		if (!iommu->pdev->desc.ats || !iommu_options.ats)
			continue;
		pcidev_get(iommu->pdev);
		want(w,
		     &(struct wait){ .host = iommu->pdev->pseg->host,
				     .what = { .kind = IOMMU_FLUSH_ATS,
					       .sbdf = iommu->context[0].rid },
				     .pdev = iommu->pdev });
	}
}

/*
 * A range of @host that its unit remembers. Ranges stand first, and a device is
 * what asks, so they end.
 */
static bool remembers(const struct waits *w, const struct pci_host *host)
{
	unsigned int i;

	for (i = 0; !w->wait[i].pdev; i++)
		if (w->wait[i].host == host &&
		    w->wait[i].ticket.state != TICKET_NONE)
			return true;
	return false;
}

/*
 * Until each is over, has failed, or has had its time. A device's own does not
 * begin where its unit's did not end: it is confined for that.
 */
static void wait_all(struct waits *w)
{
	unsigned int turn = 0, i;
	bool left;

	for (;;) {
		left = false;
		for (i = 0; i < w->n; i++) {
			struct wait *wait = &w->wait[i];

			if (wait->pdev && remembers(w, wait->host))
				continue;
			left |= iommu_flush_step(wait->host, &wait->what,
						 &wait->ticket) == -EINPROGRESS;
		}
		if (!left)
			return;
		pcidev_wait_longer(&turn);
	}
}

static void confine(struct pci_dev *pdev, struct domain *d, const char *why)
{
	if (!iommu_block_of(pdev->iommu, d->id))
		return; /* it has left, or is on its way */
	hf_fetch_add_relaxed(&iommu_timeouts, 1);
	pcidev_set_broken(pdev, why);
}

/*
 * Under the lock: no device comes to it any more, the next makes another; and
 * its tables are empty. It stays listed, since what the unit remembers of it has
 * to be forgotten with each range that is unmapped.
 */
static void retire(struct pci_dma *dma, struct dma_space *space)
{
	unsigned int i;

	if (hf_load_relaxed(&space->stale))
		return;
	hf_store_release(&space->stale, 1);
	for (i = 0; i < dma->n; i++)
		space_unmap(space, dma->range[i].dma, dma->range[i].size);
}

/* Under the lock: a user on @host that was not asked for yet, counted. */
static struct pci_dev *next_user(struct pci_dma *dma, struct pci_host *host)
{
	struct pci_iommu *iommu;

	list_for_each(iommu, &dma->users, struct pci_iommu, dma_entry) {
		if (iommu->confined || iommu->pdev->pseg->host != host)
			continue;
		iommu->confined = true;
		pcidev_get(iommu->pdev);
		return iommu->pdev;
	}
	return NULL;
}

/*
 * A unit that does not forget: none of the devices in the space goes on; one
 * that is about to be in it is stopped by iommu_open(). When all have left, and
 * are forgotten, nobody reaches by it what it remembers.
 */
static void confine_all(struct domain *d, struct dma_space *space)
{
	struct pci_dma *dma = hf_load_acquire(&d->dma);
	struct pci_dev *pdev;

	pci_lock(&dma->lock);
	retire(dma, space);
	while ((pdev = next_user(dma, space->host))) {
		pci_unlock(&dma->lock);
		confine(pdev, d, "the IOMMU has not forgotten memory in time");
		pcidev_put(pdev);
		pci_lock(&dma->lock);
	}
	pci_unlock(&dma->lock);
}

/*
 * 0; -EIO a unit does not answer. A device that does not is blocked, and what
 * it has translated is believed no more: that is as good.
 */
static int forget(struct domain *d, struct waits *w)
{
	unsigned int i;
	int err = 0;

	wait_all(w);
	for (i = 0; i < w->n; i++) {
		struct wait *wait = &w->wait[i];

		if (wait->ticket.state == TICKET_NONE)
			continue;
		if (wait->pdev) {
			confine(wait->pdev, d,
				"it has not forgotten translations in time");
		} else {
			confine_all(d, wait->space);
			err = -EIO;
		}
	}
	for (i = 0; i < w->n; i++) {
		pcidev_put(w->wait[i].pdev);
		iommu_space_put(w->wait[i].space);
	}
	plat_free(w->wait);
	return err;
}

/* Takes the lock, with room for all waits. False: no memory; not locked. */
static bool lock_with_waits(struct pci_dma *dma, struct waits *w)
{
	pci_lock(&dma->lock);
	while (waits_needed(dma) > w->room) {
		w->room = waits_needed(dma);
		pci_unlock(&dma->lock);
		plat_free(w->wait);
		w->wait = plat_zalloc(w->room * sizeof(*w->wait));
		if (!w->wait)
			return false;
		pci_lock(&dma->lock);
	}
	return true;
}

/* Takes the lock, with room for a range and for all waits. */
static int lock_with_both(struct pci_dma *dma, struct waits *w)
{
	for (;;) {
		if (!lock_with_room(dma))
			break;
		if (waits_needed(dma) <= w->room)
			return 0;
		pci_unlock(&dma->lock);
		if (!lock_with_waits(dma, w))
			break;
		if (dma->n < dma->room)
			return 0;
		pci_unlock(&dma->lock);
	}
	plat_free(w->wait);
	return -ENOMEM;
}

/* --- the calls -------------------------------------------------------------------------------------- */

static bool is_range(uint64_t at, uint64_t size)
{
	return size && !(at % PLAT_PAGE_SIZE) && !(size % PLAT_PAGE_SIZE) &&
	       at + (size - 1) >= at;
}

static bool is_taken(struct pci_dma *dma, uint64_t at, uint64_t size)
{
	struct pci_iommu *iommu;

	if (!dma_is_free(dma, at, size))
		return true;
	list_for_each(iommu, &dma->users, struct pci_iommu, dma_entry)
		if (iommu_has_region(iommu->pdev, at, size))
			return true;
	return false;
}

/* Into all spaces, or none; what was there for a moment is to be forgotten. */
static int map_all(struct pci_dma *dma, const struct dma_range *r,
		   struct waits *w)
{
	struct dma_space *space, *done;
	int err = 0;

	list_for_each(space, &dma->spaces, struct dma_space, entry) {
		err = space_map(space, r);
		if (err)
			break;
	}
	if (!err)
		return 0;
	list_for_each(done, &dma->spaces, struct dma_space, entry) {
		if (done == space)
			break;
		take_from(done, r->dma, r->size);
	}
	want_all(dma, w, r->dma, r->size);
	return err;
}

int domain_dma_map(struct domain *d, uint64_t dma_addr, uint64_t hpa,
		   uint64_t size, unsigned int flags)
{
	const struct dma_range r = {
		.dma = dma_addr, .hpa = hpa, .size = size, .flags = flags
	};
	struct waits w = { 0 };
	struct pci_dma *dma;
	int err;

	if (domain_is_special(d) || !is_range(dma_addr, size) ||
	    !is_range(hpa, size) || !flags ||
	    flags & ~(unsigned int)(IOMMU_READ | IOMMU_WRITE))
		return -EINVAL;
	err = dma_get(d, &dma);
	if (err)
		return err;
	err = lock_with_both(dma, &w);
	if (err)
		return err;
	if (dma->dead)
		err = -EINVAL;
	else if (is_taken(dma, dma_addr, size))
		err = -EEXIST;
	else
		err = map_all(dma, &r, &w);
	if (!err)
		dma_insert(dma, dma_find(dma, dma_addr), &r);
	pci_unlock(&dma->lock);
	(void)forget(d, &w);
	return err;
}

/* Under the lock, of what is covered. */
static void unmap_all(struct pci_dma *dma, uint64_t at, uint64_t size,
		      struct waits *w)
{
	struct dma_space *space;

	list_for_each(space, &dma->spaces, struct dma_space, entry)
		take_from(space, at, size);
	dma_cut(dma, at, size);
	want_all(dma, w, at, size);
}

int domain_dma_unmap(struct domain *d, uint64_t dma_addr, uint64_t size)
{
	struct waits w = { 0 };
	struct pci_dma *dma = hf_load_acquire(&d->dma);
	int err;

	if (domain_is_special(d) || !is_range(dma_addr, size))
		return -EINVAL;
	if (!dma)
		return -ENOENT;
	err = lock_with_both(dma, &w);
	if (err)
		return err;
	if (dma_is_covered(dma, dma_addr, size))
		unmap_all(dma, dma_addr, size, &w);
	else
		err = -ENOENT;
	pci_unlock(&dma->lock);
	return forget(d, &w) ? -EIO : err;
}

/* --- a domain's death ---------------------------------------------------------------------------------- */

/*
 * All its ranges, before its devices. Without memory the waits are left out:
 * each device that leaves forgets by itself.
 */
void iommu_domain_dying(struct domain *d)
{
	struct pci_dma *dma = hf_load_acquire(&d->dma);
	struct dma_space *space;
	struct waits w = { 0 };
	bool waits;

	if (!dma)
		return;
	waits = lock_with_waits(dma, &w);
	if (!waits)
		pci_lock(&dma->lock);
	dma->dead = true;
	while (dma->n) {
		const struct dma_range r = dma->range[dma->n - 1];

		list_for_each(space, &dma->spaces, struct dma_space, entry)
			take_from(space, r.dma, r.size);
		dma_erase(dma, dma->n - 1);
	}
	if (waits)
		want_all(dma, &w, 0, 0 - (uint64_t)PLAT_PAGE_SIZE);
	pci_unlock(&dma->lock);
	(void)forget(d, &w);
}

/* Its last device has left it; one may still wait to be forgotten. */
void iommu_domain_empty(struct domain *d)
{
	struct pci_dma *dma = hf_load_acquire(&d->dma);

	while (dma) {
		struct dma_space *space = NULL;

		pci_lock(&dma->lock);
		if (!list_empty(&dma->spaces)) {
			space = list_first(&dma->spaces, struct dma_space,
					   entry);
			list_del(&space->entry);
		}
		pci_unlock(&dma->lock);
		if (!space)
			break;
		iommu_space_put(space);
	}
}
