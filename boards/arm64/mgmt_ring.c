/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring of events. The core's event lock makes us one writer; readers are in
 * the hardware domain, whose CPUs may look at any time, through memory that
 * it takes for a device's: so a line is cleaned to memory before the next
 * step is seen.
 *
 *   entry.seq = 0; the rest; entry.seq = n; ring.next = n + 1
 *
 * A reader that finds the same n before and after its copy has event n whole:
 * had the writer begun another in between, seq would have been 0 or higher.
 */
#include <holdfast/atomic.h>
#include <holdfast/event.h>

#include "mgmt.h"

struct mgmt_ring mgmt_ring_page __attribute__((aligned(4096)));

/* Ours: what is in the page the hardware domain can overwrite. */
static hf_atomic(uint64_t) last;

static void put(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	board_clean_ring(to, size);
}

static void copy_text(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; i < size - 1 && from[i]; i++)
		to[i] = from[i];
}

static void note(struct pci_event_listener *self, const struct pci_event *event)
{
	uint64_t n = hf_load_relaxed(&last) + 1, next = n + 1;
	struct mgmt_event *entry = &mgmt_ring_page.event[n % MGMT_RING_ENTRIES];
	struct mgmt_event e = {
		.time_ms = event->time / PLAT_NSEC_PER_MSEC,
		.instance = event->instance,
		.sbdf = event->sbdf.sbdf,
		.type = event->type,
	};

	(void)self;
	copy_text(e.name, sizeof(e.name), pci_event_name(event->type));
	copy_text(e.detail, sizeof(e.detail), event->detail);
	put(&entry->seq, &e.seq, sizeof(e.seq));
	put(&entry->time_ms, &e.time_ms, sizeof(e) - sizeof(e.seq));
	put(&entry->seq, &n, sizeof(n));
	hf_store_relaxed(&last, n);
	put(&mgmt_ring_page.next, &next, sizeof(next));
}

void mgmt_ring_init(void)
{
	static struct pci_event_listener listener = { .event = note };
	static const struct mgmt_ring empty = {
		.magic = MGMT_RING_MAGIC,
		.version = MGMT_VERSION,
		.entries = MGMT_RING_ENTRIES,
		.next = 1,
	};

	hf_store_relaxed(&last, 0);
	put(&mgmt_ring_page, &empty, sizeof(empty));
	pci_event_listen(&listener);
}

uint64_t mgmt_ring_count(void)
{
	return hf_load_relaxed(&last);
}
