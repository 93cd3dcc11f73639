/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See removals.h.
 *
 * A removal's thread starts it, waits for its end and takes down the report;
 * both points are posted to the loop. Between the two posts the loop may query
 * and cancel r->op; after the second one it frees it. Everything else of a
 * removal is written by the thread before a post, and read after it.
 */
#include "removals.h"

#include <stdio.h>
#include <stdlib.h>

#include "call.h"
#include "holders.h"
#include "loop.h"
#include "out.h"
#include "removal_report.h"
#include "stop.h"

struct removal {
	struct list_head entry; /* of running, or of ended */
	uint64_t id;
	struct removal_order order;
	struct call *call; /* to be answered; or NULL */
	char who[32];
	uv_thread_t thread;
	struct post started, finished;
	int err;                      /* of the start */
	bool visible;                 /* it has started: may be asked for */
	struct pci_removal *op;       /* while it runs */
	struct removal_report report; /* but its card once it ended */
};

static struct list_head running = { &running, &running };
static struct list_head ended = { &ended, &ended }; /* the oldest first */
static unsigned int nrunning, nended;
static uint64_t last_id;

static void on_started(struct post *post);
static void on_finished(struct post *post);

/* The thread. */
static void run(void *arg)
{
	struct removal *r = arg;
	struct pci_removal *op;

	report_begin(&r->report, r->order.sbdf);
	r->err = pci_removal_start(r->order.sbdf, r->order.flags,
				   r->order.timeout, r->who, NULL, NULL, &op);
	if (!r->err)
		r->op = op;
	r->started.run = on_started;
	loop_post(&r->started);
	if (r->err)
		return;
	pci_removal_wait(op);
	report_take(&r->report, op);
	r->finished.run = on_finished;
	loop_post(&r->finished);
}

/* --- what a removal takes along ---------------------------------------------------- */

/* Is @sbdf @top, or below it? With @slot, whatever the function. */
static bool is_below(pci_sbdf_t sbdf, pci_sbdf_t top, bool slot)
{
	struct pci_dev_info info;
	uint32_t functions = slot ? 7 : 0;

	for (;;) {
		if ((sbdf.sbdf | functions) == (top.sbdf | functions))
			return true;
		if (pci_query(sbdf, &info) ||
		    info.desc.parent.sbdf == sbdf.sbdf)
			return false;
		sbdf = info.desc.parent;
	}
}

static bool takes(const struct removal *r, pci_sbdf_t sbdf)
{
	return is_below(sbdf, r->order.sbdf, r->order.flags & PCI_REMOVE_SLOT);
}

/* A running one that takes something which this one was to take. NULL: none. */
static const struct removal *in_the_way(const struct removal *of)
{
	const struct removal *r;

	list_for_each(r, &running, const struct removal, entry)
		if (r->visible &&
		    (takes(r, of->order.sbdf) || takes(of, r->order.sbdf)))
			return r;
	return NULL;
}

/* --- in the loop ----------------------------------------------------------------- */

static void answer(struct removal *r, int status)
{
	struct call *call = r->call;

	r->call = NULL;
	if (!status)
		call->result = removal_encode(r);
	call_finish(call, status);
}

static int fail_to_start(struct removal *r)
{
	const struct removal *other = NULL;
	char name[PCI_SBDF_LEN];

	if (r->err == -EALREADY)
		other = in_the_way(r);
	if (!other || other->order.sbdf.sbdf == r->order.sbdf.sbdf)
		return call_fail_device(r->call, r->err, r->order.sbdf);
	pci_sbdf_print(name, other->order.sbdf);
	call_fail(
		r->call, r->err,
		"a removal of %s runs, which takes some of the same; "
		"`holdfast removal %s` shows it, `holdfast cancel %s` ends it",
		name, name, name);
	out_sbdf(call_data(r->call), "sbdf", r->order.sbdf);
	out_sbdf(call_data(r->call), "on", other->order.sbdf);
	return r->err;
}

