/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who answers where: bus numbers, resets from above, presets, order.
 */
#include <stdio.h>

#include "support.h"

static void test_bus_numbers_route_type_1_accesses(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t port = at("0000:00:1b.0");

	(void)state;
	assert_true(there(f, at("0000:01:00.0")));
	wr(f, port, PCI_SECONDARY_BUS, 1, 0x70);
	assert_false(there(f, at("0000:01:00.0")));
	assert_false(there(f, at("0000:70:00.0"))); /* above subordinate */
	wr(f, port, PCI_SUBORDINATE_BUS, 1, 0x70);
	assert_true(there(f, at("0000:70:00.0")));
	wr(f, port, PCI_PRIMARY_BUS, 4, 0);
	assert_false(there(f, at("0000:70:00.0")));
	fabric_close(f);
}

static void test_every_bridge_on_the_way_must_let_it_pass(void **state)
{
	struct fabric *f = open_spec("server");

	(void)state;
	assert_true(there(f, at("0000:08:00.0")));
	wr(f, at("0000:05:00.0"), PCI_SUBORDINATE_BUS, 1, 7);
	assert_true(there(f, at("0000:07:00.0")));
	assert_false(there(f, at("0000:08:00.0")));
	assert_true(there(f, at("0000:06:09.0")));
	wr(f, at("0000:00:1d.0"), PCI_SUBORDINATE_BUS, 1, 5);
	assert_true(there(f, at("0000:05:00.0")));
	assert_false(there(f, at("0000:06:09.0")));
	fabric_close(f);
}

static void test_secondary_bus_reset_resets_all_below(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t port = at("0000:00:1d.0"), disk = at("0000:07:00.0");
	pci_sbdf_t up = at("0000:05:00.0"), down = at("0000:06:08.0");
	uint32_t up_buses = rd(f, up, PCI_PRIMARY_BUS, 4);
	uint32_t down_buses = rd(f, down, PCI_PRIMARY_BUS, 4);

	(void)state;
	wr(f, disk, PCI_INTERRUPT_LINE, 1, 0x33);
	wr(f, port, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET);
	assert_false(there(f, up)); /* held in reset */
	wr(f, port, PCI_BRIDGE_CONTROL, 2, 0);
	assert_true(there(f, up));
	assert_int_equal(rd(f, up, PCI_PRIMARY_BUS, 4), 0);
	assert_false(there(f, disk));
	wr(f, up, PCI_PRIMARY_BUS, 4, up_buses);
	wr(f, down, PCI_PRIMARY_BUS, 4, down_buses);
	assert_true(there(f, disk));
	assert_int_equal(rd(f, disk, PCI_INTERRUPT_LINE, 1), 0xff);
	assert_int_equal(rd(f, disk, PCI_COMMAND, 2), 0);
	fabric_close(f);
}

static void test_link_disable_cuts_the_card_off(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t port = at("0000:00:1b.0");
	unsigned int exp = cap(f, port, PCI_CAP_ID_EXP);

	(void)state;
	assert_true(rd(f, port, exp + PCI_EXP_LNKSTA, 2) &
		    PCI_EXP_LNKSTA_DLLLA);
	wr(f, at("0000:01:00.0"), PCI_INTERRUPT_LINE, 1, 0x33);
	wr(f, port, exp + PCI_EXP_LNKCTL, 2, PCI_EXP_LNKCTL_LD);
	assert_false(there(f, at("0000:01:00.0")));
	assert_false(rd(f, port, exp + PCI_EXP_LNKSTA, 2) &
		     PCI_EXP_LNKSTA_DLLLA);
	wr(f, port, exp + PCI_EXP_LNKCTL, 2, 0);
	assert_int_equal(rd(f, at("0000:01:00.0"), PCI_INTERRUPT_LINE, 1),
			 0xff);
	fabric_close(f);
}

