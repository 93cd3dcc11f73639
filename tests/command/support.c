/* SPDX-License-Identifier: BSD-2-Clause */
/* See support.h. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ARGS 16

const char *holdfastd;

/* --- daemons --------------------------------------------------------------- */

/* In the child. */
static void become_daemon(const struct daemon *d, const char **argv, int out)
{
	int log = open(d->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, 1);
	dup2(log, 2);
	execv(holdfastd, (char **)argv);
	_exit(127);
}

/* Its first line; "" if it ends without one. */
static void read_banner(struct daemon *d, int fd)
{
	size_t len = 0;

	while (len < sizeof(d->banner) - 1) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		if (read(fd, d->banner + len, 1) != 1 ||
		    d->banner[len++] == '\n')
			break;
	}
	d->banner[len] = 0;
}

static void spawn(struct daemon *d, const char *host, va_list args)
{
	const char *argv[MAX_ARGS] = { holdfastd, "--host", host, "--socket",
				       d->socket };
	int n = 5, out[2];

	while (n < MAX_ARGS - 1 && (argv[n] = va_arg(args, const char *)))
		n++;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	d->pid = fork();
	assert_true(d->pid >= 0);
	if (!d->pid)
		become_daemon(d, argv, out[1]);
	close(out[1]);
	read_banner(d, out[0]);
	close(out[0]);
}

static void make_directory(struct daemon *d)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(d->dir, sizeof(d->dir), "%s/holdfast.XXXXXX",
		 tmp && strlen(tmp) < 32 ? tmp : "/tmp");
	assert_non_null(mkdtemp(d->dir));
	/* Others may come in: what they may do is the daemon's business. */
	assert_int_equal(chmod(d->dir, 0755), 0);
	snprintf(d->socket, sizeof(d->socket), "%s/socket", d->dir);
	snprintf(d->log, sizeof(d->log), "%s/log", d->dir);
}

void daemon_make(struct daemon *d, const char *host, ...)
{
	va_list args;

	make_directory(d);
	va_start(args, host);
	spawn(d, host, args);
	va_end(args);
	assert_non_null(strstr(d->banner, "listening on"));
}

void daemon_again(struct daemon *d, const char *host, ...)
{
	va_list args;

	va_start(args, host);
	spawn(d, host, args);
	va_end(args);
	assert_non_null(strstr(d->banner, "listening on"));
}

int daemon_try(struct daemon *d, const char *host, ...)
{
	va_list args;

	if (!*d->dir)
		make_directory(d);
	va_start(args, host);
	spawn(d, host, args);
	va_end(args);
	return daemon_wait(d);
}

void daemon_signal(struct daemon *d, int signum)
{
	assert_int_equal(kill(d->pid, signum), 0);
}

int daemon_wait(struct daemon *d)
{
	int status;

	assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
	d->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void daemon_end(struct daemon *d)
{
	daemon_signal(d, SIGTERM);
	assert_int_equal(daemon_wait(d), 0);
}

void daemon_remove(struct daemon *d)
{
	char command[128];

	if (d->pid)
		daemon_end(d);
	snprintf(command, sizeof(command), "rm -r '%s'", d->dir);
	assert_int_equal(system(command), 0);
}

char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	assert_non_null(f);
	if (getdelim(&text, &room, 0, f) < 0)
		*text = 0;
	fclose(f);
	return text;
}

void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

bool log_has(const struct daemon *d, const char *text)
{
	char *log = read_file(d->log);
	bool has = strstr(log, text);

	free(log);
	return has;
}

/* --- clients ----------------------------------------------------------------- */

void client_open(struct client *c, const struct daemon *d)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	*c = (struct client){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
					   0) };
	assert_true(c->fd >= 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", d->socket);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
}

void client_close(struct client *c)
{
	close(c->fd);
	free(c->buf);
	*c = (struct client){ .fd = -1 };
}

void client_send(struct client *c, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);

		if (n < 0) /* it has closed; what it said first is read */
			return;
		text += n;
		len -= (size_t)n;
	}
}

bool client_has(struct client *c, int ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	return (c->len && memchr(c->buf, '\n', c->len)) || poll(&p, 1, ms) == 1;
}

/* False: the end. */
static bool more(struct client *c)
{
	ssize_t n;

	if (c->len == c->room) {
		c->room = c->room ? 2 * c->room : 65536;
		c->buf = realloc(c->buf, c->room);
		assert_non_null(c->buf);
	}
	assert_true(client_has(c, WAIT_MS));
	n = recv(c->fd, c->buf + c->len, c->room - c->len, 0);
	if (n <= 0)
		return false;
	c->len += (size_t)n;
	return true;
}

