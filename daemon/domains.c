/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See domains.h. The core asks inside a read-side section, so the wish is only
 * posted; the loop waits where the guest is a late one; a worker answers.
 * A wish owns a reference on its domain from the ask to the answer. Whether
 * the removal still runs by then does not matter to a guest that lets go.
 */
#include "domains.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/platform.h>

#include "deliveries.h"
#include "hosts.h"
#include "loop.h"
#include "memory.h"
#include "out.h"
#include "stop.h"

#define LATE_MAX_MS 3600000u

enum on_ask { RELEASE, REFUSE, IGNORE, LATE };

/* The data of a guest's domain; freed when the domain is. */
struct guest {
	enum on_ask on_ask; /* this and late_ms are fixed */
	uint32_t late_ms;
	struct guest_memory memory;
	struct deliveries deliveries;
};

struct wish {
	struct post post;
	struct work work;
	uv_timer_t timer;
	struct list_head entry; /* of late, while the timer runs */
	struct domain *d;       /* owns a reference */
	pci_sbdf_t sbdf;
};

static struct list_head late = { &late, &late };

/* --- answering -------------------------------------------------------------------- */

/* Worker. */
static void answer(struct work *work)
{
	struct wish *wish = container_of(work, struct wish, work);
	struct guest *guest = domain_data(wish->d);

	int err;

	if (guest->on_ask == REFUSE)
		err = pci_domain_refuse(wish->d, wish->sbdf);
	else
		err = pci_domain_return(wish->d, wish->sbdf);
	(void)err; /* it has been taken away meanwhile */
}

static void answered(struct work *work)
{
	struct wish *wish = container_of(work, struct wish, work);

	domain_put(wish->d);
	free(wish);
}

static void start_answer(struct wish *wish)
{
	wish->work.run = answer;
	wish->work.done = answered;
	loop_work(&wish->work);
}

static void timer_closed(uv_handle_t *handle)
{
	start_answer(container_of((uv_timer_t *)handle, struct wish, timer));
}

static void end_wait(struct wish *wish)
{
	list_del(&wish->entry);
	uv_close((uv_handle_t *)&wish->timer, timer_closed);
}

static void is_due(uv_timer_t *timer)
{
	end_wait(container_of(timer, struct wish, timer));
}

static void wish_arrived(struct post *post)
{
	struct wish *wish = container_of(post, struct wish, post);
	struct guest *guest = domain_data(wish->d);

	if (guest->on_ask != LATE || stop_begun()) {
		start_answer(wish);
		return;
	}
	uv_timer_init(&main_loop, &wish->timer);
	uv_timer_start(&wish->timer, is_due, guest->late_ms, 0);
	list_add_tail(&wish->entry, &late);
}

/* In a section. Without memory the guest has not heard it: it times out. */
static void ask(struct domain *d, pci_sbdf_t sbdf, uint64_t deadline)
{
	struct guest *guest = domain_data(d);
	struct wish *wish;

	(void)deadline;
	if (guest->on_ask == IGNORE)
		return;
	wish = calloc(1, sizeof(*wish));
	if (!wish)
		return;
	domain_get(d);
	wish->d = d;
	wish->sbdf = sbdf;
	wish->post.run = wish_arrived;
	loop_post(&wish->post);
}

/*
 * A guest of the daemon has no memory of its own: whatever the core maps is
 * reached from then on, and what it says of it is what there is to know.
 */
static int map(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	(void)m;
	return 0;
}

static void unmap(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	(void)m;
}

/* In a section, maybe under locks of the simulated hardware. */
static void interrupt(struct domain *d, pci_sbdf_t sbdf, bool msix,
		      unsigned int index)
{
	struct guest *guest = domain_data(d);

	(void)msix;
	(void)index;
	deliveries_add(&guest->deliveries, sbdf);
}

static void guest_free(void *data)
{
	struct guest *guest = data;

	deliveries_fini(&guest->deliveries);
	free(guest);
}

static const struct domain_ops guest_ops = { .ask = ask,
					     .map = map,
					     .unmap = unmap,
					     .interrupt = interrupt,
					     .destroyed = guest_free };

void domains_stop(void)
{
	while (!list_empty(&late)) {
		struct wish *wish = list_first(&late, struct wish, entry);

		uv_timer_stop(&wish->timer);
		end_wait(wish);
	}
}

/* --- creating ----------------------------------------------------------------------- */

/* "500ms", "2s". */
static int parse_late(const char *text, uint32_t *ms)
{
	unsigned long long n = 0;
	size_t digits = 0;

	for (; text[digits] >= '0' && text[digits] <= '9'; digits++)
		if ((n = n * 10 + (unsigned)(text[digits] - '0')) > LATE_MAX_MS)
			return -ERANGE;
	text += digits;
	if (!strcmp(text, "s"))
		n *= 1000;
	else if (strcmp(text, "ms"))
		return -ERANGE;
	if (!digits || n > LATE_MAX_MS)
		return -ERANGE;
	*ms = (uint32_t)n;
	return 0;
}

