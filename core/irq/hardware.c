/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers by which a device is told what to send: MSI's capability, and
 * MSI-X's table in a BAR (PCIe 6.0 §7.7.1, §7.7.2). Written here are the
 * host's messages only, and always whole: what a guest, a reset or a former
 * owner left there is never believed (XSA-337).
 */
#include "irq/internal.h"

static struct pci_dev *dev(const struct irq_set *set)
{
	return set->irqs->pdev;
}

/*
 * The device is told once more if that did not reach it: what is bound is
 * programmed, and what is not any more is off. What it cannot be told at all is
 * noted. A lost one's vectors end another way.
 */
static void tell(struct pci_irqs *irqs, uint16_t reg, uint8_t size,
		 uint32_t val)
{
	unsigned int tries = 3;
	int err;

	do
		err = pcidev_write(irqs->pdev, reg, size, val);
	while (err == -EIO && --tries);
	if (err && err != -ENODEV)
		irqs->refused = true;
}

/* --- MSI ------------------------------------------------------------------------ */

static uint16_t msi_data_reg(const struct pci_irqs *irqs)
{
	return irqs->pdev->desc.msi + (irqs->msi_flags & PCI_MSI_FLAGS_64BIT
					       ? PCI_MSI_DATA_64
					       : PCI_MSI_DATA_32);
}

bool irq_hw_has_mask(const struct pci_irqs *irqs, enum pci_vector_kind kind)
{
	return kind == PCI_VECTOR_MSIX ||
	       irqs->msi_flags & PCI_MSI_FLAGS_MASKBIT;
}

bool irq_hw_can_send(struct pci_irqs *irqs, enum pci_vector_kind kind,
		     const struct msi_message *message)
{
	if (kind == PCI_VECTOR_MSIX)
		return true;
	return (message->address <= UINT32_MAX ||
		irqs->msi_flags & PCI_MSI_FLAGS_64BIT) &&
	       (message->data <= 0xffff ||
		irqs->msi_flags & PCI_MSI_FLAGS_EXT_DATA);
}

static bool is_masked(struct pci_irq *v)
{
	return (irq_word(v) & (IRQ_ON | IRQ_MASKS)) != IRQ_ON;
}

static uint32_t msi_masks(struct irq_set *set)
{
	uint32_t masks = 0;
	unsigned int i;

	for (i = 0; i < set->n; i++)
		if (is_masked(&set->irq[i]))
			masks |= 1u << i;
	return masks;
}

static void msi_mask(struct irq_set *set)
{
	if (irq_hw_has_mask(set->irqs, PCI_VECTOR_MSI))
		tell(set->irqs, msi_data_reg(set->irqs) + 4, 4, msi_masks(set));
}

void irq_hw_msi_on(struct irq_set *set)
{
	const struct msi_message *message = &set->irq[0].message;
	uint16_t has = set->irqs->msi_flags, flags = PCI_MSI_FLAGS_ENABLE;
	uint16_t pos = dev(set)->desc.msi;
	bool ext = message->data > 0xffff;

	while (1u << (flags >> PCI_MSI_FLAGS_QSIZE_SHIFT) < set->irq[0].count)
		flags += 1 << PCI_MSI_FLAGS_QSIZE_SHIFT;
	if (ext)
		flags |= PCI_MSI_FLAGS_EXT_DATA_EN;
	irq_hw_off(set->irqs, PCI_VECTOR_MSI);
	tell(set->irqs, pos + PCI_MSI_ADDRESS_LO, 4,
	     (uint32_t)message->address);
	if (has & PCI_MSI_FLAGS_64BIT)
		tell(set->irqs, pos + PCI_MSI_ADDRESS_HI, 4,
		     (uint32_t)(message->address >> 32));
	tell(set->irqs, msi_data_reg(set->irqs), ext ? 4 : 2, message->data);
	msi_mask(set);
	tell(set->irqs, pos + PCI_MSI_FLAGS, 2, flags);
	set->irqs->msi_on = true;
}

/* --- MSI-X ------------------------------------------------------------------------ */

static void table_write(struct irq_set *set, unsigned int index,
			unsigned int reg, uint32_t val)
{
	struct pci_host *host = dev(set)->pseg->host;

	if (!pcidev_marked(dev(set), PCI_MARK_LOST) &&
	    host->ops->mem_write(host,
				 set->table + index * PCI_MSIX_ENTRY_SIZE + reg,
				 4, val))
		set->irqs->refused = true;
}

static void msix_flags(struct pci_irqs *irqs, uint16_t flags)
{
	tell(irqs, irqs->pdev->desc.msix + PCI_MSIX_FLAGS, 2, flags);
}

