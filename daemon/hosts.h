/* SPDX-License-Identifier: BSD-2-Clause */
/* The host that the daemon serves, by what --host says. */
#ifndef DAEMON_HOSTS_H
#define DAEMON_HOSTS_H

#include <holdfast/host.h>

struct fabric;

/*
 * @spec: "fabric:server", "fabric:lab", "fabric:scale=N", "fabric:FILE",
 * "dump:FILE" or "linux". 0, or -EINVAL and a sentence in @err.
 */
int host_open(const char *spec, char *err, size_t size);

/* All its segments and what is on them, to the core. 0 or -errno. */
int host_register(void);

/*
 * Let it tell what comes and goes from now on: the thread of hotplug.h, and
 * for the Linux host its events in the loop. 0 or -errno.
 */
int host_watch(void);
/* What was told by then is dealt with; the loop runs meanwhile. */
void host_unwatch(void);

/* After pci_fini(). */
void host_close(void);

const char *host_spec(void);
bool host_read_only(void);
bool host_confines(void); /* it has an IOMMU */
bool host_simulated(void);
struct fabric *host_fabric(void); /* NULL: another kind of host */

#endif
