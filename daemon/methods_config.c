/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration space: config.read, config.write, config.dump. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/config.h>

#include "export.h"
#include "hosts.h"
#include "methods.h"
#include "out.h"

#define DUMP_MAX 32 /* functions a page: 14 KiB of text each at most */

int arg_register(struct call *call, const char *address, pci_sbdf_t *sbdf,
		 int64_t *reg, int64_t *size)
{
	int err;

	if ((err = arg_sbdf(call, address, sbdf)) ||
	    (err = arg_int(call, "reg", 0, 4095, reg)) ||
	    (err = arg_int(call, "size", 1, 4, size)))
		return err;
	if (*size == 3)
		return arg_bad(call, "size", "must be 1, 2 or 4");
	if (*reg % *size)
		return arg_bad(call, "reg", "must be a multiple of the size");
	return 0;
}

/* Which register; the device is there. */
static int arg_device_register(struct call *call, pci_sbdf_t *sbdf,
			       int64_t *reg, int64_t *size)
{
	struct pci_dev_info info;
	int err = arg_register(call, "sbdf", sbdf, reg, size);

	if (err)
		return err;
	err = pci_query(*sbdf, &info);
	return err ? call_fail_device(call, err, *sbdf) : 0;
}

int method_config_read(struct call *call)
{
	struct pci_dev *pdev;
	int64_t reg, size;
	pci_sbdf_t sbdf;
	int err;

	err = arg_device_register(call, &sbdf, &reg, &size);
	if (err)
		return err;
	if (reg + size > CONFIG_FOR_ALL) {
		err = call_administers(call);
		if (err)
			return err;
	}
	err = pci_lookup(NULL, sbdf, &pdev);
	if (err)
		return call_fail_device(call, err, sbdf);
	call->result = out_object();
	out_uint(call->result, "value",
		 pcidev_read(pdev, (uint16_t)reg, (uint8_t)size));
	pcidev_put(pdev);
	return 0;
}

int method_config_write(struct call *call)
{
	int64_t reg, size, value;
	struct pci_dev *pdev;
	pci_sbdf_t sbdf;
	int err;

	err = arg_device_register(call, &sbdf, &reg, &size);
	if (err)
		return err;
	err = arg_int(call, "value", 0, (1ll << (8 * size)) - 1, &value);
	if (err)
		return err;
	if (host_read_only())
		return call_fail_device(call, -EOPNOTSUPP, sbdf);
	err = pci_lookup(NULL, sbdf, &pdev);
	if (err)
		return call_fail_device(call, err, sbdf);
	err = pcidev_write(pdev, (uint16_t)reg, (uint8_t)size, (uint32_t)value);
	pcidev_put(pdev);
	if (err)
		return call_fail_device(call, err, sbdf);
	call->result = out_object();
	return 0;
}

/* --- dump ---------------------------------------------------------------------- */

/* A device that is held, as a host: lost, it answers all-ones. */
struct held {
	struct pci_host host;
	struct pci_dev *pdev;
	uint16_t size;
};

static int held_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	(void)sbdf;
	*val = pcidev_read(container_of(host, struct held, host)->pdev, reg,
			   size);
	return 0;
}

static uint16_t held_size(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)sbdf;
	return container_of(host, struct held, host)->size;
}

/* 0; -ENODEV gone, lost, or it answers nothing; -EBUSY it is just removed. */
static int dump_device(const struct pci_dev_info *info, FILE *out)
{
	static const struct pci_host_ops ops = { .read = held_read,
						 .config_size = held_size };
	struct held held = { .host = { .ops = &ops, .name = "held" },
			     .size = info->desc.cfg_size };
	int err = pci_lookup(NULL, info->desc.sbdf, &held.pdev);

	if (err)
		return err;
	err = dump_export_function(&held.host, info->desc.sbdf, out);
	pcidev_put(held.pdev);
	return err;
}

/*
 * Up to @limit functions from @at on, those that vanish meanwhile left out;
 * or only @sbdf.
 */
static int dump(struct cursor *at, int64_t limit,
		const struct pci_dev_info *only, FILE *out)
{
	struct pci_dev_info info;
	int err = 0;

	if (only)
		return dump_device(only, out);
	while (limit-- && !err && !cursor_next(at, &info)) {
		err = dump_device(&info, out);
		if (err == -ENODEV || err == -EBUSY)
			err = 0;
	}
	return err;
}

int method_config_dump(struct call *call)
{
	struct pci_dev_info info;
	int64_t limit = DUMP_MAX;
	struct cursor at;
	pci_sbdf_t sbdf;
	char *text = NULL;
	size_t len = 0;
	int one, err;
	FILE *out;

	if ((err = cursor_arg(call, &at)) < 0 ||
	    (err = arg_int_opt(call, "limit", 1, DUMP_MAX, &limit)) < 0 ||
	    (one = err = arg_sbdf_opt(call, "sbdf", &sbdf)) < 0)
		return err;
	if (one && (err = pci_query(sbdf, &info)))
		return call_fail_device(call, err, sbdf);
	out = open_memstream(&text, &len);
	if (!out)
		return call_fail(call, -ENOMEM, "out of memory; try again");
	err = dump(&at, limit, one ? &info : NULL, out);
	if (fclose(out) && !err)
		err = -ENOMEM;
	if (one && (err == -ENODEV || err == -EBUSY)) {
		call_fail_device(call, err, sbdf);
	} else if (err) {
		call_fail(call, err, "the dump ended early: %s",
			  strerror(-err));
	} else {
		call->result = out_object();
		out_str(call->result, "text", text);
		if (one)
			out_null(call->result, "next");
		else
			cursor_add(call->result, at);
	}
	free(text);
	return err;
}
