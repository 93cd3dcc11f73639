/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PSCI (Arm DEN0022), between guests and the firmware. Calls that a guest may
 * make are named here, and all others are not supported. CPU_ON passes by EL2,
 * so that a CPU never runs a guest without the hypervisor below it; which is why
 * CPU_SUSPEND, that may come back at an entry, is not named.
 */
#include "sysreg.h"
#include "trap.h"

#define PSCI_VERSION 0x84000000
#define PSCI_CPU_OFF 0x84000002
#define PSCI_CPU_ON 0x84000003
#define PSCI_AFFINITY_INFO 0x84000004
#define PSCI_MIGRATE_INFO_TYPE 0x84000006
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_SYSTEM_RESET 0x84000009
#define PSCI_FEATURES 0x8400000a
#define SMCCC_64 BIT(30) /* the same call with 64-bit arguments */

#define PSCI_SUCCESS 0
#define PSCI_NOT_SUPPORTED (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_DENIED (-3)
#define PSCI_ALREADY_ON (-4)

/* Guards `on`, `entry` and `context` of all CPUs. */
static plat_lock_t lock;

static int64_t firmware(uint64_t call, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = call;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

	__asm__ volatile("smc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
			 :
			 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			   "x12", "x13", "x14", "x15", "x16", "x17", "memory");
	return (int64_t)x0;
}

/*
 * `on` is ours: firmware may take a CPU for off that has not yet left, or for
 * on that never came. Written under the lock before the call, it keeps a second
 * caller from the entry of a CPU that is about to read it.
 */
int64_t psci_cpu_on(struct cpu *cpu, struct vm *vm, uint64_t entry,
		    uint64_t context)
{
	int64_t ret = PSCI_ALREADY_ON;

	plat_lock(&lock);
	if (!cpu->on) {
		cpu->vm = vm;
		cpu->entry = entry;
		cpu->context = context;
		ret = firmware(PSCI_CPU_ON | SMCCC_64, cpu->mpidr,
			       (uint64_t)cpu_start, (uint64_t)cpu);
		cpu->on = ret == PSCI_SUCCESS;
	}
	plat_unlock(&lock);
	return ret;
}

void psci_cpu_off(struct cpu *cpu)
{
	plat_rcu_leave();
	plat_lock(&lock);
	cpu->on = false;
	plat_unlock(&lock);
	firmware(PSCI_CPU_OFF, 0, 0, 0);
	plat_bug("CPU %u does not go off", cpu->plat.id);
}

void psci_system_off(void)
{
	firmware(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		__asm__ volatile("wfi");
}

static int64_t guest_cpu_on(struct cpu *cpu, const struct regs *regs)
{
	struct cpu *target = cpu_find(regs->x[1]);

	if (!cpu->vm->smp)
		return PSCI_DENIED;
	if (!target)
		return PSCI_INVALID_PARAMETERS;
	return psci_cpu_on(target, cpu->vm, regs->x[2], regs->x[3]);
}

static int64_t features(uint32_t call)
{
	switch (call & ~(uint32_t)SMCCC_64) {
	case PSCI_VERSION:
	case PSCI_CPU_OFF:
	case PSCI_CPU_ON:
	case PSCI_AFFINITY_INFO:
	case PSCI_MIGRATE_INFO_TYPE:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
	case PSCI_FEATURES:
		return PSCI_SUCCESS;
	default:
		return PSCI_NOT_SUPPORTED;
	}
}

static int64_t call(struct cpu *cpu, const struct regs *regs)
{
	uint32_t fn = (uint32_t)regs->x[0];

	switch (fn & ~(uint32_t)SMCCC_64) {
	case PSCI_CPU_ON:
		return guest_cpu_on(cpu, regs);
	case PSCI_CPU_OFF: /* the only one: then nothing is left */
		if (!cpu->vm->smp)
			return cpu->vm->system_off(cpu, false);
		psci_cpu_off(cpu);
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
		return cpu->vm->system_off(cpu, fn == PSCI_SYSTEM_RESET);
	case PSCI_FEATURES:
		return features((uint32_t)regs->x[1]);
	case PSCI_VERSION:
	case PSCI_AFFINITY_INFO:
	case PSCI_MIGRATE_INFO_TYPE:
		return firmware(fn, regs->x[1], regs->x[2], regs->x[3]);
	default:
		return PSCI_NOT_SUPPORTED;
	}
}

void psci_call(struct cpu *cpu, struct regs *regs)
{
	regs->x[0] = (uint64_t)call(cpu, regs);
}
