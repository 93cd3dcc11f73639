// SPDX-License-Identifier: BSD-2-Clause
/* One device in full, and who holds it. */
#include <string.h>

#include "cli.h"
#include "names.h"

static void field(const char *name)
{
	printf("  %-13s", name);
}

static void print_identity(json_object *dev)
{
	uint32_t class_rev = (uint32_t)js_int(dev, "class") << 8;
	char class_name[256], when[WHEN_LEN];

	printf("%s  %s\n", js_str(dev, "sbdf"), cli_device_name(dev));
	field("class");
	printf("%s, %06llx, revision %02llx\n",
	       names_class(class_name, sizeof(class_name), class_rev),
	       (long long)js_int(dev, "class"),
	       (long long)js_int(dev, "revision"));
	field("identity");
	printf("%04llx:%04llx, subsystem %04llx:%04llx",
	       (long long)js_int(dev, "vendor"),
	       (long long)js_int(dev, "device"),
	       (long long)js_int(dev, "subvendor"),
	       (long long)js_int(dev, "subdevice"));
	if (js_has(dev, "serial"))
		printf(", serial %s", js_str(dev, "serial"));
	putchar('\n');
	field("instance");
	printf("%lld, added %s\n", (long long)js_int(dev, "instance"),
	       cli_when(when, dev, "added"));
}

static void print_place(json_object *dev)
{
	field("type");
	fputs(js_str(dev, "type"), stdout);
	if (js_bool(dev, "vf"))
		printf(", VF of %s", js_str(dev, "parent"));
	else if (js_has(dev, "parent"))
		printf(", below %s", js_str(dev, "parent"));
	if (js_has(dev, "secondary"))
		printf(", buses %02llx-%02llx",
		       (long long)js_int(dev, "secondary"),
		       (long long)js_int(dev, "subordinate"));
	if (js_bool(dev, "slot"))
		fputs(", with a slot", stdout);
	putchar('\n');
}

static void print_state(json_object *dev)
{
	char when[WHEN_LEN];

	field("owner");
	fputs(js_str(dev, "owner"), stdout);
	if (js_has(dev, "vsbdf"))
		printf(", seen there at %s", js_str(dev, "vsbdf"));
	putchar('\n');
	field("state");
	fputs(js_str(dev, "state"), stdout);
	if (js_has(dev, "operation"))
		printf(", %s since %s", js_str(dev, "operation"),
		       cli_when(when, dev, "operation_since"));
	if (js_bool(dev, "lost"))
		fputs(", lost", stdout);
	if (js_bool(dev, "read_only"))
		fputs(", read-only", stdout);
	if (js_bool(dev, "hidden"))
		fputs(", hidden", stdout);
	putchar('\n');
	if (js_has(dev, "broken")) {
		field(strcmp(js_str(dev, "owner"), "quarantine")
			      ? "broken"
			      : "quarantined");
		puts(js_str(dev, "broken"));
	}
	if (js_has(dev, "defect")) {
		field("defect");
		puts(js_str(dev, "defect"));
	}
	field("references");
	printf("%lld, children %lld\n", (long long)js_int(dev, "refs"),
	       (long long)js_int(dev, "children"));
}

static void print_holders(json_object *holders)
{
	for (size_t i = 0; i < js_count(holders); i++) {
		field(i ? "" : "holders");
		cli_print_hold(stdout, json_object_array_get_idx(holders, i));
	}
}

static void print_size(json_object *bar, const char *name)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	int64_t size = js_int(bar, name);
	unsigned int u = 0;

	if (!js_has(bar, name)) {
		fputs(", size unknown", stdout);
		return;
	}
	while (size >= 1024 && size % 1024 == 0 && u < 4) {
		size /= 1024;
		u++;
	}
	printf(", %lld %s", (long long)size, unit[u]);
}

static void print_bars(json_object *bars)
{
	for (size_t i = 0; i < js_count(bars); i++) {
		json_object *bar = json_object_array_get_idx(bars, i);

		field(i ? "" : "BARs");
		printf("%-4s %s at %s", js_str(bar, "name"),
		       js_str(bar, "kind"), js_str(bar, "addr"));
		print_size(bar, "size");
		puts(js_bool(bar, "prefetch") ? ", prefetchable" : "");
	}
}

static void print_guest_bar(json_object *bar)
{
	printf("%-4s %s at %s", js_str(bar, "name"), js_str(bar, "kind"),
	       js_str(bar, "guest"));
	print_size(bar, "size");
	if (js_bool(bar, "failed"))
		fputs(", could not be mapped", stdout);
	else if (!js_bool(bar, "decode"))
		fputs(", not decoded", stdout);
	else
		print_size(bar, "mapped");
	puts(js_bool(bar, "decode") ? " mapped" : "");
}

/* What the owner sees of the device. */
static void print_view(json_object *dev)
{
	json_object *view = js_get(dev, "view"), *bars = js_get(view, "bars");

	field("next guest");
	printf("by policy %s\n", js_str(dev, "policy"));
	if (!view)
		return;
	field("view");
	printf("by policy %s, command %04llx\n", js_str(view, "policy"),
	       (long long)js_int(view, "command"));
	field("");
	printf("%lld capabilities, %lld hidden, %lld registers\n",
	       (long long)js_int(view, "shown"),
	       (long long)js_int(view, "hidden"),
	       (long long)js_int(view, "registers"));
	field("");
	printf("MSI vectors: %lld, MSI-X %s\n",
	       (long long)js_int(view, "msi_vectors"), js_str(view, "msix"));
	for (size_t i = 0; i < js_count(bars); i++) {
		field(i ? "" : "guest's BARs");
		print_guest_bar(json_object_array_get_idx(bars, i));
	}
}

