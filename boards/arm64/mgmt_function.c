/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The management function's configuration space: a root complex integrated
 * endpoint (PCIe 6.0 §7.5.3, so that there is an extended space), one BAR, and
 * the vendor-specific capability with the mailbox.
 *
 * It is not one of the core's devices: it cannot be removed, assigned or lost.
 */
#include <holdfast/errno.h>
#include <holdfast/pci_regs.h>

#include "mgmt.h"
#include "pins.h"
#include "removals.h"
#include "slot.h"
#include "use.h"

enum {
	PCIE_CAP = 0x40,
	BAR_SIZE = sizeof(struct mgmt_ring),
	REVISION = MGMT_VERSION,
};

static struct {
	plat_lock_t lock; /* guards what follows */
	bool memory;      /* Memory Space Enable */
	uint32_t bar;
	uint8_t line;
} header;

static struct mgmt_box box;

void mgmt_init(void)
{
	memset(&header, 0, sizeof(header));
	plat_lock_init(&header.lock);
	mgmt_box_init(&box);
	mgmt_hvc_init();
	mgmt_ring_init();
	slot_init();
	use_init();
	pins_init();
	removals_init();
}

/* --- reading, by dword ---------------------------------------------------------- */

static uint32_t read_header(unsigned int reg)
{
	uint32_t val;

	switch (reg) {
	case PCI_VENDOR_ID:
	case PCI_SUBSYSTEM_VENDOR_ID:
		return MGMT_VENDOR | MGMT_DEVICE << 16;
	case PCI_COMMAND:
		val = (uint32_t)PCI_STATUS_CAP_LIST << 16;
		return header.memory ? val | PCI_COMMAND_MEMORY : val;
	case PCI_CLASS_REVISION:
		return (uint32_t)MGMT_CLASS << 16 | REVISION;
	case PCI_BASE_ADDRESS_0:
		return header.bar;
	case PCI_CAPABILITY_LIST:
		return PCIE_CAP;
	case PCI_INTERRUPT_LINE:
		return header.line;
	case PCIE_CAP:
		return PCI_CAP_ID_EXP |
		       (2u | PCI_EXP_TYPE_RC_END << PCI_EXP_FLAGS_TYPE_SHIFT)
			       << 16;
	case MGMT_VSEC: /* the last of its list */
		return PCI_EXT_CAP_ID_VNDR | 1u << 16;
	case MGMT_VSEC + PCI_VNDR_HEADER:
		return MGMT_VSEC_ID | MGMT_VERSION << 16 |
		       (uint32_t)MGMT_VSEC_LEN << PCI_VNDR_HEADER_LEN_SHIFT;
	default:
		return 0;
	}
}

static uint32_t read_dword(unsigned int reg)
{
	uint32_t val;

	if (reg >= MGMT_BOX && reg < MGMT_BOX + MGMT_BOX_SIZE)
		return (uint32_t)mgmt_box_read(&box, reg - MGMT_BOX, 4);
	if (reg == MGMT_STATUS)
		return (uint32_t)mgmt_box_status(&box);
	plat_lock(&header.lock);
	val = read_header(reg);
	plat_unlock(&header.lock);
	return val;
}

static bool is_valid(uint16_t reg, uint8_t size)
{
	return (size == 1 || size == 2 || size == 4) && !(reg & (size - 1)) &&
	       reg < PCI_CFG_SPACE_EXP_SIZE;
}

uint32_t mgmt_config_read(uint16_t reg, uint8_t size)
{
	uint32_t ones = UINT32_MAX >> (32 - 8 * (size & 7 ? size : 4));

	if (!is_valid(reg, size))
		return UINT32_MAX;
	return read_dword(reg & ~3u) >> 8 * (reg & 3) & ones;
}

/* --- writing ---------------------------------------------------------------------- */

/* The ring is where BAR 0 says, while the function decodes memory. */
static void place_ring(void)
{
	uint64_t at = header.memory ? header.bar : 0;

	if (!board_show_ring(at))
		plat_log(PLAT_WARN, "no event ring at %x", header.bar);
}

/* @val and @mask: in the dword at @reg. Under the lock. */
static void write_header(unsigned int reg, uint32_t val, uint32_t mask)
{
	switch (reg) {
	case PCI_COMMAND:
		if (!(mask & 0xff))
			return;
		header.memory = val & PCI_COMMAND_MEMORY;
		return place_ring();
	case PCI_BASE_ADDRESS_0:
		header.bar = ((header.bar & ~mask) | (val & mask)) &
			     ~(BAR_SIZE - 1u);
		return place_ring();
	case PCI_INTERRUPT_LINE:
		if (mask & 0xff)
			header.line = (uint8_t)val;
	}
}

void mgmt_config_write(uint16_t reg, uint8_t size, uint32_t val)
{
	unsigned int shift = 8 * (reg & 3);

	if (!is_valid(reg, size))
		return;
	if (reg == MGMT_DOOR && size == 4)
		return mgmt_box_ring(&box, val);
	if (reg >= MGMT_BOX && reg < MGMT_BOX + MGMT_BOX_SIZE)
		return mgmt_box_write(&box, reg - MGMT_BOX, size, val);
	plat_lock(&header.lock);
	write_header(reg & ~3u, val << shift,
		     (UINT32_MAX >> (32 - 8 * size)) << shift);
	plat_unlock(&header.lock);
}
