/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine that scenarios are told on (machine.json), with all of the core,
 * and two guests at most. Memory of the fabric's for DMA, and what is left at
 * the end.
 */
#ifndef TESTS_FAULTS_MACHINE_H
#define TESTS_FAULTS_MACHINE_H

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>

#include "driver.h"

#define PORT pci_sbdf(0, 0, 1, 0)
#define ALL pci_sbdf(0, 1, 0, 0)  /* MSI, MSI-X, ATS, FLR, a ROM */
#define PAIR pci_sbdf(0, 2, 0, 0) /* one group with */
#define PAIR_1 pci_sbdf(0, 2, 0, 1)
#define PHANTOM pci_sbdf(0, 3, 0, 0) /* is also 03:00.4 */
#define LEGACY pci_sbdf(0, 5, 0, 0)  /* behind a bridge that is its name */
#define REGION pci_sbdf(0, 6, 0, 0)  /* firmware has a region: */
#define REGION_AT 0x7f000000ull
#define PM_ONLY pci_sbdf(0, 7, 0, 0)  /* reset by its power state */
#define BUS_ONLY pci_sbdf(0, 8, 0, 0) /* … by its bus */
#define PF_OFF pci_sbdf(0, 9, 0, 0)   /* two VFs, off */
#define PF pci_sbdf(0, 10, 0, 0)      /* two VFs, on: */
#define PF_PORT pci_sbdf(0, 0, 9, 0)
#define VF_1 pci_sbdf(0, 10, 0, 1)
#define VF_2 pci_sbdf(0, 10, 0, 2)
#define SLOT pci_sbdf(0, 0, 10, 0) /* empty; a card answers at */
#define CARD pci_sbdf(0, 11, 0, 0)
#define MOST 40 /* functions, with cards */

#define BAR_AT 0xe0000000ull /* of ALL's BAR 0 in a guest */
#define DMA 0x100000ull
#define PAGES 4
#define RW (IOMMU_READ | IOMMU_WRITE)
#define LAST         \
	{            \
		0, 0 \
	}
/* Of each function; there are no capabilities above. */
#define CONFIG_KEPT 0x280u

extern struct fabric *f;
extern struct domain *one, *two;
extern struct vpci_vcpu vcpu;    /* of "one" */
extern struct vpci_vcpu hw_vcpu; /* of the hardware domain */
extern unsigned int came;        /* interrupts for "one" */

void machine_open(void);
int machine_start(bool hardware_views);  /* pci_init() and the stages */
int machine_scan(struct pci_scan *scan); /* adds segment 0 */
void machine_close(void);

/* Errors of operations that several scenarios use. */
extern const struct answer memory_only[], assign_errors[], deassign_errors[],
	removal_errors[], add_errors[], reset_errors[], hide_errors[],
	quarantine_errors[];

/* Steps that more than one scenario needs. */
int create_one(void);
bool is_one(void);
int destroy_one(void);
bool is_no_one(void);
#define CREATE_ONE                                               \
	{                                                        \
		"create", create_one, memory_only, is_one, false \
	}
#define DESTROY_ONE                                            \
	{                                                      \
		"destroy", destroy_one, NULL, is_no_one, false \
	}

bool is_there(pci_sbdf_t sbdf);
struct pci_dev_info info_of(pci_sbdf_t sbdf);
unsigned int owner_of(pci_sbdf_t sbdf);
bool is_sound(pci_sbdf_t sbdf); /* the hardware domain's, and not broken */
enum iommu_mode mode_of(pci_sbdf_t sbdf);
/* 0, also if it has it already. */
int give(struct domain *d, pci_sbdf_t sbdf, unsigned int flags);
int take(struct domain *d, pci_sbdf_t sbdf, unsigned int flags);

/* A guest's accesses, with all that follows. */
void guest_write(struct vpci_vcpu *who, pci_sbdf_t sbdf, unsigned int reg,
		 uint8_t size, uint64_t val);
uint32_t guest_read(struct vpci_vcpu *who, pci_sbdf_t sbdf, unsigned int reg,
		    uint8_t size);
void guest_work(struct vpci_vcpu *who);

/* The host past the core: not counted. */
uint32_t config(pci_sbdf_t sbdf, unsigned int reg, uint8_t size);
void poke(pci_sbdf_t sbdf, unsigned int reg, uint8_t size, uint32_t val);
uint64_t pages_of(unsigned int domid);
void free_pages(uint64_t hpa);
bool dma_arrives(pci_sbdf_t sbdf, uint64_t dma, uint64_t hpa);
int interrupt(pci_sbdf_t sbdf, unsigned int vector);

/* A card into a slot, if it is empty; and out, if the core has let go of it. */
void plug_into(pci_sbdf_t slot, const char *card);
void unplug_from(pci_sbdf_t slot);

/*
 * Those in quarantine, and broken, are taken home as the headers say; what is
 * not there any more is added. How many it had to help.
 */
unsigned int come_home(void);

/* The core's books and the host's say the same. */
void check_books(void);
uint64_t violations(void);

/* What is left at the end. */
struct rest {
	unsigned long objects;
	bool keeps_spaces, bare; /* struct scenario's */
	uint64_t number;         /* of the next object */
	struct fabric_unit_info unit;
	struct pci_iommu_stats stats;
	uint64_t vectors, domains, devices;
	unsigned int n;
	struct {
		struct pci_dev_info info;
		struct pci_iommu_info iommu;
		uint8_t config[CONFIG_KEPT];
	} fn[MOST];
};

void look_around(struct rest *rest);
/* What come_home() finds described otherwise it removes and adds. */
void machine_expect(const struct rest *rest);
/* Ends the run if @now is not as @then. */
void check_rest(const struct rest *then, const struct rest *now);

#endif
