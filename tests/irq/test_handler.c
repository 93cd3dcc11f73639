/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's own handlers: binding, masks, and every error. */
#include "irq/own.h"
#include "lab.h"

/* --- bound ----------------------------------------------------------------------------- */

static void test_msi_calls_the_handler(void **state)
{
	unsigned int i;

	(void)state;
	assert_int_equal(bind(CARD, MSI, 0, 4), 0);
	assert_int_equal(vectors(), 4);
	assert_int_equal(info_of(CARD).msi, 4);
	assert_int_equal(info_of(CARD).masked, 4);
	assert_false(info_of(CARD).guest);
	assert_hosts(hw_msi(CARD));
	assert_int_equal(hw_msi_mask(CARD) & 0xf, 0xf);
	assert_int_equal(raise_irq(CARD, 1), -EPERM); /* masked at first */
	assert_handled(0, 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(mask(CARD, MSI, i, false), 0);
		assert_handled(i, i == 1); /* what came meanwhile */
		works(CARD, i);
	}
	assert_int_equal(unbind(CARD, MSI, 0, 4), 0);
	assert_int_equal(vectors(), 0);
	assert_false(hw_msi_on(CARD));
	(void)raise_irq(CARD, 0);
	assert_handled(0, 0);
}

static void test_msix_by_ranges(void **state)
{
	(void)state;
	bind_unmasked(CARD, MSIX, 2, 1);
	bind_unmasked(CARD, MSIX, 3, 1);
	bind_unmasked(CARD, MSIX, 4, 2);
	bind_unmasked(CARD, MSIX, 7, 1);
	assert_int_equal(vectors(), 5);
	assert_int_equal(info_of(CARD).msix, 5);
	assert_true(hw_msix_on(CARD));
	assert_true(hw_msix_masked(CARD, 0) && hw_msix_masked(CARD, 6));
	assert_hosts(hw_msix(CARD, 7));
	works(CARD, 4);
	works(CARD, 7);
	assert_int_equal(unbind(CARD, MSIX, 3, 1), 0);
	assert_true(hw_msix_masked(CARD, 3));
	assert_int_equal(raise_irq(CARD, 3), -EPERM);
	works(CARD, 2);
	assert_int_equal(unbind(CARD, MSIX, 4, 1), -ENOENT); /* not so */
	assert_int_equal(unbind(CARD, MSIX, 2, 1), 0);
	assert_int_equal(unbind(CARD, MSIX, 4, 2), 0);
	assert_true(hw_msix_on(CARD));
	assert_int_equal(unbind(CARD, MSIX, 7, 1), 0);
	assert_false(hw_msix_on(CARD));
	assert_int_equal(vectors(), 0);
	bind_unmasked(CARD, MSIX, 3, 1); /* and again */
	assert_handled(3, 1);            /* what the device has remembered */
	works(CARD, 3);
}

/* MSI without mask bits starts unmasked, and is masked by the core alone. */
static void test_without_mask_bits(void **state)
{
	(void)state;
	assert_int_equal(bind(PLAIN, MSI, 0, 1), 0);
	assert_int_equal(info_of(PLAIN).masked, 0);
	works(PLAIN, 0);
	assert_int_equal(mask(PLAIN, MSI, 0, true), 0);
	assert_int_equal(raise_irq(PLAIN, 0), 0);
	assert_int_equal(raise_irq(PLAIN, 0), 0);
	assert_handled(0, 0);
	assert_int_equal(info_of(PLAIN).pending, 1);
	assert_int_equal(info_of(PLAIN).suppressed, 2);
	assert_int_equal(mask(PLAIN, MSI, 0, false), 0);
	assert_handled(0, 1); /* once for both */
	assert_int_equal(mask(PLAIN, MSI, 0, false), 0);
	assert_handled(0, 0);
	assert_int_equal(info_of(PLAIN).pending, 0);
}

static void nobody(void *data, unsigned int index)
{
	(void)data;
	fail_msg("vector %u", index);
}

