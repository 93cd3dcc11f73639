/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From JSON to a tree of functions: segments, root buses, bridges, cards.
 * Bus numbers are given on the way, in the order of the text, as firmware
 * does in a walk; so a file may leave them out.
 */
#include <stdio.h>
#include <string.h>

#include "describe.h"

/* What may still be given out on a link. */
struct numbers {
	unsigned int bus;  /* the link's own */
	unsigned int used; /* the highest given so far */
	unsigned int last; /* the highest there is to give */
};

static int parse_link(struct fab_segment *seg, const struct where *at,
		      struct fab_link *link, struct numbers *n);

static int number_or(const struct where *at, const char *key, uint64_t max,
		     unsigned int *out)
{
	uint64_t val = *out;
	int rc = where_number(at, key, 0, max, &val);

	*out = (unsigned int)val;
	return rc;
}

/* --- cards ---------------------------------------------------------------- */

/* The functions of the card that @at names, or is. */
static int parse_card(struct fab_segment *seg, const struct where *at,
		      struct fab_link *link, struct numbers *n)
{
	struct where cards, card;
	const char *name;

	if (!json_object_is_type(at->value, json_type_string))
		return parse_link(seg, at, link, n);
	name = json_object_get_string(at->value);
	if (!fab_card_find(seg->fabric, name, &cards, &card))
		return where_fail(at, -ENOENT, "there is no card \"%s\"", name);
	cards.up = at;
	snprintf(link->card, sizeof(link->card), "%s", name);
	return parse_link(seg, &card, link, n);
}

/* --- bridges -------------------------------------------------------------- */

static int parse_below(struct fab_segment *seg, const struct where *at,
		       struct fab_fn *fn, struct numbers *n)
{
	struct where m;
	bool list = where_member(at, "below", &m);
	int rc = 0;

	if (list)
		rc = parse_link(seg, &m, fn->below, n);
	if (rc || !where_member(at, "card", &m))
		return rc;
	if (list)
		return where_fail(&m, -EINVAL, "either \"below\" or \"card\"");
	return parse_card(seg, &m, fn->below, n);
}

/* Buses of VFs that lie beyond their PF's own. */
static unsigned int vf_bus(const struct fab_link *link, unsigned int bus)
{
	unsigned int last = bus, rid;

	for (const struct fab_fn *fn = link->first; fn; fn = fn->next) {
		unsigned int sriov = fn->model->sriov;

		if (!sriov)
			continue;
		rid = (bus << 8 | fn->devfn) +
		      fab_get16(fn, sriov + PCI_SRIOV_VF_OFFSET) +
		      fab_get16(fn, sriov + PCI_SRIOV_VF_STRIDE) *
			      (fab_get16(fn, sriov + PCI_SRIOV_TOTAL_VF) - 1u);
		if (rid >> 8 > last)
			last = rid >> 8;
	}
	return last;
}

static int parse_bridge(struct fab_segment *seg, const struct where *at,
			struct fab_fn *fn, struct numbers *n)
{
	struct numbers below = { .bus = n->used + 1, .last = n->last };
	unsigned int subordinate = 0, spare = 0, last;
	struct where m;
	int rc;

	rc = number_or(at, "secondary", 255, &below.bus);
	if (!rc)
		rc = number_or(at, "subordinate", 255, &subordinate);
	if (!rc)
		rc = number_or(at, "spare", 255, &spare);
	if (rc)
		return rc;
	if (!where_member(at, "secondary", &m))
		m = *at;
	if (below.bus <= n->used || below.bus > n->last)
		return where_fail(&m, -ENOSPC,
				  "bus %#x is taken or out of range (%#x to "
				  "%#x are free)",
				  below.bus, n->used + 1, n->last);
	if (subordinate && subordinate < below.last)
		below.last = subordinate;
	below.used = below.bus;
	rc = parse_below(seg, at, fn, &below);
	if (rc)
		return rc;
	last = vf_bus(fn->below, below.bus);
	last = (last > below.used ? last : below.used) + spare;
	if (last < subordinate)
		last = subordinate;
	if (last > below.last)
		return where_fail(at, -ENOSPC, "needs buses up to %#x, has %#x",
				  last, below.last);
	for (unsigned int bus = below.bus; bus <= last; bus++)
		if (fab_bus_prepare(seg, (uint8_t)bus))
			return where_fail(at, -ENOMEM, "out of memory");
	fab_set(fn, PCI_PRIMARY_BUS, n->bus | below.bus << 8 | last << 16);
	n->used = last;
	return 0;
}

/* --- functions ------------------------------------------------------------ */

