/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request of a device, from its registers to where it ends.
 *
 * It is checked, translated and done in one critical section of the segment and
 * the machine, so that whoever has switched Bus Master off, or waited for a
 * flush, is not surprised by one that was half way. What it means to the core, a
 * fault or an interrupt, is told after that, without locks, in the section in
 * which it was found; and only then a BAR elsewhere is reached.
 */
#include <string.h>

#include "machine.h"

/* What one piece comes to. */
struct outcome {
	struct fab_fn *fn;
	bool faulted;
	struct iommu_fault fault;
	struct pci_irq *irq; /* to be told; or NULL */
	unsigned int index;
	bool elsewhere; /* at hpa, by nobody so far */
	uint64_t hpa;
	bool from_io; /* dom_io's: an offence if it rests there */
	unsigned int owner;
};

/* --- reaching something --------------------------------------------------- */

static struct fab_seen *seen_of(const struct fab_fn *fn)
{
	return fab_seen(fn->seg, fn->bdf);
}

static void count(const struct fab_fn *fn, const struct fab_request *r)
{
	struct fab_seen *seen = seen_of(fn);

	if (r->message)
		fab_witness_event(fn, &seen->interrupts, "interrupt");
	else
		fab_witness_event(fn, &seen->dma, "DMA");
}

static int refuse(struct outcome *out, const struct fab_request *r,
		  uint16_t rid, enum iommu_fault_reason reason)
{
	struct fab_seen *seen = seen_of(out->fn);

	hf_fetch_add_relaxed(reason == IOMMU_FAULT_INTERRUPT ? &seen->refused
							     : &seen->faulted,
			     1);
	out->faulted = true;
	out->fault = (struct iommu_fault){
		.rid = pci_sbdf_from((uint32_t)out->fn->seg->number << 16 |
				     rid),
		.reason = reason,
		.address = r->addr,
	};
	return -EFAULT;
}

static bool in_window(uint64_t addr)
{
	return addr - FABRIC_MSI_BASE < FABRIC_MSI_SIZE;
}

static int send_message(struct outcome *out, const struct fab_request *r,
			uint16_t rid, size_t n)
{
	struct fab_segment *seg = out->fn->seg;
	uint32_t data = 0;

	if (r->write && n == 4 && !(r->addr & 3)) {
		memcpy(&data, r->buf, 4);
		if (fab_message_accept(seg->fabric, seg, rid, data, &out->irq,
				       &out->index)) {
			fab_witness_event(out->fn,
					  &seen_of(out->fn)->interrupts,
					  "interrupt");
			return 0;
		}
	}
	return refuse(out, r, rid, IOMMU_FAULT_INTERRUPT);
}

static int reach_peer(struct outcome *out, const struct fab_request *r,
		      const struct fab_target *t, size_t n)
{
	count(out->fn, r);
	fab_witness_peer(out->fn, t->fn);
	return fab_target_copy(t, r->buf, n, r->write);
}

/* Where a translation leads: scratch, RAM, or not known yet. */
static int reach(struct outcome *out, const struct fab_request *r,
		 const struct fab_translation *t, size_t n)
{
	struct fab_machine *m = out->fn->seg->fabric->machine;
	struct fab_frame scratch = { .data = m->scratch }, *frame;
	struct fab_reached reached = { .fn = out->fn,
				       .space = t->by.mode == IOMMU_SPACE,
				       .domid = t->by.domid };

	count(out->fn, r);
	if (t->by.mode == IOMMU_SCRATCH) {
		fab_frame_copy(&scratch, t->hpa, r->buf, n, r->write);
		return 0;
	}
	frame = fab_frame(m, t->hpa);
	if (!frame) {
		out->elsewhere = true;
		out->hpa = t->hpa;
		return 0;
	}
	reached.owner = out->owner = frame->owner;
	fab_frame_copy(frame, t->hpa, r->buf, n, r->write);
	out->from_io = fab_witness_reached(&reached);
	return 0;
}

/* --- on its way ----------------------------------------------------------- */

