/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of PCI configuration space by name: the only place in the
 * tree where their numbers stand.
 *
 * Names are those that the field uses (Linux, lspci, data sheets). An offset
 * is from the start of configuration space in the header, and from the start
 * of the capability elsewhere; what is indented below an offset is a bit or a
 * field of that register, as the register is read at its own size.
 *
 * "PCIe 6.0" is the PCI Express Base Specification 6.0, "PCI 3.0" the PCI
 * Local Bus Specification 3.0, "P2P 1.2" the PCI-to-PCI Bridge Architecture
 * Specification 1.2.
 */
#ifndef HOLDFAST_PCI_REGS_H
#define HOLDFAST_PCI_REGS_H

/* clang-format off: tables, fields indented below their register */

/* --- sizes ---------------------------------------------------------------- */

#define PCI_STD_HEADER_SIZEOF 0x40    /* what every function has */
#define PCI_CFG_SPACE_SIZE 0x100      /* PCI 3.0 §6.1 */
#define PCI_CFG_SPACE_EXP_SIZE 0x1000 /* PCIe 6.0 §7.2 */

/* --- header, all types (PCIe 6.0 §7.5.1.1) -------------------------------- */

#define PCI_VENDOR_ID 0x00
#define PCI_VENDOR_ID_NONE 0xffff  /* nobody there, or a VF */
#define PCI_VENDOR_ID_RETRY 0x0001 /* PCIe 6.0 §2.3.2: not ready yet */
#define PCI_DEVICE_ID 0x02

#define PCI_COMMAND 0x04                /* §7.5.1.1.3 */
#define PCI_COMMAND_IO 0x0001           /* decodes I/O */
#define PCI_COMMAND_MEMORY 0x0002       /* decodes memory */
#define PCI_COMMAND_DECODE 0x0003       /* either */
#define PCI_COMMAND_MASTER 0x0004       /* may start transactions */
#define PCI_COMMAND_SPECIAL 0x0008      /* watches special cycles */
#define PCI_COMMAND_INVALIDATE 0x0010   /* memory write and invalidate */
#define PCI_COMMAND_VGA_PALETTE 0x0020  /* palette snooping */
#define PCI_COMMAND_PARITY 0x0040       /* answers parity errors */
#define PCI_COMMAND_WAIT 0x0080         /* address stepping */
#define PCI_COMMAND_SERR 0x0100         /* may signal SERR# */
#define PCI_COMMAND_FAST_BACK 0x0200    /* fast back-to-back writes */
#define PCI_COMMAND_INTX_DISABLE 0x0400 /* no INTx */

#define PCI_STATUS 0x06 /* §7.5.1.1.4; errors are write-1-to-clear */
#define PCI_STATUS_IMM_READY 0x0001 /* no wait after a reset */
#define PCI_STATUS_INTERRUPT 0x0008 /* INTx is asserted */
#define PCI_STATUS_CAP_LIST 0x0010  /* there is a list */
#define PCI_STATUS_66MHZ 0x0020
#define PCI_STATUS_FAST_BACK 0x0080
#define PCI_STATUS_PARITY 0x0100 /* master data parity error */
#define PCI_STATUS_DEVSEL_MASK 0x0600
#define PCI_STATUS_SIG_TARGET_ABORT 0x0800
#define PCI_STATUS_REC_TARGET_ABORT 0x1000
#define PCI_STATUS_REC_MASTER_ABORT 0x2000
#define PCI_STATUS_SIG_SYSTEM_ERROR 0x4000
#define PCI_STATUS_DETECTED_PARITY 0x8000
#define PCI_STATUS_W1C 0xf900

#define PCI_CLASS_REVISION 0x08 /* class code << 8 | revision */
#define PCI_REVISION_ID 0x08
#define PCI_CLASS_PROG 0x09
#define PCI_CLASS_DEVICE 0x0a /* base class << 8 | sub-class */
#define PCI_CACHE_LINE_SIZE 0x0c
#define PCI_LATENCY_TIMER 0x0d

#define PCI_HEADER_TYPE 0x0e /* §7.5.1.1.9 */
#define PCI_HEADER_TYPE_MASK 0x7f
#define PCI_HEADER_TYPE_NORMAL 0
#define PCI_HEADER_TYPE_BRIDGE 1
#define PCI_HEADER_TYPE_CARDBUS 2
#define PCI_HEADER_TYPE_MFD 0x80 /* other functions may be there */

#define PCI_BIST 0x0f

#define PCI_BASE_ADDRESS_0 0x10 /* §7.5.1.2.1; type 0 six, type 1 two */
#define PCI_BASE_ADDRESS_1 0x14
#define PCI_BASE_ADDRESS_2 0x18
#define PCI_BASE_ADDRESS_3 0x1c
#define PCI_BASE_ADDRESS_4 0x20
#define PCI_BASE_ADDRESS_5 0x24
#define PCI_BASE_ADDRESS_SPACE_IO 0x1
#define PCI_BASE_ADDRESS_MEM_TYPE_MASK 0x6
#define PCI_BASE_ADDRESS_MEM_TYPE_32 0x0
#define PCI_BASE_ADDRESS_MEM_TYPE_1M 0x2 /* below 1 MiB: of old */
#define PCI_BASE_ADDRESS_MEM_TYPE_64 0x4
#define PCI_BASE_ADDRESS_MEM_PREFETCH 0x8
#define PCI_BASE_ADDRESS_MEM_MASK 0xfffffff0u
#define PCI_BASE_ADDRESS_IO_MASK 0xfffffffcu

