/* SPDX-License-Identifier: BSD-2-Clause */
/* See removal_report.h. Any thread. */
#include "removal_report.h"

#include <stdio.h>

#include <holdfast/errno.h>
#include <holdfast/platform.h>

#include "encode.h"
#include "holders.h"
#include "out.h"

bool report_is_done(const struct removal_report *report)
{
	return report->info.result != -EINPROGRESS;
}

static unsigned int listed(unsigned int total)
{
	return total < PCI_REMOVAL_MAX_BLOCKERS ? total
						: PCI_REMOVAL_MAX_BLOCKERS;
}

static void look_behind(struct removal_report *report)
{
	const struct pci_removal_info *info = &report->info;

	for (unsigned int i = 0; i < listed(info->blockers); i++) {
		if (info->blocker[i].hold.kind == PCI_HOLD_CHILD)
			report->nbehind += holders_below(
				info->blocker[i].hold.child,
				report->behind + report->nbehind,
				REPORT_BEHIND_MAX - report->nbehind);
	}
}

/*
 * A card is all that is below the port whose slot it is in: with a switch of its
 * own it has more than one bus. Where there is no such port, it is what has the
 * same device number; of a VF's there is none, and its PF counts.
 */
void report_begin(struct removal_report *report, pci_sbdf_t sbdf)
{
	struct pci_dev_info info, port;
	pci_sbdf_t at = sbdf;

	report->card = sbdf;
	report->has_port = false;
	/* Of a card, @sbdf may be gone already: then from what is beside it. */
	if (pci_query(sbdf, &info)) {
		at.devfn &= 0xf8;
		if (pci_slot_next(sbdf, &at))
			return;
	} else if (info.desc.is_vf) {
		report->card = info.desc.parent;
	}
	while (!pci_query(at, &info) && info.desc.parent.sbdf != at.sbdf &&
	       !pci_query(info.desc.parent, &port)) {
		if (port.desc.has_slot && !info.desc.is_vf) {
			report->card = at;
			report->has_port = true;
			break;
		}
		at = info.desc.parent;
	}
}

/* What has the device number of @card, or is below it. */
static void look_at_number(struct removal_report *report, pci_sbdf_t card)
{
	pci_sbdf_t at = pci_sbdf(card.seg, 0, 0, 0);

	while (report->nstill < REPORT_STILL_MAX && !pci_slot_next(card, &at)) {
		report->still[report->nstill++] = at;
		if (at.bdf == UINT16_MAX)
			break;
		at.bdf++;
	}
}

/* A port has one card below it; with ARI that has functions of other numbers. */
static void look_at_card(struct removal_report *report)
{
	pci_sbdf_t card = report->card;
	unsigned int dev;

	if (!report->has_port)
		look_at_number(report, card);
	for (dev = 0; report->has_port && dev < 32; dev++) {
		card.devfn = (uint8_t)(dev << 3);
		look_at_number(report, card);
	}
}

void report_take(struct removal_report *report, struct pci_removal *op)
{
	pci_removal_query(op, &report->info);
	report->nbehind = report->nstill = 0;
	look_behind(report);
	if (report_is_done(report))
		look_at_card(report);
}

/* --- as JSON ------------------------------------------------------------------ */

static void add_blockers(json_object *to, const char *key,
			 const struct pci_blocker *blocker, unsigned int n)
{
	json_object *array = out_array();

	for (unsigned int i = 0; i < n; i++)
		out_append(array, encode_blocker(&blocker[i]));
	out_add(to, key, array);
}

static void add_progress(json_object *to, const struct removal_report *report)
{
	const struct pci_removal_info *info = &report->info;
	bool done = report_is_done(report);
	uint64_t now = plat_now();

	out_str(to, "phase", pci_removal_phase_name(info->phase));
	out_bool(to, "done", done);
	if (done) {
		out_errno(to, info->result);
	} else {
		out_null(to, "errno");
		out_null(to, "name");
	}
	out_time(to, "started", info->started);
	out_time(to, "ended", info->ended);
	out_uint(to, "timeout_ms",
		 (info->deadline - info->started) / PLAT_NSEC_PER_MSEC);
	out_uint(to, "left_ms",
		 done || now > info->deadline
			 ? 0
			 : (info->deadline - now) / PLAT_NSEC_PER_MSEC);
	out_int(to, "members", info->members);
	out_int(to, "removed", info->removed);
	out_uint(to, "grace_periods", info->grace_periods);
	out_str(to, "reason", info->reason);
}

