/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lies where in a guest's memory: permitted windows, and claims.
 *
 * Claims are one sorted array, copied for each new claim: made complete, then
 * published by a release store under the space's lock, and freed through RCU.
 * A reader in a section sees one array or the next. Giving a claim back needs
 * no memory: its view becomes NULL in the array that is current under the lock;
 * the next copy leaves it out. A section that began before may still know the
 * view from an older array. That is harmless: it asks the device whether it
 * answers, and the view is freed a grace period later.
 *
 * Serials say who came first. A claim is made before its first page is mapped
 * and given back after its last is unmapped. So of all who claim a page, only
 * the one with the lowest serial can have it mapped, and any later array in
 * which I stand names all that came before me. Hence a run computed at any time
 * from any such array contains no page that somebody else has mapped.
 */
#include "vpci/space.h"

struct vpci_claims {
	struct plat_rcu_head rcu;
	size_t count;
	struct vpci_claim claim[]; /* by ascending start */
};

/* --- making and freeing ------------------------------------------------------- */

struct vpci_space *vpci_space_of(struct domain *d)
{
	struct vpci_space *space = hf_load_acquire(&d->space), *none = NULL;

	if (space)
		return space;
	space = plat_zalloc(sizeof(*space));
	if (!space)
		return NULL;
	pci_lock_init(&space->lock, LOCK_LEAF, "address space", d->id);
	if (!hf_cas_acq_rel(&d->space, &none, space)) {
		pci_lock_destroy(&space->lock);
		plat_free(space);
	}
	return hf_load_acquire(&d->space);
}

/* Nobody reads or writes it any more. */
void vpci_space_free(struct domain *d)
{
	struct vpci_space *space = hf_load_acquire(&d->space);
	struct vpci_window *window, *next_window;
	struct vpci_ecam *ecam, *next_ecam;

	if (!space)
		return;
	plat_free(hf_load_relaxed(&space->claims));
	window = hf_load_relaxed(&space->windows);
	for (; window; window = next_window) {
		next_window = window->next;
		plat_free(window);
	}
	ecam = hf_load_relaxed(&space->ecam);
	for (; ecam; ecam = next_ecam) {
		next_ecam = ecam->next;
		plat_free(ecam);
	}
	pci_lock_destroy(&space->lock);
	plat_free(space);
}

/* --- where BARs may be --------------------------------------------------------- */

int vpci_window_add(struct domain *d, uint64_t start, uint64_t size)
{
	struct vpci_window *window;
	struct vpci_space *space;

	if (!size || start + size - 1 < start)
		return -EINVAL;
	space = vpci_space_of(d);
	window = space ? plat_zalloc(sizeof(*window)) : NULL;
	if (!window)
		return -ENOMEM;
	window->start = start;
	window->last = start + size - 1;
	pci_lock(&space->lock);
	window->next = hf_load_relaxed(&space->windows);
	hf_store_release(&space->windows, window);
	pci_unlock(&space->lock);
	return 0;
}

static bool is_permitted(struct vpci_space *space, uint64_t start,
			 uint64_t last)
{
	struct vpci_window *window = hf_load_acquire(&space->windows);
	struct vpci_ecam *ecam = hf_load_acquire(&space->ecam);
	bool inside = !window;

	for (; window && !inside; window = window->next)
		inside = window->start <= start && last <= window->last;
	for (; ecam && inside; ecam = ecam->next)
		inside = !vpci_overlap(start, last, ecam->start, ecam->last);
	return inside;
}

/* --- claims ---------------------------------------------------------------------- */

static void free_after_grace(struct plat_rcu_head *head)
{
	plat_free(container_of(head, struct vpci_claims, rcu));
}

static void append(struct vpci_claims *to, const struct vpci_claim *claim,
		   struct vpci *view)
{
	struct vpci_claim *last = &to->claim[to->count++];

	last->start = claim->start;
	last->last = claim->last;
	last->serial = claim->serial;
	last->bar = claim->bar;
	hf_init(&last->view, view);
	last->reach = last->last;
	if (to->count > 1 && last[-1].reach > last->reach)
		last->reach = last[-1].reach;
}

/* Under the lock: what of @old is still claimed, and @fresh at its place. */
static void merge(struct vpci_claims *to, struct vpci_claims *old,
		  const struct vpci_claim *fresh, struct vpci *view)
{
	bool placed = false;
	size_t i;

	for (i = 0; old && i < old->count; i++) {
		struct vpci *owner = hf_load_relaxed(&old->claim[i].view);

		if (!placed && old->claim[i].start > fresh->start) {
			append(to, fresh, view);
			placed = true;
		}
		if (owner)
			append(to, &old->claim[i], owner);
	}
	if (!placed)
		append(to, fresh, view);
}

/*
 * Replace the array that was @old by @to with @fresh in it. False: somebody was
 * faster. The section keeps @old from being freed and its address used anew.
 */
