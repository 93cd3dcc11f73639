/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>
#include <holdfast/reset.h>

#include "unit.h"
#include "world.h"

/* --- the host -------------------------------------------------------------- */

static struct function {
	pci_sbdf_t sbdf;
	hf_atomic(uint32_t) id, scratch;
	bool promised; /* removed(): never to be touched again */
	unsigned int adding;
	unsigned int promises;
	uint64_t instance; /* of who lives there, or did last */
} functions[5];

static unsigned int reads;
static bool msi;   /* the card has it */
static bool bytes; /* guests see registers of one byte each */

/*
 * The card's registers below 0x80, in a world with units; plain memory: one
 * access is one step.
 */
static bool units;
static unsigned int modules;
static uint8_t regs[0x80];
static unsigned int resets;
static bool dead, dies;

/* SR-IOV of the PF, whose VF is there while it is enabled. */
static uint16_t vf_control;
static bool vf_guard;

uint16_t world_vf_control(void)
{
	return vf_control;
}

void world_vf_guard(bool on)
{
	vf_guard = on;
}

static uint32_t sriov_get(unsigned int reg)
{
	switch (reg) {
	case 0:
		return PCI_EXT_CAP_ID_SRIOV | 1 << 16;
	case PCI_SRIOV_CTRL:
		return vf_control;
	case PCI_SRIOV_TOTAL_VF:
	case PCI_SRIOV_INITIAL_VF:
	case PCI_SRIOV_NUM_VF:
	case PCI_SRIOV_VF_OFFSET:
	case PCI_SRIOV_VF_STRIDE:
		return 1;
	default:
		return 0;
	}
}

/* A VF has no IDs of its own (PCIe 6.0 §9.3.4.1.1). */
static bool reads_ones(pci_sbdf_t sbdf, uint16_t reg)
{
	return modules & WORLD_VFS && sbdf.sbdf == VF.sbdf &&
	       (reg < PCI_COMMAND || !(vf_control & PCI_SRIOV_CTRL_VFE));
}

static uint32_t reg_get(unsigned int reg, unsigned int size)
{
	uint32_t val = 0;

	memcpy(&val, &regs[reg], size);
	return dead ? ALL_ONES >> (32 - 8 * size) : val;
}

static void reset_card(void)
{
	memset(&regs[WORLD_MSI + 2], 0, 0x12);
	regs[WORLD_MSI + 3] = PCI_MSI_FLAGS_MASKBIT >> 8;
	memset(&regs[PCI_COMMAND], 0, 2);
	memset(&regs[PCI_BASE_ADDRESS_0], 0, 4);
	resets++;
	dead = dies;
}

static void reg_set(unsigned int reg, unsigned int size, uint32_t val)
{
	if (dead)
		return;
	if (reg == WORLD_AF + PCI_AF_CTRL && val & PCI_AF_CTRL_FLR)
		reset_card();
	else if (reg == PCI_COMMAND || reg == PCI_BASE_ADDRESS_0 ||
		 (reg >= WORLD_MSI + 2 && reg < 0x60))
		memcpy(&regs[reg], &val, size);
	if (reg == WORLD_MSI + 2)
		regs[WORLD_MSI + 3] |= PCI_MSI_FLAGS_MASKBIT >> 8;
}

/* At the head of the list. */
static void add_cap(unsigned int pos, uint8_t id)
{
	regs[pos] = id;
	regs[pos + 1] = regs[PCI_CAPABILITY_LIST];
	regs[PCI_CAPABILITY_LIST] = (uint8_t)pos;
	regs[PCI_STATUS] = PCI_STATUS_CAP_LIST;
}

