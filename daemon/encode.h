/* SPDX-License-Identifier: BSD-2-Clause */
/* The objects of docs/protocol.md §4. Any thread, as out.h. */
#ifndef DAEMON_ENCODE_H
#define DAEMON_ENCODE_H

#include <json-c/json.h>

#include <holdfast/domain.h>
#include <holdfast/removal.h>

json_object *encode_device(const struct pci_dev_info *info);

json_object *encode_hold(const struct pci_hold_info *hold);
json_object *encode_blocker(const struct pci_blocker *blocker);

/*
 * What of a domain's view there is to know of the device at @sbdf; NULL: its
 * owner has none.
 */
json_object *encode_view(pci_sbdf_t sbdf);

struct vpci_policy;
/* @whole: with every capability. */
json_object *encode_policy(const struct vpci_policy *policy, bool whole);

/* What a device has; adds to a device's object. Reads config space: sleeps. */
void encode_details(json_object *to, const struct pci_dev_info *info);

#endif
