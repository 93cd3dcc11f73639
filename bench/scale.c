/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What many functions cost: to find and add all of them, to list them, and in
 * memory, with and without a view, with all modules and with core/device alone.
 * Each number of functions has a process of its own; what is timed is not
 * counted, and what is counted is not timed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <holdfast/device.h>
#include <holdfast/vpci.h>

#include "bench.h"
#include "cards.h"
#include "counted.h"

enum {
	SIZES = 3,
	SOME_VIEWS = 1u << 10,
	MANY_VIEWS = 1u << 16,
	MOST_VIEWS = 1u << 18, /* in the first pass, if there is room */
	SLOTS = 8192,          /* of a guest */
	ENTRIES = 64,
};

static const unsigned int sizes[SIZES] = { 1u << 10, 1u << 16, 1u << 18 };
static const char *const size_name[SIZES] = { "1 K", "64 K", "256 K" };

/* What a child hands back. */
static struct answer {
	double start, walk, query;  /* ns a function */
	struct counted_memory used; /* by all of them */
	unsigned int view;          /* bytes, by its own account */
} * answer;

/* --- time --------------------------------------------------------------------- */

/* Of CPU time: nothing here waits. */
static uint64_t cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static double ns_since(uint64_t begin, unsigned int count)
{
	return (double)(cpu_now() - begin) / count;
}

/* As code does that works on each: counted one after the other. */
static double walk_all(unsigned int count)
{
	uint64_t begin = cpu_now();
	struct pci_dev *pdev = NULL;
	unsigned int n = 0;
	int seg;

	for (seg = 0; (seg = pci_segment_next((unsigned int)seg)) >= 0; seg++)
		while ((pdev = pci_next_pdev((uint16_t)seg, pdev)))
			n++;
	if (n != count)
		abort();
	return ns_since(begin, count);
}

/* As an administrator's list does: a copy of what is known of each. */
static double query_all(unsigned int count)
{
	uint64_t begin = cpu_now();
	struct pci_dev_info info;
	unsigned int n = 0;
	int seg;

	for (seg = 0; (seg = pci_segment_next((unsigned int)seg)) >= 0; seg++) {
		pci_sbdf_t at = pci_sbdf_from((uint32_t)seg << 16);

		for (; !pci_query_next(at, &info); n++) {
			at = info.desc.sbdf;
			if (at.bdf == UINT16_MAX) {
				n++;
				break;
			}
			at.bdf++;
		}
	}
	if (n != count)
		abort();
	return ns_since(begin, count);
}

static void take_times(const struct cards *cards)
{
	uint64_t begin;

	cards_start(cards, CARDS_ALL_AND_RESET);
	begin = cpu_now();
	cards_scan();
	answer->start = ns_since(begin, cards->count);
	walk_all(cards->count);
	answer->walk = walk_all(cards->count);
	answer->query = query_all(cards->count);
}

/* --- memory ------------------------------------------------------------------- */

static void used_since(const struct counted_memory *before)
{
	struct counted_memory now = counted_memory();

	answer->used.asked = now.asked - before->asked;
	answer->used.taken = now.taken - before->taken;
	answer->used.pieces = now.pieces - before->pieces;
}

static void count_all(const struct cards *cards)
{
	struct counted_memory before;

	counted_memory_start();
	cards_start(cards, CARDS_ALL_AND_RESET);
	before = counted_memory();
	cards_scan();
	used_since(&before);
}

static void count_alone(const struct cards *cards)
{
	struct counted_memory before;

	counted_memory_start();
	cards_start(cards, CARDS_DEVICE);
	before = counted_memory();
	cards_register(0, cards->count);
	used_since(&before);
}

/* What devices cost in addition as those of a guest. */
static void count_views(const struct cards *cards)
{
	struct counted_memory before;
	struct vpci_info info;
	struct domain *guest[MOST_VIEWS / SLOTS];
	char name[16];
	unsigned int i;

	counted_memory_start();
	cards_start(cards, CARDS_ALL);
	cards_scan();
	for (i = 0; i * SLOTS < cards->count; i++) {
		snprintf(name, sizeof(name), "guest%u", i);
		if (domain_create(0, name, NULL, NULL, &guest[i]))
			abort();
	}
	before = counted_memory();
	for (i = 0; i < cards->count; i++)
		cards_assign(guest[i / SLOTS], i);
	used_since(&before);
	if (vpci_query(cards_at(0), &info))
		abort();
	answer->view = (unsigned int)info.bytes;
}

