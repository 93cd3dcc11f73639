/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fabric above its devices, from within: memory, spaces, units, flushes,
 * vectors; and a request on its way there.
 *
 * One lock, the machine's, guards all of it. It is taken under a segment's and
 * nothing is taken under it; so a request is checked, translated and done in one
 * critical section of both, and a flush or a write of Command that has returned
 * leaves none half way. The core is called without either.
 */
#ifndef FABRIC_MACHINE_H
#define FABRIC_MACHINE_H

#include "internal.h"
#include "unit.h"

#define FAB_PAGE_MASK ((uint64_t)FABRIC_PAGE - 1)

/* --- ram.c ---------------------------------------------------------------- */

struct fab_frame {
	uint32_t owner;
	uint8_t *data; /* owned; NULL: nobody's */
};

/* Machine lock. A part of one page; NULL @frame: not RAM. */
struct fab_frame *fab_frame(struct fab_machine *m, uint64_t hpa);
void fab_frame_copy(struct fab_frame *frame, uint64_t hpa, void *buf,
		    size_t len, bool write);
void fab_ram_fini(struct fab_machine *m);

/* --- space.c -------------------------------------------------------------- */

#define FAB_LEVELS 6
#define FAB_MAX_MAPPED (1u << 22) /* pages of a space */

/* An entry: a table below, or a page and what may be done with it. */
union fab_entry {
	union fab_entry *table; /* owned */
	uint64_t page;          /* hpa | IOMMU_READ | IOMMU_WRITE; 0: none */
};

struct iommu_space {
	struct iommu_space *next;
	uint32_t id; /* never used twice */
	unsigned int domid;
	uint64_t pages, contexts;
	union fab_entry *root; /* owned; or NULL */
};

struct iommu_space *fab_space(struct fab_machine *m, uint32_t id);
/* Page and rights of @dma; 0: not mapped. */
uint64_t fab_space_look(struct iommu_space *space, uint64_t dma);
int fab_space_create(struct pci_host *host, unsigned int domid,
		     struct iommu_space **out);
void fab_space_destroy(struct pci_host *host, struct iommu_space *space);
int fab_space_map(struct pci_host *host, struct iommu_space *space,
		  uint64_t dma, uint64_t hpa, uint64_t size,
		  unsigned int flags);
void fab_space_unmap(struct pci_host *host, struct iommu_space *space,
		     uint64_t dma, uint64_t size);
void fab_spaces_fini(struct fab_machine *m);

/* --- unit.c --------------------------------------------------------------- */

/* Where requests go. SPACE: by whose tables. */
struct fab_context {
	enum iommu_mode mode;
	uint32_t space;
	unsigned int domid;
};

struct fab_rid {
	struct fab_context now, cached; /* cached.mode BLOCKED: nothing is */
	bool ats;
};

struct fab_cached {
	uint64_t dma, page; /* page: as in union fab_entry; 0: empty */
	uint32_t space;
	unsigned int domid;
};

#define FAB_IOTLB 1024

struct fab_unit {
	bool on;
	struct fab_rid *bus[256]; /* of 256 each; owned; or NULL */
	struct fab_cached iotlb[FAB_IOTLB];
};

/* What a device with ATS remembers; newest first to go. */
#define FAB_ATC 32

struct fab_atc {
	unsigned int next;
	struct fab_cached entry[FAB_ATC];
};

/* What became of an address. */
struct fab_translation {
	struct fab_context by; /* mode BLOCKED: refused, reason says why */
	enum iommu_fault_reason reason;
	uint64_t hpa;
};

/* Machine lock, all five. */
void fab_translate(struct fab_machine *m, struct fab_unit *unit, uint16_t rid,
		   uint64_t dma, bool write, struct fab_translation *out);
/* By what @fn itself remembers, or now learns. False: it asks for @dma. */
bool fab_translate_ats(struct fab_machine *m, struct fab_unit *unit,
		       struct fab_fn *fn, uint16_t rid, uint64_t dma,
		       bool write, struct fab_translation *out);
bool fab_blocks(struct fab_unit *unit, uint16_t rid); /* every request */
void fab_unit_forget_context(struct fab_unit *unit, uint16_t rid);
void fab_unit_forget_range(struct fab_unit *unit, uint32_t space,
			   uint64_t start, uint64_t size);

/* What it remembers is void: reset, or ATS went off. Not the machine lock. */
void fab_atc_drop(struct fab_fn *fn);

/* --- flush.c -------------------------------------------------------------- */

struct fab_flush; /* one under way */

#define FAB_FAILED 32

struct fab_queue {
	struct fab_flush *first;
	unsigned int waiting, depth;
	uint64_t last; /* ticket */
	uint64_t delay;
	uint64_t failed[FAB_FAILED]; /* tickets; a ring */
	unsigned int nfailed;
};

/* Complete what is due by now. Machine lock. */
void fab_flush_due(struct fabric *f);
int fab_flush(struct pci_host *host, const struct iommu_flush *what,
	      uint64_t *ticket);
int fab_flush_done(struct pci_host *host, uint64_t ticket);
void fab_flush_fini(struct fab_machine *m);

