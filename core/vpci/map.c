/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BARs into the guest, a state machine for each: from what is mapped to what
 * the registers want. vcpu.c drives it, a piece at a time; view.c ends it.
 *
 *   UNMAPPED ──claim──→ MAPPING ──pieces──→ MAPPED
 *       ↑                  │ ↑                │ (a move: claim the new place)
 *       └──give back──── UNMAPPING ←──────────┘
 *                            └── a move: on with the new place
 *
 * A move keeps both places claimed until the new one is mapped: the guest can
 * go back, and nobody comes between.
 *
 * A step looks under pdev->lock, marks the BAR busy, works without the lock,
 * and looks again before it records what it did. While a BAR is busy nobody
 * else touches its state, claims or mappings; who wants it gone marks it drop,
 * and the step's thread takes everything out in the same section. So nothing
 * mapped is ever without its claim (space.c builds on that), and a grace period
 * after vpci_unmap_all() nothing is mapped.
 *
 * A request cannot get lost: the machine only compares what is with what is
 * wanted now, and can be stepped by any number of threads.
 */
#include "vpci/internal.h"

#define PAGE_MASK (PLAT_PAGE_SIZE - 1ull)

enum todo { NOTHING, WAIT, CLAIM, MAP, UNMAP };

/* --- what can be mapped ----------------------------------------------------------- */

/*
 * How much of a BAR consists of whole pages that lie in the guest as they lie
 * in hardware. Of the rest every access is a trap (XSA-461: what shares a page
 * with another BAR).
 */
static uint64_t extent(struct vpci *view, const struct vpci_bar *bar,
		       uint64_t at)
{
	const struct domain_ops *ops = view->domain->ops;

	if (!ops->map || !ops->unmap ||
	    (at | vpci_bar_hpa(view, bar, at)) & PAGE_MASK)
		return 0;
	return bar->size & ~PAGE_MASK;
}

/* The next run that may be mapped: not the MSI-X table, not the PBA. */
static bool next_run(struct vpci *view, unsigned int i, uint64_t end,
		     uint64_t *offset, uint64_t *len)
{
	uint64_t n;

	while (vpci_space_run(view, i, view->bar[i].at, end, offset, len)) {
		for (n = 0;
		     n < *len && !vpci_msix_has_page(view, i, *offset + n);
		     n += PLAT_PAGE_SIZE)
			;
		if (n) {
			*len = n;
			return true;
		}
		*offset += PLAT_PAGE_SIZE;
	}
	return false;
}

static struct pci_mapping mapping(struct vpci *view, unsigned int i,
				  uint64_t offset, uint64_t len)
{
	const struct vpci_bar *bar = &view->bar[i];
	bool cut = hf_load_relaxed(&view->cut);

	return (struct pci_mapping){
		.sbdf = view->pdev->desc.sbdf,
		.bar = (uint8_t)i,
		.prefetch = bar->prefetch,
		.cut = cut,
		.gpa = bar->at + offset,
		.hpa = vpci_bar_hpa(view, bar, bar->at) + offset,
		.size = len,
	};
}

/*
 * [@from, @end) out of the guest; by who made it busy. Where we came first only:
 * the rest was never ours, and may be another's.
 */
static void unmap(struct vpci *view, unsigned int i, uint64_t from,
		  uint64_t end)
{
	struct domain *d = view->domain;
	uint64_t len;

	for (; vpci_space_run(view, i, view->bar[i].at, end, &from, &len);
	     from += len) {
		struct pci_mapping m = mapping(view, i, from, len);

		d->ops->unmap(d, &m);
	}
}

/* --- looking and recording; all under pdev->lock ----------------------------------- */

/* At 0 is what the guest has not placed yet. */
static bool is_wanted(struct vpci *view, const struct vpci_bar *bar,
		      uint64_t addr)
{
	return addr && bar->decode && !hf_load_relaxed(&view->cut) &&
	       hf_load_acquire(&bar->addr) == addr;
}

static void leave_other(struct vpci *view, unsigned int i)
{
	struct vpci_bar *bar = &view->bar[i];

	if (bar->moving)
		vpci_space_release(view, i, bar->other);
	bar->moving = false;
}

