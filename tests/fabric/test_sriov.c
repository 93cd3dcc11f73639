/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual functions: when they are there, where, and what they show.
 */
#include "support.h"

struct pf {
	struct fabric *f;
	pci_sbdf_t sbdf, port;
	unsigned int sriov;
};

static struct pf open_pf(void)
{
	struct pf pf = { .f = open_spec("server") };

	pf.sbdf = at("0000:03:00.0");
	pf.port = at("0000:00:1c.0");
	pf.sriov = ext(pf.f, pf.sbdf, PCI_EXT_CAP_ID_SRIOV);
	return pf;
}

static unsigned int count_vfs(const struct pf *pf)
{
	unsigned int n = 0;

	for (unsigned int devfn = 1; devfn < 256; devfn++)
		n += there(pf->f,
			   (pci_sbdf_t){ .bus = 3, .devfn = (uint8_t)devfn });
	return n;
}

static void enable(const struct pf *pf, bool on)
{
	wr(pf->f, pf->sbdf, pf->sriov + PCI_SRIOV_CTRL, 2,
	   on ? PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE : 0);
}

static void test_vfs_come_and_go_with_vf_enable(void **state)
{
	struct pf pf = open_pf();

	(void)state;
	assert_int_equal(rd(pf.f, pf.sbdf, pf.sriov + PCI_SRIOV_CTRL, 2),
			 PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE |
				 PCI_SRIOV_CTRL_ARI);
	assert_int_equal(count_vfs(&pf), 4);
	assert_true(there(pf.f, at("0000:03:02.0")));
	enable(&pf, false);
	assert_int_equal(count_vfs(&pf), 0);
	wr(pf.f, pf.sbdf, pf.sriov + PCI_SRIOV_NUM_VF, 2, 64);
	assert_int_equal(count_vfs(&pf), 0);
	enable(&pf, true);
	assert_int_equal(count_vfs(&pf), 64);
	assert_true(there(pf.f, at("0000:03:09.7")));
	fabric_close(pf.f);
}

static void test_num_vfs_is_locked_while_enabled_and_bounded(void **state)
{
	struct pf pf = open_pf();
	unsigned int num = pf.sriov + PCI_SRIOV_NUM_VF;

	(void)state;
	wr(pf.f, pf.sbdf, num, 2, 8);
	assert_int_equal(rd(pf.f, pf.sbdf, num, 2), 4);
	enable(&pf, false);
	wr(pf.f, pf.sbdf, num, 2, 65);
	assert_int_equal(rd(pf.f, pf.sbdf, num, 2), 4);
	wr(pf.f, pf.sbdf, num, 2, 8);
	assert_int_equal(rd(pf.f, pf.sbdf, num, 2), 8);
	fabric_close(pf.f);
}

