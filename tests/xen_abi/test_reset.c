/* SPDX-License-Identifier: BSD-2-Clause */
/* Resets by type: the device really is, and by what was asked for. */
#include <holdfast/event.h>

#include "lab.h"

static char method[64]; /* of the last reset */

static void on_event(struct pci_event_listener *self, const struct pci_event *e)
{
	(void)self;
	if (e->type == PCI_EVENT_RESET)
		memcpy(method, e->detail, sizeof(method));
}

static struct pci_event_listener listener = { .event = on_event };

static int setup(void **state)
{
	int err = lab_setup(state);

	memset(method, 0, sizeof(method));
	if (!err)
		pci_event_listen(&listener);
	return err;
}

static int teardown(void **state)
{
	pci_event_unlisten(&listener);
	return lab_teardown(state);
}

static void test_a_function_level_reset(void **state)
{
	(void)state;
	assert_int_equal(reset_by(CARD, PCI_DEVICE_RESET_FLR), 0);
	assert_string_equal(method, "flr");
	assert_int_equal(reset_by(OLD, PCI_DEVICE_RESET_FLR), 0);
	assert_string_equal(method, "af");
	/* What cannot is not said to have been (Xen only takes note). */
	assert_int_equal(reset_by(PM_ONLY, PCI_DEVICE_RESET_FLR), -EOPNOTSUPP);
	assert_int_equal(pci_owner(at(CARD)), DOMID_HARDWARE);
}

static void test_the_bus_is_reset(void **state)
{
	(void)state;
	assert_int_equal(reset_by(CARD, PCI_DEVICE_RESET_HOT), 0);
	assert_string_equal(method, "bus");
	method[0] = '\0';
	assert_int_equal(reset_by(PLAIN, PCI_DEVICE_RESET_WARM), 0);
	assert_string_equal(method, "bus");
}

static void test_nobody_switches_power(void **state)
{
	(void)state;
	assert_int_equal(reset_by(CARD, PCI_DEVICE_RESET_COLD), -EOPNOTSUPP);
	assert_int_equal(reset_by("0000:33:00.0", PCI_DEVICE_RESET_COLD),
			 -ENODEV);
	assert_string_equal(method, "");
}

static void test_not_what_a_guest_has(void **state)
{
	(void)state;
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, domain_id(lab.one),
				   CARD, 0),
			 0);
	method[0] = '\0';
	assert_int_equal(reset_by(CARD, PCI_DEVICE_RESET_FLR), -EBUSY);
	assert_string_equal(method, "");
}

static void test_malformed(void **state)
{
	(void)state;
	assert_int_equal(reset_by(CARD, 4), -EINVAL);
	assert_int_equal(reset_by(CARD, UINT32_MAX), -EINVAL);
	assert_int_equal(reset_by("0000:33:00.0", PCI_DEVICE_RESET_FLR),
			 -ENODEV);
}

static void test_one_that_does_not_obey(void **state)
{
	struct fabric_fault dead = { .sbdf = at(CARD),
				     .kind = FABRIC_DEAD_AFTER_RESET };

	(void)state;
	assert_int_equal(fabric_fault_set(lab.f, &dead), 0);
	assert_int_equal(reset_by(CARD, PCI_DEVICE_RESET_FLR), -EIO);
	assert_int_equal(info_of(CARD).owner, domain_id(dom_io));
	assert_non_null(info_of(CARD).broken);
	make_broken(OTHER);
	assert_int_equal(reset_by(OTHER, PCI_DEVICE_RESET_FLR), -EBADF);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int run_reset(void)
{
	static const struct CMUnitTest tests[] = {
		WITH(test_a_function_level_reset),
		WITH(test_the_bus_is_reset),
		WITH(test_nobody_switches_power),
		WITH(test_not_what_a_guest_has),
		WITH(test_malformed),
		WITH(test_one_that_does_not_obey),
	};

	return cmocka_run_group_tests_name("reset", tests, NULL, NULL);
}
