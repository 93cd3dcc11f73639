/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assigning devices and taking them back: request → group → mark → move out →
 * leave → enter → move in → answer.
 *
 * One device is a group of one. The members that matter (bridges apart) are
 * marked first, in SBDF order: each one's operation slot is taken, or nothing
 * is. So of two callers who race for a group the one that gets the lowest
 * member gets all, and the other is told who that was. A marked member changes
 * neither its owner nor its fitness but by us; only a loss takes it away, which
 * the moves notice.
 *
 * All members leave their old owner before the first enters the new one, and
 * all have entered before the first is shown to the guest: what fails on the
 * way is undone before the guest has seen anything. Only the guest address can
 * fail after that.
 *
 * What comes out of quarantine is dom_io's already, where all pass through: it
 * leaves the stages as the others do, and is never the hardware domain's. What
 * is undone rests there again, for the reason that it had.
 */
#include "iommu/internal.h"

struct move {
	struct pci_dev *pdev;  /* of the group, whose reference covers it */
	struct pci_hold *hold; /* owned until it is given away; or NULL */
	struct pci_bus *spare; /* owned; or NULL */
	struct domain *from;   /* its owner when it was marked; owns none */
	const char *why; /* what it was in quarantine for; NULL: was not */
	pci_sbdf_t vsbdf;
	bool marked, moves, out; /* out: it is, or was, on its way */
};

struct party {
	struct domain *d;
	struct group group;
	struct move *move; /* owned; in SBDF order */
	unsigned int n, asked;
	unsigned int flags;
	pci_sbdf_t *vsbdf;
	struct pci_assign_report *report;
};

/* --- the report --------------------------------------------------------------------- */

static void copy_who(char *to, const char *from)
{
	const char *end = to + PCI_WHO_LEN - 1;

	while (*from && to < end)
		*to++ = *from++;
	*to = '\0';
}

/* Of owners: a domain that left @pdev may be freed after our section. */
static void name_owner(char *to, struct pci_dev *pdev)
{
	struct domain *d;

	plat_rcu_read_lock();
	d = hf_load_acquire(&pdev->owner);
	copy_who(to, d ? d->name : "nobody");
	plat_rcu_read_unlock();
}

static int blame(struct party *p, struct pci_dev *pdev, int err)
{
	p->report->sbdf = pdev->desc.sbdf;
	return err;
}

static int busy_owner(struct party *p, struct pci_dev *pdev)
{
	name_owner(p->report->who, pdev);
	return blame(p, pdev, -EBUSY);
}

/* Who races for a device wants to know who won. */
static int busy_op(struct party *p, struct pci_dev *pdev)
{
	const struct domain *d;
	enum pci_op op;

	pci_lock(&pdev->lock);
	op = (enum pci_op)pdev->op;
	d = pcidev_op_for(pdev);
	copy_who(p->report->who, d ? d->name : pci_op_name(op));
	pci_unlock(&pdev->lock);
	if (op == PCI_OP_NONE)
		return busy_owner(p, pdev);
	return blame(p, pdev, -EBUSY);
}

static int broken(struct party *p, struct pci_dev *pdev, int err)
{
	pci_lock(&pdev->lock);
	p->report->reason = pdev->broken;
	pci_unlock(&pdev->lock);
	return blame(p, pdev, err);
}

static void miss(struct party *p, struct pci_dev *pdev)
{
	struct pci_assign_report *r = p->report;

	if (r->missing < PCI_REPORT_MAX) {
		r->member[r->missing].sbdf = pdev->desc.sbdf;
		name_owner(r->member[r->missing].owner, pdev);
	}
	r->missing++;
}

/* --- who takes part -------------------------------------------------------------------- */

static void sort(struct move *move, unsigned int n)
{
	unsigned int i, j;

	for (i = 1; i < n; i++) {
		struct move m = move[i];

		for (j = i; j && move[j - 1].pdev->desc.sbdf.sbdf >
					 m.pdev->desc.sbdf.sbdf;
		     j--)
			move[j] = move[j - 1];
		move[j] = m;
	}
}

