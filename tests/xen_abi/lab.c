/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <time.h>

#include <holdfast/config.h>
#include <holdfast/stage.h>

#include "lab.h"

struct lab lab;

/* --- memory that runs out ---------------------------------------------------------- */

void *__wrap_plat_zalloc(size_t size);
void *__real_plat_zalloc(size_t size);

void *__wrap_plat_zalloc(size_t size)
{
	void (*meanwhile)(void) = lab.meanwhile;

	if (lab.fail_in && !--lab.fail_in) {
		if (!meanwhile)
			return NULL;
		lab.meanwhile = NULL;
		meanwhile();
	}
	return __real_plat_zalloc(size);
}

/* --- dom0's memory ------------------------------------------------------------------ */

static bool faults(uint64_t at, size_t size, bool write)
{
	size_t from = at - BASE;

	lab.copies++;
	assert_true(at + size >= at); /* as it is promised */
	if (at < BASE || from > lab.end || size > lab.end - from)
		return true;
	if (!lab.hole_size || (!write && lab.written_only))
		return false;
	return from < lab.hole + lab.hole_size && from + size > lab.hole;
}

/* Twice is once too often: the guest may have written between. */
static void read_once(size_t from, size_t size)
{
	size_t i;

	for (i = from; i < from + size; i++) {
		assert_false(lab.was_read[i]);
		lab.was_read[i] = true;
	}
	lab.reads++;
}

static void call_begins(void)
{
	memset(lab.was_read, 0, sizeof(lab.was_read));
	lab.reads = 0;
}

static int copy_from(struct domain *d, void *to, uint64_t from, size_t size)
{
	assert_ptr_equal(d, hardware_domain); /* nobody else's is read */
	if (faults(from, size, false))
		return -EFAULT;
	read_once(from - BASE, size);
	memcpy(to, lab.page + (from - BASE), size);
	return 0;
}

static int copy_to(struct domain *d, uint64_t to, const void *from, size_t size)
{
	assert_ptr_equal(d, hardware_domain);
	if (faults(to, size, true))
		return -EFAULT;
	memcpy(lab.page + (to - BASE), from, size);
	return 0;
}

static bool preempt(void)
{
	return lab.preempt_in && !--lab.preempt_in;
}

static int pxm_to_node(uint32_t pxm)
{
	return pxm == 99 ? -1 : (int)pxm + 10;
}

static void pirq(int n)
{
	assert_in_range(n, 16, PIRQS - 1);
	lab.pirq[n]++;
}

static const struct xen_ops ops = {
	.copy_from = copy_from,
	.copy_to = copy_to,
	.preempt = preempt,
	.pxm_to_node = pxm_to_node,
	.pirq = pirq,
	.pirqs = PIRQS,
};

static const struct xen_ops bare = { .copy_from = copy_from,
				     .copy_to = copy_to,
				     .pirqs = 20 };

static void domain_dying(struct domain *d)
{
	(void)d;
	if (lab.on_dying)
		lab.on_dying();
}

static const struct pci_stage stage = { .name = "test",
					.rank = PCI_STAGE_RESET - 1,
					.domain_dying = domain_dying };

/* --- setting up ------------------------------------------------------------------------ */

static int setup(const char *spec, const struct pci_irq_options *irq,
		 bool iommu, const struct xen_ops *with)
{
	struct pci_scan scan;
	char err[200];
	int seg;

	memset(&lab, 0, sizeof(lab));
	lab.end = ROOM;
	lab.f = fabric_open(spec, err, sizeof(err));
	if (!lab.f || pci_init() || pci_config_init() || pci_vpci_init(NULL) ||
	    pci_irq_init(irq) || pci_iommu_init(NULL) || pci_reset_init() ||
	    pci_stage_register(&stage) || xen_abi_init(with))
		return -1;
	if (!iommu)
		fabric_host(lab.f)->iommu = NULL;
	for (seg = 0;
	     (seg = fabric_segment_next(lab.f, (unsigned int)seg)) >= 0; seg++)
		if (pci_segment_add((uint16_t)seg, fabric_host(lab.f)) ||
		    pci_scan_segment((uint16_t)seg, &scan) || scan.failed)
			return -1;
	if (domain_create(0, "one", NULL, NULL, &lab.one))
		return -1;
	xen_caller_init(&lab.dom0, hardware_domain, false);
	xen_caller_init(&lab.pv, lab.one, false);
	xen_caller_init(&lab.hvm, lab.one, true);
	return 0;
}

