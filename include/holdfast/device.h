/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device, its references, and how it is found.
 *
 * struct pci_dev is one PCI function. Its layout is private to the core; what
 * a program may know of it comes as a copy, struct pci_dev_info.
 *
 * Three ways to a device, three rights:
 *   a read-side section  the pointer may be used until the section ends;
 *   a reference          the object stays in memory until the put;
 *   a hold (hold.h)      the device is in use and is not removed unasked.
 */
#ifndef HOLDFAST_DEVICE_H
#define HOLDFAST_DEVICE_H

#include <holdfast/host.h>

struct pci_dev;
struct domain;

/* --- what a function is, read once when it is added ---------------------- */

/* PCIe 6.0 §7.5.3.2 Device/Port Type, and what came before PCIe. */
enum pci_dev_type {
	PCI_TYPE_UNKNOWN,
	PCI_TYPE_PCI,         /* conventional endpoint */
	PCI_TYPE_ENDPOINT,    /* PCIe endpoint, legacy ones included */
	PCI_TYPE_RC_ENDPOINT, /* root-complex integrated endpoint */
	PCI_TYPE_RC_EVENT,    /* root-complex event collector */
	PCI_TYPE_ROOT_PORT,
	PCI_TYPE_SWITCH_UPSTREAM,
	PCI_TYPE_SWITCH_DOWNSTREAM,
	PCI_TYPE_PCIE_TO_PCI, /* bridge to conventional PCI */
	PCI_TYPE_PCI_TO_PCIE,
	PCI_TYPE_LEGACY_BRIDGE, /* PCI-to-PCI bridge without PCIe */
	PCI_TYPE_HOST_BRIDGE,
	PCI_TYPE_CARDBUS,
	PCI_TYPE_COUNT
};

const char *pci_dev_type_name(enum pci_dev_type type);

/*
 * "Is it the same hardware?": all fields equal, and of a bridge the buses that
 * it leads to (rule 16).
 */
struct pci_ident {
	uint16_t vendor, device; /* a VF's: the PF's vendor, the VF device ID */
	uint16_t subvendor, subdevice;
	uint32_t class_rev; /* class code << 8 | revision */
	uint64_t serial;    /* Device Serial Number, 0 without one */
};

enum pci_bar_kind {
	PCI_BAR_NONE,
	PCI_BAR_IO,
	PCI_BAR_MEM32,
	PCI_BAR_MEM64, /* the next register is its upper half, PCI_BAR_NONE */
	PCI_BAR_ROM
};

struct pci_bar {
	uint64_t addr;
	uint64_t size; /* bytes, a power of two, or 0; of a VF BAR: of one VF */
	uint8_t kind;  /* enum pci_bar_kind */
	bool prefetch;
	bool size_unknown;
};

/* Indices into pci_dev_desc.bar. */
enum { PCI_BAR_FIRST_ROM = 6, PCI_BAR_FIRST_VF = 7, PCI_BAR_COUNT = 13 };

/*
 * Everything that is read from hardware when a device is added and believed
 * from then on; struct pci_dev_facts is all of it but the BARs. A position of 0
 * means that the capability is not there.
 */
struct pci_dev_desc {
	/* clang-format off */
	hf_struct_group(pci_dev_facts, facts,
		struct pci_ident ident;
		/* Static text: added, but marked broken; or NULL. */
		const char *defect;
		pci_sbdf_t sbdf;
		/* The PF of a VF, the bridge above; or itself. */
		pci_sbdf_t parent;
		uint8_t type;     /* enum pci_dev_type */
		uint8_t hdr_type; /* without the multi-function bit */
		bool multifunction;
		bool is_vf;
		bool caps_unknown; /* only 64 bytes could be read */
		bool has_slot; /* the port below which a card can be exchanged */
		uint16_t cfg_size; /* 64, 256 or 4096 */
		uint16_t pm, pcie, msi, msix, af; /* capability positions */
		uint16_t ats, sriov, acs;         /* extended ones */
		uint16_t msi_vectors, msix_entries;
		uint16_t vf_total, vf_num, vf_offset, vf_stride; /* a PF's */
		uint16_t vf_device;
		uint8_t vf_page; /* log2 of the page its VF BARs were sized by */
		uint8_t phantom_stride; /* 0, or 1, 2, 4: functions it may also use */
		/* A bridge's buses, secondary 0: none. */
		uint8_t secondary, subordinate;
		bool buses_unknown; /* … or there may be, and nobody knows which */
	);
	/* clang-format on */
	struct pci_bar bar[PCI_BAR_COUNT];
};

/* What becomes of a guest's access: done, or to be retried by the guest. */
enum pci_verdict { PCI_DONE, PCI_AGAIN };

/* --- the registry --------------------------------------------------------- */

/* Before anything else; creates the special domains. 0 or -ENOMEM. */
int pci_init(void) hf_symbol(pci_init) __must_check;
/*
 * Frees everything. No other call may run or follow, except pci_init().
 * Devices still registered are treated as lost. May sleep.
 */