static void test_a_port_in_d3hot_forwards_nothing(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t port = at("0000:00:1c.4");
	unsigned int pm = cap(f, port, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	(void)state;
	assert_true(there(f, at("0000:04:00.3")));
	wr(f, port, pm, 2, 3);
	assert_false(there(f, at("0000:04:00.3")));
	fabric_close(f);
}

static void test_phantom_functions_have_no_config_space(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t disk = at("0000:18:00.0");
	unsigned int exp = cap(f, disk, PCI_CAP_ID_EXP);

	(void)state;
	assert_int_equal((rd(f, disk, exp + PCI_EXP_DEVCAP, 4) &
			  PCI_EXP_DEVCAP_PHANTOM) >>
				 PCI_EXP_DEVCAP_PHANTOM_SHIFT,
			 2);
	for (unsigned int fn = 1; fn < 8; fn++)
		assert_false(there(f, pci_sbdf(0, 0x18, 0, (uint8_t)fn)));
	fabric_close(f);
}

static void test_multifunction_devices_say_so(void **state)
{
	struct fabric *f = open_spec("server");

	(void)state;
	for (unsigned int fn = 0; fn < 4; fn++)
		assert_int_equal(rd(f, pci_sbdf(0, 4, 0, (uint8_t)fn),
				    PCI_HEADER_TYPE, 1),
				 PCI_HEADER_TYPE_MFD);
	assert_int_equal(rd(f, at("0000:01:00.0"), PCI_HEADER_TYPE, 1), 0);
	fabric_close(f);
}

/* --- presets ------------------------------------------------------------------------------ */

/* Walks ops->next and checks its order on the way. */
static unsigned int count(struct fabric *f)
{
	struct pci_host *host = fabric_host(f);
	pci_sbdf_t sbdf = { 0 }, before = { 0 };
	unsigned int n = 0;

	while (!host->ops->next(host, &sbdf)) {
		assert_true(!n || sbdf.sbdf > before.sbdf);
		assert_true(there(f, sbdf));
		before = sbdf;
		n++;
		if (++sbdf.sbdf == 0)
			break;
	}
	assert_int_equal(n, fabric_functions(f));
	return n;
}

static void test_scale_has_exactly_as_many_as_asked(void **state)
{
	static const unsigned int sizes[] = { 1,   2,    3,     257,  258,
					      259, 4096, 65536, 65537 };
	char spec[32];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct fabric *f;

		snprintf(spec, sizeof(spec), "scale=%u", sizes[i]);
		f = open_spec(spec);
		assert_int_equal(count(f), sizes[i]);
		assert_int_equal(fabric_segment_next(f, 1),
				 sizes[i] > 65536 ? 1 : -ENOENT);
		fabric_close(f);
	}
}

static void test_server_has_two_segments_and_its_functions(void **state)
{
	struct fabric *f = open_spec("server");

	(void)state;
	assert_int_equal(count(f), 64);
	assert_int_equal(fabric_segment_next(f, 0), 0);
	assert_int_equal(fabric_segment_next(f, 1), 1);
	assert_int_equal(fabric_segment_next(f, 2), -ENOENT);
	assert_int_equal(rd(f, at("0000:03:00.0"), 0, 4), 0x15728086);
	fabric_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bus_numbers_route_type_1_accesses),
		cmocka_unit_test(test_every_bridge_on_the_way_must_let_it_pass),
		cmocka_unit_test(test_secondary_bus_reset_resets_all_below),
		cmocka_unit_test(test_link_disable_cuts_the_card_off),
		cmocka_unit_test(test_a_port_in_d3hot_forwards_nothing),
		cmocka_unit_test(test_phantom_functions_have_no_config_space),
		cmocka_unit_test(test_multifunction_devices_say_so),
		cmocka_unit_test(test_scale_has_exactly_as_many_as_asked),
		cmocka_unit_test(
			test_server_has_two_segments_and_its_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