static int parse_address(const struct where *at, const struct fab_link *link,
			 uint8_t *devfn)
{
	const char *text = NULL;
	unsigned int dev, func;
	struct where m;

	if (where_string(at, "at", &text))
		return -EINVAL;
	if (!text)
		return where_fail(at, -EINVAL, "has no \"at\"");
	where_member(at, "at", &m);
	if (where_devfn(&m, &dev, &func))
		return -EINVAL;
	if (dev && link->bridge && fab_is_port(link->bridge->model->kind))
		return where_fail(&m, -EINVAL, "only device 0 is below a port");
	*devfn = PCI_DEVFN(dev, func);
	if (fab_link_find((struct fab_link *)link, *devfn))
		return where_fail(&m, -EEXIST, "%s is there twice", text);
	return 0;
}

/* Some kinds lie below some others only (PCIe 6.0 §1.3). */
static int check_place(const struct where *at, const struct fab_desc *d,
		       const struct fab_link *link)
{
	enum fab_kind above;
	bool root_only = d->kind == FAB_RC_ENDPOINT ||
			 d->kind == FAB_RC_EVENT || d->kind == FAB_ROOT_PORT ||
			 d->kind == FAB_HOST_BRIDGE;

	if (!link->bridge) {
		if (!root_only && fab_is_express(d->kind) &&
		    d->kind != FAB_PCI_TO_PCIE)
			return where_fail(at, -EINVAL, "must be below a port");
		return 0;
	}
	above = link->bridge->model->kind;
	if (root_only)
		return where_fail(at, -EINVAL, "must be on a root bus");
	if ((d->kind == FAB_DOWNSTREAM) != (above == FAB_UPSTREAM))
		return where_fail(at, -EINVAL,
				  "downstream ports, and only they, are "
				  "below an upstream port");
	if (fab_is_express(d->kind) && d->kind != FAB_DOWNSTREAM &&
	    d->kind != FAB_PCI_TO_PCIE && !fab_is_port(above))
		return where_fail(at, -EINVAL, "must be below a port");
	if (!fab_is_express(d->kind) && fab_is_port(above))
		return where_fail(at, -EINVAL,
				  "conventional PCI is below a bridge to it");
	return 0;
}

/* Only bridges have something below. */
static int check_below(const struct where *at, const struct fab_desc *d)
{
	struct where m;

	if (fab_is_bridge(d->kind) ||
	    (!where_member(at, "below", &m) && !where_member(at, "card", &m)))
		return 0;
	return where_fail(&m, -EINVAL, "only for bridges");
}

static int make_function(struct fab_segment *seg, const struct where *at,
			 const struct fab_desc *d, struct fab_fn **out)
{
	struct fab_model *model;
	int rc = fab_model_compile(d, &model);

	if (rc)
		return where_fail(at, rc,
				  rc == -ENOSPC ? "its capabilities do not fit"
						: "out of memory");
	*out = fab_fn_new(seg, model);
	fab_model_put(model);
	return *out ? 0 : where_fail(at, -ENOMEM, "out of memory");
}

static int parse_function(struct fab_segment *seg, const struct where *at,
			  struct fab_link *link, struct numbers *n)
{
	struct fab_desc *d = plat_zalloc(sizeof(*d)); /* large for a stack */
	struct fab_fn *fn = NULL;
	uint8_t devfn = 0;
	int rc;

	if (!d)
		return where_fail(at, -ENOMEM, "out of memory");
	rc = fab_describe(at, d);
	if (!rc)
		rc = parse_address(at, link, &devfn);
	if (!rc)
		rc = check_place(at, d, link);
	if (!rc)
		rc = check_below(at, d);
	if (!rc)
		rc = make_function(seg, at, d, &fn);
	plat_free(d);
	if (rc)
		return rc;
	fab_link_add(link, fn, devfn);
	return fn->below ? parse_bridge(seg, at, fn, n) : 0;
}

/*
 * Function 0 of each device must be there, and says that there are more; with
 * it all others do (PCIe 6.0 §7.5.1.1.9).
 */
static int mark_multifunction(const struct where *at, struct fab_link *link)
{
	struct fab_fn *zero = NULL;

	for (struct fab_fn *fn = link->first; fn; fn = fn->next) {
		if (!(fn->devfn & 7)) {
			zero = fn;
			continue;
		}
		if (!zero || zero->devfn != (fn->devfn & 0xf8))
			return where_fail(at, -EINVAL,
					  "device %02x has no function 0",
					  fn->devfn >> 3);
		for (int i = 0; i < 2; i++) {
			struct fab_fn *one = i ? zero : fn;
			unsigned int dword = PCI_HEADER_TYPE >> 2;
			const uint32_t bit = PCI_HEADER_TYPE_MFD << 16;

			one->model->init[dword] |= bit;
			fab_set(one, PCI_HEADER_TYPE,
				fab_get(one, PCI_HEADER_TYPE) | bit);
		}
	}
	return 0;
}

