/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a refused removal costs the guest that uses the device: the rate of its
 * config reads while another thread tries to remove the device, against the
 * rate while that thread does something else for as long.
 */
#include <stdio.h>
#include <stdlib.h>

#include <holdfast/atomic.h>
#include <holdfast/domain.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/platform.h>
#include <holdfast/removal.h>
#include <holdfast/vpci.h>

#include "bench.h"

enum { BATCH = 64, ROUNDS = 101 };

enum mode { SLEEPS, EACH_MSEC, COMPUTES, WITHOUT_PAUSE, MODES };

static struct traffic {
	struct domain *guest;
	pci_sbdf_t host, guest_addr;
	uint64_t refused;
} traffic;

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

/* --- what the other thread does ------------------------------------------- */

static unsigned int sleeps(void *data, uint32_t *seed)
{
	(void)data;
	(void)seed;
	bench_sleep_usec(1000);
	return 1;
}

static unsigned int computes(void *data, uint32_t *seed)
{
	unsigned int i;

	(void)data;
	for (i = 0; i < BATCH; i++)
		bench_random(seed);
	return BATCH;
}

static unsigned int tries(void *data, uint32_t *seed)
{
	struct traffic *t = data;

	(void)seed;
	if (pci_remove_device(t->host, 0, PLAT_NSEC_PER_SEC, NULL) != -EBUSY)
		abort();
	t->refused++;
	return 1;
}

static unsigned int tries_and_sleeps(void *data, uint32_t *seed)
{
	return tries(data, seed) + sleeps(data, seed);
}

static const struct {
	const char *name;
	bench_work *other;
	enum mode against;
} modes[MODES] = {
	[SLEEPS] = { "the other thread sleeps", sleeps, SLEEPS },
	[EACH_MSEC] = { "a refused removal each millisecond", tries_and_sleeps,
			SLEEPS },
	[COMPUTES] = { "the other thread computes", computes, COMPUTES },
	[WITHOUT_PAUSE] = { "refused removals without pause", tries, COMPUTES },
};

/* --- the group ----------------------------------------------------------------- */

static void traffic_create(struct traffic *t)
{
	struct pci_dev_desc desc = {
		.sbdf = pci_sbdf(0, 0, 3, 0),
		.parent = pci_sbdf(0, 0, 3, 0),
		.ident.vendor = 0x1af4,
		.type = PCI_TYPE_ENDPOINT,
		.cfg_size = 256,
	};

	*t = (struct traffic){ .host = desc.sbdf,
			       .guest_addr = pci_sbdf_from(UINT32_MAX) };
	if (pci_init() || pci_vpci_init(NULL) || pci_segment_add(0, &card) ||
	    pci_register_device(&desc, NULL) ||
	    domain_create(0, "guest", NULL, NULL, &t->guest) ||
	    pci_assign_device(t->guest, t->host, 0, &t->guest_addr, NULL))
		abort();
}

static void run(void)
{
	struct bench_slice slice[MODES];
	struct bench_variant variant[MODES];
	struct bench_series ns[MODES];
	double left[MODES];
	unsigned int m;

	traffic_create(&traffic);
	for (m = 0; m < MODES; m++) {
		slice[m] = (struct bench_slice){ .threads = 1,
						 .work = guest_reads,
						 .data = { &traffic },
						 .beside = modes[m].other,
						 .beside_data = &traffic,
						 .usec = 10000 };
		variant[m] = (struct bench_variant){ modes[m].name,
						     bench_slice_ns,
						     &slice[m] };
	}
	bench_rounds(variant, MODES, ROUNDS, ns);
	printf("%-36s %8s %11s\n", "a guest's config reads, while", "ns each",
	       "rate left");
	for (m = 0; m < MODES; m++) {
		bench_value(modes[m].name, "ns", &ns[m]);
		left[m] = modes[m].against == m
				  ? 1
				  : bench_ratio(modes[m].name,
						&ns[modes[m].against], &ns[m]);
		printf("%-36s %8.1f %11.3f\n", modes[m].name,
		       bench_median(&ns[m]), left[m]);
	}
	printf("%llu removals refused, the guest saw none of them\n",
	       (unsigned long long)traffic.refused);
	bench_goal("traffic left on a device whose removal is refused",
		   BENCH_AT_LEAST, 0.98, left[EACH_MSEC], "×");
	bench_free(ns, MODES);
}

const struct bench_group bench_refused = {
	.name = "refused",
	.title = "what a refused removal costs the traffic on the device",
	.run = run,
};
