/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose a device is: assign, deassign. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/domain.h>
#include <holdfast/iommu.h>

#include "hosts.h"
#include "methods.h"
#include "out.h"

/* --- why not ------------------------------------------------------------------ */

/* Adds "members" of its group that stay behind, and "missing": how many. */
static void add_missing(json_object *to, const struct pci_assign_report *report)
{
	json_object *array = out_array();

	for (unsigned int i = 0; i < report->missing && i < PCI_REPORT_MAX;
	     i++) {
		json_object *o = out_object();

		out_sbdf(o, "sbdf", report->member[i].sbdf);
		out_str(o, "owner", report->member[i].owner);
		out_append(array, o);
	}
	out_add(to, "members", array);
	out_uint(to, "missing", report->missing);
}

static void incomplete(struct call *call, const char *name,
		       const struct pci_assign_report *report, bool giving)
{
	unsigned int n = report->missing;

	call_fail(call, -EPERM,
		  "%s shares an isolation group with %u %s that would stay %s; "
		  "--group moves all of it, `holdfast why-grouped %s` says why",
		  name, n, n == 1 ? "device" : "devices",
		  giving ? "behind" : "with the guest", name);
	add_missing(call_data(call), report);
}

static void reserved(struct call *call, const char *name,
		     const struct pci_assign_report *report, bool relaxed)
{
	const struct iommu_region *r = &report->region;
	bool direct = r->kind == IOMMU_REGION_DIRECT;
	json_object *o = out_object();

	call_fail(call, -EPERM,
		  "%s has a reserved region at 0x%" PRIx64 " of %" PRIu64
		  " KiB (%s)%s",
		  name, r->start, r->size >> 10,
		  direct ? "firmware's, to be mapped one to one"
			 : "not translated",
		  relaxed ? ", where the guest has memory already"
			  : "; --relaxed accepts it");
	out_hex(o, "start", r->start);
	out_uint(o, "size", r->size);
	out_str(o, "kind", direct ? "direct" : "reserved");
	out_add(call_data(call), "region", o);
}

/* The operation that runs on it is somebody's: who won the race, maybe. */
static void contested(struct call *call, const char *name,
		      const struct pci_dev_info *info)
{
	call_fail(call, -EBUSY,
		  "%s is busy: the operation \"%s\"%s%s runs on it; try again "
		  "when it has ended",
		  name, pci_op_name(info->op), *info->op_who ? " for " : "",
		  info->op_who);
	out_str(call_data(call), "op", pci_op_name(info->op));
}

/* @on: the device of @sbdf's group that is in the way. */
static void taken(struct call *call, pci_sbdf_t sbdf,
		  const struct pci_assign_report *report)
{
	char name[PCI_SBDF_LEN], on[PCI_SBDF_LEN];
	struct pci_dev_info info;
	bool there = !pci_query(report->sbdf, &info);

	pci_sbdf_print(name, sbdf);
	pci_sbdf_print(on, report->sbdf);
	if (there && info.op != PCI_OP_NONE) {
		contested(call, on, &info);
	} else if (report->sbdf.sbdf == sbdf.sbdf) {
		call_fail_device(call, -EBUSY, sbdf);
	} else {
		call_fail(call, -EBUSY,
			  "%s cannot be had: %s of its isolation group belongs "
			  "to %s",
			  name, on, report->who);
		out_str(call_data(call), "owner", report->who);
	}
	out_str(call_data(call), "who", report->who);
	out_sbdf(call_data(call), "on", report->sbdf);
}

static void unconfined(struct call *call, const char *name)
{
	if (host_read_only())
		call_fail(call, -EOPNOTSUPP,
			  "the host %s is read-only: %s can be looked at, not "
			  "changed",
			  host_spec(), name);
	else
		call_fail(call, -EOPNOTSUPP,
			  "the host of %s has no IOMMU that could confine it",
			  name);
}

static void quarantined(struct call *call, const char *name,
			const struct pci_assign_report *report)
{
	const char *why = report->reason ? report->reason : "no reason given";
	char on[PCI_SBDF_LEN];

	pci_sbdf_print(on, report->sbdf);
	call_fail(call, -EIO,
		  "%s: %s could not be made safe (%s), and is in quarantine; "
		  "`holdfast unquarantine %s` tries it again",
		  name, on, why, on);
	out_str(call_data(call), "broken", report->reason);
	out_sbdf(call_data(call), "on", report->sbdf);
}

