/* SPDX-License-Identifier: BSD-2-Clause */
/* From the core's events to notifications of subscribers. */
#ifndef DAEMON_EVENTS_H
#define DAEMON_EVENTS_H

#include <holdfast/types.h>

/*
 * Before the first device: counts, so that the number of the last event is
 * known. From events_start() on they go to subscribers, too.
 */
void events_init(void);
void events_start(void);
/* After it nothing comes from the core any more. */
void events_stop(void);

/* The last that subscribers were sent, or were told that it is lost. */
uint64_t events_sent_seq(void);
/* How many never came to the loop, because it could not keep up. */
uint64_t events_dropped(void);

#endif
