/* SPDX-License-Identifier: BSD-2-Clause */
/* VF Enable by the hardware domain: what it adds, and what it refuses. */
#include <pthread.h>
#include <string.h>

#include "sriov.h"

/* --- enable ----------------------------------------------------------------------- */

static void test_vfs_of_the_firmware_start_as_enabled(void **state)
{
	(void)state;
	assert_int_equal(control(), ON);
	assert_int_equal(vfs(), 4);
	/* the rest of the register is hardware's, at once */
	wr(PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE);
	assert_int_equal(hw_control(), PCI_SRIOV_CTRL_VFE);
	assert_int_equal(vcpu.npending, 0);
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(hw_control(), ON);
	assert_int_equal(vfs(), 4);
	assert_int_equal(told.count, 0);
}

static void test_enable_adds_the_vfs_as_children_of_the_pf(void **state)
{
	struct pci_hold_info hold[4];
	unsigned int i;

	(void)state;
	without_vfs();
	wr(PCI_SRIOV_NUM_VF, 2, 3);
	wr(PCI_SRIOV_CTRL, 2, ON);
	/* not before hardware has it */
	assert_int_equal(control() & PCI_SRIOV_CTRL_VFE, 0);
	finish();
	assert_int_equal(control(), ON);
	assert_int_equal(hw_control(), ON);
	assert_int_equal(vfs(), 3);
	assert_int_equal(pci_holds_query(PF, hold, 4), 3);
	for (i = 0; i < 3; i++) {
		struct pci_dev_info info = info_of(VF(i));

		assert_true(info.desc.is_vf);
		assert_int_equal(info.desc.parent.sbdf, PF.sbdf);
		assert_int_equal(hold[i].kind, PCI_HOLD_CHILD);
		assert_int_equal(hold[i].child.sbdf, VF(i).sbdf);
	}
	assert_int_equal(info_of(PF).op, PCI_OP_NONE);
	assert_int_equal(told.count, 1);
	assert_told("3 enabled");
}

static void test_the_settle_time_keeps_off_the_vfs_and_delays_nobody(void **s)
{
	struct domain *d = guest("web1");
	uint64_t when = 0, begun = plat_now();
	struct fabric_counts before, after;
	pci_sbdf_t at = VF(0);

	(void)s;
	without_vfs();
	assert_int_equal(fabric_witness_next(fabric, &at, &before), 0);
	assert_int_equal(at.sbdf, VF(0).sbdf);
	begun = plat_now();
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(vpci_process_pending(&vcpu, &when), PCI_AGAIN);
	assert_true(when >= begun + SETTLE);
	assert_int_equal(hw_control(), ON);
	assert_int_equal(control(), ON);
	/* others, and the PF itself, go on */
	assert_int_equal(rd_at(OTHER, PCI_VENDOR_ID, 2), 0x8086);
	wr_at(OTHER, PCI_INTERRUPT_LINE, 1, 7);
	assert_int_equal(rd_at(OTHER, PCI_INTERRUPT_LINE, 1), 7);
	assert_int_equal(rd_at(PF, PCI_VENDOR_ID, 2), 0x8086);
	give(d, OTHER);
	end_of(d);
	assert_int_equal(info_of(PF).op, PCI_OP_NONE);
	assert_int_equal(vpci_process_pending(&vcpu, &when), PCI_AGAIN);
	assert_true(plat_now() < begun + SETTLE);
	assert_int_equal(vfs(), 0);
	fabric_witness_next(fabric, &at, &after);
	assert_int_equal(after.reads, before.reads);
	finish();
	assert_true(plat_now() >= begun + SETTLE);
	assert_int_equal(vfs(), 4);
}

static void test_a_vf_that_cannot_be_added_leaves_the_others(void **state)
{
	struct fabric_fault dead = { .sbdf = VF(1), .kind = FABRIC_ALL_ONES };

	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	assert_int_equal(fabric_fault_set(fabric, &dead), 0);
	finish();
	assert_int_equal(vfs(), 3);
	assert_false(is_there(VF(1)));
	assert_told("3 enabled");
	assert_int_equal(fabric_fault_clear(fabric, VF(1)), 0);
}

