/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of several devices against changes of contexts, tables and cards: a
 * flush that is over, and a write of Command that has returned, leave nothing
 * under way.
 */
#include <pthread.h>

#include "above.h"

#define A "0000:03:00.0"
#define B "0000:04:00.0"
#define DMA 0x40000000ull
#define ROUNDS 300

struct sender {
	struct fabric *f;
	const char *device;
	uint64_t arrived, refused;
};

static hf_atomic(uint32_t) stop;

static void *send(void *data)
{
	struct sender *s = data;
	uint32_t n = 0;

	while (!hf_load_acquire(&stop)) {
		int rc = dma(s->f, s->device, DMA + 8 * (n & 1), n | 1);

		s->arrived += rc == 0;
		s->refused += rc == -EFAULT;
		n++;
	}
	return NULL;
}

static pthread_t start(struct sender *s)
{
	pthread_t thread;

	hf_store_release(&stop, 0);
	assert_int_equal(pthread_create(&thread, NULL, send, s), 0);
	return thread;
}

static void wait_for(struct fabric *f, uint64_t hpa)
{
	while (!word(f, hpa))
		;
}

/* Is anything written after this? */
static void assert_quiet(struct fabric *f, uint64_t hpa)
{
	uint32_t before;

	assert_int_equal(
		fabric_ram_write(f, hpa, "\0\0\0\0\0\0\0\0\0\0\0\0", 12), 0);
	before = word(f, hpa) | word(f, hpa + 8);
	for (unsigned int i = 0; i < 50; i++)
		before |= word(f, hpa) | word(f, hpa + 8);
	assert_int_equal(before, 0);
}

static void test_after_a_flush_nothing_is_under_way(void **state)
{
	struct fabric *f = above_open("lab");
	struct sender s = { .f = f, .device = A };
	struct iommu_space *t = space(f, 1);
	uint64_t hpa = ram(f, 1, 1);
	pthread_t thread;

	(void)state;
	attach(f, A, IOMMU_SPACE, t);
	thread = start(&s);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		map(f, t, DMA, hpa, PAGE, IOMMU_WRITE);
		wait_for(f, hpa);
		unmap(f, t, DMA, PAGE);
		while (done(f, flush_range(f, t, DMA, PAGE)))
			;
		assert_quiet(f, hpa);
	}
	hf_store_release(&stop, 1);
	pthread_join(thread, NULL);
	assert_true(s.arrived >= ROUNDS);
	assert_int_equal(violations(f), 0);
	fabric_close(f);
}

static void test_contexts_change_at_once(void **state)
{
	struct fabric *f = above_open("lab");
	struct sender s = { .f = f, .device = A };
	struct iommu_space *t = space(f, 1), *u = space(f, 2);
	uint64_t one = ram(f, 1, 1), two = ram(f, 2, 1);
	pthread_t thread;

	(void)state;
	map(f, t, DMA, one, PAGE, IOMMU_WRITE);
	map(f, u, DMA, two, PAGE, IOMMU_WRITE);
	attach(f, A, IOMMU_SPACE, t);
	thread = start(&s);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		wait_for(f, one);
		attach(f, A, IOMMU_SPACE, u);
		flush_context(f, A);
		assert_quiet(f, one);
		wait_for(f, two);
		attach(f, A, IOMMU_SPACE, t);
		flush_context(f, A);
		assert_quiet(f, two);
	}
	hf_store_release(&stop, 1);
	pthread_join(thread, NULL);
	assert_int_equal(s.refused, 0); /* never in between */
	assert_int_equal(violations(f), 0);
	fabric_close(f);
}

