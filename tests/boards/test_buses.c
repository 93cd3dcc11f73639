/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bus numbers, over a machine that routes by them as hardware does: a function
 * answers at the bus that the bridge above it has been given, if all bridges
 * above that one forward it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <holdfast/config.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>

#include "buses.h"

#define ROOT (-1)
#define LAST 0xff

enum kind { ENDPOINT, ROOT_PORT, UPSTREAM, DOWNSTREAM, LEGACY_BRIDGE };

struct function {
	int above; /* in machine[], or ROOT */
	uint8_t devfn;
	enum kind kind;
	bool several;
	bool everywhere; /* answers for each device number of its bus */
	bool pulled;
	uint8_t config[256];
};

static struct function machine[300];
static int nfunctions;
static unsigned int touched_elsewhere; /* below a link, beyond device 0 */

static int put(int above, uint8_t dev, uint8_t fn, enum kind kind)
{
	static const uint8_t type[] = { PCI_EXP_TYPE_ENDPOINT,
					PCI_EXP_TYPE_ROOT_PORT,
					PCI_EXP_TYPE_UPSTREAM,
					PCI_EXP_TYPE_DOWNSTREAM, 0 };
	struct function *f = &machine[nfunctions];

	memset(f, 0, sizeof(*f));
	f->above = above;
	f->devfn = PCI_DEVFN(dev, fn);
	f->kind = kind;
	memcpy(f->config, "\x36\x1b\x01\x00", 4);
	if (kind != ENDPOINT)
		f->config[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	if (kind != LEGACY_BRIDGE) {
		f->config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
		f->config[PCI_CAPABILITY_LIST] = 0x40;
		f->config[0x40] = PCI_CAP_ID_EXP;
		f->config[0x42] = (uint8_t)(type[kind] << 4 | 2);
	}
	return nfunctions++;
}

/* The bus that it is on; -1: no request comes there. */
static int bus_of(const struct function *f)
{
	const struct function *up;
	int bus;

	if (f->above == ROOT)
		return 0;
	bus = machine[f->above].config[PCI_SECONDARY_BUS];
	for (up = &machine[f->above];; up = &machine[up->above]) {
		if (bus < up->config[PCI_SECONDARY_BUS] ||
		    bus > up->config[PCI_SUBORDINATE_BUS] || !bus)
			return -1;
		if (up->above == ROOT)
			return bus;
	}
}

static struct function *find(pci_sbdf_t sbdf)
{
	int i;

	for (i = 0; i < nfunctions; i++) {
		struct function *f = &machine[i];

		if (f->pulled || bus_of(f) != sbdf.bus)
			continue;
		if (f->everywhere && PCI_DEV(sbdf)) {
			touched_elsewhere++;
			return f;
		}
		if (f->devfn == sbdf.devfn)
			return f;
	}
	return NULL;
}

static int fake_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	struct function *f = find(sbdf);

	(void)host;
	*val = UINT32_MAX >> (32 - 8 * size);
	if (f && reg < sizeof(f->config)) {
		*val = 0;
		memcpy(val, f->config + reg, size);
	}
	return 0;
}

static int fake_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	struct function *f = find(sbdf);

	(void)host;
	if (f && reg < sizeof(f->config) && f->kind != ENDPOINT)
		memcpy(f->config + reg, &val, size);
	return 0;
}

static void fake_adding(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	buses_adding(sbdf);
}

static const struct pci_host_ops ops = { .read = fake_read,
					 .write = fake_write,
					 .adding = fake_adding };
static struct pci_host host = { .ops = &ops, .name = "fake" };

static int extend(struct vpci *view, struct pci_dev *pdev, struct domain *d)
{
	return d == hardware_domain ? buses_extend(view, pdev) : 0;
}

static int set_up(void **state)
{
	static const struct vpci_options vpci = { .hardware_views = true,
						  .extend = extend };

	(void)state;
	nfunctions = 0;
	touched_elsewhere = 0;
	return pci_init() || pci_config_init() || pci_vpci_init(&vpci) ||
	       pci_segment_add(0, &host);
}

static int tear_down(void **state)
{
	(void)state;
	pci_fini();
	return 0;
}

static void has(int bridge, uint8_t primary, uint8_t secondary,
		uint8_t subordinate)
{
	const uint8_t *config = machine[bridge].config;

	assert_int_equal(config[PCI_PRIMARY_BUS], primary);
	assert_int_equal(config[PCI_SECONDARY_BUS], secondary);
	assert_int_equal(config[PCI_SUBORDINATE_BUS], subordinate);
}

static void test_depth_first_by_address(void **state)
{
	int first, second, up, down, down2, third, legacy;
	struct pci_scan scan;

	(void)state;
	third = put(ROOT, 5, 0, ROOT_PORT); /* the order here does not matter */
	first = put(ROOT, 1, 0, ROOT_PORT);
	second = put(ROOT, 2, 0, ROOT_PORT);
	put(first, 0, 0, ENDPOINT);
	up = put(second, 0, 0, UPSTREAM);
	down2 = put(up, 3, 0, DOWNSTREAM);
	down = put(up, 1, 0, DOWNSTREAM);
	put(down, 0, 0, ENDPOINT);
	legacy = put(down2, 0, 0, LEGACY_BRIDGE);
	put(legacy, 7, 0, ENDPOINT);
	assert_int_equal(buses_number(0, 0, LAST, 1), 7);
	has(first, 0, 1, 1);
	has(second, 0, 2, 6);
	has(up, 2, 3, 6);
	has(down, 3, 4, 4);
	has(down2, 3, 5, 6);
	has(legacy, 5, 6, 6);
	has(third, 0, 7, 7);
	assert_int_equal(pci_scan_segment(0, &scan), 0);
	assert_int_equal(scan.added, nfunctions);
	assert_int_equal(scan.failed, 0);
	assert_int_equal(pci_check_invariants(), 0);
}

static void test_functions_above_0_only_of_several(void **state)
{
	int port1, port2, hidden;

	(void)state;
	port1 = put(ROOT, 1, 0, ROOT_PORT);
	port2 = put(ROOT, 1, 3, ROOT_PORT);
	machine[port1].config[PCI_HEADER_TYPE] |= PCI_HEADER_TYPE_MFD;
	put(ROOT, 2, 0, ENDPOINT);
	hidden = put(ROOT, 2, 1, ROOT_PORT);
	assert_int_equal(buses_number(0, 0, LAST, 1), 2);
	has(port1, 0, 1, 1);
	has(port2, 0, 2, 2);
	has(hidden, 0, 0, 0);
}

/* PCIe 6.0 §7.3.1: it may answer for every device number. */
static void test_below_a_link_is_one_device(void **state)
{
	int port, up;

	(void)state;
	port = put(ROOT, 1, 0, ROOT_PORT);
	up = put(port, 0, 0, UPSTREAM);
	machine[up].everywhere = true;
	assert_int_equal(buses_number(0, 0, LAST, 1), 2);
	assert_int_equal(touched_elsewhere, 0);
	has(up, 1, 2, 2);
}

/* As Linux with pci=hpbussize=3. */
static void test_hot_plug_ports_have_a_reserve(void **state)
{
	int port[4], up, i;

	(void)state;
	for (i = 0; i < 4; i++) {
		uint8_t *express;

		port[i] = put(ROOT, (uint8_t)(i + 1), 0, ROOT_PORT);
		express = machine[port[i]].config + 0x40;
		express[PCI_EXP_SLTCAP] = PCI_EXP_SLTCAP_HPC;
		if (i) /* what the first has is no slot */
			express[PCI_EXP_FLAGS + 1] = PCI_EXP_FLAGS_SLOT >> 8;
	}
	up = put(port[1], 0, 0, UPSTREAM);
	assert_int_equal(buses_number(0, 0, 8, 3), 8);
	has(port[0], 0, 1, 1);
	has(port[1], 0, 2, 4);
	has(up, 2, 3, 3);
	has(port[2], 0, 5, 7);
	has(port[3], 0, 8, 8);
}

static void test_no_more_numbers(void **state)
{
	int port[6], i;

	(void)state;
	for (i = 0; i < 6; i++)
		port[i] = put(ROOT, (uint8_t)(i + 1), 0, ROOT_PORT);
	memset(machine[port[5]].config + PCI_PRIMARY_BUS, 0x77, 3);
	assert_int_equal(buses_number(0, 0, 4, 1), 4);
	for (i = 0; i < 4; i++)
		has(port[i], 0, (uint8_t)(i + 1), (uint8_t)(i + 1));
	has(port[4], 0, 0, 0);
	has(port[5], 0, 0, 0); /* and forwards nothing by what it had */
}

