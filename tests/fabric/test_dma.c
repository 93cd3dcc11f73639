/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of a request: who may send, under which ID, past whom, and where it
 * ends.
 */
#include <string.h>

#include "above.h"

#define TESTER "0000:03:00.0"
#define NEIGHBOUR "0000:04:00.0" /* below another port, with ACS */
#define PORT "0000:02:00.0"      /* above TESTER */
#define LOOSE "0000:0d:00.0"     /* below a switch without ACS */
#define LOOSE_TOO "0000:0e:00.0"
#define FUNCTION "0000:0f:00.0" /* of a device without ACS */
#define FUNCTION_TOO "0000:0f:00.1"
#define PHANTOM "0000:10:00.0"
#define PCI "0000:12:00.0" /* behind a bridge from PCI Express */
#define PCI_TOO "0000:12:01.0"
#define PF "0000:14:00.0"
#define VF "0000:14:00.2"
#define MERGED "0000:00:0b.0" /* the IOMMU takes it for 0a.0 */
#define LEGACY "0001:02:01.0" /* behind an old bridge, 1e.0 */

static void master(struct fabric *f, const char *device, bool on)
{
	uint16_t command = (uint16_t)rd(f, at(device), PCI_COMMAND, 2);

	command &= (uint16_t)~PCI_COMMAND_MASTER;
	wr(f, at(device), PCI_COMMAND, 2,
	   command | (on ? PCI_COMMAND_MASTER : 0));
}

/* Nobody has a context: each request names its requester. */
static void refuse_all(struct fabric *f)
{
	attach(f, "0000:00:00.0", IOMMU_BLOCKED, NULL);
	attach(f, "0001:00:00.0", IOMMU_BLOCKED, NULL);
}

static const char *rid_of(struct fabric *f, const char *device)
{
	static char text[PCI_SBDF_LEN];

	hf_store_relaxed(&above.faults, 0);
	assert_int_equal(dma(f, device, 0x5000, 1), -EFAULT);
	assert_int_equal(hf_load_relaxed(&above.faults), 1);
	assert_int_equal(above.fault.reason, IOMMU_FAULT_BLOCKED);
	assert_int_equal(above.fault.address, 0x5000);
	return pci_sbdf_print(text, above.fault.rid);
}

static void test_without_a_unit_memory_is_reached_as_it_is(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 1);
	uint32_t val = 0;

	(void)state;
	assert_int_equal(dma(f, TESTER, hpa + 8, 0x1234), 0);
	assert_int_equal(word(f, hpa + 8), 0x1234);
	assert_int_equal(fabric_dma_read(f, at(TESTER), hpa + 8, &val, 4), 0);
	assert_int_equal(val, 0x1234);
	assert_int_equal(counts_of(f, TESTER).dma, 2);
	assert_int_equal(violations(f), 0);
	fabric_close(f);
}

static void test_a_request_goes_in_pieces_that_cross_no_page(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 3);
	uint8_t out[2 * PAGE], in[2 * PAGE];

	(void)state;
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7);
	assert_int_equal(fabric_dma_write(f, at(TESTER), hpa + 100, out,
					  sizeof(out)),
			 0);
	assert_int_equal(counts_of(f, TESTER).dma, 3);
	assert_int_equal(fabric_dma_read(f, at(NEIGHBOUR), hpa + 100, in,
					 sizeof(in)),
			 0);
	assert_memory_equal(in, out, sizeof(in));
	/* the last page is free: what came before the error is done */
	assert_int_equal(fabric_ram_free(f, hpa + PAGE, 2 * PAGE), 0);
	assert_int_equal(fabric_dma_write(f, at(TESTER), 0x1000 - 4, out, 8),
			 -ENODEV);
	fabric_close(f);
}

static void test_nobody_there_reads_all_ones(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t val = 0;

	(void)state;
	assert_int_equal(fabric_dma_read(f, at(TESTER), 0x1000, &val, 8),
			 -ENODEV);
	assert_true(val == UINT64_MAX);
	assert_int_equal(dma(f, "0000:03:00.1", 0x1000, 1), -ENODEV);
	assert_int_equal(dma(f, "0007:03:00.1", 0x1000, 1), -ENODEV);
	assert_int_equal(dma(f, TESTER, UINT64_MAX - 2, 1), -EINVAL);
	assert_int_equal(fabric_dma_write(f, at(TESTER), UINT64_MAX, "", 0), 0);
	fabric_close(f);
}

