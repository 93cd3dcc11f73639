/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This machine's own PCI functions, from sysfs through libpci, and what comes
 * and goes, from the kernel through libudev. Read-only: every write is
 * -EOPNOTSUPP. Accesses may block, and wait for each other.
 *
 * Without privilege the kernel shows 64 bytes of each function: config_size
 * says so, and what lies above is unknown.
 */
#ifndef HOST_LINUX_H
#define HOST_LINUX_H

#include <stddef.h>

#include <holdfast/host.h>

/*
 * @sysfs: NULL for this machine; else another directory laid out like
 * /sys/bus/pci, of which no events come. A machine without PCI is a host
 * without functions, no error. NULL and a sentence in @err: sysfs is not
 * readable. The caller owns the host until linux_close(). May sleep.
 */
struct pci_host *linux_open(const char *sysfs, char *err, size_t errlen);
void linux_close(struct pci_host *host); /* NULL is fine */

/* Readable when events wait; -ENODEV: none will come. Owned by the host. */
int linux_fd(struct pci_host *host);

/*
 * Take the events that wait, bring the list of functions up to date and call
 * host->notify for each change. 0; or what linux_rescan() says: the kernel had
 * to drop events, and what they were is not known yet; call again in a while.
 * From one thread; may sleep.
 */
int linux_dispatch(struct pci_host *host) __must_check;

/*
 * Look at sysfs again: notify GONE for what is no longer there and ARRIVED for
 * all that is (something else may have taken an address), bridges before what
 * is behind them. linux_dispatch()
 * does this when the kernel had to drop events. 0; -EIO sysfs cannot be read,
 * -ENOMEM: the list as before. Same context.
 */
int linux_rescan(struct pci_host *host);

#endif
