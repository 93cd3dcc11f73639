/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 as the core's IOMMU: each clause of struct iommu_ops, on a unit
 * with stage 1 and on one with stage 2, with a stream table of one level and of
 * two (unit.c).
 */
#include "board.h"
#include "lab.h"

#define RAM (UINT64_C(0x40000000))
#define OURS (RAM + 16 * MIB) /* the hypervisor's 16 MiB, in the middle */
#define DOORBELL UINT64_C(0x08090040)
#define RID 0x100
#define OTHER 0x208
#define WRITE_BACK (setup.stage2 ? 0xf : 0xff)
#define DEVICE (setup.stage2 ? 0x1 : 0x04)

static const struct smmu_memory memory[] = {
	{ .start = RAM, .size = 16 * MIB },
	{ .start = OURS + 16 * MIB, .size = GIB - 32 * MIB },
	{ .start = DOORBELL & ~0xfffull, .size = 4096, .device = true },
};

static struct unit_setup setup;
static struct pci_host host;
static const struct iommu_ops *ops;

static int begin_at(uint32_t stream)
{
	const struct smmu_setup how = {
		.registers = unit.registers,
		.segment = 3,
		.stream = stream,
		.doorbell = DOORBELL,
		.memory = memory,
		.memories = ARRAY_SIZE(memory),
	};
	int err;

	unit_reset(&setup);
	host.iommu = NULL;
	faults = works = 0;
	fault_gives_work = false;
	err = smmu_init(&host, &how);
	ops = host.iommu;
	return err;
}

static void begin(void)
{
	assert_int_equal(begin_at(0), 0);
	assert_non_null(ops);
}

static pci_sbdf_t rid(uint16_t bdf)
{
	return (pci_sbdf_t){ .seg = 3, .bdf = bdf };
}

static void open_to(uint16_t bdf, enum iommu_mode mode,
		    struct iommu_space *space)
{
	assert_int_equal(ops->attach(&host, rid(bdf), mode, space), 0);
}

static void block(uint16_t bdf)
{
	assert_int_equal(ops->attach(&host, rid(bdf), IOMMU_BLOCKED, NULL), 0);
}

static int flush_until_over(const struct iommu_flush *what)
{
	uint64_t ticket;
	int err = ops->flush(&host, what, &ticket);

	if (err)
		return err;
	while ((err = ops->flush_done(&host, ticket)) == -EINPROGRESS)
		unit_step();
	return err;
}

static void forget_context(uint16_t bdf)
{
	const struct iommu_flush what = { .kind = IOMMU_FLUSH_CONTEXT,
					  .sbdf = rid(bdf) };

	assert_int_equal(flush_until_over(&what), 0);
}

static void forget_range(struct iommu_space *space)
{
	const struct iommu_flush what = { .kind = IOMMU_FLUSH_RANGE,
					  .space = space,
					  .size = 4096 };

	assert_int_equal(flush_until_over(&what), 0);
}

static struct iommu_space *make_space(void)
{
	struct iommu_space *space = NULL;

	assert_int_equal(ops->space_create(&host, 7, &space), 0);
	return space;
}

static void map(struct iommu_space *space, uint64_t dma, uint64_t hpa)
{
	assert_int_equal(ops->map(&host, space, dma, hpa, 4096,
				  IOMMU_READ | IOMMU_WRITE),
			 0);
}

/* Where a read leads; 0: it is refused. */
static uint64_t reads(uint32_t sid, uint64_t address)
{
	struct unit_result r = unit_request(sid, address, false);

	return r.event ? 0 : r.address;
}

/* --- the start ----------------------------------------------------------------- */

static void test_who_was_not_let_through_is_refused(void **state)
{
	(void)state;
	begin();
	assert_int_equal(reads(RID, RAM), 0);
	assert_int_equal(reads(0, 0), 0);
	assert_int_equal(reads(0xffff, RAM), 0);
	smmu_poll();
	assert_int_equal(faults, 3);
	assert_int_equal(fault.reason, IOMMU_FAULT_BLOCKED);
	assert_int_equal(fault.rid.sbdf, rid(0xffff).sbdf);
}

