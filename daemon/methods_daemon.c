/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon itself: subscribe, unsubscribe, stats, version. */
#include <unistd.h>

#include <holdfast/device.h>
#include <holdfast/platform.h>

#include "encode_safety.h"
#include "events.h"
#include "hosts.h"
#include "loop.h"
#include "methods.h"
#include "out.h"
#include "removals.h"

#define PROTOCOL 1

int method_subscribe(struct call *call)
{
	call->result = out_object();
	out_uint(call->result, "seq", events_sent_seq());
	client_subscribe(call->client, true);
	return 0;
}

int method_unsubscribe(struct call *call)
{
	call->result = out_object();
	client_subscribe(call->client, false);
	return 0;
}

int method_stats(struct call *call)
{
	json_object *o = call->result = out_object();
	struct pci_stats stats;

	pci_get_stats(&stats);
	out_uint(o, "devices", stats.devices);
	out_uint(o, "domains", stats.domains);
	out_uint(o, "added", stats.added);
	out_uint(o, "removed", stats.removed);
	out_uint(o, "lost", stats.lost);
	out_uint(o, "refused", stats.refused);
	out_uint(o, "objects", stats.objects);
	out_uint(o, "saturated", stats.saturated);
	out_uint(o, "clients", clients_count());
	out_uint(o, "requests", calls_total());
	out_uint(o, "removals_running", removals_running());
	out_uint(o, "events_dropped", events_dropped());
	out_seconds(o, "uptime_s",
		    (double)(plat_now() - loop_started()) /
			    (double)PLAT_NSEC_PER_SEC);
	encode_safety_stats(o);
	return 0;
}

int method_version(struct call *call)
{
	const struct peer *peer = client_peer(call->client);
	json_object *o = call->result = out_object();
	struct pci_stats stats;

	pci_get_stats(&stats);
	out_str(o, "version", HOLDFAST_VERSION);
	out_int(o, "protocol", PROTOCOL);
	out_str(o, "host", host_spec());
	out_bool(o, "read_only", host_read_only());
	out_int(o, "pid", getpid());
	out_int(o, "uid", peer->uid);
	out_bool(o, "administers", peer->administers);
	out_uint(o, "devices", stats.devices);
	return 0;
}
