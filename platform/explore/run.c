/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program: runs each scenario in a process of its own, so that a failure
 * can end it wherever it is, then replays what failed in another one and
 * prints its trace. What a search found comes back in shared memory.
 */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define DEFAULT_BOUND 2
#define DEFAULT_OLDER 1
#define DEFAULT_RUNS 1000
#define ANY 99999 /* as a bound */
#define DEFAULT_MAX 100000000ull
#define SIGNAL_STACK (64 << 10)
#define WATCHDOG 60 /* seconds of CPU without the end of an execution */

enum state { CRASHED, COMPLETE, INCOMPLETE, FAILED };

struct outcome {
	enum state state;
	uint64_t count[EXPLORE_COUNTS];
	uint64_t schedules, longest;
	double seconds;
	char message[512], schedule[32 << 10];
	pid_t pid;
	bool over; /* the number may be another process's by now */
};

static struct {
	unsigned int bound, older, jobs;
	uint64_t max, runs, seed;
	const char *only; /* a pattern of names */
	const char *orders;
	char *const *replay;
	bool list, whole, anew;
} option = { .bound = DEFAULT_BOUND,
	     .older = DEFAULT_OLDER,
	     .max = DEFAULT_MAX,
	     .runs = DEFAULT_RUNS };

static struct outcome *mine; /* of this child */
static const struct explore_scenario *my_scenario;
static struct limits my_limits;

static struct {
	unsigned int run, failed, incomplete, own_bounds;
	uint64_t schedules;
} total;

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* --- in the child ------------------------------------------------------------ */

void run_failed(const char *message)
{
	size_t length;

	mine->state = FAILED;
	snprintf(mine->message, sizeof(mine->message), "%s", message);
	length = (size_t)snprintf(mine->schedule, sizeof(mine->schedule),
				  "%u+%u/", my_limits.preemptions,
				  my_limits.older);
	choice_print(mine->schedule + length, sizeof(mine->schedule) - length);
	if (trace_on) {
		trace_print(stdout);
		printf("  %s\n", message);
		fflush(stdout);
	}
	_exit(1);
}

static void on_signal(int number)
{
	if (number == SIGPROF)
		explore_fail(
			"no end after %d s of CPU: a loop without a switch?",
			WATCHDOG);
	explore_fail("%s: %s", sched.current->name, strsignal(number));
}

static void catch_signals(void)
{
	const stack_t alt = { .ss_sp = memory_map(SIGNAL_STACK),
			      .ss_size = SIGNAL_STACK };
	const int numbers[] = { SIGSEGV, SIGBUS,  SIGFPE,
				SIGILL,  SIGABRT, SIGPROF };
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_ONSTACK };
	unsigned int i;

	sigaltstack(&alt, NULL);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

/* CPU time: who stops us, or has more to do, is not the core's fault. */
static void watchdog_start(void)
{
	const struct itimerval it = { .it_value.tv_sec = WATCHDOG };

	setitimer(ITIMER_PROF, &it, NULL);
}

static void begin(const struct explore_scenario *scenario)
{
	my_scenario = scenario;
	catch_signals();
	memory_init();
	view_init();
	atomics_init();
	shared_init();
	snapshot_init(my_limits.anew);
	sched_init(scenario, &my_limits);
	watchdog_start();
}

static struct limits limits_of(const struct explore_scenario *scenario)
{
	return (struct limits){
		.preemptions = scenario->random  ? ANY
			       : scenario->bound ? scenario->bound
						 : option.bound,
		.older = scenario->older ? scenario->older : option.older,
		.random = scenario->random,
		.whole = option.whole,
		.anew = option.anew,
	};
}

static void execute(void)
{
	if (!(++mine->schedules & 0xff))
		watchdog_start();
	sched_execute(mine->longest);
	if (sched.steps > mine->longest)
		mine->longest = sched.steps;
}

static void keep_counts(void)
{
	unsigned int i;

	for (i = 0; i < EXPLORE_COUNTS; i++)
		mine->count[i] += sched.count[i];
}