static int assign_failed(struct call *call, int err, pci_sbdf_t sbdf,
			 struct domain *d, unsigned int flags,
			 const struct pci_assign_report *report)
{
	const char *domain = domain_name(d);
	char name[PCI_SBDF_LEN];

	pci_sbdf_print(name, sbdf);
	switch (err) {
	case -EBUSY:
		taken(call, sbdf, report);
		break;
	case -EINVAL:
		call_fail(call, err,
			  "%s cannot be given a device: it is no guest, or it "
			  "is being destroyed, or vsbdf is not in segment 0",
			  domain);
		break;
	case -EPERM:
		if (report->missing)
			incomplete(call, name, report, true);
		else if (report->region.size)
			reserved(call, name, report,
				 flags & PCI_ASSIGN_RELAXED);
		else
			call_fail_device(call, err, sbdf);
		break;
	case -EEXIST:
		call_fail(call, err,
			  "%s has a device at this guest address already; "
			  "leave vsbdf out to have one chosen",
			  domain);
		break;
	case -ENOSPC:
		call_fail(call, err,
			  "%s has no free slot left; choose a guest address "
			  "with vsbdf",
			  domain);
		break;
	case -E2BIG:
		call_fail(call, err,
			  "the isolation group of %s has more than %u members",
			  name, PCI_GROUP_MAX);
		break;
	case -EIO:
		quarantined(call, name, report);
		break;
	case -EOPNOTSUPP:
		unconfined(call, name);
		break;
	case -EBADF:
		call_fail_device(call, err, report->sbdf);
		break;
	default:
		call_fail_device(call, err, sbdf);
	}
	out_sbdf(call_data(call), "sbdf", sbdf);
	out_str(call_data(call), "domain", domain);
	return err;
}

/* --- giving ------------------------------------------------------------------- */

/* PCI_ASSIGN_… of the flags that @call has. */
static int arg_flag(struct call *call, const char *name, unsigned int flag,
		    unsigned int *flags)
{
	bool set = false;
	int err = arg_bool_opt(call, name, &set);

	if (set)
		*flags |= flag;
	return err;
}

static int try_assign(struct call *call, struct domain *d, pci_sbdf_t sbdf,
		      unsigned int flags)
{
	struct pci_assign_report report = { .sbdf = sbdf };
	int err = pci_test_assign(d, sbdf, flags, &report);

	if (err)
		return assign_failed(call, err, sbdf, d, flags, &report);
	call->result = out_object();
	out_sbdf(call->result, "sbdf", sbdf);
	out_str(call->result, "domain", domain_name(d));
	out_null(call->result, "vsbdf");
	out_int(call->result, "moved", 0);
	return 0;
}

static int assign(struct call *call, struct domain *d, pci_sbdf_t sbdf,
		  pci_sbdf_t vsbdf, unsigned int flags)
{
	struct pci_assign_report report = { .sbdf = sbdf };
	int err = pci_assign_device(d, sbdf, flags, &vsbdf, &report);

	if (err)
		return assign_failed(call, err, sbdf, d, flags, &report);
	call->result = out_object();
	out_sbdf(call->result, "sbdf", sbdf);
	out_str(call->result, "domain", domain_name(d));
	out_sbdf(call->result, "vsbdf", vsbdf);
	out_int(call->result, "moved", report.moved);
	return 0;
}

int method_assign(struct call *call)
{
	pci_sbdf_t sbdf, vsbdf = pci_sbdf_from(UINT32_MAX);
	unsigned int flags = 0;
	struct domain *d;
	bool dry_run = false;
	int err;

	if ((err = arg_sbdf(call, "sbdf", &sbdf)) ||
	    (err = arg_sbdf_opt(call, "vsbdf", &vsbdf)) < 0 ||
	    (err = arg_flag(call, "group", PCI_ASSIGN_GROUP, &flags)) < 0 ||
	    (err = arg_flag(call, "relaxed", PCI_ASSIGN_RELAXED, &flags)) < 0 ||
	    (err = arg_bool_opt(call, "dry_run", &dry_run)) < 0 ||
	    (err = arg_domain(call, "domain", &d)))
		return err;
	err = dry_run ? try_assign(call, d, sbdf, flags)
		      : assign(call, d, sbdf, vsbdf, flags);
	domain_put(d);
	return err;
}

/* --- taking back -------------------------------------------------------------- */

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

static int deassign_failed(struct call *call, int err, pci_sbdf_t sbdf,
			   const struct pci_assign_report *report)
{
	char name[PCI_SBDF_LEN];

	pci_sbdf_print(name, sbdf);
	if (err == -EINVAL)
		call_fail(call, err,
			  "%s belongs to no guest; there is nothing to take "
			  "back",
			  name);
	else if (err == -EPERM && report->missing)
		incomplete(call, name, report, false);
	else if (err == -EBUSY)
		taken(call, sbdf, report);
	else if (err == -EIO)
		quarantined(call, name, report);
	else
		return call_fail_device(call, err, sbdf);
	out_sbdf(call_data(call), "sbdf", sbdf);
	return err;
}

int method_deassign(struct call *call)
{
	struct pci_assign_report report;
	unsigned int flags = 0;
	struct domain *d;
	pci_sbdf_t sbdf;
	int err;

	if ((err = arg_sbdf(call, "sbdf", &sbdf)) ||
	    (err = arg_flag(call, "group", PCI_ASSIGN_GROUP, &flags)) < 0 ||
	    (err = giver(call, sbdf, &d)))
		return err;
	report = (struct pci_assign_report){ .sbdf = sbdf };
	if (host_read_only())
		err = -EOPNOTSUPP;
	else
		err = pci_deassign_device(d, sbdf, flags, &report);
	if (err)
		deassign_failed(call, err, sbdf, &report);
	else if (!(err = reply_device(call, sbdf)))
		out_int(call->result, "moved", report.moved);
	domain_put(d);
	return err;
}
