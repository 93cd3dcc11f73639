/* SPDX-License-Identifier: BSD-2-Clause */
/* The run-time check of the lock order: each mistake stops, and says which. */
#include "support.h"

static struct pci_lock segment, device, other, leaf;
static struct pci_lock dom[9]; /* by rising id; one more than may be held */

static void wrong_rank(void)
{
	pci_lock(&device);
	pci_lock(&segment);
}

static void two_devices(void)
{
	pci_lock(&device);
	pci_lock(&other);
}

static void domains_backwards(void)
{
	pci_lock(&dom[1]);
	pci_lock(&dom[0]);
}

static void too_many(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dom); i++)
		pci_lock(&dom[i]);
}

static void unlocked_and_not_held(void)
{
	pci_lock(&device);
	pci_unlock(&leaf);
}

static void not_held(void)
{
	pci_lock(&device);
	pci_assert_held(&leaf);
}

static void wait_under_lock(void)
{
	pci_lock(&leaf);
	pci_assert_may_wait("the test");
}

static void wait_in_section(void)
{
	plat_rcu_read_lock();
	pci_assert_may_wait("the test");
}

static void right(void)
{
	pci_lock(&segment);
	pci_lock(&dom[0]);
	pci_lock(&dom[1]);
	pci_lock(&device);
	pci_lock(&leaf);
	pci_assert_held(&device);
	pci_unlock(&segment); /* any order out */
	pci_unlock(&leaf);
	pci_unlock(&device);
	pci_unlock(&dom[1]);
	pci_unlock(&dom[0]);
	pci_assert_may_wait("the test");
}

static void test_the_wrong_order_stops(void **state)
{
	static const struct {
		void (*fn)(void);
		const char *says;
	} mistake[] = {
		{ right, "" },
#ifdef HOLDFAST_DEBUG
		{ wrong_rank, "lock order: segment wanted under device" },
		{ two_devices, "lock order: other wanted under device" },
		{ domains_backwards, "lock order: domain wanted under domain" },
		{ too_many, "lock order: too many held for domain" },
		{ unlocked_and_not_held,
		  "lock order: leaf unlocked and not held" },
		{ not_held, "lock order: leaf should be held" },
		{ wait_under_lock, "the test under leaf" },
		{ wait_in_section, "the test inside a read-side section" },
#endif
	};
	unsigned int i;

	(void)state;
	pci_lock_init(&segment, LOCK_SEGMENT, "segment", 0);
	for (i = 0; i < ARRAY_SIZE(dom); i++)
		pci_lock_init(&dom[i], LOCK_DOMAIN, "domain", i);
	pci_lock_init(&device, LOCK_DEVICE, "device", 0);
	pci_lock_init(&other, LOCK_DEVICE, "other", 0);
	pci_lock_init(&leaf, LOCK_LEAF, "leaf", 0);
	for (i = 0; i < ARRAY_SIZE(mistake); i++)
		assert_string_equal(stops(mistake[i].fn), mistake[i].says);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_wrong_order_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
