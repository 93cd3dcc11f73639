/* SPDX-License-Identifier: BSD-2-Clause */
/* See hosts.h. */
#include "hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/platform.h>

#include "dump.h"
#include "fabric.h"
#include "hotplug.h"
#include "linux.h"
#include "loop.h"
#include "segments.h"

static const char *spec;
static struct pci_host *host;
static struct fabric *fabric;
static void (*close_host)(struct pci_host *host);

static void close_fabric(struct pci_host *unused)
{
	(void)unused;
	fabric_close(fabric);
}

int host_open(const char *what, char *err, size_t size)
{
	spec = what;
	if (!strncmp(what, "fabric:", 7)) {
		fabric = fabric_open(what + 7, err, size);
		host = fabric ? fabric_host(fabric) : NULL;
		close_host = close_fabric;
	} else if (!strncmp(what, "dump:", 5)) {
		host = dump_open(what + 5, err, size);
		close_host = dump_close;
	} else if (!strcmp(what, "linux")) {
		host = linux_open(NULL, err, size);
		close_host = linux_close;
	} else {
		snprintf(err, size,
			 "no host \"%s\": there are fabric:server, "
			 "fabric:lab, fabric:scale=N, fabric:FILE, dump:FILE "
			 "and linux",
			 what);
	}
	return host ? 0 : -EINVAL;
}

int host_register(void)
{
	unsigned int count = host_segments(host, NULL, 0);
	uint16_t *seg = calloc(count ? count : 1, sizeof(*seg));
	struct pci_scan scan;
	char text[PCI_SBDF_LEN];
	int err = 0;

	if (!seg)
		return -ENOMEM;
	host_segments(host, seg, count);
	for (unsigned int i = 0; i < count && !err; i++) {
		err = pci_segment_add(seg[i], host);
		if (!err)
			err = pci_scan_segment(seg[i], &scan);
		if (!err && scan.failed)
			plat_log(PLAT_WARN,
				 "segment %04x: %u functions could not be "
				 "added, the first %s (%s)",
				 seg[i], scan.failed,
				 pci_sbdf_print(text, scan.where),
				 strerror(-scan.error));
	}
	free(seg);
	return err;
}

/* --- events of the Linux host ------------------------------------------------ */

#define RETRY_MS 1000

static uv_poll_t kernel_poll;
static uv_timer_t kernel_retry;
static struct work dispatch;
static int dispatch_error;
static bool watching, polling;

/* @status, too, is that events were dropped: they are asked for what it was. */
static void on_readable(uv_poll_t *handle, int status, int events)
{
	(void)status, (void)events;
	uv_poll_stop(handle);
	loop_work(&dispatch);
}

static void on_retry(uv_timer_t *timer)
{
	(void)timer;
	loop_work(&dispatch);
}

static void dispatch_run(struct work *work)
{
	(void)work;
	dispatch_error = linux_dispatch(host);
}

static void dispatch_done(struct work *work)
{
	(void)work;
	if (uv_is_closing((uv_handle_t *)&kernel_poll))
		return;
	if (dispatch_error)
		uv_timer_start(&kernel_retry, on_retry, RETRY_MS, 0);
	else
		uv_poll_start(&kernel_poll, UV_READABLE, on_readable);
}

int host_watch(void)
{
	int err = hotplug_start(host);
	int fd = -1;

	if (err)
		return err;
	watching = true;
	if (close_host == linux_close)
		fd = linux_fd(host);
	if (fd < 0)
		return 0;
	dispatch.run = dispatch_run;
	dispatch.done = dispatch_done;
	err = uv_poll_init(&main_loop, &kernel_poll, fd);
	if (err)
		return err;
	polling = true;
	uv_timer_init(&main_loop, &kernel_retry);
	return uv_poll_start(&kernel_poll, UV_READABLE, on_readable);
}

void host_unwatch(void)
{
	if (polling) {
		uv_close((uv_handle_t *)&kernel_poll, NULL);
		uv_close((uv_handle_t *)&kernel_retry, NULL);
	}
	loop_settle();
	if (watching)
		hotplug_stop();
	polling = watching = false;
}

void host_close(void)
{
	if (host)
		close_host(host);
	host = NULL;
}

const char *host_spec(void)
{
	return spec;
}

bool host_read_only(void)
{
	return host->ops->read_only;
}

bool host_confines(void)
{
	return host->iommu;
}

bool host_simulated(void)
{
	return fabric;
}

struct fabric *host_fabric(void)
{
	return fabric;
}
