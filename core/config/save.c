/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the hardware domain has a device: kept when the device leaves it, and
 * put back whenever somebody else, or a reset, has changed it.
 *
 * The record is made once for each time that the device leaves the hardware
 * domain (pdev->record.wanted), before a stage has changed anything, and not
 * again before it has been there again: so nothing that a guest wrote is ever
 * in it (XSA-337). It is guarded by the ownership of pdev->op; while a guest has
 * the device, who serves its registers reads it.
 */
#include "config/internal.h"

static const struct {
	uint8_t reg, size;
	enum { HEADER, POWER, EXPRESS, EXPRESS_2, ACS, SRIOV, OWNERS } of;
	uint16_t never; /* bits that do something when they are written */
} kept[PCI_KEPT] = {
	[PCI_KEPT_CACHE_LINE] = { PCI_CACHE_LINE_SIZE, 1, HEADER, 0 },
	[PCI_KEPT_LATENCY] = { PCI_LATENCY_TIMER, 1, HEADER, 0 },
	[PCI_KEPT_INTERRUPT_LINE] = { PCI_INTERRUPT_LINE, 1, HEADER, 0 },
	[PCI_KEPT_PM] = { PCI_PM_CTRL, 2, POWER,
			  PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_STATUS },
	[PCI_KEPT_DEVCTL] = { PCI_EXP_DEVCTL, 2, EXPRESS,
			      PCI_EXP_DEVCTL_BCR_FLR },
	[PCI_KEPT_DEVCTL2] = { PCI_EXP_DEVCTL2, 2, EXPRESS_2, 0 },
	[PCI_KEPT_LNKCTL] = { PCI_EXP_LNKCTL, 2, EXPRESS_2, 0 },
	[PCI_KEPT_LNKCTL2] = { PCI_EXP_LNKCTL2, 2, EXPRESS_2, 0 },
	[PCI_KEPT_ACS] = { PCI_ACS_CTRL, 2, ACS, 0 },
	[PCI_KEPT_PAGE_SIZE] = { PCI_SRIOV_SYS_PGSIZE, 4, SRIOV, 0 },
};

/* 0: there is none. Version 1 may end after Device Status (§7.5.3). */
static uint16_t kept_register(const struct pci_dev *pdev, unsigned int i)
{
	const struct pci_dev_facts *desc = &pdev->desc;
	const uint16_t base[OWNERS] = {
		[POWER] = desc->pm,
		[EXPRESS] = desc->pcie,
		[EXPRESS_2] = pdev->record.express_2 ? desc->pcie : 0,
		[ACS] = desc->acs,
		[SRIOV] = desc->sriov,
	};

	if (kept[i].of == HEADER)
		return kept[i].reg;
	return base[kept[i].of] ? base[kept[i].of] + kept[i].reg : 0;
}

static void update(struct conf *c, uint16_t reg, uint16_t mask, uint16_t val)
{
	uint16_t now = (uint16_t)conf_answer(c, reg, 2);

	if (now != conf_ones(2) && (now ^ val) & mask)
		conf_write(c, reg, 2, (now & ~mask) | (val & mask));
}

int conf_update(struct pci_dev *pdev, uint16_t reg, uint16_t mask, uint16_t val)
{
	struct conf c;

	conf_of(&c, pdev);
	update(&c, reg, mask, val);
	return c.err;
}

/* --- keeping ------------------------------------------------------------------ */

/* A byte may be all-ones, the dword around it never is. */
static uint32_t keep(struct conf *c, uint16_t reg, uint8_t size)
{
	if (size == 1)
		return conf_answer(c, reg & ~3u, 4) >> 8 * (reg & 3) & 0xff;
	return conf_answer(c, reg, size);
}

