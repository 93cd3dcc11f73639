/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware domain's way to PCI: trap → core → answer.
 *
 * Configuration space is never mapped for it. Memory space is, a BAR at a time,
 * as the core says (domain_ops.map), so that a BAR of what was taken away traps
 * and reads all-ones.
 *
 * What was found at boot is registered. A function that appears later is added
 * when the hardware domain first reads its Vendor ID; but not one that was here
 * before and has gone: it would come back whenever a driver looks whether its
 * device is still there. pci_add_device() has it back.
 */
#include <holdfast/atomic.h>
#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/event.h>
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>

#include <ecam.h>

#include "board.h"
#include "buses.h"
#include "hwdom.h"
#include "mgmt.h"
#include "places.h"
#include "removals.h"
#include "slot.h"
#include "use.h"

#define LAST_BUS ((uint8_t)((BOARD_ECAM_SIZE >> 20) - 1))
#define BLOCK_SIZE UINT64_C(0x200000) /* what one entry of stage 2 can map */

#define COUNTED_BUSES 16

static struct ecam_count counts[COUNTED_BUSES * 256];
static const struct ecam_window windows[] = {
	{ BOARD_PCI_MEM32, BOARD_PCI_MEM32_SIZE, (char *)BOARD_PCI_MEM32 },
	{ BOARD_PCI_MEM64, BOARD_PCI_MEM64_SIZE, (char *)BOARD_PCI_MEM64 },
};
static struct ecam_host host = {
	.config = (char *)BOARD_ECAM,
	.last_bus = LAST_BUS,
	.window = windows,
	.windows = ARRAY_SIZE(windows),
	.count = counts,
	.counted = ARRAY_SIZE(counts),
	.adding = buses_adding,
};

static struct stage2 *stage2;
static struct vpci_vcpu vcpus[PLAT_EL2_CPUS]; /* each CPU its own */

struct stage2 *hwdom_stage2(void)
{
	return stage2;
}

static void must(int err, const char *what)
{
	if (err)
		plat_bug("%s: error %d", what, err);
}

/* --- memory space ------------------------------------------------------------------ */

bool hwdom_is_memory_space(uint64_t start, uint64_t size)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(windows); i++)
		if (start >= windows[i].start && size <= windows[i].size &&
		    start - windows[i].start <= windows[i].size - size)
			return true;
	return false;
}

/*
 * Without memory to split a block, all of it goes: the rest is somebody's BAR,
 * too, and what traps there is answered as the hardware would.
 */
static void take_out(uint64_t at, uint64_t size)
{
	uint64_t start = at & ~(BLOCK_SIZE - 1);
	uint64_t end = (at + size + BLOCK_SIZE - 1) & ~(BLOCK_SIZE - 1);

	if (stage2_unmap(stage2, at, size))
		must(stage2_unmap(stage2, start, end - start), "stage 2");
}

void hwdom_withdraw(uint64_t start, uint64_t last)
{
	const uint64_t mask = STAGE2_PAGE - 1;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(windows); i++) {
		uint64_t first = windows[i].start;
		uint64_t end = first + windows[i].size - 1;

		if (first < start)
			first = start & ~mask;
		if (end > last)
			end = last | mask;
		if (first < end)
			take_out(first, end + 1 - first);
	}
}

/* A BAR is wherever the hardware domain has put it: not over other memory. */
static int map(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	if (!hwdom_is_memory_space(m->hpa, m->size))
		return -ERANGE;
	return places_map(stage2, m);
}

static void unmap(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	take_out(m->gpa, m->size);
}

static const struct domain_ops hwdom_ops = { .map = map, .unmap = unmap };

/* --- configuration space ------------------------------------------------------------ */

/* Bus, device and function of each that was ever added: a bit. */
static hf_atomic(uint32_t) was_here[(UINT16_MAX + 1) / 32];

/* Under a leaf lock of the core. */
static void note_added(struct pci_event_listener *self,
		       const struct pci_event *event)
{
	uint16_t bdf = event->sbdf.bdf;

	(void)self;
	if (event->type == PCI_EVENT_ADDED)
		hf_fetch_or_relaxed(&was_here[bdf / 32], 1u << bdf % 32);
}

static struct pci_event_listener listener = { .event = note_added };

static pci_sbdf_t function_at(uint64_t address)
{
	return pci_sbdf_from((uint32_t)((address - BOARD_ECAM) >> 12));
}

static uint16_t register_at(const struct mmio *access)
{
	return access->address % PCI_CFG_SPACE_EXP_SIZE;
}

