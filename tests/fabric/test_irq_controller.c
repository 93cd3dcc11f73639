/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller, and what functions make of their masks.
 */
#include <pthread.h>

#include "above.h"

#define A "0000:03:00.0"
#define B "0000:04:00.0"
#define PCI "0000:12:00.0" /* behind a bridge: under its alias */
#define PCI_TOO "0000:12:01.0"
#define MFD "0000:0f:00.0" /* MSI of 8 vectors, masks; no MSI-X */

static const struct msi_ops *ops(struct fabric *f)
{
	return fabric_host(f)->msi;
}

static struct msi_message alloc(struct fabric *f, const char *device,
				unsigned int count, unsigned int n)
{
	struct msi_message m = { 0 };

	assert_int_equal(ops(f)->alloc(fabric_host(f), at(device), count,
				       irq(n), &m),
			 0);
	return m;
}

static void assert_delivered(unsigned int n, unsigned int index)
{
	assert_int_equal(hf_load_relaxed(&above.interrupts), 1);
	assert_ptr_equal(above.irq, irq(n));
	assert_int_equal(above.index, index);
	hf_store_relaxed(&above.interrupts, 0);
}

static void assert_refused(void)
{
	assert_int_equal(hf_load_relaxed(&above.interrupts), 0);
	assert_int_equal(hf_load_relaxed(&above.faults), 1);
	assert_int_equal(above.fault.reason, IOMMU_FAULT_INTERRUPT);
	hf_store_relaxed(&above.faults, 0);
}

static void program(struct fabric *f, const char *device, unsigned int vector,
		    const struct msi_message *m, bool masked)
{
	uint64_t entry = bar0(f, device) + 0x2000 +
			 vector * (uint64_t)PCI_MSIX_ENTRY_SIZE;

	assert_int_equal(fabric_mem_write(f, entry, 8, m->address), 0);
	assert_int_equal(fabric_mem_write(f, entry + PCI_MSIX_ENTRY_DATA, 4,
					  m->data),
			 0);
	assert_int_equal(fabric_mem_write(f, entry + PCI_MSIX_ENTRY_VECTOR_CTRL,
					  4, masked),
			 0);
}

