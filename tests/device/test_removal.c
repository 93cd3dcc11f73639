/* SPDX-License-Identifier: BSD-2-Clause */
/* Removal: R1, R17, R18, H8, rules 6 to 9 and 14. */
#include <pthread.h>

#include <holdfast/iommu.h>
#include <holdfast/vpci.h>

#include "support.h"

static void test_R1_zero_means_nobody_is_left(void **state)
{
	(void)state;
	add("0:1:0.0");
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), 0);
	assert_int_equal(report.phase, PCI_REMOVAL_REMOVED);
	assert_int_equal(report.grace_periods, 1);
	assert_int_equal(test_stage.quiesced, 1);
	assert_int_equal(hf_load_acquire(&test_host.removed), 1);
	assert_false(is_there("0:1:0.0"));
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), -ENODEV);
	plat_rcu_barrier();
	assert_int_equal(test_stage.detached, 1);
}

static struct pci_removal *start(const char *sbdf, unsigned int flags,
				 uint64_t timeout)
{
	struct pci_removal *op = NULL;

	assert_int_equal(pci_removal_start(at(sbdf), flags, timeout, "test",
					   NULL, NULL, &op),
			 0);
	return op;
}

static void test_R17_removal_happens_once(void **state)
{
	struct pci_removal *op, *second;
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);
	struct domain *d = guest("vm1", NULL);
	struct pci_dev *ref;

	(void)state;
	add("0:1:0.0");
	ref = get("0:1:0.0");
	op = start("0:1:0.0", 0, 10000 * MSEC);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_removal_start(at("0:1:0.0"), 0, 0, "", NULL, NULL,
					   &second),
			 -EALREADY);
	assert_int_equal(pci_assign_device(d, at("0:1:0.0"), 0, &vsbdf, NULL),
			 -EBUSY);
	assert_null(pci_get_pdev(NULL, at("0:1:0.0"))); /* draining */
	pcidev_put(ref);
	assert_int_equal(pci_removal_wait(op), 0);
	assert_int_equal(pci_removal_step(op), 0);
	pci_removal_finish(op);
	assert_int_equal(remove_dev("0:1:0.0", 0, 0), -ENODEV);
	end_of(d);
}

static void test_R18_a_refused_removal_can_be_tried_again(void **state)
{
	struct pci_dev_info before, after;
	struct pci_dev *ref;
	int i;

	(void)state;
	add("0:1:0.0");
	ref = get("0:1:0.0");
	before = info_of("0:1:0.0");
	for (i = 0; i < 3; i++) {
		assert_int_equal(remove_dev("0:1:0.0", 0, 0), -EBUSY);
		assert_int_equal(report.phase, PCI_REMOVAL_BUSY);
		assert_int_equal(report.result, -EBUSY);
		assert_true(report.ended >= report.started);
		after = info_of("0:1:0.0");
		after.op_since = before.op_since;
		assert_memory_equal(&before, &after, sizeof(before));
	}
	assert_int_equal(test_stage.quiesced, 0);
	pcidev_put(ref);
	assert_int_equal(remove_dev("0:1:0.0", 0, 0), 0);
}

static void test_a_removal_ends_by_its_deadline(void **state)
{
	struct pci_dev *ref;

	(void)state;
	add("0:1:0.0");
	ref = get("0:1:0.0");
	assert_int_equal(remove_dev("0:1:0.0", 0, 120 * MSEC), -EBUSY);
	assert_true(report.ended >= report.deadline);
	assert_true(report.grace_periods >= 1);
	assert_int_equal(info_of("0:1:0.0").state, PCI_STATE_LIVE);
	pcidev_put(ref);
}

static void *put_it(void *ref)
{
	pcidev_put(ref);
	return NULL;
}

static void test_the_last_put_wakes_the_removal(void **state)
{
	struct pci_removal *op;
	pthread_t thread;
	struct pci_dev *ref;

	(void)state;
	add("0:1:0.0");
	ref = get("0:1:0.0");
	op = start("0:1:0.0", 0, 3000 * 1000 * MSEC);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pthread_create(&thread, NULL, put_it, ref), 0);
	assert_int_equal(pci_removal_wait(op), 0);
	pthread_join(thread, NULL);
	pci_removal_finish(op);
}