static void test_what_places_vfs_is_locked_while_there_are_any(void **state)
{
	uint32_t bar = rd(PCI_SRIOV_BAR, 4);

	(void)state;
	wr(PCI_SRIOV_NUM_VF, 2, 8);
	wr(PCI_SRIOV_BAR, 4, 0xffffffff);
	wr(PCI_SRIOV_SYS_PGSIZE, 4, 2);
	assert_int_equal(hw(PF, sriov + PCI_SRIOV_NUM_VF, 2), 4);
	assert_int_equal(hw(PF, sriov + PCI_SRIOV_BAR, 4), bar);
	assert_int_equal(hw(PF, sriov + PCI_SRIOV_SYS_PGSIZE, 4), 1);

	without_vfs();
	wr(PCI_SRIOV_BAR, 4, 0xffffffff);
	assert_int_not_equal(hw(PF, sriov + PCI_SRIOV_BAR, 4), bar);
	wr(PCI_SRIOV_BAR, 4, bar);
	wr(PCI_SRIOV_NUM_VF, 2, 2);
	assert_int_equal(hw(PF, sriov + PCI_SRIOV_NUM_VF, 2), 2);

	/* from the write on, although hardware does not have it yet */
	wr(PCI_SRIOV_CTRL, 2, ON);
	wr(PCI_SRIOV_NUM_VF, 2, 8);
	assert_int_equal(hw(PF, sriov + PCI_SRIOV_NUM_VF, 2), 2);
	finish();
	assert_int_equal(vfs(), 2);
}

static void test_without_vfs_the_rest_is_hardwares_too(void **state)
{
	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_MSE);
	assert_int_equal(hw_control(), PCI_SRIOV_CTRL_MSE);
	assert_int_equal(vcpu.npending, 0);
}

/* --- disable ------------------------------------------------------------------------ */

static void test_disable_removes_the_vfs_before_hardware_does(void **state)
{
	unsigned int i;

	(void)state;
	wr(PCI_SRIOV_CTRL, 2, 0);
	assert_int_equal(control() & PCI_SRIOV_CTRL_VFE, 0); /* as written */
	for (i = 4; i > 0; i--) {
		assert_int_equal(vfs(), i);
		assert_int_equal(hw_control(), ON);
		assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	}
	assert_int_equal(vfs(), 0);
	assert_int_equal(hw_control(), ON);
	finish();
	assert_int_equal(hw_control(), 0);
	assert_int_equal(control(), 0);
	assert_int_equal(info_of(PF).children, 0);
	assert_int_equal(told.count, 1);
	assert_told("disabled");
}

static void test_disable_of_a_vf_in_use_changes_nothing(void **state)
{
	struct domain *d = guest("web1"), *e = guest("db2");
	struct pci_dev *held = pci_get_pdev(NULL, VF(0));
	uint64_t instance = pcidev_instance(held);
	struct pci_hold *pin;

	(void)state;
	assert_int_equal(pci_hold_take(held, PCI_HOLD_PIN, "root: test", NULL,
				       NULL, &pin),
			 0);
	pcidev_put(held);
	give(d, VF(1));
	give(e, VF(3));
	switch_vfs(0);
	assert_int_equal(control(), ON);
	assert_int_equal(hw_control(), ON);
	assert_int_equal(vfs(), 4);
	assert_int_equal(info_of(VF(0)).instance, instance);
	assert_int_equal(info_of(VF(2)).op, PCI_OP_NONE);
	assert_int_equal(told.count, 3);
	assert_told("refused: 0000:03:02.0 root: test");
	assert_told("refused: 0000:03:02.1 web1");
	assert_told("refused: 0000:03:02.3 db2");

	/* and once they are free, it works */
	pci_hold_release(pin);
	assert_int_equal(pci_deassign_device(d, VF(1), 0, NULL), 0);
	end_of(e);
	switch_vfs(0);
	assert_int_equal(control(), 0);
	assert_int_equal(hw_control(), 0);
	assert_int_equal(vfs(), 0);
	assert_told("disabled");
	end_of(d);
}

