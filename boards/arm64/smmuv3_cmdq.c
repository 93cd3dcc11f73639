/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command queue (IHI 0070 §3.5, §4). Commands are counted from the start,
 * so a ticket is a number: the count after its CMD_SYNC. The unit consumes in
 * order, and moves CMDQ_CONS past a CMD_SYNC when that is complete (§4.7.3); so
 * a ticket is over when the count of consumed commands has come to it, and stays
 * so.
 *
 * The count is widened from CMDQ_CONS, whose index wraps at twice the number of
 * entries: no more than one time that number is under way, since begin() leaves
 * no more, so the difference to the last reading is unambiguous. Both are under
 * the lock.
 *
 * A command error (§7.1) stops the unit, and is a mistake of ours or its own:
 * nothing it has not done by then is believed to be done, for good. It goes on
 * refusing what it refused.
 */
#include <holdfast/errno.h>

#include "smmuv3_unit.h"

#define MAX_LOG2 8

static uint32_t ring_mask(void)
{
	return (2u << smmu.cmdq.log2) - 1;
}

/* Under the lock. */
static void fail(const char *why, uint32_t number)
{
	if (!smmu.cmdq.failed)
		plat_log(PLAT_ERROR,
			 "smmu: %s (%x): nothing is forgotten any "
			 "more",
			 why, number);
	smmu.cmdq.failed = true;
}

/* Under the lock: what the unit has done since, and whether it still does. */
static void look(void)
{
	uint32_t cons = smmu_read(SMMU_CMDQ_CONS);
	uint32_t more = (cons - (uint32_t)smmu.cmdq.cons) & ring_mask();
	uint32_t error = smmu_read(SMMU_GERROR) ^ smmu_read(SMMU_GERRORN);

	if (more > smmu.cmdq.prod - smmu.cmdq.cons) {
		fail("its command queue is not ours", cons);
		return;
	}
	smmu.cmdq.cons += more;
	if (error & GERROR_CMDQ_ERR)
		fail("it refuses a command", CMDQ_CONS_ERR(cons));
	else if (error & GERROR_SFM_ERR)
		fail("it has failed", error);
}

static void put(uint64_t first, uint64_t second)
{
	uint64_t *entry =
		smmu.cmdq.entry[smmu.cmdq.prod++ & ((1u << smmu.cmdq.log2) - 1)];

	entry[0] = first;
	entry[1] = second;
}

static bool has_room(unsigned int n)
{
	return smmu.cmdq.prod - smmu.cmdq.cons + n <= 1u << smmu.cmdq.log2;
}

int smmu_begin(const uint64_t (*cmd)[2], unsigned int n, uint64_t *ticket)
{
	unsigned int i;
	int err = 0;

	plat_lock(&smmu.cmdq.lock);
	if (!has_room(n + 1))
		look();
	if (smmu.cmdq.failed)
		err = -EIO;
	else if (!has_room(n + 1))
		err = -EBUSY;
	if (!err) {
		for (i = 0; i < n; i++)
			put(cmd[i][0], cmd[i][1]);
		put(CMD_SYNC, 0);
		*ticket = smmu.cmdq.prod;
		/* Commands, and what they are about, before the index. */
		plat_device_barrier();
		smmu_write(SMMU_CMDQ_PROD, smmu.cmdq.prod & ring_mask());
	}
	plat_unlock(&smmu.cmdq.lock);
	return err;
}

int smmu_done(uint64_t ticket)
{
	int err = 0;

	plat_lock(&smmu.cmdq.lock);
	if (ticket > smmu.cmdq.cons)
		look();
	if (ticket > smmu.cmdq.cons)
		err = smmu.cmdq.failed || ticket > smmu.cmdq.prod
			      ? -EIO
			      : -EINPROGRESS;
	plat_unlock(&smmu.cmdq.lock);
	return err;
}

static void give_up(void)
{
	plat_lock(&smmu.cmdq.lock);
	fail("it does not answer", smmu_read(SMMU_CMDQ_CONS));
	plat_unlock(&smmu.cmdq.lock);
}

int smmu_execute(const uint64_t (*cmd)[2], unsigned int n)
{
	uint64_t ticket, deadline = plat_now() + PCI_FLUSH_TIME;
	bool begun = false;
	int err;

	for (;;) {
		/* This CPU may stand still between a look and the time. */
		bool late = plat_now() >= deadline;

		err = begun ? 0 : smmu_begin(cmd, n, &ticket);
		begun = !err;
		if (begun)
			err = smmu_done(ticket);
		if (!err || err == -EIO)
			return err;
		if (late) {
			give_up();
			return -EIO;
		}
		plat_relax();
	}
}

int smmu_cmdq_init(uint32_t idr1)
{
	unsigned int log2 = IDR1_CMDQS(idr1);

	smmu.cmdq.log2 = log2 < MAX_LOG2 ? log2 : MAX_LOG2;
	smmu.cmdq.entry =
		plat_zalloc(sizeof(*smmu.cmdq.entry) << smmu.cmdq.log2);
	if (!smmu.cmdq.entry)
		return -ENOMEM;
	plat_lock_init(&smmu.cmdq.lock);
	smmu_write64(SMMU_CMDQ_BASE, (uint64_t)(uintptr_t)smmu.cmdq.entry |
					     BASE_RA | smmu.cmdq.log2);
	smmu_write(SMMU_CMDQ_PROD, 0);
	smmu_write(SMMU_CMDQ_CONS, 0);
	return 0;
}
