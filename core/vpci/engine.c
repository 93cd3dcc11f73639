/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * View → dword → answer.
 *
 * An aligned access never crosses a dword, so the register is found by one
 * index. Bits without hooks are composed from hardware and from the dword's
 * value; a byte with a hook belongs to a register that is read, or written, as
 * a whole.
 *
 * Reads take no lock: masks are fixed, the value is one atomic word. Writes are
 * made under pdev->lock, which makes read-modify-write of the value, and of
 * hardware, one step. Hardware is written with the access's own size, or less
 * where not every byte of it may be: never more, because a neighbour may be
 * cleared by writing 1.
 *
 * Bytes that are only kept are written without the lock: nothing but the value
 * changes, and it in one step against all others, since under the lock it is
 * changed so as well; where nothing of the old value stays, one store is such a
 * step. Such a write has no effect that a removal,
 * a loss or a reset had to wait for: who cuts the view off at the same time
 * finds it written just before, and the view is freed after the section.
 */
#include "vpci/internal.h"

/* Of 1, 2 or 4 bytes. */
static uint32_t ones(uint8_t size)
{
	return UINT32_MAX >> (32 - 8 * size);
}

/* Where an access is in its dword. */
struct at {
	struct vpci_dword *d;
	uint16_t reg;
	uint8_t size;
	unsigned int shift;
	uint32_t mask;
};

static struct at at(struct vpci *view, uint16_t reg, uint8_t size)
{
	unsigned int shift = 8 * (reg & 3), index = view->index[reg / 4];

	return (struct at){
		.d = index ? &view->dword[index] : NULL,
		.reg = reg,
		.size = size,
		.shift = shift,
		.mask = ones(size) << shift,
	};
}

/* --- hardware ----------------------------------------------------------------- */

uint32_t vpci_hw_read(struct vpci *view, uint16_t reg, uint8_t size)
{
	struct pci_dev *pdev = view->pdev;
	struct pci_host *host = pdev->pseg->host;
	uint32_t val;

	if (pcidev_marked(pdev, PCI_MARK_LOST) ||
	    host->ops->read(host, pdev->desc.sbdf, reg, size, &val))
		return ones(size);
	return val & ones(size);
}

void vpci_hw_write(struct vpci *view, uint16_t reg, uint8_t size, uint32_t val)
{
	struct pci_dev *pdev = view->pdev;
	struct pci_host *host = pdev->pseg->host;

	if (!pcidev_marked(pdev, PCI_MARK_LOST))
		host->ops->write(host, pdev->desc.sbdf, reg, size,
				 val & ones(size));
	if (view->hardware)
		conf_heed_write(pdev, reg, size);
}

/* --- values ------------------------------------------------------------------- */

uint32_t vpci_get(struct vpci *view, uint16_t reg, uint8_t size)
{
	return vpci_value(view, reg, size);
}

/* These bits become @val's; then those of @w1c that @val has are cleared. */
static void change(struct vpci_dword *d, uint32_t rw, uint32_t w1c,
		   uint32_t val)
{
	uint32_t old = hf_load_relaxed(&d->value), now;

	do {
		now = ((old & ~rw) | (val & rw)) & ~(val & w1c);
	} while (now != old && !hf_cas_release(&d->value, &old, now));
}

void vpci_set(struct vpci *view, uint16_t reg, uint8_t size, uint32_t val)
{
	struct at a = at(view, reg, size);

	val = val << a.shift & a.mask;
	if (!view->index[reg / 4])
		return;
	if (view->sealed)
		change(a.d, a.mask, 0, val);
	else
		a.d->initial = (a.d->initial & ~a.mask) | val;
}

/* --- reading ------------------------------------------------------------------ */

/* What hardware and value say, reserved bits included, at their place. */
static hf_inline uint32_t compose(struct vpci *view, const struct at *a,
				  uint32_t bits)
{
	uint32_t val = hf_load_acquire(&a->d->value) & ~a->d->hw & bits;

	if (a->d->hw & bits)
		val |= vpci_hw_read(view, a->reg, a->size) << a->shift &
		       a->d->hw & bits;
	return val;
}

