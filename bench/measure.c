/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rounds, slices, and what two variants' slices say of each other.
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
 * a core alone, and two threads how long a word takes from one to the other and
 * back, and whether they have one core between them. Slices are only compared
 * with such as met the machine in the same state. This looks at nothing of what
 * is measured, so it prefers nothing.
 */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include <holdfast/atomic.h>

#include "bench.h"

#define SLICE_USEC 100
#define SLICES_MAX 8
#define LOOK_NS 1000000000    /* for the fastest additions, of each CPU */
#define PROBE_ADDITIONS 50000 /* some microseconds */
#define PROBE_WAYS 32         /* there and back */
#define SHARED 1.3 /* times what additions take while the other thread idles */
#define NEAR 2     /* times what a way takes at best */
#define COMPARABLE 2 /* slices of a state, of each side */
#define USUAL 1.85   /* times what additions took at their fastest */

/* The states of the machine: below so many times what additions took at their
 * fastest. */
static const double unrest_below[BENCH_ONE_CORE] = { 1.06, 1.2, 1.35, 1.5,
						     1.6,  1.7, 1.8,  1.9,
						     2.0,  2.1, 2.25 };

/*
 * What each of them counts. That two runs weigh them more alike, whichever they
 * met most: a bell around USUAL, where somebody else has half of each core, with
 * a foot for a machine that meets nothing of that.
 */
static const double usual[BENCH_STATES] = {
	0.05, 0.05, 0.05, 0.1, 0.3, 0.6, 0.9, 1, 0.9, 0.6, 0.3, 0.3,
};

struct worker {
	pthread_t thread;
	unsigned int id, cpu;
	hf_atomic(unsigned int) met; /* so often in this sample */
	uint32_t ways;               /* likewise */
	uint32_t seed;
	double rate;   /* operations a nanosecond */
	double unrest; /* what the probes took, to the least they ever took */
	double way[2]; /* of two looks: to the other thread, and back; */
	unsigned int shared; /* in so many, the core is shared with it */
} __attribute__((aligned(128)));

static struct worker worker[BENCH_THREADS];
static struct bench_least *least; /* of all groups and passes */
static cpu_set_t cpus;            /* that this process may have */
static pthread_barrier_t begin, end;
static hf_atomic(bool) beside_stop;

/* The sample that is taken. The first thread writes it, between two meetings. */
static struct {
	const struct bench_slice *what;
	unsigned int wanted, taken;
	struct bench_taken slice[SLICES_MAX];
} now;

/* What two threads send each other; nothing else is on its line. */
static struct {
	_Alignas(128) hf_atomic(uint32_t) at;
	_Alignas(128) char end;
} ball;

