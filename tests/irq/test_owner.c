/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From one owner to the next, or to nobody: a vector dies with the ownership
 * that it was bound for (R21, XSA-360).
 */
#include <pthread.h>

#include "irq/guest.h"
#include "lab.h"

static void enabled(struct guest *g)
{
	give(g, CARD);
	msix_flags(g, MSIX_ON);
	msix_entry(g, 0);
	msix_entry(g, 1);
	assert_int_equal(vectors(), 2);
}

/* Nobody hears of it, whatever it sends. */
static void assert_dead(struct msi_message m)
{
	unsigned int i;

	assert_int_equal(vectors(), 0);
	for (i = 0; i < ENTRIES; i++) {
		(void)raise_irq(CARD, i);
		(void)forge(CARD, m, i);
	}
	assert_silence(&lab.one);
	assert_silence(&lab.two);
}

/* --- from one to another ---------------------------------------------------------- */

static void test_the_next_guest_starts_afresh(void **state)
{
	struct msi_message m;
	unsigned int i;

	(void)state;
	enabled(&lab.one);
	m = hw_msix(CARD, 1);
	take(&lab.one, CARD);
	assert_dead(m);
	give(&lab.two, CARD);
	assert_dead(m);
	assert_int_equal(info_of(CARD).msix, 0);
	assert_int_equal(info_of(CARD).pending, 0);
	for (i = 0; i < ENTRIES; i++)
		assert_int_equal(mmio_rd(&lab.two,
					 TABLE + i * PCI_MSIX_ENTRY_SIZE, 8),
				 0);
	msix_flags(&lab.two, MSIX_ON);
	msix_entry(&lab.two, 1);
	assert_int_equal(raise_irq(CARD, 1), 0);
	assert_came(&lab.two, 1, 1);
	assert_silence(&lab.one);
}

/* What was pending of the old owner is not the new one's. */
static void test_pending_stays_behind(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msi_mask(&lab.one, 1);
	msi_on(&lab.one, 1);
	hw_put(CARD, msi_at(CARD) + PCI_MSI_MASK_64, 4, 0);
	assert_int_equal(raise_irq(CARD, 0), 0);
	assert_int_equal(info_of(CARD).pending, 1);
	take(&lab.one, CARD);
	assert_int_equal(info_of(CARD).pending, 0);
	give(&lab.two, CARD);
	assert_int_equal(msi_pending(&lab.two), 0);
	msi_on(&lab.two, 1);
	assert_silence(&lab.two);
	assert_silence(&lab.one);
}

/* The same data, another block: a device that has kept the old word. */
static void test_an_old_message_is_the_old_owners(void **state)
{
	struct msi_message old;

	(void)state;
	enabled(&lab.one);
	old = hw_msix(CARD, 0);
	take(&lab.one, CARD);
	give(&lab.two, OTHER); /* takes the host's vectors that one had */
	msi_on(&lab.two, 2);
	assert_int_equal(hw_msi(OTHER).data, old.data);
	give(&lab.one, CARD);
	assert_int_equal(forge(CARD, old, 0), -EFAULT);
	assert_int_equal(forge(CARD, old, 1), -EFAULT);
	assert_silence(&lab.one);
	assert_silence(&lab.two);
}

/* --- to nobody --------------------------------------------------------------------- */

static void test_deassigned(void **state)
{
	struct msi_message m;

	(void)state;
	enabled(&lab.one);
	m = hw_msix(CARD, 0);
	take(&lab.one, CARD);
	assert_dead(m);
	assert_false(hw_msix_on(CARD));
	assert_false(info_of(CARD).guest);
}

static void test_its_guest_dies(void **state)
{
	struct msi_message m;

	(void)state;
	enabled(&lab.one);
	m = hw_msix(CARD, 0);
	give(&lab.one, OTHER);
	msi_on(&lab.one, 4);
	assert_int_equal(vectors(), 6);
	kill_guest(&lab.one);
	assert_int_equal(vectors(), 0);
	(void)raise_irq(CARD, 0);
	(void)forge(CARD, m, 0);
	assert_silence(&lab.two);
	assert_false(hw_msix_on(CARD));
}

/* Its vCPU traps in the middle of it. */
static unsigned int asked;

static void enable_again(void)
{
	asked++;
	assert_int_equal(vectors(), 0);
	msix_flags(&lab.one, 0);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 2);
	assert_int_equal(vectors(), 0);
	msix_flags(&lab.one, 0);
	msi_on(&lab.one, 4);
	assert_int_equal(vectors(), 0);
	assert_int_equal(info_of(CARD).failed, 0);
}

static void test_a_dying_guest_binds_nothing(void **state)
{
	(void)state;
	enabled(&lab.one);
	asked = 0;
	lab.on_dying = enable_again;
	kill_guest(&lab.one);
	lab.on_dying = NULL;
	assert_int_equal(asked, 1);
	assert_int_equal(vectors(), 0);
}

