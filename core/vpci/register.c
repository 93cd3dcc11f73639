/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adding registers to a view that is being built, by one thread that nobody
 * else knows the view of. A register is compiled into its dword: masks by bit,
 * hooks by byte. Which registers there are is remembered until the view is
 * sealed, for those that are removed again.
 */
#include "vpci/internal.h"

enum { FIRST_ROOM = 32, MOST = 256 /* an index is a byte */ };

static uint32_t bits_of(uint16_t reg, uint8_t size)
{
	return (uint32_t)vpci_ones(size) << 8 * (reg & 3);
}

static bool shape_is_valid(uint16_t offset, uint8_t size)
{
	return (size == 1 || size == 2 || size == 4) && !(offset % size) &&
	       offset < PCI_CFG_SPACE_EXP_SIZE;
}

static bool masks_are_valid(const struct vpci_masks *m, uint8_t size)
{
	uint32_t all = m->hw | m->rw | m->w1c | m->rsvdp | m->rsvdz | m->value;
	uint32_t twice = (m->rw & (m->w1c | m->rsvdp | m->rsvdz)) |
			 (m->w1c & (m->rsvdp | m->rsvdz)) |
			 (m->rsvdp & m->rsvdz);

	return !twice && !(all & ~(uint32_t)vpci_ones(size));
}

/* --- room --------------------------------------------------------------------- */

static int make_room(void **array, unsigned int *room, unsigned int used,
		     size_t entry, unsigned int most)
{
	unsigned int want = *room ? *room * 2 : FIRST_ROOM;
	void *bigger;

	if (used < *room)
		return 0;
	if (*room >= most)
		return -ENOSPC;
	bigger = plat_zalloc(want * entry);
	if (!bigger)
		return -ENOMEM;
	if (*room)
		memcpy(bigger, *array, used * entry);
	plat_free(*array);
	*array = bigger;
	*room = want;
	return 0;
}

/* Room for what a register at @offset takes; afterwards nothing can fail. */
static int make_all_room(struct vpci *view, uint16_t offset, bool hooks)
{
	void *dword = view->dword, *range = view->range, *added = view->added;
	int err = 0;

	if (!view->index[offset / 4])
		err = make_room(&dword, &view->dword_room, view->ndwords,
				sizeof(*view->dword), MOST);
	view->dword = dword;
	if (!err && hooks)
		err = make_room(&range, &view->range_room, view->nranges,
				sizeof(*view->range), MOST);
	view->range = range;
	if (!err)
		err = make_room(&added, &view->added_room, view->nadded,
				sizeof(*view->added), PCI_CFG_SPACE_EXP_SIZE);
	view->added = added;
	return err;
}

/* --- dwords ------------------------------------------------------------------- */

/* One that no register uses any more, or the next. */
static uint8_t free_dword(struct vpci *view)
{
	unsigned int i;

	for (i = 1; i < view->ndwords; i++)
		if (!view->dword[i].used)
			return (uint8_t)i;
	return (uint8_t)view->ndwords++;
}

/* As it is without any register: it passes through, or there is nothing. */
static void reset_bits(struct vpci *view, struct vpci_dword *d, uint32_t bits)
{
	uint32_t pass = view->hardware ? bits : 0;

	d->hw = (d->hw & ~bits) | pass;
	d->rw = (d->rw & ~bits) | pass;
	d->w1c &= ~bits;
	d->rsvdp &= ~bits;
	d->rsvdz &= ~bits;
	d->used &= ~bits;
	d->initial &= ~bits;
}

static struct vpci_dword *dword_at(struct vpci *view, uint16_t offset)
{
	uint8_t *index = &view->index[offset / 4];

	if (!*index) {
		*index = free_dword(view);
		reset_bits(view, &view->dword[*index], UINT32_MAX);
	}
	return &view->dword[*index];
}

static void compile(struct vpci_dword *d, uint16_t offset, uint8_t size,
		    const struct vpci_masks *m)
{
	uint32_t bits = bits_of(offset, size);
	unsigned int shift = 8 * (offset & 3);

	d->used |= bits;
	d->hw = (d->hw & ~bits) | m->hw << shift;
	d->rw = (d->rw & ~bits) | m->rw << shift;
	d->w1c |= m->w1c << shift;
	d->rsvdp |= m->rsvdp << shift;
	d->rsvdz |= m->rsvdz << shift;
	d->initial |= m->value << shift;
}

static void set_lanes(struct vpci_dword *d, uint16_t offset, uint8_t size,
		      uint8_t range)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		d->lane[(offset & 3) + i] = range;
}

/* --- adding and removing -------------------------------------------------------- */

