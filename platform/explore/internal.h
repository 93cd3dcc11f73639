/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the platform "explore" know of each other. */
#ifndef EXPLORE_INTERNAL_H
#define EXPLORE_INTERNAL_H

#include <stddef.h>
#include <stdio.h>

#include <holdfast/platform.h>

#include "explore.h"

/* --- choice.c: the sequence of choices of an execution ---------------------- */

/* Forget everything; @text: the choices to replay, NULL: begin a search. */
int choice_init(const char *text);
/* The next one, below @options. */
unsigned int choice_take(unsigned int options);
/* The next execution of the search; false: there is none. */
bool choice_next(void);
/* The choices so far, as choice_init() takes them. */
void choice_print(char *text, size_t size);

/* --- fiber.c: coroutines -------------------------------------------------------- */

struct fiber;

/* @run never returns. It starts with the first switch to it. */
struct fiber *fiber_create(void (*run)(void *arg), void *arg);
struct fiber *fiber_main(void); /* of the caller's own stack */
void fiber_switch(struct fiber *from, struct fiber *to);

/* --- sched.c: who runs ------------------------------------------------------------ */

enum op {
	OP_START,
	OP_LOCK,
	OP_UNLOCK,
	OP_ATOMIC,
	OP_TOUCH,
	OP_RCU_ENTER,
	OP_RCU_LEAVE,
	OP_RCU_CALL,
	OP_RCU_RUN,
	OP_SYNCHRONIZE,
	OP_BARRIER,
	OP_GP_START,
	OP_GP_DONE,
	OP_EVENT_SET,
	OP_EVENT_CLEAR,
	OP_EVENT_WAIT,
	OP_NOW,
	OP_YIELD,
	OP_COUNT
};

enum wait {
	WAIT_NOT,
	WAIT_LOCK,    /* for wait_on, a plat_lock_t, to be free */
	WAIT_EVENT,   /* for wait_on, a plat_event_t, or the deadline */
	WAIT_GP,      /* for wait_gp to be over */
	WAIT_RCU,     /* for the oldest callback's grace period: reclaimer */
	WAIT_BARRIER, /* for wait_gp callbacks to have run */
	WAIT_YIELD,   /* for a step of somebody else */
	WAIT_START,   /* between executions */
	WAIT_DONE
};

struct thread {
	const char *name;
	struct fiber *fiber;
	void (*run)(void);
	unsigned int number;

	enum wait wait;
	const void *wait_on;
	uint64_t deadline; /* WAIT_EVENT */
	uint64_t wait_gp;  /* also the step of a WAIT_YIELD */

	/* Threads, as bits: who ran since it yielded; whom it lets run first. */
	unsigned int ran, behind;

	uint64_t section; /* the outermost one's number; 0: in none */
	unsigned int nesting, locks;
	bool released;     /* since its last operation it touched nothing */
	const void *op_on; /* that operation's own object */
	struct plat_held held;
	const char *ref_site;
};

struct sched {
	struct thread *current; /* never NULL */
	uint64_t now, steps;
	uint64_t sections; /* numbers given out */
	bool polling;      /* somebody has yielded */
	struct plat_rcu_head *rcu_first, **rcu_last;
	uint64_t rcu_queued, rcu_run;
};

extern struct sched sched;

void sched_init(const struct explore_scenario *scenario, unsigned int bound);
/* One execution, with the choices of choice.c. Does not return on failure. */
void sched_execute(void);
/* Most operations of one execution so far. */
uint64_t sched_longest(void);

/* A switch is possible here; then the current thread does @op on @on. */
void sched_point(enum op op, const void *on);
/* The current thread can go on once @wait is over; it is then. */
void sched_wait(enum wait wait, const void *on, uint64_t deadline_or_gp);
bool sched_gp_over(uint64_t gp);
/* Memory is about to become free: nobody may wait for what lies in it. */
void sched_check_waiters(const void *start, size_t size);
/* The callbacks whose grace period is over, all of them, now. */
void rcu_run_callbacks(void);

/* --- memory.c: the heap ------------------------------------------------------------ */

void memory_init(void);
void memory_reset(void); /* all is free, nothing is remembered */
/* As "#3+16", or its number. */
void memory_name(const void *p, char *name, size_t size);
/* Stop unless all of it is allocated. */
void memory_check(const void *p, size_t size);

/* --- trace.c: an execution to read --------------------------------------------------- */

extern bool trace_on;

void trace_add(const struct thread *thread, enum op op, const void *on);
void trace_note(const char *fmt, ...) hf_printf_like(1, 2);
void trace_print(FILE *out);

/* --- run.c ------------------------------------------------------------------------------ */

/* Report @message for the current choices and end this process. */
void run_failed(const char *message) __attribute__((noreturn));

#endif
