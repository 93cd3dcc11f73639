/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <holdfast/pci_regs.h>

#include "unit.h"
#include "world.h"

/* --- the IOMMU ------------------------------------------------------------------- */

struct iommu_space {
	unsigned int domid;
	bool mapped[UNIT_PAGES]; /* UNIT_DMA to UNIT_ONE */
};

/* What the unit knows of the card; of nobody else anything is asked. */
static struct {
	enum iommu_mode mode;
	struct iommu_space *space;
	/* Translations that it has cached: used until it is told to forget. */
	enum unit_reach cached[UNIT_PAGES];
} context;

static struct iommu_space spaces[2]; /* of the guests */
static unsigned int nspaces;
static unsigned int late;
static uint64_t issued, asked; /* flushes */

void unit_late(unsigned int turns)
{
	late = turns;
}

static int space_create(struct pci_host *host, unsigned int domid,
			struct iommu_space **out)
{
	struct iommu_space *space = &spaces[domid - DOMID_FIRST_GUEST];

	(void)host;
	ensure(domid - DOMID_FIRST_GUEST < ARRAY_SIZE(spaces));
	ensure(!space->domid);
	*space = (struct iommu_space){ .domid = domid };
	nspaces++;
	*out = space;
	return 0;
}

static void space_destroy(struct pci_host *host, struct iommu_space *space)
{
	unsigned int i;

	(void)host;
	ensure(space->domid && context.space != space);
	for (i = 0; i < UNIT_PAGES; i++)
		ensure(!space->mapped[i] && context.cached[i] != UNIT_GUEST);
	space->domid = 0;
	nspaces--;
}

static unsigned int page_of(uint64_t dma)
{
	uint64_t page = (dma - UNIT_DMA) / PLAT_PAGE_SIZE;

	ensure(page < UNIT_PAGES);
	return (unsigned int)page;
}

static int map(struct pci_host *host, struct iommu_space *space, uint64_t dma,
	       uint64_t hpa, uint64_t size, unsigned int flags)
{
	(void)host;
	(void)flags;
	ensure(space->domid && !space->mapped[page_of(dma)]);
	ensure(hpa == UNIT_ONE && size == PLAT_PAGE_SIZE);
	space->mapped[page_of(dma)] = true;
	return 0;
}

static void unmap(struct pci_host *host, struct iommu_space *space,
		  uint64_t dma, uint64_t size)
{
	(void)host;
	ensure(space->domid && space->mapped[page_of(dma)]);
	ensure(size == PLAT_PAGE_SIZE);
	space->mapped[page_of(dma)] = false;
}

static int attach(struct pci_host *host, pci_sbdf_t rid, enum iommu_mode mode,
		  struct iommu_space *space)
{
	(void)host;
	if (rid.sbdf != CARD.sbdf)
		return 0;
	ensure((mode == IOMMU_SPACE) == (space != NULL));
	ensure(!space || space->domid);
	context.mode = mode;
	context.space = space;
	return 0;
}

/* NULL: everything. */
static void forget(const struct iommu_flush *what)
{
	bool range = what && what->kind == IOMMU_FLUSH_RANGE;
	unsigned int i;

	for (i = 0; i < UNIT_PAGES; i++)
		if (!range ||
		    UNIT_DMA + i * PLAT_PAGE_SIZE - what->start < what->size)
			context.cached[i] = UNIT_NOTHING;
}

static int flush(struct pci_host *host, const struct iommu_flush *what,
		 uint64_t *ticket)
{
	(void)host;
	if (what->kind == IOMMU_FLUSH_RANGE
		    ? what->space == context.space || !context.space
		    : what->sbdf.sbdf == CARD.sbdf)
		*ticket = ++issued;
	else
		*ticket = 0;
	asked = 0;
	if (*ticket && !late)
		forget(what);
	return 0;
}

