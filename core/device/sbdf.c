/* SPDX-License-Identifier: BSD-2-Clause */
/* Printing and parsing of device addresses. Pure functions. */
#include <holdfast/errno.h>
#include <holdfast/sbdf.h>

static char *hex(char *at, unsigned int value, int digits)
{
	static const char digit[] = "0123456789abcdef";

	while (digits-- > 0)
		*at++ = digit[value >> (4 * digits) & 0xf];
	return at;
}

char *pci_sbdf_print(char *buf, pci_sbdf_t sbdf)
{
	char *at = hex(buf, sbdf.seg, 4);

	*at++ = ':';
	at = hex(at, sbdf.bus, 2);
	*at++ = ':';
	at = hex(at, PCI_DEV(sbdf), 2);
	*at++ = '.';
	*at++ = (char)('0' + PCI_FN(sbdf));
	*at = '\0';
	return buf;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* 1 to @max digits; returns what follows, or NULL. */
static const char *parse_hex(const char *text, int max, unsigned int *value)
{
	int digits = 0;

	*value = 0;
	while (digits < max && hex_value(*text) >= 0) {
		*value = *value << 4 | (unsigned int)hex_value(*text++);
		digits++;
	}
	return digits ? text : NULL;
}

int pci_sbdf_parse(const char *text, pci_sbdf_t *out)
{
	unsigned int field[4] = { 0 }; /* segment, bus, device, function */
	const char *at, *rest;
	int colons = 0, i;

	for (at = text; *at; at++)
		colons += *at == ':';
	if (colons != 1 && colons != 2)
		return -EINVAL;

	at = text;
	for (i = 2 - colons; i < 4; i++) {
		static const int digits[] = { 4, 2, 2, 1 };
		static const char after[] = { ':', ':', '.', '\0' };

		rest = parse_hex(at, digits[i], &field[i]);
		if (!rest || *rest != after[i])
			return -EINVAL;
		at = rest + 1;
	}
	if (field[2] > 0x1f || field[3] > 7)
		return -ERANGE;
	*out = pci_sbdf((uint16_t)field[0], (uint8_t)field[1],
			(uint8_t)field[2], (uint8_t)field[3]);
	return 0;
}
