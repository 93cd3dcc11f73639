/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions for a guest: EL1's registers as if the CPU itself had taken the
 * exception to EL1 (Arm ARM, AArch64.TakeException). What a guest may not do
 * ends in its own handler, never here.
 */
#include "sysreg.h"
#include "trap.h"

static uint64_t vector_of(uint64_t spsr)
{
	if (spsr & SPSR_AARCH32)
		return VECTOR_LOWER_32;
	switch (spsr & SPSR_M) {
	case SPSR_M_EL0T:
		return VECTOR_LOWER_64;
	case SPSR_M_EL1T:
		return VECTOR_SP_EL0;
	default:
		return VECTOR_SP_ELX;
	}
}

/* PSTATE in the handler. */
static uint64_t state_for(uint64_t spsr)
{
	uint64_t sctlr = sysreg_read(sctlr_el1);
	uint64_t state = SPSR_M_EL1H | SPSR_DAIF |
			 (spsr & (SPSR_FLAGS | SPSR_DIT | SPSR_PAN));

	if (id_field(sysreg_read(id_aa64mmfr1_el1), MMFR1_PAN) &&
	    !(sctlr & SCTLR_EL1_SPAN))
		state |= SPSR_PAN;
	if (sctlr & SCTLR_EL1_DSSBS)
		state |= SPSR_SSBS;
	if (id_field(sysreg_read(id_aa64pfr1_el1), PFR1_MTE) >= 2)
		state |= SPSR_TCO;
	return state;
}

static bool from_el0(void)
{
	uint64_t spsr = sysreg_read(spsr_el2);

	return spsr & SPSR_AARCH32 || (spsr & SPSR_M) == SPSR_M_EL0T;
}

static void take(uint64_t esr)
{
	uint64_t spsr = sysreg_read(spsr_el2);

	sysreg_write(esr_el1, esr | (sysreg_read(esr_el2) & ESR_IL));
	sysreg_write(elr_el1, sysreg_read(elr_el2));
	sysreg_write(spsr_el1, spsr);
	sysreg_write(elr_el2, sysreg_read(vbar_el1) + vector_of(spsr));
	sysreg_write(spsr_el2, state_for(spsr));
}

void inject_undefined(void)
{
	take(FIELD(EC_UNKNOWN, ESR_EC_SHIFT) | ESR_IL);
}

/*
 * A synchronous external abort: of the access, or of the walk that led to it,
 * with the level that ESR_EL2 has.
 */
void inject_abort(bool instruction)
{
	uint64_t esr = sysreg_read(esr_el2), ec, fsc = FSC_EXTERNAL;

	if (from_el0())
		ec = instruction ? EC_INSN_ABORT_LOWER : EC_DATA_ABORT_LOWER;
	else
		ec = instruction ? EC_INSN_ABORT_SAME : EC_DATA_ABORT_SAME;
	if (esr & ISS_S1PTW)
		fsc = FSC_EXTERNAL_WALK | (esr & ISS_FSC & ~FSC_TYPE);
	sysreg_write(far_el1, sysreg_read(far_el2));
	take(FIELD(ec, ESR_EC_SHIFT) | fsc |
	     (esr & (ISS_FNV | (instruction ? 0 : ISS_WNR))));
}
