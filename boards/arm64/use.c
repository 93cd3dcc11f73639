/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware domain's uses of devices: two holds for each, bus mastering and
 * message interrupts, taken and given back by what the registers say after a
 * write of them. Nothing is derived from the write itself: what the device
 * says counts, so two CPUs that write at once, a write that did not arrive, or
 * one that a removal took the hold away from leave no hold behind.
 *
 * Bridges are left out: they forward for what is below them, which holds them
 * anyway.
 *
 * The lock guards the table; holds are taken and given back under it, which
 * never waits. cut_off() may come from any CPU in a section and only leaves a
 * mark: the hold is no longer listed then, and is freed when we look next.
 */
#include "use.h"

#include <holdfast/atomic.h>
#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/hold.h>
#include <holdfast/pci_regs.h>
#include <holdfast/platform.h>

#include "slot.h"

enum { USES = 64 };
enum why { MASTER, MESSAGES, WHYS };

struct use {
	pci_sbdf_t sbdf;
	uint64_t instance; /* 0: free */
	struct pci_hold *hold[WHYS];
	hf_atomic(bool) cut[WHYS];
};

static struct {
	plat_lock_t lock;
	struct use use[USES];
	hf_atomic(bool) stale;
} all;

void use_init(void)
{
	memset(&all, 0, sizeof(all));
	plat_lock_init(&all.lock);
}

/* --- asking --------------------------------------------------------------------- */

static void ask(struct pci_hold *hold, void *data, uint64_t deadline)
{
	const struct use *use = data;

	(void)hold;
	(void)deadline;
	slot_press(use->sbdf);
}

static void cut_master(struct pci_hold *hold, void *data)
{
	(void)hold;
	hf_store_release(&((struct use *)data)->cut[MASTER], true);
}

static void cut_messages(struct pci_hold *hold, void *data)
{
	(void)hold;
	hf_store_release(&((struct use *)data)->cut[MESSAGES], true);
}

/* By whether there is somebody to ask: a slot whose driver listens. */
static const struct pci_hold_ops ops[2][WHYS] = {
	{ { .cut_off = cut_master }, { .cut_off = cut_messages } },
	{ { .ask = ask, .cut_off = cut_master },
	  { .ask = ask, .cut_off = cut_messages } },
};

static const struct {
	enum pci_hold_kind kind;
	const char *who;
} name[WHYS] = {
	{ PCI_HOLD_SESSION, "hardware domain: bus mastering is on" },
	{ PCI_HOLD_IRQ, "hardware domain: message interrupts are on" },
};

/* --- looking ----------------------------------------------------------------------- */

static bool is_on(struct pci_dev *pdev, uint16_t reg, uint16_t bit)
{
	uint32_t val = pcidev_read(pdev, reg, 2);

	return val != UINT16_MAX && val & bit;
}

static void see(struct pci_dev *pdev, bool on[WHYS])
{
	const struct pci_dev_facts *desc = pcidev_desc(pdev);

	on[MASTER] = on[MESSAGES] = false;
	if (desc->hdr_type == PCI_HEADER_TYPE_BRIDGE ||
	    pci_owner(desc->sbdf) != DOMID_HARDWARE || slot_is_off(desc->sbdf))
		return;
	on[MASTER] = is_on(pdev, PCI_COMMAND, PCI_COMMAND_MASTER);
	on[MESSAGES] = (desc->msi && is_on(pdev, desc->msi + PCI_MSI_FLAGS,
					   PCI_MSI_FLAGS_ENABLE)) ||
		       (desc->msix && is_on(pdev, desc->msix + PCI_MSIX_FLAGS,
					    PCI_MSIX_FLAGS_ENABLE));
}

/* Under the lock. */
static void let_go(struct use *use, enum why why)
{
	if (use->hold[why])
		pci_hold_release(use->hold[why]);
	use->hold[why] = NULL;
	hf_store_relaxed(&use->cut[why], false);
}

static void let_all_go(struct use *use)
{
	let_go(use, MASTER);
	let_go(use, MESSAGES);
	use->instance = 0;
}

