/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on demand, each kind, and their end.
 */
#include <holdfast/platform.h>

#include "support.h"

static const struct fabric_fault *
fault(const char *address, enum fabric_fault_kind kind, uint64_t arg)
{
	static struct fabric_fault one;

	one = (struct fabric_fault){ .sbdf = at(address),
				     .kind = kind,
				     .arg = arg };
	return &one;
}

#define DISK "0000:01:00.0"

static void test_all_ones_reads_and_drops(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t disk = at(DISK);

	(void)state;
	assert_int_equal(fabric_fault_set(f, fault(DISK, FABRIC_ALL_ONES, 0)),
			 0);
	assert_int_equal(rd(f, disk, 0, 4), UINT32_MAX);
	wr(f, disk, PCI_INTERRUPT_LINE, 1, 0x21);
	assert_false(fabric_sound(f, disk));
	assert_int_equal(fabric_fault_clear(f, disk), 0);
	assert_true(fabric_sound(f, disk));
	assert_int_equal(rd(f, disk, PCI_INTERRUPT_LINE, 1), 0x0b);
	assert_int_equal(fabric_fault_clear(f, disk), -ENOENT);
	fabric_close(f);
}

static void test_retry_status_for_as_many_reads(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t disk = at(DISK);

	(void)state;
	assert_int_equal(fabric_fault_set(f, fault(DISK, FABRIC_RETRY, 2)), 0);
	assert_int_equal(rd(f, disk, 0, 4), 0xffff0001);
	assert_int_equal(rd(f, disk, PCI_CLASS_REVISION, 4), 0x01080200);
	assert_int_equal(rd(f, disk, 0, 2), 0x0001);
	assert_int_equal(rd(f, disk, 0, 4), 0x0a548086);
	assert_true(fabric_sound(f, disk));
	fabric_close(f);
}

static void test_a_stuck_register_ignores_writes(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t disk = at(DISK);

	(void)state;
	assert_int_equal(
		fabric_fault_set(f, fault(DISK, FABRIC_STICK, PCI_COMMAND)), 0);
	wr(f, disk, PCI_COMMAND, 2, 0);
	assert_int_not_equal(rd(f, disk, PCI_COMMAND, 2), 0);
	wr(f, disk, PCI_INTERRUPT_LINE, 1, 0x21);
	assert_int_equal(rd(f, disk, PCI_INTERRUPT_LINE, 1), 0x21);
	for (unsigned int i = 1; i < FABRIC_MAX_STUCK; i++)
		assert_int_equal(fabric_fault_set(f, fault(DISK, FABRIC_STICK,
							   0x40 + i * 4)),
				 0);
	assert_int_equal(fabric_fault_set(f, fault(DISK, FABRIC_STICK, 0x80)),
			 -ENOSPC);
	assert_int_equal(fabric_fault_set(f, fault(DISK, FABRIC_STICK, 0x44)),
			 0);
	fabric_close(f);
}

static void test_pending_transactions_stay(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t disk = at(DISK), old = at("0000:1c:01.0");
	unsigned int exp = cap(f, disk, PCI_CAP_ID_EXP);
	unsigned int af = cap(f, old, PCI_CAP_ID_AF);

	(void)state;
	assert_int_equal(fabric_fault_set(f, fault(DISK, FABRIC_PENDING, 0)),
			 0);
	wr(f, disk, PCI_COMMAND, 2, 0);
	assert_true(rd(f, disk, exp + PCI_EXP_DEVSTA, 2) &
		    PCI_EXP_DEVSTA_TRPND);
	assert_false(rd(f, disk, exp + PCI_EXP_DEVCTL, 2) &
		     PCI_EXP_DEVSTA_TRPND);
	assert_int_equal(fabric_fault_clear(f, disk), 0);
	assert_false(rd(f, disk, exp + PCI_EXP_DEVSTA, 2) &
		     PCI_EXP_DEVSTA_TRPND);
	assert_int_equal(
		fabric_fault_set(f, fault("0000:1c:01.0", FABRIC_PENDING, 0)),
		0);
	assert_int_equal(rd(f, old, af + PCI_AF_STATUS, 1), PCI_AF_STATUS_TP);
	fabric_close(f);
}

