/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Xen interface, as its files see it: Xen's headers, who may call, copies,
 * and what is between a -ERESTART and the call that goes on.
 *
 * Nothing here is a second truth beside the core's: an operation copies its
 * argument in, says what it means in the core's words, and puts the answer into
 * Xen's. Devices are named by address (and instance), never by a pointer that
 * outlives a call, so nothing here keeps a removal waiting.
 */
#ifndef CORE_XEN_ABI_INTERNAL_H
#define CORE_XEN_ABI_INTERNAL_H

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/removal.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>
#include <holdfast/xen_abi.h>

/* After ours: Xen's DOMID_IO is a macro, and another number. */
#define __XEN_TOOLS__ 1
#include <xen/domctl.h>
#include <xen/physdev.h>
#include <xen/sysctl.h>

#ifndef PHYSDEVOP_pci_device_reset
#define PHYSDEVOP_pci_device_reset 32
struct pci_device_reset {
	physdev_pci_device_t dev;
#define PCI_DEVICE_RESET_COLD 0x0
#define PCI_DEVICE_RESET_WARM 0x1
#define PCI_DEVICE_RESET_HOT 0x2
#define PCI_DEVICE_RESET_FLR 0x3
#define PCI_DEVICE_RESET_MASK 0x3
	uint32_t flags;
};
#endif

extern const struct xen_ops *xen_ops;

/* --- call.c ----------------------------------------------------------------- */

/* 0, or what somebody else than the hardware domain is told. */
int xen_may(const struct xen_caller *c);

/* 0 or -EFAULT. */
int xen_copy_from(const struct xen_caller *c, void *to, uint64_t from,
		  size_t size);
int xen_copy_to(const struct xen_caller *c, uint64_t to, const void *from,
		size_t size);

/*
 * The answer of operation @cmd on @sbdf: -EBUSY becomes -ERESTART while another
 * operation is in the way, XEN_RESTART_TIME long.
 */
int xen_answer(struct xen_caller *c, unsigned int cmd, pci_sbdf_t sbdf,
	       int err);
/* … which is on another device of the same group, as the core reports. */
int xen_answer_by(struct xen_caller *c, unsigned int cmd, pci_sbdf_t sbdf,
		  pci_sbdf_t in_the_way, int err);

/* --- removal.c --------------------------------------------------------------- */

int xen_remove(struct xen_caller *c, pci_sbdf_t sbdf);
/* The caller has not come back for it. */
void xen_removal_drop(struct xen_caller *c);

/* --- physdev.c ---------------------------------------------------------------- */

/* In a section, and so also one that is being drained; or NULL. */
struct pci_dev *xen_find(pci_sbdf_t sbdf);

/* --- pirq.c ------------------------------------------------------------------ */

int xen_pirq_init(unsigned int n); /* 0; -ENOMEM */
void xen_pirq_fini(void);
int xen_map_pirq(struct xen_caller *c, uint64_t arg);
int xen_unmap_pirq(struct xen_caller *c, uint64_t arg);

#endif
