/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines and units that no fabric is, on a host of nothing but counters; and
 * what comes in between. One thread, and a clock of our own.
 */
#include <pthread.h>
#include <sched.h>

#include "../device/support.h"
#include "../reset/clock.h"
#include "iommu/internal.h"

#define ATS_AT 0x100 /* the only one that is listed */
#define ACS_AT 0x140
#define ISOLATES (PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)

/* --- the unit -------------------------------------------------------------------- */

static struct unit {
	int attach_error; /* to anything but BLOCKED */
	int flush_error, flush_done;
	unsigned int flushes, blocked;
	struct iommu_region region; /* reserved for all; size 0: none */
	pci_sbdf_t confused, with;  /* the first is not told from the second */
} unit;

static int space_create(struct pci_host *host, unsigned int domid,
			struct iommu_space **out)
{
	(void)host;
	(void)domid;
	*out = (struct iommu_space *)&unit;
	return 0;
}

static void space_destroy(struct pci_host *host, struct iommu_space *space)
{
	(void)host;
	(void)space;
}

static int map(struct pci_host *host, struct iommu_space *space, uint64_t dma,
	       uint64_t hpa, uint64_t size, unsigned int flags)
{
	(void)host;
	(void)space;
	(void)dma;
	(void)hpa;
	(void)size;
	(void)flags;
	return 0;
}

static void unmap(struct pci_host *host, struct iommu_space *space,
		  uint64_t dma, uint64_t size)
{
	(void)host;
	(void)space;
	(void)dma;
	(void)size;
}

static int attach(struct pci_host *host, pci_sbdf_t rid, enum iommu_mode mode,
		  struct iommu_space *space)
{
	(void)host;
	(void)rid;
	(void)space;
	unit.blocked += mode == IOMMU_BLOCKED;
	return mode == IOMMU_BLOCKED ? 0 : unit.attach_error;
}

static int flush(struct pci_host *host, const struct iommu_flush *what,
		 uint64_t *ticket)
{
	(void)host;
	(void)what;
	*ticket = ++unit.flushes;
	return unit.flush_error;
}

static int flush_done(struct pci_host *host, uint64_t ticket)
{
	(void)host;
	(void)ticket;
	return unit.flush_done;
}

static int reserved(struct pci_host *host, pci_sbdf_t sbdf, unsigned int i,
		    struct iommu_region *out)
{
	(void)host;
	(void)sbdf;
	*out = unit.region;
	return unit.region.size && !i ? 0 : -ENOENT;
}

static bool tells_apart(struct pci_host *host, pci_sbdf_t sbdf,
			pci_sbdf_t *with)
{
	(void)host;
	*with = unit.with;
	return sbdf.sbdf != unit.confused.sbdf;
}

/* Neither ATS, nor regions, nor confusion: as little as a unit must have. */
static const struct iommu_ops least = {
	.space_create = space_create,
	.space_destroy = space_destroy,
	.map = map,
	.unmap = unmap,
	.attach = attach,
	.flush = flush,
	.flush_done = flush_done,
};

static struct iommu_ops ops;

/* --- the host, and the stage that comes between -------------------------------------- */

static uint32_t acs_control;
static int acs_error;

static int answer(pci_sbdf_t sbdf, uint16_t reg, uint8_t size, uint32_t *val)
{
	(void)sbdf;
	*val = reg == ATS_AT                  ? PCI_EXT_CAP_ID_ATS | 1 << 16
	       : reg == ACS_AT + PCI_ACS_CAP  ? ISOLATES
	       : reg == ACS_AT + PCI_ACS_CTRL ? acs_control
	       : reg == PCI_COMMAND           ? PCI_COMMAND_MASTER
					      : 0;
	*val &= conf_ones(size);
	return reg == ACS_AT + PCI_ACS_CTRL ? acs_error : 0;
}

static void (*on_added)(struct pci_dev *pdev);

