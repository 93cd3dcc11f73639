/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses from several threads: no write is lost to a neighbour's, and cards
 * may come and go under them.
 */
#include <pthread.h>

#include <holdfast/atomic.h>

#include "support.h"

#define ROUNDS 200000

struct writer {
	struct fabric *f;
	unsigned int reg, lost;
};

/* Both bytes lie in one dword. */
static void *write_bytes(void *data)
{
	struct writer *w = data;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		wr(w->f, (pci_sbdf_t){ .bus = 0x1c, .devfn = 8 }, w->reg, 1,
		   i & 0xff);
		w->lost += rd(w->f, (pci_sbdf_t){ .bus = 0x1c, .devfn = 8 },
			      w->reg, 1) != (i & 0xff);
	}
	return NULL;
}

static void test_neighbouring_bytes_do_not_lose_writes(void **state)
{
	struct writer w[2] = { { .reg = PCI_CACHE_LINE_SIZE },
			       { .reg = PCI_LATENCY_TIMER } };
	struct fabric *f = open_spec("server");
	pthread_t thread;

	(void)state;
	w[0].f = w[1].f = f;
	assert_int_equal(pthread_create(&thread, NULL, write_bytes, &w[0]), 0);
	write_bytes(&w[1]);
	pthread_join(thread, NULL);
	assert_int_equal(w[0].lost, 0);
	assert_int_equal(w[1].lost, 0);
	fabric_close(f);
}

struct reader {
	struct fabric *f;
	hf_atomic(uint32_t) stop;
	unsigned int wrong;
	uint64_t seen, absent;
};

static void *read_card(void *data)
{
	const pci_sbdf_t nic = { .bus = 3 }, vf = { .bus = 3, .devfn = 0x11 };
	struct reader *r = data;
	uint32_t ids, class_rev;

	while (!hf_load_acquire(&r->stop)) {
		ids = rd(r->f, nic, 0, 4);
		class_rev = rd(r->f, vf, PCI_CLASS_REVISION, 4);
		wr(r->f, nic, PCI_INTERRUPT_LINE, 1, 5);
		if (ids == UINT32_MAX)
			r->absent++;
		else if (ids == 0x15728086)
			r->seen++;
		else
			r->wrong++;
		if (class_rev != UINT32_MAX && class_rev != 0x02000002)
			r->wrong++;
	}
	return NULL;
}

static void test_cards_come_and_go_under_accesses(void **state)
{
	struct fabric *f = open_spec("server");
	struct reader r = { .f = f };
	pci_sbdf_t slot = at("0000:00:1c.0");
	unsigned int exp = cap(f, at("0000:03:00.0"), PCI_CAP_ID_EXP);
	pthread_t thread;
	char why[256];

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, read_card, &r), 0);
	for (unsigned int i = 0; i < 300; i++) {
		wr(f, at("0000:03:00.0"), exp + PCI_EXP_DEVCTL, 2,
		   PCI_EXP_DEVCTL_BCR_FLR);
		assert_int_equal(fabric_surprise(f, slot), 0);
		assert_int_equal(fabric_plug(f, slot, "nic", why, sizeof(why)),
				 0);
	}
	hf_store_release(&r.stop, 1);
	pthread_join(thread, NULL);
	assert_int_equal(r.wrong, 0);
	assert_int_equal(fabric_functions(f), 64);
	fabric_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neighbouring_bytes_do_not_lose_writes),
		cmocka_unit_test(test_cards_come_and_go_under_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
