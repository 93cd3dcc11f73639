/* SPDX-License-Identifier: BSD-2-Clause */
/* MSI-X of a guest (PCIe 6.0 §7.7.2), from its table to its interrupts. */
#include "lab.h"

/* --- delivery ------------------------------------------------------------------ */

static void test_an_entry_comes_by_its_number(void **state)
{
	unsigned int i;

	(void)state;
	give(&lab.one, CARD);
	msix_flags(&lab.one, MSIX_ON);
	assert_int_equal(vectors(), 0); /* all are masked */
	for (i = 0; i < ENTRIES; i++) {
		msix_entry(&lab.one, i);
		assert_int_equal(vectors(), i + 1);
		assert_int_equal(raise_irq(CARD, i), 0);
		assert_came(&lab.one, i, 1);
	}
	assert_int_equal(info_of(CARD).msix, ENTRIES);
	assert_int_equal(raise_irq(CARD, ENTRIES), -EPERM);
	assert_silence(&lab.one);
	msix_flags(&lab.one, 0);
	assert_int_equal(vectors(), 0);
	assert_false(hw_msix_on(CARD));
}

/* A table that is filled before the capability goes on, as drivers do. */
static void test_filled_first_and_on_then(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msix_entry(&lab.one, 2);
	msix_entry(&lab.one, 5);
	assert_int_equal(vectors(), 0);
	msix_flags(&lab.one, MSIX_ON);
	assert_int_equal(vectors(), 2);
	assert_int_equal(raise_irq(CARD, 5), 0);
	assert_came(&lab.one, 5, 1);
	assert_int_equal(raise_irq(CARD, 2), 0);
	assert_came(&lab.one, 2, 1);
	assert_true(hw_msix_masked(CARD, 0));
	assert_false(hw_msix_masked(CARD, 5));
}

static void test_a_virtual_function(void **state)
{
	(void)state;
	give(&lab.one, VF);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 7);
	assert_int_equal(vectors(), 1);
	assert_hosts(hw_msix(VF, 7));
	assert_int_equal(raise_irq(VF, 7), 0);
	assert_came(&lab.one, 7, 1);
}

static void test_the_guests_words_stay_its_own(void **state)
{
	unsigned int i;

	(void)state;
	give(&lab.one, CARD);
	msix_entry(&lab.one, 0);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 1);
	for (i = 0; i < 2; i++) {
		uint32_t entry = TABLE + i * PCI_MSIX_ENTRY_SIZE;

		assert_hosts(hw_msix(CARD, i));
		mmio_wr(&lab.one, entry, 8, 0x123456789000);
		mmio_wr(&lab.one, entry + PCI_MSIX_ENTRY_DATA, 4, 0xffffffff);
		assert_hosts(hw_msix(CARD, i));
		assert_int_equal(mmio_rd(&lab.one, entry, 8), 0x123456789000);
		assert_int_equal(mmio_rd(&lab.one, entry + PCI_MSIX_ENTRY_DATA,
					 4),
				 0xffffffff);
		assert_int_equal(raise_irq(CARD, i), 0);
		assert_came(&lab.one, i, 1);
	}
	assert_int_not_equal(hw_msix(CARD, 0).data, hw_msix(CARD, 1).data);
}

/* XSA-237 */
static void test_enabling_twice_changes_nothing(void **state)
{
	struct fabric_unit_info before, after;
	struct msi_message m;

	(void)state;
	give(&lab.one, CARD);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 3);
	m = hw_msix(CARD, 3);
	fabric_unit(lab.f, &before);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 3);
	msix_entry(&lab.one, 3);
	fabric_unit(lab.f, &after);
	assert_int_equal(after.calls[FABRIC_CALL_IRQ_ALLOC],
			 before.calls[FABRIC_CALL_IRQ_ALLOC]);
	assert_int_equal(vectors(), 1);
	assert_int_equal(hw_msix(CARD, 3).data, m.data);
	msix_flags(&lab.one, 0);
	msix_flags(&lab.one, 0);
	assert_int_equal(vectors(), 0);
}

/* What a guest without the device, or a host before it, left in the table. */
static void test_what_was_in_the_table_is_masked(void **state)
{
	uint64_t entry = hw_bar0(CARD) + TABLE + 6 * PCI_MSIX_ENTRY_SIZE;

	(void)state;
	give(&lab.one, CARD);
	assert_int_equal(fabric_mem_write(lab.f, entry, 8, FABRIC_MSI_BASE), 0);
	assert_int_equal(fabric_mem_write(lab.f,
					  entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 4,
					  0),
			 0);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 1);
	assert_true(hw_msix_masked(CARD, 6));
	assert_int_equal(raise_irq(CARD, 6), -EPERM);
	assert_silence(&lab.one);
	assert_int_equal(counts_of(CARD).refused, 0);
}

/* --- masks --------------------------------------------------------------------- */

