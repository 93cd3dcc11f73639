/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PIRQs: the hardware domain's message interrupts. Messages are real: the
 * device sends what its registers say, and what comes is counted by number.
 */
#include <holdfast/pci_regs.h>

#include "lab.h"

#define THIRD "0000:05:00.0"
#define REMOVE PHYSDEVOP_pci_device_remove

static struct physdev_map_pirq msi(const char *device)
{
	pci_sbdf_t sbdf = at(device);

	return (struct physdev_map_pirq){ .domid = DOMID_SELF,
					  .type = MAP_PIRQ_TYPE_MSI_SEG,
					  .index = -1,
					  .pirq = -1,
					  .bus = sbdf.bus | sbdf.seg << 16,
					  .devfn = sbdf.devfn };
}

static struct physdev_map_pirq multi(const char *device, int n)
{
	struct physdev_map_pirq map = msi(device);

	map.type = MAP_PIRQ_TYPE_MULTI_MSI;
	map.entry_nr = n;
	return map;
}

static struct physdev_map_pirq msix(const char *device, int entry)
{
	struct physdev_map_pirq map = msi(device);

	map.entry_nr = entry;
	map.table_base = 1; /* where it is the core knows better */
	return map;
}

static int map(struct physdev_map_pirq *m)
{
	return physdev(PHYSDEVOP_map_pirq, m, sizeof(*m));
}

/* The PIRQ, or an error. */
static int map_now(struct physdev_map_pirq m)
{
	int err = map(&m);

	return err ? err : m.pirq;
}

static int unmap(int pirq)
{
	struct physdev_unmap_pirq u = { .domid = DOMID_SELF, .pirq = pirq };

	return physdev(PHYSDEVOP_unmap_pirq, &u, sizeof(u));
}

static void command(const char *device, uint16_t val)
{
	struct pci_host *host = fabric_host(lab.f);

	assert_int_equal(
		host->ops->write(host, at(device), PCI_COMMAND, 2, val), 0);
}

