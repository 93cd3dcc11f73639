// SPDX-License-Identifier: BSD-2-Clause
/*
 * All that the command can do: one table, which the checks of the command
 * line, the help and the completion's test use.
 */
#include <ctype.h>
#include <string.h>

#include "cli.h"

#define REMOVE_OPTIONS (OPT_TIMEOUT | OPT_ASK | OPT_FORCE | OPT_SLOT | OPT_WAIT)
#define ASSIGN_OPTIONS (OPT_AT | OPT_GROUP | OPT_RELAXED | OPT_DRY_RUN)

const struct verb verbs[] = {
	{ "list", "", "[--owner DOMAIN]", "every device", 0, 0, OPT_OWNER,
	  verb_list },
	{ "tree", "", "[--owner DOMAIN]", "the same, below their bridges", 0, 0,
	  OPT_OWNER, verb_tree },
	{ "show", "DEV", "", "all that is known of a device", 1, 1, 0,
	  verb_show },
	{ "holders", "DEV", "", "who holds it, and since when", 1, 1, 0,
	  verb_holders },
	{ "add", "DEV", "", "make a device known", 1, 1, 0, verb_add },
	{ "scan", "[DEV]", "", "look for new devices, at and below DEV", 0, 1,
	  0, verb_scan },
	{ "remove", "DEV",
	  "[--ask] [--force] [--slot] [--timeout TIME] [--no-wait]",
	  "let go of it, or say who is in the way", 1, 1, REMOVE_OPTIONS,
	  verb_remove },
	{ "removal", "DEV", "", "the removal that runs, or the last", 1, 1, 0,
	  verb_removal },
	{ "cancel", "DEV", "", "end a removal that runs", 1, 1, 0,
	  verb_cancel },
	{ "pin", "DEV", "--reason TEXT", "keep a device from removal", 1, 1,
	  OPT_REASON, verb_pin },
	{ "unpin", "DEV", "", "take the pin out", 1, 1, 0, verb_unpin },
	{ "mark-broken", "DEV", "[--reason TEXT]",
	  "give it to nobody; no reason: fit again", 1, 1, OPT_REASON,
	  verb_mark_broken },
	{ "assign", "DEV DOMAIN",
	  "[--at DEV] [--group] [--relaxed] [--dry-run]",
	  "give a device to a guest", 2, 2, ASSIGN_OPTIONS, verb_assign },
	{ "deassign", "DEV", "[--group]", "take it back", 1, 1, OPT_GROUP,
	  verb_deassign },
	{ "why-grouped", "DEV", "", "who goes to a guest with it, and why", 1,
	  1, 0, verb_why_grouped },
	{ "quarantine", "DEV [REASON]", "", "it reaches nobody any more", 1, 2,
	  0, verb_quarantine },
	{ "unquarantine", "DEV", "", "after a reset and a check: the host's", 1,
	  1, 0, verb_unquarantine },
	{ "reset", "DEV", "[--method flr|af|pm|bus]",
	  "reset it, and see that it worked", 1, 1, OPT_METHOD, verb_reset },
	{ "faults", "[DEV]", "[--clear]", "whose DMA was refused", 0, 1,
	  OPT_CLEAR, verb_faults },
	{ "domain create", "NAME",
	  "[--on-ask release|refuse|ignore|late=TIME] [--memory SIZE]",
	  "a new guest", 1, 1, OPT_ON_ASK | OPT_MEMORY, verb_domain_create },
	{ "domain destroy", "DOMAIN", "", "end a guest", 1, 1, 0,
	  verb_domain_destroy },
	{ "domain list", "", "", "guests and special owners", 0, 0, 0,
	  verb_domain_list },
	{ "domain show", "DOMAIN", "", "its memory, devices and interrupts", 1,
	  1, 0, verb_domain_show },
	{ "config read", "DEV REG", "[--size 1|2|4]", "read a register", 2, 2,
	  OPT_SIZE, verb_config_read },
	{ "config write", "DEV REG VALUE", "[--size 1|2|4]", "write a register",
	  3, 3, OPT_SIZE, verb_config_write },
	{ "config dump", "[DEV]", "", "as lspci -xxxx prints it", 0, 1, 0,
	  verb_config_dump },
	{ "guest DOMAIN config read", "GUEST-ADDRESS REG", "[--size 1|2|4]",
	  "read a register as the guest does", 2, 2, OPT_SIZE,
	  verb_config_read },
	{ "guest DOMAIN config write", "GUEST-ADDRESS REG VALUE",
	  "[--size 1|2|4]", "write it as the guest does", 3, 3, OPT_SIZE,
	  verb_config_write },
	{ "guest DOMAIN config dump", "[GUEST-ADDRESS]", "",
	  "what the guest sees, as lspci -xxxx prints it", 0, 1, 0,
	  verb_config_dump },
	{ "policy show", "[NAME|DEV]", "",
	  "what guests see of capabilities; all policies", 0, 1, 0,
	  verb_policy_show },
	{ "policy check", "FILE", "", "may it be given to a guest?", 1, 1, 0,
	  verb_policy_check },
	{ "policy load", "DEV FILE", "", "for the next guest of the device", 2,
	  2, 0, verb_policy_load },
	{ "policy reset", "DEV", "", "back to the policy guest", 1, 1, 0,
	  verb_policy_reset },
	{ "fabric slots", "", "", "slots of the simulated host", 0, 0, 0,
	  verb_fabric_slots },
	{ "fabric cards", "", "", "cards that can be plugged", 0, 0, 0,
	  verb_fabric_cards },
	{ "fabric plug", "SLOT CARD", "", "put a card into a slot", 2, 2, 0,
	  verb_fabric_plug },
	{ "fabric unplug", "SLOT", "", "take the card out, after its removal",
	  1, 1, 0, verb_fabric_unplug },
	{ "fabric surprise", "DEV", "", "pull it without a word", 1, 1, 0,
	  verb_fabric_surprise },
	{ "fabric fault", "DEV FAULT [VALUE]", "", "make it misbehave", 2, 3, 0,
	  verb_fabric_fault },
	{ "fabric faults", "", "", "which devices misbehave", 0, 0, 0,
	  verb_fabric_faults },
	{ "fabric traffic", "DOMAIN start|stop|show",
	  "[--threads N] [--rate N]", "a guest's threads use its devices", 2, 2,
	  OPT_THREADS | OPT_RATE, verb_fabric_traffic },
	{ "fabric tester",
	  "DEV show|read|write|copy|interrupt|stop [NUMBER] [NUMBER]",
	  "[--length N] [--run]", "a card's DMA and interrupts", 2, 4,
	  OPT_LENGTH | OPT_RUN, verb_fabric_tester },
	{ "fabric witness", "[DEV]", "", "what the hardware saw", 0, 1, 0,
	  verb_fabric_witness },
	{ "events", "", "[--count N]", "what happens, as it happens", 0, 0,
	  OPT_COUNT, verb_events },
	{ "stats", "", "", "counts of the daemon", 0, 0, 0, verb_stats },
	{ "version", "", "", "of the command and of the daemon", 0, 0, 0,
	  verb_version },
	{ "help", "[VERB]", "", "this, or one verb with its options", 0, 4, 0,
	  verb_help },
};