static void test_a_cancelled_removal_has_changed_nothing(void **state)
{
	struct pci_removal *op;
	struct pci_dev *ref;
	struct pci_stats stats;

	(void)state;
	add("0:1:0.0");
	ref = get("0:1:0.0");
	op = start("0:1:0.0", 0, 10000 * MSEC);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_removal_cancel(op), 0);
	assert_int_equal(pci_removal_step(op), -ECANCELED);
	assert_int_equal(pci_removal_cancel(op), 0);
	pci_removal_finish(op);
	assert_int_equal(info_of("0:1:0.0").state, PCI_STATE_LIVE);
	assert_int_equal(test_stage.quiesced + test_stage.cut_off, 0);
	pci_get_stats(&stats);
	pcidev_put(ref);
}

static void test_there_is_no_way_back_while_quiescing(void **state)
{
	struct pci_removal *op;

	(void)state;
	add("0:1:0.0");
	test_stage.quiesce_error = -EINPROGRESS;
	op = start("0:1:0.0", 0, 10000 * MSEC);
	while (!test_stage.quiesced)
		assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_removal_cancel(op), -EINPROGRESS);
	test_stage.quiesce_error = 0;
	assert_int_equal(pci_removal_wait(op), 0);
	pci_removal_query(op, &report);
	assert_int_equal(report.phase, PCI_REMOVAL_REMOVED);
	pci_removal_finish(op);
}

static void test_H8_a_device_that_will_not_be_quiet_is_not_freed(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	add("0:1:0.0");
	test_stage.quiesce_error = -EIO;
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), -EIO);
	assert_int_equal(report.phase, PCI_REMOVAL_FAILED);
	assert_string_equal(report.reason, "the test says so");
	assert_string_equal(info_of("0:1:0.0").broken, "the test says so");
	assert_int_equal(info_of("0:1:0.0").owner, DOMID_IO);
	assert_int_equal(info_of("0:1:0.0").state, PCI_STATE_LIVE);
	assert_int_equal(hf_load_acquire(&test_host.removed), 0);
	pdev = get("0:1:0.0");
	test_stage.quiesce_error = 0;
	assert_int_equal(pcidev_mend(pdev), 0);
	pcidev_put(pdev);
	assert_int_equal(info_of("0:1:0.0").owner, DOMID_HARDWARE);
	assert_null(info_of("0:1:0.0").broken);
}

static void test_H8_an_assigned_device_stays(void **state)
{
	struct domain *d = guest("vm1", NULL);

	(void)state;
	add("0:1:0.0");
	add_child("0:1:0.1", "0:1:0.0");
	assign(d, "0:1:0.1");
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), -EBUSY);
	assert_int_equal(report.blocker[0].hold.kind, PCI_HOLD_CHILD);
	assert_int_equal(report.blocker[0].hold.child.sbdf, at("0:1:0.1").sbdf);
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_SLOT, MSEC), -EBUSY);
	assert_int_equal(report.blockers, 1);
	assert_string_equal(report.blocker[0].hold.who, "vm1");
	assert_int_equal(report.blocker[0].sbdf.sbdf, at("0:1:0.1").sbdf);
	assert_string_equal(info_of("0:1:0.1").owner_name, "vm1");
	end_of(d);
}

/* --- asking a guest ---------------------------------------------------------- */

static unsigned int guest_asked, guest_robbed;

static void guest_ask(struct domain *d, pci_sbdf_t sbdf, uint64_t deadline)
{
	(void)d;
	(void)sbdf;
	(void)deadline;
	guest_asked++;
}

static void guest_taken(struct domain *d, pci_sbdf_t sbdf)
{
	(void)d;
	(void)sbdf;
	guest_robbed++;
}

static const struct domain_ops guest_ops = { .ask = guest_ask,
					     .taken = guest_taken };

static struct domain *pf_with_a_guests_vf(void)
{
	struct domain *d = guest("vm1", &guest_ops);

	guest_asked = guest_robbed = 0;
	add("0:1:0.0");
	add_child("0:1:0.1", "0:1:0.0");
	add_child("0:1:0.2", "0:1:0.0");
	assign(d, "0:1:0.1");
	return d;
}

