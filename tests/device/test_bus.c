/* SPDX-License-Identifier: BSD-2-Clause */
/* Nobody behind a bridge passes for a device on a root bus. */
#include "support.h"

static int try_bridge(const char *sbdf, const char *parent, uint8_t first,
		      uint8_t last)
{
	const struct pci_dev_desc desc = {
		.sbdf = at(sbdf),
		.parent = at(parent),
		.type = PCI_TYPE_ROOT_PORT,
		.hdr_type = 1,
		.secondary = first,
		.subordinate = last,
		.buses_unknown = !first,
	};

	return pci_register_device(&desc, NULL);
}

static void bridge(const char *sbdf, const char *parent, uint8_t first,
		   uint8_t last)
{
	assert_int_equal(try_bridge(sbdf, parent, first, last), 0);
}

static int try_root(const char *sbdf)
{
	const struct pci_dev_desc desc = { .sbdf = at(sbdf),
					   .parent = at(sbdf),
					   .type = PCI_TYPE_ENDPOINT };

	return pci_register_device(&desc, NULL);
}

static const char *broken(const char *sbdf)
{
	const char *why = info_of(sbdf).broken;

	return why ? why : "";
}

static const char astray[] = "behind a bridge that was added after it";

static void test_no_parent_behind_a_bridge(void **state)
{
	(void)state;
	bridge("0:0:1.0", "0:0:1.0", 3, 5);
	assert_int_equal(try_root("0:2:0.0"), 0);
	assert_int_equal(try_root("0:3:0.0"), -ENXIO);
	assert_int_equal(try_root("0:5:0.0"), -ENXIO);
	assert_int_equal(try_root("0:6:0.0"), 0);
	assert_int_equal(try_root("1:3:0.0"), 0);
	add_child("0:3:0.0", "0:0:1.0");
	assert_int_equal(remove_dev("0:3:0.0", 0, MSEC), 0);
	assert_int_equal(remove_dev("0:0:1.0", 0, MSEC), 0);
	assert_int_equal(try_root("0:3:0.0"), 0);
}

/* What such a bridge may lead to ends where the one above it does. */
static void test_a_bridge_that_may_lead_anywhere(void **state)
{
	(void)state;
	bridge("0:0:1.0", "0:0:1.0", 1, 4);
	bridge("0:1:0.0", "0:0:1.0", 0, 0);
	bridge("0:9:0.0", "0:9:0.0", 0, 0);
	assert_int_equal(try_root("0:4:0.0"), -ENXIO);
	assert_int_equal(try_root("0:5:0.0"), 0);
	assert_int_equal(try_root("0:9:1.0"), 0);
	assert_int_equal(try_root("0:a:0.0"), -ENXIO);
	assert_int_equal(try_root("0:ff:0.0"), -ENXIO);
	assert_int_equal(remove_dev("0:9:0.0", 0, MSEC), 0);
	assert_int_equal(try_root("0:ff:0.0"), 0);
}

static void test_who_was_there_before_its_bridge_goes_astray(void **state)
{
	(void)state;
	assert_int_equal(try_root("0:2:0.0"), 0);
	bridge("0:3:0.0", "0:3:0.0", 7, 8);
	add_child("0:7:0.0", "0:3:0.0");
	assert_int_equal(try_root("0:5:0.0"), 0);
	assert_int_equal(try_root("0:9:0.0"), 0);
	bridge("0:0:1.0", "0:0:1.0", 2, 4);
	assert_string_equal(broken("0:2:0.0"), astray);
	assert_string_equal(broken("0:3:0.0"), astray);
	assert_string_equal(broken("0:7:0.0"), astray); /* with its bridge */
	assert_string_equal(broken("0:5:0.0"), "");
	assert_string_equal(broken("0:9:0.0"), "");
	add_child("0:7:1.0", "0:3:0.0");
	assert_string_equal(broken("0:7:1.0"), astray);
	add_child("0:2:1.0", "0:0:1.0");
	assert_string_equal(broken("0:2:1.0"), "");
	/* A bridge whose buses nobody knows: all above its own. */
	bridge("0:6:0.0", "0:6:0.0", 0, 0);
	assert_string_equal(broken("0:9:0.0"), astray);
	assert_string_equal(broken("0:5:0.0"), "");
	assert_string_equal(broken("0:2:1.0"), "");
}

