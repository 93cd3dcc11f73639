/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_host.h"

#define SRIOV(reg) (0x200 + (reg))

/* A PF at 02:00.0 with 4 VFs from 02:10.0 on, two apart. */
static struct fake_fn *pf_with_vfs(void)
{
	struct fake_fn *pf = fake_add("02:00.0", 0x10fb8086);

	fake_put(pf, PCI_SUBSYSTEM_VENDOR_ID, 4, 0x00031028);
	fake_sriov(pf, 4, 0x80, 2);
	return pf;
}

static void test_a_vf_has_its_identity_from_its_pf(void **state)
{
	struct pci_dev_desc desc;

	(void)state;
	pf_with_vfs();
	fake_ext_cap(fake_at(at("02:00.0")), 0x300, PCI_EXT_CAP_ID_DSN);
	fake_put(fake_at(at("02:00.0")), 0x300 + PCI_DSN_LOWER, 4, 77);
	fake_put(fake_at(at("02:10.2")), PCI_SUBSYSTEM_ID, 2, 9);
	fake_ext_cap(fake_at(at("02:10.2")), 0x100, PCI_EXT_CAP_ID_DSN);
	fake_put(fake_at(at("02:10.2")), 0x100 + PCI_DSN_LOWER, 4, 78);
	add("02:00.0");
	desc = described("02:10.2");
	assert_true(desc.is_vf);
	assert_int_equal(desc.ident.vendor, 0x8086);
	assert_int_equal(desc.ident.device, 0x10ed);
	assert_int_equal(desc.ident.subvendor, 0x1028);
	assert_int_equal(desc.ident.subdevice, 9);
	assert_int_equal(desc.ident.serial, 77);
	assert_int_equal(desc.parent.sbdf, at("02:00.0").sbdf);
	assert_null(desc.defect);
}

static void test_a_pf_tells_its_numbers(void **state)
{
	struct pci_dev_desc desc;

	(void)state;
	pf_with_vfs();
	desc = described("02:00.0");
	assert_int_equal(desc.vf_total, 8);
	assert_int_equal(desc.vf_num, 4);
	assert_int_equal(desc.vf_offset, 0x80);
	assert_int_equal(desc.vf_stride, 2);
	assert_int_equal(desc.vf_device, 0x10ed);
}

static void test_h9_a_vf_whose_pf_is_unknown_is_nobody(void **state)
{
	(void)state;
	pf_with_vfs();
	assert_int_equal(pci_add_device(at("02:10.0")), -ENODEV);
	assert_false(fake_at(at("02:10.0"))->told);
}

static void test_what_the_pf_does_not_count_is_no_vf(void **state)
{
	struct fake_fn *pf = pf_with_vfs();

	(void)state;
	fake_add("02:10.1", UINT32_MAX); /* between two VFs */
	fake_add("02:11.0", UINT32_MAX); /* after the last */
	fake_add("02:00.1", UINT32_MAX); /* before the first */
	add("02:00.0");
	assert_int_equal(pci_add_device(at("02:10.1")), -ENODEV);
	assert_int_equal(pci_add_device(at("02:11.0")), -ENODEV);
	assert_int_equal(pci_add_device(at("02:00.1")), -ENODEV);
	/* The numbers are those of now, not of when the PF was added. */
	fake_put(pf, SRIOV(PCI_SRIOV_NUM_VF), 2, 5);
	add("02:11.0");
	fake_put(pf, SRIOV(PCI_SRIOV_CTRL), 2, 0);
	assert_int_equal(pci_add_device(at("02:10.6")), -ENODEV);
}

static void test_a_vf_that_does_not_answer_is_nobody(void **state)
{
	(void)state;
	pf_with_vfs();
	add("02:00.0");
	fake_at(at("02:10.4"))->absent = true;
	assert_int_equal(pci_add_device(at("02:10.4")), -ENODEV);
}

