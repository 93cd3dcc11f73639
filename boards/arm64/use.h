/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hardware domain works with, as far as a hypervisor can see: a
 * device with bus mastering or message interrupts switched on is in use, and
 * holds say so. Whoever wants it removed is told -EBUSY and why; asked, the
 * hardware domain's own hotplug driver lets go of it (slot.h).
 */
#ifndef BOARD_USE_H
#define BOARD_USE_H

#include <holdfast/sbdf.h>

void use_init(void);

/*
 * The hardware domain has written @size bytes at @reg of a function: look
 * whether that began or ended a use. After the write, no lock, no section.
 */
void use_written(pci_sbdf_t sbdf, uint16_t reg, uint8_t size);

/* Something else has changed: look at one, or at all. No lock, no section. */
void use_look_at(pci_sbdf_t sbdf);
void use_look_at_all(void);

/* The same, by the next use_poll(). Any context. */
void use_look_soon(void);
void use_poll(void);

/*
 * "No", to the removal that asks, if one does. 0; -ENOENT the hardware domain
 * does not use @sbdf.
 */
int use_refuse(pci_sbdf_t sbdf);

#endif
