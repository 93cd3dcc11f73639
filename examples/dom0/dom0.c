/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <time.h>

#include <holdfast/errno.h>
#include <holdfast/pci_regs.h>

#include "dom0.h"

/* As the hypervisor's own headers define them. */
#define __XEN_TOOLS__ 1
#include <xen/domctl.h>
#include <xen/physdev.h>
#include <xen/sysctl.h>

#define PAGE_AT 0x10000ull
#define RESET 32 /* PHYSDEVOP_pci_device_reset, Xen 4.20 */
#define RESET_FLR 3

static struct dom0 *the; /* whose memory it is */

void dom0_init(struct dom0 *dom0)
{
	memset(dom0, 0, sizeof(*dom0));
	xen_caller_init(&dom0->caller, hardware_domain, false);
	vpci_vcpu_init(&dom0->vcpu, hardware_domain);
	the = dom0;
}

void dom0_fini(struct dom0 *dom0)
{
	vpci_vcpu_fini(&dom0->vcpu);
	xen_caller_fini(&dom0->caller);
	the = NULL;
}

/* --- calling --------------------------------------------------------------------- */

static bool is_there(uint64_t at, size_t size)
{
	return at >= PAGE_AT && at - PAGE_AT <= DOM0_ROOM &&
	       size <= DOM0_ROOM - (at - PAGE_AT);
}

int dom0_copy_from(struct domain *d, void *to, uint64_t from, size_t size)
{
	(void)d;
	if (!is_there(from, size))
		return -EFAULT;
	memcpy(to, the->page + (from - PAGE_AT), size);
	return 0;
}

int dom0_copy_to(struct domain *d, uint64_t to, const void *from, size_t size)
{
	(void)d;
	if (!is_there(to, size))
		return -EFAULT;
	memcpy(the->page + (to - PAGE_AT), from, size);
	return 0;
}

typedef int hypercall_fn(struct xen_caller *caller, unsigned int cmd);

static int physdev(struct xen_caller *caller, unsigned int cmd)
{
	return xen_physdev_op(caller, cmd, PAGE_AT);
}

static int domctl(struct xen_caller *caller, unsigned int cmd)
{
	(void)cmd;
	return xen_domctl(caller, PAGE_AT);
}

static int sysctl(struct xen_caller *caller, unsigned int cmd)
{
	(void)cmd;
	return xen_sysctl(caller, PAGE_AT);
}

/* A hypervisor makes the call again by itself, with the vCPU's next turn. */
static int call(struct dom0 *dom0, hypercall_fn *fn, unsigned int cmd,
		void *arg, size_t size)
{
	const struct timespec turn = { .tv_nsec = 100000 };
	int ret;

	memcpy(dom0->page, arg, size);
	dom0->calls++;
	while ((ret = fn(&dom0->caller, cmd)) == -ERESTART) {
		dom0->restarts++;
		nanosleep(&turn, NULL);
	}
	memcpy(arg, dom0->page, size);
	return ret;
}

int dom0_physdev(struct dom0 *dom0, unsigned int cmd, void *arg, size_t size)
{
	return call(dom0, physdev, cmd, arg, size);
}

static int on_device(struct dom0 *dom0, unsigned int cmd, pci_sbdf_t sbdf)
{
	struct physdev_pci_device dev = { .seg = sbdf.seg,
					  .bus = sbdf.bus,
					  .devfn = sbdf.devfn };

	return dom0_physdev(dom0, cmd, &dev, sizeof(dev));
}

int dom0_assign_op(struct dom0 *dom0, uint32_t cmd, uint16_t domain,
		   pci_sbdf_t sbdf)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	op.cmd = cmd;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op.domain = domain;
	op.u.assign_device.dev = XEN_DOMCTL_DEV_PCI;
	op.u.assign_device.u.pci.machine_sbdf = sbdf.sbdf;
	return call(dom0, domctl, 0, &op, sizeof(op));
}

int dom0_node(struct dom0 *dom0, pci_sbdf_t sbdf, uint32_t *node)
{
	struct physdev_pci_device dev = { .seg = sbdf.seg,
					  .bus = sbdf.bus,
					  .devfn = sbdf.devfn };
	size_t devs = sizeof(struct xen_sysctl), nodes = devs + sizeof(dev);
	struct xen_sysctl op;
	int err;

	memset(&op, 0, sizeof(op));
	op.cmd = XEN_SYSCTL_pcitopoinfo;
	op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	op.u.pcitopoinfo.num_devs = 1;
	op.u.pcitopoinfo.devs.p = (void *)(uintptr_t)(PAGE_AT + devs);
	op.u.pcitopoinfo.nodes.p = (void *)(uintptr_t)(PAGE_AT + nodes);
	memcpy(dom0->page + devs, &dev, sizeof(dev));
	err = call(dom0, sysctl, 0, &op, sizeof(op));
	memcpy(node, dom0->page + nodes, sizeof(*node));
	return err;
}