static hf_inline uint32_t plain_read(struct vpci *view, const struct at *a,
				     uint32_t bits)
{
	return compose(view, a, bits & ~(a->d->rsvdp | a->d->rsvdz));
}

/* A register with hooks, whole. */
static uint32_t whole_read(struct vpci *view, const struct vpci_range *r)
{
	struct at whole = at(view, r->reg, r->size);
	uint32_t val = plain_read(view, &whole, whole.mask) >> whole.shift;

	if (r->read)
		val = r->read(view, r->reg, val, r->data);
	return val & ones(r->size);
}

/* The same at its place in the dword. */
static uint32_t range_read(struct vpci *view, const struct vpci_range *r)
{
	return whole_read(view, r) << 8 * (r->reg & 3);
}

static uint32_t mixed_read(struct vpci *view, const struct at *a)
{
	uint32_t plain = a->mask, val = 0;
	unsigned int i, last = 0;

	for (i = a->reg & 3; i < (a->reg & 3u) + a->size; i++) {
		unsigned int lane = a->d->lane[i];

		if (lane)
			plain &= ~(0xffu << 8 * i);
		if (lane && lane != last)
			val |= range_read(view, &view->range[lane]);
		last = lane;
	}
	val &= a->mask;
	return plain ? val | plain_read(view, a, plain) : val;
}

static bool has_hook(const struct at *a)
{
	uint32_t lanes;

	memcpy(&lanes, a->d->lane, sizeof(lanes));
	return lanes & a->mask;
}

/* The register with hooks that such an access is all of. NULL: there is none. */
static const struct vpci_range *whole_range(struct vpci *view, uint16_t reg,
					    uint8_t size)
{
	unsigned int index = view->index[reg / 4];
	unsigned int lane = index ? view->dword[index].lane[reg & 3] : 0;
	const struct vpci_range *r;

	if (!lane || (reg >= view->size && !view->hardware))
		return NULL;
	r = &view->range[lane];
	return r->reg == reg && r->size == size ? r : NULL;
}

static hf_noinline uint32_t any_read(struct vpci *view, uint16_t reg,
				     uint8_t size)
{
	struct at a = at(view, reg, size);

	if (reg >= view->size && !view->hardware)
		return ones(size);
	if (!view->index[reg / 4])
		return view->hardware ? vpci_hw_read(view, reg, size) : 0;
	return (has_hook(&a) ? mixed_read(view, &a)
			     : plain_read(view, &a, a.mask)) >>
	       a.shift;
}

uint32_t vpci_view_read(struct vpci *view, uint16_t reg, uint8_t size)
{
	const struct vpci_range *r = whole_range(view, reg, size);

	return r ? whole_read(view, r) : any_read(view, reg, size);
}

/* --- writing ------------------------------------------------------------------ */

/*
 * What is to be kept must be an answer: all-ones of a device that gives none
 * (in a reset, say) would be written to it when it is back. False: none.
 */
static bool answer(struct vpci *view, uint16_t reg, uint8_t size, uint32_t *val)
{
	*val = vpci_hw_read(view, reg, size);
	if (*val != ones(size))
		return true;
	if (vpci_hw_read(view, PCI_COMMAND, 2) == ones(2))
		return false;
	*val = vpci_hw_read(view, reg, size);
	return true;
}

/* One write to hardware; all bytes of it have bits that the domain may write. */
static void hw_merge(struct vpci *view, const struct at *a, uint32_t val)
{
	uint32_t may = a->d->hw & (a->d->rw | a->d->w1c) & a->mask;
	uint32_t zero = a->d->hw & a->d->rsvdz & a->mask, now;

	if (may != a->mask) {
		if (!answer(view, a->reg, a->size, &now))
			return;
		val = (now << a->shift & a->mask & ~may & ~zero) | (val & may);
	}
	vpci_hw_write(view, a->reg, a->size, (val & a->mask) >> a->shift);
}