static void test_nobodys_word_makes_it_fit(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	assert_int_equal(try_root("0:2:0.0"), 0);
	bridge("0:0:1.0", "0:0:1.0", 2, 2);
	pdev = get("0:2:0.0");
	pcidev_set_broken(pdev, "something else");
	assert_string_equal(broken("0:2:0.0"), "something else");
	assert_int_equal(pcidev_mend(pdev), -EIO);
	assert_string_equal(broken("0:2:0.0"), astray);
	pcidev_put(pdev);
	assert_int_equal(remove_dev("0:2:0.0", 0, MSEC), 0);
	add_child("0:2:0.0", "0:0:1.0");
	assert_string_equal(broken("0:2:0.0"), "");
}

static void test_a_bus_has_one_bridge(void **state)
{
	pci_sbdf_t above;

	(void)state;
	bridge("0:0:1.0", "0:0:1.0", 5, 5);
	bridge("0:0:2.0", "0:0:2.0", 5, 6); /* described before the other */
	assert_string_equal(broken("0:0:2.0"),
			    "another bridge leads to its bus");
	assert_string_equal(info_of("0:0:2.0").desc.defect, broken("0:0:2.0"));
	assert_int_equal(info_of("0:0:2.0").desc.secondary, 0);
	assert_true(info_of("0:0:2.0").desc.buses_unknown);
	assert_int_equal(try_root("0:9:0.0"), -ENXIO);
	assert_int_equal(remove_dev("0:0:2.0", 0, MSEC), 0);
	assert_int_equal(pci_bus_bridge(0, 5, &above), 0);
	assert_int_equal(above.sbdf, at("0:0:1.0").sbdf);
	assert_int_equal(try_root("0:5:0.0"), -ENXIO);
	assert_int_equal(try_root("0:9:0.0"), 0);
	assert_int_equal(remove_dev("0:0:1.0", 0, MSEC), 0);
	bridge("0:0:2.0", "0:0:2.0", 5, 6);
	assert_string_equal(broken("0:0:2.0"), "");
}

/* Rule 16: it is the same bridge if it leads to the same buses. */
static void test_a_bridge_that_leads_elsewhere_is_another(void **state)
{
	const struct pci_dev_desc idle = { .sbdf = at("0:0:1.0"),
					   .parent = at("0:0:1.0"),
					   .type = PCI_TYPE_ROOT_PORT,
					   .hdr_type = 1 };
	uint64_t first;

	(void)state;
	bridge("0:0:1.0", "0:0:1.0", 5, 5);
	first = info_of("0:0:1.0").instance;
	bridge("0:0:1.0", "0:0:1.0", 5, 5);
	assert_int_equal(info_of("0:0:1.0").instance, first);
	assert_int_equal(try_root("0:6:0.0"), 0);
	bridge("0:0:1.0", "0:0:1.0", 5, 6);
	assert_true(info_of("0:0:1.0").instance > first);
	assert_string_equal(broken("0:6:0.0"), astray);
	bridge("0:0:1.0", "0:0:1.0", 4, 6);
	first = info_of("0:0:1.0").instance;
	add_child("0:4:0.0", "0:0:1.0");
	assert_int_equal(try_bridge("0:0:1.0", "0:0:1.0", 4, 5), -EBUSY);
	assert_int_equal(try_bridge("0:0:1.0", "0:0:1.0", 0, 0), -EBUSY);
	bridge("0:0:1.0", "0:0:1.0", 4, 6);
	assert_int_equal(info_of("0:0:1.0").instance, first);
	assert_int_equal(remove_dev("0:4:0.0", 0, MSEC), 0);
	bridge("0:0:1.0", "0:0:1.0", 0, 0);
	assert_true(info_of("0:0:1.0").desc.buses_unknown);
	/* Now it is known that it leads nowhere. */
	first = info_of("0:0:1.0").instance;
	assert_int_equal(pci_register_device(&idle, NULL), 0);
	assert_true(info_of("0:0:1.0").instance > first);
	assert_false(info_of("0:0:1.0").desc.buses_unknown);
	assert_int_equal(try_root("0:9:0.0"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_no_parent_behind_a_bridge),
		CASE(test_a_bridge_that_may_lead_anywhere),
		CASE(test_who_was_there_before_its_bridge_goes_astray),
		CASE(test_nobodys_word_makes_it_fit),
		CASE(test_a_bus_has_one_bridge),
		CASE(test_a_bridge_that_leads_elsewhere_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
