/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory-mapped configuration space: from an address to a function's register
 * (PCIe 6.0 §7.2.2), and on into trap.c. Windows are read without a section,
 * see space.h.
 */
#include "vpci/space.h"

#define ECAM_BUS_SIZE 0x100000ull
#define ECAM_BUS_SHIFT 20
#define ECAM_DEVFN_SHIFT 12

static bool overlaps_any(struct vpci_space *space, const struct vpci_ecam *e)
{
	const struct vpci_ecam *other = hf_load_acquire(&space->ecam);

	for (; other; other = other->next)
		if (vpci_overlap(e->start, e->last, other->start,
				 other->last) ||
		    (e->seg == other->seg &&
		     vpci_overlap(e->first_bus, e->last_bus, other->first_bus,
				  other->last_bus)))
			return true;
	return false;
}

static int publish(struct vpci_space *space, struct vpci_ecam *e)
{
	int err = -EEXIST;

	pci_lock(&space->lock);
	if (!overlaps_any(space, e)) {
		e->next = hf_load_relaxed(&space->ecam);
		hf_store_release(&space->ecam, e);
		err = 0;
	}
	pci_unlock(&space->lock);
	return err;
}

int vpci_ecam_add(struct domain *d, uint64_t address, uint16_t seg,
		  uint8_t first, uint8_t last)
{
	uint64_t size = (last + 1ull - first) << ECAM_BUS_SHIFT;
	struct vpci_space *space;
	struct vpci_ecam *e;
	int err;

	if (first > last || address & (ECAM_BUS_SIZE - 1) ||
	    address + size - 1 < address || (seg && d != hardware_domain))
		return -EINVAL;
	space = vpci_space_of(d);
	e = space ? plat_zalloc(sizeof(*e)) : NULL;
	if (!e)
		return -ENOMEM;
	*e = (struct vpci_ecam){ .start = address,
				 .last = address + size - 1,
				 .seg = seg,
				 .first_bus = first,
				 .last_bus = last };
	err = publish(space, e);
	if (err)
		plat_free(e);
	return err;
}

static const struct vpci_ecam *find(struct domain *d, uint64_t address)
{
	struct vpci_space *space = hf_load_acquire(&d->space);
	const struct vpci_ecam *e = space ? hf_load_acquire(&space->ecam)
					  : NULL;

	while (e && (address < e->start || address > e->last))
		e = e->next;
	return e;
}

bool vpci_ecam_covers(struct domain *d, uint64_t address)
{
	return find(d, address);
}

static pci_sbdf_t function_at(const struct vpci_ecam *e, uint64_t address)
{
	uint64_t at = address - e->start;

	return (pci_sbdf_t){
		.seg = e->seg,
		.bus = (uint8_t)(e->first_bus + (at >> ECAM_BUS_SHIFT)),
		.devfn = (uint8_t)(at >> ECAM_DEVFN_SHIFT),
	};
}

enum pci_verdict vpci_ecam_read(struct domain *d, uint64_t address,
				uint8_t size, uint64_t *val)
{
	const struct vpci_ecam *e = find(d, address);

	*val = vpci_ones(size);
	if (!e)
		return PCI_DONE;
	return vpci_read(d, function_at(e, address),
			 address & (PCI_CFG_SPACE_EXP_SIZE - 1), size, val);
}

enum pci_verdict vpci_ecam_write(struct vpci_vcpu *vcpu, uint64_t address,
				 uint8_t size, uint64_t val)
{
	const struct vpci_ecam *e = find(vcpu->domain, address);

	if (!e)
		return PCI_DONE;
	return vpci_write(vcpu, function_at(e, address),
			  address & (PCI_CFG_SPACE_EXP_SIZE - 1), size, val);
}
