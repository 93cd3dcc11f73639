/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a device's requests go, and making units forget where they went.
 *
 *     BLOCKED → open → SPACE, IDENTITY, SCRATCH → block → BLOCKED, forgetting
 *        ↑                                                      │
 *        └────────── forgotten: all flushes are over ───────────┘
 *
 * From the block on every request that the unit looks up faults, and so does
 * every request that the device itself has translated; what is left are the
 * unit's cached contexts and translations. So who may not be reached any more
 * waits for iommu_forgotten(), and who only must not wait (cut-off, revoke) has
 * blocked it all the same.
 *
 * Flushes are known by numbers, which are asked about or not: one that is given
 * up may be over at any time and writes nothing of ours (XSA-373).
 *
 * All is under the device's leaf lock, or the one of the bridge's alias that it
 * has, so a guest that gives back and a removal may block it at once. The
 * space's reference is kept until the unit has forgotten the context, since it
 * may walk the tables until then. What it has refused to forget, or not
 * forgotten in time, it is asked again to when the device is to go on.
 */
#include "iommu/internal.h"

hf_atomic(uint64_t) iommu_contexts, iommu_timeouts;

static struct pci_host *host_of(const struct pci_iommu *iommu)
{
	return iommu->pdev->pseg->host;
}

/* --- flushes ----------------------------------------------------------------------- */

void iommu_flush_want(struct iommu_ticket *ticket)
{
	ticket->state = TICKET_WANTED;
	ticket->since = 0;
}

/* By its own clock: others may have been under way for longer. */
static int under_way(const struct iommu_ticket *ticket)
{
	return plat_now() - ticket->since < PCI_FLUSH_TIME ? -EINPROGRESS
							   : -ETIMEDOUT;
}

int iommu_flush_step(struct pci_host *host, const struct iommu_flush *what,
		     struct iommu_ticket *ticket)
{
	int err;

	if (ticket->state == TICKET_WANTED) {
		err = host->iommu->flush(host, what, &ticket->number);
		if (!ticket->since || err != -EBUSY)
			ticket->since = plat_now();
		if (err == -EBUSY)
			return under_way(ticket);
		ticket->state = err ? TICKET_FAILED : TICKET_BEGUN;
	}
	if (ticket->state == TICKET_BEGUN) {
		err = host->iommu->flush_done(host, ticket->number);
		if (err == -EINPROGRESS)
			return under_way(ticket);
		ticket->state = err ? TICKET_FAILED : TICKET_NONE;
	}
	return ticket->state == TICKET_FAILED ? -EIO : 0;
}

/* -EIO, then -ETIMEDOUT, then -EINPROGRESS, then 0. */
static int worse(int a, int b)
{
	if (a == -EIO || b == -EIO)
		return -EIO;
	if (a == -ETIMEDOUT || b == -ETIMEDOUT)
		return -ETIMEDOUT;
	return a ? a : b;
}

/* The alias's is over for all that had it, or for none. */
static int step_alias(struct pci_iommu *iommu, struct iommu_flush *what)
{
	struct iommu_alias *alias = iommu_alias(iommu);

	if (!alias || alias->users)
		return 0;
	if (alias->stuck)
		return iommu->stuck ? 0 : -EIO;
	what->sbdf = alias->ticket.rid;
	return iommu_flush_step(host_of(iommu), what, &alias->ticket);
}

/* Each of them, so that none waits for another. The worst answer. */
static int step_all(struct pci_iommu *iommu)
{
	struct iommu_flush what = { .kind = IOMMU_FLUSH_CONTEXT };
	int err, ret = 0;
	unsigned int i;

	for (i = 0; i < iommu->nrids; i++) {
		what.sbdf = iommu->context[i].rid;
		err = iommu_flush_step(host_of(iommu), &what,
				       &iommu->context[i]);
		ret = worse(ret, err);
	}
	ret = worse(ret, step_alias(iommu, &what));
	if (ret)
		return ret; /* it could ask anew for what it has forgotten */
	what = (struct iommu_flush){ .kind = IOMMU_FLUSH_ATS,
				     .sbdf = iommu->context[0].rid };
	err = iommu_flush_step(host_of(iommu), &what, &iommu->device);
	/* What is gone answers no invalidation, and asks for nothing. */
	if (err && pcidev_marked(iommu->pdev, PCI_MARK_LOST)) {
		iommu->device.state = TICKET_NONE;
		err = 0;
	}
	return err;
}

