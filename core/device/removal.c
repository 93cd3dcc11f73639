/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removal: request → holds → drain → quiesce → unlist → answer.
 *
 * An operation covers one device, or a device and all below it, children
 * first. For each it owns pdev->op, so that no other operation runs, and no
 * new hold or child comes, and a reference. All are taken in one critical
 * section under the segment lock, which also publishes children: so the set is
 * complete, and stays so.
 *
 * Why 0 is true (the rules are docs/lifetime.md; the counter's part is counter.h):
 *
 * P1  Draining starts when no hold is left, under pdev->lock; new holds are
 *     refused since pdev->op was taken. So none appears.
 * P2  DRAINING is stored before the grace period starts. A section that saw
 *     LIVE began before, so it has ended when the grace period has. A later
 *     section sees DRAINING, touches no hardware and gets no reference.
 * P3  After it (DRAINING, 2) is stable (C4): nobody but the registry and this
 *     operation has the device. Tested once more under the lock with the marks
 *     and the cancellation, committing is one step: before it everything can
 *     be undone by storing LIVE, and nobody has seen anything but "again";
 *     after it the operation goes on to its end.
 * P4  Only then the hardware is made quiet, without locks, and what the stages
 *     published is taken down. Then the tables forget the device and the
 *     registry's reference goes, asserting that it was the last but ours.
 *
 * A loss may come at any time. It sets a mark, which is tested after every
 * wait and, under the lock, in the two steps that cannot be undone; whoever
 * owns pdev->op lets go of it, and the loss does the rest.
 *
 * Waiting: asking waits for op->event, which everybody sets under pdev->lock
 * while pdev->removal points here. Draining waits for pdev->event, set by a
 * put that knows nothing of this operation. Each is cleared before the test.
 */
#include "device/removal_op.h"

/* Go on at once; wait for the event or the time in op->next; over. */
enum progress { GO_ON, WAIT, OVER };

/* --- deciding ------------------------------------------------------------------ */

static void decide(struct pci_removal *op, enum pci_removal_phase phase,
		   int result, const char *reason)
{
	op->outcome = phase;
	op->result = result;
	pci_lock(&op->lock);
	op->info.reason = reason;
	pci_unlock(&op->lock);
	op->step = STEP_LET_GO;
}

/*
 * A loss or a cancellation, as far as they still count. Of what was asked for
 * itself the answer is "lost"; the loss of a part leaves the rest, so that is
 * no answer for the whole.
 */
static bool interrupted(struct pci_removal *op)
{
	struct pci_dev *pdev;

	list_for_each(pdev, &op->members, struct pci_dev, removal_entry) {
		if (!pcidev_marked(pdev, PCI_MARK_LOST))
			continue;
		if (pdev->instance == op->info.instance)
			decide(op, PCI_REMOVAL_LOST, -ENODEV,
			       "it was pulled meanwhile");
		else
			decide(op, PCI_REMOVAL_BUSY, -EBUSY,
			       "a part of it was pulled meanwhile; try again");
		return true;
	}
	if (!removal_is_cancelled(op))
		return false;
	decide(op, PCI_REMOVAL_CANCELLED, -ECANCELED, NULL);
	return true;
}

static void busy(struct pci_removal *op, const char *reason)
{
	decide(op, PCI_REMOVAL_BUSY, -EBUSY, reason);
}

/* --- grace periods ------------------------------------------------------------- */

/* Wait for one where we may, else begin one that grace_is_over() asks for. */
static void begin_grace(struct pci_removal *op)
{
	op->grace_over = op->may_block;
	if (op->may_block)
		plat_rcu_synchronize();
	else
		op->gp = plat_gp_start();
}

/* One that was begun by a step may be waited for by pci_removal_wait(). */
static bool grace_is_over(struct pci_removal *op)
{
	if (!op->grace_over && op->may_block) {
		plat_rcu_synchronize();
		op->grace_over = true;
	}
	return op->grace_over || plat_gp_done(op->gp);
}

/* --- asking -------------------------------------------------------------------- */

/* Ask one hold that has not been asked; false: all have. */
static bool ask_one(const struct pci_removal *op, struct pci_dev *pdev)
{
	struct pci_hold *hold, *found = NULL;

	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	list_for_each(hold, &pdev->holds, struct pci_hold, entry) {
		if (!hold->asked && hold->ops && hold->ops->ask) {
			hold->asked = true;
			found = hold;
			break;
		}
	}
	pci_unlock(&pdev->lock);
	if (found)
		found->ops->ask(found, found->data, op->ask_until);
	plat_rcu_read_unlock();
	return found;
}

static void ask_all(struct pci_removal *op)
{
	struct pci_dev *pdev;

	list_for_each(pdev, &op->members, struct pci_dev, removal_entry)
		while (ask_one(op, pdev))
			;
}

static void cut_all(struct pci_removal *op)
{
	struct pci_dev *pdev;

	list_for_each(pdev, &op->members, struct pci_dev, removal_entry)
		pcidev_cut_holds(pdev);
}

static enum progress step_asking(struct pci_removal *op)
{
	struct removal_survey found;
	bool late = plat_now() >= op->ask_until;

	plat_event_clear(&op->event);
	if (interrupted(op))
		return GO_ON;
	if (op->info.flags & PCI_REMOVE_ASK)
		ask_all(op);
	removal_survey(op, &found);
	if (!found.foreign) {
		op->step = STEP_DRAIN;
		return GO_ON;
	}
	if (op->info.flags & PCI_REMOVE_FORCE &&
	    (!(op->info.flags & PCI_REMOVE_ASK) || late ||
	     found.refused == found.foreign)) {
		if (removal_commit(op))
			cut_all(op);
		return GO_ON;
	}
	if (!(op->info.flags & PCI_REMOVE_ASK)) {
		busy(op, "it is in use");
		return GO_ON;
	}
	if (found.refused && !(op->info.flags & PCI_REMOVE_FORCE)) {
		busy(op, "a holder refused");
		return GO_ON;
	}
	if (late) {
		busy(op, "a holder did not let go in time");
		return GO_ON;
	}
	op->next = op->ask_until;
	return WAIT;
}

/* --- draining ---------------------------------------------------------------- */

static struct pci_dev *current_member(struct pci_removal *op)
{
	return list_first(&op->members, struct pci_dev, removal_entry);
}

static enum progress step_drain(struct pci_removal *op)
{
	struct pci_dev *pdev = current_member(op);

	if (interrupted(op))
		return GO_ON;
	removal_phase(op, PCI_REMOVAL_DRAINING);
	op->until = plat_now() + PCI_DRAIN_TIME;
	if (op->until > op->deadline)
		op->until = op->deadline;

	pci_lock(&pdev->lock);
	HF_ASSERT(!pdev->nholds);
	plat_event_clear(&pdev->event);
	hf_store_relaxed(&pdev->again_until, plat_now() + PCI_DRAIN_TIME);
	pcidev_set_state(pdev, PCI_STATE_DRAINING);
	pci_unlock(&pdev->lock);

	pci_lock(&op->lock);
	op->info.grace_periods++;
	pci_unlock(&op->lock);
	op->step = STEP_GRACE;
	begin_grace(op); /* P2 */
	return GO_ON;
}

static enum progress step_grace(struct pci_removal *op)
{
	if (interrupted(op))
		return GO_ON;
	if (!grace_is_over(op)) {
		op->next = plat_now() + REMOVAL_POLL;
		return WAIT;
	}
	op->step = STEP_COUNT;
	return GO_ON;
}

enum drained { COMMITTED, NOT_YET, UNDONE };

/*
 * P3: the point of no return; or, if @late, back to work with nothing changed,
 * and a note of how many were in the way. One look under the lock: a test and a
 * report apart could refuse for a reference that is given back in between.
 */
static enum drained commit(struct pci_removal *op, struct pci_dev *pdev,
			   bool late)
{
	enum drained drained = NOT_YET;
	uint32_t count;

	pci_lock(&pdev->lock);
	count = life_count(&pdev->life);
	if (life_read(&pdev->life) == life_word(PCI_STATE_DRAINING, 2) &&
	    !pcidev_marked(pdev, PCI_MARK_LOST) && removal_commit(op)) {
		hf_store_relaxed(&pdev->again_until, PLAT_FOREVER);
		drained = COMMITTED;
	} else if (life_state(&pdev->life) != PCI_STATE_DRAINING) {
		drained = UNDONE; /* by a trap */
	} else if (late) {
		pcidev_set_state(pdev, PCI_STATE_LIVE);
		drained = UNDONE;
	}
	pci_unlock(&pdev->lock);
	if (drained == UNDONE) {
		pci_lock(&op->lock);
		op->info.refs = count > 2 ? count - 2 : 0;
		op->info.refs_on = pdev->desc.sbdf;
		pci_unlock(&op->lock);
	}
	return drained;
}

static enum progress step_count(struct pci_removal *op)
{
	struct pci_dev *pdev = current_member(op);
	bool late = plat_now() >= op->until; /* and then one more test */
	enum drained drained;

	plat_event_clear(&pdev->event);
	if (interrupted(op))
		return GO_ON;
	drained = commit(op, pdev, late);
	if (drained == COMMITTED) {
		removal_phase(op, PCI_REMOVAL_QUIESCING);
		op->stages_done = 0;
		op->until = plat_now() + PCI_QUIESCE_TIME;
		op->step = STEP_QUIESCE;
		return GO_ON;
	}
	if (drained == NOT_YET) {
		op->next = op->until;
		return WAIT;
	}
	if (plat_now() >= op->deadline && (op->info.refs || op->undone++)) {
		tracker_report(&pdev->tracker, pdev->desc.sbdf);
		busy(op, op->info.removed
				 ? "a part is removed, the rest is in use"
				 : "references are in flight");
		return GO_ON;
	}
	op->until = plat_now() + PCI_DRAIN_TIME;
	op->step = op->info.refs ? STEP_REST : STEP_DRAIN;
	return GO_ON;
}

/* The device works for a while, so that no access waits too long in a row. */
static enum progress step_rest(struct pci_removal *op)
{
	plat_event_clear(&op->event);
	if (interrupted(op))
		return GO_ON;
	op->next = op->until < op->deadline ? op->until : op->deadline;
	if (plat_now() < op->next)
		return WAIT;
	op->step = STEP_DRAIN;
	return GO_ON;
}

void pcidev_drain_expired(struct pci_dev *pdev)
{
	pci_lock(&pdev->lock);
	if (life_state(&pdev->life) == PCI_STATE_DRAINING &&
	    plat_now() >= hf_load_relaxed(&pdev->again_until)) {
		pcidev_set_state(pdev, PCI_STATE_LIVE);
		plat_event_set(&pdev->event);
	}
	pci_unlock(&pdev->lock);
}

/* --- quiescing ------------------------------------------------------------------ */

/* Rule 8: it will not become quiet. Nobody gets it again; its DMA stays off. */
static void give_up(struct pci_removal *op, struct pci_dev *pdev,
		    const char *why)
{
	if (!why)
		why = "it did not become quiet";
	pcidev_set_broken(pdev, why);
	pcidev_quarantine(pdev);
	pci_lock(&pdev->lock);
	pdev->returning = PCI_RETURN_NONE; /* it stays there */
	pci_unlock(&pdev->lock);
	decide(op, PCI_REMOVAL_FAILED, -EIO, why);
}

static enum progress step_quiesce(struct pci_removal *op)
{
	struct pci_dev *pdev = current_member(op);
	const char *why = NULL;
	int err;

	plat_event_clear(&op->event);
	err = pci_stages_quiesce(pdev, &op->stages_done, op->until, &why);
	if (interrupted(op))
		return GO_ON;
	if (err == -EINPROGRESS && plat_now() < op->until) {
		op->next = plat_now() + REMOVAL_POLL;
		return WAIT;
	}
	if (err)
		give_up(op, pdev, why);
	else
		op->step = STEP_UNLIST;
	return GO_ON;
}

static enum progress step_unlist(struct pci_removal *op)
{
	struct pci_dev *pdev = current_member(op);
	struct pci_host *host = pdev->pseg->host;

	/* Before the slot can be used again, or it would meet the new device. */
	if (host->ops->removed)
		host->ops->removed(host, pdev->desc.sbdf);
	if (!pcidev_unpublish(pdev, PCI_STATE_GONE)) {
		(void)interrupted(op);
		return GO_ON;
	}
	list_del(&pdev->removal_entry);
	pci_lock(&pdev->lock);
	pci_op_end(pdev);
	pci_unlock(&pdev->lock);
	pci_lock(&op->lock);
	op->info.removed++;
	pci_unlock(&op->lock);
	pcidev_put_final(pdev);
	pcidev_put(pdev); /* our own */
	if (list_empty(&op->members))
		decide(op, PCI_REMOVAL_REMOVED, 0, NULL);
	else
		op->step = STEP_ASK; /* the parent: its children are gone */
	return GO_ON;
}

/* --- the end ------------------------------------------------------------------------ */

/*
 * The members that are left go on living. One that its guest gave back is
 * still in quarantine and goes home, a grace period after it left the guest.
 */
static enum progress step_let_go(struct pci_removal *op)
{
	struct pci_dev *pdev;
	bool returning = false;

	list_for_each(pdev, &op->members, struct pci_dev, removal_entry) {
		pci_lock(&pdev->lock);
		if (life_state(&pdev->life) == PCI_STATE_DRAINING &&
		    !pcidev_marked(pdev, PCI_MARK_LOST))
			pcidev_set_state(pdev, PCI_STATE_LIVE);
		if (pdev->returning != PCI_RETURN_NONE) {
			pdev->returning = PCI_RETURN_WAITED;
			returning = true;
		}
		pci_unlock(&pdev->lock);
	}
	op->step = STEP_SETTLE;
	if (returning)
		begin_grace(op);
	op->settling = returning;
	return GO_ON;
}

/* It stays after all, and is not broken: what was hidden or quiet works again. */
static void undo(struct pci_removal *op, struct pci_dev *pdev)
{
	bool stays;

	pci_lock(&pdev->lock);
	stays = op->committed && pdev->returning == PCI_RETURN_NONE &&
		!pdev->broken && !pcidev_marked(pdev, PCI_MARK_LOST);
	pci_unlock(&pdev->lock);
	if (stays)
		pci_stages_restore(pdev);
}

static enum progress step_settle(struct pci_removal *op)
{
	struct pci_dev *pdev;

	plat_event_clear(&op->event);
	if (op->settling && !grace_is_over(op)) {
		op->next = plat_now() + REMOVAL_POLL;
		return WAIT;
	}
	while (!list_empty(&op->members)) {
		enum pci_returning returning;

		pdev = current_member(op);
		undo(op, pdev);
		pci_lock(&pdev->lock);
		returning = pdev->returning;
		if (returning == PCI_RETURN_NONE) {
			/* With the operation goes the right to the entry. */
			list_del(&pdev->removal_entry);
			pci_op_end(pdev);
		}
		pci_unlock(&pdev->lock);

		if (returning == PCI_RETURN_WAITED) {
			if (pci_stages_leave(pdev)) {
				op->next = plat_now() + REMOVAL_POLL;
				return WAIT;
			}
			if (pcidev_settle(pdev)) { /* it stays where it is */
				pci_lock(&pdev->lock);
				pdev->returning = PCI_RETURN_NONE;
				pci_unlock(&pdev->lock);
			}
		} else if (returning == PCI_RETURN_BEGUN) {
			op->step = STEP_LET_GO; /* since we looked */
			return GO_ON;
		} else {
			pcidev_put(pdev); /* our own */
		}
	}
	removal_finished(op);
	return OVER;
}

/* --- stepping ---------------------------------------------------------------------- */

static enum progress step_once(struct pci_removal *op)
{
	switch (op->step) {
	case STEP_ASK:
		return step_asking(op);
	case STEP_DRAIN:
		return step_drain(op);
	case STEP_GRACE:
		return step_grace(op);
	case STEP_COUNT:
		return step_count(op);
	case STEP_REST:
		return step_rest(op);
	case STEP_QUIESCE:
		return step_quiesce(op);
	case STEP_UNLIST:
		return step_unlist(op);
	case STEP_LET_GO:
		return step_let_go(op);
	case STEP_SETTLE:
		return step_settle(op);
	case STEP_OVER:
		break;
	}
	return OVER;
}

static enum progress advance(struct pci_removal *op)
{
	enum progress progress;

	do {
		progress = step_once(op);
	} while (progress == GO_ON);
	return progress;
}

int pci_removal_step(struct pci_removal *op)
{
	return advance(op) == OVER ? op->info.result : -EINPROGRESS;
}

uint64_t pci_removal_next(const struct pci_removal *op)
{
	return op->step == STEP_OVER ? 0 : op->next;
}

int pci_removal_wait(struct pci_removal *op)
{
	pci_assert_may_wait("a removal");
	op->may_block = true;
	while (advance(op) == WAIT)
		plat_event_wait(op->step == STEP_COUNT
					? &current_member(op)->event
					: &op->event,
				op->next);
	return op->info.result;
}
