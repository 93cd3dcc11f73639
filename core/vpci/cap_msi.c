/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI as a guest sees it (PCIe 6.0 §7.7.1): all of it lives in the view, in the
 * form that the hardware has (64-bit address, masking, extended data or not),
 * with as many vectors. msi.h says when the receiver is told.
 *
 * Every write hook stores and calls vpci_msi_update(), which compares what the
 * registers say now with what they said at the last call. Both, and the hooks,
 * are under pdev->lock, so the two halves of an address that are read there
 * belong together.
 */
#include "irq/guest.h"
#include "vpci/msi.h"

/* What the registers say. */
struct msi_state {
	bool on;              /* and MSI-X is not */
	unsigned int vectors; /* that it may send */
	uint64_t address;
	uint32_t data, mask;
};

struct vpci_msi {
	uint16_t pos;          /* fixed */
	uint16_t flags;        /* fixed: the read-only part of the register */
	uint16_t data, mask;   /* fixed: where they are; mask 0: none */
	unsigned int vectors;  /* fixed: that there are */
	struct msi_state told; /* pdev->lock */
	hf_atomic(uint32_t) pending; /* written under pdev->lock */
};

void vpci_vector_tell(struct vpci *view, const struct pci_vector *was,
		      const struct pci_vector *is)
{
	struct domain *d = view->domain;
	bool moved = was->address != is->address || was->data != is->data;

	if (d->ops->vector &&
	    (was->enabled != is->enabled ||
	     (is->enabled && was->masked != is->masked) ||
	     (vpci_deliverable(is) && (moved || is->pending))))
		d->ops->vector(d, view->pdev->desc.sbdf, is);
}

/* --- the vectors ---------------------------------------------------------------- */

static uint16_t msi_flags(struct vpci *view)
{
	return (uint16_t)vpci_get(view, view->msi->pos + PCI_MSI_FLAGS, 2);
}

static unsigned int msi_enabled_vectors(uint16_t flags)
{
	unsigned int log2 = flags & PCI_MSI_FLAGS_QSIZE;

	return 1u << (log2 >> PCI_MSI_FLAGS_QSIZE_SHIFT);
}

static struct msi_state msi_state(struct vpci *view)
{
	const struct vpci_msi *msi = view->msi;
	uint16_t flags = msi_flags(view);
	struct msi_state s = {
		.on = flags & PCI_MSI_FLAGS_ENABLE && !vpci_msix_is_on(view),
		.vectors = msi_enabled_vectors(flags),
		.address = vpci_get(view, msi->pos + PCI_MSI_ADDRESS_LO, 4),
		.data = vpci_get(view, msi->data, 4),
	};

	if (flags & PCI_MSI_FLAGS_64BIT)
		s.address |= (uint64_t)vpci_get(
				     view, msi->pos + PCI_MSI_ADDRESS_HI, 4)
			     << 32;
	if (!(flags & PCI_MSI_FLAGS_EXT_DATA_EN))
		s.data &= 0xffff;
	if (msi->mask)
		s.mask = vpci_get(view, msi->mask, 4);
	return s;
}

/* Vector @i has its number in the low bits of the data (§7.7.1.5). */
static struct pci_vector msi_vector(const struct msi_state *s, unsigned int i)
{
	return (struct pci_vector){
		.enabled = s->on && i < s->vectors,
		.masked = s->mask >> i & 1,
		.index = i,
		.address = s->address,
		.data = (s->data & ~(s->vectors - 1)) | (i & (s->vectors - 1)),
	};
}

/* In a reset of the function there are none (flr.c). */
static void tell_irq(struct vpci *view, const struct msi_state *s)
{
	irq_guest_msi(view->pdev, s->on && !vpci_in_flr(view), s->vectors,
		      s->mask);
}

void vpci_msi_update(struct vpci *view)
{
	struct vpci_msi *msi = view->msi;
	struct msi_state was, is;
	uint32_t pending;
	unsigned int i;

	if (!msi)
		return;
	pci_assert_held(&view->pdev->lock);
	was = msi->told;
	is = msi->told = msi_state(view);
	tell_irq(view, &is);
	pending = hf_load_relaxed(&msi->pending);
	for (i = 0; i < msi->vectors; i++) {
		struct pci_vector old = msi_vector(&was, i);
		struct pci_vector v = msi_vector(&is, i);

		v.pending = vpci_deliverable(&v) && pending >> i & 1;
		if (v.pending)
			hf_fetch_and_release(&msi->pending, ~(1u << i));
		vpci_vector_tell(view, &old, &v);
	}
}

/* --- the registers ---------------------------------------------------------------- */

/* It may not send more vectors than there are (§7.7.1.2). */
static uint16_t msi_clamp(uint16_t flags)
{
	unsigned int most =
		(flags & PCI_MSI_FLAGS_QMASK)
		<< (PCI_MSI_FLAGS_QSIZE_SHIFT - PCI_MSI_FLAGS_QMASK_SHIFT);

	if ((flags & PCI_MSI_FLAGS_QSIZE) <= most)
		return flags;
	return (uint16_t)((flags & ~PCI_MSI_FLAGS_QSIZE) | most);
}

static void msi_set_flags(struct vpci *view, uint16_t flags)
{
	uint16_t old = msi_flags(view);

	vpci_set(view, view->msi->pos + PCI_MSI_FLAGS, 2, msi_clamp(flags));
	vpci_msi_update(view);
	if ((old ^ flags) & PCI_MSI_FLAGS_ENABLE)
		vpci_intx_update(view);
}

static void msi_write_flags(struct vpci *view, uint16_t reg, uint32_t val,
			    uint32_t mask, void *data)
{
	(void)reg;
	(void)mask;
	(void)data;
	msi_set_flags(view, (uint16_t)val);
}

