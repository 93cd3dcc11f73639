/* SPDX-License-Identifier: BSD-2-Clause */
/* From nothing to a machine whose functions are all known. */
#include "machine.h"

static int start(void)
{
	unsigned long before = inject_objects();
	int err = is_there(PORT) || pci_segment_host(0) || hardware_domain
			  ? 0
			  : machine_start(false);

	if (err)
		CHECK_EQUAL(inject_objects(), before);
	return err;
}

static bool is_started(void)
{
	return hardware_domain && dom_io && dom_hidden;
}

static int add_segment(void)
{
	if (pci_segment_host(0))
		return 0;
	return pci_segment_add(0, fabric_host(f));
}

static bool has_segment(void)
{
	return pci_segment_host(0) == fabric_host(f);
}

/* What does not answer is not there; what cannot be added is counted. */
static int scan(void)
{
	struct pci_scan found;
	int err = pci_scan_segment(0, &found);

	CHECK_EQUAL(err, 0);
	CHECK_EQUAL(!found.failed, !found.error);
	return found.error;
}

static bool are_all_there(void)
{
	struct pci_dev_info info;
	pci_sbdf_t at = { 0 };
	unsigned int n = 0;

	for (; !pci_query_next(at, &info);
	     at = pci_sbdf_from(info.desc.sbdf.sbdf + 1))
		n += is_sound(info.desc.sbdf);
	return n == fabric_functions(f);
}

static const struct scenario init = {
	.name = "init",
	.bare = true,
	.step =
		(const struct step[]){
			{ "init", start, memory_only, is_started, false },
			{ "segment", add_segment, memory_only, has_segment,
			  false },
			{ "scan", scan, add_errors, are_all_there, true },
			{ "scan again", scan, add_errors, are_all_there, true },
			{ 0 },
		},
};

static const struct scenario init_views = {
	.name = "scan-views",
	.hardware_views = true,
	.step =
		(const struct step[]){
			{ "scan again", scan, add_errors, are_all_there, true },
			{ 0 },
		},
};

const struct scenario *const start_scenarios[] = { &init, &init_views, NULL };
