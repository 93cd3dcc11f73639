/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage "iommu", by which a device's life reaches this module.
 *
 * The hardware domain's devices reach memory as it is, a guest's what that
 * guest maps; between two owners, and in quarantine, nothing (or what the
 * options say). ACS is switched on before a device is published.
 *
 * A device that arrives is blocked until it is known that its isolation group
 * is no guest's. Both sides publish first and look then: the arrival is in the
 * tables before iommu_added() looks for a member that is a guest's, or is just
 * being given to one; an assignment has marked all members before it looks for
 * new ones (assign.c). So one of them sees the other.
 */
#include "iommu/internal.h"

bool iommu_on;
struct pci_iommu_options iommu_options;

/* --- ACS ------------------------------------------------------------------------ */

static void switch_acs_on(struct pci_dev *pdev, struct pci_iommu *iommu)
{
	const uint16_t wanted = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR |
				PCI_ACS_UF;
	uint16_t pos = pdev->desc.acs, cap, ctrl;
	struct conf c;

	if (!pos)
		return;
	conf_of(&c, pdev);
	cap = (uint16_t)conf_read(&c, pos + PCI_ACS_CAP, 2);
	ctrl = (uint16_t)conf_read(&c, pos + PCI_ACS_CTRL, 2);
	if (cap == conf_ones(2) || ctrl == conf_ones(2))
		return; /* no answer, so as if it had none */
	if (!pdev->pseg->host->ops->read_only)
		conf_write(&c, pos + PCI_ACS_CTRL, 2, ctrl | (cap & wanted));
	ctrl = (uint16_t)conf_read(&c, pos + PCI_ACS_CTRL, 2);
	iommu->acs = c.err || ctrl == conf_ones(2) ? 0 : ctrl;
}

/* --- contexts ---------------------------------------------------------------------- */

static bool has_unit(const struct pci_dev *pdev)
{
	const struct pci_iommu *iommu = pdev->iommu;

	return (iommu->nrids || iommu_alias(iommu)) && pdev->pseg->host->iommu;
}

static bool is_closed(struct pci_iommu *iommu)
{
	bool closed;

	pci_lock(iommu_lock(iommu));
	closed = iommu->mode == IOMMU_BLOCKED && !iommu->stuck;
	pci_unlock(iommu_lock(iommu));
	return closed;
}

static int open_for(struct pci_dev *pdev, struct domain *d)
{
	struct pci_iommu *iommu = pdev->iommu;
	struct dma_space *space;
	int err;

	if (d == hardware_domain)
		return iommu_open(iommu, IOMMU_IDENTITY, NULL, 0);
	err = iommu_dma_enter(iommu, d, &space);
	return err ? err : iommu_open(iommu, IOMMU_SPACE, space, d->id);
}

/* At once, and without waiting. */
static void block(struct pci_dev *pdev)
{
	if (!has_unit(pdev))
		return;
	iommu_block(pdev->iommu);
	iommu_dma_leave(pdev->iommu);
}

/* Once: a leave is asked for again while its reset lasts, and untouched then. */
static void ats_off(struct pci_dev *pdev)
{
	bool on = pdev->iommu->ats_in_device;

	pdev->iommu->ats_in_device = false;
	if (on && pdev->desc.ats && iommu_options.ats)
		conf_update(pdev, pdev->desc.ats + PCI_ATS_CTRL,
			    PCI_ATS_CTRL_ENABLE, 0);
}

/* --- arriving ----------------------------------------------------------------------- */

static int iommu_attach(struct pci_dev *pdev)
{
	struct pci_iommu *iommu = iommu_new(pdev);

	if (!iommu)
		return -ENOMEM;
	switch_acs_on(pdev, iommu);
	pdev->iommu = iommu;
	iommu->stuck = has_unit(pdev); /* what it knows is another's */
	return 0;
}

/* Is @pdev a guest's, or about to be? An assignment under way is waited for. */
static bool is_a_guests(struct pci_dev *pdev)
{
	struct domain *d;

	for (;;) {
		bool waits;

		pci_lock(&pdev->lock);
		waits = pdev->op == PCI_OP_ASSIGN;
		d = hf_load_relaxed(&pdev->owner);
		pci_unlock(&pdev->lock);
		if (!waits)
			return d && !domain_is_special(d);
		plat_event_wait(&pdev->idle, PLAT_FOREVER);
	}
}

/*
 * A guest that the list does not have yet finds the arrival in the tables; one
 * that it has no more has no device.
 */
