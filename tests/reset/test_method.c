/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each method: what it writes, when, and how long the function is then left
 * alone; and which one is taken.
 */
#include "support.h"

static struct fake_fn *fn;
static unsigned int from; /* where the log of a reset begins */

static void one_card(unsigned int has)
{
	ports();
	fn = card(CARD, has);
	from = given.writes;
}

/* --- untouched ------------------------------------------------------------------ */

static uint64_t alone_from, touched;

/* Once it was reset: the first access to it. */
static void watch(struct fake_fn *who, bool is_write, uint16_t reg)
{
	(void)is_write;
	(void)reg;
	if (who == fn && unit_of(CARD)->resets && !touched &&
	    clock_now > alone_from)
		touched = clock_now;
	if (who == fn && !unit_of(CARD)->resets)
		alone_from = clock_now;
}

static void expect_as_the_host_had_it(void)
{
	assert_int_equal(hw(CARD, PCI_BASE_ADDRESS_0, 4), BAR0_AT);
	assert_int_equal(hw(CARD, PCI_BASE_ADDRESS_1, 4), BAR1_AT);
	assert_int_equal(hw(CARD, PCI_CACHE_LINE_SIZE, 1), 16);
	assert_int_equal(hw(CARD, PCI_INTERRUPT_LINE, 1), 11);
	assert_int_equal(hw(CARD, DEVCTL, 2), HOST_DEVCTL);
	assert_int_equal(hw(CARD, EXPRESS + PCI_EXP_DEVCTL2, 2), 5);
	assert_true(hw(CARD, PM + PCI_PM_CTRL, 2) & PCI_PM_CTRL_PME_ENABLE);
	assert_int_equal(hw(CARD, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	assert_int_equal(hw(CARD, MSIX + PCI_MSIX_FLAGS, 2), 3);
	assert_string_equal(owner(CARD), "hardware");
	assert_string_equal(broken(CARD), "");
}

static void test_flr_stops_it_first_and_leaves_it_alone(void **state)
{
	const struct write *stop, *flr;

	(void)state;
	one_card(HAS_FLR);
	fake.on_access = watch;
	touched = 0;
	assert_int_equal(reset_any(CARD), PCI_RESET_FLR);
	stop = cleared(from, fn, PCI_COMMAND,
		       PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	flr = wrote(from, fn, DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
	assert_non_null(stop);
	assert_non_null(flr);
	assert_true(stop < flr);
	assert_int_equal(flr->val & ~PCI_EXP_DEVCTL_BCR_FLR, HOST_DEVCTL);
	assert_true(touched - flr->time >= 100 * MSEC);
	assert_int_equal(unit_of(CARD)->resets, 1);
	expect_as_the_host_had_it();
}

/* Whichever access fails: what a guest gets was reset, or it does not get it. */
static void test_what_a_guest_gets_was_reset(void **state)
{
	unsigned int n, resets;
	bool has, last = false;
	int err;

	(void)state;
	one_card(HAS_FLR);
	card(OTHER, HAS_FLR); /* in use: the bus is no way */
	for (n = 1; !last; n++) {
		resets = unit_of(CARD)->resets;
		given.writes = 0; /* there is room for those of a few */
		fake.accesses = 0;
		fake.error_at = n;
		err = give(given.one, CARD);
		has = !strcmp(owner(CARD), "one");
		assert_int_equal(!err, has);
		assert_true(!has || unit_of(CARD)->resets > resets);
		last = fake.accesses < n; /* none was left to fail */
		fake.error_at = 0;
		if (has)
			assert_int_equal(take(given.one, CARD), 0);
		else if (!strcmp(owner(CARD), "quarantine"))
			assert_int_equal(
				pci_unquarantine_device(at(CARD), NULL), 0);
		assert_string_equal(owner(CARD), "hardware");
	}
	assert_true(n > 20);
}

static void test_af_flr(void **state)
{
	const struct write *flr;

	(void)state;
	one_card(HAS_AF);
	fake.on_access = watch;
	touched = 0;
	assert_int_equal(reset_any(CARD), PCI_RESET_AF);
	flr = wrote(from, fn, AF + PCI_AF_CTRL, PCI_AF_CTRL_FLR);
	assert_non_null(flr);
	assert_true(touched - flr->time >= 100 * MSEC);
	expect_as_the_host_had_it();
}

static void test_pm_goes_down_and_up_with_10_ms_each(void **state)
{
	const struct write *down, *up;

	(void)state;
	one_card(HAS_PM);
	fake.on_access = watch;
	touched = 0;
	assert_int_equal(reset_any(CARD), PCI_RESET_PM);
	down = wrote(from, fn, PM + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
	assert_non_null(down);
	assert_int_equal(down->val & PCI_PM_CTRL_STATE_MASK, 3);
	up = cleared((unsigned int)(down - given.write), fn, PM + PCI_PM_CTRL,
		     PCI_PM_CTRL_STATE_MASK);
	assert_non_null(up);
	assert_true(up->time - down->time >= 10 * MSEC);
	assert_true(touched - up->time >= 10 * MSEC);
	assert_int_equal(unit_of(CARD)->resets, 1);
	expect_as_the_host_had_it();
}

/* The bridge's other bits are as they were. */
static void bus_reset(struct fake_fn *bridge, uint32_t plain, uint64_t wait)
{
	const struct write *on, *off;

	on = wrote(from, bridge, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET);
	assert_non_null(on);
	off = cleared((unsigned int)(on - given.write), bridge,
		      PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET);
	assert_non_null(off);
	assert_true(off->time - on->time >= 1 * MSEC);
	assert_true(touched - off->time >= wait);
	assert_int_equal(off->val, plain);
	assert_int_equal(on->val, plain | PCI_BRIDGE_CTL_BUS_RESET);
	assert_int_equal(bridge->writes, 2);
}

static void test_bus_reset_by_the_bridge_above(void **state)
{
	struct fake_fn *port;

	(void)state;
	one_card(HAS_NOTHING);
	port = fake_at(at(PORT));
	port->writes = 0;
	fake.on_access = watch;
	touched = 0;
	assert_int_equal(reset_any(CARD), PCI_RESET_BUS);
	bus_reset(port, 0x0003, 100 * MSEC);
	expect_as_the_host_had_it();
}

static void test_a_conventional_bus_gets_a_second(void **state)
{
	struct fake_fn *legacy;
	uint64_t start;

	(void)state;
	ports();
	fn = card(OLD, HAS_NOTHING);
	from = given.writes;
	legacy = fake_at(at(LEGACY));
	legacy->writes = 0;
	start = clock_now;
	assert_int_equal(reset_any(OLD), PCI_RESET_BUS);
	touched = clock_now;
	bus_reset(legacy, 0, 1000 * MSEC);
	assert_true(clock_now - start < 2000 * MSEC);
	assert_int_equal(hw(OLD, PCI_BASE_ADDRESS_0, 4), BAR0_AT);
}

/* --- before and after -------------------------------------------------------------- */

static void test_transactions_get_100_ms(void **state)
{
	const struct write *stop, *flr;

	(void)state;
	one_card(HAS_FLR);
	fake_put(fn, EXPRESS + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	unit_of(CARD)->pending_for = 40 * MSEC;
	assert_int_equal(reset_any(CARD), PCI_RESET_FLR);
	stop = cleared(from, fn, PCI_COMMAND, PCI_COMMAND_MASTER);
	flr = wrote(from, fn, DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
	assert_true(flr->time - stop->time >= 39 * MSEC);
	assert_true(flr->time - stop->time < 60 * MSEC);

	/* For ever: reset all the same, which ends them. */
	from = given.writes;
	fake_put(fn, EXPRESS + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	unit_of(CARD)->pending_for = 0;
	unit_of(CARD)->quiet = 0;
	assert_int_equal(reset_any(CARD), PCI_RESET_FLR);
	stop = cleared(from, fn, PCI_COMMAND, PCI_COMMAND_MASTER);
	flr = wrote(from, fn, DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
	assert_true(flr->time - stop->time >= 100 * MSEC);
	assert_true(flr->time - stop->time < 120 * MSEC);
}

static void test_a_slow_one_has_a_second(void **state)
{
	uint64_t start = clock_now;

	(void)state;
	one_card(HAS_FLR);
	unit_of(CARD)->absent_for = 900 * MSEC;
	assert_int_equal(reset_any(CARD), PCI_RESET_FLR);
	assert_true(clock_now - start >= 900 * MSEC);
	expect_as_the_host_had_it();
	unit_of(CARD)->absent_for = 0;
	unit_of(CARD)->retries = 50;
	assert_int_equal(reset_any(CARD), PCI_RESET_FLR);
	expect_as_the_host_had_it();
}

static void test_it_is_powered_on_first(void **state)
{
	const struct write *up, *flr;

	(void)state;
	one_card(HAS_FLR);
	fake_put(fn, PM + PCI_PM_CTRL, 2, 0x010b);
	assert_int_equal(reset_any(CARD), PCI_RESET_FLR);
	up = cleared(from, fn, PM + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
	flr = wrote(from, fn, DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
	assert_true(up < flr);
	assert_true(flr->time - up->time >= 10 * MSEC);
	expect_as_the_host_had_it();
}

/* --- which ------------------------------------------------------------------------- */

static void test_methods_are_what_hardware_says(void **state)
{
	(void)state;
	one_card(HAS_FLR | HAS_AF | HAS_PM);
	card(OLD, HAS_NOTHING);
	assert_int_equal(pci_reset_methods(at(CARD)),
			 HAS_FLR | HAS_AF | HAS_PM | HAS_BUS);
	assert_int_equal(pci_reset_methods(at(OLD)), HAS_BUS);
	assert_int_equal(pci_reset_methods(at(PORT)), 0);
	assert_int_equal(pci_reset_methods(at("0000:01:1f.0")), -ENODEV);
	fn->absent = true;
	assert_int_equal(pci_reset_methods(at(CARD)), HAS_BUS);
	fn->absent = false;
	card(OTHER, HAS_NOTHING);
	assert_int_equal(pci_reset_methods(at(OTHER)), 0);
}

static void test_the_order_is_flr_af_pm_bus(void **state)
{
	(void)state;
	ports();
	card("0000:00:03.0", HAS_AF | HAS_PM);
	card("0000:00:04.0", HAS_PM | HAS_FLR);
	card(CARD, HAS_PM);
	assert_int_equal(reset_any("0000:00:03.0"), PCI_RESET_AF);
	assert_int_equal(reset_any("0000:00:04.0"), PCI_RESET_FLR);
	assert_int_equal(reset_any(CARD), PCI_RESET_PM);
}

static const pci_sbdf_t all = { .sbdf = UINT32_MAX };

static void test_the_order_can_be_told_of_all_and_of_one(void **state)
{
	const enum pci_reset_method pm[] = { PCI_RESET_PM };
	const enum pci_reset_method bus_af[] = { PCI_RESET_BUS, PCI_RESET_AF };

	(void)state;
	one_card(HAS_FLR | HAS_AF | HAS_PM);
	assert_int_equal(pci_reset_order(all, pm, 1), 0);
	assert_int_equal(reset_any(CARD), PCI_RESET_PM);
	assert_int_equal(pci_reset_order(at(CARD), bus_af, 2), 0);
	assert_int_equal(reset_any(CARD), PCI_RESET_BUS);
	card(OTHER, HAS_FLR);
	assert_int_equal(reset_any(CARD), PCI_RESET_AF);
	/* What no order names is there for who asks for it. */
	assert_int_equal(reset_any(OTHER), -EOPNOTSUPP);
	assert_int_equal(pci_reset_device(at(OTHER), PCI_RESET_FLR, NULL, NULL),
			 0);
	assert_int_equal(pci_reset_order(at(CARD), NULL, 0), 0);
	assert_int_equal(reset_any(CARD), PCI_RESET_PM);
	assert_int_equal(pci_reset_order(all, NULL, 0), 0);
	assert_int_equal(reset_any(CARD), PCI_RESET_FLR);
	/* Forgotten by pci_fini(), as the tests that follow see. */
	assert_int_equal(pci_reset_order(all, pm, 1), 0);
}

static void test_an_order_is_forgotten_with_its_device(void **state)
{
	const enum pci_reset_method af[] = { PCI_RESET_AF };

	(void)state;
	one_card(HAS_FLR | HAS_AF);
	assert_int_equal(pci_reset_order(at(CARD), af, 1), 0);
	assert_int_equal(pci_remove_device(at(CARD), 0, 0, NULL), 0);
	add(CARD);
	assert_int_equal(reset_any(CARD), PCI_RESET_FLR);
}

static void test_orders_that_are_none(void **state)
{
	const enum pci_reset_method twice[] = { PCI_RESET_AF, PCI_RESET_AF };
	const enum pci_reset_method any[] = { PCI_RESET_ANY };
	const enum pci_reset_method five[5] = { 0 };

	(void)state;
	one_card(HAS_FLR);
	assert_int_equal(pci_reset_order(all, twice, 2), -EINVAL);
	assert_int_equal(pci_reset_order(at(CARD), any, 1), -EINVAL);
	assert_int_equal(pci_reset_order(all, five, 5), -EINVAL);
	assert_int_equal(pci_reset_order(at("0000:01:1f.0"), five, 1), -ENODEV);
	assert_int_equal(reset_any(CARD), PCI_RESET_FLR);
}

static void test_names(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < PCI_RESET_METHODS; i++)
		assert_int_equal(
			pci_reset_method_parse(pci_reset_method_name(i)), i);
	assert_string_equal(pci_reset_method_name(PCI_RESET_BUS), "bus");
	assert_int_equal(pci_reset_method_parse("fl"), -1);
	assert_int_equal(pci_reset_method_parse("flrs"), -1);
	assert_int_equal(pci_reset_method_parse(""), -1);
	assert_string_equal(pci_reset_method_name(PCI_RESET_ANY), "none");
}

/* --- where there is none ---------------------------------------------------------- */

static int without(void **state)
{
	clock_start();
	return fake_setup(state) || pci_vpci_init(NULL);
}

static void test_without_the_stage_nothing_is_reset(void **state)
{
	const enum pci_reset_method pm = PCI_RESET_PM;

	(void)state;
	fake_add(CARD, 0x10ed8086);
	add(CARD);
	assert_int_equal(pci_reset_methods(at(CARD)), 0);
	assert_int_equal(pci_reset_order(at(CARD), &pm, 1), -EOPNOTSUPP);
	assert_int_equal(reset_any(CARD), -EOPNOTSUPP);
	assert_int_equal(pci_reset_methods(at(OTHER)), -ENODEV);
	assert_int_equal(reset_any(OTHER), -ENODEV);
}

/* Its bridge has no such bit: CardBus has another, which is not ours. */
static void test_behind_cardbus_there_is_no_bus_reset(void **state)
{
	struct fake_fn *bridge;

	(void)state;
	ports();
	card(OLD, HAS_NOTHING);
	assert_int_equal(pci_reset_methods(at(OLD)), HAS_BUS);
	bridge = fake_bridge("0000:00:03.0", 3, 3);
	fake_put(bridge, PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_CARDBUS);
	fake_put(bridge, PCI_CLASS_REVISION, 4, 0x06070000);
	add("0000:00:03.0");
	card("0000:03:00.0", HAS_NOTHING);
	assert_int_equal(info_of("0000:03:00.0").desc.parent.sbdf,
			 at("0000:00:03.0").sbdf);
	assert_int_equal(pci_reset_methods(at("0000:03:00.0")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GIVEN(test_flr_stops_it_first_and_leaves_it_alone),
		GIVEN(test_what_a_guest_gets_was_reset),
		GIVEN(test_af_flr),
		GIVEN(test_pm_goes_down_and_up_with_10_ms_each),
		GIVEN(test_bus_reset_by_the_bridge_above),
		GIVEN(test_a_conventional_bus_gets_a_second),
		GIVEN(test_transactions_get_100_ms),
		GIVEN(test_a_slow_one_has_a_second),
		GIVEN(test_it_is_powered_on_first),
		GIVEN(test_methods_are_what_hardware_says),
		GIVEN(test_the_order_is_flr_af_pm_bus),
		GIVEN(test_the_order_can_be_told_of_all_and_of_one),
		GIVEN(test_an_order_is_forgotten_with_its_device),
		GIVEN(test_orders_that_are_none),
		GIVEN(test_names),
		cmocka_unit_test_setup_teardown(
			test_without_the_stage_nothing_is_reset, without,
			fake_teardown),
		GIVEN(test_behind_cardbus_there_is_no_bus_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
