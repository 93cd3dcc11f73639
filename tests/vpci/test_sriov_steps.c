/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VF Enable, step by step: several writes and vCPUs, and what may come between
 * two steps of it.
 */
#include <pthread.h>
#include <sched.h>

#include "sriov.h"

/* --- several writes, several vCPUs ---------------------------------------------------- */

static void test_the_last_write_wins(void **state)
{
	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	assert_int_equal(hw_control(), ON);
	wr(PCI_SRIOV_CTRL, 2, 0);
	wr(PCI_SRIOV_CTRL + 1, 1, 0); /* of the other byte: no wish */
	finish();
	assert_int_equal(hw_control(), 0);
	assert_int_equal(vfs(), 0);
	assert_told("disabled");
}

static void test_a_disable_thought_better_of_brings_the_vfs_back(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 1; i <= 2; i++) {
		wr(PCI_SRIOV_CTRL, 2, 0);
		assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
		assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
		assert_int_equal(vfs(), 2);
		wr(PCI_SRIOV_CTRL, 2, ON);
		finish();
		assert_int_equal(control(), ON);
		assert_int_equal(vfs(), 4);
		assert_int_equal(told.count, i);
		assert_told("4 enabled");
	}
}

static void test_two_vcpus_work_at_one_operation(void **state)
{
	struct vpci_vcpu other;
	unsigned int more;

	(void)state;
	without_vfs();
	vpci_vcpu_init(&other, hardware_domain);
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(vpci_write(&other, PF, sriov + PCI_SRIOV_CTRL, 2, ON),
			 PCI_DONE);
	do {
		more = vpci_process_pending(&vcpu, NULL) == PCI_AGAIN;
		more |= vpci_process_pending(&other, NULL) == PCI_AGAIN;
	} while (more);
	assert_int_equal(vfs(), 4);
	assert_int_equal(told.count, 1);
	vpci_vcpu_fini(&other);
}

/* In the middle of a step of one vCPU another one thinks better of it. */
static struct {
	struct pci_host_ops ops;
	const struct pci_host_ops *real;
	struct vpci_vcpu vcpu;
	bool armed;
} change;

static int read_and_change(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
			   uint8_t size, uint32_t *val)
{
	if (change.armed && reg == sriov + PCI_SRIOV_VF_DID) {
		change.armed = false;
		assert_int_equal(vpci_write(&change.vcpu, PF,
					    sriov + PCI_SRIOV_CTRL, 2, 0),
				 PCI_DONE);
	}
	return change.real->read(host, sbdf, reg, size, val);
}

static void test_a_write_in_the_middle_of_a_step_is_not_forgotten(void **state)
{
	struct pci_host *host = fabric_host(fabric);
	unsigned int i;

	(void)state;
	change.real = host->ops;
	change.ops = *host->ops;
	change.ops.read = read_and_change;
	host->ops = &change.ops;
	vpci_vcpu_init(&change.vcpu, hardware_domain);
	/* removed, and wanted back: no settle time, one step a VF, the last */
	wr(PCI_SRIOV_CTRL, 2, 0);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	wr(PCI_SRIOV_CTRL, 2, ON);
	for (i = 0; i < 4; i++)
		assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	assert_int_equal(told.count, 0);
	change.armed = true;
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	assert_told("4 enabled");
	finish();
	assert_int_equal(vfs(), 0);
	assert_int_equal(hw_control(), 0);
	vpci_vcpu_fini(&change.vcpu);
}

static void test_another_operation_is_waited_for(void **state)
{
	struct pci_dev *pf;

	(void)state;
	without_vfs();
	pf = pf_with_op(PCI_OP_ADD);
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	assert_int_equal(hw_control(), PCI_SRIOV_CTRL_MSE & hw_control());
	end_op(pf);
	finish();
	assert_int_equal(vfs(), 4);
}

static void test_but_not_for_ever(void **state)
{
	struct pci_dev *pf = pf_with_op(PCI_OP_ADD);

	(void)state;
	switch_vfs(0); /* a second */
	assert_int_equal(control(), ON);
	assert_int_equal(vfs(), 4);
	assert_told("refused: registration");
	end_op(pf);
}