static bool any_guest(void)
{
	unsigned int id = DOMID_HARDWARE;
	struct domain *d = domain_next(&id);

	domain_put(d);
	return id < DOMID_IO;
}

/*
 * One too large to be given to anybody is no guest's. One that was not found
 * to its end, for want of memory or since a member is being drained, may be.
 */
static bool joins_a_guest(struct pci_dev *pdev)
{
	struct group g;
	unsigned int i;
	bool joins;
	int err;

	if (!any_guest()) /* a machine starts: do not search 65,536 groups */
		return false;
	err = group_find(&g, pdev);
	joins = err && err != -E2BIG;
	for (i = 1; i < g.n && !joins; i++)
		joins = is_a_guests(g.entry[i].pdev);
	group_put(&g);
	return joins;
}

/* Of who had this requester ID; it may have been pulled. */
static int forget_predecessor(struct pci_iommu *iommu)
{
	unsigned int turn = 0;
	const char *why;
	int err;

	iommu_forget_again(iommu);
	while ((err = iommu_forgotten(iommu, &why)) == -EINPROGRESS)
		pcidev_wait_longer(&turn);
	return err;
}

/* By the owner of pdev->op. */
static void admit(struct pci_dev *pdev)
{
	const char *why = NULL;

	if (joins_a_guest(pdev))
		why = "a guest has its isolation group";
	else if (forget_predecessor(pdev->iommu))
		why = "the IOMMU has not forgotten what was there before";
	else if (iommu_open(pdev->iommu, IOMMU_IDENTITY, NULL, 0))
		why = "the IOMMU does not take it";
	if (!why)
		return;
	pcidev_set_broken(pdev, why);
	pcidev_quarantine(pdev);
}

static void iommu_added(struct pci_dev *pdev)
{
	if (has_unit(pdev) && !pdev->pseg->host->ops->read_only)
		admit(pdev);
}

static bool has_guest(struct pci_dev *other)
{
	struct domain *d;
	bool has;

	pci_lock(&other->lock);
	d = hf_load_relaxed(&other->owner);
	has = d && !domain_is_special(d);
	pci_unlock(&other->lock);
	return has;
}

/* Does a guest have another of its group? If that cannot be found out: yes. */
static bool has_guest_next_to(struct pci_dev *pdev)
{
	int ret = any_guest() ? group_any_other(pdev, has_guest) : 0;

	return ret && ret != -E2BIG;
}

/* --- from owner to owner ---------------------------------------------------------- */

static int iommu_enter(struct pci_dev *pdev, struct domain *d)
{
	if (!has_unit(pdev))
		return d == hardware_domain ? 0 : -EOPNOTSUPP;
	/* Alone, next to a guest's: they would reach each other. */
	if (d == hardware_domain && has_guest_next_to(pdev))
		return -EPERM;
	return open_for(pdev, d);
}

/* What the unit does not forget stays in quarantine: it is broken. */
static int iommu_leave(struct pci_dev *pdev)
{
	const char *why;
	int err;

	if (!has_unit(pdev))
		return 0;
	block(pdev);
	ats_off(pdev);
	if (!pcidev_is_broken(pdev))
		iommu_forget_again(pdev->iommu);
	err = iommu_forgotten(pdev->iommu, &why);
	if (err != -EIO)
		return err;
	pcidev_set_broken(pdev, why);
	return 0;
}

static void iommu_revoke(struct pci_dev *pdev, struct domain *d)
{
	(void)d;
	block(pdev);
}

static int iommu_quiesce(struct pci_dev *pdev, uint64_t deadline,
			 const char **why)
{
	int err;

	if (!has_unit(pdev))
		return 0;
	block(pdev);
	iommu_forget_again(pdev->iommu);
	err = iommu_forgotten(pdev->iommu, why);
	if (err != -EINPROGRESS || plat_now() < deadline)
		return err;
	*why = "the IOMMU has not forgotten it by the deadline";
	return -EIO;
}

/* It stays its owner's, who had it before. */
static void iommu_restore(struct pci_dev *pdev)
{
	struct domain *d;

	if (!has_unit(pdev))
		return;
	d = hf_load_acquire(&pdev->owner);
	if (!is_closed(pdev->iommu) || !d || d == dom_io || d == dom_hidden)
		return;
	if (d != hardware_domain) { /* it comes back by leaving and entering */
		pcidev_set_broken(pdev, "its DMA was cut off from its guest");
		return;
	}
	if (open_for(pdev, d)) {
		pcidev_set_broken(pdev, "the IOMMU does not take it back");
		block(pdev);
	}
}