static void give_up(struct pci_iommu *iommu)
{
	struct iommu_alias *alias = iommu_alias(iommu);
	unsigned int i;

	for (i = 0; i < iommu->nrids; i++)
		iommu->context[i].state = TICKET_NONE;
	iommu->device.state = TICKET_NONE;
	if (alias && alias->ticket.state != TICKET_NONE) {
		alias->ticket.state = TICKET_NONE;
		alias->stuck = true;
	}
	iommu->stuck = true;
	hf_fetch_add_relaxed(&iommu_timeouts, 1);
}

int iommu_forgotten(struct pci_iommu *iommu, const char **why)
{
	struct dma_space *space = NULL;
	int err;

	pci_lock(iommu_lock(iommu));
	HF_ASSERT(iommu->mode == IOMMU_BLOCKED);
	err = step_all(iommu);
	if (err == -EIO)
		*why = "the IOMMU has refused to forget it";
	else if (err == -ETIMEDOUT) {
		*why = iommu->device.state == TICKET_NONE
			       ? "the IOMMU has not forgotten it in time"
			       : "it has not forgotten translations in time";
		err = -EIO;
	}
	if (err == -EIO)
		give_up(iommu);
	if (!err && !iommu->stuck) {
		space = iommu->space;
		iommu->space = NULL;
	}
	pci_unlock(iommu_lock(iommu));
	iommu_space_put(space);
	return err;
}

void iommu_forget_again(struct pci_iommu *iommu)
{
	struct iommu_alias *alias = iommu_alias(iommu);
	unsigned int i;

	pci_lock(iommu_lock(iommu));
	if (iommu->stuck) {
		for (i = 0; i < iommu->nrids; i++)
			iommu_flush_want(&iommu->context[i]);
		if (alias && !alias->users) {
			iommu_flush_want(&alias->ticket);
			alias->stuck = false;
		}
		if (iommu->pdev->desc.ats && iommu_options.ats)
			iommu_flush_want(&iommu->device);
		iommu->stuck = false;
	}
	pci_unlock(iommu_lock(iommu));
}

/* --- contexts ------------------------------------------------------------------------ */

static void count(enum iommu_mode mode, unsigned int n)
{
	if (mode == IOMMU_SPACE)
		hf_fetch_add_relaxed(&iommu_contexts, n);
}

static void uncount(enum iommu_mode mode, unsigned int n)
{
	if (mode == IOMMU_SPACE)
		hf_fetch_sub_release(&iommu_contexts, n);
}

/* To BLOCKED cannot fail. */
static void block_rid(struct pci_iommu *iommu, struct iommu_ticket *ticket)
{
	(void)host_of(iommu)->iommu->attach(host_of(iommu), ticket->rid,
					    IOMMU_BLOCKED, NULL);
	iommu_flush_want(ticket);
}

/* The first @n of its requester IDs; under the lock. */
static void block_first(struct pci_iommu *iommu, unsigned int n)
{
	while (n--)
		block_rid(iommu, &iommu->context[n]);
}

static int attach(struct pci_iommu *iommu, pci_sbdf_t rid, enum iommu_mode mode,
		  struct dma_space *space)
{
	return host_of(iommu)->iommu->attach(host_of(iommu), rid, mode,
					     space ? space->space : NULL);
}

/*
 * One name goes to one place: who had been there first has it. Either memory as
 * it is, or a space: and one that is stale has yet to be left by all.
 */
static bool may_join(const struct iommu_alias *alias,
		     const struct dma_space *space)
{
	return !alias->stuck && (!alias->users || alias->space == space);
}

