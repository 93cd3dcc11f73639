/* SPDX-License-Identifier: BSD-2-Clause */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"
#include "report.h"

#define FIGURES 4096
#define GOALS 64
#define GOAL_FIGURES 16
#define NAME 112
/* Quantiles: the third lowest, the third highest of all passes. */
#define LOW (2.0 / (BENCH_PASSES - 1))
#define HIGH (1 - LOW)

struct figure {
	char group[16], name[NAME], unit[16];
	double median[BENCH_PASSES]; /* one a pass */
	unsigned int passes, n;
	bool ratio, sliced;
	struct bench_compared pass[BENCH_PASSES]; /* of a ratio of slices */
};

struct goal {
	char group[16], what[NAME], unit[16];
	enum bench_reach reach;
	double limit;
	const struct figure *figure[GOAL_FIGURES];
	unsigned int nfigures;
	bool failed;
};

/* Filled by one child after the other. */
static struct store {
	char group[16];
	unsigned int nfigures, ngoals;
	struct figure figure[FIGURES];
	struct goal goal[GOALS];
} * store;

void report_create(void)
{
	store = mmap(NULL, sizeof(*store), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (store == MAP_FAILED)
		abort();
}

static void text(char *to, size_t size, const char *from)
{
	if (strlen(from) >= size) {
		fprintf(stderr, "bench: name too long: %s\n", from);
		abort();
	}
	strcpy(to, from);
}

void report_group(const char *name)
{
	text(store->group, sizeof(store->group), name);
}

/* --- filling ---------------------------------------------------------------- */

static struct figure *figure_find(const char *name, const char *unit)
{
	struct figure *f = store->figure;

	for (; f < &store->figure[store->nfigures]; f++)
		if (!strcmp(f->name, name) && !strcmp(f->unit, unit) &&
		    !strcmp(f->group, store->group))
			return f;
	return NULL;
}

/* What an earlier pass has begun, or a new one. */
static struct figure *figure(const char *name, const char *unit)
{
	struct figure *f = figure_find(name, unit);

	if (f)
		return f;
	if (store->nfigures == FIGURES)
		abort();
	f = &store->figure[store->nfigures++];
	text(f->group, sizeof(f->group), store->group);
	text(f->name, sizeof(f->name), name);
	text(f->unit, sizeof(f->unit), unit);
	return f;
}

static void add_pass(struct figure *f, double val, unsigned int n)
{
	if (f->passes > bench_pass)
		abort(); /* two of one name */
	f->median[f->passes++] = val;
	f->n += n;
}

/* Over the passes. */
static double quantile_of(const struct figure *f, double q)
{
	const struct bench_series s = { f->passes, (double *)f->median };

	return bench_quantile(&s, q);
}

/* Of the pairs of slices of all passes; how many there were. */
static double ratio_of_slices(const struct figure *f, double *pairs)
{
	struct bench_compared all = { 0 };
	unsigned int p, i;

	for (p = 0; p < f->passes; p++) {
		if (!bench_compared_rightly(&f->pass[p]))
			continue;
		for (i = 0; i < BENCH_STATES; i++) {
			all.sum[i] += f->pass[p].sum[i];
			all.weight[i] += f->pass[p].weight[i];
		}
	}
	return bench_compared(&all, pairs);
}

static double pairs(const struct figure *f)
{
	double n;

	(void)ratio_of_slices(f, &n);
	return n;
}

/* What counts. */
static double value_of(const struct figure *f)
{
	double ratio = 0, n = 0;

	if (f->sliced)
		ratio = ratio_of_slices(f, &n);
	return n >= BENCH_ENOUGH ? ratio : quantile_of(f, 0.5);
}

void bench_value(const char *name, const char *unit,
		 const struct bench_series *s)
{
	add_pass(figure(name, unit), bench_median(s), s->n);
}

void bench_one_value(const char *name, const char *unit, double val)
{
	add_pass(figure(name, unit), val, 1);
}

/* The median of the rounds. */
static double ratio_of_rounds(const struct bench_series *a,
			      const struct bench_series *b)
{
	struct bench_series ratio;
	unsigned int i;
	double median;

	if (a->n != b->n)
		abort();
	ratio = bench_series(a->sample, a->n);
	for (i = 0; i < a->n; i++)
		ratio.sample[i] /= b->sample[i];
	median = bench_median(&ratio);
	bench_free(&ratio, 1);
	return median;
}

double bench_ratio(const char *name, const struct bench_series *a,
		   const struct bench_series *b)
{
	struct figure *f = figure(name, "×");
	struct bench_compared pass;
	double ratio, n;

	bench_in_each_state(a, b, &pass);
	ratio = bench_compared(&pass, &n);
	if (!(n > 0))
		ratio = ratio_of_rounds(a, b);
	f->ratio = true;
	f->sliced = a->nslices && b->nslices;
	add_pass(f, ratio, a->n);
	f->pass[f->passes - 1] = pass;
	return ratio;
}

void bench_ratio_value(const char *name, double ratio)
{
	struct figure *f = figure(name, "×");

	f->ratio = true;
	add_pass(f, ratio, 1);
}

static struct goal *goal(const char *group, const char *what, const char *unit)
{
	struct goal *g = store->goal;

	for (; g < &store->goal[store->ngoals]; g++)
		if (!strcmp(g->what, what) && !strcmp(g->group, group))
			return g;
	if (store->ngoals == GOALS)
		abort();
	g = &store->goal[store->ngoals++];
	text(g->group, sizeof(g->group), group);
	text(g->what, sizeof(g->what), what);
	text(g->unit, sizeof(g->unit), unit);
	return g;
}

void bench_goal(const char *what, enum bench_reach reach, double limit,
		const char *name, const char *unit)
{
	const struct figure *f = figure_find(name, unit);
	struct goal *g;
	unsigned int i;

	if (!f)
		abort();
	g = goal(store->group, what, unit);
	g->reach = reach;
	g->limit = limit;
	for (i = 0; i < g->nfigures; i++)
		if (g->figure[i] == f)
			return; /* in an earlier pass */
	if (g->nfigures == GOAL_FIGURES)
		abort();
	g->figure[g->nfigures++] = f;
}

void report_failed(const char *name)
{
	char what[NAME];

	snprintf(what, sizeof(what), "benchmarks of %s come to their end",
		 name);
	goal(name, what, "")->failed = true;
}

/* --- showing ----------------------------------------------------------------- */

/* The figure that is farthest from what is to be reached. */
static const struct figure *worst(const struct goal *g)
{
	const struct figure *it = g->figure[0];
	double most = value_of(it), val;
	unsigned int i;

	for (i = 1; i < g->nfigures; i++) {
		val = value_of(g->figure[i]);
		if (g->reach == BENCH_AT_MOST ? val > most : val < most) {
			it = g->figure[i];
			most = val;
		}
	}
	return it;
}

static double measured(const struct goal *g)
{
	return g->nfigures ? value_of(worst(g)) : 0;
}

/* @q: of the passes. */
static double spread(const struct goal *g, double q)
{
	return g->nfigures ? quantile_of(worst(g), q) : 0;
}

static bool is_met(const struct goal *g)
{
	if (g->failed || !g->nfigures)
		return false;
	return g->reach == BENCH_AT_MOST ? measured(g) <= g->limit
					 : measured(g) >= g->limit;
}

/* Three digits that say something, and no more. */
static const char *number(char *buf, size_t size, double val, const char *unit)
{
	int digits = val >= 100 ? 0 : val >= 10 ? 1 : 2;

	snprintf(buf, size, "%.*f%s%s", digits, val,
		 *unit && strcmp(unit, "×") ? " " : "", unit);
	return buf;
}

/* Columns that count characters, not bytes: the units are not all ASCII. */
static void column(const char *s, int width)
{
	const char *at;
	int used = 0;

	for (at = s; *at; at++)
		used += ((unsigned char)*at & 0xc0) != 0x80;
	printf("%s%*s", s, width > used ? width - used : 0, "");
}

static void show_goal(const struct goal *g)
{
	char limit[48], buf[32], low[32], range[80];

	snprintf(limit, sizeof(limit), "%s %s",
		 g->reach == BENCH_AT_MOST ? "≤" : "≥",
		 number(buf, sizeof(buf), g->limit, g->unit));
	column(g->what, 70);
	column(g->failed ? "" : limit, 14);
	column(g->failed ? "they did not"
			 : number(buf, sizeof(buf), measured(g), g->unit),
	       12);
	snprintf(range, sizeof(range), "%s … %s",
		 number(low, sizeof(low), spread(g, LOW), ""),
		 number(buf, sizeof(buf), spread(g, HIGH), ""));
	column(g->failed ? "" : range, 16);
	printf("%s", is_met(g) ? "yes" : "NO");
	if (g->nfigures > 1)
		printf("  (%s)", worst(g)->name);
	putchar('\n');
}

bool report_table(void)
{
	unsigned int i, met = 0;
	bool failed = false;

	column("what", 70);
	column("reach", 14);
	column("measured", 12);
	column("low … high", 16);
	puts("met");
	for (i = 0; i < store->ngoals; i++) {
		show_goal(&store->goal[i]);
		met += is_met(&store->goal[i]);
		failed |= store->goal[i].failed;
	}
	printf("%u of %u met\n", met, store->ngoals);
	return !failed;
}

/* --- JSON ---------------------------------------------------------------------- */

static void put_text(struct json_object *to, const char *key, const char *val)
{
	json_object_object_add(to, key, json_object_new_string(val));
}

/* Six digits: a file that people may read. */
static void put_number(struct json_object *to, const char *key, double val)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%.6g", val);
	json_object_object_add(to, key, json_object_new_double_s(val, buf));
}

