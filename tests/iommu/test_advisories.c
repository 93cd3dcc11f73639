/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Security advisories of another hypervisor, recast for this one: the situation
 * of each, and that it is harmless here. docs/advisories.md has them all, with
 * where else they are tested.
 */
#include "story.h"

#include "device/internal.h"

#define DMA 0x100000ull
#define BAR 0xe0000000ull

static struct domain *one, *two;
static struct vpci_vcpu vcpu, vcpu_two; /* of theirs */
static uint64_t ram, ram_two;           /* a page each, at DMA */
static unsigned int came, came_two;
static struct left before;

/* --- two guests --------------------------------------------------------------------- */

static void on_interrupt(struct domain *d, pci_sbdf_t sbdf, bool msix,
			 unsigned int index)
{
	(void)sbdf;
	(void)msix;
	(void)index;
	if (d == one)
		came++;
	else
		came_two++;
}

static const struct domain_ops guest_ops = { .interrupt = on_interrupt };

static struct domain *begin(const char *name, struct vpci_vcpu *v,
			    uint64_t *hpa)
{
	struct domain *d;

	assert_int_equal(domain_create(0, name, &guest_ops, NULL, &d), 0);
	vpci_vcpu_init(v, d);
	*hpa = pages_of(domain_id(d), 1);
	assert_int_equal(domain_dma_map(d, DMA, *hpa, FABRIC_PAGE,
					IOMMU_READ | IOMMU_WRITE),
			 0);
	return d;
}

/* The guest dies, its memory is nobody's, and whoever reaches it is a thief. */
static void end(struct domain **d, struct vpci_vcpu *v, uint64_t hpa)
{
	if (!*d)
		return;
	assert_int_equal(domain_destroy(*d), 0);
	assert_int_equal(fabric_ram_free(f, hpa, FABRIC_PAGE), 0);
	vpci_vcpu_fini(v);
	domain_put(*d);
	*d = NULL;
	fabric_turn(f);
}

static void begin_two(void)
{
	two = begin("two", &vcpu_two, &ram_two);
}

static int set_up(void **state)
{
	(void)state;
	lab_open(NULL);
	lab_add_segments();
	assert_int_equal(lab_scan(), 0);
	came = came_two = 0;
	before = left();
	one = begin("one", &vcpu, &ram);
	begin_two();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lab_on_wait = NULL;
	end(&one, &vcpu, ram);
	end(&two, &vcpu_two, ram_two);
	assert_left(&before);
	assert_int_equal(pci_check_invariants(), 0);
	lab_close();
	return 0;
}

