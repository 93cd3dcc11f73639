/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See loop.h. The list of posts is guarded by post_lock; the rest belongs to
 * the loop's thread.
 */
#include "loop.h"

#include <stdio.h>
#include <stdlib.h>

#include <holdfast/platform.h>

#include "stop.h"

uv_loop_t main_loop;

static uv_async_t wake;
static uv_mutex_t post_lock;
static struct list_head posts;
static uint64_t started;

/* Work by whom it is for: what has no worker yet, and how many have one. */
static struct list_head waiting[LOOP_WHO];
static unsigned int running[LOOP_WHO], works;
/* Workers that they, and those after them, may have at once. */
static const unsigned int most[LOOP_WHO] = {
	[LOOP_DAEMON] = LOOP_WORKERS,
	[LOOP_ADMIN] = LOOP_WORKERS - 4,
	[LOOP_OTHER] = LOOP_WORKERS - 8,
};

static void run_posts(uv_async_t *handle)
{
	struct list_head *entry;

	(void)handle;
	for (;;) {
		struct post *post;

		uv_mutex_lock(&post_lock);
		entry = list_empty(&posts) ? NULL : posts.next;
		if (entry)
			list_del(entry);
		uv_mutex_unlock(&post_lock);
		if (!entry)
			break;
		post = container_of(entry, struct post, entry);
		post->run(post);
	}
	stop_check();
}

int loop_init(void)
{
	char workers[8];
	unsigned int who;
	int err;

	snprintf(workers, sizeof(workers), "%d", LOOP_WORKERS);
	setenv("UV_THREADPOOL_SIZE", workers, 1);
	started = plat_now();
	list_init(&posts);
	for (who = 0; who < LOOP_WHO; who++)
		list_init(&waiting[who]);
	err = uv_mutex_init(&post_lock);
	if (err)
		return err;
	err = uv_loop_init(&main_loop);
	if (err)
		return err;
	return uv_async_init(&main_loop, &wake, run_posts);
}

uint64_t loop_started(void)
{
	return started;
}

static void close_handle(uv_handle_t *handle, void *unused)
{
	(void)unused;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void loop_settle(void)
{
	while (loop_busy())
		uv_run(&main_loop, UV_RUN_ONCE);
}

void loop_close(void)
{
	loop_settle();
	uv_walk(&main_loop, close_handle, NULL);
	uv_run(&main_loop, UV_RUN_DEFAULT);
	uv_loop_close(&main_loop);
	uv_mutex_destroy(&post_lock);
}

void loop_post(struct post *post)
{
	uv_mutex_lock(&post_lock);
	list_add_tail(&post->entry, &posts);
	uv_mutex_unlock(&post_lock);
	uv_async_send(&wake);
}

static void work_run(uv_work_t *uv)
{
	struct work *work = container_of(uv, struct work, uv);

	work->run(work);
}

static bool has_worker(unsigned int who)
{
	unsigned int k = LOOP_WHO, n = 0;

	while (k--) {
		n += running[k];
		if (k <= who && n >= most[k])
			return false;
	}
	return true;
}

static void work_done(uv_work_t *uv, int status);

static void start_works(void)
{
	struct work *work;
	unsigned int who;

	for (who = 0; who < LOOP_WHO; who++)
		while (!list_empty(&waiting[who]) && has_worker(who)) {
			work = list_first(&waiting[who], struct work, entry);
			list_del(&work->entry);
			running[who]++;
			uv_queue_work(&main_loop, &work->uv, work_run,
				      work_done);
		}
}

static void work_done(uv_work_t *uv, int status)
{
	struct work *work = container_of(uv, struct work, uv);

	(void)status;
	running[work->who]--;
	works--;
	work->done(work);
	start_works();
	stop_check();
}

void loop_work(struct work *work)
{
	works++;
	list_add_tail(&work->entry, &waiting[work->who]);
	start_works();
}

unsigned int loop_busy(void)
{
	bool posted;

	uv_mutex_lock(&post_lock);
	posted = !list_empty(&posts);
	uv_mutex_unlock(&post_lock);
	return works + posted;
}
