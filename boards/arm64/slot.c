/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hot-plug slots: the registers, and what moves in them.
 *
 * A slot has a lock of its own, innermost of all: register hooks take it under
 * the port's device lock, and removals and management under none.
 *
 * There is no command to complete (NCCS): a write has done its work when it is
 * over. Of the commands only Power Controller Control means something here:
 * off is how the hardware domain says that it has let go of the card.
 */
#include "slot.h"

#include <holdfast/atomic.h>
#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/pci_regs.h>
#include <holdfast/platform.h>

#include "board.h"
#include "gic.h"
#include "use.h"

enum {
	SLOTS = 16,
	CONTROL = PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PDCE |
		  PCI_EXP_SLTCTL_CCIE | PCI_EXP_SLTCTL_HPIE |
		  PCI_EXP_SLTCTL_AIC | PCI_EXP_SLTCTL_PIC | PCI_EXP_SLTCTL_PCC |
		  PCI_EXP_SLTCTL_DLLSCE,
	EVENTS = PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC,
};

enum { FREE, CLAIMED, READY };

struct slot {
	pci_sbdf_t port;
	hf_atomic(uint32_t) life; /* FREE, CLAIMED, then READY for ever */
	uint32_t intx;            /* the interrupt of the port's pin */
	plat_lock_t lock;         /* guards what follows */
	uint16_t control;
	uint16_t events;
	bool empty;
	bool pressed;     /* and neither ejected nor taken back since */
	uint64_t settled; /* since when its power is off for good */
};

/* For the driver to go on to whatever it does after that. */
#define SETTLE_TIME (100 * PLAT_NSEC_PER_MSEC)

static struct slot slots[SLOTS];

void slot_init(void)
{
	memset(slots, 0, sizeof(slots));
}

/* --- finding ---------------------------------------------------------------------- */

static struct slot *find(pci_sbdf_t port)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (hf_load_acquire(&slots[i].life) == READY &&
		    slots[i].port.sbdf == port.sbdf)
			return &slots[i];
	return NULL;
}

/* That of the nearest port at or above @sbdf. A bridge has a lower address. */
static struct slot *slot_of(pci_sbdf_t sbdf)
{
	struct slot *slot = find(sbdf);
	pci_sbdf_t bridge;

	while (!slot && !pci_bus_bridge(sbdf.seg, sbdf.bus, &bridge) &&
	       bridge.sbdf < sbdf.sbdf) {
		sbdf = bridge;
		slot = find(sbdf);
	}
	return slot;
}

bool slot_is_known(pci_sbdf_t sbdf)
{
	return slot_of(sbdf);
}

int slot_bus(pci_sbdf_t sbdf)
{
	struct slot *slot = slot_of(sbdf);
	struct pci_dev_info info;

	if (!slot || pci_query(slot->port, &info) || !info.desc.secondary)
		return -ENOENT;
	return info.desc.secondary;
}

/* --- events ------------------------------------------------------------------------- */

/* Under the lock: the pin, if the driver wants to hear of what there is. */
static void raise(struct slot *slot)
{
	uint16_t wanted = 0;

	if (slot->control & PCI_EXP_SLTCTL_ABPE)
		wanted |= PCI_EXP_SLTSTA_ABP;
	if (slot->control & PCI_EXP_SLTCTL_PDCE)
		wanted |= PCI_EXP_SLTSTA_PDC;
	if (slot->control & PCI_EXP_SLTCTL_DLLSCE)
		wanted |= PCI_EXP_SLTSTA_DLLSC;
	if (slot->control & PCI_EXP_SLTCTL_HPIE && slot->events & wanted)
		gic_set_pending(slot->intx);
}

static void happened(struct slot *slot, uint16_t events)
{
	slot->events |= events;
	raise(slot);
}

void slot_press(pci_sbdf_t sbdf)
{
	struct slot *slot = slot_of(sbdf);

	if (!slot)
		return;
	plat_lock(&slot->lock);
	if (!slot->pressed && !(slot->control & PCI_EXP_SLTCTL_PCC)) {
		slot->pressed = true;
		happened(slot, PCI_EXP_SLTSTA_ABP);
	}
	plat_unlock(&slot->lock);
}

/*
 * The driver waits some seconds after a press, its power indicator blinking, for
 * a second press that takes the first one back. Later than that nothing does:
 * it powers the slot off, and on again when the button is pressed.
 */
static void take_back_press(struct slot *slot)
{
	plat_lock(&slot->lock);
	if (slot->pressed && (slot->control & PCI_EXP_SLTCTL_PIC) ==
				     PCI_EXP_SLTCTL_PWR_IND_BLINK)
		happened(slot, PCI_EXP_SLTSTA_ABP);
	slot->pressed = false;
	plat_unlock(&slot->lock);
}

