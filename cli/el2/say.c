// SPDX-License-Identifier: BSD-2-Clause
#include "say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../duration.h"
#include "../table.h"

const char *say_sbdf(char buf[static SBDF_LEN], uint32_t sbdf)
{
	snprintf(buf, SBDF_LEN, "%04x:%02x:%02x.%x", sbdf >> 16,
		 sbdf >> 8 & 0xff, sbdf >> 3 & 0x1f, sbdf & 7);
	return buf;
}

static const char *state_of(const struct mgmt_device *dev)
{
	if (dev->flags & MGMT_DEVICE_LOST)
		return "lost";
	return dev->flags & MGMT_DEVICE_BROKEN ? "broken" : dev->state;
}

void say_devices(const struct mgmt_device *dev, unsigned int n)
{
	static const struct table_column column[] = {
		{ "ADDRESS" }, { "ID" },  { "TYPE" },        { "OWNER" },
		{ "STATE" },   { "DMA" }, { "HOLDS", true }, { "REFS", true },
	};
	struct table *table = table_new(column, 8);
	char name[SBDF_LEN];
	unsigned int i;

	for (i = 0; i < n; i++) {
		table_cell(table, PLAIN, "%s", say_sbdf(name, dev[i].sbdf));
		table_cell(table, PLAIN, "%04x:%04x", dev[i].vendor,
			   dev[i].device);
		table_cell(table, PLAIN, "%s", dev[i].type);
		table_cell(table, PLAIN, "%s", dev[i].owner_name);
		table_cell(table, PLAIN, "%s", state_of(&dev[i]));
		table_cell(table, PLAIN, "%s",
			   dev[i].dma[0] ? dev[i].dma : "-");
		table_cell(table, PLAIN, "%u", dev[i].holds);
		table_cell(table, PLAIN, "%u", dev[i].refs);
	}
	table_print(table, stdout, 0, false);
	table_free(table);
}

void say_device(const struct mgmt_device *dev)
{
	char name[SBDF_LEN], age[DURATION_LEN];

	printf("%s  %04x:%04x  class %04x  %s\n", say_sbdf(name, dev->sbdf),
	       dev->vendor, dev->device, dev->class_rev >> 16, dev->type);
	if (dev->parent != dev->sbdf)
		printf("  below       %s\n", say_sbdf(name, dev->parent));
	printf("  state       %s\n", state_of(dev));
	if (dev->broken[0])
		printf("  broken      %s\n", dev->broken);
	if (dev->op[0])
		printf("  operation   %s\n", dev->op);
	printf("  owner       %s\n", dev->owner_name);
	if (dev->dma[0])
		printf("  dma         %s, %u faults\n", dev->dma, dev->faults);
	printf("  holds       %u\n  references  %u\n  children    %u\n",
	       dev->holds, dev->refs, dev->children);
	printf("  instance    %" PRIu64 ", for %s\n", dev->instance,
	       duration_print(age, dev->age_ms));
}

void say_hold(const struct mgmt_hold *hold)
{
	char name[SBDF_LEN], since[DURATION_LEN];

	printf("  %s: %s", say_sbdf(name, hold->sbdf), hold->kind);
	if (hold->who[0])
		printf(", %s", hold->who);
	if (!strcmp(hold->kind, "child"))
		printf(", %s", say_sbdf(name, hold->child));
	printf(", for %s", duration_print(since, hold->since_ms));
	if (hold->flags & MGMT_HOLD_REFUSED)
		printf("; asked, refused");
	else if (hold->flags & MGMT_HOLD_ASKED)
		printf("; asked");
	putchar('\n');
}

static void say_end(const struct mgmt_removal *r)
{
	char took[DURATION_LEN];

	printf(", after %s", duration_print(took, r->left_ms));
	if (r->reason[0])
		printf(": %s", r->reason);
	if (r->result == -EBUSY && r->refs)
		printf(" (%u)", r->refs);
}

void say_removal(const struct mgmt_removal *r)
{
	char name[SBDF_LEN], left[DURATION_LEN];

	printf("%s: ", say_sbdf(name, r->sbdf));
	if (r->result == -EINPROGRESS) {
		printf("%s, %s left", r->phase,
		       duration_print(left, r->left_ms));
	} else if (r->result) {
		printf("%s", r->phase);
		say_end(r);
	} else if (r->still_on_card) {
		printf("removed; %u more on this card", r->still_on_card);
		say_end(r);
	} else {
		printf("removed; safe to pull");
		say_end(r);
	}
	putchar('\n');
}

void say_guest(const struct mgmt_guest *g)
{
	char name[SBDF_LEN];

	printf("second guest: %s, started %u times\n", g->state, g->starts);
	if (strcmp(g->state, "off"))
		printf("  on CPU %u with %s\n", g->cpu,
		       say_sbdf(name, g->sbdf));
	if (g->line[0])
		printf("  says %.*s\n", (int)sizeof(g->line), g->line);
}

void say_stats(const struct mgmt_stats *s)
{
	const struct {
		const char *name;
		uint64_t value;
	} row[] = {
		{ "devices", s->devices },
		{ "device objects", s->objects },
		{ "added", s->added },
		{ "removed", s->removed },
		{ "lost", s->lost },
		{ "removals refused", s->refused },
		{ "config reads", s->config_reads },
		{ "config writes", s->config_writes },
		{ "DMA faults", s->dma_faults },
		{ "requests", s->requests },
		{ "events", s->events },
		{ "memory, KiB", s->pool_size / 1024 },
		{ "memory used, KiB", s->pool_used / 1024 },
		{ "memory used at most, KiB", s->pool_peak / 1024 },
		{ "allocations failed", s->pool_failed },
		{ "up, ms", s->uptime_ms },
	};
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(*row); i++)
		printf("%-25s %" PRIu64 "\n", row[i].name, row[i].value);
}

void say_event(const struct mgmt_event *e)
{
	char name[SBDF_LEN];

	printf("%6" PRIu64 " %6" PRIu64 ".%03u  %-12s  %-9s %s\n", e->seq,
	       e->time_ms / 1000, (unsigned int)(e->time_ms % 1000),
	       e->instance ? say_sbdf(name, e->sbdf) : "-", e->name, e->detail);
}
