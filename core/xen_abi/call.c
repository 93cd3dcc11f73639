/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all calls of the Xen interface have in common. A caller's state is its
 * vCPU's own, so there is nothing to lock.
 */
#include "xen_abi/internal.h"

const struct xen_ops *xen_ops; /* fixed after xen_abi_init() */

int xen_abi_init(const struct xen_ops *ops)
{
	if (!ops->copy_from || !ops->copy_to)
		return -EINVAL;
	xen_ops = ops;
	return xen_pirq_init(ops->pirqs ? ops->pirqs : XEN_PIRQS);
}

void xen_abi_fini(void)
{
	xen_pirq_fini();
	xen_ops = NULL;
}

void xen_caller_init(struct xen_caller *caller, struct domain *d, bool hvm)
{
	domain_get(d);
	*caller = (struct xen_caller){ .domain = d, .hvm = hvm };
}

void xen_caller_fini(struct xen_caller *caller)
{
	xen_removal_drop(caller);
	domain_put(caller->domain);
	caller->domain = NULL;
}

int xen_may(const struct xen_caller *c)
{
	return c->domain == hardware_domain ? 0 : -EPERM;
}

int xen_copy_from(const struct xen_caller *c, void *to, uint64_t from,
		  size_t size)
{
	if (from + size < from)
		return -EFAULT;
	return xen_ops->copy_from(c->domain, to, from, size) ? -EFAULT : 0;
}

int xen_copy_to(const struct xen_caller *c, uint64_t to, const void *from,
		size_t size)
{
	if (to + size < to)
		return -EFAULT;
	return xen_ops->copy_to(c->domain, to, from, size) ? -EFAULT : 0;
}

/* Will it be over by itself? One that is not in the tables is being revoked. */
static bool in_the_middle(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	return pci_query(sbdf, &info) || info.op != PCI_OP_NONE;
}

int xen_answer_by(struct xen_caller *c, unsigned int cmd, pci_sbdf_t sbdf,
		  pci_sbdf_t in_the_way, int err)
{
	uint64_t now = plat_now();
	bool waits;

	if (err == -EALREADY)
		err = -EBUSY;
	if (c->cmd != cmd || c->sbdf.sbdf != sbdf.sbdf)
		c->until = 0;
	if (!c->until)
		c->again = false;
	waits = err == -EBUSY && in_the_middle(in_the_way);
	/* What was in the way may have ended since: once more, then. */
	if ((!waits && (err != -EBUSY || c->again)) ||
	    (c->until && now >= c->until)) {
		c->until = 0;
		return err;
	}
	if (!c->until)
		c->until = now + XEN_RESTART_TIME;
	c->again = !waits;
	c->cmd = cmd;
	c->sbdf = sbdf;
	c->when = waits ? now + PLAT_NSEC_PER_MSEC : now;
	return -ERESTART;
}

int xen_answer(struct xen_caller *c, unsigned int cmd, pci_sbdf_t sbdf, int err)
{
	return xen_answer_by(c, cmd, sbdf, sbdf, err);
}
