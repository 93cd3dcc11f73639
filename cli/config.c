// SPDX-License-Identifier: BSD-2-Clause
/*
 * Configuration space: read and write registers, dump whole functions; of a
 * device, or of what a domain sees, where the verb has one.
 */
#include <errno.h>

#include "cli.h"

/* 0x10, 16, 020; all of @text, at most 32 bits. */
static int parse_number(const char *text, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 0);
	if (errno || end == text || *end || *value < 0 || *value > UINT32_MAX)
		return -EINVAL;
	return 0;
}

/* Whose configuration space; @where: NULL for all of it. */
static json_object *space_params(const struct cli *cli, const char *where)
{
	const char *name = cli->domain ? "vsbdf" : "sbdf";
	json_object *params = cli_params(where ? name : NULL, where);

	if (cli->domain)
		js_add(params, "domain", cli->domain);
	return params;
}

/* The address and REG of a read or write, or NULL and a usage error. */
static json_object *register_params(const struct cli *cli)
{
	json_object *params;
	int64_t reg;

	if (parse_number(cli->arg[1], &reg)) {
		cli_usage_error(cli->verb, "%s is no register number",
				cli->arg[1]);
		return NULL;
	}
	params = space_params(cli, cli->arg[0]);
	js_add_int(params, "reg", reg);
	js_add_int(params, "size", cli->given & OPT_SIZE ? cli->size : 4);
	return params;
}

static void print_value(struct cli *cli, json_object *result)
{
	int digits = cli->given & OPT_SIZE ? (int)(2 * cli->size) : 8;

	printf("%0*llx\n", digits, (long long)js_int(result, "value"));
}

int verb_config_read(struct cli *cli)
{
	json_object *params = register_params(cli);

	if (!params)
		return EXIT_USAGE;
	return cli_do(cli, cli->domain ? "guest.config_read" : "config.read",
		      params, print_value);
}

int verb_config_write(struct cli *cli)
{
	json_object *params = register_params(cli);
	int64_t value;

	if (!params)
		return EXIT_USAGE;
	if (parse_number(cli->arg[2], &value)) {
		json_object_put(params);
		return cli_usage_error(cli->verb, "%s is no 32-bit value",
				       cli->arg[2]);
	}
	js_add_int(params, "value", value);
	return cli_do(cli, cli->domain ? "guest.config_write" : "config.write",
		      params, NULL);
}

/*
 * In the format of `lspci -xxxx`, page by page as it comes; as JSON, one
 * object with the whole text.
 */
int verb_config_dump(struct cli *cli)
{
	const char *method = cli->domain ? "guest.config_dump" : "config.dump";
	json_object *params = space_params(cli, cli->arg[0]);
	struct printbuf *all = printbuf_new();
	json_object *page;
	bool more;
	int status;

	do {
		const char *text;

		more = false;
		status = cli_ask(cli, method, json_object_get(params), &page);
		if (status)
			break;
		text = js_str(page, "text");
		if (cli->json)
			sprintbuf(all, "%s", text);
		else
			fputs(text, stdout);
		more = js_has(page, "next");
		if (more)
			js_add(params, "cursor", js_str(page, "next"));
		json_object_put(page);
	} while (more);
	json_object_put(params);
	if (!status && cli->json) {
		json_object *result = cli_params("text", all->buf);

		cli_print_json(result);
		json_object_put(result);
	}
	printbuf_free(all);
	return status;
}
