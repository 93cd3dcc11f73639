/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The invalidation queue. What a flush is to drop is used until the flush is
 * complete, which is at once unless somebody wants it later, or it waits for a
 * device that does not answer.
 *
 * Tickets are numbers, given out in order; those that are neither in the queue
 * nor among the failed ones are over.
 */
#include "machine.h"

#define DEPTH 64

struct fab_flush {
	struct fab_flush *next;
	uint64_t ticket, due;
	struct iommu_flush what;
	uint32_t space; /* of RANGE: it may be gone by then */
	bool silent;    /* waits for a device that does not answer */
};

/* --- what they do --------------------------------------------------------- */

static struct fab_fn *target_of(struct fabric *f, pci_sbdf_t sbdf)
{
	struct fab_segment *seg = fab_segment(f, sbdf.seg);

	return seg ? fab_requester(seg, sbdf.bdf) : NULL;
}

/* Machine lock, in a section. */
static void apply(struct fabric *f, const struct fab_flush *flush)
{
	const struct iommu_flush *what = &flush->what;
	struct fab_segment *seg = fab_segment(f, what->sbdf.seg);
	struct fab_fn *fn;

	switch (what->kind) {
	case IOMMU_FLUSH_CONTEXT:
		if (seg)
			fab_unit_forget_context(seg->unit, what->sbdf.bdf);
		break;
	case IOMMU_FLUSH_RANGE:
		for (seg = f->segments; seg; seg = seg->next)
			fab_unit_forget_range(seg->unit, flush->space,
					      what->start, what->size);
		break;
	case IOMMU_FLUSH_ATS:
		fn = target_of(f, what->sbdf);
		if (fn) {
			plat_free(fn->atc);
			fn->atc = NULL;
		}
		break;
	}
}

/* Does the device answer that it has forgotten? In a section. */
static bool answers(struct fabric *f, pci_sbdf_t sbdf)
{
	struct fab_fn *fn = target_of(f, sbdf);
	struct fab_faults *faults = fn ? hf_load_acquire(&fn->faults) : NULL;

	return fn && !(faults && (faults->all_ones || faults->silent));
}

/* --- the queue ------------------------------------------------------------ */

static void complete(struct fabric *f, uint64_t now, bool all)
{
	struct fab_queue *q = &f->machine->queue;
	struct fab_flush **at = &q->first, *flush;

	plat_rcu_read_lock();
	while ((flush = *at)) {
		if (!all && flush->due > now) {
			at = &flush->next;
			continue;
		}
		*at = flush->next;
		apply(f, flush);
		q->waiting--;
		plat_free(flush);
	}
	plat_rcu_read_unlock();
}

void fab_flush_due(struct fabric *f)
{
	if (f->machine->queue.first)
		complete(f, plat_now(), false);
}

/* Those that wait for a device take no room. */
static bool is_full(const struct fab_queue *q)
{
	unsigned int n = 0;

	for (struct fab_flush *flush = q->first; flush; flush = flush->next)
		n += !flush->silent;
	return n >= (q->depth ? q->depth : DEPTH);
}

static uint64_t due_at(const struct fab_queue *q, bool silent)
{
	uint64_t now = plat_now();

	return silent || q->delay > PLAT_FOREVER - now ? PLAT_FOREVER
						       : now + q->delay;
}

static int begin(struct fabric *f, const struct iommu_flush *what,
		 uint64_t *ticket)
{
	struct fab_queue *q = &f->machine->queue;
	struct fab_flush *flush, one = { .what = *what };

	if (what->kind == IOMMU_FLUSH_RANGE)
		one.space = what->space->id;
	if (what->kind == IOMMU_FLUSH_ATS)
		one.silent = !answers(f, what->sbdf);
	if (!q->delay && !one.silent) {
		apply(f, &one);
		*ticket = ++q->last;
		return 0;
	}
	if (!one.silent && is_full(q))
		return -EBUSY;
	flush = plat_zalloc(sizeof(*flush));
	if (!flush)
		return -EBUSY;
	one.due = due_at(q, one.silent);
	*ticket = one.ticket = ++q->last;
	one.next = q->first;
	*flush = one;
	q->first = flush;
	q->waiting++;
	return 0;
}

int fab_flush(struct pci_host *host, const struct iommu_flush *what,
	      uint64_t *ticket)
{
	struct fabric *f = fab_of_host(host);
	int rc;

	fab_turn(f, true);
	plat_rcu_read_lock();
	pthread_mutex_lock(&f->machine->lock);
	fab_flush_due(f);
	rc = fab_call(f->machine, FABRIC_CALL_FLUSH, -EIO);
	if (!rc)
		rc = begin(f, what, ticket);
	pthread_mutex_unlock(&f->machine->lock);
	plat_rcu_read_unlock();
	return rc;
}

/* It will never have been done. */
static void fail(struct fab_queue *q, uint64_t ticket)
{
	struct fab_flush **at = &q->first, *flush;

	while (*at && (*at)->ticket != ticket)
		at = &(*at)->next;
	flush = *at;
	if (flush) {
		*at = flush->next;
		q->waiting--;
		plat_free(flush);
	}
	q->failed[q->nfailed++ % FAB_FAILED] = ticket;
}

static int state_of(const struct fab_queue *q, uint64_t ticket)
{
	if (!ticket || ticket > q->last)
		return -EIO;
	for (unsigned int i = 0; i < FAB_FAILED; i++)
		if (q->failed[i] == ticket)
			return -EIO;
	for (struct fab_flush *flush = q->first; flush; flush = flush->next)
		if (flush->ticket == ticket)
			return -EINPROGRESS;
	return 0;
}

int fab_flush_done(struct pci_host *host, uint64_t ticket)
{
	struct fabric *f = fab_of_host(host);
	int rc;

	fab_turn(f, true);
	pthread_mutex_lock(&f->machine->lock);
	fab_flush_due(f);
	rc = fab_call(f->machine, FABRIC_CALL_FLUSH_DONE, -EIO);
	if (rc)
		fail(&f->machine->queue, ticket);
	else
		rc = state_of(&f->machine->queue, ticket);
	pthread_mutex_unlock(&f->machine->lock);
	return rc;
}

/* --- on demand ------------------------------------------------------------ */

void fabric_flush_delay(struct fabric *f, uint64_t nanoseconds)
{
	pthread_mutex_lock(&f->machine->lock);
	f->machine->queue.delay = nanoseconds;
	pthread_mutex_unlock(&f->machine->lock);
}

void fabric_flush_depth(struct fabric *f, unsigned int n)
{
	pthread_mutex_lock(&f->machine->lock);
	f->machine->queue.depth = n;
	pthread_mutex_unlock(&f->machine->lock);
}

void fabric_flush_finish(struct fabric *f)
{
	pthread_mutex_lock(&f->machine->lock);
	complete(f, 0, true);
	pthread_mutex_unlock(&f->machine->lock);
}

void fab_flush_fini(struct fab_machine *m)
{
	struct fab_flush *flush;

	while ((flush = m->queue.first)) {
		m->queue.first = flush->next;
		plat_free(flush);
	}
}
