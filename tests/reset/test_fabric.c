/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resets of simulated hardware that forgets what hardware forgets, and, on
 * demand, does not.
 */
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>

#include "../at.h"
#include "clock.h"
#include "fabric.h"
#include "unit.h"

#define FIRST "0000:03:00.0" /* five testers, 03 to 07 */
#define BY_PM "0000:08:00.0"
#define PLAIN "0000:09:00.0"
#define VF "0000:14:00.1"
#define TWO_0 "0000:0f:00.0" /* functions of one device */
#define TWO_1 "0000:0f:00.1"
#define STUBBORN "0000:00:09.0" /* without any way */

static struct fabric *f;
static struct domain *one;
static struct pci_assign_report report;

static pci_sbdf_t tester(unsigned int i)
{
	pci_sbdf_t sbdf = at(FIRST);

	sbdf.bus += (uint8_t)i;
	return sbdf;
}

static void open_up(const char *spec)
{
	char err[200];
	int seg;

	clock_start();
	f = fabric_open(spec, err, sizeof(err));
	assert_non_null(f);
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(NULL), 0);
	assert_int_equal(pci_iommu_init(NULL), 0);
	assert_int_equal(pci_reset_init(), 0);
	for (seg = 0; (seg = fabric_segment_next(f, (unsigned int)seg)) >= 0;
	     seg++) {
		struct pci_scan scan;

		assert_int_equal(pci_segment_add((uint16_t)seg, fabric_host(f)),
				 0);
		assert_int_equal(pci_scan_segment((uint16_t)seg, &scan), 0);
	}
	assert_int_equal(domain_create(0, "one", NULL, NULL, &one), 0);
}

static int lab(void **state)
{
	(void)state;
	open_up("lab");
	return 0;
}

static int server(void **state)
{
	(void)state;
	open_up("server");
	return 0;
}

static int tear_down(void **state)
{
	struct fabric_witness w;

	(void)state;
	assert_int_equal(domain_destroy(one), 0);
	assert_int_equal(pci_check_invariants(), 0);
	domain_put(one);
	pci_fini();
	fabric_witness(f, &w);
	if (w.listed)
		print_error("%s\n", w.list[0].text);
	assert_int_equal(w.violations, 0);
	fabric_close(f);
	return 0;
}

static int give(struct domain *d, pci_sbdf_t sbdf)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	return pci_assign_device(d, sbdf, PCI_ASSIGN_GROUP, &vsbdf, &report);
}

static int give_quarantined(struct domain *d, pci_sbdf_t sbdf)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	return pci_assign_device(d, sbdf, PCI_ASSIGN_QUARANTINED, &vsbdf,
				 &report);
}

static int take(struct domain *d, pci_sbdf_t sbdf)
{
	return pci_deassign_device(d, sbdf, PCI_ASSIGN_GROUP, &report);
}

static struct pci_dev_info info_of(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	assert_int_equal(pci_query(sbdf, &info), 0);
	assert_int_equal(info.op, PCI_OP_NONE);
	return info;
}

static void expect_owner(pci_sbdf_t sbdf, const char *owner, const char *broken)
{
	struct pci_dev_info info = info_of(sbdf);

	assert_string_equal(info.owner_name, owner);
	assert_string_equal(info.broken ? info.broken : "", broken);
}

static void spoil(pci_sbdf_t sbdf, enum fabric_fault_kind kind, uint64_t arg)
{
	struct fabric_fault fault = { .sbdf = sbdf, .kind = kind, .arg = arg };

	assert_int_equal(fabric_fault_set(f, &fault), 0);
}

/* What firmware has not put there, a reset takes away. */
static void mark(pci_sbdf_t sbdf)
{
	assert_int_equal(fabric_tester_set(f, sbdf, FABRIC_TESTER_DATA, 4711),
			 0);
}

static bool is_marked(pci_sbdf_t sbdf)
{
	uint64_t data;

	assert_int_equal(fabric_tester_get(f, sbdf, FABRIC_TESTER_DATA, &data),
			 0);
	return data == 4711;
}

/* --- methods ------------------------------------------------------------------ */

static void reset_by(const char *sbdf, enum pci_reset_method method)
{
	enum pci_reset_method used;

	mark(at(sbdf));
	assert_int_equal(pci_reset_device(at(sbdf), PCI_RESET_ANY, &used, NULL),
			 0);
	assert_int_equal(used, method);
	assert_false(is_marked(at(sbdf)));
	expect_owner(at(sbdf), "hardware", "");
}

