/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CPU as the hypervisor sees it, and how it gets there: head.S and vectors.S
 * call what is declared here, and are called through it.
 */
#ifndef BOARDS_ARM64_ARCH_H
#define BOARDS_ARM64_ARCH_H

#define CPU_STACK_SIZE 0x8000

#ifndef __ASSEMBLER__

#include <el2.h>

struct vm;

/* The guest's registers while its CPU is in the hypervisor (vectors.S). */
struct regs {
	uint64_t x[31];
	uint64_t unused; /* the stack stays aligned to 16 */
};

struct cpu {
	/* First: the stack grows down from what follows it (head.S). */
	char stack[CPU_STACK_SIZE] __attribute__((aligned(16)));
	struct plat_cpu plat;
	uint64_t mpidr; /* its affinity: how PSCI and the GIC name it */
	struct vm *vm;  /* whose guest runs here */
	/* psci.c, under its lock: is it on, and where its guest starts. */
	bool on;
	uint64_t entry, context;
};

extern struct cpu cpus[PLAT_EL2_CPUS];
extern unsigned int ncpus;

static inline struct cpu *cpu_this(void)
{
	return container_of(plat_this_cpu(), struct cpu, plat);
}

/* The CPU with these affinity fields, or NULL. */
struct cpu *cpu_find(uint64_t mpidr);
/* Of another CPU, before it is switched on the first time; boot. */
void cpu_add(uint64_t mpidr);
/* Each CPU that has just come up: who it is. Nothing else works before. */
void cpu_init(struct cpu *cpu);
/* EL2's registers for a guest of @cpu->vm, from the ID registers. */
void cpu_setup_guest(struct cpu *cpu);
/* Enter @cpu->vm's guest at @pc with @x0 in x0, its MMU off (vectors.S). */
void guest_enter(uint64_t pc, uint64_t x0) __attribute__((noreturn));

/* Where firmware starts a CPU, its struct cpu in x0 (head.S) … */
void cpu_start(void);
/* … and where that leads: of the boot CPU, and of all others. */
void board_main(void *fdt) __attribute__((noreturn));
void cpu_main(struct cpu *cpu) __attribute__((noreturn));

/* mmu.c: device or RAM, for the hypervisor itself, at its own address. */
void mmu_map_device(uint64_t start, uint64_t size);
void mmu_map_ram(uint64_t start, uint64_t size);
/* Data that somebody reads whose caches are off; code that will run. */
void cache_clean(const void *start, size_t size);

#endif
#endif
