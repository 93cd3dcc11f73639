/* SPDX-License-Identifier: BSD-2-Clause */
/* See serial.h. */
#include "serial.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#include <sanitizer/common_interface_defs.h>

#include <holdfast/list.h>

#include "fuzz.h"

#define STACK (512u << 10)
#define TICK 1000ull /* nanoseconds that a look at the clock takes */

struct serial_task {
	struct list_head entry; /* of tasks, the one that runs first waits last */
	ucontext_t context;
	void *stack, *fake; /* of AddressSanitizer */
	size_t size;
	void (*run)(void *arg);
	void *run_arg;
	bool (*ready)(void *arg);
	void *ready_arg;
	uint64_t deadline;
	bool over;
};

unsigned int (*serial_choose)(unsigned int n);
unsigned int serial_fail_alloc;

static struct list_head tasks = { &tasks, &tasks };
static struct serial_task first, *now = &first, *before;
static uint64_t clock_now;
static bool started;

/* --- grace periods -------------------------------------------------------------- */

/* What is called back after one, the first come first: by liburcu's own link. */
static struct cds_wfcq_node *queue, **queue_end = &queue;
static plat_gp_t gp_asked, gp_over;
static bool calling;

static bool may_sleep(void)
{
	return !plat_held()->sections && !plat_held()->count;
}

void serial_callbacks(void)
{
	if (calling || !may_sleep())
		return;
	calling = true;
	while (queue) {
		struct plat_rcu_head *head =
			container_of(queue, struct plat_rcu_head, urcu.next);

		queue = queue->next;
		if (!queue)
			queue_end = &queue;
		head->fn(head);
	}
	calling = false;
}

void __wrap_plat_rcu_call(struct plat_rcu_head *head,
			  void (*fn)(struct plat_rcu_head *head));
void __wrap_plat_rcu_call(struct plat_rcu_head *head,
			  void (*fn)(struct plat_rcu_head *head))
{
	head->fn = fn;
	head->urcu.next.next = NULL;
	*queue_end = &head->urcu.next;
	queue_end = &head->urcu.next.next;
}

void __wrap_plat_rcu_barrier(void);
void __wrap_plat_rcu_barrier(void)
{
	FUZZ_ASSERT(may_sleep());
	serial_callbacks();
}

void __wrap_plat_rcu_synchronize(void);
void __wrap_plat_rcu_synchronize(void)
{
	FUZZ_ASSERT(may_sleep());
	serial_settle();
	gp_over = gp_asked;
	serial_callbacks();
}

plat_gp_t __wrap_plat_gp_start(void);
plat_gp_t __wrap_plat_gp_start(void)
{
	return ++gp_asked;
}

bool __wrap_plat_gp_done(plat_gp_t gp);
bool __wrap_plat_gp_done(plat_gp_t gp)
{
	if (gp_over >= gp)
		return true;
	if (may_sleep()) {
		gp_over = gp;
		serial_callbacks();
	}
	return false;
}

/* --- memory ---------------------------------------------------------------------- */

void *__wrap_plat_zalloc(size_t size);
void *__real_plat_zalloc(size_t size);
void *__wrap_plat_zalloc(size_t size)
{
	if (serial_fail_alloc && !--serial_fail_alloc)
		return NULL;
	return __real_plat_zalloc(size);
}

/* --- tasks ------------------------------------------------------------------------ */

static void arrive(void)
{
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(now->fake, &bottom, &size);
	if (before == &first && !first.stack) {
		first.stack = (void *)bottom;
		first.size = size;
	}
}

static void go_to(struct serial_task *next)
{
	before = now;
	now = next;
	__sanitizer_start_switch_fiber(before->over ? NULL : &before->fake,
				       next->stack, next->size);
	swapcontext(&before->context, &next->context);
	arrive();
}

static bool can_go_on(const struct serial_task *task)
{
	return !task->over &&
	       (task->ready(task->ready_arg) || clock_now >= task->deadline);
}

/* Of those that can, the @n-th, or the one that waits longest; NULL: none. */
static struct serial_task *find(unsigned int n)
{
	struct serial_task *task, *longest = NULL;

	list_for_each(task, &tasks, struct serial_task, entry) {
		if (!can_go_on(task))
			continue;
		if (!longest)
			longest = task;
		if (!n--)
			return task;
	}
	return longest;
}

static unsigned int count_of(void)
{
	struct serial_task *task;
	unsigned int n = 0;

	list_for_each(task, &tasks, struct serial_task, entry)
		n += can_go_on(task);
	return n;
}

