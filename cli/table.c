// SPDX-License-Identifier: BSD-2-Clause
/*
 * Tables. All cells are kept until the table is printed, because the widest
 * one decides a column's width. Where the sum is too wide the widest column
 * that may be cut gives way, one character at a time; where even that is not
 * enough, every line is cut at the edge.
 */
#include <langinfo.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "table.h"

#define MAX_COLUMNS 16
#define GAP 2

struct cell {
	char *text;
	enum colour colour;
};

struct table {
	const struct table_column *column;
	unsigned int columns;
	size_t cells, room;
	struct cell *cell;
};

struct table *table_new(const struct table_column *column, unsigned int count)
{
	struct table *table = need(calloc(1, sizeof(*table)));

	table->column = column;
	table->columns = count < MAX_COLUMNS ? count : MAX_COLUMNS;
	return table;
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->cells; i++)
		free(table->cell[i].text);
	free(table->cell);
	free(table);
}

void table_cell(struct table *table, enum colour colour, const char *fmt, ...)
{
	struct cell *cell;
	va_list args;

	if (table->cells == table->room) {
		table->room = table->room ? 2 * table->room : 64;
		table->cell =
			need(realloc(table->cell, table->room * sizeof(*cell)));
	}
	cell = &table->cell[table->cells++];
	cell->colour = colour;
	va_start(args, fmt);
	if (vasprintf(&cell->text, fmt, args) < 0)
		need(NULL);
	va_end(args);
}

static bool starts_character(char c)
{
	return (c & 0xc0) != 0x80;
}

size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += starts_character(*text);
	return width;
}

static const char *cut_mark(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") ? "~" : "…";
}

size_t text_print(FILE *out, const char *text, size_t width)
{
	size_t whole = text_width(text), done = 0;
	const char *p = text;

	if (whole <= width) {
		fputs(text, out);
		return whole;
	}
	if (!width)
		return 0;
	for (; *p; p++) {
		done += starts_character(*p);
		if (done == width)
			break;
	}
	fwrite(text, 1, (size_t)(p - text), out);
	fputs(cut_mark(), out);
	return width;
}

const char *colour_code(enum colour colour, bool colours)
{
	static const char *const code[] = {
		[PLAIN] = "\033[0m",  [BOLD] = "\033[1m",
		[DIM] = "\033[2m",    [RED] = "\033[31m",
		[GREEN] = "\033[32m", [YELLOW] = "\033[33m",
	};

	return colours ? code[colour] : "";
}

static void measure(const struct table *table, size_t *width)
{
	for (unsigned int c = 0; c < table->columns; c++)
		width[c] = text_width(table->column[c].title);
	for (size_t i = 0; i < table->cells; i++) {
		size_t w = text_width(table->cell[i].text);
		size_t *widest = &width[i % table->columns];

		if (w > *widest)
			*widest = w;
	}
}

static size_t sum(const struct table *table, const size_t *width)
{
	size_t total = GAP * (table->columns - 1);

	for (unsigned int c = 0; c < table->columns; c++)
		total += width[c];
	return total;
}

static void fit(const struct table *table, size_t *width, size_t limit)
{
	while (sum(table, width) > limit) {
		int widest = -1;

		for (unsigned int c = 0; c < table->columns; c++) {
			if (!table->column[c].least ||
			    width[c] <= table->column[c].least)
				continue;
			if (widest < 0 || width[c] >= width[widest])
				widest = (int)c;
		}
		if (widest < 0)
			return;
		width[widest]--;
	}
}

/* What is left of a line that must not wrap. */
struct line {
	FILE *out;
	size_t left;
	bool colours;
};

static void pad(struct line *line, size_t count)
{
	for (; count && line->left; count--, line->left--)
		fputc(' ', line->out);
}

static void print_cell(struct line *line, const char *text, size_t width,
		       bool right, enum colour colour)
{
	size_t want = text_width(text);

	if (want > width)
		want = width;
	if (right)
		pad(line, width - want);
	if (want > line->left)
		want = line->left;
	if (colour != PLAIN)
		fputs(colour_code(colour, line->colours), line->out);
	line->left -= text_print(line->out, text, want);
	if (colour != PLAIN)
		fputs(colour_code(PLAIN, line->colours), line->out);
}

static void print_row(const struct table *table, const struct cell *row,
		      const size_t *width, struct line line)
{
	unsigned int last = table->columns - 1;

	for (unsigned int c = 0; c <= last; c++) {
		const struct table_column *column = &table->column[c];
		const char *text = row ? row[c].text : column->title;
		size_t used = text_width(text);

		print_cell(&line, text, width[c], column->right,
			   row ? row[c].colour : BOLD);
		if (c == last)
			break;
		if (!column->right && used < width[c])
			pad(&line, width[c] - used);
		pad(&line, GAP);
	}
	fputc('\n', line.out);
}

void table_print(const struct table *table, FILE *out, unsigned int width,
		 bool colours)
{
	struct line line = { out, width ? width : SIZE_MAX, colours };
	size_t wide[MAX_COLUMNS];

	measure(table, wide);
	if (width)
		fit(table, wide, width);
	print_row(table, NULL, wide, line);
	for (size_t i = 0; i + table->columns <= table->cells;
	     i += table->columns)
		print_row(table, &table->cell[i], wide, line);
}
