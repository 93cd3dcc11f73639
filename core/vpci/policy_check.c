/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What no policy may let a guest write, by capability: called for every policy
 * before a device gets it, and by those who load policies.
 *
 * Judged is what the tables say. A bit reaches hardware if it lives there and
 * is writable, cleared by writing 1, or written as 0; or if no field names it
 * and the rest passes. Set-up functions are code, and not looked into. The
 * header (bus numbers, BARs) is not in a policy's power: fields lie behind
 * their capability's own header, and chain.c keeps them inside.
 */
#include "vpci/internal.h"

#define ALL 0 /* every bit */

struct never {
	uint16_t id, offset, length;
	uint32_t bits; /* of up to four bytes at offset; or ALL */
	const char *what;
};

/* All of a capability but its header. */
#define WHOLE(id, what)                      \
	{                                    \
		id, 0, UINT16_MAX, ALL, what \
	}
/* A register of two bytes. */
#define BITS(id, offset, bits, what)      \
	{                                 \
		id, offset, 2, bits, what \
	}

static const struct never never[] = {
	BITS(PCI_CAP_ID_PM, PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK,
	     "the power state"),
	WHOLE(PCI_CAP_ID_MSI, "MSI enable, address, data and masks"),
	WHOLE(PCI_CAP_ID_MSIX, "MSI-X enable and mask"),
	WHOLE(PCI_CAP_ID_HT, "HyperTransport routing"),
	WHOLE(PCI_CAP_ID_SHPC, "hot-plug control"),
	WHOLE(PCI_CAP_ID_SECDEV, "an IOMMU"),
	BITS(PCI_CAP_ID_EXP, PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR,
	     "a reset that the host does not see"),
	BITS(PCI_CAP_ID_EXP, PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_PHANTOM,
	     "the use of other functions' addresses"),
	BITS(PCI_CAP_ID_EXP, PCI_EXP_LNKCTL,
	     PCI_EXP_LNKCTL_LD | PCI_EXP_LNKCTL_RL, "link disable and retrain"),
	BITS(PCI_CAP_ID_EXP, PCI_EXP_SLTCTL, ALL, "slot control"),
	BITS(PCI_CAP_ID_EXP, PCI_EXP_RTCTL, ALL, "root control"),
	BITS(PCI_CAP_ID_EXP, PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_ARI,
	     "ARI forwarding"),
	BITS(PCI_CAP_ID_EXP, PCI_EXP_SLTCTL2, ALL, "slot control"),
	BITS(PCI_CAP_ID_AF, PCI_AF_CTRL, PCI_AF_CTRL_FLR,
	     "a reset that the host does not see"),
	WHOLE(PCI_CAP_ID_EA, "where BARs are"),
	WHOLE(PCI_CAP_ID_FPB, "bus numbers and windows"),
};

static const struct never never_ext[] = {
	WHOLE(PCI_EXT_CAP_ID_ACS, "ACS"),
	WHOLE(PCI_EXT_CAP_ID_ARI, "ARI"),
	WHOLE(PCI_EXT_CAP_ID_ATS, "ATS"),
	WHOLE(PCI_EXT_CAP_ID_SRIOV, "SR-IOV"),
	WHOLE(PCI_EXT_CAP_ID_MRIOV, "MR-IOV"),
	WHOLE(PCI_EXT_CAP_ID_MCAST, "multicast addresses"),
	WHOLE(PCI_EXT_CAP_ID_PRI, "page requests"),
	WHOLE(PCI_EXT_CAP_ID_REBAR, "BAR sizes"),
	WHOLE(PCI_EXT_CAP_ID_PASID, "PASID"),
	WHOLE(PCI_EXT_CAP_ID_DPC, "port containment"),
	WHOLE(PCI_EXT_CAP_ID_VF_REBAR, "BAR sizes"),
};

/* --- saying why ------------------------------------------------------------------- */

