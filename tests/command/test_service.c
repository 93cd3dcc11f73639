/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's life: starting, ending, starting again. */
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct daemon d;
static char dump[128], state_dir[128];

static int setup(void **state)
{
	(void)state;
	d = (struct daemon){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	daemon_remove(&d);
	return 0;
}

static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

/* --- the socket --------------------------------------------------------------------- */

static void test_a_second_daemon_on_one_socket_is_refused(void **state)
{
	struct daemon second;
	struct client c;

	(void)state;
	daemon_make(&d, "fabric:empty", NULL);
	second = d;
	snprintf(second.log, sizeof(second.log), "%s/log2", d.dir);
	assert_int_equal(daemon_try(&second, "fabric:empty", NULL), 1);
	assert_true(log_has(&second, "another holdfastd serves"));
	client_open(&c, &d);
	do_it(&c, "version", "{}");
	client_close(&c);
}

static void test_a_stale_socket_is_taken_over(void **state)
{
	struct client c;

	(void)state;
	daemon_make(&d, "fabric:empty", NULL);
	daemon_signal(&d, SIGKILL);
	assert_int_equal(daemon_wait(&d), 128 + SIGKILL);
	assert_true(exists(d.socket));
	daemon_again(&d, "fabric:empty", NULL);
	client_open(&c, &d);
	do_it(&c, "version", "{}");
	client_close(&c);
}

static void test_what_is_no_socket_is_left_alone(void **state)
{
	char *text;

	(void)state;
	daemon_make(&d, "fabric:empty", NULL);
	daemon_end(&d);
	write_file(d.socket, "precious");
	assert_int_equal(daemon_try(&d, "fabric:empty", NULL), 1);
	assert_true(log_has(&d, "is no socket"));
	text = read_file(d.socket);
	assert_string_equal(text, "precious");
	free(text);
}

/* Somebody else's program, without our lock. */
static void
test_a_socket_that_another_program_serves_is_left_alone(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	daemon_make(&d, "fabric:empty", NULL);
	daemon_end(&d);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", d.socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(daemon_try(&d, "fabric:empty", NULL), 1);
	assert_true(log_has(&d, "another program serves"));
	assert_true(exists(d.socket));
	close(fd);
}

/* --- the end -------------------------------------------------------------------------- */

static void test_sigterm_answers_all_that_was_sent_before_it(void **state)
{
	enum { REQUESTS = 500 };
	json_object *msg, *error;
	char vf[16], pf[16];
	struct client c, waiting;
	int removal, answers = 0;

	(void)state;
	daemon_make(&d, "fabric:server", NULL);
	client_open(&c, &d);
	client_open(&waiting, &d);
	find_vf(&c, vf, pf);
	do_it(&c, "domain.create", "{\"name\":\"vm\",\"on_ask\":\"ignore\"}");
	do_it(&c, "assign", "{\"sbdf\":\"%s\",\"domain\":\"vm\"}", vf);
	do_it(&waiting, "stats", "{}");
	removal = ask(&waiting, "remove",
		      "{\"sbdf\":\"%s\",\"ask\":true,\"timeout_ms\":3600000}",
		      vf);
	for (int i = 0; i < REQUESTS; i++)
		ask(&c, "holders", "{\"sbdf\":\"%s\"}", pf);
	daemon_signal(&d, SIGTERM);
	while ((msg = client_receive(&c))) {
		(void)at(msg, "result");
		answers++;
		json_object_put(msg);
	}
	assert_int_equal(answers, REQUESTS);
	error = answer(&waiting, removal);
	assert_int_equal(int_at(error, "error.data.errno"), -125);
	json_object_put(error);
	assert_null(client_receive(&waiting));
	assert_int_equal(daemon_wait(&d), 0);
	assert_false(exists(d.socket));
	client_close(&c);
	client_close(&waiting);
}

/* Pinned devices: a removal that asks waits for each to its deadline. */
static void pin_some(struct client *c, char sbdf[][16], size_t count)
{
	json_object *all = must(c, "list", "{\"limit\":1000}");
	size_t found = 0;

	for (size_t i = 0; found < count; i++) {
		json_object *dev =
			json_object_array_get_idx(at(all, "devices"), i);

		if (int_at(dev, "children"))
			continue;
		snprintf(sbdf[found], 16, "%s", str_at(dev, "sbdf"));
		do_it(c, "pin", "{\"sbdf\":\"%s\",\"reason\":\"x\"}",
		      sbdf[found++]);
	}
	json_object_put(all);
}

/* 16 unfinished requests stop the reading; one more waits in the socket. */
static void test_sigterm_answers_what_was_sent_but_not_read_yet(void **state)
{
	enum { RUNNING = 16 };
	char sbdf[RUNNING][16];
	json_object *msg;
	struct client c, other;
	int64_t running;
	int answers = 0;

	(void)state;
	daemon_make(&d, "fabric:scale=1000", NULL);
	client_open(&c, &d);
	client_open(&other, &d);
	pin_some(&other, sbdf, RUNNING);
	for (size_t i = 0; i < RUNNING; i++)
		ask(&c, "remove",
		    "{\"sbdf\":\"%s\",\"ask\":true,"
		    "\"timeout_ms\":3600000}",
		    sbdf[i]);
	do {
		msg = must(&other, "stats", "{}");
		running = int_at(msg, "removals_running");
		json_object_put(msg);
	} while (running < RUNNING);
	ask(&c, "version", "{}");
	daemon_signal(&d, SIGTERM);
	while ((msg = client_receive(&c))) {
		answers++;
		json_object_put(msg);
	}
	assert_int_equal(answers, RUNNING + 1);
	assert_int_equal(daemon_wait(&d), 0);
	client_close(&c);
	client_close(&other);
}

static void test_the_65th_removal_at_once_is_refused_and_all_end(void **state)
{
	enum { RUNNING = 64 };
	char sbdf[RUNNING + 1][16];
	struct client c;

	(void)state;
	daemon_make(&d, "fabric:scale=1000", NULL);
	client_open(&c, &d);
	pin_some(&c, sbdf, RUNNING + 1);
	for (size_t i = 0; i < RUNNING; i++)
		do_it(&c, "remove",
		      "{\"sbdf\":\"%s\",\"ask\":true,\"wait\":false,"
		      "\"timeout_ms\":3600000}",
		      sbdf[i]);
	json_object_put(must_fail(
		&c, -11, "remove",
		"{\"sbdf\":\"%s\",\"ask\":true,\"timeout_ms\":3600000}",
		sbdf[RUNNING]));
	daemon_end(&d);
	client_close(&c);
}

/* In a child: lines that ask for nothing, as long as somebody takes them. */
static void pester(const struct client *c)
{
	static char lines[65536];

	memset(lines, '\n', sizeof(lines));
	while (send(c->fd, lines, sizeof(lines), MSG_NOSIGNAL) > 0)
		;
	_exit(0);
}

static void test_sigterm_does_not_wait_for_who_never_stops(void **state)
{
	struct client c, other;
	json_object *msg;
	pid_t child;

	(void)state;
	daemon_make(&d, "fabric:server", NULL);
	client_open(&c, &d);
	client_open(&other, &d);
	child = fork();
	if (!child)
		pester(&c);
	do_it(&other, "version", "{}");
	ask(&other, "version", "{}");
	daemon_signal(&d, SIGTERM);
	msg = client_receive(&other);
	assert_non_null(msg);
	json_object_put(msg);
	assert_int_equal(daemon_wait(&d), 0);
	client_close(&c);
	assert_int_equal(waitpid(child, NULL, 0), child);
	client_close(&other);
}

/* --- what outlives it --------------------------------------------------------------------- */

static const char two_functions[] =
	"00:00.0 Host bridge: Some Host Bridge\n"
	"00: 86 80 00 12 06 00 10 00 02 00 00 06 00 00 00 00\n"
	"10: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
	"20: 00 00 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11\n"
	"30: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
	"\n"
	"00:02.0 Ethernet controller: Some Controller\n"
	"00: 86 80 d3 10 06 00 10 00 00 00 00 02 00 00 00 00\n"
	"10: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
	"20: 00 00 00 00 00 00 00 00 00 00 00 00 86 80 1f a0\n"
	"30: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
	"\n";

/* A daemon on a dump of two functions, with a state directory. */
static void start_on_dump(void)
{
	char host[160];

	if (!*d.dir) {
		daemon_make(&d, "fabric:empty", NULL);
		daemon_end(&d);
		snprintf(dump, sizeof(dump), "%s/dump", d.dir);
		snprintf(state_dir, sizeof(state_dir), "%s/state", d.dir);
		write_file(dump, two_functions);
	}
	snprintf(host, sizeof(host), "dump:%s", dump);
	daemon_again(&d, host, "--state", state_dir, NULL);
}

static void test_pins_and_reasons_outlive_a_restart(void **state)
{
	json_object *dev, *hold;
	struct client c;

	(void)state;
	start_on_dump();
	client_open(&c, &d);
	hold = must(&c, "pin", "{\"sbdf\":\"00:02.0\",\"reason\":\"mine\"}");
	do_it(&c, "mark_broken",
	      "{\"sbdf\":\"00:00.0\",\"reason\":\"smells\"}");
	client_close(&c);
	daemon_end(&d);
	start_on_dump();
	client_open(&c, &d);
	dev = must(&c, "show", "{\"sbdf\":\"00:02.0\"}");
	assert_string_equal(str_at(dev, "holders.0.kind"), "pin");
	assert_string_equal(str_at(dev, "holders.0.who"), str_at(hold, "who"));
	json_object_put(dev);
	dev = must(&c, "show", "{\"sbdf\":\"00:00.0\"}");
	assert_string_equal(str_at(dev, "broken"), "smells");
	json_object_put(dev);
	/* And what is taken back stays back, after a hard end too. */
	do_it(&c, "mark_broken", "{\"sbdf\":\"00:00.0\"}");
	do_it(&c, "unpin", "{\"sbdf\":\"00:02.0\"}");
	client_close(&c);
	daemon_signal(&d, SIGKILL);
	daemon_wait(&d);
	start_on_dump();
	client_open(&c, &d);
	dev = must(&c, "show", "{\"sbdf\":\"00:02.0\"}");
	assert_int_equal(int_at(dev, "holds"), 0);
	json_object_put(dev);
	dev = must(&c, "show", "{\"sbdf\":\"00:00.0\"}");
	assert_true(null_at(dev, "broken"));
	json_object_put(dev);
	json_object_put(hold);
	client_close(&c);
}

/* The name of the file to be is a directory's: nothing can be saved. */
static void test_what_cannot_be_saved_is_told_as_done(void **state)
{
	static const struct {
		const char *method, *params;
	} change[] = {
		{ "mark_broken", "{\"sbdf\":\"00:00.0\",\"reason\":\"x\"}" },
		{ "mark_broken", "{\"sbdf\":\"00:00.0\"}" },
		{ "unpin", "{\"sbdf\":\"00:02.0\"}" },
	};
	json_object *error, *dev;
	struct client c;
	char file[160];

	(void)state;
	start_on_dump();
	client_open(&c, &d);
	do_it(&c, "pin", "{\"sbdf\":\"00:02.0\",\"reason\":\"mine\"}");
	snprintf(file, sizeof(file), "%s/state.json.new", state_dir);
	assert_int_equal(mkdir(file, 0700), 0);
	for (size_t i = 0; i < sizeof(change) / sizeof(change[0]); i++) {
		error = must_fail(&c, -EISDIR, change[i].method, "%s",
				  change[i].params);
		assert_true(bool_at(error, "data.done"));
		assert_non_null(strstr(str_at(error, "message"),
				       "done, but not saved"));
		json_object_put(error);
	}
	dev = must(&c, "show", "{\"sbdf\":\"00:02.0\"}");
	assert_int_equal(int_at(dev, "holds"), 0);
	json_object_put(dev);
	/* A pin that cannot be saved is none. */
	error = must_fail(&c, -EISDIR, "pin",
			  "{\"sbdf\":\"00:02.0\",\"reason\":\"mine\"}");
	json_object_put(error);
	dev = must(&c, "show", "{\"sbdf\":\"00:02.0\"}");
	assert_int_equal(int_at(dev, "holds"), 0);
	json_object_put(dev);
	assert_int_equal(rmdir(file), 0);
	client_close(&c);
}

static void test_another_device_does_not_inherit_a_pin(void **state)
{
	char *text, *id;
	json_object *dev;
	struct client c;

	(void)state;
	start_on_dump();
	client_open(&c, &d);
	do_it(&c, "pin", "{\"sbdf\":\"00:02.0\",\"reason\":\"mine\"}");
	client_close(&c);
	daemon_end(&d);
	text = read_file(dump);
	id = strstr(text, "d3 10");
	memcpy(id, "d4 10", 5);
	write_file(dump, text);
	free(text);
	start_on_dump();
	client_open(&c, &d);
	dev = must(&c, "show", "{\"sbdf\":\"00:02.0\"}");
	assert_int_equal(int_at(dev, "holds"), 0);
	json_object_put(dev);
	client_close(&c);
	assert_true(log_has(&d, "is not the device that it was"));
}

static void test_a_malformed_state_file_is_refused_and_kept(void **state)
{
	char path[160], host[160];

	(void)state;
	start_on_dump();
	daemon_end(&d);
	snprintf(path, sizeof(path), "%s/state.json", state_dir);
	snprintf(host, sizeof(host), "dump:%s", dump);
	write_file(path, "{\"version\":1,\"broken\":[],\"pins\":[{}]}");
	assert_int_equal(daemon_try(&d, host, "--state", state_dir, NULL), 1);
	assert_true(log_has(&d, "state.json: pins[0]"));
	assert_true(exists(path));
}

static void test_a_state_directory_serves_one_daemon(void **state)
{
	struct daemon second = { 0 };
	char host[160];

	(void)state;
	start_on_dump();
	snprintf(host, sizeof(host), "dump:%s", dump);
	assert_int_equal(daemon_try(&second, host, "--state", state_dir, NULL),
			 1);
	assert_true(log_has(&second, "keeps its state there"));
	daemon_remove(&second);
}

static void test_a_machine_can_be_looked_at_and_not_changed(void **state)
{
	static const struct {
		const char *method, *params;
	} change[] = {
		{ "config.write", "\"reg\":60,\"size\":1,\"value\":0" },
		{ "assign", "\"domain\":\"vm\"" },
		{ "deassign", "\"domain\":\"hardware\"" },
		{ "remove", "\"force\":true" },
	};
	char sbdf[16] = "";
	struct client c;
	json_object *o;

	(void)state;
	daemon_make(&d, "fabric:empty", NULL);
	daemon_end(&d);
	daemon_again(&d, "linux", "--state", d.dir, NULL);
	client_open(&c, &d);
	json_object_put(must_fail(&c, -95, "fabric.witness", "{}"));
	do_it(&c, "domain.create", "{\"name\":\"vm\"}");
	o = must(&c, "list", "{\"limit\":1}");
	if (len_at(o, "devices"))
		snprintf(sbdf, sizeof(sbdf), "%s", str_at(o, "devices.0.sbdf"));
	json_object_put(o);
	for (size_t i = 0; *sbdf && i < sizeof(change) / sizeof(change[0]); i++)
		json_object_put(must_fail(&c, -95, change[i].method,
					  "{\"sbdf\":\"%s\",%s}", sbdf,
					  change[i].params));
	if (*sbdf)
		json_object_put(must_fail(
			&c, -95, "guest.config_write",
			"{\"domain\":\"hardware\",\"vsbdf\":\"%s\",\"reg\":60,"
			"\"size\":1,\"value\":0}",
			sbdf));
	if (*sbdf)
		do_it(&c, "pin", "{\"sbdf\":\"%s\",\"reason\":\"ours\"}", sbdf);
	else
		print_message("this machine has no PCI device to try it on\n");
	client_close(&c);
}

static void test_a_malformed_host_says_where_and_why(void **state)
{
	char host[160];

	(void)state;
	start_on_dump();
	daemon_end(&d);
	snprintf(host, sizeof(host), "dump:%s", dump);
	write_file(dump, "00:00.0 Host bridge\n00: 86 80 zz\n");
	assert_int_equal(daemon_try(&d, host, NULL), 1);
	assert_true(log_has(&d, "line 2"));
	snprintf(host, sizeof(host), "fabric:%s", dump);
	write_file(dump, "{\n\"segments\": 7\n}\n");
	assert_int_equal(daemon_try(&d, host, NULL), 1);
	assert_true(log_has(&d, "segments"));
	assert_int_equal(daemon_try(&d, "cloud", NULL), 1);
	assert_true(log_has(&d, "no host \"cloud\""));
	assert_false(exists(d.socket));
}

static void test_65536_functions_are_served_and_listed(void **state)
{
	json_object *page;
	char cursor[64] = "null";
	struct client c;
	size_t seen = 0;

	(void)state;
	daemon_make(&d, "fabric:scale=65536", NULL);
	client_open(&c, &d);
	do {
		page = must(&c, "list", "{\"limit\":1000,\"cursor\":%s}",
			    cursor);
		seen += len_at(page, "devices");
		if (null_at(page, "next"))
			cursor[0] = 0;
		else
			snprintf(cursor, sizeof(cursor), "\"%s\"",
				 str_at(page, "next"));
		json_object_put(page);
	} while (*cursor);
	assert_int_equal(seen, 65536);
	client_close(&c);
	daemon_signal(&d, SIGKILL); /* how it ends is not the question here */
	daemon_wait(&d);
}

#define TEST(name)                                 \
	{                                          \
#name, name, setup, teardown, NULL \
	}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_second_daemon_on_one_socket_is_refused),
		TEST(test_a_stale_socket_is_taken_over),
		TEST(test_what_is_no_socket_is_left_alone),
		TEST(test_a_socket_that_another_program_serves_is_left_alone),
		TEST(test_sigterm_answers_all_that_was_sent_before_it),
		TEST(test_sigterm_answers_what_was_sent_but_not_read_yet),
		TEST(test_the_65th_removal_at_once_is_refused_and_all_end),
		TEST(test_sigterm_does_not_wait_for_who_never_stops),
		TEST(test_pins_and_reasons_outlive_a_restart),
		TEST(test_what_cannot_be_saved_is_told_as_done),
		TEST(test_another_device_does_not_inherit_a_pin),
		TEST(test_a_malformed_state_file_is_refused_and_kept),
		TEST(test_a_state_directory_serves_one_daemon),
		TEST(test_a_machine_can_be_looked_at_and_not_changed),
		TEST(test_a_malformed_host_says_where_and_why),
		TEST(test_65536_functions_are_served_and_listed),
	};

	if (argc != 2)
		return 2;
	holdfastd = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
