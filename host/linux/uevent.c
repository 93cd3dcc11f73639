/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes and goes: the kernel's own events, not those that udevd sends on
 * when its rules are done, for nothing here waits for names or permissions,
 * and a machine may have no udevd.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <holdfast/platform.h>

#include <libudev.h>

#include "internal.h"

#define QUEUE_BYTES (8 << 20) /* some thousand events, of all subsystems */

void linux_monitor_start(struct linux_host *lh)
{
	lh->udev = udev_new();
	if (!lh->udev)
		goto out;
	lh->monitor = udev_monitor_new_from_netlink(lh->udev, "kernel");
	if (lh->monitor) /* without privilege it stays as it is */
		udev_monitor_set_receive_buffer_size(lh->monitor, QUEUE_BYTES);
	if (!lh->monitor ||
	    udev_monitor_filter_add_match_subsystem_devtype(lh->monitor, "pci",
							    NULL) < 0 ||
	    udev_monitor_enable_receiving(lh->monitor) < 0)
		goto out;
	return;
out:
	linux_monitor_stop(lh);
	plat_log(PLAT_WARN, "linux: no events of devices that come and go");
}

void linux_monitor_stop(struct linux_host *lh)
{
	udev_monitor_unref(lh->monitor);
	lh->monitor = NULL;
	udev_unref(lh->udev);
	lh->udev = NULL;
}

int linux_fd(struct pci_host *host)
{
	struct linux_host *lh = linux_host(host);

	return lh->monitor ? udev_monitor_get_fd(lh->monitor) : -ENODEV;
}

void linux_event(struct linux_host *lh, const char *action, const char *name)
{
	pci_sbdf_t sbdf;

	if (!action || !name || pci_sbdf_parse(name, &sbdf))
		return; /* a segment beyond 16 bits among them */
	if (strcmp(action, "add") == 0)
		linux_arrived(lh, sbdf);
	else if (strcmp(action, "remove") == 0)
		linux_gone(lh, sbdf);
}

/* Somebody wrote "remove" to its uevent: nothing has gone. */
static bool is_made_up(struct udev_device *dev, const char *action)
{
	return action && strcmp(action, "remove") == 0 &&
	       udev_device_get_property_value(dev, "SYNTH_UUID");
}

static void receive(struct linux_host *lh)
{
	struct udev_device *dev;
	const char *action;

	errno = 0;
	dev = udev_monitor_receive_device(lh->monitor);
	if (!dev) {
		lh->missed |= errno == ENOBUFS;
		return;
	}
	action = udev_device_get_action(dev);
	if (!is_made_up(dev, action))
		linux_event(lh, action, udev_device_get_sysname(dev));
	udev_device_unref(dev);
}

/* An error counts: the next receive takes it. */
static bool is_readable(struct linux_host *lh)
{
	struct pollfd fd = { .fd = udev_monitor_get_fd(lh->monitor),
			     .events = POLLIN };

	return poll(&fd, 1, 0) > 0 && !(fd.revents & POLLNVAL);
}

/*
 * Where events were dropped, those that wait are older than what sysfs shows,
 * and the kernel goes on dropping, without a word, until none waits. So sysfs
 * is looked at when all have been taken.
 */
int linux_dispatch(struct pci_host *host)
{
	struct linux_host *lh = linux_host(host);
	int err = 0;

	while (lh->monitor && is_readable(lh))
		receive(lh);
	if (lh->missed)
		err = linux_rescan(host);
	lh->missed = err;
	return err;
}
