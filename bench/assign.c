/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that change hands: to a guest and back, alone on the machine and
 * among a thousand that a hundred guests have; whole isolation groups; and what
 * is left by a guest that dies.
 *
 * What the core does is measured without resets. With them a change of hands
 * takes what the specification asks for (PCIe 6.0 §6.6.2: 100 ms); there it is
 * shown that 64 devices take as long as one.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <holdfast/domain.h>

#include "bench.h"
#include "cards.h"
#include "counted.h"

enum {
	DOMAINS = 100,
	EACH = 10,
	SPARE = DOMAINS * EACH, /* the last card: it goes to and fro */
	TRIPS = 32,
	GROUP = 8, /* functions of a device */
	DEATH = 64,
	CROWD = 32768,
	ROUNDS = 11,
	RESET_ROUNDS = 3,
};

static void must(int err)
{
	if (err)
		abort();
}

static struct domain *new_domain(unsigned int nth)
{
	struct domain *d;
	char name[16];

	snprintf(name, sizeof(name), "guest%u", nth);
	must(domain_create(0, name, NULL, NULL, &d));
	return d;
}

static void take_back(struct domain *d, unsigned int n)
{
	must(pci_deassign_device(d, cards_at(n), 0, NULL));
}

static unsigned int rounds(unsigned int n)
{
	return bench_is_quick ? n / 5 | 1 : n;
}

static double us_since(uint64_t begin, unsigned int count)
{
	return (double)(bench_now() - begin) / 1e3 / count;
}

static double show(const char *name, const char *unit, double *sample,
		   unsigned int n)
{
	struct bench_series s = bench_series(sample, n);
	double median = bench_median(&s);

	bench_value(name, unit, &s);
	printf("%-52s %10.2f %s\n", name, median, unit);
	bench_free(&s, 1);
	return median;
}

static void show_ratio(const char *name, const double *a, const double *b,
		       unsigned int n)
{
	struct bench_series x = bench_series(a, n), y = bench_series(b, n);

	printf("%-52s %10.2f ×\n", name, bench_ratio(name, &x, &y));
	bench_free(&x, 1);
	bench_free(&y, 1);
}

/* --- to and fro -------------------------------------------------------------------- */

static double round_trip(struct domain *d)
{
	double took[TRIPS];
	struct bench_series s = { .n = TRIPS, .sample = took };
	unsigned int i;

	for (i = 0; i < TRIPS; i++) {
		uint64_t begin = bench_now();

		cards_assign(d, SPARE);
		take_back(d, SPARE);
		took[i] = us_since(begin, 1);
	}
	return bench_median(&s);
}

static double give_all(struct domain **d)
{
	uint64_t begin = bench_now();
	unsigned int i;

	for (i = 0; i < SPARE; i++)
		cards_assign(d[i % DOMAINS], i);
	return us_since(begin, SPARE);
}

static double take_all(struct domain **d)
{
	uint64_t begin = bench_now();
	unsigned int i;

	for (i = 0; i < SPARE; i++)
		take_back(d[i % DOMAINS], i);
	return us_since(begin, SPARE);
}

static void to_and_fro(const struct cards *cards)
{
	double alone[ROUNDS], crowd[ROUNDS], give[ROUNDS], take[ROUNDS];
	unsigned int i, n = rounds(ROUNDS);
	struct domain *d[DOMAINS];
	uint64_t waited;

	cards_start(cards, CARDS_ALL);
	cards_scan();
	for (i = 0; i < DOMAINS; i++)
		d[i] = new_domain(i);
	waited = counted_grace_periods();
	round_trip(d[0]);
	waited = counted_grace_periods() - waited;
	for (i = 0; i < n; i++) {
		alone[i] = round_trip(d[0]);
		give[i] = give_all(d);
		crowd[i] = round_trip(d[i % DOMAINS]);
		take[i] = take_all(d);
	}
	show("to a guest and back", "µs", alone, n);
	printf("%-52s %10.2f\n", "… grace periods waited for",
	       (double)waited / TRIPS);
	show("… among 1,000 devices of 100 guests", "µs", crowd, n);
	show_ratio("… to alone", crowd, alone, n);
	show("1,000 devices to 100 guests, each", "µs", give, n);
	show("1,000 devices back, each", "µs", take, n);
}

/* --- whole groups, and death --------------------------------------------------------- */

static void give_group(struct domain *d)
{
	pci_sbdf_t at = pci_sbdf_from(UINT32_MAX);
	int err =
		pci_assign_device(d, cards_at(0), PCI_ASSIGN_GROUP, &at, NULL);

	must(err);
}

