/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fabric's own objects.
 *
 *   description  what a function is, from a file or a preset (describe.h)
 *   model        the same as registers: initial values and write masks
 *   function     one that is plugged in: a model and its live registers
 *   link         a bus: functions on it, and the bridge above
 *   bus          where functions answer by now: bus number × devfn
 *
 * Config accesses take no lock: bus → function → register, in a read-side
 * section. The tree, and every register whose write has an effect beyond
 * itself (hooks), is changed under the segment's lock; nobody waits for a grace
 * period under it, so it may be taken inside a section.
 */
#ifndef FABRIC_INTERNAL_H
#define FABRIC_INTERNAL_H

#include <pthread.h>

#include <holdfast/atomic.h>
#include <holdfast/device.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>
#include <holdfast/platform.h>

#include "fabric.h"

struct fab_atc;
struct fab_machine;
struct fab_tester;
struct fab_unit;
struct json_object;

enum fab_kind {
	FAB_ENDPOINT,
	FAB_RC_ENDPOINT,
	FAB_RC_EVENT,
	FAB_PCI,
	FAB_HOST_BRIDGE,
	FAB_ROOT_PORT,
	FAB_UPSTREAM,
	FAB_DOWNSTREAM,
	FAB_PCIE_TO_PCI,
	FAB_PCI_TO_PCIE,
	FAB_PCI_BRIDGE,
	FAB_KINDS
};

static inline bool fab_is_bridge(enum fab_kind kind)
{
	return kind >= FAB_ROOT_PORT;
}

/* A port: the link below has one device, number 0. */
static inline bool fab_is_port(enum fab_kind kind)
{
	return kind == FAB_ROOT_PORT || kind == FAB_DOWNSTREAM ||
	       kind == FAB_PCI_TO_PCIE;
}

static inline bool fab_is_express(enum fab_kind kind)
{
	return kind != FAB_PCI && kind != FAB_HOST_BRIDGE &&
	       kind != FAB_PCI_BRIDGE;
}

/* --- models --------------------------------------------------------------- */

struct fab_bar {
	uint64_t size; /* a power of two; 0: not there */
	uint8_t kind;  /* enum pci_bar_kind */
	bool prefetch;
};

/* Which function looks after a written dword, hook.c. */
enum fab_hook {
	FAB_HOOK_NONE,
	FAB_HOOK_BUSES,      /* bridge: primary, secondary, subordinate */
	FAB_HOOK_COMMAND,    /* DMA under way ends before it is written */
	FAB_HOOK_BRIDGE_CTL, /* bridge: secondary bus reset */
	FAB_HOOK_PM,         /* PMCSR */
	FAB_HOOK_DEVCTL,     /* Device Control: FLR */
	FAB_HOOK_LNKCTL,     /* port: Link Disable */
	FAB_HOOK_DEVCTL2,    /* port: ARI Forwarding */
	FAB_HOOK_AF,
	FAB_HOOK_VPD,
	FAB_HOOK_SRIOV_CTL,
	FAB_HOOK_NUM_VF,
	FAB_HOOK_REBAR,
	FAB_HOOK_ATS,
	FAB_HOOK_MESSAGES, /* MSI and MSI-X: what is pending may be sent */
	FAB_HOOKS
};

#define FAB_MAX_RESERVED 4

/* Fixed once compiled; shared by functions that are alike. */
struct fab_model {
	hf_atomic(uint32_t) refs;
	enum fab_kind kind;
	uint16_t size; /* of config space: 256 or 4096 */
	bool slot, hotplug, no_soft_reset, tester;
	uint16_t pm, pcie, msi, msix, af, vpd, sriov, rebar, ats, acs;
	uint16_t msix_entries;
	uint8_t msix_bar, pba_bar;
	uint32_t msix_table, msix_pba;
	struct fab_bar bar[PCI_BAR_COUNT]; /* indices as pci_dev_desc.bar */
	uint32_t rebar_sizes[6]; /* bit n: 1 MiB << n; 0: not resizable */
	uint16_t vf_enabled;     /* by firmware, at power-on */
	int16_t seen_as; /* devfn under which the IOMMU sees it; -1: its own */
	unsigned int nreserved;
	struct iommu_region reserved[FAB_MAX_RESERVED];
	struct fab_model *vf;    /* owns a reference; or NULL */
	const uint8_t *vpd_data; /* owned */
	uint32_t vpd_len;
	uint32_t *init, *rw, *w1c, *sticky; /* by dword */
	uint8_t *hook;                      /* enum fab_hook, by dword */
};

struct fab_desc;

