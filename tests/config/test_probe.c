/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_host.h"

#include <pthread.h>

static struct fake_fn *card(void)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);

	fake_put(fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0xfe000000, 0xfffff000);
	return fn;
}

static void test_adding_is_announced_before_the_first_access(void **state)
{
	struct fake_fn *fn = card();

	(void)state;
	add("00:03.0"); /* the fake host counts what is not announced */
	assert_true(fn->told);
	assert_int_not_equal(fn->accesses, 0);
	assert_int_equal(info_of("00:03.0").desc.bar[0].size, 4096);
	assert_int_equal(info_of("00:03.0").owner, DOMID_HARDWARE);
}

static void test_a_failed_add_promises_not_to_touch_it_again(void **state)
{
	struct fake_fn *fn = card();

	(void)state;
	fn->absent = true;
	assert_int_equal(pci_add_device(fn->sbdf), -ENODEV);
	assert_false(fn->told);
	assert_int_equal(pci_add_device(at("1:00:03.0")), -ENODEV);
}

static void test_rule16_a_live_device_is_only_read(void **state)
{
	struct fake_fn *fn = card();
	uint64_t instance;
	unsigned int writes;

	(void)state;
	add("00:03.0");
	instance = info_of("00:03.0").instance;
	writes = fn->writes;
	add("00:03.0");
	assert_int_equal(fn->writes, writes);
	assert_int_equal(info_of("00:03.0").instance, instance);
	assert_int_equal(info_of("00:03.0").refs, 0);
}

static void replaced_in(uint16_t reg, uint32_t val)
{
	struct fake_fn *fn;
	uint64_t instance;

	fake.count = 0;
	fn = card();
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_DSN);
	add("00:03.0");
	instance = info_of("00:03.0").instance;
	fake_put(fn, reg, 4, val);
	add("00:03.0");
	assert_int_not_equal(info_of("00:03.0").instance, instance);
	assert_true(fn->told);
	assert_int_equal(pci_device_lost(fn->sbdf), 0);
}

static void test_rule16_other_hardware_is_a_new_device(void **state)
{
	(void)state;
	replaced_in(PCI_VENDOR_ID, 0x10fb8087);
	replaced_in(PCI_VENDOR_ID, 0x10fc8086);
	replaced_in(PCI_CLASS_REVISION, 0x02000002);
	replaced_in(PCI_SUBSYSTEM_VENDOR_ID, 0x00001028);
	replaced_in(PCI_SUBSYSTEM_VENDOR_ID, 0x00010000);
	replaced_in(0x100 + PCI_DSN_LOWER, 1);
	replaced_in(0x100 + PCI_DSN_UPPER, 1);
}

/* As Linux does it: told of, numbered, told of again. */
static void test_rule16_a_bridge_is_numbered_later(void **state)
{
	struct fake_fn *fn = fake_bridge("00:1c.0", 0, 0);
	unsigned int writes;

	(void)state;
	fake_add("05:00.0", 0x10fb8086);
	add("00:1c.0");
	fake_put(fn, PCI_SECONDARY_BUS, 2, 0x0505);
	add("00:1c.0");
	assert_int_equal(info_of("00:1c.0").desc.secondary, 5);
	add("05:00.0");
	assert_int_equal(info_of("05:00.0").desc.parent.sbdf, fn->sbdf.sbdf);
	writes = fn->writes;
	fake_put(fn, PCI_SUBORDINATE_BUS, 1, 6);
	assert_int_equal(pci_add_device(fn->sbdf), -EBUSY);
	assert_int_equal(fn->writes, writes); /* not sized while it forwards */
	assert_true(fn->told);
	/* What is no answer says of no other one. */
	fake_put(fn, PCI_PRIMARY_BUS, 4, UINT32_MAX);
	add("00:1c.0");
	assert_int_equal(info_of("00:1c.0").desc.secondary, 5);
}

