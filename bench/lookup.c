/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lookup and its put, at several numbers of devices and of threads, against
 * the registries of baseline.h.
 *
 * "warm" looks for 64 devices, or for all if there are fewer, which stay in
 * the caches. "cold" looks for 256 of all, each once and one by one, or walks a
 * list once, to its middle; before that no cache has those devices, their slots
 * in the table, or anything of the list. Places come from a sequence that covers
 * them evenly, so that a few walks of a long list already have the length of
 * many.
 */
#include <stdio.h>
#include <stdlib.h>

#include <holdfast/device.h>
#include <holdfast/removal.h>

#include "baseline.h"
#include "bench.h"
#include "cold.h"

enum { WARM_BITS = 6, ROUNDS = 11, ROUNDS_COLD = 44, SIZES = 5 };

/* The last is in segments 4 to 7, the others have one each. */
static const unsigned int size_bits[SIZES] = { 0, 6, 12, 16, 18 };

enum who { OURS, SPIN_LIST, RWLOCK_LIST, RWLOCK_TABLE, RCU_TABLE, WHO };

static const char *const who_name[WHO] = {
	"Holdfast", "spinlock list", "rwlock list", "rwlock table", "bare RCU",
};

/* One number of devices, in all the registries. */
struct devices {
	unsigned int bits; /* 1 << bits devices */
	uint32_t first;    /* their SBDFs */
	uint32_t churn;    /* comes and goes, and is not looked for */
	struct baseline *base[WHO];
};

/* What one thread looks for: 1 << @bits places, every @step from @from on. */
struct looker {
	const struct devices *devs;
	enum who who;
	struct baseline *base; /* his */
	unsigned int bits, batch;
	uint32_t step, from;
};

/* --- the devices --------------------------------------------------------- */

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

static void add_device(uint32_t sbdf)
{
	struct pci_dev_desc desc = { .sbdf = pci_sbdf_from(sbdf),
				     .parent = pci_sbdf_from(sbdf),
				     .ident.vendor = 0x1af4,
				     .cfg_size = 256,
				     .type = PCI_TYPE_ENDPOINT };

	if (pci_register_device(&desc, NULL))
		abort();
}

static void devices_create(struct devices *devs, unsigned int nth)
{
	uint32_t i, count = 1u << size_bits[nth];
	bool few = size_bits[nth] <= WARM_BITS;
	unsigned int who, seg;

	*devs = (struct devices){ .bits = size_bits[nth],
				  .first = nth << 16,
				  .churn = few ? count : 1 };
	for (seg = nth; seg <= nth + (count - 1) / 0x10000; seg++)
		if (pci_segment_add((uint16_t)seg, &nobody))
			abort();
	count += few; /* the one that comes and goes */
	for (i = 0; i < count; i++)
		add_device(devs->first + i);
	for (who = SPIN_LIST; who < WHO; who++)
		devs->base[who] = baseline_create(count);
}

/* --- looking for them ------------------------------------------------------ */

static uint32_t next_place(const struct looker *l, uint32_t *seed)
{
	*seed += 0x9e3779b9u; /* the golden section of 2^32 */
	return l->bits ? (*seed >> (32 - l->bits)) * l->step + l->from
		       : l->from;
}

static unsigned int ours(void *data, uint32_t *seed)
{
	const struct looker *l = data;
	struct pci_dev *pdev;
	unsigned int i;

	for (i = 0; i < l->batch; i++) {
		pdev = pci_get_pdev(NULL, pci_sbdf_from(l->devs->first +
							next_place(l, seed)));
		if (!pdev)
			abort();
		pcidev_put(pdev);
	}
	return l->batch;
}

#define BASELINE_WORK(get)                                                  \
	static unsigned int get(void *data, uint32_t *seed)                 \
	{                                                                   \
		const struct looker *l = data;                              \
		struct baseline_dev *dev;                                   \
		unsigned int i;                                             \
                                                                            \
		for (i = 0; i < l->batch; i++) {                            \
			dev = baseline_##get(l->base, next_place(l, seed)); \
			if (!dev)                                           \
				abort();                                    \
			baseline_put(dev);                                  \
		}                                                           \
		return l->batch;                                            \
	}

