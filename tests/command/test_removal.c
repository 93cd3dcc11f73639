/* SPDX-License-Identifier: BSD-2-Clause */
/* Removal over the wire: busy, ask, force, cancel, query, retry. */
#include "support.h"

#include <stdio.h>
#include <string.h>

static struct daemon d;
static struct client c;
static char vf[16], pf[16];

/* Each test has the server's fabric as it was, and a VF that vm has. */
static int setup(void **state)
{
	const char *on_ask = *state;

	daemon_make(&d, "fabric:server", NULL);
	client_open(&c, &d);
	find_vf(&c, vf, pf);
	do_it(&c, "domain.create", "{\"name\":\"vm\",\"on_ask\":\"%s\"}",
	      on_ask);
	do_it(&c, "assign", "{\"sbdf\":\"%s\",\"domain\":\"vm\"}", vf);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	client_close(&c);
	daemon_remove(&d);
	return 0;
}

static void test_a_busy_removal_names_who_since_when_on_what(void **state)
{
	json_object *error, *before, *after, *removal, *behind;

	(void)state;
	before = must(&c, "show", "{\"sbdf\":\"%s\"}", pf);
	error = must_fail(&c, -16, "remove", "{\"sbdf\":\"%s\"}", pf);
	removal = at(error, "data.removal");
	assert_string_equal(str_at(removal, "phase"), "busy");
	assert_true(bool_at(removal, "done"));
	assert_false(bool_at(removal, "safe_to_pull"));
	assert_string_equal(str_at(removal, "blockers.0.sbdf"), pf);
	assert_string_equal(str_at(removal, "blockers.0.kind"), "child");
	behind = at(removal, "behind.0");
	assert_string_equal(str_at(behind, "sbdf"), vf);
	assert_string_equal(str_at(behind, "domain"), "vm");
	assert_string_equal(str_at(behind, "kind"), "assigned");
	assert_int_equal(strlen(str_at(behind, "since")), 20);
	assert_non_null(strstr(str_at(error, "message"), vf));
	assert_non_null(strstr(str_at(error, "message"), "vm"));
	json_object_put(error);
	/* Nothing has changed but the ages. */
	after = must(&c, "show", "{\"sbdf\":\"%s\"}", pf);
	json_object_object_foreach(before, name, value) {
		json_object *now = at(after, name);

		if (!strcmp(name, "holders") || !strcmp(name, "added_s"))
			continue;
		assert_true(json_object_equal(value, now));
	}
	assert_int_equal(len_at(before, "holders"), len_at(after, "holders"));
	json_object_put(before);
	json_object_put(after);
}

static void test_a_guest_that_refuses_ends_the_asking(void **state)
{
	json_object *error;

	(void)state;
	error = must_fail(&c, -16, "remove",
			  "{\"sbdf\":\"%s\",\"ask\":true,"
			  "\"timeout_ms\":3600000}",
			  vf);
	assert_true(bool_at(error, "data.removal.blockers.0.asked"));
	assert_true(bool_at(error, "data.removal.blockers.0.refused"));
	json_object_put(error);
}

static void test_force_takes_it_all_the_same_and_says_safe_to_pull(void **state)
{
	json_object *removal, *again;

	(void)state;
	json_object_put(must_fail(&c, -16, "remove", "{\"sbdf\":\"%s\"}", pf));
	removal = must(&c, "remove", "{\"sbdf\":\"%s\",\"force\":true}", pf);
	assert_string_equal(str_at(removal, "phase"), "removed");
	assert_string_equal(str_at(removal, "given_back.0.domain"), "vm");
	assert_true(bool_at(removal, "safe_to_pull"));
	assert_int_equal(len_at(removal, "still_on_card"), 0);
	again = must(&c, "removal", "{\"sbdf\":\"%s\"}", pf);
	assert_int_equal(int_at(again, "id"), int_at(removal, "id"));
	json_object_put(again);
	json_object_put(removal);
	json_object_put(must_fail(&c, -19, "show", "{\"sbdf\":\"%s\"}", pf));
	again = must(&c, "fabric.witness", "{}");
	assert_int_equal(int_at(again, "violations"), 0);
	assert_int_equal(int_at(again, "after_success"), 0);
	json_object_put(again);
}

static int64_t reads_of_vf(void)
{
	json_object *seen = must(&c, "fabric.witness", "{\"sbdf\":\"%s\"}", vf);
	int64_t reads = int_at(seen, "reads");

	json_object_put(seen);
	return reads;
}

