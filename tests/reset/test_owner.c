/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resets in a device's life: what of a guest's comes through them, who may ask
 * for one, quarantine, removal, loss, the death of a guest.
 */
#include "support.h"

static struct fake_fn *fn;

static void one_card(unsigned int has)
{
	ports();
	fn = card(CARD, has);
}

static void expect_as_the_host_had_it(void)
{
	assert_int_equal(hw(CARD, PCI_BASE_ADDRESS_0, 4), BAR0_AT);
	assert_int_equal(hw(CARD, PCI_BASE_ADDRESS_1, 4), BAR1_AT);
	assert_int_equal(hw(CARD, PCI_CACHE_LINE_SIZE, 1), 16);
	assert_int_equal(hw(CARD, PCI_INTERRUPT_LINE, 1), 11);
	assert_int_equal(hw(CARD, DEVCTL, 2), HOST_DEVCTL);
	assert_int_equal(hw(CARD, EXPRESS + PCI_EXP_DEVCTL2, 2), 5);
	assert_int_equal(hw(CARD, PM + PCI_PM_CTRL, 2) & 0x0103, 0x0100);
	assert_int_equal(hw(CARD, MSI + PCI_MSI_FLAGS, 2) & 1, 0);
	assert_int_equal(hw(CARD, MSIX + PCI_MSIX_FLAGS, 2), 3);
	assert_int_equal(hw(CARD, PCI_COMMAND, 2) & ~PCI_COMMAND_INTX_DISABLE,
			 PCI_COMMAND_MEMORY);
}

/* As if nothing stood between the guest and the registers. */
static void garbage(void)
{
	fake_put(fn, PCI_COMMAND, 2, 0x0547);
	fake_put(fn, PCI_BASE_ADDRESS_0, 4, 0xdead0000);
	fake_put(fn, PCI_BASE_ADDRESS_1, 4, 0xdeadb000);
	fake_put(fn, PCI_CACHE_LINE_SIZE, 1, 0x77);
	fake_put(fn, PCI_INTERRUPT_LINE, 1, 0x77);
	fake_put(fn, DEVCTL, 2, 0x7777);
	fake_put(fn, EXPRESS + PCI_EXP_DEVCTL2, 2, 0x7777);
	fake_put(fn, PM + PCI_PM_CTRL, 2, 0x000b); /* D3hot */
	fake_put(fn, MSI + PCI_MSI_FLAGS, 2, 0x71);
	fake_put(fn, MSIX + PCI_MSIX_FLAGS, 2, 0xc003);
}

/* --- the record ------------------------------------------------------------------ */