static void test_rule9_asking_takes_the_children_with_it(void **state)
{
	struct domain *d = pf_with_a_guests_vf();
	struct pci_removal *op;

	(void)state;
	op = start("0:1:0.0", PCI_REMOVE_ASK, 10000 * MSEC);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(guest_asked, 1);
	assert_int_equal(pci_domain_return(d, at("0:1:0.1")), 0);
	assert_int_equal(info_of("0:1:0.1").owner, DOMID_IO);
	assert_int_equal(pci_removal_wait(op), 0);
	pci_removal_query(op, &report);
	assert_int_equal(report.members, 3);
	assert_int_equal(report.removed, 3);
	assert_int_equal(report.given_back, 1);
	assert_string_equal(report.gave[0].hold.who, "vm1");
	pci_removal_finish(op);
	assert_int_equal(guest_robbed, 0);
	end_of(d);
}

static void test_rule8_what_was_given_back_stays_given_back(void **state)
{
	struct domain *d = pf_with_a_guests_vf();
	struct pci_removal *op;

	(void)state;
	op = start("0:1:0.0", PCI_REMOVE_ASK, 10000 * MSEC);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_domain_return(d, at("0:1:0.1")), 0);
	assert_int_equal(pci_removal_cancel(op), 0);
	assert_int_equal(pci_removal_wait(op), -ECANCELED);
	pci_removal_query(op, &report);
	assert_int_equal(report.given_back, 1);
	assert_int_equal(report.removed, 0);
	pci_removal_finish(op);
	assert_int_equal(info_of("0:1:0.1").owner, DOMID_HARDWARE);
	assert_int_equal(domain_devices(d), 0);
	end_of(d);
}

static void test_a_guest_that_refuses_keeps_its_device(void **state)
{
	struct domain *d = pf_with_a_guests_vf();
	struct pci_removal *op;

	(void)state;
	op = start("0:1:0.0", PCI_REMOVE_ASK, 10000 * MSEC);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_domain_refuse(d, at("0:1:0.1")), 0);
	assert_int_equal(pci_removal_wait(op), -EBUSY);
	pci_removal_query(op, &report);
	assert_true(report.blocker[0].hold.refused);
	pci_removal_finish(op);
	assert_string_equal(info_of("0:1:0.1").owner_name, "vm1");
	assert_int_equal(pci_domain_refuse(d, at("0:1:0.2")), -ENODEV);
	end_of(d);
}

static void test_rule9_force_cuts_off_who_refuses(void **state)
{
	struct domain *d = pf_with_a_guests_vf();
	struct pci_removal *op;
	uint64_t val;

	(void)state;
	op = start("0:1:0.0", PCI_REMOVE_ASK | PCI_REMOVE_FORCE, 10000 * MSEC);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(guest_robbed, 0);
	assert_int_equal(pci_domain_refuse(d, at("0:1:0.1")), 0);
	assert_int_equal(pci_removal_wait(op), 0);
	assert_int_equal(guest_robbed, 1);
	assert_true(test_stage.cut_off > 0);
	pci_removal_finish(op);
	assert_int_equal(vpci_read(d, at("0:0:1.0"), 0, 4, &val), PCI_DONE);
	assert_int_equal(val, UINT32_MAX);
	end_of(d);
}

static void
test_a_forced_removal_that_fails_leaves_nobody_in_between(void **state)
{
	struct domain *d = pf_with_a_guests_vf();
	struct pci_dev *ref = get("0:1:0.1");

	(void)state;
	assert_int_equal(remove_dev("0:1:0.1", PCI_REMOVE_FORCE, 0), -EBUSY);
	assert_int_equal(report.given_back, 1);
	assert_int_equal(info_of("0:1:0.1").owner, DOMID_HARDWARE);
	pcidev_put(ref);
	end_of(d);
}

/* --- rule 14: cards ------------------------------------------------------------ */

