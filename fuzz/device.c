/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile device from its arrival to its removal: what it has in its
 * registers, what it answers instead, and how often, are the input's. It is
 * probed, given to a guest who writes to its view, bound, reset, quarantined,
 * removed, in any order.
 *
 *   byte 0       what the device is like (KIND_…)
 *   bytes 1, 2   how many operations and answers follow
 *   13 bytes     a BAR's size each: so many low bits cannot be written
 *   3 bytes each an operation, and two parameters
 *   2 bytes each after so many reads, what is answered instead (LIE_…)
 *   the rest     its configuration space
 *
 * Whatever it does: the core touches it, and memory, only where its contract
 * lets it; a guest's messages reach neither; after a removal nobody is there
 * any more; the results are documented ones, and nothing is left.
 */
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>

#include "fuzz.h"
#include "serial.h"

#define DEV pci_sbdf(0, 0, 3, 0)
#define GUEST_ADDRESS 0xfee5a5a4u
#define GUEST_DATA 0x5a5au
#define HOST_ADDRESS 0xfee00000u
#define BAR_AT 0x40000000u /* where the guest puts BARs */
#define MSEC PLAT_NSEC_PER_MSEC

enum { SPACE = 4096, OPS = 32, LIES = 64, BARS = 13, VECTORS = 64 };

/* Byte 0. */
enum {
	KIND_SHORT = 0x01,  /* 256 bytes only */
	KIND_ROM = 0x02,    /* drops writes */
	KIND_RESETS = 0x04, /* forgets when it is told to reset */
	KIND_VFS = 0x08,    /* has VFs where it says */
	KIND_STAGE = 0x10,  /* without the stage "reset" */
	KIND_NOMEM = 0x20,  /* the host reaches no memory */
};

enum lie { LIE_ONES, LIE_ZERO, LIE_RETRY, LIE_FAIL, LIE_FLIP, LIE_OLD, LIES_ };

static struct {
	uint8_t kind;
	uint8_t bits[BARS];
	const uint8_t *lie;
	unsigned int nlies, reads;
	uint8_t space[SPACE], power_on[SPACE], vf[SPACE];
	uint32_t last; /* that was read */
	bool lied, told;
	struct pci_dev_desc desc; /* as the core has it */
	struct domain *guest;
	struct pci_dev *bound; /* owns a reference */
	enum pci_vector_kind kind_bound;
	unsigned int first, count;
	struct pci_irq *vector[VECTORS];
} dev;

/* --- its registers -------------------------------------------------------------- */

static bool is_vf(pci_sbdf_t sbdf)
{
	return dev.kind & KIND_VFS && sbdf.bdf > DEV.bdf &&
	       sbdf.bdf < DEV.bdf + 64;
}

static uint16_t known(void)
{
	return dev.kind & KIND_SHORT ? 256 : SPACE;
}

/* The next answer that is none, if it is due; false: the truth. */
static bool lie(uint8_t size, uint32_t *val)
{
	if (!dev.nlies || dev.reads++ < dev.lie[0])
		return false;
	dev.lied = true;
	switch (dev.lie[1] % LIES_) {
	case LIE_ZERO:
		*val = 0;
		break;
	case LIE_RETRY:
		*val = size > 2 ? 0xffff0001 : 1;
		break;
	case LIE_FLIP:
		*val ^= 1u << dev.lie[1] % 32;
		break;
	case LIE_OLD:
		*val = dev.last;
		break;
	default:
		*val = UINT32_MAX;
	}
	*val &= UINT32_MAX >> (32 - 8 * size);
	return true;
}

static int dev_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		    uint8_t size, uint32_t *val)
{
	bool fails = false;

	(void)host;
	FUZZ_ASSERT(size && size <= 4 && reg % size == 0 && reg < SPACE);
	*val = UINT32_MAX >> (32 - 8 * size);
	if (is_vf(sbdf)) {
		*val = 0;
		memcpy(val, dev.vf + reg, size);
		return 0;
	}
	if (sbdf.sbdf != DEV.sbdf || reg >= known())
		return 0;
	FUZZ_ASSERT(dev.told);
	*val = 0;
	memcpy(val, dev.space + reg, size);
	if (lie(size, val)) {
		fails = dev.lie[1] % LIES_ == LIE_FAIL;
		dev.lie += 2;
		dev.nlies--;
		dev.reads = 0;
	}
	dev.last = *val;
	return fails ? -EIO : 0;
}

