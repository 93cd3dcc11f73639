/* SPDX-License-Identifier: BSD-2-Clause */
/* References: R3, R5, R6, R7, R14, R15, R16, R19, R20, H4. */
#include <holdfast/iommu.h>
#include <holdfast/vpci.h>

#include "support.h"

static void test_R3_creation_holds_one_reference(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	assert_int_equal(life_count(&pdev->life), 2); /* registry and ours */
	pcidev_put(pdev);
}

static void test_R5_lookup_returns_a_counted_pointer(void **state)
{
	struct pci_dev *a, *b;

	(void)state;
	add("0:1:0.0");
	a = get("0:1:0.0");
	b = pci_get_pdev(hardware_domain, at("0:1:0.0"));
	assert_ptr_equal(a, b);
	assert_int_equal(refs("0:1:0.0"), 2);
	pcidev_get(a);
	assert_int_equal(refs("0:1:0.0"), 3);
	pcidev_put(a);
	pcidev_put(a);
	pcidev_put(b);
	assert_int_equal(refs("0:1:0.0"), 0);
	assert_null(pci_get_pdev(NULL, at("0:1:0.1")));
	assert_null(pci_get_pdev(NULL, at("7:1:0.0")));
	pcidev_put(NULL);
}

static void test_R6_no_reference_comes_back_from_the_dead(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	plat_rcu_read_lock();
	assert_false(pcidev_tryget(pdev));
	plat_rcu_read_unlock();
	assert_int_equal(life_count(&pdev->life), 1);
	pcidev_put(pdev);
}

static void test_R7_reference_taken_before_unlink_sees_gone(void **state)
{
	struct pci_dev_info info;
	struct pci_dev *pdev;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	assert_int_equal(pcidev_state(pdev), PCI_STATE_LOST);
	assert_true(pcidev_is_lost(pdev));
	pcidev_query(pdev, &info);
	assert_int_equal(info.state, PCI_STATE_LOST);
	assert_int_equal(info.refs, 0);
	assert_string_equal(info.owner_name, "");
	pcidev_put(pdev);
}

static void add_phantom(const char *sbdf, uint8_t stride)
{
	struct pci_dev_desc desc = { .sbdf = at(sbdf),
				     .parent = at(sbdf),
				     .type = PCI_TYPE_ENDPOINT,
				     .phantom_stride = stride };

	assert_int_equal(pci_register_device(&desc, NULL), 0);
}

static void expect_real(const char *phantom, const char *real)
{
	struct pci_dev *pdev = pci_get_real_pdev(at(phantom));

	if (!real) {
		assert_null(pdev);
		return;
	}
	assert_non_null(pdev);
	assert_int_equal(pcidev_sbdf(pdev).sbdf, at(real).sbdf);
	pcidev_put(pdev);
}

static void test_R14_phantom_lookup_drops_its_reference(void **state)
{
	(void)state;
	add_phantom("0:1:0.0", 4);
	add_phantom("0:1:1.0", 1);
	add_phantom("0:1:2.1", 2);
	add("0:1:3.0");
	expect_real("0:1:0.4", "0:1:0.0");
	expect_real("0:1:0.2", NULL);
	expect_real("0:1:1.7", "0:1:1.0");
	expect_real("0:1:2.3", "0:1:2.1");
	expect_real("0:1:2.7", "0:1:2.1");
	expect_real("0:1:2.2", NULL);
	expect_real("0:1:3.4", NULL);
	expect_real("0:1:3.0", "0:1:3.0");
	assert_int_equal(refs("0:1:0.0"), 0);
	assert_int_equal(refs("0:1:1.0"), 0);
	assert_int_equal(refs("0:1:2.1"), 0);
	assert_int_equal(refs("0:1:3.0"), 0);
}

static void test_R15_no_reference_is_harmless(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	assert_int_equal(remove_dev("0:1:0.0", PCI_REMOVE_FORCE, 0), -EBUSY);
	assert_int_equal(report.refs, 1);
	assert_int_equal(report.refs_on.sbdf, at("0:1:0.0").sbdf);
	pcidev_put(pdev);
	assert_int_equal(remove_dev("0:1:0.0", 0, 0), 0);
}