/* Split until every byte of a write is one that has something to write. */
static void hw_write_parts(struct vpci *view, const struct at *a, uint32_t bits,
			   uint32_t val)
{
	uint32_t may = a->d->hw & (a->d->rw | a->d->w1c) & bits;
	struct at half;
	unsigned int i, bytes = 0;

	for (i = 0; i < 4; i++)
		bytes += (may & a->mask & 0xffu << 8 * i) != 0;
	if (bytes == a->size) {
		hw_merge(view, a, val);
	} else if (bytes) {
		half = at(view, a->reg, a->size / 2);
		hw_write_parts(view, &half, bits, val);
		half = at(view, (uint16_t)(a->reg + a->size / 2), a->size / 2);
		hw_write_parts(view, &half, bits, val);
	}
}

static void plain_write(struct vpci *view, const struct at *a, uint32_t bits,
			uint32_t val)
{
	struct vpci_dword *d = a->d;
	uint32_t own = ~d->hw & bits;

	change(d, d->rw & own, d->w1c & own, val);
	hw_write_parts(view, a, bits, val);
}

static void range_write(struct vpci *view, const struct vpci_range *r,
			const struct at *a, uint32_t val)
{
	struct at whole = at(view, r->reg, r->size);
	const struct vpci_dword *d = a->d;
	uint32_t bits = a->mask & whole.mask, kept = 0;
	uint32_t stays = whole.mask & ~((d->rw & bits) | d->w1c | d->rsvdz);

	if (stays & ~d->rsvdp)
		kept = range_read(view, r) & ~d->rsvdp;
	if (stays & d->rsvdp)
		kept |= compose(view, &whole, d->rsvdp & whole.mask);
	val = (kept & stays) | (val & (d->rw | d->w1c) & bits);
	r->write(view, r->reg, val >> whole.shift, bits >> whole.shift,
		 r->data);
}

/* Whatever it is of; @val: not yet at its place. */
static hf_noinline void any_write(struct vpci *view, const struct at *a,
				  uint32_t val)
{
	uint32_t plain = a->mask;
	unsigned int i, last = 0;

	if (a->reg >= view->size && !view->hardware)
		return;
	if (!view->index[a->reg / 4]) {
		if (view->hardware)
			vpci_hw_write(view, a->reg, a->size, val);
		return;
	}
	val <<= a->shift;
	for (i = a->reg & 3; i < (a->reg & 3u) + a->size; i++) {
		unsigned int lane = a->d->lane[i];

		if (!lane || !view->range[lane].write) {
			last = 0;
			continue;
		}
		plain &= ~(0xffu << 8 * i);
		if (lane != last)
			range_write(view, &view->range[lane], a, val);
		last = lane;
	}
	if (plain)
		plain_write(view, a, plain, val);
}

void vpci_view_write(struct vpci *view, uint16_t reg, uint8_t size,
		     uint32_t val)
{
	const struct vpci_range *r = whole_range(view, reg, size);
	struct at a = at(view, reg, size);

	pci_assert_held(&view->pdev->lock);
	if (r && r->write)
		range_write(view, r, &a, val << a.shift);
	else
		any_write(view, &a, val);
}

bool vpci_kept_write(struct vpci *view, uint16_t reg, uint8_t size,
		     uint32_t val)
{
	unsigned int index = view->index[reg / 4], shift = 8 * (reg & 3);
	uint32_t mask = ones(size) << shift, lanes;
	struct vpci_dword *d;

	if (!index)
		return !view->hardware; /* nothing is there */
	d = &view->dword[index];
	memcpy(&lanes, d->lane, sizeof(lanes));
	if (mask & (d->asked | lanes))
		return false;
	if ((d->rw & mask) == UINT32_MAX) /* nothing of the old one stays */
		hf_store_release(&d->value, val);
	else
		change(d, d->rw & mask, d->w1c & mask, val << shift);
	return true;
}

bool vpci_write_passes(const struct vpci *view, uint16_t reg, uint8_t size)
{
	return view->hardware && !view->index[reg / 4] &&
	       (size < 8 || !view->index[reg / 4 + 1]);
}