static void *destroy(void *data)
{
	assert_int_equal(domain_destroy(data), 0);
	return NULL;
}

/* Interrupts first, also where an operation keeps the device; and none again. */
static void test_an_operation_keeps_no_vector(void **state)
{
	uint64_t limit = plat_now() + 5 * PLAT_NSEC_PER_SEC;
	struct pci_dev *pdev = get(CARD);
	pthread_t thread;

	(void)state;
	enabled(&lab.one);
	assert_int_equal(pcidev_begin(pdev, PCI_OP_RESET, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, destroy, lab.one.d), 0);
	while (pci_irq_vectors())
		assert_true(plat_now() < limit);
	assert_int_equal(domain_devices(lab.one.d), 1);
	enable_again();
	pcidev_end(pdev);
	pcidev_put(pdev);
	pthread_join(thread, NULL);
}

/* Interrupts, then mappings, then devices: each is gone when the next goes. */
static const struct iommu_ops *units_own;
static unsigned int unmaps, still_bound;

static void unmap(struct pci_host *host, struct iommu_space *space,
		  uint64_t dma, uint64_t size)
{
	unmaps++;
	still_bound += pci_irq_vectors() != 0;
	units_own->unmap(host, space, dma, size);
}

static void test_interrupts_go_before_mappings(void **state)
{
	struct pci_host *host = fabric_host(lab.f);
	struct iommu_ops ops = *host->iommu;

	(void)state;
	enabled(&lab.one);
	assert_int_equal(domain_dma_map(lab.one.d, FABRIC_PAGE, FABRIC_RAM_BASE,
					FABRIC_PAGE, IOMMU_READ),
			 0);
	units_own = host->iommu;
	unmaps = still_bound = 0;
	ops.unmap = unmap;
	host->iommu = &ops;
	kill_guest(&lab.one);
	host->iommu = units_own;
	assert_int_equal(unmaps, 1);
	assert_int_equal(still_bound, 0);
}

/* It has left the guest, and its stages are yet to take what that had of it. */
static void test_without_the_device_nothing_is_bound(void **state)
{
	struct list_head out;
	struct pci_dev *pdev = get(CARD);

	(void)state;
	give(&lab.one, CARD);
	assert_int_equal(pcidev_begin(pdev, PCI_OP_DEASSIGN, lab.one.d), 0);
	assert_int_equal(pcidev_move_out(pdev, lab.one.d), 0);
	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	irq_guest_msi(pdev, true, 1, 0);
	pci_unlock(&pdev->lock);
	plat_rcu_read_unlock();
	assert_int_equal(vectors(), 0);
	assert_int_equal(pci_holds_query(at(CARD), NULL, 0), 0);
	list_init(&out);
	list_add_tail(&pdev->removal_entry, &out);
	pcidev_leave_all(&out);
	list_del(&pdev->removal_entry);
	assert_int_equal(pcidev_settle(pdev), 0);
	pcidev_end(pdev);
	pcidev_put(pdev);
}

static void test_it_is_lost(void **state)
{
	struct pci_irq_info info;

	(void)state;
	enabled(&lab.one);
	assert_int_equal(fabric_surprise(lab.f, at(CARD)), 0);
	assert_int_equal(pci_device_lost(at(CARD)), 0);
	assert_int_equal(vectors(), 0);
	assert_int_equal(pci_irq_query(at(CARD), &info), -ENODEV);
	assert_silence(&lab.one);
}

/* The mark alone ends its guest's binding; what is bound goes with the rest. */
static void test_nothing_is_bound_on_a_marked_device(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	assert_int_equal(pci_mark_lost(at(CARD)), 0);
	msi_on(&lab.one, 4);
	assert_int_equal(vectors(), 0);
	assert_int_equal(pci_device_lost(at(CARD)), 0);
}

static void test_it_is_given_back_when_asked(void **state)
{
	struct msi_message m;

	(void)state;
	enabled(&lab.one);
	m = hw_msix(CARD, 0);
	assert_int_equal(pci_domain_return(lab.one.d, at(CARD)), 0);
	assert_dead(m);
}

/* It stays in quarantine, because the reset does nothing. */
static void test_it_stays_in_quarantine(void **state)
{
	struct fabric_fault fault = { .sbdf = at(CARD),
				      .kind = FABRIC_IGNORES_RESET };
	struct msi_message m;

	(void)state;
	enabled(&lab.one);
	m = hw_msix(CARD, 0);
	assert_int_equal(fabric_fault_set(lab.f, &fault), 0);
	assert_int_equal(pci_deassign_device(lab.one.d, at(CARD), 0, NULL),
			 -EIO);
	assert_dead(m);
	assert_int_equal(fabric_fault_clear(lab.f, at(CARD)), 0);
	assert_int_equal(pci_unquarantine_device(at(CARD), NULL), 0);
	assert_dead(m);
}

