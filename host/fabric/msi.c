/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts: when a function sends its message, what it remembers of those it
 * may not send (PCIe 6.0 §7.7.1, §7.7.2), and the controller that they go to.
 */
#include "machine.h"

/* --- the function's side -------------------------------------------------- */

bool fab_msix_on(const struct fab_fn *fn)
{
	unsigned int msix = fn->model->msix;

	return msix &&
	       (fab_get16(fn, msix + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_ENABLE);
}

bool fab_msi_on(const struct fab_fn *fn)
{
	unsigned int msi = fn->model->msi;

	return msi &&
	       (fab_get16(fn, msi + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_ENABLE);
}

/* What it sends, and whether it may. */
struct message {
	bool there, masked;
	uint64_t address;
	uint32_t data;
};

static struct message msix_message(const struct fab_fn *fn, unsigned int vector)
{
	unsigned int flags = fn->model->msix + PCI_MSIX_FLAGS;
	struct fab_msix entry;

	if (vector >= fn->model->msix_entries)
		return (struct message){ 0 };
	entry = fab_msix_entry(fn, vector);
	return (struct message){
		.there = true,
		.masked = entry.masked ||
			  (fab_get16(fn, flags) & PCI_MSIX_FLAGS_MASKALL),
		.address = entry.address,
		.data = entry.data,
	};
}

/* Where its registers lie: after an address of 32 or 64 bits. */
static unsigned int msi_mask(const struct fab_fn *fn)
{
	uint16_t flags = fab_get16(fn, fn->model->msi + PCI_MSI_FLAGS);

	if (!(flags & PCI_MSI_FLAGS_MASKBIT))
		return 0;
	return fn->model->msi + (flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64
							     : PCI_MSI_MASK_32);
}

static struct message msi_message(const struct fab_fn *fn, unsigned int vector)
{
	unsigned int msi = fn->model->msi, mask = msi_mask(fn);
	uint16_t flags = fab_get16(fn, msi + PCI_MSI_FLAGS);
	unsigned int n = 1u << ((flags & PCI_MSI_FLAGS_QSIZE) >>
				PCI_MSI_FLAGS_QSIZE_SHIFT);
	bool wide = flags & PCI_MSI_FLAGS_64BIT;
	struct message m = { .there = vector < n && vector < 32 };

	if (!m.there)
		return m;
	m.masked = mask && (fab_get(fn, mask) >> vector & 1);
	m.address = fab_get(fn, msi + PCI_MSI_ADDRESS_LO);
	if (wide)
		m.address |= (uint64_t)fab_get(fn, msi + PCI_MSI_ADDRESS_HI)
			     << 32;
	m.data =
		fab_get16(fn, msi + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32));
	m.data = (m.data & ~(n - 1)) | vector;
	return m;
}

/* A pending bit of MSI is there with the mask bits only. */
static bool is_pending(const struct fab_fn *fn, unsigned int vector)
{
	unsigned int mask;

	if (fab_msix_on(fn))
		return fab_msix_pending(fn, vector);
	mask = msi_mask(fn);
	return mask && (fab_get(fn, mask + 4) >> vector & 1);
}

static void pend(struct fab_fn *fn, unsigned int vector, bool pending)
{
	unsigned int mask;
	uint32_t bits;

	if (fab_msix_on(fn)) {
		fab_msix_pend(fn, vector, pending);
		return;
	}
	mask = msi_mask(fn);
	if (!mask)
		return;
	bits = fab_get(fn, mask + 4) & ~(1u << vector);
	fab_set(fn, mask + 4, bits | (uint32_t)pending << vector);
}

static struct message message_of(const struct fab_fn *fn, unsigned int vector)
{
	if (fab_msix_on(fn))
		return msix_message(fn, vector);
	return msi_message(fn, vector);
}

int fab_message_prepare(struct fab_fn *fn, struct fab_request *r)
{
	struct message m;

	if (!fab_msix_on(fn) && !fab_msi_on(fn))
		return -EPERM; /* since it was begun */
	m = message_of(fn, r->vector);
	if (m.there && m.masked)
		pend(fn, r->vector, true);
	if (!m.there || m.masked)
		return -EPERM;
	r->addr = m.address;
	memcpy(r->buf, &m.data, sizeof(m.data));
	return 0;
}

/* The wire, or what stands for it; segment lock. */
static int raise_intx(struct fab_fn *fn)
{
	struct fab_seen *seen = fab_seen(fn->seg, fn->bdf);

	if (!fab_get8(fn, PCI_INTERRUPT_PIN) || !fab_powered(fn) ||
	    (fab_get16(fn, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE))
		return -EPERM;
	fab_witness_event(fn, &seen->interrupts, "interrupt");
	return 0;
}

int fab_interrupt(struct fab_fn *fn, unsigned int vector, bool from_core)
{
	struct fab_segment *seg = fn->seg;
	uint32_t data = 0;
	struct fab_request r = {
		.fn = fn,
		.vector = vector,
		.message = true,
		.write = true,
		.from_core = from_core,
		.buf = &data,
		.len = sizeof(data),
	};
	bool message;
	int rc = -ENODEV;

	pthread_mutex_lock(&seg->lock);
	message = fab_msix_on(fn) || fab_msi_on(fn);
	if (!message && fab_find(seg, fn->bdf) == fn)
		rc = raise_intx(fn);
	pthread_mutex_unlock(&seg->lock);
	return message ? fab_dma(seg, &r) : rc;
}

int fabric_interrupt(struct fabric *f, pci_sbdf_t sbdf, unsigned int vector)
{
	struct fab_segment *seg = fab_segment(f, sbdf.seg);
	struct fab_fn *fn;
	int rc = -ENODEV;

	plat_rcu_read_lock();
	fn = seg ? fab_find(seg, sbdf.bdf) : NULL;
	if (fn)
		rc = fab_interrupt(fn, vector, false);
	plat_rcu_read_unlock();
	return rc;
}

/* The next one from @vector on that waits and need not; -1. Segment lock. */
static int next_sendable(struct fab_fn *fn, unsigned int vector)
{
	unsigned int n = fab_msix_on(fn)  ? fn->model->msix_entries
			 : fab_msi_on(fn) ? 32
					  : 0;

	if (!fab_masters(fn))
		return -1;
	for (; vector < n; vector++) {
		struct message m;

		if (!is_pending(fn, vector))
			continue;
		m = message_of(fn, vector);
		if (m.there && !m.masked)
			return (int)vector;
	}
	return -1;
}

void fab_unmasked(struct fab_fn *fn)
{
	int vector = 0;

	while (vector >= 0) {
		pthread_mutex_lock(&fn->seg->lock);
		vector = fn->gone ? -1
				  : next_sendable(fn, (unsigned int)vector);
		if (vector >= 0)
			pend(fn, (unsigned int)vector, false);
		pthread_mutex_unlock(&fn->seg->lock);
		if (vector >= 0)
			(void)fab_interrupt(fn, (unsigned int)vector++, true);
	}
}

/* --- the controller ------------------------------------------------------- */

static unsigned int room_of(const struct fab_machine *m)
{
	return m->room ? m->room : FAB_VECTORS;
}

void fabric_irq_room(struct fabric *f, unsigned int vectors)
{
	pthread_mutex_lock(&f->machine->lock);
	f->machine->room = vectors > FAB_VECTORS ? FAB_VECTORS : vectors;
	pthread_mutex_unlock(&f->machine->lock);
}

/* @count free ones at a multiple of it; those beyond the room count as taken. */
static struct fab_vector *find_room(struct fab_machine *m, unsigned int count)
{
	unsigned int first, i;

	if (m->nvectors + count > room_of(m))
		return NULL;
	if (!m->vector)
		m->vector = plat_zalloc(FAB_VECTORS * sizeof(*m->vector));
	for (first = 0; m->vector && first + count <= room_of(m);
	     first += count) {
		for (i = 0; i < count && !m->vector[first + i].irq; i++)
			;
		if (i == count)
			return &m->vector[first];
	}
	return NULL;
}

static int irq_alloc(struct pci_host *host, pci_sbdf_t sbdf, unsigned int count,
		     struct pci_irq *irq, struct msi_message *message)
{
	struct fab_machine *m = fab_of_host(host)->machine;
	struct fab_vector *first = NULL;
	int rc;

	pthread_mutex_lock(&m->lock);
	rc = fab_call(m, FABRIC_CALL_IRQ_ALLOC, -ENOSPC);
	if (!rc)
		first = find_room(m, count);
	for (unsigned int i = 0; first && i < count; i++)
		first[i] = (struct fab_vector){ .irq = irq,
						.sbdf = sbdf,
						.index = i };
	if (first) {
		m->nvectors += count;
		message->address = FABRIC_MSI_BASE;
		message->data = (uint32_t)(first - m->vector);
	}
	pthread_mutex_unlock(&m->lock);
	return first ? 0 : -ENOSPC;
}

/*
 * A message that found @irq before this is told to it in the section in which
 * it was found; one that comes after finds nothing.
 */
static void irq_free(struct pci_host *host, struct pci_irq *irq)
{
	struct fab_machine *m = fab_of_host(host)->machine;

	pthread_mutex_lock(&m->lock);
	for (unsigned int i = 0; m->vector && i < FAB_VECTORS; i++) {
		if (m->vector[i].irq == irq) {
			m->vector[i].irq = NULL;
			m->nvectors--;
		}
	}
	pthread_mutex_unlock(&m->lock);
}

const struct msi_ops fab_msi_ops = {
	.alloc = irq_alloc,
	.free = irq_free,
};

/* Is it @rid that requests of @sbdf come from? Segment lock. */
static bool comes_from(struct fab_segment *seg, pci_sbdf_t sbdf, uint16_t rid)
{
	struct fab_fn *fn = fab_find(seg, sbdf.bdf);

	if (sbdf.seg != seg->number)
		return false;
	return (fn ? fab_alias(fn, sbdf.bdf) : sbdf.bdf) == rid;
}

bool fab_message_accept(struct fabric *f, struct fab_segment *seg, uint16_t rid,
			uint32_t data, struct pci_irq **irq,
			unsigned int *index)
{
	struct fab_machine *m = f->machine;
	struct fab_vector *v;

	*irq = NULL;
	if (!m->vector)
		return true;
	v = data < FAB_VECTORS ? &m->vector[data] : NULL;
	if (!v || !v->irq || !comes_from(seg, v->sbdf, rid))
		return false;
	*irq = v->irq;
	*index = v->index;
	return true;
}
