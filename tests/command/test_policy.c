/* SPDX-License-Identifier: BSD-2-Clause */
/* Policies over the wire: shown, checked, loaded, and gone with their device. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include <holdfast/pci_regs.h>

#define DEV "0000:01:00.0" /* has PCI Express and MSI-X */
#define OTHER "0000:02:00.0"
#define NIC "0000:03:00.0"

/* As they stand in a string of JSON. */
#define NO_MSIX                                                            \
	"{\\\"name\\\":\\\"plain\\\",\\\"capabilities\\\":{\\\"MSI-X\\\":" \
	"{\\\"show\\\":false}}}"
#define ATS                                                                                    \
	"{\\\"name\\\":\\\"daring\\\",\\\"extended\\\":{\\\"address translation services\\\":" \
	"{\\\"registers\\\":[{\\\"offset\\\":6,\\\"size\\\":2,"                                \
	"\\\"hardware\\\":32768,\\\"write\\\":32768}]}}}"

static struct daemon d;
static struct client c;

static int setup(void **state)
{
	(void)state;
	daemon_make(&d, "fabric:server", NULL);
	client_open(&c, &d);
	do_it(&c, "domain.create", "{\"name\":\"vm\"}");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	client_close(&c);
	daemon_remove(&d);
	return 0;
}

static void load(const char *dev)
{
	do_it(&c, "policy.load", "{\"sbdf\":\"%s\",\"text\":\"" NO_MSIX "\"}",
	      dev);
}

static void assign(const char *dev)
{
	do_it(&c, "assign", "{\"sbdf\":\"%s\",\"domain\":\"vm\"}", dev);
}

/* By which policy the device is seen (@key "view.policy"), or will be. */
static bool is_seen_by(const char *dev, const char *key, const char *policy)
{
	json_object *o = must(&c, "show", "{\"sbdf\":\"%s\"}", dev);
	bool yes = !strcmp(str_at(o, key), policy);

	json_object_put(o);
	return yes;
}

/* The capability @name of the policy, which must be there. */
static json_object *cap_of(json_object *policy, const char *name)
{
	for (size_t i = 0; i < len_at(policy, "capabilities"); i++) {
		json_object *cap = json_object_array_get_idx(
			at(policy, "capabilities"), i);

		if (!null_at(cap, "name") && !strcmp(str_at(cap, "name"), name))
			return cap;
	}
	fail_msg("no %s", name);
	return NULL;
}

static void test_shipped_policies_say_what_is_shown_and_writable(void **state)
{
	json_object *list, *guest, *hardware, *aer;
	bool writable = false;

	(void)state;
	list = must(&c, "policy.list", "{}");
	assert_int_equal(len_at(list, "policies"), 2);
	assert_string_equal(str_at(list, "policies.0.name"), "guest");
	assert_true(null_at(list, "next"));
	json_object_put(list);
	guest = must(&c, "policy.show", "{\"name\":\"guest\"}");
	assert_false(bool_at(guest, "hardware"));
	assert_true(bool_at(cap_of(guest, "MSI-X"), "show"));
	assert_true(bool_at(cap_of(guest, "MSI-X"), "setup"));
	assert_false(
		bool_at(cap_of(guest, "address translation services"), "show"));
	assert_false(bool_at(cap_of(guest, "SR-IOV"), "show"));
	aer = cap_of(guest, "advanced error reporting");
	for (size_t i = 0; i < len_at(aer, "fields"); i++) {
		json_object *field =
			json_object_array_get_idx(at(aer, "fields"), i);

		writable |= int_at(field, "offset") == PCI_ERR_UNCOR_MASK &&
			    int_at(field, "rw");
	}
	assert_true(writable);
	json_object_put(guest);
	hardware = must(&c, "policy.show", "{\"name\":\"hardware-domain\"}");
	assert_string_equal(
		str_at(cap_of(hardware, "address translation services"),
		       "rest"),
		"pass");
	json_object_put(hardware);
	json_object_put(
		must_fail(&c, -2, "policy.show", "{\"name\":\"nobody\"}"));
}

