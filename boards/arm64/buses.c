/* SPDX-License-Identifier: BSD-2-Clause */
/* Bus numbers; buses.h says whose they are. */
#include <holdfast/config.h>
#include <holdfast/pci_regs.h>
#include <holdfast/platform.h>

#include "buses.h"

#define DEVICES 32
#define FUNCTIONS 8
#define MAX_DEPTH 64 /* bridges above each other: the stack has an end */

/* --- giving them ---------------------------------------------------------------- */

struct numbers {
	uint16_t seg;
	uint8_t highest; /* given so far */
	uint8_t last;
	unsigned int depth;
};

static void number_bus(struct numbers *n, uint8_t bus, bool link);

/* PCIe 6.0 §7.5.3.2: what is below it is at the other end of a link. */
static bool leads_to_a_link(pci_sbdf_t bridge)
{
	uint16_t pos = pci_find_cap(bridge, PCI_CAP_ID_EXP);
	unsigned int type;

	if (!pos)
		return false;
	type = pci_conf_read(bridge, pos + PCI_EXP_FLAGS, 2) >> 4 & 0xf;
	return type == PCI_EXP_TYPE_ROOT_PORT ||
	       type == PCI_EXP_TYPE_DOWNSTREAM;
}

static void set_numbers(pci_sbdf_t bridge, uint8_t secondary,
			uint8_t subordinate)
{
	pci_conf_write(bridge, PCI_PRIMARY_BUS, 1, bridge.bus);
	pci_conf_write(bridge, PCI_SECONDARY_BUS, 1, secondary);
	pci_conf_write(bridge, PCI_SUBORDINATE_BUS, 1, subordinate);
}

/* While its buses are looked for, it forwards to all that have no number yet. */
static void number_bridge(struct numbers *n, pci_sbdf_t bridge)
{
	uint8_t secondary = n->highest + 1;

	if (n->highest == n->last || n->depth == MAX_DEPTH) {
		set_numbers(bridge, 0, 0);
		return;
	}
	set_numbers(bridge, secondary, n->last);
	n->highest = secondary;
	n->depth++;
	number_bus(n, secondary, leads_to_a_link(bridge));
	n->depth--;
	set_numbers(bridge, secondary, n->highest);
}

/* Returns whether it is there and one of several. */
static bool number_function(struct numbers *n, pci_sbdf_t sbdf)
{
	uint32_t vendor = pci_conf_read(sbdf, PCI_VENDOR_ID, 2), type;

	if (!vendor || vendor == PCI_VENDOR_ID_NONE)
		return false;
	type = pci_conf_read(sbdf, PCI_HEADER_TYPE, 1);
	if ((type & PCI_HEADER_TYPE_MASK) == PCI_HEADER_TYPE_BRIDGE)
		number_bridge(n, sbdf);
	return type & PCI_HEADER_TYPE_MFD;
}

static void number_bus(struct numbers *n, uint8_t bus, bool link)
{
	uint8_t dev, fn, devices = link ? 1 : DEVICES;

	for (dev = 0; dev < devices; dev++) {
		if (!number_function(n, pci_sbdf(n->seg, bus, dev, 0)))
			continue;
		for (fn = 1; fn < FUNCTIONS; fn++)
			number_function(n, pci_sbdf(n->seg, bus, dev, fn));
	}
}

uint8_t buses_number(uint16_t seg, uint8_t first, uint8_t last)
{
	struct numbers n = { .seg = seg, .highest = first, .last = last };

	number_bus(&n, first, false);
	return n.highest;
}

/* --- keeping them ---------------------------------------------------------------- */

static void secondary_write(struct vpci *view, uint16_t reg, uint32_t val,
			    uint32_t mask, void *data)
{
	uint8_t given = (uint8_t)(uintptr_t)data;

	(void)mask;
	vpci_set(view, reg, 1, val);
	if (val && val != given)
		plat_log(
			PLAT_WARN,
			"the hardware domain calls bus %02x %02x: it will find nothing there",
			given, val);
}

int buses_extend(struct vpci *view, struct pci_dev *pdev)
{
	const struct pci_dev_facts *desc = pcidev_desc(pdev);
	struct vpci_masks primary = { .rw = 0xff, .value = desc->sbdf.bus };
	struct vpci_masks secondary = { .rw = 0xff, .value = desc->secondary };
	struct vpci_masks subordinate = { .rw = 0xff,
					  .value = desc->subordinate };
	void *given = (void *)(uintptr_t)desc->secondary;
	int err;

	if (!desc->secondary)
		return 0;
	err = vpci_add_register(view, PCI_PRIMARY_BUS, 1, &primary, NULL, NULL,
				NULL);
	if (!err)
		err = vpci_add_register(view, PCI_SECONDARY_BUS, 1, &secondary,
					NULL, secondary_write, given);
	if (!err)
		err = vpci_add_register(view, PCI_SUBORDINATE_BUS, 1,
					&subordinate, NULL, NULL, NULL);
	return err;
}
