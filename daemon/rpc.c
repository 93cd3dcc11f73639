/* SPDX-License-Identifier: BSD-2-Clause */
/* See rpc.h. JSON-RPC 2.0 §4, §5.1 and §6. */
#include "rpc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * The value of the whole of @line. False: it is none, and *@offset says where
 * that became clear.
 */
static bool parse_json(const char *line, size_t len, json_object **out,
		       size_t *offset)
{
	struct json_tokener *tok = json_tokener_new_ex(RPC_DEPTH_MAX);
	const char *nul = memchr(line, 0, len);
	bool ok = false;

	*out = NULL;
	*offset = 0;
	if (!tok)
		return false;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
					    JSON_TOKENER_VALIDATE_UTF8);
	*out = json_tokener_parse_ex(tok, line, (int)len);
	/* A number may go on; only the end of the text says that it does not. */
	if (json_tokener_get_error(tok) == json_tokener_continue)
		*out = json_tokener_parse_ex(tok, "", 1);
	else
		*offset = json_tokener_get_parse_end(tok);
	ok = json_tokener_get_error(tok) == json_tokener_success && !nul;
	if (!ok && !*offset)
		*offset = nul ? (size_t)(nul - line) : len;
	json_tokener_free(tok);
	if (!ok) {
		json_object_put(*out);
		*out = NULL;
	}
	return ok;
}

/* json-c reads NaN and Infinity, which are no JSON, and would echo them. */
static bool valid_id(json_object *id)
{
	if (json_object_is_type(id, json_type_double))
		return isfinite(json_object_get_double(id));
	return !id || json_object_is_type(id, json_type_string) ||
	       json_object_is_type(id, json_type_int);
}

static bool plain_string(json_object *value)
{
	return json_object_is_type(value, json_type_string) &&
	       strlen(json_object_get_string(value)) ==
		       (size_t)json_object_get_string_len(value);
}

static void invalid(struct rpc_request *req, const char *why)
{
	req->code = RPC_INVALID_REQUEST;
	req->why = why;
	req->answer = true;
}

/* Fill @req from @msg, of which nothing is kept that is not counted. */
static void read_request(json_object *msg, struct rpc_request *req)
{
	json_object *version = NULL, *method = NULL, *params = NULL, *id = NULL;
	bool has_params;

	if (!json_object_is_type(msg, json_type_object)) {
		invalid(req, "a request is an object");
		return;
	}
	req->answer = json_object_object_get_ex(msg, "id", &id);
	if (!valid_id(id)) {
		invalid(req, "id is a string, a number or null");
		return;
	}
	req->id = json_object_get(id);
	json_object_object_get_ex(msg, "jsonrpc", &version);
	if (!json_object_is_type(version, json_type_string) ||
	    strcmp(json_object_get_string(version), "2.0")) {
		invalid(req, "jsonrpc must be \"2.0\"");
		return;
	}
	json_object_object_get_ex(msg, "method", &method);
	if (!plain_string(method)) {
		invalid(req, "method must be a string without a NUL");
		return;
	}
	strncpy(req->method, json_object_get_string(method),
		sizeof(req->method) - 1);
	has_params = json_object_object_get_ex(msg, "params", &params);
	if (has_params && !json_object_is_type(params, json_type_object)) {
		req->code = RPC_INVALID_PARAMS;
		req->why = "params must be an object: parameters go by name";
		return;
	}
	req->params = json_object_get(params);
}

static struct rpc_message *one_error(int code, const char *why, size_t offset)
{
	struct rpc_message *msg =
		calloc(1, sizeof(*msg) + sizeof(msg->request[0]));

	if (!msg)
		return NULL;
	msg->count = 1;
	msg->request[0].code = code;
	msg->request[0].why = why;
	msg->request[0].offset = offset;
	msg->request[0].answer = true;
	return msg;
}

struct rpc_message *rpc_parse(const char *line, size_t len)
{
	struct rpc_message *msg = NULL;
	size_t offset, count = 1;
	json_object *root;
	bool batch;

	if (!parse_json(line, len, &root, &offset))
		return one_error(RPC_PARSE_ERROR, "this line is not JSON",
				 offset);
	batch = json_object_is_type(root, json_type_array);
	if (batch)
		count = json_object_array_length(root);
	if (!count || count > RPC_BATCH_MAX) {
		msg = one_error(RPC_INVALID_REQUEST,
				"a batch has 1 to 64 requests", 0);
		goto out;
	}
	msg = calloc(1, sizeof(*msg) + count * sizeof(msg->request[0]));
	if (!msg)
		goto out;
	msg->batch = batch;
	msg->count = (unsigned int)count;
	for (size_t i = 0; i < count; i++)
		read_request(batch ? json_object_array_get_idx(root, i) : root,
			     &msg->request[i]);
out:
	json_object_put(root);
	return msg;
}

void rpc_free(struct rpc_message *msg)
{
	if (!msg)
		return;
	for (unsigned int i = 0; i < msg->count; i++) {
		json_object_put(msg->request[i].id);
		json_object_put(msg->request[i].params);
	}
	free(msg);
}