/* Under the lock: the device's entry, or a free one for it, or NULL. */
static struct use *entry_of(struct pci_dev *pdev)
{
	uint64_t instance = pcidev_instance(pdev);
	struct use *spare = NULL;
	unsigned int i;

	for (i = 0; i < USES; i++) {
		if (all.use[i].instance == instance)
			return &all.use[i];
		if (!all.use[i].instance && !spare)
			spare = &all.use[i];
	}
	if (spare)
		spare->sbdf = pcidev_sbdf(pdev);
	return spare;
}

/*
 * Under the lock. A hold that cannot be had is not a fault here: a removal
 * that has begun refuses it, and we look again when that is over.
 */
static void take(struct use *use, struct pci_dev *pdev, enum why why)
{
	bool slot = slot_is_known(use->sbdf);

	if (pci_hold_take(pdev, name[why].kind, name[why].who, &ops[slot][why],
			  use, &use->hold[why]))
		use->hold[why] = NULL;
	else
		use->instance = pcidev_instance(pdev);
}

static void look(struct pci_dev *pdev)
{
	struct use *use;
	bool on[WHYS];
	enum why why;

	plat_lock(&all.lock);
	see(pdev, on); /* under the lock: what is seen last is believed */
	use = entry_of(pdev);
	for (why = 0; use && why < WHYS; why++) {
		if (!on[why] || hf_load_acquire(&use->cut[why]))
			let_go(use, why);
		if (on[why] && !use->hold[why])
			take(use, pdev, why);
	}
	if (use && !use->hold[MASTER] && !use->hold[MESSAGES])
		let_all_go(use);
	plat_unlock(&all.lock);
	if (!use)
		plat_log(PLAT_WARN, "no room to note that %x is in use",
			 pcidev_sbdf(pdev).sbdf);
}

void use_look_at(pci_sbdf_t sbdf)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, sbdf);

	if (pdev)
		look(pdev);
	pcidev_put(pdev);
}

static bool touches(uint16_t reg, uint8_t size, uint16_t control)
{
	return control && reg < control + 2 && reg + size > control;
}

void use_written(pci_sbdf_t sbdf, uint16_t reg, uint8_t size)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, sbdf);
	const struct pci_dev_facts *desc;

	if (!pdev)
		return;
	desc = pcidev_desc(pdev);
	if (touches(reg, size, PCI_COMMAND) ||
	    (desc->msi && touches(reg, size, desc->msi + PCI_MSI_FLAGS)) ||
	    (desc->msix && touches(reg, size, desc->msix + PCI_MSIX_FLAGS)))
		look(pdev);
	pcidev_put(pdev);
}

/* What is not there any more has been cut off; its entries are free again. */
static void sweep(void)
{
	struct pci_dev_info info;
	unsigned int i;

	plat_lock(&all.lock);
	for (i = 0; i < USES; i++) {
		struct use *use = &all.use[i];

		if (use->instance && (pci_query(use->sbdf, &info) ||
				      info.instance != use->instance))
			let_all_go(use);
	}
	plat_unlock(&all.lock);
}

void use_look_at_all(void)
{
	struct pci_dev *pdev = NULL;
	int seg;

	sweep();
	for (seg = 0; (seg = pci_segment_next((unsigned int)seg)) >= 0; seg++)
		while ((pdev = pci_next_pdev((uint16_t)seg, pdev)))
			look(pdev);
}

void use_look_soon(void)
{
	hf_store_release(&all.stale, true);
}

void use_poll(void)
{
	bool stale = true;

	if (hf_load_relaxed(&all.stale) &&
	    hf_cas_acquire(&all.stale, &stale, false))
		use_look_at_all();
}

/* --- refusing ------------------------------------------------------------------------ */

int use_refuse(pci_sbdf_t sbdf)
{
	int err = -ENOENT;
	unsigned int i;
	enum why why;

	plat_lock(&all.lock);
	for (i = 0; i < USES; i++) {
		struct use *use = &all.use[i];

		if (!use->instance || use->sbdf.sbdf != sbdf.sbdf)
			continue;
		for (why = 0; why < WHYS; why++)
			if (use->hold[why])
				pci_hold_refuse(use->hold[why]);
		err = 0;
	}
	plat_unlock(&all.lock);
	return err;
}
