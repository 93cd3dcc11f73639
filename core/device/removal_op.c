/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The removal operation: beginning, report, cancellation, end. The steps
 * between are in removal.c.
 */
#include "device/removal_op.h"

/* --- the report -------------------------------------------------------------------- */

static void note(struct pci_blocker *to, unsigned int *n, struct pci_dev *pdev,
		 const struct pci_hold *hold)
{
	if (*n < PCI_REMOVAL_MAX_BLOCKERS) {
		to[*n].sbdf = pdev->desc.sbdf;
		pci_hold_describe(hold, &to[*n].hold);
	}
	++*n;
}

/* What is bound for a guest goes with the device: the guest answers for both. */
static bool is_refused(struct pci_dev *pdev, const struct pci_hold *hold)
{
	const struct pci_hold *guest = pdev->assigned;

	return hold->refused || (hold->kind == PCI_HOLD_IRQ && guest &&
				 guest->refused && hold->data == guest->data);
}

/* Under both locks. */
static void survey_one(struct pci_removal *op, struct pci_dev *pdev,
		       struct removal_survey *found)
{
	struct pci_hold *hold;

	list_for_each(hold, &pdev->holds, struct pci_hold, entry) {
		if (hold->kind == PCI_HOLD_CHILD && op->info.flags)
			continue; /* it goes, too */
		found->foreign++;
		found->refused += is_refused(pdev, hold);
		note(op->info.blocker, &op->info.blockers, pdev, hold);
	}
}

/*
 * Counting and reporting are one look: a report that is made after the verdict
 * could find the holder gone, and name nobody.
 */
void removal_survey(struct pci_removal *op, struct removal_survey *found)
{
	struct pci_dev *pdev;

	*found = (struct removal_survey){ 0 };
	pci_lock(&op->lock);
	op->info.blockers = 0;
	pci_unlock(&op->lock);
	list_for_each(pdev, &op->members, struct pci_dev, removal_entry) {
		pci_lock(&pdev->lock);
		pci_lock(&op->lock);
		survey_one(op, pdev, found);
		pci_unlock(&op->lock);
		pci_unlock(&pdev->lock);
	}
}

void pci_removal_note_gone(struct pci_dev *pdev, const struct pci_hold *hold)
{
	struct pci_removal *op = pcidev_removal(pdev);

	if (!op || !(hold->asked || hold->cut))
		return;
	pci_lock(&op->lock);
	note(op->info.gave, &op->info.given_back, pdev, hold);
	pci_unlock(&op->lock);
}

void pci_removal_kick(struct pci_dev *pdev)
{
	struct pci_removal *op = pcidev_removal(pdev);

	if (op)
		plat_event_set(&op->event);
}

void pci_removal_query(struct pci_removal *op, struct pci_removal_info *info)
{
	pci_lock(&op->lock);
	*info = op->info;
	pci_unlock(&op->lock);
}

void removal_phase(struct pci_removal *op, enum pci_removal_phase phase)
{
	pci_lock(&op->lock);
	if (op->info.phase == phase && op->shown.started) {
		pci_unlock(&op->lock);
		return;
	}
	op->info.phase = phase;
	op->shown = op->info;
	pci_unlock(&op->lock);
	pci_event_post(PCI_EVENT_REMOVAL, op->info.sbdf, op->info.instance,
		       pci_removal_phase_name(phase));
	if (op->listener)
		op->listener(&op->shown, op->data);
}

void removal_finished(struct pci_removal *op)
{
	pci_lock(&op->lock);
	op->info.ended = plat_now();
	op->info.result = op->result;
	pci_unlock(&op->lock);
	op->step = STEP_OVER;
	if (!op->info.removed && (op->outcome == PCI_REMOVAL_BUSY ||
				  op->outcome == PCI_REMOVAL_CANCELLED))
		pci_stat_add(PCI_STAT_REFUSED, 1);
	removal_phase(op, op->outcome);
}

/* --- cancelling -------------------------------------------------------------------- */

bool removal_is_cancelled(struct pci_removal *op)
{
	bool cancelled;

	pci_lock(&op->lock);
	cancelled = op->cancelled;
	pci_unlock(&op->lock);
	return cancelled;
}

bool removal_commit(struct pci_removal *op)
{
	bool committed;

	pci_lock(&op->lock);
	if (!op->cancelled)
		op->committed = true;
	committed = op->committed;
	pci_unlock(&op->lock);
	return committed;
}

int pci_removal_cancel(struct pci_removal *op)
{
	int err = 0;

	pci_lock(&op->lock);
	if (op->info.ended)
		err = 0;
	else if (op->committed)
		err = -EINPROGRESS;
	else
		op->cancelled = true;
	pci_unlock(&op->lock);
	plat_event_set(&op->event);
	return err;
}

/* --- beginning -------------------------------------------------------------------- */

static void release_members(struct pci_removal *op)
{
	while (!list_empty(&op->members)) {
		struct pci_dev *pdev =
			list_first(&op->members, struct pci_dev, removal_entry);

		list_del(&pdev->removal_entry);
		pci_lock(&pdev->lock);
		pci_op_end(pdev);
		pci_unlock(&pdev->lock);
		pcidev_put(pdev);
	}
}

