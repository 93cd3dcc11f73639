/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The capabilities of a view that is being built: each by its policy, and both
 * lists around those that are hidden (PCI 3.0 §6.7, PCIe 6.0 §7.6.3).
 *
 * The lists come from the device and may lie. The walk ends (core/config); a
 * capability has the bytes up to the next one's position, shown or not, or to
 * the end of its space, and no register of it lies beyond: so what a guest may
 * write of one is never a part of another. One that does not fit is hidden, and
 * so is one whose set-up fails; but for lack of memory, which passes: then there
 * is no view, and whoever wanted it may try again.
 *
 * In a guest's view headers and pointers are emulated: what is hidden reads 0
 * and is in no list. In a hardware domain's view a list is left as it is, but
 * where a set-up failed.
 */
#include "vpci/internal.h"

enum {
	/* As many as a walk can find. */
	MOST = (PCI_CFG_SPACE_SIZE - PCI_STD_HEADER_SIZEOF) / 4 +
	       (PCI_CFG_SPACE_EXP_SIZE - PCI_CFG_SPACE_SIZE) / 8,
	TOLD = 4, /* failures of a view that are logged */
};

/* For the time of vpci_build_caps(). */
struct chain {
	struct vpci *view;
	struct conf conf;
	unsigned int count;
	struct pci_cap cap[MOST]; /* in list order, extended ones last */
	bool shown[MOST];
	bool changed[2]; /* by .extended: one is hidden */
	bool starts[PCI_CFG_SPACE_EXP_SIZE / 4]; /* a capability does */
};

/* --- registers ------------------------------------------------------------------ */

static bool has_register(const struct vpci *view, uint16_t reg)
{
	uint8_t index = view->index[reg / 4];

	return index && view->dword[index].used >> 8 * (reg & 3) & 0xff;
}

/* Read-only, with this value from now on. */
static int set_constant(struct vpci *view, uint16_t reg, uint8_t size,
			uint32_t val)
{
	const struct vpci_masks masks = { .value = val };

	if (!has_register(view, reg))
		return vpci_add_register(view, reg, size, &masks, NULL, NULL,
					 NULL);
	vpci_set(view, reg, size, val);
	return 0;
}

/* The largest register that begins at @reg and has only free bytes; 0: none. */
static uint8_t free_size(struct vpci *view, uint16_t reg, uint16_t end)
{
	uint8_t size = 0;

	while (size < 4 && reg + size < end && !has_register(view, reg + size))
		size++;
	if (size == 3)
		size = 2;
	while (size && reg % size)
		size /= 2;
	return size;
}

int vpci_add_rest(struct vpci *view, enum vpci_rest rest, uint16_t from,
		  uint16_t end)
{
	struct vpci_masks masks = { 0 };
	uint8_t size;
	int err = 0;

	if (rest == VPCI_REST_ZERO)
		return 0;
	for (; from < end && !err; from += size ? size : 1) {
		size = free_size(view, from, end);
		if (!size)
			continue;
		masks.hw = (uint32_t)vpci_ones(size);
		masks.rw = rest == VPCI_REST_PASS ? masks.hw : 0;
		err = vpci_add_register(view, from, size, &masks, NULL, NULL,
					NULL);
	}
	return err;
}

static int add_field(struct chain *c, uint16_t pos, const struct vpci_field *f)
{
	struct vpci_masks masks = f->masks;
	uint16_t reg = pos + f->offset;

	/* Older versions of a capability are shorter. */
	if (pos + f->offset + f->size > c->view->cap_end)
		return 0;
	if (f->initial)
		masks.value = (masks.value & ~f->initial) |
			      (conf_read(&c->conf, reg, f->size) & f->initial);
	return vpci_add_register(c->view, reg, f->size, &masks, NULL, NULL,
				 NULL);
}

/* --- one capability ------------------------------------------------------------- */

static uint16_t header_size(const struct pci_cap *cap)
{
	return cap->extended ? 4 : 2;
}

