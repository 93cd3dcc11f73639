/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices: list, show, holders, add, scan, mark_broken, pin, unpin. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/domain.h>

#include "encode.h"
#include "encode_safety.h"
#include "holders.h"
#include "hosts.h"
#include "methods.h"
#include "out.h"
#include "pins.h"
#include "policies.h"
#include "removal_report.h"
#include "state.h"
#include "texts.h"

int method_list(struct call *call)
{
	const char *owner = NULL;
	struct pci_dev_info info;
	json_object *devices;
	struct cursor at;
	int64_t limit = 256;
	int err;

	if ((err = cursor_arg(call, &at)) < 0 ||
	    (err = arg_int_opt(call, "limit", 1, 1000, &limit)) < 0 ||
	    (err = arg_str_opt(call, "owner", &owner)) < 0)
		return err;
	call->result = out_object();
	devices = out_array();
	while (limit && !cursor_next(&at, &info)) {
		if (owner && strcmp(owner, info.owner_name))
			continue;
		out_append(devices, encode_device(&info));
		limit--;
	}
	out_add(call->result, "devices", devices);
	cursor_add(call->result, at);
	return 0;
}

static json_object *encode_holds(const struct pci_hold_info *hold, int count)
{
	json_object *array = out_array();

	for (int i = 0; i < count; i++)
		out_append(array, encode_hold(&hold[i]));
	return array;
}

/* Adds "holders" of the device at @sbdf. 0 or the error. */
static int add_holders(json_object *to, pci_sbdf_t sbdf)
{
	struct pci_hold_info *hold;
	int count = holders_get(sbdf, &hold);

	if (count < 0)
		return count;
	out_add(to, "holders", encode_holds(hold, count));
	free(hold);
	return 0;
}

/* Adds "view" and "policy": what its owner sees, and the next guest will. */
static void add_view(json_object *to, pci_sbdf_t sbdf)
{
	char policy[PCI_WHO_LEN];

	policies_name(sbdf, policy);
	out_add(to, "view", encode_view(sbdf));
	out_str(to, "policy", policy);
}

int method_show(struct call *call)
{
	struct pci_dev_info info;
	pci_sbdf_t sbdf;
	int err;

	err = arg_sbdf(call, "sbdf", &sbdf);
	if (err)
		return err;
	err = pci_query(sbdf, &info);
	if (err)
		return call_fail_device(call, err, sbdf);
	call->result = encode_device(&info);
	encode_details(call->result, &info);
	encode_safety(call->result, &info);
	add_view(call->result, sbdf);
	err = add_holders(call->result, sbdf);
	return err ? call_fail_device(call, err, sbdf) : 0;
}

/* Adds "behind": who holds what is below the device. */
static void add_behind(json_object *to, pci_sbdf_t sbdf)
{
	struct pci_blocker hold[REPORT_BEHIND_MAX];
	json_object *array = out_array();
	unsigned int n = holders_below(sbdf, hold, REPORT_BEHIND_MAX);

	for (unsigned int i = 0; i < n; i++)
		if (hold[i].sbdf.sbdf != sbdf.sbdf)
			out_append(array, encode_blocker(&hold[i]));
	out_add(to, "behind", array);
}

int method_holders(struct call *call)
{
	struct pci_dev_info info;
	pci_sbdf_t sbdf;
	int err;

	err = arg_sbdf(call, "sbdf", &sbdf);
	if (err)
		return err;
	err = pci_query(sbdf, &info);
	if (err)
		return call_fail_device(call, err, sbdf);
	call->result = out_object();
	out_sbdf(call->result, "sbdf", sbdf);
	out_uint(call->result, "instance", info.instance);
	out_int(call->result, "refs", info.refs);
	add_behind(call->result, sbdf);
	err = add_holders(call->result, sbdf);
	return err ? call_fail_device(call, err, sbdf) : 0;
}

int method_add(struct call *call)
{
	pci_sbdf_t sbdf;
	int err;

	err = arg_sbdf(call, "sbdf", &sbdf);
	if (err)
		return err;
	err = pci_add_device(sbdf);
	if (err == -ENODEV)
		return call_fail(call, err,
				 "nothing answers there; is the card in its "
				 "slot, and its bridge added?");
	return err ? call_fail_device(call, err, sbdf)
		   : reply_device(call, sbdf);
}

static void scan_sum(struct pci_scan *sum, const struct pci_scan *one)
{
	if (one->failed && !sum->failed) {
		sum->error = one->error;
		sum->where = one->where;
	}
	sum->found += one->found;
	sum->added += one->added;
	sum->failed += one->failed;
}

static int scan_segments(int64_t from, int64_t to, struct pci_scan *sum)
{
	int seg = pci_segment_next((unsigned int)from);
	int err = seg < 0 || seg > to ? -ENODEV : 0;

	while (!err && seg >= 0 && seg <= to) {
		struct pci_scan one = { 0 };

		err = pci_scan_segment((uint16_t)seg, &one);
		scan_sum(sum, &one);
		seg = pci_segment_next((unsigned int)seg + 1);
	}
	return err;
}

