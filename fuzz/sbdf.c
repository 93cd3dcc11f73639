/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses: what is parsed is printed so that it is parsed as the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/sbdf.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[64], printed[PCI_SBDF_LEN];
	pci_sbdf_t sbdf, again;

	if (size >= sizeof(text))
		return -1;
	memcpy(text, data, size);
	text[size] = '\0';
	if (pci_sbdf_parse(text, &sbdf))
		return 0;
	pci_sbdf_print(printed, sbdf);
	FUZZ_ASSERT(!pci_sbdf_parse(printed, &again));
	FUZZ_ASSERT(again.sbdf == sbdf.sbdf);
	return 0;
}