static bool is_known(pci_sbdf_t sbdf)
{
	return hf_load_relaxed(&was_here[sbdf.bdf / 32]) & 1u << sbdf.bdf % 32;
}

void hwdom_say_counts(void)
{
	char at[PCI_SBDF_LEN];
	pci_sbdf_t sbdf = { 0 };

	for (; sbdf.bdf < ARRAY_SIZE(counts); sbdf.bdf++)
		if (is_known(sbdf))
			plat_log(PLAT_INFO, "%s config: %u reads, %u writes",
				 pci_sbdf_print(at, sbdf),
				 hf_load_relaxed(&counts[sbdf.bdf].reads),
				 hf_load_relaxed(&counts[sbdf.bdf].writes));
}

void hwdom_traffic(uint64_t *reads, uint64_t *writes)
{
	size_t i;

	*reads = *writes = 0;
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		*reads += hf_load_relaxed(&counts[i].reads);
		*writes += hf_load_relaxed(&counts[i].writes);
	}
}

/* Nobody answered for its Vendor ID. True: somebody does now. */
static bool look_for(pci_sbdf_t sbdf)
{
	uint32_t vendor;

	if (is_known(sbdf))
		return false;
	vendor = pci_conf_read(sbdf, PCI_VENDOR_ID, 2);
	if (!vendor || vendor == PCI_VENDOR_ID_NONE)
		return false;
	return !pci_add_device(sbdf);
}

static enum pci_verdict config_read(struct mmio *access)
{
	uint64_t at = access->address;
	enum pci_verdict verdict = vpci_ecam_read(hardware_domain, at,
						  access->size, &access->value);

	if (verdict == PCI_DONE &&
	    at % PCI_CFG_SPACE_EXP_SIZE == PCI_VENDOR_ID &&
	    (uint16_t)access->value == PCI_VENDOR_ID_NONE &&
	    look_for(function_at(at)))
		verdict = vpci_ecam_read(hardware_domain, at, access->size,
					 &access->value);
	return verdict;
}

static enum pci_verdict config_write(struct vpci_vcpu *vcpu,
				     const struct mmio *access)
{
	enum pci_verdict verdict = vpci_ecam_write(vcpu, access->address,
						   access->size, access->value);

	if (verdict == PCI_DONE)
		use_written(function_at(access->address), register_at(access),
			    access->size);
	return verdict;
}

/* The hypervisor's own function; eight bytes are no access to it. */
static enum pci_verdict mgmt_access(struct mmio *access)
{
	uint16_t reg = register_at(access);

	if (access->write)
		mgmt_config_write(reg, access->size, (uint32_t)access->value);
	else
		access->value = mgmt_config_read(reg, access->size);
	return PCI_DONE;
}

static enum pci_verdict config_access(struct vpci_vcpu *vcpu,
				      struct mmio *access)
{
	if (function_at(access->address).sbdf == MGMT_SBDF)
		return mgmt_access(access);
	return access->write ? config_write(vcpu, access) : config_read(access);
}

/* --- traps ----------------------------------------------------------------------------- */

static bool is_port(uint64_t address)
{
	return address >= BOARD_PCI_IO &&
	       address - BOARD_PCI_IO < BOARD_PCI_IO_SIZE;
}

/*
 * I/O BARs are none of the core's: it could not take them away from a device
 * that is removed, or another's. So nobody has them.
 */
static enum mmio_verdict nobodys_port(struct mmio *access)
{
	access->value = UINT64_MAX;
	return MMIO_DONE;
}

/* What is not mapped of BARs: in a section, with the look at whose it is. */
static enum pci_verdict memory_access(struct vpci_vcpu *vcpu,
				      struct mmio *access)
{
	enum pci_verdict verdict = PCI_DONE;

	plat_rcu_read_lock();
	if (places_are_others(access->address, access->size))
		access->value = UINT64_MAX;
	else if (access->write)
		verdict = vpci_mmio_write(vcpu, access->address, access->size,
					  access->value);
	else
		verdict = vpci_mmio_read(hardware_domain, access->address,
					 access->size, &access->value);
	plat_rcu_read_unlock();
	return verdict;
}

enum mmio_verdict hwdom_mmio(struct cpu *cpu, struct mmio *access)
{
	struct vpci_vcpu *vcpu = &vcpus[cpu->plat.id];
	enum pci_verdict verdict;