static int flush_done(struct pci_host *host, uint64_t ticket)
{
	(void)host;
	ensure(ticket <= issued);
	if (!ticket || !late)
		return 0;
	if (++asked < late)
		return -EINPROGRESS;
	forget(NULL);
	return 0;
}

const struct iommu_ops unit_iommu = {
	.space_create = space_create,
	.space_destroy = space_destroy,
	.map = map,
	.unmap = unmap,
	.attach = attach,
	.flush = flush,
	.flush_done = flush_done,
};

static enum unit_reach walk(unsigned int page)
{
	switch (context.mode) {
	case IOMMU_IDENTITY:
		return UNIT_IDENTITY;
	case IOMMU_SCRATCH:
		return UNIT_SCRATCH;
	case IOMMU_SPACE:
		return context.space->mapped[page] ? UNIT_GUEST : UNIT_NOTHING;
	default:
		return UNIT_NOTHING;
	}
}

enum unit_reach unit_dma_page(unsigned int page)
{
	const struct iommu_fault fault = {
		.rid = CARD,
		.reason = IOMMU_FAULT_BLOCKED,
		.address = UNIT_DMA + page * PLAT_PAGE_SIZE,
	};

	if (context.cached[page] == UNIT_NOTHING)
		context.cached[page] = walk(page);
	if (context.cached[page] == UNIT_NOTHING)
		(void)pci_iommu_fault(pci_segment_host(0), &fault);
	return context.cached[page];
}

enum unit_reach unit_dma(void)
{
	return unit_dma_page(0);
}

unsigned int unit_left(void)
{
	unsigned int i, left = nspaces + (context.mode == IOMMU_SPACE);

	for (i = 0; i < UNIT_PAGES; i++)
		left += spaces[0].mapped[i] + spaces[1].mapped[i];
	return left;
}

/* --- the interrupt controller ------------------------------------------------------- */

#define MESSAGE 0xfee00000u

static struct {
	hf_atomic(struct pci_irq *) irq;
	pci_sbdf_t sbdf;
} vectors[2];

static int irq_alloc(struct pci_host *host, pci_sbdf_t sbdf, unsigned int count,
		     struct pci_irq *irq, struct msi_message *message)
{
	unsigned int i;

	(void)host;
	ensure(count == 1);
	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		if (hf_load_relaxed(&vectors[i].irq))
			continue;
		vectors[i].sbdf = sbdf;
		hf_store_release(&vectors[i].irq, irq);
		*message =
			(struct msi_message){ .address = MESSAGE, .data = i };
		return 0;
	}
	return -ENOSPC;
}

static void irq_free(struct pci_host *host, struct pci_irq *irq)
{
	unsigned int i;

	(void)host;
	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		if (hf_load_relaxed(&vectors[i].irq) != irq)
			continue;
		hf_store_release(&vectors[i].irq, NULL);
		return;
	}
	explore_fail("a vector is freed that was not allocated");
}

const struct msi_ops unit_msi = { .alloc = irq_alloc, .free = irq_free };

bool unit_message(void)
{
	struct world_message m;
	struct pci_irq *irq;

	if (!world_message(&m))
		return false;
	ensure(m.address == MESSAGE && m.data < ARRAY_SIZE(vectors));
	plat_rcu_read_lock();
	irq = hf_load_acquire(&vectors[m.data].irq);
	if (irq && vectors[m.data].sbdf.sbdf == CARD.sbdf)
		pci_irq_deliver(irq, 0);
	plat_rcu_read_unlock();
	return irq;
}

unsigned int unit_vectors(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		n += hf_load_relaxed(&vectors[i].irq) != NULL;
	return n;
}

void unit_init(void)
{
	unsigned int i;

	memset(&context, 0, sizeof(context));
	memset(spaces, 0, sizeof(spaces));
	nspaces = late = 0;
	issued = asked = 0;
	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		hf_init(&vectors[i].irq, NULL);
}