BASELINE_WORK(spin_list)
BASELINE_WORK(rwlock_list)
BASELINE_WORK(rwlock_table)

static unsigned int rcu_table(void *data, uint32_t *seed)
{
	const struct looker *l = data;
	unsigned int i;

	for (i = 0; i < l->batch; i++)
		if (!baseline_rcu_table(l->base, next_place(l, seed)))
			abort();
	return l->batch;
}

static bench_work *const look[WHO] = { ours, spin_list, rwlock_list,
				       rwlock_table, rcu_table };

/* --- caches that have nothing of it --------------------------------------- */

static void ours_cold(const void *data, uint32_t seed)
{
	const struct looker *l = data;
	uint32_t first = l->devs->first, again = seed;
	unsigned int i;

	for (i = 0; i < l->batch; i++)
		cold_device(pci_sbdf_from(first + next_place(l, &seed)));
	for (i = 0; i < l->batch; i++)
		cold_slot(pci_sbdf_from(first + next_place(l, &again)));
	cold_wait();
}

static void table_cold(const void *data, uint32_t seed)
{
	const struct looker *l = data;
	uint32_t again = seed;
	unsigned int i;

	for (i = 0; i < l->batch; i++)
		cold_bytes(&l->base->dev[next_place(l, &seed)],
			   sizeof(*l->base->dev));
	for (i = 0; i < l->batch; i++)
		baseline_cold_slot(l->base, next_place(l, &again));
	cold_wait();
}

static void list_cold(const void *data, uint32_t seed)
{
	const struct looker *l = data;

	table_cold(data, seed);
	cold_bytes(l->base->entry, sizeof(*l->base->entry) << l->devs->bits);
	cold_wait();
}

static void (*const make_cold[WHO])(const void *data, uint32_t seed) = {
	ours_cold, list_cold, list_cold, table_cold, table_cold,
};

/* Each begins when the one before is over: none waits for memory beside it. */
static unsigned int one_by_one(void *data, uint32_t *seed)
{
	struct looker one = *(const struct looker *)data;
	unsigned int i, n = one.batch;

	one.batch = 1;
	for (i = 0; i < n; i++) {
		look[one.who](&one, seed);
		cold_wait();
	}
	return n;
}

/* --- adding and removing meanwhile: one device, each millisecond ------------ */

static unsigned int ours_churn(void *data, uint32_t *seed)
{
	const struct looker *l = data;
	uint32_t sbdf = l->devs->first + l->devs->churn;

	(void)seed;
	if (pci_remove_device(pci_sbdf_from(sbdf), 0, PLAT_NSEC_PER_SEC, NULL))
		abort();
	add_device(sbdf);
	bench_sleep_usec(1000);
	return 1;
}

static void baseline_churn(const struct looker *l)
{
	struct baseline_dev *dev = baseline_index(l->base, l->devs->churn);

	baseline_erase(l->base, dev);
	baseline_insert(l->base, dev);
}

static unsigned int spin_churn(void *data, uint32_t *seed)
{
	const struct looker *l = data;

	(void)seed;
	spin_lock(&l->base->spin);
	baseline_churn(l);
	spin_unlock(&l->base->spin);
	bench_sleep_usec(1000);
	return 1;
}

static unsigned int rwlock_churn(void *data, uint32_t *seed)
{
	const struct looker *l = data;

	(void)seed;
	pthread_rwlock_wrlock(&l->base->rwlock);
	baseline_churn(l);
	pthread_rwlock_unlock(&l->base->rwlock);
	bench_sleep_usec(1000);
	return 1;
}

static bench_work *const churn[WHO] = { ours_churn, spin_churn, rwlock_churn,
					rwlock_churn, NULL };

/* --- the ways to look -------------------------------------------------------- */

