/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rounds, slices and medians.
 *
 * The threads of a slice are made once for each group and then wait for work: a
 * slice is short, and must not begin with making a thread. Before each they
 * spin until all are there, and each takes its own time from then on, looking at
 * the clock after every batch.
 *
 * A CPU of a virtual machine shares its core with somebody else's, or with
 * another one of the same machine. That takes up to half of what it can do, for
 * less than a millisecond or for seconds, and ratios are not spared: what waits
 * for memory, or for its own last result, loses little by it. So before and
 * after each slice each thread sees how long some additions take that would fill
 * a core alone. Slices in which that was hardly more than it ever was are quiet;
 * a sample is the mean of its quiet slices. This looks at nothing of what is
 * measured, so it prefers nothing but rest. Where there is no rest, patience
 * ends: then the quietest there were have to do.
 */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include <holdfast/atomic.h>

#include "bench.h"

#define SLICE_USEC 100
#define SLICES_MAX 8
#define ENOUGH 2              /* quiet slices for a sample */
#define PROBE_ADDITIONS 50000 /* some microseconds */
#define QUIET 1.06            /* times what probes take at best */

struct slice {
	double rate;   /* operations a nanosecond */
	double unrest; /* what the probes took, to the least they ever took */
};

struct worker {
	pthread_t thread;
	unsigned int id;
	hf_atomic(unsigned int) met; /* so often in this sample */
	uint32_t seed;
	struct slice slice;
} __attribute__((aligned(128)));

static struct worker worker[BENCH_THREADS];
/* What each one's probes took at best, in ns; of all groups and passes. */
static double *least_probes;
static pthread_barrier_t begin, end;
static hf_atomic(bool) beside_stop;

/* The sample that is taken. The first thread writes it, between two meetings. */
static struct {
	const struct bench_slice *what;
	bool ended;
	unsigned int tried, kept;
	struct slice slice[SLICES_MAX]; /* the quietest */
} now;

/* ns that samples may still wait for rest. */
static int64_t patience;
/* Of this group. */
static unsigned int samples, quiet_samples;
static bool last_disturbed; /* the last sample */

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

void bench_create(void)
{
	least_probes = mmap(NULL, BENCH_THREADS * sizeof(double),
			    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	if (least_probes == MAP_FAILED)
		abort();
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

/* As many additions at once as any core can do; ns. */
static double probe(void)
{
	uint64_t from = bench_now();
	uint64_t a = 1, b = 2, c = 3, d = 4, e = 5;
	unsigned int i;

	for (i = 0; i < PROBE_ADDITIONS / 10; i++) {
		a += i, b += i, c += i, d += i, e += i;
		__asm__ volatile(""
				 : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e));
		a += i, b += i, c += i, d += i, e += i;
		__asm__ volatile(""
				 : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e));
	}
	return (double)(bench_now() - from);
}

/* Until all threads are there. What was written before is seen after it. */
static void meet(struct worker *w)
{
	unsigned int i, nth = hf_load_relaxed(&w->met) + 1;

	hf_store_release(&w->met, nth);
	for (i = 0; i < now.what->threads; i++)
		while (hf_load_acquire(&worker[i].met) < nth)
			;
}

static void worker_slice(struct worker *w, const struct bench_slice *s)
{
	uint64_t from, to, until, done = 0;
	long before = preemptions();
	uint32_t seed = w->seed; /* on the stack: no line shared with others */
	double probes = probe();

	from = bench_now();
	until = from + (s->usec ? s->usec : SLICE_USEC) * 1000u;
	do {
		done += s->work(s->data[w->id], &seed);
		to = bench_now();
	} while (to < until);
	probes += probe();
	w->seed = seed;
	if (!least_probes[w->id] || probes < least_probes[w->id])
		least_probes[w->id] = probes;
	w->slice.rate = (double)done / (double)(to - from);
	w->slice.unrest = probes / least_probes[w->id];
	if (preemptions() != before)
		w->slice.unrest = HUGE_VAL;
}

/*
 * Rates are added, not times: of two threads at an unfair lock one may do nearly
 * all, and the time of the other says little.
 */
static struct slice slice_of_all(void)
{
	struct slice all = { 0 };
	unsigned int i;

