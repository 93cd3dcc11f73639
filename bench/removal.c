/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long removals take, and what they cost the traffic of others.
 *
 * One card, the subject, is removed and added again, over and over, by a thread
 * beside two guests' that read configuration space once a microsecond: of the
 * subject itself, or of a card each. Cards have no reset here, for a removal
 * does not reset.
 *
 * Time is compared with that of a grace period, which the same thread waits for
 * in turn with the removals, each after a pause: so both meet the same readers,
 * and the same scheduler. What a removal waits for is counted, too.
 *
 * With two CPUs a third thread takes time from the others whatever it does. So
 * traffic is compared with a control, right after: there the third thread
 * computes for as long as it had the CPU before, as often. What is left is by
 * the CPU time of a read, which other processes do not disturb; a reader that
 * never sleeps has no other way to lose anything.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/removal.h>
#include <holdfast/vpci.h>

#include "bench.h"
#include "cards.h"
#include "counted.h"

enum { SUBJECT, NEIGHBOUR, CARDS = NEIGHBOUR + BENCH_THREADS };
enum {
	BATCH = 32,
	ROUNDS = 11,
	SAMPLES = 4096,
	LATENCY_SLICE = 10000, /* µs */
	TRAFFIC_SLICE = 20000,
	PAUSE = 1000,
};

/*
 * Beside a guest's own work, or access after access. A thread of the latter is
 * nearly always in a read-side section. Where one is preempted there by the
 * thread that waits for a grace period, the other one's sections wake that up
 * again and again (liburcu), and it keeps the CPU from the first: so with two of
 * them a grace period takes milliseconds of two CPUs. A hypervisor does not
 * preempt sections; shown all the same.
 */
enum traffic { GUESTS, ENDLESS };

enum kind { REFUSED, ORDERLY, ASKED, FORCED, SURPRISE, KINDS };
enum place { IDLE, BESIDE, SAME, PLACES };

static const char *const kind_name[KINDS] = { "refused", "orderly", "asked",
					      "forced", "surprise" };
static const char *const place_name[PLACES] = { "no traffic",
						"traffic beside it",
						"traffic on it" };

struct samples {
	unsigned int n;
	double of[SAMPLES];
};

/* Of a thread, up to some moment. */
struct usage {
	uint64_t cpu, reads, when; /* ns */
	long sleeps;
};

/* One kind of removal in one place. */
struct test {
	enum kind kind;
	enum place place;
	struct samples took, grace; /* ns: the removal; a grace period */
	uint64_t waits, cycles;     /* grace periods waited for; removals */
};

/* What it costs. */
static struct cost {
	enum kind kind;
	enum place place;
	enum traffic traffic;
	unsigned int threads;
	unsigned int pause;           /* µs between removals */
	double cpu;                   /* ns of the third thread, a removal */
	struct samples took;          /* of these */
	struct samples with, without; /* ns of CPU a read */
	struct samples wall_with, wall_without;   /* ns a read */
	struct samples stall_with, stall_without; /* ns: the longest batch */
	double sum_cpu;                           /* of cpu, of all slices */
	long sleeps; /* of readers, beside removals */
} cost[] = {
	{ REFUSED, SAME, ENDLESS, 2, 1000 },
	{ REFUSED, SAME, GUESTS, 2, 1000 },
	{ ORDERLY, BESIDE, GUESTS, 2, 1000 },
	{ ORDERLY, BESIDE, GUESTS, 2, 10000 },
	{ ASKED, BESIDE, GUESTS, 2, 10000 },
	{ FORCED, BESIDE, GUESTS, 2, 10000 },
	{ SURPRISE, BESIDE, GUESTS, 2, 10000 },
	{ ORDERLY, SAME, GUESTS, 2, 10000 },
	{ ASKED, SAME, GUESTS, 2, 10000 },
	{ FORCED, SAME, GUESTS, 2, 10000 },
	{ SURPRISE, SAME, GUESTS, 2, 10000 },
	{ ORDERLY, BESIDE, ENDLESS, 1, 10000 },
	{ ORDERLY, BESIDE, ENDLESS, 2, 10000 },
};