static void added(struct pci_dev *pdev)
{
	void (*fn)(struct pci_dev *) = on_added;

	on_added = NULL;
	if (fn)
		fn(pdev);
}

static const struct pci_stage first = { .name = "first",
					.rank = PCI_STAGE_RESET,
					.added = added };

static struct domain *one, *two;

static int open_with(const struct pci_iommu_options *options, void **state)
{
	clock_start();
	unit = (struct unit){ 0 };
	ops = least;
	acs_control = ISOLATES;
	acs_error = 0;
	on_added = NULL;
	if (test_setup(state) || pci_stage_register(&first) ||
	    (options && pci_iommu_init(options)))
		return -1;
	test_host.host.iommu = &ops;
	test_host.answer = answer;
	one = guest("one", NULL);
	two = guest("two", NULL);
	return 0;
}

static int setup(void **state)
{
	return open_with(&(struct pci_iommu_options){ .ats = true }, state);
}

static int setup_trusting(void **state)
{
	return open_with(
		&(struct pci_iommu_options){ .quarantine =
						     PCI_QUARANTINE_NONE },
		state);
}

static int setup_without(void **state)
{
	return open_with(NULL, state);
}

static int teardown(void **state)
{
	end_of(one);
	end_of(two);
	assert_int_equal(test_teardown(state), 0);
	test_host.host.iommu = NULL;
	return 0;
}

/* --- machines ---------------------------------------------------------------------------- */

struct shape {
	const char *sbdf, *parent; /* NULL: itself */
	enum pci_dev_type type;
	uint8_t secondary, stride;
	bool acs, vf, ats;
	uint8_t header;
};

static int try_shape(const struct shape *s)
{
	const struct pci_dev_desc desc = {
		.sbdf = at(s->sbdf),
		.parent = at(s->parent ? s->parent : s->sbdf),
		.type = (uint8_t)s->type,
		.hdr_type = s->header,
		.secondary = s->secondary,
		.subordinate = s->secondary,
		.phantom_stride = s->stride,
		.acs = s->acs ? ACS_AT : 0,
		.ats = s->ats ? ATS_AT : 0,
		.is_vf = s->vf,
		.cfg_size = 4096,
		.ident = { .vendor = 0x8086 },
	};

	return pci_register_device(&desc, NULL);
}

static void shape(const struct shape *s)
{
	assert_int_equal(try_shape(s), 0);
}

static void endpoint(const char *sbdf, const char *parent)
{
	shape(&(struct shape){ sbdf, parent, PCI_TYPE_ENDPOINT });
}

/* @n of them, from 1:0.0 up, below a port without ACS at 0:1.0. */
static void many(unsigned int n)
{
	char sbdf[PCI_SBDF_LEN];
	unsigned int i;

	shape(&(struct shape){ "0:0:1.0", NULL, PCI_TYPE_ROOT_PORT, 1 });
	for (i = 0; i < n; i++) {
		pci_sbdf_print(sbdf,
			       (pci_sbdf_t){ .bdf = (uint16_t)(0x100 + i) });
		endpoint(sbdf, "0:0:1.0");
	}
}

static struct pci_assign_report told;

static int give(struct domain *d, const char *sbdf, unsigned int flags)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	return pci_assign_device(d, at(sbdf), flags, &vsbdf, &told);
}

static const char *owner(const char *sbdf)
{
	static struct pci_dev_info info;

	info = info_of(sbdf);
	return info.owner_name;
}

static const char *broken(const char *sbdf)
{
	const char *why = info_of(sbdf).broken;

	return why ? why : "";
}

static struct pci_iommu_info context(const char *sbdf)
{
	struct pci_iommu_info info;

	assert_int_equal(pci_iommu_query(at(sbdf), &info), 0);
	return info;
}

/* --- groups -------------------------------------------------------------------------------- */

#define PORT PCI_TYPE_ROOT_PORT
#define EP PCI_TYPE_ENDPOINT

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
	ops.tells_apart = tells_apart;
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

/* --- who is in the way ------------------------------------------------------------------------ */

