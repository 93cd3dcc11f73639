/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What management can ask for: each verb is a function from a request to an
 * answer. A request is somebody's wish and nothing more: the core judges it.
 */
#include <holdfast/atomic.h>
#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>
#include <holdfast/reset.h>

#include <el2.h>

#include "mgmt.h"
#include "pins.h"
#include "removals.h"
#include "slot.h"
#include "smmuv3.h"
#include "use.h"

enum { MOST_HOLDS = 32 };

static hf_atomic(uint64_t) requests;

static const char by_admin[] = "an administrator's word";

/* --- saying --------------------------------------------------------------------- */

static void say(char *to, size_t size, const char *text)
{
	size_t i;

	for (i = 0; text && i < size - 1 && text[i]; i++)
		to[i] = text[i];
}

#define SAY(field, text) say(field, sizeof(field), text)

static uint64_t ms_since(uint64_t then)
{
	return (plat_now() - then) / PLAT_NSEC_PER_MSEC;
}

static const char *dma_name(enum iommu_mode mode)
{
	switch (mode) {
	case IOMMU_BLOCKED:
		return "blocked";
	case IOMMU_IDENTITY:
		return "identity";
	case IOMMU_SCRATCH:
		return "scratch page";
	case IOMMU_SPACE:
		return "a guest's";
	default:
		return "unknown";
	}
}

static uint32_t device_flags(const struct pci_dev_info *info)
{
	const struct pci_dev_desc *desc = &info->desc;

	return (info->lost ? MGMT_DEVICE_LOST : 0) |
	       (info->broken ? MGMT_DEVICE_BROKEN : 0) |
	       (info->hidden ? MGMT_DEVICE_HIDDEN : 0) |
	       (desc->hdr_type == PCI_HEADER_TYPE_BRIDGE ? MGMT_DEVICE_BRIDGE
							 : 0) |
	       (desc->has_slot ? MGMT_DEVICE_SLOT : 0) |
	       (desc->is_vf ? MGMT_DEVICE_VF : 0);
}

static void describe(const struct pci_dev_info *info, struct mgmt_device *out)
{
	const struct pci_dev_desc *desc = &info->desc;
	struct pci_iommu_info dma;

	*out = (struct mgmt_device){
		.instance = info->instance,
		.age_ms = ms_since(info->added),
		.sbdf = desc->sbdf.sbdf,
		.parent = desc->parent.sbdf,
		.vendor = desc->ident.vendor,
		.device = desc->ident.device,
		.class_rev = desc->ident.class_rev,
		.refs = info->refs,
		.holds = info->holds,
		.children = info->children,
		.flags = device_flags(info),
		.owner = info->owner,
	};
	SAY(out->owner_name, info->owner_name);
	SAY(out->state, pci_state_name(info->state));
	SAY(out->type, pci_dev_type_name(desc->type));
	SAY(out->op, info->op ? pci_op_name(info->op) : "");
	SAY(out->broken, info->broken);
	if (pci_iommu_query(desc->sbdf, &dma))
		return;
	SAY(out->dma, dma_name(dma.mode));
	out->faults = (uint32_t)dma.fault.total;
}

static void describe_hold(pci_sbdf_t sbdf, const struct pci_hold_info *hold,
			  uint32_t total, struct mgmt_hold *out)
{
	*out = (struct mgmt_hold){
		.since_ms = ms_since(hold->since),
		.sbdf = sbdf.sbdf,
		.child = hold->child.sbdf,
		.flags = (hold->can_ask ? MGMT_HOLD_CAN_ASK : 0) |
			 (hold->asked ? MGMT_HOLD_ASKED : 0) |
			 (hold->refused ? MGMT_HOLD_REFUSED : 0) |
			 (hold->cut ? MGMT_HOLD_CUT : 0),
		.total = total,
	};
	SAY(out->kind, pci_hold_kind_name(hold->kind));
	SAY(out->who, hold->who);
}

/* --- devices ---------------------------------------------------------------------- */

static int do_next(pci_sbdf_t sbdf, const struct mgmt_request *r,
		   union mgmt_answer *a)
{
	struct pci_dev_info info;
	int seg, err = -ENOENT;

