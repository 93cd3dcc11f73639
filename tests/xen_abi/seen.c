/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the operations answered, in all tests of this program, against what the
 * header says they may. The table that is printed is what was seen; the test
 * fails for an answer that is not promised, and for a promise not seen.
 */
#include <stdio.h>

#include "lab.h"

#define OPS 32
#define CODES 128

static struct {
	const char *op;
	bool code[CODES];
} table[OPS];

static const char *code_name(int code)
{
	switch (code) {
	case 0:
		return "0";
#define NAME(name) \
	case name: \
		return #name
		NAME(EPERM);
		NAME(ESRCH);
		NAME(EIO);
		NAME(ENXIO);
		NAME(E2BIG);
		NAME(EBADF);
		NAME(EAGAIN);
		NAME(ENOMEM);
		NAME(EACCES);
		NAME(EFAULT);
		NAME(EBUSY);
		NAME(EEXIST);
		NAME(ENODEV);
		NAME(EINVAL);
		NAME(ENFILE);
		NAME(ENOSPC);
		NAME(EDOM);
		NAME(ENOSYS);
		NAME(ENODATA);
		NAME(ERESTART);
		NAME(EOPNOTSUPP);
#undef NAME
	default:
		return NULL;
	}
}

void seen(const char *op, int ret)
{
	unsigned int i = 0;

	assert_in_range(-ret, 0, CODES - 1);
	while (table[i].op && strcmp(table[i].op, op))
		i++;
	assert_in_range(i, 0, OPS - 1);
	table[i].op = op;
	table[i].code[-ret] = true;
}

/* As include/holdfast/xen_abi.h has them. */
static const struct {
	const char *op, *codes;
} promised[] = {
	{ "map_pirq",
	  "0 EPERM ESRCH EBUSY EFAULT EEXIST ENODEV EINVAL ENFILE ENOSPC "
	  "EDOM ENOSYS EOPNOTSUPP ENXIO ENODATA EIO ENOMEM ERESTART" },
	{ "unmap_pirq", "0 EPERM ESRCH EFAULT EINVAL ENOSYS EOPNOTSUPP" },
	{ "manage_pci_add",
	  "0 EPERM EFAULT EBUSY ENODEV ENOSYS ERESTART EAGAIN ENXIO EIO "
	  "ENOMEM" },
	{ "manage_pci_remove",
	  "0 EPERM EFAULT EBUSY ENODEV ENOSYS ERESTART EIO EOPNOTSUPP "
	  "ENOMEM" },
	{ "restore_msi",
	  "0 EPERM EFAULT EBUSY ENODEV ENOSYS ERESTART ENXIO EOPNOTSUPP" },
	{ "manage_pci_add_ext",
	  "0 EPERM EFAULT EBUSY ENODEV ENOSYS ERESTART EAGAIN ENXIO EIO "
	  "ENOMEM EINVAL" },
	{ "pci_mmcfg_reserved",
	  "0 EPERM EFAULT EINVAL ENODEV EIO EEXIST ENOSYS ENOMEM" },
	{ "pci_device_add",
	  "0 EPERM EFAULT EBUSY ENODEV ENOSYS ERESTART EAGAIN ENXIO EIO "
	  "ENOMEM" },
	{ "pci_device_remove",
	  "0 EPERM EFAULT EBUSY ENODEV ENOSYS ERESTART EIO EOPNOTSUPP "
	  "ENOMEM" },
	{ "restore_msi_ext",
	  "0 EPERM EFAULT EBUSY ENODEV ENOSYS ERESTART ENXIO EOPNOTSUPP" },
	{ "prepare_msix", "0 EPERM EFAULT EBUSY ENODEV ENOSYS ERESTART" },
	{ "release_msix", "0 EPERM EFAULT EBUSY ENODEV ENOSYS ERESTART" },
	{ "pci_device_reset",
	  "0 EPERM EFAULT EBUSY EINVAL ENODEV EOPNOTSUPP EBADF EIO ENOSYS "
	  "ERESTART" },
	{ "another physdev", "ENOSYS" },
	{ "assign_device",
	  "0 EPERM EFAULT EACCES ESRCH EINVAL ENODEV EBUSY EBADF "
	  "EOPNOTSUPP ENOSPC E2BIG ENOMEM EIO ERESTART" },
	{ "test_assign_device",
	  "0 EPERM EFAULT EACCES ESRCH EINVAL ENODEV EOPNOTSUPP EBADF "
	  "E2BIG ENOMEM ERESTART" },
	{ "deassign_device",
	  "0 EPERM EFAULT EACCES ESRCH EINVAL ENODEV EBUSY EIO EOPNOTSUPP "
	  "E2BIG ENOMEM ERESTART" },
	{ "get_device_group",
	  "0 EPERM EFAULT EACCES ESRCH ENODEV EBUSY E2BIG ENOMEM ERESTART" },
	{ "another domctl", "EPERM EFAULT EACCES ENOSYS" },
	{ "pcitopoinfo", "0 EPERM EFAULT EACCES EINVAL" },
	{ "another sysctl", "EPERM EFAULT EACCES ENOSYS" },
};

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);
	const char *p = words;

	for (; (p = strstr(p, word)); p += n)
		if ((p == words || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return true;
	return false;
}

static const char *promise_of(const char *op)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(promised); i++)
		if (!strcmp(promised[i].op, op))
			return promised[i].codes;
	return "";
}

/* A line of the table; how many of its answers are not promised. */
static int print_op(unsigned int i)
{
	const char *codes = promise_of(table[i].op);
	int code, surprises = 0;

	printf("  %-20s", table[i].op);
	for (code = 0; code < CODES; code++) {
		const char *name = code_name(code);

		if (!table[i].code[code])
			continue;
		if (name && has_word(codes, name)) {
			printf(" %s", name);
		} else {
			printf(" %s(%d)!", name ? name : "?", code);
			surprises++;
		}
	}
	printf("\n");
	return surprises;
}

static bool was_seen(const char *op, int code)
{
	unsigned int i;

	for (i = 0; i < OPS && table[i].op; i++)
		if (!strcmp(table[i].op, op))
			return table[i].code[code];
	return false;
}

static int missing(unsigned int i, unsigned int *n)
{
	int code, lacks = 0;

	for (code = 0; code < CODES; code++) {
		const char *name = code_name(code);

		if (!name || !has_word(promised[i].codes, name))
			continue;
		if (was_seen(promised[i].op, code)) {
			++*n;
		} else {
			printf("  not seen: %s of %s\n", name, promised[i].op);
			lacks++;
		}
	}
	return lacks;
}

int seen_all(void)
{
	unsigned int i, n = 0;
	int wrong = 0;

	printf("What the operations of the Xen interface answered:\n");
	for (i = 0; i < OPS && table[i].op; i++)
		wrong += print_op(i);
	for (i = 0; i < ARRAY_SIZE(promised); i++)
		wrong += missing(i, &n);
	printf("  %u operations, %u pairs of operation and answer\n\n", i, n);
	return wrong;
}
