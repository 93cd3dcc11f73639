/* SPDX-License-Identifier: BSD-2-Clause */
/* See encode.h. */
#include "encode.h"

#include <stdio.h>
#include <stdlib.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/vpci.h>

#include "out.h"

#define MAX_CAPS 528 /* 48 and 480: as many as a walk can find */

static void add_identity(json_object *o, const struct pci_dev_desc *desc)
{
	out_int(o, "vendor", desc->ident.vendor);
	out_int(o, "device", desc->ident.device);
	out_int(o, "subvendor", desc->ident.subvendor);
	out_int(o, "subdevice", desc->ident.subdevice);
	out_int(o, "class", desc->ident.class_rev >> 8);
	out_int(o, "revision", desc->ident.class_rev & 0xff);
	out_str(o, "type", pci_dev_type_name(desc->type));
}

static void add_place(json_object *o, const struct pci_dev_desc *desc)
{
	if (desc->parent.sbdf == desc->sbdf.sbdf)
		out_null(o, "parent");
	else
		out_sbdf(o, "parent", desc->parent);
	out_bool(o, "vf", desc->is_vf);
	out_bool(o, "multifunction", desc->multifunction);
	out_bool(o, "slot", desc->has_slot);
	if (desc->secondary) {
		out_int(o, "secondary", desc->secondary);
		out_int(o, "subordinate", desc->subordinate);
	} else {
		out_null(o, "secondary");
		out_null(o, "subordinate");
	}
}

static void add_state(json_object *o, const struct pci_dev_info *info)
{
	out_str(o, "owner", info->owner_name);
	out_int(o, "owner_id", info->owner);
	if (info->has_vsbdf)
		out_sbdf(o, "vsbdf", info->vsbdf);
	else
		out_null(o, "vsbdf");
	out_str(o, "state", pci_state_name(info->state));
	out_int(o, "holds", info->holds);
	out_int(o, "children", info->children);
	out_int(o, "refs", info->refs);
	out_str(o, "operation",
		info->op == PCI_OP_NONE ? NULL : pci_op_name(info->op));
	out_str(o, "broken", info->broken);
	out_bool(o, "lost", info->lost);
	out_bool(o, "read_only", info->read_only);
	out_bool(o, "hidden", info->hidden);
}

json_object *encode_device(const struct pci_dev_info *info)
{
	json_object *o = out_object();

	out_sbdf(o, "sbdf", info->desc.sbdf);
	out_uint(o, "instance", info->instance);
	add_identity(o, &info->desc);
	add_place(o, &info->desc);
	add_state(o, info);
	return o;
}

static void fill_hold(json_object *o, const struct pci_hold_info *hold)
{
	out_str(o, "kind", pci_hold_kind_name(hold->kind));
	out_str(o, "who", hold->who);
	out_str(o, "domain",
		hold->kind == PCI_HOLD_ASSIGNED ? hold->who : NULL);
	out_time(o, "since", hold->since);
	out_bool(o, "can_ask", hold->can_ask);
	out_bool(o, "asked", hold->asked);
	out_bool(o, "cut", hold->cut);
	out_bool(o, "refused", hold->refused);
	if (hold->kind == PCI_HOLD_CHILD)
		out_sbdf(o, "child", hold->child);
	else
		out_null(o, "child");
}

json_object *encode_hold(const struct pci_hold_info *hold)
{
	json_object *o = out_object();

	fill_hold(o, hold);
	return o;
}

json_object *encode_blocker(const struct pci_blocker *blocker)
{
	json_object *o = out_object();

	out_sbdf(o, "sbdf", blocker->sbdf);
	fill_hold(o, &blocker->hold);
	return o;
}

/* --- in full ---------------------------------------------------------------- */

static void add_capabilities(json_object *o, pci_sbdf_t sbdf)
{
	struct pci_cap *cap = calloc(MAX_CAPS, sizeof(*cap));
	json_object *array = out_array();
	unsigned int count = 0;
	int err = -ENOMEM;

	if (cap)
		err = pci_caps(sbdf, cap, MAX_CAPS, &count);
	for (unsigned int i = 0; i < count && i < MAX_CAPS; i++) {
		json_object *c = out_object();

		out_int(c, "pos", cap[i].pos);
		out_int(c, "id", cap[i].id);
		out_bool(c, "extended", cap[i].extended);
		out_int(c, "version", cap[i].version);
		out_str(c, "name", pci_cap_name(cap[i].extended, cap[i].id));
		out_append(array, c);
	}
	free(cap);
	out_add(o, "capabilities", array);
	if (err < 0)
		out_int(o, "capabilities_error", err);
	else
		out_null(o, "capabilities_error");
}

static void bar_name(char *name, size_t size, int i)
{
	if (i == PCI_BAR_FIRST_ROM)
		snprintf(name, size, "rom");
	else if (i >= PCI_BAR_FIRST_VF)
		snprintf(name, size, "vf%d", i - PCI_BAR_FIRST_VF);
	else
		snprintf(name, size, "%d", i);
}