static void test_bus_master_of_all_above_is_needed(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 1);
	const char *const above_it[] = { TESTER, PORT, "0000:01:00.0",
					 "0000:00:01.0" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(above_it); i++) {
		master(f, above_it[i], false);
		assert_int_equal(dma(f, TESTER, hpa, 1), -EPERM);
		master(f, above_it[i], true);
		assert_int_equal(dma(f, TESTER, hpa, 1), 0);
	}
	assert_int_equal(counts_of(f, TESTER).dma, 4);
	wr(f, at(TESTER), cap(f, at(TESTER), PCI_CAP_ID_PM) + PCI_PM_CTRL, 2,
	   3); /* D3hot */
	assert_int_equal(dma(f, TESTER, hpa, 1), -EPERM);
	fabric_close(f);
}

static void test_dma_without_an_address_is_stopped_where_all_is(void **state)
{
	struct fabric *f = above_open("lab");

	(void)state;
	attach(f, TESTER, IOMMU_SPACE, space(f, 1)); /* with nothing in it */
	assert_int_equal(fabric_dma(f, at(TESTER)), 0);
	assert_int_equal(fabric_dma(f, at(NEIGHBOUR)), -EFAULT);
	assert_int_equal(counts_of(f, NEIGHBOUR).faulted, 1);
	assert_int_equal(counts_of(f, NEIGHBOUR).dma, 0);
	attach(f, TESTER, IOMMU_BLOCKED, NULL);
	assert_int_equal(fabric_dma(f, at(TESTER)), -EFAULT);
	assert_int_equal(hf_load_relaxed(&above.faults), 0);
	fabric_close(f);
}

static void test_the_unit_sees_aliases(void **state)
{
	struct fabric *f = above_open("lab");

	(void)state;
	refuse_all(f);
	master(f, VF, true); /* firmware leaves it off */
	assert_string_equal(rid_of(f, TESTER), TESTER);
	assert_string_equal(rid_of(f, VF), VF);
	assert_string_equal(rid_of(f, PCI), "0000:12:00.0");
	assert_string_equal(rid_of(f, PCI_TOO), "0000:12:00.0");
	assert_string_equal(rid_of(f, LEGACY), "0001:00:1e.0");
	assert_string_equal(rid_of(f, MERGED), "0000:00:0a.0");
	assert_string_equal(rid_of(f, "0000:00:0a.0"), "0000:00:0a.0");
	assert_int_equal(counts_of(f, PCI_TOO).faulted, 1);
	assert_int_equal(counts_of(f, PCI_TOO).dma, 0);
	fabric_close(f);
}

