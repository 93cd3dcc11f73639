/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second guest's device tree (Devicetree Specification 0.4; bindings as in
 * Linux): one CPU, a GICv3 without ITS, a UART to send to, a PCI host bridge
 * with INTx only.
 */
#include <libfdt.h>

#include <holdfast/errno.h>

#include "guest_tree.h"

#define PHANDLE_GIC 1
#define GIC_SPI 0
#define GIC_PPI 1
#define GIC_FIRST_SPI 32
#define IRQ_LEVEL_HIGH 4
#define PCI_SPACE_MEM32 0x02000000
#define UART_SPI 1 /* the binding wants one; it is never raised */

/* libfdt remembers the first error: fdt_finish() gives it. */
static void cells(void *fdt, const char *name, const uint32_t *cell,
		  unsigned int count)
{
	fdt32_t *at;

	if (fdt_property_placeholder(fdt, name, (int)(4 * count), (void **)&at))
		return;
	for (; count; count--)
		fdt32_st(at++, *cell++);
}

#define CELLS(fdt, name, ...)                               \
	cells(fdt, name, (const uint32_t[]){ __VA_ARGS__ }, \
	      sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

#define CELL64(val) (uint32_t)((val) >> 32), (uint32_t)(val)

static void write_cpu(void *fdt, const struct guest_tree *tree)
{
	fdt_begin_node(fdt, "cpus");
	CELLS(fdt, "#address-cells", 2);
	CELLS(fdt, "#size-cells", 0);
	fdt_begin_node(fdt, "cpu");
	fdt_property_string(fdt, "device_type", "cpu");
	fdt_property_string(fdt, "compatible", "arm,armv8");
	CELLS(fdt, "reg", CELL64(tree->mpidr));
	fdt_property_string(fdt, "enable-method", "psci");
	fdt_end_node(fdt);
	fdt_end_node(fdt);

	fdt_begin_node(fdt, "psci");
	fdt_property_string(fdt, "compatible", "arm,psci-1.0");
	fdt_property_string(fdt, "method", "smc");
	fdt_end_node(fdt);

	fdt_begin_node(fdt, "timer");
	fdt_property_string(fdt, "compatible", "arm,armv8-timer");
	/* Secure, physical, virtual, hypervisor: BSA's numbers. */
	CELLS(fdt, "interrupts", GIC_PPI, 13, IRQ_LEVEL_HIGH, GIC_PPI, 14,
	      IRQ_LEVEL_HIGH, GIC_PPI, 11, IRQ_LEVEL_HIGH, GIC_PPI, 10,
	      IRQ_LEVEL_HIGH);
	fdt_property(fdt, "always-on", NULL, 0);
	fdt_end_node(fdt);
}

static void write_memory(void *fdt, const struct guest_tree *tree)
{
	uint64_t initrd = GUEST_RAM + GUEST_INITRD;

	fdt_begin_node(fdt, "memory@40000000");
	fdt_property_string(fdt, "device_type", "memory");
	CELLS(fdt, "reg", CELL64(GUEST_RAM), CELL64(tree->ram_size));
	fdt_end_node(fdt);

	fdt_begin_node(fdt, "chosen");
	fdt_property_string(fdt, "bootargs", tree->bootargs);
	CELLS(fdt, "linux,initrd-start", CELL64(initrd));
	CELLS(fdt, "linux,initrd-end", CELL64(initrd + tree->initrd_size));
	fdt_property_string(fdt, "stdout-path", "/uart@9000000");
	fdt_end_node(fdt);
}

static void write_gic(void *fdt)
{
	fdt_begin_node(fdt, "interrupt-controller@8000000");
	fdt_property_string(fdt, "compatible", "arm,gic-v3");
	CELLS(fdt, "phandle", PHANDLE_GIC);
	CELLS(fdt, "#interrupt-cells", 3);
	CELLS(fdt, "#address-cells", 0);
	fdt_property(fdt, "interrupt-controller", NULL, 0);
	CELLS(fdt, "reg", CELL64(GUEST_GICD), CELL64((uint64_t)GICD_SIZE),
	      CELL64(GUEST_GICR), CELL64((uint64_t)2 * GICR_FRAME));
	fdt_end_node(fdt);
}

static void write_uart(void *fdt)
{
	fdt_begin_node(fdt, "uart@9000000");
	fdt_property_string(fdt, "compatible", "arm,sbsa-uart");
	CELLS(fdt, "reg", CELL64(GUEST_UART), CELL64((uint64_t)0x1000));
	CELLS(fdt, "interrupts", GIC_SPI, UART_SPI, IRQ_LEVEL_HIGH);
	CELLS(fdt, "current-speed", 115200);
	fdt_end_node(fdt);
}

/* Whichever device, and pin: there is one interrupt. */
static void write_pci(void *fdt, const struct guest_tree *tree)
{
	uint32_t spi = tree->intid - GIC_FIRST_SPI;

	fdt_begin_node(fdt, "pcie@30000000");
	fdt_property_string(fdt, "compatible", "pci-host-ecam-generic");
	fdt_property_string(fdt, "device_type", "pci");
	CELLS(fdt, "reg", CELL64(GUEST_ECAM), CELL64(GUEST_ECAM_SIZE));
	CELLS(fdt, "bus-range", 0, 0);
	CELLS(fdt, "#address-cells", 3);
	CELLS(fdt, "#size-cells", 2);
	CELLS(fdt, "#interrupt-cells", 1);
	CELLS(fdt, "ranges", PCI_SPACE_MEM32, CELL64(GUEST_PCI_MEM),
	      CELL64(GUEST_PCI_MEM), CELL64(GUEST_PCI_MEM_SIZE));
	CELLS(fdt, "interrupt-map-mask", 0, 0, 0, 0);
	CELLS(fdt, "interrupt-map", 0, 0, 0, 0, PHANDLE_GIC, GIC_SPI, spi,
	      IRQ_LEVEL_HIGH);
	fdt_property(fdt, "dma-coherent", NULL, 0);
	fdt_end_node(fdt);
}

int guest_tree_write(void *fdt, const struct guest_tree *tree)
{
	fdt_create(fdt, GUEST_TREE_SIZE);
	fdt_finish_reservemap(fdt);
	fdt_begin_node(fdt, "");
	fdt_property_string(fdt, "compatible", "holdfast,guest");
	fdt_property_string(fdt, "model", "Holdfast guest");
	CELLS(fdt, "#address-cells", 2);
	CELLS(fdt, "#size-cells", 2);
	CELLS(fdt, "interrupt-parent", PHANDLE_GIC);
	write_cpu(fdt, tree);
	write_memory(fdt, tree);
	write_gic(fdt);
	write_uart(fdt);
	write_pci(fdt, tree);
	fdt_end_node(fdt);
	return fdt_finish(fdt) ? -ENOSPC : 0;
}