static bool has_ats_on(const struct fab_fn *fn)
{
	unsigned int ats = fn->model->ats;

	return ats && (fab_get16(fn, ats + PCI_ATS_CTRL) & PCI_ATS_CTRL_ENABLE);
}

/* Segment and machine lock. */
static int deliver(struct outcome *out, const struct fab_request *r, size_t n)
{
	struct fab_fn *fn = out->fn;
	struct fab_machine *m = fn->seg->fabric->machine;
	struct fab_translation t = { .hpa = r->addr };
	uint16_t rid = fab_alias(fn, r->bdf);
	struct fab_target peer;
	bool translated;

	fab_flush_due(fn->seg->fabric);
	translated = !r->message && has_ats_on(fn) &&
		     fab_translate_ats(m, fn->seg->unit, fn, rid, r->addr,
				       r->write, &t);
	if (translated && t.by.mode == IOMMU_BLOCKED)
		return refuse(out, r, rid, t.reason);
	if (fab_peer(fn, t.hpa, &peer))
		return reach_peer(out, r, &peer, n);
	if (!translated && in_window(r->addr))
		return send_message(out, r, rid, n);
	if (!translated)
		fab_translate(m, fn->seg->unit, rid, r->addr, r->write, &t);
	if (t.by.mode == IOMMU_BLOCKED)
		return refuse(out, r, rid, t.reason);
	return reach(out, r, &t, n);
}

/* Segment lock: who sends, and does it? */
static int leave(struct fab_segment *seg, struct fab_request *r,
		 struct outcome *out)
{
	struct fab_fn *fn = r->fn ? r->fn : fab_requester(seg, r->bdf);
	int rc;

	if (!fn || fab_find(seg, fn->bdf) != fn)
		return -ENODEV;
	out->fn = fn;
	if (r->fn && !r->bdf)
		r->bdf = fn->bdf;
	if (r->bdf != fn->bdf && fab_requester(seg, r->bdf) != fn)
		return -EPERM;
	if (!fab_masters(fn) && (r->message || !fab_keeps_dma(fn)))
		return -EPERM;
	rc = r->message ? fab_message_prepare(fn, r) : 0;
	return rc ? rc : fab_may_send(fn);
}

/* --- after it ------------------------------------------------------------- */

static bool rests_in_quarantine(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	return !pci_query(sbdf, &info) && info.owner == DOMID_IO &&
	       info.op == PCI_OP_NONE;
}

/* A BAR, of whichever segment; no lock held. */
static int reach_bar(struct fabric *f, const struct outcome *out,
		     const struct fab_request *r, size_t n)
{
	struct fab_segment *seg;
	struct fab_target t;
	int rc = -ENODEV;

	for (seg = f->segments; seg && rc == -ENODEV; seg = seg->next) {
		pthread_mutex_lock(&seg->lock);
		if (fab_segment_claims(seg, out->hpa, &t)) {
			fab_witness_peer(out->fn, t.fn);
			rc = fab_target_copy(&t, r->buf, n, r->write);
		}
		pthread_mutex_unlock(&seg->lock);
	}
	return rc == -ENODEV && r->message ? 0 : rc;
}

static void tell(struct fabric *f, const struct outcome *out)
{
	struct fab_machine *m = f->machine;

	if (out->irq)
		pci_irq_deliver(out->irq, out->index);
	if (out->faulted && pci_iommu_fault(&f->host, &out->fault) && m->work)
		m->work(m->work_data);
}

/* @n bytes that cross no page. */
static int send_piece(struct fab_segment *seg, struct fab_request *r, size_t n)
{
	struct fabric *f = seg->fabric;
	struct outcome out = { 0 };
	pci_sbdf_t sbdf;
	bool rested;
	int rc;

	pthread_mutex_lock(&seg->lock); /* the number may change */
	sbdf = pci_sbdf_from((uint32_t)seg->number << 16 |
			     (r->fn ? r->fn->bdf : r->bdf));
	pthread_mutex_unlock(&seg->lock);
	rested = !r->from_core && pci_owner(sbdf) == DOMID_IO &&
		 rests_in_quarantine(sbdf);
	pthread_mutex_lock(&seg->lock);
	rc = leave(seg, r, &out);
	if (!rc) {
		pthread_mutex_lock(&f->machine->lock);
		rc = deliver(&out, r, n);
		pthread_mutex_unlock(&f->machine->lock);
	}
	pthread_mutex_unlock(&seg->lock);
	tell(f, &out);
	if (rested && out.from_io && rests_in_quarantine(sbdf))
		fabric_violation(f, sbdf,
				 "DMA to memory of domain %u out of "
				 "quarantine",
				 out.owner);
	return out.elsewhere ? reach_bar(f, &out, r, n) : rc;
}