int vpci_add_register(struct vpci *view, uint16_t offset, uint8_t size,
		      const struct vpci_masks *masks, vpci_read_fn *read,
		      vpci_write_fn *write, void *data)
{
	struct vpci_dword *d;
	uint8_t range = 0;
	int err;

	if (!shape_is_valid(offset, size) || !masks_are_valid(masks, size))
		return -EINVAL;
	if (view->sealed)
		return -EBUSY;
	if (view->index[offset / 4] &&
	    view->dword[view->index[offset / 4]].used & bits_of(offset, size))
		return -EEXIST;
	err = make_all_room(view, offset, read || write);
	if (err)
		return err;
	d = dword_at(view, offset);
	compile(d, offset, size, masks);
	if (read || write) {
		range = (uint8_t)view->nranges++;
		view->range[range] = (struct vpci_range){
			.read = read,
			.write = write,
			.data = data,
			.reg = offset,
			.size = size,
		};
	}
	set_lanes(d, offset, size, range);
	view->added[view->nadded++] =
		(struct vpci_added){ offset, size, range };
	return 0;
}

static bool touches(const struct vpci_added *a, unsigned int from,
		    unsigned int end)
{
	return a->reg < end && a->reg + a->size > from;
}

static void forget(struct vpci *view, const struct vpci_added *a)
{
	struct vpci_dword *d = &view->dword[view->index[a->reg / 4]];

	reset_bits(view, d, bits_of(a->reg, a->size));
	set_lanes(d, a->reg, a->size, 0);
	if (!d->used)
		view->index[a->reg / 4] = 0;
	while (view->ndwords > 1 && !view->dword[view->ndwords - 1].used)
		view->ndwords--;
	if (a->range && a->range == view->nranges - 1)
		view->nranges--;
}

void vpci_undo_registers(struct vpci *view, unsigned int before)
{
	while (view->nadded > before)
		forget(view, &view->added[--view->nadded]);
}

int vpci_remove_registers(struct vpci *view, uint16_t offset, uint16_t size)
{
	unsigned int end = offset + size, i;

	if (view->sealed)
		return -EBUSY;
	for (i = 0; i < view->nadded; i++) {
		const struct vpci_added *a = &view->added[i];

		if (touches(a, offset, end) &&
		    (a->reg < offset || a->reg + a->size > end))
			return -ERANGE;
	}
	for (i = view->nadded; i-- > 0;) {
		if (!touches(&view->added[i], offset, end))
			continue;
		forget(view, &view->added[i]);
		view->added[i] = view->added[--view->nadded];
	}
	return 0;
}

/* --- the end -------------------------------------------------------------------- */

/* The array at its exact size; as it is if there is no memory for that. */
static void *shrink(void *array, unsigned int *room, unsigned int used,
		    size_t entry)
{
	void *exact = used < *room ? plat_zalloc(used * entry) : NULL;

	if (!exact)
		return array;
	memcpy(exact, array, used * entry);
	plat_free(array);
	*room = used;
	return exact;
}

/* Hardware's, or a read hook's. */
static uint32_t asked_bits(const struct vpci *view, const struct vpci_dword *d)
{
	uint32_t asked = d->hw;
	unsigned int i;

	for (i = 0; i < sizeof(d->lane); i++)
		if (d->lane[i] && view->range[d->lane[i]].read)
			asked |= 0xffu << 8 * i;
	return asked;
}

void vpci_seal(struct vpci *view)
{
	struct vpci_dword *d;
	unsigned int i;

	view->sealed = true;
	for (i = 0; i < ARRAY_SIZE(view->index); i++) {
		if (!view->index[i])
			continue;
		d = &view->dword[view->index[i]];
		d->shown = ~(d->rsvdp | d->rsvdz);
		/* Outside the view nothing is kept. */
		d->asked = 4 * i + 4 <= view->size ? asked_bits(view, d)
						   : UINT32_MAX;
	}
	for (i = 1; i < view->ndwords; i++)
		hf_init(&view->dword[i].value, view->dword[i].initial);
	view->dword = shrink(view->dword, &view->dword_room, view->ndwords,
			     sizeof(*view->dword));
	view->range = shrink(view->range, &view->range_room, view->nranges,
			     sizeof(*view->range));
	plat_free(view->added);
	view->added = NULL;
}

void vpci_values_reset(struct vpci *view)
{
	unsigned int i;

	pci_assert_held(&view->pdev->lock);
	for (i = 1; i < view->ndwords; i++)
		hf_store_release(&view->dword[i].value, view->dword[i].initial);
}

void vpci_registers_free(struct vpci *view)
{
	plat_free(view->dword);
	plat_free(view->range);
	plat_free(view->added);
}
