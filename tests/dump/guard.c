/* SPDX-License-Identifier: BSD-2-Clause */
/* libpci behind its guard: errors come back, one caller at a time. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <holdfast/errno.h>
#include <holdfast/platform.h>

#include "libpci_guard.h"

static struct pci_access *acc;

static int fail_to_open(void *arg)
{
	acc = libpci_alloc();
	acc->method = PCI_ACCESS_DUMP;
	pci_set_param(acc, "dump.name", arg);
	pci_init(acc);
	return 0;
}

static int close_access(void *unused)
{
	(void)unused;
	pci_cleanup(acc);
	return 0;
}

static void test_libpci_error_does_not_end_the_process(void **state)
{
	char err[256] = "", path[] = "/nonexistent/dump";
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_int_equal(
			libpci_run(fail_to_open, path, err, sizeof(err)), -EIO);
		assert_non_null(strstr(err, path));
		assert_int_equal(libpci_run(close_access, NULL, NULL, 0), 0);
	}
}

static enum plat_level logged_level;
static char logged[256];

static void sink(enum plat_level level, const char *line)
{
	logged_level = level;
	snprintf(logged, sizeof(logged), "%s", line);
}

static int warn(void *unused)
{
	(void)unused;
	acc = libpci_alloc();
	acc->warning("odd %d", 7);
	return close_access(NULL);
}

static void test_libpci_warnings_go_to_the_log(void **state)
{
	(void)state;
	plat_log_to(sink);
	assert_int_equal(libpci_run(warn, NULL, NULL, 0), 0);
	plat_log_to(NULL);
	assert_int_equal(logged_level, PLAT_WARN);
	assert_string_equal(logged, "libpci: odd 7");
}

static void test_libpci_error_nobody_asks_for_is_logged(void **state)
{
	char path[] = "/nonexistent/dump";

	(void)state;
	plat_log_to(sink);
	assert_int_equal(libpci_run(fail_to_open, path, NULL, 0), -EIO);
	plat_log_to(NULL);
	assert_non_null(strstr(logged, path));
	libpci_run(close_access, NULL, NULL, 0);
}

/* Guarded by nothing but libpci_run(). */
static volatile bool inside;
static unsigned int met;

static int visit(void *unused)
{
	(void)unused;
	met += inside;
	inside = true;
	sched_yield();
	inside = false;
	return 0;
}

static void *visit_often(void *unused)
{
	int i;

	for (i = 0; i < 10000; i++)
		libpci_run(visit, NULL, NULL, 0);
	return unused;
}

static void test_libpci_has_one_caller_at_a_time(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, visit_often, NULL), 0);
	visit_often(NULL);
	pthread_join(thread, NULL);
	assert_int_equal(met, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libpci_error_does_not_end_the_process),
		cmocka_unit_test(test_libpci_warnings_go_to_the_log),
		cmocka_unit_test(test_libpci_error_nobody_asks_for_is_logged),
		cmocka_unit_test(test_libpci_has_one_caller_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