static void test_a_member_that_is_drained(void **state)
{
	struct pci_group_member member[4];
	struct pci_removal *op;
	struct pci_dev *ref;

	(void)state;
	many(3);
	assert_int_equal(pci_quarantine_device(at("0:1:0.2"), "a test"), 0);
	ref = get("0:1:0.1");
	assert_int_equal(pci_removal_start(at("0:1:0.1"), 0, 1000 * MSEC, "t",
					   NULL, NULL, &op),
			 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(give(one, "0:1:0.0", PCI_ASSIGN_GROUP), -EBUSY);
	assert_string_equal(told.who, "removal");
	assert_int_equal(told.sbdf.sbdf, at("0:1:0.1").sbdf);
	assert_int_equal(pci_test_assign(one, at("0:1:0.0"), PCI_ASSIGN_GROUP,
					 &told),
			 -EBUSY);
	assert_int_equal(pci_device_group(at("0:1:0.0"), member, 4), -EBUSY);
	assert_int_equal(member->sbdf.sbdf, at("0:1:0.1").sbdf);
	assert_int_equal(pci_device_group(at("0:1:0.0"), NULL, 0), -EBUSY);
	assert_int_equal(pci_device_group(at("0:1:0.1"), NULL, 0), -EBUSY);
	member->sbdf = at("0:1:0.0");
	assert_int_equal(pci_device_group(at("0:1:0.1"), member, 1), -EBUSY);
	assert_int_equal(member->sbdf.sbdf, at("0:1:0.1").sbdf);
	assert_int_equal(pci_unquarantine_device(at("0:1:0.2"), NULL), -EBUSY);
	/* Who arrives next to it cannot know; who is next to one lost can. */
	endpoint("0:1:0.3", "0:0:1.0");
	assert_string_equal(broken("0:1:0.3"),
			    "a guest has its isolation group");
	assert_int_equal(pci_mark_lost(at("0:1:0.1")), 0);
	assert_int_equal(pci_device_group(at("0:1:0.0"), member, 4), 4);
	pcidev_put(ref);
	pci_removal_finish(op);
	assert_int_equal(pci_device_lost(at("0:1:0.1")), 0);
}

/* It is the host's as long as it is there: who comes home next to it may. */
static void test_a_member_that_is_drained_is_no_guests(void **state)
{
	struct pci_removal *op;
	struct pci_dev *ref;
	int err;

	(void)state;
	many(3);
	assert_int_equal(pci_hide_device(at("0:1:0.2"), true), 0);
	ref = get("0:1:0.1");
	assert_int_equal(pci_removal_start(at("0:1:0.1"), 0, 1000 * MSEC, "t",
					   NULL, NULL, &op),
			 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	err = pci_hide_device(at("0:1:0.2"), false);
	pcidev_put(ref);
	while (pci_removal_step(op) == -EINPROGRESS)
		;
	pci_removal_finish(op);
	assert_int_equal(err, 0);
	assert_string_equal(broken("0:1:0.2"), "");
}

static void test_the_first_that_is_busy_is_named(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	many(3);
	pdev = get("0:1:0.1");
	assert_int_equal(pcidev_begin(pdev, PCI_OP_RESET, NULL), 0);
	assert_int_equal(give(one, "0:1:0.2", PCI_ASSIGN_GROUP), -EBUSY);
	assert_string_equal(told.who, "reset");
	assert_int_equal(told.sbdf.sbdf, at("0:1:0.1").sbdf);
	assert_int_equal(pci_test_assign(one, at("0:1:0.2"), PCI_ASSIGN_GROUP,
					 &told),
			 -EBUSY);
	assert_int_equal(info_of("0:1:0.0").op, PCI_OP_NONE);
	assert_int_equal(info_of("0:1:0.2").op, PCI_OP_NONE);
	pcidev_end(pdev);
	pcidev_put(pdev);
	assert_int_equal(give(one, "0:1:0.2", PCI_ASSIGN_GROUP), 0);
	assert_int_equal(pci_deassign_device(one, at("0:1:0.2"),
					     PCI_ASSIGN_RELAXED, NULL),
			 -EINVAL);
	assert_int_equal(pci_deassign_device(hardware_domain, at("0:1:0.2"), 0,
					     NULL),
			 -EINVAL);
	assert_int_equal(pci_deassign_device(two, at("0:1:0.2"), 0, NULL),
			 -ENODEV);
}

/* What rests in quarantine stays there, whatever becomes of the others. */
static void test_one_in_quarantine_is_not_brought_along(void **state)
{
	pci_sbdf_t vsbdf = at("0:0:9.0");
	struct pci_dev *pdev;

	(void)state;
	many(3);
	endpoint("0:2:0.0", NULL);
	assert_int_equal(pci_assign_device(one, at("0:2:0.0"), 0, &vsbdf, NULL),
			 0);
	assert_int_equal(pci_quarantine_device(at("0:1:0.0"), "a test"), 0);
	assert_int_equal(pci_assign_device(one, at("0:1:0.2"), PCI_ASSIGN_GROUP,
					   &vsbdf, &told),
			 -EEXIST);
	assert_string_equal(owner("0:1:0.0"), "quarantine");
	assert_string_equal(owner("0:1:0.1"), "hardware");
	assert_string_equal(owner("0:1:0.2"), "hardware");
	assert_int_equal(give(one, "0:1:0.2", PCI_ASSIGN_GROUP), 0);
	assert_string_equal(owner("0:1:0.0"), "quarantine");
	assert_int_equal(pci_unquarantine_device(at("0:1:0.0"), NULL), -EPERM);
	pdev = get("0:1:0.0");
	assert_int_equal(pcidev_mend(pdev), -EIO);
	pcidev_put(pdev);
	assert_string_equal(broken("0:1:0.0"),
			    "it cannot be given back to the host");
	assert_int_equal(pci_quarantine_device(at("0:1:0.1"), "x"), -EBUSY);
}

static void test_a_neighbour_that_is_hidden_is_no_guests(void **state)
{
	(void)state;
	many(2);
	assert_int_equal(pci_quarantine_device(at("0:1:0.0"), "a test"), 0);
	assert_int_equal(pci_hide_device(at("0:1:0.1"), true), 0);
	assert_int_equal(pci_unquarantine_device(at("0:1:0.0"), NULL), 0);
	assert_string_equal(owner("0:1:0.0"), "hardware");
	assert_int_equal(pci_quarantine_device(at("0:1:0.1"), "x"), -EBUSY);
	assert_int_equal(pci_hide_device(at("0:1:0.1"), false), 0);
	assert_int_equal(pci_quarantine_device(at("0:0:1.0"), "x"), -EPERM);
	assert_int_equal(pci_quarantine_device(at("0:2:0.0"), "x"), -ENODEV);
	assert_int_equal(pci_unquarantine_device(at("0:2:0.0"), NULL), -ENODEV);
	assert_int_equal(pci_unquarantine_device(at("0:1:0.0"), NULL), -EINVAL);
}

/* --- a region that is mapped in between ------------------------------------------------------------ */

static int map_there(pci_sbdf_t sbdf)
{
	(void)sbdf;
	test_stage.on_leave = NULL;
	return domain_dma_map(one, unit.region.start, 0x100000, 0x1000,
			      IOMMU_READ);
}

static void test_a_region_is_mapped_while_the_device_comes(void **state)
{
	(void)state;
	ops.reserved = reserved;
	unit.region = (struct iommu_region){ .start = 0x8000, .size = 0x2000 };
	endpoint("0:1:0.0", NULL);
	test_stage.on_leave = map_there;
	assert_int_equal(give(one, "0:1:0.0", 0), -EPERM);
	assert_string_equal(told.reason,
			    "a region of memory is reserved for it");
	assert_int_equal(told.region.start, 0x8000);
	assert_string_equal(owner("0:1:0.0"), "hardware");
	assert_int_equal(domain_dma_unmap(one, 0x8000, 0x1000), 0);
	assert_int_equal(give(one, "0:1:0.0", 0), 0);
}

static void mend(const char *sbdf)
{
	struct pci_dev *pdev = get(sbdf);

	test_stage.enter_error = 0;
	assert_int_equal(pcidev_mend(pdev), 0);
	pcidev_put(pdev);
}

/* Another stage's "no" is not blamed on a region. */
static void test_another_stage_does_not_have_it(void **state)
{
	(void)state;
	endpoint("0:1:0.0", NULL);
	test_stage.enter_error = -EPERM;
	assert_int_equal(give(one, "0:1:0.0", 0), -EPERM);
	assert_int_equal(told.sbdf.sbdf, at("0:1:0.0").sbdf);
	assert_null(told.reason);
	mend("0:1:0.0");
}

/* --- units that refuse --------------------------------------------------------------------------- */

static void test_all_of_its_ids_are_refused(void **state)
{
	const char *why = NULL;

	(void)state;
	shape(&(struct shape){ "0:1:0.0", NULL, EP, .stride = 2 });
	assert_int_equal(context("0:1:0.0").rids, 4);
	unit.flushes = 0;
	unit.flush_error = -EIO;
	assert_int_equal(pci_quarantine_device(at("0:1:0.0"), "a test"), -EIO);
	assert_int_equal(unit.flushes, 4); /* each is asked for */
	assert_true(context("0:1:0.0").stuck);
	assert_int_equal(pci_unquarantine_device(at("0:1:0.0"), NULL), -EIO);
	assert_int_equal(pci_unquarantine_device(at("0:1:0.0"), &why), -EIO);
	assert_string_equal(why, "the IOMMU has refused to forget it");
	unit.flush_error = 0;
	assert_int_equal(pci_unquarantine_device(at("0:1:0.0"), &why), 0);
	assert_int_equal(context("0:1:0.0").mode, IOMMU_IDENTITY);
}

static void test_a_unit_without_ats(void **state)
{
	(void)state;
	shape(&(struct shape){ "0:1:0.0", NULL, EP, .ats = true });
	assert_int_equal(context("0:1:0.0").mode, IOMMU_IDENTITY);
	assert_false(context("0:1:0.0").ats);
	assert_int_equal(give(one, "0:1:0.0", 0), 0);
	assert_false(context("0:1:0.0").ats);
}

static void test_a_unit_that_does_not_take_it_back(void **state)
{
	(void)state;
	endpoint("0:1:0.0", NULL);
	test_stage.quiesce_error = -EIO;
	unit.attach_error = -EIO;
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), -EIO);
	test_stage.quiesce_error = 0;
	unit.attach_error = 0;
	assert_int_equal(pci_unquarantine_device(at("0:1:0.0"), NULL), 0);
	assert_int_equal(context("0:1:0.0").mode, IOMMU_IDENTITY);
}