void lab_begin(void)
{
	assert_int_equal(xen_abi_init(&ops), 0);
}

int lab_setup(void **state)
{
	(void)state;
	return setup("lab", NULL, true, &ops);
}

int lab_setup_many(void **state)
{
	(void)state;
	return setup("scale=258", NULL, true, &ops);
}

int lab_setup_no_iommu(void **state)
{
	(void)state;
	return setup("lab", NULL, false, &ops);
}

int lab_setup_no_msi(void **state)
{
	(void)state;
	return setup("lab", &(struct pci_irq_options){ .off = true }, true,
		     &ops);
}

int lab_teardown(void **state)
{
	struct fabric_witness w;

	(void)state;
	lab.fail_in = 0;
	xen_caller_fini(&lab.hvm);
	xen_caller_fini(&lab.pv);
	xen_caller_fini(&lab.dom0);
	assert_int_equal(pci_check_invariants(), 0);
	if (!domain_is_dying(lab.one))
		assert_int_equal(domain_destroy(lab.one), 0);
	domain_put(lab.one);
	assert_int_equal(pci_check_invariants(), 0);
	xen_abi_fini();
	pci_fini();
	assert_int_equal(pci_irq_vectors(), 0);
	fabric_witness(lab.f, &w);
	if (w.listed)
		print_error("%s\n", w.list[0].text);
	assert_int_equal(w.violations, 0);
	fabric_close(lab.f);
	return 0;
}

int lab_setup_bare(void **state)
{
	(void)state;
	return setup("lab", NULL, true, &bare);
}

struct pci_dev_info info_of(const char *device)
{
	struct pci_dev_info info;

	assert_int_equal(pci_query(at(device), &info), 0);
	return info;
}

bool is_there(const char *device)
{
	struct pci_dev_info info;

	return !pci_query(at(device), &info);
}

void make_broken(const char *device)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(device));

	assert_non_null(pdev);
	pcidev_set_broken(pdev, "a test");
	pcidev_put(pdev);
}

/* --- calling ------------------------------------------------------------------------------ */

static const char *const physdev_names[] = {
	[13] = "map_pirq",           [14] = "unmap_pirq",
	[15] = "manage_pci_add",     [16] = "manage_pci_remove",
	[19] = "restore_msi",        [20] = "manage_pci_add_ext",
	[24] = "pci_mmcfg_reserved", [25] = "pci_device_add",
	[26] = "pci_device_remove",  [27] = "restore_msi_ext",
	[30] = "prepare_msix",       [31] = "release_msix",
	[32] = "pci_device_reset",
};

static const char *name_of(unsigned int cmd)
{
	return cmd < ARRAY_SIZE(physdev_names) && physdev_names[cmd]
		       ? physdev_names[cmd]
		       : "another physdev";
}

static const char *domctl_name(uint32_t cmd)
{
	switch (cmd) {
	case XEN_DOMCTL_assign_device:
		return "assign_device";
	case XEN_DOMCTL_test_assign_device:
		return "test_assign_device";
	case XEN_DOMCTL_deassign_device:
		return "deassign_device";
	case XEN_DOMCTL_get_device_group:
		return "get_device_group";
	default:
		return "another domctl";
	}
}

int physdev_once(struct xen_caller *c, unsigned int cmd)
{
	int ret;

	call_begins();
	ret = xen_physdev_op(c, cmd, BASE);
	seen(name_of(cmd), ret);
	return ret;
}

int domctl_once(struct xen_caller *c, uint64_t arg)
{
	call_begins();
	return xen_domctl(c, arg);
}

int sysctl_once(struct xen_caller *c, uint64_t arg)
{
	call_begins();
	return xen_sysctl(c, arg);
}

static void pause_until(uint64_t when)
{
	const struct timespec turn = { .tv_nsec = 50000 };

	if (plat_now() < when)
		nanosleep(&turn, NULL);
}

