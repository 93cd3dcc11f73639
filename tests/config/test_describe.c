/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_host.h"

static struct fake_fn *plain(void)
{
	return fake_add("00:03.0", 0x10fb8086);
}

/* --- identity ------------------------------------------------------------- */

static void test_identity_of_an_endpoint(void **state)
{
	struct fake_fn *fn = plain();
	struct pci_dev_desc desc;

	(void)state;
	fake_put(fn, PCI_SUBSYSTEM_VENDOR_ID, 4, 0x00031028);
	fake_put(fn, PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_MFD);
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_DSN);
	fake_put(fn, 0x100 + PCI_DSN_LOWER, 4, 0x55667788);
	fake_put(fn, 0x100 + PCI_DSN_UPPER, 4, 0x11223344);
	desc = described("00:03.0");
	assert_int_equal(desc.ident.vendor, 0x8086);
	assert_int_equal(desc.ident.device, 0x10fb);
	assert_int_equal(desc.ident.class_rev, 0x02000001);
	assert_int_equal(desc.ident.subvendor, 0x1028);
	assert_int_equal(desc.ident.subdevice, 3);
	assert_true(desc.ident.serial == 0x1122334455667788);
	assert_true(desc.multifunction);
	assert_int_equal(desc.hdr_type, 0);
	assert_int_equal(desc.cfg_size, 4096);
	assert_int_equal(desc.parent.sbdf, desc.sbdf.sbdf);
	assert_null(desc.defect);
}

static void test_a_bridge_has_its_subsystem_in_a_capability(void **state)
{
	struct fake_fn *fn = fake_bridge("00:01.0", 1, 4);
	struct pci_dev_desc desc;

	(void)state;
	/* Where a type 0 header has its subsystem, a bridge has windows. */
	fake_put(fn, PCI_SUBSYSTEM_VENDOR_ID, 4, 0x12345678);
	assert_int_equal(described("00:01.0").ident.subvendor, 0);
	fake_cap(fn, 0x40, PCI_CAP_ID_SSVID);
	fake_put(fn, 0x40 + PCI_SSVID_VENDOR_ID, 4, 0x00031028);
	desc = described("00:01.0");
	assert_int_equal(desc.ident.subvendor, 0x1028);
	assert_int_equal(desc.ident.subdevice, 3);
	assert_int_equal(desc.secondary, 1);
	assert_int_equal(desc.subordinate, 4);
}

static void test_nobody_there(void **state)
{
	struct pci_dev_desc desc;

	(void)state;
	plain()->absent = true;
	fake_at(at("00:03.0"))->told = true;
	assert_int_equal(pci_describe(at("00:03.0"), &desc), -ENODEV);
	assert_int_equal(pci_describe(at("00:04.0"), &desc), -ENODEV);
	assert_int_equal(pci_describe(at("1:00:04.0"), &desc), -ENODEV);
}

static void test_vendor_0_is_nobody(void **state)
{
	struct pci_dev_desc desc;

	(void)state;
	fake_add("00:03.0", 0)->told = true;
	assert_int_equal(pci_describe(at("00:03.0"), &desc), -ENODEV);
}

static void test_a_host_that_cannot_read_is_an_error(void **state)
{
	struct fake_fn *fn = plain();
	struct pci_dev_desc desc;
	unsigned int i, total;

	(void)state;
	fake_cap(fn, 0x40, PCI_CAP_ID_MSI);
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_DSN);
	described("00:03.0");
	total = fake.accesses;
	for (i = 1; i <= total; i++) {
		fake.accesses = 0;
		fake.error_at = i;
		assert_int_equal(pci_describe(fn->sbdf, &desc), -EIO);
	}
}

static unsigned int vanish_at;

static void vanish(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)write;
	(void)reg;
	if (fn->accesses >= vanish_at)
		fn->absent = true;
}

