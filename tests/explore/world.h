/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of the scenarios: a host in memory of a few functions, which is
 * the witness (an access to a function that the core promised not to touch any
 * more fails the schedule), and the calls that every scenario makes.
 */
#ifndef TESTS_EXPLORE_WORLD_H
#define TESTS_EXPLORE_WORLD_H

#include <holdfast/atomic.h>
#include <holdfast/domain.h>
#include <holdfast/errno.h>
#include <holdfast/event.h>
#include <holdfast/removal.h>
#include <holdfast/vpci.h>

#include "scenarios.h"

#define MSEC PLAT_NSEC_PER_MSEC

/*
 * In SBDF order: a PF with its VF, and a card on its own. They stand at the
 * end of the segment, each world with a neighbour just below its first, because
 * the core walks over empty slots and each is a step.
 */
#define PF_NEIGHBOUR (pci_sbdf(0, 0xff, 0x1e, 6))
#define PF (pci_sbdf(0, 0xff, 0x1e, 7))
#define VF (pci_sbdf(0, 0xff, 0x1f, 0))
#define CARD_NEIGHBOUR (pci_sbdf(0, 0xff, 0x1f, 6))
#define CARD (pci_sbdf(0, 0xff, 0x1f, 7))

/* What register 0 of a function reads, while there is one. */
#define WORLD_ID 0x1234abcdu
#define ALL_ONES 0xffffffffu
/* The one register that holds what is written, for guests too. */
#define SCRATCH 0x40
#define BYTES 0x80 /* world_assigned_bytes() */
#define WHOLE 0x84 /* all of it kept */

/* The card's BAR 0: where the host has it, and one page of it at most. */
#define WORLD_BAR 0xf0000000u
#define WORLD_BAR_SIZE 0x1000u

/* Setups: nothing yet; the card alone; the PF; PF and VF; all three. */
void world_empty(void);
void world_card(void);
void world_pf(void);
void world_pf_vf(void);
void world_all(void);
/* world_card() with the guests "one" and "two". */
void world_guests(void);
/* And the card is given to "one", which sees it at GUEST_SLOT. */
void world_assigned(void);
#define GUEST_SLOT (pci_sbdf(0, 0, 1, 0))

/* And "one" has put the BAR at this address, and not yet mapped it. */
void world_placed(void);
#define GUEST_BAR 0xe0000000u
/* world_placed(), and it is mapped. */
void world_mapped(void);
/* world_assigned(), of a card that has MSI. */
void world_assigned_msi(void);
/* world_assigned(), and the guest has registers at BYTES and WHOLE. */
void world_assigned_bytes(void);
#define WORLD_MSI 0x50
/*
 * The same worlds with core/iommu, core/irq and core/reset: the card has the
 * unit's IOMMU and controller, MSI with a mask bit, and Advanced Features' reset.
 * Call before one of the setups above.
 */
void world_with_units(void);
/* Only these of them: what is not there costs no steps. */
enum {
	WORLD_IOMMU = 1 << 0,
	WORLD_IRQ = 1 << 1,
	WORLD_RESET = 1 << 2, /* by Advanced Features, which the guest sees */
	WORLD_MSIX = 1 << 3,  /* a table of one, in no BAR */
	WORLD_VFS = 1 << 4, /* the PF has SR-IOV; the hardware domain's views */
};
void world_with(unsigned int modules);
#define WORLD_MSIX_CAP 0x44
#define WORLD_AF 0x70
#define WORLD_SRIOV 0x100
/*
 * The PF's SR-IOV Control; of which VF Enable is to be set by nobody while it is
 * guarded.
 */
uint16_t world_vf_control(void);
void world_vf_guard(bool on);
/* What the card would send now, if its registers let it; else pending. */
struct world_message {
	uint64_t address;
	uint32_t data;
};
bool world_message(struct world_message *m);
bool world_message_kept(void); /* pending */
/* Is the card allowed to start anything? A switch of its own, for the host. */
bool world_masters(void);
/* How often the card was reset; and whether it survives the next one. */
unsigned int world_resets(void);
void world_reset_kills(bool yes);
/* What the card has in its Command register. */
uint16_t world_command(void);
/* Interrupts that "one" and "two" got. */
extern unsigned int world_interrupts[2];

/* Is the receiver of the guests' interrupts told that one may come? */
bool world_vector(void);
/* How often "one" was asked to give the card back. */
unsigned int world_asked(void);
/* A vCPU of "one", for one thread at a time; what it has yet to do, done. */
extern struct vpci_vcpu world_vcpu;
void world_settle(struct vpci_vcpu *vcpu);
/* The guest-physical page at which "one" has the BAR mapped; 0: nowhere. */
uint64_t world_mapped_at(void);

extern struct domain *guest_one, *guest_two; /* counted; put by world_end() */

/*
 * Finish: the invariants hold; guests die; pci_fini(); what is then left over
 * is found by the explorer.
 */
void world_end(void);
/* The same, and the card was removed, or was not. */
void world_end_card_gone(void);
void world_end_card_there(void);

/*
 * Register a function: VF is PF's child. @generation: other hardware. While this
 * runs the witness lets accesses pass: they may be the new one's.
 */
int world_add(pci_sbdf_t sbdf, unsigned int generation);
/* Has the core, or a loss, promised not to touch it? */
bool world_promised(pci_sbdf_t sbdf);

/* If set: called at each access to the card, by who makes it. */
extern void (*world_witness)(void);
/* Accesses that reached the host so far, at all. */
unsigned int world_reads(void);

/*
 * One trap of @d, retried while it is told to; every answer must be the
 * device's own or all-ones. True: the device's own.
 */
bool world_trap(struct domain *d, pci_sbdf_t addr);
/* Likewise a write, of a register that nobody else writes. */
void world_trap_write(struct domain *d, pci_sbdf_t addr, uint32_t val);
uint32_t world_scratch(pci_sbdf_t sbdf); /* what the hardware has there */
void world_write_scratch(pci_sbdf_t sbdf, uint32_t val); /* by itself */

/* Touch the hardware as the owner of a reference does. */
void world_touch(struct pci_dev *pdev);

/* Counted, or the scenario fails. */
struct pci_dev *world_get(pci_sbdf_t sbdf);

/*
 * pci_remove_device(), which must answer by its deadline: after 0 the function
 * is unknown, nobody reads it, and the witness agrees.
 */
int world_remove(pci_sbdf_t sbdf, unsigned int flags, uint64_t timeout);
extern struct pci_removal_info world_report; /* of the last of them */

/*
 * pci_device_lost(): after 0 the witness expects no access to the function,
 * until it is added again.
 */
int world_lose(pci_sbdf_t sbdf);

/* pci_mark_lost() and a grace period; likewise. */
int world_mark_lost(pci_sbdf_t sbdf);

/*
 * No time has passed: nobody had to wait for a deadline, so whoever waited was
 * woken by what it waited for.
 */
void world_in_no_time(void);
/*
 * Or, where a grace period may have been looked for again and again since the
 * reader had no processor: no deadline has passed.
 */
void world_in_time(void);

/* A hold whose holder is asked by an event. */
struct world_hold {
	struct pci_hold *hold;
	plat_event_t asked;
	unsigned int asks, cuts;
};
extern const struct pci_hold_ops world_hold_ops;
int world_hold_take(struct world_hold *h, pci_sbdf_t sbdf);
/* In setup: on the card, kept in world_session. */
extern struct world_hold world_session;
void world_card_held(void);

#endif
