// SPDX-License-Identifier: BSD-2-Clause
/* Lengths of time: reading what was typed, printing what was measured. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "duration.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static const struct {
	const char *name;
	uint64_t ms;
} units[] = {
	{ "ms", 1 },
	{ "s", SECOND },
	{ "m", MINUTE },
	{ "h", HOUR },
};

int duration_parse(const char *text, uint64_t *ms)
{
	uint64_t n = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > HOUR)
			return -ERANGE;
	}
	if (p == text)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(p, units[i].name))
			continue;
		if (n * units[i].ms > HOUR)
			return -ERANGE;
		*ms = n * units[i].ms;
		return 0;
	}
	return -EINVAL;
}

char *duration_print(char buf[static DURATION_LEN], uint64_t ms)
{
	if (ms < SECOND)
		snprintf(buf, DURATION_LEN, "%" PRIu64 " ms", ms);
	else if (ms < MINUTE)
		snprintf(buf, DURATION_LEN, "%" PRIu64 " s", ms / SECOND);
	else if (ms < HOUR)
		snprintf(buf, DURATION_LEN, "%" PRIu64 " min %" PRIu64 " s",
			 ms / MINUTE, ms % MINUTE / SECOND);
	else
		snprintf(buf, DURATION_LEN, "%" PRIu64 " h %" PRIu64 " min",
			 ms / HOUR, ms % HOUR / MINUTE);
	return buf;
}
