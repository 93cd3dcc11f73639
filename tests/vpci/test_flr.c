/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Function Level Reset by a guest, and the two capabilities that offer it.
 * Time is made to pass by moving view->flr_over into the past.
 */
#include <holdfast/removal.h>

#include "given.h"

#define ON (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)
#define DEVCTL (EXPRESS + PCI_EXP_DEVCTL)
#define AF 0xa0
#define FLR PCI_EXP_DEVCTL_BCR_FLR
/* Reads up to 512 bytes, 256 bytes of payload, extended tags, No Snoop. */
#define HOST_DEVCTL 0x2920

static struct fake_fn *subject;
static unsigned int resets;
static uint64_t mapped_at_reset;

/* What a function does after the write, seen by the access that follows. */
static void reset_itself(struct fake_fn *fn, bool write, uint16_t reg)
{
	bool express = fake_get(fn, DEVCTL, 2) & FLR;

	(void)write;
	(void)reg;
	if (fn != subject ||
	    (!express && !(fake_get(fn, AF + PCI_AF_CTRL, 1) & 1)))
		return;
	resets++;
	mapped_at_reset = given.mapped;
	fake_put(fn, PCI_COMMAND, 2, 0);
	fake_put(fn, PCI_BASE_ADDRESS_0, 4, 0);
	fake_put(fn, PCI_INTERRUPT_LINE, 1, 0xff);
	if (express)
		fake_put(fn, DEVCTL, 2, 0x2810);
	else
		fake_put(fn, AF + PCI_AF_CTRL, 1, 0);
}

