/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine of core/vpci is compared with: the words of vpci.h taken
 * literally, one bit at a time. Nothing here is fast, and nothing knows that
 * there are dwords.
 */
#ifndef TESTS_VPCI_MODEL_H
#define TESTS_VPCI_MODEL_H

#include <holdfast/vpci.h>

enum { MODEL_SPACE = 4096, MODEL_REGISTERS = 256, MODEL_CALLS = 16 };

/* A device's own registers. What is in neither mask is read-only. */
struct model_hw {
	uint8_t data[MODEL_SPACE], rw[MODEL_SPACE], w1c[MODEL_SPACE];
};

/* A write of bytes, as hardware treats it. */
void model_hw_write(struct model_hw *hw, uint16_t reg, uint8_t size,
		    uint32_t val);
uint32_t model_hw_read(const struct model_hw *hw, uint16_t reg, uint8_t size);

/* What a register's hooks do in the model. */
enum model_read {
	MODEL_READ_PLAIN,  /* there is none */
	MODEL_READ_INVERT, /* returns ~val */
	MODEL_READ_VIEW,   /* returns vpci_get() */
	MODEL_READ_HW,     /* returns vpci_hw_read() */
	MODEL_READS
};

enum model_write {
	MODEL_WRITE_PLAIN, /* there is none */
	MODEL_WRITE_DROP,  /* does nothing */
	MODEL_WRITE_VIEW,  /* vpci_set(val) */
	MODEL_WRITE_HW,    /* vpci_hw_write(val) */
	MODEL_WRITES
};

struct model_register {
	uint16_t reg;
	uint8_t size;
	enum model_read read;
	enum model_write write;
};

/* One call of a write hook. */
struct model_call {
	uint16_t reg;
	uint32_t val, mask;
};

struct model {
	struct model_hw hw;
	bool hardware; /* what no register describes passes through */
	bool sealed;
	uint16_t size; /* above it a guest's view has nobody */
	struct model_register reg[MODEL_REGISTERS];
	unsigned int nreg;

	/* For each byte: its register + 1, 0: none; and its bits. */
	uint16_t owner[MODEL_SPACE];
	uint8_t in_hw[MODEL_SPACE], rw[MODEL_SPACE], w1c[MODEL_SPACE];
	uint8_t rsvdp[MODEL_SPACE], rsvdz[MODEL_SPACE], value[MODEL_SPACE];

	/* Of the last model_write(). */
	struct model_call call[MODEL_CALLS];
	unsigned int ncalls;
	uint8_t may_write[MODEL_SPACE]; /* bytes of hardware: 1 */
	uint8_t sent[MODEL_SPACE];      /* what goes there */
};

/* Forgets all registers; the hardware stays as it is. */
void model_begin(struct model *m, bool hardware, uint16_t size);
/* As vpci_add_register() and vpci_remove_registers(). */
int model_add(struct model *m, uint16_t reg, uint8_t size,
	      const struct vpci_masks *masks, enum model_read read,
	      enum model_write write);
int model_remove(struct model *m, uint16_t reg, uint16_t size);
/* As vpci_read() and vpci_write() for a device that answers. */
uint64_t model_read(struct model *m, uint16_t reg, uint8_t size);
void model_write(struct model *m, uint16_t reg, uint8_t size, uint64_t val);
/* What vpci_get() is to say of the bits in *@mask. */
uint32_t model_get(const struct model *m, uint16_t reg, uint8_t size,
		   uint32_t *mask);

#endif
