/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's log: one line a message on stderr, with time and level. */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <holdfast/platform.h>

/* Takes the core's messages too. "error", "warning", "info", "debug". */
int log_init(const char *level);

/* Whatever the level is. Any thread. */
void log_always(const char *fmt, ...) hf_printf_like(1, 2);

#endif