static void masters(struct vpci_vcpu *v, const char *device)
{
	wr(v, device, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
}

static struct pci_iommu_info iommu(const char *device)
{
	struct pci_iommu_info info;

	assert_int_equal(pci_iommu_query(at(device), &info), 0);
	return info;
}

/* --- interrupts ---------------------------------------------------------------------- */

/* @device writes what raises each vector that there is. */
static void try_all_vectors(const char *device)
{
	uint32_t data;

	for (data = 0; data < 64; data++)
		(void)dma(device, FABRIC_MSI_BASE, data);
}

static void test_XSA33_a_message_counts_as_its_senders_only(void **state)
{
	(void)state;
	assert_int_equal(give(one, MSIX, 0), 0);
	assert_int_equal(give(two, SECOND, 0), 0);
	enable_msix(&vcpu, MSIX, BAR, 4);
	masters(&vcpu_two, SECOND);
	assert_int_equal(fabric_interrupt(f, at(MSIX), 3), 0);
	assert_int_equal(came, 1);
	try_all_vectors(SECOND);
	assert_int_equal(came, 1);
	assert_int_equal(iommu(SECOND).fault.last.reason,
			 IOMMU_FAULT_INTERRUPT);
	assert_true(iommu(SECOND).fault.total >= 64);
	assert_int_equal(iommu(MSIX).fault.total, 0);
}

/* Requests from below such a bridge have the bridge's name. */
static void test_XSA49_nor_do_bridges_lend_their_name(void **state)
{
	(void)state;
	assert_int_equal(give(one, LEGACY, PCI_ASSIGN_GROUP), 0);
	assert_int_equal(give(two, MSIX, 0), 0);
	enable_msi(&vcpu, LEGACY, 1);
	enable_msix(&vcpu_two, MSIX, BAR, 1);
	assert_int_equal(fabric_interrupt(f, at(LEGACY), 0), 0);
	assert_int_equal(came, 1);
	try_all_vectors(MSIX);
	assert_int_equal(came, 1);
	came_two = 0;
	try_all_vectors(LEGACY);
	assert_int_equal(came_two, 0);
}

static void test_XSA46_no_vector_outlives_the_right_to_it(void **state)
{
	unsigned int had;

	(void)state;
	assert_int_equal(give(one, MSIX, 0), 0);
	enable_msix(&vcpu, MSIX, BAR, 4);
	assert_int_equal(pci_deassign_device(one, at(MSIX), 0, &report), 0);
	assert_int_equal(left().vectors, before.vectors);
	assert_int_equal(give(two, MSIX, 0), 0);
	enable_msix(&vcpu_two, MSIX, BAR, 2);
	had = came;
	try_all_vectors(MSIX);
	assert_int_equal(came, had);
	assert_int_equal(came_two, 2);
}

static void test_XSA360_reboots_use_up_no_vector(void **state)
{
	unsigned int i;

	(void)state;
	fabric_irq_room(f, 8);
	for (i = 0; i < 50; i++) {
		assert_int_equal(give(one, MSIX, 0), 0);
		assert_int_equal(give(one, MULTI, PCI_ASSIGN_GROUP), 0);
		enable_msix(&vcpu, MSIX, BAR, 4);
		enable_msi(&vcpu, MULTI, 4);
		assert_int_equal(irqs(MSIX).msix, 4);
		assert_int_equal(irqs(MULTI).msi, 4);
		end(&one, &vcpu, ram);
		assert_int_equal(left().vectors, 0);
		one = begin("one", &vcpu, &ram);
	}
}

/* All of the vectors of a capability or none, whatever there is room for. */
static void test_XSA458_several_vectors_come_whole_or_not_at_all(void **state)
{
	unsigned int room;

	(void)state;
	assert_int_equal(give(one, MULTI, PCI_ASSIGN_GROUP), 0);
	for (room = 1; room <= 8; room++) {
		fabric_irq_room(f, room);
		enable_msi(&vcpu, MULTI, 8);
		assert_int_equal(irqs(MULTI).msi, room < 8 ? 0 : 8);
		assert_int_equal(left().vectors, room < 8 ? 0 : 8);
		if (room < 8)
			assert_true(irqs(MULTI).failed > 0);
	}
}

/* --- DMA -------------------------------------------------------------------------------- */

/*
 * It goes on with DMA, and whom it was taken from has his memory used for
 * something else at once.
 */
static void goes_on(void)
{
	assert_int_equal(give(one, MSIX, 0), 0);
	masters(&vcpu, MSIX);
	dma_without_end(MSIX, DMA, 0);
	fabric_turn(f);
	assert_int_equal(in_ram(ram) & 0xffff0000, 0x5a5a0000);
}

static void reuse(void)
{
	assert_int_equal(fabric_ram_give(f, ram, FABRIC_PAGE, DOMID_HARDWARE),
			 0);
	fabric_turn(f);
}

static void test_XSA302_what_a_guest_gives_back_reaches_nothing(void **state)
{
	(void)state;
	goes_on();
	assert_int_equal(pci_deassign_device(one, at(MSIX), 0, &report), 0);
	reuse();
	assert_int_equal(owner(MSIX), DOMID_HARDWARE);
}

static void test_XSA306_nor_what_goes_another_way(void **state)
{
	(void)state;
	goes_on();
	end(&one, &vcpu, ram); /* frees what it reached */
	assert_int_equal(give(two, MSIX, 0), 0);
	masters(&vcpu_two, MSIX);
	dma_without_end(MSIX, DMA, 0);
	assert_int_equal(pci_remove_device(at(MSIX), PCI_REMOVE_FORCE,
					   PLAT_NSEC_PER_SEC, NULL),
			 0);
	before.ats--;
	fabric_turn(f);
}

/* What it does in quarantine in spite of all, with what it reaches. */
static void quarantined(enum pci_quarantine option, const char *device,
			enum iommu_mode mode, int err)
{
	const struct pci_iommu_options options = { .quarantine = option };
	const struct fabric_fault stubborn = { .sbdf = at(device),
					       .kind = FABRIC_KEEPS_DMA };
	uint64_t hpa;

	lab_open(&options);
	lab_add_segments();
	assert_int_equal(lab_scan(), 0);
	hpa = pages_of(DOMID_IO, 1);
	assert_int_equal(pci_quarantine_device(at(device), "a test says so"),
			 0);
	assert_true(in_quarantine(device));
	assert_int_equal(iommu(device).mode, mode);
	assert_int_equal(fabric_fault_set(f, &stubborn), 0);
	assert_int_equal(dma(device, hpa, 0x99), err);
	assert_int_equal(in_ram(hpa), mode == IOMMU_IDENTITY ? 0x99 : 0);
	assert_int_equal(fabric_fault_clear(f, at(device)), 0);
	assert_int_equal(pci_unquarantine_device(at(device), NULL), 0);
	assert_int_equal(iommu(device).mode, IOMMU_IDENTITY);
	lab_close();
}

/* By whichever option, in each unit; there is no build without. */
static void test_XSA445_XSA450_each_kind_of_quarantine_is_there(void **state)
{
	static const struct {
		enum pci_quarantine option;
		enum iommu_mode mode;
		int err;
	} kind[] = {
		{ PCI_QUARANTINE_BASIC, IOMMU_BLOCKED, -EFAULT },
		{ PCI_QUARANTINE_SCRATCH, IOMMU_SCRATCH, 0 },
		{ PCI_QUARANTINE_NONE, IOMMU_IDENTITY, 0 },
	};
	static const char *const device[] = { MSIX, PHANTOM, ELSEWHERE };
	unsigned int i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(kind); i++)
		for (j = 0; j < ARRAY_SIZE(device); j++)
			quarantined(kind[i].option, device[j], kind[i].mode,
				    kind[i].err);
}

