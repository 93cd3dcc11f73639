// SPDX-License-Identifier: BSD-2-Clause
/* Params and results: building and reading JSON without ceremony. */
#include "cli.h"
#include "memory.h"

json_object *cli_params(const char *name, const char *value)
{
	json_object *params = need(json_object_new_object());

	if (name)
		js_add(params, name, value);
	return params;
}

void js_add(json_object *obj, const char *name, const char *value)
{
	json_object_object_add(obj, name, need(json_object_new_string(value)));
}

void js_add_int(json_object *obj, const char *name, int64_t value)
{
	json_object_object_add(obj, name, need(json_object_new_int64(value)));
}

void js_add_bool(json_object *obj, const char *name, bool value)
{
	json_object_object_add(obj, name, need(json_object_new_boolean(value)));
}

json_object *js_get(json_object *obj, const char *name)
{
	json_object *value = NULL;

	if (json_object_is_type(obj, json_type_object))
		json_object_object_get_ex(obj, name, &value);
	return value;
}

const char *js_str(json_object *obj, const char *name)
{
	json_object *value = js_get(obj, name);

	return value ? json_object_get_string(value) : "-";
}

int64_t js_int(json_object *obj, const char *name)
{
	return json_object_get_int64(js_get(obj, name));
}

double js_num(json_object *obj, const char *name)
{
	return json_object_get_double(js_get(obj, name));
}

bool js_bool(json_object *obj, const char *name)
{
	return json_object_get_boolean(js_get(obj, name));
}

bool js_has(json_object *obj, const char *name)
{
	return js_get(obj, name) != NULL;
}

size_t js_count(json_object *array)
{
	return json_object_is_type(array, json_type_array)
		       ? json_object_array_length(array)
		       : 0;
}
