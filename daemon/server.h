/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket that clients come to, and that it is ours alone. */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include <stddef.h>

/*
 * Bind @path and listen; clients are accepted once the loop runs. @group: the
 * socket file's group, whose members administer; NULL: the daemon's own.
 * A stale socket is taken over; one that is served, or a file that is no
 * socket, is left alone. 0, or -errno and a sentence in @err.
 */
int server_open(const char *path, const char *group, char *err, size_t size);

/* At the end, those who wait are not made to: accept them all. */
void server_take_rest(void);

/* Accept nobody any more and remove the socket. */
void server_close(void);

#endif
