/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatted text and the C library's part, against the C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"
#include "el2.h"

#define memcpy el2_memcpy
#define memset el2_memset
#define memcmp el2_memcmp
#define memmove el2_memmove
#define memchr el2_memchr
#define strlen el2_strlen
#define strnlen el2_strnlen
#define strcmp el2_strcmp
#define strncmp el2_strncmp
#define strchr el2_strchr
#define strrchr el2_strrchr
#define strtoul el2_strtoul
#define __stack_chk_guard el2_stack_chk_guard
#define __stack_chk_fail el2_stack_chk_fail
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#include "../../platform/el2/libc.c"
#undef memcpy
#undef memset
#undef memcmp
#undef memmove
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strtoul

/* --- formats ------------------------------------------------------------------ */

#define SAME(...)                                                              \
	do {                                                                   \
		char want[128], got[128];                                      \
		int len = snprintf(want, sizeof(want), __VA_ARGS__);           \
		assert_int_equal(plat_snprintf(got, sizeof(got), __VA_ARGS__), \
				 len);                                         \
		assert_string_equal(got, want);                                \
	} while (0)

static void test_numbers_as_c_formats_them(void **state)
{
	static const long long values[] = {
		0,         1,         -1,        9,
		10,        255,       65536,     INT32_MAX,
		INT32_MIN, INT64_MAX, INT64_MIN, 0x123456789abcdef
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		long long v = values[i];

		SAME("%d|%i|%u|%x|%X", (int)v, (int)v, (unsigned int)v,
		     (unsigned int)v, (unsigned int)v);
		SAME("%hd|%hhd|%hu|%hhx", (short)v, (signed char)v,
		     (unsigned short)v, (unsigned char)v);
		SAME("%ld|%lu|%lx|%zu", (long)v, (unsigned long)v,
		     (unsigned long)v, (size_t)v);
		SAME("%lld|%llu|%llx", v, (unsigned long long)v,
		     (unsigned long long)v);
		SAME("%02x|%04x|%016llx|%5d|%-5d|%05d|%-12llu|",
		     (unsigned int)v, (unsigned int)v, (unsigned long long)v,
		     (int)v, (int)v, (int)v, (unsigned long long)v);
		SAME("%p", (void *)(uintptr_t)(v ? v : 1));
	}
}

static void test_strings_as_c_formats_them(void **state)
{
	(void)state;
	SAME("%s|%8s|%-8s|%.2s|%8.2s|%.0s|%.20s|%c%c%%", "word", "word", "word",
	     "word", "word", "word", "word", 'a', 'b');
	SAME("%s%s", "", "end");
}

static void test_text_that_does_not_fit_is_cut(void **state)
{
	char got[16], want[16];
	size_t size;

	(void)state;
	for (size = 0; size <= sizeof(got); size++) {
		memset(got, 0x55, sizeof(got));
		memset(want, 0x55, sizeof(want));
		assert_int_equal(plat_snprintf(got, size, "%s-%05d", "four",
					       17),
				 snprintf(want, size, "%s-%05d", "four", 17));
		assert_memory_equal(got, want, sizeof(got));
	}
}

/* --- the log ------------------------------------------------------------------- */

static void test_a_log_line_is_whole_however_long(void **state)
{
	char text[1024];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	plat_log(PLAT_WARN, "%s", text);
	assert_int_equal(strncmp(board_said, "holdfast: warning: xxx", 22), 0);
	assert_int_equal(strlen(board_said), 255);
	assert_int_equal(board_said[254], '\n');
	plat_log(PLAT_INFO, "%u devices", 3u);
	assert_string_equal(board_said, "holdfast: 3 devices\n");
}

static void test_lines_above_the_level_are_dropped(void **state)
{
	unsigned int lines = board_lines;

	(void)state;
	plat_log(PLAT_DEBUG, "not said");
	assert_int_equal(board_lines, lines);
	plat_log_level(PLAT_DEBUG);
	plat_log(PLAT_DEBUG, "said");
	assert_int_equal(board_lines, lines + 1);
}

