/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration space as guests see it, over the wire. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/pci_regs.h>

/* BAR 0: 16 KiB, of which the MSI-X table and PBA have two pages; FLR. */
#define DEV "0000:01:00.0"
#define AT "0000:05:1f.3"
#define PF "0000:03:00.0"

static struct daemon d;
static struct client c;

/* vm has DEV at AT. */
static int setup(void **state)
{
	(void)state;
	daemon_make(&d, "fabric:server", NULL);
	client_open(&c, &d);
	do_it(&c, "domain.create", "{\"name\":\"vm\"}");
	do_it(&c, "assign",
	      "{\"sbdf\":\"" DEV "\",\"domain\":\"vm\",\"vsbdf\":\"" AT "\"}");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	client_close(&c);
	daemon_remove(&d);
	return 0;
}

/* A register, of @dev as @domain sees it; NULL: the hardware's. */
static uint32_t read_of(const char *domain, const char *dev, int reg, int size)
{
	json_object *result;
	uint32_t value;

	if (domain)
		result = must(&c, "guest.config_read",
			      "{\"domain\":\"%s\",\"vsbdf\":\"%s\",\"reg\":%d,"
			      "\"size\":%d}",
			      domain, dev, reg, size);
	else
		result = must(&c, "config.read",
			      "{\"sbdf\":\"%s\",\"reg\":%d,\"size\":%d}", dev,
			      reg, size);
	value = (uint32_t)int_at(result, "value");
	json_object_put(result);
	return value;
}

static uint32_t get(int reg, int size)
{
	return read_of("vm", AT, reg, size);
}

static void write_of(const char *domain, const char *dev, int reg, int size,
		     uint32_t value)
{
	do_it(&c, "guest.config_write",
	      "{\"domain\":\"%s\",\"vsbdf\":\"%s\",\"reg\":%d,\"size\":%d,"
	      "\"value\":%u}",
	      domain, dev, reg, size, value);
}

static void set(int reg, int size, uint32_t value)
{
	write_of("vm", AT, reg, size, value);
}

static json_object *show(const char *dev)
{
	return must(&c, "show", "{\"sbdf\":\"%s\"}", dev);
}

/* --- addresses --------------------------------------------------------------------- */

static void test_a_guest_address_is_any_bus_device_and_function(void **state)
{
	json_object *o = show(DEV);

	(void)state;
	assert_string_equal(str_at(o, "vsbdf"), AT);
	json_object_put(o);
	assert_int_equal(get(PCI_VENDOR_ID, 4), 0x0a548086);
}

static void test_a_guest_address_that_is_taken_is_told(void **state)
{
	json_object *error;

	(void)state;
	error = must_fail(&c, -17, "assign",
			  "{\"sbdf\":\"0000:02:00.0\",\"domain\":\"vm\","
			  "\"vsbdf\":\"" AT "\"}");
	assert_non_null(strstr(str_at(error, "message"), "guest address"));
	json_object_put(error);
}

/* 198 functions behind one bridge, for a guest's 32 slots: all, or none. */
static void test_a_guest_without_a_free_slot_is_told(void **state)
{
	json_object *error, *domain;

	(void)state;
	client_close(&c);
	daemon_end(&d);
	daemon_again(&d, "fabric:scale=200", NULL);
	client_open(&c, &d);
	do_it(&c, "domain.create", "{\"name\":\"vm\"}");
	error = must_fail(&c, -28, "assign",
			  "{\"sbdf\":\"0000:01:00.0\",\"domain\":\"vm\","
			  "\"group\":true}");
	assert_non_null(strstr(str_at(error, "message"), "no free slot"));
	json_object_put(error);
	domain = must(&c, "domain.show", "{\"name\":\"vm\"}");
	assert_int_equal(len_at(domain, "owns"), 0);
	json_object_put(domain);
}

static void test_where_a_guest_sees_nobody_there_is_no_device(void **state)
{
	static const char *const nowhere[] = { "00:01.0", "0001:05:1f.3", DEV };
	json_object *error;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		error = must_fail(&c, -19, "guest.config_read",
				  "{\"domain\":\"vm\",\"vsbdf\":\"%s\","
				  "\"reg\":0,\"size\":4}",
				  nowhere[i]);
		assert_string_equal(str_at(error, "data.domain"), "vm");
		json_object_put(error);
	}
	json_object_put(must_fail(&c, -19, "guest.config_dump",
				  "{\"domain\":\"vm\",\"vsbdf\":\"00:01.0\"}"));
	json_object_put(must_fail(&c, -2, "guest.config_dump",
				  "{\"domain\":\"nobody\"}"));
	json_object_put(must_fail(&c, -22, "guest.config_read",
				  "{\"domain\":\"vm\",\"vsbdf\":\"" AT "\","
				  "\"reg\":2,\"size\":4}"));
}

/* --- registers --------------------------------------------------------------------- */

