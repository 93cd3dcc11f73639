/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the description of one function. README.md has the members.
 */
#include <string.h>

#include "describe.h"
#include "unit.h"

#define MEMBERS                                                          \
	"at kind id subsystem class revision pin bars pm no_soft_reset " \
	"flr af phantom msi msix aer acs ats serial vpd vendor slot "    \
	"sriov rebar poke tester reserved seen_as "                      \
	"secondary subordinate spare below card"

static const char *const kinds[FAB_KINDS] = {
	[FAB_ENDPOINT] = "endpoint",
	[FAB_RC_ENDPOINT] = "rc-endpoint",
	[FAB_RC_EVENT] = "rc-event-collector",
	[FAB_PCI] = "pci",
	[FAB_HOST_BRIDGE] = "host-bridge",
	[FAB_ROOT_PORT] = "root-port",
	[FAB_UPSTREAM] = "upstream-port",
	[FAB_DOWNSTREAM] = "downstream-port",
	[FAB_PCIE_TO_PCI] = "pcie-to-pci",
	[FAB_PCI_TO_PCIE] = "pci-to-pcie",
	[FAB_PCI_BRIDGE] = "pci-bridge",
};

/* Numbers of less than 64 bits. */
#define NUMBER(at, key, min, max, out)                                    \
	({                                                                \
		uint64_t val_ = *(out);                                   \
		int rc_ = where_number((at), (key), (min), (max), &val_); \
                                                                          \
		*(out) = (typeof(*(out)))val_;                            \
		rc_;                                                      \
	})

/* The first error of a sequence of steps. */
#define TRY(step)                       \
	do {                            \
		int rc_try_ = (step);   \
                                        \
		if (rc_try_)            \
			return rc_try_; \
	} while (0)

static int read_kind(const struct where *at, enum fab_kind *kind)
{
	const char *text = NULL;
	struct where m;

	TRY(where_string(at, "kind", &text));
	if (!text)
		return where_fail(at, -EINVAL, "has no \"kind\"");
	for (int i = 0; i < FAB_KINDS; i++) {
		if (!strcmp(text, kinds[i])) {
			*kind = (enum fab_kind)i;
			return 0;
		}
	}
	where_member(at, "kind", &m);
	return where_fail(&m, -EINVAL, "there is no kind \"%s\"", text);
}

static int read_identity(const struct where *at, struct fab_desc *d)
{
	struct where m;

	d->class_code = UINT32_MAX;
	if (fab_is_bridge(d->kind))
		d->class_code = PCI_CLASS_BRIDGE_PCI << 8;
	else if (d->kind == FAB_HOST_BRIDGE)
		d->class_code = PCI_CLASS_BRIDGE_HOST << 8;
	else if (d->kind == FAB_RC_EVENT)
		d->class_code = PCI_CLASS_SYSTEM_RCEC << 8;
	if (!where_member(at, "id", &m))
		return where_fail(at, -EINVAL, "has no \"id\"");
	TRY(where_ids(at, "id", &d->vendor, &d->device));
	TRY(where_ids(at, "subsystem", &d->subvendor, &d->subdevice));
	TRY(NUMBER(at, "class", 0, 0xffffff, &d->class_code));
	TRY(NUMBER(at, "revision", 0, 0xff, &d->revision));
	TRY(NUMBER(at, "pin", 0, 4, &d->pin));
	if (d->class_code == UINT32_MAX)
		return where_fail(at, -EINVAL, "has no \"class\"");
	return 0;
}

/* --- BARs ----------------------------------------------------------------- */

static const struct {
	const char *name;
	enum pci_bar_kind kind;
	uint64_t min, max;
} bar_types[] = {
	{ "io", PCI_BAR_IO, 4, 0x10000 },
	{ "mem32", PCI_BAR_MEM32, 16, 1ull << 31 },
	{ "mem64", PCI_BAR_MEM64, 16, 1ull << 40 },
	{ "rom", PCI_BAR_ROM, 2048, 16ull << 20 },
};

