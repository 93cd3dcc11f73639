/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of the IOMMU, of interrupts for the hypervisor, and resets. */
#include <holdfast/reset.h>

#include "ops.h"

/* --- quarantine -------------------------------------------------------------------- */

static int quarantine(struct actor *me)
{
	int err = pci_quarantine_device(CARD, "an administrator's word");

	if (!err && !op_may(me, ADDS | CONFINES))
		ensure(unit_dma() == UNIT_NOTHING);
	return op_left(me, err, LEFT_IO);
}

/* In, and out of it. */
static int unquarantine(struct actor *me)
{
	const char *why;
	int err = quarantine(me);

	if (err)
		return err;
	err = pci_unquarantine_device(CARD, &why);
	ensure(err != -EIO || why);
	return op_left(me, err, LEFT_HOST);
}

/* --- memory ------------------------------------------------------------------------- */

static uint64_t page(const struct actor *me)
{
	return UNIT_DMA + me->self * PLAT_PAGE_SIZE;
}

/* "One caller at a time for the same addresses": each has its own page. */
static int map(struct actor *me)
{
	int err = domain_dma_map(guest_one, page(me), UNIT_ONE, PLAT_PAGE_SIZE,
				 IOMMU_READ | IOMMU_WRITE);

	if (!err && op_in_guest() && !op_may(me, ~(FAULTS | HOLDS)))
		ensure(unit_dma_page(me->self) == UNIT_GUEST);
	return err;
}

static int unmap(struct actor *me)
{
	int err = domain_dma_unmap(guest_one, page(me), PLAT_PAGE_SIZE);

	if (!err)
		ensure(unit_dma_page(me->self) != UNIT_GUEST);
	return err;
}

/*
 * The unit has cached it, and forgets at the second question only. (A loss waits
 * between its questions.)
 */
static void prepare_unmap(struct actor *me)
{
	ensure(!map(me));
	if (op_in_guest())
		ensure(unit_dma_page(me->self) == UNIT_GUEST);
	if (!op_may(me, LOSES))
		unit_late(2);
}

/* --- faults --------------------------------------------------------------------------- */

/* Two are the limit. The unit's thread then does what they queued. */
static int fault(struct actor *me)
{
	const struct iommu_fault what = { .rid = CARD,
					  .reason = IOMMU_FAULT_READ,
					  .address = UNIT_DMA };
	unsigned int i;

	(void)me;
	for (i = 0; i < 2; i++) {
		plat_rcu_read_lock();
		(void)pci_iommu_fault(pci_segment_host(0), &what);
		plat_rcu_read_unlock();
	}
	pci_iommu_work();
	return 0;
}

static int clear(struct actor *me)
{
	(void)me;
	return pci_faults_clear(CARD);
}

static int group(struct actor *me)
{
	struct pci_group_member member[2];
	int n = pci_device_group(CARD, member, 2);

	(void)me;
	if (n < 0)
		return n;
	ensure(n == 1 && member[0].sbdf.sbdf == CARD.sbdf);
	return 0;
}

/* All that is told of the units. */
static int info(struct actor *me)
{
	struct pci_iommu_info iommu;
	struct pci_irq_info irq;
	struct vpci_info view;
	int err = pci_iommu_query(CARD, &iommu);

	if (!err)
		err = pci_irq_query(CARD, &irq);
	if (err)
		return err;
	ensure(iommu.mode != IOMMU_SPACE || iommu.domain == 1 ||
	       iommu.domain == 2);
	ensure(irq.msi <= 1 && !irq.msix);
	err = vpci_query(CARD, &view);
	ensure(err != -ENOENT || !op_in_guest() ||
	       op_may(me, TAKES | MAY_TAKE | ENDS | MAY_END));
	return err == -ENOENT ? 0 : err;
}

/* --- the hypervisor's own handler ---------------------------------------------------- */

static void handler(void *data, unsigned int index)
{
	const struct actor *me = data;

	ensure(!index && !me->unbound);
}

int op_bind(struct actor *me)
{
	struct pci_dev *pdev;
	int err = pci_lookup(NULL, CARD, &pdev);

	if (err)
		return err;
	err = pci_irq_bind(pdev, PCI_VECTOR_MSI, 0, 1, handler, me);
	if (!err)
		err = pci_irq_mask(pdev, PCI_VECTOR_MSI, 0, false);
	pcidev_put(pdev);
	return err;
}

void op_unbind(struct actor *me)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, CARD);

	if (!pdev)
		return;
	(void)pci_irq_unbind(pdev, PCI_VECTOR_MSI, 0, 1);
	me->unbound = true;
	pcidev_put(pdev);
}

/* Two of them share one. */
static void prepare_unbind(struct actor *me)
{
	if (!op_in_guest() && !(me->self && me->other->op == me->op))
		ensure(!op_bind(me));
}

/* Of what was bound before, or (the host has it only later) now. */
static int unbind(struct actor *me)
{
	struct pci_dev *pdev;
	int err = op_in_guest() ? op_bind(me) : 0;

	if (!err)
		err = pci_lookup(NULL, CARD, &pdev);
	if (err)
		return err;
	err = pci_irq_unbind(pdev, PCI_VECTOR_MSI, 0, 1);
	me->unbound = !err;
	pcidev_put(pdev);
	return err;
}

static int restore(struct actor *me)
{
	(void)me;
	return pci_restore_msi(CARD);
}

