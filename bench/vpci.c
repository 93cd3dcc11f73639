/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest's access costs, lookup included, by what the register is and by
 * where: of 30, the first, the middle and the last one. By one thread, by two
 * on the same device, and by two on different ones; against the engine of
 * engine.h with the same registers; and against the floor, which is what an
 * access cannot do without: a read-side section, an indirect call and an
 * atomic load.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/pci_regs.h>

#include "access.h"
#include "bench.h"

enum { ROUNDS = 21, PLACES = 3 };

#define NTH(n) (GUEST_FIRST + (n)*GUEST_STEP)
#define EACH_PLACE                                                         \
	{                                                                  \
		NTH(0), NTH(GUEST_REGISTERS / 2), NTH(GUEST_REGISTERS - 1) \
	}

static const struct register_class {
	const char *name;
	enum guest_kind kind;
	unsigned int places;
	uint16_t reg[PLACES];
	uint8_t size;
	/* Reads, writes: no hardware is touched, it counts for the goals; */
	bool emulated[2];
	bool kept[2];  /* and no function is called, either. */
	bool table;    /* reg: in the MSI-X table */
	uint32_t mask; /* of what is written */
} classes[] = {
	{ .name = "no register",
	  .kind = GUEST_EMULATED,
	  .places = 1,
	  .reg = { NTH(0) + 4 },
	  .size = 4,
	  .emulated = { true, true },
	  .kept = { true, true } },
	{ .name = "plain",
	  .kind = GUEST_EMULATED,
	  .places = PLACES,
	  .reg = EACH_PLACE,
	  .size = 4,
	  .emulated = { true, true },
	  .kept = { true, true },
	  .mask = UINT32_MAX },
	{ .name = "a plain one's byte",
	  .kind = GUEST_EMULATED,
	  .places = 1,
	  .reg = { NTH(0) + 1 },
	  .size = 1,
	  .emulated = { true, true },
	  .kept = { true, true },
	  .mask = 0xff },
	{ .name = "with hooks",
	  .kind = GUEST_HOOKED,
	  .places = PLACES,
	  .reg = EACH_PLACE,
	  .size = 4,
	  .emulated = { true, true },
	  .mask = UINT32_MAX },
	{ .name = "hardware",
	  .kind = GUEST_HARDWARE,
	  .places = PLACES,
	  .reg = EACH_PLACE,
	  .size = 4,
	  .mask = UINT32_MAX },
	{ .name = "BAR",
	  .kind = GUEST_CLOSED,
	  .places = 1,
	  .reg = { PCI_BASE_ADDRESS_0 },
	  .size = 4,
	  .emulated = { true, true },
	  .kept = { true, false },
	  .mask = 0xfff00000 },
	{ .name = "Command", /* Bus Master: written to hardware, too */
	  .kind = GUEST_CLOSED,
	  .places = 1,
	  .reg = { PCI_COMMAND },
	  .size = 2,
	  .emulated = { true, false },
	  .kept = { true, false },
	  .mask = PCI_COMMAND_MASTER },
	{ .name = "MSI-X entry",
	  .kind = GUEST_EMULATED,
	  .places = 1,
	  .reg = { 8 * PCI_MSIX_ENTRY_SIZE + 8 }, /* the data of entry 8 */
	  .size = 4,
	  .emulated = { true, true },
	  .table = true,
	  .mask = 0xff },
};

static const char *const place_name[PLACES] = { "first", "middle", "last" };

/* --- the variants of a class ------------------------------------------------------ */

/* By how many threads. */
enum { ONE, TWO_SAME, TWO_DIFFERENT, THREADS };
enum { FLOOR = PLACES * ENGINES * THREADS, VARIANTS };

static const char *const threads_name[THREADS] = {
	"1 thread", "2 threads, same device", "2 threads, different devices"
};

static struct guest guest;

struct setup {
	unsigned int n;
	struct bench_variant variant[VARIANTS];
	struct bench_slice slice[VARIANTS];
	struct accessor accessor[VARIANTS][BENCH_THREADS];
	struct bench_series ns[VARIANTS];
};

static unsigned int variant_of(unsigned int place, unsigned int engine,
			       unsigned int threads)
{
	return (place * ENGINES + engine) * THREADS + threads;
}

static void accessor_init(struct accessor *a, const struct register_class *c,
			  unsigned int place, unsigned int device)
{
	*a = (struct accessor){ .guest = &guest,
				.sbdf = guest.at[c->kind][device],
				.gpa = guest.table[c->kind][device] +
				       c->reg[place],
				.reg = c->reg[place],
				.size = c->size,
				.mask = c->mask };
	vpci_vcpu_init(&a->vcpu, guest.domain);
}

