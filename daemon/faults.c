/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See faults.h. A fault comes in the thread of whoever made the request, the
 * core's locks held or not: so it is posted, and a worker does what is to do.
 * One work at a time; what comes meanwhile has another follow.
 */
#include "faults.h"

#include <pthread.h>
#include <stdbool.h>

#include <holdfast/iommu.h>

#include "hosts.h"
#include "loop.h"
#include "unit.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool started, queued, again; /* guarded by lock */

static void arrived(struct post *post);
static struct post wake = { .run = arrived };
static struct work work; /* the loop's */

/* Any context. Posted under the lock, so that none comes after the stop. */
static void on_work(void *data)
{
	(void)data;
	pthread_mutex_lock(&lock);
	if (queued) {
		again = true;
	} else if (started) {
		queued = true;
		loop_post(&wake);
	}
	pthread_mutex_unlock(&lock);
}

/* Worker. */
static void run(struct work *unused)
{
	(void)unused;
	pci_iommu_work();
}

static void done(struct work *unused)
{
	bool more;

	(void)unused;
	pthread_mutex_lock(&lock);
	more = queued = again;
	again = false;
	pthread_mutex_unlock(&lock);
	if (more)
		loop_work(&work);
}

static void arrived(struct post *post)
{
	(void)post;
	work.run = run;
	work.done = done;
	loop_work(&work);
}

static void set_started(bool value)
{
	pthread_mutex_lock(&lock);
	started = value;
	pthread_mutex_unlock(&lock);
}

void faults_start(void)
{
	if (!host_fabric())
		return;
	set_started(true);
	fabric_on_work(host_fabric(), on_work, NULL);
}

void faults_stop(void)
{
	set_started(false);
}