static void test_each_by_its_way(void **state)
{
	(void)state;
	reset_by(FIRST, PCI_RESET_FLR);
	reset_by(BY_PM, PCI_RESET_PM);
	reset_by(PLAIN, PCI_RESET_BUS);
	reset_by("0000:12:00.0", PCI_RESET_AF);
	reset_by(VF, PCI_RESET_FLR);
	assert_int_equal(pci_reset_device(at(STUBBORN), PCI_RESET_ANY, NULL,
					  NULL),
			 -EOPNOTSUPP);
	assert_int_equal(pci_reset_device(at(TWO_0), PCI_RESET_BUS, NULL, NULL),
			 -EOPNOTSUPP);
}

/* --- the whole configuration space ----------------------------------------------- */

static uint32_t before[1024];

static void snapshot(pci_sbdf_t sbdf)
{
	unsigned int i;

	for (i = 0; i < 1024; i++)
		before[i] = pci_conf_read(sbdf, (uint16_t)(4 * i), 4);
}

/* Dwords that differ, Bus Master apart. */
static unsigned int changed(pci_sbdf_t sbdf)
{
	unsigned int i, n = 0;

	for (i = 0; i < 1024; i++) {
		uint32_t now = pci_conf_read(sbdf, (uint16_t)(4 * i), 4);

		if (i == PCI_COMMAND / 4)
			now |= before[i] & PCI_COMMAND_MASTER;
		if (now == before[i])
			continue;
		print_error("%x at %x: %x, was %x\n", sbdf.sbdf, 4 * i, now,
			    before[i]);
		n++;
	}
	return n;
}

/* All devices, each by all that it has. */
static unsigned int reset_all(uint16_t seg)
{
	struct pci_dev *pdev;
	unsigned int n = 0, m;

	for (pdev = pci_next_pdev(seg, NULL); pdev;
	     pdev = pci_next_pdev(seg, pdev)) {
		pci_sbdf_t sbdf = pcidev_sbdf(pdev);
		int methods = pci_reset_methods(sbdf);

		assert_true(methods >= 0);
		for (m = 0; m < PCI_RESET_METHODS; m++) {
			if (!(methods & 1 << m))
				continue;
			snapshot(sbdf);
			assert_int_equal(
				pci_reset_device(sbdf, (enum pci_reset_method)m,
						 NULL, NULL),
				0);
			assert_int_equal(changed(sbdf), 0);
			n++;
		}
	}
	return n;
}

static void test_every_register_is_as_before(void **state)
{
	(void)state;
	assert_true(reset_all(0) > 20);
	assert_true(reset_all(1) > 0);
}

/* --- guests ------------------------------------------------------------------------ */

static void test_a_guests_traces_go_and_its_transfers_end(void **state)
{
	uint64_t done, again;

	(void)state;
	assert_int_equal(give(one, at(FIRST)), 0);
	mark(at(FIRST));
	fabric_tester_set(f, at(FIRST), FABRIC_TESTER_COMMAND,
			  FABRIC_TESTER_READ | FABRIC_TESTER_RUN);
	assert_int_equal(take(one, at(FIRST)), 0);
	assert_false(is_marked(at(FIRST)));
	expect_owner(at(FIRST), "hardware", "");
	fabric_tester_get(f, at(FIRST), FABRIC_TESTER_DONE, &done);
	fabric_turn(f);
	fabric_tester_get(f, at(FIRST), FABRIC_TESTER_DONE, &again);
	assert_int_equal(done, again);
}

static void test_a_group_comes_and_goes(void **state)
{
	(void)state;
	mark(at(TWO_0));
	mark(at(TWO_1));
	assert_int_equal(give(one, at(TWO_0)), 0);
	assert_false(is_marked(at(TWO_0)));
	assert_false(is_marked(at(TWO_1)));
	mark(at(TWO_1));
	assert_int_equal(take(one, at(TWO_0)), 0);
	assert_false(is_marked(at(TWO_1)));
	expect_owner(at(TWO_0), "hardware", "");
	expect_owner(at(TWO_1), "hardware", "");
}

static void fails(enum fabric_fault_kind kind, const char *why)
{
	const char *told = NULL;

	assert_int_equal(give(one, tester(0)), 0);
	spoil(tester(0), kind, 0);
	assert_int_equal(take(one, tester(0)), -EIO);
	assert_string_equal(report.reason, why);
	expect_owner(tester(0), "quarantine", why);
	assert_int_equal(give(one, tester(0)), -EBADF);
	assert_int_equal(pci_unquarantine_device(tester(0), &told), -EIO);
	assert_int_equal(give_quarantined(one, tester(0)), -EIO);
	assert_non_null(report.reason);
	expect_owner(tester(0), "quarantine", report.reason);
	assert_int_equal(fabric_fault_clear(f, tester(0)), 0);
	assert_int_equal(pci_unquarantine_device(tester(0), NULL), 0);
	assert_int_equal(give(one, tester(0)), 0);
	assert_int_equal(take(one, tester(0)), 0);
}

