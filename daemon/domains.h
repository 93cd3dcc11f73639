/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's guests: domains that answer, when asked to let a device go, as
 * they were told to when they were created.
 */
#ifndef DAEMON_DOMAINS_H
#define DAEMON_DOMAINS_H

#include <json-c/json.h>

#include <holdfast/domain.h>

/*
 * @on_ask: "release", "refuse", "ignore", "late=2s" (or ms). @memory: bytes,
 * whole pages; 0: as much as is usual, if the host has any. 0 and a counted
 * domain; -ERANGE @on_ask is none of these; -EOPNOTSUPP @memory on a host
 * without; errors of domain_create(). Any thread, as all here; may sleep.
 */
int guest_create(const char *name, unsigned int id, const char *on_ask,
		 uint64_t memory, struct domain **out);

/* domain_destroy(), and its memory is free again. */
int guest_destroy(struct domain *d);

json_object *guest_encode(struct domain *d);
/* The same with its memory and its devices, the first ones. */
#define GUEST_OWNS_MAX 1000
json_object *guest_encode_full(struct domain *d);

/* How many interrupts of the device at @sbdf @d was told. */
uint64_t guest_interrupts(struct domain *d, pci_sbdf_t sbdf);

/* In the loop: no late answers any more: those that are due come now. */
void domains_stop(void);

#endif
