/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removal and loss where two things meet: stepping and waiting, a part and the
 * whole, an old device and a new one at its address.
 */
#include <pthread.h>
#include <semaphore.h>

#include <holdfast/config.h>
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>

#include "support.h"

static struct pci_removal *start(const char *sbdf, unsigned int flags)
{
	struct pci_removal *op = NULL;

	assert_int_equal(pci_removal_start(at(sbdf), flags, 10000 * MSEC,
					   "test", NULL, NULL, &op),
			 0);
	return op;
}

/* --- a trap that stays inside while a removal goes from step to wait ---------- */

static plat_event_t inside, may_leave, never;
static hf_atomic(uint32_t) left, left_when_removed;

static void stay(pci_sbdf_t sbdf)
{
	(void)sbdf;
	plat_event_set(&inside);
	plat_event_wait(&may_leave, PLAT_FOREVER);
	hf_fetch_add_relaxed(&left, 1);
}

static void *trap(void *unused)
{
	uint64_t val;

	(void)unused;
	(void)!vpci_read(hardware_domain, at("0:1:0.0"), 0, 4, &val);
	return NULL;
}

static void *wait_for(void *op)
{
	assert_int_equal(pci_removal_wait(op), 0);
	hf_store_release(&left_when_removed, hf_load_acquire(&left));
	return NULL;
}

static void test_P2_a_step_and_a_wait_have_one_grace_period(void **state)
{
	pthread_t trapper, waiter;
	struct pci_removal *op;

	(void)state;
	plat_event_init(&inside);
	plat_event_init(&may_leave);
	plat_event_init(&never);
	add("0:1:0.0");
	test_host.on_read = stay;
	assert_int_equal(pthread_create(&trapper, NULL, trap, NULL), 0);
	plat_event_wait(&inside, PLAT_FOREVER);
	op = start("0:1:0.0", 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pthread_create(&waiter, NULL, wait_for, op), 0);
	/* Time enough to come to an end for a wait that does not wait. */
	plat_event_wait(&never, plat_now() + 30 * MSEC);
	plat_event_set(&may_leave);
	pthread_join(waiter, NULL);
	pthread_join(trapper, NULL);
	assert_int_equal(hf_load_acquire(&left_when_removed), 1);
	pci_removal_finish(op);
	plat_event_destroy(&inside);
	plat_event_destroy(&may_leave);
	plat_event_destroy(&never);
}

/* --- a part and the whole ----------------------------------------------------------- */

static void test_the_loss_of_a_part_is_no_loss_of_the_whole(void **state)
{
	struct pci_removal *op;

	(void)state;
	add("0:1:0.0");
	add_child("0:1:0.1", "0:1:0.0");
	op = start("0:1:0.0", PCI_REMOVE_ASK);
	assert_int_equal(pci_mark_lost(at("0:1:0.1")), 0);
	assert_int_equal(pci_removal_wait(op), -EBUSY);
	pci_removal_query(op, &report);
	assert_int_equal(report.phase, PCI_REMOVAL_BUSY);
	pci_removal_finish(op);
	assert_int_equal(pci_device_lost(at("0:1:0.1")), 0);
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_ASK, MSEC), 0);
}

static void test_busy_after_a_part_is_removed_says_so(void **state)
{
	struct pci_stats before, after;
	struct pci_dev *ref;

	(void)state;
	add("0:1:0.0");
	add_child("0:1:0.1", "0:1:0.0");
	ref = get("0:1:0.0");
	pci_get_stats(&before);
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_ASK, 0), -EBUSY);
	pci_get_stats(&after);
	assert_int_equal(report.removed, 1);
	assert_int_equal(report.refs, 1);
	assert_string_equal(report.reason,
			    "a part is removed, the rest is in use");
	assert_int_equal(after.refused, before.refused);
	pcidev_put(ref);
}

/* --- who stands at the address ------------------------------------------------------ */

static void test_a_late_loser_leaves_the_new_device_alone(void **state)
{
	uint64_t old;

	(void)state;
	add("0:1:0.0");
	old = info_of("0:1:0.0").instance;
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	add("0:1:0.0");
	assert_int_equal(pci_instance_lost(at("0:1:0.0"), old), -ENODEV);
	assert_false(info_of("0:1:0.0").lost);
}

/* --- who takes part ------------------------------------------------------------------- */

static void test_nine_stages_fit(void **state)
{
	static const struct pci_stage empty = { .name = "empty" };
	unsigned int i;

	(void)state;
	for (i = 2; i < 9; i++) /* there are two */
		assert_int_equal(pci_stage_register(&empty), 0);
	assert_int_equal(pci_stage_register(&empty), -ENOSPC);
	assert_int_equal(pci_config_init(), -ENOSPC);
	assert_int_equal(pci_irq_init(NULL), -ENOSPC);
	assert_int_equal(pci_iommu_init(NULL), -ENOSPC);
	assert_int_equal(pci_reset_init(), -ENOSPC);
	add("0:1:0.0");
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), 0);
}

