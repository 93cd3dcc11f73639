/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fabric: a PCIe host in memory. It implements struct pci_host_ops as
 * hardware does at the level of configuration space and BARs, takes cards in
 * and out, misbehaves on demand, and is the witness of what is done to it.
 *
 * All functions here are for any thread, without locks of the core, and do not
 * wait for anything but short locks of the fabric's own, unless they say so.
 * README.md describes the file format and what is simulated; unit.h has memory,
 * the IOMMU, interrupts and the tester; traffic.h has the guests that keep
 * devices busy.
 */
#ifndef FABRIC_H
#define FABRIC_H

#include <holdfast/host.h>

struct fabric;

/* --- opening -----------------------------------------------------------------
 * @spec: "server" (two segments, every kind of device), "scale=N" (exactly N
 * functions), "empty" (segment 0, a host bridge, two empty slots), "lab"
 * (testers in every kind of isolation group), or the path of a JSON file; one
 * with such a name is "./server".
 *
 * Returns NULL with a sentence in @err: the file and the line (syntax) or the
 * JSON path (meaning), and the reason. Nothing is left behind then.
 */
struct fabric *fabric_open(const char *spec, char *err, size_t errlen)
	__must_check;

/* After the core is done with every segment (pci_fini()). NULL is fine. */
void fabric_close(struct fabric *f);

/* Lives as long as the fabric; set its notify before the first plug. */
struct pci_host *fabric_host(struct fabric *f);

/* The next segment at or after @seg, or -ENOENT: for pci_segment_add(). */
int fabric_segment_next(struct fabric *f, unsigned int seg);

/* How many functions answer now, VFs included. */
unsigned int fabric_functions(struct fabric *f);

/* --- cards and slots -----------------------------------------------------------
 * A slot is named by the address of its port, or by the address of anything
 * on the card in it.
 */
struct fabric_slot {
	pci_sbdf_t port;     /* the root or downstream port */
	pci_sbdf_t card;     /* where a card's first function answers */
	unsigned int number; /* Physical Slot Number */
	bool hotplug;
	bool occupied;
	char name[32]; /* the name of the card in it, or "" */
};

/* The first slot with a port at or after @from, in SBDF order; -ENOENT. */
int fabric_slot_next(struct fabric *f, pci_sbdf_t from,
		     struct fabric_slot *out);

/* Built-in cards and those of the file, by number from 0; NULL at the end. */
const char *fabric_card_name(struct fabric *f, unsigned int n);

/*
 * Put a card into an empty slot, give it addresses as firmware does, and tell
 * host->notify (ARRIVED, once per device number of the card).
 * @card: the name of a card or its JSON description.
 * Returns 0; -ENODEV no such slot; -EEXIST there is a card in it; -ENOENT no
 * card of this name; -EINVAL bad description; -ENOSPC its buses do not fit
 * below the port; -EOPNOTSUPP not a hot-plug slot; -ENOMEM. @err: a sentence.
 */
int fabric_plug(struct fabric *f, pci_sbdf_t slot, const char *card, char *err,
		size_t errlen) __must_check;

/*
 * Take out a card that the core has let go of: every function on it, VFs and
 * what is behind a switch included, was removed, or never added.
 * Returns 0; -ENODEV no such slot; -ENOENT it is empty; -EOPNOTSUPP not a
 * hot-plug slot; -EBUSY the core still uses *@busy (may be NULL).
 */
int fabric_unplug(struct fabric *f, pci_sbdf_t slot, pci_sbdf_t *busy)
	__must_check;

/*
 * It is gone: the card in the slot of this name, or, of what is in no slot,
 * the device with all its functions and everything below. Then host->notify is
 * told (GONE, once per function, VFs excepted).
 * Returns 0; -ENODEV nobody there.
 */
int fabric_surprise(struct fabric *f, pci_sbdf_t at) __must_check;

/* --- faults ----------------------------------------------------------------------
 * A fault is of one function and leaves with it. One of each kind, and any
 * number of stuck registers up to FABRIC_MAX_STUCK.
 */
enum fabric_fault_kind {
	FABRIC_ALL_ONES, /* reads all-ones, writes dropped: a dead device */
	FABRIC_SLOW,     /* each access takes @arg nanoseconds, at most 10 ms */
	FABRIC_RETRY,    /* the next @arg vendor reads see retry status */
	FABRIC_STICK,    /* the dword of register @arg ignores writes */
	FABRIC_PENDING,  /* Transactions Pending stays set */
	FABRIC_SILENT,   /* does not answer invalidations of its ATS cache */
	FABRIC_IGNORES_RESET,    /* no reset does anything */
	FABRIC_DEAD_AFTER_RESET, /* the next reset makes it FABRIC_ALL_ONES */
	FABRIC_SLOW_RESET,       /* after one it is not ready for @arg ns */
	FABRIC_KEEPS_DMA,        /* neither a reset nor Bus Master stops it */
	FABRIC_FAULTS
};