/* Nobody tells of the bridges again. */
static void test_a_device_finds_its_bridges_numbered(void **state)
{
	struct fake_fn *top = fake_bridge("00:1c.0", 0, 0);
	struct fake_fn *low = fake_bridge("05:00.0", 0, 0);
	struct fake_fn *idle = fake_bridge("00:1d.0", 0, 0);
	unsigned int before;

	(void)state;
	add("00:1c.0");
	add("00:1d.0");
	fake_put(top, PCI_SECONDARY_BUS, 2, 0x0605);
	add("05:00.0");
	assert_int_equal(info_of("05:00.0").desc.parent.sbdf, top->sbdf.sbdf);
	fake_put(low, PCI_SECONDARY_BUS, 2, 0x0606);
	fake_add("06:00.0", 0x10fb8086);
	add("06:00.0");
	assert_int_equal(info_of("06:00.0").desc.parent.sbdf, low->sbdf.sbdf);
	before = idle->accesses;
	fake_add("80:00.0", 0x10fb8086);
	add("80:00.0");
	assert_int_equal(idle->accesses, before + 1);
	assert_int_equal(pci_device_lost(idle->sbdf), 0);
	before = idle->accesses;
	fake_add("81:00.0", 0x10fb8086);
	add("81:00.0");
	assert_int_equal(idle->accesses, before);
}

static void test_a_bridge_that_cannot_be_taken_up(void **state)
{
	struct fake_fn *bridge = fake_bridge("00:1c.0", 0, 0);
	struct fake_fn *fn = fake_add("05:00.0", 0x10fb8086);

	(void)state;
	add("00:1c.0");
	fake_put(bridge, PCI_SECONDARY_BUS, 2, 0x0505);
	bridge->unreadable = true;
	assert_int_equal(pci_add_device(fn->sbdf), -ENXIO);
	assert_int_equal(fn->accesses, 0);
	bridge->unreadable = false;
	bridge->absent = true; /* and so nothing is behind it */
	add("05:00.0");
	bridge->absent = false;
	fake_add("06:00.0", 0x10fb8086);
	add("06:00.0");
	assert_string_equal(info_of("05:00.0").broken,
			    "behind a bridge that was added after it");
	assert_null(info_of("06:00.0").broken);
}

static void test_rule16_a_live_vf_is_only_read(void **state)
{
	struct fake_fn *pf = card();
	uint64_t instance;

	(void)state;
	fake_sriov(pf, 2, 8, 1);
	add("00:03.0");
	add("00:04.0");
	instance = info_of("00:04.0").instance;
	add("00:04.0");
	assert_int_equal(info_of("00:04.0").instance, instance);
	assert_int_equal(fake_at(at("00:04.0"))->writes, 0);
	fake_put(pf, 0x200 + PCI_SRIOV_VF_DID, 2, 0x1515);
	add("00:04.0");
	assert_int_not_equal(info_of("00:04.0").instance, instance);
}

static void test_a_vf_that_its_pf_counts_no_more_is_nobody(void **state)
{
	struct fake_fn *pf = card();

	(void)state;
	fake_sriov(pf, 2, 8, 1);
	add("00:03.0");
	add("00:04.1");
	fake_put(pf, 0x200 + PCI_SRIOV_NUM_VF, 2, 1);
	assert_int_equal(pci_add_device(at("00:04.1")), -ENODEV);
	assert_true(is_there("00:04.1"));
}

static void test_one_that_answers_no_more_is_not_replaced(void **state)
{
	struct fake_fn *fn = card();

	(void)state;
	add("00:03.0");
	fn->absent = true;
	assert_int_equal(pci_add_device(fn->sbdf), -ENODEV);
	assert_true(is_there("00:03.0"));
	assert_true(fn->told); /* it is registered: its removal will say so */
	fn->absent = false;
	fn->retries = 1;
	assert_int_equal(pci_add_device(fn->sbdf), -EAGAIN);
}

