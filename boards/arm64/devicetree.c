/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree, through libfdt (Devicetree Specification 0.4). */
#include <libfdt.h>

#include <holdfast/errno.h>

#include "arch.h"
#include "devicetree.h"
#include "smmuv3.h"

void fdt_check(const void *fdt)
{
	int err = fdt_check_header(fdt);

	if (err)
		plat_bug("no device tree at %p: %s", fdt, fdt_strerror(err));
}

/* The one node of RAM. */
static int memory_node(const void *fdt)
{
	static const char type[] = "memory";

	return fdt_node_offset_by_prop_value(fdt, -1, "device_type", type,
					     sizeof(type));
}

int fdt_get_memory(const void *fdt, struct fdt_memory *memory)
{
	int len, node = memory_node(fdt);
	const fdt64_t *reg = fdt_getprop(fdt, node, "reg", &len);

	if (!reg || len != 2 * sizeof(*reg) || fdt_address_cells(fdt, 0) != 2 ||
	    fdt_size_cells(fdt, 0) != 2)
		return -EINVAL;
	memory->start = fdt64_ld(&reg[0]);
	memory->size = fdt64_ld(&reg[1]);
	return 0;
}

int fdt_set_memory(void *fdt, const struct fdt_memory *memory)
{
	fdt64_t reg[2] = { cpu_to_fdt64(memory->start),
			   cpu_to_fdt64(memory->size) };

	return fdt_setprop_inplace(fdt, memory_node(fdt), "reg", reg,
				   sizeof(reg))
		       ? -EINVAL
		       : 0;
}

uint8_t fdt_hotplug_buses(const void *fdt)
{
	static const char name[] = "hpbussize=";
	int len, chosen = fdt_path_offset(fdt, "/chosen");
	const char *args = fdt_getprop(fdt, chosen, "bootargs", &len);
	unsigned long n = 0;

	if (!args || !memchr(args, 0, (size_t)len))
		return 1;
	for (; *args; args++)
		if (!strncmp(args, name, sizeof(name) - 1))
			n = strtoul(args + sizeof(name) - 1, NULL, 0);
	return n && n <= UINT8_MAX ? (uint8_t)n : 1;
}

int fdt_hide(void *fdt, const char *compatible)
{
	int node, err = 0;

	while (!err) {
		node = fdt_node_offset_by_compatible(fdt, -1, compatible);
		if (node < 0)
			return 0;
		err = fdt_nop_node(fdt, node);
	}
	return -EINVAL;
}

int fdt_add_cpus(const void *fdt)
{
	int node, len, parent = fdt_path_offset(fdt, "/cpus");
	int cells = fdt_address_cells(fdt, parent);
	const char *type;
	const char *reg;

	if (parent < 0 || (cells != 1 && cells != 2))
		return -EINVAL;
	fdt_for_each_subnode(node, fdt, parent)
	{
		type = fdt_getprop(fdt, node, "device_type", NULL);
		reg = fdt_getprop(fdt, node, "reg", &len);
		if (!type || strcmp(type, "cpu") || !reg || len != 4 * cells)
			continue;
		cpu_add(cells == 1 ? fdt32_ld((const fdt32_t *)reg)
				   : fdt64_ld((const fdt64_t *)reg));
	}
	return 0;
}

/* iommu-map: requester ID, phandle, StreamID, length; one row for them all. */
int fdt_take_smmu(void *fdt, struct smmu_setup *smmu)
{
	int len, unit, bridge;
	const fdt64_t *reg;
	const fdt32_t *map;

	unit = fdt_node_offset_by_compatible(fdt, -1, "arm,smmu-v3");
	bridge =
		fdt_node_offset_by_compatible(fdt, -1, "pci-host-ecam-generic");
	if (unit < 0 || bridge < 0)
		return -ENOENT;
	map = fdt_getprop(fdt, bridge, "iommu-map", &len);
	if (!map)
		return -ENOENT;
	if (len != 4 * sizeof(*map) || fdt32_ld(&map[0]) ||
	    fdt32_ld(&map[1]) != fdt_get_phandle(fdt, unit) ||
	    fdt32_ld(&map[3]) != UINT16_MAX + 1)
		return -EINVAL;
	smmu->stream = fdt32_ld(&map[2]);
	reg = fdt_getprop(fdt, unit, "reg", &len);
	if (!reg || len != 2 * sizeof(*reg) ||
	    fdt64_ld(&reg[1]) < SMMU_REGISTERS_SIZE)
		return -EINVAL;
	smmu->registers = (volatile char *)fdt64_ld(&reg[0]);
	return fdt_nop_property(fdt, bridge, "iommu-map") ||
			       fdt_nop_node(fdt, unit)
		       ? -EINVAL
		       : 0;
}