/* --- errors -------------------------------------------------------------------------------- */

static void test_errors_of_bind(void **state)
{
	struct pci_dev *pdev = get(OTHER);

	(void)state;
	assert_int_equal(bind(BARE, MSI, 0, 1), -ENODEV); /* no capability */
	assert_int_equal(bind(BARE, MSIX, 0, 1), -ENODEV);
	assert_int_equal(bind(VF, MSI, 0, 1), -ENODEV);
	assert_int_equal(bind(CARD, (enum pci_vector_kind)2, 0, 1), -EINVAL);
	assert_int_equal(bind(CARD, (enum pci_vector_kind) - 1, 0, 1), -EINVAL);
	assert_int_equal(bind(CARD, MSI, 0, 16), -ENFILE);
	assert_int_equal(bind(PLAIN, MSI, 0, 2), -ENFILE);
	assert_int_equal(bind(CARD, MSI, 0, 3), -EINVAL);
	assert_int_equal(bind(CARD, MSI, 0, 0), -EINVAL);
	assert_int_equal(bind(CARD, MSI, 1, 1), -EINVAL);
	assert_int_equal(bind(CARD, MSIX, 0, 0), -EINVAL);
	assert_int_equal(bind(CARD, MSIX, ENTRIES, 1), -EINVAL);
	assert_int_equal(bind(CARD, MSIX, 1, ENTRIES), -EINVAL);
	assert_int_equal(bind(CARD, MSIX, 1, UINT32_MAX), -EINVAL);
	assert_int_equal(bind(CARD, MSIX, UINT32_MAX, 2), -EINVAL);
	bind_unmasked(CARD, MSIX, 1, 2);
	assert_int_equal(bind(CARD, MSIX, 2, 2), -EEXIST);
	assert_int_equal(bind(CARD, MSIX, 0, 2), -EEXIST);
	assert_int_equal(bind(CARD, MSI, 0, 1), -EBUSY); /* the other kind */
	assert_int_equal(vectors(), 2);
	works(CARD, 2);
	assert_int_equal(unbind(CARD, MSIX, 1, 2), 0);
	bind_unmasked(CARD, MSI, 0, 1);
	assert_int_equal(bind(CARD, MSI, 0, 1), -EEXIST);
	assert_int_equal(bind(CARD, MSIX, 0, 1), -EBUSY);
	assert_int_equal(vectors(), 1);
	assert_int_equal(remove_dev(OTHER, 0, 0), -EBUSY); /* our reference */
	assert_int_equal(pci_mark_lost(at(OTHER)), 0);
	assert_int_equal(pci_irq_bind(pdev, MSI, 0, 1, nobody, NULL), -ENODEV);
	assert_int_equal(pci_device_lost(at(OTHER)), 0);
	assert_int_equal(pci_irq_bind(pdev, MSI, 0, 1, nobody, NULL), -ENODEV);
	assert_int_equal(pci_irq_mask(pdev, MSI, 0, true), -ENOENT);
	assert_int_equal(pci_irq_unbind(pdev, MSI, 0, 1), -ENOENT);
	pcidev_put(pdev);
	assert_int_equal(vectors(), 1);
}

static void test_not_the_hardware_domains(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	assert_int_equal(bind(CARD, MSI, 0, 1), -ENODEV);
	assert_int_equal(pci_hide_device(at(OTHER), true), 0);
	assert_int_equal(bind(OTHER, MSI, 0, 1), -ENODEV);
	assert_int_equal(pci_hide_device(at(OTHER), false), 0);
	assert_int_equal(bind(OTHER, MSI, 0, 1), 0);
	assert_int_equal(vectors(), 1);
}

