/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine beside the model: bytes decide which registers there are and what
 * is done to them, from a generator (test_model.c) or a fuzzer (fuzz/vpci.c).
 */
#ifndef TESTS_VPCI_COMPARE_H
#define TESTS_VPCI_COMPARE_H

#include <stddef.h>
#include <stdint.h>

/* Once. @seed: which bits of the hardware are of which kind. */
void compare_init(uint32_t seed);
void compare_fini(void);

/*
 * One view from its first register to its last access. NULL, or how the two
 * differed: a sentence that stays until the next call.
 */
const char *compare_run(const uint8_t *data, size_t size);

#endif
