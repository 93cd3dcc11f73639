/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated host: fabric.*, but traffic, which has a file of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/removal.h>

#include "fabric.h"
#include "hosts.h"
#include "hotplug.h"
#include "methods.h"
#include "out.h"

#define MAX_FAULTS 256

int need_fabric(struct call *call)
{
	if (host_fabric())
		return 0;
	return call_fail(call, -EOPNOTSUPP,
			 "the host %s is real; only a daemon with --host "
			 "fabric:… has cards to play with",
			 host_spec());
}

int method_fabric_slots(struct call *call)
{
	struct fabric_slot slot;
	json_object *array;
	pci_sbdf_t at = pci_sbdf_from(0);
	int err = need_fabric(call);

	if (err)
		return err;
	call->result = out_object();
	array = out_array();
	while (!fabric_slot_next(host_fabric(), at, &slot)) {
		json_object *o = out_object();

		out_sbdf(o, "port", slot.port);
		out_sbdf(o, "card", slot.card);
		out_int(o, "number", slot.number);
		out_bool(o, "hotplug", slot.hotplug);
		out_bool(o, "occupied", slot.occupied);
		out_str(o, "name", *slot.name ? slot.name : NULL);
		out_append(array, o);
		at = slot.port;
		if (!++at.sbdf)
			break;
	}
	out_add(call->result, "slots", array);
	return 0;
}

int method_fabric_cards(struct call *call)
{
	json_object *array;
	const char *name;
	int err = need_fabric(call);

	if (err)
		return err;
	call->result = out_object();
	array = out_array();
	for (unsigned int i = 0; (name = fabric_card_name(host_fabric(), i));
	     i++)
		out_append(array, json_object_new_string(name));
	out_add(call->result, "cards", array);
	return 0;
}

/* --- plugging ------------------------------------------------------------------ */

static int slot_failed(struct call *call, int err, pci_sbdf_t slot)
{
	char name[PCI_SBDF_LEN];

	pci_sbdf_print(name, slot);
	switch (err) {
	case -ENODEV:
		call_fail(call, -ENOENT,
			  "%s is no slot; `holdfast tree` shows them", name);
		err = -ENOENT;
		break;
	case -ENOENT:
		call_fail(call, err, "the slot %s is empty", name);
		break;
	case -EOPNOTSUPP:
		call_fail(call, err, "the slot %s is not one for hot-plug",
			  name);
		break;
	default:
		call_fail(call, err, "the slot %s: %s", name, strerror(-err));
	}
	out_sbdf(call_data(call), "sbdf", slot);
	return err;
}

/* Adds "devices": what is registered of the card in @slot. */
static void add_card(json_object *to, pci_sbdf_t slot)
{
	json_object *array = out_array();
	struct fabric_slot found;
	pci_sbdf_t at;

	/* A slot's name is its port, or something on the card already. */
	if (!fabric_slot_next(host_fabric(), slot, &found) &&
	    found.port.sbdf == slot.sbdf)
		slot = found.card;
	at = pci_sbdf(slot.seg, 0, 0, 0);
	while (!pci_slot_next(slot, &at)) {
		out_append_sbdf(array, at);
		if (at.bdf++ == UINT16_MAX)
			break;
	}
	out_add(to, "devices", array);
}

int method_fabric_plug(struct call *call)
{
	const char *card;
	pci_sbdf_t slot;
	char why[200] = "";
	int err;

	if ((err = need_fabric(call)) ||
	    (err = arg_sbdf(call, "slot", &slot)) ||
	    (err = arg_str(call, "card", &card)))
		return err;
	err = fabric_plug(host_fabric(), slot, card, why, sizeof(why));
	if (err && *why) {
		call_fail(call, err == -ENODEV ? -ENOENT : err, "%s", why);
		out_sbdf(call_data(call), "sbdf", slot);
		return err;
	}
	if (err)
		return slot_failed(call, err, slot);
	hotplug_settle();
	call->result = out_object();
	out_sbdf(call->result, "slot", slot);
	add_card(call->result, slot);
	return 0;
}

int method_fabric_unplug(struct call *call)
{
	char name[PCI_SBDF_LEN];
	pci_sbdf_t slot, busy;
	int err;

	if ((err = need_fabric(call)) || (err = arg_sbdf(call, "slot", &slot)))
		return err;
	err = fabric_unplug(host_fabric(), slot, &busy);
	if (err == -EBUSY) {
		pci_sbdf_print(name, busy);
		call_fail(call, err,
			  "%s is still registered; `holdfast remove %s "
			  "--slot` first, or `holdfast fabric surprise`",
			  name, name);
		out_sbdf(call_data(call), "sbdf", busy);
		return err;
	}
	if (err)
		return slot_failed(call, err, slot);
	hotplug_settle();
	call->result = out_object();
	out_sbdf(call->result, "slot", slot);
	return 0;
}