static void switch_on(const char *device)
{
	command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void test_an_interrupt_comes_as_its_pirq(void **state)
{
	int n;

	(void)state;
	switch_on(CARD);
	n = map_now(msi(CARD));
	assert_int_equal(n, 16);
	assert_int_equal(fabric_interrupt(lab.f, at(CARD), 0), -EPERM);
	assert_int_equal(lab.pirq[n], 0); /* masked, and remembered */
	assert_int_equal(xen_pirq_mask(n, false), 0);
	assert_int_equal(lab.pirq[n], 1);
	assert_int_equal(fabric_interrupt(lab.f, at(CARD), 0), 0);
	assert_int_equal(lab.pirq[n], 2);
	assert_int_equal(xen_pirq_mask(n, true), 0);
	assert_int_equal(unmap(n), 0);
	assert_int_equal(unmap(n), -EINVAL);
	assert_int_equal(xen_pirq_mask(n, true), -EINVAL);
	assert_int_equal(pci_irq_vectors(), 0);
	assert_int_equal(map_now(msi(CARD)), n); /* free again */
	assert_int_equal(unmap(n), 0);
}

static void test_several_at_once(void **state)
{
	struct physdev_map_pirq m = multi(CARD, 3); /* rounded up */
	unsigned int i;

	(void)state;
	switch_on(CARD);
	assert_int_equal(map(&m), 0);
	assert_int_equal(pci_irq_vectors(), 4);
	for (i = 0; i < 4; i++) {
		assert_int_equal(xen_pirq_mask(m.pirq + (int)i, false), 0);
		assert_int_equal(fabric_interrupt(lab.f, at(CARD), i), 0);
		assert_int_equal(lab.pirq[m.pirq + (int)i], 1);
	}
	assert_int_equal(unmap(m.pirq + 1), -EINVAL); /* not the first */
	assert_int_equal(unmap(m.pirq), 0);
	assert_int_equal(pci_irq_vectors(), 0);
}

static void test_entries_of_a_table(void **state)
{
	int a, b;

	(void)state;
	command(CARD, 0);
	assert_int_equal(map_now(msix(CARD, 5)), -ENXIO); /* no decode */
	switch_on(CARD);
	a = map_now(msix(CARD, 5));
	b = map_now(msix(CARD, 2));
	assert_true(a >= 16 && b >= 16 && a != b);
	assert_int_equal(map_now(msix(CARD, 5)), -EEXIST);
	assert_int_equal(map_now(msi(CARD)), -EBUSY); /* the other kind */
	assert_int_equal(map_now(msix(CARD, 8)), -EINVAL);
	assert_int_equal(map_now(msix(CARD, -1)), -EINVAL);
	assert_int_equal(map_now(msix(CARD, 65536 + 5)), -EINVAL);
	assert_int_equal(xen_pirq_mask(a, false), 0);
	assert_int_equal(fabric_interrupt(lab.f, at(CARD), 5), 0);
	assert_int_equal(lab.pirq[a], 1);
	assert_int_equal(lab.pirq[b], 0);
	/* H11, XSA-157: it is in use. */
	assert_int_equal(on_device(PHYSDEVOP_prepare_msix, CARD), -EBUSY);
	assert_int_equal(on_device(PHYSDEVOP_release_msix, CARD), -EBUSY);
	assert_int_equal(unmap(a), 0);
	assert_int_equal(unmap(b), 0);
}

static void test_a_table_that_is_nowhere(void **state)
{
	char err[200];

	(void)state;
	assert_int_equal(
		fabric_plug(lab.f, at("0000:00:08.0"),
			    "[{ \"at\": \"00.0\", \"kind\": \"endpoint\", "
			    "\"id\": \"1b36:0005\", \"class\": \"0x00ff00\", "
			    "\"bars\": [ { \"bar\": 0, \"type\": \"mem32\", "
			    "\"size\": \"16K\" } ], \"msix\": { \"entries\": 4, "
			    "\"bar\": 0, \"table\": \"0x2000\", \"pba\": "
			    "\"0x3000\" } }]",
			    err, sizeof(err)),
		0);
	assert_int_equal(add("0000:15:00.0", 0, NULL, 0), 0);
	switch_on("0000:15:00.0");
	fabric_host(lab.f)->ops->write(fabric_host(lab.f), at("0000:15:00.0"),
				       PCI_BASE_ADDRESS_0, 4, 0);
	assert_int_equal(map_now(msix("0000:15:00.0", 0)), -ENODATA);
	assert_int_equal(on_device(REMOVE, "0000:15:00.0"), 0);
}

static void test_malformed(void **state)
{
	struct physdev_map_pirq m = msi(CARD);

	(void)state;
	m.type = MAP_PIRQ_TYPE_GSI; /* lines are not this layer's */
	assert_int_equal(map(&m), -EINVAL);
	m.type = MAP_PIRQ_TYPE_UNKNOWN;
	assert_int_equal(map(&m), -EINVAL);
	m.type = -1;
	assert_int_equal(map(&m), -EINVAL);
	m = multi(CARD, 4);
	m.table_base = 1;
	assert_int_equal(map(&m), -EINVAL);
	assert_int_equal(map_now(multi(CARD, 0)), -EDOM);
	assert_int_equal(map_now(multi(CARD, -4)), -EDOM);
	assert_int_equal(map_now(multi(CARD, 33)), -EDOM);
	m = multi(CARD, 32);
	assert_int_equal(map(&m), -ENFILE);
	assert_int_equal(m.entry_nr, 8); /* so many it has */
	assert_int_equal(map_now(msi("0000:33:00.0")), -ENODEV);
	assert_int_equal(map_now(msi(BARE)), -ENODEV);
	assert_int_equal(unmap(-1), -EINVAL);
	assert_int_equal(unmap(16), -EINVAL);
	assert_int_equal(unmap(1 << 20), -EINVAL);
	assert_int_equal(xen_pirq_mask(-1, true), -EINVAL);
	assert_int_equal(xen_pirq_mask(1 << 20, true), -EINVAL);
	assert_int_equal(pci_irq_vectors(), 0);
}

static void test_whose(void **state)
{
	struct physdev_map_pirq m = msi(CARD);
	struct physdev_unmap_pirq u = { .domid = 77 };

	(void)state;
	m.domid = 77;
	assert_int_equal(map(&m), -ESRCH);
	m.domid = (domid_t)domain_id(lab.one);
	assert_int_equal(map(&m), -EOPNOTSUPP);
	m.domid = 0xfff1; /* not one of Xen's */
	assert_int_equal(map(&m), -ESRCH);
	m.domid = 0;
	assert_int_equal(map(&m), 0);
	assert_int_equal(physdev(PHYSDEVOP_unmap_pirq, &u, sizeof(u)), -ESRCH);
	u.domid = (domid_t)domain_id(lab.one);
	assert_int_equal(physdev(PHYSDEVOP_unmap_pirq, &u, sizeof(u)),
			 -EOPNOTSUPP);
	assert_int_equal(unmap(m.pirq), 0);
	/* Not of a device that a guest has. */
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, domain_id(lab.one),
				   CARD, 0),
			 0);
	assert_int_equal(map_now(msi(CARD)), -ENODEV);
}

