/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon as it is installed, over its socket: how long a request takes,
 * how many it answers in a second, and how fast an event reaches everybody who
 * listens. What a bare echo over such a socket takes is the floor.
 *
 * One thread plays all clients, and everybody stays on one CPU. So time is the
 * CPU time of all sides together: none is idle while the others have nothing to
 * do, and what else the machine does is not counted. With a CPU each, clients
 * and daemon work at the same time.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <holdfast/types.h>

#include "bench.h"

enum {
	CLIENTS = 8,
	LISTENERS = 100,
	DEPTH = 16, /* unfinished requests of a client */
	TRIPS = 50,
	RATE_MSEC = 40,
	ROUNDS = 11,
	LINE = 1 << 18,
};

#define REQUEST(method, params)                              \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method \
	"\",\"params\":" params "}\n"
#define DEVICE "\"sbdf\":\"0000:00:05.0\""

static const char version[] = REQUEST("version", "{}"),
		  show[] = REQUEST("show", "{" DEVICE "}"),
		  list[] = REQUEST("list", "{\"limit\":64}"),
		  subscribe[] = REQUEST("subscribe", "{}"),
		  pin[] = REQUEST("pin", "{" DEVICE ",\"reason\":\"bench\"}"),
		  unpin[] = REQUEST("unpin", "{" DEVICE "}");

static struct {
	char dir[32], path[64], log[64];
	pid_t pid, echo_pid;
} served;

/* --- the other side ----------------------------------------------------------- */

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

/* The last one: the first gets most interrupts. */
static void stay_on_one_cpu(void)
{
	int cpu, last = 0;
	cpu_set_t set;

	must(!sched_getaffinity(0, sizeof(set), &set), "affinity");
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			last = cpu;
	CPU_ZERO(&set);
	CPU_SET(last, &set);
	must(!sched_setaffinity(0, sizeof(set), &set), "affinity");
}

static uint64_t cpu_of(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	must(!clock_getcpuclockid(pid, &clock) && !clock_gettime(clock, &ts),
	     "CPU time");
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* CPU time of all sides so far, ns. */
static uint64_t busy(void)
{
	return cpu_of(getpid()) + cpu_of(served.pid) + cpu_of(served.echo_pid);
}

static void become_daemon(int out)
{
	int log = open(served.log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	unsetenv("GLIBC_TUNABLES"); /* the benchmarks' own */
	dup2(out, 1);
	dup2(log, 2);
	execl(BENCH_HOLDFASTD, "holdfastd", "--host", "fabric:server",
	      "--socket", served.path, (char *)NULL);
	_exit(127);
}

/* It says a line when it listens. */
static void daemon_start(void)
{
	char line[256];
	int out[2];

	strcpy(served.dir, "/tmp/holdfast.XXXXXX");
	must(mkdtemp(served.dir), served.dir);
	snprintf(served.path, sizeof(served.path), "%s/socket", served.dir);
	snprintf(served.log, sizeof(served.log), "%s/log", served.dir);
	must(!pipe2(out, O_CLOEXEC), "pipe");
	served.pid = fork();
	must(served.pid >= 0, "fork");
	if (!served.pid)
		become_daemon(out[1]);
	close(out[1]);
	must(read(out[0], line, sizeof(line)) > 0, BENCH_HOLDFASTD);
	close(out[0]);
}

static void daemon_end(void)
{
	int status;

	kill(served.pid, SIGTERM);
	must(waitpid(served.pid, &status, 0) == served.pid && !status,
	     "holdfastd");
	unlink(served.log);
	unlink(served.path);
	must(!rmdir(served.dir), served.dir);
}

/* Sends back whatever comes, until nobody is there. */
static int echo_start(void)
{
	char buf[4096];
	ssize_t n;
	int fd[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), "echo");
	served.echo_pid = fork();
	must(served.echo_pid >= 0, "fork");
	if (!served.echo_pid) {
		close(fd[0]);
		while ((n = read(fd[1], buf, sizeof(buf))) > 0)
			if (write(fd[1], buf, (size_t)n) != n)
				break;
		_exit(0);
	}
	close(fd[1]);
	return fd[0];
}

/* --- clients ----------------------------------------------------------------------- */

static int client_open(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, served.path);
	must(fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
	     served.path);
	return fd;
}

static void ask(int fd, const char *request)
{
	size_t len = strlen(request);

	must(send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len, request);
}

/* Wait for something, and count the lines that end in it. */
static unsigned int lines(int fd)
{
	static char buf[LINE];
	ssize_t n = read(fd, buf, sizeof(buf));
	unsigned int count = 0;
	char *at = buf;

	must(n > 0, "read");
	must(!memmem(buf, (size_t)n, "\"error\"", 7), buf);
	while ((at = memchr(at, '\n', (size_t)(buf + n - at)))) {
		at++;
		count++;
	}
	return count;
}

static void answer(int fd)
{
	while (!lines(fd))
		;
}

/* --- round trips --------------------------------------------------------------------- */

static const struct trip {
	const char *name, *request;
} trips[] = {
	{ "echo", version },
	{ "version", version },
	{ "show a device", show },
	{ "list 64 devices", list },
};

static int daemon_fd, echo_fd;

/* µs */
static double sample_trip(const void *data)
{
	const struct trip *t = data;
	int fd = t == trips ? echo_fd : daemon_fd;
	uint64_t begin = busy();
	unsigned int i;

	for (i = 0; i < TRIPS; i++) {
		ask(fd, t->request);
		answer(fd);
	}
	return (double)(busy() - begin) / 1e3 / TRIPS;
}

