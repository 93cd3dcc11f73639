/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PHYSDEVOP_*: what dom0 says of devices as it finds, loses, suspends and
 * resets them. Rights, copy, check, act: in this order, for each.
 */
#include "device/internal.h"
#include "vpci/space.h"
#include "xen_abi/internal.h"

static pci_sbdf_t name(uint16_t seg, uint8_t bus, uint8_t devfn)
{
	return (pci_sbdf_t){ .seg = seg, .bus = bus, .devfn = devfn };
}

static int copy_device(struct xen_caller *c, uint64_t arg, pci_sbdf_t *sbdf)
{
	struct physdev_pci_device dev;
	int err = xen_copy_from(c, &dev, arg, sizeof(dev));

	if (!err)
		*sbdf = name(dev.seg, dev.bus, dev.devfn);
	return err;
}

/* The older form, of segment 0; restore_msi has the same. */
_Static_assert(sizeof(struct physdev_restore_msi) ==
		       sizeof(struct physdev_manage_pci),
	       "two names of one layout");
static int copy_old(struct xen_caller *c, uint64_t arg, pci_sbdf_t *sbdf)
{
	struct physdev_manage_pci dev;
	int err = xen_copy_from(c, &dev, arg, sizeof(dev));

	if (!err)
		*sbdf = name(0, dev.bus, dev.devfn);
	return err;
}

/* --- adding ------------------------------------------------------------------ */

struct add {
	pci_sbdf_t sbdf, pf;
	bool is_vf, has_node;
	uint32_t node; /* + 1 */
};

static uint32_t node_of(uint32_t pxm)
{
	int node = xen_ops->pxm_to_node ? xen_ops->pxm_to_node(pxm) : (int)pxm;

	return node < 0 ? 0 : (uint32_t)node + 1;
}

struct pci_dev *xen_find(pci_sbdf_t sbdf)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);

	return pseg ? pci_table_find(&pseg->table, sbdf) : NULL;
}

/* Of a device that went meanwhile nothing is to be noted. */
static void note_node(pci_sbdf_t sbdf, uint32_t node)
{
	struct pci_dev *pdev;

	plat_rcu_read_lock();
	pdev = xen_find(sbdf);
	if (pdev)
		hf_store_relaxed(&pdev->near, node);
	plat_rcu_read_unlock();
}

/*
 * Whether it is a VF, and whose, the core finds out itself; the caller's word
 * can only make it impossible.
 */
static int add(struct xen_caller *c, const struct add *a)
{
	struct pci_dev_info pf;
	int err = a->is_vf ? pci_query(a->pf, &pf) : 0;

	if (!err)
		err = pci_add_device(a->sbdf);
	if (!err && a->has_node)
		note_node(a->sbdf, a->node);
	return xen_answer(c, PHYSDEVOP_pci_device_add, a->sbdf, err);
}

static int add_old(struct xen_caller *c, uint64_t arg)
{
	struct add a = { 0 };
	int err = copy_old(c, arg, &a.sbdf);

	return err ? err : add(c, &a);
}

static int add_ext(struct xen_caller *c, uint64_t arg)
{
	struct physdev_manage_pci_ext dev;
	struct add a = { 0 };
	int err = xen_copy_from(c, &dev, arg, sizeof(dev));

	if (err)
		return err;
	if (dev.is_extfn > 1 || dev.is_virtfn > 1)
		return -EINVAL;
	a.sbdf = name(0, dev.bus, dev.devfn);
	a.pf = name(0, dev.physfn.bus, dev.physfn.devfn);
	a.is_vf = dev.is_virtfn;
	return add(c, &a);
}

static int add_device(struct xen_caller *c, uint64_t arg)
{
	struct physdev_pci_device_add dev;
	struct add a = { 0 };
	uint32_t pxm;
	int err = xen_copy_from(c, &dev, arg, sizeof(dev));

	if (err)
		return err;
	a.sbdf = name(dev.seg, dev.bus, dev.devfn);
	a.pf = name(dev.seg, dev.physfn.bus, dev.physfn.devfn);
	a.is_vf = dev.flags & XEN_PCI_DEV_VIRTFN;
	a.has_node = dev.flags & XEN_PCI_DEV_PXM;
	if (a.has_node) {
		err = xen_copy_from(
			c, &pxm,
			arg + offsetof(struct physdev_pci_device_add, optarr),
			sizeof(pxm));
		if (err)
			return err;
		a.node = node_of(pxm);
	}
	return add(c, &a);
}

/* --- interrupts --------------------------------------------------------------- */

static int restore_old(struct xen_caller *c, uint64_t arg)
{
	pci_sbdf_t sbdf;
	int err = copy_old(c, arg, &sbdf);

	return err ? err
		   : xen_answer(c, PHYSDEVOP_restore_msi_ext, sbdf,
				pci_restore_msi(sbdf));
}

static int restore(struct xen_caller *c, uint64_t arg)
{
	pci_sbdf_t sbdf;
	int err = copy_device(c, arg, &sbdf);

	return err ? err
		   : xen_answer(c, PHYSDEVOP_restore_msi_ext, sbdf,
				pci_restore_msi(sbdf));
}

static int prepare(struct xen_caller *c, uint64_t arg)
{
	pci_sbdf_t sbdf;
	int err = copy_device(c, arg, &sbdf);

	return err ? err
		   : xen_answer(c, PHYSDEVOP_prepare_msix, sbdf,
				pci_prepare_msix(sbdf));
}

