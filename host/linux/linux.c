/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of functions and the operations on them. Each operation is one
 * libpci_run(): it waits for whatever else libpci does, a read of a sleeping
 * device included, which is why the host says may_block.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <holdfast/platform.h>

#include "internal.h"

#define SYSFS_PCI "/sys/bus/pci"

enum { BAR_ROM = 6 }; /* as pci_host_ops.bar_size counts */

/* --- the list; inside libpci_run() ----------------------------------------- */

/* The first function at or after @sbdf; lh->count: none. */
static unsigned int at_or_after(const struct linux_host *lh, pci_sbdf_t sbdf)
{
	unsigned int low = 0, high = lh->count;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (lh->fn[mid].sbdf.sbdf < sbdf.sbdf)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct linux_function *find(const struct linux_host *lh, pci_sbdf_t sbdf)
{
	unsigned int i = at_or_after(lh, sbdf);

	if (i == lh->count || lh->fn[i].sbdf.sbdf != sbdf.sbdf)
		return NULL;
	return &lh->fn[i];
}

static bool drop(struct linux_host *lh, pci_sbdf_t sbdf)
{
	struct linux_function *fn = find(lh, sbdf);

	if (!fn)
		return false;
	pci_free_dev(fn->dev);
	lh->count--;
	memmove(fn, fn + 1, (size_t)(lh->fn + lh->count - fn) * sizeof(*fn));
	return true;
}

/* In place of what may have been there: libpci remembers what it has read. */
static int put(struct linux_host *lh, pci_sbdf_t sbdf)
{
	struct linux_function *fn;
	struct pci_dev *dev;
	unsigned int i;

	dev = pci_get_dev(lh->acc, sbdf.seg, sbdf.bus, PCI_DEV(sbdf),
			  PCI_FN(sbdf));
	fn = reallocarray(lh->fn, lh->count + 1, sizeof(*fn));
	if (!fn) {
		pci_free_dev(dev);
		return -ENOMEM;
	}
	lh->fn = fn;
	drop(lh, sbdf);
	i = at_or_after(lh, sbdf);
	memmove(fn + i + 1, fn + i, (lh->count - i) * sizeof(*fn));
	fn[i] = (struct linux_function){ sbdf, dev };
	lh->count++;
	return 0;
}

/* --- the operations -------------------------------------------------------- */

struct request {
	struct linux_host *lh;
	pci_sbdf_t sbdf;
	unsigned int reg; /* or which BAR */
	unsigned int size;
	uint64_t val;
};

static int do_read(void *arg)
{
	struct request *req = arg;
	struct linux_function *fn = find(req->lh, req->sbdf);
	u8 byte[4] = { 0 };
	unsigned int i;

	if (!fn)
		return 0;
	if (!pci_read_block(fn->dev, (int)req->reg, byte, (int)req->size))
		return -EIO;
	req->val = 0;
	for (i = 0; i < req->size; i++)
		req->val |= (uint64_t)byte[i] << 8 * i;
	return 0;
}

static int linux_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t *val)
{
	struct request req = { linux_host(host), sbdf, reg, size,
			       UINT32_MAX >> (32 - 8 * size) };
	int ret = libpci_run(do_read, &req, NULL, 0);

	*val = (uint32_t)req.val;
	return ret;
}

static int linux_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		       uint8_t size, uint32_t val)
{
	(void)host, (void)sbdf, (void)reg, (void)size, (void)val;
	return -EOPNOTSUPP;
}

static int do_next(void *arg)
{
	struct request *req = arg;
	unsigned int i = at_or_after(req->lh, req->sbdf);

	if (i == req->lh->count)
		return -ENOENT;
	req->sbdf = req->lh->fn[i].sbdf;
	return 0;
}

static int linux_next(struct pci_host *host, pci_sbdf_t *sbdf)
{
	struct request req = { .lh = linux_host(host), .sbdf = *sbdf };
	int ret = libpci_run(do_next, &req, NULL, 0);

	*sbdf = req.sbdf;
	return ret;
}

/*
 * The kernel cuts config space off where the device ends, or at 64 bytes (a
 * CardBus bridge's at 128) without privilege; so the last dword decides.
 */
