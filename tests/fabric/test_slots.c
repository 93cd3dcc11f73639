/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cards in slots: in, out in order, out by surprise, and who is told.
 */
#include <string.h>

#include "support.h"

struct told {
	unsigned int arrived, gone;
	pci_sbdf_t last;
};

static void on_event(struct pci_host *host, enum pci_host_event event,
		     pci_sbdf_t sbdf, void *data)
{
	struct told *told = data;

	(void)host;
	told->last = sbdf;
	if (event == PCI_HOST_ARRIVED)
		told->arrived++;
	else
		told->gone++;
}

static struct fabric *open_told(const char *spec, struct told *told)
{
	struct fabric *f = open_spec(spec);

	*told = (struct told){ 0 };
	fabric_host(f)->notify = on_event;
	fabric_host(f)->notify_data = told;
	return f;
}

static uint16_t slot_status(struct fabric *f, pci_sbdf_t port)
{
	return (uint16_t)rd(f, port,
			    cap(f, port, PCI_CAP_ID_EXP) + PCI_EXP_SLTSTA, 2);
}

static char why[256];

static void test_plugged_card_answers_and_is_announced(void **state)
{
	struct told told;
	struct fabric *f = open_told("empty", &told);
	pci_sbdf_t port = at("0000:00:1c.0"), card = at("0000:01:00.0");

	(void)state;
	assert_int_equal(slot_status(f, port), 0);
	assert_int_equal(fabric_plug(f, port, "nvme", why, sizeof(why)), 0);
	assert_int_equal(rd(f, card, 0, 4), 0x0a548086);
	assert_int_equal(slot_status(f, port), PCI_EXP_SLTSTA_PDS |
						       PCI_EXP_SLTSTA_PDC |
						       PCI_EXP_SLTSTA_DLLSC);
	assert_int_equal(told.arrived, 1);
	assert_int_equal(told.last.sbdf, card.sbdf);
	/* firmware gave it an address */
	assert_true(rd(f, card, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	assert_int_not_equal(rd(f, card, PCI_BASE_ADDRESS_0, 4) & ~15u, 0);
	fabric_close(f);
}

static void test_a_card_with_a_switch_gets_its_buses(void **state)
{
	struct told told;
	struct fabric *f = open_told("empty", &told);

	(void)state;
	assert_int_equal(
		fabric_plug(f, at("0000:00:1d.0"), "gpu", why, sizeof(why)), 0);
	assert_int_equal(rd(f, at("0000:0b:00.0"), 0, 4), 0x73bf1002);
	assert_int_equal(rd(f, at("0000:0b:00.1"), 0, 4), 0xab281002);
	assert_int_equal(told.arrived, 1);
	fabric_close(f);
}

static void test_plug_says_why_not(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t full = at("0000:00:1b.0"), empty = at("0000:06:10.0");

	(void)state;
	assert_int_equal(fabric_plug(f, full, "nvme", why, sizeof(why)),
			 -EEXIST);
	assert_int_equal(fabric_plug(f, at("0000:00:1f.0"), "nvme", why,
				     sizeof(why)),
			 -ENODEV);
	assert_int_equal(fabric_plug(f, at("0007:00:1f.0"), "nvme", why,
				     sizeof(why)),
			 -ENODEV);
	assert_int_equal(fabric_plug(f, at("0000:00:1e.4"), "nvme", why,
				     sizeof(why)),
			 -EOPNOTSUPP);
	assert_int_equal(fabric_plug(f, empty, "toaster", why, sizeof(why)),
			 -ENOENT);
	assert_non_null(strstr(why, "toaster"));
	assert_int_equal(fabric_plug(f, empty, "[ { \"at\": 3 } ]", why,
				     sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "$[0]"));
	assert_int_equal(fabric_functions(f), 64);
	fabric_close(f);
}

static void test_a_card_that_needs_more_buses_is_refused_whole(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t slot = at("0000:00:1b.0");

	(void)state;
	assert_int_equal(fabric_surprise(f, slot), 0);
	assert_int_equal(fabric_plug(f, slot, "gpu", why, sizeof(why)),
			 -ENOSPC);
	assert_false(there(f, at("0000:01:00.0")));
	assert_int_equal(fabric_functions(f), 63);
	assert_int_equal(fabric_plug(f, slot, "nvme", why, sizeof(why)), 0);
	fabric_close(f);
}

static void test_a_card_may_be_described_on_the_spot(void **state)
{
	struct fabric *f = open_spec("empty");

	(void)state;
	assert_int_equal(
		fabric_plug(f, at("0000:01:00.0"),
			    "[ { \"at\": \"00.0\", \"kind\": \"endpoint\","
			    "    \"id\": \"10de:1eb8\","
			    "    \"class\": \"0x030200\" } ]",
			    why, sizeof(why)),
		0);
	assert_int_equal(rd(f, at("0000:01:00.0"), 0, 4), 0x1eb810de);
	fabric_close(f);
}

static void test_unplug_only_what_the_core_let_go(void **state)
{
	struct told told;
	struct fabric *f = open_told("server", &told);
	pci_sbdf_t nic = at("0000:03:00.0"), vf = at("0000:03:02.2"), busy;
	unsigned int exp = cap(f, nic, PCI_CAP_ID_EXP);

	(void)state;
	core_adding(f, nic);
	core_adding(f, vf);
	assert_int_equal(fabric_unplug(f, nic, &busy), -EBUSY);
	assert_int_equal(busy.sbdf, nic.sbdf);
	wr(f, nic, exp + PCI_EXP_DEVCTL, 2, 0);
	wr(f, nic, PCI_COMMAND, 2, 0);
	core_removed(f, nic);
	assert_int_equal(fabric_unplug(f, nic, &busy), -EBUSY);
	assert_int_equal(busy.sbdf, vf.sbdf);
	core_removed(f, vf);
	assert_int_equal(fabric_unplug(f, nic, &busy), 0);
	assert_false(there(f, nic));
	assert_false(there(f, vf));
	assert_int_equal(told.gone, 0); /* who removed it knows */
	assert_int_equal(fabric_unplug(f, nic, NULL), -ENOENT);
	assert_int_equal(fabric_unplug(f, at("0000:00:1f.0"), NULL), -ENODEV);
	assert_int_equal(fabric_unplug(f, at("0000:18:00.0"), NULL),
			 -EOPNOTSUPP);
	fabric_close(f);
}

static void test_surprise_takes_the_whole_card(void **state)
{
	struct told told;
	struct fabric *f = open_told("server", &told);
	pci_sbdf_t port = at("0000:00:1c.4");

	(void)state;
	assert_int_equal(fabric_surprise(f, at("0000:04:00.2")), 0);
	for (unsigned int fn = 0; fn < 4; fn++)
		assert_false(there(f, pci_sbdf(0, 4, 0, (uint8_t)fn)));
	assert_int_equal(told.gone, 4);
	assert_int_equal(slot_status(f, port),
			 PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	assert_int_equal(fabric_surprise(f, at("0000:04:00.2")), -ENODEV);
	wr(f, port, cap(f, port, PCI_CAP_ID_EXP) + PCI_EXP_SLTSTA, 2,
	   PCI_EXP_SLTSTA_PDC);
	assert_int_equal(slot_status(f, port), PCI_EXP_SLTSTA_DLLSC);
	fabric_close(f);
}

static void test_surprise_of_a_vf_s_card_takes_the_pf(void **state)
{
	struct told told;
	struct fabric *f = open_told("server", &told);

	(void)state;
	assert_int_equal(fabric_surprise(f, at("0000:03:02.1")), 0);
	assert_false(there(f, at("0000:03:00.0")));
	assert_false(there(f, at("0000:03:02.3")));
	assert_int_equal(told.gone, 1); /* VFs go with it */
	assert_int_equal(told.last.sbdf, at("0000:03:00.0").sbdf);
	fabric_close(f);
}

static void test_surprise_without_a_slot_takes_all_below(void **state)
{
	struct told told;
	struct fabric *f = open_told("server", &told);

	(void)state;
	assert_int_equal(fabric_surprise(f, at("0000:05:00.0")), 0);
	assert_false(there(f, at("0000:05:00.0")));
	assert_false(there(f, at("0000:06:08.0")));
	assert_false(there(f, at("0000:07:00.0")));
	assert_true(there(f, at("0000:00:1d.0")));
	assert_int_equal(told.gone, 1);
	fabric_close(f);
}

static void test_surprise_of_an_integrated_vf_takes_its_pf(void **state)
{
	struct fabric *f = open_text(
		"{ \"segments\": [ { \"buses\": [ { \"devices\": ["
		"{ \"at\": \"00.0\", \"kind\": \"host-bridge\","
		"  \"id\": \"8086:2020\" },"
		"{ \"at\": \"02.0\", \"kind\": \"rc-endpoint\","
		"  \"id\": \"8086:2021\", \"class\": 0,"
		"  \"sriov\": { \"total\": 2, \"enabled\": 2 } } ] } ] } ] }");

	(void)state;
	assert_true(there(f, at("0000:00:02.2")));
	assert_int_equal(fabric_surprise(f, at("0000:00:02.2")), 0);
	assert_false(there(f, at("0000:00:02.0")));
	assert_true(there(f, at("0000:00:00.0")));
	assert_int_equal(fabric_functions(f), 1);
	fabric_close(f);
}

static void test_vfs_beyond_the_slot_s_buses_are_refused(void **state)
{
	static const char wide[] =
		"[ { \"at\": \"00.0\", \"kind\": \"endpoint\","
		"    \"id\": \"8086:1572\", \"class\": \"0x020000\","
		"    \"sriov\": { \"total\": 2, \"stride\": 256 } } ]";
	struct fabric *f = open_spec("server");
	pci_sbdf_t narrow = at("0000:00:1b.0"), spare = at("0000:06:10.0");

	(void)state;
	assert_int_equal(fabric_surprise(f, narrow), 0);
	assert_int_equal(fabric_plug(f, narrow, wide, why, sizeof(why)),
			 -ENOSPC);
	assert_false(there(f, at("0000:01:00.0")));
	assert_int_equal(fabric_plug(f, spare, wide, why, sizeof(why)), 0);
	fabric_close(f);
}

static void test_the_same_slot_takes_another_card(void **state)
{
	struct fabric *f = open_spec("server");
	pci_sbdf_t slot = at("0000:01:00.0");

	(void)state;
	assert_int_equal(fabric_surprise(f, slot), 0);
	assert_int_equal(fabric_plug(f, slot, "phantom", why, sizeof(why)), 0);
	assert_int_equal(rd(f, slot, 0, 4), 0x92301b4b);
	fabric_close(f);
}

static void test_slots_are_listed_in_order(void **state)
{
	static const unsigned int numbers[] = { 1, 2, 3,  4,  5,  6,
						8, 9, 10, 11, 12, 13 };
	struct fabric *f = open_spec("server");
	struct fabric_slot slot;
	pci_sbdf_t from = { 0 };
	unsigned int n = 0;

	(void)state;
	while (!fabric_slot_next(f, from, &slot)) {
		assert_true(n < ARRAY_SIZE(numbers));
		assert_int_equal(slot.number, numbers[n]);
		if (slot.number == 3) {
			assert_string_equal(slot.name, "nic");
			assert_int_equal(slot.port.sbdf,
					 at("0000:00:1c.0").sbdf);
			assert_int_equal(slot.card.sbdf,
					 at("0000:03:00.0").sbdf);
		}
		assert_int_equal(slot.occupied,
				 slot.number != 10 && slot.number != 13);
		assert_int_equal(slot.hotplug, slot.number != 6);
		from = slot.port;
		from.sbdf++;
		n++;
	}
	assert_int_equal(n, ARRAY_SIZE(numbers));
	fabric_close(f);
}

static void test_cards_have_names(void **state)
{
	struct fabric *f = open_spec("server");
	bool builtin = false, own = false;
	const char *name;

	(void)state;
	for (unsigned int i = 0; (name = fabric_card_name(f, i)); i++) {
		builtin |= !strcmp(name, "nic");
		own |= !strcmp(name, "fast-disk");
	}
	assert_true(builtin);
	assert_true(own);
	fabric_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plugged_card_answers_and_is_announced),
		cmocka_unit_test(test_a_card_with_a_switch_gets_its_buses),
		cmocka_unit_test(test_plug_says_why_not),
		cmocka_unit_test(
			test_a_card_that_needs_more_buses_is_refused_whole),
		cmocka_unit_test(test_a_card_may_be_described_on_the_spot),
		cmocka_unit_test(test_unplug_only_what_the_core_let_go),
		cmocka_unit_test(test_surprise_takes_the_whole_card),
		cmocka_unit_test(test_surprise_of_a_vf_s_card_takes_the_pf),
		cmocka_unit_test(test_surprise_without_a_slot_takes_all_below),
		cmocka_unit_test(
			test_surprise_of_an_integrated_vf_takes_its_pf),
		cmocka_unit_test(test_vfs_beyond_the_slot_s_buses_are_refused),
		cmocka_unit_test(test_the_same_slot_takes_another_card),
		cmocka_unit_test(test_slots_are_listed_in_order),
		cmocka_unit_test(test_cards_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
