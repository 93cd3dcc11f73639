/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fabric files: what is wrong is told with its place and its reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static const char *example;

/* A file with one device on bus 0; %s: its members. */
#define ONE(members)                                                   \
	"{ \"segments\": [ { \"buses\": [ { \"devices\": [ { " members \
	" } ] } ] } ] }"
#define PCI                                                            \
	"\"at\": \"02.0\", \"kind\": \"pci\", \"id\": \"8086:100e\", " \
	"\"class\": 0"
#define PORT "\"at\": \"01.0\", \"kind\": \"root-port\", \"id\": \"8086:a190\""
#define END                                                                 \
	"\"at\": \"00.0\", \"kind\": \"endpoint\", \"id\": \"8086:1572\", " \
	"\"class\": \"0x020000\""
#define DEV "$.segments[0].buses[0].devices[0]"

struct wrong {
	const char *text, *place, *reason;
};

static const struct wrong wrongs[] = {
	/* syntax: the line */
	{ "{\n\n  \"segments\": [ }\n", "line 3", "" },
	{ "{ \"segments\": [", "line 1", "ends too early" },
	{ "", "line 1", "ends too early" },
	{ "{ \"segments\": [] }\n}", "line 2", "after the end" },
	{ "{ \"segments\": [] }\n/* never ends", "line 2", "" },
	/* meaning: the path */
	{ "[]", "$", "must be an object" },
	{ "{}", "$", "no \"segments\"" },
	{ "{ \"segments\": [] }", "$.segments", "elements" },
	{ "{ \"segments\": [ {} ] }", "$.segments[0]", "no \"buses\"" },
	{ "{ \"segments\": [ { \"bus\": 1 } ] }", "$.segments[0].bus",
	  "unknown member" },
	{ "{ \"segments\": [ { \"segment\": 65536, \"buses\": [] } ] }",
	  "$.segments[0].segment", "must be" },
	{ "{ \"segments\": [ { \"buses\": [ { \"devices\": [] } ] },"
	  "{ \"buses\": [ { \"devices\": [] } ] } ] }",
	  "$.segments[1]", "twice" },
	{ "{ \"segments\": [ { \"buses\": [ { \"devices\": [],"
	  "\"bus\": 4 }, { \"devices\": [], \"bus\": 3 } ] } ] }",
	  "$.segments[0].buses[1]", "ascend" },
	{ ONE(""), DEV, "no \"kind\"" },
	{ ONE("\"kind\": \"toaster\""), DEV ".kind", "toaster" },
	{ ONE("\"kind\": \"pci\""), DEV, "no \"id\"" },
	{ ONE("\"kind\": \"pci\", \"id\": \"8086\""), DEV ".id", "8086:1572" },
	{ ONE("\"kind\": \"pci\", \"id\": \"8086:100e\""), DEV,
	  "no \"class\"" },
	{ ONE("\"kind\": \"pci\", \"id\": \"8086:100e\", \"class\": 0"), DEV,
	  "no \"at\"" },
	{ ONE(PCI ", \"at\": \"20.0\""), DEV ".at", "20.0" },
	{ ONE(PCI ", \"at\": \"02.1\""), "devices", "no function 0" },
	{ ONE(PCI " }, { " PCI), "devices[1].at", "twice" },
	{ ONE(PCI ", \"pin\": 5"), DEV ".pin", "must be" },
	{ ONE(PCI ", \"pin\": -1"), DEV ".pin", "negative" },
	{ ONE(PCI ", \"revision\": \"xyz\""), DEV ".revision", "number" },
	{ ONE(PCI ", \"pm\": 1"), DEV ".pm", "true or false" },
	{ ONE(PCI ", \"flr\": true"), DEV ".flr", "conventional" },
	{ ONE(PCI ", \"slot\": {}"), DEV ".slot", "port" },
	{ ONE(PCI ", \"below\": []"), DEV ".below", "bridges" },
	{ ONE(END), DEV, "below a port" },
	{ ONE(PORT ", \"below\": [ { " PCI " } ]"), DEV ".below[0]",
	  "device 0" },
	{ ONE(PORT ", \"below\": [ { " PORT " } ]"), DEV ".below[0]", "" },
	{ ONE(PORT ", \"secondary\": 0"), DEV ".secondary", "taken" },
	{ ONE(PORT ", \"secondary\": 3, \"subordinate\": 5, \"spare\": 4"), DEV,
	  "buses" },
	{ ONE(PORT ", \"card\": \"toaster\""), DEV ".card", "toaster" },
	{ ONE(PORT ", \"card\": \"nic\", \"below\": []"), DEV ".card",
	  "either" },
	{ ONE(PCI ", \"bars\": 3"), DEV ".bars", "array" },
	{ ONE(PCI ", \"bars\": [ {} ]"), DEV ".bars[0]", "needs" },
	{ ONE(PCI ", \"bars\": [ { \"bar\": 0, \"type\": \"mem32\","
		  "\"size\": \"3K\" } ]"),
	  DEV ".bars[0].size", "power of two" },
	{ ONE(PCI ", \"bars\": [ { \"bar\": 0, \"type\": \"mem32\","
		  "\"size\": \"16Q\" } ]"),
	  DEV ".bars[0].size", "not a size" },
	{ ONE(PCI ", \"bars\": [ { \"bar\": 0, \"type\": \"mem32\","
		  "\"size\": \"4G\" } ]"),
	  DEV ".bars[0].size", "no such size" },
	{ ONE(PCI ", \"bars\": [ { \"bar\": 5, \"type\": \"mem64\","
		  "\"size\": \"4K\" } ]"),
	  DEV ".bars[0]", "upper half" },
	{ ONE(PCI ", \"bars\": ["
		  "{ \"bar\": 0, \"type\": \"mem64\", \"size\": \"4K\" },"
		  "{ \"bar\": 1, \"type\": \"mem32\", \"size\": \"4K\" } ]"),
	  DEV ".bars[1]", "twice" },
	{ ONE(PCI ", \"msi\": { \"vectors\": 3 }"), DEV ".msi",
	  "power of two" },
	{ ONE(PCI ", \"msix\": { \"entries\": 4 }"), DEV ".msix", "fit" },
	{ ONE(PCI ", \"vendor\": { \"data\": \"0\" }"), DEV ".vendor.data",
	  "hexadecimal" },
	{ ONE(PCI ", \"poke\": [ { \"reg\": 1, \"size\": 2 } ]"),
	  DEV ".poke[0]", "aligned" },
	{ ONE(PCI ", \"poke\": [ { \"reg\": 256 } ]"), DEV ".poke[0].reg",
	  "must be" },
	{ ONE(PORT ", \"below\": [ { " END ", \"serial\": \"00-11\" } ]"),
	  DEV ".below[0].serial", "8 bytes" },
	{ ONE(PORT ", \"below\": [ { " END
		   ", \"sriov\": { \"total\": 4, \"enabled\": 5 } } ]"),
	  DEV ".below[0].sriov.enabled", "must be" },
	{ ONE(PORT ", \"below\": [ { " END
		   ", \"rebar\": [ { \"bar\": 0, \"sizes\": [ \"1M\" ] } ]"
		   "} ]"),
	  DEV ".below[0].rebar[0]", "memory BAR" },
	{ ONE(PCI ", \"tester\": true"), DEV ".tester", "BAR 0" },
	{ ONE(PCI ", \"tester\": true, \"bars\": [ { \"bar\": 0,"
		  "\"type\": \"mem32\", \"size\": \"1K\" } ]"),
	  DEV ".tester", "4K" },
	{ ONE(PORT ", \"tester\": true"), DEV ".tester", "BAR 0" },
	{ ONE(PCI ", \"reserved\": [ { \"start\": 0, \"size\": \"4K\" } ]"),
	  DEV ".reserved[0]", "direct" },
	{ ONE(PCI ", \"reserved\": [ { \"start\": 0, \"size\": \"4K\","
		  "\"kind\": \"soft\" } ]"),
	  DEV ".reserved[0]", "direct" },
	{ ONE(PCI ", \"reserved\": [ { \"start\": 1, \"size\": \"4K\","
		  "\"kind\": \"direct\" } ]"),
	  DEV ".reserved[0]", "whole pages" },
	{ ONE(PCI ", \"reserved\": [ { \"start\": 0, \"size\": 64,"
		  "\"kind\": \"direct\" } ]"),
	  DEV ".reserved[0]", "whole pages" },
	{ ONE(PCI ", \"reserved\": [ { \"start\": \"0xfffffffffffff000\","
		  "\"size\": \"8K\", \"kind\": \"direct\" } ]"),
	  DEV ".reserved[0]", "whole pages" },
	{ ONE(PCI ", \"seen_as\": \"20.0\""), DEV ".seen_as", "20.0" },
	{ ONE(PCI ", \"seen_as\": 3"), DEV ".seen_as", "string" },
	{ "{ \"cards\": { \"x\": [ { \"kind\": 3 } ] }, \"segments\": [] }",
	  "$.cards.x[0].kind", "string" },
};

