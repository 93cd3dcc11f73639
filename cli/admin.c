// SPDX-License-Identifier: BSD-2-Clause
/* What an administrator does to a device besides removing it. */
#include "cli.h"

static void print_added(struct cli *cli, json_object *dev)
{
	(void)cli;
	printf("%s: %s, instance %lld\n", js_str(dev, "sbdf"),
	       cli_device_name(dev), (long long)js_int(dev, "instance"));
}

int verb_add(struct cli *cli)
{
	return cli_do(cli, "add", cli_params("sbdf", cli->arg[0]), print_added);
}

static void print_scan(struct cli *cli, json_object *scan)
{
	(void)cli;
	printf("%lld found, %lld added, %lld failed",
	       (long long)js_int(scan, "found"),
	       (long long)js_int(scan, "added"),
	       (long long)js_int(scan, "failed"));
	if (js_has(scan, "where"))
		printf(" (first %s: %s)", js_str(scan, "where"),
		       js_str(scan, "name"));
	putchar('\n');
}

int verb_scan(struct cli *cli)
{
	const char *where = cli->arg[0];

	return cli_do(cli, "scan", cli_params(where ? "sbdf" : NULL, where),
		      print_scan);
}

static void print_pin(struct cli *cli, json_object *hold)
{
	printf("%s: ", cli->arg[0]);
	cli_print_hold(stdout, hold);
}

int verb_pin(struct cli *cli)
{
	json_object *params = cli_params("sbdf", cli->arg[0]);

	if (!(cli->given & OPT_REASON)) {
		json_object_put(params);
		return cli_usage_error(cli->verb,
				       "a pin needs a --reason, so that who "
				       "finds it knows why");
	}
	js_add(params, "reason", cli->reason);
	return cli_do(cli, "pin", params, print_pin);
}

int verb_unpin(struct cli *cli)
{
	return cli_do(cli, "unpin", cli_params("sbdf", cli->arg[0]), NULL);
}

int verb_mark_broken(struct cli *cli)
{
	json_object *params = cli_params("sbdf", cli->arg[0]);

	if (cli->given & OPT_REASON)
		js_add(params, "reason", cli->reason);
	return cli_do(cli, "mark_broken", params, NULL);
}
