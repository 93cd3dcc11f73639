/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot of the hypervisor on QEMU's "virt": its own memory, the hardware
 * domain's view of the machine, and then that domain's kernel.
 */
#include <holdfast/errno.h>

#include "arch.h"
#include "board.h"
#include "devicetree.h"
#include "guest.h"
#include "hwdom.h"
#include "mgmt.h"
#include "sysreg.h"
#include "trap.h"

/* In an arm64 Image (Documentation/arm64/booting.rst): "ARM\x64". */
#define IMAGE_MAGIC_OFFSET 0x38
#define IMAGE_MAGIC 0x644d5241

#define HWDOM_VMID 1

extern char bss_end[];

static struct fdt_memory hwdom_ram;
static uint8_t hotplug_buses;
static struct smmu_setup smmu; /* .registers NULL: there is none */

/* What the hardware domain has of the machine, PCI apart (hw/arm/virt.c). */
static const struct fdt_memory devices[] = {
	{ 0x08000000, 0x01000000 }, /* interrupt controller, with its ITS */
	{ BOARD_UART, 0x1000 },     /* console */
	{ 0x09010000, 0x1000 },     /* real-time clock */
	{ 0x09030000, 0x1000 },     /* power button */
};

/* What reads and writes memory past the SMMU, and flash. */
static const char *const hidden[] = { "qemu,fw-cfg-mmio", "virtio,mmio",
				      "cfi-flash" };

void board_stop(void)
{
	psci_system_off();
}

static int64_t hwdom_system_off(struct cpu *cpu, bool reset)
{
	(void)cpu;
	plat_log(PLAT_INFO, "the hardware domain %s",
		 reset ? "resets the machine" : "switches the machine off");
	hwdom_say_counts();
	psci_system_off();
}

static struct vm hwdom = {
	.smp = true,
	.mmio = hwdom_mmio,
	.hvc = mgmt_hvc,
	.system_off = hwdom_system_off,
	.resume = hwdom_resume,
};

/* All of the hypervisor's RAM that its image leaves. */
static void init_pool(void)
{
	uint64_t end = BOARD_RAM + BOARD_HYPERVISOR_SIZE;

	plat_pool_init(bss_end, end - (uint64_t)bss_end);
}

static void map(uint64_t start, uint64_t size)
{
	if (stage2_map(&hwdom.s2, start, start, size))
		plat_bug("no room for the hardware domain's stage 2");
}

/*
 * Its devices reach its RAM, and no BARs: those may be another's. Where there is
 * no SMMU they reach everything.
 */
static void init_dma(const struct fdt_memory *ram)
{
	const struct smmu_memory memory[] = {
		{ .start = ram->start, .size = ram->size },
		{ .start = BOARD_GITS_TRANSLATER & ~(STAGE2_PAGE - 1),
		  .size = STAGE2_PAGE,
		  .device = true },
	};

	if (!smmu.registers) {
		plat_log(PLAT_WARN, "no SMMU: devices reach all memory");
		hwdom_init(&hwdom.s2, NULL, hotplug_buses);
		return;
	}
	smmu.doorbell = BOARD_GITS_TRANSLATER;
	smmu.memory = memory;
	smmu.memories = ARRAY_SIZE(memory);
	hwdom_init(&hwdom.s2, &smmu, hotplug_buses);
}

/* Everything at its own address. */
static void init_hwdom(const struct fdt_memory *ram)
{
	size_t i;

	if (stage2_init(&hwdom.s2, HWDOM_VMID))
		plat_bug("no room for the hardware domain's stage 2");
	for (i = 0; i < ARRAY_SIZE(devices); i++)
		map(devices[i].start, devices[i].size);
	map(ram->start, ram->size);
	init_dma(ram);
	guest_init();
}

/* What the device tree says of the machine … */
static void read_machine(const void *fdt)
{
	const uint64_t guest_end = BOARD_GUEST_INITRD + BOARD_GUEST_INITRD_SIZE;
	struct fdt_memory ram;

	fdt_check(fdt);
	if (fdt_get_memory(fdt, &ram) || ram.start != BOARD_RAM ||
	    ram.start + ram.size < guest_end || fdt_add_cpus(fdt))
		plat_bug("a device tree of another machine");
	hotplug_buses = fdt_hotplug_buses(fdt);
	mmu_map_ram(ram.start, ram.size);
	mmu_map_device(BOARD_ECAM, BOARD_ECAM_SIZE);
	mmu_map_device(BOARD_PCI_MEM64, BOARD_PCI_MEM64_SIZE);
	hwdom_ram.start = ram.start + BOARD_HYPERVISOR_SIZE;
	hwdom_ram.size = BOARD_GUEST_RAM - hwdom_ram.start;
}

/* … and what it is to say to the hardware domain. */
static void edit_machine(void *fdt)
{
	int err = fdt_take_smmu(fdt, &smmu);
	size_t i;

	if (fdt_set_memory(fdt, &hwdom_ram) || (err && err != -ENOENT))
		plat_bug("the device tree cannot be changed");
	for (i = 0; i < ARRAY_SIZE(hidden); i++)
		if (fdt_hide(fdt, hidden[i]))
			plat_bug("%s cannot be hidden", hidden[i]);
}

static void check_kernel(void)
{
	if (*(const uint32_t *)(BOARD_KERNEL + IMAGE_MAGIC_OFFSET) !=
	    IMAGE_MAGIC)
		plat_bug("no arm64 Image at %llx",
			 (unsigned long long)BOARD_KERNEL);
}

void board_main(void *fdt)
{
	struct cpu *cpu = &cpus[0];

	cpu_init(cpu);
	cpu->on = true; /* firmware's doing */
	cpu->vm = &hwdom;
	plat_rcu_enter();
	read_machine(fdt);
	edit_machine(fdt);
	init_pool();
	init_hwdom(&hwdom_ram);
	check_kernel();
	plat_log(PLAT_INFO, "EL2, %u CPUs, %llu MiB for the hardware domain",
		 ncpus, (unsigned long long)hwdom_ram.size >> 20);
	cpu_setup_guest(cpu);
	cache_clean(fdt, 1 << 20);
	plat_rcu_leave();
	guest_enter(BOARD_KERNEL, (uint64_t)fdt);
}
