/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which segments a host has: the question that comes before
 * pci_segment_add().
 */
#ifndef HOST_SEGMENTS_H
#define HOST_SEGMENTS_H

#include <holdfast/host.h>

/*
 * Write up to @max segment numbers, ascending, to @seg. Returns how many there
 * are (may exceed @max); 0 also for a host without ops->next.
 */
unsigned int host_segments(struct pci_host *host, uint16_t *seg,
			   unsigned int max);

#endif
