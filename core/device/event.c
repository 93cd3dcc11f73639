/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events: numbered and handed to the listeners under one leaf lock, so that
 * all see the same order without a gap. Posted by whoever made it happen,
 * holding no lock of rank LOCK_LEAF.
 */
#include "device/internal.h"

static struct pci_lock event_lock; /* LOCK_LEAF; guards all below */
static struct list_head listeners;
static uint64_t last_seq;

void pci_events_init(void)
{
	pci_lock_init(&event_lock, LOCK_LEAF, "events", 0);
	list_init(&listeners);
	last_seq = 0;
}

void pci_events_free(void)
{
	pci_lock_destroy(&event_lock);
}

void pci_event_listen(struct pci_event_listener *listener)
{
	pci_lock(&event_lock);
	list_add_tail(&listener->entry, &listeners);
	pci_unlock(&event_lock);
}

void pci_event_unlisten(struct pci_event_listener *listener)
{
	pci_lock(&event_lock);
	list_del(&listener->entry);
	pci_unlock(&event_lock);
}

void pci_event_post(enum pci_event_type type, pci_sbdf_t sbdf,
		    uint64_t instance, const char *detail)
{
	struct pci_event event = {
		.type = type,
		.sbdf = sbdf,
		.instance = instance,
		.time = plat_now(),
	};
	struct pci_event_listener *l;
	size_t i;

	for (i = 0; detail[i] && i < sizeof(event.detail) - 1; i++)
		event.detail[i] = detail[i];
	pci_lock(&event_lock);
	event.seq = ++last_seq;
	list_for_each(l, &listeners, struct pci_event_listener, entry)
		l->event(l, &event);
	pci_unlock(&event_lock);
}
