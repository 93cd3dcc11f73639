/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients: what they send, and what docs/protocol.md lets them expect. Each
 * request that is no notification gets one answer, with its id; a batch one
 * array of them; an error has a code and a sentence that the protocol knows.
 */
#include <stdlib.h>
#include <string.h>

#include <holdfast/errno.h>

#include "around.h"
#include "call.h"
#include "fuzz.h"
#include "out.h"
#include "rpc.h"
#include "serial.h"

enum { REPLY_MAX = 4 << 20 };

struct client {
	struct peer peer;
	unsigned int pending;
	bool subscribed;
	/* Ids that are to be answered, as text; a batch is one, in brackets. */
	json_object *open;
};

static struct client people[PEOPLE] = {
	{ .peer = { .administers = true, .user = "root" } },
	{ .peer = { .uid = 1000, .user = "nobody" } },
};

/* --- what the daemon asks ----------------------------------------------------------- */

unsigned int clients_count(void)
{
	return PEOPLE;
}

const struct peer *client_peer(const struct client *c)
{
	return &c->peer;
}

void client_begin(struct client *c)
{
	c->pending++;
}

void client_end(struct client *c)
{
	FUZZ_ASSERT(c->pending);
	c->pending--;
}

void client_subscribe(struct client *c, bool on)
{
	c->subscribed = on;
}

/* --- what an answer must be ----------------------------------------------------------- */

static json_object *member(json_object *o, const char *name)
{
	json_object *value = NULL;

	json_object_object_get_ex(o, name, &value);
	return value;
}

static bool is_text(json_object *o, const char *name)
{
	json_object *value = member(o, name);

	return json_object_is_type(value, json_type_string) &&
	       json_object_get_string_len(value) > 0;
}

static bool is_listed(int64_t value, const int *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (value == list[i])
			return true;
	return false;
}

static void check_refused(json_object *data)
{
	static const int known[] = {
		-ENODEV, -ENOENT, -EBUSY,  -EALREADY, -EINPROGRESS, -ECANCELED,
		-EIO,    -EEXIST, -EBADF,  -EPERM,    -EINVAL,      -ERANGE,
		-EAGAIN, -ENOSPC, -ENOMEM, -E2BIG,    -EOPNOTSUPP,
	};
	json_object *err = member(data, "errno");

	FUZZ_ASSERT(json_object_is_type(err, json_type_int));
	FUZZ_ASSERT(is_listed(json_object_get_int64(err), known,
			      ARRAY_SIZE(known)));
	FUZZ_ASSERT(is_text(data, "name"));
}

static void check_error(json_object *error)
{
	static const int known[] = { RPC_PARSE_ERROR, RPC_INVALID_REQUEST,
				     RPC_NO_METHOD,   RPC_INVALID_PARAMS,
				     RPC_INTERNAL,    RPC_REFUSED };
	int64_t code = json_object_get_int64(member(error, "code"));
	json_object *data = member(error, "data");

	FUZZ_ASSERT(is_listed(code, known, ARRAY_SIZE(known)));
	FUZZ_ASSERT(is_text(error, "message"));
	if (code == RPC_REFUSED)
		check_refused(data);
	if (code == RPC_NO_METHOD)
		FUZZ_ASSERT(member(data, "method"));
	if (code == RPC_INVALID_PARAMS && data)
		FUZZ_ASSERT(is_text(data, "path"));
}

/* One answer; its id as text. */
static const char *check_answer(json_object *msg)
{
	json_object *id = NULL;
	bool has_id, good, bad;

	FUZZ_ASSERT(json_object_is_type(msg, json_type_object));
	FUZZ_ASSERT(
		!strcmp(json_object_get_string(member(msg, "jsonrpc")), "2.0"));
	has_id = json_object_object_get_ex(msg, "id", &id);
	good = json_object_object_get_ex(msg, "result", NULL);
	bad = json_object_object_get_ex(msg, "error", NULL);
	FUZZ_ASSERT(has_id && good != bad);
	if (good)
		FUZZ_ASSERT(json_object_is_type(member(msg, "result"),
						json_type_object));
	else
		check_error(member(msg, "error"));
	return json_object_to_json_string_ext(id, JSON_C_TO_STRING_PLAIN);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(json_object_get_string(*(json_object *const *)a),
		      json_object_get_string(*(json_object *const *)b));
}

/* Of a batch, in no order: all ids, sorted, as the text of an array. */
static json_object *id_list(json_object *ids)
{
	json_object_array_sort(ids, by_text);
	return ids;
}

