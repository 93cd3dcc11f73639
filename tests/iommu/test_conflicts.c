/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who and what is in the way when a device changes hands: neighbours, regions,
 * units that refuse, and who arrives meanwhile.
 */
#include <pthread.h>
#include <sched.h>

#include "shape.h"

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
	ops.reserved = unit_reserved;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHAPE(test_a_member_that_is_drained),
		SHAPE(test_a_member_that_is_drained_is_no_guests),
		SHAPE(test_the_first_that_is_busy_is_named),
		SHAPE(test_one_in_quarantine_is_not_brought_along),
		SHAPE(test_a_neighbour_that_is_hidden_is_no_guests),
		SHAPE(test_a_region_is_mapped_while_the_device_comes),
		SHAPE(test_another_stage_does_not_have_it),
		cmocka_unit_test_setup_teardown(
			test_another_stage_does_not_have_it,
			shape_setup_without, shape_teardown),
		SHAPE(test_all_of_its_ids_are_refused),
		SHAPE(test_a_unit_without_ats),
		SHAPE(test_a_unit_that_does_not_take_it_back),
		SHAPE(test_what_was_quiet_is_its_owners_again),
		SHAPE(test_the_deadline_comes_before_the_flush_is_given_up),
		SHAPE(test_who_arrives_waits_for_an_assignment),
		SHAPE(test_who_arrives_is_seen_by_an_assignment),
		SHAPE(test_nobody_is_faster_than_its_arrival),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