static void test_rule14_a_slot_goes_whole_or_not_at_all(void **state)
{
	pci_sbdf_t cursor = at("0:1:0.0");
	struct pci_dev *pdev;
	struct pci_hold *pin;

	(void)state;
	add("0:1:0.0");
	add("0:1:0.1");
	add_child("0:1:2.0", "0:1:0.1");
	add("0:1:1.0"); /* another card */
	pdev = get("0:1:2.0");
	assert_int_equal(
		pci_hold_take(pdev, PCI_HOLD_PIN, "p", NULL, NULL, &pin), 0);
	pcidev_put(pdev);
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_SLOT, MSEC), -EBUSY);
	assert_int_equal(report.removed, 0);
	assert_int_equal(report.blocker[0].sbdf.sbdf, at("0:1:2.0").sbdf);
	pci_hold_release(pin);

	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), 0);
	assert_int_equal(pci_slot_next(at("0:1:0.0"), &cursor), 0);
	assert_int_equal(cursor.sbdf, at("0:1:0.1").sbdf);
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_SLOT, MSEC), 0);
	assert_int_equal(report.removed, 2);
	cursor = at("0:0:0.0");
	assert_int_equal(pci_slot_next(at("0:1:0.0"), &cursor), -ENOENT);
	assert_true(is_there("0:1:1.0"));
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_SLOT, 0), -ENODEV);
}

static void test_rule14_the_card_of_a_vf_is_its_pfs(void **state)
{
	const struct pci_dev_desc orphan = { .sbdf = at("0:1:2.0"),
					     .parent = at("0:1:2.0"),
					     .is_vf = true };

	(void)state;
	add("0:1:0.0");
	add("0:1:0.1");
	add_child("0:1:2.0", "0:1:0.0");
	assert_int_equal(remove_dev("0:1:2.0", PCI_REMOVE_SLOT, MSEC), 0);
	assert_int_equal(report.removed, 3);
	assert_false(is_there("0:1:0.0") || is_there("0:1:0.1"));
	/* Without one (hostile hardware): the one that it is on itself. */
	assert_int_equal(pci_register_device(&orphan, NULL), 0);
	assert_int_equal(remove_dev("0:1:2.0", PCI_REMOVE_SLOT, MSEC), 0);
	assert_int_equal(report.removed, 1);
}

static void test_a_subtree_goes_children_first(void **state)
{
	(void)state;
	add_bridge("0:0:1.0", "0:0:1.0", 1);
	add_bridge("0:1:0.0", "0:0:1.0", 2);
	add_child("0:2:0.0", "0:1:0.0");
	add("0:3:0.0");
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), -EBUSY);
	assert_int_equal(remove_dev("0:0:1.0", PCI_REMOVE_ASK, MSEC), 0);
	assert_int_equal(report.removed, 3);
	assert_true(is_there("0:3:0.0"));
}

/* --- the trap's own look at the time --------------------------------------------- */

static void test_a_retried_trap_ends_a_drain_that_is_over(void **state)
{
	struct pci_removal *op;
	struct pci_dev *ref;
	uint64_t val;

	(void)state;
	add("0:1:0.0");
	ref = get("0:1:0.0");
	op = start("0:1:0.0", 0, 10000 * MSEC);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(vpci_read(hardware_domain, at("0:1:0.0"), 0, 4, &val),
			 PCI_AGAIN);
	/* Nobody steps the removal; the retries alone must come to an end. */
	while (vpci_read(hardware_domain, at("0:1:0.0"), 0, 4, &val) ==
	       PCI_AGAIN)
		;
	assert_int_equal(val, 4);
	assert_int_equal(info_of("0:1:0.0").state, PCI_STATE_LIVE);
	pcidev_put(ref);
	assert_int_equal(pci_removal_wait(op), 0);
	pci_removal_finish(op);
}

static enum pci_removal_phase phases[16];
static unsigned int nphases;

static void on_phase(const struct pci_removal_info *info, void *data)
{
	(void)data;
	if (nphases < ARRAY_SIZE(phases))
		phases[nphases++] = info->phase;
}

static void test_the_listener_hears_every_phase(void **state)
{
	struct pci_removal *op;

	(void)state;
	nphases = 0;
	add("0:1:0.0");
	assert_int_equal(pci_removal_start(at("0:1:0.0"), 0, MSEC, "t",
					   on_phase, NULL, &op),
			 0);
	assert_int_equal(pci_removal_wait(op), 0);
	pci_removal_finish(op);
	assert_int_equal(nphases, 4);
	assert_int_equal(phases[0], PCI_REMOVAL_ASKING);
	assert_int_equal(phases[1], PCI_REMOVAL_DRAINING);
	assert_int_equal(phases[2], PCI_REMOVAL_QUIESCING);
	assert_int_equal(phases[3], PCI_REMOVAL_REMOVED);
}

