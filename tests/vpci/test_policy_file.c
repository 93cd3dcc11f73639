/* SPDX-License-Identifier: BSD-2-Clause */
/* Policies from JSON: what a text means, and what is refused and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <holdfast/errno.h>
#include <holdfast/pci_regs.h>

#include "policy_file.h"

static const char *source_root;
static char err[512];

static struct policy_file *parse(const char *text)
{
	*err = '\0';
	return policy_file_parse("file", text, strlen(text), err, sizeof(err));
}

static void assert_refused(const char *text, const char *says)
{
	struct policy_file *file = parse(text);

	policy_file_free(file);
	if (file)
		fail_msg("taken: %s", text);
	if (!strstr(err, says))
		fail_msg("\"%s\" does not say \"%s\"", err, says);
}

/* The first ```json of docs/policy.md; the caller frees it. */
static char *example(void)
{
	static char path[4096];
	char *text = NULL, *begin, *end;
	size_t room = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/docs/policy.md", source_root);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_true(getdelim(&text, &room, '\0', in) > 0);
	fclose(in);
	begin = strstr(text, "```json\n");
	assert_non_null(begin);
	begin += strlen("```json\n");
	end = strstr(begin, "```");
	assert_non_null(end);
	memmove(text, begin, (size_t)(end - begin));
	text[end - begin] = '\0';
	return text;
}

static void test_the_documented_example_is_a_guests_policy(void **state)
{
	char *text = example(), why[160];
	struct policy_file *file = parse(text);
	const struct vpci_cap_policy *cap;
	const struct vpci_policy *policy;

	(void)state;
	assert_non_null(file);
	policy = policy_file_policy(file);
	assert_int_equal(vpci_policy_check(policy, why, sizeof(why)), 0);
	assert_string_equal(policy->name, "acme-nic");
	assert_false(policy->hardware);
	assert_false(policy->cap[PCI_CAP_ID_VPD]->show);

	cap = policy->cap[PCI_CAP_ID_VNDR];
	assert_true(cap->show);
	assert_null(cap->setup);
	assert_int_equal(cap->length, 16);
	assert_int_equal(cap->rest, VPCI_REST_READ);
	assert_int_equal(cap->nfields, 3);
	assert_int_equal(cap->field[0].masks.hw, 0xffffffff);
	assert_int_equal(cap->field[0].masks.rw, 1);
	assert_int_equal(cap->field[1].masks.w1c, 0xff);
	assert_int_equal(cap->field[2].offset, 10);
	assert_int_equal(cap->field[2].size, 1);
	assert_int_equal(cap->field[2].masks.value, 0x42);
	assert_true(policy->ext[PCI_EXT_CAP_ID_LTR]->show);
	policy_file_free(file);
	free(text);
}

static void assert_shows(const char *text, const struct vpci_policy *want)
{
	struct policy_file *file = parse(text);
	const struct vpci_policy *policy;

	assert_non_null(file);
	policy = policy_file_policy(file);
	assert_false(policy->hardware);
	assert_memory_equal(policy->cap, want->cap, sizeof(want->cap));
	assert_memory_equal(policy->ext, want->ext, sizeof(want->ext));
	policy_file_free(file);
}

static void test_what_is_not_named_is_the_bases(void **state)
{
	const struct vpci_policy none = { 0 };

	(void)state;
	assert_shows("{\"name\": \"n\"}", &vpci_policy_guest);
	assert_shows("{\"name\": \"n\", \"base\": \"guest\"}",
		     &vpci_policy_guest);
	assert_shows("{\"name\": \"n\", \"base\": \"none\"}", &none);
}

