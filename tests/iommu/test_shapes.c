/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is in whose isolation group, and hosts and units of all kinds. */
#include "shape.h"

/* --- groups -------------------------------------------------------------------------------- */

static const struct machine {
	const char *what;
	struct shape shape[5];
	const char *asked;
	int members;
	enum pci_group_why why; /* of the second */
	unsigned int rids;      /* of the one asked about */
} machine[] = {
	{ "a bridge behind a bridge",
	  { { "0:0:1.0", NULL, PORT, 1, .acs = true },
	    { "0:1:0.0", "0:0:1.0", PCI_TYPE_PCIE_TO_PCI, 2 },
	    { "0:2:0.0", "0:1:0.0", PCI_TYPE_LEGACY_BRIDGE, 3 },
	    { "0:3:1.0", "0:2:0.0", PCI_TYPE_PCI } },
	  "0:3:1.0",
	  3,
	  PCI_GROUP_BRIDGE,
	  2 },
	{ "a CardBus bridge",
	  { { "0:0:2.0", NULL, PCI_TYPE_CARDBUS, 4 },
	    { "0:4:0.0", "0:0:2.0", PCI_TYPE_PCI } },
	  "0:4:0.0",
	  2,
	  PCI_GROUP_BRIDGE,
	  2 },
	{ "a card whose name is the alias",
	  { { "0:0:2.0", NULL, PORT, 4, .acs = true },
	    { "0:4:0.0", "0:0:2.0", PCI_TYPE_PCIE_TO_PCI, 5 },
	    { "0:5:0.0", "0:4:0.0", PCI_TYPE_PCI } },
	  "0:5:0.0",
	  2,
	  PCI_GROUP_BRIDGE,
	  1 },
	{ "a bridge from conventional PCI",
	  { { "0:0:3.0", NULL, PCI_TYPE_PCI_TO_PCIE, 5 },
	    { "0:5:0.0", "0:0:3.0", EP } },
	  "0:5:0.0",
	  2,
	  PCI_GROUP_BRIDGE,
	  1 },
	{ "a bridge of a kind that nobody knows",
	  { { "0:0:3.0", NULL, PCI_TYPE_UNKNOWN, 5, .header = 1 },
	    { "0:5:0.0", "0:0:3.0", EP } },
	  "0:5:0.0",
	  2,
	  PCI_GROUP_BRIDGE,
	  1 },
	{ "a downstream port that has no switch",
	  { { "0:0:4.0", NULL, PCI_TYPE_SWITCH_DOWNSTREAM, 6 },
	    { "0:6:0.0", "0:0:4.0", EP } },
	  "0:6:0.0",
	  2,
	  PCI_GROUP_PORT,
	  1 },
	{ "ports of one device, one of them with ACS",
	  { { "0:0:5.0", NULL, PORT, 7, .acs = true },
	    { "0:0:5.1", NULL, PORT, 8 } },
	  "0:0:5.0",
	  1,
	  PCI_GROUP_ALONE,
	  1 },
	{ "the same, asked from the other",
	  { { "0:0:5.0", NULL, PORT, 7 },
	    { "0:0:5.1", NULL, PORT, 8, .acs = true } },
	  "0:0:5.0",
	  1,
	  PCI_GROUP_ALONE,
	  1 },
	{ "ports of one device, none with ACS",
	  { { "0:0:6.0", NULL, PORT, 7 }, { "0:0:6.1", NULL, PORT, 8 } },
	  "0:0:6.0",
	  2,
	  PCI_GROUP_FUNCTION,
	  1 },
	{ "a port and an endpoint in one device",
	  { { "0:0:6.0", NULL, PORT, 7, .acs = true },
	    { "0:0:6.1", NULL, EP, .acs = true },
	    { "0:0:6.2", NULL, EP } },
	  "0:0:6.0",
	  3,
	  PCI_GROUP_FUNCTION,
	  1 },
	{ "functions with ACS",
	  { { "0:0:7.0", NULL, EP, .acs = true },
	    { "0:0:7.1", NULL, EP, .acs = true } },
	  "0:0:7.0",
	  1,
	  PCI_GROUP_ALONE,
	  1 },
	{ "the second of two functions without",
	  { { "0:0:7.0", NULL, EP, .acs = true }, { "0:0:7.1", NULL, EP } },
	  "0:0:7.0",
	  2,
	  PCI_GROUP_FUNCTION,
	  1 },
	{ "a VF next to its PF",
	  { { "0:0:8.0", NULL, EP }, { "0:0:8.1", "0:0:8.0", EP, .vf = true } },
	  "0:0:8.0",
	  1,
	  PCI_GROUP_ALONE,
	  1 },
	{ "the same, asked from the VF",
	  { { "0:0:8.0", NULL, EP }, { "0:0:8.1", "0:0:8.0", EP, .vf = true } },
	  "0:0:8.1",
	  1,
	  PCI_GROUP_ALONE,
	  1 },
	{ "who uses another's number",
	  { { "0:0:9.0", NULL, EP, .stride = 4, .acs = true },
	    { "0:0:9.4", NULL, EP, .acs = true } },
	  "0:0:9.0",
	  2,
	  PCI_GROUP_PHANTOM,
	  2 },
	{ "whose number another uses",
	  { { "0:0:9.0", NULL, EP, .stride = 4, .acs = true },
	    { "0:0:9.4", NULL, EP, .acs = true } },
	  "0:0:9.4",
	  2,
	  PCI_GROUP_PHANTOM,
	  1 },
	{ "one whose number nobody uses",
	  { { "0:0:9.0", NULL, EP, .stride = 4, .acs = true },
	    { "0:0:9.3", NULL, EP, .acs = true } },
	  "0:0:9.0",
	  1,
	  PCI_GROUP_ALONE,
	  2 },
};

