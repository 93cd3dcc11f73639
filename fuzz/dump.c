/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dump files. What the check lets through, libpci reads to the last byte; and
 * what is exported comes back as the same.
 */
#include <string.h>
#include <unistd.h>

#include "dump.h"
#include "export.h"
#include "fuzz.h"

static struct pci_host *open_bytes(const uint8_t *data, size_t size)
{
	char path[32], err[128] = "";
	struct pci_host *host;
	int fd = fuzz_file(data, size, path);

	host = dump_open(path, err, sizeof(err));
	FUZZ_ASSERT(host || !strcmp(err, "there is no function in it") ||
		    !strncmp(err, "line ", strlen("line ")));
	close(fd);
	return host;
}

static char *export_all(struct pci_host *host, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	FUZZ_ASSERT(out);
	FUZZ_ASSERT(!dump_export(host, out));
	fclose(out);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pci_host *host = open_bytes(data, size), *again;
	char *one, *two;
	size_t one_size, two_size;

	if (!host)
		return 0;
	one = export_all(host, &one_size);
	/* all-ones headers are left out, and that may be all there is */
	again = one_size ? open_bytes((uint8_t *)one, one_size) : NULL;
	if (one_size) {
		FUZZ_ASSERT(again);
		two = export_all(again, &two_size);
		FUZZ_ASSERT(one_size == two_size &&
			    !memcmp(one, two, one_size));
		free(two);
	}
	free(one);
	dump_close(again);
	dump_close(host);
	return 0;
}
