/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From JSON to struct vpci_policy: the base's capabilities, with those that the
 * text names replaced. A capability of which only "show" is said is the base's
 * own, set-up function included; one of which more is said is all the text's.
 */
#include "policy_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/pci_regs.h>

#include "where.h"

/* A capability that the text names. */
struct named {
	struct vpci_cap_policy policy;
	struct vpci_field *field; /* owned; NULL: the base's, or none */
};

struct policy_file {
	struct vpci_policy policy;
	char name[PCI_WHO_LEN];
	struct named cap[VPCI_CAP_IDS], ext[VPCI_EXT_CAP_IDS];
};

/* --- members that are there twice --------------------------------------------
 * json-c keeps the last one and says nothing. So the members of each object are
 * counted in the text, which json-c has found well-formed. Objects come in the
 * same order in both.
 */
struct text {
	const char *at, *end;
};

static void skip_string(struct text *t, char quote)
{
	while (t->at < t->end && *t->at != quote)
		t->at += *t->at == '\\' ? 2 : 1;
	t->at++;
}

static void skip_comment(struct text *t)
{
	bool line = t->at < t->end && *t->at == '/';
	const char *mark = line ? "\n" : "*/";
	const char *stop = NULL;

	if (t->at < t->end)
		stop = memmem(t->at + 1, (size_t)(t->end - t->at - 1), mark,
			      strlen(mark));
	t->at = stop ? stop + strlen(mark) : t->end;
}

/* The next brace or colon outside strings and comments; 0: the end. */
static char next_sign(struct text *t)
{
	while (t->at < t->end) {
		char c = *t->at++;

		if (c == '"' || c == '\'')
			skip_string(t, c);
		else if (c == '/')
			skip_comment(t);
		else if (c == '{' || c == '}' || c == ':')
			return c;
	}
	return 0;
}

/* Of the object whose brace was read last. */
static int count_members(struct text t)
{
	int depth = 1, n = 0;
	char sign;

	while (depth && (sign = next_sign(&t))) {
		depth += (sign == '{') - (sign == '}');
		n += sign == ':' && depth == 1;
	}
	return n;
}

static int check_twins(const struct where *at, struct text *t)
{
	char sign;
	int err = 0;

	if (json_object_is_type(at->value, json_type_object)) {
		do {
			sign = next_sign(t);
		} while (sign && sign != '{');
		if (count_members(*t) != json_object_object_length(at->value))
			return where_fail(at, -EINVAL,
					  "a member is there twice");
		json_object_object_foreach(at->value, key, val) {
			struct where m = { .up = at, .key = key, .value = val };

			if (!err)
				err = check_twins(&m, t);
		}
	} else if (json_object_is_type(at->value, json_type_array)) {
		size_t n = json_object_array_length(at->value);

		for (size_t i = 0; i < n && !err; i++) {
			struct where m = where_element(at, i);

			err = check_twins(&m, t);
		}
	}
	return err;
}

/* --- one capability ------------------------------------------------------------ */

static int get_mask(const struct where *at, const char *key, uint32_t *out)
{
	uint64_t val = *out;
	int err = where_number(at, key, 0, UINT32_MAX, &val);

	*out = (uint32_t)val;
	return err;
}

static int get_field(const struct where *at, struct vpci_field *f)
{
	uint64_t offset = UINT64_MAX, size = 0;

	if (where_object(at, "offset size hardware write clear value initial "
			     "reserved-preserve reserved-zero") ||
	    where_number(at, "offset", 0, PCI_CFG_SPACE_EXP_SIZE - 1,
			 &offset) ||
	    where_number(at, "size", 1, 4, &size) ||
	    get_mask(at, "hardware", &f->masks.hw) ||
	    get_mask(at, "write", &f->masks.rw) ||
	    get_mask(at, "clear", &f->masks.w1c) ||
	    get_mask(at, "reserved-preserve", &f->masks.rsvdp) ||
	    get_mask(at, "reserved-zero", &f->masks.rsvdz) ||
	    get_mask(at, "value", &f->masks.value) ||
	    get_mask(at, "initial", &f->initial))
		return -EINVAL;
	if (offset == UINT64_MAX || !size)
		return where_fail(at, -EINVAL, "needs \"offset\" and \"size\"");
	f->offset = (uint16_t)offset;
	f->size = (uint8_t)size;
	return 0;
}

static int get_fields(const struct where *at, struct named *cap)
{
	struct where list, one;
	size_t n = 0;
	int err = 0;

	if (!where_member(at, "registers", &list))
		return 0;
	if (where_array(&list, 0, PCI_CFG_SPACE_EXP_SIZE, &n))
		return -EINVAL;
	cap->field = calloc(n + 1, sizeof(*cap->field));
	if (!cap->field)
		return where_fail(at, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n && !err; i++) {
		one = where_element(&list, i);
		err = get_field(&one, &cap->field[i]);
	}
	cap->policy.field = cap->field;
	cap->policy.nfields = (unsigned int)n;
	return err;
}

