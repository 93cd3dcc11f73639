/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resetting a function, and looking whether that worked.
 *
 * Whatever a domain gives up is reset before anybody else has it, and the reset
 * is checked (rule 15): it forgot what it had to, answers (vendor neither
 * 0xffff nor 0x0001; a VF by its Command, and its PF), is what it was, no
 * transactions are pending, bus mastering is off, and no request of it was
 * refused by the IOMMU since. What fails stays in quarantine, with the reason,
 * and is not tried again by another method unasked. What no method resets goes
 * from the hardware domain to a guest, checked all the same; what a guest had
 * stays in quarantine.
 *
 * After a reset the device has the BARs and control registers that it had when
 * it last left the hardware domain, and nothing that a guest wrote (XSA-337).
 * Bus mastering and message interrupts are off: whoever has it next switches
 * them on (irq.h, pci_restore_msi()).
 *
 * Bridges are never reset, nor is a PF with VFs: they would take along what is
 * somebody's. A VF has no method but its own FLR.
 *
 * A removal does not reset: it makes the device quiet, and what is added again
 * is the hardware domain's, and reset before a guest has it. One that a guest
 * gave back to a removal that then ends otherwise is reset on its way home.
 */
#ifndef HOLDFAST_RESET_H
#define HOLDFAST_RESET_H

#include <holdfast/device.h>

/*
 * Once, after pci_init(): registers the stage "reset". 0 or -ENOSPC. Without
 * this call devices change hands without a reset.
 */
int pci_reset_init(void) __must_check;

enum pci_reset_method {
	PCI_RESET_FLR, /* PCIe 6.0 §6.6.2 */
	PCI_RESET_AF,  /* Advanced Features (conventional PCI ECN) */
	PCI_RESET_PM,  /* D3hot to D0 without No_Soft_Reset, §5.3.1.4 */
	PCI_RESET_BUS, /* secondary bus reset of the bridge above, §7.5.1.3.13 */
	PCI_RESET_METHODS,
	PCI_RESET_ANY = PCI_RESET_METHODS
};

/* "flr", "af", "pm", "bus"; parse: -1 unknown. */
const char *pci_reset_method_name(enum pci_reset_method method);
int pci_reset_method_parse(const char *name);

/*
 * Which methods, in which order, from now on: @n of @order, each once. Of one
 * device, or with sbdf 0xffffffff of all that have no order of their own. Of
 * one device it is forgotten with the device; n = 0: as all others. 0; -EINVAL;
 * -ENODEV. Any context without locks.
 */
int pci_reset_order(pci_sbdf_t sbdf, const enum pci_reset_method *order,
		    unsigned int n) __must_check;

/*
 * Which it has, and could use now: a bit (1 << method) each. -ENODEV; -EBUSY a
 * removal drains it. Reads the device; may sleep if its host does.
 */
int pci_reset_methods(pci_sbdf_t sbdf) __must_check;

/*
 * Reset a device that no guest owns: during it dom_io does (rule 15). Then it
 * is the hardware domain's again, or in quarantine; one that is in quarantine
 * stays there, whatever comes of it: pci_unquarantine_device() is the way out.
 *
 * A bus reset takes every function behind that bridge along; so all others
 * there have to be in quarantine, and without an operation. They get back what
 * was recorded of them, and stay. (Devices that leave their guest in one call
 * of pci_deassign_device() or domain_destroy() share a bus reset.)
 *
 * 0; -ENODEV also: pulled meanwhile; -EBUSY a guest's, hidden, or an operation
 * runs; -EBADF broken, and not in quarantine; -EINVAL no such method;
 * -EOPNOTSUPP it has none (of those asked for) now, or a read-only host; -EIO
 * it failed. *@why (may be NULL): of -EIO and -EBADF. *@used (may be NULL): by
 * which. May sleep.
 */
int pci_reset_device(pci_sbdf_t sbdf, enum pci_reset_method method,
		     enum pci_reset_method *used, const char **why)
	__must_check;

#endif