/* --- the group ---------------------------------------------------------------- */

/* What a further function takes between two sizes, of what @all take. */
static double slope(const double *all, unsigned int from)
{
	return (all[from + 1] - all[from]) / (sizes[from + 1] - sizes[from]);
}

static void show_times(void)
{
	enum { START, WALK, QUERY, KINDS };
	static const char *const kind[KINDS] = { "start", "walk", "list" };
	double ns[KINDS][SIZES], all[SIZES], x[SIZES];
	struct bench_curve curve[KINDS];
	unsigned int i, k;
	char name[64];

	for (i = 0; i < SIZES; i++) {
		struct cards cards = { .count = sizes[i],
				       .step = 1,
				       .iommu = true };

		cards_process(take_times, &cards);
		ns[START][i] = answer->start;
		ns[WALK][i] = answer->walk;
		ns[QUERY][i] = answer->query;
	}
	puts("ns of a CPU        start      walk      list   a function");
	for (i = 0; i < SIZES; i++) {
		x[i] = sizes[i];
		printf("%-14s", size_name[i]);
		for (k = 0; k < KINDS; k++) {
			snprintf(name, sizeof(name), "%s, %s functions",
				 kind[k], size_name[i]);
			bench_one_value(name, "ns", ns[k][i]);
			printf("%10.0f", ns[k][i]);
		}
		putchar('\n');
	}
	printf("%-14s", "256 K to 64 K");
	for (k = 0; k < KINDS; k++) {
		snprintf(name, sizeof(name), "%s, 256 K to 64 K functions",
			 kind[k]);
		bench_ratio_value(name, ns[k][2] / ns[k][1]);
		printf("%9.2f×", ns[k][2] / ns[k][1]);
		curve[k] = (struct bench_curve){ kind[k], SIZES, x, ns[k] };
	}
	printf("\n%-14s", "a further one");
	for (k = 0; k < KINDS; k++) {
		snprintf(name, sizeof(name), "%s, a function more than 64 K",
			 kind[k]);
		for (i = 0; i < SIZES; i++)
			all[i] = ns[k][i] * sizes[i];
		bench_one_value(name, "ns", slope(all, 1));
		printf("%10.0f", slope(all, 1));
	}
	puts("   (to 256 K)");
	bench_plot("scale-time",
		   &(struct bench_axes){ "What one of many functions costs",
					 "functions", "ns a function", true,
					 true },
		   curve, KINDS);
}

static double show_memory(const char *what, unsigned int step,
			  void (*count)(const struct cards *), double *line)
{
	double asked[SIZES], taken[SIZES], pieces = 0;
	unsigned int i;
	char name[64];

	for (i = 0; i < SIZES; i++) {
		struct cards cards = { .count = sizes[i],
				       .step = step,
				       .iommu = true };

		cards_process(count, &cards);
		asked[i] = (double)answer->used.asked;
		taken[i] = (double)answer->used.taken;
		pieces = (double)answer->used.pieces / sizes[i];
		line[i] = asked[i] / sizes[i];
		snprintf(name, sizeof(name), "bytes, %s, %s functions", what,
			 size_name[i]);
		bench_one_value(name, "B", line[i]);
		printf("%-14s %-6s %9.1f %9.1f %9.2f\n", what, size_name[i],
		       asked[i] / sizes[i], taken[i] / sizes[i], pieces);
	}
	printf("%-14s a further one: %.1f (to 64 K), %.1f (to 256 K)\n", what,
	       slope(asked, 0), slope(asked, 1));
	snprintf(name, sizeof(name), "bytes of a further function, %s", what);
	bench_one_value(name, "B", slope(asked, 1));
	bench_ratio_value(name, slope(asked, 1) / slope(asked, 0));
	if (count == count_all) {
		bench_goal("memory: bytes of a further device, 256 K to 64 K",
			   BENCH_AT_MOST, 1.05, name, "×");
		bench_goal("memory: a device, all modules", BENCH_AT_MOST, 1024,
			   name, "B");
	}
	return slope(asked, 1);
}

