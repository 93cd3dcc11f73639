/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual functions: they come with VF Enable and go with it (PCIe 6.0
 * §9.3.3.3.1), and answer at First VF Offset and Stride from their PF.
 */
#include "internal.h"

uint16_t fab_vf_bdf(const struct fab_fn *pf, unsigned int index)
{
	unsigned int sriov = pf->model->sriov;

	return (uint16_t)(pf->bdf + fab_get16(pf, sriov + PCI_SRIOV_VF_OFFSET) +
			  index * fab_get16(pf, sriov + PCI_SRIOV_VF_STRIDE));
}

int fab_vfs_create(struct fab_fn *pf)
{
	unsigned int n = fab_get16(pf, pf->model->sriov + PCI_SRIOV_NUM_VF);
	struct fab_fn *vf;

	if (!n)
		return 0;
	pf->vf = plat_zalloc(n * sizeof(struct fab_fn *));
	if (!pf->vf)
		return -ENOMEM;
	while (pf->nvf < n) {
		vf = fab_fn_new(pf->seg, pf->model->vf);
		if (!vf) {
			fab_vfs_destroy(pf);
			return -ENOMEM;
		}
		vf->pf = pf;
		vf->link = pf->link;
		pf->vf[pf->nvf++] = vf;
	}
	fab_route(pf->seg);
	return 0;
}

void fab_vfs_destroy(struct fab_fn *pf)
{
	unsigned int n = pf->nvf;

	if (!pf->vf)
		return;
	pf->nvf = 0;
	fab_route(pf->seg);
	for (unsigned int i = 0; i < n; i++)
		fab_fn_retire(pf->vf[i]);
	plat_free(pf->vf);
	pf->vf = NULL;
}
