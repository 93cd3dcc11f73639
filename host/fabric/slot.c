/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cards come and go: slots, hot-plug, orderly and surprise removal.
 */
#include <stdio.h>

#include "internal.h"

#define MAX_TOLD 8 /* functions of one device */

void fab_slot_update(struct fab_fn *port, bool event)
{
	unsigned int pcie = port->model->pcie;
	bool there = port->below->first;
	bool up = there && fab_link_up(port);
	uint16_t link = fab_get16(port, pcie + PCI_EXP_LNKSTA), was = link;

	link &= (uint16_t)~PCI_EXP_LNKSTA_DLLLA;
	if (up)
		link |= PCI_EXP_LNKSTA_DLLLA;
	fab_update16(port, pcie + PCI_EXP_LNKSTA, 0xffff, link);
	if (!port->model->slot)
		return;
	fab_update16(port, pcie + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PDS,
		     there ? PCI_EXP_SLTSTA_PDS : 0);
	if (event)
		fab_update16(port, pcie + PCI_EXP_SLTSTA, 0,
			     PCI_EXP_SLTSTA_PDC |
				     (was != link ? PCI_EXP_SLTSTA_DLLSC : 0));
}

/* --- finding -------------------------------------------------------------- */

/* The first function at or after *@bdf; *@bdf says where. */
static struct fab_fn *next_function(struct fab_segment *seg, unsigned int *bdf)
{
	struct fab_fn *fn;

	while (*bdf <= UINT16_MAX) {
		if (!hf_load_relaxed(&seg->bus[*bdf >> 8])) {
			*bdf = (*bdf | 0xff) + 1;
			continue;
		}
		fn = fab_find(seg, (uint16_t)*bdf);
		if (fn)
			return fn;
		++*bdf;
	}
	return NULL;
}

static struct fab_fn *next_port(struct fab_segment *seg, unsigned int *bdf)
{
	struct fab_fn *fn;

	while ((fn = next_function(seg, bdf)) && !fn->model->slot)
		++*bdf;
	return fn;
}

/* The port of the innermost slot that @sbdf is on; NULL: none. */
static struct fab_fn *find_slot(struct fab_segment *seg, uint16_t at)
{
	struct fab_fn *fn = fab_find(seg, at);
	unsigned int bdf = 0;

	if (fn) {
		while (fn && !fn->model->slot)
			fn = fn->link->bridge;
		return fn;
	}
	while ((fn = next_port(seg, &bdf))) {
		if (fab_get8(fn, PCI_SECONDARY_BUS) == at >> 8 &&
		    PCI_DEV(pci_sbdf_from(at)) == 0)
			return fn;
		bdf++;
	}
	return NULL;
}

static void describe_slot(const struct fab_segment *seg,
			  const struct fab_fn *port, unsigned int bdf,
			  struct fabric_slot *out)
{
	uint32_t cap = fab_get(port, port->model->pcie + PCI_EXP_SLTCAP);
	uint8_t bus = fab_get8(port, PCI_SECONDARY_BUS);

	*out = (struct fabric_slot){
		.port = pci_sbdf_from((uint32_t)seg->number << 16 | bdf),
		.card = pci_sbdf(seg->number, bus, 0, 0),
		.number = cap >> PCI_EXP_SLTCAP_PSN_SHIFT,
		.hotplug = port->model->hotplug,
		.occupied = port->below->first,
	};
	snprintf(out->name, sizeof(out->name), "%s", port->below->card);
}

int fabric_slot_next(struct fabric *f, pci_sbdf_t from, struct fabric_slot *out)
{
	unsigned int bdf = from.bdf;
	struct fab_segment *seg;
	struct fab_fn *port;

	for (seg = f->segments; seg; seg = seg->next) {
		if (seg->number < from.seg)
			continue;
		if (seg->number > from.seg)
			bdf = 0;
		pthread_mutex_lock(&seg->lock);
		port = next_port(seg, &bdf);
		if (port)
			describe_slot(seg, port, bdf, out);
		pthread_mutex_unlock(&seg->lock);
		if (port)
			return 0;
	}
	return -ENOENT;
}

/* --- who is told ---------------------------------------------------------- */

struct told {
	unsigned int count;
	pci_sbdf_t sbdf[MAX_TOLD];
};

static void tell_later(struct told *told, const struct fab_fn *fn)
{
	if (told->count < MAX_TOLD)
		told->sbdf[told->count++] = pci_sbdf_from(
			(uint32_t)fn->seg->number << 16 | fn->bdf);
}

static void tell(struct fabric *f, const struct told *told,
		 enum pci_host_event event)
{
	for (unsigned int i = 0; i < told->count && f->host.notify; i++)
		f->host.notify(&f->host, event, told->sbdf[i],
			       f->host.notify_data);
}

/* --- in ------------------------------------------------------------------- */

static int plug(struct fab_fn *port, const char *card, struct told *told,
		char *err, size_t errlen)
{
	struct fab_segment *seg = port->seg;
	struct fab_arena arena;
	struct fab_link *link;
	int rc = fab_parse_card(port, card, &link, err, errlen);

	if (rc)
		return rc;
	for (unsigned int s = 0; s < FAB_SPACES; s++)
		arena.space[s] = fab_window(port, s);
	plat_free(port->below);
	port->below = link;
	fab_firmware(link, &arena);
	fab_slot_update(port, true);
	fab_route(seg);
	tell_later(told, link->first);
	rc = fab_firmware_vfs(link);
	if (rc)
		plat_log(PLAT_WARN, "fabric: no memory for the card's VFs");
	return 0;
}