/* Who dumps configuration space uses the device as long as that takes. */
static void test_a_removal_ends_after_a_dump_that_has_begun(void **state)
{
	int64_t before = reads_of_vf();
	struct client dumper;
	json_object *msg;

	(void)state;
	do_it(&c, "fabric.fault",
	      "{\"sbdf\":\"%s\",\"fault\":\"slow\",\"arg\":1000000}", vf);
	client_open(&dumper, &d);
	ask(&dumper, "config.dump", "{\"sbdf\":\"%s\"}", vf);
	while (reads_of_vf() < before + 4)
		;
	msg = must(&c, "remove",
		   "{\"sbdf\":\"%s\",\"force\":true,"
		   "\"timeout_ms\":25000}",
		   vf);
	assert_string_equal(str_at(msg, "phase"), "removed");
	json_object_put(msg);
	assert_true(client_has(&dumper, 0));
	msg = must(&c, "fabric.witness", "{}");
	assert_int_equal(int_at(msg, "violations"), 0);
	json_object_put(msg);
	client_close(&dumper);
}

static void test_one_function_of_a_card_is_not_safe_to_pull(void **state)
{
	json_object *removal;
	bool still = false;

	(void)state;
	removal = must(&c, "remove", "{\"sbdf\":\"%s\",\"force\":true}", vf);
	assert_string_equal(str_at(removal, "phase"), "removed");
	assert_false(bool_at(removal, "safe_to_pull"));
	for (size_t i = 0; i < len_at(removal, "still_on_card"); i++)
		still |= !strcmp(
			json_object_get_string(json_object_array_get_idx(
				at(removal, "still_on_card"), i)),
			pf);
	assert_true(still);
	json_object_put(removal);
}

static void test_a_guest_that_releases_is_reported_as_given_back(void **state)
{
	json_object *removal;

	(void)state;
	removal = must(&c, "remove",
		       "{\"sbdf\":\"%s\",\"ask\":true,\"timeout_ms\":20000}",
		       vf);
	assert_string_equal(str_at(removal, "phase"), "removed");
	assert_int_equal(int_at(removal, "given_back_total"), 1);
	assert_string_equal(str_at(removal, "given_back.0.domain"), "vm");
	json_object_put(removal);
}

static void test_a_late_guest_is_waited_for(void **state)
{
	json_object *removal;

	(void)state;
	removal = must(&c, "remove",
		       "{\"sbdf\":\"%s\",\"ask\":true,\"timeout_ms\":20000}",
		       vf);
	assert_string_equal(str_at(removal, "phase"), "removed");
	assert_true(json_object_get_double(at(removal, "started_s")) >= 0.2);
	json_object_put(removal);
}

static void test_a_silent_guest_is_waited_for_to_the_deadline(void **state)
{
	json_object *error;

	(void)state;
	error = must_fail(&c, -16, "remove",
			  "{\"sbdf\":\"%s\",\"ask\":true,\"timeout_ms\":150}",
			  vf);
	assert_true(bool_at(error, "data.removal.blockers.0.asked"));
	assert_false(bool_at(error, "data.removal.blockers.0.refused"));
	assert_true(json_object_get_double(
			    at(error, "data.removal.started_s")) >= 0.15);
	json_object_put(error);
}

/* Other messages are dropped. */
static void wait_for_phase(const char *phase)
{
	bool there = false;

	while (!there) {
		json_object *msg = client_receive(&c), *event;

		assert_non_null(msg);
		there = json_object_object_get_ex(msg, "params", &event) &&
			!strcmp(str_at(event, "type"), "removal") &&
			!strcmp(str_at(event, "detail"), phase);
		json_object_put(msg);
	}
}

static void
test_a_second_removal_is_ealready_and_a_cancel_ends_the_first(void **state)
{
	json_object *first, *msg;

	(void)state;
	first = must(&c, "remove",
		     "{\"sbdf\":\"%s\",\"ask\":true,\"wait\":false,"
		     "\"timeout_ms\":600000}",
		     vf);
	assert_false(bool_at(first, "done"));
	assert_true(null_at(first, "errno"));
	assert_string_equal(str_at(first, "phase"), "asking");
	json_object_put(must_fail(&c, -114, "remove", "{\"sbdf\":\"%s\"}", vf));
	msg = must(&c, "removal", "{\"sbdf\":\"%s\"}", vf);
	assert_int_equal(int_at(msg, "id"), int_at(first, "id"));
	assert_true(int_at(msg, "left_ms") > 0);
	json_object_put(msg);
	do_it(&c, "subscribe", "{}");
	ask(&c, "cancel", "{\"id\":%d}", (int)int_at(first, "id"));
	json_object_put(first);
	wait_for_phase("cancelled");
	do_it(&c, "unsubscribe", "{}");
	json_object_put(must_fail(&c, -16, "remove", "{\"sbdf\":\"%s\"}", vf));
}

