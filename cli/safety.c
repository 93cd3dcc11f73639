// SPDX-License-Identifier: BSD-2-Clause
/* Keeping devices from harm: quarantine, reset, faults. */
#include <string.h>

#include "cli.h"

/* --- quarantine and reset ----------------------------------------------------- */

static void print_quarantined(struct cli *cli, json_object *dev)
{
	(void)cli;
	printf("%s: in quarantine: %s\n", js_str(dev, "sbdf"),
	       js_str(dev, "broken"));
}

int verb_quarantine(struct cli *cli)
{
	json_object *params = cli_params("sbdf", cli->arg[0]);

	if (cli->arg[1])
		js_add(params, "reason", cli->arg[1]);
	return cli_do(cli, "quarantine", params, print_quarantined);
}

static void print_released(struct cli *cli, json_object *dev)
{
	(void)cli;
	printf("%s: fit again, with %s\n", js_str(dev, "sbdf"),
	       js_str(dev, "owner"));
}

int verb_unquarantine(struct cli *cli)
{
	return cli_do(cli, "unquarantine", cli_params("sbdf", cli->arg[0]),
		      print_released);
}

static void print_reset(struct cli *cli, json_object *result)
{
	(void)cli;
	printf("%s: reset by %s, and checked\n", js_str(result, "sbdf"),
	       js_str(result, "method"));
}

int verb_reset(struct cli *cli)
{
	json_object *params = cli_params("sbdf", cli->arg[0]);

	if (cli->given & OPT_METHOD)
		js_add(params, "method", cli->method);
	return cli_do(cli, "reset", params, print_reset);
}

/* --- faults ------------------------------------------------------------------- */

static void fault_row(struct table *table, json_object *fault)
{
	bool off = js_bool(fault, "master_off");
	char when[WHEN_LEN];

	table_cell(table, PLAIN, "%s", js_str(fault, "sbdf"));
	table_cell(table, PLAIN, "%lld", (long long)js_int(fault, "total"));
	table_cell(table, PLAIN, "%lld", (long long)js_int(fault, "recent"));
	table_cell(table, off ? RED : PLAIN, "%s", off ? "off" : "-");
	table_cell(table, PLAIN, "%s", js_str(fault, "reason"));
	table_cell(table, PLAIN, "%s", js_str(fault, "address"));
	table_cell(table, PLAIN, "%s",
		   js_has(fault, "last") ? cli_when(when, fault, "last") : "-");
}

static void print_faults(struct cli *cli, json_object *faults)
{
	static const struct table_column column[] = {
		{ "DEVICE" },
		{ "TOTAL", .right = true },
		{ "RECENT", .right = true },
		{ "MASTER" },
		{ "LAST", .least = 8 },
		{ "AT" },
		{ "WHEN", .least = 8 },
	};
	struct table *table;

	if (!js_count(faults)) {
		puts("No DMA was refused.");
		return;
	}
	table = table_new(column, sizeof(column) / sizeof(column[0]));
	for (size_t i = 0; i < js_count(faults); i++)
		fault_row(table, json_object_array_get_idx(faults, i));
	table_print(table, stdout, cli->width, cli->colours);
	table_free(table);
}

static void print_cleared(struct cli *cli, json_object *fault)
{
	(void)cli;
	printf("%s: forgotten, %lld in all%s\n", js_str(fault, "sbdf"),
	       (long long)js_int(fault, "total"),
	       js_bool(fault, "master_off")
		       ? "; its owner may switch bus mastering on again"
		       : "");
}

static int clear(struct cli *cli)
{
	if (!cli->arg[0])
		return cli_usage_error(cli->verb,
				       "--clear needs the device whose faults "
				       "are to be forgotten");
	return cli_do(cli, "clear_faults", cli_params("sbdf", cli->arg[0]),
		      print_cleared);
}

int verb_faults(struct cli *cli)
{
	const char *dev = cli->arg[0];
	json_object *faults;
	int status;

	if (cli->given & OPT_CLEAR)
		return clear(cli);
	status = cli_ask_pages(cli, "faults",
			       cli_params(dev ? "sbdf" : NULL, dev), "faults",
			       &faults);
	if (status)
		return status;
	if (cli->json)
		cli_print_json(faults);
	else
		print_faults(cli, faults);
	json_object_put(faults);
	return EXIT_OK;
}
