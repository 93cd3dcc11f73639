/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform "el2" as a board sees it: what it calls beyond the contract in
 * holdfast/platform.h, and the functions that it gives.
 */
#ifndef PLATFORM_EL2_H
#define PLATFORM_EL2_H

#include <stdarg.h>

#include <holdfast/platform.h>

/* --- the board gives --------------------------------------------------------- */

/* Text for the console, whole lines with their newline; one call at a time. */
void board_console(const char *text, size_t len);
/* After a mistake of our own: no CPU goes on. */
void board_stop(void) __attribute__((noreturn));
/*
 * A piece of whatever is to be done and nobody waits for, plat_rcu_poll() among
 * it: called by a CPU that waits, and by the board on each way back to a guest. No
 * lock, no section. It may wait, too, and is called again then.
 */
void board_poll(void);

/* --- CPUs ----------------------------------------------------------------------
 * Before a CPU calls anything else of the platform, and once plat_this_cpu()
 * finds @cpu. @id below PLAT_EL2_CPUS, one for each; @cpu stays for ever. The
 * CPU counts as being in its guest.
 */
void plat_cpu_init(struct plat_cpu *cpu, unsigned int id);

/* --- RCU ------------------------------------------------------------------------
 * The first thing a CPU does that comes from its guest (or from being off), and
 * the last before it goes back (or off).
 */
void plat_rcu_enter(void);
void plat_rcu_leave(void);
/* In between: nothing that a section has found is in use on this CPU. */
void plat_rcu_quiescent(void);
/* Run what plat_rcu_call() queued and whose time has come. No lock, no section. */
void plat_rcu_poll(void);

/* --- memory ----------------------------------------------------------------------
 * Where plat_zalloc() takes from, once, before it is called. @base is aligned to
 * a page, @size a multiple of a page. What plat_zalloc() returns is aligned to
 * the least power of two that is not below its size, up to the pool's own
 * alignment: so tables for the MMU come from here, too.
 */
void plat_pool_init(void *base, size_t size);

struct plat_pool_stats {
	size_t size, used, peak; /* bytes */
	uint64_t failed;         /* allocations that found no room */
};
void plat_pool_stats(struct plat_pool_stats *stats);

/* --- text --------------------------------------------------------------------------
 * As C's vsnprintf with %d %i %u %x %X %c %s %p %%, the lengths hh h l ll z,
 * a width, the flags 0 and -, and for %s a precision. Always ends with a NUL if
 * @size is not 0; returns the length of the whole.
 */
int plat_vsnprintf(char *buf, size_t size, const char *fmt, va_list args);
int plat_snprintf(char *buf, size_t size, const char *fmt, ...)
	hf_printf_like(3, 4);

/* Lines above this level are dropped; PLAT_INFO unless told. */
void plat_log_level(enum plat_level level);

#endif
