/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest hypervisor that has the PCI device layer: a host bus with one
 * card, a guest that uses it, and an administrator who wants it out. Every
 * answer is checked; the failures are counted.
 */
#include <holdfast/config.h>
#include <holdfast/domain.h>
#include <holdfast/errno.h>
#include <holdfast/hold.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>

#include "machine.h"
#include "memory.h"

/* --- the host: where configuration space comes from -------------------------- */

static uint8_t card[4096]; /* of 0000:00:03.0; nothing else is there */

static bool at_card(pci_sbdf_t sbdf)
{
	return sbdf.sbdf == pci_sbdf(0, 0, 3, 0).sbdf;
}

static int card_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	(void)host;
	*val = UINT32_MAX >> (32 - 8 * size);
	if (at_card(sbdf)) {
		*val = 0;
		memcpy(val, card + reg, size);
	}
	return 0;
}

/* The Command register is all that can be written. */
static int card_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	(void)host;
	if (at_card(sbdf) && reg == PCI_COMMAND && size == 2)
		memcpy(card + reg, &val, size);
	return 0;
}

static int card_bar_size(struct pci_host *host, pci_sbdf_t sbdf,
			 unsigned int bar, uint64_t *size)
{
	(void)host;
	*size = at_card(sbdf) && bar == 0 ? 4096 : 0;
	return 0;
}

static const struct pci_host_ops card_ops = {
	.read = card_read,
	.write = card_write,
	.bar_size = card_bar_size,
};

static struct pci_host bus = { .ops = &card_ops, .name = "toy" };

static void set_register(uint16_t reg, uint8_t size, uint32_t val)
{
	memcpy(card + reg, &val, size);
}

static void insert_card(void)
{
	set_register(PCI_VENDOR_ID, 2, 0x1af4);
	set_register(PCI_DEVICE_ID, 2, 0x1041);
	set_register(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	set_register(PCI_CLASS_REVISION, 4, 0x02000001);
	set_register(PCI_BASE_ADDRESS_0, 4, 0xfe000000);
}

/* --- the story ------------------------------------------------------------------ */

static int failures;

static void expect(const char *what, long got, long wanted)
{
	if (got != wanted)
		failures++;
	plat_log(PLAT_INFO, "%s  %s: %d", got == wanted ? "ok  " : "FAIL", what,
		 (int)got);
}

/* What the hypervisor's trap handler does with a guest's read. */
static uint32_t guest_read(struct domain *guest, pci_sbdf_t addr, uint16_t reg)
{
	uint32_t val;

	while (pci_guest_read(guest, addr, reg, 2, &val) == PCI_AGAIN)
		; /* a real one enters the guest again, and it traps again */
	return val;
}

static void use_and_remove(struct domain *guest, pci_sbdf_t sbdf)
{
	struct pci_removal_info report;
	pci_sbdf_t seen = pci_sbdf_from(UINT32_MAX);
	char at[PCI_SBDF_LEN];

	expect("assign the card to the guest", pci_assign(guest, sbdf, &seen),
	       0);
	expect("the guest reads the vendor ID",
	       (long)guest_read(guest, seen, PCI_VENDOR_ID), 0x1af4);

	expect("remove it",
	       pci_remove_device(sbdf, 0, PLAT_NSEC_PER_SEC, &report), -EBUSY);
	if (report.blockers)
		plat_log(PLAT_INFO, "      %s is %s: %s",
			 pci_sbdf_print(at, report.blocker[0].sbdf),
			 pci_hold_kind_name(report.blocker[0].hold.kind),
			 report.blocker[0].hold.who);
	expect("holders in the report", (long)report.blockers, 1);
	expect("the guest still reads the vendor ID",
	       (long)guest_read(guest, seen, PCI_VENDOR_ID), 0x1af4);

	expect("take it from the guest", pci_deassign(guest, sbdf), 0);
	expect("remove it again",
	       pci_remove_device(sbdf, 0, PLAT_NSEC_PER_SEC, &report), 0);
	expect("bus mastering, in the hardware",
	       card[PCI_COMMAND] & PCI_COMMAND_MASTER, 0);
	expect("the guest reads the vendor ID",
	       (long)guest_read(guest, seen, PCI_VENDOR_ID), 0xffff);
}

int hypervisor_main(void)
{
	struct domain *guest;
	pci_sbdf_t sbdf;

	insert_card();
	expect("parse the address", pci_sbdf_parse("0000:00:03.0", &sbdf), 0);
	expect("init", pci_init(), 0);
	expect("init config", pci_config_init(), 0);
	expect("add the segment", pci_segment_add(0, &bus), 0);
	expect("add the device", pci_add_device(sbdf), 0);
	expect("create a guest", domain_create(0, "guest", NULL, NULL, &guest),
	       0);
	if (failures)
		return failures;

	use_and_remove(guest, sbdf);

	expect("destroy the guest", domain_destroy(guest), 0);
	domain_put(guest);
	expect("broken rules", (long)pci_check_invariants(), 0);
	pci_fini();
	plat_rcu_barrier();
	expect("memory blocks in use", (long)memory_in_use(), 0);
	return failures;
}
