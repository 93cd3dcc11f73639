/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests share: memory, and the core's ear for faults. */
#ifndef TESTS_SMMUV3_LAB_H
#define TESTS_SMMUV3_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <holdfast/errno.h>
#include <holdfast/iommu.h>

#include "el2.h"
#include "smmuv3.h"
#include "unit.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Faults that the core heard of: the last, and how many; and its work. */
extern struct iommu_fault fault;
extern unsigned int faults, works;
extern bool fault_gives_work;

void lab_pool(void); /* once */
size_t lab_used(void);
/* Take all memory but @pages, and blocks of LAB_SMALL; and give it back. */
#define LAB_SMALL 128
void lab_take(unsigned int pages, unsigned int small);
void lab_give(void);

#endif
