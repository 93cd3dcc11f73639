/* SPDX-License-Identifier: BSD-2-Clause */
/* What holdfast_plat.h asks of the architecture: arm64 at EL2. */
#ifndef HOLDFAST_PLAT_CPU_H
#define HOLDFAST_PLAT_CPU_H

/* TPIDR_EL2 is the hypervisor's own: the board keeps its CPU structure there. */
static inline struct plat_cpu *plat_this_cpu(void)
{
	struct plat_cpu *cpu;

	__asm__ volatile("mrs %0, tpidr_el2" : "=r"(cpu));
	return cpu;
}

static inline void plat_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

/* Orders every access before it before every access after it. */
static inline void plat_full_barrier(void)
{
	__asm__ volatile("dmb ish" ::: "memory");
}

/* The same also for devices that read memory, and for their registers. */
static inline void plat_device_barrier(void)
{
	__asm__ volatile("dsb sy" ::: "memory");
}

/* CNTPCT_EL0 may be read early without the barrier (Arm ARM D12.1.2). */
static inline uint64_t plat_counter(void)
{
	uint64_t count;

	__asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(count)::"memory");
	return count;
}

static inline uint64_t plat_counter_frequency(void)
{
	uint64_t hz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}

#endif
