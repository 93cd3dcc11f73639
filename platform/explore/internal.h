/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the platform "explore" know of each other. */
#ifndef EXPLORE_INTERNAL_H
#define EXPLORE_INTERNAL_H

#include <stddef.h>
#include <stdio.h>

#include <holdfast/platform.h>

#include "explore.h"

/* --- snapshot.c: to go on in the middle of an execution ------------------- */

/*
 * The state of an execution is static data, and what the *_parts() of the
 * modules copy: away, or back.
 */
typedef void snapshot_copy(void *part, size_t size);

void snapshot_init(bool always_anew); /* or take none */
/* Before choice @at. Returns once more when that execution is gone back to. */
void snapshot_take(unsigned int at);
/*
 * Go back to the last one that was not taken after choice @at, and forget those
 * after it. False: there is none. The next switch goes to sched.current.
 */
bool snapshot_restore(unsigned int at);
void snapshot_forget(void); /* all */

/* --- choice.c: the sequence of choices of an execution ---------------------- */

/* Forget everything; @text: the choices to replay, NULL: begin a search. */
int choice_init(const char *text);
/* The next one, below @options. */
unsigned int choice_take(unsigned int options);
/* The next execution of the search repeats this one. */
void choice_again(void);
/* The next execution of the search; false: there is none. */
bool choice_next(void);
/* Which choice is the first that differs from the last execution's. */
unsigned int choice_changed(void);
/* From now on nothing is searched: choices are made by this seed. */
void choice_random(uint64_t seed);
/* Below @n, of the same seed, and no choice. */
unsigned int choice_dice(unsigned int n);
/* The next one is made already, of so many that are still to be tried. */
void choice_made(unsigned int taken, unsigned int options);
/* The choices so far, as choice_init() takes them. */
void choice_print(char *text, size_t size);

/* --- fiber.c: coroutines -------------------------------------------------------- */

struct fiber;

/* @run never returns. It starts with the first switch to it. */
struct fiber *fiber_create(void (*run)(void *arg), void *arg);
struct fiber *fiber_main(void); /* of the caller's own stack */
void fiber_switch(struct fiber *from, struct fiber *to);
/*
 * Call @save(@arg), after which @self, the current one, can be switched to: then
 * this returns once more.
 */
void fiber_mark(struct fiber *self, void (*save)(void *arg), void *arg);
void fiber_parts(struct fiber *fiber, snapshot_copy *copy); /* no main one */

/* --- view.c: what happens before what ------------------------------------------ */

#define VIEW_THREADS (EXPLORE_THREADS + 2)
#define VIEW_ATOMICS 1024

struct view {
	uint16_t clock[VIEW_THREADS]; /* 0: only the setup */
	uint16_t count;               /* of seen[]; the others are 0 */
	uint16_t seen[VIEW_ATOMICS];  /* positions in modification order */
};

/* Addresses of one execution, numbered from 0. */
struct map {
	unsigned int count;
	struct {
		const void *addr;
		uint16_t slot;
	} entry[VIEW_ATOMICS];
	uint16_t slot[4 * VIEW_ATOMICS]; /* the number and 1; 0: none */
};
unsigned int map_index(struct map *map, const void *addr, bool *added);
void map_reset(struct map *map);
void map_parts(struct map *map, snapshot_copy *copy);

void view_init(void);
void view_reset(void); /* before an execution */
void view_parts(snapshot_copy *copy);
void view_clear(struct view *view);
void view_join(struct view *to, const struct view *from);
/* Of @atomic nothing older than its @value-th is read any more. */
void view_see(struct view *view, unsigned int atomic, unsigned int value);
/* All that the current thread did happens before who acquires *@to. */
void view_release(const struct view **to);
void view_acquire(const struct view *from); /* NULL: nothing */
/* The view that is kept for a lock, an event or a callback. */
const struct view **view_at(const void *addr);

/* --- atomic.c: values ------------------------------------------------------------- */

void atomics_init(void);
void atomics_reset(void); /* before an execution */
void atomics_parts(snapshot_copy *copy);
/* No value of this execution but the newest is read any more. */
void atomic_settle(struct view *view);

/* --- sched.c: who runs ------------------------------------------------------------ */

enum op {
	OP_START,
	OP_LOCK,
	OP_UNLOCK,
	OP_LOAD,
	OP_ATOMIC, /* which writes */
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

/* Numbers, after the scenario's own threads. */
#define RECLAIMER EXPLORE_THREADS
#define MAIN (EXPLORE_THREADS + 1) /* who has called sched_execute() */

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

	/* Something went before without a switch, as it commutes. */
	bool owed;

	uint64_t section; /* the outermost one's number; 0: in none */
	unsigned int nesting, locks;
	struct plat_held held;
	const char *ref_site;
	struct view view;
};

struct sched {
	struct thread *current; /* never NULL */
	uint64_t now, steps;
	uint64_t sections; /* numbers given out */
	bool polling;      /* somebody has yielded */
	struct plat_rcu_head *rcu_first, **rcu_last;
	uint64_t rcu_queued, rcu_run;
	/* Who left a section, started a grace period, ran a callback. */
	const struct view *left, *started, *called;
	uint64_t count[EXPLORE_COUNTS];
};

