/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is above the devices of the fabric: memory, an IOMMU a segment, and the
 * interrupt controller; and the requests that devices send there.
 *
 * A request of a function passes the bridges above it, which may send it to a
 * neighbour (peer to peer), then the IOMMU of its segment, and ends in RAM, in
 * a BAR, or as a message at the interrupt controller. Who was reached is judged
 * by the witness (fabric.h).
 *
 * All functions are for any thread, without locks of the core, unless they say
 * otherwise, and wait for short locks of the fabric's own only.
 */
#ifndef FABRIC_UNIT_H
#define FABRIC_UNIT_H

#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/platform.h>

#include "fabric.h"

/* --- memory ------------------------------------------------------------------
 * Pages of 4096 bytes from FABRIC_RAM_BASE up, outside of all BARs. Each is of
 * a domain, by its id (DOMID_HARDWARE, DOMID_IO and guests'), or nobody's.
 */
#define FABRIC_PAGE 4096u
#define FABRIC_RAM_BASE (1ull << 32)
#define FABRIC_RAM_PAGES 65536u
#define FABRIC_NOBODY UINT32_MAX

/*
 * Contiguous zeroed pages of @domid, the lowest that are free: 0; -EINVAL @size
 * is 0 or not whole pages; -ENOMEM.
 */
int fabric_ram_alloc(struct fabric *f, unsigned int domid, uint64_t size,
		     uint64_t *hpa) __must_check;
/* Nobody's from now on. 0; -EINVAL a part of it is nobody's, or not RAM. */
int fabric_ram_free(struct fabric *f, uint64_t hpa, uint64_t size);
/* They change hands with what is in them. Errors as fabric_ram_free(). */
int fabric_ram_give(struct fabric *f, uint64_t hpa, uint64_t size,
		    unsigned int domid);
/* As a processor: 0; -EINVAL a part of it is nobody's, or not RAM. */
int fabric_ram_read(struct fabric *f, uint64_t hpa, void *buf, size_t len);
int fabric_ram_write(struct fabric *f, uint64_t hpa, const void *buf,
		     size_t len);
/* FABRIC_NOBODY: free, or not RAM. */
unsigned int fabric_ram_owner(struct fabric *f, uint64_t hpa);

/* --- requests of devices --------------------------------------------------------
 * @sbdf reads or writes memory at @address (as the device knows it), in pieces
 * that cross no page; @sbdf may be a phantom function of one that uses them
 * (PCIe 6.0 §2.2.6.2). A function with ATS on uses what it has cached.
 *
 * 0: all of it arrived. -ENODEV nobody there, or nobody claims the address
 * (reads all-ones); -EPERM Bus Master is off, there or in a bridge above, or
 * there is no power, or no link; -EFAULT refused by the IOMMU: a fault was
 * delivered; -EINVAL @address wraps. Pieces before the first error have been
 * done. pci_iommu_fault() and pci_irq_deliver() run in the caller's context.
 */
int fabric_dma_read(struct fabric *f, pci_sbdf_t sbdf, uint64_t address,
		    void *buf, size_t len);
int fabric_dma_write(struct fabric *f, pci_sbdf_t sbdf, uint64_t address,
		     const void *buf, size_t len);

/*
 * Called when pci_iommu_fault() has said that pci_iommu_work() has something to
 * do; in whatever context the request was made, under locks of the core, too:
 * post it. Set before the first request; NULL: nobody is told.
 */
void fabric_on_work(struct fabric *f, void (*work)(void *data), void *data);

/* --- the IOMMU --------------------------------------------------------------------
 * Off, and requests reach memory as it is, until somebody attaches the first
 * requester of the segment. From then on who has no context is refused.
 *
 * The unit remembers contexts and translations, and devices with ATS
 * translations, until told to forget; what is not there is not remembered.
 */

/*
 * Flushes that begin from now on take so long, and what they are to drop is
 * used until then; 0: none; PLAT_FOREVER: until fabric_flush_finish(). One of
 * IOMMU_FLUSH_ATS to a device that does not answer (gone, all-ones, silent)
 * takes forever whatever is set here.
 */
void fabric_flush_delay(struct fabric *f, uint64_t nanoseconds);
/* How many may be under way at once; further ones are -EBUSY. 0: 64. */
void fabric_flush_depth(struct fabric *f, unsigned int n);
/* Complete all that are under way, those to silent devices included. */
void fabric_flush_finish(struct fabric *f);

/* --- the interrupt controller --------------------------------------------------------
 * Messages are written to this window; no IOMMU translates it. From the first
 * alloc on each is checked: not allocated, or somebody else's, is refused with
 * IOMMU_FAULT_INTERRUPT; before, any is counted and nobody is told.
 */
#define FABRIC_MSI_BASE 0xfee00000ull
#define FABRIC_MSI_SIZE (1ull << 20)

/* How many vectors there are from now on, up to 65536 (0: that many). */
void fabric_irq_room(struct fabric *f, unsigned int vectors);

/* --- failures on demand -----------------------------------------------------------------
 * Calls by the core that can fail, and with what.
 */