static void test_a_policy_is_for_the_next_guest_of_the_device(void **state)
{
	json_object *o;

	(void)state;
	assign(DEV);
	o = must(&c, "policy.load",
		 "{\"sbdf\":\"" DEV "\",\"text\":\"" NO_MSIX "\"}");
	assert_string_equal(str_at(o, "policy"), "plain");
	assert_string_equal(str_at(o, "keeps"), "vm");
	json_object_put(o);
	assert_true(is_seen_by(DEV, "view.policy", "guest"));
	assert_true(is_seen_by(DEV, "policy", "plain"));
	do_it(&c, "deassign", "{\"sbdf\":\"" DEV "\"}");
	assign(DEV);
	assert_true(is_seen_by(DEV, "view.policy", "plain"));
	o = must(&c, "show", "{\"sbdf\":\"" DEV "\"}");
	assert_true(int_at(o, "view.hidden") > 0);
	assert_string_equal(str_at(o, "view.msix"), "off");
	json_object_put(o);
	/* Another of the same kind is not concerned. */
	assign(OTHER);
	assert_true(is_seen_by(OTHER, "view.policy", "guest"));
}

static void test_a_reset_is_the_way_back(void **state)
{
	json_object *o;

	(void)state;
	load(DEV);
	load(DEV); /* instead of the first */
	o = must(&c, "policy.reset", "{\"sbdf\":\"" DEV "\"}");
	assert_string_equal(str_at(o, "policy"), "guest");
	assert_true(null_at(o, "keeps"));
	json_object_put(o);
	assert_true(is_seen_by(DEV, "policy", "guest"));
	do_it(&c, "policy.reset", "{\"sbdf\":\"" DEV "\"}");
	assign(DEV);
	assert_true(is_seen_by(DEV, "view.policy", "guest"));
	json_object_put(
		must_fail(&c, -19, "policy.reset", "{\"sbdf\":\"ee:00.0\"}"));
}

static void test_a_policy_goes_with_its_device(void **state)
{
	json_object *list;

	(void)state;
	load(NIC);
	do_it(&c, "remove", "{\"sbdf\":\"" NIC "\",\"force\":true}");
	list = must(&c, "policy.list", "{}");
	assert_int_equal(len_at(list, "policies"), 2);
	json_object_put(list);
	do_it(&c, "scan", "{\"sbdf\":\"" NIC "\"}");
	assert_true(is_seen_by(NIC, "policy", "guest"));
	load(NIC);
	do_it(&c, "fabric.surprise", "{\"sbdf\":\"" NIC "\"}");
	json_object_put(must_fail(&c, -19, "policy.load",
				  "{\"sbdf\":\"" NIC "\",\"text\":\"" NO_MSIX
				  "\"}"));
}

static void test_loaded_policies_are_listed_by_device_in_pages(void **state)
{
	json_object *page, *o;
	char cursor[32];

	(void)state;
	load("0000:07:00.0");
	load(DEV);
	load(OTHER);
	page = must(&c, "policy.list", "{\"limit\":1}");
	assert_int_equal(len_at(page, "policies"), 3);
	assert_string_equal(str_at(page, "policies.2.sbdf"), DEV);
	snprintf(cursor, sizeof(cursor), "%s", str_at(page, "next"));
	json_object_put(page);
	page = must(&c, "policy.list", "{\"cursor\":\"%s\"}", cursor);
	assert_int_equal(len_at(page, "policies"), 2);
	assert_string_equal(str_at(page, "policies.0.sbdf"), OTHER);
	assert_string_equal(str_at(page, "policies.1.sbdf"), "0000:07:00.0");
	assert_true(null_at(page, "next"));
	json_object_put(page);
	o = must(&c, "policy.show", "{\"name\":\"plain\"}");
	assert_string_equal(str_at(o, "sbdf"), DEV);
	assert_false(bool_at(cap_of(o, "MSI-X"), "show"));
	json_object_put(o);
	o = must(&c, "policy.show", "{\"sbdf\":\"" OTHER "\"}");
	assert_string_equal(str_at(o, "sbdf"), OTHER);
	json_object_put(o);
	o = must(&c, "policy.show", "{\"sbdf\":\"00:05.0\"}");
	assert_string_equal(str_at(o, "name"), "guest");
	assert_true(is_seen_by("0000:00:05.0", "policy", "guest"));
	json_object_put(o);
}