static void round_trips(void)
{
	struct bench_variant v[ARRAY_SIZE(trips)];
	struct bench_series s[ARRAY_SIZE(trips)];
	unsigned int i;
	char name[64];

	for (i = 0; i < ARRAY_SIZE(trips); i++)
		v[i] = (struct bench_variant){ sample_trip, &trips[i] };
	bench_rounds(v, ARRAY_SIZE(trips), ROUNDS, s);
	printf("%-28s %9s %18s\n", "a request", "µs", "to the one before");
	for (i = 0; i < ARRAY_SIZE(trips); i++) {
		bench_value(trips[i].name, "µs", &s[i]);
		printf("%-28s %9.1f", trips[i].name, bench_median(&s[i]));
		if (i) {
			snprintf(name, sizeof(name), "%s, to %s", trips[i].name,
				 trips[i - 1].name);
			printf(" %18.2f", bench_ratio(name, &s[i], &s[i - 1]));
		}
		putchar('\n');
	}
	bench_free(s, ARRAY_SIZE(trips));
}

/* --- requests a second ---------------------------------------------------------------- */

static const struct load {
	const char *name;
	unsigned int clients, depth;
} loads[] = {
	{ "1 client", 1, 1 },
	{ "8 clients", CLIENTS, 1 },
	{ "1 client, 16 at a time", 1, DEPTH },
	{ "8 clients, 16 at a time", CLIENTS, DEPTH },
};

/* Requests a second: each answer is followed by the next request. */
static double sample_load(const void *data)
{
	const struct load *load = data;
	struct pollfd fd[CLIENTS];
	uint64_t begin, end, done = 0;
	double seconds;
	unsigned int i, n;

	for (i = 0; i < load->clients; i++)
		fd[i] = (struct pollfd){ client_open(), POLLIN, 0 };
	begin = busy();
	end = bench_now() + RATE_MSEC * 1000000u;
	for (i = 0; i < load->clients * load->depth; i++)
		ask(fd[i % load->clients].fd, version);
	while (bench_now() < end) {
		must(poll(fd, load->clients, -1) > 0, "poll");
		for (i = 0; i < load->clients; i++) {
			if (!fd[i].revents)
				continue;
			n = lines(fd[i].fd);
			for (done += n; n; n--)
				ask(fd[i].fd, version);
		}
	}
	seconds = (double)(busy() - begin) / 1e9;
	for (i = 0; i < load->clients; i++)
		close(fd[i].fd);
	return (double)done / seconds;
}

static void rates(void)
{
	struct bench_variant v[ARRAY_SIZE(loads)];
	struct bench_series s[ARRAY_SIZE(loads)];
	unsigned int i;
	char name[64];

	for (i = 0; i < ARRAY_SIZE(loads); i++)
		v[i] = (struct bench_variant){ sample_load, &loads[i] };
	bench_rounds(v, ARRAY_SIZE(loads), ROUNDS, s);
	printf("\n%-28s %9s %9s\n", "requests", "a second", "to one");
	for (i = 0; i < ARRAY_SIZE(loads); i++) {
		bench_value(loads[i].name, "/s", &s[i]);
		snprintf(name, sizeof(name), "%s, to 1 client", loads[i].name);
		printf("%-28s %9.0f %9.2f\n", loads[i].name,
		       bench_median(&s[i]),
		       i ? bench_ratio(name, &s[i], &s[0]) : 1);
	}
	bench_free(s, ARRAY_SIZE(loads));
}

/* --- events ---------------------------------------------------------------------------- */

static const unsigned int audience[] = { 1, LISTENERS };

/* Until each has read a line of its own. */
static void hear(struct pollfd *fd, unsigned int n)
{
	unsigned int i, left = n;

	for (i = 0; i < n; i++)
		fd[i].events = POLLIN;
	while (left) {
		must(poll(fd, n, -1) > 0, "poll");
		for (i = 0; i < n; i++) {
			if (!fd[i].revents || !lines(fd[i].fd))
				continue;
			fd[i].events = 0;
			left--;
		}
	}
}

/* µs for a request, the event that it causes at each listener, its answer. */
static double sample_event(const void *data)
{
	const unsigned int *n = data;
	struct pollfd fd[LISTENERS];
	uint64_t begin;
	unsigned int i;
	double took;

	for (i = 0; i < *n; i++) {
		fd[i] = (struct pollfd){ .fd = client_open() };
		ask(fd[i].fd, subscribe);
		answer(fd[i].fd);
	}
	begin = busy();
	for (i = 0; i < TRIPS; i++) {
		ask(daemon_fd, i % 2 ? unpin : pin);
		hear(fd, *n);
		answer(daemon_fd);
	}
	took = (double)(busy() - begin) / 1e3 / TRIPS;
	for (i = 0; i < *n; i++)
		close(fd[i].fd);
	/* Until the daemon has noticed, there is no room for as many again. */
	bench_sleep_usec(2000);
	return took;
}

static void events(void)
{
	struct bench_variant v[] = {
		{ sample_event, &audience[0] },
		{ sample_event, &audience[1] },
	};
	struct bench_series s[2];

	bench_rounds(v, 2, ROUNDS, s);
	bench_value("an event, 1 listener", "µs", &s[0]);
	bench_value("an event, 100 listeners", "µs", &s[1]);
	printf("\na request and its event, 1 listener: %.1f µs; %d: %.1f µs, "
	       "%.2f times\n",
	       bench_median(&s[0]), LISTENERS, bench_median(&s[1]),
	       bench_ratio("an event, 100 listeners to 1", &s[1], &s[0]));
	bench_free(s, 2);
}

static void run(void)
{
	stay_on_one_cpu();
	daemon_start();
	echo_fd = echo_start();
	daemon_fd = client_open();
	round_trips();
	rates();
	events();
	daemon_end();
}

const struct bench_group bench_daemon = {
	.name = "daemon",
	.title = "the daemon over its socket",
	.run = run,
};