static void test_bad_ones_stay(void **state)
{
	(void)state;
	fails(FABRIC_IGNORES_RESET, "the reset had no effect");
	fails(FABRIC_DEAD_AFTER_RESET, "it does not answer after a reset");
	fails(FABRIC_PENDING, "transactions are pending after a reset");
}

static void test_slow_ones_are_waited_for(void **state)
{
	uint64_t start;

	(void)state;
	assert_int_equal(give(one, tester(0)), 0);
	spoil(tester(0), FABRIC_SLOW_RESET, 950 * PLAT_NSEC_PER_MSEC);
	start = clock_now;
	assert_int_equal(take(one, tester(0)), 0);
	assert_true(clock_now - start >= 950 * PLAT_NSEC_PER_MSEC);
	expect_owner(tester(0), "hardware", "");
}

static void test_what_nothing_resets_goes_but_does_not_come_back(void **state)
{
	(void)state;
	assert_int_equal(give(one, at(STUBBORN)), 0);
	assert_int_equal(take(one, at(STUBBORN)), -EIO);
	expect_owner(at(STUBBORN), "quarantine", "there is no way to reset it");
	assert_int_equal(pci_unquarantine_device(at(STUBBORN), NULL), 0);
}

static void test_one_of_five_dies_in_its_reset(void **state)
{
	unsigned int i;
	struct domain *d;

	(void)state;
	assert_int_equal(domain_create(0, "short", NULL, NULL, &d), 0);
	for (i = 0; i < 5; i++) {
		assert_int_equal(give(d, tester(i)), 0);
		mark(tester(i));
	}
	spoil(tester(2), FABRIC_DEAD_AFTER_RESET, 0);
	assert_int_equal(domain_destroy(d), 0);
	domain_put(d);
	for (i = 0; i < 5; i++) {
		expect_owner(tester(i), i == 2 ? "quarantine" : "hardware",
			     i == 2 ? "it does not answer after a reset" : "");
		assert_false(i != 2 && is_marked(tester(i)));
	}
}

/* --- groups ------------------------------------------------------------------------- */

/* A guest that has a neighbour would have this one, too. */
static void test_it_stays_while_a_guest_has_its_neighbour(void **state)
{
	(void)state;
	assert_int_equal(pci_quarantine_device(at(TWO_1), "by test"), 0);
	assert_int_equal(give(one, at(TWO_0)), 0);
	assert_int_equal(pci_unquarantine_device(at(TWO_1), NULL), -EPERM);
	expect_owner(at(TWO_1), "quarantine", "by test");
	assert_int_equal(take(one, at(TWO_0)), 0);
	assert_int_equal(pci_unquarantine_device(at(TWO_1), NULL), 0);
	expect_owner(at(TWO_1), "hardware", "");
}

/* It comes to its neighbour, and nothing of it is left. */
static void test_from_quarantine_it_is_reset_for_its_guest(void **state)
{
	(void)state;
	mark(at(TWO_1));
	assert_int_equal(pci_quarantine_device(at(TWO_1), "by test"), 0);
	assert_int_equal(give(one, at(TWO_0)), 0);
	assert_true(is_marked(at(TWO_1)));
	assert_int_equal(give_quarantined(one, at(TWO_1)), 0);
	assert_false(is_marked(at(TWO_1)));
	expect_owner(at(TWO_1), "one", "");
	assert_int_equal(take(one, at(TWO_0)), 0);
	expect_owner(at(TWO_1), "hardware", "");
}

int main(void)
{
#define LAB(test) cmocka_unit_test_setup_teardown(test, lab, tear_down)
	const struct CMUnitTest tests[] = {
		LAB(test_each_by_its_way),
		LAB(test_every_register_is_as_before),
		cmocka_unit_test_setup_teardown(
			test_every_register_is_as_before, server, tear_down),
		LAB(test_a_guests_traces_go_and_its_transfers_end),
		LAB(test_a_group_comes_and_goes),
		LAB(test_bad_ones_stay),
		LAB(test_slow_ones_are_waited_for),
		LAB(test_what_nothing_resets_goes_but_does_not_come_back),
		LAB(test_one_of_five_dies_in_its_reset),
		LAB(test_it_stays_while_a_guest_has_its_neighbour),
		LAB(test_from_quarantine_it_is_reset_for_its_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