json_object *client_receive(struct client *c)
{
	json_object *msg;
	char *end;

	while (!c->len || !(end = memchr(c->buf, '\n', c->len)))
		if (!more(c))
			return NULL;
	*end = 0;
	msg = json_tokener_parse(c->buf);
	assert_non_null(msg);
	c->len -= (size_t)(end + 1 - c->buf);
	memmove(c->buf, end + 1, c->len);
	return msg;
}

static int vask(struct client *c, const char *method, const char *params,
		va_list args)
{
	char text[2048], line[2300];
	int len;

	vsnprintf(text, sizeof(text), params, args);
	len = snprintf(line, sizeof(line),
		       "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\","
		       "\"params\":%s}\n",
		       ++c->last_id, method, text);
	assert_true(len > 0 && len < (int)sizeof(line));
	client_send(c, line, (size_t)len);
	return c->last_id;
}

int ask(struct client *c, const char *method, const char *params, ...)
{
	va_list args;
	int id;

	va_start(args, params);
	id = vask(c, method, params, args);
	va_end(args);
	return id;
}

json_object *answer(struct client *c, int id)
{
	json_object *msg, *got;

	while ((msg = client_receive(c))) {
		if (json_object_object_get_ex(msg, "id", &got) &&
		    json_object_get_int(got) == id)
			return msg;
		json_object_put(msg);
	}
	fail_msg("the daemon closed without an answer to %d", id);
	return NULL;
}

/* The member @key of the answer, which must be there. */
static json_object *part(json_object *msg, const char *key)
{
	json_object *value;

	if (!json_object_object_get_ex(msg, key, &value))
		fail_msg("no %s in %s", key, json_object_to_json_string(msg));
	json_object_get(value);
	json_object_put(msg);
	return value;
}

json_object *must(struct client *c, const char *method, const char *params, ...)
{
	va_list args;
	int id;

	va_start(args, params);
	id = vask(c, method, params, args);
	va_end(args);
	return part(answer(c, id), "result");
}

void do_it(struct client *c, const char *method, const char *params, ...)
{
	va_list args;
	int id;

	va_start(args, params);
	id = vask(c, method, params, args);
	va_end(args);
	json_object_put(part(answer(c, id), "result"));
}

json_object *must_fail(struct client *c, int err, const char *method,
		       const char *params, ...)
{
	json_object *error;
	va_list args;
	int id;

	va_start(args, params);
	id = vask(c, method, params, args);
	va_end(args);
	error = part(answer(c, id), "error");
	if (int_at(error, "data.errno") != err)
		fail_msg("%s", json_object_to_json_string(error));
	return error;
}

/* --- JSON -------------------------------------------------------------------- */

json_object *at(json_object *o, const char *path)
{
	char name[64];
	const char *p = path;

	while (*p) {
		size_t len = strcspn(p, ".");
		json_object *next = NULL;
		bool found = true;

		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		if (json_object_is_type(o, json_type_array)) {
			size_t i = strtoul(name, NULL, 10);

			found = i < json_object_array_length(o);
			if (found)
				next = json_object_array_get_idx(o, i);
		} else {
			found = json_object_object_get_ex(o, name, &next);
		}
		if (!found)
			fail_msg("no %s in %s", path,
				 json_object_to_json_string(o));
		o = next;
		p += len + (p[len] == '.');
	}
	return o;
}

const char *str_at(json_object *o, const char *path)
{
	json_object *value = at(o, path);

	assert_true(json_object_is_type(value, json_type_string));
	return json_object_get_string(value);
}

int64_t int_at(json_object *o, const char *path)
{
	json_object *value = at(o, path);

	assert_true(json_object_is_type(value, json_type_int));
	return json_object_get_int64(value);
}

bool bool_at(json_object *o, const char *path)
{
	json_object *value = at(o, path);

	assert_true(json_object_is_type(value, json_type_boolean));
	return json_object_get_boolean(value);
}

bool null_at(json_object *o, const char *path)
{
	return !at(o, path);
}

size_t len_at(json_object *o, const char *path)
{
	json_object *value = at(o, path);

	assert_true(json_object_is_type(value, json_type_array));
	return json_object_array_length(value);
}

void find_vf(struct client *c, char vf[16], char pf[16])
{
	json_object *all = must(c, "list", "{\"limit\":1000}");

	*vf = 0;
	for (size_t i = 0; !*vf && i < len_at(all, "devices"); i++) {
		json_object *dev =
			json_object_array_get_idx(at(all, "devices"), i);

		if (!bool_at(dev, "vf"))
			continue;
		snprintf(vf, 16, "%s", str_at(dev, "sbdf"));
		snprintf(pf, 16, "%s", str_at(dev, "parent"));
	}
	assert_true(*vf);
	json_object_put(all);
}