int physdev(unsigned int cmd, void *arg, size_t size)
{
	int ret;

	memcpy(lab.page, arg, size);
	while ((ret = physdev_once(&lab.dom0, cmd)) == -ERESTART)
		pause_until(lab.dom0.when);
	memcpy(arg, lab.page, size);
	return ret;
}

int domctl(struct xen_domctl *op)
{
	int ret;

	memcpy(lab.page, op, sizeof(*op));
	do {
		ret = domctl_once(&lab.dom0, BASE);
		seen(domctl_name(op->cmd), ret);
		if (ret == -ERESTART)
			pause_until(lab.dom0.when);
	} while (ret == -ERESTART);
	memcpy(op, lab.page, sizeof(*op));
	return ret;
}

int sysctl(struct xen_sysctl *op)
{
	int ret;

	memcpy(lab.page, op, sizeof(*op));
	ret = sysctl_once(&lab.dom0, BASE);
	seen(op->cmd == XEN_SYSCTL_pcitopoinfo ? "pcitopoinfo"
					       : "another sysctl",
	     ret);
	memcpy(op, lab.page, sizeof(*op));
	return ret;
}

int on_device(unsigned int cmd, const char *device)
{
	pci_sbdf_t sbdf = at(device);
	struct physdev_pci_device dev = { .seg = sbdf.seg,
					  .bus = sbdf.bus,
					  .devfn = sbdf.devfn };

	return physdev(cmd, &dev, sizeof(dev));
}

int on_old(unsigned int cmd, const char *device)
{
	pci_sbdf_t sbdf = at(device);
	struct physdev_manage_pci dev = { .bus = sbdf.bus,
					  .devfn = sbdf.devfn };

	return physdev(cmd, &dev, sizeof(dev));
}

int reset_by(const char *device, uint32_t flags)
{
	pci_sbdf_t sbdf = at(device);
	struct pci_device_reset reset = { .dev = { .seg = sbdf.seg,
						   .bus = sbdf.bus,
						   .devfn = sbdf.devfn },
					  .flags = flags };

	return physdev(PHYSDEVOP_pci_device_reset, &reset, sizeof(reset));
}

int add(const char *device, uint32_t flags, const char *pf, uint32_t pxm)
{
	pci_sbdf_t sbdf = at(device);
	struct {
		struct physdev_pci_device_add add;
		uint32_t pxm;
	} arg;

	memset(&arg, 0, sizeof(arg));
	arg.add.seg = sbdf.seg;
	arg.add.bus = sbdf.bus;
	arg.add.devfn = sbdf.devfn;
	arg.add.flags = flags;
	if (pf) {
		arg.add.physfn.bus = at(pf).bus;
		arg.add.physfn.devfn = at(pf).devfn;
	}
	arg.pxm = pxm;
	return physdev(PHYSDEVOP_pci_device_add, &arg, sizeof(arg));
}

int assign_op(uint32_t cmd, unsigned int domain, const char *device,
	      uint32_t flags)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	op.cmd = cmd;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op.domain = (domid_t)domain;
	op.u.assign_device.dev = XEN_DOMCTL_DEV_PCI;
	op.u.assign_device.flags = flags;
	op.u.assign_device.u.pci.machine_sbdf = at(device).sbdf;
	return domctl(&op);
}

/* --- in the middle ------------------------------------------------------------------------ */

void half_removed(struct half *half, unsigned int cmd)
{
	struct physdev_manage_pci old = { .bus = at(CARD).bus };
	struct physdev_pci_device dev = { .bus = at(CARD).bus };

	half->pdev = pci_get_pdev(NULL, at(CARD));
	xen_caller_init(&half->vcpu, hardware_domain, false);
	memcpy(lab.page, &dev, sizeof(dev));
	if (cmd == PHYSDEVOP_manage_pci_remove)
		memcpy(lab.page, &old, sizeof(old));
	assert_int_equal(physdev_once(&half->vcpu, cmd), -ERESTART);
	assert_non_null(half->vcpu.removal);
}

void give_up(struct half *half)
{
	pcidev_put(half->pdev);
	xen_caller_fini(&half->vcpu);
	assert_int_equal(info_of(CARD).state, PCI_STATE_LIVE);
	assert_int_equal(info_of(CARD).op, PCI_OP_NONE);
}
