/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain_dma_map() and domain_dma_unmap(): what they refuse, what they leave
 * when they fail, and ten thousand of them against a simple model.
 */
#include <holdfast/stage.h>

#include "lab.h"

static const char *second_spec;

static int map_flags(uint64_t dma, uint64_t hpa, uint64_t size, unsigned int fl)
{
	return domain_dma_map(lab.one, dma, hpa, size, fl);
}

/* --- what they refuse ----------------------------------------------------------- */

static void test_what_is_no_range(void **state)
{
	const uint64_t top = 0 - (uint64_t)PAGE;

	(void)state;
	assert_int_equal(map_flags(DMA, lab.mine, 0, RW), -EINVAL);
	assert_int_equal(map_flags(DMA + 1, lab.mine, PAGE, RW), -EINVAL);
	assert_int_equal(map_flags(DMA, lab.mine + 8, PAGE, RW), -EINVAL);
	assert_int_equal(map_flags(DMA, lab.mine, PAGE + 512, RW), -EINVAL);
	assert_int_equal(map_flags(DMA, lab.mine, PAGE / 2, RW), -EINVAL);
	assert_int_equal(map_flags(top, lab.mine, 2 * PAGE, RW), -EINVAL);
	assert_int_equal(map_flags(DMA, top, 2 * PAGE, RW), -EINVAL);
	assert_int_equal(map_flags(DMA, lab.mine, PAGE, 0), -EINVAL);
	assert_int_equal(map_flags(DMA, lab.mine, PAGE, 1u << 2), -EINVAL);
	assert_int_equal(map_flags(DMA, lab.mine, PAGE, RW | 1u << 31),
			 -EINVAL);
	assert_int_equal(unmap(lab.one, DMA, 1), -ENOENT);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	assert_int_equal(domain_dma_unmap(lab.one, DMA, 0), -EINVAL);
	assert_int_equal(domain_dma_unmap(lab.one, DMA + 8, PAGE), -EINVAL);
	assert_int_equal(domain_dma_unmap(lab.one, DMA, PAGE - 1), -EINVAL);
	assert_int_equal(domain_dma_unmap(lab.one, top, 2 * PAGE), -EINVAL);
	assert_int_equal(stats_now().mappings, 1);
}

static void test_special_domains_have_no_map(void **state)
{
	struct domain *const special[] = { hardware_domain, dom_io,
					   dom_hidden };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(special); i++) {
		assert_int_equal(map(special[i], DMA, lab.host, 1), -EINVAL);
		assert_int_equal(unmap(special[i], DMA, 1), -EINVAL);
	}
}

static void test_the_ends_of_the_address_space(void **state)
{
	const uint64_t top = 0 - (uint64_t)PAGE;

	(void)state;
	give(lab.one, NIC);
	assert_int_equal(map(lab.one, 0, lab.mine, 1), 0);
	assert_int_equal(map(lab.one, top, lab.mine + PAGE, 1), 0);
	reaches(NIC, 0, lab.mine);
	reaches(NIC, top, lab.mine + PAGE);
	assert_int_equal(map(lab.one, top - PAGE, lab.mine + 2 * PAGE, 1), 0);
	assert_int_equal(unmap(lab.one, top - PAGE, 2), 0);
	faults(NIC, top);
	reaches(NIC, 0, lab.mine);
}

static void test_an_overlap(void **state)
{
	(void)state;
	assert_int_equal(map(lab.one, DMA + 4 * PAGE, lab.mine, 4), 0);
	assert_int_equal(map(lab.one, DMA + 3 * PAGE, lab.mine, 2), -EEXIST);
	assert_int_equal(map(lab.one, DMA + 7 * PAGE, lab.mine, 2), -EEXIST);
	assert_int_equal(map(lab.one, DMA + 5 * PAGE, lab.mine, 1), -EEXIST);
	assert_int_equal(map(lab.one, DMA, lab.mine, 16), -EEXIST);
	assert_int_equal(map(lab.one, DMA + 4 * PAGE, lab.mine, 4), -EEXIST);
	assert_int_equal(map(lab.one, DMA + 3 * PAGE, lab.mine, 1), 0);
	assert_int_equal(map(lab.one, DMA + 8 * PAGE, lab.mine, 1), 0);
	assert_int_equal(stats_now().mappings, 3);
	/* Another domain's is none. */
	assert_int_equal(map(lab.two, DMA + 4 * PAGE, lab.yours, 4), 0);
}

