/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's one loop, and the two ways across its border: other threads
 * post to it, and it hands what may sleep to a pool of workers.
 *
 * Everything in daemon/ runs in the loop's thread unless its comment says
 * otherwise.
 */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include <uv.h>

#include <holdfast/list.h>

#define LOOP_WORKERS 16

/* For whom work is; what follows in this list waits for what comes before. */
enum loop_who {
	LOOP_DAEMON, /* for itself, or for a device that must not wait */
	LOOP_ADMIN,  /* a call of somebody who administers */
	LOOP_OTHER,  /* any other call */
	LOOP_WHO
};

extern uv_loop_t main_loop;

/* Before the first use of libuv: sizes the pool. 0 or -errno. */
int loop_init(void);
/* Run until no work and no post is left. */
void loop_settle(void);
/* The same; then close every handle that is left, and the loop. */
void loop_close(void);

/* plat_now() at loop_init(). */
uint64_t loop_started(void);

/* A message to the loop, embedded in what it is about. */
struct post {
	struct list_head entry;
	void (*run)(struct post *post); /* in the loop; owns @post */
};

/* Any thread, read-side sections and leaf locks of the core included. */
void loop_post(struct post *post);

/*
 * Work that may sleep. @run in a worker, then @done in the loop. Whatever calls
 * there are, four workers are left for the daemon, and four more for those who
 * administer.
 */
struct work {
	uv_work_t uv;
	struct list_head entry;
	enum loop_who who; /* 0: the daemon */
	void (*run)(struct work *work);
	void (*done)(struct work *work);
};

void loop_work(struct work *work);

/* Works and posts that are not done yet. */
unsigned int loop_busy(void);

#endif