/* 0 and a counted model; -ENOMEM; -ENOSPC: capabilities do not fit. */
int fab_model_compile(const struct fab_desc *desc, struct fab_model **out);
void fab_model_get(struct fab_model *m);
void fab_model_put(struct fab_model *m);

/* --- functions ------------------------------------------------------------ */

struct fab_page {
	struct fab_page *next;
	uint64_t number; /* offset in the BAR >> 12 */
	uint8_t bar;
	uint8_t data[4096];
};

/* Replaced as a whole, freed through RCU. */
struct fab_faults {
	struct plat_rcu_head rcu;
	bool all_ones, pending, silent;
	bool ignores_reset, dead_after_reset, keeps_dma;
	uint64_t slow, slow_reset;
	hf_atomic(uint64_t) retry;
	hf_atomic(uint64_t) ready; /* plat_now(): not before, after a reset */
	unsigned int nstuck;
	uint16_t stuck[FABRIC_MAX_STUCK]; /* dword numbers */
};

struct fab_link;

struct fab_fn {
	struct plat_rcu_head rcu;
	struct fab_model *model; /* owns a reference */
	struct fab_segment *seg; /* fixed */
	/* All down to faults: segment lock. */
	struct fab_link *link;  /* where it sits; a VF: its PF's */
	struct fab_fn *next;    /* on link */
	struct fab_link *below; /* a bridge's; owned */
	struct fab_fn **vf;     /* a PF's enabled VFs, nvf; owned */
	struct fab_fn *pf;      /* a VF's */
	struct fab_page *pages; /* owned */
	uint8_t *vpd;           /* owned copy once written; or NULL */
	unsigned int nvf;
	uint32_t generation; /* of the last routing that reached it */
	uint16_t bdf;        /* where, then */
	uint8_t devfn;
	bool gone;                 /* taken out: nothing has an effect */
	struct fab_tester *tester; /* fixed; owned; or NULL */
	struct fab_atc *atc;       /* machine lock; owned; or NULL */
	hf_atomic(struct fab_faults *) faults; /* or NULL; RCU */
	hf_atomic(uint32_t) reg[];             /* model->size / 4 */
};

struct fab_link {
	struct fab_fn *bridge; /* NULL: a root bus */
	struct fab_link *next; /* of root buses */
	struct fab_fn *first;
	uint8_t bus, last; /* of a root bus: its numbers */
	char card[32];     /* name of the card in the slot; or "" */
};

/* --- where they answer ---------------------------------------------------- */

enum fab_claim { FAB_UNKNOWN, FAB_ADDED, FAB_PROMISED };

/* What the witness keeps by address. */
struct fab_seen {
	hf_atomic(uint64_t) reads, writes, memory, dma, interrupts, after;
	hf_atomic(uint64_t) faulted, refused;
	hf_atomic(uint32_t) claim; /* enum fab_claim */
};

/* Once there, a bus stays until the fabric is closed. */
struct fab_bus {
	hf_atomic(struct fab_fn *) fn[256];
	struct fab_seen seen[256];
};

struct fab_segment {
	struct fabric *fabric;
	struct fab_segment *next; /* ascending numbers */
	uint16_t number;
	pthread_mutex_t lock;
	struct fab_link *roots; /* ascending bus numbers */
	struct fab_tester *testers;
	struct fab_unit *unit; /* fixed; owned; what is in it: machine lock */
	uint32_t generation;
	hf_atomic(uint64_t) absent;
	hf_atomic(struct fab_bus *) bus[256];
};

struct fabric {
	struct pci_host host;
	struct fab_segment *segments;   /* fixed after the opening */
	struct fab_segment **by_number; /* nsegments entries, holes NULL */
	unsigned int nsegments;
	struct json_object *builtin, *file; /* with "cards"; owned; or NULL */
	hf_atomic(uint64_t) epoch;
	struct fab_machine *machine;  /* fixed; owned */
	hf_atomic(uint32_t) busy;     /* testers that are */
	pthread_mutex_t witness_lock; /* leaf: the list of violations */
	hf_atomic(uint64_t) violations;
	unsigned int listed;
	struct fabric_violation list[FABRIC_MAX_VIOLATIONS];
};

/* --- tree.c --------------------------------------------------------------- */

struct fab_segment *fab_segment(struct fabric *f, unsigned int number);
/* Add one; NULL: out of memory. The number must be new. */
struct fab_segment *fab_segment_new(struct fabric *f, uint16_t number);
void fab_segment_free(struct fab_segment *seg);

