/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the core tells the host's IOMMU, and in which order: a listener between
 * the two keeps its own account of contexts, spaces, ranges and of what units
 * may still remember, and notes each rule that is broken. All that happens to
 * devices happens once, while flushes take their time and cards go on with
 * their DMA.
 */
#include "story.h"

#define DMA 0x100000ull
#define MORE 0x200000ull
#define MSEC PLAT_NSEC_PER_MSEC

/* --- the account ---------------------------------------------------------------------- */

enum rule {
	ATOMIC,   /* from one place to another by way of nowhere */
	FLUSHED,  /* … and when the unit has forgotten the first */
	LIVE,     /* no requester in a space that is not there */
	UNUSED,   /* a space goes when no unit remembers it */
	UNMAPPED, /* … and nothing is mapped in it */
	RULES
};

enum { RIDS = 256, SPACES = 8, FLUSHES = 4096, RANGES = 256 };

static struct rid {
	pci_sbdf_t rid;
	enum iommu_mode mode;
	struct iommu_space *space;
	/* Until the unit says that it has forgotten: */
	bool remembered;
	struct iommu_space *was;
	unsigned int since; /* flushes that began before do not count */
} rids[RIDS];

static struct range {
	struct iommu_space *space;
	uint64_t start, size;
	bool unmapped; /* and not yet forgotten */
	unsigned int since;
} ranges[RANGES];

static struct space {
	struct iommu_space *space;
	unsigned int domid;
} spaces[SPACES];

static struct flush {
	struct iommu_flush what;
	uint64_t ticket;
} flushes[FLUSHES];

static unsigned int nflushes, nrids, attached, destroyed, broken[RULES];
static const struct iommu_ops *real;

static struct rid *rid_of(pci_sbdf_t rid)
{
	unsigned int i;

	for (i = 0; i < nrids; i++)
		if (rids[i].rid.sbdf == rid.sbdf)
			return &rids[i];
	assert_true(nrids < RIDS);
	rids[nrids].rid = rid;
	return &rids[nrids++];
}

static struct space *space_of(struct iommu_space *space)
{
	unsigned int i;

	for (i = 0; i < SPACES; i++)
		if (spaces[i].space == space)
			return &spaces[i];
	return NULL;
}

static int space_create(struct pci_host *host, unsigned int domid,
			struct iommu_space **out)
{
	int err = real->space_create(host, domid, out);
	struct space *s = space_of(NULL);

	assert_non_null(s);
	if (!err)
		*s = (struct space){ .space = *out, .domid = domid };
	return err;
}

static void space_destroy(struct pci_host *host, struct iommu_space *space)
{
	unsigned int i;

	broken[LIVE] += !space_of(space);
	for (i = 0; i < nrids; i++) {
		broken[LIVE] += rids[i].mode == IOMMU_SPACE &&
				rids[i].space == space;
		broken[UNUSED] += rids[i].remembered && rids[i].was == space;
	}
	for (i = 0; i < RANGES; i++) {
		broken[UNUSED] += ranges[i].space == space &&
				  ranges[i].unmapped;
		broken[UNMAPPED] += ranges[i].space == space &&
				    !ranges[i].unmapped;
		if (ranges[i].space == space)
			ranges[i].space = NULL;
	}
	if (space_of(space))
		space_of(space)->space = NULL;
	destroyed++;
	real->space_destroy(host, space);
}

static int map(struct pci_host *host, struct iommu_space *space, uint64_t dma,
	       uint64_t hpa, uint64_t size, unsigned int flags)
{
	int err = real->map(host, space, dma, hpa, size, flags);
	unsigned int i = 0;

	broken[LIVE] += !space_of(space);
	while (ranges[i].space)
		assert_true(++i < RANGES);
	if (!err)
		ranges[i] = (struct range){ .space = space,
					    .start = dma,
					    .size = size };
	return err;
}

static void note(struct iommu_space *space, uint64_t start, uint64_t end,
		 bool unmapped)
{
	unsigned int i = 0;

	if (start >= end)
		return;
	while (ranges[i].space)
		assert_true(++i < RANGES);
	ranges[i] = (struct range){ .space = space,
				    .start = start,
				    .size = end - start,
				    .unmapped = unmapped,
				    .since = nflushes };
}

static void unmap(struct pci_host *host, struct iommu_space *space,
		  uint64_t dma, uint64_t size)
{
	unsigned int i;

	broken[LIVE] += !space_of(space);
	for (i = 0; i < RANGES; i++) {
		struct range r = ranges[i];

		if (r.space != space || r.unmapped || r.start >= dma + size ||
		    r.start + r.size <= dma)
			continue;
		ranges[i].space = NULL;
		note(space, r.start, dma, false);
		note(space, dma + size, r.start + r.size, false);
	}
	note(space, dma, dma + size, true);
	real->unmap(host, space, dma, size);
}

static int attach(struct pci_host *host, pci_sbdf_t rid, enum iommu_mode mode,
		  struct iommu_space *space)
{
	int err = real->attach(host, rid, mode, space);
	struct rid *r = rid_of(rid);

