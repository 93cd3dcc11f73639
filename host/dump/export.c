/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space as text. The class and the IDs are printed as numbers:
 * lspci finds the names itself, and reads nothing of that line but the
 * address.
 */
#include <errno.h>

#include "export.h"

enum {
	HEADER_LEN = 64,
	CONVENTIONAL_LEN = 256,
	EXTENDED_LEN = 4096,
	ID_REG = 0x00,    /* PCIe 6.0 §7.5.1.1.1, §7.5.1.1.2 */
	CLASS_REG = 0x08, /* §7.5.1.1.5, §7.5.1.1.6 */
};

/* As the header of core/config has it: nothing above 256 reads all-ones. */
static unsigned int length(struct pci_host *host, pci_sbdf_t sbdf)
{
	uint32_t first;

	if (host->ops->config_size)
		return host->ops->config_size(host, sbdf);
	if (host->ops->read(host, sbdf, CONVENTIONAL_LEN, 4, &first) ||
	    first == UINT32_MAX)
		return CONVENTIONAL_LEN;
	return EXTENDED_LEN;
}

/*
 * Fill @dword. -ENODEV: the whole header reads all-ones (a VF's IDs alone do,
 * PCIe 6.0 §9.3.4.1.1, so they do not decide).
 */
static int read_all(struct pci_host *host, pci_sbdf_t sbdf, uint32_t *dword,
		    unsigned int len)
{
	bool there = false;
	unsigned int i;
	int ret;

	for (i = 0; i < len / 4; i++) {
		ret = host->ops->read(host, sbdf, (uint16_t)(4 * i), 4,
				      &dword[i]);
		if (ret)
			return ret;
		there |= dword[i] != UINT32_MAX;
		if (4 * (i + 1) == HEADER_LEN && !there)
			return -ENODEV;
	}
	return 0;
}

static void print_row(FILE *out, unsigned int offset, const uint32_t *dword)
{
	unsigned int i, shift;

	fprintf(out, "%02x:", offset);
	for (i = 0; i < 4; i++)
		for (shift = 0; shift < 32; shift += 8)
			fprintf(out, " %02x", dword[i] >> shift & 0xff);
	fputc('\n', out);
}

int dump_export_function(struct pci_host *host, pci_sbdf_t sbdf, FILE *out)
{
	uint32_t dword[EXTENDED_LEN / 4];
	unsigned int i, len = length(host, sbdf);
	char name[PCI_SBDF_LEN];
	int ret;

	if (!len)
		return -ENODEV;
	ret = read_all(host, sbdf, dword, len);
	if (ret)
		return ret;
	fprintf(out, "%s %04x: %04x:%04x\n", pci_sbdf_print(name, sbdf),
		dword[CLASS_REG / 4] >> 16, dword[ID_REG / 4] & 0xffff,
		dword[ID_REG / 4] >> 16);
	for (i = 0; i < len; i += 16)
		print_row(out, i, &dword[i / 4]);
	fputc('\n', out);
	return ferror(out) ? -EIO : 0;
}

int dump_export(struct pci_host *host, FILE *out)
{
	pci_sbdf_t sbdf = pci_sbdf_from(0);
	int ret;

	if (!host->ops->next)
		return -EOPNOTSUPP;
	while (!host->ops->next(host, &sbdf)) {
		ret = dump_export_function(host, sbdf, out);
		if (ret && ret != -ENODEV)
			return ret;
		if (sbdf.sbdf++ == UINT32_MAX)
			break;
	}
	return 0;
}
