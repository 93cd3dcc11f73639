/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VF Enable, an operation (PCIe 6.0 §9.3.3.3.1): what the hardware domain wrote
 * to SR-IOV Control is worked off by vpci_process_pending(), step by step.
 *
 *   enable   VF Enable in hardware; 100 ms; then add the VFs, one a step
 *   disable  is any VF in use? remove them, one a step; VF Enable in hardware
 *
 * A disable that is refused leaves VF Enable set, and says who is in the way.
 *
 * Why nobody has to come back for it to end well:
 *
 * V1  pdev->op, of the PF and of each VF, is owned inside a step only. Between
 *     two steps the PF is like any other device, the settle time included: it
 *     can be removed, assigned, lost. So a vCPU that never steps again keeps
 *     nothing, and a loss that waits for pdev->idle waits for one step. That is
 *     also why a step removes a VF whole (it waits for a grace period) instead
 *     of leaving a removal half done for the next one.
 * V2  What a step does follows from what is wanted (control) and what the
 *     hardware says now; .phase only tells a beginning from a continuation. If
 *     the PF was reset, or removed and kept, between two steps, the next one
 *     starts from the truth: VF Enable gone while we added is a failure that is
 *     told, and VFs that are gone with it are lost. If the PF itself is gone,
 *     so is its view; the vCPU knows it by instance and forgets it.
 * V3  Hardware has VF Enable set while a VF is registered, unless a reset
 *     cleared it: it is set before the first is added, and cleared after none
 *     is left, in the step, with pdev->op, that saw that there is none. A VF is
 *     published only under a parent without REMOVE and LOSS (registry.c) and
 *     only if the PF says that it is there (vf.c). A scan that asked before it
 *     was cleared, and published after, has one that does not answer: the next
 *     write to the register loses it.
 * V4  A removal of the PF without its VFs finds their CHILD holds; with them,
 *     it owns all their operations, and the steps wait. Its quiesce reads and
 *     clears VF Enable, and puts it back if the PF stays: either way V2.
 * V5  What was wanted of a PF that has left the hardware domain meanwhile is
 *     forgotten, and told, by who brings it home: the owner of pdev->op, before
 *     the domain can write again, and a grace period after it could. VF Enable
 *     goes with it if no VF is registered; config has read what it keeps of
 *     SR-IOV by then. Till then a step does nothing: it sees the owner under
 *     pdev->lock.
 * V6  The operation of a VF is taken while that of its PF is owned. The other
 *     way round nobody waits: removals take theirs at once or not at all, a
 *     loss has given the VF's back before it waits for the PF's.
 */
#include "vpci/vfs.h"

#define SETTLE_TIME (100 * PLAT_NSEC_PER_MSEC)
#define REST_TIME PLAT_NSEC_PER_SEC /* of the capability, once it is clear */
#define PATIENCE PLAT_NSEC_PER_SEC  /* for other operations and references */
#define RETRY PLAT_NSEC_PER_MSEC

enum outcome {
	GO_ON,  /* at once */
	LATER,  /* at vfs->until */
	IN_WAY, /* somebody is; he will have gone soon */
	OVER,
};

struct step {
	struct pci_dev *pf;
	struct vpci_vfs *vfs;
	uint16_t want; /* SR-IOV Control */
	struct vf_set set;
	pci_sbdf_t at;   /* IN_WAY: which VF … */
	const char *why; /* … and what */
};

/* --- telling ------------------------------------------------------------------ */

struct text {
	char s[sizeof(((struct pci_event *)0)->detail)];
	size_t len;
};

static void add(struct text *t, const char *s)
{
	while (*s && t->len < sizeof(t->s) - 1)
		t->s[t->len++] = *s++;
}

static void add_number(struct text *t, unsigned int n)
{
	char digit[2] = { (char)('0' + n % 10) };

	if (n > 9)
		add_number(t, n / 10);
	add(t, digit);
}

static void tell(struct pci_dev *pf, const struct text *t)
{
	pci_event_post(PCI_EVENT_VFS, pf->desc.sbdf, pf->instance, t->s);
}

/* @at: which VF; NULL: the PF itself. */
static void tell_refused(struct pci_dev *pf, const pci_sbdf_t *at,
			 const char *who)
{
	struct text t = { .len = 0 };
	char sbdf[PCI_SBDF_LEN];

	add(&t, "refused: ");
	if (at)
		add(&t, pci_sbdf_print(sbdf, *at));
	if (at)
		add(&t, " ");
	add(&t, who);
	tell(pf, &t);
}

static enum outcome fail(struct step *s, const char *why)
{
	tell_refused(s->pf, NULL, why);
	return OVER;
}

/* --- the VFs that are registered ------------------------------------------------ */

/* The first at or after *@bdf, which becomes its address. In a section. */
static struct pci_dev *next_vf(struct pci_dev *pf, uint32_t *bdf)
{
	uint32_t last = hf_load_relaxed(&pf->last_below);
	struct pci_dev *vf;

	while (*bdf <= last && (vf = pci_table_next(&pf->pseg->table, bdf))) {
		if (vf->parent == pf)
			return vf;
		++*bdf;
	}
	return NULL;
}

