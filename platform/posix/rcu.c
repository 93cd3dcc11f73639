/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RCU of the platform "posix", on liburcu's memb flavour.
 *
 * liburcu 0.13 cannot poll for a grace period, and its call_rcu worker answers
 * only after some 10 ms. So a thread of our own counts grace periods for
 * plat_gp_start(): `wanted` is the highest number asked for, `begun` the one
 * that runs or ran last, `ended` the last one over. A period asked for now is
 * begun + 1: it has not started, so it covers every section open by now.
 */
#include <stdlib.h>

#include <holdfast/atomic.h>
#include <holdfast/platform.h>

#if defined(__SANITIZE_THREAD__)
char plat_rcu_tag;
#endif

__thread bool plat_rcu_registered;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t reader_key;

static pthread_mutex_t gp_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gp_cond = PTHREAD_COND_INITIALIZER;
static uint64_t gp_wanted, gp_begun; /* guarded by gp_lock */
static hf_atomic(uint64_t) gp_ended;

static void reader_exit(void *unused)
{
	(void)unused;
	urcu_memb_unregister_thread();
	plat_rcu_registered = false;
}

static void *gp_thread(void *unused)
{
	uint64_t n;

	(void)unused;
	for (;;) {
		pthread_mutex_lock(&gp_lock);
		while (gp_wanted <= gp_begun)
			pthread_cond_wait(&gp_cond, &gp_lock);
		n = ++gp_begun;
		pthread_mutex_unlock(&gp_lock);
		plat_rcu_synchronize();
		hf_store_release(&gp_ended, n);
	}
	return NULL;
}

static void start(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (pthread_key_create(&reader_key, reader_exit))
		plat_bug("no thread-specific key left");
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, gp_thread, NULL))
		plat_bug("no thread to wait for grace periods");
	pthread_attr_destroy(&attr);
}

void plat_rcu_register(void)
{
	pthread_once(&once, start);
	urcu_memb_register_thread();
	pthread_setspecific(reader_key, &reader_key);
	plat_rcu_registered = true;
}

void plat_rcu_synchronize(void)
{
	urcu_memb_synchronize_rcu();
	plat_tsan_acquire(&plat_rcu_tag);
}

plat_gp_t plat_gp_start(void)
{
	plat_gp_t gp;

	pthread_once(&once, start);
	pthread_mutex_lock(&gp_lock);
	gp = gp_begun + 1;
	if (gp_wanted < gp) {
		gp_wanted = gp;
		pthread_cond_signal(&gp_cond);
	}
	pthread_mutex_unlock(&gp_lock);
	return gp;
}

bool plat_gp_done(plat_gp_t gp)
{
	return hf_load_acquire(&gp_ended) >= gp;
}

static void run_callback(struct rcu_head *urcu)
{
	struct plat_rcu_head *head =
		container_of(urcu, struct plat_rcu_head, urcu);

	plat_tsan_acquire(head);
	plat_tsan_acquire(&plat_rcu_tag);
	plat_rcu_registered = true; /* by liburcu: this is its own thread */
	head->fn(head);
}

void plat_rcu_call(struct plat_rcu_head *head,
		   void (*fn)(struct plat_rcu_head *head))
{
	head->fn = fn;
	plat_tsan_release(head);
	/* call_rcu() is a reader itself */
	if (!plat_rcu_registered)
		plat_rcu_register();
	urcu_memb_call_rcu(&head->urcu, run_callback);
}

/*
 * liburcu's own barrier frees behind ThreadSanitizer's back. Callbacks run in
 * the order of one queue, so one of ours at its end says the same.
 */
struct barrier {
	struct plat_rcu_head rcu;
	plat_event_t passed;
};

static void pass(struct plat_rcu_head *head)
{
	plat_event_set(&container_of(head, struct barrier, rcu)->passed);
}

void plat_rcu_barrier(void)
{
	struct barrier barrier;

	plat_event_init(&barrier.passed);
	plat_rcu_call(&barrier.rcu, pass);
	plat_event_wait(&barrier.passed, PLAT_FOREVER);
	plat_event_destroy(&barrier.passed);
}