static int get_rest(const struct where *at, enum vpci_rest *out)
{
	static const char *const rest[] = {
		[VPCI_REST_ZERO] = "zero",
		[VPCI_REST_READ] = "read",
		[VPCI_REST_PASS] = "pass",
	};
	const char *text = rest[VPCI_REST_ZERO];
	struct where m;
	unsigned int i;

	if (where_string(at, "rest", &text))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(rest); i++) {
		if (!strcmp(text, rest[i])) {
			*out = i;
			return 0;
		}
	}
	where_member(at, "rest", &m);
	return where_fail(&m, -EINVAL, "is \"zero\", \"read\" or \"pass\"");
}

/* @base: of the same capability; or NULL. */
static int get_cap(const struct where *at, const struct vpci_cap_policy *base,
		   struct named *cap)
{
	struct vpci_cap_policy *policy = &cap->policy;
	uint64_t length = 0;
	bool show = true;
	struct where m;

	if (where_object(at, "show rest length registers") ||
	    where_bool(at, "show", &show) || get_rest(at, &policy->rest) ||
	    where_number(at, "length", 1, PCI_CFG_SPACE_EXP_SIZE, &length) ||
	    get_fields(at, cap))
		return -EINVAL;
	policy->length = (uint16_t)length;
	if (base && where_member(at, "show", &m) &&
	    json_object_object_length(at->value) == 1)
		*policy = *base;
	policy->show = show;
	return 0;
}

/* --- the policy ----------------------------------------------------------------- */

/* The ID that @key names or is; -ENOENT. */
static int find_id(const char *key, bool extended, unsigned int count)
{
	unsigned int id;
	const char *name;
	unsigned long val;
	char *end;

	for (id = 0; id < count; id++) {
		name = pci_cap_name(extended, (uint16_t)id);
		if (name && !strcmp(name, key))
			return (int)id;
	}
	val = strtoul(key, &end, 0);
	return isdigit((unsigned char)*key) && !*end && val < count ? (int)val
								    : -ENOENT;
}

static int get_list(const struct where *at, bool extended, struct named *named,
		    const struct vpci_cap_policy **out, unsigned int count)
{
	if (!json_object_is_type(at->value, json_type_object))
		return where_fail(at, -EINVAL, "must be an object");
	json_object_object_foreach(at->value, key, val) {
		struct where m = { .up = at, .key = key, .value = val };
		int id = find_id(key, extended, count);

		if (id < 0)
			return where_fail(&m, -EINVAL,
					  "there is no such capability");
		if (out[id] == &named[id].policy)
			return where_fail(&m, -EINVAL, "is there twice");
		if (get_cap(&m, out[id], &named[id]))
			return -EINVAL;
		out[id] = &named[id].policy;
	}
	return 0;
}

static int get_name(const struct where *at, struct policy_file *file)
{
	const char *name = "";
	size_t len;

	if (where_string(at, "name", &name))
		return -EINVAL;
	len = strlen(name);
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)name[i]))
			len = 0;
	if (!len || len >= sizeof(file->name))
		return where_fail(at, -EINVAL,
				  "needs a \"name\" of 1 to %zu printable "
				  "characters",
				  sizeof(file->name) - 1);
	memcpy(file->name, name, len + 1);
	return 0;
}

/* "guest" unless told; "none" shows nothing that the text does not name. */
static int get_base(const struct where *at, struct vpci_policy *policy)
{
	const char *base = "guest";
	struct where m;

	if (where_string(at, "base", &base))
		return -EINVAL;
	if (!strcmp(base, "guest")) {
		*policy = vpci_policy_guest;
		return 0;
	}
	if (!strcmp(base, "none"))
		return 0;
	where_member(at, "base", &m);
	return where_fail(&m, -EINVAL, "is \"guest\" or \"none\"");
}

static int get_policy(const struct where *at, struct policy_file *file)
{
	struct vpci_policy *policy = &file->policy;
	struct where m;

	if (where_object(at, "name base capabilities extended") ||
	    get_name(at, file) || get_base(at, policy))
		return -EINVAL;
	policy->name = file->name;
	if (where_member(at, "capabilities", &m) &&
	    get_list(&m, false, file->cap, policy->cap, VPCI_CAP_IDS))
		return -EINVAL;
	if (where_member(at, "extended", &m) &&
	    get_list(&m, true, file->ext, policy->ext, VPCI_EXT_CAP_IDS))
		return -EINVAL;
	return 0;
}

struct policy_file *policy_file_parse(const char *name, const char *text,
				      size_t len, char *err, size_t errlen)
{
	struct where root = { .name = name, .err = err, .errlen = errlen };
	struct text signs = { text, text + len };
	struct policy_file *file;

	if (where_parse(name, text, len, &root.value, err, errlen))
		return NULL;
	file = calloc(1, sizeof(*file));
	if (!file)
		where_fail(&root, -ENOMEM, "out of memory");
	else if (check_twins(&root, &signs) || get_policy(&root, file)) {
		policy_file_free(file);
		file = NULL;
	}
	json_object_put(root.value);
	return file;
}

const struct vpci_policy *policy_file_policy(const struct policy_file *file)
{
	return &file->policy;
}

void policy_file_free(struct policy_file *file)
{
	unsigned int i;

	if (!file)
		return;
	for (i = 0; i < VPCI_CAP_IDS; i++)
		free(file->cap[i].field);
	for (i = 0; i < VPCI_EXT_CAP_IDS; i++)
		free(file->ext[i].field);
	free(file);
}
