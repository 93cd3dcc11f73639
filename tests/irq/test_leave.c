/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's vectors when the device goes, is made quiet and comes again,
 * or has forgotten its registers.
 */
#include "device/internal.h"
#include "lab.h"

/* --- a device that goes --------------------------------------------------------------------------- */

static void test_a_removal_takes_the_vectors(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	bind_unmasked(CARD, MSI, 0, 2);
	assert_int_equal(remove_dev(CARD, 0, 1000 * MSEC), 0);
	assert_int_equal(vectors(), 0);
	assert_int_equal(raise_irq(CARD, 0), -EPERM);
	assert_handled(0, 0);
	assert_int_equal(pci_add_device(at(CARD)), 0);
	switch_on(CARD);
	pdev = get(CARD);
	assert_int_equal(pci_irq_unbind(pdev, MSI, 0, 2), -ENOENT);
	pcidev_put(pdev);
	bind_unmasked(CARD, MSI, 0, 2);
	works(CARD, 1);
}

/* It does not become quiet, and is in quarantine: nobody's vector is left. */
static void fails_to_quiesce(enum pci_vector_kind kind)
{
	struct fabric_fault pending = { .sbdf = at(CARD),
					.kind = FABRIC_PENDING };
	struct pci_dev *pdev;

	bind_unmasked(CARD, kind, 0, 2);
	assert_int_equal(fabric_fault_set(lab.f, &pending), 0);
	assert_int_equal(remove_dev(CARD, 0, 100 * MSEC), -EIO);
	assert_int_equal(fabric_fault_clear(lab.f, at(CARD)), 0);
	assert_int_equal(vectors(), 0);
	(void)raise_irq(CARD, 1);
	assert_handled(1, 0);
	assert_int_equal(bind(CARD, kind, 0, 2), -ENODEV);
	pdev = get(CARD);
	assert_int_equal(pcidev_mend(pdev), 0);
	pcidev_put(pdev);
	assert_int_equal(vectors(), 0);
	assert_int_equal(unbind(CARD, kind, 0, 2), -ENOENT);
	switch_on(CARD);
	bind_unmasked(CARD, kind, 0, 2);
	works(CARD, 1);
	assert_int_equal(unbind(CARD, kind, 0, 2), 0);
}

static void test_a_removal_that_fails(void **state)
{
	(void)state;
	fails_to_quiesce(MSI);
	fails_to_quiesce(MSIX);
}

/* Forced, and then refused for our reference: cut off, and bound anew. */
static void cut_off(void)
{
	struct pci_dev *pdev = get(CARD);
	struct pci_hold *pin;

	assert_int_equal(
		pci_hold_take(pdev, PCI_HOLD_PIN, "test", NULL, NULL, &pin), 0);
	assert_int_equal(remove_dev(CARD, PCI_REMOVE_FORCE, 20 * MSEC), -EBUSY);
	assert_false(pci_hold_release(pin));
	pcidev_put(pdev);
}

static void test_cut_off_and_bound_again(void **state)
{
	(void)state;
	bind_unmasked(CARD, MSI, 0, 2);
	cut_off();
	assert_int_equal(vectors(), 0);
	assert_int_equal(unbind(CARD, MSI, 0, 2), -ENOENT);
	bind_unmasked(CARD, MSI, 0, 2);
	works(CARD, 1);
	cut_off();
	assert_int_equal(vectors(), 0);
	(void)raise_irq(CARD, 1);
	assert_handled(1, 0);
	bind_unmasked(CARD, MSIX, 0, 2);
	works(CARD, 1);
	assert_int_equal(pci_device_lost(at(CARD)), 0);
	assert_int_equal(vectors(), 0);
}

static void test_assigning_takes_the_vectors(void **state)
{
	(void)state;
	bind_unmasked(CARD, MSIX, 0, 3);
	give(&lab.one, CARD);
	assert_int_equal(vectors(), 0);
	assert_int_equal(mask(CARD, MSIX, 0, true), -ENOENT);
	assert_int_equal(unbind(CARD, MSIX, 0, 3), -ENOENT);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 0);
	assert_int_equal(raise_irq(CARD, 0), 0);
	assert_came(&lab.one, 0, 1);
	assert_handled(0, 0);
	take(&lab.one, CARD);
	switch_on(CARD);
	bind_unmasked(CARD, MSIX, 0, 1);
	works(CARD, 0);
	assert_silence(&lab.one);
}

static void test_loss_takes_the_vectors(void **state)
{
	struct pci_dev *pdev = get(CARD);

	(void)state;
	bind_unmasked(CARD, MSI, 0, 4);
	assert_int_equal(fabric_surprise(lab.f, at(CARD)), 0);
	assert_int_equal(pci_device_lost(at(CARD)), 0);
	assert_int_equal(vectors(), 0);
	assert_int_equal(pci_irq_unbind(pdev, MSI, 0, 4), -ENOENT);
	pcidev_put(pdev);
}