static void test_a_hole(void **state)
{
	(void)state;
	give(lab.one, NIC);
	assert_int_equal(map(lab.one, DMA, lab.mine, 2), 0);
	assert_int_equal(map(lab.one, DMA + 3 * PAGE, lab.mine + 3 * PAGE, 2),
			 0);
	assert_int_equal(unmap(lab.one, DMA, 5), -ENOENT);
	assert_int_equal(unmap(lab.one, DMA + PAGE, 2), -ENOENT);
	assert_int_equal(unmap(lab.one, DMA - PAGE, 2), -ENOENT);
	assert_int_equal(unmap(lab.one, DMA + 4 * PAGE, 2), -ENOENT);
	assert_int_equal(unmap(lab.two, DMA, 1), -ENOENT);
	reaches(NIC, DMA, lab.mine);
	reaches(NIC, DMA + 4 * PAGE, lab.mine + 4 * PAGE);
	/* Two that meet are taken out at once. */
	assert_int_equal(map(lab.one, DMA + 2 * PAGE, lab.mine + 2 * PAGE, 1),
			 0);
	assert_int_equal(unmap(lab.one, DMA + PAGE, 3), 0);
	assert_int_equal(stats_now().mappings, 2);
	assert_int_equal(unit_now().pages, 2);
}

static void test_a_dying_guest(void **state)
{
	(void)state;
	give(lab.one, NIC);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	assert_int_equal(domain_destroy(lab.one), 0);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), -EINVAL);
	assert_int_equal(unmap(lab.one, DMA, 1), -ENOENT);
	assert_int_equal(stats_now().mappings, 0);
	/* And one that never had a map. */
	assert_int_equal(domain_destroy(lab.two), 0);
	assert_int_equal(map(lab.two, DMA, lab.yours, 1), -EINVAL);
	assert_int_equal(stats_now().mappings, 0);
}

/* --- reserved regions ------------------------------------------------------------- */

#define DIRECT 0x7f000000ull
#define DIRECT_PAGES 16
#define HOLE 0x7e000000ull

static void expect_region(uint64_t start, uint64_t size,
			  enum iommu_region_kind kind)
{
	assert_int_equal(lab.report.sbdf.sbdf, at(FIRMWARE).sbdf);
	assert_int_equal(lab.report.region.start, start);
	assert_int_equal(lab.report.region.size, size);
	assert_int_equal(lab.report.region.kind, kind);
	assert_non_null(lab.report.reason);
}

static void test_firmwares_device_is_not_given(void **state)
{
	(void)state;
	assert_int_equal(try_give(lab.one, FIRMWARE, 0), -EPERM);
	expect_region(DIRECT, DIRECT_PAGES * PAGE, IOMMU_REGION_DIRECT);
	assert_int_equal(pci_test_assign(lab.one, at(FIRMWARE), 0, &lab.report),
			 -EPERM);
	expect_region(DIRECT, DIRECT_PAGES * PAGE, IOMMU_REGION_DIRECT);
	assert_string_equal(owner(FIRMWARE), "hardware");
	assert_int_equal(try_give(lab.one, FIRMWARE, PCI_ASSIGN_RELAXED), 0);
}

static void test_a_region_where_something_is_mapped(void **state)
{
	const unsigned int relaxed = PCI_ASSIGN_RELAXED;

	(void)state;
	assert_int_equal(map(lab.one, HOLE + 16 * PAGE, lab.mine, 1), 0);
	assert_int_equal(try_give(lab.one, FIRMWARE, relaxed), -EPERM);
	expect_region(HOLE, 1u << 20, IOMMU_REGION_RESERVED);
	assert_int_equal(pci_test_assign(lab.one, at(FIRMWARE), relaxed,
					 &lab.report),
			 -EPERM);
	assert_int_equal(unmap(lab.one, HOLE + 16 * PAGE, 1), 0);
	assert_int_equal(map(lab.one, DIRECT + 15 * PAGE, lab.mine, 1), 0);
	assert_int_equal(try_give(lab.one, FIRMWARE, relaxed), -EPERM);
	expect_region(DIRECT, DIRECT_PAGES * PAGE, IOMMU_REGION_DIRECT);
	assert_int_equal(unmap(lab.one, DIRECT + 15 * PAGE, 1), 0);
	assert_int_equal(try_give(lab.one, FIRMWARE, relaxed), 0);
}