static void test_the_number_that_is_wanted(void **state)
{
	struct physdev_map_pirq m = msi(CARD), other = msi(OTHER);

	(void)state;
	m.pirq = 40;
	assert_int_equal(map(&m), 0);
	assert_int_equal(m.pirq, 40);
	other.pirq = 40;
	assert_int_equal(map(&other), -EEXIST);
	other.pirq = 3;
	assert_int_equal(map(&other), -EINVAL);
	other.pirq = PIRQS;
	assert_int_equal(map(&other), -EINVAL);
	other = multi(OTHER, 8);
	other.pirq = PIRQS - 4;
	assert_int_equal(map(&other), -EINVAL);
	other.pirq = 36; /* up to 43 */
	assert_int_equal(map(&other), -EEXIST);
	assert_int_equal(unmap(40), 0);
}

/* A mapped PIRQ keeps no device; it is a number of nothing then. */
static void test_its_device_goes(void **state)
{
	int n = map_now(msi(CARD)), i, last = 0;

	(void)state;
	assert_true(n >= 16);
	assert_int_equal(on_device(REMOVE, CARD), 0);
	assert_int_equal(pci_irq_vectors(), 0);
	assert_int_equal(xen_pirq_mask(n, false), -ENODEV);
	assert_int_equal(unmap(n), 0);
	/* Nobody unmaps: the numbers come back when they are needed. */
	for (i = 16; i < PIRQS; i++) {
		struct physdev_map_pirq m = msi(CARD);

		if (!is_there(CARD))
			assert_int_equal(add(CARD, 0, NULL, 0), 0);
		m.pirq = i;
		assert_int_equal(map(&m), 0);
		if (i % 8 == 0)
			assert_int_equal(on_device(REMOVE, CARD), 0);
		else if (i < PIRQS - 1)
			assert_int_equal(unmap(i), 0);
		last = i;
	}
	assert_int_equal(unmap(last), 0);
	assert_int_equal(pci_irq_vectors(), 0);
}

/* Its old PIRQ has nothing to do with what has come to its address. */
static void test_another_device_at_its_address(void **state)
{
	int old = map_now(msi(CARD)), n;

	(void)state;
	assert_int_equal(on_device(REMOVE, CARD), 0);
	assert_int_equal(add(CARD, 0, NULL, 0), 0);
	switch_on(CARD);
	n = map_now(msi(CARD));
	assert_int_not_equal(n, old);
	assert_int_equal(xen_pirq_mask(n, false), 0);
	assert_int_equal(xen_pirq_mask(old, true), -ENODEV);
	assert_int_equal(unmap(old), 0);
	assert_int_equal(pci_irq_vectors(), 1);
	assert_int_equal(fabric_interrupt(lab.f, at(CARD), 0), 0);
	assert_int_equal(lab.pirq[n], 1);
	assert_int_equal(lab.pirq[old], 0);
	assert_int_equal(unmap(n), 0);
}

