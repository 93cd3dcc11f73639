/* SPDX-License-Identifier: BSD-2-Clause */
/* See call.h. Params are in args.c. */
#include "call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"

/* The answers to an array of requests; sent when the last one is there. */
struct batch {
	struct client *client;
	unsigned int left;
	bool failed; /* no memory for an answer */
	char *text;  /* owned; the array, not closed yet */
	size_t len;
};

static uint64_t total; /* the loop's */

uint64_t calls_total(void)
{
	return total;
}

/* --- replies ---------------------------------------------------------------- */

static json_object *reply_new(json_object *id)
{
	json_object *msg = out_object();

	out_str(msg, "jsonrpc", "2.0");
	out_add(msg, "id", json_object_get(id));
	return msg;
}

static json_object *error_new(int code, const char *message, json_object *data)
{
	json_object *error = out_object();

	out_int(error, "code", code);
	out_str(error, "message", message);
	if (data)
		out_add(error, "data", json_object_get(data));
	return error;
}

json_object *call_error_line(int code, const char *message)
{
	json_object *msg = reply_new(NULL);

	out_add(msg, "error", error_new(code, message, NULL));
	return msg;
}

static json_object *make_reply(struct call *call)
{
	json_object *msg = reply_new(call->id);

	if (call->code)
		out_add(msg, "error",
			error_new(call->code, call->message, call->data));
	else
		out_add(msg, "result", json_object_get(call->result));
	return msg;
}

static bool append(struct batch *batch, const char *text, size_t len)
{
	char *grown = realloc(batch->text, batch->len + 1 + len + 1);

	if (!grown)
		return false;
	batch->text = grown;
	grown[batch->len] = batch->len ? ',' : '[';
	memcpy(grown + batch->len + 1, text, len);
	batch->len += 1 + len; /* and room for the end */
	return true;
}

static json_object *left_out(json_object *reply)
{
	json_object *id = NULL, *msg;

	json_object_object_get_ex(reply, "id", &id);
	msg = reply_new(id);
	out_add(msg, "error",
		error_new(RPC_ANSWERS_TOO_LONG,
			  "its answer is left out: those to this batch are "
			  "longer than 1 MiB; ask for less at once",
			  NULL));
	return msg;
}

/* Puts @reply. Kept as text: objects take several times as much. */
static void batch_append(struct batch *batch, json_object *reply, bool cut)
{
	const char *text = NULL;
	size_t len = 0;

	if (reply)
		text = json_object_to_json_string_length(reply, OUT_FORMAT,
							 &len);
	if (text && !cut && batch->len + len > RPC_BATCH_ANSWER_MAX)
		batch_append(batch, left_out(reply), true);
	else if (!text || !append(batch, text, len))
		batch->failed = true;
	json_object_put(reply);
}

static void batch_add(struct batch *batch, json_object *reply)
{
	if (reply)
		batch_append(batch, reply, false);
	if (--batch->left)
		return;
	if (batch->failed) {
		client_send_text(batch->client, NULL, 0);
	} else if (batch->len) {
		batch->text[batch->len] = ']';
		client_send_text(batch->client, batch->text, batch->len + 1);
	}
	free(batch->text);
	free(batch);
}

/* --- errors ------------------------------------------------------------------ */

json_object *call_data(struct call *call)
{
	if (!call->data)
		call->data = out_object();
	return call->data;
}

static void set_error(struct call *call, int code, int err, const char *fmt,
		      va_list args)
{
	call->code = code;
	call->err = err;
	vsnprintf(call->message, sizeof(call->message), fmt, args);
	text_mend(call->message);
	json_object_put(call->data);
	call->data = NULL;
	if (err)
		out_errno(call_data(call), err);
}

static void hf_printf_like(4, 5)
	call_error(struct call *call, int code, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_error(call, code, err, fmt, args);
	va_end(args);
}

int call_fail(struct call *call, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_error(call, RPC_REFUSED, err, fmt, args);
	va_end(args);
	return err;
}

int arg_bad(struct call *call, const char *name, const char *fmt, ...)
{
	char why[200], path[80];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	snprintf(path, sizeof(path), "params.%s", name);
	text_mend(path);
	call_error(call, RPC_INVALID_PARAMS, -EINVAL, "%s: %s", path, why);
	out_str(call_data(call), "path", path);
	return -EINVAL;
}

int call_administers(struct call *call)
{
	const struct peer *peer = client_peer(call->client);

	call->audited = true;
	if (peer->administers)
		return 0;
	return call_fail(call, -EPERM,
			 "%s (uid %u) may look, not change; that needs root or "
			 "the group of the socket",
			 peer->user, peer->uid);
}

/* --- the way of a call ----------------------------------------------------------- */

#define TARGET_LEN 80

/*
 * What the call is about, for the log: an address always in full, a guest's
 * as DOMAIN:ADDRESS.
 */