static void test_who_waits_is_told_that_it_was_cancelled(void **state)
{
	json_object *error;
	struct client other;
	int waiting;

	(void)state;
	client_open(&other, &d);
	do_it(&c, "subscribe", "{}");
	waiting = ask(&other, "remove",
		      "{\"sbdf\":\"%s\",\"ask\":true,\"timeout_ms\":600000}",
		      vf);
	wait_for_phase("asking");
	do_it(&c, "cancel", "{\"sbdf\":\"%s\"}", vf);
	error = answer(&other, waiting);
	assert_int_equal(int_at(error, "error.data.errno"), -125);
	assert_string_equal(str_at(error, "error.data.removal.phase"),
			    "cancelled");
	json_object_put(error);
	json_object_put(must_fail(&c, -2, "cancel", "{\"sbdf\":\"%s\"}", vf));
	client_close(&other);
}

static void test_a_removal_goes_on_when_its_client_leaves(void **state)
{
	json_object *shown;
	struct client other;

	(void)state;
	client_open(&other, &d);
	do_it(&c, "subscribe", "{}");
	ask(&other, "remove",
	    "{\"sbdf\":\"%s\",\"ask\":true,\"timeout_ms\":600000}", vf);
	wait_for_phase("asking");
	client_close(&other);
	shown = must(&c, "removal", "{\"sbdf\":\"%s\"}", vf);
	assert_false(bool_at(shown, "done"));
	json_object_put(shown);
	do_it(&c, "cancel", "{\"sbdf\":\"%s\"}", vf);
}

static void test_a_pin_is_a_blocker_with_user_and_reason(void **state)
{
	json_object *hold, *error;
	const char *who;

	(void)state;
	do_it(&c, "deassign", "{\"sbdf\":\"%s\"}", vf);
	hold = must(&c, "pin", "{\"sbdf\":\"%s\",\"reason\":\"flashing\"}", vf);
	who = str_at(hold, "who");
	assert_string_equal(str_at(hold, "kind"), "pin");
	assert_string_equal(who + strlen(who) - 10, ": flashing");
	json_object_put(must_fail(&c, -17, "pin",
				  "{\"sbdf\":\"%s\",\"reason\":\"x\"}", vf));
	error = must_fail(&c, -16, "remove", "{\"sbdf\":\"%s\"}", vf);
	assert_string_equal(str_at(error, "data.removal.blockers.0.who"), who);
	json_object_put(error);
	json_object_put(hold);
	do_it(&c, "unpin", "{\"sbdf\":\"%s\"}", vf);
	json_object_put(must_fail(&c, -2, "unpin", "{\"sbdf\":\"%s\"}", vf));
	do_it(&c, "remove", "{\"sbdf\":\"%s\"}", vf);
}

/* The pin ends with the device; a new device at its place has none. */
static void test_a_pin_that_is_cut_off_is_gone(void **state)
{
	json_object *dev;

	(void)state;
	do_it(&c, "deassign", "{\"sbdf\":\"%s\"}", vf);
	do_it(&c, "pin", "{\"sbdf\":\"%s\",\"reason\":\"x\"}", vf);
	do_it(&c, "remove", "{\"sbdf\":\"%s\",\"force\":true}", vf);
	do_it(&c, "add", "{\"sbdf\":\"%s\"}", vf);
	dev = must(&c, "show", "{\"sbdf\":\"%s\"}", vf);
	assert_int_equal(int_at(dev, "holds"), 0);
	json_object_put(dev);
	do_it(&c, "pin", "{\"sbdf\":\"%s\",\"reason\":\"y\"}", vf);
}

/* Out, and another one in: the replies come when it has been dealt with. */
static void test_a_card_pulled_and_plugged_is_another_instance(void **state)
{
	json_object *before, *after, *plug;
	char port[16];

	(void)state;
	before = must(&c, "show", "{\"sbdf\":\"%s\"}", pf);
	snprintf(port, sizeof(port), "%s", str_at(before, "parent"));
	json_object_put(
		must_fail(&c, -16, "fabric.unplug", "{\"slot\":\"%s\"}", port));
	do_it(&c, "fabric.surprise", "{\"sbdf\":\"%s\"}", pf);
	json_object_put(must_fail(&c, -19, "show", "{\"sbdf\":\"%s\"}", vf));
	plug = must(&c, "fabric.plug", "{\"slot\":\"%s\",\"card\":\"nic\"}",
		    port);
	assert_string_equal(str_at(plug, "devices.0"), pf);
	after = must(&c, "show", "{\"sbdf\":\"%s\"}", pf);
	assert_true(int_at(after, "instance") > int_at(before, "instance"));
	json_object_put(plug);
	json_object_put(before);
	json_object_put(after);
}

