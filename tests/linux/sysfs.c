/* SPDX-License-Identifier: BSD-2-Clause */
/* See sysfs.h. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sysfs.h"

char sysfs_root[64];

static void make_root(void)
{
	char path[128];

	strcpy(sysfs_root, "/tmp/holdfast-linux-XXXXXX");
	assert_non_null(mkdtemp(sysfs_root));
	snprintf(path, sizeof(path), "%s/devices", sysfs_root);
	assert_int_equal(mkdir(path, 0700), 0);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void sysfs_remove_tree(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void sysfs_write(const char *name, const char *file, const void *text,
		 size_t len)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/devices/%s/%s", sysfs_root, name,
		 file);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	fclose(out);
}

void sysfs_plug(const char *name, size_t len)
{
	uint8_t config[4096];
	char path[256];
	size_t i;

	snprintf(path, sizeof(path), "%s/devices/%s", sysfs_root, name);
	assert_int_equal(mkdir(path, 0700), 0);
	for (i = 0; i < len; i++)
		config[i] = (uint8_t)i;
	sysfs_write(name, "config", config, len);
}

void sysfs_unplug(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/devices/%s", sysfs_root, name);
	sysfs_remove_tree(path);
}

struct pci_host *sysfs_open(void)
{
	char err[256] = "";
	struct pci_host *host = linux_open(sysfs_root, err, sizeof(err));

	assert_string_equal(host ? "" : err, "");
	return host;
}

void sysfs_break(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/devices", sysfs_root);
	sysfs_remove_tree(path);
	fclose(fopen(path, "w"));
}

void sysfs_mend(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/devices", sysfs_root);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
}

int sysfs_setup(void **state)
{
	(void)state;
	make_root();
	return 0;
}

int sysfs_teardown(void **state)
{
	(void)state;
	sysfs_remove_tree(sysfs_root);
	return 0;
}

int read4(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg, uint32_t *val)
{
	return host->ops->read(host, sbdf, reg, 4, val);
}