static void test_a_vf_holds_its_pf(void **state)
{
	struct pci_hold_info hold;

	(void)state;
	pf_with_vfs();
	add("02:00.0");
	add("02:10.0");
	assert_int_equal(pci_holds_query(at("02:00.0"), &hold, 1), 1);
	assert_int_equal(hold.kind, PCI_HOLD_CHILD);
	assert_int_equal(hold.child.sbdf, at("02:10.0").sbdf);
}

static void test_bars_of_vf_n_lie_n_sizes_above(void **state)
{
	struct fake_fn *pf = pf_with_vfs();
	struct pci_dev_desc desc;

	(void)state;
	fake_put(pf, SRIOV(PCI_SRIOV_CTRL), 2, 0); /* sized while disabled */
	fake_bar(pf, SRIOV(PCI_SRIOV_BAR), 0xf000000c, 0xffffc000);
	fake_bar(pf, SRIOV(PCI_SRIOV_BAR + 4), 1, 0xffffffff);
	add("02:00.0");
	fake_put(pf, SRIOV(PCI_SRIOV_CTRL), 2, PCI_SRIOV_CTRL_VFE);
	desc = described("02:10.6");
	assert_int_equal(desc.bar[0].kind, PCI_BAR_MEM64);
	assert_int_equal(desc.bar[0].addr, 0x1f0000000 + 3 * 0x4000);
	assert_int_equal(desc.bar[0].size, 0x4000);
	assert_int_equal(desc.bar[1].kind, PCI_BAR_NONE);
	assert_int_equal(fake_at(at("02:10.6"))->writes, 0);
}

/* The host fails at the upper half of a VF BAR. */
static void fail_the_next(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn, (void)write;
	if (reg == SRIOV(PCI_SRIOV_BAR))
		fake.error_at = fake.accesses + 1;
}

static void test_a_vf_whose_bars_cannot_be_read_is_not_described(void **state)
{
	struct fake_fn *pf = pf_with_vfs();
	struct pci_dev_desc desc;
	unsigned int half;

	(void)state;
	fake_put(pf, SRIOV(PCI_SRIOV_CTRL), 2, 0);
	fake_bar(pf, SRIOV(PCI_SRIOV_BAR), 0xf000000c, 0xffffc000);
	fake_bar(pf, SRIOV(PCI_SRIOV_BAR + 4), 1, 0xffffffff);
	add("02:00.0");
	fake_put(pf, SRIOV(PCI_SRIOV_CTRL), 2, PCI_SRIOV_CTRL_VFE);
	fake_at(at("02:10.0"))->told = true;
	for (half = 0; half < 2; half++) {
		uint16_t reg = (uint16_t)(SRIOV(PCI_SRIOV_BAR) + 4 * half);
		uint32_t val = fake_get(pf, reg, 4);

		fake_put(pf, reg, 4, UINT32_MAX);
		assert_int_equal(pci_describe(at("02:10.0"), &desc), -EIO);
		fake_put(pf, reg, 4, val);
	}
	fake.on_access = fail_the_next;
	assert_int_equal(pci_describe(at("02:10.0"), &desc), -EIO);
	fake.on_access = NULL;
	assert_int_equal(pci_describe(at("02:10.0"), &desc), 0);
	assert_int_equal(desc.bar[0].addr, 0x1f0000000);
}

static void hostile(uint16_t num, uint16_t offset, uint16_t stride,
		    const char *defect)
{
	struct fake_fn *pf;
	struct pci_scan scan;
	struct pci_dev_desc desc;

	fake.count = 0;
	pf = fake_add("00:05.0", 0x10fb8086);
	fake_sriov(pf, 0, offset, stride);
	fake_put(pf, SRIOV(PCI_SRIOV_CTRL), 2, PCI_SRIOV_CTRL_VFE);
	fake_put(pf, SRIOV(PCI_SRIOV_NUM_VF), 2, num);
	desc = described("00:05.0");
	if (defect)
		assert_string_equal(desc.defect, defect);
	else
		assert_null(desc.defect);
	fake.ops.next = fake_next;
	assert_int_equal(pci_scan_slot(pf->sbdf, &scan), 0);
	assert_int_equal(scan.found, 1);
	assert_int_equal(pci_device_lost(pf->sbdf), 0);
}

