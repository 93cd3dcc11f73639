/* SPDX-License-Identifier: BSD-2-Clause */
/* Fabric files: a fabric, or a sentence; never both, never neither. */
#include <unistd.h>

#include "fabric.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32], err[256] = "";
	struct fabric *fabric;
	int fd = fuzz_file(data, size, path);

	fabric = fabric_open(path, err, sizeof(err));
	close(fd);
	if (!fabric)
		FUZZ_ASSERT(*err);
	fabric_close(fabric);
	return 0;
}