enum fabric_call {
	FABRIC_CALL_SPACE_CREATE, /* -ENOMEM */
	FABRIC_CALL_MAP,          /* -ENOMEM */
	FABRIC_CALL_ATTACH,       /* -EIO; those to BLOCKED do not count */
	FABRIC_CALL_FLUSH,        /* -EIO */
	FABRIC_CALL_FLUSH_DONE,   /* -EIO, and so for ever of that ticket */
	FABRIC_CALL_ATS,          /* -ENOMEM; switching off does not count */
	FABRIC_CALL_IRQ_ALLOC,    /* -ENOSPC */
	FABRIC_CALLS
};

/* The @nth call from now on (1: the next one) fails, once. 0: none does. */
void fabric_fail(struct fabric *f, enum fabric_call call, unsigned int nth);

/* --- knowing ----------------------------------------------------------------------------- */

struct fabric_unit_info {
	uint64_t spaces;
	uint64_t contexts; /* requester IDs that go to a space */
	uint64_t pages;    /* mapped, of all spaces */
	uint64_t cached;   /* translations remembered, by units and devices */
	uint64_t ats;      /* requester IDs whose translations are believed */
	uint64_t flushes;  /* under way */
	uint64_t vectors;  /* allocated */
	uint64_t ram;      /* pages that are somebody's */
	uint64_t calls[FABRIC_CALLS]; /* since the opening, failed ones too */
};

void fabric_unit(struct fabric *f, struct fabric_unit_info *out);

/* What the unit of @rid's segment would do with its next request. */
enum iommu_mode fabric_context(struct fabric *f, pci_sbdf_t rid,
			       unsigned int *domid);

/* --- the tester ----------------------------------------------------------------------------
 * A function that does what it is told, by registers in BAR 0; as kinds of
 * functions in files ("tester": true), and as built-in cards: "tester" (FLR,
 * PM, MSI, MSI-X of 8 vectors, AER, ATS), "tester-pm" (no FLR) and
 * "tester-plain" (no way to reset it but its bus).
 *
 * The command starts when COMMAND is written, by a processor at once; by
 * another device at the next turn. A running tester repeats its command at
 * each turn, one piece: turns are config accesses to it, calls of flush and
 * flush_done, and fabric_turn().
 */
enum {
	FABRIC_TESTER_ID = 0x00, /* 32 bits, read-only */
	FABRIC_TESTER_STATUS = 0x04,
	FABRIC_TESTER_SOURCE = 0x08,      /* 64 bits */
	FABRIC_TESTER_DESTINATION = 0x10, /* 64 bits */
	FABRIC_TESTER_LENGTH = 0x18,      /* 32 bits, bytes */
	FABRIC_TESTER_COMMAND = 0x1c,     /* 32 bits; reads what runs, or 0 */
	FABRIC_TESTER_VECTOR = 0x20,      /* 32 bits */
	FABRIC_TESTER_DATA = 0x24,        /* 32 bits */
	FABRIC_TESTER_PHANTOM = 0x28,     /* 32 bits: function bits to set */
	FABRIC_TESTER_DONE = 0x2c,        /* 32 bits, read-only: how often */
	FABRIC_TESTER_FAILED = 0x30,      /* 32 bits, read-only: how often */
	FABRIC_TESTER_SIZE = 0x34
};

#define FABRIC_TESTER_MAGIC 0x54534554u /* "TEST" */
#define FABRIC_TESTER_MAX_LENGTH 65536u

/* COMMAND */
enum {
	FABRIC_TESTER_STOP,
	FABRIC_TESTER_READ,      /* SOURCE; DATA is the sum of its bytes */
	FABRIC_TESTER_WRITE,     /* DATA's dword to DESTINATION, repeated */
	FABRIC_TESTER_COPY,      /* SOURCE to DESTINATION */
	FABRIC_TESTER_INTERRUPT, /* VECTOR, as fabric_interrupt() */
	FABRIC_TESTER_COMMANDS,
	/* Or one of these: again at each turn, DATA counting up by one. */
	FABRIC_TESTER_RUN = 1 << 8,
};

/* STATUS: of the command that was last done. */
enum {
	FABRIC_TESTER_OK = 1 << 0,
	FABRIC_TESTER_BUSY = 1 << 1,     /* it runs, or waits for a turn */
	FABRIC_TESTER_REFUSED = 1 << 2,  /* as -EFAULT */
	FABRIC_TESTER_NOT_SENT = 1 << 3, /* as -EPERM */
	FABRIC_TESTER_NOBODY = 1 << 4,   /* as -ENODEV */
	FABRIC_TESTER_BAD = 1 << 5 /* no such command, or length; it wraps */
};

/* All that run take a turn; returns how many did. */
unsigned int fabric_turn(struct fabric *f);

/*
 * For tests: a register of the tester at @sbdf, past its BAR and the core; as
 * the device's own firmware. A write of COMMAND starts it at once. 0; -ENODEV
 * no tester there; -EINVAL no such register.
 */
int fabric_tester_get(struct fabric *f, pci_sbdf_t sbdf, unsigned int reg,
		      uint64_t *val);
int fabric_tester_set(struct fabric *f, pci_sbdf_t sbdf, unsigned int reg,
		      uint64_t val);

#endif