static void test_all_are_taken(void **state)
{
	struct physdev_map_pirq m;
	int i;

	(void)state;
	switch_on(CARD);
	/* All but the last are of what is gone, and came again, or did not. */
	m = msi(THIRD);
	assert_int_equal(map(&m), 0);
	assert_int_equal(on_device(REMOVE, THIRD), 0);
	for (i = 17; i < PIRQS - 1; i++) {
		if (!is_there(OTHER))
			assert_int_equal(add(OTHER, 0, NULL, 0), 0);
		m = msi(OTHER);
		m.pirq = i;
		assert_int_equal(map(&m), 0);
		assert_int_equal(on_device(REMOVE, OTHER), 0);
	}
	assert_int_equal(add(OTHER, 0, NULL, 0), 0);
	assert_int_equal(map_now(msix(CARD, 0)), PIRQS - 1);
	assert_int_equal(map_now(msix(CARD, 1)), 16); /* swept */
	assert_int_equal(map_now(msix(CARD, 2)), 17);
	assert_int_equal(xen_pirq_mask(PIRQS - 1, false), 0); /* not that */
	assert_int_equal(unmap(PIRQS - 1), 0);
	assert_int_equal(unmap(16), 0);
	assert_int_equal(unmap(17), 0);
}

static void test_no_vector_is_left(void **state)
{
	(void)state;
	fabric_irq_room(lab.f, 2);
	assert_int_equal(map_now(multi(CARD, 4)), -ENOSPC);
	lab.fail_in = 1;
	assert_int_equal(map_now(msi(CARD)), -ENOMEM);
	fabric_irq_room(lab.f, 0);
	assert_int_equal(map_now(msi(CARD)), 16);
	assert_int_equal(unmap(16), 0);
}

static void test_off_by_option(void **state)
{
	(void)state;
	assert_int_equal(map_now(msi(CARD)), -EPERM);
}

/* Suspend: the device has forgotten all, the core has not. */
static void test_restored(void **state)
{
	struct pci_host *host = fabric_host(lab.f);
	uint16_t pcie = info_of(CARD).desc.pcie;
	int n;

	(void)state;
	switch_on(CARD);
	n = map_now(msix(CARD, 3));
	assert_int_equal(xen_pirq_mask(n, false), 0);
	assert_int_equal(host->ops->write(host, at(CARD), pcie + PCI_EXP_DEVCTL,
					  2, PCI_EXP_DEVCTL_BCR_FLR),
			 0);
	assert_int_equal(on_device(PHYSDEVOP_restore_msi_ext, CARD), -ENXIO);
	assert_int_equal(
		host->ops->write(host, at(CARD), PCI_BASE_ADDRESS_0, 4,
				 (uint32_t)info_of(CARD).desc.bar[0].addr),
		0);
	switch_on(CARD);
	(void)fabric_interrupt(lab.f, at(CARD), 3); /* by its pin, if at all */
	assert_int_equal(lab.pirq[n], 0);
	assert_int_equal(on_device(PHYSDEVOP_restore_msi_ext, CARD), 0);
	assert_int_equal(fabric_interrupt(lab.f, at(CARD), 3), 0);
	assert_int_equal(lab.pirq[n], 1);
	assert_int_equal(unmap(n), 0);
}

/* It does not wait for the removal, nor that for it. */
static void test_unmapped_while_its_device_is_drained(void **state)
{
	int n = map_now(msi(CARD));
	struct physdev_unmap_pirq u = { .domid = DOMID_SELF, .pirq = n };
	struct half half;

	(void)state;
	half_removed(&half, REMOVE);
	memcpy(lab.page, &u, sizeof(u));
	assert_int_equal(physdev_once(&lab.dom0, PHYSDEVOP_unmap_pirq), 0);
	assert_int_equal(pci_irq_vectors(), 0);
	give_up(&half);
	assert_int_equal(pci_irq_vectors(), 0);
	assert_int_equal(unmap(n), -EINVAL);
}

