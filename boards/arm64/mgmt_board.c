/* SPDX-License-Identifier: BSD-2-Clause */
/* What management wants of the rest of the board. */
#include "arch.h"
#include "guest.h"
#include "hwdom.h"
#include "mgmt.h"

/* Under the lock of who calls us. */
static uint64_t shown;

/*
 * In PCI's memory space nothing is mapped but BARs. Who puts this one over
 * another, or a hole, has himself to thank for what he finds there.
 */
bool board_show_ring(uint64_t at)
{
	struct stage2 *s2 = hwdom_stage2();

	if (shown && stage2_unmap(s2, shown, sizeof(mgmt_ring_page)))
		plat_bug("the event ring's page cannot be unmapped");
	shown = 0;
	if (!at)
		return true;
	if (!hwdom_is_memory_space(at, sizeof(mgmt_ring_page)) ||
	    stage2_map(s2, at, (uint64_t)&mgmt_ring_page,
		       sizeof(mgmt_ring_page)))
		return false;
	shown = at;
	return true;
}

void board_clean_ring(const void *start, size_t size)
{
	cache_clean(start, size);
}

void board_traffic(uint64_t *reads, uint64_t *writes)
{
	hwdom_traffic(reads, writes);
}

static const char *const state_name[GUEST_STATES] = {
	[GUEST_OFF] = "off",
	[GUEST_STARTING] = "starting",
	[GUEST_RUNNING] = "running",
	[GUEST_STOPPING] = "stopping",
};

static void describe(struct mgmt_guest *out)
{
	struct guest_info info;

	guest_query(&info);
	*out = (struct mgmt_guest){
		.starts = info.starts,
		.cpu = info.cpu,
		.sbdf = info.device.sbdf,
	};
	plat_snprintf(out->state, sizeof(out->state), "%s",
		      state_name[info.state]);
	plat_snprintf(out->line, sizeof(out->line), "%s", info.line);
}

int board_guest(uint32_t verb, pci_sbdf_t sbdf, struct mgmt_guest *guest)
{
	int err = 0;

	if (verb == MGMT_GUEST_START)
		err = guest_start(sbdf);
	else if (verb == MGMT_GUEST_STOP)
		err = guest_stop();
	describe(guest);
	return err;
}
