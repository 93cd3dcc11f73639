/* SPDX-License-Identifier: BSD-2-Clause */
#include <holdfast/irq.h>
#include <holdfast/reset.h>

#include "lab.h"

struct lab lab;

/* --- memory that runs out ----------------------------------------------------- */

void *__wrap_plat_zalloc(size_t size);
void *__real_plat_zalloc(size_t size);

void *__wrap_plat_zalloc(size_t size)
{
	void (*meanwhile)(void) = lab.meanwhile;

	if (lab.fail_in && !--lab.fail_in) {
		if (!meanwhile)
			return NULL;
		lab.meanwhile = NULL;
		meanwhile();
	}
	return __real_plat_zalloc(size);
}

/* --- setting up ------------------------------------------------------------------ */

static void on_work(void *data)
{
	(void)data;
	lab.work++;
}

static void start(const struct pci_iommu_options *options)
{
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(NULL), 0);
	assert_int_equal(pci_irq_init(NULL), 0);
	assert_int_equal(pci_iommu_init(options), 0);
	assert_int_equal(pci_reset_init(), 0);
}

static void scan(void)
{
	struct pci_scan found;
	int seg;

	for (seg = 0;
	     (seg = fabric_segment_next(lab.f, (unsigned int)seg)) >= 0;
	     seg++) {
		assert_int_equal(
			pci_segment_add((uint16_t)seg, fabric_host(lab.f)), 0);
		assert_int_equal(pci_scan_segment((uint16_t)seg, &found), 0);
		assert_int_equal(found.failed, 0);
	}
}

static uint64_t memory_of(unsigned int domid)
{
	uint64_t hpa;

	assert_int_equal(fabric_ram_alloc(lab.f, domid, PAGES * PAGE, &hpa), 0);
	return hpa;
}

int lab_open(const struct pci_iommu_options *options)
{
	char err[200];

	memset(&lab, 0, sizeof(lab));
	clock_start();
	lab.f = fabric_open("lab", err, sizeof(err));
	assert_non_null(lab.f);
	fabric_on_work(lab.f, on_work, NULL);
	pci_iommu_get_stats(&lab.before);
	start(options);
	scan();
	assert_int_equal(domain_create(0, "one", NULL, NULL, &lab.one), 0);
	assert_int_equal(domain_create(0, "two", NULL, NULL, &lab.two), 0);
	lab.host = memory_of(DOMID_HARDWARE);
	lab.mine = memory_of(domain_id(lab.one));
	lab.yours = memory_of(domain_id(lab.two));
	return 0;
}

int lab_setup(void **state)
{
	(void)state;
	return lab_open(NULL);
}

int lab_setup_ats(void **state)
{
	(void)state;
	return lab_open(&(struct pci_iommu_options){ .ats = true });
}

/* --- the end: nothing is left ------------------------------------------------------ */

static void guests_end(void)
{
	if (!domain_is_dying(lab.one))
		assert_int_equal(domain_destroy(lab.one), 0);
	if (!domain_is_dying(lab.two))
		assert_int_equal(domain_destroy(lab.two), 0);
	domain_put(lab.one);
	domain_put(lab.two);
}

static void expect_nothing(unsigned int spaces)
{
	struct pci_iommu_stats stats = stats_now();
	struct fabric_unit_info unit;

	fabric_flush_finish(lab.f);
	unit = unit_now();
	assert_int_equal(stats.spaces, spaces);
	assert_int_equal(stats.mappings, 0);
	assert_int_equal(stats.contexts, 0);
	assert_int_equal(unit.spaces, spaces);
	assert_int_equal(unit.contexts, 0);
	assert_int_equal(unit.pages, 0);
	assert_int_equal(unit.flushes, 0);
}

int lab_teardown(void **state)
{
	struct fabric_witness w;

	(void)state;
	lab.fail_in = 0;
	assert_int_equal(pci_check_invariants(), 0);
	guests_end();
	assert_int_equal(pci_check_invariants(), 0);
	expect_nothing(lab.kept);
	pci_fini();
	expect_nothing(0);
	assert_int_equal(unit_now().ats, 0);
	assert_int_equal(unit_now().vectors, 0);
	fabric_witness(lab.f, &w);
	if (w.listed)
		print_error("%s\n", w.list[0].text);
	assert_int_equal(w.violations, 0);
	fabric_close(lab.second);
	fabric_close(lab.f);
	return 0;
}

/* --- knowing --------------------------------------------------------------------------- */

struct pci_dev_info info_of(const char *device)
{
	struct pci_dev_info info;

	assert_int_equal(pci_query(at(device), &info), 0);
	assert_int_equal(info.op, PCI_OP_NONE);
	return info;
}

struct pci_iommu_info query(const char *device)
{
	struct pci_iommu_info info;

	assert_int_equal(pci_iommu_query(at(device), &info), 0);
	return info;
}

