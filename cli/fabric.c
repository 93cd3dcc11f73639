// SPDX-License-Identifier: BSD-2-Clause
/* The simulated host's own verbs: cards, faults, guests' traffic, witness. */
#include "cli.h"

static long long count(json_object *obj, const char *name)
{
	return js_int(obj, name);
}

static void print_slots(struct cli *cli, json_object *result)
{
	static const struct table_column column[] = {
		{ "PORT" },
		{ "CARD AT" },
		{ "NUMBER", .right = true },
		{ "HOTPLUG" },
		{ "CARD", .least = 8 },
	};
	struct table *table = table_new(column, 5);
	json_object *slots = js_get(result, "slots");

	for (size_t i = 0; i < js_count(slots); i++) {
		json_object *slot = json_object_array_get_idx(slots, i);

		table_cell(table, PLAIN, "%s", js_str(slot, "port"));
		table_cell(table, PLAIN, "%s", js_str(slot, "card"));
		table_cell(table, PLAIN, "%lld", count(slot, "number"));
		table_cell(table, PLAIN, "%s",
			   js_bool(slot, "hotplug") ? "yes" : "no");
		table_cell(table, PLAIN, "%s", js_str(slot, "name"));
	}
	table_print(table, stdout, cli->width, cli->colours);
	table_free(table);
}

int verb_fabric_slots(struct cli *cli)
{
	return cli_do(cli, "fabric.slots", NULL, print_slots);
}

static void print_list(json_object *list, const char *separator)
{
	for (size_t i = 0; i < js_count(list); i++)
		printf("%s%s", i ? separator : "",
		       json_object_get_string(
			       json_object_array_get_idx(list, i)));
	putchar('\n');
}

static void print_cards(struct cli *cli, json_object *result)
{
	(void)cli;
	print_list(js_get(result, "cards"), "\n");
}

int verb_fabric_cards(struct cli *cli)
{
	return cli_do(cli, "fabric.cards", NULL, print_cards);
}

static void print_plugged(struct cli *cli, json_object *result)
{
	printf("%s: %s is in the slot: ", js_str(result, "slot"), cli->arg[1]);
	print_list(js_get(result, "devices"), ", ");
}

int verb_fabric_plug(struct cli *cli)
{
	json_object *params = cli_params("slot", cli->arg[0]);

	js_add(params, "card", cli->arg[1]);
	return cli_do(cli, "fabric.plug", params, print_plugged);
}

static void print_unplugged(struct cli *cli, json_object *result)
{
	(void)cli;
	printf("%s: the card is out\n", js_str(result, "slot"));
}

int verb_fabric_unplug(struct cli *cli)
{
	return cli_do(cli, "fabric.unplug", cli_params("slot", cli->arg[0]),
		      print_unplugged);
}

static void print_surprised(struct cli *cli, json_object *result)
{
	(void)cli;
	printf("%s: gone without a word\n", js_str(result, "sbdf"));
}

int verb_fabric_surprise(struct cli *cli)
{
	return cli_do(cli, "fabric.surprise", cli_params("sbdf", cli->arg[0]),
		      print_surprised);
}

int verb_fabric_fault(struct cli *cli)
{
	json_object *params = cli_params("sbdf", cli->arg[0]);
	char *end;

	js_add(params, "fault", cli->arg[1]);
	if (cli->arg[2]) {
		js_add_int(params, "arg", strtoll(cli->arg[2], &end, 0));
		if (end == cli->arg[2] || *end) {
			json_object_put(params);
			return cli_usage_error(cli->verb, "%s is no number",
					       cli->arg[2]);
		}
	}
	return cli_do(cli, "fabric.fault", params, NULL);
}

static void print_faults(struct cli *cli, json_object *result)
{
	json_object *faults = js_get(result, "faults");

	(void)cli;
	for (size_t i = 0; i < js_count(faults); i++) {
		json_object *fault = json_object_array_get_idx(faults, i);

		printf("%s: %s %lld\n", js_str(fault, "sbdf"),
		       js_str(fault, "fault"), count(fault, "arg"));
	}
	if (!js_count(faults))
		puts("No faults.");
}

int verb_fabric_faults(struct cli *cli)
{
	return cli_do(cli, "fabric.faults", NULL, print_faults);
}

static void traffic_row(struct table *table, const char *where,
			json_object *counts)
{
	bool violated = count(counts, "violations");

	table_cell(table, PLAIN, "%s", where);
	table_cell(table, PLAIN, "%lld", count(counts, "reads"));
	table_cell(table, PLAIN, "%lld", count(counts, "writes"));
	table_cell(table, PLAIN, "%lld", count(counts, "again"));
	table_cell(table, PLAIN, "%lld", count(counts, "all_ones"));
	table_cell(table, violated ? RED : PLAIN, "%lld",
		   count(counts, "violations"));
}

static void print_traffic(struct cli *cli, json_object *result)
{
	static const struct table_column column[] = {
		{ "DEVICE" },
		{ "READS", .right = true },
		{ "WRITES", .right = true },
		{ "RETRIED", .right = true },
		{ "ALL-ONES", .right = true },
		{ "VIOLATIONS", .right = true },
	};
	json_object *devices = js_get(result, "devices");
	struct table *table;

	printf("%s: %lld threads, %s\n", js_str(result, "domain"),
	       count(result, "threads"),
	       js_bool(result, "running") ? "running" : "stopped");
	if (!js_count(devices))
		return;
	table = table_new(column, 6);
	for (size_t i = 0; i < js_count(devices); i++) {
		json_object *dev = json_object_array_get_idx(devices, i);

		traffic_row(table, js_str(dev, "sbdf"), dev);
	}
	table_print(table, stdout, cli->width, cli->colours);
	table_free(table);
}

int verb_fabric_traffic(struct cli *cli)
{
	json_object *params = cli_params("domain", cli->arg[0]);

	js_add(params, "action", cli->arg[1]);
	if (cli->given & OPT_THREADS)
		js_add_int(params, "threads", cli->threads);
	if (cli->given & OPT_RATE)
		js_add_int(params, "rate", cli->rate);
	return cli_do(cli, "fabric.traffic", params, print_traffic);
}

static void print_witness(struct cli *cli, json_object *result)
{
	json_object *records = js_get(result, "records");
	bool clean = !count(result, "violations");

	printf("%s: %lld reads, %lld writes, %lld DMA, %lld interrupts\n",
	       js_has(result, "sbdf") ? js_str(result, "sbdf") : "all",
	       count(result, "reads"), count(result, "writes"),
	       count(result, "dma"), count(result, "interrupts"));
	printf("refused: %lld requests by the IOMMU, %lld messages\n",
	       count(result, "faulted"), count(result, "refused"));
	printf("accesses after success: %lld\n",
	       count(result, "after_success"));
	printf("%sviolations: %lld%s\n",
	       colour_code(clean ? GREEN : RED, cli->colours),
	       count(result, "violations"), colour_code(PLAIN, cli->colours));
	for (size_t i = 0; i < js_count(records); i++) {
		json_object *record = json_object_array_get_idx(records, i);
		char when[WHEN_LEN];

		printf("  %s: %s (%s)\n", js_str(record, "sbdf"),
		       js_str(record, "text"), cli_when(when, record, "time"));
	}
}

int verb_fabric_witness(struct cli *cli)
{
	const char *dev = cli->arg[0];

	return cli_do(cli, "fabric.witness",
		      cli_params(dev ? "sbdf" : NULL, dev), print_witness);
}
