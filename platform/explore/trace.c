/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An execution to read: what each thread did, and where in the sources. Only
 * kept while a schedule is replayed, so it may be slow.
 */
#include <execinfo.h>
#include <link.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define FRAMES 12

struct step {
	const char *thread;
	enum op op;
	char on[24]; /* its object */
	char *note;  /* instead of an operation */
	void *frame[FRAMES];
	int frames;
};

bool trace_on;

static struct step *steps;
static unsigned int count, room;

static const char *const op_name[OP_COUNT] = {
	[OP_START] = "start",
	[OP_LOCK] = "lock",
	[OP_UNLOCK] = "unlock",
	[OP_LOAD] = "load",
	[OP_ATOMIC] = "atomic",
	[OP_RCU_ENTER] = "enter section",
	[OP_RCU_LEAVE] = "leave section",
	[OP_RCU_CALL] = "queue callback",
	[OP_RCU_RUN] = "run callback",
	[OP_SYNCHRONIZE] = "grace period",
	[OP_BARRIER] = "callback barrier",
	[OP_GP_START] = "start grace p.",
	[OP_GP_DONE] = "poll grace p.",
	[OP_EVENT_SET] = "set event",
	[OP_EVENT_CLEAR] = "clear event",
	[OP_EVENT_WAIT] = "wait for event",
	[OP_NOW] = "clock",
	[OP_YIELD] = "yield",
};

static struct step *next_step(void)
{
	if (count == room) {
		room = room ? room * 2 : 256;
		steps = realloc(steps, room * sizeof(*steps));
		if (!steps)
			abort();
	}
	memset(&steps[count], 0, sizeof(*steps));
	return &steps[count++];
}

void trace_add(const struct thread *thread, enum op op, const void *on)
{
	struct step *step = next_step();

	step->thread = thread->name;
	step->op = op;
	if (on)
		memory_name(on, step->on, sizeof(step->on));
	step->frames = backtrace(step->frame, FRAMES);
}

void trace_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&next_step()->note, fmt, args) < 0)
		abort();
	va_end(args);
}

/* --- names of places, from addr2line -------------------------------------- */

static int first_base(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(uintptr_t *)base = info->dlpi_addr;
	return 1;
}

/* A stream of two lines a frame: function, file:line. NULL: not to be had. */
static FILE *places(void)
{
	char command[512], self[256], list[] = "/tmp/explore-trace-XXXXXX";
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	uintptr_t base = 0;
	unsigned int i;
	FILE *file, *out;
	int fd, k;

	if (length < 0 || (fd = mkstemp(list)) < 0)
		return NULL;
	self[length] = '\0';
	dl_iterate_phdr(first_base, &base);
	file = fdopen(fd, "w");
	for (i = 0; i < count; i++)
		for (k = 0; k < steps[i].frames; k++)
			fprintf(file, "%#lx\n",
				(unsigned long)((uintptr_t)steps[i].frame[k] -
						base - 1));
	fclose(file);
	snprintf(command, sizeof(command),
		 "addr2line -f -e '%s' < %s 2>/dev/null; rm -f %s", self, list,
		 list);
	out = popen(command, "r");
	return out;
}

/* The part of @place from the source tree on, if it says something. */
static const char *tell(const char *place)
{
	static const char *const mine[] = { "/core/", "/tests/" };
	const char *at;
	unsigned int i;

	if (strstr(place, "/lock.c:"))
		return NULL;
	for (i = 0; i < ARRAY_SIZE(mine); i++)
		if ((at = strstr(place, mine[i])))
			return at + 1;
	return NULL;
}

/* Print up to two places of a step whose frames are next in @names. */
static void print_places(FILE *out, FILE *names, const struct step *step)
{
	char function[256], place[512];
	const char *at;
	int k, told = 0;

	for (k = 0; k < step->frames; k++) {
		if (!fgets(function, sizeof(function), names) ||
		    !fgets(place, sizeof(place), names))
			return;
		at = tell(place);
		if (!at || told == 2)
			continue;
		function[strcspn(function, "\n")] = '\0';
		place[strcspn(place, " \n")] = '\0';
		fprintf(out, "%s%s (%s)", told++ ? " < " : "", function, at);
	}
}

void trace_print(FILE *out)
{
	const char *before = NULL;
	FILE *names = places();
	unsigned int i;

	for (i = 0; i < count; i++) {
		const struct step *step = &steps[i];

		if (step->note) {
			fprintf(out, "       %s\n", step->note);
			continue;
		}
		if (step->thread != before)
			fprintf(out, "    --- %s\n", step->thread);
		before = step->thread;
		fprintf(out, "  %4u %-16s %-10s ", i + 1, op_name[step->op],
			step->on);
		if (names)
			print_places(out, names, step);
		fputc('\n', out);
	}
	if (names)
		pclose(names);
}
