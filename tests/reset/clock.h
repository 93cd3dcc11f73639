/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time for tests of what waits (-Wl,--wrap=plat_now,--wrap=plat_event_wait):
 * it stands still until somebody waits to a deadline, and is then there.
 * Shared by the tests of device, iommu and reset.
 */
#ifndef TESTS_RESET_CLOCK_H
#define TESTS_RESET_CLOCK_H

#include <holdfast/platform.h>

extern uint64_t clock_now;
/* What happens the next time that time passes: once. */
extern void (*clock_next)(void);
/* What happens when this thread waits next, just before, however long: once. */
extern _Thread_local void (*clock_meanwhile)(void);

void clock_start(void);

#endif
