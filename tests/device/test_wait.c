/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes while somebody waits, and what comes from within a call: each at
 * the one moment where it matters, in one thread, by a clock of our own.
 */
#include <holdfast/iommu.h>
#include <holdfast/vpci.h>

#include "../reset/clock.h"
#include "support.h"

static int setup(void **state)
{
	clock_start();
	return test_setup(state);
}

static struct pci_removal *op;
static struct pci_dev *ref;
static struct domain *d;
static int answer;

static void start(const char *sbdf, unsigned int flags, uint64_t timeout)
{
	assert_int_equal(pci_removal_start(at(sbdf), flags, timeout, NULL, NULL,
					   NULL, &op),
			 0);
}

static int finish(void)
{
	int err = pci_removal_wait(op);

	assert_int_equal(pci_removal_next(op), 0);
	assert_int_equal(pci_removal_step(op), err);
	pci_removal_query(op, &report);
	pci_removal_finish(op);
	return err;
}

/* Somebody's operation on it, which ends when somebody else waits for it. */
static void operate(const char *sbdf)
{
	ref = get(sbdf);
	assert_int_equal(pcidev_begin(ref, PCI_OP_RESET, NULL), 0);
}

static void operation_ends(void)
{
	pcidev_end(ref);
	pcidev_put(ref);
}

/* --- an operation is under way ------------------------------------------------------ */

static void test_a_guest_returns_after_another_operation(void **state)
{
	(void)state;
	d = guest("vm1", NULL);
	add("0:1:0.0");
	assign(d, "0:1:0.0");
	operate("0:1:0.0");
	clock_meanwhile = operation_ends;
	assert_int_equal(pci_domain_return(d, at("0:1:0.0")), 0);
	assert_int_equal(info_of("0:1:0.0").owner, DOMID_HARDWARE);
	assert_int_equal(pci_domain_return(d, at("0:1:0.0")), -ENODEV);
	assert_int_equal(pci_domain_return(d, at("0:2:0.0")), -ENODEV);
	assert_int_equal(pci_domain_return(hardware_domain, at("0:1:0.0")),
			 -EINVAL);
	end_of(d);
}

static void test_a_guest_dies_after_another_operation(void **state)
{
	(void)state;
	d = guest("vm1", NULL);
	add("0:1:0.0");
	assign(d, "0:1:0.0");
	operate("0:1:0.0");
	clock_meanwhile = operation_ends;
	assert_int_equal(domain_destroy(d), 0);
	assert_int_equal(domain_devices(d), 0);
	assert_int_equal(info_of("0:1:0.0").owner, DOMID_HARDWARE);
	domain_put(d);
}

static void the_other_loses_it(void)
{
	operation_ends();
	answer = pci_device_lost(at("0:1:0.0"));
}

static void test_two_lose_one_device(void **state)
{
	(void)state;
	add("0:1:0.0");
	operate("0:1:0.0");
	clock_meanwhile = the_other_loses_it;
	assert_int_equal(pci_device_lost(at("0:1:0.0")), -EALREADY);
	assert_int_equal(answer, 0);
	assert_false(is_there("0:1:0.0"));
}

static void test_rule16_other_hardware_while_another_loses_the_old(void **state)
{
	(void)state;
	add("0:1:0.0");
	operate("0:1:0.0");
	clock_meanwhile = the_other_loses_it;
	assert_int_equal(try_add("0:1:0.0", "0:1:0.0", 0x9999), -EBUSY);
	assert_int_equal(answer, 0);
	assert_int_equal(try_add("0:1:0.0", "0:1:0.0", 0x9999), 0);
}

/* --- from within --------------------------------------------------------------------- */

static void add_it(pci_sbdf_t sbdf)
{
	(void)sbdf;
	test_stage.on_attach = NULL;
	add("0:1:0.0");
}

static int never_leaves(pci_sbdf_t sbdf)
{
	(void)sbdf;
	return -EINPROGRESS;
}

static void test_rule16_two_add_the_same_hardware(void **state)
{
	(void)state;
	test_stage.on_attach = add_it;
	test_stage.on_leave = never_leaves; /* what was not published, either */
	assert_int_equal(try_add("0:1:0.0", "0:1:0.0", 0x10fb), 0);
	assert_int_equal(refs("0:1:0.0"), 0);
	assert_int_equal(test_stage.attached, 2);
	test_stage.on_leave = NULL;
	plat_rcu_barrier();
	assert_int_equal(test_stage.detached, 1);
}

static int added_there, added_beside;

static void add_there(pci_sbdf_t sbdf)
{
	(void)sbdf;
	test_stage.on_cut_off = NULL;
	added_there = try_add("0:1:0.0", "0:1:0.0", 0x10fb);
}

