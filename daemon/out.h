/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What answers are made of: JSON out of C values. Any thread; an object
 * belongs to one thread at a time.
 *
 * No call here fails visibly. Where memory runs out the member is missing and
 * out_failed() says so, once for all that a thread has put together.
 */
#ifndef DAEMON_OUT_H
#define DAEMON_OUT_H

#include <json-c/json.h>

#include <holdfast/sbdf.h>

/* Flags: how a message is written. */
#define OUT_FORMAT (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

json_object *out_object(void);
json_object *out_array(void);

/* Did anything fail in this thread since the last call? */
bool out_failed(void);

/* @value passes to @to. */
void out_add(json_object *to, const char *key, json_object *value);
void out_append(json_object *array, json_object *value);

void out_null(json_object *to, const char *key);
void out_bool(json_object *to, const char *key, bool value);
void out_int(json_object *to, const char *key, int64_t value);
void out_uint(json_object *to, const char *key, uint64_t value);
/* NULL becomes null. */
void out_str(json_object *to, const char *key, const char *value);
/*
 * Drop what cuts have left of characters, anywhere in @text: all else that
 * clients sent was checked to be UTF-8.
 */
void text_mend(char *text);

/* "0x…": for what a JSON number may not hold. */
void out_hex(json_object *to, const char *key, uint64_t value);
void out_sbdf(json_object *to, const char *key, pci_sbdf_t sbdf);
void out_append_sbdf(json_object *array, pci_sbdf_t sbdf);

/*
 * plat_now() units become @key, UTC to the second, and @key_s, seconds ago.
 * The offset between the clocks is kept until the wall clock is set, so that
 * a time reads the same in every answer. 0: both are null.
 */
void out_time(json_object *to, const char *key, uint64_t time);

void out_seconds(json_object *to, const char *key, double seconds);

/* errno and name; 0 is "OK". */
void out_errno(json_object *to, int err);
const char *errno_name(int err); /* of a negative one */

#endif