static const struct way {
	const char *name;
	unsigned int threads;
	bool cold, same, churn;
} ways[] = {
	{ "warm, 1 thread", 1, false, false, false },
	{ "warm, 2 threads", 2, false, false, false },
	{ "warm, 2 threads, same device", 2, false, true, false },
	{ "warm, 2 threads, and 1 adds and removes", 2, false, false, true },
	{ "cold, 1 thread", 1, true, false, false },
	{ "cold, 2 threads", 2, true, false, false },
};
#define WAYS ARRAY_SIZE(ways)

/* Is there such a thing with so few devices? */
static bool is_possible(const struct devices *devs, const struct way *way)
{
	if (way->cold)
		return devs->bits > WARM_BITS;
	return devs->bits || way->threads == 1 || way->same;
}

static bool is_list(enum who who)
{
	return who == SPIN_LIST || who == RWLOCK_LIST;
}

static bool is_measured(const struct way *way, enum who who)
{
	if (way->churn)
		return who != RCU_TABLE; /* nothing is added to it */
	/* What one thread has walked is not cold for the other. */
	return !way->cold || way->threads == 1 || !is_list(who);
}

static struct looker looker(const struct devices *devs, enum who who,
			    const struct way *way, unsigned int thread)
{
	struct looker l = { .devs = devs, .who = who, .base = devs->base[who] };

	/* So many that the clock between them is nothing. */
	l.batch = !is_list(who) ? 256 : devs->bits > 6 ? 1 : 16;
	l.step = 1;
	if (way->same || (way->cold && is_list(who))) {
		l.from = (1u << devs->bits) / 2;
	} else if (way->cold) {
		/* Half of them each: no slot is on a line of the other's. */
		l.bits = devs->bits - (way->threads - 1);
		l.from = thread << l.bits;
	} else {
		/* Threads look for different devices: every second one each. */
		l.bits = devs->bits < WARM_BITS ? devs->bits : WARM_BITS;
		l.bits -= way->threads - 1;
		l.step = 1u << (devs->bits - l.bits);
		l.from = thread * l.step / 2;
	}
	return l;
}

static void slice_create(struct bench_slice *s, struct looker *l,
			 const struct devices *devs, enum who who,
			 const struct way *way)
{
	unsigned int t;

	*s = (struct bench_slice){ .threads = way->threads, .work = look[who] };
	if (way->threads > 1)
		s->usec = BENCH_CONTENDED_USEC;
	for (t = 0; t < BENCH_THREADS; t++) {
		l[t] = looker(devs, who, way, t);
		s->data[t] = &l[t];
	}
	if (devs->bits > 12 && is_list(who)) {
		s->usec = 4000; /* some walks */
		s->slices = 4;
	}
	if (way->cold) {
		s->prepare = make_cold[who];
		s->work = one_by_one;
		s->usec = BENCH_ONCE;
	}
	if (way->churn) {
		s->slices = 4;
		s->beside = churn[who];
		s->beside_data = &l[0];
		s->usec = 5000;
	}
}

/* --- what is shown -------------------------------------------------------------- */

/* Medians in ns, for the plots. */
static double medians[SIZES][WAYS][WHO];

static void show_variant(const struct devices *devs, const struct way *way,
			 enum who who, const struct bench_series *ns,
			 const struct bench_series *ours_ns)
{
	char name[96];

	snprintf(name, sizeof(name), "%u devices, %s, %s", 1u << devs->bits,
		 way->name, who_name[who]);
	bench_value(name, "ns", ns);
	printf(" %13.1f", bench_median(ns));
	if (who == OURS)
		return;
	bench_ratio(name, ns, ours_ns);
	if (devs->bits == 12 && way == &ways[1] && who == SPIN_LIST)
		bench_goal("lookup + put at 4,096, 2 threads, against "
			   "a global lock and a list",
			   BENCH_AT_LEAST, 100, name, "×");
}