static void test_nothing_a_guest_wrote_survives(void **state)
{
	int i;

	(void)state;
	one_card(HAS_FLR);
	for (i = 0; i < 3; i++) {
		assert_int_equal(give(given.one, CARD), 0);
		garbage();
		assert_int_equal(take(given.one, CARD), 0);
		expect_as_the_host_had_it();
		garbage();
		fake_put(fn, PCI_BASE_ADDRESS_0, 4, BAR0_AT);
		fake_put(fn, PCI_BASE_ADDRESS_1, 4, BAR1_AT);
		fake_put(fn, PCI_CACHE_LINE_SIZE, 1, 16);
		fake_put(fn, PCI_INTERRUPT_LINE, 1, 11);
		fake_put(fn, DEVCTL, 2, HOST_DEVCTL);
		fake_put(fn, EXPRESS + PCI_EXP_DEVCTL2, 2, 5);
		fake_put(fn, PM + PCI_PM_CTRL, 2, 0x0108);
		fake_put(fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	}
	assert_int_equal(unit_of(CARD)->resets, 6);
}

/* From guest to guest there is no host that could have set it up anew. */
static void test_a_failed_assignment_brings_it_home_as_it_was(void **state)
{
	pci_sbdf_t vsbdf = pci_sbdf(0, 0, 9, 0);

	(void)state;
	one_card(HAS_FLR);
	card("0000:00:03.0", HAS_FLR);
	assert_int_equal(pci_assign_device(given.one, at("0000:00:03.0"), 0,
					   &vsbdf, &given.report),
			 0);
	assert_int_equal(pci_assign_device(given.one, at(CARD), 0, &vsbdf,
					   &given.report),
			 -EEXIST);
	assert_string_equal(owner(CARD), "hardware");
	expect_as_the_host_had_it();
}

static void test_what_the_host_changes_is_recorded_anew(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	assert_int_equal(give(given.one, CARD), 0);
	assert_int_equal(take(given.one, CARD), 0);
	fake_put(fn, PCI_BASE_ADDRESS_0, 4, 0xc0000000);
	assert_int_equal(give(given.one, CARD), 0);
	assert_int_equal(take(given.one, CARD), 0);
	assert_int_equal(hw(CARD, PCI_BASE_ADDRESS_0, 4), 0xc0000000);
}

#define REBAR 0x200

static void test_a_size_that_was_chosen_comes_back(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	assert_int_equal(pci_remove_device(at(CARD), 0, 0, NULL), 0);
	fake_ext_cap(fn, PCI_EXT_CAP_START, PCI_EXT_CAP_ID_DSN);
	fake_ext_cap(fn, REBAR, PCI_EXT_CAP_ID_REBAR);
	fake_put(fn, REBAR + PCI_REBAR_CTRL, 4, 0x00000020);
	fake_allow(fn, REBAR + PCI_REBAR_CTRL, 4, PCI_REBAR_CTRL_BAR_SIZE);
	memcpy(unit_of(CARD)->power_on + 256, fn->reg + 256, 4096 - 256);
	fake_put(fn, PCI_BASE_ADDRESS_0, 4, BAR0_AT);
	fake_put(fn, REBAR + PCI_REBAR_CTRL, 4, 0x00000520);
	add(CARD);
	assert_int_equal(give(given.one, CARD), 0);
	fake_put(fn, REBAR + PCI_REBAR_CTRL, 4, 0x00000220);
	assert_int_equal(take(given.one, CARD), 0);
	assert_int_equal(hw(CARD, REBAR + PCI_REBAR_CTRL, 4), 0x00000520);
	assert_int_equal(hw(CARD, PCI_BASE_ADDRESS_0, 4), BAR0_AT);
}

/* --- asking for one ------------------------------------------------------------------ */

static void test_a_reset_by_word(void **state)
{
	enum pci_reset_method used = PCI_RESET_ANY;
	const char *why = NULL;
	unsigned int from;

	(void)state;
	one_card(HAS_FLR | HAS_PM);
	fake_put(fn, MSI + PCI_MSI_FLAGS, 2, 1);
	assert_int_equal(pci_reset_device(at(CARD), PCI_RESET_PM, &used, &why),
			 0);
	assert_int_equal(used, PCI_RESET_PM);
	assert_null(why);
	assert_string_equal(owner(CARD), "hardware");
	expect_as_the_host_had_it();
	/* The word is said once. */
	from = given.writes;
	assert_int_equal(give(given.one, CARD), 0);
	assert_non_null(wrote(from, fn, DEVCTL, PCI_EXP_DEVCTL_BCR_FLR));
	assert_int_equal(take(given.one, CARD), 0);
	assert_int_equal(pci_reset_device(at(CARD), PCI_RESET_AF, NULL, NULL),
			 -EOPNOTSUPP);
	assert_int_equal(pci_reset_device(at(CARD), PCI_RESET_ANY + 1, NULL,
					  NULL),
			 -EINVAL);
	assert_int_equal(pci_reset_device(at("0000:01:1f.0"), PCI_RESET_ANY,
					  NULL, NULL),
			 -ENODEV);
	assert_int_equal(reset_any(PORT), -EOPNOTSUPP);
	assert_int_equal(unit_of(CARD)->resets, 3);
}

static void test_a_reset_by_word_that_fails(void **state)
{
	const char *why = NULL;

	(void)state;
	one_card(HAS_FLR);
	unit_of(CARD)->ignores = true;
	assert_int_equal(pci_reset_device(at(CARD), PCI_RESET_ANY, NULL, &why),
			 -EIO);
	assert_string_equal(why, "the reset had no effect");
	assert_string_equal(owner(CARD), "quarantine");
	assert_string_equal(broken(CARD), why);
	assert_int_equal(give(given.one, CARD), -EBADF);
}

static void test_not_of_a_guests_and_not_of_a_hidden_one(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	assert_int_equal(give(given.one, CARD), 0);
	assert_int_equal(reset_any(CARD), -EBUSY);
	assert_int_equal(unit_of(CARD)->resets, 1);
	assert_string_equal(owner(CARD), "one");
	assert_int_equal(take(given.one, CARD), 0);
	assert_int_equal(pci_hide_device(at(CARD), true), 0);
	assert_int_equal(reset_any(CARD), -EBUSY);
	assert_int_equal(unit_of(CARD)->resets, 3);
}

static void test_in_quarantine_it_stays_there(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	assert_int_equal(pci_quarantine_device(at(CARD), "by test"), 0);
	assert_int_equal(reset_any(CARD), PCI_RESET_FLR);
	assert_string_equal(owner(CARD), "quarantine");
	assert_string_equal(broken(CARD), "by test");
	expect_as_the_host_had_it();
	unit_of(CARD)->ignores = true;
	assert_int_equal(reset_any(CARD), -EIO);
	assert_string_equal(broken(CARD), "the reset had no effect");
}

static void test_a_broken_one_of_the_hosts_is_left_alone(void **state)
{
	struct pci_dev *pdev;
	const char *why = NULL;

	(void)state;
	one_card(HAS_FLR);
	pdev = get(CARD);
	pcidev_set_broken(pdev, "a test says so");
	pcidev_put(pdev);
	assert_int_equal(pci_reset_device(at(CARD), PCI_RESET_ANY, NULL, &why),
			 -EBADF);
	assert_string_equal(why, "a test says so");
	assert_string_equal(owner(CARD), "hardware");
	assert_int_equal(unit_of(CARD)->resets, 0);
}

static void test_a_read_only_host_resets_nothing(void **state)
{
	unsigned int writes;

	(void)state;
	one_card(HAS_FLR);
	fake.ops.read_only = true;
	writes = given.writes;
	assert_int_equal(reset_any(CARD), -EOPNOTSUPP);
	assert_int_equal(pci_quarantine_device(at(CARD), "by test"),
			 -EOPNOTSUPP);
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), -EOPNOTSUPP);
	assert_int_equal(given.writes, writes);
	fake.ops.read_only = false;
}