static void test_a_loss_ends_the_removal(void **state)
{
	struct pci_removal *op;
	struct pci_dev *ref;

	(void)state;
	add("0:1:0.0");
	ref = get("0:1:0.0");
	op = start("0:1:0.0", 0, 10000 * MSEC);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_mark_lost(at("0:1:0.0")), 0);
	assert_int_equal(pci_removal_step(op), -ENODEV);
	pci_removal_query(op, &report);
	assert_int_equal(report.phase, PCI_REMOVAL_LOST);
	pci_removal_finish(op);
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	assert_false(is_there("0:1:0.0"));
	pcidev_put(ref);
}

static void test_bad_requests_are_refused(void **state)
{
	struct pci_removal *op;

	(void)state;
	add("0:1:0.0");
	assert_int_equal(remove_dev("0:1:0.0", 1 << 7, 0), -EINVAL);
	assert_int_equal(remove_dev("0:1:0.0", 0, UINT64_MAX), -EINVAL);
	assert_int_equal(remove_dev("5:1:0.0", 0, 0), -ENODEV);
	assert_int_equal(pci_removal_start(at("0:1:1.0"), 0, 0, "", NULL, NULL,
					   &op),
			 -ENODEV);
}

/* --- what a host does not do -------------------------------------------------------- */

static void test_a_host_need_not_be_told(void **state)
{
	static struct pci_host_ops ops;
	static struct pci_host host = { .ops = &ops, .name = "deaf" };
	struct pci_removal *op;

	(void)state;
	ops = *test_host.host.ops;
	ops.removed = NULL;
	assert_int_equal(pci_segment_add(2, &host), 0);
	add("2:1:0.0");
	assert_int_equal(remove_dev("2:1:0.0", 0, MSEC), 0);
	add("2:1:0.0");
	ops.read_only = true;
	assert_int_equal(pci_removal_start(at("2:1:0.0"), 0, 0, "", NULL, NULL,
					   &op),
			 -EOPNOTSUPP);
	assert_int_equal(pci_removal_start(at("2:2:0.0"), 0, 0, "", NULL, NULL,
					   &op),
			 -ENODEV);
	assert_int_equal(pci_hide_device(at("2:1:0.0"), true), -EOPNOTSUPP);
	assert_true(is_there("2:1:0.0"));
}

/* --- who is in the way ------------------------------------------------------------------ */

static void test_all_are_counted_and_some_are_named(void **state)
{
	struct pci_hold *pin[PCI_REMOVAL_MAX_BLOCKERS + 2];
	struct pci_dev *pdev;
	unsigned int i;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	for (i = 0; i < ARRAY_SIZE(pin); i++)
		assert_int_equal(pci_hold_take(pdev, PCI_HOLD_PIN, "p", NULL,
					       NULL, &pin[i]),
				 0);
	pcidev_put(pdev);
	assert_int_equal(remove_dev("0:1:0.0", 0, 0), -EBUSY);
	assert_int_equal(report.blockers, ARRAY_SIZE(pin));
	assert_string_equal(
		report.blocker[PCI_REMOVAL_MAX_BLOCKERS - 1].hold.who, "p");
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_FORCE, 0), 0);
	assert_int_equal(report.given_back, ARRAY_SIZE(pin));
	for (i = 0; i < ARRAY_SIZE(pin); i++)
		assert_false(pci_hold_release(pin[i]));
}

static void test_force_leaves_the_childrens_holds_to_the_children(void **state)
{
	struct pci_hold *pin;
	struct pci_dev *pdev;

	(void)state;
	add("0:1:0.0");
	add_child("0:1:0.1", "0:1:0.0");
	pdev = get("0:1:0.0");
	assert_int_equal(
		pci_hold_take(pdev, PCI_HOLD_PIN, "p", NULL, NULL, &pin), 0);
	pcidev_put(pdev);
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_FORCE, MSEC), 0);
	assert_int_equal(report.given_back, 1);
	assert_int_equal(report.removed, 2);
	assert_false(pci_hold_release(pin));
}

