/* SPDX-License-Identifier: BSD-2-Clause */
/* Adding, finding, walking: R11, R13, H1, H6, H9, H10, rule 16. */
#include <pthread.h>

#include <holdfast/iommu.h>
#include <holdfast/vpci.h>

#include "support.h"

static void test_R11_a_trap_takes_no_lock(void **state)
{
	struct pci_dev *pdev;
	uint64_t val = 0;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	pci_lock(&pdev->pseg->lock);
	pci_lock(&hardware_domain->lock);
	pci_lock(&pdev->lock);
	assert_int_equal(vpci_read(hardware_domain, at("0:1:0.0"), 0, 4, &val),
			 PCI_DONE);
	assert_int_equal(val, 4);
	pci_unlock(&pdev->lock);
	pci_unlock(&hardware_domain->lock);
	pci_unlock(&pdev->pseg->lock);
	pcidev_put(pdev);
}

static void test_R13_absent_and_busy_are_told_apart(void **state)
{
	struct domain *a = guest("a", NULL), *b = guest("b", NULL);
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);
	struct pci_dev *pdev;

	(void)state;
	add("0:1:0.0");
	assign(a, "0:1:0.0");
	assert_int_equal(pci_assign_device(b, at("0:1:0.0"), 0, &vsbdf, NULL),
			 -EBUSY);
	assert_int_equal(pci_assign_device(b, at("0:1:1.0"), 0, &vsbdf, NULL),
			 -ENODEV);
	assert_int_equal(pci_test_assign(b, at("0:1:0.0"), 0, NULL), -EBUSY);
	assert_int_equal(pci_test_assign(b, at("0:1:1.0"), 0, NULL), -ENODEV);
	assert_int_equal(pci_deassign_device(b, at("0:1:0.0"), 0, NULL),
			 -ENODEV);
	assert_int_equal(pci_lookup(b, at("0:1:0.0"), &pdev), -ENODEV);
	assert_string_equal(info_of("0:1:0.0").owner_name, "a");
	assert_int_equal(domain_destroy(a), 0);
	assert_int_equal(domain_destroy(b), 0);
	domain_put(a);
	domain_put(b);
}

