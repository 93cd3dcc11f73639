/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second guest's console: an SBSA generic UART (Arm DEN0029, a part of the
 * PL011) that only sends. Its lines come out on the hypervisor's console, with
 * its name before them.
 */
#ifndef BOARDS_ARM64_VUART_H
#define BOARDS_ARM64_VUART_H

#include "trap.h"

#define VUART_SIZE 0x1000
#define VUART_LINE 120

/* Only the guest's CPU writes to it. */
struct vuart {
	char line[VUART_LINE];
	unsigned int len;
};

/* True: @vuart->line has a line, NUL-terminated, until the next call. */
bool vuart_access(struct vuart *vuart, uint64_t offset, struct mmio *access);

#endif