/*
 * It rests in dom_io. One of which the unit knows something yet, or for ever,
 * stays blocked; so does one that has a bridge's alias, which another member of
 * its group may need for a guest's space, and cannot go to two places.
 */
static void iommu_rest(struct pci_dev *pdev)
{
	struct pci_iommu *iommu = pdev->iommu;
	const char *why;

	if (!has_unit(pdev) || iommu_alias(iommu) ||
	    iommu_options.quarantine == PCI_QUARANTINE_BASIC ||
	    iommu_forgotten(iommu, &why) || !is_closed(iommu))
		return;
	(void)!iommu_open(iommu,
			  iommu_options.quarantine == PCI_QUARANTINE_SCRATCH
				  ? IOMMU_SCRATCH
				  : IOMMU_IDENTITY,
			  NULL, 0);
}

/* Whoever took it down has blocked it. */
static void iommu_detach(struct pci_dev *pdev)
{
	iommu_free(pdev->iommu);
	pdev->iommu = NULL;
}

/* Under the device's lock. One that is broken is blocked, whoever has it. */
static const char *iommu_check(struct pci_dev *pdev)
{
	struct domain *d = hf_load_relaxed(&pdev->owner);
	struct pci_iommu *iommu = pdev->iommu;
	enum iommu_mode mode;
	unsigned int domid;

	if (!has_unit(pdev))
		return NULL;
	pci_lock(iommu_lock(iommu));
	mode = iommu->mode;
	domid = iommu->domid;
	pci_unlock(iommu_lock(iommu));
	if (mode == IOMMU_SPACE && (domain_is_special(d) || domid != d->id))
		return "its DMA reaches another domain";
	if (pdev->broken || d == dom_hidden)
		return NULL;
	if (d == hardware_domain && mode != IOMMU_IDENTITY)
		return "the host's, and its DMA is blocked";
	if (!domain_is_special(d) && mode != IOMMU_SPACE)
		return "a guest's, and its DMA is not the guest's";
	return NULL;
}

static void iommu_fini(void)
{
	iommu_spaces_free();
	iommu_on = false;
}

static const struct pci_stage iommu_stage = {
	.name = "iommu",
	.rank = PCI_STAGE_IOMMU,
	.attach = iommu_attach,
	.added = iommu_added,
	.cut_off = block,
	.quiesce = iommu_quiesce,
	.restore = iommu_restore,
	.enter = iommu_enter,
	.leave = iommu_leave,
	.revoke = iommu_revoke,
	.rest = iommu_rest,
	.domain_dying = iommu_domain_dying,
	.domain_empty = iommu_domain_empty,
	.domain_gone = iommu_domain_gone,
	.check = iommu_check,
	.detach = iommu_detach,
	.fini = iommu_fini,
};

int pci_iommu_init(const struct pci_iommu_options *options)
{
	int err = pci_stage_register(&iommu_stage);

	if (err)
		return err;
	iommu_spaces_init();
	iommu_on = true;
	iommu_options = options ? *options : (struct pci_iommu_options){ 0 };
	return 0;
}

/* --- knowing ---------------------------------------------------------------------- */

int pci_iommu_query(pci_sbdf_t sbdf, struct pci_iommu_info *info)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_iommu *iommu;
	struct pci_dev *pdev;
	int err = -ENODEV;

	plat_rcu_read_lock();
	pdev = pseg ? pci_table_find(&pseg->table, sbdf) : NULL;
	if (pdev)
		err = pdev->iommu && pseg->host->iommu ? 0 : -EOPNOTSUPP;
	if (!err) {
		iommu = pdev->iommu;
		pci_lock(iommu_lock(iommu));
		*info = (struct pci_iommu_info){
			.mode = iommu->mode,
			.domain = iommu->domid,
			.ats = iommu->ats,
			.rids = iommu->nrids + (iommu_alias(iommu) != NULL),
			.stuck = iommu->stuck,
		};
		pci_unlock(iommu_lock(iommu));
		iommu_fault_info(iommu, &info->fault);
	}
	plat_rcu_read_unlock();
	return err;
}

void pci_iommu_get_stats(struct pci_iommu_stats *stats)
{
	*stats = (struct pci_iommu_stats){
		.spaces = hf_load_acquire(&iommu_spaces),
		.mappings = hf_load_acquire(&iommu_mappings),
		.contexts = hf_load_acquire(&iommu_contexts),
		.faults = hf_load_acquire(&iommu_faults),
		.timeouts = hf_load_acquire(&iommu_timeouts),
	};
}
