/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of core/vpci share.
 *
 *   trap.c      section → table → device → view; verdicts; 8 bytes as two;
 *               trap.h is for the other ways in
 *   engine.c    view → dword → answer
 *   register.c  adding registers to a view that is being built
 *   view.c      building, freeing; the stage "vpci"; queries
 *   policy.c    the two policies; policy_check.c what no policy may allow
 *   chain.c     both capability chains, around what is hidden
 *   header.c, bar.c, cap_*.c   one part of configuration space each
 *   map.c       BARs into the guest; space.c a domain's address space
 *   vcpu.c      what a vCPU has yet to do; vfs.c VF Enable, an operation
 *   ecam.c, pio.c, mmio.c      other ways in
 *
 * Life of a view. It is built by the owner of pdev->op before the domain can
 * reach the device, and freed by him a grace period after the domain could last
 * reach it, or with the device. So whoever found the device in a section as the
 * property of a domain may use that domain's view until the section ends.
 *
 * "Fixed" means: written while the view is built, and never again.
 */
#ifndef CORE_VPCI_INTERNAL_H
#define CORE_VPCI_INTERNAL_H

#include <holdfast/config.h>
#include <holdfast/pci_regs.h>
#include <holdfast/vpci.h>

#include "config/internal.h"
#include "device/internal.h"

/* --- a view ----------------------------------------------------------------- */

/* Four byte lanes; lane[i]: which of view->range has byte i, 0: none. */
struct vpci_dword {
	/* Written under pdev->lock, or as vpci_kept_write() says. */
	hf_atomic(uint32_t) value;
	/* Fixed once sealed. What a read gets from the value; and what it has
	 * to ask for, hardware or a hook. */
	uint32_t shown, asked;
	uint32_t hw, rw, w1c, rsvdp, rsvdz; /* fixed, as struct vpci_masks */
	uint32_t used;    /* fixed: bits that a register has */
	uint32_t initial; /* fixed: value at first, and after a reset */
	uint8_t lane[4];  /* fixed */
};

/* A register with hooks. Fixed. */
struct vpci_range {
	vpci_read_fn *read;
	vpci_write_fn *write;
	void *data;
	uint16_t reg;
	uint8_t size;
};

/* Which registers were added; only while the view is built. */
struct vpci_added {
	uint16_t reg;
	uint8_t size;
	uint8_t range; /* 0: no hooks */
};

enum vpci_map_state {
	VPCI_UNMAPPED,
	VPCI_MAPPING, /* [0, done) is */
	VPCI_MAPPED,
	VPCI_UNMAPPING /* [0, done) still is */
};

/*
 * One BAR of a view, and what the guest's address space has of it. All but
 * what is fixed: pdev->lock.
 */
struct vpci_bar {
	uint64_t hpa, size; /* fixed; a hardware domain's: see vpci_bar_hpa();
			       size 0: not there */
	uint8_t kind;       /* fixed; enum pci_bar_kind */
	bool prefetch;      /* fixed */
	uint16_t reg;       /* fixed: its (lower) register */
	hf_atomic(uint64_t) addr; /* where the guest has put it */
	bool decode;              /* the guest wants it there */
	bool told;                /* of a failure; until it is mapped */
	bool failed;              /* the last attempt; cleared by the next */
	bool rom_on;              /* a guest's ROM: hardware decodes it */
	/*
	 * What is below is written under the lock, and while busy by that
	 * step's thread only, which may read it without.
	 */
	enum vpci_map_state state;
	bool busy;   /* a piece of work on it is under way */
	bool drop;   /* … whose thread is to give everything back */
	bool moving; /* claimed at .other, too: UNMAPPING goes there, MAPPING
			comes from there */
	uint64_t at, done; /* where it is claimed and (being) mapped */
	uint64_t other;
	uint64_t mapped; /* bytes that do not trap; UNMAPPING: at most */
};

#define VPCI_BARS (PCI_BAR_FIRST_ROM + 1)

/* A part of a BAR: [start, end). */
struct vpci_msix_region {
	uint8_t bar;
	uint64_t start, end;
};