static void test_decode_is_off(void **state)
{
	(void)state;
	hw_put(CARD, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(bind(CARD, MSIX, 0, 1), -ENXIO);
	assert_int_equal(vectors(), 0);
	assert_int_equal(bind(CARD, MSI, 0, 1), 0); /* needs no memory */
	assert_int_equal(unbind(CARD, MSI, 0, 1), 0);
	switch_on(CARD);
	bind_unmasked(CARD, MSIX, 0, 1);
	works(CARD, 0);
}

/* The hardware domain has put it nowhere: the table has no address. */
static void test_the_table_is_nowhere(void **state)
{
	uint32_t bar = hw(CARD, PCI_BASE_ADDRESS_0, 4);

	(void)state;
	hw_put(CARD, PCI_BASE_ADDRESS_0, 4, 0);
	assert_int_equal(bind(CARD, MSIX, 0, 1), -ENODATA);
	assert_int_equal(vectors(), 0);
	hw_put(CARD, PCI_BASE_ADDRESS_0, 4, bar);
	bind_unmasked(CARD, MSIX, 0, 1);
	works(CARD, 0);
}

static void test_no_vector_left(void **state)
{
	unsigned int nth;

	(void)state;
	fabric_irq_room(lab.f, 3);
	assert_int_equal(bind(CARD, MSI, 0, 4), -ENOSPC);
	assert_int_equal(bind(CARD, MSIX, 0, 4), -ENOSPC);
	assert_int_equal(vectors(), 0);
	assert_int_equal(info_of(CARD).msix, 0);
	fabric_irq_room(lab.f, 0);
	for (nth = 1; nth <= 4; nth++) {
		fabric_fail(lab.f, FABRIC_CALL_IRQ_ALLOC, nth);
		assert_int_equal(bind(CARD, MSIX, 2, 4), -ENOSPC);
		assert_int_equal(vectors(), 0);
		assert_int_equal(info_of(CARD).masked, 0);
	}
	assert_false(hw_msix_on(CARD));
	bind_unmasked(CARD, MSIX, 2, 4);
	works(CARD, 5);
}

static void test_errors_of_unbind_and_mask(void **state)
{
	(void)state;
	assert_int_equal(unbind(CARD, MSI, 0, 1), -ENOENT);
	assert_int_equal(unbind(CARD, MSIX, 0, 1), -ENOENT);
	assert_int_equal(unbind(BARE, MSIX, 0, 1), -ENOENT);
	assert_int_equal(mask(CARD, MSI, 0, true), -ENOENT);
	assert_int_equal(mask(BARE, MSI, 0, true), -ENOENT);
	assert_int_equal(mask(CARD, (enum pci_vector_kind)2, 0, true), -EINVAL);
	bind_unmasked(CARD, MSI, 0, 2);
	assert_int_equal(mask(CARD, MSI, 2, true), -ENOENT);
	assert_int_equal(mask(CARD, MSI, 8, true), -ENOENT);
	assert_int_equal(mask(CARD, MSIX, 0, true), -ENOENT);
	assert_int_equal(mask(CARD, MSIX, ENTRIES, true), -ENOENT);
	assert_int_equal(unbind(CARD, MSI, 0, 1), -ENOENT);
	assert_int_equal(unbind(CARD, MSI, 0, 4), -ENOENT);
	assert_int_equal(unbind(CARD, MSIX, 0, 2), -ENOENT);
	works(CARD, 1);
	assert_int_equal(unbind(CARD, MSI, 0, 2), 0);
	assert_int_equal(unbind(CARD, MSI, 0, 2), -ENOENT);
}

/* --- no memory (--wrap=plat_zalloc) ------------------------------------------------------------ */

static unsigned int fail_in; /* 0: none; else the so-manieth from now */

void *__wrap_plat_zalloc(size_t size);
void *__real_plat_zalloc(size_t size);

void *__wrap_plat_zalloc(size_t size)
{
	if (fail_in && !--fail_in)
		return NULL;
	return __real_plat_zalloc(size);
}

/* Until it works: how often it did not. */
static unsigned int bind_without_memory(enum pci_vector_kind kind)
{
	unsigned int nth;

	for (nth = 1;; nth++) {
		int err;

		fail_in = nth;
		err = bind(CARD, kind, 0, 2);
		if (fail_in || !err) {
			fail_in = 0;
			assert_int_equal(err, 0);
			return nth - 1;
		}
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(vectors(), 0);
		assert_int_equal(info_of(CARD).msi + info_of(CARD).msix, 0);
	}
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(bind(CARD, MSIX, 0, 2), 0); /* the fabric's own */
	assert_int_equal(unbind(CARD, MSIX, 0, 2), 0);
	assert_true(bind_without_memory(MSIX) >= 1);
	assert_int_equal(unbind(CARD, MSIX, 0, 2), 0);
	assert_true(bind_without_memory(MSI) >= 1);
	assert_int_equal(mask(CARD, MSI, 1, false), 0);
	works(CARD, 1);
}

/* Assigning: none is half given. */
static void test_no_memory_for_a_guest(void **state)
{
	unsigned int nth = 0;
	int err;

	(void)state;
	do {
		pci_sbdf_t slot = pci_sbdf_from(UINT32_MAX);

		fail_in = ++nth;
		err = pci_assign_device(lab.one.d, at(CARD), 0, &slot, NULL);
		if (err)
			assert_int_equal(err, -ENOMEM);
		assert_false(info_of(CARD).guest);
	} while (err);
	fail_in = 0;
	assert_true(nth > 4);
	take(&lab.one, CARD);
	assert_int_equal(vectors(), 0);
}

/* --- off --------------------------------------------------------------------------------------- */

static int off_setup(void **state)
{
	const struct pci_irq_options off = { .off = true };

	(void)state;
	return lab_setup_options(&off, true);
}

static void test_switched_off(void **state)
{
	(void)state;
	assert_int_equal(bind(CARD, MSI, 0, 1), -EPERM);
	assert_int_equal(bind(BARE, MSIX, 99, 0), -EPERM);
	assert_int_equal(unbind(CARD, MSI, 0, 1), -ENOENT);
	assert_int_equal(mask(CARD, MSI, 0, true), -ENOENT);
	assert_int_equal(pci_prepare_msix(at(CARD)), 0);
	assert_int_equal(pci_prepare_msix(at(CARD)), 0);
	assert_false(info_of(CARD).prepared);
	assert_int_equal(pci_release_msix(at(CARD)), 0);
	assert_int_equal(pci_restore_msi(at(CARD)), -EOPNOTSUPP);
	assert_int_equal(vectors(), 0);
}

static int no_controller(void **state)
{
	(void)state;
	return lab_setup_options(NULL, false);
}

static void test_a_host_without_a_controller(void **state)
{
	(void)state;
	assert_int_equal(bind(CARD, MSI, 0, 1), -EOPNOTSUPP);
	assert_int_equal(unbind(CARD, MSI, 0, 1), -ENOENT);
	give(&lab.one, CARD);
	msi_on(&lab.one, 4);
	assert_int_equal(pci_irq_vectors(), 0);
	assert_false(hw_msi_on(CARD));
	assert_int_equal(pci_restore_msi(at(CARD)), 0);
}

/* --- the hardware domain's own ------------------------------------------------------------------------ */

static void test_prepare_and_release(void **state)
{
	pci_sbdf_t nobody = at("0000:1f:00.0");

	(void)state;
	assert_int_equal(pci_prepare_msix(nobody), -ENODEV);
	assert_int_equal(pci_release_msix(nobody), -ENODEV);
	assert_int_equal(pci_prepare_msix(at(BARE)), -ENODEV); /* H11 */
	assert_int_equal(pci_prepare_msix(at(PLAIN)), -ENODEV);
	assert_int_equal(pci_release_msix(at(CARD)), -EBUSY);
	assert_int_equal(pci_prepare_msix(at(CARD)), 0);
	assert_true(info_of(CARD).prepared);
	assert_int_equal(pci_prepare_msix(at(CARD)), -EBUSY);
	assert_int_equal(bind(CARD, MSIX, 0, 1), -EBUSY);
	assert_int_equal(bind(CARD, MSI, 0, 1), -EBUSY);
	assert_int_equal(pci_release_msix(at(CARD)), 0);
	assert_false(info_of(CARD).prepared);
	assert_int_equal(pci_release_msix(at(CARD)), -EBUSY);
	assert_int_equal(bind(CARD, MSIX, 0, 1), 0);
	assert_int_equal(pci_prepare_msix(at(CARD)), -EBUSY);
}

/* … or has switched on what it has, without a word. */
static void test_on_by_the_hardware_domain(void **state)
{
	(void)state;
	hw_put(CARD, msi_at(CARD) + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	assert_int_equal(bind(CARD, MSI, 0, 1), -EBUSY);
	assert_int_equal(bind(CARD, MSIX, 0, 1), -EBUSY);
	assert_true(hw_msi_on(CARD)); /* left as it is */
	hw_put(CARD, msi_at(CARD) + PCI_MSI_FLAGS, 2, 0);
	hw_put(CARD, msix_at(CARD) + PCI_MSIX_FLAGS, 2, MSIX_ON);
	assert_int_equal(bind(CARD, MSI, 0, 1), -EBUSY);
	assert_int_equal(bind(CARD, MSIX, 0, 1), -EBUSY);
	assert_true(hw_msix_on(CARD));
	hw_put(CARD, msix_at(CARD) + PCI_MSIX_FLAGS, 2, 0);
	bind_unmasked(CARD, MSI, 0, 1);
	works(CARD, 0);
	bind_unmasked(VF, MSIX, 3, 1); /* who has one kind only */
	assert_int_equal(vectors(), 2);
}

/* By what was bound with it, where nobody holds a reference. */
static void test_by_its_data(void **state)
{
	const void *data = &lab.handled;

	(void)state;
	assert_int_equal(irq_own_mask(at("ffff:00:00.0"), 0, true, data),
			 -ENOENT);
	assert_false(irq_own_bound(at(SPARE), data));
	assert_int_equal(irq_own_unbind(at(PLAIN), data), -ENOENT);
	assert_int_equal(bind(PLAIN, MSI, 0, 1), 0);
	assert_true(irq_own_bound(at(PLAIN), data));
	assert_false(irq_own_bound(at(PLAIN), &lab));
	assert_int_equal(irq_own_mask(at(PLAIN), 1, true, data), -ENOENT);
	/* It has no mask bits: what comes is remembered here, and told. */
	assert_int_equal(irq_own_mask(at(PLAIN), 0, true, data), 0);
	assert_int_equal(raise_irq(PLAIN, 0), 0);
	assert_handled(0, 0);
	assert_int_equal(irq_own_mask(at(PLAIN), 0, false, data), 0);
	assert_handled(0, 1);
	assert_int_equal(irq_own_unbind(at(PLAIN), data), 0);
	assert_false(irq_own_bound(at(PLAIN), data));
	assert_int_equal(vectors(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(test_msi_calls_the_handler),
		LAB(test_msix_by_ranges),
		LAB(test_without_mask_bits),
		LAB(test_errors_of_bind),
		LAB(test_not_the_hardware_domains),
		LAB(test_decode_is_off),
		LAB(test_the_table_is_nowhere),
		LAB(test_no_vector_left),
		LAB(test_errors_of_unbind_and_mask),
		LAB(test_no_memory),
		LAB(test_no_memory_for_a_guest),
		cmocka_unit_test_setup_teardown(test_switched_off, off_setup,
						lab_teardown),
		cmocka_unit_test_setup_teardown(test_a_host_without_a_controller,
						no_controller, lab_teardown),
		LAB(test_prepare_and_release),
		LAB(test_on_by_the_hardware_domain),
		LAB(test_by_its_data),
	};

	return cmocka_run_group_tests_name("irq: the host's", tests, NULL,
					   NULL);
}
