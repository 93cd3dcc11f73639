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
static unsigned int works;
static uint64_t started;

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
	int err;

	snprintf(workers, sizeof(workers), "%d", LOOP_WORKERS);
	setenv("UV_THREADPOOL_SIZE", workers, 1);
	started = plat_now();
	list_init(&posts);
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

static void work_done(uv_work_t *uv, int status)
{
	struct work *work = container_of(uv, struct work, uv);

	(void)status;
	works--;
	work->done(work);
	stop_check();
}

void loop_work(struct work *work)
{
	works++;
	uv_queue_work(&main_loop, &work->uv, work_run, work_done);
}

unsigned int loop_busy(void)
{
	bool posted;

	uv_mutex_lock(&post_lock);
	posted = !list_empty(&posts);
	uv_mutex_unlock(&post_lock);
	return works + posted;
}
