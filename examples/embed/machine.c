/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine of machine.h as a hosted program. Not part of a port. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "machine.h"

void machine_putc(char c)
{
	putchar(c);
}

uint64_t machine_nsec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void machine_stop(void)
{
	fflush(stdout);
	abort();
}

int main(void)
{
	return hypervisor_main() ? 1 : 0;
}
