/* SPDX-License-Identifier: BSD-2-Clause */
/* Bus numbers; buses.h says whose they are. */
#include <holdfast/config.h>
#include <holdfast/pci_regs.h>
#include <holdfast/platform.h>

#include "buses.h"

#define DEVICES 32
#define FUNCTIONS 8
#define MAX_DEPTH 64 /* bridges above each other: the stack has an end */

static struct {
	plat_lock_t lock; /* numbers are looked at and given under it */
	uint8_t first, last;
	uint8_t reserve; /* buses of a hot-plug port, at least */
} all;

/* --- looking -------------------------------------------------------------------- */

typedef void visit_fn(pci_sbdf_t bridge, void *data);

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

static bool is_hot_plug_port(pci_sbdf_t bridge)
{
	uint16_t pos = pci_find_cap(bridge, PCI_CAP_ID_EXP);

	return pos &&
	       pci_conf_read(bridge, pos + PCI_EXP_FLAGS, 2) &
		       PCI_EXP_FLAGS_SLOT &&
	       pci_conf_read(bridge, pos + PCI_EXP_SLTCAP, 4) &
		       PCI_EXP_SLTCAP_HPC;
}

/* Returns whether it is there and one of several. */
static bool visit_function(pci_sbdf_t sbdf, visit_fn *visit, void *data)
{
	uint32_t vendor = pci_conf_read(sbdf, PCI_VENDOR_ID, 2), type;

	if (!vendor || vendor == PCI_VENDOR_ID_NONE)
		return false;
	type = pci_conf_read(sbdf, PCI_HEADER_TYPE, 1);
	if ((type & PCI_HEADER_TYPE_MASK) == PCI_HEADER_TYPE_BRIDGE)
		visit(sbdf, data);
	return type & PCI_HEADER_TYPE_MFD;
}

/* All bridges on a bus, which is at the other end of a @link or is not. */
static void visit_bus(uint16_t seg, uint8_t bus, bool link, visit_fn *visit,
		      void *data)
{
	uint8_t dev, fn, devices = link ? 1 : DEVICES;

	for (dev = 0; dev < devices; dev++) {
		if (!visit_function(pci_sbdf(seg, bus, dev, 0), visit, data))
			continue;
		for (fn = 1; fn < FUNCTIONS; fn++)
			visit_function(pci_sbdf(seg, bus, dev, fn), visit,
				       data);
	}
}

/* --- giving them ---------------------------------------------------------------- */

struct numbers {
	uint8_t highest; /* given so far */
	uint8_t last;
	unsigned int depth;
};

static void set_numbers(pci_sbdf_t bridge, uint8_t secondary,
			uint8_t subordinate)
{
	pci_conf_write(bridge, PCI_PRIMARY_BUS, 1, bridge.bus);
	pci_conf_write(bridge, PCI_SECONDARY_BUS, 1, secondary);
	pci_conf_write(bridge, PCI_SUBORDINATE_BUS, 1, subordinate);
}

static void keep_reserve(struct numbers *n, unsigned int secondary)
{
	unsigned int highest = secondary + all.reserve - 1;

	if (highest > n->last)
		highest = n->last;
	if (n->highest < highest)
		n->highest = (uint8_t)highest;
}

/* While its buses are looked for, it forwards to all that have no number yet. */
static void number_bridge(pci_sbdf_t bridge, void *data)
{
	struct numbers *n = data;
	uint8_t secondary = n->highest + 1;

	if (n->highest == n->last || n->depth == MAX_DEPTH) {
		set_numbers(bridge, 0, 0);
		return;
	}
	set_numbers(bridge, secondary, n->last);
	n->highest = secondary;
	n->depth++;
	visit_bus(bridge.seg, secondary, leads_to_a_link(bridge), number_bridge,
		  n);
	n->depth--;
	if (is_hot_plug_port(bridge))
		keep_reserve(n, secondary);
	set_numbers(bridge, secondary, n->highest);
}

