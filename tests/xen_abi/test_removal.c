/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removal as dom0 asks for it: 0 only if the device may be pulled. The witness
 * of the fabric counts what touches it after that.
 */
#include "lab.h"

#define REMOVE PHYSDEVOP_pci_device_remove

static struct physdev_pci_device arg_of(const char *device)
{
	pci_sbdf_t sbdf = at(device);

	return (struct physdev_pci_device){ .seg = sbdf.seg,
					    .bus = sbdf.bus,
					    .devfn = sbdf.devfn };
}

static int assign(const char *device)
{
	return assign_op(XEN_DOMCTL_assign_device, domain_id(lab.one), device,
			 0);
}

static void test_R1_zero_means_that_it_may_be_pulled(void **state)
{
	struct fabric_slot slot;
	char err[100];

	(void)state;
	assert_int_equal(on_device(REMOVE, CARD), 0);
	assert_false(is_there(CARD));
	assert_int_equal(on_device(REMOVE, CARD), -ENODEV);
	assert_int_equal(fabric_slot_next(lab.f, at("0000:02:00.0"), &slot), 0);
	assert_int_equal(fabric_unplug(lab.f, at(CARD), NULL), 0);
	assert_int_equal(
		fabric_plug(lab.f, slot.port, "tester", err, sizeof(err)), 0);
	assert_int_equal(add(CARD, 0, NULL, 0), 0);
	assert_int_equal(on_old(PHYSDEVOP_manage_pci_remove, CARD), 0);
	assert_int_equal(on_old(PHYSDEVOP_manage_pci_remove, CARD), -ENODEV);
}

/* In Xen an assigned device was removed, and freed. */
static void test_H8_not_while_a_guest_has_it(void **state)
{
	uint64_t instance = info_of(CARD).instance;
	unsigned int i;

	(void)state;
	assert_int_equal(assign(CARD), 0);
	for (i = 0; i < 3; i++) { /* Linux does not mind, and comes again */
		assert_int_equal(on_device(REMOVE, CARD), -EBUSY);
		assert_int_equal(on_old(PHYSDEVOP_manage_pci_remove, CARD),
				 -EBUSY);
		assert_int_equal(pci_check_invariants(), 0);
	}
	assert_int_equal(add(CARD, 0, NULL, 0), 0); /* or adds it again */
	assert_int_equal(info_of(CARD).instance, instance);
	assert_int_equal(pci_owner(at(CARD)), domain_id(lab.one));
	assert_int_equal(assign_op(XEN_DOMCTL_deassign_device,
				   domain_id(lab.one), CARD, 0),
			 0);
	assert_int_equal(on_device(REMOVE, CARD), 0);
}

/* … nor was it freed when the IOMMU did not forget it. */
static void test_H8_what_does_not_become_quiet_stays(void **state)
{
	struct fabric_fault pending = { .sbdf = at(CARD),
					.kind = FABRIC_PENDING };

	(void)state;
	assert_int_equal(fabric_fault_set(lab.f, &pending), 0);
	assert_int_equal(on_device(REMOVE, CARD), -EIO);
	assert_true(is_there(CARD));
	assert_non_null(info_of(CARD).broken);
	assert_int_equal(pci_check_invariants(), 0);
	assert_int_equal(assign(CARD), -EBADF);
	assert_int_equal(fabric_fault_clear(lab.f, at(CARD)), 0);
	assert_int_equal(on_device(REMOVE, CARD), 0);
	assert_int_equal(add(CARD, 0, NULL, 0), 0);
	assert_null(info_of(CARD).broken);
}

/* In Xen the caller who went on regardless met a freed device. */
static void test_a_pf_with_vfs(void **state)
{
	(void)state;
	assert_int_equal(on_device(REMOVE, PF), -EBUSY);
	assert_null(info_of(PF).broken); /* for ever, in Xen */
	assert_int_equal(add(PF, 0, NULL, 0), 0);
	assert_int_equal(on_device(REMOVE, "0000:14:00.1"), 0);
	assert_int_equal(on_device(REMOVE, PF), -EBUSY);
	assert_int_equal(on_device(REMOVE, "0000:14:00.2"), 0);
	assert_int_equal(on_device(REMOVE, "0000:14:00.3"), 0);
	assert_int_equal(on_device(REMOVE, "0000:14:00.4"), 0);
	assert_int_equal(on_device(REMOVE, PF), 0);
}

