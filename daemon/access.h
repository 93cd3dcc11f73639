/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is at the other end of a connection, what he may, and the record. */
#ifndef DAEMON_ACCESS_H
#define DAEMON_ACCESS_H

#include <sys/types.h>

#include <holdfast/types.h>

struct peer {
	uid_t uid;
	pid_t pid;
	bool administers;
	char user[32]; /* a name, or the uid in digits */
};

/*
 * The peer of the connected UNIX socket @fd, as it was when it connected.
 * Root, the daemon's own user, and the members of @group, by primary or
 * supplementary group, administer. 0 or -errno.
 */
int peer_identify(int fd, gid_t group, struct peer *peer);

/*
 * One line for a call that administers: who, what, of what, and how it ended
 * ("OK" or an errno's name). @target comes from the client: what is not
 * printable in it is replaced. Not subject to the log level.
 */
void audit(const struct peer *peer, const char *method, const char *target,
	   const char *outcome);

#endif
