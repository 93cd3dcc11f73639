/* SPDX-License-Identifier: BSD-2-Clause */
/* The methods: their names, their order, and what each writes. */
#include "reset/internal.h"

/* --- names ------------------------------------------------------------------- */

static const char *const names[PCI_RESET_METHODS] = {
	[PCI_RESET_FLR] = "flr",
	[PCI_RESET_AF] = "af",
	[PCI_RESET_PM] = "pm",
	[PCI_RESET_BUS] = "bus",
};

const char *pci_reset_method_name(enum pci_reset_method method)
{
	return method < PCI_RESET_METHODS ? names[method] : "none";
}

int pci_reset_method_parse(const char *name)
{
	unsigned int i, n;

	for (i = 0; i < PCI_RESET_METHODS; i++) {
		for (n = 0; name[n] && name[n] == names[i][n]; n++)
			;
		if (name[n] == names[i][n])
			return (int)i;
	}
	return -1;
}

/* --- order ----------------------------------------------------------------- */

#define ORDER_DEFAULT                                      \
	((PCI_RESET_FLR + 1u) | (PCI_RESET_AF + 1u) << 4 | \
	 (PCI_RESET_PM + 1u) << 8 | (PCI_RESET_BUS + 1u) << 12)

/* Of all that have none of their own. 0: as nobody has said otherwise. */
static hf_atomic(uint32_t) common_order;

uint32_t reset_order(const struct pci_reset *r)
{
	uint32_t order = hf_load_relaxed(&r->order);

	if (!order)
		order = hf_load_relaxed(&common_order);
	return order ? order : ORDER_DEFAULT;
}

void reset_order_forget(void)
{
	hf_store_relaxed(&common_order, 0);
}

int pci_reset_order(pci_sbdf_t sbdf, const enum pci_reset_method *order,
		    unsigned int n)
{
	unsigned int i, seen = 0;
	struct pci_dev *pdev;
	uint32_t word = 0;
	int err;

	if (n > PCI_RESET_METHODS)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (order[i] >= PCI_RESET_METHODS || seen & 1u << order[i])
			return -EINVAL;
		seen |= 1u << order[i];
		word |= (order[i] + 1u) << 4 * i;
	}
	if (sbdf.sbdf == UINT32_MAX) {
		hf_store_relaxed(&common_order, word);
		return 0;
	}
	err = pci_lookup(NULL, sbdf, &pdev);
	if (err)
		return err;
	if (pdev->reset)
		hf_store_relaxed(&pdev->reset->order, word);
	else
		err = -EOPNOTSUPP;
	pcidev_put(pdev);
	return err;
}

/* --- what there is -------------------------------------------------------------- */

/*
 * Whoever does not answer is asked again, thrice in all: to have no way to be
 * reset is no error. All-ones: no answer, or no @cap.
 */
static uint32_t ask(struct pci_dev *pdev, uint16_t cap, uint16_t reg,
		    uint8_t size)
{
	uint32_t val = conf_ones(size);
	unsigned int i;

	for (i = 0; cap && i < 3 && val == conf_ones(size); i++)
		val = pcidev_read(pdev, cap + reg, size);
	return val;
}

static bool says(struct pci_dev *pdev, uint16_t cap, uint16_t reg, uint8_t size,
		 uint32_t bit)
{
	uint32_t val = ask(pdev, cap, reg, size);

	return val != conf_ones(size) && val & bit;
}

/* PCIe 6.0 §5.3.1.4; a VF's power is not its own (§9.6). */
static bool loses_state(struct pci_dev *pdev)
{
	uint16_t pm = pdev->desc.is_vf ? 0 : pdev->desc.pm;
	uint32_t val = ask(pdev, pm, PCI_PM_CTRL, 2);

	return val != conf_ones(2) && !(val & PCI_PM_CTRL_NO_SOFT_RESET);
}

unsigned int reset_has(struct pci_dev *pdev)
{
	const struct pci_dev_facts *desc = &pdev->desc;
	unsigned int has = 0;

	if (says(pdev, desc->pcie, PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR))
		has |= 1u << PCI_RESET_FLR;
	if (!desc->is_vf && says(pdev, desc->af, PCI_AF_CAP, 1, PCI_AF_CAP_FLR))
		has |= 1u << PCI_RESET_AF;
	if (loses_state(pdev))
		has |= 1u << PCI_RESET_PM;
	return has;
}

bool reset_has_children(struct pci_dev *pdev)
{
	bool has;

	pci_lock(&pdev->lock);
	has = pdev->nchildren;
	pci_unlock(&pdev->lock);
	return has;
}

/* --- what is written -------------------------------------------------------------- */

static void power(struct pci_dev *pdev, uint16_t state)
{
	conf_update(pdev, pdev->desc.pm + PCI_PM_CTRL,
		    PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_STATUS, state);
}

int reset_begin(struct pci_dev *pdev)
{
	struct pci_reset *r = pdev->reset;
	uint64_t now = plat_now();
	int err = 0;

	r->over = now + RESET_TIME;
	switch (r->method) {
	case PCI_RESET_FLR:
		err = conf_update(pdev, pdev->desc.pcie + PCI_EXP_DEVCTL,
				  PCI_EXP_DEVCTL_BCR_FLR,
				  PCI_EXP_DEVCTL_BCR_FLR);
		break;
	case PCI_RESET_AF:
		err = pcidev_write(pdev, pdev->desc.af + PCI_AF_CTRL, 1,
				   PCI_AF_CTRL_FLR);
		break;
	case PCI_RESET_PM:
		power(pdev, PCI_PM_CTRL_STATE_MASK); /* D3hot */
		r->step = RESET_BEGUN;
		r->until = now + RESET_POWER_TIME;
		break;
	case PCI_RESET_BUS:
		reset_bus_assert(pdev, true);
		r->step = RESET_BEGUN;
		r->until = now + RESET_BUS_TIME;
		break;
	case PCI_RESET_METHODS:
		r->over = now;
		break;
	}
	return err;
}

/*
 * Conventional PCI: 2^25 clocks from the end of the reset to the first access,
 * a second (PCI 3.0 §4.3.2, Trhfa).
 */
static uint64_t bus_time(const struct pci_dev *bridge)
{
	return bridge->desc.pcie && bridge->desc.type != PCI_TYPE_PCIE_TO_PCI
		       ? RESET_TIME
		       : PLAT_NSEC_PER_SEC;
}

void reset_second(struct pci_dev *pdev)
{
	struct pci_reset *r = pdev->reset;

	if (r->method == PCI_RESET_BUS) {
		reset_bus_assert(pdev, false);
		r->over = plat_now() + bus_time(pdev->parent);
	} else {
		power(pdev, 0); /* D0 */
		r->over = plat_now() + RESET_POWER_TIME;
	}
}
