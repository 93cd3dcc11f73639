/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of the device layer: finding, adding, removing, losing, owners. */
#include <string.h>

#include "ops.h"

#define TIMEOUT (1000 * MSEC)

/* --- finding ---------------------------------------------------------------------- */

static int lookup(struct actor *me)
{
	bool gone = op_done(me, ENDS) && !op_may(me, ADDS);
	struct pci_dev *pdev;
	int err = pci_lookup(NULL, CARD, &pdev);

	if (err)
		return err;
	ensure(!gone);
	world_touch(pdev);
	pcidev_put(pdev);
	return 0;
}

/* As the guest's, by both addresses; and nobody else's. */
static int lookup_guest(struct actor *me)
{
	bool taken = op_done(me, TAKES);
	struct pci_dev *pdev = pci_get_pdev(guest_one, CARD);
	bool both = pdev;

	ensure(!pdev || !taken);
	if (pdev)
		world_touch(pdev);
	pcidev_put(pdev);
	pdev = vpci_get_pdev(guest_one, GUEST_SLOT);
	ensure(!pdev || !taken);
	if (pdev)
		world_touch(pdev);
	both &= !!pdev;
	pcidev_put(pdev);
	return both || !op_in_guest() ? 0 : -ENODEV;
}

/* From the neighbour on, which stays: the buses before it are but steps. */
static int walk(struct actor *me)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, PF_NEIGHBOUR);
	uint32_t last;
	unsigned int n = 0;

	(void)me;
	if (!pdev)
		pdev = world_get(CARD_NEIGHBOUR);
	last = pcidev_sbdf(pdev).sbdf;
	while ((pdev = pci_next_pdev(0, pdev))) {
		ensure(pcidev_sbdf(pdev).sbdf > last);
		last = pcidev_sbdf(pdev).sbdf;
		n++;
	}
	ensure(n <= 1);
	return n ? 0 : -ENODEV;
}

static int query(struct actor *me)
{
	struct pci_hold_info hold[4];
	struct pci_dev_info info;
	int err = pci_query(CARD, &info), n;

	if (err)
		return err;
	ensure(info.state != PCI_STATE_DRAINING || op_may(me, REMOVES));
	ensure(info.op == PCI_OP_NONE || op_may(me, RUNS));
	ensure(info.has_vsbdf == (info.owner == 1 || info.owner == 2));
	n = pci_holds_query(CARD, hold, ARRAY_SIZE(hold));
	ensure(n >= 0 || op_may(me, ENDS | MAY_END));
	return n < 0 ? n : 0;
}

/* --- adding ------------------------------------------------------------------------- */

static int add(struct actor *me)
{
	struct pci_dev_info info;
	int err = world_add(CARD, 1);

	if (err)
		return err;
	err = pci_query(CARD, &info);
	ensure(!err || op_may(me, ENDS | MAY_END));
	return op_left(me, 0, err || op_other_card(&info) ? LEFT_HOST : 0);
}

static int add_other(struct actor *me)
{
	struct pci_dev_info info;
	int err = world_add(CARD, 2);

	/* Busy: the old is on its way out, by another's hand, or has gone. */
	if (err == -EBUSY && pci_query(CARD, &info) == -ENODEV)
		me->left = LEFT_NOBODY;
	if (err)
		return err;
	err = pci_query(CARD, &info);
	ensure(!err || op_may(me, ENDS | MAY_END | ADDS));
	ensure(err || op_other_card(&info));
	ensure(err || info.desc.ident.subdevice == 2 || op_may(me, ADDS));
	return op_left(me, 0, LEFT_HOST);
}

/* --- removing ------------------------------------------------------------------------ */

static void is_gone(struct actor *me)
{
	struct pci_dev_info info;

	if (op_may(me, ADDS))
		return;
	ensure(world_promised(CARD));
	ensure(pci_query(CARD, &info) == -ENODEV);
	ensure(!pci_get_pdev(NULL, CARD));
	ensure(!vpci_get_pdev(guest_one, GUEST_SLOT));
	ensure(!unit_vectors() && !world_mapped_at());
	ensure(unit_dma() == UNIT_NOTHING);
}

static int removed(struct actor *me, int err)
{
	if (!err)
		is_gone(me);
	return op_left(me, err, LEFT_NOBODY);
}

static int remove_plain(struct actor *me)
{
	int err = world_remove(CARD, 0, TIMEOUT);

	ensure(err != -EBUSY || world_report.blockers || world_report.refs ||
	       world_report.phase != PCI_REMOVAL_BUSY);
	return removed(me, err);
}

