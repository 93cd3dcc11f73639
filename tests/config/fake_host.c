/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_host.h"

struct fake fake;

/* --- the host ------------------------------------------------------------- */

struct fake_fn *fake_at(pci_sbdf_t sbdf)
{
	unsigned int i;

	for (i = 0; i < fake.count; i++)
		if (fake.fn[i].sbdf.sbdf == sbdf.sbdf)
			return &fake.fn[i];
	return NULL;
}

uint32_t fake_get(struct fake_fn *fn, uint16_t reg, uint8_t size)
{
	uint32_t val = 0;

	memcpy(&val, fn->reg + reg, size);
	return val;
}

void fake_put(struct fake_fn *fn, uint16_t reg, uint8_t size, uint32_t val)
{
	memcpy(fn->reg + reg, &val, size);
}

void fake_allow(struct fake_fn *fn, uint16_t reg, uint8_t size, uint32_t bits)
{
	memcpy(fn->writable + reg, &bits, size);
}

/* One access comes: the function, or NULL if all-ones is the answer. */
static struct fake_fn *access_to(pci_sbdf_t sbdf, uint16_t reg, bool write,
				 int *err)
{
	struct fake_fn *fn = fake_at(sbdf);

	*err = ++fake.accesses == fake.error_at ? -EIO : 0;
	if (!fn)
		return NULL;
	if (fn->unreadable)
		*err = -EIO;
	if (fake.on_access)
		fake.on_access(fn, write, reg);
	fn->accesses++;
	fn->writes += write;
	fake.untold += !fn->told;
	return fn->absent || *err ? NULL : fn;
}

static int fake_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	int err;
	struct fake_fn *fn = access_to(sbdf, reg, false, &err);

	(void)host;
	if (err)
		return err; /* and no value at all */
	*val = conf_ones(size);
	if (!fn)
		return 0;
	if (fn->aliases)
		reg %= PCI_CFG_SPACE_SIZE;
	if (reg >= fn->size)
		return 0;
	*val = fake_get(fn, reg, size);
	if (reg == PCI_VENDOR_ID && fn->retries) {
		fn->retries--;
		*val = 0xffff0001 & conf_ones(size);
	}
	return 0;
}

static bool is_bar(uint16_t reg)
{
	return (reg >= PCI_BASE_ADDRESS_0 && reg <= PCI_BASE_ADDRESS_5 + 3) ||
	       reg == PCI_ROM_ADDRESS;
}

static void watch_write(struct fake_fn *fn, uint16_t reg, uint32_t val)
{
	uint16_t command = fake_get(fn, PCI_COMMAND, 2);
	bool bridge = fn->reg[PCI_HEADER_TYPE] & PCI_HEADER_TYPE_MASK;

	if (!bridge && is_bar(reg) && fake_get(fn, reg, 4) != val &&
	    command & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY))
		fake.moved++;
	if (fake_get(fn, 0x200, 2) == PCI_EXT_CAP_ID_SRIOV &&
	    reg >= 0x200 + PCI_SRIOV_BAR && reg < 0x200 + PCI_SRIOV_VFM &&
	    fake_get(fn, 0x200 + PCI_SRIOV_CTRL, 2) &
		    (PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE))
		fake.invented++;
}

static int fake_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	int err;
	struct fake_fn *fn = access_to(sbdf, reg, true, &err);
	uint32_t bits = 0;

	(void)host;
	if (!fn)
		return err;
	fake.wide += (val & ~conf_ones(size)) != 0;
	if (fn->sticky && reg == fn->sticky)
		return 0;
	watch_write(fn, reg, val);
	memcpy(&bits, fn->writable + reg, size);
	fake_put(fn, reg, size,
		 (fake_get(fn, reg, size) & ~bits) | (val & bits));
	return 0;
}

int fake_next(struct pci_host *host, pci_sbdf_t *sbdf)
{
	struct fake_fn *best = NULL;
	unsigned int i;

	(void)host;
	for (i = 0; i < fake.count; i++) {
		struct fake_fn *fn = &fake.fn[i];

		if (fn->sbdf.sbdf >= sbdf->sbdf &&
		    (!best || fn->sbdf.sbdf < best->sbdf.sbdf))
			best = fn;
	}
	if (!best)
		return -ENOENT;
	*sbdf = best->sbdf;
	return 0;
}

static void fake_adding(struct pci_host *host, pci_sbdf_t sbdf)
{
	struct fake_fn *fn = fake_at(sbdf);

	(void)host;
	if (fn)
		fn->told = true;
}

static void fake_removed(struct pci_host *host, pci_sbdf_t sbdf)
{
	struct fake_fn *fn = fake_at(sbdf);

	(void)host;
	if (fn)
		fn->told = false;
}

/* --- building ------------------------------------------------------------- */

static struct fake_fn *new_fn(pci_sbdf_t sbdf, uint32_t id)
{
	struct fake_fn *fn = &fake.fn[fake.count++];

	assert_true(fake.count <= ARRAY_SIZE(fake.fn));
	*fn = (struct fake_fn){ .sbdf = sbdf, .size = 256 };
	fake_put(fn, PCI_VENDOR_ID, 4, id);
	fake_put(fn, PCI_CLASS_REVISION, 4, 0x02000001);
	fake_allow(fn, PCI_COMMAND, 2, 0x0547);
	return fn;
}

struct fake_fn *fake_add(const char *sbdf, uint32_t id)
{
	return new_fn(at(sbdf), id);
}