static struct test test[PLACES][KINDS];

static struct reader {
	_Alignas(128) struct domain *domain;
	pci_sbdf_t at;
	uint64_t last, worst; /* ns: end of a batch; the longest */
	enum traffic traffic;
	bool keeps; /* its card, whatever happens */
	uint64_t reads;
	struct usage from, to; /* once a millisecond */
} reader[BENCH_THREADS];

static struct domain *guest;
static pci_sbdf_t guest_at[CARDS]; /* where it sees them */
static bool present, guests;

static void keep(struct samples *s, double val)
{
	if (s->n < SAMPLES)
		s->of[s->n++] = val;
}

static double median(const struct samples *s)
{
	const struct bench_series all = { .n = s->n,
					  .sample = (double *)s->of };

	return bench_median(&all);
}

static uint64_t cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* --- the subject ---------------------------------------------------------------- */

static void must(int err)
{
	if (err)
		abort();
}

/* It is there, and whose it has to be. */
static void prepare(enum kind kind)
{
	bool wanted = kind != ORDERLY;

	if (!present)
		must(pci_add_device(cards_at(SUBJECT)));
	present = true;
	if (wanted && !guests)
		guest_at[SUBJECT] = cards_assign(guest, SUBJECT);
	if (!wanted && guests)
		must(pci_deassign_device(guest, cards_at(SUBJECT), 0, NULL));
	guests = wanted;
}

/* The guest answers at once: its own time is not measured. */
static void ask_and_return(void)
{
	struct pci_removal *op;

	must(pci_removal_start(cards_at(SUBJECT), PCI_REMOVE_ASK,
			       PLAT_NSEC_PER_SEC, "bench", NULL, NULL, &op));
	if (pci_removal_step(op) != -EINPROGRESS)
		abort();
	must(pci_domain_return(guest, cards_at(SUBJECT)));
	must(pci_removal_wait(op));
	pci_removal_finish(op);
}

static void take_out(enum kind kind)
{
	pci_sbdf_t at = cards_at(SUBJECT);

	switch (kind) {
	case REFUSED:
		if (pci_remove_device(at, 0, PLAT_NSEC_PER_SEC, NULL) != -EBUSY)
			abort();
		return;
	case ORDERLY:
		must(pci_remove_device(at, 0, PLAT_NSEC_PER_SEC, NULL));
		break;
	case ASKED:
		ask_and_return();
		break;
	case FORCED:
		must(pci_remove_device(at, PCI_REMOVE_FORCE, PLAT_NSEC_PER_SEC,
				       NULL));
		break;
	default:
		must(pci_device_lost(at));
	}
	present = guests = false;
}

/* --- the third thread ------------------------------------------------------------ */

/* A CPU that nobody else wants would be put to sleep, and comes back cold. */
static void rest(const struct test *t)
{
	uint64_t until = bench_now() + PAUSE * 1000 / 4;

	if (t->place != IDLE)
		bench_sleep_usec(PAUSE / 4);
	else
		while (bench_now() < until)
			;
}

static void cycle(struct test *t)
{
	uint64_t waits, begin;

	prepare(t->kind);
	rest(t);
	waits = counted_grace_periods();
	begin = bench_now();
	take_out(t->kind);
	keep(&t->took, (double)(bench_now() - begin));
	t->waits += counted_grace_periods() - waits;
	t->cycles++;
	rest(t);
	begin = bench_now();
	plat_rcu_synchronize();
	keep(&t->grace, (double)(bench_now() - begin));
}

static unsigned int takes_times(void *data, uint32_t *seed)
{
	(void)seed;
	cycle(data);
	return 1;
}

