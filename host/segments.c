/* SPDX-License-Identifier: BSD-2-Clause */
/* Which segments a host has: one step of ops->next for each. */
#include "segments.h"

unsigned int host_segments(struct pci_host *host, uint16_t *seg,
			   unsigned int max)
{
	pci_sbdf_t sbdf = pci_sbdf_from(0);
	unsigned int count = 0;

	while (host->ops->next && !host->ops->next(host, &sbdf)) {
		if (count < max)
			seg[count] = sbdf.seg;
		count++;
		if (sbdf.seg == UINT16_MAX)
			break;
		sbdf = pci_sbdf(sbdf.seg + 1, 0, 0, 0);
	}
	return count;
}