static void
test_numbers_that_cannot_be_are_defects_and_not_followed(void **state)
{
	static const char coincide[] =
		"First VF Offset and VF Stride make functions coincide";

	(void)state;
	hostile(9, 0x80, 2, "NumVFs is above TotalVFs");
	hostile(0xffff, 1, 1, "NumVFs is above TotalVFs");
	hostile(4, 0, 2, coincide);
	hostile(4, 8, 0, coincide);
	hostile(8, 0xfff0, 1, "VFs lie beyond bus 255");
	hostile(8, 0x80, 0xffff, "VFs lie beyond bus 255");
	hostile(1, 0x80, 0, NULL);
	hostile(0, 0, 0, NULL);
}

static void test_sriov_in_a_bridge_or_a_vf_is_a_defect(void **state)
{
	struct fake_fn *fn = fake_bridge("00:01.0", 1, 1);
	struct pci_dev_desc desc;

	(void)state;
	fake_sriov(fn, 0, 1, 1);
	desc = described("00:01.0");
	assert_string_equal(desc.defect,
			    "SR-IOV in a function that can have no VFs");
	assert_int_equal(desc.sriov, 0);

	pf_with_vfs();
	add("02:00.0");
	fake_sriov(fake_at(at("02:10.0")), 0, 1, 1);
	assert_non_null(described("02:10.0").defect);
	assert_true(described("02:10.0").is_vf);
}

/* --- how large its BARs are ---------------------------------------------------- */

/*
 * The second VF of a PF whose VF BARs were sized as 16 KiB, 4 KiB, and 64 KiB;
 * what is done with the PF between that and VF Enable.
 */
static struct pci_dev_desc second_vf(void (*meanwhile)(struct fake_fn *pf))
{
	struct fake_fn *pf = fake_add("02:00.0", 0x10fb8086);

	fake_bar(pf, SRIOV(PCI_SRIOV_BAR), 0xe0000004, 0xffffc000);
	fake_bar(pf, SRIOV(PCI_SRIOV_BAR) + 4, 0x1, 0xffffffff);
	fake_bar(pf, SRIOV(PCI_SRIOV_BAR) + 8, 0xd0000000, 0xfffff000);
	fake_bar(pf, SRIOV(PCI_SRIOV_BAR) + 12, 0xc0000000, 0xffff0000);
	fake_put(pf, SRIOV(PCI_SRIOV_SYS_PGSIZE), 4, 1);
	fake_sriov(pf, 0, 0x80, 2);
	meanwhile(pf);
	fake_put(pf, SRIOV(PCI_SRIOV_NUM_VF), 2, 2);
	fake_put(pf, SRIOV(PCI_SRIOV_CTRL), 2, PCI_SRIOV_CTRL_VFE);
	fake_add("02:10.2", UINT32_MAX);
	return described("02:10.2");
}

static void only_added(struct fake_fn *pf)
{
	(void)pf;
	add("02:00.0");
}

static void with_pages_of_64k(struct fake_fn *pf)
{
	add("02:00.0");
	fake_put(pf, SRIOV(PCI_SRIOV_SYS_PGSIZE), 4, 0x10);
}

static void with_pages_of_4k(struct fake_fn *pf)
{
	fake_put(pf, SRIOV(PCI_SRIOV_SYS_PGSIZE), 4, 0x4); /* 16 KiB */
	add("02:00.0");
	fake_put(pf, SRIOV(PCI_SRIOV_SYS_PGSIZE), 4, 0x1);
}

