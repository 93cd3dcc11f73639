/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A view is built directly, without header and capabilities, so that bytes are
 * spent on registers; it is reached by vpci_read() and vpci_write(), as a
 * guest's view of one device and as the hardware domain's of another. Both
 * devices are the same array of bytes. One thread.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/iommu.h>

#include "vpci/internal.h"

#include "compare.h"
#include "model.h"

enum { MAX_ADDS = 200 /* below what a view has room for */ };

static struct model model;
static struct model_hw real, at_first;
static struct domain *guest;
static struct pci_dev *theirs, *ours; /* the guest's, the hardware domain's */
static struct vpci the_view, *view = &the_view;
static unsigned int nadds;

/* What the engine did during the last access. */
static struct {
	uint16_t reg;
	uint8_t size;
} hw_write[64];
static unsigned int nhw_writes;
static struct model_call call[MODEL_CALLS];
static unsigned int ncalls;

static char difference[200];

static void __attribute__((format(printf, 1, 2))) differ(const char *fmt, ...)
{
	va_list args;

	if (difference[0])
		return;
	va_start(args, fmt);
	vsnprintf(difference, sizeof(difference), fmt, args);
	va_end(args);
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* --- the host ------------------------------------------------------------- */

static int host_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	(void)host, (void)sbdf;
	if (reg % size || reg + size > MODEL_SPACE)
		differ("hardware is read at %#x, %u bytes", reg, size);
	*val = 0;
	memcpy(val, real.data + reg, size);
	return 0;
}

static int host_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	unsigned int i;

	(void)host, (void)sbdf;
	if (reg % size || reg + size > MODEL_SPACE)
		differ("hardware is written at %#x, %u bytes", reg, size);
	must(nhw_writes < ARRAY_SIZE(hw_write));
	hw_write[nhw_writes].reg = reg;
	hw_write[nhw_writes++].size = size;
	for (i = reg; i < reg + size; i++, val >>= 8) {
		real.data[i] &= (uint8_t) ~(real.rw[i] | (real.w1c[i] & val));
		real.data[i] |= real.rw[i] & val;
	}
	return 0;
}

static const struct pci_host_ops host_ops = { .read = host_read,
					      .write = host_write };
static struct pci_host host = { .ops = &host_ops, .name = "bytes" };

static void hardware_kinds(uint32_t seed)
{
	unsigned int i;

	for (i = 0; i < MODEL_SPACE; i++) {
		seed = seed * 1664525 + 1013904223;
		real.rw[i] = (uint8_t)(seed >> 8 | (seed >> 30 ? 0 : 0xff));
		real.w1c[i] = (uint8_t)(seed >> 16 & ~real.rw[i]);
		real.data[i] = (uint8_t)(seed >> 24);
	}
	at_first = real;
}

/* --- the engine's hooks --------------------------------------------------- */

static uint32_t read_invert(struct vpci *v, uint16_t reg, uint32_t val,
			    void *data)
{
	(void)v, (void)reg, (void)data;
	return ~val;
}

static uint32_t read_view(struct vpci *v, uint16_t reg, uint32_t val,
			  void *data)
{
	(void)val;
	return vpci_get(v, reg, *(const uint8_t *)data);
}

static uint32_t read_hw(struct vpci *v, uint16_t reg, uint32_t val, void *data)
{
	(void)val;
	return vpci_hw_read(v, reg, *(const uint8_t *)data);
}

static vpci_read_fn *const read_fn[MODEL_READS] = {
	[MODEL_READ_INVERT] = read_invert,
	[MODEL_READ_VIEW] = read_view,
	[MODEL_READ_HW] = read_hw,
};

static void write_drop(struct vpci *v, uint16_t reg, uint32_t val,
		       uint32_t mask, void *data)
{
	(void)v, (void)data;
	if (ncalls == ARRAY_SIZE(call)) {
		differ("hooks are called without end");
		return;
	}
	call[ncalls++] =
		(struct model_call){ .reg = reg, .val = val, .mask = mask };
}

static void write_view(struct vpci *v, uint16_t reg, uint32_t val,
		       uint32_t mask, void *data)
{
	write_drop(v, reg, val, mask, data);
	vpci_set(v, reg, *(const uint8_t *)data, val);
}

static void write_hw(struct vpci *v, uint16_t reg, uint32_t val, uint32_t mask,
		     void *data)
{
	write_drop(v, reg, val, mask, data);
	vpci_hw_write(v, reg, *(const uint8_t *)data, val);
}

static vpci_write_fn *const write_fn[MODEL_WRITES] = {
	[MODEL_WRITE_DROP] = write_drop,
	[MODEL_WRITE_VIEW] = write_view,
	[MODEL_WRITE_HW] = write_hw,
};

/* --- bytes ---------------------------------------------------------------- */

struct bytes {
	const uint8_t *at;
	size_t left;
};

static uint64_t take(struct bytes *b, size_t n)
{
	uint64_t val = 0;

	if (n > b->left)
		n = b->left;
	memcpy(&val, b->at, n);
	b->at += n;
	b->left -= n;
	return val;
}

