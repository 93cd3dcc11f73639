/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes, what is restored and prepared, and windows. */
#include "device/internal.h"
#include "lab.h"

#define GHOST "0000:33:00.0" /* nobody */

static void gone(const char *device)
{
	assert_int_equal(on_device(PHYSDEVOP_pci_device_remove, device), 0);
}

static uint32_t node_of(const char *device)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(device));
	uint32_t node = XEN_INVALID_DEV;

	if (pdev)
		node = hf_load_relaxed(&pdev->near) - 1;
	pcidev_put(pdev);
	return node;
}

/* --- adding ------------------------------------------------------------------- */

static void test_a_device_is_added_in_each_form(void **state)
{
	struct physdev_manage_pci_ext ext = { .bus = at(CARD).bus,
					      .devfn = at(CARD).devfn };

	(void)state;
	gone(CARD);
	assert_int_equal(add(CARD, 0, NULL, 0), 0);
	assert_true(is_there(CARD));
	gone(CARD);
	assert_int_equal(on_old(PHYSDEVOP_manage_pci_add, CARD), 0);
	assert_true(is_there(CARD));
	gone(CARD);
	assert_int_equal(
		physdev(PHYSDEVOP_manage_pci_add_ext, &ext, sizeof(ext)), 0);
	assert_true(is_there(CARD));
	gone(FAR);
	assert_int_equal(add(FAR, 0, NULL, 0), 0);
	assert_int_equal(info_of(FAR).desc.sbdf.seg, 1);
}

static void test_who_is_not_there_is_not_added(void **state)
{
	struct physdev_manage_pci_ext ext = { .bus = at(GHOST).bus };

	(void)state;
	assert_int_equal(add(GHOST, 0, NULL, 0), -ENODEV);
	assert_int_equal(on_old(PHYSDEVOP_manage_pci_add, GHOST), -ENODEV);
	assert_int_equal(physdev(PHYSDEVOP_manage_pci_add_ext, &ext,
				 sizeof(ext)),
			 -ENODEV);
	assert_int_equal(add("0007:00:00.0", 0, NULL, 0), -ENODEV);
	ext.is_extfn = 2;
	assert_int_equal(physdev(PHYSDEVOP_manage_pci_add_ext, &ext,
				 sizeof(ext)),
			 -EINVAL);
	ext.is_extfn = 0;
	ext.is_virtfn = 2;
	assert_int_equal(physdev(PHYSDEVOP_manage_pci_add_ext, &ext,
				 sizeof(ext)),
			 -EINVAL);
}

static void test_the_same_again_changes_nothing(void **state)
{
	uint64_t instance = info_of(CARD).instance;

	(void)state;
	assert_int_equal(add(CARD, XEN_PCI_DEV_PXM, NULL, 2), 0);
	assert_int_equal(info_of(CARD).instance, instance);
	assert_int_equal(node_of(CARD), 12);
	/* Also what a guest has, which is not touched. */
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, domain_id(lab.one),
				   CARD, 0),
			 0);
	assert_int_equal(add(CARD, 0, NULL, 0), 0);
	assert_int_equal(pci_owner(at(CARD)), domain_id(lab.one));
	assert_int_equal(node_of(CARD), 12);
}

static void test_the_node_is_optional(void **state)
{
	(void)state;
	assert_int_equal(node_of(CARD), XEN_INVALID_NODE_ID);
	assert_int_equal(add(CARD, XEN_PCI_DEV_PXM, NULL, 0), 0);
	assert_int_equal(node_of(CARD), 10);
	assert_int_equal(add(CARD, XEN_PCI_DEV_PXM, NULL, 99), 0);
	assert_int_equal(node_of(CARD), XEN_INVALID_NODE_ID);
	/* Of what is added anew nobody has said anything. */
	assert_int_equal(add(CARD, XEN_PCI_DEV_PXM, NULL, 1), 0);
	gone(CARD);
	assert_int_equal(add(CARD, 0, NULL, 3), 0);
	assert_int_equal(node_of(CARD), XEN_INVALID_NODE_ID);
}

