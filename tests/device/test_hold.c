/* SPDX-License-Identifier: BSD-2-Clause */
/* Holds: R2, R9. */
#include <pthread.h>

#include "support.h"

static unsigned int asked, cut;

static void on_ask(struct pci_hold *hold, void *data, uint64_t deadline)
{
	(void)hold;
	(void)deadline;
	asked += data == &asked;
}

static void on_cut(struct pci_hold *hold, void *data)
{
	(void)hold;
	cut += data == &asked;
}

static const struct pci_hold_ops asks_only = { .ask = on_ask };

static const struct pci_hold_ops ops = { .ask = on_ask, .cut_off = on_cut };

static struct pci_hold *hold(const char *sbdf, enum pci_hold_kind kind,
			     const char *who, const struct pci_hold_ops *o)
{
	struct pci_dev *pdev = get(sbdf);
	struct pci_hold *h = NULL;

	assert_int_equal(pci_hold_take(pdev, kind, who, o, &asked, &h), 0);
	pcidev_put(pdev);
	return h;
}

static void test_R2_references_and_holds_are_told_apart(void **state)
{
	struct pci_dev *ref;
	struct pci_hold *pin;

	(void)state;
	add("0:1:0.0");
	ref = get("0:1:0.0");
	assert_int_equal(remove_dev("0:1:0.0", 0, 0), -EBUSY);
	assert_int_equal(report.refs, 1);
	assert_int_equal(report.blockers, 0);
	pcidev_put(ref);

	pin = hold("0:1:0.0", PCI_HOLD_PIN, "root: firmware", NULL);
	assert_int_equal(remove_dev("0:1:0.0", 0, 0), -EBUSY);
	assert_int_equal(report.refs, 0);
	assert_int_equal(report.blockers, 1);
	assert_string_equal(report.blocker[0].hold.who, "root: firmware");
	assert_int_equal(report.blocker[0].hold.kind, PCI_HOLD_PIN);
	assert_true(report.blocker[0].hold.since <= plat_now());
	assert_true(pci_hold_release(pin));
	assert_int_equal(remove_dev("0:1:0.0", 0, 0), 0);
}

static void test_a_hold_is_released_or_cut_off_but_once(void **state)
{
	struct pci_hold *h, *unasked;

	(void)state;
	asked = cut = 0;
	add("0:1:0.0");
	h = hold("0:1:0.0", PCI_HOLD_SESSION, "s", &ops);
	unasked = hold("0:1:0.0", PCI_HOLD_SESSION, "t", &asks_only);
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_FORCE, 0), 0);
	assert_int_equal(asked, 0);
	assert_int_equal(cut, 1);
	assert_int_equal(report.given_back, 2);
	assert_string_equal(report.gave[0].hold.who, "s");
	assert_true(report.gave[0].hold.cut && !report.gave[0].hold.asked);
	assert_false(is_there("0:1:0.0"));
	assert_false(pci_hold_release(h));
	pci_hold_refuse(unasked);
	assert_false(pci_hold_release(unasked));
}