uint8_t buses_number(uint16_t seg, uint8_t first, uint8_t last, uint8_t reserve)
{
	struct numbers n = { .highest = first, .last = last };

	plat_lock_init(&all.lock);
	all.first = first;
	all.last = last;
	all.reserve = reserve;
	visit_bus(seg, first, false, number_bridge, &n);
	return n.highest;
}

/* --- giving them later ------------------------------------------------------------ */

/* Which numbers a bridge may have: those above it less those beside it. */
struct room {
	pci_sbdf_t bridge;
	bool link; /* on whose other end it is */
	bool free[256];
};

static void set_free(struct room *room, unsigned int first, unsigned int last,
		     bool yes)
{
	for (; first && first <= last; first++)
		room->free[first] = yes;
}

static void have_it_above(struct room *room)
{
	pci_sbdf_t above;
	struct pci_dev_info info;

	if (room->bridge.bus == all.first)
		set_free(room, all.first + 1u, all.last, true);
	else if (!pci_bus_bridge(room->bridge.seg, room->bridge.bus, &above) &&
		 !pci_query(above, &info)) {
		set_free(room, info.desc.secondary + 1u, info.desc.subordinate,
			 true);
		room->link = leads_to_a_link(above);
	}
}

/*
 * Also one that nobody has registered: it forwards all the same. And one that is
 * registered keeps its numbers when a reset of what is above it clears them.
 */
static void leave_it_beside(pci_sbdf_t bridge, void *data)
{
	struct room *room = data;
	struct pci_dev_info info;

	if (bridge.sbdf == room->bridge.sbdf)
		return;
	set_free(room, pci_conf_read(bridge, PCI_SECONDARY_BUS, 1),
		 pci_conf_read(bridge, PCI_SUBORDINATE_BUS, 1), false);
	if (!pci_query(bridge, &info))
		set_free(room, info.desc.secondary, info.desc.subordinate,
			 false);
}

static bool has_its_numbers(const struct room *room)
{
	unsigned int bus = pci_conf_read(room->bridge, PCI_SECONDARY_BUS, 1);
	unsigned int last = pci_conf_read(room->bridge, PCI_SUBORDINATE_BUS, 1);

	if (!bus || bus > last)
		return false;
	while (bus <= last && room->free[bus])
		bus++;
	return bus > last;
}

static struct numbers first_free(const struct room *room)
{
	struct numbers n = { 0 };
	unsigned int bus = 1;

	while (bus < 256 && !room->free[bus])
		bus++;
	if (bus == 256)
		return n;
	n.highest = (uint8_t)(bus - 1);
	while (bus < 256 && room->free[bus])
		n.last = (uint8_t)bus++;
	return n;
}

static void number_new(pci_sbdf_t bridge, void *data)
{
	struct room room = { .bridge = bridge };
	char at[PCI_SBDF_LEN];
	struct numbers n;

	(void)data;
	plat_lock(&all.lock);
	have_it_above(&room);
	visit_bus(bridge.seg, bridge.bus, room.link, leave_it_beside, &room);
	if (!has_its_numbers(&room)) {
		n = first_free(&room);
		number_bridge(bridge, &n);
		if (!n.last)
			plat_log(PLAT_WARN,
				 "%s: no bus number is left for what is below",
				 pci_sbdf_print(at, bridge));
	}
	plat_unlock(&all.lock);
}

void buses_adding(pci_sbdf_t sbdf)
{
	visit_function(sbdf, number_new, NULL);
}

/* --- keeping them ---------------------------------------------------------------- */

static void secondary_write(struct vpci *view, uint16_t reg, uint32_t val,
			    uint32_t mask, void *data)
{
	uint8_t given = (uint8_t)(uintptr_t)data;

	(void)mask;
	vpci_set(view, reg, 1, val);
	if (val && given && val != given)
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

	if (desc->hdr_type == PCI_HEADER_TYPE_NORMAL)
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