/* In Xen this freed a device that was on a list. */
static void test_H9_a_vf_without_its_pf(void **state)
{
	uint64_t instance = info_of(VF).instance;
	struct pci_stats before, after;

	(void)state;
	pci_get_stats(&before);
	assert_int_equal(add(VF, XEN_PCI_DEV_VIRTFN, GHOST, 0), -ENODEV);
	assert_int_equal(info_of(VF).instance, instance);
	gone(VF);
	assert_int_equal(add(VF, XEN_PCI_DEV_VIRTFN, GHOST, 0), -ENODEV);
	assert_false(is_there(VF));
	assert_int_equal(add(VF, XEN_PCI_DEV_VIRTFN, PF, 0), 0);
	assert_true(info_of(VF).desc.is_vf);
	pci_get_stats(&after);
	assert_int_equal(after.devices, before.devices);
	assert_int_equal(pci_check_invariants(), 0);
}

/* In Xen a failed add left a device without an owner. */
static void test_H10_no_failed_add_leaves_anything(void **state)
{
	unsigned int nth = 0;
	int err;

	(void)state;
	gone(CARD);
	do {
		lab.fail_in = ++nth;
		err = add(CARD, 0, NULL, 0);
		assert_true(err == -ENOMEM || !err);
		assert_int_equal(is_there(CARD), !err);
		assert_int_equal(reset_by(CARD, PCI_DEVICE_RESET_FLR),
				 err ? -ENODEV : 0);
		assert_int_equal(pci_check_invariants(), 0);
	} while (err);
	assert_true(nth > 1);
}

static void test_one_that_is_not_ready(void **state)
{
	struct fabric_fault retry = { .sbdf = at(CARD),
				      .kind = FABRIC_RETRY,
				      .arg = 1000 };

	(void)state;
	gone(CARD);
	assert_int_equal(fabric_fault_set(lab.f, &retry), 0);
	assert_int_equal(add(CARD, 0, NULL, 0), -EAGAIN);
	assert_false(is_there(CARD));
	assert_int_equal(fabric_fault_clear(lab.f, at(CARD)), 0);
	assert_int_equal(add(CARD, 0, NULL, 0), 0);
}

/* --- restoring and preparing ------------------------------------------------------ */

static void test_restore_in_both_forms(void **state)
{
	(void)state;
	assert_int_equal(on_device(PHYSDEVOP_restore_msi_ext, CARD), 0);
	assert_int_equal(on_old(PHYSDEVOP_restore_msi, CARD), 0);
	assert_int_equal(on_device(PHYSDEVOP_restore_msi_ext, GHOST), -ENODEV);
	assert_int_equal(on_old(PHYSDEVOP_restore_msi, GHOST), -ENODEV);
}

static void test_nothing_to_restore_with_msi_off(void **state)
{
	(void)state;
	assert_int_equal(on_device(PHYSDEVOP_restore_msi_ext, CARD),
			 -EOPNOTSUPP);
	/* and nothing to prepare for, which is well (Xen) */
	assert_int_equal(on_device(PHYSDEVOP_prepare_msix, CARD), 0);
}

static void test_prepared_and_released(void **state)
{
	(void)state;
	assert_int_equal(on_device(PHYSDEVOP_release_msix, CARD), -EBUSY);
	assert_int_equal(on_device(PHYSDEVOP_prepare_msix, CARD), 0);
	assert_int_equal(on_device(PHYSDEVOP_prepare_msix, CARD), -EBUSY);
	assert_int_equal(on_device(PHYSDEVOP_release_msix, CARD), 0);
	assert_int_equal(on_device(PHYSDEVOP_prepare_msix, GHOST), -ENODEV);
	assert_int_equal(on_device(PHYSDEVOP_release_msix, GHOST), -ENODEV);
}

/* In Xen this dereferenced NULL. */
static void test_H11_prepare_without_msix(void **state)
{
	(void)state;
	assert_int_equal(info_of(BARE).desc.msix, 0);
	assert_int_equal(on_device(PHYSDEVOP_prepare_msix, BARE), -ENODEV);
	assert_int_equal(on_device(PHYSDEVOP_release_msix, BARE), -ENODEV);
}

/* What was said without MSI-X being on, or twice, was believed. */
static void test_XSA157_each_looks_at_the_state_first(void **state)
{
	(void)state;
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, domain_id(lab.one),
				   CARD, 0),
			 0);
	assert_int_equal(on_device(PHYSDEVOP_prepare_msix, CARD), -EBUSY);
	assert_int_equal(on_device(PHYSDEVOP_release_msix, CARD), -EBUSY);
	assert_int_equal(assign_op(XEN_DOMCTL_deassign_device,
				   domain_id(lab.one), CARD, 0),
			 0);
	assert_int_equal(on_device(PHYSDEVOP_prepare_msix, CARD), 0);
	assert_int_equal(on_device(PHYSDEVOP_release_msix, CARD), 0);
}