static void show_way(const struct devices *devs, const struct way *way,
		     double *median)
{
	struct bench_variant variant[WHO];
	struct bench_slice slice[WHO];
	struct looker l[WHO][BENCH_THREADS];
	struct bench_series ns[WHO];
	unsigned int who, n = 0;

	for (who = 0; who < WHO; who++) {
		if (!is_measured(way, who))
			continue;
		slice_create(&slice[n], l[n], devs, who, way);
		variant[n] =
			(struct bench_variant){ bench_slice_ns, &slice[n] };
		n++;
	}
	bench_rounds(variant, n, way->cold ? ROUNDS_COLD : ROUNDS, ns);
	printf("%7u %-40s", 1u << devs->bits, way->name);
	for (who = n = 0; who < WHO; who++) {
		if (!is_measured(way, who)) {
			printf(" %13s", "-");
			continue;
		}
		show_variant(devs, way, who, &ns[n], &ns[0]);
		median[who] = bench_median(&ns[n]);
		n++;
	}
	putchar('\n');
	fflush(stdout);
	bench_free(ns, n);
}

/* The same rounds for all numbers of devices: what a device more costs. */
static void show_growth(const struct devices *devs)
{
	struct bench_variant variant[SIZES];
	struct bench_slice slice[SIZES];
	struct looker l[SIZES][BENCH_THREADS];
	struct bench_series ns[SIZES];
	double growth = 0;
	unsigned int i;
	char name[96];

	for (i = 0; i < SIZES; i++) {
		slice_create(&slice[i], l[i], &devs[i], OURS, &ways[0]);
		variant[i] =
			(struct bench_variant){ bench_slice_ns, &slice[i] };
	}
	bench_rounds(variant, SIZES, ROUNDS, ns);
	puts("\nwarm, 1 thread, against 1 device:");
	for (i = 1; i < SIZES; i++) {
		snprintf(name, sizeof(name), "%u devices against 1, warm",
			 1u << devs[i].bits);
		growth = bench_ratio(name, &ns[i], &ns[0]);
		printf("%7u devices: %.2f times as long\n", 1u << devs[i].bits,
		       growth);
		if (devs[i].bits == 16)
			bench_goal("lookup + put at 65,536 devices, against 1",
				   BENCH_AT_MOST, 1.3, name, "×");
	}
	bench_free(ns, SIZES);
}

static void plot_way(const char *file, const char *title, unsigned int way)
{
	double x[SIZES], y[WHO][SIZES];
	struct bench_curve curve[WHO];
	unsigned int i, who, n = 0;

	for (who = 0; who < WHO; who++) {
		for (i = n = 0; i < SIZES; i++) {
			if (!medians[i][way][who])
				continue;
			x[n] = 1u << size_bits[i];
			y[who][n++] = medians[i][way][who];
		}
		curve[who] =
			(struct bench_curve){ who_name[who], n, x, y[who] };
	}
	bench_plot(file,
		   &(struct bench_axes){ title, "devices",
					 "ns a lookup and put", true, true },
		   curve, WHO);
}

static void run(void)
{
	struct devices devs[SIZES];
	unsigned int i, w, who;

	if (pci_init())
		abort();
	for (i = 0; i < SIZES; i++)
		devices_create(&devs[i], i);
	printf("devices %-40s", "ns each, by thread");
	for (who = 0; who < WHO; who++)
		printf(" %13s", who_name[who]);
	putchar('\n');
	for (i = 0; i < SIZES; i++)
		for (w = 0; w < WAYS; w++)
			if (is_possible(&devs[i], &ways[w]))
				show_way(&devs[i], &ways[w], medians[i][w]);
	show_growth(devs);
	plot_way("lookup-1-thread", "Lookup and put, one thread", 0);
	plot_way("lookup-2-threads", "Lookup and put, two threads", 1);
	plot_way("lookup-cold",
		 "Lookup and put, one thread, device and slot in no cache", 4);
}

const struct bench_group bench_lookup = {
	.name = "lookup",
	.title = "a lookup by address, and the put of what it found",
	.run = run,
};