static void save_registers(struct conf *c)
{
	struct pci_dev *pdev = c->pdev;
	struct pci_record *r = &pdev->record;
	uint16_t pcie = pdev->desc.pcie;
	unsigned int i;

	r->express_2 = pcie && (conf_answer(c, pcie + PCI_EXP_FLAGS, 2) &
				PCI_EXP_FLAGS_VERS) >= 2;
	for (i = 0; i < PCI_KEPT; i++)
		if (kept_register(pdev, i))
			r->reg[i] =
				keep(c, kept_register(pdev, i), kept[i].size) &
				~(uint32_t)kept[i].never;
}

/*
 * As the registers have it: the upper half of MEM64 in the next one. One that
 * reads all-ones in a device that answers was left so by a sizing that it did
 * not survive: @last, it is as it was described, which puts it right.
 */
static void save_bars(struct conf *c, bool last)
{
	struct pci_dev *pdev = c->pdev;
	struct pci_record *r = &pdev->record;
	struct pci_bar bar[PCI_BAR_COUNT];
	struct pci_dev_desc desc;
	struct conf now;
	unsigned int i;

	pcidev_describe(pdev, &desc);
	conf_of(&now, pdev);
	conf_bar_addresses(&now, &desc, bar);
	if (now.err && last) {
		conf_of(&now, pdev);
		if (conf_absent(&now) && !now.err)
			now.err = -EIO;
	}
	if (!c->err)
		c->err = now.err;
	/* A reset undoes sizes that were chosen, too (PCIe 6.0 §7.8.6.3). */
	r->nrebar = (uint8_t)conf_rebar(c, &pdev->desc, PCI_EXT_CAP_ID_REBAR,
					&r->rebar, r->rebar_ctrl);
	for (i = 0; i < PCI_BAR_COUNT; i++)
		r->bar[i] = (uint32_t)bar[i].addr;
	for (i = 0; i < PCI_BAR_COUNT - 1; i++)
		if (bar[i].kind == PCI_BAR_MEM64)
			r->bar[i + 1] = (uint32_t)(bar[i].addr >> 32);
}

/* What a removal has kept quiet is recorded as it was before. */
static bool save(struct pci_dev *pdev, bool last)
{
	struct pci_record *r = &pdev->record;
	struct conf c;
	uint16_t command;

	conf_of(&c, pdev);
	command = (uint16_t)conf_answer(&c, PCI_COMMAND, 2);
	r->known = !c.err;
	r->command = 0;
	if (r->known)
		r->command = pdev->quiet.saved ? pdev->quiet.command : command;
	if (r->known)
		save_registers(&c);
	save_bars(&c, last);
	r->known = !c.err;
	return r->known;
}

/*
 * What is not recorded is lost in the reset, so what does not come is asked for
 * again. A device that cannot be read goes to nobody, and the record is still
 * wanted when it is taken home.
 */
int conf_save(struct pci_dev *pdev)
{
	unsigned int tries = 3;
	bool saved = false;

	if (!pdev->record.wanted)
		return 0;
	while (!saved && tries--)
		saved = save(pdev, !tries);
	if (!saved && !pcidev_marked(pdev, PCI_MARK_LOST))
		return -EIO;
	pci_lock(&pdev->lock);
	pdev->record.wanted = false;
	pci_unlock(&pdev->lock);
	return 0;
}

static void recorded_bars(const struct pci_record *r,
			  struct pci_bar bar[PCI_BAR_COUNT])
{
	unsigned int i;

	for (i = 0; i < PCI_BAR_COUNT; i++) {
		bar[i].addr = r->bar[i];
		if (bar[i].kind == PCI_BAR_MEM64)
			bar[i].addr |= (uint64_t)r->bar[i + 1] << 32;
	}
	conf_resize(bar, r->rebar_ctrl, r->nrebar);
}

int conf_bars_of(struct pci_dev *pdev, bool recorded,
		 struct pci_bar bar[PCI_BAR_COUNT])
{
	struct pci_dev_desc desc;
	struct conf c;

	pcidev_describe(pdev, &desc);
	conf_of(&c, pdev);
	if (recorded && !pdev->record.wanted) {
		memcpy(bar, desc.bar, sizeof(desc.bar));
		recorded_bars(&pdev->record, bar);
	} else {
		conf_bars_now(&c, &desc, bar);
	}
	return c.err;
}

