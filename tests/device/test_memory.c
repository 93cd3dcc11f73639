/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory runs out at the n-th allocation, n = 1, 2, … until nothing fails any
 * more: each call says -ENOMEM, has done nothing, and works the next time.
 */
#include <holdfast/iommu.h>

#include "support.h"

static unsigned int fail_in;

void *__wrap_plat_zalloc(size_t size);
void *__real_plat_zalloc(size_t size);

void *__wrap_plat_zalloc(size_t size)
{
	if (fail_in && !--fail_in)
		return NULL;
	return __real_plat_zalloc(size);
}

/* Each is undone, so that it can be done again. */
static int add_segment(void)
{
	return pci_segment_add(5, &test_host.host); /* there is no way back */
}

static int register_child(void)
{
	int err = try_add("0:1:0.1", "0:1:0.0", 1);

	return err ? err : pci_device_lost(at("0:1:0.1"));
}

static int create_domain(void)
{
	struct domain *d;
	int err = domain_create(0, "vm1", NULL, NULL, &d);

	if (!err)
		end_of(d);
	return err;
}

static int take_hold(void)
{
	struct pci_dev *pdev = get("0:1:0.0");
	struct pci_hold *hold;
	int err = pci_hold_take(pdev, PCI_HOLD_PIN, "p", NULL, NULL, &hold);

	if (!err)
		pci_hold_release(hold);
	pcidev_put(pdev);
	return err;
}

static int start_removal(void)
{
	struct pci_removal *op;
	int err = pci_removal_start(at("0:1:0.0"), 0, 0, "t", NULL, NULL, &op);

	if (!err) {
		pci_removal_cancel(op);
		pci_removal_finish(op);
	}
	return err;
}

static unsigned int runs_out(int (*call)(void))
{
	unsigned int n;

	for (n = 1;; n++) {
		struct pci_stats before, after;
		int err;

		pci_get_stats(&before);
		fail_in = n;
		err = call();
		if (fail_in) {
			assert_int_equal(err, 0);
			fail_in = 0;
			return n - 1;
		}
		assert_int_equal(err, -ENOMEM);
		pci_get_stats(&after);
		assert_int_equal(after.objects, before.objects);
		assert_int_equal(after.domains, before.domains);
		assert_int_equal(pci_check_invariants(), 0);
	}
}

static void test_each_call_says_so_and_has_done_nothing(void **state)
{
	static const struct {
		int (*call)(void);
		unsigned int allocations;
	} table[] = {
		{ add_segment, 1 }, { register_child, 3 }, { create_domain, 1 },
		{ take_hold, 1 },   { start_removal, 1 },
	};
	unsigned int i;

	(void)state;
	add("0:1:0.0");
	for (i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(runs_out(table[i].call), table[i].allocations);
}

/* The first three are the special domains'. */
static void test_the_core_does_not_start_without_memory(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; n <= 3; n++) {
		fail_in = n;
		assert_int_equal(pci_init(), -ENOMEM);
		assert_null(hardware_domain);
		plat_rcu_barrier();
	}
	assert_int_equal(pci_init(), 0);
	pci_fini();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_each_call_says_so_and_has_done_nothing),
		cmocka_unit_test(test_the_core_does_not_start_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