static void test_show_alone_keeps_the_bases_set_up(void **state)
{
	struct policy_file *file =
		parse("{\"name\": \"n\", \"capabilities\": {"
		      "\"MSI\": {\"show\": true}, "
		      "\"0x11\": {\"show\": true, \"rest\": \"zero\"}, "
		      "\"PCI-X\": {\"show\": true}}}");
	const struct vpci_policy *policy;

	(void)state;
	assert_non_null(file);
	policy = policy_file_policy(file);
	assert_memory_equal(policy->cap[PCI_CAP_ID_MSI],
			    vpci_policy_guest.cap[PCI_CAP_ID_MSI],
			    sizeof(struct vpci_cap_policy));
	assert_null(policy->cap[PCI_CAP_ID_MSIX]->setup);
	assert_true(policy->cap[PCI_CAP_ID_PCIX]->show);
	assert_int_equal(policy->cap[PCI_CAP_ID_PCIX]->rest, VPCI_REST_ZERO);
	policy_file_free(file);
}

static void test_every_mask_has_its_place(void **state)
{
	struct policy_file *file = parse(
		"{\"name\": \"n\", \"extended\": {\"0x3f\": {\"registers\": [{"
		"\"offset\": \"0x10\", \"size\": 4, \"hardware\": 1, "
		"\"write\": 2, \"clear\": 4, \"reserved-preserve\": 8, "
		"\"reserved-zero\": 16, \"value\": 32, "
		"\"initial\": \"0x80000000\"}]}}}");
	const struct vpci_masks want = { 1, 2, 4, 8, 16, 32 };
	const struct vpci_field *field;

	(void)state;
	assert_non_null(file);
	field = policy_file_policy(file)->ext[0x3f]->field;
	assert_int_equal(field->offset, 16);
	assert_int_equal(field->size, 4);
	assert_memory_equal(&field->masks, &want, sizeof(want));
	assert_int_equal(field->initial, 0x80000000);
	policy_file_free(file);
}

#define CAP(text) "{\"name\": \"n\", \"capabilities\": {\"MSI\": " text "}}"
#define REG(text) CAP("{\"registers\": [" text "]}")