/* The group of @pdev, and room for its members that are no bridges. */
static int gather(struct party *p, struct pci_dev *pdev)
{
	unsigned int i;
	int err = group_find(&p->group, pdev);

	if (err == -EBUSY) {
		p->report->sbdf = p->group.busy;
		copy_who(p->report->who, pci_op_name(PCI_OP_REMOVE));
	}
	if (err)
		return err;
	p->move = plat_zalloc(p->group.n * sizeof(*p->move));
	if (!p->move)
		return -ENOMEM;
	for (i = 0; i < p->group.n; i++)
		if (!p->group.entry[i].info.bridge)
			p->move[p->n++].pdev = p->group.entry[i].pdev;
	sort(p->move, p->n);
	for (i = 0; i < p->n; i++)
		if (p->move[i].pdev == pdev)
			p->asked = i;
	return 0;
}

static void disperse(struct party *p)
{
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		plat_free(p->move[i].hold);
		plat_free(p->move[i].spare);
	}
	plat_free(p->move);
	p->move = NULL;
	p->n = p->asked = 0;
	group_put(&p->group);
}

static void unmark(struct party *p)
{
	unsigned int i;

	for (i = 0; i < p->n; i++)
		if (p->move[i].marked)
			pcidev_end(p->move[i].pdev);
}

static bool has(const struct party *p, const struct pci_dev *pdev)
{
	unsigned int i;

	for (i = 0; i < p->n; i++)
		if (p->move[i].pdev == pdev)
			return true;
	return false;
}

/*
 * Is it the whole group that was marked? A device that has arrived since is in
 * the tables before it looks for marks (stage.c).
 */
static int check_whole(struct party *p)
{
	struct group now;
	unsigned int i;
	int err = group_find(&now, p->move[p->asked].pdev);

	for (i = 0; i < now.n && !err; i++)
		if (!now.entry[i].info.bridge && !has(p, now.entry[i].pdev))
			err = -EAGAIN;
	group_put(&now);
	return err;
}

/*
 * To give: all. To take back: what is the domain's; nobody can give it another
 * of the group meanwhile, since that marks all.
 */
static int mark(struct party *p, enum pci_op op)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < p->n && !err; i++) {
		struct move *m = &p->move[i];

		if (op == PCI_OP_DEASSIGN &&
		    hf_load_acquire(&m->pdev->owner) != p->d)
			continue;
		err = pcidev_begin(m->pdev, op, p->d);
		m->marked = !err;
		if (err == -EBUSY)
			err = busy_op(p, m->pdev);
		else if (err)
			blame(p, m->pdev, err);
		m->from = hf_load_acquire(&m->pdev->owner);
	}
	return err;
}

/* --- may they? --------------------------------------------------------------------------- */

/* May it leave whom it is with? */
static bool is_free(const struct party *p, const struct move *m)
{
	return m->from == hardware_domain ||
	       (m->from == dom_io && p->flags & PCI_ASSIGN_QUARANTINED);
}

/* The one that is asked for, or comes along with it. */
static int may_move(struct party *p, struct move *m)
{
	struct iommu_region region;

	if (pcidev_is_broken(m->pdev) && !(m->from == dom_io && is_free(p, m)))
		return broken(p, m->pdev, -EBADF);
	if (!is_free(p, m))
		return busy_owner(p, m->pdev);
	if (!iommu_on ||
	    !iommu_check_regions(m->pdev, p->d, p->flags & PCI_ASSIGN_RELAXED,
				 &region))
		return 0;
	p->report->region = region;
	p->report->reason = "a region of memory is reserved for it";
	return blame(p, m->pdev, -EPERM);
}

/*
 * Who moves. What rests in quarantine may stay there: it reaches nothing.
 * Somebody else's never goes along.
 */
static int choose(struct party *p)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < p->n && !err; i++) {
		struct move *m = &p->move[i];

		m->moves = i == p->asked ||
			   (p->flags & PCI_ASSIGN_GROUP && is_free(p, m));
		if (m->moves)
			err = may_move(p, m);
		else if (m->from == hardware_domain)
			miss(p, m->pdev);
		else if (m->from != p->d && m->from != dom_io)
			err = busy_owner(p, m->pdev);
	}
	if (err || !p->report->missing)
		return err;
	p->report->reason = "it shares an isolation group with others";
	return blame(p, p->move[p->asked].pdev, -EPERM);
}

static int check_call(struct domain *d, unsigned int flags, pci_sbdf_t *vsbdf)
{
	if (domain_is_special(d) || domain_is_dying(d) ||
	    flags & ~(PCI_ASSIGN_GROUP | PCI_ASSIGN_RELAXED |
		      PCI_ASSIGN_QUARANTINED) ||
	    (vsbdf && vsbdf->sbdf != UINT32_MAX && vsbdf->seg))
		return -EINVAL;
	return 0;
}

