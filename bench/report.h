/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store of what was found: shared between bench and the children that run
 * the groups. bench.h has the side that fills it.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

void report_create(void);
/* What is handed in from now on is of this group, and of bench_pass. */
void report_group(const char *name);
/* The group did not come to its end. */
void report_failed(const char *name);
/* What · reach · measured, and its spread · met. False: a group failed. */
bool report_table(void);
/* 0 or -1, with errno set. */
int report_json(const char *file, const char *const *group, unsigned int n);

/* Where plots go; NULL: nowhere. */
extern const char *plot_directory;

#endif