static int read_bar_type(const struct where *at, struct fab_bar *bar)
{
	const char *type = NULL;
	struct where m;

	TRY(where_string(at, "type", &type));
	TRY(where_size(at, "size", &bar->size));
	TRY(where_bool(at, "prefetch", &bar->prefetch));
	if (!type || !bar->size)
		return where_fail(at, -EINVAL, "needs \"type\" and \"size\"");
	for (unsigned int i = 0; i < ARRAY_SIZE(bar_types); i++) {
		if (strcmp(type, bar_types[i].name))
			continue;
		bar->kind = bar_types[i].kind;
		where_member(at, "size", &m);
		if (bar->size < bar_types[i].min ||
		    bar->size > bar_types[i].max)
			return where_fail(&m, -EINVAL,
					  "no such size for type \"%s\"", type);
		return 0;
	}
	where_member(at, "type", &m);
	return where_fail(&m, -EINVAL, "there is no type \"%s\"", type);
}

static int read_bar(const struct where *at, unsigned int count,
		    struct fab_bar *bars, bool rom)
{
	struct fab_bar bar = { 0 };
	uint64_t i = UINT64_MAX;

	TRY(where_object(at, "bar type size prefetch"));
	TRY(read_bar_type(at, &bar));
	TRY(where_number(at, "bar", 0, count - 1, &i));
	if (bar.kind == PCI_BAR_ROM && rom)
		i = PCI_BAR_FIRST_ROM;
	else if (bar.kind == PCI_BAR_ROM || i == UINT64_MAX)
		return where_fail(at, -EINVAL, "needs \"bar\"");
	if (bars[i].size || (i && i < 6 && bars[i - 1].kind == PCI_BAR_MEM64))
		return where_fail(at, -EINVAL, "is there twice");
	if (bar.kind == PCI_BAR_MEM64 && (i + 1 >= count || bars[i + 1].size))
		return where_fail(at, -EINVAL,
				  "has no room for its upper half");
	bars[i] = bar;
	return 0;
}

static int read_bars(const struct where *at, const char *key,
		     unsigned int count, struct fab_bar *bars, bool rom)
{
	struct where m, e;
	size_t n;

	if (!where_member(at, key, &m))
		return 0;
	TRY(where_array(&m, 0, count + rom, &n));
	for (size_t i = 0; i < n; i++) {
		e = where_element(&m, i);
		TRY(read_bar(&e, count, bars, rom));
	}
	return 0;
}

static int read_rebar_one(const struct where *at, struct fab_desc *d)
{
	uint64_t bar = 6, size;
	struct where m, e;
	size_t n;

	TRY(where_object(at, "bar sizes"));
	TRY(where_number(at, "bar", 0, 5, &bar));
	if (bar > 5 || !where_member(at, "sizes", &m))
		return where_fail(at, -EINVAL, "needs \"bar\" and \"sizes\"");
	TRY(where_array(&m, 1, 28, &n));
	if (d->bar[bar].kind != PCI_BAR_MEM32 &&
	    d->bar[bar].kind != PCI_BAR_MEM64)
		return where_fail(at, -EINVAL, "names no memory BAR");
	for (size_t i = 0; i < n; i++) {
		e = where_element(&m, i);
		TRY(where_this_size(&e, &size));
		if (size < 1 << 20 || size > 1ull << 47 ||
		    (d->bar[bar].kind == PCI_BAR_MEM32 && size > 1u << 31))
			return where_fail(&e, -EINVAL, "no such size");
		/* size is a power of two: its MiB are the bit */
		d->rebar_sizes[bar] |= (uint32_t)(size >> 20);
	}
	if (!(d->bar[bar].size >> 20) ||
	    !(d->rebar_sizes[bar] & d->bar[bar].size >> 20))
		return where_fail(&m, -EINVAL, "lacks the BAR's own size");
	return 0;
}

static int read_rebar(const struct where *at, struct fab_desc *d)
{
	struct where m, e;
	size_t n;

	if (!where_member(at, "rebar", &m))
		return 0;
	TRY(where_array(&m, 1, 6, &n));
	for (size_t i = 0; i < n; i++) {
		e = where_element(&m, i);
		TRY(read_rebar_one(&e, d));
	}
	return 0;
}

