/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that the toy hypervisor wants from the machine. machine.c answers with a
 * C library, so that the toy can be run as a test; a port answers with a UART,
 * a timer and its power button.
 */
#ifndef EMBED_MACHINE_H
#define EMBED_MACHINE_H

#include <stdint.h>

void machine_putc(char c);
uint64_t machine_nsec(void); /* monotonic */
void machine_stop(void) __attribute__((noreturn));

/* hypervisor.c: where the machine enters. Returns the number of failures. */
int hypervisor_main(void);

#endif
