/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Policy files: a policy or a sentence. One that passes the check is given to a
 * guest who writes ones and zeros everywhere, on a device all of whose
 * registers are memory: what only the host may write is as it was.
 */
#include <string.h>

#include "fuzz.h"
#include "policy_file.h"
#include "vpci/internal.h"

#define DEV pci_sbdf(0, 0, 3, 0)

static uint8_t space[PCI_CFG_SPACE_EXP_SIZE];
static bool ready;

static int space_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t *val)
{
	(void)host;
	*val = (uint32_t)vpci_ones(size);
	if (sbdf.sbdf == DEV.sbdf) {
		*val = 0;
		memcpy(val, space + reg, size);
	}
	return 0;
}

static int space_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		       uint8_t size, uint32_t val)
{
	(void)host;
	if (sbdf.sbdf == DEV.sbdf && ready)
		memcpy(space + reg, &val, size);
	return 0;
}

static const struct pci_host_ops ops = { .read = space_read,
					 .write = space_write };
static struct pci_host host = { .ops = &ops, .name = "bytes" };

static const struct {
	uint16_t pos, id;
} caps[] = {
	{ 0x40, PCI_CAP_ID_MSI },        { 0x58, PCI_CAP_ID_MSIX },
	{ 0x64, PCI_CAP_ID_EXP },        { 0xa0, PCI_CAP_ID_EA },
	{ 0xb0, PCI_CAP_ID_PM },         { 0xb8, PCI_CAP_ID_AF },
	{ 0xc0, PCI_CAP_ID_VNDR },       { 0x100, PCI_EXT_CAP_ID_ACS },
	{ 0x110, PCI_EXT_CAP_ID_ATS },   { 0x120, PCI_EXT_CAP_ID_SRIOV },
	{ 0x160, PCI_EXT_CAP_ID_REBAR }, { 0x170, PCI_EXT_CAP_ID_PRI },
	{ 0x180, PCI_EXT_CAP_ID_PASID }, { 0x190, PCI_EXT_CAP_ID_VNDR },
};

/* Bytes and bits that stay as they are. FLR is the guest policy's own. */
static const struct {
	uint16_t from, end;
	uint8_t bits;
} never[] = {
	{ 0x10, 0x34, 0xff },
	{ 0x40, 0x64, 0xff },
	{ 0x64 + PCI_EXP_LNKCTL, 0x64 + PCI_EXP_LNKCTL + 1, 0x30 },
	{ 0x64 + PCI_EXP_SLTCTL, 0x64 + PCI_EXP_SLTCTL + 2, 0xff },
	{ 0x64 + PCI_EXP_RTCTL, 0x64 + PCI_EXP_RTCTL + 2, 0xff },
	{ 0xa0, 0xb0, 0xff },
	{ 0xb0 + PCI_PM_CTRL, 0xb0 + PCI_PM_CTRL + 1, 0x03 },
	{ 0x100, 0x190, 0xff },
};

static void make_space(void)
{
	unsigned int i, next;

	memset(space, 0, sizeof(space));
	space[PCI_VENDOR_ID] = 0x86;
	space[PCI_CLASS_DEVICE + 1] = 0x02;
	space[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	space[PCI_CAPABILITY_LIST] = (uint8_t)caps[0].pos;
	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		next = i + 1 < ARRAY_SIZE(caps) ? caps[i + 1].pos : 0;
		space[caps[i].pos] = (uint8_t)caps[i].id;
		if (caps[i].pos < PCI_EXT_CAP_START) {
			space[caps[i].pos + 1] = next < 0x100 ? (uint8_t)next
							      : 0;
			continue;
		}
		space[caps[i].pos + 2] = (uint8_t)(1 | (next & 0xf) << 4);
		space[caps[i].pos + 3] = (uint8_t)(next >> 4);
	}
	space[0x64 + PCI_EXP_FLAGS] = 2;
	space[0xc0 + PCI_CAP_VNDR_LENGTH] = 0x20;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	make_space();
	FUZZ_ASSERT(!pci_init());
	FUZZ_ASSERT(!pci_config_init());
	FUZZ_ASSERT(!pci_vpci_init(NULL));
	FUZZ_ASSERT(!pci_segment_add(0, &host));
	FUZZ_ASSERT(!pci_add_device(DEV));
	ready = true;
	return 0;
}

static void write_all(struct vpci *view, uint32_t val)
{
	unsigned int reg;

	plat_rcu_read_lock();
	pci_lock(&view->pdev->lock);
	for (reg = 0; reg < PCI_CFG_SPACE_EXP_SIZE; reg += 4)
		vpci_view_write(view, (uint16_t)reg, 4, val);
	pci_unlock(&view->pdev->lock);
	plat_rcu_read_unlock();
}

static void compare(const uint8_t *before)
{
	unsigned int i, reg;

	for (i = 0; i < ARRAY_SIZE(never); i++)
		for (reg = never[i].from; reg < never[i].end; reg++)
			FUZZ_ASSERT(
				!((space[reg] ^ before[reg]) & never[i].bits));
}

static void give(const struct vpci_policy *policy, struct domain *d)
{
	static uint8_t before[PCI_CFG_SPACE_EXP_SIZE];
	struct pci_dev *pdev = pci_get_pdev(NULL, DEV);
	struct vpci *view;

	FUZZ_ASSERT(pdev);
	make_space();
	FUZZ_ASSERT(!vpci_build(pdev, d, policy, &view));
	memcpy(before, space, sizeof(space));
	write_all(view, UINT32_MAX);
	compare(before);
	/* and from ones: what is written as 0 would show */
	for (unsigned int i = 0; i < ARRAY_SIZE(never); i++)
		memset(space + never[i].from, 0xff,
		       never[i].end - never[i].from);
	memcpy(before, space, sizeof(space));
	write_all(view, 0);
	compare(before);
	vpci_free_later(view);
	pcidev_put(pdev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct domain *guest;
	char err[512] = "", why[160];
	struct policy_file *file = policy_file_parse("file", (const char *)data,
						     size, err, sizeof(err));
	int ret;

	if (!guest)
		FUZZ_ASSERT(!domain_create(1, "guest", NULL, NULL, &guest));
	FUZZ_ASSERT(!file == !!*err);
	if (!file)
		return 0;
	ret = vpci_policy_check(policy_file_policy(file), why, sizeof(why));
	FUZZ_ASSERT(!ret == !*why && (!ret || ret == -EINVAL || ret == -EPERM));
	if (!ret)
		give(policy_file_policy(file), guest);
	policy_file_free(file);
	return 0;
}
