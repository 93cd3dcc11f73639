/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform "posix" with one thread and a clock of its own, for targets in
 * which calls wait for each other: linked with --wrap (fuzz/run), so that the
 * same input runs the same way each time, and nothing waits in real time.
 *
 * A task is a coroutine. Tasks change only where the core says that it may
 * sleep: in an event's wait, in a grace period, at a lock that is taken. There
 * nobody may be in a section or have a lock of the core, which is asserted. The
 * clock goes on when all wait, to the first deadline; if none has one, that is
 * a deadlock and a finding.
 *
 * A grace period that is waited for is over at once, one that is polled with
 * the second look; callbacks run then, so what is used after it was freed is
 * seen by AddressSanitizer.
 */
#ifndef FUZZ_SERIAL_H
#define FUZZ_SERIAL_H

#include <holdfast/platform.h>

struct serial_task;

/* Once, before the core's first call. Before it all is as without. */
void serial_start(void);
bool serial_started(void);
/* Before each input: the clock is where it was before the last. */
void serial_begin(void);

/*
 * The next of @n tasks (or more) that could go on; NULL, or what it returns
 * beyond the last: the one that has waited longest.
 */
extern unsigned int (*serial_choose)(unsigned int n);

struct serial_task *serial_spawn(void (*run)(void *arg), void *arg);
/* To its end; frees it. */
void serial_join(struct serial_task *task);
bool serial_is_over(const struct serial_task *task);

/* Until ready(arg), or @deadline: then false. Tasks only. */
bool serial_wait(bool (*ready)(void *arg), void *arg, uint64_t deadline);
/* Let all others go on as far as they can without the clock. */
void serial_settle(void);
/* The clock goes on by so much, whoever waits. */
void serial_pass(uint64_t nanoseconds);

/* The allocation that fails, once; 1: the next one; 0: none. */
extern unsigned int serial_fail_alloc;

/* Run what waits for a grace period. */
void serial_callbacks(void);

#endif