static void set_empty(struct slot *slot)
{
	plat_lock(&slot->lock);
	if (!slot->empty)
		happened(slot, PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	slot->empty = true;
	slot->pressed = false;
	plat_unlock(&slot->lock);
}

/* Is anything registered on the buses below the port? */
static bool has_card(const struct slot *slot)
{
	struct pci_dev_info port, info;
	pci_sbdf_t first = { .seg = slot->port.seg };

	if (pci_query(slot->port, &port) || !port.desc.secondary)
		return false;
	first.bus = port.desc.secondary;
	return !pci_query_next(first, &info) &&
	       info.desc.sbdf.bus <= port.desc.subordinate;
}

void slot_removal_over(pci_sbdf_t sbdf)
{
	struct slot *slot = slot_of(sbdf);

	if (!slot || slot->port.sbdf == sbdf.sbdf)
		return;
	if (has_card(slot))
		take_back_press(slot);
	else
		set_empty(slot);
}

void slot_filled(pci_sbdf_t sbdf)
{
	struct slot *slot = slot_of(sbdf);

	if (!slot)
		return;
	plat_lock(&slot->lock);
	if (slot->empty || slot->control & PCI_EXP_SLTCTL_PCC)
		happened(slot, PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	slot->empty = false;
	slot->pressed = false;
	plat_unlock(&slot->lock);
}

/*
 * Linux (pciehp_hpc.c, pciehp_ctrl.c) switches power off, waits a second, drops
 * what it has been told meanwhile, and then the power indicator goes off.
 */
bool slot_is_switching(pci_sbdf_t sbdf)
{
	struct slot *slot = slot_of(sbdf);
	bool yes;

	if (!slot)
		return false;
	plat_lock(&slot->lock);
	yes = slot->control & PCI_EXP_SLTCTL_PCC && plat_now() < slot->settled;
	plat_unlock(&slot->lock);
	return yes;
}

bool slot_is_off(pci_sbdf_t sbdf)
{
	struct slot *slot = slot_of(sbdf);
	bool off;

	if (!slot || slot->port.sbdf == sbdf.sbdf)
		return false;
	plat_lock(&slot->lock);
	off = slot->control & PCI_EXP_SLTCTL_PCC;
	plat_unlock(&slot->lock);
	return off;
}

/* --- registers (PCIe 6.0 §7.5.3.8 to §7.5.3.11) --------------------------------------- */

/* Power is off: when is it for good? PLAT_FOREVER: after another write. */
static uint64_t settled(const struct slot *slot, uint32_t val)
{
	bool off = (val & PCI_EXP_SLTCTL_PIC) == PCI_EXP_SLTCTL_PWR_IND_OFF;

	if (off && slot->control & PCI_EXP_SLTCTL_PCC &&
	    slot->settled != PLAT_FOREVER)
		return slot->settled;
	return off ? plat_now() + SETTLE_TIME : PLAT_FOREVER;
}

static void control_write(struct vpci *view, uint16_t reg, uint32_t val,
			  uint32_t mask, void *data)
{
	struct slot *slot = data;

	(void)view;
	(void)reg;
	(void)mask;
	plat_lock(&slot->lock);
	if (val & PCI_EXP_SLTCTL_PCC) {
		slot->settled = settled(slot, val);
		slot->pressed = false;
		use_look_soon();
	}
	slot->control = (uint16_t)val;
	raise(slot);
	plat_unlock(&slot->lock);
}

static uint32_t control_read(struct vpci *view, uint16_t reg, uint32_t val,
			     void *data)
{
	struct slot *slot = data;

	(void)view;
	(void)reg;
	(void)val;
	plat_lock(&slot->lock);
	val = slot->control;
	plat_unlock(&slot->lock);
	return val;
}

static uint32_t status_read(struct vpci *view, uint16_t reg, uint32_t val,
			    void *data)
{
	struct slot *slot = data;
	uint32_t hw = vpci_hw_read(view, reg, 2);

	plat_lock(&slot->lock);
	val = slot->events;
	if (!slot->empty)
		val |= hw & PCI_EXP_SLTSTA_PDS;
	plat_unlock(&slot->lock);
	return val;
}

static void status_write(struct vpci *view, uint16_t reg, uint32_t val,
			 uint32_t mask, void *data)
{
	struct slot *slot = data;

	(void)view;
	(void)reg;
	plat_lock(&slot->lock);
	slot->events &= (uint16_t) ~(val & mask);
	plat_unlock(&slot->lock);
}

/* No link to what is not there, or has no power. */
static uint32_t link_read(struct vpci *view, uint16_t reg, uint32_t val,
			  void *data)
{
	struct slot *slot = data;

	(void)view;
	(void)reg;
	plat_lock(&slot->lock);
	if (slot->empty || slot->control & PCI_EXP_SLTCTL_PCC)
		val &= ~(uint32_t)PCI_EXP_LNKSTA_DLLLA;
	plat_unlock(&slot->lock);
	return val;
}

static int add_registers(struct vpci *view, uint16_t pcie, struct slot *slot)
{
	const struct vpci_masks link = {
		.hw = 0xffff,
		.w1c = PCI_EXP_LNKSTA_LBMS | PCI_EXP_LNKSTA_LABS,
	};
	const struct vpci_masks cap = {
		.value = (vpci_hw_read(view, pcie + PCI_EXP_SLTCAP, 4) &
			  ~(uint32_t)(PCI_EXP_SLTCAP_EIP |
				      PCI_EXP_SLTCAP_MRLSP)) |
			 PCI_EXP_SLTCAP_NCCS,
	};
	const struct vpci_masks control = { .rw = CONTROL };
	const struct vpci_masks status = { .w1c = PCI_EXP_SLTSTA_W1C };
	int err = vpci_add_register(view, pcie + PCI_EXP_LNKSTA, 2, &link,
				    link_read, NULL, slot);

	if (!err)
		err = vpci_add_register(view, pcie + PCI_EXP_SLTCAP, 4, &cap,
					NULL, NULL, NULL);
	if (!err)
		err = vpci_add_register(view, pcie + PCI_EXP_SLTCTL, 2,
					&control, control_read, control_write,
					slot);
	if (!err)
		err = vpci_add_register(view, pcie + PCI_EXP_SLTSTA, 2, &status,
					status_read, status_write, slot);
	return err;
}

/*
 * The list around MSI and MSI-X: the pointers to them point to what follows.
 * It may loop: no more entries than fit.
 */
static int hide_messages(struct vpci *view)
{
	uint16_t from = PCI_CAPABILITY_LIST;
	uint8_t pos = (uint8_t)vpci_hw_read(view, from, 1) & 0xfc, id, first;
	unsigned int left = (PCI_CFG_SPACE_SIZE - PCI_STD_HEADER_SIZEOF) / 4;
	struct vpci_masks next;
	int err = 0;

	while (!err && pos >= PCI_STD_HEADER_SIZEOF && left) {
		for (first = pos; pos >= PCI_STD_HEADER_SIZEOF && left;
		     left--) {
			id = (uint8_t)vpci_hw_read(view, pos, 1);
			if (id != PCI_CAP_ID_MSI && id != PCI_CAP_ID_MSIX)
				break;
			pos = (uint8_t)vpci_hw_read(view, pos + 1, 1) & 0xfc;
		}
		next = (struct vpci_masks){ .value = pos };
		if (pos != first)
			err = vpci_add_register(view, from, 1, &next, NULL,
						NULL, NULL);
		from = pos + 1;
		pos = (uint8_t)vpci_hw_read(view, from, 1) & 0xfc;
		left -= left != 0;
	}
	return err;
}

/* A port that is added again finds its slot as it was. NULL: too many. */
static struct slot *claim(struct vpci *view, pci_sbdf_t port, uint16_t pcie)
{
	struct slot *slot = find(port);
	unsigned int i;

	for (i = 0; !slot && i < SLOTS; i++) {
		uint32_t was = FREE;

		if (hf_cas_acquire(&slots[i].life, &was, CLAIMED))
			slot = &slots[i];
	}
	if (!slot || hf_load_acquire(&slot->life) == READY)
		return slot;
	plat_lock_init(&slot->lock);
	slot->port = port;
	slot->intx = BOARD_INTX(PCI_DEV(port),
				vpci_hw_read(view, PCI_INTERRUPT_PIN, 1));
	slot->control = vpci_hw_read(view, pcie + PCI_EXP_SLTCTL, 2) &
			(PCI_EXP_SLTCTL_AIC | PCI_EXP_SLTCTL_PIC);
	slot->empty = !(vpci_hw_read(view, pcie + PCI_EXP_SLTSTA, 2) &
			PCI_EXP_SLTSTA_PDS);
	hf_store_release(&slot->life, READY);
	return slot;
}

int slot_extend(struct vpci *view, struct pci_dev *pdev, struct domain *d)
{
	const struct pci_dev_facts *desc = pcidev_desc(pdev);
	struct slot *slot;
	int err;

	if (domain_id(d) != DOMID_HARDWARE || !desc->pcie || !desc->has_slot ||
	    !(vpci_hw_read(view, desc->pcie + PCI_EXP_SLTCAP, 4) &
	      PCI_EXP_SLTCAP_HPC))
		return 0;
	slot = claim(view, desc->sbdf, desc->pcie);
	if (!slot)
		return 0; /* as it is in hardware: more slots than we know */
	err = add_registers(view, desc->pcie, slot);
	return err ? err : hide_messages(view);
}