void report_encode(json_object *to, const struct removal_report *report)
{
	const struct pci_removal_info *info = &report->info;
	json_object *still = out_array();

	out_sbdf(to, "sbdf", info->sbdf);
	out_uint(to, "instance", info->instance);
	out_bool(to, "ask", info->flags & PCI_REMOVE_ASK);
	out_bool(to, "force", info->flags & PCI_REMOVE_FORCE);
	out_bool(to, "slot", info->flags & PCI_REMOVE_SLOT);
	add_progress(to, report);
	add_blockers(to, "blockers", info->blocker, listed(info->blockers));
	out_int(to, "blockers_total", info->blockers);
	add_blockers(to, "behind", report->behind, report->nbehind);
	out_int(to, "refs", info->refs);
	if (info->refs)
		out_sbdf(to, "refs_on", info->refs_on);
	else
		out_null(to, "refs_on");
	add_blockers(to, "given_back", info->gave, listed(info->given_back));
	out_int(to, "given_back_total", info->given_back);
	for (unsigned int i = 0; i < report->nstill; i++)
		out_append_sbdf(still, report->still[i]);
	out_bool(to, "safe_to_pull",
		 info->phase == PCI_REMOVAL_REMOVED && !report->nstill);
	out_add(to, "still_on_card", still);
}

/* --- as a sentence --------------------------------------------------------------- */

static void busy_sentence(const struct removal_report *report, char *text,
			  size_t size)
{
	const struct pci_removal_info *info = &report->info;
	const struct pci_blocker *first = report->nbehind ? &report->behind[0]
							  : &info->blocker[0];
	char on[PCI_SBDF_LEN], more[32] = "";
	char sbdf[PCI_SBDF_LEN];

	pci_sbdf_print(sbdf, info->sbdf);
	if (!info->blockers) {
		snprintf(text, size,
			 "%s is busy: %u references on %s are in use; try "
			 "again",
			 sbdf, info->refs, pci_sbdf_print(on, info->refs_on));
		return;
	}
	if (info->blockers > 1)
		snprintf(more, sizeof(more), ", and %u more",
			 info->blockers - 1);
	snprintf(text, size,
		 "%s is busy: %s is held by %s (%s, for %llu s)%s; have it "
		 "given back, or remove with ask or force",
		 sbdf, pci_sbdf_print(on, first->sbdf), first->hold.who,
		 pci_hold_kind_name(first->hold.kind),
		 (unsigned long long)((plat_now() - first->hold.since) /
				      PLAT_NSEC_PER_SEC),
		 more);
}

void report_sentence(const struct removal_report *report, char *text,
		     size_t size)
{
	const struct pci_removal_info *info = &report->info;
	char sbdf[PCI_SBDF_LEN];

	pci_sbdf_print(sbdf, info->sbdf);
	switch (info->phase) {
	case PCI_REMOVAL_BUSY:
		busy_sentence(report, text, size);
		break;
	case PCI_REMOVAL_FAILED:
		snprintf(text, size,
			 "%s would not become quiet (%s); it is marked broken "
			 "now, `holdfast show %s` has the rest",
			 sbdf, info->reason ? info->reason : "no reason given",
			 sbdf);
		break;
	case PCI_REMOVAL_CANCELLED:
		snprintf(text, size,
			 "the removal of %s was cancelled%s; nothing else "
			 "changed",
			 sbdf,
			 info->given_back
				 ? ", what was given back stays given back"
				 : "");
		break;
	case PCI_REMOVAL_LOST:
		snprintf(text, size,
			 "%s was pulled while it was being removed; there is "
			 "nothing left to remove",
			 sbdf);
		break;
	default:
		snprintf(text, size, "the removal of %s ended as %s", sbdf,
			 pci_removal_phase_name(info->phase));
	}
}