#define PCI_CAPABILITY_LIST 0x34 /* §7.5.1.1.11 */
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN 0x3d /* 0 none, 1 INTA … 4 INTD */

/* --- header type 0 (PCIe 6.0 §7.5.1.2) ------------------------------------ */

#define PCI_CARDBUS_CIS 0x28
#define PCI_SUBSYSTEM_VENDOR_ID 0x2c
#define PCI_SUBSYSTEM_ID 0x2e
#define PCI_ROM_ADDRESS 0x30 /* §7.5.1.2.4 */
#define PCI_ROM_ADDRESS_ENABLE 0x1
#define PCI_ROM_ADDRESS_MASK 0xfffff800u
#define PCI_MIN_GNT 0x3e
#define PCI_MAX_LAT 0x3f

/* --- header type 1, bridges (PCIe 6.0 §7.5.1.3; P2P 1.2 §3.2) ------------- */

#define PCI_PRIMARY_BUS 0x18
#define PCI_SECONDARY_BUS 0x19
#define PCI_SUBORDINATE_BUS 0x1a
#define PCI_SEC_LATENCY_TIMER 0x1b
#define PCI_IO_BASE 0x1c
#define PCI_IO_LIMIT 0x1d
#define PCI_IO_RANGE_TYPE_MASK 0x0f
#define PCI_IO_RANGE_TYPE_16 0x00
#define PCI_IO_RANGE_TYPE_32 0x01
#define PCI_IO_RANGE_MASK 0xf0
#define PCI_SEC_STATUS 0x1e /* as PCI_STATUS, for the far side */
#define PCI_MEMORY_BASE 0x20
#define PCI_MEMORY_LIMIT 0x22
#define PCI_MEMORY_RANGE_MASK 0xfff0
#define PCI_PREF_MEMORY_BASE 0x24
#define PCI_PREF_MEMORY_LIMIT 0x26
#define PCI_PREF_RANGE_TYPE_MASK 0x0f
#define PCI_PREF_RANGE_TYPE_32 0x00
#define PCI_PREF_RANGE_TYPE_64 0x01
#define PCI_PREF_RANGE_MASK 0xfff0
#define PCI_PREF_BASE_UPPER32 0x28
#define PCI_PREF_LIMIT_UPPER32 0x2c
#define PCI_IO_BASE_UPPER16 0x30
#define PCI_IO_LIMIT_UPPER16 0x32
#define PCI_ROM_ADDRESS1 0x38
#define PCI_BRIDGE_CONTROL 0x3e /* §7.5.1.3.13 */
#define PCI_BRIDGE_CTL_PARITY 0x0001
#define PCI_BRIDGE_CTL_SERR 0x0002
#define PCI_BRIDGE_CTL_ISA 0x0004
#define PCI_BRIDGE_CTL_VGA 0x0008
#define PCI_BRIDGE_CTL_VGA16 0x0010
#define PCI_BRIDGE_CTL_MASTER_ABORT 0x0020
#define PCI_BRIDGE_CTL_BUS_RESET 0x0040 /* secondary bus reset */
#define PCI_BRIDGE_CTL_FAST_BACK 0x0080

/* --- header type 2, CardBus bridges (PC Card 8.0 vol. 7) ------------------ */

#define PCI_CB_CAPABILITY_LIST 0x14
#define PCI_CB_PRIMARY_BUS 0x18
#define PCI_CB_CARD_BUS 0x19
#define PCI_CB_SUBORDINATE_BUS 0x1a
#define PCI_CB_SUBSYSTEM_VENDOR_ID 0x40
#define PCI_CB_SUBSYSTEM_ID 0x42

/* --- classes that the core tells apart (PCI Code and ID Assignment 1.11) --- */

#define PCI_CLASS_STORAGE_EXPRESS 0x010802 /* NVMe, with prog-if */
#define PCI_CLASS_NETWORK_ETHERNET 0x0200
#define PCI_CLASS_DISPLAY_VGA 0x0300
#define PCI_CLASS_BRIDGE_HOST 0x0600
#define PCI_CLASS_BRIDGE_ISA 0x0601
#define PCI_CLASS_BRIDGE_PCI 0x0604
#define PCI_CLASS_BRIDGE_CARDBUS 0x0607
#define PCI_CLASS_SYSTEM_RCEC 0x0807 /* root-complex event collector */

/* --- capabilities: the list (PCI 3.0 §6.7) and its IDs -------------------- */

#define PCI_CAP_LIST_ID 0
#define PCI_CAP_LIST_NEXT 1
#define PCI_CAP_NEXT_MASK 0xfc /* the low bits are reserved */

#define PCI_CAP_ID_NULL 0x00
#define PCI_CAP_ID_PM 0x01
#define PCI_CAP_ID_AGP 0x02
#define PCI_CAP_ID_VPD 0x03
#define PCI_CAP_ID_SLOTID 0x04
#define PCI_CAP_ID_MSI 0x05
#define PCI_CAP_ID_CHSWP 0x06
#define PCI_CAP_ID_PCIX 0x07
#define PCI_CAP_ID_HT 0x08
#define PCI_CAP_ID_VNDR 0x09
#define PCI_CAP_ID_DBG 0x0a
#define PCI_CAP_ID_CCRC 0x0b
#define PCI_CAP_ID_SHPC 0x0c
#define PCI_CAP_ID_SSVID 0x0d
#define PCI_CAP_ID_AGP3 0x0e
#define PCI_CAP_ID_SECDEV 0x0f
#define PCI_CAP_ID_EXP 0x10
#define PCI_CAP_ID_MSIX 0x11
#define PCI_CAP_ID_SATA 0x12
#define PCI_CAP_ID_AF 0x13
#define PCI_CAP_ID_EA 0x14
#define PCI_CAP_ID_FPB 0x15