/* --- continuations ---------------------------------------------------------------- */

static void test_R18_a_continuation_ends_by_its_deadline(void **state)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(CARD));
	uint64_t start = plat_now();

	(void)state;
	assert_int_equal(on_device(REMOVE, CARD), -EBUSY); /* a reference */
	assert_in_range(plat_now() - start, 0,
			XEN_REMOVE_TIME + 200 * PLAT_NSEC_PER_MSEC);
	pcidev_put(pdev);
	assert_int_equal(on_device(REMOVE, CARD), 0);
}

/* Another device in the same argument: the first is as it was. */
static void test_the_argument_changes_on_the_way(void **state)
{
	struct physdev_pci_device dev = arg_of(OTHER);
	struct half half;
	int ret;

	(void)state;
	half_removed(&half, REMOVE);
	memcpy(lab.page, &dev, sizeof(dev));
	while ((ret = physdev_once(&half.vcpu, REMOVE)) == -ERESTART)
		;
	assert_int_equal(ret, 0);
	assert_false(is_there(OTHER));
	assert_int_equal(info_of(CARD).state, PCI_STATE_LIVE);
	give_up(&half);
}

static void test_a_vcpu_dies_on_the_way(void **state)
{
	struct half half;

	(void)state;
	half_removed(&half, REMOVE);
	give_up(&half);
	half_removed(&half, PHYSDEVOP_manage_pci_remove);
	give_up(&half);
	assert_int_equal(on_device(REMOVE, CARD), 0);
}

/* … or does not go on: its guest may, and others are not in its way. */
static void test_a_vcpu_does_not_come_back(void **state)
{
	struct half half;

	(void)state;
	half_removed(&half, REMOVE);
	pcidev_put(half.pdev);
	xen_caller_abandon(&half.vcpu);
	assert_null(half.vcpu.removal);
	assert_int_equal(info_of(CARD).op, PCI_OP_NONE);
	xen_caller_abandon(&half.vcpu);
	assert_int_equal(on_device(REMOVE, CARD), 0);
	xen_caller_fini(&half.vcpu);
}

/* The operation that was in the way ends just after it was found to be. */
static void test_over_since_the_refusal(void **state)
{
	const uint32_t cmd = PHYSDEVOP_prepare_msix;

	(void)state;
	assert_int_equal(xen_answer(&lab.dom0, cmd, at(CARD), -EBUSY),
			 -ERESTART);
	assert_int_equal(on_device(cmd, CARD), 0);
	assert_int_equal(lab.dom0.until, 0);
	/* Once: who is refused again is. */
	assert_int_equal(xen_answer(&lab.dom0, cmd, at(CARD), -EBUSY),
			 -ERESTART);
	assert_int_equal(xen_answer(&lab.dom0, cmd, at(CARD), -EBUSY), -EBUSY);
	assert_int_equal(lab.dom0.until, 0);
}

/* Who is in the way may change; whose time it is does not. */
static void test_the_time_is_the_askers(void **state)
{
	const uint32_t cmd = PHYSDEVOP_prepare_msix;
	struct half half;
	uint64_t until;

	(void)state;
	half_removed(&half, REMOVE);
	assert_int_equal(xen_answer_by(&lab.dom0, cmd, at(SHARED), at(CARD),
				       -EBUSY),
			 -ERESTART);
	until = lab.dom0.until;
	assert_int_not_equal(until, 0);
	assert_int_equal(xen_answer_by(&lab.dom0, cmd, at(SHARED), at(SHARER),
				       -EBUSY),
			 -ERESTART);
	assert_int_equal(lab.dom0.until, until);
	give_up(&half);
}

/* What was waited for before it began says nothing of its end. */
static void test_the_time_ends_when_it_begins(void **state)
{
	(void)state;
	assert_int_equal(xen_answer(&lab.dom0, REMOVE, at(CARD), -EBUSY),
			 -ERESTART);
	assert_int_not_equal(lab.dom0.until, 0);
	assert_int_equal(on_device(REMOVE, CARD), 0);
	assert_int_equal(lab.dom0.until, 0);
}

