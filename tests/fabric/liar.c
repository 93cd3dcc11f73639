/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/vpci.h>

#include "liar.h"

struct liar liar;

static bool is_shadowed(pci_sbdf_t sbdf)
{
	return liar.shadowed && sbdf.sbdf == liar.sbdf.sbdf;
}

static void overlay(uint16_t reg, uint8_t size, uint32_t *val)
{
	unsigned int exp = cap(liar.f, liar.sbdf, PCI_CAP_ID_EXP);

	if (reg == exp + PCI_EXP_DEVSTA)
		*val &= ~(uint32_t)PCI_EXP_DEVSTA_TRPND;
	for (unsigned int i = 0; i < size; i++) {
		if (!liar.written[reg + i])
			continue;
		*val &= ~(0xffu << i * 8);
		*val |= (uint32_t)liar.shadow[reg + i] << i * 8;
	}
}

static int liar_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	struct pci_host *real = fabric_host(liar.f);
	int err = real->ops->read(real, sbdf, reg, size, val);

	(void)host;
	if (hf_load_acquire(&liar.all_ones))
		*val = UINT32_MAX >> (32 - size * 8);
	else if (is_shadowed(sbdf))
		overlay(reg, size, val);
	return err;
}

static int liar_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	struct pci_host *real = fabric_host(liar.f);

	(void)host;
	if (hf_load_acquire(&liar.drop_writes) && reg == PCI_INTERRUPT_LINE)
		return 0;
	if (!is_shadowed(sbdf))
		return real->ops->write(real, sbdf, reg, size, val);
	for (unsigned int i = 0; i < size; i++) {
		liar.shadow[reg + i] = (uint8_t)(val >> i * 8);
		liar.written[reg + i] = true;
	}
	return 0;
}

static int liar_next(struct pci_host *host, pci_sbdf_t *sbdf)
{
	struct pci_host *real = fabric_host(liar.f);

	(void)host;
	return real->ops->next(real, sbdf);
}

static void liar_adding(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	core_adding(liar.f, sbdf);
}

static void liar_removed(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	core_removed(liar.f, sbdf);
}

static const struct pci_host_ops liar_ops = {
	.read = liar_read,
	.write = liar_write,
	.next = liar_next,
	.adding = liar_adding,
	.removed = liar_removed,
};

void liar_core_up(void)
{
	struct pci_scan scan;

	memset(&liar, 0, sizeof(liar));
	liar.host.ops = &liar_ops;
	liar.host.name = "liar";
	liar.f = open_spec("server");
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(NULL), 0);
	assert_int_equal(pci_segment_add(0, &liar.host), 0);
	assert_int_equal(pci_scan_segment(0, &scan), 0);
	assert_int_equal(scan.failed, 0);
}

void liar_core_down(void)
{
	pci_fini();
	fabric_close(liar.f);
}
