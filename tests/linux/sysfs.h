/* SPDX-License-Identifier: BSD-2-Clause */
/* A directory of our own that looks like /sys/bus/pci, one for each test. */
#ifndef TESTS_LINUX_SYSFS_H
#define TESTS_LINUX_SYSFS_H

#include "linux.h"

extern char sysfs_root[64];

int sysfs_setup(void **state);
int sysfs_teardown(void **state);
#define on_sysfs(test) \
	cmocka_unit_test_setup_teardown(test, sysfs_setup, sysfs_teardown)

/* A function with @len readable bytes, each its own offset's low byte. */
void sysfs_plug(const char *name, size_t len);
void sysfs_unplug(const char *name);
void sysfs_write(const char *name, const char *file, const void *text,
		 size_t len);
/* What libpci cannot scan: no directory. */
void sysfs_break(void);
void sysfs_mend(void); /* after that, without any function */
void sysfs_remove_tree(const char *path);

struct pci_host *sysfs_open(void);
int read4(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg, uint32_t *val);

#endif
