/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removals under way and those that ended: each runs in a thread of its own;
 * the loop starts, shows and cancels them and remembers how they ended.
 */
#ifndef DAEMON_REMOVALS_H
#define DAEMON_REMOVALS_H

#include <json-c/json.h>

#include <holdfast/removal.h>

#define REMOVALS_RUNNING_MAX 64
#define REMOVALS_KEPT_MAX 256

struct call;
struct removal;

struct removal_order {
	pci_sbdf_t sbdf;
	unsigned int flags;
	uint64_t timeout; /* nanoseconds */
	bool wait;        /* answer @call at the end, else at the beginning */
};

/* 0 or the error, as a method returns it; CALL_LATER otherwise. */
int removal_begin(struct call *call, const struct removal_order *order);

/*
 * The one that runs and takes this device, itself or with another; else the last
 * one of it. NULL: none known.
 */
struct removal *removal_of(pci_sbdf_t sbdf);
struct removal *removal_by_id(uint64_t id);
/* 0; -ENOENT it has ended; -EINPROGRESS past the point of no return. */
int removal_cancel(struct removal *r);
json_object *removal_encode(struct removal *r);

unsigned int removals_running(void);
/* Cancel all; those past the point of no return go on to their end. */
void removals_stop(void);
/* Forget the history. None may run. */
void removals_free(void);

#endif