/* … and what was masked meanwhile is, when the removal is refused. */
static void test_masked_while_its_device_is_drained(void **state)
{
	int n = map_now(msi(CARD));
	struct half half;

	(void)state;
	switch_on(CARD);
	assert_int_equal(xen_pirq_mask(n, false), 0);
	half_removed(&half, REMOVE);
	assert_int_equal(xen_pirq_mask(n, true), 0);
	give_up(&half);
	(void)fabric_interrupt(lab.f, at(CARD), 0);
	assert_int_equal(lab.pirq[n], 0);
	assert_int_equal(xen_pirq_mask(n, false), 0);
	assert_int_equal(lab.pirq[n], 1);
	assert_int_equal(unmap(n), 0);
}

/* No vector is left that would call into a table that is freed. */
static void test_the_interface_ends_while_a_device_is_drained(void **state)
{
	struct half half;

	(void)state;
	assert_int_equal(map_now(msi(CARD)), 16);
	half_removed(&half, REMOVE);
	xen_abi_fini();
	assert_int_equal(pci_irq_vectors(), 0);
	lab_begin();
	give_up(&half);
}

/* A guest's from then on: nothing comes of its PIRQ. */
static void test_its_device_is_given_away(void **state)
{
	int n = map_now(msi(CARD));

	(void)state;
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, domain_id(lab.one),
				   CARD, 0),
			 0);
	assert_int_equal(pci_irq_vectors(), 0);
	assert_int_equal(xen_pirq_mask(n, false), -ENODEV);
	assert_int_equal(unmap(n), 0);
}

/* It came back, and has others by now. */
static void given_and_taken(void)
{
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, domain_id(lab.one),
				   CARD, 0),
			 0);
	assert_int_equal(assign_op(XEN_DOMCTL_deassign_device,
				   domain_id(lab.one), CARD, 0),
			 0);
	switch_on(CARD);
}

/* The device is the same, its vector too: but it is another's. */
static void test_XSA237_an_old_pirq_is_of_nothing(void **state)
{
	struct physdev_map_pirq m = msi(CARD);
	int old = map_now(m), n;

	(void)state;
	given_and_taken();
	n = map_now(m);
	assert_true(n > old);
	assert_int_equal(xen_pirq_mask(old, false), -ENODEV);
	(void)fabric_interrupt(lab.f, at(CARD), 0);
	assert_int_equal(lab.pirq[n], 0); /* masked */
	assert_int_equal(unmap(old), 0);
	assert_int_equal(pci_irq_vectors(), 1);
	assert_int_equal(xen_pirq_mask(n, false), 0);
	assert_int_equal(lab.pirq[n], 1);
	assert_int_equal(lab.pirq[old], 0);
	assert_int_equal(unmap(n), 0);
}

/* Its number comes back, too, if nobody unmaps it. */
static void test_a_lost_pirq_is_swept(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 6; i++) { /* four fit */
		assert_true(map_now(msi(CARD)) >= 16);
		given_and_taken();
	}
}

/* Dom0 resets its device, and goes on with the PIRQs that it has. */
static void kept_over(uint32_t reset, struct physdev_map_pirq m, unsigned int i)
{
	int n;

	switch_on(CARD);
	n = map_now(m);
	assert_true(n >= 16);
	assert_int_equal(xen_pirq_mask(n, false), 0);
	assert_int_equal(reset_by(CARD, reset), 0);
	assert_int_equal(pci_irq_vectors(), 1);
	switch_on(CARD);
	assert_int_equal(fabric_interrupt(lab.f, at(CARD), i), 0);
	assert_int_equal(lab.pirq[n], 1);
	assert_int_equal(xen_pirq_mask(n, true), 0);
	(void)fabric_interrupt(lab.f, at(CARD), i);
	assert_int_equal(lab.pirq[n], 1);
	assert_int_equal(xen_pirq_mask(n, false), 0);
	assert_int_equal(lab.pirq[n], 2);
	assert_int_equal(on_device(PHYSDEVOP_restore_msi_ext, CARD), 0);
	assert_int_equal(unmap(n), 0);
	assert_int_equal(pci_irq_vectors(), 0);
	lab.pirq[n] = 0;
}

