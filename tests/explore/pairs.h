/* SPDX-License-Identifier: BSD-2-Clause */
/* The pairs of operations (ops.h), which are generated, and their matrix. */
#ifndef TESTS_EXPLORE_PAIRS_H
#define TESTS_EXPLORE_PAIRS_H

#include "ops.h"

/* How many there are, and pointers to all of them. */
unsigned int pairs_count(void);
void pairs_scenarios(const struct explore_scenario **out);

/*
 * Print what became of them, as a matrix, if all were run; @r: their results.
 * False: there is one in which an operation never did what it is for.
 */
bool pairs_summary(const struct explore_scenario *const *scenario,
		   const struct explore_result *r);

#endif