static void msix_flags(struct fabric *f, const char *device, uint16_t flags)
{
	wr(f, at(device), cap(f, at(device), PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS,
	   2, flags);
}

static bool msix_pending(struct fabric *f, const char *device,
			 unsigned int vector)
{
	uint64_t pba;

	assert_int_equal(fabric_mem_read(f, bar0(f, device) + 0x3000, 8, &pba),
			 0);
	return pba >> vector & 1;
}

/* --- vectors -------------------------------------------------------------- */

static void test_vectors_are_aligned_and_limited(void **state)
{
	struct fabric *f = above_open("lab");
	struct msi_message m, n;

	(void)state;
	fabric_irq_room(f, 8);
	m = alloc(f, A, 1, 0);
	n = alloc(f, A, 4, 1);
	assert_true(m.address >= FABRIC_MSI_BASE &&
		    m.address < FABRIC_MSI_BASE + FABRIC_MSI_SIZE);
	assert_int_equal(n.data & 3, 0);
	assert_int_not_equal(n.data, m.data & ~3u);
	assert_int_equal(unit_of(f).vectors, 5);
	assert_int_equal(ops(f)->alloc(fabric_host(f), at(B), 4, irq(2), &m),
			 -ENOSPC);
	assert_int_equal(unit_of(f).vectors, 5);
	ops(f)->free(fabric_host(f), irq(0));
	assert_int_equal(alloc(f, B, 4, 2).data & 3, 0);
	assert_int_equal(unit_of(f).vectors, 8);
	ops(f)->free(fabric_host(f), irq(1));
	ops(f)->free(fabric_host(f), irq(2));
	assert_int_equal(unit_of(f).vectors, 0);
	fabric_fail(f, FABRIC_CALL_IRQ_ALLOC, 1);
	assert_int_equal(ops(f)->alloc(fabric_host(f), at(B), 1, irq(2), &m),
			 -ENOSPC);
	alloc(f, B, 1, 2);
	fabric_close(f);
}

static void test_a_message_is_checked_against_its_requester(void **state)
{
	struct fabric *f = above_open("lab");
	struct msi_message m = alloc(f, A, 2, 3);

	(void)state;
	assert_int_equal(dma(f, A, m.address, m.data + 1), 0);
	assert_delivered(3, 1);
	assert_int_equal(counts_of(f, A).interrupts, 1);
	assert_int_equal(dma(f, B, m.address, m.data), -EFAULT);
	assert_refused();
	assert_int_equal(above.fault.rid.sbdf, at(B).sbdf);
	assert_int_equal(counts_of(f, B).refused, 1);
	assert_int_equal(counts_of(f, B).interrupts, 0);
	assert_int_equal(dma(f, "0001:01:00.0", m.address, m.data), -EFAULT);
	assert_refused();
	assert_int_equal(dma(f, A, m.address, m.data + 2), -EFAULT);
	assert_refused(); /* nobody's */
	assert_int_equal(dma(f, A, m.address, 0xfffffff0), -EFAULT);
	assert_refused();
	fabric_close(f);
}

static void test_only_dwords_are_messages(void **state)
{
	struct fabric *f = above_open("lab");
	struct msi_message m = alloc(f, A, 1, 0);
	uint64_t val = m.data;

	(void)state;
	assert_int_equal(fabric_dma_write(f, at(A), m.address, &val, 8),
			 -EFAULT);
	assert_refused();
	assert_int_equal(fabric_dma_write(f, at(A), m.address + 2, &val, 4),
			 -EFAULT);
	assert_refused();
	assert_int_equal(fabric_dma_read(f, at(A), m.address, &val, 4),
			 -EFAULT);
	assert_refused();
	assert_int_equal((uint32_t)val, UINT32_MAX);
	fabric_close(f);
}

static void test_no_iommu_translates_the_window(void **state)
{
	struct fabric *f = above_open("lab");
	struct msi_message m = alloc(f, A, 1, 0);

	(void)state;
	attach(f, A, IOMMU_BLOCKED, NULL);
	assert_int_equal(dma(f, A, m.address, m.data), 0);
	assert_delivered(0, 0);
	fabric_close(f);
}

static void test_an_alias_stands_for_all_behind_it(void **state)
{
	struct fabric *f = above_open("lab");
	struct msi_message m = alloc(f, PCI_TOO, 1, 4);

	(void)state;
	assert_int_equal(dma(f, PCI_TOO, m.address, m.data), 0);
	assert_delivered(4, 0);
	assert_int_equal(dma(f, PCI, m.address, m.data), 0); /* one group */
	assert_delivered(4, 0);
	assert_int_equal(dma(f, A, m.address, m.data), -EFAULT);
	assert_refused();
	fabric_close(f);
}

static void test_nothing_comes_after_free(void **state)
{
	struct fabric *f = above_open("lab");
	struct msi_message m = alloc(f, A, 1, 0);

	(void)state;
	ops(f)->free(fabric_host(f), irq(0));
	assert_int_equal(dma(f, A, m.address, m.data), -EFAULT);
	assert_refused();
	ops(f)->free(fabric_host(f), irq(0)); /* nothing to give back */
	assert_int_equal(unit_of(f).vectors, 0);
	fabric_close(f);
}

static void test_before_the_first_alloc_nobody_checks(void **state)
{
	struct fabric *f = above_open("lab");

	(void)state;
	assert_int_equal(dma(f, A, FABRIC_MSI_BASE, 5), 0);
	assert_int_equal(counts_of(f, A).interrupts, 1);
	assert_int_equal(hf_load_relaxed(&above.interrupts), 0);
	fabric_close(f);
}

/* --- MSI-X ---------------------------------------------------------------- */

static void test_msix_sends_what_its_table_says(void **state)
{
	struct fabric *f = above_open("lab");
	struct msi_message m = alloc(f, A, 1, 7), wrong = { 0x1000, 1 };

	(void)state;
	msix_flags(f, A, PCI_MSIX_FLAGS_ENABLE);
	program(f, A, 5, &m, false);
	assert_int_equal(fabric_interrupt(f, at(A), 5), 0);
	assert_delivered(7, 0);
	assert_int_equal(fabric_interrupt(f, at(A), 8), -EPERM);
	program(f, B, 5, &m, false); /* it raises A's */
	msix_flags(f, B, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(fabric_interrupt(f, at(B), 5), -EFAULT);
	assert_refused();
	/* elsewhere than the window: counted while nothing translates it */
	program(f, B, 5, &wrong, false);
	assert_int_equal(fabric_interrupt(f, at(B), 5), 0);
	assert_int_equal(counts_of(f, B).interrupts, 1);
	attach(f, B, IOMMU_BLOCKED, NULL);
	assert_int_equal(fabric_interrupt(f, at(B), 5), -EFAULT);
	assert_int_equal(above.fault.reason, IOMMU_FAULT_BLOCKED);
	fabric_close(f);
}

static void test_a_message_can_be_aimed_at_memory(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 1, 1);
	struct iommu_space *s = space(f, 1);
	struct msi_message m = { 0x5000, 0xabcd };

	(void)state;
	map(f, s, 0x5000, hpa, PAGE, IOMMU_WRITE);
	attach(f, A, IOMMU_SPACE, s);
	program(f, A, 0, &m, false);
	msix_flags(f, A, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(fabric_interrupt(f, at(A), 0), 0);
	assert_int_equal(word(f, hpa), 0xabcd);
	fabric_close(f);
}

static void test_msix_keeps_what_is_masked_and_sends_it_once(void **state)
{
	struct fabric *f = above_open("lab");
	struct msi_message m = alloc(f, A, 1, 7);

	(void)state;
	msix_flags(f, A, PCI_MSIX_FLAGS_ENABLE);
	program(f, A, 3, &m, true);
	assert_int_equal(fabric_interrupt(f, at(A), 3), -EPERM);
	assert_int_equal(fabric_interrupt(f, at(A), 3), -EPERM);
	assert_true(msix_pending(f, A, 3));
	assert_int_equal(hf_load_relaxed(&above.interrupts), 0);
	program(f, A, 3, &m, false);
	assert_delivered(7, 0);
	assert_false(msix_pending(f, A, 3));
	/* all of them masked, and let go */
	msix_flags(f, A, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	assert_int_equal(fabric_interrupt(f, at(A), 3), -EPERM);
	assert_true(msix_pending(f, A, 3));
	msix_flags(f, A, PCI_MSIX_FLAGS_ENABLE);
	assert_delivered(7, 0);
	msix_flags(f, A, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(hf_load_relaxed(&above.interrupts), 0);
	fabric_close(f);
}

static void test_a_reset_forgets_what_was_pending(void **state)
{
	struct fabric *f = above_open("lab");
	struct msi_message m = alloc(f, A, 1, 7);
	unsigned int devctl = cap(f, at(A), PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	uint64_t bar = bar0(f, A);

	(void)state;
	msix_flags(f, A, PCI_MSIX_FLAGS_ENABLE);
	program(f, A, 3, &m, true);
	assert_int_equal(fabric_interrupt(f, at(A), 3), -EPERM);
	wr(f, at(A), devctl, 2, PCI_EXP_DEVCTL_BCR_FLR);
	wr(f, at(A), PCI_BASE_ADDRESS_0, 4, (uint32_t)bar);
	wr(f, at(A), PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	msix_flags(f, A, PCI_MSIX_FLAGS_ENABLE);
	assert_false(msix_pending(f, A, 3));
	program(f, A, 3, &m, false);
	assert_int_equal(hf_load_relaxed(&above.interrupts), 0);
	fabric_close(f);
}

/* --- MSI ------------------------------------------------------------------ */

static void msi(struct fabric *f, const char *device,
		const struct msi_message *m, unsigned int log2)
{
	unsigned int pos = cap(f, at(device), PCI_CAP_ID_MSI);

	wr(f, at(device), pos + PCI_MSI_ADDRESS_LO, 4, (uint32_t)m->address);
	wr(f, at(device), pos + PCI_MSI_ADDRESS_HI, 4,
	   (uint32_t)(m->address >> 32));
	wr(f, at(device), pos + PCI_MSI_DATA_64, 2, m->data);
	wr(f, at(device), pos + PCI_MSI_FLAGS, 2,
	   PCI_MSI_FLAGS_ENABLE | log2 << PCI_MSI_FLAGS_QSIZE_SHIFT);
}

static void test_msi_puts_the_vector_into_the_data(void **state)
{
	struct fabric *f = above_open("lab");
	struct msi_message m = alloc(f, MFD, 4, 2);

	(void)state;
	msi(f, MFD, &m, 2);
	assert_int_equal(fabric_interrupt(f, at(MFD), 3), 0);
	assert_delivered(2, 3);
	assert_int_equal(fabric_interrupt(f, at(MFD), 4), -EPERM);
	fabric_close(f);
}

static void test_msi_keeps_what_is_masked(void **state)
{
	struct fabric *f = above_open("lab");
	struct msi_message m = alloc(f, MFD, 4, 2);
	unsigned int pos = cap(f, at(MFD), PCI_CAP_ID_MSI);

	(void)state;
	msi(f, MFD, &m, 2);
	wr(f, at(MFD), pos + PCI_MSI_MASK_64, 4, 0x6);
	assert_int_equal(fabric_interrupt(f, at(MFD), 1), -EPERM);
	assert_int_equal(fabric_interrupt(f, at(MFD), 2), -EPERM);
	assert_int_equal(rd(f, at(MFD), pos + PCI_MSI_PENDING_64, 4), 6);
	wr(f, at(MFD), pos + PCI_MSI_MASK_64, 4, 0x4);
	assert_delivered(2, 1);
	assert_int_equal(rd(f, at(MFD), pos + PCI_MSI_PENDING_64, 4), 4);
	wr(f, at(MFD), pos + PCI_MSI_PENDING_64, 4, 0); /* read-only */
	assert_int_equal(rd(f, at(MFD), pos + PCI_MSI_PENDING_64, 4), 4);
	fabric_close(f);
}

static void test_no_message_without_bus_master(void **state)
{
	struct fabric *f = above_open("lab");
	struct msi_message m = alloc(f, A, 1, 7);

	(void)state;
	msix_flags(f, A, PCI_MSIX_FLAGS_ENABLE);
	program(f, A, 0, &m, false);
	wr(f, at(A), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(fabric_interrupt(f, at(A), 0), -EPERM);
	fault_on(f, A, FABRIC_KEEPS_DMA, 0); /* is about DMA */
	assert_int_equal(fabric_interrupt(f, at(A), 0), -EPERM);
	assert_int_equal(hf_load_relaxed(&above.interrupts), 0);
	fabric_close(f);
}

/* --- at the same time ------------------------------------------------------ */

struct sender {
	struct fabric *f;
	struct msi_message m;
	hf_atomic(uint32_t) stop;
};

static void *send(void *data)
{
	struct sender *s = data;

	while (!hf_load_acquire(&s->stop))
		dma(s->f, A, s->m.address, s->m.data);
	return NULL;
}

/* After free() and a grace period no call is under way, and none comes. */
static void test_free_is_final_a_grace_period_later(void **state)
{
	struct sender s = { .f = above_open("lab") };
	unsigned int before;
	pthread_t thread;

	(void)state;
	s.m = alloc(s.f, A, 1, 0);
	assert_int_equal(pthread_create(&thread, NULL, send, &s), 0);
	for (unsigned int i = 0; i < 20; i++) {
		ops(s.f)->free(fabric_host(s.f), irq(i));
		plat_rcu_synchronize();
		before = hf_load_relaxed(&above.interrupts);
		for (unsigned int n = 0; n < 1000; n++)
			assert_int_equal(hf_load_relaxed(&above.interrupts),
					 before);
		assert_int_equal(alloc(s.f, A, 1, i + 1).data, s.m.data);
		while (hf_load_relaxed(&above.interrupts) == before)
			;
	}
	hf_store_release(&s.stop, 1);
	pthread_join(thread, NULL);
	fabric_close(s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_are_aligned_and_limited),
		cmocka_unit_test(
			test_a_message_is_checked_against_its_requester),
		cmocka_unit_test(test_only_dwords_are_messages),
		cmocka_unit_test(test_no_iommu_translates_the_window),
		cmocka_unit_test(test_an_alias_stands_for_all_behind_it),
		cmocka_unit_test(test_nothing_comes_after_free),
		cmocka_unit_test(test_before_the_first_alloc_nobody_checks),
		cmocka_unit_test(test_msix_sends_what_its_table_says),
		cmocka_unit_test(test_a_message_can_be_aimed_at_memory),
		cmocka_unit_test(
			test_msix_keeps_what_is_masked_and_sends_it_once),
		cmocka_unit_test(test_a_reset_forgets_what_was_pending),
		cmocka_unit_test(test_msi_puts_the_vector_into_the_data),
		cmocka_unit_test(test_msi_keeps_what_is_masked),
		cmocka_unit_test(test_no_message_without_bus_master),
		cmocka_unit_test(test_free_is_final_a_grace_period_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