struct text {
	char *at;
	size_t left; /* with the NUL that is kept at *at */
};

static void put(struct text *t, const char *s)
{
	while (*s && t->left > 1) {
		*t->at++ = *s++;
		t->left--;
		*t->at = '\0';
	}
}

static void put_hex(struct text *t, uint32_t val)
{
	char digits[] = "0x00000000";
	unsigned int i, n = 1;

	while (n < 8 && val >> 4 * n)
		n++;
	for (i = 0; i < n; i++)
		digits[2 + i] =
			"0123456789abcdef"[val >> 4 * (n - 1 - i) & 0xf];
	digits[2 + n] = '\0';
	put(t, digits);
}

/* The capability that is looked at. */
struct place {
	const struct vpci_cap_policy *cap;
	bool extended;
	uint16_t id;
	struct text *why;
};

static void put_register(const struct place *p, uint16_t offset)
{
	const char *name = pci_cap_name(p->extended, p->id);

	put(p->why, name ? name : p->extended ? "extended " : "capability ");
	if (!name)
		put_hex(p->why, p->id);
	put(p->why, ", register ");
	put_hex(p->why, offset);
}

static int malformed(const struct place *p, uint16_t offset, const char *what)
{
	put_register(p, offset);
	put(p->why, ": ");
	put(p->why, what);
	return -EINVAL;
}

static int forbidden(const struct place *p, uint16_t offset, uint32_t bits,
		     const char *what)
{
	put_register(p, offset);
	put(p->why, ", bits ");
	put_hex(p->why, bits);
	put(p->why, " in hardware: ");
	put(p->why, what);
	return -EPERM;
}

/* --- form ---------------------------------------------------------------------------- */

static unsigned int header_size(const struct place *p)
{
	return p->extended ? 4 : 2;
}

/* How long a capability can be. */
static unsigned int longest(const struct place *p)
{
	return p->extended ? PCI_CFG_SPACE_EXP_SIZE - PCI_EXT_CAP_START
			   : PCI_CFG_SPACE_SIZE - PCI_STD_HEADER_SIZEOF;
}

static const char *masks_defect(const struct vpci_masks *m, uint32_t initial,
				uint8_t size)
{
	if ((m->hw | m->rw | m->w1c | m->rsvdp | m->rsvdz | m->value |
	     initial) &
	    ~(uint32_t)vpci_ones(size))
		return "a mask is wider than the register";
	if ((m->rw & (m->w1c | m->rsvdp | m->rsvdz)) ||
	    (m->w1c & (m->rsvdp | m->rsvdz)) || (m->rsvdp & m->rsvdz))
		return "a bit is in two masks that exclude each other";
	return NULL;
}

static const char *field_defect(const struct place *p,
				const struct vpci_field *f)
{
	unsigned int end = f->offset + f->size;

	if (f->size != 1 && f->size != 2 && f->size != 4)
		return "its size is not 1, 2 or 4";
	if (f->offset % f->size)
		return "it is not aligned to its size";
	if (f->offset < header_size(p))
		return "it lies in the capability's header";
	if (end > (p->cap->length ? p->cap->length : longest(p)))
		return "it lies beyond the capability's end";
	return masks_defect(&f->masks, f->initial, f->size);
}

static bool overlap(const struct vpci_field *a, const struct vpci_field *b)
{
	return a->offset < b->offset + b->size &&
	       b->offset < a->offset + a->size;
}

static int check_form(const struct place *p)
{
	const struct vpci_cap_policy *cap = p->cap;
	const char *defect;
	unsigned int i, j;

	if (cap->length &&
	    (cap->length < header_size(p) || cap->length > longest(p)))
		return malformed(p, 0, "no capability is as long as this");
	if (cap->rest > VPCI_REST_PASS || (cap->nfields && !cap->field))
		return malformed(p, 0, "not a policy");
	for (i = 0; i < cap->nfields; i++) {
		const struct vpci_field *f = &cap->field[i];

		defect = field_defect(p, f);
		for (j = 0; j < i && !defect; j++)
			if (overlap(f, &cap->field[j]))
				defect = "it overlaps another";
		if (defect)
			return malformed(p, f->offset, defect);
	}
	return 0;
}