/* Address, data, mask. */
static void msi_write(struct vpci *view, uint16_t reg, uint32_t val,
		      uint32_t mask, void *data)
{
	(void)mask;
	(void)data;
	vpci_set(view, reg, 4, val);
	vpci_msi_update(view);
}

/* What the receiver remembers, or core/irq. */
static uint32_t msi_pending(struct vpci *view)
{
	return hf_load_relaxed(&view->msi->pending) |
	       (uint32_t)irq_guest_pending(view->pdev, PCI_VECTOR_MSI, 0);
}

static uint32_t msi_read_pending(struct vpci *view, uint16_t reg, uint32_t val,
				 void *data)
{
	(void)reg;
	(void)val;
	(void)data;
	return msi_pending(view);
}

static int msi_add_word(struct vpci *view, uint16_t reg, uint32_t rw)
{
	struct vpci_masks masks = { .rw = rw };

	return vpci_add_register(view, reg, 4, &masks, NULL, msi_write, NULL);
}

static int msi_add_registers(struct vpci *view)
{
	const struct vpci_msi *msi = view->msi;
	bool ext = msi->flags & PCI_MSI_FLAGS_EXT_DATA;
	struct vpci_masks control = {
		.rw = PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE |
		      (ext ? PCI_MSI_FLAGS_EXT_DATA_EN : 0),
		.value = msi->flags,
	};
	struct vpci_masks pending = { 0 };
	int err;

	err = vpci_add_register(view, msi->pos + PCI_MSI_FLAGS, 2, &control,
				NULL, msi_write_flags, NULL);
	if (!err)
		err = msi_add_word(view, msi->pos + PCI_MSI_ADDRESS_LO, ~3u);
	if (!err && msi->flags & PCI_MSI_FLAGS_64BIT)
		err = msi_add_word(view, msi->pos + PCI_MSI_ADDRESS_HI, ~0u);
	if (!err)
		err = msi_add_word(view, msi->data, ext ? ~0u : 0xffff);
	if (!err && msi->mask)
		err = msi_add_word(view, msi->mask,
				   (uint32_t)((1ull << msi->vectors) - 1));
	if (!err && msi->mask)
		err = vpci_add_register(view, msi->mask + 4, 4, &pending,
					msi_read_pending, NULL, NULL);
	return err;
}

/* Only the one that the device was described by, if there are more. */
static int msi_setup(struct vpci *view, struct pci_dev *pdev, uint16_t pos)
{
	uint16_t hw = (uint16_t)vpci_hw_read(view, pos + PCI_MSI_FLAGS, 2);
	bool wide = hw & PCI_MSI_FLAGS_64BIT;
	unsigned int log2 = 0;
	struct vpci_msi *msi;
	int err;

	if (pos != pdev->desc.msi)
		return -EINVAL;
	msi = plat_zalloc(sizeof(*msi));
	if (!msi)
		return -ENOMEM;
	while (1u << log2 < pdev->desc.msi_vectors)
		log2++;
	msi->pos = pos;
	msi->flags =
		(uint16_t)((hw & (PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT |
				  PCI_MSI_FLAGS_EXT_DATA)) |
			   log2 << PCI_MSI_FLAGS_QMASK_SHIFT);
	msi->vectors = pdev->desc.msi_vectors;
	msi->data = pos + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32);
	if (hw & PCI_MSI_FLAGS_MASKBIT)
		msi->mask = msi->data + 4;
	view->msi = msi;
	err = msi_add_registers(view);
	if (err)
		vpci_msi_free(view);
	return err;
}

const struct vpci_cap_policy vpci_guest_msi = {
	.show = true,
	.rest = VPCI_REST_ZERO,
	.setup = msi_setup,
};

/* --- for the others ----------------------------------------------------------------- */

bool vpci_msi_is_on(struct vpci *view)
{
	return view->msi && msi_flags(view) & PCI_MSI_FLAGS_ENABLE;
}

void vpci_msi_reset(struct vpci *view)
{
	struct vpci_msi *msi = view->msi;
	uint16_t reg;

	if (!msi)
		return;
	msi_set_flags(view, msi->flags);
	for (reg = msi->pos + PCI_MSI_ADDRESS_LO; reg <= msi->data; reg += 4)
		vpci_set(view, reg, 4, 0);
	if (msi->mask)
		vpci_set(view, msi->mask, 4, 0);
	hf_store_relaxed(&msi->pending, 0);
	irq_guest_forget(view->pdev, PCI_VECTOR_MSI);
}

void vpci_msi_free(struct vpci *view)
{
	plat_free(view->msi);
	view->msi = NULL;
}

int vpci_msi_vector(struct vpci *view, unsigned int i, struct pci_vector *out)
{
	struct msi_state s;

	if (!view->msi)
		return -ENOENT;
	if (i >= view->msi->vectors)
		return -EINVAL;
	pci_assert_held(&view->pdev->lock);
	s = msi_state(view);
	*out = msi_vector(&s, i);
	out->pending = msi_pending(view) >> i & 1;
	return 0;
}

int vpci_msi_pending(struct vpci *view, unsigned int i)
{
	if (!view->msi)
		return -ENOENT;
	if (i >= view->msi->vectors)
		return -EINVAL;
	hf_fetch_or_acq_rel(&view->msi->pending, 1u << i);
	vpci_msi_update(view);
	return 0;
}

void vpci_msi_info(struct vpci *view, struct vpci_info *info)
{
	info->msi_enabled =
		vpci_msi_is_on(view) ? msi_enabled_vectors(msi_flags(view)) : 0;
}
