// SPDX-License-Identifier: BSD-2-Clause
/*
 * holdfast: the command. Reads the command line, finds the verb, checks that its
 * arguments and options fit, runs it.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "duration.h"

enum { NO_WAIT = 1 << 24, SOCKET, JSON, HELP, VERSION };

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, SOCKET },
	{ "json", no_argument, NULL, JSON },
	{ "help", no_argument, NULL, HELP },
	{ "version", no_argument, NULL, VERSION },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "ask", no_argument, NULL, OPT_ASK },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "slot", no_argument, NULL, OPT_SLOT },
	{ "wait", no_argument, NULL, OPT_WAIT },
	{ "no-wait", no_argument, NULL, NO_WAIT },
	{ "reason", required_argument, NULL, OPT_REASON },
	{ "on-ask", required_argument, NULL, OPT_ON_ASK },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "owner", required_argument, NULL, OPT_OWNER },
	{ "at", required_argument, NULL, OPT_AT },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "group", no_argument, NULL, OPT_GROUP },
	{ "relaxed", no_argument, NULL, OPT_RELAXED },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "method", required_argument, NULL, OPT_METHOD },
	{ "clear", no_argument, NULL, OPT_CLEAR },
	{ "length", required_argument, NULL, OPT_LENGTH },
	{ "run", no_argument, NULL, OPT_RUN },
	{ NULL, 0, NULL, 0 },
};

static const char *option_name(int option)
{
	const struct option *o = long_options;

	while (o->name && o->val != option)
		o++;
	return o->name;
}

static int set_number(uint32_t *number, int option, const char *text,
		      uint32_t most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || !value || value > most)
		return cli_usage_error(NULL,
				       "--%s is a number from 1 to %u, "
				       "not %s",
				       option_name(option), most, text);
	*number = (uint32_t)value;
	return EXIT_OK;
}

static int set_timeout(struct cli *cli, const char *text)
{
	int error = duration_parse(text, &cli->timeout_ms);

	if (error == -ERANGE)
		return cli_usage_error(NULL,
				       "--timeout is an hour at most, "
				       "not %s",
				       text);
	if (error)
		return cli_usage_error(NULL,
				       "--timeout is a time such as "
				       "500ms, 2s or 1m, not %s",
				       text);
	return EXIT_OK;
}

static int set_size(struct cli *cli, const char *text)
{
	if (strcmp(text, "1") && strcmp(text, "2") && strcmp(text, "4"))
		return cli_usage_error(NULL,
				       "--size is 1, 2 or 4 bytes, not "
				       "%s",
				       text);
	cli->size = (uint32_t)(*text - '0');
	return EXIT_OK;
}

/* "64K", "1M", or bytes. */
static int set_memory(struct cli *cli, const char *text)
{
	unsigned int shift = 0;
	char *end;

	cli->memory = strtoull(text, &end, 10);
	if (*end == 'K' || *end == 'M')
		shift = *end++ == 'K' ? 10 : 20;
	if (!isdigit((unsigned char)*text) || *end || !cli->memory ||
	    cli->memory > UINT32_MAX)
		return cli_usage_error(NULL,
				       "--memory is a size such as 4096, 64K "
				       "or 1M, not %s",
				       text);
	cli->memory <<= shift;
	return EXIT_OK;
}

static int set_method(struct cli *cli, const char *text)
{
	if (strcmp(text, "flr") && strcmp(text, "af") && strcmp(text, "pm") &&
	    strcmp(text, "bus"))
		return cli_usage_error(
			NULL, "--method is flr, af, pm or bus, not %s", text);
	cli->method = text;
	return EXIT_OK;
}

