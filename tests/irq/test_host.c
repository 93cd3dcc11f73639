/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors that the hypervisor binds for itself, and Xen's three calls. */
#include "device/internal.h"
#include "support.h"

static struct {
	unsigned int count[32], all;
} heard;

static void hear(void *data, unsigned int index)
{
	assert_ptr_equal(data, &heard);
	heard.count[index]++;
	heard.all++;
}

static int bind(const char *device, enum pci_vector_kind kind,
		unsigned int first, unsigned int count)
{
	struct pci_dev *pdev = get(device);
	int err = pci_irq_bind(pdev, kind, first, count, hear, &heard);

	pcidev_put(pdev);
	return err;
}

static int unbind(const char *device, enum pci_vector_kind kind,
		  unsigned int first, unsigned int count)
{
	struct pci_dev *pdev = get(device);
	int err = pci_irq_unbind(pdev, kind, first, count);

	pcidev_put(pdev);
	return err;
}

static int mask(const char *device, enum pci_vector_kind kind,
		unsigned int index, bool masked)
{
	struct pci_dev *pdev = get(device);
	int err = pci_irq_mask(pdev, kind, index, masked);

	pcidev_put(pdev);
	return err;
}

static void sends(const char *device, unsigned int vector, int err)
{
	assert_int_equal(fabric_interrupt(f, at(device), vector), err);
}

static int begin(void **state)
{
	memset(&heard, 0, sizeof(heard));
	return set_up(state);
}

/* --- binding ---------------------------------------------------------------- */

static void test_msi_comes_once_it_is_unmasked(void **state)
{
	unsigned int i;

	(void)state;
	assert_int_equal(bind(DEV, PCI_VECTOR_MSI, 0, 4), 0);
	assert_int_equal(vectors(), 4);
	assert_int_equal(info(DEV).msi, 4);
	assert_int_equal(info(DEV).masked, 4);
	sends(DEV, 2, -EPERM);
	assert_int_equal(heard.all, 0);
	assert_int_equal(mask(DEV, PCI_VECTOR_MSI, 2, false), 0);
	assert_int_equal(heard.all, 1);
	assert_int_equal(heard.count[2], 1);
	for (i = 0; i < 4; i++)
		assert_int_equal(mask(DEV, PCI_VECTOR_MSI, i, false), 0);
	for (i = 0; i < 4; i++) {
		sends(DEV, i, 0);
		assert_int_equal(heard.count[i], i == 2 ? 2 : 1);
	}
	sends(DEV, 4, -EPERM);
	assert_int_equal(info(DEV).delivered, 5);
	assert_int_equal(unbind(DEV, PCI_VECTOR_MSI, 0, 4), 0);
	assert_int_equal(vectors(), 0);
	assert_int_equal(hw(DEV, cap(DEV, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS, 2) &
				 PCI_MSI_FLAGS_ENABLE,
			 0);
}

static void test_msi_without_masks_is_held_back_in_software(void **state)
{
	(void)state;
	assert_int_equal(bind(PLAIN, PCI_VECTOR_MSI, 0, 1), 0);
	assert_int_equal(info(PLAIN).masked, 0);
	sends(PLAIN, 0, 0);
	assert_int_equal(heard.all, 1);
	assert_int_equal(mask(PLAIN, PCI_VECTOR_MSI, 0, true), 0);
	sends(PLAIN, 0, 0);
	sends(PLAIN, 0, 0);
	assert_int_equal(heard.all, 1);
	assert_int_equal(info(PLAIN).pending, 1);
	assert_int_equal(info(PLAIN).suppressed, 2);
	assert_int_equal(mask(PLAIN, PCI_VECTOR_MSI, 0, false), 0);
	assert_int_equal(heard.all, 2); /* once for both */
	assert_int_equal(mask(PLAIN, PCI_VECTOR_MSI, 0, false), 0);
	assert_int_equal(heard.all, 2);
	assert_int_equal(unbind(PLAIN, PCI_VECTOR_MSI, 0, 1), 0);
}

static void test_msix_in_parts(void **state)
{
	uint16_t flags = cap(DEV, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS;

	(void)state;
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 0, 3), 0);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 5, 2), 0);
	assert_int_equal(vectors(), 5);
	assert_int_equal(hw(DEV, flags, 2) & ~PCI_MSIX_FLAGS_QSIZE,
			 PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(mask(DEV, PCI_VECTOR_MSIX, 1, false), 0);
	assert_int_equal(mask(DEV, PCI_VECTOR_MSIX, 6, false), 0);
	sends(DEV, 1, 0);
	sends(DEV, 6, 0);
	sends(DEV, 0, -EPERM);
	sends(DEV, 4, -EPERM);
	assert_int_equal(heard.count[1], 1);
	assert_int_equal(heard.count[6], 1);
	assert_int_equal(unbind(DEV, PCI_VECTOR_MSIX, 0, 3), 0);
	assert_int_equal(hw_entry(DEV, 1, PCI_MSIX_ENTRY_VECTOR_CTRL), 1);
	sends(DEV, 1, -EPERM);
	sends(DEV, 6, 0);
	assert_int_equal(heard.all, 3);
	assert_int_equal(unbind(DEV, PCI_VECTOR_MSIX, 5, 2), 0);
	assert_int_equal(hw(DEV, flags, 2) & PCI_MSIX_FLAGS_ENABLE, 0);
}

