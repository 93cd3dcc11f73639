/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cards by name: the built-in ones and those of the file. They stay JSON until
 * somebody plugs one in; parse.c makes functions of it then.
 */
#include <stdio.h>
#include <string.h>

#include "describe.h"

static bool find_in(struct json_object *doc, const char *name,
		    struct where *cards, struct where *out)
{
	*cards = (struct where){ .key = "cards" };
	return doc && json_object_object_get_ex(doc, "cards", &cards->value) &&
	       where_member(cards, name, out);
}

bool fab_card_find(struct fabric *f, const char *name, struct where *cards,
		   struct where *out)
{
	return find_in(f->file, name, cards, out) ||
	       find_in(f->builtin, name, cards, out);
}

int fab_cards_check(const struct where *at)
{
	struct where cards;
	struct fab_desc *d;
	int rc = 0;

	if (!where_member(at, "cards", &cards))
		return 0;
	if (!json_object_is_type(cards.value, json_type_object))
		return where_fail(&cards, -EINVAL, "must be an object");
	d = plat_zalloc(sizeof(*d));
	if (!d)
		return where_fail(&cards, -ENOMEM, "out of memory");
	json_object_object_foreach(cards.value, key, val) {
		struct where card = { .up = &cards, .key = key, .value = val };
		size_t n = 0;

		rc = where_array(&card, 1, 8, &n);
		for (size_t i = 0; i < n && !rc; i++) {
			struct where e = where_element(&card, i);

			rc = fab_describe(&e, d);
		}
		if (rc)
			break;
	}
	plat_free(d);
	return rc;
}

int fab_parse_builtin(struct fabric *f, char *err, size_t errlen)
{
	struct where root = { .name = "built-in cards",
			      .err = err,
			      .errlen = errlen };
	int rc = where_parse(root.name, fab_cards_json, strlen(fab_cards_json),
			     &root.value, err, errlen);

	if (rc)
		return rc;
	f->builtin = root.value;
	return fab_cards_check(&root);
}

static const char *card_name(struct json_object *doc, unsigned int *n)
{
	struct json_object *cards;

	if (!doc || !json_object_object_get_ex(doc, "cards", &cards))
		return NULL;
	json_object_object_foreach(cards, key, val) {
		(void)val;
		if (!(*n)--)
			return key;
	}
	return NULL;
}

const char *fabric_card_name(struct fabric *f, unsigned int n)
{
	const char *name = card_name(f->builtin, &n);

	return name ? name : card_name(f->file, &n);
}

int fab_card_value(const char *card, struct json_object **out, char *err,
		   size_t errlen)
{
	if (card[strspn(card, " \t\n")] == '[')
		return where_parse("card", card, strlen(card), out, err,
				   errlen);
	*out = json_object_new_string(card);
	if (*out)
		return 0;
	snprintf(err, errlen, "card: out of memory");
	return -ENOMEM;
}