static int do_config_size(void *arg)
{
	struct request *req = arg;
	struct linux_function *fn = find(req->lh, req->sbdf);
	u8 byte[4];
	int len;

	req->size = 0;
	for (len = 64; fn && len <= 4096; len = len == 64 ? 256 : len * 16)
		if (pci_read_block(fn->dev, len - 4, byte, sizeof(byte)))
			req->size = (unsigned int)len;
	return 0;
}

static uint16_t linux_config_size(struct pci_host *host, pci_sbdf_t sbdf)
{
	struct request req = { .lh = linux_host(host), .sbdf = sbdf };

	libpci_run(do_config_size, &req, NULL, 0);
	return (uint16_t)req.size;
}

/*
 * The kernel has sized them. One without a size is not there, or the kernel has
 * found no place for it, or its file could not be read: the register tells.
 */
static int do_bar_size(void *arg)
{
	const int fields = PCI_FILL_SIZES | PCI_FILL_ROM_BASE;
	struct request *req = arg;
	struct linux_function *fn = find(req->lh, req->sbdf);

	if (!fn || (pci_fill_info(fn->dev, fields) & fields) != fields)
		return -ENODATA;
	req->val = req->reg == BAR_ROM ? fn->dev->rom_size
				       : fn->dev->size[req->reg];
	return req->val ? 0 : -ENODATA;
}

static int linux_bar_size(struct pci_host *host, pci_sbdf_t sbdf,
			  unsigned int bar, uint64_t *size)
{
	struct request req = { .lh = linux_host(host),
			       .sbdf = sbdf,
			       .reg = bar };

	if (bar > BAR_ROM || libpci_run(do_bar_size, &req, NULL, 0))
		return -ENODATA;
	*size = req.val;
	return 0;
}

static const struct pci_host_ops linux_ops = {
	.read = linux_read,
	.write = linux_write,
	.next = linux_next,
	.config_size = linux_config_size,
	.bar_size = linux_bar_size,
	.may_block = true,
	.read_only = true,
};

/* --- changes --------------------------------------------------------------- */

static void notify(struct linux_host *lh, enum pci_host_event event,
		   pci_sbdf_t sbdf)
{
	if (lh->host.notify)
		lh->host.notify(&lh->host, event, sbdf, lh->host.notify_data);
}

static int do_put(void *arg)
{
	struct request *req = arg;

	return put(req->lh, req->sbdf);
}

static int do_drop(void *arg)
{
	struct request *req = arg;

	return drop(req->lh, req->sbdf) ? 0 : -ENOENT;
}

void linux_arrived(struct linux_host *lh, pci_sbdf_t sbdf)
{
	struct request req = { .lh = lh, .sbdf = sbdf };
	char name[PCI_SBDF_LEN];

	if (libpci_run(do_put, &req, NULL, 0))
		plat_log(PLAT_ERROR, "linux: no memory for %s",
			 pci_sbdf_print(name, sbdf));
	else
		notify(lh, PCI_HOST_ARRIVED, sbdf);
}

void linux_gone(struct linux_host *lh, pci_sbdf_t sbdf)
{
	struct request req = { .lh = lh, .sbdf = sbdf };

	if (!libpci_run(do_drop, &req, NULL, 0))
		notify(lh, PCI_HOST_GONE, sbdf);
}

/* The addresses in sysfs, read through an access of its own. */
struct scan {
	const char *sysfs;
	struct pci_access *acc;
	pci_sbdf_t *sbdf;
	unsigned int count;
};

static int new_access(const char *sysfs, struct pci_access **acc)
{
	*acc = libpci_alloc();
	if (!*acc)
		return -ENOMEM;
	(*acc)->method = PCI_ACCESS_SYS_BUS_PCI;
	if (pci_set_param(*acc, "sysfs.path", (char *)sysfs))
		return -ENOMEM;
	pci_init(*acc);
	return 0;
}