/*
 * Of two vCPUs, and whatever else comes meanwhile: the other is told to come
 * again, and at last that it is busy, if the first never goes on.
 */
static void test_others_come_meanwhile(void **state)
{
	static const unsigned int cmds[] = { PHYSDEVOP_pci_device_add,
					     PHYSDEVOP_restore_msi_ext,
					     PHYSDEVOP_prepare_msix,
					     PHYSDEVOP_pci_device_reset,
					     PHYSDEVOP_manage_pci_add,
					     PHYSDEVOP_map_pirq,
					     REMOVE };
	struct {
		struct physdev_pci_device dev;
		uint32_t flags;
	} arg = { arg_of(CARD), 3 };
	struct physdev_map_pirq map = { .domid = DOMID_SELF,
					.type = MAP_PIRQ_TYPE_MSI,
					.index = -1,
					.pirq = -1,
					.bus = at(CARD).bus };
	struct physdev_manage_pci old = { .bus = at(CARD).bus };
	struct half half;
	unsigned int i;

	(void)state;
	half_removed(&half, REMOVE);
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		memset(lab.page, 0, 64);
		memcpy(lab.page, &arg, sizeof(arg));
		if (cmds[i] == PHYSDEVOP_map_pirq)
			memcpy(lab.page, &map, sizeof(map));
		if (cmds[i] == PHYSDEVOP_manage_pci_add)
			memcpy(lab.page, &old, sizeof(old));
		if (cmds[i] == PHYSDEVOP_pci_device_add)
			memset(lab.page + 4, 0, 4);
		assert_int_equal(physdev_once(&lab.dom0, cmds[i]), -ERESTART);
		assert_int_not_equal(lab.dom0.when, 0);
		assert_int_equal(physdev_once(&lab.dom0, cmds[i]), -ERESTART);
		lab.dom0.until = 1; /* it is late */
		assert_int_equal(physdev_once(&lab.dom0, cmds[i]), -EBUSY);
	}
	give_up(&half);
	assert_int_equal(on_device(REMOVE, CARD), 0);
}

/* What was waited for of one device says nothing of another. */
static void test_another_device_meanwhile(void **state)
{
	struct physdev_pci_device dev = arg_of(CARD), other = arg_of(OTHER);
	struct half half;

	(void)state;
	half_removed(&half, REMOVE);
	memcpy(lab.page, &dev, sizeof(dev));
	assert_int_equal(physdev_once(&lab.dom0, PHYSDEVOP_restore_msi_ext),
			 -ERESTART);
	assert_int_not_equal(lab.dom0.until, 0);
	memcpy(lab.page, &other, sizeof(other));
	assert_int_equal(physdev_once(&lab.dom0, PHYSDEVOP_restore_msi_ext), 0);
	assert_int_equal(lab.dom0.until, 0);
	give_up(&half);
}

static void test_no_memory_to_remove(void **state)
{
	(void)state;
	lab.fail_in = 1;
	assert_int_equal(on_device(REMOVE, CARD), -ENOMEM);
	assert_int_equal(on_device(REMOVE, CARD), 0);
}

int run_removal(void)
{
	static const struct CMUnitTest tests[] = {
		LAB(test_R1_zero_means_that_it_may_be_pulled),
		LAB(test_H8_not_while_a_guest_has_it),
		LAB(test_H8_what_does_not_become_quiet_stays),
		LAB(test_a_pf_with_vfs),
		LAB(test_R18_a_continuation_ends_by_its_deadline),
		LAB(test_the_argument_changes_on_the_way),
		LAB(test_a_vcpu_dies_on_the_way),
		LAB(test_a_vcpu_does_not_come_back),
		LAB(test_over_since_the_refusal),
		LAB(test_the_time_is_the_askers),
		LAB(test_the_time_ends_when_it_begins),
		LAB(test_others_come_meanwhile),
		LAB(test_another_device_meanwhile),
		LAB(test_no_memory_to_remove),
	};

	return cmocka_run_group_tests_name("removal", tests, NULL, NULL);
}
