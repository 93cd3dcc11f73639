/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The preset "scale=N": exactly N functions, all alike, in as few segments as
 * will do. A segment has a host bridge and, on the other 255 addresses of bus
 * 0, bridges to conventional PCI with 256 functions below each: 65,536.
 */
#include <stdio.h>

#include "describe.h"

#define PER_SEGMENT 65536ull
#define MAX_SEGMENTS 16

static const struct fab_desc host_bridge = {
	.kind = FAB_HOST_BRIDGE,
	.vendor = 0x8086,
	.device = 0x2020,
	.class_code = PCI_CLASS_BRIDGE_HOST << 8,
	.multifunction = true,
	.seen_as = -1,
};

static const struct fab_desc bridge = {
	.kind = FAB_PCI_BRIDGE,
	.vendor = 0x8086,
	.device = 0x244e,
	.class_code = PCI_CLASS_BRIDGE_PCI << 8 | 1,
	.multifunction = true,
	.seen_as = -1,
};

static const struct fab_desc endpoint = {
	.kind = FAB_PCI,
	.vendor = 0x8086,
	.device = 0x100e,
	.subvendor = 0x8086,
	.subdevice = 0x001e,
	.class_code = PCI_CLASS_NETWORK_ETHERNET << 8,
	.pin = 1,
	.multifunction = true,
	.seen_as = -1,
	.pm = true,
	.msi = 1,
	.msi_64bit = true,
	.bar = { { 4096, PCI_BAR_MEM64, true } },
};

struct models {
	struct fab_model *host_bridge, *bridge, *endpoint;
};

static struct fab_fn *add(struct fab_segment *seg, struct fab_link *link,
			  struct fab_model *model, unsigned int devfn)
{
	struct fab_fn *fn = fab_fn_new(seg, model);

	if (fn)
		fab_link_push(link, fn, (uint8_t)devfn);
	return fn;
}

/* Functions @n - 1 to 0, so that each goes to the head of the list. */
static int fill(struct fab_segment *seg, struct fab_link *link,
		struct fab_model *model, uint64_t n)
{
	while (n--)
		if (!add(seg, link, model, (unsigned int)n))
			return -ENOMEM;
	return 0;
}

/* Bridge number @bus, and up to 256 functions behind it. */
static int fill_bus(struct fab_segment *seg, const struct models *m,
		    unsigned int bus, uint64_t n)
{
	struct fab_fn *fn = add(seg, seg->roots, m->bridge, bus);

	if (!fn || fab_bus_prepare(seg, (uint8_t)bus))
		return -ENOMEM;
	fab_set(fn, PCI_PRIMARY_BUS, bus << 8 | bus << 16);
	return fill(seg, fn->below, m->endpoint, n);
}

static int fill_segment(struct fab_segment *seg, const struct models *m,
			uint64_t n)
{
	unsigned int buses = (unsigned int)((n - 1 + 256) / 257);
	uint64_t last = n - 1 - (buses ? buses - 1 : 0) * 257ull;
	int rc = 0;

	seg->roots = fab_link_new(NULL);
	if (!seg->roots || fab_bus_prepare(seg, 0))
		return -ENOMEM;
	seg->roots->last = 255;
	for (unsigned int bus = buses; bus && !rc; bus--)
		rc = fill_bus(seg, m, bus, bus == buses ? last - 1 : 256);
	if (!rc && !add(seg, seg->roots, m->host_bridge, 0))
		rc = -ENOMEM;
	return rc;
}

static int compile(struct models *m)
{
	int rc = fab_model_compile(&host_bridge, &m->host_bridge);

	if (!rc)
		rc = fab_model_compile(&bridge, &m->bridge);
	if (!rc)
		rc = fab_model_compile(&endpoint, &m->endpoint);
	return rc;
}

int fab_scale(struct fabric *f, uint64_t n, char *err, size_t errlen)
{
	struct models m = { 0 };
	int rc;

	if (!n || n > MAX_SEGMENTS * PER_SEGMENT) {
		snprintf(err, errlen, "scale=N: N is 1 to %llu",
			 MAX_SEGMENTS * PER_SEGMENT);
		return -EINVAL;
	}
	rc = compile(&m);
	for (unsigned int i = 0; n && !rc; i++) {
		struct fab_segment *seg = fab_segment_new(f, (uint16_t)i);
		uint64_t part = n < PER_SEGMENT ? n : PER_SEGMENT;

		rc = seg ? fill_segment(seg, &m, part) : -ENOMEM;
		n -= part;
	}
	if (rc)
		snprintf(err, errlen, "out of memory");
	fab_model_put(m.host_bridge);
	fab_model_put(m.bridge);
	fab_model_put(m.endpoint);
	return rc;
}