static void regs_init(void)
{
	memset(regs, 0, sizeof(regs));
	if (modules & WORLD_RESET)
		add_cap(WORLD_AF, PCI_CAP_ID_AF);
	if (modules & WORLD_IRQ)
		add_cap(WORLD_MSI, PCI_CAP_ID_MSI);
	if (modules & WORLD_MSIX)
		add_cap(WORLD_MSIX_CAP, PCI_CAP_ID_MSIX);
	regs[WORLD_MSIX_CAP + PCI_MSIX_TABLE] = 1;
	regs[WORLD_MSIX_CAP + PCI_MSIX_PBA] = 1;
	regs[WORLD_MSI + 3] = PCI_MSI_FLAGS_MASKBIT >> 8;
	regs[WORLD_AF + PCI_AF_CAP] = PCI_AF_CAP_TP | PCI_AF_CAP_FLR;
	regs[PCI_COMMAND] = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	memcpy(&regs[PCI_BASE_ADDRESS_0], &(uint32_t){ WORLD_BAR }, 4);
	resets = 0;
	dead = dies = false;
}

uint16_t world_command(void)
{
	return (uint16_t)reg_get(PCI_COMMAND, 2);
}

bool world_masters(void)
{
	return !dead && regs[PCI_COMMAND] & PCI_COMMAND_MASTER;
}

unsigned int world_resets(void)
{
	return resets;
}

void world_reset_kills(bool yes)
{
	dies = yes;
}

bool world_message_kept(void)
{
	return regs[WORLD_MSI + 0x10];
}

bool world_message(struct world_message *m)
{
	if (!world_masters() ||
	    !(reg_get(WORLD_MSI + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE))
		return false;
	if (reg_get(WORLD_MSI + 0xc, 4) & 1) {
		regs[WORLD_MSI + 0x10] = 1;
		return false;
	}
	regs[WORLD_MSI + 0x10] = 0;
	m->address = reg_get(WORLD_MSI + PCI_MSI_ADDRESS_LO, 4);
	m->data = reg_get(WORLD_MSI + PCI_MSI_DATA_32, 2);
	return true;
}

static struct function *function(pci_sbdf_t sbdf)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		if (functions[i].sbdf.sbdf == sbdf.sbdf)
			return &functions[i];
	explore_fail("an access to %x, where nobody is", sbdf.sbdf);
}

void (*world_witness)(void);

/* Whose promise holds is known again once a new one is there, or is not. */
static void keeps_promise(const struct function *f)
{
	ensure(!f->promised || f->adding);
}

static void touched(const struct function *f)
{
	keeps_promise(f);
	if (world_witness && f->sbdf.sbdf == CARD.sbdf)
		world_witness();
}

bool world_promised(pci_sbdf_t sbdf)
{
	return function(sbdf)->promised;
}

/* The scheduler may switch between the core's test and this access. */
static int host_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	struct function *f = function(sbdf);

	(void)host;
	if (units && sbdf.sbdf == CARD.sbdf && reg < sizeof(regs) &&
	    (reg > PCI_VENDOR_ID + 2) && reg != SCRATCH) {
		*val = reg_get(reg, size);
		touched(f);
		return 0;
	}
	if (modules & WORLD_VFS && sbdf.sbdf == PF.sbdf && reg >= WORLD_SRIOV) {
		*val = sriov_get(reg - WORLD_SRIOV);
		touched(f);
		return 0;
	}
	switch (reg) {
	case PCI_VENDOR_ID:
	case PCI_DEVICE_ID:
		*val = hf_load_relaxed(&f->id) >> 8 * (reg & 2);
		if (units && dead && sbdf.sbdf == CARD.sbdf)
			*val = ALL_ONES;
		break;
	case SCRATCH:
		*val = hf_load_relaxed(&f->scratch);
		break;
	case PCI_BASE_ADDRESS_0:
		*val = sbdf.sbdf == CARD.sbdf ? WORLD_BAR : 0;
		break;
	case PCI_STATUS:
		*val = msi ? PCI_STATUS_CAP_LIST : 0;
		break;
	case PCI_CAPABILITY_LIST:
		*val = WORLD_MSI;
		break;
	case WORLD_MSI:
		*val = PCI_CAP_ID_MSI;
		break;
	default:
		*val = 0;
	}
	if (reads_ones(sbdf, reg))
		*val = ALL_ONES;
	*val &= ALL_ONES >> (32 - 8 * size);
	touched(f);
	reads++;
	return 0;
}