static void
test_a_broken_device_is_given_to_nobody_until_it_is_mended(void **state)
{
	json_object *error;

	(void)state;
	do_it(&c, "deassign", "{\"sbdf\":\"%s\"}", vf);
	do_it(&c, "mark_broken", "{\"sbdf\":\"%s\",\"reason\":\"bent pin\"}",
	      vf);
	error = must_fail(&c, -9, "assign",
			  "{\"sbdf\":\"%s\",\"domain\":\"vm\"}", vf);
	assert_string_equal(str_at(error, "data.broken"), "bent pin");
	json_object_put(error);
	do_it(&c, "mark_broken", "{\"sbdf\":\"%s\"}", vf);
	do_it(&c, "assign", "{\"sbdf\":\"%s\",\"domain\":\"vm\"}", vf);
}

static void test_assigned_and_absent_are_told_apart(void **state)
{
	json_object *error;

	(void)state;
	do_it(&c, "domain.create", "{\"name\":\"vm2\"}");
	error = must_fail(&c, -16, "assign",
			  "{\"sbdf\":\"%s\",\"domain\":\"vm2\"}", vf);
	assert_string_equal(str_at(error, "data.owner"), "vm");
	json_object_put(error);
	json_object_put(
		must_fail(&c, -19, "assign",
			  "{\"sbdf\":\"0000:fe:00.0\",\"domain\":\"vm2\"}"));
	error = must_fail(&c, -2, "assign",
			  "{\"sbdf\":\"%s\",\"domain\":\"nobody\"}", vf);
	assert_string_equal(str_at(error, "data.domain"), "nobody");
	json_object_put(error);
}

static void test_a_destroyed_domain_gives_its_devices_back(void **state)
{
	json_object *dev;

	(void)state;
	do_it(&c, "fabric.traffic", "{\"domain\":\"vm\",\"action\":\"start\"}");
	do_it(&c, "domain.destroy", "{\"name\":\"vm\"}");
	dev = must(&c, "show", "{\"sbdf\":\"%s\"}", vf);
	assert_string_equal(str_at(dev, "owner"), "hardware");
	json_object_put(dev);
	json_object_put(
		must_fail(&c, -2, "domain.destroy", "{\"name\":\"vm\"}"));
}

#define TEST(name, on_ask)                                   \
	{                                                    \
#name, name, setup, teardown, (void *)on_ask \
	}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_busy_removal_names_who_since_when_on_what,
		     "refuse"),
		TEST(test_a_guest_that_refuses_ends_the_asking, "refuse"),
		TEST(test_force_takes_it_all_the_same_and_says_safe_to_pull,
		     "refuse"),
		TEST(test_a_removal_ends_after_a_dump_that_has_begun, "refuse"),
		TEST(test_one_function_of_a_card_is_not_safe_to_pull, "refuse"),
		TEST(test_a_guest_that_releases_is_reported_as_given_back,
		     "release"),
		TEST(test_a_late_guest_is_waited_for, "late=200ms"),
		TEST(test_a_silent_guest_is_waited_for_to_the_deadline,
		     "ignore"),
		TEST(test_a_second_removal_is_ealready_and_a_cancel_ends_the_first,
		     "ignore"),
		TEST(test_who_waits_is_told_that_it_was_cancelled, "ignore"),
		TEST(test_a_removal_goes_on_when_its_client_leaves, "ignore"),
		TEST(test_a_pin_is_a_blocker_with_user_and_reason, "ignore"),
		TEST(test_a_pin_that_is_cut_off_is_gone, "ignore"),
		TEST(test_a_card_pulled_and_plugged_is_another_instance,
		     "ignore"),
		TEST(test_a_broken_device_is_given_to_nobody_until_it_is_mended,
		     "ignore"),
		TEST(test_assigned_and_absent_are_told_apart, "ignore"),
		TEST(test_a_destroyed_domain_gives_its_devices_back, "ignore"),
	};

	if (argc != 2)
		return 2;
	holdfastd = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