const char *owner(const char *device)
{
	static struct pci_dev_info info;

	info = info_of(device);
	return info.owner_name;
}

const char *broken(const char *device)
{
	const char *why = info_of(device).broken;

	return why ? why : "";
}

struct fabric_unit_info unit_now(void)
{
	struct fabric_unit_info unit;

	fabric_unit(lab.f, &unit);
	return unit;
}

struct pci_iommu_stats stats_now(void)
{
	struct pci_iommu_stats stats;

	pci_iommu_get_stats(&stats);
	stats.faults -= lab.before.faults;
	stats.timeouts -= lab.before.timeouts;
	return stats;
}

/* --- changing hands ----------------------------------------------------------------------- */

void spoil(const char *device, enum fabric_fault_kind kind)
{
	struct fabric_fault fault = { .sbdf = at(device), .kind = kind };

	assert_int_equal(fabric_fault_set(lab.f, &fault), 0);
}

int try_give(struct domain *d, const char *device, unsigned int flags)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	return pci_assign_device(d, at(device), flags, &vsbdf, &lab.report);
}

void give(struct domain *d, const char *device)
{
	assert_int_equal(try_give(d, device, PCI_ASSIGN_GROUP), 0);
	assert_string_equal(owner(device), domain_name(d));
	spoil(device, FABRIC_KEEPS_DMA);
}

int take(struct domain *d, const char *device)
{
	return pci_deassign_device(d, at(device), PCI_ASSIGN_GROUP,
				   &lab.report);
}

int force_off(const char *device)
{
	return pci_remove_device(at(device), PCI_REMOVE_FORCE, 100 * MSEC,
				 NULL);
}

bool has_master(const char *device)
{
	return pci_conf_read(at(device), PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

bool set_master(struct domain *d, const char *device, bool on)
{
	pci_sbdf_t sbdf = d == hardware_domain ? at(device)
					       : info_of(device).vsbdf;
	struct vpci_vcpu vcpu;
	uint64_t command;

	vpci_vcpu_init(&vcpu, d);
	assert_int_equal(vpci_read(d, sbdf, PCI_COMMAND, 2, &command),
			 PCI_DONE);
	command &= ~(uint64_t)PCI_COMMAND_MASTER;
	assert_int_equal(vpci_write(&vcpu, sbdf, PCI_COMMAND, 2,
				    command | (on ? PCI_COMMAND_MASTER : 0)),
			 PCI_DONE);
	vpci_vcpu_fini(&vcpu);
	return has_master(device);
}

int map(struct domain *d, uint64_t dma, uint64_t hpa, unsigned int pages)
{
	return domain_dma_map(d, dma, hpa, pages * (uint64_t)PAGE, RW);
}

int unmap(struct domain *d, uint64_t dma, unsigned int pages)
{
	return domain_dma_unmap(d, dma, pages * (uint64_t)PAGE);
}

/* --- requests ------------------------------------------------------------------------------- */

static uint64_t number; /* the last that was written */

int dma(const char *device, uint64_t dma)
{
	number++;
	return fabric_dma_write(lab.f, at(device), dma, &number,
				sizeof(number));
}

static uint64_t peek(uint64_t hpa)
{
	uint64_t there;

	assert_int_equal(fabric_ram_read(lab.f, hpa, &there, sizeof(there)), 0);
	return there;
}

bool arrives(const char *device, uint64_t address, uint64_t hpa)
{
	return dma(device, address) == 0 && peek(hpa) == number;
}

void reaches(const char *device, uint64_t address, uint64_t hpa)
{
	uint64_t got = 0;

	assert_true(arrives(device, address, hpa));
	number++;
	assert_int_equal(fabric_ram_write(lab.f, hpa, &number, sizeof(number)),
			 0);
	assert_int_equal(fabric_dma_read(lab.f, at(device), address, &got,
					 sizeof(got)),
			 0);
	assert_int_equal(got, number);
}

static uint64_t sum(void)
{
	const uint64_t base[] = { lab.host, lab.mine, lab.yours };
	static uint64_t page[PAGE / 8];
	uint64_t total = 0;
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_SIZE(base); i++)
		for (j = 0; j < PAGES; j++) {
			if (fabric_ram_read(lab.f, base[i] + j * PAGE, page,
					    PAGE))
				continue; /* a test has freed it */
			for (k = 0; k < PAGE / 8; k++)
				total = 31 * total + page[k];
		}
	return total;
}

void faults(const char *device, uint64_t address)
{
	uint64_t before = sum(), got = 0;

	assert_int_equal(dma(device, address), -EFAULT);
	assert_int_equal(fabric_dma_read(lab.f, at(device), address, &got,
					 sizeof(got)),
			 -EFAULT);
	assert_int_equal(got, UINT64_MAX);
	assert_int_equal(sum(), before);
}
