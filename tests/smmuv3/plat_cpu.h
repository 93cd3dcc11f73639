/* SPDX-License-Identifier: BSD-2-Clause */
/* As in tests/platform_el2, but whoever waits lets the unit go on (unit.c). */
#ifndef TESTS_SMMUV3_PLAT_CPU_H
#define TESTS_SMMUV3_PLAT_CPU_H

#define plat_relax plat_relax_thread
#include "../platform_el2/plat_cpu.h"
#undef plat_relax

void unit_step(void);

static inline void plat_relax(void)
{
	unit_step();
}

#endif