/* --- power management (PCIe 6.0 §7.5.2) ----------------------------------- */

#define PCI_PM_PMC 2
#define PCI_PM_CAP_VER_MASK 0x0007
#define PCI_PM_CAP_PME_CLOCK 0x0008
#define PCI_PM_CAP_IMM_READY 0x0010 /* no wait when it returns to D0 */
#define PCI_PM_CAP_DSI 0x0020
#define PCI_PM_CAP_AUX_POWER 0x01c0
#define PCI_PM_CAP_D1 0x0200
#define PCI_PM_CAP_D2 0x0400
#define PCI_PM_CAP_PME_MASK 0xf800
#define PCI_PM_CTRL 4
#define PCI_PM_CTRL_STATE_MASK 0x0003 /* D0 … D3hot */
#define PCI_PM_CTRL_NO_SOFT_RESET 0x0008
#define PCI_PM_CTRL_PME_ENABLE 0x0100
#define PCI_PM_CTRL_DATA_SEL_MASK 0x1e00
#define PCI_PM_CTRL_DATA_SCALE_MASK 0x6000
#define PCI_PM_CTRL_PME_STATUS 0x8000 /* write 1 to clear, sticky */
#define PCI_PM_DATA_REGISTER 7
#define PCI_PM_SIZEOF 8

/* --- vital product data (PCIe 6.0 §7.9.18, §6.27) ------------------------- */

#define PCI_VPD_ADDR 2
#define PCI_VPD_ADDR_MASK 0x7fff
#define PCI_VPD_ADDR_F 0x8000 /* write 0: read begins; reads 1 when done */
#define PCI_VPD_DATA 4
#define PCI_CAP_VPD_SIZEOF 8

/* --- MSI (PCIe 6.0 §7.7.1) ------------------------------------------------ */

#define PCI_MSI_FLAGS 2
#define PCI_MSI_FLAGS_ENABLE 0x0001
#define PCI_MSI_FLAGS_QMASK 0x000e /* log2 of vectors that it can send */
#define PCI_MSI_FLAGS_QMASK_SHIFT 1
#define PCI_MSI_FLAGS_QSIZE 0x0070 /* log2 of vectors that it may send */
#define PCI_MSI_FLAGS_QSIZE_SHIFT 4
#define PCI_MSI_FLAGS_64BIT 0x0080
#define PCI_MSI_FLAGS_MASKBIT 0x0100
#define PCI_MSI_FLAGS_EXT_DATA 0x0200 /* can send 32 bits of data */
#define PCI_MSI_FLAGS_EXT_DATA_EN 0x0400
#define PCI_MSI_ADDRESS_LO 4
#define PCI_MSI_DATA_32 8
#define PCI_MSI_MASK_32 12
#define PCI_MSI_PENDING_32 16
#define PCI_MSI_ADDRESS_HI 8 /* with PCI_MSI_FLAGS_64BIT */
#define PCI_MSI_DATA_64 12
#define PCI_MSI_MASK_64 16
#define PCI_MSI_PENDING_64 20
#define PCI_MSI_MAX_VECTORS 32

/* --- vendor-specific (PCIe 6.0 §7.9.4) ------------------------------------ */

#define PCI_CAP_VNDR_LENGTH 2 /* a byte: the capability's own length */

/* --- subsystem of a bridge (PCIe 6.0 §7.9.23; P2P 1.2 §3.2.5.13) ---------- */

#define PCI_SSVID_VENDOR_ID 4
#define PCI_SSVID_DEVICE_ID 6
#define PCI_SSVID_SIZEOF 8

/* --- PCI-X (PCI-X 2.0 §7.2) ----------------------------------------------- */

#define PCI_X_CMD 2
#define PCI_X_STATUS 4
#define PCI_X_BRIDGE_SSTATUS 2
#define PCI_X_BRIDGE_STATUS 4

/* --- PCI Express (PCIe 6.0 §7.5.3) ---------------------------------------- */

#define PCI_EXP_FLAGS 0x02 /* §7.5.3.2 */
#define PCI_EXP_FLAGS_VERS 0x000f
#define PCI_EXP_FLAGS_TYPE 0x00f0
#define PCI_EXP_FLAGS_TYPE_SHIFT 4
#define PCI_EXP_TYPE_ENDPOINT 0x0
#define PCI_EXP_TYPE_LEG_END 0x1
#define PCI_EXP_TYPE_ROOT_PORT 0x4
#define PCI_EXP_TYPE_UPSTREAM 0x5
#define PCI_EXP_TYPE_DOWNSTREAM 0x6
#define PCI_EXP_TYPE_PCI_BRIDGE 0x7  /* PCIe above, PCI below */
#define PCI_EXP_TYPE_PCIE_BRIDGE 0x8 /* PCI above, PCIe below */
#define PCI_EXP_TYPE_RC_END 0x9
#define PCI_EXP_TYPE_RC_EC 0xa
#define PCI_EXP_FLAGS_SLOT 0x0100
#define PCI_EXP_FLAGS_IRQ 0x3e00

