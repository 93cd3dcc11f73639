/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program "faults". Each scenario is told in a process of its own, so that
 * what fails, crashes or hangs ends one kind of failure in it and no more: the
 * next process goes on with the kind after that.
 */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

#define MAX_SCENARIOS 64
#define RUN_SECONDS 60

static const struct scenario *const *const themes[] = {
	start_scenarios, device_scenarios, owner_scenarios, guest_scenarios,
	dma_scenarios,   irq_scenarios,    reset_scenarios,
};

/* Of one scenario; shared with the process that tells it. */
struct tale {
	const struct scenario *scenario;
	unsigned int kind, nth; /* what it is at */
	const char *step;
	unsigned int injected[INJECT_KINDS], refused[INJECT_KINDS];
	unsigned int broken; /* invariants */
	bool failed[INJECT_KINDS], over;
	pid_t pid;
};

static struct tale *tales; /* MAX_SCENARIOS, shared */
static struct tale *my;
static unsigned int ntales;

static struct {
	const char *scenario;
	int kind; /* -1: all */
	unsigned int nth, every, jobs;
	bool list;
} options = { .kind = -1, .every = 1, .jobs = 1 };

void driver_fail(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr,
		"FAILED  %s, %s %u, \"%s\": %s:%d: ", my->scenario->name,
		inject_name(my->kind), my->nth, my->step,
		strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	_exit(1);
}

/* --- one step -------------------------------------------------------------------- */

static bool is_documented(const struct step *step, int err)
{
	const struct answer *a = step->may;

	for (; a && a->err; a++)
		if (a->err == err && a->of & inject_class(my->kind))
			return true;
	return false;
}

static int run(const struct step *step)
{
	int err;

	my->step = step->name;
	inject_on(true);
	err = step->run();
	inject_on(false);
	return err;
}

static bool is_done(const struct step *step)
{
	return !step->done || step->done();
}

/* With nothing that fails any more. */
static void run_again(const struct step *step)
{
	int err = run(step);

	if (err)
		driver_fail(__FILE__, __LINE__, "%d again", err);
	if (!is_done(step))
		driver_fail(__FILE__, __LINE__, "not done, again");
}

static void check_answer(const struct step *step, int err, bool hit)
{
	if (err && !hit)
		driver_fail(__FILE__, __LINE__, "%d, and nothing has failed",
			    err);
	if (err && !is_documented(step, err))
		driver_fail(__FILE__, __LINE__, "%d is not documented", err);
	/* Of what has died since, nobody can be told. */
	if (!err && !(hit && (step->copes || inject_loses_writes())) &&
	    !is_done(step))
		driver_fail(__FILE__, __LINE__, "0, and it is not done");
}

static void check_all(void)
{
	unsigned int broken = pci_segment_host(0) ? pci_check_invariants() : 0;

	my->broken += broken;
	if (broken)
		driver_fail(__FILE__, __LINE__, "%u broken invariants", broken);
	if (pci_segment_host(0))
		check_books();
}

/*
 * What it has broken may be something of an earlier step: then that is done
 * again first.
 */
static void recover(unsigned int i, int err)
{
	const struct step *step = my->scenario->step;
	unsigned int helped, j;

	inject_revive();
	helped = come_home();
	check_all();
	if (helped)
		for (j = 0; j < i; j++)
			if (!is_done(&step[j]))
				run_again(&step[j]);
	if (err || !is_done(&step[i]))
		run_again(&step[i]);
	check_all();
}

static void do_step(unsigned int i)
{
	const struct step *step = &my->scenario->step[i];
	bool fired = inject_fired(), hit;
	int err = run(step);

	hit = inject_fired() && !fired;
	check_answer(step, err, hit);
	check_all();
	my->refused[my->kind] += err != 0;
	if (hit)
		recover(i, err);
}

/* --- one telling ------------------------------------------------------------------- */

