/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is each memory order needed? Every atomic operation of the core leaves a
 * record of where it stands (holdfast_plat.h). Here each acquire and each
 * release of some sources is taken away, one at a time, and the scenarios are
 * searched until one fails. One that nobody misses is either stronger than need
 * be or lacks its scenario; both are faults.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

extern struct explore_site __start_explore_site[], __stop_explore_site[];

struct weakening {
	const struct explore_site *site;
	int to;
	bool found;
	char by[64], message[256];
};

static const char *const order_name[] = {
	[memory_order_relaxed] = "relaxed",
	[memory_order_acquire] = "acquire",
	[memory_order_release] = "release",
	[memory_order_acq_rel] = "acq_rel",
};

static const char *base(const char *path)
{
	while (!strncmp(path, "../", 3))
		path += 3;
	return path;
}

/* Is it in this file, or at this line of one? As "a.c", or "a.c:12". */
static bool is_of(const struct explore_site *site, const char *name,
		  size_t length)
{
	char path[200], place[256];

	snprintf(path, sizeof(path), "%.199s", base(site->file));
	snprintf(place, sizeof(place), "%s:%d", path, site->line);
	return (length == strlen(path) && !strncmp(path, name, length)) ||
	       (length == strlen(place) && !strncmp(place, name, length));
}

/* Is it in one of @files? As "a.c,b.c:12". */
static bool named(const struct explore_site *site, const char *files)
{
	size_t length;

	for (; *files; files += length + (files[length] == ',')) {
		length = strcspn(files, ",");
		if (is_of(site, files, length))
			return true;
	}
	return false;
}

/* Does each of @files have one to weaken? */
static bool all_have_some(const char *files)
{
	const struct explore_site *site;
	size_t length;

	for (; *files; files += length + (files[length] == ',')) {
		length = strcspn(files, ",");
		for (site = __start_explore_site; site != __stop_explore_site;
		     site++)
			if (site->order != memory_order_relaxed &&
			    is_of(site, files, length))
				break;
		if (site == __stop_explore_site) {
			printf("%.*s: FAILED: no acquire or release is there\n",
			       (int)length, files);
			return false;
		}
	}
	return true;
}

static bool same(const struct explore_site *a, const struct explore_site *b)
{
	return a->line == b->line && !strcmp(a->file, b->file);
}

/* A header's operation is compiled many times: all of them. */
static void weaken(void *arg)
{
	const struct weakening *w = arg;
	const struct explore_site of = *w->site;
	struct explore_site *site;

	for (site = __start_explore_site; site != __stop_explore_site; site++)
		if (same(site, &of) && site->order == of.order)
			site->order = w->to;
}

static void try(struct weakening *w,
		const struct explore_scenario *const *scenarios)
{
	for (; *scenarios && !w->found; scenarios++) {
		w->found = !(*scenarios)->expect &&
			   run_fails(*scenarios, weaken, w, w->message,
				     sizeof(w->message));
		snprintf(w->by, sizeof(w->by), "%s", (*scenarios)->name);
	}
}

static void nothing(void *arg)
{
	(void)arg;
}

/* Without a weakening none may fail, or what fails with one says nothing. */
static bool sound(const struct explore_scenario *const *scenarios)
{
	char message[256];

	for (; *scenarios; scenarios++)
		if (!(*scenarios)->expect &&
		    run_fails(*scenarios, nothing, NULL, message,
			      sizeof(message))) {
			printf("%s fails as it is: %s\n", (*scenarios)->name,
			       message);
			return false;
		}
	return true;
}

static unsigned int collect(struct weakening *list, const char *files)
{
	const struct explore_site *site, *other;
	unsigned int n = 0;

	for (site = __start_explore_site; site != __stop_explore_site; site++) {
		if (site->order == memory_order_relaxed || !named(site, files))
			continue;
		for (other = __start_explore_site; other != site; other++)
			if (same(other, site) && other->order == site->order)
				break;
		if (other != site)
			continue;
		if (site->order == memory_order_acq_rel) {
			list[n++] = (struct weakening){
				.site = site, .to = memory_order_acquire
			};
			list[n++] = (struct weakening){
				.site = site, .to = memory_order_release
			};
		} else {
			list[n++] = (struct weakening){
				.site = site, .to = memory_order_relaxed
			};
		}
	}
	return n;
}

static void report(const struct weakening *w)
{
	char place[64];

	snprintf(place, sizeof(place), "%s:%d", base(w->site->file),
		 w->site->line);
	if (w->found)
		printf("%-32s %s for %s: %s: %s\n", place, order_name[w->to],
		       order_name[w->site->order], w->by, w->message);
	else
		printf("%-32s %s for %s: FAILED: nobody misses it\n", place,
		       order_name[w->to], order_name[w->site->order]);
}

int orders_run(const struct explore_scenario *const *scenarios,
	       const char *files, unsigned int jobs)
{
	size_t sites = ((uintptr_t)__stop_explore_site -
			(uintptr_t)__start_explore_site) /
		       sizeof(struct explore_site);
	struct weakening *list = mmap(NULL, 2 * sites * sizeof(*list),
				      PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int i, job, n, passed = 0;

	if (list == MAP_FAILED) {
		perror("explore: orders");
		return 2;
	}
	if (!all_have_some(files) || !sound(scenarios))
		return 1;
	n = collect(list, files);
	for (job = 0; job < jobs; job++) {
		if (fork())
			continue;
		for (i = job; i < n; i += jobs)
			try(&list[i], scenarios);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	for (i = 0; i < n; i++) {
		report(&list[i]);
		passed += list[i].found;
	}
	printf("%u passed, %u failed\n", passed, n - passed);
	return n && passed == n ? 0 : 1;
}