static void test_one_that_vanishes_meanwhile_is_nobody(void **state)
{
	struct fake_fn *fn = plain();
	struct pci_dev_desc desc, whole;
	unsigned int total;

	(void)state;
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0xfe000000, 0xfffff000);
	fake_cap(fn, 0x40, PCI_CAP_ID_MSI);
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_DSN);
	fake_put(fn, 0x100 + PCI_DSN_LOWER, 4, 77);
	whole = described("00:03.0");
	total = fn->accesses;
	fake.on_access = vanish;
	for (vanish_at = 0; vanish_at < total; vanish_at++) {
		int err;

		fn->absent = false;
		fn->accesses = 0;
		err = pci_describe(fn->sbdf, &desc);
		if (err) {
			assert_int_equal(err, -ENODEV);
			continue;
		}
		/* Only the sizes were still missing. */
		assert_int_equal(desc.cfg_size, whole.cfg_size);
		assert_int_equal(desc.msi_vectors, whole.msi_vectors);
		assert_int_equal(desc.ident.class_rev, whole.ident.class_rev);
		assert_int_equal(desc.ident.serial, 77);
		assert_true(desc.bar[0].size == 4096 ||
			    desc.bar[0].size_unknown || desc.defect);
	}
}

/* --- retry status --------------------------------------------------------- */

static void test_retry_status_is_waited_for(void **state)
{
	(void)state;
	plain()->retries = 4;
	assert_int_equal(described("00:03.0").ident.vendor, 0x8086);
}

static void test_retry_status_for_ever_is_eagain_after_a_second(void **state)
{
	struct fake_fn *fn = plain();
	struct pci_dev_desc desc;
	uint64_t start = plat_now();

	(void)state;
	fn->told = true;
	fn->retries = UINT32_MAX;
	assert_int_equal(pci_describe(fn->sbdf, &desc), -EAGAIN);
	assert_true(plat_now() - start >= 1000 * MSEC);
	assert_true(fn->accesses < 60); /* no hot spinning */
}

/* --- size of the space ---------------------------------------------------- */

static void test_space_is_256_bytes_if_nothing_is_above(void **state)
{
	(void)state;
	plain();
	assert_int_equal(described("00:03.0").cfg_size, 256);
}

static void test_space_is_256_bytes_if_it_repeats(void **state)
{
	struct fake_fn *fn = plain();

	(void)state;
	fn->size = 4096;
	fn->aliases = true;
	assert_int_equal(described("00:03.0").cfg_size, 256);
}

static void test_one_repetition_of_the_ids_is_no_alias(void **state)
{
	struct fake_fn *fn = plain();

	(void)state;
	fn->size = 4096;
	fake_put(fn, 0x100, 4, 0x10fb8086);
	assert_int_equal(described("00:03.0").cfg_size, 4096);
}

static uint16_t said_size(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	(void)sbdf;
	return fake.config_size;
}

static void test_what_the_host_cannot_read_is_unknown(void **state)
{
	struct fake_fn *fn = plain();
	struct pci_dev_desc desc;

	(void)state;
	fake_cap(fn, 0x40, PCI_CAP_ID_MSI);
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_ATS);
	fake.ops.config_size = said_size;
	fake.config_size = 64;
	desc = described("00:03.0");
	assert_int_equal(desc.cfg_size, 64);
	assert_true(desc.caps_unknown);
	assert_int_equal(desc.msi, 0);
	assert_int_equal(desc.type, PCI_TYPE_UNKNOWN);
	assert_null(desc.defect);
	fake_bridge("00:04.0", 1, 1);
	assert_int_equal(described("00:04.0").type, PCI_TYPE_UNKNOWN);
	fake.config_size = 256;
	desc = described("00:03.0");
	assert_int_equal(desc.cfg_size, 256);
	assert_int_equal(desc.msi, 0x40);
	assert_int_equal(desc.ats, 0);
	fake.config_size = 4096;
	assert_int_equal(described("00:03.0").ats, 0x100);
}

/* --- capabilities --------------------------------------------------------- */

