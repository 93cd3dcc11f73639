/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The card goes on with its DMA whatever the core does: it reaches its own
 * guest's memory, or none. Rules 6, 9, 12 and 15; XSA-302, 306, 346, 373;
 * core/iommu.
 */
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>
#include <holdfast/reset.h>
#include <holdfast/stage.h>

#include "unit.h"
#include "world.h"

static int result[3];
static bool given_back, freed; /* from then on nobody reaches "one"'s memory */

static int map_one(void)
{
	return domain_dma_map(guest_one, UNIT_DMA, UNIT_ONE, PLAT_PAGE_SIZE,
			      IOMMU_READ | IOMMU_WRITE);
}

static void begin(void)
{
	given_back = freed = false;
	result[0] = result[1] = result[2] = 0;
	world_with_units();
}

static void mapped(void)
{
	begin();
	world_assigned();
	ensure(!map_one());
	ensure(unit_dma() == UNIT_GUEST);
}

/* And each flush is done at the third question only. */
static void mapped_late(void)
{
	mapped();
	unit_late(3);
}

/* --- the device ---------------------------------------------------------------------- */

static void dma_once(void)
{
	bool was_over = given_back || freed;
	enum unit_reach reach = unit_dma();

	ensure(reach != UNIT_GUEST || !was_over);
	ensure(reach != UNIT_SCRATCH);
}

/* A step that others can come between. */
static void dma(void)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		dma_once();
		plat_rcu_read_lock();
		plat_rcu_read_unlock();
	}
}

/* --- those who take it away ------------------------------------------------------------ */

static void take_back(void)
{
	result[1] = pci_deassign_device(guest_one, CARD, 0, NULL);
	given_back = !result[1];
}

static void remove_forced(void)
{
	result[1] = world_remove(CARD, PCI_REMOVE_FORCE, 1000 * MSEC);
	given_back = !result[1];
}

static void lose(void)
{
	result[1] = world_lose(CARD);
	given_back = !result[1];
}

static void one_dies(void)
{
	ensure(!domain_destroy(guest_one));
	given_back = true;
}

static void unmap(void)
{
	result[2] = domain_dma_unmap(guest_one, UNIT_DMA, PLAT_PAGE_SIZE);
	freed = !result[2];
}

static void assign_one(void)
{
	pci_sbdf_t at = GUEST_SLOT;

	result[0] = pci_assign_device(guest_one, CARD, 0, &at, NULL);
}

static void map(void)
{
	result[2] = map_one();
}

static void home(void)
{
	struct pci_dev_info info;

	ensure(!result[1]);
	ensure(!pci_query(CARD, &info) && info.owner == DOMID_HARDWARE);
	ensure(unit_dma() == UNIT_IDENTITY);
	world_end_card_there();
}

static void gone(void)
{
	ensure(!result[1]);
	ensure(unit_dma() == UNIT_NOTHING);
	world_end_card_gone();
}

SCENARIO(deassign, .name = "dma/against_deassign",
	 .rule = "XSA-302: no DMA reaches who has given it back",
	 .setup = mapped, .finish = home,
	 .thread = { { "device", dma }, { "toolstack", take_back } });
SCENARIO(deassign_late, .name = "dma/against_deassign_late_flush",
	 .rule = "XSA-302: nor by what a unit has cached", .setup = mapped_late,
	 .finish = home,
	 .thread = { { "device", dma }, { "toolstack", take_back } });
SCENARIO(force, .name = "dma/against_force",
	 .rule = "rules 6, 9: none after a removal that says 0",
	 .setup = mapped, .finish = gone,
	 .thread = { { "device", dma }, { "remover", remove_forced } });
SCENARIO(loss, .name = "dma/against_loss", .rule = "rule 10: none after a loss",
	 .setup = mapped, .finish = gone,
	 .thread = { { "device", dma }, { "loser", lose } });
SCENARIO(loss_late, .name = "dma/against_loss_late_flush",
	 .rule = "rule 10: nor by what a unit has cached", .setup = mapped_late,
	 .finish = gone, .thread = { { "device", dma }, { "loser", lose } });
SCENARIO(death, .name = "dma/against_death",
	 .rule = "rule 12: none reaches a domain that is destroyed",
	 .setup = mapped, .finish = home,
	 .thread = { { "device", dma }, { "toolstack", one_dies } });