int fab_dma(struct fab_segment *seg, struct fab_request *r)
{
	int rc = 0;

	if (r->len && r->addr + (r->len - 1) < r->addr)
		return -EINVAL;
	while (r->len && !rc) {
		size_t n = FABRIC_PAGE - (r->addr & FAB_PAGE_MASK);

		n = n < r->len ? n : r->len;
		rc = send_piece(seg, r, n);
		if (rc && !r->write)
			memset(r->buf, 0xff, r->len);
		r->addr += n;
		r->buf = (uint8_t *)r->buf + n;
		r->len -= n;
	}
	return rc;
}

/* --- on demand ------------------------------------------------------------ */

static int dma(struct fabric *f, pci_sbdf_t sbdf, struct fab_request *r)
{
	struct fab_segment *seg = fab_segment(f, sbdf.seg);
	int rc = -ENODEV;

	r->bdf = sbdf.bdf;
	plat_rcu_read_lock();
	if (seg)
		rc = fab_dma(seg, r);
	plat_rcu_read_unlock();
	return rc;
}

int fabric_dma_read(struct fabric *f, pci_sbdf_t sbdf, uint64_t address,
		    void *buf, size_t len)
{
	struct fab_request r = { .addr = address, .buf = buf, .len = len };

	return dma(f, sbdf, &r);
}

int fabric_dma_write(struct fabric *f, pci_sbdf_t sbdf, uint64_t address,
		     const void *buf, size_t len)
{
	struct fab_request r = {
		.addr = address, .write = true, .buf = (void *)buf, .len = len
	};

	return dma(f, sbdf, &r);
}

/* With no address it cannot fault: it is stopped where all are, or not. */
int fabric_dma(struct fabric *f, pci_sbdf_t sbdf)
{
	struct fab_segment *seg = fab_segment(f, sbdf.seg);
	struct fab_request r = { .bdf = sbdf.bdf, .write = true };
	struct outcome out = { 0 };
	int rc;

	if (!seg)
		return -ENODEV;
	pthread_mutex_lock(&seg->lock);
	rc = leave(seg, &r, &out);
	if (!rc) {
		pthread_mutex_lock(&f->machine->lock);
		fab_flush_due(f);
		if (fab_blocks(seg->unit, fab_alias(out.fn, r.bdf)))
			rc = -EFAULT;
		pthread_mutex_unlock(&f->machine->lock);
	}
	if (!rc)
		count(out.fn, &r);
	else if (rc == -EFAULT)
		hf_fetch_add_relaxed(&seen_of(out.fn)->faulted, 1);
	pthread_mutex_unlock(&seg->lock);
	return rc;
}

/* --- the machine ---------------------------------------------------------- */

void fabric_on_work(struct fabric *f, void (*work)(void *data), void *data)
{
	f->machine->work = work;
	f->machine->work_data = data;
}

int fab_machine_init(struct fabric *f)
{
	f->machine = plat_zalloc(sizeof(*f->machine));
	if (!f->machine)
		return -ENOMEM;
	pthread_mutex_init(&f->machine->lock, NULL);
	return 0;
}

void fab_machine_fini(struct fabric *f)
{
	struct fab_machine *m = f->machine;

	if (!m)
		return;
	fab_flush_fini(m);
	fab_spaces_fini(m);
	fab_ram_fini(m);
	plat_free(m->vector);
	pthread_mutex_destroy(&m->lock);
	plat_free(m);
}
