/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rounds, slices and medians.
 *
 * The threads of a slice are made once for each group and then wait for work:
 * a slice is short, and must not begin with making a thread. They meet at a
 * barrier, spin until both are there, and each takes its own time from then
 * on, looking at the clock after every batch; they end at the same instant, so
 * that each works beside the other all the time.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <holdfast/atomic.h>

#include "bench.h"

#define SLICE_USEC 2000
#define SPARE_SLICES 2 /* of a sample, for those that were preempted */

struct worker {
	pthread_t thread;
	unsigned int id;
	uint32_t seed;
	double ns;
	bool preempted;
} __attribute__((aligned(128)));

static struct worker worker[BENCH_THREADS];
static pthread_barrier_t begin, end;
static const struct bench_slice *now_run;
static hf_atomic(unsigned int) arrived;
static hf_atomic(bool) beside_stop;

uint64_t bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void bench_sleep_usec(unsigned int usec)
{
	const struct timespec ts = { .tv_sec = usec / 1000000,
				     .tv_nsec = usec % 1000000 * 1000 };

	nanosleep(&ts, NULL);
}

/* --- threads -------------------------------------------------------------- */

/* The last CPUs first: the first one gets most interrupts. */
static void pin(unsigned int nth)
{
	cpu_set_t all, one;
	int cpu;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	nth %= (unsigned int)CPU_COUNT(&all);
	for (cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
		if (CPU_ISSET(cpu, &all) && nth-- == 0)
			break;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static long preemptions(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

static void worker_slice(struct worker *w, const struct bench_slice *s)
{
	uint64_t from, to, until, done = 0;
	long before = preemptions();
	uint32_t seed = w->seed; /* on the stack: no line shared with others */

	hf_fetch_add_relaxed(&arrived, 1);
	while (hf_load_relaxed(&arrived) < s->threads)
		;
	from = bench_now();
	until = from + (s->usec ? s->usec : SLICE_USEC) * 1000u;
	do {
		done += s->work(s->data[w->id], &seed);
		to = bench_now();
	} while (to < until);
	w->ns = (double)(to - from) / (double)done;
	w->seed = seed;
	w->preempted = preemptions() != before;
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	pin(w->id);
	for (;;) {
		pthread_barrier_wait(&begin);
		if (w->id < now_run->threads)
			worker_slice(w, now_run);
		pthread_barrier_wait(&end);
	}
	return NULL;
}

static void workers_create(void)
{
	unsigned int i;

	pthread_barrier_init(&begin, NULL, BENCH_THREADS + 1);
	pthread_barrier_init(&end, NULL, BENCH_THREADS + 1);
	for (i = 0; i < BENCH_THREADS; i++) {
		worker[i].id = i;
		worker[i].seed = 0x9e3779b9u * (i + 1);
		if (pthread_create(&worker[i].thread, NULL, worker_run,
				   &worker[i]))
			abort();
	}
}

static void *beside_run(void *arg)
{
	const struct bench_slice *s = arg;
	uint32_t seed = 1;

	while (!hf_load_relaxed(&beside_stop))
		s->beside(s->beside_data, &seed);
	return NULL;
}

/*
 * Operations a nanosecond. Rates are added, not times: of two threads at an
 * unfair lock one may do nearly all, and the time of the other says little.
 */
static double slice_once(const struct bench_slice *s, bool *preempted)
{
	unsigned int i;
	double rate = 0;

	now_run = s;
	hf_store_relaxed(&arrived, 0);
	pthread_barrier_wait(&begin);
	pthread_barrier_wait(&end);
	*preempted = false;
	for (i = 0; i < s->threads; i++) {
		rate += 1 / worker[i].ns;
		*preempted |= worker[i].preempted;
	}
	return rate;
}

/* With somebody beside, being preempted is what is measured: no spare ones. */
static double slices_rate(const struct bench_slice *s)
{
	unsigned int i, repeat = s->repeat ? s->repeat : 1;
	unsigned int spare = s->beside ? 0 : SPARE_SLICES;
	double rate, sum = 0;
	bool preempted;

	for (i = 0; i < repeat; i++) {
		rate = slice_once(s, &preempted);
		while (preempted && spare) {
			spare--;
			rate = slice_once(s, &preempted);
		}
		sum += rate;
	}
	return sum / repeat;
}

double bench_slice_ns(const void *data)
{
	const struct bench_slice *s = data;
	pthread_t beside;
	double rate;

	if (!worker[0].thread)
		workers_create();
	hf_store_relaxed(&beside_stop, false);
	if (s->beside && pthread_create(&beside, NULL, beside_run, (void *)s))
		abort();
	rate = slices_rate(s);
	hf_store_relaxed(&beside_stop, true);
	if (s->beside)
		pthread_join(beside, NULL);
	return s->threads / rate;
}

/* --- rounds ----------------------------------------------------------------- */

void bench_rounds(const struct bench_variant *variant, unsigned int n,
		  unsigned int rounds, struct bench_series *out)
{
	unsigned int i, k, at;

	if (bench_is_quick)
		rounds = rounds / 5 | 1;
	for (k = 0; k < n; k++) {
		out[k].n = rounds;
		out[k].sample = calloc(rounds, sizeof(double));
		if (!out[k].sample)
			abort();
		variant[k].sample(variant[k].data);
	}
	for (i = 0; i < rounds; i++) {
		for (k = 0; k < n; k++) {
			at = i % 2 ? n - 1 - k : k;
			out[at].sample[i] =
				variant[at].sample(variant[at].data);
		}
	}
}

struct bench_series bench_series(const double *sample, unsigned int n)
{
	struct bench_series s = { .n = n, .sample = calloc(n, sizeof(double)) };

	if (!s.sample)
		abort();
	memcpy(s.sample, sample, n * sizeof(double));
	return s;
}

void bench_free(struct bench_series *s, unsigned int n)
{
	while (n--)
		free(s[n].sample);
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double bench_quantile(const struct bench_series *s, double q)
{
	struct bench_series sorted;
	double at, part, val;
	unsigned int i;

	if (!s->n)
		return 0;
	sorted = bench_series(s->sample, s->n);
	qsort(sorted.sample, s->n, sizeof(double), compare);
	at = q * (s->n - 1);
	i = (unsigned int)at;
	part = at - i;
	val = sorted.sample[i];
	if (part > 0)
		val += part * (sorted.sample[i + 1] - val);
	bench_free(&sorted, 1);
	return val;
}

double bench_median(const struct bench_series *s)
{
	return bench_quantile(s, 0.5);
}