/* --- right while its threads trap ------------------------------------------------------ */

struct trapper {
	pthread_t thread;
	struct vpci_vcpu vcpu;
	pci_sbdf_t slot;
	uint16_t msi, msix;
	hf_atomic(uint32_t) rounds, stop;
};

static void write_to(struct trapper *t, uint16_t reg, uint32_t val)
{
	(void)vpci_write(&t->vcpu, t->slot, reg, 2, val);
}

static void *trap(void *data)
{
	struct trapper *t = data;
	unsigned int i;

	while (!hf_load_acquire(&t->stop)) {
		write_to(t, t->msi + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE);
		write_to(t, t->msi + PCI_MSI_FLAGS, 0);
		write_to(t, t->msix + PCI_MSIX_FLAGS, MSIX_ON);
		for (i = 0; i < ENTRIES; i++)
			(void)vpci_mmio_write(
				&t->vcpu,
				BAR0_AT + TABLE + i * PCI_MSIX_ENTRY_SIZE +
					PCI_MSIX_ENTRY_VECTOR_CTRL,
				4, 0);
		write_to(t, t->msix + PCI_MSIX_FLAGS, 0);
		write_to(t, t->msi + PCI_MSI_FLAGS,
			 PCI_MSI_FLAGS_ENABLE | 2 << PCI_MSI_FLAGS_QSIZE_SHIFT);
		hf_fetch_add_relaxed(&t->rounds, 1);
	}
	return NULL;
}

static void trap_start(struct trapper *t, struct guest *g)
{
	memset(t, 0, sizeof(*t));
	vpci_vcpu_init(&t->vcpu, g->d);
	t->slot = g->slot;
	t->msi = msi_at(CARD);
	t->msix = msix_at(CARD);
	assert_int_equal(pthread_create(&t->thread, NULL, trap, t), 0);
	while (hf_load_acquire(&t->rounds) < 20)
		;
}

/* It went on after what was done, and it bound nothing. */
static void trap_end(struct trapper *t)
{
	uint32_t rounds = hf_load_acquire(&t->rounds);

	while (hf_load_acquire(&t->rounds) < rounds + 20)
		assert_int_equal(pci_irq_vectors(), 0);
	assert_int_equal(vectors(), 0);
	hf_store_release(&t->stop, 1);
	assert_int_equal(pthread_join(t->thread, NULL), 0);
	vpci_vcpu_fini(&t->vcpu);
	assert_int_equal(vectors(), 0);
	assert_int_equal(pci_holds_query(at(CARD), NULL, 0), 0);
}

static void test_death_against_a_trapping_thread(void **state)
{
	struct trapper t;

	(void)state;
	give(&lab.one, CARD);
	lab.one.msix = true;
	trap_start(&t, &lab.one);
	kill_guest(&lab.one);
	trap_end(&t);
}

static void test_deassign_against_a_trapping_thread(void **state)
{
	struct trapper t;

	(void)state;
	give(&lab.one, CARD);
	trap_start(&t, &lab.one);
	take(&lab.one, CARD);
	trap_end(&t);
}

static void test_force_against_a_trapping_thread(void **state)
{
	uint32_t rounds;
	struct trapper t;

	(void)state;
	give(&lab.one, CARD);
	trap_start(&t, &lab.one);
	assert_int_equal(remove_dev(CARD, PCI_REMOVE_FORCE, 5000 * MSEC), 0);
	rounds = hf_load_acquire(&t.rounds);
	while (hf_load_acquire(&t.rounds) < rounds + 20)
		assert_int_equal(pci_irq_vectors(), 0);
	hf_store_release(&t.stop, 1);
	assert_int_equal(pthread_join(t.thread, NULL), 0);
	vpci_vcpu_fini(&t.vcpu);
	assert_int_equal(vectors(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(test_the_next_guest_starts_afresh),
		LAB(test_pending_stays_behind),
		LAB(test_an_old_message_is_the_old_owners),
		LAB(test_deassigned),
		LAB(test_its_guest_dies),
		LAB(test_interrupts_go_before_mappings),
		LAB(test_a_dying_guest_binds_nothing),
		LAB(test_an_operation_keeps_no_vector),
		LAB(test_without_the_device_nothing_is_bound),
		LAB(test_it_is_lost),
		LAB(test_nothing_is_bound_on_a_marked_device),
		LAB(test_it_is_given_back_when_asked),
		LAB(test_it_stays_in_quarantine),
		LAB(test_death_against_a_trapping_thread),
		LAB(test_deassign_against_a_trapping_thread),
		LAB(test_force_against_a_trapping_thread),
	};

	return cmocka_run_group_tests_name("irq: owners", tests, NULL, NULL);
}