/* --- registers -------------------------------------------------------------------- */

uint32_t dom0_read(struct dom0 *dom0, pci_sbdf_t sbdf, unsigned int reg,
		   uint8_t size)
{
	uint64_t val;

	while (vpci_read(dom0->vcpu.domain, sbdf, (uint16_t)reg, size, &val) ==
	       PCI_AGAIN)
		;
	return (uint32_t)val;
}

void dom0_write(struct dom0 *dom0, pci_sbdf_t sbdf, unsigned int reg,
		uint8_t size, uint32_t val)
{
	while (vpci_write(&dom0->vcpu, sbdf, (uint16_t)reg, size, val) ==
	       PCI_AGAIN)
		;
	while (vpci_process_pending(&dom0->vcpu, NULL) == PCI_AGAIN)
		;
}

static uint16_t ext_cap(struct dom0 *dom0, pci_sbdf_t sbdf, uint16_t id)
{
	unsigned int pos = PCI_CFG_SPACE_SIZE, left = 480;

	while (pos >= PCI_CFG_SPACE_SIZE && left--) {
		uint32_t head = dom0_read(dom0, sbdf, pos, 4);

		if (!head || head == UINT32_MAX)
			return 0;
		if ((head & 0xffff) == id)
			return (uint16_t)pos;
		pos = head >> 20 & ~3u;
	}
	return 0;
}

uint16_t dom0_cap(struct dom0 *dom0, pci_sbdf_t sbdf, bool extended,
		  uint16_t id)
{
	unsigned int pos, left = 48;

	if (extended)
		return ext_cap(dom0, sbdf, id);
	pos = dom0_read(dom0, sbdf, PCI_CAPABILITY_LIST, 1);
	while (pos >= 0x40 && pos < 0x100 && left--) {
		uint32_t head = dom0_read(dom0, sbdf, pos & ~3u, 4);

		if ((head & 0xff) == id)
			return (uint16_t)(pos & ~3u);
		pos = head >> 8 & 0xff;
	}
	return 0;
}

/* --- devices ------------------------------------------------------------------------ */

/* Where the VFs of @pf answer (PCIe 6.0 §9.2.1.2). */
static unsigned int find_vfs(struct dom0 *dom0, pci_sbdf_t pf)
{
	uint16_t cap = dom0_cap(dom0, pf, true, PCI_EXT_CAP_ID_SRIOV);
	unsigned int i, num, offset, stride;

	if (!cap || !(dom0_read(dom0, pf, cap + PCI_SRIOV_CTRL, 2) &
		      PCI_SRIOV_CTRL_VFE))
		return 0;
	num = dom0_read(dom0, pf, cap + PCI_SRIOV_NUM_VF, 2);
	offset = dom0_read(dom0, pf, cap + PCI_SRIOV_VF_OFFSET, 2);
	stride = dom0_read(dom0, pf, cap + PCI_SRIOV_VF_STRIDE, 2);
	for (i = 0; i < num && dom0->nvfs < DOM0_VFS; i++) {
		pci_sbdf_t vf = pf;

		vf.bdf = (uint16_t)(pf.bdf + offset + i * stride);
		dom0->vf[dom0->nvfs].sbdf = vf;
		dom0->vf[dom0->nvfs++].pf = pf;
	}
	return num;
}

static const pci_sbdf_t *pf_of(struct dom0 *dom0, pci_sbdf_t sbdf)
{
	unsigned int i;

	for (i = 0; i < dom0->nvfs; i++)
		if (dom0->vf[i].sbdf.sbdf == sbdf.sbdf)
			return &dom0->vf[i].pf;
	return NULL;
}

int dom0_add(struct dom0 *dom0, pci_sbdf_t sbdf, int pxm)
{
	struct {
		struct physdev_pci_device_add add;
		uint32_t pxm;
	} arg;
	const pci_sbdf_t *pf = pf_of(dom0, sbdf);
	int err;

	memset(&arg, 0, sizeof(arg));
	arg.add.seg = sbdf.seg;
	arg.add.bus = sbdf.bus;
	arg.add.devfn = sbdf.devfn;
	if (pf) {
		arg.add.flags |= XEN_PCI_DEV_VIRTFN;
		arg.add.physfn.bus = pf->bus;
		arg.add.physfn.devfn = pf->devfn;
	}
	if (pxm >= 0) {
		arg.add.flags |= XEN_PCI_DEV_PXM;
		arg.pxm = (uint32_t)pxm;
	}
	err = dom0_physdev(dom0, PHYSDEVOP_pci_device_add, &arg, sizeof(arg));
	dom0->announced += !err;
	dom0->failed += !!err;
	return err;
}