	if (err)
		return err;
	broken[LIVE] += mode == IOMMU_SPACE && !space_of(space);
	if (mode != IOMMU_BLOCKED) {
		broken[ATOMIC] += r->mode != IOMMU_BLOCKED &&
				  (r->mode != mode || r->space != space);
		broken[FLUSHED] += r->remembered;
	} else if (r->mode != IOMMU_BLOCKED) {
		r->remembered = true;
		r->was = r->space;
		r->since = nflushes;
	}
	attached += mode == IOMMU_SPACE;
	r->mode = mode;
	r->space = space;
	return 0;
}

static int flush(struct pci_host *host, const struct iommu_flush *what,
		 uint64_t *ticket)
{
	int err = real->flush(host, what, ticket);

	if (err)
		return err;
	assert_true(nflushes < FLUSHES);
	flushes[nflushes].what = *what;
	flushes[nflushes++].ticket = *ticket;
	return 0;
}

static bool covers(const struct iommu_flush *what, const struct range *r)
{
	return what->kind == IOMMU_FLUSH_RANGE && what->space == r->space &&
	       what->start <= r->start &&
	       r->start + r->size <= what->start + what->size;
}

static void forgotten(unsigned int n)
{
	const struct iommu_flush *what = &flushes[n].what;
	unsigned int i;

	for (i = 0; i < nrids; i++)
		if (what->kind == IOMMU_FLUSH_CONTEXT && n >= rids[i].since &&
		    what->sbdf.sbdf == rids[i].rid.sbdf)
			rids[i].remembered = false;
	for (i = 0; i < RANGES; i++)
		if (ranges[i].space && ranges[i].unmapped &&
		    n >= ranges[i].since && covers(what, &ranges[i]))
			ranges[i].space = NULL;
}

static int flush_done(struct pci_host *host, uint64_t ticket)
{
	int err = real->flush_done(host, ticket);
	unsigned int i;

	for (i = 0; i < nflushes && !err; i++)
		if (flushes[i].ticket == ticket)
			forgotten(i);
	return err;
}

/* --- all that happens ------------------------------------------------------------------- */

static struct domain *one, *two;
static struct vpci_vcpu vcpu;
static uint64_t ram, more;

static int set_up(void **state)
{
	static struct iommu_ops ops;

	(void)state;
	memset(rids, 0, sizeof(rids));
	memset(ranges, 0, sizeof(ranges));
	memset(spaces, 0, sizeof(spaces));
	memset(broken, 0, sizeof(broken));
	nflushes = nrids = attached = destroyed = 0;
	lab_open(NULL);
	real = fabric_host(f)->iommu;
	ops = *real;
	ops.space_create = space_create;
	ops.space_destroy = space_destroy;
	ops.map = map;
	ops.unmap = unmap;
	ops.attach = attach;
	ops.flush = flush;
	ops.flush_done = flush_done;
	fabric_host(f)->iommu = &ops;
	lab_add_segments();
	assert_int_equal(lab_scan(), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lab_close();
	return 0;
}

static void one_is_busy(void)
{
	static const char *const all[] = { MSIX, SECOND, MULTI, PHANTOM,
					   RESERVED };
	unsigned int i;

	assert_int_equal(domain_create(0, "one", NULL, NULL, &one), 0);
	vpci_vcpu_init(&vcpu, one);
	ram = pages_of(domain_id(one), 4);
	more = pages_of(domain_id(one), 1);
	assert_int_equal(domain_dma_map(one, DMA, ram, 4 * FABRIC_PAGE,
					IOMMU_READ | IOMMU_WRITE),
			 0);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		assert_int_equal(give(one, all[i],
				      PCI_ASSIGN_GROUP | PCI_ASSIGN_RELAXED),
				 0);
		wr(&vcpu, all[i], PCI_COMMAND, 2, PCI_COMMAND_MASTER);
		dma_without_end(all[i], DMA, 0);
	}
	dma_without_end(PHANTOM, DMA, 4);
	assert_int_equal(domain_dma_map(one, MORE, more, FABRIC_PAGE,
					IOMMU_READ | IOMMU_WRITE),
			 0);
	fabric_turn(f);
	assert_int_equal(in_ram(ram) & 0xffff0000, 0x5a5a0000);
}

