/* SPDX-License-Identifier: BSD-2-Clause */
/* What there is to say of a removal, running or ended. */
#ifndef DAEMON_REMOVAL_REPORT_H
#define DAEMON_REMOVAL_REPORT_H

#include <json-c/json.h>

#include <holdfast/removal.h>

#define REPORT_STILL_MAX 64
#define REPORT_BEHIND_MAX 16

struct removal_report {
	struct pci_removal_info info;
	pci_sbdf_t card; /* something on it that is there as long as it is */
	bool has_port;   /* with a slot, which the card is in */
	/* Who holds the children that are in the way. */
	unsigned int nbehind;
	struct pci_blocker behind[REPORT_BEHIND_MAX];
	/* Of the card; only once it ended. */
	unsigned int nstill;
	pci_sbdf_t still[REPORT_STILL_MAX];
};

/* Before it begins: which card the device at @sbdf is on. */
void report_begin(struct removal_report *report, pci_sbdf_t sbdf);

/* Fill @report from @op; of a decided one also what is left on the card. */
void report_take(struct removal_report *report, struct pci_removal *op);

bool report_is_done(const struct removal_report *report);

/* Adds the fields of docs/protocol.md §4 to @to. */
void report_encode(json_object *to, const struct removal_report *report);

/* One sentence about a removal that did not succeed, and what to do next. */
void report_sentence(const struct removal_report *report, char *text,
		     size_t size);

#endif