static void test_a_draining_device_is_busy_not_absent(void **state)
{
	struct pci_removal *op;
	struct pci_dev *ref, *pdev;

	(void)state;
	add("0:1:0.0");
	ref = get("0:1:0.0");
	assert_int_equal(pci_removal_start(at("0:1:0.0"), 0, 10000 * MSEC, "t",
					   NULL, NULL, &op),
			 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(info_of("0:1:0.0").state, PCI_STATE_DRAINING);
	assert_int_equal(pci_lookup(NULL, at("0:1:0.0"), &pdev), -EBUSY);
	assert_int_equal(try_add("0:1:0.0", "0:1:0.0", 0x10fb), -EBUSY);
	assert_int_equal(pci_removal_cancel(op), 0);
	pci_removal_finish(op);
	pcidev_put(ref);
}

static hf_atomic(uint32_t) stop;

/* Finds it by every way that there is, and waits for its lock. */
static void *look(void *unused)
{
	struct pci_hold_info holds[2];
	struct pci_dev_info info;

	(void)unused;
	while (!hf_load_acquire(&stop)) {
		struct pci_dev *pdev =
			pci_get_pdev(hardware_domain, at("0:1:0.0"));

		if (pdev && pcidev_sbdf(pdev).bus != 1)
			abort();
		pcidev_put(pdev);
		if (!pci_query(at("0:1:0.0"), &info) && info.desc.sbdf.bus != 1)
			abort();
		(void)pci_holds_query(at("0:1:0.0"), holds, 2);
		pcidev_put(pci_next_pdev(0, NULL));
	}
	return NULL;
}

static void test_R8_H1_lookups_and_waiters_outlive_the_device(void **state)
{
	pthread_t thread[2];
	int i;

	(void)state;
	hf_store_relaxed(&stop, 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, look, NULL),
				 0);
	for (i = 0; i < 500; i++) {
		add("0:1:0.0");
		if (i % 2 || remove_dev("0:1:0.0", 0, MSEC))
			assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	}
	hf_store_release(&stop, 1);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

static void test_H6_a_walk_goes_on_by_address(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	add("0:1:0.0");
	add("0:1:1.0");
	add("0:2:0.0");
	pdev = pci_next_pdev(0, NULL);
	assert_int_equal(pcidev_sbdf(pdev).sbdf, at("0:1:0.0").sbdf);
	/* The one we stand on, and the next one, vanish. */
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	assert_int_equal(pci_device_lost(at("0:1:1.0")), 0);
	add("0:1:0.0"); /* behind us */
	pdev = pci_next_pdev(0, pdev);
	assert_int_equal(pcidev_sbdf(pdev).sbdf, at("0:2:0.0").sbdf);
	assert_null(pci_next_pdev(0, pdev));
	assert_int_equal(refs("0:2:0.0"), 0);
}

static void test_a_domain_walk_crosses_segments(void **state)
{
	struct domain *d = guest("vm1", NULL);
	struct pci_dev *pdev;
	uint32_t seen = 0;

	(void)state;
	add("0:1:0.0");
	add("0:2:0.0");
	add("1:1:0.0");
	assign(d, "0:2:0.0");
	assign(d, "1:1:0.0");
	for (pdev = domain_next_pdev(d, NULL); pdev;
	     pdev = domain_next_pdev(d, pdev))
		seen = seen << 8 | pcidev_sbdf(pdev).bus |
		       (uint32_t)pcidev_sbdf(pdev).seg << 4;
	assert_int_equal(seen, 0x0211);
	end_of(d);
}

static void test_a_special_domains_walk_crosses_gaps(void **state)
{
	struct pci_dev *pdev = NULL;
	uint32_t seen = 0;

	(void)state;
	assert_int_equal(pci_segment_add(5, &test_host.host), 0);
	add("0:1:0.0");
	add("5:2:0.0");
	while ((pdev = domain_next_pdev(hardware_domain, pdev)))
		seen = seen << 8 | pcidev_sbdf(pdev).bus |
		       (uint32_t)pcidev_sbdf(pdev).seg << 4;
	assert_int_equal(seen, 0x0152);
}

static void test_H9_a_vf_without_its_pf_frees_nothing(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	add("0:1:0.1");
	pdev = get("0:1:0.1");
	assert_int_equal(try_add("0:1:0.2", "0:1:0.0", 1), -ENODEV);
	assert_int_equal(try_add("0:1:0.1", "0:1:0.0", 1), -ENODEV);
	assert_false(is_there("0:1:0.2"));
	pcidev_put(pdev);
}

static void test_H10_a_failed_add_leaves_nothing(void **state)
{
	struct pci_stats before, after;

	(void)state;
	add("0:1:0.0");
	pci_get_stats(&before);
	test_stage.attach_error = -ENOMEM;
	assert_int_equal(try_add("0:1:1.0", "0:1:1.0", 1), -ENOMEM);
	assert_int_equal(try_add("0:1:0.1", "0:1:0.0", 1), -ENOMEM);
	test_stage.attach_error = 0;
	pci_get_stats(&after);
	assert_int_equal(before.objects, after.objects);
	assert_false(is_there("0:1:1.0"));
	assert_int_equal(info_of("0:1:0.0").children, 0);
	add("0:1:1.0");
}

static void test_rule16_the_same_hardware_again_changes_nothing(void **state)
{
	uint64_t instance;

	(void)state;
	add("0:1:0.0");
	instance = info_of("0:1:0.0").instance;
	add("0:1:0.0");
	assert_int_equal(info_of("0:1:0.0").instance, instance);
	assert_int_equal(refs("0:1:0.0"), 0);
}

static void test_rule16_other_hardware_loses_the_old(void **state)
{
	struct pci_dev *old;
	uint64_t instance;

	(void)state;
	add("0:1:0.0");
	add_child("0:1:0.1", "0:1:0.0");
	old = get("0:1:0.0");
	instance = old->instance;
	assert_int_equal(try_add("0:1:0.0", "0:1:0.0", 0x9999), 0);
	assert_true(pcidev_is_lost(old));
	assert_true(info_of("0:1:0.0").instance > instance);
	assert_int_equal(info_of("0:1:0.0").desc.ident.device, 0x9999);
	assert_false(is_there("0:1:0.1"));
	pcidev_put(old);
}

static void test_hostile_parents_are_refused(void **state)
{
	struct pci_dev_desc desc = { .sbdf = at("0:1:0.0"),
				     .parent = at("0:2:0.0") };

	(void)state;
	add("0:2:0.0");
	assert_int_equal(pci_register_device(&desc, NULL), -EINVAL);
	desc.parent = at("1:0:0.0");
	assert_int_equal(pci_register_device(&desc, NULL), -EINVAL);
	desc.sbdf.seg = 9;
	assert_int_equal(pci_register_device(&desc, NULL), -ENODEV);
}

static void test_bars_are_known_as_they_were_described(void **state)
{
	struct pci_dev_desc desc = { .sbdf = at("0:1:0.0"),
				     .parent = at("0:1:0.0") };
	const struct pci_bar bars[] = {
		[0] = { .kind = PCI_BAR_MEM64,
			.addr = 1ull << 63,
			.size = 1ull << 63,
			.prefetch = true },
		[2] = { .kind = PCI_BAR_MEM32, .size_unknown = true },
		[5] = { .kind = PCI_BAR_IO, .addr = 0xe001, .size = 1 },
		[PCI_BAR_COUNT - 1] = { .kind = PCI_BAR_ROM, .size = 0x800 },
	};
	struct pci_dev_info info;
	unsigned int i;

	(void)state;
	memcpy(desc.bar, bars, sizeof(bars));
	desc.bar[3].size = 0x3000;
	assert_int_equal(pci_register_device(&desc, NULL), -EINVAL);
	desc.bar[3].size = 0;
	desc.bar[3].kind = PCI_BAR_ROM + 1;
	assert_int_equal(pci_register_device(&desc, NULL), -EINVAL);
	desc.bar[3].kind = PCI_BAR_NONE;
	assert_int_equal(pci_register_device(&desc, NULL), 0);
	info = info_of("0:1:0.0");
	for (i = 0; i < PCI_BAR_COUNT; i++) {
		assert_int_equal(info.desc.bar[i].kind, bars[i].kind);
		assert_int_equal(info.desc.bar[i].addr, bars[i].addr);
		assert_int_equal(info.desc.bar[i].size, bars[i].size);
		assert_int_equal(info.desc.bar[i].prefetch, bars[i].prefetch);
		assert_int_equal(info.desc.bar[i].size_unknown,
				 bars[i].size_unknown);
	}
}

static void test_a_bus_knows_its_bridge(void **state)
{
	pci_sbdf_t bridge;

	(void)state;
	add_bridge("0:0:1.0", "0:0:1.0", 5);
	assert_int_equal(pci_bus_bridge(0, 5, &bridge), 0);
	assert_int_equal(bridge.sbdf, at("0:0:1.0").sbdf);
	assert_int_equal(pci_bus_bridge(0, 6, &bridge), -ENOENT);
	assert_int_equal(pci_bus_bridge(9, 5, &bridge), -ENODEV);
	assert_int_equal(remove_dev("0:0:1.0", 0, MSEC), 0);
	assert_int_equal(pci_bus_bridge(0, 5, &bridge), -ENOENT);

	/* Two that claim one bus: the first has it, until it goes. */
	add_bridge("0:0:1.0", "0:0:1.0", 5);
	add_bridge("0:0:2.0", "0:0:2.0", 5);
	assert_int_equal(remove_dev("0:0:2.0", 0, MSEC), 0);
	assert_int_equal(pci_bus_bridge(0, 5, &bridge), 0);
	assert_int_equal(bridge.sbdf, at("0:0:1.0").sbdf);
}

static void test_nothing_is_where_there_is_no_segment(void **state)
{
	pci_sbdf_t there = at("9:0:0.0"), cursor = there;
	struct domain *d = guest("vm1", NULL);
	struct pci_hold_info hold;
	struct pci_dev_info info;
	struct pci_dev *pdev;

	(void)state;
	assert_int_equal(pci_lookup(NULL, there, &pdev), -ENODEV);
	assert_null(pci_get_real_pdev(there));
	assert_null(vpci_get_pdev(d, there));
	assert_null(pci_next_pdev(9, NULL));
	assert_int_equal(pci_query(there, &info), -ENODEV);
	assert_int_equal(pci_query_next(there, &info), -ENOENT);
	assert_int_equal(pci_owner(there), -ENODEV);
	assert_int_equal(pci_slot_next(there, &cursor), -ENOENT);
	assert_int_equal(pci_holds_query(there, &hold, 1), -ENODEV);
	assert_int_equal(pci_mark_lost(there), -ENODEV);
	assert_int_equal(pci_device_lost(there), -ENODEV);
	assert_int_equal(pci_hide_device(there, true), -ENODEV);
	assert_null(pci_segment_host(9));
	assert_null(pci_segment_find(PLAT_PCI_SEGMENTS));
	end_of(d);
}

static void test_a_segment_has_one_host(void **state)
{
	struct pci_host other = test_host.host;

	(void)state;
	assert_int_equal(pci_segment_add(0, &test_host.host), 0);
	assert_int_equal(pci_segment_add(0, &other), -EEXIST);
	assert_int_equal(pci_segment_add(3, NULL), -EINVAL);
	assert_int_equal(pci_segment_next(0), 0);
	assert_int_equal(pci_segment_next(2), -ENOENT);
	assert_null(pci_segment_host(2));
}

static void test_segments_are_found_wherever_they_are(void **state)
{
	static const uint16_t seg[] = { 0, 1, 31, 32, 33, 0x7f, 0xfffe, 0xffff };
	unsigned int i, at = 0;

	(void)state;
	for (i = 1; i < ARRAY_SIZE(seg); i++)
		assert_int_equal(pci_segment_add(seg[i], &test_host.host), 0);
	for (i = 0; i < ARRAY_SIZE(seg); i++) {
		assert_int_equal(pci_segment_next(at), seg[i]);
		assert_int_equal(pci_segment_next(seg[i]), seg[i]);
		at = seg[i] + 1u;
	}
	assert_int_equal(pci_segment_next(at), -ENOENT);
}

static void test_a_read_only_device_drops_writes(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	pcidev_set_read_only(pdev, true);
	assert_true(info_of("0:1:0.0").read_only);
	pcidev_set_read_only(pdev, false);
	assert_false(info_of("0:1:0.0").read_only);
	pcidev_put(pdev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_R11_a_trap_takes_no_lock),
		CASE(test_R13_absent_and_busy_are_told_apart),
		CASE(test_a_draining_device_is_busy_not_absent),
		CASE(test_R8_H1_lookups_and_waiters_outlive_the_device),
		CASE(test_H6_a_walk_goes_on_by_address),
		CASE(test_a_domain_walk_crosses_segments),
		CASE(test_a_special_domains_walk_crosses_gaps),
		CASE(test_H9_a_vf_without_its_pf_frees_nothing),
		CASE(test_H10_a_failed_add_leaves_nothing),
		CASE(test_rule16_the_same_hardware_again_changes_nothing),
		CASE(test_rule16_other_hardware_loses_the_old),
		CASE(test_hostile_parents_are_refused),
		CASE(test_bars_are_known_as_they_were_described),
		CASE(test_a_bus_knows_its_bridge),
		CASE(test_nothing_is_where_there_is_no_segment),
		CASE(test_a_segment_has_one_host),
		CASE(test_segments_are_found_wherever_they_are),
		CASE(test_a_read_only_device_drops_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