/* Function mask: what the table holds is not ours yet. */
void irq_hw_msix_on(struct irq_set *set)
{
	unsigned int i;

	msix_flags(set->irqs, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	for (i = 0; i < dev(set)->desc.msix_entries; i++)
		table_write(set, i, PCI_MSIX_ENTRY_VECTOR_CTRL,
			    PCI_MSIX_ENTRY_CTRL_MASKBIT);
	msix_flags(set->irqs, PCI_MSIX_FLAGS_ENABLE);
	set->irqs->msix_on = true;
}

void irq_hw_entry(struct pci_irq *v)
{
	struct irq_set *set = v->set;

	table_write(set, v->index, PCI_MSIX_ENTRY_LOWER_ADDR,
		    (uint32_t)v->message.address);
	table_write(set, v->index, PCI_MSIX_ENTRY_UPPER_ADDR,
		    (uint32_t)(v->message.address >> 32));
	table_write(set, v->index, PCI_MSIX_ENTRY_DATA, v->message.data);
	irq_hw_mask(v);
}

static bool is_mem(const struct pci_bar *bar)
{
	return (bar->kind == PCI_BAR_MEM32 || bar->kind == PCI_BAR_MEM64) &&
	       bar->addr && !bar->size_unknown;
}

/* Bar number in the low three bits, offset above (§7.7.2.3). */
static int find(const struct pci_bar *bars, uint32_t reg, uint64_t size,
		uint64_t *at)
{
	unsigned int bir = reg & PCI_MSIX_TABLE_BIR;
	uint64_t offset = reg & PCI_MSIX_TABLE_OFFSET;

	if (bir >= PCI_BAR_FIRST_ROM || !is_mem(&bars[bir]) ||
	    offset + size > bars[bir].size)
		return -ENODATA;
	*at = bars[bir].addr + offset;
	return 0;
}

int irq_hw_find_table(struct pci_irqs *irqs, bool guest, uint64_t *table,
		      uint64_t *pba)
{
	struct pci_dev *pdev = irqs->pdev;
	const struct pci_host_ops *ops = pdev->pseg->host->ops;
	unsigned int entries = pdev->desc.msix_entries, tries = 3;
	struct pci_bar bars[PCI_BAR_COUNT];
	int err;

	if (!ops->mem_write || !ops->mem_read)
		return -ENODATA;
	do /* a guest has no answer to wait for, and asks once */
		err = conf_bars_of(pdev, guest, bars);
	while (err == -EIO && --tries);
	if (err)
		return pcidev_marked(pdev, PCI_MARK_LOST) ? -ENODEV : -ENODATA;
	err = find(bars, irqs->table, entries * PCI_MSIX_ENTRY_SIZE, table);
	return err ? err : find(bars, irqs->pba, (entries + 63) / 64 * 8, pba);
}

/* VFs decode by their PF's word (§9.3.3.3.4). */
bool irq_hw_no_memory(struct pci_dev *pdev)
{
	uint32_t command = pcidev_read(pdev, PCI_COMMAND, 2);

	return command == conf_ones(2) ||
	       (!pdev->desc.is_vf && !(command & PCI_COMMAND_MEMORY));
}

/* --- both --------------------------------------------------------------------------- */

void irq_hw_off(struct pci_irqs *irqs, enum pci_vector_kind kind)
{
	if (kind == PCI_VECTOR_MSIX) {
		msix_flags(irqs, 0);
		irqs->msix_on = false;
	} else {
		tell(irqs, irqs->pdev->desc.msi + PCI_MSI_FLAGS, 2, 0);
		irqs->msi_on = false;
	}
}

void irq_hw_mask(struct pci_irq *v)
{
	if (v->set->kind == PCI_VECTOR_MSI)
		msi_mask(v->set);
	else
		table_write(v->set, v->index, PCI_MSIX_ENTRY_VECTOR_CTRL,
			    is_masked(v) ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0);
}

uint64_t irq_hw_pending(struct irq_set *set, unsigned int first)
{
	struct pci_host *host = dev(set)->pseg->host;
	uint64_t bits = 0;

	if (pcidev_marked(dev(set), PCI_MARK_LOST))
		return 0;
	if (set->kind == PCI_VECTOR_MSIX)
		(void)host->ops->mem_read(host, set->pba + first / 8, 8, &bits);
	else if (irq_hw_has_mask(set->irqs, set->kind))
		bits = pcidev_read(dev(set), msi_data_reg(set->irqs) + 8, 4);
	return bits;
}
