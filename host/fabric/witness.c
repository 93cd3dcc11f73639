/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The witness: what was done to each address, and what should not have been.
 *
 * ops->removed is a promise. From then on, until ops->adding, every access that
 * reaches the function or its memory is a violation, and so is a write to its
 * empty place; a read there is a scan's and is not. When it is a removal that
 * promises (the device is still known then), the hardware must be quiet by now;
 * a probe that ends does not say so.
 */
#include <stdarg.h>
#include <stdio.h>

#include "machine.h"

void fab_epoch_bump(struct fabric *f)
{
	hf_fetch_add_relaxed(&f->epoch, 1);
}

uint64_t fabric_epoch(struct fabric *f)
{
	return hf_load_acquire(&f->epoch);
}

void fabric_violation(struct fabric *f, pci_sbdf_t sbdf, const char *fmt, ...)
{
	struct fabric_violation *v;
	va_list args;

	hf_fetch_add_relaxed(&f->violations, 1);
	pthread_mutex_lock(&f->witness_lock);
	if (f->listed < FABRIC_MAX_VIOLATIONS) {
		v = &f->list[f->listed++];
		v->sbdf = sbdf;
		v->time = plat_now();
		va_start(args, fmt);
		vsnprintf(v->text, sizeof(v->text), fmt, args);
		va_end(args);
	}
	pthread_mutex_unlock(&f->witness_lock);
}

/* --- accesses ------------------------------------------------------------- */

static bool promised(struct fab_seen *seen)
{
	return seen && hf_load_acquire(&seen->claim) == FAB_PROMISED;
}

static void after_success(struct fab_segment *seg, pci_sbdf_t sbdf,
			  struct fab_seen *seen, const char *what)
{
	hf_fetch_add_relaxed(&seen->after, 1);
	fabric_violation(seg->fabric, sbdf, "%s after a removal succeeded",
			 what);
}

void fab_witness_config(struct fab_segment *seg, pci_sbdf_t sbdf,
			const struct fab_fn *fn, bool write)
{
	struct fab_seen *seen = fab_seen(seg, sbdf.bdf);

	if (!fn)
		hf_fetch_add_relaxed(&seg->absent, 1);
	else if (write)
		hf_fetch_add_relaxed(&seen->writes, 1);
	else
		hf_fetch_add_relaxed(&seen->reads, 1);
	if (promised(seen) && (fn || write))
		after_success(seg, sbdf, seen,
			      write ? "config write" : "config read");
}

void fab_witness_memory(const struct fab_fn *fn, bool write)
{
	pci_sbdf_t sbdf = fab_sbdf(fn);
	struct fab_seen *seen = fab_seen(fn->seg, sbdf.bdf);

	if (fab_find(fn->seg, sbdf.bdf) != fn)
		return; /* no bus number leads to it */
	hf_fetch_add_relaxed(&seen->memory, 1);
	if (promised(seen))
		after_success(fn->seg, sbdf, seen,
			      write ? "memory write" : "memory read");
}

void fab_witness_event(const struct fab_fn *fn, hf_atomic(uint64_t) * count,
		       const char *what)
{
	struct fab_seen *seen = fab_seen(fn->seg, fn->bdf);

	hf_fetch_add_relaxed(count, 1);
	if (promised(seen))
		after_success(fn->seg, fab_sbdf(fn), seen, what);
}

/* --- who was reached ------------------------------------------------------ */

/* Hidden devices are the hypervisor's, as the hardware domain's are. */
static int owner_of(const struct fab_fn *fn)
{
	int owner = pci_owner(fab_sbdf(fn));

	return owner == DOMID_HIDDEN ? DOMID_HARDWARE : owner;
}

bool fab_witness_reached(const struct fab_reached *r)
{
	struct fabric *f = r->fn->seg->fabric;
	int owner = owner_of(r->fn);

	if (r->owner == FABRIC_NOBODY)
		fabric_violation(f, fab_sbdf(r->fn), "DMA to memory of nobody");
	else if (r->space && r->domid != r->owner)
		fabric_violation(f, fab_sbdf(r->fn),
				 "DMA to memory of domain %u by the tables of "
				 "domain %u",
				 r->owner, r->domid);
	else if (owner == DOMID_IO && r->owner != DOMID_IO)
		return true;
	else if (owner >= 0 && (unsigned int)owner != r->owner)
		fabric_violation(f, fab_sbdf(r->fn),
				 "DMA to memory of domain %u by a device of "
				 "domain %d",
				 r->owner, owner);
	return false;
}

void fab_witness_peer(const struct fab_fn *fn, const struct fab_fn *target)
{
	int from = owner_of(fn), to = owner_of(target);

	if (from >= 0 && to >= 0 && from != to && from != DOMID_IO &&
	    to != DOMID_IO)
		fabric_violation(fn->seg->fabric, fab_sbdf(fn),
				 "DMA to a BAR of domain %d by a device of "
				 "domain %d",
				 to, from);
}

/* --- promises ------------------------------------------------------------- */

