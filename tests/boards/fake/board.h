/* SPDX-License-Identifier: BSD-2-Clause */
/* A board whose interrupts say which slot they are of. */
#ifndef BOARD_FAKE_H
#define BOARD_FAKE_H

#define BOARD_INTX(device, pin) ((device)*8 + (pin))

#endif