/* --- others at the same time ---------------------------------------------------------- */

static unsigned int looked;

static void try_all(void)
{
	struct pci_dev_info info = info_of(CARD);
	struct pci_removal_info removal;

	looked++;
	assert_int_equal(info.op, PCI_OP_RESET);
	assert_string_equal(info.owner_name, "quarantine");
	assert_int_equal(give(given.one, CARD), -EBUSY);
	assert_string_equal(given.report.who, "reset");
	assert_int_equal(pci_remove_device(at(CARD), PCI_REMOVE_FORCE, 0,
					   &removal),
			 -EBUSY);
	assert_int_equal(reset_any(CARD), -EBUSY);
	assert_int_equal(pci_quarantine_device(at(CARD), "by test"), -EBUSY);
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), -EBUSY);
	assert_int_equal(pci_hide_device(at(CARD), true), -EBUSY);
	assert_int_equal(pci_add_device(at(CARD)), 0); /* the same: nothing */
}

static void test_one_at_a_time(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	looked = 0;
	clock_next = try_all;
	assert_int_equal(reset_any(CARD), PCI_RESET_FLR);
	assert_int_equal(looked, 1);
	expect_as_the_host_had_it();
}

static void reset_it(void)
{
	looked++;
	assert_int_equal(reset_any(CARD), -EBUSY);
	assert_int_equal(give(given.two, CARD), -EBUSY);
	assert_string_equal(given.report.who, "one");
}

