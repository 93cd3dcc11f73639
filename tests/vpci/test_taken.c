/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose a view is, and what is left of it when the device is cut off, given
 * back or taken home: between two accesses, and in the middle of one.
 */
#include <holdfast/iommu.h>

#include "given.h"

static struct pci_removal *op;

/* A removal that asks, and a guest that gives it back: nobody's for now. */
static void ask_back(void)
{
	assert_int_equal(pci_removal_start(at(GIVEN), PCI_REMOVE_ASK,
					   1000 * MSEC, "test", NULL, NULL,
					   &op),
			 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_domain_return(given.guest, at(GIVEN)), 0);
}

/* --- whose it is ----------------------------------------------------------------- */

static void test_a_query_is_answered_for_the_owner_only(void **state)
{
	struct pci_vector vector;
	struct vpci_info info;
	int err[3];

	(void)state;
	add_msi();
	give_at(GIVEN, pci_sbdf(0, 5, 3, 2));
	assert_int_equal(vpci_query(at(GIVEN), &info), 0);
	assert_int_equal(info.vsbdf.sbdf, pci_sbdf(0, 5, 3, 2).sbdf);
	assert_int_equal(info.command, rd(PCI_COMMAND, 2));
	assert_true(info.registers > 4 && info.caps == 1);
	assert_true(info.bytes >= sizeof(struct vpci));
	assert_int_equal(vpci_vector(at(GIVEN), PCI_VECTOR_MSI, 0, &vector), 0);
	assert_int_equal(vpci_vector(at(GIVEN), PCI_VECTOR_MSIX, 0, &vector),
			 -ENOENT);
	ask_back();
	assert_non_null(view_of(GIVEN));
	err[0] = vpci_query(at(GIVEN), &info);
	err[1] = vpci_vector(at(GIVEN), PCI_VECTOR_MSI, 0, &vector);
	err[2] = vpci_vector_pending(at(GIVEN), PCI_VECTOR_MSI, 0);
	pci_removal_finish(op);
	assert_int_equal(err[0], -ENOENT);
	assert_int_equal(err[1], -ENOENT);
	assert_int_equal(err[2], -ENOENT);
	assert_null(view_of(GIVEN));
	assert_int_equal(vpci_query(at(GIVEN), &info), -ENOENT);
	assert_int_equal(vpci_query(at("00:04.0"), &info), -ENODEV);
	assert_int_equal(vpci_query(at("1:00:03.0"), &info), -ENODEV);
}

/* --- what is left of it ------------------------------------------------------------ */

