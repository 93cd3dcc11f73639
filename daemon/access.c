/* SPDX-License-Identifier: BSD-2-Clause */
/* See access.h. */
#include "access.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

/* Is @group among the supplementary groups of the peer? */
static int peer_in_group(int fd, gid_t group, bool *in)
{
	socklen_t len = 0;
	gid_t *groups;
	int err = 0;

	*in = false;
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len))
		return 0; /* none at all */
	if (errno != ERANGE)
		return -errno;
	groups = malloc(len);
	if (!groups)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len))
		err = -errno;
	for (size_t i = 0; !err && i < len / sizeof(*groups); i++)
		*in |= groups[i] == group;
	free(groups);
	return err;
}

static void name_user(struct peer *peer)
{
	struct passwd pw, *found = NULL;
	char buf[1024];

	if (getpwuid_r(peer->uid, &pw, buf, sizeof(buf), &found) || !found)
		snprintf(peer->user, sizeof(peer->user), "uid %u", peer->uid);
	else
		snprintf(peer->user, sizeof(peer->user), "%s", found->pw_name);
}

int peer_identify(int fd, gid_t group, struct peer *peer)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	bool member;
	int err;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return -errno;
	err = peer_in_group(fd, group, &member);
	if (err)
		return err;
	peer->uid = cred.uid;
	peer->pid = cred.pid;
	peer->administers = cred.uid == 0 || cred.uid == geteuid() ||
			    cred.gid == group || member;
	name_user(peer);
	return 0;
}

void audit(const struct peer *peer, const char *method, const char *target,
	   const char *outcome)
{
	char clean[96];
	size_t i;

	for (i = 0; target[i] && i < sizeof(clean) - 1; i++)
		clean[i] = target[i] > ' ' && target[i] < 0x7f ? target[i]
							       : '?';
	clean[i] = 0;
	log_always("audit: uid=%u pid=%d method=%s target=%s outcome=%s",
		   peer->uid, (int)peer->pid, method, i ? clean : "-", outcome);
}