/* Half of all registers in a few dwords, where they meet; some outside. */
static uint16_t take_reg(struct bytes *b)
{
	uint16_t reg = (uint16_t)take(b, 2);

	return reg & 0x8000   ? reg & 0x3f
	       : reg & 0x4000 ? reg
			      : reg & (MODEL_SPACE - 1);
}

static uint8_t take_size(struct bytes *b)
{
	static const uint8_t size[] = { 1, 2, 4, 8, 1, 2, 4, 4, 0, 3, 5, 16 };
	uint8_t byte = (uint8_t)take(b, 1);

	return byte < 0xe0 ? size[byte % 8] : size[8 + byte % 4];
}

/* Three bits say what one bit of the register is; or the masks are bytes. */
static void take_masks(struct bytes *b, uint8_t size, struct vpci_masks *masks)
{
	uint32_t fit = size < 4 ? (1u << 8 * size) - 1 : UINT32_MAX;
	uint32_t x = (uint32_t)take(b, 4), y = (uint32_t)take(b, 4);
	uint32_t z = (uint32_t)take(b, 4);

	masks->hw = (uint32_t)take(b, 4) & fit;
	masks->value = (uint32_t)take(b, 4) & fit;
	masks->rw = ~x & y & fit;
	masks->w1c = x & y & ~z & fit;
	masks->rsvdp = x & y & z & fit;
	masks->rsvdz = x & ~y & z & fit;
	if (take(b, 1) >= 0xf0) {
		masks->hw = x ^ y;
		masks->rw = x;
		masks->rsvdz = z;
	}
}

/* --- one step of either side ---------------------------------------------- */

static void add_register(struct bytes *b)
{
	static uint8_t sizes[] = { 0, 1, 2, 3, 4 };
	uint16_t reg = take_reg(b);
	uint8_t size = take_size(b), hooks;
	struct vpci_masks masks;
	enum model_read rd;
	enum model_write wr;
	int err, want;

	if (size < 3)
		reg &= (uint16_t) ~(size - 1);
	else if (take(b, 1) < 0xf0)
		reg &= 0xfffc;
	take_masks(b, size, &masks);
	hooks = (uint8_t)take(b, 1);
	rd = hooks & 0x80 ? hooks % MODEL_READS : MODEL_READ_PLAIN;
	wr = hooks & 0x40 ? hooks / 4 % MODEL_WRITES : MODEL_WRITE_PLAIN;
	if (nadds++ >= MAX_ADDS)
		return;
	want = model_add(&model, reg, size, &masks, rd, wr);
	err = vpci_add_register(view, reg, size, &masks, read_fn[rd],
				write_fn[wr], size < 5 ? &sizes[size] : NULL);
	if (err != want)
		differ("adding %#x, %u bytes: %d, and not %d", reg, size, err,
		       want);
}

static void remove_registers(struct bytes *b)
{
	uint16_t reg = take_reg(b), size = (uint16_t)take(b, 2);
	int err, want;

	if (!(size & 0x8000))
		size &= 0x1f;
	want = model_remove(&model, reg, size);
	err = vpci_remove_registers(view, reg, size);
	if (err != want)
		differ("removing %#x, %u bytes: %d, and not %d", reg, size, err,
		       want);
}

static struct domain *whose(void)
{
	return model.hardware ? hardware_domain : guest;
}

static pci_sbdf_t where(void)
{
	return pcidev_sbdf(model.hardware ? ours : theirs);
}

static void read_both(struct bytes *b)
{
	uint16_t reg = take_reg(b);
	uint8_t size = take_size(b);
	uint64_t want = model_read(&model, reg, size), val = ~want;

	if (vpci_read(whose(), where(), reg, size, &val) != PCI_DONE)
		differ("reading %#x, %u bytes: not done", reg, size);
	if (val != want)
		differ("reading %#x, %u bytes: %#llx, and not %#llx", reg, size,
		       (unsigned long long)val, (unsigned long long)want);
	if (nhw_writes || ncalls)
		differ("reading %#x, %u bytes writes", reg, size);
}

static void check_hw_writes(uint16_t reg, uint8_t size)
{
	unsigned int i, k, allowed = 0;

	for (i = 0; i < nhw_writes; i++) {
		if (hw_write[i].size > size && !model.ncalls)
			differ("writing %#x, %u bytes: %u at %#x of hardware",
			       reg, size, hw_write[i].size, hw_write[i].reg);
		for (k = 0; k < hw_write[i].size; k++)
			if (!model.may_write[hw_write[i].reg + k])
				differ("writing %#x, %u bytes: byte %#x of "
				       "hardware",
				       reg, size, hw_write[i].reg + k);
	}
	/* what may go in one write does */
	for (i = reg; i < reg + size && i < MODEL_SPACE; i++)
		allowed += model.may_write[i];
	if (!model.ncalls && size <= 4 && allowed == size && size &&
	    nhw_writes != 1)
		differ("writing %#x, %u bytes: %u writes of hardware", reg,
		       size, nhw_writes);
}

