/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: lines, formatted on the stack of whoever speaks, written out whole
 * under one lock.
 */
#include "el2.h"

#define LINE_LEN 256

static plat_lock_t console;
static enum plat_level loudest = PLAT_INFO;

void plat_log_level(enum plat_level level)
{
	loudest = level;
}

static size_t line_of(char *line, enum plat_level level, const char *fmt,
		      va_list args)
{
	static const char *const name[] = { "error: ", "warning: ", "",
					    "debug: " };
	int len = plat_snprintf(line, LINE_LEN, "holdfast: %s", name[level]);

	len += plat_vsnprintf(line + len, LINE_LEN - (size_t)len, fmt, args);
	if (len > LINE_LEN - 2)
		len = LINE_LEN - 2;
	line[len++] = '\n';
	return (size_t)len;
}

void plat_log(enum plat_level level, const char *fmt, ...)
{
	char line[LINE_LEN];
	va_list args;
	size_t len;

	if (level > loudest)
		return;
	va_start(args, fmt);
	len = line_of(line, level, fmt, args);
	va_end(args);
	plat_lock(&console);
	board_console(line, len);
	plat_unlock(&console);
}

/* Not under the lock: the mistake may be its holder's. */
void plat_bug(const char *fmt, ...)
{
	char line[LINE_LEN];
	va_list args;

	va_start(args, fmt);
	board_console(line, line_of(line, PLAT_ERROR, fmt, args));
	va_end(args);
	board_stop();
}
