/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection: lines in, lines out, and the bounds on both. The loop's
 * thread only.
 */
#ifndef DAEMON_CLIENT_H
#define DAEMON_CLIENT_H

#include <json-c/json.h>
#include <uv.h>

#include "access.h"

#define CLIENTS_MAX 128
#define CLIENTS_KEPT 8                 /* of them for those who administer */
#define CLIENT_PENDING_MAX 16          /* unfinished requests */
#define CLIENT_QUEUE_MAX (256u * 1024) /* bytes that it has not read */

struct client;

/*
 * Take the connection that waits at @listener. Above CLIENTS_MAX, or
 * what of that is for everybody, it gets one line that says so. @group: members
 * of it administer. 0; -ENOMEM: it still
 * waits, and no other is announced until it has been taken.
 */
int client_accept(uv_stream_t *listener, gid_t group);

unsigned int clients_count(void);
const struct peer *client_peer(const struct client *c);

/*
 * A request is under way for as long as it is between these two; @c stays in
 * memory, connected or not.
 */
void client_begin(struct client *c);
void client_end(struct client *c);

/*
 * Send one message. @c may be gone: then nothing happens. NULL: there was no
 * memory for it; it is closed. Puts @msg.
 */
void client_send(struct client *c, json_object *msg);
void client_send_text(struct client *c, const char *text, size_t len);

/* --- events ----------------------------------------------------------------- */

void client_subscribe(struct client *c, bool on);
/*
 * Send @line (no newline) to every subscriber that reads; for
 * the others it is counted, and told as "lost" when they do.
 */
void clients_notify(const char *line, size_t len);
/* @count events never reached us; so every subscriber lost them. */
void clients_lose(uint64_t count);

/* --- the end ---------------------------------------------------------------- */

/*
 * Take what they have sent by now and no more; each closes when its last
 * answer has been written.
 */
void clients_finish(void);
/* Close those that only keep us waiting for their reading. */
void clients_abandon(void);

#endif