/* What need not be tried: of one that can be given to nobody. */
static int may_ever(struct party *p, const struct pci_dev *pdev)
{
	const struct pci_host_ops *ops = pdev->pseg->host->ops;

	if (ops->may_block || ops->read_only ||
	    (iommu_on && !pdev->pseg->host->iommu))
		return -EOPNOTSUPP;
	if (!pcidev_is_bridge(pdev))
		return 0;
	p->report->reason = "it is a bridge";
	return -EPERM;
}

static int look_up(struct party *p, const struct domain *d, pci_sbdf_t sbdf,
		   struct pci_dev **pdev)
{
	int err = pci_lookup(d, sbdf, pdev);

	p->report->sbdf = sbdf;
	if (err == -EBUSY)
		copy_who(p->report->who, pci_op_name(PCI_OP_REMOVE));
	if (err)
		return err;
	err = may_ever(p, *pdev);
	if (err)
		pcidev_put(*pdev);
	return err;
}

/* --- giving -------------------------------------------------------------------------------- */

static int provide(struct party *p)
{
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		struct move *m = &p->move[i];

		if (!m->moves)
			continue;
		m->hold = pcidev_assigned_hold(p->d);
		m->spare = plat_zalloc(sizeof(*m->spare));
		if (!m->hold || !m->spare)
			return -ENOMEM;
		m->vsbdf = i == p->asked ? *p->vsbdf
					 : pci_sbdf_from(UINT32_MAX);
	}
	return 0;
}

static int take_out(struct move *m)
{
	if (m->from != dom_io)
		return pcidev_move_out(m->pdev, m->from);
	m->why = quarantine_open(m->pdev);
	return 0;
}

/* All that move: out of their owner's hands, left by all stages. */
static int move_out(struct party *p)
{
	struct list_head out;
	unsigned int i;
	int err = 0;

	list_init(&out);
	for (i = 0; i < p->n; i++) {
		struct move *m = &p->move[i];

		if (!m->moves)
			continue;
		err = take_out(m);
		if (err) {
			blame(p, m->pdev, err);
			break;
		}
		m->out = true;
		list_add_tail(&m->pdev->removal_entry, &out);
	}
	pcidev_leave_all(&out);
	while (!list_empty(&out))
		list_del(out.next);
	return err;
}

/*
 * Home, all that are out, or into quarantine again. -EIO: one is broken, and
 * stays.
 */
static int settle(struct party *p)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < p->n; i++) {
		struct move *m = &p->move[i];

		if (!m->out)
			continue;
		m->out = false;
		if (m->why && !pcidev_is_broken(m->pdev))
			pcidev_set_broken(m->pdev, m->why);
		if (pcidev_settle(m->pdev))
			err = broken(p, m->pdev, -EIO);
		else
			p->report->moved++;
	}
	return err;
}

/* What has changed since we looked. */
static void told_by_a_stage(struct party *p, struct pci_dev *pdev, int err)
{
	struct pci_assign_report *r = p->report;

	blame(p, pdev, err);
	if (err == -EIO) {
		r->reason = "it, or its IOMMU, does not answer";
	} else if (err == -EPERM && iommu_on &&
		   iommu_check_regions(pdev, p->d, true, &r->region)) {
		r->reason = "a region of memory is reserved for it";
	}
}

static int enter(struct party *p)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < p->n && !err; i++) {
		struct pci_dev *pdev = p->move[i].pdev;

		if (!p->move[i].out)
			continue;
		if (pcidev_is_broken(pdev))
			return broken(p, pdev, -EIO);
		err = pci_stages_enter(pdev, p->d);
		if (err)
			told_by_a_stage(p, pdev, err);
	}
	return err;
}

static int move_in(struct party *p)
{
	unsigned int i;
	int err;

	for (i = 0; i < p->n; i++) {
		struct move *m = &p->move[i];

		if (!m->out)
			continue;
		err = pcidev_move(m->pdev, dom_io, p->d, PCI_MOVE_PLAIN,
				  m->hold, &m->vsbdf, &m->spare);
		if (err)
			return blame(p, m->pdev, err);
		m->hold = NULL;
		m->out = false;
		p->report->moved++;
	}
	return 0;
}