static void test_and_the_other_way_round(void **state)
{
	(void)state;
	assert_int_equal(try_give(lab.one, FIRMWARE, PCI_ASSIGN_RELAXED), 0);
	assert_int_equal(map(lab.one, DIRECT, lab.mine, 1), -EEXIST);
	assert_int_equal(map(lab.one, DIRECT - PAGE, lab.mine, 2), -EEXIST);
	assert_int_equal(map(lab.one, DIRECT + 15 * PAGE, lab.mine, 2),
			 -EEXIST);
	assert_int_equal(map(lab.one, HOLE + 255 * PAGE, lab.mine, 1), -EEXIST);
	assert_int_equal(map(lab.one, HOLE - PAGE, lab.mine, 1), 0);
	assert_int_equal(
		map(lab.one, DIRECT + DIRECT_PAGES * PAGE, lab.mine, 1), 0);
	/* It is the device's: another domain is free, and so is this one later. */
	assert_int_equal(map(lab.two, DIRECT, lab.yours, 1), 0);
	assert_int_equal(take(lab.one, FIRMWARE), 0);
	assert_int_equal(map(lab.one, DIRECT, lab.mine, 1), 0);
}

/* After the look at the regions, and before the device comes. */
static int map_it(struct pci_dev *pdev)
{
	(void)pdev;
	(void)map(lab.one, DIRECT, lab.mine, 1);
	return 0;
}

static void test_nor_if_that_is_mapped_meanwhile(void **state)
{
	static const struct pci_stage between = { .name = "test",
						  .rank = PCI_STAGE_RESET - 1,
						  .leave = map_it };

	(void)state;
	assert_int_equal(pci_stage_register(&between), 0);
	assert_int_equal(try_give(lab.one, FIRMWARE, PCI_ASSIGN_RELAXED),
			 -EPERM);
	expect_region(DIRECT, DIRECT_PAGES * PAGE, IOMMU_REGION_DIRECT);
	assert_string_equal(owner(FIRMWARE), "hardware");
}

/* --- failures ------------------------------------------------------------------------ */

static void test_a_unit_without_memory(void **state)
{
	(void)state;
	give(lab.one, NIC);
	fabric_fail(lab.f, FABRIC_CALL_MAP, 1);
	assert_int_equal(map(lab.one, DMA, lab.mine, 4), -ENOMEM);
	assert_int_equal(stats_now().mappings, 0);
	assert_int_equal(unit_now().pages, 0);
	faults(NIC, DMA);
	assert_int_equal(map(lab.one, DMA, lab.mine, 4), 0);
	reaches(NIC, DMA, lab.mine);
}