static void test_XSA346_memory_is_free_when_all_have_forgotten_it(void **state)
{
	(void)state;
	goes_on();
	fabric_flush_delay(f, PCI_FLUSH_TIME / 4);
	assert_int_equal(domain_dma_unmap(one, DMA, FABRIC_PAGE), 0);
	reuse();
	assert_int_equal(dma(MSIX, DMA, 0x77), -EFAULT);
}

/*
 * Nothing answers in time: the caller is told, and by then no device of the
 * domain reaches anything. What is answered later is of no account.
 */
static void test_XSA373_a_flush_is_over_too_late(void **state)
{
	const char *why;

	(void)state;
	goes_on();
	fabric_flush_delay(f, PLAT_FOREVER);
	assert_int_equal(pci_deassign_device(one, at(MSIX), 0, &report), -EIO);
	assert_non_null(report.reason);
	assert_true(in_quarantine(MSIX));
	assert_true(iommu(MSIX).stuck);
	assert_int_equal(give(two, MSIX, 0), -EBADF);
	assert_int_equal(pci_unquarantine_device(at(MSIX), &why), -EIO);
	fabric_flush_finish(f);
	reuse();
	assert_true(in_quarantine(MSIX));
	assert_int_equal(iommu(MSIX).mode, IOMMU_BLOCKED);
	fabric_flush_delay(f, 0);
	assert_int_equal(pci_unquarantine_device(at(MSIX), NULL), 0);
	assert_false(iommu(MSIX).stuck);
}

/*
 * A region of firmware's is the hardware domain's: a guest gets the device if
 * told that it does without, and never the region.
 */
static void has_no_region(struct domain *d, struct vpci_vcpu *v)
{
	assert_int_equal(give(d, RESERVED, 0), -EPERM);
	assert_int_equal(report.region.start, REGION);
	assert_int_equal(give(d, RESERVED, PCI_ASSIGN_RELAXED), 0);
	assert_true(left().pages <= 2); /* a guest's own one each */
	masters(v, RESERVED);
	assert_int_equal(dma(RESERVED, REGION, 1), -EFAULT);
	assert_int_equal(domain_dma_map(d, REGION, ram, FABRIC_PAGE,
					IOMMU_READ | IOMMU_WRITE),
			 -EEXIST);
}