static void test_without_bus_master_nothing_is_under_way(void **state)
{
	struct fabric *f = above_open("lab");
	struct sender s = { .f = f, .device = A };
	struct iommu_space *t = space(f, 1);
	uint64_t hpa = ram(f, 1, 1);
	pthread_t thread;

	(void)state;
	map(f, t, DMA, hpa, PAGE, IOMMU_WRITE);
	attach(f, A, IOMMU_SPACE, t);
	thread = start(&s);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		wait_for(f, hpa);
		wr(f, at(A), PCI_COMMAND, 2, 0);
		assert_quiet(f, hpa);
		wr(f, at(A), PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	}
	hf_store_release(&stop, 1);
	pthread_join(thread, NULL);
	fabric_close(f);
}

/* Spaces, cards and resets come and go; memory checkers watch. */
static void test_everything_comes_and_goes(void **state)
{
	struct fabric *f = above_open("lab");
	struct sender s = { .f = f, .device = A }, t = { .f = f, .device = B };
	unsigned int ats = ext(f, at(B), PCI_EXT_CAP_ID_ATS) + PCI_ATS_CTRL;
	unsigned int pcie = cap(f, at(B), PCI_CAP_ID_EXP);
	uint64_t hpa = ram(f, 1, 1);
	pthread_t first, second;
	char err[200];

	(void)state;
	first = start(&s);
	second = start(&t);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct iommu_space *own = space(f, 1);

		map(f, own, DMA, hpa, PAGE, IOMMU_WRITE);
		attach(f, A, IOMMU_SPACE, own);
		attach(f, B, IOMMU_SPACE, own);
		assert_int_equal(fabric_host(f)->iommu->ats(fabric_host(f),
							    at(B), true),
				 0);
		wr(f, at(B), ats, 2, PCI_ATS_CTRL_ENABLE);
		wr(f, at(B), PCI_COMMAND, 2, PCI_COMMAND_MASTER);
		wait_for(f, hpa);
		if (i % 3 == 0) {
			assert_int_equal(fabric_unplug(f, at(A), NULL), 0);
			assert_int_equal(fabric_plug(f, at(A), "tester", err,
						     sizeof(err)),
					 0);
		}
		wr(f, at(B), pcie + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
		(void)unit_of(f);
		attach(f, A, IOMMU_BLOCKED, NULL);
		attach(f, B, IOMMU_BLOCKED, NULL);
		flush_context(f, A);
		flush_context(f, B);
		flush_ats(f, B);
		unmap(f, own, DMA, PAGE);
		flush_range(f, own, DMA, PAGE);
		assert_quiet(f, hpa);
		destroy(f, own);
	}
	hf_store_release(&stop, 1);
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	assert_int_equal(violations(f), 0);
	assert_int_equal(unit_of(f).spaces, 0);
	assert_int_equal(unit_of(f).contexts, 0);
	fabric_close(f);
}

static void *turn(void *data)
{
	while (!hf_load_acquire(&stop))
		fabric_turn(data);
	return NULL;
}

/* Two threads give turns to one tester, and a third starts and stops it. */
static void test_turns_from_several_threads(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 1);
	pthread_t thread[2];

	(void)state;
	hf_store_release(&stop, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, turn, f), 0);
	set(f, A, FABRIC_TESTER_DESTINATION, hpa);
	set(f, A, FABRIC_TESTER_LENGTH, 4);
	for (uint32_t i = 1; i < ROUNDS; i++) {
		set(f, A, FABRIC_TESTER_DATA, i << 16);
		set(f, A, FABRIC_TESTER_COMMAND,
		    FABRIC_TESTER_WRITE | FABRIC_TESTER_RUN);
		while (word(f, hpa) < i << 16)
			;
		set(f, A, FABRIC_TESTER_COMMAND, FABRIC_TESTER_STOP);
	}
	hf_store_release(&stop, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(fabric_turn(f), 0);
	fabric_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_after_a_flush_nothing_is_under_way),
		cmocka_unit_test(test_contexts_change_at_once),
		cmocka_unit_test(test_without_bus_master_nothing_is_under_way),
		cmocka_unit_test(test_everything_comes_and_goes),
		cmocka_unit_test(test_turns_from_several_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
