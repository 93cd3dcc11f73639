/* SPDX-License-Identifier: BSD-2-Clause */
/* See out.h. */
#include "out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <holdfast/atomic.h>
#include <holdfast/platform.h>

static __thread bool failed;

static json_object *made(json_object *value)
{
	if (!value)
		failed = true;
	return value;
}

json_object *out_object(void)
{
	return made(json_object_new_object());
}

json_object *out_array(void)
{
	return made(json_object_new_array());
}

bool out_failed(void)
{
	bool was = failed;

	failed = false;
	return was;
}

void out_add(json_object *to, const char *key, json_object *value)
{
	if (to && !json_object_object_add(to, key, value))
		return;
	failed = true;
	json_object_put(value);
}

void out_append(json_object *array, json_object *value)
{
	if (array && !json_object_array_add(array, value))
		return;
	failed = true;
	json_object_put(value);
}

void out_null(json_object *to, const char *key)
{
	out_add(to, key, NULL);
}

void out_bool(json_object *to, const char *key, bool value)
{
	out_add(to, key, made(json_object_new_boolean(value)));
}

void out_int(json_object *to, const char *key, int64_t value)
{
	out_add(to, key, made(json_object_new_int64(value)));
}

void out_uint(json_object *to, const char *key, uint64_t value)
{
	out_add(to, key, made(json_object_new_uint64(value)));
}

void out_str(json_object *to, const char *key, const char *value)
{
	if (value)
		out_add(to, key, made(json_object_new_string(value)));
	else
		out_null(to, key);
}

/* Of the character that begins so; 0: none does. */
static size_t char_len(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc0)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

void text_mend(char *text)
{
	char *to = text;
	size_t len, n;

	for (; *text; text += n) {
		len = char_len((unsigned char)*text);
		for (n = 1; n < len && (text[n] & 0xc0) == 0x80; n++)
			;
		if (n != len)
			continue;
		memmove(to, text, n);
		to += n;
	}
	*to = 0;
}

void out_hex(json_object *to, const char *key, uint64_t value)
{
	char text[19];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	out_str(to, key, text);
}

void out_sbdf(json_object *to, const char *key, pci_sbdf_t sbdf)
{
	char text[PCI_SBDF_LEN];

	out_str(to, key, pci_sbdf_print(text, sbdf));
}

void out_append_sbdf(json_object *array, pci_sbdf_t sbdf)
{
	char text[PCI_SBDF_LEN];

	pci_sbdf_print(text, sbdf);
	out_append(array, made(json_object_new_string(text)));
}

/* --- time ----------------------------------------------------------------- */

/* Wall clock minus plat_now(), nanoseconds; 0: not known yet. */
static hf_atomic(int64_t) wall_offset;

static int64_t offset_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * (int64_t)PLAT_NSEC_PER_SEC + ts.tv_nsec -
	       (int64_t)plat_now();
}

static int64_t wall(uint64_t time)
{
	int64_t now = offset_now(), kept = hf_load_relaxed(&wall_offset);
	int64_t drift = now - kept;

	if (!kept || drift > (int64_t)(PLAT_NSEC_PER_SEC / 2) ||
	    drift < -(int64_t)(PLAT_NSEC_PER_SEC / 2)) {
		hf_store_release(&wall_offset, now);
		kept = now;
	}
	return (int64_t)time + kept;
}

/* To the millisecond: json-c prints a double with 17 digits. */
void out_seconds(json_object *to, const char *key, double seconds)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", seconds);
	out_add(to, key, made(json_object_new_double_s(seconds, text)));
}

void out_time(json_object *to, const char *key, uint64_t time)
{
	time_t seconds = (time_t)(wall(time) / (int64_t)PLAT_NSEC_PER_SEC);
	double age = (double)(int64_t)(plat_now() - time) /
		     (double)PLAT_NSEC_PER_SEC;
	char text[32], ago[40];
	struct tm tm;

	snprintf(ago, sizeof(ago), "%s_s", key);
	if (!time) {
		out_null(to, key);
		out_null(to, ago);
		return;
	}
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	out_str(to, key, text);
	out_seconds(to, ago, age);
}

/* --- errors --------------------------------------------------------------- */

const char *errno_name(int err)
{
	const char *name = strerrorname_np(-err);

	return err && name ? name : err ? "EUNKNOWN" : "OK";
}

void out_errno(json_object *to, int err)
{
	out_int(to, "errno", err);
	out_str(to, "name", errno_name(err));
}
