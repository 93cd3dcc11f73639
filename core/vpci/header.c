/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header: what a guest sees below 0x40, BARs and Capabilities Pointer
 * apart (PCIe 6.0 §7.5.1), and the state in which hardware comes to a guest
 * and goes back.
 *
 * Command is the guest's own, apart from hardware's. There Memory Space Enable
 * stays on while the guest has the device, or an access that is under way
 * would make the host see an unsupported request (XSA-120, XSA-126); I/O Space
 * Enable is off, for no guest has ports; Bus Master follows the guest while the
 * device is sound and its DMA does not fault; INTx is off where the guest wants
 * it off or has message interrupts on (§7.5.1.1.3). What else a guest may not
 * have there reads 0 and stays in hardware as it is.
 *
 * The hardware domain's header is hardware's. It is heeded only where BARs are
 * to be mapped for it.
 *
 * Hooks run under pdev->lock; enter and leave belong to the owner of pdev->op.
 */
#include "vpci/internal.h"

enum {
	COMMAND_GUEST = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
			PCI_COMMAND_INTX_DISABLE,
	COMMAND_GUEST_VF = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
	STATUS_HARDWARE = PCI_STATUS_IMM_READY | PCI_STATUS_INTERRUPT |
			  PCI_STATUS_66MHZ | PCI_STATUS_FAST_BACK |
			  PCI_STATUS_DEVSEL_MASK | PCI_STATUS_W1C,
};

/* --- Command --------------------------------------------------------------------- */

/*
 * In a reset the device is left alone; its end calls again. A guest that is
 * cut off has neither.
 */
void vpci_intx_update(struct vpci *view)
{
	uint16_t guest = vpci_command(view), hw = 0;
	bool cut = hf_load_relaxed(&view->cut);

	if (view->hardware || hf_load_relaxed(&view->work) & VPCI_WORK_FLR)
		return;
	if (!view->pdev->broken && !cut &&
	    !pcidev_marked(view->pdev, PCI_MARK_NO_MASTER))
		hw |= guest & PCI_COMMAND_MASTER;
	if (cut || guest & PCI_COMMAND_INTX_DISABLE || vpci_msi_is_on(view) ||
	    vpci_msix_is_on(view))
		hw |= PCI_COMMAND_INTX_DISABLE;
	conf_update(view->pdev, PCI_COMMAND,
		    PCI_COMMAND_MASTER |
			    (view->pdev->desc.is_vf ? 0
						    : PCI_COMMAND_INTX_DISABLE),
		    hw);
}

void vpci_command_apply(struct vpci *view)
{
	vpci_bars_decode(view, vpci_memory_is_on(view));
	vpci_intx_update(view);
}

static void set_command(struct vpci *view, uint16_t val)
{
	if (view->hardware)
		vpci_hw_write(view, PCI_COMMAND, 2, val);
	else
		vpci_set(view, PCI_COMMAND, 2, val);
	vpci_command_apply(view);
}

static void command_write(struct vpci *view, uint16_t reg, uint32_t val,
			  uint32_t mask, void *data)
{
	(void)reg;
	(void)mask;
	(void)data;
	set_command(view, (uint16_t)val);
}

void vpci_command_clear(struct vpci *view, uint16_t bits)
{
	set_command(view, vpci_command(view) & (uint16_t)~bits);
}

/* --- what is computed when it is read ------------------------------------------------ */

/* Is there a list, of those that the guest is shown? */
static uint32_t status_read(struct vpci *view, uint16_t reg, uint32_t val,
			    void *data)
{
	(void)reg;
	(void)data;
	if (vpci_get(view, PCI_CAPABILITY_LIST, 1))
		val |= PCI_STATUS_CAP_LIST;
	return val;
}

/*
 * Multi-function: what else the guest has in its slot (§7.5.1.1.9). Who came
 * here found the device in the guest's table in this section, so its address
 * there does not change before the section ends.
 */
static uint32_t header_type_read(struct vpci *view, uint16_t reg, uint32_t val,
				 void *data)
{
	pci_sbdf_t at = view->pdev->vsbdf;
	uint8_t own = at.devfn, slot = at.devfn & 0xf8;
	unsigned int fn;

	(void)reg;
	(void)data;
	for (fn = 0; fn < 8; fn++) {
		at.devfn = (uint8_t)(slot + fn);
		if (at.devfn != own && pci_table_find(&view->domain->table, at))
			return val | PCI_HEADER_TYPE_MFD;
	}
	return val;
}

