// SPDX-License-Identifier: BSD-2-Clause
/* Guests, and the special owners. */
#include "cli.h"

static void print_domain(struct cli *cli, json_object *domain)
{
	(void)cli;
	printf("%s: domain %lld, on-ask %s\n", js_str(domain, "name"),
	       (long long)js_int(domain, "id"), js_str(domain, "on_ask"));
}

int verb_domain_create(struct cli *cli)
{
	json_object *params = cli_params("name", cli->arg[0]);

	if (cli->given & OPT_ON_ASK)
		js_add(params, "on_ask", cli->on_ask);
	return cli_do(cli, "domain.create", params, print_domain);
}

int verb_domain_destroy(struct cli *cli)
{
	return cli_do(cli, "domain.destroy", cli_params("name", cli->arg[0]),
		      NULL);
}

static void domain_row(struct table *table, json_object *domain)
{
	bool dying = js_bool(domain, "dying");

	table_cell(table, PLAIN, "%lld", (long long)js_int(domain, "id"));
	table_cell(table, PLAIN, "%s", js_str(domain, "name"));
	table_cell(table, PLAIN, "%lld", (long long)js_int(domain, "devices"));
	table_cell(table, PLAIN, "%s", js_str(domain, "on_ask"));
	table_cell(table, dying ? YELLOW : PLAIN, "%s",
		   dying ? "dying" : "live");
}

int verb_domain_list(struct cli *cli)
{
	static const struct table_column column[] = {
		{ "ID", .right = true },
		{ "NAME", .least = 8 },
		{ "DEVICES", .right = true },
		{ "ON ASK" },
		{ "STATE" },
	};
	struct table *table;
	json_object *domains;
	int status = cli_ask_pages(cli, "domain.list", cli_params(NULL, NULL),
				   "domains", &domains);

	if (status)
		return status;
	if (cli->json) {
		cli_print_json(domains);
	} else {
		table = table_new(column, sizeof(column) / sizeof(column[0]));
		for (size_t i = 0; i < js_count(domains); i++)
			domain_row(table,
				   json_object_array_get_idx(domains, i));
		table_print(table, stdout, cli->width, cli->colours);
		table_free(table);
	}
	json_object_put(domains);
	return EXIT_OK;
}
