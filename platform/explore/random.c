/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random priority scheduling: each thread has a priority of its own, the
 * highest that can go on runs; at a few steps chosen beforehand, the change
 * points, the running thread falls below all others. A fault that needs d
 * orderings among k steps of n threads is met by d - 1 change points with a
 * probability of at least 1/(n k^(d-1)) an execution, whatever the program (S.
 * Burckhardt et al., "A randomized scheduler with probabilistic guarantees of
 * finding bugs", ASPLOS 2010). For scenarios too large to be searched.
 */
#include "internal.h"

#define CHANGES 8

static unsigned int priority[VIEW_THREADS]; /* the higher goes first */
static uint64_t change[CHANGES];
static unsigned int changes;

void random_begin(unsigned int points, uint64_t steps)
{
	unsigned int i, other, swap;

	changes = points < CHANGES ? points : CHANGES;
	for (i = 0; i < changes; i++)
		change[i] = 1 + choice_dice((unsigned int)steps);
	for (i = 0; i < VIEW_THREADS; i++)
		priority[i] = CHANGES + i;
	for (i = VIEW_THREADS - 1; i; i--) {
		other = choice_dice(i + 1);
		swap = priority[i];
		priority[i] = priority[other];
		priority[other] = swap;
	}
}

unsigned int random_pick(struct thread *const *can, unsigned int n,
			 bool runnable)
{
	unsigned int i, best = 0;

	for (i = 0; i < changes; i++)
		if (runnable && change[i] && sched.steps >= change[i]) {
			change[i] = 0;
			priority[can[0]->number] = i;
		}
	for (i = 1; i < n; i++)
		if (priority[can[i]->number] > priority[can[best]->number])
			best = i;
	return best;
}
