/* SPDX-License-Identifier: BSD-2-Clause */
/* MSI as a guest has it (PCIe 6.0 §7.7.1), through the guest's own accesses. */
#include "message.h"

#define ON PCI_MSI_FLAGS_ENABLE
#define SIZE(log2) ((log2) << PCI_MSI_FLAGS_QSIZE_SHIFT)

/* Hardware with 2^@log2 vectors whose every register could be written. */
static void add_msi(uint8_t pos, unsigned int log2, uint16_t form)
{
	struct fake_fn *fn = message.fn;

	fake_cap(fn, pos, PCI_CAP_ID_MSI);
	fake_put(fn, pos + PCI_MSI_FLAGS, 2,
		 form | log2 << PCI_MSI_FLAGS_QMASK_SHIFT);
	memset(fn->writable + pos + PCI_MSI_FLAGS, 0xff, 22);
}

static void msi(unsigned int log2, uint16_t form)
{
	add_msi(MESSAGE_CAP, log2, form);
	message_assign();
}

/* 64-bit, with masks: the form most of these tests want. */
static void msi_full(unsigned int log2)
{
	msi(log2, PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT);
}

static void program(uint16_t flags, uint32_t lo, uint32_t hi, uint16_t data)
{
	cap_write(PCI_MSI_ADDRESS_LO, 4, lo);
	cap_write(PCI_MSI_ADDRESS_HI, 4, hi);
	cap_write(PCI_MSI_DATA_64, 2, data);
	cap_write(PCI_MSI_FLAGS, 2, flags);
}

static struct pci_vector ask(unsigned int i)
{
	struct pci_vector v;

	assert_int_equal(vpci_vector(at(MESSAGE_DEV), PCI_VECTOR_MSI, i, &v),
			 0);
	return v;
}

static int pend(unsigned int i)
{
	return vpci_vector_pending(at(MESSAGE_DEV), PCI_VECTOR_MSI, i);
}

static struct vpci_info info(void)
{
	struct vpci_info i;

	assert_int_equal(vpci_query(at(MESSAGE_DEV), &i), 0);
	return i;
}

/* --- its form -------------------------------------------------------------- */

static void
test_without_masks_and_32_bit_there_is_address_and_data(void **state)
{
	unsigned int reg;

	(void)state;
	msi(2, 0);
	for (reg = PCI_MSI_ADDRESS_LO; reg < 24; reg += 4)
		cap_write((uint16_t)reg, 4, UINT32_MAX);
	cap_write(PCI_MSI_FLAGS, 2, 0xfffe);
	assert_int_equal(cap_read(PCI_MSI_FLAGS, 2), 2 << 1 | SIZE(2));
	assert_int_equal(cap_read(PCI_MSI_ADDRESS_LO, 4), 0xfffffffc);
	assert_int_equal(cap_read(PCI_MSI_DATA_32, 4), 0xffff);
	assert_int_equal(cap_read(PCI_MSI_MASK_32, 4), 0);
	assert_int_equal(cap_read(PCI_MSI_PENDING_32, 4), 0);
}

static void test_with_masks_and_64_bit_there_is_all_of_it(void **state)
{
	unsigned int reg;

	(void)state;
	msi_full(3);
	for (reg = PCI_MSI_ADDRESS_LO; reg < 24; reg += 4)
		cap_write((uint16_t)reg, 4, UINT32_MAX);
	assert_int_equal(cap_read(PCI_MSI_FLAGS, 2),
			 PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 3 << 1);
	assert_int_equal(cap_read(PCI_MSI_ADDRESS_LO, 4), 0xfffffffc);
	assert_int_equal(cap_read(PCI_MSI_ADDRESS_HI, 4), UINT32_MAX);
	assert_int_equal(cap_read(PCI_MSI_DATA_64, 4), 0xffff);
	assert_int_equal(cap_read(PCI_MSI_MASK_64, 4), 0xff); /* 8 vectors */
	assert_int_equal(cap_read(PCI_MSI_PENDING_64, 4), 0);
}

