/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading values out of a JSON document so that each error names its place:
 * "file: $.segments[0].buses[0].devices[3].bars[1].size: reason".
 *
 * A struct where lives on the stack of the one who looks at that value, and
 * points at the one around it; the root carries the error text.
 */
#ifndef FABRIC_WHERE_H
#define FABRIC_WHERE_H

#include <stdint.h>

#include <holdfast/types.h>
#include <json-c/json.h>

struct where {
	const struct where *up; /* NULL: the root */
	const char *key;        /* of a member; NULL: an element */
	size_t index;           /* of an element */
	struct json_object *value;
	/* of the root: */
	const char *name;
	char *err;
	size_t errlen;
};

/* Parse @text; 0 and a document that the caller puts, or -EINVAL (line). */
int where_parse(const char *name, const char *text, size_t len,
		struct json_object **out, char *err, size_t errlen);

/* Write "name: path: reason" and return @rc. */
int where_fail(const struct where *at, int rc, const char *fmt, ...)
	hf_printf_like(3, 4);

/* It must be an object with no other members than @known ("a b c"). */
int where_object(const struct where *at, const char *known);

/*
 * A member. true: it is there, *@out is its place; it still may be of the
 * wrong type.
 */
bool where_member(const struct where *at, const char *key, struct where *out);

/* An array, of @min to @max elements; *@n: how many. 0 or -EINVAL. */
int where_array(const struct where *at, size_t min, size_t max, size_t *n);
struct where where_element(const struct where *array, size_t i);

/*
 * Members of simple types. An absent one leaves *@out as it is and is no
 * error; 0 or -EINVAL. Numbers may be JSON numbers or strings as "0x1a";
 * sizes take the suffixes K, M, G and must be powers of two.
 */
int where_bool(const struct where *at, const char *key, bool *out);
int where_number(const struct where *at, const char *key, uint64_t min,
		 uint64_t max, uint64_t *out);
int where_size(const struct where *at, const char *key, uint64_t *out);
int where_string(const struct where *at, const char *key, const char **out);
/* "8086:1572" */
int where_ids(const struct where *at, const char *key, uint16_t *vendor,
	      uint16_t *device);
/* Hexadecimal bytes, separators - and : and blanks skipped. */
int where_bytes(const struct where *at, const char *key, uint8_t *out,
		size_t max, size_t *len);

/* The value itself: "1f.7". 0 or -EINVAL. */
int where_devfn(const struct where *at, unsigned int *dev, unsigned int *func);

/* The value itself, for elements of arrays. */
int where_this_size(const struct where *at, uint64_t *out);

#endif
