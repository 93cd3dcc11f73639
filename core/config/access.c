/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One access to one register, by address or by device.
 *
 * A device's LOST mark is tested and its hardware touched in one read-side
 * section: whoever sets the mark and waits for a grace period knows that
 * nobody touches it any more (rule 10). Where the host may block there can be
 * no section; then the caller's reference keeps a removal waiting, and an
 * answer that came after the mark was set is not believed.
 */
#include "config/internal.h"

bool conf_access_ok(uint16_t reg, uint8_t size)
{
	return (size == 1 || size == 2 || size == 4) && !(reg % size) &&
	       reg < PCI_CFG_SPACE_EXP_SIZE;
}

/* --- by host -------------------------------------------------------------- */

static int host_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	int err;

	if (host->ops->may_block)
		pci_assert_may_wait("config read");
	err = host->ops->read(host, sbdf, reg, size, val);
	if (err)
		*val = conf_ones(size);
	return err;
}

static int host_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	if (host->ops->may_block)
		pci_assert_may_wait("config write");
	return host->ops->write(host, sbdf, reg, size, val & conf_ones(size));
}

uint32_t pci_conf_read(pci_sbdf_t sbdf, uint16_t reg, uint8_t size)
{
	struct pci_host *host = pci_segment_host(sbdf.seg);
	uint32_t val;

	if (!host || !conf_access_ok(reg, size))
		return conf_ones(size);
	host_read(host, sbdf, reg, size, &val);
	return val;
}

int pci_conf_write(pci_sbdf_t sbdf, uint16_t reg, uint8_t size, uint32_t val)
{
	struct pci_host *host = pci_segment_host(sbdf.seg);

	if (!host)
		return -ENODEV;
	if (!conf_access_ok(reg, size))
		return -EINVAL;
	return host_write(host, sbdf, reg, size, val);
}

/* --- by device ------------------------------------------------------------ */

static int dev_read(struct pci_dev *pdev, uint16_t reg, uint8_t size,
		    uint32_t *val)
{
	struct pci_host *host = pdev->pseg->host;
	bool section = !host->ops->may_block;
	int err = -ENODEV;

	if (section)
		plat_rcu_read_lock();
	if (!pcidev_marked(pdev, PCI_MARK_LOST))
		err = host_read(host, pdev->desc.sbdf, reg, size, val);
	if (section)
		plat_rcu_read_unlock();
	if (pcidev_marked(pdev, PCI_MARK_LOST))
		err = -ENODEV;
	if (err)
		*val = conf_ones(size);
	return err;
}

static int dev_write(struct pci_dev *pdev, uint16_t reg, uint8_t size,
		     uint32_t val)
{
	struct pci_host *host = pdev->pseg->host;
	bool section = !host->ops->may_block;
	int err = -ENODEV;

	if (section)
		plat_rcu_read_lock();
	if (!pcidev_marked(pdev, PCI_MARK_LOST))
		err = host_write(host, pdev->desc.sbdf, reg, size, val);
	if (section)
		plat_rcu_read_unlock();
	return err;
}

uint32_t pcidev_read(struct pci_dev *pdev, uint16_t reg, uint8_t size)
{
	uint32_t val = conf_ones(size);

	if (conf_access_ok(reg, size))
		dev_read(pdev, reg, size, &val);
	return val;
}

int pcidev_write(struct pci_dev *pdev, uint16_t reg, uint8_t size, uint32_t val)
{
	if (!conf_access_ok(reg, size))
		return -EINVAL;
	return dev_write(pdev, reg, size, val);
}

/* --- by either ------------------------------------------------------------ */

int conf_raw(struct conf *c, pci_sbdf_t sbdf)
{
	*c = (struct conf){ .sbdf = sbdf, .host = pci_segment_host(sbdf.seg) };
	return c->host ? 0 : -ENODEV;
}

void conf_of(struct conf *c, struct pci_dev *pdev)
{
	*c = (struct conf){ .sbdf = pdev->desc.sbdf,
			    .host = pdev->pseg->host,
			    .pdev = pdev };
}

int conf_open(struct conf *c, pci_sbdf_t sbdf)
{
	struct pci_dev_info info;
	struct pci_dev *pdev;
	int err = pci_lookup(NULL, sbdf, &pdev);

	if (!err)
		conf_of(c, pdev);
	else if (pci_query(sbdf, &info) == -ENODEV)
		err = conf_raw(c, sbdf);
	return err;
}

void conf_close(struct conf *c)
{
	pcidev_put(c->pdev);
}

uint32_t conf_read(struct conf *c, uint16_t reg, uint8_t size)
{
	uint32_t val;
	int err;

	if (c->pdev)
		err = dev_read(c->pdev, reg, size, &val);
	else
		err = host_read(c->host, c->sbdf, reg, size, &val);
	if (err && !c->err)
		c->err = err;
	return val;
}

uint32_t conf_answer(struct conf *c, uint16_t reg, uint8_t size)
{
	uint32_t val = conf_read(c, reg, size);

	if (val == conf_ones(size) && !c->err)
		c->err = -EIO;
	return val;
}

void conf_write(struct conf *c, uint16_t reg, uint8_t size, uint32_t val)
{
	int err;

	if (c->pdev)
		err = dev_write(c->pdev, reg, size, val);
	else
		err = host_write(c->host, c->sbdf, reg, size, val);
	if (err && !c->err)
		c->err = err;
}

bool conf_absent(struct conf *c)
{
	return conf_read(c, PCI_COMMAND, 4) == UINT32_MAX;
}

/*
 * Nothing above 256 bytes: all-ones there, or a host that ignores the upper
 * address bits, so that each 256 bytes begin with the IDs again.
 */
static bool no_extended_space(struct conf *c)
{
	uint32_t id = conf_read(c, PCI_VENDOR_ID, 4), val;
	unsigned int reg = PCI_CFG_SPACE_SIZE;

	val = conf_read(c, PCI_EXT_CAP_START, 4);
	if (val == UINT32_MAX)
		return true;
	while (val == id) {
		reg += PCI_CFG_SPACE_SIZE;
		if (reg == PCI_CFG_SPACE_EXP_SIZE)
			return true;
		val = conf_read(c, (uint16_t)reg, 4);
	}
	return false;
}

uint16_t conf_size_now(struct conf *c)
{
	uint16_t known = PCI_CFG_SPACE_EXP_SIZE;

	if (c->host->ops->config_size)
		known = c->host->ops->config_size(c->host, c->sbdf);
	if (known < PCI_CFG_SPACE_SIZE)
		return PCI_STD_HEADER_SIZEOF;
	if (known < PCI_CFG_SPACE_EXP_SIZE || no_extended_space(c))
		return PCI_CFG_SPACE_SIZE;
	return PCI_CFG_SPACE_EXP_SIZE;
}

uint16_t conf_size(struct conf *c)
{
	return c->pdev ? c->pdev->desc.cfg_size : conf_size_now(c);
}
