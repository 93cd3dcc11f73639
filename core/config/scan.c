/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding everything that is there, or everything below one address.
 *
 * A scan has a set of buses to visit and visits them in ascending order, each
 * once. Bridges add the bus below them, which is always a higher one
 * (describe.c believes no other), so that there is no recursion and the walk
 * ends whatever the bridges say. VFs are added right after their PF.
 */
#include "config/internal.h"

struct walk {
	uint16_t seg;
	struct pci_host *host;
	struct pci_scan *scan;
	uint32_t buses[256 / 32]; /* a bit for each to visit */
	bool gap; /* a root bus above this one may be behind what failed */
};

static void visit_later(struct walk *w, unsigned int bus)
{
	w->buses[bus / 32] |= 1u << bus % 32;
}

static bool wanted(const struct walk *w, unsigned int bus)
{
	return w->buses[bus / 32] & 1u << bus % 32;
}

/* --- one function --------------------------------------------------------- */

/*
 * It may be a bridge. Below one that is known, the registry holds back what is
 * behind it (core/device/bus.c).
 */
static void leave_gap(struct walk *w, pci_sbdf_t sbdf, int err)
{
	struct pci_dev *pf = vf_find_pf(sbdf); /* a VF is no bridge */
	struct pci_dev_info info;
	char name[PCI_SBDF_LEN];

	pcidev_put(pf);
	if (w->gap || pf || !pci_query(sbdf, &info) ||
	    !pci_bus_is_root(pci_segment_find(w->seg), sbdf.bus))
		return;
	w->gap = true;
	plat_log(PLAT_WARN,
		 "%s: not added, error %d: not looking for root buses above",
		 pci_sbdf_print(name, sbdf), err);
}

static void add_one(struct walk *w, pci_sbdf_t sbdf, struct pci_dev *pf,
		    bool search)
{
	bool added;
	int err = probe_add(sbdf, pf, search, &added);

	if (err == -ENODEV)
		return;
	w->scan->found++;
	w->scan->added += added;
	if (!err)
		return;
	leave_gap(w, sbdf, err);
	w->scan->failed++;
	if (!w->scan->error) {
		w->scan->error = err;
		w->scan->where = sbdf;
	}
}

static void add_vfs(struct walk *w, pci_sbdf_t sbdf)
{
	struct pci_dev *pf;
	struct vf_set set;
	struct conf c;
	unsigned int n;

	if (pci_lookup(NULL, sbdf, &pf))
		return;
	conf_of(&c, pf);
	vf_read(&c, pf->desc.sriov, &set);
	for (n = 0; n < vf_count(&set); n++)
		add_one(w, vf_address(&set, n), pf, false);
	pcidev_put(pf);
}

/*
 * A function, its VFs, and the bus below it noted. True if it is there and
 * says that it is one of several.
 */
static bool scan_function(struct walk *w, pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	/* A VF came with its PF, and only that knows whether it is there. */
	if (!pci_query(sbdf, &info) && info.desc.is_vf)
		return false;
	add_one(w, sbdf, NULL, w->host->ops->next);
	if (pci_query(sbdf, &info))
		return false;
	if (info.desc.secondary)
		visit_later(w, info.desc.secondary);
	if (info.desc.sriov)
		add_vfs(w, sbdf);
	return info.desc.multifunction;
}

/* --- addresses of one bus ------------------------------------------------- */

/* Those that the host knows, from @first to @last. */
static void scan_known(struct walk *w, uint8_t bus, uint8_t first, uint8_t last)
{
	pci_sbdf_t at = { .devfn = first, .bus = bus, .seg = w->seg };
	unsigned int devfn = first;

	while (!w->host->ops->next(w->host, &at) && at.seg == w->seg &&
	       at.bus == bus && at.devfn >= devfn && at.devfn <= last) {
		scan_function(w, at);
		devfn = at.devfn + 1u;
		if (devfn > last)
			break;
		at = (pci_sbdf_t){ .devfn = (uint8_t)devfn,
				   .bus = bus,
				   .seg = w->seg };
	}
}

/* All there can be in a slot: functions above 0 only if 0 says so. */
static void try_slot(struct walk *w, uint8_t bus, uint8_t dev)
{
	unsigned int fn;

	if (!scan_function(w, pci_sbdf(w->seg, bus, dev, 0)))
		return;
	for (fn = 1; fn < 8; fn++)
		scan_function(w, pci_sbdf(w->seg, bus, dev, (uint8_t)fn));
}

/*
 * A link leads to one device: it may answer for all device numbers (PCIe 6.0
 * §7.3.1), and with alternative routing IDs they are all its functions.
 */
static bool below_a_link(const struct walk *w, uint8_t bus)
{
	struct pci_dev_info info;
	pci_sbdf_t bridge;

	return !pci_bus_bridge(w->seg, bus, &bridge) &&
	       !pci_query(bridge, &info) &&
	       (info.desc.type == PCI_TYPE_ROOT_PORT ||
		info.desc.type == PCI_TYPE_SWITCH_DOWNSTREAM);
}

static void scan_bus(struct walk *w, uint8_t bus)
{
	unsigned int dev, devs = below_a_link(w, bus) ? 1 : 32;

	if (w->host->ops->next) {
		scan_known(w, bus, 0, 0xff);
		return;
	}
	for (dev = 0; dev < devs; dev++)
		try_slot(w, bus, (uint8_t)dev);
}

/* --- the whole ------------------------------------------------------------ */

static int begin(struct walk *w, uint16_t seg, struct pci_scan *scan)
{
	*scan = (struct pci_scan){ 0 };
	*w = (struct walk){ .seg = seg,
			    .host = pci_segment_host(seg),
			    .scan = scan };
	return w->host ? 0 : -ENODEV;
}

static void scan_buses(struct walk *w)
{
	pci_sbdf_t bridge;
	unsigned int bus;

	for (bus = 0; bus < 256; bus++)
		if (wanted(w, bus) &&
		    (!w->gap || !pci_bus_bridge(w->seg, (uint8_t)bus, &bridge)))
			scan_bus(w, (uint8_t)bus);
}

int pci_scan_segment(uint16_t seg, struct pci_scan *scan)
{
	unsigned int bus;
	struct walk w;
	int err = begin(&w, seg, scan);

	if (err)
		return err;
	visit_later(&w, 0);
	/* A host that knows what it has also has root buses other than 0. */
	for (bus = 1; w.host->ops->next && bus < 256; bus++)
		visit_later(&w, bus);
	scan_buses(&w);
	return 0;
}

int pci_scan_slot(pci_sbdf_t sbdf, struct pci_scan *scan)
{
	uint8_t first = PCI_DEVFN(PCI_DEV(sbdf), 0), last = first | 7;
	struct walk w;
	int err = begin(&w, sbdf.seg, scan);

	if (err)
		return err;
	if (!w.host->ops->next)
		try_slot(&w, sbdf.bus, PCI_DEV(sbdf));
	else if (below_a_link(&w, sbdf.bus))
		scan_known(&w, sbdf.bus, 0, 0xff);
	else
		scan_known(&w, sbdf.bus, first, last);
	scan_buses(&w);
	return 0;
}
