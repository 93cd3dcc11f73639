/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A view is built, and each register of it, or each allocation, fails once
 * (--wrap=vpci_add_register, plat_zalloc).
 */
#include "chain.h"

int __real_vpci_add_register(struct vpci *v, uint16_t offset, uint8_t size,
			     const struct vpci_masks *masks, vpci_read_fn *read,
			     vpci_write_fn *write, void *data);
int __wrap_vpci_add_register(struct vpci *v, uint16_t offset, uint8_t size,
			     const struct vpci_masks *masks, vpci_read_fn *read,
			     vpci_write_fn *write, void *data);

static unsigned int adds, fail_at;
static bool fail_on; /* from there on */
static int fail_with;
static uint16_t failed_reg;

int __wrap_vpci_add_register(struct vpci *v, uint16_t offset, uint8_t size,
			     const struct vpci_masks *masks, vpci_read_fn *read,
			     vpci_write_fn *write, void *data)
{
	adds++;
	if (fail_at && (fail_on ? adds >= fail_at : adds == fail_at)) {
		failed_reg = offset;
		return fail_with;
	}
	return __real_vpci_add_register(v, offset, size, masks, read, write,
					data);
}

static int build_failing(const struct vpci_policy *policy, unsigned int n,
			 int err)
{
	int ret;

	adds = 0;
	fail_at = n;
	fail_with = err;
	ret = try_build(policy);
	fail_at = 0;
	return ret;
}

/*
 * Lack of memory at any register is the view's. A register that is taken, or
 * for which there is no room, hides the capability that it is of, and that one
 * only, whole; of the header it is the view's, too.
 */
static void fail_each(const struct vpci_policy *policy)
{
	unsigned int n, total, caps, hidden = 0;

	plat_log_level(PLAT_ERROR);
	adds = 0;
	build(policy);
	total = adds;
	caps = view->caps;
	for (n = 1; n <= total; n++) {
		assert_int_equal(build_failing(policy, n, -ENOMEM), -ENOMEM);
		assert_null(view);
		if (build_failing(policy, n, -EEXIST)) {
			assert_null(view);
			assert_true(failed_reg < PCI_STD_HEADER_SIZEOF ||
				    failed_reg == PCI_EXT_CAP_START);
			continue;
		}
		assert_int_equal(view->failed, 1);
		assert_int_equal(view->caps, caps - 1);
		if (!policy->hardware)
			assert_int_equal(see(failed_reg, 1), 0);
		walk();
		hidden++;
	}
	assert_int_equal(build_failing(policy, n, -ENOMEM), 0);
	assert_int_equal(view->caps, caps);
	assert_true(hidden > caps); /* more than one of some */
	plat_log_level(PLAT_INFO);
}

static void all_standard(void)
{
	fake_express(fn, 0x40, PCI_EXP_TYPE_ENDPOINT);
	fake_cap(fn, 0x80, PCI_CAP_ID_MSI);
	fake_put(fn, 0x80 + PCI_MSI_FLAGS, 2,
		 PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 2);
	fake_cap(fn, 0xa0, PCI_CAP_ID_MSIX);
	fake_put(fn, 0xa0 + PCI_MSIX_TABLE, 4, 0x1000);
	fake_put(fn, 0xa0 + PCI_MSIX_PBA, 4, 0x2000);
	fake_cap(fn, 0xb0, PCI_CAP_ID_PM);
	fake_cap(fn, 0xb8, PCI_CAP_ID_VPD);
	fake_cap(fn, 0xc0, PCI_CAP_ID_VNDR);
	fake_put(fn, 0xc2, 1, 12);
}

static void test_any_register_of_an_endpoint_may_fail(void **state)
{
	(void)state;
	bars();
	all_standard();
	ext_cap(0x100, PCI_EXT_CAP_ID_ERR, 0x30);
	ext_cap(0x140, PCI_EXT_CAP_ID_DSN, 12);
	fake_ext_cap(fn, 0x150, PCI_EXT_CAP_ID_VNDR);
	fake_put(fn, 0x154, 4, 0x01000000);
	fail_each(&vpci_policy_guest);
}

static void test_any_register_of_a_conventional_one_may_fail(void **state)
{
	(void)state;
	fake_cap(fn, 0x40, PCI_CAP_ID_AF);
	fake_cap(fn, 0x50, PCI_CAP_ID_MSI);
	fail_each(&vpci_policy_guest);
}

static void test_any_register_of_a_bridge_may_fail(void **state)
{
	(void)state;
	fake_put(fn, PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_BRIDGE);
	fake_bar(fn, PCI_BASE_ADDRESS_0, 0xe0000000, 0xffff0000);
	fake_cap(fn, 0x40, PCI_CAP_ID_SSVID);
	fake_express(fn, 0x50, PCI_EXP_TYPE_DOWNSTREAM);
	fail_each(&vpci_policy_guest);
}

static bool has_register(uint16_t reg)
{
	return view->index[reg / 4];
}

