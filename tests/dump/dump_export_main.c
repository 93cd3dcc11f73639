/* SPDX-License-Identifier: BSD-2-Clause */
/* dump_export FILE: the dump FILE, through the host and back into text. */
#include <stdio.h>

#include "dump.h"
#include "export.h"

int main(int argc, char **argv)
{
	struct pci_host *host;
	char err[128];
	int ret;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE\n", argv[0]);
		return 2;
	}
	host = dump_open(argv[1], err, sizeof(err));
	if (!host) {
		fprintf(stderr, "%s: %s\n", argv[1], err);
		return 1;
	}
	ret = dump_export(host, stdout);
	dump_close(host);
	return ret || fflush(stdout) ? 1 : 0;
}