/* The hardware domain binds nothing, until it says so. */
static int prepare_msix(struct actor *me)
{
	struct pci_irq_info irq;
	int err = pci_prepare_msix(CARD);

	if (err)
		return err;
	if (!me->other->ended)
		explore_yield(); /* for a time */
	ensure(pci_irq_query(CARD, &irq) || op_may(me, ADDS) ||
	       (irq.prepared && (irq.guest || !(irq.msi + irq.msix))));
	return pci_release_msix(CARD);
}

/* --- resets ---------------------------------------------------------------------------- */

static int reset(struct actor *me)
{
	const char *why = NULL;
	unsigned int resets = world_resets();
	int err = pci_reset_device(CARD, PCI_RESET_ANY, NULL, &why);

	me->worked = world_resets() > resets;
	ensure((err != -EIO && err != -EBADF) || why);
	return op_left(me, err, 0);
}

#define NOT_THERE                       \
	{                               \
		-ENODEV, ENDS | MAY_END \
	}

const struct op ops_units[] = {
	{ .name = "quarantine",
	  .rule = "rule 15: in quarantine it reaches nothing",
	  .worlds = HOST,
	  .modules = WORLD_IOMMU,
	  .does = RUNS | CONFINES,
	  .run = quarantine,
	  .excuse = { NOT_THERE, { -EBUSY, IN_GUEST | RUNS | GIVES } } },
	{ .name = "unquarantine",
	  .rule = "rule 15: out of quarantine it works again, or stays",
	  .worlds = HOST,
	  .modules = WORLD_IOMMU,
	  .does = RUNS | CONFINES,
	  .run = unquarantine,
	  .excuse = { NOT_THERE,
		      { -EBUSY, IN_GUEST | RUNS | GIVES },
		      { -EINVAL, CONFINES | ADDS },
		      { -EIO, FAULTS | BREAKS } } },
	{ .name = "group",
	  .rule = "a group is whole, or there is no answer",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IOMMU,
	  .run = group,
	  .excuse = { NOT_THERE, { -EBUSY, REMOVES } } },
	{ .name = "map",
	  .rule = "XSA-390: nothing stays mapped in a guest that dies",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IOMMU,
	  .run = map,
	  .excuse = { { -EINVAL, DIES } } },
	{ .name = "unmap",
	  .rule = "XSA-346: unmapped, no device reaches it",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IOMMU,
	  .prepare = prepare_unmap,
	  .run = unmap,
	  .excuse = { { -EINVAL, DIES }, { -ENOENT, DIES } } },
	{ .name = "fault",
	  .rule = "§8: at the limit bus mastering is off, and stays off",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IOMMU,
	  .does = FAULTS,
	  .run = fault },
	{ .name = "clear",
	  .rule = "§8: faults are forgotten, or not; never half",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IOMMU,
	  .run = clear,
	  .excuse = { NOT_THERE, { -EBUSY, REMOVES } } },
	{ .name = "info",
	  .rule = "what is told of its units is of one moment",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IOMMU,
	  .run = info,
	  .excuse = { NOT_THERE } },
	{ .name = "bind",
	  .rule = "§8: a handler hears the hardware domain's device only",
	  .worlds = HOST,
	  .modules = WORLD_IRQ,
	  .does = BINDS,
	  .run = op_bind,
	  .undo = op_unbind,
	  .excuse = { { -ENODEV, ENDS | MAY_END | IN_GUEST | GIVES | CONFINES |
					 HIDES | RESETS },
		      { -EBUSY, RUNS | SIGNALS | MUTES | REMOVES | PREPARES },
		      { -EEXIST, BINDS },
		      { -ENOENT, RUNS } } },
	{ .name = "unbind",
	  .rule = "R10: after the unbind no handler is called",
	  .worlds = HOST,
	  .modules = WORLD_IRQ,
	  .does = BINDS,
	  .prepare = prepare_unbind,
	  .run = unbind,
	  .excuse = { { -ENODEV, ENDS | MAY_END | IN_GUEST | GIVES | CONFINES |
					 HIDES | RESETS },
		      { -EBUSY, RUNS | SIGNALS | MUTES | REMOVES | PREPARES },
		      { -EEXIST, BINDS },
		      { -ENOENT, RUNS | BINDS } } },
	{ .name = "restore_msi",
	  .rule = "R10: restored is what is bound, and nothing else",
	  .worlds = HOST | GUEST,
	  .modules = WORLD_IRQ,
	  .does = MUTES,
	  .run = restore,
	  .excuse = { NOT_THERE, { -EBUSY, RUNS | REMOVES } } },
	{ .name = "prepare_msix",
	  .rule = "prepared, it stays so, and nothing is bound but a guest's",
	  .worlds = HOST,
	  .modules = WORLD_IRQ | WORLD_MSIX,
	  .does = PREPARES,
	  .run = prepare_msix,
	  .excuse = { { -ENODEV, ENDS | MAY_END },
		      { -EBUSY, IN_GUEST | RUNS | GIVES | BINDS | PREPARES |
					HIDES | CONFINES | REMOVES } } },
	{ .name = "reset",
	  .rule = "rule 15: one operation at a time; checked, or quarantined",
	  .worlds = HOST,
	  .modules = WORLD_RESET,
	  .does = RUNS | RESETS | MUTES,
	  .run = reset,
	  .excuse = { NOT_THERE,
		      { -EBUSY, IN_GUEST | RUNS | GIVES },
		      { -EBADF, CONFINES },
		      { -EIO, FAULTS | BREAKS } } },
	{ .name = NULL },
};
