/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The patience of the daemon's accesses, against a core that keeps saying
 * "again". Time goes on only where somebody sleeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <holdfast/errno.h>
#include <holdfast/platform.h>

#include "trap.h"

#define PATIENCE (TRAP_PATIENCE_MS * PLAT_NSEC_PER_MSEC)
#define FOREVER UINT_MAX

/* What the core is to answer, and what it was asked. */
static struct {
	uint64_t now;
	unsigned int again, pieces; /* how often the answer is AGAIN */
	uint64_t when;              /* a piece: not before */
	unsigned int reads, writes, steps, early;
	int vcpus;
} core;

uint64_t plat_now(void)
{
	return core.now;
}

int __wrap_nanosleep(const struct timespec *ts, struct timespec *left);
int __wrap_nanosleep(const struct timespec *ts, struct timespec *left)
{
	(void)left;
	core.now += (uint64_t)ts->tv_sec * PLAT_NSEC_PER_SEC +
		    (uint64_t)ts->tv_nsec;
	return 0;
}

void vpci_vcpu_init(struct vpci_vcpu *vcpu, struct domain *d)
{
	*vcpu = (struct vpci_vcpu){ .domain = d };
	core.vcpus++;
}

void vpci_vcpu_fini(struct vpci_vcpu *vcpu)
{
	(void)vcpu;
	core.vcpus--;
}

static enum pci_verdict count_down(unsigned int *left)
{
	if (*left && *left != FOREVER)
		--*left;
	else if (!*left)
		return PCI_DONE;
	return PCI_AGAIN;
}

enum pci_verdict vpci_read(struct domain *d, pci_sbdf_t vsbdf, uint16_t reg,
			   uint8_t size, uint64_t *val)
{
	(void)d;
	(void)vsbdf;
	(void)reg;
	(void)size;
	core.reads++;
	*val = 0x8086;
	return count_down(&core.again);
}

enum pci_verdict vpci_write(struct vpci_vcpu *vcpu, pci_sbdf_t vsbdf,
			    uint16_t reg, uint8_t size, uint64_t val)
{
	(void)vcpu;
	(void)vsbdf;
	(void)reg;
	(void)size;
	(void)val;
	core.writes++;
	return count_down(&core.again);
}

/* A step of real work takes a microsecond. */
enum pci_verdict vpci_process_pending(struct vpci_vcpu *vcpu, uint64_t *when)
{
	(void)vcpu;
	core.steps++;
	core.early += core.now < core.when;
	core.now += 1000;
	if (core.when > core.now)
		*when = core.when;
	return count_down(&core.pieces);
}

static int setup(void **state)
{
	(void)state;
	memset(&core, 0, sizeof(core));
	core.now = PLAT_NSEC_PER_SEC;
	return 0;
}

static int read_it(uint32_t *val)
{
	return trap_read(NULL, pci_sbdf_from(8), 0, 4, val);
}

static int write_it(void)
{
	int err = trap_write(NULL, pci_sbdf_from(8), 4, 2, 6);

	assert_int_equal(core.vcpus, 0);
	return err;
}

static void test_again_is_retried_until_there_is_an_answer(void **state)
{
	uint32_t val = 0;

	(void)state;
	core.again = 20;
	assert_int_equal(read_it(&val), 0);
	assert_int_equal(val, 0x8086);
	assert_int_equal(core.reads, 21);
	core.again = 20;
	assert_int_equal(write_it(), 0);
	assert_int_equal(core.writes, 21);
}

static void test_again_for_ever_is_busy_in_the_end(void **state)
{
	uint64_t begun = core.now;
	uint32_t val;

	(void)state;
	core.again = FOREVER;
	assert_int_equal(read_it(&val), -EBUSY);
	assert_in_range(core.now - begun, PATIENCE, PATIENCE * 11 / 10);
	begun = core.now;
	assert_int_equal(write_it(), -EBUSY);
	assert_in_range(core.now - begun, PATIENCE, PATIENCE * 11 / 10);
}

static void test_what_a_write_sets_going_is_brought_to_its_end(void **state)
{
	uint64_t begun = core.now;

	(void)state;
	core.pieces = 1000;
	assert_int_equal(write_it(), 0);
	assert_int_equal(core.writes, 1);
	assert_int_equal(core.steps, 1001);
	/* Pieces that can go on at once are not slept between. */
	assert_in_range(core.now - begun, 0, 2 * PLAT_NSEC_PER_MSEC);
}

static void test_a_reset_is_waited_for_without_a_busy_loop(void **state)
{
	(void)state;
	core.when = core.now + 100 * PLAT_NSEC_PER_MSEC;
	core.pieces = 2;
	assert_int_equal(write_it(), 0);
	assert_true(core.now >= core.when);
	assert_int_equal(core.early, 1);
}

static void test_work_without_an_end_is_told_as_such(void **state)
{
	uint64_t begun = core.now;

	(void)state;
	core.pieces = FOREVER;
	assert_int_equal(write_it(), -EINPROGRESS);
	assert_int_equal(core.writes, 1);
	assert_in_range(core.now - begun, PATIENCE, PATIENCE * 11 / 10);
	begun = core.now;
	core.when = core.now + 3600 * PLAT_NSEC_PER_SEC;
	assert_int_equal(write_it(), -EINPROGRESS);
	assert_in_range(core.now - begun, PATIENCE, PATIENCE * 11 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			test_again_is_retried_until_there_is_an_answer, setup),
		cmocka_unit_test_setup(test_again_for_ever_is_busy_in_the_end,
				       setup),
		cmocka_unit_test_setup(
			test_what_a_write_sets_going_is_brought_to_its_end,
			setup),
		cmocka_unit_test_setup(
			test_a_reset_is_waited_for_without_a_busy_loop, setup),
		cmocka_unit_test_setup(test_work_without_an_end_is_told_as_such,
				       setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
