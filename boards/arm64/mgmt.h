/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Management, the board's side: the function on the hardware domain's bus, the
 * mailboxes, and the ring of events. What they say is mgmt_abi.h's.
 */
#ifndef BOARD_MGMT_H
#define BOARD_MGMT_H

#include <holdfast/platform.h>
#include <holdfast/sbdf.h>

#include "mgmt_abi.h"

/* After pci_init(), before the first device. */
void mgmt_init(void);

/*
 * mgmt_function.c: configuration accesses of the hardware domain to
 * MGMT_SBDF: 1, 2 or 4 bytes, aligned, below 4096; else all-ones, and dropped.
 * No lock, no section: a write may do a request, which may wait.
 */
uint32_t mgmt_config_read(uint16_t reg, uint8_t size);
void mgmt_config_write(uint16_t reg, uint8_t size, uint32_t val);

/*
 * hvc.c: HVC by the hardware domain's kernel with these registers, x[0] the
 * function: false, nobody's.
 */
bool mgmt_hvc(uint64_t x[4]);
void mgmt_hvc_init(void);

/* --- inside -------------------------------------------------------------------- */

/* mgmt_box.c: a mailbox, of one door. */
struct mgmt_box {
	plat_lock_t lock; /* guards what follows */
	bool busy;
	int32_t status;
	uint8_t window[MGMT_BOX_SIZE];
};

void mgmt_box_init(struct mgmt_box *box);

/* @size 1 to 8 bytes at @offset; beyond the window: zeros, and dropped. */
uint64_t mgmt_box_read(struct mgmt_box *box, unsigned int offset,
		       unsigned int size);
void mgmt_box_write(struct mgmt_box *box, unsigned int offset,
		    unsigned int size, uint64_t val);
/* Do what the window says. As MGMT_DOOR, MGMT_STATUS. */
void mgmt_box_ring(struct mgmt_box *box, uint32_t verb);
int32_t mgmt_box_status(struct mgmt_box *box);

/*
 * mgmt_verbs.c: any request, as hostile as can be. @answer is zero before; 0 or
 * a negative error number. May wait.
 */
int mgmt_do(uint32_t verb, const struct mgmt_request *request,
	    union mgmt_answer *answer);

/* mgmt_ring.c: the page, and how many events there were. */
extern struct mgmt_ring mgmt_ring_page;
void mgmt_ring_init(void);
uint64_t mgmt_ring_count(void);

/* --- the board gives ------------------------------------------------------------- */

/*
 * The ring's page at this address of the hardware domain's, or, @at 0, nowhere.
 * False: nothing of ours may be there.
 */
bool board_show_ring(uint64_t at);
/* What was written of it, to where the hardware domain reads. */
void board_clean_ring(const void *start, size_t size);
/* The second guest: MGMT_GUEST and what follows it. */
int board_guest(uint32_t verb, pci_sbdf_t sbdf, struct mgmt_guest *guest);
/* Accesses of the hypervisor's to configuration space, all functions. */
void board_traffic(uint64_t *reads, uint64_t *writes);

#endif
