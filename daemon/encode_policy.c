/* SPDX-License-Identifier: BSD-2-Clause */
/* A policy as an object of docs/protocol.md §4; see encode.h. */
#include <holdfast/config.h>
#include <holdfast/vpci.h>

#include "encode.h"
#include "out.h"

static json_object *encode_field(const struct vpci_field *field)
{
	const struct vpci_masks *m = &field->masks;
	json_object *o = out_object();

	out_int(o, "offset", field->offset);
	out_int(o, "size", field->size);
	out_int(o, "hw", m->hw);
	out_int(o, "rw", m->rw);
	out_int(o, "w1c", m->w1c);
	out_int(o, "rsvdp", m->rsvdp);
	out_int(o, "rsvdz", m->rsvdz);
	out_int(o, "value", m->value);
	out_int(o, "initial", field->initial);
	return o;
}

/* Without a policy of its own: hidden, or all of it passes through. */
static json_object *encode_cap(const struct vpci_cap_policy *cap, bool extended,
			       uint16_t id, bool hardware)
{
	static const char *const rest[] = {
		[VPCI_REST_ZERO] = "zero",
		[VPCI_REST_READ] = "read",
		[VPCI_REST_PASS] = "pass",
	};
	json_object *o = out_object(), *fields = out_array();

	out_int(o, "id", id);
	out_bool(o, "extended", extended);
	out_str(o, "name", pci_cap_name(extended, id));
	out_bool(o, "show", cap ? cap->show : hardware);
	out_str(o, "rest",
		cap        ? rest[cap->rest]
		: hardware ? rest[VPCI_REST_PASS]
			   : rest[VPCI_REST_ZERO]);
	out_int(o, "length", cap ? cap->length : 0);
	out_bool(o, "setup", cap && cap->setup);
	for (unsigned int i = 0; cap && i < cap->nfields; i++)
		out_append(fields, encode_field(&cap->field[i]));
	out_add(o, "fields", fields);
	return o;
}

struct counts {
	unsigned int shown, hidden;
};

/* What has neither a name nor a policy is left out; IDs begin at 1. */
static void add_caps(json_object *array, struct counts *n,
		     const struct vpci_policy *policy, bool extended)
{
	unsigned int ids = extended ? VPCI_EXT_CAP_IDS : VPCI_CAP_IDS;

	for (uint16_t id = 1; id < ids; id++) {
		const struct vpci_cap_policy *cap = extended ? policy->ext[id]
							     : policy->cap[id];

		if (!cap && !pci_cap_name(extended, id))
			continue;
		if (cap ? cap->show : policy->hardware)
			n->shown++;
		else
			n->hidden++;
		if (array)
			out_append(array, encode_cap(cap, extended, id,
						     policy->hardware));
	}
}

json_object *encode_policy(const struct vpci_policy *policy, bool whole)
{
	json_object *o = out_object(), *array = whole ? out_array() : NULL;
	struct counts n = { 0 };

	add_caps(array, &n, policy, false);
	add_caps(array, &n, policy, true);
	out_str(o, "name", policy->name);
	out_bool(o, "hardware", policy->hardware);
	out_int(o, "shown", n.shown);
	out_int(o, "hidden", n.hidden);
	if (whole)
		out_add(o, "capabilities", array);
	return o;
}
