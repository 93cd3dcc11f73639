/* SPDX-License-Identifier: BSD-2-Clause */
/* The dump as a host, on the dumps of data/; and its export. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <holdfast/errno.h>

#include "dump.h"
#include "export.h"
#include "segments.h"

static const char *data; /* the directory */

static struct pci_host *open_data(const char *name)
{
	struct pci_host *host;
	char path[4096], err[128] = "";

	snprintf(path, sizeof(path), "%s/%s", data, name);
	host = dump_open(path, err, sizeof(err));
	assert_string_equal(host ? "" : err, "");
	return host;
}

static int read4(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		 uint32_t *val)
{
	return host->ops->read(host, sbdf, reg, 4, val);
}

/* A temporary file with this content; the caller removes it. */
static void write_file(char *path, const char *text)
{
	int fd;

	strcpy(path, "/tmp/holdfast-dump-XXXXXX");
	fd = mkstemp(path);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_dump_reads_in_every_size(void **state)
{
	struct pci_host *host = open_data("conventional.lspci");
	pci_sbdf_t nic = pci_sbdf(0, 0, 3, 0);
	uint32_t val;

	(void)state;
	assert_int_equal(read4(host, nic, 0, &val), 0);
	assert_int_equal(val, 0x100e8086);
	assert_int_equal(host->ops->read(host, nic, 2, 2, &val), 0);
	assert_int_equal(val, 0x100e);
	assert_int_equal(host->ops->read(host, nic, 0x3d, 1, &val), 0);
	assert_int_equal(val, 1);
	dump_close(host);
}

static void test_dump_absent_function_is_all_ones(void **state)
{
	struct pci_host *host = open_data("conventional.lspci");
	pci_sbdf_t nobody = pci_sbdf(0, 0, 4, 0);
	uint32_t val = 0;

	(void)state;
	assert_int_equal(read4(host, nobody, 0, &val), 0);
	assert_int_equal(val, 0xffffffff);
	assert_int_equal(host->ops->read(host, nobody, 2, 2, &val), 0);
	assert_int_equal(val, 0xffff);
	assert_int_equal(host->ops->write(host, nobody, 0, 4, 0), 0);
	assert_int_equal(host->ops->config_size(host, nobody), 0);
	dump_close(host);
}

static void test_dump_what_it_does_not_say_is_an_error(void **state)
{
	struct pci_host *host = open_data("header.lspci");
	pci_sbdf_t sbdf = pci_sbdf(0, 0, 1, 0);
	uint32_t val = 0;

	(void)state;
	assert_int_equal(host->ops->config_size(host, sbdf), 64);
	assert_int_equal(read4(host, sbdf, 0x3c, &val), 0);
	assert_int_equal(read4(host, sbdf, 0x40, &val), -EIO);
	assert_int_equal(val, 0xffffffff);
	assert_int_equal(host->ops->write(host, sbdf, 0x40, 1, 0), -EIO);
	dump_close(host);
}

static void test_dump_keeps_each_length(void **state)
{
	struct pci_host *host = open_data("conventional.lspci");

	(void)state;
	assert_int_equal(host->ops->config_size(host, pci_sbdf(0, 0, 3, 0)),
			 256);
	assert_int_equal(host->ops->config_size(host, pci_sbdf(0, 1, 5, 0)),
			 128);
	dump_close(host);
	host = open_data("express.lspci");
	assert_int_equal(host->ops->config_size(host, pci_sbdf(0, 1, 0, 0)),
			 4096);
	dump_close(host);
}

static void test_dump_writes_are_read_back(void **state)
{
	struct pci_host *host = open_data("express.lspci");
	pci_sbdf_t pf = pci_sbdf(0, 1, 0, 0);
	uint32_t val;

	(void)state;
	assert_int_equal(read4(host, pf, 0xffc, &val), 0);
	assert_int_equal(val, 0);
	assert_int_equal(host->ops->write(host, pf, 0xffe, 2, 0xabcd), 0);
	assert_int_equal(read4(host, pf, 0xffc, &val), 0);
	assert_int_equal(val, 0xabcd0000);
	/* its neighbours stay, and what does not fit is cut */
	assert_int_equal(host->ops->write(host, pf, 2, 1, 0x1a5), 0);
	assert_int_equal(read4(host, pf, 0, &val), 0);
	assert_int_equal(val, 0x10a58086);
	assert_int_equal(host->ops->write(host, pf, 0, 4, 0x12345678), 0);
	assert_int_equal(read4(host, pf, 0, &val), 0);
	assert_int_equal(val, 0x12345678);
	dump_close(host);
}

static void test_dump_bar_sizes_where_the_text_has_them(void **state)
{
	struct pci_host *host = open_data("express.lspci");
	pci_sbdf_t pf = pci_sbdf(0, 1, 0, 0);
	uint64_t size = 0;

	(void)state;
	assert_int_equal(host->ops->bar_size(host, pf, 0, &size), 0);
	assert_int_equal(size, 1 << 20);
	assert_int_equal(host->ops->bar_size(host, pf, 6, &size), 0);
	assert_int_equal(size, 512 << 10);
	assert_int_equal(host->ops->bar_size(host, pf, 5, &size), -ENODATA);
	assert_int_equal(host->ops->bar_size(host, pf, 7, &size), -ENODATA);
	dump_close(host);
}

static void test_dump_lists_in_order_across_segments(void **state)
{
	static const uint32_t order[] = { 0, 0x10000, 0x180ff, 0x1a0018,
					  0xffffffff };
	struct pci_host *host = open_data("segments.lspci");
	pci_sbdf_t sbdf = pci_sbdf_from(0);
	uint16_t seg[8];
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		assert_int_equal(host->ops->next(host, &sbdf), 0);
		assert_int_equal(sbdf.sbdf, order[i]);
		sbdf.sbdf++;
	}
	sbdf = pci_sbdf(0x1b, 0, 0, 0);
	assert_int_equal(host->ops->next(host, &sbdf), 0);
	assert_int_equal(sbdf.sbdf, 0xffffffff);

	assert_int_equal(host_segments(host, seg, 8), 4);
	assert_int_equal(seg[1], 1);
	assert_int_equal(seg[3], 0xffff);
	seg[2] = 7;
	assert_int_equal(host_segments(host, seg, 2), 4);
	assert_int_equal(seg[2], 7);
	dump_close(host);
}

