/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is not there, at each byte of each argument and each answer:
 * -EFAULT, and nothing has changed. The arguments are such that they would do
 * something, which is seen at the end.
 */
#include "lab.h"

/* What could have changed. */
struct shape {
	uint64_t devices, vectors, assigned, prepared, resets;
};

static uint64_t resets;

static void on_event(struct pci_event_listener *self, const struct pci_event *e)
{
	(void)self;
	resets += e->type == PCI_EVENT_RESET;
}

static struct pci_event_listener listener = { .event = on_event };

static struct shape shape_now(void)
{
	struct pci_irq_info irq;
	struct pci_stats stats;

	pci_get_stats(&stats);
	assert_int_equal(pci_irq_query(at(CARD), &irq), 0);
	return (struct shape){ .devices = stats.devices,
			       .vectors = pci_irq_vectors(),
			       .assigned = domain_devices(lab.one),
			       .prepared = irq.prepared,
			       .resets = resets };
}

static bool same(struct shape a, struct shape b)
{
	return !memcmp(&a, &b, sizeof(a));
}

static int once(unsigned int cmd)
{
	int ret;

	do
		ret = physdev_once(&lab.dom0, cmd);
	while (ret == -ERESTART);
	return ret;
}

/* @size bytes matter; then it works, if it is to. */
static void at_each_byte(unsigned int cmd, const void *arg, size_t size,
			 size_t room)
{
	struct shape before = shape_now();

	memcpy(lab.page, arg, room);
	for (lab.end = 0; lab.end < size; lab.end++) {
		assert_int_equal(once(cmd), -EFAULT);
		assert_true(same(before, shape_now()));
	}
	assert_int_not_equal(once(cmd), -EFAULT);
	lab.end = ROOM;
	memcpy(lab.page, arg, room);
	lab.hole_size = 1;
	for (lab.hole = 0; lab.hole < size; lab.hole++)
		assert_int_equal(once(cmd), -EFAULT);
	lab.hole_size = 0;
}

static void test_of_a_device(void **state)
{
	static const unsigned int cmds[] = { PHYSDEVOP_prepare_msix,
					     PHYSDEVOP_release_msix,
					     PHYSDEVOP_restore_msi_ext,
					     PHYSDEVOP_pci_device_remove };
	struct physdev_pci_device dev = { .bus = at(CARD).bus };
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		at_each_byte(cmds[i], &dev, sizeof(dev), sizeof(dev));
	dev.bus = at(OTHER).bus;
	at_each_byte(cmds[3], &dev, sizeof(dev), sizeof(dev));
	assert_int_equal(on_device(cmds[3], OTHER), -ENODEV); /* by now */
}

static void test_of_the_older_forms(void **state)
{
	struct physdev_manage_pci dev = { .bus = at(OTHER).bus };
	struct physdev_manage_pci_ext ext = { .bus = at(OTHER).bus };

	(void)state;
	at_each_byte(PHYSDEVOP_restore_msi, &dev, sizeof(dev), sizeof(dev));
	at_each_byte(PHYSDEVOP_manage_pci_remove, &dev, sizeof(dev),
		     sizeof(dev));
	assert_int_equal(on_old(PHYSDEVOP_manage_pci_remove, OTHER), -ENODEV);
	at_each_byte(PHYSDEVOP_manage_pci_add, &dev, sizeof(dev), sizeof(dev));
	assert_true(is_there(OTHER));
	assert_int_equal(on_old(PHYSDEVOP_manage_pci_remove, OTHER), 0);
	at_each_byte(PHYSDEVOP_manage_pci_add_ext, &ext, sizeof(ext),
		     sizeof(ext));
	assert_true(is_there(OTHER));
}

/* The optional array counts if it is announced. */
static void test_of_an_added_device(void **state)
{
	struct {
		struct physdev_pci_device_add add;
		uint32_t pxm;
	} arg = { .add = { .bus = at(OTHER).bus }, .pxm = 1 };

	(void)state;
	assert_int_equal(on_device(PHYSDEVOP_pci_device_remove, OTHER), 0);
	at_each_byte(PHYSDEVOP_pci_device_add, &arg, sizeof(arg.add),
		     sizeof(arg));
	assert_int_equal(on_device(PHYSDEVOP_pci_device_remove, OTHER), 0);
	arg.add.flags = XEN_PCI_DEV_PXM;
	at_each_byte(PHYSDEVOP_pci_device_add, &arg, sizeof(arg), sizeof(arg));
	assert_true(is_there(OTHER));
}

static void test_of_a_window_and_a_reset(void **state)
{
	struct physdev_pci_mmcfg_reserved w = { .address = 0xe0000000,
						.end_bus = 255,
						.flags = 1 };
	struct pci_device_reset reset = { .dev = { .bus = at(CARD).bus },
					  .flags = PCI_DEVICE_RESET_FLR };
	uint64_t before;

	(void)state;
	at_each_byte(PHYSDEVOP_pci_mmcfg_reserved, &w, sizeof(w), sizeof(w));
	assert_true(vpci_ecam_covers(hardware_domain, w.address));
	before = resets;
	at_each_byte(PHYSDEVOP_pci_device_reset, &reset, sizeof(reset),
		     sizeof(reset));
	assert_int_equal(resets, before + 1);
}

