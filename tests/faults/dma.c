/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's memory, mapped for its devices; and devices that reach too far. */
#include "machine.h"

static uint64_t ram, more; /* behind DMA, and DMA + 1 MiB */
static bool mapped, mapped_more;

#define MORE (DMA + 0x100000)
#define SIZE (PAGES * FABRIC_PAGE)

static int create(void)
{
	ram = more = 0;
	mapped = mapped_more = false;
	return create_one();
}

static int map_first(void)
{
	int err = 0;

	if (!ram)
		ram = pages_of(domain_id(one));
	if (!mapped)
		err = domain_dma_map(one, DMA, ram, SIZE, RW);
	mapped = !err;
	return err;
}

/* It is recorded, all of it: no part can be mapped again. */
static bool has_first(void)
{
	return mapped &&
	       domain_dma_map(one, DMA, ram, FABRIC_PAGE, RW) == -EEXIST &&
	       domain_dma_map(one, DMA + SIZE - FABRIC_PAGE, ram, FABRIC_PAGE,
			      RW) == -EEXIST;
}

static int give_both(void)
{
	int err = give(one, ALL, 0);

	return err ? err : give(one, LEGACY, 0);
}

/* Its Bus Master is the guest's affair; here it is on. */
static bool reaches(pci_sbdf_t sbdf, uint64_t dma, uint64_t hpa)
{
	uint32_t command = config(sbdf, PCI_COMMAND, 2);
	bool arrives;

	poke(sbdf, PCI_COMMAND, 2, command | PCI_COMMAND_MASTER);
	arrives = dma_arrives(sbdf, dma, hpa);
	poke(sbdf, PCI_COMMAND, 2, command);
	return arrives;
}

static bool have_both(void)
{
	return owner_of(ALL) == domain_id(one) &&
	       owner_of(LEGACY) == domain_id(one) && reaches(ALL, DMA, ram) &&
	       reaches(LEGACY, DMA + 8, ram + 8);
}

static int map_more(void)
{
	int err = 0;

	if (!more)
		more = pages_of(domain_id(one));
	if (!mapped_more)
		err = domain_dma_map(one, MORE, more, SIZE, RW);
	mapped_more = !err;
	return err;
}

static bool has_more(void)
{
	return reaches(ALL, MORE, more) && reaches(LEGACY, MORE + 8, more + 8);
}

static const struct answer unmap_errors[] = {
	{ -ENOMEM, OF_MEMORY },
	{ -EIO, OF_UNIT },
	LAST,
};

/*
 * One page out of the middle. -EIO: those that have not forgotten it are
 * blocked; so the memory is not reached by them either.
 */
static int unmap(void)
{
	int err = domain_dma_unmap(one, DMA + FABRIC_PAGE, FABRIC_PAGE);

	if (err == -EIO)
		CHECK(info_of(ALL).broken || info_of(LEGACY).broken);
	if (err == -ENOMEM)
		CHECK(reaches(ALL, DMA + FABRIC_PAGE, ram + FABRIC_PAGE));
	return err == -ENOENT ? 0 : err;
}

static bool is_unmapped(void)
{
	return reaches(ALL, DMA, ram) &&
	       !reaches(ALL, DMA + FABRIC_PAGE, ram + FABRIC_PAGE);
}

static int unmap_all(void)
{
	int err = domain_dma_unmap(one, MORE, SIZE);

	mapped_more = mapped_more && err == -ENOMEM;
	return err == -ENOENT ? 0 : err;
}

static bool is_all_unmapped(void)
{
	return !reaches(ALL, MORE, more);
}

static int destroy(void)
{
	if (one)
		destroy_one();
	if (ram)
		free_pages(ram);
	if (more)
		free_pages(more);
	ram = more = 0;
	return 0;
}

static bool are_home(void)
{
	return is_sound(ALL) && is_sound(LEGACY) && !one;
}

static const struct scenario memory = {
	.name = "dma",
	.step =
		(const struct step[]){
			{ "create", create, memory_only, is_one, false },
			{ "map", map_first, memory_only, has_first, false },
			{ "assign", give_both, assign_errors, have_both,
			  false },
			{ "map more", map_more,
			  (const struct answer[]){
				  { -ENOMEM, OF_MEMORY | OF_UNIT_MEM },
				  LAST },
			  has_more, false },
			{ "unmap", unmap, unmap_errors, is_unmapped, true },
			{ "unmap all", unmap_all, unmap_errors, is_all_unmapped,
			  false },
			{ "destroy", destroy, NULL, are_home, true },
			{ 0 },
		},
};

/* --- regions ------------------------------------------------------------------------- */

static int give_region(void)
{
	return give(one, REGION, PCI_ASSIGN_RELAXED);
}

static bool has_region(void)
{
	return owner_of(REGION) == domain_id(one) &&
	       mode_of(REGION) == IOMMU_SPACE &&
	       domain_dma_map(one, REGION_AT, 0, FABRIC_PAGE, RW) == -EEXIST;
}

static const struct scenario regions = {
	.name = "dma-region",
	.step =
		(const struct step[]){
			{ "create", create, memory_only, is_one, false },
			{ "map", map_first, memory_only, has_first, false },
			{ "assign", give_region, assign_errors, has_region,
			  false },
			{ "destroy", destroy, NULL, is_no_one, false },
			{ 0 },
		},
};

/* --- faults ---------------------------------------------------------------------------- */

static int give_all(void)
{
	return give(one, ALL, 0);
}

static bool has_all(void)
{
	return owner_of(ALL) == domain_id(one) && !info_of(ALL).broken &&
	       mode_of(ALL) == IOMMU_SPACE;
}

static struct pci_fault_info faults(void)
{
	struct pci_iommu_info info;

	CHECK_EQUAL(pci_iommu_query(ALL, &info), 0);
	return info.fault;
}

static int fault(void)
{
	unsigned int i;

	guest_write(&vcpu, ALL, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	for (i = 0; i < 10 && !faults().master_off; i++)
		(void)dma_arrives(ALL, 0x7000000, 0);
	guest_write(&vcpu, ALL, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	return 0;
}

/* For good: the guest has tried to switch it on again. */
static bool is_off(void)
{
	return faults().master_off &&
	       !(config(ALL, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
}

static int clear(void)
{
	int err = pci_faults_clear(ALL);

	guest_write(&vcpu, ALL, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	return err;
}

static bool is_on(void)
{
	return !faults().master_off &&
	       config(ALL, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

static const struct scenario too_far = {
	.name = "dma-faults",
	.step =
		(const struct step[]){
			{ "create", create, memory_only, is_one, false },
			{ "assign", give_all, assign_errors, has_all, false },
			{ "fault", fault, NULL, is_off, true },
			{ "clear", clear, NULL, is_on, true },
			{ "destroy", destroy, NULL, is_no_one, false },
			{ 0 },
		},
};

const struct scenario *const dma_scenarios[] = { &memory, &regions, &too_far,
						 NULL };