int method_fabric_surprise(struct call *call)
{
	pci_sbdf_t sbdf;
	int err;

	if ((err = need_fabric(call)) || (err = arg_sbdf(call, "sbdf", &sbdf)))
		return err;
	err = fabric_surprise(host_fabric(), sbdf);
	if (err)
		return call_fail_device(call, err, sbdf);
	hotplug_settle();
	call->result = out_object();
	out_sbdf(call->result, "sbdf", sbdf);
	return 0;
}

/* --- faults ---------------------------------------------------------------------- */

static int no_such_fault(struct call *call)
{
	char names[200] = "";
	size_t len = 0;

	for (int i = 0; i < FABRIC_FAULTS && len < sizeof(names); i++)
		len += (size_t)snprintf(
			names + len, sizeof(names) - len, "%s, ",
			fabric_fault_name((enum fabric_fault_kind)i));
	return arg_bad(call, "fault", "must be %sor none", names);
}

static int set_fault(struct call *call, pci_sbdf_t sbdf, const char *name,
		     int64_t arg)
{
	struct fabric_fault fault = { .sbdf = sbdf, .arg = (uint64_t)arg };
	int kind = fabric_fault_parse(name), err;

	if (!strcmp(name, "none")) {
		err = fabric_fault_clear(host_fabric(), sbdf);
		return err == -ENOENT ? 0 : err;
	}
	if (kind < 0)
		return no_such_fault(call);
	fault.kind = (enum fabric_fault_kind)kind;
	err = fabric_fault_set(host_fabric(), &fault);
	if (err == -EINVAL)
		return arg_bad(call, "arg",
			       "is out of range, or the function has no such "
			       "register");
	return err;
}

int method_fabric_fault(struct call *call)
{
	const char *name;
	pci_sbdf_t sbdf;
	int64_t arg = 0;
	int err;

	if ((err = need_fabric(call)) ||
	    (err = arg_sbdf(call, "sbdf", &sbdf)) ||
	    (err = arg_str(call, "fault", &name)) ||
	    (err = arg_int_opt(call, "arg", 0, INT64_MAX, &arg)) < 0)
		return err;
	err = set_fault(call, sbdf, name, arg);
	if (err)
		return call->err ? err : call_fail_device(call, err, sbdf);
	call->result = out_object();
	out_sbdf(call->result, "sbdf", sbdf);
	out_str(call->result, "fault", name);
	return 0;
}

int method_fabric_faults(struct call *call)
{
	struct fabric_fault fault[MAX_FAULTS];
	json_object *array;
	unsigned int n;
	int err = need_fabric(call);

	if (err)
		return err;
	n = fabric_faults(host_fabric(), fault, MAX_FAULTS);
	call->result = out_object();
	array = out_array();
	for (unsigned int i = 0; i < n && i < MAX_FAULTS; i++) {
		json_object *o = out_object();

		out_sbdf(o, "sbdf", fault[i].sbdf);
		out_str(o, "fault", fabric_fault_name(fault[i].kind));
		out_uint(o, "arg", fault[i].arg);
		out_append(array, o);
	}
	out_add(call->result, "faults", array);
	return 0;
}

/* --- the witness ------------------------------------------------------------------ */

static void add_records(json_object *o, const struct fabric_witness *w)
{
	json_object *array = out_array();

	for (unsigned int i = 0; i < w->listed; i++) {
		json_object *r = out_object();

		out_sbdf(r, "sbdf", w->list[i].sbdf);
		out_time(r, "time", w->list[i].time);
		out_str(r, "text", w->list[i].text);
		out_append(array, r);
	}
	out_add(o, "records", array);
}

int method_fabric_witness(struct call *call)
{
	struct fabric_witness w;
	struct fabric_counts counts;
	json_object *o;
	pci_sbdf_t sbdf, at;
	int one, err = need_fabric(call);

	if (err)
		return err;
	one = arg_sbdf_opt(call, "sbdf", &sbdf);
	if (one < 0)
		return one;
	fabric_witness(host_fabric(), &w);
	counts = w.total;
	if (one) {
		at = sbdf;
		if (fabric_witness_next(host_fabric(), &at, &counts) ||
		    at.sbdf != sbdf.sbdf)
			counts = (struct fabric_counts){ 0 };
	}
	o = call->result = out_object();
	if (one)
		out_sbdf(o, "sbdf", sbdf);
	else
		out_null(o, "sbdf");
	out_uint(o, "reads", counts.reads);
	out_uint(o, "writes", counts.writes);
	out_uint(o, "memory", counts.memory);
	out_uint(o, "dma", counts.dma);
	out_uint(o, "interrupts", counts.interrupts);
	out_uint(o, "faulted", counts.faulted);
	out_uint(o, "refused", counts.refused);
	out_uint(o, "after_success", counts.after_success);
	out_bool(o, "promised", counts.promised);
	out_uint(o, "absent", w.absent);
	out_uint(o, "violations", w.violations);
	add_records(o, &w);
	return 0;
}