static uint32_t header(const struct pci_cap *cap, uint16_t next)
{
	if (!cap->extended)
		return cap->id | (uint32_t)next << 8;
	return cap->id | (uint32_t)cap->version << 16 | (uint32_t)next << 20;
}

static uint16_t end_of_space(const struct chain *c, const struct pci_cap *cap)
{
	return cap->extended ? c->view->size : PCI_CFG_SPACE_SIZE;
}

/* Where the next capability begins, or the space ends. */
static uint16_t end_of(const struct chain *c, const struct pci_cap *cap)
{
	uint16_t end = cap->pos + 4;

	while (end < end_of_space(c, cap) && !c->starts[end / 4])
		end += 4;
	return end;
}

/* Has a register been added, since there were @before, that does not fit? */
static bool reaches_out(const struct vpci *view, unsigned int before)
{
	for (; before < view->nadded; before++)
		if (view->added[before].reg + view->added[before].size >
		    view->cap_end)
			return true;
	return false;
}

static int add_cap(struct chain *c, const struct pci_cap *cap,
		   const struct vpci_cap_policy *policy)
{
	struct vpci *view = c->view;
	uint16_t end = view->cap_end;
	unsigned int i, before = view->nadded;
	int err = 0;

	if (!view->hardware)
		err = set_constant(view, cap->pos, (uint8_t)header_size(cap),
				   header(cap, 0));
	for (i = 0; i < policy->nfields && !err; i++)
		err = add_field(c, cap->pos, &policy->field[i]);
	if (!err && policy->setup)
		err = policy->setup(view, view->pdev, cap->pos);
	if (!err && reaches_out(view, before))
		err = -ERANGE;
	if (policy->length && cap->pos + policy->length < end)
		end = cap->pos + policy->length;
	if (!err && !view->hardware)
		err = vpci_add_rest(view, policy->rest,
				    cap->pos + header_size(cap), end);
	return err;
}

/*
 * What add_cap() has added since there were @before registers, and what a
 * set-up that had succeeded keeps: nobody sets up a second one of its kind.
 */
static void undo_cap(struct vpci *view, const struct pci_cap *cap,
		     unsigned int before)
{
	vpci_undo_registers(view, before);
	if (!cap->extended && cap->pos == view->pdev->desc.msi)
		vpci_msi_free(view);
	if (!cap->extended && cap->pos == view->pdev->desc.msix)
		vpci_msix_free(view);
	if (cap->extended && cap->pos == view->pdev->desc.sriov) {
		vpci_vfs_free(view);
		view->vfs = NULL;
	}
}

/* No register is left of it. In a hardware domain's view that would show it. */
static int take_out(struct chain *c, const struct pci_cap *cap, uint16_t length)
{
	uint16_t pos = cap->pos, end = c->view->cap_end;
	int err = 0;

	c->changed[cap->extended] = true;
	if (!c->view->hardware)
		return 0;
	if (length < 4)
		length = 4;
	if (length < end - pos)
		end = pos + length;
	for (; pos < end && !err; pos += 4)
		err = set_constant(c->view, pos, 4, 0);
	return err;
}

static void say(const struct vpci *view, const struct pci_cap *cap, int err)
{
	const char *name = pci_cap_name(cap->extended, cap->id);
	char at[PCI_SBDF_LEN];

	plat_log(PLAT_WARN, "%s: %s at %x is hidden: error %d",
		 pci_sbdf_print(at, view->pdev->desc.sbdf),
		 name ? name : "capability", cap->pos, err);
}

