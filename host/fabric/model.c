/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the description of a function to its registers: the header. The
 * capabilities are in caps.c.
 */
#include "layout.h"

static void put(struct fab_layout *l, unsigned int reg, unsigned int size,
		uint32_t init, uint32_t rw, uint32_t w1c, uint32_t sticky)
{
	struct fab_model *m = l->m;
	unsigned int dword = reg >> 2, shift = (reg & 3) * 8;
	uint32_t mask = (size == 4 ? UINT32_MAX : (1u << size * 8) - 1)
			<< shift;

	m->init[dword] = (m->init[dword] & ~mask) | (init << shift & mask);
	m->rw[dword] = (m->rw[dword] & ~mask) | (rw << shift & mask);
	m->w1c[dword] |= w1c << shift & mask;
	m->sticky[dword] |= sticky << shift & mask;
}

void fab_ro(struct fab_layout *l, unsigned int reg, unsigned int size,
	    uint32_t init)
{
	put(l, reg, size, init, 0, 0, 0);
}

void fab_rw(struct fab_layout *l, unsigned int reg, unsigned int size,
	    uint32_t init, uint32_t rw)
{
	put(l, reg, size, init, rw, 0, 0);
}

void fab_w1c(struct fab_layout *l, unsigned int reg, unsigned int size,
	     uint32_t w1c)
{
	put(l, reg, size, 0, 0, w1c, 0);
}

void fab_sticky(struct fab_layout *l, unsigned int reg, uint32_t sticky)
{
	unsigned int dword = reg >> 2, shift = (reg & 3) * 8;

	l->m->sticky[dword] |= sticky << shift;
}

void fab_hooked(struct fab_layout *l, unsigned int reg, enum fab_hook hook)
{
	l->m->hook[reg >> 2] = (uint8_t)hook;
}

/* --- BARs ----------------------------------------------------------------- */

void fab_layout_bar(struct fab_layout *l, unsigned int i,
		    const struct fab_bar *bar)
{
	unsigned int reg = fab_bar_reg(l->m, i);
	uint64_t mask = ~(bar->size - 1);
	uint32_t low = bar->prefetch ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0;

	l->m->bar[i] = *bar;
	switch (bar->kind) {
	case PCI_BAR_IO:
		fab_rw(l, reg, 4, PCI_BASE_ADDRESS_SPACE_IO, (uint32_t)mask);
		break;
	case PCI_BAR_MEM32:
		fab_rw(l, reg, 4, low, (uint32_t)mask);
		break;
	case PCI_BAR_MEM64:
		fab_rw(l, reg, 4, low | PCI_BASE_ADDRESS_MEM_TYPE_64,
		       (uint32_t)mask);
		fab_rw(l, reg + 4, 4, 0, (uint32_t)(mask >> 32));
		break;
	case PCI_BAR_ROM:
		fab_rw(l, reg, 4, 0, (uint32_t)mask | PCI_ROM_ADDRESS_ENABLE);
		break;
	default:
		break;
	}
}

static bool has_bar(const struct fab_desc *d, bool io)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(d->bar); i++)
		if (d->bar[i].size && (d->bar[i].kind == PCI_BAR_IO) == io)
			return true;
	return false;
}

/* --- header --------------------------------------------------------------- */

static uint16_t command_bits(const struct fab_desc *d)
{
	bool bridge = fab_is_bridge(d->kind);
	uint16_t bits = PCI_COMMAND_MASTER;

	if (d->vf) /* PCIe 6.0 §9.3.4.1.3 */
		return bits;
	bits |= PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
		PCI_COMMAND_INTX_DISABLE;
	if (bridge || has_bar(d, false))
		bits |= PCI_COMMAND_MEMORY;
	if (bridge || has_bar(d, true))
		bits |= PCI_COMMAND_IO;
	return bits;
}

static void layout_common(struct fab_layout *l, const struct fab_desc *d)
{
	bool bridge = fab_is_bridge(d->kind);

	fab_ro(l, PCI_VENDOR_ID, 2, d->vf ? PCI_VENDOR_ID_NONE : d->vendor);
	fab_ro(l, PCI_DEVICE_ID, 2, d->vf ? 0xffff : d->device);
	fab_rw(l, PCI_COMMAND, 2, 0, command_bits(d));
	fab_w1c(l, PCI_STATUS, 2, PCI_STATUS_W1C);
	fab_hooked(l, PCI_COMMAND, FAB_HOOK_COMMAND);
	fab_ro(l, PCI_CLASS_REVISION, 4, d->class_code << 8 | d->revision);
	if (!d->vf)
		fab_rw(l, PCI_CACHE_LINE_SIZE, 1, 0, 0xff);
	if (!fab_is_express(d->kind))
		fab_rw(l, PCI_LATENCY_TIMER, 1, 0, 0xff);
	fab_ro(l, PCI_HEADER_TYPE, 1,
	       (bridge ? PCI_HEADER_TYPE_BRIDGE : PCI_HEADER_TYPE_NORMAL) |
		       (d->multifunction ? PCI_HEADER_TYPE_MFD : 0));
	if (!d->vf)
		fab_rw(l, PCI_INTERRUPT_LINE, 1, 0xff, 0xff);
	fab_ro(l, PCI_INTERRUPT_PIN, 1, d->vf ? 0 : d->pin);
	for (unsigned int i = 0; i < ARRAY_SIZE(d->bar); i++)
		if (d->bar[i].size)
			fab_layout_bar(l, i, &d->bar[i]);
}