static void test_XSA386_XSA400_a_region_is_no_guests(void **state)
{
	(void)state;
	has_no_region(one, &vcpu);
	assert_int_equal(pci_deassign_device(one, at(RESERVED), 0, &report), 0);
	assert_int_equal(fabric_context(f, at(RESERVED), NULL), IOMMU_IDENTITY);
	has_no_region(two, &vcpu_two);
	end(&two, &vcpu_two, ram_two);
	assert_int_equal(fabric_context(f, at(RESERVED), NULL), IOMMU_IDENTITY);
	has_no_region(one, &vcpu);
}

/* Each unit walks what was made for it; what is mapped is so in all. */
static void test_XSA390_units_agree_about_what_is_mapped(void **state)
{
	static const char *const device[] = { MSIX, ELSEWHERE };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(device); i++) {
		assert_int_equal(give(one, device[i], 0), 0);
		masters(&vcpu, device[i]);
		assert_int_equal(dma(device[i], DMA, 0x100 + i), 0);
		assert_int_equal(in_ram(ram), 0x100 + i);
		assert_int_equal(dma(device[i], DMA + FABRIC_PAGE, 1), -EFAULT);
		assert_int_equal(dma(device[i], ram, 1), -EFAULT);
	}
	assert_int_equal(domain_dma_unmap(one, DMA, FABRIC_PAGE), 0);
	reuse();
	for (i = 0; i < ARRAY_SIZE(device); i++)
		assert_int_equal(dma(device[i], DMA, 1), -EFAULT);
}

/* --- what the host does not believe --------------------------------------------------- */

static void count(void *data, unsigned int index)
{
	(void)index;
	++*(unsigned int *)data;
}

/* Registers may be reached by another way than ours: they are written only. */
static void
test_XSA337_what_a_card_says_of_its_message_is_not_read(void **state)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(SECOND));
	uint16_t msi = pcidev_desc(pdev)->msi;
	uint32_t address = 0, data = 0;
	unsigned int n = 0;

	(void)state;
	assert_int_equal(pci_irq_bind(pdev, PCI_VECTOR_MSI, 0, 1, count, &n),
			 0);
	assert_int_equal(pci_irq_mask(pdev, PCI_VECTOR_MSI, 0, false), 0);
	address = config(SECOND, msi + PCI_MSI_ADDRESS_LO, 4);
	data = config(SECOND, msi + PCI_MSI_DATA_64, 2);
	poke(SECOND, msi + PCI_MSI_ADDRESS_LO, 4, (uint32_t)ram_two);
	poke(SECOND, msi + PCI_MSI_DATA_64, 2, 0x4711);
	assert_int_equal(pci_restore_msi(at(SECOND)), 0);
	assert_int_equal(config(SECOND, msi + PCI_MSI_ADDRESS_LO, 4), address);
	assert_int_equal(config(SECOND, msi + PCI_MSI_DATA_64, 2), data);
	poke(SECOND, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(fabric_interrupt(f, at(SECOND), 0), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pci_irq_unbind(pdev, PCI_VECTOR_MSI, 0, 1), 0);
	pcidev_put(pdev);
}

/* --- locks -------------------------------------------------------------------------------- */

/*
 * Faults and messages come in the middle of anything. A lock that was taken
 * twice, or out of its order, would stop the program.
 */
static void test_XSA467_what_comes_as_an_interrupt_takes_no_lock(void **state)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(MSIX));
	pci_sbdf_t bridge;

	(void)state;
	assert_int_equal(give(one, MSIX, 0), 0);
	enable_msix(&vcpu, MSIX, BAR, 1);
	pci_lock(&pdev->pseg->lock);
	pci_lock(&one->lock);
	pci_lock(&pdev->lock);
	assert_int_equal(pci_bus_bridge(0, pdev->desc.sbdf.bus, &bridge), 0);
	assert_int_equal(fabric_interrupt(f, at(MSIX), 0), 0);
	assert_int_equal(dma(MSIX, 0x666000, 1), -EFAULT);
	pci_unlock(&pdev->lock);
	pci_unlock(&one->lock);
	pci_unlock(&pdev->pseg->lock);
	assert_int_equal(came, 1);
	assert_int_equal(iommu(MSIX).fault.total, 1);
	lab_work();
	pcidev_put(pdev);
}

static bool waited;

