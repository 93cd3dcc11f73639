/* SPDX-License-Identifier: BSD-2-Clause */
/* A board that is a program: what it said last, and how many lines. */
#ifndef TESTS_PLATFORM_EL2_BOARD_H
#define TESTS_PLATFORM_EL2_BOARD_H

extern char board_said[512];
extern unsigned int board_lines;

/* A piece of work for board_poll(); NULL: none. */
extern void (*board_piece)(void);

/* True if @fn ends in plat_bug(); in a process of its own. */
int board_stops(void (*fn)(void));

#endif