static void test_one_busy_part_keeps_the_whole(void **state)
{
	struct pci_removal *op, *part;
	struct pci_dev *pf;

	(void)state;
	add("0:1:0.0");
	add_child("0:1:0.1", "0:1:0.0");
	add_child("0:1:0.2", "0:1:0.0");
	pf = get("0:1:0.0");
	assert_int_equal(pcidev_begin(pf, PCI_OP_RESET, NULL), 0);
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_ASK, MSEC), -EBUSY);
	assert_int_equal(info_of("0:1:0.1").op, PCI_OP_NONE);
	assert_int_equal(info_of("0:1:0.2").op, PCI_OP_NONE);
	assert_int_equal(info_of("0:1:0.0").op, PCI_OP_RESET);
	pcidev_end(pf);
	pcidev_put(pf);
	part = start("0:1:0.1", 0, MSEC);
	assert_int_equal(pci_removal_start(at("0:1:0.0"), PCI_REMOVE_SLOT, 0,
					   NULL, NULL, NULL, &op),
			 -EALREADY);
	assert_int_equal(info_of("0:1:0.2").op, PCI_OP_NONE);
	pci_removal_finish(part);
	pci_removal_finish(NULL);
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_SLOT, MSEC), 0);
	assert_int_equal(report.removed, 3);
}

static void test_the_very_first_slot_can_go(void **state)
{
	(void)state;
	add_bridge("0:0:0.0", "0:0:0.0", 0);
	add_child("0:0:0.1", "0:0:0.0");
	add("0:0:1.0");
	assert_int_equal(remove_dev("0:0:0.7", PCI_REMOVE_SLOT, MSEC), 0);
	assert_int_equal(report.removed, 2);
	add_bridge("0:0:0.0", "0:0:0.0", 0);
	add_child("0:0:0.1", "0:0:0.0");
	assert_int_equal(pci_device_lost(at("0:0:0.0")), 0);
	assert_false(is_there("0:0:0.0") || is_there("0:0:0.1"));
	assert_true(is_there("0:0:1.0"));
}

static void test_who_asks_is_recorded_as_far_as_there_is_room(void **state)
{
	char who[100], expect[PCI_WHO_LEN];
	struct pci_removal *op;

	(void)state;
	memset(who, 'w', sizeof(who));
	who[sizeof(who) - 1] = '\0';
	memcpy(expect, who, sizeof(expect));
	expect[sizeof(expect) - 1] = '\0';
	add("0:1:0.0");
	assert_int_equal(pci_removal_start(at("0:1:0.0"), 0, MSEC, who, NULL,
					   NULL, &op),
			 0);
	pci_removal_query(op, &report);
	assert_string_equal(report.who, expect);
	pci_removal_finish(op);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_R1_zero_means_nobody_is_left),
		CASE(test_R17_removal_happens_once),
		CASE(test_R18_a_refused_removal_can_be_tried_again),
		CASE(test_a_removal_ends_by_its_deadline),
		CASE(test_the_last_put_wakes_the_removal),
		CASE(test_a_cancelled_removal_has_changed_nothing),
		CASE(test_there_is_no_way_back_while_quiescing),
		CASE(test_H8_a_device_that_will_not_be_quiet_is_not_freed),
		CASE(test_H8_an_assigned_device_stays),
		CASE(test_rule9_asking_takes_the_children_with_it),
		CASE(test_rule8_what_was_given_back_stays_given_back),
		CASE(test_a_guest_that_refuses_keeps_its_device),
		CASE(test_rule9_force_cuts_off_who_refuses),
		CASE(test_a_forced_removal_that_fails_leaves_nobody_in_between),
		CASE(test_rule14_a_slot_goes_whole_or_not_at_all),
		CASE(test_rule14_the_card_of_a_vf_is_its_pfs),
		CASE(test_a_subtree_goes_children_first),
		CASE(test_a_retried_trap_ends_a_drain_that_is_over),
		CASE(test_the_listener_hears_every_phase),
		CASE(test_a_loss_ends_the_removal),
		CASE(test_bad_requests_are_refused),
		CASE(test_a_host_need_not_be_told),
		CASE(test_all_are_counted_and_some_are_named),
		CASE(test_force_leaves_the_childrens_holds_to_the_children),
		CASE(test_one_busy_part_keeps_the_whole),
		CASE(test_the_very_first_slot_can_go),
		CASE(test_who_asks_is_recorded_as_far_as_there_is_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
