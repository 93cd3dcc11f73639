/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose a device is: moving it between domains, and what core/iommu makes
 * assignments of.
 *
 * Every move is one critical section under both domains' locks (the lower id
 * first) and pdev->lock: list, owner, guest address and the ASSIGNED hold
 * change together, so nobody ever sees a device on no list, or on two, or with
 * an owner whose list it is not on (rule 12, H12, H13).
 *
 * On its way from one domain to another a device belongs to dom_io for a grace
 * period: a trap that found it through the old domain has ended before the new
 * one can reach it (R21).
 *
 * Invariant: a guest's device has a listed hold of kind ASSIGNED. So it is
 * never draining, and the domain's list may hand out references freely.
 */
#include "device/internal.h"

static void ask_guest(struct pci_hold *hold, void *data, uint64_t deadline)
{
	struct pci_dev *pdev = hf_load_acquire(&hold->pdev);
	struct domain *d = data;

	if (pdev && d->ops->ask)
		d->ops->ask(d, pdev->desc.sbdf, deadline);
}

static const struct pci_hold_ops assigned_ops = { .ask = ask_guest };

/* --- the move -------------------------------------------------------------------- */

static void lock_two(struct domain *a, struct domain *b)
{
	HF_ASSERT(a != b);
	pci_lock(a->id < b->id ? &a->lock : &b->lock);
	pci_lock(a->id < b->id ? &b->lock : &a->lock);
}

static void unlock_two(struct domain *a, struct domain *b)
{
	pci_unlock(&a->lock);
	pci_unlock(&b->lock);
}

/* Which guest address: as wanted, or the first empty slot from 1 up. */
static int choose_address(struct domain *d, pci_sbdf_t *vsbdf)
{
	unsigned int slot;

	if (vsbdf->sbdf != UINT32_MAX)
		return pci_table_find(&d->table, *vsbdf) ? -EEXIST : 0;
	for (slot = 1; slot < 32; slot++) {
		uint32_t at = pci_sbdf(0, 0, (uint8_t)slot, 0).bdf, next = at;

		if (!pci_table_next(&d->table, &next) || next > at + 7) {
			*vsbdf = pci_sbdf_from(at);
			return 0;
		}
	}
	return -ENOSPC;
}

/* May @pdev leave @from for @to? Under all locks. */
static int may_move(struct pci_dev *pdev, struct domain *from,
		    struct domain *to, enum pci_move how, pci_sbdf_t *vsbdf)
{
	if (hf_load_relaxed(&pdev->owner) != from)
		return -ENODEV;
	if (how == PCI_MOVE_RETURNING && pdev->op != PCI_OP_REMOVE)
		return -EAGAIN;
	if (hf_load_relaxed(&to->dying))
		return -EINVAL;
	return vsbdf ? choose_address(to, vsbdf) : 0;
}

/* Returns the hold that the guest had, unlinked. */
static struct pci_hold *leave(struct pci_dev *pdev, struct domain *from,
			      enum pci_move how)
{
	struct pci_hold *hold = pdev->assigned;

	if (pdev->has_vsbdf) {
		pci_table_set(&from->table, pdev->vsbdf, NULL);
		pdev->has_vsbdf = false;
	}
	if (hold) {
		hold->cut = how == PCI_MOVE_CUT;
		pci_hold_unlink(hold, pdev);
	}
	pdev->assigned = NULL;
	if (!domain_is_special(from))
		pdev->dirty = PCI_DIRTY_GUEST;
	else if (from == hardware_domain && pdev->dirty == PCI_DIRTY_NO)
		pdev->dirty = PCI_DIRTY_HOST;
	if (from == hardware_domain)
		pdev->record.wanted = true;
	list_del(&pdev->domain_entry);
	from->ndevices--;
	plat_event_set(&from->event);
	return hold;
}

static void arrive(struct pci_dev *pdev, struct domain *to,
		   struct pci_hold *hold, const pci_sbdf_t *vsbdf,
		   struct pci_bus **spare)
{
	domain_get(to);
	hf_store_release(&pdev->owner, to);
	list_add_tail(&pdev->domain_entry, &to->devices);
	to->ndevices++;
	if (hold) {
		pci_hold_link(hold, pdev);
		pdev->assigned = hold;
	}
	if (vsbdf) {
		pci_table_prepare(&to->table, vsbdf->bus, spare);
		pdev->vsbdf = *vsbdf;
		pdev->has_vsbdf = true;
		pci_table_set(&to->table, *vsbdf, pdev);
	}
}

