/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A function in words: what a fabric file says of it, checked. model.c makes
 * registers of it.
 */
#ifndef FABRIC_DESCRIBE_H
#define FABRIC_DESCRIBE_H

#include "internal.h"
#include "where.h"

#define FAB_MAX_POKES 16

/* A value put into config space as it is, for hardware that lies. */
struct fab_poke {
	uint16_t reg;
	uint8_t size;
	uint32_t value, writable;
};

struct fab_msix_desc {
	uint16_t entries; /* 0: no MSI-X */
	uint8_t bar, pba_bar;
	uint32_t table, pba;
};

struct fab_desc {
	enum fab_kind kind;
	uint16_t vendor, device, subvendor, subdevice;
	uint32_t class_code;
	uint8_t revision, pin;
	bool vf; /* a virtual function's side of an SR-IOV card */
	bool multifunction;
	struct fab_bar bar[7]; /* the ROM last */

	bool pm, no_soft_reset;
	bool flr, af;
	uint8_t phantom; /* function bits: 0 to 3 */
	uint8_t msi;     /* vectors, a power of two; 0: no MSI */
	bool msi_64bit, msi_mask;
	struct fab_msix_desc msix;
	bool aer, acs, ats, has_serial, has_vpd, has_vendor, slot, hotplug;
	uint8_t ats_queue;
	uint64_t serial;
	uint8_t vpd[1024];
	uint16_t vpd_len;
	uint8_t vndr[128];
	uint8_t vndr_len;
	bool vndr_writable;
	uint16_t slot_number;
	bool tester;
	int16_t seen_as; /* devfn; -1 */
	unsigned int nreserved;
	struct iommu_region reserved[FAB_MAX_RESERVED];

	uint16_t vf_total, vf_offset, vf_stride, vf_device, vf_enabled;
	struct fab_bar vf_bar[6];
	struct fab_msix_desc vf_msix;

	uint32_t rebar_sizes[6];

	unsigned int npokes;
	struct fab_poke poke[FAB_MAX_POKES];
};

/* Read one; 0 or -EINVAL. Members of the tree are left to the caller. */
int fab_describe(const struct where *at, struct fab_desc *desc);

/* --- card.c ----------------------------------------------------------------- */

/* @cards: the place around *@out; the caller says what is around that. */
bool fab_card_find(struct fabric *f, const char *name, struct where *cards,
		   struct where *out);
/* Check the member "cards" of a document before somebody plugs one in. */
int fab_cards_check(const struct where *at);
/* What fabric_plug() gets, a name or a JSON array, as a value. */
int fab_card_value(const char *card, struct json_object **out, char *err,
		   size_t errlen);

#endif
