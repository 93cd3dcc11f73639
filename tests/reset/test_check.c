/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rule 15: what does not come out of its reset as it should stays in
 * quarantine with the reason, and no guest gets it; and the way back.
 */
#include "support.h"

static struct fake_fn *fn;
static struct unit *u;

static void one_card(unsigned int has)
{
	ports();
	fn = card(CARD, has);
	u = unit_of(CARD);
}

/* Given to nobody, by whatever way, until it is whole again. */
static void expect_quarantine(const char *why)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	assert_string_equal(owner(CARD), "quarantine");
	assert_string_equal(broken(CARD), why);
	assert_int_equal(give(given.two, CARD), -EBADF);
	assert_string_equal(given.report.reason, why);
	assert_int_equal(pci_test_assign(given.two, at(CARD), 0, &given.report),
			 -EBADF);
	assert_int_equal(pci_assign_device(given.two, at(CARD),
					   PCI_ASSIGN_GROUP, &vsbdf,
					   &given.report),
			 -EBADF);
	assert_int_equal(domain_devices(given.one), 0);
	assert_int_equal(domain_devices(given.two), 0);
	if (!fn->absent && !u->masters)
		assert_false(hw(CARD, PCI_COMMAND, 2) &
			     (PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY));
}

static void expect_no_way_out(const char *expected)
{
	const char *why = NULL;

	assert_int_equal(pci_unquarantine_device(at(CARD), &why), -EIO);
	assert_string_equal(why, expected);
	expect_quarantine(expected);
}

/* Another power-on of a sound one. */
static void repair(void)
{
	struct unit sound = { .resets = u->resets };

	memcpy(sound.power_on, u->power_on, sizeof(sound.power_on));
	*u = sound;
	fn->retries = 0;
	fn->absent = false;
	memcpy(fn->reg, u->power_on, sizeof(fn->reg));
	fn->writable[PCI_COMMAND] |= PCI_COMMAND_MASTER;
}

static void expect_a_way_out(void)
{
	repair();
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), 0);
	assert_string_equal(owner(CARD), "hardware");
	assert_string_equal(broken(CARD), "");
	assert_int_equal(hw(CARD, PCI_BASE_ADDRESS_0, 4), BAR0_AT);
	assert_int_equal(hw(CARD, DEVCTL, 2), HOST_DEVCTL);
	assert_int_equal(give(given.two, CARD), 0);
	assert_string_equal(owner(CARD), "two");
}

/* On its way from the host to a guest, and from a guest to the host. */
static void fails(void (*spoil)(void), const char *why)
{
	one_card(HAS_FLR);
	spoil();
	assert_int_equal(give(given.one, CARD), -EIO);
	assert_string_equal(given.report.reason, why);
	assert_int_equal(given.report.sbdf.sbdf, at(CARD).sbdf);
	expect_quarantine(why);
	expect_no_way_out(why);
	expect_a_way_out();
	assert_int_equal(take(given.two, CARD), 0);

	assert_int_equal(give(given.one, CARD), 0);
	spoil();
	assert_int_equal(take(given.one, CARD), -EIO);
	assert_string_equal(given.report.reason, why);
	expect_quarantine(why);
	expect_a_way_out();
}

static void ignore_resets(void)
{
	u->ignores = true;
}

static void test_one_that_ignores_its_reset(void **state)
{
	(void)state;
	fails(ignore_resets, "the reset had no effect");
}

/* Nothing but its BAR tells. */
static void test_one_without_bits_to_plant(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	fn->writable[PCI_COMMAND] &= (uint8_t)~PCI_COMMAND_PARITY;
	fn->writable[MSIX + PCI_MSIX_FLAGS + 1] = 0;
	u->ignores = true;
	assert_int_equal(give(given.one, CARD), -EIO);
	expect_quarantine("the reset had no effect");
}

static void die(void)
{
	u->dies = true;
}

static void test_one_that_dies(void **state)
{
	(void)state;
	fails(die, "it does not answer after a reset");
}

static void retry_for_ever(void)
{
	u->retries = 100000;
}

static void test_one_that_is_never_ready(void **state)
{
	(void)state;
	fails(retry_for_ever, "it is not ready a second after a reset");
}

static void pend(void)
{
	u->pends = true;
}