/* Which bits of the BAR at @reg can be written; all of what is none. */
static uint32_t writable(uint16_t reg)
{
	unsigned int n;

	if (reg >= PCI_BASE_ADDRESS_0 && reg < PCI_BASE_ADDRESS_0 + 24)
		n = (reg - PCI_BASE_ADDRESS_0) / 4;
	else if (reg == PCI_ROM_ADDRESS)
		n = 6;
	else
		return UINT32_MAX;
	return dev.bits[n] > 31 ? 0 : ~((1u << dev.bits[n]) - 1);
}

/* By FLR or AF, where the corpus has these capabilities. */
static void maybe_reset(uint16_t reg, uint32_t val)
{
	bool flr = reg == 0x60 + PCI_EXP_DEVCTL && val & PCI_EXP_DEVCTL_BCR_FLR;
	bool af = reg == 0xb8 + PCI_AF_CTRL && val & PCI_AF_CTRL_FLR;

	if (!(dev.kind & KIND_RESETS) || !(flr || af))
		return;
	memcpy(dev.space, dev.power_on, SPACE);
	memset(dev.space + PCI_COMMAND, 0, 2);
	for (unsigned int reg = PCI_BASE_ADDRESS_0; reg < 0x28; reg++)
		dev.space[reg] &= reg % 4 ? 0 : 0xf;
}

static int dev_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t val)
{
	uint32_t mask, was = 0;

	(void)host;
	FUZZ_ASSERT(size && size <= 4 && reg % size == 0 && reg < SPACE);
	FUZZ_ASSERT(size == 4 || !(val >> 8 * size));
	FUZZ_ASSERT(size != 4 || val != GUEST_ADDRESS);
	if (is_vf(sbdf))
		memcpy(dev.vf + reg, &val, size);
	if (sbdf.sbdf != DEV.sbdf)
		return 0;
	FUZZ_ASSERT(dev.told);
	if (dev.kind & KIND_ROM || reg >= known() || reg < PCI_COMMAND)
		return 0;
	mask = size == 4 ? writable(reg) : UINT32_MAX;
	memcpy(&was, dev.space + reg, size);
	val = (val & mask) | (was & ~mask);
	memcpy(dev.space + reg, &val, size);
	maybe_reset(reg, val);
	return 0;
}

static uint16_t dev_size(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	return sbdf.sbdf == DEV.sbdf || is_vf(sbdf) ? known() : 0;
}

static void dev_adding(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	if (sbdf.sbdf == DEV.sbdf)
		dev.told = true;
}

static void dev_removed(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	if (sbdf.sbdf == DEV.sbdf)
		dev.told = false;
}

/* --- memory ------------------------------------------------------------------------- */

static uint64_t bar_now(unsigned int i)
{
	uint32_t reg[2];

	memcpy(reg, dev.space + PCI_BASE_ADDRESS_0 + 4 * i, sizeof(reg));
	return (reg[0] & ~0xfu) |
	       (dev.desc.bar[i].kind == PCI_BAR_MEM64 ? (uint64_t)reg[1] << 32
						      : 0);
}

/* In one of its BARs, of the sizes that were found. */
static bool in_a_bar(uint64_t addr, uint64_t size)
{
	for (unsigned int i = 0; i < PCI_BAR_FIRST_ROM; i++) {
		const struct pci_bar *bar = &dev.desc.bar[i];

		if (bar->kind != PCI_BAR_NONE && addr >= bar_now(i) &&
		    addr - bar_now(i) < bar->size &&
		    size <= bar->size - (addr - bar_now(i)))
			return true;
	}
	return false;
}

/* A device that has lied has moved its BARs, for all that the core knows. */
static void check_memory(uint64_t addr, uint8_t size)
{
	FUZZ_ASSERT(size && size <= 8 && !(size & (size - 1)) &&
		    addr % size == 0);
	FUZZ_ASSERT(dev.lied || in_a_bar(addr, size));
}

