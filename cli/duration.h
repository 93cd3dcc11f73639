/* SPDX-License-Identifier: BSD-2-Clause */
/* Lengths of time as people write and read them. */
#ifndef HOLDFAST_CLI_DURATION_H
#define HOLDFAST_CLI_DURATION_H

#include <stddef.h>
#include <stdint.h>

/*
 * "500ms", "2s", "1m", "1h": a decimal number and its unit, nothing else.
 * Returns 0 and milliseconds; -EINVAL malformed or without a unit; -ERANGE
 * above one hour, the longest that anything here waits.
 */
int duration_parse(const char *text, uint64_t *ms);

#define DURATION_LEN 24

/* "450 ms", "3 s", "2 min 5 s", "3 h 10 min"; two units at most. @buf. */
char *duration_print(char buf[static DURATION_LEN], uint64_t ms);

#endif