/* --- answers ----------------------------------------------------------------- */

/* Its number cannot be told: then it is not mapped (Xen leaves it so). */
static void test_of_a_pirq(void **state)
{
	struct physdev_map_pirq map = { .domid = DOMID_SELF,
					.type = MAP_PIRQ_TYPE_MULTI_MSI,
					.index = -1,
					.pirq = -1,
					.bus = at(CARD).bus,
					.entry_nr = 4 };
	struct physdev_unmap_pirq unmap = { .domid = DOMID_SELF };

	(void)state;
	memcpy(lab.page, &map, sizeof(map));
	lab.hole_size = 1;
	lab.written_only = true;
	for (lab.hole = 0; lab.hole < sizeof(map); lab.hole++) {
		assert_int_equal(once(PHYSDEVOP_map_pirq), -EFAULT);
		assert_int_equal(pci_irq_vectors(), 0);
		assert_memory_equal(lab.page, &map, sizeof(map));
	}
	map.entry_nr = 16; /* more than it has, which cannot be told */
	memcpy(lab.page, &map, sizeof(map));
	lab.hole = 0;
	assert_int_equal(once(PHYSDEVOP_map_pirq), -EFAULT);
	map.entry_nr = 4;
	lab.hole_size = 0;
	lab.written_only = false;
	at_each_byte(PHYSDEVOP_map_pirq, &map, sizeof(map), sizeof(map));
	assert_int_equal(pci_irq_vectors(), 4);
	unmap.pirq = 16;
	at_each_byte(PHYSDEVOP_unmap_pirq, &unmap, sizeof(unmap),
		     sizeof(unmap));
	assert_int_equal(pci_irq_vectors(), 0);
}

static void test_of_the_toolstack(void **state)
{
	static const char *const names[] = { "assign_device",
					     "test_assign_device",
					     "deassign_device",
					     "get_device_group" };
	static const uint32_t cmds[] = { 37, 45, 47, 50 };
	struct xen_domctl op;
	struct shape before = shape_now();
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		memset(&op, 0, sizeof(op));
		op.cmd = cmds[i];
		op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
		op.domain = (domid_t)domain_id(lab.one);
		op.u.assign_device.u.pci.machine_sbdf = at(CARD).sbdf;
		memcpy(lab.page, &op, sizeof(op));
		for (lab.end = 0; lab.end < sizeof(op); lab.end++) {
			int ret = domctl_once(&lab.dom0, BASE);

			assert_int_equal(ret, -EFAULT);
			seen(names[i], ret);
			assert_true(same(before, shape_now()));
		}
		lab.end = ROOM;
	}
}

/* Each byte of what get_device_group writes. */
static void test_of_a_group(void **state)
{
	struct xen_domctl op;
	struct xen_domctl_get_device_group *g = &op.u.get_device_group;

	(void)state;
	memset(&op, 0, sizeof(op));
	op.cmd = XEN_DOMCTL_get_device_group;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	g->machine_sbdf = at(SHARED).sbdf;
	g->max_sdevs = 4;
	g->sdev_array.p = (void *)(uintptr_t)(BASE + 1024);
	lab.hole_size = 1;
	lab.written_only = true;
	for (lab.hole = 1024; lab.hole < 1028; lab.hole++) {
		assert_int_equal(domctl(&op), -EFAULT);
		assert_int_equal(g->num_sdevs, 0);
	}
	for (lab.hole = offsetof(struct xen_domctl, u);
	     lab.hole < offsetof(struct xen_domctl, u) + sizeof(*g); lab.hole++)
		assert_int_equal(domctl(&op), -EFAULT);
	lab.hole_size = 0;
	assert_int_equal(domctl(&op), 0);
	assert_int_equal(g->num_sdevs, 1);
	/* An address that wraps is nowhere. */
	assert_int_equal(domctl_once(&lab.dom0, UINT64_MAX - 3), -EFAULT);
	g->sdev_array.p = (void *)(uintptr_t)(UINT64_MAX - 2);
	assert_int_equal(domctl(&op), -EFAULT);
}

static void test_of_a_topology(void **state)
{
	struct physdev_pci_device devs[2] = { { .bus = at(CARD).bus },
					      { .bus = at(OTHER).bus } };
	struct xen_sysctl op;
	size_t i;

	(void)state;
	memset(&op, 0, sizeof(op));
	op.cmd = XEN_SYSCTL_pcitopoinfo;
	op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	op.u.pcitopoinfo.num_devs = 2;
	op.u.pcitopoinfo.devs.p = (void *)(uintptr_t)(BASE + 1024);
	op.u.pcitopoinfo.nodes.p = (void *)(uintptr_t)(BASE + 2048);
	memcpy(lab.page + 1024, devs, sizeof(devs));
	memcpy(lab.page, &op, sizeof(op));
	for (lab.end = 0; lab.end < sizeof(op); lab.end++)
		assert_int_equal(sysctl_once(&lab.dom0, BASE), -EFAULT);
	lab.end = ROOM;
	lab.hole_size = 1;
	for (i = 0; i < sizeof(devs); i++) {
		lab.hole = 1024 + i;
		assert_int_equal(sysctl(&op), -EFAULT);
	}
	for (i = 0; i < 8; i++) {
		lab.hole = 2048 + i;
		assert_int_equal(sysctl(&op), -EFAULT);
	}
	/* How many, of those that were done before somebody's turn. */
	lab.written_only = true;
	op.u.pcitopoinfo.num_devs = 100;
	for (i = 0; i < 4; i++) {
		lab.preempt_in = 1;
		lab.hole =
			offsetof(struct xen_sysctl, u.pcitopoinfo.num_devs) + i;
		assert_int_equal(sysctl(&op), -EFAULT);
	}
	lab.hole_size = 0;
}