	(void)r;
	for (seg = pci_segment_next(sbdf.seg); seg >= 0 && err;
	     seg = pci_segment_next((unsigned int)seg + 1)) {
		if (seg != sbdf.seg)
			sbdf = (pci_sbdf_t){ .seg = (uint16_t)seg };
		err = pci_query_next(sbdf, &info);
	}
	if (!err)
		describe(&info, &a->device);
	return err;
}

static int do_show(pci_sbdf_t sbdf, const struct mgmt_request *r,
		   union mgmt_answer *a)
{
	struct pci_dev_info info;
	int err = pci_query(sbdf, &info);

	(void)r;
	if (!err)
		describe(&info, &a->device);
	return err;
}

static int do_holder(pci_sbdf_t sbdf, const struct mgmt_request *r,
		     union mgmt_answer *a)
{
	struct pci_hold_info hold[MOST_HOLDS];
	int n = pci_holds_query(sbdf, hold, MOST_HOLDS);

	if (n < 0)
		return n;
	if (r->index >= (uint32_t)n || r->index >= MOST_HOLDS)
		return -ENOENT;
	describe_hold(sbdf, &hold[r->index], (uint32_t)n, &a->hold);
	return 0;
}

/* --- removal ------------------------------------------------------------------------- */

/* Functions that are registered on the card at @sbdf. */
static uint32_t count_card(pci_sbdf_t sbdf)
{
	pci_sbdf_t cursor = sbdf;
	uint32_t n = 0;

	cursor.devfn &= 0xf8;
	while (!pci_slot_next(sbdf, &cursor)) {
		n++;
		if (!++cursor.bdf)
			break;
	}
	return n;
}

static void describe_removal(const struct pci_removal_info *info,
			     struct mgmt_removal *out)
{
	uint64_t now = plat_now();

	*out = (struct mgmt_removal){
		.begun_ms = (now - info->started) / PLAT_NSEC_PER_MSEC,
		.left_ms = info->ended            ? info->ended - info->started
			   : now < info->deadline ? info->deadline - now
						  : 0,
		.sbdf = info->sbdf.sbdf,
		.result = info->result,
		.flags = info->flags,
		.members = info->members,
		.removed = info->removed,
		.blockers = info->blockers,
		.given_back = info->given_back,
		.refs = info->refs,
		.grace_periods = info->grace_periods,
	};
	out->left_ms /= PLAT_NSEC_PER_MSEC;
	SAY(out->phase, pci_removal_phase_name(info->phase));
	SAY(out->who, info->who);
	SAY(out->reason, info->reason);
}

static int do_removal(pci_sbdf_t sbdf, const struct mgmt_request *r,
		      union mgmt_answer *a)
{
	const struct pci_removal_info *info = removals_lock(sbdf);

	(void)r;
	if (info)
		describe_removal(info, &a->removal);
	removals_unlock();
	a->removal.still_on_card = info ? count_card(sbdf) : 0;
	return info ? 0 : -ENOENT;
}

static int do_remove(pci_sbdf_t sbdf, const struct mgmt_request *r,
		     union mgmt_answer *a)
{
	unsigned int flags = 0;
	int err;

	if (r->flags &
	    ~(MGMT_REMOVE_ASK | MGMT_REMOVE_FORCE | MGMT_REMOVE_SLOT))
		return -EINVAL;
	if (r->flags & MGMT_REMOVE_ASK)
		flags |= PCI_REMOVE_ASK;
	if (r->flags & MGMT_REMOVE_FORCE)
		flags |= PCI_REMOVE_FORCE;
	if (r->flags & MGMT_REMOVE_SLOT)
		flags |= PCI_REMOVE_SLOT;
	err = removals_start(sbdf, flags, r->timeout_ms * PLAT_NSEC_PER_MSEC,
			     r->who);
	if (err)
		return err;
	removals_poll(); /* what can be told at once is told at once */
	return do_removal(sbdf, r, a);
}

static int do_blocker(pci_sbdf_t sbdf, const struct mgmt_request *r,
		      union mgmt_answer *a)
{
	const struct pci_removal_info *info = removals_lock(sbdf);
	int err = -ENOENT;

