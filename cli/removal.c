// SPDX-License-Identifier: BSD-2-Clause
/* Removing a device: begin, wait, look, cancel. */
#include <string.h>

#include "cli.h"
#include "duration.h"

/* "safe to pull", or what is still there. */
static void print_removed(json_object *removal)
{
	json_object *rest = js_get(removal, "still_on_card");
	const char *dev = js_str(removal, "sbdf");

	if (js_bool(removal, "safe_to_pull")) {
		printf("%s: removed; safe to pull\n", dev);
		return;
	}
	printf("%s: removed; still on this card:", dev);
	for (size_t i = 0; i < js_count(rest); i++)
		printf("%s %s", i ? "," : "",
		       json_object_get_string(
			       json_object_array_get_idx(rest, i)));
	putchar('\n');
}

static void print_given_back(json_object *removal)
{
	json_object *holds = js_get(removal, "given_back");
	int64_t total = js_int(removal, "given_back_total");

	for (size_t i = 0; i < js_count(holds); i++) {
		json_object *hold = json_object_array_get_idx(holds, i);

		printf("  %s: was ", js_str(hold, "sbdf"));
		cli_print_use(stdout, hold);
		putchar('\n');
	}
	if (total > (int64_t)js_count(holds))
		printf("  and more, %lld in all\n", (long long)total);
}

static void print_progress(json_object *removal)
{
	char when[WHEN_LEN], left[DURATION_LEN];

	printf("%s: %s", js_str(removal, "sbdf"), js_str(removal, "phase"));
	if (!js_bool(removal, "done"))
		printf(", %s left",
		       duration_print(left,
				      (uint64_t)js_int(removal, "left_ms")));
	printf("; begun %s", cli_when(when, removal, "started"));
	if (js_has(removal, "who"))
		printf(" by %s", js_str(removal, "who"));
	if (js_has(removal, "reason"))
		printf(": %s", js_str(removal, "reason"));
	putchar('\n');
}

static void print_removal(struct cli *cli, json_object *removal)
{
	(void)cli;
	if (!strcmp(js_str(removal, "phase"), "removed"))
		print_removed(removal);
	else
		print_progress(removal);
	cli_print_blockers(stdout, removal);
	print_given_back(removal);
}

static void print_begun(struct cli *cli, json_object *removal)
{
	const char *dev = js_str(removal, "sbdf");

	if (js_bool(removal, "done"))
		print_removal(cli, removal);
	else
		printf("%s: %s; `holdfast removal %s` shows how it goes on\n",
		       dev, js_str(removal, "phase"), dev);
}

static json_object *remove_params(const struct cli *cli)
{
	json_object *params = cli_params("sbdf", cli->arg[0]);

	if (cli->given & OPT_ASK)
		js_add_bool(params, "ask", true);
	if (cli->given & OPT_FORCE)
		js_add_bool(params, "force", true);
	if (cli->given & OPT_SLOT)
		js_add_bool(params, "slot", true);
	if (cli->given & OPT_TIMEOUT)
		js_add_int(params, "timeout_ms", (int64_t)cli->timeout_ms);
	if (cli->no_wait)
		js_add_bool(params, "wait", false);
	return params;
}

int verb_remove(struct cli *cli)
{
	json_object *removal = NULL;
	int status;

	if (cli->no_wait)
		return cli_do(cli, "remove", remove_params(cli), print_begun);
	status = cli_wait_removal(cli, cli->arg[0], remove_params(cli),
				  &removal);
	if (status)
		return status;
	if (cli->json)
		cli_print_json(removal);
	else
		print_removal(cli, removal);
	json_object_put(removal);
	return EXIT_OK;
}

int verb_removal(struct cli *cli)
{
	return cli_do(cli, "removal", cli_params("sbdf", cli->arg[0]),
		      print_removal);
}

static void print_cancelled(struct cli *cli, json_object *removal)
{
	(void)cli;
	printf("%s: the removal is being cancelled\n", js_str(removal, "sbdf"));
}

int verb_cancel(struct cli *cli)
{
	return cli_do(cli, "cancel", cli_params("sbdf", cli->arg[0]),
		      print_cancelled);
}