static void use_it(void)
{
	wr(PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	wr(MSI_CAP + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	work();
	assert_int_equal(given.mapped, 0x10000);
	assert_true(given.vector.enabled);
}

static void assert_nothing_left(void)
{
	assert_int_equal(given.mapped, 0);
	assert_false(given.vector.enabled);
}

static void given_with_msi(void)
{
	add_msi();
	give(GIVEN);
	use_it();
}

static void test_a_deassigned_device_leaves_nothing(void **state)
{
	(void)state;
	given_with_msi();
	take_back();
	assert_nothing_left();
}

static void test_rule10_a_lost_device_leaves_nothing(void **state)
{
	(void)state;
	given_with_msi();
	assert_int_equal(pci_device_lost(at(GIVEN)), 0);
	assert_nothing_left();
}

static void test_rule9_a_device_taken_by_force_leaves_nothing(void **state)
{
	(void)state;
	given_with_msi();
	assert_int_equal(
		pci_remove_device(at(GIVEN), PCI_REMOVE_FORCE, MSEC, NULL), 0);
	assert_nothing_left();
}

/* Not even written again. */
static void test_rule7_a_refused_removal_does_not_touch_hardware(void **state)
{
	unsigned int writes;

	(void)state;
	given_with_msi();
	writes = given.fn->writes;
	assert_int_equal(pci_remove_device(at(GIVEN), 0, MSEC, NULL), -EBUSY);
	assert_int_equal(given.fn->writes, writes);
	assert_int_equal(given.mapped, 0x10000);
	assert_true(given.vector.enabled);
}

/* While it is drained, which may take its time, nothing is mapped. */
static void test_rule9_what_is_cut_off_is_so_at_once(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	given_with_msi();
	pdev = get(GIVEN);
	pci_stages_cut_off(pdev);
	pcidev_put(pdev);
	assert_nothing_left();
}

/* Nor does INTx come, if there is nothing else. */
static void test_rule9_a_cut_off_masks_intx(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	give(GIVEN);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	pdev = get(GIVEN);
	pci_stages_cut_off(pdev);
	pcidev_put(pdev);
	assert_int_equal(hw(PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
}

/* --- a reset under way -------------------------------------------------------------- */

static uint64_t over;
static unsigned int early, late;

static void watch(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn, (void)write, (void)reg;
	if (plat_now() < over)
		early++;
	else
		late++;
}

static void begin_reset(void)
{
	uint64_t when;

	fake_express(given.fn, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	hw_put(EXPRESS + PCI_EXP_DEVCAP, 4, 0x00008fff | PCI_EXP_DEVCAP_FLR);
	give(GIVEN);
	wr(EXPRESS + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	do {
		assert_int_equal(vpci_process_pending(&given.vcpu, &when),
				 PCI_AGAIN);
		over = view_of(GIVEN)->flr_over;
	} while (!over);
	early = late = 0;
	fake.on_access = watch;
}

static void test_a_reset_ends_before_the_device_goes_home(void **state)
{
	(void)state;
	begin_reset();
	take_back();
	assert_int_equal(early, 0);
	assert_true(late > 0);
}

static void test_a_reset_ends_before_the_device_is_made_quiet(void **state)
{
	(void)state;
	begin_reset();
	assert_int_equal(pci_remove_device(at(GIVEN), PCI_REMOVE_FORCE,
					   1000 * MSEC, NULL),
			 0);
	assert_true(late > 0);
	assert_true(plat_now() >= over);
}

/* Of a lost device nobody waits for anything. */
static void test_rule10_a_reset_of_a_lost_device_is_over(void **state)
{
	const char *why = NULL;
	unsigned int done = 0;
	struct pci_dev *pdev;

	(void)state;
	begin_reset();
	pdev = get(GIVEN);
	assert_int_equal(pci_mark_lost(at(GIVEN)), 0);
	assert_int_equal(pci_stages_quiesce(pdev, &done, plat_now(), &why), 0);
	assert_int_equal(pci_stages_leave(pdev), 0);
	assert_int_equal(early + late, 0);
	pcidev_put(pdev);
	assert_int_equal(pci_device_lost(at(GIVEN)), 0);
}

/* Whatever is still to be done for the guest. */
static void test_rule10_a_lost_device_takes_no_write(void **state)
{
	struct vpci *view;

	(void)state;
	fake_allow(given.fn, SCRATCH, 4, UINT32_MAX);
	give(GIVEN);
	view = view_of(GIVEN);
	plat_rcu_read_lock();
	vpci_hw_write(view, SCRATCH, 1, 0x1ff);
	assert_int_equal(hw(SCRATCH, 4), 0xff);
	assert_int_equal(pci_mark_lost(at(GIVEN)), 0);
	vpci_hw_write(view, SCRATCH, 1, 0);
	assert_int_equal(vpci_hw_read(view, SCRATCH, 1), 0xff);
	plat_rcu_read_unlock();
	assert_int_equal(hw(SCRATCH, 4), 0xff);
	assert_int_equal(pci_device_lost(at(GIVEN)), 0);
}

/* --- the hardware domain's --------------------------------------------------------- */

/* By force, from whoever holds it; and fit again when it stays. */
static void test_rule9_a_view_that_is_cut_off_answers_nobody(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	vpci_options.hardware_views = true;
	fake_allow(given.fn, SCRATCH, 4, UINT32_MAX);
	add(GIVEN);
	pdev = get(GIVEN);
	pci_stages_cut_off(pdev);
	assert_int_equal(host_sees(PCI_VENDOR_ID, 4), UINT32_MAX);
	host_writes(SCRATCH, 4, 1);
	assert_int_equal(hw(SCRATCH, 4), 0);
	assert_int_equal(pcidev_mend(pdev), 0);
	assert_int_equal(host_sees(PCI_VENDOR_ID, 4), 0x10ec8086);
	host_writes(SCRATCH, 4, 1);
	assert_int_equal(hw(SCRATCH, 4), 1);
	pcidev_put(pdev);
}

/* Its BARs are mapped, if it wants them to be, while it has the device. */
static void test_the_hosts_bars_are_mapped_while_it_has_them(void **state)
{
	const struct domain_ops *was = hardware_domain->ops;

	(void)state;
	hardware_domain->ops = given.guest->ops;
	vpci_options.hardware_views = true;
	hw_put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	add(GIVEN);
	assert_int_equal(given.mapped, 0x10000);
	assert_int_equal(given.gpa, BAR0_AT);
	give(GIVEN);
	assert_int_equal(given.mapped, 0);
	take_back();
	assert_int_equal(given.mapped, 0x10000);
	assert_int_equal(pci_remove_device(at(GIVEN), 0, MSEC, NULL), 0);
	assert_int_equal(given.mapped, 0);
	hardware_domain->ops = was;
}

/* Its own Memory Space Enable is 0 for good (PCIe 6.0 §9.3.4.1.3). */
static void test_the_hosts_vf_decodes_by_its_pfs_word(void **state)
{
	const struct domain_ops *was = hardware_domain->ops;
	struct vpci_vcpu vcpu;
	pci_sbdf_t vf;

	(void)state;
	fake_bar(given.fn, 0x200 + PCI_SRIOV_BAR, 0xe0000000, 0xffff0000);
	fake_sriov(given.fn, 0, 1, 1);
	add(GIVEN);
	hw_put(0x200 + PCI_SRIOV_NUM_VF, 2, 1);
	hw_put(0x200 + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE);
	vf = fake_add("00:03.1", UINT32_MAX)->sbdf;
	hardware_domain->ops = given.guest->ops;
	vpci_options.hardware_views = true;
	add("00:03.1");
	assert_int_equal(given.mapped, 0x10000);
	vpci_vcpu_init(&vcpu, hardware_domain);
	assert_int_equal(vpci_write(&vcpu, vf, PCI_COMMAND, 2,
				    PCI_COMMAND_MASTER),
			 PCI_DONE);
	while (vpci_process_pending(&vcpu, NULL) == PCI_AGAIN)
		;
	vpci_vcpu_fini(&vcpu);
	assert_int_equal(given.mapped, 0x10000);
	assert_int_equal(pci_remove_device(vf, 0, MSEC, NULL), 0);
	assert_int_equal(given.mapped, 0);
	hardware_domain->ops = was;
}

/* A device that had failed works again for the guest that has it, and only it. */
static void test_what_is_mended_is_its_guests(void **state)
{
	const struct domain_ops *was = hardware_domain->ops;
	struct pci_dev *pdev;

	(void)state;
	hardware_domain->ops = given.guest->ops;
	vpci_options.hardware_views = true;
	hw_put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	give(GIVEN);
	pdev = get(GIVEN);
	assert_int_equal(pcidev_mend(pdev), 0);
	assert_int_equal(given.mapped, 0); /* not the hardware domain's */
	hw_put(PCI_COMMAND, 2, 0);
	assert_int_equal(pcidev_mend(pdev), 0);
	assert_int_equal(hw(PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	pci_stages_cut_off(pdev);
	hw_put(PCI_COMMAND, 2, 0);
	assert_int_equal(pcidev_mend(pdev), 0);
	assert_int_equal(hw(PCI_COMMAND, 2), 0);
	pcidev_put(pdev);
	take_back();
	assert_int_equal(pci_remove_device(at(GIVEN), 0, MSEC, NULL), 0);
	hardware_domain->ops = was;
}

/* --- the invariant -------------------------------------------------------------- */

static void test_a_view_that_is_left_over_is_found(void **state)
{
	struct pci_dev *pdev;
	struct vpci *view;

	(void)state;
	give(GIVEN);
	view = view_of(GIVEN);
	take_back();
	pdev = get(GIVEN);
	assert_int_equal(pci_check_invariants(), 0);
	hf_store_release(&pdev->view, view); /* not looked at */
	assert_int_equal(pci_check_invariants(), 1);
	hf_store_release(&pdev->view, NULL);
	assert_int_equal(pci_check_invariants(), 0);
	pcidev_put(pdev);
}

/* --- a host that may block ---------------------------------------------------------- */

static void lose_it(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)write;
	if (reg == SCRATCH)
		assert_int_equal(pci_mark_lost(fn->sbdf), 0);
}

static void test_a_host_that_may_block_has_no_views(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	vpci_options.hardware_views = true;
	fake.ops.may_block = true;
	add(GIVEN);
	pdev = get(GIVEN);
	assert_null(hf_load_acquire(&pdev->hw_view));
	pcidev_put(pdev);
	assert_int_equal(host_sees(PCI_VENDOR_ID, 4), 0x10ec8086);
	assert_int_equal(give_at(GIVEN, pci_sbdf_from(UINT32_MAX)),
			 -EOPNOTSUPP);
}

/* --- between the look and the lock (--wrap=pci_lock) ------------------------------- */

void __real_pci_lock(struct pci_lock *lock);
void __wrap_pci_lock(struct pci_lock *lock);
static void (*before_lock)(void);

void __wrap_pci_lock(struct pci_lock *lock)
{
	void (*hook)(void) = before_lock;

	before_lock = NULL;
	if (hook)
		hook();
	__real_pci_lock(lock);
}

static struct pci_dev *taken;

static void mark_lost(void)
{
	hf_fetch_or_acq_rel(&taken->marks, PCI_MARK_LOST);
}

static void cut_it(void)
{
	hf_store_release(&hf_load_acquire(&taken->view)->cut, 1);
}

static void move_it(void)
{
	hf_store_release(&taken->owner, hardware_domain);
}

/* Who takes it away changes these first, and then waits for the lock. */
static void test_a_write_looks_again_under_the_lock(void **state)
{
	static void (*const takes[])(void) = { mark_lost, cut_it, move_it };
	unsigned int i;
	uint32_t before;

	(void)state;
	give(GIVEN);
	taken = get(GIVEN);
	before = rd(PCI_BASE_ADDRESS_0, 4);
	for (i = 0; i < ARRAY_SIZE(takes); i++) {
		before_lock = takes[i];
		wr(PCI_BASE_ADDRESS_0, 4, 0xe0000000);
		assert_null(before_lock);
		hf_fetch_and_release(&taken->marks, ~(uint32_t)PCI_MARK_LOST);
		hf_store_release(&view_of(GIVEN)->cut, 0);
		hf_store_release(&taken->owner, given.guest);
		assert_int_equal(rd(PCI_BASE_ADDRESS_0, 4), before);
	}
	wr(PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	assert_int_not_equal(rd(PCI_BASE_ADDRESS_0, 4), before);
	pcidev_put(taken);
}

/* A write of what is only kept. */
static enum pci_verdict try_line(pci_sbdf_t vsbdf, uint8_t line)
{
	return vpci_write(&given.vcpu, vsbdf, PCI_INTERRUPT_LINE, 1, line);
}

/* One that was found before it left the table. */
static void test_what_is_gone_answers_nobody(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	give(GIVEN);
	wr(PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pdev = get(GIVEN);
	/* While it may still stay, its work does, too. */
	hf_store_relaxed(&pdev->again_until, PLAT_FOREVER);
	life_set_state(&pdev->life, PCI_STATE_DRAINING);
	assert_int_equal(vpci_process_pending(&given.vcpu, NULL), PCI_AGAIN);
	assert_int_equal(given.mapped, 0);
	assert_int_equal(try_line(given.vsbdf, 7), PCI_AGAIN);
	life_set_state(&pdev->life, PCI_STATE_GONE);
	assert_int_equal(rd(PCI_VENDOR_ID, 4), UINT32_MAX);
	assert_int_equal(try_line(given.vsbdf, 7), PCI_DONE);
	assert_int_equal(vpci_process_pending(&given.vcpu, NULL), PCI_DONE);
	assert_int_equal(given.mapped, 0);
	life_set_state(&pdev->life, PCI_STATE_LIVE);
	assert_int_equal(rd(PCI_VENDOR_ID, 4), 0x10ec8086);
	hf_store_release(&pdev->owner, hardware_domain); /* found, and moved */
	assert_int_equal(try_line(given.vsbdf, 7), PCI_DONE);
	hf_store_release(&pdev->owner, given.guest);
	assert_int_equal(rd(PCI_INTERRUPT_LINE, 1), 0);
	assert_int_equal(try_line(given.vsbdf, 7), PCI_DONE);
	assert_int_equal(rd(PCI_INTERRUPT_LINE, 1), 7);
	pcidev_put(pdev);
}

static void test_a_guest_has_one_segment(void **state)
{
	struct vpci_vcpu hardware;
	pci_sbdf_t elsewhere;
	uint64_t val;

	(void)state;
	give(GIVEN);
	elsewhere = given.vsbdf;
	elsewhere.seg = 1;
	assert_int_equal(try_line(elsewhere, 7), PCI_DONE);
	assert_int_equal(rd(PCI_INTERRUPT_LINE, 1), 0);
	assert_int_equal(vpci_read(given.guest, elsewhere, 0, 4, &val),
			 PCI_DONE);
	assert_int_equal(val, UINT32_MAX);
	/* The hardware domain has those that there are. */
	elsewhere.seg = 0xffff;
	vpci_vcpu_init(&hardware, hardware_domain);
	assert_int_equal(vpci_write(&hardware, elsewhere, PCI_COMMAND, 2, 0),
			 PCI_DONE);
	vpci_vcpu_fini(&hardware);
}

/* Its owner has changed already, its view not yet. */
static void test_without_a_view_a_guest_has_no_device(void **state)
{
	struct pci_dev *pdev;
	struct vpci *view;

	(void)state;
	give(GIVEN);
	wr(PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pdev = get(GIVEN);
	view = view_of(GIVEN);
	hf_store_release(&pdev->view, NULL);
	assert_int_equal(rd(PCI_VENDOR_ID, 4), UINT32_MAX);
	assert_int_equal(vpci_process_pending(&given.vcpu, NULL), PCI_DONE);
	assert_int_equal(given.mapped, 0);
	hf_store_release(&pdev->view, view);
	pcidev_put(pdev);
}

static void test_what_is_mended_in_a_reset_waits_for_its_end(void **state)
{
	struct pci_dev *pdev;
	unsigned int writes;

	(void)state;
	begin_reset();
	fake.on_access = NULL;
	pdev = get(GIVEN);
	writes = given.fn->writes;
	pci_stages_restore(pdev);
	assert_int_equal(given.fn->writes, writes);
	pcidev_put(pdev);
}

static void give_away(struct fake_fn *fn, bool write, uint16_t reg)
{
	struct pci_dev *pdev = get(GIVEN);

	(void)fn, (void)write, (void)reg;
	fake.on_access = NULL;
	/* What an assignment does first; it has to wait for the access. */
	hf_store_release(&pdev->owner, given.guest);
	pcidev_put(pdev);
}

static void test_R21_moved_on_while_the_host_blocked_is_all_ones(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	add(GIVEN);
	fake.ops.may_block = true;
	fake.on_access = give_away;
	assert_int_equal(host_sees(SCRATCH, 4), UINT32_MAX);
	pdev = get(GIVEN);
	hf_store_release(&pdev->owner, hardware_domain);
	pcidev_put(pdev);
	assert_int_equal(host_sees(SCRATCH, 4), 0);
}

static void test_rule10_lost_while_the_host_blocked_is_all_ones(void **state)
{
	(void)state;
	add(GIVEN);
	fake.ops.may_block = true;
	assert_int_equal(host_sees(SCRATCH, 4), 0);
	fake.on_access = lose_it;
	assert_int_equal(host_sees(SCRATCH, 4), UINT32_MAX);
	fake.on_access = NULL;
	assert_int_equal(pci_device_lost(at(GIVEN)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GIVEN_CASE(test_a_query_is_answered_for_the_owner_only),
		GIVEN_CASE(test_a_deassigned_device_leaves_nothing),
		GIVEN_CASE(test_rule10_a_lost_device_leaves_nothing),
		GIVEN_CASE(test_rule9_a_device_taken_by_force_leaves_nothing),
		GIVEN_CASE(
			test_rule7_a_refused_removal_does_not_touch_hardware),
		GIVEN_CASE(test_rule9_what_is_cut_off_is_so_at_once),
		GIVEN_CASE(test_rule9_a_cut_off_masks_intx),
		GIVEN_CASE(test_a_reset_ends_before_the_device_goes_home),
		GIVEN_CASE(test_a_reset_ends_before_the_device_is_made_quiet),
		GIVEN_CASE(test_rule10_a_reset_of_a_lost_device_is_over),
		GIVEN_CASE(test_rule10_a_lost_device_takes_no_write),
		GIVEN_CASE(test_rule9_a_view_that_is_cut_off_answers_nobody),
		GIVEN_CASE(test_the_hosts_bars_are_mapped_while_it_has_them),
		GIVEN_CASE(test_the_hosts_vf_decodes_by_its_pfs_word),
		GIVEN_CASE(test_what_is_mended_is_its_guests),
		GIVEN_CASE(test_a_view_that_is_left_over_is_found),
		GIVEN_CASE(test_a_host_that_may_block_has_no_views),
		GIVEN_CASE(
			test_R21_moved_on_while_the_host_blocked_is_all_ones),
		GIVEN_CASE(test_rule10_lost_while_the_host_blocked_is_all_ones),
		GIVEN_CASE(test_a_write_looks_again_under_the_lock),
		GIVEN_CASE(test_what_is_gone_answers_nobody),
		GIVEN_CASE(test_a_guest_has_one_segment),
		GIVEN_CASE(test_without_a_view_a_guest_has_no_device),
		GIVEN_CASE(test_what_is_mended_in_a_reset_waits_for_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
