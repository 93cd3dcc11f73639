/* SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

struct given given;

/* --- units ------------------------------------------------------------------------ */

uint64_t __wrap_iommu_fault_total(struct pci_dev *pdev);

static struct unit *unit(const struct fake_fn *fn)
{
	return &given.unit[fn - fake.fn];
}

struct unit *unit_of(const char *sbdf)
{
	return unit(fake_at(at(sbdf)));
}

uint64_t __wrap_iommu_fault_total(struct pci_dev *pdev)
{
	return unit(fake_at(pcidev_sbdf(pdev)))->faulted;
}

void reset_now(struct fake_fn *fn)
{
	struct unit *u = unit(fn);

	u->resets++;
	if (u->ignores)
		return;
	memcpy(fn->reg, u->power_on, sizeof(fn->reg));
	if (u->masters)
		fn->writable[PCI_COMMAND] &= (uint8_t)~PCI_COMMAND_MASTER;
	if (u->masters)
		fake_put(fn, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	if (u->changes)
		fake_put(fn, PCI_DEVICE_ID, 2, 0x4711);
	if (u->pends)
		fake_put(fn, EXPRESS + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	fn->retries = u->retries;
	u->back = u->dies ? PLAT_FOREVER : clock_now + u->absent_for;
	fn->absent = u->back > clock_now;
}

static void reset_bus(struct fake_fn *bridge, bool on)
{
	unsigned int i;

	for (i = 0; i < fake.count; i++) {
		struct fake_fn *fn = &fake.fn[i];

		if (fn->sbdf.bus != bridge->reg[PCI_SECONDARY_BUS])
			continue;
		if (on)
			reset_now(fn);
		unit(fn)->back = on || unit(fn)->dies
					 ? PLAT_FOREVER
					 : clock_now + unit(fn)->absent_for;
		fn->absent = unit(fn)->back > clock_now;
	}
}

static bool bus_is_in_reset(const struct fake_fn *fn)
{
	unsigned int i;

	for (i = 0; i < fake.count; i++)
		if (fake.fn[i].reg[PCI_HEADER_TYPE] == PCI_HEADER_TYPE_BRIDGE &&
		    fake.fn[i].reg[PCI_SECONDARY_BUS] == fn->sbdf.bus)
			return fake.fn[i].reg[PCI_BRIDGE_CONTROL] &
			       PCI_BRIDGE_CTL_BUS_RESET;
	return false;
}

void units_go_on(struct fake_fn *fn, bool is_write, uint16_t reg)
{
	struct unit *u = unit(fn);

	(void)is_write;
	(void)reg;
	given.in_reset += bus_is_in_reset(fn);
	if (u->back && u->back <= clock_now) {
		u->back = 0;
		fn->absent = false;
	}
	if (u->pending_for && !u->quiet)
		u->quiet = clock_now + u->pending_for;
	if (u->quiet && u->quiet <= clock_now)
		fake_put(fn, EXPRESS + PCI_EXP_DEVSTA, 2, 0);
	if (u->faults && u->resets)
		u->faulted++;
}

/* --- the host ------------------------------------------------------------------------ */

static int (*plain_write)(struct pci_host *, pci_sbdf_t, uint16_t, uint8_t,
			  uint32_t);

static void react(struct fake_fn *fn, uint16_t reg, uint32_t was, uint32_t val)
{
	bool bridge = fn->reg[PCI_HEADER_TYPE] & PCI_HEADER_TYPE_MASK;
	uint32_t bus = PCI_BRIDGE_CTL_BUS_RESET;

	if (bridge && reg == PCI_BRIDGE_CONTROL && (was ^ val) & bus)
		reset_bus(fn, val & bus);
	if (bridge)
		return;
	if (reg == DEVCTL && fn->reg[EXPRESS] == PCI_CAP_ID_EXP &&
	    val & PCI_EXP_DEVCTL_BCR_FLR) {
		fake_put(fn, DEVCTL, 2, val & ~PCI_EXP_DEVCTL_BCR_FLR);
		reset_now(fn);
	}
	if (reg == AF + PCI_AF_CTRL && fn->reg[AF] == PCI_CAP_ID_AF &&
	    val & PCI_AF_CTRL_FLR) {
		fake_put(fn, AF + PCI_AF_CTRL, 1, 0);
		reset_now(fn);
	}
	if (reg == PM + PCI_PM_CTRL && fn->reg[PM] == PCI_CAP_ID_PM &&
	    (was & PCI_PM_CTRL_STATE_MASK) == PCI_PM_CTRL_STATE_MASK &&
	    !(val & PCI_PM_CTRL_STATE_MASK) &&
	    !(was & PCI_PM_CTRL_NO_SOFT_RESET))
		reset_now(fn);
}

static int logged_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
			uint8_t size, uint32_t val)
{
	struct fake_fn *fn = fake_at(sbdf);
	uint32_t was = fn ? fake_get(fn, reg, size) : 0;
	int err = plain_write(host, sbdf, reg, size, val);

	if (!fn || fn->absent)
		return err;
	assert_true(given.writes < ARRAY_SIZE(given.write));
	given.write[given.writes++] = (struct write){
		.time = clock_now, .fn = fn, .reg = reg, .val = val
	};
	react(fn, reg, was, val);
	return err;
}

const struct write *wrote(unsigned int from, struct fake_fn *fn, uint16_t reg,
			  uint32_t bits)
{
	for (; from < given.writes; from++)
		if (given.write[from].fn == fn &&
		    given.write[from].reg == reg &&
		    given.write[from].val & bits)
			return &given.write[from];
	return NULL;
}

const struct write *cleared(unsigned int from, struct fake_fn *fn, uint16_t reg,
			    uint32_t bits)
{
	for (; from < given.writes; from++)
		if (given.write[from].fn == fn &&
		    given.write[from].reg == reg &&
		    !(given.write[from].val & bits))
			return &given.write[from];
	return NULL;
}

/* --- building ------------------------------------------------------------------------- */

void ports(void)
{
	struct fake_fn *port = fake_bridge(PORT, 1, 1);
	struct fake_fn *legacy = fake_bridge(LEGACY, 2, 2);

	fake_express(port, EXPRESS, PCI_EXP_TYPE_ROOT_PORT);
	fake_allow(port, PCI_BRIDGE_CONTROL, 2, 0xff);
	fake_put(port, PCI_BRIDGE_CONTROL, 2, 0x0003);
	fake_allow(legacy, PCI_BRIDGE_CONTROL, 2, 0xff);
	add(PORT);
	add(LEGACY);
}

static void capabilities(struct fake_fn *fn, unsigned int has)
{
	fake_cap(fn, PM, PCI_CAP_ID_PM);
	fake_put(fn, PM + PCI_PM_CTRL, 2,
		 has & HAS_PM ? 0 : PCI_PM_CTRL_NO_SOFT_RESET);
	fake_allow(fn, PM + PCI_PM_CTRL, 2,
		   PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE);
	fake_cap(fn, MSI, PCI_CAP_ID_MSI);
	fake_allow(fn, MSI + PCI_MSI_FLAGS, 2, 0x71);
	fake_cap(fn, MSIX, PCI_CAP_ID_MSIX);
	fake_put(fn, MSIX + PCI_MSIX_FLAGS, 2, 3);
	fake_put(fn, MSIX + PCI_MSIX_TABLE, 4, 1);
	fake_put(fn, MSIX + PCI_MSIX_PBA, 4, 0x801);
	fake_allow(fn, MSIX + PCI_MSIX_FLAGS, 2, 0xc000);
	if (has & HAS_AF) {
		fake_cap(fn, AF, PCI_CAP_ID_AF);
		fake_put(fn, AF + PCI_AF_LENGTH, 1, PCI_CAP_AF_SIZEOF);
		fake_put(fn, AF + PCI_AF_CAP, 1,
			 PCI_AF_CAP_TP | PCI_AF_CAP_FLR);
		fake_allow(fn, AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
	}
}

static void express(struct fake_fn *fn, bool flr)
{
	fake_express(fn, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	fake_put(fn, EXPRESS + PCI_EXP_DEVCAP, 4,
		 0x8000 | (flr ? PCI_EXP_DEVCAP_FLR : 0));
	fake_put(fn, DEVCTL, 2, 0x2810);
	fake_allow(fn, DEVCTL, 2, 0xffff);
	fake_allow(fn, EXPRESS + PCI_EXP_DEVCTL2, 2, 0xffff);
}

/* What the host sets: by firmware, and by its driver. */
static void set_up(struct fake_fn *fn)
{
	fake_put(fn, PCI_BASE_ADDRESS_0, 4, BAR0_AT);
	fake_put(fn, PCI_BASE_ADDRESS_1, 4, BAR1_AT);
	fake_put(fn, PCI_CACHE_LINE_SIZE, 1, 16);
	fake_put(fn, PCI_INTERRUPT_LINE, 1, 11);
	fake_put(fn, PM + PCI_PM_CTRL, 2,
		 fake_get(fn, PM + PCI_PM_CTRL, 2) | PCI_PM_CTRL_PME_ENABLE);
	if (fn->reg[EXPRESS] == PCI_CAP_ID_EXP) {
		fake_put(fn, DEVCTL, 2, HOST_DEVCTL);
		fake_put(fn, EXPRESS + PCI_EXP_DEVCTL2, 2, 0x0005);
	}
	fake_put(fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

struct fake_fn *card(const char *sbdf, unsigned int has)
{
	struct fake_fn *fn = fake_add(sbdf, 0x10ed8086);

	capabilities(fn, has);
	if (at(sbdf).bus != 2)
		express(fn, has & HAS_FLR);
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0, 0xffff0000);
	fake_bar(fn, PCI_BASE_ADDRESS_1, 0, 0xfffff000);
	fake_allow(fn, PCI_CACHE_LINE_SIZE, 2, 0xffff);
	fake_allow(fn, PCI_INTERRUPT_LINE, 1, 0xff);
	if (at(sbdf).devfn & 7 || fake_at(at(OTHER)))
		fake_put(fn, PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_MFD);
	memcpy(unit(fn)->power_on, fn->reg, sizeof(fn->reg));
	set_up(fn);
	add(sbdf);
	return fn;
}

/* --- asking ----------------------------------------------------------------------------- */

uint32_t hw(const char *sbdf, uint16_t reg, uint8_t size)
{
	return fake_get(fake_at(at(sbdf)), reg, size);
}

int give(struct domain *d, const char *sbdf)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	return pci_assign_device(d, at(sbdf), 0, &vsbdf, &given.report);
}

int take(struct domain *d, const char *sbdf)
{
	return pci_deassign_device(d, at(sbdf), 0, &given.report);
}

const char *owner(const char *sbdf)
{
	static struct pci_dev_info info;

	info = info_of(sbdf);
	assert_int_equal(info.op, PCI_OP_NONE);
	return info.owner_name;
}

const char *broken(const char *sbdf)
{
	const char *why = info_of(sbdf).broken;

	return why ? why : "";
}

int reset_any(const char *sbdf)
{
	enum pci_reset_method used;
	int err = pci_reset_device(at(sbdf), PCI_RESET_ANY, &used, NULL);

	return err ? err : (int)used;
}

/* --- setting up ------------------------------------------------------------------------- */

int given_setup(void **state)
{
	memset(&given, 0, sizeof(given));
	clock_start();
	if (fake_setup(state) || pci_reset_init() || pci_vpci_init(NULL))
		return -1;
	plain_write = fake.ops.write;
	fake.ops.write = logged_write;
	fake.on_access = units_go_on;
	return domain_create(0, "one", NULL, NULL, &given.one) ||
	       domain_create(0, "two", NULL, NULL, &given.two);
}

int given_teardown(void **state)
{
	assert_int_equal(domain_destroy(given.one), 0);
	assert_int_equal(domain_destroy(given.two), 0);
	domain_put(given.one);
	domain_put(given.two);
	if (given.in_reset)
		print_error("%u accesses in a bus reset\n", given.in_reset);
	return fake_teardown(state) || given.in_reset;
}