#define PCI_EXP_DEVCAP 0x04 /* §7.5.3.3 */
#define PCI_EXP_DEVCAP_PAYLOAD 0x00000007
#define PCI_EXP_DEVCAP_PHANTOM 0x00000018 /* function bits it may use */
#define PCI_EXP_DEVCAP_PHANTOM_SHIFT 3
#define PCI_EXP_DEVCAP_EXT_TAG 0x00000020
#define PCI_EXP_DEVCAP_L0S 0x000001c0
#define PCI_EXP_DEVCAP_L1 0x00000e00
#define PCI_EXP_DEVCAP_RBER 0x00008000
#define PCI_EXP_DEVCAP_PWR_VAL 0x03fc0000
#define PCI_EXP_DEVCAP_PWR_SCL 0x0c000000
#define PCI_EXP_DEVCAP_FLR 0x10000000
#define PCI_EXP_DEVCTL 0x08 /* §7.5.3.4 */
#define PCI_EXP_DEVCTL_CERE 0x0001
#define PCI_EXP_DEVCTL_NFERE 0x0002
#define PCI_EXP_DEVCTL_FERE 0x0004
#define PCI_EXP_DEVCTL_URRE 0x0008
#define PCI_EXP_DEVCTL_RELAX_EN 0x0010
#define PCI_EXP_DEVCTL_PAYLOAD 0x00e0
#define PCI_EXP_DEVCTL_EXT_TAG 0x0100
#define PCI_EXP_DEVCTL_PHANTOM 0x0200
#define PCI_EXP_DEVCTL_AUX_PME 0x0400
#define PCI_EXP_DEVCTL_NOSNOOP_EN 0x0800
#define PCI_EXP_DEVCTL_READRQ 0x7000
#define PCI_EXP_DEVCTL_BCR_FLR 0x8000 /* function-level reset; reads 0 */
#define PCI_EXP_DEVSTA 0x0a /* §7.5.3.5; the first four write 1 to clear */
#define PCI_EXP_DEVSTA_CED 0x0001
#define PCI_EXP_DEVSTA_NFED 0x0002
#define PCI_EXP_DEVSTA_FED 0x0004
#define PCI_EXP_DEVSTA_URD 0x0008
#define PCI_EXP_DEVSTA_AUXPD 0x0010
#define PCI_EXP_DEVSTA_TRPND 0x0020 /* transactions pending */

#define PCI_EXP_LNKCAP 0x0c /* §7.5.3.6 */
#define PCI_EXP_LNKCAP_SLS 0x0000000f
#define PCI_EXP_LNKCAP_MLW 0x000003f0
#define PCI_EXP_LNKCAP_ASPMS 0x00000c00
#define PCI_EXP_LNKCAP_CLKPM 0x00040000
#define PCI_EXP_LNKCAP_SDERC 0x00080000   /* surprise down reported */
#define PCI_EXP_LNKCAP_DLLLARC 0x00100000 /* link active reported */
#define PCI_EXP_LNKCAP_LBNC 0x00200000
#define PCI_EXP_LNKCAP_PN 0xff000000
#define PCI_EXP_LNKCTL 0x10 /* §7.5.3.7 */
#define PCI_EXP_LNKCTL_ASPMC 0x0003
#define PCI_EXP_LNKCTL_RCB 0x0008
#define PCI_EXP_LNKCTL_LD 0x0010 /* link disable */
#define PCI_EXP_LNKCTL_RL 0x0020 /* retrain */
#define PCI_EXP_LNKCTL_CCC 0x0040
#define PCI_EXP_LNKCTL_ES 0x0080
#define PCI_EXP_LNKCTL_CLKREQ_EN 0x0100
#define PCI_EXP_LNKCTL_HAWD 0x0200
#define PCI_EXP_LNKCTL_LBMIE 0x0400
#define PCI_EXP_LNKCTL_LABIE 0x0800
#define PCI_EXP_LNKSTA 0x12 /* §7.5.3.8 */
#define PCI_EXP_LNKSTA_CLS 0x000f
#define PCI_EXP_LNKSTA_NLW 0x03f0
#define PCI_EXP_LNKSTA_NLW_SHIFT 4
#define PCI_EXP_LNKSTA_LT 0x0800
#define PCI_EXP_LNKSTA_SLC 0x1000
#define PCI_EXP_LNKSTA_DLLLA 0x2000 /* data link layer active */
#define PCI_EXP_LNKSTA_LBMS 0x4000  /* write 1 to clear */
#define PCI_EXP_LNKSTA_LABS 0x8000  /* write 1 to clear */