/* Unmapped, back, to another, by force, pulled, and the guest's death. */
static void tell(void)
{
	fabric_flush_delay(f, 3 * MSEC);
	one_is_busy();
	assert_int_equal(domain_dma_unmap(one, DMA + FABRIC_PAGE, FABRIC_PAGE),
			 0);
	assert_int_equal(fabric_ram_free(f, ram + FABRIC_PAGE, FABRIC_PAGE), 0);
	assert_int_equal(domain_create(0, "two", NULL, NULL, &two), 0);
	assert_int_equal(pci_deassign_device(one, at(MSIX), 0, &report), 0);
	assert_int_equal(give(two, MSIX, 0), 0);
	assert_int_equal(pci_remove_device(at(SECOND), PCI_REMOVE_FORCE,
					   PLAT_NSEC_PER_SEC, NULL),
			 0);
	assert_int_equal(fabric_surprise(f, at(MSIX)), 0);
	assert_int_equal(pci_device_lost(at(MSIX)), 0);
	assert_int_equal(domain_destroy(one), 0);
	vpci_vcpu_fini(&vcpu);
	domain_put(one);
	assert_int_equal(domain_destroy(two), 0);
	domain_put(two);
	plat_rcu_barrier();
	assert_int_equal(fabric_ram_free(f, ram, FABRIC_PAGE), 0);
	assert_int_equal(fabric_ram_free(f, more, FABRIC_PAGE), 0);
	fabric_turn(f);
	assert_true(attached >= 8); /* six, one again, and a phantom */
	assert_int_equal(destroyed, 2);
}

static void keeps(enum rule rule)
{
	tell();
	assert_int_equal(broken[rule], 0);
}

static void test_XSA347_a_requester_goes_by_way_of_nowhere(void **state)
{
	(void)state;
	keeps(ATOMIC);
}

static void test_XSA442_nobody_is_let_in_before_the_flush(void **state)
{
	(void)state;
	keeps(FLUSHED);
}

static void test_XSA386_no_context_leads_to_a_space_that_is_gone(void **state)
{
	(void)state;
	keeps(LIVE);
}

static void test_XSA399_a_space_goes_when_no_unit_knows_it(void **state)
{
	(void)state;
	keeps(UNUSED);
}

/* Its domain dies while a removal waits for the unit to forget a device. */
static void test_XSA399_not_even_when_the_domain_has_gone(void **state)
{
	struct pci_removal *op;

	(void)state;
	assert_int_equal(domain_create(0, "one", NULL, NULL, &one), 0);
	assert_int_equal(give(one, SECOND, 0), 0);
	fabric_flush_delay(f, PLAT_FOREVER);
	assert_int_equal(pci_removal_start(at(SECOND), PCI_REMOVE_FORCE,
					   PLAT_NSEC_PER_SEC, "a test", NULL,
					   NULL, &op),
			 0);
	while (domain_devices(one))
		assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	fabric_flush_delay(f, 0);
	assert_int_equal(domain_destroy(one), 0);
	domain_put(one);
	plat_rcu_barrier();
	assert_int_equal(destroyed, 0);
	fabric_flush_finish(f);
	assert_int_equal(pci_removal_wait(op), 0);
	pci_removal_finish(op);
	assert_int_equal(destroyed, 1);
	assert_int_equal(broken[UNUSED], 0);
}

static void test_XSA400_what_was_mapped_for_it_is_unmapped(void **state)
{
	(void)state;
	keeps(UNMAPPED);
}

/* One call of @call fails, each in turn, while @device is given to a guest. */
static void fails_in_turn(const char *device, enum fabric_call call)
{
	unsigned int nth = 0;
	int err;

	assert_int_equal(domain_create(0, "one", NULL, NULL, &one), 0);
	ram = pages_of(domain_id(one), 2);
	assert_int_equal(domain_dma_map(one, DMA, ram, FABRIC_PAGE, IOMMU_READ),
			 0);
	assert_int_equal(
		domain_dma_map(one, MORE, ram, FABRIC_PAGE, IOMMU_READ), 0);
	do {
		fabric_fail(f, call, ++nth);
		err = give(one, device, 0);
		assert_true(!err || owner(device) == DOMID_HARDWARE);
	} while (err);
	fabric_fail(f, call, 0);
	assert_int_equal(nth, 3); /* there are two */
	assert_int_equal(domain_destroy(one), 0);
	domain_put(one);
	plat_rcu_barrier();
}

static void test_XSA449_a_part_of_a_device_is_taken_back(void **state)
{
	(void)state;
	fails_in_turn(PHANTOM, FABRIC_CALL_ATTACH);
	assert_int_equal(broken[ATOMIC], 0);
	assert_int_equal(broken[FLUSHED], 0);
}

static void test_XSA460_a_part_of_a_map_is_taken_back(void **state)
{
	(void)state;
	fails_in_turn(PHANTOM, FABRIC_CALL_MAP);
	assert_int_equal(broken[UNMAPPED], 0);
	assert_int_equal(broken[LIVE], 0);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_XSA347_a_requester_goes_by_way_of_nowhere),
		CASE(test_XSA442_nobody_is_let_in_before_the_flush),
		CASE(test_XSA386_no_context_leads_to_a_space_that_is_gone),
		CASE(test_XSA399_a_space_goes_when_no_unit_knows_it),
		CASE(test_XSA399_not_even_when_the_domain_has_gone),
		CASE(test_XSA400_what_was_mapped_for_it_is_unmapped),
		CASE(test_XSA449_a_part_of_a_device_is_taken_back),
		CASE(test_XSA460_a_part_of_a_map_is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
