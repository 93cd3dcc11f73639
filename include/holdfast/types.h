/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few basics that a freestanding C11 build does not bring: fixed-width
 * types come from the compiler, the rest is here.
 */
#ifndef HOLDFAST_TYPES_H
#define HOLDFAST_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Not from <limits.h>: that of a hosted gcc wants the C library's. */
#ifndef UINT_MAX
#define UINT_MAX (~0u)
#endif

#define __must_check __attribute__((warn_unused_result))
/* Of a hot path, and beside one: also where the compiler thinks better. */
#ifndef hf_inline
#define hf_inline inline __attribute__((always_inline))
#endif
#define hf_likely(cond) __builtin_expect(!!(cond), 1)
#define hf_unlikely(cond) __builtin_expect(!!(cond), 0)
/* In one arm of an if: the compiler does not do both and choose. */
#define hf_branch() __asm__ volatile("")
#define hf_noinline __attribute__((noinline))
#define hf_printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr)-offsetof(type, member)))

/* Members of a struct that are a struct TAG, too, by the name of @name. */
#define hf_struct_group(tag, name, ...) \
	union {                         \
		struct {                \
			__VA_ARGS__     \
		};                      \
		struct tag {            \
			__VA_ARGS__     \
		} name;                 \
	}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * The linker's name of a function whose C name libpci has too: a program that
 * uses both would else have one silently take the other's place. Comes before
 * the attributes of a declaration.
 */
#define hf_symbol(name) __asm__("holdfast_" #name)

/* The C library's or, on a freestanding target, the embedder's. */
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif
