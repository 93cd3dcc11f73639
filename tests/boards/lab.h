/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The board's management over the real core and a simulated machine: what the
 * hardware domain writes by its mailbox, with a hotplug driver of a few lines
 * in Linux's place. Each CPU of the board is the one thread here.
 */
#ifndef TESTS_BOARDS_LAB_H
#define TESTS_BOARDS_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <holdfast/pci_regs.h>

#include "mgmt.h"

/* A slot, and what is in it. */
#define PORT "0000:00:1c.0"
#define CARD "0000:01:00.0"
#define EMPTY "0000:00:1d.0" /* another, with nothing in it */

extern struct lab {
	const char *machine;      /* slots.json; main() says where */
	union mgmt_answer answer; /* to the last request */
	unsigned int interrupts;  /* of the port's pin */
	uint64_t ring_at;         /* where the hardware domain has the ring */
	unsigned int guests;      /* started */
	/* Another CPU's request, in the middle of one to stop the guest. */
	struct {
		unsigned int depth;
		int32_t status;
		uint32_t word;
	} meanwhile;
} lab;

int lab_set_up(void **state);
int lab_tear_down(void **state);

void plug(const char *port); /* a card, of which nobody is told */

/* As each trap does. */
void poll_all(void);

/* --- the hardware domain ------------------------------------------------------------ */

uint32_t rd(const char *dev, unsigned int reg, uint8_t size);
void wr(const char *dev, unsigned int reg, uint8_t size, uint32_t val);
unsigned int cap(const char *dev, uint8_t id); /* where it is; or 0 */

/* A driver that works with its card. */
void bind(void);
void unbind(void);

/* The hotplug driver: what it has heard, and what it does. */
#define LISTENS                                                              \
	(PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_DLLSCE | \
	 PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_PWR_IND_ON)

unsigned int slot_reg(unsigned int reg);
uint32_t heard(void);
void slot_control(uint32_t val);

/* --- management -------------------------------------------------------------------- */

struct mgmt_request request(const char *dev);
void box_put(const void *from, size_t size);
int ask_with(enum mgmt_verb verb, const struct mgmt_request *r);
int ask(enum mgmt_verb verb, const char *dev);
int remove_with(unsigned int flags);
/* Its result, as it is now, or once it is over. */
int removal(void);
int removal_end(void);

#endif
