/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One call fails: the platform's allocations, and what a host does for the core.
 *
 * The platform is wrapped by the linker (meson.build), the host by tables of
 * functions that count, and pass on all calls but one. There is one thread, so
 * a run is the same each time: time passes when somebody waits, callbacks of
 * RCU run where a grace period may have ended.
 */
#ifndef TESTS_FAULTS_INJECT_H
#define TESTS_FAULTS_INJECT_H

#include "fabric.h"
#include "unit.h"

enum inject_kind {
	/* plat_zalloc() has nothing. */
	INJECT_MEMORY,
	/* Config: -EIO; 0 and all-ones; dead from this call on; retry status. */
	INJECT_READ_EIO,
	INJECT_READ_ONES,
	INJECT_WRITE_EIO,
	INJECT_DEAD,
	INJECT_RETRY,
	/* mem_read: 0 and all-ones. */
	INJECT_BAR_ONES,
	/* The IOMMU: what its contract allows; late: 1 ms; never: until revived. */
	INJECT_SPACE,
	INJECT_MAP,
	INJECT_ATTACH_ENOMEM,
	INJECT_ATTACH_EIO,
	INJECT_FLUSH_FULL,
	INJECT_FLUSH_EIO,
	INJECT_FLUSH_LATE,
	INJECT_FLUSH_NEVER,
	INJECT_FLUSH_DONE,
	INJECT_ATS_ENOMEM,
	INJECT_ATS_NONE,
	/* Interrupts: alloc. */
	INJECT_IRQ_ENOSPC,
	INJECT_IRQ_ENOMEM,
	/* A write that resets: does nothing; kills; takes 0.5 s, or too long. */
	INJECT_RESET_IGNORED,
	INJECT_RESET_DEAD,
	INJECT_RESET_SLOW,
	INJECT_RESET_LATE,
	INJECT_KINDS
};

/* Which errors a kind may lead to. */
enum {
	OF_MEMORY = 1 << 0,
	OF_CONFIG = 1 << 1,
	OF_UNIT = 1 << 2,     /* the IOMMU fails */
	OF_UNIT_MEM = 1 << 3, /* … for want of memory */
	OF_IRQ = 1 << 4,
	OF_RESET = 1 << 5,
	OF_HARDWARE = OF_CONFIG | OF_UNIT | OF_RESET,
};

const char *inject_name(enum inject_kind kind);
unsigned int inject_class(enum inject_kind kind);

/* Before the core knows of it. */
void inject_host(struct fabric *f);

/* The @nth of those calls that are made while it is on; 0: none. */
void inject_arm(enum inject_kind kind, unsigned int nth);
bool inject_on(bool on); /* returns what it was */
bool inject_fired(void);
enum inject_kind inject_kind(void);
/* What was dead for a while has missed writes, and nobody knows which. */
bool inject_loses_writes(void);
/* Nothing fails any more, and what is dead, silent or late is well again. */
void inject_revive(void);

/* What the test does to the host by itself is not counted. */
void inject_pause(void);
void inject_resume(void);

/* Objects that the core has allocated and not freed; callbacks have run. */
unsigned long inject_objects(void);
/* Where those were allocated that @since did not have. */
void inject_print_objects(uint64_t since);
uint64_t inject_now(void); /* the number of the next object */

#endif