static bool first_vf(struct pci_dev *pf, pci_sbdf_t *sbdf)
{
	uint32_t bdf = pf->desc.sbdf.bdf;
	struct pci_dev *vf;

	plat_rcu_read_lock();
	vf = next_vf(pf, &bdf);
	if (vf)
		*sbdf = vf->desc.sbdf;
	plat_rcu_read_unlock();
	return vf;
}

/* Those that hardware has no more: a reset of the PF took them away. */
static void lose_absent(struct step *s)
{
	uint32_t bdf = s->pf->desc.sbdf.bdf;
	struct pci_dev *vf;

	do {
		pci_sbdf_t sbdf;
		uint64_t instance;

		plat_rcu_read_lock();
		vf = next_vf(s->pf, &bdf);
		if (vf) {
			sbdf = vf->desc.sbdf;
			instance = vf->instance;
		}
		plat_rcu_read_unlock();
		if (vf && vf_index(&s->set, sbdf) < 0)
			pci_instance_lost(sbdf, instance);
		bdf++;
	} while (vf);
}

/* --- enable ------------------------------------------------------------------------ */

static void write_control(struct step *s)
{
	pcidev_write(s->pf, s->pf->desc.sriov + PCI_SRIOV_CTRL, 2, s->want);
}

static enum outcome enable(struct step *s)
{
	struct vpci_vfs *vfs = s->vfs;

	if (vfs->phase == VPCI_VFS_SETTLING || vfs->phase == VPCI_VFS_ADDING) {
		lose_absent(s);
		return fail(s, "VF Enable does not stay set");
	}
	write_control(s);
	vfs->phase = VPCI_VFS_SETTLING;
	vfs->next = 0;
	vfs->until = plat_now() + SETTLE_TIME;
	return LATER;
}

static void add_vf(struct step *s, pci_sbdf_t sbdf)
{
	char name[PCI_SBDF_LEN];
	bool added;
	int err = probe_add(sbdf, s->pf, false, &added);

	if (err)
		plat_log(PLAT_ERROR, "VF %s: not added: error %d",
			 pci_sbdf_print(name, sbdf), err);
}

static enum outcome enabled(struct step *s)
{
	struct text t = { .len = 0 };
	unsigned int n;

	lose_absent(s);
	write_control(s); /* bits that were written meanwhile */
	pci_lock(&s->pf->lock);
	n = s->pf->nchildren;
	pci_unlock(&s->pf->lock);
	add_number(&t, n);
	add(&t, " enabled");
	if (vf_defect(&s->set)) {
		add(&t, ": ");
		add(&t, vf_defect(&s->set));
	}
	tell(s->pf, &t);
	return OVER;
}

static enum outcome add_one(struct step *s)
{
	struct vpci_vfs *vfs = s->vfs;

	if (vfs->phase != VPCI_VFS_SETTLING && vfs->phase != VPCI_VFS_ADDING)
		vfs->next = 0;
	vfs->phase = VPCI_VFS_ADDING;
	if (vfs->next >= vf_count(&s->set))
		return enabled(s);
	add_vf(s, vf_address(&s->set, vfs->next++));
	return GO_ON;
}

/* --- disable ------------------------------------------------------------------------ */

/* Who uses @vf; tells each. In a section. */
static unsigned int count_users(struct pci_dev *pf, struct pci_dev *vf)
{
	struct pci_hold *hold;
	unsigned int n = 0;

	pci_lock(&vf->lock);
	list_for_each(hold, &vf->holds, struct pci_hold, entry) {
		tell_refused(pf, &vf->desc.sbdf, hold->who);
		n++;
	}
	if (!n && vf->op != PCI_OP_NONE) {
		tell_refused(pf, &vf->desc.sbdf, pci_op_name(vf->op));
		n++;
	}
	pci_unlock(&vf->lock);
	return n;
}

static bool is_used(struct pci_dev *pf)
{
	uint32_t bdf = pf->desc.sbdf.bdf;
	unsigned int n = 0;
	struct pci_dev *vf;

	do {
		plat_rcu_read_lock();
		vf = next_vf(pf, &bdf);
		if (vf)
			n += count_users(pf, vf);
		plat_rcu_read_unlock();
		bdf++;
	} while (vf);
	return n;
}

static enum outcome disable(struct step *s)
{
	struct text t = { .len = 0 };

	write_control(s);
	s->vfs->until = plat_now() + REST_TIME;
	s->set.enabled = false;
	lose_absent(s);
	add(&t, "disabled");
	tell(s->pf, &t);
	return OVER;
}

static enum outcome remove_vf(struct step *s, pci_sbdf_t sbdf)
{
	struct pci_removal_info info;
	int err = pci_remove_device(sbdf, 0, 0, &info);

	if (!err || err == -ENODEV)
		return GO_ON;
	s->at = sbdf;
	s->why = info.reason ? info.reason : "another operation";
	if (!info.blockers && err != -EIO)
		return IN_WAY;
	tell_refused(s->pf, &sbdf,
		     info.blockers ? info.blocker[0].hold.who : s->why);
	return OVER;
}

