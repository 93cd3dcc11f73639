/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest's access costs by where the register is: of 30, the first, the
 * middle and the last one; and by what it is. Each device has 30 registers of
 * one kind, four bytes of nothing after each. The host is an array.
 *
 * The floor is what an access cannot do without: a read-side section, an
 * indirect call and an atomic load.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/atomic.h>
#include <holdfast/iommu.h>
#include <holdfast/platform.h>
#include <holdfast/vpci.h>

#include "bench.h"

enum { SEGMENT = 101, REGISTERS = 30, FIRST = 0x400, STEP = 8, BATCH = 64 };

static const unsigned int where[] = { 0, REGISTERS / 2, REGISTERS - 1 };
#define PLACES ARRAY_SIZE(where)

/* A kind is also the device number. */
enum kind { EMULATED, HOOKED, HARDWARE, KINDS };

/* One row of the table. */
static const struct row {
	const char *name;
	enum kind kind;
	unsigned int offset; /* from the register */
	bool write;
} rows[] = {
	{ "no register, read", EMULATED, 4, false },
	{ "emulated, read", EMULATED, 0, false },
	{ "with a hook, read", HOOKED, 0, false },
	{ "hardware, read", HARDWARE, 0, false },
	{ "emulated, write", EMULATED, 0, true },
	{ "with a hook, write", HOOKED, 0, true },
	{ "hardware, write", HARDWARE, 0, true },
};

struct guest {
	struct domain *domain;
	struct vpci_vcpu vcpu;
	pci_sbdf_t at[KINDS];
	/* What is run now. */
	pci_sbdf_t sbdf;
	uint16_t reg;
};

/* --- the host and the registers ------------------------------------------------ */

static uint8_t space[4096];

static int array_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t *val)
{
	(void)host;
	(void)sbdf;
	*val = 0;
	memcpy(val, space + reg, size);
	return 0;
}

static int array_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		       uint8_t size, uint32_t val)
{
	(void)host;
	(void)sbdf;
	memcpy(space + reg, &val, size);
	return 0;
}

static const struct pci_host_ops array_ops = { .read = array_read,
					       .write = array_write };
static struct pci_host array = { .ops = &array_ops, .name = "bench" };

static uint32_t hook_read(struct vpci *view, uint16_t reg, uint32_t val,
			  void *data)
{
	(void)view;
	(void)reg;
	(void)data;
	return val;
}

static void hook_write(struct vpci *view, uint16_t reg, uint32_t val,
		       uint32_t mask, void *data)
{
	(void)mask;
	(void)data;
	vpci_set(view, reg, 4, val);
}

int bench_vpci_extend(struct vpci *view, struct pci_dev *pdev, struct domain *d)
{
	pci_sbdf_t sbdf = pcidev_sbdf(pdev);
	bool hooked = PCI_DEV(sbdf) == HOOKED;
	struct vpci_masks masks = { .rw = UINT32_MAX };
	unsigned int i;
	int err = 0;

	(void)d;
	if (sbdf.seg != SEGMENT)
		return 0;
	if (PCI_DEV(sbdf) == HARDWARE)
		masks.hw = UINT32_MAX;
	for (i = 0; i < REGISTERS && !err; i++)
		err = vpci_add_register(view, (uint16_t)(FIRST + i * STEP), 4,
					&masks, hooked ? hook_read : NULL,
					hooked ? hook_write : NULL, NULL);
	return err;
}

/* --- what is measured ------------------------------------------------------------- */

static unsigned int guest_reads(void *data, uint32_t *seed)
{
	const struct guest *g = data;
	uint64_t val, sum = 0;
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		if (vpci_read(g->domain, g->sbdf, g->reg, 4, &val))
			abort();
		sum += val;
	}
	*seed += (uint32_t)sum;
	return BATCH;
}

static unsigned int guest_writes(void *data, uint32_t *seed)
{
	struct guest *g = data;
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		if (vpci_write(&g->vcpu, g->sbdf, g->reg, 4, ++*seed))
			abort();
	return BATCH;
}

static hf_atomic(uint32_t) loaded;

static uint32_t load(void)
{
	return hf_load_acquire(&loaded);
}

static uint32_t (*volatile indirect)(void) = load;

static unsigned int floor_work(void *data, uint32_t *seed)
{
	unsigned int i;

	(void)data;
	for (i = 0; i < BATCH; i++) {
		plat_rcu_read_lock();
		*seed += indirect();
		plat_rcu_read_unlock();
	}
	return BATCH;
}

/* --- the table ----------------------------------------------------------------------- */

static double run(struct guest *g, const struct row *row, unsigned int place,
		  unsigned int threads)
{
	g->sbdf = g->at[row->kind];
	g->reg = (uint16_t)(FIRST + where[place] * STEP + row->offset);
	return bench_run(threads, row->write ? guest_writes : guest_reads, g);
}

static void show_row(struct guest *g, const struct row *row)
{
	double sample[PLACES][BENCH_ROUNDS], floor[BENCH_ROUNDS];
	struct bench_result place[PLACES], base;
	unsigned int i, k;

	for (i = 0; i < BENCH_ROUNDS; i++) {
		for (k = 0; k < PLACES; k++)
			sample[k][i] = run(g, row, k, 1);
		floor[i] = bench_run(1, floor_work, NULL);
	}
	for (k = 0; k < PLACES; k++)
		place[k] = bench_result(sample[k]);
	base = bench_result(floor);
	printf("%-19s %7.1f (%.1f-%.1f) %8.2f %7.2f %11.1f %9.1f\n", row->name,
	       place[0].median, place[0].low, place[0].high,
	       place[1].median / place[0].median,
	       place[2].median / place[0].median, base.median,
	       place[0].median / base.median);
}

/* Two guests' threads that read the same device lose nothing by each other. */
static void show_threads(struct guest *g, const struct row *row)
{
	double one[BENCH_ROUNDS], two[BENCH_ROUNDS];
	unsigned int i;

	for (i = 0; i < BENCH_ROUNDS; i++) {
		one[i] = run(g, row, 0, 1);
		two[i] = run(g, row, 0, 2);
	}
	printf("%s by two threads against one: %.2f times as many\n\n",
	       row->name,
	       2 * bench_result(one).median / bench_result(two).median);
}

static void guest_create(struct guest *g)
{
	struct pci_dev_desc desc = { .type = PCI_TYPE_ENDPOINT,
				     .cfg_size = 4096 };
	uint8_t i;

	if (pci_segment_add(SEGMENT, &array) ||
	    domain_create(0, "vpci", NULL, NULL, &g->domain))
		abort();
	vpci_vcpu_init(&g->vcpu, g->domain);
	for (i = 0; i < KINDS; i++) {
		desc.sbdf = desc.parent = pci_sbdf(SEGMENT, 0, i, 0);
		g->at[i] = pci_sbdf_from(UINT32_MAX);
		if (pci_register_device(&desc, NULL) ||
		    pci_assign_device(g->domain, desc.sbdf, 0, &g->at[i], NULL))
			abort();
	}
}

void bench_vpci(void)
{
	struct guest g;
	unsigned int i;

	guest_create(&g);
	printf("a guest's access of 4 bytes to one of %d registers, ns; the "
	       "others against the first\n"
	       "register and access   first             middle    last       "
	       "floor   to floor\n",
	       REGISTERS);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		show_row(&g, &rows[i]);
	show_threads(&g, &rows[1]);
}
