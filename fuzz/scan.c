/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile segment: the input is a row of functions, each an address (2
 * bytes), a length (2 bytes) and its configuration space. Whatever they say
 * about buses, bridges and VFs, the scan ends and the registry is sound.
 */
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>

#include "fuzz.h"
#include "serial.h"

enum { SPACE = 4096, FUNCTIONS = 8, HEAD = 4 };

static struct {
	uint16_t bdf;
	uint8_t space[SPACE];
} fn[FUNCTIONS];

static unsigned int count;

static uint8_t *find(pci_sbdf_t sbdf)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (fn[i].bdf == sbdf.sbdf)
			return fn[i].space;
	return NULL;
}

static int segment_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
			uint8_t size, uint32_t *val)
{
	uint8_t *space = find(sbdf);

	(void)host;
	FUZZ_ASSERT(reg % size == 0 && reg < SPACE);
	*val = space ? 0 : UINT32_MAX >> (32 - 8 * size);
	if (space)
		memcpy(val, space + reg, size);
	return 0;
}

static int segment_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
			 uint8_t size, uint32_t val)
{
	uint8_t *space = find(sbdf);

	(void)host;
	FUZZ_ASSERT(reg % size == 0 && reg < SPACE);
	if (space)
		memcpy(space + reg, &val, size);
	return 0;
}

static int segment_next(struct pci_host *host, pci_sbdf_t *sbdf)
{
	unsigned int i, best = UINT32_MAX;

	(void)host;
	for (i = 0; i < count; i++)
		if (fn[i].bdf >= sbdf->sbdf && fn[i].bdf < best)
			best = fn[i].bdf;
	if (best == UINT32_MAX)
		return -ENOENT;
	*sbdf = pci_sbdf_from(best);
	return 0;
}

static const struct pci_host_ops ops = {
	.read = segment_read,
	.write = segment_write,
	.next = segment_next,
};

static struct pci_host host = { .ops = &ops, .name = "bytes" };

static void fill(const uint8_t *data, size_t size)
{
	for (count = 0; size > HEAD && count < FUNCTIONS; count++) {
		size_t len = data[2] | (size_t)(data[3] & 0xf) << 8;

		fn[count].bdf = (uint16_t)(data[0] | data[1] << 8);
		data += HEAD;
		size -= HEAD;
		if (len > size)
			len = size;
		memset(fn[count].space, 0, SPACE);
		memcpy(fn[count].space, data, len);
		data += len;
		size -= len;
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	plat_log_to(fuzz_quiet);
	serial_start(); /* retry status is waited for */
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pci_scan scan = { 0 };
	struct pci_stats stats;

	fill(data, size);
	serial_begin();
	FUZZ_ASSERT(!pci_init());
	FUZZ_ASSERT(!pci_config_init());
	FUZZ_ASSERT(!pci_segment_add(0, &host));
	FUZZ_ASSERT(!pci_scan_segment(0, &scan));
	FUZZ_ASSERT(scan.added + scan.failed <= scan.found);
	pci_get_stats(&stats);
	FUZZ_ASSERT(stats.devices == scan.added);
	FUZZ_ASSERT(!pci_check_invariants());
	pci_fini();
	return 0;
}
