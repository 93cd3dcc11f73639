/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs: who they are, and what EL2's registers of each must hold so that an
 * unmodified guest finds at EL1 what the CPU has, by the ID registers (Arm ARM
 * D19.2). What is not named traps, and becomes an undefined instruction.
 */
#include "arch.h"
#include "stage2.h"
#include "sysreg.h"
#include "trap.h"

/* Affinity fields 3 to 0 of MPIDR_EL1. */
#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)

struct cpu cpus[PLAT_EL2_CPUS];
unsigned int ncpus = 1; /* the one that boots is cpus[0] */

struct cpu *cpu_find(uint64_t mpidr)
{
	unsigned int i;

	for (i = 0; i < ncpus; i++)
		if (cpus[i].mpidr == mpidr)
			return &cpus[i];
	return NULL;
}

void cpu_add(uint64_t mpidr)
{
	if (cpu_find(mpidr))
		return;
	if (ncpus == PLAT_EL2_CPUS) {
		plat_log(PLAT_WARN, "CPU %llx is one too many",
			 (unsigned long long)mpidr);
		return;
	}
	cpus[ncpus++].mpidr = mpidr;
}

void cpu_init(struct cpu *cpu)
{
	cpu->mpidr = sysreg_read(mpidr_el1) & MPIDR_AFFINITY;
	sysreg_write(tpidr_el2, &cpu->plat);
	plat_cpu_init(&cpu->plat, (unsigned int)(cpu - cpus));
}

static uint64_t hcr(void)
{
	uint64_t pfr0 = sysreg_read(id_aa64pfr0_el1);
	uint64_t pfr1 = sysreg_read(id_aa64pfr1_el1);
	uint64_t isar1 = sysreg_read(id_aa64isar1_el1);
	uint64_t isar2 = sysreg_read(ID_AA64ISAR2_EL1);
	uint64_t val = HCR_VM | HCR_SWIO | HCR_TSC | HCR_RW;

	if (id_field(isar1, ISAR1_APA) || id_field(isar1, ISAR1_API) ||
	    id_field(isar1, ISAR1_GPA) || id_field(isar1, ISAR1_GPI) ||
	    id_field(isar2, ISAR2_APA3) || id_field(isar2, ISAR2_GPA3))
		val |= HCR_APK | HCR_API;
	if (id_field(pfr1, PFR1_MTE) >= 2)
		val |= HCR_ATA;
	if (id_field(pfr0, PFR0_CSV2) >= 2 || id_field(pfr1, PFR1_CSV2_FRAC))
		val |= HCR_ENSCXT;
	return val;
}

/* Vectors and matrices: no trap, the longest there are. */
static void setup_vectors(void)
{
	bool sve = id_field(sysreg_read(id_aa64pfr0_el1), PFR0_SVE);
	bool sme = id_field(sysreg_read(id_aa64pfr1_el1), PFR1_SME);

	sysreg_write(cptr_el2, CPTR_EL2_RES1 & ~(sve ? CPTR_TZ : 0) &
				       ~(sme ? CPTR_TSM : 0));
	isb();
	if (sve)
		sysreg_write(ZCR_EL2, ZCR_LEN_MAX);
	if (sme)
		sysreg_write(SMCR_EL2,
			     SMCR_LEN_MAX |
				     (sysreg_read(ID_AA64SMFR0_EL1) & SMFR0_FA64
					      ? SMCR_FA64
					      : 0));
}

/* Fine-grained traps, of which some are on when their bit is 0. */
static void setup_fine_traps(void)
{
	bool sme = id_field(sysreg_read(id_aa64pfr1_el1), PFR1_SME);
	uint64_t untrapped = sme ? HFG_NTPIDR2 | HFG_NSMPRI : 0;

	if (id_field(sysreg_read(id_aa64mmfr0_el1), MMFR0_FGT)) {
		sysreg_write(HFGRTR_EL2, untrapped);
		sysreg_write(HFGWTR_EL2, untrapped);
		sysreg_write(HFGITR_EL2, 0);
		sysreg_write(HDFGRTR_EL2, 0);
		sysreg_write(HDFGWTR_EL2, 0);
	}
	if (id_field(sysreg_read(id_aa64mmfr1_el1), MMFR1_HCX))
		sysreg_write(HCRX_EL2,
			     HCRX_MSCEN | HCRX_TCR2EN | HCRX_SCTLR2EN);
}

/* The guest has all counters but no buffer that is written without stage 2. */
static void setup_debug(void)
{
	unsigned int pmu = id_field(sysreg_read(id_aa64dfr0_el1), DFR0_PMUVER);

	sysreg_write(mdcr_el2,
		     pmu && pmu != DFR0_PMUVER_IMPDEF
			     ? sysreg_read(pmcr_el0) >> PMCR_N_SHIFT & MDCR_HPMN
			     : 0);
}

/* Timers and the interrupt controller are the guest's own. */
static void setup_time_and_interrupts(void)
{
	sysreg_write(cnthctl_el2, CNTHCTL_EL1PCTEN | CNTHCTL_EL1PCEN);
	sysreg_write(cntvoff_el2, 0);
	if (id_field(sysreg_read(id_aa64pfr0_el1), PFR0_GIC)) {
		sysreg_write(ICC_SRE_EL2, sysreg_read(ICC_SRE_EL2) |
						  ICC_SRE_SRE | ICC_SRE_ENABLE);
		isb();
		sysreg_write(ICH_HCR_EL2, 0);
	}
}

void cpu_setup_guest(struct cpu *cpu)
{
	sysreg_write(hcr_el2, hcr() | cpu->vm->hcr);
	setup_vectors();
	setup_fine_traps();
	setup_debug();
	setup_time_and_interrupts();
	sysreg_write(hstr_el2, 0);
	sysreg_write(vpidr_el2, sysreg_read(midr_el1));
	sysreg_write(vmpidr_el2, sysreg_read(mpidr_el1));
	sysreg_write(sctlr_el1, SCTLR_EL1_RESET);
	stage2_load(&cpu->vm->s2);
}

void cpu_main(struct cpu *cpu)
{
	cpu_init(cpu);
	cpu_setup_guest(cpu);
	if (cpu->vm->start) {
		plat_rcu_enter();
		cpu->vm->start(cpu);
		plat_rcu_leave();
	}
	guest_enter(cpu->entry, cpu->context);
}
