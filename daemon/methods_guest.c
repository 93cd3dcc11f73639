/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space as a domain sees it: guest.config_read,
 * guest.config_write, guest.config_dump.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/pci_regs.h>
#include <holdfast/vpci.h>

#include "export.h"
#include "hosts.h"
#include "methods.h"
#include "out.h"
#include "trap.h"

#define DUMP_MAX 32 /* functions a page, as config.dump */

/* --- who is where ------------------------------------------------------------ */

/*
 * Does anybody answer @d at @at? To a guest everybody does who has a Vendor ID,
 * a slot's placeholder too; a VF has none for the hardware domain.
 */
static bool sees(struct domain *d, pci_sbdf_t at)
{
	struct pci_dev_info info;
	uint32_t id;

	if (d == hardware_domain)
		return !pci_query(at, &info) && info.owner == DOMID_HARDWARE;
	return trap_read(d, at, PCI_VENDOR_ID, 4, &id) || id != UINT32_MAX;
}

/* The first address at or after @at where @d has a device; @at moves behind. */
static int next_seen(struct domain *d, struct cursor *at, pci_sbdf_t *sbdf)
{
	struct pci_dev_info info;

	while (d == hardware_domain && !cursor_next(at, &info)) {
		*sbdf = info.desc.sbdf;
		if (info.owner == DOMID_HARDWARE)
			return 0;
	}
	if (d == hardware_domain || at->seg)
		return -ENOENT;
	while (at->bdf <= UINT16_MAX) {
		*sbdf = pci_sbdf_from(at->bdf++);
		if (sees(d, *sbdf))
			return 0;
	}
	return -ENOENT;
}

static int fail_view(struct call *call, int err, struct domain *d,
		     pci_sbdf_t at)
{
	const char *name = domain_name(d);
	char where[PCI_SBDF_LEN];

	pci_sbdf_print(where, at);
	if (err == -ENODEV)
		call_fail(call, err,
			  "%s sees no device at %s; `holdfast list --owner %s` "
			  "shows what it has",
			  name, where, name);
	else if (err == -EBUSY)
		call_fail(call, err,
			  "%s of %s is busy: its removal has not decided for "
			  "%d s; nothing was done, try again",
			  where, name, TRAP_PATIENCE_MS / 1000);
	else if (err == -EINPROGRESS)
		call_fail(call, err,
			  "%s of %s is written, but what that has set going is "
			  "not over after %d s; another write goes on with it",
			  where, name, TRAP_PATIENCE_MS / 1000);
	else
		call_fail(call, err, "%s of %s: %s", where, name,
			  strerror(-err));
	out_str(call_data(call), "domain", name);
	out_sbdf(call_data(call), "vsbdf", at);
	return err;
}

/* --- registers ---------------------------------------------------------------- */

/* Which register of whom; the device is there. @d is counted. */
static int arg_view(struct call *call, struct domain **d, pci_sbdf_t *at,
		    int64_t *reg, int64_t *size)
{
	int err;

	if ((err = arg_register(call, "vsbdf", at, reg, size)) ||
	    (err = arg_domain(call, "domain", d)))
		return err;
	if (sees(*d, *at))
		return 0;
	err = fail_view(call, -ENODEV, *d, *at);
	domain_put(*d);
	return err;
}

int method_guest_config_read(struct call *call)
{
	int64_t reg, size;
	struct domain *d;
	pci_sbdf_t at;
	uint32_t val;
	int err;

	err = arg_view(call, &d, &at, &reg, &size);
	if (err)
		return err;
	if (reg + size > CONFIG_FOR_ALL)
		err = call_administers(call);
	if (!err) {
		err = trap_read(d, at, (uint16_t)reg, (uint8_t)size, &val);
		if (err)
			fail_view(call, err, d, at);
	}
	if (!err) {
		call->result = out_object();
		out_uint(call->result, "value", val);
	}
	domain_put(d);
	return err;
}

int method_guest_config_write(struct call *call)
{
	int64_t reg, size, value;
	struct domain *d;
	pci_sbdf_t at;
	int err;

	err = arg_view(call, &d, &at, &reg, &size);
	if (err)
		return err;
	err = arg_int(call, "value", 0, (1ll << (8 * size)) - 1, &value);
	if (!err && host_read_only()) {
		err = call_fail_device(call, -EOPNOTSUPP, at);
	} else if (!err) {
		err = trap_write(d, at, (uint16_t)reg, (uint8_t)size,
				 (uint32_t)value);
		if (err)
			fail_view(call, err, d, at);
	}
	if (!err)
		call->result = out_object();
	domain_put(d);
	return err;
}

/* --- dump ------------------------------------------------------------------------ */

/* Up to @limit devices from @at on, or only the one at @only. */
static int dump(struct domain *d, struct cursor *at, int64_t limit,
		const pci_sbdf_t *only, FILE *out)
{
	struct trap_host th;
	pci_sbdf_t sbdf;
	int err = 0;

	trap_host_init(&th, d);
	if (only)
		return dump_export_function(&th.host, *only, out);
	while (limit-- && !err && !next_seen(d, at, &sbdf)) {
		err = dump_export_function(&th.host, sbdf, out);
		if (err == -ENODEV) /* it left meanwhile, or was cut off */
			err = 0;
	}
	return err;
}

/* Where a walk has come to. */
static pci_sbdf_t last_of(const struct cursor *at)
{
	return pci_sbdf_from(at->seg << 16 | (at->bdf ? at->bdf - 1 : 0));
}

static void add_next(json_object *to, struct domain *d, struct cursor at)
{
	pci_sbdf_t sbdf;

	if (next_seen(d, &at, &sbdf))
		out_null(to, "next");
	else
		cursor_print(to, sbdf);
}

static int dump_text(struct call *call, struct domain *d, struct cursor *at,
		     int64_t limit, const pci_sbdf_t *only)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (!out)
		return call_fail(call, -ENOMEM, "out of memory; try again");
	err = dump(d, at, limit, only, out);
	if (fclose(out) && !err)
		err = -ENOMEM;
	if (err) {
		fail_view(call, err, d, only ? *only : last_of(at));
	} else {
		call->result = out_object();
		out_str(call->result, "text", text);
	}
	free(text);
	return err;
}

int method_guest_config_dump(struct call *call)
{
	int64_t limit = DUMP_MAX;
	struct cursor at;
	struct domain *d;
	pci_sbdf_t sbdf;
	int one, err;

	if ((err = cursor_arg(call, &at)) < 0 ||
	    (err = arg_int_opt(call, "limit", 1, DUMP_MAX, &limit)) < 0 ||
	    (one = err = arg_sbdf_opt(call, "vsbdf", &sbdf)) < 0 ||
	    (err = arg_domain(call, "domain", &d)))
		return err;
	if (one && !sees(d, sbdf))
		err = fail_view(call, -ENODEV, d, sbdf);
	else
		err = dump_text(call, d, &at, limit, one ? &sbdf : NULL);
	if (!err && one)
		out_null(call->result, "next");
	else if (!err)
		add_next(call->result, d, at);
	domain_put(d);
	return err;
}