#define PCI_EXP_SLTCAP 0x14           /* §7.5.3.9 */
#define PCI_EXP_SLTCAP_ABP 0x00000001 /* attention button */
#define PCI_EXP_SLTCAP_PCP 0x00000002 /* power controller */
#define PCI_EXP_SLTCAP_MRLSP 0x00000004
#define PCI_EXP_SLTCAP_AIP 0x00000008 /* attention indicator */
#define PCI_EXP_SLTCAP_PIP 0x00000010 /* power indicator */
#define PCI_EXP_SLTCAP_HPS 0x00000020 /* may be pulled unannounced */
#define PCI_EXP_SLTCAP_HPC 0x00000040 /* hot-plug capable */
#define PCI_EXP_SLTCAP_SPLV 0x00007f80
#define PCI_EXP_SLTCAP_SPLS 0x00018000
#define PCI_EXP_SLTCAP_EIP 0x00020000  /* interlock */
#define PCI_EXP_SLTCAP_NCCS 0x00040000 /* no command completed */
#define PCI_EXP_SLTCAP_PSN 0xfff80000  /* slot number */
#define PCI_EXP_SLTCAP_PSN_SHIFT 19
#define PCI_EXP_SLTCTL 0x18 /* §7.5.3.10 */
#define PCI_EXP_SLTCTL_ABPE 0x0001
#define PCI_EXP_SLTCTL_PFDE 0x0002
#define PCI_EXP_SLTCTL_MRLSCE 0x0004
#define PCI_EXP_SLTCTL_PDCE 0x0008
#define PCI_EXP_SLTCTL_CCIE 0x0010
#define PCI_EXP_SLTCTL_HPIE 0x0020
#define PCI_EXP_SLTCTL_AIC 0x00c0 /* attention indicator: */
#define PCI_EXP_SLTCTL_ATTN_IND_ON 0x0040
#define PCI_EXP_SLTCTL_ATTN_IND_BLINK 0x0080
#define PCI_EXP_SLTCTL_ATTN_IND_OFF 0x00c0
#define PCI_EXP_SLTCTL_PIC 0x0300 /* power indicator: */
#define PCI_EXP_SLTCTL_PWR_IND_ON 0x0100
#define PCI_EXP_SLTCTL_PWR_IND_BLINK 0x0200
#define PCI_EXP_SLTCTL_PWR_IND_OFF 0x0300
#define PCI_EXP_SLTCTL_PCC 0x0400 /* power controller: 1 is off */
#define PCI_EXP_SLTCTL_PWR_ON 0x0000
#define PCI_EXP_SLTCTL_PWR_OFF 0x0400
#define PCI_EXP_SLTCTL_EIC 0x0800
#define PCI_EXP_SLTCTL_DLLSCE 0x1000
#define PCI_EXP_SLTSTA 0x1a /* §7.5.3.11; changes write 1 to clear */
#define PCI_EXP_SLTSTA_ABP 0x0001
#define PCI_EXP_SLTSTA_PFD 0x0002
#define PCI_EXP_SLTSTA_MRLSC 0x0004
#define PCI_EXP_SLTSTA_PDC 0x0008
#define PCI_EXP_SLTSTA_CC 0x0010
#define PCI_EXP_SLTSTA_MRLSS 0x0020
#define PCI_EXP_SLTSTA_PDS 0x0040 /* a card is there */
#define PCI_EXP_SLTSTA_EIS 0x0080
#define PCI_EXP_SLTSTA_DLLSC 0x0100
#define PCI_EXP_SLTSTA_W1C 0x011f

#define PCI_EXP_RTCTL 0x1c /* §7.5.3.12 */
#define PCI_EXP_RTCTL_SECEE 0x0001
#define PCI_EXP_RTCTL_SENFEE 0x0002
#define PCI_EXP_RTCTL_SEFEE 0x0004
#define PCI_EXP_RTCTL_PMEIE 0x0008
#define PCI_EXP_RTCTL_RRS_SVE 0x0010 /* retry status shown to software */
#define PCI_EXP_RTCAP 0x1e           /* §7.5.3.13 */
#define PCI_EXP_RTCAP_RRS_SV 0x0001
#define PCI_EXP_RTSTA 0x20           /* §7.5.3.14 */
#define PCI_EXP_RTSTA_PME 0x00010000 /* write 1 to clear */
#define PCI_EXP_RTSTA_PENDING 0x00020000
#define PCI_CAP_EXP_ENDPOINT_SIZEOF_V1 0x14

/* From capability version 2 on. */
#define PCI_EXP_DEVCAP2 0x24 /* §7.5.3.15 */
#define PCI_EXP_DEVCAP2_COMP_TMOUT_RANGES 0x0000000f
#define PCI_EXP_DEVCAP2_COMP_TMOUT_DIS 0x00000010
#define PCI_EXP_DEVCAP2_ARI 0x00000020
#define PCI_EXP_DEVCAP2_ATOMIC_ROUTE 0x00000040
#define PCI_EXP_DEVCAP2_LTR 0x00000800
#define PCI_EXP_DEVCAP2_OBFF_MASK 0x000c0000
#define PCI_EXP_DEVCAP2_EE_PREFIX 0x00200000
#define PCI_EXP_DEVCTL2 0x28 /* §7.5.3.16 */
#define PCI_EXP_DEVCTL2_COMP_TIMEOUT 0x000f
#define PCI_EXP_DEVCTL2_COMP_TMOUT_DIS 0x0010
#define PCI_EXP_DEVCTL2_ARI 0x0020 /* ARI forwarding */
#define PCI_EXP_DEVCTL2_ATOMIC_REQ 0x0040
#define PCI_EXP_DEVCTL2_LTR_EN 0x0400
#define PCI_EXP_DEVCTL2_OBFF_MASK 0x6000
#define PCI_EXP_DEVSTA2 0x2a
#define PCI_EXP_LNKCAP2 0x2c /* §7.5.3.18 */
#define PCI_EXP_LNKCAP2_SLS 0x000000fe
#define PCI_EXP_LNKCTL2 0x30 /* §7.5.3.19 */
#define PCI_EXP_LNKCTL2_TLS 0x000f
#define PCI_EXP_LNKSTA2 0x32
#define PCI_EXP_SLTCAP2 0x34
#define PCI_EXP_SLTCTL2 0x38
#define PCI_EXP_SLTSTA2 0x3a
#define PCI_CAP_EXP_SIZEOF_V2 0x3c

/* --- MSI-X (PCIe 6.0 §7.7.2) ---------------------------------------------- */

