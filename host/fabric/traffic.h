/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests at work: threads that read and write the configuration space of a
 * domain's devices by guest address, as a guest's driver would, and tell the
 * witness when an answer was a lie:
 *
 *   - all-ones from a device that the domain owns, live or draining, neither
 *     lost nor cut off, that is there and has no fault;
 *   - a write that is not there when read back.
 *
 * An address once seen is used to the end, also when the device has left: a
 * guest does not know, and its reads then count as all_ones.
 */
#ifndef FABRIC_TRAFFIC_H
#define FABRIC_TRAFFIC_H

#include <holdfast/domain.h>

#include "fabric.h"

#define FABRIC_TRAFFIC_MAX_THREADS 8
#define FABRIC_TRAFFIC_MAX_DEVICES 256
#define FABRIC_TRAFFIC_THREADS 2  /* unless told */
#define FABRIC_TRAFFIC_RATE 20000 /* accesses a second and thread */

struct fabric_traffic;

struct fabric_traffic_counts {
	uint64_t reads, writes; /* answered */
	uint64_t again;    /* told to retry; the retry came through or not */
	uint64_t all_ones; /* of the reads */
	uint64_t violations;
	uint64_t last_read; /* plat_now() of the last answered read */
};

struct fabric_traffic_device {
	pci_sbdf_t guest, sbdf; /* where the guest sees it; what it is */
	uint64_t instance;
	struct fabric_traffic_counts counts;
};

struct fabric_traffic_info {
	unsigned int threads, devices, rate;
	bool running;
	uint64_t started;
	struct fabric_traffic_counts total;
	struct fabric_traffic_counts thread[FABRIC_TRAFFIC_MAX_THREADS];
};

/*
 * Start @threads (0: the default) at @rate (0: the default) on domain @d, which
 * is referenced until fabric_traffic_free(). 0; -EINVAL too many threads;
 * -ENOMEM, also when no thread could be started.
 */
int fabric_traffic_start(struct fabric *f, struct domain *d,
			 unsigned int threads, unsigned int rate,
			 struct fabric_traffic **out) __must_check;

/* Joins the threads, within some milliseconds; the counts stay. */
void fabric_traffic_stop(struct fabric_traffic *t);
/* Stops if need be. NULL is fine. */
void fabric_traffic_free(struct fabric_traffic *t);

struct domain *fabric_traffic_domain(struct fabric_traffic *t);
void fabric_traffic_query(struct fabric_traffic *t,
			  struct fabric_traffic_info *out);
/* Copy up to @max devices; returns how many there are. */
unsigned int fabric_traffic_devices(struct fabric_traffic *t,
				    struct fabric_traffic_device *out,
				    unsigned int max);

#endif
