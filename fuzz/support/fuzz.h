/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fuzz targets share. Each defines LLVMFuzzerTestOneInput(): 0, or -1
 * for an input that is not worth keeping.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What must hold for every input. */
#define FUZZ_ASSERT(cond)                                                      \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, \
				__LINE__, #cond);                              \
			abort();                                               \
		}                                                              \
	} while (0)

/* For plat_log_to(): nothing, or with FUZZ_LOG set the errors. */
enum plat_level;
void fuzz_quiet(enum plat_level level, const char *line);

/* @data as a file with a name; written to @path. The caller closes the fd. */
int fuzz_file(const uint8_t *data, size_t size, char path[32]);

#endif