static void variant_add(struct setup *s, const struct register_class *c,
			bool write, unsigned int i)
{
	unsigned int threads = i % THREADS, t;
	unsigned int engine = i / THREADS % ENGINES;

	s->slice[i] = (struct bench_slice){
		.threads = threads == ONE ? 1 : 2,
		.work = access_work[engine][c->table][write],
		.usec = threads == ONE ? 0 : BENCH_CONTENDED_USEC,
	};
	for (t = 0; t < BENCH_THREADS; t++) {
		accessor_init(&s->accessor[i][t], c, i / THREADS / ENGINES,
			      threads == TWO_DIFFERENT ? t : 0);
		s->slice[i].data[t] = &s->accessor[i][t];
	}
	s->variant[i] = (struct bench_variant){ bench_slice_ns, &s->slice[i] };
}

static void setup_create(struct setup *s, const struct register_class *c,
			 bool write)
{
	unsigned int i;

	s->n = c->places * ENGINES * THREADS;
	for (i = 0; i < s->n; i++)
		variant_add(s, c, write, i);
	s->slice[s->n] =
		(struct bench_slice){ .threads = 1, .work = access_floor };
	s->variant[s->n] =
		(struct bench_variant){ bench_slice_ns, &s->slice[s->n] };
	s->n++;
}

static void setup_destroy(struct setup *s)
{
	unsigned int i, t;

	bench_free(s->ns, s->n);
	for (i = 0; i + 1 < s->n; i++)
		for (t = 0; t < BENCH_THREADS; t++)
			vpci_vcpu_fini(&s->accessor[i][t].vcpu);
}

/* --- what is shown ------------------------------------------------------------------ */

/* Bars for the plots. */
static struct {
	unsigned int n;
	char name[16][32];
	double val[16][2];
} bars[2];

/* Reads of plain registers, by their place, for another plot. */
static double by_place[ENGINES][PLACES];

static void add_bar(const struct register_class *c, unsigned int place,
		    bool write, const double *ns)
{
	unsigned int n = bars[write].n;

	if (place == 1 || n == ARRAY_SIZE(bars[0].name))
		return;
	snprintf(bars[write].name[n], sizeof(bars[0].name[0]), "%s%s%s",
		 c->name, c->places > 1 ? ", " : "",
		 c->places > 1 ? place_name[place] : "");
	memcpy(bars[write].val[n], ns, sizeof(bars[0].val[0]));
	bars[write].n++;
}

/* What is known of one place of a class. */
struct found {
	char what[48];
	double ns[ENGINES]; /* by one thread */
	double to_floor, to_first;
	double speed[THREADS]; /* how many accesses more than one thread does */
	double gain[THREADS];  /* over the list */
};

static void find_alone(struct setup *s, unsigned int place, struct found *f)
{
	const struct bench_series *one = &s->ns[variant_of(place, OURS, ONE)];
	char name[96];

	snprintf(name, sizeof(name), "%s, against the floor", f->what);
	f->to_floor = bench_ratio(name, one, &s->ns[s->n - 1]);
	f->to_first = 1;
	if (!place)
		return;
	snprintf(name, sizeof(name), "%s, against the first", f->what);
	f->to_first = bench_ratio(name, one, &s->ns[variant_of(0, OURS, ONE)]);
}

static void find_threads(struct setup *s, unsigned int place, unsigned int t,
			 struct found *f)
{
	const struct bench_series *one = &s->ns[variant_of(place, OURS, ONE)];
	const struct bench_series *ours = &s->ns[variant_of(place, OURS, t)];
	const struct bench_series *list = &s->ns[variant_of(place, ENGINE, t)];
	struct bench_series one_twice;
	char name[96];

	snprintf(name, sizeof(name), "%s, %s, Holdfast", f->what,
		 threads_name[t]);
	bench_value(name, "ns", ours);
	snprintf(name, sizeof(name), "%s, %s, list", f->what, threads_name[t]);
	bench_value(name, "ns", list);
	snprintf(name, sizeof(name), "%s, %s, list to Holdfast", f->what,
		 threads_name[t]);
	f->gain[t] = bench_ratio(name, list, ours);
	if (t == ONE) {
		f->ns[OURS] = bench_median(ours);
		f->ns[ENGINE] = bench_median(list);
		return;
	}
	snprintf(name, sizeof(name), "%s, %s, against 1 thread", f->what,
		 threads_name[t]);
	one_twice = bench_times(one, 2);
	f->speed[t] = bench_ratio(name, &one_twice, ours);
	bench_free(&one_twice, 1);
}

/* A figure of @f, of which the worst is what a goal looks at. */
static void set_goal(const struct found *f, const char *figure,
		     const char *goal, enum bench_reach reach, double limit)
{
	char name[96];

	snprintf(name, sizeof(name), "%s, %s", f->what, figure);
	bench_goal(goal, reach, limit, name, "×");
}

