/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BARs of what is not the hardware domain's, and what that lays over them: the
 * board's file over the real core and a simulated machine; a list of pages in
 * the place of its stage 2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/reset.h>
#include <holdfast/stage.h>
#include <holdfast/vpci.h>

#include "../at.h"
#include "fabric.h"
#include "places.h"

#define CARD at("0000:01:00.0")
#define OTHER at("0000:09:00.0")
#define PAGES 64

static const char *machine; /* slots.json */
static struct fabric *f;
static struct vpci_vcpu vcpu;
static struct domain *guest;
static uint64_t page[PAGES]; /* of stage 2; 0: none */
static uint64_t place;       /* where CARD has its BAR 0 */

/* --- stage 2 -------------------------------------------------------------------- */

static void unmap_pages(uint64_t start, uint64_t last)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		if (page[i] + STAGE2_PAGE - 1 >= start && page[i] <= last)
			page[i] = 0;
}

int stage2_map(struct stage2 *s2, uint64_t ipa, uint64_t pa, uint64_t size)
{
	unsigned int i = 0;

	(void)s2;
	assert_int_equal(ipa, pa);
	for (; size; size -= STAGE2_PAGE, ipa += STAGE2_PAGE) {
		while (page[i])
			i++;
		assert_true(i < PAGES);
		page[i] = ipa;
	}
	return 0;
}

void hwdom_withdraw(uint64_t start, uint64_t last)
{
	unmap_pages(start, last);
}

static int map(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	return places_map(NULL, m);
}

static void unmap(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	unmap_pages(m->gpa, m->gpa + m->size - 1);
}

static bool is_mapped(uint64_t address)
{
	unsigned int i = 0;

	while (i < PAGES && page[i] != address)
		i++;
	return i < PAGES;
}

static bool is_others(uint64_t address)
{
	bool others;

	plat_rcu_read_lock();
	others = places_are_others(address, 4);
	plat_rcu_read_unlock();
	return others;
}

/* --- the hardware domain ---------------------------------------------------------- */

static uint32_t rd(pci_sbdf_t dev, uint16_t reg, uint8_t size)
{
	uint64_t val;

	assert_int_equal(vpci_read(hardware_domain, dev, reg, size, &val),
			 PCI_DONE);
	return (uint32_t)val;
}

static void wr(pci_sbdf_t dev, uint16_t reg, uint8_t size, uint32_t val)
{
	assert_int_equal(vpci_write(&vcpu, dev, reg, size, val), PCI_DONE);
	while (vpci_process_pending(&vcpu, NULL) == PCI_AGAIN)
		;
}

static void decode(pci_sbdf_t dev, bool on)
{
	wr(dev, PCI_COMMAND, 2, on ? PCI_COMMAND_MEMORY : 0);
}

static void move(pci_sbdf_t dev, uint64_t address)
{
	wr(dev, PCI_BASE_ADDRESS_0, 4, (uint32_t)address);
	wr(dev, PCI_BASE_ADDRESS_1, 4, (uint32_t)(address >> 32));
}

static bool has_decode(pci_sbdf_t dev)
{
	return rd(dev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY;
}

/* OTHER is where CARD has its BAR, and was mapped there first. */
static void lay_over(void)
{
	decode(CARD, false);
	decode(OTHER, false);
	move(OTHER, place);
	decode(OTHER, true);
	decode(CARD, true);
	assert_true(is_mapped(place));
}

static int give(pci_sbdf_t dev)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	return pci_assign_device(guest, dev, 0, &vsbdf, NULL);
}

/* --- before and after each ---------------------------------------------------------- */

/* Somebody resets the card, with all that was written in it, at this moment. */
static bool bus_reset;

static int enter(struct pci_dev *pdev, struct domain *d)
{
	if (bus_reset && d == guest) {
		assert_int_equal(pci_conf_write(pcidev_sbdf(pdev),
						PCI_BASE_ADDRESS_0, 4, 0),
				 0);
		assert_int_equal(pci_conf_write(pcidev_sbdf(pdev),
						PCI_BASE_ADDRESS_1, 4, 0),
				 0);
	}
	return 0;
}