static void test_an_assignment_under_way_is_in_the_way(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	looked = 0;
	clock_next = reset_it;
	assert_int_equal(give(given.one, CARD), 0);
	assert_int_equal(looked, 1);
}

static unsigned int seen;
static uint64_t pulled;

static void pull(void)
{
	pulled = clock_now;
	assert_int_equal(pci_mark_lost(at(CARD)), 0);
	seen = fn->accesses;
}

static void test_pulled_in_the_middle(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	clock_next = pull;
	assert_int_equal(reset_any(CARD), -ENODEV);
	assert_int_equal(fn->accesses, seen);
	assert_int_equal(clock_now, pulled); /* nothing is waited for */
	assert_int_equal(pci_device_lost(at(CARD)), 0);
	assert_int_equal(fn->accesses, seen);

	fn->told = false;
	add(CARD);
	clock_next = pull;
	(void)give(given.one, CARD); /* it comes, and is lost there, or not */
	assert_int_equal(fn->accesses, seen);
	assert_int_equal(pci_device_lost(at(CARD)), 0);
	assert_int_equal(domain_devices(given.one), 0);

	add(CARD);
	assert_int_equal(pci_quarantine_device(at(CARD), "by test"), 0);
	clock_next = pull;
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), -ENODEV);
	assert_int_equal(fn->accesses, seen);
	assert_int_equal(pci_device_lost(at(CARD)), 0);
}

/* --- quarantine --------------------------------------------------------------------------- */

static void test_quarantine_stops_it_and_keeps_what_it_was(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	fake_put(fn, MSI + PCI_MSI_FLAGS, 2, 1);
	assert_int_equal(pci_quarantine_device(at(CARD), "by test"), 0);
	assert_string_equal(owner(CARD), "quarantine");
	assert_string_equal(broken(CARD), "by test");
	assert_int_equal(hw(CARD, PCI_COMMAND, 2), PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(hw(CARD, MSI + PCI_MSI_FLAGS, 2), 0);
	assert_int_equal(unit_of(CARD)->resets, 0); /* it is to be looked at */
	assert_int_equal(give(given.one, CARD), -EBADF);
	/* Again: as it is. */
	assert_int_equal(pci_quarantine_device(at(CARD), "again"), 0);
	assert_string_equal(broken(CARD), "by test");
	garbage();
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), 0);
	assert_int_equal(unit_of(CARD)->resets, 1);
	assert_string_equal(owner(CARD), "hardware");
	assert_string_equal(broken(CARD), "");
	expect_as_the_host_had_it();
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), -EINVAL);
	assert_int_equal(give(given.one, CARD), 0);
}

static void test_quarantine_has_its_limits(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	assert_int_equal(pci_quarantine_device(at(PORT), "by test"), -EPERM);
	assert_int_equal(pci_quarantine_device(at("0000:01:1f.0"), "by test"),
			 -ENODEV);
	assert_int_equal(pci_unquarantine_device(at("0000:01:1f.0"), NULL),
			 -ENODEV);
	assert_int_equal(give(given.one, CARD), 0);
	assert_int_equal(pci_quarantine_device(at(CARD), "by test"), -EBUSY);
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), -EINVAL);
	assert_string_equal(owner(CARD), "one");
	assert_string_equal(broken(CARD), "");
}

static void test_mending_resets_what_was_not(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	one_card(HAS_FLR);
	assert_int_equal(pci_quarantine_device(at(CARD), "by test"), 0);
	pdev = get(CARD);
	assert_int_equal(pcidev_mend(pdev), 0);
	assert_int_equal(unit_of(CARD)->resets, 1);
	expect_as_the_host_had_it();
	assert_int_equal(pci_quarantine_device(at(CARD), "by test"), 0);
	unit_of(CARD)->ignores = true;
	assert_int_equal(pcidev_mend(pdev), -EIO);
	assert_string_equal(owner(CARD), "quarantine");
	pcidev_put(pdev);
}

