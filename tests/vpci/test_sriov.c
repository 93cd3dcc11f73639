/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VF Enable by the hardware domain: what it adds, what it refuses, and what
 * may come between two steps of it.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <holdfast/iommu.h>

#include <cmocka.h>

#include "fabric.h"
#include "vpci/vfs.h"

#define PF pci_sbdf(0, 3, 0, 0) /* four VFs by firmware, from 03:02.0 */
#define VF(n) pci_sbdf(0, 3, 2, (n))
#define OTHER pci_sbdf(0, 1, 0, 0)
#define ON (PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE)
#define SETTLE (100 * PLAT_NSEC_PER_MSEC)
#define FIRST UINT32_MAX /* the first free guest address */

static struct fabric *fabric;
static struct vpci_vcpu vcpu; /* of the hardware domain */
static uint16_t sriov;        /* where the PF has it */

/* --- what was told ------------------------------------------------------------ */

static struct {
	struct pci_event_listener listener;
	char text[32][sizeof(((struct pci_event *)0)->detail)];
	unsigned int count;
} told;

static void note(struct pci_event_listener *self, const struct pci_event *event)
{
	(void)self;
	if (event->type == PCI_EVENT_VFS && event->sbdf.sbdf == PF.sbdf &&
	    told.count < ARRAY_SIZE(told.text))
		strcpy(told.text[told.count++], event->detail);
}

static void assert_told(const char *text)
{
	unsigned int i;

	for (i = 0; i < told.count; i++)
		if (!strcmp(told.text[i], text))
			return;
	for (i = 0; i < told.count; i++)
		print_error("told: %s\n", told.text[i]);
	fail_msg("not told: %s", text);
}

/* --- a machine ------------------------------------------------------------------ */

static int set_up(void **state)
{
	const struct vpci_options options = { .hardware_views = true };
	struct pci_dev_info info;
	struct pci_scan scan;
	char err[200];

	(void)state;
	fabric = fabric_open("server", err, sizeof(err));
	assert_non_null(fabric);
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(&options), 0);
	assert_int_equal(pci_segment_add(0, fabric_host(fabric)), 0);
	assert_int_equal(pci_scan_segment(0, &scan), 0);
	assert_int_equal(pci_query(PF, &info), 0);
	sriov = info.desc.sriov;
	vpci_vcpu_init(&vcpu, hardware_domain);
	memset(&told, 0, sizeof(told));
	told.listener.event = note;
	pci_event_listen(&told.listener);
	return 0;
}

static int tear_down(void **state)
{
	struct fabric_witness seen;
	struct pci_stats stats;

	(void)state;
	pci_event_unlisten(&told.listener);
	vpci_vcpu_fini(&vcpu);
	assert_int_equal(pci_check_invariants(), 0);
	fabric_witness(fabric, &seen);
	if (seen.violations)
		print_error("%s\n", seen.list[0].text);
	assert_int_equal(seen.violations, 0);
	pci_fini();
	fabric_close(fabric);
	assert_int_equal(pci_init(), 0); /* only to ask */
	pci_get_stats(&stats);
	pci_fini();
	assert_int_equal(stats.objects, 0);
	return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static uint32_t hw(pci_sbdf_t sbdf, unsigned int reg, uint8_t size)
{
	struct pci_host *host = fabric_host(fabric);
	uint32_t val;

	assert_int_equal(host->ops->read(host, sbdf, (uint16_t)reg, size, &val),
			 0);
	return val;
}

static void hw_write(unsigned int reg, uint32_t val)
{
	struct pci_host *host = fabric_host(fabric);

	assert_int_equal(host->ops->write(host, PF, (uint16_t)reg, 2, val), 0);
}

static uint32_t hw_control(void)
{
	return hw(PF, sriov + PCI_SRIOV_CTRL, 2) & ON;
}

static uint32_t rd_at(pci_sbdf_t sbdf, unsigned int reg, uint8_t size)
{
	uint64_t val;

	while (vpci_read(hardware_domain, sbdf, (uint16_t)reg, size, &val) ==
	       PCI_AGAIN)
		sched_yield();
	return (uint32_t)val;
}

static void wr_at(pci_sbdf_t sbdf, unsigned int reg, uint8_t size, uint32_t val)
{
	while (vpci_write(&vcpu, sbdf, (uint16_t)reg, size, val) == PCI_AGAIN)
		sched_yield();
}

static uint32_t rd(unsigned int reg, uint8_t size)
{
	return rd_at(PF, sriov + reg, size);
}

static void wr(unsigned int reg, uint8_t size, uint32_t val)
{
	wr_at(PF, sriov + reg, size, val);
}

static uint32_t control(void)
{
	return rd(PCI_SRIOV_CTRL, 2) & ON;
}

/* Until the guest may resume. */
static void finish(void)
{
	while (vpci_process_pending(&vcpu, NULL) == PCI_AGAIN)
		sched_yield();
}

static void switch_vfs(uint32_t on)
{
	wr(PCI_SRIOV_CTRL, 2, on);
	finish();
}

/*
 * No VFs, as after power-on, and without a second to wait for: the firmware's
 * VFs are what a removal of the PF takes along.
 */
static void without_vfs(void)
{
	assert_int_equal(pci_remove_device(PF, PCI_REMOVE_FORCE,
					   PLAT_NSEC_PER_SEC, NULL),
			 0);
	assert_int_equal(pci_add_device(PF), 0);
	assert_int_equal(hw_control() & PCI_SRIOV_CTRL_VFE, 0);
	told.count = 0;
}

static struct pci_dev_info info_of(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	assert_int_equal(pci_query(sbdf, &info), 0);
	return info;
}

static bool is_there(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	return !pci_query(sbdf, &info);
}

static unsigned int vfs(void)
{
	unsigned int n = 0, fn;

	for (fn = 0; fn < 64; fn++)
		n += is_there(pci_sbdf(0, 3, 2 + fn / 8, fn % 8));
	return n;
}

static struct domain *guest(const char *name)
{
	struct domain *d;

	assert_int_equal(domain_create(0, name, NULL, NULL, &d), 0);
	return d;
}

static void give(struct domain *d, pci_sbdf_t sbdf)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(FIRST);

	assert_int_equal(pci_assign_device(d, sbdf, 0, &vsbdf, NULL), 0);
}