/* However many, another vCPU's steps are no other operation. */
static void test_a_step_of_another_vcpu_is_waited_for(void **state)
{
	struct pci_dev *pf;
	struct vpci *view;
	uint64_t when = 0, begun = plat_now();

	(void)state;
	without_vfs();
	pf = pf_with_op(PCI_OP_VFS);
	view = hf_load_acquire(&pf->hw_view);
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(vpci_process_pending(&vcpu, &when), PCI_AGAIN);
	assert_true(when > begun);
	assert_false(vpci_process_pending(&vcpu, &when) == PCI_DONE);
	end_op(pf);
	finish();
	assert_int_equal(vfs(), 4);
	assert_int_equal(told.count, 1);
	assert_true(vpci_vfs_busy(view) == false);
}

static void test_an_operation_of_a_vf_is_waited_for(void **state)
{
	struct pci_dev *vf = pci_get_pdev(NULL, VF(3));

	(void)state;
	wr(PCI_SRIOV_CTRL, 2, 0);
	while (vfs() == 4)
		assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	pci_lock(&vf->lock);
	assert_int_equal(pci_op_begin(vf, PCI_OP_ADD), 0);
	pci_unlock(&vf->lock);
	while (vfs() > 1)
		assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	assert_int_equal(vfs(), 1);
	end_op(vf);
	finish();
	assert_int_equal(vfs(), 0);
	assert_told("disabled");
}

/* --- what comes between two steps ------------------------------------------------------ */

static void test_the_pf_is_lost_in_the_settle_time(void **state)
{
	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	assert_int_equal(fabric_surprise(fabric, PF), 0);
	assert_int_equal(pci_device_lost(PF), 0);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_DONE);
	assert_false(is_there(PF));
	assert_int_equal(vfs(), 0);
}

static void test_the_pf_is_lost_while_vfs_are_removed(void **state)
{
	(void)state;
	wr(PCI_SRIOV_CTRL, 2, 0);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	assert_int_equal(fabric_surprise(fabric, PF), 0);
	assert_int_equal(pci_device_lost(PF), 0);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_DONE);
	assert_int_equal(vfs(), 0);
}

static void test_the_pf_is_removed_in_the_settle_time(void **state)
{
	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	assert_int_equal(pci_remove_device(PF, 0, PLAT_NSEC_PER_SEC, NULL), 0);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_DONE);
	assert_false(is_there(PF));
	assert_int_equal(vfs(), 0);
	/* another device of the same name owes nothing */
	assert_int_equal(pci_add_device(PF), 0);
	assert_int_equal(control() & PCI_SRIOV_CTRL_VFE, 0);
}

static void test_a_refused_removal_of_the_pf_does_not_stop_it(void **state)
{
	struct pci_dev *pf;

	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	pf = pci_get_pdev(NULL, PF);
	assert_int_equal(pci_remove_device(PF, 0, 0, NULL), -EBUSY);
	pcidev_put(pf);
	finish();
	assert_int_equal(control(), ON);
	assert_int_equal(vfs(), 4);
}

/* To a guest and back. */
static void change_hands(void)
{
	struct domain *d = guest("web1");
	struct pci_dev *pf = pci_get_pdev(NULL, PF);
	uint32_t before = hw_control();
	uint64_t when;

	give(d, PF);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_DONE);
	/* one that had looked at the owner before */
	assert_true(vpci_vfs_step(pf, hf_load_acquire(&pf->hw_view), &when));
	assert_int_equal(hw_control(), before);
	pcidev_put(pf);
	told.count = 0;
	assert_int_equal(pci_deassign_device(d, PF, 0, NULL), 0);
	assert_told("refused: it has changed hands");
	end_of(d);
}

static void test_the_pf_is_given_to_a_guest_and_comes_back(void **state)
{
	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	change_hands();
	assert_int_equal(control(), PCI_SRIOV_CTRL_MSE);
	wr(PCI_SRIOV_NUM_VF, 2, 2);
	assert_int_equal(rd(PCI_SRIOV_NUM_VF, 2), 2);
	finish();
	assert_int_equal(vfs(), 0);
	switch_vfs(ON);
	assert_int_equal(control(), ON);
	assert_int_equal(vfs(), 2);
}

