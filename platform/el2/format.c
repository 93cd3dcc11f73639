/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatted text; el2.h says how much of C's vsnprintf this is. */
#include "el2.h"

struct text {
	char *buf;
	size_t size, len; /* of the buffer; of the whole, cut or not */
};

struct spec {
	bool left, zero;
	size_t width, precision;
	unsigned int bytes; /* of the argument, a number */
	char conversion;
};

static void put(struct text *text, char c)
{
	if (text->len + 1 < text->size)
		text->buf[text->len] = c;
	text->len++;
}

static void pad(struct text *text, char c, size_t width, size_t len)
{
	for (; len < width; len++)
		put(text, c);
}

static void put_string(struct text *text, const struct spec *spec,
		       const char *s)
{
	size_t len = 0, i;

	if (!s)
		s = "(null)";
	while (len < spec->precision && s[len])
		len++;
	if (!spec->left)
		pad(text, ' ', spec->width, len);
	for (i = 0; i < len; i++)
		put(text, s[i]);
	if (spec->left)
		pad(text, ' ', spec->width, len);
}

static void put_number(struct text *text, const struct spec *spec,
		       const char *prefix, uint64_t n, unsigned int base)
{
	const char *digits = spec->conversion == 'X' ? "0123456789ABCDEF"
						     : "0123456789abcdef";
	char number[20]; /* of UINT64_MAX, in base 10 */
	size_t count = 0, len;

	do
		number[count++] = digits[n % base];
	while (n /= base);
	len = count;
	for (const char *p = prefix; *p; p++)
		len++;
	if (!spec->left && !spec->zero)
		pad(text, ' ', spec->width, len);
	while (*prefix)
		put(text, *prefix++);
	if (!spec->left && spec->zero)
		pad(text, '0', spec->width, len);
	while (count)
		put(text, number[--count]);
	if (spec->left)
		pad(text, ' ', spec->width, len);
}

static size_t decimal(const char **fmt)
{
	size_t n = 0;

	while (**fmt >= '0' && **fmt <= '9')
		n = n * 10 + (size_t)(*(*fmt)++ - '0');
	return n;
}

static unsigned int length(const char **fmt)
{
	unsigned int bytes = sizeof(int);

	for (;; (*fmt)++) {
		if (**fmt == 'h')
			bytes /= 2;
		else if (**fmt == 'l' || **fmt == 'z')
			bytes = sizeof(long);
		else
			return bytes;
	}
}

static uint64_t narrow(uint64_t n, unsigned int bytes)
{
	return n & UINT64_MAX >> (64 - 8 * bytes);
}

static int64_t extend(uint64_t n, unsigned int bytes)
{
	unsigned int shift = 64 - 8 * bytes;

	return (int64_t)(n << shift) >> shift;
}

static struct spec parse(const char **fmt)
{
	struct spec spec = { .precision = SIZE_MAX };

	for (;; (*fmt)++) {
		if (**fmt == '-')
			spec.left = true;
		else if (**fmt == '0')
			spec.zero = true;
		else
			break;
	}
	spec.width = decimal(fmt);
	if (**fmt == '.') {
		(*fmt)++;
		spec.precision = decimal(fmt);
	}
	spec.bytes = length(fmt);
	spec.conversion = **fmt;
	if (**fmt)
		(*fmt)++;
	return spec;
}

/* A va_list is an array on some machines, which a function would not advance. */
struct args {
	va_list list;
};

static uint64_t number(struct args *args, const struct spec *spec)
{
	if (spec->bytes > sizeof(int))
		return va_arg(args->list, unsigned long);
	return va_arg(args->list, unsigned int);
}

static void convert(struct text *text, const struct spec *spec,
		    struct args *args)
{
	char one[2] = { spec->conversion };
	int64_t n;

	switch (spec->conversion) {
	case 'd':
	case 'i':
		n = extend(number(args, spec), spec->bytes);
		put_number(text, spec, n < 0 ? "-" : "",
			   n < 0 ? -(uint64_t)n : (uint64_t)n, 10);
		break;
	case 'u':
		put_number(text, spec, "",
			   narrow(number(args, spec), spec->bytes), 10);
		break;
	case 'x':
	case 'X':
		put_number(text, spec, "",
			   narrow(number(args, spec), spec->bytes), 16);
		break;
	case 'p':
		put_number(text, spec, "0x",
			   (uintptr_t)va_arg(args->list, void *), 16);
		break;
	case 's':
		put_string(text, spec, va_arg(args->list, const char *));
		break;
	case 'c':
		one[0] = (char)va_arg(args->list, int);
		put_string(text, spec, one);
		break;
	default: /* %%, and what is not known */
		put_string(text, spec, one);
	}
}

int plat_vsnprintf(char *buf, size_t size, const char *fmt, va_list list)
{
	struct text text = { buf, size, 0 };
	struct args args;
	struct spec spec;

	va_copy(args.list, list);
	while (*fmt) {
		if (*fmt != '%') {
			put(&text, *fmt++);
			continue;
		}
		fmt++;
		spec = parse(&fmt);
		convert(&text, &spec, &args);
	}
	va_end(args.list);
	if (size)
		buf[text.len < size ? text.len : size - 1] = '\0';
	return (int)text.len;
}

int plat_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = plat_vsnprintf(buf, size, fmt, args);
	va_end(args);
	return len;
}
