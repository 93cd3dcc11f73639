/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes and goes below the Linux host. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libudev.h>

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
	assert_string_equal(heard,
			    "-0000:01:00.0 +0000:02:00.0 +0000:03:00.0 ");
	linux_close(host);
}

/* In the order of a directory a card may come before the bridge to its bus. */
static void test_linux_rescan_tells_of_bridges_first(void **state)
{
	struct pci_host *host = sysfs_open();
	char name[PCI_SBDF_LEN];
	unsigned int i;

	(void)state;
	for (i = 0; i < 16; i++)
		sysfs_plug(pci_sbdf_print(name, pci_sbdf(0, i * 7 % 16, 0, 0)),
			   64);
	listen_to(host);
	assert_int_equal(linux_rescan(host), 0);
	for (i = 0; i < 16; i++) {
		pci_sbdf_print(name, pci_sbdf(0, (uint8_t)i, 0, 0));
		assert_memory_equal(heard + i * (strlen(name) + 2) + 1, name,
				    strlen(name));
	}
	linux_close(host);
}

/* --- what the kernel sends (--wrap of libudev and poll) ----------------------- */

/* One after the other: an event, or what receiving fails with. */
struct udev_device {
	const char *action, *name;
	bool made_up;
	int error;
	void (*before)(void); /* the machine has changed by then */
};

static struct udev_device *sent, *sent_end;

int __wrap_poll(struct pollfd *fd, nfds_t n, int timeout);
int __wrap_udev_monitor_get_fd(struct udev_monitor *monitor);
struct udev_device *
__wrap_udev_monitor_receive_device(struct udev_monitor *monitor);
struct udev_monitor *__wrap_udev_monitor_unref(struct udev_monitor *monitor);
struct udev_device *__wrap_udev_device_unref(struct udev_device *dev);
const char *__wrap_udev_device_get_action(struct udev_device *dev);
const char *__wrap_udev_device_get_sysname(struct udev_device *dev);
const char *__wrap_udev_device_get_property_value(struct udev_device *dev,
						  const char *key);

int __wrap_poll(struct pollfd *fd, nfds_t n, int timeout)
{
	assert_int_equal(n, 1);
	assert_int_equal(timeout, 0);
	fd->revents = sent == sent_end ? 0 : sent->error ? POLLERR : POLLIN;
	return fd->revents != 0;
}

int __wrap_udev_monitor_get_fd(struct udev_monitor *monitor)
{
	(void)monitor;
	return 0;
}

struct udev_device *
__wrap_udev_monitor_receive_device(struct udev_monitor *monitor)
{
	struct udev_device *dev = sent;

	(void)monitor;
	if (sent == sent_end) {
		errno = EAGAIN;
		return NULL;
	}
	sent++;
	if (dev->before)
		dev->before();
	errno = dev->error;
	return dev->error ? NULL : dev;
}

struct udev_monitor *__wrap_udev_monitor_unref(struct udev_monitor *monitor)
{
	(void)monitor;
	return NULL;
}

struct udev_device *__wrap_udev_device_unref(struct udev_device *dev)
{
	(void)dev;
	return NULL;
}

const char *__wrap_udev_device_get_action(struct udev_device *dev)
{
	return dev->action;
}

const char *__wrap_udev_device_get_sysname(struct udev_device *dev)
{
	return dev->name;
}

const char *__wrap_udev_device_get_property_value(struct udev_device *dev,
						  const char *key)
{
	assert_string_equal(key, "SYNTH_UUID");
	return dev->made_up ? "0" : NULL;
}

static int dispatch(struct pci_host *host, struct udev_device *all, size_t n)
{
	sent = all;
	sent_end = all + n;
	linux_host(host)->monitor = (struct udev_monitor *)&sent;
	return linux_dispatch(host);
}

static void test_linux_dispatch_takes_all_that_waits(void **state)
{
	struct udev_device all[] = {
		{ .action = "add", .name = "0000:02:00.0" },
		{ .error = EAGAIN }, /* one that is none of ours */
		{ .error = EINVAL },
		{ .action = "remove", .name = "0000:01:00.0" },
		{ .action = "add", .name = "0000:01:00.0" },
	};
	struct pci_host *host;

	(void)state;
	sysfs_plug("0000:01:00.0", 64);
	host = sysfs_open();
	listen_to(host);
	sysfs_plug("0000:02:00.0", 64);
	assert_int_equal(dispatch(host, all, ARRAY_SIZE(all)), 0);
	assert_string_equal(heard,
			    "+0000:02:00.0 -0000:01:00.0 +0000:01:00.0 ");
	linux_close(host);
}

static void test_linux_a_removal_that_root_made_up_means_nothing(void **state)
{
	struct udev_device all[] = {
		{ .action = "remove", .name = "0000:01:00.0", .made_up = true },
		{ .action = "add", .name = "0000:01:00.0", .made_up = true },
	};
	struct pci_host *host;

	(void)state;
	sysfs_plug("0000:01:00.0", 64);
	host = sysfs_open();
	listen_to(host);
	assert_int_equal(dispatch(host, all, ARRAY_SIZE(all)), 0);
	assert_string_equal(heard, "+0000:01:00.0 ");
	linux_close(host);
}

static void plug_3(void)
{
	sysfs_plug("0000:03:00.0", 64);
}

/*
 * The error comes before what waits, which is older than sysfs; and what came
 * while the queue was not yet empty was dropped without another error.
 */
static void test_linux_dropped_events_are_made_up_for_at_the_end(void **state)
{
	struct udev_device all[] = {
		{ .error = ENOBUFS },
		{ .action = "remove", .name = "0000:01:00.0" },
		{ .action = "add", .name = "0000:02:00.0", .before = plug_3 },
	};
	struct pci_host *host;

	(void)state;
	sysfs_plug("0000:01:00.0", 64);
	host = sysfs_open();
	listen_to(host);
	sysfs_plug("0000:02:00.0", 64);
	assert_int_equal(dispatch(host, all, ARRAY_SIZE(all)), 0);
	assert_string_equal(heard,
			    "-0000:01:00.0 +0000:02:00.0 "
			    "+0000:01:00.0 +0000:02:00.0 +0000:03:00.0 ");
	assert_int_equal(dispatch(host, NULL, 0), 0);
	assert_int_equal(strlen(heard), 5 * 14);
	linux_close(host);
}

static void test_linux_a_rescan_that_failed_is_not_forgotten(void **state)
{
	struct udev_device dropped = { .error = ENOBUFS };
	struct pci_host *host;

	(void)state;
	sysfs_plug("0000:01:00.0", 64);
	host = sysfs_open();
	listen_to(host);
	sysfs_break();
	assert_int_equal(dispatch(host, &dropped, 1), -EIO);
	assert_int_equal(dispatch(host, NULL, 0), -EIO);
	sysfs_mend();
	assert_string_equal(heard, "");
	assert_int_equal(dispatch(host, NULL, 0), 0);
	assert_string_equal(heard, "-0000:01:00.0 ");
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
	assert_int_equal(linux_dispatch(host), 0);
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
		on_sysfs(test_linux_rescan_tells_of_bridges_first),
		on_sysfs(test_linux_dispatch_takes_all_that_waits),
		on_sysfs(test_linux_a_removal_that_root_made_up_means_nothing),
		on_sysfs(test_linux_dropped_events_are_made_up_for_at_the_end),
		on_sysfs(test_linux_a_rescan_that_failed_is_not_forgotten),
		on_sysfs(test_linux_rescan_ends_after_the_last_address),
		on_sysfs(test_linux_failed_rescan_changes_nothing),
		on_sysfs(test_linux_no_events_of_another_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