/* Recursion ends, however deep it goes on; and what comes after has its number. */
static void test_a_deep_chain_ends(void **state)
{
	int i, above = ROOT, next;

	(void)state;
	for (i = 0; i < 280; i++)
		above = put(above, 0, 0, i ? DOWNSTREAM : ROOT_PORT);
	next = put(ROOT, 1, 0, ROOT_PORT);
	assert_int_equal(buses_number(0, 0, LAST, 1), 65);
	has(0, 0, 1, 64);
	has(63, 63, 64, 64);
	has(64, 64, 0, 0);
	has(next, 0, 65, 65);
}

static void test_the_hardware_domains_numbers_are_its_own(void **state)
{
	int port = put(ROOT, 1, 0, ROOT_PORT);
	pci_sbdf_t at = pci_sbdf(0, 0, 1, 0);
	struct vpci_vcpu vcpu;
	struct pci_scan scan;
	uint64_t val;

	(void)state;
	put(port, 0, 0, ENDPOINT);
	assert_int_equal(buses_number(0, 0, LAST, 1), 1);
	assert_int_equal(pci_scan_segment(0, &scan), 0);
	vpci_vcpu_init(&vcpu, hardware_domain);
	vpci_read(hardware_domain, at, PCI_PRIMARY_BUS, 4, &val);
	assert_int_equal(val, 0x010100);
	/* Linux clears them all, then gives them anew (drivers/pci/probe.c). */
	vpci_write(&vcpu, at, PCI_PRIMARY_BUS, 4, 0);
	vpci_read(hardware_domain, at, PCI_PRIMARY_BUS, 4, &val);
	assert_int_equal(val, 0);
	vpci_write(&vcpu, at, PCI_PRIMARY_BUS, 4, 0xff0100);
	vpci_write(&vcpu, at, PCI_SUBORDINATE_BUS, 1, 5);
	vpci_read(hardware_domain, at, PCI_PRIMARY_BUS, 4, &val);
	assert_int_equal(val, 0x050100);
	has(port, 0, 1, 1);
	vpci_read(hardware_domain, pci_sbdf(0, 1, 0, 0), 0, 4, &val);
	assert_int_equal(val, 0x00011b36);
	vpci_vcpu_fini(&vcpu);
}

/* --- bridges that come later ------------------------------------------------------- */

/* Bus 1, not a link, with bridges to 2 and 3, and no number left beyond. */
static struct {
	int above, left, right;
} shelf;

static void fill_shelf(void)
{
	struct pci_scan scan;

	shelf.above = put(ROOT, 1, 0, LEGACY_BRIDGE);
	shelf.left = put(shelf.above, 1, 0, LEGACY_BRIDGE);
	shelf.right = put(shelf.above, 2, 0, LEGACY_BRIDGE);
	put(ROOT, 2, 0, ROOT_PORT);
	assert_int_equal(buses_number(0, 0, LAST, 1), 4);
	assert_int_equal(pci_scan_segment(0, &scan), 0);
	assert_int_equal(scan.failed, 0);
	has(shelf.above, 0, 1, 3);
	has(shelf.left, 1, 2, 2);
	has(shelf.right, 1, 3, 3);
}

static const pci_sbdf_t left = { .bus = 1, .devfn = PCI_DEVFN(1, 0) };
static const pci_sbdf_t right = { .bus = 1, .devfn = PCI_DEVFN(2, 0) };
static const pci_sbdf_t later = { .bus = 1, .devfn = PCI_DEVFN(3, 0) };

static void pull(int function, pci_sbdf_t sbdf)
{
	machine[function].pulled = true;
	assert_int_equal(pci_mark_lost(sbdf), 0);
	assert_int_equal(pci_device_lost(sbdf), 0);
}

static void test_later_it_has_what_is_free(void **state)
{
	struct pci_scan scan;
	int bridge;

	(void)state;
	fill_shelf();
	pull(shelf.left, left);
	bridge = put(shelf.above, 3, 0, LEGACY_BRIDGE);
	put(bridge, 4, 0, ENDPOINT);
	assert_int_equal(pci_scan_slot(later, &scan), 0);
	assert_int_equal(scan.added, 2);
	has(bridge, 1, 2, 2);
	assert_int_equal(pci_check_invariants(), 0);
}