void pci_fini(void);

/*
 * Make @host answer for segment @seg. The host outlives the segment.
 * Returns 0; -EEXIST another host does; -EINVAL beyond PLAT_PCI_SEGMENTS;
 * -ENOMEM. May sleep.
 */
int pci_segment_add(uint16_t seg, struct pci_host *host) __must_check;
/* The next segment at or after @seg, or -ENOENT. */
int pci_segment_next(unsigned int seg);
struct pci_host *pci_segment_host(uint16_t seg); /* NULL: no such segment */

/*
 * Make a device known: one object with one reference, the registry's, owned
 * by the hardware domain, child of its parent. core/config fills @desc;
 * only stages touch hardware here. A parent has a lower address than its child.
 * One without a parent is on a root bus: no registered bridge leads there. If
 * one is registered later, whoever is behind it already and not below it is
 * broken for its life, whatever pcidev_mend() says: its isolation group cannot
 * be told. It is to be removed and found again. A bridge to the bus of another
 * is registered broken, with buses_unknown.
 *
 * Returns 0 and, if @out, a counted pointer (caller puts). The same hardware
 * again: 0, nothing changed (rule 16). Other hardware than is registered
 * here: the old device is lost first. -EBUSY: an operation runs on the
 * address, its old device is still being revoked, or a bridge that has children
 * leads to other buses than it did; -ENODEV: the segment,
 * or the parent, is not there; -ENXIO: a bridge leads to its bus, and it has no
 * parent; -EINVAL; -ENOMEM. May sleep.
 *
 * Until it returns it owns the device's operation (PCI_OP_ADD): who heard of the
 * device by an event, and removes or assigns it, is told -EBUSY.
 */
int pci_register_device(const struct pci_dev_desc *desc, struct pci_dev **out)
	__must_check;

/* --- references ----------------------------------------------------------- */

/*
 * Take a reference on a device found in this read-side section. False if it
 * is not live (draining, lost or gone): then @pdev is void after the section.
 * Context: inside a section; any CPU, interrupts included.
 */
bool pcidev_tryget(struct pci_dev *pdev) __must_check;

/*
 * One more reference for somebody who owns one. Cannot fail; at saturation it
 * reports once, and the object is then never freed. Any context.
 */
void pcidev_get(struct pci_dev *pdev);

/* Give a reference back. NULL is fine. Any context, any lock held. */
void pcidev_put(struct pci_dev *pdev);

/* --- finding -------------------------------------------------------------- */

/*
 * Find a device by its host address. @d: only if this domain owns it; NULL or
 * the hardware domain: whoever owns it.
 * Returns 0 and a counted pointer; -ENODEV absent (or another domain's);
 * -EBUSY there, but a removal is draining it: try again. Any context.
 */
int pci_lookup(const struct domain *d, pci_sbdf_t sbdf, struct pci_dev **out)
	__must_check;

/* The same for those to whom both mean "not now": NULL. */
struct pci_dev *pci_get_pdev(const struct domain *d, pci_sbdf_t sbdf)
	__must_check;

/*
 * The device behind a Routing ID that may be a phantom function's: @sbdf
 * itself, or the one found by clearing the function bits 4, 2 and 1 in turn
 * whose phantom stride agrees (PCIe 6.0 §2.2.6.2). Counted, or NULL.
 */
struct pci_dev *pci_get_real_pdev(pci_sbdf_t sbdf) __must_check;

/* Find a device by the address that guest @d sees it at. Counted, or NULL. */
struct pci_dev *vpci_get_pdev(struct domain *d, pci_sbdf_t vsbdf) __must_check;

/*
 * Walk a segment in SBDF order: NULL for the first device. Puts @prev, returns
 * the next one counted, or NULL. Devices may come and go meanwhile, @prev
 * too; those that refuse a reference are skipped. Who leaves the loop early
 * puts the last one. May be called without locks only.
 */
struct pci_dev *pci_next_pdev(uint16_t seg, struct pci_dev *prev) __must_check;

/* --- knowing -------------------------------------------------------------- */

/* NEW → LIVE ⇄ DRAINING → GONE; LIVE, DRAINING → LOST. */
enum pci_state {
	PCI_STATE_NEW,
	PCI_STATE_LIVE,
	PCI_STATE_DRAINING,
	PCI_STATE_GONE,
	PCI_STATE_LOST,
	PCI_STATE_COUNT
};

const char *pci_state_name(enum pci_state state);

/* What excludes each other on one device. */
enum pci_op {
	PCI_OP_NONE,
	PCI_OP_ADD, /* published, and its registration is not over */
	PCI_OP_REMOVE,
	PCI_OP_LOSS,
	PCI_OP_ASSIGN,
	PCI_OP_DEASSIGN,
	PCI_OP_RESET,
	PCI_OP_VFS, /* VFs are being enabled or disabled */
	PCI_OP_COUNT
};

