/* SPDX-License-Identifier: BSD-2-Clause */
/* group: which devices go to a guest together, and why. */
#include <stdio.h>
#include <stdlib.h>

#include <holdfast/domain.h>
#include <holdfast/iommu.h>

#include "methods.h"
#include "out.h"

static const char *const why_name[PCI_GROUP_WHYS] = {
	[PCI_GROUP_ALONE] = "alone",     [PCI_GROUP_FUNCTION] = "function",
	[PCI_GROUP_PORT] = "port",       [PCI_GROUP_BRIDGE] = "bridge",
	[PCI_GROUP_PHANTOM] = "phantom", [PCI_GROUP_UNIT] = "unit",
};

/* What has @m belong to the group, for people. @alone: it is all there is. */
static void sentence(char *text, size_t size, const struct pci_group_member *m,
		     bool alone)
{
	char with[PCI_SBDF_LEN], at[PCI_SBDF_LEN];
	bool itself = m->at.sbdf == m->sbdf.sbdf;

	pci_sbdf_print(with, m->with);
	pci_sbdf_print(at, m->at);
	switch (m->why) {
	case PCI_GROUP_ALONE:
		snprintf(text, size, "%s",
			 alone ? pci_group_why_text(m->why)
			       : "asked about; the others come with it");
		break;
	case PCI_GROUP_FUNCTION:
		snprintf(text, size,
			 "a function of one device with %s, and no ACS keeps "
			 "them apart",
			 with);
		break;
	case PCI_GROUP_PORT:
		snprintf(text, size,
			 itself ? "a port without ACS: requests turn round "
				  "there before the IOMMU sees them"
				: "behind %s, a port without ACS: requests "
				  "turn round there before the IOMMU sees them",
			 at);
		break;
	case PCI_GROUP_BRIDGE:
		snprintf(text, size,
			 "%s%s, a bridge to conventional PCI: the IOMMU sees "
			 "all behind it under one name",
			 itself ? "it is " : "behind ", at);
		break;
	case PCI_GROUP_PHANTOM:
		snprintf(text, size,
			 "%s uses the number of %s for a phantom function of "
			 "its own: the IOMMU takes one for the other",
			 itself ? "it" : at, itself ? with : "this one");
		break;
	default:
		snprintf(text, size, "with %s: %s", with,
			 pci_group_why_text(m->why));
	}
}

static json_object *encode_member(const struct pci_group_member *m, bool alone)
{
	json_object *o = out_object();
	struct pci_dev_info info;
	char text[200];

	sentence(text, sizeof(text), m, alone);
	out_sbdf(o, "sbdf", m->sbdf);
	out_str(o, "why", why_name[m->why]);
	if (m->why == PCI_GROUP_ALONE) {
		out_null(o, "with");
		out_null(o, "at");
	} else {
		out_sbdf(o, "with", m->with);
		out_sbdf(o, "at", m->at);
	}
	out_str(o, "text", text);
	out_bool(o, "bridge", m->bridge);
	out_str(o, "owner", pci_query(m->sbdf, &info) ? NULL : info.owner_name);
	return o;
}

int method_group(struct call *call)
{
	struct pci_group_member *member;
	json_object *array;
	pci_sbdf_t sbdf;
	int n, err = arg_sbdf(call, "sbdf", &sbdf);

	if (err)
		return err;
	member = calloc(PCI_GROUP_MAX, sizeof(*member));
	n = member ? pci_device_group(sbdf, member, PCI_GROUP_MAX) : -ENOMEM;
	if (n < 0) {
		free(member);
		return call_fail_device(call, n, sbdf);
	}
	call->result = out_object();
	out_sbdf(call->result, "sbdf", sbdf);
	array = out_array();
	for (int i = 0; i < n; i++)
		out_append(array, encode_member(&member[i], n == 1));
	out_add(call->result, "members", array);
	free(member);
	return 0;
}
