/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strict check: every kind of malformed text is refused with its line and
 * reason, and nothing of it is kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <holdfast/errno.h>

#include "check.h"

#define Z16 " 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
#define ROWS64 "00:" Z16 "10:" Z16 "20:" Z16 "30:" Z16
#define ROWS128 ROWS64 "40:" Z16 "50:" Z16 "60:" Z16 "70:" Z16
#define A "00:00.0 Host bridge: x\n"
#define B "00:01.0 ISA bridge: x\n"

struct result {
	struct dump_function *fn;
	unsigned int count;
	char *clean;
	size_t clean_len;
	char err[128];
};

static int check_bytes(const char *text, size_t len, struct result *res)
{
	/* fmemopen() takes no empty buffer */
	FILE *in = len ? fmemopen((char *)text, len, "r")
		       : fopen("/dev/null", "r");
	FILE *clean;
	int ret;

	memset(res, 0, sizeof(*res));
	clean = open_memstream(&res->clean, &res->clean_len);
	ret = dump_check(in, clean, &res->fn, &res->count, res->err,
			 sizeof(res->err));
	fclose(clean);
	fclose(in);
	return ret;
}

static int check(const char *text, struct result *res)
{
	return check_bytes(text, strlen(text), res);
}

static void drop(struct result *res)
{
	free(res->fn);
	free(res->clean);
}

/* --- what is refused -------------------------------------------------------- */

struct refusal {
	const char *name, *text, *why;
};

#define LENGTHS ", not 64, 256, 4096 or a CardBus bridge's 128"
#define NO_LINE "no address (ssss:bb:dd.f and text), bytes, detail or comment"
#define NO_SIZE "not a size such as [size=4K]"
#define NO_SLOT "a device above 1f or function above 7"

