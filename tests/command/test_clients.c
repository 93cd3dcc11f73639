/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds on clients, and what each client may do. */
#include "support.h"

#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS 128
#define KEPT 8 /* of them for those who administer */
#define NOBODY 65534

static struct daemon d;

static int setup(void **state)
{
	(void)state;
	daemon_make(&d, "fabric:server", NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	daemon_remove(&d);
	return 0;
}

/* Until the daemon has noticed that all others left. */
static void wait_until_alone(void)
{
	bool alone = false;

	while (!alone) {
		json_object *msg, *result;
		struct client c;

		client_open(&c, &d);
		ask(&c, "stats", "{}");
		msg = client_receive(&c);
		assert_non_null(msg);
		alone = json_object_object_get_ex(msg, "result", &result) &&
			int_at(result, "clients") == 1;
		json_object_put(msg);
		client_close(&c);
	}
}

static void
test_one_client_too_many_is_told_so_and_the_others_go_on(void **state)
{
	struct client c[CLIENTS], extra;
	json_object *msg;

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		client_open(&c[i], &d);
		do_it(&c[i], "version", "{}");
	}
	client_open(&extra, &d);
	msg = client_receive(&extra);
	assert_int_equal(int_at(msg, "error.code"), -32001);
	json_object_put(msg);
	assert_null(client_receive(&extra));
	client_close(&extra);
	for (int i = 0; i < CLIENTS; i++)
		do_it(&c[i], "version", "{}");
	for (int i = 0; i < CLIENTS; i++)
		client_close(&c[i]);
	wait_until_alone();
}

static void become_nobody(void)
{
	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
		_exit(3);
}

/* In a child: as many as may stay, until @until has an end. */
static void crowd(int ready, int until)
{
	struct client c[CLIENTS - KEPT], extra;
	json_object *msg;
	char byte;

	become_nobody();
	for (int i = 0; i < CLIENTS - KEPT; i++) {
		client_open(&c[i], &d);
		do_it(&c[i], "version", "{}");
	}
	client_open(&extra, &d);
	msg = client_receive(&extra);
	byte = (char)(int_at(msg, "error.code") == -32001);
	json_object_put(msg);
	if (write(ready, &byte, 1) != 1 || read(until, &byte, 1))
		_exit(4);
	_exit(0);
}

static void test_others_leave_room_for_those_who_administer(void **state)
{
	struct client c[KEPT];
	int ready[2], until[2], status;
	char refused = 0;
	pid_t child;

	(void)state;
	if (geteuid()) {
		print_message("needs root\n");
		skip();
	}
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(until), 0);
	child = fork();
	if (!child) {
		close(until[1]);
		crowd(ready[1], until[0]);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &refused, 1), 1);
	assert_true(refused);
	for (int i = 0; i < KEPT; i++) {
		client_open(&c[i], &d);
		do_it(&c[i], "version", "{}");
	}
	for (int i = 0; i < KEPT; i++)
		client_close(&c[i]);
	close(until[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(ready[0]);
	close(until[0]);
	wait_until_alone();
}

/*
 * Both have sent when the daemon looks, the one a thousand lines, and first.
 * So the other's answer says how many of them went before it.
 */
static void test_many_lines_of_one_do_not_go_before_another_s(void **state)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\","
				   "\"method\":\"version\"}\n";
	enum { LINES = 1000, LEN = sizeof(line) - 1, FEW = 100 };
	struct client many, other;
	char *text = malloc(LINES * LEN);
	json_object *result;
	int64_t before;
	int id;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < LINES; i++)
		memcpy(text + i * LEN, line, LEN);
	client_open(&many, &d);
	do_it(&many, "version", "{}");
	client_open(&other, &d);
	result = must(&other, "stats", "{}");
	before = int_at(result, "requests");
	json_object_put(result);
	daemon_signal(&d, SIGSTOP);
	client_send(&many, text, LINES * LEN);
	id = ask(&other, "stats", "{}");
	daemon_signal(&d, SIGCONT);
	result = answer(&other, id);
	assert_true(int_at(result, "result.requests") - before < FEW);
	json_object_put(result);
	/* And all of them are carried out. */
	do_it(&many, "version", "{}");
	result = must(&other, "stats", "{}");
	assert_true(int_at(result, "requests") - before > LINES);
	json_object_put(result);
	client_close(&many);
	client_close(&other);
	free(text);
}

/* Sends far more than fits anywhere before it reads: in a child. */
static void test_a_client_that_reads_late_gets_every_answer(void **state)
{
	enum { REQUESTS = 2000 };
	struct client c;
	json_object *msg;
	pid_t writer;
	bool *seen = calloc(REQUESTS + 1, sizeof(*seen));
	int status;

	(void)state;
	client_open(&c, &d);
	writer = fork();
	if (!writer) {
		for (int i = 0; i < REQUESTS; i++)
			ask(&c, i % 2 ? "list" : "holders",
			    i % 2 ? "{}" : "{\"sbdf\":\"00:00.0\"}");
		_exit(0);
	}
	for (int i = 0; i < REQUESTS; i++) {
		int64_t id;

		msg = client_receive(&c);
		assert_non_null(msg);
		id = int_at(msg, "id");
		assert_true(id >= 1 && id <= REQUESTS && !seen[id]);
		seen[id] = true;
		(void)at(msg, "result");
		json_object_put(msg);
	}
	assert_int_equal(waitpid(writer, &status, 0), writer);
	client_close(&c);
	free(seen);
}

