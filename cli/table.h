/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables for people: columns as wide as needed, made narrower until a row
 * fits the terminal. A row never wraps.
 */
#ifndef HOLDFAST_CLI_TABLE_H
#define HOLDFAST_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum colour { PLAIN, BOLD, DIM, RED, GREEN, YELLOW };

struct table_column {
	const char *title;
	bool right;         /* numbers */
	unsigned int least; /* may be cut down to this; 0: never */
};

struct table;

/* The columns (at most 16) must stay valid. Freed with table_free(). */
struct table *table_new(const struct table_column *column, unsigned int count);
void table_free(struct table *table);

/* The next cell, row by row from the left. */
void table_cell(struct table *table, enum colour colour, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* @width: columns of the terminal, 0: no limit. */
void table_print(const struct table *table, FILE *out, unsigned int width,
		 bool colours);

/* How many columns UTF-8 text takes: one for each code point. */
size_t text_width(const char *text);

/*
 * Print @text in at most @width columns; what was cut is shown by one
 * character at the end. Returns the columns used.
 */
size_t text_print(FILE *out, const char *text, size_t width);

/* The escape sequence, or "" where there are no colours. */
const char *colour_code(enum colour colour, bool colours);

#endif