static void test_positions_and_counts_are_latched(void **state)
{
	struct fake_fn *fn = plain();
	struct pci_dev_desc desc;

	(void)state;
	fake_cap(fn, 0x40, PCI_CAP_ID_PM);
	fake_cap(fn, 0x50, PCI_CAP_ID_MSI);
	fake_put(fn, 0x50 + PCI_MSI_FLAGS, 2,
		 PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT |
			 3 << PCI_MSI_FLAGS_QMASK_SHIFT);
	fake_cap(fn, 0x70, PCI_CAP_ID_MSIX);
	fake_put(fn, 0x70 + PCI_MSIX_FLAGS, 2, 0x3f);
	fake_cap(fn, 0x80, PCI_CAP_ID_AF);
	fake_cap(fn, 0x90, PCI_CAP_ID_AF); /* the first counts */
	fake_express(fn, 0xa0, PCI_EXP_TYPE_ENDPOINT);
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_ERR);
	fake_ext_cap(fn, 0x140, PCI_EXT_CAP_ID_ATS);
	fake_ext_cap(fn, 0x150, PCI_EXT_CAP_ID_ACS);
	desc = described("00:03.0");
	assert_int_equal(desc.pm, 0x40);
	assert_int_equal(desc.msi, 0x50);
	assert_int_equal(desc.msi_vectors, 8);
	assert_int_equal(desc.msix, 0x70);
	assert_int_equal(desc.msix_entries, 64);
	assert_int_equal(desc.af, 0x80);
	assert_int_equal(desc.pcie, 0xa0);
	assert_int_equal(desc.ats, 0x140);
	assert_int_equal(desc.acs, 0x150);
	assert_int_equal(desc.sriov, 0);
	assert_null(desc.defect);
}

static void test_a_capability_beyond_the_end_is_a_defect(void **state)
{
	struct fake_fn *fn = plain();
	struct pci_dev_desc desc;

	(void)state;
	fake_cap(fn, 0xf8, PCI_CAP_ID_MSIX);
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_ERR);
	fake_ext_cap(fn, 0xfe0, PCI_EXT_CAP_ID_SRIOV);
	desc = described("00:03.0");
	assert_string_equal(desc.defect, "a capability ends outside its space");
	assert_int_equal(desc.msix, 0);
	assert_int_equal(desc.msix_entries, 0);
	assert_int_equal(desc.sriov, 0);
}

static void test_reserved_msi_counts_are_a_defect(void **state)
{
	struct fake_fn *fn = plain();
	struct pci_dev_desc desc;

	(void)state;
	fake_cap(fn, 0x50, PCI_CAP_ID_MSI);
	fake_put(fn, 0x50 + PCI_MSI_FLAGS, 2, 7 << PCI_MSI_FLAGS_QMASK_SHIFT);
	desc = described("00:03.0");
	assert_string_equal(desc.defect, "its MSI capability makes no sense");
	assert_int_equal(desc.msi, 0);
	assert_int_equal(desc.msi_vectors, 0);
}

static void test_msi_with_masks_must_fit_as_a_whole(void **state)
{
	struct fake_fn *fn = plain();

	(void)state;
	fake_cap(fn, 0xf0, PCI_CAP_ID_MSI);
	assert_int_equal(described("00:03.0").msi, 0xf0);
	fake_put(fn, 0xf0 + PCI_MSI_FLAGS, 2,
		 PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT);
	assert_int_equal(described("00:03.0").msi, 0);
}

static void test_a_broken_list_is_a_defect_and_the_rest_is_read(void **state)
{
	struct fake_fn *fn = plain();
	struct pci_dev_desc desc;

	(void)state;
	fake_cap(fn, 0x40, PCI_CAP_ID_PM);
	fn->reg[0x41] = 0x40;
	fake_ext_cap(fn, 0x100, PCI_EXT_CAP_ID_ATS);
	desc = described("00:03.0");
	assert_string_equal(desc.defect, "the capability list is broken");
	assert_int_equal(desc.pm, 0x40);
	assert_int_equal(desc.ats, 0x100);
	fn->reg[0x41] = 0;
	fake_put(fn, 0x100, 4, 0x1001000f);
	desc = described("00:03.0");
	assert_string_equal(desc.defect,
			    "the extended capability list is broken");
}

