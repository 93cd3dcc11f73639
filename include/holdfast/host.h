/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where configuration space comes from: the contract between the core and a
 * host (simulated, dump, Linux, ECAM).
 */
#ifndef HOLDFAST_HOST_H
#define HOLDFAST_HOST_H

#include <holdfast/sbdf.h>

struct pci_host;
struct iommu_ops;
struct msi_ops;

enum pci_host_event {
	PCI_HOST_ARRIVED, /* there is something new at this address: probe it */
	PCI_HOST_GONE,    /* what was there has been pulled: it is lost */
};

struct pci_host_ops {
	/*
	 * One access of @size 1, 2 or 4 bytes, naturally aligned, at @reg
	 * below 4096. Nobody there, or beyond what the function implements: 0
	 * with all-ones of that size (PCIe 6.0 §2.3.2). A value that could not
	 * be fetched although something is there: -EIO, *@val all-ones.
	 *
	 * Context: any thread, several at once; under a device's lock, too, so
	 * it must not call the core. Must not sleep unless may_block is set;
	 * then it is called outside read-side sections and locks only.
	 */
	int (*read)(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		    uint8_t size, uint32_t *val);
	/* Likewise; nobody there: dropped. -EOPNOTSUPP on a read-only host. */
	int (*write)(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t val);
	/*
	 * The address of the first function at or after *@sbdf that the host
	 * knows of, in SBDF order. 0, or -ENOENT at the end. Optional: without
	 * it a scan reads the vendor ID of every possible address.
	 */
	int (*next)(struct pci_host *host, pci_sbdf_t *sbdf);
	/*
	 * How many bytes of config space can be read: 64, 128 (a CardBus
	 * bridge's header), 256 or 4096; what lies above is unknown, not
	 * absent. Nobody there: 0. Optional: found by reading.
	 */
	uint16_t (*config_size)(struct pci_host *host, pci_sbdf_t sbdf);
	/*
	 * The size in bytes of a BAR (0-5, 6 for the ROM, 7-12 for VF BARs),
	 * for hosts that know it without a write to the device. Returns 0 and
	 * *@size (0: not there); -ENODATA: unknown, and nobody shall write;
	 * -EOPNOTSUPP: as if there were no such function. Optional: sized by
	 * writing all-ones (PCI 3.0 §6.2.5.1).
	 */
	int (*bar_size)(struct pci_host *host, pci_sbdf_t sbdf,
			unsigned int bar, uint64_t *size);
	/*
	 * One access to memory space at host-physical @addr: 1, 2, 4 or 8
	 * bytes, naturally aligned. Nobody there: 0 and all-ones, or dropped.
	 * Context as read and write; never sleeps. Optional: without it what
	 * is trapped of a BAR reads all-ones, MSI-X apart.
	 */
	int (*mem_read)(struct pci_host *host, uint64_t addr, uint8_t size,
			uint64_t *val);
	int (*mem_write)(struct pci_host *host, uint64_t addr, uint8_t size,
			 uint64_t val);
	/*
	 * The core is about to touch this function (add), or promises never to
	 * touch it again (removed), until the next adding(). Called without
	 * locks; removed() when a removal has made the function quiet, before
	 * its address can be used again; not for what is lost, of which the
	 * host knew first. Optional.
	 */
	void (*adding)(struct pci_host *host, pci_sbdf_t sbdf);
	void (*removed)(struct pci_host *host, pci_sbdf_t sbdf);

	/*
	 * Config access can sleep. A guest's access then keeps a reference and
	 * not a section: a removal waits for it, a change of owner does not. So
	 * its devices have no views and no guest gets one.
	 */
	bool may_block;
	bool read_only; /* no write, no removal, no assignment: -EOPNOTSUPP */
};

struct pci_host {
	const struct pci_host_ops *ops;
	const struct msi_ops *msi;     /* irq.h; NULL: no message interrupts */
	const struct iommu_ops *iommu; /* iommu.h; NULL: no IOMMU */
	const char *name;              /* "fabric", "dump", "linux", … */
	/*
	 * Set by whoever drives the host (a daemon) before hotplug is enabled;
	 * called by the host, without locks, from its own context.
	 */
	void (*notify)(struct pci_host *host, enum pci_host_event event,
		       pci_sbdf_t sbdf, void *data);
	void *notify_data;
};

#endif