static void test_masked_it_is_pending_and_comes_once(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 4);
	msix_mask(&lab.one, 4, true);
	assert_true(hw_msix_masked(CARD, 4));
	assert_int_equal(vectors(), 1); /* it keeps its vector */
	assert_int_equal(raise_irq(CARD, 4), -EPERM);
	assert_int_equal(raise_irq(CARD, 4), -EPERM);
	assert_silence(&lab.one);
	assert_true(msix_pending(&lab.one, 4));
	assert_false(msix_pending(&lab.one, 5));
	msix_mask(&lab.one, 4, false);
	assert_came(&lab.one, 4, 1);
	assert_false(msix_pending(&lab.one, 4));
	msix_mask(&lab.one, 4, true);
	msix_mask(&lab.one, 4, false);
	assert_silence(&lab.one);
	assert_int_equal(hw_msix_masked(CARD, 4), false);
}

static void mask_in_hardware(unsigned int i, bool masked)
{
	assert_int_equal(fabric_mem_write(lab.f,
					  hw_bar0(CARD) + TABLE +
						  i * PCI_MSIX_ENTRY_SIZE +
						  PCI_MSIX_ENTRY_VECTOR_CTRL,
					  4, masked),
			 0);
}

/* A message that was on its way when the mask was set. */
static void send_past_the_mask(unsigned int i)
{
	mask_in_hardware(i, false);
	assert_int_equal(raise_irq(CARD, i), 0);
	mask_in_hardware(i, true);
}

static void masked_entry(unsigned int i)
{
	give(&lab.one, CARD);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, i);
	msix_mask(&lab.one, i, true);
}

static void test_what_was_on_its_way_is_kept(void **state)
{
	(void)state;
	masked_entry(4);
	send_past_the_mask(4);
	send_past_the_mask(4);
	assert_silence(&lab.one);
	assert_int_equal(info_of(CARD).pending, 1);
	assert_int_equal(info_of(CARD).suppressed, 2);
	assert_true(msix_pending(&lab.one, 4));
	msix_mask(&lab.one, 4, false);
	assert_came(&lab.one, 4, 1);
	assert_false(msix_pending(&lab.one, 4));
}

static void test_it_is_kept_while_off(void **state)
{
	(void)state;
	masked_entry(4);
	send_past_the_mask(4);
	msix_flags(&lab.one, 0);
	assert_true(msix_pending(&lab.one, 4));
	assert_int_equal(vectors(), 0);
	msix_mask(&lab.one, 4, false);
	assert_silence(&lab.one); /* it is off */
	msix_flags(&lab.one, MSIX_ON);
	assert_came(&lab.one, 4, 1);
	assert_false(msix_pending(&lab.one, 4));
	msix_flags(&lab.one, 0);
	msix_flags(&lab.one, MSIX_ON);
	assert_silence(&lab.one);
}

static void test_a_reset_by_the_guest_forgets(void **state)
{
	(void)state;
	masked_entry(4);
	send_past_the_mask(4);
	assert_int_equal(raise_irq(CARD, 4), -EPERM); /* the device's own */
	flr(&lab.one);
	assert_int_equal(vectors(), 0);
	assert_false(hw_msix_on(CARD));
	assert_int_equal(info_of(CARD).pending, 0);
	wr(&lab.one, PCI_BASE_ADDRESS_0, 4, BAR0_AT);
	wr(&lab.one, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	master(&lab.one, true);
	assert_false(msix_pending(&lab.one, 4));
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 4);
	assert_silence(&lab.one);
	assert_int_equal(raise_irq(CARD, 4), 0);
	assert_came(&lab.one, 4, 1);
}

static void test_function_mask_masks_all(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 0);
	msix_entry(&lab.one, 1);
	msix_flags(&lab.one, MSIX_ON | MSIX_ALL);
	assert_int_equal(raise_irq(CARD, 0), -EPERM);
	assert_int_equal(raise_irq(CARD, 1), -EPERM);
	assert_silence(&lab.one);
	assert_true(msix_pending(&lab.one, 0) && msix_pending(&lab.one, 1));
	msix_mask(&lab.one, 1, true);
	msix_flags(&lab.one, MSIX_ON);
	assert_came(&lab.one, 0, 1);
	assert_true(msix_pending(&lab.one, 1)); /* by its own mask */
	msix_mask(&lab.one, 1, false);
	assert_came(&lab.one, 1, 1);
	/* on, and masked as a whole, from the start */
	msix_flags(&lab.one, 0);
	msix_flags(&lab.one, MSIX_ON | MSIX_ALL);
	assert_int_equal(vectors(), 0);
	msix_flags(&lab.one, MSIX_ON);
	assert_int_equal(vectors(), 2);
	assert_int_equal(raise_irq(CARD, 1), 0);
	assert_came(&lab.one, 1, 1);
}

static void test_the_pba_is_nobodys_to_write(void **state)
{
	(void)state;
	masked_entry(4);
	send_past_the_mask(4);
	mmio_wr(&lab.one, PBA, 8, 0);
	assert_int_equal(mmio_rd(&lab.one, PBA, 8), 1 << 4);
	mmio_wr(&lab.one, PBA, 4, 0xff);
	assert_int_equal(mmio_rd(&lab.one, PBA, 4), 1 << 4);
}