static void run_at_random(void)
{
	while (mine->schedules < option.runs) {
		choice_random(option.seed + mine->schedules);
		execute();
		keep_counts();
	}
	mine->state = COMPLETE;
}

/* A schedule that shows something shared is run once more: see shared.c. */
static void search_all(void)
{
	bool more = true;

	choice_init(NULL);
	while (more && mine->schedules < option.max) {
		execute();
		if (!my_limits.whole && shared_grown()) {
			choice_again();
			snapshot_forget();
			mine->schedules--;
		} else {
			keep_counts();
			more = choice_next();
		}
	}
	mine->state = more ? INCOMPLETE : COMPLETE;
}

static void search(const struct explore_scenario *scenario)
{
	my_limits = limits_of(scenario);
	begin(scenario);
	if (my_limits.random)
		run_at_random();
	else
		search_all();
}

/* "2+1/", as run_failed() prints it. */
static const char *parse_limits(const char *text)
{
	char *end;

	my_limits.preemptions = (unsigned int)strtoul(text, &end, 10);
	if (end == text || *end != '+')
		return NULL;
	text = end + 1;
	my_limits.older = (unsigned int)strtoul(text, &end, 10);
	return end == text || *end != '/' ? NULL : end + 1;
}

static void replay(const struct explore_scenario *scenario, const char *text,
		   bool trace)
{
	const char *choices = parse_limits(text);

	my_limits.whole = true;
	trace_on = trace;
	if (!choices || choice_init(choices)) {
		fprintf(stderr, "explore: \"%s\" is no schedule\n", text);
		_exit(2);
	}
	begin(scenario);
	sched_execute(0);
	mine->state = COMPLETE;
	if (trace)
		trace_print(stdout);
	fflush(stdout);
}

const struct explore_scenario *explore_scenario(void)
{
	return my_scenario;
}

/* --- in the parent --------------------------------------------------------------- */

static struct outcome *outcomes(size_t count)
{
	struct outcome *out = mmap(NULL, count * sizeof(*out),
				   PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (out == MAP_FAILED) {
		perror("explore: outcomes");
		exit(2);
	}
	return out;
}

/* True in the child. */
static bool in_child(struct outcome *out)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("explore: fork");
		exit(2);
	}
	if (pid)
		out->pid = pid;
	mine = out;
	return !pid;
}

bool run_fails(const struct explore_scenario *scenario,
	       void (*prepare)(void *arg), void *arg, char *message,
	       size_t size)
{
	struct outcome *out = outcomes(1);
	bool failed;

	if (in_child(out)) {
		prepare(arg);
		search(scenario);
		_exit(0);
	}
	waitpid(out->pid, NULL, 0);
	failed = out->state == FAILED;
	snprintf(message, size, "%s", out->message);
	munmap(out, sizeof(*out));
	return failed;
}

/* Replay in a process of its own; true if it fails with the same message. */
static bool replays(const struct explore_scenario *scenario,
		    const struct outcome *found, bool trace)
{
	struct outcome *again = outcomes(1);
	bool same;

	if (in_child(again)) {
		replay(scenario, found->schedule, trace);
		_exit(0);
	}
	waitpid(again->pid, NULL, 0);
	same = again->state == FAILED &&
	       !strcmp(again->message, found->message) &&
	       !strcmp(again->schedule, found->schedule);
	munmap(again, sizeof(*again));
	return same;
}

static void report_failure(const struct explore_scenario *scenario,
			   const struct outcome *out)
{
	total.failed++;
	printf("%-42s FAILED in schedule %" PRIu64 ": %s\n", scenario->name,
	       out->schedules, out->message);
	printf("  proves: %s\n", scenario->rule);
	if (!replays(scenario, out, true))
		printf("  and does not replay: not deterministic\n");
	printf("  again: explore --replay %s %s\n", scenario->name,
	       out->schedule);
}