static void add_beside(pci_sbdf_t sbdf)
{
	(void)sbdf;
	test_stage.on_quiesce = NULL;
	added_beside = try_add("0:1:1.0", "0:1:1.0", 0x10fb);
}

static void test_an_add_meets_a_loss(void **state)
{
	(void)state;
	add("0:1:0.0");
	test_stage.on_cut_off = add_there;  /* still in the table */
	test_stage.on_quiesce = add_beside; /* its slot is being revoked */
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	assert_int_equal(added_there, -EBUSY);
	assert_int_equal(added_beside, 0);
	assert_false(is_there("0:1:0.0"));
}

static void test_no_child_comes_to_a_parent_that_goes(void **state)
{
	(void)state;
	add("0:1:0.0");
	operate("0:1:0.0"); /* a reset */
	assert_int_equal(try_add("0:1:0.1", "0:1:0.0", 1), -EBUSY);
	operation_ends();
	start("0:1:0.0", 0, MSEC);
	assert_int_equal(try_add("0:1:0.1", "0:1:0.0", 1), -EBUSY);
	pci_removal_finish(op);
	add_child("0:1:0.1", "0:1:0.0");
	assert_int_equal(pci_mark_lost(at("0:1:0.0")), 0);
	assert_int_equal(try_add("0:1:0.2", "0:1:0.0", 1), -ENODEV);
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
}

static void kill_it(pci_sbdf_t sbdf)
{
	(void)sbdf;
	test_stage.on_enter = NULL;
	assert_int_equal(domain_destroy(d), 0);
}

static void test_a_guest_dies_while_a_device_comes_to_it(void **state)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	(void)state;
	d = guest("vm1", NULL);
	add("0:1:0.0");
	test_stage.on_enter = kill_it;
	assert_int_equal(pci_assign_device(d, at("0:1:0.0"), 0, &vsbdf, NULL),
			 -EINVAL);
	assert_int_equal(info_of("0:1:0.0").owner, DOMID_HARDWARE);
	domain_put(d);
}

/* --- asking and refusing ---------------------------------------------------------------- */

static void let_go_and_cancel(struct pci_hold *hold, void *data,
			      uint64_t deadline)
{
	(void)data;
	(void)deadline;
	assert_true(pci_hold_release(hold));
	assert_int_equal(pci_removal_cancel(op), 0);
}

static struct pci_hold *hold_on(const char *sbdf,
				const struct pci_hold_ops *ops)
{
	struct pci_dev *pdev = get(sbdf);
	struct pci_hold *hold;

	assert_int_equal(pci_hold_take(pdev, PCI_HOLD_SESSION, "s", ops, NULL,
				       &hold),
			 0);
	pcidev_put(pdev);
	return hold;
}

static void test_cancelled_while_the_last_one_lets_go(void **state)
{
	static const struct pci_hold_ops ops = { .ask = let_go_and_cancel };

	(void)state;
	add("0:1:0.0");
	hold_on("0:1:0.0", &ops);
	start("0:1:0.0", PCI_REMOVE_ASK, MSEC);
	assert_int_equal(finish(), -ECANCELED);
	assert_int_equal(report.grace_periods, 0);
	assert_int_equal(info_of("0:1:0.0").state, PCI_STATE_LIVE);
}

static void post(struct pci_hold *hold, void *data, uint64_t deadline)
{
	(void)hold;
	(void)data;
	(void)deadline;
}

static const struct pci_hold_ops posts = { .ask = post };

static void ask_guest(struct domain *dom, pci_sbdf_t sbdf, uint64_t deadline)
{
	(void)dom;
	(void)sbdf;
	(void)deadline;
}

static void test_rule9_one_refusal_does_not_hurry_the_others(void **state)
{
	struct pci_hold *a, *b;
	uint64_t asked;

	(void)state;
	add("0:1:0.0");
	a = hold_on("0:1:0.0", &posts);
	b = hold_on("0:1:0.0", &posts);
	start("0:1:0.0", PCI_REMOVE_ASK | PCI_REMOVE_FORCE, 1000 * MSEC);
	asked = plat_now();
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	pci_hold_refuse(a);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(finish(), 0);
	assert_int_equal(plat_now() - asked, 750 * MSEC); /* and then cut */
	assert_int_equal(report.given_back, 2);
	pci_hold_refuse(a); /* there is nothing any more to refuse */
	assert_false(pci_hold_release(a));
	assert_false(pci_hold_release(b));
}

static void test_a_guest_that_cannot_be_asked_is_waited_for(void **state)
{
	(void)state;
	d = guest("vm1", NULL);
	add("0:1:0.0");
	assign(d, "0:1:0.0");
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_ASK, 30 * MSEC),
			 -EBUSY);
	assert_string_equal(report.reason, "a holder did not let go in time");
	assert_int_equal(report.ended - report.started, 30 * MSEC);
	assert_int_equal(pci_domain_refuse(hardware_domain, at("0:1:0.0")),
			 -ENODEV);
	end_of(d);
}

