/* SPDX-License-Identifier: BSD-2-Clause */
/* A secondary bus reset takes all behind the bridge along. */
#include "support.h"

#define THIRD "0000:01:00.2"

static struct fake_fn *port;

static void two_cards(unsigned int first, unsigned int second)
{
	ports();
	port = fake_at(at(PORT));
	card(CARD, first);
	card(OTHER, second);
}

static unsigned int bus_resets(void)
{
	const struct write *w;
	unsigned int n = 0, from = 0;

	while ((w = wrote(from, port, PCI_BRIDGE_CONTROL,
			  PCI_BRIDGE_CTL_BUS_RESET))) {
		from = (unsigned int)(w - given.write) + 1;
		n++;
	}
	return n;
}

/* Nothing of the bridge stays taken, and nothing stays in reset. */
static void expect_bridge_as_before(void)
{
	struct pci_dev_info info = info_of(PORT);

	assert_int_equal(info.op, PCI_OP_NONE);
	assert_int_equal(hw(PORT, PCI_BRIDGE_CONTROL, 2), 0x0003);
	assert_string_equal(owner(PORT), "hardware");
}

static void expect_as_the_host_had_it(const char *sbdf)
{
	assert_int_equal(hw(sbdf, PCI_BASE_ADDRESS_0, 4), BAR0_AT);
	assert_int_equal(hw(sbdf, DEVCTL, 2), HOST_DEVCTL);
	assert_int_equal(hw(sbdf, PCI_INTERRUPT_LINE, 1), 11);
	assert_false(hw(sbdf, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
}

static int by_bus(const char *sbdf)
{
	return pci_reset_device(at(sbdf), PCI_RESET_BUS, NULL, NULL);
}

/* --- who is in the way ------------------------------------------------------------ */

static void test_not_while_a_neighbour_is_in_use(void **state)
{
	unsigned int from;

	(void)state;
	two_cards(HAS_FLR, HAS_FLR);
	from = given.writes;
	assert_int_equal(by_bus(CARD), -EOPNOTSUPP); /* the host's */
	assert_int_equal(given.writes, from);
	assert_int_equal(give(given.one, OTHER), 0);
	assert_int_equal(by_bus(CARD), -EOPNOTSUPP); /* a guest's */
	assert_int_equal(pci_hide_device(at(CARD), true), 0);
	assert_int_equal(reset_any(CARD), -EBUSY);
	assert_int_equal(bus_resets(), 0);
	expect_bridge_as_before();
}

/* It was there before the bridge that leads to it, so it has no parent. */
static void test_not_while_one_that_is_astray_is_in_use(void **state)
{
	(void)state;
	card(OTHER, HAS_FLR);
	ports();
	assert_string_not_equal(broken(OTHER), "");
	card(CARD, HAS_FLR);
	assert_int_equal(by_bus(CARD), -EOPNOTSUPP);
	assert_int_equal(bus_resets(), 0);
}

static void test_not_while_an_operation_runs_on_a_neighbour(void **state)
{
	struct pci_removal *op;

	(void)state;
	two_cards(HAS_NOTHING, HAS_FLR);
	assert_int_equal(pci_quarantine_device(at(OTHER), "by test"), 0);
	assert_int_equal(pci_reset_methods(at(CARD)), HAS_BUS);
	assert_int_equal(
		pci_removal_start(at(OTHER), 0, 0, "", NULL, NULL, &op), 0);
	assert_int_equal(pci_reset_methods(at(CARD)), 0);
	assert_int_equal(reset_any(CARD), -EOPNOTSUPP);
	pci_removal_finish(op);
	assert_int_equal(bus_resets(), 0);
	expect_bridge_as_before();
}

static void test_not_while_an_operation_runs_on_the_bridge(void **state)
{
	struct pci_dev *bridge;
	unsigned int from;

	(void)state;
	ports();
	port = fake_at(at(PORT));
	card(CARD, HAS_NOTHING);
	from = given.writes;
	bridge = get(PORT);
	assert_int_equal(pcidev_begin(bridge, PCI_OP_VFS, NULL), 0);
	assert_int_equal(give(given.one, CARD), 0); /* the host's: goes on */
	assert_int_equal(take(given.one, CARD), -EIO);
	assert_string_equal(broken(CARD), "there is no way to reset it");
	pcidev_end(bridge);
	pcidev_put(bridge);
	assert_null(wrote(from, port, PCI_BRIDGE_CONTROL,
			  PCI_BRIDGE_CTL_BUS_RESET));
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), 0);
	assert_int_equal(bus_resets(), 1);
	expect_bridge_as_before();
}