/* --- msi.c ---------------------------------------------------------------- */

struct fab_vector {
	struct pci_irq *irq; /* NULL: free */
	pci_sbdf_t sbdf;
	unsigned int index;
};

#define FAB_VECTORS 65536u

/*
 * A write at the window by @rid: true: allocated, to it; or nobody checks, and
 * then *@irq is NULL. Segment and machine lock.
 */
bool fab_message_accept(struct fabric *f, struct fab_segment *seg, uint16_t rid,
			uint32_t data, struct pci_irq **irq,
			unsigned int *index);
/*
 * Raise @vector of @fn. 0; -EPERM; -EFAULT. In a section, without locks.
 */
int fab_interrupt(struct fab_fn *fn, unsigned int vector, bool from_core);
/* Where it goes, or it is pending now: 0; -EPERM. Segment lock. */
struct fab_request;
int fab_message_prepare(struct fab_fn *fn, struct fab_request *r);
/* What is pending by now may be sent. In a section, without locks. */
void fab_unmasked(struct fab_fn *fn);
bool fab_msi_on(const struct fab_fn *fn);
bool fab_msix_on(const struct fab_fn *fn);

/* --- the machine ------------------------------------------------------------ */

struct fab_machine {
	pthread_mutex_t lock;
	struct fab_frame *ram; /* owned; FABRIC_RAM_PAGES; or NULL yet */
	uint64_t ram_used;
	uint8_t scratch[FABRIC_PAGE];
	struct iommu_space *spaces; /* owned */
	uint32_t next_space;
	uint64_t nspaces, ats;
	struct fab_queue queue;
	struct fab_vector *vector; /* owned; FAB_VECTORS; or NULL yet */
	unsigned int room, nvectors;
	uint64_t calls[FABRIC_CALLS];
	unsigned int fail[FABRIC_CALLS]; /* the how manieth from now; 0 */
	void (*work)(void *data);
	void *work_data;
};

/* Counts a call; 0, or @err when it is to fail. Machine lock. */
int fab_call(struct fab_machine *m, enum fabric_call call, int err);

/* --- route.c -------------------------------------------------------------- */

/*
 * The function that sends with this ID: its own, or of its phantom functions.
 * Segment lock.
 */
struct fab_fn *fab_requester(struct fab_segment *seg, uint16_t bdf);
/* Under which ID the unit sees what @fn sends as @rid. Segment lock. */
uint16_t fab_alias(const struct fab_fn *fn, uint16_t rid);
/* Do @fn and the bridges above let requests out? 0 or -EPERM. Segment lock. */
int fab_may_send(const struct fab_fn *fn);
/* Who takes it on the way up, without the unit. Segment lock. */
bool fab_peer(struct fab_fn *fn, uint64_t addr, struct fab_target *out);

/* --- dma.c ---------------------------------------------------------------- */

struct fab_request {
	struct fab_fn *fn; /* who sends, or, NULL: who answers at .bdf */
	uint16_t bdf;      /* its own, or a phantom function's */
	bool write, from_core;
	bool message; /* of .vector: .addr and .buf are filled in */
	unsigned int vector;
	uint64_t addr;
	void *buf;
	size_t len;
};

/* Piece by piece. As fabric_dma_read(). In a section, without locks. */
int fab_dma(struct fab_segment *seg, struct fab_request *r);

static inline pci_sbdf_t fab_sbdf(const struct fab_fn *fn)
{
	return pci_sbdf_from((uint32_t)fn->seg->number << 16 | fn->bdf);
}

/* --- tester.c ------------------------------------------------------------- */

/* The registers, and what it is at. Segment lock, but busy. */
struct fab_tester {
	struct fab_fn *fn;
	struct fab_tester *next;  /* of the segment */
	hf_atomic(uint32_t) busy; /* runs, or waits for a turn */
	bool at_it;               /* somebody does its command now */
	uint32_t version;         /* of the command */
	uint32_t reg[FABRIC_TESTER_SIZE / 4];
};

/* 0 or -ENOMEM. Nobody sees @fn yet, or segment lock. */
int fab_tester_new(struct fab_fn *fn);
void fab_tester_unlink(struct fab_fn *fn); /* segment lock */
void fab_tester_reset(struct fab_fn *fn);  /* segment lock */
bool fab_tester_is_reg(const struct fab_fn *fn, unsigned int bar,
		       uint64_t offset);
/* Segment lock; whole or not at all; @size up to 8. */
void fab_tester_read(const struct fab_fn *fn, uint64_t offset, uint8_t size,
		     uint64_t *val);
void fab_tester_write(struct fab_fn *fn, uint64_t offset, uint8_t size,
		      uint64_t val);
/* Do its command if there is one. In a section, without locks. */
bool fab_tester_turn(struct fab_fn *fn, bool from_core);
/* All that are busy. Without locks. */
unsigned int fab_turn(struct fabric *f, bool from_core);
/* It has requests under way, as Transactions Pending says. */
bool fab_tester_pending(const struct fab_fn *fn);

#endif