static struct json_object *figures_json(void)
{
	struct json_object *all = json_object_new_array();
	unsigned int i;

	for (i = 0; i < store->nfigures; i++) {
		const struct figure *f = &store->figure[i];
		struct json_object *o = json_object_new_object();

		put_text(o, "group", f->group);
		put_text(o, "name", f->name);
		put_text(o, "kind", f->ratio ? "ratio" : "value");
		put_text(o, "unit", f->unit);
		put_number(o, "value", value_of(f));
		put_number(o, "low", quantile_of(f, LOW));
		put_number(o, "high", quantile_of(f, HIGH));
		put_number(o, "passes", f->passes);
		if (f->sliced)
			put_number(o, "pairs", pairs(f));
		put_number(o, "rounds", f->n);
		json_object_array_add(all, o);
	}
	return all;
}

static struct json_object *goals_json(void)
{
	struct json_object *all = json_object_new_array();
	unsigned int i;

	for (i = 0; i < store->ngoals; i++) {
		const struct goal *g = &store->goal[i];
		struct json_object *o = json_object_new_object();

		put_text(o, "group", g->group);
		put_text(o, "what", g->what);
		put_text(o, "reach",
			 g->reach == BENCH_AT_MOST ? "at most" : "at least");
		put_number(o, "limit", g->limit);
		put_number(o, "measured", measured(g));
		put_number(o, "low", spread(g, LOW));
		put_number(o, "high", spread(g, HIGH));
		put_text(o, "unit", g->unit);
		if (g->nfigures > 1)
			put_text(o, "worst", worst(g)->name);
		json_object_object_add(o, "met",
				       json_object_new_boolean(is_met(g)));
		json_object_array_add(all, o);
	}
	return all;
}