/* --- MSI and MSI-X -------------------------------------------------------- */

static int read_msi(const struct where *at, struct fab_desc *d)
{
	struct where m;

	d->msi_64bit = true;
	if (!where_member(at, "msi", &m))
		return 0;
	TRY(where_object(&m, "vectors 64bit mask"));
	d->msi = 1;
	TRY(NUMBER(&m, "vectors", 1, PCI_MSI_MAX_VECTORS, &d->msi));
	TRY(where_bool(&m, "64bit", &d->msi_64bit));
	TRY(where_bool(&m, "mask", &d->msi_mask));
	if (d->msi & (d->msi - 1))
		return where_fail(&m, -EINVAL,
				  "\"vectors\" is not a power of two");
	return 0;
}

static bool fits(const struct fab_bar *bar, uint32_t offset, uint32_t size)
{
	return (bar->kind == PCI_BAR_MEM32 || bar->kind == PCI_BAR_MEM64) &&
	       offset <= bar->size && size <= bar->size - offset;
}

static int read_msix(const struct where *at, const struct fab_bar *bars,
		     struct fab_msix_desc *d)
{
	uint32_t table, pba;
	struct where m;

	if (!where_member(at, "msix", &m))
		return 0;
	TRY(where_object(&m, "entries bar table pba_bar pba"));
	d->entries = 1;
	TRY(NUMBER(&m, "entries", 1, PCI_MSIX_MAX_ENTRIES, &d->entries));
	TRY(NUMBER(&m, "bar", 0, 5, &d->bar));
	TRY(NUMBER(&m, "table", 0, INT32_MAX, &d->table));
	d->pba_bar = d->bar;
	TRY(NUMBER(&m, "pba_bar", 0, 5, &d->pba_bar));
	table = d->entries * (uint32_t)PCI_MSIX_ENTRY_SIZE;
	pba = (d->entries + 63u) / 64u * 8;
	d->pba = d->table + table;
	TRY(NUMBER(&m, "pba", 0, INT32_MAX, &d->pba));
	if ((d->table | d->pba) & 7)
		return where_fail(&m, -EINVAL, "offsets are multiples of 8");
	if (!fits(&bars[d->bar], d->table, table) ||
	    !fits(&bars[d->pba_bar], d->pba, pba))
		return where_fail(&m, -EINVAL,
				  "does not fit into its memory BAR");
	if (d->bar == d->pba_bar && d->table < d->pba + pba &&
	    d->pba < d->table + table)
		return where_fail(&m, -EINVAL, "table and PBA overlap");
	return 0;
}

/* --- the other capabilities ----------------------------------------------- */

static int read_sriov(const struct where *at, struct fab_desc *d)
{
	struct where m;

	if (!where_member(at, "sriov", &m))
		return 0;
	TRY(where_object(&m, "total device offset stride enabled bars msix"));
	if (d->kind != FAB_ENDPOINT && d->kind != FAB_RC_ENDPOINT)
		return where_fail(&m, -EINVAL,
				  "only for endpoints of PCI Express");
	d->vf_total = 1;
	d->vf_offset = d->vf_stride = 1;
	d->vf_device = d->device;
	TRY(NUMBER(&m, "total", 1, 0x1000, &d->vf_total));
	TRY(NUMBER(&m, "device", 0, 0xffff, &d->vf_device));
	TRY(NUMBER(&m, "offset", 1, 0xffff, &d->vf_offset));
	TRY(NUMBER(&m, "stride", 1, 0xffff, &d->vf_stride));
	TRY(NUMBER(&m, "enabled", 0, d->vf_total, &d->vf_enabled));
	TRY(read_bars(&m, "bars", 6, d->vf_bar, false));
	for (unsigned int i = 0; i < 6; i++)
		if (d->vf_bar[i].size && (d->vf_bar[i].kind == PCI_BAR_IO ||
					  d->vf_bar[i].size < 4096))
			return where_fail(&m, -EINVAL,
					  "a VF BAR is memory of 4K or more");
	return read_msix(&m, d->vf_bar, &d->vf_msix);
}

