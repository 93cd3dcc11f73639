/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measuring on a machine that others use too: variants are run in turn, round
 * after round, so that a disturbance meets all of them; what is reported is
 * the median of the rounds and how far they spread.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdint.h>

#define BENCH_ROUNDS 7
#define BENCH_MSEC 60 /* of one run */

/* Do some operations; returns how many. @seed: the thread's own. */
typedef unsigned int (*bench_work)(void *data, uint32_t *seed);

/* Run @work in @threads threads; nanoseconds a thread spends on one. */
double bench_run(unsigned int threads, bench_work work, void *data);

/* Of BENCH_ROUNDS samples, which get sorted. */
struct bench_result {
	double median, low, high;
};
struct bench_result bench_result(double *sample);

static inline uint32_t bench_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

void bench_lookup(void);  /* lookup.c */
void bench_refused(void); /* refused.c */
void bench_vpci(void);    /* vpci.c */

struct domain;
struct pci_dev;
struct vpci;
/* vpci_options.extend: the registers of vpci.c's devices. */
int bench_vpci_extend(struct vpci *view, struct pci_dev *pdev,
		      struct domain *d);

#endif
