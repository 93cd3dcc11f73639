/* SPDX-License-Identifier: BSD-2-Clause */
/* The program "explore": all scenarios; see platform/explore/explore.h. */
#include <stdio.h>
#include <stdlib.h>

#include "pairs.h"

static const struct explore_scenario *const *const themes[] = {
	selftest_scenarios, counter_scenarios,    orders_scenarios,
	removal_scenarios,  hold_scenarios,       stage_scenarios,
	trap_scenarios,     vpci_scenarios,       loss_scenarios,
	owner_scenarios,    registry_scenarios,   dma_scenarios,
	irq_scenarios,      reset_scenarios,      triple_scenarios,
	crowd_scenarios,    quarantine_scenarios, vfs_scenarios,
#ifdef EXPLORE_XEN
	pirq_scenarios,
#endif
};

static unsigned int written; /* by hand; the pairs come after them */

static bool summary(const struct explore_scenario *const *scenarios,
		    const struct explore_result *results)
{
	return pairs_summary(scenarios + written, results + written);
}

int main(int argc, char **argv)
{
	const struct explore_scenario *const *next;
	const struct explore_scenario **all;
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(themes); i++)
		for (next = themes[i]; *next; next++)
			written++;
	all = calloc(written + pairs_count() + 1, sizeof(*all));
	if (!all) {
		perror("explore");
		return 2;
	}
	for (i = 0; i < ARRAY_SIZE(themes); i++)
		for (next = themes[i]; *next; next++)
			all[n++] = *next;
	pairs_scenarios(all + n);
	explore_summary = summary;
	return explore_main(argc, argv, all);
}