/* --- alone, or with those that rest -------------------------------------------------- */

static void test_one_that_rests_comes_along_and_stays(void **state)
{
	(void)state;
	two_cards(HAS_NOTHING, HAS_NOTHING);
	assert_int_equal(pci_quarantine_device(at(OTHER), "by test"), 0);
	assert_int_equal(unit_of(OTHER)->resets, 0);
	assert_int_equal(reset_any(CARD), PCI_RESET_BUS);
	assert_int_equal(unit_of(CARD)->resets, 1);
	assert_int_equal(unit_of(OTHER)->resets, 1);
	expect_as_the_host_had_it(CARD);
	expect_as_the_host_had_it(OTHER);
	assert_string_equal(owner(OTHER), "quarantine");
	assert_string_equal(broken(OTHER), "by test");
	assert_string_equal(owner(CARD), "hardware");
	expect_bridge_as_before();
}

/* Nobody has recorded it yet. */
static void test_one_that_a_removal_gave_up_comes_along(void **state)
{
	struct fake_fn *other;

	(void)state;
	two_cards(HAS_NOTHING, HAS_FLR);
	other = fake_at(at(OTHER));
	fake_put(other, EXPRESS + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	assert_int_equal(pci_remove_device(at(OTHER), 0, 0, NULL), -EIO);
	assert_int_equal(reset_any(CARD), PCI_RESET_BUS);
	assert_int_equal(pci_unquarantine_device(at(OTHER), NULL), 0);
	expect_as_the_host_had_it(OTHER);
	assert_int_equal(hw(OTHER, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
}

/* What it has would be lost, and is asked for again. */
static void test_one_that_cannot_be_recorded_is_not_reset(void **state)
{
	struct fake_fn *other;

	(void)state;
	two_cards(HAS_NOTHING, HAS_FLR);
	other = fake_at(at(OTHER));
	fake_put(other, EXPRESS + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	assert_int_equal(pci_remove_device(at(OTHER), 0, 0, NULL), -EIO);
	other->absent = true;
	assert_int_equal(reset_any(CARD), -EIO);
	assert_string_equal(broken(CARD),
			    "a neighbour's registers cannot be read");
	assert_int_equal(bus_resets(), 0);
	assert_int_equal(pci_unquarantine_device(at(OTHER), NULL), -EIO);
	assert_string_equal(broken(OTHER), "its registers cannot be read");
	other->absent = false;
	assert_int_equal(pci_unquarantine_device(at(OTHER), NULL), 0);
	expect_as_the_host_had_it(OTHER);
	assert_int_equal(hw(OTHER, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), 0);
	expect_as_the_host_had_it(CARD);
	expect_bridge_as_before();
}

static void test_one_that_is_slower_is_waited_for(void **state)
{
	(void)state;
	two_cards(HAS_NOTHING, HAS_NOTHING);
	assert_int_equal(pci_quarantine_device(at(OTHER), "by test"), 0);
	unit_of(OTHER)->absent_for = 500 * MSEC;
	assert_int_equal(reset_any(CARD), PCI_RESET_BUS);
	expect_as_the_host_had_it(OTHER);
}

static const char *who_waits;

static void look_at_it(void)
{
	struct pci_dev_info info = info_of(who_waits);

	assert_int_equal(info.op, PCI_OP_RESET);
	assert_int_equal(pci_unquarantine_device(at(OTHER), NULL), -EBUSY);
	assert_int_equal(give(given.one, OTHER), -EBUSY);
	assert_string_equal(given.report.who, "reset");
	assert_int_equal(pci_remove_device(at(PORT), 0, 0, NULL), -EBUSY);
	assert_int_equal(pci_add_device(at(THIRD)), -EBUSY);
}

/* Its end is about to be written. */
static void in_bus_reset(struct fake_fn *fn, bool is_write, uint16_t reg)
{
	units_go_on(fn, is_write, reg);
	if (fn == port && is_write && reg == PCI_BRIDGE_CONTROL &&
	    hw(PORT, PCI_BRIDGE_CONTROL, 2) & PCI_BRIDGE_CTL_BUS_RESET)
		clock_next = look_at_it;
}

/* Neighbours, bridge, and who would be a neighbour. */
static void test_all_are_kept_meanwhile(void **state)
{
	struct fake_fn *third;

	(void)state;
	two_cards(HAS_NOTHING, HAS_NOTHING);
	third = fake_add("0000:03:00.0", 0x43211234);
	memcpy(given.unit[third - fake.fn].power_on, third->reg, 4096);
	third->sbdf = at(THIRD);
	third->told = true;
	assert_int_equal(pci_quarantine_device(at(OTHER), "by test"), 0);
	who_waits = OTHER;
	fake.on_access = in_bus_reset;
	assert_int_equal(reset_any(CARD), PCI_RESET_BUS);
	assert_int_equal(pci_unquarantine_device(at(OTHER), NULL), 0);
	expect_bridge_as_before();
}

/* --- of one operation --------------------------------------------------------------------- */

/* What came along by the same operation is not let go with the bus. */
static void look_at_op(struct fake_fn *fn, bool is_write, uint16_t reg)
{
	units_go_on(fn, is_write, reg);
	if (is_write && reg == PCI_BASE_ADDRESS_0 && bus_resets()) {
		assert_int_equal(info_of(CARD).op, PCI_OP_DEASSIGN);
		assert_int_equal(info_of(OTHER).op, PCI_OP_DEASSIGN);
	}
}

static void test_a_dying_guests_two_need_one_reset(void **state)
{
	struct domain *d;
	uint64_t start;

	(void)state;
	two_cards(HAS_NOTHING, HAS_NOTHING);
	assert_int_equal(domain_create(0, "short", NULL, NULL, &d), 0);
	assert_int_equal(give(d, CARD), 0);
	assert_int_equal(give(d, OTHER), 0);
	fake_put(fake_at(at(CARD)), DEVCTL, 2, 0);
	fake_put(fake_at(at(OTHER)), DEVCTL, 2, 0);
	start = clock_now;
	fake.on_access = look_at_op;
	assert_int_equal(domain_destroy(d), 0);
	domain_put(d);
	assert_int_equal(bus_resets(), 1);
	assert_true(clock_now - start < 250 * MSEC);
	assert_string_equal(owner(CARD), "hardware");
	assert_string_equal(owner(OTHER), "hardware");
	expect_as_the_host_had_it(CARD);
	expect_as_the_host_had_it(OTHER);
	expect_bridge_as_before();
}

static void mixed(unsigned int first, unsigned int second)
{
	struct domain *d;

	two_cards(first, second);
	assert_int_equal(domain_create(0, "short", NULL, NULL, &d), 0);
	assert_int_equal(give(d, CARD), 0);
	assert_int_equal(give(d, OTHER), 0);
	fake_put(fake_at(at(CARD)), DEVCTL, 2, 0);
	fake_put(fake_at(at(OTHER)), DEVCTL, 2, 0);
	assert_int_equal(domain_destroy(d), 0);
	domain_put(d);
	assert_int_equal(bus_resets(), 1);
	assert_string_equal(broken(CARD), "");
	assert_string_equal(broken(OTHER), "");
	assert_string_equal(owner(CARD), "hardware");
	assert_string_equal(owner(OTHER), "hardware");
	expect_as_the_host_had_it(CARD);
	expect_as_the_host_had_it(OTHER);
	expect_bridge_as_before();
}

static void test_one_that_has_its_own_way_is_waited_for(void **state)
{
	const struct write *flr = NULL, *w = given.write, *on;

	(void)state;
	mixed(HAS_FLR, HAS_NOTHING);
	while ((w = wrote((unsigned int)(w - given.write), fake_at(at(CARD)),
			  DEVCTL, PCI_EXP_DEVCTL_BCR_FLR)))
		flr = w++;
	on = wrote(0, port, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET);
	assert_non_null(flr);
	assert_true(on->time - flr->time >= 100 * MSEC);
}

static void test_whoever_is_stepped_first(void **state)
{
	(void)state;
	mixed(HAS_NOTHING, HAS_FLR);
	assert_int_equal(unit_of(OTHER)->resets, 3);
}

/* One after the other: what came along is put back before its own turn. */
static void test_a_cancelled_removal_of_two(void **state)
{
	struct pci_removal *op;
	struct pci_hold *pin;
	struct pci_dev *pdev;

	(void)state;
	two_cards(HAS_NOTHING, HAS_NOTHING);
	assert_int_equal(give(given.one, CARD), 0);
	assert_int_equal(give(given.one, OTHER), 0);
	pdev = get(OTHER);
	assert_int_equal(
		pci_hold_take(pdev, PCI_HOLD_PIN, "pin", NULL, NULL, &pin), 0);
	pcidev_put(pdev);
	assert_int_equal(
		pci_removal_start(at(CARD), PCI_REMOVE_ASK | PCI_REMOVE_SLOT,
				  100 * PLAT_NSEC_PER_SEC, "", NULL, NULL, &op),
		0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_domain_return(given.one, at(CARD)), 0);
	assert_int_equal(pci_domain_return(given.one, at(OTHER)), 0);
	assert_int_equal(pci_removal_cancel(op), 0);
	while (pci_removal_step(op) == -EINPROGRESS) {
		clock_now += MSEC;
		plat_rcu_synchronize();
	}
	pci_removal_finish(op);
	pci_hold_release(pin);
	assert_int_equal(bus_resets(), 1);
	assert_string_equal(broken(CARD), "");
	assert_string_equal(broken(OTHER), "");
	assert_string_equal(owner(CARD), "hardware");
	assert_string_equal(owner(OTHER), "hardware");
	expect_as_the_host_had_it(CARD);
	expect_as_the_host_had_it(OTHER);
	expect_bridge_as_before();
}

/* It comes back from its own reset, and not from its neighbour's. */
static unsigned int allowed;

static void dies_at_the_last(struct fake_fn *fn, bool is_write, uint16_t reg)
{
	units_go_on(fn, is_write, reg);
	if (fn == port && is_write && allowed++ == 0)
		unit_of(CARD)->dies = true;
}

static void test_one_that_a_neighbours_reset_kills_is_found(void **state)
{
	struct domain *d;

	(void)state;
	two_cards(HAS_FLR, HAS_NOTHING);
	assert_int_equal(domain_create(0, "short", NULL, NULL, &d), 0);
	assert_int_equal(give(d, CARD), 0);
	assert_int_equal(give(d, OTHER), 0);
	allowed = 0;
	fake.on_access = dies_at_the_last;
	assert_int_equal(domain_destroy(d), 0);
	domain_put(d);
	assert_string_equal(broken(CARD), "it does not answer after a reset");
	assert_string_equal(owner(CARD), "quarantine");
	assert_string_equal(owner(OTHER), "hardware");
	expect_bridge_as_before();
}

static void test_two_guests_never_share_a_bus_reset(void **state)
{
	(void)state;
	two_cards(HAS_NOTHING, HAS_NOTHING);
	assert_int_equal(give(given.one, CARD), 0);
	assert_int_equal(give(given.two, OTHER), 0);
	assert_int_equal(take(given.one, CARD), -EIO);
	assert_string_equal(broken(CARD), "there is no way to reset it");
	assert_int_equal(bus_resets(), 0);
	/* That one rests now. */
	assert_int_equal(take(given.two, OTHER), 0);
	assert_int_equal(bus_resets(), 1);
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), 0);
	expect_as_the_host_had_it(CARD);
}

/* --- loss -------------------------------------------------------------------------------- */

static unsigned int seen;

static void pull(void)
{
	assert_int_equal(pci_mark_lost(at(CARD)), 0);
	seen = fake_at(at(CARD))->accesses;
}

static void pull_in_reset(struct fake_fn *fn, bool is_write, uint16_t reg)
{
	units_go_on(fn, is_write, reg);
	if (fn == port && is_write && reg == PCI_BRIDGE_CONTROL && !seen)
		clock_next = pull;
}

static void test_pulled_in_the_middle_the_bus_comes_out_of_reset(void **state)
{
	(void)state;
	two_cards(HAS_NOTHING, HAS_NOTHING);
	assert_int_equal(pci_quarantine_device(at(OTHER), "by test"), 0);
	seen = 0;
	fake.on_access = pull_in_reset;
	assert_int_equal(reset_any(CARD), -ENODEV);
	assert_int_equal(fake_at(at(CARD))->accesses, seen);
	assert_int_equal(pci_device_lost(at(CARD)), 0);
	assert_int_equal(fake_at(at(CARD))->accesses, seen);
	expect_bridge_as_before();
	assert_int_equal(pci_unquarantine_device(at(OTHER), NULL), 0);
	expect_as_the_host_had_it(OTHER);
}

/* What rests and has VFs would lose them. */
static void test_not_while_a_neighbour_has_vfs(void **state)
{
	struct fake_fn *pf;

	(void)state;
	ports();
	card(CARD, HAS_NOTHING);
	pf = fake_add(OTHER, 0x10ed8086);
	fake_express(pf, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	add(OTHER);
	assert_int_equal(pci_quarantine_device(at(OTHER), "by test"), 0);
	assert_int_equal(pci_reset_methods(at(CARD)), HAS_BUS);
	assert_int_equal(pci_unquarantine_device(at(OTHER), NULL), 0);
	assert_int_equal(pci_device_lost(at(OTHER)), 0);
	fake_sriov(pf, 1, 4, 1);
	add(OTHER);
	add("0000:01:00.5");
	assert_int_equal(pci_quarantine_device(at(OTHER), "by test"), 0);
	assert_int_equal(pci_quarantine_device(at("0000:01:00.5"), "by test"),
			 0);
	assert_int_equal(pci_reset_methods(at(CARD)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GIVEN(test_not_while_a_neighbour_is_in_use),
		GIVEN(test_not_while_one_that_is_astray_is_in_use),
		GIVEN(test_not_while_an_operation_runs_on_a_neighbour),
		GIVEN(test_not_while_an_operation_runs_on_the_bridge),
		GIVEN(test_one_that_rests_comes_along_and_stays),
		GIVEN(test_one_that_a_removal_gave_up_comes_along),
		GIVEN(test_one_that_cannot_be_recorded_is_not_reset),
		GIVEN(test_one_that_is_slower_is_waited_for),
		GIVEN(test_all_are_kept_meanwhile),
		GIVEN(test_a_dying_guests_two_need_one_reset),
		GIVEN(test_one_that_has_its_own_way_is_waited_for),
		GIVEN(test_whoever_is_stepped_first),
		GIVEN(test_a_cancelled_removal_of_two),
		GIVEN(test_one_that_a_neighbours_reset_kills_is_found),
		GIVEN(test_two_guests_never_share_a_bus_reset),
		GIVEN(test_pulled_in_the_middle_the_bus_comes_out_of_reset),
		GIVEN(test_not_while_a_neighbour_has_vfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
