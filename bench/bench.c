/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark program: threads, clocks and medians. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <holdfast/atomic.h>
#include <holdfast/device.h>
#include <holdfast/platform.h>
#include <holdfast/vpci.h>

#include "bench.h"

struct worker {
	pthread_t thread;
	bench_work work;
	void *data;
	uint32_t seed;
	uint64_t done;
};

static pthread_barrier_t start;
static hf_atomic(bool) stop;

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	uint32_t seed = w->seed; /* on the stack: no line shared with others */
	uint64_t done = 0;

	pthread_barrier_wait(&start);
	while (!hf_load_relaxed(&stop))
		done += w->work(w->data, &seed);
	w->done = done;
	return NULL;
}

static void sleep_msec(long msec)
{
	struct timespec ts = { .tv_sec = msec / 1000,
			       .tv_nsec = msec % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

double bench_run(unsigned int threads, bench_work work, void *data)
{
	struct worker *worker = calloc(threads, sizeof(*worker));
	uint64_t begin, done = 0;
	unsigned int i;
	double elapsed;

	if (!worker)
		abort();
	hf_store_relaxed(&stop, false);
	pthread_barrier_init(&start, NULL, threads + 1);
	for (i = 0; i < threads; i++) {
		worker[i].work = work;
		worker[i].data = data;
		worker[i].seed = 0x9e3779b9u * (i + 1);
		if (pthread_create(&worker[i].thread, NULL, worker_run,
				   &worker[i]))
			abort();
	}
	pthread_barrier_wait(&start);
	begin = plat_now();
	sleep_msec(BENCH_MSEC);
	hf_store_relaxed(&stop, true);
	for (i = 0; i < threads; i++) {
		pthread_join(worker[i].thread, NULL);
		done += worker[i].done;
	}
	elapsed = (double)(plat_now() - begin);
	pthread_barrier_destroy(&start);
	free(worker);
	return elapsed * threads / (double)done;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct bench_result bench_result(double *sample)
{
	qsort(sample, BENCH_ROUNDS, sizeof(*sample), compare);
	return (struct bench_result){ .median = sample[BENCH_ROUNDS / 2],
				      .low = sample[0],
				      .high = sample[BENCH_ROUNDS - 1] };
}

int main(void)
{
	const struct vpci_options options = { .extend = bench_vpci_extend };
	int err = pci_init();

	if (!err)
		err = pci_vpci_init(&options);
	if (err) {
		fprintf(stderr, "bench: init: error %d\n", err);
		return 1;
	}
#ifdef HOLDFAST_DEBUG
	puts("built with -Dchecks=true: the numbers say little\n");
#endif
	printf("%d rounds of %d ms each, in turn; ns: median (lowest-highest)\n\n",
	       BENCH_ROUNDS, BENCH_MSEC);
	bench_lookup();
	bench_refused();
	bench_vpci();
	return 0;
}