static int parse_on_ask(const char *text, struct guest *guest)
{
	static const char *const name[] = { "release", "refuse", "ignore" };

	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		if (!strcmp(text, name[i])) {
			guest->on_ask = (enum on_ask)i;
			return 0;
		}
	}
	guest->on_ask = LATE;
	if (strncmp(text, "late=", 5))
		return -ERANGE;
	return parse_late(text + 5, &guest->late_ms);
}

static int create(const char *name, unsigned int id, const char *on_ask,
		  struct domain **out)
{
	struct guest *guest = calloc(1, sizeof(*guest));
	int err;

	if (!guest)
		return -ENOMEM;
	deliveries_init(&guest->deliveries);
	err = parse_on_ask(on_ask, guest);
	if (!err)
		err = domain_create(id, name, &guest_ops, guest, out);
	if (err)
		guest_free(guest);
	return err;
}

int guest_create(const char *name, unsigned int id, const char *on_ask,
		 uint64_t memory, struct domain **out)
{
	struct guest *guest;
	int err;

	if (memory && !host_fabric())
		return -EOPNOTSUPP;
	err = create(name, id, on_ask, out);
	if (err || !host_fabric())
		return err;
	guest = domain_data(*out);
	err = memory_give(*out, &guest->memory,
			  memory ? memory : MEMORY_DEFAULT);
	if (err) {
		(void)guest_destroy(*out); /* or somebody else does */
		domain_put(*out);
	}
	return err;
}

int guest_destroy(struct domain *d)
{
	struct guest *guest = domain_data(d);
	int err = domain_destroy(d);

	if (!err)
		memory_take(&guest->memory);
	return err;
}

static void print_on_ask(const struct guest *guest, char *text, size_t size)
{
	static const char *const name[] = { "release", "refuse", "ignore" };

	if (guest->on_ask == LATE)
		snprintf(text, size, "late=%ums", guest->late_ms);
	else
		snprintf(text, size, "%s", name[guest->on_ask]);
}

json_object *guest_encode(struct domain *d)
{
	struct guest *guest = domain_data(d);
	json_object *o = out_object();
	char on_ask[24];

	out_int(o, "id", domain_id(d));
	out_str(o, "name", domain_name(d));
	out_bool(o, "special", !guest);
	if (guest) {
		print_on_ask(guest, on_ask, sizeof(on_ask));
		out_str(o, "on_ask", on_ask);
	} else {
		out_null(o, "on_ask");
	}
	out_int(o, "devices", domain_devices(d));
	out_bool(o, "dying", domain_is_dying(d));
	if (guest)
		out_uint(o, "memory", memory_of(&guest->memory).size);
	else
		out_null(o, "memory");
	return o;
}

/* --- one in full ----------------------------------------------------------------------- */

static void add_memory(json_object *to, const struct guest_memory *memory)
{
	json_object *array = out_array(), *o;

	if (memory->size) {
		o = out_object();
		out_hex(o, "guest", 0);
		out_hex(o, "host", memory->hpa);
		out_uint(o, "size", memory->size);
		out_append(array, o);
	}
	out_add(to, "ranges", array);
}

static void add_devices(json_object *to, struct domain *d)
{
	json_object *array = out_array();
	struct pci_dev *pdev = NULL;
	struct pci_dev_info info;

	for (unsigned int n = 0; (pdev = domain_next_pdev(d, pdev)); n++) {
		json_object *o;

		if (n == GUEST_OWNS_MAX) {
			pcidev_put(pdev);
			break;
		}
		o = out_object();
		pcidev_query(pdev, &info);
		out_sbdf(o, "sbdf", info.desc.sbdf);
		if (info.has_vsbdf)
			out_sbdf(o, "vsbdf", info.vsbdf);
		else
			out_null(o, "vsbdf");
		out_uint(o, "interrupts", guest_interrupts(d, info.desc.sbdf));
		out_str(o, "broken", info.broken);
		out_append(array, o);
	}
	out_add(to, "owns", array);
}

uint64_t guest_interrupts(struct domain *d, pci_sbdf_t sbdf)
{
	struct guest *guest = domain_data(d);

	return guest ? deliveries_of(&guest->deliveries, sbdf) : 0;
}

json_object *guest_encode_full(struct domain *d)
{
	struct guest *guest = domain_data(d);
	struct guest_memory memory = { 0 };
	json_object *o = guest_encode(d);

	if (guest)
		memory = memory_of(&guest->memory);
	add_memory(o, &memory);
	out_uint(o, "interrupts",
		 guest ? deliveries_total(&guest->deliveries) : 0);
	add_devices(o, d);
	return o;
}
