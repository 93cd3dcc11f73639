/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The distribution's headers have the layout that callers of the interface
 * compile in, written down here once more as numbers: at compile time.
 */
#include "lab.h"

#define SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)
#define AT(type, member, offset)                                  \
	_Static_assert(offsetof(struct type, member) == (offset), \
		       #type "." #member)

SIZE(physdev_map_pirq, 40);
AT(physdev_map_pirq, domid, 0);
AT(physdev_map_pirq, type, 4);
AT(physdev_map_pirq, index, 8);
AT(physdev_map_pirq, pirq, 12);
AT(physdev_map_pirq, bus, 16);
AT(physdev_map_pirq, devfn, 20);
AT(physdev_map_pirq, entry_nr, 24);
AT(physdev_map_pirq, table_base, 32);

SIZE(physdev_unmap_pirq, 8);
AT(physdev_unmap_pirq, domid, 0);
AT(physdev_unmap_pirq, pirq, 4);

SIZE(physdev_manage_pci, 2);
AT(physdev_manage_pci, bus, 0);
AT(physdev_manage_pci, devfn, 1);

SIZE(physdev_restore_msi, 2);
AT(physdev_restore_msi, bus, 0);
AT(physdev_restore_msi, devfn, 1);

SIZE(physdev_manage_pci_ext, 16);
AT(physdev_manage_pci_ext, bus, 0);
AT(physdev_manage_pci_ext, devfn, 1);
AT(physdev_manage_pci_ext, is_extfn, 4);
AT(physdev_manage_pci_ext, is_virtfn, 8);
AT(physdev_manage_pci_ext, physfn.bus, 12);
AT(physdev_manage_pci_ext, physfn.devfn, 13);

SIZE(physdev_pci_mmcfg_reserved, 16);
AT(physdev_pci_mmcfg_reserved, address, 0);
AT(physdev_pci_mmcfg_reserved, segment, 8);
AT(physdev_pci_mmcfg_reserved, start_bus, 10);
AT(physdev_pci_mmcfg_reserved, end_bus, 11);
AT(physdev_pci_mmcfg_reserved, flags, 12);

SIZE(physdev_pci_device_add, 12);
AT(physdev_pci_device_add, seg, 0);
AT(physdev_pci_device_add, bus, 2);
AT(physdev_pci_device_add, devfn, 3);
AT(physdev_pci_device_add, flags, 4);
AT(physdev_pci_device_add, physfn.bus, 8);
AT(physdev_pci_device_add, physfn.devfn, 9);
AT(physdev_pci_device_add, optarr, 12);

SIZE(physdev_pci_device, 4);
AT(physdev_pci_device, seg, 0);
AT(physdev_pci_device, bus, 2);
AT(physdev_pci_device, devfn, 3);

SIZE(pci_device_reset, 8);
AT(pci_device_reset, dev, 0);
AT(pci_device_reset, flags, 4);

SIZE(xen_domctl, 144);
AT(xen_domctl, cmd, 0);
AT(xen_domctl, interface_version, 4);
AT(xen_domctl, domain, 8);
AT(xen_domctl, u, 16);
SIZE(xen_domctl_assign_device, 24);
AT(xen_domctl_assign_device, dev, 0);
AT(xen_domctl_assign_device, flags, 4);
AT(xen_domctl_assign_device, u.pci.machine_sbdf, 8);
SIZE(xen_domctl_get_device_group, 24);
AT(xen_domctl_get_device_group, machine_sbdf, 0);
AT(xen_domctl_get_device_group, max_sdevs, 4);
AT(xen_domctl_get_device_group, num_sdevs, 8);
AT(xen_domctl_get_device_group, sdev_array, 16);

SIZE(xen_sysctl, 136);
AT(xen_sysctl, cmd, 0);
AT(xen_sysctl, interface_version, 4);
AT(xen_sysctl, u, 8);
SIZE(xen_sysctl_pcitopoinfo, 24);
AT(xen_sysctl_pcitopoinfo, num_devs, 0);
AT(xen_sysctl_pcitopoinfo, devs, 8);
AT(xen_sysctl_pcitopoinfo, nodes, 16);

static void test_the_numbers_are_xens(void **state)
{
	(void)state;
	assert_int_equal(PHYSDEVOP_map_pirq, 13);
	assert_int_equal(PHYSDEVOP_unmap_pirq, 14);
	assert_int_equal(PHYSDEVOP_manage_pci_add, 15);
	assert_int_equal(PHYSDEVOP_manage_pci_remove, 16);
	assert_int_equal(PHYSDEVOP_restore_msi, 19);
	assert_int_equal(PHYSDEVOP_manage_pci_add_ext, 20);
	assert_int_equal(PHYSDEVOP_pci_mmcfg_reserved, 24);
	assert_int_equal(PHYSDEVOP_pci_device_add, 25);
	assert_int_equal(PHYSDEVOP_pci_device_remove, 26);
	assert_int_equal(PHYSDEVOP_restore_msi_ext, 27);
	assert_int_equal(PHYSDEVOP_prepare_msix, 30);
	assert_int_equal(PHYSDEVOP_release_msix, 31);
	assert_int_equal(PHYSDEVOP_pci_device_reset, 32);
	assert_int_equal(XEN_DOMCTL_assign_device, 37);
	assert_int_equal(XEN_DOMCTL_test_assign_device, 45);
	assert_int_equal(XEN_DOMCTL_deassign_device, 47);
	assert_int_equal(XEN_DOMCTL_get_device_group, 50);
	assert_int_equal(XEN_SYSCTL_pcitopoinfo, 22);
	assert_int_equal(XEN_INVALID_NODE_ID, UINT32_MAX);
	assert_int_equal(XEN_INVALID_DEV, UINT32_MAX - 1);
}

/* Both are taken over from Linux, by Xen and here. */
static void test_the_error_codes_are_xens(void **state)
{
	enum {
#define XEN_ERRNO(name, value) THEIRS_##name = (value),
#include <xen/errno.h>
	};

	(void)state;
	assert_int_equal(EPERM, THEIRS_EPERM);
	assert_int_equal(ESRCH, THEIRS_ESRCH);
	assert_int_equal(EIO, THEIRS_EIO);
	assert_int_equal(ENXIO, THEIRS_ENXIO);
	assert_int_equal(E2BIG, THEIRS_E2BIG);
	assert_int_equal(EBADF, THEIRS_EBADF);
	assert_int_equal(EAGAIN, THEIRS_EAGAIN);
	assert_int_equal(ENOMEM, THEIRS_ENOMEM);
	assert_int_equal(EACCES, THEIRS_EACCES);
	assert_int_equal(EFAULT, THEIRS_EFAULT);
	assert_int_equal(EBUSY, THEIRS_EBUSY);
	assert_int_equal(EEXIST, THEIRS_EEXIST);
	assert_int_equal(ENODEV, THEIRS_ENODEV);
	assert_int_equal(EINVAL, THEIRS_EINVAL);
	assert_int_equal(ENFILE, THEIRS_ENFILE);
	assert_int_equal(ENOSPC, THEIRS_ENOSPC);
	assert_int_equal(EDOM, THEIRS_EDOM);
	assert_int_equal(ENOSYS, THEIRS_ENOSYS);
	assert_int_equal(ENODATA, THEIRS_ENODATA);
	assert_int_equal(EOPNOTSUPP, THEIRS_EOPNOTSUPP);
	assert_int_equal(ERESTART, 85); /* not for guests, so not in theirs */
}

int run_layout(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_numbers_are_xens),
		cmocka_unit_test(test_the_error_codes_are_xens),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