/* A test of the explorer itself: it must have found what was hidden. */
static void report_expected(const struct explore_scenario *scenario,
			    const struct outcome *out)
{
	bool found = out->state == FAILED &&
		     strstr(out->message, scenario->expect);

	if (found && replays(scenario, out, false)) {
		printf("%-42s %10" PRIu64 "  found as it must, replays: %s\n",
		       scenario->name, out->schedules, scenario->expect);
		return;
	}
	total.failed++;
	printf("%-42s FAILED: \"%s\" %s (%s %s)\n", scenario->name,
	       scenario->expect,
	       found ? "was found and does not replay" : "was not found",
	       out->schedule, out->message);
}

/* As "2+1": preemptions and older values; or that it was no search. */
static const char *bounds(const struct explore_scenario *scenario)
{
	static char text[24];
	struct limits limits = limits_of(scenario);

	if (limits.random)
		return "random";
	snprintf(text, sizeof(text), "bound %u+%u", limits.preemptions,
		 limits.older);
	return text;
}

static void report(const struct explore_scenario *scenario,
		   const struct outcome *out)
{
	total.run++;
	total.schedules += out->schedules;
	total.own_bounds += scenario->bound || scenario->older;
	if (scenario->expect) {
		report_expected(scenario, out);
		return;
	}
	switch (out->state) {
	case FAILED:
		report_failure(scenario, out);
		return;
	case CRASHED:
		total.failed++;
		printf("%-42s FAILED: the process died\n", scenario->name);
		return;
	case INCOMPLETE:
		total.incomplete++;
		break;
	case COMPLETE:
		break;
	}
	printf("%-42s %10" PRIu64 "  %s  %4" PRIu64 " steps %8.2f s  %s\n",
	       scenario->name, out->schedules, bounds(scenario), out->longest,
	       out->seconds, out->state == COMPLETE ? "ok" : "INCOMPLETE");
}

static bool selected(const struct explore_scenario *scenario)
{
	return !option.only ||
	       !fnmatch(option.only, scenario->name, FNM_EXTMATCH);
}

static void start(const struct explore_scenario *scenario, struct outcome *out)
{
	out->seconds = -seconds_now();
	if (in_child(out)) {
		search(scenario);
		_exit(0);
	}
}

/* Wait for one child and report what it found. */
static void reap(const struct explore_scenario *const *scenarios,
		 struct outcome *out, unsigned int count)
{
	pid_t pid = waitpid(-1, NULL, 0);
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (out[i].pid != pid || out[i].over || pid <= 0)
			continue;
		out[i].over = true;
		out[i].seconds += seconds_now();
		report(scenarios[i], &out[i]);
	}
}

bool (*explore_summary)(const struct explore_scenario *const *scenarios,
			const struct explore_result *results);

static void summarize(const struct explore_scenario *const *scenarios,
		      const struct outcome *out, unsigned int count)
{
	struct explore_result *results = calloc(count, sizeof(*results));
	unsigned int i;

	if (!results) {
		perror("explore: results");
		exit(2);
	}
	for (i = 0; i < count; i++) {
		results[i].ran = out[i].over;
		results[i].fine = out[i].state == COMPLETE;
		results[i].schedules = out[i].schedules;
		memcpy(results[i].count, out[i].count, sizeof(out[i].count));
	}
	if (!explore_summary(scenarios, results))
		total.failed++;
	free(results);
}

static int run_all(const struct explore_scenario *const *scenarios)
{
	unsigned int i, count = 0, running = 0;
	double began = seconds_now();
	struct outcome *out;

	while (scenarios[count])
		count++;
	out = outcomes(count);
	for (i = 0; i < count; i++) {
		if (!selected(scenarios[i]))
			continue;
		if (running == option.jobs) {
			reap(scenarios, out, count);
			running--;
		}
		start(scenarios[i], &out[i]);
		running++;
	}
	while (running--)
		reap(scenarios, out, count);
	if (explore_summary)
		summarize(scenarios, out, count);
	printf("%u scenarios, %" PRIu64 " schedules, bound %u preemptions + %u "
	       "older values (%u have their own), reduction: what commutes, "
	       "seed %" PRIu64 ", %.1f s: %u failures, %u incomplete\n",
	       total.run, total.schedules, option.bound, option.older,
	       total.own_bounds, option.seed, seconds_now() - began,
	       total.failed, total.incomplete);
	if (!total.run)
		return 2;
	return total.failed ? 1 : total.incomplete ? 2 : 0;
}