static int read_slot(const struct where *at, struct fab_desc *d)
{
	struct where m;

	if (!where_member(at, "slot", &m))
		return 0;
	TRY(where_object(&m, "number hotplug"));
	if (!fab_is_port(d->kind))
		return where_fail(&m, -EINVAL, "only a port has a slot below");
	d->slot = true;
	TRY(NUMBER(&m, "number", 0, 0x1fff, &d->slot_number));
	return where_bool(&m, "hotplug", &d->hotplug);
}

static int read_serial(const struct where *at, struct fab_desc *d)
{
	struct where m;
	uint8_t byte[8];
	size_t len = 0;

	if (!where_member(at, "serial", &m))
		return 0;
	TRY(where_bytes(at, "serial", byte, sizeof(byte), &len));
	if (len != sizeof(byte))
		return where_fail(&m, -EINVAL, "must have 8 bytes");
	d->has_serial = true;
	for (size_t i = 0; i < len; i++)
		d->serial = d->serial << 8 | byte[i];
	return 0;
}

static int read_vendor(const struct where *at, struct fab_desc *d)
{
	struct where m;
	size_t len = 0;

	if (!where_member(at, "vendor", &m))
		return 0;
	TRY(where_object(&m, "data writable"));
	TRY(where_bytes(&m, "data", d->vndr, sizeof(d->vndr), &len));
	d->has_vendor = true;
	d->vndr_len = (uint8_t)len;
	return where_bool(&m, "writable", &d->vndr_writable);
}

/* One name and an empty read-only part, PCI 3.0 appendix I. */
static int read_vpd(const struct where *at, struct fab_desc *d)
{
	const char *text = NULL;
	uint8_t *p = d->vpd, sum = 0;
	struct where m;
	size_t len;

	TRY(where_string(at, "vpd", &text));
	if (!text)
		return 0;
	where_member(at, "vpd", &m);
	len = strlen(text);
	if (len > sizeof(d->vpd) - 16)
		return where_fail(&m, -EINVAL, "is too long");
	d->has_vpd = true;
	*p++ = 0x82; /* identifier string */
	*p++ = (uint8_t)len;
	*p++ = (uint8_t)(len >> 8);
	memcpy(p, text, len);
	p += len;
	memcpy(p, "\x90\x04\x00RV\x01", 6); /* read-only, its checksum */
	p += 6;
	for (const uint8_t *q = d->vpd; q < p; q++)
		sum += *q;
	*p++ = (uint8_t)-sum;
	*p++ = 0x78; /* end */
	d->vpd_len = (uint16_t)(p - d->vpd);
	return 0;
}

static int read_poke(const struct where *at, unsigned int size,
		     struct fab_poke *poke)
{
	TRY(where_object(at, "reg size value writable"));
	poke->size = 1;
	TRY(NUMBER(at, "reg", 0, size - 1, &poke->reg));
	TRY(NUMBER(at, "size", 1, 4, &poke->size));
	TRY(NUMBER(at, "value", 0, UINT32_MAX, &poke->value));
	TRY(NUMBER(at, "writable", 0, UINT32_MAX, &poke->writable));
	if (poke->size == 3 || poke->reg & (poke->size - 1))
		return where_fail(at, -EINVAL,
				  "must be 1, 2 or 4 bytes, aligned");
	return 0;
}

static int read_pokes(const struct where *at, struct fab_desc *d)
{
	unsigned int size = fab_is_express(d->kind) ? PCI_CFG_SPACE_EXP_SIZE
						    : PCI_CFG_SPACE_SIZE;
	struct where m, e;
	size_t n;

	if (!where_member(at, "poke", &m))
		return 0;
	TRY(where_array(&m, 0, FAB_MAX_POKES, &n));
	for (size_t i = 0; i < n; i++) {
		e = where_element(&m, i);
		TRY(read_poke(&e, size, &d->poke[i]));
	}
	d->npokes = (unsigned int)n;
	return 0;
}

/* --- DMA ------------------------------------------------------------------ */

