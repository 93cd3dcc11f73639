/* SPDX-License-Identifier: BSD-2-Clause */
/* Loss: rule 10. */
#include <pthread.h>

#include <holdfast/vpci.h>

#include "support.h"

static void test_rule10_a_subtree_is_lost_whole(void **state)
{
	struct pci_dev *pf, *vf;

	(void)state;
	add_bridge("0:0:1.0", "0:0:1.0", 1);
	add_child("0:1:0.0", "0:0:1.0");
	add_child("0:1:0.1", "0:1:0.0");
	add("0:2:0.0");
	pf = get("0:1:0.0");
	vf = get("0:1:0.1");
	assert_int_equal(pci_mark_lost(at("0:1:0.0")), 0);
	assert_true(pcidev_is_lost(pf) && pcidev_is_lost(vf));
	assert_false(info_of("0:0:1.0").lost);
	assert_int_equal(pci_device_lost(at("0:0:1.0")), 0);
	assert_false(is_there("0:0:1.0") || is_there("0:1:0.0") ||
		     is_there("0:1:0.1"));
	assert_true(is_there("0:2:0.0"));
	assert_int_equal(pci_device_lost(at("0:0:1.0")), -ENODEV);
	assert_int_equal(pci_mark_lost(at("0:0:1.0")), -ENODEV);
	pcidev_put(pf);
	pcidev_put(vf);
}

static void test_rule10_a_marked_device_is_not_touched(void **state)
{
	uint64_t val;
	uint32_t reads;

	(void)state;
	add("0:1:0.0");
	assert_int_equal(pci_mark_lost(at("0:1:0.0")), 0);
	reads = hf_load_acquire(&test_host.reads);
	assert_int_equal(vpci_read(hardware_domain, at("0:1:0.0"), 0, 4, &val),
			 PCI_DONE);
	assert_int_equal(val, UINT32_MAX);
	assert_int_equal(hf_load_acquire(&test_host.reads), reads);
	assert_null(pci_get_pdev(NULL, at("0:1:0.0")));
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
}

static void test_a_lost_slot_is_used_again_by_a_new_instance(void **state)
{
	struct pci_dev *old;
	uint64_t instance;

	(void)state;
	add("0:1:0.0");
	old = get("0:1:0.0");
	instance = info_of("0:1:0.0").instance;
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	add("0:1:0.0"); /* however many references the old one has */
	assert_int_equal(pci_mark_lost(at("0:1:0.0")), 0);
	add("0:1:0.0"); /* however far its loss has come */
	assert_false(info_of("0:1:0.0").lost);
	assert_int_equal(info_of("0:1:0.0").instance, instance + 2);
	assert_true(info_of("0:1:0.0").instance > instance);
	assert_true(pcidev_is_lost(old));
	pcidev_put(old);
	assert_true(is_there("0:1:0.0"));
}

static int added_too_early;

static void add_again(pci_sbdf_t sbdf)
{
	(void)sbdf;
	added_too_early = try_add("0:1:0.0", "0:1:0.0", 0x10fb);
}

static void test_rule10_a_slot_is_free_when_its_device_is_revoked(void **state)
{
	(void)state;
	add("0:1:0.0");
	test_stage.on_quiesce = add_again;
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	assert_int_equal(added_too_early, -EBUSY);
	test_stage.on_quiesce = NULL;
	add("0:1:0.0");
}

static unsigned int cut, robbed;

static void on_cut(struct pci_hold *hold, void *data)
{
	(void)hold;
	(void)data;
	cut++;
}

static void on_taken(struct domain *d, pci_sbdf_t sbdf)
{
	(void)d;
	(void)sbdf;
	robbed++;
}

static void test_loss_cuts_everybody_off(void **state)
{
	static const struct pci_hold_ops hold_ops = { .cut_off = on_cut };
	static const struct domain_ops ops = { .taken = on_taken };
	struct domain *d = guest("vm1", &ops);
	struct pci_hold *h;
	struct pci_dev *pdev;

	(void)state;
	cut = robbed = 0;
	add("0:1:0.0");
	assign(d, "0:1:0.0");
	pdev = get("0:1:0.0");
	assert_int_equal(pci_hold_take(pdev, PCI_HOLD_IRQ, "irq", &hold_ops,
				       NULL, &h),
			 0);
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	assert_int_equal(cut, 1);
	assert_int_equal(robbed, 1);
	assert_int_equal(test_stage.quiesced, 1);
	assert_int_equal(domain_devices(d), 0);
	assert_false(pci_hold_release(h));
	pcidev_put(pdev);
	end_of(d);
}