#define PCI_MSIX_FLAGS 2
#define PCI_MSIX_FLAGS_QSIZE 0x07ff /* entries - 1 */
#define PCI_MSIX_FLAGS_MASKALL 0x4000
#define PCI_MSIX_FLAGS_ENABLE 0x8000
#define PCI_MSIX_TABLE 4
#define PCI_MSIX_TABLE_BIR 0x00000007
#define PCI_MSIX_TABLE_OFFSET 0xfffffff8u
#define PCI_MSIX_PBA 8
#define PCI_MSIX_PBA_BIR 0x00000007
#define PCI_MSIX_PBA_OFFSET 0xfffffff8u
#define PCI_CAP_MSIX_SIZEOF 12
/* An entry of the table, in the BAR that PCI_MSIX_TABLE names. */
#define PCI_MSIX_ENTRY_SIZE 16
#define PCI_MSIX_ENTRY_LOWER_ADDR 0
#define PCI_MSIX_ENTRY_UPPER_ADDR 4
#define PCI_MSIX_ENTRY_DATA 8
#define PCI_MSIX_ENTRY_VECTOR_CTRL 12
#define PCI_MSIX_ENTRY_CTRL_MASKBIT 0x00000001
#define PCI_MSIX_MAX_ENTRIES 2048

/* --- advanced features of conventional PCI (PCIe 6.0 §7.9.21) ------------- */

#define PCI_AF_LENGTH 2
#define PCI_AF_CAP 3
#define PCI_AF_CAP_TP 0x01
#define PCI_AF_CAP_FLR 0x02
#define PCI_AF_CTRL 4
#define PCI_AF_CTRL_FLR 0x01
#define PCI_AF_STATUS 5
#define PCI_AF_STATUS_TP 0x01 /* transactions pending */
#define PCI_CAP_AF_SIZEOF 6

/* --- enhanced allocation (PCIe 6.0 §7.8.5) -------------------------------- */

#define PCI_EA_NUM_ENT 2
#define PCI_EA_NUM_ENT_MASK 0x3f
#define PCI_EA_FIRST_ENT 4        /* type 0 */
#define PCI_EA_SEC_SUB_BUS 4      /* type 1: fixed bus numbers */
#define PCI_EA_FIRST_ENT_BRIDGE 8 /* type 1 */
/* An entry: a header dword, then base and max offset, 1 or 2 dwords each. */
#define PCI_EA_ES 0x00000007 /* dwords that follow */
#define PCI_EA_BEI 0x000000f0
#define PCI_EA_BEI_SHIFT 4
#define PCI_EA_BEI_BRIDGE 6 /* behind the bridge */
#define PCI_EA_BEI_ROM 8
#define PCI_EA_BEI_VF_BAR0 9
#define PCI_EA_PP 0x0000ff00 /* primary properties */
#define PCI_EA_SP 0x00ff0000 /* secondary properties */
#define PCI_EA_P_MEM 0x00
#define PCI_EA_P_MEM_PREFETCH 0x01
#define PCI_EA_P_IO 0x02
#define PCI_EA_WRITABLE 0x40000000
#define PCI_EA_ENABLE 0x80000000u
#define PCI_EA_IS_64 0x00000002 /* in base and max offset */
#define PCI_EA_FIELD_MASK 0xfffffffcu

/* --- extended capabilities: the list (PCIe 6.0 §7.6.3) and its IDs -------- */

#define PCI_EXT_CAP_START PCI_CFG_SPACE_SIZE
#define PCI_EXT_CAP_ID(header) ((header)&0x0000ffff)
#define PCI_EXT_CAP_VER(header) (((header) >> 16) & 0xf)
#define PCI_EXT_CAP_NEXT(header) (((header) >> 20) & 0xffc)

#define PCI_EXT_CAP_ID_NULL 0x00
#define PCI_EXT_CAP_ID_ERR 0x01
#define PCI_EXT_CAP_ID_VC 0x02
#define PCI_EXT_CAP_ID_DSN 0x03
#define PCI_EXT_CAP_ID_PWR 0x04
#define PCI_EXT_CAP_ID_RCLD 0x05
#define PCI_EXT_CAP_ID_RCILC 0x06
#define PCI_EXT_CAP_ID_RCEC 0x07
#define PCI_EXT_CAP_ID_MFVC 0x08
#define PCI_EXT_CAP_ID_VC9 0x09
#define PCI_EXT_CAP_ID_RCRB 0x0a
#define PCI_EXT_CAP_ID_VNDR 0x0b
#define PCI_EXT_CAP_ID_CAC 0x0c
#define PCI_EXT_CAP_ID_ACS 0x0d
#define PCI_EXT_CAP_ID_ARI 0x0e
#define PCI_EXT_CAP_ID_ATS 0x0f
#define PCI_EXT_CAP_ID_SRIOV 0x10
#define PCI_EXT_CAP_ID_MRIOV 0x11
#define PCI_EXT_CAP_ID_MCAST 0x12
#define PCI_EXT_CAP_ID_PRI 0x13
#define PCI_EXT_CAP_ID_REBAR 0x15
#define PCI_EXT_CAP_ID_DPA 0x16
#define PCI_EXT_CAP_ID_TPH 0x17
#define PCI_EXT_CAP_ID_LTR 0x18
#define PCI_EXT_CAP_ID_SECPCI 0x19
#define PCI_EXT_CAP_ID_PMUX 0x1a
#define PCI_EXT_CAP_ID_PASID 0x1b
#define PCI_EXT_CAP_ID_LNR 0x1c
#define PCI_EXT_CAP_ID_DPC 0x1d
#define PCI_EXT_CAP_ID_L1SS 0x1e
#define PCI_EXT_CAP_ID_PTM 0x1f
#define PCI_EXT_CAP_ID_MPCIE 0x20
#define PCI_EXT_CAP_ID_FRS 0x21
#define PCI_EXT_CAP_ID_RTR 0x22
#define PCI_EXT_CAP_ID_DVSEC 0x23
#define PCI_EXT_CAP_ID_VF_REBAR 0x24
#define PCI_EXT_CAP_ID_DLF 0x25
#define PCI_EXT_CAP_ID_PL_16GT 0x26
#define PCI_EXT_CAP_ID_LMR 0x27
#define PCI_EXT_CAP_ID_HIERARCHY 0x28
#define PCI_EXT_CAP_ID_NPEM 0x29
#define PCI_EXT_CAP_ID_PL_32GT 0x2a
#define PCI_EXT_CAP_ID_ALT_PROTOCOL 0x2b
#define PCI_EXT_CAP_ID_SFI 0x2c
#define PCI_EXT_CAP_ID_DOE 0x2e