static void test_disable_refused_midway_leaves_vf_enable_set(void **state)
{
	struct domain *d = guest("web1");

	(void)state;
	wr(PCI_SRIOV_CTRL, 2, 0);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	assert_int_equal(vfs(), 3);
	give(d, VF(2));
	finish();
	assert_int_equal(control(), ON);
	assert_int_equal(hw_control(), ON);
	assert_true(is_there(VF(2)));
	assert_int_equal(info_of(VF(2)).owner, domain_id(d));
	assert_told("refused: 0000:03:02.2 web1");
	/* the next time all are looked at first again */
	assert_int_equal(pci_add_device(VF(0)), 0);
	switch_vfs(0);
	assert_true(is_there(VF(0)));
	end_of(d);
	switch_vfs(0);
	assert_int_equal(vfs(), 0);
}

static void test_disable_waits_for_a_reference_in_flight(void **state)
{
	struct pci_dev *vf = pci_get_pdev(NULL, VF(1));
	unsigned int i;
	uint64_t when;

	(void)state;
	wr(PCI_SRIOV_CTRL, 2, 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(vpci_process_pending(&vcpu, &when), PCI_AGAIN);
	assert_int_equal(vfs(), 3);
	assert_int_equal(pcidev_state(vf), PCI_STATE_LIVE);
	assert_true(when > 0);
	pcidev_put(vf);
	finish();
	assert_int_equal(vfs(), 0);
	assert_told("disabled");
}

static void test_a_reference_that_stays_is_a_refusal(void **state)
{
	struct pci_dev *vf = pci_get_pdev(NULL, VF(0));

	(void)state;
	switch_vfs(0); /* a second */
	assert_int_equal(control(), ON);
	assert_int_equal(vfs(), 4);
	assert_told("refused: 0000:03:02.0 references are in flight");
	pcidev_put(vf);
}

static void test_a_vf_that_does_not_become_quiet_is_a_refusal(void **state)
{
	struct fabric_fault busy = { .sbdf = VF(0), .kind = FABRIC_PENDING };

	(void)state;
	assert_int_equal(fabric_fault_set(fabric, &busy), 0);
	switch_vfs(0);
	assert_int_equal(control(), ON);
	assert_int_equal(hw_control(), ON);
	assert_int_equal(vfs(), 4);
	assert_told("refused: 0000:03:02.0 transactions are still pending");
	assert_int_equal(fabric_fault_clear(fabric, VF(0)), 0);
}

static void test_a_vf_that_is_being_assigned_is_in_use(void **state)
{
	struct pci_dev *vf = pci_get_pdev(NULL, VF(3));

	(void)state;
	pci_lock(&vf->lock);
	assert_int_equal(pci_op_begin(vf, PCI_OP_ASSIGN), 0);
	pci_unlock(&vf->lock);
	switch_vfs(0);
	assert_int_equal(control(), ON);
	assert_int_equal(vfs(), 4);
	assert_told("refused: 0000:03:02.3 assignment");
	pci_lock(&vf->lock);
	pci_op_end(vf);
	pci_unlock(&vf->lock);
	pcidev_put(vf);
}

/* PCIe 6.0 §9.3.3.3.1: a second between clearing it and the next look. */
static void test_after_a_disable_the_capability_rests(void **state)
{
	uint64_t begun = plat_now();

	(void)state;
	switch_vfs(0);
	assert_int_equal(hw_control(), 0);
	switch_vfs(ON);
	assert_true(plat_now() >= begun + PLAT_NSEC_PER_SEC + SETTLE);
	assert_int_equal(vfs(), 4);
}

/* Behind the last VF that is left no device is, and nobody runs on. */
static void test_disable_ends_with_the_last_device_there_is(void **state)
{
	pci_sbdf_t next = VF(4);
	struct pci_dev_info info;

	(void)state;
	while (!pci_query_next(next, &info)) {
		(void)!pci_remove_device(info.desc.sbdf, PCI_REMOVE_FORCE,
					 PLAT_NSEC_PER_SEC, NULL);
		next = pci_sbdf_from(info.desc.sbdf.sbdf + 1);
	}
	assert_int_equal(pci_query_next(VF(4), &info), -ENOENT);
	assert_int_equal(pci_device_lost(VF(3)), 0);
	switch_vfs(0);
	assert_int_equal(vfs(), 0);
	assert_told("disabled");
}

/* A name as long as any leaves the rest of the line. */
static void test_who_is_in_the_way_may_have_a_long_name(void **state)
{
	struct pci_dev *vf = pci_get_pdev(NULL, VF(0));
	char text[sizeof(told.text[0])], who[PCI_WHO_LEN];
	struct pci_hold *pin;

	(void)state;
	memset(who, 'x', sizeof(who) - 1);
	who[sizeof(who) - 1] = '\0';
	assert_int_equal(pci_hold_take(vf, PCI_HOLD_PIN, who, NULL, NULL, &pin),
			 0);
	pcidev_put(vf);
	switch_vfs(0);
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "refused: 0000:03:02.0 ", 22);
	text[sizeof(text) - 1] = '\0';
	assert_told(text);
	pci_hold_release(pin);
}

