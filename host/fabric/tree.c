/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of segments, links and functions, and where they answer.
 *
 * A configuration access to a bus goes down through every bridge whose
 * secondary and subordinate numbers enclose it (P2P 1.2 §3.2.5.3). Instead of
 * asking each bridge at each access, fab_route() walks the tree after every
 * change of such a number, of a link's state and of a card, and writes down
 * who answers at which address.
 */
#include <stdlib.h>

#include "machine.h"

struct fab_segment *fab_segment(struct fabric *f, unsigned int number)
{
	return number < f->nsegments ? f->by_number[number] : NULL;
}

static int segment_index(struct fabric *f, struct fab_segment *seg)
{
	struct fab_segment **table;
	unsigned int n = seg->number + 1u;

	if (n > f->nsegments) {
		table = realloc(f->by_number, n * sizeof(*table));
		if (!table)
			return -ENOMEM;
		for (unsigned int i = f->nsegments; i < n; i++)
			table[i] = NULL;
		f->by_number = table;
		f->nsegments = n;
	}
	f->by_number[seg->number] = seg;
	return 0;
}

struct fab_segment *fab_segment_new(struct fabric *f, uint16_t number)
{
	struct fab_segment *seg = plat_zalloc(sizeof(*seg)), **at;

	if (!seg)
		return NULL;
	seg->fabric = f;
	seg->number = number;
	if (fab_unit_init(seg) || segment_index(f, seg)) {
		fab_unit_fini(seg);
		plat_free(seg);
		return NULL;
	}
	pthread_mutex_init(&seg->lock, NULL);
	for (at = &f->segments; *at && (*at)->number < number;)
		at = &(*at)->next;
	seg->next = *at;
	*at = seg;
	return seg;
}

void fab_segment_free(struct fab_segment *seg)
{
	struct fab_link *link;

	while ((link = seg->roots)) {
		seg->roots = link->next;
		fab_link_free(link);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(seg->bus); i++)
		plat_free(hf_load_relaxed(&seg->bus[i]));
	fab_unit_fini(seg);
	pthread_mutex_destroy(&seg->lock);
	plat_free(seg);
}

/* --- functions and links -------------------------------------------------- */

struct fab_fn *fab_fn_new(struct fab_segment *seg, struct fab_model *m)
{
	struct fab_fn *fn =
		plat_zalloc(sizeof(*fn) + m->size / 4u * sizeof(fn->reg[0]));

	if (!fn)
		return NULL;
	fab_model_get(m);
	fn->model = m;
	fn->seg = seg;
	for (unsigned int i = 0; i < m->size / 4u; i++)
		hf_init(&fn->reg[i], m->init[i]);
	if (fab_is_bridge(m->kind))
		fn->below = fab_link_new(fn);
	if ((fab_is_bridge(m->kind) && !fn->below) ||
	    (m->tester && fab_tester_new(fn))) {
		fab_fn_free(fn);
		return NULL;
	}
	return fn;
}

static void fn_free_one(struct fab_fn *fn)
{
	plat_free(hf_load_relaxed(&fn->faults));
	fab_pages_free(fn);
	plat_free(fn->vpd);
	plat_free(fn->vf);
	plat_free(fn->atc);
	plat_free(fn->tester);
	fab_model_put(fn->model);
	plat_free(fn);
}

void fab_fn_free(struct fab_fn *fn)
{
	if (!fn)
		return;
	for (unsigned int i = 0; i < fn->nvf; i++)
		fab_fn_free(fn->vf[i]);
	fab_link_free(fn->below);
	if (fn->tester)
		fab_tester_unlink(fn);
	fn_free_one(fn);
}

static void fn_free_rcu(struct plat_rcu_head *head)
{
	fn_free_one(container_of(head, struct fab_fn, rcu));
}

void fab_fn_retire(struct fab_fn *fn)
{
	struct fab_fn *child;

	fn->gone = true;
	if (fn->tester)
		fab_tester_unlink(fn);
	for (unsigned int i = 0; i < fn->nvf; i++)
		fab_fn_retire(fn->vf[i]);
	fn->nvf = 0;
	while (fn->below && (child = fn->below->first)) {
		fn->below->first = child->next;
		fab_fn_retire(child);
	}
	plat_free(fn->below);
	fn->below = NULL;
	plat_rcu_call(&fn->rcu, fn_free_rcu);
}

struct fab_link *fab_link_new(struct fab_fn *bridge)
{
	struct fab_link *link = plat_zalloc(sizeof(*link));

	if (link)
		link->bridge = bridge;
	return link;
}

void fab_link_add(struct fab_link *link, struct fab_fn *fn, uint8_t devfn)
{
	struct fab_fn **at = &link->first;

	while (*at && (*at)->devfn < devfn)
		at = &(*at)->next;
	fn->link = link;
	fn->devfn = devfn;
	fn->next = *at;
	*at = fn;
}

void fab_link_push(struct fab_link *link, struct fab_fn *fn, uint8_t devfn)
{
	fn->link = link;
	fn->devfn = devfn;
	fn->next = link->first;
	link->first = fn;
}

struct fab_fn *fab_link_find(struct fab_link *link, uint8_t devfn)
{
	struct fab_fn *fn = link->first;

