/* SPDX-License-Identifier: BSD-2-Clause */
/* The toolstack: assigning, asking, taking back, groups. */
#include "lab.h"

#define GHOST "0000:33:00.0"
#define ASSIGN XEN_DOMCTL_assign_device
#define TEST XEN_DOMCTL_test_assign_device
#define TAKE XEN_DOMCTL_deassign_device
#define GROUP XEN_DOMCTL_get_device_group

static unsigned int one(void)
{
	return domain_id(lab.one);
}

static void test_there_and_back(void **state)
{
	(void)state;
	assert_int_equal(assign_op(TEST, one(), CARD, 0), 0);
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), 0);
	assert_int_equal(pci_owner(at(CARD)), one());
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), -EBUSY);
	assert_int_equal(assign_op(TAKE, one(), CARD, 0), 0);
	assert_int_equal(assign_op(TAKE, one(), CARD, 0), -ENODEV);
	assert_int_equal(pci_owner(at(CARD)), DOMID_HARDWARE);
}

/* Which the native interface tells apart (R13). */
static void test_R13_absent_and_busy_are_folded_by_test_only(void **state)
{
	(void)state;
	assert_int_equal(assign_op(TEST, one(), GHOST, 0), -EINVAL);
	assert_int_equal(assign_op(ASSIGN, one(), GHOST, 0), -ENODEV);
	assert_int_equal(assign_op(TAKE, one(), GHOST, 0), -ENODEV);
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), 0);
	assert_int_equal(assign_op(TEST, one(), CARD, 0), -EINVAL);
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), -EBUSY);
	/* Has any guest got it? */
	assert_int_equal(assign_op(TEST, DOMID_INVALID, CARD, 0), -EINVAL);
	assert_int_equal(assign_op(TEST, DOMID_INVALID, OTHER, 0), 0);
	assert_int_equal(assign_op(TEST, DOMID_INVALID, GHOST, 0), -EINVAL);
}

static void test_malformed(void **state)
{
	struct xen_domctl op;
	static const uint32_t cmds[] = { ASSIGN, TEST, TAKE };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		assert_int_equal(assign_op(cmds[i], 0, CARD, 0), -EINVAL);
		assert_int_equal(assign_op(cmds[i], one(), CARD, 2), -EINVAL);
		assert_int_equal(assign_op(cmds[i], 77, CARD, 0), -ESRCH);
		assert_int_equal(assign_op(cmds[i], 0xfff1, CARD, 0), -ESRCH);
		assert_int_equal(assign_op(cmds[i], DOMID_SELF, CARD, 0),
				 -ESRCH);
		memset(&op, 0, sizeof(op));
		op.cmd = cmds[i];
		op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
		op.domain = (domid_t)one();
		op.u.assign_device.dev = XEN_DOMCTL_DEV_DT;
		assert_int_equal(domctl(&op), -ENODEV);
		op.domain = 0; /* itself: first of all */
		assert_int_equal(domctl(&op), -EINVAL);
		op.interface_version--;
		assert_int_equal(domctl(&op), -EACCES);
	}
	assert_int_equal(assign_op(ASSIGN, DOMID_INVALID, CARD, 0), -ESRCH);
	assert_int_equal(assign_op(TAKE, DOMID_INVALID, CARD, 0), -ESRCH);
	assert_int_equal(assign_op(TEST, DOMID_IO, CARD, 0), -ESRCH);
	assert_int_equal(assign_op(TEST, one(), CARD, 1), -EINVAL);
	assert_int_equal(assign_op(TAKE, one(), CARD, 1), -EINVAL);
	assert_int_equal(pci_owner(at(CARD)), DOMID_HARDWARE);
}

static void test_a_dying_guest(void **state)
{
	(void)state;
	assert_int_equal(domain_destroy(lab.one), 0);
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), -ESRCH);
	assert_int_equal(pci_owner(at(CARD)), DOMID_HARDWARE);
}

