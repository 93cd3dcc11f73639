/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X as a guest sees it (PCIe 6.0 §7.7.2): Message Control lives in the
 * view, Table and PBA say where the hardware has them. The table itself is
 * msix_table.c's; msi.h says when the receiver is told.
 */
#include "irq/guest.h"
#include "vpci/msi.h"

/* --- where table and PBA are ------------------------------------------------------- */

/* Wholly in a memory BAR of known size? */
static bool is_in_bar(const struct vpci *view, const struct vpci_msix_region *r)
{
	const struct pci_bar *bar = &view->host_bar[r->bar];

	return r->bar < PCI_BAR_FIRST_ROM && !bar->size_unknown &&
	       (bar->kind == PCI_BAR_MEM32 || bar->kind == PCI_BAR_MEM64) &&
	       r->end <= bar->size;
}

static bool are_valid(const struct vpci *view)
{
	const struct vpci_msix_region *t = &view->msix_table;
	const struct vpci_msix_region *p = &view->msix_pba;

	return is_in_bar(view, t) && is_in_bar(view, p) &&
	       !(t->bar == p->bar && t->start < p->end && p->start < t->end);
}

/* What a register says that names it. */
static uint32_t name_of(const struct vpci_msix_region *r)
{
	return (uint32_t)r->start | r->bar;
}

/* --- Message Control --------------------------------------------------------------- */

/* In a reset of the function there are none (flr.c). */
static bool hw_on(struct vpci *view)
{
	return vpci_msix_is_on(view) && !vpci_in_flr(view);
}

/* Every vector goes on or off with Enable; the mask of all concerns only some. */
static void msix_set_flags(struct vpci *view, uint16_t flags)
{
	struct vpci_msix *msix = view->msix;
	uint16_t old = vpci_msix_flags(view);
	unsigned int i;

	vpci_set(view, msix->flags, 2, flags);
	if ((old ^ flags) & PCI_MSIX_FLAGS_ENABLE) {
		/* Hardware never has both on. */
		if (!(flags & PCI_MSIX_FLAGS_ENABLE))
			irq_guest_msix(view->pdev, false);
		vpci_msi_update(view);
		irq_guest_msix(view->pdev, hw_on(view));
		vpci_intx_update(view);
	}
	for (i = 0; i < msix->entries; i++) {
		struct pci_vector was;

		vpci_msix_entry_get(msix, i, old, &was);
		vpci_msix_entry_update(view, i, &was);
	}
}

static void msix_write_flags(struct vpci *view, uint16_t reg, uint32_t val,
			     uint32_t mask, void *data)
{
	(void)reg;
	(void)mask;
	(void)data;
	msix_set_flags(view, (uint16_t)val);
}

static int msix_add_registers(struct vpci *view, uint16_t pos)
{
	struct vpci_masks control = {
		.rw = PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL,
		.value = view->msix->entries - 1,
	};
	struct vpci_masks where = { .value = name_of(&view->msix_table) };
	int err;

	err = vpci_add_register(view, pos + PCI_MSIX_FLAGS, 2, &control, NULL,
				msix_write_flags, NULL);
	if (!err)
		err = vpci_add_register(view, pos + PCI_MSIX_TABLE, 4, &where,
					NULL, NULL, NULL);
	where.value = name_of(&view->msix_pba);
	if (!err)
		err = vpci_add_register(view, pos + PCI_MSIX_PBA, 4, &where,
					NULL, NULL, NULL);
	return err;
}

/*
 * Only the one that the device was described by, if there are more. Where table
 * and PBA are is not asked again: what traps is what is shown, whatever the
 * device would say now.
 */
static int msix_setup(struct vpci *view, struct pci_dev *pdev, uint16_t pos)
{
	struct vpci_msix *msix;
	int err;

	if (pos != pdev->desc.msix || !are_valid(view))
		return -EINVAL;
	msix = plat_zalloc(sizeof(*msix) +
			   pdev->desc.msix_entries * sizeof(msix->entry[0]));
	if (!msix)
		return -ENOMEM;
	msix->flags = pos + PCI_MSIX_FLAGS;
	msix->entries = pdev->desc.msix_entries;
	vpci_msix_table_clear(msix);
	view->msix = msix;
	err = msix_add_registers(view, pos);
	if (err)
		vpci_msix_free(view);
	return err;
}

const struct vpci_cap_policy vpci_guest_msix = {
	.show = true,
	.rest = VPCI_REST_ZERO,
	.length = PCI_CAP_MSIX_SIZEOF,
	.setup = msix_setup,
};

/* --- for the others ------------------------------------------------------------------ */

bool vpci_msix_is_on(struct vpci *view)
{
	return view->msix && vpci_msix_flags(view) & PCI_MSIX_FLAGS_ENABLE;
}

void vpci_msix_reset(struct vpci *view)
{
	if (!view->msix)
		return;
	msix_set_flags(view, (uint16_t)(view->msix->entries - 1));
	vpci_msix_table_clear(view->msix);
	irq_guest_forget(view->pdev, PCI_VECTOR_MSIX);
}

void vpci_irq_stop(struct vpci *view)
{
	irq_guest_msi(view->pdev, false, 0, 0);
	irq_guest_msix(view->pdev, false);
}

void vpci_irq_start(struct vpci *view)
{
	unsigned int i;

	vpci_msi_update(view);
	if (!view->msix)
		return;
	irq_guest_msix(view->pdev, hw_on(view));
	for (i = 0; i < view->msix->entries; i++)
		vpci_msix_entry_irq(view, i);
}

void vpci_msix_free(struct vpci *view)
{
	plat_free(view->msix);
	view->msix = NULL;
}

int vpci_msix_vector(struct vpci *view, unsigned int i, struct pci_vector *out)
{
	struct vpci_msix *msix = view->msix;

	if (!msix)
		return -ENOENT;
	if (i >= msix->entries)
		return -EINVAL;
	pci_assert_held(&view->pdev->lock);
	vpci_msix_entry_get(msix, i, vpci_msix_flags(view), out);
	out->pending =
		(hf_load_relaxed(&msix->pending[i / 64]) |
		 irq_guest_pending(view->pdev, PCI_VECTOR_MSIX, i & ~63u)) >>
			i % 64 &
		1;
	return 0;
}

int vpci_msix_pending(struct vpci *view, unsigned int i)
{
	struct vpci_msix *msix = view->msix;
	struct pci_vector now;

	if (!msix)
		return -ENOENT;
	if (i >= msix->entries)
		return -EINVAL;
	pci_assert_held(&view->pdev->lock);
	hf_fetch_or_acq_rel(&msix->pending[i / 64], 1ull << i % 64);
	vpci_msix_entry_get(msix, i, vpci_msix_flags(view), &now);
	vpci_msix_entry_update(view, i, &now);
	return 0;
}

void vpci_msix_info(struct vpci *view, struct vpci_info *info)
{
	uint16_t flags = view->msix ? vpci_msix_flags(view) : 0;

	info->msix_enabled = flags & PCI_MSIX_FLAGS_ENABLE;
	info->msix_masked = flags & PCI_MSIX_FLAGS_MASKALL;
}