static void test_errors_of_bind(void **state)
{
	uint16_t msi = cap(DEV, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS;

	(void)state;
	assert_int_equal(bind(PLAIN, PCI_VECTOR_MSIX, 0, 1), -ENODEV);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSI, 0, 0), -EINVAL);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSI, 0, 3), -EINVAL);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSI, 1, 1), -EINVAL);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSI, 0, 16), -ENFILE);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 8, 1), -EINVAL);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 7, 2), -EINVAL);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 1, UINT32_MAX), -EINVAL);
	hw_put(DEV, msi, 2, PCI_MSI_FLAGS_ENABLE);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSI, 0, 1), -EBUSY);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 0, 1), -EBUSY);
	hw_put(DEV, msi, 2, 0);
	hw_put(DEV, PCI_COMMAND, 2, 0);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 0, 1), -ENXIO);
	hw_put(DEV, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 1, 2), 0);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 2, 2), -EEXIST);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSI, 0, 1), -EBUSY);
	assert_int_equal(unbind(DEV, PCI_VECTOR_MSIX, 1, 1), -ENOENT);
	assert_int_equal(mask(DEV, PCI_VECTOR_MSIX, 0, true), -ENOENT);
	assert_int_equal(mask(DEV, 7, 0, true), -EINVAL);
	assert_int_equal(vectors(), 2);
	assert_int_equal(unbind(DEV, PCI_VECTOR_MSIX, 1, 2), 0);
	assert_int_equal(unbind(DEV, PCI_VECTOR_MSIX, 1, 2), -ENOENT);
	assert_int_equal(give(&one, DEV), 0);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSI, 0, 1), -ENODEV);
}

/* A table that no address is known of. */
static void test_a_table_nowhere(void **state)
{
	uint32_t bar[2] = { hw(DEV, PCI_BASE_ADDRESS_0, 4),
			    hw(DEV, PCI_BASE_ADDRESS_1, 4) };

	(void)state;
	hw_put(DEV, PCI_COMMAND, 2, 0);
	hw_put(DEV, PCI_BASE_ADDRESS_0, 4, 0);
	hw_put(DEV, PCI_BASE_ADDRESS_1, 4, 0);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 0, 1), -ENODATA);
	hw_put(DEV, PCI_BASE_ADDRESS_0, 4, bar[0]);
	hw_put(DEV, PCI_BASE_ADDRESS_1, 4, bar[1]);
}

