// SPDX-License-Identifier: BSD-2-Clause
/*
 * Policies: what guests see of capabilities. Files are read here, with the
 * rights of who runs the command, and parsed by the daemon.
 */
#include <errno.h>
#include <string.h>

#include "cli.h"
#include "memory.h"

#define FILE_MAX 32768 /* what the daemon takes */

/* --- showing ------------------------------------------------------------------ */

static void policy_row(struct table *table, json_object *policy)
{
	bool loaded = js_has(policy, "sbdf");

	table_cell(table, PLAIN, "%s", js_str(policy, "name"));
	table_cell(table, loaded ? GREEN : PLAIN, "%s",
		   loaded ? js_str(policy, "sbdf") : "shipped");
	table_cell(table, PLAIN, "%lld", (long long)js_int(policy, "shown"));
	table_cell(table, PLAIN, "%lld", (long long)js_int(policy, "hidden"));
}

static int list_policies(struct cli *cli)
{
	static const struct table_column column[] = {
		{ "NAME", .least = 8 },
		{ "LOADED FOR" },
		{ "SHOWN", .right = true },
		{ "HIDDEN", .right = true },
	};
	struct table *table;
	json_object *all;
	int status = cli_ask_pages(cli, "policy.list", cli_params(NULL, NULL),
				   "policies", &all);

	if (status)
		return status;
	if (cli->json) {
		cli_print_json(all);
	} else {
		table = table_new(column, sizeof(column) / sizeof(column[0]));
		for (size_t i = 0; i < js_count(all); i++)
			policy_row(table, json_object_array_get_idx(all, i));
		table_print(table, stdout, cli->width, cli->colours);
		table_free(table);
	}
	json_object_put(all);
	return EXIT_OK;
}

/* Bits of a register, "04: 00008103", if there are any. */
static void add_bits(struct printbuf *to, json_object *field, const char *mask,
		     const char *what)
{
	long long bits = js_int(field, mask);

	if (bits)
		sprintbuf(to, "%s%02llx: %0*llx%s", to->bpos ? "; " : "",
			  (long long)js_int(field, "offset"),
			  (int)(2 * js_int(field, "size")), bits, what);
}

static void writable_cell(struct table *table, json_object *cap)
{
	json_object *fields = js_get(cap, "fields");
	struct printbuf *text = need(printbuf_new());

	for (size_t i = 0; i < js_count(fields); i++) {
		json_object *field = json_object_array_get_idx(fields, i);

		add_bits(text, field, "rw", "");
		add_bits(text, field, "w1c", " by writing 1");
	}
	if (js_bool(cap, "setup"))
		sprintbuf(text, "%sas the capability has it",
			  text->bpos ? "; " : "");
	else if (!strcmp(js_str(cap, "rest"), "pass"))
		sprintbuf(text, "%s", text->bpos ? "; the rest" : "all");
	table_cell(table, PLAIN, "%s", text->bpos ? text->buf : "-");
	printbuf_free(text);
}

static void cap_row(struct table *table, json_object *cap)
{
	bool show = js_bool(cap, "show"), extended = js_bool(cap, "extended");

	table_cell(table, PLAIN, extended ? "%04llx" : "%02llx",
		   (long long)js_int(cap, "id"));
	table_cell(table, PLAIN, "%s", js_str(cap, "name"));
	table_cell(table, show ? GREEN : DIM, show ? "shown" : "hidden");
	if (show)
		writable_cell(table, cap);
	else
		table_cell(table, PLAIN, "-");
}

static void print_policy(struct cli *cli, json_object *policy)
{
	static const struct table_column column[] = {
		{ "ID" },
		{ "CAPABILITY", .least = 12 },
		{ "SEEN" },
		{ "WRITABLE", .least = 10 },
	};
	json_object *caps = js_get(policy, "capabilities");
	struct table *table = table_new(column, 4);

	printf("%s: ", js_str(policy, "name"));
	if (js_has(policy, "sbdf"))
		printf("loaded for %s; ", js_str(policy, "sbdf"));
	puts(js_bool(policy, "hardware")
		     ? "what it does not name passes through"
		     : "what it does not name reads 0 and ignores writes");
	for (size_t i = 0; i < js_count(caps); i++)
		cap_row(table, json_object_array_get_idx(caps, i));
	table_print(table, stdout, cli->width, cli->colours);
	table_free(table);
}

/* A colon makes an address of it. */
int verb_policy_show(struct cli *cli)
{
	const char *which = cli->arg[0];

	if (!which)
		return list_policies(cli);
	return cli_do(cli, "policy.show",
		      cli_params(strchr(which, ':') ? "sbdf" : "name", which),
		      print_policy);
}

/* --- files ---------------------------------------------------------------------- */

/* "text" and "name" (without directory and .json) of @path, or an exit status. */
static int add_file(json_object *params, const char *path)
{
	const char *base = strrchr(path, '/');
	char text[FILE_MAX + 2], name[64];
	FILE *f = fopen(path, "r");
	size_t len;

	if (!f)
		return cli_error("%s: %s", path, strerror(errno));
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	if (ferror(f)) {
		fclose(f);
		return cli_error("%s: %s", path, strerror(errno));
	}
	fclose(f);
	if (len > FILE_MAX)
		return cli_error("%s: a policy has at most %d bytes", path,
				 FILE_MAX);
	if (strlen(text) != len)
		return cli_error("%s: is no text", path);
	snprintf(name, sizeof(name), "%s", base ? base + 1 : path);
	if (strlen(name) > 5 && !strcmp(name + strlen(name) - 5, ".json"))
		name[strlen(name) - 5] = '\0';
	js_add(params, "text", text);
	js_add(params, "name", name);
	return EXIT_OK;
}

static void print_checked(struct cli *cli, json_object *policy)
{
	printf("%s: may be loaded; %lld capabilities shown, %lld hidden\n",
	       cli->arg[0], (long long)js_int(policy, "shown"),
	       (long long)js_int(policy, "hidden"));
}

int verb_policy_check(struct cli *cli)
{
	json_object *params = cli_params(NULL, NULL);
	int status = add_file(params, cli->arg[0]);

	if (!status)
		return cli_do(cli, "policy.check", params, print_checked);
	json_object_put(params);
	return status;
}

static void print_loaded(struct cli *cli, json_object *result)
{
	(void)cli;
	printf("%s: the next guest sees it by policy %s",
	       js_str(result, "sbdf"), js_str(result, "policy"));
	if (js_has(result, "keeps"))
		printf("; %s sees it as before", js_str(result, "keeps"));
	putchar('\n');
}

int verb_policy_load(struct cli *cli)
{
	json_object *params = cli_params("sbdf", cli->arg[0]);
	int status = add_file(params, cli->arg[1]);

	if (!status)
		return cli_do(cli, "policy.load", params, print_loaded);
	json_object_put(params);
	return status;
}

int verb_policy_reset(struct cli *cli)
{
	return cli_do(cli, "policy.reset", cli_params("sbdf", cli->arg[0]),
		      print_loaded);
}