	if (info && r->index < info->blockers &&
	    r->index < PCI_REMOVAL_MAX_BLOCKERS) {
		const struct pci_blocker *b = &info->blocker[r->index];

		describe_hold(b->sbdf, &b->hold, info->blockers, &a->hold);
		err = 0;
	}
	removals_unlock();
	return err;
}

static int do_cancel(pci_sbdf_t sbdf, const struct mgmt_request *r,
		     union mgmt_answer *a)
{
	int err = removals_cancel(sbdf);

	(void)r;
	(void)a;
	removals_poll();
	return err;
}

static int do_refuse(pci_sbdf_t sbdf, const struct mgmt_request *r,
		     union mgmt_answer *a)
{
	int err = use_refuse(sbdf);

	(void)r;
	(void)a;
	removals_poll();
	return err;
}

/* --- coming and going ------------------------------------------------------------- */

/*
 * A card that was put in has just been powered on, so it is reset. What cannot
 * be is taken as it is; what fails is in quarantine, and says so.
 */
static void start_afresh(pci_sbdf_t sbdf)
{
	pci_sbdf_t at = sbdf;
	const char *why;
	int err;

	at.devfn &= 0xf8;
	while (!pci_slot_next(sbdf, &at)) {
		why = "it is not available";
		err = pci_reset_device(at, PCI_RESET_ANY, NULL, &why);
		if (err && err != -EOPNOTSUPP)
			plat_log(PLAT_WARN, "reset of %x: error %d, %s",
				 at.sbdf, -err, why);
		if (!++at.bdf)
			break;
	}
}

static int add_at(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;
	struct pci_scan scan;
	bool known = !pci_query(sbdf, &info);
	int err = pci_scan_slot(sbdf, &scan);

	if (!err && scan.failed)
		err = scan.error;
	if (!err && !scan.found)
		err = -ENODEV;
	if (!err && !known)
		start_afresh(sbdf);
	return err;
}

/* First the card, then its slot says so: who listens looks at once. */
static int do_add(pci_sbdf_t sbdf, const struct mgmt_request *r,
		  union mgmt_answer *a)
{
	int bus = slot_bus(sbdf), err;

	(void)r;
	(void)a;
	if (slot_is_switching(sbdf))
		return -EAGAIN;
	if (bus >= 0 && sbdf.bus != bus)
		sbdf = pci_sbdf(sbdf.seg, (uint8_t)bus, 0, 0);
	err = add_at(sbdf);
	if (!err && bus >= 0)
		slot_filled(sbdf);
	use_look_at_all();
	return err;
}

static int do_lose(pci_sbdf_t sbdf, const struct mgmt_request *r,
		   union mgmt_answer *a)
{
	int err = pci_mark_lost(sbdf);

	(void)r;
	(void)a;
	if (err)
		return err;
	removals_end_lost(sbdf);
	err = pci_device_lost(sbdf);
	slot_removal_over(sbdf);
	use_look_at_all();
	pins_sweep();
	return err == -ENODEV ? 0 : err;
}

static int do_quarantine(pci_sbdf_t sbdf, const struct mgmt_request *r,
			 union mgmt_answer *a)
{
	int err = pci_quarantine_device(sbdf, by_admin);

	(void)r;
	(void)a;
	use_look_at(sbdf);
	return err;
}

static int do_release(pci_sbdf_t sbdf, const struct mgmt_request *r,
		      union mgmt_answer *a)
{
	const char *why = NULL;
	int err = pci_unquarantine_device(sbdf, &why);

	(void)r;
	SAY(a->text.text, why);
	use_look_at(sbdf);
	return err;
}

static int do_pin(pci_sbdf_t sbdf, const struct mgmt_request *r,
		  union mgmt_answer *a)
{
	(void)a;
	return pins_add(sbdf, r->who);
}

static int do_unpin(pci_sbdf_t sbdf, const struct mgmt_request *r,
		    union mgmt_answer *a)
{
	(void)a;
	return pins_drop(sbdf, r->who);
}

/* --- the whole --------------------------------------------------------------------- */

static int do_stats(pci_sbdf_t sbdf, const struct mgmt_request *r,
		    union mgmt_answer *a)
{
	struct plat_pool_stats pool;
	struct pci_stats stats;

