/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server of the fabric whose PF has four VFs, a vCPU of the hardware domain,
 * and what was told of VF Enable.
 */
#ifndef TESTS_VPCI_SRIOV_H
#define TESTS_VPCI_SRIOV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <holdfast/iommu.h>

#include <cmocka.h>

#include "fabric.h"
#include "vpci/vfs.h"

#define PF pci_sbdf(0, 3, 0, 0) /* four VFs by firmware, from 03:02.0 */
#define VF(n) pci_sbdf(0, 3, 2, (n))
#define OTHER pci_sbdf(0, 1, 0, 0)
#define ON (PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE)
#define SETTLE (100 * PLAT_NSEC_PER_MSEC)
#define FIRST UINT32_MAX /* the first free guest address */

extern struct fabric *fabric;
extern struct vpci_vcpu vcpu; /* of the hardware domain */
extern uint16_t sriov;        /* where the PF has it */

/* The PF's events. */
extern struct told {
	struct pci_event_listener listener;
	char text[32][sizeof(((struct pci_event *)0)->detail)];
	unsigned int count;
} told;
void assert_told(const char *text);

int sriov_set_up(void **state);
int sriov_tear_down(void **state); /* invariants, witness, nothing leaked */

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, sriov_set_up, sriov_tear_down)

/* What hardware has. */
uint32_t hw(pci_sbdf_t sbdf, unsigned int reg, uint8_t size);
void hw_write(unsigned int reg, uint32_t val); /* 2 bytes of the PF */
uint32_t hw_control(void);                     /* VFE and MSE */

/* What the hardware domain sees; rd(), wr(): of the PF's capability. */
uint32_t rd_at(pci_sbdf_t sbdf, unsigned int reg, uint8_t size);
void wr_at(pci_sbdf_t sbdf, unsigned int reg, uint8_t size, uint32_t val);
uint32_t rd(unsigned int reg, uint8_t size);
void wr(unsigned int reg, uint8_t size, uint32_t val);
uint32_t control(void); /* VFE and MSE */

void finish(void);            /* until the guest may resume */
void switch_vfs(uint32_t on); /* writes it and finishes */
/*
 * No VFs, as after power-on, and without a second to wait for: the firmware's
 * VFs are what a removal of the PF takes along.
 */
void without_vfs(void);
unsigned int vfs(void); /* how many are registered */

struct pci_dev_info info_of(pci_sbdf_t sbdf);
bool is_there(pci_sbdf_t sbdf);
struct domain *guest(const char *name);
void give(struct domain *d, pci_sbdf_t sbdf);
void end_of(struct domain *d);

/* The PF, with an operation that somebody else has begun. */
struct pci_dev *pf_with_op(enum pci_op op);
void end_op(struct pci_dev *pdev); /* and put */

#endif
