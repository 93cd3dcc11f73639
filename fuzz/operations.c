/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A random walk through the life of devices: the input is a row of operations
 * of the core and of the hardware, six bytes each, on a small fabric. Each
 * gives a result that its header knows; where nothing runs the invariants hold;
 * at the end the witness has seen nothing, and nothing is left.
 *
 * An operation whose first byte has its high bit set runs in a task of its own
 * (serial.h), while the next ones do. The first byte of the input says how the
 * core is started, the second who of the tasks goes on.
 */
#include "operations/world.h"

enum { MAX_STEPS = 40, IN_TASK = 0x80 };

static const struct operation *const files[] = {
	removal_operations, owner_operations, guest_operations,
	interrupt_operations, hardware_operations
};

static const struct operation *operation[128];
static unsigned int noperations;
static uint32_t seed;

struct job {
	struct step step;
	struct serial_task *task; /* NULL: there is none */
};

static struct job job[TASKS];

static bool tracing; /* FUZZ_TRACE is set: what does a finding do? */

static void trace(const struct step *s, const char *name, const char *what,
		  int result)
{
	char sbdf[PCI_SBDF_LEN];

	if (tracing)
		fprintf(stderr, "%s %s dom %u, %u %u %u: %s %d\n", name,
			pci_sbdf_print(sbdf, device_of(s)), s->dom, s->a, s->b,
			s->c, what, result);
}

static bool documented(const struct operation *op, int result)
{
	unsigned int i;

	if (!result)
		return true;
	for (i = 0; i < ERRORS && op->error[i]; i++)
		if (op->error[i] == result)
			return true;
	fprintf(stderr, "%s: result %d\n", op->name, result);
	return false;
}

static const struct operation *operation_of(const struct step *s)
{
	return operation[(s->op & ~(unsigned int)IN_TASK) % noperations];
}

static void run(const struct step *s)
{
	const struct operation *op = operation_of(s);
	int result;

	trace(s, op->name, "begins in task", world.running);
	result = op->run(s);
	trace(s, op->name, "ends with", result);
	FUZZ_ASSERT(documented(op, result));
}

static void run_job(void *arg)
{
	struct job *j = arg;

	run(&j->step);
	world.running--;
}

/* --- tasks --------------------------------------------------------------------- */

static bool one_is_over(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < TASKS; i++)
		if (!job[i].task || serial_is_over(job[i].task))
			return true;
	return false;
}

static void take_in(bool all)
{
	for (unsigned int i = 0; i < TASKS; i++) {
		if (!job[i].task || (!all && !serial_is_over(job[i].task)))
			continue;
		serial_join(job[i].task);
		job[i].task = NULL;
	}
}

static void begin_job(const struct step *s)
{
	unsigned int i;

	if (world.running >= TASKS)
		serial_wait(one_is_over, NULL, PLAT_FOREVER);
	take_in(false);
	for (i = 0; i < TASKS && job[i].task; i++)
		;
	FUZZ_ASSERT(i < TASKS);
	job[i].step = *s;
	world.running++;
	job[i].task = serial_spawn(run_job, &job[i]);
}

static unsigned int choose(unsigned int n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 24) % n;
}

static void take_step(const struct step *s)
{
	world.disturbed = world.running || world.nnews || world.work;
	if (s->op & IN_TASK || operation_of(s)->task)
		begin_job(s);
	else
		run(s);
	if (!world.running)
		FUZZ_ASSERT(!pci_check_invariants());
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	plat_log_to(fuzz_quiet);
	serial_start();
	serial_choose = choose;
	tracing = getenv("FUZZ_TRACE");
	for (unsigned int i = 0; i < ARRAY_SIZE(files); i++)
		for (const struct operation *op = files[i]; op->name; op++)
			operation[noperations++] = op;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct step s;
	unsigned int n;

	if (size < 2)
		return -1;
	seed = data[1];
	world_open(data[0]);
	data += 2;
	size -= 2;
	for (n = 0; n < MAX_STEPS && size >= sizeof(s); n++) {
		memcpy(&s, data, sizeof(s));
		data += sizeof(s);
		size -= sizeof(s);
		take_step(&s);
	}
	take_in(true);
	world_close();
	return 0;
}
