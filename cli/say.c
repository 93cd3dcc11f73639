// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the command says: errors as one sentence on stderr with an exit status
 * that scripts can use, times and holds in words, JSON for programs.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "duration.h"
#include "memory.h"
#include "names.h"

#define HALF_A_DAY (12 * 3600)

int cli_error(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("holdfast: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_ERROR;
}

int cli_usage_error(const struct verb *verb, const char *fmt, ...)
{
	va_list args;

	fputs("holdfast: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	if (verb)
		verb_usage(stderr, verb);
	else
		fputs("`holdfast help` shows what there is\n", stderr);
	return EXIT_USAGE;
}

void cli_print_json(json_object *obj)
{
	puts(json_object_to_json_string_ext(
		obj, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* Local time of a time of the protocol; false: it is none. */
static bool print_clock(char *buf, size_t size, const char *text,
			const char *format)
{
	struct tm tm = { 0 };
	time_t t;

	if (!strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return false;
	t = timegm(&tm);
	localtime_r(&t, &tm);
	return strftime(buf, size, format, &tm);
}

const char *cli_clock(char buf[static WHEN_LEN], json_object *obj,
		      const char *name)
{
	if (!print_clock(buf, WHEN_LEN, js_str(obj, name), "%H:%M:%S"))
		strcpy(buf, "??:??:??");
	return buf;
}

const char *cli_when(char buf[static WHEN_LEN], json_object *obj,
		     const char *name)
{
	char clock[32], ago[DURATION_LEN], age_name[32];
	double age;

	snprintf(age_name, sizeof(age_name), "%s_s", name);
	age = js_num(obj, age_name);
	if (!(age > 0))
		age = 0;
	if (print_clock(clock, sizeof(clock), js_str(obj, name),
			age < HALF_A_DAY ? "%H:%M:%S" : "%Y-%m-%d %H:%M"))
		snprintf(buf, WHEN_LEN, "%s, %s ago", clock,
			 duration_print(ago, (uint64_t)(age * 1000)));
	else
		strcpy(buf, "an unknown time");
	return buf;
}

/* "vm1", or "0000:03:10.0" for what a child is. */
static const char *holder(json_object *hold)
{
	if (js_has(hold, "domain"))
		return js_str(hold, "domain");
	return js_str(hold, js_has(hold, "child") ? "child" : "who");
}

static const char *holds_how(const char *kind)
{
	static const char *const words[][2] = {
		{ "assigned", "assigned to" },
		{ "child", "parent of" },
		{ "interrupts", "used for interrupts by" },
		{ "session", "session of" },
		{ "operation", "worked on by" },
		{ "pin", "pinned by" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(kind, words[i][0]))
			return words[i][1];
	return "held by";
}

void cli_print_use(FILE *out, json_object *hold)
{
	char when[WHEN_LEN];

	fprintf(out, "%s %s, since %s", holds_how(js_str(hold, "kind")),
		holder(hold), cli_when(when, hold, "since"));
}

void cli_print_hold(FILE *out, json_object *hold)
{
	cli_print_use(out, hold);
	if (js_bool(hold, "refused"))
		fputs("; asked, refused", out);
	else if (js_bool(hold, "asked"))
		fputs("; asked, no answer", out);
	fputc('\n', out);
}

const char *cli_device_name(json_object *dev)
{
	static char buf[256];

	return names_device(buf, sizeof(buf), (uint16_t)js_int(dev, "vendor"),
			    (uint16_t)js_int(dev, "device"));
}

static bool is_child(json_object *hold)
{
	return !strcmp(js_str(hold, "kind"), "child");
}

/* Holds, one a line; children are told apart from them. */
static void print_users(FILE *out, json_object *holds)
{
	for (size_t i = 0; i < js_count(holds); i++) {
		json_object *hold = json_object_array_get_idx(holds, i);

		if (is_child(hold))
			continue;
		fprintf(out, "  %s: ", js_str(hold, "sbdf"));
		cli_print_hold(out, hold);
	}
}

/* "  0000:03:00.0: parent of 0000:03:10.0, 0000:03:10.2", one a device. */
static void print_children(FILE *out, json_object *holds)
{
	const char *parent = NULL;

	for (size_t i = 0; i < js_count(holds); i++) {
		json_object *hold = json_object_array_get_idx(holds, i);
		const char *sbdf = js_str(hold, "sbdf");

		if (!is_child(hold))
			continue;
		if (!parent || strcmp(parent, sbdf))
			fprintf(out, "%s  %s: parent of ", parent ? "\n" : "",
				sbdf);
		else
			fputs(", ", out);
		fputs(holder(hold), out);
		parent = sbdf;
	}
	if (parent)
		fputc('\n', out);
}

void cli_print_blockers(FILE *out, json_object *removal)
{
	json_object *blockers = js_get(removal, "blockers");
	int64_t total = js_int(removal, "blockers_total");
	int64_t refs = js_int(removal, "refs");

	print_users(out, blockers);
	print_users(out, js_get(removal, "behind"));
	print_children(out, blockers);
	if (total > (int64_t)js_count(blockers))
		fprintf(out, "  and more, %lld in all; `holdfast holders %s`\n",
			(long long)total, js_str(removal, "sbdf"));
	if (refs)
		fprintf(out, "  %s: %lld references in flight\n",
			js_str(removal,
			       js_has(removal, "refs_on") ? "refs_on" : "sbdf"),
			(long long)refs);
}

void cli_print_missing(FILE *out, json_object *data)
{
	json_object *members = js_get(data, "members");
	int64_t total = js_int(data, "missing");

	for (size_t i = 0; i < js_count(members); i++) {
		json_object *m = json_object_array_get_idx(members, i);

		fprintf(out, "  %s: with %s\n", js_str(m, "sbdf"),
			js_str(m, "owner"));
	}
	if (total > (int64_t)js_count(members))
		fprintf(out, "  and more, %lld in all\n", (long long)total);
}

int cli_print_error(struct cli *cli, json_object *error)
{
	json_object *data = js_get(error, "data");
	int code = -(int)js_int(data, "errno");

	if (cli->json) {
		json_object *all = cli_params(NULL, NULL);

		json_object_object_add(all, "error", json_object_get(error));
		cli_print_json(all);
		json_object_put(all);
		cli_make_text(error);
	}
	cli_error("%s", js_str(error, "message"));
	if (!cli->json && js_has(data, "removal"))
		cli_print_blockers(stderr, js_get(data, "removal"));
	if (!cli->json)
		cli_print_missing(stderr, data);
	return code == EBUSY || code == EALREADY ? EXIT_BUSY : EXIT_ERROR;
}
