/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may. */
#include "lab.h"

static const unsigned int ops[] = { 13, 14, 15, 16, 19, 20, 24,
				    25, 26, 27, 30, 31, 32 };

static bool is_op(unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (ops[i] == cmd)
			return true;
	return false;
}

/* Before anything of theirs is read, let alone of a device. */
static void test_XSA87_guests_may_nothing(void **state)
{
	unsigned int cmd;

	(void)state;
	for (cmd = 0; cmd < 64; cmd++) {
		assert_int_equal(physdev_once(&lab.pv, cmd),
				 is_op(cmd) ? -EPERM : -ENOSYS);
		assert_int_equal(physdev_once(&lab.hvm, cmd), -ENOSYS);
	}
	assert_int_equal(physdev_once(&lab.pv, UINT32_MAX), -ENOSYS);
	assert_int_equal(lab.copies, 0);
}

static int domctl_as(struct xen_caller *c, uint32_t cmd, const char *name)
{
	struct xen_domctl op = { .cmd = cmd };
	int ret;

	memcpy(lab.page, &op, sizeof(op));
	ret = domctl_once(c, BASE);
	seen(name, ret);
	return ret;
}

static void test_nor_have_guests_a_toolstack(void **state)
{
	static const struct {
		uint32_t cmd;
		const char *name;
	} op[] = { { 37, "assign_device" },
		   { 45, "test_assign_device" },
		   { 47, "deassign_device" },
		   { 50, "get_device_group" },
		   { 1, "another domctl" } };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(op); i++) {
		assert_int_equal(domctl_as(&lab.pv, op[i].cmd, op[i].name),
				 -EPERM);
		assert_int_equal(domctl_as(&lab.hvm, op[i].cmd, op[i].name),
				 -EPERM);
	}
	for (i = 22; i < 24; i++) {
		const char *name = i == 22 ? "pcitopoinfo" : "another sysctl";
		int pv = sysctl_once(&lab.pv, BASE);
		int hvm = sysctl_once(&lab.hvm, BASE);

		assert_int_equal(pv, -EPERM);
		assert_int_equal(hvm, -EPERM);
		seen(name, pv);
		seen(name, hvm);
	}
	assert_int_equal(lab.copies, 0);
}

static void test_another_operation_is_not_there(void **state)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_bind_pt_irq,
				 .interface_version =
					 XEN_DOMCTL_INTERFACE_VERSION };
	struct xen_sysctl s = { .cmd = XEN_SYSCTL_cputopoinfo,
				.interface_version =
					XEN_SYSCTL_INTERFACE_VERSION };
	unsigned int cmd;

	(void)state;
	for (cmd = 0; cmd < 64; cmd++)
		if (!is_op(cmd))
			assert_int_equal(physdev_once(&lab.dom0, cmd), -ENOSYS);
	assert_int_equal(domctl(&op), -ENOSYS);
	assert_int_equal(sysctl(&s), -ENOSYS);
}

/* A PVH dom0 has the newer forms, and PIRQs only if it is given some. */
static void test_an_hvm_dom0(void **state)
{
	struct physdev_pci_device dev = { .bus = 0x33 };
	unsigned int i;

	(void)state;
	lab.dom0.hvm = true;
	memcpy(lab.page, &dev, sizeof(dev));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		int ret = physdev_once(&lab.dom0, ops[i]);

		switch (ops[i]) {
		case PHYSDEVOP_pci_device_add:
		case PHYSDEVOP_pci_device_remove:
		case PHYSDEVOP_pci_device_reset:
			assert_int_equal(ret, -ENODEV);
			break;
		case PHYSDEVOP_pci_mmcfg_reserved:
			assert_int_equal(ret, 0); /* of nobody's use */
			break;
		default:
			assert_int_equal(ret, -ENOSYS);
		}
	}
	lab.dom0.pirqs = true;
	memset(lab.page, 0xff, 64);
	assert_int_equal(physdev_once(&lab.dom0, PHYSDEVOP_unmap_pirq), -ESRCH);
}

static int no_copy(struct domain *d, void *to, uint64_t from, size_t size)
{
	(void)d, (void)to, (void)from, (void)size;
	return -EFAULT;
}

static int no_copy_back(struct domain *d, uint64_t to, const void *from,
			size_t size)
{
	(void)d, (void)to, (void)from, (void)size;
	return -EFAULT;
}

static void test_it_wants_copies_and_memory(void **state)
{
	struct xen_ops ops_without = { 0 };

	(void)state;
	assert_int_equal(xen_abi_init(&ops_without), -EINVAL);
	ops_without.copy_from = no_copy;
	assert_int_equal(xen_abi_init(&ops_without), -EINVAL);
	ops_without.copy_to = no_copy_back;
	lab.fail_in = 1;
	assert_int_equal(xen_abi_init(&ops_without), -ENOMEM);
	assert_int_equal(xen_abi_init(&ops_without), 0);
	xen_abi_fini();
}

int run_rights(void)
{
	static const struct CMUnitTest tests[] = {
		LAB(test_XSA87_guests_may_nothing),
		LAB(test_nor_have_guests_a_toolstack),
		LAB(test_another_operation_is_not_there),
		LAB(test_an_hvm_dom0),
		cmocka_unit_test(test_it_wants_copies_and_memory),
	};

	return cmocka_run_group_tests_name("rights", tests, NULL, NULL);
}
