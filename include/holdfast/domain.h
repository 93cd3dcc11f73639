/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains: guests, and three special owners. Every device has exactly one
 * owner and is on exactly that domain's list, at every instant. Giving devices
 * to guests is iommu.h's.
 */
#ifndef HOLDFAST_DOMAIN_H
#define HOLDFAST_DOMAIN_H

#include <holdfast/hold.h>

enum {
	DOMID_HARDWARE = 0, /* owns what nobody else does */
	DOMID_FIRST_GUEST = 1,
	DOMID_IO = 0xfff1,     /* quarantine, and devices changing hands */
	DOMID_HIDDEN = 0xfff2, /* what the hypervisor keeps for itself */
};

extern struct domain *hardware_domain, *dom_io, *dom_hidden;

/*
 * A part of a BAR in a guest's memory. All three addresses are multiples of
 * the page size (PLAT_PAGE_SIZE), and so is the size.
 */
struct pci_mapping {
	pci_sbdf_t sbdf; /* host address */
	uint8_t bar;     /* as in pci_dev_desc.bar */
	bool prefetch;
	bool cut; /* unmap: the device is gone; let the guest read all-ones */
	uint64_t gpa, hpa, size;
};

enum pci_vector_kind { PCI_VECTOR_MSI, PCI_VECTOR_MSIX };

/* How a guest wants an interrupt delivered (PCIe 6.0 §7.7.1, §7.7.2). */
struct pci_vector {
	bool msix;    /* else MSI */
	bool enabled; /* the capability is on */
	bool masked;  /* by the vector's own bit, or all */
	bool pending; /* came while it was masked; it is the receiver's now */
	unsigned int index;
	uint64_t address; /* as the guest wrote it: to be translated */
	uint32_t data;    /* of MSI: the vector's low bits set */
};

/* How a guest is told; called without locks unless told. Any may be NULL. */
struct domain_ops {
	/*
	 * Please give @sbdf back by @deadline. Inside a read-side section:
	 * post it. Answer with pci_domain_return() or pci_domain_refuse().
	 */
	void (*ask)(struct domain *d, pci_sbdf_t sbdf, uint64_t deadline);
	/* @sbdf was taken away (cut off or lost). Inside a section: post it. */
	void (*taken)(struct domain *d, pci_sbdf_t sbdf);
	/*
	 * Let the guest reach @m->hpa at @m->gpa. Pieces of a BAR come one by
	 * one. 0, or an error and nothing of this piece is mapped. Inside a
	 * section: short, and without waiting. NULL: nothing is mapped, every
	 * access is to come as a trap (vpci_mmio_read()).
	 */
	int (*map)(struct domain *d, const struct pci_mapping *m);
	/*
	 * … and no longer, once it returns. May be more or less than was mapped
	 * in one piece, a whole BAR at once; what is not mapped is no error.
	 * Likewise in a section.
	 */
	void (*unmap)(struct domain *d, const struct pci_mapping *m);
	/*
	 * The guest has changed a vector of @sbdf (host address), or switched
	 * the capability on or off: then once for each vector. Under the
	 * device's lock: take note and return; no call into the core.
	 */
	void (*vector)(struct domain *d, pci_sbdf_t sbdf,
		       const struct pci_vector *vector);
	/*
	 * Vector @index of @sbdf (host address) has come, and the guest lets it
	 * through. In a section, any context, interrupts included, the device's
	 * lock may be held: note it and return, no call into the core. Without this function the guest's interrupts are pending for
	 * ever.
	 */
	void (*interrupt)(struct domain *d, pci_sbdf_t sbdf, bool msix,
			  unsigned int index);
	/* The last reference is gone; free what @data points at. */
	void (*destroyed)(void *data);
};

/*
 * How the hardware domain is told, after pci_init() and before its first device
 * is added; @ops stays. Of it map, unmap and taken are called. Without map the
 * core does not follow its BARs.
 */
void pci_hardware_domain_ops(const struct domain_ops *ops);

/*
 * Returns 0 and a counted domain, the caller's reference; -EEXIST id or name
 * taken; -EINVAL id reserved, name empty, too long or not printable ASCII;
 * -ENOMEM. @id 0: the next free one. May sleep.
 */
int domain_create(unsigned int id, const char *name,
		  const struct domain_ops *ops, void *data, struct domain **out)
	__must_check;

/*
 * The guest dies: no new device comes to it; those it has are taken from it,
 * all at once, and waited for where an operation runs on one. Then it is
 * unlisted. (A device whose IOMMU does not forget it in time is in quarantine
 * then, pci_iommu_info.stuck: what this guest had mapped is not safe to use
 * before that is over.) The caller's own reference stays and is put by the caller.
 * Returns 0; -EINVAL a special domain; -EALREADY somebody else does it. May
 * sleep, until every operation on its devices has ended.
 */
int domain_destroy(struct domain *d) __must_check;

struct domain *domain_get_by_id(unsigned int id) __must_check;    /* counted */
struct domain *domain_get_by_name(const char *name) __must_check; /* counted */
/* The next domain with an id above *@id, counted; NULL at the end. */
struct domain *domain_next(unsigned int *id) __must_check;
void domain_get(struct domain *d);
void domain_put(struct domain *d); /* any context; NULL is fine */

unsigned int domain_id(const struct domain *d);
const char *domain_name(const struct domain *d);
void *domain_data(const struct domain *d);
bool domain_is_dying(struct domain *d);
unsigned int domain_devices(struct domain *d); /* how many it owns now */

/*
 * The devices of @d in SBDF order, as pci_next_pdev(). A device that leaves
 * the domain during the walk may or may not be seen.
 */
struct pci_dev *domain_next_pdev(struct domain *d, struct pci_dev *prev)
	__must_check;

/*
 * A guest's answer to domain_ops.ask: it has let go. The device leaves it at
 * once; the removal, or the one who cancels it, moves it on. 0; -ENODEV; -EINVAL
 * a special domain. May sleep, while another operation runs on the device.
 */
int pci_domain_return(struct domain *d, pci_sbdf_t sbdf) __must_check;
/* … or it will not. 0; -ENODEV. */
int pci_domain_refuse(struct domain *d, pci_sbdf_t sbdf) __must_check;

/*
 * Hand a device to dom_hidden (the hypervisor's own) or back. 0; -ENODEV;
 * -EBUSY a guest owns it, or an operation runs; -EBADF broken; -EIO it is in
 * quarantine now (rule 15), or cannot be given back; -EOPNOTSUPP a read-only
 * host. May sleep.
 */
int pci_hide_device(pci_sbdf_t sbdf, bool hide) __must_check;

#endif