static int mem_read(struct pci_host *host, uint64_t addr, uint8_t size,
		    uint64_t *val)
{
	(void)host;
	check_memory(addr, size);
	*val = addr * 0x9e3779b97f4a7c15u >> (64 - 8 * size);
	return 0;
}

static uint64_t table_at(uint16_t reg, unsigned int *bar)
{
	uint32_t where;

	memcpy(&where, dev.space + dev.desc.msix + reg, 4);
	*bar = where & PCI_MSIX_TABLE_BIR;
	return *bar < PCI_BAR_FIRST_ROM
		       ? bar_now(*bar) + (where & PCI_MSIX_TABLE_OFFSET)
		       : UINT64_MAX;
}

/* A guest writes what it likes to its BARs, but not where messages stand. */
static int mem_write(struct pci_host *host, uint64_t addr, uint8_t size,
		     uint64_t val)
{
	uint64_t n = dev.desc.msix_entries * (uint64_t)PCI_MSIX_ENTRY_SIZE, at;
	unsigned int bar;

	(void)host;
	check_memory(addr, size);
	if (dev.lied || !dev.desc.msix || (uint32_t)val != GUEST_ADDRESS)
		return 0;
	at = table_at(PCI_MSIX_TABLE, &bar);
	FUZZ_ASSERT(addr < at || addr - at >= n);
	return 0;
}

/* --- interrupts ------------------------------------------------------------------------ */

static int msi_alloc(struct pci_host *host, pci_sbdf_t sbdf, unsigned int count,
		     struct pci_irq *irq, struct msi_message *message)
{
	unsigned int i;

	(void)host, (void)sbdf;
	FUZZ_ASSERT(count && count <= 32 && !(count & (count - 1)));
	for (i = 0; i < VECTORS && dev.vector[i]; i++)
		;
	if (i == VECTORS)
		return -ENOSPC;
	dev.vector[i] = irq;
	*message = (struct msi_message){ HOST_ADDRESS, i * 32 };
	return 0;
}

static void msi_free(struct pci_host *host, struct pci_irq *irq)
{
	unsigned int i;

	(void)host;
	for (i = 0; i < VECTORS && dev.vector[i] != irq; i++)
		;
	FUZZ_ASSERT(i < VECTORS);
	dev.vector[i] = NULL;
}

static const struct msi_ops msi = { .alloc = msi_alloc, .free = msi_free };

static void interrupt(struct domain *d, pci_sbdf_t sbdf, bool msix,
		      unsigned int index)
{
	(void)msix, (void)index;
	FUZZ_ASSERT(d == dev.guest &&
		    pci_owner(sbdf) == (int)domain_id(dev.guest));
}

static void handler(void *data, unsigned int index)
{
	(void)data;
	FUZZ_ASSERT(dev.bound && index >= dev.first &&
		    index - dev.first < dev.count);
}

/* --- the guest ---------------------------------------------------------------------------- */

static bool holds(const struct pci_mapping *m, uint16_t reg, uint64_t size)
{
	unsigned int bar;
	uint64_t at = table_at(reg, &bar);

	return bar == m->bar && at < m->hpa + m->size && m->hpa < at + size;
}

static void check_table(const struct pci_mapping *m)
{
	uint64_t n = dev.desc.msix_entries;

	FUZZ_ASSERT(!holds(m, PCI_MSIX_TABLE, n * PCI_MSIX_ENTRY_SIZE));
	FUZZ_ASSERT(!holds(m, PCI_MSIX_PBA, (n + 63) / 64 * 8));
}

static int map(struct domain *d, const struct pci_mapping *m)
{
	FUZZ_ASSERT(d == dev.guest && m->size && !(m->gpa % PLAT_PAGE_SIZE) &&
		    !(m->hpa % PLAT_PAGE_SIZE) && !(m->size % PLAT_PAGE_SIZE));
	if (dev.lied)
		return 0;
	FUZZ_ASSERT(in_a_bar(m->hpa, m->size));
	if (dev.desc.msix && m->bar < PCI_BAR_FIRST_ROM)
		check_table(m);
	return 0;
}

static void unmap(struct domain *d, const struct pci_mapping *m)
{
	FUZZ_ASSERT(d == dev.guest && m->size);
}