	for (i = 0; i < now.what->threads; i++) {
		all.rate += worker[i].slice.rate;
		if (worker[i].slice.unrest > all.unrest)
			all.unrest = worker[i].slice.unrest;
	}
	return all;
}

/* Of those that are kept, the one that had least rest. */
static struct slice *loudest(void)
{
	struct slice *it = &now.slice[0];
	unsigned int i;

	for (i = 1; i < now.kept; i++)
		if (now.slice[i].unrest > it->unrest)
			it = &now.slice[i];
	return it;
}

static bool is_quiet(const struct slice *slice)
{
	/* With somebody beside, his disturbance is what is measured. */
	return now.what->beside || slice->unrest < QUIET;
}

static bool are_enough_quiet(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < now.kept; i++)
		n += is_quiet(&now.slice[i]);
	return n >= ENOUGH || n == now.kept;
}

static void sample_add(struct slice slice, uint64_t took)
{
	unsigned int wanted = now.what->slices ? now.what->slices : SLICES_MAX;

	if (now.kept < wanted)
		now.slice[now.kept++] = slice;
	else if (slice.unrest < loudest()->unrest)
		*loudest() = slice;
	if (++now.tried > wanted)
		patience -= (int64_t)took;
	now.ended = now.kept == wanted && (patience < 0 || are_enough_quiet());
}

static void worker_sample(struct worker *w)
{
	uint64_t from;

	for (;;) {
		from = bench_now();
		meet(w);
		if (now.ended)
			break;
		worker_slice(w, now.what);
		meet(w);
		if (!w->id)
			sample_add(slice_of_all(), bench_now() - from);
	}
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	pin(w->id);
	for (;;) {
		pthread_barrier_wait(&begin);
		if (w->id < now.what->threads)
			worker_sample(w);
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

double bench_rest(void)
{
	return samples ? 100.0 * quiet_samples / samples : -1;
}

/* Operations a nanosecond. */
static double sample_rate(const struct bench_slice *s)
{
	unsigned int i, n = 0;
	double sum = 0;

	now.what = s;
	now.ended = false;
	now.tried = now.kept = 0;
	for (i = 0; i < s->threads; i++)
		hf_store_relaxed(&worker[i].met, 0);
	pthread_barrier_wait(&begin);
	pthread_barrier_wait(&end);
	last_disturbed = !are_enough_quiet();
	samples += !s->beside;
	quiet_samples += !s->beside && !last_disturbed;
	for (i = 0; i < now.kept; i++) {
		if (!last_disturbed && !is_quiet(&now.slice[i]))
			continue;
		sum += now.slice[i].rate;
		n++;
	}
	return sum / n;
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
	rate = sample_rate(s);
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
	patience += (int64_t)BENCH_PATIENCE * n * (rounds + 1);
	for (k = 0; k < n; k++) {
		out[k].n = rounds;
		out[k].sample = calloc(rounds, sizeof(double));
		out[k].disturbed = calloc(rounds, sizeof(bool));
		if (!out[k].sample || !out[k].disturbed)
			abort();
		variant[k].sample(variant[k].data);
	}
	for (i = 0; i < rounds; i++) {
		for (k = 0; k < n; k++) {
			at = i % 2 ? n - 1 - k : k;
			last_disturbed = false;
			out[at].sample[i] =
				variant[at].sample(variant[at].data);
			out[at].disturbed[i] = last_disturbed;
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
	while (n--) {
		free(s[n].sample);
		free(s[n].disturbed);
	}
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static unsigned int undisturbed(const struct bench_series *s)
{
	unsigned int i, n = 0;

	for (i = 0; i < s->n; i++)
		n += !s->disturbed || !s->disturbed[i];
	return n;
}

bool bench_disturbed(const struct bench_series *s)
{
	return 3 * undisturbed(s) < s->n;
}

double bench_quantile(const struct bench_series *s, double q)
{
	bool all = bench_disturbed(s) || !s->disturbed;
	struct bench_series sorted;
	double at, part, val;
	unsigned int i;

	if (!s->n)
		return 0;
	sorted = bench_series(s->sample, s->n);
	for (i = sorted.n = 0; i < s->n; i++)
		if (all || !s->disturbed[i])
			sorted.sample[sorted.n++] = s->sample[i];
	qsort(sorted.sample, sorted.n, sizeof(double), compare);
	at = q * (sorted.n - 1);
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