static unsigned int removes(void *data, uint32_t *seed)
{
	struct cost *c = data;
	uint64_t cpu = cpu_now();

	(void)seed;
	take_out(c->kind);
	prepare(c->kind); /* it is missed for as short as can be */
	keep(&c->took, (double)(cpu_now() - cpu));
	bench_sleep_usec(c->pause);
	return 1;
}

static unsigned int computes(void *data, uint32_t *seed)
{
	const struct cost *c = data;
	uint64_t until = cpu_now() + (uint64_t)c->cpu;

	while (cpu_now() < until)
		bench_random(seed);
	bench_sleep_usec(c->pause);
	return 1;
}

/* --- traffic ------------------------------------------------------------------------ */

static struct usage usage_now(uint64_t reads, uint64_t now)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (struct usage){ cpu_now(), reads, now, usage.ru_nvcsw };
}

/* About as long as it takes to leave a guest and to go back: a microsecond. */
static void guest_runs(uint32_t *seed)
{
	unsigned int i;

	for (i = 0; i < 600; i++)
		bench_random(seed);
}

static unsigned int reads(void *data, uint32_t *seed)
{
	struct reader *r = data;
	unsigned int i;
	uint64_t val, now;

	for (i = 0; i < BATCH; i++) {
		bool again = vpci_read(r->domain, r->at, 0, 2, &val);

		if (r->keeps && (again || val != CARDS_VENDOR))
			abort(); /* it has noticed a removal */
		if (again)
			sched_yield(); /* as a platform gives the CPU away */
		if (r->traffic == GUESTS)
			guest_runs(seed);
	}
	now = bench_now();
	if (!r->last)
		r->from = r->to = usage_now(0, now);
	else if (now - r->last > r->worst)
		r->worst = now - r->last;
	if (now - r->to.when > 1000000)
		r->to = usage_now(r->reads, now);
	r->last = now;
	r->reads += BATCH;
	return BATCH;
}

static void aim(struct reader *r, unsigned int nth, const struct cost *c)
{
	bool own = c->kind == ORDERLY; /* of the hardware domain */

	r->last = r->worst = r->reads = 0;
	r->from = r->to = (struct usage){ 0 };
	r->traffic = c->traffic;
	r->keeps = c->place != SAME || c->kind == REFUSED;
	r->domain = guest;
	r->at = guest_at[NEIGHBOUR + nth];
	if (c->place != SAME)
		return;
	r->domain = own ? hardware_domain : guest;
	r->at = own ? cards_at(SUBJECT) : guest_at[SUBJECT];
}

/* Its traffic, and a third thread that does @third with @data. */
static double slice(const struct cost *c, bench_work *third, void *data,
		    unsigned int usec)
{
	struct bench_slice s = { .threads = c->threads,
				 .work = reads,
				 .beside = third,
				 .beside_data = data,
				 .usec = usec,
				 .slices = 1 };
	unsigned int i;

	for (i = 0; i < BENCH_THREADS; i++) {
		aim(&reader[i], i, c);
		s.data[i] = &reader[i];
	}
	return bench_slice_ns(&s);
}

static double worst_stall(void)
{
	uint64_t worst = 0;
	unsigned int i;

	for (i = 0; i < BENCH_THREADS; i++)
		if (reader[i].worst > worst)
			worst = reader[i].worst;
	return (double)worst;
}

/* ns of CPU a read, of both. */
static double read_cpu(void)
{
	uint64_t cpu = 0, n = 0;
	unsigned int i;

	for (i = 0; i < BENCH_THREADS; i++) {
		cpu += reader[i].to.cpu - reader[i].from.cpu;
		n += reader[i].to.reads;
	}
	return n ? (double)cpu / (double)n : 0;
}

static long slept(void)
{
	long n = 0;
	unsigned int i;

	for (i = 0; i < BENCH_THREADS; i++)
		n += reader[i].to.sleeps - reader[i].from.sleeps;
	return n;
}