/* What a write has set going; pdev->lock. */
enum {
	VPCI_WORK_BARS = 1 << 0, /* map what is decoded, unmap the rest */
	VPCI_WORK_FLR = 1 << 1,  /* a reset is over at flr_over */
	VPCI_WORK_VFS = 1 << 2,  /* VF Enable was written */
};

struct vpci_msi;
struct vpci_msix;
struct vpci_vfs;

struct vpci {
	struct pci_dev *pdev;  /* fixed; owns none: it owns the view */
	struct domain *domain; /* fixed; owns a reference */
	const struct vpci_policy *policy; /* only while built */
	char policy_name[PCI_WHO_LEN];    /* fixed */
	bool hardware; /* fixed: what is not described passes through */
	bool sealed;   /* fixed from then on */
	uint16_t size; /* fixed: bytes of configuration space */
	uint8_t index[PCI_CFG_SPACE_EXP_SIZE / 4]; /* fixed; 0: none */
	unsigned int ndwords, nranges, dword_room, range_room; /* fixed */
	unsigned int caps, hidden, failed;                     /* fixed */
	uint16_t cap_end;         /* only while a capability is set up: where it
			     ends; else 0 */
	struct vpci_dword *dword; /* owned; entry 0 is not used */
	struct vpci_range *range; /* owned; entry 0 is not used */
	struct vpci_added *added; /* owned; NULL once sealed */
	unsigned int nadded, added_room;

	/* Cut off: answers all-ones, maps nothing. Relaxed: it tells of nothing
	 * else, and who sets it waits for a grace period or takes the lock. */
	hf_atomic(uint32_t) cut;
	/* VPCI_WORK_*; written under pdev->lock. What is taken away with
	 * release is done. */
	hf_atomic(uint32_t) work;
	uint64_t asked;        /* how often for work; pdev->lock */
	uint64_t flr_over;     /* plat_now(); pdev->lock */
	uint16_t flr_register; /* to tell it by; 0: it is told; pdev->lock */
	/* Fixed: as the host had them when the view was built. */
	struct pci_bar host_bar[PCI_BAR_COUNT];
	struct vpci_bar bar[VPCI_BARS];
	/* Fixed, of a guest: hardware's table and PBA, shown or not. */
	struct vpci_msix_region msix_table, msix_pba;
	struct vpci_msi *msi;   /* owned; or NULL */
	struct vpci_msix *msix; /* owned; or NULL */
	struct vpci_vfs *vfs;   /* owned; or NULL */
	struct plat_rcu_head rcu;
};

/* The hardware domain's view, or that of a guest; in a section. Or NULL. */
static inline struct vpci *vpci_view_of(struct pci_dev *pdev, bool hardware)
{
	return hardware ? hf_load_relaxed(&pdev->hw_view)
			: hf_load_acquire(&pdev->view);
}

/* The view of the domain that owns the device; in a section. Or NULL. */
static inline struct vpci *vpci_view(struct pci_dev *pdev, struct domain *d)
{
	return vpci_view_of(pdev, d == hardware_domain);
}

/* --- view.c ------------------------------------------------------------------- */

extern struct vpci_options vpci_options; /* fixed */

/*
 * Build @pdev's view for @d by @policy: header, capabilities, extend, seal. 0
 * and *@out; -ENOMEM; the error of extend. Outside sections, no lock; the host
 * does not block.
 */
int vpci_build(struct pci_dev *pdev, struct domain *d,
	       const struct vpci_policy *policy, struct vpci **out)
	__must_check;
/* Nobody can reach it; a section may still use it: through RCU. NULL is fine. */
void vpci_free_later(struct vpci *view);

/* --- register.c ----------------------------------------------------------------- */

/* All that was added since there were @before registers, not sealed yet. */
void vpci_undo_registers(struct vpci *view, unsigned int before);
/* No more registers: gives back the room that is left. Cannot fail. */
void vpci_seal(struct vpci *view);
/* Every value as it was at first (a reset of the guest's own). Under the lock. */
void vpci_values_reset(struct vpci *view);
/* Frees what registers take. */
void vpci_registers_free(struct vpci *view);

