/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Write semantics, bit by bit: read-only, read-write, write-1-to-clear,
 * sticky; and the registers that do something.
 */
#include <stdio.h>

#include "support.h"

#define ENDPOINT                                                           \
	"\"at\": \"00.0\", \"kind\": \"endpoint\", \"id\": \"8086:1572\"," \
	"\"subsystem\": \"8086:0008\", \"class\": \"0x020000\", \"pin\": 1"

static struct fabric *open_endpoint(const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "{ " ENDPOINT " %s }", more);
	return open_card(text);
}

static const pci_sbdf_t card = { .bus = 1 };

static void test_identity_is_read_only(void **state)
{
	struct fabric *f = open_endpoint("");

	(void)state;
	for (unsigned int reg = 0; reg < 0x10; reg += 4)
		if (reg != PCI_COMMAND)
			wr(f, card, reg, 4, UINT32_MAX);
	wr(f, card, PCI_SUBSYSTEM_VENDOR_ID, 4, UINT32_MAX);
	assert_int_equal(rd(f, card, PCI_VENDOR_ID, 4), 0x15728086);
	assert_int_equal(rd(f, card, PCI_CLASS_REVISION, 4), 0x02000000);
	assert_int_equal(rd(f, card, PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(rd(f, card, PCI_SUBSYSTEM_VENDOR_ID, 4), 0x00088086);
	fabric_close(f);
}

static void test_reserved_reads_zero_and_absent_all_ones(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t old = at("0000:1c:01.0"), none = at("0000:01:00.1");

	(void)state;
	assert_int_equal(rd(f, at("0000:03:00.0"), 0xff0, 4), 0);
	wr(f, at("0000:03:00.0"), 0xff0, 4, UINT32_MAX);
	assert_int_equal(rd(f, at("0000:03:00.0"), 0xff0, 4), 0);
	assert_int_equal(rd(f, old, 0xfc, 4), 0);
	assert_int_equal(rd(f, old, 0x100, 4), UINT32_MAX);
	assert_int_equal(rd(f, none, 0, 4), UINT32_MAX);
	assert_int_equal(rd(f, none, 0, 2), 0xffff);
	assert_int_equal(rd(f, at("0042:00:00.0"), 0, 1), 0xff);
	fabric_close(f);
}

static void test_command_takes_what_the_function_has(void **state)
{
	struct fabric *f = open_endpoint("");

	(void)state; /* neither memory nor I/O BARs */
	wr(f, card, PCI_COMMAND, 2, 0xffff);
	assert_int_equal(rd(f, card, PCI_COMMAND, 2),
			 PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
				 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
	fabric_close(f);
}

static void test_write_1_clears_and_write_0_does_not(void **state)
{
	struct fabric *f =
		open_endpoint(", \"poke\": [ { \"reg\": 6, \"size\": 2,"
			      "               \"value\": \"0xf910\" } ]");

	(void)state;
	wr(f, card, PCI_STATUS, 2, 0);
	assert_int_equal(rd(f, card, PCI_STATUS, 2), 0xf910);
	wr(f, card, PCI_STATUS, 2, PCI_STATUS_PARITY);
	assert_int_equal(rd(f, card, PCI_STATUS, 2), 0xf810);
	/* only the bytes of the access: Command's neighbour stays */
	wr(f, card, PCI_COMMAND, 2, UINT32_MAX);
	assert_int_equal(rd(f, card, PCI_STATUS, 2), 0xf810);
	wr(f, card, PCI_STATUS, 2, 0xffff);
	assert_int_equal(rd(f, card, PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	fabric_close(f);
}

static void test_sticky_bits_survive_a_function_reset(void **state)
{
	struct fabric *f =
		open_endpoint(", \"aer\": true, \"flr\": true,"
			      "\"poke\": [ { \"reg\": \"0x104\", \"size\": 4,"
			      "             \"value\": \"0x4000\" } ]");
	unsigned int aer = ext(f, card, PCI_EXT_CAP_ID_ERR);
	unsigned int exp = cap(f, card, PCI_CAP_ID_EXP);

	(void)state;
	wr(f, card, aer + PCI_ERR_UNCOR_MASK, 4, PCI_ERR_UNC_UNSUP);
	wr(f, card, PCI_INTERRUPT_LINE, 1, 0x77);
	wr(f, card, exp + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	assert_int_equal(rd(f, card, aer + PCI_ERR_UNCOR_MASK, 4),
			 PCI_ERR_UNC_UNSUP);
	assert_int_equal(rd(f, card, aer + PCI_ERR_UNCOR_STATUS, 4),
			 PCI_ERR_UNC_COMP_TIME);
	assert_int_equal(rd(f, card, PCI_INTERRUPT_LINE, 1), 0xff);
	wr(f, card, aer + PCI_ERR_UNCOR_STATUS, 4, PCI_ERR_UNC_COMP_TIME);
	assert_int_equal(rd(f, card, aer + PCI_ERR_UNCOR_STATUS, 4), 0);
	fabric_close(f);
}

static void test_flr_resets_and_reads_zero(void **state)
{
	struct fabric *f = open_endpoint(", \"flr\": true");
	unsigned int exp = cap(f, card, PCI_CAP_ID_EXP);

	(void)state;
	wr(f, card, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	wr(f, card, exp + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	assert_int_equal(rd(f, card, PCI_COMMAND, 2), 0);
	assert_false(rd(f, card, exp + PCI_EXP_DEVCTL, 2) &
		     PCI_EXP_DEVCTL_BCR_FLR);
	fabric_close(f);
}

static void test_without_flr_the_bit_does_nothing(void **state)
{
	struct fabric *f = open_endpoint("");
	unsigned int exp = cap(f, card, PCI_CAP_ID_EXP);

	(void)state;
	wr(f, card, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	wr(f, card, exp + PCI_EXP_DEVCTL, 2, 0xffff);
	assert_int_equal(rd(f, card, PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	assert_false(rd(f, card, exp + PCI_EXP_DEVCTL, 2) &
		     PCI_EXP_DEVCTL_BCR_FLR);
	fabric_close(f);
}

static void test_af_flr_resets_a_conventional_function(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t old = at("0000:1c:01.0");
	unsigned int af = cap(f, old, PCI_CAP_ID_AF);

	(void)state;
	assert_int_not_equal(rd(f, old, PCI_COMMAND, 2), 0);
	wr(f, old, af + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
	assert_int_equal(rd(f, old, PCI_COMMAND, 2), 0);
	assert_int_equal(rd(f, old, af + PCI_AF_CTRL, 1), 0);
	fabric_close(f);
}

/* D1 and D2 are not there; D3hot to D0 resets unless it says otherwise. */
static void power_cycle(const char *more, bool kept)
{
	struct fabric *f = open_endpoint(more);
	unsigned int ctrl = cap(f, card, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	wr(f, card, PCI_INTERRUPT_LINE, 1, 0x42);
	wr(f, card, ctrl, 2, 1);
	assert_int_equal(rd(f, card, ctrl, 2) & PCI_PM_CTRL_STATE_MASK, 0);
	wr(f, card, ctrl, 2, 3);
	assert_int_equal(rd(f, card, ctrl, 2) & PCI_PM_CTRL_STATE_MASK, 3);
	wr(f, card, ctrl, 2, 2);
	assert_int_equal(rd(f, card, ctrl, 2) & PCI_PM_CTRL_STATE_MASK, 3);
	assert_int_equal(rd(f, card, PCI_INTERRUPT_LINE, 1), 0x42);
	wr(f, card, ctrl, 2, 0);
	assert_int_equal(rd(f, card, PCI_INTERRUPT_LINE, 1),
			 kept ? 0x42 : 0xff);
	fabric_close(f);
}

static void test_d3hot_to_d0_is_a_reset(void **state)
{
	(void)state;
	power_cycle("", false);
}

static void test_d3hot_to_d0_with_no_soft_reset_keeps(void **state)
{
	(void)state;
	power_cycle(", \"no_soft_reset\": true", true);
}

static void test_msi_takes_enable_size_address_data_mask(void **state)
{
	struct fabric *f =
		open_endpoint(", \"msi\": { \"vectors\": 8, \"mask\": true }");
	unsigned int msi = cap(f, card, PCI_CAP_ID_MSI);

	(void)state;
	for (unsigned int i = 2; i < 24; i += 2)
		wr(f, card, msi + i, 2, 0xffff);
	assert_int_equal(rd(f, card, msi + PCI_MSI_FLAGS, 2),
			 PCI_MSI_FLAGS_ENABLE | 3 << 1 | PCI_MSI_FLAGS_QSIZE |
				 PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT);
	assert_int_equal(rd(f, card, msi + PCI_MSI_ADDRESS_LO, 4), ~3u);
	assert_int_equal(rd(f, card, msi + PCI_MSI_ADDRESS_HI, 4), UINT32_MAX);
	assert_int_equal(rd(f, card, msi + PCI_MSI_DATA_64, 4), 0xffff);
	assert_int_equal(rd(f, card, msi + PCI_MSI_MASK_64, 4), 0xff);
	assert_int_equal(rd(f, card, msi + PCI_MSI_PENDING_64, 4), 0);
	fabric_close(f);
}

static void test_msix_takes_enable_and_mask_all_only(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t nic = at("0000:03:00.0");
	unsigned int msix = cap(f, nic, PCI_CAP_ID_MSIX);

	(void)state;
	for (unsigned int i = 2; i < PCI_CAP_MSIX_SIZEOF; i += 2)
		wr(f, nic, msix + i, 2, 0xffff);
	assert_int_equal(rd(f, nic, msix + PCI_MSIX_FLAGS, 2),
			 128 | PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	assert_int_equal(rd(f, nic, msix + PCI_MSIX_TABLE, 4), 3);
	assert_int_equal(rd(f, nic, msix + PCI_MSIX_PBA, 4), 0x1003);
	fabric_close(f);
}

static void test_ats_and_acs_take_their_control_bits(void **state)
{
	struct fabric *f = open_endpoint(", \"ats\": 32, \"acs\": true");
	unsigned int ats = ext(f, card, PCI_EXT_CAP_ID_ATS);
	unsigned int acs = ext(f, card, PCI_EXT_CAP_ID_ACS);

	(void)state;
	wr(f, card, ats + PCI_ATS_CAP, 4, UINT32_MAX);
	wr(f, card, acs + PCI_ACS_CAP, 4, UINT32_MAX);
	assert_int_equal(rd(f, card, ats + PCI_ATS_CAP, 2),
			 PCI_ATS_CAP_PAGE_ALIGNED);
	assert_int_equal(rd(f, card, ats + PCI_ATS_CTRL, 2),
			 PCI_ATS_CTRL_ENABLE | 0x1f);
	assert_int_equal(rd(f, card, acs + PCI_ACS_CAP, 2), 0x1f);
	assert_int_equal(rd(f, card, acs + PCI_ACS_CTRL, 2), 0x1f);
	fabric_close(f);
}

static void test_serial_number_and_rebar_lists_are_read_only(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t nic = at("0000:03:00.0"), gpu = at("0000:12:00.0");
	unsigned int dsn = ext(f, nic, PCI_EXT_CAP_ID_DSN);
	unsigned int rebar = ext(f, gpu, PCI_EXT_CAP_ID_REBAR);

	(void)state;
	wr(f, nic, dsn + PCI_DSN_LOWER, 4, 0);
	assert_int_equal(rd(f, nic, dsn + PCI_DSN_LOWER, 4), 0xff9e0010);
	assert_int_equal(rd(f, nic, dsn + PCI_DSN_UPPER, 4), 0x3cfdfeff);
	wr(f, gpu, rebar + PCI_REBAR_CAP, 4, 0);
	assert_int_equal(rd(f, gpu, rebar + PCI_REBAR_CAP, 4), 0x7f000);
	fabric_close(f);
}

static void test_vpd_reads_and_writes_through_its_window(void **state)
{
	struct fabric *f = open_endpoint(", \"vpd\": \"A card\"");
	unsigned int vpd = cap(f, card, PCI_CAP_ID_VPD);

	(void)state;
	wr(f, card, vpd + PCI_VPD_ADDR, 2, 0);
	assert_int_equal(rd(f, card, vpd + PCI_VPD_ADDR, 2), PCI_VPD_ADDR_F);
	assert_int_equal(rd(f, card, vpd + PCI_VPD_DATA, 4), 0x41000682);
	wr(f, card, vpd + PCI_VPD_DATA, 4, 0x11223344);
	wr(f, card, vpd + PCI_VPD_ADDR, 2, PCI_VPD_ADDR_F | 4);
	assert_int_equal(rd(f, card, vpd + PCI_VPD_ADDR, 2), 4);
	wr(f, card, vpd + PCI_VPD_DATA, 4, 0);
	wr(f, card, vpd + PCI_VPD_ADDR, 2, 4);
	assert_int_equal(rd(f, card, vpd + PCI_VPD_DATA, 4), 0x11223344);
	wr(f, card, vpd + PCI_VPD_ADDR, 2, 0x7ffc); /* beyond the end */
	assert_int_equal(rd(f, card, vpd + PCI_VPD_DATA, 4), 0);
	fabric_close(f);
}

static void test_vendor_bytes_take_writes_if_described_so(void **state)
{
	struct fabric *f = open_endpoint(
		", \"vendor\": { \"data\": \"01 02\", \"writable\": true }");
	unsigned int v = cap(f, card, PCI_CAP_ID_VNDR);

	(void)state;
	assert_int_equal(rd(f, card, v + PCI_CAP_VNDR_LENGTH, 1), 5);
	wr(f, card, v + 3, 1, 0x99);
	assert_int_equal(rd(f, card, v + 3, 1), 0x99);
	fabric_close(f);
	f = open_endpoint(", \"vendor\": { \"data\": \"01 02\" }");
	wr(f, card, v + 3, 1, 0x99);
	assert_int_equal(rd(f, card, v + 3, 1), 1);
	fabric_close(f);
}

static void test_malformed_accesses_read_all_ones(void **state)
{
	struct fabric *f = open_endpoint("");

	(void)state;
	assert_int_equal(rd(f, card, 1, 2), 0xffff);
	assert_int_equal(rd(f, card, 2, 4), UINT32_MAX);
	assert_int_equal(rd(f, card, 0x1000, 4), UINT32_MAX);
	wr(f, card, PCI_INTERRUPT_LINE - 1, 2, 0x1234); /* odd: dropped */
	assert_int_equal(rd(f, card, PCI_INTERRUPT_LINE, 1), 0x0b);
	fabric_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity_is_read_only),
		cmocka_unit_test(test_reserved_reads_zero_and_absent_all_ones),
		cmocka_unit_test(test_command_takes_what_the_function_has),
		cmocka_unit_test(test_write_1_clears_and_write_0_does_not),
		cmocka_unit_test(test_sticky_bits_survive_a_function_reset),
		cmocka_unit_test(test_flr_resets_and_reads_zero),
		cmocka_unit_test(test_without_flr_the_bit_does_nothing),
		cmocka_unit_test(test_af_flr_resets_a_conventional_function),
		cmocka_unit_test(test_d3hot_to_d0_is_a_reset),
		cmocka_unit_test(test_d3hot_to_d0_with_no_soft_reset_keeps),
		cmocka_unit_test(test_msi_takes_enable_size_address_data_mask),
		cmocka_unit_test(test_msix_takes_enable_and_mask_all_only),
		cmocka_unit_test(test_ats_and_acs_take_their_control_bits),
		cmocka_unit_test(
			test_serial_number_and_rebar_lists_are_read_only),
		cmocka_unit_test(test_vpd_reads_and_writes_through_its_window),
		cmocka_unit_test(test_vendor_bytes_take_writes_if_described_so),
		cmocka_unit_test(test_malformed_accesses_read_all_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
