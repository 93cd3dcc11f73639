/* SPDX-License-Identifier: BSD-2-Clause */
/* What the board's files want of platform/el2, on platform/posix. */
#ifndef EL2_FAKE_H
#define EL2_FAKE_H

#include <holdfast/platform.h>

struct plat_pool_stats {
	size_t size, used, peak;
	uint64_t failed;
};

static inline void plat_pool_stats(struct plat_pool_stats *stats)
{
	*stats = (struct plat_pool_stats){ .size = 4096, .used = 1024 };
}

static inline void plat_rcu_quiescent(void)
{
}

#endif