/* --- types ---------------------------------------------------------------- */

static void test_types_by_header_then_port_type(void **state)
{
	static const struct {
		uint8_t header, exp, type;
		bool express;
		uint32_t class_rev;
	} want[] = {
		{ 0, 0x0, PCI_TYPE_ENDPOINT, true, 0x02000000 },
		{ 0, 0x1, PCI_TYPE_ENDPOINT, true, 0x02000000 },
		{ 0, 0x9, PCI_TYPE_RC_ENDPOINT, true, 0x04030000 },
		{ 0, 0xa, PCI_TYPE_RC_EVENT, true, 0x08070000 },
		{ 0, 0x0, PCI_TYPE_PCI, false, 0x02000000 },
		{ 0, 0x4, PCI_TYPE_HOST_BRIDGE, true, 0x06000000 },
		{ 0, 0x0, PCI_TYPE_HOST_BRIDGE, false, 0x06000000 },
		{ 0, 0x4, PCI_TYPE_UNKNOWN, true, 0x02000000 },
		{ 1, 0x4, PCI_TYPE_ROOT_PORT, true, 0x06040000 },
		{ 1, 0x5, PCI_TYPE_SWITCH_UPSTREAM, true, 0x06040000 },
		{ 1, 0x6, PCI_TYPE_SWITCH_DOWNSTREAM, true, 0x06040000 },
		{ 1, 0x7, PCI_TYPE_PCIE_TO_PCI, true, 0x06040000 },
		{ 1, 0x8, PCI_TYPE_PCI_TO_PCIE, true, 0x06040000 },
		{ 1, 0x0, PCI_TYPE_UNKNOWN, true, 0x06040000 },
		{ 1, 0x0, PCI_TYPE_LEGACY_BRIDGE, false, 0x06040000 },
		{ 2, 0x0, PCI_TYPE_CARDBUS, false, 0x06070000 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		struct fake_fn *fn;

		fake.count = 0;
		fn = plain();
		fn->reg[PCI_HEADER_TYPE] = want[i].header;
		fake_put(fn, PCI_CLASS_REVISION, 4, want[i].class_rev);
		if (want[i].express)
			fake_express(fn, 0x80, want[i].exp);
		assert_int_equal(described("00:03.0").type, want[i].type);
	}
}

static void test_an_unknown_header_type_is_a_defect(void **state)
{
	struct fake_fn *fn = plain();
	struct pci_dev_desc desc;

	(void)state;
	fn->reg[PCI_HEADER_TYPE] = 0x55;
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0xfe000000, 0xfffff000);
	desc = described("00:03.0");
	assert_string_equal(desc.defect, "its header type is unknown");
	assert_int_equal(desc.type, PCI_TYPE_UNKNOWN);
	assert_int_equal(desc.bar[0].kind, PCI_BAR_NONE);
}

static void test_a_slot_is_below_a_port_that_says_so(void **state)
{
	struct fake_fn *fn = fake_bridge("00:01.0", 1, 1);

	(void)state;
	fake_express(fn, 0x40, PCI_EXP_TYPE_ROOT_PORT);
	assert_false(described("00:01.0").has_slot);
	fn->reg[0x40 + PCI_EXP_FLAGS + 1] |= PCI_EXP_FLAGS_SLOT >> 8;
	assert_true(described("00:01.0").has_slot);
	fake_put(fn, 0x40 + PCI_EXP_FLAGS, 2,
		 PCI_EXP_FLAGS_SLOT | PCI_EXP_TYPE_UPSTREAM
					      << PCI_EXP_FLAGS_TYPE_SHIFT);
	assert_false(described("00:01.0").has_slot);
}