static int show_or_hide(struct chain *c, unsigned int i)
{
	const struct pci_cap *cap = &c->cap[i];
	struct vpci *view = c->view;
	const struct vpci_cap_policy *policy =
		vpci_cap_policy(view->policy, cap->extended, cap->id);
	unsigned int before = view->nadded;
	int err = 0;

	c->shown[i] = policy ? policy->show : view->hardware;
	view->cap_end = end_of(c, cap);
	if (policy && policy->show)
		err = add_cap(c, cap, policy);
	if (err && err != -ENOMEM) {
		if (view->failed++ < TOLD)
			say(view, cap, err);
		c->shown[i] = false;
		undo_cap(view, cap, before);
		err = 0;
	}
	if (!c->shown[i])
		err = take_out(c, cap, policy ? policy->length : 0);
	view->cap_end = 0;
	view->caps += c->shown[i];
	view->hidden += !c->shown[i];
	return err;
}

/* --- the lists ------------------------------------------------------------------- */

static void find_caps(struct chain *c)
{
	struct cap_iter it;
	struct pci_cap cap;
	int ret;

	cap_begin(&it, &c->conf, c->view->size);
	while ((ret = cap_next(&it, &cap))) {
		if (ret < 0)
			continue;
		c->cap[c->count++] = cap;
		c->starts[cap.pos / 4] = true;
	}
}

/*
 * What it was described by. A capability that is not seen is nobody's to hide,
 * or to guard: then the device does not answer.
 */
static bool are_all_there(const struct chain *c)
{
	const struct pci_dev_facts *desc = &c->view->pdev->desc;
	const uint16_t pos[] = { desc->pm, desc->pcie, desc->msi,   desc->msix,
				 desc->af, desc->ats,  desc->sriov, desc->acs };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pos); i++)
		if (pos[i] && !c->starts[pos[i] / 4])
			return false;
	return true;
}

static uint16_t first_pointer(const struct vpci *view)
{
	return view->pdev->desc.hdr_type == PCI_HEADER_TYPE_CARDBUS
		       ? PCI_CB_CAPABILITY_LIST
		       : PCI_CAPABILITY_LIST;
}

/*
 * Where a guest's lists begin, whatever is shown. Comes first: capabilities of
 * a hostile device may fill the view.
 */
static int reserve_beginnings(struct chain *c)
{
	bool extended = c->count && c->cap[c->count - 1].extended;
	int err = set_constant(c->view, PCI_CAPABILITY_LIST, 1, 0);

	if (!err && extended)
		err = set_constant(c->view, PCI_EXT_CAP_START, 4, 0);
	return err;
}

/*
 * An extended list begins at 0x100. If what is there is hidden and others
 * follow: a Null capability, ID and version 0.
 */
static int begin_list(struct chain *c, bool extended, uint16_t first)
{
	if (!extended)
		return set_constant(c->view, first_pointer(c->view), 1, first);
	if (first != PCI_EXT_CAP_START)
		vpci_set(c->view, PCI_EXT_CAP_START, 4, (uint32_t)first << 20);
	return 0;
}

static int link_list(struct chain *c, bool extended)
{
	uint16_t next = 0;
	unsigned int i;
	int err = 0;

	if (c->view->hardware && !c->changed[extended])
		return 0;
	for (i = c->count; i-- > 0 && !err;) {
		const struct pci_cap *cap = &c->cap[i];

		if (!c->shown[i] || cap->extended != extended)
			continue;
		err = set_constant(c->view, cap->pos, (uint8_t)header_size(cap),
				   header(cap, next));
		next = cap->pos;
	}
	return err ? err : begin_list(c, extended, next);
}

int vpci_build_caps(struct vpci *view)
{
	struct chain *c = plat_zalloc(sizeof(*c));
	unsigned int i;
	int err = 0;

	if (!c)
		return -ENOMEM;
	c->view = view;
	conf_of(&c->conf, view->pdev);
	find_caps(c);
	if (!are_all_there(c))
		err = -EIO;
	else if (!view->hardware)
		err = reserve_beginnings(c);
	for (i = 0; i < c->count && !err; i++)
		err = show_or_hide(c, i);
	if (!err)
		err = link_list(c, false);
	if (!err)
		err = link_list(c, true);
	plat_free(c);
	/* Full of what a hostile device made us hide: a list stays as it is. */
	return view->hardware && err == -ENOSPC ? 0 : err;
}
