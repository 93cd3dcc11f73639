/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_host.h"

static void test_an_access_is_1_2_or_4_bytes_aligned_inside_4096(void **state)
{
	static const struct {
		uint16_t reg;
		uint8_t size;
	} bad[] = { { 0, 0 },    { 0, 3 },      { 0, 8 },
		    { 1, 2 },    { 2, 4 },      { 4096, 1 },
		    { 4096, 4 }, { 0xfffc, 4 }, { 0, 255 } };
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);
	struct pci_dev *pdev;
	unsigned int i, before;

	(void)state;
	add("00:03.0");
	pdev = get("00:03.0");
	before = fn->accesses;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(pci_conf_read(at("00:03.0"), bad[i].reg,
					       bad[i].size),
				 conf_ones(bad[i].size));
		assert_int_equal(pcidev_read(pdev, bad[i].reg, bad[i].size),
				 conf_ones(bad[i].size));
		assert_int_equal(pci_conf_write(at("00:03.0"), bad[i].reg,
						bad[i].size, 0),
				 -EINVAL);
		assert_int_equal(pcidev_write(pdev, bad[i].reg, bad[i].size, 0),
				 -EINVAL);
	}
	assert_int_equal(fn->accesses, before);
	assert_int_equal(pcidev_read(pdev, 0, 1), 0x86);
	assert_int_equal(pcidev_read(pdev, 2, 2), 0x10fb);
	assert_int_equal(pcidev_read(pdev, 0, 4), 0x10fb8086);
	assert_int_equal(pcidev_read(pdev, 4092, 4), UINT32_MAX);
	pcidev_put(pdev);
}

static void test_nobody_there_reads_all_ones_of_the_size(void **state)
{
	(void)state;
	assert_int_equal(pci_conf_read(at("00:1f.7"), 0, 2), 0xffff);
	assert_int_equal(pci_conf_read(at("1:00:00.0"), 0, 1), 0xff);
	assert_int_equal(pci_conf_write(at("1:00:00.0"), 0, 1, 0), -ENODEV);
}

static void test_what_fails_reads_all_ones(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	fake_add("00:03.0", 0x10fb8086);
	add("00:03.0");
	pdev = get("00:03.0");
	fake.error_at = fake.accesses + 1;
	assert_int_equal(pcidev_read(pdev, 0, 2), 0xffff);
	fake.error_at = fake.accesses + 1;
	assert_int_equal(pci_conf_read(at("00:03.0"), 0, 2), 0xffff);
	fake.error_at = fake.accesses + 1;
	assert_int_equal(pcidev_write(pdev, 4, 2, 0), -EIO);
	fake.error_at = fake.accesses + 1;
	assert_int_equal(pci_conf_write(at("00:03.0"), 4, 2, 0), -EIO);
	pcidev_put(pdev);
}

static void test_a_write_keeps_its_size(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);
	struct pci_dev *pdev;

	(void)state;
	fake_allow(fn, 0x80, 4, UINT32_MAX);
	add("00:03.0");
	pdev = get("00:03.0");
	assert_int_equal(pcidev_write(pdev, 0x80, 4, 0x11223344), 0);
	assert_int_equal(pcidev_write(pdev, 0x81, 1, 0xffffffaa), 0);
	assert_int_equal(pcidev_read(pdev, 0x80, 4), 0x1122aa44);
	pcidev_put(pdev);
}

static void lost_is_never_touched(bool may_block)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);
	struct pci_cap cap;
	struct pci_dev *pdev;
	unsigned int before, n;

	fake.ops.may_block = may_block;
	add("00:03.0");
	pdev = get("00:03.0");
	assert_int_equal(pci_mark_lost(at("00:03.0")), 0);
	before = fn->accesses;
	assert_int_equal(pcidev_read(pdev, 0, 4), UINT32_MAX);
	assert_int_equal(pcidev_read(pdev, 0, 2), 0xffff);
	assert_int_equal(pcidev_write(pdev, 4, 2, 7), -ENODEV);
	assert_int_equal(pci_caps(at("00:03.0"), &cap, 1, &n), -ENODEV);
	assert_int_equal(pci_find_cap(at("00:03.0"), PCI_CAP_ID_PM), 0);
	assert_int_equal(fn->accesses, before);
	pcidev_put(pdev);
}