/* A removal kept it quiet, and gave it up: recorded is how it was before. */
static void test_what_a_removal_gave_up_comes_back_whole(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	fake_put(fn, EXPRESS + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	assert_int_equal(pci_remove_device(at(CARD), 0, 0, NULL), -EIO);
	assert_string_equal(owner(CARD), "quarantine");
	assert_string_equal(broken(CARD), "transactions are still pending");
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), 0);
	assert_string_equal(owner(CARD), "hardware");
	expect_as_the_host_had_it();
	assert_int_equal(hw(CARD, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
}

/* --- removal -------------------------------------------------------------------------------- */

static void test_a_removal_does_not_reset(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	assert_int_equal(pci_remove_device(at(CARD), 0, 0, NULL), 0);
	assert_int_equal(unit_of(CARD)->resets, 0);
	add(CARD);
	assert_int_equal(give(given.one, CARD), 0);
	assert_int_equal(unit_of(CARD)->resets, 1);
	assert_int_equal(pci_remove_device(at(CARD), PCI_REMOVE_FORCE, 0, NULL),
			 0);
	assert_int_equal(unit_of(CARD)->resets, 1);
	assert_false(hw(CARD, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	/* Whoever comes next gets no trace: it is the host's until then. */
	add(CARD);
	assert_int_equal(give(given.two, CARD), 0);
	assert_int_equal(unit_of(CARD)->resets, 2);
}

/* It was given back, and then it is not removed after all. */
static void test_a_cancelled_removal_resets_what_was_given_back(void **state)
{
	struct pci_dev *pdev;
	struct pci_hold *pin;
	struct pci_removal *op;
	uint64_t start;

	(void)state;
	one_card(HAS_FLR);
	assert_int_equal(give(given.one, CARD), 0);
	pdev = get(CARD);
	assert_int_equal(
		pci_hold_take(pdev, PCI_HOLD_PIN, "pin", NULL, NULL, &pin), 0);
	pcidev_put(pdev);
	assert_int_equal(pci_removal_start(at(CARD), PCI_REMOVE_ASK,
					   100 * PLAT_NSEC_PER_SEC, "", NULL,
					   NULL, &op),
			 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_domain_return(given.one, at(CARD)), 0);
	garbage();
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_removal_cancel(op), 0);
	start = clock_now;
	while (pci_removal_step(op) == -EINPROGRESS) {
		if (pci_removal_next(op) > clock_now)
			clock_now = pci_removal_next(op);
		plat_rcu_synchronize();
	}
	assert_true(clock_now - start >= 100 * MSEC);
	pci_removal_finish(op);
	assert_int_equal(unit_of(CARD)->resets, 2);
	assert_string_equal(owner(CARD), "hardware");
	expect_as_the_host_had_it();
	pci_hold_release(pin);
}

/* --- death ------------------------------------------------------------------------------------ */

static const char *const five[] = { "0000:00:03.0", "0000:00:04.0",
				    "0000:00:05.0", "0000:00:06.0",
				    "0000:00:07.0" };

static void test_a_bad_device_keeps_nobody(void **state)
{
	struct domain *d;
	uint64_t start;
	size_t i;

	(void)state;
	assert_int_equal(domain_create(0, "short", NULL, NULL, &d), 0);
	for (i = 0; i < ARRAY_SIZE(five); i++) {
		card(five[i], HAS_FLR);
		assert_int_equal(give(d, five[i]), 0);
	}
	unit_of(five[2])->dies = true;
	start = clock_now;
	assert_int_equal(domain_destroy(d), 0);
	/* All at once: the dead one's second is all that it takes. */
	assert_true(clock_now - start < 1200 * MSEC);
	assert_int_equal(domain_devices(d), 0);
	domain_put(d);
	for (i = 0; i < ARRAY_SIZE(five); i++) {
		assert_int_equal(unit_of(five[i])->resets, 2);
		assert_string_equal(owner(five[i]),
				    i == 2 ? "quarantine" : "hardware");
		assert_string_equal(broken(five[i]),
				    i == 2 ? "it does not answer after a reset"
					   : "");
		assert_int_equal(give(given.two, five[i]), i == 2 ? -EBADF : 0);
	}
}

/* While its methods are read: gone, and not "without a method". */
static void pull_while_it_is_read(struct fake_fn *f, bool is_write,
				  uint16_t reg)
{
	units_go_on(f, is_write, reg);
	if (f == fn && reg == EXPRESS + PCI_EXP_DEVCAP)
		assert_int_equal(pci_mark_lost(at(CARD)), 0);
}

static void test_pulled_before_it_begins(void **state)
{
	(void)state;
	one_card(HAS_NOTHING);
	fake.on_access = pull_while_it_is_read;
	assert_int_equal(pci_reset_device(at(CARD), PCI_RESET_FLR, NULL, NULL),
			 -ENODEV);
	fake.on_access = units_go_on;
	assert_int_equal(pci_device_lost(at(CARD)), 0);
}

/* --- what is not put back ------------------------------------------------------ */

static unsigned int fails_from, fails_to, restores;

/* BAR 0 comes after Link Control 2: at the reset, to the guest, and back. */
static void fail_bar(struct fake_fn *f, bool is_write, uint16_t reg)
{
	units_go_on(f, is_write, reg);
	if (!is_write || reg != EXPRESS + PCI_EXP_LNKCTL2)
		return;
	restores++;
	if (restores >= fails_from && restores <= fails_to)
		fake.error_at = fake.accesses + 1;
}

static void give_in_vain(unsigned int from, unsigned int to)
{
	fails_from = from;
	fails_to = to;
	restores = 0;
	fake.on_access = fail_bar;
	assert_int_equal(give(given.one, CARD), -EIO);
	fake.on_access = units_go_on;
	assert_int_equal(restores, 3);
	assert_string_equal(given.report.reason,
			    "it, or its IOMMU, does not answer");
}

static void test_who_cannot_be_set_up_goes_home_if_it_is_fit(void **state)
{
	(void)state;
	one_card(HAS_FLR);
	give_in_vain(2, 2);
	assert_string_equal(owner(CARD), "hardware");
	assert_string_equal(broken(CARD), "");
	expect_as_the_host_had_it();
	give_in_vain(2, 3);
	assert_string_equal(owner(CARD), "quarantine");
	assert_string_equal(broken(CARD), "its registers cannot be put back");
	assert_false(hw(CARD, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), 0);
	expect_as_the_host_had_it();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GIVEN(test_nothing_a_guest_wrote_survives),
		GIVEN(test_a_failed_assignment_brings_it_home_as_it_was),
		GIVEN(test_who_cannot_be_set_up_goes_home_if_it_is_fit),
		GIVEN(test_what_the_host_changes_is_recorded_anew),
		GIVEN(test_a_size_that_was_chosen_comes_back),
		GIVEN(test_a_reset_by_word),
		GIVEN(test_a_reset_by_word_that_fails),
		GIVEN(test_not_of_a_guests_and_not_of_a_hidden_one),
		GIVEN(test_in_quarantine_it_stays_there),
		GIVEN(test_a_broken_one_of_the_hosts_is_left_alone),
		GIVEN(test_a_read_only_host_resets_nothing),
		GIVEN(test_one_at_a_time),
		GIVEN(test_an_assignment_under_way_is_in_the_way),
		GIVEN(test_pulled_in_the_middle),
		GIVEN(test_quarantine_stops_it_and_keeps_what_it_was),
		GIVEN(test_quarantine_has_its_limits),
		GIVEN(test_mending_resets_what_was_not),
		GIVEN(test_what_a_removal_gave_up_comes_back_whole),
		GIVEN(test_a_removal_does_not_reset),
		GIVEN(test_a_cancelled_removal_resets_what_was_given_back),
		GIVEN(test_a_bad_device_keeps_nobody),
		GIVEN(test_pulled_before_it_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
