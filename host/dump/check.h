/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is this text what `lspci -x` prints? libpci skips what it does not
 * understand and stops at the first surprise; this says what is wrong and
 * where, and lets through only what libpci reads to the last byte.
 */
#ifndef HOST_DUMP_CHECK_H
#define HOST_DUMP_CHECK_H

#include <stdio.h>

#include <holdfast/sbdf.h>

enum { DUMP_ROM = 6, DUMP_BARS = 7 }; /* as pci_host_ops.bar_size counts */

struct dump_function {
	pci_sbdf_t sbdf;
	unsigned int line;            /* of its address */
	unsigned int len;             /* 64, 128 (CardBus), 256 or 4096 */
	uint8_t hdr_type;             /* with the multi-function bit */
	uint64_t bar_size[DUMP_BARS]; /* 0: the text does not say */
};

/*
 * Read @in to its end and write to @clean what libpci shall see of it: the
 * addresses and bytes. 0 and *@fn, *@count in SBDF order (caller frees *@fn);
 * -EINVAL malformed, "line N: why" in @err; -EIO, -ENOMEM. May sleep.
 */
int dump_check(FILE *in, FILE *clean, struct dump_function **fn,
	       unsigned int *count, char *err, size_t errlen) __must_check;

#endif