/* --- who may send ----------------------------------------------------------------- */

static void test_without_bus_master_nothing_is_sent(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 0);
	master(&lab.one, false);
	assert_int_equal(raise_irq(CARD, 0), -EPERM);
	assert_silence(&lab.one);
	master(&lab.one, true);
	assert_int_equal(raise_irq(CARD, 0), 0);
	assert_came(&lab.one, 0, 1);
}

/* XSA-33, XSA-49: by a command of a guest to the device that it has */
static void test_anothers_message_is_refused(void **state)
{
	struct pci_iommu_info fault;
	struct msi_message m;

	(void)state;
	give(&lab.one, CARD);
	give(&lab.two, OTHER);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 6);
	m = hw_msix(CARD, 6);
	mmio_wr(&lab.two, FABRIC_TESTER_DESTINATION, 4, (uint32_t)m.address);
	mmio_wr(&lab.two, FABRIC_TESTER_DATA, 4, m.data);
	mmio_wr(&lab.two, FABRIC_TESTER_LENGTH, 4, 4);
	mmio_wr(&lab.two, FABRIC_TESTER_COMMAND, 4, FABRIC_TESTER_WRITE);
	assert_true(mmio_rd(&lab.two, FABRIC_TESTER_STATUS, 4) &
		    FABRIC_TESTER_REFUSED);
	assert_silence(&lab.one);
	assert_int_equal(counts_of(OTHER).refused, 1);
	assert_int_equal(pci_iommu_query(at(OTHER), &fault), 0);
	assert_int_equal(fault.fault.total, 1);
	assert_int_equal(fault.fault.last.reason, IOMMU_FAULT_INTERRUPT);
	/* its own by the same way */
	mmio_wr(&lab.one, FABRIC_TESTER_VECTOR, 4, 6);
	mmio_wr(&lab.one, FABRIC_TESTER_COMMAND, 4, FABRIC_TESTER_INTERRUPT);
	assert_came(&lab.one, 6, 1);
}

/* --- the host's mask -------------------------------------------------------------- */

static void test_the_hosts_mask_is_apart(void **state)
{
	(void)state;
	masked_entry(0);
	assert_int_equal(raise_irq(CARD, 0), -EPERM);
	assert_int_equal(mask(CARD, MSIX, 0, true), 0);
	msix_mask(&lab.one, 0, false);
	assert_silence(&lab.one);
	assert_true(hw_msix_masked(CARD, 0));
	assert_true(msix_pending(&lab.one, 0));
	assert_int_equal(mask(CARD, MSIX, 0, false), 0);
	assert_came(&lab.one, 0, 1);
	assert_false(msix_pending(&lab.one, 0));
}

/* A card with more entries than a word of the PBA has bits. */
#define MANY                                                                    \
	"[ { \"at\": \"00.0\", \"kind\": \"endpoint\", \"id\": \"1b36:0005\","  \
	"\"class\": \"0x00ff00\","                                              \
	"\"bars\": [ { \"bar\": 0, \"type\": \"mem32\", \"size\": \"16K\" } ]," \
	"\"tester\": true, \"flr\": true,"                                      \
	"\"msix\": { \"entries\": 70, \"bar\": 0, \"table\": \"0x2000\","       \
	"\"pba\": \"0x3000\" } } ]"

static void test_more_entries_than_a_word_has_bits(void **state)
{
	char err[200] = "";

	(void)state;
	if (fabric_plug(lab.f, at(SPARE), MANY, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(pci_add_device(at(SPARE)), 0);
	give(&lab.one, SPARE);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 3);
	msix_mask(&lab.one, 3, true);
	msix_entry(&lab.one, 66);
	msix_mask(&lab.one, 66, true);
	assert_int_equal(raise_irq(SPARE, 66), -EPERM);
	assert_int_equal(mmio_rd(&lab.one, PBA, 8), 0);
	assert_int_equal(mmio_rd(&lab.one, PBA + 8, 8), 1 << (66 - 64));
	assert_int_equal(raise_irq(SPARE, 3), -EPERM);
	assert_int_equal(mmio_rd(&lab.one, PBA, 8), 1 << 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(test_an_entry_comes_by_its_number),
		LAB(test_filled_first_and_on_then),
		LAB(test_a_virtual_function),
		LAB(test_the_guests_words_stay_its_own),
		LAB(test_enabling_twice_changes_nothing),
		LAB(test_what_was_in_the_table_is_masked),
		LAB(test_masked_it_is_pending_and_comes_once),
		LAB(test_what_was_on_its_way_is_kept),
		LAB(test_it_is_kept_while_off),
		LAB(test_a_reset_by_the_guest_forgets),
		LAB(test_function_mask_masks_all),
		LAB(test_the_pba_is_nobodys_to_write),
		LAB(test_without_bus_master_nothing_is_sent),
		LAB(test_anothers_message_is_refused),
		LAB(test_the_hosts_mask_is_apart),
		LAB(test_more_entries_than_a_word_has_bits),
	};

	return cmocka_run_group_tests_name("irq: guest's MSI-X", tests, NULL,
					   NULL);
}