/* --- read once ----------------------------------------------------------------- */

static void read_in(unsigned int copies, size_t size)
{
	size_t i;

	assert_int_equal(lab.reads, copies);
	for (i = 0; i < ROOM; i++)
		assert_int_equal(lab.was_read[i], i < size);
}

/*
 * All of it, in one copy, and (lab.c) no byte twice, in all of these tests: what
 * is checked is what is done. The optional PXM is the only second copy.
 */
static void test_XSA155_each_argument_is_read_once(void **state)
{
	static const struct {
		unsigned int cmd;
		size_t size;
	} op[] = { { 13, sizeof(struct physdev_map_pirq) },
		   { 14, sizeof(struct physdev_unmap_pirq) },
		   { 15, sizeof(struct physdev_manage_pci) },
		   { 16, sizeof(struct physdev_manage_pci) },
		   { 19, sizeof(struct physdev_restore_msi) },
		   { 20, sizeof(struct physdev_manage_pci_ext) },
		   { 24, sizeof(struct physdev_pci_mmcfg_reserved) },
		   { 25, offsetof(struct physdev_pci_device_add, optarr) },
		   { 26, sizeof(struct physdev_pci_device) },
		   { 27, sizeof(struct physdev_pci_device) },
		   { 30, sizeof(struct physdev_pci_device) },
		   { 31, sizeof(struct physdev_pci_device) },
		   { 32, sizeof(struct pci_device_reset) } };
	static const uint32_t domctls[] = { 37, 45, 47, 50, 1 };
	struct physdev_pci_device_add add = { .bus = at(CARD).bus,
					      .flags = XEN_PCI_DEV_PXM };
	struct xen_domctl domctl = { .interface_version =
					     XEN_DOMCTL_INTERFACE_VERSION };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(op); i++) {
		memset(lab.page, 0, ROOM);
		physdev_once(&lab.dom0, op[i].cmd);
		read_in(1, op[i].size);
	}
	memcpy(lab.page, &add, sizeof(add));
	assert_int_equal(physdev_once(&lab.dom0, 25), 0);
	read_in(2, offsetof(struct physdev_pci_device_add, optarr) + 4);
	domctl.domain = (domid_t)domain_id(lab.one);
	domctl.u.assign_device.u.pci.machine_sbdf = at(CARD).sbdf;
	for (i = 0; i < ARRAY_SIZE(domctls); i++) {
		domctl.cmd = domctls[i];
		memcpy(lab.page, &domctl, sizeof(domctl));
		domctl_once(&lab.dom0, BASE);
		read_in(1, sizeof(domctl));
	}
}

/* … and each element of an array. */
static void test_XSA155_each_element_is_read_once(void **state)
{
	struct physdev_pci_device devs[2] = { { .bus = at(CARD).bus },
					      { .bus = at(OTHER).bus } };
	struct xen_sysctl op;

	(void)state;
	memset(&op, 0, sizeof(op));
	op.cmd = XEN_SYSCTL_pcitopoinfo;
	op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	op.u.pcitopoinfo.num_devs = 2;
	op.u.pcitopoinfo.devs.p = (void *)(uintptr_t)(BASE + sizeof(op));
	op.u.pcitopoinfo.nodes.p = (void *)(uintptr_t)(BASE + 2048);
	memcpy(lab.page, &op, sizeof(op));
	memcpy(lab.page + sizeof(op), devs, sizeof(devs));
	assert_int_equal(sysctl_once(&lab.dom0, BASE), 0);
	read_in(3, sizeof(op) + sizeof(devs));
}

static int setup(void **state)
{
	int err = lab_setup(state);

	resets = 0;
	if (!err)
		pci_event_listen(&listener);
	return err;
}

static int teardown(void **state)
{
	pci_event_unlisten(&listener);
	return lab_teardown(state);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int run_memory(void)
{
	static const struct CMUnitTest tests[] = {
		WITH(test_of_a_device),
		WITH(test_of_the_older_forms),
		WITH(test_of_an_added_device),
		WITH(test_of_a_window_and_a_reset),
		WITH(test_of_a_pirq),
		WITH(test_of_the_toolstack),
		WITH(test_of_a_group),
		WITH(test_of_a_topology),
		WITH(test_XSA155_each_argument_is_read_once),
		WITH(test_XSA155_each_element_is_read_once),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