const unsigned int verb_count = sizeof(verbs) / sizeof(verbs[0]);

/* How many words of @word are @name; one in capitals is any. 0: they are not. */
static unsigned int match(const char *name, char **word)
{
	for (unsigned int n = 0; word[n]; n++) {
		size_t len = strcspn(name, " ");

		if (!isupper((unsigned char)*name) &&
		    (strncmp(name, word[n], len) || word[n][len]))
			return 0;
		if (!name[len])
			return n + 1;
		name += len + 1;
	}
	return 0;
}

const struct verb *verb_find(char **word, unsigned int *words)
{
	for (unsigned int i = 0; i < verb_count; i++) {
		*words = match(verbs[i].name, word);
		if (*words)
			return &verbs[i];
	}
	return NULL;
}

bool verb_is_group(const char *word)
{
	size_t len = strlen(word);

	for (unsigned int i = 0; i < verb_count; i++)
		if (!strncmp(verbs[i].name, word, len) &&
		    verbs[i].name[len] == ' ')
			return true;
	return false;
}

static void print_json_help(void)
{
	json_object *all = json_object_new_array();

	for (unsigned int i = 0; i < verb_count; i++) {
		json_object *verb = cli_params("name", verbs[i].name);

		js_add(verb, "args", verbs[i].args);
		js_add(verb, "options", verbs[i].opts);
		js_add(verb, "what", verbs[i].what);
		json_object_array_add(all, verb);
	}
	cli_print_json(all);
	json_object_put(all);
}

void verb_usage(FILE *out, const struct verb *verb)
{
	fprintf(out, "usage: holdfast %s%s%s%s%s\n", verb->name,
		verb->args[0] ? " " : "", verb->args, verb->opts[0] ? " " : "",
		verb->opts);
}

static void print_one(const struct verb *verb)
{
	verb_usage(stdout, verb);
	printf("  %s\n", verb->what);
}

static void print_all(const struct cli *cli)
{
	static const struct table_column column[] = {
		{ "VERB", .least = 24 },
		{ "WHAT IT DOES", .least = 16 },
	};
	struct table *table = table_new(column, 2);

	puts("holdfast: ask and tell holdfastd about the PCI devices of this "
	     "host\n");
	for (unsigned int i = 0; i < verb_count; i++) {
		table_cell(table, PLAIN, "%s%s%s", verbs[i].name,
			   verbs[i].args[0] ? " " : "", verbs[i].args);
		table_cell(table, PLAIN, "%s", verbs[i].what);
	}
	table_print(table, stdout, cli->width, cli->colours);
	table_free(table);
	puts("\nEverywhere: --json, --socket PATH (or HOLDFAST_SOCKET), "
	     "--help.\nDEV is an address such as 0000:03:00.0; times are "
	     "500ms, 2s, 1m.\nExit status: 0 done, 1 error, 2 usage, 75 busy. "
	     "More: man holdfast");
}

int verb_help(struct cli *cli)
{
	const struct verb *verb;
	unsigned int words;

	if (cli->json) {
		print_json_help();
	} else if (!cli->arg[0]) {
		print_all(cli);
	} else if (verb_is_group(cli->arg[0]) && !cli->arg[1]) {
		for (unsigned int i = 0; i < verb_count; i++)
			if (!strncmp(verbs[i].name, cli->arg[0],
				     strlen(cli->arg[0])))
				print_one(&verbs[i]);
	} else {
		verb = verb_find(cli->arg, &words);
		if (!verb)
			return cli_usage_error(NULL, "there is no verb %s",
					       cli->arg[0]);
		print_one(verb);
	}
	return EXIT_OK;
}