/* True: there was an @nth call, and it has failed. @rest: what is left. */
static bool tell(enum inject_kind kind, unsigned int nth, struct rest *rest)
{
	struct pci_scan scan;
	unsigned int i;

	my->kind = kind;
	my->nth = nth;
	my->step = "start";
	alarm(RUN_SECONDS);
	machine_open();
	inject_arm(kind, nth);
	if (!my->scenario->bare) {
		CHECK_EQUAL(machine_start(my->scenario->hardware_views), 0);
		CHECK_EQUAL(machine_scan(&scan), 0);
		CHECK_EQUAL(scan.failed, 0);
	}
	for (i = 0; my->scenario->step[i].name; i++)
		do_step(i);
	my->step = "end";
	inject_revive();
	come_home();
	check_all();
	look_around(rest);
	machine_close();
	return inject_fired();
}

static unsigned int first_nth(unsigned int kind)
{
	if (options.nth)
		return options.nth;
	return 1 + (kind * 7 + (unsigned int)(my - tales)) % options.every;
}

static void tell_kind(unsigned int kind, const struct rest *clean)
{
	unsigned int step = options.nth ? 1u << 30 : options.every;
	unsigned int nth = first_nth(kind);
	static struct rest rest;

	for (; tell((enum inject_kind)kind, nth, &rest); nth += step) {
		my->injected[kind]++;
		my->step = "afterwards";
		check_rest(clean, &rest);
		if (options.nth)
			return;
	}
}

static void tell_all(unsigned int kind)
{
	static struct rest clean;

	plat_log_level(PLAT_ERROR);
	/* What is made once and for ever is made now. */
	tell(INJECT_MEMORY, 0, &clean);
	tell(INJECT_MEMORY, 0, &clean);
	clean.keeps_spaces = my->scenario->keeps_spaces;
	clean.bare = my->scenario->bare;
	machine_expect(&clean);
	for (; kind < INJECT_KINDS; kind++)
		if (options.kind < 0 || options.kind == (int)kind)
			tell_kind(kind, &clean);
}

/* --- all scenarios -------------------------------------------------------------------- */

static void start(struct tale *tale, unsigned int kind)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("faults: fork");
		exit(2);
	}
	if (pid) {
		tale->pid = pid;
		return;
	}
	my = tale;
	tell_all(kind);
	_exit(0);
}

static void print_tale(const struct tale *tale)
{
	unsigned int kind;

	for (kind = 0; kind < INJECT_KINDS; kind++)
		if (tale->injected[kind] || tale->failed[kind])
			printf("%-20s %-18s %6u %6u%s\n", tale->scenario->name,
			       inject_name(kind), tale->injected[kind],
			       tale->refused[kind],
			       tale->failed[kind] ? "  FAILED" : "");
}

/* Its process has ended. True: there is nothing more to do. */
static bool ended(struct tale *tale, int status)
{
	tale->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		if (WIFSIGNALED(status))
			fprintf(stderr, "FAILED  %s, %s %u, \"%s\": %s\n",
				tale->scenario->name, inject_name(tale->kind),
				tale->nth, tale->step,
				strsignal(WTERMSIG(status)));
		fprintf(stderr,
			"  again: faults --scenario %s --kind %s --nth %u\n",
			tale->scenario->name, inject_name(tale->kind),
			tale->nth);
		tale->failed[tale->kind] = true;
		/* Without a failure it fails as well: no other kind is better. */
		if (tale->nth && tale->kind + 1 < INJECT_KINDS) {
			start(tale, tale->kind + 1);
			return false;
		}
	}
	tale->over = true;
	print_tale(tale);
	return true;
}

static struct tale *tale_of(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < ntales; i++)
		if (tales[i].pid == pid)
			return &tales[i];
	return NULL;
}