/* Those that had come to the guest already leave it again. */
static void undo(struct party *p)
{
	struct pci_assign_report kept = *p->report;
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		p->move[i].moves = p->move[i].moves && !p->move[i].out &&
				   hf_load_acquire(&p->move[i].pdev->owner) ==
					   p->d;
		p->move[i].from = p->d;
	}
	(void)move_out(p);
	(void)settle(p);
	*p->report = kept;
	p->report->moved = 0;
}

static int assign(struct party *p)
{
	int err = choose(p);

	if (!err)
		err = provide(p);
	if (err)
		return err;
	err = move_out(p);
	if (!err)
		err = enter(p);
	if (!err)
		err = move_in(p);
	if (err)
		undo(p);
	else
		*p->vsbdf = p->move[p->asked].vsbdf;
	return err;
}

/* --- the calls ------------------------------------------------------------------------------- */

static void party_init(struct party *p, struct domain *d, unsigned int flags,
		       pci_sbdf_t *vsbdf, struct pci_assign_report *report)
{
	*p = (struct party){
		.d = d, .flags = flags, .vsbdf = vsbdf, .report = report
	};
	*report = (struct pci_assign_report){ 0 };
}

int pci_test_assign(struct domain *d, pci_sbdf_t sbdf, unsigned int flags,
		    struct pci_assign_report *report)
{
	struct pci_assign_report own;
	struct pci_dev *pdev;
	struct party p;
	unsigned int i;
	int err = check_call(d, flags, NULL);

	party_init(&p, d, flags, NULL, report ? report : &own);
	if (!err)
		err = look_up(&p, NULL, sbdf, &pdev);
	if (err)
		return err;
	err = gather(&p, pdev);
	for (i = 0; i < p.n && !err; i++) {
		enum pci_op op;

		pci_lock(&p.move[i].pdev->lock);
		op = p.move[i].pdev->op;
		pci_unlock(&p.move[i].pdev->lock);
		if (op != PCI_OP_NONE)
			err = busy_op(&p, p.move[i].pdev);
		p.move[i].from = hf_load_acquire(&p.move[i].pdev->owner);
	}
	if (!err)
		err = choose(&p);
	disperse(&p);
	pcidev_put(pdev);
	return err;
}

int pci_assign_device(struct domain *d, pci_sbdf_t sbdf, unsigned int flags,
		      pci_sbdf_t *vsbdf, struct pci_assign_report *report)
{
	struct pci_assign_report own;
	struct pci_dev *pdev;
	struct party p;
	bool grew;
	int err = check_call(d, flags, vsbdf);

	party_init(&p, d, flags, vsbdf, report ? report : &own);
	if (!err)
		err = look_up(&p, NULL, sbdf, &pdev);
	if (err)
		return err;
	do {
		err = gather(&p, pdev);
		if (!err)
			err = mark(&p, PCI_OP_ASSIGN);
		if (!err)
			err = check_whole(&p);
		grew = err == -EAGAIN;
		if (!err)
			err = assign(&p);
		unmark(&p);
		disperse(&p);
	} while (grew);
	pcidev_put(pdev);
	return err;
}

/* --- taking back ---------------------------------------------------------------------------------- */

static int deassign(struct party *p)
{
	unsigned int i;
	int err;

	for (i = 0; i < p->n; i++) {
		struct move *m = &p->move[i];

		if (m->from != p->d)
			continue;
		m->moves = i == p->asked || p->flags & PCI_ASSIGN_GROUP;
		if (!m->moves)
			miss(p, m->pdev);
	}
	if (!p->move[p->asked].moves)
		return blame(p, p->move[p->asked].pdev, -ENODEV);
	if (p->report->missing) {
		p->report->reason = "it shares an isolation group with others";
		return blame(p, p->move[p->asked].pdev, -EPERM);
	}
	err = move_out(p);
	return settle(p) ? -EIO : err;
}

int pci_deassign_device(struct domain *d, pci_sbdf_t sbdf, unsigned int flags,
			struct pci_assign_report *report)
{
	struct pci_assign_report own;
	struct pci_dev *pdev;
	struct party p;
	int err = domain_is_special(d) || flags & ~PCI_ASSIGN_GROUP ? -EINVAL
								    : 0;

	party_init(&p, d, flags, NULL, report ? report : &own);
	if (!err)
		err = look_up(&p, d, sbdf, &pdev);
	if (err)
		return err;
	err = gather(&p, pdev);
	if (!err)
		err = mark(&p, PCI_OP_DEASSIGN);
	if (!err)
		err = deassign(&p);
	unmark(&p);
	disperse(&p);
	pcidev_put(pdev);
	return err;
}