static void layout_bridge(struct fab_layout *l, const struct fab_desc *d)
{
	uint16_t ctl = PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR |
		       PCI_BRIDGE_CTL_ISA | PCI_BRIDGE_CTL_VGA |
		       PCI_BRIDGE_CTL_VGA16 | PCI_BRIDGE_CTL_BUS_RESET;

	fab_rw(l, PCI_PRIMARY_BUS, 4, 0, 0x00ffffff);
	fab_hooked(l, PCI_PRIMARY_BUS, FAB_HOOK_BUSES);
	if (!fab_is_express(d->kind)) {
		fab_rw(l, PCI_SEC_LATENCY_TIMER, 1, 0, 0xff);
		ctl |= PCI_BRIDGE_CTL_MASTER_ABORT;
	}
	fab_rw(l, PCI_IO_BASE, 2, 0, 0xf0f0);
	fab_w1c(l, PCI_SEC_STATUS, 2, PCI_STATUS_W1C);
	fab_rw(l, PCI_MEMORY_BASE, 4, 0, 0xfff0fff0);
	fab_rw(l, PCI_PREF_MEMORY_BASE, 4,
	       PCI_PREF_RANGE_TYPE_64 << 16 | PCI_PREF_RANGE_TYPE_64,
	       0xfff0fff0);
	fab_rw(l, PCI_PREF_BASE_UPPER32, 4, 0, UINT32_MAX);
	fab_rw(l, PCI_PREF_LIMIT_UPPER32, 4, 0, UINT32_MAX);
	fab_rw(l, PCI_BRIDGE_CONTROL, 2, 0, ctl);
	fab_hooked(l, PCI_BRIDGE_CONTROL, FAB_HOOK_BRIDGE_CTL);
}

static void layout_pokes(struct fab_layout *l, const struct fab_desc *d)
{
	for (unsigned int i = 0; i < d->npokes; i++) {
		const struct fab_poke *p = &d->poke[i];

		fab_rw(l, p->reg, p->size, p->value, p->writable);
	}
}

/* --- the whole ------------------------------------------------------------ */

static struct fab_model *model_alloc(enum fab_kind kind)
{
	unsigned int size = fab_is_express(kind) ? PCI_CFG_SPACE_EXP_SIZE
						 : PCI_CFG_SPACE_SIZE;
	unsigned int n = size / 4;
	struct fab_model *m = plat_zalloc(sizeof(*m) + n * 17);

	if (!m)
		return NULL;
	hf_init(&m->refs, 1);
	m->kind = kind;
	m->size = (uint16_t)size;
	m->init = (uint32_t *)(m + 1);
	m->rw = m->init + n;
	m->w1c = m->rw + n;
	m->sticky = m->w1c + n;
	m->hook = (uint8_t *)(m->sticky + n);
	return m;
}

void fab_model_get(struct fab_model *m)
{
	hf_fetch_add_relaxed(&m->refs, 1);
}

void fab_model_put(struct fab_model *m)
{
	if (!m || hf_fetch_sub_release(&m->refs, 1) != 1)
		return;
	(void)hf_load_acquire(&m->refs);
	fab_model_put(m->vf);
	plat_free((void *)m->vpd_data);
	plat_free(m);
}

/* What a VF shows: mostly its PF, less what belongs to the PF only. */
static void describe_vf(const struct fab_desc *pf, struct fab_desc *vf)
{
	*vf = (struct fab_desc){
		.kind = FAB_ENDPOINT,
		.vf = true,
		.vendor = pf->vendor,
		.device = pf->vf_device,
		.subvendor = pf->subvendor,
		.subdevice = pf->subdevice,
		.class_code = pf->class_code,
		.revision = pf->revision,
		.flr = true,
		.msix = pf->vf_msix,
		.ats = pf->ats,
		.ats_queue = pf->ats_queue,
		.aer = pf->aer,
		.tester = pf->tester,
		.seen_as = -1,
	};
}

static int compile_vf(struct fab_model *m, const struct fab_desc *d)
{
	struct fab_desc *vf;
	int rc;

	if (!d->vf_total)
		return 0;
	vf = plat_zalloc(sizeof(*vf)); /* large for a stack */
	if (!vf)
		return -ENOMEM;
	describe_vf(d, vf);
	rc = fab_model_compile(vf, &m->vf);
	plat_free(vf);
	if (rc)
		return rc;
	for (unsigned int i = 0; i < ARRAY_SIZE(d->vf_bar); i++)
		m->vf->bar[i] = d->vf_bar[i]; /* for who looks at memory */
	return 0;
}

int fab_model_compile(const struct fab_desc *d, struct fab_model **out)
{
	struct fab_layout l = { .next = PCI_STD_HEADER_SIZEOF,
				.ext_next = PCI_EXT_CAP_START };
	int rc;

	l.m = model_alloc(d->kind);
	if (!l.m)
		return -ENOMEM;
	l.m->tester = d->tester;
	l.m->seen_as = d->seen_as;
	l.m->nreserved = d->nreserved;
	memcpy(l.m->reserved, d->reserved, sizeof(d->reserved));
	layout_common(&l, d);
	if (fab_is_bridge(d->kind))
		layout_bridge(&l, d);
	else
		fab_ro(&l, PCI_SUBSYSTEM_VENDOR_ID, 4,
		       (uint32_t)d->subdevice << 16 | d->subvendor);
	rc = fab_layout_caps(&l, d);
	if (!rc)
		rc = compile_vf(l.m, d);
	if (rc) {
		fab_model_put(l.m);
		return rc;
	}
	layout_pokes(&l, d);
	*out = l.m;
	return 0;
}
