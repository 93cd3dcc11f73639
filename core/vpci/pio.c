/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration mechanism #1: an address port and a data port (PCI 3.0
 * §3.2.2.3.2). The address is the vCPU's own, so no lock; a guest whose vCPUs
 * share the ports locks them itself, as on a machine.
 */
#include "vpci/internal.h"

#define PIO_ADDRESS 0xcf8
#define PIO_DATA 0xcfc /* to 0xcff */
#define PIO_ENABLE 0x80000000u
#define PIO_VALID 0x80fffffcu /* the other bits are reserved and read 0 */

/* Is it a data access, and of which register? */
static bool is_data(const struct vpci_vcpu *vcpu, uint16_t port, uint8_t size,
		    pci_sbdf_t *sbdf, uint16_t *reg)
{
	uint32_t address = vcpu->pio_address;

	*sbdf = pci_sbdf_from(address >> 8 & 0xffff);
	*reg = (uint16_t)((address & 0xfc) + (port & 3));
	return (port & ~3) == PIO_DATA && address & PIO_ENABLE && size <= 4;
}

enum pci_verdict vpci_pio_read(struct vpci_vcpu *vcpu, uint16_t port,
			       uint8_t size, uint32_t *val)
{
	enum pci_verdict verdict;
	pci_sbdf_t sbdf;
	uint16_t reg;
	uint64_t data;

	*val = (uint32_t)vpci_ones(size);
	if (port == PIO_ADDRESS && size == 4)
		*val = vcpu->pio_address;
	if (!is_data(vcpu, port, size, &sbdf, &reg))
		return PCI_DONE;
	verdict = vpci_read(vcpu->domain, sbdf, reg, size, &data);
	*val = (uint32_t)data;
	return verdict;
}

enum pci_verdict vpci_pio_write(struct vpci_vcpu *vcpu, uint16_t port,
				uint8_t size, uint32_t val)
{
	pci_sbdf_t sbdf;
	uint16_t reg;

	if (port == PIO_ADDRESS && size == 4)
		vcpu->pio_address = val & PIO_VALID;
	if (!is_data(vcpu, port, size, &sbdf, &reg))
		return PCI_DONE;
	return vpci_write(vcpu, sbdf, reg, size, val);
}
