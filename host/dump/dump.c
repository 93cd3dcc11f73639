/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host itself: text → check → libpci → a table of dwords. The file is
 * read once, into memory, and libpci reads the checked copy; nobody can change
 * it in between. After dump_open() libpci is not used any more: the table is
 * fixed, its dwords are atomic.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <holdfast/atomic.h>

#include "check.h"
#include "dump.h"
#include "libpci_guard.h"

struct function {
	struct dump_function info;
	hf_atomic(uint32_t) * dword; /* info.len / 4 of them; owned */
};

struct dump_host {
	struct pci_host host;
	struct function *fn; /* in SBDF order; owned */
	unsigned int count;
};

/* --- the operations -------------------------------------------------------- */

/* The first function at or after @sbdf; dump->count: none. */
static unsigned int at_or_after(const struct dump_host *dump, pci_sbdf_t sbdf)
{
	unsigned int low = 0, high = dump->count;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (dump->fn[mid].info.sbdf.sbdf < sbdf.sbdf)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct function *find(struct pci_host *host, pci_sbdf_t sbdf)
{
	struct dump_host *dump = container_of(host, struct dump_host, host);
	unsigned int i = at_or_after(dump, sbdf);

	if (i == dump->count || dump->fn[i].info.sbdf.sbdf != sbdf.sbdf)
		return NULL;
	return &dump->fn[i];
}

static uint32_t all_ones(uint8_t size)
{
	return UINT32_MAX >> (32 - 8 * size);
}

static int dump_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	struct function *fn = find(host, sbdf);

	*val = all_ones(size);
	if (!fn)
		return 0;
	if (reg >= fn->info.len)
		return -EIO;
	*val &= hf_load_relaxed(&fn->dword[reg / 4]) >> 8 * (reg % 4);
	return 0;
}

static int dump_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	struct function *fn = find(host, sbdf);
	uint32_t old, new, mask = all_ones(size) << 8 * (reg % 4);

	if (!fn)
		return 0;
	if (reg >= fn->info.len)
		return -EIO;
	old = hf_load_relaxed(&fn->dword[reg / 4]);
	do {
		new = (old & ~mask) | (val << 8 * (reg % 4) & mask);
	} while (!hf_cas_relaxed(&fn->dword[reg / 4], &old, new));
	return 0;
}

static int dump_next(struct pci_host *host, pci_sbdf_t *sbdf)
{
	struct dump_host *dump = container_of(host, struct dump_host, host);
	unsigned int i = at_or_after(dump, *sbdf);

	if (i == dump->count)
		return -ENOENT;
	*sbdf = dump->fn[i].info.sbdf;
	return 0;
}

static uint16_t dump_config_size(struct pci_host *host, pci_sbdf_t sbdf)
{
	struct function *fn = find(host, sbdf);

	return fn ? (uint16_t)fn->info.len : 0;
}

static int dump_bar_size(struct pci_host *host, pci_sbdf_t sbdf,
			 unsigned int bar, uint64_t *size)
{
	struct function *fn = find(host, sbdf);

	if (!fn || bar >= DUMP_BARS || !fn->info.bar_size[bar])
		return -ENODATA;
	*size = fn->info.bar_size[bar];
	return 0;
}

static const struct pci_host_ops dump_ops = {
	.read = dump_read,
	.write = dump_write,
	.next = dump_next,
	.config_size = dump_config_size,
	.bar_size = dump_bar_size,
};

/* --- loading --------------------------------------------------------------- */

struct load {
	struct dump_host *dump;
	struct pci_access *acc;
	char path[32]; /* of the checked text */
};

static int load_function(struct function *fn, struct pci_dev *dev)
{
	u8 byte[4096];
	unsigned int i;

	if (!pci_read_block(dev, 0, byte, (int)fn->info.len))
		return -EIO;
	for (i = 0; i < fn->info.len; i += 4)
		hf_init(&fn->dword[i / 4], (uint32_t)byte[i] |
						   (uint32_t)byte[i + 1] << 8 |
						   (uint32_t)byte[i + 2] << 16 |
						   (uint32_t)byte[i + 3] << 24);
	return 0;
}