static void while_it_dies(void)
{
	lab.on_dying = NULL;
	assert_int_equal(assign_op(ASSIGN, one(), OTHER, 0), -EINVAL);
	assert_int_equal(assign_op(TAKE, one(), CARD, 0), 0);
}

static void test_a_guest_in_the_middle_of_dying(void **state)
{
	(void)state;
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), 0);
	lab.on_dying = while_it_dies;
	assert_int_equal(domain_destroy(lab.one), 0);
	assert_null(lab.on_dying);
	assert_int_equal(pci_owner(at(CARD)), DOMID_HARDWARE);
}

static void test_what_is_not_given(void **state)
{
	(void)state;
	assert_int_equal(assign_op(ASSIGN, one(), BRIDGE, 0), -EPERM);
	assert_int_equal(assign_op(TEST, one(), BRIDGE, 0), -EPERM);
	make_broken(CARD);
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), -EBADF);
	assert_int_equal(assign_op(TEST, one(), CARD, 0), -EBADF);
	/* Firmware's memory, unless that is waived. */
	assert_int_equal(assign_op(ASSIGN, one(), FIRMWARE, 0), -EPERM);
	assert_int_equal(assign_op(ASSIGN, one(), FIRMWARE,
				   XEN_DOMCTL_DEV_RDM_RELAXED),
			 0);
	/* One of two that are not isolated (Xen would). */
	assert_int_equal(assign_op(ASSIGN, one(), SHARED, 0), -EPERM);
}

static void test_without_an_iommu(void **state)
{
	(void)state;
	assert_int_equal(assign_op(TEST, one(), CARD, 0), -EOPNOTSUPP);
	assert_int_equal(assign_op(TEST, DOMID_INVALID, CARD, 0), -EOPNOTSUPP);
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), -EOPNOTSUPP);
}

static void test_no_memory(void **state)
{
	struct xen_domctl op;
	unsigned int nth = 0;
	int err;

	(void)state;
	do {
		lab.fail_in = ++nth;
		err = assign_op(ASSIGN, one(), CARD, 0);
		assert_true(err == -ENOMEM || !err);
		assert_int_equal(pci_owner(at(CARD)),
				 err ? DOMID_HARDWARE : one());
		assert_int_equal(pci_check_invariants(), 0);
	} while (err);
	assert_true(nth > 1);
	memset(&op, 0, sizeof(op));
	op.cmd = GROUP;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op.u.get_device_group.machine_sbdf = at(CARD).sbdf;
	lab.fail_in = 1;
	assert_int_equal(domctl(&op), -ENOMEM);
}

/* --- aside ------------------------------------------------------------------------- */

/* As xl pci-assignable-add does: nobody's until a guest has it. */
static void test_put_aside_and_given(void **state)
{
	(void)state;
	assert_int_equal(assign_op(ASSIGN, DOMID_IO, CARD, 0), 0);
	assert_int_equal(assign_op(ASSIGN, DOMID_IO, CARD, 0), 0);
	assert_int_equal(info_of(CARD).owner, domain_id(dom_io));
	assert_int_equal(assign_op(TEST, DOMID_INVALID, CARD, 0), 0);
	assert_int_equal(assign_op(TEST, one(), CARD, 0), 0);
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), 0);
	assert_int_equal(pci_owner(at(CARD)), one());
	assert_int_equal(assign_op(ASSIGN, DOMID_IO, CARD, 0), -EBUSY);
	assert_int_equal(assign_op(TAKE, one(), CARD, 0), 0);
	assert_int_equal(assign_op(TAKE, DOMID_IO, CARD, 0), -ENODEV);
	assert_int_equal(assign_op(ASSIGN, DOMID_IO, CARD, 0), 0);
	assert_int_equal(assign_op(TAKE, DOMID_IO, CARD, 0), 0);
	assert_int_equal(pci_owner(at(CARD)), DOMID_HARDWARE);
	assert_null(info_of(CARD).broken);
	assert_int_equal(assign_op(ASSIGN, DOMID_IO, BRIDGE, 0), -EPERM);
}

