/* SPDX-License-Identifier: BSD-2-Clause */
/* Domains and who owns what: domain.*, assign, deassign. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/domain.h>
#include <holdfast/iommu.h>

#include "domains.h"
#include "hosts.h"
#include "methods.h"
#include "out.h"

static int create_failed(struct call *call, int err, const char *name)
{
	switch (err) {
	case -ERANGE:
		return arg_bad(call, "on_ask",
			       "must be release, refuse, ignore, or late=TIME "
			       "such as late=2s or late=500ms, up to an hour");
	case -EINVAL:
		return arg_bad(call, "name",
			       "must be 1 to %d printable ASCII characters "
			       "without a space",
			       PCI_WHO_LEN - 1);
	case -EEXIST:
		return call_fail(call, err,
				 "the domain %.60s, or its id, is there "
				 "already; `holdfast domain list` shows all",
				 name);
	default:
		return call_fail(call, err, "domain %.60s: %s", name,
				 strerror(-err));
	}
}

int method_domain_create(struct call *call)
{
	const char *name, *on_ask = "release";
	struct domain *d;
	int64_t id = 0;
	int err;

	if ((err = arg_str(call, "name", &name)) ||
	    (err = arg_str_opt(call, "on_ask", &on_ask)) < 0 ||
	    (err = arg_int_opt(call, "id", DOMID_FIRST_GUEST, DOMID_IO - 1,
			       &id)) < 0)
		return err;
	err = guest_create(name, (unsigned int)id, on_ask, &d);
	if (err)
		return create_failed(call, err, name);
	call->result = guest_encode(d);
	domain_put(d);
	return 0;
}

int method_domain_destroy(struct call *call)
{
	struct domain *d;
	int err;

	err = arg_domain(call, "name", &d);
	if (err)
		return err;
	err = domain_destroy(d);
	if (!err)
		traffic_end(d);
	if (err == -EINVAL)
		call_fail(call, err,
			  "%s is not a guest; it stays as long as the daemon",
			  domain_name(d));
	else if (err == -EALREADY)
		call_fail(call, err, "%s is being destroyed already",
			  domain_name(d));
	else if (err)
		call_fail(call, err, "%s: %s", domain_name(d), strerror(-err));
	else
		call->result = out_object();
	domain_put(d);
	return err;
}

int method_domain_list(struct call *call)
{
	const char *cursor = NULL;
	int64_t limit = 256, left;
	json_object *array;
	unsigned int id = 0;
	struct domain *d;
	char text[16];
	int err, end = 0;

	if ((err = arg_str_opt(call, "cursor", &cursor)) < 0 ||
	    (err = arg_int_opt(call, "limit", 1, 1000, &limit)) < 0)
		return err;
	if (cursor && (sscanf(cursor, "%5u%n", &id, &end) != 1 || cursor[end]))
		return arg_bad(call, "cursor", "is not one of ours");
	call->result = out_object();
	array = out_array();
	left = limit;
	if (!cursor && (d = domain_get_by_id(DOMID_HARDWARE))) {
		out_append(array, guest_encode(d));
		domain_put(d);
		left--;
	}
	while (left-- && (d = domain_next(&id))) {
		out_append(array, guest_encode(d));
		domain_put(d);
	}
	out_add(call->result, "domains", array);
	snprintf(text, sizeof(text), "%u", id);
	d = domain_next(&id);
	out_str(call->result, "next", d ? text : NULL);
	domain_put(d);
	return 0;
}

/* --- whose a device is ---------------------------------------------------------- */

static int assign_failed(struct call *call, int err, pci_sbdf_t sbdf,
			 struct domain *d)
{
	const char *name = domain_name(d);

	switch (err) {
	case -EINVAL:
		call_fail(call, err,
			  "%s cannot be given a device: it is no guest, or it "
			  "is being destroyed, or vsbdf is not in segment 0",
			  name);
		break;
	case -EEXIST:
		call_fail(call, err,
			  "%s has a device at this guest address already; "
			  "leave vsbdf out to have one chosen",
			  name);
		break;
	case -ENOSPC:
		call_fail(call, err,
			  "%s has no free slot left; choose a guest address "
			  "with vsbdf",
			  name);
		break;
	default:
		return call_fail_device(call, err, sbdf);
	}
	out_sbdf(call_data(call), "sbdf", sbdf);
	out_str(call_data(call), "domain", name);
	return err;
}

int method_assign(struct call *call)
{
	pci_sbdf_t sbdf, vsbdf = pci_sbdf_from(UINT32_MAX);
	struct domain *d;
	int err;

	if ((err = arg_sbdf(call, "sbdf", &sbdf)) ||
	    (err = arg_sbdf_opt(call, "vsbdf", &vsbdf)) < 0 ||
	    (err = arg_domain(call, "domain", &d)))
		return err;
	err = pci_assign_device(d, sbdf, 0, &vsbdf, NULL);
	if (err) {
		assign_failed(call, err, sbdf, d);
	} else {
		call->result = out_object();
		out_sbdf(call->result, "sbdf", sbdf);
		out_str(call->result, "domain", domain_name(d));
		out_sbdf(call->result, "vsbdf", vsbdf);
	}
	domain_put(d);
	return err;
}

/* The domain "domain", or else the owner of @sbdf; counted. */
static int giver(struct call *call, pci_sbdf_t sbdf, struct domain **out)
{
	struct pci_dev_info info;
	const char *name = NULL;
	int err = arg_str_opt(call, "domain", &name);

	if (err < 0)
		return err;
	if (name)
		return arg_domain(call, "domain", out);
	err = pci_query(sbdf, &info);
	if (err)
		return call_fail_device(call, err, sbdf);
	*out = domain_get_by_id(info.owner);
	return *out ? 0 : call_fail_device(call, -EBUSY, sbdf);
}

int method_deassign(struct call *call)
{
	char name[PCI_SBDF_LEN];
	struct domain *d;
	pci_sbdf_t sbdf;
	int err;

	err = arg_sbdf(call, "sbdf", &sbdf);
	if (err)
		return err;
	err = giver(call, sbdf, &d);
	if (err)
		return err;
	pci_sbdf_print(name, sbdf);
	if (host_read_only())
		err = -EOPNOTSUPP;
	else
		err = pci_deassign_device(d, sbdf, 0, NULL);
	if (err == -EINVAL)
		call_fail(call, err,
			  "%s belongs to no guest; there is nothing to take "
			  "back",
			  name);
	else if (err)
		call_fail_device(call, err, sbdf);
	else
		reply_device(call, sbdf);
	domain_put(d);
	return err;
}