static bool replace(struct vpci_space *space, struct vpci_claims *old,
		    struct vpci_claims *to, struct vpci_claim *fresh,
		    struct vpci *view)
{
	bool ours;

	pci_lock(&space->lock);
	ours = hf_load_relaxed(&space->claims) == old;
	if (ours) {
		fresh->serial = ++space->serial;
		merge(to, old, fresh, view);
		hf_store_release(&space->claims, to);
	}
	pci_unlock(&space->lock);
	return ours;
}

int vpci_space_claim(struct vpci *view, unsigned int bar, uint64_t at)
{
	struct vpci_claim fresh = { .start = at,
				    .last = at + view->bar[bar].size - 1,
				    .bar = (uint8_t)bar };
	struct vpci_space *space = vpci_space_of(view->domain);
	struct vpci_claims *old, *to;

	if (!space)
		return -ENOMEM;
	if (fresh.last < at || !is_permitted(space, at, fresh.last))
		return -ERANGE;
	for (;;) {
		old = hf_load_acquire(&space->claims);
		to = plat_zalloc(sizeof(*to) + ((old ? old->count : 0) + 1) *
						       sizeof(to->claim[0]));
		if (!to)
			return -ENOMEM;
		if (replace(space, old, to, &fresh, view))
			break;
		plat_free(to);
	}
	if (old)
		plat_rcu_call(&old->rcu, free_after_grace);
	return 0;
}

/*
 * The first that reaches @addr: those before it all end below. By branches: a
 * guest touches the same again and again, so they are foretold, while a choice
 * without one has to wait for each step's load.
 */
static size_t first_reaching(const struct vpci_claims *claims, uint64_t addr)
{
	size_t low = 0, high = claims->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (claims->claim[middle].reach < addr) {
			hf_branch();
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* @view's claim of @bar at @at; NULL: it has none. */
static struct vpci_claim *find_own(struct vpci_claims *claims,
				   const struct vpci *view, unsigned int bar,
				   uint64_t at)
{
	size_t i = claims ? first_reaching(claims, at) : 0;

	for (; claims && i < claims->count && claims->claim[i].start <= at; i++)
		if (claims->claim[i].start == at &&
		    claims->claim[i].bar == bar &&
		    hf_load_acquire(&claims->claim[i].view) == view)
			return &claims->claim[i];
	return NULL;
}

void vpci_space_release(struct vpci *view, unsigned int bar, uint64_t at)
{
	struct vpci_space *space = hf_load_acquire(&view->domain->space);
	struct vpci_claim *own;

	pci_lock(&space->lock);
	own = find_own(hf_load_relaxed(&space->claims), view, bar, at);
	if (own)
		hf_store_release(&own->view, NULL);
	pci_unlock(&space->lock);
}

struct vpci *vpci_space_find(struct domain *d, uint64_t gpa, unsigned int *bar,
			     uint64_t *offset)
{
	struct vpci_space *space = hf_load_acquire(&d->space);
	struct vpci_claims *claims = space ? hf_load_acquire(&space->claims)
					   : NULL;
	uint64_t first = UINT64_MAX;
	struct vpci *found = NULL;
	size_t i = claims ? first_reaching(claims, gpa) : 0;

	for (; claims && i < claims->count && claims->claim[i].start <= gpa;
	     i++) {
		struct vpci_claim *claim = &claims->claim[i];
		struct vpci *view = hf_load_acquire(&claim->view);

		if (!view || claim->last < gpa || claim->serial > first)
			continue;
		first = claim->serial;
		found = view;
		*bar = claim->bar;
		*offset = gpa - claim->start;
	}
	return found;
}

/* Pages are whole, and a claim of any byte of one is in the way. */
bool vpci_space_run(struct vpci *view, unsigned int bar, uint64_t at,
		    uint64_t end, uint64_t *offset, uint64_t *len)
{
	const uint64_t mask = PLAT_PAGE_SIZE - 1;
	struct vpci_space *space = hf_load_acquire(&view->domain->space);
	struct vpci_claims *claims = space ? hf_load_acquire(&space->claims)
					   : NULL;
	struct vpci_claim *own = find_own(claims, view, bar, at);
	uint64_t pos = *offset;
	size_t i = own ? first_reaching(claims, at + pos) : 0;

	for (; own && pos < end && i < claims->count; i++) {
		struct vpci_claim *claim = &claims->claim[i];

		if (claim->start > at + end - 1)
			break;
		if (claim->serial >= own->serial || claim->last < at + pos ||
		    !hf_load_acquire(&claim->view))
			continue;
		if (claim->start > at + pos + mask)
			end = (claim->start - at) & ~mask;
		else if (claim->last - at >= end - 1)
			return false;
		else
			pos = ((claim->last - at) | mask) + 1;
	}
	if (!own || pos >= end)
		return false;
	*offset = pos;
	*len = end - pos;
	return true;
}