/* A guest that is asked gives back, and then goes on; or the other refuses. */
static int remove_ask(struct actor *me)
{
	struct pci_removal *op;
	int err = pci_removal_start(CARD, PCI_REMOVE_ASK, TIMEOUT, "test", NULL,
				    NULL, &op);

	if (err)
		return err;
	if (pci_removal_step(op) == -EINPROGRESS && world_asked() &&
	    !op_may(me, REFUSES) && !pci_domain_return(guest_one, CARD))
		me->left |= LEFT_HOST;
	err = pci_removal_wait(op);
	pci_removal_finish(op);
	me->worked = op_may(me, REFUSES) && err == -EBUSY;
	return removed(me, err);
}

static int remove_force(struct actor *me)
{
	return removed(me, world_remove(CARD, PCI_REMOVE_FORCE, TIMEOUT));
}

/* A guest that is asked does not answer. */
static int remove_cancel(struct actor *me)
{
	struct pci_removal *op;
	int err = pci_removal_start(CARD, op_in_guest() ? PCI_REMOVE_ASK : 0,
				    TIMEOUT, "test", NULL, NULL, &op);

	if (err)
		return err;
	if (op_in_guest())
		(void)pci_removal_step(op);
	ensure(pci_removal_cancel(op) != -EINPROGRESS);
	err = pci_removal_wait(op);
	pci_removal_finish(op);
	return err == -ECANCELED ? 0 : removed(me, err);
}

/* --- losing ----------------------------------------------------------------------------- */

static int lose(struct actor *me)
{
	int err = world_lose(CARD);

	if (err == -EALREADY) /* and has done it */
		me->left = LEFT_NOBODY;
	return removed(me, err);
}

static int mark_lost(struct actor *me)
{
	return op_left(me, world_mark_lost(CARD), LEFT_ANYHOW);
}

/* --- using ------------------------------------------------------------------------------- */

static void prepare_hold(struct actor *me)
{
	ensure(!world_hold_take(&me->hold[0], CARD));
}

/* A cut-off may be on its way to be told. */
static void release(struct actor *me, struct world_hold *h)
{
	if (!pci_hold_release(h->hold))
		ensure(h->cuts <= 1 && op_may(me, ENDS | MAY_END));
}

/* One that was there before; and another. */
static int hold(struct actor *me)
{
	int err;

	release(me, &me->hold[0]);
	err = world_hold_take(&me->hold[1], CARD);
	if (!err)
		release(me, &me->hold[1]);
	return err;
}

static int read_only(struct actor *me)
{
	struct pci_dev *pdev;
	int err = pci_lookup(NULL, CARD, &pdev);

	(void)me;
	if (err)
		return err;
	pcidev_set_read_only(pdev, true);
	pcidev_set_read_only(pdev, false);
	pcidev_put(pdev);
	return 0;
}

/* --- owners ------------------------------------------------------------------------------- */

/* Two of them are for two guests. */
static int assign(struct actor *me)
{
	bool second = me->self && me->other->op == me->op;
	struct domain *d = second ? guest_two : guest_one;
	struct pci_assign_report report;
	pci_sbdf_t at = GUEST_SLOT;
	int err = pci_assign_device(d, CARD, 0, &at, &report);

	ensure(err != -EBUSY || report.who[0]);
	if (!err)
		ensure(world_trap(d, GUEST_SLOT) ||
		       op_may(me, ENDS | MAY_END | TAKES | MAY_TAKE));
	return op_left(me, err, second ? LEFT_TWO : LEFT_ONE);
}

static void is_taken(struct actor *me)
{
	if (op_may(me, GIVES))
		return;
	ensure(!world_trap(guest_one, GUEST_SLOT));
	ensure(pci_owner(CARD) != 1 && !domain_devices(guest_one));
	ensure(!world_mapped_at() && unit_dma() != UNIT_GUEST);
}

static int deassign(struct actor *me)
{
	int err = pci_deassign_device(guest_one, CARD, 0, NULL);

	if (!err)
		is_taken(me);
	return op_left(me, err, LEFT_HOST);
}

static int give_back(struct actor *me)
{
	int err = pci_domain_return(guest_one, CARD);

	if (!err)
		is_taken(me);
	return op_left(me, err, LEFT_HOST);
}

/* When it is asked, if it ever will be: it keeps what it has. */
static int refuse(struct actor *me)
{
	bool taken;
	int err;

	while (op_may(me, ASKS) && !me->other->ended && !world_asked())
		explore_yield();
	taken = op_done(me, TAKES);
	err = pci_domain_refuse(guest_one, CARD);

	ensure(err || !taken);
	return err;
}

static int hide(struct actor *me)
{
	int err = pci_hide_device(CARD, true);

	if (!err)
		ensure(!world_trap(guest_one, GUEST_SLOT));
	return op_left(me, err, LEFT_HIDDEN);
}

