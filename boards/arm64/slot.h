/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hot-plug slots as the hardware domain sees them (PCIe 6.0 §6.7): its ports'
 * slot registers are ours, so that Linux's own hotplug driver takes part in a
 * removal. The attention button is pressed when it is asked for a card; the
 * slot is empty when a card was removed; a card is there when it comes back.
 *
 * What it writes to a slot does not reach the port: power and indicators of
 * the machine stay as they are.
 */
#ifndef BOARD_SLOT_H
#define BOARD_SLOT_H

#include <holdfast/vpci.h>

void slot_init(void);

/*
 * vpci_options.extend: overlays the slot of a hot-plug port. Message interrupts
 * of such a port are hidden: a hypervisor that has given the interrupt
 * controller away can raise its pin and nothing else.
 */
int slot_extend(struct vpci *view, struct pci_dev *pdev, struct domain *d);

/* Of the card at @sbdf, or the port. Any context; locks are short. */
bool slot_is_known(pci_sbdf_t sbdf); /* it is in a slot of ours */
bool slot_is_off(pci_sbdf_t sbdf);   /* the hardware domain has let go of it */

/* Press the button, unless it has been pressed and not let go since. */
void slot_press(pci_sbdf_t sbdf);
/*
 * A removal of it, or its loss, is over, one way or another: without the card
 * the slot is empty; with it a press that still counts down is taken back.
 */
void slot_removal_over(pci_sbdf_t sbdf);
/* There is a card in it again, or still: the driver is told where it is off. */
void slot_filled(pci_sbdf_t sbdf);
/* The driver is switching it off; what it is told meanwhile it would drop. */
bool slot_is_switching(pci_sbdf_t sbdf);

/* The bus below the port of @sbdf's slot; -ENOENT. */
int slot_bus(pci_sbdf_t sbdf);

#endif