static const struct domain_ops guest_ops = { .map = map,
					     .unmap = unmap,
					     .interrupt = interrupt };

static bool never(void *unused)
{
	(void)unused;
	return false;
}

static void write_reg(uint16_t reg, uint8_t size, uint64_t val)
{
	const pci_sbdf_t at = pci_sbdf(0, 0, 3, 0);
	struct vpci_vcpu vcpu;
	uint64_t when = 0;
	unsigned int i;

	vpci_vcpu_init(&vcpu, dev.guest);
	(void)vpci_write(&vcpu, at, reg, size, val);
	for (i = 0; i < 64 && vpci_process_pending(&vcpu, &when) == PCI_AGAIN;
	     i++)
		serial_wait(never, NULL, when);
	vpci_vcpu_fini(&vcpu);
}

/* --- operations ------------------------------------------------------------------------------ */

struct op {
	uint8_t op, a, b;
};

#define EXPECT(err, ...)                                                   \
	do {                                                               \
		static const int expected[] = { 0, __VA_ARGS__ };          \
		int got = (err);                                           \
		bool found = false;                                        \
                                                                           \
		for (unsigned int i_ = 0; i_ < ARRAY_SIZE(expected); i_++) \
			found |= got == expected[i_];                      \
		if (!found || getenv("FUZZ_TRACE"))                        \
			fprintf(stderr, "line %d: result %d\n", __LINE__,  \
				got);                                      \
		FUZZ_ASSERT(found);                                        \
	} while (0)

static void add(const struct op *o)
{
	struct pci_scan scan;

	if (o->a & 1)
		EXPECT(pci_scan_slot(DEV, &scan), 0);
	else
		EXPECT(pci_add_device(DEV), -ENODEV, -EAGAIN, -EIO, -EBUSY,
		       -EINVAL);
}

static void take_away(const struct op *o)
{
	struct pci_dev_info info;
	int err = pci_remove_device(DEV, o->a & 7, o->b * MSEC, NULL);

	EXPECT(err, -ENODEV, -EBUSY, -EIO);
	if (!err)
		FUZZ_ASSERT(pci_query(DEV, &info) == -ENODEV && !dev.told);
}

static void lose(const struct op *o)
{
	(void)o;
	EXPECT(pci_device_lost(DEV), -ENODEV);
}

static void give(const struct op *o)
{
	pci_sbdf_t vsbdf = pci_sbdf(0, 0, 3, 0);
	struct pci_assign_report report;

	EXPECT(pci_assign_device(dev.guest, DEV, o->a & 3, &vsbdf, &report),
	       -ENODEV, -EBUSY, -EBADF, -EPERM, -EIO, -EEXIST, -ENOSPC, -E2BIG);
	if (getenv("FUZZ_TRACE"))
		fprintf(stderr, "%s\n", report.reason ? report.reason : "");
}

static void take(const struct op *o)
{
	struct pci_assign_report report;

	EXPECT(pci_deassign_device(dev.guest, DEV, o->a & 1, &report), -ENODEV,
	       -EBUSY, -EPERM, -EIO);
}

static void guest_write(const struct op *o)
{
	write_reg((uint16_t)((o->a << 4 | o->b >> 4) & 0xffc), 4,
		  o->b & 8 ? UINT32_MAX : o->b & 7);
}

/* By what the device says of itself. */
static void guest_messages(const struct op *o)
{
	struct pci_dev_info info;
	uint16_t at;

	if (pci_query(DEV, &info))
		return;
	at = info.desc.msi;
	if (at && o->a & 1) {
		write_reg(at + PCI_MSI_ADDRESS_LO, 4, GUEST_ADDRESS);
		write_reg(at + PCI_MSI_DATA_64, 2, GUEST_DATA);
		write_reg(at + PCI_MSI_DATA_32, 2, GUEST_DATA);
		write_reg(at + PCI_MSI_FLAGS, 2, o->b);
	}
	at = info.desc.msix;
	if (at && o->a & 2)
		write_reg(at + PCI_MSIX_FLAGS, 2, (uint64_t)o->b << 8);
	if (o->a & 4)
		write_reg(PCI_COMMAND, 2, o->b & 7);
}

