/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line of input as JSON-RPC 2.0 requests. Knows no client, no method and
 * no loop: the fuzz target calls it as the daemon does.
 */
#ifndef DAEMON_RPC_H
#define DAEMON_RPC_H

#include <json-c/json.h>

#include <holdfast/types.h>

#define RPC_LINE_MAX 65536 /* bytes, the newline included */
#define RPC_DEPTH_MAX 16
#define RPC_BATCH_MAX 64
#define RPC_BATCH_ANSWER_MAX (1024u * 1024) /* bytes */
#define RPC_METHOD_LEN 48

enum {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_NO_METHOD = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL = -32603,
	RPC_REFUSED = -32000, /* the operation's answer is no */
	RPC_TOO_MANY_CLIENTS = -32001,
	RPC_LINE_TOO_LONG = -32002,
	RPC_ANSWERS_TOO_LONG = -32003,
};

struct rpc_request {
	int code;                    /* 0, or why it is none */
	const char *why;             /* of code: a sentence, static */
	size_t offset;               /* of RPC_PARSE_ERROR: where in the line */
	bool answer;                 /* false: a notification, not answered */
	json_object *id;             /* owned; NULL is JSON's null */
	json_object *params;         /* owned; an object, or NULL: none */
	char method[RPC_METHOD_LEN]; /* cut: then it is none that we know */
};

struct rpc_message {
	bool batch; /* the answer is an array */
	unsigned int count;
	struct rpc_request request[];
};

/*
 * Whatever the @len bytes of @line are, there is at least one request: a
 * broken line is one with a code. NULL without memory.
 */
struct rpc_message *rpc_parse(const char *line, size_t len);
void rpc_free(struct rpc_message *msg);

#endif
