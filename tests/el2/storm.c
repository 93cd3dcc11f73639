/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * storm SEED COUNT: so many accesses at random to all of configuration space,
 * through /dev/mem. Sizes are random, and addresses, aligned or not; a part is by
 * instructions that cannot be emulated, and writes, which go to absent functions
 * only. What must come of each is known: a value, all-ones, or an abort.
 *
 * For Linux in the hardware domain, as root, and several at a time.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define ECAM 0x4010000000l
#define ECAM_SIZE 0x10000000u
#define USED_BUSES 4u /* what lies above is absent */
#define BUS_SHIFT 20

static sigjmp_buf aborted;
static volatile char *ecam;
static unsigned int seed, bad;

static void abort_came(int signal)
{
	(void)signal;
	siglongjmp(aborted, 1);
}

static unsigned int any(unsigned int below)
{
	return (unsigned int)rand_r(&seed) % below;
}

static uint64_t load(volatile char *at, unsigned int size)
{
	uint64_t val = 0;

	if (size == 1)
		__asm__ volatile("ldrb %w0, [%1]" : "=r"(val) : "r"(at));
	else if (size == 2)
		__asm__ volatile("ldrh %w0, [%1]" : "=r"(val) : "r"(at));
	else if (size == 4)
		__asm__ volatile("ldr %w0, [%1]" : "=r"(val) : "r"(at));
	else
		__asm__ volatile("ldr %0, [%1]" : "=r"(val) : "r"(at));
	return val;
}

static void store(volatile char *at, unsigned int size)
{
	uint64_t val = 0x5a5a5a5a5a5a5a5a;

	if (size == 1)
		__asm__ volatile("strb %w0, [%1]" : : "r"(val), "r"(at));
	else if (size == 2)
		__asm__ volatile("strh %w0, [%1]" : : "r"(val), "r"(at));
	else if (size == 4)
		__asm__ volatile("str %w0, [%1]" : : "r"(val), "r"(at));
	else
		__asm__ volatile("str %0, [%1]" : : "r"(val), "r"(at));
}

static void cannot_be_emulated(volatile char *at)
{
	switch (any(3)) {
	case 0:
		__asm__ volatile("ldp x0, x1, [%0]" : : "r"(at) : "x0", "x1");
		break;
	case 1:
		__asm__ volatile("ldr x0, [%0], #8" : "+r"(at) : : "x0");
		break;
	default:
		__asm__ volatile("ldr q0, [%0]" : : "r"(at) : "v0");
	}
}

static void wrong(const char *what, unsigned int offset, unsigned int size)
{
	bad++;
	printf("story: %s at %#x, %u bytes\n", what, offset, size);
}

/* One access; @aligned, @odd: to be said by the caller, as it may not return. */
static void one(unsigned int offset, unsigned int size, bool odd, bool write)
{
	bool absent = offset >> BUS_SHIFT >= USED_BUSES;
	bool aligned = !(offset % size);
	uint64_t val, ones = UINT64_MAX >> (64 - 8 * size);

	if (sigsetjmp(aborted, 1)) {
		if (aligned && !odd)
			wrong("an abort", offset, size);
		return;
	}
	if (odd) {
		cannot_be_emulated(ecam + offset);
	} else if (write && absent) {
		store(ecam + offset, size);
	} else {
		val = load(ecam + offset, size);
		if (aligned && absent && val != ones)
			wrong("not all-ones", offset, size);
	}
	if (odd || !aligned)
		wrong("no abort", offset, size);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = abort_came };
	unsigned int count, i, offset, size;
	int mem = open("/dev/mem", O_RDWR | O_SYNC);

	if (argc != 3 || mem < 0)
		return 2;
	seed = (unsigned int)atoi(argv[1]);
	count = (unsigned int)atoi(argv[2]);
	ecam = mmap(NULL, ECAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, mem,
		    ECAM);
	if (ecam == MAP_FAILED) {
		perror("storm: /dev/mem");
		return 1;
	}
	sigaction(SIGBUS, &action, NULL);
	for (i = 0; i < count; i++) {
		size = 1u << any(4);
		offset = any(ECAM_SIZE - 16);
		if (any(2))
			offset %= USED_BUSES << BUS_SHIFT;
		if (any(8))
			offset &= ~(size - 1);
		one(offset, size, !any(8), any(2));
	}
	printf("story: storm %s: %u accesses, %u wrong\n", argv[1], count, bad);
	return bad != 0;
}