/* What a suspend or a reset does to its registers. */
static void forget_registers(const char *sbdf)
{
	uint16_t msi = msi_at(sbdf), msix = msix_at(sbdf);
	unsigned int i;

	hw_put(sbdf, msi + PCI_MSI_FLAGS, 2, 0);
	hw_put(sbdf, msi + PCI_MSI_ADDRESS_LO, 4, 0);
	hw_put(sbdf, msi + PCI_MSI_DATA_64, 2, 0);
	hw_put(sbdf, msi + PCI_MSI_MASK_64, 4, 0);
	hw_put(sbdf, msix + PCI_MSIX_FLAGS, 2, 0);
	for (i = 0; i < ENTRIES; i++) {
		uint64_t entry =
			hw_bar0(sbdf) + TABLE + i * PCI_MSIX_ENTRY_SIZE;

		assert_int_equal(fabric_mem_write(lab.f, entry, 8, 0), 0);
		assert_int_equal(
			fabric_mem_write(lab.f, entry + 8, 8, 1ull << 32), 0);
	}
}

static void test_restore_of_the_hosts(void **state)
{
	const struct fabric_fault dead = { .sbdf = at(CARD),
					   .kind = FABRIC_ALL_ONES };

	(void)state;
	assert_int_equal(pci_restore_msi(at("0000:1f:00.0")), -ENODEV);
	assert_int_equal(pci_restore_msi(at(CARD)), 0); /* nothing is bound */
	assert_int_equal(pci_restore_msi(at(BARE)), 0);
	bind_unmasked(CARD, MSI, 0, 4);
	assert_int_equal(mask(CARD, MSI, 2, true), 0);
	forget_registers(CARD);
	assert_int_equal(pci_restore_msi(at(CARD)), 0);
	assert_int_equal(hw_msi_mask(CARD) & 0xf, 4);
	works(CARD, 3);
	assert_int_equal(unbind(CARD, MSI, 0, 4), 0);
	bind_unmasked(CARD, MSIX, 1, 2);
	bind_unmasked(CARD, MSIX, 4, 2);
	assert_int_equal(mask(CARD, MSIX, 4, true), 0);
	forget_registers(CARD);
	hw_put(CARD, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(pci_restore_msi(at(CARD)), -ENXIO);
	switch_on(CARD);
	assert_int_equal(pci_restore_msi(at(CARD)), 0);
	assert_true(hw_msix_on(CARD) && hw_msix_masked(CARD, 4));
	works(CARD, 5);
	works(CARD, 2);
	assert_int_equal(fabric_fault_set(lab.f, &dead), 0);
	assert_int_equal(pci_restore_msi(at(CARD)), -ENXIO);
	assert_int_equal(fabric_fault_clear(lab.f, at(CARD)), 0);
}

static void test_restore_of_a_guests(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 1);
	msix_entry(&lab.one, 2);
	msix_mask(&lab.one, 2, true);
	forget_registers(CARD);
	assert_int_equal(pci_restore_msi(at(CARD)), 0);
	assert_hosts(hw_msix(CARD, 1));
	assert_true(hw_msix_masked(CARD, 2) && !hw_msix_masked(CARD, 1));
	assert_int_equal(raise_irq(CARD, 1), 0);
	assert_came(&lab.one, 1, 1);
	/* MSI is on: MSI-X, which it has too, stays off. */
	msix_flags(&lab.one, 0);
	msi_on(&lab.one, 2);
	forget_registers(CARD);
	assert_int_equal(pci_restore_msi(at(CARD)), 0);
	assert_true(hw_msi_on(CARD) && !hw_msix_on(CARD));
	assert_int_equal(raise_irq(CARD, 1), 0);
	assert_came(&lab.one, 1, 1);
}

static void test_restore_while_something_runs(void **state)
{
	struct pci_removal *op;

	(void)state;
	bind_unmasked(CARD, MSIX, 0, 1);
	assert_int_equal(pci_removal_start(at(CARD), 0, 1000 * MSEC, "test",
					   NULL, NULL, &op),
			 0);
	assert_int_equal(pci_restore_msi(at(CARD)), -EBUSY);
	assert_int_equal(pci_prepare_msix(at(CARD)), -EBUSY);
	assert_int_equal(bind(CARD, MSIX, 1, 1), -EBUSY);
	assert_int_equal(pci_removal_cancel(op), 0);
	(void)pci_removal_wait(op);
	pci_removal_finish(op);
	assert_int_equal(pci_restore_msi(at(CARD)), 0);
	works(CARD, 0);
}

/* --- made quiet, and not gone ----------------------------------------------------------------- */

static struct pci_dev *quieted;

/* As a removal does, which then does not come to an end. */
static int quiesce(uint64_t deadline, const char **why)
{
	unsigned int done = 0;
	int err;

	do {
		err = pci_stages_quiesce(quieted, &done, deadline, why);
	} while (err == -EINPROGRESS);
	return err;
}

