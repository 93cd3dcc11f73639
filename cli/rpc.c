// SPDX-License-Identifier: BSD-2-Clause
/* The client's side of the protocol: a line out, lines in. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "memory.h"
#include "rpc.h"

#define CHUNK 65536
#define LINE_MAX_BYTES (8u << 20) /* twice what a reply may have */

int rpc_open(struct rpc *rpc, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int error;

	*rpc = (struct rpc){ .fd = -1 };
	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	rpc->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (rpc->fd < 0)
		return -errno;
	if (connect(rpc->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	error = -errno;
	close(rpc->fd);
	rpc->fd = -1;
	return error;
}

void rpc_close(struct rpc *rpc)
{
	if (rpc->fd >= 0)
		close(rpc->fd);
	free(rpc->buf);
	*rpc = (struct rpc){ .fd = -1 };
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -EPIPE;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int rpc_send(struct rpc *rpc, const char *method, json_object *params)
{
	json_object *msg = need(json_object_new_object());
	const char *text;
	char *line;
	size_t len;
	int error;

	rpc->last_id++;
	json_object_object_add(msg, "jsonrpc", json_object_new_string("2.0"));
	json_object_object_add(msg, "id", json_object_new_int(rpc->last_id));
	json_object_object_add(msg, "method", json_object_new_string(method));
	if (params)
		json_object_object_add(msg, "params", params);
	text = need((char *)json_object_to_json_string_ext(
		msg, JSON_C_TO_STRING_PLAIN));
	len = strlen(text);
	line = need(malloc(len + 2));
	memcpy(line, text, len);
	line[len] = '\n';
	error = send_all(rpc->fd, line, len + 1);
	free(line);
	json_object_put(msg);
	return error ? error : rpc->last_id;
}

/* Cut the first line out of the buffer; NULL: not whole yet. */
static char *take_line(struct rpc *rpc)
{
	char *line = rpc->buf + rpc->start;
	char *end;

	if (rpc->start == rpc->end)
		return NULL;
	end = memchr(line, '\n', rpc->end - rpc->start);
	if (!end)
		return NULL;
	*end = '\0';
	rpc->start = (size_t)(end + 1 - rpc->buf);
	return line;
}

static int fill(struct rpc *rpc)
{
	ssize_t n;

	if (rpc->start) {
		memmove(rpc->buf, rpc->buf + rpc->start, rpc->end - rpc->start);
		rpc->end -= rpc->start;
		rpc->start = 0;
	}
	if (rpc->end > LINE_MAX_BYTES)
		return -EPROTO;
	if (rpc->room - rpc->end < CHUNK) {
		rpc->room = 2 * rpc->room + CHUNK;
		rpc->buf = need(realloc(rpc->buf, rpc->room));
	}
	n = recv(rpc->fd, rpc->buf + rpc->end, rpc->room - rpc->end, 0);
	if (n < 0 && errno == EINTR)
		return -EINTR;
	if (n <= 0)
		return -EPIPE;
	rpc->end += (size_t)n;
	return 0;
}

int rpc_receive(struct rpc *rpc, int timeout_ms, json_object **msg)
{
	struct pollfd pfd = { .fd = rpc->fd, .events = POLLIN };
	char *line;
	int n, error;

	while (!(line = take_line(rpc))) {
		n = poll(&pfd, 1, timeout_ms);
		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0)
			return -errno;
		error = fill(rpc);
		if (error)
			return error;
	}
	*msg = json_tokener_parse(line);
	if (json_object_is_type(*msg, json_type_object))
		return 0;
	json_object_put(*msg);
	return -EPROTO;
}

bool rpc_answers(json_object *msg, int id)
{
	json_object *value;

	return id > 0 && json_object_object_get_ex(msg, "id", &value) &&
	       json_object_get_int(value) == id;
}

bool rpc_refused(json_object *msg)
{
	json_object *id, *error;

	return json_object_object_get_ex(msg, "error", &error) &&
	       json_object_object_get_ex(msg, "id", &id) && !id;
}
