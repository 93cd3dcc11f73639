/* SPDX-License-Identifier: BSD-2-Clause */
/* See fuzz.h. */
#include <sys/mman.h>
#include <unistd.h>

#include <holdfast/platform.h>

#include "fuzz.h"

void fuzz_quiet(enum plat_level level, const char *line)
{
	if (level == PLAT_ERROR && getenv("FUZZ_LOG"))
		fprintf(stderr, "%s\n", line);
}

int fuzz_file(const uint8_t *data, size_t size, char path[32])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	FUZZ_ASSERT(fd >= 0);
	FUZZ_ASSERT(write(fd, data, size) == (ssize_t)size);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}
