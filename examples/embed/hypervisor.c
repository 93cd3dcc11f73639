/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest hypervisor that has the PCI device layer: a host with one card,
 * a guest that finds and uses it, an administrator who wants it out.
 */
#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/vpci.h>

#define CARD 0x18       /* 0000:00:03.0 */
#define HPA 0xfe000000u /* its memory: a page of registers, one of MSI-X */
#define GPA 0x80000000u /* where the guest wants it */

static uint32_t config[1024] = {
	[PCI_VENDOR_ID / 4] = 0x10411af4,
	[PCI_COMMAND / 4] = PCI_STATUS_CAP_LIST << 16 | PCI_COMMAND_MEMORY,
	[PCI_BASE_ADDRESS_0 / 4] = HPA,
	[PCI_CAPABILITY_LIST / 4] = 0x40,
	[0x40 / 4] = PCI_CAP_ID_MSIX,
	[(0x40 + PCI_MSIX_TABLE) / 4] = 0x1000,
	[(0x40 + PCI_MSIX_PBA) / 4] = 0x1800,
};

static int host_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	*val = UINT32_MAX >> (32 - 8 * size);
	if (sbdf.sbdf == CARD)
		*val &= config[reg / 4] >> 8 * (reg % 4);
	return 0;
}
static int host_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	if (sbdf.sbdf == CARD && reg == PCI_COMMAND)
		memcpy(&config[PCI_COMMAND / 4], &val, 2);
	if (sbdf.sbdf == CARD && reg == PCI_BASE_ADDRESS_0)
		config[PCI_BASE_ADDRESS_0 / 4] = val & 0xffffe000;
	return 0;
}
static struct domain *d;
static struct vpci_vcpu vcpu;
static struct pci_mapping mapped; /* what the guest reaches without a trap */

static int map(struct domain *guest, const struct pci_mapping *m)
{
	mapped = *m;
	return 0;
}
static void unmap(struct domain *guest, const struct pci_mapping *m)
{
	if (m->gpa == mapped.gpa) /* perhaps more than was mapped */
		mapped.size = 0;
}

/* A trap of the guest's: 4 bytes of memory or, below GPA, config space. */
static uint64_t guest(bool write, uint64_t at, uint64_t val)
{
	pci_sbdf_t vsbdf = pci_sbdf_from((uint32_t)at >> 12);
	enum pci_verdict verdict;

	do { /* AGAIN: enter the guest as it was, and it traps again */
		if (at >= GPA && !write)
			verdict = vpci_mmio_read(d, at, 4, &val);
		else if (at >= GPA)
			verdict = vpci_mmio_write(&vcpu, at, 4, val);
		else if (!write)
			verdict = vpci_read(d, vsbdf, at & 0xfff, 4, &val);
		else
			verdict = vpci_write(&vcpu, vsbdf, at & 0xfff, 4, val);
		while (vpci_process_pending(&vcpu, NULL) == PCI_AGAIN)
			; /* another vCPU's turn */
	} while (verdict == PCI_AGAIN);
	return val;
}

static int failures;
static void check(const char *what, long long got, long long wanted)
{
	failures += got != wanted;
	plat_log(PLAT_INFO, "%s %s", got == wanted ? "ok  " : "FAIL", what);
}
#define CHECK(call, wanted) check(#call " is " #wanted, call, wanted)

int main(void)
{
	static const struct domain_ops ops = { .map = map, .unmap = unmap };
	static const struct pci_host_ops host_ops = { .read = host_read,
						      .write = host_write };
	static struct pci_host host = { .ops = &host_ops, .name = "toy" };
	static struct pci_removal_info report;
	extern unsigned int plat_in_use; /* blocks of memory */
	pci_sbdf_t sbdf = pci_sbdf_from(CARD), any = pci_sbdf_from(UINT32_MAX);
	uint64_t card = 0;

	CHECK(pci_init() || pci_config_init() || pci_vpci_init(NULL), 0);
	CHECK(pci_segment_add(0, &host) || pci_add_device(sbdf), 0);
	CHECK(domain_create(0, "web1", &ops, NULL, &d), 0);
	CHECK(pci_assign_device(d, sbdf, 0, &any, NULL), 0);
	vpci_vcpu_init(&vcpu, d);

	/* The guest probes all slots, sizes the BAR, places it, uses it. */
	while (card < 32 << 15 && guest(false, card, 0) == UINT32_MAX)
		card += 1 << 15;
	guest(true, card + PCI_BASE_ADDRESS_0, UINT32_MAX);
	CHECK(guest(false, card + PCI_BASE_ADDRESS_0, 0), 0xffffe000);
	guest(true, card + PCI_BASE_ADDRESS_0, GPA);
	guest(true, card + PCI_COMMAND,
	      PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	CHECK(mapped.gpa == GPA && mapped.hpa == HPA && mapped.size == 4096, 1);
	guest(true, GPA + 0x1000, 0xfee00000);
	CHECK(guest(false, GPA + 0x1000, 0), 0xfee00000);

	CHECK(pci_remove_device(sbdf, 0, PLAT_NSEC_PER_SEC, &report), -EBUSY);
	CHECK(memcmp(report.blocker[0].hold.who, "web1", 5), 0);
	CHECK(guest(false, card, 0), config[0]);
	CHECK(pci_deassign_device(d, sbdf, 0, NULL) || mapped.size, 0);
	CHECK(pci_remove_device(sbdf, 0, PLAT_NSEC_PER_SEC, &report), 0);
	CHECK(config[PCI_COMMAND / 4] & PCI_COMMAND_MASTER, 0);
	CHECK(guest(false, card, 0), UINT32_MAX);
	vpci_vcpu_fini(&vcpu);
	CHECK(domain_destroy(d), 0);
	domain_put(d);
	CHECK(pci_check_invariants(), 0);
	pci_fini();
	CHECK(plat_in_use, 0);
	return failures != 0;
}