static void test_errors_name_place_and_reason(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(wrongs); i++) {
		const struct wrong *w = &wrongs[i];
		const char *err = open_error(w->text);

		if (!strstr(err, w->place) || !strstr(err, w->reason))
			fail_msg("\"%s\"\nlacks \"%s\" or \"%s\":\n%s", err,
				 w->place, w->reason, w->text);
	}
}

static void test_capabilities_that_do_not_fit_are_an_error(void **state)
{
	char data[3 * 128 + 1] = "";
	char *text = NULL;

	(void)state;
	for (unsigned int i = 0; i < 128; i++)
		strcat(data, "00 ");
	assert_true(
		asprintf(&text,
			 ONE(PCI ", \"vendor\": { \"data\": \"%s\" },"
				 "\"vpd\": \"\", \"pm\": true, \"af\": true,"
				 "\"msi\": { \"mask\": true },"
				 "\"poke\": []"),
			 data) > 0);
	fabric_close(open_text(text)); /* 131 + 8 + 8 + 8 + 24 */
	free(text);
	text = NULL;
	assert_true(asprintf(&text,
			     ONE(PORT ", \"below\": [ { " END
				      ", \"vendor\": { \"data\": \"%s\" } } ]"),
			     data) > 0);
	assert_non_null(strstr(open_error(text), "do not fit"));
	free(text);
}