	(void)sbdf;
	(void)r;
	pci_get_stats(&stats);
	plat_pool_stats(&pool);
	a->stats = (struct mgmt_stats){
		.devices = stats.devices,
		.objects = stats.objects,
		.added = stats.added,
		.removed = stats.removed,
		.lost = stats.lost,
		.refused = stats.refused,
		.pool_size = pool.size,
		.pool_used = pool.used,
		.pool_peak = pool.peak,
		.pool_failed = pool.failed,
		.events = mgmt_ring_count(),
		.uptime_ms = plat_now() / PLAT_NSEC_PER_MSEC,
		.requests = hf_load_relaxed(&requests),
		.dma_faults = smmu_refused(),
	};
	board_traffic(&a->stats.config_reads, &a->stats.config_writes);
	return 0;
}

static int do_check(pci_sbdf_t sbdf, const struct mgmt_request *r,
		    union mgmt_answer *a)
{
	uint64_t begun = removals_begun();
	int err = removals_run() ? -EALREADY : do_stats(sbdf, r, a);

	if (err)
		return err;
	a->stats.broken = pci_check_invariants();
	/* One that another CPU began meanwhile may have been seen half-way. */
	return removals_begun() != begun ? -EALREADY : 0;
}

static int do_guest(pci_sbdf_t sbdf, const struct mgmt_request *r,
		    union mgmt_answer *a)
{
	(void)r;
	return board_guest(MGMT_GUEST, sbdf, &a->guest);
}

/* Not what the hardware domain works with: that would be taken from it. */
static int do_guest_start(pci_sbdf_t sbdf, const struct mgmt_request *r,
			  union mgmt_answer *a)
{
	struct pci_hold_info hold;
	int n = pci_holds_query(sbdf, &hold, 1);

	(void)r;
	if (n)
		return n < 0 ? n : -EBUSY;
	return board_guest(MGMT_GUEST_START, sbdf, &a->guest);
}

static int do_guest_stop(pci_sbdf_t sbdf, const struct mgmt_request *r,
			 union mgmt_answer *a)
{
	(void)r;
	return board_guest(MGMT_GUEST_STOP, sbdf, &a->guest);
}

/* --- all verbs ----------------------------------------------------------------------- */

typedef int verb_fn(pci_sbdf_t sbdf, const struct mgmt_request *r,
		    union mgmt_answer *a);

static verb_fn *const verb[] = {
	[MGMT_NEXT] = do_next,
	[MGMT_SHOW] = do_show,
	[MGMT_HOLDER] = do_holder,
	[MGMT_REMOVE] = do_remove,
	[MGMT_REMOVAL] = do_removal,
	[MGMT_BLOCKER] = do_blocker,
	[MGMT_CANCEL] = do_cancel,
	[MGMT_REFUSE] = do_refuse,
	[MGMT_ADD] = do_add,
	[MGMT_LOSE] = do_lose,
	[MGMT_QUARANTINE] = do_quarantine,
	[MGMT_RELEASE] = do_release,
	[MGMT_PIN] = do_pin,
	[MGMT_UNPIN] = do_unpin,
	[MGMT_STATS] = do_stats,
	[MGMT_CHECK] = do_check,
	[MGMT_GUEST] = do_guest,
	[MGMT_GUEST_START] = do_guest_start,
	[MGMT_GUEST_STOP] = do_guest_stop,
};

/* It ends, and holds nothing that a terminal or a log would obey. */
static bool who_is_valid(const struct mgmt_request *r)
{
	size_t i;

	for (i = 0; i < sizeof(r->who) && r->who[i]; i++)
		if (r->who[i] < ' ' || r->who[i] > '~')
			return false;
	return i < sizeof(r->who);
}

int mgmt_do(uint32_t number, const struct mgmt_request *request,
	    union mgmt_answer *answer)
{
	hf_fetch_add_relaxed(&requests, 1);
	if (number >= ARRAY_SIZE(verb) || !verb[number])
		return -ENOSYS;
	if (request->version != MGMT_VERSION)
		return -EOPNOTSUPP;
	if (!who_is_valid(request))
		return -EINVAL;
	return verb[number](pci_sbdf_from(request->sbdf), request, answer);
}
