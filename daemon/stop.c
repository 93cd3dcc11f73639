/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of the end: what clients had sent before the signal is still
 * read; then the socket goes, running removals are cancelled, every client
 * gets the answers to what it asked, and the loop ends when the last removal,
 * worker and client has.
 */
#include "stop.h"

#include <signal.h>

#include "client.h"
#include "domains.h"
#include "loop.h"
#include "removals.h"
#include "server.h"

/* A client that does not read its last answers is not waited for longer. */
#define PATIENCE_MS 5000

/*
 * Rounds of the loop after the signal in which input is still taken: one to
 * accept who was waiting, one to read what they sent, and one to spare.
 */
#define LAST_ROUNDS 3

static uv_signal_t on_term, on_int;
static uv_idle_t hurry; /* keeps the loop from waiting meanwhile */
static uv_check_t rounds;
static uv_timer_t patience;
static unsigned int rounds_left = LAST_ROUNDS;
static bool begun, closing;

static void lose_patience(uv_timer_t *timer)
{
	(void)timer;
	clients_abandon();
	stop_check();
}

static void round_over(uv_check_t *check)
{
	if (--rounds_left)
		return;
	uv_check_stop(check);
	uv_idle_stop(&hurry);
	closing = true;
	server_close();
	removals_stop();
	domains_stop();
	clients_finish();
	uv_timer_start(&patience, lose_patience, PATIENCE_MS, PATIENCE_MS);
	stop_check();
}

static void idle(uv_idle_t *handle)
{
	(void)handle;
}

static void begin(uv_signal_t *handle, int signum)
{
	(void)handle;
	(void)signum;
	if (begun)
		return;
	begun = true;
	server_take_rest();
	uv_idle_start(&hurry, idle);
	uv_check_start(&rounds, round_over);
}

int stop_init(void)
{
	int err;

	signal(SIGPIPE, SIG_IGN);
	uv_idle_init(&main_loop, &hurry);
	uv_check_init(&main_loop, &rounds);
	uv_timer_init(&main_loop, &patience);
	uv_signal_init(&main_loop, &on_term);
	uv_signal_init(&main_loop, &on_int);
	err = uv_signal_start(&on_term, begin, SIGTERM);
	if (!err)
		err = uv_signal_start(&on_int, begin, SIGINT);
	return err;
}

bool stop_begun(void)
{
	return begun;
}

void stop_check(void)
{
	if (closing && !clients_count() && !removals_running() && !loop_busy())
		uv_stop(&main_loop);
}