static void test_a_vf_has_no_ids_but_its_pf_s_class(void **state)
{
	struct pf pf = open_pf();
	pci_sbdf_t vf = at("0000:03:02.3");

	(void)state;
	assert_int_equal(rd(pf.f, vf, PCI_VENDOR_ID, 4), UINT32_MAX);
	assert_int_equal(rd(pf.f, vf, PCI_CLASS_REVISION, 4), 0x02000002);
	wr(pf.f, vf, PCI_COMMAND, 2, 0xffff);
	assert_int_equal(rd(pf.f, vf, PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	wr(pf.f, vf, PCI_INTERRUPT_LINE, 1, 9);
	assert_int_equal(rd(pf.f, vf, PCI_INTERRUPT_LINE, 1), 0);
	fabric_close(pf.f);
}

static void test_offset_and_stride_place_the_vfs(void **state)
{
	struct fabric *f = open_card(
		"{ \"at\": \"00.0\", \"kind\": \"endpoint\","
		"  \"id\": \"8086:1572\", \"class\": \"0x020000\","
		"  \"sriov\": { \"total\": 3, \"offset\": 128, \"stride\": 100,"
		"               \"enabled\": 3 } }");

	(void)state; /* 0x80, 0xe4, and 0x148: on the next bus */
	assert_true(there(f, at("0000:01:10.0")));
	assert_true(there(f, at("0000:01:1c.4")));
	assert_true(there(f, at("0000:02:09.0")));
	assert_int_equal(fabric_functions(f), 5);
	fabric_close(f);
}

static void test_flr_of_the_pf_takes_its_vfs_away(void **state)
{
	struct pf pf = open_pf();
	unsigned int exp = cap(pf.f, pf.sbdf, PCI_CAP_ID_EXP);

	(void)state;
	wr(pf.f, pf.sbdf, exp + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	assert_int_equal(count_vfs(&pf), 0);
	assert_int_equal(rd(pf.f, pf.sbdf, pf.sriov + PCI_SRIOV_CTRL, 2), 0);
	fabric_close(pf.f);
}

static void test_flr_of_a_vf_resets_that_one_only(void **state)
{
	struct pf pf = open_pf();
	pci_sbdf_t vf = at("0000:03:02.0"), other = at("0000:03:02.1");
	unsigned int exp = cap(pf.f, vf, PCI_CAP_ID_EXP);

	(void)state;
	wr(pf.f, vf, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	wr(pf.f, other, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	wr(pf.f, vf, exp + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	assert_int_equal(rd(pf.f, vf, PCI_COMMAND, 2), 0);
	assert_int_equal(rd(pf.f, other, PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	assert_int_equal(count_vfs(&pf), 4);
	fabric_close(pf.f);
}

static void test_vfs_are_reached_by_ari_forwarding(void **state)
{
	struct pf pf = open_pf();
	unsigned int ctl2 =
		cap(pf.f, pf.port, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL2;

	(void)state;
	wr(pf.f, pf.port, ctl2, 2, 0);
	assert_int_equal(count_vfs(&pf), 0);
	wr(pf.f, pf.port, ctl2, 2, PCI_EXP_DEVCTL2_ARI);
	assert_int_equal(count_vfs(&pf), 4);
	fabric_close(pf.f);
}

static void test_vf_memory_lies_in_the_pf_s_vf_bar(void **state)
{
	struct pf pf = open_pf();
	unsigned int bar = pf.sriov + PCI_SRIOV_BAR;
	uint64_t base = rd(pf.f, pf.sbdf, bar, 4) & ~15u, val;

	(void)state;
	base |= (uint64_t)rd(pf.f, pf.sbdf, bar + 4, 4) << 32;
	assert_int_equal(fabric_mem_write(pf.f, base + 0x10000, 4, 0x55), 0);
	assert_int_equal(fabric_mem_read(pf.f, base, 4, &val), 0);
	assert_int_equal(val, 0);
	assert_int_equal(fabric_mem_read(pf.f, base + 0x10000, 4, &val), 0);
	assert_int_equal(val, 0x55);
	/* the fifth is not enabled; without VF MSE nobody is */
	assert_int_equal(fabric_mem_read(pf.f, base + 0x40000, 4, &val),
			 -ENODEV);
	wr(pf.f, pf.sbdf, pf.sriov + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE);
	assert_int_equal(fabric_mem_read(pf.f, base, 4, &val), -ENODEV);
	fabric_close(pf.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vfs_come_and_go_with_vf_enable),
		cmocka_unit_test(
			test_num_vfs_is_locked_while_enabled_and_bounded),
		cmocka_unit_test(test_a_vf_has_no_ids_but_its_pf_s_class),
		cmocka_unit_test(test_offset_and_stride_place_the_vfs),
		cmocka_unit_test(test_flr_of_the_pf_takes_its_vfs_away),
		cmocka_unit_test(test_flr_of_a_vf_resets_that_one_only),
		cmocka_unit_test(test_vfs_are_reached_by_ari_forwarding),
		cmocka_unit_test(test_vf_memory_lies_in_the_pf_s_vf_bar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