/* --- a PF that does not say what it should -------------------------------------------- */

static const struct pci_host_ops *real_ops;

/* NumVFs is above TotalVFs, says the PF. */
static int lying_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t *val)
{
	int err = real_ops->read(host, sbdf, reg, size, val);

	if (sbdf.sbdf == PF.sbdf && reg == sriov + PCI_SRIOV_NUM_VF)
		*val = 1000;
	return err;
}

static void test_numbers_that_cannot_be_are_told(void **state)
{
	struct pci_host *host = fabric_host(fabric);
	struct pci_host_ops lying = *host->ops;

	(void)state;
	without_vfs();
	real_ops = host->ops;
	lying.read = lying_read;
	host->ops = &lying;
	switch_vfs(ON);
	host->ops = real_ops;
	assert_int_equal(vfs(), 0);
	assert_told("0 enabled: NumVFs is above TotalVFs");
}

static void test_a_pf_that_does_not_answer_is_told(void **state)
{
	const struct fabric_fault dead = { PF, FABRIC_ALL_ONES, 0 };

	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, ON);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_AGAIN);
	assert_int_equal(fabric_fault_set(fabric, &dead), 0);
	finish();
	assert_told("refused: the device does not answer");
}

static int failing_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
			uint8_t size, uint32_t *val)
{
	return sbdf.sbdf == PF.sbdf
		       ? -EIO
		       : real_ops->read(host, sbdf, reg, size, val);
}

static void test_a_pf_that_cannot_be_read_is_told(void **state)
{
	struct pci_host *host = fabric_host(fabric);
	struct pci_host_ops failing = *host->ops;

	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, ON);
	real_ops = host->ops;
	failing.read = failing_read;
	host->ops = &failing;
	finish();
	host->ops = real_ops;
	assert_told("refused: the device does not answer");
}

/* --- guests, and those hidden from them ------------------------------------------------ */

static void test_a_guest_never_sees_it(void **state)
{
	struct domain *d = guest("web1");
	struct vpci_vcpu of_guest;
	pci_sbdf_t vsbdf = pci_sbdf(0, 0, 1, 0);
	uint64_t val;
	unsigned int reg;

	(void)state;
	without_vfs();
	assert_int_equal(pci_assign_device(d, PF, 0, &vsbdf, NULL), 0);
	vpci_vcpu_init(&of_guest, d);
	for (reg = 0; reg < PCI_EXT_CAP_SRIOV_SIZEOF; reg += 4) {
		vpci_write(&of_guest, vsbdf, (uint16_t)(sriov + reg), 4,
			   UINT32_MAX);
		vpci_read(d, vsbdf, (uint16_t)(sriov + reg), 4, &val);
		assert_int_equal(val, 0);
	}
	assert_int_equal(hw_control() & PCI_SRIOV_CTRL_VFE, 0);
	for (reg = PCI_EXT_CAP_START; reg;
	     reg = PCI_EXT_CAP_NEXT((uint32_t)val)) {
		vpci_read(d, vsbdf, (uint16_t)reg, 4, &val);
		assert_int_not_equal(PCI_EXT_CAP_ID(val), PCI_EXT_CAP_ID_SRIOV);
	}
	vpci_vcpu_fini(&of_guest);
	end_of(d);
}

static void test_a_hidden_vf_is_removed_by_disable(void **state)
{
	(void)state;
	assert_int_equal(pci_hide_device(VF(2), true), 0);
	switch_vfs(0);
	assert_int_equal(vfs(), 0);
	assert_int_equal(domain_devices(dom_hidden), 0);
}

