/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What guests see of capabilities: policy.list, policy.show, policy.check,
 * policy.load, policy.reset. A file is read by the client and parsed here.
 */
#include <stdio.h>
#include <string.h>

#include <holdfast/vpci.h>

#include "encode.h"
#include "hosts.h"
#include "methods.h"
#include "out.h"
#include "policies.h"
#include "policy_file.h"

#define TEXT_MAX 32768 /* bytes; in JSON it must still fit a line */
#define WHY_LEN 256

static const struct vpci_policy *const shipped[] = {
	&vpci_policy_guest,
	&vpci_policy_hardware_domain,
};

/* --- looking ---------------------------------------------------------------------- */

/* One that is no device's. */
static json_object *describe(const struct vpci_policy *policy, bool whole)
{
	json_object *o = encode_policy(policy, whole);

	out_null(o, "sbdf");
	return o;
}

struct look {
	const char *name; /* only of this name; NULL: any */
	bool whole;
	json_object *found; /* owned */
};

static void look_at(const struct vpci_policy *policy, void *data)
{
	struct look *look = data;

	if (!look->name || !strcmp(look->name, policy->name))
		look->found = encode_policy(policy, look->whole);
}

/* The address after @sbdf; false: there is none. */
static bool step(pci_sbdf_t *sbdf)
{
	return ++sbdf->sbdf;
}

/* The first loaded one at or after *@sbdf that @look wants; *@sbdf: whose. */
static json_object *next_loaded(struct look *look, pci_sbdf_t *sbdf)
{
	look->found = NULL;
	while (policies_next(*sbdf, sbdf, look_at, look)) {
		if (look->found) {
			out_sbdf(look->found, "sbdf", *sbdf);
			return look->found;
		}
		if (!step(sbdf))
			break;
	}
	return NULL;
}

int method_policy_list(struct call *call)
{
	struct look look = { 0 };
	json_object *array, *o;
	int64_t limit = 256;
	bool more = true;
	struct cursor at;
	pci_sbdf_t sbdf;
	int err;

	if ((err = cursor_arg(call, &at)) < 0 ||
	    (err = arg_int_opt(call, "limit", 1, 1000, &limit)) < 0)
		return err;
	call->result = out_object();
	array = out_array();
	sbdf = pci_sbdf_from(at.seg << 16 | at.bdf);
	if (!sbdf.sbdf)
		for (size_t i = 0; i < ARRAY_SIZE(shipped); i++)
			out_append(array, describe(shipped[i], false));
	while (limit && more && (o = next_loaded(&look, &sbdf))) {
		out_append(array, o);
		more = step(&sbdf);
		limit--;
	}
	out_add(call->result, "policies", array);
	o = more ? next_loaded(&look, &sbdf) : NULL;
	if (o)
		cursor_print(call->result, sbdf);
	else
		out_null(call->result, "next");
	json_object_put(o);
	return 0;
}

/* What the next guest of the device sees it by. */
static int show_of(struct call *call, pci_sbdf_t sbdf)
{
	struct look look = { .whole = true };
	struct pci_dev_info info;
	pci_sbdf_t whose = sbdf;
	int err = pci_query(sbdf, &info);

	if (err)
		return call_fail_device(call, err, sbdf);
	call->result = next_loaded(&look, &whose);
	if (call->result && whose.sbdf == sbdf.sbdf)
		return 0;
	json_object_put(call->result);
	call->result = describe(&vpci_policy_guest, true);
	return 0;
}

/* NULL: none that is shipped. */
static const struct vpci_policy *find_shipped(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(shipped); i++)
		if (!strcmp(shipped[i]->name, name))
			return shipped[i];
	return NULL;
}

int method_policy_show(struct call *call)
{
	struct look look = { .whole = true };
	const struct vpci_policy *policy;
	pci_sbdf_t sbdf;
	int err;

	err = arg_sbdf_opt(call, "sbdf", &sbdf);
	if (err)
		return err < 0 ? err : show_of(call, sbdf);
	err = arg_str(call, "name", &look.name);
	if (err)
		return err;
	policy = find_shipped(look.name);
	sbdf = pci_sbdf_from(0);
	call->result = policy ? describe(policy, true)
			      : next_loaded(&look, &sbdf);
	if (call->result)
		return 0;
	return call_fail(call, -ENOENT,
			 "no policy %.60s; `holdfast policy show` lists what "
			 "there is",
			 look.name);
}

/* --- loading ------------------------------------------------------------------------ */

/* The policy of params "text"; the caller frees it. */
static int arg_policy(struct call *call, struct policy_file **out)
{
	const char *name = "policy", *text;
	const struct vpci_policy *policy;
	char why[WHY_LEN] = "";
	size_t len;
	int err;

	if ((err = arg_str_opt(call, "name", &name)) < 0 ||
	    (err = arg_str(call, "text", &text)))
		return err;
	len = strlen(text);
	if (len > TEXT_MAX)
		return arg_bad(call, "text", "must be at most %d bytes",
			       TEXT_MAX);
	*out = policy_file_parse(name, text, len, why, sizeof(why));
	if (!*out)
		return call_fail(call, -EINVAL, "%s", why);
	policy = policy_file_policy(*out);
	err = vpci_policy_check(policy, why, sizeof(why));
	if (err) {
		call_fail(call, err, "%s: %s", name, why);
	} else if (find_shipped(policy->name)) {
		err = call_fail(call, -EEXIST,
				"%s: a policy named \"%s\" is shipped; choose "
				"another name",
				name, policy->name);
	}
	if (err)
		policy_file_free(*out);
	return err;
}

int method_policy_check(struct call *call)
{
	struct policy_file *file;
	int err = arg_policy(call, &file);

	if (err)
		return err;
	call->result = describe(policy_file_policy(file), true);
	policy_file_free(file);
	return 0;
}

/* Takes over @file; NULL: the default again. */
static int set(struct call *call, pci_sbdf_t sbdf, struct policy_file *file)
{
	struct pci_dev_info info;
	int err;

	call->result = out_object();
	out_sbdf(call->result, "sbdf", sbdf);
	out_str(call->result, "policy",
		file ? policy_file_policy(file)->name : vpci_policy_guest.name);
	err = policies_set(sbdf, file);
	if (!err)
		err = pci_query(sbdf, &info);
	if (err == -EAGAIN)
		return call_fail(call, err,
				 "the device was exchanged at this moment; "
				 "look whether it still is the one, and try "
				 "again");
	if (err)
		return call_fail_device(call, err, sbdf);
	out_str(call->result, "keeps", info.has_vsbdf ? info.owner_name : NULL);
	return 0;
}

int method_policy_load(struct call *call)
{
	struct policy_file *file;
	pci_sbdf_t sbdf;
	int err;

	if ((err = arg_sbdf(call, "sbdf", &sbdf)) ||
	    (err = arg_policy(call, &file)))
		return err;
	if (host_read_only()) {
		policy_file_free(file);
		return call_fail_device(call, -EOPNOTSUPP, sbdf);
	}
	return set(call, sbdf, file);
}

int method_policy_reset(struct call *call)
{
	pci_sbdf_t sbdf;
	int err;

	err = arg_sbdf(call, "sbdf", &sbdf);
	if (err)
		return err;
	if (host_read_only())
		return call_fail_device(call, -EOPNOTSUPP, sbdf);
	return set(call, sbdf, NULL);
}
