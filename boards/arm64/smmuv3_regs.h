/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers and structures of an SMMUv3 (IHI 0070), as far as they are used. */
#ifndef BOARDS_ARM64_SMMUV3_REGS_H
#define BOARDS_ARM64_SMMUV3_REGS_H

#include <holdfast/types.h>

#define SMMU_BIT(n) (UINT64_C(1) << (n))
#define SMMU_FIELD(value, shift) ((uint64_t)(value) << (shift))
#define SMMU_GET(word, high, low) \
	((uint32_t)((word) >> (low) & (SMMU_BIT((high) - (low) + 1) - 1)))

/* --- registers (§6.3) -------------------------------------------------------- */

#define SMMU_IDR0 0x0000
#define IDR0_S2P SMMU_BIT(0)
#define IDR0_S1P SMMU_BIT(1)
#define IDR0_TTF_AARCH64 SMMU_BIT(3)
#define IDR0_COHACC SMMU_BIT(4)
#define IDR0_HYP SMMU_BIT(9)
#define IDR0_ATS SMMU_BIT(10)
#define IDR0_TTENDIAN(idr0) SMMU_GET(idr0, 22, 21)
#define IDR0_TTENDIAN_BIG 3
#define IDR0_ST_LEVEL(idr0) SMMU_GET(idr0, 28, 27)
#define IDR0_ST_LEVEL_2 1

#define SMMU_IDR1 0x0004
#define IDR1_SIDSIZE(idr1) SMMU_GET(idr1, 5, 0)
#define IDR1_EVENTQS(idr1) SMMU_GET(idr1, 20, 16)
#define IDR1_CMDQS(idr1) SMMU_GET(idr1, 25, 21)
#define IDR1_REL SMMU_BIT(28)
#define IDR1_QUEUES_PRESET SMMU_BIT(29)
#define IDR1_TABLES_PRESET SMMU_BIT(30)

#define SMMU_IDR5 0x0014
#define IDR5_OAS(idr5) SMMU_GET(idr5, 2, 0)
#define IDR5_GRAN4K SMMU_BIT(4)

#define SMMU_CR0 0x0020
#define SMMU_CR0ACK 0x0024
#define CR0_SMMUEN SMMU_BIT(0)
#define CR0_EVENTQEN SMMU_BIT(2)
#define CR0_CMDQEN SMMU_BIT(3)
#define CR0_ATSCHK SMMU_BIT(4)

#define SMMU_CR1 0x0028
#define CR1_QUEUE_IC_WB SMMU_FIELD(1, 0)
#define CR1_QUEUE_OC_WB SMMU_FIELD(1, 2)
#define CR1_QUEUE_SH_INNER SMMU_FIELD(3, 4)
#define CR1_TABLE_IC_WB SMMU_FIELD(1, 6)
#define CR1_TABLE_OC_WB SMMU_FIELD(1, 8)
#define CR1_TABLE_SH_INNER SMMU_FIELD(3, 10)

#define SMMU_CR2 0x002c
#define CR2_RECINVSID SMMU_BIT(1)
#define CR2_PTM SMMU_BIT(2)

#define SMMU_GBPA 0x0044
#define GBPA_ABORT SMMU_BIT(20)
#define GBPA_UPDATE SMMU_BIT(31)

#define SMMU_IRQ_CTRL 0x0050
#define SMMU_IRQ_CTRLACK 0x0054

#define SMMU_GERROR 0x0060
#define SMMU_GERRORN 0x0064
#define GERROR_CMDQ_ERR SMMU_BIT(0)
#define GERROR_SFM_ERR SMMU_BIT(8)

#define SMMU_STRTAB_BASE 0x0080
#define SMMU_STRTAB_BASE_CFG 0x0088
#define STRTAB_LOG2SIZE(n) SMMU_FIELD(n, 0)
#define STRTAB_SPLIT(n) SMMU_FIELD(n, 6)
#define STRTAB_FMT_2LEVEL SMMU_FIELD(1, 16)

#define SMMU_CMDQ_BASE 0x0090 /* the low bits: log2 of the entries */
#define SMMU_CMDQ_PROD 0x0098
#define SMMU_CMDQ_CONS 0x009c
#define CMDQ_CONS_ERR(cons) SMMU_GET(cons, 30, 24)

#define SMMU_EVENTQ_BASE 0x00a0
#define SMMU_EVENTQ_PROD 0x100a8
#define EVENTQ_PROD_OVFLG SMMU_BIT(31)
#define SMMU_EVENTQ_CONS 0x100ac

