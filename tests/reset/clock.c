/* SPDX-License-Identifier: BSD-2-Clause */
#include "clock.h"

uint64_t clock_now;
void (*clock_next)(void);
_Thread_local void (*clock_meanwhile)(void);

uint64_t __wrap_plat_now(void);
bool __wrap_plat_event_wait(plat_event_t *event, uint64_t deadline);
bool __real_plat_event_wait(plat_event_t *event, uint64_t deadline);

void clock_start(void)
{
	clock_now = 1000 * PLAT_NSEC_PER_SEC;
	clock_next = clock_meanwhile = NULL;
}

uint64_t __wrap_plat_now(void)
{
	return clock_now;
}

bool __wrap_plat_event_wait(plat_event_t *event, uint64_t deadline)
{
	void (*next)(void) = clock_next, (*meanwhile)(void) = clock_meanwhile;

	clock_meanwhile = NULL;
	if (meanwhile)
		meanwhile();
	if (deadline == PLAT_FOREVER) /* the platform's own threads */
		return __real_plat_event_wait(event, deadline);
	if (__real_plat_event_wait(event, 0))
		return true;
	if (deadline > clock_now)
		clock_now = deadline;
	clock_next = NULL;
	if (next)
		next();
	return false;
}
