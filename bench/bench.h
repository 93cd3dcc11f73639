/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a group of benchmarks uses; docs/performance.md explains the method.
 *
 * A group runs in a child of its own: it calls pci_init() and what else it
 * needs, measures, hands in what it found, and returns. It frees nothing. What
 * is wrong is an abort(): the group then counts as not met.
 *
 * Variants that are compared are sampled in turn, round after round, so that what
 * changes slowly meets all of them.
 *
 * All groups run BENCH_PASSES times, each time in a new child: where its memory
 * lies differs from one to the next and not within one. What is reported of a
 * ratio of slices is that of all passes together, of other figures the median;
 * low and high are the third lowest and the third highest of the passes. What
 * a group prints itself is the first pass's.
 *
 *	const struct bench_variant variants[] = {
 *		{ bench_slice_ns, &(struct bench_slice){ … } },
 *		{ bench_slice_ns, &(struct bench_slice){ … } },
 *	};
 *	struct bench_series s[2];
 *
 *	bench_rounds(variants, 2, 31, s);
 *	bench_value("64 devices, ours", "ns", &s[0]);
 *	bench_ratio("64 devices, theirs to ours", &s[1], &s[0]);
 *	bench_goal("lookup against …", BENCH_AT_LEAST, 100,
 *		   "64 devices, theirs to ours", "×");
 *	bench_free(s, 2);
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_group {
	const char *name;  /* of --only */
	const char *title; /* one line */
	void (*run)(void);
};

/* In groups[] of bench.c, in the order of the report. */
extern const struct bench_group bench_lookup, bench_vpci, bench_removal,
	bench_assign, bench_scale, bench_daemon;

#define BENCH_THREADS 2
#define BENCH_PASSES 11 /* odd: one of them is the median */

void bench_create(void); /* before the first group */

/* From 0. In every second one the two threads have each other's CPU, for who
 * else has its core may be another. */
extern unsigned int bench_pass;

/* --quick: one pass, about a fifth of the rounds; sizes may be left out, too. */
extern bool bench_is_quick;

/* --- rounds -------------------------------------------------------------- */

/*
 * States of the machine: how much of a core somebody else has (measure.c), 0 is
 * rest; at last, that two threads have one core between them. BENCH_STATES: none
 * that anything is compared in.
 */
enum { BENCH_ONE_CORE = 11, BENCH_STATES };

struct bench_taken {
	double ns; /* an operation, a thread */
	unsigned int state;
	double way; /* ns from one CPU to the other and back; 0: not asked */
};

/* The least that the probes of the states took so far, ns. */
struct bench_least {
	double probes[BENCH_THREADS], way;
};

/* The samples of one variant, one a round, and the slices they are of. */
struct bench_series {
	unsigned int n;
	double *sample;
	unsigned int nslices; /* 0: it was taken otherwise */
	struct bench_taken *slice;
	unsigned int threads;     /* of the slices */
	struct bench_least least; /* as it was known at first */
};

struct bench_variant {
	/* One sample, in whatever unit. @data: this variant's. */
	double (*sample)(const void *data);
	const void *data;
};

/*
 * Sample all @n variants, @rounds times (fewer with --quick) and once before
 * to warm up, in turn, every second round backwards. @out: @n series.
 */
void bench_rounds(const struct bench_variant *variant, unsigned int n,
		  unsigned int rounds, struct bench_series *out);
/* A series of samples that were taken otherwise, in one go; copied. */
struct bench_series bench_series(const double *sample, unsigned int n);
void bench_free(struct bench_series *s, unsigned int n);

/* The same, had everything taken @times as long; to be freed. */
struct bench_series bench_times(const struct bench_series *s, double times);

/* @q of 0 … 1: 0.5 is the median. 0 of an empty series. */
double bench_quantile(const struct bench_series *s, double q);
double bench_median(const struct bench_series *s);

/*
 * How many times as long as the other's some slices took, state by state: the
 * sum of the logarithms, each as often as there were pairs.
 */
struct bench_compared {
	double sum[BENCH_STATES], weight[BENCH_STATES];
	struct bench_least least; /* as it was known then */
};