static void test_one_that_cannot_be_read_is_not_replaced(void **state)
{
	struct fake_fn *fn = card();
	unsigned int i, total;
	uint64_t instance;

	(void)state;
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_DSN);
	fake_put(fn, 0x100 + PCI_DSN_LOWER, 4, 77);
	add("00:03.0");
	instance = info_of("00:03.0").instance;
	fake.accesses = 0;
	add("00:03.0");
	total = fake.accesses;
	assert_true(total > 5);
	for (i = 1; i <= total; i++) {
		fake.accesses = 0;
		fake.error_at = i;
		assert_int_equal(pci_add_device(fn->sbdf), -EIO);
		assert_int_equal(info_of("00:03.0").instance, instance);
	}
}

static void test_rule16_during_a_removal_it_is_busy_and_untouched(void **state)
{
	struct fake_fn *fn = card();
	struct pci_removal *op;
	unsigned int before;
	struct pci_dev *pdev;

	(void)state;
	add("00:03.0");
	pdev = get("00:03.0"); /* keeps it draining */
	assert_int_equal(pci_removal_start(fn->sbdf, 0, 1000 * MSEC, "test",
					   NULL, NULL, &op),
			 0);
	while (pcidev_state(pdev) != PCI_STATE_DRAINING)
		assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	before = fn->accesses;
	assert_int_equal(pci_add_device(fn->sbdf), -EBUSY);
	assert_int_equal(fn->accesses, before);
	assert_true(fn->told);
	pcidev_put(pdev);
	assert_int_equal(pci_removal_cancel(op), 0);
	pci_removal_finish(op);
}