/* What comes next; *@target: where the BAR is to be. */
static enum todo look(struct vpci *view, unsigned int i, uint64_t *target)
{
	struct vpci_bar *bar = &view->bar[i];
	bool wanted;

	*target = hf_load_acquire(&bar->addr);
	wanted = is_wanted(view, bar, *target);
	if (bar->busy)
		return WAIT;
	switch (bar->state) {
	case VPCI_UNMAPPED:
		bar->failed &= !wanted;
		vpci_bar_is_unmapped(view, bar);
		return wanted ? CLAIM : NOTHING;
	case VPCI_MAPPING:
		if (wanted && *target == bar->at)
			return MAP;
		leave_other(view, i);
		break;
	case VPCI_MAPPED:
		if (wanted)
			return *target == bar->at ? NOTHING : CLAIM;
		break;
	case VPCI_UNMAPPING:
		break;
	}
	bar->state = VPCI_UNMAPPING;
	return UNMAP;
}

static size_t put(char *text, size_t n, const char *s)
{
	while (*s)
		text[n++] = *s++;
	text[n] = '\0';
	return n;
}

static void tell(struct vpci *view, unsigned int i, int err)
{
	static const char *const name[VPCI_BARS] = { "BAR 0", "BAR 1", "BAR 2",
						     "BAR 3", "BAR 4", "BAR 5",
						     "ROM" };
	char text[PCI_WHO_LEN];
	size_t n = put(text, 0, name[i]);

	put(text, n,
	    err == -ENOMEM   ? ": no memory"
	    : err == -ERANGE ? ": outside the guest's windows"
			     : ": it could not be mapped");
	pci_event_post(PCI_EVENT_BAR, view->pdev->desc.sbdf,
		       view->pdev->instance, text);
}

/*
 * BAR @i cannot be at @target. Of no interest if the guest has thought better
 * of it. What is mapped goes by itself, as decode is off.
 */
static void fail(struct vpci *view, unsigned int i, uint64_t target, int err)
{
	struct vpci_bar *bar = &view->bar[i];

	if (!is_wanted(view, bar, target))
		return;
	bar->failed = true;
	if (bar->state == VPCI_MAPPED)
		vpci_bar_put_back(view, i, bar->at);
	else if (bar->moving)
		vpci_bar_put_back(view, i, bar->other);
	vpci_command_clear(view, PCI_COMMAND_MEMORY);
	bar->decode = false; /* hardware may keep its bit, or be gone */
	if (!bar->told)
		tell(view, i, err);
	bar->told = true;
}

static void record_claim(struct vpci *view, unsigned int i, uint64_t target)
{
	struct vpci_bar *bar = &view->bar[i];

	if (bar->state == VPCI_MAPPED) {
		bar->other = target;
		bar->moving = true;
		bar->state = VPCI_UNMAPPING;
	} else {
		bar->at = target;
		bar->done = 0;
		bar->mapped = 0;
		bar->state = VPCI_MAPPING;
	}
}

static void record_map(struct vpci *view, unsigned int i, uint64_t done,
		       uint64_t len)
{
	struct vpci_bar *bar = &view->bar[i];

	bar->done = done;
	bar->mapped += len;
	if (done < extent(view, bar, bar->at))
		return;
	bar->state = VPCI_MAPPED;
	bar->told = false;
	leave_other(view, i);
}

static void record_unmap(struct vpci *view, unsigned int i, uint64_t done)
{
	struct vpci_bar *bar = &view->bar[i];
	uint64_t from = bar->at;

	bar->done = done;
	if (bar->mapped > done)
		bar->mapped = done;
	if (done)
		return;
	if (bar->moving) {
		bar->at = bar->other;
		bar->other = from;
		bar->state = VPCI_MAPPING;
	} else {
		vpci_space_release(view, i, from);
		bar->state = VPCI_UNMAPPED;
	}
}

/* --- pieces ------------------------------------------------------------------------- */

struct piece {
	unsigned int bar;
	enum todo todo;
	uint64_t target;    /* CLAIM: where */
	uint64_t done, len; /* (UN)MAP: what .done becomes; bytes mapped */
	int err;
};