static void test_asking_waits_for_the_answer(void **state)
{
	struct pci_removal *op;
	struct pci_hold *h;

	(void)state;
	asked = 0;
	add("0:1:0.0");
	h = hold("0:1:0.0", PCI_HOLD_SESSION, "s", &ops);
	assert_int_equal(pci_removal_start(at("0:1:0.0"), PCI_REMOVE_ASK,
					   10000 * MSEC, "t", NULL, NULL, &op),
			 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(asked, 1);
	assert_int_equal(info_of("0:1:0.0").state, PCI_STATE_LIVE);
	assert_true(pci_hold_release(h));
	assert_int_equal(pci_removal_wait(op), 0);
	pci_removal_query(op, &report);
	assert_int_equal(report.given_back, 1);
	pci_removal_finish(op);
}

static void test_a_refusal_ends_the_asking_at_once(void **state)
{
	struct pci_removal *op;
	struct pci_hold *h;

	(void)state;
	add("0:1:0.0");
	h = hold("0:1:0.0", PCI_HOLD_SESSION, "s", &ops);
	pci_hold_refuse(h); /* nobody has asked: no effect */
	assert_int_equal(pci_removal_start(at("0:1:0.0"), PCI_REMOVE_ASK,
					   10000 * MSEC, "t", NULL, NULL, &op),
			 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	pci_hold_refuse(h);
	assert_int_equal(pci_removal_step(op), -EBUSY);
	pci_removal_query(op, &report);
	assert_true(report.blocker[0].hold.refused);
	assert_string_equal(report.reason, "a holder refused");
	pci_removal_finish(op);
	assert_true(pci_hold_release(h));
}

static void test_no_hold_is_taken_under_a_removal(void **state)
{
	struct pci_dev *pdev;
	struct pci_removal *op;
	struct pci_hold *h, *first;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	first = hold("0:1:0.0", PCI_HOLD_SESSION, "s", &ops);
	assert_int_equal(pci_removal_start(at("0:1:0.0"), PCI_REMOVE_ASK,
					   10000 * MSEC, "t", NULL, NULL, &op),
			 0);
	assert_int_equal(pci_hold_take(pdev, PCI_HOLD_PIN, "p", NULL, NULL, &h),
			 -EBUSY);
	assert_int_equal(pci_removal_cancel(op), 0);
	assert_int_equal(pci_removal_wait(op), -ECANCELED);
	pci_removal_finish(op);
	assert_int_equal(pci_hold_take(pdev, PCI_HOLD_PIN, "p", NULL, NULL, &h),
			 0);
	assert_true(pci_hold_release(h));
	assert_true(pci_hold_release(first));
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	assert_int_equal(pci_hold_take(pdev, PCI_HOLD_PIN, "p", NULL, NULL, &h),
			 -ENODEV);
	assert_int_equal(pcidev_mend(pdev), -ENODEV);
	pcidev_put(pdev);
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	assert_int_equal(pci_mark_lost(at("0:1:0.0")), 0); /* and not gone */
	assert_int_equal(pci_hold_take(pdev, PCI_HOLD_PIN, "p", NULL, NULL, &h),
			 -ENODEV);
	assert_int_equal(pcidev_mend(pdev), -ENODEV);
	pcidev_put(pdev);
}

static void test_the_cores_own_kinds_are_refused(void **state)
{
	struct pci_dev *pdev;
	struct pci_hold *h;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	assert_int_equal(pci_hold_take(pdev, PCI_HOLD_CHILD, "x", NULL, NULL,
				       &h),
			 -EINVAL);
	assert_int_equal(pci_hold_take(pdev, PCI_HOLD_ASSIGNED, "x", NULL, NULL,
				       &h),
			 -EINVAL);
	assert_int_equal(pci_hold_take(pdev, 99, "x", NULL, NULL, &h), -EINVAL);
	assert_int_equal(pci_hold_take(pdev, PCI_HOLD_PIN, NULL, NULL, NULL,
				       &h),
			 -EINVAL);
	assert_int_equal(pdev->nholds, 0);
	pcidev_put(pdev);
}

static void test_long_names_are_cut(void **state)
{
	char who[100], expect[PCI_WHO_LEN];
	struct pci_hold_info info[2];
	struct pci_dev *pdev;
	struct pci_hold *h;

	(void)state;
	memset(who, 'w', sizeof(who));
	who[99] = '\0';
	memset(expect, 'w', sizeof(expect));
	expect[PCI_WHO_LEN - 1] = '\0';
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	assert_int_equal(pci_hold_take(pdev, PCI_HOLD_PIN, who, NULL, NULL, &h),
			 0);
	assert_int_equal(pci_holds_query(at("0:1:0.0"), info, 2), 1);
	assert_string_equal(info[0].who, expect);
	assert_int_equal(pci_holds_query(at("0:9:0.0"), info, 2), -ENODEV);
	pci_hold_release(h);
	pcidev_put(pdev);
}

#define TURNS 2000

static void *take_and_give(void *data)
{
	struct pci_dev *pdev = data;
	struct pci_hold *h;
	int i;

	for (i = 0; i < TURNS; i++)
		if (!pci_hold_take(pdev, PCI_HOLD_SESSION, "t", NULL, NULL, &h))
			pci_hold_release(h);
	return NULL;
}

static void test_R9_the_device_has_its_own_lock(void **state)
{
	pthread_t thread[3];
	struct pci_dev *pdev;
	unsigned int i;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, take_and_give,
						pdev),
				 0);
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(pdev->nholds, 0);
	assert_int_equal(life_count(&pdev->life), 2);
	pcidev_put(pdev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_R2_references_and_holds_are_told_apart),
		CASE(test_a_hold_is_released_or_cut_off_but_once),
		CASE(test_asking_waits_for_the_answer),
		CASE(test_a_refusal_ends_the_asking_at_once),
		CASE(test_no_hold_is_taken_under_a_removal),
		CASE(test_the_cores_own_kinds_are_refused),
		CASE(test_long_names_are_cut),
		CASE(test_R9_the_device_has_its_own_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
