// SPDX-License-Identifier: BSD-2-Clause
/*
 * Waiting for a removal. The request waits in the daemon; on a terminal the
 * same connection asks ten times a second how far it is, for a line that is
 * overwritten. Ctrl-C ends the waiting, never the removal.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "memory.h"

#define TICK_MS 100

struct spinner {
	const char *dev;
	bool shown; /* stderr is a terminal that can overwrite a line */
	unsigned int tick;
	int asked; /* id of the question under way, 0: none */
	char phase[16];
	int64_t left_ms;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void catch_interrupt(void)
{
	struct sigaction action = { .sa_handler = on_interrupt };

	sigaction(SIGINT, &action, NULL); /* no SA_RESTART: poll() returns */
}

static bool can_spin(const struct cli *cli)
{
	const char *term = getenv("TERM");

	return !cli->json && isatty(STDERR_FILENO) && term &&
	       strcmp(term, "dumb");
}

static void draw(const struct spinner *spin)
{
	static const char wheel[] = "|/-\\";

	if (!spin->shown || !spin->phase[0])
		return;
	fprintf(stderr, "\r%c %s: %s, %lld.%lld s left\033[K",
		wheel[spin->tick % 4], spin->dev, spin->phase,
		(long long)(spin->left_ms / 1000),
		(long long)(spin->left_ms / 100 % 10));
}

static void erase(const struct spinner *spin)
{
	if (spin->shown)
		fputs("\r\033[K", stderr);
}

/* A tenth of a second passed: turn, and ask how far it is. */
static void turn(struct cli *cli, struct spinner *spin)
{
	spin->tick++;
	spin->left_ms = spin->left_ms > TICK_MS ? spin->left_ms - TICK_MS : 0;
	draw(spin);
	if (spin->shown && !spin->asked)
		spin->asked = rpc_send(&cli->rpc, "removal",
				       cli_params("sbdf", spin->dev));
}

static void heard(struct cli *cli, struct spinner *spin, json_object *msg)
{
	json_object *removal = js_get(msg, "result");

	cli_make_harmless(cli, msg);
	spin->asked = 0;
	if (!removal || js_bool(removal, "done"))
		return;
	snprintf(spin->phase, sizeof(spin->phase), "%s",
		 js_str(removal, "phase"));
	spin->left_ms = js_int(removal, "left_ms");
}

static int give_up(struct cli *cli, struct spinner *spin, int error)
{
	erase(spin);
	if (error != -EINTR)
		return cli_no_answer(cli, error);
	cli_error("the removal of %s goes on; `holdfast removal %s` shows it, "
		  "`holdfast cancel %s` ends it",
		  spin->dev, spin->dev, spin->dev);
	return EXIT_SIGINT;
}

int cli_wait_removal(struct cli *cli, const char *dev, json_object *params,
		     json_object **result)
{
	struct spinner spin = { .dev = dev, .shown = can_spin(cli) };
	json_object *msg;
	int id, error, status = cli_connect(cli);

	if (status) {
		json_object_put(params);
		return status;
	}
	catch_interrupt();
	/* As in cli_ask(): who hung up at once may have said why. */
	id = rpc_send(&cli->rpc, "remove", params);
	for (;;) {
		error = rpc_receive(&cli->rpc, TICK_MS, &msg);
		if (error == -ETIMEDOUT || error == -EINTR) {
			if (interrupted)
				return give_up(cli, &spin, -EINTR);
			turn(cli, &spin);
			continue;
		}
		if (error)
			return give_up(cli, &spin, error);
		if (rpc_answers(msg, id) || rpc_refused(msg))
			break;
		if (rpc_answers(msg, spin.asked))
			heard(cli, &spin, msg);
		json_object_put(msg);
	}
	erase(&spin);
	return cli_result(cli, msg, result);
}
