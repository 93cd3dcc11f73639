/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a host tells of cards that come and go, carried out in the order in
 * which it was told, in one thread of its own.
 */
#ifndef DAEMON_HOTPLUG_H
#define DAEMON_HOTPLUG_H

#include <holdfast/host.h>

/* Become @host's notify, and start. 0 or -errno. */
int hotplug_start(struct pci_host *host);

/* Wait until all that was told before this call has been dealt with. */
void hotplug_settle(void);

/* Deal with what waits, then end. The host tells nothing any more. */
void hotplug_stop(void);

#endif