/* --- engine.c ------------------------------------------------------------------- */

/*
 * One access of 1, 2 or 4 bytes, aligned, inside the view. In a section; write
 * under pdev->lock, too. Hardware is touched only while not lost.
 */
uint32_t vpci_view_read(struct vpci *view, uint16_t reg, uint8_t size);
void vpci_view_write(struct vpci *view, uint16_t reg, uint8_t size,
		     uint32_t val);
/*
 * Most accesses are to bits that are only kept. False: not done, it is one for
 * vpci_view_read(), vpci_view_write(). In a section; no lock, see engine.c.
 */
static inline bool vpci_kept_read(struct vpci *view, uint16_t reg, uint8_t size,
				  uint32_t *val)
{
	static const uint32_t ones[] = { 0, 0xff, 0xffff, 0, 0xffffffff };
	unsigned int at = reg, index = view->index[at / 4];
	unsigned int shift = 8 * (at & 3);
	struct vpci_dword *d;

	if (!index) {
		*val = 0;
		return !view->hardware && reg < view->size;
	}
	d = &view->dword[index];
	/* Relaxed: it tells of nothing else. */
	*val = (hf_load_relaxed(&d->value) & d->shown) >> shift & ones[size];
	return !(d->asked >> shift & ones[size]);
}

/* vpci_get(), without the call. */
static inline uint32_t vpci_value(struct vpci *view, unsigned int reg,
				  uint8_t size)
{
	unsigned int index = view->index[reg / 4];
	struct vpci_dword *d;

	if (!index)
		return 0;
	d = &view->dword[index];
	/* Relaxed, as above. */
	return (view->sealed ? hf_load_relaxed(&d->value) : d->initial) >>
		       8 * (reg & 3) &
	       UINT32_MAX >> (32 - 8 * size);
}

bool vpci_kept_write(struct vpci *view, uint16_t reg, uint8_t size,
		     uint32_t val);
/* Such a write needs no lock: nothing describes these bytes. */
bool vpci_write_passes(const struct vpci *view, uint16_t reg, uint8_t size);

/* --- what is small ----------------------------------------------------------------- */

static inline uint64_t vpci_ones(uint8_t size)
{
	return size >= 8 ? UINT64_MAX : (1ull << 8 * size) - 1;
}

/* Something is to be done once the vCPU stops; under pdev->lock. */
static inline void vpci_want(struct vpci *view, uint32_t work)
{
	hf_fetch_or_relaxed(&view->work, work);
	view->asked++;
}

/* The function is being reset by its guest (flr.c); under pdev->lock. */
static inline bool vpci_in_flr(struct vpci *view)
{
	return hf_load_relaxed(&view->work) & VPCI_WORK_FLR;
}

/* --- policy.c, chain.c -------------------------------------------------------------- */

/* How @policy treats a capability; NULL: hidden (.hardware: as it is). */
const struct vpci_cap_policy *vpci_cap_policy(const struct vpci_policy *policy,
					      bool extended, uint16_t id);
/*
 * All capabilities of @view's device: set up what @view->policy shows, hide the
 * rest, and rebuild both chains. Counts in view->caps, hidden, failed. Errors
 * hide; -ENOMEM only.
 */
int vpci_build_caps(struct vpci *view) __must_check;
/* What no register has of [from, end), as @rest says. As vpci_add_register() */
int vpci_add_rest(struct vpci *view, enum vpci_rest rest, uint16_t from,
		  uint16_t end) __must_check;

/* --- header.c, bar.c ------------------------------------------------------------------ */

/* The registers below 0x40, Capabilities Pointer apart. As vpci_build_bars() */
int vpci_build_header(struct vpci *view) __must_check;
/*
 * BAR and expansion ROM registers of a guest's view, and view->bar. 0; -ENOMEM;
 * -EIO, -ENODEV a BAR cannot be read, of a guest's view.
 */