/* All hosts, or none: a second one says no. */
static void test_the_second_of_two_hosts_fails(void **state)
{
	pci_sbdf_t far = pci_sbdf(7, 1, 0, 0);
	pci_sbdf_t any = pci_sbdf_from(UINT32_MAX);
	struct fabric_unit_info unit;
	struct fabric *second;
	struct pci_scan scan;
	uint64_t word = 1;
	char err[200];

	(void)state;
	second = fabric_open(second_spec, err, sizeof(err));
	assert_non_null(second);
	assert_int_equal(pci_segment_add(7, fabric_host(second)), 0);
	assert_int_equal(pci_scan_segment(7, &scan), 0);
	give(lab.one, NIC);
	assert_int_equal(pci_assign_device(lab.one, far, 0, &any, NULL), 0);
	assert_int_equal(stats_now().spaces, 2);
	assert_int_equal(map(lab.one, DMA + 8 * PAGE, lab.mine, 1), 0);

	fabric_fail(second, FABRIC_CALL_MAP, 1);
	assert_int_equal(map(lab.one, DMA, lab.mine, 2), -ENOMEM);
	assert_int_equal(stats_now().mappings, 1);
	assert_int_equal(unit_now().pages, 1);
	faults(NIC, DMA);
	assert_int_equal(map(lab.one, DMA, lab.mine, 2), 0);
	fabric_unit(second, &unit);
	assert_int_equal(unit.pages, 3);
	reaches(NIC, DMA + PAGE, lab.mine + PAGE);

	/* And one that does not answer stops its own devices only. */
	fabric_fail(second, FABRIC_CALL_FLUSH, 1);
	assert_int_equal(unmap(lab.one, DMA, 1), -EIO);
	reaches(NIC, DMA + PAGE, lab.mine + PAGE);
	assert_string_equal(broken(NIC), "");
	assert_int_equal(fabric_context(second, far, NULL), IOMMU_BLOCKED);
	assert_string_equal(broken("0007:01:00.0"),
			    "the IOMMU has not forgotten memory in time");
	assert_true(fabric_dma_write(second, far, DMA, &word, 8) != 0);

	assert_int_equal(domain_destroy(lab.one), 0);
	fabric_unit(second, &unit);
	assert_int_equal(unit.contexts, 0);
	assert_int_equal(unit.pages, 0);
	assert_int_equal(unit.spaces, 0);
	lab.second = second;
}

/* … and says nothing: the other one's devices have time all the same. */
static void test_the_first_of_two_hosts_does_not_answer(void **state)
{
	pci_sbdf_t far = pci_sbdf(7, 1, 0, 0);
	pci_sbdf_t any = pci_sbdf_from(UINT32_MAX);
	struct pci_scan scan;
	char err[200];

	(void)state;
	lab.second = fabric_open(second_spec, err, sizeof(err));
	assert_non_null(lab.second);
	assert_int_equal(pci_segment_add(7, fabric_host(lab.second)), 0);
	assert_int_equal(pci_scan_segment(7, &scan), 0);
	give(lab.one, NIC);
	assert_int_equal(pci_assign_device(lab.one, far, 0, &any, NULL), 0);
	assert_int_equal(map(lab.one, DMA, lab.mine, 1), 0);
	fabric_flush_delay(lab.f, PLAT_FOREVER);
	fabric_flush_delay(lab.second, 20 * MSEC);
	assert_int_equal(unmap(lab.one, DMA, 1), -EIO);
	assert_string_equal(broken(NIC),
			    "the IOMMU has not forgotten memory in time");
	assert_string_equal(broken("0007:01:00.0"), "");
	assert_int_equal(fabric_context(lab.second, far, NULL), IOMMU_SPACE);
	fabric_flush_delay(lab.f, 0);
	assert_int_equal(domain_destroy(lab.one), 0);
	lab.kept = 1;
}

static void test_without_memory_nothing_has_changed(void **state)
{
	unsigned int n, i, tried = 0;
	int err;

	(void)state;
	give(lab.one, NIC);
	/* The record grows on its way: 8, 16, 32. */
	for (i = 0; i < 20; i++) {
		for (n = 1, err = -1; err; n++, tried++) {
			lab.fail_in = n;
			err = map(lab.one, DMA + i * 4 * PAGE, lab.mine, 3);
			if (!err)
				break;
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(stats_now().mappings, i);
			assert_int_equal(unit_now().pages, 3 * i);
		}
		lab.fail_in = 0;
	}
	assert_true(tried > 20);
	for (i = 0; i < 20; i++) {
		for (n = 1, err = -1; err; n++, tried++) {
			lab.fail_in = n;
			err = unmap(lab.one, DMA + (i * 4 + 1) * PAGE, 1);
			if (!err)
				break;
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(unit_now().pages, 60 - i);
			assert_int_equal(stats_now().mappings, 20 + i);
		}
		lab.fail_in = 0;
	}
	assert_true(tried > 40);
	for (i = 0; i < 20; i++) {
		reaches(NIC, DMA + i * 4 * PAGE, lab.mine);
		assert_int_equal(dma(NIC, DMA + (i * 4 + 1) * PAGE), -EFAULT);
		reaches(NIC, DMA + (i * 4 + 2) * PAGE, lab.mine + 2 * PAGE);
	}
}

