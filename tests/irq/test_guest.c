/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors that guests get by programming their views. */
#include <limits.h>
#include <pthread.h>

#include "device/internal.h"
#include "support.h"

static void sends(const char *device, unsigned int vector, int err)
{
	assert_int_equal(fabric_interrupt(f, at(device), vector), err);
}

/* Is there a hold of kind IRQ, and whose? */
static bool is_held(const char *device, const char *who)
{
	struct pci_hold_info holds[8];
	int i, n = pci_holds_query(at(device), holds, 8);
	bool found = false;

	for (i = 0; i < n; i++)
		if (holds[i].kind == PCI_HOLD_IRQ)
			found = !strcmp(holds[i].who, who);
	return found;
}

/* --- binding ----------------------------------------------------------------- */

static void test_msix_is_bound_when_it_could_be_sent(void **state)
{
	(void)state;
	assert_int_equal(give(&one, DEV), 0);
	entry(&one, 2, false);
	assert_int_equal(vectors(), 0);
	assert_false(is_held(DEV, "one"));
	msix(&one, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(vectors(), 1);
	assert_true(is_held(DEV, "one"));
	sends(DEV, 2, 0);
	assert_int_equal(one.msix[2], 1);
	sends(DEV, 3, -EPERM);
	entry(&one, 3, false); /* the device's pending bit */
	assert_int_equal(one.msix[3], 1);
	assert_int_equal(info(DEV).msix, 2);
	assert_true(info(DEV).guest);
	/* The guest's address and data stay its own (XSA-337). */
	assert_int_not_equal(hw_entry(DEV, 3, PCI_MSIX_ENTRY_DATA), 0x43);
	msix(&one, PCI_MSIX_FLAGS_ENABLE); /* twice (XSA-237) */
	assert_int_equal(vectors(), 2);
	sends(DEV, 3, 0);
	assert_int_equal(one.msix[3], 2);
	msix(&one, 0);
	assert_int_equal(vectors(), 0);
	assert_false(is_held(DEV, "one"));
	assert_int_equal(one.all, 3);
}

static void test_msix_masks_are_apart(void **state)
{
	struct pci_dev *pdev = get(DEV);

	(void)state;
	assert_int_equal(give(&one, DEV), 0);
	msix(&one, PCI_MSIX_FLAGS_ENABLE);
	entry(&one, 0, false);
	entry(&one, 0, true);
	assert_int_equal(vectors(), 1); /* kept */
	sends(DEV, 0, -EPERM);
	assert_int_equal(pba(&one), 1);
	assert_int_equal(pci_irq_mask(pdev, PCI_VECTOR_MSIX, 0, true), 0);
	entry(&one, 0, false);
	assert_int_equal(one.all, 0);
	assert_int_equal(hw_entry(DEV, 0, PCI_MSIX_ENTRY_VECTOR_CTRL), 1);
	assert_int_equal(pci_irq_mask(pdev, PCI_VECTOR_MSIX, 0, false), 0);
	assert_int_equal(one.all, 1);
	assert_int_equal(pba(&one), 0);
	msix(&one, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	sends(DEV, 0, -EPERM);
	assert_int_equal(one.all, 1);
	msix(&one, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(one.all, 2);
	pcidev_put(pdev);
}

static void test_msi_of_many_vectors(void **state)
{
	uint16_t pos = cap(DEV, PCI_CAP_ID_MSI);
	unsigned int i;

	(void)state;
	assert_int_equal(give(&one, DEV), 0);
	msi(&one, 3);
	assert_int_equal(vectors(), 8);
	assert_int_equal(hw(DEV, pos + PCI_MSI_DATA_64, 2) & 7, 0);
	for (i = 0; i < 8; i++) {
		sends(DEV, i, 0);
		assert_int_equal(one.msi[i], 1);
	}
	msi_mask(&one, 0x20);
	sends(DEV, 5, -EPERM);
	sends(DEV, 4, 0);
	assert_int_equal(one.msi[5], 1);
	msi_mask(&one, 0);
	assert_int_equal(one.msi[5], 2);
	msi(&one, 1); /* fewer, while on */
	assert_int_equal(vectors(), 2);
	sends(DEV, 1, 0);
	sends(DEV, 2, -EPERM);
	assert_int_equal(one.msi[1], 2);
	msi(&one, UINT_MAX);
	assert_int_equal(vectors(), 0);
}

/* With both on MSI-X wins, in hardware as well. */
static void test_both(void **state)
{
	uint16_t hw_msi = cap(DEV, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS;

	(void)state;
	assert_int_equal(give(&one, DEV), 0);
	msi(&one, 0);
	msix(&one, PCI_MSIX_FLAGS_ENABLE);
	entry(&one, 1, false);
	assert_int_equal(hw(DEV, hw_msi, 2) & PCI_MSI_FLAGS_ENABLE, 0);
	assert_int_equal(vectors(), 1);
	sends(DEV, 1, 0);
	assert_int_equal(one.msix[1], 1);
	msix(&one, 0);
	assert_int_equal(info(DEV).msi, 1);
	sends(DEV, 0, 0);
	assert_int_equal(one.msi[0], 1);
}

static void test_no_vector_is_left(void **state)
{
	(void)state;
	fabric_irq_room(f, 4);
	assert_int_equal(give(&one, DEV), 0);
	msi(&one, 3);
	assert_int_equal(vectors(), 0);
	assert_int_equal(info(DEV).failed, 1);
	assert_int_equal(failures, 1);
	assert_false(is_held(DEV, "one"));
	fabric_irq_room(f, 0);
	msi_mask(&one, 1); /* no attempt */
	assert_int_equal(vectors(), 0);
	assert_int_equal(failures, 1);
	fabric_irq_room(f, 4);
	msi(&one, UINT_MAX);
	assert_int_equal(info(DEV).failed, 0);
	msi(&one, 2);
	assert_int_equal(vectors(), 4);
	msi(&one, UINT_MAX);

	fabric_irq_room(f, 1);
	entry(&one, 0, false);
	entry(&one, 1, false);
	msix(&one, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(vectors(), 1);
	assert_int_equal(info(DEV).failed, 1);
	assert_int_equal(hw_entry(DEV, 1, PCI_MSIX_ENTRY_VECTOR_CTRL), 1);
	fabric_irq_room(f, 0);
	entry(&one, 1, true);
	entry(&one, 1, false); /* its next enable */
	assert_int_equal(info(DEV).failed, 0);
	sends(DEV, 1, 0);
	assert_int_equal(one.msix[1], 1);
}

static void test_a_reset_by_the_guest(void **state)
{
	uint16_t pcie = cap(DEV, PCI_CAP_ID_EXP);

	(void)state;
	assert_int_equal(give(&one, DEV), 0);
	msix(&one, PCI_MSIX_FLAGS_ENABLE);
	entry(&one, 0, false);
	assert_int_equal(vpci_write(&one.vcpu, one.vsbdf, pcie + PCI_EXP_DEVCTL,
				    2, PCI_EXP_DEVCTL_BCR_FLR),
			 PCI_DONE);
	assert_int_equal(vectors(), 0);
	/* It does not wait as it should: hardware hears of it afterwards. */
	assert_int_equal(vpci_write(&one.vcpu, one.vsbdf,
				    cap(DEV, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS, 2,
				    PCI_MSI_FLAGS_ENABLE),
			 PCI_DONE);
	assert_int_equal(vectors(), 0);
	work(&one);
	assert_int_equal(vectors(), 1);
	wr(&one, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	sends(DEV, 0, 0);
	assert_int_equal(one.msi[0], 1);
}

/* --- going ------------------------------------------------------------------------ */

/* Pending with us, since the device cannot mask: it was the old owner's. */
static void test_the_next_owner_hears_nothing_of_the_old(void **state)
{
	struct pci_dev *pdev = get(PLAIN);

	(void)state;
	assert_int_equal(give(&one, PLAIN), 0);
	msi(&one, 0);
	sends(PLAIN, 0, 0);
	assert_int_equal(one.msi[0], 1);
	assert_int_equal(pci_irq_mask(pdev, PCI_VECTOR_MSI, 0, true), 0);
	sends(PLAIN, 0, 0);
	assert_int_equal(info(PLAIN).pending, 1);
	assert_int_equal(pci_deassign_device(one.d, at(PLAIN), PCI_ASSIGN_GROUP,
					     NULL),
			 0);
	assert_int_equal(vectors(), 0);
	assert_int_equal(give(&two, PLAIN), 0);
	msi(&two, 0);
	assert_int_equal(info(PLAIN).pending, 0);
	assert_int_equal(two.all, 0);
	sends(PLAIN, 0, 0);
	assert_int_equal(two.msi[0], 1);
	assert_int_equal(one.all, 1);
	pcidev_put(pdev);
}

/* What is pending with us outlives disabling, and not a reset. */
static void test_pending_outlives_disabling(void **state)
{
	struct pci_dev *pdev = get(PLAIN);

	(void)state;
	assert_int_equal(give(&one, PLAIN), 0);
	msi(&one, 0);
	assert_int_equal(pci_irq_mask(pdev, PCI_VECTOR_MSI, 0, true), 0);
	sends(PLAIN, 0, 0);
	msi(&one, UINT_MAX);
	assert_int_equal(pci_irq_mask(pdev, PCI_VECTOR_MSI, 0, false), -ENOENT);
	msi(&one, 0);
	assert_int_equal(one.all, 0); /* the host's mask has stayed */
	assert_int_equal(pci_irq_mask(pdev, PCI_VECTOR_MSI, 0, false), 0);
	assert_int_equal(one.all, 1);
	pcidev_put(pdev);
}

static void test_death_takes_all(void **state)
{
	(void)state;
	assert_int_equal(give(&one, OTHER), 0);
	msi(&one, 2);
	assert_int_equal(give(&one, DEV), 0);
	msi(&one, 0);
	assert_int_equal(vectors(), 5);
	assert_int_equal(domain_destroy(one.d), 0);
	assert_int_equal(vectors(), 0);
	assert_int_equal(one.all, 0);
}

static void *destroy(void *data)
{
	assert_int_equal(domain_destroy(data), 0);
	return NULL;
}

/* Interrupts first, also where an operation keeps the device; and none again. */
static void test_a_dying_guest_binds_nothing(void **state)
{
	uint64_t limit = plat_now() + 5 * PLAT_NSEC_PER_SEC;
	struct pci_dev *pdev = get(DEV);
	pthread_t thread;

	(void)state;
	assert_int_equal(give(&one, DEV), 0);
	msi(&one, 0);
	assert_int_equal(pcidev_begin(pdev, PCI_OP_RESET, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, destroy, one.d), 0);
	while (pci_irq_vectors())
		assert_true(plat_now() < limit);
	assert_int_equal(domain_devices(one.d), 1);
	msi(&one, UINT_MAX);
	msi(&one, 0);
	assert_int_equal(vectors(), 0);
	pcidev_end(pdev);
	pcidev_put(pdev);
	pthread_join(thread, NULL);
}

static struct pci_removal_info removal(unsigned int flags, int result)
{
	struct pci_removal_info is;

	assert_int_equal(pci_remove_device(at(DEV), flags,
					   5 * PLAT_NSEC_PER_SEC, &is),
			 result);
	return is;
}

static void test_a_refusal_names_the_hold(void **state)
{
	struct pci_removal_info is;
	bool named = false;
	unsigned int i;

	(void)state;
	assert_int_equal(give(&one, DEV), 0);
	msi(&one, 0);
	is = removal(0, -EBUSY);
	for (i = 0; i < is.blockers; i++)
		named |= is.blocker[i].hold.kind == PCI_HOLD_IRQ &&
			 !strcmp(is.blocker[i].hold.who, "one");
	assert_true(named);
	sends(DEV, 0, 0); /* it goes on */
	assert_int_equal(one.msi[0], 1);
}

static void test_force_cuts_it_off(void **state)
{
	(void)state;
	assert_int_equal(give(&one, DEV), 0);
	msi(&one, 0);
	removal(PCI_REMOVE_FORCE, 0);
	assert_int_equal(vectors(), 0);
	assert_int_equal(one.all, 0);
}

static void refuse(struct domain *d, pci_sbdf_t sbdf, uint64_t deadline)
{
	(void)deadline;
	assert_int_equal(pci_domain_refuse(d, sbdf), 0);
}

/* It answers for its vectors, too: nobody waits for the hold. */
static void test_a_guest_that_refuses_refuses_all(void **state)
{
	static const struct domain_ops ops = { .ask = refuse };
	uint64_t start = plat_now();
	struct domain *d = one.d;

	(void)state;
	assert_int_equal(domain_create(0, "stubborn", &ops, NULL, &one.d), 0);
	vpci_vcpu_fini(&one.vcpu);
	vpci_vcpu_init(&one.vcpu, one.d);
	assert_int_equal(give(&one, DEV), 0);
	msi(&one, 0);
	assert_true(is_held(DEV, "stubborn"));
	removal(PCI_REMOVE_ASK | PCI_REMOVE_FORCE, 0);
	assert_true(plat_now() - start < PLAT_NSEC_PER_SEC);
	assert_int_equal(domain_destroy(one.d), 0);
	domain_put(one.d);
	one.d = d;
}

static void test_a_guest_gives_back_under_a_removal(void **state)
{
	struct pci_removal *op;

	(void)state;
	assert_int_equal(give(&one, DEV), 0);
	msi(&one, 0);
	assert_int_equal(pci_removal_start(at(DEV), PCI_REMOVE_ASK,
					   5 * PLAT_NSEC_PER_SEC, "test", NULL,
					   NULL, &op),
			 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_domain_return(one.d, at(DEV)), 0);
	assert_int_equal(vectors(), 0);
	assert_int_equal(pci_removal_wait(op), 0);
	pci_removal_finish(op);
}

static void test_lost(void **state)
{
	(void)state;
	assert_int_equal(give(&one, DEV), 0);
	msi(&one, 1);
	assert_int_equal(pci_device_lost(at(DEV)), 0);
	assert_int_equal(vectors(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IRQ_CASE(test_msix_is_bound_when_it_could_be_sent),
		IRQ_CASE(test_msix_masks_are_apart),
		IRQ_CASE(test_msi_of_many_vectors),
		IRQ_CASE(test_both),
		IRQ_CASE(test_no_vector_is_left),
		IRQ_CASE(test_a_reset_by_the_guest),
		IRQ_CASE(test_the_next_owner_hears_nothing_of_the_old),
		IRQ_CASE(test_pending_outlives_disabling),
		IRQ_CASE(test_death_takes_all),
		IRQ_CASE(test_a_dying_guest_binds_nothing),
		IRQ_CASE(test_a_refusal_names_the_hold),
		IRQ_CASE(test_force_cuts_it_off),
		IRQ_CASE(test_a_guest_that_refuses_refuses_all),
		IRQ_CASE(test_a_guest_gives_back_under_a_removal),
		IRQ_CASE(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
