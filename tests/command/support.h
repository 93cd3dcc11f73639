/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A real daemon in a directory of its own, and clients of it. What cannot be
 * set up fails the test; what does not come within WAIT_MS fails it too.
 */
#ifndef TESTS_COMMAND_SUPPORT_H
#define TESTS_COMMAND_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>
#include <json-c/json.h>

#define WAIT_MS 30000

/* --- daemons --------------------------------------------------------------- */

struct daemon {
	pid_t pid; /* 0: it has ended */
	char dir[64], socket[96], log[96], banner[256];
};

/* Path of holdfastd: argv[1] of every test program. */
extern const char *holdfastd;

/* A directory, and a daemon for @host in it; more arguments up to NULL. */
void daemon_make(struct daemon *d, const char *host, ...);
/* Another one in the same directory, after daemon_end() or daemon_wait(). */
void daemon_again(struct daemon *d, const char *host, ...);
/* Run it to its end; what it wrote to stderr is in d->log. Its status. */
int daemon_try(struct daemon *d, const char *host, ...);
void daemon_signal(struct daemon *d, int signum);
int daemon_wait(struct daemon *d); /* its exit status; 128 + a signal's */
/* SIGTERM; it must end with 0. */
void daemon_end(struct daemon *d);
/* The same, and the directory goes. */
void daemon_remove(struct daemon *d);
bool log_has(const struct daemon *d, const char *text);
void write_file(const char *path, const char *text);
char *read_file(const char *path); /* malloc()ed */

/* --- clients ----------------------------------------------------------------- */

struct client {
	int fd, last_id;
	char *buf;
	size_t len, room;
};

void client_open(struct client *c, const struct daemon *d);
void client_close(struct client *c);
void client_send(struct client *c, const char *text, size_t len);
/* The next message, which the caller puts; NULL: the daemon closed. */
json_object *client_receive(struct client *c);
/* Is there a message, or the end, within @ms? */
bool client_has(struct client *c, int ms);

/* Send a request; @params is JSON. Returns its id. */
int ask(struct client *c, const char *method, const char *params, ...)
	__attribute__((format(printf, 3, 4)));
/* The answer to it; others that come first are dropped. The caller puts it. */
json_object *answer(struct client *c, int id);
/* Both; the result must be there. The caller puts it. */
json_object *must(struct client *c, const char *method, const char *params, ...)
	__attribute__((format(printf, 3, 4)));
/* Both; it must be an error with this errno. Its "error"; the caller puts it. */
json_object *must_fail(struct client *c, int err, const char *method,
		       const char *params, ...)
	__attribute__((format(printf, 4, 5)));
/* The same without a look at the answer. */
void do_it(struct client *c, const char *method, const char *params, ...)
	__attribute__((format(printf, 3, 4)));

/* --- JSON: a path is names and indices, "removal.blockers.0.who" ---------------- */

json_object *at(json_object *o, const char *path); /* must be there */
const char *str_at(json_object *o, const char *path);
int64_t int_at(json_object *o, const char *path);
bool bool_at(json_object *o, const char *path);
bool null_at(json_object *o, const char *path);
size_t len_at(json_object *o, const char *path);

/* The first device of the list that is a VF; and its PF. */
void find_vf(struct client *c, char vf[16], char pf[16]);

#endif