/* Made quiet by a removal that then does not end: its DMA comes again. */
static void quiesce_and_restore(const char *sbdf)
{
	struct pci_dev *pdev = get(sbdf);
	unsigned int done = 0;
	const char *why;

	assert_int_equal(pcidev_begin(pdev, PCI_OP_RESET, NULL), 0);
	assert_int_equal(pci_stages_quiesce(pdev, &done,
					    plat_now() + 1000 * MSEC, &why),
			 0);
	pci_stages_restore(pdev);
	pcidev_end(pdev);
	pcidev_put(pdev);
}

static void test_what_was_quiet_is_its_owners_again(void **state)
{
	(void)state;
	endpoint("0:1:0.0", NULL);
	shape(&(struct shape){ "0:0:2.0", NULL, PCI_TYPE_LEGACY_BRIDGE, 2 });
	quiesce_and_restore("0:1:0.0");
	assert_int_equal(context("0:1:0.0").mode, IOMMU_IDENTITY);
	quiesce_and_restore("0:0:2.0"); /* which sends nothing of its own */
	assert_string_equal(broken("0:0:2.0"), "");
	unit.attach_error = -EIO;
	quiesce_and_restore("0:1:0.0");
	assert_string_equal(broken("0:1:0.0"),
			    "the IOMMU does not take it back");
	assert_int_equal(context("0:1:0.0").mode, IOMMU_BLOCKED);
	unit.attach_error = 0;
	assert_int_equal(pci_hide_device(at("0:1:0.0"), true), -EBADF);
	assert_int_equal(pci_quarantine_device(at("0:1:0.0"), "x"), 0);
	quiesce_and_restore("0:1:0.0");
	assert_int_equal(context("0:1:0.0").mode, IOMMU_BLOCKED);
	endpoint("0:3:0.0", NULL);
	assert_int_equal(pci_hide_device(at("0:3:0.0"), true), 0);
	quiesce_and_restore("0:3:0.0");
	assert_int_equal(context("0:3:0.0").mode, IOMMU_BLOCKED);
	/* A bridge may be hidden, and comes back without a context. */
	assert_int_equal(pci_hide_device(at("0:0:2.0"), true), 0);
	quiesce_and_restore("0:0:2.0");
	assert_int_equal(pci_hide_device(at("0:0:2.0"), false), 0);
	assert_string_equal(owner("0:0:2.0"), "hardware");
}