static void make_quiet(void)
{
	const char *why = NULL;

	quieted = get(CARD);
	assert_int_equal(pcidev_begin(quieted, PCI_OP_RESET, NULL), 0);
	assert_int_equal(quiesce(plat_now() + PLAT_NSEC_PER_SEC, &why), 0);
	assert_int_equal(vectors(), 0);
	assert_false(hw_msi_on(CARD) || hw_msix_on(CARD));
}

static void make_loud(void)
{
	pci_stages_restore(quieted);
	pcidev_end(quieted);
	pcidev_put(quieted);
}

static void test_what_was_quiet_comes_again_as_it_was(void **state)
{
	(void)state;
	assert_int_equal(bind(CARD, MSI, 0, 4), 0);
	assert_int_equal(mask(CARD, MSI, 1, false), 0);
	make_quiet();
	assert_int_equal(mask(CARD, MSI, 1, true), -ENOENT);
	hw_put(CARD, msi_at(CARD) + PCI_MSI_ADDRESS_LO, 4, 0);
	make_loud();
	assert_int_equal(vectors(), 4);
	works(CARD, 1);
	assert_int_equal(raise_irq(CARD, 0), -EPERM);
	assert_handled(0, 0);
	assert_int_equal(unbind(CARD, MSI, 0, 4), 0);

	bind_unmasked(CARD, MSIX, 2, 2);
	bind_unmasked(CARD, MSIX, 5, 1);
	make_quiet();
	make_loud();
	assert_int_equal(vectors(), 3);
	works(CARD, 3);
	works(CARD, 5);
}

static const struct pci_host_ops *answering;
static uint16_t silent_reg;

static int no_flags(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		    uint8_t size, uint32_t *val)
{
	int err = answering->read(host, sbdf, reg, size, val);

	if (sbdf.sbdf == at(CARD).sbdf && reg == silent_reg)
		*val = 0xffff;
	return err;
}

/* It is silent when it is asked what has been programmed. */
static void test_what_no_answer_says_is_not_programmed(void **state)
{
	struct pci_host *host = fabric_host(lab.f);
	struct pci_host_ops silent = *host->ops;

	(void)state;
	bind_unmasked(CARD, MSI, 0, 4);
	make_quiet();
	answering = host->ops;
	silent_reg = msi_at(CARD) + PCI_MSI_FLAGS;
	silent.read = no_flags;
	host->ops = &silent;
	make_loud();
	host->ops = answering;
	assert_int_not_equal(hw(CARD, silent_reg, 2) & PCI_MSI_FLAGS_QSIZE,
			     PCI_MSI_FLAGS_QSIZE);
}

/* Nothing is on that is not ours, and it is told of. */
static void test_or_is_lost_where_no_vector_is_left(void **state)
{
	(void)state;
	bind_unmasked(CARD, MSI, 0, 4);
	make_quiet();
	fabric_irq_room(lab.f, 1);
	make_loud();
	assert_int_equal(hf_load_relaxed(&lab.irq_events), 1);
	assert_false(hw_msi_on(CARD));
	assert_int_equal(unbind(CARD, MSI, 0, 4), -ENOENT);
}

static void test_or_where_the_table_does_not_answer(void **state)
{
	(void)state;
	bind_unmasked(CARD, MSIX, 0, 2);
	hw_put(CARD, PCI_COMMAND, 2, PCI_COMMAND_MASTER); /* decode off */
	make_quiet();
	make_loud();
	assert_int_equal(hf_load_relaxed(&lab.irq_events), 1);
	assert_int_equal(vectors(), 0);
	assert_int_equal(unbind(CARD, MSIX, 0, 2), -ENOENT);
}

static void test_a_handler_that_does_not_return(void **state)
{
	const char *why = NULL;
	int err;

	(void)state;
	bind_unmasked(CARD, MSI, 0, 1);
	quieted = get(CARD);
	assert_int_equal(pcidev_begin(quieted, PCI_OP_RESET, NULL), 0);
	plat_rcu_read_lock(); /* it runs */
	err = quiesce(plat_now() + 20 * MSEC, &why);
	plat_rcu_read_unlock();
	assert_int_equal(err, -EIO);
	assert_string_equal(why, "an interrupt handler does not return");
	assert_int_equal(quiesce(plat_now() + PLAT_NSEC_PER_SEC, &why), 0);
	make_loud();
	works(CARD, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(test_a_removal_takes_the_vectors),
		LAB(test_a_removal_that_fails),
		LAB(test_cut_off_and_bound_again),
		LAB(test_assigning_takes_the_vectors),
		LAB(test_loss_takes_the_vectors),
		LAB(test_restore_of_the_hosts),
		LAB(test_restore_of_a_guests),
		LAB(test_restore_while_something_runs),
		LAB(test_what_no_answer_says_is_not_programmed),
		LAB(test_what_was_quiet_comes_again_as_it_was),
		LAB(test_or_is_lost_where_no_vector_is_left),
		LAB(test_or_where_the_table_does_not_answer),
		LAB(test_a_handler_that_does_not_return),
	};

	return cmocka_run_group_tests_name("irq: leaving", tests, NULL, NULL);
}
