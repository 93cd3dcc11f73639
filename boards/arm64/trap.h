/* SPDX-License-Identifier: BSD-2-Clause */
/* What brings a guest's CPU into the hypervisor, and what a VM answers. */
#ifndef BOARDS_ARM64_TRAP_H
#define BOARDS_ARM64_TRAP_H

#include "arch.h"
#include "stage2.h"

/* An access of a guest's to where its stage 2 has nothing. */
struct mmio {
	uint64_t address; /* IPA, aligned */
	uint8_t size;     /* 1, 2, 4, 8 */
	bool write;
	uint64_t value; /* written; or to be read, of @size */
};

enum mmio_verdict {
	MMIO_DONE,  /* on to the next instruction */
	MMIO_AGAIN, /* the same instruction again */
	MMIO_ABORT, /* nobody is there: an external abort */
};

struct vm {
	struct stage2 s2;
	bool smp;     /* may switch other CPUs on, and its own off */
	uint64_t hcr; /* HCR_EL2, beside what all have */
	/* On a CPU that was switched on for it, before its guest. NULL: no. */
	void (*start)(struct cpu *cpu);
	enum mmio_verdict (*mmio)(struct cpu *cpu, struct mmio *access);
	/* A trapped MSR; SYSREG() names it. False, NULL: it is undefined. */
	bool (*msr)(struct cpu *cpu, uint64_t reg, uint64_t val);
	/* HVC with these registers; false, or NULL: nobody's. */
	bool (*hvc)(uint64_t *x);
	/* With HCR_TWI: a WFI, which may end before an interrupt comes. */
	void (*wait)(struct cpu *cpu);
	/* It asked PSCI for its end; returns as PSCI does, if at all. */
	int64_t (*system_off)(struct cpu *cpu, bool reset);
	/* Each time before a guest goes on: what waits. NULL: nothing. */
	void (*resume)(struct cpu *cpu);
};

/* vectors.S; sections are open, no lock is held. */
void trap_from_guest(struct regs *regs);
void trap_fiq(void);
void trap_from_self(const struct regs *regs) __attribute__((noreturn));

/* inject.c: the guest takes an exception of its own instead of going on. */
void inject_undefined(void);
void inject_abort(bool instruction);

/* psci.c: an SMC of @cpu's guest; PSCI (Arm DEN0022) by an allow list. */
void psci_call(struct cpu *cpu, struct regs *regs);
/* Switch @cpu on: its guest starts at @entry. As PSCI's CPU_ON. */
int64_t psci_cpu_on(struct cpu *cpu, struct vm *vm, uint64_t entry,
		    uint64_t context);
void psci_cpu_off(struct cpu *cpu) __attribute__((noreturn));
void psci_system_off(void) __attribute__((noreturn));

#endif