static void guest_place(const struct op *o)
{
	write_reg(PCI_BASE_ADDRESS_0 + 4 * (o->a % 7), 4,
		  BAR_AT + ((uint64_t)o->b << 12));
	if (o->a & 0x80)
		write_reg(PCI_COMMAND, 2, 6);
}

static void guest_memory(const struct op *o)
{
	uint64_t gpa = BAR_AT + ((uint64_t)o->a << 12) + (o->b & 0xfc) * 4u;
	uint8_t size = (uint8_t)(1 << (o->b & 3));
	struct vpci_vcpu vcpu;
	uint64_t val;

	(void)vpci_mmio_read(dev.guest, gpa, size, &val);
	vpci_vcpu_init(&vcpu, dev.guest);
	(void)vpci_mmio_write(&vcpu, gpa, size,
			      o->b & 0x10 ? 0 : GUEST_ADDRESS);
	vpci_vcpu_fini(&vcpu);
}

static void guest_reads(const struct op *o)
{
	uint64_t val;
	unsigned int reg;

	(void)o;
	for (reg = 0; reg < SPACE; reg += 4)
		(void)vpci_read(dev.guest, pci_sbdf(0, 0, 3, 0), (uint16_t)reg,
				4, &val);
}

static void unbind(const struct op *o)
{
	(void)o;
	if (!dev.bound)
		return;
	EXPECT(pci_irq_unbind(dev.bound, dev.kind_bound, dev.first, dev.count),
	       -ENOENT);
	pcidev_put(dev.bound);
	dev.bound = NULL;
}

static void bind(const struct op *o)
{
	int err;

	unbind(o);
	if (pci_lookup(NULL, DEV, &dev.bound))
		return;
	dev.kind_bound = o->a & 1 ? PCI_VECTOR_MSIX : PCI_VECTOR_MSI;
	dev.first = o->a >> 1 & 3;
	dev.count = 1u << (o->b & 7);
	err = pci_irq_bind(dev.bound, dev.kind_bound, dev.first, dev.count,
			   handler, NULL);
	EXPECT(err, -ENODEV, -EBUSY, -EEXIST, -EINVAL, -ENFILE, -ENXIO,
	       -ENODATA, -ENOSPC);
	if (!err && o->b & 8)
		EXPECT(pci_irq_mask(dev.bound, dev.kind_bound, dev.first,
				    false),
		       0);
	if (!err)
		return;
	pcidev_put(dev.bound);
	dev.bound = NULL;
}

static void deliver(const struct op *o)
{
	struct pci_irq *irq;

	plat_rcu_read_lock();
	irq = dev.vector[o->a % VECTORS];
	if (irq)
		pci_irq_deliver(irq, 0);
	plat_rcu_read_unlock();
}

static void reset(const struct op *o)
{
	const char *why = NULL;

	EXPECT(pci_reset_device(
		       DEV, (enum pci_reset_method)(o->a % (PCI_RESET_ANY + 1)),
		       NULL, &why),
	       -ENODEV, -EBUSY, -EBADF, -EINVAL, -EOPNOTSUPP, -EIO);
	EXPECT(pci_restore_msi(DEV), -ENODEV, -ENXIO, -EBUSY);
}

static void quarantine(const struct op *o)
{
	const char *why = NULL;

	if (o->a & 1)
		EXPECT(pci_quarantine_device(DEV, "a walk"), -ENODEV, -EBUSY,
		       -EPERM, -EIO);
	else
		EXPECT(pci_unquarantine_device(DEV, &why), -ENODEV, -EINVAL,
		       -EBUSY, -EIO, -EPERM);
}

static void look(const struct op *o)
{
	struct pci_cap cap[8];
	unsigned int count;

	if (!dev.told)
		return; /* by address it would be looked at all the same */
	EXPECT(pci_caps(DEV, cap, 0, &count) < 0 ? -EIO : 0, -EIO);
	(void)pci_find_cap(DEV, o->a);
	(void)pci_find_ext_cap(DEV, o->b);
	(void)pci_reset_methods(DEV);
}