static void test_R16_stored_pointers_own_references(void **state)
{
	struct domain *d = guest("vm1", NULL);
	struct pci_hold *pin;
	struct pci_dev *pdev;

	(void)state;
	add("0:1:0.0");
	add_child("0:1:0.1", "0:1:0.0");
	assert_int_equal(refs("0:1:0.0"), 1); /* its child's */
	pdev = get("0:1:0.0");
	assert_int_equal(
		pci_hold_take(pdev, PCI_HOLD_PIN, "t", NULL, NULL, &pin), 0);
	pcidev_put(pdev);
	assert_int_equal(refs("0:1:0.0"), 2);
	assign(d, "0:1:0.1");
	assert_int_equal(refs("0:1:0.1"), 1); /* the assignment's */
	assert_int_equal(pci_deassign_device(d, at("0:1:0.1"), 0, NULL), 0);
	assert_int_equal(refs("0:1:0.1"), 0);
	assert_true(pci_hold_release(pin));
	assert_int_equal(refs("0:1:0.0"), 1);
	end_of(d);
}

static uint64_t word_in_trap;
static struct pci_dev *trapped;

static void look_at_word(pci_sbdf_t sbdf)
{
	(void)sbdf;
	word_in_trap = life_read(&trapped->life);
}

static void test_R19_a_trap_takes_no_reference(void **state)
{
	uint64_t val = 0;
	uint64_t before;

	(void)state;
	add("0:1:0.0");
	trapped = get("0:1:0.0");
	before = life_read(&trapped->life);
	test_host.on_read = look_at_word;
	assert_int_equal(vpci_read(hardware_domain, at("0:1:0.0"), 0x10, 4,
				   &val),
			 PCI_DONE);
	assert_int_equal(val, 0x14);
	assert_true(word_in_trap == before);
	pcidev_put(trapped);
}

static void test_R20_the_count_saturates(void **state)
{
	struct pci_stats stats;
	struct pci_counter life;
	int i;

	(void)state;
	life_init(&life);
	life_set_state(&life, PCI_STATE_LIVE);
	hf_store_relaxed(&life.word,
			 life_word(PCI_STATE_LIVE, LIFE_COUNT_MAX - 2));
	assert_int_equal(life_tryget(&life), LIFE_TAKEN);
	assert_int_equal(life_tryget(&life), LIFE_SATURATED);
	assert_false(life_get(&life));
	assert_int_equal(life_state(&life), PCI_STATE_LIVE);
	for (i = 0; i < 5; i++)
		assert_int_equal(life_put(&life), LIFE_KEPT);
	assert_true(life_is_stuck(life_read(&life)));
	pci_get_stats(&stats);
	assert_int_equal(stats.saturated, 0);
}

static void test_R20_a_put_without_a_reference_is_told(void **state)
{
	struct pci_counter life;

	(void)state;
	life_init(&life);
	life_set_state(&life, PCI_STATE_LIVE);
	life_set_state(&life, PCI_STATE_LOST);
	assert_int_equal(life_put(&life), LIFE_FREE);
	assert_int_equal(life_put(&life), LIFE_NO_REFERENCE);
	assert_int_equal(life_count(&life), 0);
}

static void test_drained_is_told_at_two_only(void **state)
{
	struct pci_counter life;

	(void)state;
	life_init(&life);
	life_set_state(&life, PCI_STATE_LIVE);
	life_get(&life);
	life_get(&life);
	assert_int_equal(life_put(&life), LIFE_KEPT); /* live: nobody waits */
	life_get(&life);
	life_get(&life);
	life_set_state(&life, PCI_STATE_DRAINING);
	assert_int_equal(life_tryget(&life), LIFE_NOT_LIVE);
	assert_int_equal(life_put(&life), LIFE_KEPT);
	assert_int_equal(life_put(&life), LIFE_DRAINED);
	assert_int_equal(life_put(&life), LIFE_KEPT);
}