static void
test_what_no_guest_may_write_is_refused_with_the_reason(void **state)
{
	static const char *const method[] = { "policy.check", "policy.load" };
	json_object *error;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		error = must_fail(&c, -1, method[i],
				  "{%s\"name\":\"mine\",\"text\":\"" ATS "\"}",
				  i ? "\"sbdf\":\"" DEV "\"," : "");
		assert_non_null(strstr(
			str_at(error, "message"),
			"mine: address translation services, register 0x6"));
		json_object_put(error);
	}
	assert_true(is_seen_by(DEV, "policy", "guest"));
	assert_true(
		log_has(&d, "method=policy.load target=" DEV " outcome=EPERM"));
	error = must_fail(&c, -22, "policy.check",
			  "{\"text\":\"{\\\"name\\\":\\\"x\\\",\\n"
			  "\\\"colour\\\":1}\"}");
	assert_non_null(strstr(str_at(error, "message"), "colour"));
	json_object_put(error);
	json_object_put(must_fail(&c, -17, "policy.check",
				  "{\"text\":\"{\\\"name\\\":\\\"guest\\\"}"
				  "\"}"));
	do_it(&c, "policy.check", "{\"text\":\"" NO_MSIX "\"}");
}

static void test_the_size_of_a_policy_is_bounded(void **state)
{
	static char line[65000], spaces[40000];
	json_object *msg;

	(void)state;
	memset(spaces, ' ', sizeof(spaces) - 1);
	for (int over = 0; over < 2; over++) {
		int len, fill = 32768 + over - (int)strlen("{\"name\":\"x\"}");

		len = snprintf(line, sizeof(line),
			       "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":"
			       "\"policy.check\",\"params\":{\"text\":"
			       "\"%.*s{\\\"name\\\":\\\"x\\\"}\"}}\n",
			       ++c.last_id, fill, spaces);
		client_send(&c, line, (size_t)len);
		msg = answer(&c, c.last_id);
		if (over)
			assert_string_equal(str_at(msg, "error.data.path"),
					    "params.text");
		else
			assert_string_equal(str_at(msg, "result.name"), "x");
		json_object_put(msg);
	}
}

static void test_a_read_only_host_takes_no_policy(void **state)
{
	(void)state;
	client_close(&c);
	daemon_end(&d);
	daemon_again(&d, "linux", "--state", d.dir, NULL);
	client_open(&c, &d);
	json_object_put(must_fail(&c, -95, "policy.load",
				  "{\"sbdf\":\"" NIC "\",\"text\":\"" NO_MSIX
				  "\"}"));
	json_object_put(
		must_fail(&c, -95, "policy.reset", "{\"sbdf\":\"" NIC "\"}"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shipped_policies_say_what_is_shown_and_writable),
		TEST(test_a_policy_is_for_the_next_guest_of_the_device),
		TEST(test_a_reset_is_the_way_back),
		TEST(test_a_policy_goes_with_its_device),
		TEST(test_loaded_policies_are_listed_by_device_in_pages),
		TEST(test_what_no_guest_may_write_is_refused_with_the_reason),
		TEST(test_the_size_of_a_policy_is_bounded),
		TEST(test_a_read_only_host_takes_no_policy),
	};

	if (argc != 2)
		return 2;
	holdfastd = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
