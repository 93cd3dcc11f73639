/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second guest. Its CPU is one that the hardware domain has switched off,
 * and is off again when the guest has ended; its memory was never the hardware
 * domain's. Its device comes by pci_assign_device(), with its DMA confined to
 * that memory; what it sees of it is its own view.
 *
 * It is started by a CPU of the hardware domain, runs and ends on its own:
 *
 *	OFF → STARTING → RUNNING → STOPPING → OFF
 *
 * Who moves it out of OFF, or to STOPPING, does so under the lock, and so alone.
 * While it is STARTING it is its starter's, until its CPU is on; from then on its
 * CPU's. To stop it its memory is taken from its stage 2: wherever it is, its next
 * instruction traps. Where it would wait is a trap, too: the hypervisor waits
 * then, and who stops it ends that.
 */
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/vpci.h>

#include "board.h"
#include "gic.h"
#include "guest.h"
#include "guest_tree.h"
#include "hwdom.h"
#include "sysreg.h"
#include "vgic.h"

#define GUEST_VMID 2
#define CLEARED_AT_ONCE 0x100000
#define STOP_TIME (5 * PLAT_NSEC_PER_SEC)
#define CPU_TIME (100 * PLAT_NSEC_PER_MSEC) /* for one to go off */

/* An arm64 Image (Documentation/arm64/booting.rst). */
struct image {
	uint32_t code[2];
	uint64_t text_offset, image_size, flags, reserved[3];
	uint32_t magic, reserved2;
};
#define IMAGE_MAGIC 0x644d5241 /* "ARM\x64" */

static struct guest {
	plat_lock_t lock; /* guards state, starts, device, cpu, line */
	enum guest_state state;
	unsigned int starts;
	pci_sbdf_t device;
	struct cpu *cpu;
	char line[VUART_LINE];

	struct vm vm;
	struct domain *domain; /* owns a reference */
	struct vpci_vcpu vcpu;
	struct vgic vgic;
	struct vuart vuart;
	plat_event_t ended;
} guest;

static bool move(enum guest_state from, enum guest_state to)
{
	bool moved;

	plat_lock(&guest.lock);
	moved = guest.state == from;
	if (moved)
		guest.state = to;
	plat_unlock(&guest.lock);
	return moved;
}

static bool is_stopping(void)
{
	bool stopping;

	plat_lock(&guest.lock);
	stopping = guest.state == GUEST_STOPPING;
	plat_unlock(&guest.lock);
	return stopping;
}

/* --- its device ---------------------------------------------------------------- */

static int map_bar(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	/* The hardware domain had put it where it likes. */
	if (!hwdom_is_memory_space(m->hpa, m->size))
		return -ERANGE;
	return stage2_map(&guest.vm.s2, m->gpa, m->hpa, m->size);
}

/* Without memory to split a block the whole window goes: all of it is BARs. */
static void unmap_bar(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	if (stage2_unmap(&guest.vm.s2, m->gpa, m->size) &&
	    stage2_unmap(&guest.vm.s2, GUEST_PCI_MEM, GUEST_PCI_MEM_SIZE))
		plat_bug("the second guest's BARs stay mapped");
}

/* Its wire may be up, and nobody would make the device lower it. */
static void taken(struct domain *d, pci_sbdf_t sbdf)
{
	char at[PCI_SBDF_LEN];

	(void)d;
	gic_disable(guest.vgic.intid);
	plat_log(PLAT_INFO, "%s was taken from the second guest",
		 pci_sbdf_print(at, sbdf));
}

static const struct domain_ops ops = {
	.map = map_bar,
	.unmap = unmap_bar,
	.taken = taken,
};

/* The device is the hardware domain's again, or in quarantine. */
static void take_back(void)
{
	vpci_vcpu_fini(&guest.vcpu);
	if (domain_destroy(guest.domain))
		plat_bug("the second guest's domain stays");
	domain_put(guest.domain);
	guest.domain = NULL;
}

static int give(pci_sbdf_t sbdf)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);
	int ret = domain_create(0, "guest", &ops, NULL, &guest.domain);

	if (ret)
		return ret;
	vpci_vcpu_init(&guest.vcpu, guest.domain);
	ret = vpci_ecam_add(guest.domain, GUEST_ECAM, 0, 0, 0);
	if (!ret)
		ret = vpci_window_add(guest.domain, GUEST_PCI_MEM,
				      GUEST_PCI_MEM_SIZE);
	if (!ret)
		ret = domain_dma_map(guest.domain, GUEST_RAM, BOARD_GUEST_RAM,
				     BOARD_GUEST_RAM_SIZE,
				     IOMMU_READ | IOMMU_WRITE);
	if (!ret)
		ret = pci_assign_device(guest.domain, sbdf, 0, &vsbdf, NULL);
	if (ret)
		take_back();
	return ret;
}

/* --- traps ------------------------------------------------------------------------ */