/* What does not reach the guest rests where it did. */
static void test_put_aside_and_not_given(void **state)
{
	(void)state;
	assert_int_equal(assign_op(ASSIGN, DOMID_IO, FIRMWARE, 0), 0);
	assert_int_equal(assign_op(TEST, one(), FIRMWARE, 0), -EPERM);
	assert_int_equal(assign_op(ASSIGN, one(), FIRMWARE, 0), -EPERM);
	assert_int_equal(info_of(FIRMWARE).owner, domain_id(dom_io));
	assert_int_equal(assign_op(ASSIGN, one(), FIRMWARE,
				   XEN_DOMCTL_DEV_RDM_RELAXED),
			 0);
	/* What is broken for a reason is not given from there. */
	make_broken(CARD);
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), -EBADF);
	assert_int_equal(assign_op(ASSIGN, DOMID_IO, OTHER, 0), 0);
	make_broken(OTHER);
	assert_int_equal(assign_op(ASSIGN, one(), OTHER, 0), -EBADF);
}

/* All of a group rest, and then they are given one by one. */
static void test_a_group_one_by_one(void **state)
{
	(void)state;
	assert_int_equal(assign_op(ASSIGN, DOMID_IO, SHARED, 0), 0);
	/* The other one would be a neighbour. */
	assert_int_equal(assign_op(TEST, one(), SHARED, 0), -EPERM);
	assert_int_equal(assign_op(ASSIGN, one(), SHARED, 0), -EPERM);
	assert_int_equal(assign_op(ASSIGN, DOMID_IO, SHARER, 0), 0);
	assert_int_equal(assign_op(TEST, one(), SHARED, 0), 0);
	assert_int_equal(assign_op(ASSIGN, one(), SHARED, 0), 0);
	/* It goes where the first went, and nowhere else. */
	assert_int_equal(assign_op(TAKE, DOMID_IO, SHARER, 0), -EPERM);
	assert_int_equal(info_of(SHARER).owner, domain_id(dom_io));
	assert_int_equal(assign_op(TEST, one(), SHARER, 0), 0);
	assert_int_equal(assign_op(ASSIGN, one(), SHARER, 0), 0);
	assert_int_equal(pci_owner(at(SHARED)), one());
	assert_int_equal(pci_owner(at(SHARER)), one());
	assert_int_equal(assign_op(TAKE, one(), SHARED, 0), -EPERM);
	assert_int_equal(domain_destroy(lab.one), 0);
	assert_int_equal(pci_owner(at(SHARER)), DOMID_HARDWARE);
}

static void test_a_reset_that_fails_on_the_way_out(void **state)
{
	struct fabric_fault dead = { .sbdf = at(CARD),
				     .kind = FABRIC_DEAD_AFTER_RESET };

	(void)state;
	assert_int_equal(assign_op(ASSIGN, DOMID_IO, CARD, 0), 0);
	assert_int_equal(fabric_fault_set(lab.f, &dead), 0);
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), -EIO);
	assert_int_equal(info_of(CARD).owner, domain_id(dom_io));
	/* It is not fit, and that is another reason. */
	assert_int_equal(assign_op(TEST, one(), CARD, 0), -EBADF);
	assert_int_equal(assign_op(ASSIGN, DOMID_IO, CARD, 0), 0);
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), -EBADF);
}

static void test_a_reset_that_fails(void **state)
{
	struct fabric_fault dead = { .sbdf = at(CARD),
				     .kind = FABRIC_DEAD_AFTER_RESET };

	(void)state;
	assert_int_equal(fabric_fault_set(lab.f, &dead), 0);
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), -EIO);
	assert_int_equal(info_of(CARD).owner, domain_id(dom_io));
	dead.sbdf = at(OTHER);
	assert_int_equal(assign_op(ASSIGN, one(), OTHER, 0), 0);
	assert_int_equal(fabric_fault_set(lab.f, &dead), 0);
	assert_int_equal(assign_op(TAKE, one(), OTHER, 0), -EIO);
	assert_int_equal(info_of(OTHER).owner, domain_id(dom_io));
}

