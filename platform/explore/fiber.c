/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Coroutines: ucontext gives each its stack once, and from then on a switch is
 * a setjmp and a longjmp, which need no system call.
 */
#undef _FORTIFY_SOURCE /* its longjmp may not leave a stack */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "internal.h"

#define STACK_SIZE (256u << 10)
#define GUARD_SIZE (64u << 10)

struct fiber {
	jmp_buf at;
	char *sp, *top; /* of the stack, all that is in use when it is left */
	ucontext_t context, creator;
	void (*run)(void *arg);
	void *arg;
};

static struct fiber *starting; /* makecontext() passes no pointers */

/* The frame of a function that the caller calls is below all of the caller's. */
static hf_noinline void mark(struct fiber *self)
{
	self->sp = __builtin_frame_address(0);
}

static void begin(void)
{
	struct fiber *self = starting;

	mark(self);
	if (!_setjmp(self->at))
		swapcontext(&self->context, &self->creator);
	self->run(self->arg);
	abort();
}

static void no_memory(void)
{
	perror("explore: coroutine");
	exit(2);
}

struct fiber *fiber_create(void (*run)(void *arg), void *arg)
{
	struct fiber *fiber = fiber_main();
	char *stack = mmap(NULL, GUARD_SIZE + STACK_SIZE,
			   PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	if (stack == MAP_FAILED || mprotect(stack, GUARD_SIZE, PROT_NONE) ||
	    getcontext(&fiber->context))
		no_memory();
	fiber->run = run;
	fiber->arg = arg;
	fiber->top = stack + GUARD_SIZE + STACK_SIZE;
	fiber->context.uc_stack.ss_sp = stack + GUARD_SIZE;
	fiber->context.uc_stack.ss_size = STACK_SIZE;
	makecontext(&fiber->context, begin, 0);
	starting = fiber;
	swapcontext(&fiber->creator, &fiber->context);
	return fiber;
}

struct fiber *fiber_main(void)
{
	struct fiber *fiber = calloc(1, sizeof(*fiber));

	if (!fiber)
		no_memory();
	return fiber;
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
	mark(from);
	if (!_setjmp(from->at))
		_longjmp(to->at, 1);
}

void fiber_mark(struct fiber *self, void (*save)(void *arg), void *arg)
{
	mark(self);
	if (!_setjmp(self->at))
		save(arg);
}

void fiber_parts(struct fiber *fiber, snapshot_copy *copy)
{
	copy(fiber->at, sizeof(fiber->at));
	copy(&fiber->sp, sizeof(fiber->sp));
	copy(fiber->sp, (size_t)(fiber->top - fiber->sp));
}