static void test_nothing_is_half_there(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; n <= ENTRIES; n++) {
		fabric_fail(f, FABRIC_CALL_IRQ_ALLOC, n);
		assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 0, ENTRIES),
				 -ENOSPC);
		assert_int_equal(vectors(), 0);
		assert_int_equal(info(DEV).msix, 0);
		assert_int_equal(hw(DEV,
				    cap(DEV, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS,
				    2) & PCI_MSIX_FLAGS_ENABLE,
				 0);
	}
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 0, ENTRIES), 0);
	assert_int_equal(vectors(), ENTRIES);
	assert_int_equal(unbind(DEV, PCI_VECTOR_MSIX, 0, ENTRIES), 0);
	fabric_irq_room(f, 4);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSI, 0, 8), -ENOSPC);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSI, 0, 4), 0);
	assert_int_equal(unbind(DEV, PCI_VECTOR_MSI, 0, 4), 0);
}

/* --- the device goes ------------------------------------------------------------ */

static void test_a_guest_gets_it_without_the_hosts(void **state)
{
	(void)state;
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 0, 2), 0);
	assert_int_equal(mask(DEV, PCI_VECTOR_MSIX, 0, false), 0);
	assert_int_equal(give(&one, DEV), 0);
	assert_int_equal(vectors(), 0);
	(void)!fabric_interrupt(f, at(DEV), 0);
	assert_int_equal(heard.all, 0);
	assert_int_equal(unbind(DEV, PCI_VECTOR_MSIX, 0, 2), -ENOENT);
}

static void test_a_removal_takes_them(void **state)
{
	(void)state;
	assert_int_equal(bind(DEV, PCI_VECTOR_MSI, 0, 2), 0);
	assert_int_equal(pci_remove_device(at(DEV), 0, PLAT_NSEC_PER_SEC, NULL),
			 0);
	assert_int_equal(vectors(), 0);
}

static void test_a_lost_device_is_not_touched(void **state)
{
	struct pci_dev *pdev = get(DEV);

	(void)state;
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 0, 2), 0);
	assert_int_equal(pci_device_lost(at(DEV)), 0);
	assert_int_equal(vectors(), 0);
	assert_int_equal(pci_irq_bind(pdev, PCI_VECTOR_MSIX, 0, 1, hear, NULL),
			 -ENODEV);
	assert_int_equal(pci_irq_unbind(pdev, PCI_VECTOR_MSIX, 0, 2), -ENOENT);
	pcidev_put(pdev);
}

/* Handlers that are called just now may return. */
static void quiesce(struct pci_dev *pdev)
{
	uint64_t deadline = plat_now() + PLAT_NSEC_PER_SEC;
	unsigned int done = 0;
	const char *why;
	int err;

	do {
		err = pci_stages_quiesce(pdev, &done, deadline, &why);
	} while (err == -EINPROGRESS);
	assert_int_equal(err, 0);
}

