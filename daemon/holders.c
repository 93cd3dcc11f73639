/* SPDX-License-Identifier: BSD-2-Clause */
/* See holders.h. */
#include "holders.h"

#include <stdlib.h>

#include <holdfast/errno.h>

/* Deeper than 256 buses can nest. */
#define MAX_DEPTH 256

int holders_get(pci_sbdf_t sbdf, struct pci_hold_info **out)
{
	struct pci_hold_info *info = NULL;
	int room = 0, count;

	*out = NULL;
	while ((count = pci_holds_query(sbdf, info, room)) > room) {
		free(info);
		room = count;
		info = calloc((size_t)room, sizeof(*info));
		if (!info)
			return -ENOMEM;
	}
	if (count <= 0) {
		free(info);
		info = NULL;
	}
	*out = info;
	return count;
}

static unsigned int collect(pci_sbdf_t sbdf, unsigned int depth,
			    struct pci_blocker *out, unsigned int max)
{
	struct pci_hold_info *hold;
	int count = holders_get(sbdf, &hold);
	unsigned int n = 0;

	for (int i = 0; i < count && n < max; i++) {
		if (hold[i].kind != PCI_HOLD_CHILD) {
			out[n].sbdf = sbdf;
			out[n++].hold = hold[i];
		} else if (depth < MAX_DEPTH) {
			n += collect(hold[i].child, depth + 1, out + n,
				     max - n);
		}
	}
	free(hold);
	return n;
}

unsigned int holders_below(pci_sbdf_t sbdf, struct pci_blocker *out,
			   unsigned int max)
{
	return collect(sbdf, 0, out, max);
}