static void set_read_goals(const struct register_class *c, unsigned int place,
			   const struct found *f)
{
	set_goal(f, "2 threads, same device, against 1 thread",
		 "vPCI reads by two threads of one device, against one",
		 BENCH_AT_LEAST, 1.8);
	if (c->kept[0])
		set_goal(f, "against the floor",
			 "vPCI read of what the view keeps, against the floor",
			 BENCH_AT_MOST, 3);
	set_goal(f, "against the floor",
		 "vPCI read of any emulated register, against the floor",
		 BENCH_AT_MOST, 3);
	if (place)
		set_goal(f, "against the first",
			 "vPCI read by position: against the first of 30",
			 BENCH_AT_MOST, 1.15);
}

static void set_write_goals(const struct register_class *c, unsigned int place,
			    const struct found *f)
{
	if (c->kept[1])
		set_goal(f, "against the floor",
			 "vPCI write of what the view keeps, against the floor",
			 BENCH_AT_MOST, 5);
	set_goal(f, "against the floor",
		 "vPCI write of any emulated register, against the floor",
		 BENCH_AT_MOST, 5);
	if (place)
		set_goal(f, "against the first",
			 "vPCI write by position: against the first of 30",
			 BENCH_AT_MOST, 1.15);
}

static void show_place(struct setup *s, const struct register_class *c,
		       bool write, unsigned int place)
{
	struct found f;
	unsigned int t;

	snprintf(f.what, sizeof(f.what), "%s%s%s, %s", c->name,
		 c->places > 1 ? ", " : "",
		 c->places > 1 ? place_name[place] : "",
		 write ? "write" : "read");
	find_alone(s, place, &f);
	for (t = 0; t < THREADS; t++)
		find_threads(s, place, t, &f);
	printf("%-26s %7.1f %6.2f %8.2f %6.2f %7.2f %10.1f %7.1f %7.1f %8.1f\n",
	       f.what, f.ns[OURS], f.to_floor, f.to_first, f.speed[TWO_SAME],
	       f.speed[TWO_DIFFERENT], f.ns[ENGINE], f.gain[ONE],
	       f.gain[TWO_SAME], f.gain[TWO_DIFFERENT]);
	add_bar(c, place, write, f.ns);
	if (c->emulated[write] && write)
		set_write_goals(c, place, &f);
	else if (c->emulated[write])
		set_read_goals(c, place, &f);
	if (!write && c->kind == GUEST_EMULATED && c->places == PLACES) {
		by_place[OURS][place] = f.ns[OURS];
		by_place[ENGINE][place] = f.ns[ENGINE];
	}
}

static void show_class(const struct register_class *c, bool write)
{
	static struct setup s; /* too large for a stack */
	unsigned int place;

	setup_create(&s, c, write);
	bench_rounds(s.variant, s.n, ROUNDS, s.ns);
	for (place = 0; place < c->places; place++)
		show_place(&s, c, write, place);
	fflush(stdout);
	setup_destroy(&s);
}

static const char *const engine_name[ENGINES] = { "Holdfast", "sorted list" };

static void plot_places(void)
{
	const double at[PLACES] = { 1, GUEST_REGISTERS / 2 + 1,
				    GUEST_REGISTERS };
	struct bench_curve curve[ENGINES];
	unsigned int e;

	for (e = 0; e < ENGINES; e++)
		curve[e] = (struct bench_curve){ engine_name[e], PLACES, at,
						 by_place[e] };
	bench_plot("vpci-place",
		   &(struct bench_axes){ "A guest's read of a register, by its "
					 "place among 30",
					 "register", "ns an access", false,
					 false },
		   curve, ENGINES);
}

static void plot(bool write, const char *file, const char *title)
{
	const char *name[16];
	unsigned int i;

	for (i = 0; i < bars[write].n; i++)
		name[i] = bars[write].name[i];
	bench_plot_bars(file,
			&(struct bench_bars){ .title = title,
					      .y = "ns an access",
					      .ngroups = bars[write].n,
					      .nbars = ENGINES,
					      .group = name,
					      .bar = engine_name,
					      .value = bars[write].val[0] });
}

static void run(void)
{
	unsigned int i;
	int write;

	guest_create(&guest);
	puts("                                     against the     2 threads do"
	     "        list   list against Holdfast\n"
	     "access                          ns  floor    first   same   other"
	     "         ns       1    same    other");
	for (write = 0; write < 2; write++)
		for (i = 0; i < ARRAY_SIZE(classes); i++)
			show_class(&classes[i], write);
	plot(false, "vpci-read", "A guest's reads, one thread");
	plot(true, "vpci-write", "A guest's writes, one thread");
	plot_places();
}

const struct bench_group bench_vpci = {
	.name = "vpci",
	.title = "a guest's access to configuration space, lookup included",
	.run = run,
};
