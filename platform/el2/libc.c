/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What compilers call unasked, and what libfdt wants of a C library. Compiled
 * so that the compiler does not make these loops into calls of themselves.
 */
#include "libc.h"

#include <holdfast/platform.h>

/* Words of anything: exempt from the rules on aliasing. */
typedef uint64_t __attribute__((may_alias)) word_t;

static bool aligned(const void *a, const void *b)
{
	return !(((uintptr_t)a | (uintptr_t)b) & (sizeof(word_t) - 1));
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	const unsigned char *from = src;
	unsigned char *to = dst;

	if (aligned(to, from)) {
		for (; n >= sizeof(word_t); n -= sizeof(word_t)) {
			*(word_t *)to = *(const word_t *)from;
			to += sizeof(word_t);
			from += sizeof(word_t);
		}
	}
	while (n--)
		*to++ = *from++;
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	const unsigned char *from = src;
	unsigned char *to = dst;

	if ((uintptr_t)to - (uintptr_t)from >= n)
		return memcpy(dst, src, n);
	while (n--)
		to[n] = from[n];
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	uint64_t word = (unsigned char)c * 0x0101010101010101ull;
	unsigned char *to = dst;

	if (aligned(to, to)) {
		for (; n >= sizeof(word_t); n -= sizeof(word_t)) {
			*(word_t *)to = word;
			to += sizeof(word_t);
		}
	}
	while (n--)
		*to++ = (unsigned char)c;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const unsigned char *p = s;

	for (; n; n--, p++)
		if (*p == (unsigned char)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

size_t strlen(const char *s)
{
	return strnlen(s, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--)
		a++, b++;
	return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	return memchr(s, c, strlen(s) + 1);
}

char *strrchr(const char *s, int c)
{
	size_t n = strlen(s) + 1;

	while (n--)
		if (s[n] == (char)c)
			return (char *)(uintptr_t)(s + n);
	return NULL;
}

static unsigned int digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 0x20; /* to lower case */
	return c >= 'a' && c <= 'z' ? (unsigned int)(c - 'a') + 10 : 36;
}

unsigned long strtoul(const char *s, char **end, int base)
{
	unsigned long n = 0;

	if ((!base || base == 16) && s[0] == '0' && (s[1] | 0x20) == 'x' &&
	    digit(s[2]) < 16) {
		base = 16;
		s += 2;
	}
	if (!base)
		base = *s == '0' ? 8 : 10;
	for (; digit(*s) < (unsigned int)base; s++)
		if (__builtin_mul_overflow(n, (unsigned long)base, &n) ||
		    __builtin_add_overflow(n, digit(*s), &n))
			n = ~0ul;
	if (end)
		*end = (char *)(uintptr_t)s;
	return n;
}

/* A library that was built with a stack protector (libfdt) looks at these. */
uintptr_t __stack_chk_guard = 0x595e9fbd94fda766;

void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
	plat_bug("a stack was overrun");
}