static void test_phantom_functions_send_while_they_are_on(void **state)
{
	struct fabric *f = above_open("lab");
	unsigned int devctl =
		cap(f, at(PHANTOM), PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;

	(void)state;
	refuse_all(f);
	assert_string_equal(rid_of(f, "0000:10:00.4"), "0000:10:00.4");
	assert_int_equal(counts_of(f, PHANTOM).faulted, 1); /* its own */
	assert_int_equal(dma(f, "0000:10:00.2", 0, 1), -ENODEV);
	assert_int_equal(dma(f, "0000:03:00.4", 0, 1), -ENODEV);
	wr(f, at(PHANTOM), devctl, 2,
	   rd(f, at(PHANTOM), devctl, 2) & ~(uint32_t)PCI_EXP_DEVCTL_PHANTOM);
	assert_int_equal(dma(f, "0000:10:00.4", 0, 1), -ENODEV);
	fabric_close(f);
}

/* --- peer to peer --------------------------------------------------------- */

static bool reaches(struct fabric *f, const char *from, const char *to)
{
	uint64_t there = bar0(f, to) + 0x1000, val;
	static uint32_t tag;

	hf_store_relaxed(&above.faults, 0);
	if (dma(f, from, there, ++tag)) {
		assert_int_equal(hf_load_relaxed(&above.faults), 1);
		return false;
	}
	assert_int_equal(fabric_mem_read(f, there, 4, &val), 0);
	assert_int_equal((uint32_t)val, tag);
	return true;
}

static void redirect(struct fabric *f, const char *device)
{
	wr(f, at(device), ext(f, at(device), PCI_EXT_CAP_ID_ACS) + PCI_ACS_CTRL,
	   2, PCI_ACS_RR);
}

static void test_without_acs_neighbours_are_reached_past_the_unit(void **state)
{
	struct fabric *f = above_open("lab");

	(void)state;
	refuse_all(f);
	master(f, VF, true);
	assert_true(reaches(f, LOOSE, LOOSE_TOO));       /* a switch */
	assert_true(reaches(f, FUNCTION, FUNCTION_TOO)); /* a device */
	assert_true(reaches(f, PCI, PCI_TOO));           /* a bus */
	assert_true(reaches(f, TESTER, NEIGHBOUR));      /* ACS is off yet */
	assert_true(reaches(f, LOOSE, FUNCTION));        /* root ports, too */
	assert_false(reaches(f, VF, "0000:14:00.3"));
	assert_false(reaches(f, PF, VF));
	assert_false(reaches(f, VF, PF));
	assert_false(reaches(f, "0000:00:09.0", "0000:00:0a.0"));
	fabric_close(f);
}

static void test_acs_sends_all_requests_through_the_unit(void **state)
{
	struct fabric *f = above_open("lab");

	(void)state;
	refuse_all(f);
	redirect(f, PORT);
	redirect(f, "0000:00:01.0");
	assert_false(reaches(f, TESTER, NEIGHBOUR));
	assert_true(reaches(f, NEIGHBOUR, TESTER)); /* its own port does not */
	assert_false(reaches(f, TESTER, FUNCTION));
	redirect(f, "0000:00:02.0");
	assert_true(reaches(f, LOOSE, LOOSE_TOO)); /* below that */
	assert_false(reaches(f, LOOSE, FUNCTION));
	fabric_close(f);
}

static void test_the_unit_leads_to_bars_of_any_segment(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t there = bar0(f, "0001:01:00.0") + 0x1000, val;
	struct iommu_space *s = space(f, 1);

	(void)state;
	map(f, s, 0x10000, there, PAGE, IOMMU_READ | IOMMU_WRITE);
	attach(f, TESTER, IOMMU_SPACE, s);
	assert_int_equal(dma(f, TESTER, 0x10008, 0x77), 0);
	assert_int_equal(fabric_mem_read(f, there + 8, 4, &val), 0);
	assert_int_equal((uint32_t)val, 0x77);
	fabric_close(f);
}

static void test_odd_lengths_reach_bars_byte_by_byte(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t there = bar0(f, NEIGHBOUR) + 0x1003;
	char text[] = "thirteen byte", back[sizeof(text)] = { 0 };

	(void)state;
	assert_int_equal(fabric_dma_write(f, at(TESTER), there, text, 13), 0);
	assert_int_equal(fabric_dma_read(f, at(TESTER), there, back, 13), 0);
	assert_string_equal(back, text);
	fabric_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_without_a_unit_memory_is_reached_as_it_is),
		cmocka_unit_test(
			test_a_request_goes_in_pieces_that_cross_no_page),
		cmocka_unit_test(test_nobody_there_reads_all_ones),
		cmocka_unit_test(test_bus_master_of_all_above_is_needed),
		cmocka_unit_test(
			test_dma_without_an_address_is_stopped_where_all_is),
		cmocka_unit_test(test_the_unit_sees_aliases),
		cmocka_unit_test(test_phantom_functions_send_while_they_are_on),
		cmocka_unit_test(
			test_without_acs_neighbours_are_reached_past_the_unit),
		cmocka_unit_test(test_acs_sends_all_requests_through_the_unit),
		cmocka_unit_test(test_the_unit_leads_to_bars_of_any_segment),
		cmocka_unit_test(test_odd_lengths_reach_bars_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