int pcidev_move(struct pci_dev *pdev, struct domain *from, struct domain *to,
		enum pci_move how, struct pci_hold *hold, pci_sbdf_t *vsbdf,
		struct pci_bus **spare)
{
	struct pci_hold *old = NULL;
	int err;

	lock_two(from, to);
	pci_lock(&pdev->lock);
	err = may_move(pdev, from, to, how, vsbdf);
	if (!err) {
		old = leave(pdev, from, how);
		arrive(pdev, to, hold, vsbdf, spare);
		pdev->returning = how == PCI_MOVE_PLAIN ? PCI_RETURN_NONE
							: PCI_RETURN_BEGUN;
		pci_event_post(PCI_EVENT_OWNER, pdev->desc.sbdf, pdev->instance,
			       to->name);
	}
	pci_unlock(&pdev->lock);
	unlock_two(from, to);
	if (err)
		return err;
	if (old) {
		pci_hold_free(old);
		pcidev_put(pdev); /* the hold's */
	}
	domain_put(from); /* pdev->owner's */
	return 0;
}

/* The owner, counted; by the owner of pdev->op: so there is one. */
static struct domain *owner_get(struct pci_dev *pdev)
{
	struct domain *d;

	plat_rcu_read_lock();
	do {
		d = hf_load_acquire(&pdev->owner);
	} while (!domain_tryget(d));
	plat_rcu_read_unlock();
	return d;
}

void pcidev_wait_longer(unsigned int *turn)
{
	plat_event_t never;

	plat_event_init(&never);
	plat_event_wait(&never, plat_now() + (PLAT_NSEC_PER_MSEC << *turn));
	plat_event_destroy(&never);
	*turn += *turn < 4;
}

/* All at once: a reset of one takes 100 ms, and those of ten no longer. */
void pcidev_leave_all(struct list_head *out)
{
	unsigned int turn = 0;
	struct pci_dev *pdev;
	bool again;

	plat_rcu_synchronize();
	do {
		again = false;
		list_for_each(pdev, out, struct pci_dev, removal_entry)
			again |= pci_stages_leave(pdev) != 0;
		if (again)
			pcidev_wait_longer(&turn);
	} while (again);
}

bool pcidev_is_broken(struct pci_dev *pdev)
{
	bool broken;

	pci_lock(&pdev->lock);
	broken = pdev->broken;
	pci_unlock(&pdev->lock);
	return broken;
}

/* What became broken in a guest's hands, or on its way out of them, stays. */
int pcidev_settle(struct pci_dev *pdev)
{
	unsigned int turn = 0;

	while (pci_stages_leave(pdev))
		pcidev_wait_longer(&turn);
	if (pcidev_is_broken(pdev)) {
		pci_stages_rest(pdev);
		return -EIO;
	}
	if (pci_stages_enter(pdev, hardware_domain)) {
		pcidev_set_broken(pdev, "it cannot be given back to the host");
		pci_stages_cut_off(pdev);
		pci_stages_rest(pdev);
		return -EIO;
	}
	pcidev_move(pdev, dom_io, hardware_domain, PCI_MOVE_PLAIN, NULL, NULL,
		    NULL);
	return 0;
}

void pcidev_quarantine(struct pci_dev *pdev)
{
	struct domain *d = owner_get(pdev);

	if (d != dom_io)
		(void)!pcidev_move_out(pdev, d);
	pci_stages_cut_off(pdev);
	domain_put(d); /* stages had something of it until now */
	pci_stages_rest(pdev);
}

/*
 * The owner changes first: a guest reads all-ones because the device is not its
 * any more, and never before. Then the stages take what it had of it.
 */
