/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the Linux host lists and reads; and, where this machine's sysfs shows
 * PCI devices, the same of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <holdfast/errno.h>

#include "segments.h"
#include "sysfs.h"

/* --- listing ----------------------------------------------------------------- */

static void test_linux_lists_in_order_across_segments(void **state)
{
	static const uint32_t order[] = { 0x000a8, 0x10000, 0xffffffff };
	struct pci_host *host;
	pci_sbdf_t sbdf = pci_sbdf_from(0);
	uint16_t seg[4];
	unsigned int i;

	(void)state;
	sysfs_plug("ffff:ff:1f.7", 256);
	sysfs_plug("0001:00:00.0", 256);
	sysfs_plug("0000:00:15.0", 256);
	host = sysfs_open();
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		assert_int_equal(host->ops->next(host, &sbdf), 0);
		assert_int_equal(sbdf.sbdf, order[i]);
		sbdf.sbdf++;
	}
	sbdf = pci_sbdf(0, 0, 0x15, 1);
	assert_int_equal(host->ops->next(host, &sbdf), 0);
	assert_int_equal(sbdf.sbdf, order[1]);
	assert_int_equal(host_segments(host, seg, 4), 3);
	assert_int_equal(seg[2], 0xffff);
	linux_close(host);
}

static void test_linux_leaves_wider_segments_out(void **state)
{
	struct pci_host *host;
	pci_sbdf_t sbdf = pci_sbdf_from(0);

	(void)state;
	sysfs_plug("10000:00:00.0", 256);
	sysfs_plug("0000:00:01.0", 256);
	host = sysfs_open();
	assert_int_equal(host->ops->next(host, &sbdf), 0);
	assert_int_equal(sbdf.sbdf, 8);
	sbdf.sbdf++;
	assert_int_equal(host->ops->next(host, &sbdf), -ENOENT);
	linux_close(host);
}

static void test_linux_no_function_is_an_empty_list(void **state)
{
	struct pci_host *host = sysfs_open();
	pci_sbdf_t sbdf = pci_sbdf_from(0);

	(void)state;
	assert_int_equal(host->ops->next(host, &sbdf), -ENOENT);
	assert_int_equal(host_segments(host, NULL, 0), 0);
	linux_close(host);
}

static void test_linux_no_pci_at_all_is_an_empty_list(void **state)
{
	struct pci_host *host;
	pci_sbdf_t sbdf = pci_sbdf_from(0);

	(void)state;
	sysfs_remove_tree(sysfs_root);
	host = sysfs_open();
	assert_int_equal(host->ops->next(host, &sbdf), -ENOENT);
	linux_close(host);
}

static void test_linux_unreadable_sysfs_is_said(void **state)
{
	char err[256] = "";

	(void)state;
	sysfs_break();
	assert_null(linux_open(sysfs_root, err, sizeof(err)));
	assert_non_null(strstr(err, sysfs_root));
}

/* --- reading ----------------------------------------------------------------- */

static void test_linux_reads_in_every_size(void **state)
{
	pci_sbdf_t sbdf = pci_sbdf(0, 0, 1, 0);
	struct pci_host *host;
	uint32_t val;

	(void)state;
	sysfs_plug("0000:00:01.0", 4096);
	host = sysfs_open();
	assert_int_equal(read4(host, sbdf, 0x10, &val), 0);
	assert_int_equal(val, 0x13121110);
	assert_int_equal(host->ops->read(host, sbdf, 0x12, 2, &val), 0);
	assert_int_equal(val, 0x1312);
	assert_int_equal(host->ops->read(host, sbdf, 0xfff, 1, &val), 0);
	assert_int_equal(val, 0xff);
	linux_close(host);
}

static void test_linux_absent_function_is_all_ones(void **state)
{
	struct pci_host *host = sysfs_open();
	uint32_t val = 0;

	(void)state;
	assert_int_equal(
		host->ops->read(host, pci_sbdf(0, 0, 1, 0), 0, 2, &val), 0);
	assert_int_equal(val, 0xffff);
	linux_close(host);
}

static void test_linux_config_size_is_what_can_be_read(void **state)
{
	static const uint16_t expect[] = { 64, 64, 256, 4096 };
	struct pci_host *host;
	unsigned int i;

	(void)state;
	sysfs_plug("0000:00:00.0", 64);
	sysfs_plug("0000:00:00.1",
		   128); /* a CardBus bridge, without privilege */
	sysfs_plug("0000:00:00.2", 256);
	sysfs_plug("0000:00:00.3", 4096);
	host = sysfs_open();
	for (i = 0; i < ARRAY_SIZE(expect); i++)
		assert_int_equal(host->ops->config_size(
					 host, pci_sbdf(0, 0, 0, (uint8_t)i)),
				 expect[i]);
	linux_close(host);
}

