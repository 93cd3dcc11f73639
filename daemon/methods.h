/* SPDX-License-Identifier: BSD-2-Clause */
/* The methods of docs/protocol.md §5, one handler each; see struct method. */
#ifndef DAEMON_METHODS_H
#define DAEMON_METHODS_H

#include "call.h"

struct domain;

int method_list(struct call *call);
int method_show(struct call *call);
int method_holders(struct call *call);
int method_add(struct call *call);
int method_scan(struct call *call);
int method_mark_broken(struct call *call);
int method_pin(struct call *call);
int method_unpin(struct call *call);

int method_remove(struct call *call);
int method_removal(struct call *call);
int method_cancel(struct call *call);

int method_domain_create(struct call *call);
int method_domain_destroy(struct call *call);
int method_domain_list(struct call *call);
int method_domain_show(struct call *call);

int method_assign(struct call *call);
int method_deassign(struct call *call);
int method_group(struct call *call);

int method_quarantine(struct call *call);
int method_unquarantine(struct call *call);
int method_reset(struct call *call);
int method_faults(struct call *call);
int method_clear_faults(struct call *call);

int method_config_read(struct call *call);
int method_config_write(struct call *call);
int method_config_dump(struct call *call);

int method_guest_config_read(struct call *call);
int method_guest_config_write(struct call *call);
int method_guest_config_dump(struct call *call);

int method_policy_list(struct call *call);
int method_policy_show(struct call *call);
int method_policy_check(struct call *call);
int method_policy_load(struct call *call);
int method_policy_reset(struct call *call);

int method_subscribe(struct call *call);
int method_unsubscribe(struct call *call);
int method_stats(struct call *call);
int method_version(struct call *call);

int method_fabric_slots(struct call *call);
int method_fabric_cards(struct call *call);
int method_fabric_plug(struct call *call);
int method_fabric_unplug(struct call *call);
int method_fabric_surprise(struct call *call);
int method_fabric_fault(struct call *call);
int method_fabric_faults(struct call *call);
int method_fabric_witness(struct call *call);
int method_fabric_traffic(struct call *call);
int method_fabric_tester(struct call *call);

/* The guest's threads end: it is being destroyed. NULL: those of all guests. */
void traffic_end(struct domain *d);

/* --- shared by them ----------------------------------------------------------- */

/*
 * A place in a walk in SBDF order, as the text that clients get as a cursor:
 * the address to go on from.
 */
struct cursor {
	unsigned int seg;
	uint32_t bdf; /* 0x10000: the end of the segment */
};

struct pci_dev_info;

int cursor_arg(struct call *call, struct cursor *at);
/* The next device at or after @at, which moves behind it; -ENOENT: the end. */
int cursor_next(struct cursor *at, struct pci_dev_info *info);
/* Adds "next": where @at stands, or null if nothing follows. */
void cursor_add(json_object *to, struct cursor at);

/* Adds "next": the address @sbdf. */
void cursor_print(json_object *to, pci_sbdf_t sbdf);

/* call->result becomes the device at @sbdf, as in a list. */
int reply_device(struct call *call, pci_sbdf_t sbdf);

/* 0, or call_fail()ed: the host is not the fabric. */
int need_fabric(struct call *call);

#define CONFIG_FOR_ALL 64 /* what everybody may read, as on Linux */

/* Params @address, "reg" and "size" of one aligned access; or call_fail()ed. */
int arg_register(struct call *call, const char *address, pci_sbdf_t *sbdf,
		 int64_t *reg, int64_t *size);

/* A counted domain; or call_fail()ed. */
int arg_domain(struct call *call, const char *name, struct domain **out);

#endif
