/* SPDX-License-Identifier: BSD-2-Clause */
/* The sequence of stages; set up once, before the first device. */
#include "device/internal.h"

static const struct pci_stage *stages[9];
static unsigned int nstages;

int pci_stage_register(const struct pci_stage *stage)
{
	unsigned int i;

	if (nstages == ARRAY_SIZE(stages))
		return -ENOSPC;
	for (i = nstages++; i && stages[i - 1]->rank > stage->rank; i--)
		stages[i] = stages[i - 1];
	stages[i] = stage;
	return 0;
}

void pci_stages_free(void)
{
	while (nstages--)
		if (stages[nstages]->fini)
			stages[nstages]->fini();
	nstages = 0;
}

/* What the hardware domain has of it by now may be in somebody's hands. */
static void undo_attach(const struct pci_stage *stage, struct pci_dev *pdev)
{
	if (stage->leave && !stage->leave(pdev))
		plat_rcu_synchronize();
	if (stage->detach)
		stage->detach(pdev);
}

int pci_stages_attach(struct pci_dev *pdev)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < nstages && !err; i++)
		if (stages[i]->attach)
			err = stages[i]->attach(pdev);
	if (!err)
		return 0;
	for (i--; i-- > 0;)
		undo_attach(stages[i], pdev);
	return err;
}

void pci_stages_undo_attach(struct pci_dev *pdev)
{
	unsigned int i;

	for (i = nstages; i-- > 0;)
		undo_attach(stages[i], pdev);
}

void pci_stages_added(struct pci_dev *pdev)
{
	unsigned int i;

	for (i = 0; i < nstages; i++)
		if (stages[i]->added)
			stages[i]->added(pdev);
}

void pci_stages_cut_off(struct pci_dev *pdev)
{
	unsigned int i;

	for (i = nstages; i-- > 0;)
		if (stages[i]->cut_off)
			stages[i]->cut_off(pdev);
}

int pci_stages_quiesce(struct pci_dev *pdev, unsigned int *done,
		       uint64_t deadline, const char **why)
{
	for (; *done < nstages; ++*done) {
		const struct pci_stage *stage = stages[nstages - 1 - *done];
		int err = stage->quiesce ? stage->quiesce(pdev, deadline, why)
					 : 0;

		if (err)
			return err;
	}
	return 0;
}

void pci_stages_restore(struct pci_dev *pdev)
{
	unsigned int i;

	for (i = 0; i < nstages; i++)
		if (stages[i]->restore)
			stages[i]->restore(pdev);
}

int pci_stages_enter(struct pci_dev *pdev, struct domain *d)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < nstages && !err; i++)
		if (stages[i]->enter)
			err = stages[i]->enter(pdev, d);
	return err;
}

int pci_stages_leave(struct pci_dev *pdev)
{
	unsigned int i;
	int err = 0;

	for (i = nstages; i-- > 0 && !err;)
		if (stages[i]->leave)
			err = stages[i]->leave(pdev);
	return err;
}

void pci_stages_revoke(struct pci_dev *pdev, struct domain *d)
{
	unsigned int i;

	for (i = nstages; i-- > 0;)
		if (stages[i]->revoke)
			stages[i]->revoke(pdev, d);
}

void pci_stages_rest(struct pci_dev *pdev)
{
	unsigned int i;

	for (i = 0; i < nstages; i++)
		if (stages[i]->rest)
			stages[i]->rest(pdev);
}

void pci_stages_domain_dying(struct domain *d)
{
	unsigned int i;

	for (i = nstages; i-- > 0;)
		if (stages[i]->domain_dying)
			stages[i]->domain_dying(d);
}

void pci_stages_domain_empty(struct domain *d)
{
	unsigned int i;

	for (i = nstages; i-- > 0;)
		if (stages[i]->domain_empty)
			stages[i]->domain_empty(d);
}

void pci_stages_domain_gone(struct domain *d)
{
	unsigned int i;

	for (i = nstages; i-- > 0;)
		if (stages[i]->domain_gone)
			stages[i]->domain_gone(d);
}

const char *pci_stages_check(struct pci_dev *pdev, unsigned int *i)
{
	while (*i < nstages) {
		const struct pci_stage *stage = stages[(*i)++];
		const char *why = stage->check ? stage->check(pdev) : NULL;

		if (why)
			return why;
	}
	return NULL;
}

void pci_stages_detach(struct pci_dev *pdev)
{
	unsigned int i;

	for (i = nstages; i-- > 0;)
		if (stages[i]->detach)
			stages[i]->detach(pdev);
}