static void test_who_is_kept_apart(void **state)
{
	static struct pci_group_member member[PCI_GROUP_MAX];
	unsigned int i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(machine); i++) {
		const struct machine *m = &machine[i];
		int n;

		for (j = 0; m->shape[j].sbdf; j++)
			shape(&m->shape[j]);
		n = pci_device_group(at(m->asked), member, PCI_GROUP_MAX);
		if (n != m->members || (n > 1 && member[1].why != m->why) ||
		    context(m->asked).rids != m->rids)
			fail_msg("%s: %d members, %s, %u requester IDs",
				 m->what, n,
				 pci_group_why_text(member[n > 1].why),
				 context(m->asked).rids);
		while (j--)
			assert_int_equal(pci_device_lost(at(m->shape[j].sbdf)),
					 0);
	}
}

/* The upper bridge's name stands for all: the lower one's for nobody. */
static void test_whose_fault_it_is_behind_two_bridges(void **state)
{
	static const struct {
		const char *rid, *whose;
	} fault[] = {
		{ "0:2:0.0", "0:1:0.0" }, /* the alias: its bridge's */
		{ "0:3:0.0", "0:3:0.0" },
		{ "0:3:1.0", NULL },
	};
	unsigned int i;

	(void)state;
	for (i = 0; machine[0].shape[i].sbdf; i++)
		if (strcmp(machine[0].shape[i].sbdf, "0:3:1.0") != 0)
			shape(&machine[0].shape[i]);
	shape(&(struct shape){ "0:3:0.0", "0:2:0.0", PCI_TYPE_PCI });
	for (i = 0; i < ARRAY_SIZE(fault); i++) {
		const struct iommu_fault f = { .rid = at(fault[i].rid) };

		(void)pci_iommu_fault(&test_host.host, &f);
		if (fault[i].whose)
			assert_int_equal(context(fault[i].whose).fault.total,
					 1);
	}
}

/* It is behind the port, too, and nobody can say with whom. */
static void test_who_is_astray_keeps_its_neighbours(void **state)
{
	struct pci_group_member member[4];

	(void)state;
	endpoint("0:1:1.0", NULL);
	shape(&(struct shape){ "0:0:1.0", NULL, PCI_TYPE_ROOT_PORT, 1 });
	endpoint("0:1:0.0", "0:0:1.0");
	assert_int_equal(pci_device_group(at("0:1:0.0"), member, 4), 3);
	assert_int_equal(give(one, "0:1:0.0", PCI_ASSIGN_GROUP), -EBADF);
	assert_string_equal(told.reason,
			    "behind a bridge that was added after it");
	assert_int_equal(give(one, "0:1:1.0", 0), -EBADF);
	assert_int_equal(pci_device_lost(at("0:1:1.0")), 0);
	endpoint("0:1:1.0", "0:0:1.0");
	assert_int_equal(give(one, "0:1:0.0", PCI_ASSIGN_GROUP), 0);
}

