/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile configuration space: the input is one function's 4096 bytes, after
 * one that says what kind of host it is. Nothing of it makes the core hang,
 * believe in registers outside, or leave the function changed.
 */
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>

#include "fuzz.h"
#include "serial.h"

enum { SPACE = 4096, MAX_CAPS = 48 + 480 };

/* The first byte of the input. */
enum {
	KIND_SIZE = 0x03,      /* which of known_size[] */
	KIND_READ_ONLY = 0x04, /* writes are refused */
	KIND_ROM = 0x08,       /* writes are dropped */
	KIND_FAILS = 0x10,     /* every 16th read fails */
};

static const uint16_t known_size[] = { 64, 256, 4096, 4096 };

static uint8_t space[SPACE];
static uint8_t kind;
static unsigned int reads;

static int space_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t *val)
{
	(void)host;
	*val = UINT32_MAX >> (32 - 8 * size);
	FUZZ_ASSERT(reg % size == 0 && reg < SPACE);
	if (sbdf.sbdf)
		return 0;
	if (reg >= known_size[kind & KIND_SIZE] ||
	    (kind & KIND_FAILS && ++reads % 16 == 0))
		return -EIO;
	*val = 0;
	memcpy(val, space + reg, size);
	return 0;
}

static int space_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		       uint8_t size, uint32_t val)
{
	FUZZ_ASSERT(reg % size == 0 && reg < SPACE);
	if (host->ops->read_only)
		return -EOPNOTSUPP;
	if (!sbdf.sbdf && !(kind & KIND_ROM))
		memcpy(space + reg, &val, size);
	return 0;
}

static uint16_t space_size(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	return sbdf.sbdf ? 0 : known_size[kind & KIND_SIZE];
}

static struct pci_host_ops ops = {
	.read = space_read,
	.write = space_write,
	.config_size = space_size,
};

static struct pci_host host = { .ops = &ops, .name = "bytes" };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	serial_start(); /* retry status is waited for */
	FUZZ_ASSERT(!pci_init());
	FUZZ_ASSERT(!pci_config_init());
	FUZZ_ASSERT(!pci_segment_add(0, &host));
	return 0;
}

static void check_position(uint16_t pos, unsigned int low, unsigned int high)
{
	FUZZ_ASSERT(!pos || (pos >= low && pos < high && pos % 4 == 0));
}

static void check_desc(const struct pci_dev_desc *desc)
{
	const uint16_t near[] = { desc->pm, desc->pcie, desc->msi, desc->msix,
				  desc->af };
	const uint16_t far[] = { desc->ats, desc->sriov, desc->acs };
	unsigned int i;

	FUZZ_ASSERT(desc->cfg_size == 64 || desc->cfg_size == 256 ||
		    desc->cfg_size == 4096);
	FUZZ_ASSERT(desc->cfg_size <= known_size[kind & KIND_SIZE]);
	FUZZ_ASSERT(desc->type < PCI_TYPE_COUNT);
	FUZZ_ASSERT(desc->msi_vectors <= 32 && desc->msix_entries <= 2048);
	FUZZ_ASSERT(desc->phantom_stride <= 4);
	for (i = 0; i < ARRAY_SIZE(near); i++)
		check_position(near[i], 0x40, 256);
	for (i = 0; i < ARRAY_SIZE(far); i++)
		check_position(far[i], 0x100, desc->cfg_size);
	for (i = 0; i < PCI_BAR_COUNT; i++) {
		FUZZ_ASSERT(desc->bar[i].kind <= PCI_BAR_ROM);
		/* a power of two, or not known */
		FUZZ_ASSERT(!(desc->bar[i].size & (desc->bar[i].size - 1)));
	}
}

static void check_caps(void)
{
	struct pci_cap cap[MAX_CAPS];
	unsigned int i, count = 0;
	int ret = pci_caps(pci_sbdf_from(0), cap, MAX_CAPS, &count);

	FUZZ_ASSERT(count <= MAX_CAPS &&
		    (ret < 0 || (unsigned int)ret == count));
	for (i = 0; i < count; i++) {
		check_position(cap[i].pos, cap[i].extended ? 0x100 : 0x40,
			       cap[i].extended ? SPACE : 256);
		FUZZ_ASSERT(cap[i].pos);
		pci_cap_name(cap[i].extended, cap[i].id);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t before[SPACE];
	struct pci_dev_desc desc;
	unsigned int id;

	if (!size || size > SPACE + 1)
		return -1;
	kind = data[0];
	reads = 0;
	ops.read_only = kind & KIND_READ_ONLY;
	memset(space, 0, sizeof(space));
	memcpy(space, data + 1, size - 1);
	memcpy(before, space, sizeof(space));

	if (!pci_describe(pci_sbdf_from(0), &desc))
		check_desc(&desc);
	check_caps();
	for (id = 1; id < 0x30; id += 5) {
		check_position(pci_find_cap(pci_sbdf_from(0), (uint8_t)id),
			       0x40, 256);
		check_position(pci_find_ext_cap(pci_sbdf_from(0), (uint16_t)id),
			       0x100, SPACE);
	}
	FUZZ_ASSERT(!memcmp(before, space, sizeof(space)));
	return 0;
}
