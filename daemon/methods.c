/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of methods, and what several of them share. */
#include "methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/domain.h>

#include "encode.h"
#include "out.h"

#define ADMIN METHOD_ADMIN
#define WORK METHOD_WORK

const struct method methods[] = {
	{ "list", WORK, method_list, "cursor limit owner" },
	{ "show", WORK, method_show, "sbdf" },
	{ "holders", WORK, method_holders, "sbdf" },
	{ "add", ADMIN | WORK, method_add, "sbdf" },
	{ "scan", ADMIN | WORK, method_scan, "sbdf segment" },
	{ "mark_broken", ADMIN | WORK, method_mark_broken, "sbdf reason" },
	{ "pin", ADMIN | WORK, method_pin, "sbdf reason" },
	{ "unpin", ADMIN | WORK, method_unpin, "sbdf" },
	{ "remove", ADMIN, method_remove,
	  "sbdf ask force slot timeout_ms wait" },
	{ "removal", 0, method_removal, "sbdf id" },
	{ "cancel", ADMIN, method_cancel, "sbdf id" },
	{ "domain.create", ADMIN | WORK, method_domain_create,
	  "name on_ask id memory" },
	{ "domain.destroy", ADMIN | WORK, method_domain_destroy, "name" },
	{ "domain.list", WORK, method_domain_list, "cursor limit" },
	{ "domain.show", WORK, method_domain_show, "name" },
	{ "assign", ADMIN | WORK, method_assign,
	  "sbdf domain vsbdf group relaxed dry_run" },
	{ "deassign", ADMIN | WORK, method_deassign, "sbdf domain group" },
	{ "group", WORK, method_group, "sbdf" },
	{ "quarantine", ADMIN | WORK, method_quarantine, "sbdf reason" },
	{ "unquarantine", ADMIN | WORK, method_unquarantine, "sbdf" },
	{ "reset", ADMIN | WORK, method_reset, "sbdf method" },
	{ "faults", WORK, method_faults, "sbdf cursor limit" },
	{ "clear_faults", ADMIN | WORK, method_clear_faults, "sbdf" },
	{ "config.read", WORK, method_config_read, "sbdf reg size" },
	{ "config.write", ADMIN | WORK, method_config_write,
	  "sbdf reg size value" },
	{ "config.dump", ADMIN | WORK, method_config_dump,
	  "sbdf cursor limit" },
	{ "guest.config_read", WORK, method_guest_config_read,
	  "domain vsbdf reg size" },
	{ "guest.config_write", ADMIN | WORK, method_guest_config_write,
	  "domain vsbdf reg size value" },
	{ "guest.config_dump", ADMIN | WORK, method_guest_config_dump,
	  "domain vsbdf cursor limit" },
	{ "policy.list", WORK, method_policy_list, "cursor limit" },
	{ "policy.show", WORK, method_policy_show, "name sbdf" },
	{ "policy.check", WORK, method_policy_check, "name text" },
	{ "policy.load", ADMIN | WORK, method_policy_load, "sbdf name text" },
	{ "policy.reset", ADMIN | WORK, method_policy_reset, "sbdf" },
	{ "subscribe", 0, method_subscribe, "" },
	{ "unsubscribe", 0, method_unsubscribe, "" },
	{ "stats", 0, method_stats, "" },
	{ "version", 0, method_version, "" },
	{ "fabric.slots", WORK, method_fabric_slots, "" },
	{ "fabric.cards", WORK, method_fabric_cards, "" },
	{ "fabric.plug", ADMIN | WORK, method_fabric_plug, "slot card" },
	{ "fabric.unplug", ADMIN | WORK, method_fabric_unplug, "slot" },
	{ "fabric.surprise", ADMIN | WORK, method_fabric_surprise, "sbdf" },
	{ "fabric.fault", ADMIN | WORK, method_fabric_fault, "sbdf fault arg" },
	{ "fabric.faults", WORK, method_fabric_faults, "" },
	{ "fabric.witness", WORK, method_fabric_witness, "sbdf" },
	{ "fabric.traffic", WORK, method_fabric_traffic,
	  "domain action threads rate" },
	{ "fabric.tester", WORK, method_fabric_tester,
	  "sbdf action source destination length vector data run" },
	{ NULL }
};

/* --- cursors --------------------------------------------------------------------- */

int cursor_arg(struct call *call, struct cursor *at)
{
	const char *text;
	unsigned int seg, bdf;
	int found = arg_str_opt(call, "cursor", &text);
	int end = 0;

	*at = (struct cursor){ 0 };
	if (found <= 0)
		return found;
	if (sscanf(text, "%4x:%4x%n", &seg, &bdf, &end) != 2 || text[end] ||
	    seg > UINT16_MAX || bdf > UINT16_MAX)
		return arg_bad(call, "cursor", "is not one of ours");
	*at = (struct cursor){ seg, bdf };
	return 0;
}

int cursor_next(struct cursor *at, struct pci_dev_info *info)
{
	int seg = pci_segment_next(at->seg);

	while (seg >= 0) {
		pci_sbdf_t from;

		if ((unsigned int)seg != at->seg)
			*at = (struct cursor){ (unsigned int)seg, 0 };
		from = pci_sbdf_from((uint32_t)seg << 16 | at->bdf);
		if (at->bdf <= UINT16_MAX && !pci_query_next(from, info)) {
			at->bdf = info->desc.sbdf.bdf + 1u;
			return 0;
		}
		seg = pci_segment_next((unsigned int)seg + 1);
	}
	return -ENOENT;
}

void cursor_add(json_object *to, struct cursor at)
{
	struct cursor probe = at;
	struct pci_dev_info info;

	if (cursor_next(&probe, &info))
		out_null(to, "next");
	else
		cursor_print(to, info.desc.sbdf);
}

void cursor_print(json_object *to, pci_sbdf_t sbdf)
{
	char text[16];

	snprintf(text, sizeof(text), "%04x:%04x", sbdf.seg, sbdf.bdf);
	out_str(to, "next", text);
}

/* --- answers and errors ------------------------------------------------------------ */

int reply_device(struct call *call, pci_sbdf_t sbdf)
{
	struct pci_dev_info info;
	int err = pci_query(sbdf, &info);

	if (err)
		return call_fail_device(call, err, sbdf);
	call->result = encode_device(&info);
	return 0;
}

int arg_domain(struct call *call, const char *name, struct domain **out)
{
	const char *text;
	int err = arg_str(call, name, &text);

	if (err)
		return err;
	*out = domain_get_by_name(text);
	if (*out)
		return 0;
	err = call_fail(call, -ENOENT,
			"no domain %.60s; `holdfast domain list` shows what "
			"there is",
			text);
	out_str(call_data(call), "domain", text);
	return err;
}