static int load_all(void *arg)
{
	struct load *load = arg;
	unsigned int loaded = 0;
	struct pci_dev *dev;

	load->acc = libpci_alloc();
	if (!load->acc)
		return -ENOMEM;
	load->acc->method = PCI_ACCESS_DUMP;
	if (pci_set_param(load->acc, "dump.name", load->path))
		return -ENOMEM;
	pci_init(load->acc);
	pci_scan_bus(load->acc);
	for (dev = load->acc->devices; dev; dev = dev->next, loaded++) {
		pci_sbdf_t sbdf =
			pci_sbdf(dev->domain_16, dev->bus, dev->dev, dev->func);
		struct function *fn = find(&load->dump->host, sbdf);

		if (!fn || load_function(fn, dev))
			return -EIO;
	}
	return loaded == load->dump->count ? 0 : -EIO;
}

static int unload(void *arg)
{
	struct load *load = arg;

	if (load->acc)
		pci_cleanup(load->acc);
	return 0;
}

static struct dump_host *new_host(const struct dump_function *info,
				  unsigned int count)
{
	struct dump_host *dump = calloc(1, sizeof(*dump));
	unsigned int i;

	if (!dump)
		return NULL;
	dump->host.ops = &dump_ops;
	dump->host.name = "dump";
	dump->fn = calloc(count, sizeof(*dump->fn));
	if (!dump->fn)
		goto out;
	for (i = 0; i < count; i++) {
		dump->fn[i].info = info[i];
		dump->fn[i].dword = malloc(info[i].len);
		if (!dump->fn[i].dword)
			goto out;
		dump->count++;
	}
	return dump;
out:
	dump_close(&dump->host);
	return NULL;
}

/* Have libpci read @clean, the checked text, into @dump. */
static int load_clean(struct dump_host *dump, FILE *clean, char *err,
		      size_t errlen)
{
	struct load load = { .dump = dump };
	int ret;

	if (fflush(clean)) {
		snprintf(err, errlen, "%s", strerror(errno));
		return -errno;
	}
	snprintf(load.path, sizeof(load.path), "/proc/self/fd/%d",
		 fileno(clean));
	snprintf(err, errlen, "libpci reads it otherwise");
	ret = libpci_run(load_all, &load, err, errlen);
	libpci_run(unload, &load, NULL, 0);
	return ret;
}

static struct pci_host *load_text(FILE *in, FILE *clean, char *err,
				  size_t errlen)
{
	struct dump_function *info;
	struct dump_host *dump;
	unsigned int count;

	if (dump_check(in, clean, &info, &count, err, errlen))
		return NULL;
	dump = new_host(info, count);
	free(info);
	if (!dump) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	if (load_clean(dump, clean, err, errlen)) {
		dump_close(&dump->host);
		return NULL;
	}
	return &dump->host;
}

struct pci_host *dump_open(const char *path, char *err, size_t errlen)
{
	struct pci_host *host = NULL;
	FILE *in, *clean = NULL;
	int fd;

	in = fopen(path, "re");
	if (!in) {
		snprintf(err, errlen, "%s", strerror(errno));
		return NULL;
	}
	fd = memfd_create("dump", MFD_CLOEXEC);
	if (fd >= 0)
		clean = fdopen(fd, "w");
	if (clean) {
		host = load_text(in, clean, err, errlen);
		fclose(clean);
	} else {
		snprintf(err, errlen, "%s", strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	fclose(in);
	return host;
}

void dump_close(struct pci_host *host)
{
	struct dump_host *dump;
	unsigned int i;

	if (!host)
		return;
	dump = container_of(host, struct dump_host, host);
	for (i = 0; i < dump->count; i++)
		free(dump->fn[i].dword);
	free(dump->fn);
	free(dump);
}
