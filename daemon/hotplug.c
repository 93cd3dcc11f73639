/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See hotplug.h. The queue is bounded by letting the host wait; a loss marks
 * the device at once, before it waits in the queue.
 */
#include "hotplug.h"

#include <uv.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/platform.h>
#include <holdfast/removal.h>

#define QUEUE 1024

struct change {
	enum pci_host_event event;
	pci_sbdf_t sbdf;
};

static uv_mutex_t lock; /* guards all down to stop */
static uv_cond_t changed;
static struct change queue[QUEUE];
static unsigned int first, used;
static uint64_t told, done;
static bool stop;

static uv_thread_t thread;
static struct pci_host *host;

/* The host's context. */
static void on_notify(struct pci_host *unused, enum pci_host_event event,
		      pci_sbdf_t sbdf, void *data)
{
	(void)unused;
	(void)data;
	if (event == PCI_HOST_GONE)
		(void)pci_mark_lost(sbdf); /* -ENODEV: it was never added */
	uv_mutex_lock(&lock);
	while (used == QUEUE)
		uv_cond_wait(&changed, &lock);
	queue[(first + used++) % QUEUE] = (struct change){ event, sbdf };
	told++;
	uv_cond_broadcast(&changed);
	uv_mutex_unlock(&lock);
}

static void arrived(pci_sbdf_t sbdf)
{
	struct pci_scan scan = { 0 };
	char text[PCI_SBDF_LEN];
	int err = pci_segment_add(sbdf.seg, host); /* it may be the first */

	if (!err)
		err = pci_scan_slot(sbdf, &scan);
	if (!err && scan.failed) {
		err = scan.error;
		sbdf = scan.where;
	}
	if (err)
		plat_log(PLAT_WARN, "%s came, but could not be added: error %d",
			 pci_sbdf_print(text, sbdf), err);
	else
		plat_log(PLAT_INFO, "%s came: %u functions added",
			 pci_sbdf_print(text, sbdf), scan.added);
}

static bool host_has(pci_sbdf_t sbdf)
{
	pci_sbdf_t at = sbdf;

	return host->ops->next && !host->ops->next(host, &at) &&
	       at.sbdf == sbdf.sbdf;
}

/*
 * What was lost is marked, unless it was being added just then. If it is gone by
 * now, by its domain's end or a removal, this is the next card in its place.
 */
static void gone(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;
	char text[PCI_SBDF_LEN];
	int err;

	if (pci_query(sbdf, &info) || (!info.lost && host_has(sbdf)))
		return;
	err = pci_device_lost(sbdf);
	if (!err)
		plat_log(PLAT_WARN, "%s is gone without a removal",
			 pci_sbdf_print(text, sbdf));
	else if (err != -ENODEV && err != -EALREADY)
		plat_log(PLAT_WARN, "%s is gone: error %d",
			 pci_sbdf_print(text, sbdf), err);
}

static void run(void *unused)
{
	struct change change;

	(void)unused;
	uv_mutex_lock(&lock);
	for (;;) {
		while (!used && !stop)
			uv_cond_wait(&changed, &lock);
		if (!used)
			break;
		change = queue[first];
		first = (first + 1) % QUEUE;
		used--;
		uv_mutex_unlock(&lock);
		if (change.event == PCI_HOST_ARRIVED)
			arrived(change.sbdf);
		else
			gone(change.sbdf);
		uv_mutex_lock(&lock);
		done++;
		uv_cond_broadcast(&changed);
	}
	uv_mutex_unlock(&lock);
}

int hotplug_start(struct pci_host *watched)
{
	int err = uv_mutex_init(&lock);

	host = watched;
	stop = false;
	if (!err)
		err = uv_cond_init(&changed);
	if (!err)
		err = uv_thread_create(&thread, run, NULL);
	if (!err)
		host->notify = on_notify;
	return err;
}

void hotplug_settle(void)
{
	uint64_t until;

	uv_mutex_lock(&lock);
	until = told;
	while (done < until)
		uv_cond_wait(&changed, &lock);
	uv_mutex_unlock(&lock);
}

void hotplug_stop(void)
{
	uv_mutex_lock(&lock);
	stop = true;
	uv_cond_broadcast(&changed);
	uv_mutex_unlock(&lock);
	uv_thread_join(&thread);
}