/* --- continuations ------------------------------------------------------------------- */

/* Somebody is in the middle of a removal: it goes on when that is decided. */
static void test_assigned_when_a_removal_is_over(void **state)
{
	struct xen_domctl op;
	struct half half;

	(void)state;
	half_removed(&half, PHYSDEVOP_pci_device_remove);
	memset(&op, 0, sizeof(op));
	op.cmd = ASSIGN;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op.domain = (domid_t)one();
	op.u.assign_device.u.pci.machine_sbdf = at(CARD).sbdf;
	memcpy(lab.page, &op, sizeof(op));
	assert_int_equal(domctl_once(&lab.dom0, BASE), -ERESTART);
	seen("assign_device", -ERESTART);
	lab.dom0.until = 1; /* its time is over */
	assert_int_equal(domctl_once(&lab.dom0, BASE), -EBUSY);
	op.cmd = TEST;
	memcpy(lab.page, &op, sizeof(op));
	assert_int_equal(domctl_once(&lab.dom0, BASE), -ERESTART);
	seen("test_assign_device", -ERESTART);
	lab.dom0.until = 1;
	assert_int_equal(domctl_once(&lab.dom0, BASE), -EINVAL);
	op.cmd = ASSIGN;
	memcpy(lab.page, &op, sizeof(op));
	give_up(&half);
	assert_int_equal(domctl_once(&lab.dom0, BASE), 0);
	assert_int_equal(pci_owner(at(CARD)), one());
}

static void test_taken_back_when_another_operation_is_over(void **state)
{
	struct pci_removal *removal;
	struct xen_domctl op;

	(void)state;
	assert_int_equal(assign_op(ASSIGN, one(), CARD, 0), 0);
	assert_int_equal(pci_removal_start(at(CARD), PCI_REMOVE_ASK,
					   PLAT_NSEC_PER_SEC, "a test", NULL,
					   NULL, &removal),
			 0);
	assert_int_equal(pci_removal_step(removal), -EINPROGRESS);
	memset(&op, 0, sizeof(op));
	op.cmd = TAKE;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op.domain = (domid_t)one();
	op.u.assign_device.u.pci.machine_sbdf = at(CARD).sbdf;
	memcpy(lab.page, &op, sizeof(op));
	assert_int_equal(domctl_once(&lab.dom0, BASE), -ERESTART);
	seen("deassign_device", -ERESTART);
	pci_removal_finish(removal);
	assert_int_equal(domctl(&op), 0);
	assert_int_equal(pci_owner(at(CARD)), DOMID_HARDWARE);
}

/* --- groups ------------------------------------------------------------------------------ */

static void ask_for_group(struct xen_domctl *op, const char *device,
			  unsigned int domain, uint32_t max)
{
	struct xen_domctl_get_device_group *g = &op->u.get_device_group;

	memset(op, 0, sizeof(*op));
	op->cmd = GROUP;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = (domid_t)domain;
	g->machine_sbdf = at(device).sbdf;
	g->max_sdevs = max;
	g->sdev_array.p = (void *)(uintptr_t)(BASE + 1024);
}

static int once_group_of(const char *device)
{
	struct xen_domctl op;
	int ret;

	ask_for_group(&op, device, 0, 8);
	memcpy(lab.page, &op, sizeof(op));
	ret = domctl_once(&lab.dom0, BASE);
	seen("get_device_group", ret);
	return ret;
}