static void test_comments_and_hexadecimal_strings_are_fine(void **state)
{
	struct fabric *f = open_text(
		"// first\n"
		"{ /* of all */ \"segments\": [ { \"segment\": \"0x2a\","
		"\"buses\": [ { \"bus\": \"0x80\", \"devices\": [ { " PCI
		" } ] } ] } ] } // last\n/* and least */\n");

	(void)state;
	assert_int_equal(fabric_segment_next(f, 0), 42);
	assert_true(there(f, at("002a:80:02.0")));
	fabric_close(f);
}

static void test_bus_numbers_are_given_where_left_out(void **state)
{
	struct fabric *f = open_text(
		ONE(PORT ", \"spare\": 2 }, { \"at\": \"02.0\","
			 "\"kind\": \"root-port\", \"id\": \"8086:a190\""));

	(void)state;
	assert_int_equal(rd(f, at("0000:00:01.0"), PCI_PRIMARY_BUS, 4),
			 0x030100);
	assert_int_equal(rd(f, at("0000:00:02.0"), PCI_PRIMARY_BUS, 4),
			 0x040400);
	fabric_close(f);
}

static void test_a_poke_makes_hardware_lie(void **state)
{
	struct fabric *f = open_text(
		ONE(PCI ", \"pm\": true, \"poke\": [ { \"reg\": \"0x41\","
			"\"value\": \"0x40\" } ]"));

	(void)state; /* a list that never ends */
	assert_int_equal(rd(f, at("0000:00:02.0"), 0x40, 2), 0x4001);
	fabric_close(f);
}

static void test_missing_files_and_bad_numbers(void **state)
{
	static const char *const specs[] = { "/nonexistent",  "/",
					     "scale=",        "scale=-1",
					     "scale=12x",     "scale=0",
					     "scale=99999999" };
	char err[256];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(specs); i++) {
		err[0] = '\0';
		assert_null(fabric_open(specs[i], err, sizeof(err)));
		assert_int_not_equal(err[0], '\0');
	}
	assert_null(fabric_open("/", err, sizeof(err)));
	assert_non_null(strstr(err, "directory"));
}

static void test_the_example_of_the_readme_opens(void **state)
{
	struct fabric *f = open_spec(example);
	char err[256];

	(void)state;
	assert_int_equal(fabric_functions(f), 7);
	assert_int_equal(fabric_plug(f, at("0000:00:1c.0"), "capture", err,
				     sizeof(err)),
			 0);
	fabric_close(f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_name_place_and_reason),
		cmocka_unit_test(
			test_capabilities_that_do_not_fit_are_an_error),
		cmocka_unit_test(
			test_comments_and_hexadecimal_strings_are_fine),
		cmocka_unit_test(test_bus_numbers_are_given_where_left_out),
		cmocka_unit_test(test_a_poke_makes_hardware_lie),
		cmocka_unit_test(test_missing_files_and_bad_numbers),
		cmocka_unit_test(test_the_example_of_the_readme_opens),
	};

	example = argc > 1 ? argv[1] : "";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
