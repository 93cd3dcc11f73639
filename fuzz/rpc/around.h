/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is around the daemon's methods in this target: its loop and its threads
 * are tasks (serial.h), and clients are lines of the input and a judge of what
 * comes back. In place of daemon/{loop,client,server,stop,log,main}.c.
 */
#ifndef FUZZ_RPC_AROUND_H
#define FUZZ_RPC_AROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEOPLE 2 /* clients: root, and one who may look only */

/* --- loop.c ------------------------------------------------------------------- */

/* One round: posts, what workers have done, timers; without waiting. */
void around_turn(void);
/* Rounds until done(), or the clock has gone on by @limit. */
void around_run(bool (*done)(void), uint64_t limit);
/* From now on the daemon is stopping; until the next begin. */
void around_stop(void);
void around_begin(void);

/* --- clients.c ------------------------------------------------------------------ */

/* @who sends @line; waits as the daemon does, if it has too much unanswered. */
void around_say(unsigned int who, const char *line, size_t len);
/* Has everything been answered that is to be? */
bool around_all_answered(void);
void around_forget(void);

#endif
