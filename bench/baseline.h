/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lookup is compared with: one list of devices, walked under one global
 * mutex, the reference taken under it. Entries are a cache line each, which is
 * kinder to the walk than real device objects are.
 */
#ifndef BENCH_BASELINE_H
#define BENCH_BASELINE_H

#include <stdint.h>

struct baseline;
struct baseline_dev;

/* Devices named 0 … @count - 1. */
struct baseline *baseline_create(uint32_t count);
void baseline_destroy(struct baseline *base);
struct baseline_dev *baseline_get(struct baseline *base, uint32_t name);
void baseline_put(struct baseline *base, struct baseline_dev *dev);

#endif
