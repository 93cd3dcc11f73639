/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine of vPCI against the reference model in tests/vpci: the input says
 * which registers a view has and what is read and written. Both agree on every
 * error, every value and every byte of hardware.
 */
#include "compare.h"
#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	compare_init(1);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *difference = compare_run(data, size);

	if (difference)
		fprintf(stderr, "%s\n", difference);
	FUZZ_ASSERT(!difference);
	return 0;
}
