/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The laboratory of the fabric, whose dom0 knows the core by Xen's interface
 * only, and a guest. Dom0's memory is a page with an end, or with holes. What
 * every operation answered is written down, by who called it.
 */
#ifndef TESTS_XEN_ABI_LAB_H
#define TESTS_XEN_ABI_LAB_H

#include <string.h>

#include "xen_abi/internal.h"

#include <holdfast/event.h>
#include <holdfast/vpci.h>

#include "../at.h"
#include "fabric.h"
#include "unit.h"

#define CARD "0000:03:00.0"  /* FLR, MSI and MSI-X of 8 vectors */
#define OTHER "0000:04:00.0" /* the same */
#define PM_ONLY "0000:08:00.0"
#define PLAIN "0000:09:00.0"  /* MSI of one vector, reset by its bus only */
#define SPARE "0000:0a:00.0"  /* an empty slot */
#define SHARED "0000:0d:00.0" /* a group with 0e:00.0 */
#define SHARER "0000:0e:00.0"
#define OLD "0000:12:00.0" /* conventional PCI, AF; a group with 12:01.0 */
#define FIRMWARE "0000:13:00.0"
#define PF "0000:14:00.0"
#define VF "0000:14:00.1"
#define BARE "0000:10:00.0" /* no message interrupts */
#define BRIDGE "0000:00:01.0"
#define FAR "0001:02:01.0" /* of another segment */

#define BASE 0x10000ull /* where dom0's page is */
#define ROOM 4096u
#define PIRQS 64 /* of the lab; a bare one has 20 */

extern struct lab {
	struct fabric *f;
	struct xen_caller dom0, pv, hvm; /* pv, hvm: a guest's vCPUs */
	struct domain *one;
	uint8_t page[ROOM];
	size_t end;               /* bytes of it that are there */
	size_t hole, hole_size;   /* and these not; size 0: none */
	bool written_only;        /* the hole is there for reads */
	unsigned int fail_in;     /* the allocation that fails; 0: none */
	void (*meanwhile)(void);  /* … or this happens there */
	unsigned int pirq[PIRQS]; /* how often it came */
	unsigned int preempt_in;
	void (*on_dying)(void);
	unsigned int copies;
	bool was_read[ROOM]; /* by this call: no byte is read twice */
	unsigned int reads;  /* how many copies that were */
} lab;

int lab_setup(void **state);
int lab_setup_many(void **state); /* 256 functions behind one bridge */
int lab_setup_no_iommu(void **state);
int lab_setup_no_msi(void **state);
int lab_setup_bare(void **state); /* copies only, and PIRQs up to 20 */
void lab_begin(void);             /* xen_abi_init(), once more */
/* Invariants, no violation seen. */
int lab_teardown(void **state);

/* What a device is now; -ENODEV. */
struct pci_dev_info info_of(const char *device);
bool is_there(const char *device);
void make_broken(const char *device);

/* Who calls, once; the answer is written down. */
int physdev_once(struct xen_caller *c, unsigned int cmd);
/* The same of the others, not written down. */
int domctl_once(struct xen_caller *c, uint64_t arg);
int sysctl_once(struct xen_caller *c, uint64_t arg);
/* Dom0 calls, with @arg at the start of its page, till it is not -ERESTART. */
int physdev(unsigned int cmd, void *arg, size_t size);
int domctl(struct xen_domctl *op);
int sysctl(struct xen_sysctl *op);

/*
 * A removal that is in the middle of draining CARD, by another vCPU, until it
 * is given up: @cmd is 16 or 26.
 */
struct half {
	struct xen_caller vcpu;
	struct pci_dev *pdev; /* owns the reference that is waited for */
};
void half_removed(struct half *half, unsigned int cmd);
void give_up(struct half *half);

/* Arguments of one device. */
int on_device(unsigned int cmd, const char *device);
int on_old(unsigned int cmd, const char *device); /* bus and devfn only */
int reset_by(const char *device, uint32_t flags);
int add(const char *device, uint32_t flags, const char *pf, uint32_t pxm);
/* Of domctl on @device; domain as in Xen. */
int assign_op(uint32_t cmd, unsigned int domain, const char *device,
	      uint32_t flags);

/* Is what @d's vCPUs were told somewhere in the table, and who says so? */
void seen(const char *op, int ret);
/* The table of all, and whether what the header promises has been seen. */
int seen_all(void);

#define LAB(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)

/* The groups; each returns how many failed. */
int run_layout(void);
int run_rights(void);
int run_memory(void);
int run_devices(void);
int run_removal(void);
int run_reset(void);
int run_pirq(void);
int run_domctl(void);
int run_sysctl(void);
int run_errors(void);

#endif
