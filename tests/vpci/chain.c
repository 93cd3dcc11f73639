/* SPDX-License-Identifier: BSD-2-Clause */
#include "chain.h"

struct fake_fn *fn;
static struct domain *guest;
static struct pci_dev *pdev;
struct vpci *view;

int chain_set_up(void **state)
{
	if (fake_setup(state) || pci_vpci_init(NULL) ||
	    domain_create(1, "guest", NULL, NULL, &guest))
		return -1;
	fn = fake_add(DEV, 0x10ec8086);
	return 0;
}

void forget_view(void)
{
	vpci_free_later(view);
	view = NULL;
	plat_rcu_barrier();
}

int chain_tear_down(void **state)
{
	forget_view();
	pcidev_put(pdev);
	pdev = NULL;
	if (domain_destroy(guest))
		return -1;
	domain_put(guest);
	return fake_teardown(state);
}

int try_build(const struct vpci_policy *policy)
{
	struct domain *d = policy->hardware ? hardware_domain : guest;

	if (!pdev) {
		add(DEV);
		pdev = get(DEV);
	}
	forget_view();
	return vpci_build(pdev, d, policy, &view);
}

void build(const struct vpci_policy *policy)
{
	assert_int_equal(try_build(policy), 0);
}

uint32_t see(uint16_t reg, uint8_t size)
{
	uint32_t val;

	plat_rcu_read_lock();
	val = vpci_view_read(view, reg, size);
	plat_rcu_read_unlock();
	return val;
}

void put(uint16_t reg, uint8_t size, uint32_t val)
{
	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	vpci_view_write(view, reg, size, val);
	pci_unlock(&pdev->lock);
	plat_rcu_read_unlock();
}

void cap(uint8_t pos, uint8_t id, uint8_t length)
{
	fake_cap(fn, pos, id);
	memset(fn->reg + pos + 2, 0xa5, length - 2u);
	memset(fn->writable + pos + 2, 0xff, length - 2u);
}

void ext_cap(uint16_t pos, uint16_t id, uint16_t length)
{
	fake_ext_cap(fn, pos, id);
	memset(fn->reg + pos + 4, 0xa5, length - 4u);
}

const char *walk(void)
{
	static char text[8192];
	bool seen[PCI_CFG_SPACE_EXP_SIZE / 4] = { false };
	uint16_t pos = (uint16_t)see(PCI_CAPABILITY_LIST, 1);
	int n = 0;
	uint32_t head;

	for (; pos; pos = (uint16_t)see(pos + 1, 1)) {
		assert_true(pos >= 0x40 && pos < 0x100 && pos % 4 == 0);
		assert_false(seen[pos / 4]);
		seen[pos / 4] = true;
		n += sprintf(text + n, "%02x@%x ", see(pos, 1), pos);
	}
	n += sprintf(text + n, "|");
	if (view->size <= PCI_EXT_CAP_START)
		return text;
	for (pos = PCI_EXT_CAP_START; pos && (head = see(pos, 4));
	     pos = PCI_EXT_CAP_NEXT(head)) {
		assert_true(pos >= 0x100 && pos < view->size);
		assert_false(seen[pos / 4]);
		seen[pos / 4] = true;
		assert_int_equal(PCI_EXT_CAP_VER(head), (uint16_t)head ? 1 : 0);
		n += sprintf(text + n, " %04x@%x", (uint16_t)head, pos);
	}
	return text;
}

void bars(void)
{
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0xe000000c, 0xffff0000);
	fake_bar(fn, PCI_BASE_ADDRESS_1, 0, 0xffffffff);
	fake_bar(fn, PCI_BASE_ADDRESS_2, 0x0000e001, 0x0000ffe0);
	fake_bar(fn, PCI_ROM_ADDRESS, 0xfd000000, 0xffff0001);
}
