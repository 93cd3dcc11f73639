/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XEN_SYSCTL_pcitopoinfo: which NUMA node devices are near to. Each one is
 * looked up by itself, so nothing is kept from one element to the next (H6).
 */
#include "device/internal.h"
#include "xen_abi/internal.h"

#define AT_LEAST 64 /* elements, before somebody else's turn may come */

static uint32_t node_of(const struct physdev_pci_device *dev)
{
	struct pci_dev *pdev;
	uint32_t node = XEN_INVALID_DEV;

	plat_rcu_read_lock();
	pdev = xen_find((pci_sbdf_t){
		.seg = dev->seg, .bus = dev->bus, .devfn = dev->devfn });
	if (pdev) /* XEN_INVALID_NODE_ID is ~0 */
		node = hf_load_relaxed(&pdev->near) - 1;
	plat_rcu_read_unlock();
	return node;
}

static int one(struct xen_caller *c, const struct xen_sysctl_pcitopoinfo *ti,
	       uint32_t i)
{
	struct physdev_pci_device dev;
	uint32_t node;
	int err = xen_copy_from(
		c, &dev, (uintptr_t)ti->devs.p + (uint64_t)i * sizeof(dev),
		sizeof(dev));

	if (err)
		return err;
	node = node_of(&dev);
	return xen_copy_to(c,
			   (uintptr_t)ti->nodes.p + (uint64_t)i * sizeof(node),
			   &node, sizeof(node));
}

static int pcitopoinfo(struct xen_caller *c, struct xen_sysctl *op,
		       uint64_t arg)
{
	struct xen_sysctl_pcitopoinfo *ti = &op->u.pcitopoinfo;
	uint32_t i = 0;
	int err = 0;

	if (!ti->devs.p || !ti->nodes.p)
		return -EINVAL;
	while (i < ti->num_devs && !err) {
		err = one(c, ti, i);
		if (!err && ++i >= AT_LEAST && xen_ops->preempt &&
		    xen_ops->preempt())
			break;
	}
	if (err || i == ti->num_devs)
		return err;
	return xen_copy_to(
		c, arg + offsetof(struct xen_sysctl, u.pcitopoinfo.num_devs),
		&i, sizeof(i));
}

int xen_sysctl(struct xen_caller *caller, uint64_t arg)
{
	struct xen_sysctl op;
	int err = xen_may(caller);

	if (!err)
		err = xen_copy_from(caller, &op, arg, sizeof(op));
	if (err)
		return err;
	if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
		return -EACCES;
	return op.cmd == XEN_SYSCTL_pcitopoinfo ? pcitopoinfo(caller, &op, arg)
						: -ENOSYS;
}
