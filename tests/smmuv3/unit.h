/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An SMMUv3 that is a program, from the other side of IHI 0070: registers in
 * memory, which it looks at when it is told to go on. It caches as much as it
 * may: STEs word by word, whether valid or not, context descriptors,
 * translations; and fetches an STE again as soon as it was made to forget it.
 */
#ifndef TESTS_SMMUV3_UNIT_H
#define TESTS_SMMUV3_UNIT_H

#include <stdbool.h>
#include <stdint.h>

struct unit_setup {
	bool stage2, linear, ats;
	unsigned int sid_bits;
	unsigned int oas;  /* IDR5's encoding */
	uint32_t missing0; /* of IDR0 */
};

/* Where a request has gone. */
struct unit_result {
	unsigned int event; /* 0: it was let through, to: */
	uint64_t address;
	unsigned int attr; /* MAIR's byte, or MemAttr */
	bool may_write;
};

extern struct unit {
	_Alignas(65536) char registers[0x20000];
	bool stuck;            /* consumes no command */
	unsigned int left;     /* that many commands, then stuck */
	unsigned int commands; /* consumed, CMD_SYNC apart */
	unsigned int mixtures; /* see unit_watch() */
	bool refuses;          /* the next command is illegal */
} unit;

/* Reset, with everything forgotten. */
void unit_reset(const struct unit_setup *setup);
/* Go on: registers, then commands. */
void unit_step(void);
/* A request, recorded if it is refused. A translated one: @ats. */
struct unit_result unit_request(uint32_t sid, uint64_t address, bool write);
struct unit_result unit_translated(uint32_t sid, uint64_t address);
/* Read the STE now, all words; if there is one. */
void unit_prefetch(uint32_t sid);
/*
 * From now on count at each step whether some mixture of what is cached of the
 * STE of @sid and what stands in memory leads @address to other places than
 * @one, @other or nowhere. 0: to the first that it leads to is such a place.
 */
void unit_watch(uint32_t sid, uint64_t address, uint64_t one, uint64_t other);
/* Events were lost, and nobody has said that he knows. */
bool unit_overflow(void);
/* Any event. */
void unit_record(const uint64_t event[4]);

#endif