static void test_nor_is_the_rest_added_of_a_pf_that_was_given_away(void **state)
{
	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, ON);
	while (vfs() < 2)
		(void)!vpci_process_pending(&vcpu, NULL);
	change_hands();
	assert_int_equal(control(), ON);
	finish();
	assert_int_equal(vfs(), 2);
	switch_vfs(0);
	assert_int_equal(vfs(), 0);
	switch_vfs(ON);
	assert_int_equal(vfs(), 4);
}

static hf_atomic(uint32_t) go;

static void *loser(void *arg)
{
	unsigned int *delay = arg, i;

	while (!hf_load_acquire(&go))
		;
	for (i = 0; i < *delay; i++)
		sched_yield();
	assert_int_equal(pci_device_lost(PF), 0);
	return NULL;
}

static void test_a_loss_and_the_steps_wait_for_each_other_briefly(void **state)
{
	unsigned int delay;
	struct pci_scan scan;
	pthread_t thread;

	(void)state;
	for (delay = 0; delay < 40; delay++) {
		hf_store_release(&go, 0);
		assert_int_equal(pthread_create(&thread, NULL, loser, &delay),
				 0);
		wr(PCI_SRIOV_CTRL, 2, 0);
		hf_store_release(&go, 1);
		finish();
		pthread_join(thread, NULL);
		assert_false(is_there(PF));
		assert_int_equal(vfs(), 0);
		/* the hardware is still there: as firmware leaves it */
		hw_write(sriov + PCI_SRIOV_CTRL, ON);
		assert_int_equal(pci_scan_slot(PF, &scan), 0);
		assert_int_equal(vfs(), 4);
	}
}

/* A vCPU that steps @steps times and never again. */
static void abandon(uint32_t val, unsigned int steps)
{
	struct vpci_vcpu dying;

	vpci_vcpu_init(&dying, hardware_domain);
	assert_int_equal(vpci_write(&dying, PF, sriov + PCI_SRIOV_CTRL, 2, val),
			 PCI_DONE);
	while (steps) {
		uint64_t when = plat_now();

		assert_int_equal(vpci_process_pending(&dying, &when),
				 PCI_AGAIN);
		steps--;
		while (plat_now() < when)
			sched_yield();
	}
	vpci_vcpu_fini(&dying);
}

static void assert_nothing_kept(void)
{
	unsigned int i;

	assert_int_equal(info_of(PF).op, PCI_OP_NONE);
	assert_int_equal(info_of(PF).refs, info_of(PF).children);
	for (i = 0; i < 4; i++)
		if (is_there(VF(i))) {
			assert_int_equal(info_of(VF(i)).op, PCI_OP_NONE);
			assert_int_equal(info_of(VF(i)).state, PCI_STATE_LIVE);
		}
}

static void test_a_vcpu_that_dies_in_the_middle_keeps_nothing(void **state)
{
	unsigned int steps;

	(void)state;
	for (steps = 0; steps < 4; steps++) {
		without_vfs();
		abandon(ON, steps);
		assert_nothing_kept();
		assert_int_equal(vfs(), steps > 1 ? steps - 1 : 0);
		/* another one's write takes it up */
		switch_vfs(ON);
		assert_int_equal(vfs(), 4);

		abandon(0, steps);
		assert_nothing_kept();
		assert_int_equal(vfs(), 4 - steps);
		assert_int_equal(hw_control(), ON);
	}
	assert_int_equal(pci_device_lost(PF), 0);
}

static void test_a_step_of_a_lost_pf_is_the_last(void **state)
{
	struct pci_dev *pf;
	struct vpci *view;
	uint64_t when;

	(void)state;
	without_vfs();
	pf = pci_get_pdev(NULL, PF);
	view = hf_load_acquire(&pf->hw_view);
	wr(PCI_SRIOV_CTRL, 2, ON);
	hf_fetch_or_acq_rel(&pf->marks, PCI_MARK_LOST);
	assert_false(vpci_vfs_step(pf, view, &when));
	hf_fetch_and_release(&pf->marks, ~(uint32_t)PCI_MARK_LOST);
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(pci_device_lost(PF), 0); /* it is nobody's, too */
	assert_false(vpci_vfs_step(pf, view, &when));
	assert_int_equal(hw_control() & PCI_SRIOV_CTRL_VFE, 0);
	assert_int_equal(told.count, 0);
	pcidev_put(pf);
}

