/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform "el2" with threads as its CPUs: each enters the hypervisor,
 * reads an object that is published, at times replaces it and frees the old one
 * in one of the three ways that there are, and goes back to its guest. A freed
 * object is overwritten at once: a reader finds that, and so do the sanitizers.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <holdfast/atomic.h>

#include "el2.h"

#define CPUS 4
#define ENTRIES 5000
#define ALIVE 0x600dc0ffee
#define DEAD 0xdeadULL

struct object {
	uint64_t mark[4];
	struct plat_rcu_head rcu;
};

static _Alignas(4096) char memory[1 << 20];
static struct plat_cpu cpu[CPUS];
static hf_atomic(struct object *) published;
static hf_atomic(uint64_t) torn, freed, replaced;
static plat_lock_t lock;
static uint64_t guarded; /* by lock */

static void dispose(struct object *old)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(old->mark); i++)
		old->mark[i] = DEAD;
	plat_free(old);
	hf_fetch_add_relaxed(&freed, 1);
}

static void dispose_later(struct plat_rcu_head *rcu)
{
	dispose(container_of(rcu, struct object, rcu));
}

static struct object *create(void)
{
	struct object *object;
	unsigned int i;

	while (!(object = plat_zalloc(sizeof(*object))))
		plat_rcu_barrier(); /* full of what waits to be freed */
	for (i = 0; i < ARRAY_SIZE(object->mark); i++)
		object->mark[i] = ALIVE;
	return object;
}

static void read_it(void)
{
	struct object *object;
	unsigned int i;

	plat_rcu_read_lock();
	object = hf_load_acquire(&published);
	for (i = 0; i < ARRAY_SIZE(object->mark); i++)
		if (object->mark[i] != ALIVE)
			hf_fetch_add_relaxed(&torn, 1);
	plat_rcu_read_unlock();
}

static struct object *replace(void)
{
	struct object *object = create(), *old;

	plat_lock(&lock);
	guarded++;
	old = hf_load_relaxed(&published);
	hf_store_release(&published, object);
	plat_unlock(&lock);
	hf_fetch_add_relaxed(&replaced, 1);
	return old;
}

static void replace_and_free(unsigned int way)
{
	struct object *old = replace();
	plat_gp_t gp;

	switch (way % 3) {
	case 0:
		plat_rcu_synchronize();
		dispose(old);
		break;
	case 1:
		gp = plat_gp_start();
		while (!plat_gp_done(gp))
			read_it();
		dispose(old);
		break;
	default:
		plat_rcu_call(&old->rcu, dispose_later);
	}
}

static void *run(void *arg)
{
	unsigned int seed = (unsigned int)((struct plat_cpu *)arg)->id, i, n;

	this_cpu = arg;
	for (i = 0; i < ENTRIES; i++) {
		plat_rcu_enter();
		for (n = 0; n < 4; n++)
			read_it();
		if (rand_r(&seed) % 8 == 0)
			replace_and_free((unsigned int)rand_r(&seed));
		plat_rcu_poll();
		plat_rcu_leave();
	}
	return NULL;
}

int main(void)
{
	pthread_t thread[CPUS];
	struct plat_pool_stats stats;
	unsigned int i;

	this_cpu = &cpu[0];
	plat_pool_init(memory, sizeof(memory));
	for (i = 0; i < CPUS; i++)
		plat_cpu_init(&cpu[i], i);
	hf_init(&published, create());
	for (i = 0; i < CPUS; i++)
		if (pthread_create(&thread[i], NULL, run, &cpu[i]))
			return 1;
	for (i = 0; i < CPUS; i++)
		pthread_join(thread[i], NULL);

	plat_rcu_enter();
	plat_rcu_barrier();
	plat_free(hf_load_relaxed(&published));
	plat_pool_stats(&stats);
	printf("%llu replaced, %llu freed, %llu read after, %zu bytes left\n",
	       (unsigned long long)replaced, (unsigned long long)freed,
	       (unsigned long long)torn, stats.used);
	return torn || stats.used || freed != replaced || guarded != replaced;
}