/* Memory space: the card's BAR reads its ID. */
static int host_mem_read(struct pci_host *host, uint64_t addr, uint8_t size,
			 uint64_t *val)
{
	struct function *f = function(CARD);

	(void)host;
	(void)size;
	ensure(addr - WORLD_BAR < WORLD_BAR_SIZE);
	*val = hf_load_relaxed(&f->id);
	touched(f);
	return 0;
}

static int host_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	struct function *f = function(sbdf);

	(void)host;
	(void)size;
	if (reg == SCRATCH)
		hf_store_relaxed(&f->scratch, val);
	else if (units && sbdf.sbdf == CARD.sbdf && reg + size <= sizeof(regs))
		reg_set(reg, size, val);
	if (modules & WORLD_VFS && sbdf.sbdf == PF.sbdf &&
	    reg == WORLD_SRIOV + PCI_SRIOV_CTRL) {
		ensure(!vf_guard || !(val & PCI_SRIOV_CTRL_VFE));
		vf_control = (uint16_t)val;
	}
	touched(f);
	return 0;
}

/* The core looks for a function of which it knows nothing. */
static void host_adding(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	function(sbdf)->promised = false;
}

static void host_removed(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	function(sbdf)->promised = true;
	function(sbdf)->promises++;
}

static const struct pci_host_ops ops = {
	.read = host_read,
	.mem_read = host_mem_read,
	.write = host_write,
	.adding = host_adding,
	.removed = host_removed,
};
static struct pci_host host = { .ops = &ops, .name = "explored" };

unsigned int world_reads(void)
{
	return reads;
}

uint32_t world_scratch(pci_sbdf_t sbdf)
{
	return hf_load_relaxed(&function(sbdf)->scratch);
}

void world_write_scratch(pci_sbdf_t sbdf, uint32_t val)
{
	hf_store_relaxed(&function(sbdf)->scratch, val);
}

/* --- beginning and end -------------------------------------------------------- */

struct domain *guest_one, *guest_two;
struct pci_removal_info world_report;
struct world_hold world_session;

static void keep(struct vpci *view, uint16_t reg, uint32_t val, uint32_t mask,
		 void *data)
{
	(void)mask;
	(void)data;
	vpci_set(view, reg, 1, val);
}

/* Two bytes that are only kept, and one that a hook keeps; four kept together. */
static int add_bytes(struct vpci *view)
{
	const struct vpci_masks masks = { .rw = 0xff },
				all = { .rw = ALL_ONES };
	uint16_t reg;
	int err = vpci_add_register(view, WHOLE, 4, &all, NULL, NULL, NULL);

	for (reg = BYTES; reg < BYTES + 3 && !err; reg++)
		err = vpci_add_register(view, reg, 1, &masks, NULL,
					reg == BYTES + 2 ? keep : NULL, NULL);
	return err;
}

static int add_scratch(struct vpci *view, struct pci_dev *pdev,
		       struct domain *d)
{
	const struct vpci_masks masks = { .hw = ALL_ONES, .rw = ALL_ONES };
	int err = bytes ? add_bytes(view) : 0;

	(void)pdev;
	(void)d;
	return err ? err
		   : vpci_add_register(view, SCRATCH, 4, &masks, NULL, NULL,
				       NULL);
}

/* Two faults, so that scenarios are small. */
static const struct pci_iommu_options iommu_options = { .fault_limit = 2 };

void world_with(unsigned int which)
{
	modules = which;
	units = which;
}

void world_with_units(void)
{
	world_with(WORLD_IOMMU | WORLD_IRQ | WORLD_RESET);
}