/* --- a model ---------------------------------------------------------------------------- */

#define WINDOW 48u

/* Of each page: which call has mapped it, or 0; where to; and how. */
static struct {
	unsigned int call, to, flags;
} model[WINDOW];

static uint32_t seed;

static unsigned int dice(unsigned int n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

static unsigned int mapped(unsigned int from, unsigned int n)
{
	unsigned int count = 0;

	while (n--)
		count += model[from + n].call != 0;
	return count;
}

static void map_some(unsigned int call, unsigned int from, unsigned int n)
{
	unsigned int to = dice(PAGES - n + 1), flags = 1 + dice(3), i;
	int err = domain_dma_map(lab.one, DMA + from * PAGE,
				 lab.mine + to * PAGE, n * PAGE, flags);

	assert_int_equal(err, mapped(from, n) ? -EEXIST : 0);
	for (i = 0; i < n && !err; i++) {
		model[from + i].call = call;
		model[from + i].to = to + i;
		model[from + i].flags = flags;
	}
}

static void unmap_some(unsigned int from, unsigned int n)
{
	int err = unmap(lab.one, DMA + from * PAGE, n);

	assert_int_equal(err, mapped(from, n) == n ? 0 : -ENOENT);
	while (n-- && !err)
		model[from + n].call = 0;
}

/* One unmapping leaves at most one piece more of each mapping. */
static unsigned int ranges(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < WINDOW; i++)
		n += model[i].call &&
		     (!i || model[i - 1].call != model[i].call);
	return n;
}

static void compare_page(const char *device, unsigned int i)
{
	const uint64_t address = DMA + i * PAGE;
	uint64_t hpa = lab.mine + model[i].to * PAGE, word;
	unsigned int flags = model[i].call ? model[i].flags : 0;

	if (flags & IOMMU_WRITE)
		assert_true(arrives(device, address, hpa));
	else
		assert_int_equal(dma(device, address), -EFAULT);
	assert_int_equal(fabric_dma_read(lab.f, at(device), address, &word, 8),
			 flags & IOMMU_READ ? 0 : -EFAULT);
}

static void compare(bool late)
{
	unsigned int i;

	assert_int_equal(stats_now().mappings, ranges());
	assert_int_equal(unit_now().pages, mapped(0, WINDOW));
	for (i = 0; i < WINDOW; i++) {
		compare_page(NIC, i);
		if (late)
			compare_page(OTHER_HOST, i);
	}
}

static void play(uint32_t from, unsigned int steps)
{
	unsigned int i;

	seed = from;
	memset(model, 0, sizeof(model));
	give(lab.one, NIC);
	for (i = 1; i <= steps; i++) {
		unsigned int n = 1 + dice(8), at_page = dice(WINDOW - n + 1);

		if (dice(2))
			map_some(i, at_page, n);
		else
			unmap_some(at_page, n);
		if (i == steps / 2)
			give(lab.one, OTHER_HOST);
		if (i % 10 == 0)
			compare(i > steps / 2);
	}
}

static void test_against_a_model(void **state)
{
	(void)state;
	play(1, 2000);
}

static void test_against_a_model_again(void **state)
{
	(void)state;
	play(4711, 2000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAB(test_what_is_no_range),
		LAB(test_special_domains_have_no_map),
		LAB(test_the_ends_of_the_address_space),
		LAB(test_an_overlap),
		LAB(test_a_hole),
		LAB(test_a_dying_guest),
		LAB(test_firmwares_device_is_not_given),
		LAB(test_a_region_where_something_is_mapped),
		LAB(test_and_the_other_way_round),
		LAB(test_nor_if_that_is_mapped_meanwhile),
		LAB(test_a_unit_without_memory),
		LAB(test_the_second_of_two_hosts_fails),
		LAB_ATS(test_the_first_of_two_hosts_does_not_answer),
		LAB(test_without_memory_nothing_has_changed),
		LAB_ATS(test_without_memory_nothing_has_changed),
		LAB(test_against_a_model),
		LAB_ATS(test_against_a_model_again),
	};

	if (argc < 2)
		return 1;
	second_spec = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