/* Only behind the bridge that leads to its bus. */
static void test_who_is_astray_elsewhere_is_none_of_it(void **state)
{
	struct pci_group_member member[4];

	(void)state;
	endpoint("0:1:1.0", NULL);
	shape(&(struct shape){ "0:0:1.0", NULL, PCI_TYPE_ROOT_PORT, 1 });
	shape(&(struct shape){ "0:0:2.0", NULL, PCI_TYPE_ROOT_PORT, 2 });
	endpoint("0:2:0.0", "0:0:2.0");
	assert_int_equal(pci_device_group(at("0:2:0.0"), member, 4), 2);
	assert_int_equal(give(one, "0:2:0.0", PCI_ASSIGN_GROUP), 0);
}

static void test_whom_a_unit_confuses_with_nobody(void **state)
{
	static const char *const with[] = { "9:0:0.0", "0:0:1f.0", "0:0:1.0" };
	struct pci_group_member member[2];
	unsigned int i;

	(void)state;
	ops.tells_apart = unit_tells_apart;
	endpoint("0:0:1.0", NULL);
	unit.confused = at("0:0:1.0");
	for (i = 0; i < ARRAY_SIZE(with); i++) {
		unit.with = at(with[i]);
		assert_int_equal(pci_device_group(at("0:0:1.0"), member, 2), 1);
	}
}

static void test_a_group_that_is_too_large(void **state)
{
	struct pci_group_member member;

	(void)state;
	many(255); /* with the port: as many as fit */
	assert_int_equal(pci_device_group(at("0:1:0.0"), &member, 1),
			 PCI_GROUP_MAX);
	endpoint("0:1:1f.7", "0:0:1.0");
	assert_int_equal(pci_device_group(at("0:1:0.0"), &member, 1), -E2BIG);
	assert_int_equal(pci_test_assign(one, at("0:1:0.0"), PCI_ASSIGN_GROUP,
					 NULL),
			 -E2BIG);
	assert_int_equal(give(one, "0:1:0.0", PCI_ASSIGN_GROUP), -E2BIG);
	/* No guest can have any of them: who arrives works, and who returns. */
	assert_string_equal(broken("0:1:1f.7"), "");
	assert_int_equal(context("0:1:1f.7").mode, IOMMU_IDENTITY);
	assert_int_equal(pci_quarantine_device(at("0:1:0.0"), "a test"), 0);
	assert_int_equal(pci_unquarantine_device(at("0:1:0.0"), NULL), -E2BIG);
	assert_int_equal(pci_hide_device(at("0:1:0.1"), true), 0);
	assert_int_equal(pci_hide_device(at("0:1:0.1"), false), 0);
	assert_int_equal(context("0:1:0.1").mode, IOMMU_IDENTITY);
	assert_int_equal(pci_device_lost(at("0:1:1f.7")), 0);
	assert_int_equal(pci_unquarantine_device(at("0:1:0.0"), NULL), 0);
}

static void test_more_are_missing_than_are_named(void **state)
{
	(void)state;
	many(PCI_REPORT_MAX + 3);
	assert_int_equal(give(one, "0:1:0.0", 0), -EPERM);
	assert_int_equal(told.missing, PCI_REPORT_MAX + 2);
	assert_int_equal(told.member[0].sbdf.sbdf, at("0:1:0.1").sbdf);
	assert_int_equal(told.member[PCI_REPORT_MAX - 1].sbdf.sbdf,
			 at("0:1:2.0").sbdf);
	assert_int_equal(told.region.start | told.region.size, 0);
	assert_int_equal(told.moved, 0);
}

/* --- ACS that is not what it says ------------------------------------------------------------------------ */

static void test_acs_that_cannot_be_read_is_off(void **state)
{
	static const struct {
		uint32_t control;
		int error;
		bool apart;
	} said[] = {
		{ ISOLATES, 0, true },
		{ 0xffff, 0, false }, /* nobody there */
		{ ISOLATES, -EIO, false },
		{ ISOLATES & ~PCI_ACS_UF, 0, false },
		{ 0, 0, false },
	};
	struct pci_group_member group[2];
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(said); i++) {
		acs_control = said[i].control;
		acs_error = said[i].error;
		shape(&(struct shape){ "0:0:1.0", NULL, PORT, 1, .acs = true });
		endpoint("0:1:0.0", "0:0:1.0");
		assert_int_equal(pci_device_group(at("0:1:0.0"), group, 2),
				 said[i].apart ? 1 : 2);
		assert_int_equal(pci_device_lost(at("0:0:1.0")), 0);
	}
}