void fab_witness_adding(struct pci_host *host, pci_sbdf_t sbdf)
{
	struct fab_segment *seg = fab_segment(fab_of_host(host), sbdf.seg);
	struct fab_seen *seen = seg ? fab_seen(seg, sbdf.bdf) : NULL;

	if (seen)
		hf_store_release(&seen->claim, FAB_ADDED);
}

/* What is not quiet about it; NULL: nothing. */
static const char *restless(const struct fab_fn *fn)
{
	const struct fab_faults *faults =
		hf_load_acquire(&((struct fab_fn *)fn)->faults);
	unsigned int ats = fn->model->ats, sriov = fn->model->sriov;

	if (fab_get16(fn, PCI_COMMAND) & PCI_COMMAND_MASTER)
		return "bus mastering";
	if (fab_get16(fn, PCI_COMMAND) & PCI_COMMAND_DECODE)
		return "a BAR";
	if (fab_msi_on(fn) || fab_msix_on(fn))
		return "message interrupts";
	if (ats && (fab_get16(fn, ats + PCI_ATS_CTRL) & PCI_ATS_CTRL_ENABLE))
		return "address translation";
	if (sriov &&
	    (fab_get16(fn, sriov + PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE))
		return "VF Enable";
	if (faults && faults->pending)
		return "pending transactions";
	return NULL;
}

void fab_witness_removed(struct pci_host *host, pci_sbdf_t sbdf)
{
	struct fabric *f = fab_of_host(host);
	struct fab_segment *seg = fab_segment(f, sbdf.seg);
	struct fab_seen *seen = seg ? fab_seen(seg, sbdf.bdf) : NULL;
	struct pci_dev_info info;
	const char *why = NULL;
	struct fab_fn *fn;

	if (!seen)
		return;
	plat_rcu_read_lock();
	fn = fab_find(seg, sbdf.bdf);
	if (fn && !pci_query(sbdf, &info))
		why = restless(fn);
	hf_store_release(&seen->claim, FAB_PROMISED);
	plat_rcu_read_unlock();
	if (why)
		fabric_violation(f, sbdf, "removed with %s on", why);
}

/* --- the report ----------------------------------------------------------- */

static void counts_of(struct fab_seen *seen, struct fabric_counts *out)
{
	out->reads = hf_load_relaxed(&seen->reads);
	out->writes = hf_load_relaxed(&seen->writes);
	out->memory = hf_load_relaxed(&seen->memory);
	out->dma = hf_load_relaxed(&seen->dma);
	out->interrupts = hf_load_relaxed(&seen->interrupts);
	out->faulted = hf_load_relaxed(&seen->faulted);
	out->refused = hf_load_relaxed(&seen->refused);
	out->after_success = hf_load_relaxed(&seen->after);
	out->promised = promised(seen);
}

static bool segment_next(struct fab_segment *seg, unsigned int *bdf,
			 struct fabric_counts *out)
{
	struct fab_bus *bus;

	for (; *bdf <= UINT16_MAX; ++*bdf) {
		bus = hf_load_acquire(&seg->bus[*bdf >> 8]);
		if (!bus) {
			*bdf |= 0xff;
			continue;
		}
		counts_of(&bus->seen[*bdf & 0xff], out);
		if (out->reads || out->writes || out->memory || out->dma ||
		    out->interrupts || out->faulted || out->refused ||
		    out->after_success)
			return true;
	}
	return false;
}

int fabric_witness_next(struct fabric *f, pci_sbdf_t *at,
			struct fabric_counts *out)
{
	unsigned int bdf = at->bdf;

	for (struct fab_segment *seg = f->segments; seg; seg = seg->next) {
		if (seg->number < at->seg)
			continue;
		if (seg->number > at->seg)
			bdf = 0;
		if (segment_next(seg, &bdf, out)) {
			*at = pci_sbdf_from((uint32_t)seg->number << 16 | bdf);
			return 0;
		}
	}
	return -ENOENT;
}

static void add_segment(struct fab_segment *seg, struct fabric_witness *out)
{
	struct fabric_counts one;

	for (unsigned int bdf = 0; segment_next(seg, &bdf, &one); bdf++) {
		out->total.reads += one.reads;
		out->total.writes += one.writes;
		out->total.memory += one.memory;
		out->total.dma += one.dma;
		out->total.interrupts += one.interrupts;
		out->total.faulted += one.faulted;
		out->total.refused += one.refused;
		out->total.after_success += one.after_success;
		out->total.promised |= one.promised;
	}
	out->absent += hf_load_relaxed(&seg->absent);
}

void fabric_witness(struct fabric *f, struct fabric_witness *out)
{
	*out = (struct fabric_witness){ 0 };
	for (struct fab_segment *seg = f->segments; seg; seg = seg->next)
		add_segment(seg, out);
	out->violations = hf_load_relaxed(&f->violations);
	pthread_mutex_lock(&f->witness_lock);
	out->listed = f->listed;
	memcpy(out->list, f->list, f->listed * sizeof(f->list[0]));
	pthread_mutex_unlock(&f->witness_lock);
}