static void test_a_slow_answer_takes_its_time_and_is_right(void **state)
{
	struct fabric *f = open_spec("server");
	uint64_t start;

	(void)state;
	assert_int_equal(fabric_fault_set(f, fault(DISK, FABRIC_SLOW, 2000000)),
			 0);
	start = plat_now();
	assert_int_equal(rd(f, at(DISK), 0, 4), 0x0a548086);
	assert_true(plat_now() - start >= 2000000);
	assert_true(fabric_sound(f, at(DISK)));
	fabric_close(f);
}

static void test_bad_faults_are_refused(void **state)
{
	struct fabric *f = open_spec("server");

	(void)state;
	assert_int_equal(
		fabric_fault_set(f, fault("0000:02:00.1", FABRIC_ALL_ONES, 0)),
		-ENODEV);
	assert_int_equal(
		fabric_fault_set(f, fault("0009:02:00.1", FABRIC_ALL_ONES, 0)),
		-ENODEV);
	assert_int_equal(fabric_fault_set(f, fault(DISK, FABRIC_SLOW,
						   FABRIC_MAX_SLOW + 1)),
			 -EINVAL);
	assert_int_equal(fabric_fault_set(f, fault(DISK, FABRIC_RETRY, 0)),
			 -EINVAL);
	assert_int_equal(fabric_fault_set(f, fault(DISK, FABRIC_STICK, 4096)),
			 -EINVAL);
	assert_int_equal(
		fabric_fault_set(f, fault("0000:1c:01.0", FABRIC_STICK, 256)),
		-EINVAL);
	assert_int_equal(
		fabric_fault_set(f, fault("0000:00:00.0", FABRIC_PENDING, 0)),
		-EINVAL);
	assert_int_equal(fabric_faults(f, NULL, 0), 0);
	fabric_close(f);
}

static void test_faults_are_listed_and_leave_with_the_card(void **state)
{
	struct fabric *f = open_spec("server");
	struct fabric_fault out[8];

	(void)state;
	assert_int_equal(
		fabric_fault_set(f, fault("0000:02:00.0", FABRIC_RETRY, 7)), 0);
	assert_int_equal(fabric_fault_set(f, fault(DISK, FABRIC_STICK, 6)), 0);
	assert_int_equal(fabric_fault_set(f, fault(DISK, FABRIC_SLOW, 1000)),
			 0);
	assert_int_equal(fabric_faults(f, out, 8), 3);
	assert_int_equal(out[0].kind, FABRIC_SLOW);
	assert_int_equal(out[1].kind, FABRIC_STICK);
	assert_int_equal(out[1].arg, 4);
	assert_int_equal(out[2].sbdf.sbdf, at("0000:02:00.0").sbdf);
	assert_int_equal(out[2].arg, 7);
	assert_int_equal(fabric_surprise(f, at(DISK)), 0);
	assert_int_equal(fabric_faults(f, out, 8), 1);
	fabric_close(f);
}

static void test_names_of_faults(void **state)
{
	(void)state;
	for (int i = 0; i < FABRIC_FAULTS; i++)
		assert_int_equal(fabric_fault_parse(fabric_fault_name(
					 (enum fabric_fault_kind)i)),
				 i);
	assert_int_equal(fabric_fault_parse("gremlins"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_ones_reads_and_drops),
		cmocka_unit_test(test_retry_status_for_as_many_reads),
		cmocka_unit_test(test_a_stuck_register_ignores_writes),
		cmocka_unit_test(test_pending_transactions_stay),
		cmocka_unit_test(
			test_a_slow_answer_takes_its_time_and_is_right),
		cmocka_unit_test(test_bad_faults_are_refused),
		cmocka_unit_test(
			test_faults_are_listed_and_leave_with_the_card),
		cmocka_unit_test(test_names_of_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