/* --- the registers ------------------------------------------------------------------- */

struct header_register {
	uint16_t reg;
	uint8_t size;
	struct vpci_masks masks;
	vpci_read_fn *read;
	vpci_write_fn *write;
};

#define FROM_HARDWARE(reg, size)                                          \
	{                                                                 \
		(reg), (size), { .hw = UINT32_MAX >> (32 - 8 * (size)) }, \
			NULL, NULL                                        \
	}
#define OWN_BYTE(reg)                                \
	{                                            \
		(reg), 1, { .rw = 0xff }, NULL, NULL \
	}

/* A VF has none of these (§9.3.4.1). */
static const struct header_register not_of_a_vf[] = {
	FROM_HARDWARE(PCI_VENDOR_ID, 4),
	FROM_HARDWARE(PCI_CLASS_REVISION, 4),
	OWN_BYTE(PCI_CACHE_LINE_SIZE),
	OWN_BYTE(PCI_INTERRUPT_LINE),
	FROM_HARDWARE(PCI_INTERRUPT_PIN, 1),
};

static const struct header_register type_0[] = {
	FROM_HARDWARE(PCI_SUBSYSTEM_VENDOR_ID, 4),
	FROM_HARDWARE(PCI_MIN_GNT, 1),
	FROM_HARDWARE(PCI_MAX_LAT, 1),
};

/* Buses and windows are the host's: a guest may see them (§7.5.1.3). */
static const struct header_register type_1[] = {
	FROM_HARDWARE(PCI_PRIMARY_BUS, 4),
	FROM_HARDWARE(PCI_IO_BASE, 4),
	FROM_HARDWARE(PCI_MEMORY_BASE, 4),
	FROM_HARDWARE(PCI_PREF_MEMORY_BASE, 4),
	FROM_HARDWARE(PCI_PREF_BASE_UPPER32, 4),
	FROM_HARDWARE(PCI_PREF_LIMIT_UPPER32, 4),
	FROM_HARDWARE(PCI_IO_BASE_UPPER16, 4),
	FROM_HARDWARE(PCI_BRIDGE_CONTROL, 2),
};

static int add_all(struct vpci *view, const struct header_register *r,
		   size_t count)
{
	int err = 0;

	for (; count-- && !err; r++)
		err = vpci_add_register(view, r->reg, r->size, &r->masks,
					r->read, r->write, NULL);
	return err;
}

static int add_fixed(struct vpci *view, uint16_t reg, uint32_t val)
{
	struct vpci_masks masks = { .value = val };

	return vpci_add_register(view, reg, 4, &masks, NULL, NULL, NULL);
}

/* IDs that a VF does not say itself (§9.3.4.1.1, §9.3.4.1.2). */
static int add_vf(struct vpci *view)
{
	const struct pci_ident *id = &view->pdev->desc.ident;
	int err;

	err = add_fixed(view, PCI_VENDOR_ID,
			(uint32_t)id->device << 16 | id->vendor);
	if (!err)
		err = add_fixed(view, PCI_CLASS_REVISION, id->class_rev);
	if (!err)
		err = add_fixed(view, PCI_SUBSYSTEM_VENDOR_ID,
				(uint32_t)id->subdevice << 16 | id->subvendor);
	return err;
}

/* What depends on the type of header. */
static int add_by_type(struct vpci *view)
{
	const struct pci_dev_facts *desc = &view->pdev->desc;
	/* §7.5.1.1.7: 0 in PCI Express */
	static const struct header_register latency =
		OWN_BYTE(PCI_LATENCY_TIMER);
	int err;

	if (desc->is_vf)
		return add_vf(view);
	err = add_all(view, not_of_a_vf, ARRAY_SIZE(not_of_a_vf));
	if (!err && !desc->pcie)
		err = add_all(view, &latency, 1);
	if (!err && desc->hdr_type == PCI_HEADER_TYPE_NORMAL)
		err = add_all(view, type_0, ARRAY_SIZE(type_0));
	if (!err && desc->hdr_type == PCI_HEADER_TYPE_BRIDGE)
		err = add_all(view, type_1, ARRAY_SIZE(type_1));
	return err;
}