static void test_32_bit_form_has_its_masks_behind_the_data(void **state)
{
	(void)state;
	msi(0, PCI_MSI_FLAGS_MASKBIT);
	cap_write(PCI_MSI_MASK_32, 4, UINT32_MAX);
	assert_int_equal(cap_read(PCI_MSI_MASK_32, 4), 1);
	assert_int_equal(pend(0), 0);
	assert_int_equal(cap_read(PCI_MSI_PENDING_32, 4), 1);
	cap_write(PCI_MSI_PENDING_32, 4, 0);
	assert_int_equal(cap_read(PCI_MSI_PENDING_32, 4), 1);
}

static void test_more_vectors_than_there_are_cannot_be_enabled(void **state)
{
	(void)state;
	msi_full(1);
	cap_write(PCI_MSI_FLAGS, 2, SIZE(7u));
	assert_int_equal(cap_read(PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_QSIZE,
			 SIZE(1));
	cap_write(PCI_MSI_FLAGS, 2, SIZE(0));
	assert_int_equal(cap_read(PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_QSIZE, 0);
}

static void test_32_vectors_have_32_masks_and_numbers(void **state)
{
	unsigned int i;

	(void)state;
	msi_full(5);
	cap_write(PCI_MSI_MASK_64, 4, UINT32_MAX);
	assert_int_equal(cap_read(PCI_MSI_MASK_64, 4), UINT32_MAX);
	cap_write(PCI_MSI_MASK_64, 4, 0);
	program(ON | SIZE(5), 0xfee00000, 0, 0x4040);
	assert_told(32);
	for (i = 0; i < 32; i++) {
		assert_vector(&message.told[i], i, true, false);
		assert_int_equal(message.told[i].data, 0x4040 + i);
	}
	assert_int_equal(info().msi_enabled, 32);
}

static void test_extended_data_counts_only_where_it_is_enabled(void **state)
{
	(void)state;
	msi(0, PCI_MSI_FLAGS_EXT_DATA);
	cap_write(PCI_MSI_DATA_32, 4, 0x12345678);
	assert_int_equal(cap_read(PCI_MSI_DATA_32, 4), 0x12345678);
	assert_int_equal(ask(0).data, 0x5678);
	cap_write(PCI_MSI_FLAGS, 2, ON);
	assert_told(1);
	cap_write(PCI_MSI_FLAGS, 2, ON | PCI_MSI_FLAGS_EXT_DATA_EN);
	assert_told(1);
	assert_int_equal(message.told[0].data, 0x12345678);
}

static void test_hardware_without_extended_data_cannot_enable_it(void **state)
{
	(void)state;
	msi_full(0);
	cap_write(PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_EXT_DATA_EN);
	assert_int_equal(cap_read(PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_EXT_DATA_EN,
			 0);
}

/* --- who is told what -------------------------------------------------------- */

static void test_enabling_tells_each_vector_whole(void **state)
{
	unsigned int i;

	(void)state;
	msi_full(3);
	program(SIZE(2), 0xfee0100c, 0x12, 0x41);
	assert_told(0);
	cap_write(PCI_MSI_FLAGS, 2, ON | SIZE(2));
	assert_told(4);
	for (i = 0; i < 4; i++) {
		assert_vector(&message.told[i], i, true, false);
		assert_false(message.told[i].msix);
		assert_false(message.told[i].pending);
		assert_true(message.told[i].address == 0x12fee0100c);
		assert_int_equal(message.told[i].data, 0x40 + i);
	}
	assert_false(ask(4).enabled);
}

static void test_disabling_tells_each_vector(void **state)
{
	(void)state;
	msi_full(1);
	program(ON | SIZE(1), 0xfee00000, 0, 0x40);
	assert_told(2);
	cap_write(PCI_MSI_FLAGS, 2, SIZE(1));
	assert_told(2);
	assert_vector(&message.told[0], 0, false, false);
	assert_vector(&message.told[1], 1, false, false);
	assert_int_equal(info().msi_enabled, 0);
}

static void
test_XSA_237_enabling_again_undoes_nothing_and_tells_nobody(void **state)
{
	(void)state;
	msi_full(1);
	program(ON | SIZE(1), 0xfee00000, 0, 0x40);
	cap_write(PCI_MSI_MASK_64, 4, 2);
	assert_told(3);
	cap_write(PCI_MSI_FLAGS, 2, ON | SIZE(1));
	cap_write(PCI_MSI_ADDRESS_LO, 4, 0xfee00000);
	cap_write(PCI_MSI_MASK_64, 4, 2);
	cap_write(PCI_MSI_DATA_64, 2, 0x40);
	assert_told(0);
	assert_true(ask(0).enabled);
	assert_true(ask(1).masked);
	assert_int_equal(ask(0).address, 0xfee00000);
}

static void test_fewer_vectors_tells_those_that_go(void **state)
{
	(void)state;
	msi_full(2);
	program(ON | SIZE(2), 0xfee00000, 0, 0x40);
	assert_told(4);
	cap_write(PCI_MSI_FLAGS, 2, ON | SIZE(1));
	assert_told(2);
	assert_vector(&message.told[0], 2, false, false);
	assert_vector(&message.told[1], 3, false, false);
}

static void test_a_new_address_or_data_is_told_while_it_is_on(void **state)
{
	(void)state;
	msi_full(0);
	program(ON, 0xfee00000, 0, 0x40);
	assert_told(1);
	cap_write(PCI_MSI_ADDRESS_HI, 4, 1);
	assert_told(1);
	assert_true(message.told[0].address == 0x1fee00000);
	cap_write(PCI_MSI_DATA_64 + 1, 1, 0x80);
	assert_told(1);
	assert_int_equal(message.told[0].data, 0x8040);
}

static void test_masking_and_unmasking_tell_that_vector(void **state)
{
	(void)state;
	msi_full(2);
	program(ON | SIZE(2), 0xfee00000, 0, 0x40);
	assert_told(4);
	cap_write(PCI_MSI_MASK_64, 4, 4);
	assert_told(1);
	assert_vector(&message.told[0], 2, true, true);
	cap_write(PCI_MSI_DATA_64, 2, 0x80); /* of 2, told when unmasked */
	assert_told(3);
	cap_write(PCI_MSI_MASK_64, 4, 0);
	assert_told(1);
	assert_vector(&message.told[0], 2, true, false);
	assert_int_equal(message.told[0].data, 0x82);
}

static void test_masks_of_what_is_off_are_told_to_nobody(void **state)
{
	(void)state;
	msi_full(2);
	cap_write(PCI_MSI_MASK_64, 4, 0xf);
	program(ON, 0xfee00000, 0, 0x40); /* vector 0 only */
	assert_told(1);
	assert_vector(&message.told[0], 0, true, true);
	cap_write(PCI_MSI_MASK_64, 4, 1);
	assert_told(0);
}

/* --- pending ----------------------------------------------------------------- */

static void test_unmasking_gives_a_pending_interrupt_away_once(void **state)
{
	(void)state;
	msi_full(1);
	cap_write(PCI_MSI_MASK_64, 4, 3);
	program(ON | SIZE(1), 0xfee00000, 0, 0x40);
	assert_told(2);
	assert_int_equal(pend(1), 0);
	assert_told(0);
	assert_int_equal(cap_read(PCI_MSI_PENDING_64, 4), 2);
	assert_true(ask(1).pending);
	cap_write(PCI_MSI_PENDING_64, 4, 0);
	assert_int_equal(cap_read(PCI_MSI_PENDING_64, 4), 2);
	cap_write(PCI_MSI_MASK_64, 4, 0);
	assert_told(2);
	assert_false(message.told[0].pending);
	assert_true(message.told[1].pending);
	assert_int_equal(cap_read(PCI_MSI_PENDING_64, 4), 0);
	cap_write(PCI_MSI_MASK_64, 4, 2);
	cap_write(PCI_MSI_MASK_64, 4, 0);
	assert_told(2);
	assert_false(message.told[1].pending);
}

/* The guest unmasked between the interrupt and the receiver's word of it. */
static void test_what_comes_for_an_unmasked_vector_is_not_lost(void **state)
{
	(void)state;
	msi_full(0);
	program(ON, 0xfee00000, 0, 0x40);
	assert_told(1);
	assert_int_equal(pend(0), 0);
	assert_told(1);
	assert_true(message.told[0].pending);
	assert_int_equal(cap_read(PCI_MSI_PENDING_64, 4), 0);
}

static void
test_what_comes_while_it_is_off_is_given_when_it_goes_on(void **state)
{
	(void)state;
	msi_full(0);
	assert_int_equal(pend(0), 0);
	assert_told(0);
	program(ON, 0xfee00000, 0, 0x40);
	assert_told(1);
	assert_true(message.told[0].pending);
}

static void test_vectors_that_there_are_not(void **state)
{
	struct pci_vector v;
	pci_sbdf_t dev = at(MESSAGE_DEV);

	(void)state;
	msi_full(2);
	assert_int_equal(pend(3), 0);
	assert_int_equal(pend(4), -EINVAL);
	assert_int_equal(pend(UINT_MAX), -EINVAL);
	assert_int_equal(vpci_vector(dev, PCI_VECTOR_MSI, 4, &v), -EINVAL);
	assert_int_equal(vpci_vector(dev, PCI_VECTOR_MSIX, 0, &v), -ENOENT);
	assert_int_equal(vpci_vector_pending(dev, PCI_VECTOR_MSIX, 0), -ENOENT);
}

/* --- the rest ------------------------------------------------------------------ */

static void test_a_reset_forgets_and_tells(void **state)
{
	unsigned int reg;

	(void)state;
	msi_full(1);
	cap_write(PCI_MSI_MASK_64, 4, 2);
	program(ON | SIZE(1), 0xfee00000, 5, 0x40);
	assert_int_equal(pend(1), 0);
	assert_told(2);
	message_lock();
	vpci_msi_reset(message_view());
	message_unlock();
	assert_told(2);
	assert_vector(&message.told[0], 0, false, false);
	assert_vector(&message.told[1], 1, false, true);
	assert_int_equal(cap_read(PCI_MSI_FLAGS, 2),
			 PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 1 << 1);
	for (reg = PCI_MSI_ADDRESS_LO; reg < 24; reg += 4)
		assert_int_equal(cap_read((uint16_t)reg, 4), 0);
	program(ON, 0xfee00000, 0, 0x40);
	assert_told(1);
}

static void test_nothing_of_it_reaches_the_hardware(void **state)
{
	uint8_t before[24];
	unsigned int reg;

	(void)state;
	msi_full(5);
	memcpy(before, message.fn->reg + MESSAGE_CAP, sizeof(before));
	for (reg = 0; reg < 24; reg += 4) {
		cap_write((uint16_t)reg, 4, UINT32_MAX);
		cap_write((uint16_t)reg, 2, 0xa5a5);
		cap_write((uint16_t)reg + 3, 1, 0x5a);
	}
	assert_int_equal(message.touched, 0);
	assert_memory_equal(before, message.fn->reg + MESSAGE_CAP,
			    sizeof(before));
}

static void test_what_the_hardware_says_later_is_not_believed(void **state)
{
	(void)state;
	msi(1, 0);
	memset(message.fn->reg + MESSAGE_CAP + PCI_MSI_FLAGS, 0xff, 22);
	assert_int_equal(cap_read(PCI_MSI_FLAGS, 2), 1 << 1);
	assert_int_equal(cap_read(PCI_MSI_ADDRESS_LO, 4), 0);
}

static void test_intx_is_off_while_msi_is_on(void **state)
{
	(void)state;
	msi_full(0);
	fake_put(message.fn, PCI_COMMAND, 2, 0);
	program(ON, 0xfee00000, 0, 0x40);
	assert_true(fake_get(message.fn, PCI_COMMAND, 2) &
		    PCI_COMMAND_INTX_DISABLE);
	cap_write(PCI_MSI_FLAGS, 2, 0);
	assert_false(fake_get(message.fn, PCI_COMMAND, 2) &
		     PCI_COMMAND_INTX_DISABLE);
}

static void test_a_second_capability_is_hidden(void **state)
{
	(void)state;
	add_msi(0x90, 3, 0);
	msi_full(0);
	assert_int_equal(info().failed, 1);
	assert_int_equal(cap_read(0, 4), 0);
	cap_write(PCI_MSI_FLAGS, 2, ON);
	assert_told(0);
	assert_int_equal(pend(7), 0); /* the first one's */
}

static void test_one_that_overlaps_another_capability_is_hidden(void **state)
{
	unsigned int reg;

	(void)state;
	fake_cap(message.fn, MESSAGE_CAP + 12, PCI_CAP_ID_PM);
	msi_full(0);
	assert_int_equal(info().failed, 1);
	assert_int_equal(pend(0), -ENOENT);
	for (reg = 0; reg < 12; reg += 4) {
		cap_write((uint16_t)reg, 4, UINT32_MAX);
		assert_int_equal(cap_read((uint16_t)reg, 4), 0);
	}
	assert_told(0);
}

static void test_vectors_without_msi(void **state)
{
	struct pci_vector v;

	(void)state;
	message_assign();
	assert_int_equal(vpci_vector(at(MESSAGE_DEV), PCI_VECTOR_MSI, 0, &v),
			 -ENOENT);
	assert_int_equal(pend(0), -ENOENT);
	message_lock();
	vpci_msi_reset(message_view());
	vpci_msix_reset(message_view());
	assert_false(vpci_msi_is_on(message_view()));
	assert_false(vpci_msix_is_on(message_view()));
	message_unlock();
	assert_int_equal(info().msi_enabled, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MESSAGE_CASE(
			test_without_masks_and_32_bit_there_is_address_and_data),
		MESSAGE_CASE(test_with_masks_and_64_bit_there_is_all_of_it),
		MESSAGE_CASE(test_32_bit_form_has_its_masks_behind_the_data),
		MESSAGE_CASE(
			test_more_vectors_than_there_are_cannot_be_enabled),
		MESSAGE_CASE(test_32_vectors_have_32_masks_and_numbers),
		MESSAGE_CASE(
			test_extended_data_counts_only_where_it_is_enabled),
		MESSAGE_CASE(
			test_hardware_without_extended_data_cannot_enable_it),
		MESSAGE_CASE(test_enabling_tells_each_vector_whole),
		MESSAGE_CASE(test_disabling_tells_each_vector),
		MESSAGE_CASE(
			test_XSA_237_enabling_again_undoes_nothing_and_tells_nobody),
		MESSAGE_CASE(test_fewer_vectors_tells_those_that_go),
		MESSAGE_CASE(test_a_new_address_or_data_is_told_while_it_is_on),
		MESSAGE_CASE(test_masking_and_unmasking_tell_that_vector),
		MESSAGE_CASE(test_masks_of_what_is_off_are_told_to_nobody),
		MESSAGE_CASE(
			test_unmasking_gives_a_pending_interrupt_away_once),
		MESSAGE_CASE(
			test_what_comes_for_an_unmasked_vector_is_not_lost),
		MESSAGE_CASE(
			test_what_comes_while_it_is_off_is_given_when_it_goes_on),
		MESSAGE_CASE(test_vectors_that_there_are_not),
		MESSAGE_CASE(test_a_reset_forgets_and_tells),
		MESSAGE_CASE(test_nothing_of_it_reaches_the_hardware),
		MESSAGE_CASE(test_what_the_hardware_says_later_is_not_believed),
		MESSAGE_CASE(test_intx_is_off_while_msi_is_on),
		MESSAGE_CASE(test_a_second_capability_is_hidden),
		MESSAGE_CASE(
			test_one_that_overlaps_another_capability_is_hidden),
		MESSAGE_CASE(test_vectors_without_msi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
