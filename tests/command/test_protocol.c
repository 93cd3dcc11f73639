/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines in, lines out: docs/protocol.md §1, §3, and lists in pages. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct daemon d;

static int setup(void **state)
{
	(void)state;
	daemon_make(&d, "fabric:server", NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	daemon_remove(&d);
	return 0;
}

static void send_line(struct client *c, const char *line)
{
	client_send(c, line, strlen(line));
	client_send(c, "\n", 1);
}

static void
test_a_malformed_line_gets_an_error_and_the_next_an_answer(void **state)
{
	struct client c;
	json_object *msg;

	(void)state;
	client_open(&c, &d);
	send_line(&c, "{\"jsonrpc\":");
	msg = client_receive(&c);
	assert_int_equal(int_at(msg, "error.code"), -32700);
	assert_true(null_at(msg, "id"));
	json_object_put(msg);
	do_it(&c, "version", "{}");
	client_close(&c);
}

/* @len bytes of a request, the newline not counted. */
static char *padded(size_t len)
{
	static const char head[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"";
	char *line = malloc(len + 2);

	assert_non_null(line);
	memset(line, ' ', len);
	memcpy(line, head, sizeof(head) - 1);
	line[len - 1] = '}';
	line[len] = '\n';
	line[len + 1] = 0;
	return line;
}

static void test_a_line_of_65536_bytes_is_answered(void **state)
{
	char *line = padded(65535);
	struct client c;

	(void)state;
	client_open(&c, &d);
	client_send(&c, line, 65536);
	json_object_put(answer(&c, 1));
	client_close(&c);
	free(line);
}

static void
test_a_longer_line_gets_an_error_and_the_connection_closes(void **state)
{
	char *line = padded(65536);
	struct client c;
	json_object *msg;

	(void)state;
	client_open(&c, &d);
	client_send(&c, line, 65537);
	msg = client_receive(&c);
	assert_int_equal(int_at(msg, "error.code"), -32002);
	assert_int_equal(int_at(msg, "error.data.limit"), 65536);
	json_object_put(msg);
	assert_null(client_receive(&c));
	client_close(&c);
	free(line);
	client_open(&c, &d);
	do_it(&c, "version", "{}");
	client_close(&c);
}

static void test_a_batch_is_answered_with_one_array(void **state)
{
	struct client c;
	json_object *msg;

	(void)state;
	client_open(&c, &d);
	send_line(&c, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"show\","
		      "\"params\":{\"sbdf\":\"00:00.0\"}},"
		      "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"stats\"},"
		      "{\"jsonrpc\":\"2.0\",\"method\":\"stats\"},7]");
	msg = client_receive(&c);
	assert_int_equal(len_at(msg, ""), 3);
	json_object_put(msg);
	client_close(&c);
}

static void test_a_notification_is_carried_out_and_not_answered(void **state)
{
	struct client c;
	json_object *msg;

	(void)state;
	client_open(&c, &d);
	send_line(&c, "{\"jsonrpc\":\"2.0\",\"method\":\"subscribe\"}");
	do_it(&c, "domain.create", "{\"name\":\"heard\"}");
	client_close(&c);
	client_open(&c, &d);
	send_line(&c, "{\"jsonrpc\":\"2.0\",\"method\":\"subscribe\"}");
	/* Its event comes; and nothing with an id before it. */
	send_line(&c, "{\"jsonrpc\":\"2.0\",\"method\":\"domain.destroy\","
		      "\"params\":{\"name\":\"heard\"}}");
	msg = client_receive(&c);
	assert_string_equal(str_at(msg, "method"), "event");
	assert_string_equal(str_at(msg, "params.type"), "domain");
	assert_string_equal(str_at(msg, "params.detail"), "heard destroyed");
	json_object_put(msg);
	client_close(&c);
}

static void test_a_wrong_param_is_named_by_its_path(void **state)
{
	static const struct {
		const char *method, *params, *path;
	} bad[] = {
		{ "show", "{\"sdbf\":\"00:00.0\"}", "params.sdbf" },
		{ "show", "{}", "params.sbdf" },
		{ "show", "{\"sbdf\":7}", "params.sbdf" },
		{ "show", "{\"sbdf\":\"00:20.0\"}", "params.sbdf" },
		{ "list", "{\"limit\":0}", "params.limit" },
		{ "list", "{\"limit\":1.5}", "params.limit" },
		{ "list", "{\"cursor\":\"-1:0\"}", "params.cursor" },
		{ "remove", "{\"sbdf\":\"00:00.0\",\"force\":1}",
		  "params.force" },
		{ "remove", "{\"sbdf\":\"00:00.0\",\"timeout_ms\":3600001}",
		  "params.timeout_ms" },
		{ "config.read", "{\"sbdf\":\"00:00.0\",\"reg\":2,\"size\":4}",
		  "params.reg" },
		{ "config.write",
		  "{\"sbdf\":\"00:00.0\",\"reg\":4,\"size\":1,\"value\":256}",
		  "params.value" },
		{ "domain.create", "{\"name\":\"x\",\"on_ask\":\"late=2\"}",
		  "params.on_ask" },
		{ "domain.create", "{\"name\":\"two words\"}", "params.name" },
		{ "pin", "{\"sbdf\":\"00:00.0\",\"reason\":\"a\\nb\"}",
		  "params.reason" },
	};
	struct client c;

	(void)state;
	client_open(&c, &d);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_object *error =
			must_fail(&c, -22, bad[i].method, "%s", bad[i].params);

		assert_int_equal(int_at(error, "code"), -32602);
		assert_string_equal(str_at(error, "data.path"), bad[i].path);
		json_object_put(error);
	}
	client_close(&c);
}

static void test_an_unknown_device_says_what_to_do(void **state)
{
	static const char *const methods[] = { "show",    "holders", "add",
					       "remove",  "unpin",   "removal",
					       "deassign" };
	struct client c;
	json_object *error;

	(void)state;
	client_open(&c, &d);
	for (int i = 0; i < 4; i++) {
		error = must_fail(&c, -19, methods[i],
				  "{\"sbdf\":\"0000:fe:00.0\"}");
		json_object_put(error);
	}
	error = must_fail(&c, -19, "show", "{\"sbdf\":\"0000:09:00.0\"}");
	assert_string_equal(
		str_at(error, "message"),
		"no device 0000:09:00.0; `holdfast list` shows what there is");
	json_object_put(error);
	json_object_put(
		must_fail(&c, -2, "removal", "{\"sbdf\":\"0000:fe:00.0\"}"));
	json_object_put(
		must_fail(&c, -2, "unpin", "{\"sbdf\":\"0000:fe:00.0\"}"));
	client_close(&c);
}

/* The sentence cuts it to 60 bytes, the last of which is half a character. */
static void test_a_name_is_not_cut_inside_a_character(void **state)
{
	char params[200], expected[200];
	struct client c;
	json_object *error;

	(void)state;
	client_open(&c, &d);
	snprintf(params, sizeof(params), "{\"name\":\"%059d\xc3\xa4\"}", 7);
	snprintf(expected, sizeof(expected),
		 "no domain %059d; `holdfast domain list` shows what there is",
		 7);
	error = must_fail(&c, -2, "domain.show", params);
	assert_string_equal(str_at(error, "message"), expected);
	json_object_put(error);
	client_close(&c);
}

static void test_an_unknown_method_is_named(void **state)
{
	struct client c;
	json_object *msg;
	char name[64];

	(void)state;
	client_open(&c, &d);
	msg = answer(&c, ask(&c, "format_disk", "{}"));
	assert_int_equal(int_at(msg, "error.code"), -32601);
	assert_string_equal(str_at(msg, "error.data.method"), "format_disk");
	json_object_put(msg);
	/* Cut to 47 bytes, the last of which is half a character. */
	snprintf(name, sizeof(name), "%046d\xc3\xa4", 7);
	msg = answer(&c, ask(&c, name, "{}"));
	snprintf(name, sizeof(name), "%046d", 7);
	assert_string_equal(str_at(msg, "error.data.method"), name);
	json_object_put(msg);
	client_close(&c);
}

/* What changes something is on record also where it was misspelt. */
static void test_a_wrong_call_that_administers_is_on_record(void **state)
{
	struct client c;

	(void)state;
	client_open(&c, &d);
	json_object_put(must_fail(&c, -22, "quarantine",
				  "{\"sbdf\":\"00:00.0\",\"x\":1}"));
	assert_true(log_has(
		&d, "method=quarantine target=0000:00:00.0 outcome=EINVAL"));
	send_line(&c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reset\","
		      "\"params\":[]}");
	json_object_put(client_receive(&c));
	assert_true(log_has(&d, "method=reset target=- outcome=EINVAL"));
	client_close(&c);
}

/* A page of a dump is some hundred KiB: the first ones fit. */
static void test_the_answers_to_a_batch_are_not_too_long(void **state)
{
	enum { REQUESTS = 16, MOST = 1100000 };
	unsigned int results = 0, errors = 0;
	char line[REQUESTS * 80];
	struct client c;
	json_object *msg;
	size_t len = 0;

	(void)state;
	for (int i = 0; i < REQUESTS; i++)
		len += (size_t)snprintf(line + len, sizeof(line) - len,
					"%c{\"jsonrpc\":\"2.0\",\"id\":%d,"
					"\"method\":\"config.dump\"}",
					i ? ',' : '[', i);
	snprintf(line + len, sizeof(line) - len, "]");
	client_open(&c, &d);
	send_line(&c, line);
	msg = client_receive(&c);
	assert_int_equal(json_object_array_length(msg), REQUESTS);
	assert_true(strlen(json_object_to_json_string_ext(
			    msg, JSON_C_TO_STRING_PLAIN |
					 JSON_C_TO_STRING_NOSLASHESCAPE)) <
		    MOST);
	for (size_t i = 0; i < REQUESTS; i++) {
		json_object *one = json_object_array_get_idx(msg, i);

		if (json_object_object_get_ex(one, "result", NULL)) {
			results++;
			continue;
		}
		assert_int_equal(int_at(one, "error.code"), -32003);
		errors++;
	}
	assert_true(results && errors);
	json_object_put(msg);
	client_close(&c);
}

/* Page by page, with pages that end inside and at the end of segments. */
static void test_pages_have_every_device_once_and_in_order(void **state)
{
	json_object *all, *page, *next;
	size_t seen = 0, total;
	char cursor[64] = "null";
	struct client c;

	(void)state;
	client_open(&c, &d);
	all = must(&c, "list", "{\"limit\":1000}");
	assert_true(null_at(all, "next"));
	page = must(&c, "stats", "{}");
	total = (size_t)int_at(page, "devices");
	json_object_put(page);
	assert_int_equal(len_at(all, "devices"), total);
	do {
		page = must(&c, "list", "{\"limit\":7,\"cursor\":%s}", cursor);
		for (size_t i = 0; i < len_at(page, "devices"); i++, seen++) {
			json_object *mine = json_object_array_get_idx(
				at(page, "devices"), i);
			json_object *theirs = json_object_array_get_idx(
				at(all, "devices"), seen);

			assert_string_equal(str_at(mine, "sbdf"),
					    str_at(theirs, "sbdf"));
		}
		next = at(page, "next");
		if (next)
			snprintf(cursor, sizeof(cursor), "\"%s\"",
				 json_object_get_string(next));
		else
			cursor[0] = 0;
		json_object_put(page);
	} while (*cursor);
	assert_int_equal(seen, total);
	json_object_put(all);
	client_close(&c);
}

static void test_a_dump_has_every_function(void **state)
{
	json_object *all, *page;
	size_t functions = 0, total;
	char cursor[64] = "null";
	struct client c;

	(void)state;
	client_open(&c, &d);
	all = must(&c, "list", "{\"limit\":1000}");
	total = len_at(all, "devices");
	json_object_put(all);
	do {
		const char *text;

		page = must(&c, "config.dump", "{\"limit\":5,\"cursor\":%s}",
			    cursor);
		text = str_at(page, "text");
		while ((text = strstr(text, "\n00: "))) {
			functions++;
			text++;
		}
		if (null_at(page, "next"))
			cursor[0] = 0;
		else
			snprintf(cursor, sizeof(cursor), "\"%s\"",
				 str_at(page, "next"));
		json_object_put(page);
	} while (*cursor);
	assert_int_equal(functions, total);
	client_close(&c);
}

static void test_config_space_reads_back_what_was_written(void **state)
{
	char vf[16], pf[16];
	json_object *value;
	struct client c;

	(void)state;
	client_open(&c, &d);
	find_vf(&c, vf, pf);
	do_it(&c, "config.write",
	      "{\"sbdf\":\"%s\",\"reg\":60,\"size\":1,\"value\":90}", pf);
	value = must(&c, "config.read",
		     "{\"sbdf\":\"%s\",\"reg\":60,\"size\":1}", pf);
	assert_int_equal(int_at(value, "value"), 90);
	json_object_put(value);
	client_close(&c);
}

static void test_show_has_what_list_has_and_more(void **state)
{
	json_object *dev, *all;
	char vf[16], pf[16];
	struct client c;

	(void)state;
	client_open(&c, &d);
	find_vf(&c, vf, pf);
	all = must(&c, "list", "{\"limit\":1}");
	dev = must(&c, "show", "{\"sbdf\":\"%s\"}", pf);
	json_object_object_foreach(at(all, "devices.0"), name, unused) {
		(void)unused;
		(void)at(dev, name);
	}
	assert_true(int_at(dev, "sriov.num") > 0);
	assert_int_equal(int_at(dev, "children"), int_at(dev, "sriov.num"));
	assert_int_equal(len_at(dev, "holders"), int_at(dev, "holds"));
	assert_string_equal(str_at(dev, "holders.0.kind"), "child");
	assert_true(len_at(dev, "capabilities") > 0);
	assert_true(len_at(dev, "bars") > 0);
	assert_int_equal(strlen(str_at(dev, "added")), 20);
	json_object_put(dev);
	json_object_put(all);
	client_close(&c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_a_malformed_line_gets_an_error_and_the_next_an_answer),
		cmocka_unit_test(test_a_line_of_65536_bytes_is_answered),
		cmocka_unit_test(
			test_a_longer_line_gets_an_error_and_the_connection_closes),
		cmocka_unit_test(test_a_batch_is_answered_with_one_array),
		cmocka_unit_test(
			test_a_notification_is_carried_out_and_not_answered),
		cmocka_unit_test(test_a_wrong_param_is_named_by_its_path),
		cmocka_unit_test(test_an_unknown_device_says_what_to_do),
		cmocka_unit_test(test_a_name_is_not_cut_inside_a_character),
		cmocka_unit_test(test_an_unknown_method_is_named),
		cmocka_unit_test(
			test_a_wrong_call_that_administers_is_on_record),
		cmocka_unit_test(test_the_answers_to_a_batch_are_not_too_long),
		cmocka_unit_test(
			test_pages_have_every_device_once_and_in_order),
		cmocka_unit_test(test_a_dump_has_every_function),
		cmocka_unit_test(test_config_space_reads_back_what_was_written),
		cmocka_unit_test(test_show_has_what_list_has_and_more),
	};

	if (argc != 2)
		return 2;
	holdfastd = argv[1];
	return cmocka_run_group_tests(tests, setup, teardown);
}
