/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removals that are under way, and the reports of those that were.
 *
 * The lock guards the table. An operation is stepped without it by the CPU
 * that has set .stepping, one at a time as the core wants it; so .op stays
 * until that CPU has put it away, and who cancels or asks does so under the
 * lock, in which .op cannot be freed.
 */
#include "removals.h"

#include <holdfast/atomic.h>
#include <holdfast/errno.h>

#include <el2.h>

#include "pins.h"
#include "slot.h"
#include "use.h"

enum { REMOVALS = 8 };

struct removal {
	struct pci_removal *op; /* owned; NULL: over, or never used */
	bool stepping;
	uint64_t number;              /* 0: never used */
	struct pci_removal_info info; /* of what is over, final */
};

static struct {
	plat_lock_t lock;
	uint64_t last;
	hf_atomic(uint32_t) running; /* a hint: how many have an .op */
	struct removal removal[REMOVALS];
} all;

void removals_init(void)
{
	memset(&all, 0, sizeof(all));
	plat_lock_init(&all.lock);
}

/* --- one ------------------------------------------------------------------------ */

static bool claim(struct removal *r)
{
	bool mine;

	plat_lock(&all.lock);
	mine = r->op && !r->stepping;
	r->stepping |= mine;
	plat_unlock(&all.lock);
	return mine;
}

static void unclaim(struct removal *r)
{
	plat_lock(&all.lock);
	r->stepping = false;
	plat_unlock(&all.lock);
}

/* Decided: keep the report, and tell those who had a part in it. */
static void put_away(struct removal *r)
{
	struct pci_removal *op = r->op;
	pci_sbdf_t sbdf;

	plat_lock(&all.lock);
	pci_removal_query(op, &r->info);
	sbdf = r->info.sbdf;
	r->op = NULL;
	r->stepping = false;
	hf_fetch_sub_release(&all.running, 1);
	plat_unlock(&all.lock);
	pci_removal_finish(op);
	slot_removal_over(sbdf);
	use_look_at_all();
	pins_sweep();
}

void removals_poll(void)
{
	unsigned int i;

	if (!hf_load_relaxed(&all.running))
		return;
	for (i = 0; i < REMOVALS; i++) {
		struct removal *r = &all.removal[i];

		if (!claim(r))
			continue;
		if (pci_removal_step(r->op) == -EINPROGRESS)
			unclaim(r);
		else
			put_away(r);
	}
}

bool removals_run(void)
{
	return hf_load_acquire(&all.running);
}

uint64_t removals_begun(void)
{
	uint64_t last;

	plat_lock(&all.lock);
	last = all.last;
	plat_unlock(&all.lock);
	return last;
}

/* --- the table -------------------------------------------------------------------- */

/* The oldest that is over; under the lock. It is the caller's when stepping. */
static struct removal *take_oldest(void)
{
	struct removal *found = NULL;
	unsigned int i;

	for (i = 0; i < REMOVALS; i++) {
		struct removal *r = &all.removal[i];

		if (!r->op && !r->stepping &&
		    (!found || r->number < found->number))
			found = r;
	}
	if (found)
		found->stepping = true;
	return found;
}

int removals_start(pci_sbdf_t sbdf, unsigned int flags, uint64_t timeout,
		   const char *who)
{
	struct pci_removal *op = NULL;
	struct removal *r;
	int err;

	plat_lock(&all.lock);
	r = take_oldest();
	plat_unlock(&all.lock);
	if (!r)
		return -EAGAIN;
	err = pci_removal_start(sbdf, flags, timeout, who, NULL, NULL, &op);
	plat_lock(&all.lock);
	r->stepping = false;
	if (!err) {
		r->op = op;
		r->number = ++all.last;
		hf_fetch_add_relaxed(&all.running, 1);
		pci_removal_query(op, &r->info);
	}
	plat_unlock(&all.lock);
	return err;
}

/* The last that began; under the lock. */
static struct removal *find(pci_sbdf_t sbdf)
{
	struct removal *found = NULL;
	unsigned int i;

	for (i = 0; i < REMOVALS; i++) {
		struct removal *r = &all.removal[i];

		if (r->number && r->info.sbdf.sbdf == sbdf.sbdf &&
		    (!found || r->number > found->number))
			found = r;
	}
	return found;
}

const struct pci_removal_info *removals_lock(pci_sbdf_t sbdf)
{
	struct removal *r;

	plat_lock(&all.lock);
	r = find(sbdf);
	if (r && r->op)
		pci_removal_query(r->op, &r->info);
	return r ? &r->info : NULL;
}

void removals_unlock(void)
{
	plat_unlock(&all.lock);
}

int removals_cancel(pci_sbdf_t sbdf)
{
	struct removal *r;
	int err = -ENOENT;

	plat_lock(&all.lock);
	r = find(sbdf);
	if (r && r->op)
		err = pci_removal_cancel(r->op);
	plat_unlock(&all.lock);
	return err;
}

/* --- loss --------------------------------------------------------------------------- */

static bool is_at_or_below(pci_sbdf_t sbdf, pci_sbdf_t lead)
{
	struct pci_dev_info info;

	while (sbdf.sbdf != lead.sbdf) {
		if (pci_query(sbdf, &info) ||
		    info.desc.parent.sbdf == sbdf.sbdf)
			return false;
		sbdf = info.desc.parent;
	}
	return true;
}

/* False: it is over. *@of: of which device. */
static bool runs(struct removal *r, pci_sbdf_t *of)
{
	bool yes;

	plat_lock(&all.lock);
	yes = r->op;
	*of = r->info.sbdf;
	plat_unlock(&all.lock);
	return yes;
}

/*
 * A CPU that steps one does not wait there for us, so the spin ends; and
 * meanwhile we hold up no grace period.
 */
void removals_end_lost(pci_sbdf_t sbdf)
{
	pci_sbdf_t of;
	unsigned int i;

	for (i = 0; i < REMOVALS; i++) {
		struct removal *r = &all.removal[i];

		while (runs(r, &of) &&
		       (is_at_or_below(of, sbdf) || is_at_or_below(sbdf, of))) {
			if (claim(r)) {
				(void)pci_removal_wait(r->op);
				put_away(r);
			}
			plat_rcu_quiescent();
		}
	}
}
