/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What holdfast_plat.h asks of the architecture, on the Linux host: a CPU is
 * whatever a thread says it is.
 */
#ifndef HOLDFAST_PLAT_CPU_H
#define HOLDFAST_PLAT_CPU_H

#include <sched.h>
#include <stdint.h>
#include <time.h>

extern __thread struct plat_cpu *this_cpu;

static inline struct plat_cpu *plat_this_cpu(void)
{
	return this_cpu;
}

static inline void plat_relax(void)
{
	sched_yield();
}

/* ThreadSanitizer knows no fences; a sequentially consistent exchange is one. */
static inline void plat_full_barrier(void)
{
	static __thread int place;

	__atomic_exchange_n(&place, 1, __ATOMIC_SEQ_CST);
}

static inline void plat_device_barrier(void)
{
	plat_full_barrier();
}

static inline uint64_t plat_counter(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline uint64_t plat_counter_frequency(void)
{
	return 1000000000u;
}

#endif
