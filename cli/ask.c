// SPDX-License-Identifier: BSD-2-Clause
/*
 * Asking the daemon: connect once, send, wait for the answer, take the result
 * out of it. Every failure is said here, so that a verb only passes the exit
 * status on.
 */
#include <errno.h>
#include <json_visit.h>
#include <string.h>

#include "cli.h"
#include "memory.h"

#define PAGE 1000 /* the most that a list gives at once */

int cli_connect(struct cli *cli)
{
	int error;

	if (cli->connected)
		return EXIT_OK;
	error = rpc_open(&cli->rpc, cli->socket);
	if (!error) {
		cli->connected = true;
		return EXIT_OK;
	}
	if (error == -EACCES)
		return cli_error("you may not open %s; ask for membership in "
				 "the group of that socket",
				 cli->socket);
	return cli_error("no daemon answers at %s (%s); start holdfastd, or "
			 "name its socket with --socket",
			 cli->socket, strerror(-error));
}

int cli_no_answer(struct cli *cli, int error)
{
	if (error == -EPROTO)
		return cli_error("what answers at %s is not holdfastd",
				 cli->socket);
	return cli_error("the daemon at %s went away before it answered; start "
			 "it again, and `holdfast list` shows what was done",
			 cli->socket);
}

/*
 * C0 and, in UTF-8, C1 control characters become question marks; the text of
 * a dump keeps its line ends.
 */
static void blot_out(json_object *obj, bool lines)
{
	char *text = need(strdup(json_object_get_string(obj)));
	bool changed = false;

	for (char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;
		bool c1 = c >= 0x80 && c < 0xa0 && p > text &&
			  (unsigned char)p[-1] == 0xc2;

		if ((c >= ' ' && c != 0x7f && !c1) || (c == '\n' && lines))
			continue;
		if (c1)
			p[-1] = '?';
		*p = '?';
		changed = true;
	}
	if (changed)
		json_object_set_string(obj, text);
	free(text);
}

static int visit(json_object *obj, int flags, json_object *parent,
		 const char *key, size_t *index, void *data)
{
	(void)parent;
	(void)index;
	(void)data;
	if (flags != JSON_C_VISIT_SECOND &&
	    json_object_is_type(obj, json_type_string))
		blot_out(obj, key && !strcmp(key, "text"));
	return JSON_C_VISIT_RETURN_CONTINUE;
}

void cli_make_text(json_object *msg)
{
	json_c_visit(msg, 0, visit, NULL);
}

void cli_make_harmless(struct cli *cli, json_object *msg)
{
	if (!cli->json)
		cli_make_text(msg);
}

int cli_result(struct cli *cli, json_object *answer, json_object **result)
{
	json_object *error = js_get(answer, "error");
	int status = EXIT_OK;

	cli_make_harmless(cli, answer);
	if (error)
		status = cli_print_error(cli, error);
	else
		*result = json_object_get(js_get(answer, "result"));
	json_object_put(answer);
	return status;
}

int cli_ask(struct cli *cli, const char *method, json_object *params,
	    json_object **result)
{
	json_object *msg;
	int error, id, status = cli_connect(cli);

	if (status) {
		json_object_put(params);
		return status;
	}
	/* A daemon that hung up at once may have said why: so receive anyway. */
	id = rpc_send(&cli->rpc, method, params);
	for (;;) {
		error = rpc_receive(&cli->rpc, -1, &msg);
		if (error == -EINTR)
			continue;
		if (error)
			return cli_no_answer(cli, error);
		if (rpc_answers(msg, id) || rpc_refused(msg))
			return cli_result(cli, msg, result);
		json_object_put(msg);
	}
}

static void append(json_object *all, json_object *part)
{
	for (size_t i = 0; i < js_count(part); i++)
		json_object_array_add(
			all,
			json_object_get(json_object_array_get_idx(part, i)));
}

int cli_ask_pages(struct cli *cli, const char *method, json_object *params,
		  const char *member, json_object **all)
{
	json_object *page;
	bool more;
	int status;

	*all = need(json_object_new_array());
	js_add_int(params, "limit", PAGE);
	do {
		more = false;
		status = cli_ask(cli, method, json_object_get(params), &page);
		if (status)
			break;
		append(*all, js_get(page, member));
		more = js_has(page, "next");
		if (more)
			js_add(params, "cursor", js_str(page, "next"));
		json_object_put(page);
	} while (more);
	json_object_put(params);
	if (status)
		json_object_put(*all);
	return status;
}

int cli_do(struct cli *cli, const char *method, json_object *params,
	   cli_printer print)
{
	json_object *result = NULL;
	int status = cli_ask(cli, method, params, &result);

	if (status)
		return status;
	if (cli->json)
		cli_print_json(result);
	else if (print)
		print(cli, result);
	json_object_put(result);
	return EXIT_OK;
}