static int do_scan(void *arg)
{
	struct scan *scan = arg;
	unsigned int room = 0;
	struct pci_dev *dev;
	int ret;

	ret = new_access(scan->sysfs, &scan->acc);
	if (ret)
		return ret;
	pci_scan_bus(scan->acc);
	for (dev = scan->acc->devices; dev; dev = dev->next)
		room++;
	scan->sbdf = calloc(room + 1, sizeof(*scan->sbdf));
	if (!scan->sbdf)
		return -ENOMEM;
	for (dev = scan->acc->devices; dev; dev = dev->next) {
		if (dev->domain > UINT16_MAX)
			plat_log(PLAT_WARN, "linux: segment %x left out",
				 (unsigned int)dev->domain);
		else
			scan->sbdf[scan->count++] =
				pci_sbdf((uint16_t)dev->domain, dev->bus,
					 dev->dev, dev->func);
	}
	return 0;
}

static int do_scan_end(void *arg)
{
	struct scan *scan = arg;

	if (scan->acc)
		pci_cleanup(scan->acc);
	return 0;
}

/* A machine without PCI has no such directory: nothing found, no error. */
static int scan_sysfs(struct scan *scan, char *err, size_t errlen)
{
	char path[4096];
	int ret;

	snprintf(path, sizeof(path), "%s/devices", scan->sysfs);
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	snprintf(err, errlen, "out of memory");
	ret = libpci_run(do_scan, scan, err, errlen);
	libpci_run(do_scan_end, scan, NULL, 0);
	return ret;
}

static bool scanned(const struct scan *scan, pci_sbdf_t sbdf)
{
	unsigned int i;

	for (i = 0; i < scan->count; i++)
		if (scan->sbdf[i].sbdf == sbdf.sbdf)
			return true;
	return false;
}

/* Buses are numbered from the root on: so a bridge comes first. */
static int by_address(const void *a, const void *b)
{
	const pci_sbdf_t *x = a, *y = b;

	return (x->sbdf > y->sbdf) - (x->sbdf < y->sbdf);
}

static int rescan(struct linux_host *lh, char *err, size_t errlen)
{
	struct scan scan = { .sysfs = lh->sysfs };
	pci_sbdf_t sbdf = pci_sbdf_from(0);
	unsigned int i;
	int ret;

	ret = scan_sysfs(&scan, err, errlen);
	if (ret)
		goto out;
	while (!linux_next(&lh->host, &sbdf)) {
		if (!scanned(&scan, sbdf))
			linux_gone(lh, sbdf);
		if (sbdf.sbdf++ == UINT32_MAX)
			break;
	}
	if (scan.count)
		qsort(scan.sbdf, scan.count, sizeof(*scan.sbdf), by_address);
	for (i = 0; i < scan.count; i++)
		linux_arrived(lh, scan.sbdf[i]);
out:
	free(scan.sbdf);
	return ret;
}

int linux_rescan(struct pci_host *host)
{
	char err[256];
	int ret = rescan(linux_host(host), err, sizeof(err));

	if (ret)
		plat_log(PLAT_ERROR, "linux: %s", err);
	return ret;
}

/* --- opening and closing --------------------------------------------------- */

static int do_open(void *arg)
{
	struct linux_host *lh = arg;

	return new_access(lh->sysfs, &lh->acc);
}

static int do_close(void *arg)
{
	struct linux_host *lh = arg;
	unsigned int i;

	for (i = 0; i < lh->count; i++)
		pci_free_dev(lh->fn[i].dev);
	if (lh->acc)
		pci_cleanup(lh->acc);
	return 0;
}

struct pci_host *linux_open(const char *sysfs, char *err, size_t errlen)
{
	struct linux_host *lh = calloc(1, sizeof(*lh));

	snprintf(err, errlen, "out of memory");
	if (!lh)
		return NULL;
	lh->host.ops = &linux_ops;
	lh->host.name = "linux";
	lh->sysfs = strdup(sysfs ? sysfs : SYSFS_PCI);
	if (!lh->sysfs || libpci_run(do_open, lh, err, errlen))
		goto out;
	/* before the list is made, so that nothing falls in between */
	if (!sysfs)
		linux_monitor_start(lh);
	if (rescan(lh, err, errlen))
		goto out;
	return &lh->host;
out:
	linux_close(&lh->host);
	return NULL;
}

void linux_close(struct pci_host *host)
{
	struct linux_host *lh;

	if (!host)
		return;
	lh = linux_host(host);
	linux_monitor_stop(lh);
	libpci_run(do_close, lh, NULL, 0);
	free(lh->fn);
	free(lh->sysfs);
	free(lh);
}