#define BASE_RA SMMU_BIT(62) /* of STRTAB, EVENTQ: allocate for reads, writes */

/* --- Stream Table Entry (§5.2), four of its eight words in use ------------------- */

#define STE_WORDS 8
#define STE_CHANGES 4 /* of those: the words that are not always 0 */
#define STE0_V SMMU_BIT(0)
#define STE0_CONFIG_S1 SMMU_FIELD(5, 1) /* stage 1, no stage 2 */
#define STE0_CONFIG_S2 SMMU_FIELD(6, 1) /* stage 2, no stage 1 */
#define STE1_S1CIR_WB SMMU_FIELD(1, 2)
#define STE1_S1COR_WB SMMU_FIELD(1, 4)
#define STE1_S1CSH_INNER SMMU_FIELD(3, 6)
#define STE1_SHCFG_INCOMING SMMU_FIELD(1, 44)
#define STE2_S2VMID(n) SMMU_FIELD(n, 0)
#define STE2_S2T0SZ(n) SMMU_FIELD(n, 32)
#define STE2_S2SL0(n) SMMU_FIELD(n, 38)
#define STE2_S2IR0_WB SMMU_FIELD(1, 40)
#define STE2_S2OR0_WB SMMU_FIELD(1, 42)
#define STE2_S2SH0_INNER SMMU_FIELD(3, 44)
#define STE2_S2PS(n) SMMU_FIELD(n, 48)
#define STE2_S2AA64 SMMU_BIT(51)
#define STE2_S2R SMMU_BIT(58)

/* Level 1 descriptor (§5.1): that many StreamIDs, plus one, as a power of 2. */
#define L1STD_SPAN(n) SMMU_FIELD((n) + 1, 0)

/* --- Context Descriptor (§5.4) ---------------------------------------------------- */

#define CD_WORDS 8
#define CD0_T0SZ(n) SMMU_FIELD(n, 0)
#define CD0_IR0_WB SMMU_FIELD(1, 8)
#define CD0_OR0_WB SMMU_FIELD(1, 10)
#define CD0_SH0_INNER SMMU_FIELD(3, 12)
#define CD0_EPD1 SMMU_BIT(30)
#define CD0_V SMMU_BIT(31)
#define CD0_IPS(n) SMMU_FIELD(n, 32)
#define CD0_AA64 SMMU_BIT(41)
#define CD0_R SMMU_BIT(45)
#define CD0_A SMMU_BIT(46)
#define CD0_ASET SMMU_BIT(47)
#define CD0_ASID(n) SMMU_FIELD(n, 48)

/* --- commands (§4) ---------------------------------------------------------------- */

#define CMD_CFGI_STE UINT64_C(0x03)
#define CMD_CFGI_ALL UINT64_C(0x04)
#define CMD_CFGI_STREAM(sid) SMMU_FIELD(sid, 32)
#define CMD_CFGI_RANGE_ALL UINT64_C(31) /* second word */
#define CMD_TLBI_NH_ASID UINT64_C(0x11)
#define CMD_TLBI_ASID(n) SMMU_FIELD(n, 48)
#define CMD_TLBI_EL2_ALL UINT64_C(0x20)
#define CMD_TLBI_S12_VMALL UINT64_C(0x28)
#define CMD_TLBI_VMID(n) SMMU_FIELD(n, 32)
#define CMD_TLBI_NSNH_ALL UINT64_C(0x30)
#define CMD_SYNC UINT64_C(0x46) /* CS 0: CMDQ_CONS alone tells */

/* --- events (§7.3) ------------------------------------------------------------------ */

#define EVENT_WORDS 4
#define EVENT_TYPE(word0) SMMU_GET(word0, 7, 0)
#define EVENT_STREAM(word0) SMMU_GET(word0, 63, 32)
#define EVENT1_READ SMMU_BIT(35) /* RnW */
#define F_UUT 0x01
#define C_BAD_STREAMID 0x02
#define F_STE_FETCH 0x03
#define C_BAD_STE 0x04
#define F_BAD_ATS_TREQ 0x05
#define F_TRANSL_FORBIDDEN 0x07
#define F_TRANSLATION 0x10
#define F_ADDR_SIZE 0x11
#define F_ACCESS 0x12
#define F_PERMISSION 0x13
#define E_PAGE_REQUEST 0x24

#endif