/* There, and back. */
static int unhide(struct actor *me)
{
	int err = hide(me);

	return err ? err : op_left(me, pci_hide_device(CARD, false), LEFT_HOST);
}

/* Unfit, and fit again: where it was, or home. Refused, it is unfit still. */
static int mend(struct actor *me)
{
	struct pci_dev *pdev;
	int err = pci_lookup(NULL, CARD, &pdev);

	if (err)
		return err;
	pcidev_set_broken(pdev, "an administrator's word");
	err = pcidev_mend(pdev);
	pcidev_put(pdev);
	if (op_in_guest())
		me->left |= LEFT_ONE;
	if (err)
		me->left |= LEFT_HOST | LEFT_IO;
	return op_left(me, err, LEFT_HOST);
}

static int destroy(struct actor *me)
{
	int err = domain_destroy(guest_one);

	if (!err) {
		ensure(!world_trap(guest_one, GUEST_SLOT));
		ensure(!domain_devices(guest_one) && !world_mapped_at());
		ensure(unit_dma() != UNIT_GUEST);
	}
	return op_left(me, err, LEFT_HOST);
}

const struct op ops_device[] = {
	{ .name = "lookup",
	  .rule = "rules 2, 4: a lookup is counted, and good until its put",
	  .worlds = HOST | GUEST,
	  .run = lookup,
	  .excuse = { { -ENODEV, ENDS | MAY_END }, { -EBUSY, REMOVES } } },
	{ .name = "lookup_guest",
	  .rule = "R5, R16: found through a domain: counted, and its own",
	  .worlds = HOST | GUEST,
	  .run = lookup_guest,
	  .excuse = { { -ENODEV,
			ENDS | MAY_END | TAKES | MAY_TAKE | REMOVES } } },
	{ .name = "walk",
	  .rule = "H1, H6: a walk is in order, and misses nobody who stays",
	  .worlds = HOST | GUEST,
	  .run = walk,
	  .excuse = { { -ENODEV, ENDS | MAY_END | REMOVES } } },
	{ .name = "query",
	  .rule = "rule 13: a query tells what is there",
	  .worlds = HOST | GUEST,
	  .run = query,
	  .excuse = { { -ENODEV, ENDS | MAY_END } } },
	{ .name = "add",
	  .rule = "rule 16: added again, it is there, and the same",
	  .worlds = HOST | GUEST,
	  .does = ADDS,
	  .run = add,
	  .excuse = { { -EBUSY, RUNS | MARKS | ADDS } } },
	{ .name = "add_other",
	  .rule = "rule 16: other hardware: the old was lost",
	  .worlds = HOST | GUEST,
	  .does = ADDS | RUNS | MAY_END | LOSES | TAKES | MAY_TAKE,
	  .run = add_other,
	  .excuse = { { -EBUSY, RUNS | MARKS | ADDS } } },
	{ .name = "remove",
	  .rule = "rules 6, 7: removed: nobody touches it; or nothing changed",
	  .worlds = HOST,
	  .does = RUNS | REMOVES | ENDS | TAKES,
	  .run = remove_plain,
	  .excuse = { { -EBUSY, IN_GUEST | RUNS | HOLDS | GIVES },
		      { -EALREADY, REMOVES },
		      { -ENODEV, ENDS | MAY_END } } },
	{ .name = "remove_ask",
	  .rule = "rule 9: the guest is asked, and lets go",
	  .worlds = HOST | GUEST,
	  .does = RUNS | REMOVES | ASKS | ENDS | TAKES | MAY_TAKE,
	  .run = remove_ask,
	  .excuse = { { -EBUSY, RUNS | REFUSES },
		      { -EALREADY, REMOVES },
		      { -ENODEV, ENDS | MAY_END } } },
	{ .name = "remove_force",
	  .rule = "rule 9: no guest keeps the host from its device",
	  .worlds = HOST | GUEST,
	  .does = RUNS | REMOVES | ENDS | TAKES | MAY_TAKE,
	  .run = remove_force,
	  .excuse = { { -EBUSY, RUNS },
		      { -EALREADY, REMOVES },
		      { -ENODEV, ENDS | MAY_END } } },
	{ .name = "remove_cancel",
	  .rule = "rule 7: cancelled: nothing changed",
	  .worlds = HOST | GUEST,
	  .does = RUNS | REMOVES | ASKS | MAY_END,
	  .run = remove_cancel,
	  .excuse = { { -EBUSY, RUNS | GIVES | REFUSES },
		      { -EALREADY, REMOVES },
		      { -ENODEV, ENDS | MAY_END } } },
	{ .name = "lost",
	  .rule = "rule 10: lost: revoked, and the slot is free",
	  .worlds = HOST | GUEST,
	  .does = RUNS | ENDS | LOSES | TAKES | MAY_TAKE,
	  .run = lose,
	  .excuse = { { -ENODEV, ENDS | MAY_END },
		      { -EALREADY, LOSES | REMOVES | ADDS | DIES } } },
	{ .name = "mark_lost",
	  .rule = "rule 10: marked: after a grace period nobody touches it",
	  .worlds = HOST | GUEST,
	  .does = MAY_END | MARKS | MAY_TAKE,
	  .run = mark_lost,
	  .excuse = { { -ENODEV, ENDS | MAY_END } } },
	{ .name = "hold",
	  .rule = "rule 1: a hold ends once, and is no hindrance to a force",
	  .worlds = HOST | GUEST,
	  .does = HOLDS,
	  .prepare = prepare_hold,
	  .run = hold,
	  .excuse = { { -EBUSY, REMOVES | RUNS },
		      { -ENODEV, ENDS | MAY_END } } },
	{ .name = "read_only",
	  .rule = "marked read-only, and again not, whoever has it",
	  .worlds = HOST | GUEST,
	  .does = LOCKS,
	  .run = read_only,
	  .excuse = { { -ENODEV, ENDS | MAY_END }, { -EBUSY, REMOVES } } },
	{ .name = "assign",
	  .rule = "R13: it becomes the guest's whole, or not; busy says who",
	  .worlds = HOST,
	  .moves = true,
	  .does = RUNS | GIVES,
	  .run = assign,
	  .excuse = { { -EBUSY, IN_GUEST | RUNS | GIVES },
		      { -ENODEV, ENDS | MAY_END },
		      { -EINVAL, DIES },
		      { -EBADF, CONFINES },
		      { -EIO, BREAKS } } },
	{ .name = "deassign",
	  .rule = "rules 12, 15: taken back: the guest reaches nothing of it",
	  .worlds = GUEST,
	  .moves = true,
	  .does = RUNS | TAKES | MAY_TAKE,
	  .run = deassign,
	  .excuse = { { -EBUSY, RUNS },
		      { -ENODEV, ENDS | MAY_END | TAKES | MAY_TAKE },
		      { -EIO, FAULTS | BREAKS } } },
	{ .name = "return",
	  .rule = "rule 8: given back, it stays given back",
	  .worlds = GUEST,
	  .moves = true,
	  .does = RUNS | TAKES | MAY_TAKE,
	  .run = give_back,
	  .excuse = { { -ENODEV, ENDS | MAY_END | TAKES | MAY_TAKE } } },
	{ .name = "refuse",
	  .rule = "rule 9: a guest that refuses keeps it, unless it is forced",
	  .worlds = GUEST,
	  .does = REFUSES,
	  .run = refuse,
	  .excuse = { { -ENODEV, ENDS | MAY_END | TAKES | MAY_TAKE } } },
	{ .name = "hide",
	  .rule = "hidden: neither guests nor the hardware domain reach it",
	  .worlds = HOST,
	  .moves = true,
	  .does = RUNS | HIDES,
	  .run = hide,
	  .excuse = { { -EBUSY, IN_GUEST | RUNS | GIVES },
		      { -ENODEV, ENDS | MAY_END },
		      { -EBADF, CONFINES },
		      { -EIO, BREAKS } } },
	{ .name = "unhide",
	  .rule = "hidden and back: as if nothing had been",
	  .worlds = HOST,
	  .moves = true,
	  .does = RUNS | HIDES,
	  .run = unhide,
	  .excuse = { { -EBUSY, IN_GUEST | RUNS | GIVES },
		      { -ENODEV, ENDS | MAY_END },
		      { -EBADF, CONFINES },
		      { -EIO, FAULTS | BREAKS } } },
	{ .name = "mend",
	  .rule = "broken, it is given to nobody; mended, it is fit again",
	  .worlds = HOST,
	  .moves = true,
	  .does = RUNS | CONFINES | BREAKS,
	  .run = mend,
	  .excuse = { { -EBUSY, RUNS | REMOVES },
		      { -ENODEV, ENDS | MAY_END },
		      { -EIO, FAULTS | BREAKS } } },
	{ .name = "destroy",
	  .rule = "rule 12: the guest dies, and has nothing any more",
	  .worlds = HOST | GUEST,
	  .moves = true,
	  .does = RUNS | TAKES | MAY_TAKE | DIES,
	  .run = destroy,
	  .excuse = { { -EALREADY, DIES } } },
	{ .name = NULL },
};