static const char *const bar_kind[] = {
	[PCI_BAR_NONE] = "none",   [PCI_BAR_IO] = "io",
	[PCI_BAR_MEM32] = "mem32", [PCI_BAR_MEM64] = "mem64",
	[PCI_BAR_ROM] = "rom",
};

/* What real and guest's BARs have in common. */
static json_object *bar_new(int i, uint8_t kind)
{
	json_object *b = out_object();
	char name[16];

	bar_name(name, sizeof(name), i);
	out_int(b, "index", i);
	out_str(b, "name", name);
	out_str(b, "kind", bar_kind[kind]);
	return b;
}

static void add_bars(json_object *o, const struct pci_dev_desc *desc)
{
	json_object *array = out_array();

	for (int i = 0; i < PCI_BAR_COUNT; i++) {
		const struct pci_bar *bar = &desc->bar[i];
		json_object *b;

		if (bar->kind == PCI_BAR_NONE || bar->kind > PCI_BAR_ROM)
			continue;
		b = bar_new(i, bar->kind);
		out_hex(b, "addr", bar->addr);
		if (bar->size_unknown)
			out_null(b, "size");
		else
			out_uint(b, "size", bar->size);
		out_bool(b, "prefetch", bar->prefetch);
		out_append(array, b);
	}
	out_add(o, "bars", array);
}

/* {@key: {@inner: @value}}, or null where the capability is not there. */
static void add_count(json_object *o, const char *key, uint16_t pos,
		      const char *inner, uint16_t value)
{
	json_object *c;

	if (!pos) {
		out_null(o, key);
		return;
	}
	c = out_object();
	out_int(c, inner, value);
	out_add(o, key, c);
}

static void add_sriov(json_object *o, const struct pci_dev_desc *desc)
{
	json_object *s;

	if (!desc->sriov) {
		out_null(o, "sriov");
		return;
	}
	s = out_object();
	out_int(s, "total", desc->vf_total);
	out_int(s, "num", desc->vf_num);
	out_int(s, "offset", desc->vf_offset);
	out_int(s, "stride", desc->vf_stride);
	out_int(s, "vf_device", desc->vf_device);
	out_add(o, "sriov", s);
}

void encode_details(json_object *o, const struct pci_dev_info *info)
{
	const struct pci_dev_desc *desc = &info->desc;

	out_time(o, "added", info->added);
	out_time(o, "operation_since",
		 info->op == PCI_OP_NONE ? 0 : info->op_since);
	out_int(o, "header_type", desc->hdr_type);
	out_int(o, "config_size", desc->cfg_size);
	out_bool(o, "capabilities_unknown", desc->caps_unknown);
	if (desc->ident.serial)
		out_hex(o, "serial", desc->ident.serial);
	else
		out_null(o, "serial");
	add_capabilities(o, desc->sbdf);
	add_bars(o, desc);
	add_count(o, "msi", desc->msi, "vectors", desc->msi_vectors);
	add_count(o, "msix", desc->msix, "entries", desc->msix_entries);
	add_sriov(o, desc);
	out_int(o, "phantom_stride", desc->phantom_stride);
	out_str(o, "defect", desc->defect);
}

/* --- what its owner sees -------------------------------------------------------- */

static void add_guest_bars(json_object *o, const struct vpci_info *info)
{
	json_object *array = out_array();

	for (int i = 0; i <= PCI_BAR_FIRST_ROM; i++) {
		const struct vpci_bar_info *bar = &info->bar[i];
		json_object *b;

		if (bar->kind == PCI_BAR_NONE || bar->kind > PCI_BAR_ROM)
			continue;
		b = bar_new(i, bar->kind);
		out_hex(b, "guest", bar->guest);
		out_uint(b, "size", bar->size);
		out_uint(b, "mapped", bar->mapped);
		out_bool(b, "decode", bar->decode);
		out_bool(b, "failed", bar->failed);
		out_append(array, b);
	}
	out_add(o, "bars", array);
}

json_object *encode_view(pci_sbdf_t sbdf)
{
	struct vpci_info info;
	json_object *o;

	if (vpci_query(sbdf, &info))
		return NULL;
	o = out_object();
	out_str(o, "policy", info.policy);
	out_int(o, "command", info.command);
	out_int(o, "registers", info.registers);
	out_int(o, "shown", info.caps);
	out_int(o, "hidden", info.hidden);
	out_int(o, "failed", info.failed);
	out_int(o, "msi_vectors", info.msi_enabled);
	out_str(o, "msix",
		!info.msix_enabled ? "off"
		: info.msix_masked ? "masked"
				   : "on");
	out_uint(o, "bytes", info.bytes);
	add_guest_bars(o, &info);
	return o;
}
