/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See client.h. Input is taken only while the client reads its answers and
 * has few requests unfinished; so what it can make us remember is bounded. And
 * only a few lines at a time, so that nobody is kept waiting by who sends many.
 */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <holdfast/list.h>
#include <holdfast/platform.h>

#include "call.h"
#include "out.h"
#include "rpc.h"
#include "stop.h"

#define LINES_A_TURN 16

struct client {
	struct list_head entry; /* of clients, until it is closed */
	uv_pipe_t pipe;
	struct peer peer;
	unsigned int pending;
	bool reading; /* uv_read_start() is on */
	bool ended;   /* no more input: end of file, or too long a line */
	bool more;    /* lines that wait for the next turn */
	bool running; /* client_run() is on the stack */
	bool closed;  /* no handle any more */
	bool subscribed;
	uint64_t lost; /* notifications since the last one that was sent */
	size_t last;   /* at the end: bytes that may still be taken */
	size_t in_len;
	char in[RPC_LINE_MAX];
};

struct out_line {
	uv_write_t req;
	char text[];
};

static struct list_head clients = { &clients, &clients };
static unsigned int count;
static bool finishing;
static uv_idle_t turns; /* runs while a client has more */

static void client_run(struct client *c);

unsigned int clients_count(void)
{
	return count;
}

const struct peer *client_peer(const struct client *c)
{
	return &c->peer;
}

/* --- closing ---------------------------------------------------------------- */

static void free_if_done(struct client *c)
{
	if (c->closed && !c->pending)
		free(c);
}

static void on_closed(uv_handle_t *handle)
{
	struct client *c =
		container_of((uv_pipe_t *)handle, struct client, pipe);

	c->closed = true;
	list_del(&c->entry);
	count--;
	free_if_done(c);
	stop_check();
}

/* @c stays on the list until on_closed(), so that walks may call this. */
static void client_close(struct client *c)
{
	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	c->ended = true;
	c->subscribed = false;
	uv_close((uv_handle_t *)&c->pipe, on_closed);
}

/* --- writing ------------------------------------------------------------------ */

static size_t unread(const struct client *c)
{
	return uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe);
}

static void write_line(struct client *c, const char *text, size_t len);

static void tell_lost(struct client *c)
{
	char line[96];
	int len = snprintf(line, sizeof(line),
			   "{\"jsonrpc\":\"2.0\",\"method\":\"lost\","
			   "\"params\":{\"count\":%llu}}",
			   (unsigned long long)c->lost);

	c->lost = 0;
	write_line(c, line, (size_t)len);
}

static void on_written(uv_write_t *req, int status)
{
	struct out_line *line = container_of(req, struct out_line, req);
	struct client *c =
		container_of((uv_pipe_t *)req->handle, struct client, pipe);

	free(line);
	if (status)
		client_close(c);
	else if (c->lost && unread(c) < CLIENT_QUEUE_MAX / 2)
		tell_lost(c);
	client_run(c);
}

/*
 * @text and a newline. Without memory the client is closed: it must not wait
 * for ever.
 */
static void write_line(struct client *c, const char *text, size_t len)
{
	struct out_line *line = malloc(sizeof(*line) + len + 1);
	uv_buf_t buf;

	if (!line) {
		client_close(c);
		return;
	}
	memcpy(line->text, text, len);
	line->text[len] = '\n';
	buf = uv_buf_init(line->text, (unsigned int)len + 1);
	if (uv_write(&line->req, (uv_stream_t *)&c->pipe, &buf, 1,
		     on_written)) {
		free(line);
		client_close(c);
	}
}

void client_send_text(struct client *c, const char *text, size_t len)
{
	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return; /* nobody to tell */
	if (text)
		write_line(c, text, len);
	else
		client_close(c);
}

void client_send(struct client *c, json_object *msg)
{
	const char *text = NULL;
	size_t len = 0;

	if (msg)
		text = json_object_to_json_string_length(msg, OUT_FORMAT, &len);
	client_send_text(c, text, len);
	json_object_put(msg);
}

/* --- reading ------------------------------------------------------------------ */

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *c =
		container_of((uv_pipe_t *)stream, struct client, pipe);

	(void)buf;
	if (n > 0)
		c->in_len += (size_t)n;
	else if (n == UV_EOF)
		c->ended = true;
	else if (n < 0)
		client_close(c);
	client_run(c);
}

static void give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct client *c =
		container_of((uv_pipe_t *)handle, struct client, pipe);

	(void)size;
	*buf = uv_buf_init(c->in + c->in_len,
			   (unsigned int)(sizeof(c->in) - c->in_len));
}

static bool paused(const struct client *c)
{
	return c->pending >= CLIENT_PENDING_MAX || unread(c) > CLIENT_QUEUE_MAX;
}

static void too_long(struct client *c)
{
	json_object *msg, *error = NULL, *data;

	c->ended = true;
	c->in_len = 0;
	msg = call_error_line(RPC_LINE_TOO_LONG,
			      "a message is one line of at most 65536 bytes");
	json_object_object_get_ex(msg, "error", &error);
	if (error) {
		data = out_object();
		out_uint(data, "limit", RPC_LINE_MAX);
		out_add(error, "data", data);
	}
	client_send(c, msg);
}

static bool may_go_on(const struct client *c)
{
	return !paused(c) && !uv_is_closing((const uv_handle_t *)&c->pipe);
}

