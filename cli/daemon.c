// SPDX-License-Identifier: BSD-2-Clause
/* What happens in the daemon, its counts, and who it is. */
#include <errno.h>
#include <string.h>

#include "cli.h"
#include "duration.h"

static void print_event(json_object *event)
{
	const char *detail = js_str(event, "detail");
	char clock[WHEN_LEN];

	printf("%s  %-12s  %s%s%s\n", cli_clock(clock, event, "time"),
	       js_str(event, "sbdf"), js_str(event, "type"),
	       *detail ? ": " : "", detail);
}

/* One notification; counts what is an event. */
static bool tell(struct cli *cli, json_object *msg)
{
	const char *method = js_str(msg, "method");
	json_object *params = js_get(msg, "params");
	bool event = !strcmp(method, "event");

	if (!event && strcmp(method, "lost"))
		return false;
	if (cli->json)
		cli_print_json(msg);
	else if (event)
		print_event(params);
	else
		printf("(%lld events lost: they came faster than they were "
		       "read)\n",
		       (long long)js_int(params, "count"));
	fflush(stdout);
	return true;
}

int verb_events(struct cli *cli)
{
	json_object *result = NULL, *msg;
	uint32_t seen = 0;
	int error, status = cli_ask(cli, "subscribe", NULL, &result);

	if (status)
		return status;
	json_object_put(result);
	if (!cli->json)
		fputs("holdfast: waiting for events; Ctrl-C ends it\n", stderr);
	while (!(cli->given & OPT_COUNT) || seen < cli->count) {
		error = rpc_receive(&cli->rpc, -1, &msg);
		if (error == -EINTR)
			continue;
		if (error)
			return cli_error("the daemon at %s is gone; no more "
					 "events come",
					 cli->socket);
		cli_make_harmless(cli, msg);
		seen += tell(cli, msg);
		json_object_put(msg);
	}
	return EXIT_OK;
}

/* A count of the core's, and what the simulated hardware says of the same. */
static void stats_row(struct table *table, const char *what, json_object *core,
		      const char *name, json_object *unit, const char *there)
{
	table_cell(table, PLAIN, "%s", what);
	table_cell(table, PLAIN, "%lld", (long long)js_int(core, name));
	if (unit && there)
		table_cell(table, PLAIN, "%lld",
			   (long long)js_int(unit, there));
	else
		table_cell(table, PLAIN, "-");
}

static void print_safety(struct cli *cli, json_object *stats)
{
	static const struct table_column column[] = {
		{ "" },
		{ "CORE", .right = true },
		{ "HARDWARE", .right = true },
	};
	json_object *iommu = js_get(stats, "iommu");
	json_object *unit = js_get(stats, "fabric");
	struct table *table = table_new(column, 3);

	stats_row(table, "vectors", stats, "vectors", unit, "vectors");
	stats_row(table, "spaces", iommu, "spaces", unit, "spaces");
	stats_row(table, "contexts", iommu, "contexts", unit, "contexts");
	stats_row(table, "mappings", iommu, "mappings", NULL, NULL);
	stats_row(table, "faults", iommu, "faults", unit, "faults");
	stats_row(table, "flush time-outs", iommu, "timeouts", NULL, NULL);
	table_print(table, stdout, cli->width, cli->colours);
	table_free(table);
}

static void print_stats(struct cli *cli, json_object *stats)
{
	char up[DURATION_LEN];

	json_object_object_foreach(stats, name, value) {
		if (json_object_is_type(value, json_type_int))
			printf("%-18s %s\n", name,
			       json_object_get_string(value));
	}
	printf("%-18s %s\n\n", "uptime",
	       duration_print(up,
			      (uint64_t)(js_num(stats, "uptime_s") * 1000)));
	print_safety(cli, stats);
}

int verb_stats(struct cli *cli)
{
	return cli_do(cli, "stats", NULL, print_stats);
}

static void print_daemon(struct cli *cli, json_object *daemon)
{
	printf("holdfastd %s, protocol %lld, pid %lld, at %s\n",
	       js_str(daemon, "version"), (long long)js_int(daemon, "protocol"),
	       (long long)js_int(daemon, "pid"), cli->socket);
	printf("host %s%s, %lld devices; you may %s\n", js_str(daemon, "host"),
	       js_bool(daemon, "read_only") ? " (read-only)" : "",
	       (long long)js_int(daemon, "devices"),
	       js_bool(daemon, "administers") ? "administer" : "read");
}

/* Our own version needs no daemon; its absence is said, and no error. */
int verb_version(struct cli *cli)
{
	json_object *daemon = NULL, *all;

	if (!cli->json)
		puts("holdfast " HOLDFAST_VERSION);
	if (!cli_connect(cli))
		cli_ask(cli, "version", NULL, &daemon);
	if (!cli->json && daemon)
		print_daemon(cli, daemon);
	if (cli->json) {
		all = cli_params("version", HOLDFAST_VERSION);
		json_object_object_add(all, "daemon", json_object_get(daemon));
		cli_print_json(all);
		json_object_put(all);
	}
	json_object_put(daemon);
	return EXIT_OK;
}