static int read_region(const struct where *at, struct iommu_region *region)
{
	const char *kind = NULL;

	TRY(where_object(at, "start size kind"));
	TRY(where_number(at, "start", 0, UINT64_MAX, &region->start));
	TRY(where_size(at, "size", &region->size));
	TRY(where_string(at, "kind", &kind));
	if (!kind || (strcmp(kind, "reserved") && strcmp(kind, "direct")))
		return where_fail(at, -EINVAL,
				  "\"kind\" is \"reserved\" or \"direct\"");
	region->kind = kind[0] == 'd' ? IOMMU_REGION_DIRECT
				      : IOMMU_REGION_RESERVED;
	if (region->size < FABRIC_PAGE || region->start & (FABRIC_PAGE - 1) ||
	    region->start + (region->size - 1) < region->start)
		return where_fail(at, -EINVAL, "is not whole pages");
	return 0;
}

static int read_reserved(const struct where *at, struct fab_desc *d)
{
	struct where m, e;
	size_t n;

	if (!where_member(at, "reserved", &m))
		return 0;
	TRY(where_array(&m, 0, FAB_MAX_RESERVED, &n));
	for (size_t i = 0; i < n; i++) {
		e = where_element(&m, i);
		TRY(read_region(&e, &d->reserved[i]));
	}
	d->nreserved = (unsigned int)n;
	return 0;
}

static int read_seen_as(const struct where *at, struct fab_desc *d)
{
	unsigned int dev, func;
	const char *text = NULL;
	struct where m;

	d->seen_as = -1;
	TRY(where_string(at, "seen_as", &text));
	if (!text)
		return 0;
	where_member(at, "seen_as", &m);
	TRY(where_devfn(&m, &dev, &func));
	d->seen_as = PCI_DEVFN(dev, func);
	return 0;
}

static int read_tester(const struct where *at, struct fab_desc *d)
{
	const struct fab_bar *bar = &d->bar[0];
	struct where m;

	TRY(where_bool(at, "tester", &d->tester));
	if (!d->tester)
		return 0;
	where_member(at, "tester", &m);
	if (fab_is_bridge(d->kind) || bar->size < FABRIC_PAGE ||
	    bar->kind == PCI_BAR_IO)
		return where_fail(&m, -EINVAL,
				  "wants BAR 0 in memory, of 4K or more");
	return 0;
}

static int read_express_only(const struct where *at, struct fab_desc *d)
{
	static const char *const keys[] = { "flr", "phantom", "aer",   "acs",
					    "ats", "serial",  "sriov", "rebar" };
	struct where m;

	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
		if (!fab_is_express(d->kind) && where_member(at, keys[i], &m))
			return where_fail(&m, -EINVAL,
					  "not on conventional PCI");
	TRY(where_bool(at, "flr", &d->flr));
	TRY(NUMBER(at, "phantom", 0, 3, &d->phantom));
	TRY(where_bool(at, "aer", &d->aer));
	TRY(where_bool(at, "acs", &d->acs));
	TRY(NUMBER(at, "ats", 1, PCI_ATS_MAX_QDEP, &d->ats_queue));
	d->ats = d->ats_queue;
	TRY(read_serial(at, d));
	TRY(read_sriov(at, d));
	return read_rebar(at, d);
}

int fab_describe(const struct where *at, struct fab_desc *d)
{
	unsigned int bars;

	*d = (struct fab_desc){ 0 };
	TRY(where_object(at, MEMBERS));
	TRY(read_kind(at, &d->kind));
	TRY(read_identity(at, d));
	bars = fab_is_bridge(d->kind) ? 2 : 6;
	d->pm = fab_is_express(d->kind);
	TRY(read_bars(at, "bars", bars, d->bar, true));
	TRY(where_bool(at, "pm", &d->pm));
	TRY(where_bool(at, "no_soft_reset", &d->no_soft_reset));
	TRY(where_bool(at, "af", &d->af));
	TRY(read_msi(at, d));
	TRY(read_msix(at, d->bar, &d->msix));
	TRY(read_vpd(at, d));
	TRY(read_vendor(at, d));
	TRY(read_slot(at, d));
	TRY(read_tester(at, d));
	TRY(read_reserved(at, d));
	TRY(read_seen_as(at, d));
	TRY(read_express_only(at, d));
	return read_pokes(at, d);
}