static void test_kept_over_a_reset(void **state)
{
	(void)state;
	kept_over(PCI_DEVICE_RESET_FLR, msi(CARD), 0);
	kept_over(PCI_DEVICE_RESET_HOT, msi(CARD), 0);
	kept_over(PCI_DEVICE_RESET_FLR, msix(CARD, 5), 5);
	kept_over(PCI_DEVICE_RESET_HOT, msix(CARD, 5), 5);
}

/* It did not come back: in quarantine nothing is bound. */
static void test_lost_by_a_reset_that_fails(void **state)
{
	struct fabric_fault dead = { .sbdf = at(CARD),
				     .kind = FABRIC_DEAD_AFTER_RESET };
	int n = map_now(msi(CARD));

	(void)state;
	assert_int_equal(fabric_fault_set(lab.f, &dead), 0);
	assert_int_equal(reset_by(CARD, PCI_DEVICE_RESET_FLR), -EIO);
	assert_int_equal(pci_irq_vectors(), 0);
	assert_int_equal(xen_pirq_mask(n, true), -ENODEV);
	assert_int_equal(map_now(msi(CARD)), -ENODEV);
	assert_int_equal(unmap(n), 0);
}

/* Nobody wants to know; and there are few of them. */
static void test_few_pirqs(void **state)
{
	struct physdev_map_pirq m = multi(CARD, 32);
	int n;

	(void)state;
	m.pirq = 16;
	assert_int_equal(map(&m), -EINVAL);
	assert_int_equal(map_now(multi(CARD, 8)), -ENOSPC);
	n = map_now(multi(CARD, 4));
	assert_int_equal(n, 16);
	switch_on(CARD);
	assert_int_equal(xen_pirq_mask(n, false), 0);
	assert_int_equal(fabric_interrupt(lab.f, at(CARD), 0), 0);
	assert_int_equal(map_now(msi(OTHER)), -ENOSPC);
	assert_int_equal(add(OTHER, XEN_PCI_DEV_PXM, NULL, 3), 0);
	assert_int_equal(unmap(n), 0);
}

int run_pirq(void)
{
	static const struct CMUnitTest tests[] = {
		LAB(test_an_interrupt_comes_as_its_pirq),
		LAB(test_several_at_once),
		LAB(test_entries_of_a_table),
		LAB(test_a_table_that_is_nowhere),
		LAB(test_malformed),
		LAB(test_whose),
		LAB(test_the_number_that_is_wanted),
		LAB(test_its_device_goes),
		LAB(test_another_device_at_its_address),
		LAB(test_all_are_taken),
		LAB(test_no_vector_is_left),
		cmocka_unit_test_setup_teardown(test_off_by_option,
						lab_setup_no_msi, lab_teardown),
		LAB(test_restored),
		LAB(test_its_device_is_given_away),
		cmocka_unit_test_setup_teardown(test_few_pirqs, lab_setup_bare,
						lab_teardown),
		LAB(test_unmapped_while_its_device_is_drained),
		LAB(test_masked_while_its_device_is_drained),
		LAB(test_the_interface_ends_while_a_device_is_drained),
		LAB(test_kept_over_a_reset),
		LAB(test_lost_by_a_reset_that_fails),
		LAB(test_XSA237_an_old_pirq_is_of_nothing),
		cmocka_unit_test_setup_teardown(test_a_lost_pirq_is_swept,
						lab_setup_bare, lab_teardown),
	};

	return cmocka_run_group_tests_name("pirq", tests, NULL, NULL);
}