static void
test_a_guest_places_a_bar_and_show_tells_what_is_mapped(void **state)
{
	uint32_t real = read_of(NULL, DEV, PCI_BASE_ADDRESS_0, 4);
	json_object *o;

	(void)state;
	o = show(DEV);
	assert_false(bool_at(o, "view.bars.0.decode"));
	assert_int_equal(int_at(o, "view.bars.0.mapped"), 0);
	json_object_put(o);
	set(PCI_BASE_ADDRESS_0, 4, 0xffffffff);
	assert_int_equal(get(PCI_BASE_ADDRESS_0, 4) & ~0xfu, 0xffffc000);
	set(PCI_BASE_ADDRESS_0, 4, 0xfe000000);
	set(PCI_BASE_ADDRESS_0 + 4, 4, 0x1);
	set(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	o = show(DEV);
	assert_string_equal(str_at(o, "view.policy"), "guest");
	assert_int_equal(int_at(o, "view.command"), PCI_COMMAND_MEMORY);
	assert_string_equal(str_at(o, "view.bars.0.guest"), "0x1fe000000");
	assert_int_equal(int_at(o, "view.bars.0.size"), 16384);
	assert_int_equal(int_at(o, "view.bars.0.mapped"), 8192);
	assert_true(bool_at(o, "view.bars.0.decode"));
	json_object_put(o);
	/* None of it reached the hardware's own BAR. */
	assert_int_equal(read_of(NULL, DEV, PCI_BASE_ADDRESS_0, 4), real);
	set(PCI_COMMAND, 2, 0);
	o = show(DEV);
	assert_int_equal(int_at(o, "view.bars.0.mapped"), 0);
	json_object_put(o);
}

/* Position of a capability in the guest's list; 0: hidden. */
static int find_cap(uint8_t id)
{
	int pos = (int)get(PCI_CAPABILITY_LIST, 1);

	for (int i = 0; pos && i < 48; i++) {
		if (get(pos, 1) == id)
			return pos;
		pos = (int)get(pos + 1, 1);
	}
	return 0;
}

static void test_a_write_is_answered_when_the_reset_is_over(void **state)
{
	int cap = find_cap(PCI_CAP_ID_EXP);

	(void)state;
	assert_true(cap);
	set(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	set(cap + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	assert_int_equal(get(PCI_COMMAND, 2), 0);
	assert_int_equal(get(PCI_VENDOR_ID, 4), 0x0a548086);
	/* A deassignment waits for a reset that is under way. */
	do_it(&c, "deassign", "{\"sbdf\":\"" DEV "\"}");
	assert_int_equal(read_of(NULL, DEV, PCI_VENDOR_ID, 4), 0x0a548086);
}

static void test_a_device_that_goes_back_takes_its_view_along(void **state)
{
	json_object *o;

	(void)state;
	do_it(&c, "deassign", "{\"sbdf\":\"" DEV "\"}");
	json_object_put(must_fail(&c, -19, "guest.config_write",
				  "{\"domain\":\"vm\",\"vsbdf\":\"" AT "\","
				  "\"reg\":4,\"size\":2,\"value\":2}"));
	o = show(DEV);
	assert_string_equal(str_at(o, "view.policy"), "hardware-domain");
	assert_true(null_at(o, "vsbdf"));
	json_object_put(o);
	assert_true(log_has(&d, "method=guest.config_write target=vm:" AT
				" outcome=ENODEV"));
}

/* --- dumps -------------------------------------------------------------------------- */

static void test_a_dump_has_what_the_guest_sees_in_pages(void **state)
{
	json_object *whole, *page, *rest;
	char text[32768], cursor[32];

	(void)state;
	whole = must(&c, "guest.config_dump", "{\"domain\":\"vm\"}");
	/* A slot's function 0 is shown, so that the others are looked for. */
	assert_non_null(strstr(str_at(whole, "text"), "0000:05:1f.0 ff"));
	assert_non_null(
		strstr(str_at(whole, "text"), "\n" AT " 0108: 8086:0a54\n"));
	assert_true(null_at(whole, "next"));
	page = must(&c, "guest.config_dump", "{\"domain\":\"vm\",\"limit\":1}");
	snprintf(cursor, sizeof(cursor), "%s", str_at(page, "next"));
	rest = must(&c, "guest.config_dump",
		    "{\"domain\":\"vm\",\"limit\":1,\"cursor\":\"%s\"}",
		    cursor);
	assert_true(null_at(rest, "next"));
	snprintf(text, sizeof(text), "%s", str_at(page, "text"));
	strncat(text, str_at(rest, "text"), sizeof(text) - strlen(text) - 1);
	assert_string_equal(text, strstr(str_at(whole, "text"), "0000:05"));
	json_object_put(page);
	json_object_put(rest);
	page = must(&c, "guest.config_dump",
		    "{\"domain\":\"vm\",\"vsbdf\":\"" AT "\"}");
	assert_memory_equal(str_at(page, "text"), AT, strlen(AT));
	json_object_put(page);
	json_object_put(whole);
}

/* --- the hardware domain ------------------------------------------------------------- */

static void test_hardware_is_a_domain_at_host_addresses(void **state)
{
	json_object *seen, *real;

	(void)state;
	assert_int_equal(read_of("hardware", PF, 0, 4),
			 read_of(NULL, PF, 0, 4));
	seen = must(&c, "guest.config_dump",
		    "{\"domain\":\"hardware\",\"vsbdf\":\"" PF "\"}");
	real = must(&c, "config.dump", "{\"sbdf\":\"" PF "\"}");
	assert_string_equal(str_at(seen, "text"), str_at(real, "text"));
	json_object_put(seen);
	json_object_put(real);
	/* What a guest has is not the hardware domain's. */
	json_object_put(must_fail(&c, -19, "guest.config_read",
				  "{\"domain\":\"hardware\",\"vsbdf\":\"" DEV
				  "\",\"reg\":0,\"size\":4}"));
	seen = must(&c, "guest.config_dump",
		    "{\"domain\":\"hardware\",\"limit\":32}");
	assert_null(strstr(str_at(seen, "text"), DEV));
	json_object_put(seen);
}

/* The next event of this type. */
static void wait_for_event(struct client *listener, const char *type,
			   char detail[64])
{
	json_object *msg;
	bool found = false;

	while (!found) {
		msg = client_receive(listener);
		assert_non_null(msg);
		found = !strcmp(str_at(msg, "params.type"), type);
		snprintf(detail, 64, "%s", str_at(msg, "params.detail"));
		json_object_put(msg);
	}
}

static void test_vfs_that_a_guest_has_stay_and_an_event_says_who(void **state)
{
	char vf[16], pf[16], detail[64];
	struct client listener;
	json_object *o;
	int pos = 0;

	(void)state;
	find_vf(&c, vf, pf);
	do_it(&c, "assign", "{\"sbdf\":\"%s\",\"domain\":\"vm\"}", vf);
	o = show(pf);
	for (size_t i = 0; i < len_at(o, "capabilities"); i++) {
		json_object *cap =
			json_object_array_get_idx(at(o, "capabilities"), i);

		if (bool_at(cap, "extended") &&
		    int_at(cap, "id") == PCI_EXT_CAP_ID_SRIOV)
			pos = (int)int_at(cap, "pos");
	}
	json_object_put(o);
	assert_true(pos);
	client_open(&listener, &d);
	do_it(&listener, "subscribe", "{}");
	write_of("hardware", pf, pos + PCI_SRIOV_CTRL, 2, 0);
	wait_for_event(&listener, "vfs", detail);
	client_close(&listener);
	assert_non_null(strstr(detail, "vm"));
	assert_true(read_of("hardware", pf, pos + PCI_SRIOV_CTRL, 2) &
		    PCI_SRIOV_CTRL_VFE);
	json_object_put(show(vf));
}

static void
test_without_views_the_hardware_domain_has_the_hardware(void **state)
{
	char path[128], host[160];
	json_object *dump;

	(void)state;
	dump = must(&c, "config.dump", "{\"sbdf\":\"" PF "\"}");
	snprintf(path, sizeof(path), "%s/dump", d.dir);
	snprintf(host, sizeof(host), "dump:%s", path);
	write_file(path, str_at(dump, "text"));
	json_object_put(dump);
	client_close(&c);
	daemon_end(&d);
	daemon_again(&d, host, NULL);
	client_open(&c, &d);
	assert_int_equal(read_of("hardware", PF, 0, 4),
			 read_of(NULL, PF, 0, 4));
	write_of("hardware", PF, PCI_INTERRUPT_LINE, 1, 0x2a);
	assert_int_equal(read_of(NULL, PF, PCI_INTERRUPT_LINE, 1), 0x2a);
	dump = show(PF);
	assert_true(null_at(dump, "view"));
	json_object_put(dump);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_guest_address_is_any_bus_device_and_function),
		TEST(test_a_guest_address_that_is_taken_is_told),
		TEST(test_a_guest_without_a_free_slot_is_told),
		TEST(test_where_a_guest_sees_nobody_there_is_no_device),
		TEST(test_a_guest_places_a_bar_and_show_tells_what_is_mapped),
		TEST(test_a_write_is_answered_when_the_reset_is_over),
		TEST(test_a_device_that_goes_back_takes_its_view_along),
		TEST(test_a_dump_has_what_the_guest_sees_in_pages),
		TEST(test_hardware_is_a_domain_at_host_addresses),
		TEST(test_vfs_that_a_guest_has_stay_and_an_event_says_who),
		TEST(test_without_views_the_hardware_domain_has_the_hardware),
	};

	if (argc != 2)
		return 2;
	holdfastd = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