static int group_of(const char *device, unsigned int domain, uint32_t max,
		    uint32_t *words)
{
	struct xen_domctl op;
	int ret;

	ask_for_group(&op, device, domain, max);
	memset(lab.page + 1024, 0xee, 64);
	ret = domctl(&op);
	memcpy(words, lab.page + 1024, 2 * sizeof(*words));
	return ret ? ret : (int)op.u.get_device_group.num_sdevs;
}

static void test_the_others_of_a_group(void **state)
{
	uint32_t word[2];
	struct xen_domctl op;

	(void)state;
	assert_int_equal(group_of(SHARED, 0, 8, word), 1);
	assert_int_equal(word[0], 0x0e << 16);
	assert_int_equal(word[1], 0xeeeeeeee);
	assert_int_equal(group_of(SHARED, 0, 0, word), 0);
	assert_int_equal(word[0], 0xeeeeeeee);
	assert_int_equal(group_of("0000:0f:00.0", 0, 8, word), 1);
	assert_int_equal(word[0], 0x0f << 16 | 1 << 8);
	assert_int_equal(group_of(OLD, 0, 8, word), 1); /* and a bridge */
	assert_int_equal(word[0], 0x12 << 16 | 8 << 8);
	assert_int_equal(group_of(CARD, 0, 8, word), 0);
	assert_int_equal(group_of(SHARED, one(), 8, word), 0); /* not its */
	assert_int_equal(group_of(SHARED, 77, 8, word), -ESRCH);
	assert_int_equal(group_of(SHARED, DOMID_IO, 8, word), -ESRCH);
	assert_int_equal(group_of(GHOST, 0, 8, word), -ENODEV);
	memset(&op, 0, sizeof(op));
	op.cmd = GROUP;
	assert_int_equal(domctl(&op), -EACCES);
}

/* Of the group, not only the one that is asked about. */
static void test_a_group_waits_for_who_is_drained(void **state)
{
	static const char *const drained[] = { SHARED, SHARER };
	uint32_t word[2];
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(drained); i++) {
		struct pci_dev *pdev = pci_get_pdev(NULL, at(drained[i]));
		struct pci_removal *removal;

		assert_int_equal(pci_removal_start(at(drained[i]), 0,
						   30 * PLAT_NSEC_PER_SEC,
						   "a test", NULL, NULL,
						   &removal),
				 0);
		assert_int_equal(pci_removal_step(removal), -EINPROGRESS);
		assert_int_equal(once_group_of(SHARED), -ERESTART);
		assert_in_range(lab.dom0.until - plat_now(), 0,
				XEN_RESTART_TIME);
		lab.dom0.until = 1; /* its time is over */
		assert_int_equal(once_group_of(SHARED), -EBUSY);
		assert_int_equal(once_group_of(SHARED), -ERESTART);
		pci_removal_finish(removal);
		pcidev_put(pdev);
		assert_int_equal(group_of(SHARED, 0, 8, word), 1);
	}
}

int run_domctl(void)
{
	static const struct CMUnitTest tests[] = {
		LAB(test_there_and_back),
		LAB(test_R13_absent_and_busy_are_folded_by_test_only),
		LAB(test_malformed),
		LAB(test_a_dying_guest),
		LAB(test_a_guest_in_the_middle_of_dying),
		LAB(test_what_is_not_given),
		cmocka_unit_test_setup_teardown(test_without_an_iommu,
						lab_setup_no_iommu,
						lab_teardown),
		LAB(test_no_memory),
		LAB(test_put_aside_and_given),
		LAB(test_put_aside_and_not_given),
		LAB(test_a_group_one_by_one),
		LAB(test_a_reset_that_fails_on_the_way_out),
		LAB(test_a_reset_that_fails),
		LAB(test_assigned_when_a_removal_is_over),
		LAB(test_taken_back_when_another_operation_is_over),
		LAB(test_the_others_of_a_group),
		LAB(test_a_group_waits_for_who_is_drained),
	};

	return cmocka_run_group_tests_name("domctl", tests, NULL, NULL);
}
