/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hot paths, each run a thousand times between two marks for callgrind,
 * which then says how many instructions that were: unlike a time it does not
 * depend on what else the machine does. scripts/instructions runs it.
 */
#include <stdlib.h>
#include <valgrind/callgrind.h>

#include <holdfast/device.h>
#include <holdfast/pci_regs.h>

#include "guest.h"

enum { TIMES = 1000, ECAM = 0xe0000000, LAST = GUEST_REGISTERS - 1 };

static struct guest guest;
static struct vpci_vcpu vcpu;

static void nothing(void)
{
}

static void lookup(void)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, pci_sbdf(0, 0, 1, 0));

	if (!pdev)
		abort();
	pcidev_put(pdev);
}

static void lookup_nobody(void)
{
	if (pci_get_pdev(NULL, pci_sbdf(0, 9, 1, 0)))
		abort();
}

static void read_at(enum guest_kind kind, uint16_t reg, uint8_t size)
{
	uint64_t val;

	if (vpci_read(guest.domain, guest.at[kind][0], reg, size, &val))
		abort();
}

/* Another value each time. */
static void write_at(enum guest_kind kind, uint16_t reg, uint8_t size,
		     uint32_t mask)
{
	static uint32_t val;

	val += 0x9e3779b9u;
	if (vpci_write(&vcpu, guest.at[kind][0], reg, size, val & mask))
		abort();
}

#define REGISTER(n) (GUEST_FIRST + (n)*GUEST_STEP)

#define READ(name, kind, reg, size)         \
	static void name(void)              \
	{                                   \
		read_at(kind, (reg), size); \
	}
#define WRITE(name, kind, reg, size, mask)           \
	static void name(void)                       \
	{                                            \
		write_at(kind, (reg), (size), mask); \
	}

READ(read_none, GUEST_EMULATED, REGISTER(0) + 4, 4)
READ(read_plain, GUEST_EMULATED, REGISTER(0), 4)
READ(read_plain_last, GUEST_EMULATED, REGISTER(LAST), 4)
READ(read_hooked, GUEST_HOOKED, REGISTER(0), 4)
READ(read_hardware, GUEST_HARDWARE, REGISTER(0), 4)
READ(read_bar, GUEST_CLOSED, PCI_BASE_ADDRESS_0, 4)
READ(read_command, GUEST_CLOSED, PCI_COMMAND, 2)
WRITE(write_none, GUEST_EMULATED, REGISTER(0) + 4, 4, UINT32_MAX)
WRITE(write_plain, GUEST_EMULATED, REGISTER(0), 4, UINT32_MAX)
WRITE(write_plain_last, GUEST_EMULATED, REGISTER(LAST), 4, UINT32_MAX)
WRITE(write_byte, GUEST_EMULATED, REGISTER(0) + 1, 1, 0xff)
WRITE(write_hooked, GUEST_HOOKED, REGISTER(0), 4, UINT32_MAX)
WRITE(write_hardware, GUEST_HARDWARE, REGISTER(0), 4, UINT32_MAX)
WRITE(write_bar, GUEST_CLOSED, PCI_BASE_ADDRESS_0, 4, 0xfff00000)
WRITE(write_command, GUEST_CLOSED, PCI_COMMAND, 2, PCI_COMMAND_MASTER)

/* The data of entry 8. */
static uint64_t entry(void)
{
	return guest.table[GUEST_EMULATED][0] + 8 * PCI_MSIX_ENTRY_SIZE + 8;
}

static void read_msix(void)
{
	uint64_t val;

	if (vpci_mmio_read(guest.domain, entry(), 4, &val))
		abort();
}

static void write_msix(void)
{
	static uint32_t val;

	if (vpci_mmio_write(&vcpu, entry(), 4, val++))
		abort();
}

static void read_ecam(void)
{
	uint64_t val;

	if (vpci_ecam_read(guest.domain,
			   ECAM + (guest.at[GUEST_EMULATED][0].sbdf << 12) +
				   REGISTER(0),
			   4, &val))
		abort();
}

static const struct path {
	const char *name;
	void (*run)(void);
} paths[] = {
	{ "nothing", nothing }, /* the loop and the call; to be subtracted */
	{ "lookup", lookup },
	{ "lookup-nobody", lookup_nobody },
	{ "read-none", read_none },
	{ "read-plain", read_plain },
	{ "read-plain-last", read_plain_last },
	{ "read-hooked", read_hooked },
	{ "read-hardware", read_hardware },
	{ "read-bar", read_bar },
	{ "read-command", read_command },
	{ "read-msix-entry", read_msix },
	{ "read-ecam", read_ecam },
	{ "write-none", write_none },
	{ "write-plain", write_plain },
	{ "write-plain-last", write_plain_last },
	{ "write-byte", write_byte },
	{ "write-hooked", write_hooked },
	{ "write-hardware", write_hardware },
	{ "write-bar", write_bar },
	{ "write-command", write_command },
	{ "write-msix-entry", write_msix },
};

int main(void)
{
	void (*volatile run)(void);
	unsigned int i, k;

	guest_create(&guest);
	vpci_vcpu_init(&vcpu, guest.domain);
	if (vpci_ecam_add(guest.domain, ECAM, 0, 0, 0))
		return 1;
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		run = paths[i].run;
		run(); /* what only the first one does */
		CALLGRIND_ZERO_STATS;
		for (k = 0; k < TIMES; k++)
			run();
		CALLGRIND_DUMP_STATS_AT(paths[i].name);
	}
	return 0;
}
