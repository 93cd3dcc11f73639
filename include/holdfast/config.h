/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading real configuration space, and adding devices by what it says. What
 * a domain reads and writes is vpci.h's.
 */
#ifndef HOLDFAST_CONFIG_H
#define HOLDFAST_CONFIG_H

#include <holdfast/device.h>

/* Once, after pci_init(): registers the stage "config". 0 or -ENOSPC. */
int pci_config_init(void) __must_check;

/* --- raw access by address -------------------------------------------------
 * For probing and for administrators. Sizes 1, 2, 4; aligned; below 4096;
 * else all-ones, and -EINVAL for a write. Nobody there reads all-ones. They may
 * sleep if the segment's host may, and then must be called outside sections.
 * They heed no removal and no loss: what is registered is read with pcidev_*.
 */
uint32_t pci_conf_read(pci_sbdf_t sbdf, uint16_t reg, uint8_t size);
int pci_conf_write(pci_sbdf_t sbdf, uint16_t reg, uint8_t size, uint32_t val);

/* Of a device that the caller has a reference on; lost: all-ones, -ENODEV. */
uint32_t pcidev_read(struct pci_dev *pdev, uint16_t reg, uint8_t size);
int pcidev_write(struct pci_dev *pdev, uint16_t reg, uint8_t size,
		 uint32_t val);
/*
 * Where its BARs and its ROM are, and how large, as hardware has them now.
 * @recorded, for a stage, of a device that has left the hardware domain: where
 * they are put back after each reset, also if somebody else resets it just now.
 */
void pcidev_bars(struct pci_dev *pdev, bool recorded,
		 struct pci_bar bar[PCI_BAR_COUNT]);

/* --- capabilities -----------------------------------------------------------
 * Hostile lists end: positions below 0x40 (0x100) or seen before, and
 * capabilities that read all-ones, stop the walk with -EIO; after 48 (480)
 * entries it cannot go on. The two low bits of a position are reserved and
 * masked (PCIe 6.0 §7.5.1.1.11). A registered device is read under a reference,
 * so that a removal waits.
 */

struct pci_cap {
	uint16_t pos;
	uint16_t id;
	uint8_t version; /* extended ones */
	bool extended;
};

/*
 * Fill @cap with up to @max capabilities in list order, extended ones after
 * the others. Returns how many there are (may exceed @max), or -EIO with what
 * was found before the fault, *@count of them; -ENODATA only 64 bytes can be
 * read; -ENODEV nobody there, or lost; -EBUSY it is being drained.
 */
int pci_caps(pci_sbdf_t sbdf, struct pci_cap *cap, unsigned int max,
	     unsigned int *count);
/* Position of the first with this ID, 0: none, or the list is broken. */
uint16_t pci_find_cap(pci_sbdf_t sbdf, uint8_t id) hf_symbol(pci_find_cap);
uint16_t pci_find_ext_cap(pci_sbdf_t sbdf, uint16_t id);

const char *pci_cap_name(bool extended, uint16_t id); /* "MSI-X"; or NULL */

/* --- adding ------------------------------------------------------------------
 * Read a function and say what it is. 0; -ENODEV nobody there; -EAGAIN it
 * answers with retry status (0x0001 for the vendor, PCIe 6.0 §2.3.2) still;
 * -EIO it cannot be read; -ENXIO it is behind a bridge that is not registered.
 * Hostile contents are no error: desc->defect says.
 * BARs are sized, so it is not for a function in use. May sleep.
 */
int pci_describe(pci_sbdf_t sbdf, struct pci_dev_desc *desc) __must_check;

/*
 * Describe and register. Errors of both; -EBUSY, -ENODEV as
 * pci_register_device(); -EBUSY also while another thread probes the address.
 * What is registered there and is the same hardware still is only read. If no
 * known bridge leads to its bus, those on lower buses that led to none are read
 * again first: one that leads anywhere by now is added again; if that fails,
 * -ENXIO. May sleep.
 */
int pci_add_device(pci_sbdf_t sbdf) __must_check;

struct pci_scan {
	unsigned int found, added, failed;
	int error;        /* of the first that failed */
	pci_sbdf_t where; /* and which */
};

/*
 * Add everything that is there: all of a segment; or what is at and below one
 * address (all functions of the slot, bridges followed). Devices known
 * already stay. Returns 0, also if single devices failed (see @scan), or
 * -ENODEV no such segment.
 *
 * What failed on a root bus may be a bridge to any bus above: then none of
 * these is visited to which no registered bridge leads, so that nothing behind
 * it is taken for a device on a root bus. The next scan that can add it goes on.
 * That is all that is kept of it, and nothing of a bridge that was removed: a
 * pci_add_device(), or another scan that starts above, takes what is behind it
 * for a device on a root bus, and when the bridge is added that is broken
 * (pci_register_device()). Whoever cannot add a bridge adds nothing behind it.
 */
int pci_scan_segment(uint16_t seg, struct pci_scan *scan) __must_check;
int pci_scan_slot(pci_sbdf_t sbdf, struct pci_scan *scan) __must_check;

#endif