int world_add(pci_sbdf_t sbdf, unsigned int generation)
{
	struct pci_dev_desc desc = {
		.sbdf = sbdf,
		.ident = { .vendor = (uint16_t)WORLD_ID,
			   .device = WORLD_ID >> 16,
			   .subdevice = (uint16_t)generation },
		.type = PCI_TYPE_ENDPOINT,
		.cfg_size = 4096,
		.is_vf = sbdf.sbdf == VF.sbdf,
		.parent = sbdf.sbdf == VF.sbdf ? PF : sbdf,
	};
	struct function *f = function(sbdf);
	struct pci_dev *pdev;
	int err;

	if (modules & WORLD_RESET && sbdf.sbdf == CARD.sbdf)
		desc.af = WORLD_AF;
	if (modules & WORLD_VFS && sbdf.sbdf == PF.sbdf)
		desc.sriov = WORLD_SRIOV;
	if ((msi || modules & WORLD_IRQ) && sbdf.sbdf == CARD.sbdf) {
		desc.msi = WORLD_MSI;
		desc.msi_vectors = 1;
	}
	if (modules & WORLD_MSIX && sbdf.sbdf == CARD.sbdf) {
		desc.msix = WORLD_MSIX_CAP;
		desc.msix_entries = 1;
	}
	if (sbdf.sbdf == CARD.sbdf)
		desc.bar[0] = (struct pci_bar){ .addr = WORLD_BAR,
						.size = WORLD_BAR_SIZE,
						.kind = PCI_BAR_MEM32 };
	f->adding++;
	err = pci_register_device(&desc, &pdev);
	if (!err && f->instance != pcidev_instance(pdev)) {
		f->instance = pcidev_instance(pdev);
		f->promised = false;
	}
	f->adding--;
	if (!err)
		pcidev_put(pdev);
	return err;
}

void world_empty(void)
{
	const struct vpci_options options = {
		.extend = add_scratch,
		.hardware_views = modules & WORLD_VFS,
	};
	const pci_sbdf_t all[] = { PF_NEIGHBOUR, PF, VF, CARD_NEIGHBOUR, CARD };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		functions[i].sbdf = all[i];
		hf_init(&functions[i].id, WORLD_ID);
		hf_init(&functions[i].scratch, 0);
		functions[i].promised = false;
		functions[i].promises = functions[i].adding = 0;
		functions[i].instance = 0;
	}
	reads = 0;
	world_witness = NULL;
	guest_one = guest_two = NULL;
	memset(&world_report, 0, sizeof(world_report));
	memset(&world_session, 0, sizeof(world_session));
	ensure(!pci_init());
	vf_control = 0;
	vf_guard = false;
	/* Resets restore what it has recorded, and it finds VFs. */
	if (modules & (WORLD_RESET | WORLD_VFS))
		ensure(!pci_config_init());
	ensure(!pci_vpci_init(&options));
	host.msi = modules & WORLD_IRQ ? &unit_msi : NULL;
	host.iommu = modules & WORLD_IOMMU ? &unit_iommu : NULL;
	if (units) {
		regs_init();
		unit_init();
		memset(world_interrupts, 0, sizeof(world_interrupts));
	}
	if (modules & WORLD_RESET)
		ensure(!pci_reset_init());
	if (modules & WORLD_IOMMU)
		ensure(!pci_iommu_init(&iommu_options));
	if (modules & WORLD_IRQ)
		ensure(!pci_irq_init(NULL));
	ensure(!pci_segment_add(0, &host));
}

void world_card(void)
{
	world_empty();
	/* With groups it must be in another slot. */
	ensure(!world_add(modules & WORLD_IOMMU ? PF_NEIGHBOUR : CARD_NEIGHBOUR,
			  1));
	ensure(!world_add(CARD, 1));
}

void world_pf(void)
{
	world_empty();
	ensure(!world_add(PF_NEIGHBOUR, 1));
	ensure(!world_add(PF, 1));
}

void world_pf_vf(void)
{
	world_pf();
	ensure(!world_add(VF, 1));
}

void world_all(void)
{
	world_pf_vf();
	ensure(!world_add(CARD, 1));
}

/* --- the guest's side of a mapping ---------------------------------------------- */

static hf_atomic(uint64_t) mapped_at;
struct vpci_vcpu world_vcpu;