static void a_vf(void)
{
	struct fake_fn *pf;

	fake.count = 0;
	pf = fake_add("00:02.0", 0x10ec8086);
	fake_bar(pf, 0x200 + PCI_SRIOV_BAR, 0xe000000c, 0xffff0000);
	fake_bar(pf, 0x200 + PCI_SRIOV_BAR + 4, 0, 0xffffffff);
	fake_sriov(pf, 0, 8, 1);
	add("00:02.0"); /* sized while there are none */
	fake_put(pf, 0x200 + PCI_SRIOV_NUM_VF, 2, 1);
	fake_put(pf, 0x200 + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE);
	fn = fake_add(DEV, UINT32_MAX);
	all_standard();
}

static void test_any_register_of_a_vf_may_fail(void **state)
{
	(void)state;
	a_vf();
	fail_each(&vpci_policy_guest);
}

static int map_nothing(struct domain *d, const struct pci_mapping *m)
{
	(void)d, (void)m;
	return 0;
}

static void unmap_nothing(struct domain *d, const struct pci_mapping *m)
{
	(void)d, (void)m;
}

static void test_any_register_of_the_hardware_domain_may_fail(void **state)
{
	static const struct domain_ops mapping = { .map = map_nothing,
						   .unmap = unmap_nothing };
	const struct domain_ops *was = hardware_domain->ops;

	(void)state;
	bars();
	fake_sriov(fn, 0, 8, 1);
	fake_ext_cap(fn, 0x300, PCI_EXT_CAP_ID_REBAR);
	fake_put(fn, 0x300 + PCI_REBAR_CTRL, 4, 1 << 5);
	hardware_domain->ops = &mapping;
	fail_each(&vpci_policy_hardware_domain);
	hardware_domain->ops = was;
}

/* Where they are, its PF says; in the VF there is nothing to write. */
static void test_the_bars_of_the_hardware_domains_vf_are_its_pfs(void **state)
{
	static const struct domain_ops mapping = { .map = map_nothing,
						   .unmap = unmap_nothing };
	const struct domain_ops *was = hardware_domain->ops;

	(void)state;
	a_vf();
	hardware_domain->ops = &mapping;
	build(&vpci_policy_hardware_domain);
	hardware_domain->ops = was;
	assert_int_equal(view->bar[0].size, 0x10000);
	assert_int_equal(hf_load_relaxed(&view->bar[0].addr), 0xe0000000);
	assert_false(has_register(PCI_BASE_ADDRESS_0));
}

/* A hostile device may have used up all room before any of them. */
static void test_without_room_the_hardware_domain_keeps_its_view(void **state)
{
	unsigned int n, total;

	(void)state;
	fake_sriov(fn, 0, 8, 1);
	fake_ext_cap(fn, 0x300, PCI_EXT_CAP_ID_SRIOV);
	fake_ext_cap(fn, 0x400, PCI_EXT_CAP_ID_DSN);
	adds = 0;
	build(&vpci_policy_hardware_domain);
	total = adds;
	assert_int_equal(view->failed, 1); /* the second is nobody's */
	plat_log_level(PLAT_ERROR);
	fail_on = true;
	for (n = 1; n <= total; n++) {
		assert_int_equal(build_failing(&vpci_policy_hardware_domain, n,
					       -ENOSPC),
				 0);
		assert_true(view->failed > 0);
		walk();
	}
	fail_on = false;
	plat_log_level(PLAT_INFO);
}

static unsigned int allocations, allocation_fails;

void *__real_plat_zalloc(size_t size);
void *__wrap_plat_zalloc(size_t size);

void *__wrap_plat_zalloc(size_t size)
{
	return ++allocations == allocation_fails ? NULL
						 : __real_plat_zalloc(size);
}

static void test_each_allocation_may_fail(void **state)
{
	const struct vpci_policy *const policy[] = {
		&vpci_policy_guest, &vpci_policy_hardware_domain
	};
	unsigned int i, n;

	(void)state;
	bars();
	all_standard();
	fake_sriov(fn, 0, 8, 1);
	for (i = 0; i < ARRAY_SIZE(policy); i++) {
		build(policy[i]);
		for (n = 1; n; n++) {
			forget_view();
			allocations = 0;
			allocation_fails = n;
			if (!try_build(policy[i]))
				break;
			assert_int_equal(try_build(policy[i]), 0);
			assert_true(n < 20);
		}
		allocation_fails = 0;
		assert_true(n > 3);
		assert_int_equal(view->failed, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHAIN_CASE(test_any_register_of_an_endpoint_may_fail),
		CHAIN_CASE(test_any_register_of_a_conventional_one_may_fail),
		CHAIN_CASE(test_any_register_of_a_bridge_may_fail),
		CHAIN_CASE(test_any_register_of_a_vf_may_fail),
		CHAIN_CASE(
			test_the_bars_of_the_hardware_domains_vf_are_its_pfs),
		CHAIN_CASE(test_any_register_of_the_hardware_domain_may_fail),
		CHAIN_CASE(
			test_without_room_the_hardware_domain_keeps_its_view),
		CHAIN_CASE(test_each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
