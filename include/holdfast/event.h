/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened, for those who watch: one listener list, events in the order
 * in which they happened to a device, numbered without a gap.
 */
#ifndef HOLDFAST_EVENT_H
#define HOLDFAST_EVENT_H

#include <holdfast/list.h>
#include <holdfast/removal.h>

enum pci_event_type {
	PCI_EVENT_ADDED,
	PCI_EVENT_REMOVED,
	PCI_EVENT_LOST,
	PCI_EVENT_REMOVAL, /* detail: the phase's name */
	PCI_EVENT_OWNER,   /* detail: the new owner's name */
	PCI_EVENT_HOLD,    /* taken; detail: who */
	PCI_EVENT_RELEASE, /* detail: who */
	PCI_EVENT_CUT_OFF, /* detail: who */
	PCI_EVENT_BROKEN,  /* detail: why, or "" */
	PCI_EVENT_DOMAIN,  /* detail: "NAME created" or "NAME destroyed" */
	PCI_EVENT_BAR,     /* could not be mapped; detail: which, and why */
	PCI_EVENT_VFS,     /* enabled, disabled, or refused; detail: how many,
			      or who holds one */
	PCI_EVENT_RESET,   /* detail: the method, or why it failed */
	PCI_EVENT_FAULT,   /* its DMA faults too often; bus mastering is off */
	PCI_EVENT_IRQ,     /* a guest's vector could not be bound; why */
	PCI_EVENT_TYPES
};

const char *pci_event_name(enum pci_event_type type);

struct pci_event {
	uint64_t seq, time;
	enum pci_event_type type;
	pci_sbdf_t sbdf;
	uint64_t instance; /* 0: not of a device */
	char detail[PCI_WHO_LEN + 16];
};

struct pci_event_listener {
	struct list_head entry;
	/*
	 * Under a leaf lock, from any thread: copy and return; no call back
	 * into the core.
	 */
	void (*event)(struct pci_event_listener *self,
		      const struct pci_event *event);
};

void pci_event_listen(struct pci_event_listener *listener);
/* After the return no call is under way or comes any more. No lock held. */
void pci_event_unlisten(struct pci_event_listener *listener);

#endif
