/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tester: commands, turns, resets, and how it misbehaves.
 */
#include <string.h>

#include "above.h"

#define A "0000:03:00.0"
#define B "0000:04:00.0"
#define PM "0000:08:00.0"    /* no FLR */
#define PLAIN "0000:09:00.0" /* its bus only */
#define PCI "0000:12:00.0"   /* AF */
#define VF "0000:14:00.2"
#define PHANTOM "0000:10:00.0"
#define PORT "0000:02:00.0" /* above A */

enum {
	SOURCE = FABRIC_TESTER_SOURCE,
	DESTINATION = FABRIC_TESTER_DESTINATION,
	LENGTH = FABRIC_TESTER_LENGTH,
	COMMAND = FABRIC_TESTER_COMMAND,
	STATUS = FABRIC_TESTER_STATUS,
	DATA = FABRIC_TESTER_DATA,
	DONE = FABRIC_TESTER_DONE,
	FAILED = FABRIC_TESTER_FAILED
};

static void command(struct fabric *f, const char *device, unsigned int what,
		    uint64_t source, uint64_t destination, uint32_t length)
{
	set(f, device, SOURCE, source);
	set(f, device, DESTINATION, destination);
	set(f, device, LENGTH, length);
	set(f, device, COMMAND, what);
}

static void run(struct fabric *f, const char *device, uint64_t destination)
{
	command(f, device, FABRIC_TESTER_WRITE | FABRIC_TESTER_RUN, 0,
		destination, 4);
}

static unsigned int devctl(struct fabric *f, const char *device)
{
	return cap(f, at(device), PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
}

static void flr(struct fabric *f, const char *device)
{
	wr(f, at(device), devctl(f, device), 2, PCI_EXP_DEVCTL_BCR_FLR);
}

static void power(struct fabric *f, const char *device, uint16_t d)
{
	wr(f, at(device), cap(f, at(device), PCI_CAP_ID_PM) + PCI_PM_CTRL, 2,
	   d);
}

static void bus_reset(struct fabric *f, const char *port)
{
	wr(f, at(port), PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET);
	wr(f, at(port), PCI_BRIDGE_CONTROL, 2, 0);
}

static void master_on(struct fabric *f, const char *device)
{
	wr(f, at(device), PCI_COMMAND, 2,
	   PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static bool pending(struct fabric *f, const char *device)
{
	return rd(f, at(device), devctl(f, device) + 2, 2) &
	       PCI_EXP_DEVSTA_TRPND;
}

/* --- commands ------------------------------------------------------------- */

static void test_it_moves_memory(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 6);
	uint8_t text[2 * PAGE], back[2 * PAGE];

	(void)state;
	memset(text, 3, sizeof(text));
	assert_int_equal(fabric_ram_write(f, hpa + 10, text, sizeof(text)), 0);
	command(f, A, FABRIC_TESTER_COPY, hpa + 10, hpa + 3 * PAGE + 1,
		2 * PAGE);
	assert_int_equal(get(f, A, STATUS), FABRIC_TESTER_OK);
	assert_int_equal(get(f, A, COMMAND), 0);
	assert_int_equal(
		fabric_ram_read(f, hpa + 3 * PAGE + 1, back, sizeof(back)), 0);
	assert_memory_equal(back, text, sizeof(text));
	command(f, A, FABRIC_TESTER_READ, hpa + 10, 0, 100);
	assert_int_equal(get(f, A, DATA), 300);
	set(f, A, DATA, 0x01020304);
	command(f, A, FABRIC_TESTER_WRITE, 0, hpa, 8);
	assert_int_equal(word(f, hpa), 0x01020304);
	assert_int_equal(word(f, hpa + 4), 0x01020304);
	assert_int_equal(get(f, A, DONE), 3);
	assert_int_equal(get(f, A, FAILED), 0);
	fabric_close(f);
}

/* As a driver sees it: through the BAR. */
static void test_a_driver_commands_it_by_its_bar(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t bar = bar0(f, A), hpa = ram(f, 0, 1), val;

	(void)state;
	assert_int_equal(fabric_mem_read(f, bar, 4, &val), 0);
	assert_int_equal((uint32_t)val, FABRIC_TESTER_MAGIC);
	assert_int_equal(fabric_mem_write(f, bar, 4, 0), 0);
	assert_int_equal(fabric_mem_write(f, bar + DESTINATION, 8, hpa), 0);
	assert_int_equal(fabric_mem_write(f, bar + LENGTH, 4, 4), 0);
	assert_int_equal(fabric_mem_write(f, bar + DATA, 4, 0xcafe), 0);
	assert_int_equal(fabric_mem_write(f, bar + COMMAND, 2, 2), 0);
	assert_int_equal(word(f, hpa), 0); /* parts are not written */
	assert_int_equal(
		fabric_mem_write(f, bar + COMMAND, 4, FABRIC_TESTER_WRITE), 0);
	assert_int_equal(word(f, hpa), 0xcafe);
	assert_int_equal(fabric_mem_read(f, bar + STATUS, 4, &val), 0);
	assert_int_equal((uint32_t)val, FABRIC_TESTER_OK);
	assert_int_equal(fabric_mem_write(f, bar + STATUS, 4, 0xff), 0);
	assert_int_equal(fabric_mem_read(f, bar, 8, &val), 0);
	assert_true(val ==
		    ((uint64_t)FABRIC_TESTER_OK << 32 | FABRIC_TESTER_MAGIC));
	assert_int_equal(fabric_mem_read(f, bar + STATUS + 1, 1, &val), 0);
	assert_int_equal((uint8_t)val, 0);
	/* the rest of the BAR is memory */
	assert_int_equal(
		fabric_mem_write(f, bar + FABRIC_TESTER_SIZE + 4, 4, 0x77), 0);
	assert_int_equal(
		fabric_mem_read(f, bar + FABRIC_TESTER_SIZE + 4, 4, &val), 0);
	assert_int_equal((uint32_t)val, 0x77);
	fabric_close(f);
}

static void test_hostile_registers_are_bad_commands(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 1);
	const struct {
		unsigned int command;
		uint64_t source, destination;
		uint32_t length;
	} bad[] = {
		{ FABRIC_TESTER_WRITE, 0, hpa, 0 },
		{ FABRIC_TESTER_WRITE, 0, hpa, FABRIC_TESTER_MAX_LENGTH + 1 },
		{ FABRIC_TESTER_WRITE, 0, hpa, UINT32_MAX },
		{ FABRIC_TESTER_WRITE, 0, UINT64_MAX - 2, 4 },
		{ FABRIC_TESTER_WRITE, 0, UINT64_MAX - PAGE + 1, 2 * PAGE },
		{ FABRIC_TESTER_COPY, UINT64_MAX - PAGE + 1, hpa, 2 * PAGE },
		{ FABRIC_TESTER_COPY, UINT64_MAX - 2, hpa, 4 },
		{ FABRIC_TESTER_READ, UINT64_MAX, 0, 2 },
		{ FABRIC_TESTER_COMMANDS, hpa, hpa, 4 },
		{ FABRIC_TESTER_RUN, hpa, hpa, 4 },
		{ 0xffffffff, hpa, hpa, 4 },
		{ FABRIC_TESTER_WRITE | 0x10000, hpa, hpa, 4 },
		{ FABRIC_TESTER_WRITE | FABRIC_TESTER_RUN, 0, hpa, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		command(f, A, bad[i].command, bad[i].source, bad[i].destination,
			bad[i].length);
		assert_int_equal(get(f, A, STATUS), FABRIC_TESTER_BAD);
		assert_int_equal(get(f, A, COMMAND), 0);
		assert_int_equal(get(f, A, FAILED), i + 1);
	}
	assert_int_equal(word(f, hpa), 0);
	assert_int_equal(fabric_turn(f), 0); /* nothing runs */
	fabric_close(f);
}

static void test_what_went_wrong_is_told(void **state)
{
	struct fabric *f = above_open("lab");

	(void)state;
	command(f, A, FABRIC_TESTER_WRITE, 0, 0x1000, 4);
	assert_int_equal(get(f, A, STATUS), FABRIC_TESTER_NOBODY);
	attach(f, A, IOMMU_BLOCKED, NULL);
	command(f, A, FABRIC_TESTER_WRITE, 0, 0x1000, 4);
	assert_int_equal(get(f, A, STATUS), FABRIC_TESTER_REFUSED);
	wr(f, at(A), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	command(f, A, FABRIC_TESTER_WRITE, 0, 0x1000, 4);
	assert_int_equal(get(f, A, STATUS), FABRIC_TESTER_NOT_SENT);
	fabric_close(f);
}

static void test_only_a_tester_has_the_registers(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t val;

	(void)state;
	assert_int_equal(fabric_tester_get(f, at(PORT), STATUS, &val), -ENODEV);
	assert_int_equal(fabric_tester_set(f, at("0009:00:00.0"), DATA, 1),
			 -ENODEV);
	assert_int_equal(fabric_tester_get(f, at(A), SOURCE + 4, &val),
			 -EINVAL);
	assert_int_equal(fabric_tester_get(f, at(A), 1, &val), -EINVAL);
	assert_int_equal(fabric_tester_set(f, at(A), FABRIC_TESTER_SIZE, 1),
			 -EINVAL);
	assert_int_equal(fabric_tester_get(f, at(A), UINT32_MAX & ~3u, &val),
			 -EINVAL);
	fabric_close(f);
}

static void test_a_vf_and_a_phantom_are_testers_too(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 1);

	(void)state;
	wr(f, at(VF), PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	set(f, VF, DATA, 5);
	command(f, VF, FABRIC_TESTER_WRITE, 0, hpa, 4);
	assert_int_equal(word(f, hpa), 5);
	assert_int_equal(counts_of(f, VF).dma, 1);
	attach(f, "0000:10:00.4", IOMMU_IDENTITY, NULL);
	command(f, PHANTOM, FABRIC_TESTER_WRITE, 0, hpa, 4);
	assert_int_equal(get(f, PHANTOM, STATUS), FABRIC_TESTER_REFUSED);
	set(f, PHANTOM, FABRIC_TESTER_PHANTOM, 4);
	command(f, PHANTOM, FABRIC_TESTER_WRITE, 0, hpa, 4);
	assert_int_equal(get(f, PHANTOM, STATUS), FABRIC_TESTER_OK);
	set(f, PHANTOM, FABRIC_TESTER_PHANTOM, 3);
	command(f, PHANTOM, FABRIC_TESTER_WRITE, 0, hpa, 4);
	assert_int_equal(get(f, PHANTOM, STATUS), FABRIC_TESTER_NOT_SENT);
	fabric_close(f);
}

static void test_it_raises_vectors(void **state)
{
	struct fabric *f = above_open("lab");

	(void)state;
	set(f, A, FABRIC_TESTER_VECTOR, 2);
	set(f, A, COMMAND, FABRIC_TESTER_INTERRUPT); /* INTx */
	assert_int_equal(get(f, A, STATUS), FABRIC_TESTER_OK);
	wr(f, at(A), cap(f, at(A), PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 2,
	   PCI_MSIX_FLAGS_ENABLE);
	set(f, A, COMMAND, FABRIC_TESTER_INTERRUPT);
	assert_int_equal(get(f, A, STATUS), FABRIC_TESTER_NOT_SENT);
	assert_int_equal(counts_of(f, A).interrupts, 1);
	fabric_close(f);
}

/* --- turns ---------------------------------------------------------------- */

static void test_a_running_one_takes_turns(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 1);

	(void)state;
	run(f, A, hpa);
	assert_int_equal(word(f, hpa), 0); /* the first one, at once */
	assert_int_equal(get(f, A, DATA), 1);
	rd(f, at(A), PCI_VENDOR_ID, 2);
	assert_int_equal(word(f, hpa), 1);
	wr(f, at(A), PCI_INTERRUPT_LINE, 1, 4);
	assert_int_equal(word(f, hpa), 2);
	assert_int_equal(done(f, flush_context(f, B)), 0); /* two calls */
	assert_int_equal(word(f, hpa), 4);
	assert_int_equal(fabric_turn(f), 1);
	assert_int_equal(word(f, hpa), 5);
	assert_int_equal(get(f, A, STATUS),
			 FABRIC_TESTER_OK | FABRIC_TESTER_BUSY);
	rd(f, at(B), PCI_VENDOR_ID, 2); /* somebody else's */
	assert_int_equal(word(f, hpa), 5);
	set(f, A, COMMAND, FABRIC_TESTER_STOP);
	rd(f, at(A), PCI_VENDOR_ID, 2);
	assert_int_equal(fabric_turn(f), 0);
	assert_int_equal(word(f, hpa), 5);
	fabric_close(f);
}

static void test_it_goes_on_when_refused(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 1);

	(void)state;
	attach(f, A, IOMMU_BLOCKED, NULL);
	run(f, A, hpa);
	fabric_turn(f);
	assert_int_equal(hf_load_relaxed(&above.faults), 2);
	attach(f, A, IOMMU_IDENTITY, NULL);
	fabric_turn(f);
	assert_int_equal(word(f, hpa), 2);
	fabric_close(f);
}

static void test_transactions_are_pending_while_it_may_send(void **state)
{
	struct fabric *f = above_open("lab");

	(void)state;
	assert_false(pending(f, A));
	run(f, A, ram(f, 0, 1));
	assert_true(pending(f, A));
	wr(f, at(A), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_false(pending(f, A));
	fabric_close(f);
}

static void test_a_command_by_another_device_waits_for_a_turn(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 1);

	(void)state;
	set(f, B, DATA, 0x99);
	set(f, B, DESTINATION, hpa);
	set(f, B, LENGTH, 4);
	assert_int_equal(dma(f, A, bar0(f, B) + COMMAND, FABRIC_TESTER_WRITE),
			 0);
	assert_int_equal(word(f, hpa), 0);
	assert_int_equal(get(f, B, STATUS), FABRIC_TESTER_BUSY);
	assert_int_equal(fabric_turn(f), 1);
	assert_int_equal(word(f, hpa), 0x99);
	assert_int_equal(get(f, B, STATUS), FABRIC_TESTER_OK);
	/* two that start each other do not go on for ever */
	set(f, A, DATA, FABRIC_TESTER_WRITE);
	set(f, B, DATA, FABRIC_TESTER_WRITE);
	set(f, B, DESTINATION, bar0(f, A) + COMMAND);
	command(f, A, FABRIC_TESTER_WRITE, 0, bar0(f, B) + COMMAND, 4);
	assert_int_equal(fabric_turn(f), 1);
	set(f, A, COMMAND, FABRIC_TESTER_STOP);
	set(f, B, COMMAND, FABRIC_TESTER_STOP);
	fabric_close(f);
}

static void test_it_can_command_itself(void **state)
{
	struct fabric *f = above_open("lab");

	(void)state;
	set(f, A, DATA, FABRIC_TESTER_WRITE);
	command(f, A, FABRIC_TESTER_WRITE, 0, bar0(f, A) + COMMAND, 4);
	assert_int_equal(get(f, A, STATUS), FABRIC_TESTER_BUSY);
	assert_int_equal(fabric_turn(f), 1);
	set(f, A, COMMAND, FABRIC_TESTER_STOP);
	fabric_close(f);
}

/* --- resets --------------------------------------------------------------- */

static void assert_fresh(struct fabric *f, const char *device)
{
	assert_int_equal(get(f, device, STATUS), 0);
	assert_int_equal(get(f, device, DONE), 0);
	assert_int_equal(rd(f, at(device), PCI_COMMAND, 2), 0);
	assert_int_equal(rd(f, at(device), PCI_BASE_ADDRESS_0, 4), 0);
	assert_int_equal(rd(f, at(device),
			    cap(f, at(device), PCI_CAP_ID_MSI) + PCI_MSI_FLAGS,
			    2) & PCI_MSI_FLAGS_ENABLE,
			 0);
	assert_int_equal(fabric_turn(f), 0);
}

static void msi_on(struct fabric *f, const char *device)
{
	wr(f, at(device), cap(f, at(device), PCI_CAP_ID_MSI) + PCI_MSI_FLAGS, 2,
	   PCI_MSI_FLAGS_ENABLE);
}

static void start(struct fabric *f, const char *device)
{
	run(f, device, ram(f, 0, 1));
	msi_on(f, device);
	assert_int_not_equal(get(f, device, STATUS) & FABRIC_TESTER_BUSY, 0);
}

static void test_each_reset_stops_it(void **state)
{
	struct fabric *f = above_open("lab");

	(void)state;
	start(f, A);
	flr(f, A);
	assert_fresh(f, A);
	start(f, PM);
	flr(f, PM); /* has none */
	assert_int_not_equal(get(f, PM, STATUS), 0);
	power(f, PM, 3);
	power(f, PM, 0);
	assert_fresh(f, PM);
	start(f, PLAIN);
	power(f, PLAIN, 3);
	power(f, PLAIN, 0); /* No_Soft_Reset */
	assert_int_not_equal(get(f, PLAIN, STATUS), 0);
	bus_reset(f, "0000:02:06.0");
	assert_fresh(f, PLAIN);
	start(f, PCI);
	wr(f, at(PCI), cap(f, at(PCI), PCI_CAP_ID_AF) + PCI_AF_CTRL, 1,
	   PCI_AF_CTRL_FLR);
	assert_fresh(f, PCI);
	fabric_close(f);
}

static void test_a_function_reset_leaves_the_link_alone(void **state)
{
	struct fabric *f = above_open("lab");
	unsigned int pcie = cap(f, at(A), PCI_CAP_ID_EXP);

	(void)state;
	wr(f, at(A), pcie + PCI_EXP_DEVCTL, 2, 0x20 | 0x5000); /* 256 bytes */
	wr(f, at(A), pcie + PCI_EXP_LNKCTL, 2, PCI_EXP_LNKCTL_CCC);
	flr(f, A);
	assert_int_equal(rd(f, at(A), pcie + PCI_EXP_DEVCTL, 2) &
				 PCI_EXP_DEVCTL_PAYLOAD,
			 0x20);
	assert_int_equal(rd(f, at(A), pcie + PCI_EXP_DEVCTL, 2) & 0x7000,
			 0x2000);
	assert_int_equal(rd(f, at(A), pcie + PCI_EXP_LNKCTL, 2),
			 PCI_EXP_LNKCTL_CCC);
	bus_reset(f, PORT);
	assert_int_equal(rd(f, at(A), pcie + PCI_EXP_LNKCTL, 2), 0);
	assert_int_equal(rd(f, at(A), pcie + PCI_EXP_DEVCTL, 2) &
				 PCI_EXP_DEVCTL_PAYLOAD,
			 0);
	fabric_close(f);
}

static void test_a_reset_drops_what_ats_remembers(void **state)
{
	struct fabric *f = above_open("lab");
	struct iommu_space *s = space(f, 1);

	(void)state;
	map(f, s, 0, ram(f, 1, 1), PAGE, IOMMU_WRITE);
	attach(f, A, IOMMU_SPACE, s);
	assert_int_equal(
		fabric_host(f)->iommu->ats(fabric_host(f), at(A), true), 0);
	wr(f, at(A), ext(f, at(A), PCI_EXT_CAP_ID_ATS) + PCI_ATS_CTRL, 2,
	   PCI_ATS_CTRL_ENABLE);
	assert_int_equal(dma(f, A, 0, 1), 0);
	assert_int_equal(unit_of(f).cached, 2);
	flr(f, A);
	assert_int_equal(unit_of(f).cached, 1);
	fabric_close(f);
}

/* --- how it misbehaves ----------------------------------------------------- */

static void test_one_that_ignores_resets(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 1);

	(void)state;
	fault_on(f, A, FABRIC_IGNORES_RESET, 0);
	run(f, A, hpa);
	flr(f, A);
	power(f, A, 3);
	power(f, A, 0);
	bus_reset(f, PORT);
	assert_int_not_equal(bar0(f, A), 0);
	assert_int_equal(fabric_turn(f), 1);
	assert_true(word(f, hpa) > 0);
	fabric_close(f);
}

static void test_one_that_dies_of_a_reset(void **state)
{
	struct fabric *f = above_open("lab");
	struct fabric_fault left[2];

	(void)state;
	fault_on(f, A, FABRIC_DEAD_AFTER_RESET, 0);
	assert_int_equal(rd(f, at(A), PCI_VENDOR_ID, 2), 0x1b36);
	start(f, A);
	flr(f, A);
	assert_int_equal(rd(f, at(A), PCI_VENDOR_ID, 2), 0xffff);
	assert_int_equal(fabric_turn(f), 0);
	assert_int_equal(fabric_faults(f, left, 2), 1);
	assert_int_equal(left[0].kind, FABRIC_ALL_ONES);
	assert_int_equal(fabric_fault_clear(f, at(A)), 0);
	assert_int_equal(rd(f, at(A), PCI_VENDOR_ID, 2), 0x1b36);
	fabric_close(f);
}

static void test_a_dead_one_does_nothing_unless_nothing_stops_it(void **state)
{
	struct fabric *f = above_open("lab");

	(void)state;
	start(f, A);
	fault_on(f, A, FABRIC_ALL_ONES, 0);
	assert_int_equal(fabric_turn(f), 0);
	fault_on(f, A, FABRIC_KEEPS_DMA, 0);
	assert_int_equal(fabric_turn(f), 1);
	fabric_close(f);
}

static void test_one_that_is_slow_after_a_reset(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t since;

	(void)state;
	fault_on(f, A, FABRIC_SLOW_RESET, 5 * PLAT_NSEC_PER_MSEC);
	assert_int_equal(rd(f, at(A), PCI_VENDOR_ID, 2), 0x1b36);
	since = plat_now();
	flr(f, A);
	assert_int_equal(rd(f, at(A), PCI_VENDOR_ID, 2), PCI_VENDOR_ID_RETRY);
	assert_int_equal(rd(f, at(A), PCI_COMMAND, 2), 0xffff);
	wr(f, at(A), PCI_INTERRUPT_LINE, 1, 3); /* lost */
	while (rd(f, at(A), PCI_VENDOR_ID, 2) == PCI_VENDOR_ID_RETRY)
		;
	assert_true(plat_now() - since >= 5 * PLAT_NSEC_PER_MSEC);
	assert_int_equal(rd(f, at(A), PCI_INTERRUPT_LINE, 1), 0xff);
	assert_int_equal(rd(f, at(A), PCI_COMMAND, 2), 0);
	fabric_close(f);
}

static void test_one_that_nothing_stops(void **state)
{
	struct fabric *f = above_open("lab");
	uint64_t hpa = ram(f, 0, 1);

	(void)state;
	fault_on(f, A, FABRIC_KEEPS_DMA, 0);
	run(f, A, hpa);
	wr(f, at(A), PCI_COMMAND, 2, 0);
	assert_false(pending(f, A)); /* and it does not show */
	flr(f, A);
	assert_int_equal(rd(f, at(A), PCI_COMMAND, 2), 0);
	assert_int_equal(fabric_turn(f), 1);
	assert_true(word(f, hpa) >= 3);
	/* but the unit does, and the bridge above */
	attach(f, A, IOMMU_BLOCKED, NULL);
	hf_store_relaxed(&above.faults, 0);
	fabric_turn(f);
	assert_int_equal(hf_load_relaxed(&above.faults), 1);
	wr(f, at(PORT), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	fabric_turn(f);
	assert_int_equal(hf_load_relaxed(&above.faults), 1);
	/* what is pulled is gone */
	assert_int_equal(fabric_surprise(f, at(A)), 0);
	assert_int_equal(fabric_turn(f), 0);
	fabric_close(f);
}

static void test_it_fits_into_any_slot(void **state)
{
	static const char *const cards[] = { "tester", "tester-pm",
					     "tester-plain" };
	struct fabric *f = above_open("server");
	unsigned int n = fabric_functions(f);
	char err[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cards); i++) {
		assert_int_equal(fabric_unplug(f, at("0000:01:00.0"), NULL), 0);
		assert_int_equal(fabric_plug(f, at("0000:01:00.0"), cards[i],
					     err, sizeof(err)),
				 0);
		assert_int_equal(fabric_functions(f), n);
		master_on(f, "0000:01:00.0");
		command(f, "0000:01:00.0", FABRIC_TESTER_WRITE, 0, ram(f, 0, 1),
			4);
		assert_int_equal(get(f, "0000:01:00.0", STATUS),
				 FABRIC_TESTER_OK);
		run(f, "0000:01:00.0", ram(f, 0, 1));
	}
	assert_int_equal(fabric_unplug(f, at("0000:01:00.0"), NULL), 0);
	assert_int_equal(fabric_turn(f), 0);
	fabric_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_moves_memory),
		cmocka_unit_test(test_a_driver_commands_it_by_its_bar),
		cmocka_unit_test(test_hostile_registers_are_bad_commands),
		cmocka_unit_test(test_what_went_wrong_is_told),
		cmocka_unit_test(test_only_a_tester_has_the_registers),
		cmocka_unit_test(test_a_vf_and_a_phantom_are_testers_too),
		cmocka_unit_test(test_it_raises_vectors),
		cmocka_unit_test(test_a_running_one_takes_turns),
		cmocka_unit_test(test_it_goes_on_when_refused),
		cmocka_unit_test(
			test_transactions_are_pending_while_it_may_send),
		cmocka_unit_test(
			test_a_command_by_another_device_waits_for_a_turn),
		cmocka_unit_test(test_it_can_command_itself),
		cmocka_unit_test(test_each_reset_stops_it),
		cmocka_unit_test(test_a_function_reset_leaves_the_link_alone),
		cmocka_unit_test(test_a_reset_drops_what_ats_remembers),
		cmocka_unit_test(test_one_that_ignores_resets),
		cmocka_unit_test(test_one_that_dies_of_a_reset),
		cmocka_unit_test(
			test_a_dead_one_does_nothing_unless_nothing_stops_it),
		cmocka_unit_test(test_one_that_is_slow_after_a_reset),
		cmocka_unit_test(test_one_that_nothing_stops),
		cmocka_unit_test(test_it_fits_into_any_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
