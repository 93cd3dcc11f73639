// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names from pci.ids. libpci's lookup needs no access to any device, so its
 * pci_init() is never called and its hooks are ours: an error in the file (the
 * hook must not return, and must not end the command) leads back here, and
 * from then on numbers are shown.
 */
#include <pci/pci.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "names.h"

static struct pci_access *names;
static const char *names_path;
static int names_broken;
static jmp_buf back;

static void __attribute__((noreturn)) on_error(char *fmt, ...)
{
	(void)fmt;
	longjmp(back, 1);
}

static void on_message(char *fmt, ...)
{
	(void)fmt;
}

static void names_open(void)
{
	names = pci_alloc();
	names->error = on_error;
	names->warning = on_message;
	names->debug = on_message;
	if (names_path)
		pci_set_name_list_path(names, (char *)names_path, 0);
}

void names_use(const char *path)
{
	names_path = path;
}

/* NULL: there is no list that can be read. */
static const char *look_up(char *buf, size_t size, int flags, int a, int b)
{
	if (names_broken)
		return NULL;
	if (setjmp(back)) {
		names_broken = 1;
		return NULL;
	}
	if (!names)
		names_open();
	return pci_lookup_name(names, buf, (int)size,
			       flags | PCI_LOOKUP_NO_HWDB, a, b);
}

const char *names_device(char *buf, size_t size, uint16_t vendor,
			 uint16_t device)
{
	const char *name = look_up(buf, size,
				   PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
				   vendor, device);

	if (!name)
		snprintf(buf, size, "Device %04x:%04x", vendor, device);
	return name ? name : buf;
}

const char *names_class(char *buf, size_t size, uint32_t class_rev)
{
	int class = (int)(class_rev >> 16);
	const char *name = look_up(buf, size, PCI_LOOKUP_CLASS, class, 0);

	if (!name)
		snprintf(buf, size, "Class %04x", (unsigned int)class);
	return name ? name : buf;
}