static const char *target(struct call *call, char buf[TARGET_LEN])
{
	static const char *const names[] = { "sbdf", "slot",   "vsbdf",
					     "name", "domain", "id" };
	json_object *value = NULL, *domain = NULL;
	char name[PCI_SBDF_LEN];
	pci_sbdf_t sbdf;
	const char *text;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (json_object_object_get_ex(call->params, names[i], &value) &&
		    value)
			break;
	text = value ? json_object_get_string(value) : "";
	if (pci_sbdf_parse(text, &sbdf))
		return text;
	if (!strcmp(names[i], "vsbdf"))
		json_object_object_get_ex(call->params, "domain", &domain);
	snprintf(buf, TARGET_LEN, "%.60s%s%s",
		 domain ? json_object_get_string(domain) : "",
		 domain ? ":" : "", pci_sbdf_print(name, sbdf));
	return buf;
}

static void call_free(struct call *call)
{
	json_object_put(call->id);
	json_object_put(call->params);
	json_object_put(call->result);
	json_object_put(call->data);
	client_end(call->client);
	free(call);
}

void call_finish(struct call *call, int status)
{
	char name[TARGET_LEN];
	json_object *reply = NULL;

	(void)status; /* call->code says it */
	if (call->audited)
		audit(client_peer(call->client), call->method->name,
		      target(call, name),
		      call->code == RPC_INVALID_PARAMS ? "EINVAL"
						       : errno_name(call->err));
	if (call->answer)
		reply = make_reply(call);
	if (call->batch)
		batch_add(call->batch, reply);
	else if (reply)
		client_send(call->client, reply);
	call_free(call);
}

/* Any thread: out_failed() is the thread's own. */
static int run_method(struct call *call)
{
	int status;

	(void)out_failed();
	status = call->method->run(call);
	if (out_failed() && status != CALL_LATER) {
		call_error(call, RPC_INTERNAL, -ENOMEM,
			   "the daemon is out of memory; try again");
		status = -ENOMEM;
	}
	return status;
}

static void in_worker(struct work *work)
{
	struct call *call = container_of(work, struct call, work);

	run_method(call);
}

static void worker_done(struct work *work)
{
	struct call *call = container_of(work, struct call, work);

	call_finish(call, call->err);
}

static bool is_word(const char *words, const char *word, size_t len)
{
	for (const char *at = words; (at = strstr(at, word)); at += len)
		if ((at == words || at[-1] == ' ') &&
		    (at[len] == ' ' || !at[len]))
			return true;
	return false;
}

/* A misspelt option must not be ignored. */
static int check_names(struct call *call)
{
	if (!call->params)
		return 0;
	json_object_object_foreach(call->params, name, value) {
		size_t len = strlen(name);

		(void)value;
		if (!len || strchr(name, ' ') ||
		    !is_word(call->method->params, name, len))
			return arg_bad(call, name, "%s has no such parameter",
				       call->method->name);
	}
	return 0;
}

static const struct method *find_method(const char *name)
{
	for (const struct method *m = methods; m->name; m++)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

/* Takes over @call; it is finished now, by a worker, or later. */
static void call_run(struct call *call, struct rpc_request *req)
{
	int status = 0;

	call->method = find_method(req->method);
	if (call->method && call->method->flags & METHOD_ADMIN &&
	    (status = call_administers(call))) {
		call_finish(call, status);
		return;
	}
	if (req->code) {
		call_error(call, req->code, 0, "%s", req->why);
		if (req->code == RPC_PARSE_ERROR)
			out_uint(call_data(call), "offset", req->offset);
		call_finish(call, -EINVAL);
		return;
	}
	if (!call->method) {
		call_error(
			call, RPC_NO_METHOD, 0,
			"no method of this name; docs/protocol.md lists them");
		text_mend(req->method);
		out_str(call_data(call), "method", req->method);
		call_finish(call, -EINVAL);
		return;
	}
	status = check_names(call);
	if (status) {
		call_finish(call, status);
	} else if (call->method->flags & METHOD_WORK) {
		call->work.run = in_worker;
		call->work.done = worker_done;
		call->work.who = client_peer(call->client)->administers
					 ? LOOP_ADMIN
					 : LOOP_OTHER;
		loop_work(&call->work);
	} else {
		status = run_method(call);
		if (status != CALL_LATER)
			call_finish(call, status);
	}
}

static struct batch *batch_new(struct client *client, unsigned int requests)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->client = client;
	batch->left = requests;
	return batch;
}

void call_line(struct client *client, const char *line, size_t len)
{
	struct rpc_message *msg = rpc_parse(line, len);
	struct batch *batch = NULL;
	unsigned int i;

	if (msg && msg->batch)
		batch = batch_new(client, msg->count);
	for (i = 0; msg && (batch || !msg->batch) && i < msg->count; i++) {
		struct rpc_request *req = &msg->request[i];
		struct call *call = calloc(1, sizeof(*call));

		if (!call)
			break;
		client_begin(client);
		total++;
		call->client = client;
		call->batch = batch;
		call->answer = req->answer;
		call->id = req->id;
		call->params = req->params;
		req->id = req->params = NULL; /* the call's now */
		call_run(call, req);
	}
	if (!msg || i < msg->count)
		client_send(client, NULL); /* out of memory: closes it */
	for (; batch && i < msg->count; i++)
		batch_add(batch, NULL);
	rpc_free(msg);
}
