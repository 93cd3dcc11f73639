/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers as text for people. */
#ifndef HOLDFAST_EL2_SAY_H
#define HOLDFAST_EL2_SAY_H

#include "mgmt_abi.h"

#define SBDF_LEN 16

/* "0000:01:00.0" @buf. */
const char *say_sbdf(char buf[static SBDF_LEN], uint32_t sbdf);

void say_devices(const struct mgmt_device *dev, unsigned int n);
void say_device(const struct mgmt_device *dev);
/* "  0000:01:00.0: irq, hardware domain: …, since 3 s" */
void say_hold(const struct mgmt_hold *hold);
void say_removal(const struct mgmt_removal *removal);
void say_guest(const struct mgmt_guest *guest);
void say_stats(const struct mgmt_stats *stats);
void say_event(const struct mgmt_event *event);

#endif
