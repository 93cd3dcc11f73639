/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fabric.traffic: the guests' threads, one set a domain. The list of sets has
 * a lock, held while one is started, asked or stopped; workers only.
 */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "hosts.h"
#include "methods.h"
#include "out.h"
#include "traffic.h"

struct guests {
	struct list_head entry;
	struct fabric_traffic *traffic;
};

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t lock;
static struct list_head all = { &all, &all };

static void init(void)
{
	uv_mutex_init(&lock);
}

/* Under lock. */
static struct guests *find(struct domain *d)
{
	struct guests *g;

	list_for_each(g, &all, struct guests, entry)
		if (fabric_traffic_domain(g->traffic) == d)
			return g;
	return NULL;
}

/* Under lock. */
static void end(struct guests *g)
{
	list_del(&g->entry);
	fabric_traffic_free(g->traffic);
	free(g);
}

void traffic_end(struct domain *d)
{
	struct guests *g;

	uv_once(&once, init);
	uv_mutex_lock(&lock);
	while ((g = d ? find(d)
		    : list_empty(&all)
			    ? NULL
			    : list_first(&all, struct guests, entry)))
		end(g);
	uv_mutex_unlock(&lock);
}

static void add_counts(json_object *o, const struct fabric_traffic_counts *c)
{
	out_uint(o, "reads", c->reads);
	out_uint(o, "writes", c->writes);
	out_uint(o, "again", c->again);
	out_uint(o, "all_ones", c->all_ones);
	out_uint(o, "violations", c->violations);
	out_time(o, "last_read", c->last_read);
}

static void add_devices(json_object *o, struct fabric_traffic *t)
{
	struct fabric_traffic_device *dev =
		calloc(FABRIC_TRAFFIC_MAX_DEVICES, sizeof(*dev));
	json_object *array = out_array();
	unsigned int n = 0;

	if (dev)
		n = fabric_traffic_devices(t, dev, FABRIC_TRAFFIC_MAX_DEVICES);
	for (unsigned int i = 0; i < n && i < FABRIC_TRAFFIC_MAX_DEVICES; i++) {
		json_object *d = out_object();

		out_sbdf(d, "guest", dev[i].guest);
		out_sbdf(d, "sbdf", dev[i].sbdf);
		out_uint(d, "instance", dev[i].instance);
		add_counts(d, &dev[i].counts);
		out_append(array, d);
	}
	free(dev);
	out_add(o, "devices", array);
}

static json_object *encode(struct guests *g)
{
	json_object *o = out_object(), *total = out_object();
	struct fabric_traffic_info info;

	fabric_traffic_query(g->traffic, &info);
	out_str(o, "domain", domain_name(fabric_traffic_domain(g->traffic)));
	out_bool(o, "running", info.running);
	out_int(o, "threads", info.threads);
	out_int(o, "rate", info.rate);
	out_time(o, "started", info.started);
	add_counts(total, &info.total);
	out_add(o, "total", total);
	add_devices(o, g->traffic);
	return o;
}

/* Under lock. Replaces one that was stopped. */
static int start(struct domain *d, unsigned int threads, unsigned int rate)
{
	struct fabric_traffic_info info;
	struct guests *g = find(d);
	int err;

	if (g) {
		fabric_traffic_query(g->traffic, &info);
		if (info.running)
			return -EEXIST;
		end(g);
	}
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	err = fabric_traffic_start(host_fabric(), d, threads, rate,
				   &g->traffic);
	if (err)
		free(g);
	else
		list_add_tail(&g->entry, &all);
	return err;
}

/* Under lock. */
static int act(struct call *call, const char *action, struct domain *d,
	       int64_t threads, int64_t rate)
{
	struct guests *g;
	int err;

	if (!strcmp(action, "start")) {
		err = start(d, (unsigned int)threads, (unsigned int)rate);
		if (err == -EEXIST)
			return call_fail(call, err,
					 "the threads of %s run already; stop "
					 "them first",
					 domain_name(d));
		if (err)
			return call_fail(call, err, "no threads for %s: %s",
					 domain_name(d), strerror(-err));
	}
	g = find(d);
	if (!g)
		return call_fail(call, -ENOENT,
				 "%s has no threads; `holdfast fabric traffic "
				 "%s start` starts them",
				 domain_name(d), domain_name(d));
	if (!strcmp(action, "stop"))
		fabric_traffic_stop(g->traffic);
	call->result = encode(g);
	return 0;
}

int method_fabric_traffic(struct call *call)
{
	int64_t threads = 0, rate = 0;
	const char *action;
	struct domain *d;
	int err;

	err = need_fabric(call);
	if (err)
		return err;
	if ((err = arg_str(call, "action", &action)) ||
	    (err = arg_int_opt(call, "threads", 1, FABRIC_TRAFFIC_MAX_THREADS,
			       &threads)) < 0 ||
	    (err = arg_int_opt(call, "rate", 1, 1000000000, &rate)) < 0)
		return err;
	if (strcmp(action, "start") && strcmp(action, "stop") &&
	    strcmp(action, "show"))
		return arg_bad(call, "action", "must be start, stop or show");
	if (strcmp(action, "show") && (err = call_administers(call)))
		return err;
	err = arg_domain(call, "domain", &d);
	if (err)
		return err;
	uv_once(&once, init);
	uv_mutex_lock(&lock);
	err = act(call, action, d, threads, rate);
	uv_mutex_unlock(&lock);
	domain_put(d);
	return err;
}
