/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removal by the hardware domain: start → -ERESTART, a step each → the truth.
 *
 * Asked for nothing more than Xen's caller can say: no holder is asked, nobody
 * is cut off. So whoever uses the device is a refusal at once, and the rest
 * is a drain, which ends by XEN_REMOVE_TIME (R18).
 *
 * The operation belongs to the vCPU that began it, and has its own references;
 * the device is compared by name when the call comes again. A vCPU that asks
 * for another one instead has given up the first, which is cancelled, or, past
 * the point of no return, waited for.
 */
#include "xen_abi/internal.h"

void xen_removal_drop(struct xen_caller *c)
{
	if (!c->removal)
		return;
	pci_removal_finish(c->removal);
	c->removal = NULL;
}

void xen_caller_abandon(struct xen_caller *c)
{
	xen_removal_drop(c);
	c->until = 0;
}

static int start(struct xen_caller *c, pci_sbdf_t sbdf)
{
	struct pci_removal_info info;

	if (c->removal) {
		pci_removal_query(c->removal, &info);
		if (info.sbdf.sbdf == sbdf.sbdf)
			return 0;
		xen_removal_drop(c);
	}
	return pci_removal_start(sbdf, 0, XEN_REMOVE_TIME,
				 domain_name(c->domain), NULL, NULL,
				 &c->removal);
}

int xen_remove(struct xen_caller *c, pci_sbdf_t sbdf)
{
	int err = start(c, sbdf);

	if (err)
		return xen_answer(c, PHYSDEVOP_pci_device_remove, sbdf, err);
	c->until = 0;
	err = pci_removal_step(c->removal);
	if (err == -EINPROGRESS) {
		c->when = pci_removal_next(c->removal);
		return -ERESTART;
	}
	xen_removal_drop(c);
	return err;
}
