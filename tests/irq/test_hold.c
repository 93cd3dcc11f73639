/* SPDX-License-Identifier: BSD-2-Clause */
/* A removal meets a guest's interrupts: the hold of kind IRQ. */
#include <pthread.h>
#include <sched.h>

#include "lab.h"

/* How many holds of kind IRQ there are; its owner is one, if any. */
static unsigned int irq_holds(const char *sbdf)
{
	struct pci_hold_info hold[8];
	int i, n = pci_holds_query(at(sbdf), hold, 8);
	unsigned int found = 0;

	assert_in_range(n, 0, 8);
	for (i = 0; i < n; i++) {
		if (hold[i].kind != PCI_HOLD_IRQ)
			continue;
		assert_string_equal(hold[i].who, "one");
		found++;
	}
	return found;
}

static const struct pci_blocker *irq_blocker(void)
{
	unsigned int i;

	for (i = 0; i < lab.removal.blockers; i++)
		if (lab.removal.blocker[i].hold.kind == PCI_HOLD_IRQ)
			return &lab.removal.blocker[i];
	return NULL;
}

static void enabled(void)
{
	give(&lab.one, CARD);
	msi_on(&lab.one, 2);
	assert_int_equal(irq_holds(CARD), 1);
}

static void still_works(void)
{
	assert_int_equal(vectors(), 2);
	assert_int_equal(irq_holds(CARD), 1);
	assert_int_equal(raise_irq(CARD, 1), 0);
	assert_came(&lab.one, 1, 1);
}

/* --- while it is bound -------------------------------------------------------------- */

static void test_there_while_a_vector_is_bound(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	assert_int_equal(irq_holds(CARD), 0);
	msi_on(&lab.one, 1);
	assert_int_equal(irq_holds(CARD), 1);
	msi_on(&lab.one, 4);
	msi_mask(&lab.one, 15);
	assert_int_equal(irq_holds(CARD), 1);
	msi_off(&lab.one);
	assert_int_equal(irq_holds(CARD), 0);
	msix_flags(&lab.one, MSIX_ON);
	assert_int_equal(irq_holds(CARD), 0);
	msix_entry(&lab.one, 0);
	msix_entry(&lab.one, 1);
	assert_int_equal(irq_holds(CARD), 1);
	flr(&lab.one);
	assert_int_equal(irq_holds(CARD), 0);
	msi_on(&lab.one, 1);
	take(&lab.one, CARD);
	assert_int_equal(irq_holds(CARD), 0);
	assert_int_equal(vectors(), 0);
}

static void test_none_where_nothing_could_be_bound(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	fabric_fail(lab.f, FABRIC_CALL_IRQ_ALLOC, 1);
	msi_on(&lab.one, 1);
	assert_int_equal(irq_holds(CARD), 0);
}

/* --- a removal ------------------------------------------------------------------------ */

static void test_a_refusal_names_the_owner(void **state)
{
	const struct pci_blocker *b;

	(void)state;
	enabled();
	assert_int_equal(remove_dev(CARD, 0, 50 * MSEC), -EBUSY);
	assert_int_equal(lab.removal.blockers, 2);
	b = irq_blocker();
	assert_non_null(b);
	assert_string_equal(b->hold.who, "one");
	assert_int_equal(b->sbdf.sbdf, at(CARD).sbdf);
	assert_int_equal(hf_load_relaxed(&lab.one.asked), 0);
	still_works();
}

/* The guest's answer, as soon as it has been asked. */
static bool returns;

static void *answer(void *data)
{
	while (!hf_load_acquire(&lab.one.asked))
		sched_yield();
	*(int *)data = returns ? pci_domain_return(lab.one.d, at(CARD))
			       : pci_domain_refuse(lab.one.d, at(CARD));
	return NULL;
}

static int remove_asking(unsigned int flags)
{
	pthread_t guest;
	int answered = -1, err;

	assert_int_equal(pthread_create(&guest, NULL, answer, &answered), 0);
	err = remove_dev(CARD, PCI_REMOVE_ASK | flags, 20000 * MSEC);
	assert_int_equal(pthread_join(guest, NULL), 0);
	assert_int_equal(answered, 0);
	return err;
}

static void test_asked_it_gives_both_back(void **state)
{
	(void)state;
	returns = true;
	enabled();
	assert_int_equal(remove_asking(0), 0);
	assert_int_equal(vectors(), 0);
	assert_int_equal(raise_irq(CARD, 0), -EPERM);
	assert_silence(&lab.one);
	assert_int_equal(hf_load_relaxed(&lab.one.asked), 1);
}