static void test_linux_unreadable_bytes_are_unknown_not_absent(void **state)
{
	pci_sbdf_t sbdf = pci_sbdf(0, 0, 1, 0);
	struct pci_host *host;
	uint32_t val = 0;

	(void)state;
	sysfs_plug("0000:00:01.0", 64);
	host = sysfs_open();
	assert_int_equal(read4(host, sbdf, 0x3c, &val), 0);
	assert_int_equal(read4(host, sbdf, 0x40, &val), -EIO);
	assert_int_equal(val, 0xffffffff);
	linux_close(host);
}

static void test_linux_bar_sizes_are_the_kernels(void **state)
{
	static const char resource[] =
		"0x00000000fe000000 0x00000000fe003fff 0x0000000000040200\n"
		"0x0000000000000000 0x00000000000fffff 0x0000000020040200\n"
		"0x0000004000000000 0x00000043ffffffff 0x0000000000140204\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x000000000000c000 0x000000000000c01f 0x0000000000040101\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x00000000fe080000 0x00000000fe08ffff 0x000000000004e200\n";
	static const uint64_t expect[] = { 0x4000, 0x100000, 16ull << 30, 0,
					   32,     0,        0x10000 };
	pci_sbdf_t sbdf = pci_sbdf(0, 0, 1, 0);
	struct pci_host *host;
	uint64_t size;
	unsigned int i;

	(void)state;
	sysfs_plug("0000:00:01.0", 256);
	sysfs_write("0000:00:01.0", "resource", resource, strlen(resource));
	host = sysfs_open();
	for (i = 0; i < ARRAY_SIZE(expect); i++) {
		size = 0;
		/* 0: none, or one for which there was no room. */
		assert_int_equal(host->ops->bar_size(host, sbdf, i, &size),
				 expect[i] ? 0 : -ENODATA);
		assert_int_equal(size, expect[i]);
	}
	assert_int_equal(host->ops->bar_size(host, sbdf, 7, &size), -ENODATA);
	linux_close(host);
}

/* libpci's error hook is called; the process goes on, the host works. */
static void test_linux_bar_sizes_without_resource_are_unknown(void **state)
{
	pci_sbdf_t sbdf = pci_sbdf(0, 0, 1, 0);
	struct pci_host *host;
	unsigned int i;
	uint64_t size;
	uint32_t val;

	(void)state;
	sysfs_plug("0000:00:01.0", 256);
	host = sysfs_open();
	for (i = 0; i < 7; i++)
		assert_int_equal(host->ops->bar_size(host, sbdf, i, &size),
				 -ENODATA);
	assert_int_equal(read4(host, sbdf, 0, &val), 0);
	assert_int_equal(val, 0x03020100);
	linux_close(host);
}

static void test_linux_is_read_only(void **state)
{
	pci_sbdf_t sbdf = pci_sbdf(0, 0, 1, 0);
	struct pci_host *host;
	uint32_t val;

	(void)state;
	sysfs_plug("0000:00:01.0", 256);
	host = sysfs_open();
	assert_true(host->ops->read_only);
	assert_true(host->ops->may_block);
	assert_int_equal(host->ops->write(host, sbdf, 0x3c, 1, 7), -EOPNOTSUPP);
	assert_int_equal(host->ops->read(host, sbdf, 0x3c, 1, &val), 0);
	assert_int_equal(val, 0x3c);
	linux_close(host);
}

/* --- this machine ------------------------------------------------------------ */

static void test_linux_this_machine_is_read(void **state)
{
	pci_sbdf_t sbdf = pci_sbdf_from(0);
	char err[256] = "";
	struct pci_host *host = linux_open(NULL, err, sizeof(err));
	uint32_t val;

	(void)state;
	assert_string_equal(host ? "" : err, "");
	assert_int_equal(linux_dispatch(host), 0);
	if (host->ops->next(host, &sbdf)) {
		linux_close(host);
		print_message("no PCI devices on this machine\n");
		skip();
	}
	assert_in_range(host->ops->config_size(host, sbdf), 64, 4096);
	assert_int_equal(read4(host, sbdf, 0, &val), 0);
	assert_int_not_equal(val, 0);
	linux_close(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_sysfs(test_linux_lists_in_order_across_segments),
		on_sysfs(test_linux_leaves_wider_segments_out),
		on_sysfs(test_linux_no_function_is_an_empty_list),
		on_sysfs(test_linux_no_pci_at_all_is_an_empty_list),
		on_sysfs(test_linux_unreadable_sysfs_is_said),
		on_sysfs(test_linux_reads_in_every_size),
		on_sysfs(test_linux_absent_function_is_all_ones),
		on_sysfs(test_linux_config_size_is_what_can_be_read),
		on_sysfs(test_linux_unreadable_bytes_are_unknown_not_absent),
		on_sysfs(test_linux_bar_sizes_are_the_kernels),
		on_sysfs(test_linux_bar_sizes_without_resource_are_unknown),
		on_sysfs(test_linux_is_read_only),
		cmocka_unit_test(test_linux_this_machine_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