/* An option that only some verbs take. */
static int set_option(struct cli *cli, int option)
{
	cli->given |= (unsigned int)option;
	switch (option) {
	case OPT_TIMEOUT:
		return set_timeout(cli, optarg);
	case OPT_SIZE:
		return set_size(cli, optarg);
	case OPT_THREADS:
		return set_number(&cli->threads, option, optarg, 8);
	case OPT_RATE:
		return set_number(&cli->rate, option, optarg, 1000000000);
	case OPT_COUNT:
		return set_number(&cli->count, option, optarg, 1000000000);
	case OPT_LENGTH:
		return set_number(&cli->length, option, optarg, 65536);
	case OPT_MEMORY:
		return set_memory(cli, optarg);
	case OPT_METHOD:
		return set_method(cli, optarg);
	case OPT_WAIT:
		cli->no_wait = false;
		break;
	case OPT_REASON:
		cli->reason = optarg;
		break;
	case OPT_ON_ASK:
		cli->on_ask = optarg;
		break;
	case OPT_OWNER:
		cli->owner = optarg;
		break;
	case OPT_AT:
		cli->at = optarg;
		break;
	}
	return EXIT_OK;
}

static int read_options(struct cli *cli, int argc, char **argv)
{
	int option, status = EXIT_OK;

	while (!status && (option = getopt_long(argc, argv, "h", long_options,
						NULL)) >= 0) {
		switch (option) {
		case SOCKET:
			cli->socket = optarg;
			break;
		case JSON:
			cli->json = true;
			break;
		case 'h':
		case HELP:
			cli->help = true;
			break;
		case VERSION:
			cli->version = true;
			break;
		case NO_WAIT:
			cli->given |= OPT_WAIT;
			cli->no_wait = true;
			break;
		case '?':
			return EXIT_USAGE; /* getopt has said what it is */
		default:
			status = set_option(cli, option);
		}
	}
	return status;
}

/* Do the words after the verb, and the options, fit it? */
static int check(const struct cli *cli)
{
	const struct verb *verb = cli->verb;
	unsigned int wrong = cli->given & ~verb->options, count = 0;

	while (cli->arg[count])
		count++;
	if (count < verb->least)
		return cli_usage_error(verb, "%s needs more than that",
				       verb->name);
	if (count > verb->most)
		return cli_usage_error(verb, "%s is one word too many",
				       cli->arg[verb->most]);
	if (wrong)
		return cli_usage_error(verb, "%s takes no --%s", verb->name,
				       option_name((int)(wrong & -wrong)));
	return EXIT_OK;
}

static int find_verb(struct cli *cli, char **word)
{
	static char *help[] = { "help", NULL };
	static char *version[] = { "version", NULL };
	unsigned int words = 0;

	if (cli->version)
		word = version;
	if (!*word && cli->help)
		word = help;
	if (!*word)
		return cli_usage_error(NULL, "what shall it do?");
	cli->verb = verb_find(word, &words);
	cli->arg = word + words;
	if (cli->verb) {
		cli->domain = words > 2 ? word[1] : NULL;
		return EXIT_OK;
	}
	if (verb_is_group(*word) && word[1])
		return cli_usage_error(NULL,
				       "there is no verb %s %s; `holdfast "
				       "help %s`",
				       word[0], word[1], word[0]);
	if (verb_is_group(*word))
		return cli_usage_error(NULL, "%s what? `holdfast help %s`",
				       word[0], word[0]);
	return cli_usage_error(NULL, "there is no verb %s", word[0]);
}

/* COLUMNS, else the terminal's, else no limit. */
static unsigned int terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;
	struct winsize size;

	if (width > 0 && width < 10000)
		return (unsigned int)width;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return 0;
	return size.ws_col;
}

static bool want_colours(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term &&
	       strcmp(term, "dumb");
}

int main(int argc, char **argv)
{
	const char *socket = getenv("HOLDFAST_SOCKET");
	struct cli cli = {
		.socket = socket && *socket ? socket : DEFAULT_SOCKET,
		.width = terminal_width(),
		.colours = want_colours(),
	};
	int status;

	setlocale(LC_CTYPE, "");
	status = read_options(&cli, argc, argv);
	if (!status)
		status = find_verb(&cli, argv + optind);
	if (status)
		return status;
	if (cli.help && cli.verb->run != verb_help) {
		cli.arg = argv + optind;
		return verb_help(&cli);
	}
	status = check(&cli);
	if (!status)
		status = cli.verb->run(&cli);
	if (cli.connected)
		rpc_close(&cli.rpc);
	if (fflush(stdout) || ferror(stdout))
		return cli_error("the output could not be written");
	return status;
}