/* --- advanced error reporting (PCIe 6.0 §7.8.4) --------------------------- */

#define PCI_ERR_UNCOR_STATUS 0x04 /* write 1 to clear, sticky */
#define PCI_ERR_UNCOR_MASK 0x08
#define PCI_ERR_UNCOR_SEVER 0x0c
#define PCI_ERR_UNC_DLP 0x00000010
#define PCI_ERR_UNC_SURPDN 0x00000020 /* surprise down */
#define PCI_ERR_UNC_POISON_TLP 0x00001000
#define PCI_ERR_UNC_FCP 0x00002000
#define PCI_ERR_UNC_COMP_TIME 0x00004000 /* completion time-out */
#define PCI_ERR_UNC_COMP_ABORT 0x00008000
#define PCI_ERR_UNC_UNX_COMP 0x00010000
#define PCI_ERR_UNC_RX_OVER 0x00020000
#define PCI_ERR_UNC_MALF_TLP 0x00040000
#define PCI_ERR_UNC_ECRC 0x00080000
#define PCI_ERR_UNC_UNSUP 0x00100000 /* unsupported request */
#define PCI_ERR_UNC_ACSV 0x00200000  /* ACS violation */
#define PCI_ERR_UNC_INTN 0x00400000
#define PCI_ERR_UNC_ALL 0x07fff030 /* that mean something */
#define PCI_ERR_COR_STATUS 0x10    /* write 1 to clear, sticky */
#define PCI_ERR_COR_MASK 0x14
#define PCI_ERR_COR_RCVR 0x00000001
#define PCI_ERR_COR_BAD_TLP 0x00000040
#define PCI_ERR_COR_BAD_DLLP 0x00000080
#define PCI_ERR_COR_REP_ROLL 0x00000100
#define PCI_ERR_COR_REP_TIMER 0x00001000
#define PCI_ERR_COR_ADV_NFAT 0x00002000
#define PCI_ERR_COR_INTERNAL 0x00004000
#define PCI_ERR_COR_ALL 0x0000f1c1 /* that mean something */
#define PCI_ERR_CAP 0x18
#define PCI_ERR_CAP_FEP 0x0000001f /* the first error's bit number */
#define PCI_ERR_CAP_ECRC_GENC 0x00000020
#define PCI_ERR_CAP_ECRC_GENE 0x00000040
#define PCI_ERR_CAP_ECRC_CHKC 0x00000080
#define PCI_ERR_CAP_ECRC_CHKE 0x00000100
#define PCI_ERR_HEADER_LOG 0x1c /* 16 bytes */
#define PCI_ERR_ROOT_COMMAND 0x2c
#define PCI_ERR_ROOT_STATUS 0x30
#define PCI_ERR_ROOT_ERR_SRC 0x34
#define PCI_ERR_SIZEOF 0x48

/* --- device serial number (PCIe 6.0 §7.9.3) ------------------------------- */

#define PCI_DSN_LOWER 4
#define PCI_DSN_UPPER 8
#define PCI_EXT_CAP_DSN_SIZEOF 12

/* --- vendor-specific and DVSEC (PCIe 6.0 §7.9.5, §7.9.6) ------------------ */

#define PCI_VNDR_HEADER 4
#define PCI_VNDR_HEADER_ID(h) ((h)&0xffff)
#define PCI_VNDR_HEADER_REV(h) (((h) >> 16) & 0xf)
#define PCI_VNDR_HEADER_LEN(h) (((h) >> 20) & 0xfff)
#define PCI_VNDR_HEADER_LEN_SHIFT 20
#define PCI_DVSEC_HEADER1 4
#define PCI_DVSEC_HEADER1_VID(h) ((h)&0xffff)
#define PCI_DVSEC_HEADER1_LEN(h) (((h) >> 20) & 0xfff)
#define PCI_DVSEC_HEADER2 8

/* --- access control services (PCIe 6.0 §7.7.11) --------------------------- */

#define PCI_ACS_CAP 4
#define PCI_ACS_CTRL 6
#define PCI_ACS_SV 0x0001 /* source validation */
#define PCI_ACS_TB 0x0002 /* translation blocking */
#define PCI_ACS_RR 0x0004 /* peer-to-peer request redirect */
#define PCI_ACS_CR 0x0008 /* peer-to-peer completion redirect */
#define PCI_ACS_UF 0x0010 /* upstream forwarding */
#define PCI_ACS_EC 0x0020 /* peer-to-peer egress control */
#define PCI_ACS_DT 0x0040 /* direct translated peer-to-peer */
#define PCI_ACS_EGRESS_BITS 5
#define PCI_ACS_EGRESS_CTL_V 8

