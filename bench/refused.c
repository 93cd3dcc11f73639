/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a refused removal costs the guest that uses the device: the rate of its
 * config reads while a second thread tries to remove the device, against the
 * rate while that thread does something else for as long.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <holdfast/atomic.h>
#include <holdfast/vpci.h>
#include <holdfast/domain.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/removal.h>

#include "bench.h"

#define SEGMENT 100
#define BATCH 64

enum mode { SLEEPS, EACH_MSEC, COMPUTES, WITHOUT_PAUSE, MODES };

/* What the second thread does, and what to compare it with. */
static const struct {
	const char *name;
	enum mode against;
} modes[MODES] = {
	[SLEEPS] = { "the other thread sleeps", SLEEPS },
	[EACH_MSEC] = { "a refused removal each millisecond", SLEEPS },
	[COMPUTES] = { "the other thread computes", COMPUTES },
	[WITHOUT_PAUSE] = { "refused removals without pause", COMPUTES },
};

struct traffic {
	struct domain *guest;
	pci_sbdf_t host, guest_addr;
	enum mode mode;
	hf_atomic(bool) stop;
	uint64_t refused;
};

static int card_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	(void)host;
	(void)sbdf;
	(void)reg;
	*val = 0x1af4u & (UINT32_MAX >> (32 - 8 * size));
	return 0;
}

static int card_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	(void)host;
	(void)sbdf;
	(void)reg;
	(void)size;
	(void)val;
	return 0;
}

static const struct pci_host_ops card_ops = { .read = card_read,
					      .write = card_write };
static struct pci_host card = { .ops = &card_ops, .name = "bench" };

static unsigned int guest_reads(void *data, uint32_t *seed)
{
	struct traffic *t = data;
	unsigned int i;
	uint64_t val;

	(void)seed;
	for (i = 0; i < BATCH; i++)
		if (vpci_read(t->guest, t->guest_addr, 0, 2, &val) ||
		    val != 0x1af4)
			abort(); /* a refused removal was seen by the guest */
	return BATCH;
}

static void try_to_remove(struct traffic *t)
{
	if (pci_remove_device(t->host, 0, PLAT_NSEC_PER_SEC, NULL) != -EBUSY)
		abort();
	t->refused++;
}

static void *other_run(void *data)
{
	const struct timespec msec = { .tv_nsec = 1000000 };
	struct traffic *t = data;
	uint32_t seed = 1;

	while (!hf_load_relaxed(&t->stop)) {
		if (t->mode == EACH_MSEC || t->mode == WITHOUT_PAUSE)
			try_to_remove(t);
		if (t->mode == EACH_MSEC || t->mode == SLEEPS)
			nanosleep(&msec, NULL);
		if (t->mode == COMPUTES)
			bench_random(&seed);
	}
	return NULL;
}

static double run(struct traffic *t, enum mode mode)
{
	pthread_t other;
	double ns;

	t->mode = mode;
	hf_store_relaxed(&t->stop, false);
	if (pthread_create(&other, NULL, other_run, t))
		abort();
	ns = bench_run(1, guest_reads, t);
	hf_store_relaxed(&t->stop, true);
	pthread_join(other, NULL);
	return ns;
}

static void traffic_create(struct traffic *t)
{
	struct pci_dev_desc desc = {
		.sbdf = pci_sbdf(SEGMENT, 0, 3, 0),
		.parent = pci_sbdf(SEGMENT, 0, 3, 0),
		.ident.vendor = 0x1af4,
		.type = PCI_TYPE_ENDPOINT,
		.cfg_size = 256,
	};

	*t = (struct traffic){ .host = desc.sbdf,
			       .guest_addr = pci_sbdf_from(UINT32_MAX) };
	if (pci_segment_add(SEGMENT, &card) ||
	    pci_register_device(&desc, NULL) ||
	    domain_create(0, "guest", NULL, NULL, &t->guest) ||
	    pci_assign_device(t->guest, t->host, 0, &t->guest_addr, NULL))
		abort();
}

void bench_refused(void)
{
	double sample[MODES][BENCH_ROUNDS];
	struct bench_result result[MODES];
	unsigned int i, mode;
	struct traffic t;

	traffic_create(&t);
	for (i = 0; i < BENCH_ROUNDS; i++)
		for (mode = 0; mode < MODES; mode++)
			sample[mode][i] = run(&t, mode);
	puts("a guest's config reads, ns each, and the rate left of them");
	for (mode = 0; mode < MODES; mode++) {
		result[mode] = bench_result(sample[mode]);
		printf("%-36s %7.1f (%.1f-%.1f) %9.2f\n", modes[mode].name,
		       result[mode].median, result[mode].low, result[mode].high,
		       result[modes[mode].against].median /
			       result[mode].median);
	}
	printf("%llu removals refused, the guest saw none of them\n",
	       (unsigned long long)t.refused);
	if (domain_destroy(t.guest))
		abort();
	domain_put(t.guest);
}