static void test_what_is_translated_already_is_refused(void **state)
{
	(void)state;
	begin();
	open_to(RID, IOMMU_IDENTITY, NULL);
	assert_int_equal(unit_translated(RID, OURS).event, 7);
	smmu_poll();
	assert_int_equal(fault.reason, IOMMU_FAULT_ATS);
	assert_int_equal(fault.address, OURS);
}

/* IDR0: both stages, AArch64 tables, coherent access. */
static void test_a_unit_that_lacks_something_is_not_touched(void **state)
{
	static const uint32_t needed[] = { 3, 1 << 3, 1 << 4 };
	char reset[sizeof(unit.registers)];
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		setup.missing0 = needed[i];
		unit_reset(&setup);
		memcpy(reset, unit.registers, sizeof(reset));
		assert_int_equal(begin_at(0), -EOPNOTSUPP);
		assert_null(ops);
		assert_memory_equal(unit.registers, reset, sizeof(reset));
		smmu_poll();
	}
	setup.missing0 = 0;
}

/* --- where requests go ----------------------------------------------------------- */

static void test_identity_is_memory_as_it_is_less_ours(void **state)
{
	struct unit_result r;

	(void)state;
	begin();
	open_to(RID, IOMMU_IDENTITY, NULL);
	assert_int_equal(reads(RID, RAM), RAM);
	assert_int_equal(reads(RID, RAM + 16 * MIB - 8), RAM + 16 * MIB - 8);
	assert_int_equal(reads(RID, OURS), 0);
	assert_int_equal(reads(RID, OURS + 16 * MIB - 8), 0);
	assert_int_equal(reads(RID, OURS + 16 * MIB), OURS + 16 * MIB);
	assert_int_equal(reads(RID, RAM + GIB), 0);
	r = unit_request(RID, RAM, true);
	assert_int_equal(r.event, 0);
	assert_int_equal(r.attr, WRITE_BACK);
	r = unit_request(RID, DOORBELL, true);
	assert_int_equal(r.event, 0);
	assert_int_equal(r.address, DOORBELL);
	assert_int_equal(r.attr, DEVICE);
	assert_int_equal(reads(RID + 1, RAM), 0); /* on the same bus */
	smmu_poll();
	assert_int_equal(fault.rid.bdf, RID + 1);
	assert_int_equal(fault.address, setup.stage2 ? 0 : RAM);
}

static void test_two_spaces_have_the_same_addresses(void **state)
{
	struct iommu_space *a, *b;

	(void)state;
	begin();
	a = make_space();
	b = make_space();
	map(a, 0x1000, 0xa000);
	map(b, 0x1000, 0xb000);
	map(b, 0x2000, 0xc000);
	open_to(RID, IOMMU_SPACE, a);
	open_to(OTHER, IOMMU_SPACE, b);
	open_to(3, IOMMU_IDENTITY, NULL);
	assert_int_equal(reads(RID, 0x1004), 0xa004);
	assert_int_equal(reads(OTHER, 0x1004), 0xb004);
	assert_int_equal(reads(OTHER, 0x2000), 0xc000);
	assert_int_equal(reads(RID, 0x2000), 0);
	assert_int_equal(reads(3, 0x2000), 0);
	assert_int_equal(reads(RID, RAM), 0);
	assert_int_equal(reads(RID, DOORBELL), 0);
}

static void test_rights_hold(void **state)
{
	struct iommu_space *space;

	(void)state;
	begin();
	space = make_space();
	assert_int_equal(
		ops->map(&host, space, 0x1000, 0xa000, 4096, IOMMU_READ), 0);
	open_to(RID, IOMMU_SPACE, space);
	assert_int_equal(reads(RID, 0x1000), 0xa000);
	assert_int_equal(unit_request(RID, 0x1000, true).event, 0x13);
	smmu_poll();
	assert_int_equal(fault.reason, IOMMU_FAULT_WRITE);
	assert_int_equal(fault.address, 0x1000);
	assert_int_equal(reads(RID, 0x5008), 0);
	smmu_poll();
	assert_int_equal(fault.reason, IOMMU_FAULT_READ);
	assert_int_equal(fault.address, 0x5008);
}

