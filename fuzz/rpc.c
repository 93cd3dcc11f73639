/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to the daemon, in process: each line of the input is what a client
 * sends, root or, behind a "!", one who may look only; a line "." waits until
 * all is answered, three seconds at most. The daemon serves a small fabric; its
 * loop and its threads are tasks on a clock of their own (rpc/around.h).
 *
 * What must hold is in rpc/clients.c; and that at the end the invariants hold,
 * the witness has seen nothing, and nothing is left.
 */
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/device.h>
#include <holdfast/vpci.h>

#include "domains.h"
#include "events.h"
#include "fabric.h"
#include "faults.h"
#include "fuzz.h"
#include "hosts.h"
#include "loop.h"
#include "methods.h"
#include "pins.h"
#include "policies.h"
#include "removals.h"
#include "rpc/around.h"
#include "safety.h"
#include "serial.h"
#include "texts.h"
#include "unit.h"

enum { MAX_LINES = 24 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	plat_log_to(fuzz_quiet);
	serial_start();
	return 0;
}

static void begin(void)
{
	static const struct vpci_options vpci = { .hardware_views = true };
	static const struct pci_iommu_options iommu = { .ats = true };
	char why[200];

	serial_begin();
	around_begin();
	pins_init();
	policies_init();
	FUZZ_ASSERT(!host_open("fabric:" FUZZ_FABRIC, why, sizeof(why)));
	FUZZ_ASSERT(!pci_init());
	events_init();
	FUZZ_ASSERT(!safety_init(&iommu) && !pci_config_init() &&
		    !pci_vpci_init(&vpci) && !host_register());
	events_start();
	faults_start();
	FUZZ_ASSERT(!host_watch());
}

static bool is_quiet(void)
{
	return around_all_answered() && !removals_running() && !loop_busy();
}

static void check_witness(struct fabric *f)
{
	struct fabric_witness w;

	fabric_witness(f, &w);
	if (w.listed)
		fprintf(stderr, "%s\n", w.list[0].text);
	FUZZ_ASSERT(!w.violations);
}

/* As stop.c and main.c. */
static void end(void)
{
	struct fabric *f = host_fabric();
	struct fabric_unit_info unit;

	around_stop();
	removals_stop();
	domains_stop();
	around_run(is_quiet, PLAT_FOREVER);
	around_forget();
	host_unwatch();
	faults_stop();
	loop_settle();
	FUZZ_ASSERT(!pci_check_invariants());
	events_stop();
	traffic_end(NULL);
	pins_free();
	removals_free();
	pci_fini();
	policies_free();
	fabric_flush_finish(f);
	fabric_unit(f, &unit);
	FUZZ_ASSERT(!unit.spaces && !unit.contexts && !unit.pages &&
		    !unit.flushes && !unit.vectors);
	check_witness(f);
	host_close();
	texts_free();
}

static void take_line(const char *line, size_t len)
{
	if (len == 1 && *line == '.') {
		around_run(is_quiet, 3 * PLAT_NSEC_PER_SEC);
		return;
	}
	if (*line == '!')
		around_say(1, line + 1, len - 1);
	else
		around_say(0, line, len);
	around_turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data, *stop = line + size, *next;
	unsigned int n;

	begin();
	for (n = 0; n < MAX_LINES && line < stop; n++, line = next + 1) {
		next = memchr(line, '\n', (size_t)(stop - line));
		if (!next)
			next = stop;
		if (next > line)
			take_line(line, (size_t)(next - line));
	}
	end();
	return 0;
}