static int release(struct xen_caller *c, uint64_t arg)
{
	pci_sbdf_t sbdf;
	int err = copy_device(c, arg, &sbdf);

	return err ? err
		   : xen_answer(c, PHYSDEVOP_release_msix, sbdf,
				pci_release_msix(sbdf));
}

/* --- removal and reset -------------------------------------------------------- */

static int remove_old(struct xen_caller *c, uint64_t arg)
{
	pci_sbdf_t sbdf;
	int err = copy_old(c, arg, &sbdf);

	return err ? err : xen_remove(c, sbdf);
}

static int remove_device(struct xen_caller *c, uint64_t arg)
{
	pci_sbdf_t sbdf;
	int err = copy_device(c, arg, &sbdf);

	return err ? err : xen_remove(c, sbdf);
}

/*
 * A warm reset leaves a function as a hot one does, sticky registers included
 * (PCIe 6.0 §6.6.1), and the bus is what can be reset here; a cold one takes
 * the power away.
 */
static int reset_as(pci_sbdf_t sbdf, uint32_t type)
{
	int err;

	switch (type) {
	case PCI_DEVICE_RESET_FLR:
		err = pci_reset_device(sbdf, PCI_RESET_FLR, NULL, NULL);
		return err == -EOPNOTSUPP ? pci_reset_device(sbdf, PCI_RESET_AF,
							     NULL, NULL)
					  : err;
	case PCI_DEVICE_RESET_HOT:
	case PCI_DEVICE_RESET_WARM:
		return pci_reset_device(sbdf, PCI_RESET_BUS, NULL, NULL);
	default:
		return pci_owner(sbdf) < 0 ? -ENODEV : -EOPNOTSUPP;
	}
}

static int reset(struct xen_caller *c, uint64_t arg)
{
	struct pci_device_reset r;
	pci_sbdf_t sbdf;
	int err = xen_copy_from(c, &r, arg, sizeof(r));

	if (err)
		return err;
	if (r.flags & ~(uint32_t)PCI_DEVICE_RESET_MASK)
		return -EINVAL;
	sbdf = name(r.dev.seg, r.dev.bus, r.dev.devfn);
	return xen_answer(c, PHYSDEVOP_pci_device_reset, sbdf,
			  reset_as(sbdf, r.flags));
}

/* --- configuration space in memory -------------------------------------------- */

/* 1: it is there as described; 0: nobody is; or an error. */
static int known_window(const struct physdev_pci_mmcfg_reserved *w)
{
	struct vpci_space *space = hf_load_acquire(&hardware_domain->space);
	const struct vpci_ecam *e = space ? hf_load_acquire(&space->ecam)
					  : NULL;

	for (; e; e = e->next)
		if (e->seg == w->segment && e->first_bus == w->start_bus &&
		    e->last_bus == w->end_bus)
			return e->start == w->address ? 1 : -EIO;
	return 0;
}

/* One that is not reserved is nobody's to use. */
static int mmcfg(struct xen_caller *c, uint64_t arg)
{
	struct physdev_pci_mmcfg_reserved w;
	int ret = xen_copy_from(c, &w, arg, sizeof(w));

	if (ret)
		return ret;
	if (w.flags & ~(uint32_t)XEN_PCI_MMCFG_RESERVED)
		return -EINVAL;
	if (!pci_segment_host(w.segment))
		return -ENODEV;
	ret = known_window(&w);
	if (ret)
		return ret < 0 ? ret : 0;
	if (!(w.flags & XEN_PCI_MMCFG_RESERVED))
		return 0;
	return vpci_ecam_add(hardware_domain, w.address, w.segment, w.start_bus,
			     w.end_bus);
}

/* --- the table ------------------------------------------------------------------ */

typedef int physdev_fn(struct xen_caller *c, uint64_t arg);

static physdev_fn *const table[] = {
	[PHYSDEVOP_map_pirq] = xen_map_pirq,
	[PHYSDEVOP_unmap_pirq] = xen_unmap_pirq,
	[PHYSDEVOP_manage_pci_add] = add_old,
	[PHYSDEVOP_manage_pci_remove] = remove_old,
	[PHYSDEVOP_restore_msi] = restore_old,
	[PHYSDEVOP_manage_pci_add_ext] = add_ext,
	[PHYSDEVOP_pci_mmcfg_reserved] = mmcfg,
	[PHYSDEVOP_pci_device_add] = add_device,
	[PHYSDEVOP_pci_device_remove] = remove_device,
	[PHYSDEVOP_restore_msi_ext] = restore,
	[PHYSDEVOP_prepare_msix] = prepare,
	[PHYSDEVOP_release_msix] = release,
	[PHYSDEVOP_pci_device_reset] = reset,
};

/*
 * An HVM guest has none at all; an HVM dom0 no older forms, and no PIRQs unless
 * it is given some.
 */
static bool hvm_has(const struct xen_caller *c, unsigned int cmd)
{
	if (c->domain != hardware_domain)
		return false;
	switch (cmd) {
	case PHYSDEVOP_map_pirq:
	case PHYSDEVOP_unmap_pirq:
		return c->pirqs;
	case PHYSDEVOP_pci_mmcfg_reserved:
	case PHYSDEVOP_pci_device_add:
	case PHYSDEVOP_pci_device_remove:
	case PHYSDEVOP_pci_device_reset:
		return true;
	default:
		return false;
	}
}

int xen_physdev_op(struct xen_caller *caller, unsigned int cmd, uint64_t arg)
{
	int err;

	if (cmd >= ARRAY_SIZE(table) || !table[cmd] ||
	    (caller->hvm && !hvm_has(caller, cmd)))
		return -ENOSYS;
	err = xen_may(caller);
	return err ? err : table[cmd](caller, arg);
}