static void test_scratch_is_one_page_that_is_nobodys(void **state)
{
	uint64_t page;

	(void)state;
	begin();
	open_to(RID, IOMMU_SCRATCH, NULL);
	page = reads(RID, 0);
	assert_int_not_equal(page, 0);
	assert_int_equal(reads(RID, RAM + 0x10), page + 0x10);
	assert_int_equal(reads(RID, (UINT64_C(1) << 40) - 4), page + 4092);
	assert_int_equal(unit_request(RID, OURS, true).event, 0);
}

/* The unit has read that it is blocked, and would go by that. */
static void test_who_is_let_through_is_so_on_the_return(void **state)
{
	(void)state;
	begin();
	unit_prefetch(RID);
	assert_int_equal(reads(RID, RAM), 0);
	open_to(RID, IOMMU_IDENTITY, NULL);
	assert_int_equal(reads(RID, RAM), RAM);
}

static void test_blocked_at_once_and_forgotten_by_a_flush(void **state)
{
	(void)state;
	begin();
	open_to(RID, IOMMU_IDENTITY, NULL);
	open_to(OTHER, IOMMU_IDENTITY, NULL);
	assert_int_equal(reads(RID, RAM), RAM);
	block(RID);
	assert_int_equal(reads(RID, RAM), RAM); /* it is remembered */
	forget_context(RID);
	assert_int_equal(reads(RID, RAM), 0);
	assert_int_equal(reads(OTHER, RAM), RAM);
	block(OTHER);
	smmu_poll();
	assert_int_equal(fault.reason, IOMMU_FAULT_BLOCKED);
	assert_int_equal(fault.address, setup.stage2 ? 0 : RAM);
}

static void test_unmapped_is_forgotten_by_a_flush(void **state)
{
	struct iommu_space *a, *b;

	(void)state;
	begin();
	a = make_space();
	b = make_space();
	map(a, 0x1000, 0xa000);
	map(b, 0x1000, 0xb000);
	open_to(RID, IOMMU_SPACE, a);
	open_to(OTHER, IOMMU_SPACE, b);
	assert_int_equal(reads(RID, 0x1000), 0xa000);
	assert_int_equal(reads(OTHER, 0x1000), 0xb000);
	ops->unmap(&host, a, 0x1000, 4096);
	assert_int_equal(reads(RID, 0x1000), 0xa000);
	forget_range(a);
	assert_int_equal(reads(RID, 0x1000), 0);
	assert_int_equal(reads(OTHER, 0x1000), 0xb000);
	map(a, 0x1000, 0xe000);
	assert_int_equal(reads(RID, 0x1000), 0xe000);
}

/*
 * Between any two steps no mixture of what the unit may have kept of the STE
 * and what stands there leads elsewhere, whatever it has kept.
 */
static void test_a_change_is_one(void **state)
{
	struct iommu_space *a, *b;

	(void)state;
	begin();
	a = make_space();
	b = make_space();
	map(a, 0x1000, 0xa000);
	map(b, 0x1000, 0xb000);
	unit_prefetch(RID);
	unit_watch(RID, 0x1000, 0xa000, 0xb000);
	open_to(RID, IOMMU_SPACE, a);
	block(RID);
	forget_context(RID);
	open_to(RID, IOMMU_SPACE, b);
	assert_int_equal(reads(RID, 0x1000), 0xb000);
	open_to(RID, IOMMU_SPACE, a); /* not by way of blocked */
	assert_int_equal(unit.mixtures, 0);
	assert_int_equal(reads(RID, 0x1000), 0xa000);
}

/* --- requester IDs ------------------------------------------------------------------ */