static void others_are_served(void)
{
	waited = true;
	assert_int_equal(give(two, SECOND, 0), 0);
	masters(&vcpu_two, SECOND);
	assert_int_equal(dma(SECOND, DMA, 0x55), 0);
	assert_int_equal(
		domain_dma_map(one, 0x900000, ram, FABRIC_PAGE, IOMMU_READ), 0);
	assert_int_equal(give(two, MSIX, 0), -EBUSY);
}

/* One that takes its time (a flush, a reset) keeps nobody else. */
static void test_XSA492_nobody_waits_for_another_device(void **state)
{
	(void)state;
	assert_int_equal(give(one, MSIX, 0), 0);
	masters(&vcpu, MSIX);
	waited = false;
	lab_on_wait = others_are_served;
	assert_int_equal(pci_deassign_device(one, at(MSIX), 0, &report), 0);
	assert_true(waited);
	assert_int_equal(owner(SECOND), domain_id(two));
}

static void pull(void)
{
	waited = true;
	fabric_flush_delay(f, 0);
	assert_int_equal(fabric_surprise(f, at(MSIX)), 0);
	assert_int_equal(pci_device_lost(at(MSIX)), 0);
	assert_int_equal(pci_deassign_device(one, at(SECOND), 0, &report), 0);
	assert_int_equal(give(one, PHANTOM, 0), 0);
}

/* A flush of all of a domain's devices waits, and they are not there any more. */
static void test_H5_devices_come_and_go_while_they_are_flushed(void **state)
{
	(void)state;
	assert_int_equal(give(one, MSIX, 0), 0);
	assert_int_equal(give(one, SECOND, 0), 0);
	masters(&vcpu, MSIX);
	masters(&vcpu, SECOND);
	assert_int_equal(dma(MSIX, DMA, 1), 0);
	assert_int_equal(dma(SECOND, DMA, 1), 0);
	fabric_flush_delay(f, PCI_FLUSH_TIME / 4);
	waited = false;
	lab_on_wait = pull;
	assert_int_equal(domain_dma_unmap(one, DMA, FABRIC_PAGE), 0);
	assert_true(waited);
	before.ats--;
	fabric_flush_finish(f); /* who is gone does not answer */
	reuse();
	masters(&vcpu, PHANTOM);
	assert_int_equal(dma(PHANTOM, DMA, 1), -EFAULT);
}

static void test_H8_what_the_iommu_does_not_let_go_is_not_freed(void **state)
{
	struct pci_removal_info info;

	(void)state;
	goes_on();
	fabric_flush_delay(f, PLAT_FOREVER);
	assert_int_equal(pci_remove_device(at(MSIX), PCI_REMOVE_FORCE,
					   PLAT_NSEC_PER_SEC, &info),
			 -EIO);
	assert_non_null(info.reason);
	assert_true(in_quarantine(MSIX));
	assert_int_equal(iommu(MSIX).mode, IOMMU_BLOCKED);
	fabric_flush_finish(f);
	fabric_flush_delay(f, 0);
	assert_int_equal(
		pci_remove_device(at(MSIX), 0, PLAT_NSEC_PER_SEC, NULL), 0);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_XSA33_a_message_counts_as_its_senders_only),
		CASE(test_XSA49_nor_do_bridges_lend_their_name),
		CASE(test_XSA46_no_vector_outlives_the_right_to_it),
		CASE(test_XSA360_reboots_use_up_no_vector),
		CASE(test_XSA458_several_vectors_come_whole_or_not_at_all),
		CASE(test_XSA302_what_a_guest_gives_back_reaches_nothing),
		CASE(test_XSA306_nor_what_goes_another_way),
		cmocka_unit_test(
			test_XSA445_XSA450_each_kind_of_quarantine_is_there),
		CASE(test_XSA346_memory_is_free_when_all_have_forgotten_it),
		CASE(test_XSA373_a_flush_is_over_too_late),
		CASE(test_XSA386_XSA400_a_region_is_no_guests),
		CASE(test_XSA390_units_agree_about_what_is_mapped),
		CASE(test_XSA337_what_a_card_says_of_its_message_is_not_read),
		CASE(test_XSA467_what_comes_as_an_interrupt_takes_no_lock),
		CASE(test_XSA492_nobody_waits_for_another_device),
		CASE(test_H5_devices_come_and_go_while_they_are_flushed),
		CASE(test_H8_what_the_iommu_does_not_let_go_is_not_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