static void resized_to_2_mib(struct fake_fn *pf)
{
	fake_ext_cap(pf, 0x300, PCI_EXT_CAP_ID_VF_REBAR);
	fake_put(pf, 0x300 + PCI_REBAR_CTRL, 4,
		 1 << PCI_REBAR_CTRL_NBAR_SHIFT |
			 1 << PCI_REBAR_CTRL_BAR_SHIFT);
	add("02:00.0");
}

static void test_a_vfs_bars_are_the_size_that_they_have_now(void **state)
{
	struct pci_dev_desc desc = second_vf(only_added);

	(void)state;
	assert_int_equal(desc.bar[0].size, 0x4000);
	assert_int_equal(desc.bar[0].addr, 0x1e0004000);
	assert_int_equal(desc.bar[2].size, 0x1000);
	assert_int_equal(desc.bar[2].addr, 0xd0001000);
}

static void test_every_vf_bar_is_whole_pages(void **state)
{
	struct pci_dev_desc desc = second_vf(with_pages_of_64k);

	(void)state;
	assert_int_equal(desc.bar[0].size, 0x10000);
	assert_int_equal(desc.bar[0].addr, 0x1e0010000);
	assert_int_equal(desc.bar[2].size, 0x10000);
	assert_int_equal(desc.bar[2].addr, 0xd0010000);
}

/* A page, by which it was measured, may have been more than it takes. */
static void test_a_smaller_page_leaves_a_size_open(void **state)
{
	struct pci_dev_desc desc = second_vf(with_pages_of_4k);

	(void)state;
	assert_true(desc.bar[0].size_unknown);
	assert_int_equal(desc.bar[0].addr, 0);
	assert_int_equal(desc.bar[3].addr, 0xc0010000); /* it took more */
}

static void test_vf_bars_can_be_resized(void **state)
{
	struct pci_dev_desc desc = second_vf(resized_to_2_mib);

	(void)state;
	assert_int_equal(desc.bar[0].size, 0x200000);
	assert_int_equal(desc.bar[0].addr, 0x1e0200000);
	assert_int_equal(desc.bar[2].size, 0x1000);
}

static void other_kind(struct fake_fn *pf)
{
	add("02:00.0");
	fake_put(pf, SRIOV(PCI_SRIOV_BAR) + 8, 4, 0xd000000c);
}

static void test_a_vf_bar_that_is_another_kind_now_has_no_address(void **state)
{
	struct pci_dev_desc desc = second_vf(other_kind);

	(void)state;
	assert_int_equal(desc.bar[2].kind, PCI_BAR_MEM32);
	assert_int_equal(desc.bar[2].addr, 0);
	assert_int_equal(desc.bar[0].addr, 0x1e0004000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_vf_has_its_identity_from_its_pf),
		CASE(test_a_pf_tells_its_numbers),
		CASE(test_h9_a_vf_whose_pf_is_unknown_is_nobody),
		CASE(test_what_the_pf_does_not_count_is_no_vf),
		CASE(test_a_vf_that_does_not_answer_is_nobody),
		CASE(test_a_vf_holds_its_pf),
		CASE(test_bars_of_vf_n_lie_n_sizes_above),
		CASE(test_a_vf_whose_bars_cannot_be_read_is_not_described),
		CASE(test_numbers_that_cannot_be_are_defects_and_not_followed),
		CASE(test_sriov_in_a_bridge_or_a_vf_is_a_defect),
		CASE(test_a_vfs_bars_are_the_size_that_they_have_now),
		CASE(test_every_vf_bar_is_whole_pages),
		CASE(test_a_smaller_page_leaves_a_size_open),
		CASE(test_vf_bars_can_be_resized),
		CASE(test_a_vf_bar_that_is_another_kind_now_has_no_address),
	};

	return cmocka_run_group_tests_name("config/vf", tests, NULL, NULL);
}