/* Nobody maps twice, or what the core has promised not to touch. */
static int map(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	ensure(m->hpa == WORLD_BAR && m->size == WORLD_BAR_SIZE);
	keeps_promise(function(CARD));
	ensure(!hf_load_relaxed(&mapped_at));
	hf_store_relaxed(&mapped_at, m->gpa);
	return 0;
}

static void unmap(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	if (hf_load_relaxed(&mapped_at) == m->gpa)
		hf_store_relaxed(&mapped_at, 0);
}

static hf_atomic(uint32_t) vector_on;

static void vector(struct domain *d, pci_sbdf_t sbdf,
		   const struct pci_vector *v)
{
	(void)d;
	(void)sbdf;
	hf_store_relaxed(&vector_on, v->enabled);
}

bool world_vector(void)
{
	return hf_load_relaxed(&vector_on);
}

unsigned int world_interrupts[2];

static void interrupt(struct domain *d, pci_sbdf_t sbdf, bool msix,
		      unsigned int index)
{
	(void)msix;
	ensure(sbdf.sbdf == CARD.sbdf && !index);
	world_interrupts[domain_id(d) - DOMID_FIRST_GUEST]++;
}

static unsigned int asked;

static void ask(struct domain *d, pci_sbdf_t sbdf, uint64_t deadline)
{
	(void)d;
	(void)deadline;
	ensure(sbdf.sbdf == CARD.sbdf);
	asked++;
}

unsigned int world_asked(void)
{
	return asked;
}

static const struct domain_ops guest_ops = { .ask = ask,
					     .map = map,
					     .unmap = unmap,
					     .vector = vector,
					     .interrupt = interrupt };
static const struct domain_ops second_ops = { .interrupt = interrupt };

uint64_t world_mapped_at(void)
{
	return hf_load_relaxed(&mapped_at);
}

void world_settle(struct vpci_vcpu *vcpu)
{
	while (vpci_process_pending(vcpu, NULL) == PCI_AGAIN)
		explore_yield();
}

static void place(uint64_t addr, uint64_t command)
{
	ensure(vpci_write(&world_vcpu, GUEST_SLOT, PCI_BASE_ADDRESS_0, 4,
			  addr) == PCI_DONE);
	ensure(vpci_write(&world_vcpu, GUEST_SLOT, PCI_COMMAND, 2, command) ==
	       PCI_DONE);
}

void world_placed(void)
{
	world_assigned();
	vpci_vcpu_init(&world_vcpu, guest_one);
	place(GUEST_BAR, PCI_COMMAND_MEMORY);
}

void world_mapped(void)
{
	world_placed();
	world_settle(&world_vcpu);
	ensure(world_mapped_at() == GUEST_BAR);
}

void world_guests(void)
{
	world_card();
	hf_init(&mapped_at, 0);
	hf_init(&vector_on, 0);
	asked = 0;
	ensure(!domain_create(1, "one", &guest_ops, NULL, &guest_one));
	ensure(!domain_create(2, "two", &second_ops, NULL, &guest_two));
}

void world_assigned(void)
{
	pci_sbdf_t at = GUEST_SLOT;

	world_guests();
	ensure(!pci_assign_device(guest_one, CARD, 0, &at, NULL));
}

void world_assigned_bytes(void)
{
	bytes = true;
	world_assigned();
}

void world_assigned_msi(void)
{
	msi = true;
	world_assigned();
	vpci_vcpu_init(&world_vcpu, guest_one);
}

static void guest_dies(struct domain *d)
{
	if (!d)
		return;
	if (!domain_is_dying(d))
		ensure(!domain_destroy(d));
	ensure(!domain_devices(d));
	domain_put(d);
}

void world_end(void)
{
	ensure(!pci_check_invariants());
	if (guest_one || guest_two) {
		guest_dies(guest_one);
		guest_dies(guest_two);
		ensure(!pci_check_invariants());
	}
	if (units) {
		pci_iommu_work(); /* what faults have queued */
		ensure(!unit_vectors() && !pci_irq_vectors());
		ensure(!unit_left());
	}
	pci_fini();
	msi = units = bytes = false;
	modules = 0;
}

