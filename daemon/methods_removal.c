/* SPDX-License-Identifier: BSD-2-Clause */
/* remove, removal, cancel. All in the loop. */
#include <stdio.h>

#include <holdfast/platform.h>

#include "methods.h"
#include "out.h"
#include "removals.h"

int method_remove(struct call *call)
{
	struct removal_order order = { .wait = true };
	bool ask = false, force = false, slot = false;
	int64_t ms = 2000;
	int err;

	if ((err = arg_sbdf(call, "sbdf", &order.sbdf)) ||
	    (err = arg_bool_opt(call, "ask", &ask)) < 0 ||
	    (err = arg_bool_opt(call, "force", &force)) < 0 ||
	    (err = arg_bool_opt(call, "slot", &slot)) < 0 ||
	    (err = arg_int_opt(call, "timeout_ms", 0, 3600000, &ms)) < 0 ||
	    (err = arg_bool_opt(call, "wait", &order.wait)) < 0)
		return err;
	order.flags = (ask ? PCI_REMOVE_ASK : 0) |
		      (force ? PCI_REMOVE_FORCE : 0) |
		      (slot ? PCI_REMOVE_SLOT : 0);
	order.timeout = (uint64_t)ms * PLAT_NSEC_PER_MSEC;
	return removal_begin(call, &order);
}

/* By "id" or "sbdf"; NULL and call_fail()ed. */
static struct removal *find(struct call *call)
{
	struct removal *r;
	char name[PCI_SBDF_LEN];
	pci_sbdf_t sbdf;
	int64_t id;
	int found = arg_int_opt(call, "id", 1, INT64_MAX, &id);

	if (found < 0)
		return NULL;
	if (found) {
		r = removal_by_id((uint64_t)id);
		if (!r)
			call_fail(call, -ENOENT,
				  "no removal %lld is remembered; the last "
				  "ones of a device are found by its address",
				  (long long)id);
		return r;
	}
	if (arg_sbdf(call, "sbdf", &sbdf))
		return NULL;
	r = removal_of(sbdf);
	if (!r) {
		pci_sbdf_print(name, sbdf);
		call_fail(call, -ENOENT,
			  "no removal of %s is remembered; `holdfast remove "
			  "%s` begins one",
			  name, name);
		out_sbdf(call_data(call), "sbdf", sbdf);
	}
	return r;
}

int method_removal(struct call *call)
{
	struct removal *r = find(call);

	if (!r)
		return call->err;
	call->result = removal_encode(r);
	return 0;
}

int method_cancel(struct call *call)
{
	struct removal *r = find(call);
	int err;

	if (!r)
		return call->err;
	err = removal_cancel(r);
	if (err == -ENOENT)
		return call_fail(call, err,
				 "this removal has ended; there is nothing to "
				 "cancel");
	if (err)
		return call_fail(call, err,
				 "too late: the device is being shut down; "
				 "`holdfast removal` shows how it ends");
	call->result = removal_encode(r);
	return 0;
}
