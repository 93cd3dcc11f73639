/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * holdfastd: options, and the order in which everything begins and ends.
 * The core is the only place that knows devices; the daemon lets people use
 * it, over a socket, at the same time. docs/protocol.md is the interface.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/device.h>
#include <holdfast/vpci.h>

#include "events.h"
#include "faults.h"
#include "hosts.h"
#include "hotplug.h"
#include "log.h"
#include "loop.h"
#include "methods.h"
#include "pins.h"
#include "policies.h"
#include "removals.h"
#include "safety.h"
#include "server.h"
#include "state.h"
#include "stop.h"
#include "texts.h"

#define DEFAULT_SOCKET "/run/holdfast.sock"
#define DEFAULT_STATE "/var/lib/holdfast"

struct options {
	const char *host, *socket, *group, *state, *log_level;
	struct pci_iommu_options iommu;
};

static bool core_is_up;

static const char usage[] =
	"usage: holdfastd --host HOST [options]\n"
	"\n"
	"  --host HOST        fabric:server, fabric:lab, fabric:scale=N,\n"
	"                     fabric:FILE, dump:FILE or linux\n"
	"  --socket PATH      where clients come (" DEFAULT_SOCKET ")\n"
	"  --group NAME       the socket's group, whose members administer\n"
	"  --state DIR        where pins and reasons are kept (linux: \n"
	"                     " DEFAULT_STATE "; dump: nowhere)\n"
	"  --quarantine MODE  what a device in quarantine reaches: basic\n"
	"                     (nothing), scratch (a page of its own), none\n"
	"                     (all memory) (basic)\n"
	"  --ats              devices may cache translations\n"
	"  --fault-limit N    after how many DMA faults in quick succession a\n"
	"                     device is silenced (10)\n"
	"  --log-level LEVEL  error, warning, info or debug (warning)\n"
	"  --help, --version\n";

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "holdfastd: %s: %s\n", what, why);
	return -1;
}

static void set(int err, const char *option, const char *why)
{
	if (!err)
		return;
	complain(option, why);
	exit(2);
}

static void parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "host", required_argument, NULL, 'h' },
		{ "socket", required_argument, NULL, 's' },
		{ "group", required_argument, NULL, 'g' },
		{ "state", required_argument, NULL, 'd' },
		{ "quarantine", required_argument, NULL, 'q' },
		{ "ats", no_argument, NULL, 'a' },
		{ "fault-limit", required_argument, NULL, 'f' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, '?' + 128 },
		{ "version", no_argument, NULL, 'v' },
		{ NULL }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'h':
			o->host = optarg;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'g':
			o->group = optarg;
			break;
		case 'd':
			o->state = optarg;
			break;
		case 'q':
			set(safety_quarantine(optarg, &o->iommu),
			    "--quarantine", "must be basic, scratch or none");
			break;
		case 'a':
			o->iommu.ats = true;
			break;
		case 'f':
			set(safety_fault_limit(optarg, &o->iommu),
			    "--fault-limit",
			    "must be a number from 1 to "
			    "1000000");
			break;
		case 'l':
			o->log_level = optarg;
			break;
		case 'v':
			printf("holdfastd %s\n", HOLDFAST_VERSION);
			exit(0);
		case '?' + 128:
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (!o->host || optind < argc) {
		fputs(usage, stderr);
		exit(2);
	}
}

/* The core with all devices of the host. */
static int start_core(const struct options *o)
{
	struct vpci_options vpci = { 0 };
	char why[400] = "";
	int err;

	if (host_open(o->host, why, sizeof(why)))
		return complain(o->host, why);
	err = pci_init();
	if (err)
		return complain("core", strerror(-err));
	core_is_up = true;
	events_init();
	err = safety_init(&o->iommu);
	if (!err)
		err = pci_config_init();
	vpci.hardware_views = host_simulated();
	if (!err)
		err = pci_vpci_init(&vpci);
	if (err)
		return complain("core", strerror(-err));
	err = host_register();
	return err ? complain(o->host, strerror(-err)) : 0;
}

static int start_state(const struct options *o)
{
	const char *dir = o->state;
	char why[400];

	if (!dir && !strcmp(o->host, "linux"))
		dir = DEFAULT_STATE;
	if (!dir || host_simulated())
		return 0;
	return state_open(dir, why, sizeof(why)) ? complain("state", why) : 0;
}

static int start_serving(const struct options *o)
{
	char why[400];
	int err;

	events_start();
	faults_start();
	err = host_watch();
	if (!err)
		err = stop_init();
	if (err)
		return complain("start", uv_strerror(err));
	if (server_open(o->socket, o->group, why, sizeof(why)))
		return complain("socket", why);
	return 0;
}

static void say_ready(const struct options *o)
{
	struct pci_stats stats;

	pci_get_stats(&stats);
	printf("holdfastd: %llu devices on %s, listening on %s\n",
	       (unsigned long long)stats.devices, o->host, o->socket);
	fflush(stdout);
}

/* Whatever of it was begun. */
static void end(void)
{
	host_unwatch();
	faults_stop();
	loop_close();
	events_stop();
	traffic_end(NULL);
	pins_free();
	removals_free();
	if (core_is_up)
		pci_fini();
	policies_free();
	host_close();
	state_close();
	texts_free();
}

int main(int argc, char **argv)
{
	struct options o = { .socket = DEFAULT_SOCKET, .log_level = "warning" };
	int status = 1;

	parse_options(argc, argv, &o);
	if (log_init(o.log_level)) {
		complain("--log-level",
			 "must be error, warning, info or debug");
		return 2;
	}
	if (loop_init()) {
		complain("start", "no event loop");
		return 1;
	}
	pins_init();
	policies_init();
	if (!start_core(&o) && !start_state(&o) && !start_serving(&o)) {
		say_ready(&o);
		uv_run(&main_loop, UV_RUN_DEFAULT);
		status = 0;
	}
	end();
	return status;
}