/* A guest answers for the interrupts that are bound for it, and for no other's. */
static void test_a_guests_refusal_is_not_anothers(void **state)
{
	static const struct domain_ops ops = { .ask = ask_guest };
	struct pci_hold *other;
	struct pci_dev *pdev;

	(void)state;
	d = guest("vm1", &ops);
	add("0:1:0.0");
	assign(d, "0:1:0.0");
	pdev = get("0:1:0.0");
	assert_int_equal(pci_hold_take(pdev, PCI_HOLD_IRQ, "other", NULL,
				       &other, &other),
			 0);
	pcidev_put(pdev);
	start("0:1:0.0", PCI_REMOVE_ASK | PCI_REMOVE_FORCE, 1000 * MSEC);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_domain_refuse(d, at("0:1:0.0")), 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_domain_return(d, at("0:1:0.0")), 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS); /* nobody's */
	assert_true(pci_hold_release(other));
	assert_int_equal(finish(), 0);
	end_of(d);
}

/* --- draining ------------------------------------------------------------------------------ */

static void test_who_is_drained_is_nobodys_to_return(void **state)
{
	(void)state;
	d = guest("vm1", NULL);
	add("0:1:0.0");
	ref = get("0:1:0.0");
	start("0:1:0.0", 0, 1000 * MSEC);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(info_of("0:1:0.0").state, PCI_STATE_DRAINING);
	assert_int_equal(pci_domain_return(d, at("0:1:0.0")), -ENODEV);
	assert_int_equal(pci_domain_refuse(d, at("0:1:0.0")), -ENODEV);
	assert_int_equal(pci_hide_device(at("0:1:0.0"), true), -EBUSY);
	/* Lost while it drains: absent, and not "try again". */
	assert_int_equal(pci_mark_lost(at("0:1:0.0")), 0);
	assert_int_equal(pci_lookup(NULL, at("0:1:0.0"), &ref), -ENODEV);
	pcidev_put(ref);
	assert_int_equal(finish(), -ENODEV);
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	end_of(d);
}

static void cancel_the_rest(void)
{
	assert_int_equal(info_of("0:1:0.0").state, PCI_STATE_LIVE);
	assert_int_equal(pci_removal_cancel(op), 0);
}

static void wait_for_the_rest(void)
{
	assert_int_equal(info_of("0:1:0.0").state, PCI_STATE_DRAINING);
	clock_meanwhile = cancel_the_rest;
}

static void test_a_removal_that_rests_can_be_cancelled(void **state)
{
	uint64_t before = plat_now();

	(void)state;
	add("0:1:0.0");
	ref = get("0:1:0.0");
	start("0:1:0.0", 0, 1000 * MSEC);
	clock_meanwhile = wait_for_the_rest;
	assert_int_equal(finish(), -ECANCELED);
	assert_true(plat_now() - before <= 2 * PCI_DRAIN_TIME);
	pcidev_put(ref);
}

static void give_it_back_unseen(void)
{
	pcidev_drain_expired(ref); /* not yet over: nothing happens */
	assert_int_equal(pcidev_state(ref), PCI_STATE_DRAINING);
	clock_now += PCI_DRAIN_TIME;
	pcidev_drain_expired(ref);
	assert_int_equal(pcidev_state(ref), PCI_STATE_LIVE);
	pcidev_drain_expired(ref); /* nor is it drained any more */
	pcidev_put(ref);
}

/*
 * At the deadline, a trap has ended the drain and nobody is in the way: once
 * more, and not "busy" with nobody to name.
 */
static void test_a_drain_that_a_trap_ended_is_tried_once_more(void **state)
{
	(void)state;
	add("0:1:0.0");
	ref = get("0:1:0.0");
	start("0:1:0.0", 0, PCI_DRAIN_TIME);
	clock_meanwhile = give_it_back_unseen;
	assert_int_equal(finish(), 0);
	assert_int_equal(report.grace_periods, 2);
}

/* --- quiescing --------------------------------------------------------------------------------- */

static void test_rule8_not_quiet_in_time(void **state)
{
	(void)state;
	add("0:1:0.0");
	test_stage.quiesce_error = -EINPROGRESS;
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), -EIO);
	assert_int_equal(report.ended - report.started, PCI_QUIESCE_TIME);
	assert_string_equal(report.reason, "it did not become quiet");
	assert_string_equal(info_of("0:1:0.0").broken, report.reason);
	/* Of quarantine it can be removed again; and fails again, there. */
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), -EIO);
	assert_int_equal(info_of("0:1:0.0").owner, DOMID_IO);
	test_stage.quiesce_error = 0;
}

