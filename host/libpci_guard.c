/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpci's only user. `lock` guards everything here and everything of libpci;
 * `back` is where its error hook jumps to while libpci_run() runs.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <holdfast/platform.h>

#include "libpci_guard.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static jmp_buf back;
static char message[256];

static void __attribute__((noreturn)) on_error(char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	longjmp(back, 1);
}

static void on_warning(char *fmt, ...)
{
	char line[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	plat_log(PLAT_WARN, "libpci: %s", line);
}

static void on_debug(char *fmt, ...)
{
	char line[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	plat_log(PLAT_DEBUG, "libpci: %s", line);
}

int libpci_run(int (*fn)(void *arg), void *arg, char *err, size_t errlen)
{
	int ret;

	pthread_mutex_lock(&lock);
	if (!setjmp(back)) {
		ret = fn(arg);
	} else {
		ret = -EIO;
		if (err)
			snprintf(err, errlen, "%s", message);
		else
			plat_log(PLAT_WARN, "libpci: %s", message);
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

struct pci_access *libpci_alloc(void)
{
	struct pci_access *acc = pci_alloc();

	if (acc) {
		acc->error = on_error;
		acc->warning = on_warning;
		acc->debug = on_debug;
	}
	return acc;
}
