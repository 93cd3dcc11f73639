/* SPDX-License-Identifier: BSD-2-Clause */
/* MSI of a guest (PCIe 6.0 §7.7.1), from its registers to its interrupts. */
#include "device/internal.h"
#include "lab.h"

/* A card with MSI of 4 vectors and no mask bits. */
#define MASKLESS                                                                \
	"[ { \"at\": \"00.0\", \"kind\": \"endpoint\", \"id\": \"1b36:0005\","  \
	"\"class\": \"0x00ff00\", \"pin\": 1,"                                  \
	"\"bars\": [ { \"bar\": 0, \"type\": \"mem32\", \"size\": \"16K\" } ]," \
	"\"tester\": true, \"flr\": true, \"msi\": { \"vectors\": 4 } } ]"

static void plug_maskless(void)
{
	char err[200] = "";

	if (fabric_plug(lab.f, at(SPARE), MASKLESS, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(pci_add_device(at(SPARE)), 0);
}

/* --- delivery ------------------------------------------------------------------ */

static void test_a_vector_comes_by_its_number(void **state)
{
	unsigned int i;

	(void)state;
	give(&lab.one, CARD);
	assert_int_equal(vectors(), 0);
	msi_on(&lab.one, 8);
	assert_int_equal(vectors(), 8);
	assert_int_equal(info_of(CARD).msi, 8);
	assert_true(info_of(CARD).guest);
	for (i = 0; i < 8; i++) {
		assert_int_equal(raise_irq(CARD, i), 0);
		assert_came(&lab.one, i, 1);
	}
	assert_silence(&lab.two);
	assert_int_equal(info_of(CARD).delivered, 8);
	assert_int_equal(counts_of(CARD).interrupts, 8);
	msi_off(&lab.one);
	assert_int_equal(vectors(), 0);
	assert_false(hw_msi_on(CARD));
}

static void test_the_guests_words_stay_its_own(void **state)
{
	uint16_t msi = msi_at(CARD);

	(void)state;
	give(&lab.one, CARD);
	msi_on(&lab.one, 1);
	assert_hosts(hw_msi(CARD));
	wr(&lab.one, msi + PCI_MSI_ADDRESS_LO, 4, 0x1000);
	wr(&lab.one, msi + PCI_MSI_ADDRESS_HI, 4, 7);
	wr(&lab.one, msi + PCI_MSI_DATA_64, 2, 0xffff);
	assert_hosts(hw_msi(CARD));
	assert_int_equal(rd(&lab.one, msi + PCI_MSI_ADDRESS_LO, 4), 0x1000);
	assert_int_equal(rd(&lab.one, msi + PCI_MSI_ADDRESS_HI, 4), 7);
	assert_int_equal(rd(&lab.one, msi + PCI_MSI_DATA_64, 2), 0xffff);
	assert_int_equal(raise_irq(CARD, 0), 0);
	assert_came(&lab.one, 0, 1);
	msi_off(&lab.one);
	wr(&lab.one, msi + PCI_MSI_DATA_64, 2, 0x1234);
	assert_hosts(hw_msi(CARD));
}

static void test_fewer_than_it_has_and_another_number(void **state)
{
	unsigned int n, i;

	(void)state;
	give(&lab.one, CARD);
	give(&lab.two, OTHER);
	msi_on(&lab.two, 1); /* so that the first block is not at 0 */
	for (n = 1; n <= 8; n *= 2) {
		msi_on(&lab.one, n); /* while it is on */
		assert_int_equal(vectors(), 1 + n);
		assert_int_equal(hw_msi(CARD).data & (n - 1), 0);
		for (i = 0; i < n; i++) {
			assert_int_equal(raise_irq(CARD, i), 0);
			assert_came(&lab.one, i, 1);
		}
		assert_int_equal(raise_irq(CARD, n), -EPERM);
	}
	msi_on(&lab.one, 2);
	assert_int_equal(vectors(), 3);
	assert_int_equal(raise_irq(CARD, 1), 0);
	assert_came(&lab.one, 1, 1);
	assert_silence(&lab.two);
	msi_on(&lab.one, 32); /* the view makes 8 of it */
	assert_int_equal(info_of(CARD).msi, 8);
}

static void test_enabling_twice_changes_nothing(void **state)
{
	struct fabric_unit_info before, after;
	struct msi_message m;

	(void)state;
	give(&lab.one, CARD);
	msi_on(&lab.one, 4);
	m = hw_msi(CARD);
	fabric_unit(lab.f, &before);
	msi_on(&lab.one, 4);
	msi_on(&lab.one, 4);
	fabric_unit(lab.f, &after);
	assert_int_equal(after.calls[FABRIC_CALL_IRQ_ALLOC],
			 before.calls[FABRIC_CALL_IRQ_ALLOC]);
	assert_int_equal(vectors(), 4);
	assert_int_equal(hw_msi(CARD).data, m.data);
	assert_true(hw_msi_on(CARD));
	msi_off(&lab.one);
	msi_off(&lab.one);
	assert_int_equal(vectors(), 0);
}

/* --- masks --------------------------------------------------------------------- */

static void test_hardware_is_masked_as_the_guest_masks(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msi_mask(&lab.one, 0xa5);
	msi_on(&lab.one, 8);
	assert_int_equal(hw_msi_mask(CARD) & 0xff, 0xa5);
	assert_int_equal(info_of(CARD).masked, 4);
	msi_mask(&lab.one, 0x0f);
	assert_int_equal(hw_msi_mask(CARD) & 0xff, 0x0f);
	assert_int_equal(raise_irq(CARD, 3), -EPERM);
	assert_int_equal(raise_irq(CARD, 4), 0);
	assert_came(&lab.one, 4, 1);
	msi_mask(&lab.one, 0);
	assert_int_equal(hw_msi_mask(CARD) & 0xff, 0);
	assert_came(&lab.one, 3, 1); /* what the device had kept */
}

static void test_masked_it_is_pending_and_comes_once(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msi_mask(&lab.one, 4);
	msi_on(&lab.one, 4);
	assert_int_equal(raise_irq(CARD, 2), -EPERM);
	assert_int_equal(raise_irq(CARD, 2), -EPERM);
	assert_int_equal(raise_irq(CARD, 2), -EPERM);
	assert_silence(&lab.one);
	assert_int_equal(msi_pending(&lab.one), 4);
	msi_mask(&lab.one, 0);
	assert_came(&lab.one, 2, 1);
	assert_int_equal(msi_pending(&lab.one), 0);
	msi_mask(&lab.one, 4);
	msi_mask(&lab.one, 0);
	assert_silence(&lab.one);
}

/*
 * A message that was on its way when the mask was set: the core keeps it. The
 * device's own masks are cleared to let it through.
 */
static void send_past_the_mask(unsigned int i)
{
	uint16_t mask = msi_at(CARD) + PCI_MSI_MASK_64;
	uint32_t was = hw(CARD, mask, 4);

	hw_put(CARD, mask, 4, 0);
	assert_int_equal(raise_irq(CARD, i), 0);
	hw_put(CARD, mask, 4, was);
}

static void test_what_was_on_its_way_is_kept(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msi_mask(&lab.one, 2);
	msi_on(&lab.one, 2);
	send_past_the_mask(1);
	send_past_the_mask(1);
	assert_silence(&lab.one);
	assert_int_equal(info_of(CARD).pending, 1);
	assert_int_equal(info_of(CARD).suppressed, 2);
	assert_int_equal(msi_pending(&lab.one), 2);
	msi_mask(&lab.one, 3);
	assert_silence(&lab.one);
	msi_mask(&lab.one, 1);
	assert_came(&lab.one, 1, 1);
	assert_int_equal(info_of(CARD).pending, 0);
	assert_int_equal(msi_pending(&lab.one), 0);
}

static void test_it_is_kept_while_off(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msi_mask(&lab.one, 2);
	msi_on(&lab.one, 2);
	send_past_the_mask(1);
	msi_off(&lab.one);
	assert_int_equal(msi_pending(&lab.one), 2);
	assert_int_equal(vectors(), 0);
	msi_on(&lab.one, 2);
	assert_silence(&lab.one); /* it is masked still */
	msi_off(&lab.one);
	msi_mask(&lab.one, 0);
	assert_silence(&lab.one); /* it is off */
	msi_on(&lab.one, 2);
	assert_came(&lab.one, 1, 1);
	msi_off(&lab.one);
	msi_on(&lab.one, 2);
	assert_silence(&lab.one);
}

static void test_a_reset_by_the_guest_forgets(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msi_mask(&lab.one, 2);
	msi_on(&lab.one, 2);
	send_past_the_mask(1);
	assert_int_equal(raise_irq(CARD, 1), -EPERM); /* the device's own bit */
	flr(&lab.one);
	assert_int_equal(vectors(), 0);
	assert_false(hw_msi_on(CARD));
	assert_int_equal(msi_pending(&lab.one), 0);
	assert_int_equal(info_of(CARD).pending, 0);
	master(&lab.one, true);
	msi_on(&lab.one, 2);
	assert_silence(&lab.one);
	assert_int_equal(raise_irq(CARD, 1), 0);
	assert_came(&lab.one, 1, 1);
}

/* Without mask bits nothing is masked, and nothing is pending in hardware. */
static void test_without_mask_bits(void **state)
{
	unsigned int i;

	(void)state;
	plug_maskless();
	give(&lab.one, SPARE);
	msi_on(&lab.one, 4);
	assert_false(rd(&lab.one, msi_at(SPARE) + PCI_MSI_FLAGS, 2) &
		     PCI_MSI_FLAGS_MASKBIT);
	for (i = 0; i < 4; i++) {
		assert_int_equal(raise_irq(SPARE, i), 0);
		assert_came(&lab.one, i, 1);
	}
	/* nothing that is there is taken for a mask register */
	wr(&lab.one, msi_at(SPARE) + PCI_MSI_MASK_64, 4, ~0u);
	assert_int_equal(raise_irq(SPARE, 1), 0);
	assert_came(&lab.one, 1, 1);
	assert_int_equal(info_of(SPARE).masked, 0);
}

/* --- who may send ----------------------------------------------------------------- */

static void test_without_bus_master_nothing_is_sent(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msi_on(&lab.one, 1);
	master(&lab.one, false);
	assert_int_equal(raise_irq(CARD, 0), -EPERM);
	assert_silence(&lab.one);
	master(&lab.one, true);
	assert_int_equal(raise_irq(CARD, 0), 0);
	assert_came(&lab.one, 0, 1);
}

/* XSA-33, XSA-49 */
static void test_anothers_message_is_refused(void **state)
{
	struct pci_iommu_info fault;
	struct msi_message m;

	(void)state;
	give(&lab.one, CARD);
	give(&lab.two, OTHER);
	msi_on(&lab.one, 2);
	m = hw_msi(CARD);
	assert_int_equal(forge(CARD, m, 1), 0); /* it is its own */
	assert_came(&lab.one, 1, 1);
	assert_int_equal(forge(OTHER, m, 0), -EFAULT);
	assert_int_equal(forge(OTHER, m, 1), -EFAULT);
	assert_silence(&lab.one);
	assert_silence(&lab.two);
	assert_int_equal(counts_of(OTHER).refused, 2);
	assert_int_equal(counts_of(OTHER).interrupts, 0);
	assert_int_equal(pci_iommu_query(at(OTHER), &fault), 0);
	assert_int_equal(fault.fault.total, 2);
	assert_int_equal(fault.fault.last.reason, IOMMU_FAULT_INTERRUPT);
	assert_int_equal(fault.fault.last.rid.sbdf, at(OTHER).sbdf);
	/* nor one that nobody has, nor more than it has now */
	assert_int_equal(forge(CARD, m, 2), -EFAULT);
	msi_on(&lab.one, 1);
	assert_int_equal(forge(CARD, hw_msi(CARD), 1), -EFAULT);
	assert_silence(&lab.one);
}

/* PCIe 6.0 leaves both on undefined: MSI-X is what counts. */
static void test_msix_silences_msi(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msi_on(&lab.one, 2);
	msix_flags(&lab.one, MSIX_ON);
	assert_false(hw_msi_on(CARD));
	assert_int_equal(vectors(), 0);
	msix_entry(&lab.one, 1);
	assert_int_equal(vectors(), 1);
	assert_int_equal(raise_irq(CARD, 1), 0);
	assert_came(&lab.one, 1, 1);
	msix_flags(&lab.one, 0);
	assert_int_equal(vectors(), 2);
	assert_true(hw_msi_on(CARD));
	assert_false(hw_msix_on(CARD));
	lab.one.msix = false;
	assert_int_equal(raise_irq(CARD, 1), 0);
	assert_came(&lab.one, 1, 1);
}

/* --- the host's mask -------------------------------------------------------------- */

/* What is pending outlives disabling, and so does the host's mask. */
static void test_the_hosts_mask_outlives_disabling(void **state)
{
	(void)state;
	plug_maskless();
	give(&lab.one, SPARE);
	msi_on(&lab.one, 1);
	assert_int_equal(mask(SPARE, MSI, 0, true), 0);
	assert_int_equal(raise_irq(SPARE, 0), 0);
	assert_silence(&lab.one);
	msi_off(&lab.one);
	assert_int_equal(mask(SPARE, MSI, 0, false), -ENOENT);
	msi_on(&lab.one, 1);
	assert_silence(&lab.one);
	assert_int_equal(mask(SPARE, MSI, 0, false), 0);
	assert_came(&lab.one, 0, 1);
}

/* It does not wait for its reset, as it should: hardware hears of it after. */
static void test_enabled_while_it_resets(void **state)
{
	struct pci_dev_info info;

	(void)state;
	give(&lab.one, CARD);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 0);
	assert_int_equal(pci_query(at(CARD), &info), 0);
	wr(&lab.one, info.desc.pcie + PCI_EXP_DEVCTL, 2,
	   PCI_EXP_DEVCTL_BCR_FLR);
	assert_int_equal(vectors(), 0);
	msi_on(&lab.one, 1);
	assert_int_equal(vectors(), 0);
	settle(&lab.one);
	assert_int_equal(vectors(), 1);
	master(&lab.one, true);
	assert_int_equal(raise_irq(CARD, 0), 0);
	assert_came(&lab.one, 0, 1);
}

/* Looks after each write whether hardware has both on. */
static struct pci_dev *watched;
static unsigned int had_both;

int __real_pcidev_write(struct pci_dev *pdev, uint16_t reg, uint8_t size,
			uint32_t val);
int __wrap_pcidev_write(struct pci_dev *pdev, uint16_t reg, uint8_t size,
			uint32_t val);

int __wrap_pcidev_write(struct pci_dev *pdev, uint16_t reg, uint8_t size,
			uint32_t val)
{
	int err = __real_pcidev_write(pdev, reg, size, val);

	if (pdev == watched)
		had_both +=
			pcidev_read(pdev, pdev->desc.msi + PCI_MSI_FLAGS, 2) &
				PCI_MSI_FLAGS_ENABLE &&
			pcidev_read(pdev, pdev->desc.msix + PCI_MSIX_FLAGS, 2) &
				PCI_MSIX_FLAGS_ENABLE;
	return err;
}

/* PCIe 6.0 §6.1.4: at any time one of them at most. */
static void test_one_kind_goes_before_the_other_comes(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	watched = get(CARD);
	had_both = 0;
	msi_on(&lab.one, 1);
	msix_flags(&lab.one, MSIX_ON);
	assert_int_equal(had_both, 0);
	msix_flags(&lab.one, 0);
	assert_int_equal(had_both, 0);
	assert_int_equal(info_of(CARD).msi, 1);
	pcidev_put(watched);
	watched = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(test_a_vector_comes_by_its_number),
		LAB(test_the_guests_words_stay_its_own),
		LAB(test_fewer_than_it_has_and_another_number),
		LAB(test_enabling_twice_changes_nothing),
		LAB(test_hardware_is_masked_as_the_guest_masks),
		LAB(test_masked_it_is_pending_and_comes_once),
		LAB(test_what_was_on_its_way_is_kept),
		LAB(test_it_is_kept_while_off),
		LAB(test_a_reset_by_the_guest_forgets),
		LAB(test_without_mask_bits),
		LAB(test_without_bus_master_nothing_is_sent),
		LAB(test_anothers_message_is_refused),
		LAB(test_msix_silences_msi),
		LAB(test_one_kind_goes_before_the_other_comes),
		LAB(test_the_hosts_mask_outlives_disabling),
		LAB(test_enabled_while_it_resets),
	};

	return cmocka_run_group_tests_name("irq: guest's MSI", tests, NULL,
					   NULL);
}