static void test_streams_that_do_not_begin_at_0(void **state)
{
	(void)state;
	setup.sid_bits = setup.linear ? 12 : 17;
	assert_int_equal(begin_at(0x300), 0);
	open_to(RID, IOMMU_IDENTITY, NULL);
	assert_int_equal(reads(0x300 + RID, RAM), RAM);
	assert_int_equal(reads(RID, RAM), 0);
	assert_int_equal(reads(0x300 + OTHER, RAM), 0);
	smmu_poll();
	assert_int_equal(faults, 1); /* of RID 0xfe00 nobody knows */
	assert_int_equal(fault.rid.bdf, OTHER);
	setup.sid_bits = setup.linear ? 10 : 16;
}

static void test_who_has_no_stream_cannot_be_let_through(void **state)
{
	pci_sbdf_t elsewhere = { .seg = 2, .bdf = RID };

	(void)state;
	setup.sid_bits = 10;
	begin();
	assert_int_equal(ops->attach(&host, rid(0x400), IOMMU_IDENTITY, NULL),
			 -EIO);
	block(0x400);
	forget_context(0x400);
	assert_int_equal(ops->attach(&host, elsewhere, IOMMU_IDENTITY, NULL),
			 -EIO);
	assert_int_equal(ops->attach(&host, elsewhere, IOMMU_BLOCKED, NULL), 0);
	assert_int_equal(reads(RID, RAM), 0);
	open_to(0x3ff, IOMMU_IDENTITY, NULL);
	assert_int_equal(reads(0x3ff, RAM), RAM);
	setup.sid_bits = setup.linear ? 10 : 16;
}

static void test_without_memory_for_its_table_it_stays_blocked(void **state)
{
	int err;

	(void)state;
	begin();
	lab_take(0, 0);
	err = ops->attach(&host, rid(RID), IOMMU_IDENTITY, NULL);
	assert_int_equal(err, setup.linear ? 0 : -ENOMEM);
	block(OTHER);
	lab_give();
	assert_int_equal(reads(RID, RAM), setup.linear ? RAM : 0);
	open_to(RID, IOMMU_IDENTITY, NULL);
	assert_int_equal(reads(RID, RAM), RAM);
}

/* --- spaces --------------------------------------------------------------------------- */

static void test_a_space_leaves_nothing(void **state)
{
	struct iommu_space *space;
	size_t used;
	unsigned int i;

	(void)state;
	begin();
	open_to(RID, IOMMU_IDENTITY, NULL); /* its table stays */
	used = lab_used();
	for (i = 0; i < 600; i++) { /* more often than there are ids */
		space = make_space();
		map(space, 0x1000 + 4096 * i, 0xa000);
		open_to(RID, IOMMU_SPACE, space);
		assert_int_equal(reads(RID, 0x1000 + 4096 * i), 0xa000);
		assert_int_equal(reads(RID, 4096 * i), 0);
		smmu_poll();
		block(RID);
		forget_context(RID);
		ops->space_destroy(&host, space);
		assert_int_equal(lab_used(), used);
	}
}

/* The next has its id, and perhaps its memory. */
static void test_what_is_known_of_a_space_goes_with_it(void **state)
{
	struct iommu_space *space;

	(void)state;
	begin();
	space = make_space();
	map(space, 0x1000, 0xa000);
	open_to(RID, IOMMU_SPACE, space);
	assert_int_equal(reads(RID, 0x1000), 0xa000);
	block(RID); /* and not forgotten, as at pci_fini() */
	ops->space_destroy(&host, space);
	space = make_space();
	map(space, 0x2000, 0xb000);
	assert_int_equal(reads(RID, 0x2000), 0);
	open_to(RID, IOMMU_SPACE, space);
	assert_int_equal(reads(RID, 0x1000), 0);
	assert_int_equal(reads(RID, 0x2000), 0xb000);
}