static void half_the_time_is_over(pci_sbdf_t sbdf)
{
	(void)sbdf;
	clock_now += PCI_QUIESCE_TIME - PCI_FLUSH_TIME / 2;
	test_stage.on_quiesce = NULL;
}

/* Other stages have used the time that it would have. */
static void test_the_deadline_comes_before_the_flush_is_given_up(void **state)
{
	(void)state;
	endpoint("0:1:0.0", NULL);
	unit.flush_done = -EINPROGRESS;
	test_stage.on_quiesce = half_the_time_is_over;
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), -EIO);
	assert_string_equal(report.reason,
			    "the IOMMU has not forgotten it by the deadline");
	unit.flush_done = 0;
}

/* --- arrivals ----------------------------------------------------------------------------------------- */

static struct pci_dev *member;

static void member_is_free(void)
{
	pcidev_end(member);
	pcidev_put(member);
}

/* An assignment of a neighbour is waited for: it might be a guest's by then. */
static void test_who_arrives_waits_for_an_assignment(void **state)
{
	(void)state;
	many(1);
	member = get("0:1:0.0");
	assert_int_equal(pcidev_begin(member, PCI_OP_ASSIGN, one), 0);
	clock_meanwhile = member_is_free;
	endpoint("0:1:0.1", "0:0:1.0");
	assert_null(clock_meanwhile);
	assert_int_equal(context("0:1:0.1").mode, IOMMU_IDENTITY);
	assert_string_equal(broken("0:1:0.1"), "");
}