static void unmapped(void)
{
	ensure(!result[2]);
	ensure(unit_dma() == UNIT_NOTHING);
	world_end_card_there();
}

SCENARIO(unmap_dma, .name = "dma/against_unmap",
	 .rule = "XSA-346: none reaches memory that is unmapped",
	 .setup = mapped, .finish = unmapped,
	 .thread = { { "device", dma }, { "toolstack", unmap } });
SCENARIO(unmap_late, .name = "dma/against_unmap_late_flush",
	 .rule = "XSA-346: nor by what a unit has cached", .setup = mapped_late,
	 .finish = unmapped,
	 .thread = { { "device", dma }, { "toolstack", unmap } });

/* --- a domain's ranges against its devices --------------------------------------------- */

/*
 * The guest changes its memory while the device enters: before that an
 * assignment waits for a reset, and who could go on would always be first.
 */
static plat_event_t entering;

static int note_enter(struct pci_dev *pdev, struct domain *d)
{
	(void)pdev;
	(void)d;
	plat_event_set(&entering);
	return 0;
}

static const struct pci_stage enters_first = { .name = "test",
					       .rank = PCI_STAGE_RESET - 1,
					       .enter = note_enter };

static void guests(void)
{
	begin();
	world_guests();
	plat_event_init(&entering);
	ensure(!pci_stage_register(&enters_first));
}

static void map_on_arrival(void)
{
	plat_event_wait(&entering, PLAT_FOREVER);
	map();
}

static void unmap_on_arrival(void)
{
	plat_event_wait(&entering, PLAT_FOREVER);
	unmap();
}

static void guests_mapped(void)
{
	guests();
	ensure(!map_one());
}

static void reaches(void)
{
	ensure(!result[0] && !result[2]);
	ensure(unit_dma() == UNIT_GUEST);
	world_end_card_there();
}

static void reaches_not(void)
{
	ensure(!result[0] && !result[2]);
	ensure(unit_dma() == UNIT_NOTHING);
	world_end_card_there();
}

SCENARIO(map_assign, .name = "dma/map_against_assign",
	 .rule = "a device that comes misses no range", .setup = guests,
	 .finish = reaches,
	 .thread = { { "toolstack", assign_one },
		     { "memory", map_on_arrival } });
SCENARIO(unmap_assign, .name = "dma/unmap_against_assign",
	 .rule = "nor does it keep one that goes", .setup = guests_mapped,
	 .finish = reaches_not,
	 .thread = { { "toolstack", assign_one },
		     { "memory", unmap_on_arrival } });

static void unmapped_or_not(void)
{
	ensure(!result[1] && !result[2]);
	world_end_card_there();
}

SCENARIO(unmap_deassign, .name = "dma/unmap_against_deassign",
	 .rule = "each range is taken from a space once", .setup = mapped,
	 .finish = unmapped_or_not,
	 .thread = { { "toolstack", take_back }, { "memory", unmap } });

/* A dying domain has no mapping left, whoever comes late (XSA-390). */
static void nothing_left(void)
{
	struct pci_iommu_stats stats;

	ensure(!result[2] || result[2] == -EINVAL);
	pci_iommu_get_stats(&stats);
	ensure(!stats.spaces && !stats.mappings && !stats.contexts);
	world_end_card_there();
}

SCENARIO(map_death, .name = "dma/map_against_death",
	 .rule = "XSA-390: what is mapped into a dying domain does not stay",
	 .setup = guests, .finish = nothing_left,
	 .thread = { { "toolstack", one_dies }, { "memory", map } });

static void nothing_left_either(void)
{
	ensure(!result[2] || result[2] == -EINVAL || result[2] == -ENOENT);
	result[2] = 0;
	nothing_left();
}

SCENARIO(unmap_death, .name = "dma/unmap_against_death",
	 .rule = "each range is taken once", .setup = mapped,
	 .finish = nothing_left_either,
	 .thread = { { "toolstack", one_dies }, { "memory", unmap } });

static void given_or_not(void)
{
	ensure(!result[0] || result[0] == -EINVAL);
	nothing_left();
}