static void sample_times(struct test *t)
{
	const struct cost c = { t->kind, t->place, GUESTS, BENCH_THREADS, 0 };
	unsigned int i;

	prepare(t->kind);
	if (t->place != IDLE)
		slice(&c, takes_times, t, LATENCY_SLICE);
	else
		for (i = 0; i < 10; i++)
			cycle(t);
}

static double mean(const struct samples *s)
{
	double sum = 0;
	unsigned int i;

	for (i = 0; i < s->n; i++)
		sum += s->of[i];
	return s->n ? sum / s->n : 0;
}

static void sample_cost(struct cost *c)
{
	c->took.n = 0;
	prepare(c->kind);
	plat_rcu_barrier(); /* what others have left to be freed */
	keep(&c->wall_with, slice(c, removes, c, TRAFFIC_SLICE));
	keep(&c->with, read_cpu());
	keep(&c->stall_with, worst_stall());
	c->sleeps += slept();
	c->cpu = mean(&c->took);
	plat_rcu_barrier();
	keep(&c->wall_without, slice(c, computes, c, TRAFFIC_SLICE));
	keep(&c->without, read_cpu());
	keep(&c->stall_without, worst_stall());
	c->sum_cpu += c->cpu;
}

/* --- the report ------------------------------------------------------------------------ */

/* A refused one waits for none: its ratio is shown and not kept. */
static double in_grace_periods(const struct test *t)
{
	double times = median(&t->took) / median(&t->grace);
	char name[96];

	if (t->kind == REFUSED)
		return times;
	snprintf(name, sizeof(name), "%s in grace periods, %s",
		 kind_name[t->kind], place_name[t->place]);
	bench_ratio_value(name, times);
	if (t->kind == ORDERLY && t->place == BESIDE)
		bench_goal("an idle device's removal, its neighbours busy, "
			   "against a grace period",
			   BENCH_AT_MOST, 10, name, "×");
	return times;
}

static void show_latency(const struct test *t)
{
	const struct bench_series all = { .n = t->took.n,
					  .sample = (double *)t->took.of };
	double times = in_grace_periods(t);
	char name[96];

	snprintf(name, sizeof(name), "%s, %s", kind_name[t->kind],
		 place_name[t->place]);
	bench_value(name, "ns", &all);
	snprintf(name, sizeof(name), "%s, %s, 99 %%", kind_name[t->kind],
		 place_name[t->place]);
	bench_one_value(name, "ns", bench_quantile(&all, 0.99));
	printf("%-10s %-18s %9.1f %9.1f %9.1f %8.2f %8.2f\n",
	       kind_name[t->kind], place_name[t->place], median(&t->took) / 1e3,
	       bench_quantile(&all, 0.99) / 1e3, median(&t->grace) / 1e3, times,
	       (double)t->waits / (double)t->cycles);
}

/* Of a thread of the traffic, and of the same in the control. */
static void keep_values(const char *name, const char *what,
			const struct samples *with,
			const struct samples *without)
{
	char longer[112];

	snprintf(longer, sizeof(longer), "%s: %s", name, what);
	bench_one_value(longer, "ns", median(with));
	snprintf(longer, sizeof(longer), "%s: %s, control", name, what);
	bench_one_value(longer, "ns", median(without));
}

