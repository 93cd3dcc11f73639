/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers (Arm ARM, DDI 0487): access, and the fields that are used.
 * Registers that Debian 12's assembler has no name for go by their encoding.
 * Also for assembler.
 */
#ifndef BOARDS_ARM64_SYSREG_H
#define BOARDS_ARM64_SYSREG_H

#ifdef __ASSEMBLER__
#define BIT(n) (1 << (n))
#define FIELD(value, shift) ((value) << (shift))
#else
#include <holdfast/types.h>

#define BIT(n) (UINT64_C(1) << (n))
#define FIELD(value, shift) ((uint64_t)(value) << (shift))

#define sysreg_read_(name)                                       \
	({                                                       \
		uint64_t val_;                                   \
		__asm__ volatile("mrs %0, " #name : "=r"(val_)); \
		val_;                                            \
	})
#define sysreg_write_(name, val)                \
	__asm__ volatile("msr " #name ", %0"    \
			 :                      \
			 : "r"((uint64_t)(val)) \
			 : "memory")
#define sysreg_read(name) sysreg_read_(name)
#define sysreg_write(name, val) sysreg_write_(name, val)

static inline void isb(void)
{
	__asm__ volatile("isb" : : : "memory");
}

static inline void dsb_sy(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}

static inline void dsb_ish(void)
{
	__asm__ volatile("dsb ish" : : : "memory");
}

/* A field of four bits of an ID register. */
static inline unsigned int id_field(uint64_t reg, unsigned int shift)
{
	return reg >> shift & 0xf;
}
#endif

#define CURRENTEL_EL2 FIELD(2, 2)
#define SPSR_M_EL1H 0x5
#define SPSR_DAIF FIELD(0xf, 6) /* all masked */

/* --- EL2's own translation --- */
#define SCTLR_EL2_RES1 0x30c50830
#define SCTLR_M BIT(0)
#define SCTLR_C BIT(2)
#define SCTLR_SA BIT(3)
#define SCTLR_I BIT(12)

/* 40 bits of address, in 4 KiB pages; walks through the caches. */
#define TCR_EL2_RES1_LOW BIT(23)
#define TCR_EL2_RES1_HIGH 0x80000000
#define TCR_PS_40 FIELD(2, 16)
#define TCR_SH0_INNER FIELD(3, 12)
#define TCR_ORGN0_WB FIELD(1, 10)
#define TCR_IRGN0_WB FIELD(1, 8)
#define TCR_T0SZ_40 (64 - 40)

#define MAIR_DEVICE_nGnRE 0x04
#define MAIR_NORMAL_WB 0xff
#define MAIR_INDEX_DEVICE 0
#define MAIR_INDEX_NORMAL 1

#ifndef __ASSEMBLER__

/* --- control of EL1 and EL0 --- */
#define HCR_VM BIT(0)   /* stage 2 */
#define HCR_SWIO BIT(1) /* set/way invalidation cleans, too */
#define HCR_FMO BIT(3)  /* FIQ comes here, and software interrupts sent */
#define HCR_TWI BIT(13) /* WFI and WFE come here */
#define HCR_TWE BIT(14)
#define HCR_TSC BIT(19) /* SMC comes here */
#define HCR_RW BIT(31)  /* EL1 is AArch64 */
#define HCR_APK BIT(40) /* EL1 has the keys of pointer authentication */
#define HCR_API BIT(41) /* … and its instructions */
#define HCR_ENSCXT BIT(53)
#define HCR_ATA BIT(56) /* allocation tags */

#define VTCR_RES1 BIT(31)
#define VTCR_PS_40 FIELD(2, 16)
#define VTCR_SH0_INNER FIELD(3, 12)
#define VTCR_ORGN0_WB FIELD(1, 10)
#define VTCR_IRGN0_WB FIELD(1, 8)
#define VTCR_SL0_LEVEL1 FIELD(1, 6)
#define VTCR_T0SZ_40 FIELD(64 - 40, 0)
#define VTTBR_VMID_SHIFT 48

#define CPTR_EL2_RES1 UINT64_C(0x32ff) /* with TZ and TSM, which are fields */
#define CPTR_TZ BIT(8)
#define CPTR_TSM BIT(12)

#define CNTHCTL_EL1PCTEN BIT(0)
#define CNTHCTL_EL1PCEN BIT(1)

#define MDCR_HPMN UINT64_C(0x1f)
#define PMCR_N_SHIFT 11

#define SCTLR_EL1_RESET UINT64_C(0x30d00800) /* RES1 fields; MMU, caches off */
#define SCTLR_EL1_SPAN BIT(23)
#define SCTLR_EL1_DSSBS BIT(44)

/* --- extensions that trap to EL2 unless told --- */
#define ZCR_EL2 s3_4_c1_c2_0
#define ZCR_LEN_MAX FIELD(0xf, 0)
#define SMCR_EL2 s3_4_c1_c2_6
#define SMCR_LEN_MAX FIELD(0xf, 0)
#define SMCR_FA64 BIT(31)
#define HFGRTR_EL2 s3_4_c1_c1_4
#define HFGWTR_EL2 s3_4_c1_c1_5
#define HFGITR_EL2 s3_4_c1_c1_6
#define HDFGRTR_EL2 s3_4_c3_c1_4
#define HDFGWTR_EL2 s3_4_c3_c1_5
#define HFG_NSMPRI BIT(54)
#define HFG_NTPIDR2 BIT(55)
#define HCRX_EL2 s3_4_c1_c2_2
#define HCRX_MSCEN BIT(11)
#define HCRX_TCR2EN BIT(14)
#define HCRX_SCTLR2EN BIT(15)
#define ICC_SRE_EL2 s3_4_c12_c9_5
#define ICC_SRE_SRE BIT(0)
#define ICC_SRE_ENABLE BIT(3)
#define ICH_HCR_EL2 s3_4_c12_c11_0

/* --- interrupts (Arm IHI 0069 §12.2) --- */
#define ICC_PMR_EL1 s3_0_c4_c6_0
#define ICC_PMR_ALL 0xff
#define ICC_RPR_EL1 s3_0_c12_c11_3
#define ICC_RPR_IDLE 0xff
#define ICC_IGRPEN1_EL1 s3_0_c12_c12_7
#define ICC_IAR0_EL1 s3_0_c12_c8_0
#define ICC_EOIR0_EL1 s3_0_c12_c8_1
#define ICC_SGI1R_EL1 s3_0_c12_c11_5
#define SGIR_TARGETS UINT64_C(0xffff)
#define SGIR_INTID_SHIFT 24
#define SGIR_IRM BIT(40)
/* Aff1 to Aff3, and of Aff0 what is above the list of targets. */
#define SGIR_AFFINITY UINT64_C(0x00fff0ff00ff0000)
#define SGIR_FOR(mpidr, intid)                                              \
	(FIELD((mpidr) >> 32 & 0xff, 48) | FIELD((mpidr) >> 4 & 0xf, 44) |  \
	 FIELD((mpidr) >> 16 & 0xff, 32) | FIELD((mpidr) >> 8 & 0xff, 16) | \
	 FIELD((intid), SGIR_INTID_SHIFT) | BIT((mpidr)&0xf))

/* --- ID registers --- */
#define ID_AA64ISAR2_EL1 s3_0_c0_c6_2
#define ID_AA64SMFR0_EL1 s3_0_c0_c4_5
#define PFR0_GIC 24
#define PFR0_SVE 32
#define PFR0_CSV2 56
#define PFR1_MTE 8
#define PFR1_SME 24
#define PFR1_CSV2_FRAC 32
#define MMFR0_PARANGE 0
#define MMFR0_PARANGE_40 2
#define MMFR0_FGT 56
#define MMFR1_PAN 20
#define MMFR1_HCX 40
#define ISAR1_APA 4
#define ISAR1_API 8
#define ISAR1_GPA 24
#define ISAR1_GPI 28
#define ISAR2_GPA3 8
#define ISAR2_APA3 12
#define DFR0_PMUVER 8
#define DFR0_PMUVER_IMPDEF 0xf
#define SMFR0_FA64 BIT(63)

/* --- exceptions --- */
#define ESR_EC_SHIFT 26
#define ESR_IL BIT(25)
#define EC_UNKNOWN 0x00
#define EC_WFX 0x01
#define EC_HVC64 0x16
#define EC_SMC64 0x17
#define EC_SYSREG 0x18
#define EC_INSN_ABORT_LOWER 0x20
#define EC_INSN_ABORT_SAME 0x21
#define EC_DATA_ABORT_LOWER 0x24
#define EC_DATA_ABORT_SAME 0x25

#define ISS_TI UINT64_C(3) /* of a trapped wait; 0: WFI */

#define ISS_ISV BIT(24) /* the instruction's syndrome is valid: */
#define ISS_SAS_SHIFT 22
#define ISS_SSE BIT(21)
#define ISS_SRT_SHIFT 16
#define ISS_SF BIT(15)
#define ISS_FNV BIT(10)
#define ISS_S1PTW BIT(7)
#define ISS_WNR BIT(6)
#define ISS_FSC UINT64_C(0x3f)
#define FSC_TYPE UINT64_C(0x3c) /* without the level */
#define FSC_ADDRESS_SIZE 0x00
#define FSC_TRANSLATION 0x04
#define FSC_ACCESS_FLAG 0x08
#define FSC_PERMISSION 0x0c
#define FSC_EXTERNAL 0x10
#define FSC_EXTERNAL_WALK 0x14

/* A trapped MSR or MRS: which register, as its encoding has it. */
#define ISS_SYSREG UINT64_C(0x3ffc1e)
#define ISS_SYSREG_READ BIT(0)
#define ISS_SYSREG_RT_SHIFT 5
#define SYSREG(op0, op1, crn, crm, op2)                                      \
	(FIELD(op0, 20) | FIELD(op2, 17) | FIELD(op1, 14) | FIELD(crn, 10) | \
	 FIELD(crm, 1))
#define SYSREG_ICC_SGI1R SYSREG(3, 0, 12, 11, 5)

#define SPSR_M UINT64_C(0x1f)
#define SPSR_M_EL0T 0x0
#define SPSR_M_EL1T 0x4
#define SPSR_AARCH32 BIT(4)
#define SPSR_SSBS BIT(12)
#define SPSR_PAN BIT(22)
#define SPSR_TCO BIT(25)
#define SPSR_DIT BIT(24)
#define SPSR_FLAGS FIELD(0xf, 28)

/* Offsets in EL1's vector table (Arm ARM D1.3.1.1). */
#define VECTOR_SP_EL0 0x000
#define VECTOR_SP_ELX 0x200
#define VECTOR_LOWER_64 0x400
#define VECTOR_LOWER_32 0x600

#define HPFAR_FIPA_SHIFT 4 /* bits 51:12 of the IPA, from here */

#endif
#endif
