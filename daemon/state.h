/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What outlives the daemon where the host is no simulation: pins, and why
 * devices are broken. One JSON file, replaced as a whole.
 */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

#include <stddef.h>

/*
 * Keep it in @dir, which is made if need be and is ours alone from now on;
 * and put what is there onto the devices: a record is for the device at this
 * address with this identity; others are dropped, with a line in the log.
 * 0, or -errno and a sentence in @err.
 */
int state_open(const char *dir, char *err, size_t size);
void state_close(void);

/*
 * Write it now. 0 (also without a state_open()) or -errno; then the file is
 * as it was. Any thread; sleeps.
 */
int state_save(void);

/* Write it soon. In the loop. */
void state_touch(void);

#endif