/* --- memory and strings ----------------------------------------------------------- */

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void test_memory_at_every_alignment(void **state)
{
	unsigned char got[64], want[64], src[64];
	size_t to, from, n, i;

	(void)state;
	for (i = 0; i < sizeof(src); i++)
		src[i] = (unsigned char)(i * 7 + 1);
	for (to = 0; to < 17; to++) {
		for (from = 0; from < 17; from++) {
			for (n = 0; n < 40; n++) {
				memset(got, 0, sizeof(got));
				memset(want, 0, sizeof(want));
				memcpy(want + to, src + from, n);
				assert_ptr_equal(el2_memcpy(got + to,
							    src + from, n),
						 got + to);
				assert_memory_equal(got, want, sizeof(got));
				memcpy(got, src, sizeof(got));
				memcpy(want, src, sizeof(got));
				memmove(want + to, want + from, n);
				el2_memmove(got + to, got + from, n);
				assert_memory_equal(got, want, sizeof(got));
				memset(want + to, (int)from - 8, n);
				el2_memset(got + to, (int)from - 8, n);
				assert_memory_equal(got, want, sizeof(got));
			}
		}
	}
}

static void test_comparing_and_finding(void **state)
{
	static const char *const word[] = { "",     "a",     "ab",    "abc",
					    "abd",  "\xff",  "a\xff", "reg",
					    "/a/b", "/a/b/c" };
	size_t i, k, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(word); i++) {
		const char *a = word[i];

		assert_int_equal(el2_strlen(a), strlen(a));
		assert_int_equal(el2_strnlen(a, 2), strnlen(a, 2));
		for (n = 0; n < 128; n++) {
			assert_ptr_equal(el2_strchr(a, (int)n),
					 strchr(a, (int)n));
			assert_ptr_equal(el2_strrchr(a, (int)n),
					 strrchr(a, (int)n));
			assert_ptr_equal(el2_memchr(a, (int)n, strlen(a)),
					 memchr(a, (int)n, strlen(a)));
		}
		for (k = 0; k < ARRAY_SIZE(word); k++) {
			const char *b = word[k];
			size_t least = strlen(a) < strlen(b) ? strlen(a)
							     : strlen(b);

			assert_int_equal(sign(el2_strcmp(a, b)),
					 sign(strcmp(a, b)));
			for (n = 0; n < 5; n++)
				assert_int_equal(sign(el2_strncmp(a, b, n)),
						 sign(strncmp(a, b, n)));
			assert_int_equal(sign(el2_memcmp(a, b, least)),
					 sign(memcmp(a, b, least)));
		}
	}
}

static void test_numbers_in_text(void **state)
{
	static const char *const text[] = {
		"",
		"0",
		"7x",
		"123",
		"0x1f,",
		"0x",
		"0xg",
		"017",
		"ffF0",
		"z",
		"18446744073709551615",
		"18446744073709551616",
		"99999999999999999999999",
	};
	static const int bases[] = { 0, 8, 10, 16, 36 };
	char *got, *want;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(text); i++) {
		for (k = 0; k < ARRAY_SIZE(bases); k++) {
			assert_int_equal(el2_strtoul(text[i], &got, bases[k]),
					 strtoul(text[i], &want, bases[k]));
			assert_ptr_equal(got, want);
		}
	}
}

int main(void)
{
	static struct plat_cpu cpu;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_as_c_formats_them),
		cmocka_unit_test(test_strings_as_c_formats_them),
		cmocka_unit_test(test_text_that_does_not_fit_is_cut),
		cmocka_unit_test(test_a_log_line_is_whole_however_long),
		cmocka_unit_test(test_lines_above_the_level_are_dropped),
		cmocka_unit_test(test_memory_at_every_alignment),
		cmocka_unit_test(test_comparing_and_finding),
		cmocka_unit_test(test_numbers_in_text),
	};

	this_cpu = &cpu;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