/* Removed nearly: what was quiet comes again, as it was. */
static void test_a_device_that_is_mended_has_them_again(void **state)
{
	struct pci_dev *pdev = get(DEV);
	uint16_t msi = cap(DEV, PCI_CAP_ID_MSI);

	(void)state;
	assert_int_equal(bind(DEV, PCI_VECTOR_MSI, 0, 4), 0);
	assert_int_equal(mask(DEV, PCI_VECTOR_MSI, 1, false), 0);
	assert_int_equal(pcidev_begin(pdev, PCI_OP_RESET, NULL), 0);
	quiesce(pdev);
	assert_int_equal(vectors(), 0);
	assert_int_equal(hw(DEV, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE,
			 0);
	hw_put(DEV, msi + PCI_MSI_ADDRESS_LO, 4, 0);
	pci_stages_restore(pdev);
	pcidev_end(pdev);
	assert_int_equal(vectors(), 4);
	sends(DEV, 1, 0);
	sends(DEV, 0, -EPERM);
	assert_int_equal(heard.all, 1);
	/* No room any more: nothing is on that is not ours. */
	assert_int_equal(pcidev_begin(pdev, PCI_OP_RESET, NULL), 0);
	quiesce(pdev);
	fabric_irq_room(f, 1);
	pci_stages_restore(pdev);
	pcidev_end(pdev);
	assert_int_equal(failures, 1);
	assert_int_equal(hw(DEV, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE,
			 0);
	assert_int_equal(pci_irq_unbind(pdev, PCI_VECTOR_MSI, 0, 4), -ENOENT);
	pcidev_put(pdev);
}

/* --- Xen's calls ---------------------------------------------------------------- */

static void test_prepare_and_release(void **state)
{
	(void)state;
	assert_int_equal(pci_prepare_msix(at("0000:1f:1f.0")), -ENODEV);
	assert_int_equal(pci_prepare_msix(at(PLAIN)), -ENODEV); /* H11 */
	assert_int_equal(pci_release_msix(at(DEV)), -EBUSY);
	assert_int_equal(pci_prepare_msix(at(DEV)), 0);
	assert_true(info(DEV).prepared);
	assert_int_equal(pci_prepare_msix(at(DEV)), -EBUSY);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 0, 1), -EBUSY);
	assert_int_equal(give(&one, DEV), -EBUSY);
	assert_int_equal(pci_release_msix(at(DEV)), 0);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 0, 1), 0);
	assert_int_equal(pci_prepare_msix(at(DEV)), -EBUSY);
	assert_int_equal(unbind(DEV, PCI_VECTOR_MSIX, 0, 1), 0);
	assert_int_equal(give(&one, DEV), 0);
	assert_int_equal(pci_prepare_msix(at(DEV)), -EBUSY);
}

static void test_restore(void **state)
{
	struct pci_dev *pdev = get(DEV);
	uint16_t flags = cap(DEV, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS;

	(void)state;
	assert_int_equal(pci_restore_msi(at("0000:1f:1f.0")), -ENODEV);
	assert_int_equal(pci_restore_msi(at(DEV)), 0);
	assert_int_equal(bind(DEV, PCI_VECTOR_MSIX, 0, 2), 0);
	assert_int_equal(mask(DEV, PCI_VECTOR_MSIX, 1, false), 0);
	hw_put(DEV, PCI_COMMAND, 2, 0);
	assert_int_equal(pci_restore_msi(at(DEV)), -ENXIO);
	hw_put(DEV, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	hw_put(DEV, flags, 2, 0); /* as a reset would */
	assert_int_equal(pcidev_begin(pdev, PCI_OP_RESET, NULL), 0);
	assert_int_equal(pci_restore_msi(at(DEV)), -EBUSY);
	pcidev_end(pdev);
	assert_int_equal(pci_restore_msi(at(DEV)), 0);
	sends(DEV, 1, 0);
	sends(DEV, 0, -EPERM);
	assert_int_equal(heard.count[1], 1);
	assert_int_equal(unbind(DEV, PCI_VECTOR_MSIX, 0, 2), 0);
	pcidev_put(pdev);
}

#define HOST_CASE(name) cmocka_unit_test_setup_teardown(name, begin, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST_CASE(test_msi_comes_once_it_is_unmasked),
		HOST_CASE(test_msi_without_masks_is_held_back_in_software),
		HOST_CASE(test_msix_in_parts),
		HOST_CASE(test_errors_of_bind),
		HOST_CASE(test_a_table_nowhere),
		HOST_CASE(test_nothing_is_half_there),
		HOST_CASE(test_a_guest_gets_it_without_the_hosts),
		HOST_CASE(test_a_removal_takes_them),
		HOST_CASE(test_a_lost_device_is_not_touched),
		HOST_CASE(test_a_device_that_is_mended_has_them_again),
		HOST_CASE(test_prepare_and_release),
		HOST_CASE(test_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
