/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See state.h. The file is written whole beside the old one, forced to disk,
 * and renamed over it; write_lock keeps writers apart, so that the last one
 * writes what is then true.
 */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <json-c/json.h>

#include <holdfast/device.h>
#include <holdfast/platform.h>

#include "loop.h"
#include "out.h"
#include "pins.h"
#include "texts.h"

#define FILE_NAME "state.json"
#define VERSION 1

static int dir_fd = -1, lock_fd = -1;
static uv_mutex_t write_lock;
static struct work save_work; /* the loop's; queued or not */
static bool save_queued, save_again;

/* --- writing -------------------------------------------------------------------- */

static json_object *record(pci_sbdf_t sbdf, const struct pci_ident *id)
{
	json_object *o = out_object();

	out_sbdf(o, "sbdf", sbdf);
	out_int(o, "vendor", id->vendor);
	out_int(o, "device", id->device);
	out_int(o, "subvendor", id->subvendor);
	out_int(o, "subdevice", id->subdevice);
	out_int(o, "class_rev", id->class_rev);
	out_hex(o, "serial", id->serial);
	return o;
}

static void add_pin(pci_sbdf_t sbdf, const struct pci_ident *ident,
		    const char *who, void *array)
{
	json_object *o = record(sbdf, ident);

	out_str(o, "who", who);
	out_append(array, o);
}

/* What core/config finds wrong each time it looks need not be remembered. */
static bool to_remember(const struct pci_dev_info *info)
{
	return info->broken &&
	       (!info->desc.defect || strcmp(info->broken, info->desc.defect));
}

static void add_broken(json_object *array)
{
	struct pci_dev_info info;
	int seg = -1;

	while ((seg = pci_segment_next((unsigned int)seg + 1)) >= 0) {
		pci_sbdf_t at = pci_sbdf((uint16_t)seg, 0, 0, 0);

		while (!pci_query_next(at, &info)) {
			if (to_remember(&info)) {
				json_object *o = record(info.desc.sbdf,
							&info.desc.ident);

				out_str(o, "reason", info.broken);
				out_append(array, o);
			}
			at = info.desc.sbdf;
			if (at.bdf == UINT16_MAX)
				break;
			at.bdf++;
		}
	}
}

static json_object *collect(void)
{
	json_object *o = out_object(), *pins = out_array();
	json_object *broken = out_array();

	(void)out_failed();
	out_int(o, "version", VERSION);
	pins_each(add_pin, pins);
	add_broken(broken);
	out_add(o, "pins", pins);
	out_add(o, "broken", broken);
	if (!out_failed())
		return o;
	json_object_put(o);
	return NULL;
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd) ? -errno : 0;
}

static int replace_file(const char *text)
{
	int fd = openat(dir_fd, FILE_NAME ".new",
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, text);
	if (close(fd) && !err)
		err = -errno;
	if (!err && renameat(dir_fd, FILE_NAME ".new", dir_fd, FILE_NAME))
		err = -errno;
	if (err)
		unlinkat(dir_fd, FILE_NAME ".new", 0);
	else if (fsync(dir_fd))
		err = -errno;
	return err;
}