static void
test_H4_a_fault_handler_uses_the_device_after_unlocking(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	add("0:1:0.0");
	pdev = pci_get_real_pdev(at("0:1:0.0")); /* as a fault handler does */
	pci_lock(&pdev->lock);
	pci_unlock(&pdev->lock);
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	plat_rcu_barrier();
	assert_int_equal(pcidev_sbdf(pdev).sbdf, at("0:1:0.0").sbdf);
	pcidev_put(pdev);
}

static void test_R20_a_saturated_device_is_reported_and_kept(void **state)
{
	struct pci_stats before, after;
	struct pci_dev *pdev;
	uint64_t word;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	word = life_read(&pdev->life);
	pci_get_stats(&before);
	hf_store_relaxed(&pdev->life.word,
			 life_word(PCI_STATE_LIVE, LIFE_COUNT_MAX - 1));
	assert_true(pcidev_tryget(pdev));
	pcidev_get(pdev);
	pci_get_stats(&after);
	assert_int_equal(after.saturated, before.saturated + 2);
	pcidev_put(pdev);
	pcidev_put(pdev);
	assert_int_equal(life_count(&pdev->life), LIFE_COUNT_STUCK);
	hf_store_relaxed(&pdev->life.word, word);
	pcidev_put(pdev);
}

/* A put too many while it lives frees nothing that can still be found. */
static void test_only_the_dead_are_freed(void **state)
{
	struct pci_counter life;

	(void)state;
	life_init(&life);
	life_set_state(&life, PCI_STATE_LIVE);
	assert_int_equal(life_put(&life), LIFE_KEPT);
	assert_int_equal(life_put(&life), LIFE_NO_REFERENCE);
}

/* --- our own mistakes ------------------------------------------------------------ */

static void one_put_too_many(void)
{
	struct pci_dev *pdev = get("0:1:0.0");

	pcidev_put(pdev);
	pcidev_put(pdev); /* the registry's */
	pcidev_put(pdev);
}

static void the_last_put_too_early(void)
{
	pcidev_put_final(get("0:1:0.0"));
}

static void back_from_the_dead(void)
{
	struct pci_dev *pdev = get("0:1:0.0");

	pci_lock(&pdev->lock);
	pcidev_set_state(pdev, PCI_STATE_LOST);
	pcidev_set_state(pdev, PCI_STATE_LIVE);
}

static void from_a_domain_to_itself(void)
{
	(void)!pcidev_move(get("0:1:0.0"), dom_io, dom_io, PCI_MOVE_PLAIN, NULL,
			   NULL, NULL);
}

static void test_our_own_mistakes_stop(void **state)
{
	(void)state;
	add("0:1:0.0");
	assert_string_equal(stops(one_put_too_many),
			    "put of device 100 without a reference");
	assert_non_null(strstr(stops(the_last_put_too_early),
			       "life_word(PCI_STATE_GONE, 2) does not hold"));
	assert_string_equal(stops(back_from_the_dead),
			    "device 100: no way from lost to live");
	assert_non_null(
		strstr(stops(from_a_domain_to_itself), "a != b does not hold"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_R3_creation_holds_one_reference),
		CASE(test_R5_lookup_returns_a_counted_pointer),
		CASE(test_R6_no_reference_comes_back_from_the_dead),
		CASE(test_R7_reference_taken_before_unlink_sees_gone),
		CASE(test_R14_phantom_lookup_drops_its_reference),
		CASE(test_R15_no_reference_is_harmless),
		CASE(test_R16_stored_pointers_own_references),
		CASE(test_R19_a_trap_takes_no_reference),
		CASE(test_R20_the_count_saturates),
		CASE(test_R20_a_put_without_a_reference_is_told),
		CASE(test_drained_is_told_at_two_only),
		CASE(test_H4_a_fault_handler_uses_the_device_after_unlocking),
		CASE(test_R20_a_saturated_device_is_reported_and_kept),
		CASE(test_only_the_dead_are_freed),
		CASE(test_our_own_mistakes_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