/*
 * So many pairs are enough: that two threads have one core counts only if other
 * states have less, and with less in all there is no such ratio.
 */
#define BENCH_ENOUGH 24

void bench_in_each_state(const struct bench_series *a,
			 const struct bench_series *b,
			 struct bench_compared *out);
/*
 * Whether the states were told rightly, as is known by now: a machine may be
 * seen at its best late.
 */
bool bench_compared_rightly(const struct bench_compared *c);
/* The ratio, and how many pairs there were. 0 pairs: no ratio. */
double bench_compared(const struct bench_compared *c, double *pairs);

/* --- threads --------------------------------------------------------------
 * A sample: one or two pinned threads that do the same, in some short slices
 * (measure.c).
 */

/* Do some operations, below 50 µs if possible; returns how many. */
typedef unsigned int bench_work(void *data, uint32_t *seed);

struct bench_slice {
	unsigned int threads;
	bench_work *work;
	void *data[BENCH_THREADS]; /* each thread's */
	/* Before each slice, which begins with this seed; not measured. Or
	 * NULL. */
	void (*prepare)(const void *data, uint32_t seed);
	/*
	 * Not measured, but done meanwhile by one more thread, which should
	 * sleep between: the CPUs are taken by the others. Or NULL.
	 */
	bench_work *beside;
	void *beside_data;
	unsigned int usec;   /* of one; 0: 100 µs */
	unsigned int slices; /* of a sample; 0: 8, which is the most */
};

/* usec: the work is done once. */
#define BENCH_ONCE 1

/*
 * Where threads contend, a slice should be longer: who sleeps at a lock has to
 * wake up within it. And not much longer: who has the lock in his cache at first
 * may keep it for all of it.
 */
#define BENCH_CONTENDED_USEC 300

/* A variant's sample function; @data: struct bench_slice. ns an operation a
 * thread. */
double bench_slice_ns(const void *data);

/* How many of a hundred slices of this group met the machine at rest; those
 * with somebody beside are not asked. Below 0: there were no others. */
double bench_rest(void);

/* A thread's own, seeded once: not for secrets. */
static inline uint32_t bench_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

uint64_t bench_now(void); /* nanoseconds, monotonic */
void bench_sleep_usec(unsigned int usec);

/* --- what was found ----------------------------------------------------------
 * Names are "what, variant": unique in the group, and the same in every run,
 * for scripts/bench-compare finds them by name.
 */

/* A figure with its spread. */
void bench_value(const char *name, const char *unit,
		 const struct bench_series *s);
void bench_one_value(const char *name, const char *unit, double val);
/*
 * a / b of one bench_rounds(): of slices that met the machine in the same state,
 * or, where there are none, the median of the rounds.
 */
double bench_ratio(const char *name, const struct bench_series *a,
		   const struct bench_series *b);
/*
 * Keep a ratio that was taken otherwise. Two runs should agree on it within
 * 15 %.
 */
void bench_ratio_value(const char *name, double ratio);

enum bench_reach { BENCH_AT_MOST, BENCH_AT_LEAST };

/*
 * A row of the last table: DESIGN's "what", what is to be reached, and a figure
 * that has to, which was handed in before. With several figures, handed in one
 * after the other, it is as the worst of them.
 */
void bench_goal(const char *what, enum bench_reach reach, double limit,
		const char *name, const char *unit);

/* --- plots -----------------------------------------------------------------
 * Written to --plots DIRECTORY as NAME.svg; without it they do nothing.
 */

struct bench_curve {
	const char *name;
	unsigned int n;
	const double *x, *y; /* a logarithmic axis: above 0 */
};

struct bench_axes {
	const char *title, *x, *y;
	bool log_x, log_y;
};

void bench_plot(const char *name, const struct bench_axes *axes,
		const struct bench_curve *curve, unsigned int n);

/* Bars in groups: value[group * nbars + bar]; 0: none. */
struct bench_bars {
	const char *title, *y;
	unsigned int ngroups, nbars;
	const char *const *group; /* below the axis */
	const char *const *bar;   /* in the legend */
	const double *value;
	bool log_y;
};

void bench_plot_bars(const char *name, const struct bench_bars *bars);

#endif