/*
 * Its requests wait in its own socket, not in the daemon's memory. A send that
 * would block may go on when the daemon has run: another client's answer says
 * that it has.
 */
static void test_a_client_that_does_not_read_is_not_read_from(void **state)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,"
				   "\"method\":\"list\"}\n";
	enum { FAR_TOO_MUCH = 64 << 20, PATIENCE = 100 };
	struct client deaf, other;
	size_t sent = 0;
	int refused = 0;

	(void)state;
	client_open(&deaf, &d);
	client_open(&other, &d);
	while (refused < PATIENCE && sent < FAR_TOO_MUCH) {
		ssize_t n = send(deaf.fd, line + sent % (sizeof(line) - 1),
				 sizeof(line) - 1 - sent % (sizeof(line) - 1),
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			sent += (size_t)n;
			refused = 0;
		} else {
			refused++;
			do_it(&other, "stats", "{}");
		}
	}
	assert_int_equal(refused, PATIENCE);
	client_close(&deaf);
	do_it(&other, "stats", "{}");
	client_close(&other);
}

/*
 * One listens and does not read while another makes events. What it then
 * reads, and what "lost" says, is all there was.
 */
static void test_a_slow_listener_is_told_how_many_events_it_lost(void **state)
{
	enum { ROUNDS = 2000 };
	struct client slow, busy;
	json_object *msg, *result;
	uint64_t first, last, got = 0, lost = 0;

	(void)state;
	client_open(&slow, &d);
	client_open(&busy, &d);
	result = must(&slow, "subscribe", "{}");
	first = (uint64_t)int_at(result, "seq");
	json_object_put(result);
	for (int i = 0; i < ROUNDS; i++) {
		do_it(&busy, "pin", "{\"sbdf\":\"00:00.0\",\"reason\":\"%d\"}",
		      i);
		do_it(&busy, "unpin", "{\"sbdf\":\"00:00.0\"}");
	}
	result = must(&busy, "subscribe", "{}");
	last = (uint64_t)int_at(result, "seq");
	json_object_put(result);
	assert_true(last >= first + 2 * ROUNDS);
	while (got + lost < last - first) {
		msg = client_receive(&slow);
		assert_non_null(msg);
		if (!strcmp(str_at(msg, "method"), "lost")) {
			lost += (uint64_t)int_at(msg, "params.count");
		} else {
			got++;
			assert_int_equal(int_at(msg, "params.seq"),
					 first + got + lost);
		}
		json_object_put(msg);
	}
	assert_int_equal(got + lost, last - first);
	assert_true(lost > 0);
	/* And what comes now comes. */
	do_it(&busy, "pin", "{\"sbdf\":\"00:00.0\",\"reason\":\"new\"}");
	msg = client_receive(&slow);
	assert_string_equal(str_at(msg, "params.type"), "hold");
	json_object_put(msg);
	client_close(&slow);
	client_close(&busy);
}

/* --- rights ------------------------------------------------------------------------ */

/* The first function of the host, as its own domain sees it. */
#define GUEST(more) \
	"{\"domain\":\"hardware\",\"vsbdf\":\"00:00.0\",\"size\":4," more "}"

static void refused(struct client *c, const char *method, const char *params)
{
	json_object_put(must_fail(c, -1, method, "%s", params));
}

/* Who only reads may look at what a device does, not change it. */
static void check_safety(struct client *c)
{
	static const struct {
		const char *method, *params;
	} change[] = {
		{ "assign", "{\"sbdf\":\"01:00.0\",\"domain\":\"vm\"}" },
		{ "assign", "{\"sbdf\":\"01:00.0\",\"domain\":\"vm\","
			    "\"dry_run\":true}" },
		{ "deassign", "{\"sbdf\":\"01:00.0\"}" },
		{ "quarantine", "{\"sbdf\":\"01:00.0\"}" },
		{ "unquarantine", "{\"sbdf\":\"01:00.0\"}" },
		{ "reset", "{\"sbdf\":\"01:00.0\"}" },
		{ "clear_faults", "{\"sbdf\":\"01:00.0\"}" },
		{ "fabric.tester", "{\"sbdf\":\"01:00.0\","
				   "\"action\":\"write\"}" },
	};

	for (size_t i = 0; i < sizeof(change) / sizeof(change[0]); i++)
		refused(c, change[i].method, change[i].params);
	do_it(c, "faults", "{}");
	do_it(c, "faults", "{\"sbdf\":\"01:00.0\"}");
	do_it(c, "group", "{\"sbdf\":\"01:00.0\"}");
	do_it(c, "show", "{\"sbdf\":\"01:00.0\"}");
	do_it(c, "domain.show", "{\"name\":\"hardware\"}");
	do_it(c, "stats", "{}");
}