static void test_a_step_too_many_begins_nothing(void **state)
{
	struct pci_dev *pf = pci_get_pdev(NULL, PF);
	struct vpci *view = hf_load_acquire(&pf->hw_view);
	uint64_t when;

	(void)state;
	assert_false(vpci_vfs_step(pf, view, &when));
	assert_int_equal(info_of(PF).op, PCI_OP_NONE);
	assert_int_equal(vfs(), 4);
	assert_int_equal(told.count, 0);
	pcidev_put(pf);
}

/* --- a reset of the PF ------------------------------------------------------------------ */

static void reset_pf(void)
{
	unsigned int exp = info_of(PF).desc.pcie;

	wr_at(PF, exp + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	finish();
	assert_int_equal(hw_control(), 0);
}

static void test_vfs_that_a_reset_took_away_are_lost(void **state)
{
	struct domain *d = guest("web1");

	(void)state;
	give(d, VF(1));
	reset_pf();
	assert_int_equal(control(), 0);
	assert_int_equal(vfs(), 4);
	switch_vfs(0);
	assert_int_equal(vfs(), 0);
	assert_int_equal(domain_devices(d), 0);
	end_of(d);
}

static void test_vfs_survive_a_reset_of_the_pf_that_brings_them_back(void **s)
{
	uint64_t instance = info_of(VF(1)).instance;

	(void)s;
	reset_pf();
	wr(PCI_SRIOV_NUM_VF, 2, 2);
	switch_vfs(ON);
	assert_int_equal(control(), ON);
	assert_int_equal(vfs(), 2);
	assert_int_equal(info_of(VF(1)).instance, instance);
	assert_told("2 enabled");
}

static void test_a_reset_in_the_settle_time_is_told(void **state)
{
	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	reset_pf();
	assert_int_equal(control(), 0);
	assert_int_equal(vfs(), 0);
	assert_told("refused: VF Enable does not stay set");
}

static void test_a_reset_while_vfs_are_added_is_told(void **state)
{
	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, ON);
	while (vfs() < 2)
		(void)!vpci_process_pending(&vcpu, NULL);
	reset_pf();
	assert_int_equal(control(), 0);
	assert_int_equal(vfs(), 0);
	assert_told("refused: VF Enable does not stay set");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_the_last_write_wins),
		CASE(test_a_disable_thought_better_of_brings_the_vfs_back),
		CASE(test_two_vcpus_work_at_one_operation),
		CASE(test_a_write_in_the_middle_of_a_step_is_not_forgotten),
		CASE(test_another_operation_is_waited_for),
		CASE(test_but_not_for_ever),
		CASE(test_a_step_of_another_vcpu_is_waited_for),
		CASE(test_an_operation_of_a_vf_is_waited_for),
		CASE(test_the_pf_is_lost_in_the_settle_time),
		CASE(test_the_pf_is_lost_while_vfs_are_removed),
		CASE(test_the_pf_is_removed_in_the_settle_time),
		CASE(test_a_refused_removal_of_the_pf_does_not_stop_it),
		CASE(test_the_pf_is_given_to_a_guest_and_comes_back),
		CASE(test_nor_is_the_rest_added_of_a_pf_that_was_given_away),
		CASE(test_a_loss_and_the_steps_wait_for_each_other_briefly),
		CASE(test_a_vcpu_that_dies_in_the_middle_keeps_nothing),
		CASE(test_a_step_of_a_lost_pf_is_the_last),
		CASE(test_a_step_too_many_begins_nothing),
		CASE(test_vfs_that_a_reset_took_away_are_lost),
		CASE(test_vfs_survive_a_reset_of_the_pf_that_brings_them_back),
		CASE(test_a_reset_in_the_settle_time_is_told),
		CASE(test_a_reset_while_vfs_are_added_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