extern struct sched sched;

/* How much of it is tried. */
struct limits {
	unsigned int preemptions, older; /* values */
	unsigned int random; /* change points of random priorities; 0: no */
	bool whole;          /* nothing that commutes is left out */
	bool anew;           /* no execution begins in the middle */
};

void sched_init(const struct explore_scenario *scenario,
		const struct limits *limits);
const char *sched_name(unsigned int thread);
/*
 * One execution, with the choices of choice.c; @longest: most operations of one
 * so far. Does not return on failure.
 */
void sched_execute(uint64_t longest);

/*
 * The current thread is about to do @op on @on. A switch is possible before it,
 * unless it commutes (shared.c).
 */
void sched_point(enum op op, const void *on);
/*
 * A plain access of these words of static memory, which the scenarios' own: no
 * switch before it, unless one is owed.
 */
void sched_touch(unsigned int word, unsigned int end, bool writes);
/* An object of the setup's is about to be freed, which is @word and on. */
void sched_freed(unsigned int word, uint32_t size);
void sched_parts(snapshot_copy *copy);
/* The current thread can go on once @wait is over; it is then. */
void sched_wait(enum wait wait, const void *on, uint64_t deadline_or_gp);
bool sched_gp_over(uint64_t gp);
/* Which of @n values is read; 0, the newest, beyond the bound of older ones. */
unsigned int sched_older_value(unsigned int n);
/* Memory is about to become free: nobody may wait for what lies in it. */
void sched_check_waiters(const void *start, size_t size);
/* The callbacks whose grace period is over, all of them, now. */
void rcu_run_callbacks(void);

/* --- shared.c: what threads share ------------------------------------------------- */

void shared_init(void);
/* These threads (bits) read or write this word. Does that matter to others? */
bool shared_touch(unsigned int word, unsigned int threads, bool writes);
/* Since the last call one was found that did not matter before. */
bool shared_grown(void);

/* --- memory.c: the heap ------------------------------------------------------------ */

/* The explorer's own, which is not a part of an execution's state; zeroes. */
void *memory_map(size_t size);
void memory_init(void);
void memory_parts(snapshot_copy *copy);
void memory_reset(void); /* all is free, nothing is remembered */
/* The setup is done. */
void memory_settled(void);
/*
 * The number of these MEMORY_WORD bytes if they are static, or of the setup: at
 * the same place in each execution. 0: they are not.
 */
#define MEMORY_WORD 4u
#define MEMORY_WORDS (16u << 20)
/* What is the explorer's own, and shared by name. */
enum {
	MEMORY_SECTIONS = MEMORY_WORDS - 1, /* and grace periods */
	MEMORY_FAIL_IN = MEMORY_WORDS - 2,  /* allocations that fail */
	MEMORY_LAST = MEMORY_FAIL_IN - 1,
};
unsigned int memory_word(const void *p);
#define MEMORY_SIZE (4u << 20)
#define MEMORY_OBJECTS 4096
const void *memory_at(uint32_t offset);
/* As "#3+16", or its number. */
void memory_name(const void *p, char *name, size_t size);
/* Stop unless all of it is allocated. */
void memory_check(const void *p, size_t size);
/* And unless its plain stores happened before this atomic operation. */
void memory_atomic(const void *p, size_t size);

/* --- race.c: plain accesses ---------------------------------------------------------- */

enum race { RACE_READ, RACE_WRITE, RACE_ATOMIC };

void race_init(void);
void race_reset(void);                /* after an execution */
void race_begin(unsigned int object); /* it is new */
void race_parts(unsigned int objects, snapshot_copy *copy);
/* The current thread touches this part of the heap, which is of this object; */
void race_access(uint32_t offset, size_t size, unsigned int object,
		 enum race kind);
/* or frees the object: a write of all that was ever touched. */
void race_free(unsigned int object);

/* --- random.c: priorities instead of a search --------------------------------------- */

/* Before an execution of at most @steps. */
void random_begin(unsigned int changes, uint64_t steps);
/* Which of these threads goes on? The first runs now, if @runnable. */
unsigned int random_pick(struct thread *const *can, unsigned int n,
			 bool runnable);

/* --- trace.c: an execution to read --------------------------------------------------- */

extern bool trace_on;

void trace_add(const struct thread *thread, enum op op, const void *on);
void trace_note(const char *fmt, ...) hf_printf_like(1, 2);
void trace_print(FILE *out);

/* --- run.c ------------------------------------------------------------------------------ */

/* Report @message for the current choices and end this process. */
void run_failed(const char *message) __attribute__((noreturn));
/*
 * Search the scenario in a process of its own, after @prepare(@arg) there. The
 * message of its failure, in @message: true.
 */
bool run_fails(const struct explore_scenario *scenario,
	       void (*prepare)(void *arg), void *arg, char *message,
	       size_t size);

/* --- orders.c: is each memory order needed? ------------------------------------------- */

/*
 * Weaken each acquire and release of the sources that @files names (a list
 * with commas), one at a time: a scenario must fail. The exit status.
 */
int orders_run(const struct explore_scenario *const *scenarios,
	       const char *files, unsigned int jobs);

#endif
