/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux.c keeps the list of functions, uevent.c hears of changes. Everything
 * of libpci's, and the list, is guarded by libpci_run(); the monitor belongs to
 * the thread that dispatches.
 */
#ifndef HOST_LINUX_INTERNAL_H
#define HOST_LINUX_INTERNAL_H

#include "libpci_guard.h"
#include "linux.h"

struct linux_function {
	pci_sbdf_t sbdf;
	struct pci_dev *dev; /* libpci's; owned */
};

struct linux_host {
	struct pci_host host;
	char *sysfs; /* the directory, owned */
	struct pci_access *acc;
	struct linux_function *fn; /* in SBDF order; owned */
	unsigned int count;
	struct udev *udev; /* NULL: no events */
	struct udev_monitor *monitor;
	bool missed; /* events; sysfs has not been looked at since */
};

static inline struct linux_host *linux_host(struct pci_host *host)
{
	return container_of(host, struct linux_host, host);
}

/* The list follows one event, and host->notify is told. May sleep. */
void linux_arrived(struct linux_host *lh, pci_sbdf_t sbdf);
void linux_gone(struct linux_host *lh, pci_sbdf_t sbdf);

/* Start to listen; without success there are no events. */
void linux_monitor_start(struct linux_host *lh);
void linux_monitor_stop(struct linux_host *lh);

/* What an event of the kernel says: "add" or "remove", and "0000:00:1f.0". */
void linux_event(struct linux_host *lh, const char *action, const char *name);

#endif