/* To the first deadline; false: there is none. */
static bool clock_goes_on(void)
{
	struct serial_task *task;
	uint64_t next = PLAT_FOREVER;

	list_for_each(task, &tasks, struct serial_task, entry)
		if (!task->over && task->deadline < next)
			next = task->deadline;
	if (next == PLAT_FOREVER)
		return false;
	if (next > clock_now)
		clock_now = next;
	return true;
}

static struct serial_task *choose(void)
{
	unsigned int n = serial_choose ? count_of() : 0;

	return find(n > 1 ? serial_choose(n) : 0);
}

static void next_task(void)
{
	struct serial_task *next;

	while (!(next = choose())) {
		bool any = clock_goes_on();

		if (!any)
			fprintf(stderr, "everybody waits for ever\n");
		FUZZ_ASSERT(any);
	}
	list_del(&next->entry);
	list_add_tail(&next->entry, &tasks);
	if (next != now)
		go_to(next);
}

bool serial_wait(bool (*ready)(void *arg), void *arg, uint64_t deadline)
{
	FUZZ_ASSERT(may_sleep());
	now->ready = ready;
	now->ready_arg = arg;
	now->deadline = deadline;
	serial_callbacks();
	next_task();
	return ready(arg);
}

static bool always(void *unused)
{
	(void)unused;
	return true;
}

void serial_settle(void)
{
	unsigned int (*choice)(unsigned int) = serial_choose;
	unsigned int turns;

	now->ready = always;
	now->ready_arg = NULL;
	now->deadline = PLAT_FOREVER;
	if (count_of() == 1)
		return;
	/* The longest wait first, ourselves last; but not for ever. */
	serial_choose = NULL;
	for (turns = 0; turns < 4 && count_of() > 1; turns++)
		next_task();
	serial_choose = choice;
}

void serial_begin(void)
{
	clock_now = 1000 * PLAT_NSEC_PER_SEC;
	serial_fail_alloc = 0;
}

void serial_pass(uint64_t nanoseconds)
{
	clock_now += nanoseconds;
}

static void begin(void)
{
	arrive();
	now->run(now->run_arg);
	FUZZ_ASSERT(may_sleep());
	now->over = true;
	next_task();
}

struct serial_task *serial_spawn(void (*run)(void *arg), void *arg)
{
	struct serial_task *task = calloc(1, sizeof(*task));

	FUZZ_ASSERT(task && !getcontext(&task->context));
	task->size = STACK;
	task->stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FUZZ_ASSERT(task->stack != MAP_FAILED);
	task->context.uc_stack.ss_sp = task->stack;
	task->context.uc_stack.ss_size = STACK;
	makecontext(&task->context, begin, 0);
	task->run = run;
	task->run_arg = arg;
	task->ready = always;
	task->deadline = PLAT_FOREVER;
	list_add_tail(&task->entry, &tasks);
	return task;
}

bool serial_is_over(const struct serial_task *task)
{
	return task->over;
}

static bool is_over(void *task)
{
	return serial_is_over(task);
}

void serial_join(struct serial_task *task)
{
	serial_wait(is_over, task, PLAT_FOREVER);
	list_del(&task->entry);
	munmap(task->stack, STACK);
	free(task);
}

void serial_start(void)
{
	plat_rcu_read_lock(); /* the platform's own thread, while it is one */
	plat_rcu_read_unlock();
	list_add_tail(&first.entry, &tasks);
	started = true;
}

bool serial_started(void)
{
	return started;
}

/* --- the clock, and waiting ------------------------------------------------------- */

uint64_t __wrap_plat_now(void);
uint64_t __wrap_plat_now(void)
{
	return clock_now += TICK;
}

static bool event_is_set(void *event)
{
	return ((plat_event_t *)event)->set;
}

bool __wrap_plat_event_wait(plat_event_t *event, uint64_t deadline);
bool __wrap_plat_event_wait(plat_event_t *event, uint64_t deadline)
{
	return serial_wait(event_is_set, event, deadline);
}

static bool never(void *unused)
{
	(void)unused;
	return false;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	serial_wait(never, NULL,
		    clock_now + (uint64_t)time->tv_sec * PLAT_NSEC_PER_SEC +
			    (uint64_t)time->tv_nsec);
	return 0;
}

/* Hardware that is slow is waited for like this, under locks, too. */
int __wrap_sched_yield(void);
int __wrap_sched_yield(void)
{
	serial_pass(100 * TICK);
	return 0;
}

static bool is_free(void *lock)
{
	if (pthread_mutex_trylock(lock))
		return false;
	pthread_mutex_unlock(lock);
	return true;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *lock);
int __real_pthread_mutex_lock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_lock(pthread_mutex_t *lock)
{
	if (!started)
		return __real_pthread_mutex_lock(lock);
	while (pthread_mutex_trylock(lock))
		serial_wait(is_free, lock, PLAT_FOREVER);
	return 0;
}