static void all_ids_are_there(void)
{
	static struct iommu_space *space[256];
	unsigned int n = 0;
	size_t used;

	while (!ops->space_create(&host, 1, &space[n]))
		n++;
	assert_int_equal(n, 252); /* 0 is none; three are ours */
	used = lab_used();
	assert_int_equal(ops->space_create(&host, 1, &space[n]), -ENOMEM);
	assert_int_equal(lab_used(), used);
	ops->space_destroy(&host, space[100]);
	assert_int_equal(ops->space_create(&host, 1, &space[100]), 0);
	while (n--)
		ops->space_destroy(&host, space[n]);
}

static void test_without_memory_there_is_no_space(void **state)
{
	unsigned int pages, small, made = 0, refused = 0;
	struct iommu_space *space;
	size_t used;

	(void)state;
	begin();
	all_ids_are_there();
	used = lab_used();
	for (pages = 0; pages <= 4; pages++)
		for (small = 0; small <= 3; small++) {
			int err;

			lab_take(pages, small);
			err = ops->space_create(&host, 1, &space);
			lab_give();
			if (!err)
				ops->space_destroy(&host, space);
			assert_true(!err || err == -ENOMEM);
			made += !err;
			refused += err != 0;
			assert_int_equal(lab_used(), used);
		}
	assert_true(made && refused);
	all_ids_are_there();
}

static void test_reserved_is_the_doorbell_and_what_is_too_high(void **state)
{
	uint64_t end = UINT64_C(1) << (setup.stage2 ? 40 : 48);
	struct iommu_region region;

	(void)state;
	begin();
	assert_int_equal(ops->reserved(&host, rid(RID), 0, &region), 0);
	assert_int_equal(region.start, 0x08090000);
	assert_int_equal(region.size, 4096);
	assert_int_equal(region.kind, IOMMU_REGION_RESERVED);
	assert_int_equal(ops->reserved(&host, rid(RID), 1, &region), 0);
	assert_int_equal(region.start, end);
	assert_int_equal(region.start + region.size, 0);
	assert_int_equal(ops->reserved(&host, rid(RID), 2, &region), -ENOENT);
}

/* --- flushes ------------------------------------------------------------------------------ */

static const struct iommu_flush context_of_rid = { .kind = IOMMU_FLUSH_CONTEXT,
						   .sbdf = { .seg = 3,
							     .bdf = RID } };

static void test_a_flush_is_over_when_the_unit_says_so(void **state)
{
	uint64_t first, second;

	(void)state;
	begin();
	assert_int_equal(ops->flush(&host, &context_of_rid, &first), 0);
	assert_int_equal(ops->flush(&host, &context_of_rid, &second), 0);
	unit.left = 0;
	unit_step();
	assert_int_equal(ops->flush_done(&host, first), -EINPROGRESS);
	unit.left = 1; /* the command, and not the CMD_SYNC */
	unit_step();
	assert_int_equal(ops->flush_done(&host, first), -EINPROGRESS);
	unit.left = 1;
	unit_step();
	assert_int_equal(ops->flush_done(&host, second), -EINPROGRESS);
	assert_int_equal(ops->flush_done(&host, first), 0);
	unit.left = 2;
	unit_step();
	assert_int_equal(ops->flush_done(&host, second), 0);
	assert_int_equal(ops->flush_done(&host, first), 0);
	assert_int_equal(ops->flush_done(&host, second + 100), -EIO);
}

static void test_a_full_queue_is_busy(void **state)
{
	uint64_t ticket[9];
	unsigned int i;

	(void)state;
	begin();
	for (i = 0; i < 8; i++) /* two commands each, of 16 */
		assert_int_equal(ops->flush(&host, &context_of_rid, &ticket[i]),
				 0);
	assert_int_equal(ops->flush(&host, &context_of_rid, &ticket[8]),
			 -EBUSY);
	assert_int_equal(ops->flush_done(&host, ticket[0]), -EINPROGRESS);
	unit.left = 1;
	unit_step();
	assert_int_equal(ops->flush(&host, &context_of_rid, &ticket[8]),
			 -EBUSY);
	unit.left = 1;
	unit_step();
	assert_int_equal(ops->flush(&host, &context_of_rid, &ticket[8]), 0);
	assert_int_equal(ops->flush_done(&host, ticket[0]), 0);
	assert_int_equal(ops->flush_done(&host, ticket[8]), -EINPROGRESS);
	unit.left = 100;
	unit_step();
	for (i = 0; i < 9; i++)
		assert_int_equal(ops->flush_done(&host, ticket[i]), 0);
}

