/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "where.h"

#define MAX_DEPTH 64 /* of nested values: of bridges below bridges, too */

/* --- documents ------------------------------------------------------------ */

static unsigned int line_of(const char *text, size_t at)
{
	unsigned int line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

/* Only blanks may follow; json-c has taken comments. */
static bool at_end(const char *text, size_t len, size_t at)
{
	while (at < len && isspace((unsigned char)text[at]))
		at++;
	return at == len;
}

int where_parse(const char *name, const char *text, size_t len,
		struct json_object **out, char *err, size_t errlen)
{
	struct json_tokener *tok = json_tokener_new_ex(MAX_DEPTH);
	enum json_tokener_error why = json_tokener_error_size;
	const char *reason = NULL;
	size_t end = 0;
	int rc = -EINVAL;

	*out = NULL;
	if (!tok) {
		snprintf(err, errlen, "%s: out of memory", name);
		return -ENOMEM;
	}
	if (len < INT32_MAX)
		*out = json_tokener_parse_ex(tok, text, (int)len);
	why = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	if (why == json_tokener_continue)
		reason = "the text ends too early";
	else if (why != json_tokener_success)
		reason = json_tokener_error_desc(why);
	else if (!at_end(text, len, end))
		reason = "unexpected text after the end";
	else
		rc = 0;
	if (reason) {
		snprintf(err, errlen, "%s: line %u: %s", name,
			 line_of(text, end), reason);
		json_object_put(*out);
		*out = NULL;
	}
	json_tokener_free(tok);
	return rc;
}

/* --- places --------------------------------------------------------------- */

static void print_path(const struct where *at, char *buf, size_t len)
{
	size_t used;

	if (!at->up) {
		snprintf(buf, len, "%s: $", at->name);
		return;
	}
	print_path(at->up, buf, len);
	used = strlen(buf);
	if (at->key)
		snprintf(buf + used, len - used, ".%s", at->key);
	else
		snprintf(buf + used, len - used, "[%zu]", at->index);
}

int where_fail(const struct where *at, int rc, const char *fmt, ...)
{
	const struct where *root = at;
	size_t used;
	va_list args;

	while (root->up)
		root = root->up;
	if (!root->errlen)
		return rc;
	print_path(at, root->err, root->errlen);
	used = strlen(root->err);
	used += (size_t)snprintf(root->err + used, root->errlen - used, ": ");
	if (used >= root->errlen)
		return rc;
	va_start(args, fmt);
	vsnprintf(root->err + used, root->errlen - used, fmt, args);
	va_end(args);
	return rc;
}

static bool is_known(const char *key, const char *known)
{
	size_t len = strlen(key);
	const char *at = known;

	while (len && (at = strstr(at, key))) {
		if ((at == known || at[-1] == ' ') &&
		    (at[len] == ' ' || !at[len]))
			return true;
		at += len;
	}
	return false;
}

int where_object(const struct where *at, const char *known)
{
	if (!json_object_is_type(at->value, json_type_object))
		return where_fail(at, -EINVAL, "must be an object");
	json_object_object_foreach(at->value, key, val) {
		struct where member = { .up = at, .key = key, .value = val };

		if (!is_known(key, known))
			return where_fail(&member, -EINVAL,
					  "unknown member; known here: %s",
					  known);
	}
	return 0;
}

bool where_member(const struct where *at, const char *key, struct where *out)
{
	*out = (struct where){ .up = at, .key = key };
	return json_object_object_get_ex(at->value, key, &out->value);
}

int where_array(const struct where *at, size_t min, size_t max, size_t *n)
{
	if (!json_object_is_type(at->value, json_type_array))
		return where_fail(at, -EINVAL, "must be an array");
	*n = json_object_array_length(at->value);
	if (*n < min || *n > max)
		return where_fail(at, -EINVAL,
				  "has %zu elements, must have %zu to %zu", *n,
				  min, max);
	return 0;
}

struct where where_element(const struct where *array, size_t i)
{
	return (struct where){
		.up = array,
		.index = i,
		.value = json_object_array_get_idx(array->value, i),
	};
}

/* --- simple values -------------------------------------------------------- */

int where_bool(const struct where *at, const char *key, bool *out)
{
	struct where m;

	if (!where_member(at, key, &m))
		return 0;
	if (!json_object_is_type(m.value, json_type_boolean))
		return where_fail(&m, -EINVAL, "must be true or false");
	*out = json_object_get_boolean(m.value);
	return 0;
}

/* A number or a string that is one; *@end: what follows it in the string. */
static int number(const struct where *at, uint64_t *out, const char **end)
{
	const char *text;
	char *stop;
	int64_t val;

	*end = "";
	if (json_object_is_type(at->value, json_type_int)) {
		val = json_object_get_int64(at->value);
		if (val < 0)
			return where_fail(at, -EINVAL, "is negative");
		*out = (uint64_t)val;
		return 0;
	}
	if (!json_object_is_type(at->value, json_type_string))
		return where_fail(at, -EINVAL,
				  "must be a number or a string like \"0x1a\"");
	text = json_object_get_string(at->value);
	errno = 0;
	*out = strtoull(text, &stop, 0);
	*end = stop;
	if (!isdigit((unsigned char)text[0]) || errno)
		return where_fail(at, -EINVAL, "\"%s\" is not a number", text);
	return 0;
}

int where_number(const struct where *at, const char *key, uint64_t min,
		 uint64_t max, uint64_t *out)
{
	const char *end;
	struct where m;
	uint64_t val = 0;

	if (!where_member(at, key, &m))
		return 0;
	if (number(&m, &val, &end))
		return -EINVAL;
	if (*end)
		return where_fail(&m, -EINVAL, "\"%s\" is not a number",
				  json_object_get_string(m.value));
	if (val < min || val > max)
		return where_fail(&m, -EINVAL,
				  "is %#llx, must be %#llx to %#llx",
				  (unsigned long long)val,
				  (unsigned long long)min,
				  (unsigned long long)max);
	*out = val;
	return 0;
}

int where_this_size(const struct where *at, uint64_t *out)
{
	static const char suffixes[] = "KMGT";
	const char *end, *suffix;
	unsigned int shift = 0;

	if (number(at, out, &end))
		return -EINVAL;
	if (*end) {
		suffix = strchr(suffixes, *end);
		if (!suffix || end[1])
			return where_fail(at, -EINVAL, "\"%s\" is not a size",
					  json_object_get_string(at->value));
		shift = (unsigned int)(suffix - suffixes + 1) * 10;
	}
	if (!*out || *out & (*out - 1))
		return where_fail(at, -EINVAL, "is not a power of two");
	if (*out >> (63 - shift))
		return where_fail(at, -EINVAL, "is too large");
	*out <<= shift;
	return 0;
}

int where_size(const struct where *at, const char *key, uint64_t *out)
{
	struct where m;

	return where_member(at, key, &m) ? where_this_size(&m, out) : 0;
}

int where_string(const struct where *at, const char *key, const char **out)
{
	struct where m;

	if (!where_member(at, key, &m))
		return 0;
	if (!json_object_is_type(m.value, json_type_string))
		return where_fail(&m, -EINVAL, "must be a string");
	*out = json_object_get_string(m.value);
	return 0;
}

int where_ids(const struct where *at, const char *key, uint16_t *vendor,
	      uint16_t *device)
{
	const char *text = NULL;
	unsigned int a, b;
	struct where m;
	int end = 0;

	if (where_string(at, key, &text))
		return -EINVAL;
	if (!text)
		return 0;
	where_member(at, key, &m);
	if (strspn(text, "0123456789abcdefABCDEF:") != strlen(text) ||
	    sscanf(text, "%4x:%4x%n", &a, &b, &end) != 2 || text[end])
		return where_fail(&m, -EINVAL,
				  "\"%s\" is not like \"8086:1572\"", text);
	*vendor = (uint16_t)a;
	*device = (uint16_t)b;
	return 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int where_bytes(const struct where *at, const char *key, uint8_t *out,
		size_t max, size_t *len)
{
	const char *text = NULL;
	struct where m;

	if (where_string(at, key, &text))
		return -EINVAL;
	if (!text)
		return 0;
	where_member(at, key, &m);
	*len = 0;
	while (*(text += strspn(text, " :-"))) {
		int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);

		if (low < 0)
			return where_fail(&m, -EINVAL,
					  "\"%s\" is no hexadecimal byte",
					  text);
		if (*len == max)
			return where_fail(&m, -EINVAL,
					  "has more than %zu bytes", max);
		out[(*len)++] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return 0;
}

int where_devfn(const struct where *at, unsigned int *dev, unsigned int *func)
{
	const char *text = json_object_get_string(at->value);
	int end = 0;

	if (sscanf(text, "%2x.%1x%n", dev, func, &end) != 2 || text[end] ||
	    *dev > 31 || *func > 7)
		return where_fail(at, -EINVAL, "\"%s\" is not like \"1f.7\"",
				  text);
	return 0;
}