static int build_guest(struct vpci *view)
{
	const struct pci_dev_facts *desc = &view->pdev->desc;
	uint16_t rw = desc->is_vf ? COMMAND_GUEST_VF : COMMAND_GUEST;
	const struct header_register own[] = {
		{ PCI_COMMAND,
		  2,
		  { .rw = rw, .rsvdp = (uint16_t)~rw },
		  NULL,
		  command_write },
		{ PCI_STATUS,
		  2,
		  { .hw = STATUS_HARDWARE, .w1c = PCI_STATUS_W1C },
		  status_read,
		  NULL },
		{ PCI_HEADER_TYPE,
		  1,
		  { .value = desc->hdr_type },
		  header_type_read,
		  NULL },
	};
	int err = add_all(view, own, ARRAY_SIZE(own));

	return err ? err : add_by_type(view);
}

static int build_hardware(struct vpci *view)
{
	struct vpci_masks command = { .hw = 0xffff, .rw = 0xffff };

	return vpci_add_register(view, PCI_COMMAND, 2, &command, NULL,
				 command_write, NULL);
}

int vpci_build_header(struct vpci *view)
{
	int err;

	if (view->hardware && !hardware_domain->ops->map)
		return 0;
	err = view->hardware ? build_hardware(view) : build_guest(view);
	return err ? err : vpci_build_bars(view);
}

/* --- coming and going ------------------------------------------------------------------ */

/* Under the lock. */
void vpci_header_reset(struct vpci *view)
{
	vpci_msi_reset(view);
	vpci_msix_reset(view);
	vpci_values_reset(view);
	vpci_bars_reset(view);
	vpci_command_apply(view);
}

int vpci_header_start(struct vpci *view)
{
	uint16_t command = view->pdev->record.command |
			   PCI_COMMAND_INTX_DISABLE;
	unsigned int i;

	command &= (uint16_t) ~(PCI_COMMAND_MASTER | PCI_COMMAND_DECODE);
	for (i = 0; i < VPCI_BARS; i++)
		if (view->bar[i].size && view->bar[i].kind != PCI_BAR_IO)
			command |= PCI_COMMAND_MEMORY;
	return conf_restore(view->pdev, command);
}

/*
 * The guest's power states are its own; hardware's is D0, 10 ms after it was
 * none (§5.9).
 */
static void power_on(struct pci_dev *pdev)
{
	uint16_t reg = pdev->desc.pm + PCI_PM_CTRL;
	uint32_t now = pdev->desc.pm ? pcidev_read(pdev, reg, 2) : 0;
	plat_event_t never;

	if (now == vpci_ones(2) || !(now & PCI_PM_CTRL_STATE_MASK))
		return;
	now &= ~(PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_STATUS);
	pcidev_write(pdev, reg, 2, now);
	plat_event_init(&never);
	plat_event_wait(&never, plat_now() + 10 * PLAT_NSEC_PER_MSEC);
	plat_event_destroy(&never);
}

static int enter_guest(struct vpci *view)
{
	int err;

	power_on(view->pdev);
	plat_rcu_read_lock();
	err = vpci_header_start(view);
	plat_rcu_read_unlock();
	return err;
}

/* BARs, as the hardware domain left them. */
static void enter_hardware(struct vpci *view)
{
	bool more;

	pci_lock(&view->pdev->lock);
	vpci_bars_decode(view, vpci_memory_is_on(view));
	pci_unlock(&view->pdev->lock);
	do {
		plat_rcu_read_lock();
		more = vpci_map_step(view);
		plat_rcu_read_unlock();
	} while (more);
}

int vpci_header_enter(struct vpci *view)
{
	if (!view->hardware)
		return enter_guest(view);
	enter_hardware(view);
	return 0;
}

int vpci_header_leave(struct vpci *view)
{
	int err;

	plat_rcu_read_lock();
	/* What the guest has told it to do it must not go on doing (rule 15). */
	err = conf_restore(view->pdev, view->pdev->record.command &
					       (uint16_t)~PCI_COMMAND_MASTER);
	plat_rcu_read_unlock();
	return err;
}
