/* SPDX-License-Identifier: BSD-2-Clause */
/* See log.h. A line is one write(), so that threads do not mix theirs. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_name[] = { "error", "warning", "info", "debug" };

static void put_line(const char *what, const char *text)
{
	struct timespec ts;
	char line[640];
	ssize_t written;
	struct tm tm;
	int len;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	len = snprintf(
		line, sizeof(line),
		"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ holdfastd: %s%s%s\n",
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000000, what,
		*what ? ": " : "", text);
	if (len >= (int)sizeof(line)) {
		len = sizeof(line) - 1;
		line[len - 1] = '\n';
	}
	written = write(STDERR_FILENO, line, (size_t)len);
	(void)written; /* there is nowhere to say it */
}

static void sink(enum plat_level level, const char *text)
{
	put_line(level_name[level], text);
}

int log_init(const char *level)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_name); i++) {
		if (strcmp(level, level_name[i]))
			continue;
		plat_log_to(sink);
		plat_log_level((enum plat_level)i);
		return 0;
	}
	return -EINVAL;
}

void log_always(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	put_line("", text);
}
