/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an errno about a device means in words, and what to do next. The rest
 * of the sentences stand where the errors are found.
 */
#include <stdio.h>
#include <string.h>

#include <holdfast/domain.h>

#include "call.h"
#include "hosts.h"
#include "out.h"

static int busy(struct call *call, pci_sbdf_t sbdf, const char *name)
{
	struct pci_dev_info info;

	if (pci_query(sbdf, &info)) {
		call_fail(call, -EBUSY,
			  "%s was busy and is gone now; `holdfast "
			  "list` shows what there is",
			  name);
	} else if (info.op != PCI_OP_NONE) {
		call_fail(call, -EBUSY,
			  "%s is busy: the operation \"%s\" runs on it; try "
			  "again when it has ended",
			  name, pci_op_name(info.op));
		out_str(call_data(call), "op", pci_op_name(info.op));
	} else if (info.owner == DOMID_IO) {
		call_fail(call, -EBUSY,
			  "%s is in quarantine; `holdfast unquarantine %s` "
			  "checks it and takes it out",
			  name, name);
		out_str(call_data(call), "owner", info.owner_name);
	} else if (info.owner != DOMID_HARDWARE) {
		call_fail(call, -EBUSY,
			  "%s is busy: it belongs to %s; `holdfast deassign "
			  "%s` takes it back",
			  name, info.owner_name, name);
		out_str(call_data(call), "owner", info.owner_name);
	} else {
		call_fail(call, -EBUSY, "%s was busy just now; try again",
			  name);
	}
	return -EBUSY;
}

static int broken(struct call *call, pci_sbdf_t sbdf, const char *name)
{
	struct pci_dev_info info;
	const char *why = NULL;
	bool held = false;

	if (!pci_query(sbdf, &info)) {
		why = info.broken;
		held = info.owner == DOMID_IO;
	}
	if (held)
		call_fail(call, -EBADF,
			  "%s is in quarantine (%s), so nobody gets it; "
			  "`holdfast unquarantine %s` checks it and takes it "
			  "out",
			  name, why ? why : "no reason given", name);
	else
		call_fail(call, -EBADF,
			  "%s is marked broken (%s), so nobody gets it; repair "
			  "it, then take the mark away",
			  name, why ? why : "no longer");
	out_str(call_data(call), "broken", why);
	return -EBADF;
}

static void other(struct call *call, int err, const char *name)
{
	switch (err) {
	case -ENODEV:
		call_fail(call, err,
			  "no device %s; `holdfast list` shows what there is",
			  name);
		break;
	case -EALREADY:
		call_fail(call, err,
			  "a removal of %s runs already; `holdfast removal %s` "
			  "shows it, `holdfast cancel %s` ends it",
			  name, name, name);
		break;
	case -EOPNOTSUPP:
		call_fail(call, err,
			  "the host %s is read-only: %s can be looked at, not "
			  "changed",
			  host_spec(), name);
		break;
	case -EPERM:
		call_fail(call, err,
			  "%s is a bridge; bridges stay with the host", name);
		break;
	case -EAGAIN:
		call_fail(call, err,
			  "%s still answers with retry status; try again in a "
			  "second",
			  name);
		break;
	case -EIO:
		call_fail(call, err,
			  "%s does not answer as a device does; look at the "
			  "card",
			  name);
		break;
	case -ENOMEM:
		call_fail(call, err,
			  "out of memory; %s is as it was, try again", name);
		break;
	default:
		call_fail(call, err, "%s: %s", name, strerror(-err));
	}
}

int call_fail_unsaved(struct call *call, int err, pci_sbdf_t sbdf)
{
	char name[PCI_SBDF_LEN];

	call_fail(call, err,
		  "%s: done, but not saved (%s); unless something is saved "
		  "before, the next start of holdfastd knows nothing of it",
		  pci_sbdf_print(name, sbdf), strerror(-err));
	out_sbdf(call_data(call), "sbdf", sbdf);
	out_bool(call_data(call), "done", true);
	return err;
}

int call_fail_device(struct call *call, int err, pci_sbdf_t sbdf)
{
	char name[PCI_SBDF_LEN];

	pci_sbdf_print(name, sbdf);
	if (err == -EBUSY)
		busy(call, sbdf, name);
	else if (err == -EBADF)
		broken(call, sbdf, name);
	else
		other(call, err, name);
	out_sbdf(call_data(call), "sbdf", sbdf);
	return err;
}
