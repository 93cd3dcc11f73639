/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on demand. A function's faults are one small object that is replaced
 * as a whole, under the segment's lock; accesses read it in their section.
 */
#include <string.h>

#include "machine.h"

static const char *const names[FABRIC_FAULTS] = {
	[FABRIC_ALL_ONES] = "all-ones",
	[FABRIC_SLOW] = "slow",
	[FABRIC_RETRY] = "retry",
	[FABRIC_STICK] = "stick",
	[FABRIC_PENDING] = "pending",
	[FABRIC_SILENT] = "silent",
	[FABRIC_IGNORES_RESET] = "ignores-reset",
	[FABRIC_DEAD_AFTER_RESET] = "dead-after-reset",
	[FABRIC_SLOW_RESET] = "slow-reset",
	[FABRIC_KEEPS_DMA] = "keeps-dma",
};

const char *fabric_fault_name(enum fabric_fault_kind kind)
{
	return kind < FABRIC_FAULTS ? names[kind] : "unknown";
}

int fabric_fault_parse(const char *name)
{
	for (int i = 0; i < FABRIC_FAULTS; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

static int stick(struct fab_faults *faults, const struct fab_fn *fn,
		 uint64_t reg)
{
	if (reg >= fn->model->size)
		return -EINVAL;
	for (unsigned int i = 0; i < faults->nstuck; i++)
		if (faults->stuck[i] == reg >> 2)
			return 0;
	if (faults->nstuck == FABRIC_MAX_STUCK)
		return -ENOSPC;
	faults->stuck[faults->nstuck++] = (uint16_t)(reg >> 2);
	return 0;
}

static int switch_on(bool *fault)
{
	*fault = true;
	return 0;
}

static int apply(struct fab_faults *faults, const struct fab_fn *fn,
		 const struct fabric_fault *fault)
{
	switch (fault->kind) {
	case FABRIC_ALL_ONES:
		faults->all_ones = true;
		return 0;
	case FABRIC_SLOW:
		if (!fault->arg || fault->arg > FABRIC_MAX_SLOW)
			return -EINVAL;
		faults->slow = fault->arg;
		return 0;
	case FABRIC_RETRY:
		if (!fault->arg)
			return -EINVAL;
		hf_store_relaxed(&faults->retry, fault->arg);
		return 0;
	case FABRIC_STICK:
		return stick(faults, fn, fault->arg);
	case FABRIC_PENDING:
		if (!fn->model->pcie && !fn->model->af)
			return -EINVAL;
		faults->pending = true;
		return 0;
	case FABRIC_SLOW_RESET:
		if (!fault->arg || fault->arg > PLAT_NSEC_PER_SEC)
			return -EINVAL;
		faults->slow_reset = fault->arg;
		return 0;
	case FABRIC_SILENT:
		return switch_on(&faults->silent);
	case FABRIC_IGNORES_RESET:
		return switch_on(&faults->ignores_reset);
	case FABRIC_DEAD_AFTER_RESET:
		return switch_on(&faults->dead_after_reset);
	case FABRIC_KEEPS_DMA:
		return switch_on(&faults->keeps_dma);
	default:
		return -EINVAL;
	}
}

static void free_rcu(struct plat_rcu_head *head)
{
	plat_free(container_of(head, struct fab_faults, rcu));
}

static void replace(struct fab_fn *fn, struct fab_faults *faults)
{
	struct fab_faults *old = hf_load_acquire(&fn->faults);

	hf_store_release(&fn->faults, faults);
	if (old)
		plat_rcu_call(&old->rcu, free_rcu);
}

/* A copy of what there is, for a change; NULL: out of memory. */
static struct fab_faults *copy(struct fab_fn *fn)
{
	struct fab_faults *old = hf_load_acquire(&fn->faults);
	struct fab_faults *new = plat_zalloc(sizeof(*new));

	if (!new || !old)
		return new;
	new->all_ones = old->all_ones;
	new->pending = old->pending;
	new->silent = old->silent;
	new->ignores_reset = old->ignores_reset;
	new->dead_after_reset = old->dead_after_reset;
	new->keeps_dma = old->keeps_dma;
	new->slow = old->slow;
	new->slow_reset = old->slow_reset;
	hf_init(&new->retry, hf_load_relaxed(&old->retry));
	hf_init(&new->ready, hf_load_relaxed(&old->ready));
	new->nstuck = old->nstuck;
	memcpy(new->stuck, old->stuck, sizeof(new->stuck));
	return new;
}

static int set_one(struct fab_fn *fn, const struct fabric_fault *fault)
{
	struct fab_faults *faults = copy(fn);
	int rc;

	if (!faults)
		return -ENOMEM;
	rc = apply(faults, fn, fault);
	if (rc) {
		plat_free(faults);
		return rc;
	}
	fab_epoch_bump(fn->seg->fabric);
	replace(fn, faults);
	return 0;
}

int fabric_fault_set(struct fabric *f, const struct fabric_fault *fault)
{
	struct fab_segment *seg = fab_segment(f, fault->sbdf.seg);
	struct fab_fn *fn;
	int rc = -ENODEV;

	if (!seg)
		return rc;
	pthread_mutex_lock(&seg->lock);
	fn = fab_find(seg, fault->sbdf.bdf);
	if (fn)
		rc = set_one(fn, fault);
	pthread_mutex_unlock(&seg->lock);
	return rc;
}

int fabric_fault_clear(struct fabric *f, pci_sbdf_t sbdf)
{
	struct fab_segment *seg = fab_segment(f, sbdf.seg);
	struct fab_fn *fn;
	int rc = -ENODEV;

	if (!seg)
		return rc;
	pthread_mutex_lock(&seg->lock);
	fn = fab_find(seg, sbdf.bdf);
	if (fn && hf_load_acquire(&fn->faults)) {
		fab_epoch_bump(f);
		replace(fn, NULL);
		rc = 0;
	} else if (fn) {
		rc = -ENOENT;
	}
	pthread_mutex_unlock(&seg->lock);
	return rc;
}

/* --- resets --------------------------------------------------------------- */

bool fab_keeps_dma(const struct fab_fn *fn)
{
	struct fab_faults *faults =
		hf_load_acquire(&((struct fab_fn *)fn)->faults);

	return faults && faults->keeps_dma;
}

bool fab_faults_reset(struct fab_fn *fn)
{
	struct fab_faults *faults = hf_load_acquire(&fn->faults);

	if (!faults)
		return true;
	if (faults->ignores_reset)
		return false;
	if (faults->slow_reset)
		hf_store_relaxed(&faults->ready,
				 plat_now() + faults->slow_reset);
	if (faults->dead_after_reset) {
		faults = copy(fn);
		if (faults) { /* else it lives a little longer */
			faults->all_ones = true;
			faults->dead_after_reset = false;
			replace(fn, faults);
		}
	}
	return true;
}

/* --- listing -------------------------------------------------------------- */

struct listing {
	struct fabric_fault *out;
	unsigned int max, count;
	pci_sbdf_t sbdf;
};

static void list_one(struct listing *l, enum fabric_fault_kind kind,
		     uint64_t arg)
{
	if (l->count < l->max)
		l->out[l->count] = (struct fabric_fault){ .sbdf = l->sbdf,
							  .kind = kind,
							  .arg = arg };
	l->count++;
}

static void list_function(struct listing *l, struct fab_faults *faults)
{
	uint64_t retry = hf_load_relaxed(&faults->retry);

	if (faults->all_ones)
		list_one(l, FABRIC_ALL_ONES, 0);
	if (faults->slow)
		list_one(l, FABRIC_SLOW, faults->slow);
	if (retry)
		list_one(l, FABRIC_RETRY, retry);
	for (unsigned int i = 0; i < faults->nstuck; i++)
		list_one(l, FABRIC_STICK, faults->stuck[i] * 4u);
	if (faults->pending)
		list_one(l, FABRIC_PENDING, 0);
	if (faults->silent)
		list_one(l, FABRIC_SILENT, 0);
	if (faults->ignores_reset)
		list_one(l, FABRIC_IGNORES_RESET, 0);
	if (faults->dead_after_reset)
		list_one(l, FABRIC_DEAD_AFTER_RESET, 0);
	if (faults->slow_reset)
		list_one(l, FABRIC_SLOW_RESET, faults->slow_reset);
	if (faults->keeps_dma)
		list_one(l, FABRIC_KEEPS_DMA, 0);
}

unsigned int fabric_faults(struct fabric *f, struct fabric_fault *out,
			   unsigned int max)
{
	struct listing l = { .out = out, .max = max };
	struct fab_faults *faults;
	struct fab_segment *seg;
	struct fab_fn *fn;

	for (seg = f->segments; seg; seg = seg->next) {
		pthread_mutex_lock(&seg->lock);
		for (unsigned int bdf = 0; bdf <= UINT16_MAX; bdf++) {
			fn = fab_find(seg, (uint16_t)bdf);
			faults = fn ? hf_load_acquire(&fn->faults) : NULL;
			l.sbdf = pci_sbdf_from((uint32_t)seg->number << 16 |
					       bdf);
			if (faults)
				list_function(&l, faults);
		}
		pthread_mutex_unlock(&seg->lock);
	}
	return l.count;
}

bool fabric_sound(struct fabric *f, pci_sbdf_t sbdf)
{
	struct fab_segment *seg = fab_segment(f, sbdf.seg);
	struct fab_faults *faults;
	struct fab_fn *fn;
	bool sound;

	plat_rcu_read_lock();
	fn = seg ? fab_find(seg, sbdf.bdf) : NULL;
	faults = fn ? hf_load_acquire(&fn->faults) : NULL;
	sound = fn && !(faults && (faults->all_ones || faults->nstuck ||
				   faults->slow_reset ||
				   hf_load_relaxed(&faults->retry)));
	plat_rcu_read_unlock();
	return sound;
}