static void check_calls(uint16_t reg, uint8_t size)
{
	unsigned int i;

	if (ncalls != model.ncalls)
		differ("writing %#x, %u bytes: %u hooks, and not %u", reg, size,
		       ncalls, model.ncalls);
	for (i = 0; i < ncalls && i < model.ncalls; i++)
		if (call[i].reg != model.call[i].reg ||
		    call[i].val != model.call[i].val ||
		    call[i].mask != model.call[i].mask)
			differ("writing %#x, %u bytes: hook of %#x gets %#x, "
			       "mask %#x, and not %#x %#x",
			       reg, size, call[i].reg, call[i].val,
			       call[i].mask, model.call[i].val,
			       model.call[i].mask);
}

static void write_both(struct bytes *b)
{
	struct vpci_vcpu vcpu = { .domain = whose() };
	uint16_t reg = take_reg(b);
	uint8_t size = take_size(b);
	uint64_t val = take(b, 8);

	model_write(&model, reg, size, val);
	if (vpci_write(&vcpu, where(), reg, size, val) != PCI_DONE ||
	    vcpu.npending)
		differ("writing %#x, %u bytes: not done", reg, size);
	check_calls(reg, size);
	check_hw_writes(reg, size);
	if (memcmp(real.data, model.hw.data, sizeof(real.data)))
		differ("writing %#x, %u bytes: hardware differs", reg, size);
}

static void get_both(struct bytes *b)
{
	uint8_t size = (uint8_t)(1u << take(b, 1) % 3);
	uint16_t reg = take_reg(b) & (MODEL_SPACE - 4);
	uint32_t mask, want = model_get(&model, reg, size, &mask), val;
	unsigned int i;

	for (i = 0; i < size; i++)
		if (!model.owner[reg + i])
			return;
	val = vpci_get(view, reg, size);
	if ((val ^ want) & mask)
		differ("the view has %#x at %#x, %u bytes, and not %#x", val,
		       reg, size, want);
}

/* --- a run ---------------------------------------------------------------- */

static void view_begin(uint8_t kind)
{
	struct pci_dev *pdev = kind & 1 ? ours : theirs;

	model_begin(&model, kind & 1, kind & 2 ? 256 : MODEL_SPACE);
	memset(view, 0, sizeof(*view));
	view->pdev = pdev;
	view->domain = whose();
	view->hardware = model.hardware;
	view->size = model.size;
	view->ndwords = view->nranges = 1;
	hf_store_release(kind & 1 ? &pdev->hw_view : &pdev->view, view);
	memcpy(real.data, at_first.data, sizeof(real.data));
	memcpy(model.hw.data, at_first.data, sizeof(real.data));
	nadds = 0;
	difference[0] = 0;
}

static void view_end(void)
{
	hf_store_release(model.hardware ? &ours->hw_view : &theirs->view, NULL);
	vpci_registers_free(view);
}

static void access_both(struct bytes *b, uint8_t what)
{
	nhw_writes = ncalls = 0;
	switch (what % 8) {
	case 0:
		get_both(b);
		break;
	case 1:
	case 2:
	case 3:
		read_both(b);
		break;
	default:
		write_both(b);
	}
}

static void seal(void)
{
	if (!model.sealed)
		vpci_seal(view);
	model.sealed = true;
}

const char *compare_run(const uint8_t *data, size_t size)
{
	struct bytes b = { .at = data, .left = size };

	view_begin((uint8_t)take(&b, 1));
	while (b.left && !difference[0]) {
		uint8_t what = (uint8_t)take(&b, 1);

		if (what >= 0xf0) {
			remove_registers(&b);
		} else if (what >= (model.sealed ? 0xe8 : 0x10)) {
			add_register(&b);
		} else {
			seal();
			access_both(&b, what);
		}
	}
	view_end();
	return difference[0] ? difference : NULL;
}

static struct pci_dev *device(uint8_t dev)
{
	struct pci_dev_desc desc = { .sbdf = pci_sbdf(0, 0, dev, 0),
				     .type = PCI_TYPE_ENDPOINT,
				     .cfg_size = MODEL_SPACE };
	struct pci_dev *pdev;

	desc.parent = desc.sbdf;
	must(!pci_register_device(&desc, &pdev));
	return pdev;
}

void compare_init(uint32_t seed)
{
	pci_sbdf_t vsbdf;

	hardware_kinds(seed);
	model.hw = real;
	must(!pci_init() && !pci_segment_add(0, &host));
	theirs = device(1);
	ours = device(2);
	vsbdf = pcidev_sbdf(theirs);
	must(!domain_create(0, "guest", NULL, NULL, &guest));
	must(!pci_assign_device(guest, pcidev_sbdf(theirs), 0, &vsbdf, NULL));
}

void compare_fini(void)
{
	pcidev_put(theirs);
	pcidev_put(ours);
	must(!domain_destroy(guest));
	domain_put(guest);
	pci_fini();
}