static bool inside(uint64_t address, uint64_t start, uint64_t size)
{
	return address >= start && address - start < size;
}

static enum mmio_verdict pci_access(struct mmio *access)
{
	bool config = inside(access->address, GUEST_ECAM, GUEST_ECAM_SIZE);
	enum pci_verdict verdict;

	if (config && access->write)
		verdict = vpci_ecam_write(&guest.vcpu, access->address,
					  access->size, access->value);
	else if (config)
		verdict = vpci_ecam_read(guest.domain, access->address,
					 access->size, &access->value);
	else if (access->write)
		verdict = vpci_mmio_write(&guest.vcpu, access->address,
					  access->size, access->value);
	else
		verdict = vpci_mmio_read(guest.domain, access->address,
					 access->size, &access->value);
	return verdict == PCI_AGAIN ? MMIO_AGAIN : MMIO_DONE;
}

static void hear(uint64_t offset, struct mmio *access)
{
	if (!vuart_access(&guest.vuart, offset, access))
		return;
	plat_log(PLAT_INFO, "guest| %s", guest.vuart.line);
	plat_lock(&guest.lock);
	memcpy(guest.line, guest.vuart.line, sizeof(guest.line));
	plat_unlock(&guest.lock);
}

static enum mmio_verdict guest_mmio(struct cpu *cpu, struct mmio *access)
{
	uint64_t at = access->address;

	(void)cpu;
	if (inside(at, GUEST_ECAM, GUEST_ECAM_SIZE) ||
	    inside(at, GUEST_PCI_MEM, GUEST_PCI_MEM_SIZE))
		return pci_access(access);
	if (inside(at, GUEST_GICD, GICD_SIZE))
		vgic_distributor(&guest.vgic, at - GUEST_GICD, access);
	else if (inside(at, GUEST_GICR, GICR_FRAME))
		vgic_redistributor(&guest.vgic, at - GUEST_GICR, access);
	else if (inside(at, GUEST_UART, VUART_SIZE))
		hear(at - GUEST_UART, access);
	else
		return MMIO_ABORT;
	return MMIO_DONE;
}

static bool guest_msr(struct cpu *cpu, uint64_t reg, uint64_t val)
{
	(void)cpu;
	if (reg != SYSREG_ICC_SGI1R)
		return false;
	vgic_sgi(&guest.vgic, val);
	return true;
}

/* Without sections, as in the guest (rcu.c). */
static void guest_wait(struct cpu *cpu)
{
	(void)cpu;
	plat_rcu_leave();
	gic_wait(guest.vgic.gicr);
	plat_rcu_enter();
}

/* --- its end ------------------------------------------------------------------------ */

static int64_t guest_system_off(struct cpu *cpu, bool reset)
{
	(void)cpu;
	(void)reset;
	move(GUEST_RUNNING, GUEST_STOPPING); /* finish() is next */
	return 0;
}

static void unmap_all(void)
{
	if (stage2_unmap(&guest.vm.s2, 0, BIT(STAGE2_IPA_BITS)))
		plat_bug("the second guest's memory stays mapped");
}

/* On its CPU. */
static void finish(struct cpu *cpu)
{
	gic_route(guest.vgic.intid, cpus[0].mpidr);
	take_back();
	unmap_all();
	plat_log(PLAT_INFO, "the second guest has ended");
	plat_lock(&guest.lock); /* nobody starts another in between */
	guest.state = GUEST_OFF;
	plat_event_set(&guest.ended);
	plat_unlock(&guest.lock);
	psci_cpu_off(cpu);
}

static void guest_resume(struct cpu *cpu)
{
	do {
		if (is_stopping())
			finish(cpu);
		board_poll();
		plat_rcu_quiescent();
	} while (vpci_process_pending(&guest.vcpu, NULL) == PCI_AGAIN);
}

/* --- its start ----------------------------------------------------------------------- */

static void *ram_at(uint64_t offset)
{
	return (void *)(BOARD_GUEST_RAM + offset);
}

/* What the last guest has left. No section is open: who waits need not for this. */
static void clear(void)
{
	uint64_t at;

	for (at = 0; at < BOARD_GUEST_RAM_SIZE; at += CLEARED_AT_ONCE) {
		memset(ram_at(at), 0, CLEARED_AT_ONCE);
		cache_clean(ram_at(at), CLEARED_AT_ONCE);
		plat_rcu_quiescent();
	}
}

static int load(void)
{
	const struct image *image = (const struct image *)BOARD_GUEST_IMAGE;
	struct guest_tree tree = {
		.mpidr = guest.vgic.mpidr,
		.intid = guest.vgic.intid,
		.ram_size = BOARD_GUEST_RAM_SIZE,
		.initrd_size = BOARD_GUEST_INITRD_SIZE,
		.bootargs = BOARD_GUEST_BOOTARGS,
	};

	clear();
	memcpy(ram_at(GUEST_KERNEL), image, image->image_size);
	memcpy(ram_at(GUEST_INITRD), (const void *)BOARD_GUEST_INITRD,
	       BOARD_GUEST_INITRD_SIZE);
	if (guest_tree_write(ram_at(GUEST_TREE), &tree))
		return -ENOSPC;
	cache_clean(ram_at(0), GUEST_TREE + GUEST_TREE_SIZE);
	return 0;
}