unsigned int dom0_announce(struct dom0 *dom0, struct pci_host *host,
			   uint16_t seg)
{
	pci_sbdf_t sbdf = { .seg = seg };
	unsigned int n = 0;

	for (; !host->ops->next(host, &sbdf) && sbdf.seg == seg;
	     sbdf.sbdf++, n++) {
		if (!dom0_add(dom0, sbdf, seg) && !pf_of(dom0, sbdf))
			find_vfs(dom0, sbdf);
		if (sbdf.bdf == UINT16_MAX)
			break;
	}
	return n;
}

unsigned int dom0_enable_vfs(struct dom0 *dom0, pci_sbdf_t pf, uint16_t num)
{
	uint16_t cap = dom0_cap(dom0, pf, true, PCI_EXT_CAP_ID_SRIOV);
	unsigned int first = dom0->nvfs, i, added = 0;

	if (!cap)
		return 0;
	dom0_write(dom0, pf, cap + PCI_SRIOV_NUM_VF, 2, num);
	dom0_write(dom0, pf, cap + PCI_SRIOV_CTRL, 2,
		   PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	find_vfs(dom0, pf);
	for (i = first; i < dom0->nvfs; i++)
		added += !dom0_add(dom0, dom0->vf[i].sbdf, -1);
	return added;
}

int dom0_remove(struct dom0 *dom0, pci_sbdf_t sbdf)
{
	return on_device(dom0, PHYSDEVOP_pci_device_remove, sbdf);
}

int dom0_msix(struct dom0 *dom0, pci_sbdf_t sbdf, bool prepare)
{
	return on_device(
		dom0, prepare ? PHYSDEVOP_prepare_msix : PHYSDEVOP_release_msix,
		sbdf);
}

int dom0_reset(struct dom0 *dom0, pci_sbdf_t sbdf)
{
	struct {
		struct physdev_pci_device dev;
		uint32_t flags;
	} arg = { .dev = { .seg = sbdf.seg,
			   .bus = sbdf.bus,
			   .devfn = sbdf.devfn },
		  .flags = RESET_FLR };

	return dom0_physdev(dom0, RESET, &arg, sizeof(arg));
}

/* --- interrupts ------------------------------------------------------------------------ */

/* The event channel that is bound to it unmasks it. */
int dom0_map_msi(struct dom0 *dom0, pci_sbdf_t sbdf)
{
	struct physdev_map_pirq map = {
		.domid = DOMID_SELF,
		.type = MAP_PIRQ_TYPE_MSI_SEG,
		.index = -1,
		.pirq = -1,
		.bus = sbdf.bus | (int)sbdf.seg << 16,
		.devfn = sbdf.devfn,
	};
	int err = dom0_physdev(dom0, PHYSDEVOP_map_pirq, &map, sizeof(map));

	if (!err)
		err = xen_pirq_mask(map.pirq, false);
	return err ? err : map.pirq;
}

int dom0_unmap(struct dom0 *dom0, int pirq)
{
	struct physdev_unmap_pirq unmap = { .domid = DOMID_SELF, .pirq = pirq };

	return dom0_physdev(dom0, PHYSDEVOP_unmap_pirq, &unmap, sizeof(unmap));
}

void dom0_suspend(struct dom0 *dom0, pci_sbdf_t sbdf,
		  uint32_t saved[DOM0_SAVED])
{
	unsigned int i;

	for (i = 0; i < DOM0_SAVED; i++)
		saved[i] = dom0_read(dom0, sbdf, 4 * i, 4);
}

/* Command last: it decodes what is above it. */
int dom0_resume(struct dom0 *dom0, pci_sbdf_t sbdf,
		const uint32_t saved[DOM0_SAVED])
{
	unsigned int i;

	for (i = DOM0_SAVED; i-- > 0;)
		if (4 * i != PCI_COMMAND)
			dom0_write(dom0, sbdf, 4 * i, 4, saved[i]);
	dom0_write(dom0, sbdf, PCI_COMMAND, 2, saved[PCI_COMMAND / 4] & 0xffff);
	return on_device(dom0, PHYSDEVOP_restore_msi_ext, sbdf);
}
