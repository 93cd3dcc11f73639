/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name of a PCI function: segment, bus, device, function.
 * Printed and parsed as ssss:bb:dd.f in hexadecimal, the segment optional
 * when parsed (PCI Local Bus 3.0 §3.2.2.3; segments: PCI Firmware 3.3 §4.1.2).
 */
#ifndef HOLDFAST_SBDF_H
#define HOLDFAST_SBDF_H

#include <holdfast/types.h>

typedef union {
	uint32_t sbdf;
	struct {
		union {
			uint16_t bdf; /* the Routing ID */
			struct {
				uint8_t devfn, bus;
			};
		};
		uint16_t seg;
	};
} pci_sbdf_t;

_Static_assert(sizeof(pci_sbdf_t) == 4, "a name is one word");
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "pci_sbdf_t is laid out for little-endian machines"
#endif

#define PCI_DEVFN(dev, fn) ((uint8_t)((((dev)&0x1f) << 3) | ((fn)&7)))
#define PCI_DEV(sbdf) ((uint8_t)((sbdf).devfn >> 3))
#define PCI_FN(sbdf) ((uint8_t)((sbdf).devfn & 7))

static inline pci_sbdf_t pci_sbdf(uint16_t seg, uint8_t bus, uint8_t dev,
				  uint8_t fn)
{
	return (pci_sbdf_t){ .devfn = PCI_DEVFN(dev, fn),
			     .bus = bus,
			     .seg = seg };
}

static inline pci_sbdf_t pci_sbdf_from(uint32_t word)
{
	return (pci_sbdf_t){ .sbdf = word };
}

#define PCI_SBDF_LEN 13 /* "0000:00:00.0" and its NUL */

/* Writes PCI_SBDF_LEN bytes; returns @buf. */
char *pci_sbdf_print(char *buf, pci_sbdf_t sbdf);

/*
 * The whole of @text must be "[ssss:]bb:dd.f"; 1 to 4 digits of segment, 1 or
 * 2 of bus and device, 1 of function.
 * Returns 0; -EINVAL malformed; -ERANGE device above 1f or function above 7.
 * *@out is written on success only.
 */
int pci_sbdf_parse(const char *text, pci_sbdf_t *out) __must_check;

#endif