static void test_refused_with_the_place(void **state)
{
	static const char *const refused[][2] = {
		{ "", "too early" },
		{ "{", "line 1" },
		{ "[]", "file: $: must be an object" },
		{ "{}", "$: needs a \"name\"" },
		{ "{\"name\": \"\"}", "$: needs a \"name\"" },
		{ "{\"name\": \"a\\nb\"}", "$: needs a \"name\"" },
		{ "{\"name\": 1}", "$.name: must be a string" },
		{ "{\"name\": \"n\", \"bases\": 1}", "$.bases: unknown" },
		{ "{\"name\": \"n\", \"base\": \"hardware-domain\"}",
		  "$.base: is \"guest\" or \"none\"" },
		{ "{\"name\": \"n\", \"extended\": []}",
		  "$.extended: must be an object" },
		{ "{\"name\": \"n\", \"extended\": {\"MSI\": {}}}",
		  "$.extended.MSI: there is no such capability" },
		{ "{\"name\": \"n\", \"extended\": {\"0x40\": {}}}",
		  "$.extended.0x40: there is no such capability" },
		{ "{\"name\": \"n\", \"capabilities\": {\"-1\": {}}}",
		  "no such capability" },
		{ "{\"name\": \"n\", \"capabilities\": {\"\": {}}}",
		  "no such capability" },
		{ "{\"name\": \"n\", \"capabilities\": "
		  "{\"MSI\": {}, \"0x05\": {}}}",
		  "$.capabilities.0x05: is there twice" },
		{ CAP("1"), "$.capabilities.MSI: must be an object" },
		{ CAP("null"), "$.capabilities.MSI: must be an object" },
		{ CAP("{\"hide\": 1}"), "$.capabilities.MSI.hide: unknown" },
		{ CAP("{\"show\": 1}"), "MSI.show: must be true or false" },
		{ CAP("{\"rest\": \"all\"}"), "MSI.rest: is \"zero\"" },
		{ CAP("{\"rest\": 1}"), "MSI.rest: must be a string" },
		{ CAP("{\"length\": 0}"), "MSI.length: is 0" },
		{ CAP("{\"length\": 4097}"), "MSI.length: is 0x1001" },
		{ CAP("{\"registers\": {}}"), "registers: must be an array" },
		{ REG("1"), "MSI.registers[0]: must be an object" },
		{ REG("{}"), "MSI.registers[0]: needs \"offset\"" },
		{ REG("{\"offset\": 4}"), "needs \"offset\" and \"size\"" },
		{ REG("{\"size\": 4}"), "needs \"offset\" and \"size\"" },
		{ REG("{\"offset\": 4096, \"size\": 4}"), "[0].offset: is" },
		{ REG("{\"offset\": -4, \"size\": 4}"), "[0].offset: is neg" },
		{ REG("{\"offset\": 4, \"size\": 5}"), "[0].size: is 0x5" },
		{ REG("{\"offset\": 4, \"size\": 4, \"write\": \"0x100000000\"}"),
		  "[0].write: is 0x100000000" },
		{ REG("{\"offset\": 4, \"size\": 4, \"clear\": \"all\"}"),
		  "[0].clear: \"all\" is not a number" },
		{ REG("{\"offset\": 4, \"size\": 4, \"mask\": 1}"),
		  "[0].mask: unknown" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		assert_refused(refused[i][0], refused[i][1]);
}

/* json-c would take the last one: not what the first reader of a file sees. */
static void test_a_member_twice_is_refused(void **state)
{
	(void)state;
	assert_refused("{\"name\": \"a\", \"name\": \"b\"}",
		       "file: $: a member is there twice");
	assert_refused(CAP("{\"show\": false, \"show\": true}"),
		       "$.capabilities.MSI: a member is there twice");
	assert_refused(REG("{\"offset\": 4, \"size\": 4}, "
			   "{\"offset\": 8, \"size\": 4, \"size\": 2}"),
		       "registers[1]: a member is there twice");
	assert_refused("{\"name\": \"a\", \"\\u006eame\": \"b\"}", "twice");
	assert_refused("{\"name\": \"a\", /* : */ 'name': \"b\"}", "twice");
}

static void test_signs_in_strings_and_comments_are_no_members(void **state)
{
	struct policy_file *file =
		parse("/* { \"a\": */ {\"name\": \"{:\\\"}'\" // \"name\": {\n"
		      ", \"extended\": /* ' */ {}}");

	(void)state;
	assert_non_null(file);
	assert_string_equal(policy_file_policy(file)->name, "{:\"}'");
	policy_file_free(file);
}

static void test_a_name_as_long_as_it_may_be(void **state)
{
	char text[128], name[PCI_WHO_LEN + 1];
	struct policy_file *file;

	(void)state;
	memset(name, 'x', sizeof(name));
	name[PCI_WHO_LEN] = '\0';
	snprintf(text, sizeof(text), "{\"name\": \"%s\"}", name);
	assert_refused(text, "needs a \"name\" of 1 to 47");
	snprintf(text, sizeof(text), "{\"name\": \"%s\"}", name + 1);
	file = parse(text);
	assert_non_null(file);
	assert_string_equal(policy_file_policy(file)->name, name + 1);
	policy_file_free(file);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_the_documented_example_is_a_guests_policy),
		cmocka_unit_test(test_what_is_not_named_is_the_bases),
		cmocka_unit_test(test_show_alone_keeps_the_bases_set_up),
		cmocka_unit_test(test_every_mask_has_its_place),
		cmocka_unit_test(test_refused_with_the_place),
		cmocka_unit_test(test_a_member_twice_is_refused),
		cmocka_unit_test(
			test_signs_in_strings_and_comments_are_no_members),
		cmocka_unit_test(test_a_name_as_long_as_it_may_be),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s SOURCE_ROOT\n", argv[0]);
		return 2;
	}
	source_root = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
