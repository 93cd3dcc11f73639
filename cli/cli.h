/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command: what was asked for (struct cli), how a verb asks the daemon,
 * and how it answers people and programs.
 */
#ifndef HOLDFAST_CLI_CLI_H
#define HOLDFAST_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "rpc.h"
#include "table.h"

/* Where holdfastd listens unless told otherwise. */
#define DEFAULT_SOCKET "/run/holdfast.sock"

/* Exit status. 75 is sysexits.h EX_TEMPFAIL: in use, try again. */
enum { EXIT_OK, EXIT_ERROR, EXIT_USAGE, EXIT_BUSY = 75, EXIT_SIGINT = 130 };

/* Which options a verb takes; --socket, --json and --help go with all. */
enum {
	OPT_TIMEOUT = 1 << 0,
	OPT_ASK = 1 << 1,
	OPT_FORCE = 1 << 2,
	OPT_SLOT = 1 << 3,
	OPT_WAIT = 1 << 4,
	OPT_REASON = 1 << 5,
	OPT_ON_ASK = 1 << 6,
	OPT_SIZE = 1 << 7,
	OPT_THREADS = 1 << 8,
	OPT_RATE = 1 << 9,
	OPT_OWNER = 1 << 10,
	OPT_AT = 1 << 11,
	OPT_COUNT = 1 << 12,
	OPT_MEMORY = 1 << 13,
	OPT_GROUP = 1 << 14,
	OPT_RELAXED = 1 << 15,
	OPT_DRY_RUN = 1 << 16,
	OPT_METHOD = 1 << 17,
	OPT_CLEAR = 1 << 18,
	OPT_LENGTH = 1 << 19,
	OPT_RUN = 1 << 20,
};

struct cli {
	const char *socket;
	bool json, colours, help, version;
	unsigned int width; /* of the terminal, 0: no limit */

	unsigned int given; /* OPT_… */
	uint64_t timeout_ms;
	bool no_wait;
	const char *reason, *on_ask, *owner, *at, *method;
	uint32_t size, threads, rate, count, length;
	uint64_t memory;

	const struct verb *verb;
	const char *domain; /* DOMAIN in the verb's name; or NULL */
	char **arg;         /* what follows the verb, NULL at the end */

	struct rpc rpc;
	bool connected;
};

struct verb {
	const char *name;         /* "list", "guest DOMAIN config dump" */
	const char *args;         /* as the usage line shows them */
	const char *opts;         /* likewise */
	const char *what;         /* one line */
	unsigned int least, most; /* arguments */
	unsigned int options;
	int (*run)(struct cli *cli); /* the exit status */
};

extern const struct verb verbs[];
extern const unsigned int verb_count;

/* The verb at the start of a NULL-ended list, and how many words; or NULL. */
const struct verb *verb_find(char **word, unsigned int *words);
void verb_usage(FILE *out, const struct verb *verb);
bool verb_is_group(const char *word); /* "domain", "config", … */

/* --- asking the daemon (ask.c) ------------------------------------------ */

/* Connect, unless done. An exit status; what is wrong has been said. */
int cli_connect(struct cli *cli);

/*
 * Ask and wait. @params (may be NULL) is consumed. Returns EXIT_OK and the
 * result, which the caller puts; or the exit status, the error printed.
 */
int cli_ask(struct cli *cli, const char *method, json_object *params,
	    json_object **result);

/* Take the result out of an answer; as cli_ask(). @answer is consumed. */
int cli_result(struct cli *cli, json_object *answer, json_object **result);

/*
 * Take out of every string, unless a program reads it, what a terminal would
 * obey: names and reasons come from other people.
 */
void cli_make_harmless(struct cli *cli, json_object *msg);
/* The same whoever reads the rest: for what goes to stderr. */
void cli_make_text(json_object *msg);

/* The daemon did not answer: say so. @error: of rpc.h. */
int cli_no_answer(struct cli *cli, int error);

/* The whole of a list that comes in pages, @member of each, as one array. */
int cli_ask_pages(struct cli *cli, const char *method, json_object *params,
		  const char *member, json_object **all);

/*
 * Most verbs: ask, and print the result: as JSON, or by @print (NULL:
 * nothing is said on success).
 */
typedef void (*cli_printer)(struct cli *cli, json_object *result);
int cli_do(struct cli *cli, const char *method, json_object *params,
	   cli_printer print);