static double group_trip(struct domain *d)
{
	double took[TRIPS];
	struct bench_series s = { .n = TRIPS, .sample = took };
	unsigned int i;

	for (i = 0; i < TRIPS; i++) {
		uint64_t begin = bench_now();

		give_group(d);
		must(pci_deassign_device(d, cards_at(0), PCI_ASSIGN_GROUP,
					 NULL));
		took[i] = us_since(begin, 1);
	}
	return bench_median(&s);
}

/* One of those who each give a device: a reset lets others go on. */
struct giver {
	pthread_t thread;
	struct domain *d;
	unsigned int nth;
};

static void *give(void *arg)
{
	struct giver *g = arg;

	cards_assign(g->d, g->nth);
	return NULL;
}

/* What a domain takes to die that has @n devices. */
static double death(unsigned int n)
{
	static unsigned int nth;
	struct domain *d = new_domain(1000 + nth++);
	struct giver giver[DEATH];
	unsigned int i;
	uint64_t begin;
	double took;

	for (i = 0; i < n; i++) {
		giver[i] = (struct giver){ .d = d, .nth = i };
		must(pthread_create(&giver[i].thread, NULL, give, &giver[i]));
	}
	for (i = 0; i < n; i++)
		pthread_join(giver[i].thread, NULL);
	begin = bench_now();
	must(domain_destroy(d));
	took = us_since(begin, 1);
	domain_put(d);
	return took;
}

static void groups(const struct cards *cards)
{
	double trip[ROUNDS];
	unsigned int i, n = rounds(ROUNDS);
	struct domain *d;

	cards_start(cards, CARDS_ALL);
	cards_scan();
	d = new_domain(0);
	for (i = 0; i < n; i++)
		trip[i] = group_trip(d);
	show("a group of 8 to a guest and back", "µs", trip, n);
}

static void deaths(const struct cards *cards)
{
	double one[ROUNDS], all[ROUNDS];
	unsigned int i, n = rounds(ROUNDS);

	cards_start(cards, CARDS_ALL);
	cards_scan();
	for (i = 0; i < n; i++) {
		one[i] = death(1);
		all[i] = death(DEATH);
	}
	putchar('\n');
	show("a guest dies with a device", "µs", one, n);
	show("a guest dies with 64 devices", "µs", all, n);
	show_ratio("… to with one", all, one, n);
}

/* Of the others that are there it should notice nothing. */
static void death_in_a_crowd(const struct cards *cards)
{
	unsigned int i, n = rounds(ROUNDS);
	double one[ROUNDS];

	cards_start(cards, CARDS_ALL);
	cards_scan();
	for (i = 0; i < n; i++)
		one[i] = death(1);
	show("a guest dies with a device, of 32,768 there are", "µs", one, n);
}

static double reset_trip(struct domain *d)
{
	uint64_t begin = bench_now();

	cards_assign(d, 0);
	take_back(d, 0);
	return us_since(begin, 1000);
}

static void resets(const struct cards *cards)
{
	double trip[RESET_ROUNDS], one[RESET_ROUNDS], all[RESET_ROUNDS];
	unsigned int i, n = rounds(RESET_ROUNDS);
	struct domain *d;

	cards_start(cards, CARDS_ALL_AND_RESET);
	cards_scan();
	d = new_domain(0);
	for (i = 0; i < n; i++) {
		trip[i] = reset_trip(d);
		one[i] = death(1) / 1e3;
		all[i] = death(DEATH) / 1e3;
	}
	puts("\nwith a function-level reset of each:");
	show("to a guest and back, reset", "ms", trip, n);
	show("a guest dies with a device, reset", "ms", one, n);
	show("a guest dies with 64 devices, reset", "ms", all, n);
	show_ratio("… to with one, reset", all, one, n);
}

static void run(void)
{
	static const struct cards single = { .count = SPARE + 1,
					     .step = 8,
					     .iommu = true };
	static const struct cards grouped = { .count = GROUP,
					      .step = 1,
					      .iommu = true };
	static const struct cards mortal = { .count = DEATH,
					     .step = 8,
					     .iommu = true };
	static const struct cards crowd = { .count = CROWD,
					    .step = 8,
					    .iommu = true };
	static const struct cards with_flr = {
		.count = DEATH, .step = 8, .flr = true, .iommu = true
	};

	cards_process(to_and_fro, &single);
	cards_process(groups, &grouped);
	cards_process(deaths, &mortal);
	cards_process(death_in_a_crowd, &crowd);
	cards_process(resets, &with_flr);
}

const struct bench_group bench_assign = {
	.name = "assign",
	.title = "devices change hands, and a guest dies",
	.run = run,
};