static void print_caps(json_object *dev)
{
	json_object *caps = js_get(dev, "capabilities");

	for (size_t i = 0; i < js_count(caps); i++) {
		json_object *cap = json_object_array_get_idx(caps, i);

		field(i ? "" : "capabilities");
		printf("%03llx  ", (long long)js_int(cap, "pos"));
		if (js_has(cap, "name"))
			fputs(js_str(cap, "name"), stdout);
		else
			printf("%s%04llx",
			       js_bool(cap, "extended") ? "extended " : "",
			       (long long)js_int(cap, "id"));
		putchar('\n');
	}
	if (js_bool(dev, "capabilities_unknown")) {
		field("capabilities");
		puts("unknown: only 64 bytes could be read");
	} else if (js_has(dev, "capabilities_error")) {
		field("");
		puts("the list is broken after that");
	}
}

static void print_features(json_object *dev)
{
	json_object *part;

	field("config");
	printf("%lld bytes, header type %lld\n",
	       (long long)js_int(dev, "config_size"),
	       (long long)js_int(dev, "header_type"));
	part = js_get(dev, "msi");
	if (part) {
		field("MSI");
		printf("vectors: %lld\n", (long long)js_int(part, "vectors"));
	}
	part = js_get(dev, "msix");
	if (part) {
		field("MSI-X");
		printf("entries: %lld\n", (long long)js_int(part, "entries"));
	}
	part = js_get(dev, "sriov");
	if (part) {
		field("SR-IOV");
		printf("%lld of %lld VFs, offset %lld, stride %lld\n",
		       (long long)js_int(part, "num"),
		       (long long)js_int(part, "total"),
		       (long long)js_int(part, "offset"),
		       (long long)js_int(part, "stride"));
	}
	if (js_int(dev, "phantom_stride")) {
		field("phantom");
		printf("functions with stride %lld\n",
		       (long long)js_int(dev, "phantom_stride"));
	}
}

/* --- what it reaches, and who it tells ---------------------------------------- */

static void print_dma(json_object *dev)
{
	json_object *dma = js_get(dev, "dma"), *faults = js_get(dma, "faults");
	char when[WHEN_LEN];

	if (!dma)
		return;
	field("DMA");
	printf("%s%s%s, requester IDs: %lld%s%s\n", js_str(dma, "mode"),
	       js_has(dma, "domain") ? " of " : "",
	       js_has(dma, "domain") ? js_str(dma, "domain") : "",
	       (long long)js_int(dma, "rids"),
	       js_bool(dma, "ats") ? ", ATS on" : "",
	       js_bool(dma, "stuck") ? ", does not answer flushes" : "");
	if (!js_int(faults, "total") && !js_bool(faults, "master_off"))
		return;
	field("faults");
	printf("%lld%s", (long long)js_int(faults, "total"),
	       js_bool(faults, "master_off") ? ", bus mastering is off" : "");
	if (js_has(faults, "last"))
		printf(", the last at %s (%s), %s", js_str(faults, "address"),
		       js_str(faults, "reason"),
		       cli_when(when, faults, "last"));
	putchar('\n');
}

static void print_interrupts(json_object *dev)
{
	json_object *irq = js_get(dev, "interrupts");

	if (!irq)
		return;
	field("interrupts");
	printf("%lld MSI, %lld MSI-X bound%s%s\n",
	       (long long)js_int(irq, "msi"), (long long)js_int(irq, "msix"),
	       js_bool(irq, "guest") ? " for the guest" : "",
	       js_bool(irq, "prepared") ? ", table prepared" : "");
	field("");
	printf("masked %lld, pending %lld, failed %lld, delivered %lld, told "
	       "the guest %lld\n",
	       (long long)js_int(irq, "masked"),
	       (long long)js_int(irq, "pending"),
	       (long long)js_int(irq, "failed"),
	       (long long)js_int(irq, "delivered"),
	       (long long)js_int(irq, "told"));
}

static void print_safety(json_object *dev)
{
	json_object *methods = js_get(dev, "reset_methods");

	print_dma(dev);
	print_interrupts(dev);
	if (methods) {
		field("reset");
		fputs(js_count(methods) ? "by" : "there is no way", stdout);
		for (size_t i = 0; i < js_count(methods); i++)
			printf("%s %s", i ? "," : "",
			       json_object_get_string(
				       json_object_array_get_idx(methods, i)));
		putchar('\n');
	}
	if (js_int(dev, "group_size") > 1) {
		field("group");
		printf("%lld devices; `holdfast why-grouped %s`\n",
		       (long long)js_int(dev, "group_size"),
		       js_str(dev, "sbdf"));
	}
}

static void print_device(struct cli *cli, json_object *dev)
{
	(void)cli;
	print_identity(dev);
	print_place(dev);
	print_state(dev);
	print_holders(js_get(dev, "holders"));
	print_safety(dev);
	print_features(dev);
	print_bars(js_get(dev, "bars"));
	print_caps(dev);
	print_view(dev);
}

int verb_show(struct cli *cli)
{
	return cli_do(cli, "show", cli_params("sbdf", cli->arg[0]),
		      print_device);
}

static void print_all_holders(struct cli *cli, json_object *result)
{
	json_object *holders = js_get(result, "holders");
	int64_t refs = js_int(result, "refs");

	(void)cli;
	for (size_t i = 0; i < js_count(holders); i++)
		cli_print_hold(stdout, json_object_array_get_idx(holders, i));
	if (!js_count(holders))
		printf("Nobody holds %s.\n", js_str(result, "sbdf"));
	if (refs)
		printf("%lld references\n", (long long)refs);
}

int verb_holders(struct cli *cli)
{
	return cli_do(cli, "holders", cli_params("sbdf", cli->arg[0]),
		      print_all_holders);
}