/* --- buses ---------------------------------------------------------------- */

static void
test_bus_numbers_that_lead_up_or_nowhere_are_not_believed(void **state)
{
	static const struct {
		uint8_t secondary, subordinate;
		const char *defect;
	} want[] = {
		{ 5, 9, "its secondary bus is not below its own" },
		{ 3, 9, "its secondary bus is not below its own" },
		{ 7, 6, "its last bus is below its first" },
		{ 0, 0, NULL }, /* not set up yet */
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		struct pci_dev_desc desc;

		fake.count = 0;
		fake_bridge("05:00.0", want[i].secondary, want[i].subordinate);
		desc = described("05:00.0");
		assert_int_equal(desc.secondary, 0);
		assert_int_equal(desc.subordinate, 0);
		assert_int_equal(desc.buses_unknown, want[i].defect != NULL);
		if (want[i].defect)
			assert_string_equal(desc.defect, want[i].defect);
		else
			assert_null(desc.defect);
	}
}

/* What would be bus 255 to one who believes it. */
static void test_bus_numbers_that_are_no_answer(void **state)
{
	struct fake_fn *fn = fake_bridge("05:00.0", 6, 6);
	struct pci_dev_desc desc;

	(void)state;
	fake_put(fn, PCI_PRIMARY_BUS, 4, UINT32_MAX);
	desc = described("05:00.0");
	assert_string_equal(desc.defect, "its bus numbers read all-ones");
	assert_int_equal(desc.secondary, 0);
	assert_true(desc.buses_unknown);
	fake_put(fn, PCI_PRIMARY_BUS, 4, 0x00060605);
	assert_false(described("05:00.0").buses_unknown);
	fn->reg[PCI_HEADER_TYPE] = 0x7f; /* it may be one */
	assert_true(described("05:00.0").buses_unknown);
}

static void test_a_bus_has_one_bridge(void **state)
{
	(void)state;
	fake_bridge("00:01.0", 1, 1);
	fake_bridge("00:02.0", 1, 1);
	add("00:01.0");
	add("00:02.0");
	assert_null(info_of("00:01.0").broken);
	assert_string_equal(info_of("00:02.0").broken,
			    "another bridge leads to its bus");
	/* Read again, the first is still the one. */
	assert_int_equal(described("00:01.0").secondary, 1);
}

static void test_the_parent_is_the_bridge_above(void **state)
{
	(void)state;
	fake_bridge("00:01.0", 1, 1);
	fake_add("01:00.0", 0x10fb8086);
	assert_int_equal(described("01:00.0").parent.sbdf, at("01:00.0").sbdf);
	add("00:01.0");
	assert_int_equal(described("01:00.0").parent.sbdf, at("00:01.0").sbdf);
}

/* --- phantom functions ---------------------------------------------------- */

static uint8_t stride_with(uint8_t fn_no, unsigned int field)
{
	struct fake_fn *fn;
	char name[] = "00:03.0";

	fake.count = 0;
	name[6] = (char)('0' + fn_no);
	fn = fake_add(name, 0x10fb8086);
	fake_express(fn, 0x40, PCI_EXP_TYPE_ENDPOINT);
	fake_put(fn, 0x40 + PCI_EXP_DEVCAP, 4,
		 field << PCI_EXP_DEVCAP_PHANTOM_SHIFT);
	return described(name).phantom_stride;
}

static void test_the_phantom_stride_is_8_shifted_by_the_field(void **state)
{
	(void)state;
	assert_int_equal(stride_with(0, 0), 0);
	assert_int_equal(stride_with(0, 1), 4);
	assert_int_equal(stride_with(0, 2), 2);
	assert_int_equal(stride_with(0, 3), 1);
	/* No function above it is left to use. */
	assert_int_equal(stride_with(4, 1), 0);
	assert_int_equal(stride_with(7, 3), 0);
}

