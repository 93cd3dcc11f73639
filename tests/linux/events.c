/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes and goes below the Linux host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <holdfast/errno.h>

#include "internal.h"
#include "sysfs.h"

static char heard[256];

static void listen(struct pci_host *host, enum pci_host_event event,
		   pci_sbdf_t sbdf, void *data)
{
	char name[PCI_SBDF_LEN];
	size_t len = strlen(heard);
	uint32_t val;

	/* the callee may call the host */
	host->ops->read(host, sbdf, 0, 4, &val);
	assert_ptr_equal(data, heard);
	snprintf(heard + len, sizeof(heard) - len, "%c%s ",
		 event == PCI_HOST_ARRIVED ? '+' : '-',
		 pci_sbdf_print(name, sbdf));
}

static void listen_to(struct pci_host *host)
{
	heard[0] = '\0';
	host->notify = listen;
	host->notify_data = heard;
}

static void test_linux_event_add_makes_the_function_known(void **state)
{
	pci_sbdf_t sbdf = pci_sbdf(0, 2, 0, 0);
	struct pci_host *host = sysfs_open();
	uint32_t val;

	(void)state;
	listen_to(host);
	sysfs_plug("0000:02:00.0", 256);
	linux_event(linux_host(host), "add", "0000:02:00.0");
	assert_string_equal(heard, "+0000:02:00.0 ");
	assert_int_equal(read4(host, sbdf, 0, &val), 0);
	assert_int_equal(val, 0x03020100);
	linux_close(host);
}

static void test_linux_event_remove_makes_it_absent(void **state)
{
	pci_sbdf_t sbdf = pci_sbdf(0, 2, 0, 0);
	struct pci_host *host;
	uint32_t val;

	(void)state;
	sysfs_plug("0000:02:00.0", 256);
	host = sysfs_open();
	assert_int_equal(read4(host, sbdf, 0, &val), 0);
	listen_to(host);
	sysfs_unplug("0000:02:00.0");
	linux_event(linux_host(host), "remove", "0000:02:00.0");
	assert_string_equal(heard, "-0000:02:00.0 ");
	assert_int_equal(read4(host, sbdf, 0, &val), 0);
	assert_int_equal(val, 0xffffffff);
	linux_event(linux_host(host), "remove", "0000:02:00.0");
	assert_string_equal(heard, "-0000:02:00.0 ");
	linux_close(host);
}

/* libpci keeps the file open; the successor's is another. */
static void test_linux_successor_in_a_slot_is_read_afresh(void **state)
{
	pci_sbdf_t sbdf = pci_sbdf(0, 2, 0, 0);
	struct pci_host *host;
	uint32_t val;

	(void)state;
	sysfs_plug("0000:02:00.0", 256);
	host = sysfs_open();
	assert_int_equal(read4(host, sbdf, 0, &val), 0);
	sysfs_unplug("0000:02:00.0");
	sysfs_plug("0000:02:00.0", 256);
	sysfs_write("0000:02:00.0", "config", "\x86\x80\x34\x12", 4);
	linux_event(linux_host(host), "add", "0000:02:00.0");
	assert_int_equal(read4(host, sbdf, 0, &val), 0);
	assert_int_equal(val, 0x12348086);
	linux_event(linux_host(host), "remove", "0000:02:00.0");
	assert_int_equal(read4(host, sbdf, 0, &val), 0);
	assert_int_equal(val, 0xffffffff);
	linux_close(host);
}

static void test_linux_other_events_mean_nothing(void **state)
{
	struct pci_host *host;

	(void)state;
	sysfs_plug("0000:02:00.0", 256);
	host = sysfs_open();
	listen_to(host);
	linux_event(linux_host(host), "change", "0000:02:00.0");
	linux_event(linux_host(host), "bind", "0000:02:00.0");
	linux_event(linux_host(host), "add", "10000:02:00.0");
	linux_event(linux_host(host), "add", "0000:02");
	linux_event(linux_host(host), NULL, "0000:02:00.0");
	linux_event(linux_host(host), "add", NULL);
	assert_string_equal(heard, "");
	linux_close(host);
}

static void test_linux_rescan_tells_what_changed(void **state)
{
	struct pci_host *host;

	(void)state;
	sysfs_plug("0000:01:00.0", 256);
	sysfs_plug("0000:02:00.0", 256);
	host = sysfs_open();
	listen_to(host);
	sysfs_unplug("0000:01:00.0");
	sysfs_plug("0000:03:00.0", 256);
	assert_int_equal(linux_rescan(host), 0);
	assert_non_null(strstr(heard, "-0000:01:00.0 "));
	assert_non_null(strstr(heard, "+0000:02:00.0 "));
	assert_non_null(strstr(heard, "+0000:03:00.0 "));
	assert_int_equal(strlen(heard), 3 * strlen("-0000:01:00.0 "));
	linux_close(host);
}

static void test_linux_rescan_ends_after_the_last_address(void **state)
{
	struct pci_host *host;

	(void)state;
	sysfs_plug("ffff:ff:1f.7", 64);
	host = sysfs_open();
	listen_to(host);
	assert_int_equal(linux_rescan(host), 0);
	assert_string_equal(heard, "+ffff:ff:1f.7 ");
	linux_close(host);
}

static void test_linux_failed_rescan_changes_nothing(void **state)
{
	pci_sbdf_t sbdf = pci_sbdf_from(0);
	struct pci_host *host;

	(void)state;
	sysfs_plug("0000:01:00.0", 256);
	host = sysfs_open();
	listen_to(host);
	sysfs_break();
	assert_int_equal(linux_rescan(host), -EIO);
	assert_string_equal(heard, "");
	assert_int_equal(host->ops->next(host, &sbdf), 0);
	assert_int_equal(sbdf.bus, 1);
	linux_close(host);
}

static void test_linux_no_events_of_another_directory(void **state)
{
	struct pci_host *host = sysfs_open();

	(void)state;
	assert_int_equal(linux_fd(host), -ENODEV);
	linux_dispatch(host);
	linux_close(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_sysfs(test_linux_event_add_makes_the_function_known),
		on_sysfs(test_linux_event_remove_makes_it_absent),
		on_sysfs(test_linux_successor_in_a_slot_is_read_afresh),
		on_sysfs(test_linux_other_events_mean_nothing),
		on_sysfs(test_linux_rescan_tells_what_changed),
		on_sysfs(test_linux_rescan_ends_after_the_last_address),
		on_sysfs(test_linux_failed_rescan_changes_nothing),
		on_sysfs(test_linux_no_events_of_another_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
