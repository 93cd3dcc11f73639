/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma SBDF ADDRESS [TIMES]: have the NVMe controller there, which no driver has,
 * write a page to a physical address (NVM Express 1.4: Identify, §5.15), with
 * queues in memory of its own. "ram" stands for a page of its own. Says whether
 * the controller answered, the last time; and not whether anything was written:
 * QEMU's tells of no error when that was refused.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096
#define ENTRIES 8 /* of either queue */
#define PATIENCE 2000000

/* Registers (§3.1). */
#define CC 0x14
#define CC_EN (1u << 0)
#define CC_ENTRY_SIZES (4u << 20 | 6u << 16)
#define CSTS 0x1c
#define CSTS_RDY (1u << 0)
#define CSTS_CFS (1u << 1)
#define AQA 0x24
#define ASQ 0x28
#define ACQ 0x30
#define SQ0TDBL 0x1000
#define CQ0HDBL 0x1004

#define IDENTIFY 0x06
#define IDENTIFY_CONTROLLER 1

static volatile char *registers;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint32_t get(unsigned int reg)
{
	return *(volatile uint32_t *)(registers + reg);
}

static void put(unsigned int reg, uint32_t val)
{
	*(volatile uint32_t *)(registers + reg) = val;
}

static void put64(unsigned int reg, uint64_t val)
{
	put(reg, (uint32_t)val);
	put(reg + 4, (uint32_t)(val >> 32));
}

static int open_file(const char *sbdf, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", sbdf, name);
	fd = open(path, O_RDWR | O_SYNC);
	if (fd < 0)
		die(path);
	return fd;
}

/* Memory and bus mastering on, in Command. */
static void switch_on(const char *sbdf)
{
	int fd = open_file(sbdf, "config");
	uint16_t command;

	if (pread(fd, &command, 2, 4) != 2)
		die("config");
	command |= 1 << 1 | 1 << 2;
	if (pwrite(fd, &command, 2, 4) != 2)
		die("config");
	close(fd);
}

/* A page that stays, and where it is. */
static void *page(uint64_t *physical)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE,
		       -1, 0);
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry;

	if (p == MAP_FAILED || fd < 0)
		die("memory");
	memset(p, 0, PAGE);
	if (pread(fd, &entry, 8, (off_t)((uintptr_t)p / PAGE * 8)) != 8)
		die("pagemap");
	close(fd);
	*physical = (entry & ((UINT64_C(1) << 55) - 1)) * PAGE;
	return p;
}

static bool await(unsigned int mask, unsigned int val)
{
	unsigned int tries = PATIENCE;

	while ((get(CSTS) & mask) != val && --tries)
		;
	return tries;
}

static void restart(uint64_t sq, uint64_t cq)
{
	put(CC, 0);
	if (!await(CSTS_RDY, 0))
		exit(puts("does not stop"));
	put(AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	put64(ASQ, sq);
	put64(ACQ, cq);
	put(CC, CC_ENTRY_SIZES | CC_EN);
	if (!await(CSTS_RDY, CSTS_RDY))
		exit(puts("does not start"));
}

/* The @n-th command; its status, or -1: none came. */
static int identify(volatile uint64_t (*sq)[8], volatile uint32_t (*cq)[4],
		    unsigned int n, uint64_t to)
{
	unsigned int at = n % ENTRIES, tries = PATIENCE;
	uint32_t phase = n / ENTRIES % 2 ? 0 : 1;

	sq[at][0] = IDENTIFY | (uint64_t)n << 16;
	sq[at][3] = to;
	sq[at][5] = IDENTIFY_CONTROLLER;
	__sync_synchronize();
	put(SQ0TDBL, (at + 1) % ENTRIES);
	while ((cq[at][3] >> 16 & 1) != phase && --tries)
		if (!(tries % 1000) && get(CSTS) & CSTS_CFS)
			return -1;
	put(CQ0HDBL, (at + 1) % ENTRIES);
	return tries ? (int)(cq[at][3] >> 17) : -1;
}

int main(int argc, char **argv)
{
	uint64_t sq, cq, ram, to;
	void *sq_page = page(&sq), *cq_page = page(&cq);
	char *data = page(&ram);
	unsigned int i, times;
	int status = -1;

	if (argc < 3)
		return 2;
	times = argc > 3 ? (unsigned int)atoi(argv[3]) : 1;
	to = strcmp(argv[2], "ram") ? strtoull(argv[2], NULL, 0) : ram;
	registers = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 open_file(argv[1], "resource0"), 0);
	if (registers == MAP_FAILED)
		die("resource0");
	switch_on(argv[1]);
	restart(sq, cq);
	for (i = 0; i < times; i++)
		status = identify(sq_page, cq_page, i, to);
	put(CC, 0);
	if (status < 0)
		printf("no answer\n");
	else
		printf("status %x%s%.8s\n", status & 0x7ff,
		       to == ram ? ", serial " : "", to == ram ? data + 4 : "");
	return 0;
}