/* As pciback and the toolstack do it, from its seizing to its release. */
static void test_prepared_on_its_way_to_a_guest(void **state)
{
	(void)state;
	assert_int_equal(on_device(PHYSDEVOP_prepare_msix, CARD), 0);
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, DOMID_IO, CARD, 0),
			 0);
	assert_int_equal(on_device(PHYSDEVOP_prepare_msix, CARD), -EBUSY);
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, domain_id(lab.one),
				   CARD, 0),
			 0);
	assert_int_equal(on_device(PHYSDEVOP_release_msix, CARD), -EBUSY);
	assert_int_equal(assign_op(XEN_DOMCTL_deassign_device,
				   domain_id(lab.one), CARD, 0),
			 0);
	assert_int_equal(on_device(PHYSDEVOP_release_msix, CARD), 0);
	assert_int_equal(on_device(PHYSDEVOP_release_msix, CARD), -EBUSY);
}

/* --- windows ------------------------------------------------------------------------ */

static int window(uint64_t address, uint16_t seg, uint8_t first, uint8_t last,
		  uint32_t flags)
{
	struct physdev_pci_mmcfg_reserved w = { .address = address,
						.segment = seg,
						.start_bus = first,
						.end_bus = last,
						.flags = flags };

	return physdev(PHYSDEVOP_pci_mmcfg_reserved, &w, sizeof(w));
}

static void test_windows(void **state)
{
	const uint32_t reserved = XEN_PCI_MMCFG_RESERVED;
	const uint64_t at_0 = 0xe0000000, at_1 = 0xd0000000;
	uint64_t val;

	(void)state;
	assert_int_equal(window(at_0, 0, 0, 127, 0), 0); /* nobody's */
	assert_false(vpci_ecam_covers(hardware_domain, at_0));
	assert_int_equal(window(at_0, 0, 0, 127, reserved), 0);
	assert_int_equal(window(at_0, 0, 0, 127, reserved), 0);
	assert_int_equal(window(at_1, 0, 0, 127, reserved), -EIO);
	assert_int_equal(window(at_1, 0, 100, 127, reserved), -EEXIST);
	assert_int_equal(window(at_0, 1, 0, 3, reserved), -EEXIST);
	assert_int_equal(window(at_0, 0, 0, 126, reserved), -EEXIST);
	assert_int_equal(window(at_1, 1, 0, 127, reserved), 0);
	assert_int_equal(window(at_1, 9, 0, 127, reserved), -ENODEV);
	assert_int_equal(window(at_0 + 4096, 0, 128, 129, reserved), -EINVAL);
	assert_int_equal(window(at_0, 0, 129, 128, reserved), -EINVAL);
	assert_int_equal(window(at_0, 0, 0, 127, 2), -EINVAL);
	lab.fail_in = 1;
	assert_int_equal(window(0xa0000000, 0, 128, 129, reserved), -ENOMEM);
	assert_int_equal(vpci_ecam_read(hardware_domain, at_0 + 0x300000, 2,
					&val),
			 PCI_DONE);
	assert_int_equal(val, info_of(CARD).desc.ident.vendor);
}

int run_devices(void)
{
	static const struct CMUnitTest tests[] = {
		LAB(test_a_device_is_added_in_each_form),
		LAB(test_who_is_not_there_is_not_added),
		LAB(test_the_same_again_changes_nothing),
		LAB(test_the_node_is_optional),
		LAB(test_H9_a_vf_without_its_pf),
		LAB(test_H10_no_failed_add_leaves_anything),
		LAB(test_one_that_is_not_ready),
		LAB(test_restore_in_both_forms),
		cmocka_unit_test_setup_teardown(
			test_nothing_to_restore_with_msi_off, lab_setup_no_msi,
			lab_teardown),
		LAB(test_prepared_and_released),
		LAB(test_H11_prepare_without_msix),
		LAB(test_XSA157_each_looks_at_the_state_first),
		LAB(test_prepared_on_its_way_to_a_guest),
		LAB(test_windows),
	};

	return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
