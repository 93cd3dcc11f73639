/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board.h"
#include "el2.h"

#define STOPPED 99

__thread struct plat_cpu *this_cpu;
void (*board_piece)(void);
char board_said[512];
unsigned int board_lines;

void board_console(const char *text, size_t len)
{
	snprintf(board_said, sizeof(board_said), "%.*s", (int)len, text);
	board_lines++;
}

void board_stop(void)
{
	fputs(board_said, stderr);
	_exit(STOPPED);
}

void board_poll(void)
{
	plat_rcu_poll();
	if (board_piece)
		board_piece();
}

int board_stops(void (*fn)(void))
{
	pid_t child = fork();
	int status;

	if (!child) {
		fn();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == STOPPED;
}