static void tell_them(void)
{
	unsigned int next = 0, running = 0;

	printf("%-20s %-18s %6s %6s\n", "scenario", "kind", "failed", "errors");
	while (next < ntales || running) {
		struct tale *tale;
		int status;

		if (next < ntales && running < options.jobs) {
			start(&tales[next++], 0);
			running++;
			continue;
		}
		tale = tale_of(wait(&status));
		running -= tale && ended(tale, status);
	}
}

/* Every scenario and every kind, or it is not looked for any more. */
static unsigned int nothing_failed(void)
{
	unsigned int by_kind[INJECT_KINDS] = { 0 }, i, kind, sum, n = 0;

	for (i = 0; i < ntales; i++) {
		for (kind = sum = 0; kind < INJECT_KINDS; kind++) {
			by_kind[kind] += tales[i].injected[kind];
			sum += tales[i].injected[kind];
		}
		if (!sum)
			printf("%s: nothing failed in it\n",
			       tales[i].scenario->name);
		n += !sum;
	}
	for (kind = 0; kind < INJECT_KINDS; kind++) {
		if (!by_kind[kind])
			printf("%s: failed nowhere\n", inject_name(kind));
		n += !by_kind[kind];
	}
	return n;
}

static int sum_up(void)
{
	unsigned int passed = 0, failed = 0, injected = 0, broken = 0;
	unsigned int i, kind;

	for (i = 0; i < ntales; i++) {
		broken += tales[i].broken;
		for (kind = 0; kind < INJECT_KINDS; kind++) {
			injected += tales[i].injected[kind];
			failed += tales[i].failed[kind];
			passed += tales[i].injected[kind] &&
				  !tales[i].failed[kind];
		}
	}
	if (!options.scenario && options.kind < 0 && !options.nth &&
	    options.every == 1)
		failed += nothing_failed();
	if (options.every > 1)
		printf("every %u. position of a kind only: make faults takes all\n",
		       options.every);
	printf("%u failures injected\n%u broken invariants\n", injected,
	       broken);
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}

/* --- options ---------------------------------------------------------------------------- */

static int usage(void)
{
	fprintf(stderr, "usage: faults [--scenario NAME] [--kind KIND]"
			" [--nth N] [--every N] [--jobs N] [--list]\n");
	return 2;
}

static int parse_kind(const char *name)
{
	unsigned int kind;

	for (kind = 0; kind < INJECT_KINDS; kind++)
		if (!strcmp(name, inject_name(kind)))
			return (int)kind;
	exit(usage());
}

static void gather(void)
{
	unsigned int i, j;

	tales = mmap(NULL, MAX_SCENARIOS * sizeof(*tales),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tales == MAP_FAILED) {
		perror("faults: mmap");
		exit(2);
	}
	for (i = 0; i < ARRAY_SIZE(themes); i++)
		for (j = 0; themes[i][j]; j++) {
			if (options.scenario &&
			    strcmp(options.scenario, themes[i][j]->name))
				continue;
			if (ntales == MAX_SCENARIOS) {
				fputs("faults: too many scenarios\n", stderr);
				exit(2);
			}
			tales[ntales++].scenario = themes[i][j];
		}
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "kind", required_argument, NULL, 'k' },
		{ "nth", required_argument, NULL, 'n' },
		{ "every", required_argument, NULL, 'e' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },
		{ 0 },
	};
	unsigned int i;
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 's')
			options.scenario = optarg;
		else if (c == 'k')
			options.kind = parse_kind(optarg);
		else if (c == 'n')
			options.nth = (unsigned int)atoi(optarg);
		else if (c == 'e' && atoi(optarg) > 0)
			options.every = (unsigned int)atoi(optarg);
		else if (c == 'j' && atoi(optarg) > 0)
			options.jobs = (unsigned int)atoi(optarg);
		else if (c == 'l')
			options.list = true;
		else
			return usage();
	}
	gather();
	if (!ntales || optind < argc)
		return usage();
	if (options.list) {
		for (i = 0; i < ntales; i++)
			printf("%s\n", tales[i].scenario->name);
		return 0;
	}
	tell_them();
	return sum_up();
}