	if (vpci_ecam_covers(hardware_domain, access->address))
		verdict = config_access(vcpu, access);
	else if (is_port(access->address))
		return nobodys_port(access);
	else if (!hwdom_is_memory_space(access->address, access->size))
		return MMIO_ABORT;
	else
		verdict = memory_access(vcpu, access);
	return verdict == PCI_AGAIN ? MMIO_AGAIN : MMIO_DONE;
}

/* A piece that waits gets here again: the other pieces are its caller's. */
void board_poll(void)
{
	static bool polling[PLAT_EL2_CPUS]; /* each CPU its own */
	unsigned int cpu = plat_this_cpu()->id;

	plat_rcu_poll();
	if (polling[cpu])
		return;
	polling[cpu] = true;
	smmu_poll();
	use_poll();
	removals_poll();
	polling[cpu] = false;
}

void hwdom_resume(struct cpu *cpu)
{
	board_poll();
	while (vpci_process_pending(&vcpus[cpu->plat.id], NULL) == PCI_AGAIN) {
		board_poll();
		plat_rcu_quiescent();
		plat_relax();
	}
}

/* --- boot ------------------------------------------------------------------------------- */

static int extend(struct vpci *view, struct pci_dev *pdev, struct domain *d)
{
	int err = d == hardware_domain ? buses_extend(view, pdev) : 0;

	return err ? err : slot_extend(view, pdev, d);
}

static void start_core(bool smmu)
{
	static const struct vpci_options vpci = { .hardware_views = true,
						  .extend = extend };
	/* Power states last: who claims that they reset it is often wrong. */
	static const enum pci_reset_method order[] = {
		PCI_RESET_FLR, PCI_RESET_AF, PCI_RESET_BUS, PCI_RESET_PM
	};
	const pci_sbdf_t all = pci_sbdf_from(UINT32_MAX);
	size_t i;

	must(pci_init(), "pci_init");
	must(pci_config_init(), "pci_config_init");
	must(pci_vpci_init(&vpci), "pci_vpci_init");
	must(pci_irq_init(NULL), "pci_irq_init");
	must(pci_reset_init(), "pci_reset_init");
	if (smmu)
		must(pci_iommu_init(NULL), "pci_iommu_init");
	must(places_init(), "places_init"); /* after vPCI's stage */
	must(pci_reset_order(all, order, ARRAY_SIZE(order)), "resets");
	pci_hardware_domain_ops(&hwdom_ops);
	mgmt_init();
	pci_event_listen(&listener);
	must(vpci_ecam_add(hardware_domain, BOARD_ECAM, 0, 0, LAST_BUS),
	     "ECAM");
	for (i = 0; i < PLAT_EL2_CPUS; i++)
		vpci_vcpu_init(&vcpus[i], hardware_domain);
}

static void say(const struct pci_dev_info *info)
{
	const struct pci_ident *id = &info->desc.ident;
	char at[PCI_SBDF_LEN];

	plat_log(PLAT_INFO, "%s %04x:%04x class %06x%s%s",
		 pci_sbdf_print(at, info->desc.sbdf), id->vendor, id->device,
		 id->class_rev >> 8, info->broken ? ", broken: " : "",
		 info->broken ? info->broken : "");
}

static void find_all(uint8_t reserve)
{
	uint64_t start = plat_now();
	uint8_t last = buses_number(0, 0, LAST_BUS, reserve);
	pci_sbdf_t at = { 0 };
	struct pci_dev_info info;
	struct pci_scan scan;

	must(pci_scan_segment(0, &scan), "scan");
	plat_log(PLAT_INFO, "%u PCI functions on %u buses, found in %llu us",
		 scan.added, last + 1u,
		 (unsigned long long)(plat_now() - start) / 1000);
	if (scan.failed)
		plat_log(PLAT_ERROR, "%u of them not added; %s: error %d",
			 scan.failed,
			 pci_sbdf_print((char[PCI_SBDF_LEN]){ 0 }, scan.where),
			 scan.error);
	while (!pci_query_next(at, &info)) {
		say(&info);
		if (info.desc.sbdf.bdf == UINT16_MAX)
			break;
		at.bdf = info.desc.sbdf.bdf + 1;
	}
}

void hwdom_init(struct stage2 *s2, const struct smmu_setup *smmu,
		uint8_t hotplug_buses)
{
	stage2 = s2;
	start_core(smmu);
	ecam_host_init(&host);
	if (smmu)
		must(smmu_init(&host.host, smmu), "SMMU");
	must(pci_segment_add(0, &host.host), "pci_segment_add");
	find_all(hotplug_buses);
}
