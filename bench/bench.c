/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench [--quick] [--only GROUP] [--json FILE] [--plots DIRECTORY]
 *
 * Runs the groups, each in a child process, so that none finds the memory, the
 * threads or the devices of another, and all of them several times; then shows
 * what was to be reached.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include <holdfast/types.h>

#include "bench.h"
#include "report.h"

static const struct bench_group *const groups[] = {
	&bench_lookup, &bench_vpci,  &bench_removal,
	&bench_assign, &bench_scale, &bench_daemon,
};

#define LIMIT_SECONDS 300 /* of a group, once: it takes some ten */

bool bench_is_quick;

/*
 * Where things lie decides which of them share a cache set: two runs shall
 * agree, so the loader always puts them in the same place, and malloc() asks for
 * large pages, unless its tunables are set already.
 */
static void fix_layout(char **argv)
{
	static const char tunables[] = "GLIBC_TUNABLES";
	int now = personality(0xffffffff);
	bool anew = !getenv(tunables) &&
		    !setenv(tunables, "glibc.malloc.hugetlb=1", 1);

	if (now != -1 && !(now & ADDR_NO_RANDOMIZE))
		anew |= personality((unsigned long)now | ADDR_NO_RANDOMIZE) !=
			-1;
	if (anew)
		execv("/proc/self/exe", argv);
}

/* Of later passes only the figures are kept. */
static void be_silent(void)
{
	plot_directory = NULL;
	if (!freopen("/dev/null", "w", stdout))
		abort();
}

static void show_rest(void)
{
	double rest = bench_rest();

	if (rest < 0)
		return;
	bench_one_value("slices at rest", "%", rest);
	printf("\n(%.0f %% of the slices met the machine at rest)\n", rest);
}

static void run_group(const struct bench_group *g, unsigned int pass)
{
	uint64_t begin = bench_now();
	int status = -1;
	pid_t child;

	if (!pass)
		printf("== %s: %s\n\n", g->name, g->title);
	fflush(stdout);
	bench_pass = pass;
	report_group(g->name);
	child = fork();
	if (child == 0) {
		alarm(LIMIT_SECONDS);
		if (pass)
			be_silent();
		g->run();
		show_rest();
		fflush(stdout);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status)
		report_failed(g->name);
	if (!pass)
		printf("\n(%s took %.0f s)\n\n", g->name,
		       (double)(bench_now() - begin) / 1e9);
}

/* How many groups there were. */
static unsigned int run_groups(const char *only)
{
	unsigned int pass, passes = bench_is_quick ? 1 : BENCH_PASSES, i;
	uint64_t begin = bench_now();
	unsigned int ran = 0;

	for (pass = 0; pass < passes; pass++) {
		for (i = 0; i < ARRAY_SIZE(groups); i++) {
			if (only && strcmp(only, groups[i]->name))
				continue;
			run_group(groups[i], pass);
			ran++;
		}
	}
	if (ran)
		printf("(above: the first pass of %u; below: all of them; "
		       "%.0f s)\n\n",
		       passes, (double)(bench_now() - begin) / 1e9);
	return ran;
}

static int usage(void)
{
	unsigned int i;

	fputs("usage: bench [--quick] [--only GROUP] [--json FILE] "
	      "[--plots DIRECTORY]\n\ngroups:\n",
	      stderr);
	for (i = 0; i < ARRAY_SIZE(groups); i++)
		fprintf(stderr, "  %-12s %s\n", groups[i]->name,
			groups[i]->title);
	return 2;
}

static bool write_json(const char *file)
{
	const char *names[2 * ARRAY_SIZE(groups)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		names[2 * i] = groups[i]->name;
		names[2 * i + 1] = groups[i]->title;
	}
	if (!report_json(file, names, ARRAY_SIZE(groups)))
		return true;
	fprintf(stderr, "bench: %s: %s\n", file, strerror(errno));
	return false;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "only", required_argument, NULL, 'o' },
		{ "json", required_argument, NULL, 'j' },
		{ "plots", required_argument, NULL, 'p' },
		{ 0 },
	};
	const char *only = NULL, *json = NULL;
	unsigned int ran;
	bool ended;
	int c;

	fix_layout(argv);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'q':
			bench_is_quick = true;
			break;
		case 'o':
			only = optarg;
			break;
		case 'j':
			json = optarg;
			break;
		case 'p':
			plot_directory = optarg;
			break;
		default:
			return usage();
		}
	}
	if (optind != argc)
		return usage();
	report_create();
	bench_create();
#ifdef HOLDFAST_DEBUG
	puts("built with -Dchecks=true: the numbers say little\n");
#endif
	ran = run_groups(only);
	if (!ran)
		return usage();
	ended = report_table();
	if (json && !write_json(json))
		return 1;
	return !ended;
}