static void test_a_quirk_gives_a_stride_that_passes_real_functions(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x91721b4b);

	(void)state;
	assert_int_equal(described("00:03.0").phantom_stride, 1);
	fake_add("00:03.1", 0x91a41b4b);
	assert_int_equal(described("00:03.0").phantom_stride, 2);
	assert_false(fake_at(at("00:03.1"))->told); /* and not touched again */
	add("00:03.1"); /* known to be there, it need not answer */
	fake_at(at("00:03.1"))->absent = true;
	assert_int_equal(described("00:03.0").phantom_stride, 2);
	fake_add("00:03.2", 0)->reg[PCI_DEVICE_ID] = 1; /* vendor 0: nobody */
	assert_int_equal(described("00:03.0").phantom_stride, 2);
	fake_put(fake_at(at("00:03.2")), PCI_VENDOR_ID, 4, 0x91a41b4b);
	fake_add("00:03.4", 0x91a41b4b);
	assert_int_equal(described("00:03.0").phantom_stride, 0);
	fake_put(fn, PCI_DEVICE_ID, 2, 0x1234);
	assert_int_equal(described("00:03.0").phantom_stride, 0);
}

/* --- anything at all ------------------------------------------------------ */

static uint32_t seed = 1;

static uint8_t noise(void)
{
	seed = seed * 1664525 + 1013904223;
	return (uint8_t)(seed >> 24);
}

static void test_random_bytes_are_described_and_put_back(void **state)
{
	struct pci_dev_desc desc;
	struct fake_fn *fn;
	uint8_t before[4096];
	unsigned int i, n;

	(void)state;
	for (n = 0; n < 2000; n++) {
		fake.count = 0;
		fn = plain();
		fn->told = true;
		fn->size = 4096;
		for (i = 4; i < sizeof(fn->reg); i++)
			fn->reg[i] = noise();
		for (i = 4; i < sizeof(fn->reg); i++)
			fn->writable[i] = noise() & noise();
		fn->reg[PCI_HEADER_TYPE] &= 0x81;
		memcpy(before, fn->reg, sizeof(before));
		assert_int_equal(pci_describe(fn->sbdf, &desc), 0);
		assert_memory_equal(before, fn->reg, sizeof(before));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_identity_of_an_endpoint),
		CASE(test_a_bridge_has_its_subsystem_in_a_capability),
		CASE(test_nobody_there),
		CASE(test_vendor_0_is_nobody),
		CASE(test_a_host_that_cannot_read_is_an_error),
		CASE(test_one_that_vanishes_meanwhile_is_nobody),
		CASE(test_retry_status_is_waited_for),
		CASE(test_retry_status_for_ever_is_eagain_after_a_second),
		CASE(test_space_is_256_bytes_if_nothing_is_above),
		CASE(test_space_is_256_bytes_if_it_repeats),
		CASE(test_one_repetition_of_the_ids_is_no_alias),
		CASE(test_what_the_host_cannot_read_is_unknown),
		CASE(test_positions_and_counts_are_latched),
		CASE(test_a_capability_beyond_the_end_is_a_defect),
		CASE(test_reserved_msi_counts_are_a_defect),
		CASE(test_msi_with_masks_must_fit_as_a_whole),
		CASE(test_a_broken_list_is_a_defect_and_the_rest_is_read),
		CASE(test_types_by_header_then_port_type),
		CASE(test_an_unknown_header_type_is_a_defect),
		CASE(test_a_slot_is_below_a_port_that_says_so),
		CASE(test_bus_numbers_that_lead_up_or_nowhere_are_not_believed),
		CASE(test_bus_numbers_that_are_no_answer),
		CASE(test_a_bus_has_one_bridge),
		CASE(test_the_parent_is_the_bridge_above),
		CASE(test_the_phantom_stride_is_8_shifted_by_the_field),
		CASE(test_a_quirk_gives_a_stride_that_passes_real_functions),
		CASE(test_random_bytes_are_described_and_put_back),
	};

	return cmocka_run_group_tests_name("config/describe", tests, NULL,
					   NULL);
}