static void test_one_with_transactions_pending(void **state)
{
	(void)state;
	fails(pend, "transactions are pending after a reset");
}

static void master(void)
{
	u->masters = true;
}

static void test_one_that_is_master_for_ever(void **state)
{
	(void)state;
	fails(master, "bus mastering cannot be switched off");
}

static void change(void)
{
	u->changes = true;
}

static void test_one_that_is_another(void **state)
{
	(void)state;
	fails(change, "it is another device after a reset");
}

static void go_on(void)
{
	u->faults = true;
	u->resets = 0;
}

static void test_one_that_goes_on_with_dma(void **state)
{
	(void)state;
	fails(go_on, "it went on with DMA after a reset");
}

static unsigned int late;

static void report_late(struct fake_fn *who, bool is_write, uint16_t reg)
{
	(void)is_write;
	(void)reg;
	if (who == fn && u->resets && !late) {
		late = 1;
		u->faulted++;
	}
}

static void test_one_request_after_it_is_enough(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	u->faulted = 100;
	late = 0;
	fake.on_access = report_late;
	assert_int_equal(give(given.one, CARD), -EIO);
	assert_int_equal(late, 1);
	fake.on_access = NULL;
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), 0);
	assert_int_equal(give(given.one, CARD), 0);
}

static void count_one(void)
{
	u->faulted++;
}

static void at_the_reset(struct fake_fn *who, bool is_write, uint16_t reg)
{
	/* The next that waits is the one after the reset's write. */
	if (who == fn && is_write && reg == DEVCTL && !u->resets)
		clock_next = count_one;
}

static void test_a_fault_that_is_told_late_is_of_before(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	fake.on_access = at_the_reset;
	assert_int_equal(give(given.one, CARD), 0);
	assert_int_equal(u->faulted, 1);
}

/* --- without a way -------------------------------------------------------------------- */