SCENARIO(assign_death, .name = "dma/assign_against_death",
	 .rule = "rule 12: no context is left of a domain that died",
	 .setup = guests_mapped, .finish = given_or_not,
	 .thread = { { "toolstack", one_dies }, { "other", assign_one } });

/* --- faults ------------------------------------------------------------------------------ */

/* "one"'s device, which has nothing to reach, and bus mastering on. */
static void blocked(void)
{
	begin();
	world_assigned();
	vpci_vcpu_init(&world_vcpu, guest_one);
	ensure(vpci_write(&world_vcpu, GUEST_SLOT, PCI_COMMAND, 2,
			  PCI_COMMAND_MASTER) == PCI_DONE);
	ensure(world_masters());
}

/* Two are the limit. The unit's thread then does what they queued. */
static void fault_and_work(void)
{
	(void)unit_dma();
	(void)unit_dma();
	pci_iommu_work();
}

static void guest_masters(void)
{
	ensure(vpci_write(&world_vcpu, GUEST_SLOT, PCI_COMMAND, 2, 0) ==
	       PCI_DONE);
	ensure(vpci_write(&world_vcpu, GUEST_SLOT, PCI_COMMAND, 2,
			  PCI_COMMAND_MASTER) == PCI_DONE);
}

static void master_is_off(void)
{
	struct pci_iommu_info info;

	ensure(!pci_iommu_query(CARD, &info) && info.fault.master_off);
	ensure(!world_masters());
	vpci_vcpu_fini(&world_vcpu);
	world_end_card_there();
}

SCENARIO(fault_write, .name = "dma/fault_against_guest_command",
	 .rule = "§8: at the limit bus mastering is off, whoever writes",
	 .setup = blocked, .finish = master_is_off,
	 .thread = { { "unit", fault_and_work }, { "vcpu", guest_masters } });

/* The hardware domain's own writes pass through. */
static void host_blocked(void)
{
	begin();
	world_card();
	vpci_vcpu_init(&world_vcpu, hardware_domain);
	ensure(world_masters());
}

static void unit_faults(void)
{
	const struct iommu_fault fault = { .rid = CARD,
					   .reason = IOMMU_FAULT_READ,
					   .address = UNIT_DMA };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		plat_rcu_read_lock();
		(void)pci_iommu_fault(pci_segment_host(0), &fault);
		plat_rcu_read_unlock();
	}
	pci_iommu_work();
}

static void host_masters(void)
{
	ensure(vpci_write(&world_vcpu, CARD, PCI_COMMAND, 2,
			  PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY) == PCI_DONE);
}

SCENARIO(fault_host, .name = "dma/fault_against_host_command",
	 .rule = "§8: the hardware domain's writes, too", .setup = host_blocked,
	 .finish = master_is_off,
	 .thread = { { "unit", unit_faults }, { "dom0", host_masters } });

static void take_back_faulty(void)
{
	result[1] = pci_deassign_device(guest_one, CARD, 0, NULL);
}

static void off_or_home(void)
{
	struct pci_iommu_info info;

	ensure(!result[1] || result[1] == -EIO);
	ensure(!pci_iommu_query(CARD, &info));
	ensure(!info.fault.master_off || !world_masters());
	vpci_vcpu_fini(&world_vcpu);
	world_end();
}

SCENARIO(fault_deassign, .name = "dma/fault_against_deassign",
	 .rule = "§8: at the limit it stays off, whose ever it is",
	 .setup = blocked, .finish = off_or_home,
	 .thread = { { "unit", fault_and_work },
		     { "toolstack", take_back_faulty } });

static void remove_faulty(void)
{
	result[1] = world_remove(CARD, PCI_REMOVE_FORCE, 1000 * MSEC);
}

static void removed(void)
{
	ensure(!result[1]);
	vpci_vcpu_fini(&world_vcpu);
	world_end_card_gone();
}

SCENARIO(
	fault_removal, .name = "dma/fault_against_force",
	.rule = "rules 2, 6: queued work owns its reference; it delays at most",
	.setup = blocked, .finish = removed,
	.thread = { { "unit", fault_and_work }, { "remover", remove_faulty } });

static void one_dies_faulty(void)
{
	ensure(!domain_destroy(guest_one));
}

