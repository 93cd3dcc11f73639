/* SPDX-License-Identifier: BSD-2-Clause */
/* The scenarios, a file a theme. Each file ends with its NULL-ended list. */
#ifndef TESTS_EXPLORE_SCENARIOS_H
#define TESTS_EXPLORE_SCENARIOS_H

#include "explore.h"

/*
 * SCENARIO(name, .name = "theme/…", .rule = "…", …)
 *
 * Two threads at least, one a line, and as few steps in each as show the race:
 * the number of schedules grows with the square of the steps.
 */
#define SCENARIO(ident, ...) \
	static const struct explore_scenario ident = { __VA_ARGS__ }

extern const struct explore_scenario *const selftest_scenarios[];
extern const struct explore_scenario *const counter_scenarios[];
extern const struct explore_scenario *const crowd_scenarios[];
extern const struct explore_scenario *const orders_scenarios[];
extern const struct explore_scenario *const removal_scenarios[];
extern const struct explore_scenario *const hold_scenarios[];
extern const struct explore_scenario *const stage_scenarios[];
extern const struct explore_scenario *const trap_scenarios[];
extern const struct explore_scenario *const vpci_scenarios[];
extern const struct explore_scenario *const loss_scenarios[];
extern const struct explore_scenario *const owner_scenarios[];
extern const struct explore_scenario *const registry_scenarios[];
extern const struct explore_scenario *const dma_scenarios[];
extern const struct explore_scenario *const irq_scenarios[];
extern const struct explore_scenario *const reset_scenarios[];
extern const struct explore_scenario *const quarantine_scenarios[];
extern const struct explore_scenario *const vfs_scenarios[];
/* Where there are Xen's headers. */
extern const struct explore_scenario *const pirq_scenarios[];
extern const struct explore_scenario *const triple_scenarios[];

#endif