static void test_rule10_a_slot_is_free_though_a_stage_is_not(void **state)
{
	uint64_t before = plat_now();

	(void)state;
	add("0:1:0.0");
	test_stage.quiesce_error = -EINPROGRESS;
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	assert_true(plat_now() - before >= PCI_QUIESCE_TIME);
	assert_true(plat_now() - before < 2 * PCI_QUIESCE_TIME);
	add("0:1:0.0");
	test_stage.quiesce_error = -EIO;
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	test_stage.quiesce_error = 0;
	add("0:1:0.0");
}

/* --- what was given back goes home ---------------------------------------------------------------- */

static const struct domain_ops asked_guest = { .ask = ask_guest };

static void guests_vf_given_back(void)
{
	d = guest("vm1", &asked_guest);
	add("0:1:0.0");
	add_child("0:1:0.1", "0:1:0.0");
	add_child("0:1:0.2", "0:1:0.0");
	assign(d, "0:1:0.1");
	assign(d, "0:1:0.2");
	start("0:1:0.0", PCI_REMOVE_ASK, 1000 * MSEC);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_domain_return(d, at("0:1:0.2")), 0);
	assert_int_equal(pci_removal_cancel(op), 0);
}

static void test_what_cannot_go_home_stays_in_quarantine(void **state)
{
	(void)state;
	guests_vf_given_back();
	test_stage.enter_error = -EIO;
	assert_int_equal(finish(), -ECANCELED);
	test_stage.enter_error = 0;
	assert_int_equal(info_of("0:1:0.2").owner, DOMID_IO);
	assert_string_equal(info_of("0:1:0.2").broken,
			    "it cannot be given back to the host");
	assert_string_equal(info_of("0:1:0.1").owner_name, "vm1");
	ref = get("0:1:0.2");
	test_stage.enter_error = -EIO;
	assert_int_equal(pcidev_mend(ref), -EIO);
	test_stage.enter_error = 0;
	assert_int_equal(pcidev_mend(ref), 0);
	assert_int_equal(info_of("0:1:0.2").owner, DOMID_HARDWARE);
	pcidev_put(ref);
	end_of(d);
}

static int return_the_other(pci_sbdf_t sbdf)
{
	(void)sbdf;
	test_stage.on_leave = NULL;
	answer = pci_domain_return(d, at("0:1:0.1"));
	return -EINPROGRESS; /* and of the first it is not over */
}

static void test_another_is_given_back_while_one_goes_home(void **state)
{
	(void)state;
	guests_vf_given_back();
	test_stage.on_leave = return_the_other;
	assert_int_equal(finish(), -ECANCELED);
	assert_int_equal(answer, 0);
	assert_int_equal(info_of("0:1:0.1").owner, DOMID_HARDWARE);
	assert_int_equal(info_of("0:1:0.2").owner, DOMID_HARDWARE);
	end_of(d);
}

static void test_going_home_waits_for_a_grace_period(void **state)
{
	(void)state;
	guests_vf_given_back();
	plat_rcu_read_lock(); /* whoever is in the middle of a trap */
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(info_of("0:1:0.2").owner, DOMID_IO);
	plat_rcu_read_unlock();
	assert_int_equal(finish(), -ECANCELED);
	assert_int_equal(info_of("0:1:0.2").owner, DOMID_HARDWARE);
	end_of(d);
}

#define WAIT(name) cmocka_unit_test_setup_teardown(name, setup, test_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WAIT(test_a_guest_returns_after_another_operation),
		WAIT(test_a_guest_dies_after_another_operation),
		WAIT(test_two_lose_one_device),
		WAIT(test_rule16_other_hardware_while_another_loses_the_old),
		WAIT(test_rule16_two_add_the_same_hardware),
		WAIT(test_an_add_meets_a_loss),
		WAIT(test_no_child_comes_to_a_parent_that_goes),
		WAIT(test_a_guest_dies_while_a_device_comes_to_it),
		WAIT(test_cancelled_while_the_last_one_lets_go),
		WAIT(test_rule9_one_refusal_does_not_hurry_the_others),
		WAIT(test_a_guest_that_cannot_be_asked_is_waited_for),
		WAIT(test_a_guests_refusal_is_not_anothers),
		WAIT(test_who_is_drained_is_nobodys_to_return),
		WAIT(test_a_removal_that_rests_can_be_cancelled),
		WAIT(test_a_drain_that_a_trap_ended_is_tried_once_more),
		WAIT(test_rule8_not_quiet_in_time),
		WAIT(test_rule10_a_slot_is_free_though_a_stage_is_not),
		WAIT(test_what_cannot_go_home_stays_in_quarantine),
		WAIT(test_another_is_given_back_while_one_goes_home),
		WAIT(test_going_home_waits_for_a_grace_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