static int parse_link(struct fab_segment *seg, const struct where *at,
		      struct fab_link *link, struct numbers *n)
{
	size_t count;
	int rc = where_array(at, 0, 256, &count);

	for (size_t i = 0; i < count && !rc; i++) {
		struct where e = where_element(at, i);

		rc = parse_function(seg, &e, link, n);
	}
	return rc ? rc : mark_multifunction(at, link);
}

/* --- segments ------------------------------------------------------------- */

static int parse_root(struct fab_segment *seg, const struct where *at)
{
	struct fab_link *link, **end = &seg->roots;
	unsigned int bus = 0, last = 255, free_from = 0;
	struct numbers n;
	struct where m;
	int rc = where_object(at, "bus last devices");

	if (!rc)
		rc = number_or(at, "bus", 255, &bus);
	if (!rc)
		rc = number_or(at, "last", 255, &last);
	if (rc)
		return rc;
	while (*end) {
		free_from = (*end)->last + 1u;
		end = &(*end)->next;
	}
	if (bus < free_from || last < bus)
		return where_fail(at, -EINVAL,
				  "buses %#x to %#x: root buses ascend and do "
				  "not overlap",
				  bus, last);
	if (!where_member(at, "devices", &m))
		return where_fail(at, -EINVAL, "has no \"devices\"");
	link = fab_link_new(NULL);
	if (!link || fab_bus_prepare(seg, (uint8_t)bus)) {
		plat_free(link);
		return where_fail(at, -ENOMEM, "out of memory");
	}
	link->bus = (uint8_t)bus;
	link->last = (uint8_t)last;
	*end = link;
	n = (struct numbers){ .bus = bus, .used = bus, .last = last };
	return parse_link(seg, &m, link, &n);
}

static int parse_segment(struct fabric *f, const struct where *at)
{
	struct fab_segment *seg;
	unsigned int number = 0;
	struct where m, e;
	size_t n;
	int rc = where_object(at, "segment buses");

	if (!rc)
		rc = number_or(at, "segment", UINT16_MAX, &number);
	if (rc)
		return rc;
	if (fab_segment(f, number))
		return where_fail(at, -EEXIST, "segment %#x is there twice",
				  number);
	if (!where_member(at, "buses", &m))
		return where_fail(at, -EINVAL, "has no \"buses\"");
	rc = where_array(&m, 1, 256, &n);
	if (rc)
		return rc;
	seg = fab_segment_new(f, (uint16_t)number);
	if (!seg)
		return where_fail(at, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n && !rc; i++) {
		e = where_element(&m, i);
		rc = parse_root(seg, &e);
	}
	return rc;
}

int fab_parse(struct fabric *f, const char *name, const char *text, size_t len,
	      char *err, size_t errlen)
{
	struct where root = { .name = name, .err = err, .errlen = errlen };
	struct where m, e;
	size_t n;
	int rc = where_parse(name, text, len, &root.value, err, errlen);

	if (rc)
		return rc;
	f->file = root.value;
	rc = where_object(&root, "cards segments");
	if (!rc && !where_member(&root, "segments", &m))
		rc = where_fail(&root, -EINVAL, "has no \"segments\"");
	if (!rc)
		rc = fab_cards_check(&root);
	if (!rc)
		rc = where_array(&m, 1, 65536, &n);
	for (size_t i = 0; !rc && i < n; i++) {
		e = where_element(&m, i);
		rc = parse_segment(f, &e);
	}
	return rc;
}

/* --- cards for the slots -------------------------------------------------- */

int fab_parse_card(struct fab_fn *port, const char *card, struct fab_link **out,
		   char *err, size_t errlen)
{
	struct where root = { .name = "card", .err = err, .errlen = errlen };
	struct fab_link *link;
	struct numbers n = {
		.bus = fab_get8(port, PCI_SECONDARY_BUS),
		.last = fab_get8(port, PCI_SUBORDINATE_BUS),
	};
	int rc = fab_card_value(card, &root.value, err, errlen);

	if (rc)
		return rc;
	n.used = n.bus;
	link = fab_link_new(port);
	if (!link)
		rc = where_fail(&root, -ENOMEM, "out of memory");
	else
		rc = parse_card(port->seg, &root, link, &n);
	if (!rc && !link->first)
		rc = where_fail(&root, -EINVAL, "has no function");
	if (!rc && vf_bus(link, n.bus) > n.last)
		rc = where_fail(&root, -ENOSPC,
				"its VFs need buses up to %#x, the slot has "
				"up to %#x",
				vf_bus(link, n.bus), n.last);
	json_object_put(root.value);
	if (rc)
		fab_link_free(link);
	else
		*out = link;
	return rc;
}
