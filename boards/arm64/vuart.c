/* SPDX-License-Identifier: BSD-2-Clause */
/* A UART that always has room and never has anything to read. */
#include "vuart.h"

#define UART_DR 0x00
#define UART_FR 0x18
#define UART_FR_RXFE 0x10
#define UART_FR_TXFE 0x80

/* What a console would do with other characters is not the guest's to say. */
static bool put(struct vuart *vuart, char c)
{
	if (c >= ' ' && c <= '~')
		vuart->line[vuart->len++] = c;
	if (c != '\n' && vuart->len < VUART_LINE - 1)
		return false;
	vuart->line[vuart->len] = '\0';
	vuart->len = 0;
	return true;
}

bool vuart_access(struct vuart *vuart, uint64_t offset, struct mmio *access)
{
	if (access->write)
		return offset == UART_DR && put(vuart, (char)access->value);
	access->value = offset == UART_FR ? UART_FR_TXFE | UART_FR_RXFE : 0;
	return false;
}