/* The index wraps at 32, and nobody may have asked for a while. */
static void test_the_queue_wraps(void **state)
{
	uint64_t ticket = 0;
	unsigned int i, n;

	(void)state;
	begin();
	for (i = 0; i < 500; i++) {
		unsigned int before = unit.commands;

		for (n = 0; n < i % 8 + 1; n++)
			assert_int_equal(
				ops->flush(&host, &context_of_rid, &ticket), 0);
		assert_int_equal(ops->flush_done(&host, ticket), -EINPROGRESS);
		unit_step();
		if (i % 3)
			assert_int_equal(ops->flush_done(&host, ticket), 0);
		assert_int_equal(unit.commands - before, n);
	}
}

static void test_ats_has_nothing_to_forget(void **state)
{
	const struct iommu_flush what = { .kind = IOMMU_FLUSH_ATS,
					  .sbdf = rid(RID) };

	(void)state;
	begin();
	assert_int_equal(flush_until_over(&what), 0);
	assert_null(ops->ats);
}

/* --- a unit that fails ---------------------------------------------------------------------- */

static void test_a_refused_command_fails_what_is_not_over(void **state)
{
	uint64_t before, after;

	(void)state;
	begin();
	open_to(RID, IOMMU_IDENTITY, NULL);
	assert_int_equal(ops->flush(&host, &context_of_rid, &before), 0);
	unit_step();
	assert_int_equal(ops->flush(&host, &context_of_rid, &after), 0);
	unit.refuses = true;
	unit_step();
	assert_int_equal(ops->flush_done(&host, after), -EIO);
	assert_int_equal(ops->flush_done(&host, before), 0);
	assert_non_null(strstr(board_said, "refuses a command (1)"));
	unit.refuses = false;
	unit_step();
	assert_int_equal(ops->flush_done(&host, after), -EIO);
	assert_int_equal(ops->flush(&host, &context_of_rid, &after), -EIO);
	assert_int_equal(ops->attach(&host, rid(OTHER), IOMMU_IDENTITY, NULL),
			 -EIO);
	assert_int_equal(reads(OTHER, RAM), 0);
	block(RID); /* that cannot fail */
}

static void test_a_unit_that_stands_still_is_given_up(void **state)
{
	struct iommu_space *space;
	uint64_t start;
	size_t used;

	(void)state;
	begin();
	space = make_space();
	map(space, 0x1000, 0xa000);
	open_to(OTHER, IOMMU_SPACE, space);
	block(OTHER);
	forget_context(OTHER);
	unit.stuck = true;
	start = plat_now();
	assert_int_equal(ops->attach(&host, rid(RID), IOMMU_IDENTITY, NULL),
			 -EIO);
	assert_true(plat_now() - start >= PCI_FLUSH_TIME);
	assert_int_equal(reads(RID, RAM), 0);
	used = lab_used(); /* it may walk them for ever */
	ops->space_destroy(&host, space);
	assert_int_equal(lab_used(), used);
}

static void test_a_unit_that_is_gone_is_given_up(void **state)
{
	uint64_t ticket;

	(void)state;
	begin();
	assert_int_equal(ops->flush(&host, &context_of_rid, &ticket), 0);
	memset(unit.registers, 0xff, sizeof(unit.registers));
	assert_int_equal(ops->flush_done(&host, ticket), -EIO);
	assert_int_equal(ops->flush(&host, &context_of_rid, &ticket), -EIO);
	smmu_poll(); /* it comes to an end */
}

/* --- events ------------------------------------------------------------------------------------ */

