/* SPDX-License-Identifier: BSD-2-Clause */
/* A device by its address, as people write it; for all test programs. */
#ifndef TESTS_AT_H
#define TESTS_AT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <holdfast/sbdf.h>

static inline pci_sbdf_t at(const char *text)
{
	pci_sbdf_t sbdf;

	if (pci_sbdf_parse(text, &sbdf))
		fail_msg("no address: %s", text);
	return sbdf;
}

#endif