/* --- params and results -------------------------------------------------- */

/* {"sbdf": DEV}, or, without a name, {}. */
json_object *cli_params(const char *name, const char *value);
void js_add(json_object *obj, const char *name, const char *value);
void js_add_int(json_object *obj, const char *name, int64_t value);
void js_add_bool(json_object *obj, const char *name, bool value);

/* Members of results; missing or null: NULL, "-", 0. */
json_object *js_get(json_object *obj, const char *name);
const char *js_str(json_object *obj, const char *name);
int64_t js_int(json_object *obj, const char *name);
double js_num(json_object *obj, const char *name);
bool js_bool(json_object *obj, const char *name);
bool js_has(json_object *obj, const char *name); /* and is not null */
/* Of an array that may be missing. */
size_t js_count(json_object *array);

/* --- saying (say.c) ------------------------------------------------------ */

/* "holdfast: …" on stderr; returns EXIT_ERROR or EXIT_USAGE. */
int cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int cli_usage_error(const struct verb *verb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void cli_print_json(json_object *obj);

/* An error object of the protocol; returns the exit status that it means. */
int cli_print_error(struct cli *cli, json_object *error);

#define WHEN_LEN 64

/* "12:03:44" of obj.NAME; local time. @buf. */
const char *cli_clock(char buf[static WHEN_LEN], json_object *obj,
		      const char *name);

/* "12:03:44, 3 s ago" of obj.NAME and obj.NAME_s; local time. @buf. */
const char *cli_when(char buf[static WHEN_LEN], json_object *obj,
		     const char *name);

/* "assigned to vm1, since 12:03:44, 3 s ago" */
void cli_print_use(FILE *out, json_object *hold);
/* The same with "; asked, refused" and a line end. */
void cli_print_hold(FILE *out, json_object *hold);

/* Of a removal: who is in the way, one a line. */
void cli_print_blockers(FILE *out, json_object *removal);

/* Of a group that is not complete: who is missing, one a line. */
void cli_print_missing(FILE *out, json_object *data);

/* Name of the device or the numbers; a static buffer. */
const char *cli_device_name(json_object *dev);

/* --- waiting for a removal (wait.c) --------------------------------------- */

/* Ask for a removal and wait for its report; as cli_ask(). */
int cli_wait_removal(struct cli *cli, const char *dev, json_object *params,
		     json_object **result);

/* --- verbs ----------------------------------------------------------------- */

int verb_list(struct cli *cli);
int verb_tree(struct cli *cli);
int verb_show(struct cli *cli);
int verb_holders(struct cli *cli);
int verb_add(struct cli *cli);
int verb_scan(struct cli *cli);
int verb_remove(struct cli *cli);
int verb_removal(struct cli *cli);
int verb_cancel(struct cli *cli);
int verb_pin(struct cli *cli);
int verb_unpin(struct cli *cli);
int verb_mark_broken(struct cli *cli);
int verb_assign(struct cli *cli);
int verb_deassign(struct cli *cli);
int verb_why_grouped(struct cli *cli);
int verb_quarantine(struct cli *cli);
int verb_unquarantine(struct cli *cli);
int verb_reset(struct cli *cli);
int verb_faults(struct cli *cli);
int verb_domain_create(struct cli *cli);
int verb_domain_destroy(struct cli *cli);
int verb_domain_list(struct cli *cli);
int verb_domain_show(struct cli *cli);
int verb_config_read(struct cli *cli);
int verb_config_write(struct cli *cli);
int verb_config_dump(struct cli *cli);
int verb_policy_show(struct cli *cli);
int verb_policy_check(struct cli *cli);
int verb_policy_load(struct cli *cli);
int verb_policy_reset(struct cli *cli);
int verb_fabric_slots(struct cli *cli);
int verb_fabric_cards(struct cli *cli);
int verb_fabric_plug(struct cli *cli);
int verb_fabric_unplug(struct cli *cli);
int verb_fabric_surprise(struct cli *cli);
int verb_fabric_fault(struct cli *cli);
int verb_fabric_faults(struct cli *cli);
int verb_fabric_traffic(struct cli *cli);
int verb_fabric_tester(struct cli *cli);
int verb_fabric_witness(struct cli *cli);
int verb_events(struct cli *cli);
int verb_stats(struct cli *cli);
int verb_version(struct cli *cli);
int verb_help(struct cli *cli);

#endif