/* --- memory (--wrap=plat_zalloc): what happens at the so-manieth request for it */

static unsigned int alloc_in;
static void (*on_alloc)(void);

void *__wrap_plat_zalloc(size_t size);
void *__real_plat_zalloc(size_t size);

void *__wrap_plat_zalloc(size_t size)
{
	if (alloc_in && !--alloc_in)
		on_alloc();
	return __real_plat_zalloc(size);
}

static pthread_t arrival;

static void *arrive(void *unused)
{
	endpoint("0:1:0.1", "0:0:1.0");
	return unused;
}

static void arrives(void)
{
	assert_int_equal(pthread_create(&arrival, NULL, arrive, NULL), 0);
	while (!is_there("0:1:0.1"))
		sched_yield();
}

/*
 * Between the marks of an assignment and its second look: it is seen, and
 * comes along, or is in the way; in no case it is left next to a guest's.
 */
static void test_who_arrives_is_seen_by_an_assignment(void **state)
{
	int err;

	(void)state;
	many(1);
	on_alloc = arrives;
	alloc_in = 3; /* the group, its moves, the second look */
	err = give(one, "0:1:0.0", PCI_ASSIGN_GROUP);
	assert_int_equal(alloc_in, 0);
	pthread_join(arrival, NULL);
	assert_true(!err || err == -EBUSY);
	assert_string_equal(owner("0:1:0.0"), err ? "hardware" : "one");
	assert_string_equal(owner("0:1:0.1"), err ? "hardware" : "one");
	assert_string_equal(broken("0:1:0.1"), "");
}

