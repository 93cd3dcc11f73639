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
 * @on_ask: "release", "refuse", "ignore", "late=2s" (or ms). 0 and a counted
 * domain; -ERANGE @on_ask is none of these; errors of domain_create(). Any
 * thread.
 */
int guest_create(const char *name, unsigned int id, const char *on_ask,
		 struct domain **out);

json_object *guest_encode(struct domain *d);

/* No late answers any more: those that are due come now. */
void domains_stop(void);

#endif
