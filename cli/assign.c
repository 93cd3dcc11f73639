// SPDX-License-Identifier: BSD-2-Clause
/* Giving devices to guests and taking them back, and what goes together. */
#include <string.h>

#include "cli.h"

static void print_assigned(struct cli *cli, json_object *result)
{
	long long others = js_int(result, "moved") - 1;

	if (cli->given & OPT_DRY_RUN) {
		printf("%s: could be assigned to %s\n", js_str(result, "sbdf"),
		       js_str(result, "domain"));
		return;
	}
	printf("%s: assigned to %s, which sees it at %s\n",
	       js_str(result, "sbdf"), js_str(result, "domain"),
	       js_str(result, "vsbdf"));
	if (others > 0)
		printf("%lld more of its group went along; `holdfast domain "
		       "show %s`\n",
		       others, js_str(result, "domain"));
}

int verb_assign(struct cli *cli)
{
	json_object *params = cli_params("sbdf", cli->arg[0]);

	js_add(params, "domain", cli->arg[1]);
	if (cli->given & OPT_AT)
		js_add(params, "vsbdf", cli->at);
	if (cli->given & OPT_GROUP)
		js_add_bool(params, "group", true);
	if (cli->given & OPT_RELAXED)
		js_add_bool(params, "relaxed", true);
	if (cli->given & OPT_DRY_RUN)
		js_add_bool(params, "dry_run", true);
	return cli_do(cli, "assign", params, print_assigned);
}

static void print_deassigned(struct cli *cli, json_object *dev)
{
	long long others = js_int(dev, "moved") - 1;

	(void)cli;
	printf("%s: back with %s", js_str(dev, "sbdf"), js_str(dev, "owner"));
	if (others > 0)
		printf(", and %lld more of its group", others);
	putchar('\n');
}

int verb_deassign(struct cli *cli)
{
	json_object *params = cli_params("sbdf", cli->arg[0]);

	if (cli->given & OPT_GROUP)
		js_add_bool(params, "group", true);
	return cli_do(cli, "deassign", params, print_deassigned);
}

/* --- groups ------------------------------------------------------------------- */

static void print_group(struct cli *cli, json_object *result)
{
	json_object *members = js_get(result, "members");
	size_t n = js_count(members);

	(void)cli;
	if (n == 1)
		printf("%s goes to a guest alone:\n", js_str(result, "sbdf"));
	else
		printf("%s is in an isolation group of %zu, which go together "
		       "or not at all:\n",
		       js_str(result, "sbdf"), n);
	for (size_t i = 0; i < n; i++) {
		json_object *m = json_object_array_get_idx(members, i);

		printf("  %s (%s): %s\n", js_str(m, "sbdf"),
		       js_bool(m, "bridge") ? "a bridge, stays"
					    : js_str(m, "owner"),
		       js_str(m, "text"));
	}
}

int verb_why_grouped(struct cli *cli)
{
	return cli_do(cli, "group", cli_params("sbdf", cli->arg[0]),
		      print_group);
}
