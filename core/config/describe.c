/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a function says of itself, read once and believed from then on.
 *
 * Everything here only reads, so that a device in use can be compared with
 * what was registered; BARs, whose sizes cost writes, come last and only for a
 * function that nobody uses yet. What cannot be true is no error but a defect:
 * the device is registered, marked broken, and the text says why.
 */
#include "config/internal.h"

enum {
	READY_TIME_MS = 1000, /* PCIe 6.0 §6.6.1: at the latest after a reset */
	READY_PAUSE_MS = 50,  /* longest time between two looks */
};

/* One description under way: capabilities that desc has no place for. */
struct reading {
	struct conf *c;
	struct pci_dev_desc *desc;
	uint16_t ssvid, dsn;
};

/* --- capabilities: where they are ----------------------------------------- */

#define EXT(id) (0x10000 | (id))

/* Where to remember @cap, and the least that must be there of it; or NULL. */
static uint16_t *place_of(struct reading *r, const struct pci_cap *cap,
			  unsigned int *len)
{
	struct pci_dev_desc *desc = r->desc;

	switch (cap->extended ? EXT(cap->id) : cap->id) {
	case PCI_CAP_ID_PM:
		*len = PCI_PM_SIZEOF;
		return &desc->pm;
	case PCI_CAP_ID_EXP:
		*len = PCI_CAP_EXP_ENDPOINT_SIZEOF_V1;
		return &desc->pcie;
	case PCI_CAP_ID_MSI:
		*len = PCI_MSI_DATA_32 + 2;
		return &desc->msi;
	case PCI_CAP_ID_MSIX:
		*len = PCI_CAP_MSIX_SIZEOF;
		return &desc->msix;
	case PCI_CAP_ID_AF:
		*len = PCI_CAP_AF_SIZEOF;
		return &desc->af;
	case PCI_CAP_ID_SSVID:
		*len = PCI_SSVID_SIZEOF;
		return &r->ssvid;
	case EXT(PCI_EXT_CAP_ID_ATS):
		*len = PCI_EXT_CAP_ATS_SIZEOF;
		return &desc->ats;
	case EXT(PCI_EXT_CAP_ID_SRIOV):
		*len = PCI_EXT_CAP_SRIOV_SIZEOF;
		return &desc->sriov;
	case EXT(PCI_EXT_CAP_ID_ACS):
		*len = PCI_ACS_EGRESS_CTL_V;
		return &desc->acs;
	case EXT(PCI_EXT_CAP_ID_DSN):
		*len = PCI_EXT_CAP_DSN_SIZEOF;
		return &r->dsn;
	default:
		return NULL;
	}
}

/* The first of each kind counts. */
static void latch(struct reading *r, const struct pci_cap *cap)
{
	uint16_t end = cap->extended ? PCI_CFG_SPACE_EXP_SIZE
				     : PCI_CFG_SPACE_SIZE;
	unsigned int len;
	uint16_t *place = place_of(r, cap, &len);

	if (!place || *place)
		return;
	if (cap->pos + len > end)
		desc_defect(r->desc, "a capability ends outside its space");
	else
		*place = cap->pos;
}

static void read_caps(struct reading *r)
{
	struct cap_iter it;
	struct pci_cap cap;
	int ret;

	cap_begin(&it, r->c, r->desc->cfg_size);
	while ((ret = cap_next(&it, &cap))) {
		if (ret > 0) {
			latch(r, &cap);
			continue;
		}
		desc_defect(r->desc,
			    it.extended
				    ? "the extended capability list is broken"
				    : "the capability list is broken");
	}
}

/* --- capabilities: what they say ------------------------------------------ */

