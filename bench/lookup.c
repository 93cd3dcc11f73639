/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lookup and its put, at several numbers of devices and of threads, against
 * the list under a global mutex. Each segment has one number of devices.
 *
 * "warm" looks for 64 devices spread over all, which stay in the caches;
 * "cold" for any of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include <holdfast/atomic.h>
#include <holdfast/device.h>

#include "baseline.h"
#include "bench.h"

#define WARM 64
#define BATCH 16

/* powers of two */
static const uint32_t sizes[] = { 1, 64, 4096, 65536 };

struct devices {
	uint16_t seg;
	uint32_t count;
	uint32_t step; /* between those that are looked for */
	struct baseline *base;
};

static int nobody_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		       uint8_t size, uint32_t *val)
{
	(void)host;
	(void)sbdf;
	(void)reg;
	*val = UINT32_MAX >> (32 - 8 * size);
	return 0;
}

static const struct pci_host_ops nobody_ops = { .read = nobody_read };
static struct pci_host nobody = { .ops = &nobody_ops, .name = "bench" };

static unsigned int holdfast_work(void *data, uint32_t *seed)
{
	const struct devices *devs = data;
	struct pci_dev *pdev;
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		uint32_t n = bench_random(seed) * devs->step &
			     (devs->count - 1);

		pdev = pci_get_pdev(
			NULL, pci_sbdf_from((uint32_t)devs->seg << 16 | n));
		if (!pdev)
			abort();
		pcidev_put(pdev);
	}
	return BATCH;
}

static unsigned int baseline_work(void *data, uint32_t *seed)
{
	const struct devices *devs = data;
	struct baseline_dev *dev;
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		uint32_t n = bench_random(seed) * devs->step &
			     (devs->count - 1);

		dev = baseline_get(devs->base, n);
		if (!dev)
			abort();
		baseline_put(devs->base, dev);
	}
	return BATCH;
}

/* Two atomic operations, as a lookup and its put need, on memory of its own. */
static unsigned int floor_work(void *data, uint32_t *seed)
{
	hf_atomic(uint32_t) own;
	unsigned int i;

	(void)data;
	hf_init(&own, *seed);
	for (i = 0; i < 2 * BATCH; i++)
		hf_fetch_add_relaxed(&own, 1);
	return BATCH;
}

static void devices_create(struct devices *devs, uint16_t seg, uint32_t count)
{
	struct pci_dev_desc desc = { .cfg_size = 256,
				     .type = PCI_TYPE_ENDPOINT };
	uint32_t i;

	*devs = (struct devices){ .seg = seg, .count = count };
	devs->step = count > WARM ? count / WARM : 1;
	devs->base = baseline_create(count);
	if (pci_segment_add(seg, &nobody))
		abort();
	for (i = 0; i < count; i++) {
		desc.sbdf = pci_sbdf_from((uint32_t)seg << 16 | i);
		desc.parent = desc.sbdf;
		desc.ident.vendor = 0x1af4;
		if (pci_register_device(&desc, NULL))
			abort();
	}
}

/* One line of the table; returns our median. */
static double compare(const char *which, struct devices *devs,
		      unsigned int threads)
{
	double ours[BENCH_ROUNDS], theirs[BENCH_ROUNDS];
	struct bench_result a, b;
	unsigned int i;

	for (i = 0; i < BENCH_ROUNDS; i++) {
		ours[i] = bench_run(threads, holdfast_work, devs);
		theirs[i] = bench_run(threads, baseline_work, devs);
	}
	a = bench_result(ours);
	b = bench_result(theirs);
	printf("%7u %s %7u %9.1f (%.1f-%.1f) %10.1f (%.1f-%.1f) %9.1f\n",
	       devs->count, which, threads, a.median, a.low, a.high, b.median,
	       b.low, b.high, b.median / a.median);
	return a.median;
}

/* CPUs may be threads of one core: what two lose that share nothing at all. */
static void show_floor(void)
{
	double one[BENCH_ROUNDS], two[BENCH_ROUNDS];
	unsigned int i;

	for (i = 0; i < BENCH_ROUNDS; i++) {
		one[i] = bench_run(1, floor_work, NULL);
		two[i] = bench_run(2, floor_work, NULL);
	}
	printf("two atomic operations on memory of its own: 1 thread %.1f, "
	       "2 threads %.1f\n",
	       bench_result(one).median, bench_result(two).median);
}

void bench_lookup(void)
{
	double one = 0, most = 0, ours;
	struct devices devs;
	unsigned int i, threads;

	puts("lookup + put, ns a thread\n"
	     "devices which threads  holdfast   mutex and list    times slower");
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		devices_create(&devs, (uint16_t)i, sizes[i]);
		for (threads = 1; threads <= 2; threads++) {
			ours = compare("warm", &devs, threads);
			if (threads == 1)
				most = ours;
		}
		if (i == 0)
			one = most;
		if (devs.step > 1) {
			devs.step = 1;
			compare("cold", &devs, 1);
			compare("cold", &devs, 2);
		}
		baseline_destroy(devs.base);
	}
	show_floor();
	printf("%u devices against 1, warm, 1 thread: %.2f times as long\n\n",
	       devs.count, most / one);
}
