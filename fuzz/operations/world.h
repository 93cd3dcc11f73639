/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the operations of one input work on: the machine of fabric.json, two
 * guests at most, what they have mapped, and what was taken and is to be given
 * back.
 */
#ifndef FUZZ_OPERATIONS_WORLD_H
#define FUZZ_OPERATIONS_WORLD_H

#include <string.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>

#include "fabric.h"
#include "fuzz.h"
#include "serial.h"
#include "unit.h"

#define GUESTS 2
#define DEVICES 24 /* addresses, some of them empty */
#define PAGES 8
#define KEPT 4
#define TASKS 6
#define DMA 0x10000ull
#define MSEC PLAT_NSEC_PER_MSEC

/* One operation, as the input has it. */
struct step {
	uint8_t op, dev, dom, a, b, c;
};

/* What the guest does when it is asked for a device. */
enum on_ask { GIVES_BACK, REFUSES, IGNORES };

struct guest {
	struct domain *d; /* owns a reference; NULL: none */
	enum on_ask on_ask;
	uint64_t ram; /* PAGES pages */
	bool mapped[PAGES];
	bool mapping;               /* somebody maps or unmaps */
	struct pci_mapping bar[64]; /* parts of BARs in its memory */
	unsigned int nbars;
};

struct bound {
	struct pci_dev *pdev; /* owns a reference; NULL: none */
	enum pci_vector_kind kind;
	unsigned int first, count;
};

extern struct world {
	struct fabric *f;
	uint64_t ram; /* a page of the host's */
	pci_sbdf_t dev[DEVICES];
	unsigned int ndevs;
	struct guest guest[GUESTS];
	struct pci_hold *hold[KEPT];
	bool cut[KEPT];                    /* … was cut off */
	struct pci_dev *ref[KEPT];         /* owns a reference */
	struct pci_removal *removal[KEPT]; /* of a task that steps it */
	struct bound bound[KEPT];
	struct news {
		enum { ARRIVED, GONE, ASKED } kind;
		pci_sbdf_t sbdf;
		struct domain *d; /* of ASKED; owns a reference */
	} news[256];
	unsigned int nnews;
	bool work;            /* for pci_iommu_work() */
	unsigned int running; /* operations in tasks of their own */
	bool disturbed;       /* one ran during the last that was none */
	bool over;
	struct serial_task *keeper;
} world;

/*
 * What an operation may return beside 0, as its header says; each list ends
 * with 0. Results of the fabric's own calls are not judged.
 */
#define ERRORS 12

struct operation {
	const char *name;
	int (*run)(const struct step *s);
	int error[ERRORS];
	bool task; /* always in a task of its own */
};

/*
 * By file; each ends with a NULL name. An operation's place in them is its
 * number in inputs, so a new one goes to the end of the last.
 */
extern const struct operation removal_operations[], owner_operations[],
	guest_operations[], interrupt_operations[], hardware_operations[];

void world_open(uint8_t options);
void world_close(void);

pci_sbdf_t device_of(const struct step *s);
/* Guests, the hardware domain or dom_io; counted, or NULL: not there. */
struct domain *domain_of(const struct step *s);
/* Nobody else was at it, so that what was just done holds still. */
bool undisturbed(void);
void world_news(const struct news *news);
/* Wait until all that came has been heeded, and no task runs. */
void world_rest(void);
/* Of a domain; NULL: none of ours. */
struct guest *guest_of(const struct domain *d);

#endif