int method_scan(struct call *call)
{
	struct pci_scan scan = { 0 };
	int64_t segment = -1;
	pci_sbdf_t sbdf;
	int at, err;

	if ((at = arg_sbdf_opt(call, "sbdf", &sbdf)) < 0)
		return at;
	if ((err = arg_int_opt(call, "segment", 0, UINT16_MAX, &segment)) < 0)
		return err;
	if (at)
		err = pci_scan_slot(sbdf, &scan);
	else if (segment >= 0)
		err = scan_segments(segment, segment, &scan);
	else
		err = scan_segments(0, UINT16_MAX, &scan);
	if (err == -ENODEV && (at || segment >= 0))
		return call_fail(call, err, "this host has no such segment");
	if (err && err != -ENODEV)
		return call_fail(call, err, "the scan ended early: %s",
				 strerror(-err));
	call->result = out_object();
	out_int(call->result, "found", scan.found);
	out_int(call->result, "added", scan.added);
	out_int(call->result, "failed", scan.failed);
	if (scan.failed) {
		out_errno(call->result, scan.error);
		out_sbdf(call->result, "where", scan.where);
	} else {
		out_null(call->result, "errno");
		out_null(call->result, "name");
		out_null(call->result, "where");
	}
	return 0;
}

/* --- marks ---------------------------------------------------------------------- */

/* @why NULL: fit again. The caller has no reference on @pdev but this one. */
static int set_mark(struct pci_dev *pdev, const char *why)
{
	if (why) {
		pcidev_set_broken(pdev, why);
		return 0;
	}
	/* Nothing was ever switched off here that would have to come back. */
	if (host_read_only()) {
		pcidev_set_broken(pdev, NULL);
		return 0;
	}
	return pcidev_mend(pdev);
}

/* It cannot go back to whose it was; the mark says why by now. */
static int not_mended(struct call *call, pci_sbdf_t sbdf)
{
	char name[PCI_SBDF_LEN];
	struct pci_dev_info info;
	const char *why = NULL;

	if (!pci_query(sbdf, &info))
		why = info.broken;
	if (!why)
		return call_fail_device(call, -EIO, sbdf);
	call_fail(call, -EIO, "%s stays marked broken: %s",
		  pci_sbdf_print(name, sbdf), why);
	out_sbdf(call_data(call), "sbdf", sbdf);
	out_str(call_data(call), "broken", why);
	return -EIO;
}

int method_mark_broken(struct call *call)
{
	const char *reason = NULL, *kept = NULL;
	struct pci_dev *pdev;
	pci_sbdf_t sbdf;
	int err;

	if ((err = arg_sbdf(call, "sbdf", &sbdf)) ||
	    (err = arg_line_opt(call, "reason", 200, &reason)) < 0)
		return err;
	if (reason && !(kept = text_keep(reason)))
		return call_fail_device(call, -ENOMEM, sbdf);
	err = pci_lookup(NULL, sbdf, &pdev);
	if (err)
		return call_fail_device(call, err, sbdf);
	err = set_mark(pdev, kept);
	pcidev_put(pdev);
	if (err == -EIO)
		return not_mended(call, sbdf);
	if (err)
		return call_fail_device(call, err, sbdf);
	err = state_save();
	return err ? call_fail_unsaved(call, err, sbdf)
		   : reply_device(call, sbdf);
}

/* --- pins ------------------------------------------------------------------------- */

/* The hold that pin_add() made is the device's only one of this kind. */
static int reply_pin(struct call *call, pci_sbdf_t sbdf)
{
	struct pci_hold_info *hold;
	int count = holders_get(sbdf, &hold);

	for (int i = 0; i < count; i++)
		if (hold[i].kind == PCI_HOLD_PIN && !call->result)
			call->result = encode_hold(&hold[i]);
	free(hold);
	return call->result ? 0 : call_fail_device(call, -ENODEV, sbdf);
}

int method_pin(struct call *call)
{
	char who[PCI_WHO_LEN], name[PCI_SBDF_LEN];
	const char *reason;
	pci_sbdf_t sbdf;
	int err;

	if ((err = arg_sbdf(call, "sbdf", &sbdf)) ||
	    (err = arg_line(call, "reason", 80, &reason)))
		return err;
	snprintf(who, sizeof(who), "%s: %s", client_peer(call->client)->user,
		 reason);
	text_mend(who);
	pci_sbdf_print(name, sbdf);
	err = pin_add(sbdf, who);
	if (err == -EEXIST) {
		call_fail(call, err,
			  "%s is pinned already; `holdfast holders %s` shows "
			  "by whom",
			  name, name);
		out_sbdf(call_data(call), "sbdf", sbdf);
		return err;
	}
	if (err)
		return call_fail_device(call, err, sbdf);
	err = state_save();
	if (!err)
		return reply_pin(call, sbdf);
	(void)pin_remove(sbdf);
	(void)state_save(); /* it may be in the file, and not known to stay */
	return call_fail(call, err,
			 "%s is not pinned: the pin could not be saved (%s)",
			 name, strerror(-err));
}

int method_unpin(struct call *call)
{
	char name[PCI_SBDF_LEN];
	pci_sbdf_t sbdf;
	int err;

	err = arg_sbdf(call, "sbdf", &sbdf);
	if (err)
		return err;
	err = pin_remove(sbdf);
	if (err) {
		pci_sbdf_print(name, sbdf);
		call_fail(call, err,
			  "%s is not pinned; `holdfast holders %s` shows who "
			  "holds it",
			  name, name);
		out_sbdf(call_data(call), "sbdf", sbdf);
		return err;
	}
	err = state_save();
	if (err)
		return call_fail_unsaved(call, err, sbdf);
	call->result = out_object();
	return 0;
}