void pcidev_cut_guest(struct pci_dev *pdev)
{
	struct domain *d = owner_get(pdev);
	bool cut =
		!domain_is_special(d) &&
		!pcidev_move(pdev, d, dom_io, PCI_MOVE_CUT, NULL, NULL, NULL);

	pci_stages_cut_off(pdev);
	if (cut) {
		pci_event_post(PCI_EVENT_CUT_OFF, pdev->desc.sbdf,
			       pdev->instance, d->name);
		if (d->ops->taken) {
			plat_rcu_read_lock();
			d->ops->taken(d, pdev->desc.sbdf);
			plat_rcu_read_unlock();
		}
	}
	domain_put(d);
}

/* --- operations ---------------------------------------------------------------------- */

int pcidev_begin(struct pci_dev *pdev, enum pci_op op, const struct domain *d)
{
	int err;

	if (pdev->pseg->host->ops->read_only)
		return -EOPNOTSUPP;
	pci_lock(&pdev->lock);
	err = pci_op_begin(pdev, op);
	if (!err)
		pdev->op_for = d;
	pci_unlock(&pdev->lock);
	return err;
}

void pcidev_end(struct pci_dev *pdev)
{
	pci_lock(&pdev->lock);
	pci_op_end(pdev);
	pci_unlock(&pdev->lock);
}

int pcidev_move_out(struct pci_dev *pdev, struct domain *from)
{
	return pcidev_move(pdev, from, dom_io, PCI_MOVE_PLAIN, NULL, NULL,
			   NULL);
}

/* Owner of pdev->op: out of @from, and take back what that had. */
static int move_out(struct pci_dev *pdev, struct domain *from)
{
	struct list_head out;
	int err = pcidev_move_out(pdev, from);

	if (err)
		return err;
	list_init(&out);
	list_add_tail(&pdev->removal_entry, &out);
	pcidev_leave_all(&out);
	list_del(&pdev->removal_entry);
	return 0;
}

bool pcidev_is_bridge(const struct pci_dev *pdev)
{
	switch (pdev->desc.type) {
	case PCI_TYPE_ROOT_PORT:
	case PCI_TYPE_SWITCH_UPSTREAM:
	case PCI_TYPE_SWITCH_DOWNSTREAM:
	case PCI_TYPE_PCIE_TO_PCI:
	case PCI_TYPE_PCI_TO_PCIE:
	case PCI_TYPE_LEGACY_BRIDGE:
	case PCI_TYPE_HOST_BRIDGE:
	case PCI_TYPE_CARDBUS:
		return true;
	case PCI_TYPE_UNKNOWN:
		return pdev->desc.hdr_type != 0; /* an endpoint's is 0 */
	default:
		return false;
	}
}

struct pci_hold *pcidev_assigned_hold(struct domain *d)
{
	return pci_hold_alloc(PCI_HOLD_ASSIGNED, d->name, &assigned_ops, d);
}

static int deassign(struct pci_dev *pdev, struct domain *d)
{
	int err = pcidev_begin(pdev, PCI_OP_DEASSIGN, d);

	if (err)
		return err;
	err = move_out(pdev, d);
	if (!err)
		pcidev_settle(pdev);
	pcidev_end(pdev);
	return err;
}

/*
 * A removal that owns the operation moves it on; out of the guest's hands it is
 * at once. In one section, in which it cannot come back: that takes a grace
 * period.
 */
static int hand_over(struct pci_dev *pdev, struct domain *d)
{
	int err;

	plat_rcu_read_lock();
	err = pcidev_move(pdev, d, dom_io, PCI_MOVE_RETURNING, NULL, NULL,
			  NULL);
	if (!err)
		pci_stages_revoke(pdev, d);
	plat_rcu_read_unlock();
	return err;
}

int pcidev_give_back(struct pci_dev *pdev, struct domain *d)
{
	int err = deassign(pdev, d);

	if (err != -EBUSY)
		return err;
	err = hand_over(pdev, d);
	if (!err)
		plat_rcu_synchronize(); /* who was in the middle of a trap */
	return err;
}