/* A device; @name is of the number. */
static double view_bytes(const char *name, unsigned int count,
			 unsigned int msix)
{
	struct cards cards = {
		.count = count, .step = 8, .msix = msix, .iommu = true
	};

	cards_process(count_views, &cards);
	printf("%-10s %12u %12.1f %9.1f %9.2f   (%u by its own account)\n",
	       name, msix, (double)answer->used.asked / count,
	       (double)answer->used.taken / count,
	       (double)answer->used.pieces / count, answer->view);
	return (double)answer->used.asked / count;
}

static const char *const linear =
	"memory: bytes of a further device with a view, to what it was before";

/* What takes gigabytes, and is the same in each pass. @many: at MANY_VIEWS;
 * @before: a further one until there. */
static void show_most_views(double many, double before)
{
	static const char name[] =
		"bytes of a further device in a guest, 256 K to 64 K";
	double most, more;

	if (bench_pass || bench_is_quick)
		return;
	if ((double)sysconf(_SC_AVPHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) <
	    2.0 * MOST_VIEWS * (many + 1024)) {
		puts("256 K: too little memory is free, not measured");
		return;
	}
	most = view_bytes("256 K", MOST_VIEWS, ENTRIES);
	more = (most * MOST_VIEWS - many * MANY_VIEWS) /
	       (MOST_VIEWS - MANY_VIEWS);
	printf("a further one of %d entries: %.1f (to 256 K)\n", ENTRIES, more);
	bench_ratio_value(name, more / before);
	bench_goal(linear, BENCH_AT_MOST, 1.05, name, "×");
}

static void show_views(double device)
{
	static const char name[] =
		"bytes of a further device in a guest, 64 K to one of 1 K";
	double none, some, twice, many, entry, view, more;

	puts("\nin a guest  MSI-X entries         B     taken    pieces");
	none = view_bytes("1 K", SOME_VIEWS, 0);
	some = view_bytes("1 K", SOME_VIEWS, ENTRIES);
	twice = view_bytes("1 K", SOME_VIEWS, 2 * ENTRIES);
	many = view_bytes("64 K", MANY_VIEWS, ENTRIES);
	entry = (twice - some) / ENTRIES;
	view = some - ENTRIES * entry;
	more = (many * MANY_VIEWS - some * SOME_VIEWS) /
	       (MANY_VIEWS - SOME_VIEWS);
	printf("%.1f bytes an MSI-X entry; with MSI-X, its table apart: %.1f; "
	       "a further one of %d entries: %.1f (to 64 K)\n",
	       entry, view, ENTRIES, more);
	bench_one_value("bytes in a guest, no MSI-X", "B", none);
	bench_one_value("bytes in a guest, MSI-X, its table apart", "B", view);
	bench_one_value("bytes an MSI-X entry in a guest", "B", entry);
	bench_one_value("bytes of a device with a view, MSI-X table apart", "B",
			device + view);
	bench_goal("memory: a device with a view, MSI-X table apart",
		   BENCH_AT_MOST, 6144,
		   "bytes of a device with a view, MSI-X table apart", "B");
	bench_ratio_value(name, more / some);
	bench_goal(linear, BENCH_AT_MOST, 1.05, name, "×");
	show_most_views(many, more);
}

static void run(void)
{
	double all[SIZES], alone[SIZES], x[SIZES], device;
	struct bench_curve curve[2];
	unsigned int i;

	answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (answer == MAP_FAILED)
		abort();
	show_times();
	puts("\nfunctions           asked: B     taken    pieces");
	show_memory("core/device", 1, count_alone, alone);
	device = show_memory("all modules", 1, count_all, all);
	show_views(device);
	for (i = 0; i < SIZES; i++)
		x[i] = sizes[i];
	curve[0] = (struct bench_curve){ "all modules", SIZES, x, all };
	curve[1] = (struct bench_curve){ "core/device alone", SIZES, x, alone };
	bench_plot("scale-memory",
		   &(struct bench_axes){ "Memory of one of many functions",
					 "functions", "bytes a function", true,
					 false },
		   curve, 2);
}

const struct bench_group bench_scale = {
	.name = "scale",
	.title = "many functions: time to start and to list, memory",
	.run = run,
};