static void test_a_flood_is_read_in_parts_and_goes_on(void **state)
{
	unsigned int i, round;

	(void)state;
	begin();
	for (round = 0; round < 40; round++) {
		faults = 0;
		for (i = 0; i < 20; i++) /* the queue has 16 */
			reads(RID, RAM);
		assert_true(unit_overflow());
		smmu_poll();
		assert_int_equal(faults, 16);
		assert_false(unit_overflow());
		for (i = 0; i < round % 16; i++)
			reads(RID, RAM);
		smmu_poll();
		assert_int_equal(faults, 16 + round % 16);
		smmu_poll();
		assert_int_equal(faults, 16 + round % 16);
	}
}

static void test_the_cores_work_is_done_when_it_says_so(void **state)
{
	(void)state;
	begin();
	reads(RID, RAM);
	smmu_poll();
	assert_int_equal(works, 0);
	fault_gives_work = true;
	reads(RID, RAM);
	smmu_poll();
	assert_int_equal(works, 1);
	smmu_poll();
	assert_int_equal(works, 1);
}

static void test_a_hint_and_a_strangers_event_are_none(void **state)
{
	const uint64_t hint[4] = { 0x24 | (uint64_t)RID << 32 };
	const uint64_t stranger[4] = { 0x10 | UINT64_C(0x10000) << 32 };

	(void)state;
	begin();
	unit_record(hint);
	unit_record(stranger);
	smmu_poll();
	assert_int_equal(faults, 0);
	assert_int_equal(smmu_refused(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_was_not_let_through_is_refused),
		cmocka_unit_test(test_what_is_translated_already_is_refused),
		cmocka_unit_test(
			test_a_unit_that_lacks_something_is_not_touched),
		cmocka_unit_test(test_identity_is_memory_as_it_is_less_ours),
		cmocka_unit_test(test_two_spaces_have_the_same_addresses),
		cmocka_unit_test(test_rights_hold),
		cmocka_unit_test(test_scratch_is_one_page_that_is_nobodys),
		cmocka_unit_test(test_who_is_let_through_is_so_on_the_return),
		cmocka_unit_test(test_blocked_at_once_and_forgotten_by_a_flush),
		cmocka_unit_test(test_unmapped_is_forgotten_by_a_flush),
		cmocka_unit_test(test_a_change_is_one),
		cmocka_unit_test(test_streams_that_do_not_begin_at_0),
		cmocka_unit_test(test_who_has_no_stream_cannot_be_let_through),
		cmocka_unit_test(
			test_without_memory_for_its_table_it_stays_blocked),
		cmocka_unit_test(test_a_space_leaves_nothing),
		cmocka_unit_test(test_what_is_known_of_a_space_goes_with_it),
		cmocka_unit_test(test_without_memory_there_is_no_space),
		cmocka_unit_test(
			test_reserved_is_the_doorbell_and_what_is_too_high),
		cmocka_unit_test(test_a_flush_is_over_when_the_unit_says_so),
		cmocka_unit_test(test_a_full_queue_is_busy),
		cmocka_unit_test(test_the_queue_wraps),
		cmocka_unit_test(test_ats_has_nothing_to_forget),
		cmocka_unit_test(test_a_refused_command_fails_what_is_not_over),
		cmocka_unit_test(test_a_unit_that_stands_still_is_given_up),
		cmocka_unit_test(test_a_unit_that_is_gone_is_given_up),
		cmocka_unit_test(test_a_flood_is_read_in_parts_and_goes_on),
		cmocka_unit_test(test_the_cores_work_is_done_when_it_says_so),
		cmocka_unit_test(test_a_hint_and_a_strangers_event_are_none),
	};
	unsigned int kind;
	int failed = 0;

	lab_pool();
	for (kind = 0; kind < 4; kind++) {
		setup = (struct unit_setup){ .stage2 = kind & 1,
					     .linear = kind & 2,
					     .ats = kind & 1,
					     .sid_bits = kind & 2 ? 10 : 16,
					     .oas = 2 };
		printf("stage %u, %s\n", setup.stage2 + 1u,
		       setup.linear ? "linear" : "two levels");
		failed += cmocka_run_group_tests(tests, NULL, NULL);
	}
	return failed;
}