static const struct refusal refusals[] = {
	{ "test_dump_refuses_empty_file", "", "there is no function in it" },
	{ "test_dump_refuses_blank_lines_only", "\n\n",
	  "there is no function in it" },
	{ "test_dump_refuses_comments_only", "# x\n",
	  "there is no function in it" },
	{ "test_dump_refuses_function_without_bytes", A "\n",
	  "line 1: 0000:00:00.0 has 0 bytes" LENGTHS },
	{ "test_dump_refuses_truncated_between_rows",
	  "\n" A "00:" Z16 "10:" Z16,
	  "line 2: 0000:00:00.0 has 32 bytes" LENGTHS },
	{ "test_dump_refuses_truncated_in_a_row", A "00: 00 00 0",
	  "line 2: it breaks off here" },
	{ "test_dump_refuses_truncated_function_before_another",
	  A "00:" Z16 B ROWS64, "line 1: 0000:00:00.0 has 16 bytes" LENGTHS },
	{ "test_dump_refuses_length_128_without_cardbus", A ROWS128,
	  "line 1: 0000:00:00.0 has 128 bytes" LENGTHS },
	{ "test_dump_refuses_duplicate",
	  A ROWS64 "\n" B ROWS64 "\n0000:00:00.0 x\n" ROWS64,
	  "line 13: 0000:00:00.0 again, after line 1" },
	{ "test_dump_refuses_device_above_1f", "00:20.0 x\n" ROWS64,
	  "line 1: " NO_SLOT },
	{ "test_dump_refuses_function_above_7", "00:00.8 x\n" ROWS64,
	  "line 1: " NO_SLOT },
	{ "test_dump_refuses_bad_digit_in_address",
	  A ROWS64 "\n0g:00.0 x\n" ROWS64,
	  "line 7: not an address (ssss:bb:dd.f)" },
	{ "test_dump_refuses_segment_beyond_16_bits",
	  A ROWS64 "\n10000:00:00.0 x\n" ROWS64, "line 7: " NO_LINE },
	{ "test_dump_refuses_address_without_text", "00:00.0\n" ROWS64,
	  "line 1: " NO_LINE },
	{ "test_dump_refuses_other_text", "hello world\n", "line 1: " NO_LINE },
	{ "test_dump_refuses_bad_hex", A "00: 00 0x 00\n",
	  "line 2: no byte in column 7" },
	{ "test_dump_refuses_signed_hex", A "00: -1\n",
	  "line 2: no byte in column 4" },
	{ "test_dump_refuses_bytes_without_space", A "00: 0000\n",
	  "line 2: no byte in column 7" },
	{ "test_dump_refuses_half_a_byte", A "00: 0\n",
	  "line 2: no byte in column 4" },
	{ "test_dump_refuses_short_row", A "00: 00 00\n",
	  "line 2: 2 bytes, not 16" },
	{ "test_dump_refuses_row_without_bytes", A "00:\n",
	  "line 2: 0 bytes, not 16" },
	{ "test_dump_refuses_long_row",
	  A "00: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n",
	  "line 2: 17 bytes, not 16" },
	{ "test_dump_refuses_offset_left_out", A "00:" Z16 "20:" Z16,
	  "line 3: offset 20 follows 16 bytes" },
	{ "test_dump_refuses_offset_twice", A "00:" Z16 "00:" Z16,
	  "line 3: offset 0 follows 16 bytes" },
	{ "test_dump_refuses_bytes_before_any_address", ROWS64,
	  "line 1: bytes of no function" },
	{ "test_dump_refuses_bytes_after_the_end", A ROWS64 "\n40:" Z16,
	  "line 7: bytes of no function" },
	{ "test_dump_refuses_detail_before_any_address", "\tx\n",
	  "line 1: a detail of no function" },
	{ "test_dump_refuses_region_above_5",
	  A "\tRegion 6: x [size=4K]\n" ROWS64,
	  "line 2: not a region from 0 to 5" },
	{ "test_dump_refuses_unknown_size_unit",
	  A "\tRegion 0: x [size=4Q]\n" ROWS64, "line 2: " NO_SIZE },
	{ "test_dump_refuses_size_without_end",
	  A "\tRegion 0: x [size=4K\n" ROWS64, "line 2: " NO_SIZE },
	{ "test_dump_refuses_size_zero", A "\tRegion 0: x [size=0]\n" ROWS64,
	  "line 2: " NO_SIZE },
	{ "test_dump_refuses_negative_size",
	  A "\tRegion 0: x [size=-1]\n" ROWS64, "line 2: " NO_SIZE },
	{ "test_dump_refuses_size_beyond_64_bits",
	  A "\tRegion 0: x [size=16777216T]\n" ROWS64, "line 2: " NO_SIZE },
	{ "test_dump_refuses_number_beyond_64_bits",
	  A "\tRegion 0: x [size=18446744073709551616]\n" ROWS64,
	  "line 2: " NO_SIZE },
};

static void test_refusal(void **state)
{
	const struct refusal *refusal = *state;
	struct result res;

	assert_int_equal(check(refusal->text, &res), -EINVAL);
	assert_string_equal(res.err, refusal->why);
	assert_null(res.fn);
	drop(&res);
}

static void test_dump_refuses_more_than_4096_bytes(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct result res;
	unsigned int i;

	(void)state;
	fputs(A, out);
	for (i = 0; i <= 4096; i += 16)
		fprintf(out, "%02x:" Z16, i);
	fclose(out);

	assert_int_equal(check(text, &res), -EINVAL);
	assert_string_equal(res.err, "line 258: more than 4096 bytes");
	drop(&res);
	free(text);
}

static void test_dump_refuses_an_endless_line(void **state)
{
	char text[5000];
	struct result res;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(check_bytes(text, sizeof(text), &res), -EINVAL);
	assert_string_equal(res.err, "line 1: longer than any lspci prints");
	drop(&res);
}

static void test_dump_refuses_a_nul_in_the_text(void **state)
{
	static const char text[] = A "00:\0" Z16;
	struct result res;

	(void)state;
	assert_int_equal(check_bytes(text, sizeof(text) - 1, &res), -EINVAL);
	assert_string_equal(res.err, "line 2: it breaks off here");
	drop(&res);
}

/* --- what is taken ---------------------------------------------------------- */

