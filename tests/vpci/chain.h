/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A function whose registers, all 4096 bytes of them, the tests write as they
 * like, and a view of it that is built by a policy.
 */
#ifndef TESTS_VPCI_CHAIN_H
#define TESTS_VPCI_CHAIN_H

#include "../config/fake_host.h"
#include "vpci/internal.h"

#define DEV "00:03.0"

extern struct fake_fn *fn;
extern struct vpci *view;

int chain_set_up(void **state);
int chain_tear_down(void **state);

#define CHAIN_CASE(name) \
	cmocka_unit_test_setup_teardown(name, chain_set_up, chain_tear_down)

/* The function is added first, and an older view freed; vpci_build()'s error. */
int try_build(const struct vpci_policy *policy);
void build(const struct vpci_policy *policy); /* it must work */
void forget_view(void);

uint32_t see(uint16_t reg, uint8_t size);
void put(uint16_t reg, uint8_t size, uint32_t val);

/* Capabilities with contents that would show if they did. */
void cap(uint8_t pos, uint8_t id, uint8_t length);
void ext_cap(uint16_t pos, uint16_t id, uint16_t length);
void bars(void); /* 64 bits, I/O, a ROM */

/*
 * Walk as a guest does, and check that each list ends, inside its space, and
 * that no position is there twice. "01@40 05@50 | 0001@100".
 */
const char *walk(void);

#define assert_lists(text) assert_string_equal(walk(), text)

#endif