struct fab_fn *fab_fn_new(struct fab_segment *seg, struct fab_model *m);
struct fab_link *fab_link_new(struct fab_fn *bridge);
void fab_link_add(struct fab_link *link, struct fab_fn *fn, uint8_t devfn);
/* The same for many: @devfn is below all that are there. */
void fab_link_push(struct fab_link *link, struct fab_fn *fn, uint8_t devfn);
struct fab_fn *fab_link_find(struct fab_link *link, uint8_t devfn);
/* Of trees that no access can have reached. NULL is fine. */
void fab_fn_free(struct fab_fn *fn);
void fab_link_free(struct fab_link *link);
/* Unlinked by the caller, unrouted: free @fn and all below through RCU. */
void fab_fn_retire(struct fab_fn *fn);

/* Make room for a bus number: 0, -ENOMEM. */
int fab_bus_prepare(struct fab_segment *seg, uint8_t bus);
/* Compute anew who answers where. Segment lock. */
void fab_route(struct fab_segment *seg);
/* Who answers there; in a section, or under the segment's lock. */
struct fab_fn *fab_find(struct fab_segment *seg, uint16_t bdf);
struct fab_seen *fab_seen(struct fab_segment *seg, uint16_t bdf);
/* Is the link below a bridge up? Segment lock. */
bool fab_link_up(const struct fab_fn *bridge);

/* --- registers: one dword is atomic --------------------------------------- */

static inline uint32_t fab_get(const struct fab_fn *fn, unsigned int reg)
{
	return hf_load_acquire(&((struct fab_fn *)fn)->reg[reg >> 2]);
}

static inline void fab_set(struct fab_fn *fn, unsigned int reg, uint32_t val)
{
	hf_store_release(&fn->reg[reg >> 2], val);
}

static inline uint16_t fab_get16(const struct fab_fn *fn, unsigned int reg)
{
	return (uint16_t)(fab_get(fn, reg) >> (reg & 2) * 8);
}

static inline uint8_t fab_get8(const struct fab_fn *fn, unsigned int reg)
{
	return (uint8_t)(fab_get(fn, reg) >> (reg & 3) * 8);
}

/* Clear @clear, then set @set, in the 16 bits at @reg. */
void fab_update16(struct fab_fn *fn, unsigned int reg, uint16_t clear,
		  uint16_t set);
/* Write as software does: masks, then hooks. Outside of the segment's lock. */
void fab_fn_write(struct fab_fn *fn, uint16_t reg, uint8_t size, uint32_t val);
/* The same from within. */
void fab_fn_write_locked(struct fab_fn *fn, uint16_t reg, uint8_t size,
			 uint32_t val);

/* --- bar.c ---------------------------------------------------------------- */

/* Bytes that BAR @i (as pci_dev_desc.bar) covers now; resizing counted in. */
uint64_t fab_bar_size(const struct fab_fn *fn, unsigned int i);
/* Where it lies; 0: nowhere. */
uint64_t fab_bar_addr(const struct fab_fn *fn, unsigned int i);
void fab_bar_place(struct fab_fn *fn, unsigned int i, uint64_t addr);
/* The register of BAR @i. */
unsigned int fab_bar_reg(const struct fab_model *m, unsigned int i);
/* The writable bits of a dword, resized BARs considered. */
uint32_t fab_rw_mask(const struct fab_fn *fn, unsigned int dword);

/* A bridge's window: base > limit when it is closed. */
enum fab_space { FAB_SPACE_IO, FAB_SPACE_MEM, FAB_SPACE_PREF, FAB_SPACES };
struct fab_window {
	uint64_t base, limit;
};
struct fab_window fab_window(const struct fab_fn *fn, enum fab_space space);
void fab_window_set(struct fab_fn *fn, enum fab_space space,
		    struct fab_window w);

/* --- hook.c, sriov.c, memory.c -------------------------------------------- */

/* A hooked dword is being written; segment lock. @mask: the bits of bytes. */
void fab_hook(struct fab_fn *fn, unsigned int dword, uint32_t mask,
	      uint32_t val);
/* Back to initial values, sticky bits kept; VFs disappear. Segment lock. */
void fab_reset(struct fab_fn *fn);
/* All functions on a link, and below. Segment lock; the caller routes. */
void fab_reset_link(struct fab_link *link);

/* As many as NumVFs says, routed. Segment lock. 0; -ENOMEM. */
int fab_vfs_create(struct fab_fn *pf);
/* Unroutes them first. Segment lock. */
void fab_vfs_destroy(struct fab_fn *pf);
uint16_t fab_vf_bdf(const struct fab_fn *pf, unsigned int index);