int fabric_plug(struct fabric *f, pci_sbdf_t slot, const char *card, char *err,
		size_t errlen)
{
	struct fab_segment *seg = fab_segment(f, slot.seg);
	struct told told = { 0 };
	struct fab_fn *port;
	int rc;

	if (seg)
		pthread_mutex_lock(&seg->lock);
	port = seg ? find_slot(seg, slot.bdf) : NULL;
	if (!port) {
		rc = -ENODEV;
		snprintf(err, errlen, "there is no slot of this address");
	} else if (!port->model->hotplug) {
		rc = -EOPNOTSUPP;
		snprintf(err, errlen, "the slot is not for hot-plug");
	} else if (port->below->first) {
		rc = -EEXIST;
		snprintf(err, errlen, "there is a card in the slot");
	} else {
		rc = plug(port, card, &told, err, errlen);
	}
	if (seg)
		pthread_mutex_unlock(&seg->lock);
	tell(f, &told, PCI_HOST_ARRIVED);
	return rc;
}

/* --- out ------------------------------------------------------------------ */

static bool is_added(struct fab_fn *fn, pci_sbdf_t *busy)
{
	struct fab_seen *seen = fab_seen(fn->seg, fn->bdf);

	if (fab_find(fn->seg, fn->bdf) != fn ||
	    hf_load_acquire(&seen->claim) != FAB_ADDED)
		return false;
	if (busy)
		*busy = pci_sbdf_from((uint32_t)fn->seg->number << 16 |
				      fn->bdf);
	return true;
}

/* Does the core still use something on this link, or below? */
static bool in_use(struct fab_link *link, pci_sbdf_t *busy)
{
	for (struct fab_fn *fn = link->first; fn; fn = fn->next) {
		if (is_added(fn, busy))
			return true;
		for (unsigned int i = 0; i < fn->nvf; i++)
			if (is_added(fn->vf[i], busy))
				return true;
		if (fn->below && in_use(fn->below, busy))
			return true;
	}
	return false;
}

/* An address that lost its card is nobody's, unless a promise was made. */
static void forget(struct fab_fn *fn)
{
	struct fab_seen *seen = fab_seen(fn->seg, fn->bdf);
	uint32_t added = FAB_ADDED;

	if (fab_find(fn->seg, fn->bdf) == fn)
		(void)hf_cas_acq_rel(&seen->claim, &added, FAB_UNKNOWN);
	for (unsigned int i = 0; i < fn->nvf; i++)
		forget(fn->vf[i]);
	for (fn = fn->below ? fn->below->first : NULL; fn; fn = fn->next)
		forget(fn);
}

/* Take the functions of device @dev (-1: all) off @link, and from the air. */
static void take_out(struct fab_link *link, int dev, struct told *told)
{
	struct fab_fn *out = NULL, **at = &link->first, *fn;
	struct fab_segment *seg = link->first->seg;

	while ((fn = *at)) {
		if (dev >= 0 && fn->devfn >> 3 != dev) {
			at = &fn->next;
			continue;
		}
		*at = fn->next;
		fn->next = out;
		out = fn;
		tell_later(told, fn);
		forget(fn);
	}
	fab_route(seg);
	while ((fn = out)) {
		out = fn->next;
		fab_fn_retire(fn);
	}
	if (!link->bridge)
		return;
	link->card[0] = '\0';
	if (fab_is_port(link->bridge->model->kind))
		fab_slot_update(link->bridge, true);
}

int fabric_unplug(struct fabric *f, pci_sbdf_t slot, pci_sbdf_t *busy)
{
	struct fab_segment *seg = fab_segment(f, slot.seg);
	struct told nobody = { 0 };
	struct fab_fn *port;
	int rc = 0;

	if (!seg)
		return -ENODEV;
	pthread_mutex_lock(&seg->lock);
	port = find_slot(seg, slot.bdf);
	if (!port)
		rc = -ENODEV;
	else if (!port->model->hotplug)
		rc = -EOPNOTSUPP;
	else if (!port->below->first)
		rc = -ENOENT;
	else if (in_use(port->below, busy))
		rc = -EBUSY;
	else
		take_out(port->below, -1, &nobody);
	pthread_mutex_unlock(&seg->lock);
	return rc;
}

int fabric_surprise(struct fabric *f, pci_sbdf_t at)
{
	struct fab_segment *seg = fab_segment(f, at.seg);
	struct told told = { 0 };
	struct fab_fn *fn, *port;
	int rc = 0;

	if (!seg)
		return -ENODEV;
	pthread_mutex_lock(&seg->lock);
	fn = fab_find(seg, at.bdf);
	port = find_slot(seg, at.bdf);
	if (fn && fn->pf)
		fn = fn->pf;
	if (port && port->below->first)
		take_out(port->below, -1, &told);
	else if (fn && !port)
		take_out(fn->link, fn->devfn >> 3, &told);
	else
		rc = -ENODEV;
	pthread_mutex_unlock(&seg->lock);
	tell(f, &told, PCI_HOST_GONE);
	return rc;
}
