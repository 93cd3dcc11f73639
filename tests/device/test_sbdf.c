/* SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

static void test_print_and_parse_are_inverse(void **state)
{
	char text[PCI_SBDF_LEN];
	uint32_t word;

	(void)state;
	for (word = 0; word < 1u << 20; word += 77) {
		pci_sbdf_t in = pci_sbdf_from(word * 4099), out = { 0 };

		assert_int_equal(pci_sbdf_parse(pci_sbdf_print(text, in), &out),
				 0);
		assert_int_equal(out.sbdf, in.sbdf);
	}
}

static void test_the_segment_may_be_left_out(void **state)
{
	pci_sbdf_t out;

	(void)state;
	assert_int_equal(pci_sbdf_parse("3:1f.7", &out), 0);
	assert_int_equal(out.sbdf, pci_sbdf(0, 3, 0x1f, 7).sbdf);
	assert_int_equal(pci_sbdf_parse("ABCD:0a:00.0", &out), 0);
	assert_int_equal(out.seg, 0xabcd);
}

static void test_malformed_addresses_change_nothing(void **state)
{
	static const char *const bad[] = {
		"",          ":",         "0",           "00:00",
		"00:00.",    "00:00.0 ",  " 00:00.0",    "00:00.00",
		"00:00,0",   "0:0:0:0.0", "00000:0:0.0", "0:000:0.0",
		"0:0:000.0", "g:0:0.0",   "0:0:0.g",     "0:0:.0",
		"::.",       "00:00.0.0", "0:0.0:0",     "-1:0:0.0",
	};
	pci_sbdf_t out = pci_sbdf_from(42);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(pci_sbdf_parse(bad[i], &out), -EINVAL);
	assert_int_equal(pci_sbdf_parse("0:0:20.0", &out), -ERANGE);
	assert_int_equal(pci_sbdf_parse("0:0:0.8", &out), -ERANGE);
	assert_int_equal(out.sbdf, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print_and_parse_are_inverse),
		cmocka_unit_test(test_the_segment_may_be_left_out),
		cmocka_unit_test(test_malformed_addresses_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