static int run_replay(const struct explore_scenario *const *scenarios)
{
	struct outcome *out = outcomes(1);
	int status = 0;

	for (; *scenarios; scenarios++)
		if (!strcmp((*scenarios)->name, option.replay[0]))
			break;
	if (!*scenarios) {
		fprintf(stderr, "explore: no scenario %s\n", option.replay[0]);
		return 2;
	}
	if (in_child(out)) {
		replay(*scenarios, option.replay[1], true);
		_exit(0);
	}
	waitpid(out->pid, &status, 0);
	if (out->state == COMPLETE)
		printf("%s %s: no failure\n", option.replay[0],
		       option.replay[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int list(const struct explore_scenario *const *scenarios)
{
	for (; *scenarios; scenarios++)
		if (selected(*scenarios))
			printf("%-42s %s\n", (*scenarios)->name,
			       (*scenarios)->rule);
	return 0;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: explore [--bound N] [--older N] [--max N] [--jobs N]\n"
		"               [--runs N] [--seed N] [--whole] [--anew] [--scenario PATTERN]\n"
		"       explore --orders FILE[,...] [the options above]\n"
		"       explore --list [--scenario PATTERN]\n"
		"       explore --replay SCENARIO SCHEDULE\n");
	return 2;
}

static bool number(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return !errno && end != text && !*end;
}

static bool parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "bound", required_argument, NULL, 'b' },
		{ "older", required_argument, NULL, 'o' },
		{ "max", required_argument, NULL, 'm' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "runs", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 'd' },
		{ "scenario", required_argument, NULL, 's' },
		{ "orders", required_argument, NULL, 'w' },
		{ "whole", no_argument, NULL, 'a' },
		{ "anew", no_argument, NULL, 'f' },
		{ "list", no_argument, NULL, 'l' },
		{ "replay", no_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	bool again = false;
	uint64_t n;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		n = 0;
		if (strchr("bomjnd", c) &&
		    (!number(optarg, &n) || (!n && strchr("bmjn", c))))
			return false;
		switch (c) {
		case 'b':
			option.bound = (unsigned int)n;
			break;
		case 'o':
			option.older = (unsigned int)n;
			break;
		case 'm':
			option.max = n;
			break;
		case 'j':
			option.jobs = (unsigned int)n;
			break;
		case 'n':
			option.runs = n;
			break;
		case 'd':
			option.seed = n;
			break;
		case 's':
			option.only = optarg;
			break;
		case 'w':
			option.orders = optarg;
			break;
		case 'a':
			option.whole = true;
			break;
		case 'f':
			option.anew = true;
			break;
		case 'l':
			option.list = true;
			break;
		case 'r':
			again = true;
			break;
		default:
			return false;
		}
	}
	if (again)
		option.replay = argv + optind;
	return argc - optind == (again ? 2 : 0);
}

/* Of those that --scenario names. */
static int run_orders(const struct explore_scenario *const *scenarios)
{
	const struct explore_scenario **chosen;
	unsigned int i, n = 0;
	int status;

	for (i = 0; scenarios[i]; i++)
		;
	chosen = calloc(i + 1, sizeof(*chosen));
	if (!chosen)
		return 2;
	for (i = 0; scenarios[i]; i++)
		if (selected(scenarios[i]))
			chosen[n++] = scenarios[i];
	status = orders_run(chosen, option.orders, option.jobs);
	free(chosen);
	return status;
}

int explore_main(int argc, char **argv,
		 const struct explore_scenario *const *scenarios)
{
	option.jobs = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	option.seed = (uint64_t)time(NULL);
	if (!parse(argc, argv))
		return usage();
	if (option.list)
		return list(scenarios);
	if (option.replay)
		return run_replay(scenarios);
	if (option.orders)
		return run_orders(scenarios);
	return run_all(scenarios);
}
