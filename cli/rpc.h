/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of docs/protocol.md: JSON-RPC 2.0, one message a line,
 * over a UNIX socket.
 */
#ifndef HOLDFAST_CLI_RPC_H
#define HOLDFAST_CLI_RPC_H

#include <json.h>
#include <stdbool.h>
#include <stddef.h>

struct rpc {
	int fd;
	int last_id;
	char *buf; /* received, from start to end not yet handed out */
	size_t start, end, room;
};

/* 0, or what connect() says; -ENAMETOOLONG. */
int rpc_open(struct rpc *rpc, const char *path);
void rpc_close(struct rpc *rpc);

/*
 * Send a request. @params (may be NULL) is consumed. Returns its id, above 0;
 * -EPIPE the daemon is gone.
 */
int rpc_send(struct rpc *rpc, const char *method, json_object *params);

/*
 * The next message, which the caller puts. @timeout_ms as poll(). Returns 0;
 * -ETIMEDOUT; -EINTR a signal came; -EPIPE the daemon is gone; -EPROTO it
 * sent something that is no JSON object, or an endless line.
 */
int rpc_receive(struct rpc *rpc, int timeout_ms, json_object **msg);

/* Is this the answer to that request? */
bool rpc_answers(json_object *msg, int id);
/* Is this an error about no request in particular (too many clients)? */
bool rpc_refused(json_object *msg);

#endif
