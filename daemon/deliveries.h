/* SPDX-License-Identifier: BSD-2-Clause */
/* How many interrupts of which device a guest of the daemon was told. */
#ifndef DAEMON_DELIVERIES_H
#define DAEMON_DELIVERIES_H

#include <pthread.h>

#include <holdfast/list.h>
#include <holdfast/sbdf.h>

struct deliveries {
	pthread_mutex_t lock; /* guards the rest; a leaf */
	struct list_head devices;
	uint64_t total; /* of all devices, also where memory ran out */
};

void deliveries_init(struct deliveries *all);
void deliveries_fini(struct deliveries *all);

/* One more. Any context of the core's. */
void deliveries_add(struct deliveries *all, pci_sbdf_t sbdf);

uint64_t deliveries_of(struct deliveries *all, pci_sbdf_t sbdf);
uint64_t deliveries_total(struct deliveries *all);

#endif