static void *lose(void *result)
{
	*(int *)result = pci_device_lost(at("0:1:0.0"));
	return NULL;
}

static void test_loss_waits_for_the_operation_under_way(void **state)
{
	struct pci_removal *op;
	pthread_t thread;
	int result = 1;

	(void)state;
	add("0:1:0.0");
	assert_int_equal(pci_removal_start(at("0:1:0.0"), PCI_REMOVE_ASK,
					   10000 * MSEC, "t", NULL, NULL, &op),
			 0);
	assert_int_equal(pthread_create(&thread, NULL, lose, &result), 0);
	while (!info_of("0:1:0.0").lost)
		;
	assert_int_equal(pci_removal_wait(op), -ENODEV);
	pci_removal_finish(op);
	pthread_join(thread, NULL);
	assert_int_equal(result, 0);
	assert_false(is_there("0:1:0.0"));
}

static void test_a_domain_dies_with_a_lost_device(void **state)
{
	struct domain *d = guest("vm1", NULL);

	(void)state;
	add("0:1:0.0");
	assign(d, "0:1:0.0");
	assert_int_equal(pci_mark_lost(at("0:1:0.0")), 0);
	assert_int_equal(domain_destroy(d), 0);
	assert_false(is_there("0:1:0.0"));
	domain_put(d);
}

static struct pci_event seen[32];
static unsigned int nseen;

static void on_event(struct pci_event_listener *self,
		     const struct pci_event *event)
{
	(void)self;
	if (nseen < ARRAY_SIZE(seen))
		seen[nseen++] = *event;
}

static void test_events_are_numbered_without_a_gap(void **state)
{
	struct pci_event_listener listener = { .event = on_event };
	unsigned int i;

	(void)state;
	nseen = 0;
	pci_event_listen(&listener);
	add("0:1:0.0");
	assert_int_equal(pci_device_lost(at("0:1:0.0")), 0);
	add("0:1:0.0");
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), 0);
	pci_event_unlisten(&listener);
	add("0:1:0.0");
	assert_int_equal(seen[0].type, PCI_EVENT_ADDED);
	assert_int_equal(seen[1].type, PCI_EVENT_LOST);
	assert_int_equal(seen[2].type, PCI_EVENT_ADDED);
	assert_int_equal(seen[2].instance, seen[0].instance + 1);
	assert_int_equal(seen[3].type, PCI_EVENT_REMOVAL);
	assert_string_equal(seen[3].detail, "asking");
	assert_int_equal(seen[nseen - 2].type, PCI_EVENT_REMOVED);
	assert_string_equal(seen[nseen - 1].detail, "removed");
	for (i = 1; i < nseen; i++)
		assert_int_equal(seen[i].seq, seen[i - 1].seq + 1);
}

static void test_a_long_reason_is_cut_in_the_event(void **state)
{
	static const char why[] = "a reason that is longer than what an event "
				  "has room for in its detail";
	struct pci_event_listener listener = { .event = on_event };
	struct pci_dev *pdev;

	(void)state;
	nseen = 0;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	pci_event_listen(&listener);
	pcidev_set_broken(pdev, why);
	pci_event_unlisten(&listener);
	pcidev_put(pdev);
	assert_int_equal(seen[0].type, PCI_EVENT_BROKEN);
	assert_int_equal(strlen(seen[0].detail), sizeof(seen[0].detail) - 1);
	assert_memory_equal(seen[0].detail, why, sizeof(seen[0].detail) - 1);
	assert_ptr_equal(info_of("0:1:0.0").broken, why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_rule10_a_subtree_is_lost_whole),
		CASE(test_rule10_a_marked_device_is_not_touched),
		CASE(test_a_lost_slot_is_used_again_by_a_new_instance),
		CASE(test_rule10_a_slot_is_free_when_its_device_is_revoked),
		CASE(test_loss_cuts_everybody_off),
		CASE(test_loss_waits_for_the_operation_under_way),
		CASE(test_a_domain_dies_with_a_lost_device),
		CASE(test_events_are_numbered_without_a_gap),
		CASE(test_a_long_reason_is_cut_in_the_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