static struct pci_host_ops host_ops;
static struct pci_host host = { .ops = &host_ops, .name = "another" };

static void another_host(const struct iommu_ops *iommu)
{
	host_ops = *test_host.host.ops;
	host.iommu = iommu;
	assert_int_equal(pci_segment_add(2, &host), 0);
}

static int answer_of(struct pci_host *h, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	(void)h;
	return answer(sbdf, reg, size, val);
}

static unsigned int written, command;

static int count_write(struct pci_host *h, pci_sbdf_t sbdf, uint16_t reg,
		       uint8_t size, uint32_t val)
{
	(void)h;
	(void)sbdf;
	(void)size;
	(void)val;
	written++;
	command += reg == PCI_COMMAND;
	return 0;
}

static int refuse_write(struct pci_host *h, pci_sbdf_t sbdf, uint16_t reg,
			uint8_t size, uint32_t val)
{
	(void)h;
	(void)sbdf;
	(void)reg;
	(void)size;
	(void)val;
	return -EIO;
}

/* It reads as wanted, and nobody knows whether it is what was written. */
static void test_acs_that_cannot_be_written_is_off(void **state)
{
	struct pci_group_member group[2];

	(void)state;
	another_host(NULL);
	host_ops = (struct pci_host_ops){ .read = answer_of,
					  .write = refuse_write };
	shape(&(struct shape){ "2:0:1.0", NULL, PORT, 1, .acs = true });
	endpoint("2:1:0.0", "2:0:1.0");
	assert_int_equal(pci_device_group(at("2:1:0.0"), group, 2), 2);
}

static void test_a_read_only_hosts_acs_is_as_it_is(void **state)
{
	struct pci_group_member group[2];

	(void)state;
	another_host(NULL);
	host_ops = (struct pci_host_ops){ .read = answer_of,
					  .write = count_write,
					  .read_only = true };
	written = 0;
	shape(&(struct shape){ "2:0:1.0", NULL, PORT, 1, .acs = true });
	endpoint("2:1:0.0", "2:0:1.0");
	assert_int_equal(written, 0);
	assert_int_equal(pci_device_group(at("2:1:0.0"), group, 2), 1);
	assert_int_equal(give(one, "2:1:0.0", 0), -EOPNOTSUPP);
	assert_int_equal(pci_quarantine_device(at("2:1:0.0"), "x"),
			 -EOPNOTSUPP);
}

/* --- hosts without, or that may block ----------------------------------------------------------------------- */

static void test_a_host_without_a_unit(void **state)
{
	struct pci_iommu_info info;

	(void)state;
	another_host(NULL);
	host_ops = (struct pci_host_ops){ .read = answer_of,
					  .write = count_write };
	endpoint("2:1:0.0", NULL);
	assert_int_equal(give(one, "2:1:0.0", 0), -EOPNOTSUPP);
	assert_int_equal(pci_iommu_query(at("2:1:0.0"), &info), -EOPNOTSUPP);
	assert_int_equal(pci_iommu_query(at("2:1:1.0"), &info), -ENODEV);
	assert_int_equal(pci_iommu_query(at("9:1:1.0"), &info), -ENODEV);
	assert_int_equal(pci_quarantine_device(at("2:1:0.0"), "x"), 0);
	assert_int_equal(pci_unquarantine_device(at("2:1:0.0"), NULL), 0);
	quiesce_and_restore("2:1:0.0");
}

static void test_the_limit_where_the_host_may_block(void **state)
{
	struct iommu_fault fault = { .rid = at("2:1:0.0") };
	unsigned int i;

	(void)state;
	another_host(&ops);
	host_ops = (struct pci_host_ops){ .read = answer_of,
					  .write = count_write,
					  .may_block = true };
	endpoint("2:1:0.0", NULL);
	command = 0;
	for (i = 1; i < 10; i++)
		assert_false(pci_iommu_fault(&host, &fault));
	assert_true(pci_iommu_fault(&host, &fault));
	pci_iommu_work();
	assert_int_equal(command, 1);
	assert_true(context("2:1:0.0").fault.master_off);
	assert_false(pci_iommu_fault(&host, &fault)); /* it is off */
}