void world_end_card_gone(void)
{
	struct pci_dev_info info;

	ensure(pci_query(CARD, &info) == -ENODEV);
	world_end();
}

void world_end_card_there(void)
{
	struct pci_dev_info info;

	ensure(!pci_query(CARD, &info));
	ensure(info.state == PCI_STATE_LIVE && !info.broken);
	world_end();
}

/* --- what threads do ----------------------------------------------------------- */

bool world_trap(struct domain *d, pci_sbdf_t addr)
{
	uint64_t val;

	while (vpci_read(d, addr, 0, 4, &val) == PCI_AGAIN)
		explore_yield();
	ensure(val == WORLD_ID || val == ALL_ONES);
	return val == WORLD_ID;
}

void world_trap_write(struct domain *d, pci_sbdf_t addr, uint32_t val)
{
	struct vpci_vcpu vcpu;

	vpci_vcpu_init(&vcpu, d);
	while (vpci_write(&vcpu, addr, SCRATCH, 4, val) == PCI_AGAIN)
		explore_yield();
	vpci_vcpu_fini(&vcpu);
}

/*
 * pcidev_read() of core/config: the mark and the access in one section. The
 * reference keeps a removal from its end, not a loss.
 */
void world_touch(struct pci_dev *pdev)
{
	uint32_t val;

	plat_rcu_read_lock();
	if (!pcidev_is_lost(pdev))
		host_read(&host, pcidev_sbdf(pdev), 0, 4, &val);
	plat_rcu_read_unlock();
}

struct pci_dev *world_get(pci_sbdf_t sbdf)
{
	struct pci_dev *pdev;

	ensure(!pci_lookup(NULL, sbdf, &pdev));
	return pdev;
}

int world_remove(pci_sbdf_t sbdf, unsigned int flags, uint64_t timeout)
{
	uint64_t deadline = plat_now() + timeout;
	int err;

	memset(&world_report, 0, sizeof(world_report));
	err = pci_remove_device(sbdf, flags, timeout, &world_report);
	ensure(plat_now() <= deadline);
	if (!err)
		ensure(function(sbdf)->promises);
	return err;
}

int world_lose(pci_sbdf_t sbdf)
{
	struct function *f = function(sbdf);
	uint64_t instance = f->instance;
	int err = pci_device_lost(sbdf);

	if (!err && f->instance == instance)
		f->promised = true;
	return err;
}

int world_mark_lost(pci_sbdf_t sbdf)
{
	struct function *f = function(sbdf);
	uint64_t instance = f->instance;
	int err = pci_mark_lost(sbdf);

	if (err)
		return err;
	plat_rcu_synchronize();
	if (f->instance == instance)
		f->promised = true;
	return 0;
}

void world_in_no_time(void)
{
	ensure(plat_now() == PLAT_NSEC_PER_SEC);
}

void world_in_time(void)
{
	ensure(plat_now() < PLAT_NSEC_PER_SEC + PCI_DRAIN_TIME);
}

static void hold_asked(struct pci_hold *hold, void *data, uint64_t deadline)
{
	struct world_hold *h = data;

	(void)hold;
	(void)deadline;
	h->asks++;
	plat_event_set(&h->asked);
}

static void hold_cut_off(struct pci_hold *hold, void *data)
{
	struct world_hold *h = data;

	(void)hold;
	h->cuts++;
	plat_event_set(&h->asked);
}

const struct pci_hold_ops world_hold_ops = {
	.ask = hold_asked,
	.cut_off = hold_cut_off,
};

int world_hold_take(struct world_hold *h, pci_sbdf_t sbdf)
{
	struct pci_dev *pdev;
	int err;

	memset(h, 0, sizeof(*h));
	plat_event_init(&h->asked);
	err = pci_lookup(NULL, sbdf, &pdev);
	if (err)
		return err;
	err = pci_hold_take(pdev, PCI_HOLD_SESSION, "session", &world_hold_ops,
			    h, &h->hold);
	pcidev_put(pdev);
	return err;
}

void world_card_held(void)
{
	world_card();
	ensure(!world_hold_take(&world_session, CARD));
}
