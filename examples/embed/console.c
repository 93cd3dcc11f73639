/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log of the toy hypervisor: as much of printf as the core promises to use
 * (holdfast/platform.h), character by character.
 */
#include <stdarg.h>

#include <holdfast/platform.h>

#include "machine.h"

static void put_string(const char *s)
{
	while (*s)
		machine_putc(*s++);
}

static void put_number(unsigned long long n, unsigned int base)
{
	char digits[24];
	unsigned int i = sizeof(digits) - 1;

	digits[i] = '\0';
	do
		digits[--i] = "0123456789abcdef"[n % base];
	while (n /= base);
	put_string(digits + i);
}

static unsigned long long next_unsigned(va_list *args, unsigned int longs)
{
	if (longs == 0)
		return va_arg(*args, unsigned int);
	if (longs == 1)
		return va_arg(*args, unsigned long);
	return va_arg(*args, unsigned long long);
}

static void put_signed(int n)
{
	if (n < 0)
		machine_putc('-');
	put_number(n < 0 ? 0ull - (unsigned long long)n : (unsigned long long)n,
		   10);
}

/* One conversion, from behind its '%'. Returns what follows it. */
static const char *put_argument(const char *fmt, va_list *args)
{
	unsigned int longs = 0;

	while (*fmt == 'l') {
		longs++;
		fmt++;
	}
	switch (*fmt) {
	case 's':
		put_string(va_arg(*args, const char *));
		break;
	case 'd':
		put_signed(va_arg(*args, int));
		break;
	case 'u':
		put_number(next_unsigned(args, longs), 10);
		break;
	case 'x':
		put_number(next_unsigned(args, longs), 16);
		break;
	case 'p':
		put_string("0x");
		put_number((uintptr_t)va_arg(*args, void *), 16);
		break;
	case '\0':
		return fmt;
	default:
		machine_putc(*fmt);
	}
	return fmt + 1;
}

static void put_line(const char *fmt, va_list *args)
{
	while (*fmt) {
		if (*fmt == '%')
			fmt = put_argument(fmt + 1, args);
		else
			machine_putc(*fmt++);
	}
	machine_putc('\n');
}

void plat_log(enum plat_level level, const char *fmt, ...)
{
	va_list args;

	if (level == PLAT_DEBUG)
		return;
	va_start(args, fmt);
	put_line(fmt, &args);
	va_end(args);
}

void plat_bug(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put_line(fmt, &args);
	va_end(args);
	machine_stop();
}