static pthread_t loser;

static void *lose(void *pdev)
{
	assert_int_equal(pci_device_lost(pcidev_sbdf(pdev)), 0);
	return NULL;
}

static void is_asked_for(struct pci_dev *pdev)
{
	pci_sbdf_t sbdf = pcidev_sbdf(pdev);
	struct pci_removal *op;
	char name[PCI_SBDF_LEN];

	assert_int_equal(pci_hide_device(sbdf, true), -EBUSY);
	assert_int_equal(pci_removal_start(sbdf, PCI_REMOVE_FORCE,
					   PLAT_NSEC_PER_SEC, NULL, NULL, NULL,
					   &op),
			 -EBUSY);
	assert_int_equal(give(one, pci_sbdf_print(name, sbdf), 0), -EBUSY);
	assert_string_equal(told.who, "registration");
}

static void is_lost(struct pci_dev *pdev)
{
	assert_int_equal(pthread_create(&loser, NULL, lose, pdev), 0);
	while (!pcidev_marked(pdev, PCI_MARK_LOST))
		sched_yield();
}

static void test_nobody_is_faster_than_its_arrival(void **state)
{
	(void)state;
	on_added = is_asked_for;
	endpoint("0:1:0.0", NULL);
	assert_null(on_added);
	assert_int_equal(context("0:1:0.0").mode, IOMMU_IDENTITY);
	assert_int_equal(pci_remove_device(at("0:1:0.0"), 0, 0, NULL), 0);
	on_added = is_lost;
	endpoint("0:2:0.0", NULL);
	pthread_join(loser, NULL);
	assert_false(is_there("0:2:0.0"));
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

#define SHAPE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		SHAPE(test_a_member_that_is_drained),
		SHAPE(test_a_member_that_is_drained_is_no_guests),
		SHAPE(test_the_first_that_is_busy_is_named),
		SHAPE(test_one_in_quarantine_is_not_brought_along),
		SHAPE(test_a_neighbour_that_is_hidden_is_no_guests),
		SHAPE(test_a_region_is_mapped_while_the_device_comes),
		SHAPE(test_another_stage_does_not_have_it),
		cmocka_unit_test_setup_teardown(
			test_another_stage_does_not_have_it, setup_without,
			teardown),
		SHAPE(test_all_of_its_ids_are_refused),
		SHAPE(test_a_unit_without_ats),
		SHAPE(test_a_unit_that_does_not_take_it_back),
		SHAPE(test_what_was_quiet_is_its_owners_again),
		SHAPE(test_the_deadline_comes_before_the_flush_is_given_up),
		SHAPE(test_who_arrives_waits_for_an_assignment),
		SHAPE(test_who_arrives_is_seen_by_an_assignment),
		SHAPE(test_nobody_is_faster_than_its_arrival),
		SHAPE(test_acs_that_cannot_be_read_is_off),
		SHAPE(test_acs_that_cannot_be_written_is_off),
		SHAPE(test_a_read_only_hosts_acs_is_as_it_is),
		SHAPE(test_a_host_without_a_unit),
		SHAPE(test_the_limit_where_the_host_may_block),
		cmocka_unit_test_setup_teardown(
			test_without_the_stage_there_is_no_confinement,
			setup_without, teardown),
		SHAPE(test_breaches_are_found),
		cmocka_unit_test_setup_teardown(test_trusted_in_quarantine,
						setup_trusting, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
