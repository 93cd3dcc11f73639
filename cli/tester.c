// SPDX-License-Identifier: BSD-2-Clause
/* The simulated host's card that does DMA and raises interrupts on demand. */
#include <errno.h>
#include <string.h>

#include "cli.h"

/* What an action's numbers are called in the protocol; NULL: it has no more. */
static const struct {
	const char *action, *number[2];
	unsigned int least;
} actions[] = {
	{ "show", { NULL, NULL }, 0 },
	{ "read", { "source", NULL }, 1 },
	{ "write", { "destination", "data" }, 1 },
	{ "copy", { "source", "destination" }, 2 },
	{ "interrupt", { "vector", NULL }, 1 },
	{ "stop", { NULL, NULL }, 0 },
};

static const char *outcome(json_object *result)
{
	static const char *const words[][2] = {
		{ "ok", "done" },
		{ "busy", "under way" },
		{ "refused", "refused: it faulted" },
		{ "not-sent", "not sent: its own registers do not let it" },
		{ "nobody", "nobody is there" },
		{ "bad", "no such address, length or vector" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(js_str(result, "status"), words[i][0]))
			return words[i][1];
	return js_str(result, "status");
}

static void print_tester(struct cli *cli, json_object *result)
{
	const char *action = cli->arg[1];

	printf("%s: %s", js_str(result, "sbdf"),
	       strcmp(action, "stop") ? action : "stopped");
	if (js_has(result, "running") && strcmp(action, "show"))
		printf(", again and again");
	else if (js_has(result, "running"))
		printf(": runs %s", js_str(result, "running"));
	else if (strcmp(action, "stop"))
		printf(": %s", outcome(result));
	if (!strcmp(action, "read") && !strcmp(js_str(result, "status"), "ok"))
		printf(", sum %llx", (long long)js_int(result, "data"));
	printf(" (%lld done, %lld failed)\n", (long long)js_int(result, "done"),
	       (long long)js_int(result, "failed"));
}

/* The @i-th number of the command line, as @name. */
static int add_number(struct cli *cli, json_object *params, const char *name,
		      const char *text)
{
	char *end;
	long long n;

	if (!name)
		return cli_usage_error(cli->verb, "%s is one word too many",
				       text);
	errno = 0;
	n = strtoll(text, &end, 0);
	if (end == text || *end || errno || n < 0)
		return cli_usage_error(cli->verb, "%s is no number", text);
	js_add_int(params, name, n);
	return EXIT_OK;
}

static int add_numbers(struct cli *cli, json_object *params)
{
	size_t i = 0, n = sizeof(actions) / sizeof(actions[0]);
	unsigned int given = 0;
	int status = EXIT_OK;

	while (i < n && strcmp(actions[i].action, cli->arg[1]))
		i++;
	if (i == n)
		return cli_usage_error(cli->verb, "it cannot %s", cli->arg[1]);
	for (; !status && cli->arg[2 + given]; given++)
		status = add_number(cli, params, actions[i].number[given],
				    cli->arg[2 + given]);
	if (!status && given < actions[i].least)
		return cli_usage_error(cli->verb, "%s needs a %s",
				       actions[i].action,
				       actions[i].number[given]);
	return status;
}

int verb_fabric_tester(struct cli *cli)
{
	json_object *params = cli_params("sbdf", cli->arg[0]);
	int status;

	js_add(params, "action", cli->arg[1]);
	if (cli->given & OPT_LENGTH)
		js_add_int(params, "length", cli->length);
	if (cli->given & OPT_RUN)
		js_add_bool(params, "run", true);
	status = add_numbers(cli, params);
	if (!status)
		return cli_do(cli, "fabric.tester", params, print_tester);
	json_object_put(params);
	return status;
}