/* All requester IDs or none (XSA-449). */
static int attach_all(struct pci_iommu *iommu, enum iommu_mode mode,
		      struct dma_space *space)
{
	struct iommu_alias *alias = iommu_alias(iommu);
	unsigned int i;
	int err = 0;

	if (alias && !may_join(alias, space))
		return -EIO;
	for (i = 0; i < iommu->nrids && !err; i++)
		err = attach(iommu, iommu->context[i].rid, mode, space);
	if (!err && alias && !alias->users)
		err = attach(iommu, alias->ticket.rid, mode, space);
	if (err) {
		block_first(iommu, i);
		return err;
	}
	count(mode, iommu->nrids);
	if (alias && !alias->users++) {
		alias->space = space;
		count(mode, 1);
	}
	iommu->uses_alias = alias;
	return 0;
}

/* The unit; the device is told after the lock, and does without till then. */
static bool ats_on(struct pci_iommu *iommu)
{
	const struct iommu_ops *ops = host_of(iommu)->iommu;

	iommu->ats = iommu_options.ats && iommu->pdev->desc.ats && ops->ats &&
		     iommu->mode != IOMMU_SCRATCH &&
		     !ops->ats(host_of(iommu), iommu->context[0].rid, true);
	return iommu->ats;
}

int iommu_open(struct pci_iommu *iommu, enum iommu_mode mode,
	       struct dma_space *space, unsigned int domid)
{
	struct pci_dev *pdev = iommu->pdev;
	struct dma_space *old;
	bool ats = false;
	int err;

	pci_lock(iommu_lock(iommu));
	HF_ASSERT(iommu->mode == IOMMU_BLOCKED);
	HF_ASSERT(!iommu->space || iommu->space == space);
	old = iommu->space; /* restored before it was forgotten */
	iommu->space = space;
	err = space && hf_load_acquire(&space->stale)
		      ? -EIO
		      : attach_all(iommu, mode, space);
	if (!err) {
		iommu->mode = mode;
		iommu->domid = (uint16_t)domid;
		iommu->stuck = false;
		ats = ats_on(iommu);
	} else {
		(void)step_all(iommu);
	}
	pci_unlock(iommu_lock(iommu));
	if (ats) {
		iommu->ats_in_device = true;
		conf_update(pdev, pdev->desc.ats + PCI_ATS_CTRL,
			    PCI_ATS_CTRL_ENABLE, PCI_ATS_CTRL_ENABLE);
	}
	iommu_space_put(old);
	return err;
}

/*
 * Under the lock. Translated requests are refused first, then all others; the
 * device is told by whoever may touch it.
 */
static void block(struct pci_iommu *iommu)
{
	struct iommu_alias *alias = iommu_alias(iommu);
	unsigned int n = iommu->nrids;

	if (iommu->mode == IOMMU_BLOCKED)
		return;
	if (iommu->ats) {
		(void)host_of(iommu)->iommu->ats(host_of(iommu),
						 iommu->context[0].rid, false);
		iommu->ats = false;
		iommu_flush_want(&iommu->device);
	}
	block_first(iommu, n);
	if (iommu->uses_alias && !--alias->users) {
		block_rid(iommu, &alias->ticket);
		n++;
	}
	iommu->uses_alias = false;
	uncount(iommu->mode, n);
	iommu->mode = IOMMU_BLOCKED;
	(void)step_all(iommu);
}

void iommu_block(struct pci_iommu *iommu)
{
	pci_lock(iommu_lock(iommu));
	block(iommu);
	pci_unlock(iommu_lock(iommu));
}

bool iommu_block_of(struct pci_iommu *iommu, unsigned int domid)
{
	bool was;

	pci_lock(iommu_lock(iommu));
	was = iommu->mode == IOMMU_SPACE && iommu->domid == domid;
	if (was)
		block(iommu);
	pci_unlock(iommu_lock(iommu));
	return was;
}
