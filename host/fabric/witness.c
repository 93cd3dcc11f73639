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

#include "internal.h"

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
	pci_sbdf_t sbdf =
		pci_sbdf_from((uint32_t)fn->seg->number << 16 | fn->bdf);
	struct fab_seen *seen = fab_seen(fn->seg, sbdf.bdf);

	if (fab_find(fn->seg, sbdf.bdf) != fn)
		return; /* no bus number leads to it */
	hf_fetch_add_relaxed(&seen->memory, 1);
	if (promised(seen))
		after_success(fn->seg, sbdf, seen,
			      write ? "memory write" : "memory read");
}

static bool masters(const struct fab_fn *fn)
{
	return fab_powered(fn) &&
	       (fab_get16(fn, PCI_COMMAND) & PCI_COMMAND_MASTER);
}

int fabric_dma(struct fabric *f, pci_sbdf_t sbdf)
{
	struct fab_segment *seg = fab_segment(f, sbdf.seg);
	struct fab_seen *seen;
	struct fab_fn *fn;
	int rc = 0;

	plat_rcu_read_lock();
	fn = seg ? fab_find(seg, sbdf.bdf) : NULL;
	if (!fn) {
		rc = -ENODEV;
	} else if (!masters(fn)) {
		rc = -EPERM;
	} else {
		seen = fab_seen(seg, sbdf.bdf);
		hf_fetch_add_relaxed(&seen->dma, 1);
		if (promised(seen))
			after_success(seg, sbdf, seen, "DMA");
	}
	plat_rcu_read_unlock();
	return rc;
}

/* --- interrupts ----------------------------------------------------------- */

static bool msix_on(const struct fab_fn *fn)
{
	unsigned int msix = fn->model->msix;

	return msix &&
	       (fab_get16(fn, msix + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_ENABLE);
}

static bool msi_on(const struct fab_fn *fn)
{
	unsigned int msi = fn->model->msi;

	return msi &&
	       (fab_get16(fn, msi + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_ENABLE);
}

static bool msi_masked(const struct fab_fn *fn, unsigned int vector)
{
	unsigned int msi = fn->model->msi;
	uint16_t flags = fab_get16(fn, msi + PCI_MSI_FLAGS);
	unsigned int mask = flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64
							: PCI_MSI_MASK_32;

	if (vector >=
	    1u << ((flags & PCI_MSI_FLAGS_QSIZE) >> PCI_MSI_FLAGS_QSIZE_SHIFT))
		return true;
	return (flags & PCI_MSI_FLAGS_MASKBIT) &&
	       (fab_get(fn, msi + mask) >> (vector & 31) & 1);
}

static bool may_interrupt(struct fab_fn *fn, unsigned int vector)
{
	unsigned int msix = fn->model->msix;

	if (msix_on(fn))
		return masters(fn) && vector < fn->model->msix_entries &&
		       !(fab_get16(fn, msix + PCI_MSIX_FLAGS) &
			 PCI_MSIX_FLAGS_MASKALL) &&
		       !fab_msix_masked(fn, vector);
	if (msi_on(fn))
		return masters(fn) && !msi_masked(fn, vector);
	return fab_get8(fn, PCI_INTERRUPT_PIN) && fab_powered(fn) &&
	       !(fab_get16(fn, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
}

int fabric_interrupt(struct fabric *f, pci_sbdf_t sbdf, unsigned int vector)
{
	struct fab_segment *seg = fab_segment(f, sbdf.seg);
	struct fab_seen *seen;
	struct fab_fn *fn;
	int rc = 0;

	if (!seg)
		return -ENODEV;
	pthread_mutex_lock(&seg->lock);
	fn = fab_find(seg, sbdf.bdf);
	if (!fn) {
		rc = -ENODEV;
	} else if (!may_interrupt(fn, vector)) {
		rc = -EPERM;
	} else {
		seen = fab_seen(seg, sbdf.bdf);
		hf_fetch_add_relaxed(&seen->interrupts, 1);
		if (promised(seen))
			after_success(seg, sbdf, seen, "interrupt");
	}
	pthread_mutex_unlock(&seg->lock);
	return rc;
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
	if (msi_on(fn) || msix_on(fn))
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
		    out->interrupts || out->after_success)
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