static void forget(struct removal *r)
{
	list_del(&r->entry);
	free(r);
}

static void on_started(struct post *post)
{
	struct removal *r = container_of(post, struct removal, started);

	if (r->err) {
		uv_thread_join(&r->thread);
		nrunning--;
		answer(r, fail_to_start(r));
		forget(r);
		return;
	}
	r->visible = true;
	if (!r->order.wait)
		answer(r, 0);
	if (stop_begun())
		pci_removal_cancel(r->op);
}

static int fail_with_report(struct removal *r)
{
	char text[320];

	report_sentence(&r->report, text, sizeof(text));
	call_fail(r->call, r->report.info.result, "%s", text);
	out_sbdf(call_data(r->call), "sbdf", r->order.sbdf);
	out_add(call_data(r->call), "removal", removal_encode(r));
	return r->report.info.result;
}

static void on_finished(struct post *post)
{
	struct removal *r = container_of(post, struct removal, finished);

	uv_thread_join(&r->thread);
	pci_removal_finish(r->op);
	r->op = NULL;
	nrunning--;
	list_del(&r->entry);
	list_add_tail(&r->entry, &ended);
	if (++nended > REMOVALS_KEPT_MAX) {
		nended--;
		forget(list_first(&ended, struct removal, entry));
	}
	if (r->call)
		answer(r, r->report.info.result ? fail_with_report(r) : 0);
}

int removal_begin(struct call *call, const struct removal_order *order)
{
	struct removal *r;

	if (stop_begun())
		return call_fail(call, -EAGAIN,
				 "the daemon is stopping; try again when it "
				 "is back");
	if (nrunning >= REMOVALS_RUNNING_MAX)
		return call_fail(call, -EAGAIN,
				 "%u removals run already; wait for one to end",
				 nrunning);
	r = calloc(1, sizeof(*r));
	if (!r)
		return call_fail(call, -ENOMEM, "out of memory; try again");
	r->id = ++last_id;
	r->order = *order;
	r->call = call;
	snprintf(r->who, sizeof(r->who), "%s", client_peer(call->client)->user);
	list_add_tail(&r->entry, &running);
	nrunning++;
	if (uv_thread_create(&r->thread, run, r)) {
		nrunning--;
		forget(r);
		return call_fail(call, -EAGAIN,
				 "no thread could be started; try again");
	}
	return CALL_LATER;
}

struct removal *removal_of(pci_sbdf_t sbdf)
{
	struct removal *r, *found = NULL;

	list_for_each(r, &running, struct removal, entry)
		if (r->visible && takes(r, sbdf))
			return r;
	list_for_each(r, &ended, struct removal, entry)
		if (r->order.sbdf.sbdf == sbdf.sbdf)
			found = r;
	return found;
}

struct removal *removal_by_id(uint64_t id)
{
	struct removal *r;

	list_for_each(r, &running, struct removal, entry)
		if (r->visible && r->id == id)
			return r;
	list_for_each(r, &ended, struct removal, entry)
		if (r->id == id)
			return r;
	return NULL;
}

int removal_cancel(struct removal *r)
{
	return r->op ? pci_removal_cancel(r->op) : -ENOENT;
}

json_object *removal_encode(struct removal *r)
{
	const struct removal_report *report = &r->report;
	json_object *o = out_object();
	struct removal_report now;

	if (r->op) {
		now.card = r->report.card;
		now.has_port = r->report.has_port;
		report_take(&now, r->op);
		report = &now;
	}
	out_uint(o, "id", r->id);
	out_str(o, "who", r->who);
	report_encode(o, report);
	return o;
}

unsigned int removals_running(void)
{
	return nrunning;
}

void removals_stop(void)
{
	struct removal *r;

	list_for_each(r, &running, struct removal, entry)
		if (r->visible)
			pci_removal_cancel(r->op);
}

void removals_free(void)
{
	while (!list_empty(&ended))
		forget(list_first(&ended, struct removal, entry));
	nended = 0;
}
