/* SPDX-License-Identifier: BSD-2-Clause */
/* The command's own text: times, tables, names. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "duration.h"
#include "names.h"
#include "table.h"

static void test_times_need_a_number_and_a_unit(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {
		{ "0s", 0 },          { "500ms", 500 },
		{ "2s", 2000 },       { "1m", 60000 },
		{ "1h", 3600000 },    { "60m", 3600000 },
		{ "3600s", 3600000 }, { "3600000ms", 3600000 },
	};
	static const char *const bad[] = { "",    "2",    "s",    "2 s", " 2s",
					   "-1s", "1.5s", "2sec", "0x2s" };
	static const char *const far[] = { "2h", "61m", "3600001ms",
					   "99999999999999999999s" };
	uint64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(duration_parse(good[i].text, &ms), 0);
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(duration_parse(bad[i], &ms), -EINVAL);
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		assert_int_equal(duration_parse(far[i], &ms), -ERANGE);
}

static void test_times_are_printed_in_two_units_at_most(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} want[] = {
		{ 0, "0 ms" },
		{ 999, "999 ms" },
		{ 1000, "1 s" },
		{ 59999, "59 s" },
		{ 60000, "1 min 0 s" },
		{ 125000, "2 min 5 s" },
		{ 3600000, "1 h 0 min" },
		{ 11400000, "3 h 10 min" },
	};
	char buf[DURATION_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_string_equal(duration_print(buf, want[i].ms),
				    want[i].text);
	duration_print(buf, UINT64_MAX);
}

static const struct table_column columns[] = {
	{ "ID" },
	{ "COUNT", .right = true },
	{ "NAME", .least = 4 },
};

/* The table of one row, as printed; the caller frees it. */
static char *printed(unsigned int width, bool colours, const char *name)
{
	struct table *table = table_new(columns, 3);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	table_cell(table, PLAIN, "%s", "a");
	table_cell(table, RED, "%d", 7);
	table_cell(table, PLAIN, "%s", name);
	table_print(table, out, width, colours);
	table_free(table);
	fclose(out);
	return text;
}

static void assert_printed(unsigned int width, const char *name,
			   const char *want)
{
	char *text = printed(width, false, name);

	assert_string_equal(text, want);
	free(text);
}

static void test_columns_are_as_wide_as_their_widest_cell(void **state)
{
	(void)state;
	assert_printed(0, "a long name",
		       "ID  COUNT  NAME\n"
		       "a       7  a long name\n");
}

static void test_the_cuttable_column_gives_way_and_says_so(void **state)
{
	(void)state;
	assert_printed(22, "a long name",
		       "ID  COUNT  NAME\n"
		       "a       7  a long name\n");
	assert_printed(21, "a long name",
		       "ID  COUNT  NAME\n"
		       "a       7  a long na…\n");
	assert_printed(15, "a long name",
		       "ID  COUNT  NAME\n"
		       "a       7  a l…\n");
}

static void test_what_follows_a_cut_column_is_whole(void **state)
{
	static const struct table_column middle[] = {
		{ "NAME", .least = 4 },
		{ "STATE" },
	};
	struct table *table = table_new(middle, 2);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	table_cell(table, PLAIN, "a long name");
	table_cell(table, PLAIN, "live");
	table_print(table, out, 13, false);
	table_free(table);
	fclose(out);
	assert_string_equal(text, "NAME    STATE\n"
				  "a lon…  live\n");
	free(text);
}

static void test_a_row_never_is_wider_than_the_terminal(void **state)
{
	(void)state;
	assert_printed(13, "a long name",
		       "ID  COUNT  N…\n"
		       "a       7  a…\n");
	for (unsigned int width = 1; width < 30; width++) {
		char *text = printed(width, false, "größer ist er als das");

		for (char *line = strtok(text, "\n"); line;
		     line = strtok(NULL, "\n"))
			assert_true(text_width(line) <= width);
		free(text);
	}
}

static void test_width_counts_characters_and_no_bytes(void **state)
{
	(void)state;
	assert_int_equal(text_width("größe…"), 6);
	assert_printed(17, "größer",
		       "ID  COUNT  NAME\n"
		       "a       7  größer\n");
	assert_printed(16, "größer",
		       "ID  COUNT  NAME\n"
		       "a       7  größ…\n");
}

static void test_colours_take_no_width(void **state)
{
	char *text = printed(0, true, "x");

	(void)state;
	assert_string_equal(text, "\033[1mID\033[0m  \033[1mCOUNT\033[0m  "
				  "\033[1mNAME\033[0m\n"
				  "a       \033[31m7\033[0m  x\n");
	free(text);
}

/* Runs before any other lookup: the list is read once. */
static void test_a_broken_list_of_names_gives_numbers(void **state)
{
	char path[] = "/tmp/pci.ids.XXXXXX", buf[256];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "8086  Intel\n\t\t\tgarbage\n", 23), 23);
	close(fd);
	names_use(path);
	assert_string_equal(names_device(buf, sizeof(buf), 0x8086, 0x1572),
			    "Device 8086:1572");
	assert_string_equal(names_class(buf, sizeof(buf), 0x02000000),
			    "Class 0200");
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times_need_a_number_and_a_unit),
		cmocka_unit_test(test_times_are_printed_in_two_units_at_most),
		cmocka_unit_test(test_columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(
			test_the_cuttable_column_gives_way_and_says_so),
		cmocka_unit_test(test_what_follows_a_cut_column_is_whole),
		cmocka_unit_test(test_a_row_never_is_wider_than_the_terminal),
		cmocka_unit_test(test_width_counts_characters_and_no_bytes),
		cmocka_unit_test(test_colours_take_no_width),
		cmocka_unit_test(test_a_broken_list_of_names_gives_numbers),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
