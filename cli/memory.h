/* SPDX-License-Identifier: BSD-2-Clause */
/* A command that runs out of memory can only say so. */
#ifndef HOLDFAST_CLI_MEMORY_H
#define HOLDFAST_CLI_MEMORY_H

#include <stdio.h>
#include <stdlib.h>

/* @p, which is not NULL; otherwise the command ends with status 1. */
static inline void *need(void *p)
{
	if (!p) {
		fputs("holdfast: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

#endif
