// SPDX-License-Identifier: BSD-2-Clause
/* All devices: as a table, and as the tree of bridges that they hang on. */
#include <langinfo.h>
#include <string.h>

#include "cli.h"
#include "memory.h"

static int ask_devices(struct cli *cli, json_object **devices)
{
	json_object *params = cli_params(NULL, NULL);

	if (cli->given & OPT_OWNER)
		js_add(params, "owner", cli->owner);
	return cli_ask_pages(cli, "list", params, "devices", devices);
}

static int say_nothing_there(const struct cli *cli)
{
	if (cli->given & OPT_OWNER)
		printf("%s owns no devices.\n", cli->owner);
	else
		puts("This host has no PCI devices.");
	return EXIT_OK;
}

static void state_cell(struct table *table, json_object *dev)
{
	const char *state = js_str(dev, "state");

	if (js_bool(dev, "lost"))
		table_cell(table, RED, "lost");
	else if (js_has(dev, "broken"))
		table_cell(table, RED, "broken");
	else if (strcmp(state, "live"))
		table_cell(table, YELLOW, "%s", state);
	else
		table_cell(table, PLAIN, "%s", state);
}

/* Every VF is an endpoint, and that it is a VF says more. */
static const char *type_of(json_object *dev)
{
	return js_bool(dev, "vf") ? "vf" : js_str(dev, "type");
}

static void device_row(struct table *table, json_object *dev)
{
	const char *owner = js_str(dev, "owner");
	bool guest = js_has(dev, "vsbdf");

	table_cell(table, PLAIN, "%s", js_str(dev, "sbdf"));
	table_cell(table, PLAIN, "%s", type_of(dev));
	table_cell(table, guest ? GREEN : PLAIN, "%s", owner);
	state_cell(table, dev);
	table_cell(table, PLAIN, "%lld", (long long)js_int(dev, "holds"));
	table_cell(table, PLAIN, "%s", cli_device_name(dev));
}

int verb_list(struct cli *cli)
{
	static const struct table_column column[] = {
		{ "ADDRESS" },
		{ "TYPE", .least = 8 },
		{ "OWNER", .least = 8 },
		{ "STATE" },
		{ "HOLDS", .right = true },
		{ "NAME", .least = 12 },
	};
	struct table *table;
	json_object *devices;
	int status = ask_devices(cli, &devices);

	if (status)
		return status;
	if (cli->json) {
		cli_print_json(devices);
	} else if (!js_count(devices)) {
		say_nothing_there(cli);
	} else {
		table = table_new(column, sizeof(column) / sizeof(column[0]));
		for (size_t i = 0; i < js_count(devices); i++)
			device_row(table,
				   json_object_array_get_idx(devices, i));
		table_print(table, stdout, cli->width, cli->colours);
		table_free(table);
	}
	json_object_put(devices);
	return EXIT_OK;
}

/* --- tree ------------------------------------------------------------------ */

struct node {
	json_object *dev;
	const char *sbdf;
	struct node *child, *last, *next; /* in SBDF order */
	bool has_parent;
};

struct tree {
	struct node *node;
	size_t count;
	unsigned int width;
	bool utf8;
};

static int by_sbdf(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->sbdf,
		      ((const struct node *)b)->sbdf);
}

/* Devices come in SBDF order, so children end up in it too. */
static void hang(struct tree *tree, struct node *node)
{
	struct node key = { .sbdf = js_str(node->dev, "parent") };
	struct node *parent;

	parent = bsearch(&key, tree->node, tree->count, sizeof(key), by_sbdf);
	if (!parent || parent == node)
		return;
	node->has_parent = true;
	if (parent->last)
		parent->last->next = node;
	else
		parent->child = node;
	parent->last = node;
}

static void draw_node(const struct tree *tree, const struct node *node,
		      const char *before, const char *branch)
{
	json_object *dev = node->dev;
	char line[768];

	snprintf(line, sizeof(line), "%s%s%s  %s  %s", before, branch,
		 node->sbdf, type_of(dev), cli_device_name(dev));
	text_print(stdout, line, tree->width ? tree->width : sizeof(line));
	putchar('\n');
}

static void draw_children(const struct tree *tree, const struct node *node,
			  const char *before)
{
	static const char *const ascii[] = { "|-- ", "`-- ", "|   ", "    " };
	static const char *const utf8[] = { "├── ", "└── ", "│   ", "    " };
	const char *const *art = tree->utf8 ? utf8 : ascii;
	char deeper[256];

	if (strlen(before) + 8 > sizeof(deeper))
		return;
	for (const struct node *n = node->child; n; n = n->next) {
		draw_node(tree, n, before, art[n->next ? 0 : 1]);
		snprintf(deeper, sizeof(deeper), "%s%s", before,
			 art[n->next ? 2 : 3]);
		draw_children(tree, n, deeper);
	}
}

static void draw_tree(struct cli *cli, json_object *devices)
{
	struct tree tree = {
		.count = js_count(devices),
		.width = cli->width,
		.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"),
	};

	tree.node = need(calloc(tree.count, sizeof(*tree.node)));
	for (size_t i = 0; i < tree.count; i++) {
		tree.node[i].dev = json_object_array_get_idx(devices, i);
		tree.node[i].sbdf = js_str(tree.node[i].dev, "sbdf");
	}
	for (size_t i = 0; i < tree.count; i++)
		hang(&tree, &tree.node[i]);
	for (size_t i = 0; i < tree.count; i++) {
		if (tree.node[i].has_parent)
			continue;
		draw_node(&tree, &tree.node[i], "", "");
		draw_children(&tree, &tree.node[i], "");
	}
	free(tree.node);
}

int verb_tree(struct cli *cli)
{
	json_object *devices;
	int status = ask_devices(cli, &devices);

	if (status)
		return status;
	if (cli->json)
		cli_print_json(devices);
	else if (!js_count(devices))
		say_nothing_there(cli);
	else
		draw_tree(cli, devices);
	json_object_put(devices);
	return EXIT_OK;
}
