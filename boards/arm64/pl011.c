/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: a PL011 (Arm DDI 0183) that the hardware domain uses, too.
 * Characters go out when there is room; nothing else of it is touched. It may
 * have been switched off: then there is none for ever, and they are dropped.
 */
#include "arch.h"
#include "board.h"

#define UART_DR 0x00
#define UART_FR 0x18
#define UART_FR_TXFF 0x20 /* no room */
#define UART_LOOKS 100000 /* longer than a character takes to leave */

static volatile uint32_t *reg(unsigned int offset)
{
	return (volatile uint32_t *)(BOARD_UART + offset);
}

static void put(char c)
{
	unsigned int looks = UART_LOOKS;

	while (*reg(UART_FR) & UART_FR_TXFF)
		if (!--looks)
			return;
	*reg(UART_DR) = (uint8_t)c;
}

void board_console(const char *text, size_t len)
{
	for (; len; len--, text++) {
		if (*text == '\n')
			put('\r');
		put(*text);
	}
}
