/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fabric.tester: the simulated card that does DMA and raises interrupts as it
 * is told, as its own firmware would. One that runs has a turn each
 * millisecond, in a worker, as long as any runs.
 */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "hosts.h"
#include "loop.h"
#include "methods.h"
#include "out.h"
#include "stop.h"
#include "unit.h"

#define TURN_MS 1
#define LENGTH 4 /* bytes, unless told */

static const char *const command_name[FABRIC_TESTER_COMMANDS] = {
	[FABRIC_TESTER_STOP] = "stop",           [FABRIC_TESTER_READ] = "read",
	[FABRIC_TESTER_WRITE] = "write",         [FABRIC_TESTER_COPY] = "copy",
	[FABRIC_TESTER_INTERRUPT] = "interrupt",
};

/* --- turns -------------------------------------------------------------------- */

static uv_timer_t timer;
static bool timer_made, turning; /* turning: the timer, or the work, is due */
static struct work turn;
static unsigned int took_turns;

static void take_turn(struct work *work)
{
	(void)work;
	took_turns = fabric_turn(host_fabric());
}

static void is_due(uv_timer_t *unused)
{
	(void)unused;
	loop_work(&turn);
}

static void turn_over(struct work *work)
{
	(void)work;
	turning = took_turns && !stop_begun();
	if (turning)
		uv_timer_start(&timer, is_due, TURN_MS, 0);
}

static void begin_turns(struct post *post)
{
	free(post);
	if (turning || stop_begun())
		return;
	if (!timer_made)
		uv_timer_init(&main_loop, &timer);
	timer_made = turning = true;
	turn.run = take_turn;
	turn.done = turn_over;
	uv_timer_start(&timer, is_due, TURN_MS, 0);
}

/* Worker. Before the tester runs: then it surely gets its turns. */
static int want_turns(struct post **out)
{
	*out = malloc(sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->run = begin_turns;
	return 0;
}

/* --- what it does ------------------------------------------------------------- */

static const char *status_name(uint64_t status)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} names[] = {
		{ FABRIC_TESTER_BUSY, "busy" },
		{ FABRIC_TESTER_OK, "ok" },
		{ FABRIC_TESTER_REFUSED, "refused" },
		{ FABRIC_TESTER_NOT_SENT, "not-sent" },
		{ FABRIC_TESTER_NOBODY, "nobody" },
		{ FABRIC_TESTER_BAD, "bad" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (status & names[i].bit)
			return names[i].name;
	return "idle";
}

static int encode(struct call *call, pci_sbdf_t sbdf)
{
	static const struct {
		const char *key;
		unsigned int reg;
	} count[] = {
		{ "done", FABRIC_TESTER_DONE },
		{ "failed", FABRIC_TESTER_FAILED },
		{ "data", FABRIC_TESTER_DATA },
	};
	struct fabric *f = host_fabric();
	json_object *o = out_object();
	uint64_t val;
	int err;

	call->result = o;
	out_sbdf(o, "sbdf", sbdf);
	err = fabric_tester_get(f, sbdf, FABRIC_TESTER_STATUS, &val);
	if (err)
		return err;
	out_str(o, "status", status_name(val));
	err = fabric_tester_get(f, sbdf, FABRIC_TESTER_COMMAND, &val);
	val &= ~(uint64_t)FABRIC_TESTER_RUN;
	out_str(o, "running",
		!err && val && val < FABRIC_TESTER_COMMANDS ? command_name[val]
							    : NULL);
	for (size_t i = 0; !err && i < ARRAY_SIZE(count); i++) {
		err = fabric_tester_get(f, sbdf, count[i].reg, &val);
		if (!err)
			out_uint(o, count[i].key, val);
	}
	return err;
}

/* The registers that @call names. */
static int set_registers(struct call *call, pci_sbdf_t sbdf)
{
	static const struct {
		const char *name;
		unsigned int reg;
		int64_t max;
	} param[] = {
		{ "source", FABRIC_TESTER_SOURCE, INT64_MAX },
		{ "destination", FABRIC_TESTER_DESTINATION, INT64_MAX },
		{ "length", FABRIC_TESTER_LENGTH, FABRIC_TESTER_MAX_LENGTH },
		{ "vector", FABRIC_TESTER_VECTOR, 2047 },
		{ "data", FABRIC_TESTER_DATA, UINT32_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(param); i++) {
		bool length = param[i].reg == FABRIC_TESTER_LENGTH;
		int64_t n = LENGTH;
		int err = arg_int_opt(call, param[i].name, 0, param[i].max, &n);

		if (err > 0 || (!err && length))
			err = fabric_tester_set(host_fabric(), sbdf,
						param[i].reg, (uint64_t)n);
		if (err < 0)
			return err;
	}
	return 0;
}

static int command(struct call *call, pci_sbdf_t sbdf, unsigned int cmd)
{
	struct post *post = NULL;
	bool run = false;
	int err = arg_bool_opt(call, "run", &run);

	if (err < 0 || (err = set_registers(call, sbdf)) ||
	    (run && (err = want_turns(&post))))
		return err;
	err = fabric_tester_set(host_fabric(), sbdf, FABRIC_TESTER_COMMAND,
				cmd | (run ? FABRIC_TESTER_RUN : 0));
	if (err)
		free(post);
	else if (post)
		loop_post(post);
	return err;
}

/* FABRIC_TESTER_…; -1: none. */
static int parse(const char *action)
{
	for (int i = 0; i < FABRIC_TESTER_COMMANDS; i++)
		if (!strcmp(action, command_name[i]))
			return i;
	return -1;
}

static int failed(struct call *call, int err, pci_sbdf_t sbdf)
{
	char name[PCI_SBDF_LEN];

	if (call->err || call->code)
		return err;
	if (err != -ENODEV)
		return call_fail_device(call, err, sbdf);
	call_fail(call, err,
		  "%s is no tester; `holdfast fabric plug` puts one into a "
		  "slot",
		  pci_sbdf_print(name, sbdf));
	out_sbdf(call_data(call), "sbdf", sbdf);
	return err;
}

int method_fabric_tester(struct call *call)
{
	const char *action;
	pci_sbdf_t sbdf;
	int cmd, err;

	if ((err = need_fabric(call)) ||
	    (err = arg_sbdf(call, "sbdf", &sbdf)) ||
	    (err = arg_str(call, "action", &action)))
		return err;
	cmd = parse(action);
	if (cmd < 0 && strcmp(action, "show"))
		return arg_bad(call, "action",
			       "must be read, write, copy, interrupt, stop or "
			       "show");
	if (cmd >= 0 && (err = call_administers(call)))
		return err;
	if (cmd >= 0)
		err = command(call, sbdf, (unsigned int)cmd);
	if (!err)
		err = encode(call, sbdf);
	return err ? failed(call, err, sbdf) : 0;
}
