/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping devices from harm: quarantine, unquarantine, reset, faults. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/domain.h>
#include <holdfast/iommu.h>
#include <holdfast/reset.h>

#include "encode_safety.h"
#include "hosts.h"
#include "methods.h"
#include "out.h"
#include "state.h"
#include "texts.h"

#define REASON_MAX 200

/* --- quarantine --------------------------------------------------------------- */

/* The administrator's reason, or that he gave none; kept. */
static int arg_reason(struct call *call, const char **kept)
{
	char own[64];
	const char *reason = own;
	int err;

	snprintf(own, sizeof(own), "put there by %s",
		 client_peer(call->client)->user);
	err = arg_line_opt(call, "reason", REASON_MAX, &reason);
	if (err < 0)
		return err;
	*kept = text_keep(reason);
	return *kept ? 0 : call_fail(call, -ENOMEM, "out of memory; try again");
}

int method_quarantine(struct call *call)
{
	const char *why;
	pci_sbdf_t sbdf;
	int err;

	if ((err = arg_sbdf(call, "sbdf", &sbdf)) ||
	    (err = arg_reason(call, &why)))
		return err;
	err = pci_quarantine_device(sbdf, why);
	if (err)
		return call_fail_device(call, err, sbdf);
	err = state_save();
	return err ? call_fail_unsaved(call, err, sbdf)
		   : reply_device(call, sbdf);
}

static int still_unfit(struct call *call, int err, pci_sbdf_t sbdf,
		       const char *why)
{
	char name[PCI_SBDF_LEN];

	pci_sbdf_print(name, sbdf);
	switch (err) {
	case -EINVAL:
		call_fail(call, err,
			  "%s is not in quarantine; `holdfast list --owner "
			  "quarantine` shows what is",
			  name);
		break;
	case -EIO:
		call_fail(call, err,
			  "%s stays in quarantine: it does not pass the check "
			  "(%s); look at the card",
			  name, why ? why : "no reason given");
		out_str(call_data(call), "broken", why);
		break;
	case -EPERM:
		call_fail(call, err,
			  "%s stays in quarantine as long as a guest uses "
			  "others of its isolation group; `holdfast "
			  "why-grouped %s` shows whose they are",
			  name, name);
		break;
	default:
		return call_fail_device(call, err, sbdf);
	}
	out_sbdf(call_data(call), "sbdf", sbdf);
	return err;
}

int method_unquarantine(struct call *call)
{
	const char *why = NULL;
	pci_sbdf_t sbdf;
	int err;

	err = arg_sbdf(call, "sbdf", &sbdf);
	if (err)
		return err;
	err = pci_unquarantine_device(sbdf, &why);
	if (err)
		return still_unfit(call, err, sbdf, why);
	err = state_save();
	return err ? call_fail_unsaved(call, err, sbdf)
		   : reply_device(call, sbdf);
}

/* --- reset -------------------------------------------------------------------- */

static int arg_method(struct call *call, enum pci_reset_method *method)
{
	const char *name = NULL;
	int parsed, err = arg_str_opt(call, "method", &name);

	*method = PCI_RESET_ANY;
	if (err <= 0)
		return err;
	parsed = pci_reset_method_parse(name);
	if (parsed < 0)
		return arg_bad(call, "method", "must be flr, af, pm or bus");
	*method = (enum pci_reset_method)parsed;
	return 0;
}

static int not_reset(struct call *call, int err, pci_sbdf_t sbdf,
		     enum pci_reset_method method, const char *why)
{
	char name[PCI_SBDF_LEN];

	pci_sbdf_print(name, sbdf);
	if (err == -EIO) {
		call_fail(call, err,
			  "the reset of %s did not work (%s); it is in "
			  "quarantine now, `holdfast unquarantine %s` tries it "
			  "again",
			  name, why ? why : "no reason given", name);
		out_str(call_data(call), "broken", why);
	} else if (err == -EOPNOTSUPP && !host_read_only()) {
		call_fail(call, err,
			  "%s cannot be reset%s%s now; `holdfast show %s` says "
			  "how it can",
			  name, method == PCI_RESET_ANY ? "" : " by ",
			  method == PCI_RESET_ANY
				  ? ""
				  : pci_reset_method_name(method),
			  name);
	} else {
		return call_fail_device(call, err, sbdf);
	}
	out_sbdf(call_data(call), "sbdf", sbdf);
	return err;
}

int method_reset(struct call *call)
{
	enum pci_reset_method method, used = PCI_RESET_ANY;
	const char *why = NULL;
	pci_sbdf_t sbdf;
	int err;

	if ((err = arg_sbdf(call, "sbdf", &sbdf)) ||
	    (err = arg_method(call, &method)) < 0)
		return err;
	err = pci_reset_device(sbdf, method, &used, &why);
	if (err)
		return not_reset(call, err, sbdf, method, why);
	call->result = out_object();
	out_sbdf(call->result, "sbdf", sbdf);
	out_str(call->result, "method", pci_reset_method_name(used));
	return 0;
}

/* --- faults ------------------------------------------------------------------- */

static json_object *encode_faulty(pci_sbdf_t sbdf,
				  const struct pci_fault_info *fault)
{
	json_object *o = encode_faults(fault);

	out_sbdf(o, "sbdf", sbdf);
	return o;
}

/* Those that have faulted, from @at on, up to @limit. */
static void add_faulty(json_object *array, struct cursor *at, int64_t limit)
{
	struct pci_iommu_info iommu;
	struct pci_dev_info info;

	while (limit && !cursor_next(at, &info)) {
		if (pci_iommu_query(info.desc.sbdf, &iommu) ||
		    (!iommu.fault.total && !iommu.fault.master_off))
			continue;
		out_append(array, encode_faulty(info.desc.sbdf, &iommu.fault));
		limit--;
	}
}

static int no_iommu(struct call *call, int err, pci_sbdf_t sbdf)
{
	if (err == -EOPNOTSUPP)
		return call_fail(call, err,
				 "the host %s has no IOMMU that would tell of "
				 "faults",
				 host_spec());
	return call_fail_device(call, err, sbdf);
}

int method_faults(struct call *call)
{
	struct pci_iommu_info iommu;
	json_object *array;
	int64_t limit = 256;
	struct cursor at;
	pci_sbdf_t sbdf;
	int one, err;

	if ((one = err = arg_sbdf_opt(call, "sbdf", &sbdf)) < 0 ||
	    (err = cursor_arg(call, &at)) < 0 ||
	    (err = arg_int_opt(call, "limit", 1, 1000, &limit)) < 0)
		return err;
	if (one && (err = pci_iommu_query(sbdf, &iommu)))
		return no_iommu(call, err, sbdf);
	call->result = out_object();
	array = out_array();
	if (one)
		out_append(array, encode_faulty(sbdf, &iommu.fault));
	else
		add_faulty(array, &at, limit);
	out_add(call->result, "faults", array);
	if (one)
		out_null(call->result, "next");
	else
		cursor_add(call->result, at);
	return 0;
}

int method_clear_faults(struct call *call)
{
	struct pci_iommu_info iommu;
	pci_sbdf_t sbdf;
	int err;

	err = arg_sbdf(call, "sbdf", &sbdf);
	if (err)
		return err;
	err = pci_iommu_query(sbdf, &iommu);
	if (!err)
		err = pci_faults_clear(sbdf);
	if (err)
		return no_iommu(call, err, sbdf);
	call->result = encode_faulty(sbdf, &iommu.fault);
	return 0;
}