static void end_of(struct domain *d)
{
	assert_int_equal(domain_destroy(d), 0);
	domain_put(d);
}

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

static struct pci_dev *pf_with_op(enum pci_op op)
{
	struct pci_dev *pf = pci_get_pdev(NULL, PF);

	pci_lock(&pf->lock);
	assert_int_equal(pci_op_begin(pf, op), 0);
	pci_unlock(&pf->lock);
	return pf;
}

static void end_op(struct pci_dev *pf)
{
	pci_lock(&pf->lock);
	pci_op_end(pf);
	pci_unlock(&pf->lock);
	pcidev_put(pf);
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

/* --- guests --------------------------------------------------------------------------- */

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

static void test_without_vfs_the_rest_is_hardwares_too(void **state)
{
	(void)state;
	without_vfs();
	wr(PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_MSE);
	assert_int_equal(hw_control(), PCI_SRIOV_CTRL_MSE);
	assert_int_equal(vcpu.npending, 0);
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

static void test_a_hidden_vf_is_removed_by_disable(void **state)
{
	(void)state;
	assert_int_equal(pci_hide_device(VF(2), true), 0);
	switch_vfs(0);
	assert_int_equal(vfs(), 0);
	assert_int_equal(domain_devices(dom_hidden), 0);
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
		CASE(test_disable_removes_the_vfs_before_hardware_does),
		CASE(test_disable_of_a_vf_in_use_changes_nothing),
		CASE(test_disable_refused_midway_leaves_vf_enable_set),
		CASE(test_disable_waits_for_a_reference_in_flight),
		CASE(test_a_reference_that_stays_is_a_refusal),
		CASE(test_a_vf_that_does_not_become_quiet_is_a_refusal),
		CASE(test_a_vf_that_is_being_assigned_is_in_use),
		CASE(test_after_a_disable_the_capability_rests),
		CASE(test_the_last_write_wins),
		CASE(test_a_disable_thought_better_of_brings_the_vfs_back),
		CASE(test_two_vcpus_work_at_one_operation),
		CASE(test_a_write_in_the_middle_of_a_step_is_not_forgotten),
		CASE(test_another_operation_is_waited_for),
		CASE(test_but_not_for_ever),
		CASE(test_the_pf_is_lost_in_the_settle_time),
		CASE(test_the_pf_is_lost_while_vfs_are_removed),
		CASE(test_the_pf_is_removed_in_the_settle_time),
		CASE(test_a_refused_removal_of_the_pf_does_not_stop_it),
		CASE(test_the_pf_is_given_to_a_guest_and_comes_back),
		CASE(test_nor_is_the_rest_added_of_a_pf_that_was_given_away),
		CASE(test_a_loss_and_the_steps_wait_for_each_other_briefly),
		CASE(test_a_vcpu_that_dies_in_the_middle_keeps_nothing),
		CASE(test_vfs_that_a_reset_took_away_are_lost),
		CASE(test_vfs_survive_a_reset_of_the_pf_that_brings_them_back),
		CASE(test_a_reset_in_the_settle_time_is_told),
		CASE(test_a_guest_never_sees_it),
		CASE(test_H7_a_hidden_device_is_read_and_removed),
		CASE(test_a_hidden_vf_is_removed_by_disable),
		CASE(test_H14_capabilities_are_set_up_under_their_users),
		CASE(test_a_reset_while_vfs_are_added_is_told),
		CASE(test_disable_ends_with_the_last_device_there_is),
		CASE(test_numbers_that_cannot_be_are_told),
		CASE(test_a_pf_that_does_not_answer_is_told),
		CASE(test_a_pf_that_cannot_be_read_is_told),
		CASE(test_a_step_of_a_lost_pf_is_the_last),
		CASE(test_without_vfs_the_rest_is_hardwares_too),
		CASE(test_a_step_too_many_begins_nothing),
		CASE(test_a_step_of_another_vcpu_is_waited_for),
		CASE(test_an_operation_of_a_vf_is_waited_for),
		CASE(test_who_is_in_the_way_may_have_a_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
