/* SPDX-License-Identifier: BSD-2-Clause */
/* The run-time check of the lock order: each mistake stops the process. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static struct pci_lock segment, dom1, dom2, device, other, leaf;

static void wrong_rank(void)
{
	pci_lock(&device);
	pci_lock(&segment);
}

static void two_devices(void)
{
	pci_lock(&device);
	pci_lock(&other);
}

static void domains_backwards(void)
{
	pci_lock(&dom2);
	pci_lock(&dom1);
}

static void not_held(void)
{
	pci_unlock(&leaf);
}

static void wait_under_lock(void)
{
	pci_lock(&leaf);
	pci_assert_may_wait("the test");
}

static void wait_in_section(void)
{
	plat_rcu_read_lock();
	pci_assert_may_wait("the test");
}

static void right(void)
{
	pci_lock(&segment);
	pci_lock(&dom1);
	pci_lock(&dom2);
	pci_lock(&device);
	pci_lock(&leaf);
	pci_unlock(&segment); /* any order out */
	pci_unlock(&leaf);
	pci_unlock(&device);
	pci_unlock(&dom2);
	pci_unlock(&dom1);
	pci_assert_may_wait("the test");
}

/* In a child, so that stopping can be seen: the signal, or 0. */
static int run(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		signal(SIGABRT, SIG_DFL);
		if (!freopen("/dev/null", "w", stderr))
			_exit(2);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void test_the_wrong_order_stops(void **state)
{
	(void)state;
	pci_lock_init(&segment, LOCK_SEGMENT, "segment", 0);
	pci_lock_init(&dom1, LOCK_DOMAIN, "domain 1", 1);
	pci_lock_init(&dom2, LOCK_DOMAIN, "domain 2", 2);
	pci_lock_init(&device, LOCK_DEVICE, "device", 0);
	pci_lock_init(&other, LOCK_DEVICE, "device", 0);
	pci_lock_init(&leaf, LOCK_LEAF, "leaf", 0);
	assert_int_equal(run(right), 0);
#ifdef HOLDFAST_DEBUG
	assert_int_equal(run(wrong_rank), SIGABRT);
	assert_int_equal(run(two_devices), SIGABRT);
	assert_int_equal(run(domains_backwards), SIGABRT);
	assert_int_equal(run(not_held), SIGABRT);
	assert_int_equal(run(wait_under_lock), SIGABRT);
	assert_int_equal(run(wait_in_section), SIGABRT);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_wrong_order_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