/* --- meaning --------------------------------------------------------------------------- */

/* Which bits of @size bytes at @offset are @n's? */
static uint32_t never_bits(const struct never *n, unsigned int offset,
			   unsigned int size)
{
	uint32_t bits = 0;
	unsigned int i;

	for (i = 0; i < size; i++) {
		unsigned int at = offset + i - n->offset;

		if (offset + i < n->offset || at >= n->length)
			continue;
		bits |= (n->bits ? n->bits >> 8 * at & 0xff : 0xff) << 8 * i;
	}
	return bits;
}

static bool has_field(const struct vpci_cap_policy *cap, unsigned int offset)
{
	const struct vpci_field byte = { .offset = offset, .size = 1 };
	unsigned int i;

	for (i = 0; i < cap->nfields; i++)
		if (overlap(&byte, &cap->field[i]))
			return true;
	return false;
}

/* What passes of @n's because nothing names it. */
static int check_rest(const struct place *p, const struct never *n)
{
	const struct vpci_cap_policy *cap = p->cap;
	unsigned int end = cap->length ? cap->length : longest(p);
	unsigned int at = n->offset > header_size(p) ? n->offset
						     : header_size(p);
	uint32_t bits;

	if (cap->rest != VPCI_REST_PASS)
		return 0;
	for (; at < end && at < n->offset + (unsigned int)n->length; at++) {
		bits = never_bits(n, at, 1);
		if (bits && !has_field(cap, at))
			return forbidden(p, (uint16_t)at, bits, n->what);
	}
	return 0;
}

static int check_never(const struct place *p, const struct never *n)
{
	const struct vpci_cap_policy *cap = p->cap;
	unsigned int i;

	for (i = 0; i < cap->nfields; i++) {
		const struct vpci_field *f = &cap->field[i];
		const struct vpci_masks *m = &f->masks;
		uint32_t bits = m->hw & (m->rw | m->w1c | m->rsvdz) &
				never_bits(n, f->offset, f->size);

		if (bits)
			return forbidden(p, f->offset, bits, n->what);
	}
	return check_rest(p, n);
}

static int check_cap(const struct place *p)
{
	const struct never *n = p->extended ? never_ext : never;
	size_t count = p->extended ? ARRAY_SIZE(never_ext) : ARRAY_SIZE(never);
	int err;

	if (!p->cap)
		return 0;
	err = check_form(p);
	if (!p->cap->show)
		return err;
	for (; count-- && !err; n++)
		if (n->id == p->id)
			err = check_never(p, n);
	return err;
}

static bool name_is_valid(const char *name)
{
	unsigned int len = 0;

	while (name && len < PCI_WHO_LEN && name[len])
		len++;
	return len && len < PCI_WHO_LEN;
}

int vpci_policy_check(const struct vpci_policy *policy, char *why, size_t len)
{
	struct text text = { why, len };
	struct place p = { .why = &text };
	int err = 0;

	if (len)
		*why = '\0';
	if (!name_is_valid(policy->name)) {
		put(&text, "its name is empty or too long");
		return -EINVAL;
	}
	if (policy->hardware) {
		put(&text, "what it does not name passes to hardware");
		return -EPERM;
	}
	for (p.id = 0; p.id < VPCI_CAP_IDS && !err; p.id++) {
		p.cap = policy->cap[p.id];
		err = check_cap(&p);
	}
	p.extended = true;
	for (p.id = 0; p.id < VPCI_EXT_CAP_IDS && !err; p.id++) {
		p.cap = policy->ext[p.id];
		err = check_cap(&p);
	}
	return err;
}