void pcidev_bars(struct pci_dev *pdev, bool recorded,
		 struct pci_bar bar[PCI_BAR_COUNT])
{
	(void)!conf_bars_of(pdev, recorded, bar);
}

/* --- putting back ---------------------------------------------------------------- */

/* What VFs hang on is not written while there are any (§9.3.3.13). */
static bool has_vfs(struct conf *c)
{
	uint16_t sriov = c->pdev->desc.sriov;

	return sriov && conf_answer(c, sriov + PCI_SRIOV_CTRL, 2) &
				(PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
}

static void put_sizes(struct conf *c)
{
	const struct pci_record *r = &c->pdev->record;
	unsigned int i;

	for (i = 0; i < r->nrebar; i++)
		update(c, (uint16_t)(r->rebar + 8 * i), PCI_REBAR_CTRL_BAR_SIZE,
		       r->rebar_ctrl[i]);
}

static void put_bars(struct conf *c, bool vfs)
{
	struct pci_dev *pdev = c->pdev;
	const struct pci_dev_facts *desc = &pdev->desc;
	unsigned int i, n;

	if (desc->is_vf)
		return; /* it has none (§9.3.4.1.11) */
	for (i = 0; i < (vfs ? PCI_BAR_FIRST_VF : PCI_BAR_COUNT); i += n) {
		const uint32_t *bar = &pdev->record.bar[i];
		uint16_t reg = conf_bar_register(desc, i);

		n = pcidev_bar_kind(pdev, i) == PCI_BAR_MEM64 ? 2 : 1;
		if (pcidev_bar_kind(pdev, i) == PCI_BAR_NONE ||
		    !(bar[0] || (n == 2 && bar[1])))
			continue;
		conf_write(c, reg, 4, bar[0]);
		if (n == 2)
			conf_write(c, reg + 4, 4, bar[1]);
	}
}

static void put_registers(struct conf *c, bool vfs)
{
	struct pci_dev *pdev = c->pdev;
	unsigned int i;

	for (i = 0; i < PCI_KEPT; i++)
		if (kept_register(pdev, i) && !(vfs && kept[i].of == SRIOV))
			conf_write(c, kept_register(pdev, i), kept[i].size,
				   pdev->record.reg[i]);
}

static void messages_off(struct conf *c)
{
	const struct pci_dev_facts *desc = &c->pdev->desc;

	if (desc->msi)
		update(c, desc->msi + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 0);
	if (desc->msix)
		update(c, desc->msix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE,
		       0);
}

void conf_stop(struct pci_dev *pdev)
{
	struct conf c;

	conf_of(&c, pdev);
	if (pdev->record.wanted) /* nobody knows its Command yet */
		update(&c, PCI_COMMAND, PCI_COMMAND_MASTER, 0);
	else
		conf_write(&c, PCI_COMMAND, 2,
			   pdev->desc.is_vf ? 0 : PCI_COMMAND_INTX_DISABLE);
	messages_off(&c);
}

/*
 * Nothing decoded, nothing started, then the rest, and @command last. What may
 * not be in its place again decodes nothing.
 */
int conf_restore(struct pci_dev *pdev, uint16_t command)
{
	const uint16_t active = PCI_COMMAND_DECODE | PCI_COMMAND_MASTER;
	struct conf c;
	bool vfs;

	conf_of(&c, pdev);
	vfs = has_vfs(&c);
	conf_write(&c, PCI_COMMAND, 2,
		   (command & ~active) | PCI_COMMAND_INTX_DISABLE);
	messages_off(&c);
	if (pdev->record.known) {
		put_registers(&c, vfs);
		put_sizes(&c);
	}
	put_bars(&c, vfs);
	if (!c.err)
		conf_write(&c, PCI_COMMAND, 2, command);
	return c.err;
}
