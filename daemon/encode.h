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

/* What a device has; adds to a device's object. Reads config space: sleeps. */
void encode_details(json_object *to, const struct pci_dev_info *info);

#endif