/* What a process with these ids may: 0 administer, 1 read, 2 neither. */
static int rights_of(uid_t uid, gid_t gid, size_t ngroups, const gid_t *groups)
{
	pid_t child;
	int status;

	child = fork();
	if (!child) {
		json_object *msg;
		struct client c;
		int err;

		if (setgroups(ngroups, groups) || setgid(gid) || setuid(uid))
			_exit(3);
		client_open(&c, &d);
		do_it(&c, "list", "{}");
		do_it(&c, "config.read",
		      "{\"sbdf\":\"00:00.0\",\"reg\":0,\"size\":4}");
		msg = answer(&c, ask(&c, "scan", "{}"));
		if (json_object_object_get_ex(msg, "result", NULL))
			_exit(0);
		err = (int)int_at(msg, "error.data.errno");
		json_object_put(msg);
		json_object_put(must_fail(
			&c, -1, "config.read",
			"{\"sbdf\":\"00:00.0\",\"reg\":64,\"size\":4}"));
		refused(&c, "pin", "{\"no\":1}");
		json_object_put(must_fail(
			&c, -1, "fabric.traffic",
			"{\"domain\":\"hardware\",\"action\":\"start\"}"));
		do_it(&c, "guest.config_read", GUEST("\"reg\":0"));
		do_it(&c, "policy.show", "{\"name\":\"guest\"}");
		refused(&c, "guest.config_read", GUEST("\"reg\":64"));
		refused(&c, "guest.config_write",
			GUEST("\"reg\":60,\"value\":0"));
		refused(&c, "guest.config_dump", "{\"domain\":\"hardware\"}");
		refused(&c, "policy.load",
			"{\"sbdf\":\"00:00.0\",\"text\":\"{}\"}");
		refused(&c, "policy.reset", "{\"sbdf\":\"00:00.0\"}");
		check_safety(&c);
		msg = must(&c, "version", "{}");
		_exit(err == -1 && !bool_at(msg, "administers") ? 1 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_root_and_the_group_administer_and_others_read(void **state)
{
	struct group *users = getgrnam("users");
	gid_t group;

	(void)state;
	if (geteuid() || !users) {
		print_message("needs root and a group \"users\"\n");
		skip();
	}
	group = users->gr_gid;
	daemon_end(&d);
	daemon_again(&d, "fabric:server", "--group", "users", NULL);
	assert_int_equal(rights_of(0, 0, 0, NULL), 0);
	assert_int_equal(rights_of(NOBODY, NOBODY, 0, NULL), 1);
	assert_int_equal(rights_of(NOBODY, group, 0, NULL), 0);
	assert_int_equal(rights_of(NOBODY, NOBODY, 1, &group), 0);
	/* Who tried what is on record. */
	assert_true(log_has(&d, "audit: uid=65534 pid="));
	assert_true(log_has(&d, "method=scan target=- outcome=EPERM"));
	assert_true(log_has(&d, "method=scan target=- outcome=OK"));
	assert_true(log_has(&d, "method=pin target=- outcome=EPERM"));
	assert_true(log_has(
		&d, "method=config.read target=0000:00:00.0 outcome=EPERM"));
	assert_true(log_has(
		&d, "method=fabric.traffic target=hardware outcome=EPERM"));
	assert_true(log_has(&d, "method=guest.config_write "
				"target=hardware:0000:00:00.0 outcome=EPERM"));
	assert_true(log_has(
		&d, "method=policy.load target=0000:00:00.0 outcome=EPERM"));
	assert_true(log_has(
		&d, "method=quarantine target=0000:01:00.0 outcome=EPERM"));
	assert_true(log_has(
		&d, "method=fabric.tester target=0000:01:00.0 outcome=EPERM"));
	assert_false(log_has(&d, "method=faults"));
	assert_false(log_has(&d, "method=list"));
	assert_false(log_has(&d, "method=policy.show"));
}

static void test_nothing_a_client_sends_forges_a_line_of_the_log(void **state)
{
	struct client c;

	(void)state;
	client_open(&c, &d);
	json_object_put(must_fail(&c, -2, "domain.destroy",
				  "{\"name\":\"x\\noutcome=OK audit: no\"}"));
	client_close(&c);
	assert_true(
		log_has(&d, "target=x?outcome=OK?audit:?no outcome=ENOENT"));
	assert_false(log_has(&d, "\noutcome"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_one_client_too_many_is_told_so_and_the_others_go_on),
		cmocka_unit_test(
			test_others_leave_room_for_those_who_administer),
		cmocka_unit_test(
			test_many_lines_of_one_do_not_go_before_another_s),
		cmocka_unit_test(
			test_a_client_that_reads_late_gets_every_answer),
		cmocka_unit_test(
			test_a_client_that_does_not_read_is_not_read_from),
		cmocka_unit_test(
			test_a_slow_listener_is_told_how_many_events_it_lost),
		cmocka_unit_test(
			test_nothing_a_client_sends_forges_a_line_of_the_log),
		cmocka_unit_test(
			test_root_and_the_group_administer_and_others_read),
	};

	if (argc != 2)
		return 2;
	holdfastd = argv[1];
	return cmocka_run_group_tests(tests, setup, teardown);
}
