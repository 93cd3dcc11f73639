/* SPDX-License-Identifier: BSD-2-Clause */
#include <holdfast/iommu.h>

#include "given.h"

struct given given;

static int map(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	given.gpa = m->gpa;
	given.hpa = m->hpa;
	given.mapped += m->size;
	return 0;
}

static void unmap(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	given.mapped -= m->size;
}

static void vector(struct domain *d, pci_sbdf_t sbdf,
		   const struct pci_vector *v)
{
	(void)d, (void)sbdf;
	given.vector = *v;
}

static const struct domain_ops ops = { .map = map,
				       .unmap = unmap,
				       .vector = vector };

int given_setup(void **state)
{
	memset(&given, 0, sizeof(given));
	if (fake_setup(state) || pci_vpci_init(NULL))
		return -1;
	given.fn = fake_add(GIVEN, 0x10ec8086);
	fake_bar(given.fn, PCI_BASE_ADDRESS_0, BAR0_AT, 0xffff0000);
	return domain_create(1, "guest", &ops, NULL, &given.guest);
}

int given_teardown(void **state)
{
	uint64_t mapped;

	fake.on_access = NULL;
	if (given.vcpu.domain)
		vpci_vcpu_fini(&given.vcpu);
	if (domain_destroy(given.guest))
		return -1;
	mapped = given.mapped;
	domain_put(given.guest);
	return fake_teardown(state) || mapped;
}

int give_at(const char *name, pci_sbdf_t vsbdf)
{
	int err;

	if (!is_there(name))
		add(name);
	if (!given.vcpu.domain)
		vpci_vcpu_init(&given.vcpu, given.guest);
	err = pci_assign_device(given.guest, at(name), 0, &vsbdf, NULL);
	if (err)
		return err;
	given.name = name;
	given.fn = fake_at(at(name));
	given.vsbdf = vsbdf;
	return 0;
}

void give(const char *name)
{
	assert_int_equal(give_at(name, pci_sbdf_from(UINT32_MAX)), 0);
}

void take_back(void)
{
	assert_int_equal(
		pci_deassign_device(given.guest, at(given.name), 0, NULL), 0);
}

uint32_t rd(uint16_t reg, uint8_t size)
{
	uint64_t val;

	assert_int_equal(vpci_read(given.guest, given.vsbdf, reg, size, &val),
			 PCI_DONE);
	return (uint32_t)val;
}

void wr(uint16_t reg, uint8_t size, uint32_t val)
{
	assert_int_equal(vpci_write(&given.vcpu, given.vsbdf, reg, size, val),
			 PCI_DONE);
}

void work(void)
{
	unsigned int pieces = 0;

	while (vpci_process_pending(&given.vcpu, NULL) == PCI_AGAIN)
		assert_true(++pieces < 1000);
}

uint32_t hw(uint16_t reg, uint8_t size)
{
	return fake_get(given.fn, reg, size);
}

void hw_put(uint16_t reg, uint8_t size, uint32_t val)
{
	fake_put(given.fn, reg, size, val);
}

struct vpci *view_of(const char *name)
{
	struct pci_dev *pdev = get(name);
	struct vpci *view = hf_load_acquire(&pdev->view);

	pcidev_put(pdev);
	return view;
}

uint64_t see(struct domain *d, pci_sbdf_t addr, uint16_t reg, uint8_t size)
{
	uint64_t val = 0;

	assert_int_equal(vpci_read(d, addr, reg, size, &val), PCI_DONE);
	return val;
}

uint64_t host_sees(uint16_t reg, uint8_t size)
{
	return see(hardware_domain, at(GIVEN), reg, size);
}

void host_writes(uint16_t reg, uint8_t size, uint64_t val)
{
	struct vpci_vcpu vcpu;

	vpci_vcpu_init(&vcpu, hardware_domain);
	assert_int_equal(vpci_write(&vcpu, at(GIVEN), reg, size, val),
			 PCI_DONE);
	vpci_vcpu_fini(&vcpu);
}

void add_msi(void)
{
	fake_cap(given.fn, MSI_CAP, PCI_CAP_ID_MSI);
	hw_put(MSI_CAP + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_64BIT);
}
