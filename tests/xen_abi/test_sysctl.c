/* SPDX-License-Identifier: BSD-2-Clause */
/* Which node devices are near to, and how many were asked about. */
#include "lab.h"

#define DEVS 1024u
#define NODES 2048u
#define MANY 100u

static struct xen_sysctl question(uint32_t n)
{
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	op.cmd = XEN_SYSCTL_pcitopoinfo;
	op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	op.u.pcitopoinfo.num_devs = n;
	op.u.pcitopoinfo.devs.p = (void *)(uintptr_t)(BASE + DEVS);
	op.u.pcitopoinfo.nodes.p = (void *)(uintptr_t)(BASE + NODES);
	return op;
}

static void ask_about(unsigned int i, const char *device)
{
	pci_sbdf_t sbdf = at(device);
	struct physdev_pci_device dev = { .seg = sbdf.seg,
					  .bus = sbdf.bus,
					  .devfn = sbdf.devfn };

	memcpy(lab.page + DEVS + i * sizeof(dev), &dev, sizeof(dev));
}

static uint32_t node(unsigned int i)
{
	uint32_t word;

	memcpy(&word, lab.page + NODES + i * sizeof(word), sizeof(word));
	return word;
}

static void test_what_is_known(void **state)
{
	struct xen_sysctl op = question(3);

	(void)state;
	assert_int_equal(add(CARD, XEN_PCI_DEV_PXM, NULL, 1), 0);
	ask_about(0, CARD);
	ask_about(1, OTHER);
	ask_about(2, "0000:33:00.0");
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.pcitopoinfo.num_devs, 3);
	assert_int_equal(node(0), 11);
	assert_int_equal(node(1), XEN_INVALID_NODE_ID);
	assert_int_equal(node(2), XEN_INVALID_DEV);
	op = question(0);
	assert_int_equal(sysctl(&op), 0);
}

/* It is there, and may stay. */
static void test_of_one_that_is_drained(void **state)
{
	struct xen_sysctl op = question(1);
	struct half half;

	(void)state;
	assert_int_equal(add(CARD, XEN_PCI_DEV_PXM, NULL, 1), 0);
	half_removed(&half, PHYSDEVOP_pci_device_remove);
	ask_about(0, CARD);
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(node(0), 11);
	give_up(&half);
}

/* Who is told that fewer were done goes on from there. */
static void test_H6_partial_counts(void **state)
{
	struct xen_sysctl op = question(MANY);
	unsigned int i, turns = 0, from = 0;

	(void)state;
	memset(lab.page + NODES, 0, MANY * 4);
	for (i = 0; i < MANY; i++)
		ask_about(i, i % 2 ? CARD : "0000:33:00.0");
	while (from < MANY) {
		lab.preempt_in = 3; /* each time it may go on from then */
		op = question(MANY - from);
		op.u.pcitopoinfo.devs.p =
			(void *)(uintptr_t)(BASE + DEVS + from * 4);
		op.u.pcitopoinfo.nodes.p =
			(void *)(uintptr_t)(BASE + NODES + from * 4);
		assert_int_equal(sysctl(&op), 0);
		from += op.u.pcitopoinfo.num_devs;
		if (!turns++) {
			assert_int_equal(from, 66);
			assert_int_equal(node(66), 0); /* not touched */
			/* Devices come and go meanwhile. */
			assert_int_equal(on_device(PHYSDEVOP_pci_device_remove,
						   CARD),
					 0);
		}
	}
	assert_int_equal(turns, 2);
	for (i = 0; i < MANY; i++)
		assert_int_equal(node(i), i % 2 && i < 66 ? XEN_INVALID_NODE_ID
							  : XEN_INVALID_DEV);
}

/* By somebody who never has anything else to do; PXMs are nodes there. */
static void test_all_in_one_turn(void **state)
{
	struct xen_sysctl op = question(MANY);
	unsigned int i;

	(void)state;
	assert_int_equal(add(CARD, XEN_PCI_DEV_PXM, NULL, 3), 0);
	for (i = 0; i < MANY; i++)
		ask_about(i, CARD);
	assert_int_equal(sysctl(&op), 0);
	assert_int_equal(op.u.pcitopoinfo.num_devs, MANY);
	for (i = 0; i < MANY; i++)
		assert_int_equal(node(i), 3);
}

static void test_malformed(void **state)
{
	struct xen_sysctl op = question(1);

	(void)state;
	op.interface_version++;
	assert_int_equal(sysctl(&op), -EACCES);
	op = question(1);
	op.u.pcitopoinfo.devs.p = NULL;
	assert_int_equal(sysctl(&op), -EINVAL);
	op = question(1);
	op.u.pcitopoinfo.nodes.p = NULL;
	assert_int_equal(sysctl(&op), -EINVAL);
	op = question(UINT32_MAX); /* to the end of its memory */
	assert_int_equal(sysctl(&op), -EFAULT);
}

int run_sysctl(void)
{
	static const struct CMUnitTest tests[] = {
		LAB(test_what_is_known),
		LAB(test_of_one_that_is_drained),
		LAB(test_H6_partial_counts),
		cmocka_unit_test_setup_teardown(test_all_in_one_turn,
						lab_setup_bare, lab_teardown),
		LAB(test_malformed),
	};

	return cmocka_run_group_tests_name("sysctl", tests, NULL, NULL);
}