static void off_or_not(void)
{
	struct pci_iommu_info info;

	ensure(!pci_iommu_query(CARD, &info));
	ensure(!info.fault.master_off || !world_masters());
	vpci_vcpu_fini(&world_vcpu);
	world_end();
}

SCENARIO(fault_death, .name = "dma/fault_against_death",
	 .rule = "§8: off, whoever had it; and its guest dies",
	 .setup = blocked, .finish = off_or_not,
	 .thread = { { "unit", fault_and_work },
		     { "toolstack", one_dies_faulty } });

static void nobodys(void)
{
	guests();
	vpci_vcpu_init(&world_vcpu, guest_one);
}

SCENARIO(fault_assign, .name = "dma/fault_against_assign",
	 .rule = "§8: off, whoever gets it", .setup = nobodys,
	 .finish = off_or_not,
	 .thread = { { "unit", unit_faults }, { "toolstack", assign_one } });

static void reset_it(void)
{
	result[1] = pci_reset_device(CARD, PCI_RESET_ANY, NULL, NULL);
	ensure(!result[1] || result[1] == -EIO);
}

SCENARIO(fault_reset, .name = "dma/fault_against_reset",
	 .rule = "rule 15: faults of the reset are seen, and it stays off",
	 .setup = nobodys, .finish = off_or_not,
	 .thread = { { "unit", unit_faults }, { "admin", reset_it } });

static void clear(void)
{
	ensure(!pci_faults_clear(CARD));
}

static void cleared_or_off(void)
{
	struct pci_iommu_info info;

	ensure(!pci_iommu_query(CARD, &info));
	ensure(!info.fault.master_off || !world_masters());
	vpci_vcpu_fini(&world_vcpu);
	world_end_card_there();
}

SCENARIO(fault_clear, .name = "dma/fault_against_clear",
	 .rule = "§8: off, or forgotten; never half", .setup = blocked,
	 .finish = cleared_or_off,
	 .thread = { { "unit", fault_and_work }, { "admin", clear } });

/* --- quarantine --------------------------------------------------------------------------- */

static void quarantine(void)
{
	result[1] = pci_quarantine_device(CARD, "an administrator's word");
}

static void remove_card(void)
{
	result[1] = world_remove(CARD, 0, 1000 * MSEC);
}

static void quarantined_or_given(void)
{
	struct pci_dev_info info;

	ensure(!pci_query(CARD, &info));
	if (!result[1])
		ensure(result[0] && info.owner == DOMID_IO &&
		       unit_dma() == UNIT_NOTHING);
	else
		ensure(result[1] == -EBUSY && !result[0]);
	world_end();
}

SCENARIO(quarantine_assign, .name = "dma/quarantine_against_assign",
	 .rule = "rule 15: what is in quarantine nobody gets",
	 .setup = guests_mapped, .finish = quarantined_or_given,
	 .thread = { { "admin", quarantine }, { "toolstack", assign_one } });

static void quarantine_too(void)
{
	result[0] = pci_quarantine_device(CARD, "an administrator's word");
}

static void quarantined_or_gone(void)
{
	struct pci_dev_info info;

	ensure(!result[0] || result[0] == -EBUSY || result[0] == -ENODEV);
	ensure(!result[1] || result[1] == -EBUSY);
	ensure(!result[0] || !result[1]);
	if (result[1])
		ensure(!pci_query(CARD, &info) && info.owner == DOMID_IO);
	else
		ensure(pci_query(CARD, &info) == -ENODEV);
	world_end();
}

SCENARIO(quarantine_removal, .name = "dma/quarantine_against_removal",
	 .rule = "rules 12, 15: in quarantine, or gone", .setup = guests,
	 .finish = quarantined_or_gone,
	 .thread = { { "admin", quarantine_too }, { "remover", remove_card } });

const struct explore_scenario *const dma_scenarios[] = {
	&deassign,     &deassign_late,     &force,
	&loss,         &loss_late,         &death,
	&unmap_dma,    &unmap_late,        &map_assign,
	&unmap_assign, &unmap_deassign,    &map_death,
	&unmap_death,  &assign_death,      &fault_write,
	&fault_host,   &fault_deassign,    &fault_removal,
	&fault_death,  &fault_assign,      &fault_reset,
	&fault_clear,  &quarantine_assign, &quarantine_removal,
	NULL,
};
