/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exits of guests, decoded (Arm ARM, ESR_EL2) and sent to who answers: aborts to
 * the VM, calls to psci.c. A guest can bring about any of them, with any
 * registers: what has no answer becomes an exception of the guest's own.
 */
#include "sysreg.h"
#include "trap.h"

#define FAR_PAGE_OFFSET UINT64_C(0xfff)
#define ZERO_REGISTER 31
#define SMCCC_NOT_SUPPORTED UINT64_MAX /* Arm DEN0028: -1 */

/* AArch32 at EL0 has short ones, too. */
static void skip_instruction(void)
{
	bool is_long = sysreg_read(esr_el2) & ESR_IL;

	sysreg_write(elr_el2, sysreg_read(elr_el2) + (is_long ? 4 : 2));
}

/* --- aborts -------------------------------------------------------------------- */

/* HPFAR_EL2 and FAR_EL2 say where, for these faults only. */
static bool has_address(uint64_t esr)
{
	uint64_t type = esr & FSC_TYPE;

	return !(esr & (ISS_FNV | ISS_S1PTW)) &&
	       (type == FSC_TRANSLATION || type == FSC_ACCESS_FLAG);
}

static uint64_t fault_address(void)
{
	return sysreg_read(hpfar_el2) >> HPFAR_FIPA_SHIFT << 12 |
	       (sysreg_read(far_el2) & FAR_PAGE_OFFSET);
}

static struct mmio decode(uint64_t esr, const struct regs *regs)
{
	unsigned int srt = esr >> ISS_SRT_SHIFT & 0x1f;
	struct mmio access = {
		.address = fault_address(),
		.size = (uint8_t)(1 << (esr >> ISS_SAS_SHIFT & 3)),
		.write = esr & ISS_WNR,
	};

	if (access.write && srt != ZERO_REGISTER)
		access.value = regs->x[srt] &
			       (UINT64_MAX >> (64 - 8 * access.size));
	return access;
}

/* What was read goes to the register, wide as the instruction says. */
static void finish_read(uint64_t esr, struct regs *regs,
			const struct mmio *access)
{
	unsigned int srt = esr >> ISS_SRT_SHIFT & 0x1f;
	unsigned int unused = 64 - 8 * access->size;
	uint64_t val = access->value << unused;

	if (srt == ZERO_REGISTER)
		return;
	if (esr & ISS_SSE)
		val = (uint64_t)((int64_t)val >> unused);
	else
		val >>= unused;
	regs->x[srt] = esr & ISS_SF ? val : (uint32_t)val;
}

/*
 * Where this is an answer memory is a device's: nothing is misaligned. And
 * without a syndrome (pairs, write-back, cache maintenance, exclusives) there is
 * nothing to emulate it by.
 */
static void data_abort(struct cpu *cpu, uint64_t esr, struct regs *regs)
{
	struct mmio access;
	uint64_t pa;

	if (!has_address(esr))
		return inject_abort(false);
	/* In the middle of a change of stage 2 (stage2.c)? */
	if (stage2_lookup(&cpu->vm->s2, fault_address(), &pa))
		return;
	if (!(esr & ISS_ISV))
		return inject_abort(false);
	access = decode(esr, regs);
	if (access.address % access.size)
		return inject_abort(false);
	switch (cpu->vm->mmio(cpu, &access)) {
	case MMIO_AGAIN:
		return;
	case MMIO_ABORT:
		return inject_abort(false);
	case MMIO_DONE:
		break;
	}
	if (!access.write)
		finish_read(esr, regs, &access);
	skip_instruction();
}

static void instruction_abort(struct cpu *cpu, uint64_t esr)
{
	uint64_t pa;

	if (!has_address(esr) ||
	    !stage2_lookup(&cpu->vm->s2, fault_address(), &pa))
		inject_abort(true);
}

/* Of all that could be trapped only writes are, and few of them. */
static void sysreg(struct cpu *cpu, uint64_t esr, const struct regs *regs)
{
	unsigned int rt = esr >> ISS_SYSREG_RT_SHIFT & 0x1f;
	uint64_t val = rt == ZERO_REGISTER ? 0 : regs->x[rt];

	if (esr & ISS_SYSREG_READ || !cpu->vm->msr ||
	    !cpu->vm->msr(cpu, esr & ISS_SYSREG, val))
		return inject_undefined();
	skip_instruction();
}

/* WFE, and what has a timeout, may end early: they do not wait at all. */
static void wait(struct cpu *cpu, uint64_t esr)
{
	skip_instruction();
	if (!(esr & ISS_TI))
		cpu->vm->wait(cpu);
}

/* --- all exits ------------------------------------------------------------------- */

static void dispatch(struct cpu *cpu, struct regs *regs)
{
	uint64_t esr = sysreg_read(esr_el2);

	switch (esr >> ESR_EC_SHIFT & 0x3f) {
	case EC_DATA_ABORT_LOWER:
		return data_abort(cpu, esr, regs);
	case EC_INSN_ABORT_LOWER:
		return instruction_abort(cpu, esr);
	case EC_SYSREG:
		return sysreg(cpu, esr, regs);
	case EC_SMC64: /* trapped before it was executed */
		skip_instruction();
		return psci_call(cpu, regs);
	case EC_WFX:
		return wait(cpu, esr);
	case EC_HVC64:
		if (!cpu->vm->hvc || !cpu->vm->hvc(regs->x))
			regs->x[0] = SMCCC_NOT_SUPPORTED;
		return;
	default:
		return inject_undefined();
	}
}

void trap_from_guest(struct regs *regs)
{
	struct cpu *cpu = cpu_this();

	plat_rcu_enter();
	dispatch(cpu, regs);
	if (cpu->vm->resume)
		cpu->vm->resume(cpu);
	plat_rcu_leave();
}

/*
 * Only of a VM with HCR_FMO: somebody made an interrupt one of group 0, which
 * nobody wants. It is taken, and forgotten.
 */
void trap_fiq(void)
{
	sysreg_write(ICC_EOIR0_EL1, sysreg_read(ICC_IAR0_EL1));
}

void trap_from_self(const struct regs *regs)
{
	plat_bug("exception at %llx: esr %llx far %llx x30 %llx",
		 (unsigned long long)sysreg_read(elr_el2),
		 (unsigned long long)sysreg_read(esr_el2),
		 (unsigned long long)sysreg_read(far_el2),
		 (unsigned long long)regs->x[30]);
}