static int set_up(void **state)
{
	static const struct vpci_options options = { .hardware_views = true };
	static const struct domain_ops hwdom = { .map = map, .unmap = unmap };
	static const struct domain_ops none = { 0 };
	static const struct pci_stage stage = { .name = "reset by somebody",
						.enter = enter };
	struct pci_scan scan;
	char err[200];

	(void)state;
	f = fabric_open(machine, err, sizeof(err));
	if (!f ||
	    fabric_plug(f, at("0000:00:1c.0"), "nvme", err, sizeof(err)) ||
	    fabric_plug(f, at("0000:00:1d.0"), "nvme", err, sizeof(err)))
		fail_msg("%s", err);
	bus_reset = false;
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(&options), 0);
	assert_int_equal(pci_iommu_init(NULL), 0);
	assert_int_equal(pci_reset_init(), 0);
	assert_int_equal(pci_stage_register(&stage), 0);
	assert_int_equal(places_init(), 0);
	pci_hardware_domain_ops(&hwdom);
	assert_int_equal(pci_segment_add(0, fabric_host(f)), 0);
	assert_int_equal(pci_scan_segment(0, &scan), 0);
	assert_int_equal(scan.failed, 0);
	vpci_vcpu_init(&vcpu, hardware_domain);
	assert_int_equal(domain_create(0, "guest", &none, NULL, &guest), 0);
	assert_int_equal(pci_owner(OTHER), DOMID_HARDWARE);
	decode(CARD, true);
	decode(OTHER, true);
	place = rd(CARD, PCI_BASE_ADDRESS_0, 4) & PCI_BASE_ADDRESS_MEM_MASK;
	place |= (uint64_t)rd(CARD, PCI_BASE_ADDRESS_1, 4) << 32;
	assert_true(is_mapped(place));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(pci_check_invariants(), 0);
	vpci_vcpu_fini(&vcpu);
	assert_int_equal(domain_destroy(guest), 0);
	domain_put(guest);
	pci_fini();
	unmap_pages(0, UINT64_MAX);
	fabric_close(f);
	return 0;
}

/* --- mapping -------------------------------------------------------------------------- */

static void test_nothing_is_mapped_over_what_is_in_quarantine(void **state)
{
	(void)state;
	assert_int_equal(pci_quarantine_device(CARD, "test"), 0);
	assert_false(is_mapped(place));
	move(OTHER, place);
	assert_false(is_mapped(place));
	assert_false(has_decode(OTHER));
	assert_true(is_others(place));
	assert_false(is_others(place - 4));

	assert_int_equal(pci_unquarantine_device(CARD, NULL), 0);
	assert_true(is_mapped(place));
	assert_false(is_others(place));
}

static void test_nothing_is_mapped_over_a_guests(void **state)
{
	(void)state;
	assert_int_equal(give(CARD), 0);
	move(OTHER, place);
	assert_false(is_mapped(place));
	assert_false(has_decode(OTHER));
	assert_true(is_others(place));

	assert_int_equal(pci_deassign_device(guest, CARD, 0, NULL), 0);
	assert_true(is_mapped(place));
	assert_false(is_others(place));
}

static void test_what_was_mapped_before_is_withdrawn(void **state)
{
	(void)state;
	lay_over();
	assert_int_equal(pci_quarantine_device(CARD, "test"), 0);
	assert_false(is_mapped(place));
	assert_true(is_others(place));
}

/* The hardware domain has the reset of the bridge above. */
static void test_a_reset_does_not_hide_where_it_will_be(void **state)
{
	(void)state;
	bus_reset = true;
	assert_int_equal(give(CARD), 0);
	assert_int_equal(pci_conf_read(CARD, PCI_BASE_ADDRESS_1, 4), 0);
	move(OTHER, place);
	assert_false(is_mapped(place));
	assert_true(is_others(place));
}

static void test_what_has_gone_has_no_place(void **state)
{
	(void)state;
	assert_int_equal(pci_quarantine_device(CARD, "test"), 0);
	assert_int_equal(pci_remove_device(CARD, PCI_REMOVE_FORCE, 0, NULL), 0);
	plat_rcu_synchronize();
	plat_rcu_barrier();
	assert_false(is_others(place));
	move(OTHER, place);
	assert_true(is_mapped(place));
}

/* --- giving --------------------------------------------------------------------------- */

static void test_not_given_where_the_hardware_domains_is(void **state)
{
	(void)state;
	lay_over();
	assert_int_equal(give(CARD), -EEXIST);
	assert_int_equal(pci_owner(CARD), DOMID_HARDWARE);
	assert_false(is_others(place));
	decode(OTHER, false);
	assert_int_equal(give(CARD), 0);
}

static void test_not_given_where_one_in_quarantine_is(void **state)
{
	(void)state;
	assert_int_equal(pci_quarantine_device(CARD, "test"), 0);
	decode(OTHER, false);
	move(OTHER, place);
	assert_int_equal(give(OTHER), -EEXIST);
	assert_int_equal(pci_owner(OTHER), DOMID_HARDWARE);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CASE(test_nothing_is_mapped_over_what_is_in_quarantine),
		CASE(test_nothing_is_mapped_over_a_guests),
		CASE(test_what_was_mapped_before_is_withdrawn),
		CASE(test_a_reset_does_not_hide_where_it_will_be),
		CASE(test_what_has_gone_has_no_place),
		CASE(test_not_given_where_the_hardware_domains_is),
		CASE(test_not_given_where_one_in_quarantine_is),
	};

	if (argc != 2)
		return 2;
	machine = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
