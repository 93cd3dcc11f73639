/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The choices of an execution, and the depth-first search over them.
 *
 * A choice has options 0 to n - 1, 0 being the usual one ("go on"); where
 * there is only one option nothing is recorded. The search repeats the last
 * execution up to its last choice that has an untried option, takes that, and
 * goes on with 0. So it visits every leaf of the tree once, in a fixed order,
 * and needs no memory but the path.
 *
 * As text: "12.1,15.2" is option 1 at choice 12, 2 at choice 15, else 0; "-"
 * when all are 0.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define MAX_CHOICES (1u << 16)

static struct choice {
	uint8_t taken, options;
} * path;                     /* MAX_CHOICES */
static unsigned int *known;   /* taken[] is fixed below this */
static unsigned int position; /* of the next choice */
static bool replaying;
static uint64_t dice; /* 0: a search */

/* One "12.1" after another; @text is not empty. */
static int parse(const char *text)
{
	unsigned long at, option, next = 0;
	char *end;

	do {
		at = strtoul(text, &end, 10);
		if (end == text || *end != '.' || at < next ||
		    at >= MAX_CHOICES)
			return -EINVAL;
		text = end + 1;
		option = strtoul(text, &end, 10);
		if (end == text || option > UINT8_MAX)
			return -EINVAL;
		for (; next < at; next++)
			path[next].taken = 0;
		path[next++].taken = (uint8_t)option;
		text = end + 1;
	} while (*end == ',');
	*known = (unsigned int)next;
	return *end ? -EINVAL : 0;
}

static void map_once(void)
{
	if (path)
		return;
	path = memory_map(MAX_CHOICES * sizeof(*path));
	known = memory_map(sizeof(*known));
}

int choice_init(const char *text)
{
	map_once();
	*known = 0;
	position = 0;
	replaying = text;
	dice = 0;
	if (!text || (text[0] == '-' && !text[1]))
		return 0;
	return parse(text);
}

void choice_random(uint64_t seed)
{
	map_once();
	*known = position = 0;
	dice = seed * 0x9e3779b97f4a7c15u | 1;
}

/* xorshift64* (G. Marsaglia; S. Vigna). */
unsigned int choice_dice(unsigned int n)
{
	dice ^= dice >> 12;
	dice ^= dice << 25;
	dice ^= dice >> 27;
	return (unsigned int)((dice * 0x2545f4914f6cdd1du >> 32) % n);
}

void choice_made(unsigned int taken, unsigned int options)
{
	if (position == MAX_CHOICES)
		explore_fail("too many choices");
	path[position].options = (uint8_t)options;
	path[position++].taken = (uint8_t)taken;
}

unsigned int choice_take(unsigned int options)
{
	if (position == MAX_CHOICES || options > UINT8_MAX)
		explore_fail("too many choices");
	if (position >= *known && !dice && !replaying)
		snapshot_take(position);
	path[position].options = (uint8_t)options;
	if (position >= *known)
		path[position].taken =
			(uint8_t)(dice ? choice_dice(options) : 0);
	else if (path[position].taken >= options)
		explore_fail("this schedule is of another program: choice %u "
			     "has %u options",
			     position, options);
	return path[position++].taken;
}

void choice_again(void)
{
	*known = position;
	position = 0;
}

unsigned int choice_changed(void)
{
	return *known ? *known - 1 : 0;
}

bool choice_next(void)
{
	if (replaying)
		return false;
	if (dice) {
		position = 0;
		return true;
	}
	while (position) {
		position--;
		if (path[position].taken + 1u < path[position].options) {
			path[position].taken++;
			*known = position + 1;
			position = 0;
			return true;
		}
	}
	return false;
}

void choice_print(char *text, size_t size)
{
	size_t length = 0;
	unsigned int i;

	snprintf(text, size, "-");
	for (i = 0; i < position; i++)
		if (path[i].taken && length < size)
			length += (size_t)snprintf(text + length, size - length,
						   "%s%u.%u", length ? "," : "",
						   i, path[i].taken);
}