/* --- alternative routing-ID interpretation (PCIe 6.0 §7.8.8) -------------- */

#define PCI_ARI_CAP 4
#define PCI_ARI_CAP_MFVC 0x0001
#define PCI_ARI_CAP_ACS 0x0002
#define PCI_ARI_CAP_NFN(reg) (((reg) >> 8) & 0xff) /* next function */
#define PCI_ARI_CTRL 6
#define PCI_EXT_CAP_ARI_SIZEOF 8

/* --- address translation, page requests, PASID (PCIe 6.0 §10.5, §7.8.9) --- */

#define PCI_ATS_CAP 4
#define PCI_ATS_CAP_QDEP(cap) ((cap)&0x1f) /* 0: 32 */
#define PCI_ATS_MAX_QDEP 32
#define PCI_ATS_CAP_PAGE_ALIGNED 0x0020
#define PCI_ATS_CAP_GLOBAL_INVALIDATE 0x0040
#define PCI_ATS_CTRL 6
#define PCI_ATS_CTRL_STU(stu) ((stu)&0x1f) /* smallest unit: 4 KiB << stu */
#define PCI_ATS_CTRL_ENABLE 0x8000
#define PCI_EXT_CAP_ATS_SIZEOF 8
#define PCI_PRI_CTRL 4
#define PCI_PRI_CTRL_ENABLE 0x0001
#define PCI_PRI_CTRL_RESET 0x0002
#define PCI_PRI_STATUS 6
#define PCI_PRI_STATUS_STOPPED 0x0100
#define PCI_PRI_MAX_REQ 8
#define PCI_PRI_ALLOC_REQ 12
#define PCI_PASID_CAP 4
#define PCI_PASID_CTRL 6
#define PCI_PASID_CTRL_ENABLE 0x0001

/* --- SR-IOV (PCIe 6.0 §9.3.3) --------------------------------------------- */

#define PCI_SRIOV_CAP 0x04
#define PCI_SRIOV_CAP_VFM 0x00000001
#define PCI_SRIOV_CAP_ARI 0x00000002 /* ARI hierarchy is preserved */
#define PCI_SRIOV_CTRL 0x08
#define PCI_SRIOV_CTRL_VFE 0x0001 /* VF Enable */
#define PCI_SRIOV_CTRL_VFM 0x0002
#define PCI_SRIOV_CTRL_INTR 0x0004
#define PCI_SRIOV_CTRL_MSE 0x0008 /* VFs decode memory */
#define PCI_SRIOV_CTRL_ARI 0x0010
#define PCI_SRIOV_STATUS 0x0a
#define PCI_SRIOV_INITIAL_VF 0x0c
#define PCI_SRIOV_TOTAL_VF 0x0e
#define PCI_SRIOV_NUM_VF 0x10
#define PCI_SRIOV_FUNC_LINK 0x12
#define PCI_SRIOV_VF_OFFSET 0x14
#define PCI_SRIOV_VF_STRIDE 0x16
#define PCI_SRIOV_VF_DID 0x1a
#define PCI_SRIOV_SUP_PGSIZE 0x1c
#define PCI_SRIOV_SYS_PGSIZE 0x20
#define PCI_SRIOV_BAR 0x24
#define PCI_SRIOV_NUM_BARS 6
#define PCI_SRIOV_VFM 0x3c
#define PCI_EXT_CAP_SRIOV_SIZEOF 0x40

/* --- Resizable BAR (PCIe 6.0 §7.8.6) -------------------------------------- */

#define PCI_REBAR_CAP 4 /* a pair of registers a BAR, 8 bytes apart */
#define PCI_REBAR_CAP_SIZES 0xfffffff0u /* bit 4: 1 MiB, bit 5: 2 MiB … */
#define PCI_REBAR_CTRL 8
#define PCI_REBAR_CTRL_BAR_IDX 0x00000007
#define PCI_REBAR_CTRL_NBAR_MASK 0x000000e0 /* of the first pair only */
#define PCI_REBAR_CTRL_NBAR_SHIFT 5
#define PCI_REBAR_CTRL_BAR_SIZE 0x00003f00 /* log2 of size in MiB */
#define PCI_REBAR_CTRL_BAR_SHIFT 8

/* --- latency tolerance, L1 substates, DPC, PTM (PCIe 6.0 §7.8.2, §7.8.3, §7.9.14, §7.9.15) --- */

#define PCI_LTR_MAX_SNOOP_LAT 4
#define PCI_LTR_MAX_NOSNOOP_LAT 6
#define PCI_EXT_CAP_LTR_SIZEOF 8
#define PCI_L1SS_CAP 0x04
#define PCI_L1SS_CTL1 0x08
#define PCI_L1SS_CTL2 0x0c
#define PCI_EXP_DPC_CAP 0x04
#define PCI_EXP_DPC_CTL 0x06
#define PCI_EXP_DPC_CTL_EN_FATAL 0x0001
#define PCI_EXP_DPC_CTL_EN_NONFATAL 0x0002
#define PCI_EXP_DPC_CTL_INT_EN 0x0008
#define PCI_EXP_DPC_STATUS 0x08
#define PCI_EXP_DPC_STATUS_TRIGGER 0x0001
#define PCI_EXP_DPC_SOURCE_ID 0x0a
#define PCI_PTM_CAP 0x04
#define PCI_PTM_CTRL 0x08

#endif
