/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XEN_DOMCTL_*: what the toolstack says of devices and guests.
 *
 * Quarantine is Xen's: a device that is assigned to DOMID_IO rests there until
 * a guest is given it. The core's quarantine is for what is not fit for use; so
 * what was put there by this call has a reason of its own, and that is the one
 * for which a guest gets what is there.
 */
#include "device/internal.h"
#include "xen_abi/internal.h"

/* In Holdfast DOMID_IO is another number; Xen's comes in. */
#define XEN_DOMID_IO DOMID_IO

/* Commands of two hypercalls must not be taken for each other. */
static unsigned int as_domctl(uint32_t cmd)
{
	return cmd << 16;
}

static const char put_aside[] = "put aside for guests";

/* --- whom it is about ------------------------------------------------------------ */

static int find_domain(const struct xen_domctl *op, struct domain **d)
{
	bool test = op->cmd == XEN_DOMCTL_test_assign_device;
	bool group = op->cmd == XEN_DOMCTL_get_device_group;

	*d = NULL;
	if (op->domain == DOMID_INVALID && test)
		return 0;
	if (op->domain == XEN_DOMID_IO && !test && !group) {
		*d = dom_io;
		domain_get(*d);
		return 0;
	}
	*d = op->domain < DOMID_FIRST_RESERVED ? domain_get_by_id(op->domain)
					       : NULL;
	return *d ? 0 : -ESRCH;
}

/* --- assigning -------------------------------------------------------------------- */

/* As far as Xen looks before it looks at the device. */
static int check(const struct xen_caller *c, const struct xen_domctl *op,
		 struct domain *d, pci_sbdf_t *sbdf)
{
	const struct xen_domctl_assign_device *a = &op->u.assign_device;
	uint32_t allowed = op->cmd == XEN_DOMCTL_assign_device
				   ? XEN_DOMCTL_DEV_RDM_RELAXED
				   : 0;

	*sbdf = pci_sbdf_from(a->u.pci.machine_sbdf);
	if (d == c->domain)
		return -EINVAL;
	if (a->dev != XEN_DOMCTL_DEV_PCI)
		return -ENODEV;
	if (a->flags & ~allowed)
		return -EINVAL;
	return 0;
}

/* Is that all that speaks against it? */
static bool is_aside(int err, const struct pci_assign_report *report)
{
	return err == -EBADF && report->reason == put_aside;
}

/* Absent and busy are told apart by the native interface only (R13). */
static int fold(int err)
{
	return err == -ENODEV || err == -EBUSY ? -EINVAL : err;
}

/* 0: no guest has it; to be given to @d, or if that is NULL, to any. */
static int test_assign(struct domain *d, pci_sbdf_t sbdf,
		       struct pci_assign_report *report)
{
	struct pci_iommu_info info;
	int owner = pci_owner(sbdf), err;

	if (owner < 0)
		return -ENODEV;
	if (pci_iommu_query(sbdf, &info) == -EOPNOTSUPP)
		return -EOPNOTSUPP;
	if (owner != (int)domain_id(hardware_domain) &&
	    owner != (int)domain_id(dom_io))
		return -EBUSY;
	if (!d)
		return 0;
	err = pci_test_assign(d, sbdf, 0, report);
	if (is_aside(err, report))
		err = pci_test_assign(d, sbdf, PCI_ASSIGN_QUARANTINED, report);
	return err;
}

/* Where the guest sees it is ours to choose. */
static int give(struct domain *d, pci_sbdf_t sbdf, unsigned int flags,
		struct pci_assign_report *report)
{
	pci_sbdf_t any = pci_sbdf_from(UINT32_MAX);

	return pci_assign_device(d, sbdf, flags, &any, report);
}

static int assign(struct domain *d, pci_sbdf_t sbdf, uint32_t xen_flags,
		  struct pci_assign_report *report)
{
	unsigned int flags =
		xen_flags & XEN_DOMCTL_DEV_RDM_RELAXED ? PCI_ASSIGN_RELAXED : 0;
	int err;

	if (d == dom_io)
		return pci_quarantine_device(sbdf, put_aside);
	err = give(d, sbdf, flags, report);
	if (is_aside(err, report))
		err = give(d, sbdf, flags | PCI_ASSIGN_QUARANTINED, report);
	return err;
}

