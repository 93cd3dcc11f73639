/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of a request up to the root complex: under which ID it is sent and
 * seen, which bridges have to let it through, and whether it gets there at all,
 * or turns off to a neighbour.
 */
#include "machine.h"

/* --- who sends ------------------------------------------------------------ */

/* The function bits that @fn puts into its IDs beside its own. */
static unsigned int phantom_bits(const struct fab_fn *fn)
{
	const struct fab_model *m = fn->model;
	unsigned int n;

	if (!m->pcie ||
	    !(fab_get16(fn, m->pcie + PCI_EXP_DEVCTL) & PCI_EXP_DEVCTL_PHANTOM))
		return 0;
	n = (fab_get(fn, m->pcie + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_PHANTOM) >>
	    PCI_EXP_DEVCAP_PHANTOM_SHIFT;
	return 8 - (8 >> n);
}

struct fab_fn *fab_requester(struct fab_segment *seg, uint16_t bdf)
{
	static const uint8_t bits[] = { 4, 6, 7 };
	struct fab_fn *fn = fab_find(seg, bdf);

	for (unsigned int i = 0; !fn && i < ARRAY_SIZE(bits); i++) {
		fn = fab_find(seg, bdf & (uint16_t)~bits[i]);
		if (fn && phantom_bits(fn) != bits[i])
			fn = NULL;
	}
	return fn;
}

static bool is_conventional(const struct fab_fn *bridge)
{
	return bridge->model->kind == FAB_PCIE_TO_PCI ||
	       bridge->model->kind == FAB_PCI_BRIDGE;
}

/*
 * A bridge from PCI Express sends what comes from its secondary bus as device 0
 * of that bus (PCIe to PCI Bridge 1.0 §2.3); other bridges on or to a
 * conventional bus as themselves.
 */
uint16_t fab_alias(const struct fab_fn *fn, uint16_t rid)
{
	const struct fab_fn *bridge;

	if (fn->model->seen_as >= 0)
		rid = (uint16_t)((rid & 0xff00) | fn->model->seen_as);
	for (bridge = fn->link->bridge; bridge; bridge = bridge->link->bridge) {
		switch (bridge->model->kind) {
		case FAB_PCIE_TO_PCI:
			rid = (uint16_t)(fab_get8(bridge, PCI_SECONDARY_BUS)
					 << 8);
			break;
		case FAB_PCI_BRIDGE:
		case FAB_PCI_TO_PCIE:
			rid = bridge->bdf;
			break;
		default:
			break;
		}
	}
	return rid;
}

/* --- who lets it through -------------------------------------------------- */

bool fab_masters(const struct fab_fn *fn)
{
	return fab_powered(fn) &&
	       (fab_get16(fn, PCI_COMMAND) & PCI_COMMAND_MASTER);
}

int fab_may_send(const struct fab_fn *fn)
{
	const struct fab_fn *bridge;

	for (bridge = fn->link->bridge; bridge; bridge = bridge->link->bridge)
		if (!fab_link_up(bridge) || !fab_masters(bridge))
			return -EPERM;
	return 0;
}

/* --- who takes it on the way ----------------------------------------------- */

/* P2P Request Redirect: always up, whomever it is for (PCIe 6.0 §6.12.1.1). */
static bool redirects(const struct fab_fn *fn)
{
	return fn->model->acs &&
	       (fab_get16(fn, fn->model->acs + PCI_ACS_CTRL) & PCI_ACS_RR);
}

/*
 * Does what comes from @via meet @other on their link? All do on a conventional
 * bus, ports of a switch inside of it, and functions inside of their device.
 */
static bool meet(const struct fab_fn *via, const struct fab_fn *other)
{
	const struct fab_fn *bridge = via->link->bridge;

	if (other == via)
		return false;
	if (bridge && is_conventional(bridge))
		return true;
	if (via->pf || redirects(via))
		return false; /* a VF that did not would have ACS */
	return fab_is_bridge(via->model->kind) ||
	       other->devfn >> 3 == via->devfn >> 3 ||
	       (bridge && fab_is_port(bridge->model->kind));
}

bool fab_peer(struct fab_fn *fn, uint64_t addr, struct fab_target *out)
{
	struct fab_fn *via, *other;

	for (via = fn; via; via = via->link->bridge)
		for (other = via->link->first; other; other = other->next)
			if (meet(via, other) && fab_claims(other, addr, out) &&
			    (via != fn || !out->fn->pf))
				return true;
	return false;
}
