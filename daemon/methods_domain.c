/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests and the special owners: domain.*. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/domain.h>
#include <holdfast/platform.h>

#include "domains.h"
#include "hosts.h"
#include "memory.h"
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
	case -EOPNOTSUPP:
		return call_fail(call, err,
				 "the host %s has no memory to give to guests; "
				 "leave it out",
				 host_spec());
	case -ENOMEM:
		return call_fail(call, err,
				 "there is not so much memory left for the "
				 "domain %.60s; destroy another, or ask for "
				 "less",
				 name);
	default:
		return call_fail(call, err, "domain %.60s: %s", name,
				 strerror(-err));
	}
}

int method_domain_create(struct call *call)
{
	const char *name, *on_ask = "release";
	int64_t id = 0, memory = 0;
	struct domain *d;
	int err;

	if ((err = arg_str(call, "name", &name)) ||
	    (err = arg_str_opt(call, "on_ask", &on_ask)) < 0 ||
	    (err = arg_int_opt(call, "id", DOMID_FIRST_GUEST, DOMID_IO - 1,
			       &id)) < 0 ||
	    (err = arg_int_opt(call, "memory", PLAT_PAGE_SIZE, MEMORY_MAX,
			       &memory)) < 0)
		return err;
	if (memory % PLAT_PAGE_SIZE)
		return arg_bad(call, "memory", "must be a multiple of %u",
			       (unsigned int)PLAT_PAGE_SIZE);
	err = guest_create(name, (unsigned int)id, on_ask, (uint64_t)memory,
			   &d);
	if (err)
		return create_failed(call, err, name);
	call->result = guest_encode(d);
	domain_put(d);
	return 0;
}

/* --- the end of one ------------------------------------------------------- */

#define FATES_MAX 10000 /* a reply has an end */

/* A device that a domain had. */
struct had {
	pci_sbdf_t sbdf;
	uint64_t instance;
};

/* What @d has, in memory that the caller frees. How many; -ENOMEM. */
static int devices_of(struct domain *d, struct had **out)
{
	struct had *all = NULL;
	struct pci_dev *pdev = NULL;
	int n = 0, room = 0;

	while ((pdev = domain_next_pdev(d, pdev))) {
		if (n == room) {
			struct had *more;

			room = room ? 2 * room : 16;
			more = realloc(all, (size_t)room * sizeof(*all));
			if (!more) {
				pcidev_put(pdev);
				free(all);
				return -ENOMEM;
			}
			all = more;
		}
		all[n].sbdf = pcidev_sbdf(pdev);
		all[n++].instance = pcidev_instance(pdev);
	}
	*out = all;
	return n;
}

/* Adds "devices": what has become of each; of the first ones. */
static void add_fates(json_object *to, const struct had *had, int n)
{
	json_object *array = out_array();

	for (int i = 0; i < n && i < FATES_MAX; i++) {
		json_object *o = out_object();
		struct pci_dev_info info;
		bool there = !pci_query(had[i].sbdf, &info) &&
			     info.instance == had[i].instance && !info.lost;

		out_sbdf(o, "sbdf", had[i].sbdf);
		out_uint(o, "instance", had[i].instance);
		out_str(o, "owner", there ? info.owner_name : NULL);
		out_str(o, "broken", there ? info.broken : NULL);
		out_append(array, o);
	}
	out_add(to, "devices", array);
	out_int(to, "devices_total", n);
}

static int destroy_failed(struct call *call, int err, struct domain *d)
{
	const char *name = domain_name(d);

	if (err == -EINVAL)
		return call_fail(call, err,
				 "%s is not a guest; it stays as long as the "
				 "daemon",
				 name);
	if (err == -EALREADY)
		return call_fail(call, err, "%s is being destroyed already",
				 name);
	return call_fail(call, err, "%s: %s", name, strerror(-err));
}

int method_domain_destroy(struct call *call)
{
	struct had *had = NULL;
	struct domain *d;
	int n, err;

	err = arg_domain(call, "name", &d);
	if (err)
		return err;
	n = devices_of(d, &had);
	err = n < 0 ? n : guest_destroy(d);
	if (err) {
		destroy_failed(call, err, d);
	} else {
		traffic_end(d);
		call->result = out_object();
		out_str(call->result, "name", domain_name(d));
		add_fates(call->result, had, n);
	}
	free(had);
	domain_put(d);
	return err;
}

/* --- looking -------------------------------------------------------------- */

int method_domain_show(struct call *call)
{
	struct domain *d;
	int err = arg_domain(call, "name", &d);

	if (err)
		return err;
	call->result = guest_encode_full(d);
	domain_put(d);
	return 0;
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
