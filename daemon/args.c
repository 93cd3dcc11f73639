/* SPDX-License-Identifier: BSD-2-Clause */
/* The params of a call, by type. See call.h. */
#include <inttypes.h>
#include <string.h>

#include "call.h"

/* The value; NULL: left out, or null. */
static json_object *find(struct call *call, const char *name)
{
	json_object *value = NULL;

	json_object_object_get_ex(call->params, name, &value);
	return value;
}

/* What an _opt function answered, for one that must be there. */
static int needed(struct call *call, const char *name, int found)
{
	if (found)
		return found < 0 ? found : 0;
	return arg_bad(call, name, "is missing");
}

int arg_str_opt(struct call *call, const char *name, const char **out)
{
	json_object *value = find(call, name);
	const char *text;

	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_string))
		return arg_bad(call, name, "must be a string");
	text = json_object_get_string(value);
	if (strlen(text) != (size_t)json_object_get_string_len(value))
		return arg_bad(call, name, "must not contain a NUL");
	*out = text;
	return 1;
}

int arg_str(struct call *call, const char *name, const char **out)
{
	return needed(call, name, arg_str_opt(call, name, out));
}

int arg_line_opt(struct call *call, const char *name, size_t most,
		 const char **out)
{
	int err = arg_str_opt(call, name, out);

	if (err <= 0)
		return err;
	if (!**out || strlen(*out) > most)
		return arg_bad(call, name, "must be 1 to %zu bytes", most);
	for (const char *s = *out; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return arg_bad(call, name, "must be one line of text");
	return 1;
}

int arg_line(struct call *call, const char *name, size_t most, const char **out)
{
	return needed(call, name, arg_line_opt(call, name, most, out));
}

int arg_sbdf_opt(struct call *call, const char *name, pci_sbdf_t *out)
{
	const char *text;
	int err = arg_str_opt(call, name, &text);

	if (err <= 0)
		return err;
	err = pci_sbdf_parse(text, out);
	if (err == -ERANGE)
		return arg_bad(call, name,
			       "a device number ends at 1f, a function at 7");
	if (err)
		return arg_bad(call, name,
			       "must be an address such as 0000:03:00.0");
	return 1;
}

int arg_sbdf(struct call *call, const char *name, pci_sbdf_t *out)
{
	return needed(call, name, arg_sbdf_opt(call, name, out));
}

int arg_int_opt(struct call *call, const char *name, int64_t min, int64_t max,
		int64_t *out)
{
	json_object *value = find(call, name);
	int64_t n;

	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_int))
		return arg_bad(call, name, "must be an integer");
	n = json_object_get_int64(value);
	if (n < min || n > max)
		return arg_bad(call, name, "must be %" PRId64 " to %" PRId64,
			       min, max);
	*out = n;
	return 1;
}

int arg_int(struct call *call, const char *name, int64_t min, int64_t max,
	    int64_t *out)
{
	return needed(call, name, arg_int_opt(call, name, min, max, out));
}

int arg_bool_opt(struct call *call, const char *name, bool *out)
{
	json_object *value = find(call, name);

	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_boolean))
		return arg_bad(call, name, "must be true or false");
	*out = json_object_get_boolean(value);
	return 1;
}
