/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware domain's views of real machines are the hardware: every byte of
 * every function, in every size. The dumps of tests/dump/data, and those that
 * lie beside the source tree or in $HOLDFAST_DUMPS.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <holdfast/config.h>
#include <holdfast/vpci.h>

#include "dump.h"
#include "segments.h"

static const char *source_root;
static unsigned int functions, viewed;

static uint64_t real(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size)
{
	uint32_t val;

	if (host->ops->read(host, sbdf, reg, size, &val))
		return (1ull << 8 * size) - 1;
	return val;
}

static void compare(struct pci_host *host, pci_sbdf_t sbdf)
{
	struct vpci_info info;
	unsigned int reg, size;
	uint64_t val;

	functions++;
	viewed += !vpci_query(sbdf, &info);
	for (size = 1; size <= 4; size *= 2) {
		for (reg = 0; reg < 4096; reg += size) {
			assert_int_equal(vpci_read(hardware_domain, sbdf,
						   (uint16_t)reg, (uint8_t)size,
						   &val),
					 PCI_DONE);
			assert_int_equal(val, real(host, sbdf, (uint16_t)reg,
						   (uint8_t)size));
		}
	}
}

static void compare_all(struct pci_host *host)
{
	unsigned int i, n = host_segments(host, NULL, 0);
	pci_sbdf_t sbdf = { 0 };
	struct pci_scan scan;
	uint16_t seg[n];

	host_segments(host, seg, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(pci_segment_add(seg[i], host), 0);
		assert_int_equal(pci_scan_segment(seg[i], &scan), 0);
		assert_int_equal(scan.failed, 0);
	}
	while (!host->ops->next(host, &sbdf)) {
		compare(host, sbdf);
		if (sbdf.sbdf++ == UINT32_MAX)
			break;
	}
}

static void one_dump(const char *path)
{
	const struct vpci_options options = { .hardware_views = true };
	char err[128];
	struct pci_host *host = dump_open(path, err, sizeof(err));

	if (!host)
		fail_msg("%s: %s", path, err);
	functions = viewed = 0;
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(&options), 0);
	compare_all(host);
	print_message("%s: %u functions, %u views\n", path, functions, viewed);
	assert_true(functions && viewed == functions);
	pci_fini();
	dump_close(host);
}

static unsigned int dumps_in(const char *pattern)
{
	glob_t found;
	size_t i;

	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (i = 0; i < found.gl_pathc; i++)
		one_dump(found.gl_pathv[i]);
	globfree(&found);
	return (unsigned int)i;
}

static void test_hardware_domains_views_are_the_hardware(void **state)
{
	const char *more = getenv("HOLDFAST_DUMPS");
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/dump/data/*.lspci", source_root);
	assert_int_not_equal(dumps_in(path), 0);
	if (more)
		snprintf(path, sizeof(path), "%s/*", more);
	else
		snprintf(path, sizeof(path), "%s/../shared/dumps/*",
			 source_root);
	if (!dumps_in(path))
		print_message("skip: no dumps of real machines "
			      "(HOLDFAST_DUMPS names a directory)\n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hardware_domains_views_are_the_hardware),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: %s TEST_DIR SOURCE_ROOT\n", argv[0]);
		return 2;
	}
	source_root = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