/* Under the segment lock: the operation owns @pdev's op from here on. */
static int add_member(struct pci_removal *op, struct pci_dev *pdev)
{
	int err;

	pci_lock(&pdev->lock);
	err = pci_op_begin(pdev, PCI_OP_REMOVE);
	if (!err) {
		pdev->removal = op;
		pcidev_get(pdev);
		list_add_tail(&pdev->removal_entry, &op->members);
		op->info.members++;
	}
	pci_unlock(&pdev->lock);
	return err;
}

/* Under the segment lock: @lead alone, or all of the card or subtree. */
static int add_members(struct pci_removal *op, struct pci_segment *pseg)
{
	bool slot = op->info.flags & PCI_REMOVE_SLOT;
	pci_sbdf_t lead = op->info.sbdf;
	struct pci_dev *pdev = pci_table_find(&pseg->table, lead);
	uint32_t bdf = 0xffff;
	int err = 0;

	if (!pdev && !slot)
		return -ENODEV;
	if (pdev)
		op->info.instance = pdev->instance;
	if (pdev && !slot && (!op->info.flags || !pdev->nchildren))
		return add_member(op, pdev);
	/* The card of a VF is the one that its PF is on. */
	for (; slot && pdev && pdev->desc.is_vf && pdev->parent;
	     pdev = pdev->parent)
		lead = pdev->parent->desc.sbdf;
	if (slot)
		lead.devfn &= 0xf8;
	else
		bdf = hf_load_relaxed(&pdev->last_below);
	while (!err && (pdev = pci_table_prev(&pseg->table, &bdf)) &&
	       bdf >= lead.bdf) {
		if (pcidev_is_below(pdev, lead, slot))
			err = add_member(op, pdev);
		if (!bdf--)
			break;
	}
	return err || op->info.members ? err : -ENODEV;
}

static void set_times(struct pci_removal *op, uint64_t timeout)
{
	op->info.started = plat_now();
	op->deadline = op->info.deadline = op->info.started + timeout;
	/* A cut-off must still leave time to drain. */
	op->ask_until = op->info.flags & PCI_REMOVE_FORCE
				? op->deadline - timeout / 4
				: op->deadline;
}

static bool is_registered(pci_sbdf_t sbdf)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	bool found;

	plat_rcu_read_lock();
	found = pci_table_find(&pseg->table, sbdf);
	plat_rcu_read_unlock();
	return found;
}

static struct pci_removal *op_alloc(pci_sbdf_t sbdf, unsigned int flags,
				    const char *who)
{
	struct pci_removal *op = plat_zalloc(sizeof(*op));
	size_t i;

	if (!op)
		return NULL;
	op->step = STEP_ASK;
	op->info.sbdf = sbdf;
	op->info.flags = flags;
	op->info.result = -EINPROGRESS;
	for (i = 0; who && who[i] && i < sizeof(op->info.who) - 1; i++)
		op->info.who[i] = who[i];
	list_init(&op->members);
	plat_event_init(&op->event);
	pci_lock_init(&op->lock, LOCK_LEAF, "removal", 0);
	return op;
}

static void op_free(struct pci_removal *op)
{
	pci_lock_destroy(&op->lock);
	plat_event_destroy(&op->event);
	plat_free(op);
}

int pci_removal_start(pci_sbdf_t sbdf, unsigned int flags, uint64_t timeout,
		      const char *who, pci_removal_listener listener,
		      void *data, struct pci_removal **out)
{
	const unsigned int known = PCI_REMOVE_ASK | PCI_REMOVE_FORCE |
				   PCI_REMOVE_SLOT;
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_removal *op;
	int err;

	if (flags & ~known || timeout > PCI_REMOVAL_MAX_TIMEOUT)
		return -EINVAL;
	if (!pseg)
		return -ENODEV;
	if (pseg->host->ops->read_only)
		return is_registered(sbdf) ? -EOPNOTSUPP : -ENODEV;
	op = op_alloc(sbdf, flags, who);
	if (!op)
		return -ENOMEM;
	op->listener = listener;
	op->data = data;
	set_times(op, timeout);

	pci_lock(&pseg->lock);
	err = add_members(op, pseg);
	if (err)
		release_members(op);
	pci_unlock(&pseg->lock);
	if (err) {
		op_free(op);
		return err;
	}
	removal_phase(op, PCI_REMOVAL_ASKING);
	*out = op;
	return 0;
}

void pci_removal_finish(struct pci_removal *op)
{
	if (!op)
		return;
	if (op->step != STEP_OVER) {
		pci_removal_cancel(op);
		pci_removal_wait(op);
	}
	op_free(op);
}

int pci_remove_device(pci_sbdf_t sbdf, unsigned int flags, uint64_t timeout,
		      struct pci_removal_info *info)
{
	struct pci_removal *op;
	int err = pci_removal_start(sbdf, flags, timeout, "", NULL, NULL, &op);

	if (err && info)
		*info = (struct pci_removal_info){ .sbdf = sbdf,
						   .flags = flags,
						   .result = err };
	if (err)
		return err;
	err = pci_removal_wait(op);
	if (info)
		pci_removal_query(op, info);
	pci_removal_finish(op);
	return err;
}