static void test_rule10_a_lost_device_is_never_touched(void **state)
{
	(void)state;
	lost_is_never_touched(false);
}

static void test_rule10_nor_where_the_host_may_block(void **state)
{
	(void)state;
	lost_is_never_touched(true);
}

static void pull_it(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)write;
	(void)reg;
	fake.on_access = NULL;
	assert_int_equal(pci_mark_lost(fn->sbdf), 0);
}

static void test_rule10_an_answer_after_the_mark_is_not_believed(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	fake_add("00:03.0", 0x10fb8086);
	fake.ops.may_block = true;
	add("00:03.0");
	pdev = get("00:03.0");
	fake.on_access = pull_it;
	assert_int_equal(pcidev_read(pdev, 0, 4), UINT32_MAX);
	pcidev_put(pdev);
}

static bool seen_section;

static void look_for_section(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn;
	(void)write;
	(void)reg;
#ifdef HOLDFAST_DEBUG
	seen_section = plat_held()->sections;
#else
	seen_section = !fake.ops.may_block;
#endif
}

static void
test_hardware_is_touched_in_a_section_unless_it_may_block(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	fake_add("00:03.0", 0x10fb8086);
	add("00:03.0");
	pdev = get("00:03.0");
	fake.on_access = look_for_section;
	pcidev_read(pdev, 0, 4);
	assert_true(seen_section);
	pcidev_write(pdev, 4, 2, 0);
	assert_true(seen_section);
	fake.ops.may_block = true;
	pcidev_read(pdev, 0, 4);
	assert_false(seen_section);
	pcidev_write(pdev, 4, 2, 0);
	assert_false(seen_section);
	fake.on_access = NULL;
	pcidev_put(pdev);
}

/* Of a device being removed nobody new reads anything. */
static void test_while_it_is_drained_its_capabilities_are_busy(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);
	struct pci_removal *op;
	struct pci_dev *pdev;
	struct pci_cap cap;
	unsigned int before, n;

	(void)state;
	fake_cap(fn, 0x40, PCI_CAP_ID_PM);
	add("00:03.0");
	pdev = get("00:03.0"); /* keeps it draining */
	assert_int_equal(pci_removal_start(fn->sbdf, 0, 1000 * MSEC, "test",
					   NULL, NULL, &op),
			 0);
	while (pcidev_state(pdev) != PCI_STATE_DRAINING)
		assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	before = fn->accesses;
	assert_int_equal(pci_caps(fn->sbdf, &cap, 1, &n), -EBUSY);
	assert_int_equal(pci_find_cap(fn->sbdf, PCI_CAP_ID_PM), 0);
	assert_int_equal(fn->accesses, before);
	pcidev_put(pdev);
	assert_int_equal(pci_removal_cancel(op), 0);
	pci_removal_finish(op);
	assert_int_equal(pci_find_cap(fn->sbdf, PCI_CAP_ID_PM), 0x40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_an_access_is_1_2_or_4_bytes_aligned_inside_4096),
		CASE(test_nobody_there_reads_all_ones_of_the_size),
		CASE(test_what_fails_reads_all_ones),
		CASE(test_a_write_keeps_its_size),
		CASE(test_rule10_a_lost_device_is_never_touched),
		CASE(test_rule10_nor_where_the_host_may_block),
		CASE(test_rule10_an_answer_after_the_mark_is_not_believed),
		CASE(test_hardware_is_touched_in_a_section_unless_it_may_block),
		CASE(test_while_it_is_drained_its_capabilities_are_busy),
	};

	return cmocka_run_group_tests_name("config/access", tests, NULL, NULL);
}
