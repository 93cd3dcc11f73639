/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A dom0 that behaves as Linux does under Xen: it enumerates its buses itself
 * and announces every function; adds VFs when it has enabled them; maps
 * interrupts of its drivers; tells of what goes, and never minds the answer;
 * restores MSI after a suspend. And its toolstack, which gives devices away.
 *
 * It knows the hypervisor by xen_physdev_op(), xen_domctl(), xen_sysctl() and
 * its own configuration accesses (which trap), and nothing else of it.
 */
#ifndef EXAMPLES_DOM0_H
#define EXAMPLES_DOM0_H

#include <holdfast/host.h>
#include <holdfast/vpci.h>
#include <holdfast/xen_abi.h>

#define DOM0_ROOM 4096
#define DOM0_VFS 64

struct dom0 {
	struct xen_caller caller;
	struct vpci_vcpu vcpu;
	uint8_t page[DOM0_ROOM]; /* what its hypercalls pass, at dom0_at() */
	struct {
		pci_sbdf_t sbdf, pf;
	} vf[DOM0_VFS]; /* that it has found */
	unsigned int nvfs;
	unsigned int announced, failed; /* functions */
	unsigned int calls, restarts;   /* of the hypervisor */
};

void dom0_init(struct dom0 *dom0);
void dom0_fini(struct dom0 *dom0);

/* For xen_ops: its page is all the memory there is. */
int dom0_copy_from(struct domain *d, void *to, uint64_t from, size_t size);
int dom0_copy_to(struct domain *d, uint64_t to, const void *from, size_t size);

/*
 * A call with @arg, which is written back; until it is not -ERESTART. The
 * answer of the hypervisor.
 */
int dom0_physdev(struct dom0 *dom0, unsigned int cmd, void *arg, size_t size);
/* XEN_DOMCTL_* of one device. @domain: as Xen numbers them. */
int dom0_assign_op(struct dom0 *dom0, uint32_t cmd, uint16_t domain,
		   pci_sbdf_t sbdf);
/* The node of a device as XEN_SYSCTL_pcitopoinfo has it; or an error. */
int dom0_node(struct dom0 *dom0, pci_sbdf_t sbdf, uint32_t *node);

/* Registers of a device that it has announced. */
uint32_t dom0_read(struct dom0 *dom0, pci_sbdf_t sbdf, unsigned int reg,
		   uint8_t size);
void dom0_write(struct dom0 *dom0, pci_sbdf_t sbdf, unsigned int reg,
		uint8_t size, uint32_t val);
/* The position of an extended (else an old) capability; 0: none. */
uint16_t dom0_cap(struct dom0 *dom0, pci_sbdf_t sbdf, bool extended,
		  uint16_t id);

/* At boot, all of a segment; returns how many it has found. */
unsigned int dom0_announce(struct dom0 *dom0, struct pci_host *host,
			   uint16_t seg);
/* One function, near to node @pxm (-1: nobody says). */
int dom0_add(struct dom0 *dom0, pci_sbdf_t sbdf, int pxm);
/* NumVFs and VF Enable, and then each VF is added. How many were. */
unsigned int dom0_enable_vfs(struct dom0 *dom0, pci_sbdf_t pf, uint16_t num);
/* PHYSDEVOP_pci_device_remove; the answer is for the log. */
int dom0_remove(struct dom0 *dom0, pci_sbdf_t sbdf);
/* MSI, one vector; the PIRQ, unmasked, or an error. */
int dom0_map_msi(struct dom0 *dom0, pci_sbdf_t sbdf);
int dom0_unmap(struct dom0 *dom0, int pirq);

/*
 * Its header, before it loses power; and when it has it again: the header back,
 * then PHYSDEVOP_restore_msi_ext.
 */
#define DOM0_SAVED 16
void dom0_suspend(struct dom0 *dom0, pci_sbdf_t sbdf,
		  uint32_t saved[DOM0_SAVED]);
int dom0_resume(struct dom0 *dom0, pci_sbdf_t sbdf,
		const uint32_t saved[DOM0_SAVED]);
/* PHYSDEVOP_prepare_msix, as pciback on seizing it; or release_msix. */
int dom0_msix(struct dom0 *dom0, pci_sbdf_t sbdf, bool prepare);
/* PHYSDEVOP_pci_device_reset by function level reset. */
int dom0_reset(struct dom0 *dom0, pci_sbdf_t sbdf);

#endif