/* Its no ends the asking long before the deadline. */
static void test_its_no_is_for_both(void **state)
{
	uint64_t start = plat_now();

	(void)state;
	returns = false;
	enabled();
	assert_int_equal(remove_asking(0), -EBUSY);
	assert_true(plat_now() - start < 15000 * MSEC);
	assert_non_null(irq_blocker());
	still_works();
	assert_int_equal(remove_asking(PCI_REMOVE_FORCE), 0);
	assert_int_equal(vectors(), 0);
}

static void test_asked_in_vain(void **state)
{
	(void)state;
	enabled();
	assert_int_equal(remove_dev(CARD, PCI_REMOVE_ASK, 30 * MSEC), -EBUSY);
	assert_non_null(irq_blocker());
	still_works();
}

static void test_force_ends_it(void **state)
{
	struct msi_message m;
	unsigned int i;

	(void)state;
	enabled();
	m = hw_msi(CARD);
	assert_int_equal(remove_dev(CARD, PCI_REMOVE_FORCE, 1000 * MSEC), 0);
	assert_int_equal(vectors(), 0);
	assert_true(lab.removal.given_back >= 1);
	for (i = 0; i < 2; i++)
		assert_int_equal(raise_irq(CARD, i), -EPERM);
	assert_silence(&lab.one);
	/* not even by who is at its place next */
	assert_int_equal(pci_add_device(at(CARD)), 0);
	give(&lab.two, CARD);
	assert_int_equal(forge(CARD, m, 0), -EFAULT);
	assert_silence(&lab.one);
	assert_silence(&lab.two);
}

static void test_a_guest_that_traps_after_force(void **state)
{
	struct pci_removal *op;
	uint64_t val;

	(void)state;
	enabled();
	assert_int_equal(pci_removal_start(at(CARD), PCI_REMOVE_FORCE,
					   1000 * MSEC, "test", NULL, NULL,
					   &op),
			 0);
	while (pci_removal_step(op) == -EINPROGRESS) {
		(void)vpci_write(&lab.one.vcpu, lab.one.slot,
				 msi_at(CARD) + PCI_MSI_FLAGS, 2, 0);
		(void)vpci_write(&lab.one.vcpu, lab.one.slot,
				 msi_at(CARD) + PCI_MSI_FLAGS, 2,
				 PCI_MSI_FLAGS_ENABLE);
	}
	assert_int_equal(pci_removal_wait(op), 0);
	pci_removal_finish(op);
	assert_int_equal(vectors(), 0);
	assert_int_equal(vpci_read(lab.one.d, lab.one.slot, 0, 4, &val),
			 PCI_DONE);
	assert_int_equal(val, UINT32_MAX);
	assert_silence(&lab.one);
}

/* --- the hardware domain's MSI-X ---------------------------------------------------------- */

/* On its way to a guest, and back: the mark is the hardware domain's, and stays. */
static void test_prepared_it_goes_to_a_guest(void **state)
{
	(void)state;
	assert_int_equal(pci_prepare_msix(at(CARD)), 0);
	enabled();
	assert_true(info_of(CARD).prepared);
	assert_int_equal(pci_prepare_msix(at(CARD)), -EBUSY);
	assert_int_equal(pci_release_msix(at(CARD)), -EBUSY);
	still_works();
	take(&lab.one, CARD);
	assert_true(info_of(CARD).prepared);
	assert_int_equal(bind(CARD, MSIX, 0, 1), -EBUSY);
	assert_int_equal(pci_release_msix(at(CARD)), 0);
	assert_false(info_of(CARD).prepared);
	assert_int_equal(pci_release_msix(at(CARD)), -EBUSY);
}

static void test_not_prepared_while_a_guest_has_it(void **state)
{
	(void)state;
	enabled();
	assert_int_equal(pci_prepare_msix(at(CARD)), -EBUSY);
	assert_int_equal(pci_release_msix(at(CARD)), -EBUSY);
	still_works();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(test_there_while_a_vector_is_bound),
		LAB(test_none_where_nothing_could_be_bound),
		LAB(test_a_refusal_names_the_owner),
		LAB(test_asked_it_gives_both_back),
		LAB(test_its_no_is_for_both),
		LAB(test_asked_in_vain),
		LAB(test_force_ends_it),
		LAB(test_a_guest_that_traps_after_force),
		LAB(test_prepared_it_goes_to_a_guest),
		LAB(test_not_prepared_while_a_guest_has_it),
	};

	return cmocka_run_group_tests_name("irq: holds", tests, NULL, NULL);
}