static enum outcome remove_one(struct step *s)
{
	pci_sbdf_t sbdf;

	if (s->vfs->phase != VPCI_VFS_REMOVING && is_used(s->pf))
		return OVER;
	s->vfs->phase = VPCI_VFS_REMOVING;
	return first_vf(s->pf, &sbdf) ? remove_vf(s, sbdf) : disable(s);
}

/* --- a step ------------------------------------------------------------------------- */

/* By the owner of pdev->op. */
static enum outcome go_on(struct step *s)
{
	struct conf c;

	if (plat_now() < s->vfs->until)
		return LATER;
	conf_of(&c, s->pf);
	vf_read(&c, s->pf->desc.sriov, &s->set);
	if (c.err || conf_absent(&c))
		return fail(s, "the device does not answer");
	if (s->want & PCI_SRIOV_CTRL_VFE)
		return s->set.enabled ? add_one(s) : enable(s);
	return s->set.enabled ? remove_one(s) : disable(s);
}

/* Somebody is in the way: not for ever. Under pdev->lock. */
static bool is_patient(struct vpci_vfs *vfs)
{
	uint64_t now = plat_now();

	if (!vfs->patience)
		vfs->patience = now + PATIENCE;
	return now < vfs->patience;
}

/* What was wanted at the step's beginning is over. Under pdev->lock. */
static void finish(struct step *s, struct vpci *view)
{
	s->vfs->patience = 0;
	s->vfs->fresh = true; /* whatever comes next */
	if (hf_load_relaxed(&s->vfs->control) == s->want)
		hf_fetch_and_release(&view->work, ~(uint32_t)VPCI_WORK_VFS);
}

/* GO_ON: pdev->op is ours. */
static enum outcome begin(struct step *s, struct vpci *view)
{
	enum outcome outcome = OVER;
	struct vpci_vfs *vfs = s->vfs;
	bool late = false, left;
	struct domain *d;
	enum pci_op op;

	pci_lock(&s->pf->lock);
	op = s->pf->op;
	s->want = (uint16_t)hf_load_relaxed(&vfs->control);
	d = hf_load_relaxed(&s->pf->owner);
	left = d && d != hardware_domain;
	if (vpci_vfs_busy(view) && !left) {
		int err = pci_op_begin(s->pf, PCI_OP_VFS);

		/* Not if it is another vCPU with this one. */
		late = err == -EBUSY && op != PCI_OP_VFS && !is_patient(vfs);
		if (!err)
			outcome = GO_ON;
		else if (err == -EBUSY && !late)
			outcome = IN_WAY;
	}
	if (outcome == GO_ON && vfs->fresh)
		vfs->phase = VPCI_VFS_BEGIN;
	if (outcome == GO_ON)
		vfs->fresh = false;
	if (outcome == OVER && !left)
		finish(s, view);
	pci_unlock(&s->pf->lock);
	if (late)
		tell_refused(s->pf, NULL, pci_op_name(op));
	return outcome;
}

static enum outcome end(struct step *s, struct vpci *view, enum outcome outcome)
{
	bool late;

	pci_lock(&s->pf->lock);
	late = outcome == IN_WAY && !is_patient(s->vfs);
	if (outcome != IN_WAY)
		s->vfs->patience = 0;
	if (late)
		outcome = OVER;
	if (outcome == OVER)
		finish(s, view);
	pci_op_end(s->pf);
	pci_unlock(&s->pf->lock);
	if (late)
		tell_refused(s->pf, &s->at, s->why);
	return outcome;
}

bool vpci_vfs_step(struct pci_dev *pdev, struct vpci *view, uint64_t *when)
{
	struct step s = { .pf = pdev, .vfs = view->vfs };
	enum outcome outcome = begin(&s, view);
	uint64_t now = plat_now(), until = now;

	if (outcome == GO_ON) {
		outcome = go_on(&s);
		until = s.vfs->until;
		outcome = end(&s, view, outcome);
	}
	*when = outcome == LATER    ? until
		: outcome == IN_WAY ? now + RETRY
				    : now;
	return vpci_vfs_busy(view);
}

void vpci_vfs_forget(struct pci_dev *pdev, struct vpci *view)
{
	struct step s = { .pf = pdev, .vfs = view->vfs };
	bool busy;

	pci_lock(&pdev->lock);
	busy = vpci_vfs_busy(view);
	if (busy) {
		s.want = (uint16_t)hf_load_relaxed(&s.vfs->control);
		finish(&s, view);
	}
	if (busy && !pdev->nchildren) {
		conf_update(pdev, pdev->desc.sriov + PCI_SRIOV_CTRL,
			    PCI_SRIOV_CTRL_VFE, 0);
		s.vfs->until = plat_now() + REST_TIME;
	}
	pci_unlock(&pdev->lock);
	if (busy)
		tell_refused(pdev, NULL, "it has changed hands");
}

void vpci_vfs_free(struct vpci *view)
{
	plat_free(view->vfs);
}
