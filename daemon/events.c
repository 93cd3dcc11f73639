/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See events.h. The core calls under a leaf lock of its own, from any thread:
 * an event is copied into a ring, and the loop takes it from there. Nobody
 * waits for the loop: what the full ring cannot take is counted, and the gap
 * is told where it is, behind what the ring held.
 */
#include "events.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <holdfast/event.h>

#include "client.h"
#include "loop.h"
#include "out.h"
#include "state.h"

#define RING 4096

static uv_mutex_t lock; /* guards all down to posted */
static struct pci_event ring[RING];
static unsigned int first, used;
static uint64_t gap; /* events after those in the ring, before the next */
static uint64_t dropped;
static uint64_t last_seq, sent_seq; /* the core's; what clients were sent */
static bool posted, started;

static void drain(struct post *post);
static struct post wake = { .run = drain };

static void on_event(struct pci_event_listener *self,
		     const struct pci_event *event)
{
	bool wake_up = false;

	(void)self;
	uv_mutex_lock(&lock);
	last_seq = event->seq;
	if (!started) {
		sent_seq = last_seq;
		uv_mutex_unlock(&lock);
		return;
	}
	if (used == RING || gap) {
		gap++;
		dropped++;
	} else {
		ring[(first + used++) % RING] = *event;
	}
	if (!posted)
		wake_up = posted = true;
	uv_mutex_unlock(&lock);
	if (wake_up)
		loop_post(&wake);
}

static struct pci_event_listener listener = { .event = on_event };

static void notify(const struct pci_event *event)
{
	json_object *msg = out_object(), *params = out_object();
	char detail[sizeof(event->detail)];
	const char *text;
	size_t len;

	snprintf(detail, sizeof(detail), "%s", event->detail);
	text_mend(detail); /* the core has cut it */
	out_uint(params, "seq", event->seq);
	out_time(params, "time", event->time);
	out_str(params, "type", pci_event_name(event->type));
	if (event->instance) {
		out_sbdf(params, "sbdf", event->sbdf);
		out_uint(params, "instance", event->instance);
	} else {
		out_null(params, "sbdf");
		out_null(params, "instance");
	}
	out_str(params, "detail", detail);
	out_str(msg, "jsonrpc", "2.0");
	out_str(msg, "method", "event");
	out_add(msg, "params", params);
	text = json_object_to_json_string_length(
		msg, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
		&len);
	if (text && !out_failed())
		clients_notify(text, len);
	else
		clients_lose(1);
	json_object_put(msg);
}

/* The next event, or else the gap; false: neither. */
static bool take(struct pci_event *event, uint64_t *lost)
{
	bool any;

	uv_mutex_lock(&lock);
	*lost = 0;
	any = used;
	if (used) {
		*event = ring[first];
		sent_seq = event->seq;
		first = (first + 1) % RING;
		used--;
	} else {
		*lost = gap;
		gap = 0;
		sent_seq = last_seq;
		any = *lost;
		posted = any;
	}
	uv_mutex_unlock(&lock);
	return any;
}

static void drain(struct post *post)
{
	struct pci_event event;
	uint64_t lost;

	(void)post;
	while (take(&event, &lost)) {
		if (lost) {
			clients_lose(lost);
			state_touch();
			continue;
		}
		if (event.type == PCI_EVENT_BROKEN)
			state_touch();
		notify(&event);
	}
}

static bool listening;

void events_init(void)
{
	uv_mutex_init(&lock);
	pci_event_listen(&listener);
	listening = true;
}

void events_start(void)
{
	uv_mutex_lock(&lock);
	started = true;
	uv_mutex_unlock(&lock);
}

void events_stop(void)
{
	if (listening)
		pci_event_unlisten(&listener);
	listening = false;
}

uint64_t events_sent_seq(void)
{
	uint64_t seq;

	uv_mutex_lock(&lock);
	seq = sent_seq;
	uv_mutex_unlock(&lock);
	return seq;
}

uint64_t events_dropped(void)
{
	uint64_t n;

	uv_mutex_lock(&lock);
	n = dropped;
	uv_mutex_unlock(&lock);
	return n;
}
