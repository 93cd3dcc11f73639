/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Explored interleavings: the real core, compiled against this platform, runs
 * under a scheduler that owns every lock, atomic operation, read-side section,
 * grace period, event and the clock. The threads of a scenario are coroutines
 * of one OS thread, so an execution is a function of the scheduler's choices;
 * a depth-first search tries every sequence of choices, and a sequence that
 * fails is printed as a short string that replays it.
 *
 * What is tried. A switch is possible before every operation that other
 * threads can see. Taking the processor from a thread that could go on is a
 * preemption; all schedules with at most `bound` preemptions are tried, without
 * exception. Switches where a thread waits or ends are free.
 *
 * The only reduction: no switch before what commutes with all that others do
 * meanwhile, which is a plain access (or there is a data race, and that is
 * reported from the order of the other operations), a look at the clock (unless
 * `late`), and an operation on what no other thread touches, or nobody writes,
 * in any schedule (shared.c; `--whole` does without). To switch after it instead
 * is the same and costs no preemption more, so this is sound together with the
 * bound. A scenario's own static data orders its threads as operations do: what
 * was left out is made up for before such an access. The core's is behind its
 * locks; plain accesses to it are not watched.
 *
 * Others are not sound: sleep sets prune a schedule because an equivalent one is
 * tried elsewhere, but that one may lie beyond the bound and is then tried
 * nowhere. "Every schedule within the bound" is a sentence one can trust.
 *
 * An execution does not begin anew but where it first differs from the one
 * before, or some choices earlier (snapshot.c; `--anew` does without). That leaves
 * nothing out: the search is the same, in less than half the time.
 *
 * Memory is C11's. An atomic load may read any value that coherence and
 * happens-before allow, of the last eight of its object: reading an older one
 * than the newest is a choice, at most `older` of them in a schedule. Locks,
 * events, grace periods and release/acquire pairs order what they promise to
 * order and no more; two plain accesses of the heap that nothing orders are a
 * data race. `--orders` weakens each acquire and release of some sources in
 * turn: a scenario must fail. (atomic.c, view.c, race.c; what they leave out
 * stands there.)
 *
 * A scenario too large for that is run with random priorities instead, `runs`
 * times from a seed that is printed (random.c).
 *
 * Time stands still while any thread can go on, and then jumps to the
 * earliest deadline: an operation that is not decided at its deadline is late
 * by its own fault. A scenario with `late` set lets a deadline pass at any
 * instant instead, as a preemption.
 *
 * When the clock jumps, all that was written is seen by all.
 *
 * A grace period ends as soon as every section open at its start has ended.
 * Callbacks run in a thread of their own, "reclaimer", after one.
 *
 * What is a failure: a touch of freed memory, a data race, a lock or an event freed under
 * a waiter, all threads blocked, waiting under a lock or in a section, the
 * core's own plat_bug() (lock order, assertions), an ensure() that does not
 * hold, an execution that does not end, memory left over at its end.
 */
#ifndef HOLDFAST_EXPLORE_H
#define HOLDFAST_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

#include <holdfast/types.h>

#define EXPLORE_THREADS 6

struct explore_thread {
	const char *name;
	void (*run)(void);
};

struct explore_scenario {
	const char *name; /* "theme/what_happens" */
	const char *rule; /* what it proves, and where that stands */
	/* Before the threads and after them, alone and without choices. */
	void (*setup)(void);
	void (*finish)(void);
	struct explore_thread thread[EXPLORE_THREADS]; /* up to a NULL name */
	unsigned int bound; /* preemptions at most; 0: the run's own bound */
	unsigned int older; /* values read at most; 0: the run's own bound */
	/* Too large to be searched: so many change points at random. */
	unsigned int random;
	bool late; /* deadlines may pass at any instant */
	/* The explorer's own tests: the failure that must be found. */
	const char *expect;
};

/* --- for scenarios ---------------------------------------------------------- */

/* The rule that a scenario proves. */
#define ensure(cond)                                                           \
	do {                                                                   \
		if (!(cond))                                                   \
			explore_fail("%s:%d: %s does not hold", __FILE_NAME__, \
				     __LINE__, #cond);                         \
	} while (0)

/* End the run: this schedule is a failure. */
void explore_fail(const char *fmt, ...) hf_printf_like(1, 2)
	__attribute__((noreturn));

/* A value below @options, each of which is tried. */
unsigned int explore_choose(unsigned int options);

/*
 * "I can do nothing before somebody else does something": the retry of a trap,
 * the turn of a polling loop. The thread goes on when another one has.
 */
void explore_yield(void);

/* Wait until the clock says so. */
void explore_sleep_until(uint64_t when);

/* The number of the running thread of the scenario, from 0. */
unsigned int explore_self(void);

/* The running one: of what is generated, to find what it is part of. */
const struct explore_scenario *explore_scenario(void);

/* One more schedule of this search in which it came to @what. */
#define EXPLORE_COUNTS 2
void explore_count(unsigned int what);

/* Memory in use. */
unsigned int explore_allocations(void);

/* The next plat_zalloc() but @skip in this execution fails. */
void explore_fail_allocation(unsigned int skip);

/* --- the program -------------------------------------------------------------- */

/*
 * Run the scenarios that the arguments name. Exit status: 0 all complete and
 * without failure, 1 a failure, 2 incomplete or bad arguments.
 */
int explore_main(int argc, char **argv,
		 const struct explore_scenario *const *scenarios);

/* What a search found. */
struct explore_result {
	bool ran, fine;
	uint64_t schedules, count[EXPLORE_COUNTS];
};

/*
 * If set: called at the end of a run with a result for each scenario, in
 * order, to say what they come to. False: that is a failure.
 */
extern bool (*explore_summary)(const struct explore_scenario *const *scenarios,
			       const struct explore_result *results);

#endif