static void test_dump_check_sorts_and_measures(void **state)
{
	struct result res;

	(void)state;
	assert_int_equal(check("0001:00:00.0 x\n" ROWS64 B ROWS64 "40:" Z16
			       "50:" Z16 "60:" Z16 "70:" Z16 "80:" Z16 "90:" Z16
			       "a0:" Z16 "b0:" Z16 "c0:" Z16 "d0:" Z16 "e0:" Z16
			       "f0:" Z16,
			       &res),
			 0);
	assert_int_equal(res.count, 2);
	assert_int_equal(res.fn[0].sbdf.sbdf, pci_sbdf(0, 0, 1, 0).sbdf);
	assert_int_equal(res.fn[0].len, 256);
	assert_int_equal(res.fn[0].line, 6);
	assert_int_equal(res.fn[1].sbdf.sbdf, pci_sbdf(1, 0, 0, 0).sbdf);
	assert_int_equal(res.fn[1].len, 64);
	drop(&res);
}

static void test_dump_check_takes_a_cardbus_bridge_of_128_bytes(void **state)
{
	struct result res;

	(void)state;
	assert_int_equal(check("00:00.0 x\n"
			       "00: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
			       "82 00\n"
			       "10:" Z16 "20:" Z16 "30:" Z16 "40:" Z16 "50:" Z16
			       "60:" Z16 "70:" Z16,
			       &res),
			 0);
	assert_int_equal(res.fn[0].len, 128);
	drop(&res);
}

static void test_dump_check_reads_sizes_in_every_unit(void **state)
{
	struct result res;

	(void)state;
	assert_int_equal(
		check(A "\tRegion 0: Memory at 0 (32-bit) [size=128]\n"
			"\tRegion 1: [virtual] Memory at 0 [size=4K]\n"
			"\tRegion 2: I/O ports at 0 [size=16M]\n"
			"\tRegion 3: Memory at 0 [size=2G]\n"
			"\tRegion 4: Memory at 0 [size=1T]\n"
			"\tMemory behind bridge: 0-1 [size=8M]\n"
			"\t\tRegion 5: of a VF [size=64]\n"
			"\tExpansion ROM at 0 [disabled] [size=512K]\n" ROWS64,
		      &res),
		0);
	assert_int_equal(res.fn[0].bar_size[0], 128);
	assert_int_equal(res.fn[0].bar_size[1], 4096);
	assert_int_equal(res.fn[0].bar_size[2], 16 << 20);
	assert_int_equal(res.fn[0].bar_size[3], 2ull << 30);
	assert_int_equal(res.fn[0].bar_size[4], 1ull << 40);
	assert_int_equal(res.fn[0].bar_size[5], 0);
	assert_int_equal(res.fn[0].bar_size[DUMP_ROM], 512 << 10);
	drop(&res);
}

static void test_dump_check_passes_on_addresses_and_bytes_only(void **state)
{
	struct result res;

	(void)state;
	assert_int_equal(check("# c\n00:1F.7 x \x1b[2J\r\n\tdetail\n"
			       "0000:" Z16 "10:" Z16 "20:" Z16 "30:" Z16,
			       &res),
			 0);
	assert_string_equal(res.clean, "0000:00:1f.7 -\n" ROWS64);
	drop(&res);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(refusals) + 7] = {
		cmocka_unit_test(test_dump_refuses_more_than_4096_bytes),
		cmocka_unit_test(test_dump_refuses_an_endless_line),
		cmocka_unit_test(test_dump_refuses_a_nul_in_the_text),
		cmocka_unit_test(test_dump_check_sorts_and_measures),
		cmocka_unit_test(
			test_dump_check_takes_a_cardbus_bridge_of_128_bytes),
		cmocka_unit_test(test_dump_check_reads_sizes_in_every_unit),
		cmocka_unit_test(
			test_dump_check_passes_on_addresses_and_bytes_only),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++)
		tests[7 + i] = (struct CMUnitTest){
			.name = refusals[i].name,
			.test_func = test_refusal,
			.initial_state = (void *)&refusals[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
