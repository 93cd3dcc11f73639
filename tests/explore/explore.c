/* SPDX-License-Identifier: BSD-2-Clause */
/* The program "explore": all scenarios; see platform/explore/explore.h. */
#include "scenarios.h"

static const struct explore_scenario *const *const themes[] = {
	selftest_scenarios, counter_scenarios, removal_scenarios,
	hold_scenarios,     stage_scenarios,   trap_scenarios,
	vpci_scenarios,     loss_scenarios,    owner_scenarios,
	registry_scenarios, dma_scenarios,     irq_scenarios,
	reset_scenarios,
};

int main(int argc, char **argv)
{
	const struct explore_scenario *all[256];
	const struct explore_scenario *const *next;
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(themes); i++)
		for (next = themes[i]; *next && n < ARRAY_SIZE(all) - 1; next++)
			all[n++] = *next;
	all[n] = NULL;
	return explore_main(argc, argv, all);
}