/* On its CPU, before its first instruction. */
static void guest_begin(struct cpu *cpu)
{
	struct vgic *vgic = &guest.vgic;

	vgic->mpidr = cpu->mpidr;
	vgic->gicr = gic_redistributor(cpu->mpidr);
	if (!vgic->gicr || load() ||
	    stage2_map(&guest.vm.s2, GUEST_RAM, BOARD_GUEST_RAM,
		       BOARD_GUEST_RAM_SIZE) ||
	    stage2_map(&guest.vm.s2, GUEST_GICR + GICR_FRAME,
		       vgic->gicr + GICR_FRAME, GICR_FRAME)) {
		plat_log(PLAT_ERROR, "the second guest cannot be set up");
		move(GUEST_STARTING, GUEST_STOPPING);
		finish(cpu);
	}
	gic_route(vgic->intid, cpu->mpidr);
	/* With HCR_EL2.FMO what it writes to the mask is a virtual one's. */
	sysreg_write(ICC_PMR_EL1, ICC_PMR_ALL);
	plat_lock(&guest.lock);
	guest.starts++;
	guest.state = GUEST_RUNNING;
	plat_unlock(&guest.lock);
}

static bool try_cpu(struct cpu *cpu)
{
	if (psci_cpu_on(cpu, &guest.vm, GUEST_RAM + GUEST_KERNEL,
			GUEST_RAM + GUEST_TREE))
		return false;
	plat_lock(&guest.lock);
	guest.cpu = cpu;
	plat_unlock(&guest.lock);
	return true;
}

/* The last that is off. One that ran a guest may be about to go off. */
static int switch_on(void)
{
	uint64_t deadline = plat_now() + CPU_TIME;
	unsigned int i;

	do {
		for (i = ncpus; i-- > 0;)
			if (try_cpu(&cpus[i]))
				return 0;
		plat_rcu_quiescent();
		plat_relax();
	} while (plat_now() < deadline);
	return -EBUSY;
}

static bool has_image(void)
{
	const struct image *image = (const struct image *)BOARD_GUEST_IMAGE;

	return image->magic == IMAGE_MAGIC &&
	       image->image_size <= BOARD_GUEST_IMAGE_SIZE;
}

int guest_start(pci_sbdf_t sbdf)
{
	int ret;

	if (!has_image())
		return -ENODEV;
	if (!move(GUEST_OFF, GUEST_STARTING))
		return -EALREADY;
	plat_event_clear(&guest.ended);
	guest.vuart.len = 0;
	plat_lock(&guest.lock);
	guest.device = sbdf;
	guest.line[0] = '\0';
	plat_unlock(&guest.lock);
	ret = give(sbdf);
	if (!ret) {
		ret = switch_on();
		if (ret)
			take_back();
	}
	if (ret)
		move(GUEST_STARTING, GUEST_OFF);
	return ret;
}

int guest_stop(void)
{
	bool running;

	plat_lock(&guest.lock); /* it is this guest until it is unmapped */
	running = guest.state == GUEST_RUNNING;
	if (running) {
		guest.state = GUEST_STOPPING;
		unmap_all();
	}
	plat_unlock(&guest.lock);
	if (!running)
		return -ENOENT;
	gic_kick(guest.vgic.mpidr, guest.vgic.gicr);
	return plat_event_wait(&guest.ended, plat_now() + STOP_TIME)
		       ? 0
		       : -ETIMEDOUT;
}

void guest_query(struct guest_info *info)
{
	plat_lock(&guest.lock);
	info->state = guest.state;
	info->starts = guest.starts;
	info->device = guest.device;
	info->cpu = guest.cpu ? guest.cpu->plat.id : 0;
	memcpy(info->line, guest.line, sizeof(info->line));
	plat_unlock(&guest.lock);
}

void guest_init(void)
{
	plat_lock_init(&guest.lock);
	plat_event_init(&guest.ended);
	guest.vgic.intid = BOARD_GUEST_INTID;
	guest.vm.hcr = HCR_FMO | HCR_TWI | HCR_TWE;
	guest.vm.start = guest_begin;
	guest.vm.mmio = guest_mmio;
	guest.vm.msr = guest_msr;
	guest.vm.wait = guest_wait;
	guest.vm.system_off = guest_system_off;
	guest.vm.resume = guest_resume;
	if (stage2_init(&guest.vm.s2, GUEST_VMID))
		plat_bug("no room for the second guest's stage 2");
}