/* Of what an operation keeps nothing: the caller waits for it. */
void pcidev_take_idle(struct domain *d)
{
	struct list_head out;
	struct pci_dev *pdev;

	list_init(&out);
	for (pdev = domain_next_pdev(d, NULL); pdev;
	     pdev = domain_next_pdev(d, pdev)) {
		if (pcidev_begin(pdev, PCI_OP_DEASSIGN, d)) {
			(void)hand_over(pdev, d);
		} else if (pcidev_move_out(pdev, d)) {
			pcidev_end(pdev);
		} else {
			pcidev_get(pdev);
			list_add_tail(&pdev->removal_entry, &out);
		}
	}
	pcidev_leave_all(&out);
	while (!list_empty(&out)) {
		pdev = list_first(&out, struct pci_dev, removal_entry);
		list_del(&pdev->removal_entry);
		pcidev_settle(pdev);
		pcidev_end(pdev);
		pcidev_put(pdev);
	}
}

int pci_domain_return(struct domain *d, pci_sbdf_t sbdf)
{
	struct pci_dev *pdev;
	int err;

	if (domain_is_special(d))
		return -EINVAL;
	err = pci_lookup(d, sbdf, &pdev);
	if (err)
		return err == -EBUSY ? -ENODEV : err;
	/* Another operation than a removal, or one that has just ended. */
	while ((err = pcidev_give_back(pdev, d)) == -EAGAIN)
		plat_event_wait(&pdev->idle, PLAT_FOREVER);
	pcidev_put(pdev);
	return err;
}

int pci_domain_refuse(struct domain *d, pci_sbdf_t sbdf)
{
	struct pci_dev *pdev;
	int err;

	err = pci_lookup(d, sbdf, &pdev);
	if (err)
		return err == -EBUSY ? -ENODEV : err;
	pci_lock(&pdev->lock);
	if (pdev->assigned && hf_load_relaxed(&pdev->owner) == d) {
		pdev->assigned->refused = pdev->assigned->asked;
		pci_removal_kick(pdev);
	} else {
		err = -ENODEV;
	}
	pci_unlock(&pdev->lock);
	pcidev_put(pdev);
	return err;
}

int pci_hide_device(pci_sbdf_t sbdf, bool hide)
{
	struct domain *from = hide ? hardware_domain : dom_hidden;
	struct pci_dev *pdev;
	int err;

	err = pci_lookup(NULL, sbdf, &pdev);
	if (err)
		return err;
	err = pcidev_begin(pdev, PCI_OP_ASSIGN, NULL);
	if (err)
		goto out;
	if (pcidev_is_broken(pdev)) {
		pcidev_end(pdev);
		err = -EBADF;
		goto out;
	}
	if (hf_load_acquire(&pdev->owner) == from) {
		err = move_out(pdev, from);
		if (!err && hide && !pcidev_is_broken(pdev))
			err = pcidev_move(pdev, dom_io, dom_hidden,
					  PCI_MOVE_PLAIN, NULL, NULL, NULL);
		else if (!err)
			err = pcidev_settle(pdev);
	} else if (hf_load_acquire(&pdev->owner) !=
		   (hide ? dom_hidden : hardware_domain)) {
		err = -EBUSY;
	}
	pcidev_end(pdev);
out:
	pcidev_put(pdev);
	return err;
}

/* --- fitness --------------------------------------------------------------------------- */

void pcidev_set_broken(struct pci_dev *pdev, const char *why)
{
	pci_lock(&pdev->lock);
	if (!why)
		why = pci_bus_defect(pdev);
	pdev->broken = why;
	pci_unlock(&pdev->lock);
	pci_event_post(PCI_EVENT_BROKEN, pdev->desc.sbdf, pdev->instance,
		       why ? why : "");
}

int pcidev_mend(struct pci_dev *pdev)
{
	int err = pcidev_begin(pdev, PCI_OP_RESET, NULL);

	if (err)
		return err;
	pcidev_set_broken(pdev, NULL);
	pci_stages_restore(pdev);
	if (hf_load_acquire(&pdev->owner) == dom_io)
		err = pcidev_settle(pdev);
	else if (pcidev_is_broken(pdev))
		err = -EIO;
	pcidev_end(pdev);
	return err;
}

void pcidev_set_read_only(struct pci_dev *pdev, bool on)
{
	if (on)
		hf_fetch_or_acq_rel(&pdev->marks, PCI_MARK_READ_ONLY);
	else
		hf_fetch_and_release(&pdev->marks,
				     ~(uint32_t)PCI_MARK_READ_ONLY);
}
