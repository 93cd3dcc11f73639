/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of a C library that the hypervisor has, with C's own contracts. */
#ifndef PLATFORM_EL2_LIBC_H
#define PLATFORM_EL2_LIBC_H

#include <holdfast/types.h> /* memcpy, memset, memcmp */

void *memmove(void *dst, const void *src, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
/* White space and signs are no part of a number here. */
unsigned long strtoul(const char *s, char **end, int base);

#endif