unsigned int bench_pass;
/* Slices of this group. */
static unsigned int slices, rest_slices;

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
	cpu_set_t one;
	int cpu;

	for (cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
		if (CPU_ISSET(cpu, &cpus) && nth-- == 0)
			break;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		abort();
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

/* What additions take at best, first seen here: of both CPUs, for a while. */
void bench_create(void)
{
	unsigned int cpu;
	uint64_t from;

	least = mmap(NULL, sizeof(*least), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (least == MAP_FAILED || sched_getaffinity(0, sizeof(cpus), &cpus))
		abort();
	if (CPU_COUNT(&cpus) < BENCH_THREADS) {
		fprintf(stderr, "bench: needs %d CPUs\n", BENCH_THREADS);
		exit(2);
	}
	least->way = HUGE_VAL;
	for (cpu = 0; cpu < BENCH_THREADS; cpu++) {
		pin(cpu);
		least->probes[cpu] = HUGE_VAL;
		from = bench_now();
		while (bench_now() - from < LOOK_NS)
			least->probes[cpu] =
				fmin(least->probes[cpu], probe() + probe());
	}
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* Nearly nothing of what a core can do, which may be the other thread's, too. */
static void idle(void)
{
	volatile double slow = 3;
	unsigned int i;

	for (i = 0; i < 4; i++)
		slow = 3 / slow;
}

/* Until all threads are there. What was written before is seen after it. */
static void meet(struct worker *w)
{
	unsigned int i, nth = hf_load_relaxed(&w->met) + 1;

	hf_store_release(&w->met, nth);
	for (i = 0; i < now.what->threads; i++)
		while (hf_load_acquire(&worker[i].met) < nth)
			idle();
}

/* How long a word takes to the other thread and back; ns. */
static double way(struct worker *w)
{
	uint32_t i, first = w->ways++ * 2 * PROBE_WAYS + w->id;
	uint64_t from;

	meet(w);
	from = bench_now();
	for (i = 0; i < 2 * PROBE_WAYS; i += 2) {
		while (hf_load_acquire(&ball.at) != first + i)
			;
		hf_store_release(&ball.at, first + i + 1);
	}
	return (double)(bench_now() - from) / PROBE_WAYS;
}

/*
 * Where the two threads are, as the first one finds it. @busy: what additions
 * took it beside the other.
 */
static void look_around(struct worker *w, unsigned int nth, double busy)
{
	w->way[nth] = 0;
	if (now.what->threads < 2)
		return;
	w->way[nth] = way(w);
	if (!w->id)
		w->shared += busy > SHARED * probe();
	meet(w);
}

static void worker_slice(struct worker *w, const struct bench_slice *s)
{
	uint64_t from, to, until, done = 0;
	long before;
	uint32_t seed = w->seed; /* on the stack: no line shared with others */
	double probe_before, probe_after;

	if (s->prepare) {
		s->prepare(s->data[w->id], seed);
		meet(w);
	}
	before = preemptions();
	probe_before = probe();
	w->shared = 0;
	look_around(w, 0, probe_before);
	from = bench_now();
	until = from + (s->usec ? s->usec : SLICE_USEC) * 1000u;
	do {
		done += s->work(s->data[w->id], &seed);
		to = bench_now();
	} while (to < until && s->usec != BENCH_ONCE);
	meet(w);
	probe_after = probe();
	look_around(w, 1, probe_after);
	w->seed = seed;
	if (probe_before + probe_after < least->probes[w->cpu])
		least->probes[w->cpu] = probe_before + probe_after;
	w->rate = (double)done / (double)(to - from);
	if (s->beside) /* his disturbance is what is measured */
		w->unrest = USUAL;
	else if (preemptions() != before)
		w->unrest = HUGE_VAL;
	else
		w->unrest =
			(probe_before + probe_after) / least->probes[w->cpu];
}

static unsigned int state_of(double unrest, bool shared)
{
	unsigned int state = 0;

	while (state < BENCH_ONE_CORE && unrest >= unrest_below[state])
		state++;
	if (state == BENCH_ONE_CORE)
		return BENCH_STATES;
	return shared ? BENCH_ONE_CORE : state;
}

/*
 * Rates are added, not times: of two threads at an unfair lock one may do nearly
 * all, and the time of the other says little. So are those of the additions.
 */
static struct bench_taken slice_of_all(void)
{
	const bool beside = now.what->beside;
	const double *way = worker[0].way;
	unsigned int i, n = now.what->threads;
	double rate = 0, additions = 0;
	bool lost = false, shared;

	for (i = 0; i < n; i++) {
		rate += worker[i].rate;
		additions += 1 / worker[i].unrest;
		lost |= worker[i].unrest == HUGE_VAL;
	}
	/* Somebody beside may have disturbed just one of the two looks. */
	shared = worker[0].shared >= (beside ? 2u : 1u);
	if (n > 1 && !worker[0].shared && !lost)
		least->way = fmin(least->way, fmax(way[0], way[1]));
	return (struct bench_taken){
		.ns = n / rate,
		.state = lost ? BENCH_STATES : state_of(n / additions, shared),
		.way = shared   ? 0
		       : beside ? fmin(way[0], way[1])
				: fmax(way[0], way[1]),
	};
}

static void worker_sample(struct worker *w)
{
	for (;;) {
		meet(w);
		if (now.taken == now.wanted)
			break;
		worker_slice(w, now.what);
		meet(w);
		if (!w->id)
			now.slice[now.taken++] = slice_of_all();
	}
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	pin(w->cpu);
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
		worker[i].cpu = (i + bench_pass) % BENCH_THREADS;
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
	return slices ? 100.0 * rest_slices / slices : -1;
}

/* That of the machine, as is known by now. */
static unsigned int state_now(const struct bench_taken *slice)
{
	return slice->way > NEAR * least->way ? BENCH_STATES : slice->state;
}

/* The mean of those that met it quietest. */
static double quietest_ns(void)
{
	unsigned int i, n = 0, quietest = BENCH_STATES;
	double rate = 0;

	for (i = 0; i < now.taken; i++)
		if (state_now(&now.slice[i]) < quietest)
			quietest = state_now(&now.slice[i]);
	for (i = 0; i < now.taken; i++) {
		if (state_now(&now.slice[i]) != quietest)
			continue;
		rate += 1 / now.slice[i].ns;
		n++;
	}
	return n / rate;
}

static void sample_take(const struct bench_slice *s)
{
	unsigned int i;

	now.what = s;
	now.taken = 0;
	now.wanted = s->slices ? s->slices : SLICES_MAX;
	hf_store_relaxed(&ball.at, 0);
	for (i = 0; i < s->threads; i++) {
		hf_store_relaxed(&worker[i].met, 0);
		worker[i].ways = 0;
	}
	pthread_barrier_wait(&begin);
	pthread_barrier_wait(&end);
	for (i = 0; i < now.taken && !s->beside; i++) {
		rest_slices += !state_now(&now.slice[i]);
		slices++;
	}
}

double bench_slice_ns(const void *data)
{
	const struct bench_slice *s = data;
	pthread_t beside;

	if (!worker[0].thread)
		workers_create();
	hf_store_relaxed(&beside_stop, false);
	if (s->beside && pthread_create(&beside, NULL, beside_run, (void *)s))
		abort();
	sample_take(s);
	hf_store_relaxed(&beside_stop, true);
	if (s->beside)
		pthread_join(beside, NULL);
	return quietest_ns();
}

/* --- rounds ----------------------------------------------------------------- */

static void *array(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		abort();
	return p;
}

/* A sample, and the slices that it is of, if it is of any. */
static void series_add(struct bench_series *s, const struct bench_variant *v)
{
	now.taken = 0;
	s->sample[s->n++] = v->sample(v->data);
	memcpy(&s->slice[s->nslices], now.slice,
	       now.taken * sizeof(s->slice[0]));
	s->nslices += now.taken;
	if (now.taken)
		s->threads = now.what->threads;
}

void bench_rounds(const struct bench_variant *variant, unsigned int n,
		  unsigned int rounds, struct bench_series *out)
{
	unsigned int i, k, at;

	if (bench_is_quick)
		rounds = rounds / 5 | 1;
	for (k = 0; k < n; k++) {
		out[k] = (struct bench_series){
			.sample = array(rounds, sizeof(double)),
			.slice = array((size_t)rounds * SLICES_MAX,
				       sizeof(struct bench_taken)),
			.least = *least,
		};
		variant[k].sample(variant[k].data);
	}
	for (i = 0; i < rounds; i++) {
		for (k = 0; k < n; k++) {
			at = i % 2 ? n - 1 - k : k;
			series_add(&out[at], &variant[at]);
		}
	}
}

struct bench_series bench_series(const double *sample, unsigned int n)
{
	struct bench_series s = { .n = n, .sample = array(n, sizeof(double)) };

	memcpy(s.sample, sample, n * sizeof(double));
	return s;
}

struct bench_series bench_times(const struct bench_series *s, double times)
{
	struct bench_series all = *s;
	unsigned int i;

	all.sample = array(s->n, sizeof(double));
	all.slice = array(s->nslices, sizeof(struct bench_taken));
	for (i = 0; i < s->n; i++)
		all.sample[i] = times * s->sample[i];
	for (i = 0; i < s->nslices; i++) {
		all.slice[i] = s->slice[i];
		all.slice[i].ns *= times;
	}
	return all;
}

void bench_free(struct bench_series *s, unsigned int n)
{
	while (n--) {
		free(s[n].sample);
		free(s[n].slice);
	}
}

/* --- what they say ------------------------------------------------------------ */

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

/* What a slice took in this state, without a quarter at either end; how many
 * there were. */
static unsigned int mean_in(const struct bench_series *s, unsigned int state,
			    double *ns)
{
	double *sorted = array(s->nslices, sizeof(double));
	unsigned int i, n = 0, off;

	for (i = 0; i < s->nslices; i++)
		if (state_now(&s->slice[i]) == state)
			sorted[n++] = s->slice[i].ns;
	qsort(sorted, n, sizeof(double), compare);
	off = n / 4;
	*ns = 0;
	for (i = off; i < n - off; i++)
		*ns += sorted[i] / (n - 2 * off);
	free(sorted);
	return n;
}

void bench_in_each_state(const struct bench_series *a,
			 const struct bench_series *b,
			 struct bench_compared *out)
{
	unsigned int state, na, nb;
	double ns_a, ns_b, weight;

	*out = (struct bench_compared){ .least = a->least };
	for (state = 0; state < BENCH_STATES; state++) {
		na = mean_in(a, state, &ns_a);
		nb = mean_in(b, state, &ns_b);
		if (na < COMPARABLE || nb < COMPARABLE)
			continue;
		weight = na < nb ? na : nb;
		out->weight[state] = weight;
		out->sum[state] = weight * log(ns_a / ns_b);
	}
	/* By it slices are judged here, and for one thread it is not asked. */
	out->least.way = a->threads > 1 || b->threads > 1 ? least->way : 0;
}

bool bench_compared_rightly(const struct bench_compared *c)
{
	unsigned int i;

	for (i = 0; i < BENCH_THREADS; i++)
		if (c->least.probes[i] > unrest_below[0] * least->probes[i])
			return false;
	return c->least.way <= NEAR * least->way;
}

double bench_compared(const struct bench_compared *c, double *pairs)
{
	double sum = 0, used = 0, more;
	unsigned int state;

	*pairs = 0;
	for (state = 0; state < BENCH_STATES; state++) {
		if (!(c->weight[state] > 0))
			continue;
		more = c->weight[state];
		if (state == BENCH_ONE_CORE)
			more = fmin(more, fmax(BENCH_ENOUGH - *pairs, 0));
		*pairs += c->weight[state];
		more *= usual[state];
		sum += c->sum[state] / c->weight[state] * more;
		used += more;
	}
	return exp(sum / used);
}
