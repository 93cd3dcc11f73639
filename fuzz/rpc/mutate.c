/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes changed at random are seldom a request. So half of the time a line is
 * put in, taken out or doubled: requests of the daemon's own table of methods,
 * with parameters that they have, of values that mean something there, or not.
 */
#include <stdio.h>
#include <string.h>

#include "around.h"
#include "call.h"
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned int seed);

static uint32_t state;

static unsigned int below(unsigned int n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 16) % n;
}

#define PICK(array) ((array)[below(ARRAY_SIZE(array))])

static const char *const address[] = {
	"\"0000:01:00.0\"", "\"02:00.0\"",      "\"02:00.1\"", "\"03:00.0\"",
	"\"03:00.1\"",      "\"03:00.2\"",      "\"05:00.0\"", "\"05:01.0\"",
	"\"00:01.0\"",      "\"00:05.0\"",      "\"06:00.0\"", "\"00:07.0\"",
	"\"00:08.0\"",      "\"0a:00.0\"",      "\"00:00.0\"", "\"00:01.0\"",
	"\"00:02.0\"",      "\"ffff:ff:1f.7\"",
};

static const char *const any[] = {
	"0",           "1",
	"-1",          "null",
	"true",        "false",
	"\"\"",        "[]",
	"{}",          "1e99",
	"4096",        "9223372036854775807",
	"\"\\u0000\"", "\"a\\n\xc3\xa4\"",
};

/* By the parameter's name; the last is for all that have no own. */
static const struct {
	const char *name;
	const char *value[12];
} values[] = {
	{ "name", { "\"a\"", "\"b\"", "\"guest\"", "\"hardware\"" } },
	{ "domain", { "\"a\"", "\"b\"", "\"hardware\"", "\"quarantine\"" } },
	{ "owner", { "\"a\"", "\"hardware\"", "\"quarantine\"" } },
	{ "on_ask",
	  { "\"release\"", "\"refuse\"", "\"ignore\"", "\"late=50ms\"",
	    "\"late=9s\"", "\"late=\"" } },
	{ "method", { "\"flr\"", "\"af\"", "\"pm\"", "\"bus\"", "\"x\"" } },
	{ "fault",
	  { "\"all-ones\"", "\"retry\"", "\"stick\"", "\"pending\"",
	    "\"silent\"", "\"ignores-reset\"", "\"dead-after-reset\"",
	    "\"slow-reset\"", "\"keeps-dma\"", "\"none\"" } },
	{ "action",
	  { "\"read\"", "\"write\"", "\"copy\"", "\"interrupt\"", "\"stop\"",
	    "\"show\"", "\"start\"" } },
	{ "card",
	  { "\"tester\"", "\"tester-pm\"", "\"tester-plain\"", "\"nic\"",
	    "\"phantom\"", "\"[]\"" } },
	{ "reason", { "\"because\"", "\"\"", "\"a\\nb\"" } },
	{ "text",
	  { "\"{}\"", "\"{\\\"name\\\": \\\"mine\\\"}\"",
	    "\"{\\\"name\\\": \\\"mine\\\", \\\"capabilities\\\": "
	    "{\\\"MSI\\\": {\\\"show\\\": true}}}\"" } },
	{ "cursor", { "\"0000:0000\"", "\"0000:0100\"", "\"ffff:ffff\"" } },
	{ "reg", { "0", "4", "16", "20", "60", "68", "84", "256", "4095" } },
	{ "size", { "1", "2", "4", "8" } },
	{ "value", { "0", "6", "1030", "65535", "4294967295", "2147483648" } },
	{ "timeout_ms", { "0", "1", "60", "2000", "3600000" } },
	{ "limit", { "1", "2", "1000", "0" } },
	{ "memory", { "4096", "65536", "16777216", "1" } },
	{ "arg", { "0", "1", "4", "1000000", "100000000" } },
	{ "length", { "4", "4096", "65536" } },
	{ "source", { "0", "4096", "4294967296", "4276092928" } },
	{ "destination", { "0", "4096", "4294967296", "4276092928" } },
	{ "id", { "1", "2", "17" } },
	{ NULL, { "true", "false", "true", "1" } },
};

static const char *value_of(const char *name)
{
	unsigned int i, n;

	if (!below(16))
		return PICK(any);
	if (!strcmp(name, "sbdf") || !strcmp(name, "slot") ||
	    !strcmp(name, "vsbdf"))
		return PICK(address);
	for (i = 0; values[i].name && strcmp(values[i].name, name); i++)
		;
	for (n = 0; n < ARRAY_SIZE(values[i].value) && values[i].value[n]; n++)
		;
	return values[i].value[below(n)];
}

/* "slot" is an address for fabric.plug, and a flag for remove. */
static const char *value_for(const struct method *m, const char *name)
{
	return !strcmp(m->name, "remove") && !strcmp(name, "slot")
		       ? "true"
		       : value_of(name);
}

static size_t put_params(const struct method *m, char *out, size_t room)
{
	char names[96], *name, *rest = names;
	size_t len = 0;

	snprintf(names, sizeof(names), "%s", m->params);
	while ((name = strsep(&rest, " ")))
		if (*name && below(4) && len < room)
			len += (size_t)snprintf(out + len, room - len,
						"%s\"%s\":%s", len ? "," : "",
						name, value_for(m, name));
	return len;
}

static size_t put_request(char *out, size_t room)
{
	char params[600] = "";
	unsigned int n = 0;

	while (methods[n].name)
		n++;
	n = below(n);
	put_params(&methods[n], params, sizeof(params));
	return (size_t)snprintf(
		out, room,
		"{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"%s\",\"params\":"
		"{%s}}",
		below(4), methods[n].name, params);
}

static size_t put_line(char *out, size_t room)
{
	size_t len = 0;

	switch (below(12)) {
	case 0:
		return (size_t)snprintf(out, room, ".\n");
	case 1:
		len = (size_t)snprintf(out, room, "[");
		len += put_request(out + len, room - len);
		len += (size_t)snprintf(out + len, room - len, ",");
		len += put_request(out + len, room - len);
		return len + (size_t)snprintf(out + len, room - len, "]\n");
	case 2:
		len = (size_t)snprintf(out, room, "!");
		/* fall through */
	default:
		len += put_request(out + len, room - len);
		return len + (size_t)snprintf(out + len, room - len, "\n");
	}
}

/* The start of a line of the @size bytes of @data. */
static size_t any_line(const uint8_t *data, size_t size)
{
	size_t at = size ? below((unsigned int)size + 1) : 0;

	while (at && data[at - 1] != '\n')
		at--;
	return at;
}

static size_t insert(uint8_t *data, size_t size, size_t max, size_t at,
		     const char *line, size_t len)
{
	if (size + len > max)
		return size;
	memmove(data + at + len, data + at, size - at);
	memcpy(data + at, line, len);
	return size + len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned int seed)
{
	char line[2000];
	size_t at, end;

	state = seed;
	if (below(4) == 0)
		return LLVMFuzzerMutate(data, size, max);
	at = any_line(data, size);
	for (end = at; end < size && data[end] != '\n'; end++)
		;
	end += end < size;
	if (below(4) == 0) {
		memmove(data + at, data + end, size - end);
		return size - (end - at) ? size - (end - at) : size;
	}
	end = put_line(line, sizeof(line));
	return insert(data, size, max, below(2) ? at : size, line,
		      end < sizeof(line) ? end : sizeof(line) - 1);
}
