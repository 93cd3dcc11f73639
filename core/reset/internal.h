/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of core/reset share.
 *
 *   stage.c    the stage "reset", and its steps
 *   method.c   the four methods; which, in which order
 *   bus.c      the functions that a secondary bus reset takes along
 *   check.c    did it work? (rule 15)
 *   call.c     pci_reset_device() and its kin
 *
 * struct pci_reset is made before a device is published and freed with it. All
 * of it but .order belongs to the owner of pdev->op; of a device that a bus
 * reset takes along that is the owner of the one that is reset.
 */
#ifndef CORE_RESET_INTERNAL_H
#define CORE_RESET_INTERNAL_H

#include <holdfast/pci_regs.h>
#include <holdfast/reset.h>

#include "config/internal.h"
#include "device/internal.h"
#include "iommu/internal.h"

enum reset_step {
	RESET_IDLE,
	RESET_POWER,  /* to D0 first, until .until */
	RESET_DRAIN,  /* transactions pending, until .until */
	RESET_BEGUN,  /* a second write follows at .until */
	RESET_SETTLE, /* what was under way may still fault, until .until */
	RESET_WAIT,   /* untouched, until .until */
	RESET_ANSWER, /* it may ask for retries, until .limit */
};

struct pci_reset {
	hf_atomic(uint32_t) order; /* its own, see reset_order(); 0: none */
	uint8_t step;              /* enum reset_step */
	uint8_t asked;  /* enum pci_reset_method: for the next one; or ANY */
	uint8_t method; /* likewise; METHODS: there is none */
	bool came;      /* the stage was asked to leave; .until: when */
	uint64_t until, over, limit;
	uint32_t faults;        /* as many as there were, modulo 2^32 */
	bool has_bus;           /* the bridge's operation is ours */
	bool taken;             /* a neighbour's bus reset is under way */
	bool rests;             /* … and that owns pdev->op, too */
	bool bus_done;          /* that was one for this device as well */
	uint16_t command, msix; /* bits that it shall forget */
	uint32_t bar;           /* likewise, of its first one */
	const char *why;        /* of the last one: how it failed; or NULL */
	/* With has_bus those that it takes along, by this field of theirs. */
	struct list_head along;
	struct pci_dev *pdev; /* fixed */
};

PCI_EACH_DEVICE(sizeof(struct pci_reset), 80);

/* §6.6.2, §6.6.1: to be left alone so long, then to answer within a second. */
#define RESET_TIME (100 * PLAT_NSEC_PER_MSEC)
#define RESET_RETRY (900 * PLAT_NSEC_PER_MSEC)
/* Requests that were under way, and reports of them, are over then. */
#define RESET_LATE (10 * PLAT_NSEC_PER_MSEC)

/* §5.9, in and out of D3hot; §6.6.1: at least 1 ms. */
#define RESET_POWER_TIME (10 * PLAT_NSEC_PER_MSEC)
#define RESET_BUS_TIME (2 * PLAT_NSEC_PER_MSEC)

/* --- stage.c ------------------------------------------------------------- */

/* One step of the reset of a dirty device: 0, over, or -EINPROGRESS. */
int reset_step(struct pci_dev *pdev);

/* --- method.c ------------------------------------------------------------- */

/* Nibbles, the first the lowest: method + 1; 0 ends it. Never 0. */
uint32_t reset_order(const struct pci_reset *r);
void reset_order_forget(void); /* of all devices; the stage's fini */

/*
 * Which the device has, a bit each, by what it says; but BUS, which is a matter
 * of its neighbours. Reads the device.
 */
unsigned int reset_has(struct pci_dev *pdev);
/* VFs of it would go with it (§9.2.2.2), and what is below a bridge. */
bool reset_has_children(struct pci_dev *pdev);

/*
 * The first write, and .over or .step BEGUN, for which there is another. 0; as
 * conf_update(): it may not have been told, by a method of one write only.
 */
int reset_begin(struct pci_dev *pdev);
void reset_second(struct pci_dev *pdev);

/* --- bus.c ------------------------------------------------------------------ */

enum reset_bus {
	BUS_NO,
	BUS_WAIT, /* a neighbour is being reset by the same operation */
	BUS_YES
};

/* Could its bus be reset, if its operation were ours? */
bool reset_bus_possible(struct pci_dev *pdev);
/* YES: all behind the bridge, and it, are ours until reset_bus_end(). */
enum reset_bus reset_bus_take(struct pci_dev *pdev);
/*
 * What those that were taken lose by it is recorded, if it had not been. False:
 * one cannot be read.
 */
bool reset_bus_save(struct pci_dev *pdev);
void reset_bus_assert(struct pci_dev *pdev, bool on);
bool reset_bus_answers(struct pci_dev *pdev); /* those that were taken */
/* Those are as they were recorded, as far as that can be, and let go. */
void reset_bus_end(struct pci_dev *pdev);

/* --- check.c ----------------------------------------------------------------- */

/* Stop it, and write what a reset makes it forget. */
void reset_plant(struct pci_dev *pdev);
/* Some of that is there: the reset was none. */
bool reset_had_no_effect(struct pci_dev *pdev);
/* Static text, or NULL: it answers, and not for retries. */
const char *reset_no_answer(struct pci_dev *pdev);
/* Static text, or NULL: it is fit for another owner (rule 15). */
const char *reset_check(struct pci_dev *pdev);

#endif