/* What is left of the traffic. */
static void show_cost(const struct cost *c)
{
	struct bench_series with = bench_series(c->with.of, c->with.n);
	struct bench_series without = bench_series(c->without.of, c->with.n);
	char name[96];
	double left;

	snprintf(name, sizeof(name), "%s each %u ms, what is left of %s%s",
		 kind_name[c->kind], c->pause / 1000, place_name[c->place],
		 c->traffic == GUESTS ? ""
		 : c->threads == 1    ? ", endless, 1 thread"
				      : ", endless");
	left = bench_ratio(name, &without, &with);
	keep_values(name, "longest 32 reads", &c->stall_with,
		    &c->stall_without);
	keep_values(name, "a read by wall", &c->wall_with, &c->wall_without);
	printf("%-9s %-17s %-8s %u %4u %7.3f %7.3f %6ld %8.1f %9.1f %9.1f\n",
	       kind_name[c->kind], place_name[c->place],
	       c->traffic == GUESTS ? "guests'" : "endless", c->threads,
	       c->pause / 1000, left,
	       median(&c->wall_without) / median(&c->wall_with), c->sleeps,
	       c->sum_cpu / c->with.n / 1e3, median(&c->stall_with) / 1e3,
	       median(&c->stall_without) / 1e3);
	bench_free(&with, 1);
	bench_free(&without, 1);
	if (c->kind == REFUSED && c->traffic == ENDLESS)
		bench_goal("a refused removal: what is left of the traffic on "
			   "the device",
			   BENCH_AT_LEAST, 0.98, name, "×");
	if (c->kind == ORDERLY && c->place == BESIDE && c->threads == 2 &&
	    c->pause == 10000)
		bench_goal("an idle device's removal: what is left of its "
			   "neighbours' traffic",
			   BENCH_AT_LEAST, 0.98, name, "×");
}

static void plot(void)
{
	double value[KINDS * PLACES];
	unsigned int k, p;

	for (k = 0; k < KINDS; k++)
		for (p = 0; p < PLACES; p++)
			value[k * PLACES + p] = median(&test[p][k].took) / 1e3;
	bench_plot_bars("removal",
			&(struct bench_bars){ "How long a removal takes", "µs",
					      KINDS, PLACES, kind_name,
					      place_name, value, true });
}

/* --- the group ---------------------------------------------------------------------------- */

/* ask_and_return() does the rest. */
static void ask(struct domain *d, pci_sbdf_t sbdf, uint64_t deadline)
{
	(void)d;
	(void)sbdf;
	(void)deadline;
}

static void machine_create(void)
{
	static const struct cards cards = { .count = CARDS,
					    .step = 8,
					    .iommu = true };
	static const struct domain_ops ops = { .ask = ask };
	unsigned int i;

	cards_start(&cards, CARDS_ALL);
	cards_scan();
	present = true;
	must(domain_create(0, "guest", &ops, NULL, &guest));
	for (i = NEIGHBOUR; i < CARDS; i++)
		guest_at[i] = cards_assign(guest, i);
}

static void measure(void)
{
	unsigned int rounds = bench_is_quick ? ROUNDS / 5 | 1 : ROUNDS, r, p, k;

	for (r = 0; r < rounds; r++) {
		for (p = 0; p < PLACES; p++) {
			for (k = 0; k < KINDS; k++) {
				test[p][k].place = p;
				test[p][k].kind = k;
				sample_times(&test[p][k]);
			}
		}
		for (k = 0; k < ARRAY_SIZE(cost); k++)
			sample_cost(&cost[k]);
	}
}

static void run(void)
{
	unsigned int p, k;

	machine_create();
	measure();
	printf("%-29s %9s %9s %9s %8s %8s\n", "removal", "µs", "99 %",
	       "grace, µs", "times", "waited");
	for (p = 0; p < PLACES; p++)
		for (k = 0; k < KINDS; k++)
			show_latency(&test[p][k]);
	printf("\n%-27s %-10s %4s %7s %7s %6s %8s %9s %9s\n", "removals",
	       "threads", "ms", "left", "by wall", "sleeps", "CPU, µs",
	       "stall, µs", "control's");
	for (k = 0; k < ARRAY_SIZE(cost); k++)
		show_cost(&cost[k]);
	plot();
}

const struct bench_group bench_removal = {
	.name = "removal",
	.title = "how long removals take, and what they cost others",
	.run = run,
};
