/* SPDX-License-Identifier: BSD-2-Clause */
/* The way to the hypervisor: the management function, by sysfs. */
#ifndef HOLDFAST_EL2_DOOR_H
#define HOLDFAST_EL2_DOOR_H

#include <stdbool.h>

#include "mgmt_abi.h"

/* The directory of the function in sysfs; NULL: where it should be. */
extern const char *door_path;

/*
 * One request. The status: 0, or a negative error number, the hypervisor's; of
 * what keeps us from it a sentence is printed, and the program ends.
 */
int door_ask(enum mgmt_verb verb, struct mgmt_request *request,
	     union mgmt_answer *answer);

/* The ring of events, mapped; the same for what cannot be. */
const volatile struct mgmt_ring *door_ring(void);

/* Event @n, whole: 1; 0 not yet; -1 it is not in the ring any more. */
int door_event(const volatile struct mgmt_ring *ring, uint64_t n,
	       struct mgmt_event *out);

#endif
