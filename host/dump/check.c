/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strict check of dump text. Grammar, a line each:
 *
 *   "[ssss:]bb:dd.f text"      begins a function
 *   TAB "Region N: … [size=4K]" a detail of it; only sizes are looked at
 *   "oo: xx xx … xx"           its next 16 bytes, oo being how many came before
 *   ""                         ends it
 *   "# …"                      a comment
 *
 * Nothing of the text is repeated in messages: it may come from anywhere.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum {
	LINE_MAX_LEN = 1024,
	ROW = 16, /* bytes a line */
	MAX_LEN = 4096,
	HEADER_LEN = 64,
	CARDBUS_LEN = 128, /* its header (PC Card Standard 8.0 §4.5) */
	HDR_TYPE_OFFSET = 0x0e,
	HDR_TYPE_MASK = 0x7f,
	HDR_CARDBUS = 2,
};

struct check {
	FILE *clean;
	struct dump_function *fn;
	unsigned int count, room;
	bool open; /* fn[count - 1] is being read */
	unsigned int line;
	char *err;
	size_t errlen;
};

static int hf_printf_like(3, 4)
	bad(struct check *c, unsigned int line, const char *fmt, ...)
{
	va_list args;
	int n;

	n = snprintf(c->err, c->errlen, "line %u: ", line);
	if (n < 0 || (size_t)n >= c->errlen)
		return -EINVAL;
	va_start(args, fmt);
	vsnprintf(c->err + n, c->errlen - (size_t)n, fmt, args);
	va_end(args);
	return -EINVAL;
}

static struct dump_function *current(struct check *c)
{
	return &c->fn[c->count - 1];
}

static bool length_possible(const struct dump_function *fn)
{
	switch (fn->len) {
	case HEADER_LEN:
	case 256:
	case MAX_LEN:
		return true;
	case CARDBUS_LEN:
		return (fn->hdr_type & HDR_TYPE_MASK) == HDR_CARDBUS;
	default:
		return false;
	}
}

static int end_function(struct check *c)
{
	char name[PCI_SBDF_LEN];
	struct dump_function *fn;

	if (!c->open)
		return 0;
	c->open = false;
	fn = current(c);
	if (length_possible(fn))
		return 0;
	return bad(c, fn->line,
		   "%s has %u bytes, not 64, 256, 4096 or a CardBus "
		   "bridge's 128",
		   pci_sbdf_print(name, fn->sbdf), fn->len);
}

static int grow(struct check *c)
{
	unsigned int room = c->room ? 2 * c->room : 64;
	struct dump_function *fn;

	if (c->count < c->room)
		return 0;
	fn = reallocarray(c->fn, room, sizeof(*fn));
	if (!fn) {
		snprintf(c->err, c->errlen, "out of memory");
		return -ENOMEM;
	}
	c->fn = fn;
	c->room = room;
	return 0;
}

/* The forms that libpci knows: ##:##.# and ####:##:##.#, then a space. */
static int read_address(struct check *c, const char *line)
{
	size_t len = strcspn(line, " ");
	char token[PCI_SBDF_LEN];
	pci_sbdf_t sbdf;
	int ret;

	if ((len != strlen("bb:dd.f") && len != strlen("ssss:bb:dd.f")) ||
	    !line[len])
		return bad(c, c->line,
			   "no address (ssss:bb:dd.f and text), "
			   "bytes, detail or comment");
	memcpy(token, line, len);
	token[len] = '\0';
	ret = pci_sbdf_parse(token, &sbdf);
	if (ret == -ERANGE)
		return bad(c, c->line, "a device above 1f or function above 7");
	if (ret)
		return bad(c, c->line, "not an address (ssss:bb:dd.f)");
	ret = end_function(c);
	if (!ret)
		ret = grow(c);
	if (ret)
		return ret;
	c->fn[c->count++] =
		(struct dump_function){ .sbdf = sbdf, .line = c->line };
	c->open = true;
	fprintf(c->clean, "%s -\n", pci_sbdf_print(token, sbdf));
	return 0;
}

/* "xx" into *@byte. */
static bool read_byte(const char *text, unsigned int *byte)
{
	if (!isxdigit((unsigned char)text[0]) ||
	    !isxdigit((unsigned char)text[1]))
		return false;
	return sscanf(text, "%2x", byte) == 1;
}