const char *pci_op_name(enum pci_op op);

#define PCI_WHO_LEN 48

/* A copy, consistent in itself, of what is known of a device. */
struct pci_dev_info {
	struct pci_dev_desc desc;
	uint64_t instance; /* never used twice, from 1 */
	uint64_t added;    /* plat_now() */
	enum pci_state state;
	uint32_t refs; /* the asker's own not counted */
	unsigned int holds;
	unsigned int children;
	enum pci_op op; /* what runs on it */
	uint64_t op_since;
	char op_who[PCI_WHO_LEN]; /* for whom; or "" */
	unsigned int owner;       /* domain id */
	char owner_name[PCI_WHO_LEN];
	bool has_vsbdf;
	pci_sbdf_t vsbdf; /* where the owner sees it */
	bool lost, read_only, hidden;
	const char *broken; /* why it is not given to anybody; or NULL */
};

/*
 * What is at @sbdf, in whatever state: 0; -ENODEV. Any context without
 * pdev->lock. Takes no reference.
 */
int pci_query(pci_sbdf_t sbdf, struct pci_dev_info *info) __must_check;
/* Whose it is by now, a domain id; -ENODEV. Any context, any lock held. */
int pci_owner(pci_sbdf_t sbdf) __must_check;
/* The first device at or after *@sbdf in its segment: 0; -ENOENT. */
int pci_query_next(pci_sbdf_t sbdf, struct pci_dev_info *info) __must_check;
/* The same of a device on which the caller owns a reference. */
void pcidev_query(struct pci_dev *pdev, struct pci_dev_info *info);

/* Of a device that the caller may use; fixed for its life. */
pci_sbdf_t pcidev_sbdf(const struct pci_dev *pdev);
uint64_t pcidev_instance(const struct pci_dev *pdev);
const struct pci_dev_facts *pcidev_desc(const struct pci_dev *pdev);

enum pci_state pcidev_state(struct pci_dev *pdev); /* may change at once */

/* The device is not there any more, whatever its state says by now. */
bool pcidev_is_lost(struct pci_dev *pdev);

/*
 * Mark a device as unfit for use, with the reason (static text). It can be
 * removed, not assigned. No lock of the device held.
 */
void pcidev_set_broken(struct pci_dev *pdev, const char *why);

/*
 * An administrator's word that a broken device is fit again: what quiescing
 * switched off is restored and it goes back to the hardware domain. See
 * pci_unquarantine_device(), which looks first. 0; -EBUSY an operation runs on
 * it; -ENODEV gone; -EIO it is broken again; -EOPNOTSUPP a read-only host. May
 * sleep.
 */
int pcidev_mend(struct pci_dev *pdev);

/* Guests' and the hardware domain's writes are dropped. No lock held. */
void pcidev_set_read_only(struct pci_dev *pdev, bool on);

/*
 * The bridge whose secondary bus this is, as remembered when it was added.
 * 0 and *@bridge; -ENOENT none that is registered; -ENODEV no such segment.
 */
int pci_bus_bridge(uint16_t seg, uint8_t bus, pci_sbdf_t *bridge) __must_check;

/* --- checking ------------------------------------------------------------- */

/*
 * Check every rule that can be checked from outside: each registered device
 * on exactly one domain's list, counts against holds, parents, tables against
 * lists. Returns 0, or the number of broken rules, each logged. No operation
 * may run meanwhile.
 */
unsigned int pci_check_invariants(void);

struct pci_stats {
	uint64_t devices, domains;
	uint64_t added, removed, lost;
	uint64_t refused; /* removals that ended -EBUSY or cancelled */
	uint64_t objects; /* allocated and not yet freed, devices gone included */
	uint64_t saturated;
};

void pci_get_stats(struct pci_stats *stats);

/* --- the reference tracker (-Dref_tracker=true) ----------------------------- */

#ifdef HOLDFAST_REF_TRACKER
/* Each of these notes the calling function before it does its work. */
void pci_ref_site(const char *function);
#ifndef CORE_DEVICE_INTERNAL_H
#define PCI_REF_(call) (pci_ref_site(__func__), (call))
#define pcidev_tryget(pdev) PCI_REF_((pcidev_tryget)(pdev))
#define pcidev_get(pdev) PCI_REF_((pcidev_get)(pdev))
#define pci_lookup(d, sbdf, out) PCI_REF_((pci_lookup)(d, sbdf, out))
#define pci_get_pdev(d, sbdf) PCI_REF_((pci_get_pdev)(d, sbdf))
#define pci_get_real_pdev(sbdf) PCI_REF_((pci_get_real_pdev)(sbdf))
#define vpci_get_pdev(d, sbdf) PCI_REF_((vpci_get_pdev)(d, sbdf))
#define pci_next_pdev(seg, prev) PCI_REF_((pci_next_pdev)(seg, prev))
#endif
#endif

#endif
