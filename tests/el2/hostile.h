/* SPDX-License-Identifier: BSD-2-Clause */
/* What hostile kernels have in common: a console, and exceptions that are said. */
#ifndef TESTS_EL2_HOSTILE_H
#define TESTS_EL2_HOSTILE_H

#include <stdint.h>

#define UART 0x09000000ul

uint64_t taken;     /* by hostile.S: ESR_EL1 of the last exception */
void hostile(void); /* called by it */

static inline void put(const char *text)
{
	for (; *text; text++)
		*(volatile uint32_t *)UART = (uint8_t)*text;
}

static inline void put_hex(uint64_t val)
{
	int shift = 60;

	while (shift && !(val >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*(volatile uint32_t *)UART =
			(uint8_t) "0123456789abcdef"[val >> shift & 15];
}

/* "story: WHAT class C fault F", or that it was none. */
static inline void say_exception(const char *what)
{
	put("story: ");
	put(what);
	if (taken) {
		put(" class ");
		put_hex(taken >> 26);
		put(" fault ");
		put_hex(taken & 0x3f);
	} else {
		put(" none");
	}
	put("\n");
	taken = 0;
}

static inline void say_value(const char *what, uint64_t val)
{
	put("story: ");
	put(what);
	put(" ");
	put_hex(val);
	put("\n");
}

#define TRY(what, insn, ...)                                           \
	do {                                                           \
		__asm__ volatile(".arch armv8.5-a+sve\n\t" insn        \
				 :                                     \
				 : __VA_ARGS__                         \
				 : "x0", "x1", "x2", "x30", "memory"); \
		say_exception(what);                                   \
	} while (0)

#endif