/* From DOMID_IO, what is not there is not its. */
static int deassign(struct domain *d, pci_sbdf_t sbdf,
		    struct pci_assign_report *report)
{
	int err;

	if (d != dom_io)
		return pci_deassign_device(d, sbdf, 0, report);
	err = pci_unquarantine_device(sbdf, NULL);
	return err == -EINVAL ? -ENODEV : err;
}

/* --- groups ------------------------------------------------------------------------- */

static bool belongs(const struct domain *d, const struct pci_group_member *m,
		    pci_sbdf_t asked)
{
	return !m->bridge && m->sbdf.seg == asked.seg &&
	       m->sbdf.sbdf != asked.sbdf &&
	       pci_owner(m->sbdf) == (int)domain_id(d);
}

static int put_members(struct xen_caller *c, struct domain *d,
		       struct xen_domctl_get_device_group *g,
		       const struct pci_group_member *m, int n)
{
	pci_sbdf_t asked = pci_sbdf_from(g->machine_sbdf);
	uint64_t to = (uintptr_t)g->sdev_array.p;
	int i;

	g->num_sdevs = 0;
	for (i = 0; i < n && g->num_sdevs < g->max_sdevs; i++) {
		uint32_t word = (uint32_t)m[i].sbdf.bus << 16 |
				(uint32_t)m[i].sbdf.devfn << 8;

		if (!belongs(d, &m[i], asked))
			continue;
		if (xen_copy_to(c, to + sizeof(word) * g->num_sdevs, &word,
				sizeof(word)))
			return -EFAULT;
		g->num_sdevs++;
	}
	return 0;
}

static int get_group(struct xen_caller *c, struct domain *d,
		     struct xen_domctl *op, uint64_t arg)
{
	struct xen_domctl_get_device_group *g = &op->u.get_device_group;
	pci_sbdf_t sbdf = pci_sbdf_from(g->machine_sbdf);
	struct pci_group_member *m = plat_zalloc(PCI_GROUP_MAX * sizeof(*m));
	int ret = m ? pci_device_group(sbdf, m, PCI_GROUP_MAX) : -ENOMEM;
	pci_sbdf_t in_the_way = ret == -EBUSY ? m->sbdf : sbdf;

	if (ret >= 0)
		ret = put_members(c, d, g, m, ret);
	plat_free(m);
	if (!ret)
		ret = xen_copy_to(c, arg + offsetof(struct xen_domctl, u), g,
				  sizeof(*g));
	return xen_answer_by(c, as_domctl(op->cmd), sbdf, in_the_way, ret);
}

/* --- the table ---------------------------------------------------------------------- */

static int on_device(struct xen_caller *c, struct xen_domctl *op,
		     struct domain *d)
{
	struct pci_assign_report report;
	pci_sbdf_t sbdf;
	int err = check(c, op, d, &sbdf);

	if (err)
		return err;
	report = (struct pci_assign_report){ .sbdf = sbdf };
	switch (op->cmd) {
	case XEN_DOMCTL_test_assign_device:
		err = test_assign(d, sbdf, &report);
		break;
	case XEN_DOMCTL_assign_device:
		err = assign(d, sbdf, op->u.assign_device.flags, &report);
		break;
	default:
		err = deassign(d, sbdf, &report);
	}
	err = xen_answer_by(c, as_domctl(op->cmd), sbdf, report.sbdf, err);
	return op->cmd == XEN_DOMCTL_test_assign_device ? fold(err) : err;
}

int xen_domctl(struct xen_caller *caller, uint64_t arg)
{
	struct xen_domctl op;
	struct domain *d;
	int ret = xen_may(caller);

	if (!ret)
		ret = xen_copy_from(caller, &op, arg, sizeof(op));
	if (ret)
		return ret;
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return -EACCES;
	switch (op.cmd) {
	case XEN_DOMCTL_assign_device:
	case XEN_DOMCTL_test_assign_device:
	case XEN_DOMCTL_deassign_device:
	case XEN_DOMCTL_get_device_group:
		break;
	default:
		return -ENOSYS;
	}
	ret = find_domain(&op, &d);
	if (ret)
		return ret;
	ret = op.cmd == XEN_DOMCTL_get_device_group
		      ? get_group(caller, d, &op, arg)
		      : on_device(caller, &op, d);
	domain_put(d);
	return ret;
}
