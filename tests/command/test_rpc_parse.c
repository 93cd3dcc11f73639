/* SPDX-License-Identifier: BSD-2-Clause */
/* One line of input as requests: daemon/rpc.c without a daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rpc.h"

static struct rpc_message *parse(const char *line)
{
	struct rpc_message *msg = rpc_parse(line, strlen(line));

	assert_non_null(msg);
	return msg;
}

/* The line has one request, which is none for this reason. */
static void refused(const char *line, int code)
{
	struct rpc_message *msg = parse(line);

	assert_int_equal(msg->count, 1);
	assert_int_equal(msg->request[0].code, code);
	assert_non_null(msg->request[0].why);
	assert_true(msg->request[0].answer || code == RPC_INVALID_PARAMS);
	rpc_free(msg);
}

static void test_a_request_has_method_params_and_id(void **state)
{
	struct rpc_message *msg =
		parse("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"list\","
		      "\"params\":{\"limit\":3}}");

	(void)state;
	assert_false(msg->batch);
	assert_int_equal(msg->count, 1);
	assert_int_equal(msg->request[0].code, 0);
	assert_true(msg->request[0].answer);
	assert_string_equal(msg->request[0].method, "list");
	assert_string_equal(json_object_get_string(msg->request[0].id), "x");
	assert_int_equal(json_object_object_length(msg->request[0].params), 1);
	rpc_free(msg);
}

static void test_without_id_it_is_not_answered_with_null_it_is(void **state)
{
	struct rpc_message *msg =
		parse("{\"jsonrpc\":\"2.0\",\"method\":\"list\"}");

	(void)state;
	assert_int_equal(msg->request[0].code, 0);
	assert_false(msg->request[0].answer);
	rpc_free(msg);
	msg = parse("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"list\"}");
	assert_true(msg->request[0].answer);
	rpc_free(msg);
}

static void test_what_is_not_json_is_a_parse_error(void **state)
{
	(void)state;
	refused("", RPC_PARSE_ERROR);
	refused("{", RPC_PARSE_ERROR);
	refused("{\"jsonrpc\":\"2.0\"", RPC_PARSE_ERROR);
	refused("{} {}", RPC_PARSE_ERROR);
	refused("{}x", RPC_PARSE_ERROR);
	refused("\"\xff\xfe\"", RPC_PARSE_ERROR);
	refused("nul", RPC_PARSE_ERROR);
}

static void test_a_nul_in_the_line_is_a_parse_error(void **state)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,"
				   "\"method\":\"list\"}\0{}";
	struct rpc_message *msg = rpc_parse(line, sizeof(line) - 1);

	(void)state;
	assert_int_equal(msg->request[0].code, RPC_PARSE_ERROR);
	rpc_free(msg);
}

static void test_nesting_is_bounded(void **state)
{
	char line[2 * RPC_DEPTH_MAX + 64];
	size_t n = RPC_DEPTH_MAX + 1;

	(void)state;
	memset(line, '[', n);
	memset(line + n, ']', n);
	line[2 * n] = 0;
	refused(line, RPC_PARSE_ERROR);
}

static void test_json_that_is_no_request_is_invalid(void **state)
{
	(void)state;
	refused("1", RPC_INVALID_REQUEST);
	refused("null", RPC_INVALID_REQUEST);
	refused("{}", RPC_INVALID_REQUEST);
	refused("[]", RPC_INVALID_REQUEST);
	refused("{\"id\":1,\"method\":\"list\"}", RPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"list\"}",
		RPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"list\"}",
		RPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"id\":NaN,\"method\":\"list\"}",
		RPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}",
		RPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"list\\u0000x\"}",
		RPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"list\","
		"\"params\":[1]}",
		RPC_INVALID_PARAMS);
}

static void test_a_batch_is_bounded_and_each_member_judged_alone(void **state)
{
	char line[RPC_BATCH_MAX * 2 + 8] = "[1";
	struct rpc_message *msg;

	(void)state;
	for (int i = 1; i < RPC_BATCH_MAX; i++)
		strcat(line, ",1");
	strcat(line, "]");
	msg = parse(line);
	assert_true(msg->batch);
	assert_int_equal(msg->count, RPC_BATCH_MAX);
	assert_int_equal(msg->request[7].code, RPC_INVALID_REQUEST);
	rpc_free(msg);
	strcpy(line + strlen(line) - 1, ",1]");
	refused(line, RPC_INVALID_REQUEST);
	msg = parse("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"},2]");
	assert_int_equal(msg->request[0].code, 0);
	assert_int_equal(msg->request[1].code, RPC_INVALID_REQUEST);
	rpc_free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_request_has_method_params_and_id),
		cmocka_unit_test(
			test_without_id_it_is_not_answered_with_null_it_is),
		cmocka_unit_test(test_what_is_not_json_is_a_parse_error),
		cmocka_unit_test(test_a_nul_in_the_line_is_a_parse_error),
		cmocka_unit_test(test_nesting_is_bounded),
		cmocka_unit_test(test_json_that_is_no_request_is_invalid),
		cmocka_unit_test(
			test_a_batch_is_bounded_and_each_member_judged_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