static void
test_a_failed_add_promises_nothing_of_who_is_registered(void **state)
{
	struct fake_fn *fn = card();
	struct pci_removal *op;
	struct pci_hold *pin;
	struct pci_dev *pdev;

	(void)state;
	add("00:03.0");
	pdev = get("00:03.0");
	assert_int_equal(
		pci_hold_take(pdev, PCI_HOLD_PIN, "test", NULL, NULL, &pin), 0);
	pcidev_put(pdev);
	assert_int_equal(pci_removal_start(fn->sbdf, PCI_REMOVE_ASK,
					   1000 * MSEC, "test", NULL, NULL,
					   &op),
			 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	/* Alive yet, and other hardware: it would have to be lost first. */
	fake_put(fn, PCI_DEVICE_ID, 2, 0x1234);
	assert_int_equal(pci_add_device(fn->sbdf), -EBUSY);
	assert_true(fn->told);
	assert_int_equal(pci_removal_cancel(op), 0);
	pci_removal_finish(op);
	pci_hold_release(pin);
}

static void test_after_a_removal_it_can_come_again(void **state)
{
	struct fake_fn *fn = card();
	uint64_t instance;

	(void)state;
	add("00:03.0");
	instance = info_of("00:03.0").instance;
	assert_int_equal(pci_remove_device(fn->sbdf, 0, 1000 * MSEC, NULL), 0);
	assert_false(fn->told);
	add("00:03.0");
	assert_true(info_of("00:03.0").instance > instance);
}

static void test_a_defective_device_is_registered_broken(void **state)
{
	struct fake_fn *fn = card();

	(void)state;
	fake_cap(fn, 0x40, PCI_CAP_ID_PM);
	fn->reg[0x41] = 0x40;
	add("00:03.0");
	assert_string_equal(info_of("00:03.0").broken,
			    "the capability list is broken");
}

/* --- on its way out ------------------------------------------------------- */

static void test_a_vf_whose_pf_is_just_going_is_busy(void **state)
{
	struct pci_dev *pf;

	(void)state;
	fake_sriov(card(), 2, 8, 1);
	add("00:03.0");
	add("00:04.0");
	pf = get("00:03.0");
	life_set_state(&pf->life, PCI_STATE_DRAINING);
	assert_int_equal(pci_add_device(at("00:04.0")), -EBUSY);
	life_set_state(&pf->life, PCI_STATE_LIVE);
	pcidev_put(pf);
	assert_int_equal(pci_add_device(at("00:04.0")), 0);
}

static unsigned int stride;

static void describe_neighbour(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn, (void)write, (void)reg;
	fake.on_access = NULL;
	stride = described("00:03.0").phantom_stride;
}

/* Who is being probed may be there, so his ID is nobody else's. */
static void test_a_neighbour_being_probed_counts_as_there(void **state)
{
	(void)state;
	fake_add("00:03.0", 0x91721b4b);
	fake_add("00:03.1", 0x91a41b4b)->absent = true;
	fake.on_access = describe_neighbour;
	assert_int_equal(pci_add_device(at("00:03.1")), -ENODEV);
	assert_int_equal(stride, 2);
	assert_int_equal(described("00:03.0").phantom_stride, 1);
}

static int result_of_other;

static void add_other(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn;
	(void)write;
	(void)reg;
	fake.on_access = NULL;
	result_of_other = pci_add_device(at("00:04.0"));
}

static void test_probes_of_two_addresses_go_on_at_once(void **state)
{
	(void)state;
	card();
	fake_add("00:04.0", 0x10fb8086);
	result_of_other = -EIO;
	fake.on_access = add_other;
	add("00:03.0");
	assert_int_equal(result_of_other, 0);
	assert_true(is_there("00:04.0"));
}

/* --- two at once ---------------------------------------------------------- */

static plat_event_t inside, go_on;
static int second_result;

static void pause_in_probe(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn;
	(void)reg;
	if (!write)
		return;
	fake.on_access = NULL;
	plat_event_set(&inside);
	plat_event_wait(&go_on, PLAT_FOREVER);
}

static void *add_second(void *unused)
{
	(void)unused;
	plat_event_wait(&inside, PLAT_FOREVER);
	second_result = pci_add_device(at("00:03.0"));
	plat_event_set(&go_on);
	return NULL;
}

static void test_two_probes_of_one_address_exclude_each_other(void **state)
{
	pthread_t thread;

	(void)state;
	card();
	plat_event_init(&inside);
	plat_event_init(&go_on);
	fake.on_access = pause_in_probe;
	assert_int_equal(pthread_create(&thread, NULL, add_second, NULL), 0);
	add("00:03.0");
	pthread_join(thread, NULL);
	assert_int_equal(second_result, -EBUSY);
	assert_int_equal(info_of("00:03.0").desc.bar[0].size, 4096);
	plat_event_destroy(&inside);
	plat_event_destroy(&go_on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_adding_is_announced_before_the_first_access),
		CASE(test_a_failed_add_promises_not_to_touch_it_again),
		CASE(test_rule16_a_live_device_is_only_read),
		CASE(test_rule16_other_hardware_is_a_new_device),
		CASE(test_rule16_a_bridge_is_numbered_later),
		CASE(test_a_device_finds_its_bridges_numbered),
		CASE(test_a_bridge_that_cannot_be_taken_up),
		CASE(test_rule16_a_live_vf_is_only_read),
		CASE(test_a_vf_that_its_pf_counts_no_more_is_nobody),
		CASE(test_one_that_answers_no_more_is_not_replaced),
		CASE(test_one_that_cannot_be_read_is_not_replaced),
		CASE(test_rule16_during_a_removal_it_is_busy_and_untouched),
		CASE(test_a_failed_add_promises_nothing_of_who_is_registered),
		CASE(test_after_a_removal_it_can_come_again),
		CASE(test_a_defective_device_is_registered_broken),
		CASE(test_a_vf_whose_pf_is_just_going_is_busy),
		CASE(test_a_neighbour_being_probed_counts_as_there),
		CASE(test_probes_of_two_addresses_go_on_at_once),
		CASE(test_two_probes_of_one_address_exclude_each_other),
	};

	return cmocka_run_group_tests_name("config/probe", tests, NULL, NULL);
}
