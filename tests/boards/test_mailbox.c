/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How management is spoken to, and how it speaks: its PCI function with the
 * mailbox, HVC, and the ring of events.
 */
#include <string.h>

#include <holdfast/errno.h>

#include "../at.h"
#include "lab.h"

/* --- what Linux finds ---------------------------------------------------------------- */

static void test_function_is_one_that_no_driver_takes(void **state)
{
	(void)state;
	assert_int_equal(mgmt_config_read(PCI_VENDOR_ID, 4),
			 MGMT_VENDOR | MGMT_DEVICE << 16);
	assert_int_equal(mgmt_config_read(PCI_CLASS_DEVICE, 2), MGMT_CLASS);
	assert_int_equal(mgmt_config_read(PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(mgmt_config_read(MGMT_VSEC, 2), PCI_EXT_CAP_ID_VNDR);
	assert_int_equal(mgmt_config_read(MGMT_VSEC + 4, 4) >> 20,
			 MGMT_VSEC_LEN);
}

static void test_bar_is_sized_and_placed(void **state)
{
	(void)state;
	mgmt_config_write(PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	assert_int_equal(mgmt_config_read(PCI_BASE_ADDRESS_0, 4), 0xfffff000);
	mgmt_config_write(PCI_BASE_ADDRESS_0, 4, 0x10004000);
	assert_int_equal(lab.ring_at, 0);
	mgmt_config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(lab.ring_at, 0x10004000);
	mgmt_config_write(PCI_BASE_ADDRESS_0 + 2, 2, 0x1001);
	assert_int_equal(lab.ring_at, 0x10014000);
	mgmt_config_write(PCI_COMMAND, 2, 0);
	assert_int_equal(lab.ring_at, 0);
}

static void test_accesses_that_are_none_do_nothing(void **state)
{
	uint16_t reg;

	(void)state;
	assert_int_equal(mgmt_config_read(1, 2), UINT32_MAX);
	assert_int_equal(mgmt_config_read(0, 3), UINT32_MAX);
	assert_int_equal(mgmt_config_read(0, 8), UINT32_MAX);
	assert_int_equal(mgmt_config_read(4096, 4), UINT32_MAX);
	for (reg = 0; reg < 4096; reg++)
		mgmt_config_write(reg, 1, 0xff);
	mgmt_config_write(MGMT_DOOR, 2, MGMT_LOSE);
	mgmt_config_write(5000, 4, 0);
	assert_int_equal(mgmt_config_read(PCI_VENDOR_ID, 4),
			 MGMT_VENDOR | MGMT_DEVICE << 16);
}

static void test_hostile_requests_are_answered(void **state)
{
	struct mgmt_request r = request(CARD);
	unsigned int i;

	(void)state;
	assert_int_equal(ask_with(0, &r), -ENOSYS);
	assert_int_equal(ask_with(MGMT_VERBS, &r), -ENOSYS);
	assert_int_equal(ask_with(UINT32_MAX, &r), -ENOSYS);
	r.version++;
	assert_int_equal(ask_with(MGMT_SHOW, &r), -EOPNOTSUPP);
	r = request(CARD);
	memset(r.who, 'a', sizeof(r.who));
	assert_int_equal(ask_with(MGMT_PIN, &r), -EINVAL);
	r.who[3] = '\033';
	assert_int_equal(ask_with(MGMT_PIN, &r), -EINVAL);
	assert_int_equal(remove_with(8), -EINVAL);
	r = request(CARD);
	r.timeout_ms = UINT32_MAX;
	assert_int_equal(ask_with(MGMT_REMOVE, &r), -EINVAL);
	for (i = MGMT_NEXT; i < MGMT_STATS; i++) {
		r = request(CARD);
		r.sbdf = 0xfffffff8u;
		r.index = UINT32_MAX;
		assert_true((int)ask_with(i, &r) < 0);
	}
}

static void test_one_request_at_a_time(void **state)
{
	(void)state;
	lab.meanwhile.depth = 0;
	assert_int_equal(ask(MGMT_GUEST_STOP, CARD), 0);
	assert_int_equal(lab.meanwhile.depth, 1);
	assert_int_equal(lab.meanwhile.status, -EAGAIN);
	assert_int_equal(lab.meanwhile.word, 0);
	assert_int_equal(ask(MGMT_SHOW, CARD), 0);
}

/* Any bytes, through either door. */
static void test_random_requests_break_nothing(void **state)
{
	unsigned int seed = 8, i, k;
	struct mgmt_request r;

	(void)state;
	for (i = 0; i < 20000; i++) {
		uint64_t x[4] = { MGMT_HVC_PUT +
					  (unsigned int)rand_r(&seed) % 4,
				  (unsigned int)rand_r(&seed) % 500,
				  (uint64_t)rand_r(&seed) << 33, 0 };

		for (k = 0; k < sizeof(r); k++)
			((unsigned char *)&r)[k] = (unsigned char)rand_r(&seed);
		if (i % 2)
			r.version = MGMT_VERSION;
		if (i % 4 == 1)
			memset(r.who, 0, sizeof(r.who));
		if (i % 8 == 1)
			r.sbdf &= 0x1ff;
		box_put(&r, sizeof(r));
		mgmt_config_write(MGMT_DOOR, 4,
				  (unsigned int)rand_r(&seed) % 24);
		(void)mgmt_hvc(x);
		poll_all();
	}
}

static void test_hvc_asks_the_same(void **state)
{
	struct mgmt_request r = request(CARD);
	struct mgmt_device device;
	uint64_t word, x[4];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(r); i += 8) {
		word = 0;
		memcpy(&word, (char *)&r + i,
		       sizeof(r) - i < 8 ? sizeof(r) - i : 8);
		memcpy(x, ((uint64_t[]){ MGMT_HVC_PUT, i, word, 0 }),
		       sizeof(x));
		assert_true(mgmt_hvc(x));
	}
	memcpy(x, ((uint64_t[]){ MGMT_HVC_CALL, MGMT_SHOW }), 16);
	assert_true(mgmt_hvc(x));
	assert_int_equal(x[0], 0);
	for (i = 0; i < sizeof(device); i += 8) {
		memcpy(x, ((uint64_t[]){ MGMT_HVC_GET, i }), 16);
		assert_true(mgmt_hvc(x));
		memcpy((char *)&device + i, &x[1], 8);
	}
	assert_int_equal(device.sbdf, at(CARD).sbdf);
	memcpy(x, ((uint64_t[]){ 0x84000000, 0 }), 16);
	assert_false(mgmt_hvc(x));
}

static void test_list_names_all_devices(void **state)
{
	struct mgmt_request r = request("0000:00:00.0");
	unsigned int n = 0;

	(void)state;
	while (!ask_with(MGMT_NEXT, &r)) {
		n++;
		r.sbdf = lab.answer.device.sbdf + 1;
	}
	assert_int_equal(n, 4);
	assert_int_equal(ask(MGMT_STATS, CARD), 0);
	assert_int_equal(lab.answer.stats.devices, 4);
}

/* --- the ring ------------------------------------------------------------------------------ */

static void test_events_are_in_the_ring(void **state)
{
	const struct mgmt_ring *ring = &mgmt_ring_page;
	uint64_t n = ring->next;
	const struct mgmt_event *e;

	(void)state;
	assert_int_equal(ring->magic, MGMT_RING_MAGIC);
	wr(CARD, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(ring->next, n + 1);
	e = &ring->event[n % MGMT_RING_ENTRIES];
	assert_int_equal(e->seq, n);
	assert_int_equal(e->sbdf, at(CARD).sbdf);
	assert_string_equal(e->detail, "hardware domain: bus mastering is on");
	/* Whatever its reader does to it, it goes on. */
	memset(&mgmt_ring_page, 0xff, sizeof(mgmt_ring_page));
	wr(CARD, PCI_COMMAND, 2, 0);
	assert_int_equal(ring->next, n + 2);
	assert_int_equal(ring->event[(n + 1) % MGMT_RING_ENTRIES].seq, n + 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, lab_set_up, lab_tear_down)
		CASE(test_function_is_one_that_no_driver_takes),
		CASE(test_bar_is_sized_and_placed),
		CASE(test_accesses_that_are_none_do_nothing),
		CASE(test_hostile_requests_are_answered),
		CASE(test_one_request_at_a_time),
		CASE(test_random_requests_break_nothing),
		CASE(test_hvc_asks_the_same),
		CASE(test_list_names_all_devices),
		CASE(test_events_are_in_the_ring),
	};

	if (argc != 2)
		return 2;
	lab.machine = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