static void read_interrupts(struct conf *c, struct pci_dev_desc *desc)
{
	uint16_t flags;
	unsigned int end;

	if (desc->msi) {
		flags = conf_read(c, desc->msi + PCI_MSI_FLAGS, 2);
		desc->msi_vectors =
			(uint16_t)(1u << ((flags & PCI_MSI_FLAGS_QMASK) >>
					  PCI_MSI_FLAGS_QMASK_SHIFT));
		end = flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_DATA_64 + 2
						  : PCI_MSI_DATA_32 + 2;
		if (flags & PCI_MSI_FLAGS_MASKBIT)
			end = flags & PCI_MSI_FLAGS_64BIT
				      ? PCI_MSI_PENDING_64 + 4
				      : PCI_MSI_PENDING_32 + 4;
		if (desc->msi_vectors > PCI_MSI_MAX_VECTORS ||
		    desc->msi + end > PCI_CFG_SPACE_SIZE) {
			desc_defect(desc, "its MSI capability makes no sense");
			desc->msi = 0;
			desc->msi_vectors = 0;
		}
	}
	if (desc->msix) {
		flags = conf_read(c, desc->msix + PCI_MSIX_FLAGS, 2);
		desc->msix_entries = (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
	}
}

static void read_sriov(struct conf *c, struct pci_dev_desc *desc)
{
	struct vf_set set;

	if (!desc->sriov)
		return;
	if (desc->is_vf || desc->hdr_type != PCI_HEADER_TYPE_NORMAL) {
		desc_defect(desc, "SR-IOV in a function that can have no VFs");
		desc->sriov = 0;
		return;
	}
	vf_read(c, desc->sriov, &set);
	desc->vf_total = set.total;
	desc->vf_num = set.enabled ? set.num : 0;
	desc->vf_offset = set.offset;
	desc->vf_stride = set.stride;
	desc->vf_device = set.device;
	if (vf_defect(&set))
		desc_defect(desc, vf_defect(&set));
}

static void read_express(struct conf *c, struct pci_dev_desc *desc)
{
	uint16_t flags = 0;

	if (desc->pcie)
		flags = conf_read(c, desc->pcie + PCI_EXP_FLAGS, 2);
	desc->type = desc_type(desc, flags);
	desc->has_slot = flags & PCI_EXP_FLAGS_SLOT &&
			 (desc->type == PCI_TYPE_ROOT_PORT ||
			  desc->type == PCI_TYPE_SWITCH_DOWNSTREAM);
}

/* --- the header ----------------------------------------------------------- */

static void read_header(struct conf *c, struct pci_dev_desc *desc)
{
	uint8_t type = conf_read(c, PCI_HEADER_TYPE, 1);

	desc->hdr_type = type & PCI_HEADER_TYPE_MASK;
	desc->multifunction = type & PCI_HEADER_TYPE_MFD;
	desc->ident.class_rev = conf_read(c, PCI_CLASS_REVISION, 4);
	if (desc->hdr_type > PCI_HEADER_TYPE_CARDBUS) {
		desc_defect(desc, "its header type is unknown");
		desc->buses_unknown = true;
	}
}

/*
 * Buses below it. Believed only if they lead downwards and nowhere else: so a
 * walk along bridges ends, and each bus has one bridge. Of what is not believed
 * it is not known which they are.
 */
static void read_bridge(struct conf *c, struct pci_dev_desc *desc)
{
	uint32_t buses = conf_read(c, PCI_PRIMARY_BUS, 4);
	uint8_t secondary = (uint8_t)(buses >> 8);
	uint8_t subordinate = (uint8_t)(buses >> 16);
	pci_sbdf_t other;

	if ((desc->hdr_type != PCI_HEADER_TYPE_BRIDGE &&
	     desc->hdr_type != PCI_HEADER_TYPE_CARDBUS) ||
	    !secondary)
		return;
	desc->buses_unknown = true;
	if (buses == UINT32_MAX)
		desc_defect(desc, "its bus numbers read all-ones");
	else if (secondary <= desc->sbdf.bus)
		desc_defect(desc, "its secondary bus is not below its own");
	else if (subordinate < secondary)
		desc_defect(desc, "its last bus is below its first");
	else if (!pci_bus_bridge(desc->sbdf.seg, secondary, &other) &&
		 other.sbdf != desc->sbdf.sbdf)
		desc_defect(desc, "another bridge leads to its bus");
	else {
		desc->secondary = secondary;
		desc->subordinate = subordinate;
		desc->buses_unknown = false;
	}
}

static void read_subsystem(struct reading *r)
{
	struct pci_ident *ident = &r->desc->ident;
	uint16_t at = 0;

	switch (r->desc->hdr_type) {
	case PCI_HEADER_TYPE_NORMAL:
		at = PCI_SUBSYSTEM_VENDOR_ID;
		break;
	case PCI_HEADER_TYPE_BRIDGE:
		if (r->ssvid)
			at = r->ssvid + PCI_SSVID_VENDOR_ID;
		break;
	case PCI_HEADER_TYPE_CARDBUS:
		if (r->desc->cfg_size >= PCI_CFG_SPACE_SIZE)
			at = PCI_CB_SUBSYSTEM_VENDOR_ID;
		break;
	}
	if (!at)
		return;
	ident->subdevice = conf_read(r->c, at + 2, 2);
	if (!r->desc->is_vf)
		ident->subvendor = conf_read(r->c, at, 2);
}

static void read_serial(struct reading *r)
{
	if (!r->dsn || r->desc->is_vf)
		return;
	r->desc->ident.serial =
		(uint64_t)conf_read(r->c, r->dsn + PCI_DSN_UPPER, 4) << 32 |
		conf_read(r->c, r->dsn + PCI_DSN_LOWER, 4);
}

/* --- the whole ------------------------------------------------------------ */

/* Who is there: the IDs, of a VF from its PF. */
static int read_ids(struct conf *c, struct pci_dev *pf,
		    struct pci_dev_desc *desc)
{
	uint32_t id = conf_read(c, PCI_VENDOR_ID, 4);

	if (c->err)
		return c->err;
	desc->ident.vendor = (uint16_t)id;
	desc->ident.device = (uint16_t)(id >> 16);
	switch (desc->ident.vendor) {
	case 0: /* some boards answer so where nobody is */
		return -ENODEV;
	case PCI_VENDOR_ID_NONE:
		return pf ? vf_describe(c, pf, desc) : -ENODEV;
	case PCI_VENDOR_ID_RETRY:
		return -EAGAIN;
	default:
		return 0;
	}
}

int conf_describe(struct conf *c, struct pci_dev *pf, struct pci_dev_desc *desc)
{
	struct reading r = { .c = c, .desc = desc };
	int err;

	*desc = (struct pci_dev_desc){ .sbdf = c->sbdf, .parent = c->sbdf };
	if (pci_bus_bridge(c->sbdf.seg, c->sbdf.bus, &desc->parent))
		desc->parent = c->sbdf;
	err = read_ids(c, pf, desc);
	if (err)
		return err;
	desc->cfg_size = conf_size(c);
	desc->caps_unknown = desc->cfg_size < PCI_CFG_SPACE_SIZE;
	read_header(c, desc);
	read_caps(&r);
	read_subsystem(&r);
	read_serial(&r);
	read_interrupts(c, desc);
	read_sriov(c, desc);
	read_express(c, desc);
	read_bridge(c, desc);
	/* Pulled while we read: then none of this is true. */
	if (!c->err && conf_absent(c))
		return c->err ? c->err : -ENODEV;
	return c->err;
}

/* Wait, a second at most, while it answers with retry status. */
static void wait_ready(struct conf *c)
{
	uint64_t now = plat_now(), pause = PLAT_NSEC_PER_MSEC;
	uint64_t deadline = now + READY_TIME_MS * PLAT_NSEC_PER_MSEC;
	plat_event_t never;

	plat_event_init(&never);
	while (conf_read(c, PCI_VENDOR_ID, 2) == PCI_VENDOR_ID_RETRY &&
	       now < deadline) {
		uint64_t until = now + pause;

		plat_event_wait(&never, until < deadline ? until : deadline);
		now = plat_now();
		pause *= 2;
		if (pause > READY_PAUSE_MS * PLAT_NSEC_PER_MSEC)
			pause = READY_PAUSE_MS * PLAT_NSEC_PER_MSEC;
	}
	plat_event_destroy(&never);
}

/* Whose place is not known is not touched any more than that. */
static bool is_misplaced(const struct pci_dev_desc *desc)
{
	return desc->parent.sbdf == desc->sbdf.sbdf &&
	       !pci_bus_is_root(pci_segment_find(desc->sbdf.seg),
				desc->sbdf.bus);
}

/* What touches more than this function's read side. */
static void finish(struct conf *c, struct pci_dev_desc *desc)
{
	uint32_t devcap = 0;

	if (desc->pcie)
		devcap = conf_read(c, desc->pcie + PCI_EXP_DEVCAP, 4);
	desc->phantom_stride = desc_phantom_stride(desc, devcap);
	conf_bars(c, desc);
}

int conf_describe_new(pci_sbdf_t sbdf, struct pci_dev *pf, bool search,
		      struct pci_dev_desc *desc)
{
	struct pci_dev *found = NULL;
	struct conf c;
	int err;

	err = conf_raw(&c, sbdf);
	if (err)
		return err;
	wait_ready(&c);
	err = conf_describe(&c, pf, desc);
	if (err == -ENODEV && !pf && search) {
		found = vf_find_pf(sbdf);
		if (found)
			err = conf_describe(&c, found, desc);
	}
	if (!err && is_misplaced(desc))
		err = -ENXIO;
	if (!err) {
		finish(&c, desc);
		err = c.err;
	}
	pcidev_put(found);
	return err;
}

int pci_describe(pci_sbdf_t sbdf, struct pci_dev_desc *desc)
{
	return conf_describe_new(sbdf, NULL, true, desc);
}
