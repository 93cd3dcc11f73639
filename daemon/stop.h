/* SPDX-License-Identifier: BSD-2-Clause */
/* The clean end: no answer is lost, no operation is left running. */
#ifndef DAEMON_STOP_H
#define DAEMON_STOP_H

#include <stdbool.h>

/* SIGTERM and SIGINT begin it from now on. 0 or -errno. */
int stop_init(void);

/* Nothing new is begun any more. */
bool stop_begun(void);

/* Something ended; end the loop if it was the last. */
void stop_check(void);

#endif