/* Answer complete lines that were read, one turn of them at most. */
static void take_lines(struct client *c)
{
	unsigned int left = LINES_A_TURN;
	size_t start = 0;
	char *end = NULL;

	while (may_go_on(c) && left--) {
		char *line = c->in + start;
		size_t len;

		end = memchr(line, '\n', c->in_len - start);
		if (!end)
			break;
		len = (size_t)(end - line);
		start += len + 1;
		if (len && line[len - 1] == '\r')
			len--;
		if (len)
			call_line(c, line, len);
	}
	memmove(c->in, c->in + start, c->in_len - start);
	c->in_len -= start;
	c->more = may_go_on(c) && memchr(c->in, '\n', c->in_len);
	if (c->in_len == sizeof(c->in) && !memchr(c->in, '\n', c->in_len))
		too_long(c);
}

/* At the end: what it had sent by now, without waiting for more. */
static bool last_input(struct client *c)
{
	size_t room = sizeof(c->in) - c->in_len;
	uv_os_fd_t fd;
	ssize_t n = -1;

	if (room > c->last)
		room = c->last;
	if (room && !uv_fileno((uv_handle_t *)&c->pipe, &fd))
		n = recv(fd, c->in + c->in_len, room, MSG_DONTWAIT);
	if (n > 0) {
		c->in_len += (size_t)n;
		c->last -= (size_t)n;
	} else {
		c->ended = true;
	}
	return n > 0;
}

static void next_turn(uv_idle_t *idle)
{
	bool more = false;
	struct client *c;

	list_for_each(c, &clients, struct client, entry) {
		if (c->more)
			client_run(c);
		more |= c->more;
	}
	if (!more)
		uv_idle_stop(idle);
}

/* Something changed: bring reading, answering and closing up to date. */
static void client_run(struct client *c)
{
	bool want;

	if (c->running || uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	c->running = true;
	do {
		take_lines(c);
	} while (finishing && !c->more && !c->ended && !paused(c) &&
		 last_input(c));
	c->running = false;
	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	if (c->more)
		uv_idle_start(&turns, next_turn);
	want = !c->ended && !c->more && !finishing && !paused(c);
	if (want && !c->reading)
		uv_read_start((uv_stream_t *)&c->pipe, give_buffer, on_read);
	else if (!want && c->reading)
		uv_read_stop((uv_stream_t *)&c->pipe);
	c->reading = want;
	if (c->ended && !c->more && !c->pending && !unread(c))
		client_close(c);
}

void client_begin(struct client *c)
{
	c->pending++;
}

void client_end(struct client *c)
{
	c->pending--;
	if (c->closed)
		free_if_done(c);
	else
		client_run(c);
}

/* --- coming --------------------------------------------------------------------- */

static void free_refused(uv_handle_t *handle)
{
	free(container_of((uv_pipe_t *)handle, struct client, pipe));
}

/* What is said fits into a socket that is new. It is gone in this round. */
static void refuse(struct client *c)
{
	static const char text[] =
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32001,"
		"\"message\":\"too many clients are connected; try again when "
		"one has left\"}}\n";
	uv_buf_t buf = uv_buf_init((char *)text, sizeof(text) - 1);

	(void)!uv_try_write((uv_stream_t *)&c->pipe, &buf, 1);
	uv_close((uv_handle_t *)&c->pipe, free_refused);
}

int client_accept(uv_stream_t *listener, gid_t group)
{
	struct client *c = calloc(1, sizeof(*c));
	uv_os_fd_t fd;
	int err;

	if (!c)
		return -ENOMEM;
	uv_pipe_init(&main_loop, &c->pipe, 0);
	err = uv_accept(listener, (uv_stream_t *)&c->pipe);
	if (!err)
		err = uv_fileno((uv_handle_t *)&c->pipe, &fd);
	if (!err)
		err = peer_identify(fd, group, &c->peer);
	if (err) {
		plat_log(PLAT_WARN, "a connection failed: %s",
			 uv_strerror(err));
		uv_close((uv_handle_t *)&c->pipe, free_refused);
		return 0;
	}
	if (count >= CLIENTS_MAX - (c->peer.administers ? 0 : CLIENTS_KEPT)) {
		refuse(c);
		return 0;
	}
	if (!turns.loop)
		uv_idle_init(&main_loop, &turns);
	count++;
	list_add_tail(&c->entry, &clients);
	client_run(c);
	return 0;
}

/* --- events ----------------------------------------------------------------------- */

void client_subscribe(struct client *c, bool on)
{
	if (c->subscribed != on)
		c->lost = 0;
	c->subscribed = on;
}

void clients_notify(const char *line, size_t len)
{
	struct client *c;

	list_for_each(c, &clients, struct client, entry) {
		if (!c->subscribed)
			continue;
		if (c->lost || unread(c) > CLIENT_QUEUE_MAX)
			c->lost++;
		else
			write_line(c, line, len);
	}
}

void clients_lose(uint64_t n)
{
	struct client *c;

	list_for_each(c, &clients, struct client, entry) {
		if (!c->subscribed)
			continue;
		c->lost += n;
		if (unread(c) < CLIENT_QUEUE_MAX / 2)
			tell_lost(c);
	}
}

/* --- the end ------------------------------------------------------------------------ */

/* Bytes that it has sent and nobody has taken. */
static size_t unread_input(const struct client *c)
{
	uv_os_fd_t fd;
	int n;

	if (uv_fileno((const uv_handle_t *)&c->pipe, &fd) ||
	    ioctl(fd, FIONREAD, &n))
		return 0;
	return (size_t)n;
}

void clients_finish(void)
{
	struct client *c;

	finishing = true;
	list_for_each(c, &clients, struct client, entry) {
		c->last = unread_input(c);
		client_run(c);
	}
}

void clients_abandon(void)
{
	struct client *c;

	list_for_each(c, &clients, struct client, entry) {
		c->ended = true;
		if (!c->pending && !c->more)
			client_close(c);
	}
}
