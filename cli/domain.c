// SPDX-License-Identifier: BSD-2-Clause
/* Guests, and the special owners. */
#include <string.h>

#include "cli.h"

static void print_head(json_object *domain)
{
	printf("%s: domain %lld", js_str(domain, "name"),
	       (long long)js_int(domain, "id"));
	if (js_has(domain, "on_ask"))
		printf(", on-ask %s", js_str(domain, "on_ask"));
	if (js_int(domain, "memory"))
		printf(", %lld KiB of memory",
		       (long long)js_int(domain, "memory") / 1024);
	puts(js_bool(domain, "dying") ? ", dying" : "");
}

static void print_domain(struct cli *cli, json_object *domain)
{
	(void)cli;
	print_head(domain);
}

int verb_domain_create(struct cli *cli)
{
	json_object *params = cli_params("name", cli->arg[0]);

	if (cli->given & OPT_ON_ASK)
		js_add(params, "on_ask", cli->on_ask);
	if (cli->given & OPT_MEMORY)
		js_add_int(params, "memory", (int64_t)cli->memory);
	return cli_do(cli, "domain.create", params, print_domain);
}

static void print_fate(json_object *dev)
{
	printf("%s: ", js_str(dev, "sbdf"));
	if (!js_has(dev, "owner"))
		puts("gone");
	else if (strcmp(js_str(dev, "owner"), "quarantine"))
		printf("back with %s\n", js_str(dev, "owner"));
	else
		printf("in quarantine: %s\n", js_has(dev, "broken")
						      ? js_str(dev, "broken")
						      : "no reason given");
}

static void print_destroyed(struct cli *cli, json_object *result)
{
	json_object *devices = js_get(result, "devices");
	int64_t total = js_int(result, "devices_total");

	(void)cli;
	for (size_t i = 0; i < js_count(devices); i++)
		print_fate(json_object_array_get_idx(devices, i));
	if (total > (int64_t)js_count(devices))
		printf("and more, %lld in all\n", (long long)total);
}

int verb_domain_destroy(struct cli *cli)
{
	return cli_do(cli, "domain.destroy", cli_params("name", cli->arg[0]),
		      print_destroyed);
}

/* --- looking ------------------------------------------------------------------ */

static void print_ranges(json_object *ranges)
{
	for (size_t i = 0; i < js_count(ranges); i++) {
		json_object *range = json_object_array_get_idx(ranges, i);

		printf("  memory at %s for its devices, %s in the host, %lld "
		       "bytes\n",
		       js_str(range, "guest"), js_str(range, "host"),
		       (long long)js_int(range, "size"));
	}
}

static void print_owned(struct cli *cli, json_object *owned)
{
	static const struct table_column column[] = {
		{ "DEVICE" },
		{ "SEEN AT" },
		{ "INTERRUPTS", .right = true },
		{ "BROKEN", .least = 8 },
	};
	struct table *table =
		table_new(column, sizeof(column) / sizeof(column[0]));

	for (size_t i = 0; i < js_count(owned); i++) {
		json_object *dev = json_object_array_get_idx(owned, i);

		table_cell(table, PLAIN, "%s", js_str(dev, "sbdf"));
		table_cell(table, PLAIN, "%s", js_str(dev, "vsbdf"));
		table_cell(table, PLAIN, "%lld",
			   (long long)js_int(dev, "interrupts"));
		table_cell(table, js_has(dev, "broken") ? RED : PLAIN, "%s",
			   js_str(dev, "broken"));
	}
	table_print(table, stdout, cli->width, cli->colours);
	table_free(table);
}

static void print_full(struct cli *cli, json_object *domain)
{
	print_head(domain);
	print_ranges(js_get(domain, "ranges"));
	printf("  %lld interrupts came\n",
	       (long long)js_int(domain, "interrupts"));
	if (js_count(js_get(domain, "owns")))
		print_owned(cli, js_get(domain, "owns"));
}

int verb_domain_show(struct cli *cli)
{
	return cli_do(cli, "domain.show", cli_params("name", cli->arg[0]),
		      print_full);
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
