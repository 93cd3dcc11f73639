/* SPDX-License-Identifier: BSD-2-Clause */
/* All groups in one program, so that the table at the end is of all. */
#include "lab.h"

int main(void)
{
	int failed = run_layout() + run_rights() + run_memory() +
		     run_devices() + run_removal() + run_reset() + run_pirq() +
		     run_domctl() + run_sysctl() + run_errors();

	return failed + seen_all() > 0;
}