static void map_piece(struct vpci *view, struct piece *p)
{
	const struct vpci_bar *bar = &view->bar[p->bar];
	uint64_t offset = bar->done, whole = extent(view, bar, bar->at);
	struct pci_mapping m;

	p->done = (offset | (VPCI_MAP_PIECE - 1)) + 1;
	if (p->done > whole)
		p->done = whole;
	if (!next_run(view, p->bar, p->done, &offset, &p->len)) {
		p->len = 0;
		return;
	}
	m = mapping(view, p->bar, offset, p->len);
	p->err = view->domain->ops->map(view->domain, &m);
	p->done = offset + p->len;
}

/* From the top down, so that [0, done) is what still is. */
static void unmap_piece(struct vpci *view, struct piece *p)
{
	uint64_t done = view->bar[p->bar].done;

	if (!done)
		return;
	p->done = (done - 1) & ~(VPCI_MAP_PIECE - 1ull);
	unmap(view, p->bar, p->done, done);
}

/* Without the lock, by who made the BAR busy. */
static void perform(struct vpci *view, struct piece *p)
{
	if (p->todo == CLAIM)
		p->err = vpci_space_claim(view, p->bar, p->target);
	else if (p->todo == MAP)
		map_piece(view, p);
	else
		unmap_piece(view, p);
}

static void record(struct vpci *view, const struct piece *p)
{
	if (p->err)
		fail(view, p->bar, p->target, p->err);
	else if (p->todo == CLAIM)
		record_claim(view, p->bar, p->target);
	else if (p->todo == MAP)
		record_map(view, p->bar, p->done, p->len);
	else
		record_unmap(view, p->bar, p->done);
}

/* All of a BAR, at once; by who made it busy, without the lock. */
static void tear_down(struct vpci *view, unsigned int i)
{
	struct vpci_bar *bar = &view->bar[i];

	unmap(view, i, 0, bar->done);
	pci_lock(&view->pdev->lock);
	leave_other(view, i);
	if (bar->state != VPCI_UNMAPPED)
		record_unmap(view, i, 0);
	bar->drop = false;
	bar->busy = false;
	pci_unlock(&view->pdev->lock);
}

/* The first BAR with something to do becomes busy; *@wait: others are. */
static bool begin(struct vpci *view, struct piece *p, bool *wait)
{
	pci_lock(&view->pdev->lock);
	for (p->bar = 0; p->bar < VPCI_BARS; p->bar++) {
		p->todo = look(view, p->bar, &p->target);
		if (p->todo != NOTHING && p->todo != WAIT)
			break;
		*wait |= p->todo == WAIT;
	}
	if (p->bar < VPCI_BARS)
		view->bar[p->bar].busy = true;
	pci_unlock(&view->pdev->lock);
	return p->bar < VPCI_BARS;
}

bool vpci_map_step(struct vpci *view)
{
	struct piece p = { 0 };
	struct vpci_bar *bar;
	bool wait = false, drop;

	if (!begin(view, &p, &wait))
		return wait;
	bar = &view->bar[p.bar];
	perform(view, &p);
	pci_lock(&view->pdev->lock);
	record(view, &p);
	drop = bar->drop;
	bar->busy = drop;
	pci_unlock(&view->pdev->lock);
	if (drop)
		tear_down(view, p.bar);
	return true;
}

void vpci_unmap_all(struct vpci *view, bool cut)
{
	unsigned int i;

	if (cut)
		hf_store_relaxed(&view->cut, 1);
	plat_rcu_read_lock();
	for (i = 0; i < VPCI_BARS; i++) {
		struct vpci_bar *bar = &view->bar[i];
		bool ours;

		pci_lock(&view->pdev->lock);
		bar->decode = false;
		bar->drop = bar->busy;
		ours = !bar->busy && bar->state != VPCI_UNMAPPED;
		bar->busy |= ours;
		pci_unlock(&view->pdev->lock);
		if (ours)
			tear_down(view, i);
	}
	plat_rcu_read_unlock();
}