int state_save(void)
{
	const char *text = NULL;
	json_object *o;
	int err = -ENOMEM;

	if (dir_fd < 0)
		return 0;
	uv_mutex_lock(&write_lock);
	o = collect();
	if (o)
		text = json_object_to_json_string_ext(
			o, JSON_C_TO_STRING_PRETTY |
				   JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		err = replace_file(text);
	json_object_put(o);
	uv_mutex_unlock(&write_lock);
	if (err)
		plat_log(PLAT_ERROR, "pins and reasons could not be saved: %s",
			 strerror(-err));
	return err;
}

static void save_run(struct work *work)
{
	(void)work;
	(void)state_save(); /* logs */
}

static void save_done(struct work *work)
{
	save_queued = save_again;
	save_again = false;
	if (save_queued)
		loop_work(work);
}

void state_touch(void)
{
	if (dir_fd < 0)
		return;
	if (save_queued) {
		save_again = true;
		return;
	}
	save_queued = true;
	save_work.run = save_run;
	save_work.done = save_done;
	loop_work(&save_work);
}

/* --- reading -------------------------------------------------------------------- */

static bool get_int(json_object *o, const char *key, int64_t max, int64_t *out)
{
	json_object *v;

	if (!json_object_object_get_ex(o, key, &v) ||
	    !json_object_is_type(v, json_type_int))
		return false;
	*out = json_object_get_int64(v);
	return *out >= 0 && *out <= max;
}

static const char *get_str(json_object *o, const char *key)
{
	json_object *v;

	if (!json_object_object_get_ex(o, key, &v) ||
	    !json_object_is_type(v, json_type_string))
		return NULL;
	return json_object_get_string(v);
}

/* The address and identity of a record, and its text; false: it is none. */
static bool parse_record(json_object *o, const char *text_key, pci_sbdf_t *sbdf,
			 struct pci_ident *id, const char **text)
{
	const char *at = get_str(o, "sbdf"), *serial = get_str(o, "serial");
	int64_t n[5];
	char *end;

	*text = get_str(o, text_key);
	if (!at || pci_sbdf_parse(at, sbdf) || !serial || !*text ||
	    !get_int(o, "vendor", UINT16_MAX, &n[0]) ||
	    !get_int(o, "device", UINT16_MAX, &n[1]) ||
	    !get_int(o, "subvendor", UINT16_MAX, &n[2]) ||
	    !get_int(o, "subdevice", UINT16_MAX, &n[3]) ||
	    !get_int(o, "class_rev", UINT32_MAX, &n[4]))
		return false;
	*id = (struct pci_ident){
		.vendor = (uint16_t)n[0],
		.device = (uint16_t)n[1],
		.subvendor = (uint16_t)n[2],
		.subdevice = (uint16_t)n[3],
		.class_rev = (uint32_t)n[4],
		.serial = strtoull(serial, &end, 16),
	};
	return *serial && !*end;
}

static bool same_ident(const struct pci_ident *a, const struct pci_ident *b)
{
	return a->vendor == b->vendor && a->device == b->device &&
	       a->subvendor == b->subvendor && a->subdevice == b->subdevice &&
	       a->class_rev == b->class_rev && a->serial == b->serial;
}

static int put_broken(pci_sbdf_t sbdf, const char *reason)
{
	const char *kept = text_keep(reason);
	struct pci_dev *pdev;
	int err;

	if (!kept)
		return -ENOMEM;
	err = pci_lookup(NULL, sbdf, &pdev);
	if (err)
		return err;
	pcidev_set_broken(pdev, kept);
	pcidev_put(pdev);
	return 0;
}

static int put_pin(pci_sbdf_t sbdf, const char *who)
{
	return pin_add(sbdf, who);
}

/* 0, or the number from 1 of the record that is malformed. */
static size_t restore(json_object *array, const char *text_key,
		      int (*put)(pci_sbdf_t sbdf, const char *text))
{
	size_t count = json_object_array_length(array);
	char name[PCI_SBDF_LEN];

	for (size_t i = 0; i < count; i++) {
		struct pci_dev_info info;
		struct pci_ident ident;
		const char *text;
		pci_sbdf_t sbdf;

		if (!parse_record(json_object_array_get_idx(array, i), text_key,
				  &sbdf, &ident, &text))
			return i + 1;
		pci_sbdf_print(name, sbdf);
		if (pci_query(sbdf, &info) ||
		    !same_ident(&ident, &info.desc.ident))
			plat_log(PLAT_WARN,
				 "%s is not the device that it was: \"%s\" is "
				 "dropped",
				 name, text);
		else if (put(sbdf, text))
			plat_log(PLAT_WARN, "%s: \"%s\" could not be restored",
				 name, text);
	}
	return 0;
}

/* The array @key of @root onto the devices. */
static int restore_array(json_object *root, const char *key,
			 const char *text_key,
			 int (*put)(pci_sbdf_t sbdf, const char *text),
			 char *err, size_t size)
{
	json_object *array = NULL;
	size_t bad;

	json_object_object_get_ex(root, key, &array);
	if (!json_object_is_type(array, json_type_array)) {
		snprintf(err, size, "%s: is not an array", key);
		return -EINVAL;
	}
	bad = restore(array, text_key, put);
	if (!bad)
		return 0;
	snprintf(err, size, "%s[%zu]: is no record of ours", key, bad - 1);
	return -EINVAL;
}

static int load(char *err, size_t size)
{
	int fd = openat(dir_fd, FILE_NAME, O_RDONLY | O_CLOEXEC);
	json_object *root;
	int64_t version;
	int ret;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0) {
		ret = -errno;
		snprintf(err, size, "%s", strerror(errno));
		return ret;
	}
	root = json_object_from_fd(fd);
	close(fd);
	if (!root) {
		snprintf(err, size, "is not JSON");
		return -EINVAL;
	}
	if (!get_int(root, "version", INT64_MAX, &version) ||
	    version != VERSION) {
		snprintf(err, size, "version: must be %d", VERSION);
		ret = -EINVAL;
	} else {
		ret = restore_array(root, "broken", "reason", put_broken, err,
				    size);
		if (!ret)
			ret = restore_array(root, "pins", "who", put_pin, err,
					    size);
	}
	json_object_put(root);
	return ret;
}

/* --- opening -------------------------------------------------------------------- */

int state_open(const char *dir, char *err, size_t size)
{
	char why[200] = "";
	int ret;

	uv_mutex_init(&write_lock);
	if (mkdir(dir, 0700) && errno != EEXIST)
		goto failed;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		goto failed;
	lock_fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock_fd < 0)
		goto failed;
	if (flock(lock_fd, LOCK_EX | LOCK_NB)) {
		snprintf(err, size,
			 "%s: another holdfastd keeps its state "
			 "there",
			 dir);
		return -EBUSY;
	}
	ret = load(why, sizeof(why));
	if (ret)
		snprintf(err, size,
			 "%s/" FILE_NAME ": %s; move it away to start without",
			 dir, why);
	return ret;
failed:
	ret = -errno;
	snprintf(err, size, "%s: %s", dir, strerror(errno));
	return ret;
}

void state_close(void)
{
	if (dir_fd >= 0)
		close(dir_fd);
	if (lock_fd >= 0)
		close(lock_fd);
	dir_fd = lock_fd = -1;
}
