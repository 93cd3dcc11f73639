/* SPDX-License-Identifier: BSD-2-Clause */
/* Clock and console of a toy hypervisor that is run as a program. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <holdfast/platform.h>

uint64_t plat_now(void)
{
	return (uint64_t)clock() * (PLAT_NSEC_PER_SEC / CLOCKS_PER_SEC);
}
void plat_log(enum plat_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}
void plat_bug(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	__builtin_trap();
}