/* "model name : …" of the first CPU. */
static void cpu_name(char *buf, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(buf, size, "unknown");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
			line[strcspn(line, "\n")] = '\0';
			snprintf(buf, size, "%s", strchr(line, ':') + 2);
			break;
		}
	if (f)
		fclose(f);
}

static struct json_object *machine_json(void)
{
	struct json_object *o = json_object_new_object();
	struct utsname name;
	char cpu[256];

	cpu_name(cpu, sizeof(cpu));
	put_text(o, "cpu", cpu);
	put_number(o, "cpus", (double)sysconf(_SC_NPROCESSORS_ONLN));
	if (!uname(&name)) {
		put_text(o, "kernel", name.release);
		put_text(o, "machine", name.machine);
	}
	put_text(o, "compiler", "gcc " __VERSION__);
	return o;
}

int report_json(const char *file, const char *const *group, unsigned int n)
{
	struct json_object *o = json_object_new_object();
	struct json_object *titles = json_object_new_object();
	unsigned int i;
	int err;

	for (i = 0; i < n; i++)
		put_text(titles, group[2 * i], group[2 * i + 1]);
	json_object_object_add(o, "machine", machine_json());
	json_object_object_add(o, "quick",
			       json_object_new_boolean(bench_is_quick));
	json_object_object_add(o, "groups", titles);
	json_object_object_add(o, "goals", goals_json());
	json_object_object_add(o, "figures", figures_json());
	err = json_object_to_file_ext(file, o, JSON_C_TO_STRING_PRETTY);
	json_object_put(o);
	return err;
}