static void test_dump_next_ends(void **state)
{
	struct pci_host *host = open_data("header.lspci");
	pci_sbdf_t sbdf = pci_sbdf(0, 0, 3, 1);

	(void)state;
	assert_int_equal(host->ops->next(host, &sbdf), -ENOENT);
	dump_close(host);
}

static void test_dump_open_says_why_not(void **state)
{
	char path[64], err[128];

	(void)state;
	assert_null(dump_open("/nonexistent/dump", err, sizeof(err)));
	assert_string_equal(err, "No such file or directory");
	assert_null(dump_open("/tmp", err, sizeof(err)));
	assert_string_equal(err, "reading it failed");
	write_file(path, "00:00.0 x\n00: zz\n");
	assert_null(dump_open(path, err, sizeof(err)));
	assert_string_equal(err, "line 2: no byte in column 4");
	unlink(path);
}

static char *exported(struct pci_host *host, int expect)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(dump_export(host, out), expect);
	fclose(out);
	return text;
}

static void test_dump_export_is_read_back_as_the_same(void **state)
{
	static const char *const name[] = { "conventional.lspci",
					    "express.lspci", "header.lspci",
					    "segments.lspci" };
	char path[64], err[128];
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(name); i++) {
		struct pci_host *host = open_data(name[i]), *again;
		char *one = exported(host, 0), *two;

		write_file(path, one);
		again = dump_open(path, err, sizeof(err));
		unlink(path);
		assert_non_null(again);
		two = exported(again, 0);
		assert_string_equal(one, two);
		free(one);
		free(two);
		dump_close(host);
		dump_close(again);
	}
}

static void test_dump_export_leaves_absent_functions_out(void **state)
{
	struct pci_host *host = open_data("header.lspci");
	pci_sbdf_t gone = pci_sbdf(0, 0, 2, 0);
	unsigned int reg;
	char *text;

	(void)state;
	for (reg = 0; reg < 64; reg += 4)
		host->ops->write(host, gone, (uint16_t)reg, 4, 0xffffffff);
	text = exported(host, 0);
	assert_non_null(strstr(text, "0000:00:01.0 "));
	assert_null(strstr(text, "0000:00:02.0 "));
	assert_non_null(strstr(text, "0000:00:03.0 "));
	assert_int_equal(dump_export_function(host, gone, stdout), -ENODEV);
	gone.devfn ^= 7; /* where nobody ever was */
	assert_int_equal(dump_export_function(host, gone, stdout), -ENODEV);
	free(text);
	dump_close(host);
}

static void test_dump_export_reports_a_full_disk(void **state)
{
	struct pci_host *host = open_data("express.lspci");
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(dump_export(host, full), -EIO);
	fclose(full);
	dump_close(host);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dump_reads_in_every_size),
		cmocka_unit_test(test_dump_absent_function_is_all_ones),
		cmocka_unit_test(test_dump_what_it_does_not_say_is_an_error),
		cmocka_unit_test(test_dump_keeps_each_length),
		cmocka_unit_test(test_dump_writes_are_read_back),
		cmocka_unit_test(test_dump_bar_sizes_where_the_text_has_them),
		cmocka_unit_test(test_dump_lists_in_order_across_segments),
		cmocka_unit_test(test_dump_next_ends),
		cmocka_unit_test(test_dump_open_says_why_not),
		cmocka_unit_test(test_dump_export_is_read_back_as_the_same),
		cmocka_unit_test(test_dump_export_leaves_absent_functions_out),
		cmocka_unit_test(test_dump_export_reports_a_full_disk),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s DATA-DIRECTORY\n", argv[0]);
		return 2;
	}
	data = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