	while (fn && fn->devfn != devfn)
		fn = fn->next;
	return fn;
}

void fab_link_free(struct fab_link *link)
{
	struct fab_fn *fn;

	if (!link)
		return;
	while ((fn = link->first)) {
		link->first = fn->next;
		fab_fn_free(fn);
	}
	plat_free(link);
}

/* --- routing -------------------------------------------------------------- */

int fab_bus_prepare(struct fab_segment *seg, uint8_t bus)
{
	struct fab_bus *b;

	if (hf_load_acquire(&seg->bus[bus]))
		return 0;
	b = plat_zalloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	hf_store_release(&seg->bus[bus], b);
	return 0;
}

struct fab_fn *fab_find(struct fab_segment *seg, uint16_t bdf)
{
	struct fab_bus *bus = hf_load_acquire(&seg->bus[bdf >> 8]);

	return bus ? hf_load_acquire(&bus->fn[bdf & 0xff]) : NULL;
}

struct fab_seen *fab_seen(struct fab_segment *seg, uint16_t bdf)
{
	struct fab_bus *bus = hf_load_acquire(&seg->bus[bdf >> 8]);

	return bus ? &bus->seen[bdf & 0xff] : NULL;
}

bool fab_link_up(const struct fab_fn *bridge)
{
	const struct fab_model *m = bridge->model;

	if (fab_get16(bridge, PCI_BRIDGE_CONTROL) & PCI_BRIDGE_CTL_BUS_RESET)
		return false;
	return !fab_is_port(m->kind) ||
	       !(fab_get16(bridge, m->pcie + PCI_EXP_LNKCTL) &
		 PCI_EXP_LNKCTL_LD);
}

/* The first to claim an address has it. */
static void claim(struct fab_segment *seg, struct fab_fn *fn, uint16_t bdf)
{
	struct fab_bus *bus;
	struct fab_fn *now;

	if (fab_bus_prepare(seg, (uint8_t)(bdf >> 8))) {
		plat_log(PLAT_ERROR, "fabric: no memory for bus %x", bdf >> 8);
		return;
	}
	bus = hf_load_relaxed(&seg->bus[bdf >> 8]);
	now = hf_load_relaxed(&bus->fn[bdf & 0xff]);
	if (now && now != fn && now->generation == seg->generation &&
	    now->bdf == bdf)
		return;
	fn->generation = seg->generation;
	fn->bdf = bdf;
	if (now != fn)
		hf_store_release(&bus->fn[bdf & 0xff], fn);
}

/*
 * A port sends requests for device numbers above 0 down only with ARI
 * Forwarding (PCIe 6.0 §7.3.1).
 */
static bool forwards(const struct fab_fn *bridge, uint8_t devfn)
{
	if (!bridge || !fab_is_port(bridge->model->kind) || devfn < 8)
		return true;
	return fab_get16(bridge, bridge->model->pcie + PCI_EXP_DEVCTL2) &
	       PCI_EXP_DEVCTL2_ARI;
}

static void route_vfs(struct fab_segment *seg, struct fab_fn *pf, uint8_t bus,
		      uint8_t last)
{
	for (unsigned int i = 0; i < pf->nvf; i++) {
		uint16_t bdf = fab_vf_bdf(pf, i);

		if (bdf >> 8 < bus || bdf >> 8 > last)
			continue;
		if (bdf >> 8 == bus &&
		    !forwards(pf->link->bridge, (uint8_t)bdf))
			continue;
		claim(seg, pf->vf[i], bdf);
	}
}

static void route_link(struct fab_segment *seg, struct fab_link *link,
		       uint8_t bus, uint8_t last)
{
	struct fab_fn *fn;
	uint8_t secondary, subordinate;

	for (fn = link->first; fn; fn = fn->next)
		if (forwards(link->bridge, fn->devfn))
			claim(seg, fn, (uint16_t)(bus << 8 | fn->devfn));
	for (fn = link->first; fn; fn = fn->next) {
		route_vfs(seg, fn, bus, last);
		if (!fn->below || !fab_link_up(fn) || !fab_powered(fn))
			continue;
		secondary = fab_get8(fn, PCI_SECONDARY_BUS);
		subordinate = fab_get8(fn, PCI_SUBORDINATE_BUS);
		if (subordinate > last)
			subordinate = last;
		if (secondary > bus && secondary <= subordinate)
			route_link(seg, fn->below, secondary, subordinate);
	}
}

/* Who was not reached this time does not answer any more. */
static void sweep(struct fab_segment *seg, unsigned int number)
{
	struct fab_bus *bus = hf_load_relaxed(&seg->bus[number]);

	for (unsigned int i = 0; bus && i < 256; i++) {
		struct fab_fn *fn = hf_load_relaxed(&bus->fn[i]);

		if (fn && (fn->generation != seg->generation ||
			   fn->bdf != (number << 8 | i)))
			hf_store_release(&bus->fn[i], NULL);
	}
}

void fab_route(struct fab_segment *seg)
{
	struct fab_link *root;

	fab_epoch_bump(seg->fabric);
	seg->generation++;
	for (root = seg->roots; root; root = root->next)
		route_link(seg, root, root->bus, root->last);
	for (unsigned int i = 0; i < 256; i++)
		sweep(seg, i);
}
