/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reach FILE OFFSET HOW…: map the page of FILE (/dev/mem, a device's resource0)
 * that has OFFSET, and reach for it, in each of the ways that the hypervisor
 * has to do with. Says of each "FILE OFFSET HOW: " and the value, or "abort".
 *
 * For Linux in the hardware domain, as root.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul

static sigjmp_buf aborted;

static void abort_came(int signal)
{
	(void)signal;
	siglongjmp(aborted, 1);
}

#define LOAD(name, insn, reg)                            \
	static uint64_t name(volatile char *at)          \
	{                                                \
		uint64_t val = 0;                        \
		__asm__ volatile(insn " %" reg "0, [%1]" \
				 : "=r"(val)             \
				 : "r"(at)               \
				 : "memory");            \
		return val;                              \
	}
LOAD(load1, "ldrb", "w")
LOAD(load1_signed, "ldrsb", "x")
LOAD(load2, "ldrh", "w")
LOAD(load4, "ldr", "w")
LOAD(load8, "ldr", "x")
LOAD(exclusive, "ldxr", "w")

static uint64_t store4(volatile char *at)
{
	*(volatile uint32_t *)at = 0;
	return 0;
}

/* What follows has no syndrome that an access could be emulated by. */
static uint64_t pair(volatile char *at)
{
	uint64_t a, b;

	__asm__ volatile("ldp %0, %1, [%2]"
			 : "=&r"(a), "=&r"(b)
			 : "r"(at)
			 : "memory");
	return a ^ b;
}

static uint64_t writeback(volatile char *at)
{
	uint64_t val;

	__asm__ volatile("ldr %0, [%1], #8"
			 : "=&r"(val), "+r"(at)
			 :
			 : "memory");
	return val;
}

static uint64_t vector(volatile char *at)
{
	__asm__ volatile("ldr q0, [%0]" : : "r"(at) : "v0", "memory");
	return 0;
}

static uint64_t atomic(volatile char *at)
{
	uint32_t val;

	__asm__ volatile(".arch_extension lse\n\tldadd wzr, %w0, [%1]"
			 : "=r"(val)
			 : "r"(at)
			 : "memory");
	return val;
}

static const struct {
	const char *name;
	uint64_t (*access)(volatile char *at);
} way[] = {
	{ "load1", load1 },   { "load1-signed", load1_signed },
	{ "load2", load2 },   { "load4", load4 },
	{ "load8", load8 },   { "store4", store4 },
	{ "pair", pair },     { "writeback", writeback },
	{ "vector", vector }, { "exclusive", exclusive },
	{ "atomic", atomic },
};

static void reach(const char *file, const char *offset, const char *how,
		  volatile char *at)
{
	unsigned int i;

	for (i = 0; i < sizeof(way) / sizeof(*way); i++)
		if (!strcmp(way[i].name, how))
			break;
	if (i == sizeof(way) / sizeof(*way)) {
		fprintf(stderr, "reach: how is %s?\n", how);
		exit(2);
	}
	printf("%s %s %s: ", file, offset, how);
	if (sigsetjmp(aborted, 1))
		printf("abort\n");
	else
		printf("%llx\n", (unsigned long long)way[i].access(at));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned long offset;
	char *page;
	int fd, i;

	if (argc < 4) {
		fprintf(stderr, "usage: reach FILE OFFSET HOW…\n");
		return 2;
	}
	offset = strtoul(argv[2], NULL, 0);
	fd = open(argv[1], O_RDWR | O_SYNC);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	/* What crosses into the next page needs that one, too. */
	page = mmap(NULL, offset % PAGE > PAGE - 16 ? 2 * PAGE : PAGE,
		    PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    (off_t)(offset & ~(PAGE - 1)));
	if (page == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	signal(SIGBUS, abort_came);
	signal(SIGSEGV, abort_came);
	for (i = 3; i < argc; i++)
		reach(argv[1], argv[2], argv[i], page + offset % PAGE);
	return 0;
}