int vpci_build_bars(struct vpci *view) __must_check;
/* Memory decode changed: every BAR's .decode anew; wants WORK_BARS. Lock. */
void vpci_bars_decode(struct vpci *view, bool memory);
/* Nothing of it is the guest's any more. Any number of times; under the lock. */
void vpci_bar_is_unmapped(struct vpci *view, struct vpci_bar *bar);
/* BAR @i's registers say @addr again (a move failed). Under the lock. */
void vpci_bar_put_back(struct vpci *view, unsigned int i, uint64_t addr);
/* The guest's Command gets these bits cleared (decode off). Under the lock. */
void vpci_command_clear(struct vpci *view, uint16_t bits);
/* As the guest reads it. */
static inline uint16_t vpci_command(struct vpci *view)
{
	return (uint16_t)(view->hardware ? vpci_hw_read(view, PCI_COMMAND, 2)
					 : vpci_value(view, PCI_COMMAND, 2));
}
/* Its memory BARs decode, if they are enabled. A VF of the hardware domain's
 * decodes by its PF's word (§9.3.3.3.4). */
static inline bool vpci_memory_is_on(struct vpci *view)
{
	return (view->hardware && view->pdev->desc.is_vf) ||
	       vpci_command(view) & PCI_COMMAND_MEMORY;
}
/* BARs and hardware's Command follow the guest's anew. Under the lock. */
void vpci_command_apply(struct vpci *view);
/* A guest's message interrupts went on or off: INTx follows. Under the lock. */
void vpci_intx_update(struct vpci *view);
/* A reset of the guest's own: emulated values as at the start. Lock. */
void vpci_header_reset(struct vpci *view);
/*
 * The hardware as a guest shall find it, and (of a guest's view only) as the
 * host had it: Command, BARs, MSI and MSI-X off. Outside the lock; the owner of
 * pdev->op.
 */
int vpci_header_enter(struct vpci *view);
int vpci_header_leave(struct vpci *view);
/* The part of enter that a reset undoes: writes only. In a section. */
int vpci_header_start(struct vpci *view);
/* The same of what bar.c has: after vpci_values_reset(). */
void vpci_bars_reset(struct vpci *view);

/* --- map.c: the guest's address space ---------------------------------------------------- */

/* At most so many bytes at once, which may all be pages on their own. */
#define VPCI_MAP_PIECE 0x200000u

/* Where the hardware is that is at @at; the hardware domain moves it itself. */
static inline uint64_t vpci_bar_hpa(const struct vpci *view,
				    const struct vpci_bar *bar, uint64_t at)
{
	return view->hardware ? at : bar->hpa;
}

/*
 * One bounded piece towards what the BARs' .decode and .addr say. In a section,
 * no lock. True: there is more to do.
 */
bool vpci_map_step(struct vpci *view);
/*
 * Everything out of the guest's address space, claims too, at once. @cut: what
 * is left of it shall read all-ones. No lock; any number of times. What a map
 * step of another thread is just about, that thread takes out itself: all is
 * gone a grace period after.
 */
void vpci_unmap_all(struct vpci *view, bool cut);

/* --- space.c: what lies where in a guest ---------------------------------------------------- */

/*
 * One claimed BAR: a published pointer. Found in a section only, and given back
 * before the view is freed, which is done a grace period after.
 */
struct vpci_claim {
	uint64_t start, last;
	uint64_t reach;  /* the highest .last up to this one, by .start */
	uint64_t serial; /* who came first has it, where two overlap */
	hf_atomic(struct vpci *) view; /* NULL: it was given back */
	uint8_t bar;
};

/*
 * Claim BAR @bar of @view at @at. 0; -ERANGE outside the windows, over
 * configuration space, or it wraps; -ENOMEM. In a section, no lock.
 */
int vpci_space_claim(struct vpci *view, unsigned int bar, uint64_t at)
	__must_check;
/* Give back; any number of times. Any context; pdev->lock may be held. */
void vpci_space_release(struct vpci *view, unsigned int bar, uint64_t at);
/* Who has @gpa (came first)? *@offset in the BAR. In a section. NULL: nobody */
struct vpci *vpci_space_find(struct domain *d, uint64_t gpa, unsigned int *bar,
			     uint64_t *offset);