struct fake_fn *fake_bridge(const char *sbdf, uint8_t secondary,
			    uint8_t subordinate)
{
	struct fake_fn *fn = fake_add(sbdf, 0x12348086);

	fake_put(fn, PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_BRIDGE);
	fake_put(fn, PCI_CLASS_REVISION, 4, 0x06040000);
	fake_put(fn, PCI_SECONDARY_BUS, 1, secondary);
	fake_put(fn, PCI_SUBORDINATE_BUS, 1, subordinate);
	return fn;
}

void fake_bar(struct fake_fn *fn, uint16_t reg, uint32_t val, uint32_t writable)
{
	fake_put(fn, reg, 4, val);
	fake_allow(fn, reg, 4, writable);
}

void fake_cap(struct fake_fn *fn, uint8_t pos, uint8_t id)
{
	uint8_t link = PCI_CAPABILITY_LIST;

	fake_put(fn, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	while (fn->reg[link])
		link = fn->reg[link] + PCI_CAP_LIST_NEXT;
	fn->reg[link] = pos;
	fake_put(fn, pos, 2, id);
}

void fake_ext_cap(struct fake_fn *fn, uint16_t pos, uint16_t id)
{
	uint16_t last = PCI_EXT_CAP_START;
	uint32_t head;

	fn->size = PCI_CFG_SPACE_EXP_SIZE;
	fake_put(fn, pos, 4, 1u << 16 | id);
	if (pos == PCI_EXT_CAP_START)
		return;
	while ((head = fake_get(fn, last, 4)) >> 20)
		last = PCI_EXT_CAP_NEXT(head);
	fake_put(fn, last, 4, head | (uint32_t)pos << 20);
}

void fake_express(struct fake_fn *fn, uint8_t pos, unsigned int type)
{
	fake_cap(fn, pos, PCI_CAP_ID_EXP);
	fake_put(fn, pos + PCI_EXP_FLAGS, 2,
		 2 | type << PCI_EXP_FLAGS_TYPE_SHIFT);
}

void fake_sriov(struct fake_fn *pf, uint16_t num, uint16_t offset,
		uint16_t stride)
{
	unsigned int i;

	fake_ext_cap(pf, PCI_EXT_CAP_START, PCI_EXT_CAP_ID_ERR);
	fake_ext_cap(pf, 0x200, PCI_EXT_CAP_ID_SRIOV);
	fake_put(pf, 0x200 + PCI_SRIOV_CTRL, 2, num ? PCI_SRIOV_CTRL_VFE : 0);
	fake_allow(pf, 0x200 + PCI_SRIOV_CTRL, 2,
		   PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	fake_put(pf, 0x200 + PCI_SRIOV_TOTAL_VF, 2, 8);
	fake_put(pf, 0x200 + PCI_SRIOV_NUM_VF, 2, num);
	fake_put(pf, 0x200 + PCI_SRIOV_VF_OFFSET, 2, offset);
	fake_put(pf, 0x200 + PCI_SRIOV_VF_STRIDE, 2, stride);
	fake_put(pf, 0x200 + PCI_SRIOV_VF_DID, 2, 0x10ed);
	for (i = 0; i < num; i++) {
		pci_sbdf_t vf = pf->sbdf;

		vf.bdf += (uint16_t)(offset + i * stride);
		new_fn(vf, UINT32_MAX);
	}
}

/* --- setting up ----------------------------------------------------------- */

static uint64_t objects_before; /* what a failed test left is its own */

static uint64_t objects(void)
{
	struct pci_stats stats;

	pci_get_stats(&stats);
	return stats.objects;
}

int fake_setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.ops = (struct pci_host_ops){ .read = fake_read,
					  .write = fake_write,
					  .adding = fake_adding,
					  .removed = fake_removed };
	fake.host = (struct pci_host){ .ops = &fake.ops, .name = "fake" };
	if (pci_init() || pci_config_init())
		return -1;
	objects_before = objects();
	return pci_segment_add(0, &fake.host);
}

int fake_teardown(void **state)
{
	unsigned int broken = pci_check_invariants();
	uint64_t left;

	(void)state;
	pci_fini();
	if (pci_init())
		return -1;
	left = objects() - objects_before;
	pci_fini();
	if (broken || left)
		print_error("%u invariants broken, %llu objects left\n", broken,
			    (unsigned long long)left);
	if (fake.untold || fake.wide || fake.moved || fake.invented)
		print_error("accesses: %u untold, %u too wide; "
			    "BARs: %u moved, %u of VFs\n",
			    fake.untold, fake.wide, fake.moved, fake.invented);
	return broken || left || fake.untold || fake.wide || fake.moved ||
	       fake.invented;
}

void add(const char *sbdf)
{
	assert_int_equal(pci_add_device(at(sbdf)), 0);
}

struct pci_dev_desc described(const char *sbdf)
{
	struct pci_dev_desc desc;

	fake_at(at(sbdf))->told = true;
	assert_int_equal(pci_describe(at(sbdf), &desc), 0);
	return desc;
}

struct pci_dev_info info_of(const char *sbdf)
{
	struct pci_dev_info info;

	assert_int_equal(pci_query(at(sbdf), &info), 0);
	return info;
}

bool is_there(const char *sbdf)
{
	struct pci_dev_info info;

	return !pci_query(at(sbdf), &info);
}

struct pci_dev *get(const char *sbdf)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(sbdf));

	assert_non_null(pdev);
	return pdev;
}