#define FABRIC_MAX_STUCK 8
#define FABRIC_MAX_SLOW 10000000ull

/*
 * "all-ones", "slow", "retry", "stick", "pending", "silent", "ignores-reset",
 * "dead-after-reset", "slow-reset", "keeps-dma"; parse: -1 unknown.
 */
const char *fabric_fault_name(enum fabric_fault_kind kind);
int fabric_fault_parse(const char *name);

struct fabric_fault {
	pci_sbdf_t sbdf;
	enum fabric_fault_kind kind;
	uint64_t arg; /* of RETRY, when read: how many are left */
};

/*
 * Returns 0; -ENODEV nobody there; -EINVAL arg out of range, or the function
 * has no such register; -ENOSPC too many stuck registers; -ENOMEM.
 */
int fabric_fault_set(struct fabric *f, const struct fabric_fault *fault)
	__must_check;
/* All faults of one function. 0; -ENODEV nobody there; -ENOENT it had none. */
int fabric_fault_clear(struct fabric *f, pci_sbdf_t sbdf) __must_check;
/* Copy up to @max in SBDF order; returns how many there are. */
unsigned int fabric_faults(struct fabric *f, struct fabric_fault *out,
			   unsigned int max);

/* --- the witness -------------------------------------------------------------------
 * Kept by address, so that a counter outlives the card.
 */
struct fabric_counts {
	uint64_t reads, writes; /* config accesses that reached a function */
	uint64_t memory;        /* accesses to its BARs, its ROM */
	uint64_t dma,
		interrupts;     /* that arrived, or found nobody to stop them */
	uint64_t faulted;       /* requests that the IOMMU refused */
	uint64_t refused;       /* messages that the controller refused */
	uint64_t after_success; /* of all these, after a removal said so */
	bool promised;          /* a removal succeeded, nobody added it since */
};

#define FABRIC_MAX_VIOLATIONS 32

struct fabric_violation {
	pci_sbdf_t sbdf;
	uint64_t time; /* plat_now() */
	char text[112];
};

struct fabric_witness {
	struct fabric_counts total; /* promised: at least one function is */
	uint64_t absent;            /* config accesses that nobody answered */
	uint64_t violations;        /* all; the first ones are in list */
	unsigned int listed;
	struct fabric_violation list[FABRIC_MAX_VIOLATIONS];
};

void fabric_witness(struct fabric *f, struct fabric_witness *out);

/* The first address at or after *@at with a count; 0; -ENOENT at the end. */
int fabric_witness_next(struct fabric *f, pci_sbdf_t *at,
			struct fabric_counts *out);

/* Record one; also for others who watch (traffic, tests). */
void fabric_violation(struct fabric *f, pci_sbdf_t sbdf, const char *fmt, ...)
	hf_printf_like(3, 4);

/* --- what devices do on their own --------------------------------------------------
 * The function at @sbdf writes to no memory in particular (unit.h has DMA with
 * an address), or raises an interrupt (MSI-X or MSI @vector, else INTx): the
 * message that it is programmed with goes the way of all requests. 0 and
 * counted; -ENODEV nobody there; -EPERM its registers do not let it (Bus
 * Master, enables; masked: it is pending then, and sent when unmasked); -EFAULT
 * refused: of DMA without an address, where all is, and no fault is delivered.
 */
int fabric_dma(struct fabric *f, pci_sbdf_t sbdf);
int fabric_interrupt(struct fabric *f, pci_sbdf_t sbdf, unsigned int vector);

/*
 * One access to memory space, 1, 2, 4 or 8 bytes, naturally aligned. Claimed by
 * the function whose BAR, expansion ROM or VF BAR it falls into while decode
 * is on there and in every bridge above whose window it passes.
 * Returns 0; -ENODEV nobody claims it (*@val all-ones); -EINVAL; -ENOMEM.
 */
int fabric_mem_read(struct fabric *f, uint64_t addr, uint8_t size,
		    uint64_t *val);
int fabric_mem_write(struct fabric *f, uint64_t addr, uint8_t size,
		     uint64_t val);

/*
 * For who judges answers (traffic): does the function answer truly, without a
 * fault? And a number that changes whenever a fault, a reset, a card or a bus
 * number did: equal before and after an access, nothing of that came between.
 */
bool fabric_sound(struct fabric *f, pci_sbdf_t sbdf);
uint64_t fabric_epoch(struct fabric *f);

#endif