static int read_bytes(struct check *c, const char *line)
{
	struct dump_function *fn;
	unsigned int byte, n = 0;
	unsigned long offset;
	const char *p;
	char *colon;

	if (!c->open)
		return bad(c, c->line, "bytes of no function");
	fn = current(c);
	offset = strtoul(line, &colon, 16);
	if (offset != fn->len)
		return bad(c, c->line, "offset %lx follows %u bytes", offset,
			   fn->len);
	if (fn->len == MAX_LEN)
		return bad(c, c->line, "more than 4096 bytes");
	for (p = colon + 1; *p; p += 3, n++) {
		if (p[0] != ' ' || !read_byte(p + 1, &byte))
			return bad(c, c->line, "no byte in column %zu",
				   p - line + 1);
		if (fn->len + n == HDR_TYPE_OFFSET)
			fn->hdr_type = (uint8_t)byte;
	}
	if (n != ROW)
		return bad(c, c->line, "%u bytes, not 16", n);
	fn->len += ROW;
	fprintf(c->clean, "%02lx%s\n", offset, colon);
	return 0;
}

/* "4K]" of "[size=4K]". */
static bool read_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*size = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		unsigned int shift = 10 * (unsigned int)(unit - units + 1);

		if (*size > UINT64_MAX >> shift)
			return false;
		*size <<= shift;
		end++;
	}
	return !errno && *end == ']' && *size;
}

static int read_detail(struct check *c, const char *line)
{
	const char *size = strstr(line, "[size=");
	unsigned int bar = DUMP_ROM;

	if (!c->open)
		return bad(c, c->line, "a detail of no function");
	if (!size)
		return 0;
	if (strncmp(line, "\tRegion ", strlen("\tRegion ")) == 0) {
		if (sscanf(line, "\tRegion %u:", &bar) != 1 || bar >= DUMP_ROM)
			return bad(c, c->line, "not a region from 0 to 5");
	} else if (line[1] == '\t' || !strstr(line, "Expansion ROM at ")) {
		return 0;
	}
	if (!read_size(size + strlen("[size="), &current(c)->bar_size[bar]))
		return bad(c, c->line, "not a size such as [size=4K]");
	return 0;
}

static bool begins_with_offset(const char *line)
{
	size_t digits = strspn(line, "0123456789abcdefABCDEF");

	return digits >= 2 && digits <= 4 && line[digits] == ':' &&
	       (line[digits + 1] == ' ' || !line[digits + 1]);
}

static int read_line(struct check *c, const char *line)
{
	if (!*line)
		return end_function(c);
	if (*line == '#')
		return 0;
	if (*line == '\t' || *line == ' ')
		return read_detail(c, line);
	if (begins_with_offset(line))
		return read_bytes(c, line);
	return read_address(c, line);
}

/* Cut the end of line and blanks before it off; -EINVAL: there is none. */
static int trim(struct check *c, char *line)
{
	size_t len = strlen(line);

	if (!len || line[len - 1] != '\n')
		return bad(c, c->line,
			   len == LINE_MAX_LEN - 1
				   ? "longer than any lspci prints"
				   : "it breaks off here");
	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	return 0;
}

static int by_sbdf(const void *a, const void *b)
{
	const struct dump_function *x = a, *y = b;

	if (x->sbdf.sbdf != y->sbdf.sbdf)
		return x->sbdf.sbdf < y->sbdf.sbdf ? -1 : 1;
	return x->line < y->line ? -1 : 1;
}

/* What can be said at the end only: something is there, and nothing twice. */
static int check_whole(struct check *c)
{
	char name[PCI_SBDF_LEN];
	unsigned int i;

	if (!c->count) {
		snprintf(c->err, c->errlen, "there is no function in it");
		return -EINVAL;
	}
	qsort(c->fn, c->count, sizeof(*c->fn), by_sbdf);
	for (i = 1; i < c->count; i++)
		if (c->fn[i].sbdf.sbdf == c->fn[i - 1].sbdf.sbdf)
			return bad(c, c->fn[i].line, "%s again, after line %u",
				   pci_sbdf_print(name, c->fn[i].sbdf),
				   c->fn[i - 1].line);
	return 0;
}

int dump_check(FILE *in, FILE *clean, struct dump_function **fn,
	       unsigned int *count, char *err, size_t errlen)
{
	struct check c = { .clean = clean, .err = err, .errlen = errlen };
	char line[LINE_MAX_LEN];
	int ret = 0;

	while (!ret && fgets(line, sizeof(line), in)) {
		c.line++;
		ret = trim(&c, line);
		if (!ret)
			ret = read_line(&c, line);
	}
	if (!ret && (ferror(in) || ferror(clean))) {
		snprintf(err, errlen, "reading it failed");
		ret = -EIO;
	}
	if (!ret)
		ret = end_function(&c);
	if (!ret)
		ret = check_whole(&c);
	if (ret) {
		free(c.fn);
		return ret;
	}
	*fn = c.fn;
	*count = c.count;
	return 0;
}