static json_object *ids_of(json_object *msg)
{
	json_object *ids;
	size_t n;

	if (!json_object_is_type(msg, json_type_array))
		return json_object_new_string(check_answer(msg));
	ids = json_object_new_array();
	n = json_object_array_length(msg);
	for (size_t i = 0; i < n; i++)
		json_object_array_add(
			ids, json_object_new_string(check_answer(
				     json_object_array_get_idx(msg, i))));
	return id_list(ids);
}

/* It was open, and is no longer. */
static void close_id(struct client *c, json_object *ids)
{
	const char *text = json_object_to_json_string(ids);
	size_t n = json_object_array_length(c->open), i;

	for (i = 0; i < n; i++)
		if (!strcmp(json_object_to_json_string(
				    json_object_array_get_idx(c->open, i)),
			    text))
			break;
	if (i == n)
		fprintf(stderr, "nobody asked for %s\n", text);
	FUZZ_ASSERT(i < n);
	json_object_array_del_idx(c->open, i, 1);
}

static json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new();
	json_object *msg;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
					    JSON_TOKENER_VALIDATE_UTF8);
	msg = json_tokener_parse_ex(tok, text, (int)len);
	if (json_tokener_get_error(tok) != json_tokener_success)
		fprintf(stderr, "no JSON: %.400s\n", text);
	FUZZ_ASSERT(json_tokener_get_error(tok) == json_tokener_success);
	json_tokener_free(tok);
	return msg;
}

void client_send_text(struct client *c, const char *text, size_t len)
{
	json_object *again, *ids;

	FUZZ_ASSERT(text);
	if (getenv("FUZZ_TRACE"))
		fprintf(stderr, "%s <- %.*s\n", c->peer.user, (int)len, text);
	FUZZ_ASSERT(len < REPLY_MAX && !memchr(text, '\n', len));
	again = parse(text, len);
	ids = ids_of(again);
	close_id(c, ids);
	json_object_put(ids);
	json_object_put(again);
}

void client_send(struct client *c, json_object *msg)
{
	const char *text;
	size_t len;

	FUZZ_ASSERT(msg);
	text = json_object_to_json_string_length(msg, OUT_FORMAT, &len);
	client_send_text(c, text, len);
	json_object_put(msg);
}

/* --- notifications -------------------------------------------------------------------- */

void clients_notify(const char *line, size_t len)
{
	json_object *msg = parse(line, len), *params = member(msg, "params");

	FUZZ_ASSERT(!strcmp(json_object_get_string(member(msg, "method")),
			    "event"));
	FUZZ_ASSERT(json_object_is_type(member(params, "seq"), json_type_int));
	FUZZ_ASSERT(is_text(params, "type"));
	json_object_put(msg);
}

void clients_lose(uint64_t count)
{
	(void)count;
}

/* --- sending ------------------------------------------------------------------------------ */

static const char *id_text(const struct rpc_request *req)
{
	return json_object_to_json_string_ext(req->id, JSON_C_TO_STRING_PLAIN);
}

/* What @line asks for. */
static void expect(struct client *c, const char *line, size_t len)
{
	struct rpc_message *msg = rpc_parse(line, len);
	json_object *ids = json_object_new_array();
	unsigned int i;

	FUZZ_ASSERT(msg);
	for (i = 0; i < msg->count; i++)
		if (msg->request[i].answer)
			json_object_array_add(ids,
					      json_object_new_string(id_text(
						      &msg->request[i])));
	if (msg->batch && json_object_array_length(ids)) {
		json_object_array_add(c->open, json_object_get(id_list(ids)));
	} else if (!msg->batch && json_object_array_length(ids)) {
		json_object_array_add(
			c->open,
			json_object_get(json_object_array_get_idx(ids, 0)));
	}
	json_object_put(ids);
	rpc_free(msg);
}

static struct client *asking;

static bool has_room(void)
{
	return asking->pending < CLIENT_PENDING_MAX;
}

void around_say(unsigned int who, const char *line, size_t len)
{
	struct client *c = &people[who];

	asking = c;
	around_run(has_room, PLAT_FOREVER);
	if (!c->open)
		c->open = json_object_new_array();
	expect(c, line, len);
	if (getenv("FUZZ_TRACE"))
		fprintf(stderr, "%s -> %.*s\n", c->peer.user, (int)len, line);
	call_line(c, line, len);
}

bool around_all_answered(void)
{
	for (unsigned int i = 0; i < PEOPLE; i++)
		if (people[i].pending)
			return false;
	return true;
}

void around_forget(void)
{
	for (unsigned int i = 0; i < PEOPLE; i++) {
		if (people[i].open && json_object_array_length(people[i].open))
			fprintf(stderr, "not answered: %s\n",
				json_object_to_json_string(people[i].open));
		FUZZ_ASSERT(!people[i].open ||
			    !json_object_array_length(people[i].open));
		json_object_put(people[i].open);
		people[i].open = NULL;
		people[i].subscribed = false;
	}
}