/* Either capability, or both, at the addresses above; it can: @flr. */
static void add_express(bool flr)
{
	fake_express(given.fn, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	hw_put(EXPRESS + PCI_EXP_DEVCAP, 4,
	       0x00008fff | (flr ? PCI_EXP_DEVCAP_FLR : 0));
	hw_put(DEVCTL, 2, HOST_DEVCTL);
	fake_allow(given.fn, DEVCTL, 2, 0xffff);
}

static void add_af(bool flr)
{
	fake_cap(given.fn, AF, PCI_CAP_ID_AF);
	hw_put(AF + PCI_AF_LENGTH, 1, PCI_CAP_AF_SIZEOF);
	hw_put(AF + PCI_AF_CAP, 1, PCI_AF_CAP_TP | (flr ? PCI_AF_CAP_FLR : 0));
	fake_allow(given.fn, AF + PCI_AF_CTRL, 1, 0xff);
}

static void give_it(void)
{
	give(GIVEN);
	subject = given.fn;
	resets = 0;
	fake.on_access = reset_itself;
}

static void enable(void)
{
	wr(PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	wr(PCI_COMMAND, 2, ON);
	work();
	assert_int_equal(given.mapped, 0x10000);
}

/* Until the reset waits for time to pass; *@when. */
static void step_to_wait(uint64_t *when)
{
	uint64_t start = plat_now();

	do {
		assert_int_equal(vpci_process_pending(&given.vcpu, when),
				 PCI_AGAIN);
	} while (*when <= start);
}

static void let_pass(uint64_t time)
{
	struct vpci *view = view_of(given.name);

	pci_lock(&view->pdev->lock);
	view->flr_over -= time;
	pci_unlock(&view->pdev->lock);
}

/* --- the course of it ---------------------------------------------------------- */

static void test_flr_puts_the_guests_registers_back_at_once(void **state)
{
	(void)state;
	add_express(true);
	fake_cap(given.fn, MSI_CAP, PCI_CAP_ID_MSI);
	give_it();
	enable();
	wr(PCI_INTERRUPT_LINE, 1, 11);
	wr(MSI_CAP + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	wr(MSI_CAP + PCI_MSI_ADDRESS_LO, 4, 0xfee00000);
	assert_true(given.vector.enabled);
	wr(DEVCTL, 2, FLR);
	assert_int_equal(rd(PCI_COMMAND, 2), 0);
	assert_int_equal(rd(PCI_BASE_ADDRESS_0, 4), 0);
	assert_int_equal(rd(PCI_INTERRUPT_LINE, 1), 0);
	assert_int_equal(rd(MSI_CAP + PCI_MSI_FLAGS, 2), 0);
	assert_int_equal(rd(MSI_CAP + PCI_MSI_ADDRESS_LO, 4), 0);
	assert_false(given.vector.enabled);
	assert_int_equal(hf_load_relaxed(&view_of(GIVEN)->bar[0].addr), 0);
	assert_int_equal(rd(DEVCTL, 2) & FLR, 0);
	assert_false(hw(PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
}

static void test_flr_waits_100_ms_and_sets_hardware_up_again(void **state)
{
	uint64_t when, start = plat_now();

	(void)state;
	add_express(true);
	fake_allow(given.fn, PCI_INTERRUPT_LINE, 1, 0xff);
	hw_put(PCI_INTERRUPT_LINE, 1, 10);
	give_it();
	enable();
	wr(DEVCTL, 2, FLR);
	assert_int_equal(resets, 0);
	step_to_wait(&when);
	assert_true(when - start >= 100 * MSEC);
	rd(PCI_VENDOR_ID, 2);
	assert_int_equal(resets, 1);
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), 0);
	assert_int_equal(vpci_process_pending(&given.vcpu, &when), PCI_AGAIN);
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), 0); /* untouched */
	let_pass(100 * MSEC);
	work();
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), BAR0_AT);
	assert_int_equal(hw(DEVCTL, 2), HOST_DEVCTL);
	assert_int_equal(hw(PCI_INTERRUPT_LINE, 1), 10);
	assert_int_equal(hw(PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	enable();
	assert_int_equal(resets, 1);
}

/* An access to it would be an unsupported request: XSA-120 again. */
static void test_flr_comes_when_nothing_is_mapped(void **state)
{
	uint64_t when;

	(void)state;
	add_express(true);
	give_it();
	enable();
	mapped_at_reset = UINT64_MAX;
	wr(DEVCTL, 2, FLR);
	wr(PCI_BASE_ADDRESS_0, 4, 0xd0000000); /* by another vCPU */
	wr(PCI_COMMAND, 2, ON);
	plat_rcu_read_lock();
	assert_true(vpci_flr_step(view_of(GIVEN), &when));
	plat_rcu_read_unlock();
	assert_false(hw(DEVCTL, 2) & FLR); /* BARs first */
	step_to_wait(&when);
	rd(PCI_VENDOR_ID, 2);
	assert_int_equal(mapped_at_reset, 0);
	wr(PCI_COMMAND, 2, ON);
	assert_int_equal(vpci_process_pending(&given.vcpu, &when), PCI_AGAIN);
	assert_int_equal(given.mapped, 0);
	assert_int_equal(hw(PCI_COMMAND, 2), 0);
	let_pass(100 * MSEC);
	work();
	assert_int_equal(given.gpa, 0xd0000000); /* what it has written since */
	assert_int_equal(given.mapped, 0x10000);
	assert_true(hw(PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
}

static void test_flr_again_before_it_is_over_is_the_same(void **state)
{
	uint64_t when;

	(void)state;
	add_express(true);
	give_it();
	wr(DEVCTL, 2, FLR);
	step_to_wait(&when);
	rd(PCI_VENDOR_ID, 2);
	wr(DEVCTL, 2, FLR | PCI_EXP_DEVCTL_RELAX_EN);
	assert_int_equal(hw(DEVCTL, 2), 0x2810); /* left alone */
	let_pass(100 * MSEC);
	work();
	assert_int_equal(resets, 1);
	wr(DEVCTL, 2, FLR);
	step_to_wait(&when);
	rd(PCI_VENDOR_ID, 2);
	assert_int_equal(resets, 2);
}

static void test_flr_is_only_for_who_says_so(void **state)
{
	(void)state;
	add_express(false);
	add_af(false);
	give_it();
	enable();
	wr(DEVCTL, 2, FLR);
	wr(AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
	assert_int_equal(rd(PCI_COMMAND, 2), ON);
	work();
	rd(PCI_VENDOR_ID, 2);
	assert_int_equal(resets, 0);
}

/* --- no answer -------------------------------------------------------------------- */

static void expect_wait_then_broken(void)
{
	uint64_t when;

	let_pass(100 * MSEC);
	assert_int_equal(vpci_process_pending(&given.vcpu, &when), PCI_AGAIN);
	assert_null(info_of(given.name).broken);
	assert_true(when > plat_now());
	let_pass(900 * MSEC);
	work();
	assert_string_equal(info_of(given.name).broken,
			    "it does not answer after a reset");
	given.fn->absent = false;
	given.fn->retries = 0;
	wr(PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	wr(PCI_COMMAND, 2, ON);
	work();
	assert_false(hw(PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	assert_int_equal(given.mapped, 0);
}

/* The host fails at the BAR, which comes after Link Control 2. */
static void refuse_bar(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn;
	if (write && reg == EXPRESS + PCI_EXP_LNKCTL2)
		fake.error_at = fake.accesses + 1;
}

static void begin_flr(void)
{
	uint64_t when;

	enable();
	wr(DEVCTL, 2, FLR);
	step_to_wait(&when);
	rd(PCI_REVISION_ID, 1);
	assert_int_equal(resets, 1);
}

static void test_a_device_that_is_gone_after_flr_is_broken(void **state)
{
	(void)state;
	add_express(true);
	give_it();
	begin_flr();
	given.fn->absent = true;
	expect_wait_then_broken();
}

static void test_a_device_that_retries_for_ever_is_broken(void **state)
{
	(void)state;
	add_express(true);
	give_it();
	begin_flr();
	given.fn->retries = 1000;
	expect_wait_then_broken();
}

/* Then it has the address that it got by the reset. */
static void test_a_device_whose_bar_is_not_put_back_is_broken(void **state)
{
	(void)state;
	add_express(true);
	give_it();
	begin_flr();
	fake.on_access = refuse_bar;
	expect_wait_then_broken();
	assert_false(hw(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
}

/* It says now that it cannot, and has no other way. */
static void test_by_what_it_is_reset_is_chosen_once(void **state)
{
	uint64_t when;

	(void)state;
	add_express(true);
	give_it();
	enable();
	wr(DEVCTL, 2, FLR);
	hw_put(EXPRESS + PCI_EXP_DEVCAP, 4, 0x00008fff);
	step_to_wait(&when);
	assert_false(hw(PCI_COMMAND, 2) & PCI_COMMAND_IO);
	let_pass(100 * MSEC);
	work();
	assert_int_equal(resets, 1);
	assert_null(info_of(GIVEN).broken);
}

/* … nor can one that does not say so. */
static void test_no_answer_is_no_promise(void **state)
{
	(void)state;
	add_express(false);
	add_af(false);
	give_it();
	enable();
	hw_put(EXPRESS + PCI_EXP_DEVCAP, 4, UINT32_MAX);
	hw_put(AF + PCI_AF_CAP, 1, 0xff);
	wr(DEVCTL, 2, FLR);
	assert_int_equal(rd(PCI_COMMAND, 2), ON); /* as it was */
	assert_int_equal(given.vcpu.npending, 0);
}

static unsigned int silences; /* when Device Control is read */

static void silent_then_reset(struct fake_fn *fn, bool write, uint16_t reg)
{
	reset_itself(fn, write, reg);
	fn->absent = !write && reg == DEVCTL && silences;
	silences -= fn->absent;
}

/* What was not told is not reset, so it is told again. */
static void test_a_device_that_is_not_told_is_told_again(void **state)
{
	uint64_t when;

	(void)state;
	add_express(true);
	give_it();
	enable();
	wr(DEVCTL, 2, FLR);
	silences = 1;
	fake.on_access = silent_then_reset;
	step_to_wait(&when);
	assert_true(when < plat_now() + 100 * MSEC); /* to be tried again */
	step_to_wait(&when);
	let_pass(100 * MSEC);
	work();
	assert_int_equal(resets, 1);
	assert_null(info_of(GIVEN).broken);
}

static void test_a_device_that_cannot_be_told_is_broken(void **state)
{
	uint64_t when;

	(void)state;
	add_express(true);
	give_it();
	enable();
	wr(DEVCTL, 2, FLR);
	silences = UINT32_MAX;
	fake.on_access = silent_then_reset;
	step_to_wait(&when);
	let_pass(1000 * MSEC);
	work();
	assert_string_equal(info_of(GIVEN).broken,
			    "it could not be told to reset itself");
	assert_int_equal(resets, 0);
	given.fn->absent = false;
}

static void test_a_device_that_answers_late_is_well(void **state)
{
	uint64_t when;

	(void)state;
	add_express(true);
	give_it();
	begin_flr();
	given.fn->retries = 1;
	let_pass(100 * MSEC);
	assert_int_equal(vpci_process_pending(&given.vcpu, &when), PCI_AGAIN);
	assert_true(when <= plat_now() + 10 * MSEC);
	work();
	assert_null(info_of(GIVEN).broken);
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), BAR0_AT);
}

/* --- VFs and PFs -------------------------------------------------------------------- */

static void add_pf(void)
{
	struct fake_fn *vf;

	add_express(true);
	fake_sriov(given.fn, 1, 4, 1);
	vf = &fake.fn[1];
	fake_express(vf, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	fake_put(vf, EXPRESS + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR);
	fake_allow(vf, DEVCTL, 2, FLR);
	fake_allow(vf, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	add(GIVEN);
}

static void test_a_vf_answers_by_its_command(void **state)
{
	uint64_t when;

	(void)state;
	add_pf();
	give("00:03.4");
	subject = given.fn;
	resets = 0;
	fake.on_access = reset_itself;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	wr(DEVCTL, 2, FLR);
	step_to_wait(&when);
	let_pass(100 * MSEC);
	work();
	assert_int_equal(resets, 1);
	assert_null(info_of(given.name).broken);
	wr(DEVCTL, 2, FLR);
	step_to_wait(&when);
	rd(PCI_REVISION_ID, 1);
	given.fn->absent = true;
	let_pass(1000 * MSEC);
	work();
	assert_non_null(info_of(given.name).broken);
	given.fn->absent = false;
}

/* Its VFs would vanish under whoever has them. */
static void test_a_pf_with_vfs_is_not_reset(void **state)
{
	(void)state;
	add_pf();
	add("00:03.4");
	give_it();
	enable();
	wr(DEVCTL, 2, FLR);
	work();
	rd(PCI_VENDOR_ID, 2);
	assert_int_equal(resets, 0);
	assert_int_equal(rd(PCI_COMMAND, 2), ON);
}

/* --- what ends it ------------------------------------------------------------------- */

static void test_flr_left_undone_goes_with_the_guest(void **state)
{
	(void)state;
	hw_put(PCI_COMMAND, 2, ON);
	add_express(true);
	give_it();
	enable();
	wr(DEVCTL, 2, FLR);
	take_back();
	assert_int_equal(hw(PCI_COMMAND, 2), ON & ~PCI_COMMAND_MASTER);
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), BAR0_AT);
	assert_int_equal(resets, 0);
	assert_int_equal(given.mapped, 0);
	work();
}

static void test_flr_of_a_lost_device_ends(void **state)
{
	uint64_t when;
	unsigned int accesses;

	(void)state;
	add_express(true);
	give_it();
	enable();
	wr(DEVCTL, 2, FLR);
	step_to_wait(&when);
	accesses = given.fn->accesses;
	pci_device_lost(at(GIVEN));
	work();
	assert_int_equal(given.fn->accesses, accesses);
}

/* --- the PCI Express capability -------------------------------------------------------- */

static void test_express_hides_phantoms_slot_and_root(void **state)
{
	unsigned int reg;

	(void)state;
	add_express(true);
	hw_put(EXPRESS + PCI_EXP_FLAGS, 2, 0x3f02); /* a slot, message 31 */
	for (reg = PCI_EXP_SLTCAP; reg < PCI_EXP_DEVCAP2; reg++)
		given.fn->reg[EXPRESS + reg] = 0xff;
	give_it();
	assert_int_equal(rd(EXPRESS + PCI_EXP_FLAGS, 2), 0x0002);
	assert_int_equal(rd(EXPRESS + PCI_EXP_DEVCAP, 4),
			 0x00008fe7 | PCI_EXP_DEVCAP_FLR);
	for (reg = PCI_EXP_SLTCAP; reg < PCI_EXP_DEVCAP2; reg += 2)
		assert_int_equal(rd((uint16_t)(EXPRESS + reg), 2), 0);
}

static void test_device_control_takes_what_is_the_guests(void **state)
{
	(void)state;
	add_express(true);
	give_it();
	assert_int_equal(rd(DEVCTL, 2), HOST_DEVCTL);
	wr(DEVCTL, 2, 0xffff & ~FLR);
	assert_int_equal(hw(DEVCTL, 2), HOST_DEVCTL | PCI_EXP_DEVCTL_RELAX_EN);
	assert_int_equal(rd(DEVCTL, 2),
			 HOST_DEVCTL | PCI_EXP_DEVCTL_RELAX_EN | 0x000f);
	wr(DEVCTL, 2, 0x1000);
	assert_int_equal(hw(DEVCTL, 2), 0x1920);
	wr(DEVCTL, 2, 0);
	assert_int_equal(hw(DEVCTL, 2), 0x0920);
	wr(DEVCTL, 2, 0x7000); /* reserved */
	assert_int_equal(hw(DEVCTL, 2), 0x2920);
	wr(DEVCTL, 2, 0);
	take_back();
	assert_int_equal(hw(DEVCTL, 2), HOST_DEVCTL);
}

static void test_device_status_errors_are_cleared_by_writing_one(void **state)
{
	(void)state;
	add_express(true);
	hw_put(EXPRESS + PCI_EXP_DEVSTA, 2, 0x003f);
	fake_allow(given.fn, EXPRESS + PCI_EXP_DEVSTA, 2, 0xffff);
	give_it();
	assert_int_equal(rd(EXPRESS + PCI_EXP_DEVSTA, 2), 0x003f);
	hw_put(EXPRESS + PCI_EXP_DEVSTA, 2, 0);
	wr(EXPRESS + PCI_EXP_DEVSTA, 2, 0xfff5);
	assert_int_equal(hw(EXPRESS + PCI_EXP_DEVSTA, 2), 0x0005);
	/* What it is not shown, it does not clear. */
	hw_put(EXPRESS + PCI_EXP_DEVSTA, 2, 0x0040);
	assert_int_equal(rd(EXPRESS + PCI_EXP_DEVSTA, 2), 0);
	wr(EXPRESS + PCI_EXP_DEVSTA, 1, 0x02);
	assert_int_equal(hw(EXPRESS + PCI_EXP_DEVSTA, 2), 0x0002);
}

/* Ours, and not the neighbour's that follows (PCIe 1.1 §7.8). */
static void test_version_1_ends_where_the_next_begins(void **state)
{
	(void)state;
	add_express(true);
	hw_put(EXPRESS + PCI_EXP_FLAGS, 2, 0x0001);
	hw_put(EXPRESS + PCI_EXP_LNKCAP, 4, 0x12345678);
	fake_cap(given.fn, EXPRESS + PCI_CAP_EXP_ENDPOINT_SIZEOF_V1,
		 PCI_CAP_ID_VPD);
	hw_put(EXPRESS + PCI_EXP_DEVCAP2, 4, 0x1f);
	fake_allow(given.fn, EXPRESS + PCI_EXP_DEVCTL2, 2, 0xffff);
	give_it();
	hw_put(EXPRESS + PCI_EXP_DEVCTL2, 2, 0x1234); /* the neighbour's */
	take_back();
	assert_int_equal(hw(EXPRESS + PCI_EXP_DEVCTL2, 2), 0x1234);
	give(GIVEN);
	assert_int_equal(rd(EXPRESS, 1), PCI_CAP_ID_EXP);
	assert_int_equal(rd(EXPRESS + PCI_EXP_LNKCAP, 4), 0x12345678);
	assert_int_equal(rd(EXPRESS + PCI_EXP_DEVCAP2, 4), 0);
}

static void test_link_and_version_2_are_read_only(void **state)
{
	unsigned int reg;
	uint8_t before[256];

	(void)state;
	add_express(true);
	hw_put(EXPRESS + PCI_EXP_LNKCTL, 2, 0x0043);
	hw_put(EXPRESS + PCI_EXP_DEVCAP2, 4, 0xffffffff);
	hw_put(EXPRESS + PCI_EXP_DEVCTL2, 2, 0x7fff);
	hw_put(EXPRESS + PCI_EXP_LNKCTL2, 2, 0x0003);
	memset(given.fn->writable + EXPRESS + PCI_EXP_LNKCAP, 0xff,
	       PCI_CAP_EXP_SIZEOF_V2 - PCI_EXP_LNKCAP);
	give_it();
	assert_int_equal(rd(EXPRESS + PCI_EXP_LNKCTL, 2), 0x0043);
	assert_int_equal(rd(EXPRESS + PCI_EXP_DEVCAP2, 4), 0x1f);
	assert_int_equal(rd(EXPRESS + PCI_EXP_DEVCTL2, 2), 0x1f);
	assert_int_equal(rd(EXPRESS + PCI_EXP_LNKCTL2, 2), 0x0003);
	memcpy(before, given.fn->reg, sizeof(before));
	for (reg = PCI_EXP_LNKCAP; reg < PCI_CAP_EXP_SIZEOF_V2; reg += 2)
		wr((uint16_t)(EXPRESS + reg), 2, 0xffff);
	assert_memory_equal(given.fn->reg, before, sizeof(before));
}

/* --- Advanced Features ------------------------------------------------------------------- */

static void test_af_resets_as_pci_express_does(void **state)
{
	uint64_t when;

	(void)state;
	add_af(true);
	hw_put(AF + PCI_AF_STATUS, 1, PCI_AF_STATUS_TP);
	give_it();
	assert_int_equal(rd(AF + PCI_AF_LENGTH, 2), 0x0306);
	assert_int_equal(rd(AF + PCI_AF_CTRL, 2), 0x0100);
	enable();
	wr(AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
	assert_int_equal(rd(PCI_COMMAND, 2), 0);
	step_to_wait(&when);
	let_pass(100 * MSEC);
	work();
	assert_int_equal(resets, 1);
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), BAR0_AT);
	assert_int_equal(rd(AF + PCI_AF_CTRL, 1), 0);
}

/* What the guest enables while it waits, hardware has when it is over. */
static void test_messages_enabled_in_a_reset_come_after_it(void **state)
{
	uint64_t when;

	(void)state;
	add_express(true);
	fake_cap(given.fn, MSI_CAP, PCI_CAP_ID_MSIX);
	hw_put(MSI_CAP + PCI_MSIX_TABLE, 4, 0x1000);
	hw_put(MSI_CAP + PCI_MSIX_PBA, 4, 0x2000);
	fake_allow(given.fn, MSI_CAP + PCI_MSIX_FLAGS, 2, 0xc000);
	give_it();
	wr(DEVCTL, 2, FLR);
	wr(MSI_CAP + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(rd(MSI_CAP + PCI_MSIX_FLAGS, 2) &
				 PCI_MSIX_FLAGS_ENABLE,
			 PCI_MSIX_FLAGS_ENABLE);
	step_to_wait(&when);
	assert_int_equal(
		hw(MSI_CAP + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_ENABLE, 0);
	let_pass(100 * MSEC);
	work();
	assert_int_equal(rd(MSI_CAP + PCI_MSIX_FLAGS, 2) &
				 PCI_MSIX_FLAGS_ENABLE,
			 PCI_MSIX_FLAGS_ENABLE);
}

/* A Root Complex's own function of version 1 has no link at all (§7.5.3). */
static void test_an_integrated_one_of_version_1_has_no_link(void **state)
{
	(void)state;
	add_express(true);
	hw_put(EXPRESS + PCI_EXP_FLAGS, 2,
	       1 | PCI_EXP_TYPE_RC_END << PCI_EXP_FLAGS_TYPE_SHIFT);
	hw_put(EXPRESS + PCI_EXP_LNKCAP, 4, 0x12345678);
	give(GIVEN);
	assert_int_equal(rd(EXPRESS + PCI_EXP_LNKCAP, 4), 0);
	assert_int_equal(rd(DEVCTL, 2) & PCI_EXP_DEVCTL_PAYLOAD, 0x20);
}

static void test_a_step_too_many_touches_nothing(void **state)
{
	uint64_t when = 0;
	unsigned int before;
	bool more;

	(void)state;
	add_express(true);
	give_it();
	before = given.fn->accesses;
	plat_rcu_read_lock();
	more = vpci_flr_step(view_of(GIVEN), &when);
	plat_rcu_read_unlock();
	assert_false(more);
	assert_int_equal(when, 0);
	assert_int_equal(given.fn->accesses, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GIVEN_CASE(test_flr_puts_the_guests_registers_back_at_once),
		GIVEN_CASE(test_flr_waits_100_ms_and_sets_hardware_up_again),
		GIVEN_CASE(test_flr_comes_when_nothing_is_mapped),
		GIVEN_CASE(test_flr_again_before_it_is_over_is_the_same),
		GIVEN_CASE(test_flr_is_only_for_who_says_so),
		GIVEN_CASE(test_a_device_that_is_gone_after_flr_is_broken),
		GIVEN_CASE(test_a_device_that_retries_for_ever_is_broken),
		GIVEN_CASE(test_a_device_whose_bar_is_not_put_back_is_broken),
		GIVEN_CASE(test_a_device_that_answers_late_is_well),
		GIVEN_CASE(test_by_what_it_is_reset_is_chosen_once),
		GIVEN_CASE(test_no_answer_is_no_promise),
		GIVEN_CASE(test_a_device_that_is_not_told_is_told_again),
		GIVEN_CASE(test_a_device_that_cannot_be_told_is_broken),
		GIVEN_CASE(test_a_vf_answers_by_its_command),
		GIVEN_CASE(test_a_pf_with_vfs_is_not_reset),
		GIVEN_CASE(test_flr_left_undone_goes_with_the_guest),
		GIVEN_CASE(test_flr_of_a_lost_device_ends),
		GIVEN_CASE(test_express_hides_phantoms_slot_and_root),
		GIVEN_CASE(test_device_control_takes_what_is_the_guests),
		GIVEN_CASE(
			test_device_status_errors_are_cleared_by_writing_one),
		GIVEN_CASE(test_version_1_ends_where_the_next_begins),
		GIVEN_CASE(test_link_and_version_2_are_read_only),
		GIVEN_CASE(test_af_resets_as_pci_express_does),
		GIVEN_CASE(test_an_integrated_one_of_version_1_has_no_link),
		GIVEN_CASE(test_a_step_too_many_touches_nothing),
		GIVEN_CASE(test_messages_enabled_in_a_reset_come_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