void fab_pages_free(struct fab_fn *fn);
/* MSI-X entry @vector, its pending bit. Segment lock. */
struct fab_msix {
	bool masked;
	uint64_t address;
	uint32_t data;
};
struct fab_msix fab_msix_entry(const struct fab_fn *fn, unsigned int vector);
bool fab_msix_pending(const struct fab_fn *fn, unsigned int vector);
void fab_msix_pend(struct fab_fn *fn, unsigned int vector, bool pending);

bool fab_powered(const struct fab_fn *fn); /* D0 */
bool fab_masters(const struct fab_fn *fn); /* D0, and Bus Master is on */

/* A place in memory space that somebody claims. */
struct fab_target {
	struct fab_fn *fn;
	unsigned int bar;
	uint64_t offset;
};

/* Does @fn claim it, or somebody below? Segment lock. */
bool fab_claims(struct fab_fn *fn, uint64_t addr, struct fab_target *out);
bool fab_segment_claims(struct fab_segment *seg, uint64_t addr,
			struct fab_target *out);
/* By a device, inside one page. 0; -ENOMEM. Segment lock. */
int fab_target_copy(const struct fab_target *t, void *buf, size_t len,
		    bool write);

/* --- firmware.c, slot.c --------------------------------------------------- */

/* What is left of each address space. */
struct fab_arena {
	struct fab_window space[FAB_SPACES];
};

/* The spaces of a whole machine. */
void fab_arena_init(struct fab_arena *arena);
/*
 * Place BARs and windows on a link and below, switch decoding and bus
 * mastering on, enable the VFs that power on enabled. Bus numbers are set
 * already. No lock: nobody sees the link yet.
 */
void fab_firmware(struct fab_link *link, struct fab_arena *arena);
/* The same for VFs, once their PF is routed. Segment lock. */
int fab_firmware_vfs(struct fab_link *link);

/* Presence and link state of a port, as its link says; events if @event. */
void fab_slot_update(struct fab_fn *port, bool event);

/* --- witness.c ------------------------------------------------------------ */

void fab_epoch_bump(struct fabric *f);
void fab_witness_config(struct fab_segment *seg, pci_sbdf_t sbdf,
			const struct fab_fn *fn, bool write);
/* An access to memory that @fn claims. Segment lock. */
void fab_witness_memory(const struct fab_fn *fn, bool write);
void fab_witness_adding(struct pci_host *host, pci_sbdf_t sbdf);
void fab_witness_removed(struct pci_host *host, pci_sbdf_t sbdf);

/* Who was reached by a request of @fn. Segment lock. */
struct fab_reached {
	struct fab_fn *fn;
	unsigned int owner; /* domain id; FABRIC_NOBODY */
	bool space;         /* through the tables of .domid */
	unsigned int domid;
};
/* True: @fn is dom_io's, on its way or, and that is for the caller, at rest. */
bool fab_witness_reached(const struct fab_reached *reached);
/* @fn has reached a BAR of @target. */
void fab_witness_peer(const struct fab_fn *fn, const struct fab_fn *target);
void fab_witness_event(const struct fab_fn *fn, hf_atomic(uint64_t) * count,
		       const char *what);

/* --- unit.c, fault.c -------------------------------------------------------- */

extern const struct iommu_ops fab_iommu_ops;
extern const struct msi_ops fab_msi_ops;
int fab_machine_init(struct fabric *f); /* 0; -ENOMEM */
void fab_machine_fini(struct fabric *f);
int fab_unit_init(struct fab_segment *seg);
void fab_unit_fini(struct fab_segment *seg);

/* What its faults make of a reset: false, it has none. Segment lock. */
bool fab_faults_reset(struct fab_fn *fn);
bool fab_keeps_dma(const struct fab_fn *fn);

/* --- parse.c, card.c, scale.c, builtin.c ---------------------------------- */

/* Fill an empty fabric from JSON text. @name: for messages. */
int fab_parse(struct fabric *f, const char *name, const char *text, size_t len,
	      char *err, size_t errlen);
/* Remember text's cards under f->builtin. */
int fab_parse_builtin(struct fabric *f, char *err, size_t errlen);
/* A card, by name or description, as a link below @port, not attached. */
int fab_parse_card(struct fab_fn *port, const char *card, struct fab_link **out,
		   char *err, size_t errlen);
int fab_scale(struct fabric *f, uint64_t n, char *err, size_t errlen);

extern const char fab_server_json[], fab_empty_json[], fab_lab_json[],
	fab_cards_json[];

static inline struct fabric *fab_of_host(struct pci_host *host)
{
	return container_of(host, struct fabric, host);
}

#endif