/* Hardware changes. */
static void change(const struct op *o)
{
	dev.lied = true;
	dev.space[(o->a << 3 | o->b >> 5) % known()] ^= (uint8_t)(o->b << 3);
}

static void (*const ops[])(const struct op *o) = {
	add,         take_away,      lose,        give,         take,
	guest_write, guest_messages, guest_place, guest_memory, guest_reads,
	bind,        unbind,         deliver,     reset,        quarantine,
	look,        change,
};

/* --- one life ------------------------------------------------------------------------------- */

static const struct pci_host_ops host_ops = {
	.read = dev_read,
	.write = dev_write,
	.config_size = dev_size,
	.mem_read = mem_read,
	.mem_write = mem_write,
	.adding = dev_adding,
	.removed = dev_removed,
};
static const struct pci_host_ops no_mem_ops = {
	.read = dev_read,
	.write = dev_write,
	.config_size = dev_size,
	.adding = dev_adding,
	.removed = dev_removed,
};
static struct pci_host host = { .msi = &msi, .name = "bytes" };

static void begin(void)
{
	serial_begin();
	host.ops = dev.kind & KIND_NOMEM ? &no_mem_ops : &host_ops;
	FUZZ_ASSERT(!pci_init() && !pci_config_init() && !pci_vpci_init(NULL) &&
		    !pci_irq_init(NULL));
	if (!(dev.kind & KIND_STAGE))
		FUZZ_ASSERT(!pci_reset_init());
	FUZZ_ASSERT(!pci_segment_add(0, &host));
	FUZZ_ASSERT(!domain_create(0, "guest", &guest_ops, NULL, &dev.guest));
}

static void end(void)
{
	struct pci_stats stats;

	unbind(NULL);
	FUZZ_ASSERT(!pci_check_invariants());
	FUZZ_ASSERT(!domain_destroy(dev.guest));
	domain_put(dev.guest);
	FUZZ_ASSERT(!pci_check_invariants());
	serial_callbacks();
	pci_get_stats(&stats);
	FUZZ_ASSERT(stats.objects == stats.devices);
	pci_fini();
	FUZZ_ASSERT(!pci_irq_vectors());
	for (unsigned int i = 0; i < VECTORS; i++)
		FUZZ_ASSERT(!dev.vector[i]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	plat_log_to(fuzz_quiet);
	serial_start();
	return 0;
}

static void run(const struct op *o)
{
	struct pci_dev_info info;

	ops[o->op % ARRAY_SIZE(ops)](o);
	if (!pci_query(DEV, &info))
		dev.desc = info.desc;
}

/* Its own registers say what is to be the guest's alone. */
static bool has_guests_address(void)
{
	uint32_t val;

	for (unsigned int i = 0; i + sizeof(val) <= SPACE; i++) {
		memcpy(&val, dev.space + i, sizeof(val));
		if (__builtin_popcount(val ^ GUEST_ADDRESS) <= 8)
			return true;
	}
	return false;
}

/* What is there of @want bytes; and @data goes on behind them. */
static size_t take_bytes(const uint8_t **data, size_t *size, size_t want)
{
	size_t n = want < *size ? want : *size;

	*data += n;
	*size -= n;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int nops;
	const uint8_t *at;

	if (size < 3 + BARS)
		return -1;
	memset(&dev, 0, sizeof(dev));
	dev.kind = data[0];
	nops = data[1] % (OPS + 1);
	dev.nlies = data[2] % (LIES + 1);
	memcpy(dev.bits, data + 3, BARS);
	take_bytes(&data, &size, 3 + BARS);
	at = data;
	nops = (unsigned int)(take_bytes(&data, &size, 3 * nops) / 3);
	dev.lie = data;
	dev.nlies = (unsigned int)(take_bytes(&data, &size, 2 * dev.nlies) / 2);
	memcpy(dev.space, data, size < SPACE ? size : SPACE);
	if (has_guests_address())
		return -1;
	memcpy(dev.power_on, dev.space, SPACE);
	memset(dev.vf, 0xff, 4); /* PCIe 6.0 §9.3.4.1.1 */
	begin();
	for (unsigned int i = 0; i < nops; i++, at += 3)
		run(&(struct op){ at[0], at[1], at[2] });
	end();
	return 0;
}