static void test_a_hosts_goes_on_without_and_a_guests_stays(void **state)
{
	(void)state;
	ports();
	fn = card(CARD, HAS_NOTHING);
	u = unit_of(CARD);
	card(OTHER, HAS_FLR); /* which uses the bus */
	assert_int_equal(give(given.one, CARD), 0);
	assert_int_equal(u->resets, 0);
	assert_int_equal(take(given.one, CARD), -EIO);
	expect_quarantine("there is no way to reset it");
	assert_int_equal(u->resets, 0);
	/* By an administrator's word, and checked. */
	u->pends = true;
	fake_put(fn, EXPRESS + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	expect_no_way_out("transactions are pending after a reset");
	fake_put(fn, EXPRESS + PCI_EXP_DEVSTA, 2, 0);
	expect_a_way_out();
}

static void test_a_hosts_without_a_way_is_checked(void **state)
{
	(void)state;
	ports();
	fn = card(CARD, HAS_NOTHING);
	u = unit_of(CARD);
	card(OTHER, HAS_FLR);
	fake_put(fn, EXPRESS + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	assert_int_equal(give(given.one, CARD), -EIO);
	expect_quarantine("transactions are pending after a reset");
}

/* --- VFs -------------------------------------------------------------------------------- */

#define VF "0000:01:00.4"

static struct fake_fn *pf;

static void a_vf(void)
{
	ports();
	pf = fake_add(CARD, 0x10ed8086);
	fake_express(pf, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	fake_put(pf, EXPRESS + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR);
	fake_allow(pf, DEVCTL, 2, 0xffff);
	fake_sriov(pf, 1, 4, 1);
	fn = fake_at(at(VF));
	u = unit_of(VF);
	fake_allow(fn, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	fake_express(fn, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	fake_put(fn, EXPRESS + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR);
	fake_allow(fn, DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	fake_cap(fn, MSIX, PCI_CAP_ID_MSIX);
	fake_put(fn, MSIX + PCI_MSIX_FLAGS, 2, 3);
	fake_allow(fn, MSIX + PCI_MSIX_FLAGS, 2, 0xc000);
	fake_cap(fn, PM, PCI_CAP_ID_PM); /* of no use to a VF */
	memcpy(u->power_on, fn->reg, sizeof(fn->reg));
	add(CARD);
	add(VF);
	assert_true(info_of(VF).desc.is_vf);
}

static void test_a_vf_has_flr_and_its_pf_nothing(void **state)
{
	(void)state;
	a_vf();
	assert_int_equal(pci_reset_methods(at(VF)), HAS_FLR);
	assert_int_equal(pci_reset_methods(at(CARD)), 0);
	assert_int_equal(reset_any(CARD), -EOPNOTSUPP);
	assert_int_equal(give(given.one, VF), 0);
	assert_int_equal(u->resets, 1);
	assert_int_equal(take(given.one, VF), 0);
	assert_int_equal(u->resets, 2);
	/* The PF of a VF goes to a guest, and does not come back untouched. */
	assert_int_equal(give(given.one, CARD), 0);
	assert_int_equal(unit_of(CARD)->resets, 0);
	assert_int_equal(take(given.one, CARD), -EIO);
	assert_string_equal(broken(CARD), "it has VFs, and cannot be reset");
}

static void vf_fails(const char *why)
{
	assert_int_equal(give(given.one, VF), -EIO);
	assert_string_equal(given.report.reason, why);
	assert_string_equal(owner(VF), "quarantine");
}

static void test_a_vf_answers_by_its_command(void **state)
{
	(void)state;
	a_vf();
	u->dies = true;
	vf_fails("it does not answer after a reset");
}

static void test_a_vf_needs_its_pf(void **state)
{
	(void)state;
	a_vf();
	pf->absent = true;
	vf_fails("its PF does not answer");
}

static void test_a_vf_that_ignores_its_reset(void **state)
{
	(void)state;
	a_vf();
	u->ignores = true;
	vf_fails("the reset had no effect");
}

/* --- events --------------------------------------------------------------------------------- */

static struct pci_event told[8];
static unsigned int ntold;

static void hear(struct pci_event_listener *self, const struct pci_event *event)
{
	(void)self;
	if (event->type == PCI_EVENT_RESET && ntold < ARRAY_SIZE(told))
		told[ntold++] = *event;
}

static void test_events_say_by_what_or_why_not(void **state)
{
	struct pci_event_listener ear = { .event = hear };

	(void)state;
	one_card(HAS_FLR);
	ntold = 0;
	pci_event_listen(&ear);
	assert_int_equal(give(given.one, CARD), 0);
	u->dies = true;
	assert_int_equal(take(given.one, CARD), -EIO);
	pci_event_unlisten(&ear);
	assert_int_equal(ntold, 2);
	assert_string_equal(told[0].detail, "flr");
	assert_string_equal(told[1].detail, "it does not answer after a reset");
	assert_int_equal(told[1].sbdf.sbdf, at(CARD).sbdf);
}

/* It was there when Command was read, and is not when that is written. */
static void dies_when_stopped(struct fake_fn *f, bool is_write, uint16_t reg)
{
	if (f == fn && is_write && reg == PCI_COMMAND && f->reg[PCI_COMMAND])
		u->back = PLAT_FOREVER;
	if (u->back)
		f->absent = f == fn;
	else
		units_go_on(f, is_write, reg);
}

static void test_one_that_dies_when_it_is_stopped(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	assert_int_equal(give(given.one, CARD), 0);
	fake.on_access = dies_when_stopped;
	assert_int_equal(take(given.one, CARD), -EIO);
	assert_string_equal(broken(CARD), "it does not answer after a reset");
	fake.on_access = units_go_on;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GIVEN(test_one_that_ignores_its_reset),
		GIVEN(test_one_without_bits_to_plant),
		GIVEN(test_one_that_dies),
		GIVEN(test_one_that_is_never_ready),
		GIVEN(test_one_with_transactions_pending),
		GIVEN(test_one_that_is_master_for_ever),
		GIVEN(test_one_that_is_another),
		GIVEN(test_one_that_goes_on_with_dma),
		GIVEN(test_one_request_after_it_is_enough),
		GIVEN(test_a_fault_that_is_told_late_is_of_before),
		GIVEN(test_a_hosts_goes_on_without_and_a_guests_stays),
		GIVEN(test_a_hosts_without_a_way_is_checked),
		GIVEN(test_a_vf_has_flr_and_its_pf_nothing),
		GIVEN(test_a_vf_answers_by_its_command),
		GIVEN(test_a_vf_needs_its_pf),
		GIVEN(test_a_vf_that_ignores_its_reset),
		GIVEN(test_events_say_by_what_or_why_not),
		GIVEN(test_one_that_dies_when_it_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