static void test_without_the_stage_there_is_no_confinement(void **state)
{
	struct iommu_fault fault = { .rid = at("0:1:0.0") };
	struct pci_group_member group[2];
	struct pci_iommu_info info;
	struct pci_dev *pdev;

	(void)state;
	many(2);
	assert_int_equal(pci_device_group(at("0:1:0.0"), group, 2), 1);
	assert_false(pci_iommu_fault(&test_host.host, &fault));
	assert_int_equal(pci_faults_clear(at("0:1:0.0")), 0);
	assert_int_equal(pci_faults_clear(at("0:2:0.0")), -ENODEV);
	assert_int_equal(pci_iommu_query(at("0:1:0.0"), &info), -EOPNOTSUPP);
	pdev = get("0:1:0.0");
	assert_int_equal(iommu_fault_total(pdev), 0);
	pcidev_put(pdev);
	assert_int_equal(give(one, "0:1:0.0", 0), 0);
	assert_int_equal(pci_quarantine_device(at("0:1:0.1"), "x"), 0);
	assert_int_equal(unit.flushes, 0);
}

/* --- what the check finds --------------------------------------------------------------------------------------- */

static void test_breaches_are_found(void **state)
{
	struct pci_iommu *hosts, *guests;
	struct pci_dev *a, *b;

	(void)state;
	endpoint("0:1:0.0", NULL);
	endpoint("0:2:0.0", NULL);
	assert_int_equal(give(one, "0:2:0.0", 0), 0);
	a = get("0:1:0.0");
	b = get("0:2:0.0");
	hosts = a->iommu;
	guests = b->iommu;
	assert_int_equal(pci_check_invariants(), 0);
	hosts->mode = IOMMU_SPACE; /* the host's, in a guest's tables */
	assert_int_equal(pci_check_invariants(), 1);
	hosts->mode = IOMMU_BLOCKED;
	assert_int_equal(pci_check_invariants(), 1);
	hosts->mode = IOMMU_IDENTITY;
	guests->domid++; /* another's */
	assert_int_equal(pci_check_invariants(), 1);
	guests->domid--;
	guests->mode = IOMMU_IDENTITY;
	assert_int_equal(pci_check_invariants(), 1);
	guests->mode = IOMMU_SPACE;
	assert_int_equal(pci_check_invariants(), 0);
	pcidev_put(a);
	pcidev_put(b);
}

static void test_trusted_in_quarantine(void **state)
{
	(void)state;
	endpoint("0:1:0.0", NULL);
	assert_int_equal(pci_quarantine_device(at("0:1:0.0"), "a test"), 0);
	assert_int_equal(context("0:1:0.0").mode, IOMMU_IDENTITY);
	assert_int_equal(pci_unquarantine_device(at("0:1:0.0"), NULL), 0);
	unit.flush_error = -EIO; /* unless the unit knows something yet */
	assert_int_equal(pci_quarantine_device(at("0:1:0.0"), "a test"), -EIO);
	assert_int_equal(context("0:1:0.0").mode, IOMMU_BLOCKED);
	unit.flush_error = 0;
	assert_int_equal(pci_unquarantine_device(at("0:1:0.0"), NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHAPE(test_who_is_kept_apart),
		SHAPE(test_whose_fault_it_is_behind_two_bridges),
		SHAPE(test_who_is_astray_keeps_its_neighbours),
		SHAPE(test_who_is_astray_elsewhere_is_none_of_it),
		SHAPE(test_whom_a_unit_confuses_with_nobody),
		SHAPE(test_a_group_that_is_too_large),
		SHAPE(test_more_are_missing_than_are_named),
		SHAPE(test_acs_that_cannot_be_read_is_off),
		SHAPE(test_acs_that_cannot_be_written_is_off),
		SHAPE(test_a_read_only_hosts_acs_is_as_it_is),
		SHAPE(test_a_host_without_a_unit),
		SHAPE(test_the_limit_where_the_host_may_block),
		cmocka_unit_test_setup_teardown(
			test_without_the_stage_there_is_no_confinement,
			shape_setup_without, shape_teardown),
		SHAPE(test_breaches_are_found),
		cmocka_unit_test_setup_teardown(test_trusted_in_quarantine,
						shape_setup_trusting,
						shape_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