/* --- hazards --------------------------------------------------------------------------- */

static hf_atomic(uint32_t) stop, bad;

/* Reads the hardware domain's extended space of the PF and of its VFs. */
static void *reader(void *arg)
{
	uint32_t first = hw(PF, sriov, 4);
	uint64_t val;

	(void)arg;
	while (!hf_load_acquire(&stop)) {
		if (vpci_read(hardware_domain, PF, sriov, 4, &val) ==
			    PCI_DONE &&
		    val != first && val != UINT32_MAX)
			hf_fetch_add_relaxed(&bad, 1);
		vpci_read(hardware_domain, PF, sriov + PCI_SRIOV_CTRL, 2, &val);
		vpci_read(hardware_domain, VF(0), PCI_EXT_CAP_START, 4, &val);
	}
	return NULL;
}

static pthread_t start_reader(void)
{
	pthread_t thread;

	hf_store_release(&stop, 0);
	hf_store_relaxed(&bad, 0);
	assert_int_equal(pthread_create(&thread, NULL, reader, NULL), 0);
	return thread;
}

static void stop_reader(pthread_t thread)
{
	hf_store_release(&stop, 1);
	pthread_join(thread, NULL);
	assert_int_equal(hf_load_relaxed(&bad), 0);
}

/* Its view goes with it: the leak sanitizer, and the count of objects. */
static void test_H7_a_hidden_device_is_read_and_removed(void **state)
{
	pthread_t thread = start_reader();
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		assert_int_equal(pci_hide_device(VF(0), true), 0);
		assert_int_equal(rd_at(VF(0), PCI_COMMAND, 2), 0xffff);
		assert_int_equal(pci_remove_device(VF(0), 0, PLAT_NSEC_PER_SEC,
						   NULL),
				 0);
		assert_int_equal(domain_devices(dom_hidden), 0);
		assert_int_equal(pci_add_device(VF(0)), 0);
	}
	assert_int_equal(pci_hide_device(VF(0), true), 0);
	stop_reader(thread);
}

/*
 * What sets the capability up anew runs against its readers and writers: the
 * PF goes away and comes back, VFs go and come, in two threads.
 */
static void test_H14_capabilities_are_set_up_under_their_users(void **state)
{
	pthread_t thread = start_reader();
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		without_vfs();
		assert_int_equal(pci_hide_device(PF, true), 0);
		assert_int_equal(pci_hide_device(PF, false), 0);
		wr(PCI_SRIOV_NUM_VF, 2, 2 + i);
		switch_vfs(ON);
		assert_int_equal(vfs(), 2 + i);
	}
	stop_reader(thread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_vfs_of_the_firmware_start_as_enabled),
		CASE(test_enable_adds_the_vfs_as_children_of_the_pf),
		CASE(test_the_settle_time_keeps_off_the_vfs_and_delays_nobody),
		CASE(test_a_vf_that_cannot_be_added_leaves_the_others),
		CASE(test_what_places_vfs_is_locked_while_there_are_any),
		CASE(test_without_vfs_the_rest_is_hardwares_too),
		CASE(test_disable_removes_the_vfs_before_hardware_does),
		CASE(test_disable_of_a_vf_in_use_changes_nothing),
		CASE(test_disable_refused_midway_leaves_vf_enable_set),
		CASE(test_disable_waits_for_a_reference_in_flight),
		CASE(test_a_reference_that_stays_is_a_refusal),
		CASE(test_a_vf_that_does_not_become_quiet_is_a_refusal),
		CASE(test_a_vf_that_is_being_assigned_is_in_use),
		CASE(test_after_a_disable_the_capability_rests),
		CASE(test_disable_ends_with_the_last_device_there_is),
		CASE(test_who_is_in_the_way_may_have_a_long_name),
		CASE(test_numbers_that_cannot_be_are_told),
		CASE(test_a_pf_that_does_not_answer_is_told),
		CASE(test_a_pf_that_cannot_be_read_is_told),
		CASE(test_a_guest_never_sees_it),
		CASE(test_a_hidden_vf_is_removed_by_disable),
		CASE(test_H7_a_hidden_device_is_read_and_removed),
		CASE(test_H14_capabilities_are_set_up_under_their_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
