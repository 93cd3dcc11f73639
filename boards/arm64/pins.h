/* SPDX-License-Identifier: BSD-2-Clause */
/* Administrators' words: who has pinned which device. */
#ifndef BOARD_PINS_H
#define BOARD_PINS_H

#include <holdfast/hold.h>

void pins_init(void);

/*
 * @who: names the pin. 0; -EEXIST has it pinned already; -EINVAL no name;
 * -ENOSPC; else as pci_hold_take().
 */
int pins_add(pci_sbdf_t sbdf, const char *who) __must_check;
/* 0; -ENOENT no such pin. */
int pins_drop(pci_sbdf_t sbdf, const char *who) __must_check;
/* Forget those that were cut off. No lock. */
void pins_sweep(void);

#endif