/*
 * The first run of whole pages at or after *@offset and before @end (both, and
 * @at, multiples of the page size) that is BAR @bar's of @view, claimed at @at,
 * and of nobody who came first. False: none. *@len is at most @end - *@offset.
 * In a section.
 */
bool vpci_space_run(struct vpci *view, unsigned int bar, uint64_t at,
		    uint64_t end, uint64_t *offset, uint64_t *len);
/* The stage's domain_gone. */
void vpci_space_free(struct domain *d);

/* --- the capabilities ---------------------------------------------------------------------
 * Each file has the capability's policies, and its set-up where a table does
 * not say it all. NULL in a policy: hidden, or as it is.
 */
extern const struct vpci_cap_policy vpci_guest_pm, vpci_guest_vpd,
	vpci_guest_msi, vpci_guest_vndr, vpci_guest_pcie, vpci_guest_msix,
	vpci_guest_af, vpci_guest_ssvid;
extern const struct vpci_cap_policy vpci_guest_aer, vpci_guest_dsn,
	vpci_guest_ext_vndr;
extern const struct vpci_cap_policy vpci_hwdom_sriov, vpci_hwdom_rebar;

/* Does the guest have message interrupts on? Under the lock. */
bool vpci_msi_is_on(struct vpci *view);
bool vpci_msix_is_on(struct vpci *view);
/* All vectors off and forgotten, the receiver told. Under the lock. */
void vpci_msi_reset(struct vpci *view);
void vpci_msix_reset(struct vpci *view);
void vpci_msi_free(struct vpci *view);
void vpci_msix_free(struct vpci *view);
int vpci_msi_vector(struct vpci *view, unsigned int i, struct pci_vector *out);
int vpci_msix_vector(struct vpci *view, unsigned int i, struct pci_vector *out);
int vpci_msi_pending(struct vpci *view, unsigned int i);  /* under the lock */
int vpci_msix_pending(struct vpci *view, unsigned int i); /* likewise */
void vpci_msi_info(struct vpci *view, struct vpci_info *info);
void vpci_msix_info(struct vpci *view, struct vpci_info *info);

/*
 * Hardware's vectors off, whatever the guest wants; and what it wants anew, as
 * after a reset of the function. Under the lock, in a section.
 */
void vpci_irq_stop(struct vpci *view);
void vpci_irq_start(struct vpci *view);

/*
 * Note where a guest must not reach in its BARs, whatever it is shown. -EIO: it
 * does not say where.
 */
int vpci_msix_find_regions(struct vpci *view);
/*
 * Does this page of the BAR (offset: a multiple of the page size) hold a part
 * of the MSI-X table or PBA? Fixed; any context.
 */
bool vpci_msix_has_page(struct vpci *view, unsigned int bar, uint64_t offset);
/*
 * An access to the table or the PBA: true if it was (also a bad one). Read: in
 * a section; write: under the lock, too.
 */
bool vpci_msix_mem_read(struct vpci *view, unsigned int bar, uint64_t offset,
			uint8_t size, uint64_t *val);
bool vpci_msix_mem_write(struct vpci *view, unsigned int bar, uint64_t offset,
			 uint8_t size, uint64_t val);

/*
 * A Function Level Reset by the guest (PCIe, AF), if the device can and has no
 * VFs. Under the lock; hardware is told by the first step that finds no BAR
 * mapped and reaches it.
 */
void vpci_flr_begin(struct vpci *view);
/* In a section, no lock: true and *@when while it is not over. */
bool vpci_flr_step(struct vpci *view, uint64_t *when);

/*
 * VF Enable or its end, in steps; the caller's reference. Outside sections.
 * True and *@when: not finished.
 */
bool vpci_vfs_step(struct pci_dev *pdev, struct vpci *view, uint64_t *when);
/* By the owner of pdev->op. */
void vpci_vfs_forget(struct pci_dev *pdev, struct vpci *view);
void vpci_vfs_free(struct vpci *view);

#endif