/* --- what a removal leaves behind ------------------------------------------------------ */

static void test_rule8_a_hidden_device_is_quarantined_too(void **state)
{
	(void)state;
	add("0:1:0.0");
	assert_int_equal(pci_hide_device(at("0:1:0.0"), true), 0);
	test_stage.quiesce_error = -EIO;
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), -EIO);
	assert_int_equal(info_of("0:1:0.0").owner, DOMID_IO);
	assert_int_equal(pci_hide_device(at("0:1:0.0"), false), -EBADF);
}

static void on_ask(struct pci_hold *hold, void *data, uint64_t deadline)
{
	(void)data;
	(void)deadline;
	(void)hold;
}

static void test_rule7_no_trace_of_a_question_is_left(void **state)
{
	static const struct pci_hold_ops ops = { .ask = on_ask };
	struct pci_hold_info info;
	struct pci_removal *op;
	struct pci_dev *pdev;
	struct pci_hold *h;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	assert_int_equal(
		pci_hold_take(pdev, PCI_HOLD_SESSION, "s", &ops, NULL, &h), 0);
	pcidev_put(pdev);
	op = start("0:1:0.0", PCI_REMOVE_ASK);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_holds_query(at("0:1:0.0"), &info, 1), 1);
	assert_true(info.asked);
	pci_hold_refuse(h);
	assert_int_equal(pci_removal_wait(op), -EBUSY);
	pci_removal_query(op, &report);
	assert_true(report.blocker[0].hold.refused);
	pci_removal_finish(op);
	assert_int_equal(pci_holds_query(at("0:1:0.0"), &info, 1), 1);
	assert_false(info.asked || info.refused);
	pci_hold_release(h);
}

static void test_a_start_that_fails_leaves_a_clear_report(void **state)
{
	struct pci_removal *op;
	struct pci_dev *ref;

	(void)state;
	add("0:1:0.0");
	ref = get("0:1:0.0");
	op = start("0:1:0.0", 0);
	memset(&report, 0xee, sizeof(report));
	assert_int_equal(pci_remove_device(at("0:1:0.0"), 0, 0, &report),
			 -EALREADY);
	assert_int_equal(report.result, -EALREADY);
	assert_int_equal(report.blockers, 0);
	pci_removal_finish(op);
	pcidev_put(ref);
}

/* --- the platform's grace periods ----------------------------------------------- */

struct sitter {
	pthread_t thread;
	sem_t in, out;
};

static void *sit(void *data)
{
	struct sitter *s = data;

	plat_rcu_read_lock();
	sem_post(&s->in);
	sem_wait(&s->out);
	plat_rcu_read_unlock();
	return NULL;
}

static void sit_down(struct sitter *s)
{
	sem_init(&s->in, 0, 0);
	sem_init(&s->out, 0, 0);
	assert_int_equal(pthread_create(&s->thread, NULL, sit, s), 0);
	sem_wait(&s->in);
}

static void get_up(struct sitter *s)
{
	sem_post(&s->out);
	pthread_join(s->thread, NULL);
}

static void wait_for_period(plat_gp_t gp)
{
	while (!plat_gp_done(gp))
		;
}

static bool is_done_until(plat_gp_t gp, uint64_t until)
{
	while (!plat_gp_done(gp))
		if (plat_now() >= until)
			return false;
	return true;
}

/*
 * P2: it would not cover the sections that were entered since it began. One that
 * is just beginning may wait for them all the same: then once more.
 */
static void test_P2_a_period_that_has_begun_does_not_count(void **state)
{
	uint64_t limit = plat_now() + 20000 * MSEC;
	struct sitter before, since;
	plat_gp_t first, second;
	bool another, done;

	(void)state;
	do {
		sit_down(&before);
		first = plat_gp_start();
		do { /* until it has begun */
			second = plat_gp_start();
		} while (second == first && plat_now() < limit);
		another = second != first;
		if (!another)
			get_up(&before);
		assert_true(another);
		sit_down(&since);
		second = plat_gp_start();
		assert_false(plat_gp_done(first));
		get_up(&before);
		done = is_done_until(first, plat_now() + 500 * MSEC);
		assert_false(plat_gp_done(second));
		get_up(&since);
		wait_for_period(second);
	} while (!done && plat_now() < limit);
	assert_true(done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_P2_a_step_and_a_wait_have_one_grace_period),
		CASE(test_the_loss_of_a_part_is_no_loss_of_the_whole),
		CASE(test_busy_after_a_part_is_removed_says_so),
		CASE(test_a_late_loser_leaves_the_new_device_alone),
		CASE(test_nine_stages_fit),
		CASE(test_rule8_a_hidden_device_is_quarantined_too),
		CASE(test_rule7_no_trace_of_a_question_is_left),
		CASE(test_a_start_that_fails_leaves_a_clear_report),
		CASE(test_P2_a_period_that_has_begun_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