static void test_later_all_below_it_is_numbered(void **state)
{
	struct pci_scan scan;
	int up, down;

	(void)state;
	fill_shelf();
	pull(shelf.left, left);
	pull(shelf.right, right);
	up = put(shelf.above, 3, 0, UPSTREAM);
	down = put(up, 0, 0, DOWNSTREAM);
	put(down, 0, 0, ENDPOINT);
	assert_int_equal(pci_scan_slot(later, &scan), 0);
	assert_int_equal(scan.added, 3);
	has(up, 1, 2, 3);
	has(down, 2, 3, 3);
}

static void test_later_on_the_root_bus(void **state)
{
	int bridge;

	(void)state;
	fill_shelf();
	bridge = put(ROOT, 3, 0, ROOT_PORT);
	assert_int_equal(pci_add_device(pci_sbdf(0, 0, 3, 0)), 0);
	has(bridge, 0, 5, 5);
}

/* Of one that was removed, and is there: it would answer as well. */
static void test_later_others_are_let_be(void **state)
{
	int bridge;

	(void)state;
	fill_shelf();
	assert_int_equal(pci_remove_device(left, 0, 0, NULL), 0);
	bridge = put(shelf.above, 3, 0, LEGACY_BRIDGE);
	memcpy(machine[bridge].config + PCI_PRIMARY_BUS, "\1\2\3", 3);
	assert_int_equal(pci_add_device(later), 0);
	has(bridge, 1, 0, 0);
	assert_int_equal(pci_add_device(left), 0);
	has(shelf.left, 1, 2, 2);
	assert_int_equal(pci_check_invariants(), 0);
}

/* A reset of the bridge above has cleared theirs: what is below is still known. */
static void test_later_what_a_reset_cleared_is_not_free(void **state)
{
	int bridge;

	(void)state;
	fill_shelf();
	memset(machine[shelf.left].config + PCI_PRIMARY_BUS, 0, 3);
	memset(machine[shelf.right].config + PCI_PRIMARY_BUS, 0, 3);
	bridge = put(shelf.above, 3, 0, LEGACY_BRIDGE);
	assert_int_equal(pci_add_device(later), 0);
	has(bridge, 1, 0, 0);
}

static void test_later_what_comes_back_keeps_its_numbers(void **state)
{
	(void)state;
	fill_shelf();
	pull(shelf.left, left);
	assert_int_equal(pci_remove_device(right, 0, 0, NULL), 0);
	assert_int_equal(pci_add_device(right), 0);
	has(shelf.right, 1, 3, 3);
}

static void writes_stay_in_the_view(pci_sbdf_t sbdf, int bridge)
{
	struct vpci_vcpu vcpu;
	uint64_t val;

	vpci_vcpu_init(&vcpu, hardware_domain);
	vpci_write(&vcpu, sbdf, PCI_PRIMARY_BUS, 4, 0x040401);
	vpci_read(hardware_domain, sbdf, PCI_PRIMARY_BUS, 4, &val);
	assert_int_equal(val, 0x040401);
	has(bridge, machine[bridge].config[PCI_PRIMARY_BUS], 0, 0);
	vpci_vcpu_fini(&vcpu);
}

static void test_later_nobody_gives_it_anothers_number(void **state)
{
	int bridge, cardbus;

	(void)state;
	fill_shelf();
	bridge = put(shelf.above, 3, 0, LEGACY_BRIDGE);
	cardbus = put(shelf.above, 4, 0, LEGACY_BRIDGE);
	machine[cardbus].config[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_CARDBUS;
	assert_int_equal(pci_add_device(later), 0);
	assert_int_equal(pci_add_device(pci_sbdf(0, 1, 4, 0)), 0);
	writes_stay_in_the_view(later, bridge);
	writes_stay_in_the_view(pci_sbdf(0, 1, 4, 0), cardbus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
		T(depth_first_by_address),
		T(functions_above_0_only_of_several),
		T(below_a_link_is_one_device),
		T(hot_plug_ports_have_a_reserve),
		T(no_more_numbers),
		T(a_deep_chain_ends),
		T(the_hardware_domains_numbers_are_its_own),
		T(later_it_has_what_is_free),
		T(later_all_below_it_is_numbered),
		T(later_on_the_root_bus),
		T(later_others_are_let_be),
		T(later_what_a_reset_cleared_is_not_free),
		T(later_what_comes_back_keeps_its_numbers),
		T(later_nobody_gives_it_anothers_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
